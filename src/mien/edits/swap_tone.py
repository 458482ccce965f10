"""The tone of a swapped face: its skin lit as the scene's, eyes and teeth toned on their own, grain as the
photo's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ..face import mesh
from ..face.filters import blur, lab_to_rgb, masked_blur, rgb_to_lab, smoothstep
from ..face.topology import EYELIDS, INNER_LIPS, LIPS
from ..types import Array

# of the face's width: what is smoother counts as light, inside and beside the outline
SOFT, SOFT_AT_EDGE = 0.14, 0.05
COLOURFUL = 3.0  # Lab chroma of a scene: with less its colours are a tint
COARSE = 125.0  # pixels of a face's width that tell its light
LARGE = 640.0  # pixels of a face's width, from which on it is lit at half the size
EDGE = 0.22, 0.06  # of the face's width from the outline: between them one becomes the other
# where something is drawn so much darker than the skin, as brows are, its contrast is scaled by the ratio of lightness,
# and elsewhere by its root: between these shares
DRAWN = 0.12, 0.35
# how many times as far modelled as the scene's a source's skin may be, before its light is softened
HARD = 1.2
LIP_TONE = 8.0, 35.0  # Lab lightness between two skins, from where on lips take the tone of the scene's
BRIGHT = 92.0  # Lab lightness from which on light is halved
FEWEST = 200.0  # pixels of skin that both show: with fewer the whole face is compared
NOSE_TIP = 4  # of the mesh: the middle of a face's skin
FEWEST_INSIDE = 30  # pixels of an eye or a mouth that tell its tone
WHITE, LIGHTEST = 93, 85  # percentiles of lightness in an eye: its white, and from where on its tint is told
WARMER = 10.0  # Lab, at most
EYE_GAIN, TEETH_GAIN = (0.15, 1.3), (0.5, 1.25)
FINE = 0.8  # pixels: grain is what this blur takes away
GRAIN = 480  # pixels of a side in which grain is measured
SOFTENINGS = 0.35, 0.5, 0.65, 0.8, 1.0, 1.25, 1.5, 2.0  # pixels
CRISPER = 1.6  # how much crisper the source is made, before it is given grain
LINES = 0.012  # of full brightness: what is stronger is no grain but a line of the scene's face
SHARPER, SOFTER = 0.85, 1.15  # the target's grain over the source's, beyond which it is matched


@dataclass(frozen=True, eq=False)
class Tones:
    """How a source's face is toned for a scene, as numbers `[22]`, NaN where that could not be told: what of frame to
    frame is carried on, so that nothing flickers."""

    numbers: Array

    @property
    def vivid(self) -> Array:
        """How many times as red and as yellow, `[2]`."""
        return self.numbers[:2]

    @property
    def lips(self) -> Array:
        """The Lab offset of the lips, `[3]`."""
        return self.numbers[2:5]

    @property
    def eyes(self) -> Array:
        """Of each eye the gain of lightness, what is light in it, its warmth (a, b) and the lightness from which on it
        is held back, `[2, 5]`."""
        return self.numbers[5:15].reshape(2, 5)

    @property
    def teeth(self) -> Array:
        """Gain of lightness and warmth of the inside of the mouth, `[3]`."""
        return self.numbers[15:18]

    @property
    def hue(self) -> float:
        """How much of its hue is left: 0 in black and white."""
        return float(self.numbers[18])

    @property
    def grain(self) -> Array:
        """The sigma of softening, how much crisper, and the share of the scene's grain, `[3]`."""
        return self.numbers[19:22]

    def after(self, before: Tones, kept: float) -> Tones:
        """These, `kept` 0..1 of those of the frame before in them."""
        now, then = self.numbers, before.numbers
        mean = kept * then + (1 - kept) * now
        return Tones(np.where(np.isnan(then), now, np.where(np.isnan(now), then, mean)))


@dataclass(frozen=True, eq=False)
class Pair:
    """A source's face `[h, w, 3]` over a scene's, both in 0..1, in the scene's layout. common `[h, w]`: skin in both;
    depth `[h, w]`: pixels to the face's outline; points `[478, 2]`; wide: the face's width in pixels."""

    source: Array
    scene: Array
    common: Array
    depth: Array
    points: Array
    wide: float

    def shrunk(self, field: Array) -> Array:
        """A field of the pair as coarse as light may be seen."""
        coarse = max(1, round(self.wide / COARSE))
        side = len(self.source) // coarse
        return cv2.resize(field, (side, side), interpolation=cv2.INTER_AREA)

    def grown(self, field: Array) -> Array:
        """A coarser field at the pair's own size."""
        return cv2.resize(field, (len(self.source),) * 2, interpolation=cv2.INTER_LINEAR)

    def halved(self) -> Pair:
        """The pair at half the size."""
        side = len(self.source) // 2
        ratio = side / len(self.source)

        def half(field: Array) -> Array:
            return cv2.resize(field, (side, side), interpolation=cv2.INTER_AREA)

        points = (self.points + 0.5) * np.float32(ratio) - 0.5
        depth = half(self.depth) * np.float32(ratio)
        return Pair(half(self.source), half(self.scene), half(self.common), depth, points, self.wide * ratio)


def mixed(below: Array, above: Array, mask: Array) -> Array:
    """A picture with another over it where a mask `[h, w]` says so."""
    return below + (above - below) * mask[..., None]


def relit(pair: Pair, vivid: Array | None = None) -> tuple[Array, Array]:
    """The source's face `[h, w, 3]` in the light and the skin tone of the scene's: in Lab, what is smooth in the
    scene's skin, with what is fine in the source's. Also how many times as red and as yellow the scene is, `[2]`; its own
    colours are made so, or `vivid` times where that is given: each by itself, or grey brows would be blue on rosy skin.

    Of large faces that is done at half the size; what is finer is scaled as the light is.
    """
    if pair.wide > LARGE:
        half = pair.halved()
        lit, seen = relit(half, vivid)
        return _with_fine(lit, half, pair), seen
    side, own = len(pair.source), rgb_to_lab(pair.source)
    labs = pair.shrunk(own), rgb_to_lab(pair.shrunk(pair.scene))
    bare = pair.shrunk(pair.common)
    if pair.common.sum() <= FEWEST:
        bare = (pair.shrunk(pair.depth) > 0).astype(np.float32)
    edge = smoothstep(pair.shrunk(pair.depth) / pair.wide, *EDGE)
    scale = pair.wide * len(bare) / side

    def smoothed(lab: Array) -> Array:
        return mixed(masked_blur(lab, bare, SOFT * scale), masked_blur(lab, bare, SOFT_AT_EDGE * scale), edge)

    grown = pair.grown
    smooth, wanted = smoothed(labs[0]), smoothed(labs[1])
    weight = (bare + 1e-6).ravel()
    tint = [np.average(np.abs(lab[..., 1:]).reshape(-1, 2), axis=0, weights=weight) for lab in labs]
    seen = np.clip(tint[1] / np.maximum(tint[0], 1), 0.05, 1.3)
    vivid = seen if vivid is None else vivid
    by = np.where(vivid < 1, vivid, np.sqrt(vivid)).astype(np.float32)
    light, tints = own[..., 0], own[..., 1:] * by
    tints += grown(wanted[..., 1:] - smooth[..., 1:] * by)
    ratio = np.clip((wanted[..., 0] + 4) / (smooth[..., 0] + 4), 0.3, 3)
    level = grown(smooth[..., 0])
    detail = light - level
    scaled = detail * _gain(detail, level, grown(ratio), _hardness(labs, [smooth, wanted], bare))
    # as shine and shade are scaled by unlike gains
    added = masked_blur(pair.shrunk(scaled - detail)[..., None], bare, SOFT * scale)[..., 0]
    light = scaled + grown(wanted[..., 0] - added)
    light -= np.maximum(light - BRIGHT, 0) / 2
    return lab_to_rgb(np.dstack([light, tints])), seen


def _with_fine(lit: Array, half: Pair, pair: Pair) -> Array:
    """A face that was lit at half the size, with what is finer in the source."""
    light = [cv2.cvtColor(one, cv2.COLOR_RGB2GRAY) + np.float32(0.05) for one in (lit, half.source)]
    gain = np.clip(np.sqrt(light[0] / light[1]), 0.5, 2)
    out = pair.grown(cv2.subtract(lit, cv2.multiply(half.source, cv2.merge([gain] * 3))))
    cv2.add(out, cv2.multiply(pair.source, cv2.merge([pair.grown(gain)] * 3)), out)
    return np.clip(out, 0, 1, out=out)


def _gain(detail: Array, level: Array, ratio: Array, hardness: float) -> Array:
    """By what fine detail `[h, w]` of a skin's `level` of lightness is scaled, where the scene's is `ratio` times as
    light, and its own modelled by light `hardness` times as hard."""
    root = np.sqrt(ratio)
    drawn = smoothstep(-detail / hardness / (level + 4), *DRAWN)
    darker = root + (ratio - root) * drawn
    gain = np.where(ratio <= 1, root, np.where(detail > 0, 1 / ratio, darker))
    return gain * (drawn + (1 - drawn) / np.float32(hardness))


def _hardness(labs: Sequence[Array], smooth: Sequence[Array], bare: Array) -> float:
    """How many times as hard as the scene's a source's light is, at least 1: by how far skin is from what is smooth in
    it."""
    own, theirs = (
        float(np.average((lab - level)[..., 0] ** 2, weights=bare + 1e-6)) ** 0.5
        for lab, level in zip(labs, smooth, strict=True)
    )
    return max(own / max(HARD * theirs, 1e-3), 1.0)


def measured(pair: Pair, lit: Array, vivid: Array) -> Tones:
    """How the rest of a face is toned whose skin was `lit`."""
    numbers = np.full(22, np.nan)
    numbers[:2] = vivid
    small = [rgb_to_lab(pair.shrunk(one)) for one in (pair.source, pair.scene)]
    weight = pair.shrunk(pair.common) + 1e-6
    skins = [float(np.average(lab[..., 0], weights=weight)) for lab in small]
    share = float(smoothstep(np.array(skins[1] - skins[0]), *LIP_TONE))
    if (lips := _inside(lit, pair, LIPS)) is not None:
        numbers[2:5] = share * (np.median(lips[1], axis=0) - np.median(lips[0], axis=0))
    for k, lids in enumerate(EYELIDS):
        if (eye := _inside(pair.source, pair, lids)) is not None:
            numbers[5 + 5 * k : 10 + 5 * k] = _eye(*eye)
    if (mouth := _inside(pair.source, pair, INNER_LIPS)) is not None:
        numbers[15:18] = _teeth(*mouth)
    chroma = float(np.hypot(*cv2.split(small[1])[1:]).mean())
    numbers[18] = min(chroma / COLOURFUL, 1.0)
    numbers[19:22] = _grain(lit, pair)
    return Tones(numbers)


def toned(pair: Pair, lit: Array, tones: Tones, parted: float) -> Array:
    """The `lit` face with lips, teeth and eyes of the source, toned; `parted` 0..1: how much something is seen between
    the lips."""
    out = lit.copy()

    def lay(source: Array, outline: tuple[int, ...], share: float, tone: Callable[[Array], Array]) -> None:
        here, mask = _part(pair, outline)
        drawn = lab_to_rgb(tone(rgb_to_lab(source[here.part])))
        out[here.part] = mixed(out[here.part], drawn, mask * np.float32(share))

    if not np.isnan(tones.lips).any() and np.abs(tones.lips).max() > 0.1:
        lay(lit, LIPS, 1.0, lambda lab: lab + tones.lips.astype(np.float32))
    if parted and not np.isnan(tones.teeth).any():
        gain, *warmth = (float(one) for one in tones.teeth)
        lay(
            pair.source,
            INNER_LIPS,
            parted,
            lambda lab: lab * np.array([gain, 1, 1], np.float32) + np.array([0, *warmth], np.float32),
        )
    for eye, lids in zip(tones.eyes, EYELIDS, strict=True):
        if not np.isnan(eye).any():
            lay(pair.source, lids, 1.0, lambda lab, eye=eye: _toned_eye(lab, eye))
    return out


def _eye(own: Array, theirs: Array) -> list[float]:
    """As light and as warm as the scene's is there, and no lighter than its lightest; see `Tones.eyes`."""
    light, wanted = (float(np.percentile(one[:, 0], WHITE)) for one in (own, theirs))
    warmth = np.clip(_of_lightest(theirs, LIGHTEST) - _of_lightest(own, LIGHTEST), -WARMER, WARMER)
    knee = max(float(np.percentile(theirs[:, 0], 97)), wanted + 3) - 8
    return [float(np.clip(wanted / max(light, 3), *EYE_GAIN)), light, *warmth, knee]


def _toned_eye(lab: Array, eye: Array) -> Array:
    gain, light, *warmth, knee = (float(one) for one in eye)
    rising = np.minimum(lab[..., :1] / max(light, 3), 1)  # a dark iris stays dark, and its colour its own
    out = lab + rising * np.array([0, *warmth], np.float32)
    out[..., 0] *= 1 + (gain - 1) * (rising[..., 0] if gain > 1 else 1)
    out[..., 0] = np.where(out[..., 0] > knee, knee + (out[..., 0] - knee) * 0.35, out[..., 0])
    return out


def _teeth(own: Array, theirs: Array) -> list[float]:
    """As light and as warm as the inside of the scene's mouth; see `Tones.teeth`."""
    light, wanted = np.percentile(own[:, 0], 90), np.percentile(theirs[:, 0], 90)
    warmth = np.clip(_of_lightest(theirs, 60) - _of_lightest(own, 60), -12, 12)
    return [float(np.clip(wanted / max(light, 3), *TEETH_GAIN)), *warmth]


def _of_lightest(lab: Array, percentile: float) -> Array:
    """The mean warmth `[2]` of the lightest of colours `[n, 3]`."""
    return lab[lab[:, 0] >= np.percentile(lab[:, 0], percentile)][:, 1:].mean(0)


def _part(pair: Pair, outline: tuple[int, ...]) -> tuple[mesh.Window, Array]:
    """Where an outline is, and its inside there in 0..1."""
    here = mesh.window(pair.points[list(outline)], max(pair.wide / 30, 2), len(pair.source))
    feather = max(pair.wide / 200, 0.6)
    return here, mesh.polygon_mask(here.local(pair.points), outline, here.side, feather=feather)


def _inside(picture: Array, pair: Pair, outline: tuple[int, ...]) -> tuple[Array, Array] | None:
    """The Lab `[n, 3]` inside an outline of a picture and of the scene; None where that is too small."""
    here, mask = _part(pair, outline)
    inside = mask > 0.6
    if inside.sum() < FEWEST_INSIDE:
        return None
    own, theirs = (rgb_to_lab(one[here.part])[inside] for one in (picture, pair.scene))
    return own, theirs


def as_colourful(picture: Array, hue: float) -> Array:
    """The picture with a share of its hue: a black-and-white photo stays one."""
    if hue >= 1:
        return picture
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None]
    return grey + (picture - grey) * np.float32(hue)


def _grain(lit: Array, pair: Pair) -> tuple[float, float, float]:
    """How to make the face as sharp and as grainy as the scene, by what both show of skin; see `Tones.grain`."""
    middle = mesh.window(pair.points[NOSE_TIP : NOSE_TIP + 1], GRAIN / 2, len(lit))
    own, theirs = (rgb_to_lab(one[middle.part])[..., 0] for one in (lit, pair.scene))
    common = pair.common[middle.part]
    have, want = _strength(own, common), _strength(theirs, common)
    ratio = want / max(have, 1e-3)
    if ratio < SHARPER:
        fits = (one for one in SOFTENINGS if _strength(blur(own, one), common) <= want)
        return next(fits, SOFTENINGS[-1]), 0.0, 0.0
    if ratio <= SOFTER:
        return 0.0, 0.0, 0.0
    crisp = min(ratio, CRISPER) - 1
    return 0.0, crisp, float(np.sqrt(max(want**2 - (have * (1 + crisp)) ** 2, 0))) / max(want, 1e-3)


def with_grain(picture: Array, pair: Pair, grain: Array) -> Array:
    """The picture softened where it is sharper than the scene; where it is softer made crisper, with the scene's own
    grain."""
    soften, crisp, missing = (float(one) for one in grain)
    out = blur(picture, soften) if soften >= SOFTENINGS[0] else picture
    if crisp > 0.02:
        out = out + np.float32(crisp) * (out - blur(out, FINE))
    if missing > 0.02:
        fine = np.clip(pair.scene - blur(pair.scene, FINE), -LINES, LINES)
        out = out + fine * (np.float32(missing) * blur(pair.common, 2))[..., None]
    return out


def _strength(light: Array, weight: Array) -> float:
    """How strong grain is in lightness on skin, as a standard deviation."""
    return float(np.sqrt((weight * (light - blur(light, FINE)) ** 2).sum() / max(float(weight.sum()), 1.0)))
