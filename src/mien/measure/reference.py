"""Labelled portraits as groups: how near a crowd is to people who really are older, smile, or wear a beard. A
Fréchet distance.

No published network has to take part: a face is seen as its colours and the strength of its edges in four
directions and octaves, each in 8 x 8 cells (as histograms of oriented gradients have it: Dalal and Triggs
2005), in the first 24 principal components of the labelled faces. Two crowds are compared as two Gaussians
(Heusel et al. 2017, arXiv 1706.08500; with these features the numbers compare only here). `look_through` puts what an
embedder sees in their place, as a second opinion.

Tried on 1,084 labelled portraits, 40 of them against the rest of a group: members are nearer to it than
others by 0.38 (55 and over against 35 and under), 0.43 (25 and under against 45 and over), 0.54 (men against
women), 0.61 (smiles), 0.37 (beards, of men), 0.70 (glasses), 0.45 (grey hair against black and brown), 0.79
(blond). Blurred ones (1.5 pixels of 256) are farther, by 1.06 to 2.7; noisy ones (10 levels) by 1.3 to 1.5,
but not those with glasses, grey or blond hair (0.8 to 0.9).
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..edits import colours
from ..face import geometry
from ..face.filters import to_lab
from ..io import dataset as people
from ..io import photo_reader as image
from ..models.embedder import Embedder
from ..types import Alignment, Array

LAYOUT = Alignment("face", 256)
CELLS, OCTAVES, TURNS = 8, 4, 4
DIMS = 24
FEWEST = 12  # faces on either side that a distance is told of
RIDGE = 1e-3  # of the first component's variance
Row = dict[str, str]  # of faces.csv
Look = Callable[[Array, Array], Array]  # pixels [H, W, 3] uint8 and landmarks of a face -> what is seen of it


@dataclass(frozen=True, eq=False)
class Labelled:
    """The labelled faces of a folder that `train` reads, but for the people held out, whom the bench edits:
    rows of faces.csv, and what is seen of each `[n, DIMS]`; a face is seen as `(look - mean) @ basis`."""

    rows: Sequence[Row]
    seen: Array
    mean: Array
    basis: Array
    look: Look

    def see(self, pixels: Array, landmarks: Array) -> Array:
        """What is seen of a face in `pixels [H, W, 3]` uint8: `[DIMS]`."""
        return (self.look(pixels, landmarks) - self.mean) @ self.basis

    def like(self, edit: str, strength: float | str, age: float) -> Array | None:
        """Those who have what was asked for, `[n, DIMS]`, where the faces asked look `age` years old; None
        where the labels do not tell."""
        chosen = [matches(row, edit, strength, age) for row in self.rows]
        return self.seen[chosen] if sum(chosen) >= FEWEST else None


def labels(folder: Path) -> dict[str, Row]:
    """The rows of a folder's faces.csv, by the names of their files; none where there is no such table."""
    table = folder / "faces.csv"
    if not table.is_file():
        return {}
    with table.open(encoding="utf-8") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


def read(folder: Path, look: Look | None = None) -> Labelled | None:
    """The labelled faces of a folder, as `look` sees them, by default by `appearance`; None of one without labels,
    or without names, as then nobody is held out."""
    look, points = look or appearance, folder / "landmarks478.npz"
    if not points.is_file():
        return None
    with np.load(points) as file:
        by_file = dict(zip(map(str, file["files"]), file["points"] - np.float32(0.5), strict=True))
    rows = [
        row for row in labels(folder).values() if row["file"] in by_file and row.get("person") is not None
    ]
    rows = [row for row in rows if not people.held_out(people.person_of(row))]
    if len(rows) < 2 * DIMS or not any(row["person"] for row in rows):
        return None
    seen = np.stack(
        [look(image.read(folder / "images" / row["file"]).pixels, by_file[row["file"]]) for row in rows]
    )
    mean, spread = seen.mean(0), seen.std(0) + 1e-6
    _, sizes, parts = np.linalg.svd((seen - mean) / spread, full_matrices=False)
    basis = (parts[:DIMS] / spread).T * np.sqrt(len(rows)) / sizes[0]  # the first component's variance is 1
    return Labelled(rows, (seen - mean) @ basis, mean, basis, look)


def matches(row: Row, edit: str, strength: float | str, age: float) -> bool:
    """Whether a labelled face has what an edit is asked for, of faces that look `age` years old: of so many
    years more, five less than that; beards and shaved chins are men's."""
    if edit == "hair":
        return row.get("hair") == str(strength).partition(":")[0] and row["hair"] in colours.HAIR
    if isinstance(strength, str) or not strength:
        return False
    more = strength > 0
    if edit in ("age", "age_to"):
        years = float(row["age"]) if row.get("age", "").replace(".", "", 1).isdigit() else float("nan")
        if edit == "age_to":
            return abs(years - strength) <= 10
        return years >= age + strength - 5 if more else years <= max(age + strength + 5, 25)
    wanted = {
        "sex": ("m",) if more else ("f",),
        "smile": ("1", "2") if more else ("0",),
        "beard": ("2",) if more else ("0",),
        "glasses": ("1",) if more else ("0",),
    }
    return edit in wanted and row.get(edit, "") in wanted[edit] and (edit != "beard" or row.get("sex") == "m")


def contradicts(row: Row, edit: str, sign: float) -> bool:
    """Whether a face's label says that more (sign 1) or less (-1) of something cannot be shown on it: what is
    to come off is not there, or is what nobody sees through; what is to be put on is there."""
    worn = {"glasses": ("1",), "beard": ("1", "2")}.get(edit)
    label = row.get(edit, "")
    return worn is not None and label in ("0", "1", "2") and (label != "0" if sign > 0 else label not in worn)


def appearance(pixels: Array, landmarks: Array) -> Array:
    """A face's colours and edges, in cells: `[1216]` float32."""
    face = geometry.align(pixels, landmarks, LAYOUT)
    lab = to_lab(face.pixels)

    def cells(picture: Any) -> Any:
        return cv2.resize(picture, (CELLS, CELLS), interpolation=cv2.INTER_AREA).ravel()

    parts, light = [cells(lab)], lab[..., 0]
    for _ in range(OCTAVES):
        across, down = cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1)
        for turn in np.arange(TURNS) * np.pi / TURNS:
            parts.append(
                np.log(
                    cells(np.abs(across * np.float32(np.cos(turn)) + down * np.float32(np.sin(turn)))) + 0.5
                )
            )
        light = cv2.pyrDown(light)
    return np.concatenate(parts)


def look_through(embedder: Embedder) -> Look:
    """What an embedder sees of faces."""

    def look(pixels: Array, landmarks: Array) -> Array:
        return embedder.vector(geometry.align(pixels, landmarks, embedder.alignment))

    return look


def distance(a: Array, b: Array) -> float:
    """Fréchet distance of two crowds `[n, D]` and `[m, D]`, each taken as a Gaussian."""
    first, second = (np.cov(one.T) + RIDGE * np.eye(one.shape[1]) for one in (a, b))
    values, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    both = np.sqrt(np.linalg.eigvalsh(root @ second @ root).clip(0)).sum()
    return float(np.square(a.mean(0) - b.mean(0)).sum() + np.trace(first) + np.trace(second) - 2 * both)
