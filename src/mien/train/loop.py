"""fit(objective, loader, run): device, precision, EMA, logs, previews, checkpoints, resume. It knows no family."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ..errors import InputError, MienError, OutputError
from .part import Part
from .updates import Shares, moved


class Loader(Protocol):
    """Batches as a function of the step: nothing to save, and a resumed run sees what an uninterrupted one would."""

    def batch(self, i: int) -> Any: ...
    def held_out(self) -> Any: ...


class Objective(Protocol):
    """What a family builds. `nets[averaged]` is the network that is averaged, scored and exported."""

    nets: nn.ModuleDict
    averaged: str
    optimisers: dict[str, torch.optim.Optimizer]

    def step(self, shares: Shares) -> dict[str, Tensor]: ...
    def keep(self, i: int) -> float: ...  # share of the averaged network that step i keeps
    def score(self, net: nn.Module, batch: Any) -> Tensor: ...
    def preview(self, net: nn.Module, batch: Any) -> Tensor: ...
    def parts(self, net: nn.Module) -> list[Part]: ...


@dataclass(frozen=True)
class Run:
    """Where a run lives and how long it goes on. `every` is the number of steps between checkpoints, scores and previews."""

    folder: Path
    steps: int
    seed: int
    every: int
    about: dict[str, Any]  # what `run.json` says: family, preset, seed, config, notice of the data


def fit(objective: Objective, loader: Loader, run: Run, *, resume: bool, report: Callable[[int, dict[str, float]], None]) -> float:
    """Train until `run.steps`; returns the best held-out score (lower is better), whose weights are `best.safetensors` in the run's folder.

    `report(step, scalars)` is called after every step. KeyboardInterrupt saves and is raised again. A loss that is not
    finite stops the run with a `MienError` that names the last good checkpoint.
    """
    torch.manual_seed(run.seed)
    gpu = torch.cuda.is_available()
    fabric = Fabric(accelerator="cuda" if gpu else "cpu", devices=1, precision="bf16-mixed" if gpu else "32-true")
    objective.nets.to(fabric.device)
    average = copy.deepcopy(objective.nets[objective.averaged]).requires_grad_(False).eval()
    run.folder.mkdir(parents=True, exist_ok=True)
    first, best = _restore(objective, average, run) if resume else (0, float("inf"))
    aside = moved(loader.held_out(), fabric.device)
    _write(run.folder / "run.json", json.dumps(run.about, indent=1).encode())
    with (run.folder / "log.jsonl").open("a" if first else "w", encoding="utf-8") as log:
        i = first
        try:
            while i < run.steps:
                shares = Shares(moved(loader.batch(i), fabric.device), i, seed=run.seed)
                with fabric.autocast():
                    scalars = {name: float(value) for name, value in objective.step(shares).items()}
                if not all(value == value and abs(value) != float("inf") for value in scalars.values()):
                    raise MienError(
                        f"the loss is not finite at step {i} ({scalars}): train again with a lower --set lr=...; the last good "
                        f"checkpoint is {run.folder}/last.safetensors"
                    )
                i += 1
                _average(average, objective.nets[objective.averaged], objective.keep(i))
                if i % run.every == 0 or i == run.steps:
                    scalars["held_out"] = float(objective.score(average, aside))
                    if scalars["held_out"] < best:
                        best = scalars["held_out"]
                        _save_tensors(run.folder / "best.safetensors", dict(average.state_dict()), {"step": i, "held_out": best})
                    _save(objective, average, run, i, best)
                    _sheet(run.folder / f"preview-{i:06d}.png", objective.preview(average, aside))
                log.write(json.dumps({"step": i, "time": time.time(), **scalars}) + "\n")
                report(i, scalars)
        except KeyboardInterrupt:
            _save(objective, average, run, i, best)
            raise
    return best


@torch.no_grad()
def _average(average: nn.Module, net: nn.Module, keep: float) -> None:
    for mean, now in zip(average.parameters(), net.parameters(), strict=True):
        mean.lerp_(now, 1 - keep)
    for mean, now in zip(average.buffers(), net.buffers(), strict=True):
        mean.copy_(now)


def _save(objective: Objective, average: nn.Module, run: Run, i: int, best: float) -> None:
    """Everything that a resumed run needs, in one file that replaces the last one whole."""
    tensors = {f"nets.{key}": value for key, value in objective.nets.state_dict().items()}
    tensors |= {f"average.{key}": value for key, value in average.state_dict().items()}
    for name, optimiser in objective.optimisers.items():
        for index, state in optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{name}.{index}.{key}": torch.as_tensor(value) for key, value in state.items()}
    tensors["random"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["random.cuda"] = torch.cuda.get_rng_state()
    _save_tensors(run.folder / "last.safetensors", tensors, {"step": i, "best": best})


def _restore(objective: Objective, average: nn.Module, run: Run) -> tuple[int, float]:
    path = run.folder / "last.safetensors"
    if not path.is_file():
        raise InputError(f"{run.folder} holds no checkpoint to resume from: leave out --resume to start")
    tensors, state = load_file(path), read_state(path)
    objective.nets.load_state_dict(_below(tensors, "nets."))
    average.load_state_dict(_below(tensors, "average."))
    for name, optimiser in objective.optimisers.items():
        saved = optimiser.state_dict()
        for key, value in _below(tensors, f"optimiser.{name}.").items():
            index, field = key.split(".")
            saved["state"].setdefault(int(index), {})[field] = value
        optimiser.load_state_dict(saved)
    torch.set_rng_state(tensors["random"])
    if "random.cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["random.cuda"])
    return int(state["step"]), float(state["best"])


def read_state(path: Path) -> dict[str, Any]:
    """The loop state beside the tensors of a checkpoint."""
    return json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def _save_tensors(path: Path, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
    part = path.with_suffix(".part")
    try:
        save_file({key: value.detach().cpu().contiguous() for key, value in tensors.items()}, part)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OutputError(f"{path} could not be written ({error.strerror}): free some space, then --resume") from error
    _write(path.with_suffix(".json"), json.dumps(state).encode())


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    part.replace(path)


def _sheet(path: Path, pictures: Tensor, columns: int = 12) -> None:
    """`pictures [N, 3, H, W]` in [-1, 1] as one PNG."""
    pixels = ((pictures.float().cpu().clamp(-1, 1) + 1) * 127.5).round().byte()
    rows = [torch.cat(list(row), 2) for row in pixels.split(columns) if len(row) == columns]
    if rows:
        cv2.imwrite(str(path), torch.cat(rows, 1).permute(1, 2, 0).numpy()[..., ::-1])
