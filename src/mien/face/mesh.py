"""The face mesh as a coordinate system: dense maps between two faces' layouts, and displacements carried from
one to the other."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..types import Array
from . import topology
from .topology import EXTREMES, EYELIDS, INNER_LIPS, POINTS


def with_border_points(points: Array, size: int) -> Array:
    """Mesh points `[468, 2]` (crop xy) with 12 points on the crop's border, which no displacement moves:
    `[480, 2]`."""
    ends = np.linspace(-0.5, size - 0.5, 4)
    border = [(x, y) for x in ends for y in ends if x in (ends[0], ends[-1]) or y in (ends[0], ends[-1])]
    return np.concatenate([points[:POINTS], np.array(border)]).astype(np.float32)


def triangulate(points: Array) -> Array:
    """Delaunay triangles `[T, 3]` of `points [V, 2]`."""
    low, high = points.min(0) - 2, points.max(0) + 2
    plane = cv2.Subdiv2D((float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1])))
    for point in points:
        plane.insert((float(point[0]), float(point[1])))
    corners = np.asarray(plane.getTriangleList()).reshape(-1, 3, 2)
    inside = ((corners >= low) & (corners <= high)).all((1, 2))
    nearest = ((corners[inside][:, :, None] - points) ** 2).sum(-1).argmin(-1)
    return np.unique(np.sort(nearest, axis=1), axis=0)


@dataclass(frozen=True, eq=False)
class Raster:
    """Which triangle of a layout each pixel of a picture lies in, `label [h, w]` (-1 in none), and how values at the
    corners of each become a plane over it."""

    label: Array
    triangles: Array
    corners: Array
    inverse: Array

    @staticmethod
    def of(at: Array, triangles: Array, size: int | tuple[int, int], order: Array | None = None) -> Raster:
        """The layout `at [V, 2]` as drawn on `size` pixels, a side or height and width. Triangles turned over (hidden
        sides of the face) are drawn first, so that the visible win; or all in an order `[T]` that is given."""
        corners = at[triangles].astype(np.float64)
        inverse, area = _inverse_edges(corners)
        label = np.full((size, size) if isinstance(size, int) else size, -1, np.int32)
        fixed = np.rint(corners * 16).astype(np.int32)
        for index in np.argsort(np.abs(area)) if order is None else order:
            cv2.fillConvexPoly(label, fixed[index], int(index), shift=4)
        return Raster(label, triangles, corners, inverse)

    def spread(self, values: Array) -> Array:
        """Values `[V, K]` at the points all over the picture, `[h, w, K]` float32, affine inside each triangle; 0 in
        none."""
        ends = values[self.triangles].astype(np.float64)
        linear = self.inverse @ (ends[:, 1:] - ends[:, :1])  # row vectors: offset_at @ linear = offset_to
        shift = ends[:, 0] - np.einsum("ti,tik->tk", self.corners[:, 0], linear)
        planes = np.concatenate([linear, shift[:, None]], 1).astype(np.float32)  # [T, 3, K]
        x, y = (np.arange(side, dtype=np.float32) for side in self.label.shape[::-1])
        out = np.empty((*self.label.shape, values.shape[1]), np.float32)
        for k in range(values.shape[1]):
            out[..., k] = planes[:, 0, k][self.label] * x + planes[:, 1, k][self.label] * y[:, None]
            out[..., k] += planes[:, 2, k][self.label]
        out[self.label < 0] = 0
        return out


def _inverse_edges(corners: Array) -> tuple[Array, Array]:
    """Of triangles `[T, 3, 2]`, what takes a place back to shares of their two edges `[T, 2, 2]`, and twice their area
    `[T]`, positive where corners go round clockwise as seen."""
    edges = corners[:, 1:] - corners[:, :1]
    area = edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0]
    safe = np.where(np.abs(area) < 1e-6, 1e-6, area)
    turned = np.stack([edges[:, 1, 1], -edges[:, 0, 1], -edges[:, 1, 0], edges[:, 0, 0]], -1)
    return turned.reshape(-1, 2, 2) / safe[:, None, None], area


def stretches(at: Array, to: Array, triangles: Array) -> tuple[Array, Array]:
    """How many times larger, in the direction in which it is most, each triangle of a layout `at [V, 2]` is in the
    layout `to [V, 2]`; and twice its area, below 0 where it is turned over: `[T]` each."""
    inverse, area = _inverse_edges(at[triangles].astype(np.float64))
    ends = to[triangles].astype(np.float64)
    return np.abs(inverse @ (ends[:, 1:] - ends[:, :1])).max((1, 2)), area


def dense_map(
    at: Array, to: Array, triangles: Array, size: int | tuple[int, int], order: Array | None = None
) -> Array:
    """Where each pixel of a layout `at [V, 2]` lies in the layout `to [V, 2]`: `[h, w, 2]` float32, affine inside each
    triangle; its own place in none. size: a side, or height and width.

    `sampled(image laid out as "to", map)` redraws it laid out as "at". order: see `Raster.of`.
    """
    raster = Raster.of(at, triangles, size, order)
    out, outside = raster.spread(to), raster.label < 0
    out[outside] = pixel_grid(*out.shape[1::-1])[outside]
    return out


class LocalFrames:
    """How displacements measured on one layout `points [V, 2]` look on a face: by the local affine map
    between the two, so that a turned head foreshortens them and a broad one widens them. The lips move apart, which
    is no stretch of the skin: nothing is a neighbour across the mouth."""

    def __init__(self, points: Array, neighbours: int = 32) -> None:
        distance = ((points[:, None] - points[None]) ** 2).sum(-1)
        side = _side_of_mouth(points)
        distance[side[:, None] * side < 0] = np.inf
        self._ring = np.argsort(distance, axis=1)[:, 1 : neighbours + 1]
        offsets = (points[self._ring] - points[:, None]).astype(np.float64)
        self._pinv = np.linalg.pinv(offsets)

    def carry(self, displacement: Array, face: Array) -> Array:
        """`displacement [V, 2]` of the layout, as it looks on `face [V, 2]`."""
        local = self._pinv @ (face[self._ring] - face[:, None])
        return np.einsum("vi,vij->vj", displacement, local).astype(np.float32)


def _side_of_mouth(points: Array) -> Array:
    """-1 above the line between the lips, 1 below it, 0 beyond the mouth's corners: `[V]`."""
    upper, lower = topology.INNER_LIPS[:11], (*topology.INNER_LIPS[:1], *topology.INNER_LIPS[:9:-1])
    line = (points[list(upper)] + points[list(lower)]) / 2
    side = np.sign(points[:, 1] - np.interp(points[:, 0], line[:, 0], line[:, 1]))
    return side * ((points[:, 0] > line[0, 0]) & (points[:, 0] < line[-1, 0]))


def polygon_mask(
    points: Array, outline: tuple[int, ...], size: int, feather: float, grow: float = 0
) -> Array:
    """The inside of an outline over the mesh, grown by `grow` pixels, as a mask `[size, size]` float32 in
    0..1 softened over about `feather` pixels."""
    mask = np.zeros((size, size), np.float32)
    cv2.fillPoly(
        mask, [np.rint(points[list(outline)] * 16).astype(np.int32)], 1.0, shift=4, lineType=cv2.LINE_AA
    )
    if grow:
        mask = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(grow) + 1,) * 2))
    return cv2.GaussianBlur(mask, (0, 0), feather)


def eye_band(points: Array, size: int) -> Array:
    """The part of a face from the brows to below the eyes, `[size, size]` bool: where glasses are."""
    inside, down = hull_mask(points, size) > 0, np.arange(size)[:, None]
    around = points[[point for outline in (*topology.UNDER_EYES, *topology.BROWS) for point in outline], 1]
    return inside & (down > around.min()) & (down < around.max())


def hull_mask(points: Array, size: int) -> Array:
    """The whole face as a mask `[size, size]` uint8 of 0 and 1: the convex hull of its mesh."""
    mask = np.zeros((size, size), np.uint8)
    cv2.fillConvexPoly(mask, np.rint(cv2.convexHull(points[:POINTS])[:, 0] * 16).astype(np.int32), 1, shift=4)
    return mask


def influence_mask(face: Array, moved: Array, size: int) -> Array:
    """Where a face that moves from one layout to another may change a crop: 1 on both, falling to 0 a little
    outside and at the border. `[S, S]`."""
    outside = cv2.distanceTransform(1 - (hull_mask(face, size) | hull_mask(moved, size)), cv2.DIST_L2, 5)
    to_edge = np.minimum(np.arange(size), np.arange(size)[::-1])
    fall = np.clip(1 - outside / (0.12 * size), 0, 1) * np.clip(
        (np.minimum.outer(to_edge, to_edge) - 1) / (0.04 * size), 0, 1
    )
    return (fall * fall * (3 - 2 * fall)).astype(np.float32)


def skin_mask(points: Array, size: int) -> Array:
    """Where colour may be added to a face: inside it, softly, neither on the eyes nor inside the mouth. `[S,
    S]` float32 in 0..1."""
    inside = hull_mask(points, size)
    inside[[0, -1]] = inside[:, [0, -1]] = 0
    depth = np.clip(cv2.distanceTransform(inside, cv2.DIST_L2, 5) / (0.06 * size), 0, 1)
    out = (depth * depth * (3 - 2 * depth)).astype(np.float32)
    for outline in (INNER_LIPS, *EYELIDS):
        out *= 1 - polygon_mask(points, outline, size, feather=size / 150)
    return out


def interpolate(values: Array, face: Array, triangles: Array, size: int) -> Array:
    """What is known at the mesh's points, `values [468, 2]`, all over the crop: linear in the triangles of
    `face [480, 2]`, and from the face's outline on down to 0 at the crop's border. `[S, S, 2]`."""
    known = np.concatenate([values, np.zeros((len(face) - POINTS, 2))])
    return dense_map(face, known.astype(np.float32), triangles, size)


def normals(points: Array, depth: Array, triangles: Array) -> Array:
    """Which way the face looks at each point, `[468, 3]` of unit length: right, down, and away from the
    camera, in the frame of `points` `[478, 2]` and `depth [478]`, both in the same pixels."""
    solid = np.column_stack([points[:POINTS], depth[:POINTS]]).astype(np.float64)
    corners = solid[triangles[(triangles < POINTS).all(1)]]
    ahead = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    outwards = corners.mean(1) - solid[list(EXTREMES)].mean(0)
    ahead *= np.sign((ahead * outwards).sum(1))[:, None]
    out = np.zeros_like(solid)
    for k in range(3):
        np.add.at(out, triangles[(triangles < POINTS).all(1)][:, k], ahead)
    return (out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)).astype(np.float32)


def iris_radius(points: Array, eye: int) -> float:
    """In the pixels of `points [478, 2]`; eye 0 is the one on the photo's left."""
    centre, rim = points[POINTS + 5 * eye], points[POINTS + 5 * eye + 1 : POINTS + 5 * eye + 5]
    return float(np.linalg.norm(rim - centre, axis=1).mean())


@dataclass(frozen=True)
class Window:
    """A square part of a crop, so that small things need no work on all of it: its corner and side in crop
    pixels."""

    left: int
    top: int
    side: int

    @property
    def part(self) -> tuple[slice, slice]:
        return slice(self.top, self.top + self.side), slice(self.left, self.left + self.side)

    @property
    def places(self) -> Array:
        return pixel_grid(self.side)

    def local(self, points: Array) -> Array:
        """`points [V, 2]` of the crop, as they lie in this part."""
        return points - np.array([self.left, self.top], np.float32)


def window(points: Array, margin: float, size: int) -> Window:
    """The part of a crop of `size` pixels that shows `points [V, 2]` and `margin` pixels around them."""
    low, high = points.min(0) - margin, points.max(0) + margin
    side = int(np.clip(np.ceil((high - low).max()), 4, size))
    left, top = (int(v) for v in np.clip(np.floor((low + high - side) / 2), 0, size - side))
    return Window(left, top, side)


def mirror_pairs(points: Array, mirrored: Array) -> Array:
    """Which of `points [V, D]` is whose mirror image, `mirrored [V, D]` being theirs: `[V]`, nearest pairs first."""
    distance = ((mirrored[:, None] - points) ** 2).sum(-1)
    mirror = np.full(len(points), -1)
    for pair in np.argsort(distance + distance.T, axis=None):
        i, j = divmod(int(pair), len(points))
        if mirror[i] < 0 and mirror[j] < 0:
            mirror[i], mirror[j] = j, i
    return mirror


def motion(face: Array, moved: Array, triangles: Array, size: int) -> tuple[Array, Array]:
    """How a crop's pixels follow a face from one layout to another, both `[480, 2]`: where each output pixel
    looks, as a flow `[S, S, 2]` that is 0 away from the face, and the reach `[S, S]` within which it is
    not."""
    inside = influence_mask(face, moved, size)
    flow = dense_map(moved, face, triangles, size) - pixel_grid(size)
    return cv2.GaussianBlur(flow, (0, 0), size / 128) * inside[..., None], inside


def pixel_grid(width: int, height: int | None = None) -> Array:
    """Every pixel's own place: `[height, width, 2]` float32; a square where no height is given."""
    return np.stack(np.meshgrid(np.arange(width), np.arange(height or width)), -1).astype(np.float32)


def remap(picture: Array, at: Array) -> Array:
    """A picture `[H, W]` or `[H, W, C]` looked up at places `[h, w, 2]` (xy); beyond its edge it is
    mirrored."""
    return cv2.remap(picture, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)


def mouth_shape(points: Array) -> Array:
    """Mouth width, height of its corners and opening of a face `[478, 2]`, over the eye distance: `[3]`. A
    smile changes all three."""
    eyes = [points[list(eye)].mean(0) for eye in topology.EYELIDS]
    unit = float(np.linalg.norm(eyes[1] - eyes[0]))
    down = np.array([-(eyes[1] - eyes[0])[1], (eyes[1] - eyes[0])[0]]) / unit
    corners = points[list(topology.MOUTH_CORNERS)]
    lift = (eyes[0] + eyes[1]) @ down / 2 - corners.mean(0) @ down
    width, opening = np.linalg.norm(corners[1] - corners[0]), np.linalg.norm(points[13] - points[14])
    return np.array([width, lift, opening], np.float32) / unit
