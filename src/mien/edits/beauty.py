"""Skin evened without ironing it, shadows under the eyes lighter, eyes and teeth brighter. No network but the
mesh."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..face import filters, mesh, skin, topology
from ..face.change import soft_border, visible
from ..face.filters import blur, smoothstep
from ..types import Alignment, Array, Change, Crop, Networks, Phase

HALF = 2  # masks that are soft anyway are drawn on every second pixel


@dataclass(frozen=True, eq=False)
class Beauty:
    """Skin evened in its middle bands, pores above and the light on the face below them kept; shadows under
    the eyes lighter; eyes and teeth brighter and less yellow. amount: 0..1."""

    amount: float
    networks: Networks
    alignment = Alignment("head", 448)
    phase = Phase.RETOUCH

    def __call__(self, crop: Crop) -> Change:
        points, size = crop.landmarks, crop.size
        lab = filters.to_lab(crop.pixels)
        even = skin.fit_skin_shading(lab, points)
        where = enlarge(skin.bare_skin_mask(points / HALF, size // HALF), size) * skin.skin_likelihood(
            lab, even
        )
        delta = np.clip(self._evened(lab, even, where), -9, 9)
        delta += self._under_eyes(lab, even, where, points)
        for mask, lighter, paler in (
            (skin.sclera_mask(lab, points), 5, 0.4),
            (skin.teeth_mask(lab, points), 6, 0.55),
        ):
            room = smoothstep(lab[..., 0], 97, 75)
            delta[..., 0] += lighter * mask * room
            delta[..., 1] -= 0.3 * mask * np.maximum(lab[..., 1] - 2, 0)
            delta[..., 2] -= paler * mask * np.maximum(lab[..., 2] - 3, 0)
        colour = filters.lab_offset_to_rgb(crop, lab, self.amount * delta)
        return Change(np.zeros((size, size, 2), np.float32), colour, visible(colour) * soft_border(size))

    def _evened(self, lab: Array, even: Array, where: Array) -> Array:
        size = lab.shape[0]
        light = np.ascontiguousarray(lab[..., 0])
        middle = blur(lab, size / 280)  # finer than this are pores, lashes, the grain of the film
        delta = np.zeros_like(lab)
        for channel, keep, radii in (
            (0, 0.85, (size / 60, size / 22)),
            (1, 0.85, (size / 22,)),
            (2, 0.85, (size / 22,)),
        ):
            one = np.ascontiguousarray(middle[..., channel])
            for radius in radii:
                smooth = filters.fast_guided_filter(light if channel else one, one, radius, 45.0)
                delta[..., channel] += keep / len(radii) * (smooth - one)
        red = blur(np.ascontiguousarray(middle[..., 1]), size / 80) - even[..., 1]
        delta[..., 1] -= 0.45 * np.maximum(red - 1, 0)
        return delta * where[..., None]

    def _under_eyes(self, lab: Array, even: Array, where: Array, points: Array) -> Array:
        size = lab.shape[0]
        delta = np.zeros_like(lab)
        for hollow, lids in zip(topology.UNDER_EYES, topology.EYELIDS, strict=True):
            here = mesh.window(points[list(hollow)], size / 20, size)
            local = here.local(points)
            mask = mesh.polygon_mask(local, hollow, here.side, feather=size / 60) * where[here.part]
            mask *= 1 - mesh.polygon_mask(local, lids, here.side, feather=size / 200, grow=size / 90)
            apart = blur(lab[here.part], size / 60) - even[here.part]
            lighter = 0.5 * np.clip(-apart[..., :1] - 1, 0, 12)
            delta[here.part] += mask[..., None] * np.concatenate(
                [lighter, -0.4 * np.clip(apart[..., 1:], -6, 6)], -1
            )
        return delta


def enlarge(mask: Array, size: int) -> Array:
    """A mask that was drawn smaller, as `[size, size]`."""
    return cv2.resize(mask, (size, size), interpolation=cv2.INTER_LINEAR)
