"""From words to a run: family, preset and knobs -> Config, data, other weights, loop, with progress for
people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import cv2
import torch

from ...errors import InputError, OutputError, RequestError
from ...types import SILENT, Progress
from ..data.faces import made_by, notice_of
from ..families import FAMILIES
from ..published.key_maps import State
from .checkpoints import checkpoints, read_run
from .fit import Run, fit, processes, together
from .initial_weights import Origin, inherited, read_origin

SHOWN = ("l1", "loss", "g", "d", "held_out")  # scalars beside the progress bar
NAMED = 3  # so many tensors that do not fit are named


def start(
    family: str,
    data: Sequence[Path],
    folder: Path,
    *,
    preset: str,
    knobs: Mapping[str, str],
    seed: int,
    resume: bool,
    begin: Sequence[Path],
    devices: int,
    accumulate: int,
    keep: int,
    progress: Progress,
) -> float:
    """See `verbs.train`. What can be refused early is refused before other processes are started."""
    module = family_of(family)
    for one in data:
        if not one.is_dir():
            raise InputError(f"{one}: no such folder")
    origins = [] if resume else [read_origin(path) for path in begin]
    if resume and (begin or knobs):
        raise RequestError("a run is resumed as it began: leave out --from and --set")
    about = _resumed(family, folder) if resume else _new(family, data, folder, preset, knobs, seed, origins)
    cfg, seed = config_of(about), int(about["seed"])
    _check_shares(cfg, devices, accumulate)
    with together(devices) as fabric:
        shown = progress if fabric.is_global_zero else SILENT
        say = shown.message
        torch.manual_seed(seed)
        cv2.setNumThreads(
            1
        )  # training pictures are small: threads for one of them wait for each other longer than they work
        objective = module.build(cfg)
        if not resume:
            _begin(objective, origins, say)
        loader = module.load(list(data), cfg, seed)
        for line in loader.notes:
            say(line)
        run = Run(
            folder, cfg.steps, cfg.batch, seed, max(min(500, cfg.steps // 4), 1), about, accumulate, keep
        )
        how: dict[str, Any] = {"resume": resume, "report": _reporter(cfg, shown), "say": say}
        return fit(objective, loader, run, fabric, **how, cancelled=lambda: progress.cancelled)


def _resumed(family: str, folder: Path) -> dict[str, Any]:
    about = read_run(folder)
    if about["family"] != family:
        raise RequestError(f"{folder} is a run of {about['family']}, not of {family}")
    if not checkpoints(folder):
        raise InputError(f"{folder} holds no checkpoint to resume from: leave out --resume to start")
    return about


def _new(
    family: str,
    data: Sequence[Path],
    folder: Path,
    preset: str,
    knobs: Mapping[str, str],
    seed: int,
    origins: Sequence[Origin],
) -> dict[str, Any]:
    """What `run.json` is to say."""
    if any(folder.glob("*.safetensors")):
        raise OutputError(f"{folder} holds a run already: go on with --resume, or name a new folder with -o")
    cfg = _configured(family, preset, knobs, origins)
    known = {"family": family, "preset": preset, "seed": seed, "config": asdict(cfg), "made": made_by()}
    return known | inherited(origins, notice_of(data))


def _reporter(cfg: Any, progress: Progress) -> Callable[[int, dict[str, float]], None]:
    """What is told after each step: how far it is, and in lines that stay the scores."""

    def report(step: int, scalars: dict[str, float]) -> None:
        progress.advance(step, cfg.steps)
        if "held_out" in scalars:
            values = " ".join(f"{name} {value:.3f}" for name, value in scalars.items() if name in SHOWN)
            pace = scalars["images_per_s"]
            left = timedelta(seconds=round((cfg.steps - step) * cfg.batch / pace))
            progress.message(f"step {step} of {cfg.steps}: {values}; {pace:.1f} images/s, {left} left")

    return report


def family_of(name: str) -> Any:
    if name not in FAMILIES:
        raise RequestError(f"no family is called {name!r}: there are {', '.join(FAMILIES)}")
    return FAMILIES[name]


def config_of(about: dict[str, Any]) -> Any:
    """The Config of a run."""
    values = {
        name: tuple(value) if isinstance(value, list) else value for name, value in about["config"].items()
    }
    return family_of(about["family"]).Config(**values)


def with_knobs(cfg: Any, knobs: Mapping[str, str]) -> Any:
    """`cfg` with single values changed, read as the type that they have."""
    kinds = {field.name: type(getattr(cfg, field.name)) for field in fields(cfg)}
    changes = {}
    for name, text in knobs.items():
        if name not in kinds:
            raise RequestError(f"there is no knob {name!r}: there are {', '.join(kinds)}")
        try:
            changes[name] = (
                tuple(int(part) for part in text.split(",")) if kinds[name] is tuple else kinds[name](text)
            )
        except ValueError as error:
            raise RequestError(f"knob {name} wants a {kinds[name].__name__}, {text!r} came") from error
    return _replaced(cfg, changes)


def _replaced(cfg: Any, changes: dict[str, Any]) -> Any:
    try:
        return replace(cfg, **changes)
    except ValueError as error:
        raise RequestError(str(error)) from error


def _configured(family: str, preset: str, knobs: Mapping[str, str], origins: Sequence[Origin]) -> Any:
    """The preset, as the weights that a run begins with want it; what is said with --set counts most."""
    module = family_of(family)
    if preset not in module.PRESETS:
        raise RequestError(f"{family} has no preset {preset!r}: there are {', '.join(module.PRESETS)}")
    if origins and not hasattr(module, "adapt"):
        raise RequestError(f"{family} cannot begin with other weights: leave out --from")
    cfg = module.PRESETS[preset]
    if origins:
        fixed = {key: value for origin in origins for key, value in origin.knobs.items()}
        try:
            cfg = module.adapt(cfg, fixed, _states(origins))
        except ValueError as error:
            raise RequestError(
                f"{family} cannot begin with {', '.join(origin.name for origin in origins)}: {error}"
            ) from error
    return with_knobs(cfg, knobs)


def _check_shares(cfg: Any, devices: int, accumulate: int) -> None:
    """Every share of a batch has to be a batch of its own for the family, or the result would be another."""
    here, machines = processes(devices)
    shares = accumulate * here * machines
    what = (
        f"a batch of {cfg.batch} cannot be shared by {here * machines} processes in {accumulate} parts each"
    )
    if cfg.batch % shares:
        raise RequestError(f"{what}: wanted a multiple of {shares} for --set batch=...")
    try:
        _replaced(cfg, {"batch": cfg.batch // shares})
    except RequestError as error:
        raise RequestError(f"{what}: {error}") from error


def _begin(objective: Any, origins: Sequence[Origin], say: Callable[[str], None]) -> None:
    """Put the origins' weights into the objective."""
    if origins:
        states, names = _states(origins), ", ".join(origin.name for origin in origins)
        wanted = {
            f"{name}.{key}"
            for name in states
            if name in objective.nets
            for key in objective.nets[name].state_dict()
        }
        left = [key for key in objective.transfer(states) if key in wanted]
        if len(left) == len(wanted):
            raise RequestError(
                f"{names} holds {', '.join(states)}, of which nothing fits: wanted weights of the same family"
            )
        rest = f" and {len(left) - NAMED} more" if len(left) > NAMED else ""
        news = f"; {', '.join(left[:NAMED])}{rest} did not fit and begin anew" if left else ""
        say(f"begins with {len(wanted) - len(left)} tensors of {names}{news}")
    if hasattr(objective, "ready"):
        objective.ready()


def _states(origins: Sequence[Origin]) -> dict[str, State]:
    """The networks of all origins by name; of the same name, the last one's."""
    return {name: state for origin in origins for name, state in origin.nets.items()}
