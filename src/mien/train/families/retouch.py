"""Retouch: a U-Net that says what should change in a face: crop and condition -> flow, colour and alpha.

Smile is learned from pairs of photos of one person. Age and sex start from the prototypes' own Changes as
teacher; two small discriminators, one on mouths and one on faces, then ask for what averages cannot give.
That of faces is conditioned on age and sex (Miyato and Koyama 2018, arXiv 1802.05637) and reads them too
(Odena et al. 2017, arXiv 1610.09585); what is asked back must give the face back (Zhu et al. 2017, arXiv
1703.10593); few pictures are made more by adaptive augmentation (Karras et al. 2020, arXiv 2006.06676).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from ...models.card import Card, Condition
from ...types import Array
from ..blocks.augment import PIPES, Augment
from ..blocks.ema import decay
from ..blocks.embedder import Eyes
from ..blocks.layers import UNet, warp
from ..blocks.losses import gradient_l1, hinge_d, masked_l1, r1
from ..data.faces import AGES, RetouchData
from ..data.loader import Loader
from ..engine.accumulate import MicroBatches
from ..engine.part import Part

CONDITIONS = (
    Condition("width", "eye distances", -0.3, 0.3),
    Condition("lift", "eye distances", -0.2, 0.2),
    Condition("opening", "eye distances", -0.3, 0.3),
    Condition("age", "years", -30, 50),
    Condition("sex", "", -1, 1),
)
SCALE = (6.0, 7.0, 5.0, 1 / 30, 1.0)  # brings every condition to about 1
STEM = 4  # pixels of the crop on a side that the stem folds into channels
MOUTH = (0.28, 0.58, 0.72, 0.86)  # left, top, right, bottom of the mouth's window in the "face" layout


@dataclass(frozen=True)
class Config:
    """Knobs of the retouch family."""

    size: int = 192  # side of the crop, layout "face": as much as a 256 px FFHQ crop holds
    widths: tuple[int, ...] = (64, 96, 128, 160)  # channels at size/4, /8, /16, /32
    reach: float = 0.15  # largest flow, in sides of the crop
    batch: int = 8
    steps: int = 5200
    lr: float = 6e-4
    lr_d: float = 2e-4
    adversarial_from: float = 0.35  # share of the steps before the discriminators begin
    mouth_weight: float = 0.05
    face_weight: float = 0.01
    read_weight: float = 0.01  # of the age and sex that are read in a result
    eyes: str = (
        ""  # an embedder of `mien models` that a perceptual loss looks through; none where it is empty
    )
    perceptual: float = 0.2  # weight of that loss
    cycle_weight: float = 0.0  # of the way back, which makes a step half as long again
    r1: float = 1.0  # weight of the gradient penalty on real pictures, every R1_EVERY steps
    pipe: str = "none"  # augmentations of what the discriminators see, of augment.PIPES
    ada_target: float = 0.6  # mean sign of D(real) that their strength is steered to
    ada_images: int = 200_000  # in which it goes from 0 to 1 at most
    variants: int = 6  # teacher's Changes for each portrait
    ema: float = 0.998

    def __post_init__(self) -> None:
        if self.size % (STEM * 2 ** (len(self.widths) - 1)):
            raise ValueError(f"size {self.size} must be a multiple of {STEM * 2 ** (len(self.widths) - 1)}")
        if self.pipe not in PIPES:
            raise ValueError(f"pipe {self.pipe!r} is none of {', '.join(PIPES)}")


R1_EVERY = 16
PRESETS = {
    "tiny": Config(
        size=64,
        widths=(8, 8),
        batch=2,
        steps=2,
        variants=1,
        adversarial_from=0.0,
        cycle_weight=0.2,
        pipe="bgc",
    ),
    "cpu": Config(),
    "default": Config(
        256, (96, 160, 256, 320), batch=32, steps=30_000, variants=24, lr=3e-4, cycle_weight=0.2, pipe="bgc"
    ),
}


@dataclass(frozen=True, eq=False)
class Batch:
    """One step's worth. before, after `[N, 3, S, S]` in [-1, 1]; condition `[N, 5]`; flow `[N, 2, S/4, S/4]`
    in crop px; reach, trust `[N, 1, S, S]` in 0..1: where the face may change, and where `after` is to be
    believed; label `[N, L]`: age and sex of `after`; mouths and faces `[., 3, S, S]` with face_label are real
    ones for the discriminators; open `[N]` is 1 where `after` shows teeth."""

    before: Tensor
    after: Tensor
    condition: Tensor
    flow: Tensor
    reach: Tensor
    trust: Tensor
    label: Tensor
    open: Tensor
    mouths: Tensor
    faces: Tensor
    face_label: Tensor


class Retoucher(nn.Module):
    """G: pixels `[N, 3, S, S]` in [-1, 1] and condition `[N, 5]` -> flow `[N, 2, S, S]` crop px, colour `[N,
    3, S, S]` in fractions, alpha `[N, 1, S, S]`.

    The U-Net sees the crop alone and says, for each condition and each sign of it, what one unit would
    change; the condition weighs these fields at the end. So nothing asked is nothing changed, more asked is
    more changed, and both hold before any training.
    """

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.reach = cfg.reach * cfg.size
        widths, ways = cfg.widths, 2 * len(CONDITIONS)
        self.stem = nn.Conv2d(3 * STEM**2, widths[0], 3, padding=1)
        self.body = UNet(widths)
        self.last = nn.Conv2d(widths[0], 2 * widths[0], 3, padding=1)
        self.motion = nn.Conv2d(2 * widths[0], ways * 2, 1)
        self.colour = nn.Conv2d(2 * widths[0], ways * 3 * STEM**2, 1)
        self.alpha = nn.Conv2d(2 * widths[0], 1, 1)
        for head in (self.motion, self.colour):
            nn.init.normal_(head.weight, std=1e-3)
        ramp = torch.minimum(torch.arange(cfg.size), torch.arange(cfg.size).flip(0)).float()
        self.scale: Tensor
        self.window: Tensor
        self.register_buffer("scale", torch.tensor(SCALE))
        self.register_buffer(
            "window", ((torch.minimum(ramp[:, None], ramp) - 1) / (0.04 * cfg.size)).clamp(0, 1)
        )

    def forward(self, pixels: Tensor, condition: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        asked = condition * self.scale
        asked = torch.cat([asked.relu(), (-asked).relu()], 1)[:, :, None, None, None]  # [N, 2 C, 1, 1, 1]
        x = self.body(self.stem(F.pixel_unshuffle(pixels, STEM)))  # [N, W0, S/4, S/4]
        x = F.silu(self.last(F.silu(x)))
        motion = (self.motion(x).unflatten(1, (-1, 2)) * asked).sum(1)  # [N, 2, S/4, S/4]
        colour = (self.colour(x).unflatten(1, (-1, 3 * STEM**2)) * asked).sum(1)  # [N, 48, S/4, S/4]
        motion, alpha = (
            F.interpolate(one, scale_factor=float(STEM), mode="bilinear")
            for one in (motion, self.alpha(x) * 4)
        )
        flow = torch.tanh(motion) * self.reach * self.window  # [N, 2, S, S]
        return flow, torch.tanh(F.pixel_shuffle(colour, STEM)), torch.sigmoid(alpha) * self.window


class PatchD(nn.Module):
    """D: pictures `[N, 3, H, W]` -> patch scores, with a projection on a label `[N, L]` where there is one;
    spectral norm (Miyato et al. 2018, arXiv 1802.05957). `read` says what the label looks to be."""

    def __init__(self, labels: int, width: int = 48, stem: int = 2) -> None:
        super().__init__()
        self.stem = stem
        sizes = [3 * stem**2, width, 2 * width, 2 * width]
        self.convs = nn.ModuleList(
            spectral_norm(nn.Conv2d(a, b, 4, stride=2, padding=1)) for a, b in pairwise(sizes)
        )
        self.score = spectral_norm(nn.Conv2d(sizes[-1], 1, 3, padding=1))
        self.embed = spectral_norm(nn.Linear(labels, sizes[-1], bias=False)) if labels else None
        self.told = nn.Linear(sizes[-1], labels) if labels else None

    def features(self, x: Tensor) -> Tensor:
        x = F.pixel_unshuffle(x, self.stem)
        for conv in self.convs:
            x = F.leaky_relu(conv(x), 0.2)
        return x

    def forward(self, x: Tensor, label: Tensor | None = None) -> Tensor:
        x = self.features(x)
        score = self.score(x)
        if self.embed is not None and label is not None:
            score = score + (x.mean((2, 3)) * self.embed(label)).sum(1)[:, None, None, None]
        return score

    def misread(self, x: Tensor, label: Tensor) -> Tensor:
        """How far what is read in pictures is from their labels: the cross entropies of age and of sex."""
        assert self.told is not None
        logits = self.told(self.features(x).mean((2, 3)))
        parts = (slice(0, len(AGES)), slice(len(AGES), None))
        return sum((F.cross_entropy(logits[:, part], label[:, part]) for part in parts), logits.new_zeros(()))


def mouth_window(pixels: Tensor) -> Tensor:
    """The mouth's window of crops `[N, 3, S, S]`, with sides that the discriminator can halve."""
    size = pixels.shape[-1]
    left, top, right, bottom = (round(end * size / 8) * 8 for end in MOUTH)
    return pixels[:, :, top:bottom, left:right]


class Retouch:
    """The objective: nets, one update, previews, what is exported."""

    averaged = "G"

    def __init__(self, cfg: Config) -> None:
        self.cfg = cfg
        self.nets = nn.ModuleDict(
            {"G": Retoucher(cfg), "D_mouth": PatchD(0), "D_face": PatchD(len(AGES) + 2, stem=STEM)}
        )
        for net in self.nets.values():
            net.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - missing in torch's stubs
        self.augment = Augment(cfg.pipe)
        self.nets["augment"] = self.augment
        self.eyes = Eyes(cfg.eyes) if cfg.eyes else None
        d = [*self.nets["D_mouth"].parameters(), *self.nets["D_face"].parameters()]
        self.optimisers = {
            "G": torch.optim.Adam(self.nets["G"].parameters(), cfg.lr, betas=(0.5, 0.99)),
            "D": torch.optim.Adam(d, cfg.lr_d, betas=(0.0, 0.99)),
        }

    def keep(self, i: int) -> float:
        """Share of the averaged G that step `i` keeps: less in the beginning."""
        return decay(i + 1, self.cfg.ema)

    def render(
        self, G: nn.Module, before: Tensor, condition: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What G makes of `before`: the picture in [-1, 1], and its flow, colour, alpha."""
        flow, colour, alpha = G(before, condition)
        looked = (warp(before, flow) + 2 * colour).clamp(-1.2, 1.2)
        return before + alpha * (looked - before), flow, colour, alpha

    def step(self, shares: MicroBatches) -> dict[str, Tensor]:
        cfg = self.cfg
        for group in self.optimisers["G"].param_groups:
            group["lr"] = cfg.lr * _schedule(shares.i / cfg.steps)
        adversarial = shares.i >= cfg.adversarial_from * cfg.steps
        fakes: list[Tensor] = []  # of every part of the batch, for the discriminators

        def teach(batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
            fake, flow, colour, alpha = self.render(self.nets["G"], batch.before, batch.condition)
            logs = self._teacher_losses(batch, fake, flow, colour, alpha)
            loss = (
                logs["l1"]
                + logs["edges"]
                + 0.5 * logs["coarse"]
                + 0.2 * logs["flow"]
                + 0.01 * logs["smooth"]
                + 0.1 * logs["alpha"]
            )
            if self.eyes is not None:
                wanted = torch.lerp(fake.detach(), batch.after, batch.trust)
                logs["seen"] = self.eyes.unlike(fake / 2 + 0.5, wanted / 2 + 0.5)
                loss = loss + cfg.perceptual * logs["seen"]
            if adversarial:
                logs |= self._fool(batch, fake)
                loss = (
                    loss
                    + cfg.mouth_weight * logs["mouth"]
                    + cfg.face_weight * logs["face"]
                    + cfg.read_weight * logs["read"]
                )
                fakes.append(fake.detach())
            if cfg.cycle_weight:
                back = self.render(self.nets["G"], fake, -batch.condition)[0]
                logs["cycle"] = masked_l1(back, batch.before, 0.1 + batch.reach)
                loss = loss + cfg.cycle_weight * logs["cycle"]
            return loss, logs

        logs = shares.gradients(self.optimisers["G"], teach)
        nn.utils.clip_grad_norm_(self.nets["G"].parameters(), 1.0)
        self.optimisers["G"].step()
        if adversarial:
            logs |= shares.gradients(
                self.optimisers["D"], lambda batch: self._discriminate(batch, fakes.pop(0))
            )
            self.optimisers["D"].step()
            if cfg.r1 and shares.i % R1_EVERY == 0:
                logs |= shares.gradients(self.optimisers["D"], self._smooth, R1_EVERY)
                self.optimisers["D"].step()
            if cfg.pipe != "none":
                self.augment.adapt(logs["sign"], cfg.ada_target, cfg.batch / cfg.ada_images)
        return logs

    def _teacher_losses(
        self, batch: Batch, fake: Tensor, flow: Tensor, colour: Tensor, alpha: Tensor
    ) -> dict[str, Tensor]:
        weight = 0.1 + batch.trust
        small = [F.avg_pool2d(x, STEM) for x in (fake, batch.after, weight, flow, batch.reach)]
        inside = small[4]
        return {
            "l1": masked_l1(fake, batch.after, weight),
            "edges": gradient_l1(fake, batch.after, weight),
            "coarse": masked_l1(small[0], small[1], small[2]),
            "flow": masked_l1(small[3], batch.flow, inside),
            "smooth": (small[3][..., 1:] - small[3][..., :-1]).square().mean()
            + (small[3][..., 1:, :] - small[3][..., :-1, :]).square().mean(),
            "alpha": (alpha - batch.reach).abs().mean() + (colour.abs() * (1 - batch.reach)).mean(),
        }

    def _faces(self, pictures: Tensor, label: Tensor) -> Tensor:
        return self.nets["D_face"](self.augment(pictures), label)

    def _mouths(self, pictures: Tensor) -> Tensor:
        return self.nets["D_mouth"](self.augment(mouth_window(pictures)))

    def _fool(self, batch: Batch, fake: Tensor) -> dict[str, Tensor]:
        teeth = batch.open > 0
        mouth = -self._mouths(fake[teeth]).mean() if teeth.any() else fake.new_zeros(())
        known = batch.label.sum(1) > 0  # of smile pairs nobody knows age and sex
        reader: Any = self.nets["D_face"]
        read = reader.misread(fake[known], batch.label[known]) if known.any() else fake.new_zeros(())
        return {"mouth": mouth, "face": -self._faces(fake, batch.label).mean(), "read": read}

    def _discriminate(self, batch: Batch, fake: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        teeth = batch.open > 0
        real = self._faces(batch.faces, batch.face_label)
        loss = hinge_d(real, self._faces(fake, batch.label))
        if teeth.any() and len(
            batch.mouths
        ):  # there are fewer mouths than faces: a share of the batch may have none
            loss = loss + hinge_d(self._mouths(batch.mouths), self._mouths(fake[teeth]))
        misread = self.nets["D_face"].misread(batch.faces, batch.face_label)  # pyright: ignore[reportCallIssue]
        return loss + misread, {"d": loss, "misread": misread, "sign": real.sign().mean()}

    def _smooth(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        real = batch.faces.detach().requires_grad_()
        penalty = r1(self._faces(real, batch.face_label), real).mean()
        return penalty * (self.cfg.r1 / 2), {"r1": penalty}

    @torch.no_grad()
    def score(self, G: nn.Module, batch: Batch) -> Tensor:
        """How far the result is from the truth where it is to be believed, over how far the input is: 1 is no
        better than doing nothing."""
        fake = self.render(G, batch.before, batch.condition)[0]
        return masked_l1(fake, batch.after, batch.trust) / masked_l1(batch.before, batch.after, batch.trust)

    @torch.no_grad()
    def preview(self, G: nn.Module, batch: Batch) -> Tensor:
        """Rows of before, result, wanted: `[3 N, 3, S, S]` in [-1, 1]."""
        fake = self.render(G, batch.before, batch.condition)[0].clamp(-1, 1)
        return torch.stack([batch.before, fake, batch.after], 1).flatten(0, 1)

    def parts(self, G: nn.Module) -> list[Part]:
        size = self.cfg.size
        card = Card(
            name="retouch",
            role="retoucher",
            licence="Apache-2.0",
            description="Smile, age and sex of one face, as flow, colour and alpha",
            template="face",
            size=size,
            value_range=(-1.0, 1.0),
            conditions=CONDITIONS,
            limits=f"Colours have at most {size} pixels across a face; hair does not change; faces turned by 45 degrees are guessed at.",
        )
        example = {"pixels": torch.zeros(1, 3, size, size), "condition": torch.zeros(1, len(CONDITIONS))}
        return [Part("retoucher", G, example, ("flow", "colour", "alpha"), card)]


def build(cfg: Config) -> Retouch:
    return Retouch(cfg)


def load(folders: list[Path], cfg: Config, seed: int) -> Loader[Batch]:
    """A folder of labelled faces and one of smile pairs, or one above both."""
    data = RetouchData(folders, cfg.size, cfg.variants, seed)

    def batch(arrays: dict[str, Array]) -> Batch:
        return Batch(**{name: torch.from_numpy(values) for name, values in arrays.items()})

    return Loader(lambda i: batch(data.batch(cfg.batch, i)), lambda: batch(data.held_out()))


def _schedule(t: float) -> float:
    """A short warm-up, then flat, then down to a tenth over the last third."""
    return min(1.0, t * 50 + 0.02) * (1.0 if t < 0.66 else 1 - 0.9 * (t - 0.66) / 0.34)
