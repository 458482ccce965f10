"""Hair of any length and volume about a face of any shape, as outlines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...types import Array
from .head_shapes import Outline


@dataclass(frozen=True, eq=False)
class Hairdo:
    """Hair as polygons `[n, 2]` in the crop: what hangs behind the head, and what lies on it."""

    behind: Array
    before: Array


def hairdo(points: Array, feminine: bool, random: np.random.Generator) -> Hairdo:
    """Short, middle or long hair of any volume, smooth, curly or pointed, with a fringe, a parting or neither."""
    face = Outline.of(points)
    length = str(
        random.choice(["short", "middle", "long"], p=[0.1, 0.35, 0.55] if feminine else [0.85, 0.1, 0.05])
    )
    low, high = {"short": (0.15, 0.45), "middle": (0.7, 1.1), "long": (1.2, 1.9)}[length]
    end, middle = face.top + face.height * random.uniform(low, high), face.top + 0.3 * face.height
    crown = face.top - face.height * random.uniform(0.1, 0.45)
    half = face.half * (random.uniform(1.0, 1.2) if random.random() < 0.7 else random.uniform(1.2, 1.7))
    turn = np.linspace(0, np.pi, 48)
    dome = np.stack([face.middle - half * np.cos(turn), middle - (middle - crown) * np.sin(turn) ** 0.8], 1)
    dome = _textured(dome, face, random)
    flare, steps = random.uniform(0.8, 1.3), np.linspace(0, 1, 12)[1:, None]
    sides = [
        dome[k] + steps * ([face.middle + side * half * flare, max(end, middle + 2)] - dome[k])
        for k, side in ((0, -1), (-1, 1))
    ]
    behind = np.concatenate([sides[0][::-1], dome, sides[1]])
    if length == "short":
        behind = np.concatenate([dome, [[face.middle + 0.8 * half, end], [face.middle - 0.8 * half, end]]])
    return Hairdo(behind, np.concatenate([dome, _hairline(face, random)]))


def _textured(dome: Array, face: Outline, random: np.random.Generator) -> Array:
    """The outline of hair with points, curls, or as it is."""
    kind, along = random.random(), np.linspace(0, 1, len(dome))
    if kind < 0.55:
        return dome
    count, much = random.integers(4, 11), face.height * random.uniform(0.04, 0.22)
    wave = (
        2 * np.abs((along * count) % 1 - 0.5) if kind < 0.8 else 0.6 * np.abs(np.sin(along * count * np.pi))
    )
    out = dome - np.array([face.middle, face.top + 0.3 * face.height])
    return dome + out / np.linalg.norm(out, axis=1, keepdims=True) * (wave * much)[:, None]


def _hairline(face: Outline, random: np.random.Generator) -> Array:
    """Where hair ends on the forehead, from right to left: `[n, 2]`."""
    at = np.linspace(1, -1, 17)
    kind = str(
        random.choice(["bare", "straight", "swept", "parted", "jagged"], p=[0.35, 0.2, 0.2, 0.15, 0.1])
    )
    deep = random.uniform(0.18, 0.34)
    down = {
        "bare": 0.03 + 0.25 * np.abs(at) ** 3,
        "straight": np.full(len(at), deep),
        "swept": deep * (0.6 + 0.5 * at * random.choice([-1, 1])),
        "parted": deep * np.abs(at - random.uniform(-0.4, 0.4)),
        "jagged": deep * (0.6 + 0.6 * (np.arange(len(at)) % 2)),
    }[kind]
    return np.stack([face.middle + at * face.half * 0.97, face.top + face.height * down], 1)
