"""fit(objective, loader, run, fabric): device, precision, processes, EMA, scores, checkpoints, resume,
stopping. It knows no family."""

from __future__ import annotations

import copy
import logging
import math
import os
import re
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from lightning_fabric import Fabric
from torch import Tensor, distributed, nn

from ...errors import MienError, RequestError
from ...signals import told_to_stop
from ..data.loader import Loader
from .accumulate import MicroBatches, moved, statistics
from .checkpoints import (
    BEST,
    below,
    checkpoint,
    checkpoints,
    newest,
    prune,
    read_state,
    read_tensors,
    save,
    write_run,
)
from .logs import Log
from .part import Part

PACE = 50  # steps that the images per second are taken over
LONGEST = 300.0  # seconds of work that a run that is killed may lose
PATIENCE = 5.0  # seconds that other processes leave the first one to say what went wrong
EXHAUSTED = (
    "not enough memory",
    "out of memory",
    "DefaultCPUAllocator",
    "ALLOC_FAILED",
)  # in the message of a RuntimeError
LOST = re.compile("(?:closed|reset) by peer")  # what gloo says of a process that is gone


class Objective(Protocol):
    """What a family builds. `nets[averaged]` is the network that is averaged, scored and exported.

    One that can begin with other weights has `transfer(states) -> list[str]`, the names of tensors that were
    left as they were, and its family `adapt(cfg, knobs, states) -> Config`; one that cannot begin without has
    `ready()`, which says what is missing.
    """

    nets: nn.ModuleDict
    averaged: str
    optimisers: dict[str, torch.optim.Optimizer]

    def step(self, shares: MicroBatches) -> dict[str, Tensor]: ...
    def keep(self, i: int) -> float: ...  # share of the averaged network that step i keeps
    def score(self, net: nn.Module, batch: Any) -> Tensor: ...
    def preview(self, net: nn.Module, batch: Any) -> Tensor: ...
    def parts(self, net: nn.Module) -> list[Part]: ...


@dataclass(frozen=True)
class Run:
    """Where a run lives and how long it goes on. `every` is the number of steps between scores and previews, each
    with a checkpoint; where those take long there is one every LONGEST seconds."""

    folder: Path
    steps: int
    batch: int
    seed: int
    every: int
    about: dict[str, Any]  # what `run.json` says: family, preset, seed, config, notice of the data
    accumulate: int = 1  # parts that each process does its share of a batch in
    keep: int = 2  # checkpoints


# --- Processes


def processes(devices: int) -> tuple[int, int]:
    """How many processes train on each machine, and on how many machines: torchrun's word counts where it has
    started this one."""
    if distributed.is_torchelastic_launched():
        here = int(os.environ["LOCAL_WORLD_SIZE"])
        return here, int(os.environ["WORLD_SIZE"]) // here
    if torch.cuda.is_available() and devices > torch.cuda.device_count():
        raise RequestError(f"--devices {devices}: this machine has {torch.cuda.device_count()} GPUs")
    return devices, 1


@contextmanager
def together(devices: int) -> Generator[Fabric]:
    """Processes that train as one: `devices` of them, which Fabric starts, or those that torchrun has
    started.

    All run the same program from its beginning. The first alone writes and speaks; the others end here, so
    what follows is done once.
    """
    here, machines = processes(devices)
    gpu = torch.cuda.is_available()
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    fabric = Fabric(
        accelerator="cuda" if gpu else "cpu",
        devices=here,
        num_nodes=machines,
        strategy="ddp" if here * machines > 1 else "auto",
        precision="bf16-mixed" if gpu else "32-true",
    )
    try:
        fabric.launch()
        yield fabric
        fabric.barrier()
    except BaseException:
        if not fabric.is_global_zero:
            time.sleep(PATIENCE)  # the first most likely says the same, and then ends this one
        raise
    finally:
        started = getattr(fabric.strategy.launcher, "procs", [])
        others = started[:]
        started.clear()  # Fabric would end this process too if one of them ended by a signal
        for other in others:
            other.kill()  # they hold nothing that is not here
        if (
            fabric.is_global_zero and distributed.is_initialized()
        ):  # the others leave it when they end, after their last word
            distributed.destroy_process_group()
    if not fabric.is_global_zero:
        raise SystemExit(0)


def _agreed(fabric: Fabric, asked: bool) -> bool:
    """Whether any process was asked to stop: all find the same, and so stop at the same step."""
    return bool(fabric.all_reduce(torch.tensor(float(asked), device=fabric.device), reduce_op="max"))


@contextmanager
def _in_words(run: Run, world: int) -> Generator[None]:
    """Where memory runs out, say in one line what would take less of it; where another process is gone, say
    that."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, distributed.DistError) or LOST.search(str(error)):
            raise MienError(
                "another process that trains has ended, and most likely said why: set that right, then --resume"
            ) from error
        known = isinstance(error, (MemoryError, torch.OutOfMemoryError))
        if not known and not any(words in str(error) for words in EXHAUSTED):
            raise
        most = run.batch // world  # pictures of one process
        count = next((k for k in range(run.accumulate + 1, most + 1) if most % k == 0), None)
        less = f"--resume --accumulate {count} takes {most // count}, or begin" if count else "begin"
        raise MienError(
            f"there is not enough memory for {most // run.accumulate} pictures at a time: {less} anew with --set batch=..., which is "
            f"{run.batch} now, or a smaller size"
        ) from error


# --- Training


def fit(
    objective: Objective,
    loader: Loader[Any],
    run: Run,
    fabric: Fabric,
    *,
    resume: bool,
    report: Callable[[int, dict[str, float]], None],
    say: Callable[[str], None],
    cancelled: Callable[[], bool] = lambda: False,
) -> float:
    """Train until `run.steps`; returns the best held-out score (lower is better), whose weights are
    `best.safetensors` in the run's folder.

    `report(step, scalars)` is called after every step, in the first process. SIGINT, SIGTERM and `cancelled`
    end the step, save, and become `KeyboardInterrupt`. A loss that is not finite, or too little memory, stops the run with
    a `MienError`. Random numbers are a function of the step (see `Shares`), so a checkpoint has none, and a
    resumed run is an uninterrupted one, bit for bit.
    """
    with _in_words(run, fabric.world_size), told_to_stop() as asked:
        objective.nets.to(fabric.device)
        average = copy.deepcopy(objective.nets[objective.averaged]).requires_grad_(False).eval()
        first, best = _restore(objective, average, run, fabric, say) if resume else (0, math.inf)
        moving, pace, since = statistics(objective.nets), deque[float](maxlen=PACE), time.perf_counter()
        alone = fabric.is_global_zero
        with (
            Keeper(objective, average, run, moved(loader.held_out(), fabric.device), first, best)
            if alone
            else nullcontext() as keeper
        ):
            for i, batch in enumerate(_ahead(loader, first, run.steps), first):
                part = {"accumulate": run.accumulate, "rank": fabric.global_rank, "world": fabric.world_size}
                shares = MicroBatches(
                    moved(batch, fabric.device), i, seed=run.seed, statistics=moving, **part
                )
                with fabric.autocast():
                    scalars = {name: float(value) for name, value in objective.step(shares).items()}
                if not all(map(math.isfinite, scalars.values())):
                    raise _not_finite(run, f"the loss of step {i} is not finite ({scalars})")
                _average(average, objective.nets[objective.averaged], objective.keep(i + 1))
                pace.append(time.perf_counter() - since)
                scalars["images_per_s"] = run.batch * len(pace) / sum(pace)
                if keeper:
                    keeper.note(i + 1, scalars)
                    report(i + 1, scalars)
                if i + 1 < run.steps and _agreed(fabric, asked.is_set() or cancelled()):
                    if keeper:
                        keeper.save(i + 1)
                    fabric.barrier()
                    raise KeyboardInterrupt(f"stopped and saved after step {i + 1}")
                since = time.perf_counter()
            return keeper.best if keeper else best


def _ahead(loader: Loader[Any], first: int, last: int) -> Iterator[Any]:
    """The batches of steps `first` to `last`; each is made while the one before is trained on."""
    with ThreadPoolExecutor(1) as maker:
        coming = maker.submit(loader.batch, first)
        for i in range(first, last):
            batch, coming = coming.result(), maker.submit(loader.batch, i + 1)
            yield batch


@torch.no_grad()
def _average(average: nn.Module, net: nn.Module, keep: float) -> None:
    for mean, now in zip(average.parameters(), net.parameters(), strict=True):
        mean.lerp_(now, 1 - keep)
    for mean, now in zip(average.buffers(), net.buffers(), strict=True):
        mean.copy_(now)


class Keeper:
    """What the first process does alone: score and show the averaged network, write logs and checkpoints."""

    def __init__(
        self, objective: Objective, average: nn.Module, run: Run, aside: Any, first: int, best: float
    ) -> None:
        self.objective, self.average, self.run, self.aside, self.best = objective, average, run, aside, best
        self.saved = time.monotonic()
        run.folder.mkdir(parents=True, exist_ok=True)
        self.log = Log(run.folder, first)
        if not first:
            write_run(run.folder, run.about)
            self.save(0)  # from here on a run can be resumed; and a full disk shows before anything is lost

    def __enter__(self) -> Keeper:
        return self

    def __exit__(self, *_: object) -> None:
        self.log.close()

    def note(self, i: int, scalars: dict[str, float]) -> None:
        """What follows step `i`; adds the score to `scalars` where there is one."""
        if due := i % self.run.every == 0 or i == self.run.steps:
            tensors = self._tensors(i)
            scalars["held_out"] = score = float(self.objective.score(self.average, self.aside))
            if score < self.best:
                self.best = score
                state = {"step": i, "held_out": score, "averaged": self.objective.averaged}
                save(self.run.folder / BEST, below(tensors, "average."), state)
            self.save(i)
        self.log.scalars(i, scalars)
        if due:
            self.log.preview(i, self.objective.preview(self.average, self.aside))
        elif time.monotonic() - self.saved > LONGEST:
            self.save(i)

    def save(self, i: int) -> None:
        """Write a checkpoint, and delete those that are too old."""
        save(checkpoint(self.run.folder, i), self._tensors(i), {"step": i, "best": self.best})
        prune(self.run.folder, self.run.keep)
        self.saved = time.monotonic()

    def _tensors(self, i: int) -> dict[str, Tensor]:
        """Everything that a resumed run needs. Raises `MienError` where it is not finite: it must not take a
        good checkpoint's place."""
        tensors = {f"nets.{key}": value for key, value in self.objective.nets.state_dict().items()}
        tensors |= {f"average.{key}": value for key, value in self.average.state_dict().items()}
        for name, optimiser in self.objective.optimisers.items():
            for index, state in optimiser.state_dict()["state"].items():
                tensors |= {
                    f"optimiser.{name}.{index}.{key}": torch.as_tensor(value) for key, value in state.items()
                }
        if bad := [key for key, value in tensors.items() if not bool(value.isfinite().all())]:
            raise _not_finite(
                self.run, f"after step {i} the weights are not finite ({len(bad)} tensors, {bad[0]} for one)"
            )
        return tensors


def _not_finite(run: Run, what: str) -> MienError:
    last = checkpoints(run.folder)[-1]
    return MienError(f"{what}: train again with a lower --set lr=...; the last good checkpoint is {last}")


def _restore(
    objective: Objective, average: nn.Module, run: Run, fabric: Fabric, say: Callable[[str], None]
) -> tuple[int, float]:
    """Take the newest checkpoint that can be read; returns its step, and the best score until then."""
    path: Any = fabric.broadcast(newest(run.folder, say) if fabric.is_global_zero else None)
    tensors, state = read_tensors(path), read_state(path)
    objective.nets.load_state_dict(below(tensors, "nets."))
    average.load_state_dict(below(tensors, "average."))
    for name, optimiser in objective.optimisers.items():
        saved = optimiser.state_dict()
        for key, value in below(tensors, f"optimiser.{name}.").items():
            index, field = key.split(".")
            saved["state"].setdefault(int(index), {})[field] = value
        optimiser.load_state_dict(saved)
    return int(state["step"]), float(state["best"])
