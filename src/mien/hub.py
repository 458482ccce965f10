"""Model name -> verified local file. The catalogue is `weights/catalog.toml`: one row a network, with its sha256."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from .errors import ModelError

WEIGHTS = Path(str(files("mien") / "weights"))


@dataclass(frozen=True)
class Entry:
    """One row of the catalogue."""

    name: str
    role: str
    file: str
    sha256: str

    @property
    def path(self) -> Path:
        return WEIGHTS / self.file


@cache
def catalog() -> dict[str, Entry]:
    """The catalogue, name -> entry, in the order of the file."""
    rows = tomllib.loads((WEIGHTS / "catalog.toml").read_text(encoding="utf-8"))
    return {name: Entry(name=name, **row) for name, row in rows.items()}


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def state(entry: Entry) -> str:
    """ "ok", "missing" or "corrupt": the file of `entry` against its sha256."""
    if not entry.path.is_file():
        return "missing"
    return "ok" if sha256_of(entry.path) == entry.sha256 else "corrupt"


def locate(name: str) -> Entry:
    """The entry of a network whose file is there and intact; otherwise a `ModelError` that says what is wrong."""
    if name not in catalog():
        raise ModelError(f"no network is called {name!r}: `mien models` lists them")
    entry = catalog()[name]
    if (found := state(entry)) != "ok":
        raise ModelError(f"network {name!r} is {found} ({entry.file}): install mien again, `mien models` checks all")
    return entry
