"""Eyes and mouths that are drawn as things of their own: the points of a face moved to where they are drawn.

A small network reads where they are, and how large only about; the ink itself says it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..face import mesh
from ..face.filters import smallest
from ..face.topology import BROWS, EYELIDS, INNER_LIPS, LIPS, MOUTH_CORNERS, OVAL
from ..types import Array

INK = 150  # levels below which a drawing is ink
MANY = 10  # things in a face: of more it is not told which is an eye
SPECKS = 6  # pixels: smaller things are none
EYE = (
    0.85,
    0.6,
    0.4,
)  # eye widths from an eye's middle, across and down: its window; and where the middle of a thing lies
BROW = 0.75, 0.6, 0.3  # brow widths from a brow's middle, across, up and down
MOUTH = 0.95, 0.7, 1.2  # mouth widths from its middle: across, up and down
SIZES = 0.55, 1.9  # how many times as large as it was read a thing may be
BLACK = 95  # mean levels of a mouth that is filled with black
GAPING = 0.4  # height over width of an outline that is an open mouth, and no lips
LIP = 0.12  # of an open mouth's height: each lip


GLASSES = 0.6, 2.6  # eye widths: how high glasses are at least and at most
BEARD = 0.25  # of what is about a chin's outline that is ink where there is a beard: an outline alone is half of that
DARKER = 0.6  # of the face's usual shade: what is darker is drawn on it
RIM = 25  # pixels that are about an outline, to both sides together


@dataclass(frozen=True, eq=False)
class Thing:
    """What is drawn in a window: its mask `[S, S]` bool and box in pixels."""

    mask: Array
    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def middle(self) -> Array:
        return np.array([(self.left + self.right) / 2, (self.top + self.bottom) / 2])


def followed(picture: Array, points: Array) -> Array:
    """Points `[468, 2]` of a face in a drawing `[S, S, 3]` uint8 on white, with eyes and mouth where they are drawn, as
    large, as open and as bent, if they stand alone; as they are where the face is full of strokes."""
    ink = (smallest(picture) < INK).astype(np.uint8)
    _, parts, told, middles = cv2.connectedComponentsWithStats(ink, connectivity=8)
    inside = mesh.polygon_mask(points, OVAL, len(picture), 0.7) > 0.5
    at = np.clip(np.rint(middles[1:]), 0, len(picture) - 1).astype(int)
    if (inside[at[:, 1], at[:, 0]] & (told[1:, cv2.CC_STAT_AREA] >= SPECKS)).sum() > MANY:
        return points
    out = points.copy()
    for lids, brow in zip(EYELIDS, BROWS, strict=True):
        out = _brow(out, list(brow), parts, told, middles)
        out = _eye(out, list(lids), parts, told, middles)
    return _mouth(picture, out, parts, told, middles)


def worn(picture: Array, points: Array) -> dict[str, float]:
    """What a drawing plainly shows on a face: "glasses", one thing about both eyes, and a "beard", much ink about the
    chin; traits as `SketchReader` tells them."""
    ink = (smallest(picture) < INK).astype(np.uint8)
    _, _, told, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    eyes = points[[*EYELIDS[0], *EYELIDS[1]]]
    wide = float(np.ptp(points[list(EYELIDS[0]), 0]))
    left, top, right, bottom = *eyes.min(0), *eyes.max(0)
    x, y, width, height = (told[1:, one] for one in range(4))
    about = (x < left) & (x + width > right) & (y < top + 2) & (y + height > bottom - 2)
    about &= (
        (height > GLASSES[0] * wide) & (height < GLASSES[1] * wide) & (width < np.ptp(points[:, 0]) * 1.1)
    )
    out = {"glasses": 1.0} if about.any() else {}
    size = len(picture)
    face = (mesh.polygon_mask(points, OVAL, size, 0.7) > 0.5).astype(np.uint8)
    ring = cv2.dilate(face, np.ones((RIM, RIM), np.uint8)) - cv2.erode(face, np.ones((RIM, RIM), np.uint8))
    x, down = np.arange(size), np.arange(size)[:, None]
    ends = points[list(MOUTH_CORNERS)]
    chin = (ring > 0) & (down > points[17, 1]) & (np.abs(x - ends[:, 0].mean()) < np.ptp(ends[:, 0]))
    light = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    dark = light < DARKER * float(np.median(light[face > 0])) if face.any() else ink > 0
    bearded = chin.any() and float(dark[chin].mean()) > BEARD
    return out | ({"beard": 2.0, "sex": 1.0} if bearded else {})


def _thing(parts: Array, told: Array, middles: Array, box: Array, near: Array) -> Thing | None:
    """What lies wholly in a window, left, top, right, bottom, with its middle in another, `near`: the widest thing in
    the middle of it, with all that is in its own box."""
    left, top = told[:, cv2.CC_STAT_LEFT], told[:, cv2.CC_STAT_TOP]
    right, bottom = left + told[:, cv2.CC_STAT_WIDTH], top + told[:, cv2.CC_STAT_HEIGHT]
    x, y = middles.T
    inside = (left >= box[0]) & (top >= box[1]) & (right <= box[2]) & (bottom <= box[3])
    inside &= (x >= near[0]) & (y >= near[1]) & (x <= near[2]) & (y <= near[3])
    inside &= told[:, cv2.CC_STAT_AREA] >= SPECKS
    inside[0] = False
    if not inside.any():
        return None
    off = np.abs(middles - (near[:2] + near[2:]) / 2).sum(1) - (right - left) / 2
    main = int(np.argmin(np.where(inside, off, np.inf)))
    own = (left >= left[main]) & (top >= top[main]) & (right <= right[main]) & (bottom <= bottom[main])
    own[0] = False
    return Thing(own[parts], *(float(one[main]) for one in (left, top, right, bottom)))


def _window(middle: Array, across: float, up: float, down: float) -> Array:
    return np.array([middle[0] - across, middle[1] - up, middle[0] + across, middle[1] + down])


def _eye(points: Array, lids: list[int], parts: Array, told: Array, middles: Array) -> Array:
    """An eye as wide and as high as it is drawn, if it is more than a dot."""
    eye = points[lids]
    middle, wide, high = eye.mean(0), float(np.ptp(eye[:, 0])), max(float(np.ptp(eye[:, 1])), 2.0)
    box = _window(middle, EYE[0] * wide, EYE[1] * wide, EYE[1] * wide)
    thing = _thing(parts, told, middles, box, _window(middle, EYE[2] * wide, EYE[2] * wide, EYE[2] * wide))
    if thing is None or thing.width < SIZES[0] * wide or thing.height < 2:
        return points
    scale = np.clip([thing.width / wide, thing.height / high], *SIZES)
    near = np.exp(-0.5 * (np.linalg.norm(points - middle, axis=1) / (0.75 * wide)) ** 4)[:, None]
    return points + near * ((points - middle) * (scale - 1) + thing.middle - middle)


def _brow(points: Array, brow: list[int], parts: Array, told: Array, middles: Array) -> Array:
    """A brow as high as it is drawn."""
    own = points[brow]
    middle, wide = own.mean(0), float(np.ptp(own[:, 0]))
    box = _window(middle, BROW[0] * wide, BROW[1] * wide, BROW[2] * wide)
    thing = _thing(parts, told, middles, box, box)
    if thing is None or thing.width < SIZES[0] * wide or thing.height > 0.5 * thing.width:
        return points
    flat = (points - middle) * [1, 3]  # what is far below stays
    near = np.exp(-0.5 * (np.linalg.norm(flat, axis=1) / (0.7 * wide)) ** 4)[:, None]
    return points + near * [0, thing.middle[1] - middle[1]]


def _mouth(picture: Array, points: Array, parts: Array, told: Array, middles: Array) -> Array:
    """A mouth as wide, as open and as bent as it is drawn."""
    corners = points[list(MOUTH_CORNERS)]
    wide, middle = max(float(np.ptp(corners[:, 0])), 8.0), points[[*MOUTH_CORNERS, 13, 14]].mean(0)
    box = _window(middle, MOUTH[0] * wide, MOUTH[1] * wide, MOUTH[2] * wide)
    thing = _thing(parts, told, middles, box, _window(middle, 0.5 * wide, 0.6 * wide, 0.6 * wide))
    if thing is None or not SIZES[0] * wide < thing.width < SIZES[1] * wide:
        return points
    off = points - middle
    near = np.exp(-0.5 * (np.linalg.norm(off, axis=1) / (0.75 * wide)) ** 4)[:, None]
    out = points + near * (off * [thing.width / wide - 1, 0] + [thing.middle[0] - middle[0], 0])
    if _open(picture, thing):
        return _opened(out, thing)
    return _bent(out, thing, near[:, 0])


def _open(picture: Array, thing: Thing) -> bool:
    """Whether a mouth is drawn open: filled with black, or as an outline too high for lips."""
    if thing.height < 0.2 * thing.width:
        return False
    outlines, _ = cv2.findContours(thing.mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    largest = max(outlines, key=cv2.contourArea)
    full = cv2.contourArea(largest) > 0.5 * thing.width * thing.height
    inside = cv2.fillPoly(np.zeros(thing.mask.shape, np.uint8), [largest], 1) > 0
    return bool(full and (picture[inside].mean() < BLACK or thing.height > GAPING * thing.width))


def _opened(points: Array, thing: Thing) -> Array:
    """The lips about an opening, and what is below moved down with the lower one."""
    out = points.copy()
    across = np.clip(1 - (2 * (points[:, 0] - thing.middle[0]) / thing.width) ** 2, 0, 1) ** 0.5
    half = thing.height / 2
    for ring, reach in ((LIPS, half), (INNER_LIPS, half * (1 - 2 * LIP))):
        count = len(ring) // 2
        for part, side in ((ring[: count + 1], -1), (ring[count + 1 :], 1)):
            rows = list(part)
            out[rows, 1] = thing.middle[1] + side * reach * across[rows]
    lower = points[17, 1]
    below = np.clip((points[:, 1] - lower) / max(points[152, 1] - lower, 1), 0, 1)
    rest = np.isin(np.arange(len(points)), [*LIPS, *INNER_LIPS], invert=True)
    out[:, 1] += rest * below * max(out[17, 1] - lower, 0) * 0.6
    return out


def _bent(points: Array, thing: Thing, near: Array) -> Array:
    """The corners of a mouth raised or lowered as its line is, and all of it where it is drawn."""
    y, x = np.nonzero(thing.mask)
    third = thing.width / 5
    left, right = y[x < thing.left + third], y[x > thing.right - third]
    centre = y[np.abs(x - thing.middle[0]) < third / 2]
    if not (len(left) and len(right) and len(centre)):
        return points
    ends, line = (left.mean() + right.mean()) / 2, points[[13, 14], 1].mean()
    lift = (centre.mean() - ends) - (line - points[list(MOUTH_CORNERS), 1].mean())
    bow = np.clip((2 * (points[:, 0] - thing.middle[0]) / thing.width) ** 2, 0, 1.2)
    out = points.copy()
    out[:, 1] += near * (centre.mean() - line - lift * bow)
    return out
