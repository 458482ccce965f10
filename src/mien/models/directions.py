"""Directions: where to go in a generator's space for an older face, a fuller smile; from the file that `mien
directions` writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..types import Array, Direction
from .card import KEY, Card, arrays


class Directions:
    """A directions file (.npz): codes by name, `[W]` or `[L, W]` each; the card's `space` is the sha256 of
    the generator."""

    def __init__(self, name: str, path: Path, sha256: str) -> None:
        self.name, self.sha256 = name, sha256
        self.card, codes = arrays(path)
        self.known = {key: Direction(one, self.card.space) for key, one in codes.items()}


def write(path: Path, card: Card, codes: dict[str, Array]) -> None:
    """Write a directions file."""
    arrays: dict[str, Any] = {
        KEY: np.array(card.to_json()),
        **{key: one.astype(np.float32) for key, one in codes.items()},
    }
    np.savez(path, **arrays)
