"""Whether an edit did what it says: how far it went, by the reader, the mesh and the colours of the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from . import geometry, latents, measure, mesh
from .kit import Kit
from .types import Alignment, Array, Face

SEEN = Alignment("face", 256)
CORNERS = ((33, 133), (362, 263))  # of the two eyes


@dataclass(frozen=True, eq=False)
class Look:
    """A face as the measures see it: points `[478, 2]`, its landmarks in eye distances; traits `[3]` (see `latents.traits`); lab
    `[256, 256, 3]`, the face laid out; places `[478, 2]`, its landmarks there."""

    points: Array
    traits: Array
    lab: Array
    places: Array


def look(kit: Kit, pixels: Array, face: Face, matrix: Array | None = None) -> Look:
    """Look at a face of `pixels` uint8. matrix: how it was laid out before; default: as it lies now."""
    matrix = geometry.similarity(face.landmarks, SEEN) if matrix is None else matrix
    lab = cv2.cvtColor(geometry.warp(pixels, matrix, SEEN.size).astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    places = geometry.transform(face.landmarks, matrix)
    return Look(face.landmarks / measure.eye_distance(face), latents.traits(kit, pixels, face), lab, places)


@dataclass(frozen=True)
class Measure:
    """How to tell whether an edit did what it says: `way` is how far it went (of a strength above 0: up), `least` what counts as having
    gone, `unit` what it is in; `fit` says who can show it at all, of more of it (1) or
    of less (-1)."""

    way: Callable[[Look, Look], float]
    least: float
    unit: str
    fit: Callable[[Look, float], bool] = lambda look, sign: True


def _trait(k: int) -> Callable[[Look, Look], float]:
    return lambda before, after: float(after.traits[k] - before.traits[k])


def _part(outlines: Sequence[tuple[int, ...]], channel: int) -> Callable[[Look, Look], float]:
    """How much a channel of Lab changes inside outlines over the mesh."""

    def way(before: Look, after: Look) -> float:
        weight = np.maximum.reduce([mesh.polygon(before.places, outline, SEEN.size, feather=1) for outline in outlines])
        return float(((after.lab - before.lab)[..., channel] * weight).sum() / weight.sum())

    return way


def _tilt(axis: int) -> Callable[[Look, Look], float]:
    """How much lighter one half of the skin gets than the other: along axis 1 the right half, along 0 the upper one."""

    def way(before: Look, after: Look) -> float:
        skin = mesh.skin(before.places, SEEN.size)
        middle = before.places[:468].mean(0)[1 - axis]
        side = np.sign(np.arange(SEEN.size) - middle) * (1 if axis else -1)
        far = skin * (side[None, :] if axis else side[:, None])
        change = (after.lab - before.lab)[..., 0]
        return float((change * far.clip(0)).sum() / far.clip(0).sum() - (change * -far.clip(None, 0)).sum() / -far.clip(None, 0).sum())

    return way


def _gaze(axis: int) -> Callable[[Look, Look], float]:
    """Where the irises look within the lids: right, or up."""

    def at(look: Look) -> float:
        eyes = [look.points[468 + 5 * k] - look.points[list(CORNERS[k])].mean(0) for k in (0, 1)]
        return float(np.mean(eyes, axis=0)[axis]) * (-1 if axis else 1)

    return lambda before, after: at(after) - at(before)


def _opening(before: Look, after: Look) -> float:
    now, then = (float(np.linalg.norm(one.points[13] - one.points[14])) for one in (before, after))
    return then - now


def _calmer(before: Look, after: Look) -> float:
    """By how much the skin's blotches fall (lightness between blurs of 2 and 12 pixels), as a share of them."""
    skin = mesh.skin(before.places, SEEN.size)
    uneven = []
    for one in (before, after):
        fine, coarse = (cv2.GaussianBlur(one.lab[..., 0], (0, 0), sigma) for sigma in (2, 12))
        uneven.append(float(np.sqrt((np.square(fine - coarse) * skin).sum())))
    return float(1 - uneven[1] / uneven[0])


def _skin(look: Look) -> Array:
    weight = mesh.skin(look.places, SEEN.size)
    return np.tensordot(weight, look.lab, 2) / weight.sum()


MEASURES = {
    "smile": Measure(_trait(0), 0.3, "smiles", lambda look, sign: sign * look.traits[0] < 0.5),
    "age": Measure(_trait(1), 2.0, "years", lambda look, sign: look.traits[1] < 70 if sign > 0 else look.traits[1] > 28),
    "age_to": Measure(_trait(1), 2.0, "years", lambda look, sign: look.traits[1] < 60),
    "sex": Measure(_trait(2), 0.1, "of 2", lambda look, sign: sign * look.traits[2] < 0.8),
    "mouth": Measure(_opening, 0.03, "eye distances"),
    "gaze": Measure(_gaze(0), 0.01, "eye distances"),
    "gaze_up": Measure(_gaze(1), 0.01, "eye distances"),
    "beauty": Measure(_calmer, 0.01, "of the unevenness"),
    "lips": Measure(_part((mesh.LIPS,), 1), 3.0, "Lab a"),
    "light": Measure(_tilt(1), 1.0, "Lab L"),
    "toplight": Measure(_tilt(0), 1.0, "Lab L"),
    "warmth": Measure(lambda before, after: _skin(after)[2] - _skin(before)[2], 1.0, "Lab b"),
}
