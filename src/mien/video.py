"""Write clips. The only file that imports PyAV."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

from . import provenance
from .errors import OutputError
from .types import Array, Origin, Step

SUFFIXES = (".mp4",)
QUALITY = "18"  # x264's constant rate factor: hardly to be told from the frames


def write(frames: Iterable[Array], path: Path, *, fps: float, history: tuple[Step, ...], force: bool = False) -> int:
    """Write frames `[H, W, 3]` uint8 RGB, all of one size, as a labelled H.264 clip; returns how many there were.

    Frames are taken one at a time, so a clip may be longer than memory. Sides are cut to even numbers, which the format wants.
    `OutputError` where the file exists and `force` is not set, or cannot be written; then nothing is left behind.
    """
    target(path, force=force)
    try:
        with _draft(path) as raw, _draft(path) as labelled:
            count = _encode(frames, raw, fps)
            with raw.open("rb") as source, labelled.open("wb+") as out:
                provenance.sign(source, out, "video/mp4", history, Origin())
            labelled.replace(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}): make room, or choose another place with -o") from error
    return count


def target(path: Path, *, force: bool) -> None:
    """Refuse what can be refused before there is a frame."""
    if path.suffix.lower() not in SUFFIXES:
        raise OutputError(f"{path}: the suffix {path.suffix!r} names no clip that mien writes: use {' '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: there is no folder {path.parent}: mkdir -p {path.parent}")
    if path.exists() and not force:
        raise OutputError(f"{path} exists: choose another name, or write over it with --force")


def _encode(frames: Iterable[Array], path: Path, fps: float) -> int:
    import av

    count, stream = 0, None
    with av.open(str(path), "w", format="mp4") as container:
        for pixels in frames:
            count += 1
            height, width = pixels.shape[0] & ~1, pixels.shape[1] & ~1
            if stream is None:
                stream = container.add_stream("libx264", Fraction(fps).limit_denominator(1001), {"crf": QUALITY, "preset": "veryfast"})
                stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels[:height, :width].copy(), format="rgb24")))
        if stream is not None:
            container.mux(stream.encode())
    return count


@contextlib.contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """A file beside the target that is gone in the end, unless it took the target's place."""
    draft = path.with_name(f".mien-{secrets.token_hex(6)}.part")
    try:
        yield draft
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
