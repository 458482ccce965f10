"""How a head in a photo lies at rest, and where its mesh goes when it does a gesture: turned about its neck, with
lids that close over the eye and lips that never cross.

The frame of a head: origin at the nasion, x to the photo's right, y down, z away from the camera; the unit is the
mean head's eye distance. Expressions come in the mean head's proportions and are taken to this one's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..face.filters import smoothstep
from ..face.motion import Gesture
from ..face.shape import ShapeModel, solid
from ..face.topology import (
    BROWS,
    CREASES,
    EYE_CORNERS,
    EYELID_CONTOURS,
    EYELIDS,
    INNER_LIPS,
    LASHES,
    LIPS,
    MOUTH_CORNERS,
    OVAL,
    POINTS,
    SOCKETS,
)
from ..types import Array
from .gaze import LOWER_LID
from .teeth import LOWER, UPPER

DEEPER = 1.15  # than the mesh has it a face is: measured on people who are seen from two sides
PIVOT = np.array(
    [0.0, 1.2, 1.3]
)  # in the neck: about the nasion, the back of the head would swing the wrong way
# up to where a gesture goes, softly: degrees of yaw, pitch and roll, eye distances, and a share of the size
YAW, PITCH, ROLL, SHIFT, GROWTH = 22.0, 18.0, 25.0, 0.35, 0.12
FARTHEST = 25.0  # degrees of yaw from straight ahead, of a photo that looks there; of others a little more than they have
HIDDEN = 0.6  # of a photo's own yaw, by which it may be turned less towards straight ahead: what is hidden is not in it
TURN_LEAST = 8.0  # degrees that are allowed anyway
WIDEST = -0.15  # how far below 0 a lid goes: farther up it uncovers what the photo does not show
SHUT = 1.05
RISE = 0.06  # of an eye's opening, by which its lower lid comes up when it shuts
OVERLAP = 0.13  # of it, by which the upper lid goes on beyond the lower one: a shut eye is a line of lashes
# how far crease and socket follow the lashes, and the brow
CREASE, SOCKET = (0.5, 0.3), (0.12, 0.7)
NARROWER = 0.2  # by how much lips that narrow do so more: what is drawn is seen as less
LEAST_GAP = 0.01  # eye distances that lips stay apart, where they are not closed in the photo
OPEN, SLACK = 0.25, 0.7  # an open mouth opens by so much less of its own gap, up to that opening
PARTED = 0.02  # from which on a mouth is open
MIDDLE = slice(3, 8)  # of the pairs of points of the inner lips
_FEATURES = {*LIPS, *INNER_LIPS, *EYELIDS[0], *EYELIDS[1]}
_SOLID = np.array([i for i in range(POINTS) if i not in _FEATURES])  # what tells proportions


@dataclass(frozen=True, eq=False)
class Placement:
    """How a head lies in a picture: `picture = scale * head @ turn.T + shift`, pixels."""

    scale: float
    turn: Array
    shift: Array

    def show(self, head: Array) -> Array:
        """Points `[V, 3]` of the head's frame in pixels, with their depth."""
        return self.scale * head @ self.turn.T + self.shift

    def head(self, points: Array) -> Array:
        """Points `[V, 3]` of the picture in the head's frame."""
        return (points - self.shift) @ self.turn / self.scale


@dataclass(frozen=True, eq=False)
class RestHead:
    """A head as the photo shows it: its mesh in pixels `[478, 3]`, how it lies, the same in its own frame `[478, 3]`,
    and how much wider and taller than the mean head it is `[2]`. model: of the expressions."""

    points: Array
    placement: Placement
    shape: Array
    proportions: Array
    model: ShapeModel
    unit: float  # mm of the model for an eye distance of the mean head

    @staticmethod
    def of(model: ShapeModel, landmarks: Array, depth: Array, eyelids: Array | None) -> RestHead:
        """The head with `landmarks [478, 2]` and `depth [478]`; eyelids: see `Face.eyelids`."""
        points = solid(landmarks, DEEPER * depth)
        if eyelids is not None:
            for places, contour in zip(EYELID_CONTOURS, eyelids, strict=True):
                for place, point in zip(places, contour, strict=True):
                    if place not in _CORNERS:
                        points[place, :2] = point
        unit = eye_distance(model.mean)
        pose = model.pose(points)
        placement = Placement(unit / pose.scale, pose.turn.T, -pose.turn.T @ pose.shift / pose.scale)
        shape = placement.head(points)
        return RestHead(points, placement, shape, proportions(model.mean / unit, shape), model, unit)

    @property
    def scale(self) -> float:
        """Pixels in an eye distance of the mean head."""
        return self.placement.scale

    @cached_property
    def angles(self) -> Array:
        """Yaw, pitch and roll of the photo `[3]`, degrees."""
        return angles_of(self.placement.turn)

    @cached_property
    def gap(self) -> float:
        """How far the lips are apart, in eye distances."""
        return gap_of(self.shape)

    def eye_width(self, eye: int) -> float:
        """In pixels."""
        outer, inner = EYE_CORNERS[eye]
        return float(np.linalg.norm(self.points[outer, :2] - self.points[inner, :2]))

    def does(self, gesture: Gesture, weights: Array) -> MovedHead:
        """The head as it does a gesture; weights `[468]`: how much of the expression each point takes part in."""
        offsets = self.model.expression_offsets(gesture.expression)[:POINTS] / self.unit * weights[:, None]
        offsets[:, :2] *= self.proportions
        if offsets[MOUTH_CORNERS[0], 0] > offsets[MOUTH_CORNERS[1], 0]:
            offsets[:, 0] *= 1 + NARROWER * smoothstep(self.shape[:POINTS, 1], 0.6, 0.9)
        shape = self.shape.copy()
        shape[:POINTS] += offsets
        for eye in (0, 1):
            _close(shape, self.shape, eye, float(gesture.lids[eye]), offsets)
        _part(shape, self, offsets)
        return MovedHead(shape, self._placed(gesture))

    def _placed(self, gesture: Gesture) -> Placement:
        """Where a gesture takes the head, within what a single photo allows."""
        at = self.placement
        yaw, pitch, roll = (float(one) for one in gesture.turn)
        turn = rotation(
            np.array([allowed_yaw(float(self.angles[0]), yaw), soft(pitch, PITCH), soft(roll, ROLL)])
        )
        scale = at.scale * (1 + float(soft(gesture.scale, GROWTH)))
        shift = at.show(PIVOT[None])[0] - scale * turn @ at.turn @ PIVOT
        shift[:2] += at.scale * soft(gesture.shift, SHIFT)
        return Placement(scale, turn @ at.turn, shift)


@dataclass(frozen=True, eq=False)
class MovedHead:
    """A head that does something: its mesh in its own frame `[478, 3]`, and how it lies."""

    shape: Array
    placement: Placement

    @cached_property
    def points(self) -> Array:
        """In pixels, with depth, `[478, 3]`."""
        return self.placement.show(self.shape)

    @cached_property
    def gap(self) -> float:
        return gap_of(self.shape)


def soft(value: Array | float, limit: float) -> Array:
    """A value that comes ever more slowly nearer to a limit on either side."""
    return limit * np.tanh(np.asarray(value, np.float64) / limit)


def allowed_yaw(own: float, asked: float) -> float:
    """How far a head that is turned by `own` degrees of yaw goes of those that are asked for."""
    outwards = own if asked > 0 else -own
    room = min(YAW, max(FARTHEST, abs(own) + 6) - outwards)
    if outwards < 0:
        room = min(room, max(TURN_LEAST, YAW - HIDDEN * abs(own)))
    return float(soft(asked, room))


def rotation(angles: Array) -> Array:
    """The turn `[3, 3]` by yaw, pitch and roll in degrees, pitch first."""
    (a, b, c), (p, q, r) = np.cos(np.radians(angles)), np.sin(np.radians(angles))
    about_z = np.array([[c, -r, 0], [r, c, 0], [0, 0, 1]])
    about_y = np.array([[a, 0, -p], [0, 1, 0], [p, 0, a]])
    about_x = np.array([[1, 0, 0], [0, b, -q], [0, q, b]])
    return about_z @ about_y @ about_x


def angles_of(turn: Array) -> Array:
    """Yaw, pitch and roll `[3]` in degrees of a turn; `rotation` the other way."""
    return np.degrees(
        [
            np.arcsin(np.clip(turn[2, 0], -1, 1)),
            np.arctan2(turn[2, 1], turn[2, 2]),
            np.arctan2(turn[1, 0], turn[0, 0]),
        ]
    )


def eye_distance(points: Array) -> float:
    """Between the middles of the two eyes of `points [478, 3]`, in space."""
    left, right = (points[list(lids)].mean(0) for lids in EYELIDS)
    return float(np.linalg.norm(right - left))


def proportions(one: Array, other: Array) -> Array:
    """How much wider and taller than one face another is `[2]`, both in the frame of their heads."""
    a, b = (points[_SOLID, :2] - points[_SOLID, :2].mean(0) for points in (one, other))
    return (a * b).sum(0) / (a * a).sum(0)


def gap_of(shape: Array) -> float:
    """How far the lips of a head are apart, in eye distances."""
    upper, lower = shape[list(UPPER[MIDDLE]), 1], shape[list(LOWER[MIDDLE]), 1]
    return max(float((lower - upper).mean()), 0.0)


def _close(shape: Array, rest: Array, eye: int, shut: float, offsets: Array) -> None:
    """Shut an eye of `shape` by that much: the lower lid comes up a little, and the lashes go down to where it then is.
    Lids know nothing of other offsets, creases and sockets of the brow's."""
    upper, lower = list(LASHES[eye]), list(LOWER_LID[eye])
    ends = [EYELIDS[eye][0], EYELIDS[eye][8]]
    shut = float(np.clip(shut, WIDEST, SHUT))
    closing = max(shut, 0.0)
    shape[lower] = rest[lower]
    opening = _height_at(rest, [ends[0], *lower, ends[1]], rest[upper, 0]) - rest[upper, 1]
    tall = float(opening.max())
    shape[lower, 1] -= RISE * tall * closing * np.sin(np.linspace(0.15, np.pi - 0.15, len(lower)))
    to_lid = _height_at(shape, [ends[0], *lower, ends[1]], rest[upper, 0], rest) - rest[upper, 1]
    moved = closing * (to_lid + OVERLAP * tall * (opening > 0.2 * tall)) + 0.8 * min(shut, 0.0) * opening
    shape[upper] = rest[upper]
    shape[upper, 1] += moved
    brow = float(offsets[list(BROWS[eye]), 1].mean())
    order = np.argsort(rest[upper, 0])
    for row, (share, of_brow) in ((CREASES[eye], CREASE), (SOCKETS[eye], SOCKET)):
        points = list(row)
        shape[points] = rest[points]
        follow = np.interp(rest[points, 0], rest[upper, 0][order], moved[order])
        shape[points, 1] += share * follow + of_brow * brow


def _height_at(shape: Array, row: list[int], across: Array, ends: Array | None = None) -> Array:
    """How far down a row of points of a head lies at places `across` it; ends: the head that its two ends are of."""
    line = shape[row, :2].copy()
    if ends is not None:
        line[[0, -1]] = ends[[row[0], row[-1]], :2]
    line = line[np.argsort(line[:, 0])]
    return np.interp(across, line[:, 0], line[:, 1])


def _part(shape: Array, rest: RestHead, offsets: Array) -> None:
    """Keep the lips of `shape` from crossing; a mouth that is open in the photo opens by less."""
    upper, lower = list(UPPER), list(LOWER)
    opens = float((offsets[lower[MIDDLE], 1] - offsets[upper[MIDDLE], 1]).mean())
    share = float(np.clip(opens / OPEN, 0, 1))
    if rest.gap > PARTED and share > 0:
        jaw = max(float(offsets[14, 1] - offsets[13, 1]), 1e-3)
        follows = np.clip((offsets[:, 1] - max(float(offsets[13, 1]), 0.0)) / jaw, 0, 1)
        shape[:POINTS, 1] -= SLACK * share * rest.gap * follows
    above, below = shape[upper[1:-1], 1], shape[lower[1:-1], 1]
    own = rest.shape[lower[1:-1], 1] - rest.shape[upper[1:-1], 1]
    least = np.clip(own, 0, LEAST_GAP)
    middle, apart = (above + below) / 2, np.maximum(below - above, least)
    shape[upper[1:-1], 1], shape[lower[1:-1], 1] = middle - apart / 2, middle + apart / 2


_CORNERS = {33, 133, 130, 243, 263, 362, 359, 463}  # of the lids, which the mesh knows better
OUTLINE = list(OVAL)
