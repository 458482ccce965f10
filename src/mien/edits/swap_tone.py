"""The tone of a swapped face: its skin lit as the target's, eyes and teeth toned on their own, grain as the
photo's."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np

from ..face import mesh
from ..face.filters import blur, lab_to_rgb, masked_blur, rgb_to_lab, smoothstep
from ..face.topology import INNER_LIPS, LIPS
from ..types import Array

# of the face's width: what is smoother counts as light, inside and beside the outline
SOFT, SOFT_AT_EDGE = 0.14, 0.05
COLOURFUL = 3.0  # Lab chroma of a scene: with less its colours are a tint
COARSE = 250.0  # pixels of a face's width that tell its light
EDGE = 0.22, 0.06  # of the face's width from the outline: between them one becomes the other
# the power of the ratio of lightness by which the source's detail is scaled; all of it where something is drawn so much
# darker than the skin, as brows are: between these shares
CONTRAST, DRAWN = 0.5, (0.12, 0.35)
LIP_TONE = 8.0, 35.0  # Lab lightness between two skins, from where on lips take the tone of the scene's
BRIGHT = 92.0  # Lab lightness from which on light is halved
FEWEST = 200.0  # pixels of skin that both show: with fewer the whole face is compared
EYE_GAIN, TEETH_GAIN = (0.15, 1.3), (0.5, 1.25)
BANDS = 0.8, 1.6, 3.2  # pixels: grain lies between these blurs
SOFTENINGS = 0.35, 0.5, 0.65, 0.8, 1.0, 1.25, 1.5, 2.0  # pixels
CRISPER = 1.6  # how much crisper the source is made, before it is given grain
LINES = 0.012  # of full brightness: what is stronger is no grain but a line of the scene's face
SHARPER, SOFTER = 0.85, 1.15  # the target's grain over the source's, beyond which it is matched
# what makes the Lab of a part, given that and the colours `[n, 3]` of its inside, its own and the scene's
Toned = Callable[[Array, Array, Array], Array]


def mixed(below: Array, above: Array, mask: Array) -> Array:
    """A picture with another over it where a mask `[h, w]` says so."""
    return below + (above - below) * mask[..., None]


def relit(picture: Array, scene: Array, common: Array, points: Array, wide: float) -> Array:
    """The source's face `[h, w, 3]` in the light and the skin tone of the scene's: in Lab, what is smooth in the
    scene's skin, with what is fine in the source's. common `[h, w]`: skin in both; points in the window."""
    side = len(picture)
    hull = mesh.hull_mask(points, side)
    common = common if common.sum() > FEWEST else hull.astype(np.float32)
    hull[[0, -1]] = hull[:, [0, -1]] = 0
    coarse = max(1, round(wide / COARSE))  # what is smooth is computed on every so many pixels

    def shrunk(field: Array) -> Array:
        return cv2.resize(field, (side // coarse,) * 2, interpolation=cv2.INTER_AREA)

    own, theirs, bare = rgb_to_lab(picture), rgb_to_lab(scene), shrunk(common)
    edge = smoothstep(shrunk(cv2.distanceTransform(hull, cv2.DIST_L2, 5)) / wide, *EDGE)[..., None]
    soft, near = SOFT * wide / coarse, SOFT_AT_EDGE * wide / coarse

    def smoothed(lab: Array) -> Array:
        small = shrunk(lab)
        both = mixed(masked_blur(small, bare, soft), masked_blur(small, bare, near), edge[..., 0])
        return cv2.resize(both, (side, side), interpolation=cv2.INTER_LINEAR)

    smooth, wanted = smoothed(own), smoothed(theirs)
    ratio = np.clip((wanted[..., :1] + 4) / (smooth[..., :1] + 4), 0.3, 3)
    detail = own - smooth
    light = detail[..., :1]
    drawn = smoothstep(-light / (smooth[..., :1] + 4), *DRAWN) * (ratio > 1)
    gain = ratio ** (CONTRAST + (1 - CONTRAST) * drawn)
    gain = np.where((light > 0) & (ratio > 1), 1 / ratio, gain)
    chroma = [float(np.average(np.hypot(lab[..., 1], lab[..., 2]), weights=common)) for lab in (own, theirs)]
    vivid = float(np.clip(chroma[1] / max(chroma[0], 1), 0.05, 1.3))
    scaled = detail * np.concatenate(
        [gain, np.full((side, side, 2), vivid if vivid < 1 else vivid**0.5)], -1, dtype=np.float32
    )
    added = masked_blur(shrunk(scaled - detail), bare, soft)  # as shine and shade are scaled by unlike gains
    scaled -= cv2.resize(added, (side, side), interpolation=cv2.INTER_LINEAR)
    lab = wanted + scaled
    lab[..., 0] = np.where(lab[..., 0] > BRIGHT, BRIGHT + (lab[..., 0] - BRIGHT) / 2, lab[..., 0])
    return lab_to_rgb(lab)


def with_lips_of(
    picture: Array, source: Array, scene: Array, common: Array, points: Array, wide: float
) -> Array:
    """The picture with lips as light and as red as the scene's, by as much as the scene's skin is lighter: lips of dark
    skin would be pale on it. source `[h, w, 3]`: the face before it was relit."""
    skins = [float(np.average(rgb_to_lab(one)[..., 0], weights=common + 1e-6)) for one in (source, scene)]
    share = float(smoothstep(np.array(skins[1] - skins[0]), *LIP_TONE))

    def toned(lab: Array, own: Array, theirs: Array) -> Array:
        return lab + np.float32(share) * (np.median(theirs, axis=0) - np.median(own, axis=0))

    return _toned_inside(picture, picture, scene, points, LIPS, wide, toned) if share else picture


def with_eye_of(
    picture: Array, source: Array, scene: Array, points: Array, lids: tuple[int, ...], wide: float
) -> Array:
    """The picture with one eye of the source, as light and as warm as the scene's is there, and no lighter than its
    lightest."""

    def toned(lab: Array, own: Array, theirs: Array) -> Array:
        light, wanted = np.percentile(own[..., 0], 85), np.percentile(theirs[..., 0], 85)
        warmth = _of_lightest(theirs, 70) - _of_lightest(own, 70)
        out = lab + np.array([0, *np.clip(warmth, -15, 15)], np.float32)
        gain = np.clip(wanted / max(light, 3), *EYE_GAIN)
        rising = np.minimum(out[..., 0] / max(light, 3), 1) if gain > 1 else 1.0  # a dark iris stays dark
        out[..., 0] *= 1 + (gain - 1) * rising
        knee = max(np.percentile(theirs[..., 0], 97), wanted + 3) - 8
        out[..., 0] = np.where(out[..., 0] > knee, knee + (out[..., 0] - knee) * 0.35, out[..., 0])
        return out

    return _toned_inside(picture, source, scene, points, lids, wide, toned)


def with_teeth_of(picture: Array, source: Array, scene: Array, points: Array, wide: float) -> Array:
    """The picture with the inside of the source's mouth, as light and as warm as the scene's is."""

    def toned(lab: Array, own: Array, theirs: Array) -> Array:
        light, wanted = np.percentile(own[..., 0], 90), np.percentile(theirs[..., 0], 90)
        warmth = _of_lightest(theirs, 60) - _of_lightest(own, 60)
        out = lab + np.array([0, *np.clip(warmth, -12, 12)], np.float32)
        out[..., 0] = lab[..., 0] * np.clip(wanted / max(light, 3), *TEETH_GAIN)
        return out

    return _toned_inside(picture, source, scene, points, INNER_LIPS, wide, toned)


def _toned_inside(
    picture: Array,
    source: Array,
    scene: Array,
    points: Array,
    outline: tuple[int, ...],
    wide: float,
    toned: Toned,
) -> Array:
    """The picture with what `toned` makes of the source inside an outline."""
    here = mesh.window(points[list(outline)], max(wide / 30, 2), len(picture))
    mask = mesh.polygon_mask(here.local(points), outline, here.side, feather=max(wide / 200, 0.6))
    inside = mask > 0.6
    if inside.sum() < 30:
        return picture
    own, theirs = rgb_to_lab(source[here.part]), rgb_to_lab(scene[here.part])
    out = picture.copy()
    out[here.part] = mixed(picture[here.part], lab_to_rgb(toned(own, own[inside], theirs[inside])), mask)
    return out


def _of_lightest(lab: Array, percentile: float) -> Array:
    """The mean warmth `[2]` of the lightest of colours `[n, 3]`."""
    return lab[lab[:, 0] >= np.percentile(lab[:, 0], percentile)][:, 1:].mean(0)


def as_colourful(picture: Array, scene: Array) -> Array:
    """The picture without colours where the scene has none: a black-and-white photo stays one."""
    chroma = float(np.hypot(*cv2.split(rgb_to_lab(scene))[1:]).mean())
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None]
    return picture if chroma > COLOURFUL else grey + (picture - grey) * np.float32(chroma / COLOURFUL)


def with_grain(picture: Array, scene: Array, common: Array) -> Array:
    """The picture as sharp and as grainy as the scene, by what both show of skin `[h, w]`: softened where it is
    sharper; where it is softer made crisper, with the scene's own grain."""
    own, theirs = rgb_to_lab(picture)[..., 0], rgb_to_lab(scene)[..., 0]
    have, want = _bands(own, common), _bands(theirs, common)
    ratio = want[0] / max(have[0], 1e-3)
    if ratio < SHARPER:
        sigma = next(
            (one for one in SOFTENINGS if _bands(blur(own, one), common)[0] <= want[0]), SOFTENINGS[-1]
        )
        return blur(picture, sigma)
    if ratio <= SOFTER:
        return picture
    crisp = min(ratio, CRISPER) - 1
    out = picture + crisp * (picture - blur(picture, BANDS[0]))
    missing = float(np.sqrt(max(want[0] ** 2 - (have[0] * (1 + crisp)) ** 2, 0))) / max(want[0], 1e-3)
    grain = np.clip(scene - blur(scene, BANDS[0]), -LINES, LINES)
    return out + grain * (missing * blur(common, 2))[..., None]


def _bands(light: Array, weight: Array) -> list[float]:
    """How strong the three finest bands of lightness are on skin, as standard deviations."""
    levels = [light, *(blur(light, sigma) for sigma in BANDS)]
    total = max(float(weight.sum()), 1.0)
    return [float(np.sqrt((weight * (a - b) ** 2).sum() / total)) for a, b in pairwise(levels)]
