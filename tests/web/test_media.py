"""Pictures: brought in by their bytes, worked at by id, given back labelled."""

from __future__ import annotations

import io
import stat
import struct
import sys
import zipfile
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

pytest.importorskip("starlette", reason="needs the extra 'studio'")

from faces import collins, hopper
from starlette.testclient import TestClient

from mien import edit, read, verbs, verify
from mien.models.catalogue import locate
from mien.pipeline import job_worker
from mien.pipeline.sketch import TOLD
from mien.types import Array
from mien.web import app, media
from mien.web.live_api import MOST as CAMERAS
from mien.web.media import Library, safe_name, sweep
from mien.web.studio import Studio

pytest_plugins = ["studio_fixtures"]

HOPPER = Path(__file__).parents[2] / "docs" / "hopper.jpg"


def test_the_portrait_is_there_at_once(client: TestClient, portrait_id: str):
    told = client.get(f"/api/media/{portrait_id}/faces").json()
    assert (
        told["name"] == "portrait.jpg" and len(told["faces"]) == 1 and len(told["faces"][0]["points"]) == 478
    )


def test_an_edit_is_the_verbs_edit_and_comes_labelled(client: TestClient, upload: Any, tmp_path: Path):
    id = upload(HOPPER, "Grace.jpg").json()["id"]
    made = client.post(f"/api/media/{id}/render", json={"request": {"smile": 0.8}}).json()
    answer = client.get(f"/api/media/{made['id']}?original=1")
    assert 'filename="Grace-render.jpg"' in answer.headers["content-disposition"]
    (tmp_path / "out.jpg").write_bytes(answer.content)
    verdict = verify(tmp_path / "out.jpg")
    assert verdict.state == "intact" and verdict.history[-1].arguments["smile"] == 0.8
    assert verdict.ingredients == ("Grace.jpg",)
    seen = np.abs(read(tmp_path / "out.jpg").pixels.astype(int) - edit(HOPPER, smile=0.8).pixels)
    assert seen.mean() < 1  # JPEG's own loss
    said = client.post("/api/verify", content=answer.content).json()
    assert said["state"] == "intact" and said["steps"][0]["arguments"]["smile"] == "0.8"


def pixels_of(data: bytes) -> Array:
    found = cv2.imdecode(np.frombuffer(data, np.uint8), 1)
    assert found is not None
    return np.asarray(found)


def test_what_a_mask_keeps_stays(client: TestClient, portrait_id: str, upload: Any, portrait: Array):
    height, width = portrait.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    mask[:, : width // 2] = 255
    put = client.post("/api/masks", content=cv2.imencode(".png", mask)[1].tobytes())
    id, url = put.json()["id"], f"/api/media/{portrait_id}/render"
    assert put.status_code == 201 and id not in [one["id"] for one in client.get("/api/media").json()]
    body = {"request": {"light": 0.8}, "keep": id}
    made = pixels_of(client.get(f"/api/media/{client.post(url, json=body).json()['id']}").content)
    moved = np.abs(made[..., ::-1].astype(int) - portrait).max(2) > 12
    assert moved[mask == 0].sum() > 1000 > 10 > moved[:, : width // 2 - 8].sum()
    assert np.array_equal(pixels_of(client.get(f"/api/media/{id}?original=1").content)[..., 0], mask)
    assert client.post(url, json=body | {"keep": portrait_id}).status_code == 404
    refused = [client.post("/api/masks", content=data) for data in (b"x", png(60_000, 60_000))]
    assert [answer.status_code for answer in refused] == [415, 415]


def test_original_gives_the_file_as_it_came(client: TestClient, upload: Any):
    id = upload(HOPPER).json()["id"]
    assert client.get(f"/api/media/{id}?original=1").content == HOPPER.read_bytes()


def test_a_preview_is_small_and_says_nothing_of_the_file(client: TestClient, upload: Any):
    id = upload(HOPPER).json()["id"]
    answer = client.get(f"/api/media/{id}?w=64")
    picture = cv2.imdecode(np.frombuffer(answer.content, np.uint8), 1)
    assert picture is not None and max(picture.shape[:2]) == 64
    assert b"Exif" not in answer.content
    assert client.get(f"/api/media/{id}?w=99999").status_code == 400


def test_a_forgotten_result_is_made_again(studio: Studio):
    id = studio.portrait.id
    made = studio.library.make(id, "render", lambda session: session.edit(light=0.5))
    before = studio.library.photo(made.id).pixels
    for _ in range(media.MADE):
        studio.library.make(id, "render", lambda session: session.photo)
    again = studio.library.photo(made.id).pixels
    assert again is not before and np.array_equal(again, before)


def png(width: int, height: int) -> bytes:
    """A PNG whose header promises more than it holds."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = b"IDAT" + zlib.compress(b"\0" * 1000)
    chunks = (
        struct.pack(">I", len(one) - 4) + one + struct.pack(">I", zlib.crc32(one))
        for one in (head, body, b"IEND")
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize(
    "body",
    [
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b"<!doctype html><script>alert(1)</script>",
        b"%PDF-1.7",
        b"GIF89a/*\x00\x00*/=1;alert(1)",
        b"PK\x03\x04",
        b"",
        b"\xff\xd8\xff\xe0 cut off",
        png(60_000, 60_000),
    ],
    ids=["svg", "html", "pdf", "gif", "zip", "empty", "cut off", "bomb"],
)
def test_bytes_decide_and_not_the_name(upload: Any, studio: Studio, body: bytes):
    before = set(studio.library.folder.iterdir())
    answer = upload(body, "photo.jpg")
    assert answer.status_code == 415 and answer.json()["kind"] == "InputError"
    assert str(studio.library.folder) not in answer.text
    assert set(studio.library.folder.iterdir()) == before, "what is refused is not kept"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "photo.jpg"),
        ("C:\\Windows\\x.jpg", "x.jpg"),
        ("<img src=x onerror=alert(1)>.jpg", "_img src_x onerror_alert(1)_.jpg"),
        (".hidden", "photo.jpg"),
        ("con.jpg", "_con.jpg"),
        ("夏 1.heic", "夏 1.jpg"),
        ("a\0b\n.jpg", "a_b_.jpg"),
        ("x" * 500 + ".jpg", "x" * 80 + ".jpg"),
    ],
)
def test_a_name_is_one_on_every_system(name: str, kept: str):
    assert safe_name(name, ".jpg") == kept


def test_files_are_the_users_own_and_nowhere_else(studio: Studio, upload: Any):
    upload(HOPPER)
    folder = studio.library.folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(studio.work.queue.path.stat().st_mode) == 0o600
    for place in folder.iterdir():
        assert not place.is_dir() or stat.S_IMODE(place.stat().st_mode) == 0o700


def test_the_folder_goes_at_the_end_and_after_a_crash(tmp_path: Path):
    first, killed = Library(tmp_path), Library(tmp_path)
    killed._alive.close()  # pyright: ignore[reportPrivateUsage] - what the system does when a process is killed
    sweep(tmp_path)
    assert first.folder.exists() and not killed.folder.exists()
    first.close()
    assert not first.folder.exists()


def test_what_is_forgotten_is_gone_from_the_disk(client: TestClient, upload: Any, studio: Studio):
    id = upload(HOPPER).json()["id"]
    made = client.post(f"/api/media/{id}/render", json={"request": {"light": 0.5}}).json()["id"]
    assert client.delete(f"/api/media/{id}").status_code == 204
    assert not list(studio.library.folder.glob(f"{id}*")) and not list(studio.library.folder.glob(f"{made}*"))
    assert client.get(f"/api/media/{made}").status_code == 404


def keys(body: bytes) -> list[bytes]:
    found: list[bytes] = []
    while body:
        (length,) = struct.unpack_from("<I", body)
        found.append(body[4 : 4 + length])
        body = body[4 + length :]
    return found


def test_a_gesture_brings_its_keys_the_end_first(client: TestClient, portrait_id: str):
    asked = {"slider": "gaze", "end": 1, "request": {"light": 0.5}}
    answer = client.post(f"/api/media/{portrait_id}/change", json=asked)
    found = keys(answer.content)
    assert answer.status_code == 200 and len(found) == 6 and all(key.startswith(b"MIC2") for key in found)
    assert b'"share":1.0' in found[0][:60] and b'"share":0.0' in found[1][:60], (
        "the light alone is a key, too"
    )


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("render", {"request": {"smile": 8}}, "smile 8 is out of range: from -1 to 1"),
        ("render", {"request": {"smlie": 1}}, "did you mean smile?"),
        ("render", {"request": {"smile": 1, "face": "7"}}, "there is no face 7"),
        ("render", {"request": {"smile": 1, "face": 1}}, "face 1 is of the wrong kind"),
        ("render", {"request": []}, "request is a list: dict was wanted"),
        ("render", {}, "request is missing"),
        ("render", {"request": {}}, "nothing to do: say what to change with smile, "),
        ("render", {"request": {"face": "largest"}}, "nothing to do: say what to change with smile, "),
        ("change", {"slider": "age_to", "end": 30}, "no slider moves 'age_to'"),
        ("stylize", {"manner": "cubist"}, "no manner is called 'cubist'"),
        ("stylize", {}, "in which manner?"),
        ("swap", {"mapping": [{"person": "nobody"}]}, "there is no such person"),
        ("swap", {"mapping": [7]}, "a list of objects"),
    ],
)
def test_errors_are_the_command_lines(client: TestClient, portrait_id: str, path: str, body: Any, says: str):
    answer = client.post(f"/api/media/{portrait_id}/{path}", json=body)
    told = answer.json()
    assert (
        answer.status_code in (400, 404) and says in told["error"] and set(told) == {"error", "kind", "hint"}
    )


NASTY: list[Any] = [
    None,
    True,
    0,
    -1,
    1e308,
    "",
    "\0",
    "../x",
    "a" * 5000,
    [],
    [[]],
    {},
    {"a": None},
    "NaN",
    "<b>",
]


def test_no_request_is_a_bug(client: TestClient, portrait_id: str):
    """Every call of its own description, with values that nobody should send."""
    for path, methods in app.described()["paths"].items():
        for method, about in methods.items():
            if path in ("/api/events", "/api/forget") or method == "delete":
                continue
            schema = (
                about.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            )
            bodies: list[Any] = [None, [], "x", 7, {}]
            bodies += [{name: value} for name in schema.get("properties", {}) for value in NASTY]
            for id in (portrait_id, "x", "%00", "1"):
                for body in bodies if schema else [None]:
                    at = path.replace("{id}", id).replace("{task}", "1")
                    answer = client.request(method.upper(), at, json=body)
                    assert answer.status_code < 500, (method, at, body, answer.text)
    for text in (b"{", b"[" * 50_000, b'{"request": {"smile": NaN}}', b"\xff\xfe", b'{"a": 1e999}'):
        assert client.post(f"/api/media/{portrait_id}/render", content=text).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", f"/api/generate?seed={'1' * 5000}", None),
        ("GET", "/api/generate?seed=1&age=nan", None),
        ("GET", f"/api/generate?seed=1&age={'1' * 5000}", None),
        ("GET", "/api/generate?seed=1&hair=nan", None),
        ("GET", f"/api/media/ID?w={'9' * 5000}", None),
        ("GET", "/api/media/ID?w=\u0663\u0663\u0663", None),
        ("POST", "/api/generate", b'{"seed": 1, "conditions": {"age": "x"}}'),
        ("POST", "/api/generate", b'{"seed": 1, "conditions": {"age": [1]}}'),
        ("POST", "/api/media/ID/render", b'{"request": {"smile": 1%s}}' % (b"0" * 400)),
        ("POST", "/api/media/ID/render", b'{"request": {"smile": 1e400}}'),
        ("POST", "/api/media/ID/render", b'{"request": {"light": 0.5, "face": "%s"}}' % (b"1" * 5000)),
        ("POST", "/api/media/ID/render", b'{"request": {"light": 0.5, "face": "0"}}'),
        ("POST", "/api/media/ID/render", b'{"request": {"light": 0.5}, "keep": "\\ud800"}'),
        ("POST", "/api/media/ID/change", b'{"slider": "smile", "end": 1%s}' % (b"0" * 400)),
        ("POST", "/api/media/ID/change", b'{"slider": "smile", "end": 1e400}'),
        ("POST", "/api/media/ID/change", b'{"slider": "smile", "end": "red"}'),
        ("POST", "/api/media/ID/change", b'{"slider": "lips", "end": 1}'),
        ("POST", "/api/media/ID/stylize", b'{"manner": "ink", "strength": 1%s}' % (b"0" * 400)),
        ("POST", "/api/media/ID/stylize", b'{"manner": "ink", "strength": 1e400}'),
        ("POST", "/api/people", b'{"name": "\\ud800", "media": ["ID"], "consent": "agreed"}'),
        ("POST", "/api/live", b'{"request": {"light": 1e400}}'),
    ],
)
def test_what_a_fuzzer_would_send(
    client: TestClient, portrait_id: str, method: str, path: str, body: bytes | None
):
    content = body and body.replace(b"ID", portrait_id.encode())
    answer = client.request(method, path.replace("ID", portrait_id), content=content)
    assert answer.status_code == 400 and answer.json()["kind"] != "Bug", answer.text[:300]


def test_an_effect_is_shown_on_the_face_and_only_those_in_the_box(
    client: TestClient, portrait_id: str, tmp_path: Path
):
    """A path to a pack is no name: a page names no files of this computer."""
    seen = [client.get(f"/api/media/{portrait_id}/effects/{name}") for name in ("clown", "butterfly")]
    assert all(one.status_code == 200 and one.content[:2] == b"\xff\xd8" for one in seen)
    assert seen[0].content != seen[1].content
    assert client.get(f"/api/media/{portrait_id}/effects/none").status_code == 404
    verbs.effect_template(tmp_path / "pack")
    body = {"request": {"effect": str(tmp_path / "pack")}}
    refused = client.post(f"/api/media/{portrait_id}/render", json=body)
    assert refused.status_code == 400 and "no effect is called" in refused.json()["error"]


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The starter pack as a zip."""
    folder = verbs.effect_template(tmp_path_factory.mktemp("pack") / "stripes")
    return zipped({path.name: path.read_bytes() for path in folder.iterdir()})


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, data in files.items():
            file.writestr(name, data)
    return out.getvalue()


def put_pack(client: TestClient, data: bytes, name: str = "my stripes.zip") -> Any:
    return client.post("/api/effects", content=data, headers={"x-file-name": name})


def test_a_pack_of_ones_own_is_worn_by_its_id(
    client: TestClient, portrait_id: str, pack: bytes, studio: Studio, tmp_path: Path
):
    put = put_pack(client, pack)
    id, url = put.json()["id"], f"/api/media/{portrait_id}"
    assert put.status_code == 201 and [one["id"] for one in client.get("/api/effects").json()] == [id]
    assert id not in [one["id"] for one in client.get("/api/media").json()]
    assert client.get(f"{url}/effects/{id}").content[:2] == b"\xff\xd8"
    wanted = {"effect": f"{id}:0.8"}
    made = client.post(f"{url}/render", json={"request": wanted}).json()["id"]
    moved = np.abs(
        pixels_of(client.get(f"/api/media/{made}").content).astype(int) - pixels_of(client.get(url).content)
    )
    assert (moved.max(2) > 40).sum() > 1000
    job = client.post("/api/jobs", json={"verb": "edit", "media": [portrait_id], "arguments": wanted}).json()[
        "id"
    ]
    assert client.delete(f"/api/media/{id}").status_code == 204
    job_worker.work(studio.work.queue.path, idle=0.3)
    (task,) = client.get(f"/api/jobs/{job}/tasks").json()
    out = tmp_path / "out.jpg"
    out.write_bytes(client.get(f"/api/jobs/{job}/tasks/{task['id']}").content)
    said = verify(out).history[-1].arguments
    assert said["effect"] == "my stripes:0.8" and len(said["effect_sha256"]) == 64
    client.delete(f"/api/jobs/{job}")
    assert client.post(f"{url}/render", json={"request": wanted}).status_code == 400
    assert client.get(f"{url}/effects/{id}").status_code == 404


MANIFEST = b'{"mien": 1, "name": "x", "layers": [{"kind": "texture", "image": "%s"}]}'


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"effect.json": b"{"},
        {"effect.json": MANIFEST % b"a.png"},
        {"effect.json": MANIFEST % b"../../etc/passwd"},
        {"effect.json": MANIFEST % b"a.png", "a.png": b"<svg onload=alert(1)>"},
        {"effect.json": MANIFEST % b"a.png", "a.png": png(60_000, 60_000)},
        {"effect.json": MANIFEST % b"a.png", "../../a.png": b"x"},
        {"effect.json": MANIFEST % b"a.png", "run.py": b"print(1)"},
        {"effect.json": b" " * 70_000},
    ],
    ids=["empty", "no JSON", "no picture", "path", "no PNG", "bomb", "outside", "program", "long"],
)
def test_what_is_no_pack_is_refused_and_gone(client: TestClient, studio: Studio, files: dict[str, bytes]):
    before = set(studio.library.folder.iterdir())
    for data in (zipped(files), zipped(files)[:-9], b"PK\x03\x04 nothing"):
        answer = put_pack(client, data)
        assert answer.status_code == 415 and answer.json()["kind"] == "InputError", answer.text
        assert str(studio.library.folder) not in answer.text and "this file" in answer.json()["error"]
    assert set(studio.library.folder.iterdir()) == before
    huge = client.post("/api/effects", content=b"x", headers={"content-length": str(10**9)})
    assert huge.status_code == 413


def test_a_painting_gives_its_manner(client: TestClient, upload: Any, portrait_id: str, portrait: Array):
    small = cv2.resize(portrait[..., ::-1], (96, 96))
    painting = upload(cv2.imencode(".png", np.roll(small, 40, 2))[1].tobytes(), "a painting.png").json()
    assert painting["kind"] == "photo"
    body = {"style": painting["id"], "strength": 0.5, "face": "all"}
    made = client.post(f"/api/media/{portrait_id}/stylize", json=body)
    assert made.status_code == 201 and made.json()["verb"] == "stylize"


def test_a_swap_needs_consent_and_says_it(client: TestClient, upload: Any, portrait_id: str, tmp_path: Path):
    id = upload(HOPPER, "Ann.jpg").json()["id"]
    refused = client.post("/api/people", json={"media": [id], "name": "Ann", "consent": " "})
    assert refused.status_code == 400 and "consent" in refused.json()["error"]
    person = client.post(
        "/api/people", json={"media": [id], "name": "Ann", "consent": "agreed by mail"}
    ).json()
    assert client.get(f"/api/people/{person['id']}").headers["content-type"] == "image/jpeg"
    body = {"mapping": [{"person": person["id"], "face": "1"}], "strength": 0.9, "keep": ["mouth"]}
    made = client.post(f"/api/media/{portrait_id}/swap", json=body).json()
    (tmp_path / "out.jpg").write_bytes(client.get(f"/api/media/{made['id']}?original=1").content)
    assert verify(tmp_path / "out.jpg").history[-1].consent == "Ann: agreed by mail"
    assert client.delete(f"/api/people/{person['id']}").status_code == 204
    assert client.get("/api/people").json() == []


def test_two_people_go_to_two_faces(client: TestClient, upload: Any, tmp_path: Path):
    both = np.hstack([cv2.resize(one, (300, 380)) for one in (hopper().pixels, collins()[0].pixels)])
    photo = upload(cv2.imencode(".png", both[..., ::-1])[1].tobytes(), "both.png").json()["id"]
    mapping = []
    for face, (name, path) in enumerate((("Eileen", HOPPER.with_name("collins.jpg")), ("Grace", HOPPER)), 1):
        about = {"name": name, "media": [upload(path).json()["id"]], "consent": "for tests"}
        mapping.append({"person": client.post("/api/people", json=about).json()["id"], "face": str(face)})
    made = client.post(f"/api/media/{photo}/swap", json={"mapping": mapping})
    assert made.status_code == 201, made.text
    out = tmp_path / "out.png"
    out.write_bytes(client.get(f"/api/media/{made.json()['id']}?original=1").content)
    moved = np.abs(read(out).pixels.astype(int) - both)[:300].max(2) > 24
    assert moved[:, :290].sum() > 500 < moved[:, 310:].sum()
    said = verify(out).history[-1]
    assert [one["face"] for one in said.arguments["map"]] == ["1", "2"]
    assert said.consent == "Eileen: for tests; Grace: for tests"
    for one in mapping:
        client.delete(f"/api/people/{one['person']}")


def test_the_description_describes_every_call(client: TestClient):
    told = client.get("/api/openapi.json").json()
    assert sum(map(len, told["paths"].values())) == len(app.CALLS)
    assert all(about["summary"] for methods in told["paths"].values() for about in methods.values())
    sliders = {one["name"]: one for one in client.get("/api").json()["edits"]}
    assert (
        sliders["smile"]["excludes"] == ["grin"]
        and sliders["age"]["high"] == 50
        and not sliders["age_to"]["moves"]
    )


def test_a_zip_of_nothing_is_no_picture(upload: Any):
    assert upload(io.BytesIO(b"\x1f\x8b").getvalue()).status_code == 415


def test_jobs_of_every_verb_are_put_in_and_done(client: TestClient, upload: Any, studio: Studio):
    small = cv2.resize(cv2.imread(str(HOPPER)), (256, 300), interpolation=cv2.INTER_AREA)  # type: ignore[arg-type]
    id = upload(cv2.imencode(".jpg", small)[1].tobytes(), "Ann.jpg").json()["id"]
    person = client.post("/api/people", json={"media": [id], "name": "Ann", "consent": "agreed"}).json()["id"]
    asked: dict[str, dict[str, Any]] = {
        "edit": {"light": 0.5},
        "stylize": {"style": id},
        "swap": {"mapping": [{"person": person, "face": "1"}]},
    }
    jobs = {}
    for verb, arguments in asked.items():
        body = {"verb": verb, "media": [id], "arguments": arguments}
        first, again = (
            client.post("/api/jobs", json=body, headers={"idempotency-key": verb}) for _ in range(2)
        )
        assert first.status_code == 201 and first.json()["id"] == again.json()["id"]
        jobs[verb] = first.json()["id"]
    client.delete(f"/api/media/{id}")
    client.delete(f"/api/people/{person}")
    job_worker.work(studio.work.queue.path, idle=0.3)
    for verb, job in jobs.items():
        (task,) = client.get(f"/api/jobs/{job}/tasks").json()
        assert task["state"] == "done", (verb, task)
        assert client.get(f"/api/jobs/{job}/tasks/{task['id']}").content[:2] == b"\xff\xd8"
        assert client.get(f"/api/jobs/{job}/results").content[:2] == b"PK"
        assert client.delete(f"/api/jobs/{job}").status_code == 204
    assert not list(studio.work.folder.iterdir())


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"verb": "print", "media": ["x"], "arguments": {}}, "no job does 'print'"),
        ({"verb": "edit", "media": [], "arguments": {}}, "a job of 0 files"),
        ({"verb": "edit", "media": ["x"], "arguments": {}}, "nothing would change"),
        ({"verb": "edit", "media": ["x"], "arguments": {"smile": 0.5}}, "there is no such picture"),
    ],
)
def test_a_job_that_makes_no_sense_leaves_nothing(client: TestClient, studio: Studio, body: Any, says: str):
    assert says in client.post("/api/jobs", json=body).json()["error"]
    assert not list(studio.work.folder.iterdir()) and client.get("/api/jobs").json() == []


def test_a_portrait_moves_by_its_consent(client: TestClient, portrait_id: str, studio: Studio):
    at = f"/api/media/{portrait_id}/motions"
    moving = client.get(f"{at}/wink?consent=public%20domain")
    assert moving.status_code == 200 and moving.content[:4] == b"RIFF" and moving.content.count(b"ANMF") > 5
    assert "consent" in client.get(f"{at}/wink").json()["error"]
    assert client.get(f"{at}/..%2fportrait").status_code == client.get(f"{at}/jump").status_code == 404
    assert client.get(f"{at}/wink?consent=me&w=9999").status_code == 400
    for wrong in (
        {},
        {"motion": "/etc/passwd", "consent": "me"},
        {"motion": "nod", "consent": "me", "regions": ["ears"]},
    ):
        answer = client.post(
            "/api/jobs", json={"verb": "animate", "media": [portrait_id], "arguments": wrong}
        )
        assert answer.status_code == 400, wrong
    assert not list(studio.work.folder.iterdir()) and not list(studio.library.folder.glob("*.webp"))


def test_a_portrait_that_moves_is_a_job(client: TestClient, upload: Any, studio: Studio, tmp_path: Path):
    small = cv2.resize(cv2.imread(str(HOPPER)), (200, 234), interpolation=cv2.INTER_AREA)  # type: ignore[arg-type]
    id = upload(cv2.imencode(".jpg", small)[1].tobytes()).json()["id"]
    arguments = {"motion": "blink", "consent": "public domain", "strength": 0.8, "regions": ["eyes"]}
    job = client.post("/api/jobs", json={"verb": "animate", "media": [id], "arguments": arguments}).json()[
        "id"
    ]
    job_worker.work(studio.work.queue.path, idle=0.3)
    (task,) = client.get(f"/api/jobs/{job}/tasks").json()
    assert task["state"] == "done", task
    (tmp_path / "out.mp4").write_bytes(client.get(f"/api/jobs/{job}/tasks/{task['id']}").content)
    assert verify(tmp_path / "out.mp4").history[-1].consent == "public domain"
    client.delete(f"/api/jobs/{job}")


def test_somebody_who_does_not_exist_is_looked_at_and_taken(client: TestClient, tmp_path: Path):
    told = client.get("/api").json()["nobody"]
    assert told["age"]["low"] >= 18 and "hair_red" not in told
    looks = [client.get(f"/api/generate?seed={seed}&age=60").content for seed in (1, 1, 2)]
    assert looks[0] == looks[1] != looks[2] and looks[0][:2] == b"\xff\xd8"
    medium = client.post("/api/generate", json={"seed": 1, "conditions": {"age": 60}}).json()
    assert medium["kind"] == "photo" and medium["name"] == "nobody-1.png"
    (tmp_path / "out.png").write_bytes(client.get(f"/api/media/{medium['id']}?original=1").content)
    assert verify(tmp_path / "out.png").history[-1].verb == "generate"
    for query in ("seed=-1", "seed=x", "seed=1&age=7", "seed=1&age=old", "seed=1&ears=1"):
        assert client.get(f"/api/generate?{query}").status_code == 400, query


def test_a_drawing_becomes_a_face_that_is_looked_at_and_taken(client: TestClient, tmp_path: Path):
    told = client.get("/api").json()["sketch"]
    assert set(told) == set(TOLD) and told["age"]["low"] >= 18 and told["hair"]["red"].startswith("#")
    drawing = cv2.imencode(".png", scribble())[1].tobytes()
    looks = [client.post(f"/api/sketch?seed={seed}&hair=red", content=drawing).content for seed in (1, 1, 2)]
    assert looks[0] == looks[1] != looks[2] and looks[0][:2] == b"\xff\xd8"
    medium = client.post("/api/sketch/take?seed=1&hair=red", content=drawing).json()
    (tmp_path / "out.png").write_bytes(client.get(f"/api/media/{medium['id']}?original=1").content)
    step = verify(tmp_path / "out.png").history[-1]
    assert (step.verb, step.arguments["seed"]) == ("sketch", 1) and "hair_red" in step.arguments
    blank = cv2.imencode(".png", np.full((64, 64, 3), 255, np.uint8))[1].tobytes()
    for query, body in (
        ("seed=1", blank),
        ("seed=1&smile=1", drawing),
        ("seed=x", drawing),
        ("seed=1", b"x"),
    ):
        assert 400 <= client.post(f"/api/sketch?{query}", content=body).status_code < 500, query


def test_frames_of_a_camera_come_back_edited_and_what_is_kept_is_labelled(
    client: TestClient, portrait: Array, tmp_path: Path
):
    picture = cv2.resize(portrait[..., ::-1], (256, 300), interpolation=cv2.INTER_AREA)
    frame = cv2.imencode(".jpg", picture)[1].tobytes()
    camera = "/api/live/" + client.post("/api/live", json={"request": {"lips": "blue"}}).json()["id"]
    shown = decoded(client.post(camera, content=frame).content)
    bluer = (shown[..., 2] - decoded(frame)[..., 2] > 25)[:240]  # above the words
    assert shown.shape == picture.shape and 30 < bluer.sum() < 1000
    assert client.post(f"{camera}/record", json={"on": False}).status_code == 400, "not begun"
    client.post(f"{camera}/record", json={"on": True})
    for _ in range(3):
        assert client.post(camera, content=frame).status_code == 200
    kept = [client.post(f"{camera}/{what}", json={"on": False}).json()["id"] for what in ("photo", "record")]
    for id, name in zip(kept, ("out.png", "out.mp4"), strict=True):
        (tmp_path / name).write_bytes(client.get(f"/api/media/{id}?original=1").content)
        verdict = verify(tmp_path / name)
        assert verdict.state == "intact" and verdict.history[-1].arguments["lips"] == "blue", name
    bomb = cv2.imencode(".jpg", np.zeros((40, 3000, 3), np.uint8))[1].tobytes()
    for wrong in (b"", b"x", frame[:900], bomb):
        assert client.post(camera, content=wrong).status_code in (415, 400), wrong[:10]
    others = [
        client.post("/api/live", json={"request": {"warmth": 0.5}}).json()["id"] for _ in range(CAMERAS)
    ]
    assert client.post(camera, content=frame).status_code == 404, (
        "of too many cameras the oldest is forgotten"
    )
    for id in others:
        assert client.delete(f"/api/live/{id}").status_code == 204
    told = {"portrait": client.get("/api").json()["portrait"]}
    assert client.post("/api/live", json=told).status_code == 400, "without consent"


def test_a_camera_shows_somebody_elses_face_and_is_offered_to_others(
    client: TestClient, portrait: Array, monkeypatch: pytest.MonkeyPatch
):
    sent: list[Array] = []

    class Driver:
        def __init__(self, width: int, height: int, fps: float, *, device: str | None) -> None:
            self.width, self.height = width, height

        def send(self, frame: Array) -> None:
            sent.append(frame)

        def close(self) -> None:
            sent.clear()

    monkeypatch.setitem(sys.modules, "pyvirtualcam", SimpleNamespace(Camera=Driver))
    frame = cv2.imencode(".jpg", portrait[..., ::-1])[1].tobytes()
    media = [client.get("/api").json()["portrait"]]
    told = {"media": media, "name": "Grace", "consent": "in the public domain"}
    person = client.post("/api/people", json=told).json()["id"]
    assert client.post("/api/live", json={"person": "nobody"}).status_code == 404
    first = "/api/live/" + client.post("/api/live", json={"request": {"lips": "blue"}}).json()["id"]
    assert client.post(f"{first}/camera", json={"on": True}).status_code == 400, "nothing was shown yet"
    client.post(first, content=frame)
    assert client.post(f"{first}/camera", json={"on": True}).json() == {"on": True} and len(sent) == 1
    second = "/api/live/" + client.post("/api/live", json={"person": person}).json()["id"]
    shown = [decoded(client.post(camera, content=frame).content).astype(int) for camera in (first, second)]
    assert len(sent) == 2, "other programs see the newest"
    assert np.abs(sent[1] - shown[1]).mean() < 4 < np.abs(shown[0] - shown[1]).max()
    kept = client.post(f"{second}/photo", json={}).json()["id"]
    written = client.get(f"/api/media/{kept}?original=1").content
    assert b"in the public domain" in written
    away = np.abs(decoded(written).astype(int) - shown[1]).max(2)
    assert (away > 60).mean() < 0.002, "its words are drawn once, and where they were shown"
    for camera in (first, second):
        client.delete(camera)
    assert not sent, "the last camera ends it"


def test_a_camera_in_another_manner(client: TestClient, portrait: Array):
    frame = cv2.imencode(".jpg", cv2.resize(portrait[..., ::-1], (256, 300)))[1].tobytes()
    told = {"style": {"manner": "ink"}, "mark": "none"}
    camera = "/api/live/" + client.post("/api/live", json=told).json()["id"]
    drawn = decoded(client.post(camera, content=frame).content).astype(int)
    assert np.ptp(drawn, -1).mean() < 0.4 * np.ptp(decoded(frame).astype(int), -1).mean(), (
        "ink has no colours"
    )
    for wrong in ({}, {"manner": "/etc/passwd"}, {"style": "nobody"}):
        assert client.post("/api/live", json={"style": wrong}).status_code in (400, 404), wrong


def test_networks_are_told_and_another_is_brought_in(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    rows = {row["name"]: row for row in client.get("/api/networks").json()}
    assert (
        rows["parser"]["boxed"]
        and rows["parser"]["licence"] == "Apache-2.0"
        and rows["parser"]["bytes"] > 1e6
    )
    body = locate("nobody-encoder").path.read_bytes()
    named = {"X-File-Name": "Mine.onnx"}
    added = client.post("/api/networks?name=mine", content=body, headers=named)
    assert (added.status_code, added.json()) == (201, [{"name": "mine", "role": "encoder"}])
    assert not {row["name"]: row for row in client.get("/api/networks").json()}["mine"]["boxed"]
    for name, kind, wrong in (
        ("mine", "a.exe", body),
        ("parser", "a.onnx", body),
        ("other", "a.onnx", b"no network"),
        ("No Name", "a.onnx", body),
    ):
        answer = client.post(f"/api/networks?name={name}", content=wrong, headers={"X-File-Name": kind})
        assert 400 <= answer.status_code < 500 and "session-" not in answer.json()["error"], (name, kind)
    answers = [client.delete(f"/api/networks/{name}").status_code for name in ("mine", "mine", "parser")]
    assert answers == [204, 400, 400]
    assert "mine" not in {row["name"] for row in client.get("/api/networks").json()}


def decoded(data: bytes) -> Array:
    """A JPEG's pixels `[H, W, 3]` RGB, as int."""
    return np.asarray(Image.open(io.BytesIO(data))).astype(int)


def scribble() -> Array:
    """A head of a few lines, `[256, 256, 3]`."""
    paper = np.full((256, 256, 3), 255, np.uint8)
    cv2.ellipse(paper, (128, 138), (62, 80), 0, 0, 360, (20, 20, 20), 3, cv2.LINE_AA)
    for x in (104, 152):
        cv2.ellipse(paper, (x, 124), (12, 6), 0, 0, 360, (20, 20, 20), 3, cv2.LINE_AA)
    cv2.ellipse(paper, (128, 172), (24, 14), 0, 20, 160, (20, 20, 20), 3, cv2.LINE_AA)
    return paper
