"""The solid shape of a face as who somebody is and what they express: a linear model of both, and its fit to one
person's pictures.

The frame of a head: a similarity in space brings the rigid points of the mesh to those of the mean head, whose
inner eye corners lie 30 mm apart. After Blanz and Vetter, "A morphable model for the synthesis of 3D faces"
(1999), and Umeyama, "Least-squares estimation of transformation parameters" (1991), on the landmarks of the
mesh instead of scans.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..types import Array
from . import mesh
from .topology import CREASES, EXTREMES, EYELIDS, IRISES, POINTS, RIGID_POINTS, SOCKETS

NOISE = 0.8  # mm: how far a landmark lies from where the model would have it
DEPTH = 0.3  # how much depth counts, which the mesh only guesses at, against what is seen
SIDES, MARGIN = (
    1.3,
    0.04,
)  # of a texture map: how far round its sides go, in radians of a sine, and what is around it
SHAPED = 8  # of the expression modes, those that one picture cannot tell from a face's own shape (a long jaw, an open one)

_LIDS = [i for rows in (EYELIDS, CREASES, SOCKETS) for row in rows for i in row]
_STILL_LIDS = np.isin(np.arange(POINTS + 10), _LIDS, invert=True).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Pose:
    """How a head lies in a picture: `head = scale * points @ turn.T + shift`; scale in mm per pixel, turn `[3, 3]`,
    shift `[3]` in mm."""

    scale: float
    turn: Array
    shift: Array

    @staticmethod
    def between(points: Array, head: Array) -> Pose:
        """The similarity that brings `points [V, 3]` nearest to `head [V, 3]`, in the least squares."""
        start, end = points.mean(0), head.mean(0)
        u, sizes, v = np.linalg.svd((head - end).T @ (points - start))
        proper = np.array([1, 1, np.sign(np.linalg.det(u @ v))])
        turn = (u * proper) @ v
        scale = float((sizes * proper).sum() / np.square(points - start).sum())
        return Pose(scale, turn, end - scale * turn @ start)

    def to_head(self, points: Array) -> Array:
        """`points [V, 3]` of the picture in the frame of the head, mm."""
        return self.scale * points @ self.turn.T + self.shift

    def to_picture(self, offsets: Array) -> Array:
        """Offsets `[V, 3]` in the frame of the head (mm) as they look in the picture (pixels)."""
        return offsets @ self.turn / self.scale


def solid(landmarks: Array, depth: Array) -> Array:
    """Landmarks `[478, 2]` with their depth `[478]`, all in one kind of pixels: `[478, 3]` float64."""
    return np.column_stack([landmarks, depth]).astype(np.float64)


@dataclass(frozen=True, eq=False)
class ShapeModel:
    """The mean head `[478, 3]` (mm), and modes `[K, 478 * 3]` of unit length in which people differ (identity) and in
    which one person's face moves (expression), each with its variance `[K]`; depth in the modes counts DEPTH
    times."""

    mean: Array
    identity: Array
    identity_variance: Array
    expression: Array
    expression_variance: Array

    @cached_property
    def mirror(self) -> Array:
        """Which of the landmarks is whose mirror image: `[478]`."""
        skin = mesh.mirror_pairs(self.mean[:POINTS], self.mean[:POINTS] * [-1, 1, 1])
        left, right = (np.array(one)[[0, 3, 2, 1, 4]] for one in IRISES)  # the rim's points go round
        return np.concatenate([skin, right, left])

    def pose(self, points: Array) -> Pose:
        """How the head lies whose mesh is `points [478, 3]` of a picture."""
        rigid = list(RIGID_POINTS)
        return Pose.between(points[rigid], self.mean[rigid])

    def fit(self, heads: Sequence[Array]) -> tuple[Array, Array]:
        """The identity `[I]` that pictures of one person share and the expression of each, `[n, E]`, in standard
        deviations, most probable given their `heads`, `[478, 3]` each in the frame of the head (mm)."""
        rows = weighed(np.stack(heads) - self.mean)
        who, what = self.identity, self.expression
        ridge = np.diag(NOISE**2 / self.expression_variance)
        inverse = np.linalg.inv(what @ what.T + ridge)

        def unexpressed(offsets: Array) -> Array:
            return offsets - (offsets @ what.T) @ inverse @ what

        normal = len(heads) * unexpressed(who) @ who.T + np.diag(NOISE**2 / self.identity_variance)
        identity = np.linalg.solve((normal + normal.T) / 2, unexpressed(rows).sum(0) @ who.T)
        expressions = (rows - identity @ who) @ what.T @ inverse
        return (
            identity / np.sqrt(self.identity_variance),
            expressions / np.sqrt(self.expression_variance),
        )

    def identity_offsets(self, identity: Array) -> Array:
        """How a face of an `identity [I]` (or a difference of two) lies from the mean, `[478, 3]` in mm, without what
        the first SHAPED modes of expression could be."""
        offsets = (identity * np.sqrt(self.identity_variance)) @ self.identity
        shaped = self.expression[:SHAPED]
        offsets = (offsets - (offsets @ shaped.T) @ shaped).reshape(-1, 3)
        offsets[:, 2] /= DEPTH
        return irises_with_lids(offsets)

    def expression_of(self, offsets: Array) -> Array:
        """The expression `[n, E]`, in standard deviations, by which one face lies `offsets [n, 478, 3]` (mm) from its
        own rest. Lids have no say: how far they are shut is known better."""
        counts = np.repeat(_STILL_LIDS, 3)
        modes = self.expression * counts
        ridge = np.diag(NOISE**2 / self.expression_variance)
        found = (weighed(offsets) * counts) @ modes.T @ np.linalg.inv(modes @ modes.T + ridge)
        return found / np.sqrt(self.expression_variance)

    def expression_offsets(self, expression: Array) -> Array:
        """How a face with an `expression [E]` lies from its own rest, `[478, 3]` in mm."""
        offsets = ((expression * np.sqrt(self.expression_variance)) @ self.expression).reshape(-1, 3)
        return offsets / np.array([1, 1, DEPTH])


def weighed(offsets: Array) -> Array:
    """Offsets `[..., 478, 3]` as the modes hold them, `[..., 478 * 3]`: without irises, depth DEPTH times."""
    out = offsets * np.array([1, 1, DEPTH])
    out[..., POINTS:, :] = 0
    return out.reshape(*offsets.shape[:-2], -1)


def irises_with_lids(offsets: Array) -> Array:
    """Offsets `[478, D]` in which each iris moves as its lids do in the mean."""
    out = offsets.copy()
    for lids, iris in zip(EYELIDS, IRISES, strict=True):
        out[list(iris)] = offsets[list(lids)].mean(0)
    return out


def unrolled(mean: Array) -> Array:
    """The mesh of a head `[478, 3]` unrolled from its axis, `[468, 2]` in mm: the sides, which lie edge on from the front,
    are as broad as they are."""
    points = mean[:POINTS]
    axis = float(points[list(EXTREMES[:2]), 2].mean())  # as deep as the ears
    across, ahead = points[:, 0], axis - points[:, 2]
    return np.column_stack([np.arctan2(across, ahead) * np.hypot(across, ahead).mean(), points[:, 1]])


def texture_map(mean: Array) -> Array:
    """Where each point of the mesh of a head `[478, 3]` lies in a square picture of its skin, `[468, 2]` in 0..1: the head
    unrolled, its sides less and less, with a margin of MARGIN around. A circle between brows and chin is about one."""
    flat = unrolled(mean)
    side = np.abs(flat[:, 0]).max()
    flat[:, 0] = np.sin(SIDES * flat[:, 0] / side) * (side / SIDES)
    low, high = flat.min(0), flat.max(0)
    return ((flat - (low + high) / 2) * ((1 - 2 * MARGIN) / (high - low).max()) + 0.5).astype(np.float32)
