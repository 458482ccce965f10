"""Traits of a face as the prototypes' reader and the mesh have them: smile, age and sex, as three numbers."""

from __future__ import annotations

import numpy as np

from ..face import geometry, mesh
from ..types import Alignment, Array, Face
from .kit import Kit

TRAITS = {
    "smile": 1.0,
    "age": 30.0,
    "sex": 1.0,
}  # as `edits.EDITS` names and measures them, and what is much of each
LAYOUT = Alignment("head", 448)  # what the prototypes read


def read_traits(kit: Kit, pixels: Array) -> Array | None:
    """The traits `[3]` of the largest face in a picture; None where there is no face."""
    faces = kit.faces(pixels)
    if not faces:
        return None
    return face_traits(kit, pixels, max(faces, key=lambda one: one.area))


def face_traits(kit: Kit, pixels: Array, face: Face) -> Array:
    """The traits `[3]` of one face: smile (1 is the prototypes' full one; what it is in neutral faces
    differs), age in years and not clipped, sex -1..1."""
    reading = kit.prototypes.read(geometry.align(pixels, face.landmarks, LAYOUT))
    full = kit.prototypes.mouth_of(1.0)
    return np.array(
        [mesh.mouth_shape(face.landmarks) @ full / (full @ full), reading.age, 2 * reading.sex - 1]
    )
