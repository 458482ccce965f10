"""Many photos: which files, one process a core, a failure that does not stop the rest, and going on where an earlier run ended."""

from __future__ import annotations

import glob
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import image, provenance, verbs
from .errors import InputError, MienError, OutputError
from .kit import Kit

READS = {*image.SUFFIXES, ".heic", ".heif"}


@dataclass(frozen=True)
class Job:
    """One photo to edit: where from, where to, and how; `options` go to `verbs.edit`."""

    source: Path
    target: Path
    options: dict[str, Any]
    quality: int | None = None
    force: bool = False
    max_pixels: int = image.MAX_PIXELS


@dataclass(frozen=True)
class Outcome:
    """How a job ended: "done", "skipped" or "failed"."""

    job: Job
    state: str
    said: str = ""


def gather(patterns: Sequence[str]) -> list[Path]:
    """The pictures that files, folders and globs mean, sorted, each once. A folder means the pictures in it, not below it."""
    found: dict[Path, None] = {}
    for pattern in patterns:
        path = Path(pattern)
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.suffix.lower() in READS and p.is_file() and not p.name.startswith("."))
            if not inside:
                raise InputError(f"{pattern} holds no pictures: wanted {' '.join(sorted(READS))}")
            found |= dict.fromkeys(inside)
        elif path.exists() or not glob.has_magic(pattern):
            found[path] = None
        else:
            matches = sorted(Path(match) for match in glob.glob(pattern, recursive=True) if Path(match).is_file())
            if not matches:
                raise InputError(f"nothing matches {pattern}")
            found |= dict.fromkeys(matches)
    return list(found)


def targets(sources: Sequence[Path], folder: Path) -> list[Path]:
    """Where each result goes: its own name in `folder`; formats that are only read become .jpg."""
    names = [source.name if source.suffix.lower() in image.SUFFIXES else f"{source.stem}.jpg" for source in sources]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise OutputError(f"two inputs would both be written as {folder / twice[0]}: give them in two runs with two folders")
    return [folder / name for name in names]


def done(job: Job) -> bool:
    """Whether an earlier run has made this job's result with the same request, and it is intact."""
    if not job.target.is_file():
        return False
    try:
        verdict = provenance.verify(job.target)
    except MienError:
        return False
    asked = {name: value for name, value in job.options.items() if value}
    return verdict.state == "intact" and bool(verdict.history) and verdict.history[-1].arguments == asked


_kit: Kit | None = None  # of a worker process, opened once by `_open`


def _open(threads: int) -> None:
    global _kit
    import cv2

    cv2.setNumThreads(threads)
    _kit = Kit(threads=threads)


def one(job: Job, kit: Kit | None = None) -> None:
    """Read, edit, write."""
    photo = image.read(job.source, max_pixels=job.max_pixels)
    image.write(verbs.edit(photo, kit=kit, **job.options), job.target, quality=job.quality, force=job.force)


def _try(job: Job) -> Outcome:
    try:
        one(job, _kit)
    except MienError as error:
        return Outcome(job, "failed", str(error))
    except Exception as error:  # one broken photo of a thousand must not stop the others
        return Outcome(job, "failed", f"{job.source}: {type(error).__name__}: {error}")
    return Outcome(job, "done")


def run(jobs: Sequence[Job], *, resume: bool, workers: int) -> Iterator[Outcome]:
    """Do all jobs, `workers` at a time, and yield each as it ends.

    When the caller stops early, jobs that have not begun are dropped and those that have are finished, so that nothing is half-written.
    """
    waiting = []
    for job in jobs:
        if resume and done(job):
            yield Outcome(job, "skipped")
        elif job.target.exists() and not (job.force or resume):
            yield Outcome(job, "failed", f"{job.target} exists: go on with --resume, or write over it with --force")
        else:
            waiting.append(replace(job, force=job.force or resume))
    threads = max((os.cpu_count() or 1) // workers, 1)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_open, initargs=(threads,)) as pool:
        futures = {pool.submit(_try, job): job for job in waiting}
        try:
            for future in as_completed(futures):
                try:
                    yield future.result()
                except BrokenProcessPool:
                    yield Outcome(
                        futures[future],
                        "failed",
                        f"{futures[future].source}: its process was stopped, perhaps for want of memory: try --workers 1",
                    )
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
