"""Swaps over time. Faces are measured at key frames, and drawn anew in every frame, since a mouth and eyes move.

What could flicker does not: the shape is that of all frames so far, the picture of the gallery is the cheapest path
through the key frames to come, masks lie between those of two key frames, and tones are carried on.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..edits.age_floor import CLOSE
from ..edits.portrait import own_side
from ..edits.removal import Removal
from ..edits.swap import USUAL, Swap, Weighted
from ..edits.swap_tone import Tones
from ..face.filters import smoothstep
from ..face.topology import POINTS
from ..io import clip_reader as footage
from ..models.kit import Kit
from ..models.prototypes import ADULT
from ..types import Array, Change, Crop, Edit, Face, Person, Source
from .clip_changes import HeldChanges, nearest_keys
from .clip_faces import ClipFaces, pace
from .gallery import Gallery
from .look import align_face
from .marking import Touched
from .photo import NOTHING_BEFORE, Occlusion, make_change, only_own, run_edits
from .swap_face import Assignment, Stages, Target, read_age, refused_for_age, refused_for_pose
from .tracking import Tracker

AHEAD = 8  # key frames that are seen before it is decided which picture is taken
PRICE = 4.0  # of taking another picture, against what pictures cost at one key frame
CARRIED = 0.8  # of the tones at a key frame that is those of before
LOOKS = 12  # key frames at which the age of a face is read
STEP = 32  # pixels: a crop's side is a multiple, so that it seldom changes
RESHAPED = 256  # pixels of a crop's side in which a face is given its shape


@dataclass(frozen=True, eq=False)
class Asked:
    """What a key frame says of a face: how it is measured, without a beard where that goes; how ill each picture of the
    gallery fits; what age it reads, where that was read; whether something is before it."""

    target: Target
    costs: Array
    age: float | None
    covered: bool


@dataclass
class Known:
    """What is known of a face from all key frames that are no longer held: the sum of `count` identities `[I]`; what
    ages it and the result read; the pictures taken, by key frame; the tones of its last frame; why it is refused
    for good."""

    count: int = 0
    identity: Array = field(default_factory=lambda: np.zeros(0))
    ages: list[float] = field(default_factory=list)
    ages_after: list[float] = field(default_factory=list)
    picks: dict[int, int] = field(default_factory=dict)
    tones: Tones | None = None
    refused: str = ""


@dataclass(kw_only=True)
class ClipSwapper(ClipFaces):
    """A clip's frames on their way, with faces swapped as `assignments` say."""

    assignments: tuple[Assignment, ...]
    stages: Stages
    shaved: HeldChanges  # beards taken off
    asked: dict[int, dict[int, Asked]] = field(default_factory=dict)  # by key frame and face
    known: dict[int, Known] = field(default_factory=dict)  # by face
    used: set[tuple[int, int]] = field(default_factory=set)  # assignments and their pictures

    @property
    def reach(self) -> int:
        return AHEAD * self.every

    @property
    def nothing(self) -> str:
        if self.edited or not self.notes:
            return super().nothing
        return "; ".join(f"face {face} {note}" for face, note in sorted(self.notes.items()))

    @property
    def sources(self) -> tuple[Source, ...]:
        """The pictures that took part."""
        taken = (self.assignments[k].gallery.pictures[j].source for k, j in sorted(self.used))
        return tuple(dict.fromkeys(taken))

    # ---- key frames

    def ask(self, frame: footage.Frame) -> None:
        names, faces, chosen = self.chosen(frame.number)
        asked: dict[int, Asked] = {}
        shaved: dict[int, list[tuple[Array, Change]]] = {}
        pixels = frame.pixels if chosen else np.zeros(0)
        for i in chosen:
            name, known = names[i], self.known.setdefault(names[i], Known())
            why = known.refused or self._turned(faces[i], name)
            if why:
                self.notes.setdefault(name, why)
                continue
            target, gallery = Target.of(pixels, faces[i], self.stages), self._gallery(name)
            picture = gallery.choose(target.portrait, target.expression).portrait
            if self.stages.shaves(target.portrait, picture):
                shaved[name], bare = self._shaved(pixels, faces, i, target.front)
                target = replace(target, portrait=Target.of(bare, faces[i], self.stages).portrait)
            read = len(known.ages) + sum(name in key for key in self.asked.values()) < LOOKS
            age = read_age(target.portrait.crop, self.kit) if read else None
            costs = gallery.costs(target.portrait, target.expression)
            asked[name] = Asked(target, costs, age, target.front.things is not None)
        self.asked[frame.number], self.shaved.keys[frame.number] = asked, shaved

    def _shaved(
        self, pixels: Array, faces: list[Face], i: int, front: Occlusion
    ) -> tuple[list[tuple[Array, Change]], Array]:
        """A beard taken off: as it is held on the face, and the frame without it."""
        laid: list[tuple[Array, Change]] = []

        def change_by(edit: Edit, crop: Crop, faces: list[Face], i: int) -> Change:
            change = front.keep_hair_colour(crop, make_change(edit, crop, faces, i, front))
            laid.append((crop.landmarks, change))
            return change

        bare = run_edits(pixels, [self.stages.removal()], faces, [i], change_by, align_face)
        return laid, bare

    def _turned(self, face: Face, name: int) -> str:
        width = float(np.ptp(face.landmarks[:POINTS, 0]))
        return refused_for_pose(face.yaw, face.pitch, width, self._gallery(name))

    def _gallery(self, name: int) -> Gallery:
        return self.assignments[self.tracker.whom.get(name, 0)].gallery

    @property
    def kit(self) -> Kit:
        return self.tracker.kit

    # ---- drawing

    def draw(self, frame: footage.Frame) -> Any:
        names, faces, chosen = self.chosen(frame.number)
        shares = {i: self._share(names[i], frame.number) for i in chosen}
        if not any(shares.values()):
            return frame.picture
        before, touched = frame.pixels, Touched()
        after = before
        for i, share in shares.items():
            if share:
                after = self._swapped(after, faces, i, names[i], frame.number, share, touched)
        return self.finished(frame, before, after, touched)

    def _share(self, name: int, number: int) -> float:
        """How much of the swap a frame shows: it fades where a face comes or goes, or is turned too far."""
        known = self.known.get(name, Known())
        if known.refused or not nearest_keys(self._keys(name), number, self.every):
            return 0.0
        if why := refused_for_age(float(np.mean(known.ages + self._ages(name)))):
            known.refused = why
            self.notes[name] = why
            return 0.0
        around = range(number - self.fade, number + self.fade + 1)
        turned = [
            abs(n - number)
            for n in around
            if name in self.steady.get(n, {}) and self._turned(self.steady[n][name][0], name)
        ]
        away = min(turned, default=self.fade + 1) / (self.fade + 1)
        return self.steady[number][name][1] * float(smoothstep(np.array(away), 0, 1))

    def _swapped(
        self,
        pixels: Array,
        faces: list[Face],
        i: int,
        name: int,
        number: int,
        share: float,
        touched: Touched,
    ) -> Array:
        """A frame with one face swapped."""
        known, beard = self.known[name], self.shaved.between(name, number)
        overlay, front = self._overlay(pixels, faces[i], name, number, share)
        identity, own = self._gallery(name).identity, self._own(name)
        reshape = self.stages.reshape(identity, own=own, share=share, size=RESHAPED)

        def change_by(edit: Edit, crop: Crop, faces: list[Face], i: int) -> Change:
            if isinstance(edit, Removal):
                change = self.shaved.at(beard, 0, crop.landmarks)
                change = replace(change, alpha=change.alpha * share)
            elif isinstance(edit, Swap):
                change, known.tones = edit.drawn(crop)
            else:
                change = edit(crop)
            return front.mask_objects(crop, only_own(change, crop, faces, i))

        edits = (*([self.stages.removal()] if beard else []), reshape, overlay)
        out = run_edits(pixels, edits, faces, [i], change_by, align_face, touched)
        if self._is_key(name, number) and len(known.ages_after) < LOOKS:
            known.ages_after.append(read_age(align_face(out, faces[i], overlay.alignment), self.kit))
            if (age := float(np.mean(known.ages_after))) < ADULT - CLOSE:
                known.refused = f"would read {age:.0f} years, and nobody is made to look under 18"
                self.notes[name] = known.refused
                return pixels
        self.edited.add(name)
        return out

    def _overlay(
        self, pixels: Array, face: Face, name: int, number: int, share: float
    ) -> tuple[Swap, Occlusion]:
        """What lays the new face over one of a frame, and what is before it there."""
        near = nearest_keys(self._keys(name), number, self.every)
        keys = [(self.asked[n][name], part) for n, part in near]
        targets: Weighted = tuple((key.target.portrait, part) for key, part in keys)
        front, lids = NOTHING_BEFORE, self._lids(name)
        if any(key.covered for key, _ in keys):
            here = Target.of(pixels, face, self.stages)
            # of a face that is partly hidden the mesh cannot tell a blink
            front, targets, lids = here.front, ((here.portrait, 1.0),), USUAL
        tones = self.known[name].tones
        held = tones and (tones, CARRIED if self._is_key(name, number) else 1.0)
        side, sources = own_side(face) // STEP * STEP, self._sources(name, number)
        return self.stages.overlay(sources, targets, side, share=share, lids=lids, held=held), front

    def _is_key(self, name: int, number: int) -> bool:
        return name in self.asked.get(number, {})

    def _keys(self, name: int) -> list[int]:
        return [n for n, faces in self.asked.items() if name in faces]

    def _ages(self, name: int) -> list[float]:
        ages = (self.asked[n][name].age for n in self._keys(name))
        return [age for age in ages if age is not None]

    def _own(self, name: int) -> Array:
        """A face's own identity `[I]`: the mean of what all key frames so far say."""
        known, held = self.known[name], [self.asked[n][name].target.identity for n in self._keys(name)]
        total = np.sum(held, axis=0) + (known.identity if known.count else 0)
        return total / (known.count + len(held))

    def _lids(self, name: int) -> float:
        """A face's usual lid opening, over the width of an eye: in the second before and after, in which blinks are
        short."""
        held = [self.asked[n][name].target.portrait.openings.lids for n in self._keys(name)]
        return max(float(np.median(held)), USUAL)

    def _sources(self, name: int, number: int) -> Weighted:
        """The pictures that a frame takes, with their shares: of several while one becomes another."""
        picks = self._decided(name, number + self.fade)
        taken = Counter(
            picks[max((key for key in picks if key <= n), default=min(picks))]
            for n in range(number - self.fade, number + self.fade + 1)
        )
        k = self.tracker.whom.get(name, 0)
        self.used |= {(k, j) for j in taken}
        pictures = self.assignments[k].gallery.pictures
        return tuple((pictures[j].portrait, count / taken.total()) for j, count in sorted(taken.items()))

    def _decided(self, name: int, until: int) -> dict[int, int]:
        """The pictures taken at key frames, up to frame `until`: each the first step of the cheapest path through the
        key frames that are known."""
        picks, keys = self.known[name].picks, sorted(self._keys(name))
        for at, key in enumerate(keys):
            if key in picks or (key > until and picks):
                continue
            path = np.zeros_like(self.asked[key][name].costs)
            for later in reversed(keys[at:]):
                path = self.asked[later][name].costs + np.minimum(path, path.min() + PRICE)
            before = max((one for one in picks if one < key), default=None)
            if before is not None:
                path = path + PRICE * (np.arange(len(path)) != picks[before])
            picks[key] = int(path.argmin())
        return picks

    # ---- what is kept

    def forget(self, drawn: int) -> None:
        super().forget(drawn)
        last = drawn + 1 - self.reach
        for number in [n for n in self.asked if n <= last]:
            for name, asked in self.asked.pop(number).items():
                known = self.known[name]
                known.identity = asked.target.identity + (known.identity if known.count else 0)
                known.count += 1
                known.ages += [] if asked.age is None else [asked.age]
        for known in self.known.values():
            for key in sorted(key for key in known.picks if key <= last)[:-1]:
                del known.picks[key]
        self.shaved.forget(last, drawn)
        gone = self.known.keys() - self.tracker.known.keys() - set(self._held())
        for name in gone:
            del self.known[name]

    def _held(self) -> list[int]:
        """The faces that frames to come may show."""
        return [name for faces in (*self.steady.values(), *self.asked.values()) for name in faces]

    def state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        told, arrays = super().state()
        rows = [
            [name, one.count, one.ages, one.ages_after, list(one.picks.items()), one.refused]
            for name, one in self.known.items()
        ]
        told["swap"] = {"known": rows, "used": sorted(self.used)}
        for name, one in self.known.items():
            arrays[f"identity.{name}"] = one.identity
            arrays[f"tones.{name}"] = one.tones.numbers if one.tones else np.zeros(0)
        return told, arrays

    def go_on(self, told: dict[str, Any], arrays: dict[str, Array], start: int) -> tuple[int, int]:
        for name, count, ages, after, picks, refused in told["swap"]["known"]:
            tones = arrays[f"tones.{name}"]
            held = Tones(tones) if len(tones) else None
            self.known[name] = Known(
                count, arrays[f"identity.{name}"], ages, after, dict(picks), held, refused
            )
        self.used = {(k, j) for k, j in told["swap"]["used"]}
        return super().go_on(told, arrays, start)


def clip_swapper(assignments: tuple[Assignment, ...], stages: Stages, fps: float) -> ClipSwapper:
    """What swaps the faces of a clip of `fps` frames a second."""
    people = tuple(one.face for one in assignments if isinstance(one.face, Person))
    which = people if len(people) > 1 else assignments[0].face
    every, fade = pace(fps)
    shaved = HeldChanges(every, stages.kit.prototypes.triangles)
    tracker = Tracker(stages.kit, which)
    return ClipSwapper(tracker, every, fade, assignments=assignments, stages=stages, shaved=shaved)
