"""Colour profiles: what the numbers of a photo look like in sRGB, and back. Edits look and colour in sRGB; their
differences are carried back into the photo's own numbers."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from ..types import Array

# Of sRGB, adapted to D50 as all profiles are: red, green and blue as columns of X, Y and Z (IEC 61966-2-1).
SRGB = np.array([
    (0.4360747, 0.3850649, 0.1430804),
    (0.2225045, 0.7168786, 0.0606169),
    (0.0139322, 0.0971045, 0.7141733),
])  # fmt: skip
STEPS = 4096  # at which a curve is known
ROWS = 64  # of a picture that are converted at a time
SAME = 1.5 / 255  # a profile that is nowhere farther from sRGB is that


@dataclass(frozen=True, eq=False)
class Profile:
    """A profile of three curves and a matrix, as cameras, phones and editors write them. curves `[3, STEPS]`: the
    light of each number from 0 to 1; matrix `[3, 3]`: from its light to that of sRGB."""

    curves: Array
    matrix: Array

    def to_srgb(self, pixels: Array) -> Array:
        """Colours `[..., 3]` from 0 to 1 as they look in sRGB, float32; those that sRGB has not, as near as it
        comes."""
        at = np.linspace(0, 1, STEPS)
        light = np.stack([np.interp(pixels[..., c], at, self.curves[c]) for c in range(3)], -1)
        return _encoded(np.clip(light @ self.matrix.T, 0, 1)).astype(np.float32)

    def picture(self, pixels: Array) -> Array:
        """A picture `[H, W, 3]` uint8 as it looks in sRGB, uint8, by tables: quick and to a level."""
        table = np.stack(
            [np.interp(np.linspace(0, 1, 256), np.linspace(0, 1, STEPS), curve) for curve in self.curves], -1
        )
        shades = np.rint(_encoded(np.linspace(0, 1, STEPS)) * 255).astype(np.uint8)
        out = np.empty_like(pixels)
        for top in range(0, len(pixels), ROWS):
            linear = cv2.LUT(pixels[top : top + ROWS], table.astype(np.float32)[None])
            mixed = cv2.transform(linear, self.matrix.astype(np.float32) * (STEPS - 1))
            out[top : top + ROWS] = shades[np.clip(mixed, 0, STEPS - 1).astype(np.int16)]
        return out

    def from_srgb(self, colours: Array) -> Array:
        """The numbers `[..., 3]` from 0 to 1 that colours of sRGB have in this profile, float32."""
        light = np.clip(_decoded(np.clip(colours, 0, 1)) @ np.linalg.inv(self.matrix).T, 0, 1)
        at = np.linspace(0, 1, STEPS)
        return np.stack([np.interp(light[..., c], self.curves[c], at) for c in range(3)], -1).astype(
            np.float32
        )

    def own(self, picture: Array) -> Array:
        """The numbers that a picture of sRGB `[H, W, 3]` uint8 has in this profile, uint8."""
        out = np.empty_like(picture)
        for top in range(0, len(picture), ROWS):
            rows = slice(top, top + ROWS)
            out[rows] = np.rint(255 * self.from_srgb(picture[rows].astype(np.float32) / 255))
        return out


@lru_cache(maxsize=8)
def profile_of(icc: bytes | None) -> Profile | None:
    """The profile of a photo; None where there is none, where it is sRGB, and where it is of a kind that is not
    known or damaged: such numbers are taken for sRGB's."""
    try:
        tags = _tags(icc or b"")
        curves = np.stack([_curve(tags[f"{c}TRC"]) for c in "rgb"])
        columns = np.stack([_xyz(tags[f"{c}XYZ"]) for c in "rgb"], 1)
        found = Profile(curves, np.linalg.solve(SRGB, columns))
    except (KeyError, ValueError, struct.error, np.linalg.LinAlgError):
        return None
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 6)] * 3), -1)
    return None if np.abs(found.to_srgb(grid) - grid).max() < SAME else found


def _tags(icc: bytes) -> dict[str, bytes]:
    """The parts of a profile by name (ICC.1:2022, 7.3)."""
    (count,) = struct.unpack_from(">I", icc, 128)
    rows = (struct.unpack_from(">4sII", icc, 132 + 12 * i) for i in range(min(count, 100)))
    return {name.decode("latin1"): icc[start : start + size] for name, start, size in rows}


def _xyz(tag: bytes) -> Array:
    return np.array(struct.unpack_from(">3i", tag, 8)) / 65536


def _curve(tag: bytes) -> Array:
    """The light of each of STEPS numbers, rising (ICC.1:2022, 10.6 and 10.18)."""
    x = np.linspace(0, 1, STEPS)
    if tag[:4] == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        if count == 0:
            return x
        table = np.array(struct.unpack_from(f">{count}H", tag, 12))
        if count == 1:
            return x ** (table[0] / 256)
        return np.maximum.accumulate(np.interp(x, np.linspace(0, 1, count), table / 65535))
    if tag[:4] != b"para":
        raise ValueError("a curve of an unknown kind")
    (kind,) = struct.unpack_from(">H", tag, 8)
    count = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}[kind]
    given = [value / 65536 for value in struct.unpack_from(f">{count}i", tag, 12)]
    g, a, b, c, d, e, f = {
        0: lambda g: (g, 1, 0, 0, -1, 0, 0),
        1: lambda g, a, b: (g, a, b, 0, -b / a, 0, 0),
        2: lambda g, a, b, c: (g, a, b, 0, -b / a, c, c),
        3: lambda g, a, b, c, d: (g, a, b, c, d, 0, 0),
        4: lambda g, a, b, c, d, e, f: (g, a, b, c, d, e, f),
    }[kind](*given)
    curve = np.where(x >= d, np.maximum(a * x + b, 0) ** g + e, c * x + f)
    return np.maximum.accumulate(np.clip(curve, 0, 1))


def _decoded(colours: Array) -> Array:
    return np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)


def _encoded(light: Array) -> Array:
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
