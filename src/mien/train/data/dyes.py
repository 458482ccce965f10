"""Hair in other colours, as people have them and as they dye it."""

from __future__ import annotations

import cv2
import numpy as np

from ...face import filters
from ...types import Array
from .region_labels import BEARD, BROWS, HAIR

NATURAL = (
    (28, 4, 8),
    (18, 1, 2),
    (62, 8, 32),
    (75, 4, 22),
    (45, 22, 30),
    (60, 0, 1),
    (82, 0, 3),
    (38, 10, 18),
)  # Lab of hair people have


def dyed(rng: np.random.Generator, pixels: Array, labels: Array) -> Array:
    """The same with hair and beard in another colour, or in two: tips lighter than roots, or the other
    way."""
    hair = ((labels == HAIR) | (labels == BEARD) | (labels == BROWS)).astype(np.float32)
    if hair.sum() < 50:
        return pixels
    size = pixels.shape[0]
    small = cv2.resize(hair, (size, size), interpolation=cv2.INTER_LINEAR)
    lab = cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    share = filters.guided_filter(np.ascontiguousarray(lab[..., 0] / 100), small, size // 64, 1e-3).clip(
        0, 1
    )[..., None]
    if rng.random() < 0.3:  # two tones
        course = np.linspace(-1, 1, size, dtype=np.float32)[:, None, None]
        share = share / (1 + np.exp(rng.choice((-1, 1)) * (course - rng.normal(0, 0.3)) * rng.uniform(4, 15)))
    own = lab[small > 0.8] if (small > 0.8).any() else lab.reshape(-1, 3)
    wanted = natural(rng) if rng.random() < 0.75 else np.array([rng.uniform(15, 85), *rng.normal(0, 30, 2)])
    return toned(lab, share, np.median(own, 0), wanted, contrast=float(np.exp(rng.normal(0, 0.3))))


def natural(rng: np.random.Generator) -> Array:
    """A colour of hair that people have, `[3]` in Lab."""
    return np.array(NATURAL[rng.integers(len(NATURAL))]) + rng.normal(0, 4, 3)


def toned(lab: Array, share: Array, middle: Array, wanted: Array, *, contrast: float = 1.0) -> Array:
    """Pixels `[S, S, 3]` uint8 of `lab` whose part `share [S, S, 1]`, of median colour `middle`, has the
    median colour `wanted`."""
    new = wanted + (lab - middle) * (contrast, 0.5, 0.5)
    mixed = (lab + share * (new - lab)).clip((2, -100, -100), (98, 100, 100)).astype(np.float32)
    return np.rint(cv2.cvtColor(mixed, cv2.COLOR_Lab2RGB).clip(0, 1) * 255).astype(np.uint8)
