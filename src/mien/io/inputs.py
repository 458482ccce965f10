"""Files to read from: what is none is refused before it is opened."""

from __future__ import annotations

import re
import stat
from collections.abc import Collection, Iterable
from pathlib import Path

from ..errors import InputError


def is_one_of(path: Path, suffixes: Collection[str]) -> bool:
    """Whether a path is a file that is not hidden and has one of these suffixes, in small letters."""
    return path.suffix.lower() in suffixes and not path.name.startswith(".") and path.is_file()


def check_local(names: Iterable[str]) -> None:
    """Refuse addresses, which would be taken for names of folders."""
    for name in names:
        if re.match(r"[a-z][a-z0-9+.-]+://", name, re.IGNORECASE):
            raise InputError(
                f"{name} is an address, and mien opens none: name a file or folder, as of a bucket that is mounted here"
            )


def check_file(path: Path, wanted: str) -> None:
    """Refuse what is no file: nothing, a folder, or a pipe, which could be waited for for ever. wanted: what a
    file was wanted for, for the error."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # of a name with a zero byte
        raise InputError(f"{path}: no such file") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from error
    if stat.S_ISDIR(mode):
        raise InputError(f"{path} is a folder: {wanted} was wanted")
    if not stat.S_ISREG(mode):
        raise InputError(f"{path} is a pipe or a device and no file: {wanted} was wanted")
