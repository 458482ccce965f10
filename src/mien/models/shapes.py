"""Shapes: how heads differ from each other and how one face moves, statistics of landmarks (an `.npz` of role
"shapes")."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..face import mesh
from ..face.shape import ShapeModel, texture_map, unrolled
from ..face.topology import POINTS
from ..types import Array, Networks
from .card import arrays

STEPS = 32767  # a mode's largest value, as the file holds it


class Shapes:
    """The shape model in the box. Arrays: mean `[478, 3]` in mm; modes of identity and expression as int16, each
    with the scale of its mode, and their variances.

    skin: triangles `[T, 3]` over all the mesh; uv `[468, 2]`: where its points lie in a square picture of the skin.
    """

    def __init__(self, name: str, path: Path, sha256: str) -> None:
        self.name, self.sha256 = name, sha256
        self.card, found = arrays(path)
        parts: list[Array] = []
        for kind in ("identity", "expression"):
            modes = found[kind].astype(np.float64) * found[f"{kind}.scale"][:, None]
            parts += [modes, found[f"{kind}.variance"].astype(np.float64)]
        self.model = ShapeModel(found["mean"].astype(np.float64), *parts)
        self.skin = mesh.triangulate(unrolled(self.model.mean).astype(np.float32))
        self.uv = texture_map(self.model.mean)

    def triangles(self, flat: Array) -> Array:
        """Triangles `[T, 3]` that cover a head's sides, too, and those of `flat`, a triangulation seen from the front,
        that reach its border points."""
        return np.concatenate([self.skin, flat[(flat >= POINTS).any(1)]])

    @property
    def networks(self) -> Networks:
        """What a label says of it."""
        return ((self.name, self.sha256),)


def packed(model: ShapeModel) -> dict[str, Array]:
    """A model as the arrays of its file."""
    out: dict[str, Array] = {"mean": model.mean.astype(np.float32)}
    for kind in ("identity", "expression"):
        modes: Array = getattr(model, kind)
        scale = np.abs(modes).max(1) / STEPS
        out[kind] = np.rint(modes / scale[:, None]).astype(np.int16)
        out[f"{kind}.scale"] = scale.astype(np.float32)
        out[f"{kind}.variance"] = getattr(model, f"{kind}_variance").astype(np.float32)
    return out
