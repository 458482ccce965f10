"""Networks from picture to picture, and those that judge them, under the names of the published ones
(pytorch-CycleGAN-and-pix2pix).

Zhu et al. 2017 (CycleGAN, arXiv 1703.10593); Isola et al. 2017 (pix2pix, arXiv 1611.07004); the residual
generator is Johnson et al. 2016 (arXiv 1603.08155).
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...models.card import Condition

NORMS = ("instance", "batch")
GENERATORS = ("resnet", "unet")
CRITICS = ("patch", "pixel")
MODES = ("lsgan", "bce")
SPREAD = 0.02  # of weights at the start
LEAST_DOWNS, MOST_DOWNS = 5, 12  # halvings of the U-Net
SIDE = 256  # pixels that published residual generators were trained on
NOISE = Condition("sample", "number of a draw, 0 for none", 0.0, 1000.0)
DRAWS = 1024.0  # so many draws of noise for each 1 that a network is told


def normalised(channels: int, norm: str) -> nn.Module:
    """Instance norm has neither weights nor statistics here, so it has no names in a state dict."""
    return nn.InstanceNorm2d(channels) if norm == "instance" else nn.BatchNorm2d(channels)


# --- Generators


class ResNetBlock(nn.Module):
    """Two 3x3 convolutions with reflected borders, added to their input."""

    def __init__(self, channels: int, norm: str, dropout: bool) -> None:
        super().__init__()

        def conv() -> Any:
            return (
                nn.ReflectionPad2d(1),
                nn.Conv2d(channels, channels, 3, bias=norm == "instance"),
                normalised(channels, norm),
            )

        self.conv_block = nn.Sequential(*conv(), nn.ReLU(), *([Dropout()] if dropout else []), *conv())

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv_block(x)


class ResNetGenerator(nn.Module):
    """pixels `[N, C, H, W]` -> `[N, O, H, W]` in [-1, 1]; H and W are multiples of 4, and at least 8."""

    multiple = 4

    def __init__(
        self,
        inputs: int = 3,
        outputs: int = 3,
        *,
        base: int = 64,
        blocks: int = 9,
        norm: str = "instance",
        dropout: bool = False,
    ) -> None:
        super().__init__()
        bias = norm == "instance"

        def wide(n: Any) -> Any:
            return (normalised(base * n, norm), nn.ReLU())

        layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(inputs, base, 7, bias=bias), *wide(1)]
        for n in (1, 2):
            layers += [nn.Conv2d(base * n, base * n * 2, 3, stride=2, padding=1, bias=bias), *wide(n * 2)]
        layers += [ResNetBlock(base * 4, norm, dropout) for _ in range(blocks)]
        for n in (4, 2):
            up = nn.ConvTranspose2d(
                base * n, base * n // 2, 3, stride=2, padding=1, output_padding=1, bias=bias
            )
            layers += [up, *wide(n // 2)]
        self.model = nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(base, outputs, 7), nn.Tanh())

    def forward(self, pixels: Tensor) -> Tensor:
        return self.model(pixels)


class UNetBlock(nn.Module):
    """One halving of the U-Net with all that is within, and its doubling. The outermost gives the picture,
    others their input and that."""

    def __init__(
        self,
        outer: int,
        inner: int,
        norm: str,
        *,
        inputs: int = 0,
        within: UNetBlock | None = None,
        outermost: bool = False,
        drop: bool = False,
    ) -> None:
        super().__init__()
        self.outermost = outermost
        down = nn.Conv2d(inputs or outer, inner, 4, stride=2, padding=1, bias=norm == "instance")
        bias = outermost or norm == "instance"
        up = nn.ConvTranspose2d(
            inner if within is None else 2 * inner, outer, 4, stride=2, padding=1, bias=bias
        )
        if outermost:
            assert within is not None
            layers = [down, within, nn.ReLU(), up, nn.Tanh()]
        elif within is None:
            layers = [nn.LeakyReLU(0.2), down, nn.ReLU(), up, normalised(outer, norm)]
        else:
            layers = [
                nn.LeakyReLU(0.2),
                down,
                normalised(inner, norm),
                within,
                nn.ReLU(),
                up,
                normalised(outer, norm),
            ]
        self.model = nn.Sequential(*layers, *([Dropout()] if drop else []))

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x) if self.outermost else torch.cat([x, self.model(x)], 1)


class UNetGenerator(nn.Module):
    """pixels `[N, C, H, W]` -> `[N, O, H, W]` in [-1, 1]; H and W are multiples of 2 ** downs: 7 are
    "unet_128", 8 are "unet_256"."""

    def __init__(
        self,
        inputs: int = 3,
        outputs: int = 3,
        *,
        base: int = 64,
        downs: int = 8,
        norm: str = "batch",
        dropout: bool = True,
    ) -> None:
        super().__init__()
        self.multiple = 2**downs
        block = UNetBlock(base * 8, base * 8, norm)
        for _ in range(downs - LEAST_DOWNS):
            block = UNetBlock(base * 8, base * 8, norm, within=block, drop=dropout)
        for n in (4, 2, 1):
            block = UNetBlock(base * n, base * n * 2, norm, within=block)
        self.model = UNetBlock(outputs, base, norm, inputs=inputs, within=block, outermost=True)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.model(pixels)


def generator(kind: str, inputs: int, outputs: int, **knobs: Any) -> ResNetGenerator | UNetGenerator:
    """One of GENERATORS; knobs: base, norm, dropout; blocks of a "resnet", downs of a "unet" (the other is
    not heeded)."""
    knobs = {key: one for key, one in knobs.items() if key != ("downs" if kind == "resnet" else "blocks")}
    return (ResNetGenerator if kind == "resnet" else UNetGenerator)(inputs, outputs, **knobs)


def describe(state: Mapping[str, Any]) -> dict[str, Any]:
    """Which of GENERATORS a state dict is of, by its names and shapes: "kind", "inputs", "outputs" and knobs
    as `generator` takes them.

    Dropout adds no name to a unet: it is said to have it, as the published ones do. `KeyError` where it is of
    none."""
    unet = "model.model.0.weight" in state
    outer, inputs = state["model.model.0.weight" if unet else "model.1.weight"].shape[:2]
    out: dict[str, Any] = {"kind": "unet" if unet else "resnet", "inputs": inputs, "base": outer}
    if not unet:
        blocks = sum(key.endswith(".conv_block.1.weight") for key in state)
        dropout = "model.10.conv_block.5.weight" not in state
        norm = "batch" if "model.2.weight" in state else "instance"
        return out | {
            "outputs": state[f"model.{17 + blocks}.weight"].shape[0],
            "blocks": blocks,
            "norm": norm,
            "dropout": dropout,
        }
    downs, home = 1, "model.model.1"
    while f"{home}.model.1.weight" in state and downs < MOST_DOWNS:
        downs, home = downs + 1, f"{home}.model.3"
    norm = "batch" if "model.model.1.model.2.weight" in state else "instance"
    return out | {
        "outputs": state["model.model.3.weight"].shape[1],
        "downs": downs,
        "norm": norm,
        "dropout": True,
    }


def take(net: nn.Module, state: Mapping[str, Tensor]) -> list[str]:
    """Put into a network what has the same name and shape; returns the names of the rest."""
    mine = net.state_dict()
    taken = {key: one for key, one in state.items() if key in mine and mine[key].shape == one.shape}
    net.load_state_dict(taken, strict=False)
    return [key for key in mine if key not in taken]


# --- Noise that can be asked for


class Dropout(nn.Dropout):
    """Dropout of one half; when not in training none, or the same for a given number: `draw [N, 1, 1, 1]`,
    whole, 0 for none."""

    def __init__(self) -> None:
        super().__init__(0.5)
        self.draw: Tensor | None = None
        self.place = 0  # of this one among all of a network

    def forward(self, input: Tensor) -> Tensor:
        if self.training or self.draw is None:
            return super().forward(input)
        _, channels, height, width = input.shape
        kept = chance(
            torch.arange(channels * height * width, device=input.device).view(1, channels, height, width),
            self.draw,
            self.place,
        )
        return torch.where(self.draw == 0, input, input * (kept * 2).to(input.dtype))


def chance(at: Tensor, draw: Tensor, place: int) -> Tensor:
    """0 or 1 with one half each, from whole numbers alone: so that torch and ONNX Runtime draw the same."""
    prime = 2**31 - 1
    x = (at * 1_103_515 + draw * 7_368_787 + place * 15_485_863 + 12_345) % prime
    for factor in (48_271, 69_621, 40_692):
        x = (x * (x % 65_521 + factor) + factor) % prime  # below 2 ** 63 on the way
    return (x // 4096) % 2


def noisy(net: nn.Module) -> bool:
    """Whether a network has noise that can be kept."""
    return any(isinstance(one, Dropout) for one in net.modules())


class Sampling(nn.Module):
    """A generator that keeps its dropout when asked: pixels `[N, C, H, W]` and condition `[N, 1]`, the number
    of a draw, 0 for none."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net
        for place, one in enumerate(one for one in net.modules() if isinstance(one, Dropout)):
            one.place = place

    def forward(self, pixels: Tensor, condition: Tensor) -> Tensor:
        draw = (condition.abs() * DRAWS).floor().long()[:, :, None, None]
        drops = [one for one in self.net.modules() if isinstance(one, Dropout)]
        try:
            for one in drops:
                one.draw = draw
            return self.net(pixels)
        finally:
            for one in drops:
                one.draw = None


def own_statistics(net: nn.Module) -> nn.Module:
    """The network with each picture's own statistics in place of those that its batch norms have gathered:
    what the published test script shows, which leaves the network in training mode and gives it one picture
    at a time. The weights are shared."""
    out = copy.deepcopy(net, {id(one): one for one in (*net.parameters(), *net.buffers())})
    for module in list(out.modules()):
        for name, one in module.named_children():
            if isinstance(one, nn.BatchNorm2d):
                own = nn.InstanceNorm2d(one.num_features, one.eps, affine=True)
                own.weight, own.bias = one.weight, one.bias
                setattr(module, name, own.train(one.training))
    return out


# --- Critics


class PatchGAN(nn.Module):
    """D: pictures `[N, C, S, S]` -> logits of overlapping patches `[N, 1, s, s]`; of 70 x 70 pixels with
    three layers."""

    def __init__(self, inputs: int = 3, *, base: int = 64, layers: int = 3, norm: str = "instance") -> None:
        super().__init__()
        widths = [base * min(2**n, 8) for n in range(layers + 1)]
        stack: list[nn.Module] = [nn.Conv2d(inputs, base, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        for n, (a, b) in enumerate(itertools.pairwise(widths), 1):
            conv = nn.Conv2d(a, b, 4, stride=2 if n < layers else 1, padding=1, bias=norm == "instance")
            stack += [conv, normalised(b, norm), nn.LeakyReLU(0.2)]
        self.model = nn.Sequential(*stack, nn.Conv2d(widths[-1], 1, 4, padding=1))

    def forward(self, pictures: Tensor) -> Tensor:
        return self.model(pictures)


class PixelGAN(nn.Module):
    """D: pictures `[N, C, S, S]` -> logits of single pixels `[N, 1, S, S]`."""

    def __init__(self, inputs: int = 3, *, base: int = 64, norm: str = "instance") -> None:
        super().__init__()
        bias = norm == "instance"
        middle = nn.Conv2d(base, base * 2, 1, bias=bias), normalised(base * 2, norm), nn.LeakyReLU(0.2)
        self.net = nn.Sequential(
            nn.Conv2d(inputs, base, 1), nn.LeakyReLU(0.2), *middle, nn.Conv2d(base * 2, 1, 1, bias=bias)
        )

    def forward(self, pictures: Tensor) -> Tensor:
        return self.net(pictures)


def critic(kind: str, inputs: int, *, base: int, layers: int, norm: str) -> nn.Module:
    """One of CRITICS."""
    return (
        PatchGAN(inputs, base=base, layers=layers, norm=norm)
        if kind == "patch"
        else PixelGAN(inputs, base=base, norm=norm)
    )


# --- Training


def initialised(net: nn.Module) -> nn.Module:
    """Weights drawn anew as published: normal of spread 0.02 (around 1 for those of norms), biases 0."""
    for one in net.modules():
        if isinstance(one, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(one.weight, 0.0, SPREAD)
        elif isinstance(one, nn.BatchNorm2d):
            nn.init.normal_(one.weight, 1.0, SPREAD)
        else:
            continue
        if one.bias is not None:
            nn.init.zeros_(one.bias)
    return net


def verdict(logits: Tensor, real: bool, mode: str) -> Tensor:
    """How far D is from calling all real, or all not: squared ("lsgan", Mao et al. 2017, arXiv 1611.04076) or
    logistic ("bce")."""
    wanted = torch.full_like(logits, float(real), dtype=torch.float32)
    return (
        F.mse_loss(logits.float(), wanted)
        if mode == "lsgan"
        else F.binary_cross_entropy_with_logits(logits.float(), wanted)
    )


def pace(i: int, steps: int, decay: float) -> float:
    """Share of the learning rate at step `i`: 1, and over the last `decay` of the steps down to 0."""
    return min(1.0, (steps - i) / max(decay * steps, 1e-8))


def updates(net: nn.Module, on: bool) -> None:
    """Whether gradients are to reach the network's weights."""
    for one in net.parameters():
        one.requires_grad_(on)


Known = list[tuple[str, tuple[str, ...]]]  # values, each with those that there are


def check(
    *, size: int, generator: str, downs: int, blocks: int, base: int, decay: float, known: Known
) -> None:
    """Raises `ValueError` where knobs that the families of translators share contradict each other."""
    for value, choices in known:
        if value not in choices:
            raise ValueError(f"there is no {value!r}: there are {', '.join(map(repr, choices))}")
    multiple = 2**downs if generator == "unet" else 4
    if size % multiple or size < 16:
        raise ValueError(f"size {size} must be a multiple of {multiple} for {generator}, and at least 16")
    if not LEAST_DOWNS <= downs <= MOST_DOWNS or blocks < 1 or base < 1 or not 0 <= decay <= 1:
        raise ValueError(
            f"downs {downs} must be in {LEAST_DOWNS}..{MOST_DOWNS}, blocks {blocks} and base {base} at least 1, decay in 0..1"
        )
