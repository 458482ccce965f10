"""How a head lies in a crop and how it is lit, read from the face mesh: what things put on a face are drawn by.

A head's frame: origin at the nasion (mesh point 168), x to the photo's right, y down, z away from the camera, in millimetres for pupils
63 mm apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from ..types import Array, Change, Crop
from . import geometry, mesh

# Rigid points of the mesh on the mean head: measured over 49 frontal faces with this project's landmarker, made symmetric.
_PAIRS = {
    (33, 263): (45.0, 4.5, 22.1), (133, 362): (17.5, 6.1, 16.8), (127, 356): (68.9, 8.9, 72.1), (234, 454): (68.0, 23.5, 76.9),
    (162, 389): (68.0, -6.6, 61.6), (21, 251): (65.1, -19.0, 48.3), (103, 332): (49.8, -40.2, 22.6), (188, 412): (9.5, 13.2, 2.1),
    (122, 351): (5.7, 9.3, -1.7), (174, 399): (9.5, 19.7, -3.2),
}  # fmt: skip
_MIDDLE = {168: (0, 0, 0), 6: (0, 7.6, -4.1), 197: (0, 14.8, -8.9), 8: (0, -7.2, -0.7), 9: (0, -15.9, -2.4), 10: (0, -50.0, 3.3)}
_CHEEKS, _FOREHEAD = ((50, 205, 117, 118), (280, 425, 346, 347)), (151, 9, 337, 108)


@dataclass(frozen=True, eq=False)
class Head:
    """How a head lies in a crop: `matrix [2, 4]` takes its frame (mm, 1) to crop xy; turn `[3, 3]`; scale in crop pixels per mm."""

    matrix: Array
    turn: Array
    scale: float
    wide: float  # how much wider than the mean head

    @staticmethod
    def of(landmarks: Array) -> Head:
        """The scaled orthographic pose that fits the rigid points of `landmarks [478, 2]` (crop xy)."""
        model = [(i, (side * x, y, z)) for pair, (x, y, z) in _PAIRS.items() for i, side in zip(pair, (-1, 1), strict=True)]
        model += list(_MIDDLE.items())
        solid = np.array([(*at, 1.0) for _, at in model])
        flat = landmarks[[i for i, _ in model]].astype(np.float64)
        affine = np.linalg.lstsq(solid, flat, rcond=None)[0].T
        u, sizes, v = np.linalg.svd(affine[:, :3], full_matrices=False)
        turn, scale = u @ v, float(sizes.mean())
        near = [i for i, (index, _) in enumerate(model) if index in (33, 263, 133, 362, 168, 6, 197)]
        shift = (flat - solid[:, :3] @ turn.T * scale)[near].mean(0)
        sideways = np.hypot(*turn[:, 0])
        wide = float(np.clip(np.hypot(*affine[:, 0]) / (scale * sideways), 0.93, 1.08)) if sideways > 0.6 else 1.0
        return Head(np.c_[turn * scale, shift], np.stack([*turn, np.cross(*turn)]), scale, wide)

    def show(self, places: Array) -> Array:
        """`places [..., 3]` (mm) in crop xy."""
        return places * np.array([self.wide, 1, 1]) @ self.matrix[:, :3].T + self.matrix[:, 3]


@dataclass(frozen=True, eq=False)
class Light:
    """How a face is lit: level `[S, S]` its soft brightness over the middle one; exposure; colour of the light; direction to it."""

    level: Array
    exposure: float
    colour: Array
    direction: Array

    @staticmethod
    def of(crop: Crop) -> Light:
        size = crop.size
        small = cv2.resize(crop.pixels, (64, 64), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        inside = cv2.resize(mesh.hull(crop.landmarks, size), (64, 64), interpolation=cv2.INTER_AREA).astype(np.float32)
        luma = small @ np.array([0.299, 0.587, 0.114], np.float32)
        weight = cv2.GaussianBlur(inside, (0, 0), 3) + 1e-3
        soft = cv2.GaussianBlur(luma * inside, (0, 0), 3) / weight
        middle = float(np.average(luma, weights=inside + 1e-6)) + 1e-3
        level = np.clip(soft / middle, 0.4, 1.5) * np.clip(weight * 2, 0, 1) + 1 - np.clip(weight * 2, 0, 1)
        face = small[inside > 0.5] if (inside > 0.5).any() else small.reshape(-1, 3)
        bright = face[np.argsort(face.mean(1))[-max(len(face) // 12, 1) :]].mean(0)
        white = bright / max(float(bright.max()), 1e-3)
        at = lambda points: float(_sampled(luma, crop.landmarks[list(points)] * (64 / size)).mean())  # noqa: E731
        left, right, up = at(_CHEEKS[0]), at(_CHEEKS[1]), at(_FOREHEAD)
        x, y = np.clip((right - left) / middle, -1, 1), -0.6 - np.clip((up - (left + right) / 2) / middle, -0.4, 0.6)
        direction = np.array([1.2 * x, y, -1.0])
        return Light(
            cv2.resize(level, (size, size)), float(np.clip(bright.mean() / 0.75, 0.3, 1.1)), (0.5 + white / 2).astype(np.float32),
            direction / np.linalg.norm(direction),
        )  # fmt: skip


def _sampled(picture: Array, points: Array) -> Array:
    x, y = np.clip(np.rint(points), 0, len(picture) - 1).astype(int).T
    return picture[y, x]


def skinlike(crop: Crop) -> Array:
    """Where what is seen may be the face's skin, not hair, cloth or background: `[S, S]` in 0..1."""
    small = cv2.resize(crop.pixels, (crop.size // 2,) * 2, interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    gap = (lab - np.median(_sampled(lab, crop.landmarks[[50, 280, 117, 346, 205, 425]] / 2), axis=0)) * np.array((0.7, 1, 1), np.float32)
    like = np.clip(2 - np.sqrt((gap * gap).sum(2)) / 16, 0, 1)
    return cv2.resize(cv2.GaussianBlur(like, (0, 0), 1.5), (crop.size,) * 2)


def softness(crop: Crop) -> float:
    """How soft a face is in its crop, as the sigma of the blur in pixels that makes what is drawn as soft."""
    grey = cv2.cvtColor(crop.pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    steps = [cv2.GaussianBlur(grey, (0, 0), crop.size / 512 * sigma) for sigma in (0.8, 1.6, 3.2)]
    inside = mesh.hull(crop.landmarks, crop.size) > 0
    fine, coarse = (float(np.sqrt(np.square((a - b)[inside]).mean())) if inside.any() else 1.0 for a, b in pairwise(steps))
    sigma = float(np.clip((0.57 - fine / max(coarse, 1e-3)) * 12, 0.3, 1.8)) * crop.size / 512
    grown = max(geometry.scale_of(crop.matrix), 1.0)  # `carry` itself leaves out what is finer than the photo's pixels
    return float(np.sqrt(max(sigma**2 - 0.25 * (grown**2 - 1), 0.09)))


def change_of(crop: Crop, window: tuple[slice, slice], colour: Array, flow: Array | None = None) -> Change:
    """The Change that adds `colour [h, w, 3]` (and looks along `flow [h, w, 2]`) in a window of the crop, and nothing beyond."""
    size = crop.size
    flow = np.zeros((*colour.shape[:2], 2), np.float32) if flow is None else flow
    touched = (np.abs(colour).max(2) > 1 / 512) | (np.abs(flow).max(2) > 0.02)
    alpha = np.clip(cv2.GaussianBlur(cv2.dilate(touched.astype(np.float32), np.ones((5, 5))), (0, 0), 1), 0, 1)
    parts = [spread(part.astype(np.float32), window, size) for part in (flow, colour, alpha)]
    return Change(parts[0], parts[1], parts[2] * inner(size))


def spread(part: Array, window: tuple[slice, slice], size: int) -> Array:
    """A window's values in the whole crop, 0 elsewhere."""
    out = np.zeros((size, size, *part.shape[2:]), np.float32)
    out[window] = part
    return out


def inner(size: int) -> Array:
    """1 inside a crop, falling to 0 at its border. `[S, S]`."""
    edge = np.minimum(np.arange(size), np.arange(size)[::-1])
    return np.clip((np.minimum.outer(edge, edge) - 1) / (0.02 * size), 0, 1).astype(np.float32)
