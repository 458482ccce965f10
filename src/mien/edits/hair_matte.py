"""Hair cut out of a picture: a head and shoulders as they are seen, the hair's matte and its own colours, without those
of what shines through it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np

from ..face import geometry, mesh, skin, topology
from ..face.filters import blur, push_pull, smoothstep, to_lab
from ..face.pose import Head
from ..models.hairstyles import LIGHT, Hairdo
from ..models.parser import Parser
from ..types import Array, Crop
from .hair import hair_region, inside

LAYOUT = "bust"
FINE = 576  # pixels of a side at which the parser's hair is made fine
SOME, NOSE_TIP = 0.3, 4  # of the parser; of the mesh: hair on a head comes from above it
SURE, NONE = 0.85, 0.12  # of the parser: what surely is hair, and what surely is none
INSIDE, BEYOND, BESIDE_SKIN = (
    0.012,
    0.035,
    0.012,
)  # so many face widths inside it, and beyond; beside skin fewer
APART = 0.14, 0.35  # between the colours of hair and of what is behind it, where they begin to tell a share
SHARE = 0.08, 0.92  # shares that are none and all
STRAY = 0.10  # face widths from the parser's hair, beyond which nothing is a strand of it
FAR = 60 / 255  # how far a hair's colour may lie from those around
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
        regions["hair"] = _on_head(regions["hair"], crop)
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
        return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * max(1, round(radius * self.wide)) + 1,) * 2)


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


def _on_head(hair: Array, crop: Crop) -> Array:
    """A share of hair without what hangs together with none on the head, as dark clothes."""
    face = mesh.hull_mask(crop.landmarks, crop.size)
    wide = np.ptp(crop.landmarks[: topology.POINTS, 0])
    near = cv2.distanceTransform(1 - face, cv2.DIST_L2, 5) < 0.3 * wide
    near &= np.arange(crop.size)[:, None] < crop.landmarks[NOSE_TIP, 1]
    _, parts = cv2.connectedComponents((hair > SOME).astype(np.uint8))
    own = np.isin(parts, np.unique(parts[near & (parts > 0)])).astype(np.float32)
    return hair * np.clip(blur(own, 2.0) * 2, 0, 1)


def matte(bust: Bust) -> tuple[Array, Array]:
    """How much of each pixel is hair, `[S, S]` in 0..1, and the hair's own colour there, `[S, S, 3]`: told by the
    colours of what surely is hair around and of what surely is none (after Chuang et al. 2001, "A Bayesian approach to
    digital matting", with one colour for each)."""
    hair, wide = bust.regions["hair"], bust.wide
    sure = cv2.erode((hair > SURE).astype(np.float32), bust.disc(INSIDE))
    some = (hair > NONE).astype(np.float32)
    none = 1 - cv2.dilate(some, bust.disc(BEYOND))
    bare = bust.any_of("skin", "nose", "neck", "ears", "eyes", "brows") > 0.6
    none = np.maximum(none, (1 - cv2.dilate(some, bust.disc(BESIDE_SKIN))) * bare)
    front, back = (push_pull(bust.pixels, known, 2) for known in (sure, none))
    apart = front - back
    distance = (apart * apart).sum(-1)
    share = ((bust.pixels - back) * apart).sum(-1) / np.maximum(distance, 1e-5)
    trust = smoothstep(np.sqrt(distance), *APART)
    away = cv2.distanceTransform((hair < 0.3).astype(np.uint8), cv2.DIST_L2, 5)
    share = smoothstep(share, *SHARE) * smoothstep(away, STRAY * wide, 0.02 * wide)
    alpha = np.where(sure > 0, 1, np.where(none > 0, 0, hair + trust * (share - hair))).astype(np.float32)
    alpha = 0.8 * alpha + 0.2 * blur(alpha, 0.7)
    own = (bust.pixels - (1 - alpha[..., None]) * back) / np.maximum(alpha, 0.25)[..., None]
    own = front + np.clip(own - front, -FAR, FAR)
    colour = front + smoothstep(alpha, 0.25, 0.8)[..., None] * (own - front)
    shown = blur(cv2.erode(bust.shown, np.ones((EDGE + 1,) * 2)), 1.5)
    return alpha * shown, np.clip(colour, 0, 1)


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
