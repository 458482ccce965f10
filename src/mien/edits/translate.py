"""An edit by a translator, for `stylize --face` and `sketch --face`: the face as the network draws it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..face import mesh
from ..models.translator import Translator
from ..types import Alignment, Array, Change, Crop, Networks, Phase
from . import line_art as paper
from .request import Amounts


@dataclass(frozen=True, eq=False)
class TranslatorEdit:
    """An edit by a translator: the face as the network draws it, `strength` 0..1 of the way, fading out
    around it. One of drawings is shown the face's lines."""

    translator: Translator
    strength: float
    style: Array | None
    asked: Amounts
    phase = Phase.OVERLAY

    @property
    def alignment(self) -> Alignment:
        return Alignment(self.translator.net.card.template or "ffhq", max(self.translator.net.card.size, 256))

    @property
    def networks(self) -> Networks:
        return self.translator.net.networks

    def __call__(self, crop: Crop) -> Change:
        seen = paper.pencil(crop.pixels) if self.translator.channels == 1 else crop.pixels
        drawn = self.translator.translate(seen, style=self.style, asked=self.asked)
        face = mesh.with_border_points(crop.landmarks, crop.size)
        reach = mesh.influence_mask(face, face, crop.size)
        colour = (drawn.astype(np.float32) - crop.pixels) / 255
        return Change(
            np.zeros((crop.size, crop.size, 2), np.float32), colour, reach * np.float32(self.strength)
        )
