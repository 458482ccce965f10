"""The app: every call in one table, from which the routes and their description follow.

CALLS                     method, address, what answers, what it takes
make_app(studio, door)    the studio behind its guard
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from .. import verbs
from .._version import __version__
from ..edits.request import EDITS, STYLE
from ..edits.styles import NAMED
from ..models.motions import boxed
from . import (
    animate_api,
    clips_api,
    effects_api,
    generate_api,
    jobs_api,
    live_api,
    media_api,
    networks_api,
    pairs_api,
    people,
    sketch_api,
)
from .answers import HANDLERS, MissingError, asked, value_of
from .guard import HEALTH, LOGIN, PAGES, STATIC, Door, Entrance, Guard, KeyDoor
from .password import Password
from .studio import Studio

Handler = Callable[[Request], Awaitable[Response]]
LANGUAGES = ("en", "zh")


@dataclass(frozen=True)
class Call:
    """One call: what is in its body (JSON Schema of an object, or "bytes"), and the status where all is well."""

    method: str
    path: str
    handler: Handler
    body: dict[str, Any] | str | None = None
    status: int = 200
    query: dict[str, str] = field(default_factory=dict)


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


TEXT, NUMBER = {"type": "string"}, {"type": "number"}
TEXTS, NUMBERS = ({"type": "array", "items": one} for one in (TEXT, {"type": "integer"}))
SHARE = {"type": "number", "minimum": 0, "maximum": 1}


def _strength(name: str) -> dict[str, Any]:
    option = EDITS[name]
    if option.unit == "colour":
        return {"type": "string", "description": f"{option.says}, as red, #b01030 or rose:0.5"}
    if option.unit == STYLE:
        named = f"{option.says}, as {', '.join(option.names)}; perhaps with a strength, as {NAMED[name].example.split()[-1]}"
        return {"type": "string", "description": named}
    return {"type": "number", "minimum": option.low, "maximum": option.high, "description": option.says}


REQUEST = _object(
    face={
        "type": "string",
        "description": "all, largest, a number, or the face of a person of a clip by its id",
    },
    keys={
        "type": "array",
        "items": {"type": "array", "items": NUMBER},
        "description": "how much of it is done when, as [[0, 0], [1.5, 1]]; a picture is as a clip is at its start",
    },
    **{name: _strength(name) for name in EDITS},
)
ARGUMENTS = {
    "type": "object",
    "description": "what the verb's own call takes; of clips also start and end, in seconds, and keys of an edit",
}
MAPPING = {"type": "array", "items": _object(person=TEXT, face=TEXT)}
VERB_BODIES = {
    "render": _object(request=REQUEST, keep={"type": "string", "description": "id of a mask"}),
    "stylize": _object(
        manner=TEXT, style={"type": "string", "description": "id of a painting"}, strength=SHARE, face=TEXT
    ),
    "swap": _object(
        mapping=MAPPING,
        strength=SHARE,
        shape=SHARE,
        keep=TEXTS,
        **{"with": {"type": "string", "description": "a network that was trained to draw who comes"}},
    ),
}


async def about(request: Request) -> Response:
    """What can be asked for: edits with their ranges, verbs, manners; the page's sliders are made of this."""
    told: dict[str, Any] = {"version": __version__, "languages": LANGUAGES, "known": sorted(verbs.__all__)}
    told |= {"edits": media_api.sliders(), "verbs": list(media_api.VERBS), "manners": verbs.manners()}
    told |= {"motions": boxed(), "nobody": generate_api.conditions(), "sketch": sketch_api.tellable()}
    told["portrait"] = request.app.state.studio.portrait.id
    return JSONResponse(told)


async def openapi(_: Request) -> Response:
    """This description."""
    return JSONResponse(described())


async def forget(request: Request) -> Response:
    """Forget everything: pictures, people, pairs, jobs and results."""
    studio: Studio = request.app.state.studio
    await studio.library.run(studio.forget_everything)
    return Response(status_code=204)


CALLS = (
    Call("GET", "/api", about),
    Call("GET", "/api/openapi.json", openapi),
    Call("GET", "/api/media", media_api.listed),
    Call("POST", "/api/media", media_api.upload, "bytes", 201),
    Call("POST", "/api/masks", media_api.mask, "bytes", 201),
    Call("GET", "/api/media/{id}", media_api.picture, query={"w": "integer", "original": "integer"}),
    Call("DELETE", "/api/media/{id}", media_api.forget, status=204),
    Call("GET", "/api/media/{id}/faces", media_api.faces),
    Call("GET", "/api/media/{id}/manners/{name}", media_api.manner),
    Call("GET", "/api/media/{id}/effects/{name}", effects_api.look),
    Call("GET", "/api/media/{id}/strip", clips_api.strip, query={"n": "integer"}),
    Call("POST", "/api/media/{id}/frame", clips_api.frame, _object(time=NUMBER), 201),
    Call("GET", "/api/media/{id}/people", clips_api.people),
    Call("POST", "/api/media/{id}/change", media_api.change, _object(slider=TEXT, end={}, request=REQUEST)),
    *(
        Call("POST", f"/api/media/{{id}}/{verb}", media_api.doing(verb), body, 201)
        for verb, body in VERB_BODIES.items()
    ),
    Call(
        "GET",
        "/api/media/{id}/motions/{name}",
        animate_api.look,
        query={"consent": "string", "w": "integer", "face": "string"},
    ),
    Call("GET", "/api/generate", generate_api.look, query={"seed": "integer"}),
    Call(
        "POST",
        "/api/generate",
        generate_api.take,
        _object(seed={"type": "integer"}, conditions={"type": "object"}),
        201,
    ),
    Call("POST", "/api/sketch", sketch_api.look, "bytes", query={"seed": "integer"}),
    Call("POST", "/api/sketch/take", sketch_api.take, "bytes", 201, query={"seed": "integer"}),
    Call(
        "POST",
        "/api/live",
        live_api.begin,
        _object(
            request=REQUEST, portrait=TEXT, person=TEXT, style={"type": "object"}, consent=TEXT, mark=TEXT
        ),
        201,
    ),
    Call("POST", "/api/live/{id}", live_api.frame, "bytes"),
    Call("POST", "/api/live/{id}/photo", live_api.snap, _object(), 201),
    Call("POST", "/api/live/{id}/record", live_api.record, _object(on={"type": "boolean"})),
    Call("POST", "/api/live/{id}/camera", live_api.offer, _object(on={"type": "boolean"})),
    Call("DELETE", "/api/live/{id}", live_api.end, status=204),
    Call("GET", "/api/effects", effects_api.listed),
    Call("POST", "/api/effects", effects_api.add, "bytes", 201),
    Call("GET", "/api/networks", networks_api.listed),
    Call("POST", "/api/networks", networks_api.add, "bytes", 201, query={"name": "string"}),
    Call("DELETE", "/api/networks/{name}", networks_api.remove, status=204),
    Call("POST", "/api/verify", media_api.verify, "bytes"),
    Call("GET", "/api/people", people.listed),
    Call("POST", "/api/people", people.add, _object(name=TEXT, media=TEXTS, consent=TEXT), 201),
    Call("GET", "/api/people/{id}", people.portrait),
    Call("DELETE", "/api/people/{id}", people.forget, status=204),
    Call("GET", "/api/pairs", pairs_api.listed),
    Call(
        "POST",
        "/api/pairs",
        pairs_api.add,
        _object(people={"type": "array", "items": _object(name=TEXT, media=TEXTS)}, consent=TEXT),
        201,
    ),
    Call("GET", "/api/pairs/{id}", pairs_api.one),
    Call("DELETE", "/api/pairs/{id}", pairs_api.forget, status=204),
    Call("POST", "/api/pairs/{id}/{side}/media", pairs_api.add_files, _object(media=TEXTS), 201),
    Call("GET", "/api/pairs/{id}/{side}/faces", pairs_api.faces),
    Call("PUT", "/api/pairs/{id}/{side}/faces", pairs_api.leave_out, _object(out=NUMBERS), 204),
    Call("GET", "/api/pairs/{id}/{side}/faces/{n}", pairs_api.face),
    Call("POST", "/api/pairs/{id}/{side}/person", pairs_api.give, _object(), 201),
    Call("POST", "/api/pairs/{id}/run", pairs_api.train, _object(preset=TEXT), 201),
    Call("DELETE", "/api/pairs/{id}/run", pairs_api.begin_anew, status=204),
    Call("GET", "/api/pairs/{id}/run/curve", pairs_api.curve),
    Call("GET", "/api/pairs/{id}/run/previews/{step}", pairs_api.preview),
    Call("POST", "/api/pairs/{id}/networks", pairs_api.export, _object(names=TEXTS), 201),
    Call("GET", "/api/jobs", jobs_api.listed),
    Call("POST", "/api/jobs", jobs_api.put, _object(verb=TEXT, media=TEXTS, arguments=ARGUMENTS), 201),
    Call("GET", "/api/jobs/{id}", jobs_api.one),
    Call("PATCH", "/api/jobs/{id}", jobs_api.wish, _object(state={"enum": ["active", "paused"]})),
    Call("DELETE", "/api/jobs/{id}", jobs_api.remove, status=204),
    Call("POST", "/api/jobs/{id}/retry", jobs_api.retry),
    Call("GET", "/api/jobs/{id}/tasks", jobs_api.tasks, query={"after": "integer"}),
    Call("GET", "/api/jobs/{id}/tasks/{task}", jobs_api.result),
    Call("GET", "/api/jobs/{id}/results", jobs_api.results),
    Call("GET", "/api/events", jobs_api.events),
    Call("POST", "/api/forget", forget, status=204),
)


def described() -> dict[str, Any]:
    """The calls as OpenAPI 3.1."""
    paths: dict[str, dict[str, Any]] = {}
    for call in CALLS:
        paths.setdefault(call.path, {})[call.method.lower()] = _call_described(call)
    return {"openapi": "3.1.0", "info": {"title": "mien studio", "version": __version__}, "paths": paths}


def _call_described(call: Call) -> dict[str, Any]:
    names = [part[1:-1] for part in call.path.split("/") if part.startswith("{")]
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": TEXT} for name in names
    ]
    parameters += [
        {"name": name, "in": "query", "schema": {"type": kind}} for name, kind in call.query.items()
    ]
    error = {"description": "an error", "content": {"application/json": {"schema": ERROR}}}
    answers = {str(call.status): {"description": "as asked"}, "default": error}
    told: dict[str, Any] = {"summary": (call.handler.__doc__ or "").strip(), "responses": answers}
    if call.body == "bytes":
        told["requestBody"] = {"content": {"application/octet-stream": {}}}
        parameters.append({"name": "X-File-Name", "in": "header", "schema": TEXT})
    elif call.body is not None:
        told["requestBody"] = {"content": {"application/json": {"schema": call.body}}}
    return told | {"parameters": parameters}


ERROR = _object(error=TEXT, kind=TEXT, hint=TEXT)


def _calls() -> list[Route]:
    return [Route(call.path, call.handler, methods=[call.method]) for call in CALLS]


def _page(door: Entrance) -> list[Route]:
    static = _static()
    whole = bytes(static["index.html"].body)

    def page(script: str) -> Handler:
        async def answer(request: Request) -> Response:
            stranger = isinstance(door, Door) and not door.knows(request.scope)
            return Response(
                whole.replace(b"main.js", b"login.js" if stranger else script.encode()),
                media_type="text/html",
            )

        return answer

    async def file(request: Request) -> Response:
        found = static.get(request.path_params["path"])
        if found is None:
            raise MissingError("file")
        return found

    pages = [Route(path, page(script)) for path, script in PAGES.items()]
    return [*pages, Route(f"{STATIC}{{path:path}}", file)]


def _login(door: Door, password: Password) -> Route:
    async def login(request: Request) -> Response:
        """Let a browser in that knows the password."""
        given, client = value_of(await asked(request), "password", str), request.client
        await password.check(given, client.host if client else "")
        return Response(status_code=204, headers={"set-cookie": door.set_cookie})

    return Route(LOGIN, login, methods=["POST"])


def _health() -> list[Route]:
    async def health(_: Request) -> Response:
        return JSONResponse({"version": __version__})

    return [Route(HEALTH, health)]


def _static() -> dict[str, Response]:
    """The page's files by address: those that are there now, so that no address leads anywhere else."""
    found: dict[str, Response] = {}

    def walk(place: Traversable, prefix: str) -> None:
        for one in place.iterdir():
            if one.is_dir():
                walk(one, f"{prefix}{one.name}/")
            elif kind := KINDS.get(Path(one.name).suffix):
                found[f"{prefix}{one.name}"] = Response(one.read_bytes(), media_type=kind)

    walk(files("mien.web") / "static", "")
    return found


KINDS = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}


def make_app(studio: Studio, door: Entrance) -> ASGIApp:
    """The studio behind its guard: with its page, or without where programs come in by a key."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        looking = asyncio.create_task(studio.look_after_workers())
        yield
        looking.cancel()
        await asyncio.to_thread(studio.close)

    besides = _health() if isinstance(door, KeyDoor) else _page(door)
    if isinstance(door, Door) and door.password:
        besides.append(_login(door, door.password))
    app = Starlette(routes=[*besides, *_calls()], exception_handlers=HANDLERS, lifespan=lifespan)
    app.state.studio = studio
    return Guard(app, door)
