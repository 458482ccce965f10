"""Embedder: a face -> who it is, by a network of role "embedder"."""

from __future__ import annotations

import numpy as np

from ..types import Alignment, Crop, Identity
from .session import Net

LAYOUT = "arcface"  # of all published embedders, whatever their cards leave out


class Embedder:
    """Runs `pixels [1, 3, S, S]` -> `vector [1, E]`."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.alignment = Alignment(net.card.template or LAYOUT, net.card.size)

    def identity(self, crop: Crop) -> Identity:
        """The identity of a crop in the embedder's alignment; the mean of the face and of its mirror
        image."""
        first, second = (
            self.net.run(pixels=self.net.tensor(one))["vector"][0]
            for one in (crop.pixels, crop.pixels[:, ::-1].copy())
        )
        return Identity((first + second) / np.linalg.norm(first + second))
