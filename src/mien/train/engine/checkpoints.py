"""A run's folder: `run.json`, which says what is trained, and checkpoints, each one file that is there whole
or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from ...errors import InputError, OutputError

BEST = "best.safetensors"  # the averaged network with the best score
STATE = "state"  # in a file's metadata: step and best, or step, held_out and averaged, as JSON
PART = ".part"  # a folder for what is not whole yet


def read_run(folder: Path) -> dict[str, Any]:
    """What `run.json` in a run's folder says."""
    path = folder / "run.json"
    if not path.is_file():
        raise InputError(
            f"{folder} is not the folder of a run: wanted run.json in it, as `mien train` writes it"
        )
    return json.loads(path.read_text(encoding="utf-8"))


def checkpoints(folder: Path) -> list[Path]:
    """All that a run could be resumed from, the newest last."""
    return sorted(folder.glob("step-*.safetensors"), key=lambda path: (len(path.name), path.name))


def checkpoint(folder: Path, step: int) -> Path:
    """Where the checkpoint of a step lies."""
    return folder / f"step-{step:06d}.safetensors"


def read_state(path: Path) -> dict[str, Any]:
    """What a checkpoint says of itself beside its tensors. Raises `InputError` where it is damaged or
    none."""
    try:
        with safe_open(path, "pt") as file:
            return json.loads(file.metadata()[STATE])
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is no checkpoint of a run, or a damaged one ({error})") from error


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint. Raises `InputError` where it is damaged."""
    try:
        return load_file(path)
    except SafetensorError as error:
        raise InputError(f"{path} is damaged ({error})") from error


def below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Those whose names begin so, without it."""
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def newest(folder: Path, say: Callable[[str], None]) -> Path:
    """The newest checkpoint that can be read; damaged ones are renamed, so that they do not come in the way
    again."""
    for path in reversed(checkpoints(folder)):
        try:
            read_state(path)
            return path
        except InputError as error:
            say(f"{error}: going on from the one before")
            path.rename(path.with_suffix(".damaged"))
    raise InputError(f"{folder} holds no checkpoint to resume from: leave out --resume to start")


def save(path: Path, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
    """Write a checkpoint. What a process that is killed here leaves lies in `PART`, which the next one clears
    away."""
    part = path.parent / PART
    try:
        part.mkdir(exist_ok=True)
        whole = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
        save_file(whole, part / path.name, metadata={STATE: json.dumps(state)})
        (part / path.name).replace(path)
    except (OSError, SafetensorError) as error:
        raise OutputError(f"{path} could not be written ({error}): free some space, then --resume") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def prune(folder: Path, keep: int) -> None:
    """Delete all but the newest `keep` checkpoints."""
    for path in checkpoints(folder)[:-keep]:
        path.unlink()


def write_run(folder: Path, about: dict[str, Any]) -> None:
    """Write `run.json`, whole or not at all."""
    part = folder / "run.json.part"
    part.write_text(json.dumps(about, indent=1), encoding="utf-8")
    part.replace(folder / "run.json")
