"""How many pictures a second are trained on, and in how much memory, on a CPU.

    python benchmarks/train.py [FAMILY:PRESET[:SIZE] ...] [--batch 4] [--steps 16] [--threads 0] [--json]

Pictures are noise, which costs the same; so is reading them not counted. Every row is a process of its own,
from the preset's first step on, whose lazy terms count as often as they come in so many steps. --batch
replaces the preset's.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import replace
from typing import Any

from generate import alone

from mien.train.engine.accumulate import MicroBatches

ROWS = ("stylegan2:cpu", "stylegan2:default", "stylegan2:paper256", "retouch:cpu", "psp:cpu")


def batch_of(family: Any, cfg: Any) -> Any:
    """A batch of noise of what `family` takes."""
    import torch

    n, noise = cfg.batch, lambda *shape: torch.rand(cfg.batch, *shape) * 2 - 1
    name = family.__name__.rsplit(".", 1)[1]
    if name == "stylegan2":
        return family.Batch(noise(3, cfg.size, cfg.size), torch.zeros(n, cfg.classes))
    if name == "psp":
        target = min(cfg.side, cfg.size)
        return family.Batch(noise(3, cfg.side, cfg.side), noise(3, target, target))
    s, small = cfg.size, cfg.size // 4
    pictures = {key: noise(3, s, s) for key in ("before", "after", "mouths", "faces")}
    maps = {key: noise(1, s, s).abs() for key in ("reach", "trust")} | {"flow": noise(2, small, small)}
    labels = {
        "label": noise(8),
        "face_label": noise(8),
        "condition": noise(len(family.CONDITIONS)),
        "open": torch.ones(n),
    }
    return family.Batch(**pictures, **maps, **labels)


def train(row: str, batch: int, steps: int) -> tuple[float, int]:
    """Pictures a second, and of how many pixels a side."""
    import torch

    pass
    from mien.train.families import FAMILIES

    torch.manual_seed(0)
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    name, preset, *size = row.split(":")
    family = FAMILIES[name]
    knobs: dict[str, Any] = {"batch": batch} | ({"size": int(size[0])} if size else {})
    if name == "stylegan2":
        knobs["group"] = min(batch, family.PRESETS[preset].group)
    elif name == "psp":
        knobs["chance"] = 1  # without a generator
    cfg = replace(family.PRESETS[preset], **knobs)
    objective = family.build(cfg)
    real = batch_of(family, cfg)
    objective.step(MicroBatches(real, 1))  # does not count
    start = time.perf_counter()
    for i in range(steps):
        objective.step(MicroBatches(real, i))
    return steps * batch / (time.perf_counter() - start), cfg.size


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", nargs="*", default=ROWS, metavar="FAMILY:PRESET[:SIZE]")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--json", action="store_true", help="one object a line")
    asked = parser.parse_args()
    if not asked.json:
        print(
            f"{os.cpu_count()} cores, {asked.threads} of them used, batch {asked.batch}, {asked.steps} steps\n"
        )
        print("| preset | pixels | pictures a second | peak memory |\n|---|---|---|---|")
    for row in asked.rows:
        (pace, size), peak = alone(train, row, asked.batch, asked.steps, threads=asked.threads)
        one = {"preset": row, "size": size, "images_per_s": pace, "peak_mb": peak}
        print(
            json.dumps(one) if asked.json else f"| {row} | {size} | {pace:.2f} | {peak:.0f} MB |", flush=True
        )


if __name__ == "__main__":
    main()
