"""Parser: a face -> where its skin, hair, beard and glasses are, by a network of role "parser"."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..types import Alignment, Array, Crop
from .session import Net

# "other": the background, clothes, hats, and whatever is held before the face; "teeth": with what else shows
# between parted lips.
REGIONS = (
    "other",
    "skin",
    "hair",
    "beard",
    "glasses",
    "brows",
    "eyes",
    "lips",
    "teeth",
    "nose",
    "ears",
    "neck",
)


@dataclass(frozen=True, eq=False)
class Parsed:
    """A face laid out as a parser wants it, and the shares of each region in it: `[S, S]` float32 in 0..1 by name."""

    crop: Crop
    regions: dict[str, Array]


class Parser:
    """Runs `pixels [1, 3, S, S]` -> `regions [1, 12, s, s]`, shares of REGIONS that sum to 1."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.alignment = Alignment(net.card.template, net.card.size)

    def parse(self, crop: Crop) -> dict[str, Array]:
        """The shares of each region in a crop of the parser's template, of any size: `[S, S]` float32 in 0..1
        by name."""
        shares = self.net.run(pixels=self.net.tensor(crop.pixels))["regions"][0].transpose(1, 2, 0)
        shares = cv2.resize(shares, (crop.size, crop.size), interpolation=cv2.INTER_LINEAR)
        return {name: np.ascontiguousarray(shares[..., k]) for k, name in enumerate(REGIONS)}
