"""Places to write to: what can be refused is refused before there is anything to write."""

from __future__ import annotations

from pathlib import Path

from ..errors import OutputError


def check_free(path: Path, force: bool) -> None:
    """Refuse a file that cannot be, or that is there already, unless `force` allows to write over it."""
    if not path.parent.is_dir():
        raise OutputError(f"{path}: there is no folder {path.parent}: mkdir -p {path.parent}")
    if path.is_dir():
        raise OutputError(f"{path} is a folder: a file name was wanted")
    if path.exists() and not force:
        raise OutputError(f"{path} exists: choose another name, or write over it with --force")


def check_empty(folder: Path) -> None:
    """Refuse a folder that holds something."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{folder} is not an empty folder: name a new one")
