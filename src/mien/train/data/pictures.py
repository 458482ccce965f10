"""Folders of pictures -> square ones in batches, for families that need no more than pictures and perhaps
their classes."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np

from ...errors import InputError
from ...io.dataset import held_out, person_of
from ...types import Array
from .faces import read_rgb

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
IN_MEMORY = 8 << 30  # bytes of pictures that are kept; more are read again each time
ASIDE = 1 << 30  # bytes of pictures that are held out, as floats, at most
NAMED = 3  # so many files that cannot be read are named


class Pictures:
    """Pictures of folders, cut square and brought to one size; one person in eight is held out.

    A folder holds pictures, at any depth, or a `faces.csv` beside `images/`. With `classes`, a `dataset.json`
    in it says the class of each picture: `{"labels": [["file", 3], ...]}`. `skipped` names the files that
    could not be read; where there are too many to keep in memory, only those that do not even begin like a
    picture.
    """

    def __init__(self, folders: list[Path], size: int, classes: int, seed: int) -> None:
        self.size, self.classes, self.seed = size, classes, seed
        self.skipped: list[Path] = []
        self._sides: list[tuple[int, int]] = []  # height and width of the pictures that were read
        labels = read_classes(folders) if classes else {}
        found = self._found(folders)
        self._kept: dict[Path, Array] | None = {} if len(found) * 3 * size**2 <= IN_MEMORY else None
        pools: dict[bool, list[tuple[Path, int]]] = {False: [], True: []}
        for path, person in found:
            if not self._usable(path):
                self.skipped.append(path)
                continue
            if classes and not 0 <= labels.get(path, -1) < classes:
                raise InputError(
                    f"{path} has no class below {classes}: name it in dataset.json, or --set classes=0"
                )
            pools[held_out(person)].append((path, labels.get(path, 0)))
        if not pools[False] or not pools[True]:  # too few for chance
            both = pools[False] + pools[True]
            pools = {False: both[1:], True: both[:1]}
        self._trained, self._aside = pools[False], pools[True][: ASIDE // (12 * size**2)]
        if not self._trained:
            raise InputError(
                f"{', '.join(map(str, folders)) or 'no folder'}: wanted at least two pictures that can be read"
            )

    def batch(self, count: int, i: int, mirror: float) -> tuple[Array, Array]:
        """Batch number `i`: pixels `[N, 3, S, S]` in [-1, 1] and one-hot classes `[N, C]`; a share `mirror`
        of them is mirrored.

        Every picture comes once before any comes again, in an order that changes.
        """
        n = len(self._trained)
        places = np.arange(i * count, (i + 1) * count)
        orders = {
            int(e): np.random.default_rng((self.seed, 0, int(e))).permutation(n)
            for e in np.unique(places // n)
        }
        rows = [self._trained[orders[at // n][at % n]] for at in places.tolist()]
        return self._stack(rows, np.random.default_rng((self.seed, 1, i)).random(count) < mirror)

    def held_out(self) -> tuple[Array, Array]:
        """Those that are held out, as they are."""
        return self._stack(self._aside, np.zeros(len(self._aside), bool))

    def notes(self) -> list[str]:
        """What people should know of the pictures, in lines."""
        out, count = [], len(self._sides)
        if self.skipped:
            names = ", ".join(path.name for path in self.skipped[:NAMED])
            rest = f" and {len(self.skipped) - NAMED} more" if len(self.skipped) > NAMED else ""
            out.append(
                f"left out, since they cannot be read: {len(self.skipped)} of {len(self.skipped) + count} pictures ({names}{rest})"
            )
        if small := [min(sides) for sides in self._sides if min(sides) < self.size]:
            out.append(
                f"enlarged to {self.size} pixels: {len(small)} of {count} pictures, the smallest from {min(small)}"
            )
        if cut := sum(height != width for height, width in self._sides):
            out.append(f"cut to their middle, since they are not square: {cut} of {count} pictures")
        return out

    def _found(self, folders: list[Path]) -> list[tuple[Path, str]]:
        return [one for folder in folders for one in find(folder)]

    def _read(self, path: Path) -> Array:
        return read_rgb(path)

    def _usable(self, path: Path) -> bool:
        if self._kept is None:
            return cv2.haveImageReader(str(path))
        try:
            pixels = self._read(path)
        except InputError:
            return False
        self._sides.append((pixels.shape[0], pixels.shape[1]))
        self._kept[path] = square(pixels, self.size)
        return True

    def _stack(self, rows: list[tuple[Path, int]], mirrored: Array) -> tuple[Array, Array]:
        pixels = [
            square(self._read(path), self.size) if self._kept is None else self._kept[path]
            for path, _ in rows
        ]
        pixels = np.stack([one[:, ::-1] if turn else one for one, turn in zip(pixels, mirrored, strict=True)])
        label = np.zeros((len(rows), self.classes), np.float32)
        if self.classes:
            label[np.arange(len(rows)), [kind for _, kind in rows]] = 1
        return (pixels.transpose(0, 3, 1, 2) / np.float32(127.5) - 1).astype(np.float32), label


def find(folder: Path) -> list[tuple[Path, str]]:
    """Pictures of a folder, and whom each one shows as far as is known."""
    table = folder / "faces.csv"
    if not table.is_file():
        found = [(path, path.stem) for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES]
        if not found:
            raise InputError(
                f"{folder} holds no picture: wanted at least two pictures, {' '.join(SUFFIXES)}, at any depth"
            )
        return found
    with table.open(encoding="utf-8") as file:
        return [(folder / "images" / row["file"], person_of(row)) for row in csv.DictReader(file)]


def read_classes(folders: list[Path]) -> dict[Path, int]:
    """The class of each picture as `dataset.json` has it."""
    out: dict[Path, int] = {}
    for folder in folders:
        path = folder / "dataset.json"
        if not path.is_file():
            raise InputError(
                f"{folder} has no dataset.json, which says the class of each picture: add it, or --set classes=0"
            )
        try:
            labels = json.loads(path.read_text(encoding="utf-8"))["labels"]
            out |= {folder / name: int(kind) for name, kind in labels}
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f'{path} cannot be read ({error!r}): wanted {{"labels": [["file", 3], ...]}}'
            ) from error
    return out


def square(pixels: Array, size: int) -> Array:
    """The middle of a picture `[H, W, 3]`, as `[size, size, 3]`; of two that are stacked, `[H, W, 6]`, the
    middle of both."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    pixels = pixels[(height - side) // 2 :, (width - side) // 2 :][:side, :side]
    how = cv2.INTER_AREA if side >= size else cv2.INTER_CUBIC
    return np.concatenate(
        [
            cv2.resize(one, (size, size), interpolation=how)
            for one in np.split(pixels, pixels.shape[2] // 3, 2)
        ],
        2,
    )
