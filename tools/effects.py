"""Draw the effect packs in the box -> `src/mien/data/effects/NAME/`.

    python tools/effects.py [NAME ...]

All of it is drawn by the code below, in the same way each time. Textures are laid out in thousandths of the texture map's
side (`mien effect template` draws it), stickers in thousandths of their width.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from canvas import FINER, Canvas, Colours, curve, ellipse, mirrored, mixed, ramp, ribbon

from mien.edits.effect_layers import MANIFEST, VERSION
from mien.edits.styles import EFFECTS
from mien.types import Array

BOX = Path(__file__).parents[1] / "src" / "mien" / "data" / "effects"
GOLD = ((0.30, 0.16, 0.03), (0.78, 0.52, 0.13), (1.0, 0.86, 0.45), (1.0, 0.98, 0.84))

RUBY = (0.30, 0.01, 0.04), (0.66, 0.04, 0.12), (0.95, 0.4, 0.45)
SAPPHIRE = (0.02, 0.05, 0.30), (0.07, 0.18, 0.62), (0.45, 0.65, 1.0)
PEARL = (0.50, 0.45, 0.42), (0.92, 0.90, 0.87), (1.0, 1.0, 1.0)

FUR = (0.16, 0.08, 0.04), (0.40, 0.24, 0.13), (0.62, 0.43, 0.27)
WIRE = (0.16, 0.09, 0.03), (0.55, 0.38, 0.15), (1.0, 0.90, 0.62)
TONGUE = (0.42, 0.10, 0.14), (0.83, 0.34, 0.40), (0.97, 0.62, 0.64)
PINK = (0.45, 0.03, 0.22), (0.93, 0.20, 0.50), (1.0, 0.66, 0.80)
TURQUOISE, MAGENTA, MARIGOLD = (0.10, 0.62, 0.66), (0.82, 0.12, 0.42), (0.97, 0.62, 0.10)
BLOOMS = (
    ((0.45, 0.05, 0.12), (0.86, 0.28, 0.38), (1.0, 0.66, 0.70)),
    ((0.60, 0.44, 0.42), (0.96, 0.86, 0.82), (1.0, 0.99, 0.97)),
    ((0.55, 0.20, 0.06), (0.96, 0.56, 0.30), (1.0, 0.82, 0.62)),
    ((0.30, 0.12, 0.42), (0.62, 0.40, 0.76), (0.90, 0.78, 0.97)),
)
TEARS = 12  # frames in which one runs down
GLASSES_OFF: dict[str, Any] = {"kind": "edit", "do": {"glasses": -1}}  # those of one's own come off first
ON_NOSE: dict[str, Any] = {
    "at": [168],
    "offset": [0, 8, -8],
    "flat": 69,
    "bend": 5,
    "behind": "hair",
    "shadow": 0.35,
}
TIGER = (  # stripes: where they run, and how broad they are on the way
    ([(455, 100), (470, 140), (486, 214)], (2, 20, 2)),
    ([(400, 96), (425, 150), (452, 205)], (2, 24, 20, 2)),
    ([(330, 105), (370, 150), (420, 180)], (2, 26, 20, 2)),
    ([(250, 130), (300, 170), (380, 196)], (3, 28, 22, 2)),
    ([(165, 190), (220, 215), (290, 222)], (3, 28, 20, 2)),
    ([(108, 270), (160, 280), (226, 262)], (3, 26, 20, 2)),
    ([(84, 350), (130, 372), (200, 372)], (3, 26, 22, 2)),
    ([(78, 440), (140, 470), (230, 458)], (3, 28, 24, 2)),
    ([(80, 530), (150, 556), (244, 528)], (3, 30, 26, 2)),
    ([(90, 620), (160, 640), (262, 600)], (3, 30, 26, 2)),
    ([(125, 715), (190, 722), (270, 672)], (3, 28, 24, 2)),
    ([(190, 800), (240, 790), (290, 742)], (3, 26, 20, 2)),
    ([(300, 870), (340, 850), (372, 812)], (3, 22, 16, 2)),
    ([(236, 336), (268, 306), (314, 296), (366, 314), (404, 356), (440, 402)], (3, 13, 14, 13, 16, 3)),
    ([(240, 346), (280, 372), (330, 378), (388, 358)], (2, 9, 10, 3)),
    ([(452, 300), (462, 360), (452, 430)], (2, 13, 2)),
)
SWIRLS = (
    ([(432, 130), (388, 120), (352, 150), (368, 186), (404, 180), (398, 152)], (3, 10, 9, 7, 5)),
    ([(330, 118), (270, 130), (226, 172), (240, 206), (272, 200), (266, 176)], (3, 9, 8, 6, 4)),
    (
        [(250, 520), (206, 500), (160, 528), (166, 580), (214, 588), (222, 550), (196, 546)],
        (3, 10, 11, 9, 6, 4),
    ),
    ([(262, 560), (300, 590), (330, 572)], (3, 10, 3)),
    ([(360, 810), (330, 840), (350, 874), (390, 866), (388, 838)], (3, 9, 8, 5)),
    ([(430, 810), (450, 830), (450, 858)], (2, 9, 2)),
)
DOTS = (
    (448, 420, 14, TURQUOISE), (438, 448, 11, MAGENTA), (130, 420, 16, MAGENTA), (124, 460, 13, TURQUOISE), (136, 380, 13, TURQUOISE),
    (300, 520, 15, MAGENTA), (328, 540, 11, TURQUOISE), (410, 236, 13, MARIGOLD), (300, 90, 12, TURQUOISE), (180, 240, 13, MAGENTA),
    (300, 830, 13, MARIGOLD), (270, 800, 10, MAGENTA), (420, 905, 11, TURQUOISE),
)  # fmt: skip
VEINS = (
    ([(470, 360), (400, 270), (300, 170), (240, 140)], (9, 9, 7, 2)),
    ([(466, 368), (380, 300), (250, 220), (130, 196)], (8, 8, 7, 2)),
    ([(440, 392), (360, 430), (240, 470), (186, 500)], (7, 8, 6, 2)),
    ([(456, 412), (390, 490), (300, 560), (250, 610)], (7, 8, 6, 2)),
    ([(226, 352), (262, 308), (316, 294), (372, 312), (402, 352)], (3, 9, 10, 9, 3)),
    ([(224, 350), (170, 330), (112, 300)], (4, 8, 2)),
)
FILIGREE = (
    ([(440, 268), (400, 236), (356, 232), (338, 256), (360, 272), (376, 256)], (4, 9, 8, 7, 5, 3)),
    ([(330, 226), (290, 222), (250, 244), (258, 272), (286, 268), (284, 250)], (4, 9, 8, 7, 5, 3)),
    ([(240, 232), (190, 232), (150, 268), (164, 306), (196, 300), (194, 274)], (4, 9, 9, 8, 5, 3)),
    ([(120, 240), (106, 290), (128, 350), (172, 372), (196, 348), (176, 330)], (4, 8, 9, 8, 5, 3)),
    ([(180, 410), (230, 440), (290, 448), (316, 428), (296, 412), (276, 424)], (4, 9, 9, 8, 5, 3)),
    ([(440, 410), (412, 436), (376, 440), (360, 420), (378, 408), (390, 420)], (4, 8, 8, 7, 5, 3)),
    ([(470, 420), (482, 456), (500, 480)], (3, 8, 4)),
    ([(466, 372), (480, 340), (470, 300)], (3, 8, 3)),
)


Drawn = tuple[list[dict[str, Any]], dict[str, Canvas]]  # the layers of a pack, and its pictures


def texture(**about: Any) -> dict[str, Any]:
    return {"kind": "texture", "image": "face.png"} | about


def sticker(image: str, **about: Any) -> dict[str, Any]:
    return {"kind": "sticker", "image": f"{image}.png"} | about


def whiskers() -> Drawn:
    face = Canvas(512)
    nose = curve(
        [(500, 606), (460, 590), (428, 548), (446, 514), (500, 502), (554, 514), (572, 548), (540, 590)],
        closed=True,
    )
    both = [(lambda one: one), mirrored]
    for side in both:
        muzzle = side(
            curve(
                [(500, 610), (400, 590), (320, 620), (300, 690), (350, 730), (430, 690), (500, 668)],
                closed=True,
            )
        )
        face.lay(face.mask(muzzle, soft=22), (0.97, 0.95, 0.92), 0.42)
    for side in both:
        for path, wide in (
            ([(352, 618), (270, 590), (170, 574), (92, 580)], 9),
            ([(344, 644), (260, 634), (160, 634), (82, 652)], 9),
            ([(352, 670), (276, 682), (190, 706), (118, 742)], 9),
        ):
            face.lay(
                face.mask(side(ribbon(curve(path), (wide * 0.7, wide, wide * 0.8, 1.5))), soft=1.5),
                (0.05, 0.04, 0.05),
                0.9,
            )
        for x, y in ((392, 612), (366, 640), (394, 652), (424, 632)):
            face.lay(face.mask(side(ellipse(x, y, 15, 15)), soft=2), (0.05, 0.04, 0.05), 0.9)
    line = ribbon(curve([(500, 600), (500, 640), (500, 676)]), (11, 10, 8))
    face.lay(face.mask(line, soft=2), (0.06, 0.04, 0.05), 0.9)
    face.lay(face.mask(nose, soft=5), (0.07, 0.05, 0.06))
    inner = curve(
        [(500, 588), (468, 576), (446, 548), (458, 528), (500, 518), (542, 528), (554, 548), (532, 576)],
        closed=True,
    )
    face.lay(face.mask(inner, soft=8), (0.72, 0.36, 0.41), 0.85)
    face.lay(face.mask(ellipse(482, 534, 44, 16, -12), soft=6), (1, 0.9, 0.9), 0.55)
    return [texture(shine=0.12)], {"face": face}


def crown() -> Drawn:
    """All the way round: 515 mm, of which a thousandth is half a millimetre."""
    gold, spikes = Canvas(800, 0.125), 14
    step = 1000 / spikes
    top = [(0.0, 60.0)]
    for k in range(spikes):
        top += [((k + 0.5) * step, 16.0), ((k + 1) * step, 60.0)]
    body = gold.mask(np.array([*top, (1000, 118), (0, 118)], float))
    x, y = gold.places()
    sheen = 0.5 + 0.25 * np.sin(x / 1000 * 2 * np.pi * 6.3 + 0.6) + 0.12 * np.sin(x / 1000 * 2 * np.pi * 14.3)
    shade, _ = gold.dome(body, 5)
    gold.lay(body, ramp(GOLD, np.clip(sheen * 0.5 + shade * 0.4 - 0.0012 * (y - 60), 0, 1)))
    for level in (92, 115):
        rim = gold.mask(
            np.array([(0, level - 3.5), (1000, level - 3.5), (1000, level + 3), (0, level + 3)], float)
        )
        gold.solid(rim * body, GOLD, 3.4, 0.5)
    for k in range(spikes):
        middle = (k + 0.5) * step
        gold.solid(gold.mask(ellipse(middle, 15, 12, 12)), GOLD, 6, 0.8)
        gold.lay(gold.mask(ellipse(middle, 68, 20, 25), soft=1), GOLD[0], 0.7)
        gold.solid(gold.mask(ellipse(middle, 67, 16.5, 21)), (RUBY, SAPPHIRE)[k % 2], 8, 0.9)
        gold.solid(gold.mask(ellipse(middle + step / 2, 103.5, 9, 9)), PEARL, 4.5, 0.9)
    return [
        sticker("crown", at=[10], width=500, offset=[0, -37, -5], bend=79.6, tilt=13, shadow=0.4),
    ], {"crown": gold}


def both(canvas: Canvas, outline: Array, colour: Any, opacity: float = 1.0, soft: float = 1.5) -> None:
    """Lay an outline and its mirror image."""
    for one in (outline, mirrored(outline)):
        canvas.fill(one, colour, opacity, soft)


def dog() -> Drawn:
    ear, nose, tongue = Canvas(240, 1.25), Canvas(128, 0.78), Canvas(112, 1.5)
    shape = [
        (30, 470),
        (90, 240),
        (270, 90),
        (520, 60),
        (760, 170),
        (900, 420),
        (950, 760),
        (900, 1060),
        (790, 1190),
    ]
    shape += [(660, 1150), (510, 990), (390, 850), (270, 760), (150, 700), (60, 610)]
    whole = ear.mask(curve(shape, closed=True), soft=5)
    ear.solid(whole, FUR, 230, 0.0)
    fold = curve([(60, 620), (200, 650), (340, 720), (480, 850), (610, 1010), (720, 1150)])
    ear.fill(ribbon(fold, (60, 190, 200, 150)), (0.07, 0.035, 0.02), 0.6, 50, whole)
    hairs(ear, whole, FUR, (120, 420), (0.1, 0.7), 700, 90)
    lines = [(500, 90), (740, 110), (920, 250), (900, 420), (720, 560), (560, 690), (500, 710)]
    outline = curve([*lines, *[(1000 - x, y) for x, y in lines[-2:0:-1]]], closed=True)
    nose.solid(
        nose.mask(outline, soft=6), ((0.01, 0.01, 0.012), (0.09, 0.075, 0.075), (0.28, 0.25, 0.25)), 230, 0.25
    )
    both(nose, ellipse(300, 420, 170, 120, 24), (0, 0, 0), 0.85, 14)
    nose.fill(ellipse(420, 220, 260, 90, -4), (1, 1, 1), 0.38, 26)
    nose.fill(ribbon(np.array([(500.0, 480), (500, 700)]), (18, 26)), (0, 0, 0), 0.8, 8)
    lines = [(120, 60), (500, 20), (880, 60), (930, 700), (800, 1200), (500, 1420), (200, 1200), (70, 700)]
    tongue.solid(tongue.mask(curve(lines, closed=True), soft=10), TONGUE, 330, 0.35)
    inside = tongue.rgba[..., 3].copy()
    tongue.fill(ribbon(curve([(500, 60), (490, 600), (500, 1080)]), (50, 40, 4)), TONGUE[0], 0.6, 26)
    tongue.fill(
        np.array([(0, 0), (1000, 0), (1000, 110), (0, 110)], float), (0.2, 0.02, 0.04), 0.7, 90, inside
    )
    at: dict[str, Any] = {"width": 76, "shadow": 0.45}
    return [
        sticker("tongue", at=[17], width=33, offset=[0, 9, -5], when="mouth_open", shadow=0.5),
        sticker("ear-left", at=[103], offset=[-20, -36, 34], **at),
        sticker("ear", at=[332], offset=[20, -36, 34], **at),
        sticker("nose", at=[4], width=45, offset=[0, 3, 2], shadow=0.6, faces="camera"),
    ], {"ear": ear, "ear-left": flipped(ear), "nose": nose, "tongue": tongue}


def flipped(canvas: Canvas) -> Canvas:
    out = Canvas(canvas.side, canvas.high)
    out.rgba = canvas.rgba[:, ::-1].copy()
    return out


def hairs(
    canvas: Canvas,
    mask: Array,
    colours: Colours,
    start: tuple[float, float],
    down: tuple[float, float],
    count: int,
    long: float,
) -> None:
    """Lay thin hairs over what is in a mask, away from `start` and along `down`."""
    random = np.random.default_rng(1)
    rows, columns = np.nonzero(mask > 0.6)
    for _ in range(count):
        k = random.integers(len(rows))
        at = np.array([columns[k], rows[k]]) / canvas.unit
        away = at - start
        way = away / max(float(np.linalg.norm(away)), 1) + down + random.normal(0, 0.18, 2)
        way *= long * random.uniform(0.5, 1) / np.linalg.norm(way)
        bent = np.array([-way[1], way[0]]) * random.normal(0, 0.12)
        path = curve([at, at + way / 2 + bent, at + way], steps=4)
        shade = colours[int(random.integers(len(colours)))]
        canvas.fill(ribbon(path, (0.5, long / 14, 0.5)), shade, random.uniform(0.15, 0.4), 0)


def round_glasses() -> Drawn:
    front = Canvas(1000, 0.22)
    for side in (1, -1):
        middle = 500 + side * 106
        lens = front.mask(ellipse(middle, 112, 150, 146))
        front.lay(lens, (0.93, 0.96, 0.98), 0.07)
        streak = front.mask(
            np.array([(middle - 52, 200), (middle - 2, 20), (middle + 26, 20), (middle - 24, 200)], float),
            soft=4,
        )
        front.lay(lens * streak, (1, 1, 1), 0.12)
        rim = front.mask(ellipse(middle, 112, 165, 161)) - front.mask(ellipse(middle, 112, 149, 145))
        front.solid(np.clip(rim, 0, 1), WIRE, 3.2, 0.9)
        arm = ribbon(
            np.array(
                [
                    (500.0 + side * 184, 92),
                    (500 + side * 230, 90),
                    (500 + side * 430, 92),
                    (500 + side * 496, 112),
                ]
            ),
            (6, 6, 6, 9),
        )
        front.solid(front.mask(arm), WIRE, 3.2, 0.6)
    bridge = ribbon(curve([(461, 100), (478, 87), (500, 82), (522, 87), (539, 100)]), (7, 8, 7))
    front.solid(front.mask(bridge), WIRE, 3.2, 0.9)
    return [GLASSES_OFF, sticker("front", width=312, **ON_NOSE)], {"front": front}


def star(x: float, y: float, size: float, sharp: float = 0.55, turn: float = -90) -> Array:
    """A star with round ends."""
    angle = np.radians(turn + np.arange(10) * 36)
    far = np.where(np.arange(10) % 2, sharp, 1.0) * size / 2
    corners = np.stack([x + far * np.cos(angle), y + far * np.sin(angle)], -1)
    return np.concatenate(
        [_rounded(corners[k - 1], corners[k], corners[(k + 1) % 10], 0.30) for k in range(10)]
    )


def _rounded(before: Array, at: Array, after: Array, share: float) -> Array:
    one, two, t = at + (before - at) * share, at + (after - at) * share, np.linspace(0, 1, 10)[:, None]
    return one * (1 - t) ** 2 + 2 * at * t * (1 - t) + two * t**2


def star_glasses() -> Drawn:
    front = Canvas(1000, 0.28)
    for side in (1, -1):
        middle = 500 + side * 109
        arm = ribbon(
            np.array(
                [
                    (500.0 + side * 190, 112),
                    (500 + side * 230, 110),
                    (500 + side * 430, 112),
                    (500 + side * 496, 136),
                ]
            ),
            (17, 17, 15, 17),
        )
        front.solid(front.mask(arm), PINK, 8, 0.5)
        outer, inner = front.mask(star(middle, 142, 262)), front.mask(star(middle, 142, 206))
        y = front.places()[1]
        front.lay(inner, ramp(((0.16, 0.03, 0.16), (0.55, 0.12, 0.38)), np.clip((y - 60) / 160, 0, 1)), 0.72)
        streak = front.mask(
            np.array([(middle - 60, 250), (middle, 20), (middle + 34, 20), (middle - 26, 250)], float), soft=5
        )
        front.lay(inner * streak, (1, 0.95, 1), 0.2)
        front.solid(np.clip(outer - inner, 0, 1), PINK, 12, 0.75)
    bridge = front.mask(ribbon(curve([(452, 128), (500, 116), (548, 128)]), (22, 17, 22)))
    front.solid(bridge, PINK, 9, 0.6)
    return [GLASSES_OFF, sticker("front", width=312, **ON_NOSE) | {"offset": [0, 9, -6]}], {"front": front}


def flowers() -> Drawn:
    """All the way round, as the crown."""
    wreath, random = Canvas(760, 0.16), np.random.default_rng(7)
    for _ in range(90):
        x, y, turn = random.uniform(0, 1000), random.uniform(44, 116), random.uniform(0, 360)
        leaf(wreath, x, y, random.uniform(34, 52), turn, random.uniform(0.6, 1.0))
    x = 0.0
    blooms: list[tuple[float, float, float, int]] = []
    while x < 1000:
        blooms.append((x, random.uniform(66, 94), random.uniform(52, 84), int(random.integers(len(BLOOMS)))))
        x += random.uniform(36, 58)
    for x, y, size, kind in sorted(blooms, key=lambda one: one[2]):
        for shift in (-1000, 0, 1000):
            if -70 < x + shift < 1070:
                bloom(wreath, x + shift, y, size, BLOOMS[kind], round(y * 100))
    return [sticker("wreath", at=[10], width=528, offset=[0, -14, -6], bend=84, tilt=13, shadow=0.5)], {
        "wreath": wreath
    }


def leaf(canvas: Canvas, x: float, y: float, long: float, turn: float, bright: float) -> None:
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    flat = ribbon(
        curve([(-long / 2, 0), (0, long * 0.05), (long / 2, 0)], steps=8), (1, long * 0.34, long * 0.36, 0.5)
    )
    outline = flat @ np.array([[c, s], [-s, c]]) + (x, y)
    colours = [
        tuple(v * bright for v in one) for one in ((0.05, 0.14, 0.04), (0.16, 0.36, 0.12), (0.42, 0.60, 0.26))
    ]
    canvas.solid(canvas.mask(outline), colours, long * 0.2, 0.1)


def bloom(canvas: Canvas, x: float, y: float, size: float, colours: Colours, seed: int) -> None:
    """A flower of three rings of petals, each with its own shade below."""
    random = np.random.default_rng(seed)
    for ring, (share, count) in enumerate(((1.0, 7), (0.68, 6), (0.4, 5))):
        start = random.uniform(0, 360)
        for k in range(count):
            turn = start + 360 * k / count
            away = size * 0.27 * share
            at = x + away * np.cos(np.radians(turn)), y + away * np.sin(np.radians(turn))
            petal = ellipse(*at, size * 0.52 * share, size * 0.46 * share, turn)
            canvas.lay(canvas.mask(petal, soft=size * 0.045), tuple(0.5 * v for v in colours[0]), 0.45)
            shades = [mixed(one, colours[2], 0.12 * ring) for one in colours]
            canvas.solid(canvas.mask(petal), shades, size * 0.22, 0.08)
    canvas.solid(
        canvas.mask(ellipse(x, y, size * 0.2, size * 0.2)),
        ((0.35, 0.16, 0.02), (0.85, 0.58, 0.12), (1, 0.85, 0.4)),
        size * 0.1,
        0.2,
    )


def tears() -> Drawn:
    """Of each eye a wet trail down the cheek, and a drop that runs along it."""
    ways = (
        curve([(322, 366), (316, 420), (300, 500), (292, 590), (300, 690)]),
        curve([(684, 366), (690, 430), (706, 520), (712, 610), (706, 690)]),
    )
    pictures: dict[str, Canvas] = {}
    for number in range(TEARS):
        face = Canvas(448)
        for k, way in enumerate(ways):
            share = ((number + 8 + k * TEARS // 2) % TEARS / TEARS) ** 1.3
            drop(face, way, 0.1 + 0.9 * share)
        pictures[f"tears-{number:02d}"] = face
    wet = Canvas(256)
    both(wet, ribbon(curve([(262, 364), (318, 376), (376, 362)]), (3, 11, 5)), (1, 1, 1), 0.4, 3)
    both(wet, ellipse(300, 396, 190, 80), (0.84, 0.36, 0.32), 0.24, 34)
    frames = {"kind": "texture", "images": [f"{name}.png" for name in pictures], "fps": TEARS}
    return [texture(), frames], {"face": wet, **pictures}


def drop(face: Canvas, way: Array, share: float) -> None:
    """A tear that has come so far along its way."""
    run = way[: max(int(share * len(way)), 4)]
    x, y = run[-1]
    face.fill(ribbon(run, (9, 13, 15)), (0.95, 0.93, 0.91), 0.2, 2.5)
    face.fill(ribbon(run + np.array([7, 0]), (2, 4, 4)), (0.10, 0.06, 0.06), 0.38, 1.8)
    face.fill(ribbon(run + np.array([-4, 0]), (2, 4.5, 5)), (1, 1, 1), 0.8, 1.5)
    sides = [(0, -44), (11, -8), (17, 13), (0, 31), (-17, 13), (-11, -8)]
    bead = curve([(x + dx, y + dy) for dx, dy in sides], closed=True)
    face.fill(bead + np.array([2, 4]), (0.08, 0.05, 0.05), 0.5, 3)
    face.fill(bead, (0.94, 0.92, 0.90), 0.42, 1.5)
    face.fill(ellipse(x + 2, y + 19, 20, 10), (1, 1, 1), 0.75, 2.5)
    face.fill(ellipse(x - 6, y + 2, 8, 16, 12), (1, 1, 1), 1.0, 1)


def freckles() -> Drawn:
    face, random = Canvas(640), np.random.default_rng(3)
    both(face, ellipse(215, 500, 210, 130, -14), (0.96, 0.45, 0.42), 0.34, 60)
    face.fill(ellipse(500, 500, 120, 80), (0.96, 0.48, 0.43), 0.2, 44)
    angle = np.arange(0, 2 * np.pi, 0.9)
    for _ in range(420):
        x, y = random.normal(0, 150), random.normal(0, 46)
        y += 470 + 0.0006 * x * x - 34 * np.exp(-((x / 60) ** 2))
        size = random.gamma(2.4, 1.8) + 3.5
        rough = (
            size
            / 2
            * random.uniform(0.75, 1.2, (len(angle), 2))
            * np.stack([np.cos(angle), np.sin(angle)], -1)
        )
        spot = curve(list(map(tuple, rough + np.array([x + 500, y]))), closed=True, steps=4)
        face.fill(spot, (0.55, 0.32, 0.20), random.uniform(0.22, 0.62), 1.6)
    return [texture(blend="multiply")], {"face": face}


def tiger() -> Drawn:
    face, black, white = Canvas(560), (0.045, 0.035, 0.03), (0.97, 0.94, 0.88)
    outline = curve(
        [
            (500, 70),
            (720, 95),
            (880, 230),
            (925, 450),
            (900, 680),
            (760, 850),
            (500, 925),
            (240, 850),
            (100, 680),
            (75, 450),
            (120, 230),
            (280, 95),
        ],
        closed=True,
    )
    whole = face.mask(outline, soft=22)
    x, y = face.places()
    away = np.clip(np.hypot((x - 500) / 470, (y - 470) / 480), 0, 1)
    face.lay(whole, ramp(((0.98, 0.66, 0.22), (0.93, 0.49, 0.12), (0.80, 0.34, 0.07)), away), 0.9)
    for patch, soft in (
        (
            curve(
                [
                    (500, 600),
                    (420, 590),
                    (330, 640),
                    (290, 720),
                    (340, 800),
                    (420, 800),
                    (440, 880),
                    (500, 900),
                ]
            ),
            26,
        ),
        (curve([(232, 322), (262, 270), (330, 236), (410, 262), (420, 318), (330, 300)], closed=True), 15),
        (curve([(250, 372), (320, 392), (392, 376), (380, 420), (310, 440), (252, 416)], closed=True), 16),
        (curve([(110, 640), (190, 640), (250, 720), (210, 800), (130, 730)], closed=True), 26),
    ):
        both(face, patch, white, 0.92, soft)
    hairs_in(face, whole)
    for path, widths in TIGER:
        both(face, ribbon(curve(path), widths), black, 0.94, 2)
    for path, widths in (
        ([(500, 96), (500, 150), (500, 196)], (2, 26, 2)),
        ([(500, 600), (500, 640), (500, 672)], (12, 12, 8)),
    ):
        face.lay(face.mask(ribbon(curve(path), widths), soft=2), black, 0.94)
    nose = curve(
        [(500, 604), (452, 584), (420, 546), (448, 516), (500, 508), (552, 516), (580, 546), (548, 584)],
        closed=True,
    )
    face.lay(face.mask(nose, soft=5), black, 0.95)
    inner = curve(
        [(500, 584), (462, 568), (446, 546), (464, 530), (500, 526), (536, 530), (554, 546), (538, 568)],
        closed=True,
    )
    face.lay(face.mask(inner, soft=9), (0.66, 0.36, 0.34), 0.8)
    for spot in ((392, 640), (362, 664), (402, 676), (372, 700), (420, 650)):
        both(face, ellipse(*spot, 13, 13), black, 0.9, 1.6)
    return [texture(strength=0.95)], {"face": face}


def hairs_in(face: Canvas, whole: Array) -> None:
    """Strokes of a dry brush, from the nose outwards."""
    random = np.random.default_rng(5)
    for _ in range(360):
        angle, far = random.uniform(0, 2 * np.pi), random.uniform(150, 430)
        at = np.array([500 + far * np.cos(angle), 480 + far * np.sin(angle)])
        way = np.array([np.cos(angle), np.sin(angle)]) * random.uniform(40, 90)
        light = (1.0, 0.86, 0.62) if random.random() < 0.5 else (0.62, 0.24, 0.04)
        face.fill(ribbon(np.array([at, at + way / 2, at + way]), (0.5, 5, 0.5)), light, 0.22, 1.2, whole)


def skull() -> Drawn:
    face, black = Canvas(560), (0.03, 0.028, 0.035)
    outline = curve(
        [
            (500, 78),
            (720, 105),
            (880, 240),
            (920, 450),
            (880, 650),
            (720, 850),
            (500, 930),
            (280, 850),
            (120, 650),
            (80, 450),
            (120, 240),
            (280, 105),
        ],
        closed=True,
    )
    face.lay(face.mask(outline, soft=20), (0.955, 0.94, 0.91), 0.93)
    both(
        face,
        curve([(120, 560), (210, 610), (290, 650), (270, 740), (180, 720), (110, 640)], closed=True),
        (0.25, 0.22, 0.26),
        0.4,
        30,
    )
    for k in range(14):
        angle = 2 * np.pi * k / 14 + 0.2
        petal = 313 + 128 * np.cos(angle), 330 + 112 * np.sin(angle)
        both(face, ellipse(*petal, 66, 62), black, 0.95, 2)
        both(face, ellipse(*petal, 52, 48), (TURQUOISE, MAGENTA)[k % 2], 0.95, 3)
        inward = 313 + 116 * np.cos(angle), 330 + 101 * np.sin(angle)
        both(face, ellipse(*inward, 20, 20), (1, 0.95, 0.75), 0.9, 2)
    both(face, ellipse(313, 330, 214, 186), black, 0.96, 5)
    nose = curve(
        [
            (500, 470),
            (522, 500),
            (560, 560),
            (548, 600),
            (516, 596),
            (500, 572),
            (484, 596),
            (452, 600),
            (440, 560),
            (478, 500),
        ],
        closed=True,
    )
    face.lay(face.mask(nose, soft=4), black, 0.96)
    face.lay(
        face.mask(
            ribbon(
                curve([(190, 668), (270, 700), (340, 712), (500, 712), (660, 712), (730, 700), (810, 668)]),
                (3, 12, 13, 13, 13, 12, 3),
            ),
            soft=2,
        ),
        black,
        0.95,
    )
    for x in range(230, 800, 45):
        dip = 712 - 0.00028 * (x - 500) ** 2
        face.lay(
            face.mask(ribbon(curve([(x, dip - 48), (x + 4, dip), (x, dip + 52)]), (2.5, 9, 2.5)), soft=1.5),
            black,
            0.95,
        )
    for path, widths in SWIRLS:
        both(face, ribbon(curve(path), widths), black, 0.95, 1.5)
    for x, y, size, colour in DOTS:
        both(face, ellipse(x, y, size, size), colour, 0.95, 1.5)
    for middle, big in (((500, 185), 1.0), ((500, 862), 0.62)):
        for k in range(8):
            angle = 2 * np.pi * k / 8 + np.pi / 8
            at = middle[0] + 56 * big * np.cos(angle), middle[1] + 56 * big * np.sin(angle)
            petal = ellipse(*at, 66 * big, 38 * big, np.degrees(angle))
            face.lay(face.mask(petal, soft=1.5), black, 0.95)
            face.lay(face.mask(petal * 0.76 + np.array(at) * 0.24, soft=2), (MAGENTA, MARIGOLD)[k % 2], 0.95)
        face.lay(face.mask(ellipse(*middle, 50 * big, 50 * big), soft=2), black, 0.95)
        face.lay(face.mask(ellipse(*middle, 34 * big, 34 * big), soft=2), MARIGOLD, 0.95)
    return [texture(strength=0.95)], {"face": face}


def butterfly() -> Drawn:
    face, black = Canvas(560), (0.03, 0.03, 0.06)
    upper = curve(
        [
            (478, 330),
            (440, 250),
            (350, 150),
            (210, 105),
            (110, 150),
            (90, 270),
            (150, 370),
            (240, 410),
            (350, 420),
            (440, 400),
        ],
        closed=True,
    )
    lower = curve(
        [
            (474, 400),
            (400, 420),
            (290, 425),
            (200, 450),
            (150, 520),
            (180, 610),
            (260, 640),
            (340, 600),
            (410, 530),
            (456, 460),
        ],
        closed=True,
    )
    x, y = face.places()
    away = np.hypot(np.abs(x - 500), (y - 370) * 1.1) / 430
    blues = ramp(
        ((0.55, 0.93, 0.95), (0.12, 0.62, 0.90), (0.13, 0.24, 0.78), (0.32, 0.10, 0.58)),
        np.clip(away * 1.15 - 0.1, 0, 1),
    )
    pinks = ramp(
        ((1.0, 0.86, 0.52), (0.98, 0.50, 0.45), (0.80, 0.18, 0.56), (0.36, 0.10, 0.50)),
        np.clip(away * 1.5 - 0.2, 0, 1),
    )
    for wing, colours in ((lower, pinks), (upper, blues)):
        inside = face.mask(wing, mirrored(wing), soft=6)
        face.lay(inside, colours, 0.93)
        ring = np.concatenate([wing, wing[:1]])
        both(face, ribbon(ring, (7, 12, 22, 24, 20, 14, 8)), black, 0.94, 2.5)
    for path, widths in VEINS:
        both(face, ribbon(curve(path), widths), black, 0.88, 1.8)
    for spot in (
        (150, 172, 22),
        (118, 226, 18),
        (128, 282, 15),
        (205, 136, 18),
        (262, 140, 13),
        (186, 560, 16),
        (214, 606, 14),
        (262, 618, 12),
        (176, 512, 12),
    ):
        both(face, ellipse(spot[0], spot[1], spot[2], spot[2]), (1, 1, 0.97), 0.95, 2)
    body = curve(
        [(500, 250), (512, 300), (514, 380), (508, 460), (500, 505), (492, 460), (486, 380), (488, 300)],
        closed=True,
    )
    face.lay(face.mask(body, soft=2.5), black, 0.95)
    both(
        face, ribbon(curve([(498, 262), (480, 190), (446, 140), (424, 136)]), (5, 6, 5, 9)), black, 0.95, 1.5
    )
    both(face, ellipse(422, 136, 15, 15), black, 0.95, 1.5)
    return [texture(strength=0.95, shine=0.08)], {"face": face}


def clown() -> Drawn:
    nose, face = Canvas(160), Canvas(512)
    nose.solid(
        nose.mask(ellipse(500, 500, 940, 920)),
        ((0.24, 0.0, 0.01), (0.80, 0.05, 0.05), (0.98, 0.30, 0.22)),
        470,
        0.0,
    )
    nose.lay(nose.mask(ellipse(380, 300, 230, 150, -30), soft=38), (1, 0.93, 0.9), 0.72)
    nose.lay(
        nose.mask(ellipse(500, 880, 520, 110), soft=60) * nose.mask(ellipse(500, 500, 940, 920)),
        (1.0, 0.42, 0.30),
        0.3,
    )
    both(face, ellipse(228, 520, 170, 165), (0.90, 0.20, 0.16), 0.55, 26)
    return [texture(), sticker("nose", at=[4], width=43, offset=[0, 2, 4], shadow=0.75, faces="camera")], {
        "nose": nose,
        "face": face,
    }


def masquerade() -> Drawn:
    face = Canvas(640)
    shape = [
        (500, 505),
        (462, 486),
        (430, 450),
        (380, 462),
        (300, 484),
        (200, 470),
        (120, 400),
        (74, 290),
        (88, 205),
        (170, 190),
        (260, 190),
        (350, 205),
        (430, 240),
        (470, 226),
        (500, 205),
    ]
    whole = curve([*shape, *[(1000 - x, y) for x, y in shape[-2:0:-1]]], closed=True)
    hole = curve(
        [(214, 342), (262, 300), (322, 286), (384, 312), (420, 360), (372, 386), (312, 394), (254, 378)],
        closed=True,
    )
    holes = face.mask(hole, mirrored(hole), soft=1.5)
    mask = face.mask(whole, soft=1.5) * (1 - holes)
    shade, shine = face.dome(mask, 26)
    x, y = face.places()
    sheen = 0.5 + 0.10 * np.sin((np.abs(x - 500) + y * 0.6) / 62) - 0.0006 * (y - 330)
    face.lay(mask, ramp(GOLD, np.clip(0.24 * sheen + 0.36 * shade, 0, 1)) + 0.1 * shine[..., None])
    lines = [ribbon(curve(path), widths) for path, widths in FILIGREE]
    relief = face.mask(*lines, *map(mirrored, lines)) * mask
    shadow = np.roll(relief, (2 * FINER, FINER), (0, 1))
    face.lay(face.soft(shadow, 2) * mask, GOLD[0], 0.7)
    face.solid(relief, GOLD, 5, 0.6)
    for edge in (whole, hole, mirrored(hole)):
        ring = np.concatenate([edge, edge[:1]])
        face.solid(face.mask(ribbon(ring, (11, 11))), GOLD, 6, 0.5)
    for at, high in (((500, 262), 44), ((500, 322), 26)):
        face.solid(face.mask(ellipse(*at, high * 0.72, high)), RUBY, 14, 0.9)
    for k in range(9):
        both(face, ellipse(178 + 29 * k, 222 + 3.2 * abs(k - 4) - 14 * (k > 6), 9, 9), PEARL[1], 0.95, 1)
    return [GLASSES_OFF, texture(shine=0.5, shadow=0.55)], {"face": face}


PACKS: dict[str, Callable[[], Drawn]] = {
    "whiskers": whiskers,
    "dog": dog,
    "round-glasses": round_glasses,
    "star-glasses": star_glasses,
    "crown": crown,
    "flowers": flowers,
    "tears": tears,
    "freckles": freckles,
    "tiger": tiger,
    "skull": skull,
    "butterfly": butterfly,
    "clown": clown,
    "masquerade": masquerade,
}


def write(name: str) -> int:
    """Write one pack; returns its bytes."""
    layers, pictures = PACKS[name]()
    folder = BOX / name
    folder.mkdir(parents=True, exist_ok=True)
    told = {
        "mien": VERSION,
        "name": EFFECTS[name],
        "author": "the mien project",
        "licence": "Apache-2.0",
        "layers": layers,
    }
    (folder / MANIFEST).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    for image, canvas in pictures.items():
        (folder / f"{image}.png").write_bytes(canvas.png())
    return sum(path.stat().st_size for path in folder.iterdir())


def main() -> None:
    for name in sys.argv[1:] or PACKS:
        print(f"{name}: {write(name) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
