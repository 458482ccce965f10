"""What a screen shows of a photo: sRGB in 8 bits, small, as a JPEG without anything else in it."""

from __future__ import annotations

import cv2
import numpy as np

from ..types import Array, Photo
from .colour_profile import profile_of

QUALITY = 95
LINE = 18  # pixels from one line of a caption to the next


def seen(photo: Photo) -> Array:
    """A photo's pixels `[H, W, 3]` as sRGB in 8 bits."""
    profile = profile_of(photo.origin.icc)
    pixels = photo.pixels if photo.pixels.dtype == np.uint8 else (photo.pixels >> 8).astype(np.uint8)
    return pixels if profile is None else profile.picture(pixels)


def at_most(pixels: Array, side: int) -> Array:
    """A picture at most `side` pixels wide or high."""
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return pixels
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)


def caption(words: str, width: int, *more: str) -> Array:
    """Lines of words on white, `[h, width, 3]`; what comes after the first is paler."""
    out = np.full((LINE * (len(more) + 1) + LINE // 2, width, 3), 255, np.uint8)
    for line, text in enumerate((words, *more)):
        place, grey = (LINE // 3, LINE * (line + 1)), 40 + 70 * line
        cv2.putText(out, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.48, (grey,) * 3, 1, cv2.LINE_AA)
    return out


def jpeg(pixels: Array, side: int) -> bytes:
    """A JPEG of sRGB pixels `[H, W, 3]`, at most `side` wide or high."""
    how = [
        cv2.IMWRITE_JPEG_QUALITY,
        QUALITY,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ]
    small = np.ascontiguousarray(at_most(pixels, side)[..., ::-1])
    return cv2.imencode(".jpg", small, how)[1].tobytes()
