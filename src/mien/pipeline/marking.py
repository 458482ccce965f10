"""Where marks in the pixels lie: in faces that were changed or made, laid out by their own landmarks.

A mark is laid by what writes a file, so pixels in memory have none: of many changes one label comes and one mark, and
whoever measures an edit measures the edit. It stays inside the Changes that it tells of; where they are too small to
carry it, as on lips, it takes the whole face, and never anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from ..face import geometry, mesh
from ..face.change import border_falloff
from ..face.topology import POINTS
from ..io.watermark import LAYOUT
from ..models.kit import Kit
from ..models.landmarker import Landmarker
from ..types import Alignment, Array, Change, Crop, Face, MarkPlace, Photo
from .look import PhotoFaces

SMALLEST = 50.0  # pixels of a face's width: in smaller ones no mark can be heard
AROUND = Alignment("head", 448)  # as a face is looked at anew
ENOUGH = 0.7  # of a face that Changes must cover to carry a mark

Uncovered = Callable[[Crop], Array]  # where in a crop of a face nothing is before it, `[S, S]` in 0..1


@dataclass
class Touched:
    """What `run_edits` has done to faces, by their indices: their landmarks `[478, 2]` (photo xy) in the end, and
    where each Change lay, as a crop's matrix and the alpha `[S, S]` in it. landmarker: finds the landmarks that are seen
    then in faces that were moved, as who listens for a mark will: those that followed the Changes are not near enough."""

    landmarker: Landmarker | None = None
    landmarks: dict[int, Array] = field(default_factory=dict)
    alphas: dict[int, list[tuple[Array, Array]]] = field(default_factory=dict)
    moved: set[int] = field(default_factory=set)

    def add(self, i: int, landmarks: Array, crop: Crop, change: Change) -> None:
        """A Change was composited into face `i`, which then has these landmarks."""
        self.landmarks[i] = landmarks
        if change.alpha.any():
            self.alphas.setdefault(i, []).append((crop.matrix, change.alpha))
        if self.landmarker and change.flow.any():
            self.moved.add(i)

    def places(
        self, before: Array, after: Array, uncovered: Mapping[int, Uncovered] | None = None
    ) -> tuple[MarkPlace, ...]:
        """Where marks of the changes from one picture to the other lie: in no face whose pixels are the same."""
        changed = {
            i: alphas
            for i, alphas in self.alphas.items()
            if any(_differ(before, after, matrix, len(alpha)) for matrix, alpha in alphas)
        }
        found = (
            place(after, self._seen(after, i), alphas, (uncovered or {}).get(i))
            for i, alphas in changed.items()
        )
        return tuple(one for one in found if one is not None)

    def _seen(self, after: Array, i: int) -> Array:
        """The landmarks of face `i` in the end."""
        if self.landmarker is None or i not in self.moved:
            return self.landmarks[i]
        crop = geometry.align(after, self.landmarks[i], AROUND)
        seen = self.landmarker.laid_anew(crop).landmarks
        return geometry.transform(seen, geometry.invert(crop.matrix))


def _differ(before: Array, after: Array, matrix: Array, size: int) -> bool:
    """Whether two pictures differ where a crop is."""
    left, top, right, bottom = geometry.footprint(matrix, (0, 0, size - 1, size - 1), before.shape, margin=2)
    return not np.array_equal(before[top:bottom, left:right], after[top:bottom, left:right])


def place(
    pixels: Array,
    landmarks: Array,
    alphas: Sequence[tuple[Array, Array]] = (),
    uncovered: Uncovered | None = None,
) -> MarkPlace | None:
    """Where the mark of a face lies in a picture: within the alphas that changed it, where they are enough; None where
    the face is too small."""
    if float(np.ptp(landmarks[:POINTS, 0])) < SMALLEST:
        return None
    crop = geometry.align(pixels, landmarks, LAYOUT)
    window = _window(crop)
    changed = np.zeros_like(window)
    for matrix, alpha in alphas:
        there = geometry.compose(crop.matrix, geometry.invert(matrix))
        changed = np.maximum(changed, cv2.warpAffine(alpha, there, window.shape, flags=cv2.INTER_LINEAR))
    if not alphas or (window * changed).sum() < ENOUGH * window.sum():
        changed = 1.0 if uncovered is None else uncovered(crop)
    return MarkPlace(crop.matrix, _grey(crop), (window * changed).astype(np.float32), window)


def _window(crop: Crop) -> Array:
    """The face in its crop, softly: `[S, S]` in 0..1, 0 beyond it."""
    inside = cv2.erode(mesh.hull_mask(crop.landmarks, crop.size), np.ones((5, 5), np.uint8))
    soft = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), crop.size / 64) * inside
    return soft * border_falloff(crop.size)


def _grey(crop: Crop) -> Array:
    return cv2.cvtColor(crop.pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)


def found_places(photo: Photo, kit: Kit) -> tuple[MarkPlace, ...]:
    """Where marks lie in a picture that was made or drawn as a whole: in all faces that are found in it."""
    return places_of(photo, PhotoFaces(photo, kit).faces)


def places_of(photo: Photo, faces: Sequence[Face]) -> tuple[MarkPlace, ...]:
    """The same, where the faces are known."""
    found = (place(photo.pixels, face.landmarks) for face in faces)
    return tuple(one for one in found if one is not None)


def finished(photo: Photo, words: str, faces: Sequence[Face]) -> Photo:
    """A picture that was made or drawn as a whole and shows these faces, with where its marks lie, and words for a corner
    of what is written."""
    return worded(replace(photo, marks=places_of(photo, faces)), words, faces)


def worded(photo: Photo, words: str, faces: Sequence[Face]) -> Photo:
    """The photo with words for a corner of what is written, as its last step says; faces: all that it shows."""
    if not words:
        return photo
    boxes = tuple(box_of(face.landmarks) for face in faces)
    *before, last = photo.history
    return replace(photo, history=(*before, replace(last, words=words)), boxes=boxes)


def box_of(landmarks: Array) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a face."""
    (left, top), (right, bottom) = landmarks.min(0).tolist(), landmarks.max(0).tolist()
    return left, top, right, bottom


def joined(older: Sequence[MarkPlace], newer: Sequence[MarkPlace]) -> tuple[MarkPlace, ...]:
    """Places of a photo, and those of what was done to it next: of one face the newer."""
    centre = np.full(2, (LAYOUT.size - 1) / 2)

    def same(one: MarkPlace, other: MarkPlace) -> bool:
        there = geometry.transform(geometry.transform(centre, geometry.invert(one.matrix)), other.matrix)
        return float(np.hypot(*(there - centre))) < LAYOUT.size / 4

    return (*(one for one in older if not any(same(one, other) for other in newer)), *newer)
