"""What the collage is computed with: pictures from codes, the tone of skin, light, bands, warps. Pictures are luma
and chroma (YCrCb) in 0..255, torch tensors `[N, C, H, W]`."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from .layout import SIZE

DARK = 10.0  # added to luma before ratios are taken
BRIGHT = 0.36  # log luma over the skin's: shine is bent towards this
FULL = 13.0  # chroma beside the skin's is bent towards this: lips stay lips
BANDS = 4
COARSE = SIZE // 4  # tones are computed at this size


def decode(codes: Tensor, share: Tensor, flipped: Tensor, basis: Tensor, odd: Tensor) -> Tensor:
    """A picture `[N, 1, 8n, 8n]` from int8 codes `[N, T, n n, k]` of T pictures, mixed by `share [N, T]`: blocks of
    8 x 8 of a cosine transform, as in JPEG. Where `flipped [N, T]`, of the mirror image: odd waves change sign."""
    side = int(codes.shape[2] ** 0.5)
    codes = codes.float().unflatten(2, (side, side))
    weight, other = ((share * one)[..., None, None, None] for one in (~flipped, flipped))
    mixed = (codes * weight).sum(1) + (codes * other).sum(1).flip(2) * odd  # [N, n, n, k]
    blocks = (mixed @ basis).unflatten(3, (8, 8))  # [N, n, n, 8, 8]
    return blocks.permute(0, 1, 3, 2, 4).reshape(-1, 1, 8 * side, 8 * side) + 128


def skin_tone(picture: Tensor, skin: Tensor) -> Tensor:
    """The skin's own tone and light, as if there were no eyes, brows and lips: a blur over 16 pixels of what is
    skin, `skin [64, 64]`."""
    weight = skin[None, None] + 1e-4
    known = _blurred(F.avg_pool2d(picture, 4) * weight) / (_blurred(weight) + 1e-6)
    return F.interpolate(known, scale_factor=4.0, mode="bilinear")


def _blurred(picture: Tensor) -> Tensor:
    bell = torch.exp(-0.5 * (torch.arange(-12, 13) / 4.0) ** 2)
    bell = (bell / bell.sum()).view(1, 1, 1, 25)
    planes = picture.reshape(-1, 1, COARSE, COARSE)
    planes = F.conv2d(F.conv2d(planes, bell, padding=(0, 12)), bell.view(1, 1, 25, 1), padding=(12, 0))
    return planes.reshape(picture.shape)


def relit(picture: Tensor, tone: Tensor, skin: Tensor) -> Tensor:
    """A picture whose skin has the tone of another's: luma as a ratio, chroma as a difference that is less in the
    dark."""
    own = skin_tone(picture, skin)
    ratio = torch.log((picture[:, :1].clamp(min=0) + DARK) / (own[:, :1] + DARK))
    ratio = torch.where(ratio > 0, BRIGHT * torch.tanh(ratio / BRIGHT), ratio)
    luma = torch.exp(ratio) * (tone[:, :1] + DARK) - DARK
    apart = (picture[:, 1:] - own[:, 1:]) * ((tone[:, :1] + DARK) / (own[:, :1] + DARK)).clamp(0.5, 1.25)
    return torch.cat([luma, tone[:, 1:] + FULL * torch.tanh(apart / FULL)], 1)


def blend(base: Tensor, donors: list[Tensor], masks: list[Tensor]) -> Tensor:
    """Donors over a base where masks `[N, 1, H, W]` say, each band of detail over its own width."""
    pictures = [_pyramid(one) for one in (base, *donors)]
    shares = [_pyramid(one) for one in masks]
    out = torch.zeros(())
    for k in range(BANDS, -1, -1):
        bands = [one[k] - (_enlarged(one[k + 1]) if k < BANDS else 0) for one in pictures]
        joined = bands[0]
        for band, share in zip(bands[1:], shares, strict=True):
            joined = joined + share[k] * (band - joined)
        out = joined + (_enlarged(out) if k < BANDS else 0)
    return out


def _pyramid(picture: Tensor) -> list[Tensor]:
    row = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
    kernel = torch.outer(row, row)[None, None]
    out = [picture]
    for _ in range(BANDS):
        planes = F.pad(out[-1].flatten(0, 1)[:, None], (2, 2, 2, 2), mode="reflect")
        out.append(
            F.conv2d(planes, kernel, stride=2).reshape(
                -1, picture.shape[1], *(side // 2 for side in out[-1].shape[2:])
            )
        )
    return out


def _enlarged(picture: Tensor) -> Tensor:
    return F.interpolate(picture, scale_factor=2.0, mode="bilinear")


def displacement(points: Tensor, near: Tensor, weights: Tensor) -> Tensor:
    """How the layout moves where its mesh points move by `points [N, 468, 2]` and its border stays: `[N, 2, 128,
    128]`, from the three points `near [128, 128, 3]` each place, by `weights`."""
    still = torch.cat([points, torch.zeros_like(points[:, :12])], 1)
    corners = still.index_select(1, near.flatten().int()).unflatten(1, near.shape)  # [N, 128, 128, 3, 2]
    return (corners * weights[..., None]).sum(3).permute(0, 3, 1, 2)


def flow_of(moved: Tensor) -> Tensor:
    """Where each pixel of the picture looks in the layout, for `grid_sample`: `[N, 256, 256, 2]`.

    Each place of the layout, on a grid of half pixels, carries its displacement to where it goes, and a pixel looks
    back by the mean of what arrives. Iterating for the inverse would not do: lips that close meet.
    """
    fine = F.interpolate(moved, scale_factor=4.0, mode="bilinear")  # [N, 2, 512, 512]
    place = (torch.arange(2 * SIZE) + 0.5) * 0.5 - 0.5
    x = (fine[:, 0] + place).round().clamp(0, SIZE - 1)
    y = (fine[:, 1] + place[:, None]).round().clamp(0, SIZE - 1)
    to = (y * SIZE + x).long().flatten(1)[:, None].expand(-1, 3, -1)
    carried = torch.cat([-fine, torch.ones_like(fine[:, :1])], 1).flatten(2)
    sums = (
        torch.zeros_like(carried[:, :, : SIZE * SIZE]).scatter_add(2, to, carried).unflatten(2, (SIZE, SIZE))
    )
    near = F.avg_pool2d(sums, 2)
    far = F.avg_pool2d(near, 4)
    near, far = (
        F.interpolate(near, scale_factor=2.0, mode="bilinear"),
        F.interpolate(far, scale_factor=8.0, mode="bilinear"),
    )
    back = torch.where(near[:, 2:] > 0.1, _mean(near), _mean(far))
    back = torch.where(sums[:, 2:] > 0.5, _mean(sums), back)
    at = torch.arange(SIZE) + 0.5
    return torch.stack([(back[:, 0] + at), (back[:, 1] + at[:, None])], 3) * (2 / SIZE) - 1


def _mean(sums: Tensor) -> Tensor:
    return sums[:, :2] / sums[:, 2:].clamp(min=1e-4)


def to_ycc(pixels: Tensor) -> Tensor:
    """RGB in 0..255 as luma and chroma, chroma about 0... 255 with 128 for grey."""
    r, g, b = pixels.split(1, 1)
    y = 0.299 * r + 0.587 * g + 0.114 * b
    return torch.cat([y, (r - y) * 0.713 + 128, (b - y) * 0.564 + 128], 1)


def to_rgb(picture: Tensor) -> Tensor:
    """Luma and chroma as RGB in 0..255."""
    y, cr, cb = picture[:, :1], picture[:, 1:2] - 128, picture[:, 2:] - 128
    return torch.cat([y + 1.403 * cr, y - 0.714 * cr - 0.344 * cb, y + 1.773 * cb], 1).clamp(0, 255)
