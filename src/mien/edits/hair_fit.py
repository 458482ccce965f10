"""Where a head of hair comes to lie on another head: by the skull, and at the hairline, temples and ears by the outline
of the face."""

from __future__ import annotations

import cv2
import numpy as np

from ..face.mesh import pixel_grid
from ..face.topology import OVAL
from ..models.hairstyles import Hairdo
from ..types import Array
from .hair_matte import Bust

SKULL = (
    127,
    356,
    234,
    454,
    162,
    389,
    21,
    251,
    54,
    284,
    103,
    332,
    67,
    297,
    109,
    338,
    10,
    33,
    263,
    168,
    93,
    323,
)
GRID = 64  # places of a side at which the map is computed
NEAR = 0.12  # face widths: so far a point of the outline tells what is around it
FULL, FALL = 0.25, 0.45  # face widths from the outline: up to where it is followed wholly, and how that ends
STRETCH = 2.6  # how much longer hair is made that its picture cuts off below
FROM_CHIN = 0.12  # face heights above the chin, where that begins


def places_on(bust: Bust, hairdo: Hairdo, strength: float) -> Array:
    """Where each pixel of a bust lies in a head of hair, `[S, S, 2]` in its pixels. strength 0..1: with less the hair
    beyond the head is as much shorter and closer to it."""
    size, wide = bust.size, bust.wide
    line = (np.arange(GRID) + 0.5) * (size / GRID) - 0.5
    grid = np.stack(np.meshgrid(line, line), -1)
    at = _closer(bust, grid, strength) if strength < 1 else grid
    own, theirs = (one.landmarks.astype(np.float64) for one in (bust.crop, hairdo))
    turn, shift = _similarity(own[list(SKULL)], theirs[list(SKULL)])
    outline = own[list(OVAL)]
    residual = theirs[list(OVAL)] - (outline @ turn.T + shift)
    apart = ((at[:, :, None] - outline) ** 2).sum(-1)
    weight = 1 / (apart / (NEAR * wide) ** 2 + 1) ** 2
    beyond = np.maximum(np.sqrt(apart.min(-1)) / wide - FULL, 0)
    follow = np.exp(-((beyond / FALL) ** 2))[..., None]
    out = at @ turn.T + shift + follow * (weight @ residual) / weight.sum(-1, keepdims=True)
    if hairdo.ends:
        chin, brow = theirs[152, 1], theirs[10, 1]
        start = chin - FROM_CHIN * (chin - brow)
        out[..., 1] = np.where(out[..., 1] > start, start + (out[..., 1] - start) / STRETCH, out[..., 1])
    shift = cv2.resize((out - grid).astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    return pixel_grid(size) + shift


def _similarity(points: Array, to: Array) -> tuple[Array, Array]:
    """The turn `[2, 2]` and shift `[2]` that bring points nearest to others, in the least squares."""
    middle, there = points.mean(0), to.mean(0)
    a, b = points - middle, to - there
    cos = (a * b).sum() / (a * a).sum()
    sin = (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / (a * a).sum()
    turn = np.array([[cos, -sin], [sin, cos]])
    return turn, there - turn @ middle


def _closer(bust: Bust, at: Array, share: float) -> Array:
    """Places `[..., 2]` as much farther from the head's outline as hair is to be closer to it."""
    middle = bust.points[[127, 356]].mean(0)
    away = at - middle
    distance = np.maximum(np.linalg.norm(away, axis=-1, keepdims=True), 1e-6)
    along = away / distance
    reach = 0.5 * bust.wide * np.sqrt((1.05 * (along @ bust.down[:, None])) ** 2 + 1)
    beyond = np.maximum(distance - reach, 0)
    return at + along * beyond * (1 / share - 1)


def mapped(picture: Array, places: Array) -> Array:
    """A picture or mask of a head of hair in uint8 as it comes to lie, in 0..1; 0 beyond its border."""
    x, y = cv2.split(places)
    return cv2.remap(picture, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT).astype(np.float32) / 255
