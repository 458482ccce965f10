"""Whether the mark in the pixels of faces outlives what happens to pictures, and whether faces without one are left
alone.

    python benchmarks/watermark.py PICTURES... [--plain PICTURES...] [--most N] [--sheet out.png] [--json out.json]

PICTURES: portraits of adults, which are edited, written and marked, by turns with a small edit and one of the whole
face; then each is attacked in every way below and listened to. --plain: pictures that carry no mark; those that are
marked are left out. The threshold is chosen on a half of the people in them, and false alarms are counted in the other;
who is in a picture is told by a `faces.csv` beside it or above it (columns file and person), or by what its name begins
with. --most, --most-plain: so many, evenly spread. --sheet: twenty faces without and with a mark side
by side at 200 %, for the eye.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from figures import save

import mien
from mien import Kit, MienError, Photo
from mien.io import clip_reader, watermark
from mien.pipeline.verify import heard_in_clip, heard_in_photo
from mien.types import Array, Mark

EDITS: tuple[dict[str, Any], ...] = ({"smile": 0.6}, {"light": 0.5}, {"lips": "red:0.4"}, {"age": 12.0})
AGAIN: dict[str, Any] = {"warmth": 0.3}
SMOOTHEST = 10
LARGE = 200  # pixels of a face's width
SHOWN = 20


def jpeg(quality: int) -> Callable[[Array], Array]:
    def attack(pixels: Array) -> Array:
        data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))[..., ::-1]

    return attack


def resized(scale: float) -> Callable[[Array], Array]:
    return lambda pixels: cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def cropped(pixels: Array) -> Array:
    """Without 15 % at each side."""
    height, width = (round(0.15 * side) for side in pixels.shape[:2])
    return pixels[height:-height, width:-width]


def gamma(power: float) -> Callable[[Array], Array]:
    return lambda pixels: np.rint(255 * (pixels / 255) ** power).astype(np.uint8)


def screenshot(pixels: Array) -> Array:
    """As a screen shows it and a program saves that: smaller, a little lighter, with a border, as JPEG 85."""
    small = cv2.resize(pixels, None, fx=0.83, fy=0.83, interpolation=cv2.INTER_LINEAR)
    shown = gamma(0.95)(small)
    return jpeg(85)(cv2.copyMakeBorder(shown, 7, 11, 13, 5, cv2.BORDER_CONSTANT, value=(40, 40, 40)))


def messenger(pixels: Array) -> Array:
    """At most 1600 pixels a side, as JPEG 70."""
    scale = min(1.0, 1600 / max(pixels.shape[:2]))
    return jpeg(70)(resized(scale)(pixels) if scale < 1 else pixels)


def turned(pixels: Array) -> Array:
    height, width = pixels.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 5, 1)
    return cv2.warpAffine(pixels, turn, (width, height), borderMode=cv2.BORDER_REFLECT)


ATTACKS: dict[str, Callable[[Array], Array]] = {
    "none": lambda pixels: pixels,
    "JPEG 30": jpeg(30),
    "half size": resized(0.5),
    "cropped by 30 %": cropped,
    "screenshot": screenshot,
    "messenger": messenger,
    "gamma 0.8": gamma(0.8),
    "gamma 1.25": gamma(1.25),
    "blur 1 px": lambda pixels: cv2.GaussianBlur(pixels, (0, 0), 1),
    "turned by 5 degrees": turned,
    "mirrored": lambda pixels: pixels[:, ::-1],
}

MORE = "film, CRF 28", "edited again"


def in_film(pixels: Array, path: Path, kit: Kit) -> Mark | None:
    """The mark in a second of a film that pans over the picture, as H.264 at CRF 28."""
    height, width = (side & ~1 for side in pixels.shape[:2])
    with av.open(str(path), "w", format="mp4") as film:
        stream: Any = film.add_stream("libx264", 25, {"crf": "28"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(25):
            frame = np.ascontiguousarray(np.roll(pixels, number // 3, axis=1)[:height, :width])
            film.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        film.mux(stream.encode())
    return heard_in_clip(clip_reader.clip(path), kit)


def marks_of(photo: Photo, edit: dict[str, Any], folder: Path, kit: Kit) -> dict[str, Any] | None:
    """What is heard of one marked picture after each attack, what its label says, and how much the mark changed."""
    edited = mien.edit(photo, kit=kit, face="largest", **edit)
    if not edited.marks:
        return None
    pixels, bits = written(edited, folder)
    heard = {name: heard_in_photo(Photo(attack(pixels)), kit) for name, attack in ATTACKS.items()}
    told = {name: (mark, bits) for name, mark in heard.items()}
    told[MORE[0]] = in_film(pixels, folder / "film.mp4", kit), bits
    again, later = written(mien.edit(Photo(pixels), kit=kit, face="largest", **AGAIN), folder)
    told[MORE[1]] = heard_in_photo(Photo(again), kit), later
    place = edited.marks[0]
    inside = cv2.warpAffine(place.window, cv2.invertAffineTransform(place.matrix), edited.size) > 0.5
    error = float(np.mean((pixels[inside].astype(np.float64) - edited.pixels[inside]) ** 2))
    fine = place.grey - cv2.GaussianBlur(place.grey, (0, 0), 4)
    return {
        "told": told,
        "psnr": 10 * np.log10(255**2 / error),
        "rough": float(fine[place.window > 0.5].std()),
        "pixels": (edited.pixels, pixels),
        "box": cv2.boundingRect(inside.astype(np.uint8)),
    }


def written(photo: Photo, folder: Path) -> tuple[Array, str | None]:
    """The pixels of a photo as `write` writes them, and the bits that its label tells."""
    out = folder / "out.png"
    mien.write(photo, out, force=True)
    return mien.read(out).pixels, mien.verify(out).bits


def spread(paths: list[Path], most: int) -> list[Path]:
    """So many of them, evenly."""
    return [paths[len(paths) * i // most] for i in range(most)] if most < len(paths) else paths


def read_all(paths: list[Path]) -> Iterator[tuple[Path, Photo]]:
    for path in paths:
        try:
            yield path, mien.read(path)
        except MienError as error:
            print(f"{path.name}: {error}")


@cache
def people_in(folder: Path) -> dict[str, str]:
    """Who is in the pictures of a folder, by their names."""
    for table in (folder / "faces.csv", folder.parent / "faces.csv"):
        if table.exists():
            with table.open(encoding="utf-8", newline="") as rows:
                return {row["file"]: row["person"] or row["file"] for row in csv.DictReader(rows)}
    return {}


def half_of(path: Path) -> int:
    """The half, 0 or 1, that the person in a picture belongs to."""
    person = people_in(path.parent).get(path.name, path.stem.split("-")[0])
    return hashlib.sha256(person.encode()).digest()[0] % 2


def names(paths: list[Path]) -> dict[str, str]:
    """The names of files, by the names of their folders."""
    folders = sorted({path.parent for path in paths})
    return {
        "/".join(folder.parts[-2:]): " ".join(path.name for path in paths if path.parent == folder)
        for folder in folders
    }


def row_of(name: str, group: str, seen: list[dict[str, Any]]) -> dict[str, Any]:
    heard: list[tuple[Mark | None, str | None]] = [one["told"][name] for one in seen]
    scores = [mark.score if mark else 0.0 for mark, _ in heard]
    return {
        "after": name,
        "face_width": group,
        "faces": len(heard),
        "found": round(sum(bool(mark and mark.found) for mark, _ in heard) / len(heard), 4),
        "bits_right": round(sum(bool(mark and mark.bits == bits) for mark, bits in heard) / len(heard), 4),
        "bits_wrong": sum(bool(mark and mark.bits and mark.bits != bits) for mark, bits in heard),
        "no_face": sum(mark is None for mark, _ in heard),
        "least_score": round(min(scores), 2),
        "median_score": round(float(np.median(scores)), 2),
    }


def sheet(seen: list[dict[str, Any]], path: Path) -> None:
    """Faces without and with a mark side by side, twice as large."""
    tiles: list[Array] = []
    for one in seen[:: max(1, len(seen) // SHOWN)][:SHOWN]:
        x, y, width, height = one["box"]
        pair = [pixels[y : y + height, x : x + width] for pixels in one["pixels"]]
        tiles.append(np.hstack([resized(2)(pixels) for pixels in pair]))
    across = max(tile.shape[1] for tile in tiles)
    padded = [
        cv2.copyMakeBorder(tile, 0, 8, 0, across - tile.shape[1], cv2.BORDER_CONSTANT) for tile in tiles
    ]
    mien.write(replace(Photo(np.vstack(padded)), history=()), path, force=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("pictures", type=Path, nargs="+")
    parser.add_argument("--plain", type=Path, nargs="*", default=[])
    parser.add_argument("--most", type=int, default=200)
    parser.add_argument("--most-plain", type=int, default=1000)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    kit, seen = Kit(threads=1), list[dict[str, Any]]()
    marked = spread(given.pictures, given.most)
    with tempfile.TemporaryDirectory() as name:
        for number, (path, photo) in enumerate(read_all(marked)):
            try:
                one = marks_of(photo, EDITS[number % len(EDITS)], Path(name), kit)
            except MienError as error:
                print(f"{path.name}: {error}")
                continue
            if one:
                seen.append(one | {"path": path})
    large = [one for one in seen if one["box"][2] >= LARGE]
    groups = {
        f"{LARGE} px or more": large,
        f"below {LARGE} px": [one for one in seen if one["box"][2] < LARGE],
    }
    rows = [
        row_of(name, group, inside)
        for group, inside in groups.items()
        if inside
        for name in (*ATTACKS, *MORE)
    ]
    plain = spread([path for path in given.plain if path not in marked], given.most_plain)
    heard = [(path, heard_in_photo(photo, kit)) for path, photo in read_all(plain)]
    halves = [[mark for path, mark in heard if mark and half_of(path) == half] for half in (0, 1)]
    smooth = sorted(seen, key=lambda one: one["rough"])[:SMOOTHEST]
    about = {
        "marked": len(seen),
        "large": LARGE,
        "threshold": watermark.FOUND,
        "widths": [min(one["box"][2] for one in seen), max(one["box"][2] for one in seen)],
        "large_psnr_mean": round(float(np.mean([one["psnr"] for one in large])), 2) if large else None,
        "psnr_mean": round(float(np.mean([one["psnr"] for one in seen])), 2),
        "psnr_least": round(float(min(one["psnr"] for one in seen)), 2),
        "psnr_of_48_or_more": round(float(np.mean([one["psnr"] >= 48 for one in seen])), 3),
        "smoothest_psnr_least": round(float(min(one["psnr"] for one in smooth)), 2),
        "chosen_on": len(halves[0]),
        "chosen_on_highest_score": max((mark.score for mark in halves[0]), default=0.0),
        "plain_faces": len(halves[1]),
        "false_alarms": sum(mark.found for mark in halves[1]),
        "plain_highest_score": max((mark.score for mark in halves[1]), default=0.0),
        "marked_pictures": names([one["path"] for one in seen]),
        "plain_pictures": names([path for path, mark in heard if mark]),
    }
    for row in rows:
        print(row)
    print({key: value for key, value in about.items() if not key.endswith("_pictures")})
    if given.sheet:
        sheet(smooth + sorted(seen, key=lambda one: -one["rough"])[:SMOOTHEST], given.sheet)
    save(given.json, "python benchmarks/watermark.py", rows, **about)


if __name__ == "__main__":
    main()
