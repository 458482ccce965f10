"""Heads turned farther than photos show them, by the depth of the mesh: most people look into the camera, and
not all."""

from __future__ import annotations

import cv2
import numpy as np

from ...face import geometry, mesh, topology
from ...models.kit import Kit
from ...models.landmarker import around
from ...types import Array, Crop

SHARE = 0.3  # of all examples
YAW, PITCH = 35.0, 12.0  # degrees at most: with the 20 that portraits have, landmarks find up to 45
PIVOT = 0.6  # how far behind the nearest point of the face it turns, of its depth


def depth(kit: Kit, pixels: Array, points: Array) -> Array:
    """How deep a face lies at its known `points [478, 2]`, as the mesh network sees it: `[468]` in pixels of
    the photo."""
    return kit.landmarker.mesh.points(pixels, around(points[: topology.POINTS].astype(np.float64)))[1].astype(
        np.float32
    )


def chance(rng: np.random.Generator, crop: Crop, triangles: Array) -> Array | None:
    """A `turn` by chance angles, or mostly None."""
    share, yaw, pitch = rng.random(), rng.uniform(-YAW, YAW), rng.uniform(-PITCH, PITCH)
    return turn(crop, yaw, pitch, triangles) if share < SHARE else None


def turn(crop: Crop, yaw: float, pitch: float, triangles: Array) -> Array:
    """Where each pixel of a crop looks, `[S, S, 2]`, so that its face is turned by so many degrees more and
    laid out as before."""
    assert crop.depth is not None
    deep = crop.depth[: topology.POINTS].astype(np.float64)
    solid = np.column_stack([crop.landmarks[: topology.POINTS], deep])
    middle = np.array([*solid[:, :2].mean(0), deep.min() + PIVOT * np.ptp(deep)])
    (sin, sin_), (cos, cos_) = np.sin(np.radians((yaw, pitch))), np.cos(np.radians((yaw, pitch)))
    spun = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]]) @ np.array(
        [[1, 0, 0], [0, cos_, -sin_], [0, sin_, cos_]]
    )
    after = (solid - middle) @ spun.T + middle
    flat = geometry.transform(after[:, :2], geometry.similarity(after[:, :2], crop.alignment))
    here, there = (mesh.with_border_points(points, crop.size) for points in (flat, crop.landmarks))
    far = np.concatenate(
        [after[:, 2], np.full(len(here) - topology.POINTS, np.inf)]
    )  # what is around a face is behind it
    return mesh.dense_map(
        here, there, triangles, crop.size, order=np.argsort(-far[triangles].max(1), kind="stable")
    )


def looked(picture: Array, at: Array | None) -> Array:
    """A picture `[S, S, C]` through such a map; itself through none."""
    return picture if at is None else mesh.remap(picture, at)


def coarsely(share: Array, at: Array | None) -> Array:
    """A share `[s, s]` of a coarser grid through such a map."""
    small, size = len(share), len(share) if at is None else len(at)
    return (
        share
        if at is None
        else looked(share.astype(np.float32), _coarse(at, small) * np.float32(small / size))
    )


def flowed(flow: Array, at: Array | None) -> Array:
    """A flow `[s, s, 2]` in pixels of the crop, as it is in the turned one: there, too, each pixel looks at
    what it looked at."""
    if at is None:
        return flow
    moved = np.stack([coarsely(flow[..., k], at) for k in (0, 1)], -1)
    across, down = (np.gradient(_coarse(at, len(flow)), len(at) / len(flow), axis=axis) for axis in (1, 0))
    area = across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]
    safe = np.where(area > 0.2, area, np.inf)  # nothing flows where sides of the face are hidden
    x = (moved[..., 0] * down[..., 1] - moved[..., 1] * down[..., 0]) / safe
    y = (moved[..., 1] * across[..., 0] - moved[..., 0] * across[..., 1]) / safe
    return np.stack([x, y], -1).astype(np.float32)


def _coarse(at: Array, small: int) -> Array:
    """A map in pixels of its own crop at the cells of a coarser grid of it, whose first cell is at the
    origin: `[s, s, 2]`."""
    return cv2.resize(at, (small, small), interpolation=cv2.INTER_AREA) - np.float32(
        (len(at) / small - 1) / 2
    )
