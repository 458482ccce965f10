"""The studio for other computers: who knows its password is let in, over HTTPS; nobody else learns anything."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import json
import re
import signal
import ssl
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="needs the extra 'studio'")

import httpx2
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from studios import start

from mien.web import password
from mien.web.app import CALLS, make_app
from mien.web.guard import Door
from mien.web.password import Password
from mien.web.studio import Studio

pytest_plugins = ["studio_fixtures"]

WORD = "a long enough password"
NAME = "192.168.1.20"
ORIGIN = f"https://{NAME}:8700"


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setattr(password, "SLOW", 0.05)
    return Door(8700, (NAME,), password=Password(WORD))


@pytest.fixture
def others(studio: Studio, door: Door) -> Callable[[str], TestClient]:
    """A browser at an address."""
    app: Any = make_app(studio, door)

    def at(address: str) -> TestClient:
        client = TestClient(
            app,
            base_url=ORIGIN,
            follow_redirects=False,
            raise_server_exceptions=False,
            client=(address, 50000),
        )
        client.headers |= {"origin": ORIGIN, "sec-fetch-site": "same-origin"}
        return client

    return at


@pytest.fixture
def stranger(others: Callable[[str], TestClient]) -> TestClient:
    return others("192.168.1.7")


def tried(client: TestClient, word: Any) -> int:
    return client.post("/api/login", json={"password": word}).status_code


def test_a_stranger_sees_the_question_and_nothing_else(stranger: TestClient, door: Door):
    page = stranger.get("/")
    assert "login.js" in page.text and "main.js" not in page.text and door.token not in page.text
    assert stranger.get("/static/login.js").status_code == 200
    for call in CALLS:
        path = re.sub(r"\{\w+\}", "1", call.path)
        answer = stranger.request(call.method, path)
        assert answer.status_code == 401 and set(answer.json()) == {"error", "kind", "hint"}, path
    assert stranger.get("/static/%2e%2e%2fapp.py").status_code == 404
    with pytest.raises(WebSocketDisconnect), stranger.websocket_connect("/api/live"):
        pass


def test_the_password_opens_it_by_a_cookie_that_goes_over_https_alone(stranger: TestClient, door: Door):
    answer = stranger.post("/api/login", json={"password": WORD})
    cookie = answer.headers["set-cookie"]
    assert answer.status_code == 204 and cookie.startswith(f"mien_8700={door.token};")
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} < set(cookie.split("; "))
    assert stranger.get("/api").status_code == 200 and "main.js" in stranger.get("/").text


def test_the_printed_link_opens_it_too(stranger: TestClient, door: Door):
    answer = stranger.get(f"/?token={door.token}")
    assert answer.status_code == 303 and answer.headers["set-cookie"].endswith("; Secure")
    assert stranger.get("/api").status_code == 200
    assert "set-cookie" not in stranger.get("/?token=wrong").headers


@pytest.mark.parametrize(
    "host",
    [
        f"{NAME}",
        f"{NAME}:8701",
        "127.0.0.1:8700",
        "localhost:8700",
        "evil.example:8700",
        f"{NAME}.evil.example:8700",
        f"{NAME}.:8700",
        "",
    ],
)
def test_its_name_is_exact(stranger: TestClient, host: str):
    assert tried(stranger, WORD) == 204
    for path in ("/", "/api", "/static/login.js"):
        assert stranger.get(path, headers={"host": host}).status_code == 421


@pytest.mark.parametrize(
    "origin", [f"http://{NAME}:8700", f"https://{NAME}", "https://evil.example", "null", None]
)
def test_no_other_page_logs_in_or_asks(stranger: TestClient, origin: str | None):
    headers = {"sec-fetch-site": "cross-site"} if origin is None else {"origin": origin}
    assert stranger.post("/api/login", json={"password": WORD}, headers=headers).status_code == 403
    assert tried(stranger, WORD) == 204
    assert stranger.post("/api/forget", headers=headers).status_code == 403


def test_wrong_passwords_are_answered_slowly_and_few(
    others: Callable[[str], TestClient], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(password, "SLOW", 0.3)
    thief, owner = others("192.168.1.66"), others("192.168.1.7")
    began = time.monotonic()
    assert tried(thief, "guess") == 401 and time.monotonic() - began >= 0.3
    monkeypatch.setattr(password, "SLOW", 0.0)
    assert [tried(thief, f"guess {i}") for i in range(4)] == [401] * 4
    began = time.monotonic()
    assert [tried(thief, word) for word in ("guess", WORD)] == [429, 429], "even the right one, for a minute"
    assert time.monotonic() - began < 0.2
    assert tried(owner, WORD) == 204, "who sits elsewhere is not shut out"
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 61)
    assert tried(thief, WORD) == 204


def test_many_at_once_are_bounded(studio: Studio, door: Door):
    """In one loop, as the server has it: none gets in before another is counted."""
    app: Any = make_app(studio, door)

    async def at_once() -> list[int]:
        to_app = httpx2.ASGITransport(app, client=("10.0.0.1", 1))
        async with httpx2.AsyncClient(transport=to_app, base_url=ORIGIN, headers={"origin": ORIGIN}) as thief:
            tries = (thief.post("/api/login", json={"password": "guess"}) for _ in range(12))
            return sorted(answer.status_code for answer in await asyncio.gather(*tries))

    assert asyncio.run(at_once()) == [401] * 5 + [429] * 7


def test_many_from_everywhere_are_bounded(
    others: Callable[[str], TestClient], door: Door, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(password, "SLOW", 0.0)
    monkeypatch.setattr(password, "ALL", 6)
    assert [tried(others(f"10.0.1.{i}"), "guess") for i in range(7)] == [401] * 6 + [429]


@pytest.mark.parametrize("word", [None, 7, ["a"], {}, "", "\ud800", "a" * 60_000])
def test_what_is_no_password_is_no_bug(stranger: TestClient, word: Any):
    assert stranger.post("/api/login", content=as_json(word)).status_code in (400, 401)


def as_json(word: Any) -> str:
    return json.dumps({"password": word})


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Start a studio for others at this computer's own address."""
    (tmp_path / "password.txt").write_text(f"{WORD}\n")
    begun: list[Any] = []

    def begin() -> Any:
        more = ("--host", "127.0.0.1", "--password-file", str(tmp_path / "password.txt"))
        begun.append(start(tmp_path / "home", *more))
        return begun[-1]

    yield begin
    for one in begun:
        one.process.send_signal(signal.SIGINT)
        assert one.process.wait(20) == 0


def test_over_https_with_a_certificate_that_can_be_compared(running: Callable[..., Any], tmp_path: Path):
    first, second = running(), running()
    assert first.told["sha256"] == second.told["sha256"], "it is kept"
    kept = list((tmp_path / "home" / "server").iterdir())
    assert [stat.S_IMODE(one.stat().st_mode) for one in kept] == [0o600]
    host = first.url.removeprefix("https://").split("/")[0]
    plain = http.client.HTTPConnection(host, timeout=5)
    with pytest.raises((http.client.HTTPException, OSError)):
        plain.request("GET", "/")
        plain.getresponse()
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    line = http.client.HTTPSConnection(host, context=trusting, timeout=20)
    line.connect()
    shown = hashlib.sha256(line.sock.getpeercert(binary_form=True)).hexdigest()  # type: ignore[union-attr]
    assert shown == first.told["sha256"].replace(":", "").lower()
    line.request("POST", "/api/login", f'{{"password": "{WORD}"}}', {"Origin": f"https://{host}"})
    answer = line.getresponse()
    assert answer.status == 204 and "; Secure" in (answer.getheader("set-cookie") or "")
    answer.read()
    own = ssl.create_default_context(cafile=str(kept[0]))  # who trusts this one sees the name in it
    assert http.client.HTTPSConnection(host, context=own, timeout=20).connect() is None


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--host", "192.168.1.20"), "others could use the studio: give --password-file, too"),
        (("--password-file", "word.txt"), "at which address?"),
        (("--host", "0.0.0.0", "--password-file", "word.txt"), "no address that a browser can open"),
        (("--host", "::", "--password-file", "word.txt"), "no address that a browser can open"),
        (("--host", "127.0.0.1", "--password-file", "short.txt"), "of 10 characters or more"),
        (("--host", "127.0.0.1", "--password-file", "none.txt"), "cannot be read"),
        (("--host", "127.0.0.1", "--password-file", "word.txt", "--cert", "word.txt"), "HTTPS needs both"),
    ],
)
def test_what_would_not_be_safe_is_refused(
    mien: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    more: tuple[str, ...],
    said: str,
):
    monkeypatch.chdir(tmp_path)
    Path("word.txt").write_text(WORD)
    Path("short.txt").write_text("abc\n")
    ran = mien("studio", "--no-browser", *more)
    assert ran.code == 2 and said in ran.err and ran.err.count("\n") == 1, ran
