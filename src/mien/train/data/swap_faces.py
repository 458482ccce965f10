"""Faces of two people, or of many, for networks that draw one person in another's place: laid out by their landmarks,
shown warped, wanted as they are.

Everything is a function of seed and step.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ...errors import InputError
from ...face import geometry, mesh
from ...face.filters import lab_to_rgb, rgb_to_lab
from ...face.topology import EYELIDS, LIPS
from ...io.dataset import held_out, read_points
from ...models.embedder import Embedder
from ...models.kit import Kit
from ...types import Alignment, Array
from .faces import chw, read_rgb
from .pictures import find

ROOM = 1.25  # of the layout, that is kept of a picture, since it is turned and moved
FINE = 1.2  # pixels that are kept for each that is wanted
CELLS = 5  # of the grid that warps, a side
LIGHTER, WARMER = 0.3, 0.08  # shares by which lightness and colours are changed at most
CLEARER = 0.5  # share of the pictures whose contrast is evened out (CLAHE)
READ = 24  # pictures of a person that tell who it is
IDENTITY = 128  # numbers of the embedder in the box


@dataclass(frozen=True)
class Warp:
    """By how much pictures are turned (degrees), zoomed and moved (shares), and by how much what is shown is warped
    besides (shares of its side, from and to)."""

    angle: float = 10.0
    zoom: float = 0.05
    shift: float = 0.05
    wave: tuple[float, float] = (5 / 256, 5 / 256)


@dataclass(frozen=True, eq=False)
class SwapBatch:
    """Of each of P people: what is shown `[N, P, 3, S, S]` and wanted `[N, P, 3, T, T]` in 0..1, where face, eyes and
    mouth are in that `[N, P, 3, T, T]`, and who it is `[N, P, 128]`."""

    seen: Array
    wanted: Array
    about: Array
    identity: Array


@dataclass(frozen=True, eq=False)
class _Face:
    """One picture: pixels `[S, S, 3]` uint8 with ROOM around the layout, points `[478, 2]` in them, and mean and
    spread `[2, 3]` of its face's colours in Lab."""

    pixels: Array
    points: Array
    colours: Array


class SwapFaces:
    """Two folders, one for each person; with `many` people all folders together, each picture another's.

    size: pixels that are shown, target: that are wanted, template: how faces are laid out in both. told: whether it is
    to be said who it is. matched: share of the pictures that are given the colours of another's.
    """

    def __init__(
        self,
        folders: list[Path],
        size: int,
        target: int,
        template: str,
        seed: int,
        *,
        warp: Warp,
        many: bool = False,
        told: bool = False,
        matched: float = 0.0,
    ) -> None:
        if not many and len(folders) != 2:
            raise InputError(f"{len(folders)} folders came, wanted two: faces of A, and faces of B")
        self.size, self.target, self.template, self.seed = size, target, template, seed
        self.warp, self.many, self.matched = warp, many, matched
        kept = Alignment(template, round(ROOM * FINE * target))
        embedder = Kit(threads=1).embedder() if told else None
        self.sides = [
            _Side(one, kept, embedder, many) for one in ([folders] if many else [[one] for one in folders])
        ]

    def batch(self, count: int, i: int) -> SwapBatch:
        """Batch number `i`; every picture of a person comes once before any comes again."""
        drawn = [[self._drawn(k, i * count + n) for n in range(count)] for k in range(len(self.sides))]
        return _stacked(drawn)

    def held_out(self, most: int) -> SwapBatch:
        """At most `most` of each that are held out, as they are; always the same."""
        count = min(most, *(len(side.aside) for side in self.sides)) if len(self.sides) > 1 else most
        drawn = [
            [self._whole(side, j) for j in side.aside[:: max(len(side.aside) // count, 1)][:count]]
            for side in self.sides
        ]
        return _stacked(drawn)

    def notes(self) -> list[str]:
        names = "AB" if len(self.sides) > 1 else ("faces",)
        return [
            f"{name}: {len(side.trained)} to learn from, {len(side.aside)} held out"
            + (f", {side.left_out} without landmarks left out" if side.left_out else "")
            for name, side in zip(names, self.sides, strict=True)
        ]

    def _drawn(self, k: int, place: int) -> tuple[Array, ...]:
        side, n = self.sides[k], len(self.sides[k].trained)
        rng = np.random.default_rng((self.seed, 9, k, place))
        order = np.random.default_rng((self.seed, 10, k, place // n)).permutation(n)
        j = side.trained[order[place % n]]
        face, other = side.faces[j], self.sides[k - 1]
        pixels = _coloured(face.pixels, rng)
        if rng.random() < self.matched:
            theirs = other.faces[other.trained[rng.integers(len(other.trained))]]
            pixels = _with_colours(face, theirs.colours, rng.random())
        matrix = self._moved(len(pixels), rng)
        wanted = cv2.warpAffine(pixels, matrix, (self.target,) * 2, borderMode=cv2.BORDER_REFLECT_101)
        at = _warped(rng, self.target, rng.uniform(*self.warp.wave))
        seen = cv2.remap(wanted, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        return (*self._example(seen, wanted, geometry.transform(face.points, matrix)), side.identity[j])

    def _whole(self, side: _Side, j: int) -> tuple[Array, ...]:
        face = side.faces[j]
        matrix = self._matrix(len(face.pixels), 0.0, 1.0, (0.0, 0.0), mirrored=False)
        pixels = cv2.warpAffine(face.pixels, matrix, (self.target,) * 2, flags=cv2.INTER_AREA)
        return (*self._example(pixels, pixels, geometry.transform(face.points, matrix)), side.identity[j])

    def _example(self, seen: Array, wanted: Array, points: Array) -> tuple[Array, Array, Array]:
        size = self.target
        eyes = sum(mesh.polygon_mask(points, lids, size, 0.7, grow=size / 48) for lids in EYELIDS)
        mouth = mesh.polygon_mask(points, LIPS, size, 0.7)
        about = np.stack([mesh.hull_mask(points, size).astype(np.float32), np.minimum(eyes, 1), mouth])
        return cv2.resize(seen, (self.size,) * 2, interpolation=cv2.INTER_AREA), wanted, about

    def _moved(self, kept: int, rng: np.random.Generator) -> Array:
        """How a kept picture is laid out this time."""
        by = self.warp
        angle, zoom = rng.uniform(-by.angle, by.angle), 1 + rng.uniform(-by.zoom, by.zoom)
        shift = rng.uniform(-by.shift, by.shift, 2) * self.target
        return self._matrix(kept, angle, zoom, (shift[0], shift[1]), mirrored=rng.random() < 0.5)

    def _matrix(
        self, kept: int, angle: float, zoom: float, shift: tuple[float, float], *, mirrored: bool
    ) -> Array:
        middle, own = (self.target - 1) / 2, (kept - 1) / 2
        matrix = cv2.getRotationMatrix2D((own, own), angle, zoom * self.target * ROOM / kept)
        matrix[:, 2] += np.array(shift) + middle - own
        if mirrored:
            matrix[0] *= -1
            matrix[0, 2] += self.target - 1
        return matrix


class _Side:
    """The pictures of one person, or of many. identity `[n, 128]`: who each shows, zeros where that is not asked;
    trained and aside: places in `faces`."""

    def __init__(self, folders: list[Path], kept: Alignment, embedder: Embedder | None, many: bool) -> None:
        points = {path: one for folder in folders for path, one in read_points(folder).items()}
        named = dict(one for folder in folders for one in find(folder))
        paths = [path for path in named if path in points]
        if len(paths) < 2:
            raise InputError(
                f"{', '.join(map(str, folders))}: at least two faces are wanted in images/, with landmarks478.npz, as "
                "`mien extract` and `mien align` write them"
            )
        self.left_out = len(named) - len(paths)
        self.faces = [_laid_out(read_rgb(path), points[path], kept) for path in paths]
        self.identity = np.zeros((len(paths), IDENTITY), np.float32)
        if embedder is not None:
            read = paths if many else paths[:: max(len(paths) // READ, 1)]
            vectors = [_identity(embedder, read_rgb(path), points[path]) for path in read]
            self.identity[:] = vectors if many else np.mean(vectors, axis=0)
        aside = [k for k, path in enumerate(paths) if held_out(named[path])]
        self.aside = aside if 0 < len(aside) < len(paths) else [0]  # too few for chance
        self.trained = [k for k in range(len(paths)) if k not in set(self.aside)]


def _identity(embedder: Embedder, pixels: Array, points: Array) -> Array:
    return embedder.identity(geometry.align(pixels, points, embedder.alignment)).vector


def _laid_out(pixels: Array, points: Array, kept: Alignment) -> _Face:
    """A face of a picture, smaller in its middle, so that there is ROOM around."""
    inner = geometry.similarity(points, Alignment(kept.template, round(kept.size / ROOM)))
    room = (kept.size - round(kept.size / ROOM)) / 2
    matrix = inner + np.array([[0, 0, room], [0, 0, room]])
    small, at = geometry.warp(pixels, matrix, kept.size), geometry.transform(points, matrix)
    lab = rgb_to_lab(small.astype(np.float32) / 255)[mesh.hull_mask(at, kept.size) > 0]
    return _Face(small, at, np.stack([lab.mean(0), lab.std(0)]))


def _coloured(pixels: Array, rng: np.random.Generator) -> Array:
    """A picture in another light."""
    lab = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB)
    if rng.random() < CLEARER:
        lab[..., 0] = cv2.createCLAHE(2.0, (4, 4)).apply(np.ascontiguousarray(lab[..., 0]))
    gains = 1 + rng.uniform(-1, 1, 3) * (LIGHTER, WARMER, WARMER)
    middle = np.array([0.0, 128.0, 128.0])
    out = np.clip((lab - middle) * gains + middle, 0, 255).astype(np.uint8)
    return cv2.cvtColor(out, cv2.COLOR_LAB2RGB)


def _with_colours(face: _Face, colours: Array, share: float) -> Array:
    """A picture with a `share` of the way to other colours of the face (Reinhard et al. 2001)."""
    lab = rgb_to_lab(face.pixels.astype(np.float32) / 255)
    (mean, spread), (wanted, wide) = face.colours, colours
    moved = (lab - mean) * (wide / np.maximum(spread, 1)) + wanted
    return np.rint(np.clip(lab_to_rgb(lab + share * (moved - lab).astype(np.float32)), 0, 1) * 255).astype(
        np.uint8
    )


def _warped(rng: np.random.Generator, size: int, wave: float) -> tuple[Array, Array]:
    """Where each pixel of what is shown looks: a coarse grid whose corners waver, less what would turn, zoom or move
    all of it, since what is wanted is not moved."""
    line = np.linspace(0, size - 1, CELLS)
    x, y = np.meshgrid(line, line)
    noise = rng.normal(0, wave * size, (2, CELLS, CELLS))
    at, by = (x + 1j * y).ravel() - (1 + 1j) * (size - 1) / 2, (noise[0] + 1j * noise[1]).ravel()
    by -= by.mean() + np.vdot(at, by) / np.vdot(at, at) * at
    rows = (x + by.real.reshape(x.shape), y + by.imag.reshape(y.shape))
    full = round(ROOM * size)
    cut = slice((full - size) // 2, (full - size) // 2 + size)
    large = [cv2.resize(one.astype(np.float32), (full, full))[cut, cut] for one in rows]
    return large[0], large[1]


def _stacked(drawn: list[list[tuple[Array, ...]]]) -> SwapBatch:
    """Of each person the examples -> one batch."""
    sides = [list(zip(*examples, strict=True)) for examples in drawn]
    seen, wanted = (np.stack([chw(list(side[k])) / 2 + 0.5 for side in sides], 1) for k in (0, 1))
    about, identity = (np.stack([np.stack(side[k]) for side in sides], 1).astype(np.float32) for k in (2, 3))
    return SwapBatch(seen, wanted, about, identity)
