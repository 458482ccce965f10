"""Whether anybody is made to look under 18: every labelled person of 18 to 25, asked three times to be as
young as can be.

    python benchmarks/age_floor.py ../shared/data/faces256 [--by network] [--edits age=-30,sex=-1,beauty=1] [--json out.json]

Prints what is read, without any clip, before and after each round, and how much a round changes over the
first one.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

from mien import Kit, Photo, edit, read
from mien.edits.age_floor import FLOOR
from mien.face import geometry
from mien.types import Alignment, Array

ROUNDS = 3


def reading(kit: Kit, pixels: Array) -> float | None:
    faces = kit.faces(pixels)
    if not faces:
        return None
    face = max(faces, key=lambda one: one.area)
    return kit.prototypes.read(geometry.align(pixels, face.landmarks, Alignment("head", 448))).age


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--by", default=None)
    parser.add_argument("--edits", default="age=-30")
    parser.add_argument("--json", type=Path, default=None)
    given = parser.parse_args()
    strengths: dict[str, Any] = {
        name: float(value) for name, value in (one.split("=") for one in given.edits.split(","))
    }
    kit = Kit(threads=1)
    with (given.data / "faces.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["age"].isdigit() and 18 <= int(row["age"]) <= 25]
    reads, changes = [], []
    for row in rows:
        photo = read(given.data / "images" / row["file"])
        told, moved = [reading(kit, photo.pixels)], []
        if told[0] is None:
            continue
        for _ in range(ROUNDS):
            after = Photo(edit(photo, kit=kit, method=given.by, face="largest", **strengths).pixels)
            moved.append(float(np.abs(after.pixels.astype(int) - photo.pixels).mean()))
            told.append(reading(kit, after.pixels))
            photo = after
        reads.append(told)
        changes.append(moved)
    told, moved = np.array(reads, float), np.array(changes)
    went_on = moved[:, 1:].max(1) > np.maximum(0.1 * moved[:, 0], 0.25)
    result = {
        "edits": given.edits,
        "by": given.by or "best",
        "people": len(told),
        "read_under_floor": float((told[:, 0] < FLOOR).mean()),
        "unchanged": int((moved[:, 0] == 0).sum()),
        "lowest_read": [round(float(v), 1) for v in np.nanmin(told, 0)],
        "read_under_18": [int((told[:, k] < 18).sum()) for k in range(ROUNDS + 1)],
        "most_below_18_or_before": round(float(np.nanmin(told[:, 1:] - np.minimum(told[:, :1], 18))), 1),
        "went_on_by_more_than_a_tenth": int(went_on.sum()),
    }
    for name, value in result.items():
        print(f"{name:<30} {value}")
    if given.json:
        told = {"command": f"python benchmarks/age_floor.py FACES --edits {given.edits}"} | result
        given.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
