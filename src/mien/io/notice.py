"""Words in a corner that tell people that AI had part in a picture, drawn where a file is written: never over a face,
on a dark plate so that they can be read on any ground.

They are this project's own text; no official icon is used. The European code of practice of 2026 wants words that
begin with AI; GB 45438-2025 wants AI with 生成 or 合成, at least 5 % of the shorter side high.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache
from itertools import product

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..errors import RequestError
from ..paths import setting
from ..types import Array, Step

# By standard and language: what a picture that was made is called, and one that was changed.
WORDS = {
    "eu:en": ("AI GENERATED", "AI MODIFIED"),
    "eu:de": ("AI ERZEUGT", "AI VERÄNDERT"),
    "eu:fr": ("AI GÉNÉRÉ", "AI MODIFIÉ"),
    "eu:es": ("AI GENERADO", "AI MODIFICADO"),
    "eu:it": ("AI GENERATO", "AI MODIFICATO"),
    "cn": ("AI生成", "AI合成"),
}
NONE = "none"
MARKED = "swap", "animate", "live"  # the verbs whose results have words where nobody says anything
HEIGHT = 0.055  # of the shorter side, of a capital
WIDEST = 0.94  # of a picture
PLATE, INK = 0.35, 0.95  # how light plate and words are; what is below shows through the plate by a third
DRAWN = 100  # pixels that words are drawn high
# Strokes as points in a square of 100, accents above it: the font in the box has plain Latin letters alone.
STROKES = {
    "\N{COMBINING ACUTE ACCENT}": "44,-12 62,-34",
    "\N{COMBINING DIAERESIS}": "32,-22 32,-22|68,-22 68,-22",
    "生": "25,8 15,40|20,30 86,30|22,58 80,58|6,92 94,92|50,8 50,92",
    "成": "14,25 92,25|20,25 18,60 6,94|20,48 46,48 43,78 33,74|55,6 60,45 74,80 91,93 94,76|82,42 65,70 46,90|68,6 80,16",
    "合": "50,6 30,32 6,48|50,6 70,32 94,48|30,50 70,50|24,64 76,64 76,94 24,94 24,64",
}
Box = tuple[float, float, float, float]  # left, top, right, bottom


def words_for(asked: str | None, verb: str, *, made: bool = False) -> str:
    """The words that a result of `verb` has: as `asked`, or as MIEN_MARK says, or those of the verb; empty for none.
    made: whether it was made and not changed. A `RequestError` where no such mark is known."""
    usual = "eu" if verb in MARKED else NONE
    name = (setting("MIEN_MARK") or usual if asked is None else asked).lower()
    if name == NONE:
        return ""
    words = WORDS.get("eu:en" if name == "eu" else name)
    if words is None:
        raise RequestError(f"no mark is called {name!r}: there are eu, {', '.join(WORDS)} and {NONE}")
    return words[0 if made else 1]


def words_of(history: Sequence[Step]) -> str:
    """The words that the last step with any has."""
    return next((step.words for step in reversed(history) if step.words), "")


def drawn(pixels: Array, words: str, boxes: Sequence[Box]) -> Array:
    """A copy of `pixels [H, W, 3]` with words in the first corner that no face is in; of 16 bits as well as 8."""
    plate, (x, y) = _plate(words, pixels.shape[1], pixels.shape[0], boxes)
    out, full = pixels.copy(), np.iinfo(pixels.dtype).max
    part = out[y : y + plate.shape[0], x : x + plate.shape[1]]
    ground = part * np.float32(PLATE)
    part[:] = np.rint(ground + plate * (np.float32(INK * full) - ground))
    return out


def uncovered(opacity: Array, words: str, boxes: Sequence[Box]) -> Array:
    """A copy of a photo's opacity `[H, W]`, in which the words that are `drawn` on it are seen."""
    plate, (x, y) = _plate(words, opacity.shape[1], opacity.shape[0], boxes)
    out = opacity.copy()
    out[y : y + plate.shape[0], x : x + plate.shape[1]] = np.iinfo(opacity.dtype).max
    return out


def _plate(words: str, width: int, height: int, boxes: Sequence[Box]) -> tuple[Array, tuple[int, int]]:
    """Words with a border, `[h, w, 1]` in 0..1, for a picture of that size, and where they go."""
    ink = _ink(words)
    high = min(HEIGHT * min(height, width) * len(ink) / DRAWN, WIDEST * width * len(ink) / ink.shape[1])
    size = max(round(high * ink.shape[1] / len(ink)), 1), max(int(np.ceil(high)), 1)
    ink = cv2.resize(ink, size, interpolation=cv2.INTER_AREA)
    edge = max(size[1] // 2, 1)
    plate = cv2.copyMakeBorder(ink, edge, edge, edge, edge, cv2.BORDER_CONSTANT)[:height, :width, None]
    return plate, _free(plate.shape[1], plate.shape[0], width, height, boxes)


def _free(wide: int, high: int, width: int, height: int, boxes: Sequence[Box]) -> tuple[int, int]:
    """Where a plate goes: the corner, or the middle of an edge, that no face is in, the lower right first; else
    wherever there is room; else where it covers least of them."""
    gap = high // 4
    across = (max(width - wide - gap, 0), min(gap, max(width - wide, 0)), (width - wide) // 2)
    down = (max(height - high - gap, 0), min(gap, max(height - high, 0)))
    anywhere = range(across[0], -1, -max(high // 2, 1)), range(down[0], -1, -max(high // 2, 1))

    def covered(place: tuple[int, int]) -> float:
        x, y = place
        return sum(
            max(min(x + wide, right) - max(x, left), 0) * max(min(y + high, bottom) - max(y, top), 0)
            for left, top, right, bottom in boxes
        )

    places = [*product(across, down), *product(*anywhere)]
    return next((place for place in places if not covered(place)), None) or min(places, key=covered)


@cache
def _ink(words: str) -> Array:
    """Words as white on black, `[h, w]` float32 in 0..1, DRAWN pixels high."""
    font = ImageFont.load_default(round(DRAWN * 1.37))  # of which a capital is DRAWN high
    parts: list[Array] = []
    for letter in words:
        base, *accents = unicodedata.normalize("NFD", letter)
        picture = Image.new("L", (DRAWN, DRAWN * 8 // 5))  # with room for accents
        if base not in STROKES:
            ImageDraw.Draw(picture).text((DRAWN // 2, picture.height), base, 255, font, anchor="ms")
        part = np.array(picture)
        for stroke in "|".join(STROKES[sign] for sign in (base, *accents) if sign in STROKES).split("|"):
            points = np.array([point.split(",") for point in stroke.split()], int).reshape(-1, 2)
            points = points * DRAWN // 100 + (0, len(part) - DRAWN)
            cv2.polylines(part, [points.astype(np.int32)], False, 255, DRAWN // 11, cv2.LINE_AA)
        inked = np.flatnonzero(part.max(0))
        left, right = (inked[0], inked[-1] + 1) if len(inked) else (0, DRAWN // 3)
        parts.append(cv2.copyMakeBorder(part[:, left:right], 0, 0, 0, DRAWN // 7, cv2.BORDER_CONSTANT))
    whole = np.hstack(parts)[:, : -(DRAWN // 7)]
    rows = np.flatnonzero(whole.max(1))
    return whole[rows[0] : rows[-1] + 1].astype(np.float32) / 255
