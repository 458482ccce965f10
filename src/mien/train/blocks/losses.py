"""Losses as functions."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from .layers import full


def masked_l1(a: Tensor, b: Tensor, weight: Tensor) -> Tensor:
    """Mean absolute difference where `weight [N, 1, H, W]` says."""
    return ((a - b).abs() * weight).sum() / (weight.sum() * a.shape[1] + 1e-6)


def gradient_l1(a: Tensor, b: Tensor, weight: Tensor) -> Tensor:
    """The same between horizontal and vertical gradients: edges as sharp as the target's."""
    dx = masked_l1(a[..., 1:] - a[..., :-1], b[..., 1:] - b[..., :-1], weight[..., 1:])
    dy = masked_l1(a[..., 1:, :] - a[..., :-1, :], b[..., 1:, :] - b[..., :-1, :], weight[..., 1:, :])
    return dx + dy


def hinge_d(real: Tensor, fake: Tensor) -> Tensor:
    """The discriminator's hinge loss (Lim and Ye 2017, arXiv 1705.02894)."""
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def r1(logits: Tensor, real: Tensor) -> Tensor:
    """Squared gradient of D at real pictures `[N]` (Mescheder et al. 2018, arXiv 1801.04406); weighs gamma /
    2."""
    with full(real):
        (grad,) = torch.autograd.grad(logits.float().sum(), real, create_graph=True)
    return grad.square().sum((1, 2, 3))


def ssim(a: Tensor, b: Tensor, sigma: float = 1.5) -> Tensor:
    """How alike the structure of two pictures `[N, C, H, W]` in 0..1 is at each place, `[N, C, H, W]` up to 1 (Wang et
    al. 2004)."""
    reach = torch.arange(-5, 6, device=a.device, dtype=a.dtype)
    bell = torch.exp(-reach.square() / (2 * sigma**2))
    bell = (bell / bell.sum()).expand(a.shape[1], 1, 1, -1)

    def mean(x: Tensor) -> Tensor:
        x = F.conv2d(F.pad(x, (5, 5, 0, 0), mode="replicate"), bell, groups=a.shape[1])
        return F.conv2d(F.pad(x, (0, 0, 5, 5), mode="replicate"), bell.mT, groups=a.shape[1])

    m, n = mean(a), mean(b)
    spread, cross = mean(a * a) - m * m + mean(b * b) - n * n, mean(a * b) - m * n
    return (2 * m * n + 1e-4) * (2 * cross + 9e-4) / ((m * m + n * n + 1e-4) * (spread + 9e-4))
