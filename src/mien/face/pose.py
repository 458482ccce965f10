"""How a head lies in a crop and how it is lit, read from the face mesh: what things put on a face are drawn
by.

A head's frame: origin at the nasion (mesh point 168), x to the photo's right, y down, z away from the camera,
in millimetres for pupils 63 mm apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..types import Array

# Rigid points of the mesh on the mean head: measured over 49 frontal faces with this project's landmarker,
# made symmetric.
_PAIRS = {
    (33, 263): (45.0, 4.5, 22.1), (133, 362): (17.5, 6.1, 16.8), (127, 356): (68.9, 8.9, 72.1), (234, 454): (68.0, 23.5, 76.9),
    (162, 389): (68.0, -6.6, 61.6), (21, 251): (65.1, -19.0, 48.3), (103, 332): (49.8, -40.2, 22.6), (188, 412): (9.5, 13.2, 2.1),
    (122, 351): (5.7, 9.3, -1.7), (174, 399): (9.5, 19.7, -3.2),
}  # fmt: skip
_MIDDLE = {
    168: (0, 0, 0),
    6: (0, 7.6, -4.1),
    197: (0, 14.8, -8.9),
    8: (0, -7.2, -0.7),
    9: (0, -15.9, -2.4),
    10: (0, -50.0, 3.3),
}


@dataclass(frozen=True, eq=False)
class Head:
    """How a head lies in a crop: `matrix [2, 4]` takes its frame (mm, 1) to crop xy; turn `[3, 3]`; scale in
    crop pixels per mm."""

    matrix: Array
    turn: Array
    scale: float
    wide: float  # how much wider than the mean head

    @staticmethod
    def of(landmarks: Array) -> Head:
        """The scaled orthographic pose that fits the rigid points of `landmarks [478, 2]` (crop xy)."""
        model = [
            (i, (side * x, y, z))
            for pair, (x, y, z) in _PAIRS.items()
            for i, side in zip(pair, (-1, 1), strict=True)
        ]
        model += list(_MIDDLE.items())
        solid = np.array([(*at, 1.0) for _, at in model])
        flat = landmarks[[i for i, _ in model]].astype(np.float64)
        affine = np.linalg.lstsq(solid, flat, rcond=None)[0].T
        u, sizes, v = np.linalg.svd(affine[:, :3], full_matrices=False)
        turn, scale = u @ v, float(sizes.mean())
        near = [i for i, (index, _) in enumerate(model) if index in (33, 263, 133, 362, 168, 6, 197)]
        shift = (flat - solid[:, :3] @ turn.T * scale)[near].mean(0)
        sideways = np.hypot(*turn[:, 0])
        wide = (
            float(np.clip(np.hypot(*affine[:, 0]) / (scale * sideways), 0.93, 1.08))
            if sideways > 0.6
            else 1.0
        )
        return Head(np.c_[turn * scale, shift], np.stack([*turn, np.cross(*turn)]), scale, wide)

    def show(self, places: Array) -> Array:
        """`places [..., 3]` (mm) in crop xy."""
        return places * np.array([self.wide, 1, 1]) @ self.matrix[:, :3].T + self.matrix[:, 3]
