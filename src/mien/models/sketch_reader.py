"""SketchReader: a drawing of a face -> where the mesh and the hair are drawn, and who it seems to be, by a network of
role "sketch_reader"."""

from __future__ import annotations

from dataclasses import dataclass

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
    """Runs `pixels [1, 3, S, S]` -> `points [1, 468, 2]` as shares of the side, `hair [1, 1, h, h]`, `traits [1, 4]`."""

    def __init__(self, net: Net) -> None:
        self.net = net

    def read(self, drawing: Array) -> Reading:
        """What a square drawing `[S, S, 3]` uint8 on white says."""
        found = self.net.run(pixels=self.net.tensor(drawing))
        points = found["points"][0] * len(drawing) - 0.5
        traits = dict(zip(TRAITS, map(float, found["traits"][0]), strict=True))
        return Reading(points, found["hair"][0, 0], traits)
