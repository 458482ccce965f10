"""Effect packs of one's own: a starter to paint on, and whether a pack is one."""

from __future__ import annotations

import json
import os
from pathlib import Path

import cv2
import numpy as np

from ..arguments import checked
from ..edits.effect_art import Art
from ..edits.effect_layers import MANIFEST, VERSION
from ..edits.effect_pack import Pack, read
from ..errors import InputError, OutputError
from ..face import topology
from ..models.kit import Kit, shared_kit
from ..types import Array

SIDE, FINER = 1024, 4
INK = {"mesh": (190, 190, 190), "lines": (40, 40, 40), "left": (200, 60, 40)}
LINES = (  # closed or not, and what is drawn
    (True, (topology.OVAL, topology.LIPS, topology.INNER_LIPS, *topology.EYELIDS, *topology.NOSTRILS)),
    (False, (topology.BRIDGE, topology.BELOW, *(brow[:5] for brow in topology.BROWS))),
)
NUMBERED = (
    10,
    151,
    9,
    168,
    6,
    4,
    164,
    0,
    17,
    152,
    33,
    133,
    362,
    263,
    50,
    280,
    205,
    425,
    234,
    454,
    61,
    291,
    103,
    332,
)
EXAMPLE = {
    "mien": VERSION,
    "name": "My pack",
    "author": "",
    "licence": "CC0-1.0",
    "layers": [
        {"kind": "texture", "image": "face.png", "blend": "paint", "strength": 0.9},
        {"kind": "sticker", "image": "dot.png", "at": [4], "width": 16, "offset": [0, 0, -2]},
        {"kind": "edit", "do": {"smile": 0.3}},
    ],
}


@checked
def effect_template(out: str | os.PathLike[str], *, kit: Kit | None = None) -> Path:
    """Write a starter pack into the new folder `out`: an example `effect.json` with its pictures, and template.png
    `[1024, 1024]`, the texture map with a face's features, to be painted on in layers of its own. Returns the folder."""
    folder = Path(out)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{folder} is there already: name a new folder")
    shapes = (kit or shared_kit()).shapes
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).write_text(json.dumps(EXAMPLE, indent=2) + "\n", encoding="utf-8")
    for name, pixels in (
        ("template", template(shapes.uv, shapes.skin)),
        ("face", _stripes(shapes.uv)),
        ("dot", _dot()),
    ):
        cv2.imwrite(str(folder / f"{name}.png"), cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGRA))
    return folder


@checked
def effect_check(path: str | os.PathLike[str]) -> Pack:
    """Read and return the pack in a folder or a zip, every picture decoded once; an `InputError` says in one line what is
    wrong with it."""
    place = Path(path)
    if not place.exists():
        raise InputError(f"{place} is not there: name a folder or a zip with an {MANIFEST}")
    pack = read(place)
    for name, data in pack.pictures.items():
        Art.of(pack.name, name, data)
    return pack


def template(uv: Array, triangles: Array) -> Array:
    """The texture map with its mesh, a face's features and the numbers of some landmarks, `[1024, 1024, 4]` uint8."""
    side = SIDE * FINER
    out = np.full((side, side, 3), 255, np.uint8)
    points = np.rint(uv * side * 16).astype(np.int32)

    def lines(outlines: list[Array], closed: bool, colour: tuple[int, int, int], width: int) -> None:
        cv2.polylines(out, outlines, closed, colour, width * FINER, cv2.LINE_AA, 4)

    lines([points[one] for one in triangles], True, INK["mesh"], 1)
    for closed, outlines in LINES:
        lines([points[list(one)] for one in outlines], closed, INK["lines"], 2)
    for index in NUMBERED:
        place = (uv[index] * side).astype(int) + 12
        cv2.putText(
            out, str(index), place.tolist(), cv2.FONT_HERSHEY_SIMPLEX, 1.6, INK["left"], 6, cv2.LINE_AA
        )
    small = cv2.resize(out, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.dstack([small, np.full((SIDE, SIDE), 255, np.uint8)])


def _stripes(uv: Array) -> Array:
    """Two stripes on each cheek."""
    big = np.zeros((SIDE * FINER,) * 2, np.uint8)
    for ends in ((116, 207), (117, 206), (345, 427), (346, 426)):
        one, two = np.rint(uv[list(ends)] * big.shape[0]).astype(int).tolist()
        cv2.line(big, one, two, 255, 22 * FINER, cv2.LINE_AA)
    alpha = cv2.resize(big, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.dstack([np.full((SIDE, SIDE, 3), (205, 45, 40), np.uint8), alpha])


def _dot() -> Array:
    """A red ball."""
    y, x = np.mgrid[-1.1:1.1:128j, -1.1:1.1:128j]
    away = np.hypot(x, y)
    light = np.clip(1.1 - 0.5 * np.hypot(x + 0.3, y + 0.35), 0, 1)
    colours = np.array([230, 40, 40]) * light[..., None]
    return np.dstack([colours, 255 * np.clip((1 - away) * 50, 0, 1)]).astype(np.uint8)
