"""How well identity tells people apart: pictures of one person against those of strangers.

python benchmarks/identity.py PAIRS ANGLES FACES [--json FILE]

PAIRS is a folder of people with and without a smile, ANGLES one of people from three sides, both as `mien
train` reads them; FACES a folder of faces with labels, of as many people.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

import figures
import numpy as np

from mien.face import geometry
from mien.io.photo_reader import read
from mien.models.kit import Kit
from mien.types import Array

LEVELS = (0.001, 0.01)  # of strangers that are taken for one person


def vectors(kit: Kit, folder: Path, names: list[str], points: Array) -> Array:
    """The identities of pictures with their landmarks, `[n, E]`."""
    embedder = kit.embedder()
    out: list[Array] = []
    for name, landmarks in zip(names, points, strict=True):
        pixels = read(folder / name).pixels
        out.append(embedder.identity(geometry.align(pixels, landmarks, embedder.alignment)).vector)
    return np.stack(out)


def row(pair: str, cosines: Array, same: bool, threshold: float) -> dict[str, Any]:
    """What `cosines [n]` of pairs say: mean and spread, the end that matters, the share on the wrong side."""
    wrong = cosines < threshold if same else cosines >= threshold
    return {
        "pair": pair,
        "pairs": len(cosines),
        "mean": round(float(cosines.mean()), 2),
        "sd": round(float(cosines.std()), 2),
        "worst": round(float(cosines.min() if same else cosines.max()), 2),
        "wrong": round(100 * float(wrong.mean()), 2),
    }


def strangers(found: Array, people: Array) -> Array:
    """The cosines of all pairs of different people."""
    cosines = found @ found.T
    first, second = np.triu_indices(len(found), 1)
    return cosines[first, second][people[first] != people[second]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("pairs", "angles", "faces"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    kit = Kit(threads=1)
    threshold = kit.embedder().threshold

    known = np.load(asked.pairs / "landmarks478.npz")
    ids = [str(one) for one in known["ids"]]
    neutral, smiling = (
        vectors(kit, asked.pairs, [f"{i}-{kind}.jpg" for i in ids], known[kind])
        for kind in ("neutral", "smiling")
    )
    known = np.load(asked.angles / "landmarks478.npz")
    files = [str(one) for one in known["files"]]
    turned = dict(zip(files, vectors(kit, asked.angles, files, known["points"]), strict=True))
    aside = [
        float(turned[f"{i}-neutral-front.jpg"] @ turned[name])
        for i in ids
        for side in ("left", "right")
        if (name := f"{i}-neutral-{side}_3quarter.jpg") in turned and f"{i}-neutral-front.jpg" in turned
    ]
    known = np.load(asked.faces / "landmarks478.npz")
    with (asked.faces / "faces.csv").open(encoding="utf-8") as file:
        table = {one["file"]: one for one in csv.DictReader(file)}
    files = [str(one) for one in known["files"]]
    found = vectors(kit, asked.faces / "images", files, known["points"] - np.float32(0.5))
    people = np.array([table[name]["person"] or name for name in files])

    rows = [
        row("one person, neutral and smiling", (neutral * smiling).sum(1), True, threshold),
        row("one person, from the front and turned by 45 degrees", np.array(aside), True, threshold),
        row("strangers of one studio", strangers(neutral, np.array(ids)), False, threshold),
        row("strangers of all sources", strangers(found, people), False, threshold),
    ]
    for source in sorted({one["source"] for one in table.values()}):
        own = np.array([table[name]["source"] == source for name in files])
        if own.sum() > 20:
            rows.append(row(f"strangers, {source}", strangers(found[own], people[own]), False, threshold))
    apart = np.sort(strangers(neutral, np.array(ids)))
    for level in LEVELS:
        print(
            f"threshold for {level:.1%} of the studio's strangers: {apart[int(len(apart) * (1 - level))]:.3f}"
        )
    for one in rows:
        print(one)
    figures.save(
        asked.json, "python benchmarks/identity.py PAIRS ANGLES FACES --json FILE", rows, threshold=threshold
    )


if __name__ == "__main__":
    main()
