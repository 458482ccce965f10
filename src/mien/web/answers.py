"""What requests bring and answers say: bodies within limits, values of the right kind, errors as the command
line's texts."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..errors import InputError, MienError, RequestError
from ..words import plain
from .threads import GivenUpError

JSON_LIMIT = 64 * 1024
PATIENCE = 30.0  # seconds that a body may pause


class MissingError(Exception):
    """An id that nothing has."""

    def __init__(self, what: str) -> None:
        super().__init__(f"there is no such {what}: it may have been forgotten")


async def chunks_of(request: Request, most: int) -> AsyncIterator[bytes]:
    """The body as it comes, counted whatever was announced: 413 where it is longer, 408 where it stalls."""
    announced = request.headers.get("content-length", "0")
    if not re.fullmatch("[0-9]{1,18}", announced) or int(announced) > most:
        raise too_large(most)
    seen, stream = 0, aiter(request.stream())
    while True:
        try:
            chunk = await asyncio.wait_for(anext(stream), PATIENCE)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise HTTPException(408, "the upload has stalled") from error
        seen += len(chunk)
        if seen > most:
            raise too_large(most)
        yield chunk


def too_large(most: int) -> HTTPException:
    return HTTPException(413, f"this is too large: at most {most / 1e6:g} MB were wanted")


async def asked(request: Request) -> dict[str, Any]:
    """The body as a JSON object; a `RequestError` where it is none."""
    body = b"".join([chunk async for chunk in chunks_of(request, JSON_LIMIT)])
    try:
        given = json.loads(body or b"{}", parse_constant=_no_number, parse_int=_bounded)
        json.dumps(
            given, ensure_ascii=False
        ).encode()  # halves of letters can be said in JSON, and nowhere else
    except (ValueError, RecursionError) as error:
        raise RequestError("the request is no JSON: an object was wanted") from error
    if not isinstance(given, dict):
        raise RequestError(f"the request is a {type(given).__name__}: a JSON object was wanted")
    return given


def _no_number(name: str) -> Any:
    raise ValueError(name)


def _bounded(text: str) -> int:
    """A whole number that floats know, too."""
    if len(text) > 18:
        raise ValueError(text)
    return int(text)


def whole_number(text: str, name: str, low: int, high: int) -> int:
    """A whole number of an address; a `RequestError` where it is none, or out of range."""
    if not re.fullmatch("[0-9]{1,15}", text) or not low <= int(text) <= high:
        raise RequestError(f"{name} {text[:80]!r} is out of range: a whole number from {low} to {high}")
    return int(text)


def value_of(given: dict[str, Any], name: str, kind: type | tuple[type, ...], usual: Any = ...) -> Any:
    """One value of a request, of the `kind` wanted; `usual` where it was left out."""
    value = given.get(name, usual)
    if value is ...:
        raise RequestError(f"{name} is missing")
    if value is not usual and (not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        wanted = " or ".join(one.__name__ for one in kinds)
        raise RequestError(f"{name} is a {type(value).__name__}: {wanted} was wanted")
    return value


def refused(status: int, error: str, kind: str) -> JSONResponse:
    """An error as every one is told: in one line, what kind, and what to do if the line says so."""
    error = plain(error)
    _, _, hint = error.rpartition(": ")
    return JSONResponse({"error": error, "kind": kind, "hint": hint if hint != error else ""}, status)


async def on_refusal(_: Request, error: Exception) -> Response:
    """mien's own refusals: 415 of files, 400 of the rest."""
    assert isinstance(error, MienError)
    return refused(415 if isinstance(error, InputError) else 400, str(error), type(error).__name__)


async def on_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return refused(error.status_code, error.detail.lower(), "Refused")


async def on_absence(_: Request, error: Exception) -> Response:
    return refused(404, str(error), "MissingError")


async def on_bug(_: Request, error: Exception) -> Response:
    logging.getLogger("mien").error("a bug", exc_info=error)
    return refused(500, f"a bug, {type(error).__name__}: what was asked was not done", "Bug")


async def on_leaving(_: Request, error: Exception) -> Response:
    return refused(408, str(error), "GivenUp")


HANDLERS: dict[Any, Any] = {
    MienError: on_refusal,
    GivenUpError: on_leaving,
    HTTPException: on_http,
    MissingError: on_absence,
    Exception: on_bug,
}
