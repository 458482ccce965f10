"""Many photos and clips: which files, what is done to each, a failure that is told and stops no other, and going on
where an earlier run ended. Who does them is a matter of `runner`."""

from __future__ import annotations

import glob
import hashlib
import json
import os
import re
import traceback
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2

from ..edits.request import EditRequest
from ..errors import DeclinedError, FaceError, InputError, MienError, OutputError
from ..io import clip_reader as footage
from ..io import clip_writer as video
from ..io import content_credentials as provenance
from ..io import photo_reader as image
from ..io import photo_writer
from ..io.inputs import is_one_of
from ..models.kit import Kit, shared_kit
from ..types import SILENT, Photo, Progress
from .edit import apply_to_clip
from .session import Session
from .stylize import StyleRequest
from .swap import SwapRequest

Request = EditRequest | SwapRequest | StyleRequest  # what can be done to many
SHA256 = re.compile(r"\b[0-9a-f]{64}\b")
KILLED = "a process was stopped, perhaps for want of memory: try --resume --workers 1"


@dataclass(frozen=True)
class Job:
    """One photo or clip to edit: where from, where to, and what is to be done."""

    source: Path
    target: Path
    request: Request = field(default_factory=EditRequest)
    quality: int | None = None
    force: bool = False
    max_pixels: int = image.MAX_PIXELS
    private: bool = False


def still(request: Request) -> Request:
    """A request as photos take it, without what only clips have."""
    request = replace(request, start=None, end=None)
    return replace(request, keys=()) if isinstance(request, EditRequest) else request


@dataclass(frozen=True)
class Outcome:
    """How a job ended: "done", "skipped", "declined" or "failed"; said: for people, told: what else `--json` tells."""

    job: Job
    state: str
    said: str = ""
    told: dict[str, Any] = field(default_factory=dict)

    @staticmethod
    def of(job: Job, error: Exception) -> Outcome:
        """That of a job that was refused or declined."""
        return Outcome(job, "declined" if isinstance(error, DeclinedError) else "failed", str(error))


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# ---- which files


def gather(patterns: Sequence[str], *, clips: bool = False, recursive: bool = False) -> list[Path]:
    """The pictures that files, folders and globs mean, each once, and with `clips` the films too. A folder
    means those in it, and with `recursive` those below it; none hidden."""
    found: dict[Path, None] = {}
    kinds = image.SUFFIXES | (set(footage.READS) if clips else set())
    for pattern in patterns:
        if not pattern:
            raise InputError("an input came with an empty name: name a picture, a folder or a glob")
        path = Path(pattern)
        if path.is_dir():
            below = _below(path) if recursive else [path]
            inside = [p for place in below for p in sorted(place.iterdir()) if is_one_of(p, kinds)]
            if not inside and len(patterns) == 1:
                raise InputError(f"{pattern} holds no pictures: wanted {' '.join(sorted(kinds))}")
            found |= dict.fromkeys(inside)
        elif path.exists() or not glob.has_magic(pattern):
            found[path] = None
        else:
            matches = sorted(p for p in map(Path, glob.glob(pattern, recursive=True)) if is_one_of(p, kinds))  # noqa: PTH207 - the pattern may be absolute
            if not matches:
                raise InputError(f"no picture matches {pattern}: wanted {' '.join(sorted(kinds))}")
            found |= dict.fromkeys(matches)
    if not found:
        raise InputError(
            f"none of the {len(patterns)} folders holds a picture: wanted {' '.join(sorted(kinds))}"
        )
    return list(found)


def passed_over(patterns: Sequence[str], sources: Sequence[Path]) -> list[Path]:
    """The folders below the folders that are meant, which hold pictures or films of which none is a source."""
    taken = {source.parent for source in sources}
    kinds = image.SUFFIXES | set(footage.READS)
    return [
        place
        for pattern in patterns
        if Path(pattern).is_dir()
        for place in _below(Path(pattern))[1:]
        if place not in taken and any(is_one_of(p, kinds) for p in place.iterdir())
    ]


def _below(folder: Path) -> list[Path]:
    """A folder and all below it that are not hidden, from the top down; links are not followed."""
    inside = sorted(p for p in folder.iterdir() if p.is_dir() and not p.is_symlink())
    return [folder, *(one for p in inside if not p.name.startswith(".") for one in _below(p))]


def pair(sources: Sequence[Path], folder: Path, roots: Sequence[Path] = ()) -> list[tuple[Path, Path]]:
    """Each source and where its result goes: its own name in `folder`, in folders as those that it lies in below
    one of `roots`; formats that are only read become .jpg.

    Where the folder lies among the sources, an earlier run's results are found there too: of two sources with
    one target, the one that is the target is left out.
    """
    claims: dict[Path, list[Path]] = defaultdict(list)
    for source in sources:
        own = source.suffix.lower() in {*photo_writer.SUFFIXES, *video.SUFFIXES}
        root = next((root for root in roots if root in source.parents), source.parent)
        name = source.name if own else f"{source.stem}{'.mp4' if is_clip(source) else '.jpg'}"
        claims[folder / source.parent.relative_to(root) / name].append(source)
    pairs = []
    for target, claimants in claims.items():
        if len(claimants) > 1:
            claimants = [
                source
                for source in claimants
                if not (folder.is_dir() and source.parent.is_dir() and source.parent.samefile(folder))
            ] or claimants
        if len(claimants) > 1:
            raise OutputError(
                f"{claimants[0]} and {claimants[1]} would both be written as {target}: give them in two runs, to two folders"
            )
        pairs.append((claimants[0], target))
    return pairs


def in_share(target: Path, folder: Path, share: tuple[int, int]) -> bool:
    """Whether a result in `folder` belongs to the K-th of N shares: told by its path below the folder alone, so that
    every machine agrees, whatever else is there."""
    name = target.relative_to(folder).as_posix().encode("utf-8", "surrogateescape")
    which, of = share
    return int.from_bytes(hashlib.sha256(name).digest()[:8], "big") % of == which - 1


def is_clip(path: Path) -> bool:
    """Whether a file is edited as a film: by its suffix, or, where that says nothing, by what is in it."""
    suffix = path.suffix.lower()
    return suffix in footage.READS or (suffix not in image.SUFFIXES and footage.is_film(path))


# ---- one photo


def check(job: Job) -> None:
    """Refuse what can be known to fail before the photo is decoded: no such file, and all that `image.write`
    would refuse of its target."""
    if not job.source.exists():
        raise InputError(f"{job.source}: no such file")
    if is_clip(job.source):
        video.target(job.target, force=job.force)
    else:
        photo_writer.target(job.target, source=str(job.source), quality=job.quality, force=job.force)


def edit_one(job: Job, kit: Kit | None = None) -> Outcome:
    """Read, edit, write; tells whether anything has "changed"."""
    photo = image.read(job.source, max_pixels=job.max_pixels)
    before = photo.pixels
    kit = kit or shared_kit(job.request.licence)
    try:
        photo = _applied(job.request, photo, kit)
    except (FaceError, DeclinedError) as error:
        raise type(error)(f"{job.source}: {error}") from error
    changed = cv2.norm(before, photo.pixels, cv2.NORM_INF) > 0  # which needs no memory for all pixels
    del before  # the input's pixels are let go before the result is encoded
    photo_writer.write(photo, job.target, quality=job.quality, private=job.private, force=job.force)
    notes = photo.history[-1].notes if photo.history else ()
    why = "; ".join(notes) or ("" if changed else _unchanged(job.request))
    lost = photo_writer.lost(photo.origin, job.target)
    lines = [f"{'' if changed else 'nothing has changed, since '}{why}"] if why else []
    lines += [f"left out: {', '.join(lost)}"] if lost else []
    told = {"changed": changed} | ({"notes": notes} if notes else {}) | ({"left_out": lost} if lost else {})
    return Outcome(job, "done", f"{job.target}: {'; '.join(lines)}" if lines else "", told)


def _unchanged(request: Request) -> str:
    """Why a request has changed nothing, where nothing else tells."""
    if not isinstance(request, SwapRequest) and request.empty:
        return "every strength is 0"
    kept = isinstance(request, EditRequest) and request.keep is not None
    return f"{'a mask keeps all of it, or ' * kept}nothing was seen that it could be done to"


def _applied(request: Request, photo: Photo, kit: Kit) -> Photo:
    if isinstance(request, EditRequest):
        return Session(photo, kit=kit).apply(request)
    return request.apply(photo, kit)


def edit_film(job: Job, *, resume: bool, progress: Progress, threads: int = 0) -> Outcome:
    """The same for a clip; with `resume` it goes on where an earlier run was stopped, or has nothing to
    do."""
    if resume and job.target.is_file() and done(job):
        return Outcome(job, "skipped")
    check(job)
    how: dict[str, Any] = {
        "resume": resume,
        "force": job.force
        or (resume and job.target.is_file()),  # what is there is a damaged result of this request
        "max_pixels": job.max_pixels,
        "private": job.private,
        "kit": shared_kit(job.request.licence, threads),
        "progress": progress,
    }
    if isinstance(job.request, EditRequest):
        told = apply_to_clip(job.source, job.target, job.request, **how)
    else:
        told = job.request.apply_to_clip(job.source, job.target, **how)
    numbers = {name: value for name, value in asdict(told).items() if value != ()}
    faces = f", {told.faces} face{'s' * (told.faces != 1)}" if told.faces else ""
    what = f"{told.frames} frames{faces}"
    return Outcome(job, "done", "; ".join([f"wrote {job.target}: {what}", *told.notes, *told.lost]), numbers)


# ---- many photos


def done(job: Job) -> bool:
    """Whether an earlier run has made this job's result by the same request, and it is intact."""
    return is_made(job.target, job.source, job.request.arguments())


def is_made(target: Path, source: Path, arguments: dict[str, Any]) -> bool:
    """Whether a file was made from another by a request with these arguments, and is intact.

    One that was damaged since, or is empty, counts as not there. Anything else in its place is an `OutputError`: only
    --force writes over it.
    """
    if not target.exists() or not target.stat().st_size:
        return False
    try:
        verdict = provenance.verify(target)
    except MienError as error:
        raise OutputError(
            f"{target} is there and no result of mien ({error}): write over it with --force"
        ) from error
    title = provenance.titled(source.name)
    if not verdict.history or not any(
        name == title or name.startswith(f"{title}, ") for name in verdict.ingredients[:1]
    ):
        raise OutputError(f"{target} is there and was not made from {source}: write over it with --force")
    asked, before = _said(arguments), _said(verdict.history[-1].arguments)
    if asked != before:
        said = " ".join(f"{name}={_short(value)}" for name, value in before.items())
        raise OutputError(f"{target} is there and was made with {said}: write over it with --force")
    return verdict.state == "intact"


def _short(value: Any) -> str:
    """A value of a label in a few letters: of sha256s their first eight."""
    return SHA256.sub(lambda found: found[0][:8], str(value))


def _said(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments that say something, as a label gives them back."""
    return json.loads(json.dumps({name: value for name, value in arguments.items() if value}))


def settle(job: Job, resume: bool) -> Job | Outcome:
    """The job as it is to be done, or its outcome where that is known already."""
    try:
        if job.target.is_file():
            itself = job.source.exists() and job.target.samefile(job.source)
            allowed = job.force or itself  # of the input itself `check` tells better
            if not resume and not allowed:
                raise OutputError(f"{job.target} exists: go on with --resume, or write over it with --force")
            try:
                if resume and done(job):
                    return Outcome(job, "skipped")
                job = replace(job, force=job.force or not itself)
            except OutputError:
                if not allowed:
                    raise
        check(job)
    except (MienError, OSError) as error:
        return Outcome.of(job, error)
    return job


def attempt(job: Job, threads: int, *, resume: bool = False) -> Outcome:
    """Do a photo that is `settle`d, or a clip, with `resume` from where it was left; whatever goes wrong is told and
    not raised. With it, what another run has made by the same request meanwhile is skipped, too."""
    try:
        if is_clip(job.source):
            return edit_film(job, resume=resume, progress=SILENT, threads=threads)
        return edit_one(job, shared_kit(job.request.licence, threads))
    except (MienError, OSError) as error:
        if resume and isinstance(error, OutputError) and _made_meanwhile(job):
            return Outcome(job, "skipped")
        return Outcome.of(job, error)
    except MemoryError:
        return Outcome(job, "failed", f"{job.source}: there is not enough memory: try --workers 1")
    except Exception as error:  # one broken photo of a thousand must not stop the others
        return Outcome(job, "failed", f"{job.source}: {bug(error)}")


def _made_meanwhile(job: Job) -> bool:
    """Whether another run has made a job's result while this one did."""
    try:
        return done(job)
    except OutputError:
        return False


def bug(error: Exception) -> str:
    """What to say of an error that is none of mien's own: what, and where."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"a bug, {type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"
