"""Who may speak to the studio, and what every answer carries: each danger of a local server has its test."""

from __future__ import annotations

import re
from typing import Any

import pytest

pytest.importorskip("starlette", reason="needs the extra 'studio'")

from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from studios import DOOR, ORIGIN

from mien.web.app import CALLS
from mien.web.guard import HEADERS, Door

pytest_plugins = ["studio_fixtures"]

COOKIE = {"cookie": f"{DOOR.cookie}={DOOR.token}"}
OWN = COOKIE | {"origin": ORIGIN, "sec-fetch-site": "same-origin"}


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:8700",
        "127.0.0.1",
        "127.0.0.1:8701",
        "localhost.evil.example:8700",
        "127.0.0.1.evil.example:8700",
        "0.0.0.0:8700",
        "127.0.0.1.:8700",
        "127.1:8700",
        "",
    ],
)
def test_a_rebound_name_is_refused_though_it_has_the_cookie(stranger: TestClient, host: str):
    assert stranger.get("/api", headers=COOKIE | {"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["127.0.0.1:8700", "localhost:8700", "[::1]:8700"])
def test_its_own_names_are_known(stranger: TestClient, host: str):
    assert stranger.get("/api", headers=COOKIE | {"host": host}).status_code == 200


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "http://evil.example",
        "http://127.0.0.1",
        "http://127.0.0.1:8701",
        "https://127.0.0.1:8700",
        "http://127.0.0.1:8700.evil.example",
        None,
    ],
)
def test_a_forged_request_is_refused(stranger: TestClient, origin: str | None):
    headers = COOKIE | ({"origin": origin} if origin else {})
    assert stranger.post("/api/forget", headers=headers).status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_reads_nothing(stranger: TestClient, site: str):
    assert stranger.get("/api", headers=COOKIE | {"sec-fetch-site": site}).status_code == 403
    assert stranger.get("/api", headers=COOKIE | {"origin": "http://evil.example"}).status_code == 403


def test_no_answer_lets_another_origin_read_it(stranger: TestClient):
    asked = {"origin": "http://evil.example", "access-control-request-method": "POST"}
    for answer in (stranger.options("/api/media", headers=asked), stranger.get("/api", headers=OWN)):
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_without_the_secret_nothing_is_answered(stranger: TestClient):
    for call in CALLS:
        path = re.sub(r"\{\w+\}", "1", call.path)
        answer = stranger.request(call.method, path, headers={"origin": ORIGIN})
        assert answer.status_code == 401, path
    assert stranger.get("/", headers={"cookie": f"{DOOR.cookie}=wrong"}).status_code == 401


def test_the_printed_link_becomes_a_cookie_that_no_script_reads(stranger: TestClient):
    answer = stranger.get(f"/?token={DOOR.token}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    stranger.cookies.clear()
    assert cookie.startswith("mien_8700=") and "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert stranger.get("/?token=wrong").status_code == 401


def test_the_clean_page_has_the_same_guard(stranger: TestClient):
    stranger.cookies.clear()
    assert stranger.get("/live/clean").status_code == 401
    assert stranger.get("/live/clean", headers=COOKIE | {"host": "evil.example"}).status_code == 421
    assert stranger.get(f"/live/clean?token={DOOR.token}").headers["location"] == "/live/clean"
    stranger.cookies.clear()
    page = stranger.get("/live/clean", headers=COOKIE)
    assert (
        "clean.js" in page.text
        and page.headers["content-security-policy"] == HEADERS["content-security-policy"]
    )


def test_the_secret_is_nowhere_in_the_page_and_new_at_each_start(stranger: TestClient):
    assert DOOR.token not in stranger.get("/", headers=OWN).text
    assert Door(8700).token != Door(8700).token and len(DOOR.token) >= 22


@pytest.mark.parametrize(
    "path", ["/", "/api", "/nothing", "/static/main.js", "/api/media/nothing", "/static/../app.py"]
)
def test_every_answer_carries_the_policy(stranger: TestClient, path: str):
    for headers in (OWN, {}, {"host": "evil.example"}):
        answer = stranger.get(path, headers=headers)
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
        assert answer.headers["cache-control"] == "no-store"


def test_the_policy_allows_own_files_only():
    policy = HEADERS["content-security-policy"]
    assert "default-src 'none'" in policy and "require-trusted-types-for 'script'" in policy
    assert not re.search(r"unsafe|https?:|data:|\*", policy)


def test_a_socket_is_guarded_as_a_request_is(stranger: TestClient):
    for headers in ({}, COOKIE, COOKIE | {"origin": "null"}, OWN | {"host": "evil.example"}):
        with (
            pytest.raises(WebSocketDisconnect) as refused,
            stranger.websocket_connect("/api/live", headers=headers),
        ):
            pass
        assert refused.value.code == 4403


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e%5capp.py",
        "/static//etc/passwd",
        "/static/vendor/VENDOR.toml",
        "/api/media/..%2f..%2fstudio.db",
        "/api/media/%00",
        "/api/media/C:%5cWindows",
    ],
)
def test_no_address_leads_to_another_file(client: TestClient, path: str):
    assert client.get(path).status_code == 404


def test_a_body_that_says_it_is_too_long_is_not_read(client: TestClient):
    answer = client.post("/api/media", content=b"x", headers={"content-length": str(10**12)})
    assert answer.status_code == 413 and answer.headers["content-security-policy"]


def test_a_body_in_chunks_is_counted(client: TestClient, portrait_id: str):
    def chunks() -> Any:
        yield b'{"request": "'
        for _ in range(40):
            yield b"x" * 4096

    assert client.post(f"/api/media/{portrait_id}/render", content=chunks()).status_code == 413
