"""A face of a photo that does a motion: which may, and what of a motion a photo does not allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..edits.age_floor import age_reader
from ..edits.reenact import Drawing, Parts, Reenactor
from ..edits.reenact_drawn import DrawnFace
from ..edits.reenact_head import allowed_yaw
from ..errors import FaceError
from ..face import geometry
from ..face.motion import Motion
from ..models.animator import Animator
from ..models.prototypes import ADULT
from ..types import Array, Face, Photo
from .look import PhotoFaces
from .photo import find_occlusion

SMALLEST = 24.0  # pixels between the eyes
TURNED, NODDED = 35.0, 30.0  # degrees of yaw and pitch beyond which too little of the face is in a photo
CUT, OFTEN = 6.0, 0.1  # degrees of yaw that a photo does not allow, in more than that share of the frames


@dataclass(frozen=True, eq=False)
class Actor:
    """A face of the photo, by its number from 1, with its landmarks `[478, 2]`, and what it does: parts of a motion.
    drawn: where a network draws it, too; silent: a mask or a scarf covers the lips, which do not move below it."""

    number: int
    landmarks: Array
    reenactor: Reenactor
    motion: Motion
    parts: Parts
    drawn: DrawnFace | None = None
    silent: bool = False

    def draw(self, out: Array, seconds: float) -> None:
        """Draw the face as it is at a time into the photo `out [H, W, 3]`, which has not moved there."""
        gesture = self.motion.at(seconds)
        self.reenactor.draw(out, gesture, self.parts)
        if self.drawn:
            self.drawn.draw(out, gesture, self.parts)

    def moved(self, seconds: float) -> Array:
        """Where its landmarks lie at a time."""
        return self.reenactor.moved(self.landmarks, self.motion.at(seconds), self.parts)

    @staticmethod
    def of(
        i: int,
        motion: Motion,
        parts: Parts,
        photo: Photo,
        faces: Sequence[Face],
        drawing: Drawing,
        animator: Animator | None,
    ) -> Actor:
        """Face `i` of a photo, prepared. What covers the lips goes along with the head, and does not speak."""
        others = [one.landmarks for one in faces if one is not faces[i]]
        reenactor = Reenactor.of(photo.pixels, faces[i], drawing, others)
        triangles = drawing.shapes.triangles(drawing.prototypes.triangles)
        drawn = DrawnFace.of(animator, reenactor, triangles, photo.pixels) if animator else None
        covered = find_occlusion(drawing.parser, photo.pixels, faces[i]).covered
        silent = parts.lips > 0 and covered == "mouth"
        done = replace(parts, lips=0.0) if silent else parts
        return Actor(i + 1, faces[i].landmarks, reenactor, motion, done, drawn, silent)


def check_face(seen: PhotoFaces, i: int) -> None:
    """Refuse a face that cannot be moved."""
    face, who = seen.faces[i], f"face {i + 1}"
    apart = geometry.eye_distance(face.landmarks)
    if apart < SMALLEST:
        raise FaceError(
            f"{who} is too small: {apart:.0f} pixels between the eyes, {SMALLEST:.0f} were wanted: give a larger picture"
        )
    if abs(face.yaw) > TURNED or abs(face.pitch) > NODDED:
        raise FaceError(
            f"{who} is turned by {abs(face.yaw):.0f} degrees and nods by {abs(face.pitch):.0f}; up to {TURNED:.0f} and "
            f"{NODDED:.0f} can be moved"
        )
    age = age_reader(seen.kit).read(seen.aligned(face, seen.kit.prototypes.alignment))
    if age < ADULT:
        raise FaceError(f"{who} reads {age:.0f} years, and nobody under 18 is moved")


def notes(actors: tuple[Actor, ...]) -> tuple[str, ...]:
    """What of the motions a photo does not allow."""
    told = list[str]()
    for actor in actors:
        if actor.silent:
            told.append(f"face {actor.number} has its mouth covered, so its lips do not move")
        own = float(actor.reenactor.field.rest.angles[0])
        yaw = actor.motion.values[:, 0] * actor.parts.pose
        lost = np.abs(yaw - [allowed_yaw(own, float(one)) for one in yaw]) > CUT
        if lost.mean() > OFTEN:
            told.append(
                f"face {actor.number} turns less than the motion in {lost.mean():.0%} of the frames: a single photo shows "
                "no more of it"
            )
    return tuple(told)
