"""Embedder: a face -> who it is, by a network of role "embedder"."""

from __future__ import annotations

import numpy as np

from ..face import geometry
from ..types import Alignment, Array, Crop, Face, Identity
from .session import Net

LAYOUT = "arcface"  # of published embedders whose cards leave it out
SAME = 0.6  # from which likeness on two faces are one person's, where a card says nothing


class Embedder:
    """Runs `pixels [1, 3, S, S]` -> `vector [1, E]`. threshold: from which likeness on two faces are one
    person's."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.alignment = Alignment(net.card.template or LAYOUT, net.card.size)
        self.threshold = net.card.measured.get("same_person", SAME)

    def identity(self, crop: Crop) -> Identity:
        """The identity of a crop in the embedder's alignment."""
        vector = self.vector(crop)
        return Identity(vector / np.linalg.norm(vector))

    def vector(self, crop: Crop) -> Array:
        """What the network says of a crop in the embedder's alignment: `[E]`, of any length."""
        return self.net.run(pixels=self.net.tensor(crop.pixels))["vector"][0]

    def identity_in(self, pixels: Array, face: Face) -> Identity:
        """The identity of a face of a picture `[H, W, 3]`."""
        return self.identity(geometry.align(pixels, face.landmarks, self.alignment))
