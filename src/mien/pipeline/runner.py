"""Who does the jobs of a batch: processes of this machine. `cluster` has those of many machines.

Runner               what does many jobs: run(jobs) -> an Outcome of each, as it ends
Processes(workers)   does photos, one process a core
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Protocol

import cv2

from ..types import SILENT, Progress
from .batch import KILLED, Job, Outcome, attempt, cores, settle


class Runner(Protocol):
    """Does many jobs at a time."""

    def run(self, jobs: Sequence[Job], *, resume: bool, progress: Progress = SILENT) -> Generator[Outcome]:
        """Do all jobs and yield each as it ends; with `resume`, those that are `batch.done` are skipped. Once
        `progress` is cancelled, only what has begun is finished, and nothing is half-written."""
        ...


@dataclass(frozen=True)
class Processes:
    """A Runner of photos: so many processes on this machine.

    No more jobs are handed out than there are workers. So little is left to finish once `progress` is cancelled; and
    when a process dies, few others die with it.
    """

    workers: int

    def run(self, jobs: Sequence[Job], *, resume: bool, progress: Progress = SILENT) -> Generator[Outcome]:
        """See `Runner`."""
        waiting = deque(jobs)
        while waiting and not progress.cancelled:
            yield from _shift(waiting, resume, self.workers, progress)


def _shift(waiting: deque[Job], resume: bool, workers: int, progress: Progress) -> Iterator[Outcome]:
    """Work `waiting` off with one pool of processes, until all is done or a process has died."""
    running: dict[Future[Outcome], Job] = {}
    broken = False
    with _pool(workers) as pool:
        while running or (waiting and not broken and not progress.cancelled):
            if waiting and not broken and not progress.cancelled and len(running) < workers:
                settled = settle(waiting.popleft(), resume)
                if isinstance(settled, Outcome):
                    yield settled
                    continue
                try:
                    with _deaf():
                        threads = max(cores() // workers, 1)
                        running[pool.submit(attempt, settled, threads, resume=resume)] = settled
                except BrokenProcessPool:
                    waiting.appendleft(settled)
                    broken = True
                continue
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                broken = broken or future.exception() is not None
                yield _outcome(future, running.pop(future))


def _outcome(future: Future[Outcome], job: Job) -> Outcome:
    """Wait for it; what `attempt` did not tell, because its process died, is a failure."""
    try:
        return future.result()
    except BrokenProcessPool:
        return Outcome(job, "failed", f"{job.source}: {KILLED}")


def _pool(workers: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")  # threads of ONNX Runtime do not survive a fork
    return ProcessPoolExecutor(
        workers, mp_context=context, initializer=_open, initargs=(max(cores() // workers, 1),)
    )


@contextlib.contextmanager
def _deaf() -> Generator[None]:
    """Processes started in here never hear Ctrl-C, which a terminal sends to all: the one that hands out the
    jobs decides."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _open(threads: int) -> None:
    threading.Thread(target=end_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(threads)


def end_with_parent() -> None:
    """End this process when the one that hands out the jobs was killed: nobody would take its results, and it
    would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
