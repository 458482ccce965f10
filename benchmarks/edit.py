"""How long `mien edit` takes: medians of several runs.

    python benchmarks/edit.py [PHOTO] [--json benchmarks/results/speed.json]

PHOTO is enlarged to 12 megapixels (docs/hopper.jpg by default: one face) and saved as a JPEG in a temporary
folder. The cold figures are of new processes.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from figures import save

from mien import Alignment, EditRequest, Kit, edit, read, verbs, write
from mien.edits.registry import plan
from mien.edits.request import Strengths
from mien.edits.whole_face import Prototype, Retouch
from mien.face import geometry
from mien.face.change import composite

RUNS = 7
HOPPER = Path(__file__).parents[1] / "docs" / "hopper.jpg"


def median(task: Callable[[], object], runs: int = RUNS) -> float:
    """Median seconds of `task`, after one run that does not count."""
    times = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        task()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def enlarged(path: Path, out: Path, pixels: float = 12e6) -> None:
    """The picture at 12 megapixels with grain, as a camera's JPEG would be."""
    small = read(path).pixels
    scale = (pixels / (small.shape[0] * small.shape[1])) ** 0.5
    large = cv2.resize(small, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC).astype(np.float32)
    large += np.random.default_rng(0).normal(0, 3, large.shape).astype(np.float32)
    cv2.imwrite(str(out), np.clip(large, 0, 255).astype(np.uint8)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])


def process(*command: str) -> tuple[float, float]:
    """Seconds and peak megabytes of one new process."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    assert status == 0, command
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("photo", type=Path, nargs="?", default=HOPPER)
    parser.add_argument("--json", type=Path, default=None)
    given = parser.parse_args()
    rows: list[dict[str, Any]] = []

    def told(what: str, seconds: float) -> None:
        rows.append({"what": what, "seconds": round(seconds, 4)})
        print(f"{what:<64} {seconds:.3f} s")

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photo, out = folder / "photo.jpg", folder / "out.jpg"
        enlarged(given.photo, photo)
        command = (
            sys.executable,
            "-m",
            "mien",
            "edit",
            str(photo),
            "--smile",
            "0.8",
            "-o",
            str(out),
            "--force",
        )
        told("mien edit as a new process", statistics.median(process(*command)[0] for _ in range(RUNS)))
        requests: dict[str, Strengths] = {
            "smile 0.8": {"smile": 0.8},
            "age 30 and smile 0.8": {"age": 30.0, "smile": 0.8, "hair_grey": 0.0},
            "age 30 with grey hair": {"age": 30.0},
        }
        for words, strengths in requests.items():
            warm = median(lambda strengths=strengths: write(edit(read(photo), **strengths), out, force=True))
            told(f"warm edit, reading and writing included, {words}", warm)
        loaded, kit = read(photo), Kit(threads=1)
        face = verbs.find(loaded)[0]
        crop, tight = (
            geometry.align(loaded.pixels, face.landmarks, edit.alignment) for edit in (Prototype, Retouch)
        )
        (prototype,), (retouch,) = (
            plan(EditRequest({"age": 30.0, "hair_grey": 0.0}, method=by), verbs.shared_kit())
            for by in (None, "network")
        )
        change, edited = prototype(crop), edit(loaded, age=30)
        small = geometry.align(loaded.pixels, face.landmarks, Alignment("face", kit.retoucher.net.card.size))
        steps: dict[str, Callable[[], object]] = {
            "of which decoding": lambda: read(photo),
            "of which finding the face": lambda: verbs.find(loaded),
            "of which alignment": lambda: geometry.align(loaded.pixels, face.landmarks, Prototype.alignment),
            "of which the change, by prototypes": lambda: prototype(crop),
            "of which the change, by the network": lambda: retouch(tight),
            "of which compositing": lambda: composite(loaded.pixels, crop, change),
            "of which encoding and the label": lambda: write(edited, out, force=True),
            "retouch network alone, one thread": lambda: kit.retoucher.change(small, age=20.0),
        }
        for words, task in steps.items():
            told(words, median(task))
        for code in ("import mien", "from mien import edit, read, write"):
            told(code, statistics.median(process(sys.executable, "-c", code)[0] for _ in range(RUNS)))
        told(
            "mien --version",
            statistics.median(process(sys.executable, "-m", "mien", "--version")[0] for _ in range(RUNS)),
        )
    save(given.json, "python benchmarks/edit.py", rows, photo_megapixels=12, runs=RUNS)


if __name__ == "__main__":
    main()
