"""Augment: the adaptive augmentation of a discriminator's pictures (ADA, Karras et al. 2020, arXiv
2006.06676) and its controller.

Every transformation is drawn for each picture, with probability `p` times its own weight. All of it is
differentiable twice with respect to the picture, so that R1 goes through it. The buffers carry the names of
the published `augment_pipe`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .layers import full

GROUPS = {  # letter of a pipe's name -> its transformations
    "b": ("flip", "quarter", "integer"),
    "g": ("scale", "rotate", "stretch", "fraction"),
    "c": ("brightness", "contrast", "luma", "hue", "saturation"),
    "f": ("bands",),
    "n": ("noise",),
    "x": ("cutout",),
}
PIPES = {
    "none": "",
    "blit": "b",
    "geom": "g",
    "color": "c",
    "filter": "f",
    "noise": "n",
    "cutout": "x",
    "bg": "bg",
    "bgc": "bgc",
    "bgcf": "bgcf",
} | {
    "bgcfn": "bgcfn",
    "bgcfnc": "bgcfnx",
}
SHIFT = 0.125  # of the side: largest whole-pixel shift, and sigma of the fractional one
SCALE, STRETCH, BRIGHTNESS, CONTRAST, SATURATION, BAND, NOISE = (
    0.2,
    0.2,
    0.2,
    0.5,
    1.0,
    1.0,
    0.1,
)  # sigmas; in octaves but for brightness, noise
CUTOUT = 0.5  # side of the hole, of the picture's
POWER = (10 / 13, 1 / 13, 1 / 13, 1 / 13)  # of natural pictures in the four bands
SYM2 = (
    -0.12940952255092145,
    0.22414386804185735,
    0.836516303737469,
    0.48296291314469025,
)  # wavelets' low passes
SYM6 = (
    *(
        0.015404109327027373,
        0.0034907120842174702,
        -0.11799011114819057,
        -0.048311742585633,
        0.4910559419267466,
        0.787641141030194,
    ),
    *(
        0.3379294217276218,
        -0.07263752278646252,
        -0.021060292512300564,
        0.04472490177066578,
        0.0017677118642428036,
        -0.007800708325034148,
    ),
)


class Augment(nn.Module):
    """Pictures `[N, 3, H, W]` -> the same, augmented by a `pipe` of PIPES with probability `p`, which `adapt`
    moves."""

    def __init__(self, pipe: str = "bgc") -> None:
        super().__init__()
        self.names = {name for letter in PIPES[pipe] for name in GROUPS[letter]}
        self.p: Tensor
        self.Hz_geom: Tensor
        self.Hz_fbank: Tensor
        self.register_buffer("p", torch.zeros(()))
        self.register_buffer("Hz_geom", torch.tensor(SYM6) / sum(SYM6))
        self.register_buffer("Hz_fbank", torch.from_numpy(_bands()))

    @torch.no_grad()
    def adapt(self, sign: Tensor, target: float, step: float) -> None:
        """Move `p` by `step` so that the mean `sign` of D(real) comes to `target`: up where D is too sure."""
        self.p.add_((sign - target).sign() * step).clamp_(0, 1)

    def forward(self, x: Tensor, percentile: float | None = None) -> Tensor:
        """`percentile` replaces every draw by that quantile of it, for comparison with other
        implementations."""
        with full(x):
            return self._augment(x.float(), percentile) if self.names else x

    def _augment(self, x: Tensor, percentile: float | None) -> Tensor:
        draw = Draw(len(x), x.device, self.p, self.names, percentile)
        # the picture's own matrix is inverted: where each output pixel looks
        geometry = torch.eye(3, device=x.device).repeat(len(x), 1, 1)
        moved = False
        for matrix in _geometry(draw, *x.shape[2:]):
            geometry, moved = geometry @ matrix, True
        if moved:
            x = self._warp(x, geometry)
        colour = torch.eye(4, device=x.device).repeat(len(x), 1, 1)
        coloured = False
        for matrix in _colour(draw):
            colour, coloured = matrix @ colour, True
        if coloured:
            x = (colour[:, :3, :3] @ x.flatten(2) + colour[:, :3, 3:]).view_as(x)
        if "bands" in self.names:
            x = self._filter(x, draw)
        if "noise" in self.names:
            sigma = NOISE * draw.gate(
                "noise", draw.normal().abs() if percentile is None else torch.erfinv(draw.uniform()), 0
            )
            x = x + torch.randn_like(x) * sigma[:, None, None, None]
        return _cut(x, draw) if "cutout" in self.names else x

    def _warp(self, x: Tensor, matrix: Tensor) -> Tensor:
        """Look up at twice the resolution, between two low passes: no aliasing. Beyond the border the picture
        is reflected."""
        n, _, height, width = x.shape
        taps = len(self.Hz_geom)
        slack = taps // 4  # output pixels that the second low pass eats on each side
        half = torch.tensor([width - 1, height - 1], device=x.device) / 2
        corners = torch.tensor([[-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]], device=x.device) * F.pad(
            half, (0, 1), value=1
        )
        reach = (matrix @ corners.T)[:, :2].transpose(0, 1).flatten(1)  # [2, 4 N]
        margin = torch.cat([-reach, reach]).amax(1) + (2 * slack - half).repeat(2)
        margin = torch.minimum(margin.clamp(min=0), 2 * half.repeat(2)).ceil()
        left, top, right, bottom = map(int, margin.tolist())
        x = F.pad(x, (left, right, top, bottom), mode="reflect")
        f = self.Hz_geom * 2
        x = _along(x, f, 2, F.conv_transpose2d, stride=2, padding=taps // 2 - 1)
        x = _along(x, f, 3, F.conv_transpose2d, stride=2, padding=taps // 2 - 1)
        # pixels about the centre of the first picture -> of this one, then from -1..1 to -1..1
        matrix = (
            _translate(
                torch.tensor([(left - right) / 2], device=x.device),
                torch.tensor([(top - bottom) / 2], device=x.device),
            )
            @ matrix
        )
        shift = torch.full((1,), 0.5, device=x.device)
        matrix = (
            _translate(-shift, -shift)
            @ _stretch(4 * shift, 4 * shift)
            @ matrix
            @ _stretch(shift, shift)
            @ _translate(shift, shift)
        )
        wide, high = 2 * (width + 2 * slack), 2 * (height + 2 * slack)
        ends = torch.tensor([2 / x.shape[3], 2 / x.shape[2], wide / 2, high / 2], device=x.device).view(4, 1)
        matrix = _stretch(ends[0], ends[1]) @ matrix @ _stretch(ends[2], ends[3])
        grid = F.affine_grid(matrix[:, :2], [n, 3, high, wide], align_corners=False)
        x = Sample.apply(x, grid)[..., 1:-1, 1:-1]
        return _along(_along(x, self.Hz_geom, 2, F.conv2d, stride=2), self.Hz_geom, 3, F.conv2d, stride=2)

    def _filter(self, x: Tensor, draw: Draw) -> Tensor:
        """Louder and quieter frequency bands, at the same power for a natural picture."""
        n, c, height, width = x.shape
        power, gains = torch.tensor(POWER, device=x.device), torch.ones(n, len(POWER), device=x.device)
        for i in range(len(POWER)):
            band = torch.ones_like(gains)
            band[:, i] = draw.gate("bands", torch.exp2(draw.normal() * BAND), 1)
            gains = gains * band / (power * band.square()).sum(1, keepdim=True).sqrt()
        taps = (gains @ self.Hz_fbank).repeat_interleave(c, 0)[:, None]  # [N C, 1, T]
        edge = taps.shape[-1] // 2
        x = F.pad(x.reshape(1, n * c, height, width), (edge, edge, edge, edge), mode="reflect")
        x = F.conv2d(F.conv2d(x, taps[:, :, None], groups=n * c), taps[..., None], groups=n * c)
        return x.view(n, c, height, width)


class Draw:
    """Random numbers, one for each of `n` pictures; or everywhere the same quantile."""

    def __init__(
        self, n: int, device: torch.device, p: Tensor, names: set[str], percentile: float | None
    ) -> None:
        self.n, self.device, self.p, self.names, self.percentile = n, device, p, names, percentile

    def uniform(self) -> Tensor:
        """In 0..1."""
        return (
            torch.rand(self.n, device=self.device)
            if self.percentile is None
            else torch.full((self.n,), self.percentile, device=self.device)
        )

    def normal(self) -> Tensor:
        # without the root of two that a normal quantile has: so published, and only of use in comparisons
        return (
            torch.randn(self.n, device=self.device)
            if self.percentile is None
            else torch.erfinv(self.uniform() * 2 - 1)
        )

    def gate(self, name: str, value: Tensor, neutral: float, p: Tensor | None = None) -> Tensor:
        """`value` with probability p where `name` is in the pipe, else what changes nothing."""
        hit = torch.rand(self.n, device=self.device) < (self.p if p is None else p)
        return torch.where(hit, value, torch.full_like(value, neutral))


def _geometry(draw: Draw, height: int, width: int) -> Iterator[Tensor]:
    """Inverse matrices `[N, 3, 3]`, the first one applied last."""
    one = torch.ones(draw.n, device=draw.device)
    if "flip" in draw.names:
        yield _stretch(1 - 2 * draw.gate("flip", (draw.uniform() * 2).floor(), 0), one)
    if "quarter" in draw.names:
        yield _rotate(math.pi / 2 * draw.gate("quarter", (draw.uniform() * 4).floor(), 0))
    if "integer" in draw.names:
        hit = draw.gate("integer", one, 0)
        x, y = ((draw.uniform() * 2 - 1) * SHIFT * hit for _ in "xy")
        yield _translate(-(x * width).round(), -(y * height).round())
    if "scale" in draw.names:
        s = torch.exp2(-SCALE * draw.gate("scale", draw.normal(), 0))
        yield _stretch(s, s)
    either = (
        1 - (1 - draw.p).clamp(0, 1).sqrt()
    )  # so that at least one of two turns happens with probability p
    if "rotate" in draw.names:
        yield _rotate(math.pi * draw.gate("rotate", draw.uniform() * 2 - 1, 0, either))
    if "stretch" in draw.names:
        s = torch.exp2(STRETCH * draw.gate("stretch", draw.normal(), 0))
        yield _stretch(1 / s, s)
    if "rotate" in draw.names:
        turn = (
            draw.uniform() * 2 - 1 if draw.percentile is None else torch.zeros_like(one)
        )  # one turn is enough to compare
        yield _rotate(math.pi * draw.gate("rotate", turn, 0, either))
    if "fraction" in draw.names:
        hit = draw.gate("fraction", one, 0)
        x, y = (draw.normal() * SHIFT * hit for _ in "xy")
        yield _translate(-x * width, -y * height)


def _colour(draw: Draw) -> Iterator[Tensor]:
    """Matrices `[N, 4, 4]` on (r, g, b, 1), the first one applied first."""
    eye = torch.eye(4, device=draw.device)
    v = torch.tensor([1.0, 1.0, 1.0, 0.0], device=draw.device) / math.sqrt(3)  # the grey axis
    luma = v.outer(v)

    def wide(a: Any) -> Any:
        return a[:, None, None]

    if "brightness" in draw.names:
        yield eye + wide(BRIGHTNESS * draw.gate("brightness", draw.normal(), 0) * math.sqrt(3)) * v.outer(
            eye[3]
        )
    if "contrast" in draw.names:
        gain = torch.exp2(CONTRAST * draw.gate("contrast", draw.normal(), 0))
        yield wide(gain) * (eye - eye[3].outer(eye[3])) + eye[3].outer(eye[3])
    if "luma" in draw.names:
        yield eye - 2 * luma * wide(draw.gate("luma", (draw.uniform() * 2).floor(), 0))
    if "hue" in draw.names:
        turn = math.pi * draw.gate("hue", draw.uniform() * 2 - 1, 0)
        a = 1 / math.sqrt(3)
        cross = torch.zeros(4, 4, device=draw.device)
        cross[:3, :3] = torch.tensor([[0, -a, a], [a, 0, -a], [-a, a, 0]], device=draw.device)
        rest = eye - luma - eye[3].outer(eye[3])  # of a colour, what is not grey
        yield eye - rest + wide(turn.cos()) * rest + wide(turn.sin()) * cross  # Rodrigues
    if "saturation" in draw.names:
        gain = torch.exp2(SATURATION * draw.gate("saturation", draw.normal(), 0))
        yield luma + wide(gain) * (eye - luma - eye[3].outer(eye[3])) + eye[3].outer(eye[3])


def _cut(x: Tensor, draw: Draw) -> Tensor:
    """A black square in the picture."""
    side = draw.gate("cutout", torch.full((draw.n,), CUTOUT, device=x.device), 0)[:, None]
    away = []
    for size in (x.shape[3], x.shape[2]):
        at = (torch.arange(size, device=x.device) + 0.5) / size
        away.append((at - draw.uniform()[:, None]).abs() >= side / 2)
    return x * (away[0][:, None, None, :] | away[1][:, None, :, None])


def _rows(*rows: tuple[Tensor | float, ...]) -> Tensor:
    """`[N, 3, 3]` of numbers and of `[N]`."""
    n = max(len(one) for row in rows for one in row if isinstance(one, Tensor))
    like = next(one for row in rows for one in row if isinstance(one, Tensor))
    cells = [
        one.expand(n) if isinstance(one, Tensor) else like.new_full((n,), one) for row in rows for one in row
    ]
    return torch.stack(cells, 1).view(n, 3, 3)


def _translate(x: Tensor, y: Tensor) -> Tensor:
    return _rows((1, 0, x), (0, 1, y), (0, 0, 1))


def _stretch(x: Tensor, y: Tensor) -> Tensor:
    return _rows((x, 0, 0), (0, y, 0), (0, 0, 1))


def _rotate(a: Tensor) -> Tensor:
    return _rows((a.cos(), -a.sin(), 0), (a.sin(), a.cos(), 0), (0, 0, 1))


def _along(x: Tensor, f: Tensor, axis: int, how: Any, **options: int) -> Tensor:
    """Every channel with the taps `f` along one axis; stride and padding are those of that axis alone."""
    shape = (len(f), 1) if axis == 2 else (1, len(f))
    both = {
        name: (value, 1 if name == "stride" else 0)[:: 1 if axis == 2 else -1]
        for name, value in options.items()
    }
    return how(x, f.to(x.dtype).view(1, 1, *shape).expand(x.shape[1], 1, *shape), groups=x.shape[1], **both)


def _bands() -> np.ndarray:
    """Four filters `[4, 43]` that add up to a lone 1, from the lowest band to the highest."""
    lo = np.array(SYM2)
    hi = lo * (-1.0) ** np.arange(len(lo))
    lo2, hi2 = (np.convolve(one, one[::-1]) / 2 for one in (lo, hi))
    bands = np.eye(4, 1)
    for i in range(1, 4):
        apart = np.zeros((4, 2 * bands.shape[1] - 1))
        apart[:, ::2] = bands
        bands = np.stack([np.convolve(row, lo2) for row in apart])
        start = (bands.shape[1] - len(hi2)) // 2
        bands[i, start : start + len(hi2)] += hi2
    return bands.astype(np.float32)


class Sample(torch.autograd.Function):
    """Bilinear look-up, zero outside, with a second derivative in the picture (torch has only the first);
    none in the grid."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, grid: Tensor) -> Tensor:
        ctx.save_for_backward(grid)
        ctx.shape = x.shape
        return F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return _Scatter.apply(grads[0], ctx.saved_tensors[0], ctx.shape), None


class _Scatter(torch.autograd.Function):
    """The transpose of `_Sample`."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, grid: Tensor, shape: Any) -> Tensor:
        ctx.save_for_backward(grid)
        blank = y.new_zeros(()).expand(shape)  # its values do not matter: look-up is linear
        return torch.ops.aten.grid_sampler_2d_backward(y, blank, grid, 0, 0, False, [True, False])[0]

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return Sample.apply(grads[0], ctx.saved_tensors[0]), None, None
