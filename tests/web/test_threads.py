"""What is asked of one picture keeps nobody from seeing another, and what nobody waits for ends."""

from __future__ import annotations

import asyncio
import json
import struct
import threading
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("starlette", reason="needs the extra 'studio'")

from faces import hopper
from starlette.testclient import TestClient

from mien.pipeline.gesture import FOLLOWED
from mien.web.media_api import VERBS
from mien.web.studio import Studio
from mien.web.threads import GivenUpError, Threads

pytest_plugins = ["studio_fixtures"]
ACROSS, DOWN = 4, 2


@pytest.fixture(scope="module")
def crowd() -> bytes:
    """A photo of eight faces, the right ones larger."""
    face = cv2.resize(hopper().pixels[..., ::-1], (256, 304), interpolation=cv2.INTER_AREA)
    small = cv2.copyMakeBorder(face, 76, 76, 64, 64, cv2.BORDER_REPLICATE)
    row = np.hstack([cv2.resize(small, (256, 304)), *[face] * (ACROSS - 1)])
    return cv2.imencode(".png", np.vstack([row] * DOWN))[1].tobytes()


class Leaving:
    """Who asks and goes."""

    async def is_disconnected(self) -> bool:
        return True


def test_one_looks_while_another_works():
    async def both() -> list[str]:
        threads, may_end, done = Threads(), threading.Event(), list[str]()
        working = asyncio.create_task(threads.run(may_end.wait, 60))
        done.append(await threads.look(lambda: "looked"))
        may_end.set()
        assert await working
        threads.close()
        return done

    assert asyncio.run(both()) == ["looked"]


def test_what_nobody_waits_for_ends(studio: Studio, upload: Any, crowd: bytes):
    told = upload(crowd, "crowd.png").json()
    assert len(told["faces"]) == ACROSS * DOWN
    apply, library, seen = VERBS["render"](studio, {"request": {"smile": 0.5}}), studio.library, list[str]()

    def work() -> None:
        seen.append("begun")
        apply(library.opened(told["id"]).session)
        seen.append("done")

    leaving: Any = Leaving()
    with pytest.raises(GivenUpError):
        asyncio.run(library.threads.run_while_awaited(leaving, work))
    assert "done" not in seen
    assert asyncio.run(library.run(lambda: "goes on")) == "goes on"


def test_of_a_crowd_the_largest_follow_a_slider(client: TestClient, upload: Any, crowd: bytes):
    id = upload(crowd, "crowd.png").json()["id"]
    body: dict[str, Any] = {"slider": "light", "end": 1.0, "request": {}}
    moved = followed(client, id, body)
    assert len(moved) == FOLLOWED
    assert followed(client, id, body | {"request": {"face": "1"}}) == [0]
    assert len(followed(client, client.get("/api").json()["portrait"], body)) == 1


def followed(client: TestClient, id: str, body: dict[str, Any]) -> list[int]:
    """The faces of the first key of a gesture."""
    data = client.post(f"/api/media/{id}/change", json=body).content[4:]
    (length,) = struct.unpack("<I", data[4:8])
    pieces = next(iter(json.loads(data[8 : 8 + length])["stages"].values()))
    return [piece["face"] for piece in pieces]
