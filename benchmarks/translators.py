"""Whether translators learn: cyclegan and pix2pix are trained on a CPU, and held-out pictures must beat what needs no training.

    python benchmarks/translators.py [cyclegan] [pix2pix] [--steps N] [--faces FOLDER] [--sheet FOLDER] [--json]

cyclegan: half of the people of FOLDER (../shared/data/faces256 by default) as they are, the other half with red, green and blue changed
round. That no picture is in both is the point; what a face should become is known all the same, and is compared. pix2pix: faces after
sketches of them. Figures are mean absolute differences of held-out pictures, in 1 for white against black; the process ends with 1 where
a margin is missed. At their own length (--steps is for trying) each takes less than 20 minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import torch
from torch import Tensor

from mien import verbs
from mien.people import held_out
from mien.train.families import FAMILIES
from mien.train.pictures import find
from mien.train.runs import BEST, read_tensors
from mien.train.start import config_of, read_run

FACES = Path(__file__).parents[2] / "shared" / "data" / "faces256"
MARGIN = {"cyclegan": 0.8, "pix2pix": 0.7}  # of the better of doing nothing and guessing; what training must stay below


def swapped(pictures: Tensor) -> Tensor:
    """Red, green and blue changed round: `[N, 3, S, S]`."""
    return pictures[:, [1, 2, 0]]


def halves(faces: Path, folder: Path) -> list[Path]:
    """Two folders of other people each, the second with its colours changed round; named so that those held out stay it."""
    people = sorted({person for _, person in find(faces)})
    side = {person: i % 2 for i, person in enumerate(people)}
    places = [folder / name for name in ("plain", "swapped")]
    for place in places:
        place.mkdir(parents=True)
    for i, (path, person) in enumerate(find(faces)):
        pixels = cv2.imread(str(path))
        assert pixels is not None
        pixels = cv2.resize(pixels, (72, 72), interpolation=cv2.INTER_AREA)
        if side[person]:
            pixels = pixels[:, :, [2, 0, 1]]  # of blue, green and red what `swapped` does to red, green and blue
        name = next(f"{i}-{k}" for k in range(100) if held_out(f"{i}-{k}") == held_out(person))
        cv2.imwrite(str(places[side[person]] / f"{name}.png"), pixels)
    return places


def difference(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().mean()) / 2


@torch.no_grad()
def judge(family: str, net: Any, objective: Any, batch: Any) -> dict[str, float]:
    """Differences of held-out pictures from what they should become: of the network, of doing nothing, of the mean picture."""
    if family == "pix2pix":
        made, wanted = objective.used(net)(batch.seen), batch.wanted
        nothing = batch.seen.expand(-1, 3, -1, -1)
    else:
        made = torch.cat([net.G_A(batch.a), net.G_B(batch.b)])
        nothing = torch.cat([batch.a, batch.b])
        wanted = torch.cat([swapped(batch.a), swapped(swapped(batch.b))])
    guess = wanted.mean(0) if family == "pix2pix" else torch.cat([batch.b.mean(0).expand_as(batch.a), batch.a.mean(0).expand_as(batch.b)])
    values = {"network": made, "nothing": nothing, "mean": guess.expand_as(wanted)}
    return {name: difference(one, wanted) for name, one in values.items()}


def prove(family: str, faces: Path, steps: int | None, sheet: Path | None) -> dict[str, Any]:
    """Train, and what came of it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = halves(faces, folder / "data") if family == "cyclegan" else [faces]
        start = time.perf_counter()
        score = verbs.train(family, data, folder / "run", preset="cpu", knobs={"steps": str(steps)} if steps else {})
        took = time.perf_counter() - start
        module, cfg = FAMILIES[family], config_of(read_run(folder / "run"))
        torch.manual_seed(0)
        objective = module.build(cfg)
        net, batch = objective.nets["G"].eval(), module.load(data, cfg, 0).held_out()
        before = judge(family, net, objective, batch)["network"]
        untrained = float(objective.score(net, batch))
        net.load_state_dict(read_tensors(folder / "run" / BEST))
        told = judge(family, net, objective, batch) | {"untrained": before, "score": score, "untrained_score": untrained}
        if sheet:
            sheet.mkdir(parents=True, exist_ok=True)
            last = max((folder / "run").glob("preview-*.png"))
            (sheet / f"{family}.png").write_bytes(last.read_bytes())
    best = min(told["nothing"], told["mean"], told["untrained"])
    return {"family": family, "steps": cfg.steps, "minutes": took / 60, **told, "ratio": told["network"] / best}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("families", nargs="*", choices=[*MARGIN, []], default=[*MARGIN])
    parser.add_argument("--steps", type=int, help="other than the preset's")
    parser.add_argument("--faces", type=Path, default=FACES)
    parser.add_argument("--sheet", type=Path, help="where the last previews go")
    parser.add_argument("--json", action="store_true", help="one object a line")
    asked = parser.parse_args()
    if not asked.json:
        print("| family | steps | minutes | network | nothing | mean | untrained | ratio to the best of those | score (untrained) |")
        print("|---|---|---|---|---|---|---|---|---|")
    missed = []
    for family in asked.families:
        one = prove(family, asked.faces, asked.steps, asked.sheet)
        values = " | ".join(f"{one[key]:.3f}" for key in ("network", "nothing", "mean", "untrained", "ratio"))
        row = f"| {family} | {one['steps']} | {one['minutes']:.1f} | {values} | {one['score']:.3f} ({one['untrained_score']:.3f}) |"
        print(json.dumps(one) if asked.json else row, flush=True)
        if one["ratio"] > MARGIN[family]:
            missed.append(f"{family}: {one['ratio']:.2f}, wanted {MARGIN[family]}")
    if missed:
        sys.exit("; ".join(missed))


if __name__ == "__main__":
    main()
