"""What a camera sees in another manner: drawn beside, as often as there is time, and carried along with all that moves in
between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from ..face.filters import resize
from ..types import Array, Face
from .clip_style import moved, seen_small

SIDE = 256  # pixels of the longer side of what is drawn: half as long as for a photo, and four times as fast


@dataclass
class LiveStyle:
    """The whole picture as `draw` draws it, pixels `[H, W, 3]` uint8 -> the same."""

    draw: Callable[[Array], Array]
    drawn: tuple[Array, Array] | None = None  # what was seen last, small and grey, and that as a drawing
    notes = ()
    faceless = True

    @property
    def nothing(self) -> str:
        return "" if self.drawn else "nothing was drawn"

    def renew(self, pixels: Array, face: Face | None) -> None:
        """Draw anew."""
        height, width = pixels.shape[:2]
        scale = min(SIDE / max(height, width), 1.0)
        small = resize(pixels, (round(width * scale), round(height * scale)))
        change = self.draw(small).astype(np.float32) - small
        self.drawn = seen_small(pixels), pixels + cv2.resize(change, (width, height))

    def show(self, pixels: Array, face: Face | None, now: float) -> Array:
        """What was last drawn, as it has moved since."""
        if self.drawn is None or self.drawn[1].shape != pixels.shape:
            return pixels
        before, drawing = self.drawn
        carried, _ = moved(drawing, before, seen_small(pixels))
        return np.clip(np.rint(carried), 0, 255).astype(np.uint8)
