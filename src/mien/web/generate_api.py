"""The calls about faces that belong to nobody: what can be asked of them, a look at one, one to work at."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .. import verbs
from ..errors import RequestError
from ..io.preview import jpeg
from ..pipeline.generate import COLOURED, NOBODY
from ..types import Photo
from .answers import asked, value_of, whole_number
from .media import Library, Medium

SIDE = 256  # of a look
MOST = 2**31 - 1  # of seeds


def conditions() -> dict[str, dict[str, Any]]:
    """What can be asked of a face by a number, with its range."""
    mapper, _ = verbs.shared_kit().generator(NOBODY)
    shades = {shade for shades, _ in COLOURED.values() for shade in shades}
    known = {name: one for name, one in mapper.conditions.items() if name not in shades}
    return {name: {"low": one.low, "high": one.high, "unit": one.unit} for name, one in known.items()}


async def look(request: Request) -> Response:
    """The face of a seed, small, as JPEG."""
    library: Library = request.app.state.studio.library
    photo = await library.run(_drawn, *said(request))
    return Response(jpeg(photo.pixels, SIDE), media_type="image/jpeg")


def said(request: Request) -> tuple[int, dict[str, Any]]:
    """The seed of a face, and what it is told, as an address says them."""
    given: dict[str, Any] = dict(request.query_params)
    seed = whole_number(given.pop("seed", "0"), "seed", 0, MOST)
    return seed, {name: value if name in COLOURED else _number(name, value) for name, value in given.items()}


async def take(request: Request) -> Response:
    """The face of a seed as a picture to work at, labelled as generated."""
    library: Library = request.app.state.studio.library
    given = await asked(request)
    seed, told = value_of(given, "seed", int), value_of(given, "conditions", dict, {})
    medium = await library.run(_taken, library, whole_number(str(seed), "seed", 0, MOST), told)
    return JSONResponse(medium.described(), 201)


def _drawn(seed: int, told: dict[str, Any]) -> Photo:
    return next(iter(verbs.generate(seeds=[seed], conditions=told)))


def _taken(library: Library, seed: int, told: dict[str, Any]) -> Medium:
    return library.put(_drawn(seed, told), f"nobody-{seed}")


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise RequestError(f"{name} {text!r} is no number") from error
