"""Two people who are trained, as programs ask for it: brought in with their consent, looked through, forgotten."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("starlette", reason="needs the extra 'studio'")

from faces import HOPPER, ROOT, hopper
from starlette.testclient import TestClient

from mien import optional
from mien.pipeline import job_worker
from mien.web.studio import Studio

pytest_plugins = ["studio_fixtures"]

COLLINS = ROOT / "docs" / "collins.jpg"


@pytest.fixture
def two(client: TestClient, upload: Any, studio: Studio) -> dict[str, Any]:
    """A pair whose faces were found."""
    dark = cv2.imencode(".jpg", (hopper().pixels[..., ::-1] * 0.6).astype(np.uint8))[1].tobytes()
    media = [upload(HOPPER).json()["id"], upload(dark).json()["id"], upload(COLLINS).json()["id"]]
    people = [{"name": "Grace", "media": media[:2]}, {"name": "Eileen", "media": media[2:]}]
    made = client.post("/api/pairs", json={"people": people, "consent": "both, by mail"})
    assert made.status_code == 201 and made.json()["run"] is None, made.text
    for id in media:
        client.delete(f"/api/media/{id}")  # the pair has files of its own
    job_worker.work(studio.work.queue.path, idle=0.1)
    return made.json()


def test_faces_are_found_left_out_and_given_to_swaps(
    client: TestClient, two: dict[str, Any], upload: Any, studio: Studio
):
    url = f"/api/pairs/{two['id']}"
    told = client.get(url).json()
    assert [(one["name"], one["files"], one["faces"]) for one in told["sides"]] == [
        ("Grace", 2, 2),
        ("Eileen", 1, 1),
    ]
    assert told in client.get("/api/pairs").json()["pairs"]
    job = next(one for one in client.get("/api/jobs").json() if one["arguments"].get("pair") == two["id"])
    assert (job["verb"], job["state"], job["done"]) == ("extract", "done", 2)
    task = client.get(f"/api/jobs/{job['id']}/tasks").json()[0]["id"]
    for path in (f"/api/jobs/{job['id']}/tasks/{task}", f"/api/jobs/{job['id']}/results"):
        assert client.get(path).status_code == 404, "faces are no file to save"
    faces = client.get(f"{url}/a/faces").json()
    assert len(faces) == 2 and all(one["likeness"] > 0.8 and not one["out"] for one in faces)
    assert client.get(f"{url}/a/faces/1").headers["content-type"] == "image/jpeg"
    assert client.put(f"{url}/a/faces", json={"out": [1]}).status_code == 204
    assert [one["out"] for one in client.get(f"{url}/a/faces").json()] == [False, True]
    light = cv2.imencode(".jpg", np.clip(hopper().pixels[..., ::-1] * 1.3, 0, 255).astype(np.uint8))[
        1
    ].tobytes()
    more = upload(light).json()["id"]
    added = client.post(f"{url}/a/media", json={"media": [more]})
    assert added.status_code == 201 and (added.json()["verb"], added.json()["total"]) == ("extract", 1)
    job_worker.work(studio.work.queue.path, idle=0.1)
    faces = client.get(f"{url}/a/faces").json()
    assert [one["out"] for one in faces] == [False, True, False], "what was left out stays so"
    assert client.get(url).json()["sides"][0] == {
        "side": "a",
        "name": "Grace",
        "files": 3,
        "faces": 3,
        "out": 1,
    }
    client.put(f"{url}/a/faces", json={"out": [1, 2]})
    refused = client.post(f"{url}/run", json={"preset": "trial"}).json()
    if optional.missing() is None:
        assert refused["error"] == "of Grace there are 1 faces: 2 or more were wanted"
    else:
        assert refused["hint"] == "pip install 'mien[train]'"
    person = client.post(f"{url}/b/person", json={}).json()
    assert (person["name"], person["consent"], person["pictures"]) == ("Eileen", "both, by mail", 1)
    body = {"mapping": [{"person": person["id"], "face": "1"}], "with": "nowhere"}
    refused = client.post(f"/api/media/{client.get('/api').json()['portrait']}/swap", json=body)
    assert refused.status_code == 400 and "no network is called 'nowhere'" in refused.json()["error"]
    client.delete(f"/api/people/{person['id']}")
    place = studio.pairs[two["id"]].folder
    assert client.delete(url).status_code == 204 and client.get(url).status_code == 404
    assert not place.exists() and job["id"] not in [one["id"] for one in client.get("/api/jobs").json()]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("POST", "", {"people": [], "consent": "x"}, 400, "0 people came: two were wanted"),
        ("POST", "", {"people": [{"name": "A", "media": []}, {"name": "B", "media": []}]}, 400, "needs consent"),
        ("GET", "/nope", None, 404, "no such pair"),
        ("GET", "/ID/c/faces", None, 404, "no such person"),
        ("GET", "/ID/a/faces/99", None, 404, "no such face"),
        ("POST", "/ID/c/media", {"media": ["x"]}, 404, "no such person"),
        ("POST", "/ID/a/media", {"media": []}, 400, "no media came"),
        ("POST", "/ID/a/media", {"media": ["x"]}, 404, "no such picture"),
        ("PUT", "/ID/a/faces", {"out": ["x"]}, 400, "list of numbers"),
        ("PUT", "/ID/a/faces", {"out": [5]}, 400, "there is no face 5"),
        ("POST", "/ID/networks", {"names": ["a", "a"]}, 400, "one for each of the two"),
        ("POST", "/ID/networks", {"names": ["A!", "b"]}, 400, "is no name for a network"),
        ("POST", "/ID/networks", {"names": ["a", "b"]}, 400, "nothing was learned yet"),
        ("GET", "/ID/run/previews/5", None, 404, "no such preview"),
        ("POST", "/ID/run", {"preset": "much"}, 400, "no preset is called 'much'"),
    ],
)  # fmt: skip
def test_what_is_refused_says_what_was_wanted(
    client: TestClient,
    ready: str,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    path: str,
    body: Any,
    status: int,
    says: str,
):
    monkeypatch.setattr(optional, "TRAINING", ())
    answer = client.request(method, "/api/pairs" + path.replace("ID", ready), json=body)
    assert answer.status_code == status and says in answer.json()["error"], answer.text


@pytest.fixture(scope="module")
def ready(client: TestClient, studio: Studio) -> str:
    """A pair whose faces were found by somebody quick."""
    media = client.get("/api").json()["portrait"]
    people = [{"name": name, "media": [media]} for name in ("Ann", "Bea")]
    made = client.post("/api/pairs", json={"people": people, "consent": "agreed"}).json()
    for side in "ab":
        place = studio.pairs[made["id"]].side(side)
        (place.folder / "sorted.json").write_text('{"likeness": [0.9, 0.8], "out": []}')
        (place.faces / "images").mkdir(parents=True)
        (place.faces / "faces.csv").write_text("file\nx.png\ny.png\n")
    return str(made["id"])


def test_training_takes_no_packages_of_the_studio(
    client: TestClient, ready: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(optional, "TRAINING", ("no_such_package",))
    assert "no_such_package" in client.get("/api/pairs").json()["lacks"]
    answer = client.post(f"/api/pairs/{ready}/run", json={"preset": "trial"})
    assert answer.status_code == 400 and answer.json()["hint"] == "pip install 'mien[train]'"
