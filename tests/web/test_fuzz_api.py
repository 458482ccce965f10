"""The studio's calls, made up out of their own description: whatever is asked, the answer is the one that is described or an
error in its words, and never a bug. MIEN_FUZZ says how many, for a night's run."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

pytest.importorskip("starlette", reason="needs the extra 'studio'")

from faces import hopper
from starlette.testclient import TestClient

from mien.edits.request import EDITS
from mien.io import clip_writer
from mien.pipeline.stylize import manners
from mien.types import Step
from mien.web import app
from mien.web.guard import HEADERS
from mien.web.studio import Studio

pytest_plugins = ["studio_fixtures"]

EXAMPLES = int(os.environ.get("MIEN_FUZZ", "0")) or 150
# "/api/events" never ends; what forgets is asked for after each example, so that all begin alike
LEFT_OUT = ("/api/events", "/api/forget")
CALLS = [call for call in app.CALLS if call.path not in LEFT_OUT]
JUNK = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False),
        st.text(max_size=12),
        st.sampled_from(
            ["../x", "/etc/passwd", "\0", "<b>", "-1", "1e999", "٣", "²", "a" * 3000, "1" * 5000, "\ud800"]
        ),
        st.just(10**400),
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=6) | st.sampled_from(list(EDITS)), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMED = {  # what makes sense of values that the description leaves open
    "slider": st.sampled_from(list(EDITS)),
    "face": st.sampled_from(["all", "largest", "1", "2", "0", "photo"]),
    "manner": st.sampled_from(manners()),
    "name": st.sampled_from([*manners(), "nod", "wink", "whiskers", "clown"]),
    "consent": st.sampled_from(["", " ", "agreed", "x" * 600]),
    "verb": st.sampled_from(["edit", "swap", "stylize", "animate"]),
    "motion": st.sampled_from(["nod", "wink"]),
    "task": st.sampled_from(["0", "1", "2", "1" * 30]),
    "mark": st.sampled_from(["eu", "cn", "none", "eu:de"]),
    "side": st.sampled_from(["a", "b"]),
    "preset": st.sampled_from(["trial", "gpu"]),
    "n": st.sampled_from(["0", "1", "7"]),
    "step": st.sampled_from(["0", "10"]),
}
IDS = ("photo", "blank", "clip", "mask", "made", "frame", "person", "job", "camera", "pair")


class Quiet(dict[str, Any]):
    """Of which a failure shows nothing: it is long."""

    def __repr__(self) -> str:
        return "..."


@pytest.fixture(scope="module")
def bodies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Files that calls take, small."""
    face = cv2.resize(hopper().pixels[60:540, 60:440], (152, 192), interpolation=cv2.INTER_AREA)
    folder = tmp_path_factory.mktemp("bodies")
    clip_writer.write(iter([face] * 4), folder / "clip.mp4", fps=4, history=(Step("test", {}),))
    jpeg = cv2.imencode(".jpg", face[..., ::-1])[1].tobytes()
    blank = cv2.imencode(".png", np.full((80, 64), 255, np.uint8))[1].tobytes()
    return Quiet(
        {
            "photo": jpeg,
            "blank": blank,
            "clip": (folder / "clip.mp4").read_bytes(),
            "none": b"",
            "text": b"{}",
        }
    )


@pytest.fixture(scope="module")
def known(client: TestClient, bodies: dict[str, bytes]) -> Iterator[dict[str, str]]:
    """An id of everything that has one; all is forgotten in the end, as other tests have the same studio."""

    def put(path: str, body: Any) -> str:
        answer = client.post(path, content=body if isinstance(body, bytes) else json.dumps(body))
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    ids = {name: put("/api/media", bodies[name]) for name in ("photo", "blank", "clip")}
    ids["mask"] = put("/api/masks", bodies["blank"])
    ids["made"] = put(f"/api/media/{ids['photo']}/render", {"request": {"light": 0.5}})
    ids["frame"] = put(f"/api/media/{ids['clip']}/frame", {"time": 0.5})
    ids["person"] = put("/api/people", {"name": "Ann", "media": [ids["photo"]], "consent": "agreed"})
    edit = {"verb": "edit", "media": [ids["photo"]], "arguments": {"light": 0.5}}
    ids["job"] = put("/api/jobs", edit)
    both = [{"name": name, "media": [ids["photo"]]} for name in ("Ann", "Bea")]
    ids["pair"] = put("/api/pairs", {"people": both, "consent": "agreed"})
    ids["camera"] = put("/api/live", {"request": {"light": 0.5}})
    yield ids
    assert client.post("/api/forget", content="{}").status_code == 204


def valued(name: str, schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values of a schema, mostly."""
    if schema.get("type") == "object":
        inner = {key: valued(key, one) for key, one in schema.get("properties", {}).items()}
        some = st.fixed_dictionaries({}, optional=inner) if len(inner) < 9 else _few(inner)
        return st.one_of(some, some, JUNK) if name else some
    if name in NAMED:
        return st.one_of(NAMED[name], NAMED[name], NAMED[name], JUNK)
    if schema.get("type") == "array":
        return st.lists(valued(f"{name}.", schema["items"]), max_size=3)
    if "enum" in schema:
        return st.sampled_from(schema["enum"]) | JUNK
    if schema.get("type") == "number":
        low, high = schema.get("minimum", -2), schema.get("maximum", 2)
        return st.one_of(st.sampled_from([low, high, 0]), st.floats(low, high), JUNK)
    if name in ("media.", "person", "portrait", "keep", "style", "driver"):
        return st.sampled_from(IDS) | JUNK
    return JUNK


def _few(inner: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """Some of many properties."""
    names = st.lists(st.sampled_from(list(inner)), max_size=3, unique=True)
    return names.flatmap(lambda chosen: st.fixed_dictionaries({name: inner[name] for name in chosen}))


def filled(value: Any, known: dict[str, str]) -> Any:
    """A value with ids in place of their names."""
    if isinstance(value, dict):
        return {key: filled(one, known) for key, one in value.items()}
    if isinstance(value, list):
        return [filled(one, known) for one in value]
    return known.get(value, value) if isinstance(value, str) else value


@st.composite
def asked(draw: st.DrawFn) -> tuple[app.Call, dict[str, str], dict[str, Any], Any]:
    """A call, what its address says, its query, and its body."""
    call = draw(st.sampled_from(CALLS))
    text = st.one_of(
        st.text(max_size=8),
        st.sampled_from(["", ".", "..", "%2e%2e", "0", "-1", "nan", "-inf", "1" * 30, "1" * 5000]),
    )
    names = [part[1:-1] for part in call.path.split("/") if part.startswith("{")]
    places = {
        name: draw(NAMED.get(name, st.sampled_from(IDS)) if draw(st.integers(0, 5)) else text)
        for name in names
    }
    number = st.integers(-5, 2000).map(str)
    query = {
        name: draw(st.one_of(NAMED.get(name, number), number, text))
        for name in call.query
        if draw(st.booleans())
    }
    if call.path.startswith(("/api/generate", "/api/sketch")) and draw(st.booleans()):
        query |= draw(
            st.dictionaries(
                st.sampled_from(["age", "sex", "smile", "hair", "skin", "x"]), number | text, max_size=2
            )
        )
    if call.body == "bytes":
        return call, places, query, draw(st.sampled_from(["photo", "blank", "clip", "none", "text"]))
    if call.body is None:
        return call, places, query, None
    assert isinstance(call.body, dict)
    return (
        call,
        places,
        query,
        draw(st.one_of(valued("", call.body), valued("", call.body), valued("", call.body), JUNK)),
    )


# an example that fails is shown as it came: to make it smaller would take minutes
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="MIEN_FUZZ" not in os.environ,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(call=asked())
def test_no_call_is_a_bug(
    client: TestClient,
    studio: Studio,
    known: dict[str, str],
    bodies: dict[str, bytes],
    call: tuple[app.Call, dict[str, str], dict[str, Any], Any],
):
    of, places, query, body = call
    if of.method == "DELETE" and set(places.values()) & set(known):
        places = dict.fromkeys(places, "gone")  # so that others find it
    path = of.path
    for name, place in places.items():
        path = path.replace(f"{{{name}}}", quote(known.get(place, place), safe=""))
    how: dict[str, Any] = {"params": query}
    if of.body == "bytes":
        how |= {"content": bodies[body], "headers": {"x-file-name": "net.onnx"}}
    elif of.body is not None:
        how["content"] = json.dumps(filled(body, known))
    answer = client.request(of.method, path, **how)
    said = f"{of.method} {path} {query} {body}: {answer.status_code} {answer.text[:300]}"
    assert answer.status_code == of.status or 300 <= answer.status_code < 500, said
    if answer.status_code >= 400 and answer.status_code not in (404, 405):
        assert set(answer.json()) == {"error", "kind", "hint"}, said
    assert str(studio.library.folder.parent) not in answer.text, said
    assert answer.headers["content-security-policy"] == HEADERS["content-security-policy"]
