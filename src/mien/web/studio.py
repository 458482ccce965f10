"""What one run of the studio holds, and the processes that work for it."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import threading
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path

from ..pipeline.job_worker import work
from ..pipeline.runner import end_with_parent
from .jobs_api import Work
from .live_api import Cameras
from .media import Library
from .people import People

NICE = 10  # of a worker: the page comes first
LOOK = 0.5  # seconds between two looks whether a worker is wanted


class Studio:
    """Pictures, people and jobs. home: the folder of the studio in the user's data folder."""

    def __init__(self, home: Path, *, workers: int | None = None) -> None:
        self.library = Library(home)
        self.people = People(self.library)
        self.work = Work(home)
        self.cameras = Cameras()
        self.portrait = self.library.add_portrait()
        self._most = max((os.cpu_count() or 2) - 1, 1) if workers is None else workers
        self._workers: list[BaseProcess] = []

    def forget_everything(self) -> None:
        """Pictures, people, jobs and results. The portrait in the box stays."""
        self.cameras.end_all()
        self.work.forget_all()
        self.people.forget_all()
        self.library.forget_all()
        self.portrait = self.library.add_portrait()

    async def look_after_workers(self) -> None:
        """Start workers while something waits; they end by themselves. One that was killed is replaced, and its
        task goes on once its lease has run out."""
        while True:
            self._workers = [worker for worker in self._workers if worker.is_alive()]
            if len(self._workers) < self._most and await asyncio.to_thread(self.work.queue.waits):
                self._workers.append(self._started())
            await asyncio.sleep(LOOK)

    def _started(self) -> BaseProcess:
        context = multiprocessing.get_context("spawn")  # threads of ONNX Runtime do not survive a fork
        worker = context.Process(target=_worker, args=(self.work.queue.path,), daemon=True)
        worker.start()
        return worker

    def close(self) -> None:
        """The end: workers stop, what they have begun goes on next time; the pictures of this run go."""
        self.cameras.end_all()
        for worker in self._workers:
            worker.terminate()
        for worker in self._workers:
            worker.join(5)
        self.library.close()


def _worker(path: Path) -> None:
    """A worker's process; it ends with the one that started it."""
    threading.Thread(target=end_with_parent, daemon=True).start()
    with suppress(AttributeError, OSError):
        os.nice(NICE)
    work(path)
