"""Faces and their labels for the parser, composed anew for every batch: with other hair, dyed, bearded, older, with glasses,
hats, hoods, masks and fluffy clothes, before another ground, in poor light and small.

Where labels are made by colours alone they may be wrong far from the face: what such pictures call hair there is not
taught.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from ...edits.beard import Beard, draw_beard
from ...edits.eyeglasses import Glasses, draw_glasses
from ...errors import InputError
from ...face import geometry, mesh
from ...face.change import apply_to_crop
from ...io.dataset import held_out, person_of
from ...models.kit import Kit
from ...models.prototypes import Prototypes
from ...types import Alignment, Array, Crop
from . import covers
from .composites import LEAST_HAIR, Composer, Shown, Wig
from .dyes import dyed
from .faces import PAIRED, camera, chw, read_faces, read_rgb
from .region_labels import (
    BEARD,
    GLASSES,
    HAIR,
    NECK,
    OTHER,
    SIDE,
    SKIN,
    UNDER_NOSE,
    UNKNOWN,
    Layout,
    keyed,
    label,
)

WEARERS = 0.7  # share of those without glasses who are also shown with some
GROWERS = 0.5  # share of the beardless men who are also shown with a beard
ELDERS = (
    0.4  # share of those without glasses who are also shown some decades older: their lines are no frames
)
OLDER = 15, 45  # years
CLEAR = 0.7  # lenses that let through less than this hide the eyes
CUT = 0.65  # share of a batch that is of people cut out, whose labels are surest
HAIRED = 0.25  # share of the pictures of bare heads that get another's hair
DYED = 0.5  # share of the pictures whose hair gets another colour
MOVED = 0.8  # share of those cut out that get another ground
POOR = 0.3  # share of the pictures that are dark, or small, or both
# How often each cover is put on. What sits on a head is only put on bare ones.
ON_HEADS = ((covers.hat, 0.12), (covers.hood, 0.08))
ON_ALL = ((covers.collar, 0.25), (covers.mask, 0.2), (covers.things, 0.25))
# Head widths from the middle of a head, beyond which what is not keyed is not taught to be hair
DOUBTED = 1.3


def people(folders: Sequence[Path], size: int, seed: int, *, aside: bool) -> list[Shown]:
    """Everybody in the folders who is held out, or all others: portraits with their labels in layout "ffhq", and photos
    that show more than a head, of which some folder may be."""
    portraits = next((one for one in folders if (one / "faces.csv").is_file()), None)
    if portraits is None:
        raise InputError(
            f"the parser trains on labelled faces (faces.csv, images/, landmarks478.npz); came {folders[0]}"
        )
    shown: list[Shown] = []
    rng, prototypes = np.random.default_rng((seed, 0)), Kit().prototypes
    for row, points in zip(*read_faces(portraits), strict=True):
        if held_out(person_of(row)) == aside:
            pixels = read_rgb(portraits / "images" / row["file"])
            shown += _shown(rng, prototypes, geometry.align(pixels, points, Alignment("ffhq", size)), row)
    for folder in folders:
        for name, path, points in busts(folder):
            if held_out(PAIRED + name) == aside:
                shown += shown_wide(read_rgb(path), points, size)
    return shown


class RegionData:
    """Faces with their labels, in memory; a batch is composed, turned, scaled, mirrored and seen by another
    camera."""

    def __init__(self, folders: list[Path], size: int, seed: int) -> None:
        hairstyles = Kit().hairstyles
        hairdos = [one for name in hairstyles.names for one in hairstyles.hairdos(name)]
        given = [Wig(one.colour, one.alpha, one.landmarks) for one in hairdos]
        self.size, self.seed = size, seed
        self.trained = Composer(people(folders, size, seed, aside=False), given)
        self.aside = Composer(people(folders, size, seed, aside=True), [])

    def batch(self, count: int, i: int) -> tuple[Array, Array]:
        """Batch number `i`: pixels `[N, 3, S, S]` in [-1, 1] and labels `[N, SIDE, SIDE]` int64."""
        rng = np.random.default_rng((self.seed, 1, i))
        return _stacked([self._draw(rng, self.trained) for _ in range(count)])

    def held_out(self, most: int = 96) -> tuple[Array, Array]:
        """Pictures of people who are not trained on: half of them as they are, half composed of one another."""
        rng, pool = (
            np.random.default_rng((self.seed, 2)),
            [o for o in self.aside.pool if len(o.pixels) == self.size],
        )
        plain = [(one.pixels, one.labels) for one in pool[:: max(-(-len(pool) * 2 // most), 1)]]
        return _stacked(plain + [self._draw(rng, self.aside) for _ in plain])

    def _draw(self, rng: np.random.Generator, composer: Composer) -> tuple[Array, Array]:
        cutouts = composer.cutouts if composer.cutouts and rng.random() < CUT else composer.pool
        shown = composed(rng, composer, cutouts[rng.integers(len(cutouts))])
        pixels, labels = self._turned(rng, shown)
        seen = camera(rng, poorly(rng, pixels) if rng.random() < POOR else pixels)[0]
        return (seen[:, ::-1], labels[:, ::-1]) if rng.random() < 0.5 else (seen, labels)

    def _turned(self, rng: np.random.Generator, shown: Shown) -> tuple[Array, Array]:
        """Small, and far from the middle too: of a photo more is looked at than most of these crops show, and what lies
        beyond its edge is mirrored."""
        size, own = self.size, len(shown.pixels)
        angle, scale = rng.normal(0, 12), np.exp(rng.normal(-0.1, 0.15))
        turn = cv2.getRotationMatrix2D(((own - 1) / 2,) * 2, angle, scale)
        turn[:, 2:] += (size - own) / 2 + rng.normal(0, 0.1 * size, (2, 1))
        pixels = cv2.warpAffine(
            shown.pixels, turn, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
        )
        labels = cv2.warpAffine(
            shown.labels,
            _on_labels(turn, SIDE / size),
            (SIDE, SIDE),
            flags=cv2.INTER_NEAREST,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=UNKNOWN,
        )
        return pixels, labels


def composed(rng: np.random.Generator, composer: Composer, shown: Shown) -> Shown:
    """A picture with by chance other hair, another colour of it, covers and another ground."""
    if not shown.hat and rng.random() < HAIRED:
        shown = composer.haired(rng, shown)
    if rng.random() < DYED:
        shown = replace(shown, pixels=dyed(rng, shown.pixels, shown.labels))
    for shape, share in (*(() if shown.hat else ON_HEADS), *ON_ALL):
        if rng.random() < share:
            shown = composer.covered(rng, shown, shape)
    return composer.moved(rng, shown) if shown.person is not None and rng.random() < MOVED else shown


def poorly(rng: np.random.Generator, pixels: Array) -> Array:
    """The same `[S, S, 3]` uint8 in poor light, or of few pixels and much compressed, or both."""
    size, kind = pixels.shape[0], rng.random()
    if kind < 0.7:
        curve = (np.linspace(0, 1, 256) ** rng.uniform(1, 1.8)) * 255 * np.exp(-rng.uniform(0.1, 1.5))
        tint = np.exp(np.array((0.5, 0, -0.7)) * max(rng.normal(0.1, 0.4), -0.3))
        dark = cv2.LUT(pixels, curve.astype(np.float32)) * tint.astype(np.float32)
        pixels = np.rint(dark + rng.normal(0, rng.uniform(0, 5), dark.shape)).clip(0, 255).astype(np.uint8)
    if kind > 0.4:
        few = round(size / rng.uniform(1.5, 5))
        small = cv2.resize(pixels, (few, few), interpolation=cv2.INTER_AREA)
        packed = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 85))])[1]
        small = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))
        pixels = cv2.resize(small, (size, size), interpolation=cv2.INTER_CUBIC)
    return pixels


def _shown(rng: np.random.Generator, prototypes: Prototypes, crop: Crop, row: dict[str, str]) -> list[Shown]:
    """A face as it is, and by chance with glasses, with a beard and older."""
    person = keyed(crop)
    labels = label(crop, row, person)
    if person is None:
        face = Layout.of(((crop.landmarks + 0.5) * (SIDE / crop.size) - 0.5).astype(np.float32), SIDE)
        far = (face.u / DOUBTED) ** 2 + ((face.v - 0.35) / DOUBTED) ** 2 > 0.8**2
        labels[far & (labels == HAIR)] = UNKNOWN
    cut = None if person is None else np.rint(person * 255).astype(np.uint8)
    shown = [Shown(crop.pixels, labels, crop.landmarks, cut, row.get("hat") == "1")]
    if row["glasses"] == "0" and rng.random() < WEARERS:
        shown.append(_wearing(rng, crop, shown[0]))
    if row["sex"] == "m" and row["beard"] == "0" and rng.random() < GROWERS:
        shown.append(_bearded(rng, crop, shown[-1]))
    if row["glasses"] == "0" and rng.random() < ELDERS:
        shown.append(older(rng, prototypes, crop, shown[0]))
    return shown


def busts(folder: Path) -> Iterator[tuple[str, Path, Array]]:
    """Who is shown, where and with which mesh, of each photo `ID-*.jpg` of a folder of those that show more than a head,
    as its `landmarks478.npz` names them."""
    points = folder / "landmarks478.npz"
    if points.is_file() and not (folder / "faces.csv").is_file():
        with np.load(points) as file:
            found = dict(zip(map(str, file["files"]), file["points"], strict=True)) if "files" in file else {}
        for name, mesh in found.items():
            yield name.split("-")[0], folder / name, mesh - np.float32(0.5)


def shown_wide(pixels: Array, points: Array, size: int) -> list[Shown]:
    """Somebody before a plain wall with all around them, laid out as where a parser looks: nothing is taught of what
    lies beyond the layout "ffhq" but the wall. Nothing where the wall is not plain."""
    wide = geometry.align(pixels, points, Alignment("wide", round(size * geometry.TEMPLATES["wide"].side)))
    near = geometry.align(pixels, points, Alignment("ffhq", size))
    person = keyed(wide)
    if person is None:
        return []
    onto = geometry.compose(wide.matrix, geometry.invert(near.matrix))
    labels = cv2.warpAffine(
        label(near, {}, cv2.warpAffine(person, geometry.invert(onto), (size, size))),
        _on_labels(onto, SIDE / size),
        (round(SIDE * geometry.TEMPLATES["wide"].side),) * 2,
        flags=cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=UNKNOWN,
    )
    there = cv2.resize(person, labels.shape, interpolation=cv2.INTER_AREA)
    labels[(labels == UNKNOWN) & (there < 0.1)] = OTHER
    mouth = wide.landmarks[UNDER_NOSE, 1] * len(labels) / wide.size
    beyond = cv2.warpAffine(np.ones((SIDE, SIDE), np.uint8), _on_labels(onto, SIDE / size), labels.shape) == 0
    above = np.arange(len(labels))[:, None] < mouth
    if (labels == HAIR).sum() > LEAST_HAIR:  # nothing else reaches so far beyond a face
        labels[beyond & above & (there > 0.9)] = HAIR
    photo = cv2.resize(
        geometry.valid_mask(wide).astype(np.uint8), labels.shape, interpolation=cv2.INTER_NEAREST
    )
    labels[photo == 0] = UNKNOWN
    return [Shown(wide.pixels, labels, wide.landmarks, np.rint(person * 255).astype(np.uint8))]


def _on_labels(turn: Array, ratio: float) -> Array:
    """A matrix `[2, 3]` of pixels as one of labels, which are as much fewer: centres of pixels stay centres."""
    small = turn.copy()
    small[:, 2] = ratio * turn[:, 2] + 0.5 * (1 - ratio) * (turn[:, :2].sum(1) - 1)
    return small


def _wearing(rng: np.random.Generator, crop: Crop, shown: Shown) -> Shown:
    """The same face with glasses put on: frames and dark lenses are glasses, what is seen through clear ones
    stays what it is."""
    style = Glasses.random(rng)
    change, frame, lenses = draw_glasses(crop, style)
    worn = frame + (lenses if sum(style.glass) < 3 * CLEAR else 0)
    share = cv2.resize(worn, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    labels = np.where(share > 0.4, GLASSES, np.where(share > 0.15, UNKNOWN, shown.labels)).astype(np.uint8)
    return replace(shown, pixels=apply_to_crop(crop, change).pixels, labels=labels)


def older(rng: np.random.Generator, prototypes: Prototypes, crop: Crop, shown: Shown) -> Shown:
    """The same face some decades older."""
    change = prototypes.change(crop, age=rng.uniform(*OLDER))
    flow = cv2.resize(change.flow, (SIDE, SIDE), interpolation=cv2.INTER_AREA) * (SIDE / crop.size)
    at = mesh.pixel_grid(SIDE) + flow
    labels = cv2.remap(shown.labels, at[..., 0], at[..., 1], cv2.INTER_NEAREST)
    return replace(shown, pixels=apply_to_crop(crop, change).pixels, labels=labels)


def _bearded(rng: np.random.Generator, crop: Crop, shown: Shown) -> Shown:
    """The same face with a beard put on; where only some hairs are, nobody can say."""
    change, cover = draw_beard(crop, Beard.random(rng, strength=float(rng.uniform(0.4, 1))))
    share = cv2.resize(cover, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    free = (shown.labels == SKIN) | (shown.labels == NECK) | (shown.labels == UNKNOWN)
    labels = np.where(
        free & (share > 0.45), BEARD, np.where(free & (share > 0.12), UNKNOWN, shown.labels)
    ).astype(np.uint8)
    return replace(shown, pixels=apply_to_crop(crop, change).pixels, labels=labels)


def _stacked(examples: list[tuple[Array, Array]]) -> tuple[Array, Array]:
    pixels, labels = zip(*examples, strict=True)
    return chw(list(pixels)), np.stack(labels).astype(np.int64)
