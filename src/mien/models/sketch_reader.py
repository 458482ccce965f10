"""SketchReader: a drawing of a face -> where the mesh and the hair are drawn, and who it seems to be, by a network of
role "sketch_reader"."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..types import Array
from .session import Net

TRAITS = ("sex", "age", "beard", "glasses")  # as the network tells them


@dataclass(frozen=True, eq=False)
class Reading:
    """What a drawing says: points `[468, 2]` in its pixels; hair `[h, h]` in 0..1 over the whole of it; traits by name:
    sex -1 (feminine) to 1, age in years, beard 0 to 2, glasses 0 to 1."""

    points: Array
    hair: Array
    traits: dict[str, float]


class SketchReader:
    """Runs `pixels [N, 3, S, S]` -> `points [N, 468, 2]` as shares of the side, `hair [N, 1, h, h]`, `traits [N, 4]`."""

    def __init__(self, net: Net) -> None:
        self.net = net

    def read(self, drawing: Array, mirror: Array) -> Reading:
        """What a square drawing `[S, S, 3]` uint8 on white and its mirror image say in the mean; mirror: which of the
        points is whose mirror image."""
        pixels = self.net.tensor(drawing)
        found = self.net.run(pixels=np.concatenate([pixels, pixels[..., ::-1]]))
        points, turned = found["points"]
        points = (points + turned[mirror] * [-1, 1] + [1, 0]) / 2
        hair, traits = (found["hair"][0, 0] + found["hair"][1, 0, :, ::-1]) / 2, found["traits"].mean(0)
        return Reading(points * len(drawing) - 0.5, hair, dict(zip(TRAITS, map(float, traits), strict=True)))
