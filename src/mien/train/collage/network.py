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

from .bank import ATTRIBUTES, CHOSEN, COLOURS, LOTS, PICK, Bank
from .blocks import blend, decode, displacement, flow_of, relit, skin_tone, to_rgb
from .layout import REGIONS

TOP = 3  # members that a choice is a mixture of: mostly of one
SHARP, SHARP_BASE = 40.0, 120.0  # how surely a choice is one member
LIKING, LIKING_BASE = 3.2, 0.5  # how much lots count beside attributes
STEADY, VARIED = 0.75, 0.25  # of the spread of shapes that attributes leave open; of texture


class Collage(nn.Module):
    """ws `[N, 1, W]` -> pixels `[N, 3, 256, 256]` in 0..1."""

    def __init__(self, bank: Bank) -> None:
        super().__init__()
        for name, values in bank.whole.items():
            self.register_buffer(name, torch.from_numpy(values))
        for name, values in bank.tables.items():
            setattr(
                self, name, nn.Parameter(torch.from_numpy(values.astype(np.float32)), requires_grad=False)
            )
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
        pixels = torch.exp(ratio) * (pixels + 10) - 10
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
        now, then = (
            (one[:, -3:] * self.hair_spread + self.hair_mean)[..., None, None] for one in (own, wanted)
        )
        then = torch.cat(
            [then[:, :1], then[:, 1:2].clamp(min=128), then[:, 2:].clamp(max=128)], 1
        )  # never green nor blue
        where = F.interpolate(hair, scale_factor=4.0, mode="bilinear")
        brighter = torch.log((then[:, :1].clamp(min=8) + 10) / (now[:, :1].clamp(min=8) + 10)).clamp(
            -0.6, 0.6
        )
        luma = (base[:, :1] + 10) * torch.exp(where * brighter) - 10
        tint = (then[:, 1:] - now[:, 1:]).clamp(-14, 14) * (then[:, :1] / 60).clamp(
            0.1, 1
        )  # black stays black
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


class Mapper(nn.Module):
    """z `[N, Z]`, condition `[N, K]` (NaN where nothing is asked) -> w `[N, W]`: the attributes of one member, drawn
    among those that are as asked, and a shape that is likely with them."""

    def __init__(self, bank: Bank) -> None:
        super().__init__()
        for name, values in bank.mapping.items():
            setattr(
                self, name, nn.Parameter(torch.from_numpy(values.astype(np.float32)), requires_grad=False)
            )
        self.shape = bank.mapping["spread"].shape[0]
        self.rest = 4 * LOTS + len(bank.tables["textures"])
        self.size = CHOSEN + len(COLOURS) + self.shape + self.rest
        scale = np.r_[np.ones(4 * LOTS), np.full(self.rest - 4 * LOTS, VARIED)]
        self.register_buffer("scale", torch.from_numpy(scale.astype(np.float32)))

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        known = ~torch.isnan(condition)
        asked = torch.where(known, condition, 0) @ self.asking + self.asking_offset  # [N, A]
        told = (known.float() @ (self.asking != 0).float()).clamp(0, 1)
        off = ((asked[:, None] - self.members) ** 2 * (told * self.strict)[:, None]).sum(2)  # [N, M]
        chance, noise, shape, rest = z.split((CHOSEN, len(COLOURS), self.shape, self.rest), 1)
        share = torch.softmax(chance @ self.corners.T * PICK + self.bias - off, 1)
        attributes = share @ self.members + noise @ self.jitter
        attributes = attributes + told * (asked - attributes)
        shape = torch.cat([attributes, torch.ones_like(z[:, :1])], 1) @ self.slopes + STEADY * (
            shape @ self.spread
        )
        return torch.cat([attributes, shape, rest * self.scale], 1)
