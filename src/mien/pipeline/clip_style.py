"""What is done to whole frames over time: `Scene` takes a clip's frames in and gives them back drawn, two of
them in memory at a time.

A translator draws each frame as if there were no other, so its strokes crawl. Each drawing is therefore mixed
with the one before, moved along by the optical flow between the two frames (as Ruder et al. 2016, arXiv
1604.08610, begin from it), where the flow explains what is seen; a new shot begins anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from ..face.filters import resize
from ..io import clip_reader as footage
from ..models.translator import mixed
from ..types import Array, Source
from . import tracking as tracks
from .clip_faces import worded_frame

# share of the drawing before: more steadies hardly more and departs from what is seen (benchmarks/stylize.py
# measures both)
KEPT = 0.7
# pixels of the longer side of the grey frames that motion is seen in (Dense Inverse Search, Kroeger et al.
# 2016)
LOOK = 320
DOUBT = 16.0  # levels by which a frame differs from the one before, moved, where nothing is kept


@dataclass
class ClipStylizer:
    """A clip's frames, each drawn by `draw`, `strength` 0..1 of the way. start: the first frame that is
    drawn."""

    draw: Callable[[Array], Array]
    strength: float
    kept: float = KEPT
    start: int = 0
    tick: int = 0  # time stamp of the last frame
    seen: dict[str, Array] = field(
        default_factory=dict
    )  # the last frame "grey" and from "afar", and how it was "drawn", float32
    edited: set[int] = field(default_factory=set)
    notes: dict[int, str] = field(default_factory=dict)
    bits: int = 0
    words: str = ""
    marked = False  # what becomes of faces is the drawing's own: they are not looked for in every frame
    nothing = ""
    sources: tuple[Source, ...] = ()

    def run(self, frames: Iterator[footage.Frame]) -> Iterator[Any]:
        """The pictures, ready to be encoded."""
        for frame in frames:
            if frame.number < self.start:
                continue
            before, self.tick = frame.pixels, frame.picture.pts
            self.see(before, self.draw(before))
            drawn = np.clip(np.rint(self.seen["drawn"]), 0, 255).astype(np.uint8)
            frame.drawn(before, mixed(before, before, drawn, self.strength))
            yield worded_frame(frame, self.words)

    def state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """What is known after the last frame."""
        return {"tick": self.tick}, self.seen

    def go_on(self, told: dict[str, Any], arrays: dict[str, Array], start: int) -> tuple[int, int]:
        """Take over another's `state`, to draw frame `start` next; it is sought by the one before, whose time
        stamp is known."""
        self.tick, self.seen, self.start = told["tick"], arrays, start
        return start - 1, self.tick

    def see(self, pixels: Array, drawn: Array) -> None:
        """Mix what is drawn with what was drawn before, and remember all of it."""
        now = {
            "grey": seen_small(pixels),
            "afar": tracks.thumbnail(pixels),
            "drawn": drawn.astype(np.float32),
        }
        if not tracks.is_cut(self.seen.get("afar"), now["afar"]):
            carried, trust = moved(self.seen["drawn"], self.seen["grey"], now["grey"])
            now["drawn"] += (carried - now["drawn"]) * (self.kept * trust)[..., None]
        self.seen = now


def seen_small(pixels: Array) -> Array:
    """A frame `[H, W, 3]` uint8 as motion is seen in it: grey, and small."""
    scale = min(LOOK / max(pixels.shape[:2]), 1.0)
    size = max(round(pixels.shape[1] * scale), 16), max(round(pixels.shape[0] * scale), 16)
    return resize(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), size)


def moved(picture: Array, before: Array, now: Array) -> tuple[Array, Array]:
    """`picture [H, W, 3]` float32 as it lies when what is seen has moved from `before` to `now` (grey `[h,
    w]` uint8, smaller): and how far that is to be believed, `[H, W]` in 0..1."""
    (height, width), (rows, columns) = picture.shape[:2], now.shape
    motion: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    from_: Any = motion.calc(now, before, None) + np.stack(
        np.meshgrid(np.arange(columns), np.arange(rows)), -1
    ).astype(np.float32)
    there = cv2.remap(before, from_[..., 0], from_[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    trust: Any = np.clip(
        1 - cv2.GaussianBlur(cv2.absdiff(there, now).astype(np.float32), (0, 0), 1) / DOUBT, 0, 1
    )
    trust[(from_ < 0).any(2) | (from_ > (columns - 1, rows - 1)).any(2)] = (
        0  # this was outside of the picture
    )
    full = (cv2.resize(from_, (width, height)) + 0.5) * np.array(
        [width / columns, height / rows], np.float32
    ) - 0.5
    carried = cv2.remap(picture, full[..., 0], full[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return carried, cv2.resize(trust, (width, height))
