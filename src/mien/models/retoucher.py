"""Retoucher: crop and condition -> Change, by a network of role "retoucher"."""

from __future__ import annotations

import cv2
import numpy as np

from ..runtime import Net
from ..types import Array, Change, Crop


class Retoucher:
    """Runs a network `pixels [1, 3, S, S]`, `condition [1, C]` -> flow `[1, 2, S, S]`, colour `[1, 3, S, S]`, alpha `[1, 1, S, S]`."""

    def __init__(self, net: Net) -> None:
        self.net, self.conditions = net, tuple(condition.name for condition in net.card.conditions)

    def change(self, crop: Crop, **asked: float) -> Change:
        """The Change that conditions by name ask for; those that are not named are 0. The crop may have any size and keeps it."""
        side, (low, high) = self.net.card.size, self.net.card.value_range
        pixels = cv2.resize(crop.pixels, (side, side), interpolation=cv2.INTER_AREA if crop.size > side else cv2.INTER_CUBIC)
        tensor = (pixels.astype(np.float32) * ((high - low) / 255) + low).transpose(2, 0, 1)[None]
        condition = np.array([[asked.get(name, 0.0) for name in self.conditions]], np.float32)
        out = self.net.run(pixels=np.ascontiguousarray(tensor), condition=condition)

        def field(name: str) -> Array:
            return cv2.resize(out[name][0].transpose(1, 2, 0), (crop.size, crop.size), interpolation=cv2.INTER_CUBIC)

        return Change(field("flow") * np.float32(crop.size / side), field("colour"), np.clip(field("alpha"), 0, 1))
