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
