"""Landmarker: a detection -> a `Face` with 478 points, after MediaPipe's graph; and `find_faces`, the way
from a photo to its faces.

Face mesh: arXiv 1907.06724; iris: arXiv 2006.11341. Both are run on square crops that are turned upright.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..face import geometry
from ..face.geometry import Halvings, Picture
from ..face.topology import EYE_CORNERS, EYELID_CONTOURS, POINTS
from ..types import Array, Crop, Face, Networks
from .finder import Detection, Finder, exposed
from .session import Net

MARGIN = 1.5  # side of the mesh's crop over the face's own
EYE_MARGIN = 2.3  # side of the iris network's crop over the width of the eye
LEFT, RIGHT = (
    [234, 33, 61],
    [454, 263, 291],
)  # cheek, eye corner, mouth corner: pairs that lie level in a face
TOP, CHIN = 10, 152
CONTENT = 0.9  # score above which the turn is right: wrong ones hardly reach it
HOPELESS = -2.0  # logit below which a crop is not worth a second look
ROUNDS = 3  # of the mesh after the first, at most
# degrees that the line from TOP to CHIN leans in a face that looks straight ahead: the median of 310
# portraits
PITCH_AT_REST = 5.5


@dataclass(frozen=True)
class Square:
    """A turned square of a photo: centre in photo xy, side in photo pixels, angle in radians (positive is
    clockwise as seen)."""

    centre: Array
    side: float
    angle: float

    def matrix(self, size: int, *, mirrored: bool = False) -> Array:
        """Crop xy -> photo xy `[2, 3]` for a crop of `size` pixels."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        linear = np.array([[cos, -sin], [sin, cos]]) * (self.side / size)
        if mirrored:
            linear[:, 0] *= -1
        middle = np.full(2, (size - 1) / 2)
        return np.column_stack([linear, self.centre - linear @ middle])


class Mesh:
    """The face mesh network: a crop -> 468 points in 3D, and a logit of the crop's showing an upright
    face."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.size = net.card.size

    def points(self, pixels: Picture, square: Square) -> tuple[Array, Array, float]:
        """Points in photo xy `[468, 2]`, depth in photo pixels `[468]`, and the logit: about 25 for a clear
        face, below 0 for none."""
        matrix = square.matrix(self.size)
        out = self.net.run(pixels=_tensor(pixels, matrix, self.size))
        points = out["points"][0].astype(np.float64)
        xy = geometry.transform(points[:, :2] - 0.5, matrix).astype(
            np.float64
        )  # the network's origin is the corner of its first pixel
        return xy, points[:, 2] * (square.side / self.size), float(out["logits"][0])


class Iris:
    """The iris network: the crop of an eye -> centre and rim of its iris. Made for eyes on the picture's
    left: others are mirrored."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.size = net.card.size

    def points(self, pixels: Picture, square: Square, *, mirrored: bool) -> tuple[Array, Array]:
        """Centre, then right, top, left and bottom of the iris as the upright face is seen: `[5, 2]` in photo
        xy; and the lids, `[32, 2]`, see `Face.eyelids`."""
        matrix = square.matrix(self.size, mirrored=mirrored)
        out = self.net.run(pixels=_tensor(pixels, matrix, self.size))
        iris, contours = (
            geometry.transform(out[name][0, :, :2] - 0.5, matrix) for name in ("points", "contours")
        )
        return iris[[0, 3, 2, 1, 4]] if mirrored else iris, contours[: len(EYELID_CONTOURS[0])]


class Landmarker:
    """Lays the face mesh and both irises on a detected face."""

    def __init__(self, mesh: Mesh, iris: Iris, *, threshold: float = 4.0) -> None:
        self.mesh, self.iris = mesh, iris
        self.threshold = threshold

    @property
    def networks(self) -> Networks:
        return (*self.mesh.net.networks, *self.iris.net.networks)

    def landmarks(self, pixels: Picture, detection: Detection) -> Face | None:
        """The face that `detection` points at in `pixels` (uint8 `[H, W, 3]`), or None where the mesh sees
        none there."""
        eyes = detection.keypoints[1] - detection.keypoints[0]
        low, high = detection.box[:2], detection.box[2:]
        start = Square(
            (low + high) / 2, float((high - low).max()) * MARGIN, float(np.arctan2(eyes[1], eyes[0]))
        )
        xy, depth, logit = self._settle(pixels, start)
        return self._face(pixels, xy, depth, logit, detection.score**0.1)

    def again(self, pixels: Array, face: Face) -> Face | None:
        """The `face` of the frame before in this one, a little further on, or None where the mesh sees none
        there any more."""
        before = around(face.landmarks[:POINTS].astype(np.float64))
        xy, depth, logit = self.mesh.points(pixels, before)
        for _ in range(ROUNDS - 1):
            moved = float(np.hypot(*(around(xy).centre - before.centre))) / before.side
            if logit < HOPELESS or moved < 0.05:
                break
            before = around(xy)
            xy, depth, logit = self.mesh.points(pixels, before)
        return self._face(pixels, xy, depth, logit, 1.0)

    def laid_anew(self, crop: Crop) -> Crop:
        """A crop whose pixels were changed, with the landmarks that are seen now; those it had where the mesh
        sees no face any more."""
        xy = crop.landmarks[:POINTS].astype(np.float64)
        for _ in range(2):
            xy, _, logit = self.mesh.points(crop.pixels, around(xy))
            if logit < self.threshold:
                return crop
        return replace(crop, landmarks=np.concatenate([xy, crop.landmarks[POINTS:]]).astype(np.float32))

    def _face(self, pixels: Picture, xy: Array, depth: Array, logit: float, trust: float) -> Face | None:
        if logit < self.threshold:
            return None
        eyes = [self._iris(pixels, xy, corners, mirrored=i == 1) for i, corners in enumerate(EYE_CORNERS)]
        irises, eyelids = zip(*eyes, strict=True)
        landmarks = np.concatenate([xy, *irises]).astype(np.float32)
        box = np.concatenate([xy.min(0), xy.max(0)]).astype(np.float32)
        roll, yaw, pitch = pose(xy, depth)
        depth = np.concatenate(
            [depth, *(np.full(5, depth[list(corners)].mean()) for corners in EYE_CORNERS)]
        ).astype(np.float32)
        return Face(box, landmarks, depth, certainty(logit) * trust, roll, yaw, pitch, np.stack(eyelids))

    def _settle(self, pixels: Picture, square: Square) -> tuple[Array, Array, float]:
        """The mesh run again on the crop around its own points, which is better centred, until that turns no
        further."""
        xy, depth, logit = self.mesh.points(pixels, square)
        for _ in range(ROUNDS):
            if logit < HOPELESS:
                break
            before, square = square.angle, around(xy)
            xy, depth, logit = self.mesh.points(pixels, square)
            if abs(np.sin(square.angle - before)) < 0.1:
                break
        return xy, depth, logit

    def _iris(
        self, pixels: Picture, xy: Array, corners: tuple[int, int], *, mirrored: bool
    ) -> tuple[Array, Array]:
        left, right = xy[list(corners)]
        width = right - left
        square = Square(
            (left + right) / 2, float(np.hypot(*width)) * EYE_MARGIN, float(np.arctan2(width[1], width[0]))
        )
        return self.iris.points(pixels, square, mirrored=mirrored)


def around(xy: Array) -> Square:
    """The mesh's crop around its own points, upright along the line of the outer eye corners."""
    across = xy[263] - xy[33]
    angle = float(np.arctan2(across[1], across[0]))
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, -sin], [sin, cos]])
    upright = xy @ turn
    low, high = upright.min(0), upright.max(0)
    return Square(turn @ ((low + high) / 2), float((high - low).max()) * MARGIN, angle)


def pose(xy: Array, depth: Array) -> tuple[float, float, float]:
    """Roll, yaw and pitch in degrees, signs as in `Face`, of points in photo xy with their depth."""
    points = np.column_stack([xy[:POINTS], depth[:POINTS]]).astype(np.float64)
    across = (points[RIGHT] - points[LEFT]).sum(0)
    roll = np.arctan2(across[1], across[0])
    cos, sin = np.cos(roll), np.sin(roll)
    upright = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
    across, down = upright @ across, upright @ (points[CHIN] - points[TOP])
    ahead = np.cross(down, across)  # out of the face: towards the camera, which looks along positive depth
    ahead /= np.linalg.norm(ahead)
    yaw, pitch = np.arctan2(ahead[0], -ahead[2]), np.arcsin(np.clip(ahead[1], -1, 1))
    return float(np.degrees(roll)), float(np.degrees(yaw)), float(np.degrees(pitch)) - PITCH_AT_REST


def _tensor(pixels: Picture, matrix: Array, size: int) -> Array:
    """The crop that `matrix` (crop xy -> photo xy) looks at, well exposed, as `[1, 3, S, S]` in 0..1."""
    crop = exposed(geometry.warp(pixels, geometry.invert(matrix), size, border=cv2.BORDER_REPLICATE))
    return (crop.transpose(2, 0, 1)[None] / 255.0).astype(np.float32)


def certainty(logit: float) -> float:
    """A mesh logit as a number in 0..1, flat enough to tell a clear face (25) from a doubtful one (5)."""
    return float(1.0 / (1.0 + np.exp(-logit / 4)))


def find_faces(finder: Finder, landmarker: Landmarker, picture: Halvings) -> list[Face]:
    """The faces in a picture (uint8 `[H, W, 3]` RGB), from left to right; empty where there is none.

    The first look is enough where the mesh is sure of all that it found. Where it is not, the turned look may
    show the same face the right way up; the others are for photos in which nothing was found.
    """
    faces: list[Face] = []
    for i, found in enumerate(finder.looks(picture)):
        for detection in found:
            if any(face.score > CONTENT and covers(face.box, detection.box) for face in faces):
                continue
            face = landmarker.landmarks(picture, detection)
            if face is not None:
                faces = distinct([*faces, face])
        if faces and (i > 0 or faces[-1].score > CONTENT):
            break
    return sorted(faces, key=lambda face: float(face.box[0] + face.box[2]))


def distinct(faces: list[Face]) -> list[Face]:
    """One of each group of faces that lie on each other, the one that the mesh is most sure of; best
    first."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda f: -f.score):
        if not any(covers(other.box, face.box) for other in kept):
            kept.append(face)
    return kept


def covers(box: Array, other: Array) -> bool:
    """Whether two boxes share more than half of the smaller one: two heads never do, two guesses at one head
    always."""
    sides = np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2])
    smaller = min(np.prod(box[2:] - box[:2]), np.prod(other[2:] - other[:2]))
    return bool(np.prod(np.maximum(sides, 0.0)) > 0.5 * smaller)
