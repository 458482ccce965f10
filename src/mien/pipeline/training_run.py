"""The folder of a training run as people look at it, without the packages that training needs: how far it is, how its
loss went, and its previews. `train.engine` writes it.

begun     whether there is something to go on with
told      how far a run is
curve     how its loss went
preview   the picture of a step
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from ..io import photo_reader
from ..types import Array

LOG = "log.jsonl"
PREVIEW = re.compile(r"preview-(\d+)\.png")
POINTS = 160  # of a curve, at most
SPAN = 4096  # bytes of a long log that are read for each of them, and for its end
LOSSES = (
    "l1",
    "loss",
)  # what is drawn of, the first that is there: how far off what is drawn is, or what is made less


def begun(run: Path) -> bool:
    """Whether a run has a checkpoint to go on from."""
    return any(run.glob("step-*.safetensors"))


def told(run: Path) -> dict[str, Any]:
    """What a run is, and how far: `step` of `steps`, the steps of its `previews`, and `seconds_left` at the pace of its
    last steps, None before the first."""
    about = json.loads((run / "run.json").read_text(encoding="utf-8"))
    steps, last = int(about["config"]["steps"]), (_lines(run / LOG, [-SPAN]) or [{}])[-1]
    step, pace = int(last.get("step", 0)), last.get("images_per_s")
    left = round((steps - step) * about["config"]["batch"] / pace) if pace else None
    previews = sorted(int(match[1]) for path in run.iterdir() if (match := PREVIEW.fullmatch(path.name)))
    known = {name: about[name] for name in ("family", "preset")}
    return known | {"step": step, "steps": steps, "previews": previews, "seconds_left": left}


def curve(run: Path) -> list[tuple[int, float]]:
    """How the loss went: steps and its mean about there. Of a long log only parts are read."""
    size = (run / LOG).stat().st_size if (run / LOG).is_file() else 0
    whole = size <= POINTS * SPAN
    starts = [0] if whole else np.linspace(0, size - SPAN, POINTS).astype(int).tolist()
    lines = _lines(run / LOG, starts, size if whole else SPAN)
    name = next((one for one in LOSSES if lines and one in lines[0]), None)
    if name is None:
        return []
    parts = np.array_split(np.array([(one["step"], one[name]) for one in lines]), min(POINTS, len(lines)))
    return [(int(part[-1, 0]), round(float(part[:, 1].mean()), 5)) for part in parts]


def preview(run: Path, step: int) -> Array:
    """The preview of a step, `[H, W, 3]`; `InputError` where there is none."""
    return photo_reader.read(run / f"preview-{step:06d}.png").pixels


def _lines(log: Path, starts: list[int], length: int = SPAN) -> list[dict[str, Any]]:
    """The whole lines of parts of a log, which begin so many bytes from its start, or its end where that is negative."""
    lines: list[dict[str, Any]] = []
    if not log.is_file():
        return lines
    with log.open("rb") as file:
        size = file.seek(0, 2)
        for start in starts:
            file.seek(max(start if start >= 0 else size + start, 0))
            cut = file.tell() > 0
            part = file.read(length).decode("utf-8", "replace").split("\n")
            # what stands before the first and behind the last newline is part of a line
            lines += [json.loads(line) for line in part[cut:-1]]
    return lines
