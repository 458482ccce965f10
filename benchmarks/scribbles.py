"""Bad drawings of heads, made by code that knows nothing of what the reader of sketches was trained on: what people
draw with a mouse in a minute. `SCRIBBLES` holds them by name, each a function that gives `[H, W, 3]` or `[H, W, 4]`
uint8."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np

Picture = np.ndarray[Any, Any]
Colour = tuple[int, int, int]
INK: Colour = (25, 25, 25)
WHITE: Colour = (255, 255, 255)


def page(width: int = 500, height: int = 600, colour: Colour = WHITE) -> Picture:
    return np.full((height, width, 3), colour, np.uint8)


def oval(
    on: Picture,
    x: float,
    y: float,
    a: float,
    b: float,
    *,
    ink: Colour = INK,
    wide: int = 4,
    fill: Colour | None = None,
) -> None:
    for colour, how in ((fill, -1), (ink, wide)):
        if colour is not None and how:
            cv2.ellipse(on, (int(x), int(y)), (int(a), int(b)), 0, 0, 360, colour, how, cv2.LINE_AA)


def path(
    on: Picture,
    *points: tuple[float, float],
    ink: Colour = INK,
    wide: int = 4,
    closed: bool = False,
    fill: Colour | None = None,
) -> None:
    at = np.array(points, np.int32)
    if fill is not None:
        cv2.fillPoly(on, [at], fill, cv2.LINE_AA)
    if wide:
        cv2.polylines(on, [at], closed, ink, wide, cv2.LINE_AA)


def arc(
    on: Picture,
    x: float,
    y: float,
    a: float,
    b: float,
    start: float,
    end: float,
    *,
    ink: Colour = INK,
    wide: int = 4,
) -> None:
    cv2.ellipse(on, (int(x), int(y)), (int(a), int(b)), 0, start, end, ink, wide, cv2.LINE_AA)


def dots(on: Picture, *places: tuple[float, float], radius: float = 8, ink: Colour = INK) -> None:
    for x, y in places:
        oval(on, x, y, radius, radius, ink=ink, wide=0, fill=ink)


def spikes(middle: float, low: float, high: float, half: float, count: int) -> list[tuple[float, float]]:
    """The upper edge of pointed hair, from left to right."""
    xs = np.linspace(middle - half, middle + half, 2 * count + 1)
    return [(float(x), low if k % 2 == 0 else high) for k, x in enumerate(xs)]


def curl(
    on: Picture,
    where: Sequence[tuple[float, float]],
    spread: float,
    *,
    ink: Colour = INK,
    wide: int = 3,
    seed: int = 0,
) -> None:
    """A line that wanders to and fro about places."""
    random = np.random.default_rng(seed)
    points = [np.array(one) + random.normal(0, spread, 2) for one in where for _ in range(12)]
    path(on, *[(float(x), float(y)) for x, y in points], ink=ink, wide=wide)


def stick() -> Picture:
    on = page()
    oval(on, 250, 300, 170, 180)
    dots(on, (190, 260), (310, 260))
    arc(on, 250, 340, 80, 50, 10, 170)
    return on


def stick_figure() -> Picture:
    on = page(500, 800)
    oval(on, 250, 150, 90, 95)
    dots(on, (220, 130), (280, 130), radius=5)
    arc(on, 250, 170, 35, 25, 10, 170)
    path(on, (250, 245), (250, 520))
    for side in (-1, 1):
        path(on, (250, 330), (250 + side * 120, 420))
        path(on, (250, 520), (250 + side * 90, 720))
    return on


def triangle() -> Picture:
    on = page()
    path(on, (60, 120), (440, 120), (250, 540), closed=True)
    dots(on, (180, 220), (320, 220), radius=12)
    path(on, (250, 250), (235, 320), (260, 325))
    path(on, (200, 390), (300, 390))
    return on


def pyramid() -> Picture:
    on = page()
    path(on, (250, 60), (460, 520), (40, 520), closed=True)
    for x in (190, 310):
        oval(on, x, 320, 24, 16)
        dots(on, (x, 320), radius=6)
    arc(on, 250, 430, 90, 40, 0, 180)
    return on


def square() -> Picture:
    on = page()
    path(on, (70, 90), (430, 90), (430, 530), (70, 530), closed=True, wide=6)
    for x in (170, 330):
        path(on, (x - 35, 230), (x + 35, 230), (x + 35, 270), (x - 35, 270), closed=True)
        dots(on, (x, 250))
    path(on, (250, 280), (250, 370), (285, 370))
    path(on, (150, 450), (350, 450), wide=6)
    path(on, *spikes(250, 92, 40, 180, 9))
    return on


def pear() -> Picture:
    on = page()
    turn = np.linspace(0, 2 * np.pi, 60)
    wide = 115 + 75 * (1 + np.sin(turn)) / 2 + 25 * (np.sin(turn) > 0)
    path(
        on,
        *[(250 + w * np.cos(t), 320 + 220 * np.sin(t)) for w, t in zip(wide, turn, strict=True)],
        closed=True,
    )
    dots(on, (205, 240), (295, 240))
    arc(on, 250, 320, 25, 15, 0, 180)
    arc(on, 250, 400, 100, 60, 10, 170)
    curl(on, [(200, 100), (250, 85), (300, 100)], 22)
    return on


def mango() -> Picture:
    on = page()
    cv2.ellipse(on, (250, 310), (165, 235), 18, 0, 360, INK, 4, cv2.LINE_AA)
    for x, y in ((200, 250), (320, 270)):
        oval(on, x, y, 28, 18)
        dots(on, (x, y), radius=8)
    path(on, (262, 290), (245, 360), (270, 365))
    arc(on, 245, 420, 60, 30, 20, 170)
    path(on, (170, 215), (230, 205))
    path(on, (290, 225), (350, 240))
    return on


def anime() -> Picture:
    on = page()
    path(on, (110, 230), (120, 380), (250, 540), (380, 380), (390, 230))
    for x in (180, 320):
        oval(on, x, 330, 42, 55, fill=WHITE)
        oval(on, x, 338, 26, 42, fill=(60, 60, 60))
        oval(on, x - 8, 318, 10, 12, wide=0, fill=WHITE)
        path(on, (x - 45, 262), (x + 40, 255))
    dots(on, (250, 410), radius=3)
    arc(on, 250, 445, 22, 10, 10, 170)
    path(
        on,
        (90, 420),
        *spikes(250, 120, 30, 190, 5),
        (410, 420),
        (385, 240),
        (330, 275),
        (300, 180),
        (255, 280),
        (210, 180),
        (160, 275),
        (115, 240),
        closed=True,
    )
    return on


def blocks() -> Picture:
    on = page(480, 480, (120, 170, 220))
    skin: Colour = (188, 140, 106)
    cv2.rectangle(on, (80, 60), (400, 420), skin, -1)
    cv2.rectangle(on, (80, 60), (400, 150), (64, 42, 24), -1)
    cv2.rectangle(on, (80, 150), (120, 200), (64, 42, 24), -1)
    cv2.rectangle(on, (360, 150), (400, 200), (64, 42, 24), -1)
    for x, eye in ((120, 160), (280, 280)):
        cv2.rectangle(on, (x, 230), (x + 80, 270), WHITE, -1)
        cv2.rectangle(
            on, (eye if x == 280 else 160, 230), ((eye if x == 280 else 160) + 40, 270), (70, 60, 140), -1
        )
    cv2.rectangle(on, (200, 280), (280, 320), (150, 100, 70), -1)
    cv2.rectangle(on, (160, 340), (320, 370), (120, 70, 55), -1)
    return on


def pointed() -> Picture:
    on = page(500, 700)
    path(on, *spikes(250, 330, 120, 170, 4), (420, 480), (80, 480), fill=(60, 110, 220), closed=True)
    oval(on, 250, 430, 160, 190, fill=(255, 217, 70))
    for x in (190, 310):
        oval(on, x, 400, 48, 48, fill=WHITE)
        dots(on, (x + 6, 402), radius=9)
    oval(on, 250, 455, 24, 18, fill=(240, 200, 60))
    arc(on, 250, 510, 90, 50, 0, 180)
    return on


def side_view() -> Picture:
    on = page()
    path(
        on,
        (300, 70),
        (180, 120),
        (150, 230),
        (95, 320),
        (150, 345),
        (140, 385),
        (165, 400),
        (145, 430),
        (170, 460),
        (175, 520),
        (300, 540),
        (320, 580),
    )
    path(on, (300, 70), (420, 150), (430, 330), (390, 420), (400, 580))
    oval(on, 195, 255, 22, 14)
    dots(on, (185, 255), radius=6)
    path(on, (165, 215), (230, 205))
    arc(on, 330, 310, 28, 45, -90, 90)
    return on


def childlike() -> Picture:
    on, red = page(), (200, 60, 70)
    random = np.random.default_rng(3)
    turn = np.linspace(0, 2.1 * np.pi, 40)
    path(
        on,
        *[
            (250 + (190 + random.normal(0, 6)) * np.cos(t), 320 + (170 + random.normal(0, 6)) * np.sin(t))
            for t in turn
        ],
        ink=(60, 90, 180),
    )
    for k in range(9):
        x = 110 + 35 * k
        path(
            on,
            (x, 190 - 40 * np.sin(k / 8 * np.pi)),
            (x + random.normal(0, 12), 80),
            ink=(120, 70, 30),
            wide=5,
        )
    for x in (180, 315):
        oval(on, x, 280, 30, 32, ink=(60, 90, 180))
        dots(on, (x + 5, 285), radius=9)
    dots(on, (140, 370), (360, 370), radius=26, ink=(250, 170, 180))
    arc(on, 250, 370, 95, 70, 15, 165, ink=red, wide=6)
    oval(on, 50, 320, 22, 36, ink=(60, 90, 180))
    oval(on, 450, 320, 22, 36, ink=(60, 90, 180))
    return on


def eyes_only() -> Picture:
    on = page(600, 300)
    for x in (180, 420):
        arc(on, x, 160, 80, 45, 180, 360)
        arc(on, x, 160, 80, 35, 0, 180)
        dots(on, (x, 155), radius=28)
        path(on, (x - 90, 90), (x, 60), (x + 90, 85), wide=8)
    return on


def outline_only() -> Picture:
    on = page()
    oval(on, 250, 310, 150, 210, wide=5)
    return on


def bearded() -> Picture:
    on = page()
    oval(on, 250, 300, 150, 200)
    random = np.random.default_rng(1)
    for _ in range(260):
        t, r = random.uniform(0.05 * np.pi, 0.95 * np.pi), random.uniform(0.72, 1.12)
        x, y = 250 + 150 * r * np.cos(t), 320 + 200 * r * np.sin(t)
        path(on, (x, y), (x + random.normal(0, 6), y + 22), wide=2)
    path(on, (200, 385), (250, 372), (300, 385), wide=10)
    oval(on, 250, 405, 40, 10, fill=WHITE)
    for x in (190, 310):
        oval(on, x, 260, 26, 14)
        dots(on, (x, 260))
        path(on, (x - 38, 222), (x + 38, 218), wide=8)
    path(on, (250, 265), (236, 340), (262, 344))
    path(on, *spikes(250, 130, 95, 140, 12), wide=3)
    return on


def spectacled() -> Picture:
    on = page()
    path(on, (110, 560), (90, 200), (180, 60), (320, 60), (410, 200), (390, 560), wide=4)
    path(on, (140, 230), (250, 110), (360, 230), wide=4)
    arc(on, 250, 280, 120, 220, 0, 180)
    path(on, (130, 280), (140, 230))
    path(on, (370, 280), (360, 230))
    for x in (190, 310):
        oval(on, x, 280, 48, 40, wide=5)
        oval(on, x, 282, 20, 10, wide=3)
        dots(on, (x, 282), radius=7)
    path(on, (238, 276), (262, 276), wide=5)
    path(on, (250, 310), (240, 360), (262, 362), wide=3)
    path(on, (205, 425), (250, 415), (295, 425), (250, 445), closed=True, fill=(200, 60, 80))
    return on


def grin() -> Picture:
    on = page()
    oval(on, 250, 310, 180, 200)
    dots(on, (185, 240), (315, 240), radius=10)
    path(on, (120, 370), (380, 370))
    arc(on, 250, 370, 130, 90, 0, 180)
    for x in range(160, 360, 40):
        path(on, (x, 370), (x, 370 + 70 * (1 - ((x - 250) / 150) ** 2)), wide=2)
    curl(on, [(130, 150), (190, 115), (250, 100), (310, 115), (370, 150)], 18)
    return on


def scream() -> Picture:
    on = page()
    oval(on, 250, 320, 140, 230)
    for x in (195, 305):
        oval(on, x, 240, 30, 34)
        dots(on, (x, 240), radius=7)
        path(on, (x - 30, 180), (x + 30, 172))
    oval(on, 250, 430, 52, 75, wide=4, fill=(30, 30, 30))
    return on


def moustached() -> Picture:
    on = page()
    oval(on, 250, 310, 160, 215)
    for x in (190, 310):
        oval(on, x, 280, 26, 15)
        dots(on, (x, 280))
        path(on, (x - 35, 245), (x + 35, 240), wide=7)
    path(on, (250, 285), (232, 360), (268, 362))
    path(on, (170, 400), (250, 378), (330, 400), (250, 408), closed=True, fill=INK)
    path(on, (205, 440), (295, 440))
    return on


def afro() -> Picture:
    on = page(600, 600)
    turn = np.linspace(np.pi * 0.85, np.pi * 2.15, 40)
    for k, reach in enumerate((170, 205, 235)):
        curl(on, [(300 + reach * np.cos(t), 290 + reach * 0.95 * np.sin(t)) for t in turn], 16, seed=k)
    oval(on, 300, 340, 130, 170, fill=WHITE)
    for x in (250, 350):
        oval(on, x, 320, 26, 16)
        dots(on, (x, 320), radius=9)
        path(on, (x - 32, 288), (x + 32, 284), wide=5)
    arc(on, 300, 370, 34, 18, 0, 180)
    oval(on, 300, 430, 50, 18)
    path(on, (252, 430), (348, 430), wide=2)
    return on


def bun() -> Picture:
    on = page(500, 650)
    oval(on, 250, 80, 60, 55, fill=(90, 90, 90))
    path(
        on,
        (110, 320),
        (130, 190),
        (250, 130),
        (370, 190),
        (390, 320),
        (330, 220),
        (250, 205),
        (170, 220),
        closed=True,
        fill=(90, 90, 90),
    )
    arc(on, 250, 320, 140, 230, 0, 180)
    for x in (190, 310):
        oval(on, x, 330, 30, 16)
        dots(on, (x, 330))
        path(on, (x - 34, 330), (x - 44, 320), wide=3)
        arc(on, x, 300, 36, 14, 190, 350)
    path(on, (250, 350), (238, 405), (262, 408), wide=3)
    oval(on, 250, 460, 40, 14, fill=(150, 150, 150))
    return on


def on_paper() -> Picture:
    """A pencil drawing on a sheet under a lamp, photographed."""
    drawing = spectacled()
    drawing = cv2.copyMakeBorder(drawing, 120, 120, 160, 100, cv2.BORDER_CONSTANT, value=WHITE)
    soft = 255 - (255 - drawing.astype(np.float32)) * 0.55
    y, x = np.mgrid[: len(soft), : soft.shape[1]]
    lamp = (0.45 + 0.5 * np.exp(-((x - 150) ** 2 + (y - 100) ** 2) / 4e5))[..., None]
    grain = np.random.default_rng(0).normal(0, 2.5, (*soft.shape[:2], 1))
    return np.clip(soft * lamp * [1, 0.94, 0.82] + grain, 0, 255).astype(np.uint8)


def transparent() -> Picture:
    drawn = brown()
    paint = (drawn.min(2) < 250).astype(np.uint8) * 255
    return np.dstack([np.where(paint[..., None] > 0, drawn, 0).astype(np.uint8), paint])


def blackboard() -> Picture:
    chalk = 255 - grin().astype(np.int16)
    return np.clip(chalk * 0.85 + [28, 52, 40], 0, 255).astype(np.uint8)


def brown() -> Picture:
    on = page()
    skin: Colour = (130, 82, 50)
    turn = np.linspace(np.pi * 0.95, np.pi * 2.05, 14)
    for t in turn:
        dots(on, (250 + 165 * np.cos(t), 260 + 150 * np.sin(t)), radius=46, ink=(28, 20, 18))
    oval(on, 250, 320, 145, 200, fill=skin)
    for x in (195, 305):
        oval(on, x, 300, 28, 17, fill=WHITE)
        dots(on, (x, 300), radius=10, ink=(50, 30, 20))
        path(on, (x - 34, 262), (x + 34, 258), wide=7)
    arc(on, 250, 360, 30, 16, 0, 180)
    path(on, (195, 430), (250, 415), (305, 430), (250, 460), closed=True, fill=(150, 60, 70))
    return on


def old() -> Picture:
    on = page()
    oval(on, 250, 320, 150, 215)
    for y in (150, 175, 200):
        arc(on, 250, y + 30, 90, 26, 200, 340, wide=2)
    for x, side in ((190, -1), (310, 1)):
        oval(on, x, 290, 26, 12)
        dots(on, (x, 290), radius=7)
        path(on, (x - 35, 255), (x + 35, 255), ink=(150, 150, 150), wide=9)
        for k in (-12, 0, 12):
            path(on, (x + side * 40, 292 + k / 2), (x + side * 66, 292 + k), wide=2)
        path(on, (250 + side * 45, 360), (250 + side * 70, 430), wide=2)
        curl(
            on,
            [(250 + side * 150, 220), (250 + side * 158, 270), (250 + side * 155, 320)],
            14,
            ink=(150, 150, 150),
        )
    path(on, (250, 295), (228, 375), (270, 378))
    path(on, (200, 450), (250, 442), (300, 452))
    return on


def sad() -> Picture:
    on = page(400, 700)
    oval(on, 200, 350, 105, 270)
    for x, side in ((155, -1), (245, 1)):
        oval(on, x, 300, 20, 12)
        dots(on, (x, 300), radius=6)
        path(on, (x - side * 25, 250), (x + side * 25, 272), wide=5)
    path(on, (200, 310), (186, 400), (212, 404))
    arc(on, 200, 500, 55, 30, 200, 340, wide=5)
    return on


def broad() -> Picture:
    on = page(700, 550)
    oval(on, 350, 280, 280, 210, wide=5)
    for x in (270, 430):
        oval(on, x, 230, 26, 18)
        dots(on, (x, 230))
    oval(on, 350, 290, 40, 28)
    arc(on, 350, 370, 90, 40, 10, 170)
    arc(on, 350, 430, 130, 40, 20, 160, wide=3)
    curl(on, [(200, 110), (280, 75), (350, 65), (420, 75), (500, 110)], 16)
    return on


def blond() -> Picture:
    on = page()
    path(
        on,
        (80, 580),
        (70, 200),
        (180, 50),
        (320, 50),
        (430, 200),
        (420, 580),
        closed=True,
        fill=(236, 200, 110),
    )
    oval(on, 250, 300, 140, 195, fill=(255, 222, 196))
    path(
        on,
        (112, 260),
        (150, 140),
        (250, 110),
        (350, 140),
        (388, 260),
        (300, 190),
        (200, 200),
        closed=True,
        fill=(236, 200, 110),
    )
    for x in (190, 310):
        oval(on, x, 300, 30, 20, fill=WHITE)
        oval(on, x, 300, 13, 16, fill=(70, 130, 190))
        arc(on, x, 266, 36, 12, 190, 350, ink=(150, 110, 50))
    path(on, (250, 310), (238, 370), (262, 373), wide=2)
    path(on, (200, 425), (250, 412), (300, 425), (250, 452), closed=True, fill=(210, 60, 80))
    return on


def blank() -> Picture:
    return page()


SCRIBBLES: dict[str, Callable[[], Picture]] = {
    "stick": stick, "stick figure": stick_figure, "triangle": triangle, "pyramid": pyramid, "square": square,
    "pear": pear, "mango": mango, "anime": anime, "blocks": blocks, "pointed": pointed, "side view": side_view,
    "childlike": childlike, "eyes only": eyes_only, "outline only": outline_only, "bearded": bearded,
    "spectacled": spectacled, "grin": grin, "scream": scream, "moustached": moustached, "afro": afro, "bun": bun,
    "on paper": on_paper, "transparent": transparent, "blackboard": blackboard, "brown": brown, "old": old,
    "sad": sad, "broad": broad, "blond": blond, "blank": blank,
}  # fmt: skip
