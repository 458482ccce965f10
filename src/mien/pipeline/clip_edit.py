"""What edits do to faces over time. An edit is asked only at key frames; the Change that it says there is held on the
face in between. Where a key frame shows a hand or a microphone before a face, the frames around are looked at one by
one, and it stays as it is.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..edits.effect_paint import Paint
from ..edits.effect_stickers import Stickers
from ..edits.effects import at_time, in_time
from ..edits.hairstyle import Hairstyle
from ..edits.keys import Keys, share_at
from ..edits.mouth import Grin, Mouth
from ..face.change import lessened
from ..io import clip_reader as footage
from ..models.kit import Kit
from ..types import Array, Change, Crop, Edit, Face, Person, Photo
from . import photo as apply
from .clip_changes import HeldChanges, Laid, mean
from .clip_faces import ClipFaces, pace
from .look import Look, align_face
from .marking import Touched
from .tracking import Tracker

AT_TIMES = " (in some frames)"  # behind what is told of a face of which it is not true all the time
PARTS = 0.25, 0.5  # of what a mouth does, that are made for themselves where it is to do less at times


@dataclass(kw_only=True)
class ClipEditor(ClipFaces):
    """A clip's frames on their way through `stages`, one edit after the other, whose Changes are held between key frames,
    and then through what draws every frame `anew`; of each so much as `strength` says of the frame's time from `zero`, the
    start of the clip on its own clock. parts: by the stage, what does PARTS of it where parts of a Change would not, as of a
    mouth that is closed before and open after."""

    stages: Sequence[Edit]
    held: HeldChanges  # of all stages, then of all parts
    parts: Mapping[int, Sequence[Edit]] = field(default_factory=dict)
    anew: Sequence[Paint | Stickers] = ()
    strength: Keys = ()
    zero: float = 0.0
    fronts: dict[int, dict[int, apply.Occlusion]] = field(
        default_factory=dict
    )  # by key frame and face, what is before it
    declined: set[int] = field(
        default_factory=set
    )  # faces that at some key frame cannot have their hairstyle
    done: set[int] = field(default_factory=set)  # faces that at some key frame had all done that was asked
    spared: set[int] = field(default_factory=set)  # faces that at some time nothing was to be done to

    @property
    def reach(self) -> int:
        return self.held.reach

    @property
    def nothing(self) -> str:
        if self.edited or not (self.declined or self.spared):
            return super().nothing
        declined = "; ".join(f"face {name} {self.notes[name]}" for name in sorted(self.declined))
        return declined or "the keys are 0 wherever a face is"

    def ask(self, frame: footage.Frame) -> None:
        """Ask the edits what should change in this frame: of each face, for each stage."""
        names, faces, chosen = self.chosen(frame.number)
        noted = set[int]()
        asked: dict[int, list[Laid]] = {names[i]: [] for i in chosen}
        partly: dict[int, list[Laid]] = {names[i]: [] for i in chosen}
        fronts = {i: self._front(frame, faces[i]) for i in chosen}
        look = Look.of(Photo(frame.pixels))

        def made(edit: Edit, crop: Crop, faces: list[Face], i: int) -> Change:
            change = fronts[i].keep_hair_colour(crop, apply.make_change(edit, crop, faces, i, fronts[i]))
            return look.carried_back(change, crop)

        def change_by(edit: Edit, crop: Crop, faces: list[Face], i: int) -> Change:
            change = made(edit, crop, faces, i)
            if change.note:
                known = self.notes.get(names[i], "").removesuffix(AT_TIMES)
                if change.note not in known.split("; "):
                    self.notes[names[i]] = "; ".join(filter(None, (known, change.note)))
                noted.add(names[i])
                self.declined |= {names[i]} if isinstance(edit, Hairstyle) else set()
            for part in self.parts.get(len(asked[names[i]]), ()):
                partly[names[i]].append((crop.landmarks, made(part, crop, faces, i)))
            asked[names[i]].append((crop.landmarks, change))
            return change

        if chosen:
            apply.run_edits(frame.pixels, self.stages, faces, chosen, change_by, look.align)
        self.done |= {names[i] for i in chosen} - noted
        for name in self.done & self.notes.keys():
            self.notes[name] = self.notes[name].removesuffix(AT_TIMES) + AT_TIMES
        self.fronts[frame.number] = {names[i]: fronts[i] for i in chosen}
        self.held.keys[frame.number] = {name: laid + partly[name] for name, laid in asked.items()}

    def draw(self, frame: footage.Frame) -> Any:
        names, faces, chosen = self.chosen(frame.number)
        share = share_at(self.strength, frame.time - self.zero)
        if not share:
            self.spared |= {names[i] for i in chosen}
            return frame.picture
        wanted = {i: self.held.between(names[i], frame.number) for i in chosen}
        chosen = [i for i in chosen if wanted[i]]
        if not chosen:
            return frame.picture
        turn = {i: itertools.count() for i in chosen}
        covered = set().union(
            *(
                {name for name, front in found.items() if front.things is not None}
                for n, found in self.fronts.items()
                if abs(n - frame.number) <= self.every
            )
        )
        fronts = {i: self._front(frame, faces[i]) for i in chosen if names[i] in covered}

        def recall(edit: Edit, crop: Crop, faces: list[Face], i: int) -> Change:
            change = self._shared(wanted[i], next(turn[i]), crop.landmarks, share)
            shown = replace(change, alpha=change.alpha * self.steady[frame.number][names[i]][1])
            return fronts[i].mask_objects(crop, shown) if i in fronts else shown

        before, touched = frame.pixels, Touched()
        self.edited |= {names[i] for i in chosen if names[i] not in self.declined or _shows(wanted[i])}
        after = apply.run_edits(before, self.stages, faces, chosen, recall, align_face, touched)
        if self.anew:
            after = self._anew(frame, after, share, fronts, touched)
        return self.finished(frame, before, after, touched)

    def _shared(
        self, wanted: Sequence[tuple[list[Laid], float]], stage: int, landmarks: Array, share: float
    ) -> Change:
        """So much of a stage of what is held, on a face with these landmarks (crop xy)."""
        if stage not in self.parts:
            return lessened(self.held.at(wanted, stage, landmarks), share)
        first = len(self.stages) + list(self.parts).index(stage) * len(PARTS)
        known = [*((part, first + n) for n, part in enumerate(PARTS)), (1.0, stage)]
        after = next(n for n, (part, _) in enumerate(known) if share <= part)
        (end, above), (begin, below) = known[after], known[after - 1] if after else (0.0, None)
        more = self.held.at(wanted, above, landmarks)
        if below is None or share == end:
            return lessened(more, share / end)
        less = self.held.at(wanted, below, landmarks)
        return mean([(less, end - share), (more, share - begin)])

    def forget(self, drawn: int) -> None:
        super().forget(drawn)
        self.held.forget(drawn - self.behind, drawn)
        for number in [n for n in self.fronts if n <= drawn - self.behind]:
            del self.fronts[number]

    def _anew(
        self,
        frame: footage.Frame,
        pixels: Array,
        share: float,
        fronts: dict[int, apply.Occlusion],
        touched: Touched,
    ) -> Array:
        """The frame with a share of what is drawn in every one, below the hair that a key frame showed before each face;
        fronts: of faces that something is before."""
        names, faces, chosen = self.chosen(frame.number)
        look = Look.of(Photo(pixels))

        def change_by(edit: Edit, crop: Crop, faces: list[Face], i: int) -> Change:
            front = fronts.get(i) or self._known_front(frame.number, names[i], faces[i])
            change = front.keep_hair_colour(crop, apply.make_change(edit, crop, faces, i, front))
            change = lessened(change, share)
            shown = replace(change, alpha=change.alpha * self.steady[frame.number][names[i]][1])
            return look.carried_back(front.mask_objects(crop, shown), crop)

        stages = at_time(self.anew, frame.time)
        return apply.run_edits(pixels, stages, faces, chosen, change_by, look.align, touched)

    def _known_front(self, number: int, name: int, face: Face) -> apply.Occlusion:
        """What the key frame before showed before a face, where that is now."""
        keys = [n for n, found in self.fronts.items() if n <= number and name in found]
        front = self.fronts[max(keys)][name] if keys else apply.NOTHING_BEFORE
        return replace(front, things=None).following(face, self.tracker.kit.parser.alignment)

    def _front(self, frame: footage.Frame, face: Face) -> apply.Occlusion:
        return apply.find_occlusion(self.tracker.kit.parser, frame.pixels, face)


def _shows(wanted: Sequence[tuple[list[Laid], float]]) -> bool:
    """Whether any Change of a face changes anything."""
    return any(change.alpha.any() for laid, _ in wanted for _, change in laid)


def clip_editor(
    which: str | Person,
    stages: Sequence[Edit],
    fps: float,
    kit: Kit,
    *,
    strength: Keys = (),
    zero: float = 0.0,
) -> ClipEditor:
    """What edits the faces of a clip of `fps` frames a second."""
    every, fade = pace(fps)
    held = HeldChanges(every, kit.prototypes.triangles)
    stages, anew = in_time(stages)
    over: dict[str, Any] = {"strength": strength, "zero": zero}
    if strength:
        mouths = ((i, edit) for i, edit in enumerate(stages) if isinstance(edit, Grin | Mouth))
        over["parts"] = {
            i: [replace(edit, amount=part * edit.amount) for part in PARTS] for i, edit in mouths
        }
    return ClipEditor(Tracker(kit, which), every, fade, stages=stages, held=held, anew=anew, **over)
