"""The calls about effects: those in the box and packs of the user's own, on the face of a picture."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .. import verbs
from ..edits.request import EDITS
from ..errors import InputError, RequestError
from ..io.preview import jpeg
from ..pipeline.job_worker import edit_requested
from ..types import Face
from .answers import MissingError, chunks_of
from .meaning import meant
from .media import THUMB, Library, Medium, Opened
from .media_api import library_of, name_of

LIMIT = 21_000_000  # bytes of a pack
MOST = 50  # packs at once


async def listed(request: Request) -> Response:
    """The packs that were brought in, the oldest first."""
    return JSONResponse([medium.described() for medium in library_of(request).all("effect")])


async def add(request: Request) -> Response:
    """Take in an effect pack, a zip; nothing in it is executed. Requests take its id as the name of an effect."""
    library, name = library_of(request), name_of(request, "pack.zip")
    if len(library.all("effect")) >= MOST:
        raise RequestError(f"there are {MOST} packs already: remove one first")
    data = b"".join([chunk async for chunk in chunks_of(request, LIMIT)])
    medium = await library.run(_added, library, name, data)
    return JSONResponse(medium.described(), 201)


def _added(library: Library, name: str, data: bytes) -> Medium:
    id, path = library.new_path(name, ".zip")
    path.write_bytes(data)
    try:
        pack = verbs.effect_check(path)
    except InputError as error:
        library.take_away(path.parent)
        raise InputError(str(error).replace(str(path), "this file")) from error
    medium = library.add_file(id, "effect", path)
    library.note(id, "pack", pack)
    return medium


async def look(request: Request) -> Response:
    """The largest face of a picture with an effect, one in the box or a pack by its id, small, as JPEG: what to choose
    it by."""
    library, id, name = library_of(request), request.path_params["id"], request.path_params["name"]
    if name not in EDITS["effect"].names and library.known(name, "pack") is None:
        raise MissingError("effect")

    def drawn(opened: Opened) -> bytes:
        shown = opened.shown
        left, top, right, bottom = around_largest(shown.faces, shown.photo.size)
        worn = shown.apply(edit_requested(meant(library, {"effect": name})))
        return jpeg(worn.pixels[top:bottom, left:right], THUMB)

    return Response(await library.run(library.fact, id, f"effect {name}", drawn), media_type="image/jpeg")


def around_largest(faces: list[Face], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the largest face with the head around it, in a picture of `size`; all of that where
    there is no face."""
    if not faces:
        return 0, 0, *size
    left, top, right, bottom = map(float, max(faces, key=lambda face: face.area).box)
    x, y, reach = (left + right) / 2, top + 0.32 * (bottom - top), 0.9 * max(right - left, bottom - top)
    ends = (x - reach, y - reach, x + reach, y + reach)
    low = [max(round(end), 0) for end in ends[:2]]
    return low[0], low[1], min(round(ends[2]), size[0]), min(round(ends[3]), size[1])
