"""Draw the README's pictures: every edit on the photos in docs. Labelled, as everything that mien makes.

python benchmarks/sheet.py docs/collins.jpg --quality 76 -o docs/before-after.webp
python benchmarks/sheet.py docs/hopper.jpg docs/collins.jpg --every --quality 68 -o docs/edits.webp
python benchmarks/sheet.py docs/collins.jpg --manners --quality 72 -o docs/manners.webp
python benchmarks/sheet.py FACES --people 12 --quality 70 -o docs/people.webp

FACES is the folder that `mien train retouch` takes: of people held out from training the first whose licence
lets pictures be made of them.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mien import Photo, edit, find, read, stylize, write
from mien.edits.request import EDITS
from mien.measure import benchmark as bench
from mien.measure import criteria as judges
from mien.models.kit import shared_kit
from mien.types import Array, Step
from mien.verbs import manners

COLUMNS: list[dict[str, Any]] = [
    {},
    {"smile": 0.8},
    {"age": 30.0},
    {"hair": "auburn"},
    {"sex": 0.8},
    {"sex": -0.8},
]
SIDE, HEAD = 256, 28
ABREAST = 7  # tiles in a line of the sheet with every edit
TELLING: dict[str, Any] = {  # others: 0.8 of the most there is
    **{
        "age": 30.0,
        "age_to": 30.0,
        "hair": "red",
        "beard": 1.0,
        "glasses": 1.0,
        "hairstyle": "bob",
        "effect": "butterfly",
        "lips": "red",
        "lids": "plum",
    },
    **{"mouth": 0.6, "light": -0.9},
}


OPEN = ("sfhq", "sfhq-t2i", "congress")  # sources in faces.csv
FACE = 192  # side of a person's tile
TITLES = (
    "photo",
    *"grin 0.8,age +30,age -20,the other sex,beard / red lips,glasses on / off,hair grey,hair blond,light 0.7,beauty 0.7".split(
        ","
    ),
)


def ten(look: judges.FaceFeatures) -> list[dict[str, Any]]:
    """What is asked for somebody who looks so, under TITLES."""
    man, bearded, glasses = look.traits[2] > 0, look.beard > judges.BEARDED / 2, look.glasses > 0.65
    return [
        *({"grin": 0.8}, {"age": 30.0}, {"age": -20.0}, {"sex": -0.8 if man else 0.8}),
        {"beard": -1.0 if bearded else 0.7} if man else {"lips": "red:0.7"},
        {"glasses": -1.0 if glasses else 1.0},
        *({"hair": "grey"}, {"hair": "blond"}, {"light": 0.7}, {"beauty": 0.7}),
    ]


def every() -> list[dict[str, Any]]:
    """The photo, and each row of EDITS once."""
    return [{}, *({name: TELLING.get(name, 0.8 * kind.high)} for name, kind in EDITS.items())]


def openly(folder: Path, count: int) -> list[Path]:
    """The first `count` photos of the bench's order that are in the public domain or of people who do not
    exist (MIT licence), and show the hair."""
    with (folder / "faces.csv").open(encoding="utf-8") as file:
        free = {
            line["file"] for line in csv.DictReader(file) if line["source"] in OPEN and line["hat"] == "0"
        }
    return [path for path in bench.photos(folder, 10**6) if path.name in free][:count]


def person(path: Path, history: list[Step]) -> list[Array]:
    """One photo, as it is in full, and ten edits of it: tiles `[FACE, FACE, 3]`."""
    photo = read(path)
    look = judges.face_features(shared_kit(), photo.pixels, max(find(photo), key=lambda face: face.area))
    shown = [photo, *(edit(photo, **request) for request in ten(look))]
    history += [
        step
        for one in shown
        for step in one.history
        if step.arguments not in [known.arguments for known in history]
    ]
    return [cv2.resize(one.pixels, (FACE, FACE), interpolation=cv2.INTER_AREA) for one in shown]


def row(path: Path, history: list[Step], columns: list[dict[str, Any]]) -> list[Array]:
    """One photo through all edits, cut around the face: tiles `[SIDE, SIDE, 3]`."""
    photo = read(path)
    box = max(find(photo), key=lambda face: float(face.box[2] - face.box[0])).box
    centre, reach = (box[:2] + box[2:]) / 2, 0.85 * float(max(box[2:] - box[:2]))
    left, top = (int(max(v, 0)) for v in centre - reach)
    right, bottom = (int(v) for v in centre + reach)
    tiles = []
    for request in columns:
        manner = request.get("manner")
        done = stylize(photo, manner) if manner else edit(photo, **request) if request else photo
        history += done.history
        tiles.append(
            cv2.resize(done.pixels[top:bottom, left:right], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        )
    return tiles


def lines(words: list[str], rows: list[list[Array]], abreast: int) -> list[Array]:
    """Titles and rows of tiles, so many abreast; the last ones filled up with white."""
    parts, blank = [], np.full((SIDE, SIDE, 3), 255, np.uint8)
    for start in range(0, len(words), abreast):
        parts.append(titled(words[start : start + abreast], abreast * SIDE))
        for tiles in rows:
            some = tiles[start : start + abreast]
            parts.append(np.hstack(some + [blank] * (abreast - len(some))))
    return parts


def titled(words: list[str], width: int, side: int = SIDE) -> Array:
    """A white line with words, one over each tile."""
    line = np.full((HEAD, width, 3), 255, np.uint8)
    for i, word in enumerate(words):
        cv2.putText(
            line, word, (8 + i * side, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (40, 40, 40), 1, cv2.LINE_AA
        )
    return line


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photos", nargs="+", type=Path)
    parser.add_argument(
        "--every", action="store_true", help="each row of EDITS, instead of the learned ones both ways"
    )
    parser.add_argument("--manners", action="store_true", help="each manner in the box")
    parser.add_argument("--people", type=int, metavar="N", help="so many people of a folder, ten edits each")
    parser.add_argument("--quality", type=int, default=88)
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()
    history: list[Step] = []
    if args.people:
        rows = [np.hstack(person(path, history)) for path in openly(args.photos[0], args.people)]
        parts = [titled(list(TITLES), rows[0].shape[1], FACE), *rows]
        write(Photo(np.vstack(parts), history=tuple(history)), args.output, quality=args.quality, force=True)
        return
    columns = every() if args.every else COLUMNS
    if args.manners:
        columns = [{}, *({"manner": name} for name in manners())]
    rows = [row(path, history, columns) for path in args.photos]
    words = [
        request.get("manner")
        or " ".join(f"{name} {_said(value)}" for name, value in request.items())
        or "photo"
        for request in columns
    ]
    parts = lines(words, rows, ABREAST if args.every or args.manners else len(columns))
    write(Photo(np.vstack(parts), history=tuple(history)), args.output, quality=args.quality, force=True)


def _said(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:+g}"


if __name__ == "__main__":
    main()
