"""The verbs `stylize` and `sketch`: a picture in another manner, by a translator; the whole of it, or its faces as any other edit."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..edits import line_art as paper
from ..edits import registry as edits
from ..errors import ModelError, RequestError
from ..face import filters
from ..io import clip_reader as footage
from ..io import clip_writer as video
from ..io import photo_reader as image
from ..models import catalogue as hub
from ..models.kit import Kit, shared_kit
from ..models.translator import mixed
from ..types import Array, Photo, Step
from . import clip_edit as clips
from . import photo as apply
from . import resume as parts
from .clip_style import ClipStylizer

SKETCH = "sketch"  # the translator of drawings that is used where none is named


def stylize(
    photo: Photo,
    network: str,
    *,
    strength: float = 1.0,
    face: str | int | None = None,
    style: Photo | None = None,
    asked: Mapping[str, float] | None = None,
    kit: Kit | None = None,
) -> Photo:
    """The photo as the translator `network` draws it: a whole picture of any size, in tiles that fade into each other.

    strength 0..1: how far from the photo to the drawing; 0 gives the photo back. face: only faces ("all", "largest" or a number), the rest
    stays bit-identical. style: the picture whose style is taken, for networks that take any; asked: the network's conditions by name.
    """
    kit = kit or shared_kit()
    edit, step = _asked(kit, network, strength=strength, face=face, style=style, asked=asked)
    if not strength:
        return photo
    if face is not None:
        return _faces(photo, edit, face, step, kit)
    seen = filters.to_uint8(photo.pixels)
    drawn = edit.translator.translate(seen, style=edit.style, asked=edit.asked)
    return photo.after(step, mixed(photo.pixels, seen, drawn, strength))


def stylize_clip(
    source: Path,
    out: Path,
    network: str,
    *,
    strength: float = 1.0,
    face: str | int | None = None,
    style: Photo | None = None,
    asked: Mapping[str, float] | None = None,
    begin: float | None = None,
    end: float | None = None,
    resume: bool = False,
    force: bool = False,
    max_pixels: int = image.MAX_PIXELS,
    kit: Kit | None = None,
    report: Callable[[int, int], None] = lambda done, total: None,
    stopped: Callable[[], bool] = lambda: False,
) -> parts.Summary:
    """The same of a film (.mp4, .mov, .mkv, .webm), written as `out` (.mp4); the rest is as in `verbs.edit_clip`.

    Whole frames are mixed with those before them along the optical flow, so that strokes do not crawl; faces are followed, and asked for
    about eight times a second.
    """
    kit = kit or shared_kit()
    video.target(out, force=force)
    edit, step = _asked(kit, network, strength=strength, face=face, style=style, asked=asked, begin=begin, end=end)
    if not strength:
        raise RequestError("strength 0 changes nothing: say how far with --strength, above 0 to 1")
    film = footage.clip(source, begin=begin, end=end, max_pixels=max_pixels)

    def draw(pixels: Array) -> Array:
        return edit.translator.translate(pixels, style=edit.style, asked=edit.asked)

    line = ClipStylizer(draw, strength) if face is None else clips.clip_editor(str(face), (edit,), float(film.fps), kit)
    told = lambda done: report(done, film.frames)  # noqa: E731
    return parts.process_clip(film, out, line, step, resume=resume, force=force, report=told, stopped=stopped)


def sketch(
    drawing: Photo,
    network: str = SKETCH,
    *,
    face: str | int | None = None,
    asked: Mapping[str, float] | None = None,
    kit: Kit | None = None,
) -> Photo:
    """The face that the translator `network` sees in a drawing on light paper: a square, as large as it draws, labelled as generated.

    The paper becomes white, the ink dark, and what is drawn fills the picture as faces do in FFHQ. face: the drawing is part of a picture
    that shows a face which `find` finds ("all", "largest" or a number); its lines are redrawn in their place, and the rest stays
    bit-identical. asked: the network's conditions by name (of one that can draw anew: {"sample": 3}).
    """
    if network == SKETCH and network not in hub.catalogue():
        raise ModelError(
            "no translator of drawings is in the box yet: train one (mien train pix2pix --preset sketch) and name it with --with"
        )
    kit = kit or shared_kit()
    translator = kit.translator(network)
    if translator.channels != 1:
        raise RequestError(f"{network} takes pictures of {translator.channels} channels: a translator of drawings takes 1")
    arguments = {name: value for name, value in {"network": network, "face": str(face or ""), "asked": dict(asked or {})}.items() if value}
    if face is not None:
        edit = edits.TranslatorEdit(translator, 1.0, None, asked or {})
        return _faces(drawing, edit, face, replace(apply.edit_step((edit,), arguments), verb="sketch"), kit)
    lines = paper.frame_drawing(paper.extract_lines(filters.to_uint8(drawing.pixels)), translator.net.card.size)
    step = replace(apply.generation_step(arguments, (translator.net,)), verb="sketch")
    return replace(drawing.after(step, translator.translate(lines, asked=asked)), opacity=None)


def _asked(kit: Kit, network: str, *, strength: float, style: Photo | None, **rest: Any) -> tuple[edits.TranslatorEdit, Step]:
    """What draws photos, and what a label says of it."""
    if not 0 <= strength <= 1:
        raise RequestError(f"strength {strength:g} is out of range: 0 to 1")
    translator = kit.translator(network)
    if translator.channels != 3:
        raise RequestError(f"{network} takes pictures of {translator.channels} channels: a translator of photos was wanted")
    edit = edits.TranslatorEdit(translator, strength, filters.to_uint8(style.pixels) if style else None, rest["asked"] or {})
    said = rest | {"network": network, "strength": strength, "face": str(rest["face"] or ""), "asked": dict(rest["asked"] or {})}
    if style:
        said["style"] = Path(style.origin.path).name if style.origin.path else ""
        said["style_sha256"] = hashlib.sha256(style.pixels.tobytes()).hexdigest()  # a run that goes on must be given the same picture
    return edit, replace(apply.edit_step((edit,), {name: value for name, value in said.items() if value}), verb="stylize")


def _faces(photo: Photo, edit: edits.TranslatorEdit, face: str | int, step: Step, kit: Kit) -> Photo:
    faces = kit.faces(filters.to_uint8(photo.pixels))
    done = apply.edit_photo(photo, (edit,), faces, apply.select_faces(faces, str(face), photo.size), step.arguments)
    return photo.after(step, done.pixels)
