"""A shaky pen that draws in the pixels of a crop on a canvas where it lies somewhere."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from ...face import geometry
from ...types import Array

FINE = 4  # bits of a pixel's fraction


@dataclass(frozen=True, eq=False)
class Pen:
    """Draws on a canvas `[S, S, 3]` uint8 what is said in pixels of the crop, through `place [2, 3]`."""

    canvas: Array
    place: Array
    random: np.random.Generator
    ink: tuple[int, int, int]
    width: float  # pixels of the canvas
    shake: float  # pixels of the crop
    colours: dict[str, tuple[int, int, int]] = field(default_factory=dict[str, tuple[int, int, int]])

    def line(self, points: Array, *, closed: bool = False, thick: float = 1.0) -> None:
        points = self.shaken(np.asarray(points, np.float64))
        width = max(1, round(self.width * thick))
        cv2.polylines(self.canvas, [self._at(points)], closed, self.ink, width, cv2.LINE_AA, FINE)

    def strokes(self, strokes: list[Array], *, thick: float = 1.0) -> None:
        """Many short lines, as they come."""
        places = [self._at(one) for one in strokes]
        cv2.polylines(
            self.canvas, places, False, self.ink, max(1, round(self.width * thick)), cv2.LINE_AA, FINE
        )

    def fill(self, points: Array, colour: tuple[int, int, int] | None) -> None:
        if colour is not None:
            cv2.fillPoly(self.canvas, [self._at(np.asarray(points))], colour, cv2.LINE_AA, FINE)

    def ellipse(
        self, centre: Array, radii: tuple[float, float], colour: tuple[int, int, int] | None, edge: bool
    ) -> None:
        turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        ring = centre + np.stack([np.cos(turn) * radii[0], np.sin(turn) * radii[1]], 1)
        self.fill(ring, colour)
        if edge:
            self.line(ring, closed=True)

    def shaken(self, points: Array) -> Array:
        """Points as an unsteady hand sets them: off by slow waves, and a little by chance."""
        along = np.linspace(0, 2 * np.pi, len(points), endpoint=False)[:, None]
        waves = [
            self.random.normal(size=2) * np.sin(k * along + self.random.uniform(0, 6, 2)) / k
            for k in (1, 2, 3)
        ]
        return points + self.shake * (np.sum(waves, 0) + 0.15 * self.random.normal(size=points.shape))

    def _at(self, points: Array) -> Array:
        return np.rint(geometry.transform(points, self.place) * 2**FINE).astype(np.int32)
