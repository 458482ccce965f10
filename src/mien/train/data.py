"""Folders of faces -> rows, pictures and points; the split by person."""

from __future__ import annotations

import csv
import zlib
from pathlib import Path

import cv2
import numpy as np

from ..errors import InputError
from ..types import Array

HELD_OUT = 8  # one person in so many is kept aside


def held_out(person: str) -> bool:
    """Whether a person is kept aside for judging: a fixed function of the name, so that every run and every benchmark agrees."""
    return zlib.crc32(person.encode()) % HELD_OUT == 0


def person_of(row: dict[str, str]) -> str:
    """Who a row of `faces.csv` shows; a picture without a name is a person of its own."""
    return row["person"] or row["file"]


def read_faces(folder: Path) -> tuple[list[dict[str, str]], Array]:
    """Rows of `faces.csv` with known age and sex, without dark glasses, and their landmarks `[n, 478, 2]` (pixels of the picture, centre of the first at 0)."""
    table, points = folder / "faces.csv", folder / "landmarks478.npz"
    if not table.is_file() or not points.is_file():
        raise InputError(f"{folder} is no folder of labelled faces: wanted faces.csv, landmarks478.npz and images/ in it")
    with np.load(points) as file:
        by_file = dict(zip(map(str, file["files"]), file["points"] - np.float32(0.5), strict=True))
    with table.open(encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file) if r["sex"] in ("m", "f") and r["age"] not in ("", "NA") and r["glasses"] != "2"]
    rows = [row for row in rows if row["file"] in by_file]
    if not rows:
        raise InputError(f"{table} has no row that can be used: wanted age, sex (m or f) and landmarks")
    return rows, np.stack([by_file[row["file"]] for row in rows])


def read_pairs(folder: Path) -> tuple[list[str], Array, Array]:
    """People with a neutral and a smiling picture `ID-neutral.jpg`, `ID-smiling.jpg`: their names, and the landmarks of both `[n, 478, 2]`."""
    points = folder / "landmarks478.npz"
    if not points.is_file():
        raise InputError(f"{folder} is no folder of smile pairs: wanted ID-neutral.jpg, ID-smiling.jpg and landmarks478.npz in it")
    with np.load(points) as file:
        return list(map(str, file["ids"])), file["neutral"] - np.float32(0.5), file["smiling"] - np.float32(0.5)


def read_rgb(path: Path) -> Array:
    """A training picture, `[H, W, 3]` uint8 RGB."""
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise InputError(f"{path} cannot be read as a picture: take it out of the folder or replace it")
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
