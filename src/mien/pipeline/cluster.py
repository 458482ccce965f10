"""The Runner of many machines: actors of Ray (Moritz et al. 2018, https://arxiv.org/abs/1712.05889) in a cluster that
is there already. Each keeps one warm Kit; files are read and written by their paths, on storage that all machines share.

Nothing is connected to unless `--on` names a cluster, and no statistics of Ray's are sent.
"""

from __future__ import annotations

import os
import platform
import re
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import cv2

from .._version import __version__
from ..errors import MienError, RequestError
from ..types import SILENT, Progress
from .batch import Job, Outcome, attempt, is_clip, settle

TRIES = 3  # of a job whose actor dies
GRACE = 30.0  # seconds that what has begun may take to end once all is cancelled
ALONE = 30.0  # seconds for which a cluster may be without a machine that works
LATER = "start it again, and the same command with --resume"
WATCHED = 0.2  # seconds after which to look whether it is


class Worker:
    """What an actor does: one job after the other, in one process."""

    def do(self, job: Job, version: str, resume: bool) -> Outcome:
        """Do a job and tell on which machine. version: that of mien where the jobs come from."""
        cv2.setNumThreads(1)
        machine = platform.node()
        if version != __version__:
            said = f"{job.source}: {machine} has mien {__version__}: {version} was wanted, as here"
            return Outcome(job, "failed", said)
        outcome = attempt(job, 1, resume=resume)
        return replace(outcome, told=outcome.told | {"machine": machine})


@dataclass
class _Begun:
    """A job that an actor has, and which try it is."""

    actor: Any
    job: Job
    tries: int


@dataclass(frozen=True)
class Cluster:
    """A Runner of photos and clips on a Ray cluster. address: "auto" for the one that this machine is in, or
    ray://HOST:PORT. workers: actors, of one core each; default and
    most: as many as cores are free in it when the work begins."""

    address: str
    workers: int | None = None

    def run(self, jobs: Sequence[Job], *, resume: bool, progress: Progress = SILENT) -> Generator[Outcome]:
        """See `Runner`. A job whose actor dies is tried again by another. Once `progress` is cancelled, what has
        begun has half a minute to end; `resume` goes on with what had not, clips included."""
        with _connected(self.address) as ray:
            free = max(int(ray.available_resources().get("CPU", 0)), 1)  # an actor without a core would wait
            count = min(self.workers or free, free, len(jobs))
            yield from _shift(ray, deque((job, 1) for job in jobs), count, resume, progress)


def _shift(
    ray: Any, waiting: deque[tuple[Job, int]], count: int, resume: bool, progress: Progress
) -> Iterator[Outcome]:
    """Work `waiting` (jobs, each with which try it is) off with so many actors."""
    hire = ray.remote(num_cpus=1)(Worker).remote
    idle, begun = list[Any](), dict[Any, _Begun]()
    deadline, alive = float("inf"), time.monotonic()
    while (begun or (waiting and not progress.cancelled)) and time.monotonic() < deadline:
        if progress.cancelled:
            deadline = min(deadline, time.monotonic() + GRACE)
        elif waiting and len(begun) < count:
            job, tries = waiting.popleft()
            again = resume or tries > 1
            settled = job if is_clip(job.source) else settle(job, again)
            if isinstance(settled, Outcome):
                yield settled
                continue
            actor = idle.pop() if idle else hire()
            begun[actor.do.remote(_everywhere(settled), __version__, again)] = _Begun(actor, job, tries)
            continue
        done = ray.wait(list(begun), timeout=WATCHED)[0]
        if done or ray.cluster_resources().get("CPU"):
            alive = time.monotonic()
        elif time.monotonic() - alive > ALONE:
            raise MienError(f"the Ray cluster has had no machine for {ALONE:g} s: {LATER}")
        for ended in done:
            one = begun.pop(ended)
            try:
                outcome = replace(ray.get(ended), job=one.job)
                idle.append(one.actor)
            except ray.exceptions.RayError as error:
                ray.kill(one.actor)  # of one that only went silent nothing more may come
                if one.tries < TRIES:
                    waiting.append((one.job, one.tries + 1))
                    continue
                said = f"{one.job.source}: given up after {TRIES} tries: {str(error).splitlines()[-1][:200]}"
                outcome = Outcome(one.job, "failed", said)
            yield outcome


def _everywhere(job: Job) -> Job:
    """The job with paths that mean the same in any folder."""
    return replace(job, source=job.source.absolute(), target=job.target.absolute())


@contextmanager
def _connected(address: str) -> Generator[Any]:
    """Ray, connected to a cluster; its actors get what is set for mien here, and end with the connection."""
    if address != "auto" and not re.fullmatch(r"ray://[^/]+:\d+", address):
        raise RequestError(f"--on {address!r} names no cluster: auto was wanted, or ray://HOST:10001")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        ray: Any = import_module("ray")
    except ModuleNotFoundError as error:
        raise RequestError(
            f"--on needs the package {error.name}, which is not here: pip install 'mien[ray]'"
        ) from error
    own = {name: value for name, value in os.environ.items() if name.startswith("MIEN_")}
    about: dict[str, Any] = {
        "runtime_env": {"env_vars": own},
        "log_to_driver": False,
        "logging_level": "ERROR",
    }
    try:
        try:
            ray.init(address, **about)
        except ConnectionError as error:  # a machine that is busy may be late to start what answers
            if "Initialization failure" not in str(error):
                raise
            ray.shutdown()
            ray.init(address, **about)
    except (ConnectionError, OSError, RuntimeError, ray.exceptions.RayError) as error:
        raise MienError(
            f"no Ray cluster answers at {address} ({' '.join(str(error).split())[:200]})"
        ) from error
    try:
        yield ray
    except Exception as error:
        # gRPC is asked for here only: had it been loaded before Ray, no connection would come about
        if not isinstance(error, ConnectionError | import_module("grpc").RpcError):
            raise
        raise MienError(f"the Ray cluster at {address} answers no longer: {LATER}") from error
    finally:
        ray.shutdown()
