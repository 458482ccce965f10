"""Films that tests make: a face that moves, with uneven time stamps, turns and sound; and what is in a
film."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from mien.types import Array

WIDTH, HEIGHT = 320, 240
TICK = Fraction(1, 15360)


def shot(portrait: Array, i: int, *, face: bool = True) -> Array:
    """A portrait of 150 pixels that moves over a grey wall."""
    small = cv2.resize(portrait, (205, 240), interpolation=cv2.INTER_AREA)
    frame = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
    frame[::8] = 140
    if face:
        left = 30 + i
        frame[:, left : left + 205] = small
    return frame


def film(
    path: Path,
    frames: list[Array],
    *,
    gaps: tuple[int, ...] = (512,),
    turn: int = 0,
    sound: str | None = "aac",
    **metadata: str,
) -> Path:
    """Encode frames with time stamps that lie `gaps` ticks apart, in turn."""
    with av.open(str(path), "w") as container:
        container.metadata.update(metadata)
        picture: Any = container.add_stream("libx264", 30, {"crf": "12", "preset": "veryfast"})
        picture.width, picture.height, picture.pix_fmt = frames[0].shape[1], frames[0].shape[0], "yuv420p"
        picture.codec_context.time_base = TICK
        if turn:
            picture.set_display_rotation(turn)
        voice: Any = container.add_stream(sound, 48_000) if sound else None
        ticks: int = 0
        for i, pixels in enumerate(frames):
            one = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24").reformat(
                format="yuv420p"
            )
            one.pts, one.time_base = ticks, TICK
            ticks += gaps[i % len(gaps)]
            container.mux(picture.encode(one))
        container.mux(picture.encode())
        for start in range(0, int(Fraction(ticks) * TICK * 48_000), 1024) if voice else ():
            wave = (4000 * np.sin(np.arange(start, start + 1024) * 0.05)).astype(np.int16)
            block = av.AudioFrame.from_ndarray(wave[None], format="s16", layout="mono")
            block.sample_rate, block.pts = 48_000, start
            container.mux(voice.encode(block))
        if voice:
            container.mux(voice.encode())
    return path


def packets(path: Path) -> list[tuple[Any, ...]]:
    with av.open(str(path)) as container:
        found = container.demux(*container.streams.audio)
        return [
            ((p.pts or 0) * p.time_base, p.dts * p.time_base, p.duration, bytes(p))
            for p in found
            if p.dts is not None
        ]


def decoded(path: Path) -> list[Any]:
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def times(path: Path) -> list[Fraction]:
    return [Fraction(one.pts) * one.time_base for one in decoded(path)]


def luma(picture: Any) -> Array:
    return picture.to_ndarray(format="gray").astype(float)
