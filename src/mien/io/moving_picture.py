"""Write GIF and WebP pictures that move, labelled as clips are."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from ..errors import OutputError
from ..types import Array, Origin, Step
from . import content_credentials as provenance
from . import outputs

SUFFIXES = {".gif": "GIF", ".webp": "WEBP"}
QUALITY = 85  # of WebP
LARGEST = {"GIF": 65535, "WEBP": 16383}  # pixels of a side


def write(
    frames: Iterable[Array],
    path: Path,
    *,
    fps: float,
    history: tuple[Step, ...],
    origin: Origin,
    force: bool = False,
    bits: str = "",
) -> int:
    """Write frames `[H, W, 3]` uint8 RGB as a picture that moves and begins anew without end; returns how many there
    were. GIF has 256 colours a frame and hundredths of a second, so that its rate is the nearest that it can hold.
    bits: of the mark in the frames."""
    form = target(path, force=force)
    count = 0

    def pictures() -> Iterable[Image.Image]:
        nonlocal count
        for pixels in frames:
            count += 1
            if max(pixels.shape[:2]) > LARGEST[form]:
                raise OutputError(f"{path}: {form} holds at most {LARGEST[form]} pixels a side: give --size")
            yield Image.fromarray(pixels)

    rest = iter(pictures())
    step = 10 * max(2, math.floor(100 / fps + 0.5)) if form == "GIF" else round(1000 / fps)
    raw = io.BytesIO()
    options = {"quality": QUALITY, "method": 2} if form == "WEBP" else {}
    next(rest).save(raw, form, save_all=True, append_images=rest, duration=step, loop=0, **options)
    labelled = io.BytesIO()
    raw.seek(0)
    provenance.sign(raw, labelled, f"image/{form.lower()}", history, origin, bits)
    outputs.write(path, labelled.getbuffer(), force=force)
    return count


def target(path: Path, *, force: bool) -> str:
    """The format that will be written, after refusing what can be refused before there is a frame."""
    form = SUFFIXES.get(path.suffix.lower())
    if form is None:
        raise OutputError(f"{path}: a picture that moves is one of .mp4 {' '.join(SUFFIXES)}")
    outputs.check_free(path, force)
    return form
