"""Hair in another colour: a region from the parser, its edge from the picture, colours in Lab."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from . import geometry, skin
from .colours import Colour
from .models.parser import Parser
from .types import Alignment, Array, Change, Crop, Networks

GAMMA = (0.42, 2.2)  # how far lightness is bent at most: black hair cannot be made white without turning to noise
STRANDS = 0.35  # of the hair's own differences of colour are left, so that strands stay strands
LIGHTER = 22.0  # Lab lightness that `light` 1 adds
SHEEN = 78.0  # Lab lightness from where on hair shines, in the light's colour


@dataclass(frozen=True, eq=False)
class Hair:
    """Hair in another colour, None where only the lightness changes: light -1..1 makes it darker or lighter.

    with_beard: the beard too, as where the colour is one that people are born with.
    """

    parser: Parser
    colour: Colour | None
    light: float = 0.0
    with_beard: bool = False
    alignment = Alignment("wide", 768)

    @property
    def networks(self) -> Networks:
        return self.parser.net.networks

    def __call__(self, crop: Crop) -> Change:
        before = crop.pixels.astype(np.float32) / 255
        lab = cv2.cvtColor(before, cv2.COLOR_RGB2Lab)
        region = self._region(crop, lab)
        flow = np.zeros((crop.size, crop.size, 2), np.float32)
        sure = region > 0.6
        if sure.sum() < 64:  # bald, or all under a hat
            return Change(flow, np.zeros_like(before), np.zeros_like(region))
        after = np.clip(cv2.cvtColor(self._dyed(lab, lab[sure]), cv2.COLOR_Lab2RGB), 0, 1)
        return Change(flow, after - before, np.where(region > 0.02, region, 0))

    def _region(self, crop: Crop, lab: Array) -> Array:
        """Where the hair is `[S, S]` in 0..1, fine as strands; 0 at the crop's border."""
        regions = self.parser.parse(crop)
        rough = regions["hair"] + (regions["beard"] if self.with_beard else 0)
        soft = geometry.guided(np.ascontiguousarray(lab[..., 0] / 100), rough, crop.size // 128, 2e-4)
        to_edge = np.minimum(np.arange(crop.size), np.arange(crop.size)[::-1])
        window = np.clip(np.minimum.outer(to_edge, to_edge) / (0.06 * crop.size), 0, 1)
        return (skin.smoothstep(soft, 0.3, 0.85) * window).astype(np.float32)

    def _dyed(self, lab: Array, hair: Array) -> Array:
        """Every pixel as if it were hair; `hair [n, 3]` is what is known to be."""
        light, a, b = np.moveaxis(lab, -1, 0)
        middle = float(np.clip(np.median(hair[:, 0]), 3, 95))
        wanted = middle + LIGHTER * self.light
        if self.colour:
            wanted += self.colour.strength * (float(self.colour.lab[0]) - middle)
        gamma = np.clip(np.log(np.clip(wanted, 4, 92) / 100) / np.log(middle / 100), *GAMMA)
        after = 100 * np.clip(light / 100, 1e-4, 1) ** gamma
        if self.colour:
            sheen = np.clip((light - SHEEN) / (100 - SHEEN), 0, 1)
            depth = self.colour.strength * (1 - 0.7 * sheen)
            target, full = self.colour.lab, max(float(self.colour.lab[0]), 20)
            dark = np.clip(after / full, 0.25, 1.15)  # dark hair holds less colour
            own_a, own_b = a - np.median(hair[:, 1]), b - np.median(hair[:, 2])
            a = a + depth * (target[1] * dark + STRANDS * own_a - a)
            b = b + depth * (target[2] * dark + STRANDS * own_b - b)
        return np.stack([after, a, b], -1).astype(np.float32)
