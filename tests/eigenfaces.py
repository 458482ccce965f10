"""A generator that is small and true: the portrait in docs, and what smile, age and sex change in it, mixed
linearly.

Its styles mean something that is known, so directions that are learned from its pictures, and edits along
them, can be checked.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from faces import hopper, hopper_face, kit
from torch import Tensor, nn

from mien import edit
from mien.face import geometry
from mien.models.card import KEY, Card
from mien.train.engine import export
from mien.train.engine.part import Part
from mien.types import Alignment

SIZE, W, LAYERS = 256, 6, 2
REQUESTS: tuple[dict[str, Any], ...] = (
    {"smile": 0.7},
    {"age": 30.0},
    {"sex": 0.8},
)  # what a style of 1 in the first three places is


class Mapper(nn.Module):
    def forward(self, z: Tensor) -> Tensor:
        return z * 0.6


class Faces(nn.Module):
    """ws `[N, L, W]` -> pixels: the mean of the layers times the basis."""

    basis: Tensor
    mean: Tensor

    def __init__(self) -> None:
        super().__init__()

        def crop(photo: Any) -> Any:
            return geometry.align(photo.pixels, hopper_face().landmarks, Alignment("ffhq", SIZE)).pixels

        mean = crop(hopper()).astype(np.float32)
        ramps = np.linspace(
            -12, 12, SIZE, dtype=np.float32
        )  # the rest is light: from the side, from above, everywhere
        light = [
            np.broadcast_to(one[..., None], mean.shape)
            for one in (np.tile(ramps, (SIZE, 1)), np.tile(ramps[:, None], (1, SIZE)))
        ]
        edits = [crop(edit(hopper(), kit=kit(), **one)).astype(np.float32) - mean for one in REQUESTS]
        basis = np.stack([*edits, *light, np.full_like(mean, 6)])

        def to_tensor(pixels: Any) -> Any:
            return torch.from_numpy(np.ascontiguousarray(np.moveaxis(pixels, -1, -3))) / 127.5

        self.register_buffer("basis", to_tensor(basis).flatten(1))  # [W, 3 S S]
        self.register_buffer("mean", (to_tensor(mean) - 1).flatten())

    def forward(self, ws: Tensor) -> Tensor:
        return (ws.mean(1) @ self.basis + self.mean).unflatten(1, (3, SIZE, SIZE))


class Inverter(nn.Module):
    """pixels -> ws, by least squares on a small picture."""

    def __init__(self, faces: Faces) -> None:
        super().__init__()
        self.inverse: Tensor
        self.faces = faces
        self.register_buffer("inverse", torch.linalg.pinv(faces.basis.double()).float())  # [3 S S, W]

    def forward(self, pixels: Tensor) -> Tensor:
        w = (pixels.flatten(1) - self.faces.mean) @ self.inverse
        return w[:, None].repeat(1, LAYERS, 1)


@cache
def exported() -> tuple[tuple[Part, bytes], ...]:
    """The parts, and each as .onnx, not yet by its name."""
    faces = Faces()
    said: dict[str, Any] = {"licence": "CC0-1.0", "limits": "one face"}
    about: dict[str, Any] = {"template": "ffhq", "size": SIZE, "value_range": (-1.0, 1.0)} | said
    parts = [
        Part(
            "mapper",
            Mapper(),
            {"z": torch.zeros(1, W)},
            ("w",),
            Card("", "mapper", w_avg=(0.0,) * W, **said),
        ),
        Part(
            "generator", faces, {"ws": torch.zeros(1, LAYERS, W)}, ("pixels",), Card("", "generator", **about)
        ),
        Part(
            "encoder",
            Inverter(faces),
            {"pixels": torch.zeros(1, 3, SIZE, SIZE)},
            ("ws",),
            Card("", "encoder", **about),
        ),
    ]
    with tempfile.TemporaryDirectory() as name:
        place = Path(name) / "part.onnx"
        return tuple((part, place.read_bytes()) for part in parts if export.write(part, place) < 1e-3)


def write(folder: Path, name: str = "eigen", licence: str = "CC0-1.0", commercial: bool = True) -> list[Path]:
    """NAME-mapper, NAME-generator and NAME-encoder as .onnx."""
    places = export.places_of([part for part, _ in exported()], folder / f"{name}.onnx")
    for (part, data), place in zip(exported(), places, strict=True):
        card = replace(part.card, name=f"{name}-{part.role}", licence=licence, commercial=commercial)
        model = onnx.load_from_string(data)
        onnx.helper.set_model_props(model, {KEY: card.to_json()})
        onnx.save(model, str(place))
    return places
