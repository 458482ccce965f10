"""What many runs into one folder have done: the lines that each wrote with `--json`, put together."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..arguments import checked
from ..errors import InputError

STATES = "done", "skipped", "declined", "failed"  # of two runs at one file the first of these counts
FIELDS = "input", "output", "state"
DIGITS = 7  # of a number of shares that there cannot be


@dataclass(frozen=True)
class Manifest:
    """What became of each file, one row for each result: "input", "output", "state" and what else its run told; and
    which shares, as "2/3", have told of fewer files than they have, or nothing at all."""

    rows: tuple[dict[str, Any], ...]
    unfinished: tuple[str, ...] = ()

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
    shares: dict[str, _Share] = {}
    for file in files:
        share = _Share()
        for row in _rows(file):
            if "shard" in row:
                share = shares.setdefault(row["shard"], _Share())
                share.files = max(share.files, row["files"])
                continue
            share.told.add(row["output"])
            known = best.get(row["output"])
            if known is None or STATES.index(row["state"]) < STATES.index(known["state"]):
                best[row["output"]] = row
    if not best and not shares:
        raise InputError("the reports tell of no file: what a run with --json has written was wanted")
    return Manifest(tuple(best[output] for output in sorted(best)), tuple(_unfinished(shares)))


@dataclass
class _Share:
    """How many files one of the shares has, and of which results its runs have told."""

    files: int = 0
    told: set[str] = field(default_factory=set)


def _unfinished(shares: Mapping[str, _Share]) -> Iterator[str]:
    """Of the shares of which some are known, those that are not, and those that were stopped."""
    for of in sorted({int(name.partition("/")[2]) for name in shares}):
        for name in (f"{which}/{of}" for which in range(1, of + 1)):
            if name not in shares or len(shares[name].told) < shares[name].files:
                yield name


def _rows(file: Path) -> list[dict[str, Any]]:
    try:
        *lines, last = file.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise InputError(f"{file} cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise InputError(f"{file} is no text: what a run with --json has written was wanted") from error
    rows = [_row(line, f"{file}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]
    with contextlib.suppress(InputError):  # a run that was killed may have left half a line
        rows += [_row(last, "")] if last.strip() else []
    return rows


def _row(line: str, where: str) -> dict[str, Any]:
    """What a line tells; where: it is, for the error."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is no JSON: what a run with --json has written was wanted") from error
    known = isinstance(row, dict)
    if known and _is_share(row):
        return row
    if missing := [name for name in FIELDS if not known or not isinstance(row.get(name), str)]:
        raise InputError(
            f"{where} tells of no {' and no '.join(missing)}: what a run with --json has written was wanted"
        )
    if row["state"] not in STATES:
        raise InputError(f"{where} tells of a state {row['state']!r}: there are {', '.join(STATES)}")
    return row


def _is_share(row: dict[str, Any]) -> bool:
    """Whether a line tells which share of how many its run did, and of how many files."""
    which, _, of = str(row.get("shard", "")).partition("/")
    known = all(one.isascii() and one.isdecimal() and len(one) < DIGITS for one in (which, of))
    return known and 1 <= int(which) <= int(of) and isinstance(row.get("files"), int)
