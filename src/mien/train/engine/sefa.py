"""The closed-form directions of a generator (SeFa): what moves its styles most."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from ...errors import ModelError
from ...types import Array
from ..published.key_maps import State
from .initial_weights import read_origin


def named(source: Path, count: int = 10) -> dict[str, Array]:
    """The closed-form directions of a run's or a published checkpoint's generator as unit vectors `[W]`, "s0"
    the strongest."""
    nets = read_origin(source).nets
    if "G" not in nets:
        raise ModelError(f"{source} has no generator: wanted a run of stylegan2 or a checkpoint of one")
    return {f"s{k}": one.numpy() for k, one in enumerate(closed_form(nets["G"], count))}


def closed_form(G: State, count: int, sizes: tuple[int, ...] = ()) -> Tensor:
    """The `count` unit directions `[count, W]` that move the styles most (SeFa, Shen and Zhou 2021, arXiv
    2007.06600).

    G: a generator's state dict. sizes: the resolutions whose styles count, all if empty: low ones for shape,
    high ones for colour.
    """
    kept = tuple(f"synthesis.b{size}." for size in sizes) or ("synthesis.",)
    rows = [
        F.normalize(one, dim=1)
        for key, one in G.items()
        if key.startswith(kept) and re.search(r"\.conv[01]\.affine\.weight$", key)
    ]
    A = torch.cat(rows)  # [styles, W]
    return torch.linalg.eigh(A.T @ A)[1].T.flip(0)[:count]
