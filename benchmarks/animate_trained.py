"""Talking heads that were trained, against the mesh alone: talkers whose own first pictures are driven by their own clips.

python benchmarks/animate_trained.py DATA RUNS [--steps N] [--steps-of-one N] [--json FILE] [--show FILE]

DATA holds `london-angles768` and `talkers` (clips). A run learns of all people but JUDGED; then one for each of these
goes on with the first second of the clip. What comes after is judged: how far a frame is from the clip's, in levels in
the face, drawn by the mesh, by the mesh with a network, and by the network alone. Faces and runs are written to RUNS, and
what is there already is used. --show writes a sheet of frames.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import figures
import numpy as np
from talkers import faces_of, frames

from mien import verbs
from mien.face import geometry, mesh
from mien.io import photo_writer
from mien.models.kit import Kit
from mien.pipeline.animate import animate
from mien.pipeline.motion import motion_of
from mien.types import Alignment, Array, Face, Photo

JUDGED = "bbaf2n", "lwbsza"
LEARNED = 25  # frames of their clips that a network may see
EVERY = 4  # of the frames after that
SIDE = 128  # pixels of the faces to learn from
LAYOUT = Alignment("head", 240)
CONSENT = "talkers of the GRID corpus, measured"


def faces_of_london(photos: Path, runs: Path) -> Path:
    """The folder of all faces of London, with the names of the people in its table."""
    folder = runs / "faces-london"
    if not folder.is_dir():
        verbs.align_folder(sorted(photos.glob("*.jpg")), folder, size=SIDE, template="ffhq", max_pixels=10**8)
        with (folder / "faces.csv").open(encoding="utf-8") as file:
            rows = [row | {"person": f"london-{row['file'][:3]}"} for row in csv.DictReader(file)]
        with (folder / "faces.csv").open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, rows[0])
            table.writeheader()
            table.writerows(rows)
    return folder


def trained(run: Path, folders: list[Path], start: Sequence[Path], **about: Any) -> str:
    """The name of the network of a run, which is made where it is not there."""
    if not (run / f"step-{int(about['overrides']['steps']):06}.safetensors").is_file():
        resume = (run / "run.json").is_file()
        if resume:
            about["overrides"] = {}
        verbs.train("talking_head", folders, run, start=() if resume else start, resume=resume, **about)
    ((path, _),) = verbs.export(run, run.with_suffix(".onnx"), bits=16, last=True, force=True).items()
    verbs.import_network(path, path.stem)
    return path.stem


def judged(
    kit: Kit, path: Path, networks: dict[str, str | None], film: Sequence[Array]
) -> list[dict[str, Any]]:
    """Each way to move a talker's own picture, as a row."""
    motion = motion_of(path, kit=kit)
    neutral = int(np.abs(motion.values[:LEARNED]).sum(1).argmin())
    wanted = [(i, _face(kit, film[i])) for i in range(LEARNED + 2, len(film), EVERY)]
    rows: list[dict[str, Any]] = [
        {"way": "left still"}
        | _apart(kit, [film[neutral]] * len(wanted), [film[i] for i, _ in wanted], [one for _, one in wanted])
    ]
    for way, network in networks.items():
        made = animate(Photo(film[neutral]), motion, consent=CONSENT, network=network, kit=kit)
        drawn = [made.frame(i) for i, _ in wanted]
        row = {"way": way} | _apart(kit, drawn, [film[i] for i, _ in wanted], [one for _, one in wanted])
        if network:
            row["alone"] = _alone(kit, network, film[neutral], [(film[i], face) for i, face in wanted])
        rows.append(row | {"picture": drawn[len(drawn) // 2]})
    return rows


def _face(kit: Kit, pixels: Array) -> Face:
    return max(kit.faces(pixels), key=lambda one: one.area)


def _apart(kit: Kit, made: Sequence[Array], true: Sequence[Array], faces: Sequence[Face]) -> dict[str, float]:
    """How far pictures are from the true ones in the face, in levels; and how alike both are to an embedder."""
    levels, alike = list[float](), list[float]()
    for pixels, wanted, face in zip(made, true, faces, strict=True):
        inside = np.zeros(wanted.shape[:2], np.uint8)
        hull = cv2.convexHull(face.landmarks[:468].astype(np.float32))[:, 0]
        cv2.fillConvexPoly(inside, np.rint(hull).astype(np.int32), 1)
        levels.append(float(np.abs(pixels.astype(int) - wanted)[inside > 0].mean()))
        who = [kit.embedder().identity_in(one, _face(kit, one)) for one in (pixels, wanted)]
        alike.append(who[0].likeness(who[1]))
    return {"apart": round(float(np.mean(levels)), 2), "likeness": round(float(np.mean(alike)), 3)}


def _alone(kit: Kit, network: str, photo: Array, wanted: Sequence[tuple[Array, Face]]) -> float:
    """The same of what a network draws after the true drawings, by itself and as coarse as that."""
    animator, levels = kit.animator(network), list[float]()
    portrait = geometry.align(photo, _face(kit, photo).landmarks, animator.alignment)
    for pixels, face in wanted:
        crop = geometry.align(pixels, face.landmarks, animator.alignment)
        drawn = 255 * animator.draw(portrait, crop.landmarks)
        inside = mesh.hull_mask(crop.landmarks, crop.size) > 0
        levels.append(float(np.abs(drawn - crop.pixels)[inside].mean()))
    return round(float(np.mean(levels)), 2)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--steps-of-one", type=int, default=200)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--show", type=Path)
    asked = parser.parse_args()
    kit = Kit(threads=1)
    cv2.setNumThreads(1)
    clips = sorted((asked.data / "talkers").glob("*.mpg"))
    films = {path.stem: frames(path) for path in clips}
    folders = [faces_of_london(asked.data / "london-angles768", asked.runs)]
    folders += [
        faces_of(name, film, asked.runs, size=SIDE) for name, film in films.items() if name not in JUDGED
    ]
    many = asked.runs / "many"
    of_many = trained(many, folders, (), preset="cpu", overrides={"steps": str(asked.steps)})
    found, sheet = list[list[dict[str, Any]]](), list[Array]()
    for path in clips:
        if path.stem in JUDGED:
            film = films[path.stem]
            own = faces_of(path.stem, film[:LEARNED], asked.runs, size=SIDE)
            one = {"perceptual": "0", "lr": "2e-4", "shots": "4", "steps": str(asked.steps_of_one)}
            of_one = trained(asked.runs / path.stem, [own], [many], preset="person", overrides=one)
            ways = {"mesh": None, "mesh and network": of_many, "mesh and network of one": of_one}
            rows = judged(kit, path, ways, film)
            pictures = [row.pop("picture") for row in rows if "picture" in row]
            true = film[LEARNED + 2 :: EVERY][len(film[LEARNED + 2 :: EVERY]) // 2]
            found.append(rows)
            sheet.append(np.hstack([_shown(kit, one) for one in (film[0], *pictures, true)]))
            print(path.stem, *rows, sep="\n", flush=True)
    rows = [
        {
            name: value if name == "way" else round(float(np.mean([one[name] for one in same])), 3)
            for name, value in same[0].items()
        }
        for same in zip(*found, strict=True)
    ]
    if asked.show:
        photo_writer.write(Photo(np.vstack(sheet)), asked.show, force=True)
    steps = {"steps": asked.steps, "steps_of_one": asked.steps_of_one}
    said = f"--steps {asked.steps} --steps-of-one {asked.steps_of_one}"
    figures.save(
        asked.json, f"python benchmarks/animate_trained.py DATA RUNS {said} --json FILE", rows, **steps
    )


def _shown(kit: Kit, pixels: Array) -> Array:
    return geometry.align(pixels, _face(kit, pixels).landmarks, LAYOUT).pixels


if __name__ == "__main__":
    main()
