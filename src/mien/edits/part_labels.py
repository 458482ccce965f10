"""Maps of the parts of a face, as people paint them or parsers give them -> a drawing in flat colours."""

from __future__ import annotations

import cv2
import numpy as np

from ..errors import InputError
from ..face.filters import largest
from ..types import Array

# of CelebAMask-HQ (Lee et al. 2020, arXiv 1907.11922), in the order of their numbers; left and right are the
# picture's
CLASSES = (
    *"background skin nose glasses left-eye right-eye left-brow right-brow left-ear right-ear".split(),
    *"mouth upper-lip lower-lip hair hat earring necklace neck cloth".split(),
)
SHOWN = (  # the colours in which that data set shows them
    *((0, 0, 0), (204, 0, 0), (76, 153, 0), (204, 204, 0), (51, 51, 255), (204, 0, 204), (0, 255, 255)),
    *((255, 204, 204), (102, 51, 0), (255, 0, 0), (102, 204, 0), (255, 255, 0), (0, 0, 153), (0, 0, 204)),
    *((255, 51, 153), (0, 204, 204), (0, 51, 0), (255, 153, 51), (0, 204, 0)),
)
SKIN, DARK, RED = (238, 205, 180), (50, 40, 35), (190, 80, 85)
PAINTED = {  # and in which they are drawn
    **dict.fromkeys(("skin", "nose", "left-ear", "right-ear", "neck"), SKIN),
    **dict.fromkeys(("left-brow", "right-brow", "glasses", "mouth"), DARK),
    **dict.fromkeys(("upper-lip", "lower-lip"), RED),
    "hair": (95, 70, 55),
}
FAR, STRAY = 30, 0.05  # levels that a colour may be off, and how many pixels may be further


def drawn(pixels: Array) -> Array:
    """A drawing `[H, W, 3]` uint8 on white of a map of parts `[H, W, 3]` uint8: grey, with numbers of CLASSES, or in
    the colours that CelebAMask-HQ shows them in. `InputError` where it is neither."""
    labels = read(pixels)
    out = np.full_like(pixels, 255)
    for name, colour in PAINTED.items():
        out[labels == CLASSES.index(name)] = colour
    edges = cv2.morphologyEx(labels, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    out[edges & largest(out < 255)] = DARK
    for eye in ("left-eye", "right-eye"):
        where = (labels == CLASSES.index(eye)).astype(np.uint8)
        moments = cv2.moments(where, binaryImage=True)
        if moments["m00"]:
            centre = round(moments["m10"] / moments["m00"]), round(moments["m01"] / moments["m00"])
            cv2.circle(out, centre, max(1, round(0.3 * moments["m00"] ** 0.5)), DARK, -1, cv2.LINE_AA)
    return out


def read(pixels: Array) -> Array:
    """The numbers of CLASSES in a map: `[H, W]` uint8."""
    grey = pixels[..., 0]
    if (pixels == grey[..., None]).all() and grey.max() < len(CLASSES):
        return grey
    off = np.stack([largest(np.abs(pixels.astype(np.int16) - one)) for one in SHOWN])
    if (off.min(0) > FAR).mean() > STRAY:
        raise InputError(
            f"this is no map of parts: wanted a PNG with numbers below {len(CLASSES)} ({', '.join(CLASSES)}), "
            "or the colours of CelebAMask-HQ"
        )
    return off.argmin(0).astype(np.uint8)
