"""Who is where in a clip: its frames are looked at now and then, and people told apart by identity. Each has a lane.

Lanes(kit)       what is known so far; `look` at frame after frame
moments(clip)    when to look
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from ..io.preview import at_most
from ..models.kit import Kit
from ..models.landmarker import covers
from ..types import Array, Clip, Face, Identity, Person
from .tracking import SHARE, STRANGE

MOST, OFTEN = 120, 0.5  # looks at a clip, and seconds between two of them, at least
SIDE = 256  # pixels of a face that is shown
AROUND = 0.45  # of a face's sides, by which what is shown of it reaches farther
FEW = 4  # looks up to which a person who was seen once counts


@dataclass
class Lane:
    """One person of a clip: who they are; from when until when they were seen, in seconds; where in the last frame that
    showed them; and their face where it was largest, `[h, w, 3]` uint8."""

    identity: Identity
    spans: list[tuple[float, float]]
    box: Array
    face: Array
    area: float
    looks: int = 1

    @property
    def seconds(self) -> float:
        return sum(until - since for since, until in self.spans)

    def person(self, name: str) -> Person:
        """Who they are, for a request; `name` is what its label says."""
        digest = hashlib.sha256(self.face.tobytes()).hexdigest()
        return Person(name, digest, tuple(float(v) for v in self.identity.vector))


def moments(clip: Clip) -> list[float]:
    """When to look, in seconds from the clip's start."""
    seconds = clip.frames / float(clip.fps)
    count = int(np.clip(seconds / OFTEN, 1, MOST))
    return [seconds * i / count for i in range(count)]


class Lanes:
    """The people of a clip, as far as it was looked at."""

    def __init__(self, kit: Kit) -> None:
        self._kit, self._lanes, self._looks = kit, list[Lane](), 0

    def look(self, pixels: Array, since: float, until: float) -> None:
        """Look at a frame `[H, W, 3]` uint8, which stands for a stretch of time."""
        faces, self._looks = self._kit.faces(pixels), self._looks + 1
        seen = [self._kit.embedder().identity_in(pixels, face) for face in faces]
        told = self._told_apart(faces, seen, since)
        for i, face in enumerate(faces):
            if i in told:
                _go_on(told[i], pixels, face, seen[i], (since, until))
            else:
                shown = _cut(pixels, face)
                self._lanes.append(Lane(seen[i], [(since, until)], face.box, shown, face.area))

    def found(self) -> list[Lane]:
        """The lanes, of those who are seen longest first; who was seen only once in many looks is left out."""
        least = 1 if self._looks <= FEW else 2
        lasting = [lane for lane in self._lanes if lane.looks >= least] or self._lanes
        return sorted(lasting, key=lambda lane: -lane.seconds)

    def _told_apart(self, faces: list[Face], seen: list[Identity], since: float) -> dict[int, Lane]:
        """The lane of each face that belongs to one, the most alike first."""
        known = dict(enumerate(self._lanes))
        pairs = sorted(
            ((-one.likeness(lane.identity), i, n) for i, one in enumerate(seen) for n, lane in known.items()),
        )
        told: dict[int, Lane] = {}
        for unlike, i, n in pairs:
            if i in told or n not in known:
                continue
            lane = known[n]
            stayed = lane.spans[-1][1] == since and covers(lane.box, faces[i].box)
            if -unlike >= (STRANGE if stayed else self._kit.embedder().threshold):
                told[i] = known.pop(n)
        return told


def _go_on(lane: Lane, pixels: Array, face: Face, seen: Identity, span: tuple[float, float]) -> None:
    """A lane with another look at its person."""
    lane.identity, lane.box, lane.looks = lane.identity.towards(seen, SHARE), face.box, lane.looks + 1
    if lane.spans[-1][1] == span[0]:  # without a gap
        span = lane.spans.pop()[0], span[1]
    lane.spans.append(span)
    if face.area > lane.area:
        lane.area, lane.face = face.area, _cut(pixels, face)


def _cut(pixels: Array, face: Face) -> Array:
    """A face with some of what is around it, small."""
    reach = AROUND * (face.box[2:] - face.box[:2])
    left, top = np.maximum(face.box[:2] - reach, 0).astype(int)
    right, bottom = (face.box[2:] + reach).astype(int)
    return at_most(pixels[top:bottom, left:right], SIDE).copy()
