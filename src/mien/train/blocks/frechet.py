"""The held-out score of families that make pictures of nobody: a Fréchet distance in what a fixed random
network sees."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def small(pictures: Tensor, most: int = 256) -> Tensor:
    return F.interpolate(pictures, (most, most), mode="area") if pictures.shape[-1] > most else pictures


def looks(pictures: Tensor, dims: int) -> Tensor:
    """What a fixed random network sees in pictures `[N, 3, S, S]`: `[N, 6 dims]`. Layout, colour and texture,
    not identity."""
    random = torch.Generator().manual_seed(0)
    x = (
        F.interpolate(pictures.float().clamp(-1, 1), scale_factor=2.0)
        if pictures.shape[-1] < 16
        else pictures.float().clamp(-1, 1)
    )
    seen = [F.adaptive_avg_pool2d(x, 8).flatten(1)]
    for _ in range(3):  # three octaves: the strength of edges, by place
        kernel = torch.randn(32, 3, 3, 3, generator=random)
        edges = F.conv2d(x, (kernel - kernel.mean((2, 3), keepdim=True)).to(x.device))
        seen.append((F.adaptive_avg_pool2d(edges.abs(), 4) + 1e-3).log().flatten(1))
        x = F.avg_pool2d(x, 2)
    shares = (3 * dims, dims, dims, dims)
    mixes = [
        torch.randn(one.shape[1], share, generator=random) / one.shape[1] ** 0.5
        for one, share in zip(seen, shares, strict=True)
    ]
    return torch.cat([one @ mix.to(x.device) for one, mix in zip(seen, mixes, strict=True)], 1)


def distance(real: Tensor, fake: Tensor) -> Tensor:
    """Fréchet distance of two sets of pictures in what `looks` sees, in units of the real ones' spread, for
    each dimension.

    It picks weights within a run and compares runs on the same held-out pictures; it is not the published
    FID.
    """
    dims = min(max(len(real) // 24, 1), 8)  # no more than so many pictures have a spread in
    a, b = (looks(one, dims).double().cpu() for one in (real, fake))
    ridge = 1e-2 * a.var(0).mean() * torch.eye(a.shape[1], dtype=a.dtype) + 1e-12
    values, vectors = torch.linalg.eigh(a.T.cov() + ridge)
    whiten = vectors / values.clamp(min=1e-12).sqrt()  # [d, d]: real ones have the identity as covariance
    shift = (b.mean(0) - a.mean(0)) @ whiten
    spread = torch.linalg.eigvalsh(whiten.T @ (b.T.cov() + ridge) @ whiten).clamp(min=0).sqrt()
    return (shift.square().sum() + (1 - spread).square().sum()) / a.shape[1]
