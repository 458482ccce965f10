"""Toned pictures, as sepia prints and cyanotypes: each lightness has one colour. They are edited as the grey pictures
that they are, and what changes takes on the colour of its lightness."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..types import Array

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
SAMPLES, BINS = 128, 32  # pixels of a side that are looked at; lightnesses that are told apart
TONED = 2.5  # levels that a toning is off grey by, at the least
STRAY = 0.08  # of that: how far pixels may be from the colour of their lightness; of photos in colour it is .15 and more


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
    step = max(1, max(pixels.shape[:2]) // SAMPLES)
    some = pixels[step // 2 :: step, step // 2 :: step].reshape(-1, 3).astype(np.float32)
    some /= np.iinfo(pixels.dtype).max
    light = some @ LUMA
    where = np.minimum((light * BINS).astype(int), BINS - 1)
    count = np.bincount(where, minlength=BINS)
    seen = count > 0
    means = np.stack([np.bincount(where, one, BINS)[seen] / count[seen] for one in (light, *some.T)], -1)
    found = Toning(means[:, 0], means[:, 1:])
    curve = found.from_srgb(np.repeat(light[:, None], 3, 1))
    off = float(np.abs(curve - light[:, None]).mean())
    return found if off > TONED / 255 and np.abs(some - curve).mean() < STRAY * off else None
