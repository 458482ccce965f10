"""The colour profile that a file without one implies: cameras write Adobe RGB as a word in EXIF, and PNGs their colours as
numbers. It is given to the photo as a profile of its own, so that what is written looks the same everywhere."""

from __future__ import annotations

import struct
from typing import Any, BinaryIO

import numpy as np

from ..types import Array
from . import captions

INTEROPERABILITY, INDEX, ADOBE = 0xA005, 1, "R03"  # EXIF 2.3 and DCF 2.0: what photos in Adobe RGB say
WHITE = 0.3127, 0.3290  # D65
# x and y of red, green and blue
SRGB = 0.64, 0.33, 0.30, 0.60, 0.15, 0.06
ADOBE_RGB = 0.64, 0.33, 0.21, 0.71, 0.15, 0.06
CODED = {
    1: SRGB,
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    12: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
}
LIKE_SRGB = 0.0  # instead of a gamma: sRGB's own curve
CURVES = {
    1: LIKE_SRGB,
    4: 2.2,
    5: 2.8,
    6: LIKE_SRGB,
    8: 1.0,
    13: LIKE_SRGB,
}  # of ITU-T H.273, without those of HDR
HDR = {16: "PQ", 18: "HLG"}
NEAR = 0.02  # gammas that are no farther from sRGB's 2.2 are that
# of Bradford: from colours of one white to those of another (Lam 1985)
CONES = np.array([(0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296)])
D50 = np.array((0.9642, 1.0, 0.8249))


def implied_profile(picture: Any, file: BinaryIO) -> bytes | None:
    """The profile of a picture that Pillow has opened in `file` and that has none; None where nothing but sRGB is
    meant."""
    if picture.format == "PNG":
        return _of_png(picture.info, file)
    if picture.getexif().get_ifd(INTEROPERABILITY).get(INDEX) == ADOBE:
        return made_profile("Adobe RGB (1998)", ADOBE_RGB, WHITE, 563 / 256)
    return None


def _of_png(info: dict[str, Any], file: BinaryIO) -> bytes | None:
    """By cICP, else sRGB, else cHRM and gAMA (PNG, third edition, 4.3)."""
    for _, body in captions.chunks(file, {b"cICP"}):
        if len(body) == 4 and body[0] in CODED and body[1] in CURVES:
            primaries, gamma = CODED[body[0]], CURVES[body[1]]
            if (primaries, gamma) == (SRGB, LIKE_SRGB):
                return None
            return made_profile("coded colours", primaries, WHITE, gamma)
    if "srgb" in info or ("gamma" not in info and "chromaticity" not in info):
        return None
    x, y, *primaries = info.get("chromaticity", (*WHITE, *SRGB))
    gamma = 1 / info["gamma"] if info.get("gamma", 0) > 0 else LIKE_SRGB
    if abs(gamma - 2.2) < NEAR and np.allclose(primaries, SRGB, atol=0.005):
        return None
    if len(primaries) != len(SRGB) or not 0 < y < 1 or not 0.2 < (gamma or 2.2) < 5:
        return None
    return made_profile("calibrated colours", primaries, (x, y), gamma)


def brighter_than_white(file: BinaryIO) -> str | None:
    """The HDR curve that a PNG is written in, which nothing here works with."""
    return next((HDR.get(body[1]) for _, body in captions.chunks(file, {b"cICP"}) if len(body) == 4), None)


def made_profile(name: str, primaries: Any, white: tuple[float, float], gamma: float) -> bytes | None:
    """An ICC profile (ICC.1:2022) of red, green and blue `primaries` (x and y each), a white and a gamma, or LIKE_SRGB;
    None where they span no colours."""
    try:
        columns = _adapted(np.array(primaries, float).reshape(3, 2), white)
    except np.linalg.LinAlgError:
        return None
    if not np.isfinite(columns).all() or np.abs(columns).max() > 4:
        return None
    curve = struct.pack(">4s4xIH", b"curv", 1, round(gamma * 256)) if gamma else _like_srgb()
    words = f"for the numbers of this picture: {name}".encode("utf-16-be")
    text = struct.pack(">4s4xII4sII", b"mluc", 1, 12, b"enUS", len(words), 28) + words
    tags = [(b"desc", text), (b"cprt", text), (b"wtpt", _xyz(D50))]
    tags += [(letter + b"XYZ", _xyz(columns[:, i])) for i, letter in enumerate((b"r", b"g", b"b"))]
    tags += [(letter + b"TRC", curve) for letter in (b"r", b"g", b"b")]
    start, table, data = 132 + 12 * len(tags), b"", b""
    for key, body in tags:
        table += struct.pack(">4sII", key, start + len(data), len(body))
        data += body + bytes(-len(body) % 4)
    head = struct.pack(">I4xI4s4s4s12x4s", start + len(data), 0x04300000, b"mntr", b"RGB ", b"XYZ ", b"acsp")
    head = (head + bytes(28) + _xyz(D50)[8:]).ljust(128, b"\0")
    return head + struct.pack(">I", len(tags)) + table + data


def _adapted(primaries: Array, white: tuple[float, float]) -> Array:
    """The X, Y and Z of primaries `[3, 2]` as columns, seen in the light of D50."""
    xyz = np.stack([primaries[:, 0], primaries[:, 1], 1 - primaries.sum(1)]) / primaries[:, 1]
    light = np.array((white[0] / white[1], 1.0, (1 - white[0] - white[1]) / white[1]))
    columns = xyz * np.linalg.solve(xyz, light)
    gains = (CONES @ D50) / (CONES @ light)
    return np.linalg.solve(CONES, gains[:, None] * (CONES @ columns))


def _xyz(values: Array) -> bytes:
    return struct.pack(">4s4x3i", b"XYZ ", *(round(float(value) * 65536) for value in values))


def _like_srgb() -> bytes:
    given = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    return struct.pack(">4s4xHxx5i", b"para", 3, *(round(value * 65536) for value in given))
