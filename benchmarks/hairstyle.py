"""Hairstyles on people of all hair types: what is declined, whether they stay themselves, whether skin shows a seam, how
sex reads together with hair, and how long it takes.

python benchmarks/hairstyle.py DATA [--judge FILE] [--json FILE] [--show FOLDER]
python benchmarks/hairstyle.py DATA --sheet FILE

Each takes three of fourteen styles. DATA holds `london-angles768`, `selfies` and `faces256`. Who takes part is drawn by a
fixed seed; nobody whose hair is in the box, and nobody in a hat. With --judge it is also told how sex reads, by the judge
of `quality.py`, which shares nothing with what it judges and has not seen these people; where none lies there it is
trained first. --show writes each result. --sheet only makes the picture of the docs, of people who do not exist.
"""

from __future__ import annotations

import argparse
import csv
import random
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import figures
import numpy as np
import quality
import torch
from sheet import titled
from swap import around, largest, vector

from mien import Session, edit
from mien.errors import DeclinedError
from mien.face import geometry, mesh
from mien.face.topology import EYELIDS, INNER_LIPS, LIPS, NOSTRILS
from mien.io import dataset, photo_writer
from mien.io.photo_reader import read
from mien.models.kit import Kit
from mien.train.data.faces import read_faces, read_rgb
from mien.types import Array, Face, Photo

SEED = 19
MANY = 12_000_000  # pixels of the photo whose time is taken
STYLES = (
    *("straight", "layers", "fringe", "waves", "curls", "lob", "bob"),
    *("page", "shag", "short", "crop", "side-part", "twists", "afro"),
)
EACH = 3  # of these, that one person takes
RING, BESIDE = 2, 8  # pixels from a border on skin: where a step would be, and what it is compared with
EVEN = 2.0  # levels a pixel, added to both: on even skin smaller steps are not seen
PARTING = {"m": (-0.8, "straight"), "f": (0.8, "crop")}  # the other sex, and its hair
TILE, COUNT = 118, 10  # pixels of a side of the docs' picture; people in it


def people(kit: Kit, data: Path) -> list[Path]:
    """Twenty photos: of studios, of the web, of people who do not exist, and selfies."""
    draw, boxed = random.Random(SEED), kit.hairstyles.card.data
    london = sorted((data / "london-angles768").glob("*-neutral-front.jpg"))
    with (data / "faces256" / "faces.csv").open(encoding="utf-8") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if row["hat"] == "0" and row["age"].isdecimal() and int(row["age"]) >= 20
        ]

    def some(count: int, *sources: str) -> list[Path]:
        names = [
            row["file"] for row in rows if row["source"] in sources and Path(row["file"]).stem not in boxed
        ]
        return [data / "faces256" / "images" / name for name in draw.sample(names, count)]

    selfies = sorted((data / "selfies").glob("*.jpg"))[:1]
    return [
        *draw.sample(london, 10),
        *some(5, "fairface", "congress"),
        *some(4, "sfhq", "sfhq-t2i"),
        *selfies,
    ]


def measured(kit: Kit, path: Path, styles: Sequence[str], show: Path | None) -> list[dict[str, Any]]:
    """One person in some of STYLES, a row each; `declined` where that was not done."""
    photo = read(path)
    session = Session(photo, kit=kit)
    own = largest(kit, photo.pixels)
    was, rows = vector(kit, photo.pixels, own), list[dict[str, Any]]()
    for style in styles:
        about: dict[str, Any] = {"person": path.stem, "style": style}
        try:
            after = session.edit(hairstyle=style)
        except DeclinedError as error:
            rows.append(about | {"declined": str(error).partition(",")[0]})
            continue
        now = vector(kit, after.pixels, largest(kit, after.pixels))
        changed = (after.pixels != photo.pixels).any(2)
        rows.append(
            about
            | {
                "identity": round(float(np.linalg.norm(now - was)), 3),
                "features": features_changed(kit, after.pixels, own, changed),
                "seam": seam_on_skin(kit, after.pixels, own, changed),
            }
        )
        if show:
            photo_writer.write(
                Photo(around(after.pixels, own, 480), history=after.history),
                show / f"{path.stem}-{style}.jpg",
                force=True,
            )
    return rows


def regions(kit: Kit, pixels: Array, face: Face) -> dict[str, Array]:
    """The parser's shares in a photo, `[H, W]` in 0..1."""
    crop = geometry.align(pixels, face.landmarks, kit.parser.alignment)
    matrix, size = geometry.invert(crop.matrix), pixels.shape[1::-1]
    return {name: cv2.warpAffine(share, matrix, size) for name, share in kit.parser.parse(crop).items()}


def features_changed(kit: Kit, pixels: Array, face: Face, changed: Array) -> int:
    """Pixels of eyes, lips and nostrils that changed and have no hair before them."""
    side = max(pixels.shape[:2])
    parts = [
        mesh.polygon_mask(face.landmarks, one, side, 1.0) for one in (*EYELIDS, LIPS, INNER_LIPS, *NOSTRILS)
    ]
    inside = (np.maximum.reduce(parts) > 0.5)[: pixels.shape[0], : pixels.shape[1]]
    hair = regions(kit, pixels, face)["hair"]
    return int((inside & changed & (hair < 0.3)).sum())


def seam_on_skin(kit: Kit, pixels: Array, face: Face, changed: Array) -> float | None:
    """How much steeper the result is across the border of what changed than beside it, where both sides are skin."""
    scale = 128 / geometry.eye_distance(face.landmarks)
    size = [max(1, round(side * scale)) for side in pixels.shape[1::-1]]
    shares = regions(kit, pixels, face)
    skin, new, picture = (
        cv2.resize(one.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        for one in (
            np.maximum.reduce([shares[name] for name in ("skin", "neck", "ears", "nose")]),
            changed,
            pixels,
        )
    )
    smooth = cv2.GaussianBlur(picture, (0, 0), 1)
    slope = (
        np.abs(np.stack([cv2.Sobel(smooth, cv2.CV_32F, *way) for way in ((1, 0), (0, 1))])).max(0).mean(-1)
        / 8
    )
    solid = (new > 0.5).astype(np.uint8)
    away = np.abs(
        cv2.distanceTransform(solid, cv2.DIST_L2, 5) - cv2.distanceTransform(1 - solid, cv2.DIST_L2, 5)
    )
    pure = cv2.erode((skin > 0.8).astype(np.uint8), np.ones((9, 9))) > 0
    ring, beside = pure & (away < RING), pure & (away > 2 * RING) & (away < BESIDE)
    if min(ring.sum(), beside.sum()) < 60:
        return None
    return round(float((slope[ring].mean() + EVEN) / (slope[beside].mean() + EVEN)), 3)


def parted(kit: Kit, data: Path, judge: quality.Judge, most: int) -> list[dict[str, Any]]:
    """How the sex of people held out reads: before, with `--sex` alone, with hair alone, and with both."""
    rows, points = read_faces(data / "faces256")
    chosen = [
        i
        for i, row in enumerate(rows)
        if dataset.held_out(dataset.person_of(row)) and row["hat"] == "0" and int(row["age"]) >= 20
    ]
    random.Random(SEED).shuffle(chosen)
    counts, out = Counter[str](), list[dict[str, Any]]()
    for i in chosen:
        own = rows[i]["sex"]
        if counts[own] >= most:
            continue
        strength, style = PARTING[own]
        session = Session(Photo(read_rgb(data / "faces256" / "images" / rows[i]["file"])), kit=kit)
        sex: dict[str, Any] = {"sex": strength}
        hair: dict[str, Any] = {"hairstyle": style}
        asked = (sex, hair, sex | hair)
        try:
            made = [session.photo, *(session.edit(**one) for one in asked)]
        except DeclinedError:
            continue
        counts[own] += 1
        reads = quality.judged(judge, [quality.small(one.pixels, points[i]) for one in made])[:, 1]
        names = ("before", "sex", "hair", "both")
        out.append(
            {"sex": own, "person": rows[i]["file"]}
            | {name: round(float(v), 3) for name, v in zip(names, reads, strict=True)}
        )
    return out


def times(kit: Kit, data: Path) -> float:
    """How many times as long as `--smile` a hairstyle takes in a photo of MANY pixels."""
    small = read(sorted((data / "london-angles768").glob("*-neutral-front.jpg"))[1]).pixels
    scale = (MANY / (small.shape[0] * small.shape[1])) ** 0.5
    photo = Photo(cv2.resize(small, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC))

    def took(**asked: Any) -> float:
        """The fastest of four: what else the machine does makes others slower."""
        seconds: list[float] = []
        for _ in range(4):
            start = time.process_time()
            edit(photo, kit=kit, **asked)
            seconds.append(time.process_time() - start)
        return min(seconds)

    return round(took(hairstyle="bob") / took(smile=0.8), 2)


def turned(rows: Sequence[dict[str, Any]], sex: str, name: str) -> float:
    """The share of one sex that reads as the other, in percent."""
    own = [row[name] for row in rows if row["sex"] == sex]
    return round(100 * float(np.mean([value < 0 if sex == "m" else value > 0 for value in own])), 1)


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What all rows say."""
    done = [row for row in rows if "declined" not in row]
    seams = [row["seam"] for row in done if row["seam"] is not None]
    identity = [row["identity"] for row in done]
    return {
        "people": len({row["person"] for row in rows}),
        "styles": len(STYLES),
        "declined": len(rows) - len(done),
        "tried": len(rows),
        "why": dict(
            Counter(row["declined"].partition(" ")[2].partition(" ")[2] for row in rows if "declined" in row)
        ),
        "identity": round(float(np.median(identity)), 3),
        "identity_most": max(identity),
        "features_changed": max(row["features"] for row in done),
        "seam": round(float(np.median(seams)), 3),
    }


def turning(sexes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Which shares of men and women read as the other sex."""
    return {
        "men": sum(row["sex"] == "m" for row in sexes),
        "women": sum(row["sex"] == "f" for row in sexes),
        **{
            f"{sex}_{name}": turned(sexes, sex, name)
            for sex in "mf"
            for name in ("before", "sex", "hair", "both")
        },
    }


def sheet(kit: Kit, data: Path, path: Path) -> None:
    """COUNT people who do not exist in all STYLES, drawn by a fixed seed from those who look ahead, as one picture."""
    boxed = kit.hairstyles.card.data
    with (data / "faces256" / "faces.csv").open(encoding="utf-8") as file:
        names = [
            row["file"]
            for row in csv.DictReader(file)
            if row["licence"] == "MIT"
            and row["hat"] == "0"
            and row["age"].isdecimal()
            and int(row["age"]) >= 22
            and Path(row["file"]).stem not in boxed
        ]
    random.Random(SEED).shuffle(names)
    lines: list[Array] = []
    history = ()
    while len(lines) < COUNT:
        photo = read(data / "faces256" / "images" / names.pop())
        session = Session(photo, kit=kit)
        if len(session.faces) != 1 or abs(session.faces[0].yaw) > 12:
            continue
        tiles = [photo.pixels]
        for style in STYLES:
            try:
                after = session.edit(hairstyle=style)
            except DeclinedError:
                tiles.append(np.full_like(photo.pixels, 235))
                continue
            tiles.append(after.pixels)
            history = after.history
        lines.append(
            np.hstack([cv2.resize(one, (TILE, TILE), interpolation=cv2.INTER_AREA) for one in tiles])
        )
    top = titled(["photo", *STYLES], lines[0].shape[1], TILE)
    photo_writer.write(Photo(np.vstack([top, *lines]), history=history), path, quality=72, force=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--judge", type=Path)
    parser.add_argument("--most", type=int, default=12, help="so many men and women whose sex is judged")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--show", type=Path)
    parser.add_argument("--sheet", type=Path)
    asked = parser.parse_args()
    kit = Kit(threads=1)
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    if asked.sheet:
        sheet(kit, asked.data, asked.sheet)
        return
    rows: list[dict[str, Any]] = []
    draw = random.Random(SEED)
    for path in people(kit, asked.data):
        rows += measured(kit, path, draw.sample(STYLES, EACH), asked.show)
        print(rows[-1], flush=True)
    about = summary(rows) | {"ratio": times(kit, asked.data)}
    if asked.judge:
        judge = quality.judge_of(asked.data / "faces256", asked.judge)
        sexes = parted(kit, asked.data, judge, asked.most)
        about |= turning(sexes)
        rows += sexes
    print(about)
    figures.save(asked.json, "python benchmarks/hairstyle.py DATA --json FILE", rows, **about)


if __name__ == "__main__":
    main()
