"""The calls about motion: a look at what a face does; the whole of it is a job."""

from __future__ import annotations

import secrets
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from .. import verbs
from ..errors import FaceError, RequestError
from ..models.motions import boxed
from .answers import MissingError
from .media import Library, Opened

SIDES = (256, 640)  # of a look: in the list, and large
FPS = 12.0


async def look(request: Request) -> Response:
    """A picture doing a motion in the box, small, as WebP that moves. `consent`: in whose words the portrayed
    agreed."""
    library: Library = request.app.state.studio.library
    id, name, given = request.path_params["id"], request.path_params["name"], request.query_params
    consent, face = given.get("consent", ""), given.get("face", "largest")
    side = given.get("w", str(SIDES[0]))
    if name not in boxed():
        raise MissingError("motion")
    if side not in map(str, SIDES):
        raise RequestError(f"w {side!r} came: {' or '.join(map(str, SIDES))} was wanted")

    def drawn(opened: Opened) -> bytes:
        how: dict[str, Any] = {"consent": consent, "face": face, "fps": FPS}
        photo = opened.shown.photo
        path = library.folder / f"{secrets.token_hex(8)}.webp"
        try:
            made = verbs.animate(photo, name, size=int(side), **how)
        except FaceError:  # in so small a picture the face may be too small
            made = verbs.animate(photo, name, **how)
        try:
            made.write(path)
            return path.read_bytes()
        finally:
            path.unlink(missing_ok=True)

    body = await library.run(library.fact, id, f"{name} {side} {face} {consent}", drawn)
    return Response(body, media_type="image/webp")
