"""Where mien keeps what belongs to this user: networks that were imported, and the key that labels are signed
with."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from .errors import OutputError

FULL = errno.ENOSPC, errno.EDQUOT, errno.EFBIG  # what systems say where there is no room


def data_folder() -> Path:
    """MIEN_HOME, or the platform's own place for a user's data; `OutputError` where there is none."""
    if own := os.environ.get("MIEN_HOME"):
        return Path(own)
    import platformdirs

    try:
        return Path(platformdirs.user_data_dir("mien", appauthor=False))
    except RuntimeError as error:  # a user without a home, as in a container
        raise OutputError(
            "this user has no home to keep keys and networks in: set MIEN_HOME to a folder"
        ) from error


def unkept(what: str, error: OSError) -> OutputError:
    """What to say where something, as "a signing key", cannot be kept in the data folder."""
    wanted = "make room there, or set" if error.errno in FULL else "set"
    return OutputError(
        f"{what} cannot be kept in {data_folder()} ({error.strerror}): {wanted} MIEN_HOME to a folder you may write to"
    )
