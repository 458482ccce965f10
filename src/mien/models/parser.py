"""Parser: a face -> where its skin, hair, beard and glasses are, by a network of role "parser"."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..face import mesh, topology
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


# of where the mesh has lips and eyes, how much has to look like it: of people in any light at least .6 does; of curls,
# chins and shadows that the mesh takes for faces up to .35, and mostly none
FEATURES = 0.38
ALONE = 0.55  # where only one eye is seen, as under a mask that a mesh does not fit


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

    def sees_features(self, crop: Crop) -> bool:
        """Whether the eyes, or glasses, or the lips are where the landmarks of a crop have them, or one eye quite surely:
        fur, prints and shadows may look like a face to a mesh, which sees its shape alone."""
        regions = self.parse(crop)

        def share(outline: tuple[int, ...], *names: str) -> float:
            inside = mesh.polygon_mask(crop.landmarks, outline, crop.size, feather=1) > 0.5
            return sum(float(regions[name][inside].mean()) for name in names) if inside.any() else 0.0

        eyes = [share(outline, "eyes", "glasses") for outline in topology.EYELIDS]
        return max(min(eyes), share(topology.LIPS, "lips", "teeth")) > FEATURES or max(eyes) > ALONE
