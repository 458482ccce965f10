"""Folders of faces that training reads: what is in them, and who is kept aside for judging: the split by person that
training and benchmarks agree on."""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..types import Array
from . import outputs

TABLE, POINTS, IMAGES = "faces.csv", "landmarks478.npz", "images"
HELD_OUT = 8  # one person in so many is kept aside
LABELS = (  # columns for people to fill in
    *("source", "licence", "person", "sex", "age", "age_is", "ethnicity"),
    *("smile", "mouth", "glasses", "beard", "hair", "hat"),
)


def held_out(person: str) -> bool:
    """Whether a person is kept aside for judging: a fixed function of the name, so that every run and every
    benchmark agrees."""
    return zlib.crc32(person.encode()) % HELD_OUT == 0


def person_of(row: Mapping[str, str]) -> str:
    """Who a row of `faces.csv` shows; a picture without a name is a person of its own."""
    return row["person"] or row["file"]


def write_tables(folder: Path, rows: Sequence[Mapping[str, Any]], points: Sequence[Array]) -> None:
    """Write what is known of the pictures in `folder`/images: the table, with LABELS to fill in, and the landmarks of
    each `[478, 2]` (pixels of the picture, centre of the first at 0), which the file counts from its corner."""
    files = np.array([row["file"] for row in rows], dtype=str)
    stacked = np.array(points, np.float32).reshape(-1, 478, 2) + np.float32(0.5)
    packed, text = io.BytesIO(), io.StringIO(newline="")
    np.savez(packed, files=files, points=stacked)
    columns = dict.fromkeys([*(rows[0] if rows else ["file"]), *LABELS])
    table = csv.DictWriter(text, [*columns], restval="")
    table.writeheader()
    table.writerows(rows)
    outputs.write(folder / POINTS, packed.getbuffer(), force=True)
    outputs.write(folder / TABLE, text.getvalue().encode("utf-8", "surrogateescape"), force=True)


def read_points(folder: Path) -> dict[Path, Array]:
    """Landmarks `[478, 2]` (pixels of the picture, centre of the first at 0) of the pictures of a folder;
    none where there is no file."""
    path = folder / POINTS
    if not path.is_file():
        return {}
    with np.load(path) as file:
        return {
            folder / IMAGES / str(name): one - np.float32(0.5)
            for name, one in zip(file["files"], file["points"], strict=True)
        }


def read_rows(folder: Path) -> list[dict[str, str]]:
    """The rows of a folder's table."""
    with (folder / TABLE).open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        return list(csv.DictReader(file))


def count(folder: Path) -> int:
    """How many pictures the table of a folder names."""
    return len(read_rows(folder))
