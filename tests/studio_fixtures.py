"""A studio for tests that name this file in `pytest_plugins`, without a socket: one for all of them, and a client that may speak to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from studios import DOOR, ORIGIN

from mien.web.app import make_app
from mien.web.studio import Studio


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A studio without workers."""
    made = Studio(tmp_path_factory.mktemp("data") / "studio", workers=0)
    yield made
    made.close()


@pytest.fixture(scope="session")
def stranger(studio: Studio) -> TestClient:
    """Who knows the address and nothing else."""
    app: Any = make_app(studio, DOOR)
    return TestClient(app, base_url=ORIGIN, follow_redirects=False, raise_server_exceptions=False)


@pytest.fixture(scope="session")
def client(stranger: TestClient) -> TestClient:
    """The page: it has the cookie and says where it is from."""
    own = TestClient(stranger.app, base_url=ORIGIN, follow_redirects=False, raise_server_exceptions=False)
    own.headers |= {"origin": ORIGIN, "sec-fetch-site": "same-origin"}
    own.cookies.set(DOOR.cookie, DOOR.token)
    return own


@pytest.fixture
def portrait_id(client: TestClient) -> str:
    """The portrait in the box."""
    return str(client.get("/api").json()["portrait"])


@pytest.fixture
def upload(client: TestClient) -> Any:
    """Bring a file in, by its bytes or its path."""

    def bring(data: bytes | Path, name: str = "photo.jpg") -> Any:
        body = data.read_bytes() if isinstance(data, Path) else data
        return client.post("/api/media", content=body, headers={"x-file-name": name})

    return bring
