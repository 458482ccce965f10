"""faceswap-GAN (v2.2): one encoder for two people and a decoder for each, which also says where what it draws is to
replace what it was shown; with discriminators, and with eyes that look for who somebody is.

There is no paper; this is written after a description of shaoanlu's program, in its order of phases. Other than there:
the perceptual term looks through the embedder in the box (dlib's network) where VGGFace looked, the L2 of the kernels
is in the losses, and neither motion blur nor the cyclic term is here. Spectral and other norms of older versions are
left out: what is published by default has instance norm over the whole picture, and self-attention (Zhang et al. 2018,
arXiv 1805.08318).
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
from ..blocks.embedder import Eyes
from ..blocks.layers import Attention
from ..blocks.translators import take, updates
from ..data.loader import Loader, tensors
from ..data.swap_faces import SwapBatch, SwapFaces, Warp
from ..engine.accumulate import MicroBatches
from ..engine.part import Part

SIZES = (64, 128, 256)
ADVERSARIAL, EDGES, MASK, SMOOTH, DECAY = 0.1, 0.1, 1e-2, 0.1, 1e-4  # weights of the losses
EYES = 30.0  # weight of the eyes in them
MIXED = 0.2  # both parameters of the Beta that mixes real and drawn pictures for D (Zhang et al. 2017, mixup)
WARP = Warp(zoom=0.1, wave=(5 / 256, 6.2 / 256))
SHOWN = 12  # faces in a row of a preview


@dataclass(frozen=True)
class Config:
    """Knobs of the faceswap_gan family; the values here are the published ones."""

    size: int = 64  # of SIZES: pixels that are shown and drawn
    lite: int = 0  # 1: half as wide, and enlarged without a shuffle
    base: int = 64  # channels that the encoder begins with
    perceptual: float = 1.0  # weight of what an embedder sees
    eyes: str = "identity"  # that embedder, of `mien models`
    template: str = "face"  # how faces are laid out
    matched: float = 0.5  # share of the pictures that are given the colours of another's
    batch: int = 8  # faces of each
    steps: int = 40_000
    lr: float = 1e-4  # of the generator; discriminators learn at twice that
    judged: int = 64  # held-out faces for the score, at most

    def __post_init__(self) -> None:
        if self.size not in SIZES:
            raise ValueError(f"size {self.size}: there are {', '.join(map(str, SIZES))}")
        if self.template not in TEMPLATES:
            raise ValueError(f"{self.template!r} is unknown: there are {', '.join(TEMPLATES)}")
        if self.base < 8 or self.base % 8 or self.perceptual < 0 or not 0 <= self.matched <= 1:
            raise ValueError("base is a multiple of 8, perceptual not below 0, and matched in 0..1")


PRESETS = {
    "tiny": Config(lite=1, base=8, perceptual=0.0, batch=2, steps=2, judged=4),
    "cpu": Config(lite=1, base=32, perceptual=0.1, batch=4, steps=1_000, lr=2e-4),
    "default": Config(),
}


@dataclass(frozen=True)
class Phase:
    """From which share of the steps on: whether the embedder looks, how much of a picture the mask is to fill at least
    (0: as little as will do), what the rates are multiplied by, and whether the decoders change places."""

    start: float
    perceptual: bool = True
    fill: float = 0.0
    rate: float = 1.0
    exchanged: bool = False


PHASES = (
    Phase(0.0, perceptual=False),
    Phase(0.2),
    Phase(0.3, fill=0.5),
    Phase(0.4, fill=0.2),
    Phase(0.5, fill=0.4),
    Phase(2 / 3, rate=0.3),
    Phase(0.8, fill=0.1, rate=0.3, exchanged=True),
    Phase(0.9, rate=0.1),
)


def adapt(cfg: Config, knobs: dict[str, Any], states: dict[str, dict[str, Tensor]]) -> Config:
    """`cfg` for networks like those that a run begins with."""
    state = states.get("G", {})
    if "encoder.body.0.weight" not in state:
        raise ValueError("it holds no encoder of a faceswap-GAN")
    base, deep = len(state["encoder.body.0.weight"]), sum(".drafts." in key for key in state) // 4
    lite = int(len(state["encoder.up.conv.weight"]) == 8 * base)
    return replace(cfg, base=base * (1 + lite), lite=lite, size=SIZES[deep])


@dataclass(frozen=True, eq=False)
class Batch:
    """See `swap_faces.SwapBatch`; pictures in [-1, 1]."""

    seen: Tensor
    wanted: Tensor
    about: Tensor


# --- Networks


class Norm(nn.Module):
    """Instance norm over a whole picture, all channels together, with one gain and one offset."""

    def __init__(self) -> None:
        super().__init__()
        self.gamma, self.beta = nn.Parameter(torch.ones(1)), nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        mean, spread = x.mean((1, 2, 3), keepdim=True), x.std((1, 2, 3), correction=0, keepdim=True)
        return (x - mean) / (spread + 1e-3) * self.gamma + self.beta


class Down(nn.Module):
    """A convolution without bias that halves, or does not, ReLU and norm; padded as TensorFlow pads."""

    def __init__(self, inputs: int, outputs: int, *, norm: bool, stride: int = 2) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride, bias=False)
        self.norm = Norm() if norm else nn.Identity()
        self.pad = (0, 1, 0, 1) if stride == 2 else (1, 1, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(F.relu(self.conv(F.pad(x, self.pad))))


class Up(nn.Module):
    """Features `[N, C, H, W]` -> `[N, outputs, 2 H, 2 W]`."""

    def __init__(self, inputs: int, outputs: int, *, lite: bool) -> None:
        super().__init__()
        self.lite = lite
        self.conv = nn.Conv2d(inputs, outputs if lite else 4 * outputs, 3, padding=0 if lite else 1)
        self.norm = Norm()

    def forward(self, x: Tensor) -> Tensor:
        if self.lite:
            x = F.interpolate(x, scale_factor=2.0, mode="nearest")
            return self.norm(self.conv(F.pad(x, (1, 1, 1, 1), mode="reflect")))
        return F.pixel_shuffle(self.norm(F.leaky_relu(self.conv(x), 0.2)), 2)


class Residual(nn.Module):
    """Two convolutions without bias added to their input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(x + self.conv1(F.leaky_relu(self.conv0(x), 0.2)), 0.2)


class Encoder(nn.Module):
    """pixels `[N, 3, S, S]` in [-1, 1] -> `[N, 8 base, 8, 8]`."""

    def __init__(self, size: int, base: int, *, lite: bool) -> None:
        super().__init__()
        self.width = (8 if lite else 16) * base
        layers = [nn.Conv2d(3, base, 5, padding=2, bias=False), Down(base, 2 * base, norm=False)]
        for wide in (2 * base, 4 * base):
            layers += [Down(wide, 2 * wide, norm=True), Attention(2 * wide)]
        layers.append(Down(8 * base, self.width, norm=True))
        layers += [Down(self.width, self.width, norm=True) for _ in range(SIZES.index(size))]
        self.body = nn.Sequential(*layers)
        code = (2048 if lite and size > SIZES[0] else 1024) * base // (32 if lite else 64)
        self.dense0, self.dense1 = nn.Linear(16 * self.width, code), nn.Linear(code, 16 * self.width)
        self.up = Up(self.width, 8 * base, lite=lite)

    def forward(self, pixels: Tensor) -> Tensor:
        x = self.dense1(self.dense0(self.body(pixels).flatten(1)))
        return self.up(x.view(-1, self.width, 4, 4))


class Decoder(nn.Module):
    """What the encoder says -> where the face is `[N, 1, S, S]` in 0..1, the face `[N, 3, S, S]` in [-1, 1], and faces
    that were drawn on the way, from 64 pixels on."""

    def __init__(self, size: int, base: int, *, lite: bool) -> None:
        super().__init__()
        self.up0, self.up1 = Up(8 * base, 4 * base, lite=lite), Up(4 * base, 2 * base, lite=lite)
        self.attention0 = Attention(2 * base)
        self.up2, self.residual = Up(2 * base, base, lite=lite), Residual(base)
        self.attention1 = Attention(base)
        self.drafts, self.ups, self.convs = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for _ in range(SIZES.index(size)):
            self.drafts.append(nn.Conv2d(base, 3, 5, padding=2))
            self.ups.append(Up(base, base, lite=lite))
            self.convs.append(Down(base, base, norm=False, stride=1))
        self.alpha, self.face = nn.Conv2d(base, 1, 5, padding=2), nn.Conv2d(base, 3, 5, padding=2)

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        x = self.attention0(self.up1(self.up0(z)))
        x = self.attention1(self.residual(self.up2(x)))
        drafts: list[Tensor] = []
        for draft, up, conv in zip(self.drafts, self.ups, self.convs, strict=True):
            drafts.append(draft(x).tanh())
            x = conv(up(x))
        return self.alpha(x).sigmoid(), self.face(x).tanh(), drafts


class Shared(nn.Module):
    """Encoder and both decoders. base: of an encoder that is not lite."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        knobs: dict[str, Any] = {"lite": bool(cfg.lite)}
        base = cfg.base // (1 + cfg.lite)
        self.encoder = Encoder(cfg.size, base, **knobs)
        self.decoders = nn.ModuleList(Decoder(cfg.size, base, **knobs) for _ in "ab")

    def drawn_as(self, k: int, pixels: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Any faces through the decoder of person `k`: alpha, face, drafts."""
        return self.decoders[k](self.encoder(pixels))


class Judge(nn.Module):
    """A convolution without bias that halves, and norm."""

    def __init__(self, inputs: int, outputs: int, *, norm: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=False)
        self.norm = Norm() if norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(F.leaky_relu(self.conv(x), 0.2))


class Discriminator(nn.Module):
    """A picture and what was shown for it, `[N, 6, S, S]` -> how real each place looks `[N, 1, 8, 8]`."""

    def __init__(self, size: int, base: int) -> None:
        super().__init__()
        layers = [Judge(6, base, norm=False), Judge(base, 2 * base, norm=True)]
        layers += [Judge(2 * base, 4 * base, norm=True), Attention(4 * base)]
        for _ in range(SIZES.index(size)):
            layers += [Judge(4 * base, 4 * base, norm=True), Attention(4 * base)]
        self.body = nn.Sequential(*layers)
        self.last = nn.Conv2d(4 * base, 1, 4, bias=False)

    def forward(self, pictures: Tensor) -> Tensor:
        return self.last(F.pad(self.body(pictures), (1, 2, 1, 2)))


class Draws(nn.Module):
    """What is exported: faces -> the same as person `k`, and where that is to be seen."""

    def __init__(self, shared: Shared, k: int) -> None:
        super().__init__()
        self.shared, self.k = shared, k

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        alpha, face, _ = self.shared.drawn_as(self.k, pixels)
        return face, alpha


def begun(net: nn.Module) -> nn.Module:
    """The published start: normal after He et al. 2015; four alike channels where they are shuffled (ICNR, Aitken et
    al. 2017, arXiv 1707.02937)."""
    for one in net.modules():
        if isinstance(one, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(one.weight)
            if one.bias is not None:
                nn.init.zeros_(one.bias)
    for one in net.modules():
        if isinstance(one, Up) and not one.lite:
            one.conv.weight.data = one.conv.weight.data[::4].repeat_interleave(4, 0)
    return net


# --- Objective


class FaceswapGAN:
    """The objective: nets, one update, the score, previews, what is exported."""

    averaged = "G"

    def __init__(self, cfg: Config) -> None:
        self.cfg = cfg
        self.G = Shared(cfg)
        self.D_A, self.D_B = (Discriminator(cfg.size, cfg.base) for _ in "AB")
        for net in (self.G, self.D_A, self.D_B):
            begun(net)
        self.nets = nn.ModuleDict({"G": self.G, "D_A": self.D_A, "D_B": self.D_B})
        self.eyes = Eyes(cfg.eyes) if cfg.perceptual else None
        judges = [*self.D_A.parameters(), *self.D_B.parameters()]
        self.optimisers = {
            name: torch.optim.Adam(weights, rate, betas=(0.5, 0.999))
            for name, weights, rate in (("G", [*self.G.parameters()], cfg.lr), ("D", judges, 2 * cfg.lr))
        }

    def keep(self, i: int) -> float:
        """Nothing is averaged, as published."""
        return 0.0

    def transfer(self, states: dict[str, dict[str, Tensor]]) -> list[str]:
        """Begin with other weights, "G", "D_A" and "D_B" by name. Returns the names of what did not fit."""
        names = [name for name in self.nets if name in states]
        return [f"{name}.{key}" for name in names for key in take(self.nets[name], states[name])]

    def step(self, shares: MicroBatches) -> dict[str, Tensor]:
        phase = self.entered(shares.i)
        for name, rate in (("G", self.cfg.lr), ("D", 2 * self.cfg.lr)):
            for group in self.optimisers[name].param_groups:
                group["lr"] = rate * phase.rate
        lam = float(shares.chance().beta(MIXED, MIXED))
        logs = self._update(shares, "D", lambda batch: self._discriminate(batch, lam))
        return logs | self._update(shares, "G", lambda batch: self._draw(batch, phase))

    def entered(self, i: int) -> Phase:
        """The phase of step `i`; where it is the first of a phase, rates are found anew, and decoders may change
        places: each is then to draw what it was never shown."""
        starts = [round(one.start * self.cfg.steps) for one in PHASES]
        k = max(k for k, start in enumerate(starts) if start <= i)
        if i and i == starts[k]:
            for optimiser in self.optimisers.values():
                optimiser.state.clear()
            if PHASES[k].exchanged:
                first, second = (
                    {key: one.clone() for key, one in d.state_dict().items()} for d in self.G.decoders
                )
                self.G.decoders[0].load_state_dict(second)
                self.G.decoders[1].load_state_dict(first)
        return PHASES[k]

    def _update(self, shares: MicroBatches, name: str, term: Any) -> dict[str, Tensor]:
        for key, net in self.nets.items():
            updates(net, key[0] == name)
        logs = shares.gradients(self.optimisers[name], term)
        self.optimisers[name].step()
        return logs

    def _discriminate(self, batch: Batch, lam: float) -> tuple[Tensor, dict[str, Tensor]]:
        losses: list[Tensor] = []
        for k, D in enumerate((self.D_A, self.D_B)):
            seen, real = batch.seen[:, k], batch.wanted[:, k]
            with torch.no_grad():
                alpha, face, _ = self.G.drawn_as(k, seen)
            for fake in (alpha * face + (1 - alpha) * seen, face):
                mixed = lam * real + (1 - lam) * fake
                losses.append(
                    F.mse_loss(
                        D(torch.cat([mixed, seen], 1)).float(),
                        seen.new_full((), lam).expand(len(seen), 1, 8, 8),
                    )
                )
        losses.append(decayed(self.D_A) + decayed(self.D_B))
        loss = torch.stack(losses).sum()
        return loss, {"d": loss}

    def _draw(self, batch: Batch, phase: Phase) -> tuple[Tensor, dict[str, Tensor]]:
        terms: dict[str, Tensor] = {}
        for k, D in enumerate((self.D_A, self.D_B)):
            for name, value in self._terms(batch, k, D, phase).items():
                terms[name] = terms.get(name, 0) + value
        terms["decay"] = decayed(self.G)
        loss = torch.stack(list(terms.values())).sum()
        return loss, {"loss": loss, "g": terms["adversarial"], "l1": terms["face"]}

    def _terms(self, batch: Batch, k: int, D: nn.Module, phase: Phase) -> dict[str, Tensor]:
        """What is wrong with what person `k` is drawn as, in weighted parts."""
        seen, real, eyes = batch.seen[:, k], batch.wanted[:, k], batch.about[:, k, 1:2]
        alpha, face, drafts = self.G.drawn_as(k, seen)
        masked = alpha * face + (1 - alpha) * seen
        judged = [D(torch.cat([one, seen], 1)).float() for one in (masked, face)]
        small = [F.interpolate(real, one.shape[2:], mode="area") for one in drafts]
        drawn = [F.l1_loss(a, b) for a, b in zip([face, *drafts], [real, *small], strict=True)]
        terms = {
            "adversarial": ADVERSARIAL * torch.stack([(one - 1).square().mean() for one in judged]).sum(),
            "face": torch.stack(drawn).sum(),
            "eyes": EYES * (eyes * (face - real)).abs().mean(),
        }
        for axis in (2, 3):
            step, wanted, where = (one.diff(dim=axis) for one in (face, real, eyes))
            where = eyes.narrow(axis, 1, where.shape[axis])
            terms[f"edges{axis}"] = (
                EDGES * F.l1_loss(step, wanted) + EYES * (where * (step - wanted)).abs().mean()
            )
            terms[f"smooth{axis}"] = SMOOTH * alpha.diff(dim=axis).abs().mean()
        terms["mask"] = EDGES * F.relu(phase.fill - alpha).mean() if phase.fill else MASK * alpha.mean()
        if self.eyes is not None and phase.perceptual:
            lam = torch.rand((), device=real.device)
            mixture = lam * face + (1 - lam) * masked
            terms["seen"] = self.cfg.perceptual * self.eyes.unlike(mixture / 2 + 0.5, real / 2 + 0.5)
        return terms

    @torch.no_grad()
    def score(self, net: nn.Module, batch: Batch) -> Tensor:
        """How far each held-out face is from itself within it, over how far the mean of them is: 1 is no better than
        that, and says nothing of how alike a swap is."""
        assert isinstance(net, Shared)
        far = far_of_mean = batch.seen.new_zeros(())
        for k in range(2):
            wanted, inside = batch.wanted[:, k], batch.about[:, k, :1]
            made = torch.cat([net.drawn_as(k, one)[1] for one in batch.seen[:, k].split(8)])
            far = far + ((made - wanted).abs() * inside).sum()
            far_of_mean = far_of_mean + ((wanted.mean(0) - wanted).abs() * inside).sum()
        return far / far_of_mean.clamp(min=1e-3)

    @torch.no_grad()
    def preview(self, net: nn.Module, batch: Batch) -> Tensor:
        """Rows of SHOWN: A's faces, as drawn, as B, and where; then the same of B. `[8 SHOWN, 3, S, S]` in [-1, 1]"""
        assert isinstance(net, Shared)
        rows = torch.arange(SHOWN, device=batch.seen.device) % len(batch.seen)
        out: list[Tensor] = []
        for k in range(2):
            seen, wanted = batch.seen[:SHOWN, k], batch.wanted[:SHOWN, k]
            own, (alpha, other, _) = net.drawn_as(k, seen)[1], net.drawn_as(1 - k, seen)
            swapped, where = alpha * other + (1 - alpha) * seen, alpha.expand(-1, 3, -1, -1) * 2 - 1
            out += [one[rows] for one in (wanted, own, swapped, where)]
        return torch.cat(out)

    def parts(self, net: nn.Module) -> list[Part]:
        assert isinstance(net, Shared)
        cfg, out = self.cfg, list[Part]()
        limits = f"Draws one person at {cfg.size} px, as the pictures showed them that it was trained on; what those did "
        limits += "not show, it makes up. Give it only to who that person has agreed to give it to."
        for k, name in enumerate("ab"):
            about: dict[str, Any] = {"template": cfg.template, "size": cfg.size, "limits": limits}
            said = f"Faces as those of folder {name.upper()}"
            card = Card(
                f"faceswap-gan-{name}", "swapper", "Apache-2.0", said, value_range=(-1.0, 1.0), **about
            )
            pixels = {"pixels": torch.zeros(1, 3, cfg.size, cfg.size)}
            out.append(Part("swapper", Draws(net, k).eval(), pixels, ("face", "alpha"), card, name))
        return out


def decayed(net: nn.Module) -> Tensor:
    """What large kernels cost."""
    kernels = [one.weight for one in net.modules() if isinstance(one, nn.Conv2d)]
    return DECAY * torch.stack([one.square().sum() for one in kernels]).sum()


def build(cfg: Config) -> FaceswapGAN:
    return FaceswapGAN(cfg)


def load(folders: list[Path], cfg: Config, seed: int) -> Loader[Batch]:
    """Two folders of faces, A and B; see `swap_faces.SwapFaces`."""
    data = SwapFaces(folders, cfg.size, cfg.size, cfg.template, seed, warp=WARP, matched=cfg.matched)

    def batch(one: SwapBatch) -> Batch:
        return Batch(*tensors((one.seen * 2 - 1, one.wanted * 2 - 1, one.about)))

    return Loader(
        lambda i: batch(data.batch(cfg.batch, i)), lambda: batch(data.held_out(cfg.judged)), data.notes()
    )
