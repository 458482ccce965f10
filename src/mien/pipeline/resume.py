"""The clip level: a clip is edited part by part, so that a run that was interrupted need not do again what it
has done."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..errors import FaceError, InputError, MienError, OutputError, RequestError
from ..io import clip_reader as footage
from ..io import clip_writer as video
from ..io import outputs, watermark
from ..types import Array, Clip, Photo, Progress, Source, Step

PART = 4  # seconds
SCHEMA = 4  # of done.json
TOLD = "done.json"
ANEW = "begin anew, with --force in place of --resume"
LOCK = "lock"  # held while a run is at work
OWN = re.compile(r"done\.(json|part)|\d{5}\.(nut|npz)|lock")  # what a run makes in its folder


class FrameProcessor(Protocol):
    """What is done to a clip's frames: to faces by `ClipFaces`, to whole frames by `ClipStylizer`; or draws them out of
    a photo by their numbers. edited: the faces, by number; notes: by face, what was asked for and not done; nothing:
    why nothing was done, empty where something was; sources: what took part besides what the step says; bits: of
    the mark that is laid in faces; marked: whether any was; words: for a corner of every frame."""

    edited: set[int]
    notes: dict[int, str]
    bits: int
    marked: bool
    words: str

    @property
    def nothing(self) -> str: ...
    @property
    def sources(self) -> tuple[Source, ...]: ...
    def run(self, frames: Iterator[Any]) -> Iterator[Any]:
        """The pictures, ready to be encoded."""
        ...

    def state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """What a later run needs to go on after the last picture: for JSON, and arrays."""
        ...

    def go_on(self, told: dict[str, Any], arrays: dict[str, Array], start: int) -> tuple[int, int]:
        """Take over another's `state`, to draw number `start` next; returns number and time stamp of the
        first frame to be seen."""
        ...


class Stopped(KeyboardInterrupt):
    """Someone wants the run to end; what is done is kept."""


@dataclass(frozen=True)
class Summary:
    """What was done to a clip: frames written, their rate, how many faces were edited, what was asked for and
    not done, and what of the file is lost."""

    frames: int
    fps: float
    faces: int
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def lost(self) -> tuple[str, ...]:
        """What of the file is lost, as one line, if anything is."""
        return (f"left out: {', '.join(self.left_out)}",) if self.left_out else ()


@dataclass
class ResumableRun:
    """The folder with what is done of a clip: encoded parts, what was asked, and what the next part needs to
    know.

    done.json is written last, and replaced in one go: what it does not name was never made. parts: the encoded ones by
    name, each with its SHA-256.
    """

    folder: Path
    request: dict[str, Any]
    parts: dict[str, str] = field(default_factory=dict)
    frames: int = 0
    edited: list[int] = field(default_factory=list)
    marked: bool = False

    @contextlib.contextmanager
    def held(self) -> Generator[None]:
        """The folder, made where it is not there, for this run alone; gone afterwards where nothing is in it."""
        self._check_own()
        self.folder.mkdir(exist_ok=True)
        try:
            with outputs.held(self.folder / LOCK, str(self.folder)):
                yield
        finally:
            # something may be left to go on with, or somebody has put something in
            with contextlib.suppress(OSError):
                self.folder.rmdir()

    def begin(self, line: FrameProcessor, *, resume: bool, force: bool) -> tuple[int, int] | None:
        """Set `line` up to go on after what is in the folder, if anything is; returns number and time stamp of the
        frame to go on from."""
        if not (self.folder / TOLD).exists() or (force and not resume):
            self.clear()
            self._tell(line, "")
            return None
        if not resume:
            raise OutputError(
                f"{self.folder} holds what an earlier run has done: go on with --resume, or begin anew with --force"
            )
        try:
            known = json.loads((self.folder / TOLD).read_text(encoding="utf-8"))
            if known.get("schema") != SCHEMA:
                raise OutputError(f"{self.folder} was begun by another version of mien: {ANEW}")
            if known["request"] != json.loads(json.dumps(self.request)):
                raise RequestError(
                    f"{self.folder} was begun with another request or clip: give the same, or {ANEW}"
                )
            if not known["parts"]:
                return None
            parts, state = dict(known["parts"]), str(known["state"])
            if lost := [
                name
                for name in (*parts, state)
                if not (OWN.fullmatch(name) and (self.folder / name).is_file())
            ]:
                raise OutputError(f"{self.folder} has lost {lost[0]}: {ANEW}")
            if other := [name for name, digest in parts.items() if _digest(self.folder / name) != digest]:
                raise OutputError(f"{self.folder / other[0]} is not as it was written: {ANEW}")
            self.parts, self.frames, self.edited = parts, int(known["frames"]), list(known["edited"])
            line.edited |= set(self.edited)
            line.marked = bool(known["marked"])
            line.notes |= {int(face): note for face, note in known["notes"].items()}
            return restore(line, self.folder / state, self.frames)
        except MienError:
            raise
        except Exception as error:  # of a damaged file anything may be missing, or be of another kind
            raise OutputError(f"{self.folder} is damaged: {ANEW}") from error

    def _check_own(self) -> None:
        """Refuse a folder that bears the name but is not mien's: nobody's files are taken away."""
        if not self.folder.exists() and not self.folder.is_symlink():
            return
        if self.folder.is_symlink() or not self.folder.is_dir():
            raise OutputError(
                f"{self.folder} is wanted for parts and is no folder: move it, or choose another -o"
            )
        if alien := [one.name for one in self.folder.iterdir() if not OWN.fullmatch(one.name)]:
            raise OutputError(
                f"{self.folder} is wanted for parts and holds what mien did not make ({alien[0]}): move it, or choose another -o"
            )

    def clear(self) -> None:
        """Take away what was made here, and nothing else."""
        for one in self.folder.iterdir():
            if OWN.fullmatch(one.name) and one.name != LOCK:
                one.unlink()

    def add(self, pictures: Iterator[Any], clip: Clip, line: FrameProcessor) -> None:
        """Encode one more part."""
        name = f"{len(self.parts):05d}"
        part = self.folder / f"{name}.nut"
        self.frames += video.encode(pictures, part, clip)
        self.parts[part.name] = _digest(part)
        self.edited, self.marked = sorted(line.edited), line.marked
        state = f"{name}.npz"
        keep(line, self.folder / state)
        self._tell(line, state)
        for old in self.folder.glob("*.npz"):
            if old.name != state:
                old.unlink()

    def _tell(self, line: FrameProcessor, state: str) -> None:
        """Write what is done, in one go; state: the file with what the next part needs to know."""
        told: dict[str, Any] = {
            "schema": SCHEMA,
            "request": self.request,
            "parts": self.parts,
            "frames": self.frames,
        }
        told |= {"edited": self.edited, "marked": self.marked, "notes": line.notes, "state": state}
        draft = self.folder / "done.part"
        with draft.open("w", encoding="utf-8") as file:
            json.dump(told, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.folder / TOLD)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def keep(line: FrameProcessor, path: Path) -> None:
    """Write what a line knows."""
    told, arrays = line.state()
    with path.open("wb") as file:
        np.savez(file, told=np.array(json.dumps(told)), **arrays)  # pyright: ignore[reportArgumentType]
        file.flush()
        os.fsync(file.fileno())


def restore(line: FrameProcessor, path: Path, start: int) -> tuple[int, int]:
    """Give a new line what `keep` has written; see `FrameProcessor.go_on`."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    return line.go_on(json.loads(str(arrays.pop("told"))), arrays, start)


def process_clip(
    clip: Clip,
    out: Path,
    line: FrameProcessor,
    step: Step,
    *,
    private: bool,
    resume: bool,
    force: bool,
    progress: Progress,
) -> Summary:
    """Send a clip through `line` part by part and write it at `out`, labelled by `step`; what is done lies in
    `out`.parts until then. private: leave out where and when it was taken and with which device."""
    about = Path(clip.path).stat()
    request: dict[str, Any] = {"clip": [Path(clip.path).name, about.st_size, about.st_mtime_ns]}

    def frames(first: int, ticks: int | None) -> Iterator[Any]:
        return footage.frames(clip, begin=first, ticks=ticks)

    def join(parts: list[Path], step: Step, bits: str) -> None:
        video.join(clip, parts, out, history=(step,), bits=bits, private=private, force=force)

    return _process(
        clip, out, line, step, request, frames, join, resume=resume, force=force, progress=progress
    )


def process_drawn(
    film: Clip,
    out: Path,
    line: FrameProcessor,
    step: Step,
    *,
    photo: Photo,
    sound: video.Sound | None,
    resume: bool,
    force: bool,
    progress: Progress,
) -> Summary:
    """Write a new film whose frames `line` draws out of a photo by their numbers, as `process_clip` does. sound: what
    is heard in it."""
    heard = [str(sound.path), sound.begin] if sound else None
    digest = hashlib.sha256(photo.pixels.tobytes()).hexdigest()
    request = {"photo": digest, "size": film.size, "sound": heard}

    def frames(first: int, _: int | None) -> Iterator[Any]:
        return iter(range(first, film.frames))

    def join(parts: list[Path], step: Step, bits: str) -> None:
        how: dict[str, Any] = {"history": (*photo.history, step), "origin": photo.origin, "bits": bits}
        video.assemble(film, parts, out, sound=sound, force=force, **how)

    return _process(
        film, out, line, step, request, frames, join, resume=resume, force=force, progress=progress
    )


def _process(
    clip: Clip,
    out: Path,
    line: FrameProcessor,
    step: Step,
    request: dict[str, Any],
    frames: Callable[[int, int | None], Iterator[Any]],
    join: Callable[[list[Path], Step, str], None],
    *,
    resume: bool,
    force: bool,
    progress: Progress,
) -> Summary:
    """Draw a film part by part. frames: those to be drawn from a number and its time stamp on; join: makes the film out
    of the parts, given what was done and the bits of the mark in it."""
    video.target(out, force=force)
    fps = float(clip.fps)
    request |= {"verb": step.verb, "asked": step.arguments}
    request["networks"] = [list(one) for one in step.networks]
    request["words"] = line.words = step.words
    # of a clip its name alone, so that a copy of it gives the same pixels
    picture = str(request.get("photo") or Path(clip.path).name)
    line.bits = watermark.bits_of((step,), picture.encode("utf-8", "surrogateescape"))
    made = ResumableRun(out.with_name(f"{out.name}.parts"), request)
    try:
        with made.held():
            first, ticks = made.begin(line, resume=resume, force=force) or (0, None)
            pictures = line.run(frames(first, ticks))
            for head in pictures:
                part = itertools.islice(itertools.chain([head], pictures), max(1, round(PART * fps)))
                made.add(_watched(part, made.frames, clip.frames, progress), clip, line)
                if progress.cancelled:
                    raise Stopped
            if not made.frames:
                made.clear()
                raise InputError(f"{clip.path} holds no frame that can be decoded in the part that is meant")
            if line.nothing:
                made.clear()
                raise FaceError(f"{clip.path}: {line.nothing} in {made.frames} frames: nothing was written")
            found = (f"face {face} {note}" for face, note in sorted(line.notes.items()))
            notes = (*step.notes, *found)
            done = replace(step, notes=notes, sources=(*step.sources, *line.sources))
            bits = watermark.as_text(line.bits) if line.marked else ""
            join([made.folder / name for name in made.parts], done, bits)
            made.clear()
    except OSError as error:
        raise outputs.unwritable(out, error) from error
    return Summary(made.frames, fps, len(line.edited), notes, clip.left_out)


def _watched(pictures: Iterator[Any], done: int, total: int, progress: Progress) -> Iterator[Any]:
    """The same pictures, told of one by one; they end early when the run is to end."""
    for number, picture in enumerate(pictures, done + 1):
        yield picture
        progress.advance(number, total)
        if progress.cancelled:
            return
