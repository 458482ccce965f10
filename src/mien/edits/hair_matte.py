"""Hair cut out of a picture: a head and shoulders as they are seen, the hair's matte and its own colours, without those
of what shines through it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np

from ..face import geometry, mesh, skin, topology
from ..face.filters import blur, disc, smoothstep, to_lab
from ..face.pose import Head
from ..models.hairstyles import LIGHT, Hairdo
from ..models.parser import Parser
from ..types import Array, Crop
from .hair_region import BARE, hair_region, inside, on_head, unmixed

LAYOUT = "bust"
FINE = 576  # pixels of a side at which the parser's hair is made fine
EARS = 0.5, 0.8  # of the parser, where an ear is bare
EDGE = 8  # pixels at the border of a picture, which the parser does not know well


@dataclass(frozen=True, eq=False)
class Bust:
    """A head and shoulders as they are seen in a crop of LAYOUT. pixels, lab `[S, S, 3]` float32, the first in 0..1;
    regions: the parser's, with hair as fine as strands; shown `[S, S]`: 1 in the photo, 0 where it is mirrored; even
    `[S, S, 3]`: the face's skin in Lab, were it even; wide, tall: the face's mesh, in pixels.
    """

    crop: Crop
    pixels: Array
    lab: Array
    regions: dict[str, Array]
    shown: Array
    even: Array
    wide: float
    tall: float

    @staticmethod
    def of(parser: Parser, crop: Crop) -> Bust:
        """What a crop in LAYOUT shows, as the parser sees it."""
        lab, points = to_lab(crop.pixels), crop.landmarks[: topology.POINTS]
        wide, tall = (float(side) for side in np.ptp(points, axis=0))
        shown = geometry.valid_mask(crop).astype(np.float32)
        regions = _regions(parser, crop)
        regions["hair"] = on_head(regions["hair"], crop.landmarks)
        even = skin.fit_skin_shading(lab, crop.landmarks)
        return Bust(crop, crop.pixels.astype(np.float32) / 255, lab, regions, shown, even, wide, tall)

    @property
    def size(self) -> int:
        return self.crop.size

    @property
    def points(self) -> Array:
        return self.crop.landmarks

    @cached_property
    def head(self) -> Head:
        return Head.of(self.points)

    @cached_property
    def face(self) -> Array:
        """The hull of the mesh, `[S, S]` of 0 and 1."""
        return mesh.hull_mask(self.points, self.size).astype(np.float32)

    @cached_property
    def down(self) -> Array:
        """From the forehead to the chin, `[2]` of unit length."""
        axis = self.points[152] - self.points[10]
        return axis / np.linalg.norm(axis)

    @cached_property
    def below_chin(self) -> Array:
        """How far each pixel lies below the chin, `[S, S]` in face widths."""
        return ((mesh.pixel_grid(self.size) - self.points[152]) @ self.down / self.wide).astype(np.float32)

    def any_of(self, *names: str) -> Array:
        """Where one of the parser's regions is, `[S, S]` in 0..1."""
        return np.maximum.reduce([self.regions[name] for name in names])

    def disc(self, radius: float) -> Array:
        """A structuring element of a radius in face widths."""
        return disc(radius * self.wide)


def _regions(parser: Parser, crop: Crop) -> dict[str, Array]:
    """The parser's shares, `[S, S]` each: from the layout that it was taught where that reaches, and beyond it from
    the crop itself; hair as fine as strands."""
    seen = geometry.align(crop.pixels, crop.landmarks, replace(parser.alignment, size=FINE))
    matrix = geometry.invert(seen.matrix)
    seen = replace(seen, matrix=geometry.compose(seen.matrix, crop.matrix), size_of_photo=crop.size_of_photo)
    near = parser.parse(seen)
    near["hair"] = hair_region(parser, seen, to_lab(seen.pixels), near)
    far = parser.parse(crop)
    window = cv2.warpAffine(inside(FINE), matrix, (crop.size, crop.size))
    return {
        name: far[name] + window * (cv2.warpAffine(share, matrix, (crop.size, crop.size)) - far[name])
        for name, share in near.items()
    }


def matte(bust: Bust) -> tuple[Array, Array]:
    """How much of each pixel is hair, `[S, S]` in 0..1, and the hair's own colour there, `[S, S, 3]`; see `unmixed`."""
    alpha, colour, _ = unmixed(bust.pixels, bust.regions["hair"], bust.any_of(*BARE) > 0.6, bust.wide)
    shown = blur(cv2.erode(bust.shown, np.ones((EDGE + 1,) * 2)), 1.5)
    return alpha * shown, colour


def hairdo_of(bust: Bust, yaw: float) -> Hairdo:
    """The hair of a head that looks `yaw` degrees to the picture's right, as it can go to another."""
    alpha, colour = matte(bust)
    regions = bust.regions
    ears = regions["ears"] * (1 - alpha) * (1 - regions["other"]) * bust.shown
    ears = blur(cv2.erode(smoothstep(ears, *EARS), np.ones((3, 3))), 1.0)
    colour = colour + np.clip(2 * ears, 0, 1)[..., None] * (bust.pixels - colour)
    light = cv2.resize(bust.even, (LIGHT, LIGHT), interpolation=cv2.INTER_AREA)
    whole, hair, bare, head = (
        np.rint(255 * np.clip(one, 0, 1)).astype(np.uint8)
        for one in (colour, alpha, ears, 1 - regions["other"])
    )
    return Hairdo(whole, hair, bare, head, bust.points, light, yaw, _ends(bust, alpha))


def _ends(bust: Bust, alpha: Array) -> float:
    """The row at which the picture ends in the middle of hair, 0 where the hair ends before."""
    last = int(np.nonzero(bust.shown.max(1) > 0.5)[0][-1]) - EDGE
    cut = (alpha[last - 4 : last] > 0.5).any(0).sum() > 0.05 * bust.wide
    return float(last) if cut else 0.0
