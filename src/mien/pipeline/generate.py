"""The verbs that draw faces which belong to nobody, by a generator."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ..errors import RequestError
from ..io import clip_writer as video
from ..models.kit import Kit, shared_kit
from ..types import Photo
from . import directions as latents
from . import photo as apply


def generate(
    network: str, seeds: Sequence[int], *, truncation: float = 0.7, kit: Kit | None = None
) -> Iterator[Photo]:
    """Draw one picture a seed with the generator `network` (its halves are NETWORK-mapper and
    NETWORK-generator in `models`).

    truncation 0..1: 1 is as varied as the network learned, 0 its mean face. The pictures are labelled as
    wholly generated.
    """
    _check_truncation(truncation)
    mapper, generator = (kit or shared_kit()).generator(network)
    for seed in seeds:
        pixels = generator.draw(mapper.styles(mapper.noise(seed), truncation))[0]
        yield Photo(
            pixels,
            history=(
                apply.generation_step({"seed": seed, "truncation": truncation}, (mapper.net, generator.net)),
            ),
        )


def walk(
    network: str,
    seeds: Sequence[int],
    out: Path,
    *,
    truncation: float = 0.7,
    frames: int = 60,
    fps: float = 30.0,
    force: bool = False,
    kit: Kit | None = None,
) -> int:
    """Write a clip (.mp4) that goes smoothly from the face of one seed to that of the next and back to the
    first, `frames` from each to the next; returns how many frames there are. The clip is labelled as wholly
    generated."""
    _check_truncation(truncation)
    video.target(out, force=force)
    mapper, generator = (kit or shared_kit()).generator(network)
    stops = [mapper.styles(mapper.noise(seed), truncation)[0] for seed in seeds]
    step = apply.generation_step(
        {"seeds": list(seeds), "truncation": truncation, "frames": frames}, (mapper.net, generator.net)
    )
    pictures = (generator.draw(w[None])[0] for w in latents.loop(stops, frames))
    return video.write(pictures, out, fps=fps, history=(step,), force=force)


def _check_truncation(truncation: float) -> None:
    if not 0 <= truncation <= 1.5:
        raise RequestError(f"truncation {truncation:g} is out of range: 0 to 1.5")


def grid(photos: Sequence[Photo]) -> Photo:
    """Pictures of one size side by side, about as wide as high; it remembers all their histories."""
    columns = math.ceil(math.sqrt(len(photos)))
    blank = np.full_like(photos[0].pixels, 255)
    tiles = [photo.pixels for photo in photos] + [blank] * (-len(photos) % columns)
    rows = [np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)]
    return Photo(np.vstack(rows), history=tuple(step for photo in photos for step in photo.history))
