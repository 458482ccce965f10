"""Retoucher: crop and condition -> Change, by a network of role "retoucher"."""

from __future__ import annotations

import cv2
import numpy as np

from ..types import Array, Change, Crop
from .session import Net


class Retoucher:
    """Runs a network `pixels [1, 3, S, S]`, `condition [1, C]` -> flow `[1, 2, S, S]`, colour `[1, 3, S, S]`,
    alpha `[1, 1, S, S]`."""

    def __init__(self, net: Net) -> None:
        self.net, self.conditions = net, tuple(condition.name for condition in net.card.conditions)

    def change(self, crop: Crop, **asked: float) -> Change:
        """The Change that conditions by name ask for; those that are not named are 0. The crop may have any
        size and keeps it."""
        condition = np.array([[asked.get(name, 0.0) for name in self.conditions]], np.float32)
        out = self.net.run(pixels=self.net.tensor(crop.pixels), condition=condition)

        def field(name: str) -> Array:
            return cv2.resize(
                out[name][0].transpose(1, 2, 0), (crop.size, crop.size), interpolation=cv2.INTER_CUBIC
            )

        return Change(
            field("flow") * np.float32(crop.size / self.net.card.size),
            field("colour"),
            np.clip(field("alpha"), 0, 1),
        )
