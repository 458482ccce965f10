"""The generator itself: Mapper z -> w and Collage ws -> pixels, two modules without a trained weight.

A face is somebody's portrait in the layout with the eyes, the nose and the mouth of three others, each relit to the
first one's skin (a multiband blend: Burt and Adelson 1983), warped to a shape of its own (an active appearance
model's: Cootes et al. 2001). Which portraits is told by attributes and by lots, softly, so that w may be walked in.
Tables of whole numbers are buffers, the others parameters, which the export may store in 16 bits.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...types import Array
from .bank import CHOSEN, LOTS, PICK, Bank
from .blocks import DARK, blend, decode, displacement, flow_of, relit, skin_tone, to_rgb
from .layout import REGIONS
from .statistics import ATTRIBUTES, COLOURS

TOP = 3  # members that a choice is a mixture of: mostly of one
SHARP, SHARP_BASE = 40.0, 120.0  # how surely a choice is one member
RIM = 0.4  # hair that is less than so much of a place keeps its colour, as what is behind it does
LIKING, LIKING_BASE = 3.2, 0.5  # how much lots count beside attributes
STEADY, VARIED = 0.75, 0.25  # of the spread of shapes that attributes leave open; of texture


class Tables(nn.Module):
    """Tables of the bank by name: whole numbers as buffers, the others as parameters."""

    def __init__(self, whole: dict[str, Array], others: dict[str, Array]) -> None:
        super().__init__()
        for name, values in whole.items():
            self.register_buffer(name, torch.from_numpy(values))
        for name, values in others.items():
            table = torch.from_numpy(values.astype(np.float32))
            setattr(self, name, nn.Parameter(table, requires_grad=False))


class Collage(Tables):
    """ws `[N, 1, W]` -> pixels `[N, 3, 256, 256]` in 0..1. K portraits are M = 2 K members: as they are, then
    mirrored."""

    luma: Tensor  # [K, 1024, 26] int8: codes of blocks
    chroma: Tensor  # [K, 2, 256, 8] int8
    hair: Tensor  # [K, 64, 64] uint8: where hair is
    near: Tensor  # [128, 128, 3] int16: mesh points about a place
    weights: Tensor  # [128, 128, 3]
    luma_basis: Tensor  # [26, 64]
    luma_odd: Tensor  # [26]
    chroma_basis: Tensor  # [8, 64]
    chroma_odd: Tensor  # [8]
    members: Tensor  # [M, A]: attributes
    lottery: Tensor  # [M, 6]
    alike: Tensor  # [K, K]: what a donor's likeness to the base costs
    bases: Tensor  # [M]: what a base costs
    covered: Tensor  # [3, M]: what hair over a feature costs
    base_weights: Tensor  # [A]
    donor_weights: Tensor  # [3, A]
    stretch_weights: Tensor  # [3]
    mouths: Tensor  # [M, 3]
    mouth_of_shape: Tensor  # [48, 3]
    regions: Tensor  # [3, 256, 256]
    skin: Tensor  # [64, 64]
    canonical: Tensor  # [468, 2]
    mean_shape: Tensor  # [468, 2]
    shapes: Tensor  # [48, 936]
    textures: Tensor  # [24, 3, 64, 64]
    hair_mean: Tensor  # [3]
    hair_spread: Tensor  # [3]

    def __init__(self, bank: Bank) -> None:
        super().__init__(bank.whole, bank.tables)
        self.count = len(bank.whole["hair"])
        self.sizes = (len(ATTRIBUTES), len(bank.tables["shapes"]), 4 * LOTS, len(bank.tables["textures"]))

    def forward(self, ws: Tensor) -> Tensor:
        attributes, shape, lots, texture = ws[:, 0].split(self.sizes, 1)
        lots = lots.unflatten(1, (4, LOTS))
        cost = self.unlike(attributes, self.base_weights) - LIKING_BASE * self.luck(lots[:, 0]) + self.bases
        share, member = self.choose(cost, SHARP_BASE)
        own = (self.members[member] * share[..., None]).sum(1)  # [N, A]
        base = self.picture(share, member)
        hair = self.hair_of(share, member)
        base = self.recoloured(base, hair, attributes, own)
        canvas = self.featured(base, hair, own, shape, lots, share, member)
        pixels = to_rgb(canvas)
        ratio = F.interpolate(
            (texture @ self.textures.flatten(1)).unflatten(1, (3, 64, 64)), scale_factor=4.0, mode="bilinear"
        )
        pixels = torch.exp(ratio) * (pixels + DARK) - DARK
        points = self.mean_shape + (shape @ self.shapes).unflatten(1, (-1, 2)) - self.canonical  # [N, 468, 2]
        flow = flow_of(displacement(points, self.near, self.weights))
        return (F.grid_sample(pixels, flow, padding_mode="border", align_corners=False) / 255).clamp(0, 1)

    def unlike(self, wanted: Tensor, weights: Tensor) -> Tensor:
        """How far each member is from what is wanted: `[N, M]`."""
        return ((wanted[:, None] - self.members) ** 2 * weights).sum(2)

    def luck(self, lots: Tensor) -> Tensor:
        return lots @ self.lottery.T / LOTS**0.5

    def choose(self, cost: Tensor, sharp: float) -> tuple[Tensor, Tensor]:
        """The share of each of the TOP members that cost least, and which those are: `[N, TOP]`."""
        least, member = cost.topk(TOP, dim=1, largest=False)
        return torch.softmax(-least * sharp, 1), member

    def picture(self, share: Tensor, member: Tensor) -> Tensor:
        """Members mixed in the layout: `[N, 3, 256, 256]`, luma and chroma."""
        flipped = member >= self.count
        at = member - flipped * self.count
        luma = decode(self.luma[at], share, flipped, self.luma_basis, self.luma_odd)
        chroma = [
            decode(self.chroma[at][:, :, k], share, flipped, self.chroma_basis, self.chroma_odd)
            for k in (0, 1)
        ]
        return torch.cat([luma, F.interpolate(torch.cat(chroma, 1), scale_factor=2.0, mode="bilinear")], 1)

    def hair_of(self, share: Tensor, member: Tensor) -> Tensor:
        """Where hair is in the layout: `[N, 1, 64, 64]` in 0..1."""
        flipped = member >= self.count
        hair = self.hair[member - flipped * self.count].float() / 255  # [N, TOP, 64, 64]
        hair = torch.where(flipped[..., None, None], hair.flip(3), hair)
        return (hair * share[..., None, None]).sum(1, keepdim=True)

    def recoloured(self, base: Tensor, hair: Tensor, wanted: Tensor, own: Tensor) -> Tensor:
        """The picture with its hair of the colour that is wanted."""
        now, then = (one[:, -3:] * self.hair_spread + self.hair_mean for one in (own, wanted))  # [N, 3]
        now, then = now[..., None, None], then[..., None, None]
        where = F.interpolate(((hair - RIM) / (1 - RIM)).clamp(min=0), scale_factor=4.0, mode="bilinear")
        light, lit = (one[:, :1].clamp(min=8) + DARK for one in (now, then))
        luma = (base[:, :1] + DARK) * torch.exp(where * torch.log(lit / light).clamp(-0.9, 0.9)) - DARK
        red, blue = then[:, 1:2].clamp(min=128), then[:, 2:].clamp(max=128)  # hair is neither green nor blue
        tint = (torch.cat([red, blue], 1) - now[:, 1:]).clamp(-14, 14)
        tint = tint * (lit / 70).clamp(max=1.0)  # and black stays black
        return torch.cat([luma, base[:, 1:] + where * tint], 1)

    def featured(
        self,
        base: Tensor,
        hair: Tensor,
        own: Tensor,
        shape: Tensor,
        lots: Tensor,
        share: Tensor,
        member: Tensor,
    ) -> Tensor:
        """The base with the eyes, the nose and the mouth of others under its hair."""
        itself = (self.alike[member % self.count] * share[..., None]).sum(1)  # [N, K]
        itself = torch.cat([itself, itself], 1)
        mouth = shape @ self.mouth_of_shape  # [N, 3]
        stretch = ((mouth[:, None] - self.mouths) ** 2).sum(2)
        tone, donors = skin_tone(base, self.skin), list[Tensor]()
        for k in range(len(REGIONS)):
            cost = self.unlike(own, self.donor_weights[k]) + self.stretch_weights[k] * stretch
            chosen = self.choose(cost + itself + self.covered[k] - LIKING * self.luck(lots[:, k + 1]), SHARP)
            donors.append(relit(self.picture(*chosen), tone, self.skin))
        over = F.max_pool2d(hair, 3, 1, 1)
        free = 1 - (F.avg_pool2d(F.pad(over, (1, 1, 1, 1), mode="replicate"), 3, 1) * 1.5).clamp(0, 1)
        free = F.interpolate(free, scale_factor=4.0, mode="bilinear")
        return blend(base, donors, [self.regions[k] * free for k in range(len(REGIONS))])


class Mapper(Tables):
    """z `[N, Z]`, condition `[N, K]` (NaN where nothing is asked) -> w `[N, W]`: the attributes of one member, drawn
    among those that are as asked, and a shape that is likely with them."""

    members: Tensor  # [M, A]: attributes
    corners: Tensor  # [M, 32]: the direction of z that means a member
    bias: Tensor  # [M]: what makes all as likely
    slopes: Tensor  # [A + 1, 48]: the likely shape
    spread: Tensor  # [48, 48]: and how it varies
    jitter: Tensor  # [3, A]: how hair varies in colour
    asking: Tensor  # [K, A]: the attributes that conditions mean
    asking_offset: Tensor  # [A]
    strict: Tensor  # [A]: how much an attribute that is asked decides who is drawn
    shift: Tensor  # [W]: what makes all a little older
    scale: Tensor  # [4 * 6 + 24]: of lots and texture

    def __init__(self, bank: Bank) -> None:
        super().__init__({}, bank.mapping)
        self.shape = bank.mapping["spread"].shape[0]
        self.rest = 4 * LOTS + len(bank.tables["textures"])
        self.size = CHOSEN + len(COLOURS) + self.shape + self.rest
        scale = np.r_[np.ones(4 * LOTS), np.full(self.rest - 4 * LOTS, VARIED)]
        self.register_buffer("scale", torch.from_numpy(scale.astype(np.float32)))

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        known = ~torch.isnan(condition)
        asked = torch.where(known, condition, 0) @ self.asking + self.asking_offset  # [N, A]
        told = (known.to(z.dtype) @ (self.asking != 0).float()).clamp(0, 1)
        off = ((asked[:, None] - self.members) ** 2 * (told * self.strict)[:, None]).sum(2)  # [N, M]
        chance, noise, shape, rest = z.split((CHOSEN, len(COLOURS), self.shape, self.rest), 1)
        share = torch.softmax(chance @ self.corners.T * PICK + self.bias - off, 1)
        attributes = share @ self.members + noise @ self.jitter
        attributes = attributes + told * (asked - attributes)
        shape = torch.cat([attributes, torch.ones_like(z[:, :1])], 1) @ self.slopes + STEADY * (
            shape @ self.spread
        )
        return torch.cat([attributes, shape, rest * self.scale], 1) + self.shift
