"""The calls about sketches: a look at the face of a drawing, and that face as a picture to work at."""

from __future__ import annotations

import io
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .. import verbs
from ..io import photo_reader
from ..io.preview import jpeg
from ..pipeline.generate import COLOURED
from ..pipeline.sketch import TOLD
from ..types import Photo
from .answers import chunks_of
from .generate_api import SIDE, conditions, said
from .media import Library

LIMIT = 8_000_000  # bytes of a drawing
MAX_PIXELS = 16_000_000  # of a drawing


def tellable() -> dict[str, Any]:
    """What a face can be told that lines do not say: ranges of numbers, and colours by name."""
    numbers = {name: one for name, one in conditions().items() if name in TOLD}
    return numbers | {name: dict(names) for name, (_, names) in COLOURED.items()}


async def look(request: Request) -> Response:
    """The face of a drawing (PNG, JPEG or WebP), small, as JPEG."""
    photo = await _drawn(request)
    return Response(jpeg(photo.pixels, SIDE), media_type="image/jpeg")


async def take(request: Request) -> Response:
    """The face of a drawing as a picture to work at, labelled as generated."""
    library: Library = request.app.state.studio.library
    medium = await library.run(library.put, await _drawn(request), "sketch")
    return JSONResponse(medium.described(), 201)


async def _drawn(request: Request) -> Photo:
    library: Library = request.app.state.studio.library
    seed, told = said(request)
    drawing = b"".join([chunk async for chunk in chunks_of(request, LIMIT)])

    def draw() -> Photo:
        photo = photo_reader.read(io.BytesIO(drawing), max_pixels=MAX_PIXELS)
        return verbs.sketch(photo, seed=seed, conditions=told)

    return await library.run(draw)
