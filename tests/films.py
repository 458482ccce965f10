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
    layout: str = "mono",
    codec: str = "libx264",
    pixels: str = "yuv420p",
    display: tuple[int, ...] = (),
    options: dict[str, str] | None = None,
    metadata: dict[str, str] | None = None,
    knobs: dict[str, str] | None = None,
) -> Path:
    """Encode frames with time stamps that lie `gaps` ticks apart, in turn. sound: codecs, one
    a track; options: of the container; knobs: of the encoder."""
    with av.open(str(path), "w", options=options or {}) as container:
        container.metadata.update(metadata or {})
        about = {"crf": "12", "preset": "veryfast"} if codec == "libx264" else {"b": "2000000"}
        picture: Any = container.add_stream(codec, 30, about | (knobs or {}))
        picture.width, picture.height, picture.pix_fmt = frames[0].shape[1], frames[0].shape[0], pixels
        tick = TICK if codec == "libx264" else Fraction(1, 30)  # others take no ticks of their own
        picture.codec_context.time_base = tick
        if turn:
            picture.set_display_rotation(turn)
        if display:
            picture.set_display_matrix(display)
        voices = [container.add_stream(name, 48_000, layout=layout) for name in (sound or "").split()]
        ticks: int = 0
        for i, shown in enumerate(frames):
            one = av.VideoFrame.from_ndarray(np.ascontiguousarray(shown), format="rgb24").reformat(
                format=pixels
            )
            one.pts, one.time_base = ticks, tick
            ticks += gaps[i % len(gaps)] if codec == "libx264" else 1
            container.mux(picture.encode(one))
        container.mux(picture.encode())
        for voice in voices:
            _speak(container, voice, int(Fraction(ticks) * tick * 48_000))
    return path


def _speak(container: Any, voice: Any, samples: int) -> None:
    context = voice.codec_context
    fitted = av.AudioResampler(context.format, context.layout, 48_000, context.frame_size or 1024)
    for start in range(0, samples, 1024):
        wave = (4000 * np.sin(np.arange(start, start + 1024) * 0.05)).astype(np.int16)
        block = av.AudioFrame.from_ndarray(wave[None], format="s16", layout="mono")
        block.sample_rate, block.pts = 48_000, start
        for part in fitted.resample(block):
            container.mux(voice.encode(part))
    for part in fitted.resample(None):
        container.mux(voice.encode(part))
    container.mux(voice.encode())


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
