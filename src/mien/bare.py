"""Faces without glasses and without beards: the parser says where they are, skin from beside them takes their place."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from . import geometry, mesh
from .models.parser import Parser
from .types import Alignment, Array, Change, Crop

LAYOUT = Alignment("wide", 960)


@dataclass(frozen=True, eq=False)
class Unworn:
    """Glasses with clear lenses taken off, `strength` 0..1: the frame is painted over from its edges.

    What the lenses themselves do (reflections, smaller eyes) stays. Behind dark lenses nothing is known: they are left as they are.
    """

    parser: Parser
    strength: float = 1.0
    alignment = LAYOUT

    @property
    def networks(self) -> tuple[tuple[str, str], ...]:
        return ((self.parser.net.name, self.parser.net.sha256),)

    def __call__(self, crop: Crop) -> Change:
        size, points = crop.size, crop.landmarks
        share = self.parser.parse(crop)["glasses"]
        light = cv2.cvtColor(crop.pixels, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
        frame = (geometry.guided(light, share, size // 160, 1e-3) > 0.3).astype(np.uint8)
        lids = np.maximum.reduce([mesh.polygon(points, eye, size, size / 400) for eye in mesh.EYELIDS])
        dark = float((share * lids).sum() / max(lids.sum(), 1)) > 0.5
        if dark or frame.sum() < 40:
            return nothing(size)
        frame = cv2.dilate(frame, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * (size // 160) + 1,) * 2))
        return painted(crop, inpainted(crop.pixels, frame), frame, self.strength)


def nothing(size: int) -> Change:
    """A change of nothing."""
    return Change(np.zeros((size, size, 2), np.float32), np.zeros((size, size, 3), np.float32), np.zeros((size, size), np.float32))


def inpainted(pixels: Array, hole: Array) -> Array:
    """`pixels [S, S, 3]` uint8 with the hole closed from its edge (Telea 2004), and with the grain of the skin around it."""
    rows, columns = (np.nonzero(hole.any(axis))[0] for axis in (1, 0))
    edge = hole.shape[0] // 24
    window = np.s_[max(rows[0] - edge, 0) : rows[-1] + edge, max(columns[0] - edge, 0) : columns[-1] + edge]
    out, seen, gone = pixels.copy(), pixels[window], hole[window]
    closed = cv2.inpaint(np.ascontiguousarray(seen), np.ascontiguousarray(gone), 4, cv2.INPAINT_TELEA)
    fine = seen.astype(np.float32) - cv2.GaussianBlur(seen, (0, 0), 1.5)
    away = 2 * int(cv2.distanceTransform(gone, cv2.DIST_L2, 3).max()) + 4  # so far below there is skin without a frame
    grain = np.roll(fine, -away, 0) * (1 - np.roll(gone, -away, 0))[..., None] * gone[..., None]
    out[window] = np.clip(np.rint(closed + np.clip(grain, -8, 8)), 0, 255)
    return out


def painted(crop: Crop, wanted: Array, hole: Array, strength: float) -> Change:
    """The hole `[S, S]` of 0 and 1 shows `wanted [S, S, 3]` uint8 and nothing of what was there: all of it looks at one even pixel of skin,
    and the colours are what is wanted beyond that."""
    light = cv2.GaussianBlur(cv2.cvtColor(crop.pixels, cv2.COLOR_RGB2GRAY), (0, 0), 2).astype(np.float32)
    rough = np.abs(cv2.Laplacian(light, cv2.CV_32F, ksize=5))
    face = cv2.erode(mesh.hull(crop.landmarks, crop.size), np.ones((25, 25))) > 0
    rough[~face | (cv2.dilate(hole, np.ones((15, 15))) > 0)] = np.inf
    y, x = np.unravel_index(int(rough.argmin()), rough.shape)
    flow = np.array([x, y], np.float32) - mesh.places(crop.size)
    alpha = cv2.GaussianBlur(hole.astype(np.float32), (0, 0), crop.size / 600)
    colour = (wanted.astype(np.float32) - crop.pixels[y, x]) / 255
    return Change(flow, colour, np.where(alpha > 0.01, alpha, 0) * np.float32(strength))
