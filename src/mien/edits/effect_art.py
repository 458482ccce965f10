"""What textures and stickers of an effect pack have in common: their pictures, decoded and shrunk, the light that falls on
them, and whether what they wait for is seen."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from ..errors import InputError
from ..face import mesh, shape
from ..face.filters import smoothstep
from ..face.lighting import Light
from ..types import Array, Crop
from .portrait import depth_of, openings

OPEN_MOUTH = (
    0.2,
    0.45,
)  # how far a mouth is open, over the distance of the inner eye corners: from when, and fully
SHUT_EYES = 0.2, 0.13  # the same of lids, over an eye's width
WHITE = 0.88  # the brightness of what is white in full light
DULL = 0.3  # the least that light leaves


@dataclass(frozen=True, eq=False)
class Art:
    """A picture of a pack, `[h, w, 4]` float32 in 0..1 with its colours times its opacity, and its halves."""

    halves: tuple[Array, ...]

    @staticmethod
    def of(pack: str, name: str, data: bytes) -> Art:
        """A PNG, of the pack that is called so."""
        found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) if _is_whole(data) else None
        if found is None or found.dtype.kind != "u":
            raise InputError(f"{name} of the effect pack {pack} is no PNG that can be decoded")
        full = np.float32(256**found.dtype.itemsize - 1)
        pixels = found.astype(np.float32) / full
        if pixels.ndim == 2:
            pixels = np.dstack([pixels] * 3)
        if pixels.shape[2] == 3:
            pixels = np.dstack([pixels, np.ones_like(pixels[..., 0])])
        pixels[..., :3] = pixels[..., 2::-1] * pixels[..., 3:]
        halves = [cv2.copyMakeBorder(pixels, 1, 1, 1, 1, cv2.BORDER_CONSTANT)]  # so that an edge ends softly
        while min(halves[-1].shape[:2]) >= 8:
            height, width = halves[-1].shape[:2]
            halves.append(cv2.resize(halves[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA))
        return Art(tuple(halves))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.halves[0].shape[1], self.halves[0].shape[0]

    def at(self, places: Array, shrunk: float) -> Array:
        """What is at `places [h, w, 2]`, shares of width and height: `[h, w, 4]`, nothing beyond. shrunk: how many of its
        pixels go into one."""
        level = int(np.clip(np.round(np.log2(max(shrunk, 1.0))), 0, len(self.halves) - 1))
        picture = self.halves[level]
        sides = np.array(picture.shape[1::-1], np.float32)
        x, y = cv2.split(places * sides - np.float32(0.5))
        return cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)


def _is_whole(png: bytes) -> bool:
    """Whether a PNG, whose header was looked at, has all its chunks and pixels as they were written: of one that has not
    libpng tells on stderr."""
    at, packed, kind = 8, [], b""
    while kind != b"IEND":
        length, kind = int.from_bytes(png[at : at + 4], "big"), png[at + 4 : at + 8]
        body, mark = png[at + 8 : at + 8 + length], png[at + 8 + length : at + 12 + length]
        if len(mark) < 4 or zlib.crc32(kind + body) != int.from_bytes(mark, "big"):
            return False
        packed += [body] * (kind == b"IDAT")
        at += 12 + length
    width, height = (int.from_bytes(png[i : i + 4], "big") for i in (16, 20))
    bits = png[24] * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(png[25], 0)
    rows = height * (1 + -(-width * bits // 8))
    try:
        unpacked = len(zlib.decompressobj().decompress(b"".join(packed), 2 * rows + 64))
    except zlib.error:
        return False
    return bits > 0 and (unpacked == rows or bool(png[28]))  # interlaced, it has more rows


@dataclass(frozen=True, eq=False)
class Scene:
    """A crop with a face as what is put on it sees it. triangles: of the mesh."""

    crop: Crop
    triangles: Array

    @cached_property
    def light(self) -> Light:
        return Light.of(self.crop)

    @cached_property
    def white(self) -> Array:
        """What something white looks like in the light of the face, `[3]`: between what its skin tells, which may be dark,
        and what is brightest around."""
        grey = cv2.cvtColor(self.crop.pixels, cv2.COLOR_RGB2GRAY)
        around = np.clip(float(np.percentile(grey, 98)) / (255 * WHITE), DULL, 1.1)
        return self.light.colour * np.float32(min((self.light.exposure * around) ** 0.5, 1.0))

    @cached_property
    def solid(self) -> Array:
        """The mesh with its depth, `[478, 3]` in crop pixels."""
        return shape.solid(self.crop.landmarks, depth_of(self.crop)).astype(np.float32)

    @cached_property
    def normals(self) -> Array:
        return mesh.normals(self.crop.landmarks, self.solid[:, 2], self.triangles)

    @cached_property
    def order(self) -> Array:
        """Of the triangles, the farthest first."""
        return np.argsort(-self.solid[self.triangles, 2].mean(1))

    def seen(self, when: str) -> float:
        """How far what a layer waits for is seen, 0..1."""
        if when == "always":
            return 1.0
        found = openings(self.solid)
        if when == "mouth_open":
            return float(smoothstep(np.array(found.mouth), *OPEN_MOUTH))
        return float(smoothstep(np.array(np.mean(found.lids)), *SHUT_EYES))
