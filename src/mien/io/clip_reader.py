"""Read clips, one frame at a time. This file and `video` are the only ones that import PyAV.

    clip(path)              what a film file says of itself
    frames(clip)            its frames, upright; `Frame.drawn` puts changed pixels back

A changed frame is its own frame plus a difference: what the edit left alone never passes through another
colour space.
"""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..errors import InputError, RequestError
from ..types import Array, Clip
from . import inputs
from .photo_reader import MAX_PIXELS

READS = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".mkv": "video/x-matroska",
    ".webm": "video/webm",
}
# kinds of film that are one file: a playlist, which is read by its content too, would open others
FILES_ONLY = {"format_whitelist": "mov,matroska,webm,avi,mpegts,mpeg,asf,nut", "protocol_whitelist": "file"}
PLAIN, FULL = 1, 2  # colour ranges: 16 to 235, 0 to 255
SPACES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}  # ITU-T H.273's matrices as libswscale numbers them
REACH = 4  # pixels that colour conversion looks beyond a changed one


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of a clip: number from 0, time in seconds, and the picture as it was decoded (yuv420p)."""

    number: int
    time: float
    picture: Any
    turns: int

    @property
    def pixels(self) -> Array:
        """RGB `[H, W, 3]` uint8, upright. Made anew each time: a frame that waits is small."""
        return np.ascontiguousarray(np.rot90(_rgb(self.picture), self.turns))

    def drawn(self, before: Array, after: Array) -> Any:
        """The picture with `after` in place of its pixels `before`, by their difference; the picture itself
        where there is none."""
        before, after = (np.ascontiguousarray(np.rot90(one, -self.turns)) for one in (before, after))
        first, top, wide, height = cv2.boundingRect(
            cv2.absdiff(after, before).reshape(before.shape[0], -1)
        )  # of rows of R G B R G B
        if not wide:
            return self.picture
        left, width = first // 3, wide // 3 + 2
        x0, y0 = max(left - REACH, 0) & ~1, max(top - REACH, 0) & ~1
        x1, y1 = (
            min(end + REACH + 1, side) & ~1
            for end, side in ((left + width, before.shape[1]), (top + height, before.shape[0]))
        )
        old, new = (_planes(_yuv(one[y0:y1, x0:x1], self.picture)) for one in (before, after))
        self.picture.make_writable()
        for full, was, now, half in zip(_planes(self.picture), old, new, (1, 2, 2), strict=True):
            part = full[y0 // half : y1 // half, x0 // half : x1 // half]
            part[:] = np.clip(part.astype(np.int16) + now - was, 0, 255)
        return self.picture


def _planes(picture: Any) -> list[Array]:
    """Y, U and V of a yuv420p picture, to look at or to write into."""
    return [
        np.frombuffer(p, np.uint8).reshape(p.height, p.line_size)[:, : p.width].view() for p in picture.planes
    ]


def _space(picture: Any) -> tuple[int, int]:
    """Matrix and range for libswscale; a picture that does not say is taken as players take it: BT.709 from
    720 lines on."""
    guess = 1 if min(picture.width, picture.height) >= 720 else 5
    return SPACES.get(int(picture.colorspace), guess), FULL if int(picture.color_range) == FULL else PLAIN


def _rgb(picture: Any) -> Array:
    space, reach = _space(picture)
    return picture.reformat(
        format="rgb24",
        src_colorspace=space,
        dst_colorspace=space,
        src_color_range=reach,
        dst_color_range=FULL,
    ).to_ndarray()


def _yuv(pixels: Array, like: Any) -> Any:
    import av

    space, reach = _space(like)
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24").reformat(
        format="yuv420p",
        src_colorspace=space,
        dst_colorspace=space,
        src_color_range=FULL,
        dst_color_range=reach,
    )


def clip(
    path: Path, *, begin: float | None = None, end: float | None = None, max_pixels: int = MAX_PIXELS
) -> Clip:
    """What the film at `path` says of itself, of which the part from `begin` to `end` (seconds from its
    start) is meant.

    `InputError` where it is missing, damaged, no film, larger than `max_pixels` a frame, or has sound that an
    .mp4 cannot hold; `RequestError` where the part ends before it begins.
    """
    if begin is not None and end is not None and begin >= end:
        raise RequestError(
            f"the part ends at {end:g} seconds, before it begins at {begin:g}: --from is to be less than --to"
        )
    with opened(path) as container:
        stream = _stream(path, container)
        width, height = stream.codec_context.width, stream.codec_context.height
        if width * height > max_pixels:
            raise InputError(
                f"{path} has {width} x {height} pixels, more than the limit of {max_pixels}: raise it with --max-pixels {width * height}"
            )
        _check_sound(path, container)
        zero = Fraction(container.start_time or 0, 1_000_000)
        length = Fraction(container.duration or 0, 1_000_000)
        if begin is not None and length and begin >= length:
            raise InputError(
                f"{path} is {float(length):.1f} seconds long: --from {begin:g} is beyond its end"
            )
        first = next(_decoded(container, stream), None)
        if first is None:
            raise InputError(f"{path} holds no frame that can be decoded")
        fps = Fraction(stream.average_rate or stream.guessed_rate or 30).limit_denominator(1001)
        part = min(Fraction(end), length) if end is not None and length else Fraction(end or length)
        part -= Fraction(begin or 0)
        matrix = next((bytes(one) for one in first.side_data if one.type.name == "DISPLAYMATRIX"), b"")
        return Clip(
            path=str(path),
            size=(width & ~1, height & ~1),
            turns=round(first.rotation / 90) % 4,
            matrix=tuple(np.frombuffer(matrix, np.int32).tolist()),
            fps=fps,
            frames=math.ceil(part * fps) or stream.frames,
            time_base=stream.time_base,
            begin=None if begin is None else zero + Fraction(begin),
            end=None if end is None else zero + Fraction(end),
            aspect=stream.sample_aspect_ratio or None,
            colours=(
                int(first.colorspace),
                int(first.color_range),
                int(first.color_primaries),
                int(first.color_trc),
            ),
        )


def frames(clip: Clip, *, begin: int = 0, ticks: int | None = None) -> Iterator[Frame]:
    """The frames of a clip in the order in which they are shown; of which number `begin` on, which has the
    time stamp `ticks`."""
    with opened(Path(clip.path)) as container:
        stream = _stream(Path(clip.path), container)
        stream.thread_type = "AUTO"
        start = (
            ticks
            if ticks is not None
            else math.ceil(clip.begin / clip.time_base)
            if clip.begin is not None
            else None
        )
        if start:
            container.seek(start, stream=stream)
        number, last = begin, None
        for picture in _decoded(container, stream):
            if (start is not None and picture.pts < start) or (last is not None and picture.pts <= last):
                continue
            if clip.end is not None and picture.pts * clip.time_base >= clip.end:
                return
            last, time = picture.pts, float(picture.pts * clip.time_base)
            yield Frame(number, time, _even(picture, clip), clip.turns)
            number += 1


def _even(picture: Any, clip: Clip) -> Any:
    """The picture as yuv420p with even sides, ready to be encoded."""
    from av.video.frame import PictureType

    if (picture.width & ~1, picture.height & ~1) != clip.size:
        raise InputError(
            f"{clip.path} changes its size from {clip.size[0]} x {clip.size[1]} to {picture.width} x {picture.height} pixels"
        )
    out = picture
    if (picture.width, picture.height) != clip.size:
        out = _yuv(_rgb(picture)[: clip.size[1], : clip.size[0]], picture)
    elif picture.format.name not in ("yuv420p", "yuvj420p"):
        space, reach = _space(picture)
        out = picture.reformat(
            format="yuv420p",
            src_colorspace=space,
            dst_colorspace=space,
            src_color_range=reach,
            dst_color_range=reach,
        )
    out.pts, out.time_base, out.duration = picture.pts, clip.time_base, picture.duration
    out.colorspace, out.color_range = picture.colorspace, picture.color_range
    out.pict_type = PictureType.NONE  # the encoder decides anew
    return out


def _decoded(container: Any, stream: Any) -> Iterator[Any]:
    """Frames with a time stamp; packets that are damaged are passed over, as players do."""
    from av.error import InvalidDataError

    for packet in container.demux(stream):
        with contextlib.suppress(InvalidDataError):
            yield from (picture for picture in packet.decode() if picture.pts is not None)


@contextlib.contextmanager
def opened(path: Path) -> Generator[Any]:
    import av
    from av.error import FFmpegError

    inputs.check_file(path, "a film")
    try:
        container = av.open(f"file:{path}", container_options=FILES_ONLY, metadata_errors="surrogateescape")
    except (FFmpegError, OSError) as error:
        raise InputError(
            f"{path} cannot be read as a film ({error.strerror}): {' '.join(READS)} are"
        ) from error
    with container:
        yield container


def _stream(path: Path, container: Any) -> Any:
    """The film's own stream of pictures; a cover is none."""
    for stream in container.streams.video:
        if "attached_pic" not in (stream.disposition.name or "") and stream.codec_context is not None:
            return stream
    raise InputError(f"{path} holds no pictures that can be decoded: a film was wanted")


def _check_sound(path: Path, container: Any) -> None:
    import av
    from av.error import FFmpegError

    try:
        with av.open(io.BytesIO(), "w", format="mp4") as trial:
            for stream in container.streams.audio:
                trial.add_stream_from_template(stream)
            if trial.streams:
                trial.start_encoding()
    except (FFmpegError, ValueError) as error:
        names = ", ".join(
            stream.codec_context.name if stream.codec_context else "unknown"
            for stream in container.streams.audio
        )
        raise InputError(
            f"{path} has sound that an .mp4 cannot hold ({names}): convert it first, ffmpeg -i {path.name} -c:v copy -c:a aac new.mp4"
        ) from error
