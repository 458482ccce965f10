"""StyleGAN2: faces from noise, trained from few pictures with ADA.

Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN" (arXiv 1912.04958) and "Training
Generative Adversarial Networks with Limited Data" (arXiv 2006.06676). The state dicts have the names and
shapes of the published ones. Written with plain torch operations: filters are ordinary convolutions, and
styles scale activations, not weights, so that nothing depends on the batch.
"""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...models.card import Card
from ..blocks.augment import PIPES, Augment
from ..blocks.frechet import distance, small
from ..blocks.layers import full
from ..blocks.losses import r1
from ..data.loader import Loader, tensors
from ..data.pictures import Pictures
from ..engine.accumulate import MicroBatches
from ..engine.part import Part

SQRT2 = math.sqrt(2)
ARCHITECTURES = ("skip", "resnet", "orig")
# of Config, by a network's weights
FIXED = ("size", "z", "w", "classes", "layers", "base", "widest", "synthesis", "critic", "clamp")


@dataclass(frozen=True)
class Config:
    """Knobs of the StyleGAN2 family; the values here are the paper's at 256 px."""

    size: int = 256  # side of the pictures, a power of two
    z: int = 512  # numbers of noise that a face is made of
    w: int = 512  # numbers of a style
    classes: int = 0  # named in dataset.json beside the pictures; 0: all pictures are of one kind
    layers: int = 8  # of the mapping
    base: int = 16384  # channels at resolution r are base / r,
    widest: int = 512  # but at most this
    synthesis: str = "skip"  # architecture of G
    critic: str = "resnet"  # architecture of D
    half: int = 4  # so many of the highest resolutions may run in 16 bits, on a GPU
    clamp: float = 256.0  # of activations, so that 16 bits hold them; 0: none
    group: int = 8  # pictures that D compares with each other for its last map
    batch: int = 64
    steps: int = 390_625
    lr: float = 0.0025
    r1: float = 1.0  # weight of D's gradient penalty, gamma
    r1_every: int = 16
    path: float = 2.0  # weight of G's path lengths; 0: none
    path_every: int = 4
    path_shrink: int = 2  # the batch for path lengths is so many times smaller
    mixing: float = 0.9  # share of the batches in which two styles are mixed
    ema_images: int = 20_000  # the average forgets half of itself over so many pictures,
    ema_ramp: float = 0.0  # but over at most this share of those seen so far; 0: no ramp
    pipe: str = "bgc"  # augmentations, of augment.PIPES
    # mean sign of D(real) that the augmentation's strength is steered to; 0: strength stays at ada_start
    ada_target: float = 0.6
    ada_images: int = 500_000  # the strength goes from 0 to 1 in so many pictures at the fastest
    ada_start: float = 0.0
    mirror: float = 0.5  # share of the pictures that are shown mirrored
    freeze: int = 0  # so many of D's first layers are not trained (Freeze-D, for training from other weights)
    judged: int = 512  # faces made for the held-out score

    def __post_init__(self) -> None:
        if self.size < 8 or self.size & (self.size - 1):
            raise ValueError(f"size {self.size} must be a power of two, at least 8")
        if self.synthesis not in ARCHITECTURES or self.critic not in ARCHITECTURES:
            raise ValueError(f"synthesis and critic are one of {', '.join(ARCHITECTURES)}")
        if self.pipe not in PIPES:
            raise ValueError(f"there is no pipe {self.pipe!r}: there are {', '.join(PIPES)}")
        if self.batch % self.group or self.batch % self.path_shrink:
            raise ValueError(
                f"batch {self.batch} must be a multiple of group {self.group} and of path_shrink {self.path_shrink}"
            )


LARGE = Config(size=1024, base=32768, batch=32, group=4, lr=0.002, r1=2.0, ema_images=10_000, steps=781_250)
SMALL = Config(
    size=64,
    z=128,
    w=128,
    layers=2,
    base=2048,
    widest=128,
    group=4,
    batch=8,
    r1=0.1,
    ema_ramp=0.05,
    judged=256,
)
PRESETS = {
    "tiny": replace(
        SMALL,
        size=32,
        z=16,
        w=16,
        base=256,
        widest=16,
        group=2,
        batch=4,
        path_every=1,
        r1_every=1,
        judged=8,
        steps=2,
    ),
    "cpu": replace(SMALL, ema_images=5_000, ada_images=100_000, steps=20_000),
    "default": Config(
        size=128, layers=2, group=4, r1=0.2, ema_images=10_000, ema_ramp=0.05, ada_images=100_000, steps=5_000
    ),
    "paper256": Config(),
    "paper512": Config(size=512, base=32768, r1=0.5),
    "paper1024": LARGE,
    "stylegan2": replace(LARGE, r1=10.0, pipe="none"),
    "cifar": replace(
        Config(
            size=32,
            base=32768,
            layers=2,
            critic="orig",
            group=32,
            r1=0.01,
            path=0.0,
            mixing=0.0,
            ema_images=500_000,
        ),
        ema_ramp=0.05,
        steps=1_562_500,
    ),
}


@dataclass(frozen=True, eq=False)
class Batch:
    """Pictures `real [N, 3, S, S]` in [-1, 1] and their classes `label [N, C]`, one-hot."""

    real: Tensor
    label: Tensor


# --- Layers. Weights are stored as N(0, 1) and scaled when they are used: the equalised learning rate.


def activate(x: Tensor, clamp: float | None = None) -> Tensor:
    """Leaky ReLU. The factor SQRT2 that keeps the variance is in the weights before it already, which saves a
    pass."""
    x = F.leaky_relu(x, 0.2)
    return x if clamp is None else x.clamp(-clamp, clamp)


def binomial() -> Tensor:
    """The low pass of every change of resolution: `[4, 4]`, sums to 1, symmetric."""
    f = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    return f.outer(f)


def depthwise(x: Tensor, f: Tensor) -> Tensor:
    """The filter `[4, 4]` for each channel of `x`."""
    return f.to(x.dtype).expand(x.shape[1], 1, *f.shape)


def double(x: Tensor, f: Tensor) -> Tensor:
    """Twice the resolution: zeros between the pixels, then the low pass. In the precision of `x`."""
    with full(x):
        return F.conv_transpose2d(x, depthwise(x, f * 4), stride=2, padding=1, groups=x.shape[1])


def halve(x: Tensor, f: Tensor) -> Tensor:
    """Half the resolution: the low pass, then every second pixel. In the precision of `x`."""
    with full(x):
        return F.conv2d(x, depthwise(x, f), stride=2, padding=1, groups=x.shape[1])


class Linear(nn.Module):
    """A fully connected layer; `rate` is its learning rate, of the optimiser's. Always in 32 bits."""

    def __init__(
        self, inputs: int, outputs: int, *, rate: float = 1.0, bias: float = 0.0, act: bool = False
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.full((outputs,), bias))
        self.gain, self.rate, self.act = rate / math.sqrt(inputs), rate, act

    def forward(self, x: Tensor) -> Tensor:
        gain = SQRT2 if self.act else 1.0
        with full(x):
            x = F.linear(x.float(), self.weight * (self.gain * gain), self.bias * (self.rate * gain))
            return activate(x) if self.act else x


class Conv(nn.Module):
    """A convolution, `down` or `up` by two or neither."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        down: bool = False,
        up: bool = False,
        bias: bool = True,
        act: bool = True,
        clamp: float | None,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.resample_filter: Tensor
        self.register_buffer("resample_filter", binomial())
        self.gain, self.pad, self.down, self.up, self.act = (
            1 / math.sqrt(inputs * kernel**2),
            kernel // 2,
            down,
            up,
            act,
        )
        self.clamp = clamp

    def forward(self, x: Tensor, gain: float = 1.0) -> Tensor:
        clamp, gain = self.clamp and self.clamp * gain, gain * SQRT2 if self.act else gain
        weight = self.weight * (self.gain * gain)
        bias = None if self.bias is None else (self.bias * gain).to(x.dtype)
        if self.down and self.pad:
            x = F.conv2d(x, depthwise(x, self.resample_filter), padding=2, groups=x.shape[1])
            x = F.conv2d(x, weight, bias, stride=2)
        else:
            x = F.conv2d(halve(x, self.resample_filter) if self.down else x, weight, bias, padding=self.pad)
        x = double(x, self.resample_filter) if self.up else x  # only 1x1 kernels: the order does not matter
        return activate(x, clamp) if self.act else x


def modulate(
    x: Tensor, W: Tensor, s: Tensor, *, gain: float = 1.0, up: Tensor | None = None, fused: bool = False
) -> Tensor:
    """Convolve `x [N, I, H, W]` with the kernels `W [O, I, k, k]` scaled by styles `s [N, I]`; `up` is the
    low pass for twice the size.

    Every output is demodulated to the variance that the paper assumes, times `gain`. fused: scale the weights
    of each picture and convolve in groups; else scale what goes in and what comes out. Both are the same to
    rounding, and only the second needs no weights for each picture.
    """
    n, pad = x.shape[0], W.shape[-1] // 2  # len() would freeze the batch in an export
    with full(x):
        d = (s.square() @ torch.linalg.vector_norm(W, dim=(2, 3)).square().T + 1e-8).rsqrt() * gain  # [N, O]
    if fused:
        W = (W * s[:, None, :, None, None] * d[:, :, None, None, None]).flatten(0, 1)  # [N * O, I, k, k]
        x, groups = x.reshape(1, -1, *x.shape[2:]), n
    else:
        x, groups = x * s.to(x.dtype)[:, :, None, None], 1
    if up is None:
        x = F.conv2d(x, W, padding=pad, groups=groups)
    elif torch.compiler.is_exporting() and not fused:
        x = F.pad(interleaved(x, W), (1, 0, 1, 0))
        x = F.conv2d(x, depthwise(x, up * 4), groups=x.shape[1])
    else:
        W = W.unflatten(0, (groups, -1)).transpose(1, 2).flatten(0, 1)
        x = F.conv_transpose2d(x, W, stride=2, groups=groups)  # [., ., 2H + 1, 2W + 1]
        x = F.conv2d(x, depthwise(x, up * 4), padding=1, groups=x.shape[1])
    return x.view(n, -1, *x.shape[2:]) if fused else x * d.to(x.dtype)[:, :, None, None]


def interleaved(x: Tensor, W: Tensor) -> Tensor:
    """`x [N, I, H, W]` transposed by the kernels `W [O, I, 3, 3]` with stride 2, and a row and a column of
    zeros: `[N, O, 2H + 2, 2W + 2]`.

    Even and odd rows and columns are convolutions of their own here: in ONNX Runtime, unlike in torch, that
    is faster.
    """
    W = W.flip(2, 3)
    rows = W[:, :, ::2], W[:, :, 1::2]
    parts = [F.conv2d(F.pad(x, (1 - c, 1, 1 - r, 1)), rows[r][..., c::2]) for r in (0, 1) for c in (0, 1)]
    n, o, height, width = parts[0].shape
    x = torch.stack(parts, 2).reshape(n, 2 * o, 2, -1).transpose(2, 3)
    return x.reshape(n, o, 2, height, 2 * width).transpose(2, 3).reshape(n, o, 2 * height, 2 * width)


class StyleConv(nn.Module):
    """A modulated convolution, noise, bias and activation; `up`: to twice the resolution, of which `size` is
    the result."""

    def __init__(
        self, inputs: int, outputs: int, w: int, size: int, *, up: bool, clamp: float | None
    ) -> None:
        super().__init__()
        self.up, self.clamp = up, clamp
        self.affine = Linear(w, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.noise_strength = nn.Parameter(torch.zeros(()))
        self.resample_filter: Tensor
        self.noise_const: Tensor
        self.register_buffer("resample_filter", binomial())
        self.register_buffer("noise_const", torch.randn(size, size))

    def forward(self, x: Tensor, w: Tensor, noise: str, gain: float = 1.0) -> Tensor:
        """noise: "random" for each picture, "const" as stored, "none"."""
        clamp, gain = self.clamp and self.clamp * gain, gain * SQRT2
        x = modulate(x, self.weight, self.affine(w), gain=gain, up=self.resample_filter if self.up else None)
        strength = self.noise_strength * gain
        if noise == "random":
            x = x + torch.randn_like(x[:, :1]) * strength.to(x.dtype)
        elif noise == "const":
            x = x + (self.noise_const * strength).to(x.dtype)
        return activate(x + (self.bias * gain).to(x.dtype)[:, None, None], clamp)


class ToRGB(nn.Module):
    """Features to colours: a modulated 1x1 convolution, without demodulation."""

    def __init__(self, inputs: int, w: int, clamp: float | None) -> None:
        super().__init__()
        self.affine = Linear(w, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(3, inputs, 1, 1))
        self.bias = nn.Parameter(torch.zeros(3))
        self.gain, self.clamp = 1 / math.sqrt(inputs), clamp

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        W = (
            self.weight[:, :, 0, 0] * (self.affine(w) * self.gain)[:, None]
        )  # [N, 3, C]: so few that a product for each is cheapest
        y = (W.to(x.dtype) @ x.flatten(2)).unflatten(2, x.shape[2:]).float() + self.bias[:, None, None]
        return y if self.clamp is None else y.clamp(-self.clamp, self.clamp)


# --- G


class Mapping(nn.Module):
    """z `[N, Z]` and label `[N, C]` -> w `[N, W]`. In D there is no z, and no average is kept."""

    def __init__(self, z: int, classes: int, w: int, layers: int, *, average: bool = True) -> None:
        super().__init__()
        self.layers = layers
        if classes:
            self.embed = Linear(classes, w)
        for i in range(layers):
            self.add_module(
                f"fc{i}", Linear((z + w if classes else z) if i == 0 else w, w, rate=0.01, act=True)
            )
        self.z, self.classes = z, classes
        if average:
            self.w_avg: Tensor
            self.register_buffer("w_avg", torch.zeros(w))

    def forward(self, z: Tensor | None, label: Tensor | None = None) -> Tensor:
        parts = [z] if self.z and z is not None else []
        if self.classes:
            if label is None:
                raise ValueError("this network knows classes: give it a label")
            parts.append(self.embed(label))
        x = torch.cat(
            [one.float() * (one.float().square().mean(1, keepdim=True) + 1e-8).rsqrt() for one in parts], 1
        )
        for i in range(self.layers):
            x = getattr(self, f"fc{i}")(x)
        return x  # [N, W]

    @torch.no_grad()
    def track(self, mean: Tensor) -> None:
        """Move the average w towards the mean `[W]` of a batch."""
        self.w_avg.lerp_(mean, 0.005)

    def truncate(self, ws: Tensor, psi: float, cutoff: int | None = None) -> Tensor:
        """Draw the first `cutoff` layers of ws `[N, L, W]`, or all, towards the average: less variety, fewer
        failures."""
        near = torch.lerp(self.w_avg, ws, psi)
        return near if cutoff is None else torch.cat([near[:, :cutoff], ws[:, cutoff:]], 1)


class SynthesisBlock(nn.Module):
    """One resolution of G."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        w: int,
        size: int,
        *,
        last: bool,
        architecture: str,
        clamp: float | None,
    ) -> None:
        super().__init__()
        self.resample_filter: Tensor
        self.register_buffer("resample_filter", binomial())
        if inputs:
            self.conv0 = StyleConv(inputs, outputs, w, size, up=True, clamp=clamp)
        else:
            self.const = nn.Parameter(torch.randn(outputs, size, size))
        self.conv1 = StyleConv(outputs, outputs, w, size, up=False, clamp=clamp)
        self.torgb = ToRGB(outputs, w, clamp) if last or architecture == "skip" else None
        self.skip = (
            Conv(inputs, outputs, 1, up=True, bias=False, act=False, clamp=None)
            if inputs and architecture == "resnet"
            else None
        )
        self.convs = 2 if inputs else 1

    def forward(self, x: Any, img: Tensor | None, ws: Tensor, noise: str) -> tuple[Tensor, Tensor | None]:
        """x, img: what the block before made, or none; ws `[N, convs + 1, W]`: the last one colours, and is
        the next block's first."""
        if x is None:
            x = self.const[None].contiguous(
                memory_format=torch.channels_last
            )  # and so all that follows: faster on a CPU
            x = self.conv1(x.expand(ws.shape[0], -1, -1, -1), ws[:, 0], noise)
        elif self.skip is None:
            x = self.conv1(self.conv0(x, ws[:, 0], noise), ws[:, 1], noise)
        else:
            y = self.skip(x, math.sqrt(0.5))
            x = self.conv1(self.conv0(x, ws[:, 0], noise), ws[:, 1], noise, math.sqrt(0.5)) + y
        if img is not None:
            img = double(img, self.resample_filter)
        if self.torgb is not None:
            y = self.torgb(x, ws[:, self.convs])
            img = y if img is None else img + y
        return x, img


class Synthesis(nn.Module):
    """ws `[N, L, W]` -> pictures `[N, 3, S, S]`, about [-1, 1]."""

    def __init__(
        self, w: int, size: int, base: int, widest: int, architecture: str, clamp: float | None, half: int
    ) -> None:
        super().__init__()
        self.sizes = [2**i for i in range(2, size.bit_length())]
        self.half_from = max(size >> (half - 1), 8) if half else 2 * size
        inputs = 0
        for one in self.sizes:
            outputs = min(base // one, widest)
            block = SynthesisBlock(
                inputs, outputs, w, one, last=one == size, architecture=architecture, clamp=clamp
            )
            self.add_module(f"b{one}", block)
            inputs = outputs
        self.num_ws = 2 * len(self.sizes)

    def forward(self, ws: Tensor, noise: str = "random") -> Tensor:
        x = img = None
        first = 0
        for size in self.sizes:
            block = getattr(self, f"b{size}")
            with nullcontext() if size >= self.half_from else full(ws):
                x, img = block(x, img, ws[:, first : first + block.convs + 1], noise)
            first += block.convs
        assert img is not None
        return img


class Generator(nn.Module):
    """G: z `[N, Z]` (and label `[N, C]`) -> pictures `[N, 3, S, S]`."""

    def __init__(
        self,
        size: int,
        *,
        z: int = 512,
        w: int = 512,
        classes: int = 0,
        layers: int = 8,
        base: int = 32768,
        widest: int = 512,
        architecture: str = "skip",
        clamp: float | None = None,
        half: int = 0,
    ) -> None:
        super().__init__()
        self.mapping = Mapping(z, classes, w, layers)
        self.synthesis = Synthesis(w, size, base, widest, architecture, clamp, half)
        self.num_ws = self.synthesis.num_ws

    def ws(
        self, z: Tensor, label: Tensor | None = None, psi: float = 1.0, cutoff: int | None = None
    ) -> Tensor:
        """The same w for every layer, truncated: `[N, L, W]`."""
        ws = self.mapping(z, label)[:, None].repeat(1, self.num_ws, 1)
        return ws if psi == 1 else self.mapping.truncate(ws, psi, cutoff)

    def forward(
        self,
        z: Tensor,
        label: Tensor | None = None,
        psi: float = 1.0,
        cutoff: int | None = None,
        noise: str = "random",
    ) -> Tensor:
        return self.synthesis(self.ws(z, label, psi, cutoff), noise)


# --- D


class CriticBlock(nn.Module):
    """One resolution of D, to half of it."""

    def __init__(
        self, inputs: int, middle: int, outputs: int, *, architecture: str, clamp: float | None
    ) -> None:
        super().__init__()
        self.resample_filter: Tensor
        self.register_buffer("resample_filter", binomial())
        self.architecture = architecture
        self.fromrgb = Conv(3, middle, 1, clamp=clamp) if not inputs or architecture == "skip" else None
        self.conv0 = Conv(middle, middle, 3, clamp=clamp)
        self.conv1 = Conv(middle, outputs, 3, down=True, clamp=clamp)
        self.skip = (
            Conv(middle, outputs, 1, down=True, bias=False, act=False, clamp=None)
            if architecture == "resnet"
            else None
        )

    def forward(self, x: Any, img: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """x: features, none for the first block; img: the picture, none after the first block but in
        "skip"."""
        if self.fromrgb is not None:
            assert img is not None
            y = self.fromrgb(img)
            x = y if x is None else x + y
            img = halve(img, self.resample_filter) if self.architecture == "skip" else None
        assert x is not None
        if self.skip is None:
            return self.conv1(self.conv0(x)), img
        y = self.skip(x, math.sqrt(0.5))
        return self.conv1(self.conv0(x), math.sqrt(0.5)) + y, img


def spread(x: Tensor, group: int) -> Tensor:
    """How much pictures of a group differ, as one more map: `[N, C, H, W]` -> `[N, C + 1, H, W]`."""
    n, c, height, width = x.shape
    group = min(group, n)
    while n % group:
        group -= 1
    y = x.reshape(group, -1, c, height, width)
    y = ((y - y.mean(0)).square().mean(0) + 1e-8).sqrt().mean((1, 2, 3))  # [N / group]
    return torch.cat([x, y.repeat(group).view(n, 1, 1, 1).expand(n, 1, height, width)], 1)


class Judgement(nn.Module):
    """The last block of D: features `[N, C, 4, 4]` -> logits `[N, 1]`."""

    def __init__(
        self, channels: int, code: int, group: int, *, architecture: str, clamp: float | None
    ) -> None:
        super().__init__()
        self.group, self.code = group, code
        self.fromrgb = Conv(3, channels, 1, clamp=None) if architecture == "skip" else None
        self.conv = Conv(channels + 1, channels, 3, clamp=clamp)
        self.fc = Linear(channels * 16, channels, act=True)
        self.out = Linear(channels, code or 1)

    def forward(self, x: Tensor, img: Tensor | None, code: Tensor | None) -> Tensor:
        x = x.float()
        if self.fromrgb is not None and img is not None:
            x = x + self.fromrgb(img.float())
        x = self.out(self.fc(self.conv(spread(x, self.group)).flatten(1)))
        return x if code is None else (x * code).sum(1, keepdim=True) / math.sqrt(self.code)


class Discriminator(nn.Module):
    """D: pictures `[N, 3, S, S]` (and label `[N, C]`) -> logits `[N, 1]`, positive for real."""

    def __init__(
        self,
        size: int,
        *,
        classes: int = 0,
        base: int = 32768,
        widest: int = 512,
        architecture: str = "resnet",
        group: int = 4,
        layers: int = 8,
        code: int | None = None,
        clamp: float | None = None,
        half: int = 0,
    ) -> None:
        super().__init__()
        self.sizes = [2**i for i in range(size.bit_length() - 1, 2, -1)]
        self.half_from = max(size >> (half - 1), 8) if half else 2 * size

        def width(side: int) -> int:
            return min(base // side, widest)

        for one in self.sizes:
            inputs = 0 if one == size else width(one)
            self.add_module(
                f"b{one}",
                CriticBlock(inputs, width(one), width(one // 2), architecture=architecture, clamp=clamp),
            )
        code = (width(4) if code is None else code) if classes else 0
        self.mapping = Mapping(0, classes, code, layers, average=False) if classes else None
        self.b4 = Judgement(width(4), code, group, architecture=architecture, clamp=clamp)

    def forward(self, img: Tensor, label: Tensor | None = None) -> Tensor:
        x, rest = None, img.contiguous(memory_format=torch.channels_last)
        for size in self.sizes:
            with nullcontext() if size >= self.half_from else full(img):
                x, rest = getattr(self, f"b{size}")(
                    x if x is None or size >= self.half_from else x.float(), rest
                )
        assert x is not None
        with full(img):
            return self.b4(x, rest, None if self.mapping is None else self.mapping(None, label))


# --- Losses


def softplus_d(real: Tensor, fake: Tensor) -> Tensor:
    """The logistic loss of D, for each picture."""
    return F.softplus(fake) + F.softplus(-real)


def softplus_g(fake: Tensor) -> Tensor:
    """The loss of G that does not saturate, for each picture."""
    return F.softplus(-fake)


def path_lengths(img: Tensor, ws: Tensor, y: Tensor) -> Tensor:
    """How far pictures move for a step in ws, along `y`, noise of variance 1 / (H W): `[N]`."""
    with full(ws):
        (J,) = torch.autograd.grad((img * y).sum(), ws, create_graph=True)
    return J.square().sum(2).mean(1).sqrt()


# --- The objective


class Track(nn.Module):
    """What a run remembers besides its networks: mean path length, and the signs of D(real) since the
    strength was last moved."""

    def __init__(self) -> None:
        super().__init__()
        self.pl_mean: Tensor
        self.signs: Tensor
        self.register_buffer("pl_mean", torch.zeros(()))
        self.register_buffer("signs", torch.zeros(2))  # their means' sum, and how many


class StyleGAN2:
    """The objective: nets, one update, the score, previews, what is exported."""

    averaged = "G"
    ADAPT_EVERY = 4  # steps between moves of the augmentation's strength
    PATH_DECAY = 0.01

    def __init__(self, cfg: Config) -> None:
        self.cfg = cfg
        same: dict[str, Any] = {
            "classes": cfg.classes,
            "base": cfg.base,
            "widest": cfg.widest,
            "half": cfg.half,
            "clamp": cfg.clamp or None,
        }
        G = Generator(cfg.size, z=cfg.z, w=cfg.w, layers=cfg.layers, architecture=cfg.synthesis, **same)
        D = Discriminator(cfg.size, architecture=cfg.critic, group=cfg.group, **same)
        self.G, self.D = G, D
        self.augment, self.track = Augment(cfg.pipe), Track()
        self.nets = nn.ModuleDict({"G": G, "D": D, "augment": self.augment, "track": self.track})
        self.augment.p.fill_(cfg.ada_start)
        self.trained = {"G": list(G.parameters()), "D": trainable(D, cfg.freeze)}
        every = {"G": cfg.path_every if cfg.path else 0, "D": cfg.r1_every if cfg.r1 else 0}
        self.optimisers = {name: lazy_adam(self.trained[name], cfg.lr, every[name]) for name in ("G", "D")}

    def keep(self, i: int) -> float:
        """Share of the averaged G that step `i` keeps: it forgets half of itself over `ema_images`, less in
        the beginning."""
        images = self.cfg.ema_images
        if self.cfg.ema_ramp:
            images = min(images, self.cfg.ema_ramp * (i + 1) * self.cfg.batch)
        return 0.5 ** (self.cfg.batch / max(images, 1e-8))

    def transfer(self, states: dict[str, dict[str, Tensor]]) -> list[str]:
        """Begin with other weights, "G" and "D" by name: what has the same name and shape is taken. Returns
        the names of the rest."""
        left = []
        for name, state in ((name, states[name]) for name in "GD" if name in states):
            mine = self.nets[name].state_dict()
            taken = {
                key: value for key, value in state.items() if key in mine and mine[key].shape == value.shape
            }
            self.nets[name].load_state_dict(taken, strict=False)
            left += [f"{name}.{key}" for key in mine if key not in taken]
        return left

    def step(self, shares: MicroBatches) -> dict[str, Tensor]:
        cfg, i = self.cfg, shares.i
        logs = self._update(shares, "G", self._fool)
        self.G.mapping.track(logs.pop("w"))
        if cfg.path and i % cfg.path_every == 0:
            logs |= self._update(shares, "G", self._paths, cfg.path_every)
            self.track.pl_mean.lerp_(logs["path"], self.PATH_DECAY)
        logs |= self._update(shares, "D", self._discriminate)
        self.track.signs.add_(torch.stack([logs.pop("sign"), torch.ones_like(logs["d"])]))
        if cfg.r1 and i % cfg.r1_every == 0:
            logs |= self._update(shares, "D", self._smooth, cfg.r1_every)
        signs = self.track.signs
        if cfg.ada_target and i % self.ADAPT_EVERY == 0:
            self.augment.adapt(
                signs[0] / signs[1], cfg.ada_target, cfg.batch * self.ADAPT_EVERY / cfg.ada_images
            )
            signs.zero_()
        return logs | {"p": self.augment.p.clone()}

    def _update(self, shares: MicroBatches, name: str, term: Any, gain: float = 1.0) -> dict[str, Tensor]:
        """One step of one network down one term; lazy terms weigh as much more as they come less often."""
        for key, parameters in self.trained.items():
            for one in parameters:
                one.requires_grad_(key == name)
        logs = shares.gradients(self.optimisers[name], term, gain)
        for one in self.trained[name]:
            if one.grad is not None:
                torch.nan_to_num(one.grad, 0.0, 1e5, -1e5, out=one.grad)
        self.optimisers[name].step()
        return logs

    def _styles(self, label: Tensor) -> tuple[Tensor, Tensor]:
        """ws `[N, L, W]` of new z; often of two, mixed: the first w `[N, W]` up to some layer, the second
        from there on."""
        mapping, layers = self.G.mapping, self.G.num_ws
        w = mapping(torch.randn(len(label), self.cfg.z, device=label.device), label)
        ws = w[:, None].repeat(1, layers, 1)
        if torch.rand(()) < self.cfg.mixing:
            other = mapping(torch.randn(len(label), self.cfg.z, device=label.device), label)
            first = (torch.arange(layers, device=label.device) < int(torch.randint(1, layers, ())))[
                None, :, None
            ]
            ws = torch.where(first, ws, other[:, None])
        return ws, w

    def _judge(self, pictures: Tensor, label: Tensor) -> Tensor:
        return self.D(self.augment(pictures), label)

    def _fool(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        ws, w = self._styles(batch.label)
        loss = softplus_g(self._judge(self.G.synthesis(ws), batch.label)).mean()
        return loss, {"g": loss, "w": w.mean(0)}

    def _paths(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        ws, _ = self._styles(batch.label[: max(len(batch.label) // self.cfg.path_shrink, 1)])
        img = self.G.synthesis(ws)
        lengths = path_lengths(img, ws, torch.randn_like(img) / math.sqrt(img.shape[2] * img.shape[3]))
        mean = self.track.pl_mean.lerp(lengths.mean(), self.PATH_DECAY)
        return (lengths - mean).square().mean() * self.cfg.path, {"path": lengths.mean()}

    def _discriminate(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        with torch.no_grad():
            fake = self.G.synthesis(self._styles(batch.label)[0])
        real = self._judge(batch.real, batch.label)
        loss = softplus_d(real, self._judge(fake, batch.label)).mean()
        return loss, {"d": loss, "real": real.mean(), "sign": real.sign().mean()}

    def _smooth(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        real = batch.real.detach().requires_grad_()
        penalty = r1(self._judge(real, batch.label), real).mean()
        return penalty * (self.cfg.r1 / 2), {"r1": penalty}

    @torch.no_grad()
    def faces(self, G: Generator, count: int, label: Tensor, psi: float = 1.0) -> Tensor:
        """Always the same `count` faces, with the stored noise, at most 256 pixels large; labels are taken in
        turn from `label`."""
        z = torch.randn(count, self.cfg.z, generator=torch.Generator().manual_seed(0)).to(label.device)
        label = label[torch.arange(count, device=label.device) % len(label)]
        made = (G(*pair, psi=psi, noise="const") for pair in zip(z.split(16), label.split(16), strict=True))
        return torch.cat([small(one) for one in made])

    @torch.no_grad()
    def score(self, G: Generator, batch: Batch) -> Tensor:
        """How generated faces differ from people who are not trained on: see `distance`. 0 would be no
        difference."""
        return distance(small(batch.real), self.faces(G, self.cfg.judged, batch.label))

    @torch.no_grad()
    def preview(self, G: Generator, batch: Batch) -> Tensor:
        """24 faces as they come, then the first 12 of them truncated to 0.7: `[36, 3, H, W]`."""
        return torch.cat([self.faces(G, 24, batch.label), self.faces(G, 12, batch.label, psi=0.7)]).clamp(
            -1, 1
        )

    def parts(self, G: Generator) -> list[Part]:
        cfg = self.cfg
        limits = f"Faces of {cfg.size} pixels, as varied as the pictures that it was trained on; some may resemble one of them."
        said: dict[str, Any] = {"licence": "Apache-2.0", "limits": limits}
        mapper = Card("stylegan2-mapper", "mapper", description="Noise to styles, untruncated", **said)
        mapper = replace(mapper, w_avg=tuple(G.mapping.w_avg.tolist()))
        drawer = Card("stylegan2-generator", "generator", description="Styles to faces", **said)
        drawer = replace(drawer, template="ffhq", size=cfg.size, value_range=(-1.0, 1.0))
        z = {"z": torch.zeros(1, cfg.z)} | ({"label": torch.zeros(1, cfg.classes)} if cfg.classes else {})
        ws = {"ws": torch.zeros(1, G.num_ws, cfg.w)}
        return [
            Part("mapper", G.mapping, z, ("w",), mapper),
            Part("generator", Drawer(G), ws, ("pixels",), drawer),
        ]


class Drawer(nn.Module):
    """What is exported of G's second half: ws `[N, L, W]` -> pixels, with the stored noise."""

    def __init__(self, G: Generator) -> None:
        super().__init__()
        self.synthesis = G.synthesis

    def forward(self, ws: Tensor) -> Tensor:
        return self.synthesis(ws, "const")


def lazy_adam(parameters: list[nn.Parameter], lr: float, every: int) -> torch.optim.Adam:
    """Adam for a loss with a term that comes only in one of `every` steps, as an update of its own; 0: no
    such term."""
    c = every / (every + 1) if every else 1.0
    return torch.optim.Adam(parameters, lr * c, betas=(0.0, 0.99**c), eps=1e-8)


def trainable(D: Discriminator, freeze: int) -> list[nn.Parameter]:
    """D's parameters without those of its first `freeze` layers (Mo et al. 2020, arXiv 2002.10964)."""
    layers = [one for size in D.sizes for one in getattr(D, f"b{size}").children() if isinstance(one, Conv)]
    frozen = {id(one) for layer in layers[:freeze] for one in layer.parameters()}
    for one in D.parameters():
        one.requires_grad_(id(one) not in frozen)
    return [one for one in D.parameters() if id(one) not in frozen]


def build(cfg: Config) -> StyleGAN2:
    return StyleGAN2(cfg)


def adapt(cfg: Config, knobs: dict[str, Any], states: dict[str, Any]) -> Config:
    """`cfg` for networks like those that a run begins with: `knobs` are those that the weights `states`
    fix."""
    return replace(cfg, **knobs)


def load(folders: list[Path], cfg: Config, seed: int) -> Loader[Batch]:
    """Folders of pictures, see `pictures.Pictures`."""
    data = Pictures(folders, cfg.size, cfg.classes, seed)

    def batch(i: Any) -> Any:
        return Batch(*tensors(data.batch(cfg.batch, i, cfg.mirror)))

    return Loader(batch, lambda: Batch(*tensors(data.held_out())), data.notes())
