"""Very many small pictures: whether memory stays flat, what handing out a photo costs, and what more processes bring.

    python benchmarks/batch.py [--count 10000] [--json benchmarks/results/batch.json]

Every tenth picture has a face. The process ends with 1 where memory grows by more than a twentieth, or where all cores
together bring less than 0.85 of what as many single processes with a core each would.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from edit import HOPPER
from figures import save

from mien.edits.request import EditRequest
from mien.pipeline.batch import Job, Outcome, attempt, cores
from mien.pipeline.runner import Processes

SIDE, EVERY = 64, 10  # pixels of a picture; one of how many has a face
GROWTH, SHARE = 1.05, 0.85  # most memory at the end against before, and least of what all cores could bring
WARM = 20  # photos until networks are open


def made(folder: Path, count: int) -> list[Job]:
    """So many pictures, no two alike, and the jobs that edit them."""
    rng = np.random.default_rng(1)
    portrait = cv2.imread(str(HOPPER))
    assert portrait is not None
    face = cv2.resize(portrait, (SIDE, SIDE * 600 // 512), interpolation=cv2.INTER_AREA)
    jobs: list[Job] = []
    for i in range(count):
        empty = cv2.resize(rng.integers(0, 255, (4, 4, 3), np.uint8), (SIDE, SIDE))
        picture = empty if i % EVERY else np.clip(face * rng.uniform(0.9, 1.1), 0, 255).astype(np.uint8)
        source = folder / f"{i:06}.jpg"
        cv2.imwrite(str(source), picture)
        jobs.append(Job(source, folder / "out" / source.name, EditRequest({"warmth": 0.3}), force=True))
    (folder / "out").mkdir()
    return jobs


def resident() -> float:
    """Megabytes that this process and those below it hold; the pages that they share count for each."""
    pids = [os.getpid(), *(child.pid for child in multiprocessing.active_children() if child.pid)]
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def timed(outcomes: Iterator[Outcome]) -> dict[str, Any]:
    """What a run tells: seconds to its first result, photos a second from the first on when all is warm, how they
    ended, and megabytes every hundred photos."""
    began, warm, ended, memory = time.perf_counter(), 0.0, Counter[str](), list[float]()
    first = 0.0
    for number, outcome in enumerate(outcomes):
        ended[outcome.state] += 1
        now = time.perf_counter() - began
        first = first or now
        if number == WARM:
            warm = now
        if number % 100 == WARM:
            memory.append(resident())
    rate = (ended.total() - WARM - 1) / (time.perf_counter() - began - warm)
    return {"first_seconds": first, "a_second": rate, "ended": dict(ended), "memory": memory}


@contextlib.contextmanager
def one_core() -> Generator[None]:
    """This process and those that it starts in here have one core, so that one does not do the work of two."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    yield
    os.sched_setaffinity(0, cores)


def alone(jobs: Sequence[Job]) -> dict[str, Any]:
    """The same in a loop, without a runner."""
    cv2.setNumThreads(1)
    return timed(attempt(job, 1) for job in jobs)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=10000)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        os.environ["MIEN_HOME"] = f"{name}/home"
        jobs = made(Path(name), asked.count)
        few = jobs[: max(len(jobs) // 20, 5 * WARM)]
        os.environ["OMP_NUM_THREADS"] = "1"
        with one_core(), ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as other:
            loop = other.submit(alone, few).result()
            single = timed(Processes(1).run(few, resume=False))
        many = timed(Processes(cores()).run(jobs, resume=False))
        with one_core():
            again = timed(Processes(1).run(few, resume=False))
        skipped = timed(Processes(1).run([job for job in jobs if job.target.exists()], resume=True))
    one = (single["a_second"] + again["a_second"]) / 2
    memory = many["memory"]
    early, late = (
        float(np.mean(part)) for part in (memory[: len(memory) // 5 + 1], memory[-len(memory) // 5 :])
    )
    told = {
        "photos": len(jobs),
        "ended": many["ended"],
        "processes": cores(),
        "first_seconds": round(many["first_seconds"], 2),
        "loop_a_second": round(loop["a_second"], 1),
        "one_process_a_second": round(one, 1),
        "a_second": round(many["a_second"], 1),
        "overhead_ms": round(1000 / one - 1000 / loop["a_second"], 2),
        "speedup": round(many["a_second"] / one, 2),
        "skipped_a_second": round(skipped["a_second"], 1),
        "megabytes_early": round(early),
        "megabytes_late": round(late),
    }
    print(told)
    save(asked.json, f"python benchmarks/batch.py --count {asked.count}", [], **told)
    if late > GROWTH * early or told["speedup"] < SHARE * cores():
        sys.exit(f"memory {early:.0f} to {late:.0f} MB, speedup {told['speedup']}")


if __name__ == "__main__":
    main()
