"""Faces and their labels for the parser, staged anew for every batch: before another background, dyed,
bearded, with glasses or a hat, half covered.

Of some thousand pictures a network learns backgrounds by heart. What is cut out of plain ones stands before
pieces of others instead (as in Dwibedi et al. 2017, "Cut, paste and learn", arXiv 1708.01642), hair gets any
colour, and what is put on is known to the pixel.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from ...edits.beard import Beard, draw_beard
from ...edits.eyeglasses import Glasses, draw_glasses
from ...errors import InputError
from ...face import filters, geometry
from ...face.change import apply_to_crop
from ...io.dataset import held_out, person_of
from ...types import Alignment, Array, Crop
from .faces import camera, chw, read_faces, read_rgb
from .region_labels import BEARD, BROWS, GLASSES, HAIR, NECK, OTHER, SIDE, SKIN, UNKNOWN, keyed, label

WEARERS = 0.7  # share of those without glasses who are also shown with some
GROWERS = 0.5  # share of the beardless men who are also shown with a beard
CLEAR = 0.7  # lenses that let through less than this hide the eyes
DYED = 0.35  # share of the pictures whose hair gets another colour
CUT = 0.5  # share of a batch that is of people cut out, whose labels are surest
MOVED = 0.75  # share of these that get another background
ALIKE = 0.5  # share of these that get one of the hair's colour
HATTED = 0.15  # share of the pictures of bare heads that get a hat
BROW = (127, 71, 151, 301, 356)  # of the mesh, from temple to temple, above which hats sit
COVERED = 0.35  # share of the pictures that have something in front of them
NATURAL = (
    (28, 4, 8),
    (18, 1, 2),
    (62, 8, 32),
    (75, 4, 22),
    (45, 22, 30),
    (60, 0, 1),
    (82, 0, 3),
    (38, 10, 18),
)  # Lab of hair people have


@dataclass(frozen=True, eq=False)
class Shown:
    """A picture `[S, S, 3]` uint8, its regions `[SIDE, SIDE]` uint8; how much of each pixel is the person,
    `[S, S]` uint8, or None; and where a hat would end, `[5, 2]`, or None where there is one."""

    pixels: Array
    labels: Array
    person: Array | None
    brow: Array | None


class RegionData:
    """Faces with their labels, in memory; a batch is staged, turned, scaled, mirrored and seen by another
    camera."""

    def __init__(self, folders: list[Path], size: int, seed: int) -> None:
        folder = next((one for one in folders if (one / "faces.csv").is_file()), None)
        if folder is None:
            raise InputError(
                f"the parser trains on labelled faces (faces.csv, images/, landmarks478.npz); came {folders[0]}"
            )
        self.size, self.seed = size, seed
        self.pools: dict[bool, list[Shown]] = {False: [], True: []}  # by whether the person is held out
        rng = np.random.default_rng((seed, 0))
        for row, points in zip(*read_faces(folder), strict=True):
            crop = geometry.align(read_rgb(folder / "images" / row["file"]), points, Alignment("ffhq", size))
            person = keyed(crop)
            labels = label(crop, row, person)
            person = None if person is None else np.rint(person * 255).astype(np.uint8)
            pool = self.pools[held_out(person_of(row))]
            pool.append(
                Shown(
                    crop.pixels, labels, person, None if row.get("hat") == "1" else crop.landmarks[list(BROW)]
                )
            )
            if row["glasses"] == "0" and rng.random() < WEARERS:
                pool.append(_wearing(rng, crop, pool[-1]))
            if row["sex"] == "m" and row["beard"] == "0" and rng.random() < GROWERS:
                pool.append(_bearded(rng, crop, pool[-1]))
        self.cutouts = [one for one in self.pools[False] if one.person is not None]

    def batch(self, count: int, i: int) -> tuple[Array, Array]:
        """Batch number `i`: pixels `[N, 3, S, S]` in [-1, 1] and labels `[N, SIDE, SIDE]` int64."""
        rng = np.random.default_rng((self.seed, 1, i))
        pools = [
            self.cutouts if self.cutouts and rng.random() < CUT else self.pools[False] for _ in range(count)
        ]
        return _stacked([self._draw(rng, pool[rng.integers(len(pool))]) for pool in pools])

    def held_out(self, most: int = 96) -> tuple[Array, Array]:
        """Pictures of people who are not trained on, as they are."""
        pool = self.pools[True]
        return _stacked([(one.pixels, one.labels) for one in pool[:: -(-len(pool) // most)]])

    def _draw(self, rng: np.random.Generator, shown: Shown) -> tuple[Array, Array]:
        pixels, labels = shown.pixels, shown.labels
        if rng.random() < DYED:
            pixels = dyed(rng, pixels, labels)
        if shown.person is not None and rng.random() < MOVED:
            pixels, labels = self.moved(rng, pixels, labels, shown.person)
        if shown.brow is not None and rng.random() < HATTED:
            pixels, labels = self._hatted(rng, pixels, labels, shown.brow)
        if rng.random() < COVERED:
            pixels, labels = self._covered(rng, pixels, labels)
        # Small, and far from the middle too: of a photo more is looked at than these crops show, and what
        # lies beyond its edge is mirrored.
        angle, scale, shift = (
            rng.normal(0, 12),
            np.exp(rng.normal(-0.1, 0.15)),
            rng.normal(0, 0.1 * self.size, (2, 1)),
        )
        turn = cv2.getRotationMatrix2D(((self.size - 1) / 2,) * 2, angle, scale)
        turn[:, 2:] += shift
        ratio = SIDE / self.size
        small = turn.copy()
        small[:, 2] = ratio * turn[:, 2] + 0.5 * (1 - ratio) * (
            turn[:, :2].sum(1) - 1
        )  # centres of pixels stay centres
        pixels = cv2.warpAffine(
            pixels, turn, (self.size,) * 2, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
        )
        labels = cv2.warpAffine(
            labels,
            small,
            (SIDE, SIDE),
            flags=cv2.INTER_NEAREST,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=UNKNOWN,
        )
        seen = camera(rng, pixels)[0]
        return (seen[:, ::-1], labels[:, ::-1]) if rng.random() < 0.5 else (seen, labels)

    def _piece(self, rng: np.random.Generator) -> Array:
        """Something: a piece of another picture, turned and shifted."""
        pool = self.pools[False]
        other = np.rot90(pool[rng.integers(len(pool))].pixels, int(rng.integers(4)))
        return np.roll(other, tuple(rng.integers(0, self.size, 2)), (0, 1))

    def moved(
        self, rng: np.random.Generator, pixels: Array, labels: Array, person: Array
    ) -> tuple[Array, Array]:
        """The person before another background: pieces of pictures, sharp or not, some in the hair's own
        colour."""
        behind = cv2.GaussianBlur(self._piece(rng), (0, 0), float(np.exp(rng.uniform(-1, 2.5)))).astype(
            np.float32
        )
        hair = labels == HAIR
        if rng.random() < ALIKE and hair.sum() > 50:
            tone = np.median(cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA)[hair], 0)
            behind = np.clip(
                tone * np.exp(rng.normal(0, 0.15)) + rng.uniform(0.15, 0.7) * (behind - behind.mean((0, 1))),
                0,
                255,
            )
        share = person[..., None].astype(np.float32) / 255
        whole = (person > 247).astype(
            np.float32
        )  # at the edge the old background shines through: colours come from further in
        inner = (
            cv2.GaussianBlur(pixels * whole[..., None], (0, 0), 3)
            / np.maximum(cv2.GaussianBlur(whole, (0, 0), 3), 1e-3)[..., None]
        )
        own = np.where(whole[..., None] > 0, pixels, inner)
        there = cv2.resize(person, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        labels = np.where(
            there < 90, OTHER, np.where((there < 150) & (labels == OTHER), UNKNOWN, labels)
        ).astype(np.uint8)
        return np.rint(behind + share * (own - behind)).astype(np.uint8), labels

    def _hatted(
        self, rng: np.random.Generator, pixels: Array, labels: Array, brow: Array
    ) -> tuple[Array, Array]:
        """A cap, a helmet, a scarf: everything above the brow, out to somewhere beside the head, is of some
        stuff; hair below stays."""
        unit = float(np.linalg.norm(brow[-1] - brow[0]))
        edge = brow - (0, unit * rng.uniform(0, 0.25)) + rng.normal(0, 0.02 * unit, (1, 2))
        edge[[0, -1], 0] += np.array((-1, 1)) * unit * rng.uniform(0.1, 0.3)  # over hair beside the head
        high = brow[2, 1] - unit * rng.uniform(0.5, 1.2)
        crown = [
            (edge[-1, 0], high + 0.3 * unit),
            (brow[2, 0] + 0.35 * unit, high),
            (brow[2, 0] - 0.35 * unit, high),
        ]
        shape = np.zeros((self.size, self.size), np.uint8)
        outline = np.concatenate([edge, crown, [(edge[0, 0], high + 0.3 * unit)]])
        cv2.fillPoly(shape, [np.rint(outline * 16).astype(np.int32)], 255, shift=4, lineType=cv2.LINE_AA)
        stuff = self._piece(rng).astype(np.float32)
        stuff = np.clip(
            rng.uniform(10, 220, 3) + rng.uniform(0.1, 0.8) * (stuff - stuff.mean((0, 1))), 0, 255
        )
        return self._laid(pixels, labels, cv2.GaussianBlur(shape, (0, 0), 2), stuff)

    def _covered(self, rng: np.random.Generator, pixels: Array, labels: Array) -> tuple[Array, Array]:
        """A hand, a cup, a microphone: a blob with the looks of another picture's piece, which is no part of
        the face."""
        other = self._piece(rng)
        shape = np.zeros((self.size, self.size), np.uint8)
        centre = rng.uniform(0.15, 0.85, 2) * self.size
        for _ in range(int(rng.integers(1, 4))):  # fingers, or one thing
            axes = rng.uniform(0.03, 0.12), rng.uniform(0.05, 0.28)
            at = centre + rng.normal(0, 0.05, 2) * self.size
            sides = tuple(round(float(a) * self.size) for a in axes)
            cv2.ellipse(
                shape, (round(at[0]), round(at[1])), sides, float(rng.uniform(0, 180)), 0, 360, 255, -1
            )
        return self._laid(pixels, labels, cv2.GaussianBlur(shape, (0, 0), 1), other.astype(np.float32))

    def _laid(self, pixels: Array, labels: Array, shape: Array, stuff: Array) -> tuple[Array, Array]:
        """Stuff `[S, S, 3]` laid on in a shape `[S, S]` uint8: what it covers is no part of the person."""
        cover = cv2.resize(shape, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        labels = np.where(cover > 160, OTHER, np.where(cover > 90, UNKNOWN, labels)).astype(np.uint8)
        return np.rint(pixels + (shape[..., None] / np.float32(255)) * (stuff - pixels)).astype(
            np.uint8
        ), labels


def dyed(rng: np.random.Generator, pixels: Array, labels: Array) -> Array:
    """The same with hair and beard in another colour, or in two: tips lighter than roots, or the other
    way."""
    hair = ((labels == HAIR) | (labels == BEARD) | (labels == BROWS)).astype(np.float32)
    if hair.sum() < 50:
        return pixels
    size = pixels.shape[0]
    small = cv2.resize(hair, (size, size), interpolation=cv2.INTER_LINEAR)
    lab = cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    share = filters.guided_filter(np.ascontiguousarray(lab[..., 0] / 100), small, size // 64, 1e-3).clip(
        0, 1
    )[..., None]
    if rng.random() < 0.3:  # two tones
        course = np.linspace(-1, 1, size, dtype=np.float32)[:, None, None]
        share = share / (1 + np.exp(rng.choice((-1, 1)) * (course - rng.normal(0, 0.3)) * rng.uniform(4, 15)))
    own = lab[small > 0.8] if (small > 0.8).any() else lab.reshape(-1, 3)
    wanted = natural(rng) if rng.random() < 0.75 else np.array([rng.uniform(15, 85), *rng.normal(0, 30, 2)])
    return toned(lab, share, np.median(own, 0), wanted, contrast=float(np.exp(rng.normal(0, 0.3))))


def natural(rng: np.random.Generator) -> Array:
    """A colour of hair that people have, `[3]` in Lab."""
    return np.array(NATURAL[rng.integers(len(NATURAL))]) + rng.normal(0, 4, 3)


def toned(lab: Array, share: Array, middle: Array, wanted: Array, *, contrast: float = 1.0) -> Array:
    """Pixels `[S, S, 3]` uint8 of `lab` whose part `share [S, S, 1]`, of median colour `middle`, has the
    median colour `wanted`."""
    new = wanted + (lab - middle) * (contrast, 0.5, 0.5)
    mixed = (lab + share * (new - lab)).clip((2, -100, -100), (98, 100, 100)).astype(np.float32)
    return np.rint(cv2.cvtColor(mixed, cv2.COLOR_Lab2RGB).clip(0, 1) * 255).astype(np.uint8)


def _wearing(rng: np.random.Generator, crop: Crop, shown: Shown) -> Shown:
    """The same face with glasses put on: frames and dark lenses are glasses, what is seen through clear ones
    stays what it is."""
    style = Glasses.random(rng)
    change, frame, lenses = draw_glasses(crop, style)
    worn = frame + (lenses if sum(style.glass) < 3 * CLEAR else 0)
    share = cv2.resize(worn, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    labels = np.where(share > 0.4, GLASSES, np.where(share > 0.15, UNKNOWN, shown.labels)).astype(np.uint8)
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
