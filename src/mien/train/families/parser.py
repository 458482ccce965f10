"""Parser: a small U-Net that says where skin, hair, features, beard and glasses are; on labels that the mesh,
colours and renders give."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...face.geometry import TEMPLATES
from ...models.card import Card
from ...models.parser import REGIONS
from ..blocks.ema import decay
from ..blocks.layers import UNet
from ..blocks.translators import take
from ..data.loader import Loader, tensors
from ..data.parsing import RegionData
from ..data.region_labels import UNKNOWN
from ..engine.accumulate import MicroBatches
from ..engine.part import Part

STEM = 4  # pixels of the crop on a side that the stem folds into channels
WEIGHTS = (
    0.7,
    1.0,
    1.0,
    1.6,
    2.5,
    1.6,
    1.6,
    1.6,
    2.0,
    1.0,
    1.3,
    1.0,
)  # of REGIONS in the loss: rare ones count more
COLOURS = (  # of REGIONS in previews
    *(
        (-1.0, -1.0, -1.0),
        (0.6, 0.1, -0.2),
        (1.0, -1.0, -1.0),
        (1.0, 0.8, -1.0),
        (-0.6, 0.2, 1.0),
        (0.0, -0.6, -0.9),
    ),
    *(
        (0.9, 0.9, 1.0),
        (0.9, -0.2, 0.2),
        (1.0, 1.0, 0.6),
        (0.8, 0.4, 0.1),
        (-0.4, 0.8, -0.2),
        (0.2, -0.2, 0.6),
    ),
)


@dataclass(frozen=True)
class Config:
    """Knobs of the parser family."""

    size: int = 256  # side of the crop, layout "ffhq"
    widths: tuple[int, ...] = (40, 56, 80, 112)  # channels at size/4, /8, /16, /32
    batch: int = 16
    steps: int = 7000
    lr: float = 2e-3
    ema: float = 0.995

    def __post_init__(self) -> None:
        if self.size % (STEM * 2 ** (len(self.widths) - 1)) or self.size < 128:
            raise ValueError(
                f"size {self.size} must be a multiple of {STEM * 2 ** (len(self.widths) - 1)}, at least 128"
            )


PRESETS = {
    "tiny": Config(size=128, widths=(8, 8), batch=2, steps=2),
    "cpu": Config(),
    "default": Config(widths=(64, 96, 128, 192), batch=32, steps=10_000),
}


@dataclass(frozen=True, eq=False)
class Batch:
    """Pictures `pixels [N, 3, S, S]` in [-1, 1] and labels `[N, s, s]`: places in REGIONS, or UNKNOWN."""

    pixels: Tensor
    labels: Tensor


class ParserNet(nn.Module):
    """G: pixels `[N, 3, S, S]` in [-1, 1] -> shares of REGIONS `[N, 12, S/2, S/2]` that sum to 1."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3 * STEM**2, widths[0], 3, padding=1)
        self.body = UNet(widths)
        self.head = nn.Conv2d(widths[0], len(REGIONS) * 4, 3, padding=1)

    def logits(self, pixels: Tensor) -> Tensor:
        x = self.body(self.stem(F.pixel_unshuffle(pixels, STEM)))
        return F.pixel_shuffle(self.head(F.silu(x)), 2)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.logits(pixels).softmax(1)


class Parse:
    """The objective: nets, one update, the score, previews, what is exported."""

    averaged = "G"

    def __init__(self, cfg: Config) -> None:
        self.cfg = cfg
        self.nets = nn.ModuleDict({"G": ParserNet(cfg.widths)})
        self.nets["G"].to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - missing in torch's stubs
        self.optimisers = {"G": torch.optim.AdamW(self.nets["G"].parameters(), cfg.lr, weight_decay=1e-3)}

    def transfer(self, states: dict[str, dict[str, Tensor]]) -> list[str]:
        """Begin with other weights "G". Returns the names of what did not fit."""
        return [f"G.{key}" for key in take(self.nets["G"], states.get("G", {}))]

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
        logits = _sized(self.nets["G"].logits(batch.pixels), batch.labels)  # pyright: ignore[reportCallIssue]
        loss = F.cross_entropy(logits, batch.labels, logits.new_tensor(WEIGHTS), ignore_index=UNKNOWN)
        return loss, {"ce": loss}

    @torch.no_grad()
    def score(self, G: nn.Module, batch: Batch) -> Tensor:
        """1 - the mean over REGIONS of intersection over union with the labels, of people who are not trained
        on."""
        parts = [_sized(G(pixels), batch.labels).argmax(1) for pixels in batch.pixels.split(16)]
        found, known = torch.cat(parts), batch.labels != UNKNOWN
        ratios = []
        for k in range(len(REGIONS)):
            mine, theirs = (found == k) & known, batch.labels == k
            ratios.append((mine & theirs).sum() / (mine | theirs).sum().clamp(min=1))
        return 1 - torch.stack(ratios).mean()

    @torch.no_grad()
    def preview(self, G: nn.Module, batch: Batch) -> Tensor:
        """Rows of picture, what the net says, what the labels say: `[3 N, 3, S, S]` in [-1, 1]."""
        pixels, labels = batch.pixels[:24], batch.labels[:24]
        palette = torch.tensor([*COLOURS, (0.0, 0.0, 0.0)], device=pixels.device)

        def drawn(regions: Any) -> Any:
            return palette[regions.clamp(max=len(REGIONS))].permute(0, 3, 1, 2)

        def grow(x: Any) -> Any:
            return F.interpolate(x, pixels.shape[2:])

        said = grow(drawn(_sized(G(pixels), labels).argmax(1)))
        return torch.stack([pixels, (pixels + said) / 2, grow(drawn(labels))], 1).flatten(0, 1)

    def parts(self, G: nn.Module) -> list[Part]:
        size = round(self.cfg.size * TEMPLATES["wide"].side)  # more around a face of the same size
        limits = (
            "Learned from labels that nobody has drawn and from composed pictures: high curls and afros are taken for "
            "hats, and hoods, veils and caps of plain cloth for hair."
        )
        about: dict[str, Any] = {
            "licence": "Apache-2.0",
            "template": "wide",
            "size": size,
            "value_range": (-1.0, 1.0),
            "limits": limits,
        }
        card = Card("parser", "parser", description=f"Where in a face {', '.join(REGIONS[1:])} are", **about)
        return [Part("parser", G, {"pixels": torch.zeros(1, 3, size, size)}, ("regions",), card)]


def _sized(regions: Tensor, labels: Tensor) -> Tensor:
    """Regions `[N, 12, ., .]` at the size of the labels."""
    return (
        regions
        if regions.shape[2:] == labels.shape[1:]
        else F.interpolate(regions, labels.shape[1:], mode="bilinear")
    )


def adapt(cfg: Config, knobs: dict[str, Any], states: dict[str, dict[str, Tensor]]) -> Config:
    """`cfg` with the widths of the weights that a run begins with."""
    G = states.get("G", {})
    found = [G[f"body.enc.{i}.conv0.bias"].shape[0] for i in range(9) if f"body.enc.{i}.conv0.bias" in G]
    return replace(cfg, widths=tuple(found)) if found else cfg


def build(cfg: Config) -> Parse:
    return Parse(cfg)


def load(folders: list[Path], cfg: Config, seed: int) -> Loader[Batch]:
    """A folder of labelled faces in layout "ffhq"."""
    data = RegionData(folders, cfg.size, seed)
    return Loader(
        lambda i: Batch(*tensors(data.batch(cfg.batch, i))), lambda: Batch(*tensors(data.held_out()))
    )
