"""Which faces are meant: all, the largest, one by its number, or those of a person whom a picture shows."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np

from ..arguments import checked
from ..errors import FaceError, InputError, RequestError
from ..io.photo_reader import PhotoLike, as_photo
from ..models.kit import Kit, shared_kit
from ..types import Array, Face, Person
from .look import PhotoFaces

FaceLike = str | int | Person | PhotoLike  # what `meant` takes
RIVAL = 0.5  # of the largest face: another one as large as that leaves open who is meant


@checked
def person(picture: PhotoLike, *, kit: Kit | None = None) -> Person:
    """Who a picture shows: of several faces the one that is clearly the largest. Raises `FaceError` where
    there is none."""
    photo = as_photo(picture)
    seen, name = PhotoFaces(photo, kit or shared_kit()), Path(photo.origin.path or "a picture").name
    vector = seen.identity(clearly_largest(seen, name)).vector
    digest = hashlib.sha256(photo.pixels.tobytes()).hexdigest()
    return Person(name, digest, tuple(float(v) for v in vector))


def clearly_largest(seen: PhotoFaces, name: str) -> Face:
    """The face that a picture of one person shows; a `FaceError` that names the picture where that is none or open."""
    faces = seen.by_size
    if not faces:
        raise FaceError(f"{name}: no face found, so nobody to look for: give a picture of one person")
    if len(faces) > 1 and faces[1].area > RIVAL * faces[0].area:
        raise FaceError(f"{name} shows {len(faces)} faces: give a picture of one person, or cut it to one")
    return faces[0]


@checked
def meant(face: FaceLike, *, kit: Kit | None = None) -> str | Person:
    """What a request holds of `face`: "all", "largest", a number as text, or the person whom a picture
    shows."""
    if isinstance(face, Person):
        return face
    if isinstance(face, int):
        return str(face)
    if isinstance(face, str) and (face in ("all", "largest") or face.isdecimal()):
        return face
    if isinstance(face, str | os.PathLike) and not Path(face).is_file():
        raise InputError(f"face {str(face)!r} is neither all, largest, a number nor a picture: no such file")
    return person(face, kit=kit)


def most_typical(vectors: Array) -> int:
    """Which of several identities `[n, E]` is most like the others."""
    return int(np.argmax(np.median(vectors @ vectors.T, axis=1)))


def select_faces(kit: Kit, pixels: Array, faces: list[Face], which: str | Person) -> list[int]:
    """The indices of the faces of `pixels [H, W, 3]` that are meant: by "all", "largest", a number as `find`
    counts them from 1, or a person."""
    if not faces:
        raise FaceError(
            f"no face found in {pixels.shape[1]} x {pixels.shape[0]} pixels: "
            "try a larger or brighter picture, or `mien find --draw` to see what is found"
        )
    if isinstance(which, Person):
        return [_most_like(kit, pixels, faces, which)]
    if which == "all":
        return list(range(len(faces)))
    if which == "largest":
        return [max(range(len(faces)), key=lambda i: faces[i].area)]
    if not isinstance(which, str) or not which.isdecimal():  # pyright: ignore[reportUnnecessaryIsInstance] - a request is anybody's
        raise RequestError(f"face {which!r} is neither all, largest, a number from 1 on nor a picture")
    if not 1 <= int(which) <= len(faces):
        raise FaceError(
            f"there is no face {which}: {len(faces)} found, numbered from 1, left to right (see `mien find --draw`)"
        )
    return [int(which) - 1]


def likenesses_to(who: Person, kit: Kit, pixels: Array, faces: list[Face]) -> list[float]:
    """How alike each of a picture's faces is to a person."""
    embedder = kit.embedder()
    return [who.identity.likeness(embedder.identity_in(pixels, face)) for face in faces]


def _most_like(kit: Kit, pixels: Array, faces: list[Face], who: Person) -> int:
    embedder, likeness = kit.embedder(), likenesses_to(who, kit, pixels, faces)
    best = int(np.argmax(likeness))
    if likeness[best] < embedder.threshold:
        raise FaceError(
            f"nobody here is who {who.name} shows: the most alike of {len(faces)} scores {likeness[best]:.2f}, "
            f"and one person {embedder.threshold:g} or more"
        )
    return best
