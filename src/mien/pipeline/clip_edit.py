"""What is done to faces over time: `Line` takes a clip's frames in and gives them back edited, a few of them
in memory at a time.

An edit is asked only at key frames, about eight a second: at each it says what should change, as with a
photo. That Change sticks to the face: it is carried to other frames by the mesh, averaged over the key frames
around, and every frame shows the mean of the two that it lies between. So skin does not crawl, and nothing
lags behind. Where a key frame shows a hand or a microphone before a face, the frames around are looked at one
by one, and it stays as it is. What a frame looks like depends on few frames around it, which is what lets a
run stop after any part and go on as if it had not.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np

from ..face import mesh, topology
from ..io import clip_reader as footage
from ..models.kit import Kit
from ..types import Array, Change, Crop, Edit, Face, Identity, Person
from . import photo as apply
from . import tracking as tracks
from .tracking import TrackedFrame, Tracker

KEYS = 8  # key frames a second
REACH = 3  # key frames on each side up to which Changes are averaged; the last has weight 0
FADE = 0.2  # seconds
COARSE = 4  # crop pixels on a side that share one step of the mesh when a Change is carried on

Laid = tuple[
    Array, Change
]  # a Change and the landmarks `[478, 2]` (crop xy) of the face that it was made for


@dataclass
class ClipEditor:
    """A clip's frames on their way: seen first, then steady, perhaps key, drawn last. All by the number of
    the frame.

    start: the first frame that is drawn; those before it are only looked at.
    """

    tracker: Tracker
    stages: Sequence[Edit]
    every: int  # frames from one key frame to the next
    fade: int  # frames
    start: int = 0
    sights: dict[int, TrackedFrame] = field(default_factory=dict)
    ticks: dict[int, int] = field(default_factory=dict)
    edited: set[int] = field(default_factory=set)
    notes: dict[int, str] = field(default_factory=dict)
    waiting: deque[footage.Frame] = field(default_factory=deque)
    steady: dict[int, dict[int, tuple[Face, float]]] = field(default_factory=dict)
    keys: dict[int, dict[int, list[Laid]]] = field(default_factory=dict)
    means: dict[tuple[int, int], list[Laid]] = field(default_factory=dict)
    hidden: dict[int, set[int]] = field(
        default_factory=dict
    )  # by key frame, the faces that something is before

    @property
    def nothing(self) -> str:
        """Why no face was edited; empty where one was."""
        which = self.tracker.which
        if self.edited:
            return ""
        if isinstance(which, Person):
            return f"nobody in it is who {which.name} shows"
        return "no face found" if which in ("all", "largest") else f"there is no face {which}"

    @property
    def behind(self) -> int:
        """Frames that a drawn one depends on, before and after it."""
        return (REACH + 1) * self.every + self.fade

    def run(self, frames: Iterator[footage.Frame]) -> Iterator[Any]:
        """The pictures, ready to be encoded."""
        number = -1
        for frame in frames:
            number = frame.number
            self.waiting.append(frame)
            self.ticks[number] = frame.picture.pts
            if number not in self.sights:
                self.sights[number] = self.tracker.look(frame.pixels, frame.time)
            yield from self._on(number)
        for late in range(number + 1, number + self.behind + 1):
            yield from self._on(late)

    def state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """What a line knows, but for pictures: a few frames' faces, and the tracker."""
        tracker, numbers = self.tracker, list(self.sights)
        rows = [(n, name, face) for n in numbers for name, face in self.sights[n].faces.items()]
        told = {
            "tracker": {name: getattr(tracker, name) for name in ("lost", "issued", "waited")}
            | {"meant": sorted(tracker.meant), "known": sorted(tracker.known)},
            "sights": [
                [n, self.ticks[n], self.sights[n].time, self.sights[n].cut, sorted(self.sights[n].meant)]
                for n in numbers
            ],
            "faces": [[n, name, face.score, face.roll, face.yaw, face.pitch] for n, name, face in rows],
        }
        arrays = {
            name: np.array([getattr(face, name) for _, _, face in rows], np.float32)
            for name in ("box", "landmarks", "depth")
        }
        known = np.array([tracker.known[n].vector for n in sorted(tracker.known)], np.float32)
        return told, arrays | {"afar": np.array(tracker.afar), "known": known}

    def go_on(self, told: dict[str, Any], arrays: dict[str, Array], start: int) -> tuple[int, int]:
        """Take over another line's `state`, so that the next frame that is drawn is number `start`; returns
        number and time stamp of the first frame that must be seen for that."""
        faces: dict[int, dict[int, Face]] = {}
        for row, (n, name, *rest) in enumerate(told["faces"]):
            faces.setdefault(n, {})[name] = Face(
                arrays["box"][row], arrays["landmarks"][row], arrays["depth"][row], *rest
            )
        for n, tick, time, cut, meant in told["sights"]:
            self.sights[n], self.ticks[n] = TrackedFrame(time, cut, faces.get(n, {}), frozenset(meant)), tick
        tracker, known = self.tracker, told["tracker"]
        tracker.lost = {int(name): (box, ago) for name, (box, ago) in known["lost"].items()}
        tracker.issued, tracker.waited = known["issued"], known["waited"]
        tracker.meant = frozenset(known["meant"])
        identities = (Identity(vector) for vector in arrays["known"])
        tracker.known = dict(zip(known["known"], identities, strict=True))
        tracker.live, tracker.afar, self.start = (
            dict(self.sights[max(self.sights)].faces),
            arrays["afar"],
            start,
        )
        return min(self.sights), self.ticks[min(self.sights)]

    def _on(self, newest: int) -> Iterator[Any]:
        """Do what can be done now that all up to frame `newest` are seen."""
        settled, drawn = newest - self.fade, newest - self.behind
        if settled in self.sights:
            near = [n for n in range(settled - self.fade, settled + self.fade + 1) if n in self.sights]
            self.steady[settled] = tracks.smooth(
                [self.sights[n] for n in near], near.index(settled), self.fade
            )
            if (settled % self.every == 0 or self.sights[settled].cut) and settled > self.start - (
                REACH + 1
            ) * self.every:
                self.keys[settled] = self._key(
                    next(frame for frame in self.waiting if frame.number == settled), settled
                )
        if self.waiting and self.waiting[0].number == drawn:
            frame = self.waiting.popleft()
            if drawn >= self.start:
                picture = self._drawn(frame)
                self._forget(drawn)
                yield picture

    def _forget(self, drawn: int) -> None:
        """Let go what no later frame, nor a run that goes on after this one, depends on."""
        for kept in (self.sights, self.ticks, self.steady, self.keys, self.hidden):
            for number in [n for n in kept if n <= drawn - self.behind]:
                del kept[number]
        for number, face in [each for each in self.means if each[0] <= drawn - self.every]:
            del self.means[number, face]

    def _faces(self, number: int) -> tuple[list[int], list[Face], list[int]]:
        """The faces of a frame: their numbers, they themselves, and the indices of those that are meant."""
        names = list(self.steady[number])
        meant = names if self.tracker.which == "all" else self.sights[number].meant
        return (
            names,
            [self.steady[number][name][0] for name in names],
            [i for i, name in enumerate(names) if name in meant],
        )

    def _key(self, frame: footage.Frame, number: int) -> dict[int, list[Laid]]:
        """Ask the edits what should change in this frame: by face, for each stage."""
        names, faces, chosen = self._faces(number)
        asked: dict[int, list[Laid]] = {names[i]: [] for i in chosen}
        fronts = {i: self._front(frame, faces[i]) for i in chosen}

        def ask(edit: Edit, crop: Crop, faces: list[Face], i: int) -> Change:
            change = fronts[i].keep_hair_colour(crop, apply.make_change(edit, crop, faces, i, fronts[i]))
            if change.note:
                self.notes.setdefault(names[i], change.note)
            asked[names[i]].append((crop.landmarks, change))
            return change

        if chosen:
            apply.run_edits(frame.pixels, self.stages, faces, chosen, ask, apply.align_face)
        self.hidden[number] = {names[i] for i in chosen if fronts[i].things is not None}
        return asked

    def _front(self, frame: footage.Frame, face: Face) -> apply.Occlusion:
        return apply.find_occlusion(self.tracker.kit.parser, frame.pixels, face)

    def _drawn(self, frame: footage.Frame) -> Any:
        names, faces, chosen = self._faces(frame.number)
        wanted = {i: self._between(names[i], frame.number) for i in chosen}
        chosen = [i for i in chosen if wanted[i]]
        if not chosen:
            return frame.picture
        turn = {i: itertools.count() for i in chosen}
        covered = set().union(
            *(found for n, found in self.hidden.items() if abs(n - frame.number) <= self.every)
        )
        fronts = {i: self._front(frame, faces[i]) for i in chosen if names[i] in covered}

        def recall(edit: Edit, crop: Crop, faces: list[Face], i: int) -> Change:
            stage = next(turn[i])
            change = mean(
                [(moved(laid[stage], crop.landmarks, self._triangles), share) for laid, share in wanted[i]]
            )
            shown = replace(change, alpha=change.alpha * np.float32(self.steady[frame.number][names[i]][1]))
            return fronts[i].mask_objects(crop, shown) if i in fronts else shown

        before = frame.pixels
        self.edited |= {names[i] for i in chosen}
        return frame.drawn(
            before, apply.run_edits(before, self.stages, faces, chosen, recall, apply.align_face)
        )

    @property
    def _triangles(self) -> Array:
        return self.tracker.kit.prototypes.triangles

    def _between(self, name: int, number: int) -> list[tuple[list[Laid], float]]:
        """The Changes of a face at the key frames before and after a frame, with their shares; one where
        there is no other."""
        keys = [n for n in self.keys if name in self.keys[n]]
        before = max((n for n in keys if n <= number), default=None)
        after = min((n for n in keys if n > number), default=None)
        if before is None or after is None or after - before > 2 * self.every:
            near = [n for n in (before, after) if n is not None and abs(n - number) <= self.every]
            return [(self._mean(name, n), 1.0) for n in near[:1]]
        share = (number - before) / (after - before)
        return [(self._mean(name, n), part) for n, part in ((before, 1 - share), (after, share)) if part]

    def _mean(self, name: int, number: int) -> list[Laid]:
        """The Changes of a face at a key frame, averaged with those around; made once."""
        if (number, name) not in self.means:
            reach = REACH * self.every
            near = [
                (n, 1 - abs(n - number) / reach)
                for n in self.keys
                if abs(n - number) < reach and name in self.keys[n]
            ]
            self.means[number, name] = [
                (
                    here,
                    mean(
                        [
                            (moved(self.keys[n][name][stage], here, self._triangles), share)
                            for n, share in near
                        ]
                    ),
                )
                for stage, (here, _) in enumerate(self.keys[number][name])
            ]
        return self.means[number, name]


def clip_editor(which: str | Person, stages: Sequence[Edit], fps: float, kit: Kit) -> ClipEditor:
    """The line for a clip of `fps` frames a second."""
    return ClipEditor(Tracker(kit, which), stages, max(1, round(fps / KEYS)), max(2, round(fps * FADE)))


def moved(laid: Laid, to: Array, triangles: Array) -> Change:
    """A Change as it lies on the face when its landmarks have gone to `to [478, 2]` (crop xy)."""
    at, change = laid
    if np.abs(to[: topology.POINTS] - at[: topology.POINTS]).max() < 0.05:
        return change
    size = change.alpha.shape[0]
    small = size // COARSE
    there, here = (mesh.with_border_points((points + 0.5) / COARSE - 0.5, small) for points in (at, to))
    shift = mesh.dense_map(here, there, triangles, small) - mesh.pixel_grid(small)
    place = mesh.pixel_grid(size) + cv2.resize(cv2.GaussianBlur(shift, (0, 0), 1), (size, size)) * np.float32(
        size / small
    )

    def look(values: Any) -> Any:
        return cv2.remap(
            values, place[..., 0], place[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
        )

    return replace(change, flow=look(change.flow), colour=look(change.colour), alpha=look(change.alpha))


def mean(changes: Sequence[tuple[Change, float]]) -> Change:
    """The mean of Changes, each with its share."""
    if len(changes) == 1:
        return changes[0][0]
    total = sum(share for _, share in changes)

    def of(name: str) -> Array:
        out = getattr(changes[0][0], name) * np.float32(changes[0][1] / total)
        for change, share in changes[1:]:
            cv2.scaleAdd(getattr(change, name), share / total, out, out)
        return out

    return replace(changes[0][0], flow=of("flow"), colour=of("colour"), alpha=of("alpha"))
