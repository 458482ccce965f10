"""`mien serve`: the calls for programs that have a key, and for nobody else."""

from __future__ import annotations

import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faces import HOPPER

pytest.importorskip("uvicorn", reason="needs the extra 'studio'")

from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from studios import DOOR

from mien import verify
from mien.io import certificate
from mien.web.app import CALLS, make_app
from mien.web.guard import KeyDoor
from mien.web.studio import Studio

pytest_plugins = ["studio_fixtures"]

KEYS = ("first-key-of-somebody-0123", "second-key-of-another-4567")
OWN = {"authorization": f"Bearer {KEYS[1]}"}


@pytest.fixture(scope="module")
def service(studio: Studio) -> TestClient:
    app: Any = make_app(studio, KeyDoor(KEYS))
    return TestClient(app, base_url="https://faces.example", raise_server_exceptions=False)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": f"Bearer {KEYS[0]}x"},
        {"authorization": f"Bearer {KEYS[0][:-1]}"},
        {"authorization": KEYS[0]},
        {"authorization": f"Basic {KEYS[0]}"},
        {"authorization": "Bearer "},
        {"cookie": f"{DOOR.cookie}={DOOR.token}"},
    ],
)
def test_without_a_key_no_call_is_answered(service: TestClient, headers: dict[str, str]):
    for call in CALLS:
        answer = service.request(call.method, call.path, headers=headers)
        assert answer.status_code == 401 and answer.json()["hint"].endswith("Bearer KEY"), call.path
        assert "access-control-allow-origin" not in answer.headers and "set-cookie" not in answer.headers


def test_with_a_key_from_anywhere_but_a_page(service: TestClient):
    assert service.get("/api", headers=OWN).status_code == 200
    assert service.get("/api", headers=OWN | {"host": "other.name:1"}).status_code == 200
    for page in ({"origin": "https://faces.example"}, {"origin": "null"}, {"sec-fetch-site": "same-origin"}):
        assert service.get("/api", headers=OWN | page).status_code == 403
    with pytest.raises(WebSocketDisconnect), service.websocket_connect("/api/live", headers=OWN):
        pass


def test_there_is_no_page_and_its_health_is_told_to_all(service: TestClient):
    assert service.get("/", headers=OWN).status_code == 404
    assert service.get("/static/app.js", headers=OWN).status_code == 404
    assert set(service.get("/health").json()) == {"version"}


def started(keys: Path, home: Path, *more: object) -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, "-m", "mien", "serve", "--keys", keys, "--port", 0, "--json", *more]
    env = os.environ | {"MIEN_HOME": str(home)}
    with (home.parent / "told.txt").open("w") as told:
        process = subprocess.Popen(
            [str(one) for one in command], stdout=subprocess.PIPE, stderr=told, text=True, env=env
        )
    assert process.stdout
    return process, json.loads(process.stdout.readline())["url"]


def test_a_photo_is_edited_over_https_and_nothing_is_left(tmp_path: Path):
    keys, home = tmp_path / "keys.txt", tmp_path / "home"
    keys.write_text("# of the shop\n" + "\n".join(KEYS) + "\n")
    chain, secret = certificate.credentials()[1:]  # any pair will do
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert.write_bytes(chain)
    key.write_bytes(secret)
    process, url = started(keys, home, "--cert", cert, "--cert-key", key)
    try:
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        line = http.client.HTTPSConnection(url.removeprefix("https://"), context=trusting)

        def ask(method: str, path: str, body: bytes | str | None = None) -> bytes:
            line.request(method, path, body, OWN | {"x-file-name": "hopper.jpg"})
            answer = line.getresponse()
            told = answer.read()
            assert answer.status < 300, told
            return told

        medium = json.loads(ask("POST", "/api/media", HOPPER.read_bytes()))
        result = json.loads(ask("POST", f"/api/media/{medium['id']}/render", '{"request": {"light": 0.4}}'))
        out = tmp_path / "out.jpg"
        out.write_bytes(ask("GET", f"/api/media/{result['id']}?original=1"))
        assert verify(out).history[-1].arguments["light"] == 0.4
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    assert not list((home / "service").glob("session-*"))
    assert "others on this computer may read" in (tmp_path / "told.txt").read_text()


@pytest.mark.parametrize(
    ("more", "said"),
    (
        (("--host", "0.0.0.0"), "others could read along: give --cert and --cert-key"),
        (("--cert", "keys.txt"), "HTTPS needs both"),
        (("--cert", "keys.txt", "--cert-key", "keys.txt"), "two PEM files were wanted"),
        (("--keys", "short.txt"), "of 24 characters or more"),
        (("--keys", "none.txt"), "cannot be read"),
    ),
)
def test_what_would_not_be_safe_is_refused(
    mien: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    more: tuple[str, ...],
    said: str,
):
    monkeypatch.chdir(tmp_path)
    Path("keys.txt").write_text(KEYS[0])
    Path("short.txt").write_text("password")
    keys = () if "--keys" in more else ("--keys", "keys.txt")
    ran = mien("serve", *keys, "--port", 0, *more)
    assert ran.code == 2 and said in ran.err and ran.err.count("\n") == 1, ran
