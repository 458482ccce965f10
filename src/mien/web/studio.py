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
from .pairs_api import Pairs
from .people import People

NICE = 10  # of a worker: the page comes first
LOOK = 0.5  # seconds between two looks whether a worker is wanted
SAVED = 10.0  # seconds that a worker has to end in; who trains saves first


class Studio:
    """Pictures, people and jobs. home: the folder of the studio in the user's data folder."""

    def __init__(self, home: Path, *, workers: int | None = None) -> None:
        self.library = Library(home)
        self.people = People(self.library)
        self.work = Work(home)
        self.pairs = Pairs(home / "pairs", self.work.queue)
        self.cameras = Cameras()
        self.portrait = self.library.add_portrait()
        self.ending = threading.Event()  # the server is told to end
        self._most = max((os.cpu_count() or 2) - 1, 1) if workers is None else workers
        self._workers: dict[bool, list[BaseProcess]] = {False: [], True: []}  # True: of training

    def forget_everything(self) -> None:
        """Pictures, people, pairs, jobs and results. The portrait in the box stays."""
        self.cameras.end_all()
        self.work.forget_all()
        self.pairs.forget_all()
        self.people.forget_all()
        self.library.forget_all()
        self.portrait = self.library.add_portrait()

    async def look_after_workers(self) -> None:
        """Start workers while something waits; they end by themselves. One that was killed is replaced, and its
        task goes on once its lease has run out. Training has one of its own, which keeps nobody waiting."""
        while True:
            for training, most in ((False, self._most), (True, min(self._most, 1))):
                alive = [worker for worker in self._workers[training] if worker.is_alive()]
                waits = self.work.queue.waits
                if len(alive) < most and await asyncio.to_thread(waits, training=training):
                    alive.append(self._started(training))
                self._workers[training] = alive
            await asyncio.sleep(LOOK)

    def _started(self, training: bool) -> BaseProcess:
        context = multiprocessing.get_context("spawn")  # threads of ONNX Runtime do not survive a fork
        worker = context.Process(target=_worker, args=(self.work.queue.path, training), daemon=True)
        worker.start()
        return worker

    def close(self) -> None:
        """The end: workers stop, what they have begun goes on next time; the pictures of this run go."""
        self.cameras.end_all()
        workers = [worker for several in self._workers.values() for worker in several]
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.join(SAVED)
        self.library.close()


def _worker(path: Path, training: bool) -> None:
    """A worker's process; it ends with the one that started it."""
    threading.Thread(target=end_with_parent, daemon=True).start()
    os.environ["OMP_NUM_THREADS"] = "1"  # before PyTorch is loaded, which would take all cores
    with suppress(AttributeError, OSError):
        os.nice(NICE)
    work(path, training=training)
