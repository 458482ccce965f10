"""A portrait that does what the face before a camera does."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..edits.reenact import ALL, Parts, Reenactor
from ..edits.reenact_driver import DrivingFace
from ..face.motion import Gesture
from ..face.shape import ShapeModel
from ..types import Array, Face
from .live_face import KEYS, NO_FACE

CALIBRATE = 1.0  # seconds at the beginning in which a driver's neutral face is looked for


@dataclass
class LivePortrait:
    """A photo or a painting that does what the face before a camera does: `portrait [H, W, 3]` uint8 with a face; parts
    of it."""

    portrait: Array
    reenactor: Reenactor
    model: ShapeModel
    parts: Parts = ALL
    seen: list[Face] = field(default_factory=list)
    neutral: Face | None = None
    notes = ()
    faceless = False

    @property
    def nothing(self) -> str:
        return "" if self.seen or self.neutral else NO_FACE

    def renew(self, pixels: Array, face: Face) -> None:
        """Until it is known how the driver's face is at rest, remember it."""
        if self.neutral is None:
            self.seen.append(face)
            if len(self.seen) >= CALIBRATE * KEYS:
                self.neutral = self.seen[DrivingFace.of(self.seen, self.model).neutral()]
                self.seen.clear()

    def show(self, pixels: Array, face: Face, now: float) -> Array:
        out = self.portrait.copy()
        if self.neutral is not None:
            row = DrivingFace.of([self.neutral, face], self.model).rows(0)[1]
            self.reenactor.draw(out, Gesture.of(row.astype(np.float32)), self.parts)
        return out
