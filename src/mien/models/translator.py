"""Translator: a picture -> the same in another manner, by a network of role "translator"."""

from __future__ import annotations

import math
from collections.abc import Mapping

import cv2
import numpy as np

from ..errors import RequestError
from ..runtime import Net
from ..types import Array

STEP = 32  # sides of what is given to a network that takes any size are multiples of this
STYLE_SIDE = 512  # pixels that a picture of a style is brought to
TILE, OVERLAP = 768, 96  # pixels of a tile's side, and of what two tiles share, where the picture is larger


class Translator:
    """Runs `pixels [1, C, H, W]` (and `condition [1, K]`, `style [1, 3, h, w]`) -> `picture [1, 3, H, W]`; networks of one size see the
    picture at that size."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.channels = int(net.inputs["pixels"][1])
        self.any_size = not isinstance(net.inputs["pixels"][2], int)
        self.conditions = tuple(condition.name for condition in net.card.conditions)
        self.wants_style = "style" in net.inputs

    def translate(self, pixels: Array, *, style: Array | None = None, asked: Mapping[str, float] | None = None) -> Array:
        """`[H, W, 3]` uint8 (or `[H, W]` for networks of one channel) -> `[H, W, 3]` uint8.

        style: a picture `[h, w, 3]` uint8, for networks that take any; asked: conditions by name, others are 0. A picture larger than a
        tile is done in tiles that fade into each other, in memory that does not grow with the number of tiles.
        """
        height, width = pixels.shape[:2]
        given = self._given(style, asked or {})
        if not self.any_size:
            side = self.net.card.size
            small = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA if max(height, width) > side else cv2.INTER_CUBIC)
            return cv2.resize(self._run(small, given), (width, height), interpolation=cv2.INTER_CUBIC)
        total, weights = np.zeros((height, width, 3), np.float32), np.zeros((height, width, 1), np.float32)
        for top in starts(height):
            for left in starts(width):
                part = pixels[top : top + TILE, left : left + TILE]
                weight = np.minimum.outer(ramp(part.shape[0]), ramp(part.shape[1]))[..., None]
                total[top : top + TILE, left : left + TILE] += self._run(part, given) * weight
                weights[top : top + TILE, left : left + TILE] += weight
        return np.clip(np.rint(total / weights), 0, 255).astype(np.uint8)

    def _given(self, style: Array | None, asked: Mapping[str, float]) -> dict[str, Array]:
        """What every tile is told besides its pixels."""
        given: dict[str, Array] = {}
        if self.wants_style:
            if style is None:
                raise RequestError(f"{self.net.name} draws in the style of a picture: name one with --style")
            scale = STYLE_SIDE / max(style.shape[:2])
            size = [max(round(side * scale) // STEP, 1) * STEP for side in style.shape[1::-1]]
            given["style"] = self._tensor(cv2.resize(style, size, interpolation=cv2.INTER_AREA))
        if unknown := set(asked) - set(self.conditions):
            raise RequestError(f"{self.net.name} knows no {unknown.pop()!r}: there are {', '.join(self.conditions) or 'none'}")
        if self.conditions:
            given["condition"] = np.array([[asked.get(name, 0.0) for name in self.conditions]], np.float32)
        return given

    def _run(self, pixels: Array, given: dict[str, Array]) -> Array:
        height, width = pixels.shape[:2]
        if self.any_size:
            step = math.lcm(STEP, self.net.card.multiple or 1)
            pixels = cv2.copyMakeBorder(pixels, 0, -height % step, 0, -width % step, cv2.BORDER_REFLECT_101)
        low, high = self.net.card.value_range
        picture = self.net.run(pixels=self._tensor(pixels), **given)["picture"][0].transpose(1, 2, 0)[:height, :width]
        return np.clip((picture - low) * (255 / (high - low)), 0, 255).astype(np.float32)

    def _tensor(self, pixels: Array) -> Array:
        low, high = self.net.card.value_range
        tensor = pixels.astype(np.float32) * ((high - low) / 255) + low
        return np.ascontiguousarray(np.atleast_3d(tensor).transpose(2, 0, 1)[None])


def starts(length: int) -> list[int]:
    """Where tiles of a side begin."""
    count = 1 + max(0, -(-(length - TILE) // (TILE - OVERLAP)))
    return [round(k * (length - TILE) / max(count - 1, 1)) if length > TILE else 0 for k in range(count)]


def ramp(length: int) -> Array:
    """How much each row of a tile counts: less towards its ends. `[length]`, above 0."""
    to_end = np.minimum(np.arange(length), np.arange(length)[::-1]) + 1.0
    return np.clip(to_end / OVERLAP, 0, 1).astype(np.float32)
