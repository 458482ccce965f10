"""Layout and motion: how a face is laid out for a network, and how a Change is carried back to the photo. NumPy and OpenCV only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..errors import RequestError
from ..types import Alignment, Array, Change, Crop


@dataclass(frozen=True)
class Template:
    """A face layout as a share of the FFHQ square: its side, and how far its centre is moved down, both in units of that square's side."""

    side: float
    down: float


TEMPLATES = {
    "ffhq": Template(1.0, 0.0),  # Karras et al. 2019, arXiv 1812.04948, appendix C
    "head": Template(0.9, 0.05),  # with room around the face, for changes that move its outline
    "face": Template(0.75, 0.07),  # brows to chin fill it: more pixels for what changes
    "jaw": Template(0.75, 0.125),  # brows to neck: what hangs from a chin
    "wide": Template(1.5, 0.08),  # with the hair, which the others cut
    "arcface": Template(0.765, 0.0),  # where ArcFace's 112 px template has eyes and mouth (Deng et al. 2019, arXiv 1801.07698)
}

# The contour of the left and the right eye in the 468-point mesh: 16 points each.
EYES = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
)
MOUTH_CORNERS = (61, 291)
TILE = 512  # photo pixels on a side that `carry` works on at once: bounds memory, and tiles without alpha are skipped


def similarity(landmarks: Array, alignment: Alignment) -> Array:
    """The matrix `[2, 3]` photo->crop that lays `landmarks [478, 2]` (photo xy) out as `alignment` says."""
    if alignment.template not in TEMPLATES:
        raise RequestError(f"no face layout is called {alignment.template!r}: there are {', '.join(TEMPLATES)}")
    template = TEMPLATES[alignment.template]
    left, right = (landmarks[list(eye)].mean(0).astype(np.float64) for eye in EYES)
    eyes, mouth = (left + right) / 2, landmarks[list(MOUTH_CORNERS)].mean(0).astype(np.float64)
    eye_to_eye, eye_to_mouth = right - left, mouth - eyes
    x = eye_to_eye - np.array([-eye_to_mouth[1], eye_to_mouth[0]])
    x *= max(2.0 * np.hypot(*eye_to_eye), 1.8 * np.hypot(*eye_to_mouth)) / np.hypot(*x)
    y = np.array([-x[1], x[0]])
    centre = eyes + 0.1 * eye_to_mouth + 2 * template.down * y
    x, y = x * template.side, y * template.side
    turn = np.stack([x, y]) * (alignment.size / 2 / (x @ x))
    return np.concatenate([turn, ((alignment.size - 1) / 2 - turn @ centre)[:, None]], axis=1)


def transform(points: Array, matrix: Array) -> Array:
    """`points [..., 2]` through `matrix [2, 3]`."""
    return (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def invert(matrix: Array) -> Array:
    """The inverse of a `[2, 3]` matrix."""
    return cv2.invertAffineTransform(matrix)


def composed(second: Array, first: Array) -> Array:
    """The `[2, 3]` matrix that does what `first` does, then `second`."""
    return second @ np.vstack([first, [0, 0, 1]])


def scale_of(matrix: Array) -> float:
    """Crop pixels per photo pixel."""
    return float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))


def align(pixels: Array, landmarks: Array, alignment: Alignment, depth: Array | None = None) -> Crop:
    """Lay one face out: `pixels [H, W, 3]` uint8 or uint16, `landmarks [478, 2]` (photo xy) and their depth `[478]` to a Crop. Beyond the
    photo's edge it is mirrored."""
    matrix = similarity(landmarks, alignment)
    depth = None if depth is None else depth * np.float32(scale_of(matrix))
    height, width = pixels.shape[:2]
    return Crop(warp(pixels, matrix, alignment.size), matrix, alignment, transform(landmarks, matrix), depth, (width, height))


def shown(crop: Crop) -> Array:
    """Where a crop shows the photo and not its mirror image, `[S, S]` bool."""
    if crop.size_of_photo is None:
        return np.ones((crop.size,) * 2, bool)
    right, bottom = np.array(crop.size_of_photo) - 1
    corners = transform(np.array([(0, 0), (right, 0), (right, bottom), (0, bottom)]), crop.matrix)
    return cv2.fillConvexPoly(np.zeros((crop.size,) * 2, np.uint8), np.rint(corners).astype(np.int32), 1) > 0


def warp(pixels: Array, matrix: Array, size: int, *, border: int = cv2.BORDER_REFLECT_101) -> Array:
    """`pixels` through `matrix` onto a square `[size, size, C]` in 8 bits; reads only what it shows, and averages where it shrinks."""
    left, top, right, bottom = footprint(matrix, (0, 0, size - 1, size - 1), pixels.shape, margin=4)
    region, local = pixels[top:bottom, left:right], shifted(matrix, left, top)
    if (scale := scale_of(matrix)) < 0.7:
        small = [max(1, round(side * scale)) for side in (right - left, bottom - top)]
        grow_x, grow_y = (right - left) / small[0], (bottom - top) / small[1]
        region = cv2.resize(region, small, interpolation=cv2.INTER_AREA)
        local = local @ np.array([[grow_x, 0, (grow_x - 1) / 2], [0, grow_y, (grow_y - 1) / 2], [0, 0, 1]])
    out = cv2.warpAffine(region, local, (size, size), flags=cv2.INTER_LINEAR, borderMode=border)
    return out if out.dtype == np.uint8 else ((out.astype(np.uint32) + 128) // 257).astype(np.uint8)


def shifted(matrix: Array, left: int, top: int) -> Array:
    """The matrix for a photo of which only the part from (left, top) on is there."""
    return matrix @ np.array([[1, 0, left], [0, 1, top], [0, 0, 1.0]])


def footprint(matrix: Array, box: tuple[float, float, float, float], shape: tuple[int, ...], margin: int) -> tuple[int, int, int, int]:
    """Where the crop rectangle `box` (crop xy, both ends included) lies in a photo of `shape`: left, top, right,
    bottom, cut to the photo."""
    left, top, right, bottom = box
    corners = transform(np.array([(left, top), (right, top), (left, bottom), (right, bottom)]), invert(matrix))
    low = np.clip(np.floor(corners.min(0)) - margin, 0, (shape[1] - 1, shape[0] - 1)).astype(int)
    high = np.clip(np.ceil(corners.max(0)) + margin + 1, low + 1, (shape[1], shape[0])).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def carry(pixels: Array, crop: Crop, change: Change, out: Array | None = None) -> Array:
    """Apply `change` to a photo at the photo's own resolution and bit depth.

    pixels `[H, W, 3]` uint8 or uint16 is looked up and never written. The result goes into `out` (a copy of `pixels` where none
    is given), so that several faces of one photo all look at the original. Pixels whose alpha is 0 are not touched; only tiles
    that the alpha reaches are computed.
    """
    out = pixels.copy() if out is None else out
    change = _softened(change, 1 / scale_of(crop.matrix))
    touched = cv2.boundingRect((change.alpha > 0).astype(np.uint8))
    if touched[2] == 0:
        return out
    box = (touched[0] - 1.0, touched[1] - 1.0, float(touched[0] + touched[2]), float(touched[1] + touched[3]))
    for tile in _tiles(footprint(crop.matrix, box, pixels.shape, margin=1)):
        _carry_tile(pixels, crop.matrix, change, tile, out)
    return out


def changed(crop: Crop, change: Change) -> Crop:
    """A crop with its own pixels changed; its landmarks are those of before."""
    return replace(crop, pixels=carry(crop.pixels, replace(crop, matrix=np.eye(2, 3)), change))


def follow(points: Array, crop: Crop, change: Change) -> Array:
    """Where `points [V, 2]` (photo xy) of a face are after the change: a pixel at q shows what was at q + flow(q)."""
    if change.fetched:
        return points
    start = transform(points, crop.matrix)
    flow = change.flow * (change.alpha > 0)[..., None]
    moved = start
    for _ in range(3):
        moved = start - cv2.remap(flow, moved[:, 0], moved[:, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)[:, 0]
    return transform(moved, invert(crop.matrix))


def guided(guide: Array, picture: Array, radius: int, eps: float) -> Array:
    """`picture [H, W]` float32 smoothed over `radius` pixels, but not across the edges of `guide [H, W]`, a variance below `eps`
    counting as none (the guided filter: He et al. 2010)."""
    slope, shift = guided_lines(guide, picture, radius, eps)
    return slope * guide + shift


def guided_lines(guide: Array, picture: Array, radius: int, eps: float) -> tuple[Array, Array]:
    """The slope and the shift by which `guided` makes its result out of the guide, `[H, W]` each; smooth enough to be enlarged."""
    mean = lambda x: cv2.blur(x, (2 * radius + 1,) * 2)  # noqa: E731
    low, level = mean(guide), mean(picture)
    slope = (mean(guide * picture) - low * level) / (mean(guide * guide) - low * low + np.float32(eps))
    return mean(slope), mean(level - slope * low)


def _carry_tile(pixels: Array, matrix: Array, change: Change, tile: tuple[int, int, int, int], out: Array) -> None:
    left, top, right, bottom = tile
    here = shifted(matrix, left, top)

    def field(values: Array, border: int) -> Array:
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(values, here, (right - left, bottom - top), flags=flags, borderMode=border, borderValue=0)

    alpha = field(change.alpha, cv2.BORDER_CONSTANT)
    if not alpha.any():
        return
    flow = field(change.flow, cv2.BORDER_REPLICATE) @ np.linalg.inv(matrix[:, :2]).T.astype(np.float32)  # crop px -> photo px
    reach = int(np.ceil(np.abs(flow).max())) + 4
    x0, y0 = max(left - reach, 0), max(top - reach, 0)
    source = pixels[y0 : bottom + reach, x0 : right + reach]
    map_x = flow[..., 0] + np.arange(left - x0, right - x0, dtype=np.float32)
    map_y = flow[..., 1] + np.arange(top - y0, bottom - y0, dtype=np.float32)[:, None]
    looked = cv2.remap(source, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101).astype(np.float32)
    full = np.iinfo(pixels.dtype).max
    looked += field(change.colour, cv2.BORDER_REPLICATE) * np.float32(full)
    looked -= pixels[top:bottom, left:right]
    looked *= alpha[..., None]
    target = out[top:bottom, left:right]
    looked += target
    np.rint(looked, out=looked)
    np.clip(looked, 0, full, out=looked)
    np.copyto(target, looked.astype(pixels.dtype), where=(alpha > 0)[..., None])


def _softened(change: Change, scale: float) -> Change:
    """The change without detail finer than the photo can hold; `scale` is photo pixels per crop pixel."""
    if scale >= 0.9:
        return change
    sigma = 0.5 * np.sqrt(1 / scale**2 - 1)
    blur = lambda values: cv2.GaussianBlur(values, (0, 0), sigma)  # noqa: E731
    return Change(blur(change.flow), blur(change.colour), blur(change.alpha))


def _tiles(box: tuple[int, int, int, int]) -> Iterator[tuple[int, int, int, int]]:
    left, top, right, bottom = box
    for y in range(top, bottom, TILE):
        for x in range(left, right, TILE):
            yield x, y, min(x + TILE, right), min(y + TILE, bottom)
