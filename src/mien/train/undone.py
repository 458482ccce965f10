"""Faces without what hides them, and the same faces with a beard or glasses: pairs that no photographer could take.

Glasses and beards are put on bare faces, by `wear` and `beard`; half of the beards are other people's own, laid over by the mesh.
Everything is a function of seed and step.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from .. import geometry, mesh, skin
from ..beard import Beard
from ..errors import InputError
from ..kit import Kit
from ..models.parser import Parser
from ..people import held_out, person_of
from ..pose import inner
from ..types import Alignment, Array, Change, Crop
from ..wear import Glasses
from .data import camera, read_faces, read_rgb

THINGS = ("beard", "glasses")  # what can be taken off, in the order of a condition
NOSE = 2  # the mesh's point below the nose
NEAR = 16  # so many bearded people are looked at for one whose head is turned alike
LEAST = 0.01  # of a crop that is beard where somebody has one
DARKEST = 0.35  # of the light, that lenses let through
LAB = (np.array((0, -100, -100), np.float32), np.array((100, 100, 100), np.float32))
KINDS = ((1, 0), (0, 1), (1, 1))  # of THINGS, what is put on for one example


class Worn:
    """Pairs in memory: a face in layout "face" with something on, and without. A batch mirrors them and has them seen by other cameras."""

    NOTHING = 0.2  # share of a batch that has nothing on, and is to stay as it is

    def __init__(self, folders: list[Path], size: int, variants: int, seed: int) -> None:
        folder = next((one for one in folders if (one / "faces.csv").is_file()), None)
        if folder is None:
            raise InputError(f"bare trains on labelled faces (faces.csv, images/, landmarks478.npz); came {folders[0]}")
        kit = Kit()
        self.seed, self.alignment, self.triangles = seed, Alignment("face", size), kit.prototypes.triangles
        # By whether the person is held out: what is put on, before, after; and whether there is room for either of THINGS.
        self._pools: dict[bool, list[tuple[tuple[int, int], Array, Array]]] = {False: [], True: []}
        self._bare: list[tuple[tuple[int, int], Array]] = []
        rng = np.random.default_rng((seed, 0))
        rows, landmarks = read_faces(folder)
        crops: list[Crop] = []
        beards: dict[bool, list[Bearded]] = {False: [], True: []}
        for row, points in zip(rows, landmarks, strict=True):
            pixels = read_rgb(folder / "images" / row["file"])
            crops.append(geometry.align(pixels, points, self.alignment))
            if row["beard"] == "2":
                one = Bearded.of(kit.parser, pixels, crops[-1])
                beards[held_out(person_of(row))] += [one] if one.share.mean() > LEAST else []
        for crop, row in zip(crops, rows, strict=True):
            aside = held_out(person_of(row))
            room = int(row["beard"] == "0" or row["sex"] == "f"), int(row["glasses"] == "0")
            if not aside and any(room):
                self._bare.append((room, crop.pixels))
            for kind in KINDS * (1 if aside else variants):
                if all(wanted <= free for wanted, free in zip(kind, room, strict=True)) and (row["sex"] == "m" or rng.random() < 0.4):
                    on = self._dressed(rng, crop, kind, beards[aside] or beards[False])
                    self._pools[aside].append((kind, on, crop.pixels))
        if not self._pools[False] or not self._pools[True]:
            raise InputError(f"{folder} has too few faces without beard or glasses: wanted some, also of people who are held out")

    def batch(self, count: int, i: int) -> tuple[Array, Array, Array]:
        """Batch number `i`: before, after `[N, 3, S, S]` in [-1, 1], condition `[N, 2]`."""
        rng = np.random.default_rng((self.seed, 1, i))
        return _stacked([self._draw(rng) for _ in range(count)])

    def held_out(self, most: int = 96) -> tuple[Array, Array, Array]:
        """People who are not trained on, as they are."""
        pool = self._pools[True]
        return _stacked([(before, after, np.array(kind)) for kind, before, after in pool[:: -(-len(pool) // most)]])

    def _draw(self, rng: np.random.Generator) -> tuple[Array, Array, Array]:
        if rng.random() < self.NOTHING:
            free, before = self._bare[rng.integers(len(self._bare))]
            after, kind = before, np.array(free)
        else:
            on, before, after = self._pools[False][rng.integers(len(self._pools[False]))]
            kind = np.array(on)
        angle, scale, shift = rng.normal(0, 4), np.exp(rng.normal(0, 0.06)), rng.normal(0, 0.02 * self.alignment.size, 2)
        turn = cv2.getRotationMatrix2D(((self.alignment.size - 1) / 2,) * 2, angle, scale)
        turn[:, 2] += shift
        before, after = camera(rng, *(geometry.warp(one, turn, self.alignment.size) for one in (before, after)))
        return (before[:, ::-1], after[:, ::-1], kind) if rng.random() < 0.5 else (before, after, kind)

    def _dressed(self, rng: np.random.Generator, crop: Crop, kind: tuple[int, int], bearded: list[Bearded]) -> Array:
        """A crop's pixels with what `kind` names put on."""
        if kind[0]:
            change = self._grown(rng, crop, bearded) if bearded and rng.random() < 0.5 else Beard.random(rng)(crop)
            crop = geometry.changed(crop, change)
        return (geometry.changed(crop, self._glasses(rng)(crop)) if kind[1] else crop).pixels

    def _glasses(self, rng: np.random.Generator) -> Glasses:
        """Some that eyes can be seen through: what darker ones hide nobody can bring back."""
        while True:
            style = Glasses.random(rng)
            if sum(style.glass) > 3 * DARKEST:
                return style

    def _grown(self, rng: np.random.Generator, crop: Crop, bearded: list[Bearded]) -> Change:
        """Somebody else's own beard, laid over by the mesh, on skin of this face's tone."""
        size, tone = crop.size, _tone(crop)
        some = [bearded[k] for k in rng.integers(0, len(bearded), NEAR)]
        other = min(some, key=lambda one: float(np.abs(one.crop.landmarks - crop.landmarks).mean() + np.abs(one.tone - tone).mean()))
        at = mesh.dense_map(mesh.frame(crop.landmarks, size), mesh.frame(other.crop.landmarks, size), self.triangles, size)
        lab, share = (
            cv2.remap(one, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
            for one in (skin.lab_of(other.crop.pixels), other.share)
        )
        share = share * (1 - mesh.polygon(crop.landmarks, mesh.LIPS, size, feather=size / 150)) * inner(size)
        grown = cv2.cvtColor(np.clip(lab + tone - other.tone, *LAB), cv2.COLOR_Lab2RGB)
        return Change(np.zeros((size, size, 2), np.float32), grown - crop.pixels.astype(np.float32) / 255, share)


@dataclass(frozen=True, eq=False)
class Bearded:
    """A crop of somebody with a beard, its share `[S, S]` in 0..1, and the skin's tone, `[3]` in Lab."""

    crop: Crop
    share: Array
    tone: Array

    @staticmethod
    def of(parser: Parser, pixels: Array, crop: Crop) -> Bearded:
        """What the parser calls a beard, with the skin that shines through at its rim."""
        around = geometry.align(pixels, geometry.transform(crop.landmarks, geometry.invert(crop.matrix)), parser.alignment)
        there = crop.matrix @ np.vstack([geometry.invert(around.matrix), [0, 0, 1]])
        share = cv2.warpAffine(parser.parse(around)["beard"], there, (crop.size, crop.size), flags=cv2.INTER_LINEAR)
        share = cv2.dilate(skin.smoothstep(share, 0.2, 0.5), np.ones((crop.size // 40,) * 2))
        return Bearded(crop, cv2.GaussianBlur(share, (0, 0), crop.size / 100), _tone(crop))


def _tone(crop: Crop) -> Array:
    """The median colour of the cheeks, `[3]` in Lab."""
    cheeks = (mesh.skin(crop.landmarks, crop.size) > 0.5) & (mesh.places(crop.size)[..., 1] < crop.landmarks[NOSE, 1] - crop.size * 0.04)
    lab = skin.lab_of(crop.pixels)
    return np.median(lab[cheeks] if cheeks.any() else lab.reshape(-1, 3), 0)


def _stacked(examples: list[tuple[Array, Array, Array]]) -> tuple[Array, Array, Array]:
    before, after = (
        (np.stack([one[k] for one in examples]).transpose(0, 3, 1, 2) / np.float32(127.5) - 1).astype(np.float32) for k in (0, 1)
    )
    return before, after, np.stack([kind for *_, kind in examples]).astype(np.float32)
