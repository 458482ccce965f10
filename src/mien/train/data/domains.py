"""Pictures and the domains that they belong to: a folder for each, or attributes from a table, for families
that translate between them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...types import Array
from .pictures import NAMED, Pictures

# CelebA's table, as published: how many, names, then a file and 1 or -1 for each name
CELEBA = "list_attr_celeba.txt"
YOUNG, OLD = 35.0, 50.0  # years: below the one, from the other on


def _years(row: Mapping[str, str]) -> float | None:
    try:
        return float(row.get("age") or "")
    except ValueError:
        return None


def _age(test: Callable[[float], bool]) -> Callable[[Mapping[str, str]], bool | None]:
    return lambda row: None if (years := _years(row)) is None else test(years)


def _level(column: str) -> Callable[[Mapping[str, str]], bool | None]:
    return lambda row: int(row[column]) > 0 if row.get(column, "").isdigit() else None


ATTRIBUTES: dict[str, Callable[[Mapping[str, str]], bool | None]] = {
    "male": lambda row: {"m": True, "f": False}.get(row.get("sex", "")),
    "female": lambda row: {"f": True, "m": False}.get(row.get("sex", "")),
    "young": _age(lambda years: years < YOUNG),
    "old": _age(lambda years: years >= OLD),
    "smile": _level("smile"),
    "glasses": _level("glasses"),
    "beard": _level("beard"),
}
"""What a row of `faces.csv` says, or None where it does not say; any other attribute is written as column=value, like hair=blond."""


class Domains(Pictures):
    """Pictures with a label `[K]` of 0 and 1 each, which comes in the place of a class.

    attributes: each name is one of ATTRIBUTES or column=value of `faces.csv`, or a name of CELEBA's, and any
    of them may hold at once. Otherwise each name is a folder, one of those given or within one of them, and
    exactly one holds. Pictures of which something is not known are left out.
    """

    def __init__(
        self, folders: list[Path], size: int, names: tuple[str, ...], attributes: bool, seed: int
    ) -> None:
        self.names, self.attributes = names, attributes
        super().__init__(folders, size, 0, seed)

    def of(self, count: int, i: int, mirror: float) -> tuple[Array, Array, Array]:
        """Batch number `i`: pixels `[N, 3, S, S]` in [-1, 1], their labels `[N, K]`, and the labels of other
        pictures `[N, K]`."""
        rng = np.random.default_rng((self.seed, 7, i))
        others = [self._labels[self._trained[k][0]] for k in rng.integers(len(self._trained), size=count)]
        return *self.batch(count, i, mirror), np.stack(others)

    def aside(self, most: int) -> tuple[Array, Array, Array]:
        """At most `most` of those that are held out; each is to become something else: the next domain, or
        with one attribute turned."""
        keep = self._aside
        self._aside = keep[:: max(len(keep) // most, 1)][:most]
        pixels, label = self.held_out()
        self._aside = keep
        rows, places = np.arange(len(label)), np.arange(len(label)) % max(len(self.names) - 1, 1)
        if self.attributes:
            wanted = label.copy()
            wanted[rows, rows % len(self.names)] = 1 - wanted[rows, rows % len(self.names)]
        else:
            wanted = np.zeros_like(label)
            wanted[rows, (label.argmax(1) + 1 + places) % len(self.names)] = 1
        return pixels, label, wanted

    def notes(self) -> list[str]:
        sums = np.sum([self._labels[path] for path, _ in self._trained + self._aside], 0).astype(int)
        counts = ", ".join(f"{name} {count}" for name, count in zip(self.names, sums, strict=True))
        bare = [f"left out, since not all is known of them: {self._bare} pictures"] if self._bare else []
        return [*super().notes(), *bare, f"pictures of each domain: {counts}"]

    def _found(self, folders: list[Path]) -> list[tuple[Path, str]]:
        found = super()._found(folders)
        self._labels: dict[Path, Array] = {}
        for path, label in (
            self._told(folders) if self.attributes else self._placed(folders, [path for path, _ in found])
        ).items():
            self._labels[path] = np.array(label, np.float32)
        labelled = [one for one in found if one[0] in self._labels]
        self._bare = len(found) - len(labelled)
        sums = (
            np.sum([self._labels[path] for path, _ in labelled], 0) if labelled else np.zeros(len(self.names))
        )
        if empty := [
            name
            for name, count in zip(self.names, sums.tolist(), strict=True)
            if not 0 < count < len(labelled)
        ]:
            where = (
                "a table that says so of some, and otherwise of others"
                if self.attributes
                else "a folder of its own for each"
            )
            raise InputError(
                f"{', '.join(map(str, folders))}: no pictures, or only such, of {', '.join(empty)}: wanted {where}"
            )
        return labelled

    def _placed(self, folders: list[Path], paths: list[Path]) -> dict[Path, list[bool]]:
        """By the folder of a domain that each picture is in, the innermost where there are several."""
        out = {}
        for path in paths:
            root = next(folder for folder in folders if folder in path.parents)
            above = [*reversed(path.parent.relative_to(root).parts), root.resolve().name]
            if name := next((one for one in above if one in self.names), None):
                out[path] = [name == one for one in self.names]
        return out

    def _told(self, folders: list[Path]) -> dict[Path, list[bool]]:
        """By what the tables say."""
        out: dict[Path, list[bool]] = {}
        for folder in folders:
            if (folder / CELEBA).is_file():
                out |= self._celeba(folder)
                continue
            if not (folder / "faces.csv").is_file():
                raise InputError(
                    f"{folder} has no faces.csv and no {CELEBA}, which say what is true of each picture: or --set labels=folders"
                )
            with (folder / "faces.csv").open(encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            for name in self.names:
                column = name.partition("=")[0]
                if name not in ATTRIBUTES and ("=" not in name or not rows or column not in rows[0]):
                    raise InputError(
                        f"{folder / 'faces.csv'} says nothing of {name!r}: there are {', '.join(ATTRIBUTES)}, and column=value"
                    )
            for row in rows:
                said = [_said(name, row) for name in self.names]
                if None not in said:
                    out[folder / "images" / row["file"]] = [bool(one) for one in said]
        return out

    def _celeba(self, folder: Path) -> dict[Path, list[bool]]:
        lines = (folder / CELEBA).read_text(encoding="utf-8").splitlines()
        columns = lines[1].split() if len(lines) > 1 else []
        if unknown := [name for name in self.names if name not in columns]:
            raise InputError(
                f"{folder / CELEBA} has no column {', '.join(unknown[:NAMED])}: there are {', '.join(columns)}"
            )
        at = [1 + columns.index(name) for name in self.names]
        rows = {
            words[0]: [words[k] == "1" for k in at]
            for line in lines[2:]
            if len(words := line.split()) > len(columns)
        }
        return {path: rows[path.name] for path, _ in super()._found([folder]) if path.name in rows}

    def _stack(self, rows: list[tuple[Path, int]], mirrored: Array) -> tuple[Array, Array]:
        pixels, _ = super()._stack(rows, mirrored)
        return pixels, np.stack([self._labels[path] for path, _ in rows])


def _said(name: str, row: Mapping[str, str]) -> bool | None:
    if name in ATTRIBUTES:
        return ATTRIBUTES[name](row)
    column, _, value = name.partition("=")
    return row[column] == value if row[column] else None
