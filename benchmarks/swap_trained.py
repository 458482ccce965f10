"""A pair of people trained for a swap, against the swap without training: how far a face is from itself, and whom it
looks like in another's place.

python benchmarks/swap_trained.py TALKERS RUNS [--base RUN] [--steps N] [--json FILE] [--show FILE]

TALKERS holds clips of people who talk. Of two of them the first four fifths are learned from and the rest is judged on;
faces and networks are written to RUNS, and what is there already is used. --base adds a run that begins with a base of
many people. --show writes a sheet of faces.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import figures
import numpy as np
from talkers import faces_of, frames

from mien import swap, verbs
from mien.errors import MienError
from mien.face import geometry, mesh
from mien.io import photo_writer
from mien.models.kit import Kit
from mien.models.swapper import Swapper
from mien.pipeline.gallery import Gallery
from mien.types import Alignment, Array, Face, Photo

PEOPLE = "brbk7n", "lbbc2a"  # A, whose face goes to B
LEARNED = 60  # frames of each clip that are learned from
JUDGED = range(62, 75, 3)  # those that are judged
EVERY = 6  # of those learned, that a gallery has
LAYOUT = Alignment("face", 64)  # in which faces are compared
CONSENT = "two talkers of the GRID corpus, measured"


def trained(runs: Path, name: str, folders: list[Path], steps: int, start: Sequence[Path]) -> list[str]:
    """The names of the two networks of a run, which is made where it is not there."""
    run = runs / name
    if not (run / f"step-{steps:06}.safetensors").is_file():
        resume = (run / "run.json").is_file()
        about: dict[str, Any] = {"preset": "cpu", "overrides": {} if resume else {"steps": str(steps)}}
        verbs.train("autoencoder", folders, run, start=() if resume else start, resume=resume, **about)
    written = verbs.export(run, runs / f"{name}.onnx", bits=16, last=True, force=True)
    for path in written:
        verbs.import_network(path, path.stem)
    return [path.stem for path in written]


def apart(pixels: Array, wanted: Array, face: Face) -> float:
    """How far a face is from another in its place, in levels of 255 within it."""
    a, b = (geometry.align(one, face.landmarks, LAYOUT) for one in (pixels, wanted))
    inside = mesh.hull_mask(b.landmarks, LAYOUT.size) > 0
    return float(np.abs(a.pixels.astype(float) - b.pixels)[inside].mean())


def alone(swapper: Swapper, pixels: Array, face: Face) -> float:
    """The same of a network's drawing, by itself."""
    crop = geometry.align(pixels, face.landmarks, swapper.alignment)
    drawn = swapper.draw(crop)[0]
    inside = mesh.hull_mask(crop.landmarks, crop.size) > 0
    seen = cv2.resize(crop.pixels, drawn.shape[:2], interpolation=cv2.INTER_AREA)
    return float(np.abs(255 * drawn - seen)[inside].mean())


def judged(
    kit: Kit, film: Sequence[Array], galleries: Sequence[Gallery], networks: Sequence[str]
) -> tuple[dict[str, Any], Array]:
    """One way to swap, as a row; and a picture of the last frame. networks: of A and of B, or none."""
    a, b = galleries
    rows: list[dict[str, float]] = []
    after = film[0]
    for i in JUDGED:
        before = film[i]
        face = max(kit.faces(before), key=lambda one: one.area)
        own = swap(before, b, consent=CONSENT, network=networks[1] if networks else None, kit=kit).pixels
        after = swap(before, a, consent=CONSENT, network=networks[0] if networks else None, kit=kit).pixels
        now = max(kit.faces(after), key=lambda one: one.area)
        known = np.mean([one.identity for one in a.pictures], axis=0)
        who, was = (kit.embedder().identity_in(*one).vector for one in ((after, now), (before, face)))
        wanted, shown = (
            np.array([*kit.blendshapes.coefficients(one.landmarks).values()]) for one in (face, now)
        )
        row = {
            "self": apart(own, before, face),
            "likeness_a": float(who @ known / np.linalg.norm(known)),
            "likeness_b": float(who @ was),
            "expression": float(np.abs(shown - wanted).mean()),
        }
        if networks:
            row["self_alone"] = alone(kit.swapper(networks[1]), before, face)
        rows.append(row)
    means = {name: round(float(np.mean([row[name] for row in rows])), 3) for name in rows[0]}
    return means, after


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("talkers", type=Path)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--base", type=Path)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--show", type=Path)
    asked = parser.parse_args()
    kit = Kit(threads=1)
    films = [frames(asked.talkers / f"{name}.mpg") for name in PEOPLE]
    folders = [faces_of(name, film[:LEARNED], asked.runs) for name, film in zip(PEOPLE, films, strict=True)]
    galleries = [Gallery.of(film[:LEARNED:EVERY], kit=kit) for film in films]
    ways: dict[str, Sequence[Path] | None] = {"without training": None, "from nothing": ()}
    ways |= {"from a base": (asked.base,)} if asked.base else {}
    rows: list[dict[str, Any]] = []
    pictures = [films[1][JUDGED[-1]], films[0][0]]
    for name, start in ways.items():
        networks = (
            [] if start is None else trained(asked.runs, name.replace(" ", "-"), folders, asked.steps, start)
        )
        try:
            row, picture = judged(kit, films[1], galleries, networks)
        except MienError as error:
            row, picture = {"refused": str(error)}, films[1][0]
        rows.append({"way": name, "steps": asked.steps if networks else 0} | row)
        pictures.append(picture)
        print(rows[-1], flush=True)
    if asked.show:
        cut = [
            geometry.align(one, kit.faces(one)[0].landmarks, Alignment("head", 320)).pixels
            for one in pictures
        ]
        photo_writer.write(Photo(np.hstack(cut)), asked.show, force=True)
    figures.save(asked.json, "python benchmarks/swap_trained.py TALKERS RUNS --base RUN --json FILE", rows)


if __name__ == "__main__":
    main()
