"""Layout and motion: how a face is laid out for a network, and how a Change is carried back to the photo.
NumPy and OpenCV only."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from ..errors import RequestError
from ..types import Alignment, Array, Crop
from .topology import EYELIDS, MOUTH_CORNERS


@dataclass(frozen=True)
class Template:
    """A face layout as a share of the FFHQ square: its side, and how far its centre is moved down, both in
    units of that square's side."""

    side: float
    down: float


@dataclass(frozen=True)
class PointTemplate:
    """A face layout as places that points of the mesh go to, in the least squares: indices, and the places
    `[n, 2]` as shares of the crop's side."""

    points: tuple[int, ...]
    places: tuple[tuple[float, float], ...]


TEMPLATES = {
    "ffhq": Template(1.0, 0.0),  # Karras et al. 2019, arXiv 1812.04948, appendix C
    "head": Template(0.9, 0.05),  # with room around the face, for changes that move its outline
    "face": Template(0.75, 0.07),  # brows to chin fill it: more pixels for what changes
    "jaw": Template(0.75, 0.125),  # brows to neck: what hangs from a chin
    "wide": Template(1.5, 0.08),  # with the hair, which the others cut
    "bust": Template(2.0, 0.2),  # head and shoulders, down to where long hair ends
    "arcface": Template(
        0.765, 0.0
    ),  # where ArcFace's 112 px template has eyes and mouth (Deng et al. 2019, arXiv 1801.07698)
}
POINT_TEMPLATES = {
    "dlib150": PointTemplate(  # eye corners and nose as dlib's get_face_chip lays them out, with a quarter around
        (263, 362, 33, 133, 2),
        (
            (0.73971, 0.30900),
            (0.59737, 0.31931),
            (0.24705, 0.30915),
            (0.38939, 0.31938),
            (0.49341, 0.58520),
        ),
    ),
}
LAYOUTS = (*TEMPLATES, *POINT_TEMPLATES)


@dataclass(frozen=True, eq=False)
class Halvings:
    """A photo `[H, W, C]` with its halves, quarters ..., each made when it is first looked at: who looks at a
    large photo many times shrinks it once."""

    pixels: Array
    _smaller: list[Array] = field(default_factory=list[Array])

    @property
    def shape(self) -> tuple[int, ...]:
        return self.pixels.shape

    def halved(self, times: int) -> Array:
        while len(self._smaller) < times:
            self._smaller.append(half(self.halved(len(self._smaller))))
        return self._smaller[times - 1] if times else self.pixels

    def before(self, matrix: Array) -> tuple[Array, Array]:
        """The picture that `matrix` (photo->crop) shrinks by less than four, and the matrix from there."""
        times = 0
        while scale_of(matrix) < 0.25 and min(self.halved(times).shape[:2]) > 1:
            matrix, times = matrix @ FROM_HALF, times + 1
        return self.halved(times), matrix


Picture = Array | Halvings  # what is looked at once, or again and again
# xy of a picture's half -> xy of the picture, as a matrix that is applied before another
FROM_HALF = np.array([[2, 0, 0.5], [0, 2, 0.5], [0, 0, 1]])


def half(pixels: Array) -> Array:
    """A picture at half its size, each pixel the mean of four: many times faster than any other shrinking."""
    height, width = pixels.shape[0] // 2, pixels.shape[1] // 2
    return cv2.resize(pixels[: height * 2, : width * 2], (width, height), interpolation=cv2.INTER_AREA)


def similarity(landmarks: Array, alignment: Alignment) -> Array:
    """The matrix `[2, 3]` photo->crop that lays `landmarks [478, 2]` (photo xy) out as `alignment` says."""
    if alignment.template not in LAYOUTS:
        raise RequestError(f"no face layout is called {alignment.template!r}: there are {', '.join(LAYOUTS)}")
    if alignment.template in POINT_TEMPLATES:
        by = POINT_TEMPLATES[alignment.template]
        return _least_squares(landmarks[list(by.points)], np.array(by.places) * alignment.size)
    template = TEMPLATES[alignment.template]
    left, right = (landmarks[list(eye)].mean(0).astype(np.float64) for eye in EYELIDS)
    eyes, mouth = (left + right) / 2, landmarks[list(MOUTH_CORNERS)].mean(0).astype(np.float64)
    eye_to_eye, eye_to_mouth = right - left, mouth - eyes
    x = eye_to_eye - np.array([-eye_to_mouth[1], eye_to_mouth[0]])
    x *= max(2.0 * np.hypot(*eye_to_eye), 1.8 * np.hypot(*eye_to_mouth)) / np.hypot(*x)
    y = np.array([-x[1], x[0]])
    centre = eyes + 0.1 * eye_to_mouth + 2 * template.down * y
    x, y = x * template.side, y * template.side
    turn = np.stack([x, y]) * (alignment.size / 2 / (x @ x))
    return np.concatenate([turn, ((alignment.size - 1) / 2 - turn @ centre)[:, None]], axis=1)


def _least_squares(points: Array, places: Array) -> Array:
    """The similarity `[2, 3]` that brings `points [n, 2]` nearest to `places [n, 2]` (Umeyama 1991)."""
    z, w = (np.asarray(one, np.float64) @ np.array([1, 1j]) for one in (points, places))
    turn = np.vdot(z - z.mean(), w - w.mean()) / np.vdot(z - z.mean(), z - z.mean()).real
    shift = w.mean() - turn * z.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def eye_distance(points: Array) -> float:
    """Between the means of the two eyelid contours of `points [478, 2]`, in their pixels."""
    left, right = (points[list(eye)].mean(0) for eye in EYELIDS)
    return float(np.linalg.norm(right - left))


def transform(points: Array, matrix: Array) -> Array:
    """`points [..., 2]` through `matrix [2, 3]`."""
    return (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def invert(matrix: Array) -> Array:
    """The inverse of a `[2, 3]` matrix."""
    return cv2.invertAffineTransform(matrix)


def compose(second: Array, first: Array) -> Array:
    """The `[2, 3]` matrix that does what `first` does, then `second`."""
    return second @ np.vstack([first, [0, 0, 1]])


def scale_of(matrix: Array) -> float:
    """Crop pixels per photo pixel."""
    return float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))


def align(pixels: Picture, landmarks: Array, alignment: Alignment, depth: Array | None = None) -> Crop:
    """Lay one face out: `pixels [H, W, 3]` uint8 or uint16, `landmarks [478, 2]` (photo xy) and their depth
    `[478]` to a Crop. Beyond the photo's edge it is mirrored."""
    matrix = similarity(landmarks, alignment)
    depth = None if depth is None else depth * np.float32(scale_of(matrix))
    height, width = pixels.shape[:2]
    return Crop(
        warp(pixels, matrix, alignment.size),
        matrix,
        alignment,
        transform(landmarks, matrix),
        depth,
        (width, height),
    )


def valid_mask(crop: Crop) -> Array:
    """Where a crop shows the photo and not its mirror image, `[S, S]` bool."""
    if crop.size_of_photo is None:
        return np.ones((crop.size,) * 2, bool)
    right, bottom = np.array(crop.size_of_photo) - 1
    corners = transform(np.array([(0, 0), (right, 0), (right, bottom), (0, bottom)]), crop.matrix)
    return cv2.fillConvexPoly(np.zeros((crop.size,) * 2, np.uint8), np.rint(corners).astype(np.int32), 1) > 0


def warp(pixels: Picture, matrix: Array, size: int, *, border: int = cv2.BORDER_REFLECT_101) -> Array:
    """`pixels` through `matrix` onto a square `[size, size, C]` in 8 bits; reads only what it shows, and
    averages where it shrinks."""
    if isinstance(pixels, Halvings):
        pixels, matrix = pixels.before(matrix)
    left, top, right, bottom = footprint(matrix, (0, 0, size - 1, size - 1), pixels.shape, margin=4)
    region, local = pixels[top:bottom, left:right], shifted(matrix, left, top)
    scale = scale_of(matrix)
    while scale < 0.25 and min(region.shape[:2]) > 1:
        region, local, scale = half(region), local @ FROM_HALF, 2 * scale
    if scale < 0.7:
        small = [max(1, round(side * scale)) for side in region.shape[1::-1]]
        grow_x, grow_y = region.shape[1] / small[0], region.shape[0] / small[1]
        region = cv2.resize(region, small, interpolation=cv2.INTER_AREA)
        local = local @ np.array([[grow_x, 0, (grow_x - 1) / 2], [0, grow_y, (grow_y - 1) / 2], [0, 0, 1]])
    out = cv2.warpAffine(region, local, (size, size), flags=cv2.INTER_LINEAR, borderMode=border)
    return out if out.dtype == np.uint8 else ((out.astype(np.uint32) + 128) // 257).astype(np.uint8)


def shifted(matrix: Array, left: int, top: int) -> Array:
    """The matrix for a photo of which only the part from (left, top) on is there."""
    return matrix @ np.array([[1, 0, left], [0, 1, top], [0, 0, 1.0]])


def footprint(
    matrix: Array, box: tuple[float, float, float, float], shape: tuple[int, ...], margin: int
) -> tuple[int, int, int, int]:
    """Where the crop rectangle `box` (crop xy, both ends included) lies in a photo of `shape`: left, top,
    right, bottom, cut to the photo."""
    left, top, right, bottom = box
    corners = transform(
        np.array([(left, top), (right, top), (left, bottom), (right, bottom)]), invert(matrix)
    )
    low = np.clip(np.floor(corners.min(0)) - margin, 0, (shape[1] - 1, shape[0] - 1)).astype(int)
    high = np.clip(np.ceil(corners.max(0)) + margin + 1, low + 1, (shape[1], shape[0])).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])
