"""Whether translators learn: each family is trained on a CPU, and held-out pictures must beat what needs no
training.

    python benchmarks/translators.py [PROOF ...] [--steps N] [--faces FOLDER] [--dishes FOLDER] [--sheet FOLDER] [--json]

FOLDER of faces is as `mien align` writes it (../shared/data/faces256 by default); all is made of it at 64
pixels:

    cyclegan   half of the people as they are, the others with red, green and blue changed round. No picture is in both, that is the
               point; what a face should become is known all the same, and is compared
    stargan    the same with thirds: as they are, changed round once, and twice
    pix2pix    faces after sketches of them
    pix2pixhd  faces after maps of their parts; the encoder tells it their colours, so it must beat the map in its true mean colours
    style      faces as if painted in the strokes of one picture, which is made here
    adain      the same in the strokes of many pictures, judged on others
    dishes     with --dishes, a folder with a folder for each: stargan again, where nobody knows what a plate should become; those that
               are held out are to come nearer to those of the other dish

Figures are mean absolute differences of held-out pictures from what they should be, in 1 for white against
black; of maps and styles sums of two shares, see `mapped` and `stroked`; of dishes Frechet distances. The
process ends with 1 where a network is not below its margin times the best of what it is compared with. At
their own length (--steps is for trying) adain and cyclegan take twelve to fourteen minutes of one core,
pix2pix seven, the others less than four. --sheet adds a picture for each proof, and translators.jpg of all
that lie there.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from mien import verbs
from mien.io.dataset import held_out, read_points
from mien.train.blocks.frechet import distance
from mien.train.data.drawings import draw_classes, sketch
from mien.train.data.faces import read_rgb
from mien.train.data.pictures import find
from mien.train.engine.checkpoints import below, checkpoints, read_run, read_tensors
from mien.train.engine.launch import config_of
from mien.train.families import FAMILIES, cyclegan, pix2pix, pix2pixhd, stargan, style
from mien.types import Array

FACES = Path(__file__).parents[2] / "shared" / "data" / "faces256"
SIZE, LOADED = 64, 72  # pixels of pictures that are judged, and of those that training cuts its own from
FREE = ("sfhq", "congress")  # what names of pictures begin with that anybody may show: MIT and public domain
SHOWN, CELL, MARGIN = 8, 96, 120  # pictures in a row of a sheet, their side, and the room for names


@dataclass(frozen=True, eq=False)
class Aside:
    """Pictures `[N, 3, 64, 64]` in [-1, 1] of people who are held out, and where they lie; those that may be
    shown come first."""

    paths: list[Path]
    pictures: Tensor


@dataclass(frozen=True, eq=False)
class Outcome:
    """How far the network is from what was wanted, and how far what needs no training is; rows of pictures by
    name, for a sheet."""

    network: float
    others: dict[str, float]
    rows: dict[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Proof:
    """What is trained: the family's preset with some knobs, on folders that `data(faces, empty folder)`
    gives; how it is judged; and the share of the best of the others that it must stay below."""

    family: str
    margin: float
    knobs: dict[str, Any]
    data: Callable[[Path, Path], list[Path]]
    judge: Callable[[Any, Aside], Outcome]
    preset: str = "cpu"


def aside(faces: Path) -> Aside:
    paths = sorted(
        (path for path, person in find(faces) if held_out(person)),
        key=lambda path: not path.name.startswith(FREE),
    )
    return Aside(
        paths,
        torch.stack(
            [tensor(cv2.resize(read_rgb(path), (SIZE, SIZE), interpolation=cv2.INTER_AREA)) for path in paths]
        ),
    )


def tensor(pixels: Array) -> Tensor:
    """Pixels `[H, W, 3]` as `[3, H, W]` in [-1, 1]."""
    return torch.from_numpy(pixels.transpose(2, 0, 1).astype(np.float32) / 127.5 - 1)


def difference(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().mean()) / 2


# --- Folders that know nothing of each other


def swapped(pictures: Tensor, times: int = 1) -> Tensor:
    """Red, green and blue changed round: `[N, 3, S, S]`. Three times is none."""
    return pictures.roll(-times, 1)


def turns(faces: Path, folder: Path, count: int) -> list[Path]:
    """So many folders of other people each, their colours changed round 0, 1, ... times; named so that those
    held out stay it."""
    people = sorted({person for _, person in find(faces)})
    times = {person: i % count for i, person in enumerate(people)}
    for i, (path, person) in enumerate(find(faces)):
        pixels = cv2.resize(read_rgb(path), (LOADED, LOADED), interpolation=cv2.INTER_AREA)
        name = next(f"{i}-{k}" for k in range(100) if held_out(f"{i}-{k}") == held_out(person))
        place = folder / TURNS[times[person]]
        place.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(place / f"{name}.png"), np.roll(pixels, -times[person], 2)[..., ::-1])
    return [folder / name for name in TURNS[:count]]


TURNS = ("plain", "swapped", "twice")


@torch.no_grad()
def unpaired(objective: cyclegan.CycleGAN, faces: Aside) -> Outcome:
    """Both ways."""
    x, y = faces.pictures, swapped(faces.pictures)
    made, back = objective.G(x, y)
    differences = {
        "nothing": difference(x, y),
        "mean": (difference(y.mean(0), y) + difference(x.mean(0), x)) / 2,
    }
    return Outcome(
        (difference(made, y) + difference(back, x)) / 2,
        differences,
        {"photo": x, "cyclegan": made, "... wanted": y},
    )


@torch.no_grad()
def domains(objective: stargan.StarGAN, faces: Aside) -> Outcome:
    """From each domain to each other one."""
    each = [swapped(faces.pictures, times) for times in range(len(TURNS))]
    labels = torch.eye(len(TURNS))[:, None].expand(-1, len(faces.pictures), -1)
    ways = [(a, b) for a in range(len(TURNS)) for b in range(len(TURNS)) if a != b]
    made = {(a, b): objective.G(each[a], labels[b]) for a, b in ways}

    def mean(values: Any) -> Any:
        return sum(values) / len(ways)

    others = {
        "nothing": mean(difference(each[a], each[b]) for a, b in ways),
        "mean": mean(difference(each[b].mean(0), each[b]) for _, b in ways),
    }
    rows = {"photo": faces.pictures, "stargan, once": made[0, 1], "stargan, twice": made[0, 2]}
    return Outcome(mean(difference(made[a, b], each[b]) for a, b in ways), others, rows)


def plates(folder: Path) -> Proof:
    """The proof with dishes, a folder for each in `folder`: the mean, over dishes, of how far others that are
    to become it are from it."""
    names = sorted(one.name for one in folder.iterdir() if one.is_dir())

    @torch.no_grad()
    def judge(objective: stargan.StarGAN, _: Aside) -> Outcome:
        batch = stargan.load([folder], replace(objective.cfg, judged=1000), 0).held_out()
        pictures, dish = batch.real[:, 0], batch.label[:, 0].argmax(1)
        rows, far = {"dishes": pictures}, []
        for k, name in enumerate(names):
            label = torch.eye(len(names))[[k]].expand(len(pictures), -1)
            rows[f"as {name}"] = made = objective.G(pictures, label)
            far.append([float(distance(pictures[dish == k], one[dish != k])) for one in (made, pictures)])
        network, nothing = np.mean(far, 0).tolist()
        return Outcome(network, {"nothing": nothing}, rows)

    return Proof("stargan", 0.9, STARGAN | {"domains": ",".join(names)}, lambda *_: [folder], judge)


# --- Pairs


@torch.no_grad()
def sketched(objective: pix2pix.Pix2Pix, faces: Aside) -> Outcome:
    rng = np.random.default_rng(0)
    seen = torch.from_numpy(np.stack([sketch(one, rng) for one in faces.pictures.numpy()])) * 2 - 1
    wanted, shown = faces.pictures, seen.expand(-1, 3, -1, -1)
    made = objective.used(objective.G)(seen)
    others = {"nothing": difference(shown, wanted), "mean": difference(wanted.mean(0), wanted)}
    return Outcome(difference(made, wanted), others, {"photo": wanted, "a sketch": shown, "pix2pix": made})


@torch.no_grad()
def mapped(objective: pix2pixhd.Pix2pixHD, faces: Aside) -> Outcome:
    """How far pictures are from what was wanted, and how far all of them are from looking like it (Frechet),
    both in shares of the maps in their true colours. By the first alone whatever is blurred would do, by the
    second alone anybody's photos."""
    points = {
        path: one
        for folder in {path.parents[1] for path in faces.paths}
        for path, one in read_points(folder).items()
    }
    maps = [draw_classes(points[path], len(read_rgb(path))) for path in faces.paths]
    small = [
        cv2.resize(one, (SIZE, SIZE), interpolation=cv2.INTER_NEAREST_EXACT) for one in maps
    ]  # as `maps.LabelMaps` has it
    label, wanted = torch.from_numpy(np.stack(small))[:, None].long(), faces.pictures
    flat, made = (
        pix2pixhd.pooled(wanted, label),
        objective.made(objective.G, pix2pixhd.Batch(label, label, wanted)),
    )

    def far(pictures: Tensor) -> float:
        return difference(pictures, wanted) / difference(flat, wanted) + float(
            distance(wanted, pictures) / distance(wanted, flat)
        )

    others = {
        "mean": wanted.mean(0).expand_as(wanted),
        "the map's colours": flat,
        "somebody else": wanted.roll(1, 0),
    }
    rows = {"photo": wanted, "the map's colours": flat, "pix2pixhd": made}
    return Outcome(far(made), {key: far(one) for key, one in others.items()}, rows)


# --- Strokes


def painted(seed: int) -> Array:
    """A picture `[72, 72, 3]` of 0..255 in strokes of a few colours, along lines that bend."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(0, 1, (2, 4, 4)).astype(np.float32)
    angle, shade = (cv2.resize(one, (LOADED, LOADED), interpolation=cv2.INTER_CUBIC) for one in coarse)
    palette = rng.uniform(0, 255, (5, 3))
    length, width = rng.uniform(4, 14), int(rng.integers(1, 4))
    out = np.full((LOADED, LOADED, 3), palette[0], np.uint8)
    for y, x in rng.integers(0, LOADED, (1500, 2)):
        colour = palette[int(np.clip(shade[y, x] * 1.5 + rng.normal(2, 0.7), 0, 4))] + rng.normal(0, 12)
        dx, dy = length / 2 * np.cos(2 * angle[y, x]), length / 2 * np.sin(2 * angle[y, x])
        start, end = (round(x - dx), round(y - dy)), (round(x + dx), round(y + dy))
        cv2.line(out, start, end, np.clip(colour, 0, 255).tolist(), width, cv2.LINE_AA)
    return out


def gallery(folder: Path, seeds: range) -> Path:
    folder.mkdir(parents=True)
    for seed in seeds:
        cv2.imwrite(str(folder / f"{seed}.png"), painted(seed)[..., ::-1])
    return folder


ONE, MANY = (
    range(42, 43),
    range(96),
)  # seeds of styles; of many those are held out whose name says so, as in `pictures.Pictures`


def recoloured(pictures: Tensor, styles: Tensor) -> Tensor:
    """With the mean and deviation of red, green and blue of others (Reinhard et al. 2001): what can be had
    without training."""
    (mean, deviation), (wanted, wide) = style.spread(pictures), style.spread(styles)
    return ((pictures - mean) / deviation * wide + wanted).clamp(0, 1)


@torch.no_grad()
def stroked(objective: style.Style, faces: Aside, seeds: list[int], name: str) -> Outcome:
    """How much of the content is lost, in shares of what is lost with the style's own picture, and how much
    style is missing, in shares of what a photo lacks. Either of these two is 1 by one share alone."""
    content = faces.pictures / 2 + 0.5
    every = torch.stack([tensor(painted(seed))[:, :SIZE, :SIZE] / 2 + 0.5 for seed in seeds])
    batch = style.Batch(content, every[torch.arange(len(content)) % len(every)])
    lost, lacking = objective.differences(batch.style, batch)[0], objective.differences(content, batch)[1]

    def far(pictures: Tensor) -> float:
        away, off = objective.differences(pictures, batch)
        return float(away / lost + off / lacking)

    made = objective.made(objective.G, batch)
    others = {
        "nothing": content,
        "the style itself": batch.style,
        "recoloured": recoloured(content, batch.style),
    }
    rows = {"photo": faces.pictures, f"{name}'s style": batch.style * 2 - 1, name: made * 2 - 1}
    return Outcome(far(made), {key: far(one) for key, one in others.items()}, rows)


# --- The proofs

ASIDE = [seed for seed in MANY if held_out(str(seed))]
SMALL = {"size": SIZE, "load": LOADED}
STARGAN = {
    "steps": 1000,
    "width": 16,
    "blocks": 2,
    "critics": 2,
    "lr": 5e-4,
    "ema": 0.99,
    "labels": "folders",
}
PROOFS = {
    "cyclegan": Proof("cyclegan", 0.8, {}, lambda faces, folder: turns(faces, folder, 2), unpaired),
    "stargan": Proof(
        "stargan",
        0.9,
        STARGAN | {"domains": ",".join(TURNS)},
        lambda faces, folder: turns(faces, folder, 3),
        domains,
    ),
    "pix2pix": Proof("pix2pix", 0.85, {}, lambda faces, _: [faces], sketched),
    "pix2pixhd": Proof(
        "pix2pixhd", 0.85, {"steps": 900, "lr": 5e-4, "ema": 0.99}, lambda faces, _: [faces], mapped
    ),
    "style": Proof(
        "style",
        0.8,
        {"steps": 800, **SMALL},
        lambda faces, folder: [faces, gallery(folder, ONE)],
        lambda objective, faces: stroked(objective, faces, list(ONE), "style"),
    ),
    "adain": Proof(
        "style",
        0.9,
        SMALL,
        lambda faces, folder: [faces, gallery(folder, MANY)],
        lambda objective, faces: stroked(objective, faces, ASIDE, "adain"),
        "adain-cpu",
    ),
}


def prove(proof: Proof, faces: Path, steps: int | None) -> tuple[dict[str, Any], Outcome]:
    """Train, and what came of it."""
    knobs = {key: str(value) for key, value in (proof.knobs | ({"steps": steps} if steps else {})).items()}
    with tempfile.TemporaryDirectory() as name:
        folder, start = Path(name), time.process_time()
        verbs.train(
            proof.family, proof.data(faces, folder / "data"), folder / "run", preset=proof.preset, knobs=knobs
        )
        took, cfg = time.process_time() - start, config_of(read_run(folder / "run"))
        trained = read_tensors(checkpoints(folder / "run")[-1])
    torch.manual_seed(0)  # as training began
    objective, people = FAMILIES[proof.family].build(cfg), aside(faces)
    objective.nets.eval()
    untrained = proof.judge(objective, people).network
    objective.nets.load_state_dict(below(trained, "nets."))
    objective.nets[objective.averaged].load_state_dict(below(trained, "average."))
    outcome = proof.judge(objective, people)
    others = outcome.others | {"untrained": untrained}
    ratio = outcome.network / min(others.values())
    return {
        "steps": cfg.steps,
        "core_minutes": took / 60,
        "network": outcome.network,
        "others": others,
        "ratio": ratio,
    }, outcome


def strip(rows: dict[str, Tensor]) -> Array:
    """Rows of pictures with their names before them, `[H, W, 3]` in blue, green and red."""
    out = []
    for name, row in rows.items():
        cells = ((row[:SHOWN].clamp(-1, 1) + 1) * 127.5).byte().permute(0, 2, 3, 1).numpy()
        pixels = np.hstack([cv2.resize(one, (CELL, CELL), interpolation=cv2.INTER_CUBIC) for one in cells])
        said = np.full((CELL, MARGIN, 3), 255, np.uint8)
        cv2.putText(said, name, (4, CELL // 2), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 1, cv2.LINE_AA)
        out.append(np.hstack([said, pixels[..., ::-1]]))
    return np.vstack(out)


def show(folder: Path, name: str, rows: dict[str, Tensor]) -> None:
    """Write NAME.png; and translators.jpg of all PROOFS that lie there, under one row of photos."""
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / f"{name}.png"), strip(rows))
    found = [
        one
        for each in PROOFS
        for path in folder.glob(f"{each}.png")
        if (one := cv2.imread(str(path))) is not None
    ]
    cv2.imwrite(
        str(folder / "translators.jpg"),
        np.vstack([found[0], *(one[CELL:] for one in found[1:])]),
        [cv2.IMWRITE_JPEG_QUALITY, 80],
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "proofs",
        nargs="*",
        choices=[*PROOFS, []],
        metavar="PROOF",
        help=f"{', '.join(PROOFS)}; all where none is named",
    )
    parser.add_argument("--steps", type=int, help="other than the proof's own")
    parser.add_argument("--faces", type=Path, default=FACES)
    parser.add_argument("--dishes", type=Path, help="a proof more: a folder with a folder for each dish")
    parser.add_argument("--sheet", type=Path, help="where pictures of what came of it go")
    parser.add_argument("--json", action="store_true", help="one object a line")
    asked = parser.parse_args()
    if not asked.json:
        print(
            "| proof | steps | core minutes | network | compared with | ratio to the best of those | wanted |"
        )
        print("|---|---|---|---|---|---|---|")
    missed = []
    proofs = {name: PROOFS[name] for name in asked.proofs or PROOFS} | (
        {"dishes": plates(asked.dishes)} if asked.dishes else {}
    )
    for name, proof in proofs.items():
        one, outcome = prove(proof, asked.faces, asked.steps)
        others = ", ".join(f"{other} {value:.3f}" for other, value in one["others"].items())
        cells = [
            name,
            one["steps"],
            f"{one['core_minutes']:.1f}",
            f"{one['network']:.3f}",
            others,
            f"{one['ratio']:.2f}",
            proof.margin,
        ]
        print(
            json.dumps({"proof": name, **one, "wanted": proof.margin})
            if asked.json
            else f"| {' | '.join(map(str, cells))} |",
            flush=True,
        )
        if asked.sheet:
            show(asked.sheet, name, outcome.rows)
        if not one["ratio"] < proof.margin:
            missed.append(f"{name}: {one['ratio']:.2f}, wanted {proof.margin}")
    if missed:
        sys.exit("; ".join(missed))


if __name__ == "__main__":
    main()
