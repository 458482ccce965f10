"""Edits of the face before a camera: asked beside, carried by the mesh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..edits.effect_paint import Paint
from ..edits.effect_stickers import Stickers
from ..edits.effects import at_time
from ..face import mesh
from ..face.filters import largest, smoothstep
from ..models.kit import Kit
from ..types import Alignment, Array, Change, Crop, Edit, Face, Photo
from . import photo as apply
from .clip_changes import Laid, moved
from .live_face import NO_FACE
from .look import Look, align_face
from .photo import NOTHING_BEFORE, Occlusion

PARSED = 3  # times that Changes are renewed, of which what is before the face is looked for once
SMALL = Alignment("ffhq", 64)  # as what is looked at of each frame
# levels that a face differs by from when its edits were asked where something has come before it or gone, and how much of
# it then does at the least: mouths that speak and lids that shut are less
NEW, MUCH = (20, 40), 0.08


@dataclass
class LiveEdits:
    """Edits of the face that a camera sees."""

    stages: Sequence[Edit]
    kit: Kit
    anew: Sequence[Paint | Stickers] = ()
    laid: tuple[Laid, ...] = ()
    front: Occlusion = NOTHING_BEFORE
    renewed: int = 0
    seen: Array | None = None
    nothing: str = NO_FACE
    notes: tuple[str, ...] = ()
    faceless = False

    def renew(self, pixels: Array, face: Face) -> None:
        """Ask the edits what should change."""
        asked, now = list[Laid](), _small(pixels, face)
        front, look = self._before(pixels, face, now), Look.of(Photo(pixels))

        def ask(edit: Edit, crop: Crop, faces: list[Face], i: int) -> Change:
            change = apply.make_change(edit, crop, faces, i, front)
            change = look.carried_back(front.mask_objects(crop, front.keep_hair_colour(crop, change)), crop)
            asked.append((crop.landmarks, change))
            return change

        apply.run_edits(pixels, self.stages, [face], [0], ask, look.align)
        self.laid, self.seen = tuple(asked), now.pixels
        notes = [change.note for _, change in asked if change.note]
        self.notes = tuple(dict.fromkeys((*self.notes, *(f"the face {note}" for note in notes))))
        if self.anew or not notes or any(change.alpha.any() for _, change in asked):
            self.nothing = ""
        elif self.nothing:
            self.nothing = "; ".join(self.notes)

    def _before(self, pixels: Array, face: Face, now: Crop) -> Occlusion:
        """What is before the face; between two looks it goes along with it, unless something has come. now: it, small."""
        if self.renewed % PARSED == 0 or self._come(now) is not NOTHING_BEFORE:
            self.front = apply.find_occlusion(self.kit.parser, pixels, face)
        self.renewed += 1
        return self.front.following(face, self.kit.parser.alignment)

    def _come(self, now: Crop) -> Occlusion:
        """Where something has come before the face since its edits were asked, or gone. now: the face, small."""
        if self.seen is None:
            return NOTHING_BEFORE
        share = smoothstep(largest(cv2.absdiff(now.pixels, self.seen)).astype(np.float32), *NEW)
        if share[mesh.hull_mask(now.landmarks, now.size) > 0].mean() < MUCH:
            return NOTHING_BEFORE
        around = cv2.GaussianBlur(cv2.dilate(share, np.ones((5, 5))), (0, 0), 1)
        return Occlusion(around, None, now.matrix, ())

    def show(self, pixels: Array, face: Face, now: float) -> Array:
        """The frame with what was last asked, where the face is now, and with what is drawn in every one."""
        laid = self.laid
        come = self._come(_small(pixels, face)) if laid else NOTHING_BEFORE
        stage = iter(laid)

        def recall(edit: Edit, crop: Crop, faces: list[Face], i: int) -> Change:
            return come.mask_objects(crop, moved(next(stage), crop.landmarks, self.kit.prototypes.triangles))

        shown = apply.run_edits(pixels, self.stages[: len(laid)], [face], [0], recall, align_face)
        return apply.run_edits(shown, at_time(self.anew, now), [face], [0], apply.make_change, align_face)


def _small(pixels: Array, face: Face) -> Crop:
    """A face as it is looked at in every frame, without its grain."""
    crop = align_face(pixels, face, SMALL)
    return replace(crop, pixels=cv2.GaussianBlur(crop.pixels, (0, 0), 1))
