"""The few blocks that every family spells the same."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions added to their input; starts as the identity (He et al. 2016, arXiv
    1603.05027)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.conv1.weight)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv1(F.silu(self.conv0(F.silu(x))))


class Attention(nn.Module):
    """What is like a place elsewhere in the picture, added to it by a gain that begins at 0 (Zhang et al. 2018, arXiv
    1805.08318). normed: what a convolution is put through, as a spectral norm."""

    def __init__(self, channels: int, normed: Callable[[nn.Conv2d], nn.Conv2d] = lambda conv: conv) -> None:
        super().__init__()
        self.f, self.g = (normed(nn.Conv2d(channels, max(channels // 8, 1), 1)) for _ in "fg")
        self.h = normed(nn.Conv2d(channels, channels, 1))
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        f, g, h = (layer(x).flatten(2).mT for layer in (self.f, self.g, self.h))  # [N, HW, c]
        more = h.shape[2] - f.shape[2]
        # as wide as h, for which torch has a kernel that holds no [N, HW, HW]
        f, g = F.pad(f, (0, more)), F.pad(g, (0, more))
        g, f, h = (one.contiguous()[:, None] for one in (g, f, h))
        return x + self.gamma * F.scaled_dot_product_attention(g, f, h, scale=1.0)[:, 0].mT.reshape(x.shape)


def warp(image: Tensor, flow: Tensor) -> Tensor:
    """`image [N, C, H, W]` looked up at p + flow; flow `[N, 2, H, W]` in pixels."""
    height, width = image.shape[2:]
    y, x = torch.meshgrid(
        torch.arange(height, device=image.device), torch.arange(width, device=image.device), indexing="ij"
    )
    grid = torch.stack([(x + flow[:, 0] + 0.5) * 2 / width - 1, (y + flow[:, 1] + 0.5) * 2 / height - 1], -1)
    grid = torch.nan_to_num(grid).clamp(
        -3, 3
    )  # backward through a NaN or a huge number here ends the process on a CPU
    return F.grid_sample(image, grid, mode="bilinear", padding_mode="border", align_corners=False)


def full(x: Tensor) -> AbstractContextManager[Any]:
    """Where 16 bits are not enough, also under autocast."""
    kind = x.device.type
    return torch.autocast(kind, enabled=False) if torch.is_autocast_enabled(kind) else nullcontext()


class UNet(nn.Module):
    """Features `[N, widths[0], H, W]` through residual blocks at halved and halved sizes and back
    (Ronneberger et al. 2015, arXiv 1505.04597); skips are added. H and W are multiples of 2 ** (len(widths) -
    1)."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.down, self.enc = nn.ModuleList(), nn.ModuleList()
        self.up, self.dec = nn.ModuleList(), nn.ModuleList()
        for i, width in enumerate(widths):
            self.enc.append(ResidualBlock(width))
            if i + 1 < len(widths):
                self.down.append(nn.Conv2d(width, widths[i + 1], 4, stride=2, padding=1))
                self.up.append(nn.Conv2d(widths[i + 1], width, 1))
                self.dec.append(ResidualBlock(width))
        self.middle = ResidualBlock(widths[-1])

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for i, block in enumerate(self.enc):
            x = block(x)
            if i < len(self.down):
                skips.append(x)
                x = self.down[i](x)
        x = self.middle(x)
        for i in reversed(range(len(self.up))):
            x = self.dec[i](skips[i] + self.up[i](F.interpolate(x, scale_factor=2.0, mode="bilinear")))
        return x
