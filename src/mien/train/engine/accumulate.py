"""One step of training, cut into shares: what does not fit at once, or is spread over several processes,
gives the same update."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, distributed, nn

from ..blocks.layers import full

MOVING = (
    "running_mean",
    "running_var",
    "num_batches_tracked",
    "_u",
    "_v",
)  # buffers of batch and spectral norms

Term = Callable[
    [Any], tuple[Tensor, dict[str, Tensor]]
]  # a part of the batch -> loss, and what to tell or to keep


class MicroBatches:
    """What this process does of step `i`: `accumulate` parts of the batch, out of `accumulate * world` in
    all.

    Every part of every update draws random numbers of its own, a function of seed, step, update and part, and
    starts from the same `statistics`, which then move by the mean of what the parts did to them. So two
    processes do what one does in two parts, and a resumed run goes on as if it had never stopped.
    """

    def __init__(
        self,
        batch: Any,
        i: int,
        *,
        seed: int = 0,
        accumulate: int = 1,
        rank: int = 0,
        world: int = 1,
        statistics: Sequence[Tensor] = (),
    ) -> None:
        self.i, self._seed, self._update = i, seed, 0
        count = accumulate * world
        self._statistics = statistics if count > 1 else ()
        self._parts = [(k, _part(batch, k, count)) for k in range(rank * accumulate, (rank + 1) * accumulate)]

    def gradients(self, optimiser: torch.optim.Optimizer, term: Term, gain: float = 1.0) -> dict[str, Tensor]:
        """Put the mean gradient of `gain` times the term's loss into the optimiser's parameters; returns the
        means of what it tells."""
        optimiser.zero_grad(set_to_none=True)
        means: dict[str, Tensor] = {}
        before = [one.clone() for one in self._statistics]
        moves = [torch.zeros_like(one, dtype=torch.float32) for one in self._statistics]
        for part in self._drawn():
            loss, told = term(part)
            with full(loss):  # the forward pass has chosen where 16 bits do
                (loss * (gain / len(self._parts))).backward()
            for name, value in told.items():
                means[name] = means.get(name, 0) + value.detach().float() / len(self._parts)
            for one, old, move in zip(self._statistics, before, moves, strict=True):
                move += (one - old) / len(self._parts)
                one.copy_(old)
        if distributed.is_initialized():
            parameters = [one for group in optimiser.param_groups for one in group["params"]]
            _average_gradients(parameters)
            _average([*means.values(), *moves])
        for one, move in zip(self._statistics, moves, strict=True):
            one.copy_(one + move)
        return means

    def chance(self) -> np.random.Generator:
        """Random numbers for what is done once for the whole batch: the same in every process."""
        return np.random.default_rng((self._seed, self.i, self._update))

    def _drawn(self) -> Iterator[Any]:
        for k, part in self._parts:
            torch.manual_seed(
                int(
                    np.random.SeedSequence((self._seed, self.i, self._update, k)).generate_state(
                        1, np.uint64
                    )[0]
                    >> 1
                )
            )
            yield part
        self._update += 1


def statistics(nets: nn.Module) -> list[Tensor]:
    """The buffers that a forward pass moves."""
    return [one for name, one in nets.named_buffers() if name.rpartition(".")[2] in MOVING]


def moved(batch: Any, device: torch.device) -> Any:
    """A batch, a dataclass of tensors, on a device."""
    return replace(
        batch,
        **{field.name: getattr(batch, field.name).to(device, non_blocking=True) for field in fields(batch)},
    )


def _part(batch: Any, k: int, count: int) -> Any:
    """Rows of part `k` of `count` of a batch, a dataclass of tensors."""
    if count == 1:
        return batch
    values = {field.name: getattr(batch, field.name) for field in fields(batch)}
    return replace(
        batch,
        **{name: one[len(one) * k // count : len(one) * (k + 1) // count] for name, one in values.items()},
    )


def _average_gradients(parameters: list[Tensor]) -> None:
    """A parameter that only some processes have used has the gradient 0 in the others; one that none has used
    keeps none."""
    used = torch.tensor([float(one.grad is not None) for one in parameters], device=parameters[0].device)
    distributed.all_reduce(used)
    some = [one for one, count in zip(parameters, used.tolist(), strict=True) if count]
    for one in some:
        one.grad = torch.zeros_like(one) if one.grad is None else one.grad
    _average([one.grad for one in some if one.grad is not None])


def _average(tensors: list[Tensor]) -> None:
    """The mean over all processes, in place."""
    if not tensors:
        return
    flat = torch.cat([one.flatten() for one in tensors])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    for one, mean in zip(tensors, flat.split([one.numel() for one in tensors]), strict=True):
        one.copy_(mean.view_as(one))
