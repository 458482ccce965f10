"""Part: what a family hands to the exporter."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from ...models.card import Card


@dataclass(frozen=True, eq=False)
class Part:
    """One network of a run: the role it fulfils, the module, example inputs by name, names of its outputs,
    and its card. label: what tells it from others of its role, for the names of files."""

    role: str
    module: nn.Module
    inputs: dict[str, Tensor]
    outputs: tuple[str, ...]
    card: Card
    label: str = ""
