"""Model name -> verified local file: the catalogue of the box (`weights/catalogue.toml`), and the networks in
the user's data folder."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from ..errors import ModelError
from ..paths import data_folder, unkept
from ..types import SILENT, Progress

WEIGHTS = Path(str(files("mien") / "weights"))
# networks that lie under another's name, as NAME-mapper does
PARTS = ("mapper", "generator", "encoder", "fitter", "style", "directions")


@dataclass(frozen=True)
class Entry:
    """One network: what it is called, the role it fulfils, its file and what that file's sha256 must be."""

    name: str
    role: str
    path: Path
    sha256: str

    @property
    def bundled(self) -> bool:
        return self.path.parent == WEIGHTS


def catalogue() -> dict[str, Entry]:
    """All networks by name: those in the box, in the order of the file, then the user's own."""
    rows = tomllib.loads((WEIGHTS / "catalogue.toml").read_text(encoding="utf-8"))
    out = {name: Entry(name, row["role"], WEIGHTS / row["file"], row["sha256"]) for name, row in rows.items()}
    return out | {
        name: Entry(name, row["role"], _own() / row["file"], row["sha256"])
        for name, row in _own_rows().items()
    }


def add(name: str, role: str, file: Path, progress: Progress = SILENT) -> Entry:
    """Copy the network `file` to the user's own under `name`; another of that name is replaced, which is told. Raises
    `ModelError`, `OutputError`."""
    check_name(name, role)
    entry = Entry(name, role, _own() / f"{name}{file.suffix}", sha256_of(file))
    before = catalogue().get(name)
    try:
        _own().mkdir(parents=True, exist_ok=True)
        draft = entry.path.with_suffix(".part")
        shutil.copyfile(file, draft)
        draft.replace(entry.path)
        _keep_rows(_own_rows() | {name: {"role": role, "file": entry.path.name, "sha256": entry.sha256}})
    except OSError as error:
        raise unkept(f"the network {name}", error) from error
    if before and before.sha256 != entry.sha256 and not before.bundled:
        progress.message(f"{name}: in place of another {before.role} of that name (--name keeps both)")
    return entry


def remove(name: str) -> None:
    """Take a network of the user's own away, and its file. Raises `ModelError` where there is none, or it is in the box."""
    rows = _own_rows()
    if name not in rows:
        boxed = "is a network of the box, and stays" if name in catalogue() else "is no network of yours"
        raise ModelError(f"{name!r} {boxed}: `mien models` lists them")
    path = catalogue()[name].path
    del rows[name]
    try:
        _keep_rows(rows)
        path.unlink(missing_ok=True)
    except OSError as error:
        raise unkept(f"the list of networks without {name}", error) from error


def check_name(name: str, role: str) -> None:
    """Refuse a name that a network of the user's own of that role cannot have: `ModelError`."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", name):
        raise ModelError(
            f"{name!r} is no name for a network: use small letters, digits, dots, hyphens and underscores"
        )
    taken = catalogue().get(name)
    if taken and taken.bundled and role != "directions":  # which may be learned anew, and then come first
        raise ModelError(f"{name!r} is a network of the box: choose another --name")


def _own() -> Path:
    return data_folder() / "networks"


def _own_rows() -> dict[str, dict[str, str]]:
    path = _own() / "catalog.json"
    if not path.is_file():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError(f"{path} is damaged: delete it and import your networks again") from error


def _keep_rows(rows: dict[str, dict[str, str]]) -> None:
    draft = _own() / "catalog.part"
    draft.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    os.replace(draft, _own() / "catalog.json")  # noqa: PTH105 - whole or not at all


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def state(entry: Entry) -> str:
    """ "ok", "missing" or "corrupt": the file of `entry` against its sha256."""
    if not entry.path.is_file():
        return "missing"
    return "ok" if sha256_of(entry.path) == entry.sha256 else "corrupt"


def locate(name: str) -> Entry:
    """The entry of a network whose file is there and intact; otherwise a `ModelError` that says what is
    wrong."""
    networks = catalogue()
    if name not in networks:
        stem, _, part = name.rpartition("-")
        of = f"{stem!r} ({name} is missing)" if part in PARTS else repr(name)
        raise ModelError(
            f"no network is called {of}: `mien models` lists them, `mien models import` adds one"
        )
    entry = networks[name]
    if (found := state(entry)) != "ok":
        again = "install mien again" if entry.bundled else "import it again"
        raise ModelError(
            f"network {name!r} is {found} ({entry.path.name}): {again}; `mien models` checks all"
        )
    return entry
