"""Write clips. This file and `footage` are the only ones that import PyAV.

    encode(pictures, path)  frames as one part of a film, with their own time stamps
    join(clip, parts, path) parts, sound as it was, and the label: the film
    assemble(film, parts, path) parts of a film that was drawn anew, and sound from elsewhere
    write(frames, path)     frames that were generated

Parts have no B-frames, so that they can be put end to end: they are decoded in the order in which they are
shown.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import math
import os
import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from ..errors import OutputError
from ..types import Array, Clip, Origin, Step
from . import captions, declarations, outputs, privacy
from . import clip_reader as footage
from . import content_credentials as provenance

SUFFIXES = (".mp4",)
NAMED = {"movflags": "use_metadata_tags"}  # what a film says of itself, under any name
TICKS = 512  # of a new film's clock, a frame
PLAIN = 1  # colour range: 16 to 235
QUALITY = {
    "crf": "18",
    "preset": "veryfast",
}  # x264's constant rate factor: hardly to be told from the frames
FAITHFUL = {
    "crf": "14",
    "preset": "veryfast",
    "bf": "0",
}  # of what has been compressed before: what was not edited keeps its look


def encode(pictures: Iterable[Any], path: Path, clip: Clip) -> int:
    """Write pictures (yuv420p, with time stamps) as one part of `clip`, and see that it is on the disk;
    returns how many there were."""
    import av

    space, reach, primaries, transfer = clip.colours
    with av.open(str(path), "w", format="nut") as container:
        halves = {"x264-params": f"{clip.fields}=1"} if clip.fields else {}
        stream = container.add_stream("libx264", clip.fps, FAITHFUL | halves)
        stream.width, stream.height, stream.pix_fmt = *clip.size, "yuv420p"
        context = stream.codec_context
        context.time_base, context.thread_type = clip.time_base, "AUTO"
        context.colorspace, context.color_range, context.color_primaries, context.color_trc = (
            space,
            reach,
            primaries,
            transfer,
        )
        if clip.aspect:
            context.sample_aspect_ratio = clip.aspect
        count = 0
        for count, picture in enumerate(pictures, 1):  # noqa: B007
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return count


def join(
    clip: Clip,
    parts: Sequence[Path],
    path: Path,
    *,
    history: tuple[Step, ...],
    force: bool,
    private: bool,
    bits: str = "",
) -> None:
    """Put encoded parts end to end, with the packets of the clip's own sound as they are, and write the
    labelled film at `path`; private: leave out where and when the clip was taken and with which device; bits: of the
    mark in its pixels."""
    target(path, force=force)
    origin = Origin(path=clip.path, format=clip.media_type)
    with _finished(path, history, origin, bits, force=force) as raw:
        _mux(clip, parts, raw, private=private)


def _mux(clip: Clip, parts: Sequence[Path], path: Path, *, private: bool) -> None:
    import av

    with footage.opened(Path(clip.path)) as source, av.open(str(parts[0])) as first:
        sounds, about = footage.sounds(source), _about(source)
        about = privacy.minimised_tags(about) if private else about
        scales = [clip.time_base.denominator, *(stream.time_base.denominator for stream in sounds)]
        common = math.lcm(*scales)
        exact = {
            "video_track_timescale": str(scales[0]),
            "movie_timescale": str(common if common < 2**31 else scales[0]),
        } | NAMED
        with av.open(str(path), "w", format="mp4", options=exact, metadata_errors="surrogateescape") as out:
            stream = out.add_stream_from_template(first.streams.video[0])
            stream.time_base = clip.time_base
            if clip.matrix:
                stream.set_display_matrix(clip.matrix)
            out.metadata.update({declarations.AIGC: declarations.aigc()} | about)
            copies = {one.index: footage.copied(one, out) for one in sounds}
            pictures = _packets(parts)
            head = next(pictures)
            shift = footage.start_of(source) if clip.begin is None else head.pts * head.time_base
            film = ((packet, stream) for packet in itertools.chain([head], pictures))
            sound = ((packet, copies[packet.stream.index]) for packet in _sound(clip, source, sounds, shift))
            for packet, to in heapq.merge(film, sound, key=lambda one: one[0].dts * one[0].time_base):
                back = round(shift / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts - back, packet.dts - back, to
                out.mux(packet)


@dataclass(frozen=True)
class Sound:
    """What is heard in a new film: the first track of a film or a recording, from `begin` seconds on."""

    path: Path
    begin: float = 0.0


def new_film(title: str, size: tuple[int, int], fps: float, frames: int) -> Clip:
    """A film that is still to be drawn, as `encode` wants it described; sides are cut to even numbers."""
    rate = Fraction(fps).limit_denominator(1001)
    wide = min(size) >= 720  # as players take it that are not told
    space = (1, PLAIN, 1, 1) if wide else (6, PLAIN, 6, 6)
    return Clip(
        path=title,
        size=(size[0] & ~1, size[1] & ~1),
        turns=0,
        mirrored=False,
        matrix=(),
        fps=rate,
        frames=frames,
        time_base=Fraction(1, rate.numerator * TICKS),
        begin=None,
        end=None,
        aspect=None,
        colours=space,
    )


def picture(pixels: Array, film: Clip, number: int) -> Any:
    """Frame `number` of a new film, `[h, w, 3]` uint8, ready to be encoded."""
    import av

    width, height = film.size
    like = av.VideoFrame(width, height, "yuv420p")
    like.colorspace, like.color_range = film.colours[0], film.colours[1]
    out = footage.to_yuv(pixels[:height, :width], like)
    out.colorspace, out.color_range = film.colours[0], film.colours[1]
    out.pts, out.time_base = number * film.fps.denominator * TICKS, film.time_base
    return out


def assemble(
    film: Clip,
    parts: Sequence[Path],
    path: Path,
    *,
    sound: Sound | None,
    history: tuple[Step, ...],
    origin: Origin,
    force: bool,
    bits: str = "",
) -> None:
    """Put the parts of a new film end to end, with the first track of sound of a film or recording as AAC, up to the
    film's end, and write it labelled at `path`; origin: of the picture that it was drawn from; bits: of the mark in
    its pixels."""
    import av

    target(path, force=force)
    with _finished(path, history, origin, bits, force=force) as raw, av.open(str(parts[0])) as first:
        exact = {"video_track_timescale": str(film.time_base.denominator)} | NAMED
        with av.open(str(raw), "w", format="mp4", options=exact) as out:
            out.metadata[declarations.AIGC] = declarations.aigc()
            stream = out.add_stream_from_template(first.streams.video[0])
            stream.time_base = film.time_base
            heard = _heard(sound, out, film.frames / film.fps) if sound else iter(())
            merged = heapq.merge(
                _packets(parts, stream), heard, key=lambda packet: packet.dts * packet.time_base
            )
            for packet in merged:
                out.mux(packet)


def _heard(sound: Sound, out: Any, seconds: Fraction) -> Iterator[Any]:
    """Sound as AAC packets of a new track of `out`, for so many seconds."""
    with footage.opened_sound(sound.path) as (source, stream):
        track = out.add_stream("aac", rate=stream.codec_context.sample_rate)
        track.codec_context.layout = "mono" if stream.codec_context.channels == 1 else "stereo"
        begin = Fraction(source.start_time or 0, 1_000_000) + Fraction(sound.begin)
        for frame in source.decode(stream):
            if frame.pts is None:
                continue
            time = frame.pts * frame.time_base - begin
            if time < 0:
                continue
            if time >= seconds:
                break
            frame.pts = round(time / frame.time_base)
            yield from track.encode(frame)
        yield from track.encode(None)


def _about(source: Any) -> dict[str, str]:
    """What a film says of itself: title, time, in the words of phones (com.apple.quicktime.make) place and camera, and
    the mark of another producer; no pictures."""
    container = ("encoder", "major_brand", "minor_version", "compatible_brands")
    told = {key: value for key, value in source.metadata.items() if key not in container}
    return {
        key: value
        for key, value in told.items()
        if not re.search(captions.PICTURE, value.encode(errors="replace"))
        and (key != declarations.AIGC or declarations.is_anothers(value))
    }


def _packets(parts: Sequence[Path], stream: Any = None) -> Iterator[Any]:
    """The packets of parts, one after the other; as those of another `stream`, where one is given."""
    import av

    for part in parts:
        with av.open(str(part)) as container:
            for packet in container.demux(container.streams.video[0]):
                if packet.pts is not None:
                    packet.dts = (
                        packet.pts
                    )  # there are no B-frames; of uneven time stamps the demuxer would tell none
                    if stream is not None:
                        packet.stream = stream
                    yield packet


def _sound(clip: Clip, source: Any, sounds: list[Any], shift: Fraction) -> Iterator[Any]:
    """The packets of the clip's sound; of a part of it those that begin in there."""
    if not sounds:
        return
    if clip.begin is not None:
        source.seek(max(int(shift * 1_000_000) - 500_000, 0))
    for packet in source.demux(*sounds):
        if packet.dts is None or packet.pts is None:
            continue
        time = packet.pts * packet.time_base
        if (clip.begin is None or time >= shift) and (clip.end is None or time < clip.end):
            yield packet


def write(
    frames: Iterable[Array],
    path: Path,
    *,
    fps: float,
    history: tuple[Step, ...],
    origin: Origin = Origin(),  # noqa: B008 - frozen
    force: bool = False,
    bits: str = "",
) -> int:
    """Write frames `[H, W, 3]` uint8 RGB, all of one size, as a labelled H.264 clip; returns how many there
    were. bits: of the mark in their pixels.

    Frames are taken one at a time, so a clip may be longer than memory. Sides are cut to even numbers, which
    the format wants. `OutputError` where the file exists and `force` is not set, or cannot be written; then
    nothing is left behind.
    """
    target(path, force=force)
    with _finished(path, history, origin, bits, force=force) as raw:
        return _encode(frames, raw, fps)


def target(path: Path, *, force: bool) -> None:
    """Refuse what can be refused before there is a frame."""
    if path.suffix.lower() not in SUFFIXES:
        raise OutputError(
            f"{path}: the suffix {path.suffix!r} names no clip that mien writes: use {' '.join(SUFFIXES)}"
        )
    outputs.check_free(path, force)


def _encode(frames: Iterable[Array], path: Path, fps: float) -> int:
    import av

    count, stream = 0, None
    with av.open(str(path), "w", format="mp4", options=NAMED) as container:
        container.metadata[declarations.AIGC] = declarations.aigc()
        for pixels in frames:
            count += 1
            height, width = pixels.shape[0] & ~1, pixels.shape[1] & ~1
            if stream is None:
                stream = container.add_stream("libx264", Fraction(fps).limit_denominator(1001), QUALITY)
                stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(pixels[:height, :width].copy(), format="rgb24"))
            )
        if stream is not None:
            container.mux(stream.encode())
    return count


@contextlib.contextmanager
def _finished(
    path: Path, history: tuple[Step, ...], origin: Origin, bits: str, *, force: bool
) -> Generator[Path]:
    """A file to write a film to; in the end it is labelled and takes the place of `path`. Where that fails
    nothing is left."""
    try:
        with outputs.draft(path) as raw, outputs.draft(path) as labelled:
            yield raw
            with raw.open("rb") as source, labelled.open("wb+") as out:
                provenance.sign(source, out, "video/mp4", history, origin, bits)
            outputs.place(labelled, path, force=force)
    except OSError as error:
        raise outputs.unwritable(path, error) from error
