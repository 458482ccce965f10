"""Many pictures as one: side by side, and one photo in every style that is in the box."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..arguments import checked
from ..edits.request import EDITS, STYLE
from ..errors import DeclinedError, RequestError
from ..face import geometry
from ..io.photo_reader import PhotoLike, as_photo
from ..io.preview import at_most, caption, seen
from ..models.kit import Kit, shared_kit
from ..types import SILENT, Photo, Progress
from .look import in_srgb
from .people import select_faces
from .session import Session

TILE = 400  # pixels of a picture in a sheet of styles, at most
# widths of a face from its middle that are shown of a photo: left, up, right and down
AROUND = 1.3, 1.7, 1.3, 1.9


@checked
def grid(photos: Sequence[Photo], names: Sequence[str] = ()) -> Photo:
    """Pictures of one size side by side, in 8 bits of sRGB, about as wide as high, below their names where there are some;
    it remembers all their histories."""
    if not photos:
        raise RequestError("no picture came: a grid wants one at least")
    if names and len(names) != len(photos):
        raise RequestError(f"{len(names)} names came for {len(photos)} pictures")
    columns = math.ceil(math.sqrt(len(photos)))
    width = photos[0].size[0]
    heads = [caption(name, width) for name in names] or [caption("", width)[:0]] * len(photos)
    tiles = [np.vstack([head, in_srgb(photo)]) for head, photo in zip(heads, photos, strict=True)]
    tiles += [np.full_like(tiles[0], 255)] * (-len(photos) % columns)
    rows = [np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)]
    high, head = len(tiles[0]), len(heads[0])
    places = [(i % columns * width, i // columns * high + head) for i in range(len(photos))]
    marks = tuple(
        replace(mark, matrix=geometry.shifted(mark.matrix, -x, -y))
        for (x, y), photo in zip(places, photos, strict=True)
        for mark in photo.marks
    )
    boxes = tuple(
        (left + x, top + y, right + x, bottom + y)
        for (x, y), photo in zip(places, photos, strict=True)
        for left, top, right, bottom in photo.boxes
    )
    history = tuple(step for photo in photos for step in photo.history)
    return Photo(np.vstack(rows), history=history, marks=marks, boxes=boxes)


@checked
def style_sheet(
    photo: PhotoLike,
    edit: str = "hairstyle",
    *,
    kit: Kit | None = None,
    progress: Progress = SILENT,
) -> Photo:
    """A `grid` of the largest face of a photo in every style in the box of an edit that has some, "hairstyle" or
    "effect", to choose from; where a style is declined the face is as it was. 8 bits, sRGB.

    Raises `RequestError` for an edit without styles, `FaceError` where no face is found, `DeclinedError` where all
    styles are declined, `KeyboardInterrupt` where `progress` is cancelled.
    """
    if edit not in EDITS or EDITS[edit].unit != STYLE:
        known = ", ".join(name for name, one in EDITS.items() if one.unit == STYLE)
        raise RequestError(f"{edit!r} has no styles: there are {known}")
    kit, whole = kit or shared_kit(), as_photo(photo)
    faces = Session(whole, kit=kit).faces
    (largest,) = select_faces(kit, whole.pixels, faces, "largest")
    left, top, right, bottom = faces[largest].box
    x, y, wide = (left + right) / 2, (top + bottom) / 2, right - left
    sides = (x - AROUND[0] * wide, y - AROUND[1] * wide, x + AROUND[2] * wide, y + AROUND[3] * wide)
    left, top, right, bottom = (max(round(float(side)), 0) for side in sides)
    part = at_most(seen(whole)[top:bottom, left:right], TILE)
    opened = Session(Photo(np.ascontiguousarray(part), history=whole.history), kit=kit)
    tiles, declined, names = list[Photo](), list[DeclinedError](), [*EDITS[edit].names]
    for name in names:
        progress.advance(len(tiles), len(names))
        if progress.cancelled:
            raise KeyboardInterrupt
        try:
            asked: dict[str, Any] = {edit: name}
            tiles.append(opened.edit(face="largest", **asked))
        except DeclinedError as error:
            tiles.append(opened.photo)
            declined.append(error)
    if len(declined) == len(names):
        raise declined[0]
    return grid(tiles, names)
