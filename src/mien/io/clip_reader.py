"""Read clips, one frame at a time. This file and `video` are the only ones that import PyAV.

    clip(path)              what a film file says of itself
    frames(clip)            its frames, upright; `Frame.drawn` puts changed pixels back
    glimpses(clip, moments) some of them

A changed frame is its own frame plus a difference: what the edit left alone never passes through another
colour space.
"""

from __future__ import annotations

import contextlib
import io
import math
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
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

# A film is told by what is in it; of these suffixes one is looked for in folders.
READS = (
    ".mp4",
    ".m4v",
    ".mov",
    ".f4v",
    ".mkv",
    ".webm",
    ".mts",
    ".m2ts",
    ".avi",
    ".3gp",
    ".wmv",
    ".mpg",
    ".mpeg",
    ".vob",
    ".flv",
    ".ogv",
)
MEDIA = {
    "mov": "video/mp4",
    "matroska": "video/x-matroska",
    "avi": "video/avi",
    "mpegts": "video/mp2t",
    "mpeg": "video/mpeg",
    "asf": "video/x-ms-wmv",
    "flv": "video/x-flv",
    "ogg": "video/ogg",
}
# kinds of film that are one file: a playlist, which is read by its content too, would open others
FILES_ONLY = {
    "format_whitelist": "mov,matroska,webm,avi,mpegts,mpeg,asf,flv,ogg",
    "protocol_whitelist": "file",
}
SOUND_FILES = FILES_ONLY | {"format_whitelist": f"{FILES_ONLY['format_whitelist']},wav,mp3,flac,aac,aiff,caf"}
PLAIN, FULL = 1, 2  # colour ranges: 16 to 235, 0 to 255
LOWER_FIRST = 3, 4  # of FFmpeg's AVFieldOrder: the lower half picture is shown first
SPACES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}  # ITU-T H.273's matrices as libswscale numbers them
REACH = 4  # pixels that colour conversion looks beyond a changed one
SOON, FINE = 1e-6, 1_000_000  # seconds that are no difference: a third written in decimals is a third
LEAP = 10.0  # seconds to the next frame that is wanted, from which on it is sought instead of decoded up to


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of a clip: number from 0, time in seconds, and the picture as it was decoded (yuv420p)."""

    number: int
    time: float
    picture: Any
    turns: int
    mirrored: bool = False

    @property
    def pixels(self) -> Array:
        """RGB `[H, W, 3]` uint8, upright. Made anew each time: a frame that waits is small."""
        stored = _rgb(self.picture)
        return np.ascontiguousarray(np.rot90(stored[:, ::-1] if self.mirrored else stored, self.turns))

    def _stored(self, pixels: Array) -> Array:
        """Upright pixels as they lie in the picture."""
        stored = np.rot90(pixels, -self.turns)
        return np.ascontiguousarray(stored[:, ::-1] if self.mirrored else stored)

    def drawn(self, before: Array, after: Array) -> Any:
        """The picture with `after` in place of its pixels `before`, by their difference; the picture itself
        where there is none."""
        before, after = self._stored(before), self._stored(after)
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
        old, new = (_planes(to_yuv(one[y0:y1, x0:x1], self.picture)) for one in (before, after))
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


def to_yuv(pixels: Array, like: Any) -> Any:
    """Pixels `[h, w, 3]` uint8 with even sides as a yuv420p picture in the colour space of another."""
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
        left_out = _left_out(path, container)
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
        start, stop = (None if one is None else Fraction(one).limit_denominator(FINE) for one in (begin, end))
        part = min(stop, length) if stop and length else stop or length
        part -= start or 0
        bits = first.format.components[0].bits
        left_out += [f"{bits - 8} of its {bits} bits a channel"] if bits > 8 else []
        held = next((bytes(one) for one in first.side_data if one.type.name == "DISPLAYMATRIX"), b"")
        matrix = tuple(np.frombuffer(held, np.int32).tolist())
        turns, mirrored = _upright(matrix)
        return Clip(
            path=str(path),
            size=(width & ~1, height & ~1),
            turns=turns,
            mirrored=mirrored,
            matrix=matrix,
            fps=fps,
            frames=math.ceil(part * fps) or stream.frames,
            time_base=stream.time_base,
            begin=None if start is None else zero + start,
            end=None if stop is None else zero + stop,
            aspect=stream.sample_aspect_ratio or None,
            colours=(
                int(first.colorspace),
                int(first.color_range),
                int(first.color_primaries),
                int(first.color_trc),
            ),
            media_type=_media_type(container),
            fields=_fields(first, stream.codec_context.field_order),
            zero=zero,
            left_out=tuple(left_out),
        )


def _upright(matrix: tuple[int, ...]) -> tuple[int, bool]:
    """Quarters counter-clockwise that set a frame upright, and whether it is mirrored first, by its display
    matrix (a b u c d v x y w, which takes x, y to ax + cy, bx + dy)."""
    if not matrix:
        return 0, False
    a, b, _, c, d = matrix[:5]
    mirrored = a * d < b * c
    if mirrored:
        a, b = -a, -b
    return round(-math.atan2(b, a) / (math.pi / 2)) % 4, mirrored


def _fields(picture: Any, order: int) -> str:
    """Which half picture of a frame that holds two comes first, by FFmpeg's number for their order."""
    return "" if not picture.interlaced_frame else "bff" if order in LOWER_FIRST else "tff"


def _media_type(container: Any) -> str:
    kind = MEDIA[container.format.name.split(",")[0]]
    apple = container.metadata.get("major_brand", "").strip() == "qt"
    return "video/quicktime" if apple else kind


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
        number, last = begin, None
        for picture in _decoded_from(container, stream, start) if start else _decoded(container, stream):
            if (start is not None and picture.pts < start) or (last is not None and picture.pts <= last):
                continue
            if clip.end is not None and picture.pts * clip.time_base >= clip.end:
                return
            last, time = picture.pts, float(picture.pts * clip.time_base)
            yield Frame(number, time, _even(picture, clip), clip.turns, clip.mirrored)
            number += 1


def glimpses(clip: Clip, moments: Sequence[float]) -> Generator[Frame]:
    """The frames of a clip with which a part that begins at each of the `moments` would begin: seconds from its start,
    rising. Beyond its end that is the last. Their numbers are those of the moments, their times from its start, too."""
    with opened(Path(clip.path)) as container:
        stream = _stream(Path(clip.path), container)
        stream.thread_type = "AUTO"
        zero = float(clip.zero)
        coming, last, now = _decoded(container, stream), None, 0.0
        for number, moment in enumerate(moments):
            if moment - now > LEAP:
                coming = _decoded_from(container, stream, math.floor((zero + moment) / clip.time_base))
            while last is None or now < moment - SOON:
                if (picture := next(coming, None)) is None:
                    break
                last, now = picture, float(picture.pts * clip.time_base) - zero
            if last is not None:
                yield Frame(number, now, _even(last, clip), clip.turns, clip.mirrored)


def _even(picture: Any, clip: Clip) -> Any:
    """The picture as yuv420p with even sides, ready to be encoded."""
    from av.video.frame import PictureType

    if (picture.width & ~1, picture.height & ~1) != clip.size:
        raise InputError(
            f"{clip.path} changes its size from {clip.size[0]} x {clip.size[1]} to {picture.width} x {picture.height} pixels"
        )
    out = picture
    if (picture.width, picture.height) != clip.size:
        out = to_yuv(_rgb(picture)[: clip.size[1], : clip.size[0]], picture)
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


def _decoded_from(container: Any, stream: Any, start: int) -> Iterator[Any]:
    """Frames from one on that is not after the time stamp `start`. In a file without an index, as a transport stream, a
    seek ends where no picture can be decoded yet: then it begins farther before."""
    second = round(1 / stream.time_base)
    first = (stream.start_time or 0) - second  # pictures are decoded before they are shown
    at, step = max(start, first), second
    while True:
        container.seek(at, stream=stream)
        coming = _decoded(container, stream)
        picture = next(coming, None)
        if at == first or (picture is not None and picture.pts <= start):
            break
        at, step = max(at - step, first), 2 * step
    if picture is not None:
        yield picture
    yield from coming


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
        try:
            yield container
        except FFmpegError as error:
            if isinstance(error, OSError):  # as a full disk
                raise
            raise InputError(f"{path} is damaged, or holds what no .mp4 can ({error.strerror})") from error


@contextlib.contextmanager
def opened_sound(path: Path) -> Generator[tuple[Any, Any]]:
    """A film or a recording, and its first track of sound."""
    import av
    from av.error import FFmpegError

    inputs.check_file(path, "a recording")
    try:
        container = av.open(f"file:{path}", container_options=SOUND_FILES, metadata_errors="surrogateescape")
    except (FFmpegError, OSError) as error:
        raise InputError(
            f"{path} cannot be read as a recording ({error.strerror}): .wav, .mp3, .flac, .ogg and films are"
        ) from error
    with container:
        if not container.streams.audio:
            raise InputError(f"{path} has no sound: leave it out with --sound none")
        yield container, container.streams.audio[0]


@contextlib.contextmanager
def stream(source: str) -> Generator[tuple[Iterator[Array], float]]:
    """The frames `[H, W, 3]` uint8 of a clip, or of a camera called as "camera:0", and how many a second."""
    import av
    from av.error import FFmpegError

    kind, _, number = source.partition(":")
    if kind != "camera":
        film = clip(Path(source))
        yield (frame.pixels for frame in frames(film)), float(film.fps)
        return
    try:
        camera = av.open(f"/dev/video{int(number or 0)}", format="v4l2")
    except (FFmpegError, OSError, ValueError) as error:
        raise InputError(f"{source}: there is no such camera ({error}): camera:0 is the first") from error
    with camera:
        rate = float(camera.streams.video[0].average_rate or 30)
        yield (picture.to_ndarray(format="rgb24") for picture in camera.decode(video=0)), rate


def has_sound(path: Path) -> bool:
    """Whether a film has a track of sound."""
    with opened(path) as container:
        return bool(container.streams.audio)


def is_film(path: Path) -> bool:
    """Whether a file of any suffix holds a film, by what is in it."""
    try:
        with opened(path) as container:
            return bool(_stream(path, container))
    except InputError:
        return False


def _stream(path: Path, container: Any) -> Any:
    """The film's own stream of pictures; a cover is none."""
    for stream in container.streams.video:
        if "attached_pic" not in (stream.disposition.name or "") and stream.codec_context is not None:
            return stream
    raise InputError(f"{path} holds no pictures that can be decoded: a film was wanted")


def start_of(container: Any) -> Fraction:
    """When a film's own clock begins, in seconds, where that means nothing: in streams that were cut out of a
    broadcast or a recording."""
    broadcast = container.format.name.split(",")[0] in ("mpegts", "mpeg")
    return Fraction(container.start_time or 0, 1_000_000) if broadcast else Fraction(0)


def sounds(container: Any) -> list[Any]:
    """The tracks of sound that an .mp4 can hold."""
    return [stream for stream in container.streams.audio if _fits(stream)]


def copied(stream: Any, out: Any) -> Any:
    """A track of `out` for the packets of a track of sound. An .mp4 wants to know where its channels are; of
    files that do not say, that is as usual."""
    copy = out.add_stream_from_template(stream)
    usual = {"1 channels": "mono", "2 channels": "stereo", "6 channels": "5.1", "8 channels": "7.1"}
    if stream.codec_context is not None and stream.codec_context.layout.name in usual:
        copy.codec_context.layout = usual[stream.codec_context.layout.name]
    return copy


def _fits(stream: Any) -> bool:
    import av
    from av.error import FFmpegError

    try:
        with av.open(io.BytesIO(), "w", format="mp4") as trial:
            copied(stream, trial)
            trial.start_encoding()
    except (FFmpegError, ValueError):
        return False
    return True


def _left_out(path: Path, container: Any) -> list[str]:
    """The tracks that are not taken along, in words. Where that would be all of the sound, an `InputError`."""
    kept = sounds(container)
    lost = [_codec(stream) for stream in container.streams.audio if stream not in kept]
    if lost and not kept:
        raise InputError(
            f"{path} has sound that no .mp4 holds ({', '.join(lost)}): convert it, ffmpeg -i {path.name} -c:v copy -c:a aac new.mp4"
        )
    out = [f"{len(lost)} sound track{'s' * (len(lost) > 1)} ({', '.join(lost)})"] if lost else []
    others = Counter(stream.type for stream in container.streams if stream.type not in ("video", "audio"))
    return out + [f"{n} {kind} track{'s' * (n > 1)}" for kind, n in others.items()]


def _codec(stream: Any) -> str:
    return stream.codec_context.name if stream.codec_context else "of an unknown kind"
