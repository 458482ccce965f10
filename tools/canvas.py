"""What `effects.py` draws with: smooth outlines, shapes that bulge in a light from above, and pictures with a palette."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from PIL import Image

from mien.types import Array

FINER = 2  # drawn so much finer than it is kept
LIGHT = np.array([-0.35, -0.65, 0.67])  # from where drawn light comes: left, above, before
Points = Sequence[Any] | Array
Colours = Sequence[Any]  # red, green and blue of each in 0..1


def curve(points: Points, *, closed: bool = False, steps: int = 16) -> Array:
    """A smooth line through points (Catmull and Rom 1974), `[n, 2]`."""
    given = np.array(points, np.float64)
    ends = (
        np.concatenate([given[-1:], given, given[:2]])
        if closed
        else np.concatenate([2 * given[:1] - given[1:2], given, 2 * given[-1:] - given[-2:-1]])
    )
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    parts: list[Array] = []
    for a, b, c, d in zip(ends, ends[1:], ends[2:], ends[3:], strict=False):
        parts.append(
            0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        )
    return np.concatenate(parts if closed else [*parts, given[-1:]])


def ribbon(path: Array, widths: Sequence[float]) -> Array:
    """The outline of a stroke along a path `[n, 2]` that is so wide from its start to its end."""
    along = np.gradient(path, axis=0)
    beside = np.stack([-along[:, 1], along[:, 0]], -1) / np.maximum(
        np.linalg.norm(along, axis=1, keepdims=True), 1e-9
    )
    wide = np.interp(np.linspace(0, 1, len(path)), np.linspace(0, 1, len(widths)), widths)[:, None] / 2
    return np.concatenate([path + beside * wide, (path - beside * wide)[::-1]])


def ellipse(x: float, y: float, wide: float, high: float, turn: float = 0.0) -> Array:
    angle = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    flat = np.stack([wide / 2 * np.cos(angle), high / 2 * np.sin(angle)], -1)
    return flat @ np.array([[c, s], [-s, c]]) + (x, y)


def mirrored(outline: Array) -> Array:
    return outline * (-1, 1) + (1000, 0)


def mixed(one: Any, other: Any, share: Any) -> Any:
    share = np.asarray(share, np.float32)[..., None]
    return np.asarray(one, np.float32) * (1 - share) + np.asarray(other, np.float32) * share


def ramp(colours: Colours, share: Array) -> Array:
    """A colour for each share 0..1, between those given."""
    at = np.linspace(0, 1, len(colours))
    return np.stack([np.interp(share, at, [one[k] for one in colours]) for k in range(3)], -1).astype(
        np.float32
    )


@dataclass
class Canvas:
    """A picture that is drawn: `side` pixels wide; places in thousandths of that. high: its height over its width."""

    side: int
    high: float = 1.0
    rgba: Array = field(init=False)

    def __post_init__(self) -> None:
        self.rgba = np.zeros((round(self.side * self.high) * FINER, self.side * FINER, 4), np.float32)

    @property
    def unit(self) -> float:
        """Drawn pixels of a thousandth."""
        return self.side * FINER / 1000

    def places(self) -> tuple[Array, Array]:
        """x and y of every drawn pixel, in thousandths."""
        height, width = self.rgba.shape[:2]
        y, x = np.mgrid[:height, :width].astype(np.float32)
        return x / np.float32(self.unit), y / np.float32(self.unit)

    def mask(self, *outlines: Array, soft: float = 0.0) -> Array:
        """The inside of outlines, `[h, w]` in 0..1, softened by so many thousandths."""
        out = np.zeros(self.rgba.shape[:2], np.uint8)
        for outline in outlines:
            cv2.fillPoly(out, [np.rint(outline * (self.unit * 16)).astype(np.int32)], 255, cv2.LINE_AA, 4)
        return self.soft(out.astype(np.float32) / 255, soft)

    def soft(self, mask: Array, by: float) -> Array:
        return cv2.GaussianBlur(mask, (0, 0), by * self.unit) if by else mask

    def lay(self, mask: Array, colour: Any, opacity: float = 1.0) -> None:
        """Lay a colour, or a picture of colours, over what is there."""
        a = (mask * opacity)[..., None]
        self.rgba[..., :3] = self.rgba[..., :3] * (1 - a) + np.asarray(colour, np.float32) * a
        self.rgba[..., 3:] = self.rgba[..., 3:] * (1 - a) + a

    def fill(
        self,
        outline: Array,
        colour: Any,
        opacity: float = 1.0,
        soft: float = 1.5,
        within: Array | None = None,
    ) -> None:
        """Lay one colour inside an outline, softened by so many thousandths, where `within` lets it."""
        reach = 4 * soft + 3
        low = np.clip((outline.min(0) - reach) * self.unit, 0, None).astype(int)
        high = np.ceil((outline.max(0) + reach) * self.unit).astype(int)
        part = slice(low[1], high[1]), slice(low[0], high[0])
        here = self.rgba[part]
        if not here.size:
            return
        mask = np.zeros(here.shape[:2], np.uint8)
        fixed = np.rint((outline * self.unit - low) * 16).astype(np.int32)
        cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, 4)
        a = self.soft(mask.astype(np.float32) / 255, soft) * opacity
        a = (a if within is None else a * within[part])[..., None]
        self.rgba[part] = here * (1 - a) + np.array([*colour, 1], np.float32) * a

    def dome(self, mask: Array, round_: float, soft: float = 0.0) -> tuple[Array, Array]:
        """How bright something with this outline is that bulges, its edge round over so many thousandths, 0..1; and its
        gloss."""
        inside = (mask > 0.5).astype(np.uint8)
        rise = np.clip(cv2.distanceTransform(inside, cv2.DIST_L2, 5) / (round_ * self.unit), 0, 1)
        height = np.sqrt(np.clip(1 - (1 - rise) ** 2, 0, 1)) * round_ * self.unit
        height = cv2.GaussianBlur(height.astype(np.float32), (0, 0), max(soft or round_ / 8, 0.4) * self.unit)
        x, y = (cv2.Sobel(height, cv2.CV_32F, *by, scale=1 / 8) for by in ((1, 0), (0, 1)))
        length = np.sqrt(1 + x**2 + y**2)

        def facing(to: Array) -> Array:
            return np.clip((-x * float(to[0]) - y * float(to[1]) + float(to[2])) / length, 0, 1)

        halfway = LIGHT + np.array([0, 0, 1])
        return facing(LIGHT / np.linalg.norm(LIGHT)), facing(halfway / np.linalg.norm(halfway)) ** 24

    def solid(self, mask: Array, colours: Colours, round_: float, gloss: float = 0.3) -> None:
        """Lay something that bulges, its colours from its shade to its light."""
        shade, shine = self.dome(mask, round_)
        lit = ramp(colours, np.clip(shade, 0, 1))
        self.lay(mask, lit + (1 - lit) * (gloss * shine)[..., None])

    def png(self) -> bytes:
        """The picture packed, in as few colours as a palette has."""
        height, width = self.rgba.shape[:2]
        small = cv2.resize(self.rgba, (width // FINER, height // FINER), interpolation=cv2.INTER_AREA)
        indices, colours = palette(np.clip(small, 0, 1) * 255)
        picture = Image.fromarray(indices)
        picture.putpalette(colours.tobytes(), "RGBA")
        out = io.BytesIO()
        picture.save(out, "PNG", optimize=True)
        return out.getvalue()


def palette(rgba: Array) -> tuple[Array, Array]:
    """A picture `[h, w, 4]` in 0..255, its colours times their opacity, in 256 colours: which each pixel has, and the
    colours `[256, 4]`, by k-means."""
    known, where, count = np.unique(
        np.rint(rgba).astype(np.uint8).reshape(-1, 4), axis=0, return_inverse=True, return_counts=True
    )
    known, often = known.astype(np.float32), np.sqrt(count)
    sample = known[np.random.default_rng(0).choice(len(known), 20_000, p=often / often.sum())]
    cv2.setRNGSeed(1)
    ends = (cv2.TERM_CRITERIA_MAX_ITER + cv2.TERM_CRITERIA_EPS, 12, 0.5)
    middles: Any = cv2.kmeans(sample, 255, sample[:, :1].astype(np.int32), ends, 1, cv2.KMEANS_PP_CENTERS)[2]
    middles = np.vstack([middles, np.zeros(4, np.float32)])
    middles = middles[np.argsort(middles[:, 3])]
    steps = range(0, len(known), 4096)
    nearest = [((known[k : k + 4096, None] - middles) ** 2).sum(-1).argmin(1) for k in steps]
    colours = np.hstack([middles[:, :3] * 255 / np.maximum(middles[:, 3:], 1), middles[:, 3:]])
    indices = np.concatenate(nearest)[where.ravel()].reshape(rgba.shape[:2])
    return indices.astype(np.uint8), np.rint(np.clip(colours, 0, 255)).astype(np.uint8)
