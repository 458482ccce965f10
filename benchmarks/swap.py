"""Swaps between people of all skin tones, both sexes and all ages: whom the result looks like, whether it expresses
what it did before, whether the border is seen, and how long it takes.

python benchmarks/swap.py DATA [--json FILE] [--show FOLDER]
python benchmarks/swap.py DATA --sheet FILE
python benchmarks/swap.py DATA --frames FILE

DATA holds `london-angles768` (people from three sides), `selfies` (of one person) and `faces256` (portraits with a
table). Which pictures make a pair is drawn by a fixed seed; half of the sources are galleries of six pictures, half
are one picture. Nobody is taken who reads as under 18. --show writes before, source and after side by side. --sheet only
makes the picture of the docs, of people who do not exist; --frames that of a clip.
"""

from __future__ import annotations

import argparse
import csv
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import figures
import numpy as np
from clips import film

from mien import edit, edit_clip, swap, swap_clip, verify
from mien.errors import MienError
from mien.face import geometry
from mien.io import clip_reader, photo_writer
from mien.io.photo_reader import read
from mien.measure.swap_benchmark import trace
from mien.models.kit import Kit
from mien.pipeline.gallery import Gallery
from mien.pipeline.tracking import Tracker, smooth
from mien.types import Alignment, Array, Face, Photo

SEED = 16
MANY = 12_000_000  # pixels of the photo whose time is taken
COLLINS = Path(__file__).parents[1] / "docs" / "collins.jpg"
CONSENT = "people of research data sets, measured and not published"


@dataclass(frozen=True)
class Pair:
    """Whose pictures, and the photo whose face is replaced."""

    kind: str
    source: tuple[Path, ...]
    target: Path


def pairs(data: Path) -> list[Pair]:
    """The pairs, by a fixed seed."""
    draw = random.Random(SEED)
    london: dict[str, list[Path]] = {}
    for path in sorted((data / "london-angles768").glob("*.jpg")):
        london.setdefault(path.name[:3], []).append(path)
    selfies = sorted((data / "selfies").glob("*.jpg"))
    with (data / "faces256" / "faces.csv").open(encoding="utf-8") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if row["age"].isdecimal() and int(row["age"]) >= 20 and row["glasses"] == "0"
        ]

    def someone(*sources: str) -> Path:
        row = draw.choice([row for row in rows if row["source"] in sources])
        return data / "faces256" / "images" / row["file"]

    def one(who: str, ending: str) -> Path:
        return next(path for path in london[who] if path.stem.endswith(ending))

    people = draw.sample(sorted(london), 22)
    out: list[Pair] = []
    for a, b in zip(people[0:6], people[6:12], strict=True):
        out.append(
            Pair(
                "studio, six pictures",
                tuple(london[a]),
                one(b, draw.choice(("neutral-front", "smiling-front"))),
            )
        )
    for a, b in zip(people[12:16], people[16:20], strict=True):
        out.append(Pair("studio, one picture", (one(a, "neutral-front"),), one(b, "smiling-front")))
    for a, b in zip(people[4:7], people[0:3], strict=True):
        out.append(
            Pair(
                "studio, turned",
                tuple(london[a]),
                one(b, draw.choice(("neutral-left_3quarter", "neutral-right_3quarter"))),
            )
        )
    out += [Pair("studio to web", tuple(london[a]), someone("fairface", "congress")) for a in people[8:12]]
    out += [Pair("studio to synthetic", tuple(london[a]), someone("sfhq", "sfhq-t2i")) for a in people[12:15]]
    out += [Pair("synthetic to web", (someone("sfhq"),), someone("fairface", "congress")) for _ in range(6)]
    out += [
        Pair("synthetic to studio", (someone("sfhq", "sfhq-t2i"),), one(b, "neutral-front"))
        for b in people[15:18]
    ]
    out += [Pair("selfies to studio", tuple(selfies), one(b, "smiling-front")) for b in people[18:20]]
    return [
        *out,
        *(
            Pair("studio to selfie", tuple(london[a]), path)
            for a, path in zip(people[20:22], selfies[::2], strict=True)
        ),
    ]


def vector(kit: Kit, pixels: Array, face: Face) -> Array:
    """A face by dlib's network, of whatever length: people are told apart at distances of .6."""
    embedder = kit.embedder()
    crop = geometry.align(pixels, face.landmarks, embedder.alignment)
    return embedder.net.run(pixels=embedder.net.tensor(crop.pixels))["vector"][0]


def largest(kit: Kit, pixels: Array) -> Face:
    return max(kit.faces(pixels), key=lambda face: face.area)


def measured(kit: Kit, pair: Pair, show: Path | None, number: int) -> dict[str, Any]:
    """One pair as a row; `refused` where it could not be done."""
    about = {"pair": number, "kind": pair.kind}
    before = read(pair.target)
    try:
        gallery = Gallery.of(pair.source, kit=kit)
        start = time.process_time()
        after = swap(before, gallery, consent=CONSENT, face="largest", kit=kit)
        seconds = time.process_time() - start
    except MienError as error:
        return about | {"refused": str(error)}
    own, then = largest(kit, before.pixels), largest(kit, after.pixels)
    theirs = [(read(path).pixels) for path in pair.source]
    known = [vector(kit, pixels, largest(kit, pixels)) for pixels in theirs]
    was, now = vector(kit, before.pixels, own), vector(kit, after.pixels, then)
    to_a = float(np.mean([np.linalg.norm(now - one) for one in known]))
    left = trace(before, after, own, then, kit)
    if show:
        picture = read(
            pair.source[[path.name for path in pair.source].index(after.history[-1].sources[0].title)]
        )
        photo_writer.write(
            Photo(side_by_side(before, picture, after, kit, 640)), show / f"{number:02d}.jpg", force=True
        )
    return about | {
        "before_to_a": round(float(np.mean([np.linalg.norm(was - one) for one in known])), 3),
        "to_a": round(to_a, 3),
        "to_b": round(float(np.linalg.norm(now - was)), 3),
        "expression": round(left.expression, 4),
        "seam": None if left.seam is None else round(left.seam, 3),
        "outside": left.outside,
        "seconds": round(seconds, 2),
    }


def side_by_side(before: Photo, source: Photo, after: Photo, kit: Kit, side: int) -> Array:
    """Before, the source's picture that was taken, and after, each around its face: `[side, 3 side, 3]`."""
    shown = [photo.pixels for photo in (before, source, after)]
    return np.hstack([around(pixels, largest(kit, pixels), side) for pixels in shown])


def around(pixels: Array, face: Face, side: int) -> Array:
    """A face and what is around it, `[side, side, 3]`."""
    middle, reach = (face.box[:2] + face.box[2:]) / 2, float((face.box[2:] - face.box[:2]).max()) * 0.95
    low, high = np.clip(middle - reach, 0, None).astype(int), (middle + reach).astype(int)
    part = pixels[low[1] : high[1], low[0] : high[0]]
    how = cv2.INTER_AREA if len(part) > side else cv2.INTER_CUBIC
    return cv2.resize(part, (side, side), interpolation=how)


def sheet(kit: Kit, data: Path, path: Path) -> None:
    """Twelve pairs of people who do not exist, drawn by a fixed seed, as one picture with its label."""
    with (data / "faces256" / "faces.csv").open(encoding="utf-8") as file:
        names = [
            row["file"]
            for row in csv.DictReader(file)
            if row["source"] == "sfhq"
            and row["glasses"] == "0"
            and row["age"].isdecimal()
            and int(row["age"]) >= 25
        ]
    random.Random(SEED).shuffle(names)
    done: list[Array] = []
    history = ()
    while len(done) < 12:
        before, source = (read(data / "faces256" / "images" / names.pop()) for _ in range(2))
        try:
            after = swap(before, source, consent="people who do not exist", kit=kit)
        except MienError as error:
            print(error)
            continue
        done.append(side_by_side(before, source, after, kit, 216))
        history = after.history
    rows = [np.hstack(done[i : i + 2]) for i in range(0, 12, 2)]
    photo_writer.write(Photo(np.vstack(rows), history=history), path, quality=85, force=True)


def times(kit: Kit, data: Path) -> dict[str, float]:
    """Seconds of one thread for a photo of MANY pixels that a face fills as it fills a portrait, and of a smile on
    it."""
    names = sorted((data / "london-angles768").glob("*-neutral-front.jpg"))

    def grown(path: Path) -> Photo:
        small = read(path).pixels
        scale = (MANY / (small.shape[0] * small.shape[1])) ** 0.5
        return Photo(cv2.resize(small, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC))

    photo, gallery = grown(names[1]), Gallery.of(grown(names[0]), kit=kit)

    def took(run: Any) -> float:
        """The fastest of four: what else the machine does makes others slower."""
        seconds: list[float] = []
        for _ in range(4):
            start = time.process_time()
            run()
            seconds.append(time.process_time() - start)
        return min(seconds)

    done = took(lambda: swap(photo, gallery, consent=CONSENT, kit=kit))
    smile = took(lambda: edit(photo, smile=0.8, kit=kit))
    return {"swap_seconds": round(done, 2), "smile_seconds": round(smile, 2), "ratio": round(done / smile, 2)}


def over_time(kit: Kit, folder: Path) -> dict[str, float]:
    """Seconds of one thread a frame for a swap in 720p and for `--age 30` in the same clip, and by how many levels a
    pixel of the face trembles (its second difference over time, in the face's layout), before and after."""
    source, swapped, aged = (folder / name for name in ("clip.mp4", "swapped.mp4", "aged.mp4"))
    film(source, 2)
    gallery = Gallery.of(COLLINS, kit=kit)

    def took(run: Any) -> float:
        start = time.process_time()
        frames = run().frames
        return (time.process_time() - start) / frames

    done = took(lambda: swap_clip(source, swapped, gallery, consent="public figures", kit=kit))
    edit_took = took(lambda: edit_clip(source, aged, age=30, kit=kit))
    own, after = trembling(kit, source, swapped)
    return {
        "clip_seconds_a_frame": round(done, 3),
        "clip_over_age": round(done / edit_took, 2),
        "trembling_before": round(own, 2),
        "trembling_after": round(after, 2),
    }


def trembling(kit: Kit, *clips: Path) -> list[float]:
    """Of each clip; all are laid out by the faces of the first."""
    frames = [[frame.pixels for frame in clip_reader.frames(clip_reader.clip(path))] for path in clips]
    tracker, layout = Tracker(kit, "largest"), Alignment("face", 256)
    sights = [tracker.look(pixels, i / 30) for i, pixels in enumerate(frames[0])]
    matrices = []
    for i in range(len(sights)):
        low = max(0, i - 6)
        (face, _), *_ = smooth(sights[low : i + 7], i - low, 6).values()
        matrices.append(geometry.similarity(face.landmarks, layout))
    out: list[float] = []
    for shown in frames:
        laid = [
            geometry.warp(one, at, 256).astype(np.float32) for one, at in zip(shown, matrices, strict=True)
        ]
        laid = [cv2.GaussianBlur(one, (0, 0), 2)[64:224, 48:208] for one in laid]
        steps = zip(laid, laid[1:], laid[2:], strict=False)
        out.append(float(np.mean([np.abs(a - 2 * b + c).mean() for a, b, c in steps])))
    return out


def frames_of(kit: Kit, path: Path) -> None:
    """Some frames of a clip, before and after, as one picture with its label: Grace Hopper, and Eileen Collins's face
    on her."""
    with tempfile.TemporaryDirectory() as folder:
        source, swapped = Path(folder) / "clip.mp4", Path(folder) / "swapped.mp4"
        film(source, 3)
        swap_clip(source, swapped, COLLINS, consent="public figures", kit=kit)
        pairs = zip(*(clip_reader.frames(clip_reader.clip(one)) for one in (source, swapped)), strict=True)
        shown = [(a.pixels, b.pixels) for a, b in pairs if a.number in range(0, 90, 15)]
        history = verify(swapped).history
    columns: list[Array] = []
    for pair in shown:
        face = largest(kit, pair[0])
        columns.append(np.vstack([around(pixels, face, 230) for pixels in pair]))
    photo_writer.write(Photo(np.hstack(columns), history=history), path, quality=85, force=True)


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the rows of all pairs say."""
    done = [row for row in rows if "refused" not in row]

    def median(name: str) -> float:
        return round(float(np.median([row[name] for row in done if row[name] is not None])), 4)

    return {
        "pairs": len(rows),
        "refused": len(rows) - len(done),
        "nearer_to_a": round(100 * float(np.mean([row["to_a"] < row["to_b"] for row in done])), 1),
        **{name: median(name) for name in ("before_to_a", "to_a", "to_b", "expression", "seam", "seconds")},
        "outside": max(row["outside"] for row in done),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--show", type=Path)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--frames", type=Path)
    asked = parser.parse_args()
    kit = Kit(threads=1)
    cv2.setNumThreads(1)
    if asked.sheet:
        sheet(kit, asked.data, asked.sheet)
        return
    if asked.frames:
        frames_of(kit, asked.frames)
        return
    took = times(kit, asked.data)
    rows: list[dict[str, Any]] = []
    for number, pair in enumerate(pairs(asked.data)):
        rows.append(measured(kit, pair, asked.show, number))
        print(rows[-1], flush=True)
    with tempfile.TemporaryDirectory() as folder:
        about = summary(rows) | took | over_time(kit, Path(folder))
    print(about)
    figures.save(asked.json, "python benchmarks/swap.py DATA --json FILE", rows, **about)


if __name__ == "__main__":
    main()
