"""StarGAN: one generator between many domains of pictures: attributes of faces, or dishes with a folder for
each.

Choi et al. 2018, "StarGAN: Unified Generative Adversarial Networks for Multi-Domain Image-to-Image
Translation" (arXiv 1711.09020), with the critic of Gulrajani et al. 2017 (WGAN-GP, arXiv 1704.00028). The
state dicts have the names and shapes of the published ones but for the statistics of the norms, which the
authors' own test does not use: each picture has its own.
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
from ..blocks.translators import pace, updates
from ..data.domains import Domains
from ..data.loader import Loader, tensors
from ..engine.accumulate import MicroBatches
from ..engine.part import Part

LABELS = ("attributes", "folders")
MULTIPLE = 4  # heights and widths that G takes are multiples of this


@dataclass(frozen=True)
class Config:
    """Knobs of the stargan family; the values here are the paper's for CelebA. A step is `critics` updates of
    D and one of G."""

    domains: str = "Black_Hair,Blond_Hair,Brown_Hair,Male,Young"  # names, by commas
    labels: str = (
        "attributes"  # what names them: attributes of a table, several at once; or folders, one for each
    )
    size: int = 128  # side of the pictures
    width: int = 64  # channels that both networks begin with
    blocks: int = 6
    critic_layers: int = 6  # halvings
    critics: int = 5
    rec: float = 10.0  # weight of how far the way back leads from the picture
    cls: float = 1.0  # weight of the domain that D tells
    gp: float = 10.0  # weight of D's gradient penalty
    batch: int = 16
    steps: int = 40_000
    lr: float = 1e-4
    decay: float = 0.5  # share of the steps over which the rate falls to 0
    # share of the averaged G that a step keeps, once enough have passed; 0: no average, as in the paper
    ema: float = 0.0
    mirror: float = 0.5  # share of the pictures that are shown mirrored
    judged: int = 64  # held-out pictures for the score, at most

    def __post_init__(self) -> None:
        names = self.names
        if self.labels not in LABELS:
            raise ValueError(f"labels are {' or '.join(LABELS)}, not {self.labels!r}")
        if "" in names or len(set(names)) < len(names) or len(names) < (2 if self.labels == "folders" else 1):
            raise ValueError(
                f"domains {self.domains!r} wants names by commas, each once, like --set domains=soy,spicy,curry"
            )
        if self.size % 2**self.critic_layers or self.size < max(16, 2**self.critic_layers):
            raise ValueError(f"size {self.size} must be a multiple of {2**self.critic_layers}, at least 16")
        if min(self.width, self.blocks, self.critic_layers, self.critics) < 1 or not 0 <= self.decay <= 1:
            raise ValueError("width, blocks, critic_layers and critics are at least 1, decay is a share")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(one.strip() for one in self.domains.split(","))


FACES = Config(domains="male,young,smile", ema=0.998)
PRESETS = {
    "tiny": replace(
        FACES,
        domains="male,smile",
        size=32,
        width=4,
        blocks=1,
        critic_layers=3,
        critics=2,
        batch=2,
        steps=2,
        judged=4,
    ),
    "cpu": replace(FACES, size=64, width=24, blocks=4, critic_layers=4, critics=3, batch=8, steps=3000),
    "default": FACES,
    "food": replace(FACES, domains="soy,spicy,curry", labels="folders", size=256),
    "celeba": Config(),
}


@dataclass(frozen=True, eq=False)
class Batch:
    """Pictures `real [N, K, 3, S, S]` in [-1, 1], a set of them for each of K updates of D; what they are
    `label [N, K, C]`, and what they are to become `target [N, K, C]`, 0 or 1 each."""

    real: Tensor
    label: Tensor
    target: Tensor


# --- Networks


def normed(channels: int) -> nn.Module:
    return nn.InstanceNorm2d(
        channels, affine=True
    )  # no statistics: those of each picture, also when it is not trained


class Block(nn.Module):
    """Two 3x3 convolutions added to their input."""

    def __init__(self, width: int) -> None:
        super().__init__()

        def conv() -> Any:
            return (nn.Conv2d(width, width, 3, padding=1, bias=False), normed(width))

        self.main = nn.Sequential(*conv(), nn.ReLU(), *conv())

    def forward(self, x: Tensor) -> Tensor:
        return x + self.main(x)


class Generator(nn.Module):
    """G: pixels `[N, 3, H, W]` in [-1, 1] and condition `[N, C]`, what it is to become -> `[N, 3, H, W]`; H,
    W are multiples of 4."""

    def __init__(self, domains: int, *, width: int = 64, blocks: int = 6) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            nn.Conv2d(3 + domains, width, 7, padding=3, bias=False),
            normed(width),
            nn.ReLU(),
        ]
        for n in (1, 2):
            layers += [
                nn.Conv2d(width * n, width * n * 2, 4, stride=2, padding=1, bias=False),
                normed(width * n * 2),
                nn.ReLU(),
            ]
        layers += [Block(width * 4) for _ in range(blocks)]
        for n in (4, 2):
            up = nn.ConvTranspose2d(width * n, width * n // 2, 4, stride=2, padding=1, bias=False)
            layers += [up, normed(width * n // 2), nn.ReLU()]
        self.main = nn.Sequential(*layers, nn.Conv2d(width, 3, 7, padding=3, bias=False), nn.Tanh())

    def forward(self, pixels: Tensor, condition: Tensor) -> Tensor:
        planes = condition[:, :, None, None].expand(-1, -1, *pixels.shape[2:])
        return self.main(torch.cat([pixels, planes], 1))


class Discriminator(nn.Module):
    """D: pictures `[N, 3, S, S]` -> scores of patches `[N, 1, s, s]`, and logits of domains `[N, C]`."""

    def __init__(self, size: int, domains: int, *, width: int = 64, layers: int = 6) -> None:
        super().__init__()
        widths = [3, *(width * 2**n for n in range(layers))]
        stack: list[nn.Module] = []
        for n in range(layers):
            stack += [nn.Conv2d(widths[n], widths[n + 1], 4, stride=2, padding=1), nn.LeakyReLU(0.01)]
        self.main = nn.Sequential(*stack)
        self.conv1 = nn.Conv2d(widths[-1], 1, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(widths[-1], domains, size // 2**layers, bias=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.main(x)
        return self.conv1(x), self.conv2(x).flatten(1)


# --- The objective


class StarGAN:
    """The objective: nets, one update, the score, previews, what is exported."""

    averaged = "G"

    def __init__(self, cfg: Config) -> None:
        self.cfg, count = cfg, len(cfg.names)
        self.G = Generator(count, width=cfg.width, blocks=cfg.blocks)
        self.D = Discriminator(cfg.size, count, width=cfg.width, layers=cfg.critic_layers)
        self.nets = nn.ModuleDict({"G": self.G, "D": self.D})
        self.optimisers = {
            name: torch.optim.Adam(net.parameters(), cfg.lr, betas=(0.5, 0.999))
            for name, net in self.nets.items()
        }

    def keep(self, i: int) -> float:
        """Share of the averaged G that step `i` keeps, less in the beginning."""
        return decay(i, self.cfg.ema)

    def transfer(self, states: dict[str, dict[str, Tensor]]) -> list[str]:
        """Begin from other weights "G" and "D": what has the same name and shape; other domains begin anew
        where they come in."""
        left = []
        for name in self.nets.keys() & states.keys():
            mine = self.nets[name].state_dict()
            taken = {
                key: one for key, one in states[name].items() if key in mine and mine[key].shape == one.shape
            }
            self.nets[name].load_state_dict(taken, strict=False)
            left += [f"{name}.{key}" for key in mine if key not in taken]
        return left

    def step(self, shares: MicroBatches) -> dict[str, Tensor]:
        cfg = self.cfg
        for optimiser in self.optimisers.values():
            for group in optimiser.param_groups:
                group["lr"] = cfg.lr * pace(shares.i, cfg.steps, cfg.decay)
        logs: dict[str, Tensor] = {}
        for k in range(cfg.critics):
            logs = shares.gradients(self.optimisers["D"], lambda batch, k=k: self._tell_apart(batch, k))
            self.optimisers["D"].step()
        updates(self.D, False)
        logs |= shares.gradients(self.optimisers["G"], self._become)
        self.optimisers["G"].step()
        updates(self.D, True)
        return logs

    def _domain(self, logits: Tensor, label: Tensor) -> Tensor:
        """How far D is from telling the domain: over all attributes of a picture, or between folders."""
        if self.cfg.labels == "folders":
            return F.cross_entropy(logits, label.argmax(1))
        return F.binary_cross_entropy_with_logits(logits, label, reduction="sum") / len(label)

    def _tell_apart(self, batch: Batch, k: int) -> tuple[Tensor, dict[str, Tensor]]:
        real = batch.real[:, k]
        with torch.no_grad():
            fake = self.G(real, batch.target[:, k])
        ours, theirs = self.D(fake)[0], self.D(real)
        with full(fake):
            d, cls = (
                ours.float().mean() - theirs[0].float().mean(),
                self._domain(theirs[1].float(), batch.label[:, k]),
            )
            gp = self._steepness(real, fake.float())
            return d + self.cfg.cls * cls + self.cfg.gp * gp, {"d": d, "d_cls": cls, "gp": gp}

    def _steepness(self, real: Tensor, fake: Tensor) -> Tensor:
        """How far the slope of D's scores is from 1, somewhere between real and fake pictures."""
        share = torch.rand(len(real), 1, 1, 1, device=real.device)
        between = (share * real + (1 - share) * fake).requires_grad_()
        (slope,) = torch.autograd.grad(self.D(between)[0].sum(), between, create_graph=True)
        return (slope.flatten(1).norm(dim=1) - 1).square().mean()

    def _become(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        real, label, target = batch.real[:, -1], batch.label[:, -1], batch.target[:, -1]
        fake = self.G(real, target)
        scores, logits = self.D(fake)
        rec = (self.G(fake, label).float() - real).abs().mean()
        with full(fake):
            g, cls = -scores.float().mean(), self._domain(logits.float(), target)
            return g + self.cfg.rec * rec + self.cfg.cls * cls, {"g": g, "g_cls": cls, "rec": rec}

    @torch.no_grad()
    def score(self, net: nn.Module, batch: Batch) -> Tensor:
        """Share of the domains that D, which is trained along and on real pictures alone, does not find in
        what was made; and how far the way back leads from the pictures, over how far they are from their mean
        colour. A picture that is left alone has the first only."""
        wrong, away = [], []
        for real, label, target in zip(
            *(one[:, 0].split(8) for one in (batch.real, batch.label, batch.target)), strict=True
        ):
            fake = net(real, target)
            logits = self.D(fake)[1]
            found = (
                logits.argmax(1) != target.argmax(1)
                if self.cfg.labels == "folders"
                else ((logits > 0) != (target > 0)).float().mean(1)
            )
            wrong.append(found.float())
            away.append((net(fake, label) - real).abs().mean((1, 2, 3)))
        far = (batch.real.mean((0, 1, 3, 4), keepdim=True) - batch.real).abs().mean()
        return torch.cat(wrong).mean() + torch.cat(away).mean() / far.clamp(min=1e-6)

    @torch.no_grad()
    def preview(self, net: nn.Module, batch: Batch) -> Tensor:
        """Rows of a picture, and of what becomes of it in each domain, or with each attribute turned: `[., 3,
        S, S]`."""
        count, kinds = min(len(batch.real), 8), len(self.cfg.names)
        real, label = batch.real[:count, 0], batch.label[:count, 0]
        ways = torch.eye(kinds, device=real.device)
        wanted = [
            one.expand(count, -1) if self.cfg.labels == "folders" else (label - one).abs()
            for one in ways[:11]
        ]
        return torch.stack([real, *(net(real, one) for one in wanted)], 1).flatten(0, 1)

    def parts(self, net: nn.Module) -> list[Part]:
        cfg = self.cfg
        about = (
            "one of them is 1 and the others 0"
            if cfg.labels == "folders"
            else "each 1 or 0, also those that are to stay as they are"
        )
        limits = f"Wants all conditions told: {about}. Learned from pictures of {cfg.size} px; what no picture of a domain has is made up."
        conditions = tuple(Condition(name, "", 0.0, 1.0) for name in cfg.names)
        template = "ffhq" if cfg.labels == "attributes" else ""
        span: dict[str, Any] = {
            "template": template,
            "size": cfg.size,
            "value_range": (-1.0, 1.0),
            "conditions": conditions,
            "multiple": MULTIPLE,
        }
        card = Card(
            "stargan",
            "translator",
            licence="Apache-2.0",
            description=f"A picture to {', '.join(cfg.names)}",
            limits=limits,
            **span,
        )
        inputs = {
            "pixels": torch.zeros(1, 3, cfg.size, cfg.size),
            "condition": torch.zeros(1, len(cfg.names)),
        }
        return [Part("translator", net, inputs, ("picture",), card)]


def build(cfg: Config) -> StarGAN:
    return StarGAN(cfg)


def adapt(cfg: Config, knobs: dict[str, Any], states: dict[str, dict[str, Tensor]]) -> Config:
    """`cfg` as the weights that a run begins with want it; the domains stay."""
    for state in states.values():
        found = described({key: tuple(one.shape) for key, one in state.items()})
        if found and found[0] == "G":
            cfg = replace(cfg, width=found[1]["width"], blocks=found[1]["blocks"])
        elif found:
            cfg = replace(cfg, critic_layers=found[1]["layers"], size=found[1]["size"])
    return cfg


def described(shapes: Mapping[str, tuple[int, ...]]) -> tuple[str, dict[str, Any]] | None:
    """Which network a state dict is, "G" or "D", and the knobs that its shapes fix; None where it is none of
    this family."""
    first = shapes.get("main.0.weight", ())
    if len(first) != 4:
        return None
    if "conv1.weight" in shapes and len(last := shapes.get("conv2.weight", ())) == 4 and first[2:] == (4, 4):
        layers = sum(re.fullmatch(r"main\.\d+\.weight", key) is not None for key in shapes)
        return "D", {"domains": last[0], "width": first[0], "layers": layers, "size": last[2] * 2**layers}
    blocks = sum(re.fullmatch(r"main\.\d+\.main\.0\.weight", key) is not None for key in shapes)
    if first[2:] != (7, 7) or not blocks or first[1] < 4:
        return None
    return "G", {"domains": first[1] - 3, "width": first[0], "blocks": blocks}


def load(folders: list[Path], cfg: Config, seed: int) -> Loader[Batch]:
    """See `domains.Domains`."""
    data = Domains(folders, cfg.size, cfg.names, cfg.labels == "attributes", seed)

    def batch(i: int) -> Batch:
        flat = data.of(cfg.batch * cfg.critics, i, cfg.mirror)
        return Batch(*(one.unflatten(0, (cfg.batch, cfg.critics)) for one in tensors(flat)))

    return Loader(
        batch, lambda: Batch(*(one[:, None] for one in tensors(data.aside(cfg.judged)))), data.notes()
    )
