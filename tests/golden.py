"""Golden values: what every edit of every maker, a clip, masks, a report, and a network that is exported and
imported come to.

    python tests/golden.py        writes goldens/ anew, once a change of them is meant and was looked at

Of each picture there are a few hundred pixels at places drawn by a seed, where it differs from what it was
made of: small, and enough to tell that something has changed. `test_golden.py` compares.
"""

from __future__ import annotations

import json
import os
import tempfile
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import cv2
import numpy as np
from faces import collins, hopper, kit, opened

from mien import Photo, edit, read, verbs, write
from mien.types import Array

FOLDER = Path(__file__).parent / "goldens"
SAMPLES = 400
MAKERS = (None, "prototypes", "network")
STRENGTHS: tuple[dict[str, Any], ...] = (
    {"smile": 0.8}, {"smile": -0.8}, {"age": 30.0}, {"age": -20.0}, {"sex": 0.8}, {"sex": -0.8},
    {"age_to": 70.0}, {"gaze": 0.8}, {"gaze": -0.6}, {"gaze_up": 0.8}, {"gaze_up": -0.6}, {"beauty": 0.7},
    {"lips": "#b01030:0.6"}, {"lids": "plum"}, {"grin": 0.8}, {"mouth": 0.8}, {"mouth": -0.8}, {"hair": "blond"}, {"hair": "#5030a0:0.7"},
    {"hair_light": 0.6}, {"hair_light": -0.6}, {"beard": 0.7}, {"beard": -1.0}, {"glasses": 1.0}, {"glasses": -1.0}, {"light": 0.7},
    {"light": -0.7}, {"toplight": 0.7}, {"toplight": -0.7}, {"warmth": 0.6}, {"warmth": -0.6},
    {"smile": 0.5, "age": 20.0, "sex": -0.5, "lips": "red:0.5", "hair": "grey", "light": 0.3},
)  # fmt: skip


@cache
def photos() -> dict[str, Photo]:
    """Hopper; Collins at 16 bits; both together, she turned, he smaller and grey."""
    one, two = hopper().pixels, collins()[0].pixels
    grey = cv2.cvtColor(
        cv2.cvtColor(cv2.resize(one, (307, 360), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY),
        cv2.COLOR_GRAY2RGB,
    )
    turn = cv2.getRotationMatrix2D((256, 256), 18, 0.8)
    turned = cv2.warpAffine(two, turn, (512, 512), borderMode=cv2.BORDER_REFLECT_101)
    both = np.full((512, 820, 3), 90, np.uint8)
    both[:, :512], both[100:460, 512:819] = turned, grey
    return {"hopper": hopper(), "collins": Photo(two.astype(np.uint16) * 257), "both": Photo(both)}


def name_of(photo: str, strengths: dict[str, Any], by: str | None) -> str:
    return " ".join([photo, *(f"{name}={value}" for name, value in strengths.items()), *([by] if by else [])])


def edits() -> list[tuple[str, dict[str, Any], str | None]]:
    """Every edit that is tried: photo, strengths, maker. Hopper gets all, the other photos one half of them each."""
    whole, (first, *others) = {"smile", "age", "sex", "age_to"}, photos()
    return [
        *(
            (first, strengths, by)
            for strengths in STRENGTHS
            for by in (MAKERS if strengths.keys() <= whole else (None,))
        ),
        *(
            (photo, strengths, None)
            for i, photo in enumerate(others)
            for strengths in STRENGTHS[i :: len(others)]
        ),
    ]


def samples(before: Array, after: Array, name: str) -> Array:
    """Values `[n, 4]` int32 of pixels that differ, at places drawn by the name: place, red, green, blue in
    levels."""
    differs = np.flatnonzero((before != after).any(-1))
    places = np.random.default_rng(zlib.crc32(name.encode())).choice(
        before.shape[0] * before.shape[1], SAMPLES * 40
    )
    chosen = places[np.isin(places, differs)][:SAMPLES]
    values = after.reshape(-1, 3)[chosen].astype(np.int64) * 255 // np.iinfo(after.dtype).max
    return np.concatenate([chosen[:, None], values], 1).astype(np.int32)


def edited() -> Iterator[tuple[str, Array, Array]]:
    """Each edit's name, the photo before, and after."""
    for photo, strengths, by in edits():
        before = photos()[photo]
        yield (
            name_of(photo, strengths, by),
            before.pixels,
            opened(before).edit(method=by, **strengths).pixels,
        )


def masks() -> Iterator[tuple[str, Array, Array]]:
    photo = hopper()
    for name, mask in verbs.regions(photo, verbs.find(photo, kit=kit())[0], kit=kit()):
        yield f"mask {name}", np.zeros_like(photo.pixels), np.repeat(mask[..., None], 3, 2)


def clip(folder: Path) -> Iterator[tuple[str, Array, Array]]:
    """Frames of a clip of a face that moves, made younger and with a grin."""
    from films import film, shot

    from mien.io import clip_reader as footage

    source = film(folder / "clip.mp4", [shot(hopper().pixels, i) for i in range(20)], sound=None)
    verbs.edit_clip(source, folder / "out.mp4", kit=kit(), age=-20.0, grin=0.6)
    both = zip(*(footage.frames(footage.clip(path)) for path in (source, folder / "out.mp4")), strict=True)
    for before, after in both:
        if before.number % 6 == 0:
            yield f"clip frame {before.number}", before.pixels, after.pixels


def network(folder: Path) -> Iterator[tuple[str, Array, Array]]:
    """A generator that was exported and imported draws, and moves a face."""
    import eigenfaces

    for path in eigenfaces.write(folder):
        verbs.import_network(path, path.stem)
    (drawn,) = verbs.generate("eigen", [3], kit=type(kit())(threads=1))
    yield "generated", np.zeros_like(drawn.pixels), drawn.pixels


def report(folder: Path) -> dict[str, Any]:
    """`mien report --json` of one edit, to four digits."""
    from dataclasses import asdict

    write(edit(hopper(), kit=kit(), age=30, smile=0.5), folder / "after.png", force=True)
    told = asdict(verbs.report(hopper(), read(folder / "after.png"), kit=kit()))

    def short(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: short(one) for key, one in value.items() if key not in ("inside", "at", "box")}
        if isinstance(value, list | tuple):
            return [short(one) for one in value]
        return float(f"{value:.4g}") if isinstance(value, float) else value

    return json.loads(json.dumps(short(told)))


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["MIEN_HOME"] = str(folder / "home")
        found = {}
        for part in (edited(), masks(), clip(folder), network(folder)):
            found |= {name: samples(before, after, name) for name, before, after in part}
        np.savez_compressed(FOLDER / "pictures.npz", allow_pickle=False, **found)
        (FOLDER / "report.json").write_text(json.dumps(report(folder), indent=1) + "\n", encoding="utf-8")
    print(len(found), "pictures")


if __name__ == "__main__":
    main()
