"""Loader: where a run's batches come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

from ...types import Array

B = TypeVar("B")


@dataclass(frozen=True)
class Loader(Generic[B]):
    """Batches as a function of the step: nothing to save, and a resumed run sees what an uninterrupted one
    would.

    batch: number `i`, called from another thread; held_out: what is not trained on, always the same; notes:
    lines for people about it.
    """

    batch: Callable[[int], B]
    held_out: Callable[[], B]
    notes: Sequence[str] = ()


def tensors(arrays: Iterable[Array]) -> list[Tensor]:
    return [torch.from_numpy(one) for one in arrays]
