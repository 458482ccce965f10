"""Faces without what hides them, and the same faces with a beard or glasses: pairs that no photographer could
take.

Glasses and beards are put on bare faces, by `wear` and `beard`, or other people lend them theirs, laid over
by the mesh. Beards get every colour that hair has, and lenses glare. Everything is a function of seed and
step.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from ...edits.beard import Beard, draw_beard
from ...edits.eyeglasses import Glasses
from ...edits.removal import LIP, NOSE
from ...errors import InputError
from ...face import filters, geometry, mesh, topology
from ...face.change import apply_to_crop, border_falloff
from ...io.dataset import held_out, person_of
from ...models.kit import Kit
from ...models.parser import Parser
from ...types import Alignment, Array, Change, Crop
from . import head_turn as turning
from .dyes import natural, toned
from .faces import camera, chw, read_faces, read_rgb

THINGS = ("beard", "glasses")  # what can be taken off, in the order of a condition; regions of the parser
NEAR = 16  # so many people who wear it are looked at for one whose head is turned alike
LEAST = {"beard": 0.01, "glasses": 0.004}  # of a crop, where somebody has it
LENT = 0.5  # share of what is put on that is somebody's own
LONGER, LONGEST = (
    0.4,
    2.0,
    # share of the lent beards that hang lower than their owner's, and how much longer the part below the lips is
)
DYED = 0.4  # share of the beards that get another colour
# share of the glasses whose lenses shine as much as between 1 and 3 times the most of `Glasses.random`
GLARING = 0.2
DARKEST = 0.35  # of the light, that lenses let through
LAB = (np.array((0, -100, -100), np.float32), np.array((100, 100, 100), np.float32))
KINDS = ((1, 0), (0, 1), (1, 1))  # of THINGS, what is put on for one example


class Worn:
    """Pairs in memory: a face in layout "jaw" with something on, and without. A batch turns them, mirrors
    them, and has them seen by other cameras."""

    NOTHING = 0.2  # share of a batch that has nothing on, and is to stay as it is

    def __init__(self, folders: list[Path], size: int, variants: int, seed: int) -> None:
        folder = next((one for one in folders if (one / "faces.csv").is_file()), None)
        if folder is None:
            raise InputError(
                f"bare trains on labelled faces (faces.csv, images/, landmarks478.npz); came {folders[0]}"
            )
        kit = Kit()
        self.seed, self.alignment, self.triangles = seed, Alignment("jaw", size), kit.prototypes.triangles
        # By whether the person is held out: what is put on, before, after; and whether there is room for
        # either of THINGS.
        self._pools: dict[bool, list[tuple[tuple[int, int], Array, Crop]]] = {False: [], True: []}
        self._bare: list[tuple[tuple[int, int], Crop]] = []
        rng = np.random.default_rng((seed, 0))
        rows, landmarks = read_faces(folder)
        crops: list[Crop] = []
        lent: dict[tuple[str, bool], list[Loan]] = {
            (thing, aside): [] for thing in THINGS for aside in (False, True)
        }
        for row, points in zip(rows, landmarks, strict=True):
            pixels = read_rgb(folder / "images" / row["file"])
            crops.append(geometry.align(pixels, points, self.alignment, turning.depth(kit, pixels, points)))
            for thing in (name for name, worn in (("beard", "2"), ("glasses", "1")) if row[name] == worn):
                one = Loan.of(kit.parser, pixels, crops[-1], thing)
                lent[thing, held_out(person_of(row))] += [one] if one.share.mean() > LEAST[thing] else []
        for crop, row in zip(crops, rows, strict=True):
            aside = held_out(person_of(row))
            room = int(row["beard"] == "0" or row["sex"] == "f"), int(row["glasses"] == "0")
            if not aside and any(room):
                self._bare.append((room, crop))
            for kind in KINDS * (1 if aside else variants):
                if all(wanted <= free for wanted, free in zip(kind, room, strict=True)) and (
                    row["sex"] == "m" or rng.random() < 0.4
                ):
                    on = self._dressed(
                        rng, crop, kind, {thing: lent[thing, aside] or lent[thing, False] for thing in THINGS}
                    )
                    self._pools[aside].append((kind, on, crop))
        if not self._pools[False] or not self._pools[True]:
            raise InputError(
                f"{folder} has too few faces without beard or glasses: wanted some, also of people who are held out"
            )

    def batch(self, count: int, i: int) -> tuple[Array, Array, Array]:
        """Batch number `i`: before, after `[N, 3, S, S]` in [-1, 1], condition `[N, 2]`."""
        rng = np.random.default_rng((self.seed, 1, i))
        return _stacked([self._draw(rng) for _ in range(count)])

    def held_out(self, most: int = 96) -> tuple[Array, Array, Array]:
        """People who are not trained on, as they are."""
        pool = self._pools[True]
        return _stacked(
            [(before, bare.pixels, np.array(kind)) for kind, before, bare in pool[:: -(-len(pool) // most)]]
        )

    def _draw(self, rng: np.random.Generator) -> tuple[Array, Array, Array]:
        if rng.random() < self.NOTHING:
            free, bare = self._bare[rng.integers(len(self._bare))]
            before, kind = bare.pixels, np.array(free)
        else:
            on, before, bare = self._pools[False][rng.integers(len(self._pools[False]))]
            kind = np.array(on)
        at = turning.chance(rng, bare, self.triangles)
        before, after = (turning.looked(one, at) for one in (before, bare.pixels))
        angle, scale, shift = (
            rng.normal(0, 4),
            np.exp(rng.normal(0, 0.06)),
            rng.normal(0, 0.02 * self.alignment.size, 2),
        )
        turn = cv2.getRotationMatrix2D(((self.alignment.size - 1) / 2,) * 2, angle, scale)
        turn[:, 2] += shift
        before, after = camera(
            rng, *(geometry.warp(one, turn, self.alignment.size) for one in (before, after))
        )
        return (before[:, ::-1], after[:, ::-1], kind) if rng.random() < 0.5 else (before, after, kind)

    def _dressed(
        self, rng: np.random.Generator, crop: Crop, kind: tuple[int, int], lent: dict[str, list[Loan]]
    ) -> Array:
        """A crop's pixels with what `kind` names put on."""
        if kind[0]:
            longer = float(rng.uniform(1, LONGEST)) if rng.random() < LONGER else 1.0
            theirs = lent["beard"] and rng.random() < LENT
            grown = (
                self._lent(rng, crop, lent["beard"], longer)
                if theirs
                else draw_beard(crop, Beard.random(rng))
            )
            crop = _dyed(rng, crop, *grown) if rng.random() < DYED else apply_to_crop(crop, grown[0])
        if kind[1]:
            theirs = lent["glasses"] and rng.random() < LENT
            crop = apply_to_crop(
                crop, self._lent(rng, crop, lent["glasses"])[0] if theirs else self._glasses(rng)(crop)
            )
        return crop.pixels

    def _glasses(self, rng: np.random.Generator) -> Glasses:
        """Some that eyes can be seen through: what darker ones hide nobody can bring back."""
        while True:
            style = Glasses.random(rng)
            if sum(style.glass) > 3 * DARKEST:
                return (
                    replace(style, reflection=float(rng.uniform(1, 3))) if rng.random() < GLARING else style
                )

    def _lent(
        self, rng: np.random.Generator, crop: Crop, loans: list[Loan], longer: float = 1.0
    ) -> tuple[Change, Array]:
        """What somebody else wears, laid over by the mesh, on skin of this face's tone; and its share of each
        pixel. What is below the lips is `longer` than theirs."""
        size, tone = crop.size, _tone(crop)
        some = [loans[k] for k in rng.integers(0, len(loans), NEAR)]
        other = min(
            some,
            key=lambda one: float(
                np.abs(one.crop.landmarks - crop.landmarks).mean() + np.abs(one.tone - tone).mean()
            ),
        )
        at = mesh.dense_map(
            mesh.with_border_points(crop.landmarks, size),
            mesh.with_border_points(other.crop.landmarks, size),
            self.triangles,
            size,
        )
        lip = other.crop.landmarks[LIP, 1]
        at[..., 1] = np.where(at[..., 1] > lip, lip + (at[..., 1] - lip) / longer, at[..., 1])
        lab, share = (mesh.remap(one, at) for one in (filters.to_lab(other.crop.pixels), other.share))
        share = (
            share
            * (1 - mesh.polygon_mask(crop.landmarks, topology.LIPS, size, feather=size / 150))
            * border_falloff(size)
        )
        worn = cv2.cvtColor(np.clip(lab + tone - other.tone, *LAB), cv2.COLOR_Lab2RGB)
        return Change(
            np.zeros((size, size, 2), np.float32), worn - crop.pixels.astype(np.float32) / 255, share
        ), share


def _dyed(rng: np.random.Generator, crop: Crop, change: Change, share: Array) -> Crop:
    """A crop with the beard that a change grows, in any colour of hair."""
    grown = apply_to_crop(crop, change)
    lab = filters.to_lab(grown.pixels)
    hair = lab[share > 0.6]
    if len(hair) < 30:
        return grown
    return replace(grown, pixels=toned(lab, share[..., None], np.median(hair, 0), natural(rng)))


@dataclass(frozen=True, eq=False)
class Loan:
    """A crop of somebody who wears something, its share `[S, S]` in 0..1, and the skin's tone, `[3]` in
    Lab."""

    crop: Crop
    share: Array
    tone: Array

    @staticmethod
    def of(parser: Parser, pixels: Array, crop: Crop, thing: str) -> Loan:
        """What the parser calls so, with the skin that shines through at its rim."""
        around = geometry.align(
            pixels, geometry.transform(crop.landmarks, geometry.invert(crop.matrix)), parser.alignment
        )
        there = geometry.compose(crop.matrix, geometry.invert(around.matrix))
        share = cv2.warpAffine(
            parser.parse(around)[thing], there, (crop.size, crop.size), flags=cv2.INTER_LINEAR
        )
        share = cv2.dilate(filters.smoothstep(share, 0.2, 0.5), np.ones((crop.size // 40,) * 2))
        return Loan(crop, cv2.GaussianBlur(share, (0, 0), crop.size / 100), _tone(crop))


def _tone(crop: Crop) -> Array:
    """The median colour of the cheeks, `[3]` in Lab."""
    cheeks = (mesh.skin_mask(crop.landmarks, crop.size) > 0.5) & (
        mesh.pixel_grid(crop.size)[..., 1] < crop.landmarks[NOSE, 1] - crop.size * 0.04
    )
    lab = filters.to_lab(crop.pixels)
    return np.median(lab[cheeks] if cheeks.any() else lab.reshape(-1, 3), 0)


def _stacked(examples: list[tuple[Array, Array, Array]]) -> tuple[Array, Array, Array]:
    before, after, kinds = zip(*examples, strict=True)
    return chw(list(before)), chw(list(after)), np.stack(kinds).astype(np.float32)
