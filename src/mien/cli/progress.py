"""Progress in a terminal: a bar while somebody watches, lines that stay, and Ctrl-C as a wish to stop."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from threading import Event
from typing import Any

import click

from ..signals import told_to_stop
from ..words import plain
from .app import say


class TerminalProgress:
    """Shows how far work is; see `types.Progress`."""

    def __init__(self, label: str, stop: Event) -> None:
        self._label, self._stop = plain(label), stop
        self._bar: Any = None
        self._seen = sys.stderr.isatty()

    def advance(self, done: int, total: int) -> None:
        if not self._seen:
            return
        total = max(done, total, 1)
        if self._bar is None or self._bar.length != total:
            place = self._bar.pos if self._bar else 0
            self._bar = click.progressbar(length=total, label=self._label, file=sys.stderr, show_pos=True)
            self._bar.update(place)
        self._bar.update(done - self._bar.pos)

    def message(self, text: str) -> None:
        if self._bar:
            click.echo("\r\033[K", err=True, nl=False)
        say(text)

    @property
    def cancelled(self) -> bool:
        return self._stop.is_set()

    def close(self) -> None:
        """Take the bar away."""
        if self._bar:
            click.echo("\r\033[K\033[?25h", err=True, nl=False)
            self._bar = None


@contextmanager
def shown(label: str, *, stoppable: bool = True) -> Generator[TerminalProgress]:
    """Progress of one piece of work. stoppable: Ctrl-C and SIGTERM cancel it, instead of breaking it off."""
    if not stoppable:
        progress = TerminalProgress(label, Event())
        try:
            yield progress
        finally:
            progress.close()
        return
    with told_to_stop(ignored_after=True) as stop:
        progress = TerminalProgress(label, stop)
        try:
            yield progress
        finally:
            progress.close()
