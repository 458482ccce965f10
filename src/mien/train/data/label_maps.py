"""Maps of classes, maps of instances and the pictures that they are of, of any shape, for families that draw
pictures after maps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ...edits.part_labels import CLASSES
from ...errors import InputError
from ...io.dataset import held_out, read_points
from ...types import Array
from .drawings import draw_classes
from .faces import read_rgb
from .pictures import SUFFIXES, find

LAYOUTS = (
    ("labels", "images", "instances"),
    ("train_label", "train_img", "train_inst"),
    ("train_A", "train_B", "train_inst"),
)
"""Names of folders for maps, pictures and instances: ours, and those of pix2pixHD's repository."""


@dataclass(frozen=True, eq=False)
class Row:
    """One picture; its map as a file, or the landmarks that it is drawn after; its instances, or None where
    classes stand for them."""

    picture: Path
    label: Path | Array
    instance: Path | None


class LabelMaps:
    """Pictures with their maps, cut to height x width around the middle; one person in eight is held out.

    A folder has maps, pictures and perhaps instances in folders of their own, see LAYOUTS, with the same
    names or as many files in the same order; or it is of faces with landmarks478.npz, whose classes are
    drawn. Maps have grey values that are numbers of classes, or with `classes` 0 they are colour pictures.
    mirrored: pairs of classes that are each other's mirror image.
    """

    def __init__(
        self, folders: list[Path], height: int, width: int, classes: int, mirrored: tuple[int, ...], seed: int
    ) -> None:
        self.height, self.width, self.classes, self.seed = height, width, classes, seed
        self._turned = np.arange(1 << 16)
        for a, b in zip(mirrored[::2], mirrored[1::2], strict=True):
            self._turned[[a, b]] = b, a
        rows = [one for folder in folders for one in self._rows(folder)]
        pools = {aside: [row for row, person in rows if held_out(person) == aside] for aside in (False, True)}
        if not pools[False] or not pools[True]:  # too few for chance
            both = pools[False] + pools[True]
            pools = {False: both[1:], True: both[:1]}
        self._trained, self._aside = pools[False], pools[True]
        if not self._trained:
            raise InputError(
                f"{', '.join(map(str, folders)) or 'no folder'}: wanted at least two pictures with their maps"
            )

    def batch(self, count: int, i: int, mirror: float) -> tuple[Array, Array, Array]:
        """Batch number `i`: maps `[N, 1, H, W]` of int64 (or pictures `[N, 3, H, W]` in [-1, 1]), instances
        `[N, 1, H, W]` of int64, pictures `[N, 3, H, W]` in [-1, 1]; a share `mirror` of them is mirrored.
        Every picture comes once before any comes again."""
        n = len(self._trained)
        places = np.arange(i * count, (i + 1) * count)
        orders = {
            int(e): np.random.default_rng((self.seed, 0, int(e))).permutation(n)
            for e in np.unique(places // n)
        }
        rows = [self._trained[orders[at // n][at % n]] for at in places.tolist()]
        return self._stack(rows, np.random.default_rng((self.seed, 1, i)).random(count) < mirror)

    def held_out(self, most: int) -> tuple[Array, Array, Array]:
        """At most `most` of those that are held out, as they are."""
        rows = self._aside[:most]
        return self._stack(rows, np.zeros(len(rows), bool))

    def notes(self) -> list[str]:
        """What people should know of the data, in lines."""
        drawn = sum(not isinstance(row.label, Path) for row in self._trained + self._aside)
        bare = sum(row.instance is None for row in self._trained + self._aside)
        out = (
            [f"maps of classes drawn after landmarks, without hair, ears and clothes: {drawn} pictures"]
            if drawn
            else []
        )
        return out + (
            [f"without a map of instances, each class counts as one: {bare} pictures"] if bare else []
        )

    def _rows(self, folder: Path) -> list[tuple[Row, str]]:
        for labels, images, instances in LAYOUTS:
            if (folder / labels).is_dir() and (folder / images).is_dir():
                return self._given(folder / labels, folder / images, folder / instances)
        points = read_points(folder)
        if self.classes == len(CLASSES) and points:
            return [
                (Row(path, points[path], None), person) for path, person in find(folder) if path in points
            ]
        raise InputError(
            f"{folder} has no maps: wanted labels/ and images/ in it (and instances/, if there are any), or train_label/ and train_img/"
            f"{f', or faces with landmarks478.npz and --set labels={len(CLASSES)}' if self.classes else ''}"
        )

    def _given(self, labels: Path, images: Path, instances: Path) -> list[tuple[Row, str]]:
        found = [_files(one) for one in (labels, images, instances) if one.is_dir()]
        stems = [{path.stem: path for path in one} for one in found]
        common = sorted(set.intersection(*map(set, stems)))
        if common:
            rows = [[one[stem] for one in stems] for stem in common]
        elif len({len(one) for one in found}) == 1:
            rows = [list(row) for row in zip(*found, strict=True)]
        else:
            raise InputError(
                f"{labels} and {images}: wanted the same names, or as many files, in both and in {instances.name}/"
            )
        return [(Row(row[1], row[0], row[2] if len(row) > 2 else None), row[1].stem) for row in rows]

    def _stack(self, rows: list[Row], mirror: Array) -> tuple[Array, Array, Array]:
        one = [self._read(row, bool(turn)) for row, turn in zip(rows, mirror, strict=True)]
        labels, instances, pictures = (np.stack(each) for each in zip(*one, strict=True))
        return labels, instances, pictures

    def _read(self, row: Row, mirror: bool) -> tuple[Array, Array, Array]:
        pixels = read_rgb(row.picture)
        label = self._map(row, pixels.shape[:2])
        instance = None if row.instance is None else _numbers(row.instance)
        picture, label = (
            self._cut(pixels, cv2.INTER_AREA),
            self._cut(label, cv2.INTER_NEAREST_EXACT if self.classes else cv2.INTER_AREA),
        )
        instance = None if instance is None else self._cut(instance, cv2.INTER_NEAREST_EXACT)
        if mirror:
            picture, label = picture[:, ::-1], label[:, ::-1]
            instance = None if instance is None else instance[:, ::-1]
            label = self._turned[label] if self.classes else label
        if instance is None:  # each class is an instance; of colours, each colour
            instance = label if self.classes else label.astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])
        maps = label[None].astype(np.int64) if self.classes else _chw(label)
        return maps, instance[None].astype(np.int64), _chw(picture)

    def _map(self, row: Row, shape: tuple[int, ...]) -> Array:
        """A map of classes `[H, W]`, or a colour picture `[H, W, 3]`."""
        if not isinstance(row.label, Path):
            side = max(shape)
            return draw_classes(row.label, side)[: shape[0], : shape[1]]
        if not self.classes:
            return read_rgb(row.label)
        numbers = _numbers(row.label)
        if numbers.max() == 255:  # not labelled
            numbers = np.where(numbers == 255, 0, numbers)
        if numbers.max() >= self.classes:
            raise InputError(
                f"{row.label} has the class {numbers.max()}: wanted numbers below {self.classes}, or --set labels=..."
            )
        return numbers

    def _cut(self, pixels: Array, how: int) -> Array:
        """The middle of a picture in the wanted shape, at the wanted size."""
        height, width = pixels.shape[:2]
        factor = min(height / self.height, width / self.width)
        h, w = max(round(self.height * factor), 1), max(round(self.width * factor), 1)
        pixels = pixels[(height - h) // 2 :, (width - w) // 2 :][:h, :w]
        how = cv2.INTER_CUBIC if how == cv2.INTER_AREA and factor < 1 else how
        return cv2.resize(pixels, (self.width, self.height), interpolation=how)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


def _numbers(path: Path) -> Array:
    """The grey values of a picture, of 8 or 16 bits: `[H, W]`, int32."""
    numbers = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if numbers is None or numbers.ndim != 2 or str(numbers.dtype) not in ("uint8", "uint16"):
        raise InputError(f"{path} is no map: wanted a grey PNG of 8 or 16 bits whose values are numbers")
    return numbers.astype(np.int32)


def _chw(pixels: Array) -> Array:
    return (pixels.transpose(2, 0, 1) / np.float32(127.5) - 1).astype(np.float32)
