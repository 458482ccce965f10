"""Edits of the face before a camera: asked beside, carried by the mesh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..edits.effect_paint import Paint
from ..edits.effect_stickers import Stickers
from ..edits.effects import at_time
from ..models.kit import Kit
from ..types import Array, Change, Crop, Edit, Face, Photo
from . import photo as apply
from .clip_changes import Laid, moved
from .live_face import NO_FACE
from .look import Look, align_face
from .photo import NOTHING_BEFORE, Occlusion

PARSED = 3  # times that Changes are renewed, of which what is before the face is looked for once


@dataclass
class LiveEdits:
    """Edits of the face that a camera sees."""

    stages: Sequence[Edit]
    kit: Kit
    anew: Sequence[Paint | Stickers] = ()
    laid: tuple[Laid, ...] = ()
    front: Occlusion = NOTHING_BEFORE
    renewed: int = 0
    nothing: str = NO_FACE
    notes: tuple[str, ...] = ()
    faceless = False

    def renew(self, pixels: Array, face: Face) -> None:
        """Ask the edits what should change."""
        asked: list[Laid] = []
        front, look = self._before(pixels, face), Look.of(Photo(pixels))

        def ask(edit: Edit, crop: Crop, faces: list[Face], i: int) -> Change:
            change = apply.make_change(edit, crop, faces, i, front)
            change = look.carried_back(front.mask_objects(crop, front.keep_hair_colour(crop, change)), crop)
            asked.append((crop.landmarks, change))
            return change

        apply.run_edits(pixels, self.stages, [face], [0], ask, look.align)
        self.laid = tuple(asked)
        notes = [change.note for _, change in asked if change.note]
        self.notes = tuple(dict.fromkeys((*self.notes, *(f"the face {note}" for note in notes))))
        if self.anew or not notes or any(change.alpha.any() for _, change in asked):
            self.nothing = ""
        elif self.nothing:
            self.nothing = "; ".join(self.notes)

    def _before(self, pixels: Array, face: Face) -> Occlusion:
        """What is before the face; between two looks it goes along with it."""
        if self.renewed % PARSED == 0:
            self.front = apply.find_occlusion(self.kit.parser, pixels, face)
        self.renewed += 1
        return self.front.following(face, self.kit.parser.alignment)

    def show(self, pixels: Array, face: Face, now: float) -> Array:
        """The frame with what was last asked, where the face is now, and with what is drawn in every one."""
        laid = self.laid
        stage = iter(laid)

        def recall(edit: Edit, crop: Crop, faces: list[Face], i: int) -> Change:
            return moved(next(stage), crop.landmarks, self.kit.prototypes.triangles)

        shown = apply.run_edits(pixels, self.stages[: len(laid)], [face], [0], recall, align_face)
        return apply.run_edits(shown, at_time(self.anew, now), [face], [0], apply.make_change, align_face)
