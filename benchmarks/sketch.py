"""How well `mien sketch` follows drawings: of people who were held out, against the mean face and the nearest portrait
whose drawing is alike; of scribbled heads, whose shapes are known; how various the faces are; how long one takes.

    python benchmarks/sketch.py FACES [--portraits 150] [--scribbles 500] [--json benchmarks/results/sketch.json]
    python benchmarks/sketch.py --sheet docs/sketch.webp

FACES is the folder that the reader of sketches was trained on. Errors of landmarks are over the distance of the eyes, of
outline, brows, eyes and lips, as the finder in the box finds them in the face that is drawn; hair is the parser's.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from figures import save
from nobody import apart, groups, skin, vector
from scribbles import SCRIBBLES

from mien import Kit, Photo, verbs
from mien.errors import DeclinedError
from mien.face import geometry
from mien.face.topology import BROWS, EYELIDS, INNER_LIPS, LIPS, OVAL, POINTS
from mien.models import catalogue
from mien.models.prototypes import ADULT
from mien.models.traits import face_traits
from mien.pipeline.sketch import following, on_white
from mien.train.data.hairdos import hairdo
from mien.train.data.head_shapes import exaggerated
from mien.train.data.scribbles import Subject, scribbled
from mien.train.data.sketched_faces import CROP, Portrait, SketchData, drawn_portrait
from mien.types import Alignment, Array, Face

SIZE = 512  # pixels a side of drawings
SHOWN = [*OVAL, *EYELIDS[0], *EYELIDS[1], *BROWS[0], *BROWS[1], *LIPS, *INNER_LIPS]
WHOLE = np.array([[SIZE / CROP, 0, 0], [0, SIZE / CROP, 0]])
LITTLE = np.array([[0.6 * SIZE / CROP, 0, 0.2 * SIZE], [0, 0.6 * SIZE / CROP, 0.24 * SIZE]])
NEAR = 24  # pixels a side at which drawings are compared
RATIOS = {  # of a face: two distances, each between two points
    "head_width": ((234, 454), (10, 152)),
    "jaw": ((172, 397), (234, 454)),
    "eye_opening": ((159, 145), (33, 133)),
    "mouth_width": ((61, 291), (234, 454)),
    "mouth_opening": ((13, 14), (61, 291)),
    "brows": ((105, 159), (10, 152)),
}


def found(kit: Kit, pixels: Array) -> Face | None:
    """The largest face of a picture."""
    return max(kit.faces(pixels), key=lambda one: one.area, default=None)


def laid_out(landmarks: Array) -> Array:
    """Points `[468, 2]` in a crop of 256 pixels, layout "ffhq"."""
    return geometry.transform(landmarks[:POINTS], geometry.similarity(landmarks, Alignment("ffhq", CROP)))


def off(points: Array, wanted: Array) -> float:
    """How far points are from where they were wanted, over the distance of the eyes."""
    return float(np.linalg.norm((points - wanted)[SHOWN], axis=1).mean()) / geometry.eye_distance(wanted)


def hair_of(kit: Kit, pixels: Array, landmarks: Array) -> Array:
    """Where the parser sees hair in the crop: `[256, 256]` bool."""
    crop = geometry.align(pixels, landmarks, kit.parser.alignment)
    shares = kit.parser.parse(crop)["hair"]
    to = geometry.compose(
        geometry.similarity(landmarks, Alignment("ffhq", CROP)), geometry.invert(crop.matrix)
    )
    return cv2.warpAffine(shares, to, (CROP, CROP), flags=cv2.INTER_LINEAR) > 0.5


def overlap(one: Array, other: Array) -> float:
    """Intersection over union."""
    return float((one & other).sum() / max((one | other).sum(), 1))


def hair_in(who: Portrait) -> Array:
    return cv2.resize((who.regions == 2).astype(np.uint8), (CROP, CROP), interpolation=cv2.INTER_NEAREST) > 0


def small(drawing: Array) -> Array:
    blurred = cv2.GaussianBlur(drawing.min(2).astype(np.float32), (0, 0), SIZE / NEAR / 2)
    return cv2.resize(blurred, (NEAR, NEAR), interpolation=cv2.INTER_AREA).ravel()


def of_portraits(kit: Kit, data: SketchData, count: int) -> dict[str, Any]:
    """Drawings of people held out: errors of the faces that are drawn, and of two baselines."""
    random = np.random.default_rng(0)
    trained = data.pools[False]
    known = np.stack([small(drawn_portrait(random, one, None, WHOLE, SIZE)[0]) for one in trained])
    mean_hair = np.mean([hair_in(one) for one in trained], 0) > 0.5
    rows, lost = list[tuple[float, ...]](), 0
    for who in data.pools[True][:count]:
        drawing, _ = drawn_portrait(random, who, None, WHOLE, SIZE)
        drawn = verbs.sketch(Photo(drawing), kit=kit).pixels
        face = found(kit, drawn)
        if face is None:
            lost += 1
            continue
        like = trained[int(np.argmin(np.linalg.norm(known - small(drawing), axis=1)))]
        hair = hair_in(who)
        traits = face_traits(kit, drawn, face)
        rows.append(
            (
                off(laid_out(face.landmarks), who.points), off(data.mean, who.points), off(like.points, who.points),
                overlap(hair_of(kit, drawn, face.landmarks), hair), overlap(mean_hair, hair), overlap(hair_in(like), hair),
                float(traits[2] * who.traits[0] > 0),
            )
        )  # fmt: skip
    middle = np.median(rows, 0).round(3).tolist()
    names = ("sketch", "mean_face", "nearest")
    return {
        "drawings": len(rows) + lost,
        "without_a_face": lost,
        "landmarks": dict(zip(names, middle[:3], strict=True)),
        "hair": dict(zip(names, middle[3:6], strict=True)),
        "sex_right_percent": round(100 * float(np.mean([row[-1] for row in rows]))),
    }


def ratios(points: Array) -> list[float]:
    def length(pair: tuple[int, int]) -> float:
        return float(np.linalg.norm(points[pair[0]] - points[pair[1]]))

    return [length(one) / max(length(other), 1e-3) for one, other in RATIOS.values()]


def of_scribbles(kit: Kit, data: SketchData, count: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Scribbled heads: how far each ratio of the face follows that of the drawing, and how various the faces are."""
    random, everybody = np.random.default_rng(1), [one for pool in data.pools.values() for one in pool]
    drawn, wanted, got, traits, skins, vectors, lost, seconds = [], [], [], [], [], [], 0, 0.0
    for k in range(count):
        points = exaggerated(everybody[random.integers(len(everybody))].points, data.mean, random)
        hair = hairdo(points, random.random() < 0.5, random) if random.random() < 0.8 else None
        drawing = scribbled(Subject(points, hair), LITTLE, SIZE, random)
        start = time.process_time()
        picture = verbs.sketch(Photo(drawing), kit=kit).pixels
        seconds += time.process_time() - start
        face = found(kit, picture)
        if face is None:
            lost += 1
            continue
        drawn.append(picture)
        wanted.append(ratios(points))
        got.append(ratios(face.landmarks))
        traits.append(face_traits(kit, picture, face))
        skins.append(skin(picture, face))
        vectors.append(vector(kit, picture, face.landmarks))
        if (k + 1) % 100 == 0:
            print(f"{k + 1} drawn", flush=True)
    want, have = np.array(wanted), np.array(got)
    follows = {
        name: {
            "correlation": round(float(np.corrcoef(want[:, k], have[:, k])[0, 1]), 2),
            "slope": round(float(np.polyfit(want[:, k], have[:, k], 1)[0]), 2),
        }
        for k, name in enumerate(RATIOS)
    }
    told = np.stack(traits)
    between = apart(np.stack(vectors), np.stack(vectors))[np.triu_indices(len(vectors), 1)]
    about: dict[str, Any] = {
        "scribbles": count,
        "without_a_face": lost,
        "follows": follows,
        "distance_median": round(float(np.median(between)), 3),
        "youngest": round(float(told[:, 1].min()), 1),
        "read_under_18": int((told[:, 1] < ADULT).sum()),
        "skins": {name: round(100 * n / len(skins)) for name, n in Counter(skins).items()},
        "feminine_percent": round(100 * float((told[:, 2] < 0).mean())),
        "reader_megabytes": round(catalogue.locate("sketch-reader").path.stat().st_size / 1e6, 2),
        "milliseconds": round(1000 * seconds / count),
    }
    return groups(told, skins), about


def sheet(kit: Kit, path: Path) -> None:
    """Every one of the bad drawings with two faces of it, none left out, labelled as generated."""
    photos = []
    for name, draw in SCRIBBLES.items():
        given = draw()
        opacity = given[..., 3].copy() if given.shape[2] == 4 else None
        photo = Photo(np.ascontiguousarray(given[..., :3]), opacity=opacity)
        try:
            faces = [verbs.sketch(photo, seed=seed, kit=kit) for seed in following(photo, None, 2)]
        except DeclinedError as error:
            print(f"{name}: {error}")
            continue
        column = np.vstack([tile(on_white(photo)), *(one.pixels for one in faces)])
        column = cv2.resize(column, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        photos.append(replace(faces[0], pixels=column, opacity=None))
    verbs.write(verbs.grid(photos), path, quality=85, force=True)


def tile(pixels: Array) -> Array:
    """A drawing in a square of 256 pixels."""
    height, width = pixels.shape[:2]
    side = max(height, width)
    out = np.full((side, side, 3), 255, np.uint8)
    out[(side - height) // 2 :, (side - width) // 2 :][:height, :width] = pixels
    return cv2.resize(out, (CROP, CROP), interpolation=cv2.INTER_AREA)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("faces", type=Path, nargs="?")
    parser.add_argument("--portraits", type=int, default=150)
    parser.add_argument("--scribbles", type=int, default=500)
    parser.add_argument("--json", type=Path)
    parser.add_argument(
        "--sheet", type=Path, metavar="FILE", help="Only draw faces of bad drawings, side by side."
    )
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    kit = Kit(threads=1)
    if asked.sheet:
        return sheet(kit, asked.sheet)
    data = SketchData([asked.faces], 128, 0)
    rows, scribbles = of_scribbles(kit, data, asked.scribbles)
    about = {"portraits": of_portraits(kit, data, asked.portraits), "scribbled": scribbles}
    for row in (about, *rows):
        print(row)
    save(asked.json, "python benchmarks/sketch.py FACES --json FILE", rows, **about)


if __name__ == "__main__":
    main()
