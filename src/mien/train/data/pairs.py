"""Pictures in two manners, for translators: two folders that know nothing of each other, or pairs, given or
drawn on the fly.

Everything is a function of seed and step.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ...errors import InputError
from ...face.line_drawing import draw_lines
from ...io.dataset import read_points
from ...types import Array
from .drawings import CHANNELS, GREY, Mapped, onto, sketch
from .faces import read_rgb
from .pictures import SUFFIXES, Pictures, find

DRAWN = {
    "sketch": 1,
    "edges": 1,
    "landmarks": 1,
    "segmentation": CHANNELS["segmentation"],
}  # channels of what is drawn of a photo
TASKS = {"pairs": 3, **DRAWN}


class Unpaired:
    """Pictures of two folders, A and B, that show other things; each in its own order, cut at chance places
    and mirrored by chance."""

    def __init__(self, folders: list[Path], size: int, load: int, seed: int) -> None:
        if len(folders) != 2:
            raise InputError(
                f"{len(folders)} folders came, wanted two: pictures in the one manner, and in the other"
            )
        self.size, self.seed = size, seed
        self.sides = [Pictures([folder], load, 0, 2 * seed + k) for k, folder in enumerate(folders)]

    def batch(self, count: int, i: int, mirror: float) -> tuple[Array, Array]:
        """Batch number `i`: A and B, each `[N, 3, S, S]` in [-1, 1]."""
        pictures = [one.batch(count, i, mirror)[0] for one in self.sides]
        rng = np.random.default_rng((self.seed, 4, i))
        a, b = (cut(one, self.size, rng) for one in pictures)
        return a, b

    def held_out(self, most: int) -> tuple[Array, Array]:
        """At most `most` of each that are held out; always the same."""
        a, b = (whole(one.held_out()[0][:most], self.size) for one in self.sides)
        return a, b

    def notes(self) -> list[str]:
        return [f"{name}: {note}" for name, one in zip("AB", self.sides, strict=True) for note in one.notes()]


class Pairs:
    """What a network is shown `[N, C, S, S]`, and what it is to make of that `[N, 3, S, S]`, in [-1, 1], for
    one of TASKS.

    pairs: pictures that are given, see `Given`. Otherwise photos, and what is drawn of them: a sketch as by
    pencil or pen, dark on white; edges, thin and dark on white; landmarks, the lines of a face's mesh, white
    on black; a map for each class, 1 within and -1 without. wobble: share of what could be wrong with a
    drawing that is, so that a bad drawer's will do. turned: pairs the other way round.
    """

    def __init__(
        self,
        folders: list[Path],
        size: int,
        load: int,
        task: str,
        seed: int,
        *,
        wobble: float = 0.0,
        turned: bool = False,
    ) -> None:
        self.size, self.task, self.seed, self.wobble, self.turned = size, task, seed, wobble, turned
        if task == "pairs":
            self.pictures: Pictures = Given(folders, load, 0, seed)
        elif task == "landmarks":
            self.pictures = Meshed(folders, load, 0, seed)
        elif task == "segmentation":
            self.pictures = Mapped(folders, load, seed)
        else:
            self.pictures = Pictures(folders, load, 0, seed)

    def batch(self, count: int, i: int, mirror: float) -> tuple[Array, Array]:
        """Batch number `i`; a share `mirror` of the pairs is mirrored."""
        rng = np.random.default_rng((self.seed, 5, i))
        seen, wanted = self._pairs(*self.pictures.batch(count, i, mirror), rng)
        both = cut(np.concatenate([seen, wanted], 1), self.size, rng)
        return both[:, :-3], both[:, -3:]

    def held_out(self, most: int) -> tuple[Array, Array]:
        """At most `most` of those that are held out; always the same."""
        pixels, more = (one[:most] for one in self.pictures.held_out())
        rng = np.random.default_rng((self.seed, 6))
        seen, wanted = self._pairs(
            whole(pixels, self.size), whole(more, self.size) if more.ndim == 4 else more, rng
        )
        return seen, wanted

    def _pairs(self, pixels: Array, more: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        if self.task == "pairs":
            a, b = pixels[:, :3], pixels[:, 3:]
            return (b, a) if self.turned else (a, b)
        if self.task in ("sketch", "edges"):
            draw = sketch if self.task == "sketch" else edges
            more = np.stack([scribbled(draw(one, rng), self.wobble, rng) for one in pixels])
        elif self.task == "landmarks":
            more = np.stack([1 - scribbled(1 - one, self.wobble, rng) for one in more])
        return more * 2 - 1, pixels

    def notes(self) -> list[str]:
        return self.pictures.notes()


def cut(pictures: Array, size: int, rng: np.random.Generator) -> Array:
    """Of each picture `[N, C, L, L]` a square of `size` pixels, anywhere."""
    corners = rng.integers(0, pictures.shape[-1] - size + 1, (len(pictures), 2))
    return np.stack(
        [one[:, y : y + size, x : x + size] for one, (y, x) in zip(pictures, corners, strict=True)]
    )


def whole(pictures: Array, size: int) -> Array:
    """All of each picture `[N, C, L, L]`, at `size` pixels."""
    if pictures.shape[-1] == size:
        return pictures
    return np.stack(
        [
            [cv2.resize(channel, (size, size), interpolation=cv2.INTER_AREA) for channel in one]
            for one in pictures
        ]
    )


# --- Pairs that are given


class Given(Pictures):
    """Pairs as pictures of six channels: of two folders, or of `A` and `B` in one, by the same name; or of
    pictures twice as wide as high, A on the left."""

    def _found(self, folders: list[Path]) -> list[tuple[Path, str]]:
        sides = folders if len(folders) == 2 else [folders[0] / name for name in "AB"]
        self._other: dict[Path, Path] = {}
        if not all(one.is_dir() for one in sides) or (
            len(folders) == 2 and all(_wide(one) for one in folders)
        ):
            found = [one for folder in folders for one in find(folder)]
            if not all(_wide(folder) for folder in folders):
                raise InputError(
                    f"{', '.join(map(str, folders))}: pairs are wanted as two folders with the same names in them, A and B in one "
                    "folder, or pictures twice as wide as high; with --set task=sketch they are drawn of photos"
                )
            return found
        names = [{path.relative_to(side).with_suffix(""): path for path, _ in find(side)} for side in sides]
        both = [name for name in names[0] if name in names[1]]
        if not both:
            raise InputError(f"{sides[0]} and {sides[1]} have no name in common: a pair has the same in both")
        self._alone = len(names[0]) + len(names[1]) - 2 * len(both)
        self._other = {names[0][name]: names[1][name] for name in both}
        return [(names[0][name], str(name)) for name in both]

    def _read(self, path: Path) -> Array:
        if path in self._other:
            a, b = read_rgb(path), read_rgb(self._other[path])
        else:
            pixels = read_rgb(path)
            half = pixels.shape[1] // 2
            a, b = pixels[:, :half], pixels[:, -half:]
        if a.shape != b.shape:
            b = cv2.resize(b, a.shape[1::-1], interpolation=cv2.INTER_AREA)
        return np.concatenate([a, b], 2)

    def notes(self) -> list[str]:
        alone = getattr(self, "_alone", 0)
        return super().notes() + (
            [f"left out, since they have no other half: {alone} pictures"] if alone else []
        )


def _wide(folder: Path) -> bool:
    """Whether a folder's first picture is two side by side."""
    first = next((path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES), None)
    if first is None:
        return False
    height, width = read_rgb(first).shape[:2]
    return abs(width - 2 * height) <= 2


# --- Pairs that are drawn


class Meshed(Pictures):
    """Pictures of faces with the lines of each one's mesh `[N, 1, S, S]` in 0..1, after `landmarks478.npz`,
    in the place of classes."""

    def _found(self, folders: list[Path]) -> list[tuple[Path, str]]:
        self._points = {path: points for folder in folders for path, points in read_points(folder).items()}
        found = [one for folder in folders for one in find(folder)]
        marked = [one for one in found if one[0] in self._points]
        if len(marked) < 2:
            raise InputError(
                f"{', '.join(map(str, folders))}: landmarks are wanted in landmarks478.npz, as `mien align` writes it"
            )
        self._bare, self._lines = len(found) - len(marked), dict[Path, Array]()
        return marked

    def _stack(self, rows: list[tuple[Path, int]], mirrored: Array) -> tuple[Array, Array]:
        pixels, _ = super()._stack(rows, mirrored)
        lines = [self._drawn(path) for path, _ in rows]
        lines = np.stack([one[:, ::-1] if turn else one for one, turn in zip(lines, mirrored, strict=True)])
        return pixels, lines[:, None].astype(np.float32) / np.float32(255)

    def _drawn(self, path: Path) -> Array:
        if path in self._lines:
            return self._lines[path]
        out = draw_lines(onto(self._points[path], self._read(path), self.size), self.size)
        if self._kept is not None:  # there is room for it where there is for the pictures
            self._lines[path] = out
        return out

    def notes(self) -> list[str]:
        return super().notes() + (
            [f"left out, since they have no landmarks: {self._bare} pictures"] if self._bare else []
        )


def edges(picture: Array, rng: np.random.Generator) -> Array:
    """Thin edges `[1, S, S]`, 0 on 1, of a picture `[3, S, S]` in [-1, 1] (Canny 1986), some of more detail
    than others."""
    size = picture.shape[-1]
    grey = np.clip((np.tensordot(GREY, picture, 1) + 1) * 127.5, 0, 255).astype(np.uint8)
    smooth = cv2.GaussianBlur(grey, (0, 0), size * rng.uniform(0.003, 0.01))
    high = rng.uniform(40, 160) * 128 / size if size > 128 else rng.uniform(40, 160)
    return 1 - (cv2.Canny(smooth, high * 0.4, high)[None] > 0).astype(np.float32)


def scribbled(drawing: Array, wobble: float, rng: np.random.Generator) -> Array:
    """A drawing `[1, S, S]`, dark on white, as by a worse hand: strokes waver, some are missing, some are
    thicker."""
    if not wobble:
        return drawing
    size = drawing.shape[-1]
    coarse = rng.normal(0, 1, (2, 6, 6)).astype(np.float32) * (wobble * rng.random() * size * 0.03)
    x, y = (cv2.resize(one, (size, size), interpolation=cv2.INTER_CUBIC) for one in coarse)
    down, across = np.indices((size, size), np.float32)
    out = cv2.remap(drawing[0], x + across, y + down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if rng.random() < 0.3 * wobble:
        out = cv2.erode(out, np.ones((2, 2)))
    patches = cv2.resize(rng.random((10, 10)).astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    missing = patches < rng.uniform(0, 0.4) * wobble
    return np.where(missing, 1, out).astype(np.float32)[None]
