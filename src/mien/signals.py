"""Being told to stop: Ctrl-C and SIGTERM as an event that work looks at between two steps, and Ctrl-C before
there is work."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from threading import Event
from types import FrameType


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


INTERRUPTED = 130


def end_while_importing() -> None:
    """From here on Ctrl-C ends the program at once, with one line, while something is being imported: there a
    KeyboardInterrupt becomes a traceback, or any error at all. At other times it is one, as ever."""
    signal.signal(signal.SIGINT, _interrupted)


def _interrupted(_: int, frame: FrameType | None) -> None:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            os.write(2, b"mien: stopped\n")
            os._exit(INTERRUPTED)
        frame = frame.f_back
    raise KeyboardInterrupt
