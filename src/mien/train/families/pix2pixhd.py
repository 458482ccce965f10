"""pix2pixHD: large pictures from maps of classes, or from other pictures, by a coarse generator and enhancers
around it.

Wang et al. 2018, "High-Resolution Image Synthesis and Semantic Manipulation with Conditional GANs" (arXiv
1711.11585). The state dicts have the names and shapes of the published ones. The paper's VGG loss is left
out: likeness is judged by what the discriminators see.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...models.card import Card, Condition
from ..blocks.ema import decay
from ..blocks.layers import full
from ..blocks.translators import ResNetBlock, initialised, pace, updates, verdict
from ..data.label_maps import LabelMaps
from ..data.loader import Loader, tensors
from ..engine.accumulate import MicroBatches
from ..engine.part import Part

# an example's sides, in multiples of what G takes: enough to compare, and small where G is made for large
# pictures
SIDES = 8


@dataclass(frozen=True)
class Config:
    """Knobs of the pix2pixhd family; the values here are the paper's for the coarse generator at 512 x
    1024."""

    size: int = 512  # height of the pictures
    aspect: int = 2  # width, in heights
    labels: int = 35  # classes in a map; 0: colour pictures take the place of maps
    # 1: G also sees the borders between instances; where there are no maps of them, those between classes
    instances: int = 1
    # numbers for each instance that an encoder tells G of the picture, the paper's are 3; 0: no encoder
    features: int = 0
    width: int = 64  # channels that the coarse generator begins with
    downs: int = 4
    blocks: int = 9
    enhancers: int = 0  # generators of twice the resolution around the coarse one
    enhancer_blocks: int = 3
    alone: float = 0.0  # share of the steps in which the last enhancer is trained alone
    critic_width: int = 64
    critic_layers: int = 3
    scales: int = 2  # discriminators, each at half the resolution
    encoder_width: int = 16
    matching: float = 10.0  # weight of the difference between what the discriminators see in both pictures
    batch: int = 1
    steps: int = 595_000  # 200 times Cityscapes
    lr: float = 2e-4
    decay: float = 0.5  # share of the steps over which the rate falls to 0
    # share of the averaged G that a step keeps, once enough have passed; 0: no average, as in the paper
    ema: float = 0.0
    mirror: float = 0.5  # share of the pictures that are shown mirrored
    mirrored: tuple[int, ...] = ()  # pairs of classes that are each other's mirror image, one after the other
    judged: int = 64  # held-out pictures for the score, at most

    def __post_init__(self) -> None:
        if self.size % self.multiple or self.size < 2 * self.multiple or self.aspect < 1:
            raise ValueError(
                f"size {self.size} must be a multiple of {self.multiple}, at least twice that, and aspect at least 1"
            )
        if (
            min(self.labels, self.features, self.enhancers) < 0
            or min(self.width, self.blocks, self.scales, self.critic_layers) < 1
        ):
            raise ValueError(
                "labels, features and enhancers are not below 0; width, blocks, scales and critic_layers at least 1"
            )
        if self.width % 2**self.enhancers:
            raise ValueError(
                f"width {self.width} must be a multiple of {2**self.enhancers} for {self.enhancers} enhancers"
            )
        if len(self.mirrored) % 2 or any(not 0 <= one < max(self.labels, 1) for one in self.mirrored):
            raise ValueError(f"mirrored {self.mirrored} wants pairs of classes below {self.labels}")
        if not 0 <= self.decay <= 1 or not 0 <= self.alone <= 1 or (self.alone and not self.enhancers):
            raise ValueError("decay and alone are shares, and without enhancers none is trained alone")

    @property
    def multiple(self) -> int:
        """Heights and widths that G takes are multiples of this."""
        return 2 ** (self.downs + self.enhancers)

    @property
    def inputs(self) -> int:
        """Channels that G sees."""
        return (self.labels or 3) + bool(self.instances) + self.features


FACES = Config(
    size=256, aspect=1, labels=19, mirrored=(4, 5, 6, 7, 8, 9), features=3, batch=4, ema=0.998, steps=40_000
)
PRESETS = {
    "tiny": replace(
        FACES,
        size=32,
        width=8,
        downs=2,
        blocks=1,
        enhancers=1,
        enhancer_blocks=1,
        critic_width=4,
        critic_layers=2,
        encoder_width=2,
        batch=2,
        steps=2,
    ),
    "cpu": replace(FACES, size=64, width=24, downs=3, blocks=3, critic_width=24, encoder_width=8, steps=4000),
    "default": FACES,
    "paper512": Config(),
    "paper1024": Config(size=1024, enhancers=1, scales=3, alone=0.1, steps=297_500),
}


@dataclass(frozen=True, eq=False)
class Batch:
    """Maps `label [N, 1, H, W]` of numbers of classes, or pictures `[N, 3, H, W]` in [-1, 1] in their place;
    `instance [N, 1, H, W]`: a number for each object; the pictures `real [N, 3, H, W]` in [-1, 1]."""

    label: Tensor
    instance: Tensor
    real: Tensor


# --- Networks


def conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> list[nn.Module]:
    """With reflected borders where it keeps the size."""
    if stride == 1:
        return [nn.ReflectionPad2d(kernel // 2), nn.Conv2d(inputs, outputs, kernel)]
    return [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2)]


def normed(channels: int) -> list[nn.Module]:
    return [nn.InstanceNorm2d(channels), nn.ReLU()]


def doubling(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1), *normed(outputs)]


def halved(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)


class Generator(nn.Module):
    """G: what it is shown `[N, C, H, W]` -> `[N, 3, H, W]` in [-1, 1]; H and W are multiples of 2 ** (downs +
    enhancers).

    width is that of the coarse generator, which sees the picture at 1 / 2 ** enhancers of its size.
    """

    def __init__(
        self,
        inputs: int,
        *,
        width: int = 64,
        downs: int = 4,
        blocks: int = 9,
        enhancers: int = 0,
        enhancer_blocks: int = 3,
    ):
        super().__init__()
        self.enhancers = enhancers
        layers = [*conv(inputs, width, 7), *normed(width)]
        for n in range(downs):
            layers += [*conv(width * 2**n, width * 2 ** (n + 1), stride=2), *normed(width * 2 ** (n + 1))]
        layers += [ResNetBlock(width * 2**downs, "instance", False) for _ in range(blocks)]
        for n in reversed(range(downs)):
            layers += doubling(width * 2 ** (n + 1), width * 2**n)
        self.model = nn.Sequential(*layers, *([] if enhancers else self._end(width)))
        for k in range(1, enhancers + 1):
            thin = width // 2**k
            self.add_module(
                f"model{k}_1",
                nn.Sequential(
                    *conv(inputs, thin, 7), *normed(thin), *conv(thin, 2 * thin, stride=2), *normed(2 * thin)
                ),
            )
            around = [ResNetBlock(2 * thin, "instance", False) for _ in range(enhancer_blocks)]
            end = self._end(thin) if k == enhancers else []
            self.add_module(f"model{k}_2", nn.Sequential(*around, *doubling(2 * thin, thin), *end))

    @staticmethod
    def _end(width: int) -> list[nn.Module]:
        return [*conv(width, 3, 7), nn.Tanh()]

    def forward(self, x: Tensor) -> Tensor:
        sizes = [x]  # the picture, and halved and halved
        for _ in range(self.enhancers):
            sizes.append(halved(sizes[-1]))
        out = self.model(sizes.pop())
        for k in range(1, self.enhancers + 1):
            out = self.get_submodule(f"model{k}_2")(self.get_submodule(f"model{k}_1")(sizes.pop()) + out)
        return out

    def only(self, last: bool) -> None:
        """Let gradients reach the last enhancer alone, or everything."""
        for name, one in self.named_children():
            updates(one, not last or name.startswith(f"model{self.enhancers}_"))


class Discriminators(nn.Module):
    """D: pictures `[N, C, H, W]` -> for each scale, the finest first, what each layer sees; the last is
    scores of patches."""

    def __init__(self, inputs: int, *, width: int = 64, layers: int = 3, scales: int = 2) -> None:
        super().__init__()
        self.layers, self.scales = layers, scales
        widths = [inputs, *(min(width * 2**n, 512) for n in range(layers + 1)), 1]
        for scale in range(scales):
            for j in range(layers + 2):
                stack: list[nn.Module] = [
                    nn.Conv2d(widths[j], widths[j + 1], 4, stride=2 if j < layers else 1, padding=2)
                ]
                stack += [nn.InstanceNorm2d(widths[j + 1])] if 0 < j <= layers else []
                stack += [nn.LeakyReLU(0.2)] if j <= layers else []
                self.add_module(f"scale{scale}_layer{j}", nn.Sequential(*stack))

    def forward(self, x: Tensor) -> list[list[Tensor]]:
        out = []
        for scale in reversed(range(self.scales)):
            seen = [x]
            for j in range(self.layers + 2):
                seen.append(self.get_submodule(f"scale{scale}_layer{j}")(seen[-1]))
            out.append(seen[1:])
            x = halved(x)
        return out


class Encoder(nn.Module):
    """E: pictures `[N, 3, H, W]` and instances `[N, 1, H, W]` -> features `[N, F, H, W]` in [-1, 1], the same
    all over an instance."""

    def __init__(self, outputs: int = 3, *, width: int = 16, downs: int = 4) -> None:
        super().__init__()
        layers = [*conv(3, width, 7), *normed(width)]
        for n in range(downs):
            layers += [*conv(width * 2**n, width * 2 ** (n + 1), stride=2), *normed(width * 2 ** (n + 1))]
        for n in reversed(range(downs)):
            layers += doubling(width * 2 ** (n + 1), width * 2**n)
        self.model = nn.Sequential(*layers, *conv(width, outputs, 7), nn.Tanh())

    def forward(self, pictures: Tensor, instance: Tensor) -> Tensor:
        return pooled(self.model(pictures), instance)


def pooled(x: Tensor, instance: Tensor) -> Tensor:
    """`x [N, F, H, W]` as its mean over each instance of each picture; instance `[N, 1, H, W]`."""
    count = len(x)
    own = torch.stack(
        [
            torch.arange(count, device=x.device)[:, None].expand(-1, instance[0].numel()),
            instance.flatten(1).long(),
        ],
        -1,
    )
    _, place = torch.unique(
        own.flatten(0, 1), dim=0, return_inverse=True
    )  # [N H W]: which instance of which picture
    values = x.float().permute(0, 2, 3, 1).flatten(0, 2)  # [N H W, F]
    sums = values.new_zeros(int(place.max()) + 1, values.shape[1]).index_add(0, place, values)
    means = sums / torch.bincount(place)[:, None]
    return means[place].view(count, *x.shape[2:], -1).permute(0, 3, 1, 2)


def borders(instance: Tensor) -> Tensor:
    """1 on both sides of where an instance ends, else 0: `[N, 1, H, W]`."""
    edge = torch.zeros_like(instance, dtype=torch.bool)
    across, down = instance[..., 1:] != instance[..., :-1], instance[..., 1:, :] != instance[..., :-1, :]
    edge[..., 1:] |= across
    edge[..., :-1] |= across
    edge[..., 1:, :] |= down
    edge[..., :-1, :] |= down
    return edge.float()


class Told(nn.Module):
    """A generator as it is exported: pixels `[N, C, H, W]` in [-1, 1], also those of its maps, `zero` to
    `one` of the channels, which are 0 or 1 within; features, where there are any, are a condition `[N, F]`,
    the same for the whole picture."""

    def __init__(self, net: nn.Module, zero: int, one: int, features: int = 0) -> None:
        super().__init__()
        self.net, self.zero, self.one, self.features = net, zero, one, features

    def forward(self, pixels: Tensor, condition: Tensor | None = None) -> Tensor:
        maps = pixels[:, self.zero : self.one] / 2 + 0.5
        x = torch.cat([pixels[:, : self.zero], maps, pixels[:, self.one :]], 1)
        if condition is not None:
            x = torch.cat([x, condition[:, :, None, None].expand(-1, -1, *x.shape[2:])], 1)
        return self.net(x)


# --- The objective


class Pix2pixHD:
    """The objective: nets, one update, the score, previews, what is exported."""

    averaged = "G"

    def __init__(self, cfg: Config) -> None:
        self.cfg = cfg
        knobs = {
            key: getattr(cfg, key) for key in ("width", "downs", "blocks", "enhancers", "enhancer_blocks")
        }
        self.G = Generator(cfg.inputs, **knobs)
        seen = cfg.inputs - cfg.features + 3  # the discriminators see no features
        self.D = Discriminators(seen, width=cfg.critic_width, layers=cfg.critic_layers, scales=cfg.scales)
        self.E = Encoder(cfg.features, width=cfg.encoder_width, downs=cfg.downs) if cfg.features else None
        named = {"G": self.G, "D": self.D, "E": self.E}
        self.nets = nn.ModuleDict({name: initialised(net) for name, net in named.items() if net is not None})
        own = [*self.G.parameters(), *(self.E.parameters() if self.E else ())]
        adam: dict[str, Any] = {"lr": cfg.lr, "betas": (0.5, 0.999)}
        self.optimisers = {
            "G": torch.optim.Adam(own, **adam),
            "D": torch.optim.Adam(self.D.parameters(), **adam),
        }

    def keep(self, i: int) -> float:
        """Share of the averaged G that step `i` keeps, less in the beginning."""
        return decay(i, self.cfg.ema)

    def transfer(self, states: dict[str, dict[str, Tensor]]) -> list[str]:
        """Begin from other weights "G", "D", "E": what has the same name and shape, so also a coarse G for
        one with enhancers."""
        left = []
        for name, state in states.items():
            if name in self.nets:
                mine = self.nets[name].state_dict()
                taken = {
                    key: one for key, one in state.items() if key in mine and mine[key].shape == one.shape
                }
                self.nets[name].load_state_dict(taken, strict=False)
                left += [f"{name}.{key}" for key in mine if key not in taken]
        return left

    def step(self, shares: MicroBatches) -> dict[str, Tensor]:
        cfg, i = self.cfg, shares.i
        for optimiser in self.optimisers.values():
            for group in optimiser.param_groups:
                group["lr"] = cfg.lr * pace(i, cfg.steps, cfg.decay)
        alone = i < cfg.alone * cfg.steps
        if cfg.alone:
            self.G.only(last=alone)
        fakes: list[Tensor] = []  # of every part of the batch, for the discriminators

        def draw(batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
            shown = self.shown(batch)
            fake = self.G(self._told(shown, batch))
            fakes.append(fake.detach())
            return self._resemble(shown, fake, batch.real)

        updates(self.D, False)
        logs = shares.gradients(self.optimisers["G"], draw)
        self.optimisers["G"].step()
        updates(self.D, True)
        logs |= shares.gradients(self.optimisers["D"], lambda batch: self._tell_apart(batch, fakes.pop(0)))
        self.optimisers["D"].step()
        return logs

    def shown(self, batch: Batch) -> Tensor:
        """What both networks see of the maps: a channel for each class, or colours, and borders."""
        classes = torch.arange(self.cfg.labels, device=batch.label.device)[:, None, None]
        maps = (batch.label == classes).float() if self.cfg.labels else batch.label
        return torch.cat([maps, borders(batch.instance)], 1) if self.cfg.instances else maps

    def _told(self, shown: Tensor, batch: Batch) -> Tensor:
        """What G sees: that, and features of the real picture."""
        return shown if self.E is None else torch.cat([shown, self.E(batch.real, batch.instance)], 1)

    def _resemble(self, shown: Tensor, fake: Tensor, real: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        with torch.no_grad():
            wanted = self.D(torch.cat([shown, real], 1))
        judged = self.D(torch.cat([shown, fake], 1))
        with full(fake):
            g = torch.stack([verdict(seen[-1], True, "lsgan") for seen in judged]).sum()
            pairs = [
                (a.float(), b.float())
                for ours, theirs in zip(judged, wanted, strict=True)
                for a, b in zip(ours[:-1], theirs[:-1], strict=True)
            ]
            matching = torch.stack([F.l1_loss(a, b) for a, b in pairs]).sum() * (
                4 / (self.cfg.critic_layers + 1) / self.cfg.scales
            )
            return g + self.cfg.matching * matching, {
                "g": g,
                "matching": matching,
                "l1": (fake - real).abs().mean(),
            }

    def _tell_apart(self, batch: Batch, fake: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        shown = self.shown(batch)
        terms = [verdict(seen[-1], False, "lsgan") for seen in self.D(torch.cat([shown, fake], 1))]
        terms += [verdict(seen[-1], True, "lsgan") for seen in self.D(torch.cat([shown, batch.real], 1))]
        loss = torch.stack(terms).sum() / 2
        return loss, {"d": loss}

    @torch.no_grad()
    def made(self, G: nn.Module, batch: Batch) -> Tensor:
        """What G makes of a batch, with features of the real pictures where it knows any; few at a time."""
        parts = zip(*(getattr(batch, name).split(4) for name in ("label", "instance", "real")), strict=True)
        return torch.cat([G(self._told(self.shown(one), one)) for one in (Batch(*part) for part in parts)])

    @torch.no_grad()
    def score(self, net: nn.Module, batch: Batch) -> Tensor:
        """Mean absolute difference from the real pictures, over that of their mean colour: 1 is no better
        than that. With an encoder, it is told the features of the real pictures."""
        mean = batch.real.mean((0, 2, 3), keepdim=True)
        return (self.made(net, batch) - batch.real).abs().mean() / (mean - batch.real).abs().mean().clamp(
            min=1e-6
        )

    @torch.no_grad()
    def preview(self, net: nn.Module, batch: Batch) -> Tensor:
        """Rows of six: what is shown, what is made of it, the real picture. `[., 3, H, W]`"""
        few = Batch(*(getattr(batch, name)[:4] for name in ("label", "instance", "real")))
        shown = self.shown(few)
        hues = torch.rand(shown.shape[1], 3, generator=torch.Generator().manual_seed(1)).to(shown) * 2 - 1
        colours = torch.einsum("nchw,cd->ndhw", shown, hues) if self.cfg.labels else few.label
        return torch.stack([colours, self.made(net, few), few.real], 1).flatten(0, 1).clamp(-1, 1)

    def parts(self, net: nn.Module) -> list[Part]:
        cfg = self.cfg
        maps = f"{cfg.labels} maps, 1 within a class and -1 without" if cfg.labels else "a colour picture"
        maps += ", and a map of the borders between objects" if cfg.instances else ""
        limits = f"Takes {maps}. Learned from pictures of {cfg.size * cfg.aspect} x {cfg.size}; judged without VGG's eyes."
        looks = tuple(Condition(f"look-{k + 1}", "", -1.0, 1.0) for k in range(cfg.features))
        about: dict[str, Any] = {
            "template": "ffhq" if cfg.mirrored == FACES.mirrored else "",
            "size": cfg.size,
            "value_range": (-1.0, 1.0),
        }
        card = Card(
            "pix2pixhd",
            "translator",
            licence="Apache-2.0",
            description="Maps of classes to a picture",
            limits=limits,
            **about,
        )
        card = replace(card, conditions=looks, multiple=cfg.multiple)
        inputs = {
            "pixels": torch.zeros(1, cfg.inputs - cfg.features, *[min(cfg.size, SIDES * cfg.multiple)] * 2)
        }
        inputs |= {"condition": torch.zeros(1, cfg.features)} if cfg.features else {}
        return [
            Part(
                "translator",
                told(net, cfg.inputs - cfg.features, bool(cfg.labels), bool(cfg.instances)),
                inputs,
                ("picture",),
                card,
            )
        ]


def told(net: nn.Module, channels: int, maps: bool, edges: bool) -> nn.Module:
    """A generator as it is exported; its channels are maps of classes or three colours, and perhaps
    borders."""
    zero = 0 if maps else 3
    return Told(net, zero, channels) if maps or edges else net


def build(cfg: Config) -> Pix2pixHD:
    return Pix2pixHD(cfg)


def adapt(cfg: Config, knobs: dict[str, Any], states: dict[str, dict[str, Tensor]]) -> Config:
    """`cfg` as the weights that a run begins with want it; the enhancers of `cfg` stay where they have
    none."""
    found = described({key: tuple(one.shape) for key, one in states["G"].items()}) if "G" in states else None
    if found is None:
        return cfg
    known = found[1]
    known.pop("inputs")
    return replace(
        cfg, **(known if known["enhancers"] else {key: known[key] for key in ("width", "downs", "blocks")})
    )


def described(shapes: Mapping[str, tuple[int, ...]]) -> tuple[str, dict[str, Any]] | None:
    """Which network a state dict is, "G", "D" or "E", and the knobs that its shapes fix; None where it is
    none of this family.

    A generator of two halvings and few inputs is CycleGAN's too, and is left to it.
    """
    if "scale0_layer0.0.weight" in shapes:
        layers = {
            tuple(map(int, found.groups()))
            for key in shapes
            if (found := re.fullmatch(r"scale(\d)_layer(\d{1,2})\.0\.weight", key))
        }
        width, inputs = shapes["scale0_layer0.0.weight"][:2]
        return "D", {
            "inputs": inputs,
            "width": width,
            "layers": max(j for _, j in layers) - 1,
            "scales": 1 + max(k for k, _ in layers),
        }
    weights = {
        int(found[1]): one
        for key, one in shapes.items()
        if (found := re.fullmatch(r"model\.(\d{1,3})\.weight", key))
    }
    if (
        any(len(one) != 4 for one in weights.values())
        or len(weights.get(1, ())) != 4
        or weights[1][2:] != (7, 7)
    ):
        return None
    width, inputs = weights[1][:2]
    blocks = {
        int(found[1])
        for key in shapes
        if (found := re.fullmatch(r"model\.(\d{1,3})\.conv_block\.1\.weight", key))
    }
    enhancers = sum(re.fullmatch(r"model\d_1\.1\.weight", key) is not None for key in shapes)
    downs = sum(1 for at in weights if 1 < at < min(blocks)) if blocks else (len(weights) - 2) // 2
    if not blocks:
        return "E", {"outputs": weights[max(weights)][0], "width": width, "downs": downs}
    if not enhancers and downs < 3 and inputs <= 4:
        return None
    around = sum(re.fullmatch(r"model1_2\.\d+\.conv_block\.1\.weight", key) is not None for key in shapes)
    knobs = {"inputs": inputs, "width": width, "downs": downs, "blocks": len(blocks), "enhancers": enhancers}
    return "G", knobs | ({"enhancer_blocks": around} if enhancers else {})


def load(folders: list[Path], cfg: Config, seed: int) -> Loader[Batch]:
    """See `maps.LabelMaps`."""
    data = LabelMaps(folders, cfg.size, cfg.size * cfg.aspect, cfg.labels, cfg.mirrored, seed)

    def batch(i: Any) -> Any:
        return Batch(*tensors(data.batch(cfg.batch, i, cfg.mirror)))

    return Loader(batch, lambda: Batch(*tensors(data.held_out(cfg.judged))), data.notes())
