"""The motions in the box, by name: see `face.motion`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from ..face.motion import TOLD, Gesture, Motion

SUFFIX = ".json"


def _folder() -> Path:
    return Path(str(files("mien") / "data" / "motions"))


@cache
def boxed() -> tuple[str, ...]:
    """Their names, sorted."""
    return tuple(sorted(path.stem for path in _folder().iterdir() if path.suffix == SUFFIX))


def boxed_text(name: str) -> str:
    """The file of one of them."""
    return (_folder() / f"{name}{SUFFIX}").read_text(encoding="utf-8")


def peak(name: str, modes: int) -> Gesture:
    """What a face expresses in a motion in the box where it does so most."""
    values = Motion.parse(boxed_text(name), name, modes).values
    return Gesture.of(values[np.abs(values[:, TOLD:]).sum(1).argmax()])
