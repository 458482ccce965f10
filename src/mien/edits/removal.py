"""Beards and glasses taken off: a network says how the face looks without them, skin from beside adds what is
finer than it can see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from ..face import filters, geometry, mesh, skin, topology
from ..face.change import border_falloff, nothing
from ..models.parser import Parser
from ..models.translator import Translator
from ..types import Alignment, Array, Change, Crop, Networks, Phase

SEEN = 0.02, 0.06  # differences, of the full range, that are none and that are all of one
# of the eyes that the parser takes for glasses: of clear ones it is below 0.12, of dark ones hardly ever
# below 0.3
DARK = 0.17
HIDDEN = 0.1  # mean difference in the eyes, of the full range, that only dark lenses make
PASSES = 3  # what the first leaves of a full beard, the next take; only beside what the first saw
HANGING = 0.15  # how far below the face a beard may be, of a crop's side
FOUND, HANGS = (
    (0.12, 0.35),
    (0.15, 0.4),
)  # of the lower face and of the chin: less is no beard, more one, or one that hangs
NOSE, LIP = 2, 17  # the mesh's points below the nose and below the lips
NEAR = 8  # of a crop's side, one part
USUAL = (2, 98)  # percentiles of the lightness and the tints of skin, between which they are nothing special
FEWEST, SHADOW = 400, 8.0  # pixels of skin that tell; Lab lightness below which it has no tint
PATCH = 0.13  # side of the piece of skin that texture is fetched from, of the crop's
FREE = 2  # how much more it counts that a piece is bare than that it is even, as a power
PLACES = (
    50,
    280,
    205,
    425,
    151,
)  # of the mesh, where such pieces are: high and low on the cheeks, and the forehead


@dataclass(frozen=True, eq=False)
class Removal:
    """A face without its beard or glasses: an edit, `Crop -> Change`.

    The network's picture is coarser than a photo, and adding its difference would leave the fine edges of a
    rim or of hairs standing. So where it differs, the change looks at bare skin, and the colour is what that
    lacks of the network's picture. Glasses too dark to see the eyes through stay on: nobody knows what is
    behind them.
    """

    translator: Translator
    parser: Parser
    thing: str  # one of the translator's conditions
    strength: float
    alignment = Alignment("jaw", 384)
    phase = Phase.REMOVE

    @property
    def networks(self) -> Networks:
        return (*self.translator.net.networks, *self.parser.net.networks)

    def __call__(self, crop: Crop) -> Change:
        size, side = crop.size, self.translator.net.card.size
        looks = [cv2.resize(crop.pixels, (side, side), interpolation=cv2.INTER_AREA)]
        for _ in range(PASSES):
            looks.append(self._bared(looks[-1]))
        seen, once, bare = (_fractions(looks[k], size) for k in (0, 1, PASSES))
        first, last = (filters.largest(np.abs(one - seen)) for one in (once, bare))
        if self.thing == "glasses" and self._dark(crop, last):
            return nothing(crop, "wears glasses too dark to see the eyes through, so they stay on")
        face, wide = mesh.with_border_points(crop.landmarks, size), np.ones((size // NEAR,) * 2)
        covered = _covered(last) * cv2.dilate(_covered(first), wide)
        covered *= (
            self.beard_region(crop, covered) * (1 - self._mouth(crop))
            if self.thing == "beard"
            else mesh.influence_mask(face, face, size)
        )
        alpha = cv2.GaussianBlur(
            cv2.dilate(covered, np.ones((size // 75,) * 2)), (0, 0), size / 190
        ) * border_falloff(size)
        plain, changed = skin.bare_skin_mask(crop.landmarks, size), alpha > 0.01
        flow = from_skin(crop.pixels, plain * ~changed, crop.landmarks)
        looked = mesh.remap(crop.pixels, mesh.pixel_grid(size) + flow)
        coarse = _fractions(cv2.resize(looked, (side, side), interpolation=cv2.INTER_AREA), size)
        return Change(
            flow,
            as_skin(bare, seen, changed, plain) - coarse,
            alpha * np.float32(self.strength),
            kind="texture",
        )

    def _bared(self, picture: Array) -> Array:
        """What the network makes of a picture and of its mirror image, on average: what it does not see in
        one it may in the other."""
        ways = (
            self.translator.translate(np.ascontiguousarray(one), asked={self.thing: 1.0})
            for one in (picture, picture[:, ::-1])
        )
        return cv2.addWeighted(next(ways), 0.5, np.ascontiguousarray(next(ways)[:, ::-1]), 0.5, 0)

    def beard_region(self, crop: Crop, covered: Array) -> Array:
        """Where a beard may be, `[S, S]` in 0..1: on the face, and below it where the chin is covered, or
        collars would be shaved. Nowhere if the network has found next to nothing, and the parser neither:
        folds and shadows are no beard."""
        size, face = crop.size, mesh.with_border_points(crop.landmarks, crop.size)
        low, (share, points) = lower(crop.landmarks, size), self._parsed(crop)
        found = _mean(covered[low]) + _mean(share[lower(points, len(share))])
        hangs = _mean(covered[low & (np.arange(size)[:, None] > crop.landmarks[LIP, 1])])
        on, below = (
            mesh.influence_mask(face, face + np.array((0, down * size), np.float32), size)
            for down in (0, HANGING)
        )
        return filters.smoothstep(found, *FOUND) * (on + filters.smoothstep(hangs, *HANGS) * (below - on))

    def _dark(self, crop: Crop, away: Array) -> bool:
        """Whether lenses hide the eyes, of which the network makes something that is so far `away [S, S]`."""
        if in_eyes(away, crop.landmarks) > HIDDEN:
            return True
        return in_eyes(*self._parsed(crop)) > DARK

    def _mouth(self, crop: Crop) -> Array:
        """Lips, and what is seen between them, `[S, S]` in 0..1: nothing there is a beard, however wide they are open."""
        seen = geometry.align(crop.pixels, crop.landmarks, self.parser.alignment)
        regions = self.parser.parse(seen)
        mouth = np.minimum(regions["lips"] + regions["teeth"], 1)
        return cv2.warpAffine(mouth, geometry.invert(seen.matrix), (crop.size, crop.size))

    def _parsed(self, crop: Crop) -> tuple[Array, Array]:
        """What the parser takes for the thing, `[s, s]`, and where the landmarks `[478, 2]` lie in that."""
        seen = geometry.align(crop.pixels, crop.landmarks, self.parser.alignment)
        return self.parser.parse(seen)[self.thing], seen.landmarks


def _mean(values: Array) -> Array:
    return np.array(values.mean() if values.size else 0.0)


def lower(points: Array, size: int) -> Array:
    """The face below the nose, but for the lips: `[S, S]` bool."""
    inside = mesh.hull_mask(points, size) > 0
    return (
        inside
        & (np.arange(size)[:, None] > points[NOSE, 1])
        & (mesh.polygon_mask(points, topology.LIPS, size, feather=0.5) < 0.3)
    )


def in_eyes(values: Array, points: Array) -> float:
    """The mean of `values [S, S]` between the lids of both eyes, where `points [478, 2]` has them."""
    eyes = np.maximum(
        *(mesh.polygon_mask(points, outline, len(values), feather=0.5) for outline in topology.EYELIDS)
    )
    return float((values * eyes).sum() / eyes.sum())


def _fractions(small: Array, size: int) -> Array:
    """What the network sees or says, as large as the crop: `[size, size, 3]` float32 in fractions."""
    return cv2.resize(small, (size, size), interpolation=cv2.INTER_CUBIC).astype(np.float32) / 255


def as_skin(bare: Array, seen: Array, covered: Array, plain: Array) -> Array:
    """`bare [S, S, 3]`, where its `plain` skin was covered no lighter than nearly all of the skin that was
    `seen`, and of its tints: what the network overdoes, as light where a rim was, and leaves, as the grey of
    hair."""
    known = (plain > 0.9) & ~covered
    if known.sum() < FEWEST:
        return bare
    lab, own = (cv2.cvtColor(one, cv2.COLOR_RGB2Lab) for one in (bare, seen))
    tints = own[known][:, 1:] / np.maximum(own[known][:, :1], SHADOW)
    low, high = np.percentile(tints, USUAL, axis=0)
    light = np.minimum(lab[..., :1], np.percentile(own[known][:, 0], USUAL[1]))
    tint = np.clip(lab[..., 1:] / np.maximum(lab[..., :1], SHADOW), low, high) * np.maximum(light, SHADOW)
    usual = np.concatenate([light, tint], -1).astype(np.float32)
    mixed = lab + (plain * covered)[..., None] * (usual - lab)
    return np.clip(cv2.cvtColor(mixed, cv2.COLOR_Lab2RGB), 0, 1)


def _covered(away: Array) -> Array:
    """Where differences `[S, S]` are those of something worn: in 0..1."""
    return filters.smoothstep(
        cv2.dilate(cv2.GaussianBlur(away, (0, 0), len(away) / 250), np.ones((3, 3))), *SEEN
    )


def from_skin(pixels: Array, bare: Array, points: Array) -> Array:
    """Where each pixel of `[S, S, 3]` uint8 finds skin that is `bare [S, S]`, a flow `[S, S, 2]`: all look
    into one square of it, which is mirrored over and over, so that no two neighbours look far from each
    other. Of squares that lie free the one with the fewest lines."""
    size = len(bare)
    side = PATCH * size
    light = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    uneven = np.square(light - cv2.GaussianBlur(light, (0, 0), size / 30))

    def mean(values: Any) -> Any:
        return cv2.boxFilter(values, -1, (round(side),) * 2)

    share = np.maximum(mean(bare), 1e-3)
    worth = share**FREE / np.sqrt(mean(bare * uneven) / share + 1)
    middles = points[list(PLACES)]
    corner = (
        max(middles, key=lambda at: float(worth[tuple(np.clip(np.rint(at[::-1]), 0, size - 1).astype(int))]))
        - side / 2
    )
    own = mesh.pixel_grid(size)
    along = np.mod(own - corner, 2 * side)
    return (corner + np.minimum(along, 2 * side - along) - own).astype(np.float32)
