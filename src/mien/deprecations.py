"""Old words that still work for a while: said once, with what to write instead, and refused from the version
on that they are gone in.

The rule: a public name is renamed only with an entry here, works for one minor version more, and the
changelog says so.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from ._version import __version__
from .errors import RequestError

GONE = "0.3"  # the version that no longer knows the words of 0.1


def deprecate(what: str, *, gone_in: str, use: str) -> None:
    """Warn of an old word; from version `gone_in` on refuse it."""
    if _numbers(__version__) >= _numbers(gone_in):
        raise RequestError(f"{what} is gone since mien {gone_in}: write {use}")
    said = f"{what} will be gone in mien {gone_in}: write {use}"
    warnings.warn(said, DeprecationWarning, stacklevel=5)  # of who called the verb, which `checked` called


def renamed(given: dict[str, Any], words: dict[str, str], *, gone_in: str) -> dict[str, Any]:
    """Take the old words (old -> new) out of keyword arguments that were `given`; returns what they say, by
    the new words."""
    out: dict[str, Any] = {}
    for old, new in words.items():
        if old in given:
            deprecate(f"{old}=", gone_in=gone_in, use=f"{new}=")
            out[new] = given.pop(old)
    return out


class Callbacks:
    """The functions that work told its progress to before there was `types.Progress`."""

    def __init__(self, report: Callable[[int, int], None] | None, stopped: Callable[[], bool] | None) -> None:
        self._report, self._stopped = report, stopped

    def advance(self, done: int, total: int) -> None:
        if self._report:
            self._report(done, total)

    def message(self, text: str) -> None: ...

    @property
    def cancelled(self) -> bool:
        return bool(self._stopped and self._stopped())


def callbacks(given: dict[str, Any], *, gone_in: str) -> Callbacks | None:
    """Progress out of the old words `report` and `stopped`, if they were given."""
    if not {"report", "stopped"} & given.keys():
        return None
    deprecate("report= and stopped=", gone_in=gone_in, use="progress=")
    return Callbacks(given.pop("report", None), given.pop("stopped", None))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
