"""Which portraits faces are put together from: of people who do not exist, evenly lit, bare faced, and no two
alike."""

from __future__ import annotations

import cv2
import numpy as np

from ...types import Array
from ..prototypes import IMAGINED
from .blocks import DARK
from .portraits import Portraits
from .statistics import Statistics
from .struck import MIRRORED, STRUCK

YAW, PITCH = 15.0, 12.0  # degrees
GREY = 40  # median saturation of a face below which it is black and white
COVERED = {"hair": 0.12, "glasses": 0.05, "other": 0.02}  # of a face, by the parser
UNEVEN, LIT = 0.6, 0.33  # log luma: between the halves of a region, and the spread of a face's light
YOUNGEST = 20.0  # years, as read: of pieces of younger looking portraits come faces that read less than 18
CLOSED = 0.075  # gap of the lids over the distance of the outer corners of the eyes
CAST, CHROMA = (
    (-55.0, -15.0),
    (9.5, 50.5),
)  # of the skin's chroma: its angle in degrees from red, and its length
GAPING = 0.32  # opening of a mouth, over the eye distance
DARKEST = 59.0  # luma of the skin: less is too little light
ALIKE = 0.42  # distance of identities below which the later of two portraits is left out


def imagined(portraits: Portraits) -> Array:
    """Who does not exist, `[n]` bool."""
    return np.array([row["source"] in IMAGINED for row in portraits.rows])


def suitable(portraits: Portraits, statistics: Statistics) -> Array:
    """The numbers of the portraits that make up the bank, in the order of the folder."""
    good = imagined(portraits) & (portraits.label("hat") == 0) & (portraits.label("glasses") == 0)
    struck = {file for files in STRUCK.values() for file in files}
    good &= np.array([row["hair"] != "dyed" and row["file"] not in struck for row in portraits.rows])
    good &= (portraits.mouth[:, 2] < GAPING) & (portraits.reading >= YOUNGEST)
    good &= (np.abs(portraits.pose) < [YAW, PITCH]).all(1)
    for name, most in COVERED.items():
        good &= cover(portraits, name) < most
    good &= (
        (statistics.light < LIT)
        & (statistics.raw("tone_luma") > DARKEST)
        & (_lids(portraits.points) > CLOSED)
    )
    good &= _lit_white(statistics)
    kept = list[int]()
    for k in np.flatnonzero(good).tolist():
        if _saturation(portraits, k) <= GREY or _unevenness(portraits, k) >= UNEVEN:
            continue
        apart = np.linalg.norm(portraits.identity[kept] - portraits.identity[k], axis=1)
        if not (apart < ALIKE).any():
            kept.append(k)
    return np.array(kept)


def cover(portraits: Portraits, name: str) -> Array:
    """How much of each face a region of the parser covers, `[n]` in 0..1."""
    face = cv2.resize(portraits.layout.face, (64, 64), interpolation=cv2.INTER_AREA)
    return np.tensordot(portraits.region(name) / 255, face, 2) / face.sum()


def shown(portraits: Portraits) -> Array:
    """Whose head may be shown, `[n]` bool; the others give features only."""
    return np.array([row["file"] not in MIRRORED for row in portraits.rows])


def _lit_white(statistics: Statistics) -> Array:
    """Whose skin has a colour that skin has in white light, `[n]` bool."""
    red, blue = statistics.raw("tone_cr") - 128, statistics.raw("tone_cb") - 128
    angle, length = np.degrees(np.arctan2(blue, red)), np.hypot(red, blue)
    return (angle > CAST[0]) & (angle < CAST[1]) & (length > CHROMA[0]) & (length < CHROMA[1])


def _lids(points: Array) -> Array:
    """How wide eyes are open over the distance of their outer corners, `[n]`."""
    gap = sum(np.linalg.norm(points[:, a] - points[:, b], axis=1) for a, b in ((159, 145), (386, 374))) / 2
    return gap / np.linalg.norm(points[:, 33] - points[:, 263], axis=1)


def _saturation(portraits: Portraits, k: int) -> float:
    face = portraits.layout.face > 0.5
    return float(np.median(cv2.cvtColor(portraits.pictures[k], cv2.COLOR_RGB2HSV)[..., 1][face]))


def _unevenness(portraits: Portraits, k: int) -> float:
    """How unlike the halves of eyes, nose or mouth are, whichever is most: root mean square of log luma."""
    luma = cv2.cvtColor(portraits.pictures[k], cv2.COLOR_RGB2GRAY).astype(np.float32)
    log = np.log(cv2.GaussianBlur(luma, (0, 0), 2) + DARK)
    apart = (log - log[:, ::-1]) ** 2
    return float(max(np.sqrt((apart * part).sum() / part.sum()) for part in portraits.layout.regions))
