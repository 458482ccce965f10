"""What an encoder is shown instead of a picture: its mirror image, a drawing, a map of classes, a smaller
picture. Made on the fly.

Everything is a function of seed and step.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ...edits.part_labels import CLASSES
from ...errors import InputError
from ...face import mesh, topology
from ...io.dataset import read_points
from ...types import Array
from .faces import read_rgb
from .pictures import Pictures

SWAPPED = np.array([0, 1, 2, 3, 5, 4, 7, 6, 9, 8, *range(10, 19)], np.uint8)  # each class in a mirror
CHANNELS = {
    "invert": 3,
    "frontalise": 3,
    "sketch": 1,
    "segmentation": len(CLASSES),
    "super_resolution": 3,
}  # of what an encoder sees
FACTORS = (1, 2, 4, 8, 16, 32)  # how many times smaller a picture may be
SMALLEST = 4  # pixels on a side that it keeps
GREY = np.array([0.299, 0.587, 0.114], np.float32)  # how bright red, green and blue look
NOSE = (168, 193, 417, 129, 358, 64, 294, 98, 327, 2)  # mesh points whose hull is about the nose
BROWS = ((70, 63, 105, 66, 107, 55, 65, 52, 53, 46), (300, 293, 334, 296, 336, 285, 295, 282, 283, 276))


class Drawn:
    """Pairs for a task: what the encoder sees `[N, C, S, S]`, and the picture that it stands for `[N, 3, S,
    S]` in [-1, 1].

    Colour pictures are in [-1, 1]; a drawing, dark on white, and one map for each class are in [0, 1].
    """

    def __init__(self, folders: list[Path], size: int, task: str, seed: int) -> None:
        self.task, self.seed = task, seed
        self.pictures = (
            Mapped(folders, size, seed) if task == "segmentation" else Pictures(folders, size, 0, seed)
        )

    def batch(self, count: int, i: int, mirror: float) -> tuple[Array, Array]:
        """Batch number `i`; a share `mirror` of the pictures is mirrored."""
        return self._seen(*self.pictures.batch(count, i, mirror), np.random.default_rng((self.seed, 2, i)))

    def held_out(self) -> tuple[Array, Array]:
        """Those that are held out; always the same."""
        return self._seen(*self.pictures.held_out(), np.random.default_rng((self.seed, 3)))

    def _seen(self, pixels: Array, maps: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        if self.task == "segmentation":
            return maps, pixels
        if self.task == "frontalise":
            turned = rng.random(len(pixels)) < 0.5
            return np.stack(
                [one[:, :, ::-1] if turn else one for one, turn in zip(pixels, turned, strict=True)]
            ), pixels
        if self.task == "sketch":
            return np.stack([sketch(one, rng) for one in pixels]), pixels
        if self.task == "super_resolution":
            return np.stack([coarse(one, rng) for one in pixels]), pixels
        return pixels, pixels


def sketch(picture: Array, rng: np.random.Generator) -> Array:
    """A drawing `[1, S, S]` in [0, 1], dark on white, of a picture `[3, S, S]` in [-1, 1]: as by pencil (grey
    dodged by its own blurred negative), outlines alone (Sobel), or a few strokes (`strokes`); some stronger,
    some fainter, some of clean lines."""
    size = picture.shape[-1]
    grey = np.tensordot(GREY, picture, 1) / 2 + 0.5
    way = rng.random()
    if way < 0.45:
        return 1 - strokes(grey, rng)[None]
    if way < 0.75:
        blurred = cv2.GaussianBlur(grey, (0, 0), size * rng.uniform(0.008, 0.03))
        lines = np.clip(1 - grey / np.maximum(blurred, 1e-3), 0, 1) * rng.uniform(1.5, 6)
    else:
        smooth = cv2.GaussianBlur(grey, (0, 0), size * rng.uniform(0.003, 0.01))
        dx, dy = (cv2.Sobel(smooth, cv2.CV_32F, x, 1 - x) for x in (1, 0))
        lines = np.hypot(dx, dy) * (rng.uniform(0.5, 2) * size / 128)
    if rng.random() < 0.3:  # a pen, not a pencil
        lines = 0.5 + (lines - rng.uniform(0.15, 0.35)) * 8
    return (1 - np.clip(lines, 0, 1)).astype(np.float32)[None]


def strokes(grey: Array, rng: np.random.Generator) -> Array:
    """What somebody draws of a picture `[S, S]` in 0..1 with few lines of one pen: long edges of what is left
    without its texture.

    `[S, S]` float32, 1 on the lines."""
    size = grey.shape[-1]
    plain = np.clip(grey * 255, 0, 255).astype(np.uint8)
    for _ in range(2):
        plain = cv2.medianBlur(plain, 2 * round(size * rng.uniform(0.004, 0.014)) + 1)
    high = rng.uniform(50, 140)
    _, parts, told, _ = cv2.connectedComponentsWithStats(cv2.Canny(plain, high * 0.4, high), connectivity=8)
    kept = told[:, cv2.CC_STAT_AREA] >= size * rng.uniform(0.02, 0.12)
    kept[0] = False
    lines = kept[parts].astype(np.uint8) * 255
    wide = size * rng.uniform(0.003, 0.012)  # of the pen, grown in steps that stay round
    for _ in range(round((wide - 1) / 2)):
        lines = cv2.dilate(lines, cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3)))
    soft = cv2.GaussianBlur(lines.astype(np.float32) / 255, (0, 0), max(wide / 3, 0.6))
    return np.clip(soft * rng.uniform(1.2, 2.5), 0, 1).astype(np.float32)


def coarse(picture: Array, rng: np.random.Generator) -> Array:
    """A picture `[3, S, S]` in [-1, 1] made smaller by a factor of `FACTORS` and as large again."""
    size = picture.shape[-1]
    factor = int(rng.choice([one for one in FACTORS if size // one >= SMALLEST]))
    less = cv2.resize(picture.transpose(1, 2, 0), (size // factor,) * 2, interpolation=cv2.INTER_AREA)
    return np.clip(cv2.resize(less, (size, size), interpolation=cv2.INTER_CUBIC), -1, 1).transpose(2, 0, 1)


class Mapped(Pictures):
    """Pictures with a map of `CLASSES` each, which comes in the place of one class for the whole picture.

    A map is read from `labels/STEM.png` in the folder, whose pixels are numbers of classes; or it is drawn
    after the mesh in `landmarks478.npz`, which knows no hair, ears, neck or clothes. Pictures without either
    are left out.
    """

    def __init__(self, folders: list[Path], size: int, seed: int) -> None:
        super().__init__(folders, size, 0, seed)
        self._labels = {
            path.stem: path for folder in folders for path in sorted((folder / "labels").glob("*.png"))
        }
        self._points = {path: points for folder in folders for path, points in read_points(folder).items()}
        self._drawn: dict[Path, Array] = {}
        self._bare = 0  # pictures without a map
        for pool in (self._trained, self._aside):
            pictures = [row for row in pool if row[0].parent.name != "labels"]
            pool[:] = [row for row in pictures if row[0].stem in self._labels or row[0] in self._points]
            self._bare += len(pictures) - len(pool)
        if not self._trained or not self._aside:
            raise InputError(
                f"{', '.join(map(str, folders))}: segmentation wants labels/STEM.png with numbers of classes beside the pictures, or "
                "landmarks478.npz, as `mien align` writes it, for more than one of them, also of people who are held out"
            )

    def notes(self) -> list[str]:
        return super().notes() + (
            [f"left out, since they have no map of classes: {self._bare} pictures"] if self._bare else []
        )

    def _stack(self, rows: list[tuple[Path, int]], mirrored: Array) -> tuple[Array, Array]:
        pixels, _ = super()._stack(rows, mirrored)
        maps = [self._map(path) for path, _ in rows]
        maps = np.stack(
            [SWAPPED[one[:, ::-1]] if turn else one for one, turn in zip(maps, mirrored, strict=True)]
        )
        return pixels, (maps[:, None] == np.arange(len(CLASSES))[:, None, None]).astype(np.float32)

    def _map(self, path: Path) -> Array:
        if path in self._drawn:
            return self._drawn[path]
        if path.stem in self._labels:
            out = read_classes(self._labels[path.stem], self.size)
        else:
            out = draw_classes(onto(self._points[path], read_rgb(path), self.size), self.size)
        if self._kept is not None:  # there is room for it where there is for the pictures
            self._drawn[path] = out
        return out


def read_classes(path: Path, size: int) -> Array:
    """A map of classes `[size, size]` from a PNG."""
    numbers = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if numbers is None or numbers.max() >= len(CLASSES):
        said = "cannot be read" if numbers is None else f"has the class {numbers.max()}"
        raise InputError(
            f"{path} {said}: wanted a grey PNG with numbers below {len(CLASSES)} ({', '.join(CLASSES)})"
        )
    height, width = numbers.shape
    side = min(height, width)
    numbers = numbers[(height - side) // 2 :, (width - side) // 2 :][:side, :side]
    return cv2.resize(numbers, (size, size), interpolation=cv2.INTER_NEAREST_EXACT)


def onto(points: Array, pixels: Array, size: int) -> Array:
    """Points of a picture, as they lie in what `pictures.square` makes of it."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    corner = np.array([(width - side) // 2, (height - side) // 2])
    return ((points - corner + 0.5) * (size / side) - 0.5).astype(np.float32)


def draw_classes(points: Array, size: int) -> Array:
    """A map of classes `[size, size]` after a face's mesh `[478, 2]`."""
    out = mesh.hull_mask(points, size)  # the skin's number is 1
    half = len(topology.LIPS) // 2  # from the left corner over the upper lip to the right one
    upper = (*topology.LIPS[: half + 1], *reversed(topology.INNER_LIPS[: half + 1]))
    lower = (
        *topology.LIPS[half:],
        topology.LIPS[0],
        topology.INNER_LIPS[0],
        *reversed(topology.INNER_LIPS[half:]),
    )
    nose = cv2.convexHull(points[list(NOSE)])[:, 0]
    regions = [("nose", nose), ("upper-lip", points[list(upper)]), ("lower-lip", points[list(lower)])]
    regions += [("mouth", points[list(topology.INNER_LIPS)])]
    regions += [
        (f"{side}-brow", points[list(one)]) for side, one in zip(("left", "right"), BROWS, strict=True)
    ]
    regions += [
        (f"{side}-eye", points[list(one)])
        for side, one in zip(("left", "right"), topology.EYELIDS, strict=True)
    ]
    for name, outline in regions:
        cv2.fillPoly(out, [np.rint(outline * 16).astype(np.int32)], CLASSES.index(name), shift=4)
    return out
