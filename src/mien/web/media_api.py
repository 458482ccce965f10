"""The calls about pictures: bring them in, look at them, move a slider, do a verb, take the result."""

from __future__ import annotations

import os
import re
import struct
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse

from .. import verbs
from ..edits.request import EDITS, STYLE, WORDS, nothing_asked
from ..errors import InputError, RequestError
from ..io.preview import at_most, jpeg
from ..pipeline import gesture
from ..pipeline.job_worker import ABOUT, edit_requested
from ..pipeline.session import Session
from ..types import Face, Person, Photo, Verdict
from . import clips_api, media
from .answers import MissingError, asked, chunks_of, too_large, value_of, whole_number
from .meaning import meant, whom
from .media import Apply, Library, Opened

if TYPE_CHECKING:
    from .studio import Studio

LIMITS = {"photo": 200_000_000, "clip": 20_000_000_000}  # bytes
MAX_SIDE = 4096  # of a preview


def studio_of(request: Request) -> Studio:
    return request.app.state.studio


def library_of(request: Request) -> Library:
    return studio_of(request).library


async def upload(request: Request) -> Response:
    """Take in a photo or a clip."""
    library = library_of(request)
    name = name_of(request, "photo")
    id, path = await received(request, library, name)
    medium = await library.look(library.add, id, name, path)
    return JSONResponse(await library.look(_told, library, medium.id), 201)


async def mask(request: Request) -> Response:
    """Take in where a photo is to stay as it was, as a picture of its shape: white stays. `render` takes it as `keep`."""
    library = library_of(request)
    id, path = await received(request, library, "mask")
    return JSONResponse((await library.look(library.add_mask, id, path)).described(), 201)


def name_of(request: Request, usual: str) -> str:
    """What a file is called where it comes from, as it was before its bytes were spelt out as %20, for headers hold no
    others."""
    text = request.headers.get("x-file-name", usual)
    plain = re.sub(
        rb"%([0-9a-fA-F]{2})",
        lambda found: bytes.fromhex(found[1].decode()),
        text.encode("latin1", "replace"),
    )
    return plain.decode("utf-8", "replace")


async def received(request: Request, library: Library, name: str) -> tuple[str, Path]:
    """The body as a file of the library. Its first bytes decide what it is, and so how long it may be."""
    chunks = chunks_of(request, max(LIMITS.values()))
    head = b""
    async for chunk in chunks:
        head += chunk
        if len(head) >= media.HEAD:
            break
    kind, suffix = media.kind_of(head)
    id, path = library.new_path(name, suffix)
    size = len(head)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(head)
            async for chunk in chunks:
                size += len(chunk)
                if size > LIMITS[kind]:
                    raise too_large(LIMITS[kind])
                file.write(chunk)
    except BaseException:
        library.take_away(path.parent)
        raise
    return id, path


async def listed(request: Request) -> Response:
    """All uploads, the oldest first."""
    return JSONResponse([medium.described() for medium in library_of(request).all()])


async def picture(request: Request) -> Response:
    """A preview as JPEG; with `?original=1` the file: as it came, or the labelled result."""
    library, id = library_of(request), request.path_params["id"]
    if request.query_params.get("original"):
        medium = library[id]
        path = await library.seeing(id)(library.file, id)
        name = medium.name.rpartition(".")[0] or medium.name
        if medium.recipe:
            name += f"-{medium.recipe.verb}"
        return FileResponse(path, filename=f"{name}{path.suffix}", content_disposition_type="attachment")
    side = whole_number(request.query_params.get("w", str(media.SIDE)), "w", 16, MAX_SIDE)
    return Response(await library.seeing(id)(library.preview, id, side), media_type="image/jpeg")


async def forget(request: Request) -> Response:
    """Take a picture away, and what was made of it."""
    library, id = library_of(request), request.path_params["id"]
    medium = library[id]
    await library.run(library.forget, medium.id)
    return Response(status_code=204)


async def faces(request: Request) -> Response:
    """The faces of a picture, from left to right, in the pixels of its preview."""
    library, id = library_of(request), request.path_params["id"]
    return JSONResponse(await library.seeing(id)(_told, library, id))


def _told(library: Library, id: str) -> dict[str, Any]:
    medium = library[id]
    told = medium.described() | library.fact(id, "faces", _measured)
    if medium.kind == "clip":
        clip = clips_api.clip_of(library, id)
        told |= {"seconds": round(clips_api.seconds_of(clip), 3), "fps": round(float(clip.fps), 3)}
    return told


def _measured(opened: Opened) -> dict[str, Any]:
    found = [_face(i, face) for i, face in enumerate(opened.shown.faces)]
    return {"size": opened.session.photo.size, "preview": opened.shown.photo.size, "faces": found}


def _face(i: int, face: Face) -> dict[str, Any]:
    return {
        "face": str(i + 1),
        "box": [round(float(v), 1) for v in face.box],
        "points": [[round(float(x), 1), round(float(y), 1)] for x, y in face.landmarks],
        "yaw": round(face.yaw, 1),
        "pitch": round(face.pitch, 1),
        "roll": round(face.roll, 1),
    }


async def change(request: Request) -> Response:
    """The Changes of a gesture, key by key as they are made; see `gesture.packed`. Each comes behind its length in
    bytes (uint32, little-endian)."""
    library, id, given = library_of(request), request.path_params["id"], await asked(request)
    slider, end = value_of(given, "slider", str), value_of(given, "end", (int, float, str))
    strengths = meant(library, value_of(given, "request", dict, {}))
    about = {name: value for name, value in strengths.items() if name in ABOUT}
    others = {name: value for name, value in strengths.items() if name not in (*ABOUT, slider)}
    shares = list(gesture.keys_of(slider))
    if not edit_requested(about | others).empty:
        shares.insert(1, 0.0)
    made = await library.threads.run_while_awaited(
        request, _key, library, id, others, slider, end, shares[0], about
    )
    gone = threading.Event()

    async def keys() -> AsyncIterator[bytes]:
        try:
            yield made
            for share in shares[1:]:
                yield await library.threads.run_for(
                    gone, _key, library, id, others, slider, end, share, about
                )
        finally:  # also where the answer is given up
            gone.set()

    return StreamingResponse(keys(), media_type="application/octet-stream")


def _key(
    library: Library,
    id: str,
    others: dict[str, Any],
    slider: str,
    end: Any,
    share: float,
    about: dict[str, Any],
) -> bytes:
    opened, check = library.opened(id), library.threads.check
    session = opened.followed if about.get("face", "all") == "all" else opened.shown
    body = gesture.packed(session, others, slider, end, share, check=check, **about)
    return struct.pack("<I", len(body)) + body


def doing(verb: str) -> Callable[[Request], Awaitable[Response]]:
    """What answers where a verb is asked for."""

    async def done(request: Request) -> Response:
        """Do a verb to a picture; the result has an id of its own."""
        library, id, given = library_of(request), request.path_params["id"], await asked(request)
        apply = VERBS[verb](studio_of(request), given)
        medium = await library.threads.run_while_awaited(request, library.make, id, verb, apply)
        return JSONResponse(medium.described() | {"notes": medium.notes}, 201)

    return done


def _edit(studio: Studio, given: dict[str, Any]) -> Apply:
    request = edit_requested(meant(studio.library, value_of(given, "request", dict)))
    keep = value_of(given, "keep", str, None)
    if not request.strengths and not request.directions:
        raise nothing_asked(EDITS)
    request = replace(request, keep=studio.library.keep(keep)) if keep else request
    check = studio.library.threads.check
    return lambda session: session.apply(request, watch=lambda *_: check())


def _stylize(studio: Studio, given: dict[str, Any]) -> Apply:
    how, strength, face = style_requested(studio.library, given)

    def apply(session: Session) -> Photo:
        return verbs.stylize(session.photo, str(how), strength=strength, face=face, kit=session.kit)

    return apply


def style_requested(library: Library, given: dict[str, Any]) -> tuple[str | Path, float, str | Person | None]:
    """What a style asks for: `manner`, or `style`, the id of a painting; `strength` and `face`. Manner and face come as
    `stylize` takes them."""
    strength = float(value_of(given, "strength", (int, float), 1.0))
    named = value_of(given, "face", str, None)
    face = None if named is None else whom(library, named)
    style = value_of(given, "style", str, None)
    manner = value_of(given, "manner", str, None)
    if (style is None) == (manner is None):
        raise RequestError("in which manner? Give a manner or a painting, one of the two")
    if manner is not None and manner not in verbs.manners():
        raise RequestError(f"no manner is called {manner!r}: there are {', '.join(verbs.manners())}")
    return manner or library.file(str(style)), strength, face


def _swap(studio: Studio, given: dict[str, Any]) -> Apply:
    request = studio.people.swap_request(given)
    return lambda session: request.apply(session.photo, session.kit)


VERBS = {"render": _edit, "swap": _swap, "stylize": _stylize}  # by the last word of the address


async def manner(request: Request) -> Response:
    """A picture in one of the manners in the box, small, as JPEG: what to choose it by."""
    library, id, name = library_of(request), request.path_params["id"], request.path_params["name"]
    if name not in verbs.manners():
        raise MissingError("manner")

    def drawn(opened: Opened) -> bytes:
        small = Photo(at_most(opened.shown.photo.pixels, media.THUMB))
        return jpeg(verbs.stylize(small, name).pixels, media.THUMB)

    return Response(await library.run(library.fact, id, name, drawn), media_type="image/jpeg")


async def verify(request: Request) -> Response:
    """What the label of a file says: what was done to it, and whether it is intact."""
    library = library_of(request)
    _, path = await received(request, library, "file")
    try:
        verdict = await library.look(verbs.verify, path, pixels=True)
    except InputError as error:
        raise InputError(str(error).replace(str(path), "this file")) from error
    finally:
        library.take_away(path.parent)
    return JSONResponse(_said(verdict))


def _said(verdict: Verdict) -> dict[str, Any]:
    steps = [
        {
            "verb": step.verb,
            "arguments": {name: str(value) for name, value in step.arguments.items()},
            "time": step.time,
            "notes": step.notes,
            "consent": step.consent,
            "sources": [f"{source.role}: {source.title}" for source in step.sources],
            "networks": [name for name, _ in step.networks],
        }
        for step in verdict.history
    ]
    names = ("state", "signer", "trusted", "time", "found_by", "reasons", "ingredients", "bits")
    mark = verdict.mark and asdict(verdict.mark)
    return {name: getattr(verdict, name) for name in names} | {"steps": steps, "mark": mark}


def sliders() -> list[dict[str, Any]]:
    """Every edit that can be asked for, as a page needs it to make its slider."""
    return [
        {
            "name": name,
            "group": option.made_in,
            "low": option.low,
            "high": option.high,
            "unit": option.unit,
            "says": option.says,
            "colours": dict(option.names) if option.unit == "colour" else {},
            "styles": list(option.names) if option.unit == STYLE else [],
            "moves": gesture.moves(name),
            "keys": list(gesture.KEYS.get(name, gesture.LINEAR)) if gesture.moves(name) else [],
            "excludes": [other for other in EDITS if _clash(name, other)],
        }
        for name, option in EDITS.items()
    ]


def _clash(one: str, other: str) -> bool:
    """Whether two edits cannot be asked for at once."""
    try:
        edit_requested({name: _some(name) for name in (one, other)})
    except RequestError:
        return True
    return False


def _some(name: str) -> Any:
    option = EDITS[name]
    return next(iter(option.names)) if option.unit in WORDS else option.high
