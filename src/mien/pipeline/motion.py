"""Motions: taken from a clip, read from files, and those in the box.

From a clip only numbers are taken, against a frame in which the face looks ahead at rest: nobody's picture is in
them.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from ..arguments import checked
from ..edits.reenact_driver import DrivingFace
from ..errors import FaceError, InputError, RequestError
from ..face.motion import Motion
from ..face.shape import ShapeModel
from ..io import clip_reader, outputs
from ..io.photo_reader import MAX_PIXELS
from ..models.catalogue import sha256_of
from ..models.kit import Kit, shared_kit
from ..models.motions import SUFFIX, boxed, boxed_text
from ..types import SILENT, Array, Face, Progress, Source
from .people import FaceLike, meant
from .tracking import TrackedFrame, Tracker, smooth

FADE = 0.2  # seconds on each side by which landmarks are smoothed
SHORTEST = 1.0  # seconds for which a face is in sight, at least, or half of a short clip
ASKEW = 35.0, 30.0  # degrees of yaw and pitch of the most neutral frame, beyond which it is none
LARGEST_FILE = 4_000_000  # bytes

MotionLike = Motion | str | os.PathLike[str]


def as_motion(
    motion: MotionLike,
    *,
    face: FaceLike = "largest",
    start: float | None = None,
    end: float | None = None,
    max_pixels: int = MAX_PIXELS,
    kit: Kit | None = None,
    progress: Progress = SILENT,
) -> tuple[Motion, Source]:
    """A motion, and what a label says of where it is from: one in the box by its name, one that `mien motion` wrote, or
    that of a clip, of which the other words are told: see `motion_of`."""
    kit = kit or shared_kit()
    if isinstance(motion, Motion):
        return motion, _source(motion.name, motion.text())
    path, modes = Path(motion), len(kit.shapes.model.expression)
    if str(motion) in boxed():
        text = boxed_text(str(motion))
        return Motion.parse(text, str(motion), modes), _source(str(motion), text)
    if not path.is_file():
        raise InputError(
            f"no motion is called {str(motion)!r}, and there is no such file: in the box are {', '.join(boxed())}"
        )
    if path.suffix.lower() == SUFFIX:
        if path.stat().st_size > LARGEST_FILE:
            raise InputError(f"{path} is too large for a motion: {path.stat().st_size} bytes")
        text = path.read_text(encoding="utf-8", errors="replace")
        return Motion.parse(text, path.name, modes), _source(path.name, text)
    found = motion_of(
        path, face=face, start=start, end=end, max_pixels=max_pixels, kit=kit, progress=progress
    )
    return found, driver_of(path)


def driver_of(clip: Path) -> Source:
    """What a label says of a clip that drives; of a camera only its name."""
    return Source(clip.name, "motion", sha256_of(clip) if clip.is_file() else "", str(clip))


def boxed_motions(*, kit: Kit | None = None) -> list[Motion]:
    """The motions in the box, by name."""
    return [as_motion(name, kit=kit)[0] for name in boxed()]


@checked
def motion_of(
    clip: str | os.PathLike[str],
    *,
    face: FaceLike = "largest",
    start: float | None = None,
    end: float | None = None,
    loop: bool = False,
    max_pixels: int = MAX_PIXELS,
    kit: Kit | None = None,
    progress: Progress = SILENT,
) -> Motion:
    """What one face of a clip does, as numbers: `motion_of("laugh.mp4")`.

    face: "largest", the Nth from the left, or the person whom a picture shows; start, end: only this part, in seconds;
    loop: its end goes over into its beginning. Each shot is told against its own frame in which the face looks ahead at
    rest. Raises `FaceError` where no face is in sight for a second, or none that looks ahead.
    """
    kit, path = kit or shared_kit(), Path(clip)
    film = clip_reader.clip(path, begin=start, end=end, max_pixels=max_pixels)
    tracker, sights = Tracker(kit, meant(face, kit=kit)), list[TrackedFrame]()
    for frame in clip_reader.frames(film):
        sights.append(tracker.look(frame.pixels, frame.time))
        progress.advance(len(sights), film.frames)
        if progress.cancelled:
            raise KeyboardInterrupt
    fps = float(film.fps)
    faces = _steady(sights, max(2, round(fps * FADE)))
    if sum(one is not None for one in faces) < min(SHORTEST * fps, len(faces) / 2):
        raise FaceError(f"{path}: no face is in sight for a second, so nothing can be taken from it")
    values = _filled(_told(faces, sights, kit.shapes.model, path))
    motion = Motion(path.stem, fps, values.astype(np.float32))
    return motion.looped(0.4) if loop else motion


@checked
def write_motion(motion: Motion, path: str | os.PathLike[str], *, force: bool = False) -> None:
    """Write a motion as a file of JSON, which `animate` takes: some 25 bytes a frame, and nobody's picture."""
    path = check_motion_file(path, force=force)
    outputs.write(path, motion.text().encode(), force=force)


def check_motion_file(path: str | os.PathLike[str], *, force: bool) -> Path:
    """A place to write a motion to, after refusing what can be refused before."""
    path = Path(path)
    if path.suffix.lower() != SUFFIX:
        raise RequestError(f"{path}: a motion's name ends with {SUFFIX}, as in {path.with_suffix(SUFFIX)}")
    outputs.check_free(path, force)
    return path


def _source(name: str, text: str) -> Source:
    return Source(name, "motion", hashlib.sha256(text.encode()).hexdigest())


def _steady(sights: Sequence[TrackedFrame], fade: int) -> list[Face | None]:
    """The face that is meant in each frame, smoothed over time."""
    out = list[Face | None]()
    for i, sight in enumerate(sights):
        first = max(i - fade, 0)
        near = smooth(sights[first : i + fade + 1], i - first, fade)
        number = next(iter(sorted(sight.meant & near.keys())), None)
        out.append(None if number is None else near[number][0])
    return out


def _told(
    faces: Sequence[Face | None], sights: Sequence[TrackedFrame], model: ShapeModel, path: Path
) -> list[Array | None]:
    """The rows of a motion, one for each frame that shows the face, shot by shot."""
    starts = [i for i, sight in enumerate(sights) if sight.cut or i == 0]
    out, turned = list[Array | None](), list[float]()
    for first, end in pairwise([*starts, len(sights)]):
        shot = [face for face in faces[first:end] if face is not None]
        if not shot:
            out += [None] * (end - first)
            continue
        heads = DrivingFace.of(shot, model)
        neutral = heads.neutral()
        turned.append(float(np.max(np.abs(heads.angles[neutral, :2]) / np.array(ASKEW))))
        rows = iter(heads.rows(neutral))
        out += [None if face is None else next(rows) for face in faces[first:end]]
    if min(turned) > 1:
        raise FaceError(
            f"{path}: the face never looks ahead, so nothing tells how it is at rest: take another part with --from"
        )
    return out


def _filled(rows: Sequence[Array | None]) -> Array:
    """Rows `[n, C]`, with what lies between the nearest where a frame shows no face."""
    known = [i for i, row in enumerate(rows) if row is not None]
    values = np.stack([row for row in rows if row is not None])
    at = np.arange(len(rows))
    return np.stack([np.interp(at, known, column) for column in values.T], 1)
