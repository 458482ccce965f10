"""The autoencoder of the first DeepFakes: one encoder for two people, and a decoder for each. Either's face, through
the other's decoder, is drawn as the other, as it looks and with what it expresses.

There is no paper: a program of 2017, and the project faceswap after it, whose models `original`, `lightweight`,
`dfaker` and `dfl_h128` these are. Other than there: faces are laid out by the mesh, the warp moves a face as a whole
by nothing, and weights are averaged where `ema` says so. With `told`, decoders are told who is to be drawn, so that a
base of `many` people knows something of everybody: scale and shift of each layer (Perez et al. 2018, arXiv 1709.07871).
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
from ..blocks.losses import ssim
from ..blocks.translators import take
from ..data.loader import Loader, tensors
from ..data.swap_faces import IDENTITY, SwapBatch, SwapFaces, Warp
from ..engine.accumulate import MicroBatches
from ..engine.part import Part

PUBLISHED = 128  # channels that the published encoders begin with
EYES, MOUTH = 2.0, 1.0  # how much more they count than the rest of the face
PEOPLE = ("two", "many")
SHOWN = 12  # faces in a row of a preview


@dataclass(frozen=True)
class Variant:
    """Channels, for encoders that begin with PUBLISHED: of the convolutions, between the dense layers, behind them,
    behind the first enlargement, and of the decoder; whether that has residual blocks."""

    convs: tuple[int, ...]
    dense: int
    inner: int
    up: int
    decoder: tuple[int, ...]
    residual: bool = False


VARIANTS = {
    "original": Variant((128, 256, 512, 1024), 1024, 1024, 512, (256, 128, 64)),
    "lightweight": Variant((128, 256, 512), 512, 512, 256, (512, 256, 128)),
    "dfaker": Variant((128, 256, 512, 1024), 1024, 1024, 512, (512, 256, 128, 64), residual=True),
    "dfl_h128": Variant((128, 256, 512, 1024), 512, 512, 512, (512, 256, 128)),
}


@dataclass(frozen=True)
class Config:
    """Knobs of the autoencoder family; the values here are faceswap's."""

    variant: str = "original"
    size: int = 64  # pixels that the encoder is shown; dfaker draws twice as many, dfl_h128 wants 128
    base: int = PUBLISHED  # channels that the encoder begins with
    mask: int = 1  # 1: where the face is is drawn, too
    people: str = "two"  # folders of two people, or "many": a base for others to begin with
    told: int = 0  # 1: decoders are told who is to be drawn
    template: str = "face"  # how faces are laid out
    matched: float = 0.0  # share of the pictures that are given the colours of another's
    batch: int = 16  # faces of each
    steps: int = 1_000_000
    lr: float = 5e-5
    ema: float = 0.0  # share of the averaged weights that a step keeps; 0: no average
    judged: int = 64  # held-out faces for the score, at most

    def __post_init__(self) -> None:
        for value, known in (
            (self.variant, VARIANTS),
            (self.people, PEOPLE),
            (self.template, TEMPLATES),
        ):
            if value not in known:
                raise ValueError(f"{value!r} is unknown: there are {', '.join(known)}")
        if self.size % 16 or self.size < 16 or self.base < 2:
            raise ValueError(f"size {self.size} must be a multiple of 16, and base {self.base} at least 2")
        if not 0 <= self.matched <= 1:
            raise ValueError(f"matched {self.matched} is a share: wanted 0..1")

    @property
    def target(self) -> int:
        """Pixels that are drawn."""
        return self.size * 2 ** (len(VARIANTS[self.variant].decoder) - 3)


CPU = Config(base=32, matched=0.5, steps=6_000, lr=4e-4, ema=0.995, batch=8, told=1)
PRESETS = {
    "tiny": Config(size=32, base=4, matched=0.5, steps=2, batch=2, judged=4),
    "cpu": CPU,
    "default": Config(matched=0.5),
    "base": replace(CPU, people="many", steps=20_000),
}


def adapt(cfg: Config, knobs: dict[str, Any], states: dict[str, dict[str, Tensor]]) -> Config:
    """`cfg` for networks like those that a run begins with."""
    state = states.get("G", {})
    if "encoder.convs.0.weight" not in state:
        raise ValueError("it holds no encoder of an autoencoder")
    base = len(state["encoder.convs.0.weight"])
    told = int("decoders.0.told.weight" in state)
    cfg = replace(cfg, base=base, told=told, mask=int("decoders.0.mask_out.weight" in state))
    for name in VARIANTS:
        for size in range(16, 257, 16):
            one = replace(cfg, variant=name, size=size)
            with torch.device("meta"):
                wanted = {key: value.shape for key, value in Shared(one).encoder.state_dict().items()}
                wanted |= {
                    f"d.{key}": value.shape for key, value in Shared(one).decoders[0].state_dict().items()
                }
            if all(state.get(_named(key), _NONE).shape == shape for key, shape in wanted.items()):
                return one
    raise ValueError("its encoder is of no variant")


_NONE = torch.zeros(())


def _named(key: str) -> str:
    return f"decoders.0.{key[2:]}" if key.startswith("d.") else f"encoder.{key}"


@dataclass(frozen=True, eq=False)
class Batch:
    """See `swap_faces.SwapBatch`."""

    seen: Tensor
    wanted: Tensor
    about: Tensor
    identity: Tensor


# --- Networks


class Conv(nn.Conv2d):
    """A convolution of stride 2 that pads even sizes below and to the right, as TensorFlow does."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 5, stride=2)

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(F.pad(input, (1, 2, 1, 2)))


class Up(nn.Module):
    """Features `[N, C, H, W]` -> `[N, outputs, 2 H, 2 W]`."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, 4 * outputs, 3, padding=1)

    def forward(self, x: Tensor, slope: float = 0.1) -> Tensor:
        return F.pixel_shuffle(F.leaky_relu(self.conv(x), slope), 2)


class Residual(nn.Module):
    """Two convolutions added to their input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(x + self.conv1(F.leaky_relu(self.conv0(x), 0.2)), 0.2)


class Encoder(nn.Module):
    """pixels `[N, 3, S, S]` in 0..1 -> `[N, up, S/8, S/8]`, through so few numbers that warps are lost."""

    def __init__(self, variant: Variant, size: int, base: int) -> None:
        super().__init__()
        widths = [channels * base // PUBLISHED for channels in variant.convs]
        self.convs = nn.ModuleList(Conv(a, b) for a, b in zip([3, *widths], widths, strict=False))
        dense, self.inner = variant.dense * base // PUBLISHED, variant.inner * base // PUBLISHED
        self.side = size // 16
        self.dense0 = nn.Linear(widths[-1] * (size >> len(widths)) ** 2, dense)
        self.dense1 = nn.Linear(dense, self.inner * self.side**2)
        self.up = Up(self.inner, variant.up * base // PUBLISHED)

    def forward(self, pixels: Tensor) -> Tensor:
        x = pixels
        for conv in self.convs:
            x = F.leaky_relu(conv(x), 0.1)
        x = self.dense1(self.dense0(x.flatten(1)))
        return self.up(x.view(-1, self.inner, self.side, self.side))


class Decoder(nn.Module):
    """What the encoder says `[N, up, S/8, S/8]` -> one person's face `[N, 3, T, T]` and where it is `[N, 1, T, T]`,
    both in 0..1. who `[N, 128]`: of a decoder that is told."""

    def __init__(self, variant: Variant, base: int, *, mask: bool, told: bool) -> None:
        super().__init__()
        widths = [channels * base // PUBLISHED for channels in variant.decoder]
        pairs = list(zip([variant.up * base // PUBLISHED, *widths], widths, strict=False))
        self.widths, self.residual = widths, variant.residual
        self.ups, blocks = nn.ModuleList(), nn.ModuleList()
        for place, (inputs, outputs) in enumerate(pairs):
            self.ups.append(Up(inputs, outputs))
            if self.residual and place + 1 < len(pairs):
                blocks.append(Residual(outputs))
        self.blocks = blocks
        self.out = nn.Conv2d(widths[-1], 3, 5, padding=2)
        self.mask_ups = nn.ModuleList(Up(a, b) for a, b in pairs if mask)
        self.mask_out = nn.Conv2d(widths[-1], 1, 5, padding=2) if mask else None
        self.told = nn.Linear(IDENTITY, 2 * sum(widths), bias=False) if told else None

    def forward(self, z: Tensor, who: Tensor) -> tuple[Tensor, Tensor]:
        x = z
        told = self._told(who)
        for place, up in enumerate(self.ups):
            block = self.blocks[place] if place < len(self.blocks) else None
            x = up(x, 0.1 if block is None else 0.2)
            x = x if told is None else x * (1 + told[place][0]) + told[place][1]
            x = x if block is None else block(x)
        face = self.out(x).sigmoid()
        if self.mask_out is None:
            return face, torch.ones_like(face[:, :1])
        for up in self.mask_ups:
            z = up(z)
        return face, self.mask_out(z).sigmoid()

    def _told(self, who: Tensor) -> list[tuple[Tensor, Tensor]] | None:
        """Scale and shift `[N, C, 1, 1]` of each layer."""
        if self.told is None:
            return None
        parts = self.told(who)[..., None, None].split([n for width in self.widths for n in (width, width)], 1)
        return list(zip(parts[::2], parts[1::2], strict=True))


class Shared(nn.Module):
    """All that is averaged: faces `[N, P, 3, S, S]` -> each through its own person's decoder, faces and masks
    `[N, P, 3 or 1, T, T]`. who `[P, 128]`: of those that were trained on."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        variant, many = VARIANTS[cfg.variant], cfg.people == "many"
        self.encoder = Encoder(variant, cfg.size, cfg.base)
        self.decoders = nn.ModuleList(
            Decoder(variant, cfg.base, mask=bool(cfg.mask), told=bool(cfg.told)) for _ in range(2 - many)
        )
        self.who: Tensor
        self.register_buffer("who", torch.zeros(len(self.decoders), IDENTITY))

    def forward(self, seen: Tensor, identity: Tensor) -> tuple[Tensor, Tensor]:
        z = self.encoder(seen.flatten(0, 1)).unflatten(0, seen.shape[:2])
        drawn = [decoder(z[:, k], identity[:, k]) for k, decoder in enumerate(self.decoders)]
        return torch.stack([face for face, _ in drawn], 1), torch.stack([mask for _, mask in drawn], 1)

    def drawn_as(self, k: int, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Any faces `[N, 3, S, S]` through the decoder of person `k`."""
        return self.decoders[k](self.encoder(pixels), self.who[k].expand(pixels.shape[0], -1))


class Draws(nn.Module):
    """What is exported: faces -> the same as person `k`."""

    def __init__(self, shared: Shared, k: int) -> None:
        super().__init__()
        self.shared, self.k = shared, k

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        return self.shared.drawn_as(self.k, pixels)


def begun(net: nn.Module) -> nn.Module:
    """The published start: uniform after He et al. 2015, in residual blocks less, biases 0."""
    for name, one in net.named_modules():
        if not isinstance(one, nn.Conv2d | nn.Linear):
            continue
        if name.endswith("told"):
            nn.init.zeros_(one.weight)
        elif ".blocks." in name and name.endswith("conv0"):
            nn.init.normal_(one.weight, 0, 0.02)
        elif ".blocks." in name:
            limit = (3 * 0.2 / one.weight[0].numel()) ** 0.5
            nn.init.uniform_(one.weight, -limit, limit)
        else:
            nn.init.kaiming_uniform_(one.weight)
        if one.bias is not None:
            nn.init.zeros_(one.bias)
    return net


# --- Objective


class Autoencoder:
    """The objective: nets, one update, the score, previews, what is exported."""

    averaged = "G"

    def __init__(self, cfg: Config) -> None:
        self.cfg = cfg
        self.G = Shared(cfg)
        self.nets = nn.ModuleDict({"G": begun(self.G)})
        self.nets.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - missing in torch's stubs
        self.optimisers = {"G": torch.optim.Adam(self.G.parameters(), cfg.lr, eps=1e-7)}

    def keep(self, i: int) -> float:
        """Share of the averaged G that step `i` keeps, less in the beginning."""
        return decay(i, self.cfg.ema)

    def transfer(self, states: dict[str, dict[str, Tensor]]) -> list[str]:
        """Begin with other weights: a pair's, or a base's, whose one decoder both begin with. Returns the names of
        what did not fit."""
        given = dict(states["G"])
        for key in [key for key in given if key.startswith("decoders.0.")]:
            given.setdefault(key.replace(".0.", ".1.", 1), given[key])
        given["who"] = self.G.who
        return [f"G.{key}" for key in take(self.G, given)]

    def step(self, shares: MicroBatches) -> dict[str, Tensor]:
        logs = shares.gradients(self.optimisers["G"], self._miss)
        self.optimisers["G"].step()
        who = logs.pop("who")
        if self.cfg.people == "two":
            self.G.who.copy_(who)
        return logs

    def _miss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        faces, masks = self.G(batch.seen, batch.identity)
        made, wanted, about = (one.flatten(0, 1).float() for one in (faces, batch.wanted, batch.about))
        weight = about[:, :1] * (1 + EYES * about[:, 1:2] + MOUTH * about[:, 2:])
        unlike = (1 - ssim(made, wanted)) / 2 + (made - wanted).square()
        terms = {
            "face": (unlike * weight).sum() / (3 * weight.sum()).clamp(min=1),
            "l1": ((made - wanted).abs() * about[:, :1]).sum() / (3 * about[:, :1].sum()).clamp(min=1),
        }
        loss = terms["face"]
        if self.cfg.mask:
            terms["mask"] = F.mse_loss(masks.flatten(0, 1).float(), about[:, :1])
            loss = loss + terms["mask"]
        return loss, {"loss": loss, **terms, "who": batch.identity.mean(0)}

    @torch.no_grad()
    def score(self, net: nn.Module, batch: Batch) -> Tensor:
        """How far each held-out face is from itself within it, over how far the mean of them is: 1 is no better than
        that, and says nothing of how alike a swap is."""
        made = torch.cat(
            [net(*one)[0] for one in zip(batch.seen.split(8), batch.identity.split(8), strict=True)]
        )
        inside, mean = batch.about[:, :, :1], batch.wanted.mean(0, keepdim=True)
        far = ((made - batch.wanted).abs() * inside).sum()
        return far / ((mean - batch.wanted).abs() * inside).sum().clamp(min=1e-3)

    @torch.no_grad()
    def preview(self, net: nn.Module, batch: Batch) -> Tensor:
        """Rows of SHOWN: A's faces, as drawn, and as B; then the same of B. Of many people faces and as drawn.
        `[6 SHOWN, 3, T, T]` in [-1, 1]"""
        assert isinstance(net, Shared)
        rows = torch.arange(SHOWN, device=batch.seen.device) % len(batch.seen)
        seen, wanted = batch.seen[rows], batch.wanted[rows]
        own = net(seen, batch.identity[rows])[0]
        out: list[Tensor] = []
        for k in range(seen.shape[1]):
            out += [wanted[:, k], own[:, k]]
            if seen.shape[1] > 1:
                out.append(net.drawn_as(1 - k, seen[:, k])[0])
        return torch.cat(out) * 2 - 1

    def parts(self, net: nn.Module) -> list[Part]:
        assert isinstance(net, Shared)
        cfg, out = self.cfg, list[Part]()
        limits = f"Draws one person at {cfg.target} px, as the pictures showed them that it was trained on; what those did "
        limits += "not show, it makes up. Give it only to who that person has agreed to give it to."
        names = ("a", "b") if len(net.decoders) > 1 else ("base",)
        for k, name in enumerate(names):
            said = (
                f"Faces as those of folder {name.upper()}"
                if name != "base"
                else "A base for pairs to begin with"
            )
            about: dict[str, Any] = {"template": cfg.template, "size": cfg.size, "limits": limits}
            card = Card(f"autoencoder-{name}", "swapper", "Apache-2.0", description=said, **about)
            pixels = {"pixels": torch.zeros(1, 3, cfg.size, cfg.size)}
            out.append(Part("swapper", Draws(net, k).eval(), pixels, ("face", "alpha"), card, name))
        return out


def build(cfg: Config) -> Autoencoder:
    return Autoencoder(cfg)


def load(folders: list[Path], cfg: Config, seed: int) -> Loader[Batch]:
    """Two folders of faces, A and B, or with people=many any; see `swap_faces.SwapFaces`."""
    about: dict[str, Any] = {"many": cfg.people == "many", "told": bool(cfg.told), "matched": cfg.matched}
    data = SwapFaces(folders, cfg.size, cfg.target, cfg.template, seed, warp=Warp(), **about)

    def batch(one: SwapBatch) -> Batch:
        return Batch(*tensors((one.seen, one.wanted, one.about, one.identity)))

    return Loader(
        lambda i: batch(data.batch(cfg.batch, i)), lambda: batch(data.held_out(cfg.judged)), data.notes()
    )
