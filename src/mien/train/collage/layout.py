"""The layout in which all faces coincide: its mesh, the parts of a face there, and pictures brought to it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from ...face import mesh, topology
from ...face.topology import POINTS
from ...types import Array
from ..prototypes import symmetric

SIZE = 256  # pixels a side
PARTED = (
    7.0  # pixels between the lips: with closed lips no teeth could be stored, with wide ones no closed mouth
)
FRONTAL = 8.0  # degrees; the mean is that of faces that turn less
REGIONS = ("eyes", "nose", "mouth")
NOSE = (168, 193, 417, 122, 351, 196, 419, 236, 456, 198, 420, 129, 358, 64, 294, 98, 327, 2, 326, 97)


@dataclass(frozen=True, eq=False)
class Layout:
    """points `[480, 2]` of the symmetric mean face in a crop of SIZE pixels, lips a little apart; mirror `[468]`:
    which point is whose mirror image."""

    points: Array
    mirror: Array

    @staticmethod
    def of(points: Array, yaw: Array) -> Layout:
        """The mean of faces `[n, 468, 2]` that look ahead (yaw in degrees) and of their mirror images, moved along
        what opens mouths in them."""
        ahead = points[np.abs(yaw) < FRONTAL]
        mean, mirror = symmetric(ahead.mean(0), SIZE)
        both = np.concatenate([ahead, mirrored(ahead, mirror)])
        opening = np.linalg.norm(both[:, 13] - both[:, 14], axis=1)
        apart = opening - opening.mean()
        slope = np.tensordot(apart, both - both.mean(0), 1) / max(float(apart @ apart), 1e-6)
        parted = mean + slope * (PARTED - opening.mean())
        return Layout(mesh.with_border_points(parted, SIZE), mirror)

    @cached_property
    def triangles(self) -> Array:
        return mesh.triangulate(self.points)

    def bring(self, picture: Array, points: Array) -> Array:
        """A picture of SIZE pixels and the mesh in it `[468, 2]`, brought to the layout."""
        face = mesh.with_border_points(points, SIZE)
        return mesh.remap(picture, mesh.dense_map(self.points, face, self.triangles, SIZE))

    @cached_property
    def face(self) -> Array:
        """The inside of the face, softly: `[SIZE, SIZE]` in 0..1."""
        return self._inside([self._hull], -7, 4)

    @cached_property
    def regions(self) -> Array:
        """Eyes with brows, nose, mouth: `[3, SIZE, SIZE]` in 0..1, softly, inside the face."""
        nose, lips = self._hull_of(NOSE), self._hull_of(topology.LIPS)
        parts = (self._inside(self._eyes, 4, 4), self._inside([nose], 2, 4), self._inside([lips], 8, 4))
        return np.stack(parts) * self.face

    @cached_property
    def skin(self) -> Array:
        """How much each place of `[64, 64]` is skin, which tells the tone: neither eyes, brows, lips nor
        nostrils."""
        nostrils = [self._hull_of(one) for one in topology.NOSTRILS]
        features = self._inside([*self._eyes, self._hull_of(topology.LIPS)], 3, 0)
        features = np.maximum(features, self._inside(nostrils, 2, 0))
        return cv2.resize(
            self._inside([self._hull], -4, 0) * (1 - features), (64, 64), interpolation=cv2.INTER_AREA
        )

    @cached_property
    def weights(self) -> tuple[Array, Array]:
        """For each second pixel of the crop, which three mesh points it lies between and how near to each:
        `[128, 128, 3]` twice, from `mesh.dense_map` of the points' own numbers."""
        label = np.full((SIZE, SIZE), 0, np.int32)
        for k, triangle in enumerate(self.triangles):
            corners = np.rint(self.points[triangle] * 16).astype(np.int32)
            cv2.fillConvexPoly(label, corners, k, shift=4)
        at = self.triangles[label[::2, ::2]]  # [128, 128, 3]
        a, b, c = (self.points[at[..., k]].astype(np.float64) for k in range(3))
        here = mesh.pixel_grid(SIZE // 2) * 2 + 0.5 - a
        b, c = b - a, c - a
        area = b[..., 0] * c[..., 1] - b[..., 1] * c[..., 0]
        u = (here[..., 0] * c[..., 1] - here[..., 1] * c[..., 0]) / area
        v = (b[..., 0] * here[..., 1] - b[..., 1] * here[..., 0]) / area
        share = np.clip(np.stack([1 - u - v, u, v], -1), -0.2, 1.2)
        return at, share / share.sum(-1, keepdims=True)

    @property
    def _hull(self) -> Array:
        return cv2.convexHull(self.points[:POINTS])[:, 0]

    @property
    def _eyes(self) -> list[Array]:
        lids = zip(topology.EYELIDS, topology.BROWS, strict=True)
        return [self._hull_of((*eye, *brow)) for eye, brow in lids]

    def _hull_of(self, points: tuple[int, ...]) -> Array:
        return cv2.convexHull(self.points[list(points)])[:, 0]

    def _inside(self, outlines: list[Array], grow: int, feather: float) -> Array:
        """The inside of outlines, grown by pixels (or shrunk), softened over so many."""
        mask = np.zeros((SIZE, SIZE), np.float32)
        for outline in outlines:
            cv2.fillPoly(mask, [np.rint(outline * 16).astype(np.int32)], 1.0, shift=4)
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * abs(grow) + 1,) * 2)
        mask = (cv2.dilate if grow > 0 else cv2.erode)(mask, disc)
        return cv2.GaussianBlur(mask, (0, 0), feather) if feather else mask


def mirrored(points: Array, mirror: Array) -> Array:
    """Meshes `[..., 468, 2]` of crops as they lie in the mirrored crops."""
    return points[..., mirror, :] * [-1, 1] + [SIZE - 1, 0]
