"""Fitter: the generator's code of a face with given points, hair and traits, as they are read in a drawing or a photo.

The shape is the likeliest that has these points (Blanz and Vetter 2002, "Reconstructing the complete 3D shape of faces
from partial information"), kept where faces are. The head is a member of the bank with such hair, and whatever is not
said is as in the code of somebody who was drawn by chance."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ...types import Array
from .bank import LOTS, Bank
from .network import Tables
from .statistics import ATTRIBUTES, COLOURS, Statistics

SIDE = 32  # pixels a side of where hair is
OFF = 8.0  # pixels that points may be off
FARTHEST = 3.5, 1.3  # standard deviations from the mean face that the first mode is bent to, and the last
LEAST = 0.02  # of the picture: less hair is none that was drawn
HAIR = 12.0  # what it costs to have quite other hair
SURE = 2.5  # how surely sex is as it was read; 1 is as often as it was likely
READ = 0.7  # how much of what an age is read above the mean
TRAITS = ("sex", "age", "beard")
TOLD = {  # what a head is chosen by
    **{"sex": 6.0, "age": 1.8, "beard": 1.2, "tone_luma": 1.6, "tone_cr": 0.5, "tone_cb": 0.5, "yaw": 0.4},
    **{"hair_luma": 0.25, "hair_cr": 0.1, "hair_cb": 0.1},
}
LIKING = 0.8  # how much lots count beside all that
STEADY = 2.0  # how much the lots of the chosen head speak for it


def _tables(bank: Bank, statistics: Statistics) -> tuple[dict[str, Array], dict[str, Array]]:
    """Tables of whole numbers, and the others."""
    known, shapes = bank.tables, statistics.shapes
    hair = bank.whole["hair"].astype(np.float32)
    small = hair.reshape(len(hair), SIDE, hair.shape[1] // SIDE, SIDE, -1).mean((2, 4))
    coarse = slice(len(bank.whole["near"]) // SIDE // 2, None, len(bank.whole["near"]) // SIDE)
    whole = {"near": bank.whole["near"][coarse, coarse], "hair": np.rint(small).astype(np.uint8)}
    yaw = statistics.attributes[:, ATTRIBUTES.index("yaw")]
    outline = [name.startswith("hair_") and name not in COLOURS for name in ATTRIBUTES]
    others = {name: known[name] for name in ("members", "lottery", "bases", "mean_shape", "canonical")}
    others |= {
        "weights": known["weights"][coarse, coarse],
        "solve": np.linalg.solve(shapes @ shapes.T / OFF**2 + np.eye(len(shapes)), shapes / OFF**2).T,
        "farthest": np.linspace(*FARTHEST, len(shapes)),
        "told": np.array([TOLD.get(name, 0.0) for name in ATTRIBUTES]),
        "untold": known["base_weights"] * outline,
        "turn": np.linalg.lstsq(statistics.coefficients, yaw, rcond=None)[0],
        "centre": statistics.centre[: len(TRAITS)],
        "spread": statistics.spread[: len(TRAITS)],
    }
    return whole, others


class Fitter(Tables):
    """points `[N, 468, 2]` in pixels of a crop of 256, layout "ffhq"; hair `[N, 1, 32, 32]` there, in 0..1; traits
    `[N, 3]`: sex -1..1, age in years, beard 0..2, NaN where nothing is said; w `[N, W]`: who is drawn where nothing is
    said -> ws `[N, 1, W]`."""

    near: Tensor  # [32, 32, 3] int16: mesh points about a place
    hair: Tensor  # [K, 32, 32] uint8: where hair is, in the layout
    members: Tensor  # [M, A]
    lottery: Tensor  # [M, 6]
    bases: Tensor  # [M]: what a base costs
    mean_shape: Tensor  # [468, 2]
    canonical: Tensor  # [468, 2]
    weights: Tensor  # [32, 32, 3]
    solve: Tensor  # [936, 48]: the likeliest shape
    farthest: Tensor  # [48]: where the modes of a shape end
    told: Tensor  # [A]: what a head is chosen by
    untold: Tensor  # [A]: and by what where no hair is told
    turn: Tensor  # [48]: how much heads of a shape turn
    centre: Tensor  # [3]: of traits
    spread: Tensor  # [3]

    def __init__(self, bank: Bank, statistics: Statistics) -> None:
        super().__init__(*_tables(bank, statistics))

    def forward(self, points: Tensor, hair: Tensor, traits: Tensor, w: Tensor) -> Tensor:
        attributes, _, lots, texture = w.split(self.sizes(w), 1)
        shape = (points - self.mean_shape).flatten(1) @ self.solve
        shape = self.farthest * torch.tanh(shape / self.farthest)
        wanted = self.wanted(attributes, traits, shape, torch.erf(lots[:, :1] / 2**0.5))
        here = self.laid_out(hair, points)
        told = (hair.mean((1, 2, 3)) > LEAST).to(w.dtype)[:, None]
        cost = self.unlike(wanted, self.told) + (1 - told) * self.unlike(wanted, self.untold) + self.bases
        cost = cost - LIKING * lots[:, :LOTS] @ self.lottery.T / LOTS**0.5
        member = (cost + told * HAIR * self.other_hair(here)).argmin(1)
        own = torch.cat([self.members[member][:, : -len(COLOURS)], wanted[:, -len(COLOURS) :]], 1)
        base = STEADY * self.lottery[member]
        return torch.cat([own, shape, base, lots[:, LOTS:], texture], 1)[:, None]

    def sizes(self, w: Tensor) -> tuple[int, ...]:
        rest = w.shape[1] - len(ATTRIBUTES) - self.solve.shape[1] - 4 * LOTS
        return len(ATTRIBUTES), self.solve.shape[1], 4 * LOTS, rest

    def wanted(self, attributes: Tensor, traits: Tensor, shape: Tensor, chance: Tensor) -> Tensor:
        """The attributes `[N, A]`, standardised: those that are told instead of those that were drawn. chance `[N, 1]`
        from -1 to 1: where sex is not sure."""
        sex, age, beard = (attributes[:, : len(TRAITS)] * self.spread + self.centre).split(1, 1)
        known = ~torch.isnan(traits)
        said = torch.where(known, traits, 0).split(1, 1)
        sex = torch.where(known[:, :1], torch.sign(SURE * said[0] + chance), sex)
        age = age + torch.where(known[:, 1:2], READ * (said[1] - self.centre[1]), 0)
        beard = torch.where(known[:, 2:], said[2], beard)
        raw = torch.cat([sex, age, beard * (sex > 0)], 1)
        rest = attributes[:, len(TRAITS) :]
        yaw = ATTRIBUTES.index("yaw") - len(TRAITS)
        rest = torch.cat([rest[:, :yaw], (shape @ self.turn)[:, None], rest[:, yaw + 1 :]], 1)
        return torch.cat([(raw - self.centre) / self.spread, rest], 1)

    def unlike(self, wanted: Tensor, weights: Tensor) -> Tensor:
        """How far each member is from what is wanted: `[N, M]`."""
        return ((wanted[:, None] - self.members) ** 2 * weights).sum(2)

    def laid_out(self, hair: Tensor, points: Tensor) -> Tensor:
        """Hair `[N, 1, 32, 32]` as it lies in the layout, where all faces coincide."""
        moved = points - self.canonical
        still = torch.cat([moved, torch.zeros_like(moved[:, :12])], 1)
        corners = still.index_select(1, self.near.flatten().int()).unflatten(1, self.near.shape)
        moved = (corners * self.weights[..., None]).sum(3)  # [N, 32, 32, 2]
        at = (torch.arange(SIDE) + 0.5) * (2 / SIDE) - 1
        places = torch.stack([at.expand(SIDE, SIDE), at[:, None].expand(SIDE, SIDE)], 2)
        return F.grid_sample(hair, places + moved * (2 / 256), padding_mode="border", align_corners=False)

    def other_hair(self, hair: Tensor) -> Tensor:
        """1 - the intersection over the union of hair `[N, 1, 32, 32]` with that of each member: `[N, M]`."""
        own = self.hair.float() / 255
        own = torch.cat([own, own.flip(2)])[None]
        return 1 - torch.minimum(hair, own).sum((2, 3)) / torch.maximum(hair, own).sum((2, 3)).clamp(min=1)
