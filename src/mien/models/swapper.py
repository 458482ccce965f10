"""Swapper: any face -> the same as one person, by a network of role "swapper"."""

from __future__ import annotations

import numpy as np

from ..types import Alignment, Array, Crop
from .session import Net

LAYOUT = "face"  # of networks whose cards leave it out


class Swapper:
    """Runs `pixels [1, 3, S, S]` -> `face [1, 3, T, T]`, the one person that it was trained for, who looks and expresses
    what those pixels show, and `alpha [1, 1, T, T]` in 0..1: where that is to be seen. T may be larger than S."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.alignment = Alignment(net.card.template or LAYOUT, net.card.size)

    def draw(self, crop: Crop) -> tuple[Array, Array]:
        """The face `[T, T, 3]` and its alpha `[T, T]`, both float32 in 0..1, of a crop in the swapper's alignment."""
        found = self.net.run(pixels=self.net.tensor(crop.pixels))
        low, high = self.net.card.value_range
        face = (found["face"][0].transpose(1, 2, 0) - low) / (high - low)
        return np.clip(face, 0, 1), np.clip(found["alpha"][0, 0], 0, 1)
