"""Which pixels are hair, and how much of each: a region from the parser, its edge from the picture's colours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import cv2
import numpy as np

from ..face import filters, geometry, mesh, skin, topology
from ..models.parser import Parser
from ..types import Array, Crop

MUTED = 0.4  # of a picture's colours, in what the parser is shown besides
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
# of the parser, and face widths: hair that lies in the midst of hair
LIKELY, AROUND = (0.2, 0.4), 0.08
NO_SKIN, BESIDE = (
    (0.25, 0.06),
    0.04,
)  # of what looks like skin: locks; of a crop's side: so far from other hair they reach over a face
SHADOW = 0.3  # of how much darker a pixel is, that counts
ISLAND = 0.35  # of the largest part: what is smaller and lies apart is no hair
SOME, NOSE_TIP = 0.3, 4  # of a region; of the mesh: hair on a head comes from above it
FARTHEST = 9.0  # standard deviations: more is no farther
BARE = ("skin", "nose", "neck", "ears", "eyes", "brows")  # of the parser: where no hair is
ALL, NONE = 0.85, 0.12  # of a region: what surely is hair, and what surely is none
# so many face widths inside its edge, and beyond; beside skin fewer
RIM, BEYOND, BESIDE_SKIN = 0.012, 0.035, 0.012
APART = 0.14, 0.35  # between the colours of hair and of what is behind it, where they begin to tell a share
SHARE = 0.05, 0.25  # shares that are noise, and that are none
STRAY = 0.10  # face widths from the parser's hair, beyond which nothing is a strand of it
FAR = 60 / 255  # how far a hair's colour may lie from those around


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
    told = told_from_background(lab, regions, crop.landmarks, geometry.valid_mask(crop))
    rough = on_head(without_islands(told), crop.landmarks) + (regions["beard"] if with_beard else 0)
    soft = filters.guided_filter(np.ascontiguousarray(lab[..., 0] / 100), rough, crop.size // 128, 2e-4)
    return filters.smoothstep(soft, 0.3, 0.85)


def unmixed(
    pixels: Array, hair: Array, bare: Array, wide: float, rim: float = RIM, hairline: float = 0.0
) -> tuple[Array, Array, Array]:
    """How much of each pixel is hair, `[S, S]` in 0..1, the hair's own colour there and that of what is behind it,
    `[S, S, 3]` each: told by the colours of what surely is hair around and of what surely is none (after Chuang et al.
    2001, "A Bayesian approach to digital matting", with one colour for each). pixels `[S, S, 3]` in 0..1; hair `[S, S]`:
    see `hair_region`; bare `[S, S]`: where skin is; wide: the face's mesh, in pixels; rim: so many face widths within
    its edge hair is mixed with what is behind it; hairline: and so many beside skin."""
    sure = cv2.erode((hair > ALL).astype(np.float32), filters.disc(rim * wide))
    if hairline:
        sure *= 1 - cv2.dilate(bare.astype(np.float32), filters.disc(hairline * wide))
    some = (hair > NONE).astype(np.float32)
    none = 1 - cv2.dilate(some, filters.disc(BEYOND * wide))
    none = np.maximum(none, (1 - cv2.dilate(some, filters.disc(BESIDE_SKIN * wide))) * bare)
    front, back = (filters.push_pull(pixels, known, 2) for known in (sure, none))
    apart = front - back
    distance = (apart * apart).sum(-1)
    share = ((pixels - back) * apart).sum(-1) / np.maximum(distance, 1e-5)
    trust = filters.smoothstep(np.sqrt(distance), *APART)
    away = cv2.distanceTransform((hair < 0.3).astype(np.uint8), cv2.DIST_L2, 5)
    share = (
        np.clip(share, 0, 1)
        * filters.smoothstep(share, *SHARE)
        * filters.smoothstep(away, STRAY * wide, 0.02 * wide)
    )
    alpha = np.where(sure > 0, 1, np.where(none > 0, 0, hair + trust * (share - hair))).astype(np.float32)
    alpha = 0.8 * alpha + 0.2 * filters.blur(alpha, 0.7)
    own = (pixels - (1 - alpha[..., None]) * back) / np.maximum(alpha, 0.25)[..., None]
    deep = cv2.distanceTransform((hair > 0.5).astype(np.uint8), cv2.DIST_L2, 5) / (rim * wide)
    # at the edge what is behind it shines through
    lighter = FAR * filters.smoothstep(deep, 0.5, 1.6)[..., None]
    own = np.clip(own - front, -FAR, lighter)
    colour = front + filters.smoothstep(alpha, 0.25, 0.8)[..., None] * own
    return alpha, np.clip(colour, 0, 1), back


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
    told = np.maximum(told, _locks(lab, regions, points, told, from_hair))
    # in the midst of hair a little less of it is not a thing
    around = cv2.morphologyEx(told, cv2.MORPH_CLOSE, filters.disc(AROUND * (right - left)))
    return np.maximum(told, around * filters.smoothstep(regions["hair"], *LIKELY))


def _locks(lab: Array, regions: dict[str, Array], points: Array, told: Array, from_hair: Array) -> Array:
    """Locks over the face, which the parser takes for its skin, `[S, S]` in 0..1: they lie beside hair that
    is `told [S, S]`, have its colours (`from_hair [s, s]`: how far they are from it) and not the skin's; near
    brows and eyes are none."""
    size, side = len(lab), len(from_hair)
    even = skin.fit_skin_shading(lab, points)
    skinlike = filters.blur(_coarse(skin.skin_likelihood(lab, even)), side / 96)
    from_skin = _away([(_shaded(_coarse(lab), _coarse(even)), TIGHT)])
    told_near = cv2.dilate((_coarse(told) > 0.6).astype(np.float32), filters.disc(BESIDE * side))
    beside = filters.blur(told_near, side / 96)
    eyes = [
        mesh.polygon_mask(points / COARSE, outline, side, feather=2, grow=side / 40)
        for outline in (*topology.BROWS, *topology.UNDER_EYES)
    ]
    own = (
        filters.smoothstep(from_hair, *LIKE)
        * filters.smoothstep(from_skin - from_hair, *NEARER)
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
    """How far pixels are from hair of a tone, or from skin, `[s, s, 3]` in Lab: there are shadows on it, and they have
    less colour too."""
    off = lab - middle * np.minimum(lab[..., :1] / np.maximum(middle[..., :1], 1), 1) ** (0, 1, 1)
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


def on_head(hair: Array, points: Array) -> Array:
    """A share of hair `[S, S]` without what hangs together with none on the head, as dark clothes."""
    face = mesh.hull_mask(points, len(hair))
    wide = np.ptp(points[: topology.POINTS, 0])
    near = cv2.distanceTransform(1 - face, cv2.DIST_L2, 5) < 0.3 * wide
    near &= np.arange(len(hair))[:, None] < points[NOSE_TIP, 1]
    _, parts = cv2.connectedComponents((hair > SOME).astype(np.uint8))
    own = np.isin(parts, np.unique(parts[near & (parts > 0)])).astype(np.float32)
    return hair * np.clip(filters.blur(own, 2.0) * 2, 0, 1)


def _tones(pixels: Array, count: int) -> Iterator[tuple[Array, Array]]:
    """Tones of `pixels [n, 3]` that not too few have: median and variance, `[3]` each."""
    pixels = np.ascontiguousarray(pixels[:: 1 + len(pixels) // 4000])
    cv2.setRNGSeed(0)
    _, which, _ = cv2.kmeans(pixels, count, np.empty(0, np.int32), (3, 10, 0.5), 1, cv2.KMEANS_PP_CENTERS)
    for one in (pixels[which[:, 0] == k] for k in range(count)):
        if len(one) > len(pixels) / count / 2:
            middle = np.median(one, 0)
            yield middle, np.square(1.48 * np.median(np.abs(one - middle), 0))
