"""Swaps between the people of a folder: whom the results look like, whether they express what they did before, and
whether the border is seen. A table and a contact sheet."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ..arguments import checked
from ..errors import FaceError, InputError, MienError, OutputError
from ..face import geometry
from ..io import outputs, photo_writer
from ..io import photo_reader as image
from ..models.kit import Kit, shared_kit
from ..pipeline.consent import check_consent
from ..pipeline.gallery import Gallery
from ..pipeline.look import PhotoFaces
from ..pipeline.swap import swap
from ..types import SILENT, Alignment, Array, Face, Photo, Progress, Step
from .benchmark import SHEET, TABLE, photos
from .seam import seam

TILE = 320  # pixels of a side of the sheet's pictures
AROUND = 0.5  # of a face's box, by which it is grown: what lies beyond is away from the face


@dataclass(frozen=True)
class SwapRow:
    """One swap. photo, source: names of files; refused: why it was not done, empty where it was.

    before, to_source, to_photo: likeness by the embedder in the box, 1 for the same picture: of the photo to the
    source, and of the result to both. expression: by how much the blendshapes differ from the photo's, on average of 0
    to 1. seam: see `measure.seam`, 1 is none. outside: pixels that differ away from the face. ms: of the swap.
    """

    photo: str
    source: str
    refused: str = ""
    before: float = float("nan")
    to_source: float = float("nan")
    to_photo: float = float("nan")
    expression: float = float("nan")
    seam: float = float("nan")
    outside: int = 0
    ms: float = float("nan")


@dataclass(frozen=True)
class Trace:
    """What a swap left behind besides another face; see `SwapRow`. seam: None where there is no border."""

    expression: float
    seam: float | None
    outside: int


def trace(before: Photo, after: Photo, own: Face, then: Face, kit: Kit) -> Trace:
    """What a swap of face `own`, which became `then`, left behind."""
    shapes = [np.array(list(kit.blendshapes.coefficients(face.landmarks).values())) for face in (own, then)]
    changed = (before.pixels != after.pixels).any(-1)
    edge = seam(before.pixels, after.pixels, changed, geometry.eye_distance(own.landmarks))
    size = own.box[2:] - own.box[:2]
    left, top = (int(v) for v in np.clip(own.box[:2] - AROUND * size, 0, None))
    right, bottom = (int(v) for v in own.box[2:] + AROUND * size)
    away = changed.copy()
    away[top:bottom, left:right] = False
    error = float(np.abs(shapes[0] - shapes[1]).mean())
    return Trace(error, edge.strength if edge else None, int(away.sum()))


@checked
def bench_swap(
    data: Path,
    folder: Path | None = None,
    *,
    consent: str,
    count: int = 24,
    kit: Kit | None = None,
    progress: Progress = SILENT,
) -> list[SwapRow]:
    """The face of each of at most `count` people of `data` on the head of the next; see `SwapRow` for what is measured.

    data: a folder of photos, or one that `train` reads, of which only people take part whom no training saw. folder:
    gets `sheet.jpg`, photo, source and result side by side, and a table. consent: in whose words all agreed. `progress`
    is told each row when it is known.
    """
    check_consent(consent, "a swap")
    kit = kit or shared_kit()
    if folder and any((folder / name).exists() for name in (SHEET, TABLE)):
        raise OutputError(f"{folder} has a bench in it already: name another folder with -o")
    paths = photos(data, count)
    if len(paths) < 2:
        raise InputError(f"{data} holds one photo: two people or more were wanted")
    rows: list[SwapRow] = []
    shown: list[tuple[Array, tuple[Step, ...]]] = []
    for line in swap_table([]):
        progress.message(line)
    for number, path in enumerate(paths):
        row, tiles = _tried(path, paths[number - 1], consent, kit)
        rows.append(row)
        shown += tiles
        progress.message(swap_table([row])[-1])
    progress.message(summary(rows))
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        if shown:
            sheet = Photo(np.vstack([tile for tile, _ in shown]), history=shown[0][1])
            photo_writer.write(sheet, folder / SHEET, quality=90)
        lines = "\n".join(json.dumps(asdict(row)) for row in rows) + "\n"
        outputs.write(folder / TABLE, lines.encode(), force=False)
    return rows


def swap_table(rows: Sequence[SwapRow]) -> list[str]:
    """The rows as lines for people."""
    lines = [
        f"{'photo':<24} {'source':<24} {'before':>6} {'source':>6} {'photo':>6} {'expr':>6} {'seam':>5} {'out':>4} {'ms':>5}"
    ]
    for row in rows:
        names = f"{row.photo[:24]:<24} {row.source[:24]:<24}"
        figures = f"{row.before:>6.2f} {row.to_source:>6.2f} {row.to_photo:>6.2f} {row.expression:>6.3f} {row.seam:>5.2f}"
        lines.append(
            f"{names} refused: {row.refused}"
            if row.refused
            else f"{names} {figures} {row.outside:>4} {row.ms:>5.0f}"
        )
    return lines


def summary(rows: Sequence[SwapRow]) -> str:
    """What all rows say, in a line."""
    done = [row for row in rows if not row.refused]
    if not done:
        return f"all {len(rows)} swaps were refused"
    nearer = sum(row.to_source > row.to_photo for row in done)
    likeness = float(np.median([row.to_source for row in done]))
    return (
        f"{nearer} of {len(done)} look more like the source than like the photo, likeness {likeness:.2f} in the median; "
        f"{len(rows) - len(done)} refused"
    )


def _tried(
    path: Path, source: Path, consent: str, kit: Kit
) -> tuple[SwapRow, list[tuple[Array, tuple[Step, ...]]]]:
    """One swap: its row, and photo, source and result side by side where it was done."""
    names = path.name, source.name
    try:
        before, other = PhotoFaces(image.read(path), kit), PhotoFaces(image.read(source), kit)
        gallery = Gallery.of(source, kit=kit)
        start = time.perf_counter()
        done = swap(before.photo, gallery, consent=consent, face="largest", kit=kit)
        took = 1000 * (time.perf_counter() - start)
        after = PhotoFaces(done, kit)
        if not after.faces:
            raise FaceError("no face is found in the result")
    except MienError as error:
        return SwapRow(*names, str(error)), []
    faces = [one.by_size[0] for one in (before, other, after)]
    was, theirs, now = (one.identity(face) for one, face in zip((before, other, after), faces, strict=True))
    left = trace(before.photo, done, faces[0], faces[2], kit)
    likeness = was.likeness(theirs), now.likeness(theirs), now.likeness(was)
    edge = float("nan") if left.seam is None else left.seam
    row = SwapRow(*names, "", *likeness, left.expression, edge, left.outside, took)
    tiles = [_tile(one.picture, face) for one, face in zip((before, other, after), faces, strict=True)]
    return row, [(np.hstack(tiles), done.history)]


def _tile(pixels: Array, face: Face) -> Array:
    """A face and what is around it, `[TILE, TILE, 3]`."""
    return geometry.align(pixels, face.landmarks, Alignment("wide", TILE)).pixels
