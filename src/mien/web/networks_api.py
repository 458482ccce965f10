"""The calls about networks: those in the box and the user's own, and another one brought in."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .. import verbs
from ..errors import MienError, RequestError
from .answers import chunks_of
from .media import Library

LIMIT = 4_000_000_000  # bytes of a checkpoint
SUFFIX = re.compile(r"\.(onnx|pkl|pt|pth)$", re.IGNORECASE)
TOLD = (
    "name",
    "role",
    "boxed",
    "bytes",
    "state",
    "licence",
    "commercial",
    "description",
    "source",
    "data",
    "limits",
)


async def listed(request: Request) -> Response:
    """All networks, with the words of their cards; those that came with mien are `boxed`."""
    library: Library = request.app.state.studio.library
    rows = await library.run(verbs.models)
    return JSONResponse([{name: row.get(name, "") for name in TOLD} for row in rows])


async def add(request: Request) -> Response:
    """Bring in an exported .onnx or a published checkpoint under `name`; nothing in it is executed. The body is the
    file, X-File-Name its name, which says what it is."""
    library: Library = request.app.state.studio.library
    name = request.query_params.get("name", "")
    suffix = SUFFIX.search(request.headers.get("x-file-name", ""))
    if suffix is None:
        raise RequestError("this is no network: an .onnx, or a published .pkl, .pt or .pth was wanted")
    path = library.folder / f"{secrets.token_hex(8)}{suffix[0].lower()}"
    try:
        with path.open("xb") as file:
            async for chunk in chunks_of(request, LIMIT):
                file.write(chunk)
        added = await library.run(_added, path, name)
    finally:
        path.unlink(missing_ok=True)
    return JSONResponse(added, 201)


async def remove(request: Request) -> Response:
    """Take one of the user's own away."""
    library: Library = request.app.state.studio.library
    await library.run(verbs.remove_network, request.path_params["name"])
    return Response(status_code=204)


def _added(path: Path, name: str) -> list[dict[str, Any]]:
    try:
        return [{"name": one.name, "role": one.role} for one in verbs.import_network(path, name)]
    except MienError as error:  # whose words name a file that nobody knows
        raise type(error)(
            str(error).replace(str(path), "this file").replace(path.name, "this file")
        ) from error
