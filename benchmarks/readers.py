"""What the measures are worth: how often the readers of beards, glasses and hair put two labelled portraits
in the right order, and what seam a plain disc has.

    python benchmarks/readers.py FACES [--json benchmarks/results/readers.json]

FACES is a folder that `mien train parser` takes; the people who are held out from that are looked at.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import figures
import numpy as np

from mien import Kit
from mien.edits import colours
from mien.edits.request import EDITS
from mien.face import geometry
from mien.measure import benchmark, reference
from mien.measure.benchmark import Person
from mien.measure.seam import seam

Reading = Callable[[Person], float | None]  # None where nothing is seen to read, as of hair on a bald head
STEP = 10  # levels that the disc is lighter by


def near(colour: str) -> Reading:
    """How near the hair is to a colour, in Lab, as the criterion of `--hair` has it."""
    wanted = colours.parse(colour, EDITS["hair"].names).lab
    return lambda one: None if one.look.hair is None else -float(np.linalg.norm(one.look.hair - wanted))


# First group, second, the column of faces.csv and its values in them, and what is more in the first.
READERS: tuple[tuple[str, str, str, tuple[str, str], Reading], ...] = (
    ("full beards", "no beard", "beard", ("2", "0"), lambda one: one.look.beard),
    ("clear glasses", "no glasses", "glasses", ("1", "0"), lambda one: one.look.glasses),
    ("grey hair", "black hair", "hair", ("grey", "black"), near("grey")),
    ("blond hair", "black hair", "hair", ("blond", "black"), near("blond")),
)


def right_order(first: list[float], second: list[float]) -> float:
    """The share of pairs, one of each group, in which the first reads more (area under the ROC curve)."""
    return float((np.array(first)[:, None] > np.array(second)).mean())


def disc(person: Person) -> float:
    """The seam of a disc around the face that is a few levels lighter."""
    before, points = person.photo.pixels, person.face.landmarks
    unit = geometry.eye_distance(points)
    mask = np.zeros(before.shape[:2], np.uint8)
    cv2.circle(mask, tuple(map(round, points.mean(0).tolist())), round(unit), 1, -1)
    after = np.clip(before.astype(int) + STEP * mask[..., None], 0, 255).astype(np.uint8)
    found = seam(before, after, mask > 0, unit)
    return found.strength if found else np.nan


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("faces", type=Path)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    labels = reference.labels(asked.faces)
    crowd = benchmark.gather(benchmark.photos(asked.faces, len(labels)), Kit(threads=1), labels)
    rows = []
    for first, second, column, values, reading in READERS:
        # Beards are judged on men only, as `mien bench edits` does.
        able = [one for one in crowd if column != "beard" or one.row["sex"] == "m"]
        groups = [
            [read for one in able if one.row[column] == value and (read := reading(one)) is not None]
            for value in values
        ]
        rows.append(
            {
                "first": first,
                "second": second,
                "portraits": [len(group) for group in groups],
                "right_order": round(right_order(*groups), 3),
            }
        )
        print(rows[-1], flush=True)
    about = {"levels": STEP, "seam": round(float(np.nanmedian([disc(one) for one in crowd])), 2)}
    print("disc:", about)
    command = "python benchmarks/readers.py FACES"
    figures.save(asked.json, command, rows, people_held_out=True, disc=about)


if __name__ == "__main__":
    main()
