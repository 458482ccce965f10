"""Fitter: points, hair and traits of a face -> the styles of a generator that shows such a one, by a network of role
"fitter"."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from ..types import Alignment, Array
from .session import Net

TRAITS = ("sex", "age", "beard")


class Fitter:
    """Runs `points [1, 468, 2]` and `hair [1, 1, h, h]` of a crop, `traits [1, 3]`, NaN where nothing is said, and `w
    [1, W]` -> `ws [1, L, W]`."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.alignment = Alignment(net.card.template, net.card.size)

    def fit(self, points: Array, hair: Array, traits: Mapping[str, float], w: Array) -> Array:
        """The styles `[L, W]` of a face with `points [468, 2]`, in pixels of a crop, `hair [s, s]` in 0..1 over that
        crop, and traits by name: sex -1..1, age in years, beard 0..2. Of what is not said it is as `w [1, W]`."""
        side = int(self.net.inputs["hair"][-1])
        small = cv2.resize(hair, (side, side), interpolation=cv2.INTER_AREA)[None, None]
        told = np.array([[traits.get(name, np.nan) for name in TRAITS]], np.float32)
        given = {"points": points[None].astype(np.float32), "hair": small.astype(np.float32)}
        return self.net.run(**given, traits=told, w=w.astype(np.float32))["ws"][0]
