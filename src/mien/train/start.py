"""From words to a run: family, preset and knobs -> Config, data, loop, with progress for people."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ..errors import InputError, OutputError, RequestError
from .data import notice_of
from .families import FAMILIES
from .loop import Run, fit


def start(family: str, data: Sequence[Path], folder: Path, *, preset: str, knobs: Mapping[str, str], seed: int, resume: bool) -> float:
    """See `verbs.train`."""
    module = family_of(family)
    if (folder / "run.json").is_file() and not resume:
        raise OutputError(f"{folder} holds a run already: go on with --resume, or name a new folder with -o")
    if resume:
        about = read_run(folder)
        cfg, seed = config_of(about), int(about["seed"])
    else:
        if preset not in module.PRESETS:
            raise RequestError(f"{family} has no preset {preset!r}: there are {', '.join(module.PRESETS)}")
        cfg = with_knobs(module.PRESETS[preset], knobs)
        about = {"family": family, "preset": preset, "seed": seed, "config": asdict(cfg), "notice": notice_of(data)}
    for one in data:
        if not one.is_dir():
            raise InputError(f"{one}: no such folder")
    torch.manual_seed(seed)
    objective = module.build(cfg)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.fields[said]}")
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("reading", total=cfg.steps, said="")
        loader = module.load(list(data), cfg, seed)
        progress.reset(task, description="training", total=cfg.steps)

        def report(step: int, scalars: dict[str, float]) -> None:
            progress.update(task, completed=step)
            if step % 10 == 0:
                said = " ".join(f"{name} {value:.3f}" for name, value in scalars.items() if name in ("l1", "g", "d", "held_out"))
                progress.update(task, said=said)

        run = Run(folder, cfg.steps, seed, every=max(min(500, cfg.steps // 4), 1), about=about)
        return fit(objective, loader, run, resume=resume, report=report)


def family_of(name: str) -> Any:
    if name not in FAMILIES:
        raise RequestError(f"no family is called {name!r}: there are {', '.join(FAMILIES)}")
    return FAMILIES[name]


def read_run(folder: Path) -> dict[str, Any]:
    """What `run.json` in a run's folder says."""
    path = folder / "run.json"
    if not path.is_file():
        raise InputError(f"{folder} is not the folder of a run: wanted run.json in it, as `mien train` writes it")
    return json.loads(path.read_text(encoding="utf-8"))


def config_of(about: dict[str, Any]) -> Any:
    """The Config of a run."""
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in about["config"].items()}
    return family_of(about["family"]).Config(**values)


def with_knobs(cfg: Any, knobs: Mapping[str, str]) -> Any:
    """`cfg` with single values changed, read as the type that they have."""
    kinds = {field.name: type(getattr(cfg, field.name)) for field in fields(cfg)}
    changes = {}
    for name, text in knobs.items():
        if name not in kinds:
            raise RequestError(f"there is no knob {name!r}: there are {', '.join(kinds)}")
        try:
            changes[name] = tuple(int(part) for part in text.split(",")) if kinds[name] is tuple else kinds[name](text)
        except ValueError as error:
            raise RequestError(f"knob {name} wants a {kinds[name].__name__}, {text!r} came") from error
    try:
        return replace(cfg, **changes)
    except ValueError as error:
        raise RequestError(str(error)) from error
