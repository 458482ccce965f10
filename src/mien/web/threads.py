"""The two threads in which pictures are worked at: what is asked of one picture keeps nobody from seeing another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from starlette.requests import Request

NOTICED = 0.2  # seconds after which it is seen that nobody waits any more
P = ParamSpec("P")
T = TypeVar("T")


class GivenUpError(Exception):
    """Nobody waits for the answer any more."""

    def __init__(self) -> None:
        super().__init__("nobody waits for this any more")


class Threads:
    """One that works, in which alone results are made, for sessions are not for several; and one that looks at what was
    brought in."""

    def __init__(self) -> None:
        self._works, self._looks = ThreadPoolExecutor(1, "studio"), ThreadPoolExecutor(1, "studio-looks")
        self._gone: threading.Event | None = None  # of who waits for what is being made

    async def run(self, work: Callable[P, T], *args: P.args, **how: P.kwargs) -> T:
        """Work at pictures."""
        return await self.run_for(None, work, *args, **how)

    async def run_for(
        self, gone: threading.Event | None, work: Callable[P, T], *args: P.args, **how: P.kwargs
    ) -> T:
        """Work at pictures for somebody who may leave: `check` then raises `GivenUpError` in it."""

        def done() -> T:
            self._gone = gone
            self.check()
            return work(*args, **how)

        return await asyncio.get_running_loop().run_in_executor(self._works, done)

    async def run_while_awaited(
        self, request: Request, work: Callable[P, T], *args: P.args, **how: P.kwargs
    ) -> T:
        """Work at pictures as long as somebody waits for the answer to `request`, whose body was read."""
        gone = threading.Event()

        async def noticed() -> None:
            while not await request.is_disconnected():
                await asyncio.sleep(NOTICED)
            gone.set()

        noticing = asyncio.create_task(noticed())
        try:
            return await self.run_for(gone, work, *args, **how)
        finally:
            noticing.cancel()

    async def look(self, work: Callable[P, T], *args: P.args, **how: P.kwargs) -> T:
        """Look at what was brought in."""
        return await asyncio.get_running_loop().run_in_executor(self._looks, lambda: work(*args, **how))

    def check(self) -> None:
        """Called now and then by long work, in the thread that works."""
        if self._gone is not None and self._gone.is_set():
            raise GivenUpError

    def close(self) -> None:
        for threads in (self._works, self._looks):
            threads.shutdown(wait=True, cancel_futures=True)
