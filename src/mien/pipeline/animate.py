"""The verb `animate`: the faces of one photo or painting move, each by a motion."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from .._version import __version__
from ..arguments import checked
from ..edits.reenact import Drawing, Parts
from ..errors import OutputError, RequestError
from ..face import filters
from ..face.motion import Motion
from ..io import clip_writer, moving_picture, notice, outputs, photo_writer, watermark
from ..io.clip_writer import Sound
from ..io.notice import Box
from ..io.photo_reader import PhotoLike, as_photo
from ..models.kit import Kit, shared_kit
from ..types import SILENT, Array, Photo, Progress, Source, Step
from .actor import Actor, check_face, notes
from .consent import check_consent, stated
from .look import PhotoFaces, in_srgb
from .marking import box_of, place
from .motion import MotionLike, as_motion
from .people import FaceLike, meant, select_faces
from .photo import now
from .resume import Summary, process_drawn
from .session import RememberingParser

LOOP = 0.4  # seconds over which a motion that is to be repeated leads over to its beginning
MOST_FRAMES = 100_000
LOOKED = 32  # times of a motion at which its faces are looked for, before words have a place
REGIONS = ("pose", "eyes", "lips", "brows")


@dataclass(frozen=True, eq=False)
class Animation:
    """A photo that moves, frame by frame, each made when it is asked for. fps: frames a second; step: what the
    label says."""

    photo: Photo
    actors: tuple[Actor, ...]
    fps: float
    count: int
    step: Step

    def __len__(self) -> int:
        return self.count

    def __repr__(self) -> str:
        width, height = self.photo.size
        return f"<Animation: {len(self)} frames of {width} x {height}, {self.fps:g} a second>"

    def frame(self, number: int) -> Array:
        """Frame `number` from 0, `[H, W, 3]` uint8. Where nothing moves it is the photo, bit for bit."""
        out = self.photo.pixels.copy()
        for actor in self.actors:
            actor.draw(out, number / self.fps)
        return out

    def frames(self) -> Iterator[Array]:
        """All frames, one after the other."""
        return (self.frame(number) for number in range(len(self)))

    def finished(self, number: int, bits: int) -> tuple[Array, bool]:
        """Frame `number` as it is written: with marks in its faces and words in a corner; and whether there are any
        marks."""
        photo = self._photo(number, self.frame(number))
        pixels = watermark.lay(photo.pixels, photo.marks, bits, watermark.FILM)
        words = self.step.words
        return notice.drawn(pixels, words, photo.boxes) if words else pixels, bool(photo.marks)

    def _photo(self, number: int, pixels: Array) -> Photo:
        """Frame `number` as a photo, which knows where its faces are."""
        faces = [one.moved(number / self.fps) for one in self.actors]
        marks = tuple(found for face in faces if (found := place(pixels, face)) is not None)
        return replace(self.photo.after(self.step, pixels, marks), boxes=self._boxes)

    @cached_property
    def _boxes(self) -> tuple[Box, ...]:
        """All that each face passes through, so that words in a corner stay in theirs."""
        times = np.linspace(0, len(self) - 1, LOOKED) / self.fps
        passed = (np.array([box_of(one.moved(at)) for at in times]) for one in self.actors)
        return tuple((*boxes[:, :2].min(0).tolist(), *boxes[:, 2:].max(0).tolist()) for boxes in passed)

    def write(
        self,
        path: str | os.PathLike[str],
        *,
        sound: Sound | None = None,
        resume: bool = False,
        force: bool = False,
        progress: Progress = SILENT,
    ) -> Summary:
        """Write it as .mp4 with sound or without, or as .gif or .webp, labelled. resume: of an .mp4, go on with what an
        interrupted run has left in `path`.parts."""
        path = Path(path)
        check_target(path, sound=sound, resume=resume, force=force)
        if path.suffix.lower() in moving_picture.SUFFIXES:
            history, origin = (*self.photo.history, self.step), self.photo.origin
            bits = watermark.bits_of(history, self.photo.pixels.tobytes())
            marked = (self.finished(number, bits)[0] for number in self._watched(progress))
            how: dict[str, Any] = {"history": history, "origin": origin, "bits": watermark.as_text(bits)}
            moving_picture.write(marked, path, fps=self.fps, force=force, **how)
            return Summary(len(self), self.fps, len(self.actors), self.step.notes)
        film = clip_writer.new_film(str(path), self.photo.size, self.fps, len(self))
        line = _Line(self, film)
        told = process_drawn(
            film,
            path,
            line,
            self.step,
            photo=self.photo,
            sound=sound,
            resume=resume,
            force=force,
            progress=progress,
        )
        return replace(told, faces=len(self.actors), notes=self.step.notes)

    def write_frames(self, folder: str | os.PathLike[str], *, progress: Progress = SILENT) -> int:
        """Write every frame into an empty folder as a labelled .png; returns how many there are."""
        folder = Path(folder)
        outputs.check_empty(folder)
        folder.mkdir(exist_ok=True)
        for number in self._watched(progress):
            photo = self._photo(number, self.frame(number))
            photo_writer.write(photo, folder / f"{number + 1:05d}.png")
        return len(self)

    def _watched(self, progress: Progress) -> Iterator[int]:
        """The numbers of all frames, told of one by one."""
        for number in range(len(self)):
            yield number
            progress.advance(number + 1, len(self))
            if progress.cancelled:
                raise KeyboardInterrupt


@dataclass
class _Line:
    """Draws the frames of an animation by their numbers; see `resume.FrameProcessor`."""

    animation: Animation
    film: Any
    edited: set[int] = field(default_factory=set)
    notes: dict[int, str] = field(default_factory=dict)
    sources: tuple[Source, ...] = ()
    bits: int = 0
    marked: bool = False
    words: str = ""
    nothing = ""

    def run(self, frames: Iterator[int]) -> Iterator[Any]:
        for number in frames:
            pixels, marked = self.animation.finished(number, self.bits)
            self.marked |= marked
            yield clip_writer.picture(pixels, self.film, number)

    def state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        return {}, {}

    def go_on(self, told: dict[str, Any], arrays: dict[str, Array], start: int) -> tuple[int, int]:
        return start, 0


@checked
def animate(
    photo: PhotoLike,
    motion: MotionLike | Mapping[int, MotionLike],
    *,
    consent: str,
    face: FaceLike = "largest",
    strength: float = 1.0,
    regions: tuple[str, ...] = REGIONS,
    loop: int = 1,
    size: int | None = None,
    fps: float | None = None,
    network: str | None = None,
    driver: FaceLike = "largest",
    start: float | None = None,
    end: float | None = None,
    mark: str | None = None,
    licence: str | None = None,
    kit: Kit | None = None,
    progress: Progress = SILENT,
) -> Animation:
    """Make a photo or a painting move: `animate("portrait.jpg", "nod", consent="my own portrait").write("out.mp4")`.

    motion: one in the box ("nod"), a `Motion`, a file that `mien motion` wrote, or a clip whose face drives this one;
    or of each face by its number, as `find` counts them, {1: "nod", 2: "wink"}. consent: in whose words the portrayed
    agreed; "public domain" for paintings and people long dead; it is written into the label. face: whose face, where
    one motion is given. strength 0 to 1.5: how much of it; regions: of "pose", "eyes", "lips" and "brows", those that
    take part. loop: how often the motion is done. size: the longer side in pixels, where the photo is larger. fps:
    frames a second, where it is not to be the motion's. network: one of the role "animator", which draws the face over
    what the mesh moves. driver, start, end: whose face of a driving clip, and the part
    in seconds. mark: the words in a corner of what is written, "eu", which is usual, "eu:de" or "cn", or "none".

    Frames are made when they are asked for, at the photo's own resolution; at rest they are the photo, bit for bit.
    Raises `RequestError` without consent, `FaceError` where a face is too small or turned too far, or reads as under
    18, or the clip shows none.
    """
    kit = kit or shared_kit(licence)
    check_consent(consent, "moving somebody's picture")
    parts = checked_parts(strength, regions)
    if fps is not None and not 1 <= fps <= 240:
        raise RequestError(f"{fps:g} frames a second came: from 1 to 240 was wanted")
    if not 1 <= loop <= 1000:
        raise RequestError(f"loop {loop} came: from 1 to 1000 was wanted")
    photo = _sized(as_photo(photo), size)
    seen = PhotoFaces(photo, kit)
    faces = seen.faces
    asked, sources = dict[int, Motion](), dict[int, Source]()

    def take(one: MotionLike, chosen: Sequence[int]) -> None:
        found, source = as_motion(one, face=driver, start=start, end=end, kit=kit, progress=progress)
        moves = found if found.loop or loop == 1 else found.looped(LOOP)
        asked.update(dict.fromkeys(chosen, moves))
        sources.update(dict.fromkeys(chosen, source))

    if isinstance(motion, Mapping):
        for number, one in motion.items():
            select_faces(kit, seen.picture, faces, str(number))
            take(one, [number - 1])
    else:
        take(motion, select_faces(kit, seen.picture, faces, meant(face, kit=kit)))
    for i in asked:
        check_face(seen, i)
    rate = fps or max(one.fps for one in asked.values())
    count = round(max(one.seconds for one in asked.values()) * loop * rate)
    if not 1 <= count <= MOST_FRAMES:
        raise RequestError(f"{count} frames at {rate:g} a second: up to {MOST_FRAMES} can be made")
    drawing = Drawing(kit.shapes, RememberingParser(kit.parser), kit.prototypes)
    animator = kit.animator(network) if network else None
    actors = tuple(
        Actor.of(i, one, parts, photo, faces, drawing, animator) for i, one in sorted(asked.items())
    )
    arguments: dict[str, Any] = {
        "motions": {str(actor.number): actor.motion.name for actor in actors},
        "motion_sha256": {str(actor.number): sources[actor.number - 1].sha256 for actor in actors},
        "strength": strength,
        "regions": list(regions),
        "loop": loop,
        "fps": rate,
    } | ({"network": network} if network else {})
    drawn_by = animator.net.networks if animator else ()
    said, warned = stated(consent, kit, lambda: [seen.identity(faces[i]) for i in asked])
    step = Step(
        "animate",
        arguments,
        tuple(dict.fromkeys((*kit.landmarker.networks, *drawing.networks, *drawn_by))),
        __version__,
        now(),
        notes=(*notes(actors), *warned),
        sources=tuple(dict.fromkeys(sources.values())),
        consent=said,
        words=notice.words_for(mark, "animate"),
    )
    return Animation(photo, actors, rate, count, step)


def checked_parts(strength: float, regions: tuple[str, ...]) -> Parts:
    """How much of a motion is taken, where that makes sense; otherwise a `RequestError`."""
    if not 0 <= strength <= 1.5:
        raise RequestError(f"strength {strength:g} is out of range: 0 to 1.5")
    if unknown := [name for name in regions if name not in REGIONS]:
        raise RequestError(f"no region is called {unknown[0]!r}: there are {', '.join(REGIONS)}")
    if not regions:
        raise RequestError(f"no region was given: there are {', '.join(REGIONS)}")
    return Parts(**{name: strength * (name in regions) for name in REGIONS})


def check_target(path: Path, *, sound: Sound | None, resume: bool, force: bool) -> None:
    """Refuse what can be refused before a frame is made."""
    if path.suffix.lower() in clip_writer.SUFFIXES:
        clip_writer.target(path, force=force)
        return
    form = moving_picture.target(path, force=force)
    if sound:
        raise OutputError(f"{path}: {form} holds no sound: write an .mp4, or leave it out with --sound none")
    if resume:
        raise RequestError(f"{path}: only an .mp4 is made in parts: leave out --resume")


def _sized(photo: Photo, size: int | None) -> Photo:
    """The photo as films hold it, in 8 bits of sRGB, with a longer side of `size` pixels at most."""
    if size is not None and size < 64:
        raise RequestError(f"size {size} came: at least 64 pixels were wanted")
    pixels = in_srgb(photo)
    scale = min(1.0, (size or max(photo.size)) / max(photo.size))
    if scale < 1:
        width, height = (max(round(side * scale), 1) for side in photo.size)
        pixels = filters.resize(pixels, (width, height))
    return replace(photo, pixels=pixels, opacity=None, origin=replace(photo.origin, icc=None))
