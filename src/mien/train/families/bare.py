"""Bare: a U-Net that takes beards and glasses off, taught by beards and glasses that were put on: picture and
condition -> picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...models.card import Card, Condition
from ..blocks.ema import decay
from ..blocks.losses import gradient_l1, masked_l1
from ..blocks.translators import LEAST_DOWNS, UNetGenerator
from ..data.loader import Loader, tensors
from ..data.removal_pairs import THINGS, Worn
from ..engine.accumulate import MicroBatches
from ..engine.part import Part

CONDITIONS = tuple(Condition(name, "share of it taken off", 0.0, 1.0) for name in THINGS)
SEEN = 0.1  # a difference in [-1, 1] that counts in full


@dataclass(frozen=True)
class Config:
    """Knobs of the bare family."""

    size: int = 192  # side of the crop, layout "jaw": as much as a 256 px FFHQ crop holds
    base: int = 24  # channels that G begins with
    downs: int = 5  # halvings
    variants: int = 4  # times that each face is shown with each kind of thing on
    batch: int = 8
    steps: int = 12_000
    lr: float = 1e-3
    ema: float = 0.998

    def __post_init__(self) -> None:
        if self.downs < LEAST_DOWNS or self.size % 2**self.downs:
            raise ValueError(
                f"size {self.size} must be a multiple of {2**self.downs}, downs at least {LEAST_DOWNS}"
            )


PRESETS = {
    "tiny": Config(size=64, base=2, downs=5, variants=1, batch=2, steps=2),
    "cpu": Config(),
    "default": Config(base=48, variants=12, batch=32, steps=30_000, lr=5e-4),
}


@dataclass(frozen=True, eq=False)
class Batch:
    """before, with something on, and after, without, `[N, 3, S, S]` in [-1, 1]; condition `[N, 2]`: what of
    THINGS is to come off."""

    before: Tensor
    after: Tensor
    condition: Tensor


class Barber(nn.Module):
    """G: pixels `[N, 3, S, S]` in [-1, 1] and condition `[N, 2]` -> pixels.

    The U-Net sees the crop alone and says for each of THINGS what taking it off would add; so nothing asked
    is nothing changed.
    """

    def __init__(self, base: int, downs: int) -> None:
        super().__init__()
        self.body = UNetGenerator(3, len(THINGS) * 3, base=base, downs=downs, dropout=False)

    def forward(self, pixels: Tensor, condition: Tensor) -> Tensor:
        added = 2 * self.body(pixels).unflatten(1, (len(THINGS), 3))  # [N, 2, 3, S, S]
        return (pixels + (added * condition[:, :, None, None, None]).sum(1)).clamp(-1, 1)


class Bare:
    """The objective: nets, one update, the score, previews, what is exported."""

    averaged = "G"

    def __init__(self, cfg: Config) -> None:
        self.cfg = cfg
        self.nets = nn.ModuleDict({"G": Barber(cfg.base, cfg.downs)})
        self.nets["G"].to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - missing in torch's stubs
        self.optimisers = {"G": torch.optim.Adam(self.nets["G"].parameters(), cfg.lr, betas=(0.5, 0.99))}

    def keep(self, i: int) -> float:
        """Share of the averaged G that step `i` keeps: less in the beginning."""
        return decay(i + 1, self.cfg.ema)

    def step(self, shares: MicroBatches) -> dict[str, Tensor]:
        t = shares.i / self.cfg.steps
        for group in self.optimisers["G"].param_groups:
            group["lr"] = self.cfg.lr * min(1.0, t * 30 + 0.02) * (1 - t) ** 0.9
        logs = shares.gradients(self.optimisers["G"], self._miss)
        nn.utils.clip_grad_norm_(self.nets["G"].parameters(), 1.0)
        self.optimisers["G"].step()
        return logs

    def _miss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        made, weight = self.nets["G"](batch.before, batch.condition), 0.3 + _where(batch)
        small = [F.avg_pool2d(one, 4) for one in (made, batch.after, weight)]
        logs = {"l1": masked_l1(made, batch.after, weight), "edges": gradient_l1(made, batch.after, weight)}
        logs["coarse"] = masked_l1(small[0], small[1], small[2])
        # While it does not know what is a rim, leaving all as it is has the least absolute difference:
        # squares lead out of that.
        logs["square"] = ((made - batch.after).square() * weight).sum() / (3 * weight.sum())
        return logs["l1"] + logs["edges"] + logs["coarse"] + 4 * logs["square"], logs

    @torch.no_grad()
    def score(self, G: nn.Module, batch: Batch) -> Tensor:
        """How far the result is from the bare face where something was on, over how far the input is: 1 is no
        better than doing nothing."""
        pairs = zip(batch.before.split(16), batch.condition.split(16), strict=True)
        made, where = torch.cat([G(*one) for one in pairs]), _where(batch)
        return masked_l1(made, batch.after, where) / masked_l1(batch.before, batch.after, where)

    @torch.no_grad()
    def preview(self, G: nn.Module, batch: Batch) -> Tensor:
        """Rows of before, result, wanted: `[3 N, 3, S, S]` in [-1, 1]."""
        before, after = batch.before[:24], batch.after[:24]
        return torch.stack([before, G(before, batch.condition[:24]), after], 1).flatten(0, 1)

    def parts(self, G: nn.Module) -> list[Part]:
        size = self.cfg.size
        card = Card(
            name="bare",
            role="translator",
            licence="Apache-2.0",
            description="A face without its beard or glasses",
            template="jaw",
            size=size,
            value_range=(-1.0, 1.0),
            conditions=CONDITIONS,
            limits=f"Sees a face at {size} pixels; learned from beards and glasses that were put on. What dark lenses hide is not known.",
        )
        example = {"pixels": torch.zeros(1, 3, size, size), "condition": torch.zeros(1, len(THINGS))}
        return [Part("translator", G, example, ("picture",), card)]


def _where(batch: Batch) -> Tensor:
    """Where something was put on: `[N, 1, S, S]` in 0..1."""
    return F.max_pool2d(
        ((batch.before - batch.after).abs().amax(1, keepdim=True) / SEEN).clamp(max=1), 5, stride=1, padding=2
    )


def build(cfg: Config) -> Bare:
    return Bare(cfg)


def load(folders: list[Path], cfg: Config, seed: int) -> Loader[Batch]:
    """A folder of labelled faces in layout "ffhq"."""
    data = Worn(folders, cfg.size, cfg.variants, seed)
    return Loader(
        lambda i: Batch(*tensors(data.batch(cfg.batch, i))), lambda: Batch(*tensors(data.held_out()))
    )
