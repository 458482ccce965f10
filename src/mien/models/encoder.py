"""Encoder: a face -> the styles of a generator that shows it, by a network of role "encoder"."""

from __future__ import annotations

import numpy as np

from ..errors import ModelError
from ..types import Array, Crop
from .session import Net


class Encoder:
    """Runs `pixels [1, 3, S, S]` -> `ws [1, L, W]`, the average included; some are also told a `condition [1,
    1]`, the wanted age."""

    def __init__(self, net: Net) -> None:
        if net.inputs["pixels"][1] != 3:
            raise ModelError(
                f"{net.name} reads pictures of {net.inputs['pixels'][1]} channels: an encoder of photos was wanted"
            )
        self.net = net
        self.conditions = tuple(condition.name for condition in net.card.conditions)

    def invert(self, crop: Crop, **asked: float) -> Array:
        """The codes `[L, W]` of a face; `asked` are values of the card's conditions by name."""
        given = {"pixels": self.net.tensor(crop.pixels)}
        if self.conditions:
            given["condition"] = np.array([[asked[name] for name in self.conditions]], np.float32)
        return self.net.run(**given)["ws"][0]
