"""People of whom there are several pictures each, for networks that draw somebody after a drawing: some tell who it is,
another one's drawing is shown, and that one is wanted.

Everything is a function of seed and step.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...face import geometry
from ...face.line_drawing import draw_features
from ...io.dataset import HELD_OUT, TABLE, held_out, person_of, read_points
from ...types import Alignment, Array
from .faces import read_rgb
from .pictures import find


@dataclass(frozen=True, eq=False)
class HeadBatch:
    """Of N people: pictures that tell who it is, with their drawings `[N, K, 6, S, S]`, another one that is wanted and
    its drawing `[N, 3, S, S]`, all in 0..1, and the person's number `[N]`."""

    seen: Array
    wanted: Array
    lines: Array
    who: Array


class Heads:
    """Folders of faces, by person: the column `person` of `faces.csv` says who it is, and all that `mien extract` has
    written into a folder is one. one: all folders together are one person, of whom pictures are held out instead of
    people; known: people to learn from, at most.

    size: pixels, template: how faces are laid out.
    """

    def __init__(
        self, folders: list[Path], size: int, template: str, seed: int, *, known: int, one: bool = False
    ) -> None:
        self.seed, layout = seed, Alignment(template, size)
        points = {path: place for folder in folders for path, place in read_points(folder).items()}
        named = {path: name for folder in folders for path, name in _named(folder)}
        people = dict[str, list[Path]]()
        for path, name in named.items():
            if path in points:
                people.setdefault("" if one else name, []).append(path)
        several = {name: paths for name, paths in people.items() if len(paths) > 1}
        if len(several) < 2 - one:
            raise InputError(
                f"{', '.join(map(str, folders))}: several pictures of each of several people are wanted: fill in the "
                f"column person of {TABLE}, or give a folder of `mien extract` for each"
            )
        self.left_out = len(named) - sum(map(len, several.values()))
        self._trained, self._aside = _parted(several, one)
        if len(self._trained) > known:
            raise InputError(
                f"there are {len(self._trained)} people: wanted --set known={len(self._trained)}"
            )
        self._pictures = {
            path: _laid_out(path, points[path], layout) for paths in several.values() for path in paths
        }

    def batch(self, count: int, shots: int, i: int, mirror: float) -> HeadBatch:
        """Batch number `i`: `shots` pictures of each person besides the one that is wanted; a share `mirror` of the
        people is mirrored."""
        return self._stacked(
            [
                self._example(
                    self._trained, np.random.default_rng((self.seed, 11, i * count + n)), shots, mirror
                )
                for n in range(count)
            ]
        )

    def held_out(self, most: int, shots: int) -> HeadBatch:
        """At most `most` examples of what is held out; always the same."""
        count = min(most, sum(map(len, self._aside)))
        return self._stacked(
            [
                self._example(self._aside, np.random.default_rng((self.seed, 12, n)), shots, 0.0)
                for n in range(count)
            ]
        )

    def notes(self) -> list[str]:
        """What people should know of the pictures, in lines."""
        trained, aside = (sum(map(len, people)) for people in (self._trained, self._aside))
        out = [
            f"people: {len(self._trained)} in {trained} pictures to learn from, {len(self._aside)} in {aside} held out"
        ]
        if self.left_out:
            out.append(f"left out, without landmarks or another picture of the same person: {self.left_out}")
        return out

    def _example(
        self, people: list[list[Path]], rng: np.random.Generator, shots: int, mirror: float
    ) -> tuple[list[Array], int]:
        """A person's pictures with their drawings `[S, S, 6]` uint8, the one that is wanted first; and the person's
        number. Of whom there are more pictures, comes more often."""
        counts = np.array([len(paths) for paths in people])
        who = int(rng.choice(len(people), p=counts / counts.sum()))
        order = rng.permutation(len(people[who]))
        told = [order[1 + k % (len(order) - 1)] for k in range(shots)]
        pictures = [self._pictures[people[who][k]] for k in (order[0], *told)]
        return [one[:, ::-1] for one in pictures] if rng.random() < mirror else pictures, who

    def _stacked(self, examples: list[tuple[list[Array], int]]) -> HeadBatch:
        stacked = np.stack([np.stack(pictures) for pictures, _ in examples])
        pixels = stacked.transpose(0, 1, 4, 2, 3).astype(np.float32) / np.float32(255)
        who = np.array([number for _, number in examples], np.int64)
        return HeadBatch(pixels[:, 1:], pixels[:, 0, :3], pixels[:, 0, 3:], who)


def _named(folder: Path) -> list[tuple[Path, str]]:
    """The pictures of a folder, each with the name of whom it shows."""
    if not (folder / TABLE).is_file():
        return find(folder)
    with (folder / TABLE).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [
        (
            folder / "images" / row["file"],
            row["person"] or (str(folder) if row.get("frame") else person_of(row)),
        )
        for row in rows
    ]


def _parted(people: dict[str, list[Path]], one: bool) -> tuple[list[list[Path]], list[list[Path]]]:
    """Those that are learned from, and those that are held out."""
    if one:
        ((_, paths),) = people.items()
        if len(paths) <= HELD_OUT:
            return [paths], [paths]  # too few to hold any out
        return [[path for k, path in enumerate(paths) if k % HELD_OUT]], [paths[::HELD_OUT]]
    names = list(people)
    aside = [name for name in names if held_out(name)]
    aside = aside if 0 < len(aside) < len(names) else names[:1]  # too few for chance
    return [people[name] for name in names if name not in aside], [people[name] for name in aside]


def _laid_out(path: Path, points: Array, layout: Alignment) -> Array:
    """A face and the drawing of its features, `[S, S, 6]` uint8."""
    crop = geometry.align(read_rgb(path), points, layout)
    return np.dstack([crop.pixels, draw_features(crop.landmarks, crop.size)])
