"""Heads as people scribble them: few strokes of a shaky pen, or flat colours, made by code after the points of a face
that need not be anybody's."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ...face import geometry
from ...face.topology import BELOW, BRIDGE, BROWS, EYELIDS, INNER_LIPS, LIPS, OVAL
from ...types import Array
from .hairdos import Hairdo
from .head_shapes import Outline
from .pen import FINE, Pen

SKINS = (
    (255, 224, 196),
    (241, 194, 150),
    (224, 172, 125),
    (198, 134, 86),
    (141, 85, 48),
    (92, 56, 34),
    (255, 219, 60),
)
HAIRS = (
    (20, 18, 18),
    (60, 38, 24),
    (110, 72, 40),
    (222, 184, 110),
    (170, 60, 25),
    (190, 190, 190),
    (90, 60, 160),
)
JAW = (132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361)
MOUTH_ABOVE, MOUTH_BELOW = (61, 40, 37, 0, 267, 270, 291), (61, 91, 84, 17, 314, 321, 291)


@dataclass(frozen=True, eq=False)
class Subject:
    """Who is drawn: points `[468, 2]` in a crop of layout "ffhq", 256 pixels a side; hair, or None where there is
    none; beard 0 to 2 (none, stubble or moustache, beard); glasses."""

    points: Array
    hair: Hairdo | None
    beard: int = 0
    glasses: bool = False


def scribbled(who: Subject, place: Array, size: int, random: np.random.Generator) -> Array:
    """A drawing `[size, size, 3]` uint8 on white paper; place `[2, 3]`: crop -> drawing."""
    ink = int(random.choice([0, 0, 30, 70, 110]))
    coloured = random.random() < 0.45
    inks = (ink, ink, ink)
    if random.random() >= 0.85:
        red, green, blue = (int(v) for v in random.integers(0, 160, 3))
        inks = (red, green, blue)
    scale = geometry.scale_of(place)
    pen = Pen(
        np.full((size, size, 3), 255, np.uint8), place, random, inks,
        float(random.choice([1, 1.5, 2, 3, 4, 6])), float(random.choice([0, 0.6, 1.2, 2.2])) / max(scale, 0.3),
        _colours(random) if coloured else {},
    )  # fmt: skip
    manner = str(random.choice(["outline", "filled", "hatched", "scribbled"], p=[0.4, 0.25, 0.2, 0.15]))
    if coloured and random.random() < 0.8:
        manner = "filled"
    if random.random() < 0.4:
        _neck(pen, who.points)
    if who.hair is not None:
        _hair(pen, who.hair.behind, manner)
    _head(pen, who.points)
    if random.random() < 0.35:
        _ears(pen, who.points)
    if who.beard:
        _beard(pen, who.points, who.beard)
    _eyes(pen, who.points)
    _nose(pen, who.points)
    _mouth(pen, who.points)
    if who.hair is not None:
        _hair(pen, who.hair.before, manner)
    if who.glasses:
        _glasses(pen, who.points)
    return pen.canvas


def hair_mask(who: Subject, place: Array, size: int) -> Array:
    """Where the hair of a subject is drawn: `[size, size]` uint8, 0 or 255."""
    out = np.zeros((size, size), np.uint8)
    if who.hair is not None:
        parts = ((who.hair.behind, 255), (who.points[list(OVAL)], 0), (who.hair.before, 255))
        for outline, value in parts:
            at = np.rint(geometry.transform(outline, place) * 2**FINE).astype(np.int32)
            cv2.fillPoly(out, [at], value, shift=FINE)
    return out


def _colours(random: np.random.Generator) -> dict[str, tuple[int, int, int]]:
    """Flat colours of parts; some are left as the paper is."""

    def near(colour: tuple[int, int, int], spread: float) -> tuple[int, int, int]:
        r, g, b = (int(v) for v in np.clip(np.array(colour) + random.normal(0, spread, 3), 0, 255))
        return r, g, b

    out: dict[str, tuple[int, int, int]] = {}
    if random.random() < 0.85:
        out["skin"] = near(SKINS[random.integers(len(SKINS))], 12)
    out["hair"] = near(HAIRS[random.integers(len(HAIRS))], 20)
    if random.random() < 0.6:
        out["lips"] = near((200, 70, 80), 30)
    if random.random() < 0.5:
        out["iris"] = near((90, 110, 120), 50)
    return out


def _hair(pen: Pen, outline: Array, manner: str) -> None:
    colour = pen.colours.get("hair", pen.ink if pen.random.random() < 0.5 else (120, 120, 120))
    if manner == "filled":
        pen.fill(outline, colour)
    if manner in ("outline", "filled") or pen.random.random() < 0.5:
        pen.line(outline, closed=True)
    if manner in ("hatched", "scribbled"):
        at = _scattered(outline, int(pen.random.integers(40, 160)), pen.random)
        middle = outline[:, 0].mean()
        along = pen.random.normal(size=at.shape) * 14
        if manner == "hatched":
            along = np.stack([(at[:, 0] - middle) * 0.15, pen.random.uniform(6, 26, len(at))], 1)
        bent = at + pen.random.normal(size=at.shape)
        pen.strokes(list(np.stack([at - along / 2, bent, at + along / 2], 1)), thick=0.7)


def _scattered(outline: Array, count: int, random: np.random.Generator) -> Array:
    """Places inside an outline, fewer than `count`: `[n, 2]`."""
    tries = random.uniform(outline.min(0), outline.max(0), (count, 2))
    around = outline.astype(np.float32)
    return tries[[cv2.pointPolygonTest(around, one.tolist(), False) > 0 for one in tries]]


def _head(pen: Pen, points: Array) -> None:
    outline = points[list(OVAL)]
    if pen.random.random() < 0.3:  # as a whole skull, not only a face
        face = Outline.of(points)
        outline = outline.copy()
        high = outline[:, 1] < face.top + 0.3 * face.height
        outline[high, 1] -= (
            pen.random.uniform(0.05, 0.3) * (face.top + 0.3 * face.height - outline[high, 1]) / 0.3
        )
    pen.fill(outline, pen.colours.get("skin", (255, 255, 255)))
    if pen.random.random() < 0.92:
        lower = pen.random.random() < 0.15
        pen.line(outline[6:31] if lower else outline, closed=not lower)


def _neck(pen: Pen, points: Array) -> None:
    for jaw, side in ((172, -1), (397, 1)):
        start = points[jaw] - [side * 6, 0]
        pen.line(start + np.array([[0, 0], [0, 45], [side * pen.random.uniform(20, 70), 70]]))


def _ears(pen: Pen, points: Array) -> None:
    for ear in (234, 454):
        pen.ellipse(points[ear] + [0, 8], (9, 18), pen.colours.get("skin"), True)


def _eyes(pen: Pen, points: Array) -> None:
    kind = str(
        pen.random.choice(
            ["lids", "dot", "ring", "line", "blob", "large", "square"],
            p=[0.35, 0.13, 0.12, 0.04, 0.08, 0.2, 0.08],
        )
    )
    shift, brows = pen.random.normal(size=2) * 1.5, pen.random.random() < 0.75
    for lids, brow in zip(EYELIDS, BROWS, strict=True):
        eye = points[list(lids)] + shift
        _eye(pen, kind, eye)
        if brows:
            pen.line(points[list(brow[:5])] + shift, thick=float(pen.random.uniform(1, 2.2)))


def _eye(pen: Pen, kind: str, eye: Array) -> None:
    centre, wide, high = eye.mean(0), float(np.ptp(eye[:, 0])) / 2, max(float(np.ptp(eye[:, 1])) / 2, 1.5)
    iris, dark = pen.colours.get("iris"), pen.ink
    if kind == "lids":
        pen.fill(eye, (255, 255, 255))
        pen.line(eye, closed=True)
        pen.ellipse(
            centre, (0.9 * high, 0.9 * high), iris or (dark if pen.random.random() < 0.7 else None), True
        )
    elif kind == "dot":
        pen.ellipse(centre, (0.7 * high, 0.7 * high), dark, False)
    elif kind == "ring":
        pen.ellipse(centre, (0.8 * wide, 0.8 * wide), (255, 255, 255), True)
        pen.ellipse(centre + pen.random.normal(size=2), (0.2 * wide, 0.2 * wide), dark, False)
    elif kind == "line":
        pen.line(centre + np.array([[-wide, 0], [0, pen.random.normal() * 2], [wide, 0]]))
    elif kind == "blob":
        pen.ellipse(centre, (0.6 * wide, high), dark, False)
    elif kind == "square":
        corners = centre + np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [
            wide * 0.8,
            max(high, 0.5 * wide),
        ]
        pen.fill(corners, (255, 255, 255))
        pen.line(corners, closed=True)
        pen.ellipse(centre, (0.25 * wide, 0.25 * wide), dark, False)
    else:
        pen.ellipse(centre, (wide, max(high, 0.5 * wide)), (255, 255, 255), True)
        pen.ellipse(centre, (0.5 * wide, 0.8 * max(high, 0.5 * wide)), iris or dark, False)
        pen.ellipse(centre - [0.15 * wide, 0.3 * high], (0.15 * wide, 0.15 * wide), (255, 255, 255), False)


def _nose(pen: Pen, points: Array) -> None:
    kind = str(
        pen.random.choice(
            ["none", "mesh", "side", "dots", "triangle", "line", "curve"],
            p=[0.12, 0.28, 0.15, 0.1, 0.12, 0.13, 0.1],
        )
    )
    shift = pen.random.normal(size=2) * 1.5
    top, tip, left, right = points[[6, 1, 129, 358]] + shift
    if kind == "mesh":
        pen.line(points[list(BELOW)] + shift)
        if pen.random.random() < 0.5:
            pen.line(points[list(BRIDGE)] + shift)
    elif kind == "side":
        pen.line(np.stack([top, (top + left) / 2, left, tip]) + np.array([[0, 0], [0, 0], [0, 3], [0, 5]]))
    elif kind == "dots":
        for nostril in points[[98, 327]] + shift:
            pen.ellipse(nostril, (2.5, 2), pen.ink, False)
    elif kind == "triangle":
        pen.line(np.stack([0.4 * top + 0.6 * tip, left, right]), closed=True)
    elif kind == "line":
        pen.line(np.stack([top, (top + tip) / 2, tip]))
    elif kind == "curve":
        pen.line(np.stack([left, tip, right]) + np.array([[0, 0], [0, 7], [0, 0]]))


def _mouth(pen: Pen, points: Array) -> None:
    lips = points + pen.random.normal(size=2) * 1.5
    gap = float(np.linalg.norm(lips[13] - lips[14]))
    kind = str(pen.random.choice(["lips", "line", "filled"], p=[0.4, 0.4, 0.2]))
    red = pen.colours.get("lips")
    if gap > 6:
        if kind == "lips":
            pen.fill(lips[list(LIPS)], red)
            pen.line(lips[list(LIPS)], closed=True)
        inner = lips[list(INNER_LIPS if kind != "filled" else LIPS)]
        inside = [pen.ink, (255, 255, 255), (120, 30, 30) if pen.colours else (120, 120, 120), None]
        pen.fill(inner, inside[pen.random.integers(len(inside))])
        pen.line(inner, closed=True)
    elif kind == "line":
        pen.line((lips[[61, 81, 13, 311, 291]] + lips[[61, 178, 14, 402, 291]]) / 2)
    else:
        pen.fill(lips[list(LIPS)], red or ((120, 120, 120) if kind == "filled" else None))
        pen.line(lips[list(LIPS)], closed=True)
        pen.line((lips[[78, 81, 13, 311, 308]] + lips[[78, 178, 14, 402, 308]]) / 2)


def _beard(pen: Pen, points: Array, beard: int) -> None:
    whole = beard > 1
    above = points[list(MOUTH_ABOVE)][::-1] - [0, 4]
    area = np.concatenate([points[list(JAW if whole else MOUTH_ABOVE)], above - [0, 0 if whole else 8]])
    colour = pen.colours.get("hair", (90, 90, 90))
    if pen.random.random() < (0.6 if pen.colours else 0.3):
        pen.fill(area, colour)
        pen.fill(points[list(LIPS)], pen.colours.get("skin", (255, 255, 255)))
        return
    at = _scattered(area, int(pen.random.integers(60, 220)), pen.random)
    down = np.stack([pen.random.normal(size=len(at)) * 2, pen.random.uniform(2, 10, len(at))], 1)
    pen.strokes(list(np.stack([at, at + down], 1)), thick=0.6)


def _glasses(pen: Pen, points: Array) -> None:
    eyes = [points[list(lids)] for lids in EYELIDS]
    wide = float(np.ptp(eyes[0][:, 0])) * pen.random.uniform(0.75, 1.0)
    high, square = wide * pen.random.uniform(0.65, 1.0), pen.random.random() < 0.4
    turn = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    power = 0.5 if square else 1.0
    ring = np.stack(
        [
            np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** power * wide,
            np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** power * high,
        ],
        1,
    )
    middles = np.stack([eye.mean(0) for eye in eyes]) + np.array([0, 2])
    thick = float(pen.random.uniform(1, 2))
    for middle, ear, side in zip(middles, (234, 454), (-1, 1), strict=True):
        pen.line(middle + ring, closed=True, thick=thick)
        pen.line(np.stack([middle, points[ear]]) + np.array([[side * wide, 0], [0, -12]]), thick=thick)
    pen.line(middles + np.array([[wide, 0], [-wide, 0]]), thick=thick)
