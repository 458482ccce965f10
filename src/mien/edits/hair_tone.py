"""The tone of hair that comes to another head: in that head's light and colour, with strands drawn in it."""

from __future__ import annotations

import cv2
import numpy as np

from ..face import mesh
from ..face.filters import blur, wide_blur
from ..models.hairstyles import Hairdo
from ..types import Array
from .hair_plate import Plate

LIGHTER = 0.4, 1.8  # how much lighter or darker a scene makes hair, at most; half of it is followed
SIDES = 0.7, 1.4  # the same from side to side
GAMMA = 0.5, 1.9  # how far lightness is bent to the own colour, at most
SHINE = 0.65  # of how much lighter than the rest hair is somewhere: its lamp is not this one
TINT = 0.2  # of the hair's own differences of colour are left
STRANDS = 0.6  # how much drawn strands add
STEPS, STEP = 7, 1 / 98  # steps along a strand each way, and of how many face widths


def toned(lab: Array, alpha: Array, hairdo: Hairdo, places: Array, plate: Plate) -> Array:
    """Hair in Lab `[S, S, 3]`, in the light and the colour of the head that it comes to, with strands drawn in it."""
    bust, sure = plate.bust, alpha > 0.8
    middle = np.median(lab[sure], 0) if sure.any() else np.median(lab.reshape(-1, 3), 0)
    own, theirs = float(np.median(bust.even[..., 0][bust.face > 0])), float(np.median(hairdo.light[..., 0]))
    light = float(np.clip(own / max(theirs, 5), *LIGHTER)) ** 0.5
    ratio = len(hairdo.light) / np.array(hairdo.alpha.shape[::-1], np.float32)
    x, y = cv2.split((places + 0.5) * ratio - 0.5)
    there = cv2.remap(hairdo.light[..., 0], x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    sides = np.clip((bust.even[..., 0] / own) / np.maximum(there / theirs, 0.2), *SIDES)
    out = lab.copy()
    out[..., 0] *= light * wide_blur(sides, 0.15 * bust.wide)
    if (tone := plate.tone) is not None:
        wanted, has = (float(np.clip(one, 4, 92)) / 100 for one in (tone[0], middle[0] * light))
        bent = float(np.clip(np.log(wanted) / np.log(has), *GAMMA))
        out[..., 0] = 100 * np.clip(out[..., 0] / 100, 1e-4, 1) ** bent * (wanted / has**bent)
        out[..., 0] -= (1 - SHINE) * np.maximum(out[..., 0] - 100 * wanted, 0)
        shade = np.clip(out[..., 0] / max(float(tone[0]), 10), 0.3, 1.15)[..., None]
        out[..., 1:] = tone[1:] * shade + TINT * (lab[..., 1:] - middle[1:])
    strength = np.clip(0.11 * blur(out[..., 0], 2), 1, 6)
    out[..., 0] = np.clip(out[..., 0] + STRANDS * strength * _strands(out[..., 0], alpha, bust.wide), 0, 100)
    return out


def _strands(light: Array, alpha: Array, wide: float) -> Array:
    """Noise smeared along hair, `[S, S]` with a standard deviation of 1 (line integral convolution: Cabral and Leedom
    1993), by its structure tensor: what its picture is too small to show."""
    smooth = blur(light, wide / 110)
    x, y = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    xx, yy, xy = cv2.split(wide_blur(np.dstack([x * x, y * y, x * y]) * alpha[..., None], wide / 30))
    angle = 0.5 * np.arctan2(2 * xy, xx - yy) + np.pi / 2
    along = wide * STEP * np.dstack([np.cos(angle), np.sin(angle)]).astype(np.float32)
    noise = blur(np.random.default_rng(0).standard_normal(light.shape).astype(np.float32), 0.7)
    total, grid = noise.copy(), mesh.pixel_grid(len(light))
    for way in (-1, 1):
        for step in range(1, STEPS + 1):
            total += mesh.remap(noise, grid + way * step * along)
    return total / total.std()
