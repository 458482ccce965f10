"""Who may speak to the studio, and what every answer carries.

One layer before the app, for requests and WebSockets alike. A page elsewhere on the web can make a browser send
requests to this computer, so a request must name this server exactly (Host; DNS rebinding), come from its own
page (Origin, Sec-Fetch-Site; forged requests) and carry the secret that only who started the studio has seen.
No answer allows another origin to read it.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
READING = ("GET", "HEAD")
SAME = (None, "same-origin", "none")  # of Sec-Fetch-Site: older browsers and programs do not send it


@dataclass(frozen=True)
class Refusal:
    """Why a request goes no further: status and words."""

    status: int
    error: str
    hint: str = ""


@dataclass(frozen=True)
class Door:
    """What a request must show: the port, the names that this server has, and the secret of this start."""

    port: int
    names: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    @property
    def cookie(self) -> str:
        """Its name; browsers share cookies between ports."""
        return f"mien_{self.port}"

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(f"{name}:{self.port}" for name in self.names)

    @property
    def origins(self) -> tuple[str, ...]:
        return tuple(f"http://{host}" for host in self.hosts)

    def is_secret(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.token.encode())

    def refusal(self, scope: Scope) -> Refusal | None:
        """Why a request or a WebSocket is refused; None where it is not."""
        said = _Said(scope)
        hosts, origins = said.all("host"), said.all("origin")
        if len(hosts) != 1 or hosts[0] not in self.hosts:
            return Refusal(421, "this address is not the studio's", f"open http://{self.hosts[0]}/")
        changes = scope["type"] == "websocket" or scope["method"] not in READING
        if said.one("sec-fetch-site") not in SAME or ((origins or changes) and not self._own(origins)):
            return Refusal(403, "this request came from another page")
        if not self.is_secret(said.cookie(self.cookie)):
            return Refusal(
                401, "the studio does not know this browser", "open the link that `mien studio` printed"
            )
        return None

    def _own(self, origins: list[str]) -> bool:
        return len(origins) == 1 and origins[0] in self.origins


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

    def __init__(self, app: ASGIApp, door: Door) -> None:
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
        if refusal and refusal.status == 401 and self._brings_token(scope):
            await self._let_in(sending)
        elif refusal:
            await _refuse(refusal, sending)
        else:
            await self.app(scope, receive, sending)

    def _brings_token(self, scope: Scope) -> bool:
        """Whether this is the link that was printed."""
        given = QueryParams(scope["query_string"]).get("token", "")
        return scope["method"] == "GET" and scope["path"] == "/" and self.door.is_secret(given)

    async def _let_in(self, send: Send) -> None:
        """The secret goes from the address, which is seen and kept, into a cookie, which is not."""
        door = self.door
        cookie = f"{door.cookie}={door.token}; HttpOnly; SameSite=Strict; Path=/"
        await _answer(send, 303, b"", [("location", "/"), ("set-cookie", cookie)])


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
