"""Finder: a photo -> where faces may be. BlazeFace full-range (arXiv 1907.05047), run over a pyramid of the
whole photo.

The network sees faces of about 11 to 115 pixels. It is fully convolutional, so every level of the pyramid is
one run at the level's own size and nothing has to be tiled.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from ..face.filters import lightest, resize
from ..face.geometry import Halvings, half
from ..types import Array
from .session import Net

CELL = 4  # the network answers once for every 4 x 4 pixels
STEP = 32  # its sides are multiples of this
COARSE = (
    96,
    192,
)  # long sides of the levels for large faces: one that fills the frame has 96 pixels in the first
SCALE = 0.4  # of the finest level: a face of 40 pixels keeps 16
# pixels of a face's side: where one is smaller, others may be too, and a finer level is looked at for them
SMALL, FINER = 64, 0.9
FINEST = 640_000  # pixels of the finest level: bounds the time; 12 megapixels are still seen at 0.23
RETRY = 150_000  # the same where a photo is looked at again
SHADES = (np.arange(256) / 127.5 - 1).astype(np.float32)  # what the network reads, by level
APART = 0.2  # of two boxes' union: what shares less is another face
MOST = 60  # detections of one look
CANDIDATES = 1000  # cells of one view, the best first, that take part in the merging


@dataclass(frozen=True, eq=False)
class Detection:
    """Where a face may be, in photo xy.

    box `[4]` left, top, right, bottom; keypoints `[6, 2]`: the face's own right eye, its left eye, nose tip,
    mouth, right ear, left ear; score 0..1.
    """

    box: Array
    keypoints: Array
    score: float


class Finder:
    """Finds faces from about 30 pixels up to ones that fill the frame, in photos of any size, turned by any
    angle."""

    def __init__(self, net: Net, *, threshold: float = 0.35) -> None:
        self.net = net
        self.threshold = threshold

    def find(self, pixels: Array) -> list[Detection]:
        """What the first look that sees anything sees in `pixels` (uint8 `[H, W, 3]`), best first."""
        return next((found for found in self.looks(Halvings(pixels)) if found), [])

    def looks(self, picture: Halvings) -> Iterator[list[Detection]]:
        """Ever harder looks: at the photo as it is, turned by quarters, brightened and smoothed, and that
        turned.

        Lazy: who is content with the first look does not pay for the others. Turned looks carry the
        detections of three turns side by side, because which one is right only the face mesh can tell.
        """
        size = picture.shape[1], picture.shape[0]
        first = self._look(pyramid(picture, FINEST), size, (0,))
        if any((d.box[2:] - d.box[:2]).max() < SMALL for d in first):
            first += self._smaller(picture.pixels, size, first)
        yield first
        levels = pyramid(picture, RETRY)
        yield self._look(levels, size, (1, 2, 3))
        levels = [cv2.GaussianBlur(exposed(level), (0, 0), 1.2) for level in levels]
        yield self._look(levels, size, (0,))
        yield self._look(levels, size, (1, 2, 3))

    def _look(self, levels: list[Array], size: tuple[int, int], turns: tuple[int, ...]) -> list[Detection]:
        found = [
            d
            for turn in turns
            for d in merge([d for level in levels for d in self._view(level, size, turn)])[
                : MOST // len(turns)
            ]
        ]
        return sorted(found, key=lambda d: -d.score)

    def _smaller(self, pixels: Array, size: tuple[int, int], known: list[Detection]) -> list[Detection]:
        """What a finer level shows besides what is known."""
        scale = min(FINER, (FINEST / (size[0] * size[1])) ** 0.5)
        level = resize(pixels, (max(1, round(size[0] * scale)), max(1, round(size[1] * scale))))
        boxes = np.stack([d.box for d in known])
        found = merge(self._view(level, size, 0))[:MOST]
        return [d for d in found if overlap(d.box, boxes).max() < APART]

    def _view(self, level: Array, size: tuple[int, int], turn: int) -> list[Detection]:
        """Run one level, turned counter-clockwise by `turn` quarters; the detections are in photo xy."""
        view = np.rot90(level, turn)
        height, width = view.shape[:2]
        # The smallest level gets a border, so that a face may reach over the frame's edge.
        border = 32 if max(height, width) <= COARSE[0] else 0
        canvas = np.zeros(
            (3, -(-(height + 2 * border) // STEP) * STEP, -(-(width + 2 * border) // STEP) * STEP), np.float32
        )
        inside = canvas[:, border : border + height, border : border + width]
        for layer, shades in zip(inside, cv2.split(np.ascontiguousarray(view)), strict=True):
            layer[:] = cv2.LUT(shades, SHADES)
        out = self.net.run(pixels=canvas[None])
        points, scores = decode(out["boxes"][0], out["logits"][0], canvas.shape[2], self.threshold)
        xy = unturn((points - border) / (width, height), turn) * size - 0.5
        low, high = xy[:, :2].min(1), xy[:, :2].max(1)
        boxes = np.concatenate([low, high], axis=1)
        return [Detection(b, k, float(s)) for b, k, s in zip(boxes, xy[:, 2:], scores, strict=True)]


def pyramid(picture: Halvings, finest: int) -> list[Array]:
    """The photo at the sizes that are looked at, smallest first; the largest has at most `finest` pixels."""
    height, width = picture.shape[:2]
    scales = [long / max(height, width) for long in COARSE]
    scale = min(SCALE, (finest / (height * width)) ** 0.5)
    if scale > scales[-1] * 1.25:
        scales.append(scale)
    levels: list[Array] = []
    source = picture.pixels if scales[-1] > 0.5 or min(height, width) < 2 else picture.halved(1)
    for scale in reversed(scales):  # each level is made from the next larger one: the photo is read only once
        size = max(1, round(width * scale)), max(1, round(height * scale))
        while min(source.shape[1] / size[0], source.shape[0] / size[1]) >= 2:
            source = half(source)
        shrinks = size[0] < source.shape[1]
        source = cv2.resize(source, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        levels.insert(0, source)
    return levels


def decode(boxes: Array, logits: Array, width: int, threshold: float) -> tuple[Array, Array]:
    """The network's answers above `threshold`, best first: two box corners and six keypoints `[n, 8, 2]` in
    its pixels, scores `[n]`."""
    scores = 1.0 / (1.0 + np.exp(-np.clip(logits, -50.0, 50.0)))
    best = np.argsort(-scores)[:CANDIDATES]
    best = best[scores[best] >= threshold]
    columns = width // CELL
    anchors = (np.stack([best % columns, best // columns], axis=1) + 0.5) * CELL
    points = boxes[best].reshape(-1, 8, 2).astype(np.float64)
    centre, half = anchors + points[:, 0], points[:, 1] / 2
    points[:, 2:] += anchors[:, None]
    points[:, 0], points[:, 1] = centre - half, centre + half
    return points, scores[best]


def unturn(points: Array, turn: int) -> Array:
    """Points in fractions of a picture that `np.rot90(picture, turn)` turned, in fractions of the picture
    itself."""
    for _ in range(turn):
        points = np.stack([1.0 - points[..., 1], points[..., 0]], axis=-1)
    return points


def exposed(pixels: Array) -> Array:
    """A dark picture brightened until its lightest hundredth is near white; others are returned as they
    are."""
    light = lightest(pixels)
    if light > 140:
        return pixels
    levels = np.arange(256) * min(220.0 / max(light, 1.0), 16.0)
    return cv2.LUT(pixels, np.clip(levels, 0, 255).astype(np.uint8))


def overlap(box: Array, boxes: Array) -> Array:
    """Intersection over union of one box with each of `boxes [n, 4]`."""
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    both = np.prod(np.maximum(sides, 0.0), axis=1)
    return both / (np.prod(box[2:] - box[:2]) + np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) - both + 1e-9)


def merge(found: list[Detection], threshold: float = 0.3) -> list[Detection]:
    """BlazeFace's non-maximum suppression: what overlaps is averaged, weighted by its score, and takes the
    best one's score."""
    found = sorted(found, key=lambda d: -d.score)
    merged: list[Detection] = []
    while found:
        near = overlap(found[0].box, np.stack([d.box for d in found])) > threshold
        near[0] = True
        group = [d for d, n in zip(found, near, strict=True) if n]
        weights = [d.score for d in group]
        box = np.average([d.box for d in group], axis=0, weights=weights)
        keypoints = np.average([d.keypoints for d in group], axis=0, weights=weights)
        merged.append(Detection(box, keypoints, group[0].score))
        found = [d for d, n in zip(found, near, strict=True) if not n]
    return merged
