"""Sketch: a small network that reads drawings of faces: where the mesh's points are drawn, where hair is, and who it
seems to be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...face.topology import BROWS, EYELIDS, INNER_LIPS, LIPS, OVAL, POINTS
from ...models.card import Card
from ..blocks.ema import decay
from ..data.loader import Loader, tensors
from ..data.sketched_faces import HAIR, TRAITS, SketchData
from ..engine.accumulate import MicroBatches
from ..engine.part import Part

HALVINGS = 5
MODES = 48  # directions that points move in together
# Pairs of points whose distance is what a drawing tells: widths of the head from brow to chin, its height, eyes, brows
# over them, nose, mouth.
ACROSS = (
    *(
        (103, 332),
        (127, 356),
        (234, 454),
        (93, 323),
        (58, 288),
        (172, 397),
        (150, 379),
        (33, 133),
        (362, 263),
    ),
    *((133, 362), (129, 358), (61, 291)),
)
DOWN = (
    *(
        (10, 152),
        (159, 145),
        (386, 374),
        (105, 159),
        (334, 386),
        (6, 2),
        (13, 14),
        (0, 17),
        (61, 13),
        (291, 13),
    ),
    *((159, 152), (2, 13), (14, 152), (10, 105)),
)
YEARS = 15.0  # that count as 1
GAINS = {  # of the losses; those of traits are small numbers beside those of points
    **{"points": 1.0, "measures": 1.5, "hair": 2.0},
    **{"sex": 4.0, "age": 1.0, "beard": 5.0, "glasses": 4.0},
}


@dataclass(frozen=True)
class Config:
    """Knobs of the sketch family."""

    size: int = 128  # side of the drawing
    widths: tuple[int, ...] = (24, 40, 64, 96, 96)  # channels at size/2, /4, /8, /16, /32
    hidden: int = 128  # numbers that all is told from
    batch: int = 48
    steps: int = 4800
    lr: float = 2e-3
    ema: float = 0.998

    def __post_init__(self) -> None:
        if self.size % 2**HALVINGS or len(self.widths) != HALVINGS:
            raise ValueError(
                f"size {self.size} must be a multiple of {2**HALVINGS}, widths {HALVINGS} numbers"
            )


PRESETS = {
    "tiny": Config(size=64, widths=(4, 4, 8, 8, 8), hidden=16, batch=2, steps=2),
    "cpu": Config(),
    "default": Config(widths=(32, 64, 96, 128, 128), hidden=192, batch=128, steps=40_000),
}


@dataclass(frozen=True, eq=False)
class Batch:
    """Drawings `pixels [N, 3, S, S]` in 0..1; points `[N, 468, 2]` as shares of the side; hair `[N, 1, 32, 32]` in
    0..1; traits `[N, 4]`, NaN where they are not known."""

    pixels: Tensor
    points: Tensor
    hair: Tensor
    traits: Tensor


class Reader(nn.Module):
    """R: pixels `[N, 3, S, S]` in 0..1 -> points `[N, 468, 2]` as shares of the side, hair `[N, 1, 32, 32]`, traits
    `[N, 4]`: sex -1..1, age in years, beard 0..2, glasses 0..1."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        a, b, c, d, e = cfg.widths
        self.fine = nn.Sequential(
            *_step(3, a, 5, 2), *_step(a, b, 3, 2), *_step(b, c, 3, 2), *_step(c, c, 3, 1)
        )
        self.coarse = nn.Sequential(*_step(c, d, 3, 2), *_step(d, e, 3, 2))
        self.told = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(0.1),
            nn.Linear(e * (cfg.size // 2**HALVINGS) ** 2, cfg.hidden),
            nn.ReLU(),
        )
        self.points = nn.Sequential(nn.Linear(cfg.hidden, MODES), nn.Linear(MODES, 2 * POINTS))
        self.traits = nn.Linear(cfg.hidden, len(TRAITS))
        self.where, self.globally = nn.Conv2d(c, 16, 3, padding=1), nn.Linear(cfg.hidden, 16)
        self.hair = nn.Conv2d(16, (8 * HAIR // cfg.size) ** 2, 3, padding=1)

    def logits(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Points, hair and traits, the latter two not yet squeezed into their ranges."""
        fine = self.fine(1 - pixels)
        told = self.told(self.coarse(fine))
        here = F.relu(self.where(fine) + self.globally(told)[:, :, None, None])
        hair = F.pixel_shuffle(self.hair(here), int(self.hair.out_channels**0.5))
        return self.points(told).unflatten(1, (POINTS, 2)) + 0.5, hair, self.traits(told)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        points, hair, traits = self.logits(pixels)
        sex, age, beard, glasses = traits.split(1, 1)
        named = torch.cat([torch.tanh(sex), 40 + YEARS * age, beard.clamp(0, 2), torch.sigmoid(glasses)], 1)
        return points, torch.sigmoid(hair), named


def _step(channels: int, out: int, side: int, stride: int) -> list[nn.Module]:
    conv = nn.Conv2d(channels, out, side, stride, side // 2, bias=False)
    return [conv, nn.BatchNorm2d(out), nn.ReLU()]


class Sketch:
    """The objective: nets, one update, the score, previews, what is exported."""

    averaged = "R"

    def __init__(self, cfg: Config) -> None:
        self.cfg = cfg
        self.nets = nn.ModuleDict({"R": Reader(cfg)})
        self.nets["R"].to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - missing in torch's stubs
        self.optimisers = {"R": torch.optim.AdamW(self.nets["R"].parameters(), cfg.lr, weight_decay=1e-3)}
        self.weights = torch.ones(POINTS)
        for outline in (OVAL, *EYELIDS, *BROWS, LIPS, INNER_LIPS):
            self.weights[list(outline)] = 3.0

    def keep(self, i: int) -> float:
        """Share of the averaged R that step `i` keeps: less in the beginning."""
        return decay(i + 1, self.cfg.ema)

    def step(self, shares: MicroBatches) -> dict[str, Tensor]:
        t = shares.i / self.cfg.steps
        for group in self.optimisers["R"].param_groups:
            group["lr"] = self.cfg.lr * min(1.0, t * 30 + 0.02) * (1 - t) ** 0.9
        logs = shares.gradients(self.optimisers["R"], self._miss)
        nn.utils.clip_grad_norm_(self.nets["R"].parameters(), 5.0)
        self.optimisers["R"].step()
        return logs

    def _miss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        points, hair, traits = self.nets["R"].logits(batch.pixels)  # pyright: ignore[reportCallIssue]
        weights = self.weights.to(points.device)[:, None] / self.weights.mean()
        off = 100 * (points - batch.points)  # hundredths of the side
        logs = {"points": (F.smooth_l1_loss(off, 0 * off, reduction="none") * weights).mean()}
        apart = [100 * (one - two) for one, two in zip(measures(points), measures(batch.points), strict=True)]
        logs["measures"] = torch.cat(
            [F.smooth_l1_loss(one, 0 * one, reduction="none", beta=0.5) for one in apart], 1
        ).mean()
        logs["hair"] = F.binary_cross_entropy_with_logits(hair, batch.hair)
        known = ~batch.traits.isnan()
        sex, age, beard, glasses = torch.where(known, batch.traits, 0).split(1, 1)
        logs["sex"] = F.binary_cross_entropy_with_logits(2 * traits[:, :1], (sex + 1) / 2)
        logs["age"] = (
            F.smooth_l1_loss(traits[:, 1:2], (age - 40) / YEARS, reduction="none") * known[:, 1:2]
        ).mean()
        logs["beard"] = F.smooth_l1_loss(traits[:, 2:3], beard)
        logs["glasses"] = F.binary_cross_entropy_with_logits(traits[:, 3:], glasses)
        return torch.stack([GAINS[name] * value for name, value in logs.items()]).sum(), logs

    @torch.no_grad()
    def score(self, R: nn.Module, batch: Batch) -> Tensor:
        """How far points are off, over the distance of the eyes, in drawings of people who are not trained on."""
        points = torch.cat([R(pixels)[0] for pixels in batch.pixels.split(32)])
        off = (points - batch.points).norm(dim=2).mean(1)
        return (off / _eye_distance(batch.points)).mean()

    @torch.no_grad()
    def preview(self, R: nn.Module, batch: Batch) -> Tensor:
        """Rows of drawings, what is read in them, and what was meant: `[3 N, 3, S, S]` in [-1, 1]."""
        pixels, size = batch.pixels[:36], self.cfg.size
        points, hair, _ = R(pixels)
        rows = [2 * pixels - 1]
        for places, where in ((points, hair), (batch.points[:36], batch.hair[:36])):
            shown = 0.4 * pixels + 0.6
            shown[:, 1] -= 0.5 * F.interpolate(where, size=(size, size))[:, 0]
            at = (
                (places[:, [*OVAL, *EYELIDS[0], *EYELIDS[1], *LIPS, *BROWS[0], *BROWS[1]]] * size)
                .long()
                .clamp(0, size - 1)
            )
            for one, where_to in zip(shown, at, strict=True):
                one[:, where_to[:, 1], where_to[:, 0]] = 0.0
            rows.append(2 * shown - 1)
        return torch.stack(rows, 1).flatten(0, 1)

    def parts(self, R: nn.Module) -> list[Part]:
        size = self.cfg.size
        card = Card(
            "sketch-reader",
            "sketch_reader",
            "Apache-2.0",
            size=size,
            description="Where in a drawing a face and its hair are, and who it seems to be",
            limits="Heads seen nearly from the front. Sex, age and beard are guessed from few strokes.",
        )
        return [
            Part(
                "sketch_reader",
                R,
                {"pixels": torch.zeros(1, 3, size, size)},
                ("points", "hair", "traits"),
                card,
            )
        ]


def measures(points: Tensor) -> tuple[Tensor, Tensor]:
    """The distances across ACROSS and DOWN of points `[N, 468, 2]`: two tensors `[N, M]`."""
    across, down = torch.tensor(ACROSS, device=points.device), torch.tensor(DOWN, device=points.device)
    return (
        points[:, across[:, 1], 0] - points[:, across[:, 0], 0],
        points[:, down[:, 1], 1] - points[:, down[:, 0], 1],
    )


def _eye_distance(points: Tensor) -> Tensor:
    left, right = (points[:, list(eye)].mean(1) for eye in EYELIDS)
    return (right - left).norm(dim=1)


def build(cfg: Config) -> Sketch:
    return Sketch(cfg)


def load(folders: list[Path], cfg: Config, seed: int) -> Loader[Batch]:
    """A folder of labelled faces."""
    data = SketchData(folders, cfg.size, seed)
    return Loader(
        lambda i: Batch(*tensors(data.batch(cfg.batch, i))), lambda: Batch(*tensors(data.held_out()))
    )
