"""Make the hairstyles in the box: src/mien/weights/hairstyles.npz, out of portraits of people who do not exist.

python tools/hairstyles.py DATA [--show FOLDER]

DATA is a folder as `mien train` takes it, with the SFHQ and SFHQ-T2I portraits (MIT licence). Of each picture that
STYLES names the hair and bare ears are cut out, and what was seen to be wrong in its matte is mended by hand. The file
holds no face. --show writes each head of hair on green.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from catalogue import WEIGHTS, register

from mien.edits.hair_matte import LAYOUT, Bust, hairdo_of
from mien.face import geometry
from mien.face.filters import blur, push_pull
from mien.io import photo_reader, photo_writer
from mien.models.card import KEY, Card
from mien.models.hairstyles import Hairdo, packed
from mien.models.kit import Kit
from mien.models.landmarker import pose
from mien.types import Alignment, Array, Photo

SIDE = 256  # pixels of a portrait, which all places below are in
LARGER = 2  # how much larger it is laid out, so that strands of half a pixel keep their shares
GREEN = np.array((0.27, 0.78, 0.4), np.float32)
Outline = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Taken:
    """A portrait whose hair is taken, by its file's name. gone: outlines within which nothing is hair;
    hair: within which all is; plain: within which hair takes the colours of the hair around, as where an ear-ring is seen
    in it; taller: rows by which the picture is made higher, mirrored, where it cuts the hair off above."""

    name: str
    gone: tuple[Outline, ...] = ()
    hair: tuple[Outline, ...] = ()
    plain: tuple[Outline, ...] = ()
    taller: int = 0


def below(y: float, left: float = -64, right: float = 320) -> Outline:
    """All of a picture from a row on, which is as uneven as the ends of hair are."""
    random, across = np.random.default_rng(7), np.arange(left, right, 1.5)
    uneven = np.zeros(len(across))
    for step, depth in ((14, 3.5), (3, 2.0)):
        knots = across[::step]
        uneven += depth * np.interp(across, knots, random.standard_normal(len(knots)))
    line = tuple(zip(across.tolist(), (y + uneven).tolist(), strict=True))
    return (*line, (right, 400), (left, 400))


def round_(x: float, y: float, across: float, up: float, start: float = 0.0, end: float = 360.0) -> Outline:
    """A part of an ellipse, from one angle to another; 180 to 360 is its upper half."""
    angle = np.radians(np.linspace(start, end, 60))
    return tuple(
        (float(a), float(b)) for a, b in zip(x + across * np.cos(angle), y + up * np.sin(angle), strict=True)
    )


def above(x: float, y: float, across: float, up: float) -> Outline:
    """All of a picture above an arch."""
    return (*round_(x, y, across, up, 180, 360), (320, y), (320, -128), (-64, -128), (-64, y))


STYLES: dict[str, tuple[Taken, ...]] = {
    "straight": (Taken("sfhq-66146a2f53"),),
    "layers": (
        Taken(
            "sfhq-b01e00a789",
            gone=(((-64, 190), (8, 190), (30, 222), (34, 300), (-64, 300)),),
            plain=(round_(62, 155, 6, 6), round_(188, 155, 6, 6)),
        ),
    ),
    "fringe": (Taken("sfhq-1c70df3069"),),
    "waves": (Taken("sfhq-t2i-7d521527a2", gone=(below(236),)),),
    "curls": (
        Taken(
            "sfhq-5f0ed5859c",
            gone=(below(176, -64, 70), below(190, 120), ((56, 150), (120, 150), (120, 300), (56, 300))),
        ),
    ),
    "lob": (Taken("sfhq-4ea5f799be", gone=(below(205, 155), below(232))),),
    "bob": (
        Taken("sfhq-8a0697c050", gone=(below(211), above(150, 40, 150, 37)), plain=(round_(158, 6, 16, 10),)),
    ),
    "page": (Taken("sfhq-34445180dc"),),
    "shag": (
        Taken("sfhq-t2i-31c2dbca3c", gone=(below(196, 170), below(222)), plain=(round_(51, 178, 11, 11),)),
    ),
    "blowout": (Taken("sfhq-t2i-6b4c087a2f", gone=(above(135, 46, 92, 54),), taller=48),),
    "short": (Taken("sfhq-f0175e2250"),),
    "pixie": (Taken("sfhq-b670aa32c4"),),
    "crop": (Taken("sfhq-0344ae12c1"),),
    "quiff": (Taken("sfhq-8c96a6ac47"),),
    "side-part": (Taken("sfhq-1c76c60ac7"),),
    "brushed": (Taken("sfhq-2a250109bd"),),
    "tied": (Taken("sfhq-281fe61d7c"),),
    "twists": (Taken("sfhq-t2i-6038c609ca", gone=(above(128, 62, 132, 56),)),),
    "coils": (Taken("sfhq-t2i-8114a44ad8", gone=(below(160, 190),), plain=(above(135, 100, 98, 88),)),),
    "afro": (
        Taken(
            "sfhq-8e3e149fcd",
            gone=(above(121, 92, 119, 120),),
            hair=(round_(121, 92, 119, 120, 187, 353),),
            taller=48,
        ),
    ),
}
CARD = Card(
    "hairstyles",
    "hairstyles",
    "MIT",
    template=LAYOUT,
    data="SFHQ and SFHQ-T2I data sets, Copyright (c) 2022, 2024 David Beniaguev, MIT License. Modified (hair and ears cut out).",
    source="python tools/hairstyles.py DATA",
    limits=(
        "Hair as a portrait of 256 pixels shows it: on faces wider than 300 pixels it is softer than the photo. Heads "
        "that look ahead."
    ),
)


def found(data: Path, kit: Kit) -> dict[str, Array]:
    """All styles as arrays of the file."""
    with (data / "faces.csv").open(encoding="utf-8") as file:
        free = {row["file"] for row in csv.DictReader(file) if row["licence"] == "MIT"}
    with np.load(data / "landmarks478.npz") as file:
        points = dict(zip(file["files"].tolist(), file["points"], strict=True))
    out: dict[str, Array] = {}
    for name, taken in STYLES.items():
        for number, one in enumerate(taken):
            if f"{one.name}.jpg" not in free:
                raise SystemExit(f"{one.name} is not under the MIT licence")
            path = data / "images" / f"{one.name}.jpg"
            out |= packed(name, number, hairdo(kit, path, points[path.name], one))
    return out


def hairdo(kit: Kit, path: Path, points: Array, taken: Taken) -> Hairdo:
    """The hair of one portrait, mended, cut to the square that it is seen in."""
    side = LARGER * SIDE
    portrait = photo_reader.read(path).pixels
    taller = cv2.copyMakeBorder(portrait, taken.taller, 0, 0, 0, cv2.BORDER_REFLECT_101)
    picture = cv2.resize(taller, None, fx=LARGER, fy=LARGER, interpolation=cv2.INTER_CUBIC)
    shift = np.array([0, taken.taller])
    landmarks = ((points + shift + 0.5) * LARGER - 0.5).astype(np.float32)
    crop = geometry.align(picture, landmarks, Alignment(LAYOUT, 2 * side))
    face = max(kit.faces(picture), key=lambda one: one.area)
    taken_off = hairdo_of(Bust.of(kit.parser, crop), pose(face.landmarks[:468], face.depth[:468])[1])
    x, y = (0.5 + shift) * LARGER - 0.5
    return cut(
        mended(
            taken_off,
            crop.pixels,
            taken,
            geometry.compose(crop.matrix, np.array([[LARGER, 0, x], [0, LARGER, y]])),
        )
    )


def mended(hair: Hairdo, pixels: Array, taken: Taken, matrix: Array) -> Hairdo:
    """The same with what STYLES says of it. pixels: of the picture; matrix: from the portrait's pixels."""
    alpha, colour = hair.alpha.astype(np.float32) / 255, hair.colour.astype(np.float32) / 255
    gone, more, plain = (
        _inside(outlines, matrix, len(alpha)) for outlines in (taken.gone, taken.hair, taken.plain)
    )
    colour += more[..., None] * (pixels.astype(np.float32) / 255 - colour)
    known = (alpha > 0.9) * (1 - plain)
    colour += plain[..., None] * (push_pull(colour, known.astype(np.float32)) - colour)
    alpha = np.maximum(alpha * (1 - gone), more)
    ends = hair.ends if (alpha[round(hair.ends) - 6 : round(hair.ends) - 2] > 0.5).any() else 0.0
    masks = (np.rint(255 * one).astype(np.uint8) for one in (alpha, np.maximum(hair.head / 255, alpha)))
    alpha, head = masks
    return replace(
        hair, alpha=alpha, head=head, colour=np.rint(255 * colour).clip(0, 255).astype(np.uint8), ends=ends
    )


def _inside(outlines: tuple[Outline, ...], matrix: Array, size: int) -> Array:
    mask = np.zeros((size, size), np.float32)
    for outline in outlines:
        at = geometry.transform(np.array(outline), matrix)
        cv2.fillPoly(mask, [np.rint(at * 16).astype(np.int32)], 1.0, shift=4, lineType=cv2.LINE_AA)
    return blur(mask, 1.5)


def cut(hair: Hairdo) -> Hairdo:
    """The same without what shows neither hair nor head."""
    shown = (hair.alpha > 0) | (hair.ears > 0)
    rows, columns = (np.flatnonzero(shown.any(axis)) for axis in (1, 0))
    top, left = max(int(rows[0]) - 4, 0), max(int(columns[0]) - 4, 0)
    part = slice(top, int(rows[-1]) + 5), slice(left, int(columns[-1]) + 5)
    moved = {name: getattr(hair, name)[part] for name in ("colour", "alpha", "ears", "head")}
    size = hair.alpha.shape
    light = cv2.resize(cv2.resize(hair.light, size)[part], hair.light.shape[:2], interpolation=cv2.INTER_AREA)
    landmarks = hair.landmarks - np.array((left, top), np.float32)
    return replace(hair, **moved, light=light, landmarks=landmarks, ends=max(hair.ends - top, 0.0))


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the hairstyles in the box.")
    parser.add_argument("data", type=Path)
    parser.add_argument("--show", type=Path, metavar="FOLDER", help="write the heads of hair there")
    asked = parser.parse_args()
    kit = Kit(threads=1)
    arrays = found(asked.data, kit)
    described = f"Heads of hair by name, of people who do not exist: {', '.join(STYLES)}"
    taken = " ".join(one.name for style in STYLES.values() for one in style)
    card = replace(CARD, description=described, data=f"{CARD.data} Portraits: {taken}")
    path = WEIGHTS / "hairstyles.npz"
    np.savez(path, allow_pickle=False, **{KEY: np.array(card.to_json())}, **arrays)
    print(
        f"{path.name}: {path.stat().st_size} bytes, sha256 {register('hairstyles', 'hairstyles', path.name)}"
    )
    if asked.show:
        for name in STYLES:
            for number, one in enumerate(kit.get("hairstyles").hairdos(name)):
                alpha = one.alpha[..., None] / 255
                shown = np.rint(alpha * one.colour + (1 - alpha) * 255 * GREEN).astype(np.uint8)
                photo_writer.write(Photo(shown), asked.show / f"{name}-{number}.png", force=True)


if __name__ == "__main__":
    main()
