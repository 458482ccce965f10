"""Drawings of faces with what is drawn in them: portraits drawn in several manners, and scribbled heads. Everything is
a function of seed and step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ...errors import InputError
from ...face import geometry, mesh
from ...face.topology import POINTS
from ...io.dataset import held_out, person_of
from ...models.kit import Kit
from ...models.parser import REGIONS
from ...types import Alignment, Array
from ..prototypes import symmetric
from .drawings import sketch
from .faces import read_faces, read_rgb
from .hairdos import hairdo
from .head_shapes import exaggerated
from .scribbles import Subject, hair_mask, scribbled

CROP = 256  # pixels a side that points are counted in
SEEN = 192  # that pictures are kept at
FINER = 2  # drawings are drawn so many times as large as they are shown
SCRIBBLED = 0.55  # of a batch
ASIDE = 256  # drawings of people held out
HAIR = 32  # pixels a side of where hair is
TRAITS = ("sex", "age", "beard", "glasses")
COARSE = 8  # pixels of a drawing between places where it is told what of a picture it shows
BEYOND = 255  # among regions: outside of the picture
IN_HEAD = np.isin(np.arange(256), [k for k, name in enumerate(REGIONS) if name != "other"])


@dataclass(frozen=True, eq=False)
class Portrait:
    """Somebody in layout "ffhq": a picture `[192, 192, 3]` uint8; points `[468, 2]` in a crop of 256 pixels; regions
    `[192, 192]` uint8, places in REGIONS; traits as TRAITS has them."""

    pixels: Array
    points: Array
    regions: Array
    traits: tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Stretch:
    """A head drawn wider or narrower by height, longer or shorter from the eyes on: `x' = middle + (x - middle)
    wide(y)`, `y' = eyes + (y - eyes) long`."""

    middle: float
    eyes: float
    wide: tuple[float, float, float]  # at the top of the crop, at the eyes, at its bottom
    long: tuple[float, float]  # above the eyes and below

    @staticmethod
    def chance(random: np.random.Generator, points: Array) -> Stretch:
        wide = random.uniform(0.8, 1.25) * np.exp(random.normal(0, 0.09, 3))
        long = np.exp(random.normal(0, 0.08, 2))
        eyes = float(points[[33, 133, 362, 263], 1].mean())
        middle = float(points[[234, 454], 0].mean())
        return Stretch(middle, eyes, (wide[0], wide[1], wide[2]), (long[0], long[1]))

    def drawn(self, points: Array) -> Array:
        """Where points of the crop are drawn."""
        off = points - [self.middle, self.eyes]
        return off * np.stack([self._wide(points[..., 1]), self._long(off[..., 1])], -1) + [
            self.middle,
            self.eyes,
        ]

    def of(self, drawn: Array) -> Array:
        """Where in the crop that is which is drawn at places."""
        off = drawn - [self.middle, self.eyes]
        y = off[..., 1] / self._long(off[..., 1]) + self.eyes
        return np.stack([off[..., 0] / self._wide(y) + self.middle, y], -1)

    def _wide(self, y: Array) -> Array:
        return np.interp(y, [0, self.eyes, CROP], self.wide)

    def _long(self, off: Array) -> Array:
        return np.where(off < 0, *self.long)


class SketchData:
    """Labelled faces, in memory, that drawings are made of while a network is trained."""

    def __init__(self, folders: list[Path], size: int, seed: int) -> None:
        folder = next((one for one in folders if (one / "faces.csv").is_file()), None)
        if folder is None:
            raise InputError(
                f"a reader of sketches trains on labelled faces (faces.csv, images/, landmarks478.npz); came {folders[0]}"
            )
        self.size, self.seed = size, seed
        self.pools: dict[bool, list[Portrait]] = {False: [], True: []}  # by whether the person is held out
        kit = Kit(threads=1)
        for row, points in zip(*read_faces(folder), strict=True):
            if row.get("hat") != "1":
                self.pools[held_out(person_of(row))].append(_portrait(folder, row, points, kit))
        everybody = np.stack([one.points for pool in self.pools.values() for one in pool])
        self.mean, self.mirror = symmetric(everybody.mean(0), CROP)

    def batch(self, count: int, i: int) -> tuple[Array, ...]:
        """Batch number `i`: drawings `[N, 3, S, S]` in 0..1, points `[N, 468, 2]` as shares of the side, hair `[N, 1,
        32, 32]` in 0..1, traits `[N, 4]`, NaN where they are not known."""
        return self._drawn(count, np.random.default_rng((self.seed, i)), False)

    def held_out(self) -> tuple[Array, ...]:
        """Drawings of people who are held out; always the same."""
        return self._drawn(ASIDE, np.random.default_rng((self.seed, -1 % 2**32)), True)

    def _drawn(self, count: int, random: np.random.Generator, aside: bool) -> tuple[Array, ...]:
        rows = [row for _ in range(0, count, 2) for row in self._twins(random, self.pools[aside])][:count]
        pixels, points, hair, traits = (np.stack(one) for one in zip(*rows, strict=True))
        tensor = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2), np.float32) / 255
        return (
            tensor,
            points.astype(np.float32),
            hair[:, None].astype(np.float32) / 255,
            traits.astype(np.float32),
        )

    def _twins(self, random: np.random.Generator, pool: list[Portrait]) -> list[tuple[Array, ...]]:
        """A drawing `[S, S, 3]` uint8 with what is drawn in it, and its mirror image, each as another hand leaves
        it."""
        who = pool[random.integers(len(pool))]
        fine = FINER * self.size
        place = _placed(random, fine)
        if random.random() < SCRIBBLED:
            drawn, points, hair, traits = self._scribbled(random, who, pool, place, fine)
        else:
            stretch = Stretch.chance(random, who.points) if random.random() < 0.6 else None
            drawn, hair = drawn_portrait(random, who, stretch, place, fine)
            points, traits = who.points if stretch is None else stretch.drawn(who.points), who.traits
        places = (geometry.transform(points, place) + 0.5) / fine
        turned = places[self.mirror] * [-1, 1] + [1, 0]
        hair = cv2.resize(hair, (HAIR, HAIR), interpolation=cv2.INTER_AREA)
        both = ((drawn, places, hair), (drawn[:, ::-1], turned, hair[:, ::-1]))
        return [(self._left(one, random), at, where, np.array(traits)) for one, at, where in both]

    def _left(self, drawn: Array, random: np.random.Generator) -> Array:
        drawn = cv2.resize(_handled(drawn, random), (self.size,) * 2, interpolation=cv2.INTER_AREA)
        return _scanned(drawn, random)

    def _scribbled(
        self, random: np.random.Generator, who: Portrait, pool: list[Portrait], place: Array, size: int
    ) -> tuple[Array, Array, Array, tuple[float, ...]]:
        """A scribbled head: between two people, exaggerated, and with whatever is put on it."""
        other = pool[random.integers(len(pool))]
        share = random.uniform(0, 0.8)
        points = exaggerated((1 - share) * who.points + share * other.points, self.mean, random)
        feminine, kind = random.random() < 0.5, random.random()
        beard = 0 if feminine or kind > 0.4 else 1 + int(kind < 0.25)
        hair = hairdo(points, feminine, random) if random.random() < 0.9 else None
        subject = Subject(points, hair, beard, random.random() < 0.15)
        drawn = scribbled(subject, place, size, random)
        traits = (-1.0 if feminine else 1.0, np.nan, float(beard), float(subject.glasses))
        return drawn, points, hair_mask(subject, place, size), traits


def _portrait(folder: Path, row: dict[str, str], points: Array, kit: Kit) -> Portrait:
    picture = read_rgb(folder / "images" / row["file"])
    crop = geometry.align(picture, points, Alignment("ffhq", CROP))
    around = geometry.align(picture, points, kit.parser.alignment)
    shares = np.stack([np.rint(255 * one).astype(np.uint8) for one in kit.parser.parse(around).values()])
    back = geometry.compose(crop.matrix, geometry.invert(around.matrix))
    named = np.stack([geometry.warp(one, back, CROP) for one in shares]).argmax(0).astype(np.uint8)
    traits = (
        1.0 if row["sex"] == "m" else -1.0, float(row["age"]), float(row.get("beard") or 0), float(row.get("glasses") or 0),
    )  # fmt: skip
    return Portrait(
        cv2.resize(crop.pixels, (SEEN, SEEN), interpolation=cv2.INTER_AREA),
        crop.landmarks[:POINTS],
        cv2.resize(named, (SEEN, SEEN), interpolation=cv2.INTER_NEAREST),
        traits,
    )


def _placed(random: np.random.Generator, size: int) -> Array:
    """Where a crop of 256 pixels is drawn on a sheet of `size`: near its middle, or anywhere."""
    rough = random.random() < 0.5
    scale = (random.uniform(0.5, 1.15) if rough else random.uniform(0.88, 1.1)) * size / CROP
    turn = np.radians(random.normal() * (6 if rough else 2.5))
    rotation = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    middle = np.full(2, size / 2) + random.normal(0, (0.06 if rough else 0.02) * size, 2)
    return np.c_[rotation, middle - rotation @ np.full(2, CROP / 2)]


def drawn_portrait(
    random: np.random.Generator, who: Portrait, stretch: Stretch | None, place: Array, size: int
) -> tuple[Array, Array]:
    """A portrait drawn in one of MANNERS, `[size, size, 3]` uint8, and where its hair is, `[size, size]` uint8."""
    coarse = (mesh.pixel_grid(size // COARSE) + 0.5) * COARSE - 0.5
    at = geometry.transform(coarse, geometry.invert(place))
    at = at if stretch is None else stretch.of(at)
    at = cv2.resize(((at + 0.5) * (SEEN / CROP) - 0.5).astype(np.float32), (size, size))
    pixels = cv2.remap(who.pixels, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    regions = cv2.remap(who.regions, at[..., 0], at[..., 1], cv2.INTER_NEAREST, borderValue=(BEYOND,))
    if random.random() < 0.75:
        pixels[~IN_HEAD[regions.astype(np.intp)]] = 255
    else:
        pixels[regions == BEYOND] = 255
    manner = MANNERS[int(random.choice(len(MANNERS), p=SHARES))]
    hair = np.where(regions == REGIONS.index("hair"), 255, 0).astype(np.uint8)
    return manner(pixels, regions, random), hair


def _pencilled(pixels: Array, _: Array, random: np.random.Generator) -> Array:
    drawn = sketch(pixels.transpose(2, 0, 1).astype(np.float32) / 127.5 - 1, random)[0]
    return np.repeat(np.rint(255 * drawn).astype(np.uint8)[..., None], 3, 2)


def _inked(pixels: Array, _: Array, random: np.random.Generator) -> Array:
    """Lines and black areas, by an extended difference of Gaussians (Winnemoeller et al. 2012)."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    sigma = random.uniform(0.8, 2.2)
    near, far = (cv2.GaussianBlur(grey, (0, 0), s) for s in (sigma, 1.6 * sigma))
    sharp = near + random.uniform(8, 25) * (near - far)
    dark = random.uniform(0.3, 0.75)
    drawn = np.where(sharp > dark, 1.0, 1 + np.tanh(random.uniform(3, 12) * (sharp - dark)))
    return np.repeat(np.rint(255 * drawn.clip(0, 1)).astype(np.uint8)[..., None], 3, 2)


def _flat(pixels: Array, regions: Array, random: np.random.Generator) -> Array:
    """Each part in one colour, often with lines between them."""
    out = np.full_like(pixels, 255)
    for k in np.flatnonzero(IN_HEAD):
        inside = (regions == k).astype(np.uint8)
        colour = np.array(cv2.mean(pixels, inside)[:3]) + random.normal(0, 15, 3)
        out[inside > 0] = np.clip(colour * random.uniform(0.9, 1.25), 0, 255)
    if random.random() < 0.7:
        edges = cv2.morphologyEx(regions, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
        wide = cv2.dilate(edges.astype(np.uint8), np.ones((int(random.integers(1, 4)),) * 2, np.uint8)) > 0
        out[wide & IN_HEAD[regions]] = random.integers(0, 80)
    return out


def _painted(pixels: Array, _: Array, random: np.random.Generator) -> Array:
    """Few tones and colours, as in a cartoon or a painting."""
    smooth = cv2.medianBlur(pixels, 2 * int(random.integers(2, 6)) + 1)
    levels = random.integers(3, 8)
    hsv = cv2.cvtColor(smooth, cv2.COLOR_RGB2HSV).astype(np.float32)
    hsv[..., 1] = np.clip(hsv[..., 1] * random.uniform(0.6, 1.8), 0, 255)
    hsv[..., 2] = np.rint(hsv[..., 2] / 255 * levels) / levels * 255
    return cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB)


MANNERS: tuple[Callable[[Array, Array, np.random.Generator], Array], ...] = (
    _pencilled,
    _inked,
    _flat,
    _painted,
)
SHARES = (0.5, 0.2, 0.2, 0.1)


def _handled(drawn: Array, random: np.random.Generator) -> Array:
    """The drawing as an unsteady hand and an eraser leave it."""
    size, drawn = len(drawn), drawn.copy()
    if random.random() < 0.5:
        coarse = random.normal(0, random.uniform(0, 0.012) * size, (6, 6, 2)).astype(np.float32)
        at = mesh.pixel_grid(size) + cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
        drawn = cv2.remap(drawn, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderValue=(255, 255, 255))
    for _ in range(random.poisson(0.7)):
        corner, side = random.integers(0, size, 2), random.integers(size // 24, size // 5, 2)
        drawn[corner[1] : corner[1] + side[1], corner[0] : corner[0] + side[0]] = 255
    for _ in range(random.poisson(0.8)):  # strokes left out, or one too many
        ends = random.integers(0, size, (3, 2)).astype(np.int32)
        colour = 255 if random.random() < 0.8 else int(random.integers(0, 200))
        cv2.polylines(drawn, [ends], False, (colour,) * 3, int(random.integers(1, 8)), cv2.LINE_AA)
    return drawn


def _scanned(drawn: Array, random: np.random.Generator) -> Array:
    """The drawing darker or paler, blurred and grained."""
    shade = drawn.astype(np.float32) / 255
    shade = 1 - (1 - shade ** random.uniform(0.5, 1.6)) * random.uniform(0.6, 1)
    if random.random() < 0.4:
        shade = cv2.GaussianBlur(shade, (0, 0), random.uniform(0.3, 1.1))
    if random.random() < 0.4:
        shade = shade + random.normal(0, random.uniform(0, 0.06), shade.shape[:2])[..., None]
    return np.rint(255 * np.clip(shade, 0, 1)).astype(np.uint8)
