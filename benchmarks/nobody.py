"""Whether the faces of `nobody` are nobody's: how near the nearest portrait is, how unlike they are to one another,
what ages are read in them, which groups are drawn, and how near their pictures lie to portraits.

    python benchmarks/nobody.py FACES [--seeds 2000] [--json benchmarks/results/nobody.json]
    python benchmarks/nobody.py FACES --sheet docs/nobody.webp

FACES is the folder that `mien collage` was given. Distances are those of the identity network in the box, dlib's, by
which 0.6 is its threshold for one person, and 0.45 the nearest that a face may come to a portrait. The Fréchet
distance is `train.blocks.frechet`'s, to portraits of people who do not exist that are not in the bank.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from figures import save

from mien import Kit, read, verbs
from mien.face import geometry
from mien.io.dataset import person_of
from mien.models.prototypes import ADULT
from mien.models.traits import face_traits
from mien.train.blocks import frechet
from mien.train.data.faces import read_faces
from mien.train.prototypes import IMAGINED
from mien.types import Array, Face

NEAREST = 0.45
AGES = ((18, 30), (30, 45), (45, 60), (60, 120))
SKINS = ((-90, 10, "dark"), (10, 41, "medium"), (41, 90, "light"))  # individual typology angle, degrees


def vector(kit: Kit, pixels: Array, landmarks: Array) -> Array:
    """What the identity network says of a face, before it is made a direction: `[128]`, dlib's space."""
    embedder = kit.embedder()
    crop = geometry.align(pixels, landmarks, embedder.alignment)
    return embedder.net.run(pixels=embedder.net.tensor(crop.pixels))["vector"][0]


def skin(pixels: Array, face: Face) -> str:
    """Dark, medium or light, by the individual typology angle of the middle of the cheeks and the forehead."""
    lab = cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    at = np.rint(face.landmarks[[50, 280, 151, 205, 425]]).astype(int)
    x, y = np.clip(at, 3, len(pixels) - 4).T
    seen = np.stack([cv2.blur(lab, (7, 7))[j, i] for i, j in zip(x, y, strict=True)])
    lightness, _, yellow = np.median(seen, axis=0)
    angle = float(np.degrees(np.arctan2(lightness - 50, max(float(yellow), 1e-3))))
    return next(name for low, high, name in SKINS if low <= angle <= high)


def drawn(kit: Kit, seeds: range) -> tuple[list[Array], Array, Array, list[str], int]:
    """Pictures of the seeds in which a face was found, their vectors, traits and skins, and how many had none."""
    pictures, vectors, traits, skins, lost = [], [], [], [], 0
    for seed, photo in zip(seeds, verbs.generate(seeds=seeds, kit=kit), strict=True):
        faces = kit.faces(photo.pixels)
        if not faces:
            lost += 1
            continue
        face = max(faces, key=lambda one: one.area)
        pictures.append(photo.pixels)
        vectors.append(vector(kit, photo.pixels, face.landmarks))
        traits.append(face_traits(kit, photo.pixels, face))
        skins.append(skin(photo.pixels, face))
        if (seed + 1) % 100 == 0:
            print(f"{seed + 1} drawn", flush=True)
    return pictures, np.stack(vectors), np.stack(traits), skins, lost


def apart(some: Array, others: Array) -> Array:
    """Distances `[n, m]`, a few rows at a time."""
    return np.concatenate(
        [np.linalg.norm(rows[:, None] - others, axis=2) for rows in np.array_split(some, len(some) // 50 + 1)]
    )


def distances(found: Array, portraits: Array, people: Array, real: Array) -> dict[str, dict[str, float]]:
    """How near generated faces come to portraits of real and of imagined people, and to one another; beside it, how
    near a portrait comes to another person's, `people [n]` being who they show."""
    theirs, own = apart(portraits, portraits), apart(found, found)
    theirs[people[:, None] == people] = np.inf
    to = apart(found, portraits)
    nearest = {
        "to_real": to[:, real].min(1),
        "to_imagined": to[:, ~real].min(1),
        "real_to_others": theirs[real].min(1),
        "imagined_to_others": theirs[~real].min(1),
    }
    out = {
        name: {
            "least": round(float(one.min()), 3),
            "median": round(float(np.median(one)), 3),
            "percent_too_near": round(100 * float((one < NEAREST).mean()), 2),
        }
        for name, one in nearest.items()
    }
    return out | {
        "among_themselves": {"median": round(float(np.median(own[np.triu_indices(len(own), 1)])), 3)}
    }


def groups(traits: Array, skins: list[str]) -> list[dict[str, Any]]:
    """How many faces there are of each sex, age and skin, as read in them."""
    count = Counter(
        ("m" if sex > 0 else "f", next(f"{low}-{high}" for low, high in AGES if max(age, 18) < high), tone)
        for (_, age, sex), tone in zip(traits, skins, strict=True)
    )
    return [
        {
            "sex": sex,
            "age": f"{low}-{high}",
            **{tone: count[sex, f"{low}-{high}", tone] for *_, tone in SKINS},
        }
        for sex in "fm"
        for low, high in AGES
    ]


def tensor(pictures: list[Array]) -> torch.Tensor:
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1


def frechets(pictures: list[Array], others: list[Array]) -> dict[str, dict[str, float]]:
    """The distance of generated pictures to one half of portraits outside the bank, and of the other half to it, at
    the same number; whole pictures, and the face only."""
    random = np.random.default_rng(0)
    order = random.permutation(len(others))
    half = len(others) // 2
    first, second = (tensor([others[k] for k in part]) for part in (order[:half], order[half : 2 * half]))
    fake = tensor([pictures[k] for k in random.permutation(len(pictures))[:half]])
    out: dict[str, dict[str, float]] = {}
    for name, part in (("whole", np.s_[..., :, :]), ("face", np.s_[..., 70:230, 56:200])):
        near = [round(float(frechet.distance(first[part], one[part])), 3) for one in (fake, second)]
        out[name] = {"pictures": half, "generated": near[0], "portraits": near[1]}
    return out


def sheet(kit: Kit, path: Path) -> None:
    """The first hundred seeds at half size, labelled as generated."""
    photos = []
    for photo in verbs.generate(seeds=range(100), kit=kit):
        small = cv2.resize(photo.pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        photos.append(replace(photo, pixels=small))
    verbs.write(verbs.grid(photos), path, quality=85, force=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("faces", type=Path)
    parser.add_argument("--seeds", type=int, default=2000)
    parser.add_argument("--json", type=Path)
    parser.add_argument(
        "--sheet", type=Path, metavar="FILE", help="Only draw the first hundred, side by side."
    )
    asked = parser.parse_args()
    torch.set_num_threads(1)
    kit = Kit(threads=1)
    if asked.sheet:
        return sheet(kit, asked.sheet)
    table, landmarks = read_faces(asked.faces)
    images = [read(asked.faces / "images" / row["file"]).pixels for row in table]
    portraits = np.stack([vector(kit, one, points) for one, points in zip(images, landmarks, strict=True)])
    pictures, found, traits, skins, lost = drawn(kit, range(asked.seeds))
    bank = kit.generator("nobody")[1].net.card.data
    others = [
        one
        for one, row in zip(images, table, strict=True)
        if row["source"] in IMAGINED
        and row["glasses"] == "0"
        and row["hat"] == "0"
        and row["file"] not in bank
    ]
    real = np.array([row["source"] not in IMAGINED for row in table])
    people = np.array([person_of(row) for row in table])
    about: dict[str, Any] = {
        "seeds": asked.seeds,
        "without_a_face": lost,
        "portraits": len(portraits),
        "real_portraits": int(real.sum()),
        "read_under_18": int((traits[:, 1] < ADULT).sum()),
        "youngest": round(float(traits[:, 1].min()), 1),
        "distance": distances(found, portraits, people, real),
        "frechet": frechets(pictures, others),
    }
    rows = groups(traits, skins)
    for row in (about, *rows):
        print(row)
    nearest = apart(found, portraits[real]).min(1)
    print("nearest to real people:", np.argsort(nearest)[:9], "youngest:", np.argsort(traits[:, 1])[:9])
    save(asked.json, "python benchmarks/nobody.py FACES --json FILE", rows, **about)


if __name__ == "__main__":
    main()
