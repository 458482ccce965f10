"""The verb `stylize`: a picture as a translator draws it; the whole of it, or its faces as any other edit."""

from __future__ import annotations

import difflib
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..arguments import checked
from ..deprecations import GONE, callbacks, renamed
from ..edits.request import said_of_face
from ..edits.translate import TranslatorEdit
from ..errors import InputError, ModelError, RequestError
from ..face import filters
from ..io import clip_reader, clip_writer, notice
from ..io.colour_profile import profile_of
from ..io.photo_reader import MAX_PIXELS, PhotoLike, as_photo
from ..models import catalogue
from ..models.kit import Kit, shared_kit
from ..models.translator import mixed
from ..types import SILENT, Array, Networks, Person, Photo, Progress, Source, Step
from .clip_edit import clip_editor
from .clip_style import ClipStylizer
from .look import PhotoFaces, in_srgb
from .marking import places_of, worded
from .people import FaceLike, meant, select_faces
from .photo import edit_photo, edit_step
from .resume import Summary, process_clip

PAINTING = "painting"  # the translator in the box that takes any style
OLD_WORDS = {"asked": "conditions", "begin": "start"}


@dataclass(frozen=True, eq=False)
class Manner:
    """What draws, and in whose style: as the translator takes it, and as the label says it; networks: what read
    it."""

    network: str
    style: Array | None = None
    name: str = ""
    sha256: str = ""
    source: Source | None = None
    networks: Networks = ()


@dataclass(frozen=True, eq=False)
class StyleRequest:
    """What is to be drawn of photos and clips, and how.

    strength 0..1: how far from the photo to the drawing. face: as in `EditRequest`, None for the whole picture.
    conditions: the network's, by name. start, end: of a clip, the part in seconds that is drawn and written. mark: see
    `EditRequest`.
    """

    manner: Manner
    strength: float = 1.0
    face: str | Person | None = None
    conditions: Mapping[str, float] = field(default_factory=dict[str, float])
    start: float | None = None
    end: float | None = None
    licence: str | None = None
    mark: str | None = None

    def checked(self) -> StyleRequest:
        """Itself, where it makes sense; otherwise a `RequestError`."""
        if not 0 <= self.strength <= 1:
            raise RequestError(f"strength {self.strength:g} is out of range: 0 to 1")
        return self

    @property
    def empty(self) -> bool:
        """Whether nothing would change."""
        return not self.strength

    def arguments(self) -> dict[str, Any]:
        """What the label says of it: the picture of a style by name and sha256."""
        said: dict[str, Any] = {"network": self.manner.network, "strength": self.strength}
        said |= {
            **said_of_face(self.face),
            "asked": dict(self.conditions),
            "begin": self.start,
            "end": self.end,
            "mark": self.mark,
        }
        said |= {"style": self.manner.name, "style_sha256": self.manner.sha256}
        return {name: value for name, value in said.items() if value}

    def apply(self, photo: Photo, kit: Kit) -> Photo:
        """The photo drawn; itself where the strength is 0."""
        edit = self.edit(kit)
        if self.empty:
            return photo
        if self.face is not None:
            return redraw_faces(photo, edit, self.face, self.step(edit), kit)
        drawn = edit.translator.translate(in_srgb(photo), style=edit.style, asked=edit.asked)
        profile = profile_of(photo.origin.icc)
        own = filters.to_uint8(photo.pixels), drawn if profile is None else profile.own(drawn)
        done = photo.after(self.step(edit), mixed(photo.pixels, *own, self.strength))
        faces = PhotoFaces(done, kit).faces
        return worded(replace(done, marks=places_of(done, faces)), done.history[-1].words, faces)

    def apply_to_clip(
        self,
        source: Path,
        out: Path,
        *,
        resume: bool,
        force: bool,
        max_pixels: int,
        private: bool,
        kit: Kit,
        progress: Progress,
    ) -> Summary:
        """The same of a clip; see `stylize_clip`."""
        clip_writer.target(out, force=force)
        edit = self.edit(kit)
        if self.empty:
            raise RequestError("strength 0 changes nothing: say how far with --strength, above 0 to 1")
        clip = clip_reader.clip(source, begin=self.start, end=self.end, max_pixels=max_pixels)

        def draw(pixels: Array) -> Array:
            return edit.translator.translate(pixels, style=edit.style, asked=edit.asked)

        processor = (
            ClipStylizer(draw, self.strength)
            if self.face is None
            else clip_editor(self.face, (edit,), float(clip.fps), kit)
        )
        how: dict[str, Any] = {"private": private, "resume": resume, "force": force, "progress": progress}
        return process_clip(clip, out, processor, self.step(edit), **how)

    def edit(self, kit: Kit) -> TranslatorEdit:
        """What draws. Raises `RequestError` where it draws no photos, or knows no such condition."""
        translator = kit.translator(self.manner.network)
        if translator.channels != 3:
            raise RequestError(
                f"{self.manner.network} takes pictures of {translator.channels} channels: a translator of photos was wanted"
            )
        return TranslatorEdit(translator, self.strength, self.manner.style, self.conditions)

    def step(self, edit: TranslatorEdit) -> Step:
        """What the label says of it."""
        sources = () if self.manner.source is None else (self.manner.source,)
        step = edit_step((edit,), self.arguments(), self.manner.networks)
        words = notice.words_for(self.mark, "stylize")
        return replace(step, verb="stylize", sources=sources, words=words)


@checked
def stylize(
    photo: PhotoLike,
    network: str,
    *,
    strength: float = 1.0,
    face: FaceLike | None = None,
    style: PhotoLike | None = None,
    conditions: Mapping[str, float] | None = None,
    mark: str | None = None,
    licence: str | None = None,
    kit: Kit | None = None,
    **old: Any,
) -> Photo:
    """The photo in another manner: a whole picture of any size.

    network: a manner in the box ("watercolour", see `manners`), a picture whose manner is taken, or the name of a
    translator of yours. strength 0..1: how far from the photo to the drawing; 0 gives the photo back. face: only faces ("all",
    "largest" or a number), the rest stays bit-identical. style: the picture whose style is taken, for
    networks that take any; conditions: the network's, by name. photo and style: as `edit` takes them.
    mark: words in a corner, as in `edit`. licence: "commercial" refuses networks that may not be used so.
    """
    photo, kit = as_photo(photo), kit or shared_kit(licence)
    asked: Mapping[str, float] = _renamed(old).get("conditions", conditions) or {}
    which = None if face is None else meant(face, kit=kit)
    request = StyleRequest(manner(kit, network, style), strength, which, asked, licence=licence, mark=mark)
    return request.checked().apply(photo, kit)


@checked
def stylize_clip(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    network: str,
    *,
    strength: float = 1.0,
    face: FaceLike | None = None,
    style: PhotoLike | None = None,
    conditions: Mapping[str, float] | None = None,
    start: float | None = None,
    end: float | None = None,
    resume: bool = False,
    force: bool = False,
    max_pixels: int = MAX_PIXELS,
    private: bool = False,
    mark: str | None = None,
    licence: str | None = None,
    kit: Kit | None = None,
    progress: Progress = SILENT,
    **old: Any,
) -> Summary:
    """The same of a film (.mp4, .mov, .mkv, .webm), written as `out` (.mp4); the rest is as in `edit_clip`.

    Whole frames are mixed with those before them along the optical flow, so that strokes do not crawl; faces
    are followed, and asked for about eight times a second.
    """
    progress = callbacks(old, gone_in=GONE) or progress
    kit, words = kit or shared_kit(licence), _renamed(old)
    asked: Mapping[str, float] = words.get("conditions", conditions) or {}
    start = words.get("start", start)
    clip_writer.target(Path(out), force=force)
    which = None if face is None else meant(face, kit=kit)
    request = StyleRequest(manner(kit, network, style), strength, which, asked, start, end, licence, mark)
    about: dict[str, Any] = {"resume": resume, "force": force, "max_pixels": max_pixels, "private": private}
    return request.checked().apply_to_clip(Path(source), Path(out), kit=kit, progress=progress, **about)


@checked
def manners(kit: Kit | None = None) -> tuple[str, ...]:
    """The manners in the box, as `stylize` takes them."""
    return (kit or shared_kit()).manners.names


def _renamed(old: dict[str, Any]) -> dict[str, Any]:
    words = renamed(old, OLD_WORDS, gone_in=GONE)
    if old:
        raise TypeError(f"unknown argument {next(iter(old))!r}")
    return words


def manner(kit: Kit, network: str, style: PhotoLike | None = None) -> Manner:
    """What draws as `network` says, which is a translator's name, that of a manner in the box, or a picture whose manner is taken."""
    if network in catalogue.catalogue():
        return Manner(network) if style is None else _manner_of(kit, network, style)
    if style is not None and network in kit.manners.names:
        raise RequestError(f"{network} is a manner itself: leave out --style, or --with {network}")
    if style is not None:
        raise ModelError(f"no network is called {network!r}: `mien models` lists them")
    if network in kit.manners.names:
        return Manner(PAINTING, kit.manners.vector(network), network, networks=kit.manners.networks)
    if Path(network).is_file():
        return _manner_of(kit, PAINTING, network)
    if Path(network).suffix:
        raise InputError(f"{network}: no such file, nor a manner or a network of that name")
    near = difflib.get_close_matches(network, kit.manners.names, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(kit.manners.names)}"
    raise ModelError(f"no manner, network or picture is called {network!r}: {hint}")


def _manner_of(kit: Kit, network: str, style: PhotoLike) -> Manner:
    """The manner of a picture, for a translator that takes any."""
    picture = as_photo(style)
    seen, networks = in_srgb(picture), ()
    if kit.translator(network).style_is_numbers:
        reads = kit.style_encoder(network)
        seen, networks = reads.vector(seen), reads.net.networks
    name, digest = Path(picture.origin.path or "").name, hashlib.sha256(picture.pixels.tobytes()).hexdigest()
    source = Source(name or "a picture", "style", digest, picture.origin.path or "")
    return Manner(network, seen, name, digest, source, networks)


def redraw_faces(photo: Photo, edit: TranslatorEdit, face: str | Person, step: Step, kit: Kit) -> Photo:
    """The photo with some of its faces as a translator draws them."""
    seen = PhotoFaces(photo, kit)
    chosen = select_faces(kit, seen.picture, seen.faces, face)
    done = edit_photo(
        photo, (edit,), seen.faces, chosen, step.arguments, look=seen.look, landmarker=kit.landmarker
    )
    return worded(photo.after(step, done.pixels, done.marks), step.words, seen.faces)
