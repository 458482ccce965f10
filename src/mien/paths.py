"""Where mien keeps what belongs to this user: networks that were imported, and the key that labels are signed
with."""

from __future__ import annotations

import difflib
import errno
import os
from pathlib import Path

from .errors import OutputError, RequestError

SETTINGS = ("MIEN_HOME", "MIEN_LICENCE", "MIEN_MARK", "MIEN_SIGN_CERT", "MIEN_SIGN_KEY", "MIEN_TRUST")
PORTRAIT = Path(__file__).parent / "data" / "portrait.jpg"  # the one in the box
FULL = errno.ENOSPC, errno.EDQUOT, errno.EFBIG  # what systems say where there is no room


def setting(name: str) -> str | None:
    """What a variable of SETTINGS says, None where it is unset or empty. One that is only nearly called as a setting is a
    `RequestError`, as what it was to protect would not be."""
    for said in os.environ:
        near = difflib.get_close_matches(said, SETTINGS, 1, 0.8) if said.startswith("MIEN") else []
        if near and said not in SETTINGS:
            raise RequestError(f"{said} is set, and no setting is called that: did you mean {near[0]}?")
    return os.environ.get(name) or None


def data_folder() -> Path:
    """MIEN_HOME, or the platform's own place for a user's data; `OutputError` where there is none."""
    if own := setting("MIEN_HOME"):
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
