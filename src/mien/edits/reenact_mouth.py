"""The inside of a mouth as a layer of its own: teeth go with the skull and not with the lips."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..face import geometry, mesh
from ..face.filters import blur, smoothstep, to_lab
from ..face.topology import INNER_LIPS, LIPS, POINTS
from ..types import Array, Crop
from . import teeth
from .mouth import parted, shows_teeth
from .reenact_eyes import boxed
from .reenact_head import MovedHead, RestHead
from .teeth import LOWER, UPPER, halved

WIDE = 2.2  # of `mouth.parted`: a mouth that is open far enough to show all teeth
BEHIND = 0.08  # eye distances that teeth lie behind the upper lip
MM = 63.0  # in an eye distance
OPEN = 0.012, 0.035  # eye distances between the lips, from which on something is seen, and all of it
MORE = 0.004, 0.03  # the same, more than in the photo: parted lips do not get teeth at rest
FULL_CHROMA = 12.0  # of skin in a colour photo, in Lab; grey is 0
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
# The lower teeth: mm that they are seen above the middle of the lower lip, how far their row goes along with that lip, how
# wide they are against the upper ones, mm that their row would drop per mm aside squared, and the light on them
LOW, ALONG, NARROWER, LEVEL, LOW_LIGHT = 2.7, 0.6, 0.62, 0.0054, 0.8
ROW = 0.035  # eye distances below an own upper lip: the row that is drawn on upwards


@dataclass(frozen=True, eq=False)
class Inside:
    """What is behind the lips of a photo: drawn upper teeth `[s, s, 4]` with the matrices that take the photo, and
    millimetres aside of their middle and below their ends, to them; the colours of the dark and of the tongue behind
    them `[3]`, and how surely the mouth shows teeth of its own; own `[h, w]`: where."""

    layer: Array
    matrix: Array
    ends: Array
    dark: Array
    tongue: Array
    toothy: float
    own: Array

    @staticmethod
    def of(crop: Crop, rest: RestHead, shape: tuple[int, ...], offset: Array) -> Inside:
        """Of a face laid out as `Mouth` wants it; shape and offset: of the region of the photo that `rest` lies in."""
        points = crop.landmarks[:POINTS]
        unit = geometry.eye_distance(crop.landmarks)
        here = mesh.window((points + parted(points, WIDE))[list(LIPS)], 0.25 * unit, crop.size)
        layer, dim = teeth.arch_layer(crop, here, seed=3)
        ends = teeth.front_ends(crop) - np.array([[0, 0, here.left], [0, 0, here.top]])
        hue = _hue(crop)
        layer[..., :3] = _with_hue(layer[..., :3], hue)
        to_crop = geometry.shifted(crop.matrix, int(offset[0]), int(offset[1]))
        matrix = to_crop - np.array([[0, 0, here.left], [0, 0, here.top]])
        own = np.zeros(shape[:2], np.float32)
        outline = rest.points[list(INNER_LIPS), :2]
        cv2.fillPoly(own, [np.rint(outline * 16).astype(np.int32)], 1.0, shift=4, lineType=cv2.LINE_AA)
        radius = max(1, int(0.012 * rest.scale))
        own = blur(cv2.erode(own, np.ones((2 * radius + 1,) * 2)), max(0.8, 0.012 * rest.scale))
        dark, tongue = (_with_hue(one, hue) * dim for one in (teeth.DARK, teeth.TONGUE))
        return Inside(layer, matrix, ends, dark, tongue, shows_teeth(halved(crop)), own)

    def draw(self, out: Array, pixels: Array, rest: RestHead, head: MovedHead) -> None:
        """Draw what is seen between the lips of a head that has moved, into `out [h, w, 3]` uint8; pixels: the photo in
        the same region."""
        shown = float(
            smoothstep(np.array(head.gap), *OPEN) * smoothstep(np.array(head.gap - rest.gap), *MORE)
        )
        points = head.points[:, :2]
        left, top, right, bottom = boxed(points[list(INNER_LIPS)], 4, out.shape)
        if not shown or right - left < 4 or bottom - top < 3:
            return
        origin = np.array([left, top])
        mask = np.zeros((bottom - top, right - left), np.float32)
        lips = [np.rint((points[list(INNER_LIPS)] - origin) * 16).astype(np.int32)]
        cv2.fillPoly(mask, lips, 1.0, shift=4, lineType=cv2.LINE_AA)
        mask = blur(mask, max(0.8, 0.012 * rest.scale))
        places = mesh.pixel_grid(right - left, bottom - top) + origin.astype(np.float32)
        look = geometry.transform(places, _skull(rest, head))
        part = out[top:bottom, left:right]
        before = part.astype(np.float32)
        picture = self._drawn(places, look, points, head.placement.scale)
        if self.toothy:
            own = self._own(before, pixels, rest, look, head.gap, mask)
            picture += self.toothy * (own - picture)
        part[:] = np.clip(np.rint(before + shown * mask[..., None] * (picture - before)), 0, 255)

    def _drawn(self, places: Array, look: Array, points: Array, scale: float) -> Array:
        """Drawn teeth and what is behind them `[h, w, 3]` at `places` between the lips of `points`, which see the photo's
        `look`; scale: pixels in an eye distance."""
        x, y = np.moveaxis(geometry.transform(look, self.matrix), -1, 0)
        layer = cv2.remap(self.layer, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        across, down = teeth.axes(points)
        side, under = places @ across, places @ down
        top, bottom = (_edge(points[list(row)], across, down, side) for row in (UPPER, LOWER))
        mm = scale / MM
        roof, gap = (under - top) / mm, (bottom - top) / mm
        light = (0.6 + 0.4 * smoothstep(roof, -0.3, 2.6)) * (0.7 + 0.3 * smoothstep(gap, 0.5, 5))
        ends = points[[UPPER[0], UPPER[-1]]] @ across
        aside = np.abs(side - ends.mean()) / max(float(np.ptp(ends)) / 2, 1)
        tongue = (
            smoothstep(gap, 6, 16)
            * smoothstep(roof / np.maximum(gap, 1), 0.25, 0.95)
            * smoothstep(aside, 0.95, 0.35)
        )
        behind = self.dark + tongue[..., None] * (self.tongue - self.dark)
        lip = ALONG * bottom + (1 - ALONG) * float(points[14] @ down)
        along = (side - points[14] @ across) / mm / NARROWER
        lower = self._lower(along, (lip - under) / mm - LOW - LEVEL * along**2)
        behind = behind * (1 - lower[..., 3:]) + LOW_LIGHT * lower[..., :3] * light[..., None]
        return 255 * (behind * (1 - layer[..., 3:]) + layer[..., :3] * light[..., None])

    def _lower(self, along: Array, above: Array) -> Array:
        """The lower teeth `[h, w, 4]` as far along their row from its middle and above its ends, in mm `[h, w]`: the
        upper ones upside down, for the lower lip leaves little of them to be seen."""
        x, y = np.moveaxis(geometry.transform(np.stack([along, above], -1), self.ends), -1, 0)
        places = x.astype(np.float32), y.astype(np.float32)
        return cv2.remap(self.layer, *places, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)

    def _own(
        self, before: Array, pixels: Array, rest: RestHead, look: Array, gap: float, mask: Array
    ) -> Array:
        """The photo's own inside where it was seen: it stays with the skull, goes on upwards as its uppermost row, and is
        dark below. before `[h, w, 3]`: what the lips' flow would show."""
        scale, row = rest.scale, rest.points[list(UPPER), :2]
        across, down = teeth.axes(rest.points[:, :2])
        top = _edge(row, across, down, look @ across) + ROW * scale
        lift = np.maximum(top - look @ down, 0)
        x, y = np.moveaxis((look + lift[..., None] * down).astype(np.float32), -1, 0)
        own = cv2.remap(pixels, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
        known = cv2.remap(self.own, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        inside = lift[mask > 0.5]
        farthest = float(inside.max()) / scale if inside.size else 0.0
        dark = max(
            float(smoothstep(np.array(gap - rest.gap), 0.0, 0.06)),
            float(smoothstep(np.array(farthest), 0.06, 0.1)),
        )
        base = before + dark * (255 * self.dark - before)
        shade = 1 - 0.25 * smoothstep(lift / scale, 0, 0.12)
        return base + known[..., None] * (own * shade[..., None] - base)


def _hue(crop: Crop) -> float:
    """How much colour a photo has, 0..1, by the face."""
    lab = to_lab(crop.pixels[mesh.hull_mask(crop.landmarks, crop.size) > 0][None])[0]
    return min(float(np.hypot(lab[:, 1], lab[:, 2]).mean()) / FULL_CHROMA, 1.0)


def _with_hue(colours: Array, hue: float) -> Array:
    """Colours `[..., 3]` with so much of their hue."""
    grey = (colours @ LUMA)[..., None]
    return (grey + np.float32(hue) * (colours - grey)).astype(np.float32)


def _skull(rest: RestHead, head: MovedHead) -> Array:
    """The matrix `[2, 3]` that takes a picture of the moved head to the photo, at the depth of the teeth."""
    deep = float(rest.shape[13, 2]) + BEHIND
    places = np.array([(-0.4, 1.2, deep), (0.4, 1.2, deep), (0.0, 1.5, deep)])
    there, here = (at.show(places)[:, :2].astype(np.float32) for at in (head.placement, rest.placement))
    return cv2.getAffineTransform(there, here)


def _edge(row: Array, across: Array, down: Array, side: Array) -> Array:
    """How far down the row of points `[n, 2]` of a lip lies at places `side` along it."""
    order = np.argsort(row @ across)
    return np.interp(side, (row @ across)[order], (row @ down)[order]).astype(np.float32)
