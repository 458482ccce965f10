"""The verb `edit`, of a photo and of a clip: both build an `EditRequest` and carry it out."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack, cast

from ..arguments import checked
from ..deprecations import GONE, callbacks
from ..edits.effect_pack import taken_pack
from ..edits.keys import taken_keys
from ..edits.registry import plan
from ..edits.request import EditRequest, Strengths, request_of
from ..errors import RequestError
from ..io import clip_reader, clip_writer, notice
from ..io.photo_reader import MAX_PIXELS, PhotoLike, as_photo
from ..models.kit import Kit, shared_kit
from ..types import SILENT, Photo, Progress
from .clip_edit import clip_editor
from .hair import taken_hair
from .keep import taken_keep
from .people import FaceLike, meant
from .photo import edit_step
from .resume import Summary, process_clip
from .session import Session


@checked
def open(photo: PhotoLike, *, kit: Kit | None = None) -> Session:
    """Open a photo for many requests: what a slider needs. See `Session`; `photo` as `edit` takes it."""
    return Session(photo, kit=kit)


@checked
def edit(
    photo: PhotoLike,
    *,
    face: FaceLike = "all",
    method: str | None = None,
    network: str | None = None,
    directions: Mapping[str, float] | None = None,
    consent: str = "",
    mark: str | None = None,
    keep: PhotoLike | None = None,
    licence: str | None = None,
    kit: Kit | None = None,
    **strengths: Unpack[Strengths],
) -> Photo:
    """Change faces: `edit("photo.jpg", smile=0.8, lips="rose:0.5")`; `edits.request.EDITS` lists what can be
    asked for, with ranges.

    photo: a `Photo`, a path, the bytes of a file or a file object, a picture of Pillow's or an array `[H, W,
    3]`. face: "all", "largest", a number as `find` counts them from 1, or a picture of the person who is meant.
    method: "prototypes" or "network"
    instead of what makes each edit best. network: a generator of yours, which moves the face in its own space
    (NAME-encoder, NAME-generator and NAME-directions in `models`); directions: amounts by the names of
    directions that have no other name, {"s3": 1.5}. mark: words in a corner of what is written, "eu", "eu:de" or "cn";
    "none", which is usual for edits, for none. consent: where `hairstyle` is a picture, in whose words the person in it
    agreed, or a record of `mien consent`; it is written into the label. keep: a mask of the photo's shape, a picture as
    `photo` is one: where it is white the photo stays as it was, bit for bit. licence: "commercial" refuses networks that
    may not be used so.

    Pixels outside the change are bit-identical; the result remembers what was done (`Photo.history`), and
    `write` labels it. Raises `RequestError` for unknown edits and strengths out of range, `FaceError` where
    the face is not there, `DeclinedError` where a hairstyle would not look right on any of the faces.
    """
    given = cast("dict[str, Any]", dict(strengths))
    kit = kit or shared_kit(licence)
    which = meant(face, kit=kit)
    hair = taken_hair(given.get("hairstyle"), consent, kit)
    about: dict[str, Any] = {"method": method, "network": network, "directions": directions, "mark": mark}
    about |= {"pack": taken_pack(given.get("effect")), "keep": taken_keep(keep)}
    request = request_of(given, face=which, hair=hair, **about)
    return Session(as_photo(photo), kit=kit).apply(request.checked())


@checked
def edit_clip(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    face: FaceLike = "all",
    method: str | None = None,
    network: str | None = None,
    directions: Mapping[str, float] | None = None,
    consent: str = "",
    start: float | None = None,
    end: float | None = None,
    keys: Sequence[Sequence[float]] = (),
    resume: bool = False,
    force: bool = False,
    max_pixels: int = MAX_PIXELS,
    private: bool = False,
    mark: str | None = None,
    licence: str | None = None,
    kit: Kit | None = None,
    progress: Progress = SILENT,
    **strengths: Unpack[Strengths],
) -> Summary:
    """Change faces in a film (.mp4, .mov, .mkv, .webm) and write it as `out` (.mp4); `edit` says what can be
    asked for.

    Size, time stamps and sound stay as they are. start, end: only this part, in seconds, is edited and
    written. keys: how much of all this is done when, as pairs of seconds from the film's start and a share of 0 to 1,
    `[(0, 0), (1.5, 1)]`; between two it goes evenly from the one to the other, before the first and after the last it
    stays. face: "all"; "largest" of every shot; or N, the Nth from the left in the first frame of a shot that shows so
    many; or the person whom a picture shows. resume: go on with what an interrupted run has left
    in `out`.parts. max_pixels: refuse larger frames. private: leave out where and when the film was taken and with
    which device; the label stays. progress: is told how many frames are done, and of how
    many; once it is cancelled, the run ends with KeyboardInterrupt. Raises `FaceError` where no face is found: then nothing is written.
    """
    given = cast("dict[str, Any]", dict(strengths))
    progress = callbacks(given, gone_in=GONE) or progress
    kit, places = kit or shared_kit(licence), (Path(source), Path(out))
    which = meant(face, kit=kit)
    about: dict[str, Any] = {"method": method, "network": network, "directions": directions, "mark": mark}
    hair = taken_hair(given.get("hairstyle"), consent, kit)
    about |= {"pack": taken_pack(given.get("effect")), "keys": taken_keys(keys)}
    asked = request_of(given, face=which, start=start, end=end, hair=hair, **about)
    how: dict[str, Any] = {"resume": resume, "force": force, "max_pixels": max_pixels, "private": private}
    return apply_to_clip(*places, asked, kit=kit, progress=progress, **how)


def apply_to_clip(
    source: Path,
    out: Path,
    request: EditRequest,
    *,
    resume: bool,
    force: bool,
    max_pixels: int,
    private: bool,
    kit: Kit,
    progress: Progress,
) -> Summary:
    """Carry out a request on a clip; see `edit_clip`."""
    if request.keep:
        raise RequestError(f"--keep is for photos, and {source.name} is a clip: leave it out")
    clip_writer.target(out, force=force)
    edits = plan(request, kit)
    if not edits:
        raise RequestError("every strength is 0: nothing would change")
    clip = clip_reader.clip(source, begin=request.start, end=request.end, max_pixels=max_pixels)
    over: dict[str, Any] = {"strength": request.keys, "zero": float(clip.zero)}
    editor = clip_editor(request.face, edits, float(clip.fps), kit, **over)
    step = edit_step(edits, request.arguments(), kit.parser.net.networks)
    step = replace(step, words=notice.words_for(request.mark, "edit"))
    how: dict[str, Any] = {"private": private, "resume": resume, "force": force, "progress": progress}
    return process_clip(clip, out, editor, step, **how)
