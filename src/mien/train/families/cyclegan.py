"""CycleGAN: pictures of one manner as if they were of another, and back, learned from two folders that share
no picture.

Zhu et al. 2017, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks" (arXiv
1703.10593). G_A makes B of A and D_A judges what is B; G_B makes A of B and D_B judges what is A, as in the
published code.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...face.geometry import TEMPLATES
from ...models.card import Card
from ...types import Array
from ..blocks.ema import decay
from ..blocks.frechet import distance
from ..blocks.translators import (
    CRITICS,
    GENERATORS,
    MODES,
    check,
    critic,
    describe,
    generator,
    initialised,
    pace,
    take,
    updates,
    verdict,
)
from ..data.loader import Loader
from ..data.pairs import Unpaired
from ..engine.accumulate import MicroBatches
from ..engine.part import Part


@dataclass(frozen=True)
class Config:
    """Knobs of the cyclegan family; the values here are the paper's."""

    size: int = 256  # of the squares that are trained on
    load: int = 286  # of the pictures that these are cut from
    generator: str = "resnet"  # or "unet"
    base: int = 64  # channels that G begins with
    blocks: int = 9  # of a resnet; the paper has 6 up to 128 pixels
    downs: int = 8  # of a unet
    dropout: int = 0  # 1: in G
    critic: str = "patch"  # or "pixel"
    critic_base: int = 64
    critic_layers: int = 3  # 3: patches of 70 x 70
    gan: str = "lsgan"  # or "bce"
    cycle: float = 10.0  # weight of how far a picture is from itself after there and back
    identity: float = 0.5  # weight, times that of cycle, of how far G leaves what is as it should be already
    pool: int = 50  # older pictures that D may be shown instead of new ones; 0: none
    batch: int = 1
    steps: int = 200_000
    lr: float = 2e-4
    decay: float = 0.5  # share of the steps, at the end, over which the rate falls to 0
    # share of the averaged G that a step keeps, once enough have passed; 0: no average, as in the paper
    ema: float = 0.0
    mirror: float = 0.5  # share of the pictures that are shown mirrored
    judged: int = 128  # held-out pictures of each folder for the score, at most
    template: str = (
        ""  # how faces in the pictures are laid out, of geometry.TEMPLATES; "": pictures of anything
    )

    def __post_init__(self) -> None:
        known = [
            (self.generator, GENERATORS),
            (self.critic, CRITICS),
            (self.gan, MODES),
            (self.template, ("", *TEMPLATES)),
        ]
        about: dict[str, Any] = {
            key: getattr(self, key) for key in ("size", "generator", "downs", "blocks", "base", "decay")
        }
        check(**about, known=known)
        if self.load < self.size or self.pool < 0 or min(self.cycle, self.identity) < 0:
            raise ValueError(
                f"load {self.load} must not be below size {self.size}, nor pool and weights below 0"
            )


CPU = Config(
    size=64,
    load=72,
    base=16,
    blocks=4,
    critic_base=32,
    critic_layers=2,
    batch=4,
    steps=2_500,
    ema=0.99,
    judged=64,
    lr=4e-4,
    identity=0.2,
)
PRESETS = {
    "tiny": replace(
        CPU, size=16, load=18, base=4, blocks=1, critic_base=4, critic_layers=1, pool=3, batch=2, steps=2
    ),
    "cpu": CPU,
    "default": Config(),
}


def adapt(cfg: Config, knobs: dict[str, Any], states: dict[str, dict[str, Tensor]]) -> Config:
    """`cfg` for generators like those that a run begins with: both of a run, or a published one, which is of
    one direction."""
    if "G" not in states:
        return cfg
    try:
        known = describe({key.removeprefix("G_A."): one for key, one in states["G"].items()})
    except KeyError as error:
        raise ValueError(f"its G is no generator of CycleGAN's ({error} is missing)") from error
    if known["norm"] != "instance" or known["inputs"] != 3:
        raise ValueError(
            f"its G has {known['inputs']} channels and {known['norm']} norm, wanted 3 and instance"
        )
    changes = {key: known[key] for key in ("base", "downs", "blocks") if key in known}
    return replace(
        cfg, generator=known["kind"], dropout=int(known["dropout"] and known["kind"] == "resnet"), **changes
    )


@dataclass(frozen=True, eq=False)
class Batch:
    """Pictures `a` and `b` `[N, 3, S, S]` in [-1, 1], which have nothing to do with each other; row `[N]`:
    places in the whole batch."""

    a: Tensor
    b: Tensor
    row: Tensor


class Both(nn.Module):
    """Both generators, since both are averaged, scored and exported: a -> what b's are like, b -> what a's
    are like."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        knobs: dict[str, Any] = {"base": cfg.base, "norm": "instance", "dropout": bool(cfg.dropout)}

        def make() -> Any:
            return generator(cfg.generator, 3, 3, blocks=cfg.blocks, downs=cfg.downs, **knobs)

        self.G_A, self.G_B = make(), make()

    def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        return self.G_A(a), self.G_B(b)


class Pool(nn.Module):
    """The last pictures that were made (Shrivastava et al. 2017, arXiv 1612.07828), of 8 bits, as the real
    ones are."""

    def __init__(self, most: int, size: int) -> None:
        super().__init__()
        self.a: Tensor
        self.b: Tensor
        self.held: Tensor
        for name in "ab":
            self.register_buffer(name, torch.zeros(most, 3, size, size, dtype=torch.uint8))
        self.register_buffer("held", torch.zeros(2))  # how many of each

    @torch.no_grad()
    def mixed(self, made: dict[str, Tensor], rng: np.random.Generator) -> dict[str, Tensor]:
        """Of "a" and "b", `[N, 3, S, S]` each: every second one, by chance, exchanged for an older one once
        the pool is full."""
        return {name: self._mixed(k, getattr(self, name), made[name], rng) for k, name in enumerate("ab")}

    def _mixed(self, k: int, pool: Tensor, made: Tensor, rng: np.random.Generator) -> Tensor:
        out = made.clone()
        for n, one in enumerate(((made + 1) * 127.5).round().clamp(0, 255).byte() if len(pool) else ()):
            held = int(self.held[k])
            if held < len(pool):
                pool[held] = one
                self.held[k] += 1
            elif rng.random() < 0.5:
                at = int(rng.integers(held))
                out[n] = pool[at] / 127.5 - 1
                pool[at] = one
        return out


class CycleGAN:
    """The objective: nets, one update, the score, previews, what is exported."""

    averaged = "G"

    def __init__(self, cfg: Config) -> None:
        self.cfg = cfg

        def make() -> Any:
            return critic(cfg.critic, 3, base=cfg.critic_base, layers=cfg.critic_layers, norm="instance")

        self.G, self.D_A, self.D_B = Both(cfg), make(), make()
        self.pool = Pool(cfg.pool, cfg.size)
        for net in (self.G, self.D_A, self.D_B):
            initialised(net)
        self.nets = nn.ModuleDict({"G": self.G, "D_A": self.D_A, "D_B": self.D_B, "pool": self.pool})
        judges = itertools.chain(self.D_A.parameters(), self.D_B.parameters())

        def adam(weights: Any) -> Any:
            return torch.optim.Adam(weights, cfg.lr, betas=(0.5, 0.999))

        self.optimisers = {"G": adam(self.G.parameters()), "D": adam(judges)}

    def keep(self, i: int) -> float:
        """Share of the averaged G that step `i` keeps, less in the beginning."""
        return decay(i, self.cfg.ema)

    def transfer(self, states: dict[str, dict[str, Tensor]]) -> list[str]:
        """Begin with other weights: "G" of a run, or a published one, which makes B of A. What has the same
        name and shape is taken; returns the names of the rest."""
        given = dict(states)
        if "G" in given and not any(key.startswith("G_A.") for key in given["G"]):
            given["G"] = {f"G_A.{key}": one for key, one in given["G"].items()}
        return [
            f"{name}.{key}"
            for name in ("G", "D_A", "D_B")
            if name in given
            for key in take(self.nets[name], given[name])
        ]

    def step(self, shares: MicroBatches) -> dict[str, Tensor]:
        for optimiser in self.optimisers.values():
            for group in optimiser.param_groups:
                group["lr"] = self.cfg.lr * pace(shares.i, self.cfg.steps, self.cfg.decay)
        self._learns("G")
        logs = shares.gradients(self.optimisers["G"], self._fool)
        self.optimisers["G"].step()
        self.shown = self.pool.mixed({name: logs.pop(f"made_{name}") for name in "ab"}, shares.chance())
        self._learns("D")
        logs |= shares.gradients(self.optimisers["D"], self._discriminate)
        self.optimisers["D"].step()
        return logs

    def _learns(self, name: str) -> None:
        updates(self.G, name == "G")
        for D in (self.D_A, self.D_B):
            updates(D, name == "D")

    def _fool(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        cfg, a, b = self.cfg, batch.a, batch.b
        made_b, made_a = self.G(a, b)
        again_b, again_a = self.G(made_a, made_b)
        terms = {
            "g": verdict(self.D_A(made_b), True, cfg.gan) + verdict(self.D_B(made_a), True, cfg.gan),
            "cycle": F.l1_loss(again_a, a) + F.l1_loss(again_b, b),
        }
        loss = terms["g"] + cfg.cycle * terms["cycle"]
        if cfg.identity:
            same_b, same_a = self.G(b, a)
            terms["identity"] = F.l1_loss(same_a, a) + F.l1_loss(same_b, b)
            loss = loss + cfg.cycle * cfg.identity * terms["identity"]
        made = {"made_a": self._placed(made_a, batch.row), "made_b": self._placed(made_b, batch.row)}
        return loss, {"loss": loss, **terms, **made}

    def _placed(self, made: Tensor, row: Tensor) -> Tensor:
        """What a part has made, in the places that it has in the whole batch, so that the mean over all parts
        is the batch."""
        out = made.new_zeros(self.cfg.batch, *made.shape[1:], dtype=torch.float32)
        out[row] = made.detach().float() * (self.cfg.batch / len(made))
        return out

    def _discriminate(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        both = ((self.D_A, batch.b, "b"), (self.D_B, batch.a, "a"))
        gan = self.cfg.gan
        halves = [
            verdict(D(real), True, gan) + verdict(D(self.shown[name][batch.row]), False, gan)
            for D, real, name in both
        ]
        loss = torch.stack(halves).sum() / 2
        return loss, {"d": loss}

    @torch.no_grad()
    def score(self, net: nn.Module, batch: Batch) -> Tensor:
        """How far translations are from the held-out pictures that they should be like (see
        `frechet.distance`), over how far the pictures themselves are from those; and how far pictures are
        from themselves after there and back, over their own spread. Translating nothing gives 1."""
        assert isinstance(net, Both)
        worth = []
        for there, back, a, b in ((net.G_A, net.G_B, batch.a, batch.b), (net.G_B, net.G_A, batch.b, batch.a)):
            made = torch.cat([there(one) for one in a.split(16)])
            again = torch.cat([back(one) for one in made.split(16)])
            lost = (again - a).abs().mean() / (a - a.mean((0, 2, 3), keepdim=True)).abs().mean().clamp(
                min=1e-3
            )
            near = (
                distance(b, made) / distance(b, a).clamp(min=1e-6)
                if min(len(a), len(b)) > 1
                else lost.new_ones(())
            )
            worth.append(near.cpu() + lost.cpu())
        return torch.stack(worth).mean()

    @torch.no_grad()
    def preview(self, net: nn.Module, batch: Batch) -> Tensor:
        """Rows of twelve: A, as B, and as A again; then the same of B. `[72, 3, S, S]`"""
        assert isinstance(net, Both)
        a, b = (one[torch.arange(12, device=one.device) % len(one)] for one in (batch.a, batch.b))
        as_b, as_a = net(a, b)
        again_b, again_a = net(as_a, as_b)
        return torch.cat([a, as_b, again_a, b, as_a, again_b]).clamp(-1, 1)

    def parts(self, net: nn.Module) -> list[Part]:
        assert isinstance(net, Both)
        cfg = self.cfg
        kind = f"faces laid out as {cfg.template!r}" if cfg.template else "pictures"
        limits = f"Learned from {kind} of {cfg.size} pixels: colours and textures change well, shapes hardly. What it adds may be invented."
        about: dict[str, Any] = {
            "licence": "Apache-2.0",
            "template": cfg.template,
            "size": cfg.size,
            "value_range": (-1.0, 1.0),
        }
        pixels = {"pixels": torch.zeros(1, 3, cfg.size, cfg.size)}
        out = []
        for G, label, ends in (
            (net.G_A, "a-to-b", ("first", "second")),
            (net.G_B, "b-to-a", ("second", "first")),
        ):
            said = f"Pictures like those of the {ends[0]} folder as if they were of the {ends[1]}"
            card = Card(f"cyclegan-{label}", "translator", description=said, limits=limits, **about)
            out.append(Part("translator", G, pixels, ("picture",), replace(card, multiple=G.multiple), label))
        return out


def build(cfg: Config) -> CycleGAN:
    return CycleGAN(cfg)


def load(folders: list[Path], cfg: Config, seed: int) -> Loader[Batch]:
    """Two folders, A and B, see `pairs.Unpaired`."""
    data = Unpaired(folders, cfg.size, cfg.load, seed)

    def batch(a: Array, b: Array) -> Batch:
        return Batch(torch.from_numpy(a), torch.from_numpy(b), torch.arange(len(a)))

    return Loader(
        lambda i: batch(*data.batch(cfg.batch, i, cfg.mirror)),
        lambda: batch(*data.held_out(cfg.judged)),
        data.notes(),
    )
