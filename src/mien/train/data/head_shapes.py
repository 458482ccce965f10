"""Faces in shapes that nobody has: square, pear and triangle heads, huge eyes, wide mouths, as people draw them. Points
are those of the mesh in a crop of layout "ffhq", 256 pixels a side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...face.topology import BROWS, EYELIDS, LIPS, MOUTH_CORNERS, OVAL
from ...types import Array

RIGHT = OVAL[: OVAL.index(152) + 1]  # the outline from the hairline down to the chin
LEFT = (OVAL[0], *OVAL[: OVAL.index(152) - 1 : -1])
NARROWEST, WIDEST = 0.55, 1.7  # how many times as wide a height of the head becomes
TIP = (1, 4, 98, 327)  # of the nose
# How wide a head of each kind is from the hairline (-1) to the chin (1), over its half width.
KINDS = {
    "oval": lambda t: np.sqrt(np.clip(1 - t**2, 0, 1)),
    "square": lambda t: np.clip(1 - np.abs(t) ** 6, 0, 1) ** (1 / 6),
    "triangle": lambda t: np.clip(0.62 - 0.55 * t, 0.05, 1.15),
    "pear": lambda t: np.clip(1 - t**2, 0, 1) ** 0.5 * (0.92 + 0.3 * t),
    "egg": lambda t: np.clip(1 - t**2, 0, 1) ** 0.5 * (0.95 - 0.25 * t),
    "diamond": lambda t: np.clip(1.1 - 0.95 * np.abs(t + 0.1), 0.05, 1.1),
}


@dataclass(frozen=True, eq=False)
class Outline:
    """How a face is bounded: the middle of it, top and bottom, and half its width at its widest, in pixels; heights
    `[n]` from the top down, with half the width at each."""

    middle: float
    top: float
    bottom: float
    half: float
    heights: Array
    widths: Array

    @staticmethod
    def of(points: Array) -> Outline:
        right, left = points[list(RIGHT)], points[list(LEFT)]
        heights = np.maximum.accumulate((right[:, 1] + left[:, 1]) / 2)
        widths = np.abs(right[:, 0] - left[:, 0]) / 2
        middle = float((points[234, 0] + points[454, 0]) / 2)
        return Outline(middle, float(heights[0]), float(heights[-1]), float(widths.max()), heights, widths)

    @property
    def height(self) -> float:
        return self.bottom - self.top

    def down(self, y: Array) -> Array:
        """Heights from -1 at the top to 1 at the bottom."""
        return 2 * (y - self.top) / self.height - 1


def exaggerated(points: Array, mean: Array, random: np.random.Generator) -> Array:
    """A face with another outline and other features: points `[468, 2]` of somebody and those of the mean face."""
    out = mean + (points - mean) * random.uniform(0.5, 1.7)
    out = outlined(out, random)
    for change in (_eyes, _brows, _nose, _mouth, _chin):
        if random.random() < 0.7:
            out = change(out, random)
    return out


def outlined(points: Array, random: np.random.Generator) -> Array:
    """The face with the outline of one of KINDS, or some way towards it; what is inside follows less."""
    kind = str(random.choice(list(KINDS), p=[0.4, 0.2, 0.1, 0.12, 0.1, 0.08]))
    outline = Outline.of(points)
    t = outline.down(points[:, 1])
    own = np.maximum(np.interp(points[:, 1], outline.heights, outline.widths), 0.3 * outline.half)
    wanted = KINDS[kind](np.clip(t, -1, 1)) * outline.half
    share = random.uniform(0.3, 1) if kind != "oval" else random.uniform(0, 0.6)
    ratio = 1 + share * (np.clip(wanted / own, NARROWEST, WIDEST) - 1)
    ratio *= random.uniform(0.75, 1.35)
    off = points[:, 0] - outline.middle
    reach = 0.35 + 0.65 * np.clip(np.abs(off) / own, 0, 1) ** 2
    out = points.copy()
    out[:, 0] = outline.middle + off * (1 + (np.clip(ratio, NARROWEST, WIDEST) - 1) * reach)
    return out


def _about(points: Array, centre: Array, reach: float) -> Array:
    """How much each point belongs to what is around a place: `[468, 1]`, 1 there and less with the distance."""
    return np.exp(-0.5 * (np.linalg.norm(points - centre, axis=1) / reach) ** 4)[:, None]


def _eyes(points: Array, random: np.random.Generator) -> Array:
    """Larger or smaller, rounder, nearer or farther apart, slanting."""
    grown, round_ = np.exp(random.normal(0.12, 0.33)), np.exp(random.normal(0.15, 0.4))
    apart, up, slant = random.normal(0, 3), random.normal(0, 4), random.normal(0, 0.12)
    scale = np.clip([grown, grown * round_], 0.5, 2.4) - 1
    out = points.copy()
    for lids, side in zip(EYELIDS, (-1, 1), strict=True):
        eye = points[list(lids)]
        centre, width = eye.mean(0), float(np.ptp(eye[:, 0]))
        off = points - centre
        moved = off * scale + np.stack([np.zeros(len(off)), off[:, 0] * slant * side], 1) + [apart * side, up]
        out += _about(points, centre, 0.75 * width) * moved
    return out


def _brows(points: Array, random: np.random.Generator) -> Array:
    """Raised or lowered, slanting to or from the middle."""
    up, slant = random.normal(-2, 5), random.normal(0, 0.25)
    out = points.copy()
    for brow, side in zip(BROWS, (-1, 1), strict=True):
        own = points[list(brow)]
        off = points - own.mean(0)
        moved = np.stack([np.zeros(len(off)), up + off[:, 0] * slant * side], 1)
        flat = off * [1, 3] + own.mean(0)  # higher than wide: eyes stay
        out += _about(flat, own.mean(0), 0.7 * float(np.ptp(own[:, 0]))) * moved
    return out


def _nose(points: Array, random: np.random.Generator) -> Array:
    """Longer or shorter, wider or narrower."""
    centre, width = points[list(TIP)].mean(0), float(points[358, 0] - points[129, 0])
    off = points - centre
    moved = off * [np.clip(random.normal(0.05, 0.3), -0.5, 0.9), 0] + [0, random.normal(0, 5)]
    return points + _about(points, centre, 0.8 * width) * moved


def _mouth(points: Array, random: np.random.Generator) -> Array:
    """Wider or narrower, open, smiling or the contrary, higher or lower, with fuller lips."""
    corners = points[list(MOUTH_CORNERS)]
    centre, width = corners.mean(0), max(float(np.linalg.norm(corners[1] - corners[0])), 8.0)
    off = points - centre
    wider, lift = np.clip(np.exp(random.normal(0, 0.3)), 0.45, 1.9) - 1, random.normal(2, 6)
    moved = np.stack(
        [off[:, 0] * wider, random.normal(0, 4) - lift * np.clip((2 * off[:, 0] / width) ** 2, 0, 1.2)], 1
    )
    fuller = np.clip(random.normal(0, 0.3), -0.5, 0.8)
    moved[list(LIPS), 1] += off[list(LIPS), 1] * fuller
    out = points + _about(points, centre, 0.75 * width) * moved
    if random.random() < 0.45:
        out = opened(out, random.gamma(2, 7))
    return out


def opened(points: Array, gap: float) -> Array:
    """The lower lip and what is below it moved down, by `gap` pixels in the middle of the mouth."""
    left, right = points[list(MOUTH_CORNERS)]
    middle = (left + right) / 2
    width = max(float(np.linalg.norm(right - left)), 8.0)
    across = np.clip(1 - (2 * (points[:, 0] - middle[0]) / width) ** 2, 0, 1)
    between = (points[13, 1] + points[14, 1]) / 2
    below = points[:, 1] > between + 0.01
    chin = np.clip((points[:, 1] - points[17, 1]) / max(points[152, 1] - points[17, 1], 1), 0, 1)
    near = np.exp(-(((points[:, 0] - middle[0]) / (1.2 * width)) ** 2))
    out = points.copy()
    out[:, 1] += below * gap * np.maximum(across, 0.7 * near * np.sqrt(chin)) - ~below * 0.12 * gap * across
    return out


def _chin(points: Array, random: np.random.Generator) -> Array:
    """A longer or shorter chin, a higher or lower forehead."""
    outline = Outline.of(points)
    mouth, brows = points[17, 1], points[[one for brow in BROWS for one in brow], 1].min()
    out = points.copy()
    below = np.clip((points[:, 1] - mouth) / max(outline.bottom - mouth, 1), 0, 1)
    above = np.clip((brows - points[:, 1]) / max(brows - outline.top, 1), 0, 1)
    out[:, 1] += below * random.normal(2, 8) - above * random.normal(0, 9)
    return out
