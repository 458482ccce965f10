"""The frame of a pair of glasses as a solid in millimetres, in the head's frame that `pose` states."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..types import Array

STEPS = 64  # corners of a lens
# Lens outlines: power of a superellipse, height over width, how much narrower the bottom is, how much of the
# lower nasal part is cut off, how far the upper outer part is lifted.
SHAPES = {
    "round": (2.1, 0.93, 0.0, 0.05, 0.0),
    "panto": (2.7, 0.82, 0.07, 0.12, 0.04),
    "rectangular": (4.0, 0.66, 0.05, 0.08, 0.02),
    "square": (3.6, 0.82, 0.06, 0.12, 0.03),
    "browline": (2.9, 0.76, 0.07, 0.15, 0.06),
    "aviator": (2.6, 0.86, 0.02, 0.30, -0.02),
    "cat": (2.7, 0.74, 0.05, 0.12, 0.22),
}


@dataclass(frozen=True)
class EyeglassFrame:
    """What gives a frame its form. shape: a row of SHAPES; in mm: lens (a lens's width), bridge (between the
    two), rim (thickness), depth (front to back), lower (how far the lenses' centres hang below the nasion);
    brow: thickness at the top over that at the bottom; tall: the lenses' height over their shape's own."""

    shape: str = "panto"
    lens: float = 48.0
    bridge: float = 19.0
    rim: float = 2.1
    brow: float = 1.35
    depth: float = 3.2
    lower: float = 7.0
    tall: float = 1.0

    def on_front(self, side: int, flat: Array) -> Array:
        """Points of a lens's plane, x outwards and y down from its centre in mm, in the head's frame: `[N,
        3]`."""
        x, y = flat[:, 0] + (self.lens + self.bridge) / 2, flat[:, 1] + self.lower
        return np.stack([side * x, y, -2.5 + 0.13 * np.abs(x) + 0.11 * (y - self.lower)], -1)

    def lens_of(self, side: int, rim: int) -> Array:
        """The outline of a lens (rim 0) or of the frame around it (rim 1), `[STEPS, 3]` mm."""
        power, aspect, taper, cut, lift = SHAPES[self.shape]
        aspect *= self.tall
        angle = np.linspace(0, 2 * np.pi, STEPS, endpoint=False)
        cos, sin = np.cos(angle), np.sin(angle)
        radius = (np.abs(cos) ** power + np.abs(sin) ** power) ** (-1 / power)
        x, y = radius * cos, radius * sin
        low, high, nasal = np.clip(y, 0, 1), np.clip(-y, 0, 1), np.clip(-x, 0, 1)
        flat = np.stack(
            [x * (1 - taper * low) * (1 + 0.5 * lift * high * (x > 0)) + cut * 0.5 * low * nasal, y], -1
        )
        flat[:, 1] += -cut * low * nasal - lift * high * np.clip(x, 0, 1)
        flat *= np.array([1, aspect]) * self.lens / 2
        if rim:
            along = np.roll(flat, -1, 0) - np.roll(flat, 1, 0)
            out = np.stack([along[:, 1], -along[:, 0]], -1) / np.linalg.norm(along, axis=1, keepdims=True)
            top = np.clip(0.5 - 1.2 * y, 0, 1)
            flat = flat + out * (self.rim * (1 + (self.brow - 1) * top))[:, None]
        return self.on_front(side, flat)

    def lug(self, side: int) -> Array:
        """The piece that holds the hinge, at the upper outer end of a rim: `[4, 3]` mm."""
        aspect, high = SHAPES[self.shape][1] * self.tall, 1.2 + self.rim * 0.9
        x, y = self.lens / 2, -self.lens / 2 * aspect * 0.45
        ends = np.array(
            [
                (0.86 * x, y - high),
                (x + 0.9 * self.rim + 2.5, y - high * 0.7),
                (x + 0.9 * self.rim + 2.5, y + high * 0.4),
                (0.9 * x, y + high),
            ]
        )
        return self.on_front(side, ends)

    def bridges(self) -> list[Array]:
        """The bars between the lenses, `[N, 3]` mm: one, arched; of aviators two."""
        aspect = SHAPES[self.shape][1] * self.tall
        half, thick = (
            self.bridge / 2 + 0.12 * self.lens,
            max(self.rim, 1.1) * (0.5 if self.rim < 1.8 else 0.65),
        )
        across = np.linspace(-half, half, 17)
        levels = [-0.62, -0.2] if self.shape == "aviator" else [-0.3]
        bars = []
        for level in levels:
            arch = (1 - (across / half) ** 2) * (0.5 if level < -0.5 else 2.4)
            y = self.lower + level * aspect * self.lens / 2 - arch
            thicker = thick * (1 + 0.5 * (across / half) ** 2)
            edge = [
                np.stack(
                    [across, y + sign * thicker, -3.2 + 0.13 * np.abs(across) + 0.11 * (y - self.lower)], -1
                )
                for sign in (-1, 1)
            ]
            bars.append(np.concatenate([edge[0], edge[1][::-1]]))
        return bars

    def arm(self, side: int) -> Array:
        """An arm from its hinge to the ear: corners `[N, 4, 3]` mm of its sections."""
        hinge = self.lug(side)[1:3].mean(0)
        ear = np.array([side * 71.0, 1.0, 86.0])
        high, wide = (0.9, 0.6) if self.rim < 1.8 else (1.1 + self.rim * 0.45, 1.0)
        sections = []
        for share in np.linspace(0, 1, 7):
            at = hinge + (ear - hinge) * share
            at[0] += side * 1.0 * np.sin(np.pi * min(share * 2, 1.0) / 2) * (1 - share)
            tall = high * (1 - 0.25 * share)
            sections.append([at + np.array([dx * wide, dy * tall, 0]) for dx in (-1, 1) for dy in (-1, 1)])
        return np.array(sections)
