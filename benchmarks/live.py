"""How many frames a second a live stream can have: a talker's clip, enlarged to 640 x 480, given as a camera would.

python benchmarks/live.py DATA [--json FILE]

DATA holds `talkers` and `selfies`. Of each kind of work: the time of the thread that shows frames (looking for the face
included), which is what a stream waits for, and the time of the thread beside it, which renews Changes. Times are those
of the processor, as others may use the machine.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import cv2
import figures
import numpy as np

from mien import read
from mien.edits.registry import plan
from mien.edits.request import EditRequest
from mien.io import clip_reader
from mien.models.kit import Kit
from mien.pipeline.animate import animate
from mien.pipeline.live import LiveEffect, swap_shown
from mien.pipeline.live_edits import LiveEdits
from mien.pipeline.live_face import KEYS, LiveFace
from mien.pipeline.live_portrait import LivePortrait
from mien.types import Array

WORK: dict[str, dict[str, float | str]] = {
    "light": {"light": 0.5},
    "lipstick": {"lips": "red"},
    "smile": {"smile": 0.6},
    "smile and age": {"smile": 0.5, "age": 20.0},
}
SIZE = 640, 480
FPS = 25.0


def frames(path: Path) -> list[Array]:
    found = [frame.pixels for frame in clip_reader.frames(clip_reader.clip(path))]
    return [cv2.resize(pixels, SIZE, interpolation=cv2.INTER_CUBIC) for pixels in found]


def measured(kit: Kit, name: str, effect: LiveEffect, given: list[Array]) -> dict[str, Any]:
    """One kind of work as a row: both threads' work is done here, one after the other."""
    face, shown, renewed, due = LiveFace(kit), list[float](), list[float](), 0.0
    for number, pixels in enumerate(given):
        start = time.thread_time()
        found = face.look(pixels, number / FPS)
        looked = time.thread_time() - start
        if found is None:
            continue
        if number / FPS >= due:
            start, due = time.thread_time(), number / FPS + 1 / KEYS
            effect.renew(pixels, found)
            renewed.append(time.thread_time() - start)
        start = time.thread_time()
        effect.show(pixels, found, number / FPS)
        shown.append(looked + time.thread_time() - start)
    each = float(np.median(shown[10:]))
    return {
        "work": name,
        "show_ms": round(1000 * each, 1),
        "frames_a_second": round(1 / each, 1),
        "renew_ms": round(1000 * float(np.median(renewed[2:])), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    kit = Kit(threads=1)
    cv2.setNumThreads(1)
    given = frames(sorted((asked.data / "talkers").glob("*.mpg"))[0])
    work: dict[str, LiveEffect] = {
        name: LiveEdits(plan(EditRequest(strengths), kit), kit) for name, strengths in WORK.items()
    }
    photo = read(asked.data / "selfies" / "30cm.jpg")
    made = animate(photo, "idle", consent="measured and not published", size=512, kit=kit)
    work["portrait of 512 pixels"] = LivePortrait(
        made.photo.pixels, made.actors[0].reenactor, kit.shapes.model
    )
    shown = swap_shown(asked.data / "selfies", "measured and not published", kit)
    work["swap"] = shown.effect
    rows: list[dict[str, Any]] = []
    for name, effect in work.items():
        rows.append(measured(kit, name, effect, given))
        print(rows[-1], flush=True)
    figures.save(asked.json, "python benchmarks/live.py DATA --json FILE", rows)


if __name__ == "__main__":
    main()
