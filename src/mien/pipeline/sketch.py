"""The verb `sketch`: a face out of a drawing, by the generator in the box or by a translator."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..arguments import checked
from ..deprecations import GONE, renamed
from ..edits import drawn_head, line_art, part_labels
from ..edits.request import said_of_face
from ..edits.translate import TranslatorEdit
from ..errors import DeclinedError, InputError, RequestError
from ..face import filters
from ..face.topology import POINTS
from ..io import notice
from ..io.photo_reader import PhotoLike, as_photo
from ..models import catalogue
from ..models.kit import Kit, shared_kit
from ..models.traits import face_traits
from ..types import Array, Face, Photo, Step
from .edit import edit
from .generate import NOBODY, Asked, checked_conditions, drawn_styles
from .look import in_srgb, made_of
from .marking import finished
from .people import FaceLike, meant
from .photo import edit_step, generation_step
from .stylize import OLD_WORDS, redraw_faces

SEEDS = 2**32
YOUNGEST = 20.0  # years, as read
OLDER = (0, 12, 24, 40, 60)  # years that a face is made older by until it reads so
WORN = 0.5  # from which on glasses are drawn
PAINT = 0.6  # how strongly lips are painted that are in the drawing
TOLD = ("age", "sex", "hair", "skin")  # what can be said that lines do not


@checked
def sketch(
    drawing: PhotoLike,
    network: str = NOBODY,
    *,
    seed: int | None = None,
    labels: bool = False,
    face: FaceLike | None = None,
    conditions: Mapping[str, Asked] | None = None,
    mark: str | None = None,
    licence: str | None = None,
    kit: Kit | None = None,
    **old: Any,
) -> Photo:
    """A face that looks as somebody has drawn it: a square picture, labelled as generated.

    drawing: lines or colours on light paper, scanned, photographed or with transparency. network: the generator in the
    box, which makes a photographic face of whatever is drawn; or a translator of drawings of yours. Of the generator:
    its shape, hair, beard, glasses and colours are those of the drawing; what a drawing does not say is drawn by
    chance, as `seed` says (default: one that is taken from the drawing), or told as conditions: "age" in years, "sex"
    -1 (feminine) to 1, "hair" and "skin" a colour's name or #rrggbb.

    labels: the drawing is a map of parts, a grey PNG with numbers of `edits.part_labels.CLASSES` or those of CelebAMask-HQ
    in colour.

    face: the drawing is part of a picture that shows a face which `find` finds ("all", "largest" or a number); its
    lines are redrawn in their place by a translator, and the rest stays bit-identical. conditions: of a translator, its
    own by name ({"sample": 3}). mark: words in a corner of what is written, as in `edit`; not with face. A blank page is a
    `DeclinedError`.
    """
    asked = dict(renamed(old, OLD_WORDS, gone_in=GONE).get("conditions", conditions) or {})
    if old:
        raise TypeError(f"unknown argument {next(iter(old))!r}")
    photo, kit = as_photo(drawing), kit or shared_kit(licence)
    words = notice.words_for(mark, "sketch", made=True)
    if f"{network}-fitter" in catalogue.catalogue():
        if face is not None:
            raise RequestError(
                f"{network} draws a whole face: leave out --face, or cut the drawing to the head"
            )
        return _generated(photo, network, seed, labels, asked, words, kit)
    if seed is not None or labels:
        raise RequestError(
            f"{network} draws lines without chance: leave out --seed and --labels, or say --tell sample=N"
        )
    if face is not None and mark:
        raise RequestError("--mark is for whole faces: leave it out with --face")
    return _translated(photo, network, face, asked, words, kit)


def _generated(
    photo: Photo,
    network: str,
    seed: int | None,
    labels: bool,
    asked: dict[str, Asked],
    words: str,
    kit: Kit,
) -> Photo:
    """The drawing read, and a face drawn that is so."""
    mapper, generator = kit.generator(network)
    if unknown := [name for name in asked if name not in TOLD]:
        raise RequestError(f"a sketch cannot be told {unknown[0]!r}: there are {', '.join(TOLD)}")
    fitter, reader = kit.fitter(network), kit.sketch_reader
    pixels = part_labels.drawn(filters.to_uint8(photo.pixels)) if labels else on_white(photo)
    try:
        head = drawn_head.read_head(pixels, reader, fitter, kit.shapes.model.mirror[:POINTS])
    except InputError as error:
        raise DeclinedError(f"nothing is drawn here: {error}") from error
    (seed,) = following(photo, seed, 1)
    if not 0 <= seed < SEEDS:
        raise RequestError(f"seed {seed} is out of range: from 0 to {SEEDS - 1}")
    colours = {} if labels else head.colours  # of a map they mean nothing
    painted = {name: "#{:02x}{:02x}{:02x}".format(*rgb) for name, rgb in colours.items()}
    known = {name: value for name, value in painted.items() if name in TOLD}
    told, w = drawn_styles(
        mapper, seed, mapper.truncation, checked_conditions(network, mapper, known | asked)
    )
    traits = {name: value for name, value in head.traits.items() if name not in asked}
    pixels, faces = _adult(kit, network, fitter.fit(head.points, head.hair, traits, w))
    drawn = Photo(pixels)
    worn = _put_on(head, painted)
    if worn:
        drawn = edit(drawn, face="largest", kit=kit, **worn)
    nets = (reader.net, fitter.net, mapper.net, generator.net)
    step = generation_step({"network": network, "seed": seed, **told, **worn}, nets)
    networks = dict.fromkeys([*step.networks, *(one for each in drawn.history for one in each.networks)])
    step = replace(step, verb="sketch", networks=tuple(networks))
    return finished(made_of(photo, step, drawn.pixels), words, faces)


def _adult(kit: Kit, network: str, ws: Array) -> tuple[Array, list[Face]]:
    """The picture `[S, S, 3]` of styles `[L, W]` and the faces in it; shape and texture are made older where they read
    younger than YOUNGEST: large eyes and round heads do."""
    generator, older = kit.generator(network)[1], kit.directions(network).known["age"].codes
    for years in OLDER:
        pixels = generator.draw((ws + years * older)[None])[0]
        faces = kit.faces(pixels)
        if all(face_traits(kit, pixels, one)[1] >= YOUNGEST for one in faces):
            return pixels, faces
    raise DeclinedError(
        "the face of this drawing would look younger than an adult: draw smaller eyes, or say --age"
    )


def following(photo: Photo, seed: int | None, count: int) -> list[int]:
    """So many seeds from one on; from one that is taken from the drawing where none is said."""
    first = int(hashlib.sha256(photo.pixels.tobytes()).hexdigest()[:8], 16) if seed is None else seed
    return [(first + k) % SEEDS if seed is None else first + k for k in range(count)]


def _put_on(head: drawn_head.DrawnHead, painted: Mapping[str, str]) -> dict[str, Any]:
    """The edits by which a face gets what the generator has not."""
    out: dict[str, Any] = {"glasses": 1.0} if head.traits["glasses"] > WORN else {}
    return out | ({"lips": f"{painted['lips']}:{PAINT}"} if "lips" in painted else {})


def on_white(photo: Photo) -> Array:
    """A picture `[H, W, 3]` uint8, as sRGB has it, on white where it is transparent."""
    pixels = in_srgb(photo)
    if photo.opacity is None:
        return pixels
    share = photo.opacity.astype(np.float32)[..., None] / np.iinfo(photo.opacity.dtype).max
    return np.rint(pixels * share + 255 * (1 - share)).astype(np.uint8)


def _translated(
    drawing: Photo, network: str, face: FaceLike | None, asked: dict[str, Any], words: str, kit: Kit
) -> Photo:
    """The face that a translator sees in the lines of a drawing."""
    translator = kit.translator(network)
    if translator.channels != 1:
        raise RequestError(
            f"{network} takes pictures of {translator.channels} channels: a translator of drawings takes 1"
        )
    which = None if face is None else meant(face, kit=kit)
    said = {"network": network, **said_of_face(which), "asked": asked}
    arguments = {name: value for name, value in said.items() if value}
    if which is not None:
        one = TranslatorEdit(translator, 1.0, None, asked)
        return redraw_faces(drawing, one, which, replace(edit_step((one,), arguments), verb="sketch"), kit)
    lines = line_art.frame_drawing(line_art.extract_lines(in_srgb(drawing)), translator.net.card.size)
    step: Step = replace(generation_step(arguments, (translator.net,)), verb="sketch")
    pixels = translator.translate(lines, asked=asked)
    return finished(made_of(drawing, step, pixels), words, kit.faces(pixels))
