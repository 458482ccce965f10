"""Animator: a drawing of a face's features -> that face so, by a network of role "animator"."""

from __future__ import annotations

import numpy as np

from ..face.line_drawing import draw_features
from ..types import Alignment, Array, Crop
from .session import Net

LAYOUT = "head"  # of networks whose cards leave it out


class Animator:
    """Runs `wanted [1, 3, S, S]`, a drawing as `face.line_drawing.draw_features` makes it, -> `picture [1, 3, S, S]`. A
    network that draws anybody is also told `pixels [1, 3, S, S]`, a picture of the person, and `lines [1, 3, S, S]`, the
    drawing of that; one that leaves them out draws the one person that it was trained for."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.alignment = Alignment(net.card.template or LAYOUT, net.card.size)

    def draw(self, portrait: Crop, points: Array) -> Array:
        """The face of `portrait`, a crop in the animator's alignment, with its features at `points [478, 2]` of such a
        crop: `[S, S, 3]` float32 in 0..1."""
        side = self.alignment.size
        given = {
            "pixels": portrait.pixels,
            "lines": draw_features(portrait.landmarks, side),
            "wanted": draw_features(points, side),
        }
        told = {name: self.net.tensor(one) for name, one in given.items() if name in self.net.inputs}
        low, high = self.net.card.value_range
        picture = self.net.run(**told)["picture"][0].transpose(1, 2, 0)
        return np.clip((picture - low) / (high - low), 0, 1)
