"""Translator: a picture -> the same in another manner, by a network of role "translator"."""

from __future__ import annotations

import math

import cv2
import numpy as np

from ..runtime import Net
from ..types import Array

STEP = 32  # sides of what is given to a network that takes any size are multiples of this
TILE, OVERLAP = 768, 96  # pixels of a tile's side, and of what two tiles share, where the picture is larger


class Translator:
    """Runs `pixels [1, C, H, W]` (and `condition [1, K]`) -> `picture [1, 3, H, W]`; networks of one size see the picture at that size."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.channels = int(net.inputs["pixels"][1])
        self.any_size = not isinstance(net.inputs["pixels"][2], int)
        self.conditions = tuple(condition.name for condition in net.card.conditions)

    def translate(self, pixels: Array, **asked: float) -> Array:
        """`[H, W, 3]` uint8 (or `[H, W]` for networks of one channel) -> `[H, W, 3]` uint8; `asked` are conditions by name, others are 0.

        A picture larger than a tile is done in tiles that fade into each other, in memory that does not grow with the number of tiles.
        """
        height, width = pixels.shape[:2]
        if not self.any_size:
            side = self.net.card.size
            small = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA if max(height, width) > side else cv2.INTER_CUBIC)
            return cv2.resize(self._run(small, asked), (width, height), interpolation=cv2.INTER_CUBIC)
        total, weights = np.zeros((height, width, 3), np.float32), np.zeros((height, width, 1), np.float32)
        for top in starts(height):
            for left in starts(width):
                part = pixels[top : top + TILE, left : left + TILE]
                weight = np.minimum.outer(ramp(part.shape[0]), ramp(part.shape[1]))[..., None]
                total[top : top + TILE, left : left + TILE] += self._run(part, asked) * weight
                weights[top : top + TILE, left : left + TILE] += weight
        return np.clip(np.rint(total / weights), 0, 255).astype(np.uint8)

    def _run(self, pixels: Array, asked: dict[str, float]) -> Array:
        height, width = pixels.shape[:2]
        low, high = self.net.card.value_range
        if self.any_size:
            step = math.lcm(STEP, self.net.card.multiple or 1)
            border = -height % step, -width % step
            pixels = cv2.copyMakeBorder(pixels, 0, border[0], 0, border[1], cv2.BORDER_REFLECT_101)
        tensor = pixels.astype(np.float32) * ((high - low) / 255) + low
        given = {"pixels": np.ascontiguousarray(np.atleast_3d(tensor).transpose(2, 0, 1)[None])}
        if self.conditions:
            given["condition"] = np.array([[asked.get(name, 0.0) for name in self.conditions]], np.float32)
        picture = self.net.run(**given)["picture"][0].transpose(1, 2, 0)[:height, :width]
        return np.clip((picture - low) * (255 / (high - low)), 0, 255).astype(np.float32)


def starts(length: int) -> list[int]:
    """Where tiles of a side begin."""
    count = 1 + max(0, -(-(length - TILE) // (TILE - OVERLAP)))
    return [round(k * (length - TILE) / max(count - 1, 1)) if length > TILE else 0 for k in range(count)]


def ramp(length: int) -> Array:
    """How much each row of a tile counts: less towards its ends. `[length]`, above 0."""
    to_end = np.minimum(np.arange(length), np.arange(length)[::-1]) + 1.0
    return np.clip(to_end / OVERLAP, 0, 1).astype(np.float32)
