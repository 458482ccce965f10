"""What many runs into one folder have done: the lines that each wrote with `--json`, put together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..arguments import checked
from ..errors import InputError

STATES = "done", "skipped", "failed"  # of two runs at one file the first of these counts


@dataclass(frozen=True)
class Manifest:
    """What became of each file, one row for each result: "input", "output", "state" and what else its run told."""

    rows: tuple[dict[str, Any], ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many ended in each state."""
        return {state: sum(row["state"] == state for row in self.rows) for state in STATES}

    @property
    def failed(self) -> tuple[dict[str, Any], ...]:
        return tuple(row for row in self.rows if row["state"] == "failed")


@checked
def merge_reports(files: Sequence[Path]) -> Manifest:
    """The manifest of several runs, as those of `--shard`: what one has failed at and another has done is done.
    Raises `InputError` for a file that is no such report."""
    best: dict[str, dict[str, Any]] = {}
    for file in files:
        for row in _rows(file):
            known = best.get(row["output"])
            if known is None or STATES.index(row["state"]) < STATES.index(known["state"]):
                best[row["output"]] = row
    return Manifest(tuple(best[output] for output in sorted(best)))


def _rows(file: Path) -> list[dict[str, Any]]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines if line.strip()]
        told = [(row["input"], row["output"], row["state"]) for row in rows]
    except OSError as error:
        raise InputError(f"{file} cannot be read ({error.strerror})") from error
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"{file} is not what a run with --json has written: {type(error).__name__}"
        ) from error
    if strange := [state for _, _, state in told if state not in STATES]:
        raise InputError(f"{file} tells of a state {strange[0]!r}: there are {', '.join(STATES)}")
    return rows
