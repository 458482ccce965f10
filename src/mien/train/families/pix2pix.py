"""pix2pix: a drawing, a map or any picture to the picture that belongs to it, learned from pairs, which may
be drawn of photos.

Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial Networks" (arXiv 1611.07004). With
`task=landmarks` it is the recipe of the Face2Face demo: a face after the lines of its mesh.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...face.geometry import TEMPLATES
from ...models.card import Card
from ..blocks.ema import decay
from ..blocks.translators import (
    CRITICS,
    GENERATORS,
    LEAST_DOWNS,
    MODES,
    NOISE,
    NORMS,
    Sampling,
    check,
    critic,
    describe,
    generator,
    initialised,
    own_statistics,
    pace,
    take,
    updates,
    verdict,
)
from ..data.loader import Loader, tensors
from ..data.pairs import TASKS, Pairs
from ..engine.accumulate import MicroBatches
from ..engine.part import Part

STATISTICS = ("own", "gathered")


@dataclass(frozen=True)
class Config:
    """Knobs of the pix2pix family; the values here are the paper's."""

    task: str = "pairs"  # what is shown, of pairs.TASKS: pairs that are given, or what is drawn of photos
    turned: int = 0  # 1: given pairs the other way round, from B to A
    wobble: float = (
        0.0  # share of what could be wrong with a drawing that is: strokes that waver or are missing
    )
    size: int = 256  # of the squares that are trained on
    load: int = 286  # of the pictures that these are cut from
    generator: str = "unet"  # or "resnet"
    base: int = 64  # channels that G begins with
    downs: int = 8  # of a unet: 7 up to 128 pixels
    blocks: int = 9  # of a resnet
    norm: str = "batch"  # or "instance"
    dropout: int = 1  # 1: in G, the paper's noise
    # when not in training: each picture's own, as the published tests have it; or those "gathered" in
    # training
    statistics: str = "own"
    sample: int = 0  # 1: what is exported can be asked for its noise, by the number of a draw
    critic: str = "patch"  # or "pixel"
    critic_base: int = 64
    critic_layers: int = 3  # 3: patches of 70 x 70
    gan: str = "bce"  # or "lsgan"
    l1: float = 100.0  # weight of the difference from what was wanted
    batch: int = 1
    steps: int = 200_000
    lr: float = 2e-4
    decay: float = 0.5  # share of the steps, at the end, over which the rate falls to 0
    # share of the averaged G that a step keeps, once enough have passed; 0: no average, as in the paper
    ema: float = 0.0
    mirror: float = 0.5  # share of the pairs that are shown mirrored
    judged: int = 256  # held-out pairs for the score, at most
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
        known += [(self.task, tuple(TASKS)), (self.norm, NORMS), (self.statistics, STATISTICS)]
        about: dict[str, Any] = {
            key: getattr(self, key) for key in ("size", "generator", "downs", "blocks", "base", "decay")
        }
        check(**about, known=known)
        if self.load < self.size or self.l1 < 0 or not 0 <= self.wobble <= 1:
            raise ValueError(
                f"load {self.load} must not be below size {self.size}, l1 not below 0, wobble in 0..1"
            )
        if self.sample and not (self.dropout and (self.generator == "resnet" or self.downs > LEAST_DOWNS)):
            raise ValueError(
                f"sample is for dropout=1, and a unet of more than {LEAST_DOWNS} downs: without there is no noise to ask for"
            )
        if self.turned and self.task != "pairs":
            raise ValueError("turned is for task=pairs: photos are not drawn the other way round")


CPU = Config(
    task="sketch",
    size=64,
    load=72,
    base=24,
    downs=6,
    critic_base=24,
    critic_layers=2,
    batch=8,
    steps=4_000,
    lr=5e-4,
    ema=0.995,
    statistics="gathered",
    judged=128,
)
PRESETS = {
    "tiny": replace(CPU, load=68, base=2, critic_base=4, critic_layers=1, batch=2, steps=2, sample=1),
    "cpu": CPU,
    "default": Config(),
    "sketch": Config(
        task="sketch", wobble=0.7, template="ffhq", batch=8, sample=1, statistics="gathered", ema=0.999
    ),
    "landmarks": Config(task="landmarks", template="ffhq"),
}


def adapt(cfg: Config, knobs: dict[str, Any], states: dict[str, dict[str, Tensor]]) -> Config:
    """`cfg` for generators like the one that a run begins with."""
    if "G" not in states:
        return cfg
    try:
        known = describe(states["G"])
    except KeyError as error:
        raise ValueError(f"its G is no generator of pix2pix's ({error} is missing)") from error
    if known["inputs"] != TASKS[cfg.task] and known["inputs"] == TASKS["pairs"]:
        cfg = replace(cfg, task="pairs")
    changes = {key: known[key] for key in ("base", "norm", "downs", "blocks") if key in known}
    return replace(cfg, generator=known["kind"], dropout=int(known["dropout"]), **changes)


@dataclass(frozen=True, eq=False)
class Batch:
    """What G is shown, `seen [N, C, S, S]`, and what it is to make of it, `wanted [N, 3, S, S]`, in [-1,
    1]."""

    seen: Tensor
    wanted: Tensor


class Pix2Pix:
    """The objective: nets, one update, the score, previews, what is exported."""

    averaged = "G"

    def __init__(self, cfg: Config) -> None:
        self.cfg = cfg
        channels = TASKS[cfg.task]
        knobs: dict[str, Any] = {"base": cfg.base, "norm": cfg.norm, "dropout": bool(cfg.dropout)}
        self.G = generator(cfg.generator, channels, 3, blocks=cfg.blocks, downs=cfg.downs, **knobs)
        self.D = critic(
            cfg.critic, channels + 3, base=cfg.critic_base, layers=cfg.critic_layers, norm=cfg.norm
        )
        self.nets = nn.ModuleDict({"G": initialised(self.G), "D": initialised(self.D)})
        self.nets.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - missing in torch's stubs
        self.optimisers = {
            name: torch.optim.Adam(net.parameters(), cfg.lr, betas=(0.5, 0.999))
            for name, net in self.nets.items()
        }

    def keep(self, i: int) -> float:
        """Share of the averaged G that step `i` keeps, less in the beginning."""
        return decay(i, self.cfg.ema)

    def transfer(self, states: dict[str, dict[str, Tensor]]) -> list[str]:
        """Begin with other weights, "G" and "D" by name: what has the same name and shape is taken. Returns
        the names of the rest."""
        return [
            f"{name}.{key}"
            for name in ("G", "D")
            if name in states
            for key in take(self.nets[name], states[name])
        ]

    def step(self, shares: MicroBatches) -> dict[str, Tensor]:
        for optimiser in self.optimisers.values():
            for group in optimiser.param_groups:
                group["lr"] = self.cfg.lr * pace(shares.i, self.cfg.steps, self.cfg.decay)
        logs = self._update(shares, "D", self._discriminate)
        return logs | self._update(shares, "G", self._fool)

    def _update(self, shares: MicroBatches, name: str, term: Any) -> dict[str, Tensor]:
        for key, net in self.nets.items():
            updates(net, key == name)
        logs = shares.gradients(self.optimisers[name], term)
        self.optimisers[name].step()
        return logs

    def _judge(self, seen: Tensor, picture: Tensor) -> Tensor:
        return self.D(torch.cat([seen, picture], 1))

    def _discriminate(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        made, gan = self.G(batch.seen), self.cfg.gan
        fake, real = self._judge(batch.seen, made), self._judge(batch.seen, batch.wanted)
        loss = (verdict(fake, False, gan) + verdict(real, True, gan)) / 2
        return loss, {"d": loss}

    def _fool(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        made = self.G(batch.seen)
        terms = {
            "g": verdict(self._judge(batch.seen, made), True, self.cfg.gan),
            "l1": F.l1_loss(made, batch.wanted),
        }
        loss = terms["g"] + self.cfg.l1 * terms["l1"]
        return loss, {"loss": loss, **terms}

    def used(self, G: nn.Module) -> nn.Module:
        """G as it is used when not in training."""
        return own_statistics(G) if self.cfg.statistics == "own" else G

    @torch.no_grad()
    def score(self, net: nn.Module, batch: Batch) -> Tensor:
        """Mean absolute difference from what was wanted, over that of the best guess without a network: the
        mean of all that was wanted, or what was shown, where that is a picture too. 1 is no better than
        that."""
        G, wanted = self.used(net), batch.wanted
        made = torch.cat([G(one) for one in batch.seen.split(16)])
        guesses = [
            wanted.mean(0) if len(wanted) > 1 else wanted.mean(),
            *([batch.seen] if batch.seen.shape[1] == 3 else []),
        ]
        return (made - wanted).abs().mean() / torch.stack(
            [(one - wanted).abs().mean() for one in guesses]
        ).min().clamp(min=1e-3)

    @torch.no_grad()
    def preview(self, net: nn.Module, batch: Batch) -> Tensor:
        """Rows of twelve: what is shown, what is made of it, what was wanted. `[36, 3, S, S]`"""
        rows = torch.arange(12, device=batch.seen.device) % len(batch.seen)
        seen, wanted = batch.seen[rows], batch.wanted[rows]
        return torch.cat([visible(seen), self.used(net)(seen), wanted]).clamp(-1, 1)

    def parts(self, net: nn.Module) -> list[Part]:
        cfg = self.cfg
        own, noise = cfg.statistics == "own" and cfg.norm == "batch", bool(cfg.sample)
        limits = f"{TAKES[cfg.task]} {cfg.size} pixels; what that leaves open is made up. "
        limits += "Normalises by each picture's own statistics. " if own else ""
        limits += (
            "The noise of training is kept where a draw is asked for."
            if noise
            else "The noise of training is left out."
        )
        about: dict[str, Any] = {
            "licence": "Apache-2.0",
            "template": cfg.template,
            "size": cfg.size,
            "value_range": (-1.0, 1.0),
        }
        card = Card(
            f"pix2pix-{cfg.task}",
            "translator",
            description=SAYS[cfg.task],
            limits=limits,
            multiple=self.G.multiple,
            **about,
        )
        inputs = {"pixels": torch.zeros(1, TASKS[cfg.task], cfg.size, cfg.size)}
        G = self.used(net)
        if noise:
            G, inputs, card = (
                Sampling(G),
                inputs | {"condition": torch.zeros(1, 1)},
                replace(card, conditions=(NOISE,)),
            )
        return [Part("translator", G.eval(), inputs, ("picture",), card)]


SAYS = {
    "pairs": "Pictures as the others of their pairs",
    "sketch": "Drawings to pictures",
    "edges": "Edges to pictures",
    "landmarks": "The lines of a face's mesh to a face",
    "segmentation": "Maps of a face's parts to a face",
}
TAKES = {
    "pairs": "Learned from pairs of",
    "sketch": "Takes a drawing, dark on white; learned from drawings made of pictures of",
    "edges": "Takes thin edges, dark on white; learned from edges of pictures of",
    "landmarks": "Takes lines, white on black, as `mesh.lines` draws them; learned from faces of",
    "segmentation": f"Takes {TASKS['segmentation']} maps of CelebAMask-HQ's classes, 1 within and -1 without; learned from faces of",
}


def visible(x: Tensor) -> Tensor:
    """What G is shown `[N, C, S, S]`, for human eyes: `[N, 3, S, S]`."""
    if x.shape[1] in (1, 3):
        return x.expand(-1, 3, -1, -1)
    hues = torch.rand(x.shape[1], 3, generator=torch.Generator().manual_seed(1)).to(x) * 2 - 1
    return torch.einsum("nchw,cd->ndhw", x / 2 + 0.5, hues)


def build(cfg: Config) -> Pix2Pix:
    return Pix2Pix(cfg)


def load(folders: list[Path], cfg: Config, seed: int) -> Loader[Batch]:
    """Pairs, or photos to draw, see `pairs.Pairs`."""
    data = Pairs(folders, cfg.size, cfg.load, cfg.task, seed, wobble=cfg.wobble, turned=bool(cfg.turned))

    def batch(i: Any) -> Any:
        return Batch(*tensors(data.batch(cfg.batch, i, cfg.mirror)))

    return Loader(batch, lambda: Batch(*tensors(data.held_out(cfg.judged))), data.notes())
