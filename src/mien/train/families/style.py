"""Style: any picture in the manner of another, by one pass of a network: one network for a style ("fast"), or
one for any ("adain").

Johnson et al. 2016, "Perceptual Losses for Real-Time Style Transfer" (arXiv 1603.08155) with instance norm
(Ulyanov et al. 2016, arXiv 1607.08022); Huang and Belongie 2017, "Arbitrary Style Transfer with Adaptive
Instance Normalization" (arXiv 1703.06868). The state dicts have the names and shapes of the published ones.
What content and style are is seen by VGG-19 where its weights are given with --from; where they are not, by a
network of the same shape and chance weights (He et al. 2016, arXiv 1606.04801), which the card says; AdaIN
then also learns to give pictures in their own style back (Park and Lee 2019, arXiv 1812.02342), or what it
makes has no likeness of pictures.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import InputError, RequestError
from ...models.card import Card
from ...types import Array
from ..blocks.ema import decay
from ..blocks.layers import full
from ..data.faces import read_rgb
from ..data.loader import Loader
from ..data.pictures import Pictures, find, square
from ..engine.accumulate import MicroBatches
from ..engine.part import Part

KINDS = ("fast", "adain")
SEED, FIRST = 0, 2  # of eyes of chance, and where VGG-19 first looks at more than a pixel
EYES = 64  # channels that VGG-19 begins with
LAYERS = (4, 11, 18, 31)  # so many of VGG-19's modules lead to relu1_1, relu2_1, relu3_1 and relu4_1
MULTIPLES = {
    "fast": 4,
    "adain": 8,
}  # heights and widths that are given back as they came are multiples of this


@dataclass(frozen=True)
class Config:
    """Knobs of the style family; the values here are Johnson's but for his weights, which are for VGG-16's
    scales."""

    kind: str = "fast"  # "fast": a network for one style; "adain": one for any
    size: int = 256  # side of what is cut out of the pictures
    load: int = 256  # side that they are brought to before
    width: int = 32  # channels that a fast network begins with
    eyes: int = EYES  # channels that what sees content and style begins with
    vgg: int = 0  # 1: these are VGG-19's eyes, to be given; given ones change this
    content: float = 1.0  # weights: of the content's difference,
    style: float = 5.0  # and of the style's; with 1 a picture that is left alone is better than a painted one
    # adain: of the difference from a picture in its own style (Park and Lee), which eyes of chance need
    identity: float = 0.0
    batch: int = 4
    steps: int = 40_000
    lr: float = 1e-3
    slower: float = 0.0  # the rate is divided by 1 + so much for every step
    # share of the averaged network that a step keeps, once enough have passed; 0: no average, as in the
    # papers
    ema: float = 0.0
    judged: int = 32  # held-out pictures for the score, at most

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind is {' or '.join(KINDS)}, not {self.kind!r}")
        if self.size % 8 or self.size < 32 or self.load < self.size:
            raise ValueError(
                f"size {self.size} must be a multiple of 8, at least 32, and load {self.load} at least as large"
            )
        if self.width < 1 or self.eyes < 1 or self.content < 0 or self.style <= 0:
            raise ValueError("width and eyes are at least 1, content is not below 0, style above")


ADAIN = Config("adain", load=512, style=10.0, batch=8, steps=160_000, lr=1e-4, slower=5e-5)
PRESETS = {
    "tiny": Config(size=32, load=40, width=4, eyes=4, batch=2, steps=2, judged=4),
    "cpu": Config(size=128, load=144, width=16, eyes=16, batch=4, steps=1500, lr=2e-3, ema=0.99),
    "default": Config(),
    "adain-tiny": replace(ADAIN, size=32, load=40, eyes=4, batch=2, steps=2, judged=4),
    "adain-cpu": replace(
        ADAIN,
        size=128,
        load=144,
        eyes=16,
        style=1.0,
        identity=20.0,
        steps=8000,
        lr=1e-3,
        slower=5e-4,
        ema=0.99,
    ),
    "adain": ADAIN,
}


@dataclass(frozen=True, eq=False)
class Batch:
    """Pictures `content [N, 3, S, S]` and what they are to look like `style [N, 3, S, S]`, both in [0, 1]."""

    content: Tensor
    style: Tensor


# --- One network for one style


class ConvLayer(nn.Module):
    """A convolution with reflected borders, of the picture or of the picture twice as large."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, *, twice: bool = False
    ) -> None:
        super().__init__()
        self.twice, self.pad = twice, kernel // 2
        self.conv2d = nn.Conv2d(inputs, outputs, kernel, stride)

    def forward(self, x: Tensor) -> Tensor:
        x = F.interpolate(x, scale_factor=2.0, mode="nearest") if self.twice else x
        return self.conv2d(F.pad(x, (self.pad,) * 4, mode="reflect"))


def normed(channels: int) -> nn.Module:
    return nn.InstanceNorm2d(channels, affine=True)


class ResBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.in1 = ConvLayer(width, width, 3), normed(width)
        self.conv2, self.in2 = ConvLayer(width, width, 3), normed(width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.in2(self.conv2(F.relu(self.in1(self.conv1(x)))))


class TransformerNet(nn.Module):
    """pixels `[N, 3, H, W]` in 0..255 -> picture `[N, 3, H, W]` about in 0..255; H and W are multiples of
    4."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.conv1, self.in1 = ConvLayer(3, width, 9), normed(width)
        self.conv2, self.in2 = ConvLayer(width, 2 * width, 3, 2), normed(2 * width)
        self.conv3, self.in3 = ConvLayer(2 * width, 4 * width, 3, 2), normed(4 * width)
        self.res1, self.res2, self.res3, self.res4, self.res5 = (ResBlock(4 * width) for _ in range(5))
        self.deconv1, self.in4 = ConvLayer(4 * width, 2 * width, 3, twice=True), normed(2 * width)
        self.deconv2, self.in5 = ConvLayer(2 * width, width, 3, twice=True), normed(width)
        self.deconv3 = ConvLayer(width, 3, 9)

    def forward(self, pixels: Tensor) -> Tensor:
        x = F.relu(self.in1(self.conv1(pixels)))
        x = F.relu(self.in2(self.conv2(x)))
        x = F.relu(self.in3(self.conv3(x)))  # [N, 4 width, H/4, W/4]
        for block in (self.res1, self.res2, self.res3, self.res4, self.res5):
            x = block(x)
        x = F.relu(self.in4(self.deconv1(x)))
        x = F.relu(self.in5(self.deconv2(x)))
        return self.deconv3(x)


@torch.no_grad()
def started(net: TransformerNet) -> TransformerNet:
    """Begins with grey pictures of some contrast, in 0..255; from black ones it would be a long way."""
    last = net.deconv3.conv2d
    assert last.bias is not None
    last.weight *= 50
    last.bias.fill_(127.5)
    return net


# --- One network for any style


def reflected(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.ReflectionPad2d(1), nn.Conv2d(inputs, outputs, 3), nn.ReLU()]


def vgg(width: int = EYES) -> nn.Sequential:
    """VGG-19 to relu4_1 with reflected borders, for pictures in [0, 1], which a first 1x1 convolution
    centres."""
    layers: list[nn.Module] = [nn.Conv2d(3, 3, 1), *reflected(3, width), *reflected(width, width)]
    for n, count in ((1, 2), (2, 4)):
        layers += [nn.MaxPool2d(2, ceil_mode=True), *reflected(width * n, width * 2 * n)]
        for _ in range(count - 1):
            layers += reflected(width * 2 * n, width * 2 * n)
    return nn.Sequential(
        *layers, nn.MaxPool2d(2, ceil_mode=True), *reflected(width * 4, width * 8)
    ).requires_grad_(False)


@torch.no_grad()
def by_chance(eyes: nn.Sequential) -> nn.Sequential:
    """Weights of chance, the same in every run, under which each layer is as lively as the next (VGG-19's of
    AdaIN are scaled alike)."""
    rng = torch.Generator().manual_seed(SEED)
    noise = [
        F.interpolate(torch.rand(4, 3, n, n, generator=rng), (64, 64), mode="bilinear") for n in (4, 16, 64)
    ]
    x = torch.stack(noise).mean(0)
    for k, one in enumerate(eyes):
        if isinstance(one, nn.Conv2d):
            assert one.bias is not None
            weight = torch.randn(one.weight.shape, generator=rng)
            if k > FIRST:  # what comes in is not below 0: or all channels would say how bright it is
                weight -= weight.mean((1, 2, 3), keepdim=True)
            one.weight.copy_(weight if k else torch.eye(3)[:, :, None, None] * 4)
            one.bias.fill_(0.0 if k else -2.0)
            if k:
                one.weight /= F.conv2d(x, one.weight).std()
        x = one(x)
    return eyes


def decoder(width: int = EYES) -> nn.Sequential:
    """The way back from relu4_1 to a picture."""
    layers = reflected(width * 8, width * 4)
    for n, count in ((4, 3), (2, 1)):
        layers.append(nn.Upsample(scale_factor=2, mode="nearest"))
        for _ in range(count):
            layers += reflected(width * n, width * n)
        layers += reflected(width * n, width * n // 2)
    end = [nn.Upsample(scale_factor=2, mode="nearest"), *reflected(width, width), *reflected(width, 3)[:-1]]
    return nn.Sequential(*layers, *end)


def spread(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each channel: `[N, C, 1, 1]` each."""
    flat = x.flatten(2)
    mean = flat.mean(2, keepdim=True)
    variance = (flat - mean).square().sum(2, keepdim=True) / (flat.shape[2] - 1)
    return mean[..., None], (variance + 1e-5).sqrt()[..., None]


def adain(content: Tensor, style: Tensor) -> Tensor:
    """What is seen in the content `[N, C, h, w]`, with the mean and deviation of each channel of the
    style."""
    (mean, deviation), (wanted, wide) = spread(content), spread(style)
    return (content - mean) / deviation * wide + wanted


def seen(eyes: nn.Sequential, pictures: Tensor) -> list[Tensor]:
    """What VGG sees of pictures `[N, 3, H, W]` in [0, 1]: relu1_1, relu2_1, relu3_1 and relu4_1."""
    out, x = [], pictures
    for start, end in zip((0, *LAYERS[:-1]), LAYERS, strict=True):
        x = eyes[start:end](x)
        out.append(x)
    return out


class AdaIN(nn.Module):
    """pixels `[N, 3, H, W]` and style `[N, 3, h, w]`, in [0, 1] -> picture `[N, 3, H, W]`; alpha: how much of
    the style, 0..1."""

    def __init__(self, eyes: int = EYES) -> None:
        super().__init__()
        self.vgg, self.decoder = vgg(eyes), decoder(eyes)

    def forward(self, pixels: Tensor, style: Tensor, alpha: float = 1.0) -> Tensor:
        content = self.vgg(pixels)
        wanted = adain(content, self.vgg(style))
        return self.decoder(wanted * alpha + content * (1 - alpha))


# --- The objective


class Style:
    """The objective: nets, one update, the score, previews, what is exported."""

    averaged = "G"

    def __init__(self, cfg: Config) -> None:
        self.cfg = cfg
        if cfg.kind == "fast":
            self.G = started(TransformerNet(cfg.width))
            self.eyes = by_chance(vgg(cfg.eyes))
            nets = {"G": self.G, "eyes": self.eyes}
        else:
            self.G = AdaIN(cfg.eyes)
            self.eyes = by_chance(self.G.vgg)
            nets = {"G": self.G}
        self.nets, self.informed = nn.ModuleDict(nets), False
        trained = [one for one in self.G.parameters() if one.requires_grad]
        self.optimisers = {"G": torch.optim.Adam(trained, cfg.lr)}

    def keep(self, i: int) -> float:
        """Share of the averaged network that step `i` keeps, less in the beginning."""
        return decay(i, self.cfg.ema)

    def transfer(self, states: dict[str, dict[str, Tensor]]) -> list[str]:
        """Begin from other weights: "G" of a run or of a published fast network, "vgg" and "decoder" as
        published."""
        nets: dict[str, nn.Module] = {"G": self.G, "vgg": self.eyes}
        nets |= {"decoder": self.G.decoder} if isinstance(self.G, AdaIN) else {}
        left = []
        for name, net in nets.items():
            if name in states:
                mine = net.state_dict()
                taken = {
                    key: one
                    for key, one in states[name].items()
                    if key in mine and mine[key].shape == one.shape
                }
                net.load_state_dict(taken, strict=False)
                left += [f"{name}.{key}" for key in mine if key not in taken]
                self.informed |= name == "vgg" and len(taken) == len(mine)
        return left

    def ready(self) -> None:
        """`RequestError` where what cannot be done without was never given."""
        if self.cfg.vgg and not self.informed:
            raise RequestError(
                "content and style are to be seen by VGG-19: give vgg_normalised.pth with --from, or --set vgg=0"
            )

    def step(self, shares: MicroBatches) -> dict[str, Tensor]:
        for group in self.optimisers["G"].param_groups:
            group["lr"] = self.cfg.lr / (1 + self.cfg.slower * shares.i)
        logs = shares.gradients(self.optimisers["G"], self._resemble)
        self.optimisers["G"].step()
        return logs

    def made(self, G: nn.Module, batch: Batch) -> Tensor:
        return G(batch.content * 255) / 255 if self.cfg.kind == "fast" else G(batch.content, batch.style)

    def _resemble(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        content, style = self.differences(self.made(self.G, batch), batch)
        loss, logs = self.cfg.content * content + self.cfg.style * style, {"content": content, "style": style}
        if self.cfg.identity:
            logs["identity"] = (self.G(batch.content, batch.content) - batch.content).abs().mean()
            loss = loss + self.cfg.identity * logs["identity"]
        return loss, {"loss": loss} | logs

    def differences(self, made: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """How far what was made is from the content and from the style, as each paper has it.

        adain: squares of differences at relu4_1 from what was asked of the decoder, and of means and
        deviations at all four layers. fast: those at relu3_1 from the content, and of Gram matrices; each
        over the squares of what is wanted, so that 1 is all of it.
        """
        with full(made):
            mine = seen(self.eyes, made.float())
            with torch.no_grad():
                content, style = seen(self.eyes, batch.content.float()), seen(self.eyes, batch.style.float())
            if self.cfg.kind == "adain":
                pairs = [
                    (a, b)
                    for x, y in zip(mine, style, strict=True)
                    for a, b in zip(spread(x), spread(y), strict=True)
                ]
                return F.mse_loss(mine[-1], adain(content[-1], style[-1])), torch.stack(
                    [F.mse_loss(a, b) for a, b in pairs]
                ).sum()
            grams = [share(gram(x), gram(y)) for x, y in zip(mine, style, strict=True)]
            return share(mine[2], content[2]), torch.stack(grams).mean()

    @torch.no_grad()
    def score(self, net: nn.Module, batch: Batch) -> Tensor:
        """What is trained for, of pictures held out, over the same of leaving them as they are: 1 is no
        better than that."""
        totals = []
        for one in (Batch(*part) for part in zip(batch.content.split(4), batch.style.split(4), strict=True)):
            both = [self.differences(made, one) for made in (self.made(net, one), one.content)]
            totals.append(
                torch.stack([self.cfg.content * content + self.cfg.style * style for content, style in both])
                * len(one.content)
            )
        made, left = torch.stack(totals).sum(0)
        return made / left.clamp(min=1e-12)

    @torch.no_grad()
    def preview(self, net: nn.Module, batch: Batch) -> Tensor:
        """Rows of twelve: pictures, styles, what comes of them: `[36, 3, S, S]` in [-1, 1]."""
        rows = torch.arange(12, device=batch.content.device) % len(batch.content)
        few = Batch(batch.content[rows], batch.style[rows])
        made = torch.cat(
            [
                self.made(net, Batch(*one))
                for one in zip(few.content.split(4), few.style.split(4), strict=True)
            ]
        )
        return torch.cat([few.content, few.style, made]).clamp(0, 1) * 2 - 1

    def parts(self, net: nn.Module) -> list[Part]:
        cfg = self.cfg
        limits = f"Learned at {cfg.size} px: strokes keep their size in pixels. " + EYESIGHT[bool(cfg.vgg)]
        return [
            part(net, cfg.kind, cfg.size, Card("style", "translator", licence="Apache-2.0", limits=limits))
        ]


EYESIGHT = {
    True: "Content and style were seen by VGG-19.",
    False: "Content and style were seen by a network of chance weights, which knows colours and textures, and no things.",
}


def part(net: nn.Module, kind: str, size: int, card: Card) -> Part:
    """A network as it is exported."""
    said = {
        "fast": "A picture in the one manner that was learned",
        "adain": "A picture in the manner of another",
    }[kind]
    span = (0.0, 255.0) if kind == "fast" else (0.0, 1.0)
    card = replace(card, description=said, size=size, value_range=span, multiple=MULTIPLES[kind])
    example = torch.zeros(1, 3, size, size)
    inputs = {"pixels": example} | ({} if kind == "fast" else {"style": example.clone()})
    return Part("translator", net, inputs, ("picture",), card)


def share(a: Tensor, b: Tensor) -> Tensor:
    """Squares of differences over those of what is wanted, for each picture; their mean."""
    return ((a - b).square().flatten(1).mean(1) / b.square().flatten(1).mean(1).clamp(min=1e-12)).mean()


def gram(x: Tensor) -> Tensor:
    """How channels go together: `[N, C, C]` of `[N, C, H, W]`, over C H W."""
    flat = x.flatten(2)
    return flat @ flat.transpose(1, 2) / (flat.shape[1] * flat.shape[2])


def build(cfg: Config) -> Style:
    return Style(cfg)


def adapt(cfg: Config, knobs: dict[str, Any], states: dict[str, dict[str, Tensor]]) -> Config:
    """`cfg` as the weights that a run begins with want it."""
    for name, state in states.items():
        shapes = {key: tuple(one.shape) for key, one in state.items()}
        if name in ("vgg", "decoder"):
            found = described_adain(shapes)
            cfg = replace(cfg, eyes=found[1]["eyes"], vgg=int(name == "vgg" or cfg.vgg)) if found else cfg
        elif found := described_fast(shapes):
            cfg = replace(cfg, width=found[1]["width"]) if cfg.kind == "fast" else cfg
    return cfg


def described_fast(shapes: Mapping[str, tuple[int, ...]]) -> tuple[str, dict[str, Any]] | None:
    """Whether a state dict is a fast network: its name "G" and the knob that its shapes fix; None where it is
    none."""
    first = shapes.get("conv1.conv2d.weight", ())
    return ("G", {"width": first[0]}) if len(first) == 4 and "deconv3.conv2d.weight" in shapes else None


def described_adain(shapes: Mapping[str, tuple[int, ...]]) -> tuple[str, dict[str, Any]] | None:
    """Whether a state dict is AdaIN's "vgg" (also the whole VGG-19) or its "decoder", and the knob that its
    shapes fix."""
    if not all(re.fullmatch(r"\d{1,2}\.(weight|bias)", key) for key in shapes):
        return None
    if (
        shapes.get("0.weight") == (3, 3, 1, 1)
        and len(shapes.get("28.weight", shapes.get("29.weight", ()))) == 4
    ):
        return "vgg", {"eyes": shapes["2.weight"][0]} if "2.weight" in shapes else {}
    last = shapes.get("28.weight", ())
    return ("decoder", {"eyes": last[1]}) if last[:1] == (3,) and "1.weight" in shapes else None


# --- Data


def load(folders: list[Path], cfg: Config, seed: int) -> Loader[Batch]:
    """A folder of pictures, and one of pictures whose style is wanted, or of a single one."""
    if len(folders) != 2:
        raise InputError(
            f"style trains on two folders, pictures and styles (one style will do): {len(folders)} came"
        )
    contents, styles = Pictures(folders[:1], cfg.load, 0, seed), Styles(folders[1], cfg.load, seed + 1)

    def cut(pictures: Array, rng: np.random.Generator) -> Tensor:
        corners = rng.integers(0, cfg.load - cfg.size + 1, (len(pictures), 2))
        cuts = [
            one[:, y : y + cfg.size, x : x + cfg.size] for one, (y, x) in zip(pictures, corners, strict=True)
        ]
        return torch.from_numpy(np.stack(cuts)).clamp(-1, 1) / 2 + 0.5

    def batch(i: int) -> Batch:
        rng = np.random.default_rng((seed, 8, i))
        return Batch(cut(contents.batch(cfg.batch, i, 0.5)[0], rng), cut(styles.batch(cfg.batch, i), rng))

    def held_out() -> Batch:
        aside, rng = contents.held_out()[0][: cfg.judged], np.random.default_rng((seed, 9))
        return Batch(cut(aside, rng), cut(styles.held_out(len(aside)), rng))

    return Loader(batch, held_out, contents.notes())


class Styles:
    """Pictures whose style is wanted: as other pictures where there are several, else one again and again."""

    def __init__(self, folder: Path, size: int, seed: int) -> None:
        found = find(folder)
        if len(found) > 1:
            self._several: Pictures | None = Pictures([folder], size, 0, seed)
        else:
            self._several = None
            self._one = square(read_rgb(found[0][0]), size).transpose(2, 0, 1)[None] / np.float32(127.5) - 1

    def batch(self, count: int, i: int) -> Array:
        """Pictures `[N, 3, S, S]` in [-1, 1]."""
        return self._one.repeat(count, 0) if self._several is None else self._several.batch(count, i, 0.0)[0]

    def held_out(self, count: int) -> Array:
        """So many pictures that are not trained on, where there are several at all; some more than once."""
        if self._several is None:
            return self._one.repeat(count, 0)
        aside = self._several.held_out()[0]
        return aside[np.arange(count) % len(aside)]
