"""Where a photo stays as it was: a mask that somebody painted, and what is laid back under it.

taken_keep    the mask of a picture: white stays, black may be edited
laid_back     an edited photo with what the mask keeps, bit for bit
spared        where the mark of a face lies, beside what is kept
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from ..errors import RequestError
from ..face.geometry import scale_of
from ..io.photo_reader import PhotoLike, as_photo
from ..types import Array, Keep, MarkPlace

SHAPE = 0.01  # by which the sides of a mask may be in another proportion than the photo's
RIM = 3.0  # pixels of a mark's crop around what is kept in which no mark is


def taken_keep(mask: PhotoLike | None) -> Keep | None:
    """What a mask keeps; None where none is given. Its brightness counts, and what is transparent is black."""
    if mask is None:
        return None
    if isinstance(mask, np.ndarray) and mask.dtype == bool:
        mask = mask.astype(np.uint8) * 255
    photo = as_photo(mask)
    share = cv2.cvtColor(_eight_bits(photo.pixels), cv2.COLOR_RGB2GRAY)
    if photo.opacity is not None:
        share = cv2.multiply(share, _eight_bits(photo.opacity), scale=1 / 255)
    if not share.any():
        raise RequestError("the mask of what to keep is black: white is what stays as it was")
    name = Path(photo.origin.path).name if photo.origin.path else "mask"
    return Keep(name, hashlib.sha256(share.tobytes()).hexdigest(), share)


def _eight_bits(values: Array) -> Array:
    return values if values.dtype == np.uint8 else (values >> 8).astype(np.uint8)


def laid_back(before: Array, after: Array, keep: Keep) -> Array:
    """`after [H, W, 3]` with what a mask keeps of `before`: where it is white bit for bit, where it is grey in part.
    `RequestError` where the mask is of another shape."""
    share = _laid_on(keep, before)
    left, top, width, height = cv2.boundingRect((share > 0).astype(np.uint8))
    part = slice(top, top + height), slice(left, left + width)
    old, new = before[part].astype(np.float32), after[part].astype(np.float32)
    kept = share[part].astype(np.float32)[..., None] / 255
    out = after.copy()
    out[part] = np.rint(new + kept * (old - new)).astype(after.dtype)
    return out


def _laid_on(keep: Keep, pixels: Array) -> Array:
    """The mask as large as a photo, `[H, W]` uint8."""
    (height, width), (high, wide) = pixels.shape[:2], keep.share.shape
    if abs(math.log(wide / high * height / width)) > SHAPE:
        raise RequestError(
            f"the mask {keep.name} is {wide} x {high} and the photo {width} x {height}: a mask of the photo's shape was wanted"
        )
    return cv2.resize(keep.share, (width, height), interpolation=cv2.INTER_LINEAR)


def spared(place: MarkPlace, pixels: Array, keep: Keep) -> MarkPlace:
    """The place of a mark in a photo with these pixels, which takes no part in what the mask keeps."""
    kept = (_laid_on(keep, pixels) > 0).astype(np.uint8)
    rim = math.ceil(RIM / min(scale_of(place.matrix), 1.0))
    kept = cv2.dilate(kept, np.ones((2 * rim + 1,) * 2, np.uint8))
    there = cv2.warpAffine(kept, place.matrix, place.window.shape[::-1], flags=cv2.INTER_NEAREST)
    return replace(place, window=place.window * (1 - there).astype(np.float32))
