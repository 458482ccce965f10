"""Faces over time: which face of a frame is which of the frame before, and landmarks that are steady and yet
do not lag behind.

    Tracker.look(pixels, time)   frame by frame -> TrackedFrame: the faces by number, a number for each person of a shot
    smooth(sights, i)            the faces of one frame, smoothed by the frames around it, and how much each is there

Who is who is told by place while a face is alone. Where faces touch, or one comes back, it is told by
identity; where that leaves it open, a face counts as lost, so that no edit goes over to somebody else.

The smoother is a local regression over time (Cleveland 1979), which looks as far ahead as back: what moves
evenly is not delayed at all. Like the one-euro filter (Casiez et al. 2012), it smooths most what is still.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import cv2
import numpy as np

from ..face.topology import POINTS
from ..models.kit import Kit
from ..models.landmarker import covers
from ..types import Array, Face, Identity, Person

LOOK = 12  # frames from one look for new faces to the next, while none was lost
SOON = 4  # the same while one is missing
MEMORY = 45  # frames for which a lost face keeps its number, should one appear where it was
NEAR = 0.1  # of its sides by which a face's box is grown to see whether another touches it
STRANGE = 0.35  # likeness to what is known of a person below which a face is not theirs, even if it is where theirs was
SURE = 0.75  # the same while another touches it: half of each is nobody
SHARE = 0.2  # of what is known of an identity that a new look at it becomes
GAP = 3  # frames without a face that are bridged
# levels by which a frame differs from the one before on average, seen from afar, where a new shot begins
CUT = 24.0
AFAR = (16, 9)
# eye distances by which the outline of a face may be elsewhere, seen from its eyes, than in most frames around: of
# heads that talk and turn it is by .03 at most, where the mesh slips on to a second face beside it by .05 to .15
STRAIN = 0.045
SIDES = (127, 234, 93, 132, 356, 454, 323, 361)  # of the mesh: both sides of a face
CORNERS = (33, 263)  # of the eyes, outer
STILL = 0.15  # face widths a second below which a point counts as still
STRAIGHT = 0.004  # face widths by which the two regressions may differ while that counts as noise
NARROW, WIDE = 0.06, 0.14  # seconds: width of the regression for points that move, and for still ones


@dataclass(frozen=True, eq=False)
class TrackedFrame:
    """What is seen in one frame: its time in seconds, whether a shot begins with it, the faces by number,
    those that are meant."""

    time: float
    cut: bool
    faces: dict[int, Face]
    meant: frozenset[int]


@dataclass
class Tracker:
    """Follows faces from frame to frame. Every field is what a later run needs to go on exactly here.

    which: "all", "largest", a number N: the Nth from the left in the first frame of a shot that shows so many;
    a person, or several. known: identities by number; whom: which of several people a number is.
    """

    kit: Kit
    which: str | Person | tuple[Person, ...]
    live: dict[int, Face] = field(default_factory=dict)
    lost: dict[int, tuple[list[float], int]] = field(default_factory=dict)  # box, and how many frames ago
    known: dict[int, Identity] = field(default_factory=dict)
    meant: frozenset[int] = frozenset()
    whom: dict[int, int] = field(default_factory=dict)
    issued: int = 0
    waited: int = 0
    afar: Array | None = None

    def look(self, pixels: Array, time: float) -> TrackedFrame:
        before, self.afar = self.afar, thumbnail(pixels)
        cut = is_cut(before, self.afar)
        if cut:
            self.live, self.lost, self.known, self.meant, self.waited = {}, {}, {}, frozenset(), LOOK
        before, self.live = self.live, {}
        for number, face in before.items():
            now = self.kit.landmarker.again(pixels, face)
            if now is not None and not any(covers(other.box, now.box) for other in self.live.values()):
                self.live[number] = now
        self.lost = {number: (box, ago + 1) for number, (box, ago) in self.lost.items() if ago < MEMORY}
        missing = before.keys() - self.live.keys()
        self.lost |= {number: (before[number].box.tolist(), 0) for number in missing}
        found = cache(lambda: self.kit.faces(pixels))  # looked for once, where at all
        self._tell_apart(pixels, found)
        self.waited += 1
        if missing or self.waited > (SOON if self.lost else LOOK):
            self.waited = 0
            self._find(pixels, found)
        self._mean()
        return TrackedFrame(time, cut, dict(self.live), self.meant)

    def _tell_apart(self, pixels: Array, found: Callable[[], list[Face]]) -> None:
        """Where faces touch, look anew, and give everybody the face that is most like them: a face that is only
        followed slides over to the one that passes before it."""
        touching = self._touching()
        if not touching:
            return
        followed = [self.live.pop(number) for number in touching]
        faces = [*followed, *found()]
        seen = [self.kit.embedder().identity_in(pixels, face) for face in faces]
        likeness = sorted(
            (
                (one.likeness(self.known[number]), number, face)
                for face, one in zip(faces, seen, strict=True)
                for number in (*touching, *self.lost)
            ),
            key=lambda each: -each[0],
        )
        for like, number, face in likeness:
            taken = any(covers(other.box, face.box) for other in self.live.values())
            if number not in self.live and not taken and like >= SURE:
                self.live[number] = face
                self.lost.pop(number, None)
        for number, face in zip(touching, followed, strict=True):
            if number not in self.live:
                self.lost[number] = (face.box.tolist(), 0)

    def _touching(self) -> list[int]:
        """The faces that lie so near another one, or the place where one was lost, that they may be mistaken."""
        grown = {number: _grown(face.box) for number, face in self.live.items()}
        gone = [np.array(box) for box, _ in self.lost.values()]
        return [
            number
            for number, box in grown.items()
            if any(_meet(box, other) for other in gone)
            or any(_meet(box, other) for n, other in grown.items() if n != number)
        ]

    def _who(self, seen: Identity) -> int | None:
        """Which person of the shot, who is not in sight, an identity is."""
        away = {n: seen.likeness(known) for n, known in self.known.items() if n not in self.live}
        best = max(away, key=lambda n: away[n], default=None)
        return best if best is not None and away[best] >= self.kit.embedder().threshold else None

    def _find(self, pixels: Array, found: Callable[[], list[Face]]) -> None:
        """Look for faces that are not followed yet: one that is known, or appears where another was lost and may
        be it, is the same."""
        seen_now: dict[int, Identity] = {}
        for face in found():
            if any(covers(other.box, face.box) for other in self.live.values()):
                continue
            seen = self.kit.embedder().identity_in(pixels, face)
            number = self._who(seen)
            if number is None:
                number = next(
                    (
                        n
                        for n, (box, _) in self.lost.items()
                        if covers(np.array(box), face.box) and seen.likeness(self.known[n]) >= STRANGE
                    ),
                    None,
                )
            if number is None:
                self.issued += 1
                number = self.issued
            self.lost.pop(number, None)
            self.live[number], seen_now[number] = face, seen
            self.known.setdefault(number, seen)
        touching = self._touching()
        for number, face in self.live.items():
            if number not in touching:
                seen = seen_now.get(number) or self.kit.embedder().identity_in(pixels, face)
                self.known[number] = self.known[number].towards(seen, SHARE)

    def _mean(self) -> None:
        """Decide which faces are meant, where that is open."""
        if isinstance(self.which, Person | tuple):
            people = (self.which,) if isinstance(self.which, Person) else self.which
            for number in self.live.keys() - self.meant:
                likeness = [self.known[number].likeness(one.identity) for one in people]
                if max(likeness) >= self.kit.embedder().threshold:
                    self.meant |= {number}
                    self.whom[number] = int(np.argmax(likeness))
        elif self.which == "all":
            self.meant = frozenset(self.live)
        elif self.which == "largest":
            if self.live and not self.meant & (self.live.keys() | self.lost.keys()):
                self.meant = frozenset([max(self.live, key=lambda n: self.live[n].area)])
        elif not self.meant and len(self.live) >= int(self.which):
            self.meant = frozenset(
                [sorted(self.live, key=lambda n: float(self.live[n].box[[0, 2]].sum()))[int(self.which) - 1]]
            )


def _grown(box: Array) -> Array:
    margin = NEAR * (box[2:] - box[:2])
    return np.concatenate([box[:2] - margin, box[2:] + margin])


def _meet(box: Array, other: Array) -> bool:
    return bool((np.minimum(box[2:], other[2:]) > np.maximum(box[:2], other[:2])).all())


def thumbnail(pixels: Array) -> Array:
    """A frame as seen from afar: what tells one shot from the next."""
    return cv2.resize(pixels, AFAR, interpolation=cv2.INTER_AREA).astype(np.float32)


def is_cut(before: Array | None, now: Array) -> bool:
    """Whether a shot begins between two frames seen from afar; it does with the first."""
    return before is None or float(np.abs(now - before).mean()) > CUT


def smooth(sights: Sequence[TrackedFrame], i: int, fade: int) -> dict[int, tuple[Face, float]]:
    """The faces that are meant in `sights[i]`, and all others, smoothed by the sights around it: by number,
    each with how much it is there.

    That falls to 0 over `fade` frames before a face is lost and after one appears, but not at the first or
    last frame of a shot. Sights are those of frames one after the other; `fade` of them on each side are
    enough.
    """
    first, last = _shot(sights, i)
    out = {}
    for number in sorted(
        {number for sight in sights[max(first, i - GAP) : min(last, i + GAP) + 1] for number in sight.faces}
    ):
        run = _run([j for j in range(first, last + 1) if number in sights[j].faces], i)
        if not run:
            continue
        since, until = i - run[0] + 1, run[-1] - i + 1
        there = min(
            1.0 if run[0] == first else since / (fade + 1),
            1.0 if run[-1] == last else until / (fade + 1),
            1.0,
        )
        steady = _unstrained([sights[j].faces[number] for j in run], run)
        out[number] = _smoothed(sights, steady, i, number), there * there * (3 - 2 * there)
    return out


def _shot(sights: Sequence[TrackedFrame], i: int) -> tuple[int, int]:
    """First and last index of the shot that `sights[i]` belongs to, as far as the sights go."""
    first = next((j for j in range(i, 0, -1) if sights[j].cut), 0)
    return first, next((j for j in range(i + 1, len(sights)) if sights[j].cut), len(sights)) - 1


def _run(seen: Iterable[int], i: int) -> list[int]:
    """Of the frames that show a face, those that belong to one stretch around `i`, with no more than GAP
    missing between two."""
    run: list[int] = []
    for j in seen:
        if run and j - run[-1] > GAP + 1:
            if run[-1] >= i:
                break
            run = []
        run.append(j)
    return run if run and run[0] <= i <= run[-1] else []


def _unstrained(faces: Sequence[Face], run: list[int]) -> list[int]:
    """Those of a run of frames, a face each, in which the mesh has not slipped on to a second face that comes out
    beside it."""
    sides = np.stack([_sides(face) for face in faces])
    held = np.abs(sides - np.median(sides, 0)).max(1) <= STRAIN
    return [j for j, good in zip(run, held, strict=True) if good] if held.mean() > 0.5 else run


def _sides(face: Face) -> Array:
    """Where the sides of a face are along the line between its eyes, from their middle, in eye distances: `[8]`."""
    left, right = face.landmarks[list(CORNERS)]
    return (face.landmarks[list(SIDES)] - (left + right) / 2) @ (right - left) / np.square(right - left).sum()


def _smoothed(sights: Sequence[TrackedFrame], run: list[int], i: int, number: int) -> Face:
    faces = [sights[j].faces[number] for j in run]
    time = np.array([sights[j].time for j in run]) - sights[i].time
    nearest = faces[min(range(len(run)), key=lambda n: abs(run[n] - i))]
    if len(run) < 2:
        return nearest
    points = np.stack([face.landmarks for face in faces]).astype(np.float64)
    (still, slope), (moving, _) = _fit(time, points, WIDE, 1), _fit(time, points, NARROW, 2)
    speed = np.linalg.norm(slope, axis=-1, keepdims=True) / float(nearest.box[2] - nearest.box[0])
    bend = np.linalg.norm(still - moving, axis=-1, keepdims=True) / float(nearest.box[2] - nearest.box[0])
    share = 1 / (1 + (speed / STILL) ** 2 + (bend / STRAIGHT) ** 2)
    landmarks = (share * still + (1 - share) * moving).astype(np.float32)
    box = np.concatenate([landmarks[:POINTS].min(0), landmarks[:POINTS].max(0)])
    depth = _fit(time, np.stack([face.depth for face in faces]).astype(np.float64), WIDE, 1)[0].astype(
        np.float32
    )
    return replace(nearest, landmarks=landmarks, box=box, depth=depth)


def _fit(time: Array, values: Array, width: float, degree: int) -> tuple[Array, Array]:
    """The polynomial through `values [n, ...]` at `time [n]` that fits best around time 0: its value and its
    slope there."""
    weight = np.exp(-0.5 * (time / width) ** 2) + 1e-6
    powers = (time[:, None] / width) ** np.arange(min(degree, len(time) - 1) + 1)
    solve = np.linalg.pinv(powers * weight[:, None] ** 0.5) * weight**0.5
    return np.tensordot(solve[0], values, 1), np.tensordot(solve[1], values, 1) / width
