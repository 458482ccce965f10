"""The verb `verify`: what a file's label says, and the mark in the pixels of its faces."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..arguments import checked
from ..errors import InputError, MienError
from ..io import clip_reader, content_credentials, photo_reader, watermark
from ..models.kit import Kit, shared_kit
from ..types import Array, Clip, Mark, Photo, Verdict
from .marking import found_places

LOOKS, FRAMES = 8, 6  # places of a clip that are looked at, and frames at each
SIDES = slice(None), slice(None, None, -1)  # as it is, and mirrored


@checked
def verify(path: str | os.PathLike[str], *, pixels: bool = False, kit: Kit | None = None) -> Verdict:
    """Read the label of a photo or clip: "intact", "broken" (the file or the label was changed, or the label was cut
    out) or "unlabelled".

    pixels: listen for the mark in the pixels of its faces too, which may be there when the label is lost; that takes
    longer, as faces must be found. `Verdict.mark` is None where there was nothing to listen to: no picture that can be
    read, or no face in it. A mark says that mien touched a face; it is public and can be copied, and no mark says
    nothing. Raises `InputError` for a file that is missing, or of a kind that cannot carry a label.
    """
    path = Path(path)
    verdict = content_credentials.verify(path)
    if not pixels:
        return verdict
    try:
        mark = heard(path, kit or shared_kit())
    except MienError:
        mark = None  # what cannot be read as a picture may have a label all the same
    return replace(verdict, mark=mark)


@checked
def matching(verdict: Verdict, among: Sequence[Path]) -> list[Path]:
    """Of files and of those in folders, the ones whose own intact label tells of the mark that was heard: where the label of a
    picture was lost, what was kept of it may tell what was done. Of 2,048 results two may be told alike."""
    for one in among:
        if not one.exists():
            raise InputError(f"{one}: no such file or folder")
    bits = verdict.mark.bits if verdict.mark else None
    files = (file for one in among for file in (sorted(one.iterdir()) if one.is_dir() else [one]))
    return [file for file in files if bits and file.is_file() and _told(file) == bits]


def _told(file: Path) -> str | None:
    """The bits that a file's label tells; None where it has none that is intact, or is no picture."""
    try:
        verdict = content_credentials.verify(file)
        return verdict.bits if verdict.state == "intact" else None
    except MienError:
        return None


def heard(path: Path, kit: Kit) -> Mark | None:
    """The mark that is heard in a photo or clip; None where it shows no face."""
    if path.suffix.lower() not in photo_reader.SUFFIXES and clip_reader.is_film(path):
        return heard_in_clip(clip_reader.clip(path), kit)
    return heard_in_photo(photo_reader.read(path), kit)


def heard_in_photo(photo: Photo, kit: Kit) -> Mark | None:
    """The clearest mark of a photo's faces; of a mirrored photo, too."""

    def marks(side: slice) -> Iterator[Mark]:
        return map(watermark.read, _signals(replace(photo, pixels=photo.pixels[:, side]), kit))

    return _clearest(marks)


def heard_in_clip(clip: Clip, kit: Kit) -> Mark | None:
    """The mark that frames from all over a clip say together: of each face in them a little, which adds up."""

    def marks(side: slice) -> Iterator[Mark]:
        signals = [one for frame in _sampled(clip) for one in _signals(Photo(frame[:, side]), kit)]
        if signals:
            yield watermark.read(np.mean(signals, axis=0))

    return _clearest(marks)


def _clearest(marks: Callable[[slice], Iterator[Mark]]) -> Mark | None:
    """The clearest of the marks that are heard as a picture is, or, where none is found there, of those and the ones
    that are heard in its mirror image."""
    found = list(marks(SIDES[0]))
    if found and not any(mark.found for mark in found):
        found += marks(SIDES[1])
    return max(found, key=lambda mark: mark.score, default=None)


def _signals(photo: Photo, kit: Kit) -> Iterator[Array]:
    pixels = np.ascontiguousarray(photo.pixels)
    for place in found_places(replace(photo, pixels=pixels), kit):
        yield watermark.heard(place.grey, place.face)


def _sampled(clip: Clip) -> Iterator[Array]:
    """Frames of a clip, a few in a row from each of its parts."""
    length, looks = clip.frames / clip.fps, max(1, min(LOOKS, clip.frames // FRAMES))
    for look in range(looks):
        begin = length * look / looks
        part = clip_reader.clip(Path(clip.path), begin=float(begin), end=float(begin + FRAMES / clip.fps))
        yield from (frame.pixels for frame in clip_reader.frames(part))
