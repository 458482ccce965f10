"""What lies over a person and is no part of them, drawn where its edge is known to the pixel: hats, hoods and towels,
fluffy clothes, masks and scarves, hands and things; and what those are made of."""

from __future__ import annotations

import cv2
import numpy as np

from ...types import Array

BROW = (127, 71, 151, 301, 356)  # of the mesh, from temple to temple, above which hats sit
JAW = (93, 132, 58, 172, 136, 149, 176, 152, 400, 378, 365, 397, 288, 361, 323)  # from ear to ear
BRIDGE = (168, 6, 197, 195, 5)  # down the nose: masks end at one of these
PULLED = (17, 18, 200, 199)  # below the lips, where those end that are pulled down
DOWN = 0.5  # share of masks that are
CHEEKS = (50, 280, 205, 425)
LIKE_SKIN = 0.5  # share of the plain stuff that has a face's own colour
FINE = 16  # parts of a pixel in which outlines are given to OpenCV


def hat(random: np.random.Generator, points: Array, size: int) -> Array:
    """The shape, `[S, S]` uint8, of a cap, a helmet, a towel or a scarf around the head of `points [478, 2]`: everything
    above the brow, out to somewhere beside the head, some with a brim; hair below stays."""
    brow = points[list(BROW)]
    unit = float(np.linalg.norm(brow[-1] - brow[0]))
    edge = brow - (0, unit * random.uniform(0, 0.25)) + random.normal(0, 0.02 * unit, (1, 2))
    edge[[0, -1], 0] += np.array((-1, 1)) * unit * random.uniform(0.05, 0.3)  # over hair beside the head
    edge[[0, -1], 1] += unit * random.uniform(-0.1, 0.3)  # and ears
    high = brow[2, 1] - unit * random.uniform(0.5, 1.2)
    crown = [
        (edge[-1, 0], high + 0.3 * unit),
        (brow[2, 0] + 0.35 * unit, high),
        (brow[2, 0] - 0.35 * unit, high),
    ]
    shape = _filled(size, np.concatenate([edge, crown, [(edge[0, 0], high + 0.3 * unit)]]))
    if random.random() < 0.4:
        middle = edge[1:-1].mean(0) - (0, 0.05 * unit)
        sides = unit * random.uniform(0.6, 1.2), unit * random.uniform(0.06, 0.16)
        shape = np.maximum(shape, _ellipse(size, middle, sides, float(random.normal(0, 4))))
    return cv2.GaussianBlur(shape, (0, 0), float(random.uniform(0.7, 2)))


def hood(random: np.random.Generator, points: Array, size: int) -> Array:
    """The shape of a hood or a headscarf: all around the face, down to the shoulders, close to it or not."""
    unit, top, chin = _frame(points)
    middle, tall = (top + chin) / 2, float(np.linalg.norm(chin - top))
    wide, high = unit * random.uniform(0.75, 1.1), tall * random.uniform(0.85, 1.1)
    outer = _ellipse(size, middle, (wide, high))
    slope = wide * random.uniform(1, 1.6)
    left, right = middle[0] - wide, middle[0] + wide
    below = [
        (left, middle[1]),
        (right, middle[1]),
        (middle[0] + slope, 2 * size),
        (middle[0] - slope, 2 * size),
    ]
    outer = np.maximum(outer, _filled(size, np.array(below)))
    opening = random.uniform(0.46, 0.68) * unit, random.uniform(0.46, 0.72) * tall
    down = middle + np.array((random.normal(0, 0.03 * unit), random.uniform(-0.05, 0.08) * tall))
    inner = _ellipse(size, down, opening, float(random.normal(0, 4)))
    return cv2.GaussianBlur(np.minimum(outer, 255 - inner), (0, 0), float(random.uniform(0.7, 2)))


def collar(random: np.random.Generator, points: Array, size: int) -> Array:
    """The shape of clothes below the chin, as high as the ears where they are of fur, with an uneven edge."""
    unit, _, chin = _frame(points)
    across = np.abs(np.arange(size) - chin[0] - random.normal(0, 0.05 * unit)) / unit
    deep, rise = random.uniform(0.05, 0.5), random.uniform(0, 1.2)
    edge = chin[1] + unit * (deep - rise * np.clip(across - 0.1, 0, 0.8))
    rough = np.zeros(size)
    for sigma in (1.0, 3.0, 9.0):
        noise = cv2.GaussianBlur(random.standard_normal((1, size)), (0, 0), sigma)[0]
        rough += noise / max(float(noise.std()), 1e-6) * random.uniform(0, 0.03) * unit
    shape = (np.arange(size)[:, None] > edge + rough).astype(np.uint8) * 255
    return cv2.GaussianBlur(shape, (0, 0), float(random.uniform(0.7, 2.5)))


def mask(random: np.random.Generator, points: Array, size: int) -> Array:
    """The shape of what hides the lower face, from ear to ear: a mask, or a scarf that goes on below."""
    down = random.random() < DOWN
    ends = PULLED if down else BRIDGE
    jaw, nose = points[list(JAW)].copy(), points[ends[random.integers(len(ends))]]
    less = int(random.integers(2, 5) if down else random.integers(0, 3))
    jaw = jaw[less : len(jaw) - less]
    middle = jaw.mean(0)
    jaw = middle + (jaw - middle) * random.uniform(1.0, 1.12)
    outline = np.concatenate([jaw, [nose + (0.12 * (jaw[-1] - jaw[0])), nose - (0.12 * (jaw[-1] - jaw[0]))]])
    shape = _filled(size, outline)
    if random.random() < 0.3:
        unit = float(np.linalg.norm(jaw[-1] - jaw[0]))
        shape = np.maximum(shape, collar(random, points - (0, 0.4 * unit), size))
    return cv2.GaussianBlur(shape, (0, 0), float(random.uniform(0.5, 1.5)))


def things(random: np.random.Generator, points: Array, size: int) -> Array:
    """The shape of a hand, a cup, a microphone: a blob anywhere."""
    shape = np.zeros((size, size), np.uint8)
    centre = random.uniform(0.15, 0.85, 2) * size
    for _ in range(int(random.integers(1, 4))):  # fingers, or one thing
        sides = size * random.uniform(0.03, 0.12), size * random.uniform(0.05, 0.28)
        at = centre + random.normal(0, 0.05, 2) * size
        shape = np.maximum(shape, _ellipse(size, at, sides, float(random.uniform(0, 180))))
    return cv2.GaussianBlur(shape, (0, 0), 1)


def cloth(random: np.random.Generator, piece: Array, tone: Array | None = None) -> Array:
    """Some stuff `[S, S, 3]` with the pattern of a piece of a picture: of any colour, or about a tone `[3]`."""
    pattern = piece.astype(np.float32)
    base = random.uniform(10, 220, 3) if tone is None else tone * np.exp(random.normal(0, 0.15))
    return np.clip(base + random.uniform(0.1, 0.8) * (pattern - pattern.mean((0, 1))), 0, 255)


def fleece(random: np.random.Generator, size: int, tone: Array) -> Array:
    """Fur, wool or fleece `[S, S, 3]` about a tone `[3]`: tufts of several sizes, combed a little or not at all."""
    tufts: Array = np.zeros((size, size), np.float32)
    for sigma in (0.8, 1.6, 3.2, 8.0):
        noise = random.standard_normal((size, size)).astype(np.float32)
        longer = sigma * random.uniform(1, 2.5)
        noise = cv2.GaussianBlur(noise, (0, 0), sigma, sigmaY=longer)
        tufts += noise / max(float(noise.std()), 1e-6) * random.uniform(0.1, 1)
    turn = cv2.getRotationMatrix2D((size / 2, size / 2), float(random.uniform(-60, 60)), 1.5)
    tufts = cv2.warpAffine(tufts, turn, (size, size), borderMode=cv2.BORDER_REFLECT_101)
    depth = random.uniform(0.05, 0.4)
    return np.clip(tone * np.exp(depth * tufts / max(float(tufts.std()), 1e-6))[..., None], 0, 255)


def plain(random: np.random.Generator, pixels: Array, points: Array) -> Array:
    """Flat stuff `[S, S, 3]` of the colour of a face's own skin, or of any colour, with the face's light on it or not,
    and with folds across: what masks are made of."""
    size = pixels.shape[0]
    x, y = np.rint(points[list(CHEEKS)]).astype(int).clip(0, size - 1).T
    tone = np.median(cv2.GaussianBlur(pixels, (0, 0), 2)[y, x].astype(np.float32), 0)
    level = max(float(tone.mean()), 8)
    if random.random() < LIKE_SKIN:
        tone = tone * np.exp(random.normal(0, 0.08, 3)) * np.exp(random.normal(0, 0.12))
    else:
        tone = max(level, 60) * random.uniform(0.05, 1.5) * random.uniform(0.6, 1, 3)
    grey = cv2.GaussianBlur(pixels, (0, 0), size / 12).astype(np.float32).mean(-1, keepdims=True)
    light = (np.maximum(grey, 8) / level) ** random.uniform(0, 0.6)
    folds = cv2.GaussianBlur(random.standard_normal((size, size)).astype(np.float32), (0, 0), 12, sigmaY=1.5)
    folds = random.uniform(0, 0.06) * folds / float(folds.std())
    return np.clip(tone * light * np.exp(folds)[..., None], 0, 255)


def _frame(points: Array) -> tuple[float, Array, Array]:
    """How wide a face is, the top of its forehead and its chin."""
    return float(np.linalg.norm(points[356] - points[127])), points[10], points[152]


def _filled(size: int, outline: Array) -> Array:
    shape = np.zeros((size, size), np.uint8)
    fixed = np.rint(outline * FINE).astype(np.int32)
    return cv2.fillPoly(shape, [fixed], 255, shift=4, lineType=cv2.LINE_AA)


def _ellipse(size: int, centre: Array, sides: tuple[float, float], angle: float = 0.0) -> Array:
    shape = np.zeros((size, size), np.uint8)
    place = tuple(round(float(at)) for at in centre)
    return cv2.ellipse(shape, place, (round(sides[0]), round(sides[1])), angle, 0, 360, 255, -1)
