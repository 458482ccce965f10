"""How a face is lit, how soft it is in its crop, and which pixels have its skin's colours: what things drawn
on a face are fitted to."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from ..types import Array, Crop
from . import geometry, mesh, topology
from .filters import blur, smoothstep, to_lab
from .skin import bare_skin_mask

_CHEEKS, _FOREHEAD = ((50, 205, 117, 118), (280, 425, 346, 347)), (151, 9, 337, 108)


LIT = 0.25  # of full brightness, from which on skin shows changes in full: deep brown skin in good light has about that
SPREAD = 1 / 24  # of a crop's side, over which its brightness is taken
STRIPS, MANY, FEWEST = (
    12,
    0.2,
    20,
)  # of skin between the middles of the eyes; of the largest one's pixels, that another has, and so many
# of the light on the middle of a face: from where on a side is not in the shade, and where it surely is; and how many
# times that is lifted at the most
SHADE, LIFTED = (0.35, 0.2), 64.0


@dataclass(frozen=True, eq=False)
class Light:
    """How a face is lit: level `[S, S]` its soft brightness over the middle one; exposure; colour of the
    light; direction to it."""

    level: Array
    exposure: float
    colour: Array
    direction: Array

    @staticmethod
    def of(crop: Crop) -> Light:
        size = crop.size
        small = cv2.resize(crop.pixels, (64, 64), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        inside = cv2.resize(
            mesh.hull_mask(crop.landmarks, size), (64, 64), interpolation=cv2.INTER_AREA
        ).astype(np.float32)
        luma = small @ np.array([0.299, 0.587, 0.114], np.float32)
        weight = cv2.GaussianBlur(inside, (0, 0), 3) + 1e-3
        soft = cv2.GaussianBlur(luma * inside, (0, 0), 3) / weight
        middle = float(np.average(luma, weights=inside + 1e-6)) + 1e-3
        level = np.clip(soft / middle, 0.4, 1.5) * np.clip(weight * 2, 0, 1) + 1 - np.clip(weight * 2, 0, 1)
        face = small[inside > 0.5] if (inside > 0.5).any() else small.reshape(-1, 3)
        bright = face[np.argsort(face.mean(1))[-max(len(face) // 12, 1) :]].mean(0)
        white = bright / max(float(bright.max()), 1e-3)
        spots = (*_CHEEKS, _FOREHEAD)
        left, right, up = (
            float(_values_at(luma, crop.landmarks[list(points)] * (64 / size)).mean()) for points in spots
        )
        x, y = (
            np.clip((right - left) / middle, -1, 1),
            -0.6 - np.clip((up - (left + right) / 2) / middle, -0.4, 0.6),
        )
        direction = np.array([1.2 * x, y, -1.0])
        return Light(
            cv2.resize(level, (size, size)), float(np.clip(bright.mean() / 0.75, 0.3, 1.1)), (0.5 + white / 2).astype(np.float32),
            direction / np.linalg.norm(direction),
        )  # fmt: skip


def shown_in(crop: Crop) -> Array:
    """How much of a change of lightness or colour is to be seen at each place, `[S, S, 1]` in 0..1: as light
    multiplies, in the dark, or on the shaded side of a face, all differences are as much smaller as the skin
    itself is darker."""
    luma = cv2.cvtColor(crop.pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.minimum(blur(luma, crop.size * SPREAD) / np.float32(255 * LIT), 1)[..., None]


@dataclass(frozen=True, eq=False)
class SideLight:
    """Hard light from a side, and how to even it out: `gains` from 1 on, how many times lighter pixels are to be, at
    `places` across the face, in eye distances from the middle between the eyes."""

    places: Array
    gains: Array

    @staticmethod
    def of(lab: Array, points: Array, skin: Array) -> SideLight | None:
        """How much less light falls on one side of a face, by the skin below the brows, where no hair hangs; None where it
        is not much less. skin `[S, S]`: where some is seen for sure."""
        along, down = _face_axes(points, len(lab))
        rows, columns = np.nonzero((bare_skin_mask(points, len(lab)) > 0.7) & (skin > 0.6) & (down > 0))
        if len(rows) < FEWEST:
            return None
        light, strip = lab[rows, columns, 0], np.rint(along[rows, columns] * STRIPS).astype(int)
        found, sizes = np.unique(strip, return_counts=True)
        found = found[sizes >= max(FEWEST, MANY * sizes.max())]
        share = luminance(np.array([light[strip == one].mean() for one in found]))
        dark_first = share[: len(share) // 2].mean() < share[len(share) // 2 :].mean()
        way = slice(None) if dark_first else slice(None, None, -1)
        share = np.maximum.accumulate(share[way])[
            way
        ]  # from side to side it grows: a nose's shadow is none of a side
        middle = max(luminance(np.median(light)), share.max() / 2)  # where most of a face is in the shade
        share = np.clip(share / middle, 1 / LIFTED, 1)
        hard = float(smoothstep(share.min(), *SHADE))
        return SideLight(found / STRIPS, share ** (-hard / 2.2)) if hard else None

    def lift(self, crop: Crop) -> Array:
        """How many times lighter the pixels of a crop of the face are to be, `[S, S, 1]`."""
        along, _ = _face_axes(crop.landmarks, crop.size)
        return np.interp(along, self.places, self.gains)[..., None].astype(np.float32)


def _face_axes(points: Array, size: int) -> tuple[Array, Array]:
    """How far each pixel lies along the line between the eyes of a mesh and below it, in eye distances: `[S, S]` each."""
    eyes = [points[list(lids)].mean(0) for lids in topology.EYELIDS]
    across = eyes[1] - eyes[0]
    grid = (mesh.pixel_grid(size) - (eyes[0] + eyes[1]) / 2) / float(across @ across)
    return grid @ across, grid @ np.array((-across[1], across[0]))


def luminance(light: Array) -> Array:
    """What Lab lightness of 0 to 100 is in light, 0 to 1."""
    return np.where(light > 8, ((light + 16) / 116) ** 3, light / 903.3)


def _values_at(picture: Array, points: Array) -> Array:
    x, y = np.clip(np.rint(points), 0, len(picture) - 1).astype(int).T
    return picture[y, x]


def skin_coloured(crop: Crop) -> Array:
    """Where what is seen may be the face's skin, not hair, cloth or background: `[S, S]` in 0..1."""
    small = cv2.resize(crop.pixels, (crop.size // 2,) * 2, interpolation=cv2.INTER_AREA)
    lab = to_lab(small)
    gap = (
        lab - np.median(_values_at(lab, crop.landmarks[[50, 280, 117, 346, 205, 425]] / 2), axis=0)
    ) * np.array((0.7, 1, 1), np.float32)
    like = np.clip(2 - np.sqrt((gap * gap).sum(2)) / 16, 0, 1)
    return cv2.resize(cv2.GaussianBlur(like, (0, 0), 1.5), (crop.size,) * 2)


def softness(crop: Crop) -> float:
    """How soft a face is in its crop, as the sigma of the blur in pixels that makes what is drawn as soft."""
    grey = cv2.cvtColor(crop.pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    steps = [cv2.GaussianBlur(grey, (0, 0), crop.size / 512 * sigma) for sigma in (0.8, 1.6, 3.2)]
    inside = mesh.hull_mask(crop.landmarks, crop.size) > 0
    fine, coarse = (
        float(np.sqrt(np.square((a - b)[inside]).mean())) if inside.any() else 1.0 for a, b in pairwise(steps)
    )
    sigma = float(np.clip((0.57 - fine / max(coarse, 1e-3)) * 12, 0.3, 1.8)) * crop.size / 512
    grown = max(
        geometry.scale_of(crop.matrix), 1.0
    )  # `composite` itself leaves out what is finer than the photo's pixels
    return float(np.sqrt(max(sigma**2 - 0.25 * (grown**2 - 1), 0.09)))
