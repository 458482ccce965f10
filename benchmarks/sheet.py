"""Draw the README's pictures: every edit on the photos in docs. Labelled, as everything that mien makes.

python benchmarks/sheet.py docs/collins.jpg --by best -o docs/before-after.jpg
python benchmarks/sheet.py docs/hopper.jpg docs/collins.jpg --by prototypes network -o docs/sheet.jpg
python benchmarks/sheet.py docs/hopper.jpg docs/collins.jpg --every --quality 72 -o docs/edits.jpg
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mien import Photo, edit, edits, find, read, write
from mien.types import Array, Step

COLUMNS: list[dict[str, Any]] = [{}, {"smile": 0.8}, {"age": 30.0}, {"age": -20.0}, {"sex": 0.8}, {"sex": -0.8}]
SIDE, HEAD = 256, 28
ABREAST = 7  # tiles in a line of the sheet with every edit
TELLING: dict[str, Any] = {  # others: 0.8 of the most there is
    **{"age": 30.0, "age_to": 30.0, "hair": "red", "beard": 1.0, "glasses": 1.0, "lips": "red", "lids": "plum"},
    **{"mouth": 0.6, "light": -0.9},
}


def every() -> list[dict[str, Any]]:
    """The photo, and each row of EDITS once."""
    return [{}, *({name: TELLING.get(name, 0.8 * kind.high)} for name, kind in edits.EDITS.items())]


def row(path: Path, by: str, history: list[Step], columns: list[dict[str, Any]]) -> list[Array]:
    """One photo through all edits by one maker, cut around the face: tiles `[SIDE, SIDE, 3]`."""
    photo = read(path)
    box = max(find(photo), key=lambda face: float(face.box[2] - face.box[0])).box
    centre, reach = (box[:2] + box[2:]) / 2, 0.85 * float(max(box[2:] - box[:2]))
    left, top = (int(max(v, 0)) for v in centre - reach)
    right, bottom = (int(v) for v in centre + reach)
    tiles = []
    for request in columns:
        done = edit(photo, by=None if by == "best" else by, **request) if request else photo
        history += done.history
        tiles.append(cv2.resize(done.pixels[top:bottom, left:right], (SIDE, SIDE), interpolation=cv2.INTER_AREA))
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


def titled(words: list[str], width: int) -> Array:
    """A white line with words, one over each tile."""
    line = np.full((HEAD, width, 3), 255, np.uint8)
    for i, word in enumerate(words):
        cv2.putText(line, word, (8 + i * SIDE, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (40, 40, 40), 1, cv2.LINE_AA)
    return line


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photos", nargs="+", type=Path)
    parser.add_argument("--by", nargs="+", choices=("best", *edits.MAKERS), default=["best"])
    parser.add_argument("--every", action="store_true", help="each row of EDITS, instead of the learned ones both ways")
    parser.add_argument("--quality", type=int, default=88)
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()
    history: list[Step] = []
    parts, columns = [], every() if args.every else COLUMNS
    for by in args.by:
        rows = [row(path, by, history, columns) for path in args.photos]
        first = "photo" if by == "best" else f"photo, by {by}"
        words = [" ".join(f"{name} {_said(value)}" for name, value in request.items()) or first for request in columns]
        parts += lines(words, rows, ABREAST if args.every else len(columns))
    write(Photo(np.vstack(parts), history=tuple(history)), args.output, quality=args.quality, force=True)


def _said(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:+g}"


if __name__ == "__main__":
    main()
