"""Toned pictures, as sepia prints and cyanotypes: each lightness has one colour. They are edited as the grey pictures
that they are, and what changes takes on the colour of its lightness."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..types import Array
from .filters import to_uint8

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
SAMPLES, BINS = 64, 32  # parts of a side that are looked at; lightnesses that are told apart
EVEN, LEAST = (
    6.0,
    30,
)  # levels that a part may differ in itself; percent of the parts that are looked at in any case
TONED = 2.5  # levels that a toning is off grey by, at the least
STRAY = 0.078  # of that: how far parts may be from the colour of their lightness; of photos in colour it is .087 and more


@dataclass(frozen=True, eq=False)
class Toning:
    """The colours `[BINS, 3]` from 0 to 1 that lightnesses `[BINS]` have."""

    lightness: Array
    colours: Array

    def to_srgb(self, pixels: Array) -> Array:
        """Pixels `[..., 3]` from 0 to 1 without their toning."""
        return np.repeat((pixels @ LUMA)[..., None], 3, -1).astype(np.float32)

    def from_srgb(self, colours: Array) -> Array:
        """Greys `[..., 3]` from 0 to 1 in their toning; what is not grey becomes so."""
        light = np.clip(colours, 0, 1) @ LUMA
        return np.stack([np.interp(light, self.lightness, self.colours[:, c]) for c in range(3)], -1).astype(
            np.float32
        )

    def picture(self, pixels: Array) -> Array:
        """A picture `[H, W, 3]` uint8 without its toning."""
        return cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def toning_of(pixels: Array) -> Toning | None:
    """The toning of a picture `[H, W, 3]` of 8 or 16 bits; None for one in colour, or without any."""
    step = max(1, max(pixels.shape[:2]) // (8 * SAMPLES))
    small = np.ascontiguousarray(pixels[::step, ::step])
    some = _even_parts(to_uint8(small).astype(np.float32) / 255)
    light = some @ LUMA
    where = np.minimum((light * BINS).astype(int), BINS - 1)
    count = np.bincount(where, minlength=BINS)
    seen = count > 0
    means = np.stack([np.bincount(where, one, BINS)[seen] / count[seen] for one in (light, *some.T)], -1)
    found = Toning(means[:, 0], means[:, 1:])
    curve = found.from_srgb(np.repeat(light[:, None], 3, 1))
    off = float(np.abs(curve - light[:, None]).mean())
    return found if off > TONED / 255 and np.abs(some - curve).mean() < STRAY * off else None


def _even_parts(picture: Array) -> Array:
    """The mean colours `[n, 3]` of parts of a picture `[H, W, 3]` in which little happens: encoded pictures have
    stray colours, which averages have not, and across an edge an average has a colour of its own."""
    scale = min(1.0, SAMPLES / max(picture.shape[:2]))
    size = max(round(scale * picture.shape[1]), 1), max(round(scale * picture.shape[0]), 1)
    light = picture @ LUMA
    small, mean, squares = (
        cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in (picture, light, light * light)
    )
    spread = squares - mean * mean
    return small[spread <= max((EVEN / 255) ** 2, np.percentile(spread, LEAST))]
