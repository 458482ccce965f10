"""A drawing as somebody scans or photographs it -> dark lines on white, framed as networks of faces are
taught."""

from __future__ import annotations

import cv2
import numpy as np

from ..errors import InputError
from ..face.filters import largest, resize, smallest
from ..types import Array

SMALL = 160  # pixels of the longer side of the picture in which the paper is looked for
REACH = 41  # of those: what is narrower than this, and dark all around, is not paper
WHITE = 0.9  # of the paper's brightness: what is above is paper
PALEST = 0.65  # of it: ink that is no darker than this is not made black
INK = 0.6  # of white: below are lines
SPECK = 2e-5  # of the picture's area: dark spots smaller than this are dirt
NECK, FEATURES = 0.25, 3  # of a head's width: what is thinner is a neck; things in a face
FILLS = 0.85  # of the sheet's height or width: what is drawn over as much of either is framed already
HEAD = 0.84, 0.74  # of the side of a picture of FFHQ: height of a head with its hair, and width
CLEAN = 0.94  # of the ground's brightness: what is above is ground
NIGHT = 90  # a ground darker than this is a blackboard
TINTED, ALIKE = (
    60,
    32,
)  # levels between a ground's channels that make it a colour; from it that are still ground
RIM, ROUNDS = 0.88, 5  # where a drawing's border begins, from its middle; how often the ground is fitted
WIDE, NARROW = 110, 18  # levels from the ground that are taken for it, at first and then
NEAR, STRONG = (
    0.02,
    3.0,
    # of lines in a photo: what is near, in the picture's side, and how strong they are; `train.drawings.sketch`'s
    # middle
)
MIDDLE = 0.47  # of the side: where the middle of a head is, from above


def extract_lines(pixels: Array) -> Array:
    """`[H, W, 3]` uint8 -> `[H, W]` uint8: dark where there is ink of any colour, white where there is paper
    of any, however it is lit."""
    height, width = pixels.shape[:2]
    scale = min(SMALL / max(height, width), 1.0)
    small = cv2.resize(
        pixels, (max(round(width * scale), 1), max(round(height * scale), 1)), interpolation=cv2.INTER_AREA
    )
    sheet = cv2.morphologyEx(
        small, cv2.MORPH_CLOSE, np.ones((REACH, REACH), np.uint8), borderType=cv2.BORDER_REPLICATE
    )
    sheet = cv2.resize(
        cv2.GaussianBlur(sheet, (0, 0), REACH / 8), (width, height), interpolation=cv2.INTER_LINEAR
    )
    shade = smallest(pixels.astype(np.float32) / np.maximum(sheet, 1))
    black = min(float(np.percentile(shade, 0.5)), PALEST)
    return np.clip((shade - black) / (WHITE - black) * 255, 0, 255).astype(np.uint8)


def whiten_paper(pixels: Array) -> Array:
    """`[H, W, 3]` uint8, a drawing with or without colours on any ground -> the same on white, ink dark: paper is
    divided out, a coloured ground taken away, and what is light on a dark ground turned round."""
    height, width = pixels.shape[:2]
    scale = min(SMALL / max(height, width), 1.0)
    small = cv2.resize(
        pixels, (max(round(width * scale), 1), max(round(height * scale), 1)), interpolation=cv2.INTER_AREA
    )
    ground = _ground(small)
    if float(np.median(ground)) < NIGHT:
        pixels, ground = 255 - pixels, 255 - ground
    ground = cv2.resize(ground, (width, height), interpolation=cv2.INTER_LINEAR)
    colour = np.median(ground.reshape(-1, 3), 0)
    if colour.max() - colour.min() > TINTED:
        shade = pixels / np.float32(255)
        shade[largest(np.abs(pixels - ground)) < ALIKE] = 1
    else:
        shade = np.minimum(pixels / np.maximum(ground, 1), 1).astype(np.float32)
    black = min(float(np.percentile(smallest(shade), 0.5)), PALEST)
    return np.rint(np.clip((shade - black) / (CLEAN - black), 0, 1) * 255).astype(np.uint8)


def _ground(small: Array) -> Array:
    """What a drawing is drawn on, without the drawing: smooth light over its border's colour, fitted to what agrees
    with it. `[h, w, 3]` float32."""
    height, width = small.shape[:2]
    y, x = (np.linspace(-1, 1, n) for n in (height, width))
    waves = np.stack(np.broadcast_arrays(1, x, y[:, None], x * x, y[:, None] ** 2, x * y[:, None]), -1)
    rim = np.maximum(np.abs(x), np.abs(y[:, None])) > RIM
    usual = np.median(small[rim], 0)
    agreed = rim & (largest(np.abs(small - usual)) < WIDE)
    ground = _fitted(waves, small, agreed)
    for _ in range(ROUNDS - 1):
        agreed = largest(np.abs(small - ground)) < NARROW
        ground = _fitted(waves, small, agreed if agreed.sum() > 50 else rim)
    return np.clip(ground, 1, 255).astype(np.float32)


def _fitted(waves: Array, small: Array, agreed: Array) -> Array:
    """The sum of `waves [h, w, 6]` that is nearest to a picture `[h, w, 3]` where it is agreed."""
    known = waves[agreed]
    normal = known.T @ known + 1e-3 * np.eye(waves.shape[-1])
    return waves @ np.linalg.solve(normal, known.T @ small[agreed])


def _head(ink: Array, told: Array) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of a drawing `[H, W]` bool, or, where a body is drawn below it, of its head: down to
    where it is thin, if there are some things above (`told`: of its parts, as OpenCV's statistics) and more below."""
    rows = np.flatnonzero(ink.any(1))
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    columns = np.arange(ink.shape[1])
    low = np.where(ink, columns, ink.shape[1]).min(1)[top:bottom]
    high = np.where(ink, columns, -1).max(1)[top:bottom]
    wide = np.maximum(high - low + 1, 0)
    most, down = np.maximum.accumulate(wide), np.arange(len(wide))
    ends = told[:, cv2.CC_STAT_TOP] + told[:, cv2.CC_STAT_HEIGHT] - top
    things = (ends[:, None] <= down).sum(0)
    neck = (wide < NECK * most) & (down > 0.6 * most) & (len(wide) - down > 0.8 * down) & (things >= FEATURES)
    until = int(np.argmax(neck)) if neck.any() else len(wide)
    seen = slice(0, until)
    return int(low[seen].min()), top, int(high[seen].max()) + 1, top + until


def pencil(pixels: Array) -> Array:
    """`[S, S, 3]` uint8, a photo or a drawing, -> its lines `[S, S]` uint8, dark on white: grey dodged by its
    own blurred negative."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    around = cv2.GaussianBlur(grey, (0, 0), NEAR * len(pixels))
    return np.clip((1 - np.clip(1 - grey / np.maximum(around, 1), 0, 1) * STRONG) * 255, 0, 255).astype(
        np.uint8
    )


def frame_drawing(drawn: Array, size: int) -> Array:
    """A drawing on white, `[H, W]` or `[H, W, 3]`, as a square of `size` pixels that it fills as a head does in FFHQ;
    what fills its sheet is only made square.

    `InputError` where there are no lines.
    """
    height, width = drawn.shape[:2]
    ink = drawn if drawn.ndim == 2 else smallest(drawn)
    _, parts, told, _ = cv2.connectedComponentsWithStats((ink < INK * 255).astype(np.uint8), connectivity=8)
    kept = told[:, cv2.CC_STAT_AREA] > SPECK * ink.size
    kept[0] = False
    if not kept.any():
        raise InputError(
            f"no lines found in {width} x {height} pixels: a drawing was wanted, darker than its paper"
        )
    left, top, right, bottom = _head(kept[parts.astype(np.intp)], told[kept])
    if right - left > FILLS * width and bottom - top > FILLS * height:
        side, x, y = max(height, width), (width - max(height, width)) / 2, (height - max(height, width)) / 2
    else:
        side = max((bottom - top) / HEAD[0], (right - left) / HEAD[1])
        x, y = (left + right - side) / 2, (top + bottom) / 2 - MIDDLE * side
    steps = max(round(side / size), 1)  # drawn larger first, so that thin lines are averaged and not skipped
    scale = size * steps / side
    place = np.array([[scale, 0, (0.5 - x) * scale - 0.5], [0, scale, (0.5 - y) * scale - 0.5]])
    square = cv2.warpAffine(
        drawn,
        place,
        (size * steps,) * 2,
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(255, 255, 255),
    )
    return resize(square, (size, size))
