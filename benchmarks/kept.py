"""How much of a person stays for how far an edit goes: the distance of dlib's vectors before and after, beside
the years and the sex that a judge reads.

    python benchmarks/kept.py FACES [--count 60] [--json benchmarks/results/kept.json]

FACES is a folder that `mien train retouch` takes; people who exist nowhere and are held out from that are
edited. The judge is a ridge regression of age and sex on dlib's vectors, fitted here to everybody else: no
edit was made with it. What it is worth is told first.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

import figures
import numpy as np

from mien import EditRequest, Kit, Photo, Session, read
from mien.face import geometry
from mien.io import dataset as people
from mien.types import Array

RIDGE = 0.1
IMAGINED = "sfhq"  # how the files of people who exist nowhere begin
ASKED: tuple[dict[str, Any], ...] = ({"age": 30.0}, {"age": -20.0}, {"sex": -1.0}, {"sex": 1.0})


def vector(kit: Kit, photo: Photo) -> Array | None:
    """dlib's vector of the largest face and a 1, `[129]`."""
    faces = kit.faces(photo.pixels)
    if not faces:
        return None
    face, embedder = max(faces, key=lambda one: one.area), kit.embedder()
    return np.append(embedder.vector(geometry.align(photo.pixels, face.landmarks, embedder.alignment)), 1)


def fitted(seen: Array, wanted: Array) -> Array:
    """The ridge regression of values `[n]` on vectors `[n, 129]`."""
    return np.linalg.solve(seen.T @ seen + RIDGE * np.eye(seen.shape[1]), seen.T @ wanted)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("faces", type=Path)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    kit = Kit(threads=1)
    with (given.faces / "faces.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["age"].isdigit()]
    read_all = {row["file"]: vector(kit, read(given.faces / "images" / row["file"])) for row in rows}
    known = {name: seen for name, seen in read_all.items() if seen is not None}
    rows = [row for row in rows if row["file"] in known]
    held = [people.held_out(people.person_of(row)) for row in rows]
    seen = np.stack([known[row["file"]] for row in rows])
    ages = np.array([float(row["age"]) for row in rows])
    sexes = np.array([1.0 if row["sex"] == "m" else -1.0 for row in rows])
    mine = ~np.array(held)
    of_age, of_sex = fitted(seen[mine], ages[mine]), fitted(seen[mine], sexes[mine])
    error = float(np.abs(seen[~mine] @ of_age - ages[~mine]).mean())
    right = float((np.sign(seen[~mine] @ of_sex) == sexes[~mine]).mean())
    print(
        f"the judge misses the age of {sum(held)} people by {error:.1f} years and knows the sex of {right:.0%}"
    )
    judged = [row for row, out in zip(rows, held, strict=True) if out and row["file"].startswith(IMAGINED)]
    judged, found = judged[: given.count], list[dict[str, Any]]()
    for asked in ASKED:
        able = [row for row in judged if "age" in asked or (row["sex"] == "m") == (asked["sex"] < 0)]
        pairs = list[tuple[Array, Array]]()
        for row in able:
            photo = read(given.faces / "images" / row["file"])
            after = vector(kit, Session(photo, kit=kit).apply(EditRequest(asked, face="largest")))
            if after is not None:
                pairs.append((known[row["file"]], after))
        before, after = (np.stack(one) for one in zip(*pairs, strict=True))
        line: dict[str, Any] = {
            "edit": " ".join(f"{name} {value:+g}" for name, value in asked.items()),
            "people": len(pairs),
            "distance": round(float(np.median(np.linalg.norm(after - before, axis=1))), 3),
            "years": round(float(((after - before) @ of_age).mean()), 1),
            "sex": round(float(((after - before) @ of_sex).mean()), 2),
        }
        if "sex" in asked:
            line["turned"] = round(float((after @ of_sex * asked["sex"] > 0).mean()), 2)
        found.append(line)
        print(*(f"{name} {value}" for name, value in line.items()), sep=", ", flush=True)
    figures.save(
        given.json,
        f"python benchmarks/kept.py FACES --count {given.count}",
        found,
        judge_years_missed=round(error, 1),
        judge_sex_right=round(right, 3),
    )


if __name__ == "__main__":
    main()
