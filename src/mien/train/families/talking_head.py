"""Talking heads of few pictures: an embedder says who it is, a generator draws that person after a drawing of a face's
features, and a discriminator knows each person that was trained on. Once that is learned of many people, few pictures
of another are enough to go on with (preset "person").

Zakharov et al. 2019, "Few-Shot Adversarial Learning of Realistic Neural Talking Head Models" (arXiv 1905.08233), with
the layers of the published weights (vincent-thevenin's): spectral norm (Miyato et al. 2018, arXiv 1802.05957),
self-attention (Zhang et al. 2018), adaptive instance norm (Huang and Belongie 2017, arXiv 1703.06868), and D that
projects on a row for each person (Miyato and Koyama 2018, arXiv 1802.05637). Other than there: faces are laid out by
the mesh, whose lines are drawn with the irises; content is seen by the embedder in the box where VGG-19 and VGGFace
looked, and as pixels; weights are averaged where `ema` says so.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, parametrize

from ...errors import RequestError
from ...face.geometry import TEMPLATES
from ...models.card import Card
from ..blocks.ema import decay
from ..blocks.embedder import Eyes
from ..blocks.layers import Attention
from ..blocks.losses import hinge_d
from ..blocks.translators import take, updates
from ..data.heads import HeadBatch, Heads
from ..data.loader import Loader, tensors
from ..engine.accumulate import MicroBatches
from ..engine.part import Part

PUBLISHED, SIDE = 64, 256  # channels that the published networks begin with, and pixels of their pictures
SLOPE = 0.01  # of what is below 0
DEEP = 8  # times the channels at the beginning: of a code, and of what is deepest
RESIDUALS = 5
UP = (8, 4, 2, 1, 0.5)  # times those channels: before, between and behind the enlargements
MULTIPLE, SMALLEST = 16, 64  # pixels of a side
JUDGED = 2  # updates of D for each of G
FEATURES, MATCH = 10.0, 10.0  # weights of what D sees, and of codes that are to be D's rows
PEOPLE = ("many", "one")
SHOWN = 8  # faces in a preview


@dataclass(frozen=True)
class Config:
    """Knobs of the talking_head family; the values here are the published ones, but for the weights of contents."""

    size: int = 256  # pixels that are seen and drawn
    base: int = PUBLISHED  # channels that all networks begin with
    people: str = "many"  # or "one": few pictures of one person, beginning with a run of many
    shots: int = 8  # pictures that tell who it is
    known: int = 1024  # people to learn from, at most
    pixels: float = 10.0  # weight of the difference in pixels
    perceptual: float = 1.0  # weight of what an embedder sees
    eyes: str = "identity"  # that embedder, of `mien models`
    template: str = "head"  # how faces are laid out
    mirror: float = 0.5  # share of the pictures that are mirrored
    batch: int = 8
    steps: int = 200_000
    lr: float = 5e-5  # of embedder and generator
    lr_d: float = 2e-4
    ema: float = 0.0  # share of the averaged weights that a step keeps; 0: no average
    judged: int = 32  # held-out pictures for the score, at most

    def __post_init__(self) -> None:
        for value, known in ((self.people, PEOPLE), (self.template, TEMPLATES)):
            if value not in known:
                raise ValueError(f"{value!r} is unknown: there are {', '.join(known)}")
        if self.size % MULTIPLE or self.size < SMALLEST:
            raise ValueError(f"size {self.size} must be a multiple of {MULTIPLE}, and at least {SMALLEST}")
        if self.base < 8 or self.base % 2 or self.shots < 1 or self.known < 1 or self.perceptual < 0:
            raise ValueError(
                "base is even and at least 8, shots and known at least 1, perceptual not below 0"
            )


PRESETS = {
    "tiny": Config(size=64, base=8, shots=2, known=16, perceptual=0.0, batch=2, steps=2, judged=4),
    "cpu": Config(size=64, base=16, shots=2, perceptual=0.0, batch=4, steps=6_000, lr=5e-4, ema=0.998),
    "default": Config(),
    "person": Config(people="one", known=1, batch=4, steps=400),
}


def adapt(cfg: Config, knobs: dict[str, Any], states: dict[str, dict[str, Tensor]]) -> Config:
    """`cfg` for networks like those that a run begins with."""
    state = states.get("G", {})
    if "generator.p" not in state:
        raise ValueError("it holds no generator of talking heads")
    return replace(
        cfg, base=state["generator.p"].shape[1] // DEEP, size=int(state.get("side", torch.tensor(cfg.size)))
    )


@dataclass(frozen=True, eq=False)
class Batch:
    """See `heads.HeadBatch`; all in 0..1."""

    seen: Tensor
    wanted: Tensor
    lines: Tensor
    who: Tensor


# --- Networks


def conv(inputs: int, outputs: int, kernel: int = 3) -> nn.Conv2d:
    """A convolution that keeps the size, with spectral norm."""
    return normed(nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2))


def normed(layer: nn.Conv2d) -> nn.Conv2d:
    parametrizations.spectral_norm(layer)
    return layer


def act(x: Tensor) -> Tensor:
    return F.leaky_relu(x, SLOPE)


def adain(x: Tensor, mean: Tensor, spread: Tensor) -> Tensor:
    """Features `[N, C, H, W]` with mean and spread `[N, C]` in place of their own."""
    own = x.float().flatten(2)
    centred = x - own.mean(2)[..., None, None]
    return spread[..., None, None] * centred / (own.std(2)[..., None, None] + 1e-5) + mean[..., None, None]


class Down(nn.Module):
    """A residual block that halves the size, as in BigGAN (Brock et al. 2019, arXiv 1809.11096)."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3) -> None:
        super().__init__()
        self.skip = conv(inputs, outputs, 1)
        self.conv0, self.conv1 = conv(inputs, outputs, kernel), conv(outputs, outputs, kernel)

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(self.skip(x), 2) + F.avg_pool2d(self.conv1(act(self.conv0(act(x)))), 2)


class Residual(nn.Module):
    """Two convolutions added to their input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv0, self.conv1 = conv(channels, channels), conv(channels, channels)


class PlainResidual(Residual):
    """Of D."""

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv1(act(self.conv0(x)))


class StyledResidual(Residual):
    """Of G; styles: two means and spreads."""

    def forward(self, x: Tensor, styles: list[Tensor]) -> Tensor:
        return x + self.conv1(act(adain(self.conv0(act(adain(x, *styles[:2]))), *styles[2:])))


class Up(nn.Module):
    """A residual block that doubles the size; styles: two means and spreads."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.skip = conv(inputs, outputs, 1)
        self.conv0, self.conv1 = conv(inputs, outputs), conv(outputs, outputs)

    def forward(self, x: Tensor, styles: list[Tensor]) -> Tensor:
        main = self.conv0(_doubled(act(adain(x, *styles[:2]))))
        return self.skip(_doubled(x)) + self.conv1(act(adain(main, *styles[2:])))


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


class Trunk(nn.Module):
    """Pictures with their drawings `[N, 6, S, S]` -> features at six halved sizes, the last `[N, 8 base, S/64, S/64]`."""

    def __init__(self, base: int) -> None:
        super().__init__()
        widths = [6, *(base * n for n in (1, 2, 4, DEEP, DEEP, DEEP))]
        self.downs = nn.ModuleList(Down(a, b) for a, b in pairwise(widths))
        self.attention = Attention(widths[3], normed)

    def forward(self, x: Tensor) -> list[Tensor]:
        out: list[Tensor] = []
        for place, down in enumerate(self.downs):
            x = down(x)
            out.append(x)
            if place == 2:
                x = self.attention(x)
        return out


class Embedder(Trunk):
    """Pictures with their drawings `[N, 6, S, S]` -> who it is `[N, 8 base]`."""

    def code(self, x: Tensor) -> Tensor:
        return act(self(x)[-1].amax((2, 3)))


class Generator(nn.Module):
    """Drawings `[N, 3, S, S]` and styles `[N or 1, 206 base]` -> pictures `[N, 3, S, S]` in 0..1. p: codes to styles; psi:
    the styles of one person, where there is but one."""

    def __init__(self, base: int) -> None:
        super().__init__()
        downs, ups = [3, *(base * n for n in (1, 2, 4, DEEP))], [round(base * n) for n in UP]
        self.downs = nn.ModuleList(Down(a, b, 9 if a == 3 else 3) for a, b in pairwise(downs))
        self.norms = nn.ModuleList(nn.InstanceNorm2d(width, affine=True) for width in downs[1:])
        self.attention0, self.attention1 = Attention(downs[3], normed), Attention(ups[2], normed)
        self.residuals = nn.ModuleList(StyledResidual(downs[-1]) for _ in range(RESIDUALS))
        self.ups = nn.ModuleList(Up(a, b) for a, b in pairwise(ups))
        self.out = nn.Conv2d(ups[-1], 3, 3, padding=1)
        blocks = [(downs[-1],) * 2] * RESIDUALS + [*pairwise(ups)]
        self.widths = [width for pair in blocks for one in pair for width in (one, one)] + [ups[-1]] * 2
        self.p = nn.Parameter(torch.randn(sum(self.widths), DEEP * base) * 0.02)
        self.psi = nn.Parameter(torch.zeros(sum(self.widths), 1))

    def styles(self, code: Tensor) -> Tensor:
        return code @ self.p.T

    def forward(self, lines: Tensor, styles: Tensor) -> Tensor:
        parts = styles.split(self.widths, 1)
        x = lines
        for place, (down, norm) in enumerate(zip(self.downs, self.norms, strict=True)):
            x = norm(down(x))
            x = self.attention0(x) if place == 2 else x
        blocks = [*self.residuals, *self.ups]
        for place, block in enumerate(blocks):
            x = block(x, parts[4 * place : 4 * place + 4])
            x = self.attention1(x) if place == RESIDUALS + 1 else x
        return self.out(act(adain(x, *parts[-2:]))).sigmoid()


class Talker(nn.Module):
    """All that is averaged: embedder and generator. side: pixels that they are trained at; one: of one person."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.embedder, self.generator, self.one = Embedder(cfg.base), Generator(cfg.base), cfg.people == "one"
        self.side: Tensor
        self.register_buffer("side", torch.tensor(cfg.size))

    def code(self, seen: Tensor) -> Tensor:
        """Pictures of each person `[N, K, 6, S, S]` -> who it is `[N, 8 base]`."""
        return self.embedder.code(seen.flatten(0, 1)).unflatten(0, seen.shape[:2]).mean(1)

    def forward(self, seen: Tensor, lines: Tensor) -> tuple[Tensor, Tensor | None]:
        """Pictures after drawings `[N, 3, S, S]`, and codes; of one person there are none."""
        if self.one:
            return self.generator(lines, self.generator.psi.T), None
        code = self.code(seen)
        return self.generator(lines, self.generator.styles(code)), code


class Discriminator(nn.Module):
    """Pictures with their drawings `[N, 6, S, S]` and whom they show `[N]` -> how real they look as these `[N]`, and
    features of seven layers."""

    def __init__(self, base: int, known: int, size: int) -> None:
        super().__init__()
        self.margin = size // MULTIPLE
        self.trunk, self.residual = Trunk(base), PlainResidual(DEEP * base)
        self.people = nn.Parameter(torch.rand(known, DEEP * base))
        self.anybody, self.offset = nn.Parameter(torch.randn(DEEP * base)), nn.Parameter(torch.randn(1))

    def forward(self, pictures: Tensor, who: Tensor) -> tuple[Tensor, list[Tensor]]:
        features = self.trunk(F.pad(pictures, (self.margin,) * 4))
        features.append(self.residual(features[-1]))
        seen = act(features[-1].mean((2, 3)))
        return (seen * (self.people[who] + self.anybody)).sum(1) + self.offset, features


class Animates(nn.Module):
    """What is exported: a picture, its drawing and another drawing -> the picture that this is of."""

    def __init__(self, talker: Talker) -> None:
        super().__init__()
        self.talker = plain(talker)

    def forward(self, pixels: Tensor, lines: Tensor, wanted: Tensor) -> Tensor:
        return self.talker(torch.cat([pixels, lines], 1)[:, None], wanted)[0]


class AnimatesOne(nn.Module):
    """The same of one person: a drawing -> that person so."""

    def __init__(self, talker: Talker) -> None:
        super().__init__()
        self.talker = plain(talker)

    def forward(self, wanted: Tensor) -> Tensor:
        return self.talker(wanted[:, None], wanted)[0]


def plain(talker: Talker) -> Talker:
    """A copy whose convolutions hold their weights as they are after spectral norm."""
    out = copy.deepcopy(talker).eval()
    for module in list(out.modules()):
        if parametrize.is_parametrized(module):
            parametrize.remove_parametrizations(module, "weight")
    return out


# --- Objective


class TalkingHead:
    """The objective: nets, one update, the score, previews, what is exported."""

    averaged = "G"

    def __init__(self, cfg: Config) -> None:
        self.cfg, self.begun = cfg, False
        self.G, self.D = Talker(cfg), Discriminator(cfg.base, cfg.known, cfg.size)
        self.nets = nn.ModuleDict({"G": self.G, "D": self.D})
        self.eyes = Eyes(cfg.eyes) if cfg.perceptual else None
        self.optimisers = {
            name: torch.optim.Adam(self.nets[name].parameters(), rate, betas=(0.5, 0.999))
            for name, rate in (("G", cfg.lr), ("D", cfg.lr_d))
        }

    def keep(self, i: int) -> float:
        """Share of the averaged G that step `i` keeps, less in the beginning."""
        return decay(i, self.cfg.ema)

    def transfer(self, states: dict[str, dict[str, Tensor]]) -> list[str]:
        """Begin with other weights, "G" and "D" by name. Returns the names of what did not fit."""
        self.begun = True
        names = [name for name in self.nets if name in states]
        return [f"{name}.{key}" for name in names for key in take(self.nets[name], states[name])]

    def ready(self) -> None:
        """`RequestError` where what cannot be done without was never given."""
        if self.cfg.people == "one" and not self.begun:
            raise RequestError("one person is learned from a run of many people: give it with --from RUN")

    def step(self, shares: MicroBatches) -> dict[str, Tensor]:
        if shares.i == 0 and self.cfg.people == "one":
            self._meet(shares)
        logs: dict[str, Tensor] = {}
        for _ in range(JUDGED):
            logs = self._update(shares, "D", self._discriminate)
        return logs | self._update(shares, "G", self._draw)

    @torch.no_grad()
    def _meet(self, shares: MicroBatches) -> None:
        """Let the one person's styles, and its row in D, begin as the embedder sees it. What it sees is told as losses
        are: so it is the mean over all parts and processes."""

        def seen(batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
            code = self.G.code(batch.seen).mean(0)
            return code.sum(), {"code": code}

        with torch.enable_grad():
            code = shares.gradients(self.optimisers["G"], seen)["code"]
        self.G.generator.psi.copy_(self.G.generator.styles(code[None]).T)
        self.D.people.copy_(code[None])

    def _update(self, shares: MicroBatches, name: str, term: Any) -> dict[str, Tensor]:
        for key, net in self.nets.items():
            updates(net, key == name)
        logs = shares.gradients(self.optimisers[name], term)
        self.optimisers[name].step()
        return logs

    def _discriminate(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        with torch.no_grad():
            made = self.G(batch.seen, batch.lines)[0]
        real, fake = (
            self.D(torch.cat([one, batch.lines], 1), batch.who)[0].float() for one in (batch.wanted, made)
        )
        loss = hinge_d(real, fake)
        return loss, {"d": loss}

    def _draw(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        cfg = self.cfg
        made, code = self.G(batch.seen, batch.lines)
        score, features = self.D(torch.cat([made, batch.lines], 1), batch.who)
        with torch.no_grad():
            wanted = self.D(torch.cat([batch.wanted, batch.lines], 1), batch.who)[1]
        made = made.float()
        terms = {
            "l1": F.l1_loss(made, batch.wanted),
            "g": -score.float().mean(),
            "features": torch.stack(
                [F.l1_loss(a.float(), b.float()) for a, b in zip(features, wanted, strict=True)]
            ).sum(),
        }
        loss = cfg.pixels * terms["l1"] + terms["g"] + FEATURES * terms["features"]
        if code is not None:
            terms["match"] = F.l1_loss(code.float(), self.D.people[batch.who])
            loss = loss + MATCH * terms["match"]
        if self.eyes is not None:
            terms["seen"] = self.eyes.unlike(made, batch.wanted)
            loss = loss + cfg.perceptual * terms["seen"]
        return loss, {"loss": loss, **terms}

    @torch.no_grad()
    def score(self, net: nn.Module, batch: Batch) -> Tensor:
        """How far held-out pictures are from those drawn, over how far they are from the first that told who it is: 1
        is no better than a picture that does not move."""
        assert isinstance(net, Talker)
        made = torch.cat(
            [net(*one)[0] for one in zip(batch.seen.split(8), batch.lines.split(8), strict=True)]
        )
        still = (batch.seen[:, 0, :3] - batch.wanted).abs().mean()
        return (made - batch.wanted).abs().mean() / still.clamp(min=1e-3)

    @torch.no_grad()
    def preview(self, net: nn.Module, batch: Batch) -> Tensor:
        """Rows of a picture that tells who it is, a drawing, what is drawn and what was wanted: `[4 SHOWN, 3, S, S]` in
        [-1, 1]."""
        assert isinstance(net, Talker)
        rows = torch.arange(min(SHOWN, len(batch.seen)), device=batch.seen.device)
        seen, lines, wanted = batch.seen[rows], batch.lines[rows], batch.wanted[rows]
        row = torch.stack([seen[:, 0, :3], lines, net(seen, lines)[0], wanted], 1)
        return row.flatten(0, 1) * 2 - 1

    def parts(self, net: nn.Module) -> list[Part]:
        assert isinstance(net, Talker)
        return [part(net, self.cfg.people == "one", self.cfg.size, card(self.cfg))]


def part(talker: Talker, one: bool, size: int, about: Card) -> Part:
    """A network of role "animator"."""
    names = ("wanted",) if one else ("pixels", "lines", "wanted")
    inputs = {name: torch.zeros(1, 3, size, size) for name in names}
    module = (AnimatesOne if one else Animates)(talker).eval()
    return Part("animator", module, inputs, ("picture",), about)


def card(cfg: Config) -> Card:
    limits = f"Draws faces at {cfg.size} px, as the pictures showed them that it was trained on; what those did not show, "
    limits += "it makes up. Move only people who agreed."
    said = "One person" if cfg.people == "one" else "The person of a picture"
    about: dict[str, Any] = {"template": cfg.template, "size": cfg.size, "limits": limits}
    return Card(
        "talking-head", "animator", "Apache-2.0", f"{said} after drawings of a face's features", **about
    )


def build(cfg: Config) -> TalkingHead:
    return TalkingHead(cfg)


def load(folders: list[Path], cfg: Config, seed: int) -> Loader[Batch]:
    """Folders of faces; see `heads.Heads`."""
    data = Heads(folders, cfg.size, cfg.template, seed, known=cfg.known, one=cfg.people == "one")

    def batch(one: HeadBatch) -> Batch:
        return Batch(*tensors((one.seen, one.wanted, one.lines, one.who)))

    return Loader(
        lambda i: batch(data.batch(cfg.batch, cfg.shots, i, cfg.mirror)),
        lambda: batch(data.held_out(cfg.judged, cfg.shots)),
        data.notes(),
    )
