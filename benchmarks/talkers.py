"""Clips of people who talk, as benchmarks of what is trained on a person read them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mien import verbs
from mien.io import clip_reader, photo_writer
from mien.types import Array, Photo


def frames(path: Path) -> list[Array]:
    return [frame.pixels for frame in clip_reader.frames(clip_reader.clip(path))]


def faces_of(name: str, film: Sequence[Array], runs: Path, *, size: int = 256) -> Path:
    """The folder in `runs` of the faces of one talker, `size` pixels a side, made where it is not there."""
    folder, pictures = runs / f"faces-{name}", runs / f"frames-{name}"
    if not (folder / "faces.csv").is_file():
        pictures.mkdir(parents=True, exist_ok=True)
        for i, pixels in enumerate(film):
            photo_writer.write(Photo(pixels), pictures / f"{i:03}.png", force=True)
        sources = sorted(pictures.glob("*.png"))
        verbs.extract(sources, folder, like=sources[0], size=size, resume=True)
    return folder
