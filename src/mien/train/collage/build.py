"""From a folder of labelled faces to the five files of the generator `nobody`: mapper, generator, encoder, fitter,
directions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import InputError
from ...io import outputs
from ...models import directions
from ...models.card import Card
from ...models.catalogue import sha256_of
from ...models.kit import Kit
from ...types import Array, Progress
from ..data.faces import made_by, notice_of, read_rgb
from ..engine import export
from ..engine.part import Part
from . import bank, portraits, selection, statistics
from .fitter import SIDE, TRAITS, Fitter
from .layout import SIZE
from .network import Collage, Mapper

NAME = "nobody"
SEEN, RIDGE = 32, 12.0  # pixels a side of what the encoder looks at
FEWEST = 8  # members
LIMITS = (
    "Each face is put together from pieces of four portraits of people who do not exist: a head of hair, clothes and "
    "a background come again every few hundred faces. Adults, nearly from the front, without glasses and hats."
)


class Encoder(nn.Module):
    """pixels `[N, 3, 256, 256]` -> ws `[N, 1, W]`, by ridge regression on a small picture: who is alike, not who it
    is. Lots and texture are those of the mean face."""

    def __init__(self, slopes: Array, rest: int) -> None:
        super().__init__()
        self.slopes = nn.Parameter(torch.from_numpy(slopes[:-1].astype(np.float32)), requires_grad=False)
        self.offset = nn.Parameter(torch.from_numpy(slopes[-1].astype(np.float32)), requires_grad=False)
        self.rest = rest

    def forward(self, pixels: Tensor) -> Tensor:
        known = F.avg_pool2d(pixels, SIZE // SEEN).flatten(1) @ self.slopes + self.offset
        return F.pad(known, (0, self.rest))[:, None]


def build(faces: Path, out: Path, *, force: bool, progress: Progress) -> dict[str, float]:
    """See `verbs.collage`."""
    places = [
        out / f"{NAME}-{part}"
        for part in ("mapper.onnx", "generator.onnx", "encoder.onnx", "fitter.onnx", "directions.npz")
    ]
    for place in places:
        outputs.check_free(place, force)
    seen = portraits.read(faces, Kit(threads=1), progress)
    measured = statistics.measure(seen, selection.imagined(seen))
    chosen = selection.suitable(seen, measured)
    if len(chosen) < FEWEST:
        raise InputError(
            f"{faces} has {len(chosen)} portraits of people who do not exist that faces can be put together from: {FEWEST} are wanted"
        )
    made = bank.collect(seen, measured, chosen)
    notice = notice_of([faces])
    said: dict[str, Any] = {
        "licence": "MIT",
        "limits": LIMITS,
        "data": notice,
        "source": f"mien collage; {made_by()}",
    }
    for part, place in zip(parts(faces, seen, measured, made), places, strict=False):
        card = replace(part.card, **said)
        if part.role == "generator":
            card = replace(card, data=f"{notice}\nPortraits in the bank: {', '.join(made.files)}")
        export.write(replace(part, card=card), place, bits=16)
    codes = bank.directions(seen, measured)
    about = {"description": f"Directions of {NAME}: {', '.join(codes)}", "space": sha256_of(places[1])}
    directions.write(places[-1], Card(f"{NAME}-directions", "directions", **about, **said), codes)
    return {"members": len(chosen), "megabytes": sum(place.stat().st_size for place in places) / 1e6}


def parts(
    faces: Path, seen: portraits.Portraits, measured: statistics.Statistics, made: bank.Bank
) -> list[Part]:
    """The four networks, mapper, generator, encoder and fitter, without what is said of all."""
    collage, mapper = Collage(made).eval(), Mapper(made).eval()
    encoder = Encoder(_slopes(faces, seen, measured), sum(collage.sizes[2:]))
    unknown = torch.full((1, len(bank.CONDITIONS)), torch.nan)
    z = torch.randn(4000, mapper.size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        mean = mapper(z, unknown.expand(len(z), -1)).mean(0)
    draws = Card(
        f"{NAME}-mapper",
        "mapper",
        "",
        description="Who is drawn: the attributes of one member of the bank, and a shape",
        conditions=bank.CONDITIONS,
        w_avg=tuple(float(value) for value in mean),
        measured={"truncation": 1.0},
    )
    shows = Card(
        f"{NAME}-generator", "generator", "", size=SIZE, template="ffhq", description="Faces of nobody"
    )
    finds = Card(f"{NAME}-encoder", "encoder", "", size=SIZE, template="ffhq", description="Who is alike")
    fits = Card(
        f"{NAME}-fitter", "fitter", "", size=SIZE, template="ffhq", description="Faces of a given shape"
    )
    asked = {
        "points": torch.from_numpy(measured.mean_shape[None].astype(np.float32)),
        "hair": torch.zeros(1, 1, SIDE, SIDE),
        "traits": torch.full((1, len(TRAITS)), torch.nan),
        "w": mean[None],
    }
    return [
        Part("mapper", mapper, {"z": z[:1], "condition": unknown}, ("w",), draws),
        Part("generator", collage, {"ws": mean[None, None]}, ("pixels",), shows),
        Part("encoder", encoder, {"pixels": torch.zeros(1, 3, SIZE, SIZE)}, ("ws",), finds),
        Part("fitter", Fitter(made, measured).eval(), asked, ("ws",), fits),
    ]


def _slopes(faces: Path, seen: portraits.Portraits, measured: statistics.Statistics) -> Array:
    """How attributes and shapes depend on a small picture: `[3 s s + 1, A + 48]`."""
    count = len(seen.rows)
    small = [
        cv2.resize(read_rgb(faces / "images" / row["file"]), (SEEN, SEEN), interpolation=cv2.INTER_AREA)
        .transpose(2, 0, 1)
        .ravel()
        for row in seen.rows
    ]
    x = np.stack(small) / 255
    y = np.concatenate([measured.attributes[:count], measured.coefficients[:count]], 1)
    centre, usual = x.mean(0), y.mean(0)
    slopes = (x - centre).T @ np.linalg.solve(
        (x - centre) @ (x - centre).T + RIDGE * np.eye(count), y - usual
    )
    return np.vstack([slopes, usual - centre @ slopes])
