"""Make the named manners in the box: pictures of a manner -> the numbers that `painting` draws by, as
`manners.npz` with a card, in `src/mien/weights/`.

    python tools/manners.py [--show FOLDER]

The pictures are made here, by a formula and a seed each: areas of a palette's colours, strokes that follow a
field, outlines, hatching. None is a painting of anybody's. What counts is how a face looks that is drawn by
them: broad areas and outlines keep it whole, fine grain lays crackle on skin. `--show` writes the pictures.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from catalogue import register

from mien.io import photo_writer
from mien.models.card import KEY, Card
from mien.models.catalogue import WEIGHTS
from mien.models.kit import Kit
from mien.types import Array, Photo

SIDE = 512  # pixels
Colour = tuple[int, int, int]
SKIN = [(252, 226, 200), (240, 200, 165), (214, 160, 120), (160, 105, 75), (90, 56, 42)]
SUN = [(250, 210, 90), (240, 150, 60), (70, 120, 180), (40, 70, 130), (240, 230, 190), (90, 140, 90)]
CARD = Card(
    name="manners",
    role="manners",
    licence="Apache-2.0",
    data="pictures made by a formula; read by Magenta's style network (The Magenta Authors, Apache-2.0)",
    source="python tools/manners.py",
    limits="named after what they resemble; skin takes the palette's colours, and dark skin or a dark photo becomes lighter",
)


def noise(random: np.random.Generator, sigma: float, count: int = 1) -> Array:
    """Soft noise of spread 1, `[SIDE, SIDE, count]`."""
    raw = random.normal(size=(SIDE, SIDE, count)).astype(np.float32)
    soft = cv2.GaussianBlur(raw, (0, 0), sigma).reshape(SIDE, SIDE, count)
    return soft / soft.std()


def areas(random: np.random.Generator, palette: Sequence[Colour], sigma: float, sharp: float) -> Array:
    """Areas of a palette's colours, about `sigma` pixels wide, with borders as `sharp`."""
    level = sharp * noise(random, sigma, len(palette))
    share = np.exp(level - level.max(2, keepdims=True))
    return share @ np.array(palette, np.float32) / share.sum(2, keepdims=True)


def strokes(
    random: np.random.Generator,
    colours: Array,
    count: int,
    length: float,
    width: float,
    *,
    jitter: float,
    bend: float,
    angle: float = 0.0,
) -> Array:
    """Strokes in the colours that lie below them, along a field of directions that bends."""
    out, field = colours.copy(), noise(random, 60)[..., 0] * bend + angle
    for _ in range(count):
        x, y = random.integers(0, SIDE, 2)
        colour = np.clip(colours[y, x] + random.normal(0, jitter, 3) + random.normal(0, jitter * 0.7), 0, 255)
        step, at = length * random.uniform(0.6, 1.4) / 6, np.array([x, y], np.float64)
        line = [at]
        for _ in range(5):
            turn = field[int(at[1]) % SIDE, int(at[0]) % SIDE]
            at = at + step * np.array([np.cos(turn), np.sin(turn)])
            line.append(at)
        thick = max(1, round(width * random.uniform(0.6, 1.4)))
        points = np.rint(np.array(line) * 8).astype(np.int32)
        cv2.polylines(out, [points], False, [float(v) for v in colour], thick, cv2.LINE_AA, 3)
    return out


def outlined(picture: Array, of: Array, colour: Colour, width: int, edge: float) -> Array:
    """A picture with lines where the areas `of` it meet."""
    down, across = np.gradient(of.mean(2))
    line = cv2.dilate((np.abs(down) + np.abs(across) > edge).astype(np.float32), np.ones((width, width)))
    share = cv2.GaussianBlur(line, (0, 0), 0.8)[..., None]
    return picture * (1 - share) + np.array(colour, np.float32) * share


def hatched(
    random: np.random.Generator, grey: Array, ink: Colour, levels: Sequence[tuple[float, float]]
) -> Array:
    """Paper with a set of parallel lines for each of `levels`, an angle and the grey below which they are."""
    out = np.array((248, 245, 236), np.float32) + noise(random, 1)
    for angle, dark in levels:
        lines = np.zeros((SIDE, SIDE), np.float32)
        along, across = (
            np.array([np.cos(angle), np.sin(angle)]),
            np.array([-np.sin(angle), np.cos(angle)]),
        )
        for away in np.arange(-1.5 * SIDE, 1.5 * SIDE, 7):
            middle = SIDE / 2 + across * (away + random.normal(0, 0.5))
            places = [
                middle + along * far + across * random.normal(0, 0.3)
                for far in np.linspace(-0.8 * SIDE, 0.8 * SIDE, 24)
            ]
            points = np.rint(np.array(places) * 8).astype(np.int32)
            cv2.polylines(lines, [points], False, float(random.uniform(0.5, 1)), 2, cv2.LINE_AA, 3)
        share = np.clip(lines * (grey < dark) * np.clip(1 + 0.3 * noise(random, 3)[..., 0], 0, 1.3), 0, 1)
        out += (np.array(ink, np.float32) - out) * share[..., None]
    return out


# ---- the manners


def oil(random: np.random.Generator) -> Array:
    palette = [*SKIN, (120, 70, 50), (60, 70, 80), (30, 26, 26), (180, 160, 130)]
    colours = areas(random, palette, 50, 6)
    broad = strokes(random, colours, 900, 90, 26, jitter=6, bend=0.7)
    return strokes(random, broad, 900, 60, 14, jitter=8, bend=0.8)


def swirls(random: np.random.Generator) -> Array:
    return strokes(random, areas(random, [*SUN, (20, 40, 90)], 60, 6), 1600, 90, 8, jitter=14, bend=2.2)


def watercolour(random: np.random.Generator) -> Array:
    light = [(252, 246, 236), (248, 226, 206), (236, 190, 160), (206, 140, 112)]
    dark = [(120, 150, 175), (92, 78, 84), (52, 56, 74), (176, 186, 150)]
    washes = areas(random, [*light, *dark], 50, 6)
    return outlined(washes, washes, (96, 76, 76), 2, 4) * (1 + 0.06 * noise(random, 25))


def charcoal(random: np.random.Generator) -> Array:
    greys = [(244, 240, 232), (200, 196, 190), (120, 116, 112), (50, 48, 47), (24, 22, 22)]
    out = areas(random, greys, 55, 5)
    for _ in range(120):
        x, y = random.integers(0, SIDE, 2)
        angle, length = random.uniform(0, 2 * np.pi), random.uniform(40, 140)
        end = int(x + length * np.cos(angle)), int(y + length * np.sin(angle))
        cv2.line(out, (int(x), int(y)), end, (34, 32, 32), int(random.integers(1, 5)), cv2.LINE_AA)
    return out + 4 * noise(random, 1.2)


def ink(random: np.random.Generator) -> Array:
    grey = 128 + 80 * noise(random, 40)[..., 0]
    out = hatched(random, grey, (16, 18, 26), [(0.5, 150), (-0.6, 110), (1.2, 70)])
    out[noise(random, 30)[..., 0] > 1.1] = (14, 16, 22)
    return out


def comic(random: np.random.Generator) -> Array:
    bright = [(250, 220, 190), (250, 205, 60), (60, 170, 215), (252, 248, 240), (35, 30, 45), (236, 70, 80)]
    flat = areas(random, bright, 40, 14)
    return outlined(flat, flat, (18, 16, 24), 4, 6)


def pop(random: np.random.Generator) -> Array:
    bright = [(255, 120, 160), (255, 225, 70), (60, 190, 220), (255, 250, 245), (40, 30, 90), (255, 165, 90)]
    return areas(random, bright, 48, 14)


def sepia(random: np.random.Generator) -> Array:
    browns = [(112, 66, 40), (160, 110, 70), (224, 186, 140), (250, 238, 214), (70, 40, 26)]
    return strokes(random, areas(random, browns, 40, 5), 3000, 30, 3, jitter=10, bend=0.4, angle=0.9)


def gouache(random: np.random.Generator) -> Array:
    muted = [*SKIN[:4], (110, 150, 160), (225, 228, 222), (60, 70, 90)]
    out = strokes(random, areas(random, muted, 60, 5), 700, 120, 44, jitter=5, bend=0.6)
    return outlined(out, out, (60, 50, 56), 1, 14)


def woodblock(random: np.random.Generator) -> Array:
    inks = [(240, 226, 196), (206, 90, 68), (42, 84, 110), (236, 190, 130), (50, 46, 52), (170, 190, 170)]
    flat = areas(random, inks, 50, 30)
    return outlined(flat + 2 * noise(random, 1.5), flat, (36, 38, 52), 2, 6)


def neon(random: np.random.Generator) -> Array:
    lights = [(20, 16, 40), (60, 30, 110), (220, 60, 160), (60, 220, 230), (250, 240, 120), (30, 24, 60)]
    flat = areas(random, lights, 45, 12)
    return outlined(flat, flat, (120, 250, 255), 2, 8)


def fresco(random: np.random.Generator) -> Array:
    earths = [(228, 214, 180), (190, 160, 110), (120, 130, 90), (150, 90, 60), (60, 50, 40), (244, 236, 214)]
    flat = areas(random, earths, 50, 8)
    return outlined(flat, flat, (50, 40, 34), 3, 5) * (1 + 0.05 * noise(random, 4))


MANNERS: dict[Callable[[np.random.Generator], Array], int] = {  # and the seed of each
    watercolour: 5,
    oil: 1,
    gouache: 16,
    ink: 8,
    charcoal: 7,
    sepia: 14,
    woodblock: 18,
    fresco: 22,
    comic: 9,
    swirls: 3,
    pop: 19,
    neon: 21,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the named manners.")
    parser.add_argument("--show", type=Path, metavar="FOLDER", help="write the pictures there")
    folder = parser.parse_args().show
    reads = Kit(threads=1).style_encoder("painting")
    found: dict[str, Array] = {}
    for make, seed in MANNERS.items():
        picture = np.clip(np.rint(make(np.random.default_rng(seed))), 0, 255).astype(np.uint8)
        found[make.__name__] = reads.vector(picture)
        if folder:
            photo_writer.write(Photo(picture), folder / f"{make.__name__}.png")
    described = f"Manners by name, as numbers that `painting` draws by: {', '.join(found)}"
    card = replace(CARD, description=described).to_json()
    path = WEIGHTS / "manners.npz"
    np.savez_compressed(path, allow_pickle=False, **{KEY: np.array(card)}, **found)
    print(
        f"{path.name}: {len(found)} manners, {path.stat().st_size} bytes, sha256 {register('manners', 'manners', path.name)}"
    )


if __name__ == "__main__":
    main()
