"""How much quicker a second request on an open photo is, and how much an edit costs beside decoding and
encoding: ratios of one run.

    python benchmarks/session.py [PHOTO] [--json out.json]

PHOTO is enlarged to 12 megapixels (docs/hopper.jpg by default: one face) and saved as a JPEG in a temporary
folder. Networks are opened before anything is timed; every figure is a median of several runs in CPU seconds
of one thread.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
from edit import HOPPER, enlarged
from figures import save

import mien
from mien import EditRequest, Kit, Photo, Session, read, write

RUNS = 5
REQUESTS: tuple[dict[str, Any], ...] = (
    {"smile": 0.5},
    {"light": 0.5},
    {"lips": "red"},
    {"age": 20.0},
    {"hair": "blond"},
    {"warmth": 0.5},
)


def cpu(task: Callable[[], object], runs: int = RUNS) -> float:
    """Median CPU seconds of `task`, after one run that does not count."""
    times = []
    for _ in range(runs + 1):
        start = time.process_time()
        task()
        times.append(time.process_time() - start)
    return statistics.median(times[1:])


def second(photo: Photo, request: EditRequest, kit: Kit) -> tuple[float, float]:
    """Median CPU seconds of the first request on an opened photo, and of the next."""
    firsts, seconds = [], []
    for _ in range(RUNS + 1):
        start = time.process_time()
        session = Session(photo, kit=kit)
        session.apply(request)
        middle = time.process_time()
        session.apply(request)
        firsts.append(middle - start)
        seconds.append(time.process_time() - middle)
    return statistics.median(firsts[1:]), statistics.median(seconds[1:])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("photo", type=Path, nargs="?", default=HOPPER)
    parser.add_argument("--json", type=Path, default=None)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    kit, rows = Kit(threads=1), []
    with tempfile.TemporaryDirectory() as name:
        large, out = Path(name) / "large.jpg", Path(name) / "out.jpg"
        enlarged(given.photo, large)
        photo = read(large)
        labelled = mien.edit(photo, kit=kit, smile=0.5)
        ends = cpu(lambda: read(large)) + cpu(lambda: write(labelled, out, force=True))
        for asked in REQUESTS:
            request = EditRequest(asked)
            first, again = second(photo, request, kit)
            whole = cpu(
                lambda request=request: write(Session(read(large), kit=kit).apply(request), out, force=True)
            )
            row = {
                "first_seconds": first,
                "second_seconds": again,
                "ratio": again / first,
                "over_both_ends": whole / ends,
            }
            words = " ".join(f"{name} {value}" for name, value in asked.items())
            rows.append({"request": words} | {name: round(value, 3) for name, value in row.items()})
            print(
                f"{words:<16} first {first:.3f} s, second {again:.3f} s: {again / first:.2f}; all {whole / ends:.2f} of both ends"
            )
    save(
        given.json,
        "python benchmarks/session.py",
        rows,
        photo_megapixels=12,
        decode_and_encode_seconds=round(ends, 4),
    )


if __name__ == "__main__":
    main()
