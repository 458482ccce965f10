"""Clips: a strip of frames, one of them to work at, who is where, and a part of it made by a job."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("starlette", reason="needs the extra 'studio'")

from faces import ROOT, collins, hopper
from starlette.testclient import TestClient

from mien import verify
from mien.io import clip_writer
from mien.pipeline import job_worker
from mien.pipeline.clip_people import Lanes
from mien.types import Array, Step
from mien.web.studio import Studio

pytest_plugins = ["studio_fixtures"]

FPS = 10


@pytest.fixture(scope="module")
def met(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people for a second and a half, side by side; then the second of them alone for one."""
    one, other = (cv2.resize(photo.pixels, (240, 300)) for photo in (hopper(), collins()[0]))
    nobody = np.full_like(one, 128)
    both, alone = np.hstack([one, other]), np.hstack([nobody, other])
    path = tmp_path_factory.mktemp("clip") / "met.mp4"
    clip_writer.write(iter([both] * 15 + [alone] * 10), path, fps=FPS, history=(Step("test", {}),))
    return path


@pytest.fixture(scope="module")
def clip(client: TestClient, met: Path) -> dict[str, Any]:
    return client.post("/api/media", content=met.read_bytes(), headers={"x-file-name": "met.mp4"}).json()


def pixels_of(data: bytes) -> Array:
    found = cv2.imdecode(np.frombuffer(data, np.uint8), 1)
    assert found is not None
    return np.asarray(found)[..., ::-1].astype(int)


@pytest.fixture(scope="module")
def lanes(client: TestClient, clip: dict[str, Any]) -> list[dict[str, Any]]:
    lines = client.get(f"/api/media/{clip['id']}/people").text.splitlines()
    told = [json.loads(line) for line in lines]
    assert [one["seen"] for one in told] == [0.5, 1.0, 1.5, 2.0, 2.5, 2.5]
    again = client.get(f"/api/media/{clip['id']}/people").text.splitlines()
    assert again == lines[-1:], "what is known is not looked for again"
    return told[-1]["lanes"]


def test_a_strip_shows_frames_in_their_order(client: TestClient, clip: dict[str, Any]):
    assert (clip["seconds"], clip["fps"]) == (2.5, 10)
    strip = pixels_of(client.get(f"/api/media/{clip['id']}/strip?n=5").content)
    height, width = strip.shape[:2]
    assert (height, width) == (96, 5 * round(480 * 96 / 300))
    left_halves = [strip[:, i * width // 5 : i * width // 5 + width // 10] for i in range(5)]
    assert [bool(half.std() > 20) for half in left_halves] == [True, True, True, False, False]
    for n in ("1", "41", "x"):
        assert client.get(f"/api/media/{clip['id']}/strip?n={n}").status_code == 400


def test_a_frame_is_a_picture_to_work_at(client: TestClient, clip: dict[str, Any]):
    made = client.post(f"/api/media/{clip['id']}/frame", json={"time": 2.0})
    frame = made.json()
    assert made.status_code == 201 and (frame["kind"], frame["parent"]) == ("result", clip["id"])
    assert len(client.get(f"/api/media/{frame['id']}/faces").json()["faces"]) == 1
    before = pixels_of(client.get(f"/api/media/{frame['id']}").content)
    done = client.post(f"/api/media/{frame['id']}/render", json={"request": {"light": 0.8}}).json()
    after = pixels_of(client.get(f"/api/media/{done['id']}").content)
    assert np.abs(after - before).max(2)[:, 240:].max() > 20 > np.abs(after - before)[:, :200].max()
    assert client.get(f"/api/media/{frame['id']}?original=1").content[:4] == b"\x89PNG"
    for time in (-1, 3, "1", None):
        assert client.post(f"/api/media/{clip['id']}/frame", json={"time": time}).status_code == 400
    assert client.post(f"/api/media/{frame['id']}/frame", json={"time": 0}).status_code == 404


def test_each_person_has_a_lane(lanes: list[dict[str, Any]], client: TestClient, clip: dict[str, Any]):
    assert [lane["spans"] for lane in lanes] == [[[0, 2.5]], [[0, 1.5]]]
    first = pixels_of(client.get(f"/api/media/{clip['id']}").content).astype(np.uint8)
    for lane, right in zip(lanes, (True, False), strict=True):
        shown = pixels_of(client.get(f"/api/media/{lane['face']}").content).astype(np.uint8)
        *_, (x, _) = cv2.minMaxLoc(cv2.matchTemplate(first, shown, cv2.TM_CCOEFF_NORMED))
        assert shown.shape[0] > 60 and (x + shown.shape[1] / 2 > 240) == right


def test_a_clip_that_is_closed_meanwhile_is_no_bug(
    client: TestClient, met: Path, studio: Studio, monkeypatch: pytest.MonkeyPatch
):
    id = client.post("/api/media", content=met.read_bytes()).json()["id"]
    look = Lanes.look

    def look_and_close(lanes: Lanes, *args: Any) -> None:
        look(lanes, *args)
        studio.library.forget(id)

    monkeypatch.setattr(Lanes, "look", look_and_close)
    lines = [json.loads(line) for line in client.get(f"/api/media/{id}/people").text.splitlines()]
    assert len(lines) == 5 and not any(line["whole"] for line in lines)
    assert client.get(f"/api/media/{id}/people").status_code == 404


def test_a_person_is_meant_by_their_lane(
    client: TestClient, clip: dict[str, Any], lanes: list[dict[str, Any]]
):
    frame = client.post(f"/api/media/{clip['id']}/frame", json={"time": 0.5}).json()["id"]
    url, before = f"/api/media/{frame}/render", pixels_of(client.get(f"/api/media/{frame}").content)
    for lane, side in zip(lanes, (slice(240, 480), slice(0, 240)), strict=True):
        made = client.post(url, json={"request": {"light": 0.8, "face": lane["face"]}}).json()["id"]
        moved = np.abs(pixels_of(client.get(f"/api/media/{made}").content) - before).max(2) > 12
        assert moved[:, side].sum() > 500 and moved.sum() == moved[:, side].sum()
        key = client.post(
            f"/api/media/{frame}/change",
            json={"slider": "light", "end": 1, "request": {"face": lane["face"]}},
        )
        assert key.status_code == 200 and f'"face":{int(side.start == 240)}'.encode() in key.content
    for path in ("/etc/passwd", "portrait.jpg", frame):
        refused = client.post(url, json={"request": {"light": 0.8, "face": path}})
        assert refused.status_code == 400 and "neither all, largest, a number nor" in refused.json()["error"]


def done(client: TestClient, studio: Studio, clip: str, verb: str, wanted: dict[str, Any], out: Path) -> Any:
    """What the label of a job's clip says; the clip is `out`."""
    put = client.post("/api/jobs", json={"verb": verb, "media": [clip], "arguments": wanted}).json()
    job_worker.work(studio.work.queue.path, idle=0.3)
    task = client.get(f"/api/jobs/{put['id']}/tasks").json()[0]
    assert task["state"] == "done", task
    out.write_bytes(client.get(f"/api/jobs/{put['id']}/tasks/{task['id']}").content)
    client.delete(f"/api/jobs/{put['id']}")
    return verify(out).history[-1].arguments


def changed(clip: Path, out: Path, at: int) -> tuple[int, int]:
    """How many pixels of a frame are others in the left and in the right half, above the words in a corner; the clip shows
    the same there all the time."""
    before = next(frames_of(clip)).pixels.astype(int)
    after = list(frames_of(out))[at].pixels.astype(int)
    moved = np.abs(after - before)[:220].max(2) > 24
    return int(moved[:, :230].sum()), int(moved[:, 260:].sum())


def test_a_job_makes_the_part_for_one_person(
    client: TestClient, clip: dict[str, Any], lanes: list[dict[str, Any]], studio: Studio, tmp_path: Path
):
    wanted, out = {"light": 0.8, "face": lanes[1]["face"], "start": 0.3, "end": 1.2}, tmp_path / "out.mp4"
    said = done(client, studio, clip["id"], "edit", wanted, out)
    assert (said["begin"], said["end"], said["face"]) == (0.3, 1.2, "person 2 of met.mp4")
    assert len(list(frames_of(out))) == 9
    left, right = changed(studio.library.file(clip["id"]), out, 4)
    assert left > 300 and right < 20


def test_keys_make_a_job_stronger_over_time(
    client: TestClient, clip: dict[str, Any], studio: Studio, tmp_path: Path
):
    out = tmp_path / "out.mp4"
    wanted = {"light": 0.8, "keys": [[0.5, 0], [1, 1]], "start": 0.2}
    said = done(client, studio, clip["id"], "edit", wanted, out)
    assert (said["begin"], said["keys"]) == (0.2, [[0.5, 0], [1, 1]])
    source = studio.library.file(clip["id"])
    nothing, some, all_ = (sum(changed(source, out, at)) for at in (2, 6, 10))
    assert nothing < 20 and 300 < some < all_


def test_a_frame_shows_what_a_key_leaves_of_an_edit(client: TestClient, clip: dict[str, Any]):
    frame = client.post(f"/api/media/{clip['id']}/frame", json={"time": 0.5}).json()["id"]
    before = pixels_of(client.get(f"/api/media/{frame}").content)
    far = []
    for keys in ({"keys": [[0, 0.5]]}, {}):
        body = {"request": {"warmth": 0.8} | keys}
        made = client.post(f"/api/media/{frame}/render", json=body).json()["id"]
        far.append(np.abs(pixels_of(client.get(f"/api/media/{made}").content) - before).sum())
    assert 0.4 < far[0] / far[1] < 0.6
    refused = client.post(f"/api/media/{frame}/render", json={"request": {"warmth": 0.8, "keys": [[0]]}})
    assert refused.status_code == 400 and "seconds and a share" in refused.json()["error"]


def test_swaps_and_styles_take_a_part_and_a_person_too(
    client: TestClient, clip: dict[str, Any], lanes: list[dict[str, Any]], studio: Studio, tmp_path: Path
):
    part, out = {"start": 0.3, "end": 0.7}, tmp_path / "out.mp4"
    wanted = part | {"manner": "ink", "face": lanes[0]["face"]}
    said = done(client, studio, clip["id"], "stylize", wanted, out)
    assert (said["begin"], said["end"], said["face"]) == (0.3, 0.7, "person 1 of met.mp4")
    left, right = changed(studio.library.file(clip["id"]), out, 2)
    assert right > 300 and left < 20
    picture = client.post("/api/media", content=(ROOT / "docs" / "collins.jpg").read_bytes()).json()["id"]
    about = {"media": [picture], "name": "Eileen", "consent": "for tests"}
    person = client.post("/api/people", json=about).json()["id"]
    wanted = part | {"mapping": [{"person": person, "face": lanes[1]["face"]}]}
    said = done(client, studio, clip["id"], "swap", wanted, out)
    assert (said["begin"], said["end"], said["face"]) == (0.3, 0.7, "person 2 of met.mp4")
    left, right = changed(studio.library.file(clip["id"]), out, 2)
    assert left > 300 and right < 20
    client.delete(f"/api/people/{person}")


def frames_of(path: Path) -> Any:
    from mien.io import clip_reader

    return clip_reader.frames(clip_reader.clip(path))


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ({"start": 2, "end": 1}, "before it begins at 2"),
        ({"start": -1}, "start -1 is no time in a clip"),
        ({"end": True}, "end True is no time in a clip"),
        ({"end": 1e300}, "no time in a clip"),
        ({"face": "/etc/passwd"}, "neither all, largest, a number"),
        ({"keys": 5}, "keys 5 is of the wrong kind"),
        ({"keys": [[0, 0], [0, 1]]}, "the times were to rise"),
        ({"keys": [[0, 2]]}, "2 is out of range: from 0 to 1"),
        ({"keys": [[-1, 1]]}, "is no time in a clip"),
        ({"keys": [[0, True]]}, "seconds and a share were wanted"),
        ({"keys": [0, 1]}, "seconds and a share were wanted"),
        ({"keys": [[0, 0], [1, 0]]}, "every key is 0"),
    ],
)
def test_a_part_that_makes_no_sense_is_no_job(
    client: TestClient, clip: dict[str, Any], part: dict[str, Any], says: str
):
    body = {"verb": "edit", "media": [clip["id"]], "arguments": {"light": 0.5} | part}
    refused = client.post("/api/jobs", json=body)
    assert refused.status_code == 400 and says in refused.json()["error"]
