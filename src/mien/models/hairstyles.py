"""Hairstyles: heads of hair by name, taken off pictures of people who do not exist (an `.npz` of role "hairstyles").
Of each there are its colours, its matte and numbers, and no face."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..types import Array, Networks
from .card import arrays

QUALITY = 90  # of the WebP that holds colours; masks are lossless
LIGHT = 16  # cells of a side that hold the light


@dataclass(frozen=True, eq=False)
class Hairdo:
    """A head of hair and where it sat. colour `[h, w, 3]` uint8: of the hair, and of the ears where `ears` says so;
    alpha, ears, head `[h, w]` uint8 in 0..255: the hair, ears that were bare, and all of the person; landmarks
    `[478, 2]` in its pixels; light `[LIGHT, LIGHT, 3]`: its face's skin in Lab, were it even, over the same square.
    yaw: in degrees; ends: the row from which on the picture has no hair that it could show, or 0 where the hair ends
    by itself.
    """

    colour: Array
    alpha: Array
    ears: Array
    head: Array
    landmarks: Array
    light: Array
    yaw: float
    ends: float


class Hairstyles:
    """The styles by name, in the order in which they are listed; of each the heads of hair that show it, which differ
    in where they look."""

    def __init__(self, name: str, path: Path, sha256: str) -> None:
        self.name, self.sha256 = name, sha256
        self.card, self._found = arrays(path)

    @property
    def networks(self) -> Networks:
        """What a label says of it."""
        return ((self.name, self.sha256),)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(key.split(".")[0] for key in self._found))

    def hairdos(self, name: str) -> tuple[Hairdo, ...]:
        """Those of one style."""
        numbers = sorted({key.split(".")[1] for key in self._found if key.startswith(f"{name}.")})
        return tuple(self._hairdo(f"{name}.{number}") for number in numbers)

    def _hairdo(self, key: str) -> Hairdo:
        found = {part: self._found[f"{key}.{part}"] for part in PACKED}
        colour, masks = (
            np.ascontiguousarray(np.asarray(cv2.imdecode(found[part], cv2.IMREAD_COLOR))[..., ::-1])
            for part in ("colour", "masks")
        )
        alpha, ears, head = (np.ascontiguousarray(masks[..., k]) for k in range(3))
        yaw, ends = (float(one) for one in found["numbers"])
        return Hairdo(
            colour, alpha, ears, head, found["landmarks"], found["light"].astype(np.float32), yaw, ends
        )


PACKED = "colour", "masks", "landmarks", "light", "numbers"


def packed(name: str, number: int, hairdo: Hairdo) -> dict[str, Array]:
    """A head of hair as the arrays of the file."""
    masks = np.dstack([hairdo.alpha, hairdo.ears, hairdo.head])

    def encoded(kind: str, pixels: Array, *how: int) -> Any:
        return cv2.imencode(kind, np.ascontiguousarray(pixels[..., ::-1]), how)[1].ravel()

    parts: dict[str, Array] = {
        "colour": encoded(".webp", hairdo.colour, cv2.IMWRITE_WEBP_QUALITY, QUALITY),
        "masks": encoded(".png", masks, cv2.IMWRITE_PNG_COMPRESSION, 9),
        "landmarks": hairdo.landmarks.astype(np.float32),
        "light": hairdo.light.astype(np.float16),
        "numbers": np.array([hairdo.yaw, hairdo.ends], np.float32),
    }
    return {f"{name}.{number}.{part}": values for part, values in parts.items()}
