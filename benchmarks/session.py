"""How much quicker a second request on an open photo is, and how much an edit costs beside decoding and encoding: ratios of one run.

    python benchmarks/session.py [PHOTO] [--json out.json]

PHOTO is enlarged to 12 megapixels (docs/hopper.jpg by default: one face) and saved as a JPEG in a temporary folder. Networks are opened
before anything is timed; every figure is a median of several runs in CPU seconds of one thread.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
from edit import HOPPER, enlarged

import mien
from mien import EditRequest, Kit, Photo, Session, read, write

RUNS = 5
REQUESTS: tuple[dict[str, Any], ...] = ({"smile": 0.5}, {"light": 0.5}, {"lips": "red"}, {"age": 20.0}, {"hair": "blond"}, {"warmth": 0.5})


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
            whole = cpu(lambda request=request: write(Session(read(large), kit=kit).apply(request), out, force=True))
            rows.append({"request": asked, "first": first, "second": again, "ratio": again / first, "over_ends": whole / ends})
            print(
                f"{asked!s:<20} first {first:.3f} s, second {again:.3f} s: {again / first:.2f}; whole {whole / ends:.2f} of decode and encode"
            )
    if given.json:
        given.json.write_text(
            json.dumps({"command": "python benchmarks/session.py", "decode_and_encode": ends, "rows": rows}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
