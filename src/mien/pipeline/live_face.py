"""The face of a stream, followed from frame to frame."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ..models.kit import Kit
from ..types import Array, Face

KEYS = 8.0  # times a second that what is slow is done anew
LOOK = 15  # frames from one look for a face to the next, while there is none
# of the one-euro filter: Hz at rest, how much more for each face width a second, and Hz of the speed
CUTOFF, SLOPE, SPEED = 1.5, 12.0, 1.0
SPAN = 1e-3  # seconds: the least between two frames
NO_FACE = "no face found"


@dataclass
class OneEuro:
    """The one-euro filter (Casiez et al. 2012) of an array: what is still is smoothed most, what moves hardly lags."""

    value: Array | None = None
    slope: Array | None = None
    at: float = 0.0

    def __call__(self, seen: Array, now: float, unit: float) -> Array:
        """The array smoothed at a time in seconds; unit: what speed is measured in."""
        span = max(now - self.at, SPAN)
        if self.value is None or self.slope is None:
            self.value, self.slope, self.at = seen, np.zeros_like(seen), now
            return seen
        quick = _share(SPEED, span)
        self.slope = self.slope + quick * ((seen - self.value) / span - self.slope)
        share = _share(CUTOFF + SLOPE * np.abs(self.slope) / unit, span)
        self.value, self.at = self.value + share * (seen - self.value), now
        return self.value


def _share(cutoff: Array | float, span: float) -> Array:
    return 1 / (1 + 1 / (2 * np.pi * np.asarray(cutoff) * span))


@dataclass
class LiveFace:
    """The largest face of a stream, followed from frame to frame and smoothed."""

    kit: Kit
    face: Face | None = None
    points: OneEuro = field(default_factory=OneEuro)
    depth: OneEuro = field(default_factory=OneEuro)
    waited: int = LOOK

    def look(self, pixels: Array, now: float) -> Face | None:
        """The face in a frame that was taken at a time in seconds; None while none is seen."""
        found = self.kit.landmarker.again(pixels, self.face) if self.face is not None else None
        if found is None:
            self.points, self.depth, self.waited = OneEuro(), OneEuro(), self.waited + 1
            if self.face is None and self.waited < LOOK:
                return None
            self.waited = 0
            found = max(self.kit.faces(pixels), key=lambda face: face.area, default=None)
        self.face = found
        if found is None:
            return None
        unit = float(found.box[2] - found.box[0])
        landmarks = self.points(found.landmarks.astype(np.float64), now, unit).astype(np.float32)
        depth = self.depth(found.depth.astype(np.float64), now, unit).astype(np.float32)
        return replace(found, landmarks=landmarks, depth=depth)
