"""Faces over time: `ClipFaces` takes a clip's frames in, follows and steadies the faces in them, and gives the frames
back as those who inherit from it draw them, a few of them in memory at a time.

At key frames, about eight a second, faces are asked about, and some frames later they are drawn. What a frame looks
like depends on few frames around it, which is what lets a run stop after any part and go on as if it had not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..io import clip_reader as footage
from ..io import notice, watermark
from ..types import Array, Face, Identity, Person, Source
from . import tracking as tracks
from .marking import Touched, box_of
from .tracking import TrackedFrame, Tracker

KEYS = 8  # key frames a second
FADE = 0.2  # seconds


@dataclass
class ClipFaces:
    """A clip's frames on their way: seen first, then steady, perhaps key, drawn last. All by the number of
    the frame.

    start: the first frame that is drawn; those before it are only looked at.
    """

    tracker: Tracker
    every: int  # frames from one key frame to the next
    fade: int  # frames
    start: int = 0
    sights: dict[int, TrackedFrame] = field(default_factory=dict)
    ticks: dict[int, int] = field(default_factory=dict)
    edited: set[int] = field(default_factory=set)
    notes: dict[int, str] = field(default_factory=dict)
    bits: int = 0  # of the mark that is laid in faces
    marked: bool = False
    words: str = ""  # for a corner of every frame
    waiting: deque[footage.Frame] = field(default_factory=deque)
    steady: dict[int, dict[int, tuple[Face, float]]] = field(default_factory=dict)

    @property
    def reach(self) -> int:
        """Frames before and after a drawn one whose key frames it depends on."""
        raise NotImplementedError

    def ask(self, frame: footage.Frame) -> None:
        """Ask at a key frame what drawing will need."""
        raise NotImplementedError

    def draw(self, frame: footage.Frame) -> Any:
        """The picture of a frame, ready to be encoded."""
        raise NotImplementedError

    def finished(self, frame: footage.Frame, before: Array, after: Array, touched: Touched) -> Any:
        """The picture of a frame whose faces were changed, with a mark in each of them."""
        places = touched.places(before, after)
        self.marked |= bool(places)
        return frame.drawn(before, watermark.lay(after, places, self.bits, watermark.FILM))

    def forget(self, drawn: int) -> None:
        """Let go what no frame after `drawn`, nor a run that goes on after it, depends on."""
        for kept in (self.sights, self.ticks, self.steady):
            for number in [n for n in kept if n <= drawn - self.behind]:
                del kept[number]

    @property
    def nothing(self) -> str:
        """Why no face was edited; empty where one was."""
        which = self.tracker.which
        if self.edited:
            return ""
        if isinstance(which, Person | tuple):
            people = (which,) if isinstance(which, Person) else which
            return f"nobody in it is who {' or '.join(one.name for one in people)} shows"
        return "no face found" if which in ("all", "largest") else f"there is no face {which}"

    @property
    def sources(self) -> tuple[Source, ...]:
        """What took part besides the clip and what a step says."""
        return ()

    @property
    def behind(self) -> int:
        """Frames that a drawn one depends on, before and after it."""
        return self.reach + self.fade

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
        """What is known, but for pictures: a few frames' faces, and the tracker."""
        tracker, numbers = self.tracker, list(self.sights)
        rows = [(n, name, face) for n in numbers for name, face in self.sights[n].faces.items()]
        told = {
            "tracker": {name: getattr(tracker, name) for name in ("lost", "issued", "waited")}
            | {"meant": sorted(tracker.meant), "known": sorted(tracker.known)}
            | {"whom": sorted(tracker.whom.items())},
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
        """Take over another run's `state`, so that the next frame that is drawn is number `start`; returns
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
        tracker.meant, tracker.whom = frozenset(known["meant"]), dict(known["whom"])
        identities = (Identity(vector) for vector in arrays["known"])
        tracker.known = dict(zip(known["known"], identities, strict=True))
        tracker.live, tracker.afar, self.start = (
            dict(self.sights[max(self.sights)].faces),
            arrays["afar"],
            start,
        )
        return min(self.sights), self.ticks[min(self.sights)]

    def chosen(self, number: int) -> tuple[list[int], list[Face], list[int]]:
        """The faces of a frame: their numbers, they themselves, and the indices of those that are meant."""
        names = list(self.steady[number])
        meant = names if self.tracker.which == "all" else self.sights[number].meant
        return (
            names,
            [self.steady[number][name][0] for name in names],
            [i for i, name in enumerate(names) if name in meant],
        )

    def _on(self, newest: int) -> Iterator[Any]:
        """Do what can be done now that all up to frame `newest` are seen."""
        settled, drawn = newest - self.fade, newest - self.behind
        if settled in self.sights:
            near = [n for n in range(settled - self.fade, settled + self.fade + 1) if n in self.sights]
            self.steady[settled] = tracks.smooth(
                [self.sights[n] for n in near], near.index(settled), self.fade
            )
            key = settled % self.every == 0 or self.sights[settled].cut
            if key and settled > self.start - self.reach:
                self.ask(next(frame for frame in self.waiting if frame.number == settled))
        if self.waiting and self.waiting[0].number == drawn:
            frame = self.waiting.popleft()
            if drawn >= self.start:
                self.draw(frame)
                boxes = [box_of(face.landmarks) for face, _ in self.steady[drawn].values()]
                picture = worded_frame(frame, self.words, boxes)
                self.forget(drawn)
                yield picture


def worded_frame(frame: footage.Frame, words: str, boxes: Sequence[notice.Box] = ()) -> Any:
    """The picture of a frame with words in a corner that no face is in; itself where there are none."""
    if not words:
        return frame.picture
    pixels = frame.pixels
    return frame.drawn(pixels, notice.drawn(pixels, words, boxes))


def pace(fps: float) -> tuple[int, int]:
    """Frames from one key frame to the next, and of a fade."""
    return max(1, round(fps / KEYS)), max(2, round(fps * FADE))
