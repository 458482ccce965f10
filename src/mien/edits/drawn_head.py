"""What a drawing of a head says of the one who is drawn: where the face and its hair are, and in which colours."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..face import geometry, mesh
from ..face.filters import largest
from ..face.topology import BROWS, EYELIDS, LIPS, OVAL
from ..models.fitter import Fitter
from ..models.sketch_reader import SketchReader
from ..types import Alignment, Array
from . import drawn_features, line_art

SHEET = 512  # pixels a side that a drawing is looked at
LOOKS = 3  # each at what the one before took for the face
STRONGEST = 4.0  # times that pale lines are darkened
SKIN_ANGLES, SKIN_CHROMA = (
    (-75.0, 10.0),
    (16.0, 34.0),
)  # of colours that are skin's: degrees from red, and how much
LAST_ANGLES = (-50.0, -22.0)  # which they are brought to
COLOURLESS = 10.0  # chroma below which nothing has a colour
LEAST = 0.002  # of the picture: less has no colour of its own
DARK = 120.0  # luma below which hair is dark, even where it has no colour
LIGHT_OF_SKIN = (64.0, 229.0), (70.0, 165.0)  # luma of skin as it is painted, and as photos show it
LIGHT_OF_HAIR = (18.0, 180.0)
NATURAL = 6.0, -4.0  # chroma of dark hair that is drawn in grey
RED_LIPS = 22.0  # chroma from the skin's that makes painted lips


@dataclass(frozen=True, eq=False)
class DrawnHead:
    """points `[468, 2]` in the pixels of a crop that a fitter wants; hair `[h, h]` in 0..1 over it; traits by name;
    colours of "skin", "hair" and "lips" in RGB, of those that are painted; picture `[S, S, 3]` uint8: the crop."""

    points: Array
    hair: Array
    traits: dict[str, float]
    colours: dict[str, tuple[int, int, int]]
    picture: Array


def read_head(pixels: Array, reader: SketchReader, fitter: Fitter, mirror: Array) -> DrawnHead:
    """The head in a drawing `[H, W, 3]` uint8 on any ground; mirror: see `SketchReader.read`. `InputError` where there are
    no lines."""
    sheet = line_art.frame_drawing(line_art.whiten_paper(pixels), SHEET)
    size = fitter.alignment.size
    scale = size / SHEET
    matrix = np.array([[scale, 0, (scale - 1) / 2], [0, scale, (scale - 1) / 2]])
    for _ in range(LOOKS - 1):
        reading = reader.read(darkened(_crop(sheet, matrix, size)), mirror)
        places = geometry.transform(reading.points, geometry.invert(matrix))  # on the sheet
        matrix = geometry.similarity(places, Alignment("ffhq", size))
    last, seen = matrix, darkened(_crop(sheet, matrix, size))
    reading = reader.read(seen, mirror)
    points = drawn_features.followed(seen, reading.points)
    places = geometry.transform(points, geometry.invert(last))
    matrix = geometry.similarity(places, Alignment("ffhq", size))
    points = geometry.transform(places, matrix)
    moved = geometry.compose(matrix, geometry.invert(last))
    hair = cv2.resize(reading.hair, (size, size), interpolation=cv2.INTER_LINEAR)
    hair = cv2.warpAffine(hair, moved, (size, size), flags=cv2.INTER_LINEAR)
    crop = _crop(sheet, matrix, size)
    traits = reading.traits | drawn_features.worn(darkened(crop), points)
    return DrawnHead(points, hair, traits, painted(crop, points, hair), crop)


def _crop(sheet: Array, matrix: Array, size: int) -> Array:
    """A part of a sheet, white beyond it."""
    return 255 - geometry.warp(255 - sheet, matrix, size, border=cv2.BORDER_CONSTANT)


def darkened(drawing: Array) -> Array:
    """A drawing whose pale lines are as dark as ink."""
    ink = 255 - drawing.astype(np.float32)
    strong = largest(ink)
    strong = strong[strong > 20]
    most = float(np.percentile(strong, 90)) if len(strong) else 255.0
    return np.rint(255 - np.clip(ink * min(max(230 / most, 1.0), STRONGEST), 0, 255)).astype(np.uint8)


def painted(picture: Array, points: Array, hair: Array) -> dict[str, tuple[int, int, int]]:
    """The colours of skin, hair and lips in a drawing `[S, S, 3]` uint8 on white, where they have some, as photos have
    them."""
    size, out = len(picture), dict[str, tuple[int, int, int]]()
    features = [mesh.polygon_mask(points, one, size, 1.0, grow=6) for one in (*EYELIDS, *BROWS, LIPS)]
    face = (mesh.polygon_mask(points, OVAL, size, 3.0) > 0.9) & (np.max(features, 0) < 0.1) & (hair < 0.3)
    skin = _usual(picture, face)
    if (
        skin is not None
        and np.hypot(*skin[1:]) > COLOURLESS
        and SKIN_ANGLES[0] < _angle(skin) < SKIN_ANGLES[1]
    ):
        luma = np.interp(skin[0], *LIGHT_OF_SKIN)
        angle = np.radians(np.clip(_angle(skin), *LAST_ANGLES))
        chroma = np.clip(np.hypot(*skin[1:]), *SKIN_CHROMA)
        out["skin"] = _rgb(np.array([luma, chroma * np.cos(angle), chroma * np.sin(angle)]))
    lock = _usual(picture, hair > 0.6)
    if lock is not None and np.hypot(*lock[1:]) > COLOURLESS:
        out["hair"] = _rgb(np.array([np.clip(lock[0], *LIGHT_OF_HAIR), *lock[1:]]))
    elif lock is not None and lock[0] < DARK:
        out["hair"] = _rgb(np.array([max(lock[0] * 0.6, LIGHT_OF_HAIR[0]), *NATURAL]))
    lips = _usual(picture, mesh.polygon_mask(points, LIPS, size, 1.0) > 0.5)
    if (
        lips is not None
        and np.hypot(*(lips - (0 if skin is None else skin))[1:]) > RED_LIPS
        and lips[1] > RED_LIPS
    ):
        out["lips"] = _rgb(lips)
    return out


def _usual(picture: Array, where: Array) -> Array | None:
    """The median luma and chroma of a part of a picture; None where there is next to nothing of it."""
    if where.mean() < LEAST:
        return None
    red, green, blue = np.median(picture[where], 0)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return np.array([luma, 0.713 * (red - luma), 0.564 * (blue - luma)])


def _rgb(colour: Array) -> tuple[int, int, int]:
    luma, red, blue = colour
    both = np.array([luma + 1.403 * red, luma - 0.714 * red - 0.344 * blue, luma + 1.773 * blue])
    r, g, b = (int(v) for v in np.rint(np.clip(both, 0, 255)))
    return r, g, b


def _angle(colour: Array) -> float:
    return float(np.degrees(np.arctan2(colour[2], colour[1])))
