"""A head without its hair: the wall that was behind it, the neck, and the skin of forehead and skull."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from ..face import mesh, skin
from ..face.filters import blur, largest, masked_blur, push_pull, rgb_to_lab, smoothstep, wide_blur
from ..face.topology import BROWS
from ..types import Array
from .hair_matte import Bust, matte
from .hair_scalp import COARSE, scalp, skull_of
from .portrait import only_skin

GROWN, SOFT = 0.035, 0.010  # face widths by which the place of the old hair is larger than it, and softer
# percentile of the lightness of hair that it is seen as, of dark and of light hair: shine is not its own; and the middle
# lightness of these
SHADED, DARK_HAIR, LIGHT_HAIR = (20, 42), 25, 50
# squared face widths of hair that may tell its tone, and that do: of bald heads .13 at most
FEWEST, MANY = 0.10, 0.18
DARKER_THAN_SKIN, UNLIKE_SKIN = (
    18.0,
    10.0,
)  # Lab lightness and chroma: what is neither is skin that shines, or shows
ON_SKIN = 0.11  # the same on the forehead, which lies in the shadow of hair
FOREHEAD = 0.02, 0.12  # face widths above the brows, where it begins
KEPT = 0.75, 0.95  # of what is like skin within the face, that is none of the hair's
BEHIND, CLEAR = 0.85, 0.06  # of the parser, and face widths from hair: what surely is background, and unmixed
ROUGH = 2.2 / 255  # of a background's own detail, from which on a smooth fill is seen in it
AROUND = 0.6  # face widths around hair, within which that is told
GRAIN = 4 / 255  # at most
SHIFT, STEP = 2.0, 8  # face widths of search for a like place, and steps in each
COVERED = 0.35  # of a hole, that such a place covers at least
BELOW = 0.62  # face heights that a neck goes on below the jaw
JAW = (172, 150, 152, 379, 397)
WISPS = 0.08, 0.4  # face widths: how thick strands of a fringe are, and how far from hair
DARKER = 8.0, 16.0  # Lab lightness by which they are darker than skin
OFF_WALL = 0.14, 0.06  # of full brightness: what differs more from the light on the wall is a thing
SHOULDERS = 0.5, 0.3  # face widths below the chin, where loose strands would be clothes
STRAYS = 0.06, 0.65, 6.0  # face widths: detail finer than this, so far from hair; Lab: more is no plain wall


@dataclass(frozen=True, eq=False)
class Plate:
    """A bust without its hair. alpha: the matte of the old hair; taken `[S, S]` in 0..1: where the old hair is
    to go; behind, scalp `[S, S, 3]` in 0..1: what is seen there of the background and the neck, and of the skin;
    skull `[S, S]`: where the head is, under hair too; rough: the background's own detail."""

    bust: Bust
    alpha: Array
    taken: Array
    behind: Array
    scalp: Array
    skull: Array
    rough: float

    @staticmethod
    def of(bust: Bust) -> Plate:
        alpha, _ = matte(bust)
        rough = _roughness(bust, alpha)
        taken = _taken(bust, alpha, plain=rough <= ROUGH)
        known = _background(bust, taken)
        behind = _behind(bust, taken, known, rough)
        return Plate(bust, alpha, taken, behind, scalp(bust, taken), skull_of(bust), rough)

    def bare(self, skull: Array) -> Array:
        """The bust without hair, skin where `skull [S, S]` says that it is, `[S, S, 3]`."""
        skin_there = blur(skull, 0.007 * self.bust.wide)[..., None]
        under = self.behind + skin_there * (self.scalp - self.behind)
        return self.bust.pixels + self.taken[..., None] * (under - self.bust.pixels)

    @cached_property
    def tone(self) -> Array | None:
        """The Lab of the old hair `[3]`, of the brows where there is next to none, or None."""
        bust, hair = self.bust, self.alpha > 0.8
        if hair.sum() > FEWEST * bust.wide**2:
            found = np.median(bust.lab[hair], 0)
            share = np.interp(found[0], (DARK_HAIR, LIGHT_HAIR), SHADED)
            found[0] = np.percentile(bust.lab[hair][:, 0], share)
            skin_tone = np.median(bust.lab[bust.face > 0], 0)
            darker, unlike = skin_tone[0] - found[0], np.hypot(*(found - skin_tone)[1:])
            if hair.sum() > MANY * bust.wide**2 or darker > DARKER_THAN_SKIN or unlike > UNLIKE_SKIN:
                return found
        brows = bust.regions["brows"] > 0.6
        return np.percentile(bust.lab[brows], 25, axis=0) if brows.sum() > 20 else None


def _taken(bust: Bust, alpha: Array, *, plain: bool) -> Array:
    """Where hair is to go, `[S, S]` in 0..1; plain: whether the wall is so plain that strays are seen on it."""
    like = skin.skin_likelihood(bust.lab, bust.even)
    loose = _strays(bust, alpha) if plain else alpha
    hair = np.maximum.reduce([alpha, loose, _wisps(bust, alpha)])
    hair = hair * (1 - smoothstep(like * bust.face, *KEPT))
    grown = cv2.dilate((hair > 0.04).astype(np.float32), bust.disc(GROWN))
    ears = blur(smoothstep(bust.regions["ears"] * (1 - alpha), 0.5, 0.8), 1.0)
    sharp = blur(grown * (1 - ears), SOFT * bust.wide)
    wider = blur(cv2.dilate((hair > 0.04).astype(np.float32), bust.disc(ON_SKIN)), ON_SKIN / 2 * bust.wide)
    brows = bust.points[[index for brow in BROWS for index in brow]]
    height = (brows @ bust.down).min() - mesh.pixel_grid(bust.size) @ bust.down
    bare = np.maximum(only_skin(bust.points, bust.size), bust.regions["skin"] > 0.5)
    skin_there = blur(bare.astype(np.float32), SOFT * bust.wide) * smoothstep(height / bust.wide, *FOREHEAD)
    return np.maximum(sharp, wider * skin_there)


def _strays(bust: Bust, alpha: Array) -> Array:
    """Loose strands beyond the parser's hair, on plain walls: what differs from the wall around, `[S, S]` in 0..1."""
    fine, near, most = STRAYS
    away = cv2.distanceTransform((alpha < 0.3).astype(np.uint8), cv2.DIST_L2, 5) / bust.wide
    background = bust.regions["other"] > 0.9
    half = cv2.resize(bust.crop.pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    smooth = cv2.medianBlur(half, int(fine * bust.wide) // 4 * 2 + 1).astype(np.float32) / 255
    smooth = cv2.resize(smooth, (bust.size,) * 2, interpolation=cv2.INTER_LINEAR)
    differs = np.sqrt(((bust.lab - rgb_to_lab(smooth)) ** 2).sum(-1))
    wall = differs[background & (away > 0.05) & (away < 0.5)]
    if len(wall) < 100 or (usual := float(np.percentile(wall, 90))) > most:
        return np.zeros_like(alpha)
    found = smoothstep(differs, max(3.0, 1.5 * usual), max(7.0, 2.5 * usual)) * (bust.regions["other"] > 0.6)
    light = _light_on_wall(bust, _background(bust, alpha))
    found = found * smoothstep(largest(np.abs(smooth - light)), *OFF_WALL)
    return found * smoothstep(away, near, 0.7 * near) * smoothstep(bust.below_chin, *SHOULDERS)


def _wisps(bust: Bust, alpha: Array) -> Array:
    """Strands of a fringe on the forehead that the parser does not see: darker than the skin on both sides, `[S, S]`
    in 0..1."""
    thick, near = WISPS
    light = np.ascontiguousarray(bust.lab[..., 0])
    dark = cv2.morphologyEx(light, cv2.MORPH_BLACKHAT, bust.disc(thick / 2))
    away = cv2.distanceTransform((alpha < 0.5).astype(np.uint8), cv2.DIST_L2, 5) / bust.wide
    above = only_skin(bust.points, bust.size) * (
        (mesh.pixel_grid(bust.size) - bust.points[9]) @ bust.down < 0
    )
    return smoothstep(dark, *DARKER) * above * smoothstep(away, near, 0.7 * near)


def _background(bust: Bust, taken: Array) -> Array:
    """What surely is background and not mixed with hair, `[S, S]` of 0 and 1."""
    known = ((bust.regions["other"] > BEHIND) & (bust.shown > 0.5)).astype(np.float32)
    near = cv2.dilate((taken > 0.02).astype(np.float32), bust.disc(CLEAR - GROWN))
    return cv2.erode(known, np.ones((3, 3))) * (1 - near)


def _roughness(bust: Bust, alpha: Array) -> float:
    """How much detail the background has around the hair."""
    near = cv2.distanceTransform((alpha < 0.5).astype(np.uint8), cv2.DIST_L2, 5) < AROUND * bust.wide
    known = (_background(bust, alpha) > 0) & near & (bust.below_chin < 0)
    detail = np.abs(bust.pixels - wide_blur(bust.pixels, 0.03 * bust.wide))[known]
    return float(detail.mean()) if len(detail) > 100 else 0.0


def _behind(bust: Bust, taken: Array, known: Array, rough: float) -> Array:
    """The background and the neck where the hair was, `[S, S, 3]`."""
    light = _light_on_wall(bust, known)
    wall = light + push_pull(bust.pixels - light, known, COARSE)
    if rough > ROUGH and known.sum() > 0.05 * bust.wide**2:
        wall = _cloned(bust, taken, known, wall)
    elif known.sum() > 100:
        fine = (bust.pixels - blur(bust.pixels, 1.5))[known > 0]
        grain = 1.5 * min(float(np.median(np.abs(fine))) * 1.48, GRAIN)
        noise = np.random.default_rng(0).standard_normal(wall.shape[:2]).astype(np.float32)
        wall = wall + grain * blur(noise, 0.8)[..., None]
    neck = _neck(bust)[..., None]
    if known.sum() > 100:  # a fill meets what is around it, as a membrane does
        off = push_pull(bust.pixels - wall, known, COARSE)
        wall = wall + np.clip(off, -0.16, 0.16)
    skin_there = ((bust.regions["neck"] > 0.7) & (taken < 0.05)).astype(np.float32)
    if skin_there.sum() > 0.01 * bust.wide**2:
        wall = wall + neck * (push_pull(bust.pixels, skin_there, COARSE) - wall)
    return np.clip(wall, 0, 1)


def _light_on_wall(bust: Bust, known: Array) -> Array:
    """How light falls on what is behind the head: a cubic in x and y through what is known of it, `[S, S, 3]`."""
    line = np.linspace(-1, 1, bust.size // (2 * COARSE), dtype=np.float32)
    x, y = np.meshgrid(line, line)
    terms = np.stack([x**i * y**j for i in range(4) for j in range(4 - i)], -1)
    small, seen = (
        cv2.resize(one, x.shape, interpolation=cv2.INTER_AREA)
        for one in (bust.pixels, (known > 0).astype(np.float32))
    )
    there = seen > 0.9
    if there.sum() < 50 * terms.shape[-1]:
        return np.zeros_like(bust.pixels)
    weight = np.ones((int(there.sum()), 1), np.float32)
    fit = np.zeros((terms.shape[-1], 3))
    for _ in range(3):  # things on a wall have no say
        fit = np.linalg.lstsq(terms[there] * weight, small[there] * weight, rcond=None)[0]
        off = largest(np.abs(small[there] - terms[there] @ fit))[..., None]
        weight = 1 / (1 + (off / max(2 * float(np.median(off)), 1e-3)) ** 2)
    return cv2.resize(
        np.clip(terms @ fit, 0, 1).astype(np.float32), (bust.size,) * 2, interpolation=cv2.INTER_LINEAR
    )


def _neck(bust: Bust) -> Array:
    """Where a neck is below the jaw, `[S, S]` in 0..1."""
    first, left, chin, right, last = (bust.points[i] for i in JAW)
    base, wider = bust.down * BELOW * bust.tall, 0.1 * (right - left)
    corners = np.vstack(
        [first, left, chin, right, last, right, right + base + wider, left + base - wider, left]
    )
    mask = np.zeros((bust.size,) * 2, np.float32)
    cv2.fillPoly(mask, [np.rint(corners * 16).astype(np.int32)], 1.0, shift=4)
    return blur(mask, 0.02 * bust.wide)


def _cloned(bust: Bust, taken: Array, known: Array, smooth: Array) -> Array:
    """A rough background behind the hair: each quarter around the head shows what lies at the one shift that fits its
    rim best, half in the low tones of the smooth fill."""
    size, wide = bust.size, bust.wide
    middle = bust.points[[234, 454], 0].mean(), bust.points[10, 1] + 0.2 * wide
    x, y = np.moveaxis(mesh.pixel_grid(size), -1, 0)
    total, weights = np.zeros_like(smooth), np.zeros((size, size, 1), np.float32)
    for side in (x < middle[0], x >= middle[0]):
        for level in (y < middle[1], y >= middle[1]):
            part = (side & level).astype(np.float32)
            shift = _best_shift(bust, taken * part, known)
            if shift is None:
                continue
            matrix = np.array([[1, 0, -shift[0]], [0, 1, -shift[1]]], np.float32)
            there, seen = (cv2.warpAffine(one, matrix, (size, size)) for one in (bust.pixels, known))
            low = masked_blur(there, seen, 0.12 * wide)
            shown = np.where(seen[..., None] > 0.5, there + 0.5 * (smooth - low), smooth)
            weight = wide_blur(part, 0.04 * wide)[..., None]
            total, weights = total + weight * shown, weights + weight
    return np.where(weights > 0.3, total / np.maximum(weights, 1e-3), smooth)


def _best_shift(bust: Bust, hole: Array, known: Array) -> tuple[int, int] | None:
    """The shift by which what is known best continues what is around a hole, in pixels; None where the hole is small
    or nothing covers it."""
    small = bust.size // COARSE
    pixels, seen, gap = (
        cv2.resize(one, (small, small), interpolation=cv2.INTER_AREA) for one in (bust.pixels, known, hole)
    )
    seen, gap = (seen > 0.95).astype(np.float32), (gap > 0.05).astype(np.float32)
    if gap.sum() < 20:
        return None
    rim = (cv2.dilate(gap, np.ones((9, 9))) * seen * (1 - gap)) > 0
    wide = bust.wide / COARSE
    reach, step = round(SHIFT * wide), max(2, round(wide / STEP))
    best: tuple[float, int, int] | None = None
    for dx in range(-reach, reach + 1, step):
        for dy in range(-reach, reach + 1, step):
            matrix = np.array([[1, 0, -dx], [0, 1, -dy]], np.float32)
            there = cv2.warpAffine(seen, matrix, (small, small))
            covered = float((there * gap).sum() / gap.sum())
            both = rim & (there > 0.9)
            if covered < COVERED or both.sum() < 10:
                continue
            off = np.abs(cv2.warpAffine(pixels, matrix, (small, small)) - pixels)[both].mean()
            cost = float(255 * off + 40 * (1 - covered) + 0.02 * np.hypot(dx, dy))
            if best is None or cost < best[0]:
                best = cost, dx, dy
    return None if best is None else (best[1] * COARSE, best[2] * COARSE)
