"""What an edit did to a clip: some of its frames as `measure` sees photos, and whether the effect stands
still on the face."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..arguments import checked
from ..errors import FaceError, InputError
from ..face import geometry, mesh
from ..io import clip_reader as footage
from ..models.kit import Kit, shared_kit
from ..types import Alignment, Array, Clip, Face, Photo
from . import compare as measure
from .report import Report, judge

WINDOWS, LENGTH = 4, 8  # so many stretches of so many frames, spread over the clip
LAYOUT = Alignment("face", 192)


@dataclass(frozen=True)
class ClipReport:
    """What differs between two clips of one size, frame by frame in order.

    frames: how many the first has, about; seen: how many were looked at, WINDOWS stretches of LENGTH frames;
    without: how many of those show no face. flicker: in each stretch the difference after - before is laid
    out by the landmarks of BEFORE's largest face, and the standard deviation over time of every pixel within
    the face is taken; the mean of all, in levels of 0 to 255. The edit's own part and what encoding adds are
    not told apart: an effect of nothing, encoded anew, has what the codec gives. effect: the root mean square
    of the difference itself, there. worst: over the first frame of each stretch, as of photos (see
    `report.LIMITS`), and flicker.
    """

    frames: int
    seen: int
    without: int
    flicker: float | None
    effect: float | None
    identity_by: str
    same_from: float
    worst: dict[str, float | None]


@checked
def report_clips(
    before: Path, after: Path, *, identity: str | None = None, around: str = "face", kit: Kit | None = None
) -> ClipReport:
    """Compare two clips; see `ClipReport`. `InputError` where they differ in size, `FaceError` where no frame
    looked at has a face."""
    kit = kit or shared_kit()
    first, second = (footage.clip(path) for path in (before, after))
    told: list[Report] = []
    stretches, seen, without = [], 0, 0
    for pairs in _stretches(first, second):
        effects: list[Array] = []
        inside = np.zeros(0, bool)
        for a, b in pairs:
            if a.shape != b.shape:
                sizes = " and ".join(f"{one.shape[1]} x {one.shape[0]}" for one in (a, b))
                raise InputError(
                    f"the clips have {sizes} pixels: a report compares pixel by pixel, so both have to be of one size"
                )
            seen += 1
            faces = kit.faces(a)
            if not faces:
                without += 1
                continue
            if not effects:
                told.append(
                    measure.measure(Photo(a), Photo(b), kit, identity=identity, around=around, faces=faces)
                )
            face = max(faces, key=lambda one: one.area)
            inside = _inside(face) if not effects else inside
            effects.append(_effect(a, b, face)[inside])
        if len(effects) > 1:
            stretches.append(np.stack(effects))
    if not told:
        raise FaceError(f"{before}: no face found in {seen} of its frames")
    worst = {name: _worst(name, [one.worst[name] for one in told]) for name in told[0].worst}
    known = bool(stretches)
    flicker = float(np.mean([one.std(0).mean() for one in stretches])) if known else None
    effect = float(np.sqrt(np.mean([np.square(one).mean() for one in stretches]))) if known else None
    by = told[0].identity_by, told[0].same_from
    return ClipReport(first.frames, seen, without, flicker, effect, *by, worst | {"flicker": flicker})


def as_text(report: ClipReport) -> list[str]:
    """A report on clips as lines for people."""
    said = (
        "-" if report.flicker is None else f"{report.flicker:.2f} levels, of an effect of {report.effect:.2f}"
    )
    lines = [
        f"{report.seen} of {report.frames} frames looked at, {report.without} without a face",
        f"  flicker     {said}",
    ]
    lines += [
        f"  {name.replace('_', ' '):<14} {value:.4g} at worst"
        for name, value in report.worst.items()
        if value is not None
    ][:-1]
    return [*lines, judge(report.identity_by, report.same_from)]


def _worst(name: str, values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return (min if name in ("identity", "sharpness") else max)(known) if known else None


def _stretches(before: Clip, after: Clip) -> Iterator[list[tuple[Array, Array]]]:
    """The frames of both clips in each stretch; every frame before the last is decoded, few are kept."""
    room = max(before.frames - LENGTH, 0)
    starts = sorted({room * k // max(WINDOWS - 1, 1) for k in range(WINDOWS)})
    pairs: list[tuple[Array, Array]] = []
    for a, b in zip(footage.frames(before), footage.frames(after), strict=False):
        if starts and a.number >= starts[0]:
            pairs.append((a.pixels, b.pixels))
        if len(pairs) == LENGTH:
            yield pairs
            pairs, starts = [], [start for start in starts if start > a.number]
            if not starts:
                return
    if pairs:
        yield pairs


def _effect(before: Array, after: Array, face: Face) -> Array:
    """The difference `[S, S, 3]` float32 of two frames, laid out by the face."""
    matrix = geometry.similarity(face.landmarks, LAYOUT)
    a, b = (geometry.warp(picture, matrix, LAYOUT.size).astype(np.float32) for picture in (before, after))
    return b - a


def _inside(face: Face) -> Array:
    """Which pixels of the layout the face covers: `[S, S]` bool."""
    return (
        mesh.hull_mask(
            geometry.transform(face.landmarks, geometry.similarity(face.landmarks, LAYOUT)), LAYOUT.size
        )
        > 0
    )
