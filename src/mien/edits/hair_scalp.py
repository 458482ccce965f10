"""The head below its hair: where the skull is, and skin all over it."""

from __future__ import annotations

import cv2
import numpy as np

from ..face import mesh, skin
from ..face.filters import blur, lab_to_rgb, push_pull, smoothstep, wide_blur
from ..types import Array
from .hair_matte import Bust

COARSE = 4  # pixels of a side that share one of what is smooth
FORGET = 0.3  # face widths from where a fill meets what is around, in which it becomes its own
LIMB = 0.25, 0.30  # how much darker skin is at the outline of a skull, and face widths up to where
PATCH = 0.16  # face widths: the side of the piece of skin whose texture is taken
FINE = 0.012  # face widths: what counts as texture
PATCHES = (151, 9, 50, 280, 205, 425, 108, 337, 69, 299)  # of the mesh, where such pieces are
SKULL = 76.0, 84.0, -22.0, 60.0  # mm in the head's frame: half its width, its height, where its middle lies
WELL_INSIDE = 0.75  # of a skull, in which nothing else is seen
EARS = 454, 234  # of the mesh, beside them


def scalp(bust: Bust, taken: Array) -> Array:
    """Skin all over the head, with the texture of bare skin, `[S, S, 3]`."""
    size, wide, points = bust.size, bust.wide, bust.points
    bare = skin.bare_skin_mask(points, size) * (taken < 0.05) * (bust.regions["skin"] > 0.6)
    like = skin.skin_likelihood(bust.lab, bust.even)
    lab = _forehead(bust, bare, taken, like)
    if (bare > 0.6).any():
        lab[..., 1] = np.minimum(lab[..., 1], float(np.median(bust.lab[bare > 0.6][:, 1])) + 1)
    depth = cv2.distanceTransform((skull_of(bust) > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    lab[..., 0] *= 1 - LIMB[0] * (1 - smoothstep(depth, 0, LIMB[1] * wide)) ** 2
    out = lab_to_rgb(lab) + 0.8 * _texture(bust, bare)
    sure = (bust.regions["skin"] > 0.7) & (taken < 0.02) & (bust.face > 0) & (like > 0.35)
    sure &= (bust.regions["brows"] < 0.2) & (bust.regions["eyes"] < 0.2)
    if sure.sum() > 100:
        off = np.clip(push_pull(bust.pixels - out, sure.astype(np.float32), COARSE), -0.24, 0.24)
        away = cv2.distanceTransform(1 - sure.astype(np.uint8), cv2.DIST_L2, 5)
        out = out + off * np.exp(-((away / (FORGET * wide)) ** 2))[..., None]
    return np.clip(out, 0, 1)


def _forehead(bust: Bust, bare: Array, taken: Array, like: Array) -> Array:
    """The colour of skin in Lab all over: the forehead's above the brows, wherever a fringe leaves some of it, and the
    cheeks' below, `[S, S, 3]`."""
    wide, points = bust.wide, bust.points
    height = (mesh.pixel_grid(bust.size) - points[9]) @ (points[10] - points[9])
    skin_there = (
        (bust.regions["skin"] > 0.8) & (taken < 0.03) & (bust.regions["ears"] < 0.1) & (bust.face > 0)
    )
    clear = cv2.erode((taken < 0.05).astype(np.uint8), np.ones((5, 5))) > 0
    known = ((bare > 0.6) | (skin_there & (like > 0.5))) & (height > 0) & clear
    if known.sum() < 0.01 * wide**2:
        return bust.even.copy()
    filled = push_pull(bust.lab, known.astype(np.float32), COARSE)
    away = cv2.distanceTransform(1 - known.astype(np.uint8), cv2.DIST_L2, 5)
    near = np.exp(-((away / (0.35 * wide)) ** 2))[..., None]
    middle = 0.5 * np.median(bust.lab[known], 0).astype(np.float32) + 0.5 * wide_blur(filled, 0.15 * wide)
    above = middle + near * (filled - middle)
    nose = points[4] - points[9]
    low = smoothstep((mesh.pixel_grid(bust.size) - points[9]) @ nose / max(float(nose @ nose), 1), -0.2, 0.6)[
        ..., None
    ]
    cheeks = push_pull(bust.lab, (bare > 0.5).astype(np.float32), COARSE)
    return above + low * (cheeks - above)


def _texture(bust: Bust, bare: Array) -> Array:
    """Fine detail as the barest and calmest piece of skin has it, all over and nowhere twice, `[S, S, 3]`: noise with
    that piece's spectrum (Galerne et al. 2011, "Random phase textures")."""
    size, side = bust.size, max(8, round(PATCH * bust.wide))
    fine = bust.pixels - blur(bust.pixels, FINE * bust.wide)
    best, tile = 0.0, None
    for left, top in (np.rint(bust.points[i] - side // 2).astype(int) for i in PATCHES):
        here = slice(max(top, 0), top + side), slice(max(left, 0), left + side)
        if bare[here].shape != (side, side):
            continue
        share, strength = float(bare[here].mean()), float(255 * np.abs(fine[here]).mean())
        if share > 0.5 and share**2 / (strength + 1) > best:
            best, tile = share**2 / (strength + 1), fine[here]
    if tile is None:
        return np.zeros_like(bust.pixels)
    tile = tile - tile.mean((0, 1))
    tile = np.clip(tile, -2 * tile.std(), 2 * tile.std())
    noise = np.random.default_rng(0).standard_normal((size, size), np.float32)
    return np.stack([cv2.filter2D(noise, -1, one / side) for one in cv2.split(tile)], -1)


def skull_of(bust: Bust) -> Array:
    """Where a head is without its hair, `[S, S]` in 0..1."""
    return np.maximum(_crown(bust, 1.0), bust.face)


def _crown(bust: Bust, share: float) -> Array:
    """Half an ellipse on the ears, `share` of a skull, `[S, S]` in 0..1."""
    across, up, middle, back = SKULL
    angle = np.linspace(np.pi, 2 * np.pi, 60)
    rim = np.stack(
        [share * across * np.cos(angle), middle + share * up * np.sin(angle), np.full(60, back)], -1
    )
    outline = np.vstack([bust.head.show(rim), bust.points[list(EARS)]])
    mask = np.zeros((bust.size,) * 2, np.float32)
    cv2.fillPoly(mask, [np.rint(outline * 16).astype(np.int32)], 1.0, shift=4, lineType=cv2.LINE_AA)
    return mask


def covered(bust: Bust) -> float:
    """How much of the crown above the forehead is neither hair nor skin, 0..1: a hat, a helmet, a veil."""
    above = (mesh.pixel_grid(bust.size) - bust.points[10]) @ bust.down < 0
    crown = _crown(bust, WELL_INSIDE) * above * bust.shown
    return float((bust.regions["other"] * crown).sum() / max(float(crown.sum()), 1.0))
