"""Hair in another colour: a region from the parser, its edge from the picture, colours in Lab."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..face import filters, geometry, mesh, skin, topology
from ..models.parser import Parser
from ..types import Alignment, Array, Change, Crop, Networks, Phase
from .colours import Colour

MUTED = 0.4  # of a picture's colours, in what the parser is shown besides
GAMMA = (
    0.42,
    2.2,
)  # how far lightness is bent at most: black hair cannot be made white without turning to noise
STRANDS = 0.35  # of the hair's own differences of colour are left, so that strands stay strands
LIGHTER = 22.0  # Lab lightness that `light` 1 adds
COARSE = 4  # colours are compared on every so many-th pixel
SURE, FEWEST = 0.9, 50  # of the parser's most, and so many pixels of that
TONES, THINGS = 2, 8  # colours that hair may have, and all that is not of the person
# variance of Lab within one of those, at the least: hair is lit unevenly
LOOSE, TIGHT = np.array((220, 9, 9), np.float32), np.array((60, 9, 9), np.float32)
# standard deviations: how far from hair or things what is unlike or like them lies, and how much nearer to
# hair
UNLIKE, LIKE_THINGS, LIKE, NEARER = (3.0, 4.5), (2.6, 1.6), (2.4, 1.4), (0.3, 1.5)
MAYBE, EITHER = (
    (0.08, 0.3),
    (0.4, 0.7),
)  # of the parser: hair that may be, and what is either hair or background
NO_SKIN, BESIDE = (
    (0.25, 0.06),
    0.04,
)  # of what looks like skin: locks; of a crop's side: so far from other hair they reach over a face
SHADOW = 0.3  # of how much darker a pixel is, that counts
ISLAND = 0.35  # of the largest part: what is smaller and lies apart is no hair
FARTHEST = 9.0  # standard deviations: more is no farther
GREY = 66.0  # Lab lightness that grey hair has at least
STRAND, EDGE = (
    3.0,
    0.18,
)  # pixels of the crop that strands are wide; and how much grey one has more than the next
SHEEN = 78.0  # Lab lightness from where on hair shines, in the light's colour


@dataclass(frozen=True, eq=False)
class Hair:
    """Hair in another colour, None where only the lightness changes: light -1..1 makes it darker or lighter; grey
    0..1 is the share of it that has lost its colour.

    with_beard: the beard too, as where the colour is one that people are born with.
    """

    parser: Parser
    colour: Colour | None
    light: float = 0.0
    grey: float = 0.0
    with_beard: bool = False
    alignment = Alignment("wide", 768)
    phase = Phase.COLOUR

    @property
    def networks(self) -> Networks:
        return self.parser.net.networks

    def __call__(self, crop: Crop) -> Change:
        before = crop.pixels.astype(np.float32) / 255
        lab = cv2.cvtColor(before, cv2.COLOR_RGB2Lab)
        region = hair_region(self.parser, crop, lab, with_beard=self.with_beard) * inside(crop.size)
        flow = np.zeros((crop.size, crop.size, 2), np.float32)
        sure = region > 0.6
        if sure.sum() < 64:  # bald, or all under a hat
            return Change(flow, np.zeros_like(before), np.zeros_like(region), kind="hair")
        dyed = self._greyed(self._dyed(lab, lab[sure]), sure)
        after = np.clip(cv2.cvtColor(dyed, cv2.COLOR_Lab2RGB), 0, 1)
        return Change(flow, after - before, np.where(region > 0.02, region, 0), kind="hair")

    def _dyed(self, lab: Array, hair: Array) -> Array:
        """Every pixel as if it were hair; `hair [n, 3]` is what is known to be."""
        light, a, b = np.moveaxis(lab, -1, 0)
        middle = float(np.clip(np.median(hair[:, 0]), 3, 95))
        wanted = middle + LIGHTER * self.light
        if self.colour:
            wanted += self.colour.strength * (float(self.colour.lab[0]) - middle)
        gamma = np.clip(np.log(np.clip(wanted, 4, 92) / 100) / np.log(middle / 100), *GAMMA)
        after = 100 * np.clip(light / 100, 1e-4, 1) ** gamma
        if self.colour:
            sheen = np.clip((light - SHEEN) / (100 - SHEEN), 0, 1)
            depth = self.colour.strength * (1 - 0.7 * sheen)
            target, full = self.colour.lab, max(float(self.colour.lab[0]), 20)
            dark = np.clip(after / full, 0.25, 1.15)  # dark hair holds less colour
            shade = np.clip(light / middle, 0, 1)  # in which hair of one colour has less of it
            own_a, own_b = a - shade * np.median(hair[:, 1]), b - shade * np.median(hair[:, 2])
            a = a + depth * (target[1] * dark + STRANDS * own_a - a)
            b = b + depth * (target[2] * dark + STRANDS * own_b - b)
        return np.stack([after, a, b], -1).astype(np.float32)

    def _greyed(self, lab: Array, sure: Array) -> Array:
        """The same with grey in it, strand by strand: those that shine first. What is as light already only loses
        its colour."""
        if not self.grey:
            return lab
        light = lab[..., 0]
        strands = light - cv2.GaussianBlur(light, (0, 0), STRAND)
        more = EDGE * strands / max(float(strands[sure].std()), 0.1)
        share = np.clip(self.grey + more * min(4 * self.grey * (1 - self.grey), 1), 0, 1)[..., None]
        middle = float(np.clip(np.median(light[sure]), 3, 95))
        gamma = np.clip(np.log(max(middle, GREY) / 100) / np.log(middle / 100), *GAMMA)
        after = np.stack(
            [100 * np.clip(light / 100, 1e-4, 1) ** gamma, 0.15 * lab[..., 1], 0.15 * lab[..., 2]], -1
        )
        return (lab + share * (after - lab)).astype(np.float32)


def hair_region(
    parser: Parser,
    crop: Crop,
    lab: Array,
    regions: dict[str, Array] | None = None,
    *,
    with_beard: bool = False,
) -> Array:
    """Where the hair is `[S, S]` in 0..1, fine as strands. regions: what the parser sees in the crop, where that is
    known."""
    regions = dict(regions or parser.parse(crop))
    paler = parser.parse(replace(crop, pixels=muted(lab)))
    regions["hair"] = np.maximum(regions["hair"], paler["hair"])
    rough = without_islands(told_from_background(lab, regions, crop.landmarks, geometry.valid_mask(crop))) + (
        regions["beard"] if with_beard else 0
    )
    soft = filters.guided_filter(np.ascontiguousarray(lab[..., 0] / 100), rough, crop.size // 128, 2e-4)
    return filters.smoothstep(soft, 0.3, 0.85)


def inside(size: int) -> Array:
    """1 in a crop, falling to 0 at its border: `[S, S]`."""
    to_edge = np.minimum(np.arange(size), np.arange(size)[::-1])
    return np.clip(np.minimum.outer(to_edge, to_edge) / (0.06 * size), 0, 1).astype(np.float32)


def muted(lab: Array) -> Array:
    """The picture in paler colours `[S, S, 3]` uint8, in which hair of wild ones is like hair that the parser
    knows."""
    return np.rint(
        cv2.cvtColor(lab * np.array((1, MUTED, MUTED), np.float32), cv2.COLOR_Lab2RGB).clip(0, 1) * 255
    ).astype(np.uint8)


def told_from_background(lab: Array, regions: dict[str, Array], points: Array, shown: Array) -> Array:
    """The parser's hair, told from the background by colours, `[S, S]` in 0..1: without what has those of
    things that surely are no hair, and none of those that the hair has at the forehead, as a door behind dark
    hair; with what has the hair's, where the parser wavers between the two. shown: where the photo is (see
    `geometry.shown`), as mirrored hair looks like a thing."""
    size = lab.shape[0]
    (left, top), (right, bottom) = points[: topology.POINTS].min(0), points[: topology.POINTS].max(0)
    x, y = np.moveaxis(mesh.pixel_grid(size), -1, 0)
    near = (np.abs(x - (left + right) / 2) < 0.4 * (right - left)) & (
        np.abs(y - top + 0.035 * (bottom - top)) < 0.085 * (bottom - top)
    )
    small = _coarse(lab)
    most = float(regions["hair"][near].max()) if near.any() else 0.0
    hair = lab[near & (regions["hair"] > max(SURE * most, 0.5))]
    share, other, photo = (
        cv2.resize(one, small.shape[:2])
        for one in (regions["hair"], regions["other"], shown.astype(np.float32))
    )
    rest = small[(other > SURE) & (photo > 0.5)]
    if min(len(hair), len(rest)) < FEWEST:
        return regions["hair"]

    from_hair = _away((_shaded(small, middle), spread + LOOSE) for middle, spread in _tones(hair, TONES))
    from_things = _away((small - middle, spread + TIGHT) for middle, spread in _tones(rest, THINGS))
    thing = filters.smoothstep(from_hair, *UNLIKE) * filters.smoothstep(from_things, *LIKE_THINGS)
    own = filters.smoothstep(from_hair, *LIKE) * filters.smoothstep(from_things - from_hair, *NEARER)
    own *= filters.smoothstep(share, *MAYBE) * filters.smoothstep(share + other, *EITHER)
    free, own = (cv2.resize(one, (size, size), interpolation=cv2.INTER_LINEAR) for one in (1 - thing, own))
    told = np.maximum(regions["hair"] * free, own)
    return np.maximum(told, _locks(lab, regions, points, told, from_hair))


def _locks(lab: Array, regions: dict[str, Array], points: Array, told: Array, from_hair: Array) -> Array:
    """Locks over the face, which the parser takes for its skin, `[S, S]` in 0..1: they lie beside hair that
    is `told [S, S]`, have its colours (`from_hair [s, s]`: how far they are from it) and not the skin's; near
    brows and eyes are none."""
    size, side = len(lab), len(from_hair)
    skinlike = filters.blur(_coarse(skin.skin_likelihood(lab, skin.fit_skin_shading(lab, points))), side / 96)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(BESIDE * side) + 1,) * 2)
    beside = filters.blur(cv2.dilate((_coarse(told) > 0.6).astype(np.float32), disc), side / 96)
    eyes = [
        mesh.polygon_mask(points / COARSE, outline, side, feather=2, grow=side / 40)
        for outline in (*topology.BROWS, *topology.UNDER_EYES)
    ]
    own = (
        filters.smoothstep(from_hair, *LIKE)
        * filters.smoothstep(skinlike, *NO_SKIN)
        * beside
        * (1 - np.maximum.reduce(eyes))
    )
    own *= (1 - _coarse(regions["beard"])) * (_coarse(regions["other"]) < 0.5)
    return cv2.resize(own.astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR)


def _coarse(picture: Array) -> Array:
    """Every COARSE-th pixel of a picture `[S, S, ...]`, the mean of those around."""
    return cv2.resize(picture, (len(picture) // COARSE,) * 2, interpolation=cv2.INTER_AREA)


def _shaded(lab: Array, middle: Array) -> Array:
    """How far pixels are from hair of a tone, `[s, s, 3]` in Lab: hair throws shadows on itself, and they
    have less colour too."""
    off = lab - middle * np.minimum(lab[..., :1] / max(float(middle[0]), 1), 1) ** (0, 1, 1)
    off[..., 0] *= np.where(off[..., 0] < 0, np.float32(SHADOW), 1)
    return off


def _away(tones: Iterable[tuple[Array, Array]]) -> Array:
    """How far every pixel is from the nearest of tones, in standard deviations `[s, s]`, of differences and
    variances; of what is around it, since strands differ."""
    nearest = np.minimum.reduce([(off**2 / spread).sum(-1) for off, spread in tones])
    return filters.blur(np.minimum(np.sqrt(nearest), FARTHEST), len(nearest) / 64)


def without_islands(share: Array) -> Array:
    """A share `[S, S]` without islands that are small beside its largest part."""
    size = share.shape[0]
    count, parts, about, _ = cv2.connectedComponentsWithStats((_coarse(share) > 0.3).astype(np.uint8))
    areas = about[1:, cv2.CC_STAT_AREA]
    if count < 3:
        return share
    islands = np.isin(parts, 1 + np.flatnonzero(areas < ISLAND * areas.max())).astype(np.uint8)
    return share * (
        1 - cv2.resize(cv2.dilate(islands, np.ones((3, 3))), (size, size), interpolation=cv2.INTER_NEAREST)
    )


def _tones(pixels: Array, count: int) -> Iterator[tuple[Array, Array]]:
    """Tones of `pixels [n, 3]` that not too few have: median and variance, `[3]` each."""
    pixels = np.ascontiguousarray(pixels[:: 1 + len(pixels) // 4000])
    cv2.setRNGSeed(0)
    _, which, _ = cv2.kmeans(pixels, count, np.empty(0, np.int32), (3, 10, 0.5), 1, cv2.KMEANS_PP_CENTERS)
    for one in (pixels[which[:, 0] == k] for k in range(count)):
        if len(one) > len(pixels) / count / 2:
            middle = np.median(one, 0)
            yield middle, np.square(1.48 * np.median(np.abs(one - middle), 0))
