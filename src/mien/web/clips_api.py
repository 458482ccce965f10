"""The calls about what is in a clip: a strip of its frames, one of them to work at, and who is where."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any

import cv2
import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from .. import verbs
from ..errors import InputError, RequestError
from ..io import clip_reader
from ..io.preview import jpeg
from ..pipeline.clip_people import Lane, Lanes, moments
from ..types import Array, Clip, Photo
from .answers import MissingError, asked, value_of, whole_number
from .media import MAX_PIXELS, Library

HIGH = 96  # pixels of a strip's height
COUNTS = (2, 40)  # of pictures in it
WIDEST = 4096  # pixels of a strip
MOST_PEOPLE = 8


def seconds_of(clip: Clip) -> float:
    """How long a clip is."""
    return clip.frames / float(clip.fps)


def clip_of(library: Library, id: str) -> Clip:
    """The clip of an id."""
    medium = library[id]
    if medium.kind != "clip":
        raise MissingError("clip")
    return clip_reader.clip(medium.path, max_pixels=MAX_PIXELS)


def _library(request: Request) -> Library:
    return request.app.state.studio.library


async def strip(request: Request) -> Response:
    """Frames of a clip side by side, evenly over its time, as JPEG; `n`: how many."""
    library, id = _library(request), request.path_params["id"]
    count = whole_number(request.query_params.get("n", "12"), "n", *COUNTS)
    clip = await library.look(clip_of, library, id)
    body = library.known(id, f"strip {count}") or await asyncio.to_thread(_strip, clip, count)
    library.note(id, f"strip {count}", body)
    return Response(body, media_type="image/jpeg")


def _strip(clip: Clip, count: int) -> bytes:
    at = [seconds_of(clip) * (i + 0.5) / count for i in range(count)]
    shown = [_as_high(frame.pixels) for frame in clip_reader.glimpses(clip, at)]
    return jpeg(np.hstack(shown), WIDEST)


def _as_high(pixels: Array) -> Array:
    width = max(1, round(pixels.shape[1] * HIGH / pixels.shape[0]))
    return np.asarray(cv2.resize(pixels, (width, HIGH), interpolation=cv2.INTER_AREA))


async def frame(request: Request) -> Response:
    """One frame of a clip, `time` seconds after its start, as a picture to work at."""
    library, id = _library(request), request.path_params["id"]
    time = float(value_of(await asked(request), "time", (int, float)))

    def taken() -> dict[str, Any]:
        clip = clip_of(library, id)
        if not 0 <= time <= seconds_of(clip):
            raise RequestError(f"time {time:g} is out of range: 0 to {seconds_of(clip):.3f} seconds")
        return library.make(id, "frame", lambda _: Photo(_pixels_at(clip, time))).described()

    return JSONResponse(await library.run(taken), 201)


def _pixels_at(clip: Clip, time: float) -> Array:
    with closing(clip_reader.glimpses(clip, [time])) as frames:
        return next(frames).pixels


async def people(request: Request) -> Response:
    """Who is where in a clip, as it is found: JSON line by line, `seen` seconds and `lanes`, each with the `spans` in
    which one person is seen. In the last line, which is `whole`, each has a `face` that requests take as theirs."""
    library, id = _library(request), request.path_params["id"]
    clip = await library.look(clip_of, library, id)
    return StreamingResponse(_looked_for(library, id, clip), media_type="application/x-ndjson")


async def _looked_for(library: Library, id: str, clip: Clip) -> AsyncIterator[str]:
    told: dict[str, Any] | None = library.known(id, "people")
    if told is None:
        lanes, at = Lanes(verbs.shared_kit()), moments(clip)
        ends = [*at[1:], seconds_of(clip)]
        with closing(clip_reader.glimpses(clip, at)) as frames:
            while (found := await asyncio.to_thread(_next, frames)) is not None:
                i = found.number
                await library.look(lambda i=i, found=found: lanes.look(found.pixels, at[i], ends[i]))
                spans = [{"spans": lane.spans} for lane in lanes.found()]
                yield _line({"seen": ends[i], "lanes": spans, "whole": False})
        try:
            faces = await library.run(_kept, library, id, lanes.found())
        except MissingError:  # the clip was closed meanwhile
            return
        told = {"seen": ends[-1], "lanes": faces, "whole": True}
        library.note(id, "people", told)
    yield _line(told)


def _next(frames: Any) -> clip_reader.Frame | None:
    """The next frame; none where a clip is damaged."""
    try:
        return next(frames, None)
    except InputError:
        return None


def _line(told: dict[str, Any]) -> str:
    return json.dumps(told) + "\n"


def _kept(library: Library, id: str, lanes: list[Lane]) -> list[dict[str, Any]]:
    """Lanes with their faces among the media."""
    told: list[dict[str, Any]] = []
    for i, lane in enumerate(lanes[:MOST_PEOPLE], 1):
        face = lane.face
        medium = library.make(id, "face", lambda _, face=face: Photo(face))
        library.note(medium.id, "person", lane.person(f"person {i} of {library[id].name}"))
        told.append({"face": medium.id, "spans": lane.spans})
    return told
