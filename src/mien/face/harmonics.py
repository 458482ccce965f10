"""The light on a face as nine spherical harmonics, read from its skin: what tells pictures apart that are lit from
elsewhere."""

from __future__ import annotations

import numpy as np

from ..types import Array
from .topology import POINTS

RIDGE = np.diag(
    [1e-4, 0.03, 0.03, 0.03, 0.15, 0.15, 0.15, 0.15, 0.15]
)  # of each term; the higher ones are hardly seen
ROUNDS, SPREAD = (
    4,
    0.25,
)  # of the robust fit, and the logarithm from which on a point is taken for paint or shadow
DARKEST = 0.01  # of linear light, below which there is only noise


def fit(pixels: Array, skin: Array, points: Array, normals: Array) -> Array:
    """The light on a face, `[9, 3]`: the logarithm of linear RGB as spherical harmonics of the normal (Ramamoorthi and
    Hanrahan 2001, "An efficient representation for irradiance environment maps").

    pixels `[S, S, 3]` in 0..1, softened; skin `[S, S]` in 0..1: where they are bare skin; points `[478, 2]` in crop xy;
    normals `[468, 3]`.
    """
    x, y = np.clip(np.rint(points[:POINTS]), 0, len(pixels) - 1).astype(int).T
    weight = (skin[y, x] * np.clip(-normals[:, 2], 0, 1)).astype(np.float64)
    level = np.log(np.clip(pixels[y, x].astype(np.float64), 0, 1) ** 2.2 + DARKEST)
    terms, trust = basis(normals), weight
    light = np.zeros((9, 3))
    for _ in range(ROUNDS):
        ridge = RIDGE * max(float(weight.sum()), 1.0)
        light = np.linalg.solve(
            terms.T @ (terms * trust[:, None]) + ridge, terms.T @ (level * trust[:, None])
        )
        off = np.abs(level - terms @ light).mean(1)
        trust = weight / (1 + (off / SPREAD) ** 2)
    return light


def basis(normals: Array) -> Array:
    """The nine harmonics at `normals [V, 3]`, not scaled: `[V, 9]`."""
    x, y, z = normals.T.astype(np.float64)
    return np.stack([np.ones_like(x), x, y, z, x * y, x * z, y * z, x * x - y * y, 3 * z * z - 1], -1)
