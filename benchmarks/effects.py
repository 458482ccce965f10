"""What a mask or stickers cost on top of a plain edit, for each face of a 640 x 480 picture, as a camera gives them.

    python benchmarks/effects.py [--json benchmarks/results/effects.json]
    python benchmarks/effects.py --sheet docs/effects.webp

Faces are found before and one core works, so that the edits themselves are timed, as they are drawn in a clip. The ratio
is over the plain edit, `--smile 0.5`, in the same run; what a pack asks of other edits, as to take glasses off, is left
out. --sheet only makes the picture of the docs.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from figures import save

from mien import Photo, Session, read, write
from mien.edits import effect_layers, effect_pack
from mien.edits.effect_pack import boxed
from mien.edits.effects import drawn_by
from mien.edits.registry import plan
from mien.edits.request import EditRequest
from mien.edits.styles import EFFECTS
from mien.models.kit import Kit
from mien.pipeline.photo import edit_photo
from mien.types import Array, Edit

DOCS = Path(__file__).parents[1] / "docs"
ROUNDS = 9
SECOND = ("dog", "star-glasses", "flowers", "skull", "clown")  # on the second of them
TILE = 236  # pixels of a side, of the docs' picture


def framed(pixels: Array) -> Array:
    """A portrait in the middle of 640 x 480 pixels."""
    scale = 480 / pixels.shape[0]
    small = cv2.resize(pixels, (round(pixels.shape[1] * scale), 480), interpolation=cv2.INTER_AREA)
    left = (640 - small.shape[1]) // 2
    return cv2.copyMakeBorder(small, 0, 0, left, 640 - small.shape[1] - left, cv2.BORDER_REPLICATE)


def measured(kit: Kit, frame: Photo) -> list[dict[str, Any]]:
    """Of each effect its milliseconds, and its share of those of the plain edit; all in turn, so that they share the
    machine's moods."""
    faces = kit.faces(frame.pixels)
    work: dict[str, Sequence[Edit]] = {"plain": plan(EditRequest({"smile": 0.5}), kit)}
    work |= {name: drawn_by(boxed(name), 1.0, kit) for name in EFFECTS}
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(ROUNDS + 1):
        for name, edits in work.items():
            start = time.perf_counter()
            edit_photo(frame, edits, faces, list(range(len(faces))), {})
            times[name].append((time.perf_counter() - start) / len(faces))
    taken = {name: 1000 * statistics.median(each[1:]) for name, each in times.items()}
    plain = taken.pop("plain")
    return [{"effect": name, "ms": round(ms, 1), "ratio": round(ms / plain, 2)} for name, ms in taken.items()]


def sheet(kit: Kit) -> Photo:
    """Every effect, each on one of two astronauts' and officers' portraits in the public domain."""
    people = [Session(read(DOCS / f"{name}.jpg"), kit=kit) for name in ("collins", "hopper")]
    tiles: list[Array] = []
    last = people[0].photo
    for name in EFFECTS:
        session = people[name in SECOND]
        last = session.edit(effect=name)
        left, top, right, bottom = session.faces[0].box
        middle, half = ((left + right) / 2, (top + bottom) / 2 - 0.12 * (bottom - top)), 1.02 * (right - left)
        corners = [
            max(int(v), 0) for v in (middle[0] - half, middle[1] - half, middle[0] + half, middle[1] + half)
        ]
        part = last.pixels[corners[1] : corners[3], corners[0] : corners[2]]
        tile = cv2.resize(part, (TILE, TILE), interpolation=cv2.INTER_AREA)
        tiles.append(cv2.copyMakeBorder(tile, 0, 26, 4, 4, cv2.BORDER_CONSTANT, value=(255, 255, 255)))
        cv2.putText(
            tiles[-1], name, (8, TILE + 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (30, 30, 30), 1, cv2.LINE_AA
        )
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % 5)
    rows = [np.hstack(tiles[k : k + 5]) for k in range(0, len(tiles), 5)]
    return Photo(np.vstack(rows), history=last.history)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--sheet", type=Path)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    kit = Kit(threads=1)
    if given.sheet:
        write(sheet(kit), given.sheet, quality=78, force=True)
        return
    rows = measured(kit, Photo(framed(read(DOCS / "hopper.jpg").pixels)))
    for row in rows:
        print(f"{row['effect']:<16} {row['ms']:>6.1f} ms   {row['ratio']:.2f} times the plain edit")
    ratios = [row["ratio"] for row in rows]
    limits = {"layers": effect_layers.LAYERS, "pictures": effect_layers.IMAGES, "side": effect_pack.SIDE}
    about = {"median": round(statistics.median(ratios), 2), "most": max(ratios), "limits": limits}
    save(given.json, "python benchmarks/effects.py", rows, **about)


if __name__ == "__main__":
    main()
