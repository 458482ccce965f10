"""A face's features drawn as lines after its mesh: what networks are shown that make pictures of drawings."""

from __future__ import annotations

import cv2
import numpy as np

from ..types import Array
from .mesh import iris_radius
from .topology import BELOW, BRIDGE, BROWS, EYELIDS, INNER_LIPS, IRISES, LIPS, OVAL

# Outlines, whether each is closed, and its colour where features are told apart: those of Zakharov et al. 2019.
_LINES = (
    (OVAL, True, (0, 128, 0)),
    (BROWS[0][:5], False, (255, 165, 0)),
    (BROWS[1][:5], False, (255, 165, 0)),
    (BRIDGE, False, (0, 0, 255)),
    (BELOW, False, (0, 0, 255)),
    (EYELIDS[0], True, (255, 0, 0)),
    (EYELIDS[1], True, (255, 0, 0)),
    (LIPS, True, (128, 0, 128)),
    (INNER_LIPS, True, (255, 192, 203)),
)
FINE = 4  # bits of a pixel's fraction


def draw_lines(points: Array, size: int) -> Array:
    """A face's outline, brows, eyes, nose and lips as lines, 255 on 0: `[size, size]` uint8. What the landmark task of
    pix2pix is shown."""
    out = np.zeros((size, size), np.uint8)
    for outline, closed, _ in _LINES:
        _line(out, points, outline, closed, 255, max(1, round(size * 3 / 256)))
    return out


def draw_features(points: Array, size: int) -> Array:
    """The same in colours on white, with the irises as far as the lids show them: `[size, size, 3]` uint8. What
    talking heads are shown of `points [478, 2]`."""
    out = np.full((size, size, 3), 255, np.uint8)
    for eye, lids in enumerate(EYELIDS):
        _iris(out, points, eye, lids)
    for outline, closed, colour in _LINES:
        _line(out, points, outline, closed, colour, max(1, round(size * 2 / 256)))
    return out


def _line(
    out: Array,
    points: Array,
    outline: tuple[int, ...],
    closed: bool,
    colour: int | tuple[int, ...],
    thick: int,
) -> None:
    cv2.polylines(out, [_fixed(points[list(outline)])], closed, colour, thick, cv2.LINE_AA, shift=FINE)


def _iris(out: Array, points: Array, eye: int, lids: tuple[int, ...]) -> None:
    """A black disc where an iris is seen between the lids."""
    open_eye, disc = np.zeros(out.shape[:2], np.uint8), np.zeros(out.shape[:2], np.uint8)
    cv2.fillPoly(open_eye, [_fixed(points[list(lids)])], 255, cv2.LINE_AA, shift=FINE)
    (x, y), radius = _fixed(points[IRISES[eye][0]]), round(iris_radius(points, eye) * 2**FINE)
    cv2.circle(disc, (int(x), int(y)), radius, 255, -1, cv2.LINE_AA, shift=FINE)
    np.minimum(out, 255 - np.minimum(open_eye, disc)[..., None], out=out)


def _fixed(points: Array) -> Array:
    return np.rint(points * 2**FINE).astype(np.int32)
