"""Changes over time: what edits asked for at key frames, as it lies on the frames between them.

A Change sticks to the face: it is carried to other frames by the mesh, averaged over the key frames around, and every
frame shows the mean of the two that it lies between. So skin does not crawl, and nothing lags behind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np

from ..face import mesh, topology
from ..types import Array, Change

REACH = 3  # key frames on each side up to which Changes are averaged; the last has weight 0
SAME = 4.0  # crop pixels that places may be apart that texture is fetched from
COARSE = 4  # crop pixels on a side that share one step of the mesh when a Change is carried on

Laid = tuple[
    Array, Change
]  # a Change and the landmarks `[478, 2]` (crop xy) of the face that it was made for


@dataclass
class HeldChanges:
    """The Changes of faces at key frames: by frame and face, one for each stage."""

    every: int  # frames from one key frame to the next
    triangles: Array
    keys: dict[int, dict[int, list[Laid]]] = field(default_factory=dict)
    means: dict[tuple[int, int], list[Laid]] = field(default_factory=dict)

    @property
    def reach(self) -> int:
        """Frames before and after one whose key frames tell how it is."""
        return (REACH + 1) * self.every

    def forget(self, last: int, drawn: int) -> None:
        """Let go the key frames up to number `last`, and what was made of them for frames up to `drawn`."""
        for number in [n for n in self.keys if n <= last]:
            del self.keys[number]
        for number, face in [each for each in self.means if each[0] <= drawn - self.every]:
            del self.means[number, face]

    def between(self, name: int, number: int) -> list[tuple[list[Laid], float]]:
        """The Changes of a face at the key frames before and after a frame, with their shares; one where
        there is no other."""
        keys = [n for n in self.keys if name in self.keys[n]]
        return [(self._mean(name, n), share) for n, share in nearest_keys(keys, number, self.every)]

    def at(self, wanted: Sequence[tuple[list[Laid], float]], stage: int, landmarks: Array) -> Change:
        """One stage of what `between` gave, as it lies on a face with these landmarks (crop xy)."""
        return mean([(moved(laid[stage], landmarks, self.triangles), share) for laid, share in wanted])

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
                        [(moved(self.keys[n][name][stage], here, self.triangles), share) for n, share in near]
                    ),
                )
                for stage, (here, _) in enumerate(self.keys[number][name])
            ]
        return self.means[number, name]


def nearest_keys(keys: Sequence[int], number: int, every: int) -> list[tuple[int, float]]:
    """Of key frames that lie `every` frames apart those before and after frame `number`, with their shares of it; one
    where there is no other near."""
    before = max((n for n in keys if n <= number), default=None)
    after = min((n for n in keys if n > number), default=None)
    if before is None or after is None or after - before > 2 * every:
        near = [n for n in (before, after) if n is not None and abs(n - number) <= every]
        return [(n, 1.0) for n in near[:1]]
    share = (number - before) / (after - before)
    return [(n, part) for n, part in ((before, 1 - share), (after, share)) if part]


def moved(laid: Laid, to: Array, triangles: Array) -> Change:
    """A Change as it lies on the face when its landmarks have gone to `to [478, 2]` (crop xy). A picture that it looks
    into is as large as the crop, and goes along."""
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

    source = change.source and replace(change.source, pixels=look(change.source.pixels))
    return replace(
        change, flow=look(change.flow), colour=look(change.colour), alpha=look(change.alpha), source=source
    )


def mean(changes: Sequence[tuple[Change, float]]) -> Change:
    """The mean of Changes, each with its share; all or none of them look into a picture. Of those that fetch texture
    only such as fetch it from the same place as the one with most share: between two places anything may be."""
    if changes[0][0].kind == "texture":
        changes = _from_one_place(changes)
    first = changes[0][0]
    if len(changes) == 1:
        return first
    total = sum(share for _, share in changes)

    def of(look: Callable[[Change], Array]) -> Array:
        out = look(first) * np.float32(changes[0][1] / total)
        for change, share in changes[1:]:
            cv2.scaleAdd(look(change).astype(np.float32), share / total, out, out)
        return out

    out = replace(
        first,
        flow=of(lambda change: change.flow),
        colour=of(lambda change: change.colour),
        alpha=of(lambda change: change.alpha),
    )
    if first.source is None:
        return out
    pixels = of(lambda change: change.source.pixels if change.source else out.colour)
    return replace(out, source=replace(first.source, pixels=np.rint(pixels).astype(np.uint8)))


def _from_one_place(changes: Sequence[tuple[Change, float]]) -> list[tuple[Change, float]]:
    """Those Changes whose flow is about that of the one with the largest share, where that is seen."""
    usual, _ = max(changes, key=lambda each: each[1])
    where = usual.alpha > 0.1
    if not where.any():
        return [*changes]
    return [each for each in changes if np.median(np.abs(each[0].flow - usual.flow)[where]) < SAME]
