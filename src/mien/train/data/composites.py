"""Pictures put together of others so that their labels are true: a person before another ground, with another's hair,
under hats and hoods, in fluffy clothes, behind a mask.

Of some thousand pictures a network learns backgrounds by heart. What is cut out of plain ones stands before pieces of
others instead (as in Dwibedi et al. 2017, "Cut, paste and learn", arXiv 1708.01642), and what is put on is known to the
pixel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ...edits.hair_fit import SKULL
from ...face import filters
from ...types import Array
from . import covers
from .dyes import natural
from .region_labels import HAIR, OTHER, UNKNOWN

ALIKE = 0.5  # share of the grounds that have the hair's colour
SHADED = 0.3  # share of the grounds that the person throws a shadow on
WALLS = 0.4  # share of the grounds that are walls, doors and panels
FRINGED = 0.5  # share of the fluffy clothes that hair hangs over
GIVEN = 0.5  # share of the heads of hair put on that are given, where some are
PLAIN = 0.75  # share of the masks that are of plain stuff
LEAST_HAIR = 900  # places of a label that are hair, where it is put on others
SURE, SOME = 150, 60  # of 255: from where on a pixel is what covers it, and up to where it surely is not


@dataclass(frozen=True, eq=False)
class Shown:
    """A picture `[S, S, 3]` uint8, its regions `[s, s]` uint8; its mesh `[478, 2]`; how much of each pixel is the
    person, `[S, S]` uint8, or None; and whether there is a hat."""

    pixels: Array
    labels: Array
    points: Array
    person: Array | None
    hat: bool = False


@dataclass(frozen=True, eq=False)
class Wig:
    """A head of hair: colour `[h, w, 3]` and alpha `[h, w]` uint8, and the mesh `[478, 2]` that it sat on, in its
    pixels."""

    colour: Array
    alpha: Array
    points: Array

    @staticmethod
    def of(shown: Shown) -> Wig | None:
        """The hair of somebody who is cut out; None where there is little."""
        if shown.person is None or shown.hat or (shown.labels == HAIR).sum() < LEAST_HAIR:
            return None
        share = hair_share(shown.pixels, shown.labels == HAIR) * shown.person
        return Wig(_inner(shown.pixels, shown.person), np.rint(share).astype(np.uint8), shown.points)


class Composer:
    """Puts pictures together of those in `pool` and of heads of hair `wigs`, each by chance."""

    def __init__(self, pool: list[Shown], wigs: list[Wig]) -> None:
        self.pool = pool
        self.cutouts = [one for one in pool if one.person is not None]
        self.wigs = wigs

    def moved(self, random: np.random.Generator, shown: Shown) -> Shown:
        """The person before another ground: a piece of another picture, sharp or not, or a wall; some in the hair's own
        colour, some with the person's shadow."""
        assert shown.person is not None
        size = shown.pixels.shape[0]
        behind = self._piece(random, size).astype(np.float32)
        if random.random() < WALLS:
            behind = _wall(random, behind)
        else:
            behind = cv2.GaussianBlur(behind, (0, 0), float(np.exp(random.uniform(-1, 2.5))))
        tone = _hair_tone(shown)
        if random.random() < ALIKE and tone is not None:
            behind = tone * np.exp(random.normal(0, 0.2)) + random.uniform(0.05, 0.7) * (
                behind - behind.mean((0, 1))
            )
        if random.random() < SHADED:
            behind = behind * _shadow(random, shown.person)[..., None]
        share = shown.person[..., None].astype(np.float32) / 255
        pixels = np.clip(behind, 0, 255)
        pixels += share * (_inner(shown.pixels, shown.person) - pixels)
        there = _coarse(shown.person, shown)
        doubt = (there < SURE) & (shown.labels == OTHER)
        labels = np.where(there < 90, OTHER, np.where(doubt, UNKNOWN, shown.labels)).astype(np.uint8)
        return replace(shown, pixels=np.rint(pixels).astype(np.uint8), labels=labels)

    def haired(self, random: np.random.Generator, shown: Shown) -> Shown:
        """With another's hair on the head: what sticks out of the own is seen below it."""
        wig = self._wig(random)
        if wig is None:
            return shown
        size, skull = shown.pixels.shape[0], list(SKULL)
        turn = cv2.estimateAffinePartial2D(wig.points[skull], shown.points[skull], method=cv2.LMEDS)[0]
        alpha = cv2.warpAffine(wig.alpha, turn, (size, size), flags=cv2.INTER_AREA)
        colour = cv2.warpAffine(
            wig.colour, turn, (size, size), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
        )
        return laid(shown, alpha, colour.astype(np.float32), HAIR)

    def covered(self, random: np.random.Generator, shown: Shown, shape: Callable[..., Array]) -> Shown:
        """With a shape of `covers` over it, of cloth, of fleece or of a thing."""
        size = shown.pixels.shape[0]
        where = shape(random, shown.points, size)
        if shape is covers.things:
            stuff = self._piece(random, size).astype(np.float32)
        elif shape is covers.mask and random.random() < PLAIN:
            stuff = covers.plain(random, shown.pixels, shown.points)
        else:
            stuff = self._stuff(random, shown, size)
        if shape is covers.collar and random.random() < FRINGED:  # hair hangs over it
            where = where * (1 - hair_share(shown.pixels, shown.labels == HAIR))
        return laid(shown, np.rint(where).astype(np.uint8), stuff, OTHER)

    def _wig(self, random: np.random.Generator) -> Wig | None:
        """One that was given, or somebody's."""
        if self.wigs and (not self.cutouts or random.random() < GIVEN):
            return self.wigs[random.integers(len(self.wigs))]
        return Wig.of(self.cutouts[random.integers(len(self.cutouts))]) if self.cutouts else None

    def _stuff(self, random: np.random.Generator, shown: Shown, size: int) -> Array:
        """Cloth or fleece, some of it in a colour that hair has."""
        tone = _hair_tone(shown) if random.random() < 0.35 else None
        if random.random() < 0.5:
            return covers.cloth(random, self._piece(random, size), tone)
        if tone is None:
            lab = (
                natural(random)
                if random.random() < 0.5
                else np.array([random.uniform(10, 90), *random.normal(0, 15, 2)])
            )
            tone = filters.lab_to_rgb(lab[None, None].astype(np.float32))[0, 0] * 255
        return covers.fleece(random, size, tone)

    def _piece(self, random: np.random.Generator, size: int) -> Array:
        """Something: a piece of another picture, turned and shifted."""
        other = np.rot90(self.pool[random.integers(len(self.pool))].pixels, int(random.integers(4)))
        if len(other) != size:
            other = cv2.resize(other, (size, size), interpolation=cv2.INTER_LINEAR)
        return np.roll(other, tuple(random.integers(0, size, 2)), (0, 1))


def laid(shown: Shown, alpha: Array, stuff: Array, region: int) -> Shown:
    """Stuff `[S, S, 3]` laid on by its share `[S, S]` uint8, which is a region of its own."""
    cover = _coarse(alpha, shown)
    labels = np.where(cover > SURE, region, np.where(cover > SOME, UNKNOWN, shown.labels)).astype(np.uint8)
    mixed = shown.pixels + (alpha[..., None] / np.float32(255)) * (stuff - shown.pixels)
    person = None if shown.person is None else np.maximum(shown.person, alpha)
    return replace(shown, pixels=np.rint(mixed).clip(0, 255).astype(np.uint8), labels=labels, person=person)


def hair_share(pixels: Array, hair: Array) -> Array:
    """How much of each pixel is hair, `[S, S]` in 0..1, of what labels `[s, s]` say of it."""
    size = pixels.shape[0]
    guide = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    coarse = cv2.resize(hair.astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR)
    return filters.smoothstep(filters.guided_filter(guide, coarse, size // 64, 1e-3), 0.2, 0.8)


def _coarse(picture: Array, shown: Shown) -> Array:
    """A picture of what is shown at the size of its labels."""
    return cv2.resize(picture, shown.labels.shape, interpolation=cv2.INTER_AREA)


def _inner(pixels: Array, person: Array) -> Array:
    """Colours of a person, at the edge, where the old ground shines through, taken from further in."""
    whole = (person > 247).astype(np.float32)
    near = np.maximum(cv2.GaussianBlur(whole, (0, 0), 3), 1e-3)[..., None]
    inner = cv2.GaussianBlur(pixels * whole[..., None], (0, 0), 3) / near
    return np.where(whole[..., None] > 0, pixels, inner)


def _hair_tone(shown: Shown) -> Array | None:
    """The middle colour `[3]` of hair, None where there is little."""
    hair = shown.labels == HAIR
    small = _coarse(shown.pixels, shown)
    return np.median(small[hair], 0) if hair.sum() > 50 else None


def _wall(random: np.random.Generator, piece: Array) -> Array:
    """Panels in colours of a picture, each with light falling off it and some of the picture's pattern."""
    size = piece.shape[0]
    y, x = np.mgrid[:size, :size].astype(np.float32) / size
    wall = np.empty_like(piece)
    tilt = random.normal(0, 0.15)
    edges = np.sort(random.uniform(0, 1, int(random.integers(0, 5))))
    part = np.searchsorted(edges, x + tilt * y)
    for k in range(len(edges) + 1):
        tone = piece[tuple(random.integers(0, size, 2))] * np.exp(random.normal(0, 0.3))
        light = np.exp(random.normal(0, 0.5) * (x - 0.5) + random.normal(0, 0.5) * (y - 0.5))[..., None]
        wall = np.where((part == k)[..., None], tone * light, wall)
    wall = cv2.GaussianBlur(wall, (0, 0), float(np.exp(random.uniform(-1, 2))))
    return wall + random.uniform(0, 0.3) * (piece - cv2.GaussianBlur(piece, (0, 0), 8))


def _shadow(random: np.random.Generator, person: Array) -> Array:
    """How much light a person leaves on the wall behind, `[S, S]`: all of it but for a soft shape beside them."""
    size = person.shape[0]
    shift = np.array([[1, 0, random.normal(0, 0.12) * size], [0, 1, random.normal(0.03, 0.05) * size]])
    shape = cv2.warpAffine(person, shift, (size, size), borderMode=cv2.BORDER_REPLICATE)
    soft = cv2.GaussianBlur(shape, (0, 0), float(random.uniform(0.01, 0.07) * size)).astype(np.float32) / 255
    return 1 - random.uniform(0.2, 0.75) * soft
