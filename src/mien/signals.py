"""Being told to stop: Ctrl-C and SIGTERM as an event that work looks at between two steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from threading import Event


@contextmanager
def told_to_stop(*, ignored_after: bool = False) -> Generator[Event]:
    """In here Ctrl-C and being told to end (SIGTERM) interrupt nothing: they set the event. Only the main
    thread can hear them.

    ignored_after: once stopped, further signals are ignored, as while a program says its last words.
    """
    stop = Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {each: signal.signal(each, lambda *_: stop.set()) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, signal.SIG_IGN if ignored_after and stop.is_set() else handler)
