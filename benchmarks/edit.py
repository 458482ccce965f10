"""How long `mien edit` takes and how much memory: medians, printed as the README's table.

    python benchmarks/edit.py [PHOTO]

PHOTO is enlarged to 12 megapixels (docs/hopper.jpg by default: one face) and saved as a JPEG in a temporary folder.
Every figure is a median of several runs; the cold ones are new processes, whose peak memory is read from the operating system.
"""

from __future__ import annotations

import multiprocessing
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

from mien import Alignment, edit, read, verbs, write
from mien.edits import registry as edits
from mien.edits.request import EditRequest
from mien.edits.whole_face import Prototype, Retouch
from mien.face import change, geometry

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
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photo, out = folder / "photo.jpg", folder / "out.jpg"
        maker = multiprocessing.get_context("spawn").Process(
            target=enlarged, args=(Path(sys.argv[1]) if len(sys.argv) > 1 else HOPPER, photo)
        )
        maker.start()
        maker.join()
        print(f"12 megapixels, {photo.stat().st_size / 1e6:.1f} MB JPEG, {os.cpu_count()} cores, medians of {RUNS}\n")
        print("| what | figure |\n|---|---|")
        # first, while this process is small (the photo was made by another): a child's peak counts from its parent's
        command = (sys.executable, "-m", "mien", "edit", str(photo), "--smile", "0.8", "-o", str(out), "--force")
        cold = [process(*command) for _ in range(RUNS)]
        print(f"| cold `mien edit` as a process | {statistics.median(c[0] for c in cold):.2f} s |")
        print(f"| its peak memory | {max(c[1] for c in cold):.0f} MB |")
        rows: dict[str, dict[str, Any]] = {"smile 0.8": {"smile": 0.8}, "age +30 and smile 0.8": {"age": 30.0, "smile": 0.8}}
        for words, strengths in rows.items():
            warm = median(lambda strengths=strengths: write(edit(read(photo), **strengths), out, force=True))
            print(f"| warm `edit`, decode and encode included, {words} | {warm:.2f} s |")
        loaded = read(photo)
        face = verbs.find(loaded)[0]
        crop, tight = (geometry.align(loaded.pixels, face.landmarks, how.alignment) for how in (Prototype, Retouch))
        kit = verbs.shared_kit()
        (prototype,), (retouch,) = (edits.plan(EditRequest({"age": 30.0}, method=by), kit) for by in (None, "network"))
        steps: dict[str, Callable[[], object]] = {
            "decode": lambda: read(photo),
            "find": lambda: verbs.find(loaded),
            "align": lambda: geometry.align(loaded.pixels, face.landmarks, Prototype.alignment),
            "Change by prototypes": lambda: prototype(crop),
            "Change by the network": lambda: retouch(tight),
            "carry": lambda: change.composite(loaded.pixels, crop, prototype(crop)),
            "encode and label": lambda: write(edited, out, force=True),
        }
        edited = edit(loaded, age=30)
        for words, task in steps.items():
            print(f"| … {words} | {1000 * median(task):.0f} ms |")
        from mien import Kit

        one = Kit(threads=1)
        small = geometry.align(loaded.pixels, face.landmarks, Alignment("face", one.retoucher.net.card.size))
        print(f"| retouch network alone, one thread | {1000 * median(lambda: one.retoucher.change(small, age=20.0), 15):.0f} ms |")
        imports = [process(sys.executable, "-c", "import mien")[0] for _ in range(RUNS)]
        everything = [process(sys.executable, "-c", "from mien import edit, read, write")[0] for _ in range(RUNS)]
        print(f"| `import mien` | {statistics.median(imports):.2f} s |")
        print(f"| `from mien import edit, read, write` | {statistics.median(everything):.2f} s |")


if __name__ == "__main__":
    main()
