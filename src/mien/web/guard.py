"""Who may speak to the studio and to the service, and what every answer carries.

One layer before the app, for requests and WebSockets alike. A page elsewhere on the web can make a browser send
requests to this computer, so a request to the studio must name this server exactly (Host; DNS rebinding), come
from its own page (Origin, Sec-Fetch-Site; forged requests) and carry the secret that only who started the studio
has seen. The service is for programs: a request carries a key, and none comes from a page. No answer allows
another origin to read it.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Protocol

from starlette.datastructures import QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .password import Password

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "
    "connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
HEALTH, LOGIN, STATIC = "/health", "/api/login", "/static/"
PAGES = {"/": "main.js", "/live/clean": "clean.js"}  # and the script of each
READING = ("GET", "HEAD")
SAME = (None, "same-origin", "none")  # of Sec-Fetch-Site: older browsers and programs do not send it


@dataclass(frozen=True)
class Refusal:
    """Why a request goes no further: status and words."""

    status: int
    error: str
    hint: str = ""


class Entrance(Protocol):
    """What tells who may come in."""

    def refusal(self, scope: Scope) -> Refusal | None:
        """Why a request or a WebSocket is refused; None where it is not."""
        ...

    def cookie_for(self, scope: Scope) -> str | None:
        """What a browser is let in by from now on, if it has shown the secret in the address."""
        ...


@dataclass(frozen=True)
class Door:
    """Of the studio. What a request must show: the port, the names that this server has, and the secret of this start. With
    a password, whose studio other computers reach, over TLS, whoever knows that is given the secret."""

    port: int
    names: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    password: Password | None = None

    @property
    def cookie(self) -> str:
        """Its name; browsers share cookies between ports."""
        return f"mien_{self.port}"

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(f"{name}:{self.port}" for name in self.names)

    @property
    def origins(self) -> tuple[str, ...]:
        return tuple(f"{self.scheme}://{host}" for host in self.hosts)

    @property
    def scheme(self) -> str:
        return "https" if self.password else "http"

    @property
    def set_cookie(self) -> str:
        """The secret as a cookie that no script reads and no other page sends."""
        secure = "; Secure" if self.password else ""
        return f"{self.cookie}={self.token}; HttpOnly; SameSite=Strict; Path=/{secure}"

    def is_secret(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.token.encode())

    def cookie_for(self, scope: Scope) -> str | None:
        """The secret goes from the address that was printed, which is seen and kept, into a cookie, which is not."""
        given = QueryParams(scope["query_string"]).get("token", "")
        if scope["method"] != "GET" or scope["path"] not in PAGES or not self.is_secret(given):
            return None
        return self.set_cookie

    def knows(self, scope: Scope) -> bool:
        """Whether a request carries the secret."""
        return self.is_secret(_Said(scope).cookie(self.cookie))

    def refusal(self, scope: Scope) -> Refusal | None:
        said = _Said(scope)
        hosts, origins = said.all("host"), said.all("origin")
        if len(hosts) != 1 or hosts[0] not in self.hosts:
            return Refusal(421, "this address is not the studio's", f"open {self.scheme}://{self.hosts[0]}/")
        changes = scope["type"] == "websocket" or scope["method"] not in READING
        if said.one("sec-fetch-site") not in SAME or ((origins or changes) and not self._own(origins)):
            return Refusal(403, "this request came from another page")
        if self.knows(scope) or (self.password and self._for_strangers(scope)):
            return None
        return Refusal(
            401, "the studio does not know this browser", "open the link that `mien studio` printed"
        )

    def _for_strangers(self, scope: Scope) -> bool:
        """Whether a request is for the page that asks for the password, its files, which are no secret, or is an answer
        to it."""
        path = scope["path"]
        if scope["type"] == "websocket":
            return False
        return (scope["method"] in READING and (path in PAGES or path.startswith(STATIC))) or path == LOGIN

    def _own(self, origins: list[str]) -> bool:
        return len(origins) == 1 and origins[0] in self.origins


@dataclass(frozen=True)
class KeyDoor:
    """Of the service. A request must carry one of the keys; only whether it is up may be asked without."""

    keys: tuple[str, ...]

    def refusal(self, scope: Scope) -> Refusal | None:
        said = _Said(scope)
        if scope["type"] == "websocket" or said.all("origin") or said.all("sec-fetch-site"):
            return Refusal(403, "this service is for programs: no page may call it")
        scheme, _, key = (said.one("authorization") or "").partition(" ")
        if scope["path"] == HEALTH or (scheme.lower() == "bearer" and self._knows(key)):
            return None
        return Refusal(401, "a key is wanted", "send the header Authorization: Bearer KEY")

    def _knows(self, given: str) -> bool:
        """Each key is compared whole, so that the time tells nothing of it."""
        return any(hmac.compare_digest(given.encode(), key.encode()) for key in self.keys)

    def cookie_for(self, scope: Scope) -> str | None:
        return None


class _Said:
    """The headers of a request."""

    def __init__(self, scope: Scope) -> None:
        self._headers: list[tuple[bytes, bytes]] = scope["headers"]

    def all(self, name: str) -> list[str]:
        wanted = name.encode()
        return [value.decode("latin1") for key, value in self._headers if key.lower() == wanted]

    def one(self, name: str) -> str | None:
        return next(iter(self.all(name)), None)

    def cookie(self, name: str) -> str:
        try:
            found = SimpleCookie("; ".join(self.all("cookie"))).get(name)
        except CookieError:
            return ""
        return found.value if found else ""


class Guard:
    """The app behind the door."""

    def __init__(self, app: ASGIApp, door: Entrance) -> None:
        self.app, self.door = app, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        refusal = self.door.refusal(scope)
        if scope["type"] == "websocket":
            if refusal:
                await send({"type": "websocket.close", "code": 4403, "reason": refusal.error})
            else:
                await self.app(scope, receive, send)
            return
        sending = _with_headers(send)
        if (refusal is None or refusal.status == 401) and (cookie := self.door.cookie_for(scope)):
            await _answer(sending, 303, b"", [("location", scope["path"]), ("set-cookie", cookie)])
        elif refusal:
            await _refuse(refusal, sending)
        else:
            await self.app(scope, receive, sending)


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {name.lower() for name, _ in message.get("headers", [])}
            added = HEADERS if b"cache-control" in own else HEADERS | {"cache-control": "no-store"}
            message["headers"] = [*message.get("headers", []), *_encoded(added.items())]
        await send(message)

    return sending


async def _refuse(refusal: Refusal, send: Send) -> None:
    words = {"error": refusal.error, "kind": "Refused", "hint": refusal.hint}
    await _answer(send, refusal.status, json.dumps(words).encode(), [("content-type", "application/json")])


async def _answer(send: Send, status: int, body: bytes, headers: list[tuple[str, str]]) -> None:
    headers = [*headers, ("content-length", str(len(body)))]
    await send({"type": "http.response.start", "status": status, "headers": _encoded(headers)})
    await send({"type": "http.response.body", "body": body})


def _encoded(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin1"), value.encode("latin1")) for name, value in headers]
