"""One person's face on the head before a camera: measured and drawn beside, about eight times a second, and carried on
the face in between."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..edits.age_floor import CLOSE
from ..edits.swap import Swap
from ..edits.swap_tone import Tones
from ..errors import FaceError
from ..models.prototypes import ADULT
from ..types import Array, Change, Crop, Edit, Face
from .clip_changes import Laid, moved
from .clip_swap import CARRIED, LOOKS, RESHAPED
from .gallery import Gallery
from .live_face import NO_FACE
from .look import align_face
from .photo import make_change, run_edits
from .swap_face import Stages, Target, read_age, refused_for_pose


@dataclass
class LiveSwap:
    """The gallery's face on the one that a camera sees, where that can be swapped; its own elsewhere. ages: in years,
    what the face and the result read at the first looks."""

    gallery: Gallery
    stages: Stages
    tones: Tones | None = None
    ages: list[tuple[float, float]] = field(default_factory=list)
    laid: tuple[tuple[Edit, Laid], ...] = ()
    nothing: str = NO_FACE
    notes = ()
    faceless = False

    def renew(self, pixels: Array, face: Face) -> None:
        """Measure the face, and draw the gallery's in its place."""
        try:
            self.laid, self.nothing = self._drawn(pixels, face), ""
        except FaceError as error:
            self.laid, self.nothing = (), self.nothing and f"the face {error}"

    def show(self, pixels: Array, face: Face, now: float) -> Array:
        """The frame with what was last drawn, where the face is now."""
        laid = self.laid  # once: the other thread may draw anew meanwhile
        held = iter(laid)

        def recall(edit: Edit, crop: Crop, faces: list[Face], i: int) -> Change:
            return moved(next(held)[1], crop.landmarks, self.stages.kit.prototypes.triangles)

        return run_edits(pixels, [edit for edit, _ in laid], [face], [0], recall, align_face)

    def _drawn(self, pixels: Array, face: Face) -> tuple[tuple[Edit, Laid], ...]:
        """Each edit, and what it changed; a `FaceError` says why the face stays as it is."""
        stages, kit = self.stages, self.stages.kit
        target = Target.of(pixels, face, stages)
        portrait, front = target.portrait, target.front
        crop = portrait.crop
        if why := refused_for_pose(portrait.yaw, portrait.pitch, portrait.width, self.gallery):
            raise FaceError(why)
        picture = self.gallery.choose(portrait, target.expression).portrait
        laid: list[tuple[Edit, Laid]] = []

        def ask(edit: Edit, crop: Crop, faces: list[Face], i: int) -> Change:
            if isinstance(edit, Swap):
                change, self.tones = edit.drawn(crop)
            else:
                change = make_change(edit, crop, faces, i, front)
            change = front.mask_objects(crop, change)
            laid.append((edit, (crop.landmarks, change)))
            return change

        if stages.shaves(portrait, picture):
            pixels = run_edits(pixels, [stages.removal()], [face], [0], ask, align_face)
            portrait = Target.of(pixels, face, stages).portrait
        held = None if self.tones is None else (self.tones, CARRIED)
        overlay = stages.overlay(((picture, 1.0),), ((portrait, 1.0),), crop.size, held=held)
        edits = [stages.reshape(self.gallery.identity, size=RESHAPED), overlay]
        after = run_edits(pixels, edits, [face], [0], ask, align_face)
        if len(self.ages) < LOOKS:
            now, then = (read_age(one, kit) for one in (crop, align_face(after, face, overlay.alignment)))
            self.ages.append((now, then))
        reads, would_read = np.mean(self.ages, axis=0)
        if reads < ADULT or would_read < ADULT - CLOSE:
            raise FaceError(
                f"reads {reads:.0f} years, and would read {would_read:.0f}: nobody under 18 takes part"
            )
        return tuple(laid)
