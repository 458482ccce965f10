"""pixel2style2pixel: an encoder that finds the styles with which a frozen StyleGAN2 shows what a picture is
to become.

Richardson et al. 2021, "Encoding in Style" (arXiv 2008.00951); Tov et al. 2021, "Designing an Encoder for
StyleGAN Image Manipulation" (e4e, arXiv 2102.02766). Likeness is judged by what the generator's own
discriminator sees, in the form of LPIPS (Zhang et al. 2018, arXiv 1801.03924), and the person by IR-SE-50
where its weights are given (Deng et al. 2019, arXiv 1801.07698).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import ModelError, RequestError
from ...models.card import Card
from ...types import Array
from ..blocks.ema import decay
from ..blocks.encoders import ENCODERS, PYRAMIDS, Backbone, Encoder4Editing, Inverter, encoder
from ..blocks.layers import full
from ..data.drawings import CHANNELS, Drawn
from ..data.loader import Loader
from ..engine.accumulate import MicroBatches
from ..engine.part import Part
from .stylegan2 import ARCHITECTURES, FIXED, Discriminator, Generator, softplus_g

FACE = (35, 223, 32, 220)  # top, bottom, left, right of the face in 256 pixels laid out as FFHQ's
IDENTITY = 112  # pixels that IR-SE-50 takes
DRAWS = 10_000  # for the average w of a generator that comes without one


@dataclass(frozen=True)
class Config:
    """Knobs of the psp family; the values here are the paper's for inversion."""

    task: str = "invert"  # what the encoder is shown, of drawings.CHANNELS
    encoder: str = "GradualStyleEncoder"  # of encoders.ENCODERS
    side: int = 256  # of the pictures that it takes
    width: int = 64  # channels that it begins with; "light" is meant for half as many
    judge: str = "D"  # of the person: "irse50", to be given, or "D"; a given irse50 changes this
    l2: float = 1.0
    perceptual: float = 0.8
    identity: float = 0.1
    crop_l2: float = 0.0  # the same of the face alone
    crop_perceptual: float = 0.0
    norm: float = 0.0  # weight of how far codes are from the average w
    delta: float = 0.0  # e4e: weight of how far styles are from the first; the paper's is 2e-4
    progressive_from: int = (
        0  # e4e: at this step the second style may leave the first; 0: all may from the start
    )
    progressive_every: int = 2000  # e4e: steps until the next one may
    adversarial: float = (
        0.0  # e4e: weight of a critic that tells styles from the generator's own; the paper's is 0.1
    )
    adversarial_lr: float = 2e-5
    r1: float = 10.0  # of that critic
    r1_every: int = 16
    pool: int = 50  # older styles that it may be shown instead of new ones; 0: none
    batch: int = 8
    steps: int = 500_000
    lr: float = 1e-4
    # share of the averaged encoder that a step keeps, once enough have passed; 0: no average, as in the paper
    ema: float = 0.998
    mirror: float = 0.5  # share of the pictures that are shown mirrored
    judged: int = 256  # held-out pictures for the score, at most
    chance: int = 0  # 1: without a generator, one of chance will do, for tests
    size: int = 1024  # of the generator, as all that follows; `adapt` reads it off the one that is given
    z: int = 512
    w: int = 512
    classes: int = 0
    layers: int = 8
    base: int = 32768
    widest: int = 512
    synthesis: str = "skip"
    critic: str = "resnet"
    clamp: float = 256.0
    half: int = 4

    def __post_init__(self) -> None:
        for value, known in ((self.task, CHANNELS), (self.encoder, ENCODERS), (self.judge, ("D", "irse50"))):
            if value not in known:
                raise ValueError(f"there is no {value!r}: there are {', '.join(known)}")
        if self.size < 8 or self.size & (self.size - 1) or {self.synthesis, self.critic} - set(ARCHITECTURES):
            raise ValueError(
                f"a generator of {self.size} pixels, {self.synthesis!r} and {self.critic!r}, cannot be: see stylegan2"
            )
        if self.side < 32 or self.side % 32 or (self.encoder in PYRAMIDS and self.side & (self.side - 1)):
            raise ValueError(
                f"side {self.side} must be a multiple of 32, and a power of two for {' and '.join(PYRAMIDS)}"
            )
        if self.width < 8 or self.width % (2 if self.encoder == "light" else 16):
            raise ValueError(f"width {self.width} must be a multiple of 16, or of 2 and at least 8 for light")
        if (self.delta or self.progressive_from) and self.encoder != "Encoder4Editing":
            raise ValueError(
                f"delta and progressive_from are for encoder=Encoder4Editing: {self.encoder} has no deltas"
            )
        if self.progressive_from < 0 or self.progressive_every < 1 or self.r1_every < 1 or self.pool < 0:
            raise ValueError(
                "progressive_every and r1_every must be at least 1, progressive_from and pool at least 0"
            )
        weights = (self.l2, self.perceptual, self.identity, self.crop_l2, self.crop_perceptual)
        if min(*weights, self.norm, self.delta, self.adversarial) < 0 or not any(weights):
            raise ValueError("weights of losses are not below 0, and one of likeness must be above")


DRAWN = Config(norm=0.005, identity=0.0)
FRONT = Config(
    task="frontalise", l2=0.001, crop_l2=0.01, perceptual=0.08, crop_perceptual=0.8, identity=1.0, norm=0.005
)
E4E = Config(encoder="Encoder4Editing", delta=2e-4, progressive_from=20_000, adversarial=0.1, steps=200_000)
CPU = Config(
    encoder="light",
    side=64,
    width=24,
    identity=0.0,
    batch=16,
    lr=2e-3,
    steps=6_000,
    size=64,
    z=128,
    w=128,
    layers=2,
    base=2048,
    widest=128,
)
PRESETS = {
    "tiny": replace(
        CPU, side=32, width=8, norm=0.005, batch=2, steps=2, chance=1, size=16, z=8, w=8, base=128, widest=8
    ),
    "cpu": CPU,
    "default": Config(),
    "invert": Config(),
    "e4e": E4E,
    "frontalise": FRONT,
    "sketch": replace(DRAWN, task="sketch"),
    "segmentation": replace(DRAWN, task="segmentation"),
    "super_resolution": replace(DRAWN, task="super_resolution", identity=0.1),
}


def adapt(cfg: Config, knobs: dict[str, Any], states: dict[str, Any]) -> Config:
    """`cfg` for a generator with these knobs of stylegan2's (others among them say nothing), and for what
    else `transfer` will be told: D's architecture is read off its weights, and IR-SE-50 judges where it is
    given."""
    changes = {name: knobs[name] for name in FIXED if name in knobs}
    if "clamp" in changes:
        changes["clamp"] = float(changes["clamp"] or 0)
    if "D" in states:
        ends = {key.split(".", 1)[1] for key in states["D"] if key.count(".") > 1}
        changes["critic"] = (
            "resnet" if "skip.weight" in ends else "skip" if "b4.fromrgb.weight" in states["D"] else "orig"
        )
    if "irse50" in states:
        changes["judge"] = "irse50"
    return replace(cfg, **changes)


@dataclass(frozen=True, eq=False)
class Batch:
    """What the encoder sees, `input [N, C, S, S]`, and what is to be shown, `target [N, 3, T, T]` in [-1, 1].
    S is the side of the encoder; T too, but no more than that of the generator."""

    input: Tensor
    target: Tensor


# --- Networks


class Encoder(Inverter):
    """E, and what is remembered with it: which styles may leave the first, and whether D and IR-SE-50 were
    given or are of chance."""

    def __init__(self, cfg: Config, styles: int) -> None:
        codes = encoder(cfg.encoder, styles, CHANNELS[cfg.task], w=cfg.w, width=cfg.width, side=cfg.side)
        super().__init__(codes, torch.zeros(styles, cfg.w))
        self.grows = bool(cfg.progressive_from)
        self.used: Tensor
        self.informed: Tensor
        self.person: Tensor
        self.register_buffer("used", torch.ones(styles, 1))
        self.register_buffer("informed", torch.zeros(()))
        self.register_buffer("person", torch.zeros(()))

    def forward(self, pixels: Tensor) -> Tensor:
        ws = super().forward(pixels)
        return torch.lerp(ws[:, :1], ws, self.used) if self.grows else ws

    def grow(self, stage: int) -> None:
        """Let the first `stage` styles after the first leave it; the heads of the others are not even
        asked."""
        if isinstance(self.codes, Encoder4Editing):
            self.codes.stage = stage
            self.used.copy_((torch.arange(len(self.used), device=self.used.device) <= stage).float()[:, None])


class StyleCritic(nn.Module):
    """D_w: styles `[N, W]` -> logits `[N, 1]`, positive for the generator's own; with a pool of what the
    encoder gave before."""

    def __init__(self, w: int, pool: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            *(layer for _ in range(3) for layer in (nn.Linear(w, w), nn.LeakyReLU(0.2))), nn.Linear(w, 1)
        )
        self.pool: Tensor
        self.register_buffer("pool", torch.zeros(pool, w))

    def forward(self, w: Tensor) -> Tensor:
        with full(w):
            return self.mlp(w.float())

    def mixed(self, w: Tensor) -> Tensor:
        """`w [N, W]`, half of them exchanged for older ones as far as the pool goes."""
        if not len(self.pool):
            return w
        if not bool(self.pool.any()):
            self.pool.copy_(w[torch.arange(len(self.pool), device=w.device) % len(w)])
        count = min(len(w) // 2, len(self.pool))
        rows, places = (torch.randperm(n, device=w.device)[:count] for n in (len(w), len(self.pool)))
        out = w.clone()
        out[rows] = self.pool[places]
        self.pool[places] = w[rows]
        return out


class Ranger(torch.optim.RAdam):
    """RAdam (Liu et al. 2020, arXiv 1908.03265) on centred gradients (Yong et al. 2020, arXiv 2004.01461)
    that looks ahead: every six steps it goes back half of the way that it came (Zhang et al. 2019, arXiv
    1907.08610)."""

    EVERY, BACK = 6, 0.5

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        used = [one for group in self.param_groups for one in group["params"] if one.grad is not None]
        first = {one: one.clone() for one in used if not self.state[one]}
        for one in used:
            if one.ndim > 1:
                one.grad -= one.grad.mean(tuple(range(1, one.ndim)), keepdim=True)
        loss = super().step(closure)
        for one in used:
            state = self.state[one]
            slow = state.setdefault("slow", first.get(one))
            if int(state["step"]) % self.EVERY == 0:
                one.copy_(slow.lerp_(one, self.BACK))
        return loss


# --- Likeness


def resized(x: Tensor, size: int) -> Tensor:
    if x.shape[-1] == size and x.shape[-2] == size:
        return x
    return (
        F.interpolate(x, (size, size), mode="area")
        if x.shape[-1] >= size
        else F.interpolate(x, (size, size), mode="bilinear")
    )


def face(x: Tensor) -> Tensor:
    """The face alone of pictures laid out as FFHQ's: `[N, 3, T, T]` -> `[N, 3, about 0.7 T, about 0.7 T]`."""
    top, bottom, left, right = (round(one * x.shape[-1] / 256) for one in FACE)
    return x[:, :, top:bottom, left:right]


def seen(D: Discriminator, pictures: Tensor) -> list[Tensor]:
    """What D sees at each resolution: maps `[N, C, s, s]`, from fine to coarse, each place of unit length."""
    x, rest, out = None, resized(pictures, D.sizes[0]), []
    for size in D.sizes:
        if size < D.half_from:
            with full(pictures):
                x, rest = getattr(D, f"b{size}")(x if x is None else x.float(), rest)
        else:
            x, rest = getattr(D, f"b{size}")(x, rest)
        assert x is not None
        out.append(F.normalize(x.float(), dim=1, eps=1e-10))
    return out


def unlike(D: Discriminator, a: Tensor, b: Tensor) -> Tensor:
    """How differently D sees pictures: LPIPS's form without its learned weights, 0 for the same and 2 for
    nothing in common."""
    pairs = zip(seen(D, a), seen(D, b), strict=True)
    return torch.stack([(x - y).square().sum(1).mean() for x, y in pairs]).mean()


# --- The objective


class PSP:
    """The objective: nets, one update, the score, previews, what is exported."""

    averaged = "E"

    def __init__(self, cfg: Config) -> None:
        self.cfg = cfg
        same: dict[str, Any] = {
            key: getattr(cfg, key) for key in ("classes", "layers", "base", "widest", "half")
        }
        same["clamp"] = cfg.clamp or None
        self.G = Generator(cfg.size, z=cfg.z, w=cfg.w, architecture=cfg.synthesis, **same)
        self.D = Discriminator(cfg.size, architecture=cfg.critic, **same)
        self.E = Encoder(cfg, self.G.num_ws)
        self.irse50 = Backbone() if cfg.judge == "irse50" and cfg.identity else None
        self.D_w = StyleCritic(cfg.w, cfg.pool) if cfg.adversarial else None
        named = {"E": self.E, "G": self.G, "D": self.D, "irse50": self.irse50, "D_w": self.D_w}
        self.nets = nn.ModuleDict({name: net for name, net in named.items() if net is not None})
        for net in (self.G, self.D, self.irse50):
            if net is not None:
                net.requires_grad_(False).eval()
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            "E": Ranger(self.E.parameters(), cfg.lr, betas=(0.95, 0.999), eps=1e-5)
        }
        if self.D_w is not None:
            self.optimisers["D_w"] = torch.optim.Adam(self.D_w.parameters(), cfg.adversarial_lr)
        if cfg.chance:
            self._centre()

    def keep(self, i: int) -> float:
        """Share of the averaged E that step `i` keeps, less in the beginning."""
        return decay(i, self.cfg.ema)

    def transfer(self, states: dict[str, dict[str, Tensor]]) -> list[str]:
        """Begin from other weights, by name: "G" and "D" of a StyleGAN2, "irse50", "E" of a run or as
        published. What has the same name and shape is taken; returns the names of the rest. Raises
        `ModelError` where G's layers do not fit."""
        left: list[str] = []
        begun = {"irse50": {}, "E": {}} | {name: states[name] for name in ("irse50", "E") if name in states}
        bare = [
            {key.removeprefix("codes."): one for key, one in begun[name].items()} for name in ("irse50", "E")
        ]
        if any(bare):
            left += [f"E.codes.{key}" for key in take(self.E.codes, bare[0] | bare[1])]
        if self.irse50 is not None and "irse50" in states:
            left += [f"irse50.{key}" for key in take(self.irse50, states["irse50"])]
            self.E.person.fill_(1)
        if "D" in states:
            left += [f"D.{key}" for key in take(self.D, states["D"])]
            self.E.informed.fill_(1)
        if "G" in states:
            lost = take(self.G, states["G"])
            if bad := [
                key
                for key in lost
                if key.startswith("synthesis.") and not key.endswith((".noise_const", ".resample_filter"))
            ]:
                raise ModelError(
                    f"the generator does not fit its own description: {', '.join(bad[:4])} ({len(bad)} in all)"
                )
            left += [f"G.{key}" for key in lost]
            self._centre()
        return left

    @torch.no_grad()
    def _centre(self) -> None:
        """Put G's average w under the codes; one of its own draws where it comes without."""
        mapping = self.G.mapping
        if not bool(mapping.w_avg.any()):
            z = torch.randn(DRAWS, self.cfg.z, generator=torch.Generator().manual_seed(0)).to(
                mapping.w_avg.device
            )
            label = self._labels(DRAWS, z.device)
            mapping.w_avg.copy_(mapping(z, label).mean(0))
        self.E.average.copy_(mapping.w_avg.expand_as(self.E.average))

    def _labels(self, count: int, device: torch.device) -> Tensor:
        """Classes as one-hot `[N, C]`, each as often as any other."""
        classes = self.cfg.classes
        return (
            F.one_hot(torch.arange(count, device=device) % classes, classes).float()
            if classes
            else torch.zeros(count, 0, device=device)
        )

    def ready(self) -> None:
        """`RequestError` where what cannot be done without was never given."""
        if not bool(self.G.mapping.w_avg.any()):
            raise RequestError("psp trains against a generator: give one with --from RUN or --from FILE")
        if self.irse50 is not None and not bool(self.E.person):
            raise RequestError(
                "IR-SE-50 is to judge the person: give model_ir_se50.pth with --from, or --set judge=D"
            )

    def step(self, shares: MicroBatches) -> dict[str, Tensor]:
        cfg, i = self.cfg, shares.i
        if i == 0:
            self.ready()
        self.stage = len(self.E.used) - 1
        if cfg.progressive_from:
            self.stage = (
                0
                if i < cfg.progressive_from
                else min(1 + (i - cfg.progressive_from) // cfg.progressive_every, self.stage)
            )
            self.E.grow(self.stage)
        logs = shares.gradients(self.optimisers["E"], self._resemble)
        self.optimisers["E"].step()
        if self.D_w is not None:
            logs |= shares.gradients(self.optimisers["D_w"], self._tell_apart)
            self.optimisers["D_w"].step()
            if cfg.r1 and i % cfg.r1_every == 0:
                logs |= shares.gradients(self.optimisers["D_w"], self._smooth, cfg.r1_every)
                self.optimisers["D_w"].step()
        return logs

    def _resemble(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        cfg, target = self.cfg, batch.target
        ws = self.E(batch.input).float()
        made = resized(self.G.synthesis(ws, "const"), target.shape[-1])
        away = ws[:, 1:] - ws[:, :1]
        terms = {
            "l2": lambda: F.mse_loss(made, target),
            "perceptual": lambda: unlike(self.D, made, target),
            "identity": lambda: (1 - (self._person(made) * self._person(target)).sum(1)).mean(),
            "crop_l2": lambda: F.mse_loss(face(made), face(target)),
            "crop_perceptual": lambda: unlike(self.D, face(made), face(target)),
            "norm": lambda: (ws - self.E.average).flatten(1).norm(dim=1).mean(),
            "delta": lambda: (away.square().sum(2) + 1e-12).sqrt().mean(0).sum(),
            "adversarial": lambda: softplus_g(self._judged(ws)).mean(),
        }
        logs = {name: term() for name, term in terms.items() if getattr(cfg, name)}
        loss = torch.stack([getattr(cfg, name) * one for name, one in logs.items()]).sum()
        return loss, {"loss": loss, **logs}

    def _person(self, pictures: Tensor) -> Tensor:
        """Who a picture shows: `[N, I]` of unit length, of the face alone."""
        with full(pictures):
            if self.irse50 is not None:
                return self.irse50(resized(face(pictures.float()), IDENTITY))
            return F.normalize(seen(self.D, face(pictures.float()))[-1].flatten(1))

    def _judged(self, ws: Tensor) -> Tensor:
        assert self.D_w is not None
        return self.D_w(ws[:, : self.stage + 1].flatten(0, 1))

    def _own(self, count: int, device: torch.device) -> Tensor:
        """Styles `[N, W]` of the generator."""
        with torch.no_grad():
            label = self._labels(count, device)[torch.randperm(count, device=device)]
            return self.G.mapping(torch.randn(count, self.cfg.z, device=device), label)

    def _tell_apart(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        assert self.D_w is not None
        with torch.no_grad():
            ws = self.E(batch.input).float()
            fake = self.D_w.mixed(ws[:, : self.stage + 1].flatten(0, 1))
        loss = F.softplus(-self.D_w(self._own(len(ws), ws.device))).mean() + F.softplus(self.D_w(fake)).mean()
        return loss, {"d": loss}

    def _smooth(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        assert self.D_w is not None
        real = self._own(len(batch.input), batch.input.device).requires_grad_()
        (grad,) = torch.autograd.grad(self.D_w(real).sum(), real, create_graph=True)
        penalty = grad.square().sum(1).mean()
        return penalty * (self.cfg.r1 / 2), {"r1": penalty}

    @torch.no_grad()
    def _shown(self, E: nn.Module, batch: Batch) -> Tensor:
        """What G makes of E's styles: `[N, 3, T, T]`."""
        parts = batch.input.split(16)
        return torch.cat(
            [resized(self.G.synthesis(E(one), "const"), batch.target.shape[-1]) for one in parts]
        )

    @torch.no_grad()
    def score(self, net: nn.Module, batch: Batch) -> Tensor:
        """Mean absolute difference from the targets, over that of the generator's mean face: 1 is no better
        than that."""
        assert isinstance(net, Inverter)
        mean = resized(self.G.synthesis(net.average[None], "const"), batch.target.shape[-1])
        return (self._shown(net, batch) - batch.target).abs().mean() / (mean - batch.target).abs().mean()

    @torch.no_grad()
    def preview(self, net: nn.Module, batch: Batch) -> Tensor:
        """Rows of twelve: what the encoder sees, what comes of it, what was wanted. `[36, 3, T, T]`"""
        rows = torch.arange(12, device=batch.input.device) % len(batch.input)
        few = Batch(batch.input[rows], batch.target[rows])
        shown = resized(visible(few.input), few.target.shape[-1])
        return torch.cat([shown, self._shown(net, few), few.target]).clamp(-1, 1)

    def parts(self, net: nn.Module) -> list[Part]:
        cfg = self.cfg
        assert isinstance(net, Encoder)
        judge = "the generator's discriminator" if bool(net.informed) else "a network of chance"
        limits = f"Shows what its generator of {cfg.size} pixels can: hats, hands, text and backgrounds are lost. {TAKES[cfg.task]}. "
        person = (
            f"; the person by {'the same' if self.irse50 is None else 'IR-SE-50'}" if cfg.identity else ""
        )
        limits += f"Likeness was judged by {judge}{person}."
        span = (-1.0, 1.0) if CHANNELS[cfg.task] == 3 else (0.0, 1.0)
        card = Card(
            f"psp-{cfg.task}",
            "encoder",
            licence="Apache-2.0",
            limits=limits,
            template="ffhq",
            size=cfg.side,
            value_range=span,
        )
        card = replace(
            card, description="A picture to the styles of the generator that it was trained against"
        )
        return [
            Part(
                "encoder",
                net,
                {"pixels": torch.zeros(1, CHANNELS[cfg.task], cfg.side, cfg.side)},
                ("ws",),
                card,
            )
        ]


TAKES = {
    "invert": "Takes a face as it is",
    "frontalise": "Takes a face from any side and turns it to the front",
    "sketch": "Takes a drawing, dark on white, in [0, 1]",
    "segmentation": f"Takes {CHANNELS['segmentation']} maps, 0 or 1, of CelebAMask-HQ's classes; those that its data lacked say nothing",
    "super_resolution": "Takes a face that was made up to 32 times smaller and as large again; details are made up",
}


def take(net: nn.Module, state: dict[str, Tensor]) -> list[str]:
    """Put into a network what has the same name and shape; returns the names of the rest."""
    mine = net.state_dict()
    taken = {key: one for key, one in state.items() if key in mine and mine[key].shape == one.shape}
    net.load_state_dict(taken, strict=False)
    return [key for key in mine if key not in taken]


def visible(x: Tensor) -> Tensor:
    """What an encoder sees `[N, C, S, S]`, for human eyes: `[N, 3, S, S]` in [-1, 1]."""
    if x.shape[1] == 3:
        return x
    if x.shape[1] == 1:
        return x.expand(-1, 3, -1, -1) * 2 - 1
    hues = torch.rand(x.shape[1], 3, generator=torch.Generator().manual_seed(1)).to(x) * 2 - 1
    return torch.einsum("nchw,cd->ndhw", x, hues)


def build(cfg: Config) -> PSP:
    return PSP(cfg)


def load(folders: list[Path], cfg: Config, seed: int) -> Loader[Batch]:
    """Folders of pictures, see `drawings.Drawn`."""
    data = Drawn(folders, cfg.side, cfg.task, seed)

    def batch(seen: Array, pictures: Array) -> Batch:
        return Batch(torch.from_numpy(seen), resized(torch.from_numpy(pictures), min(cfg.side, cfg.size)))

    def aside() -> Any:
        return batch(*(one[: cfg.judged] for one in data.held_out()))

    return Loader(lambda i: batch(*data.batch(cfg.batch, i, cfg.mirror)), aside, data.pictures.notes())
