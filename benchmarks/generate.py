"""How fast an exported StyleGAN2 generator draws on a CPU, and in how much memory, beside the same weights in
PyTorch.

    python benchmarks/generate.py [PRESET ...] [--threads 1] [--runs 15]
        [--json benchmarks/results/generators.json]

The weights are of chance, which costs the same. Times are medians of single pictures, PyTorch and ONNX
Runtime in turn in one process; peak memory is that of a process of its own which opens the network and draws
one.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from figures import save

from mien.models.session import Net

PRESETS = ("cpu", "default", "paper256")


def measured(task: Callable[..., Any], arguments: tuple[Any, ...], threads: int) -> tuple[Any, float]:
    """What `task` returns, and this process's peak memory in megabytes."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    result = task(*arguments)
    return result, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def alone(task: Callable[..., Any], *arguments: Any, threads: int) -> tuple[Any, float]:
    """The same in a new process. This one must stay small: a child's peak counts from its parent's."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measured, (task, arguments, threads))


def part_of(preset: str) -> Any:
    """The generator of `preset` as it would be exported, its weights of chance."""
    import torch

    from mien.models.card import Card
    from mien.train.engine.part import Part
    from mien.train.families import stylegan2

    torch.manual_seed(0)
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    cfg = stylegan2.PRESETS[preset]
    same: dict[str, Any] = {
        "base": cfg.base,
        "widest": cfg.widest,
        "layers": cfg.layers,
        "clamp": cfg.clamp or None,
    }
    G = stylegan2.Generator(cfg.size, z=cfg.z, w=cfg.w, architecture=cfg.synthesis, **same).requires_grad_(
        False
    )
    for name, one in G.named_parameters():
        if name.endswith("noise_strength"):  # 0 in new networks
            one.fill_(0.1)
    ws = torch.randn(1, G.num_ws, cfg.w)
    return Part(
        "generator",
        stylegan2.Drawer(G).eval(),
        {"ws": ws},
        ("pixels",),
        Card("generator", "generator", "Apache-2.0", size=cfg.size),
    )


def write(preset: str, path: Path) -> float:
    from mien.train.engine import export

    return export.write(part_of(preset), path)


def drawers(preset: str, path: Path, wanted: tuple[str, ...]) -> dict[str, Callable[[], object]]:
    """What draws one picture, by "torch" and "onnx"."""
    out: dict[str, Callable[[], object]] = {}
    if "torch" in wanted:
        part = part_of(preset)
        out["torch"] = lambda: part.module(*part.inputs.values())
    if "onnx" in wanted:
        import numpy as np

        net = Net(preset, path, "", threads=int(os.environ["OMP_NUM_THREADS"]))
        ws = np.random.default_rng(0).standard_normal((1, *net.inputs["ws"][1:])).astype(np.float32)
        out["onnx"] = lambda: net.run(ws=ws)
    return out


def once(preset: str, path: Path, kind: str) -> None:
    drawers(preset, path, (kind,))[kind]()


def times(preset: str, path: Path, runs: int) -> dict[str, float]:
    """Median milliseconds of each, in turn, after one that does not count."""
    draw = drawers(preset, path, ("torch", "onnx"))
    taken: dict[str, list[float]] = {kind: [] for kind in draw}
    for _ in range(runs + 1):
        for kind, task in draw.items():
            start = time.perf_counter()
            task()
            taken[kind].append(1000 * (time.perf_counter() - start))
    return {kind: statistics.median(all_of[1:]) for kind, all_of in taken.items()}


def row(preset: str, threads: int, runs: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "generator.onnx"
        difference, _ = alone(write, preset, path, threads=threads)
        ms, _ = alone(times, preset, path, runs, threads=threads)
        peak = {kind: alone(once, preset, path, kind, threads=threads)[1] for kind in ms}
        size = path.stat().st_size / 1e6
    return {
        "preset": preset,
        "pytorch_ms": round(ms["torch"]),
        "onnxruntime_ms": round(ms["onnx"]),
        "ratio": round(ms["torch"] / ms["onnx"], 2),
        "pytorch_megabytes": round(peak["torch"]),
        "onnxruntime_megabytes": round(peak["onnx"]),
        "file_megabytes": round(size),
        "difference": difference,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("presets", nargs="*", default=PRESETS, metavar="PRESET")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    print(f"{os.cpu_count()} cores, {asked.threads} of them used, medians of {asked.runs}")
    rows: list[dict[str, Any]] = []
    for preset in asked.presets:
        rows.append(row(preset, asked.threads, asked.runs))
        print(rows[-1], flush=True)
    save(asked.json, "python benchmarks/generate.py", rows, threads=asked.threads, runs=asked.runs)


if __name__ == "__main__":
    main()
