"""What is around a face when its head moves: a lattice that goes with the head and comes to rest in the neck and the
background, and the flow of pixels that mesh and lattice make together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ..face import mesh
from ..face.filters import blur, smoothstep
from ..face.topology import POINTS
from ..types import Array
from .reenact_head import OUTLINE, MovedHead, RestHead

STEP = 0.22  # eye distances from one point of the lattice to the next
CLEAR = 0.1  # from the outline to the first of them
BACK = np.array(
    [0.0, 0.3]
)  # of the middle of a head, across and down in its frame; its depth is the ears' and
BEHIND = 0.25  # so much more
ROUND = 0.45  # eye distances over which the depth beside a face becomes that of the middle of the head
REACH = 0.45  # over which the outline's expression fades outside of it
NECK = 1.6  # below the chin over which neck and shoulders come to rest
BESIDE = 0.15, 1.8  # from the head, between which the background does: less would bend door frames visibly
EDGE = 0.5  # from the end of what is worked on
# eye distances that a place is nearer to the head than to another one, from where on it moves
BETWEEN = 0.5, 0.9
# cosine of the angle at which skin is seen, and of the way to the middle of the face
GRAZING, INWARDS = (0.05, 0.45), 0.06
TURNED = 7.0, 22.0  # degrees over which that comes
CELL = 4  # pixels in a cell of the flow of a head of COMMON pixels an eye distance
COMMON = 100.0
FACING = 0.02  # area in cells, below which a triangle is turned away
WILD = 5.0  # times that a triangle is stretched, from which on it is left out


@dataclass(frozen=True, eq=False)
class Field:
    """The mesh and the lattice around it at rest: vertices `[468 + Q, 2]` in pixels, the lattice's points in the head's
    frame `[Q, 3]`, how much of its motion each takes `[Q]`, how much of the outline's expression `[Q, 36]`, how far
    inwards vertices look that the photo sees at a grazing angle `[468 + Q, 2]`, triangles around the face and of it,
    each turned so that its area is positive where it faces the camera."""

    rest: RestHead
    vertices: Array
    lattice: Array
    weight: Array
    expressed: Array
    inset: Array
    around: Array
    face: Array
    size: tuple[int, int]  # height, width

    @staticmethod
    def of(
        rest: RestHead,
        mask: Array,
        open_sides: tuple[bool, bool, bool, bool],
        triangles: Array,
        others: Sequence[Array],
    ) -> Field:
        """mask `[h, w]`: the head; open_sides: left, top, right, bottom: where there is more of the photo; triangles
        of the mesh; others: the faces beside it `[478, 2]`, around which nothing moves."""
        height, width = mask.shape
        scale, outline = rest.scale, rest.points[OUTLINE]
        places, away = _lattice_places(outline[:, :2], scale, width, height)
        near = np.linalg.norm(places[:, None] - outline[None, :, :2], axis=-1)
        weight = _weight(rest, places, mask, open_sides)
        if others:
            nearest = np.minimum.reduce([_away(points, places) for points in others])
            weight *= smoothstep((nearest - _away(rest.points[:, :2], places)) / scale, *BETWEEN)
        shares = np.exp(-((near / (0.25 * scale)) ** 2)) + 1e-9 * np.exp(-near / scale)
        shares /= shares.sum(1, keepdims=True)
        depth = _depth(rest, shares @ outline[:, 2], away)
        expressed = shares * np.exp(-((away / (REACH * scale)) ** 2))[:, None]
        flat = np.concatenate([outline[:, :2], places]).astype(np.float32)
        names = np.concatenate([OUTLINE, POINTS + np.arange(len(places))])
        vertices = np.concatenate([rest.points[:POINTS, :2], places])
        return Field(
            rest,
            vertices,
            rest.placement.head(np.column_stack([places, depth])),
            weight,
            expressed,
            _inset(rest, vertices, triangles),
            _turned_up(names[mesh.triangulate(flat)], vertices),
            facing_out(triangles, rest.model.mean),
            (height, width),
        )

    @property
    def cell(self) -> int:
        """Pixels on a side of the flow's cells."""
        return round(CELL * max(1.0, self.rest.scale / COMMON))

    def moved(self, head: MovedHead) -> tuple[Array, Array]:
        """Where all vertices are `[468 + Q, 2]`, and their depth, when the head is there."""
        at = head.placement
        change = (head.shape - self.rest.shape)[OUTLINE]
        there = at.show(self.lattice + self.expressed @ change)
        start = self.vertices[POINTS:]
        places = start + self.weight[:, None] * (there[:, :2] - start)
        points = head.points[:POINTS]
        return np.concatenate([points[:, :2], places]), np.concatenate([points[:, 2], there[:, 2]])

    def looked_at(self, head: MovedHead) -> Array:
        """Where the vertices look `[468 + Q, 2]`: of a head that turns, what was seen at a grazing angle looks a little
        inwards, or background would be drawn out over its cheek."""
        turn = head.placement.turn @ self.rest.placement.turn.T
        angle = np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1)))
        return self.vertices + float(smoothstep(angle, *TURNED)) * self.inset

    def flow(self, places: Array, depth: Array, looked_at: Array) -> Array:
        """How far from itself each cell looks `[rows, columns, 2]` in pixels, when the vertices are there and look
        there."""
        cell = self.cell
        shape = -(-self.size[0] // cell), -(-self.size[1] // cell)
        at, to = ((one + 0.5) / cell - 0.5 for one in (places, looked_at))
        order = np.concatenate(
            [painted(at, to, depth, self.around), len(self.around) + painted(at, to, depth, self.face)]
        )
        looks = mesh.dense_map(at, to, np.concatenate([self.around, self.face]), shape, order)
        return blur((looks - mesh.pixel_grid(*shape[::-1])) * np.float32(cell), 0.7)

    def fine(
        self, places: Array, depth: Array, to: Array, box: tuple[int, int, int, int], step: int
    ) -> Array:
        """The same in a window of pixels (left, top, right, bottom) with cells of `step` pixels, looking at vertices
        that lie at `to`: `[h, w, 2]`."""
        left, top, right, bottom = box
        triangles = np.concatenate([self.around, self.face])
        corners = places[triangles]
        low, high = corners.min(1), corners.max(1)
        inside = (high >= (left, top)).all(1) & (low <= (right, bottom)).all(1)
        outer, inner = self.around[inside[: len(self.around)]], self.face[inside[len(self.around) :]]
        shape = -(-(bottom - top) // step), -(-(right - left) // step)
        at, to = ((one - (left, top) + 0.5) / step - 0.5 for one in (places, to))
        order = np.concatenate([painted(at, to, depth, outer), len(outer) + painted(at, to, depth, inner)])
        looks = mesh.dense_map(at, to, np.concatenate([outer, inner]), shape, order)
        flow = blur((looks - mesh.pixel_grid(*shape[::-1])) * np.float32(step), 0.5)
        if step > 1:
            flow = cv2.resize(flow, (shape[1] * step, shape[0] * step), interpolation=cv2.INTER_LINEAR)
        return flow[: bottom - top, : right - left]


def painted(at: Array, to: Array, depth: Array, triangles: Array) -> Array:
    """Which triangles are painted, in an order in which what is in front is seen: those turned away first, then from
    far to near. Nearly flat ones, which the photo shows many times larger, are left out: they would make swirls, and
    what is around them covers their place."""
    stretched, area = mesh.stretches(at, to, triangles)
    order = np.argsort(-(depth[triangles].mean(1) + 1e6 * (area <= FACING)))
    return order[stretched[order] <= WILD]


def facing_out(triangles: Array, mean: Array) -> Array:
    """Triangles `[T, 3]` of the mesh alone, each turned so that its area is positive where the camera sees its outer
    side; mean `[478, 3]`: of a head."""
    own = triangles[(triangles < POINTS).all(1)]
    corners = mean[own]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    middle = corners.mean(1)
    axis = np.array([0, 0, mean[[234, 454], 2].mean()])
    outwards = (normal * (middle * np.array([1, 0, 1]) - axis)).sum(
        1
    ) > 0  # by the right hand: away from the camera
    return np.where(outwards[:, None], own[:, [0, 2, 1]], own)


def _inset(rest: RestHead, vertices: Array, triangles: Array) -> Array:
    points = rest.points[:POINTS]
    facing = -mesh.normals(points[:, :2], points[:, 2], triangles)[:, 2]
    out = np.zeros_like(vertices)
    out[:POINTS] = (INWARDS * (1 - smoothstep(facing, *GRAZING)))[:, None] * (
        points[:, :2].mean(0) - points[:, :2]
    )
    return out


def _turned_up(triangles: Array, places: Array) -> Array:
    return np.where((_areas(places, triangles) < 0)[:, None], triangles[:, [0, 2, 1]], triangles)


def _areas(places: Array, triangles: Array) -> Array:
    """Twice the area of each triangle, positive where its corners go round clockwise as seen."""
    corners = places[triangles]
    (ax, ay), (bx, by) = ((corners[:, k] - corners[:, 0]).T for k in (1, 2))
    return ax * by - ay * bx


def _lattice_places(outline: Array, scale: float, width: int, height: int) -> tuple[Array, Array]:
    """Points `[Q, 2]` all over a region of pixels outside an outline, and how far from it they are `[Q]`."""
    step = STEP * scale
    across, down = (np.linspace(-1, side, int(np.ceil(side / step)) + 1) for side in (width, height))
    places = np.stack(np.meshgrid(across, down), -1).reshape(-1, 2)
    closed = outline.astype(np.float32).reshape(-1, 1, 2)
    away = np.array([-cv2.pointPolygonTest(closed, (float(x), float(y)), True) for x, y in places])
    outside = away > CLEAR * scale
    return places[outside], away[outside]


def _depth(rest: RestHead, start: Array, away: Array) -> Array:
    """How deep the lattice lies `[Q]`: next to a face as its outline, `start [Q]`, from there on like the middle of the
    head."""
    ears = float(rest.model.mean[[234, 454], 2].mean()) / rest.unit
    middle = rest.placement.show(np.array([[*BACK, ears + BEHIND]]))[0, 2]
    return start + (middle - start) * (1 - np.exp(-away / (ROUND * rest.scale)))


def _weight(rest: RestHead, places: Array, mask: Array, open_sides: tuple[bool, bool, bool, bool]) -> Array:
    """How much of the head's motion each point of the lattice takes `[Q]`."""
    scale = rest.scale
    height, width = mask.shape
    down = rest.placement.turn[:2, 1] / np.linalg.norm(rest.placement.turn[:2, 1])
    below = (places - rest.points[152, :2]) @ down / scale
    apart = cv2.distanceTransform((mask <= 0.5).astype(np.uint8), cv2.DIST_L2, 5) / scale
    edges = (
        np.stack([places[:, 0], places[:, 1], width - 1 - places[:, 0], height - 1 - places[:, 1]])
        + np.where(open_sides, 0, 1e9)[:, None]
    )
    return (
        (1 - smoothstep(below, 0, NECK))
        * (1 - smoothstep(_at(apart, places), *BESIDE))
        * smoothstep(edges.min(0) / scale, 0, EDGE)
    ).astype(np.float64)


def _away(points: Array, places: Array) -> Array:
    """How far places `[Q, 2]` lie outside the hull of a face `[478, 2]`, below 0 inside."""
    hull = cv2.convexHull(points[:POINTS].astype(np.float32))
    return np.array([-cv2.pointPolygonTest(hull, (float(x), float(y)), True) for x, y in places])


def _at(values: Array, places: Array) -> Array:
    height, width = values.shape
    return values[
        np.clip(places[:, 1], 0, height - 1).astype(int), np.clip(places[:, 0], 0, width - 1).astype(int)
    ]
