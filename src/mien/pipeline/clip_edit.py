"""What edits do to faces over time. An edit is asked only at key frames; the Change that it says there is held on the
face in between. Where a key frame shows a hand or a microphone before a face, the frames around are looked at one by
one, and it stays as it is.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..edits.hairstyle import Hairstyle
from ..io import clip_reader as footage
from ..models.kit import Kit
from ..types import Change, Crop, Edit, Face, Person, Photo
from . import photo as apply
from .clip_changes import HeldChanges, Laid
from .clip_faces import ClipFaces, pace
from .look import Look, align_face
from .marking import Touched
from .tracking import Tracker


@dataclass(kw_only=True)
class ClipEditor(ClipFaces):
    """A clip's frames on their way through `stages`, one edit after the other."""

    stages: Sequence[Edit]
    held: HeldChanges
    hidden: dict[int, set[int]] = field(
        default_factory=dict
    )  # by key frame, the faces that something is before
    declined: set[int] = field(
        default_factory=set
    )  # faces that at some key frame cannot have their hairstyle

    @property
    def reach(self) -> int:
        return self.held.reach

    @property
    def nothing(self) -> str:
        if self.edited or not self.declined:
            return super().nothing
        return "; ".join(f"face {name} {self.notes[name]}" for name in sorted(self.declined))

    def ask(self, frame: footage.Frame) -> None:
        """Ask the edits what should change in this frame: of each face, for each stage."""
        names, faces, chosen = self.chosen(frame.number)
        asked: dict[int, list[Laid]] = {names[i]: [] for i in chosen}
        fronts = {i: self._front(frame, faces[i]) for i in chosen}
        look = Look.of(Photo(frame.pixels))

        def change_by(edit: Edit, crop: Crop, faces: list[Face], i: int) -> Change:
            change = fronts[i].keep_hair_colour(crop, apply.make_change(edit, crop, faces, i, fronts[i]))
            if change.note:
                self.notes.setdefault(names[i], change.note)
                self.declined |= {names[i]} if isinstance(edit, Hairstyle) else set()
            change = look.carried_back(change, crop)
            asked[names[i]].append((crop.landmarks, change))
            return change

        if chosen:
            apply.run_edits(frame.pixels, self.stages, faces, chosen, change_by, look.align)
        self.hidden[frame.number] = {names[i] for i in chosen if fronts[i].things is not None}
        self.held.keys[frame.number] = asked

    def draw(self, frame: footage.Frame) -> Any:
        names, faces, chosen = self.chosen(frame.number)
        wanted = {i: self.held.between(names[i], frame.number) for i in chosen}
        chosen = [i for i in chosen if wanted[i]]
        if not chosen:
            return frame.picture
        turn = {i: itertools.count() for i in chosen}
        covered = set().union(
            *(found for n, found in self.hidden.items() if abs(n - frame.number) <= self.every)
        )
        fronts = {i: self._front(frame, faces[i]) for i in chosen if names[i] in covered}

        def recall(edit: Edit, crop: Crop, faces: list[Face], i: int) -> Change:
            change = self.held.at(wanted[i], next(turn[i]), crop.landmarks)
            shown = replace(change, alpha=change.alpha * self.steady[frame.number][names[i]][1])
            return fronts[i].mask_objects(crop, shown) if i in fronts else shown

        before, touched = frame.pixels, Touched()
        self.edited |= {names[i] for i in chosen if names[i] not in self.declined or _shows(wanted[i])}
        after = apply.run_edits(before, self.stages, faces, chosen, recall, align_face, touched)
        return self.finished(frame, before, after, touched)

    def forget(self, drawn: int) -> None:
        super().forget(drawn)
        self.held.forget(drawn - self.behind, drawn)
        for number in [n for n in self.hidden if n <= drawn - self.behind]:
            del self.hidden[number]

    def _front(self, frame: footage.Frame, face: Face) -> apply.Occlusion:
        return apply.find_occlusion(self.tracker.kit.parser, frame.pixels, face)


def _shows(wanted: Sequence[tuple[list[Laid], float]]) -> bool:
    """Whether any Change of a face changes anything."""
    return any(change.alpha.any() for laid, _ in wanted for _, change in laid)


def clip_editor(which: str | Person, stages: Sequence[Edit], fps: float, kit: Kit) -> ClipEditor:
    """What edits the faces of a clip of `fps` frames a second."""
    every, fade = pace(fps)
    held = HeldChanges(every, kit.prototypes.triangles)
    return ClipEditor(Tracker(kit, which), every, fade, stages=stages, held=held)
