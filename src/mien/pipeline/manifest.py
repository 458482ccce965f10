"""What many runs into one folder have done: the lines that each wrote with `--json`, put together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..arguments import checked
from ..errors import InputError

STATES = "done", "skipped", "declined", "failed"  # of two runs at one file the first of these counts
FIELDS = "input", "output", "state"


@dataclass(frozen=True)
class Manifest:
    """What became of each file, one row for each result: "input", "output", "state" and what else its run told."""

    rows: tuple[dict[str, Any], ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many ended in each state."""
        return {state: sum(row["state"] == state for row in self.rows) for state in STATES}

    @property
    def undone(self) -> tuple[dict[str, Any], ...]:
        """Those that were declined or have failed."""
        return tuple(row for row in self.rows if row["state"] in STATES[2:])


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
    except OSError as error:
        raise InputError(f"{file} cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise InputError(f"{file} is no text: what a run with --json has written was wanted") from error
    return [_row(line, f"{file}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]


def _row(line: str, where: str) -> dict[str, Any]:
    """What a line tells; where: it is, for the error."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is no JSON: what a run with --json has written was wanted") from error
    known = isinstance(row, dict)
    if missing := [name for name in FIELDS if not known or not isinstance(row.get(name), str)]:
        raise InputError(
            f"{where} tells of no {' and no '.join(missing)}: what a run with --json has written was wanted"
        )
    if row["state"] not in STATES:
        raise InputError(f"{where} tells of a state {row['state']!r}: there are {', '.join(STATES)}")
    return row
