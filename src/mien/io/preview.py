"""What a screen shows of a photo: sRGB in 8 bits, small, as a JPEG without anything else in it."""

from __future__ import annotations

import cv2
import numpy as np

from ..types import Array, Photo
from .colour_profile import profile_of

QUALITY = 95


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
