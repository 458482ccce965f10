"""Networks from elsewhere are believed only after they were run once as their role wants."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

onnx: Any = pytest.importorskip("onnx")
helper: Any = pytest.importorskip("onnx.helper")

from mien import verbs
from mien.errors import ModelError
from mien.models import catalogue, trial
from mien.models.card import KEY, Card
from mien.models.session import Net
from mien.types import Silent

FLOAT, INT = 1, 7
PICTURE = [1, 3, "h", "w"]
CARD = asdict(Card("n", "translator", "CC0-1.0", size=64))


def network(
    path: Path,
    card: dict[str, Any] | str,
    *nodes: Any,
    inputs: dict[str, tuple[int, list[Any]]] | None = None,
    outputs: dict[str, tuple[int, Any]] | None = None,
) -> Path:
    """A network by its nodes; by default one that gives the pixels back."""
    nodes = nodes or (helper.make_node("Identity", ["pixels"], ["picture"]),)
    sides = [
        [helper.make_tensor_value_info(name, *about) for name, about in given.items()]
        for given in (inputs or {"pixels": (FLOAT, PICTURE)}, outputs or {"picture": (FLOAT, PICTURE)})
    ]
    model = helper.make_model(
        helper.make_graph(nodes, "n", *sides), opset_imports=[helper.make_opsetid("", 17)], ir_version=9
    )
    helper.set_model_props(model, {KEY: card if isinstance(card, str) else json.dumps(card)})
    onnx.save(model, str(path))
    return path


@pytest.mark.parametrize("name", [n for n, e in catalogue.catalogue().items() if e.path.suffix == ".onnx"])
def test_every_network_of_the_box_is_what_its_role_wants(name: str):
    entry = catalogue.locate(name)
    trial.run_once(Net(name, entry.path, entry.sha256))


def test_what_does_what_it_says_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    (entry,) = verbs.import_network(network(tmp_path / "a.onnx", CARD), "mirror")
    assert entry.role == "translator" and catalogue.locate("mirror") == entry


def test_a_swapper_gives_a_face_and_where_it_is(tmp_path: Path):
    card = CARD | {"role": "swapper"}
    face = helper.make_node("Identity", ["pixels"], ["face"])
    alpha = helper.make_node("ReduceMax", ["pixels"], ["alpha"], axes=[1])
    sides = {"face": (FLOAT, PICTURE), "alpha": (FLOAT, [1, 1, "h", "w"])}
    whole = network(tmp_path / "a.onnx", card, face, alpha, outputs=sides)
    trial.run_once(Net("a", whole, ""))
    bare = network(tmp_path / "b.onnx", card, face, outputs={"face": (FLOAT, PICTURE)})
    with pytest.raises(ModelError, match="gives no 'alpha'"):
        trial.run_once(Net("b", bare, ""))


def test_an_animator_may_be_told_whom_to_draw(tmp_path: Path):
    card, sides = CARD | {"role": "animator"}, {"picture": (FLOAT, PICTURE)}
    one = network(
        tmp_path / "one.onnx",
        card,
        helper.make_node("Identity", ["wanted"], ["picture"]),
        inputs={"wanted": (FLOAT, PICTURE)},
        outputs=sides,
    )
    trial.run_once(Net("one", one, ""))
    told = network(
        tmp_path / "told.onnx",
        card,
        helper.make_node("Sum", ["wanted", "pixels", "lines"], ["picture"]),
        inputs=dict.fromkeys(("wanted", "pixels", "lines"), (FLOAT, PICTURE)),
        outputs=sides,
    )
    trial.run_once(Net("told", told, ""))


SCALAR = helper.make_node("ReduceMean", ["pixels"], ["picture"], keepdims=0)
CAST = helper.make_node("Cast", ["pixels"], ["picture"], to=INT)
NAN = [helper.make_node("Neg", ["pixels"], ["less"]), helper.make_node("Sqrt", ["less"], ["picture"])]
OTHER = helper.make_node("Identity", ["image"], ["picture"])
TWICE = helper.make_node("Concat", ["pixels", "pixels"], ["picture"], axis=1)


@pytest.mark.parametrize(
    ("nodes", "inputs", "outputs", "said"),
    [
        ([SCALAR], None, {"picture": (FLOAT, [])}, r"gives 'picture' \[\]"),
        ([TWICE], None, {"picture": (FLOAT, [1, 6, "h", "w"])}, r"\[1, 6, 64, 64\]: \[1, 3, 64, 64\] was"),
        ([CAST], None, {"picture": (INT, PICTURE)}, "of int64: finite float32"),
        (NAN, None, None, "finite float32"),
        ([OTHER], {"image": (FLOAT, PICTURE)}, None, "has no input 'pixels'"),
        ([], {"pixels": (INT, PICTURE)}, {"picture": (INT, PICTURE)}, "cannot be run"),
        ([], {"pixels": (FLOAT, [1, 3])}, {"picture": (FLOAT, [1, 3])}, "is not given"),
        ([], {"pixels": (FLOAT, PICTURE), "more": (FLOAT, [1])}, None, "'more'"),
        ([], None, {"pixels": (FLOAT, PICTURE)}, "gives no 'picture'"),
    ],
)
def test_what_takes_or_gives_something_else_is_refused(
    tmp_path: Path, nodes: list[Any], inputs: Any, outputs: Any, said: str
):
    path = network(tmp_path / "a.onnx", CARD, *nodes, inputs=inputs, outputs=outputs)
    with pytest.raises(ModelError, match=said) as caught:
        trial.run_once(Net("a", path, ""))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("role", [role for role in trial.SIGNATURES if role != "translator"])
def test_a_mirror_is_no_face_network(tmp_path: Path, role: str):
    with pytest.raises(ModelError):
        trial.run_once(Net("a", network(tmp_path / "a.onnx", CARD | {"role": role}), ""))


@pytest.mark.parametrize(
    "harm",
    [
        {"role": ["translator"]},
        {"role": {}},
        {"role": "embedder of souls"},
        {"licence": ["a"]},
        {"commercial": "no"},
        {"commercial": 1},
        {"size": "64"},
        {"size": -5},
        {"size": None},
        {"size": 64.5},
        {"size": 10**9},
        {"size": True},
        {"multiple": "8"},
        {"template": "nose"},
        {"value_range": [1, 1]},
        {"value_range": "01"},
        {"value_range": [0]},
        {"value_range": [0, float("inf")]},
        {"conditions": [{"name": "a", "unit": "", "low": 0, "high": 1}] * 2},
        {"conditions": [{"name": "a", "unit": "", "low": 2, "high": 1}]},
        {"conditions": [{"name": 5, "unit": "", "low": 0, "high": 1}]},
        {"measured": ["x"]},
        {"w_avg": ["x"]},
    ],
)
def test_a_card_that_is_none_is_refused(tmp_path: Path, harm: dict[str, Any]):
    with pytest.raises(ModelError, match=r"carries no card|which no verb runs") as caught:
        trial.run_once(Net("a", network(tmp_path / "a.onnx", CARD | harm), ""))
    assert "\n" not in str(caught.value)


def test_a_deep_card_is_refused(tmp_path: Path):
    with pytest.raises(ModelError, match="carries no card"):
        Net("a", network(tmp_path / "a.onnx", "[" * 100_000), "")


def endless_network(path: Path) -> Path:
    """One that never gives anything."""
    scalar = [helper.make_tensor_value_info(name, kind, []) for name, kind in (("i", INT), ("on", 9))]
    body = helper.make_graph(
        [helper.make_node("Identity", ["on"], ["still"]), helper.make_node("Identity", ["x"], ["y"])],
        "body",
        [*scalar, helper.make_tensor_value_info("x", FLOAT, PICTURE)],
        [helper.make_tensor_value_info("still", 9, []), helper.make_tensor_value_info("y", FLOAT, PICTURE)],
    )
    truth = helper.make_tensor("truth", 9, [], [True])
    return network(
        path,
        CARD,
        helper.make_node("Constant", [], ["true"], value=truth),
        helper.make_node("Loop", ["", "true", "pixels"], ["picture"], body=body),
    )


def test_what_takes_all_memory_or_time_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shape = helper.make_tensor("shape", INT, [3], [20_000, 20_000, 10])
    large = network(
        tmp_path / "large.onnx",
        CARD,
        helper.make_node("Constant", [], ["shape"], value=shape),
        helper.make_node("ConstantOfShape", ["shape"], ["much"]),
        helper.make_node("ReduceSum", ["much"], ["sum"], keepdims=0),
        helper.make_node("Add", ["pixels", "sum"], ["picture"]),
    )
    with pytest.raises(ModelError, match=r"wants more memory than 8 GB|ended the process") as caught:
        trial.try_out(large)
    assert "\n" not in str(caught.value)
    endless = endless_network(tmp_path / "endless.onnx")
    monkeypatch.setattr(trial, "SECONDS", 6)
    monkeypatch.setattr(trial, "PATIENCE", 1)
    progress = Silent()
    monkeypatch.setattr(progress, "message", (told := list[str]()).append)
    with pytest.raises(ModelError, match="after 6 seconds"):
        trial.try_out(endless, progress)
    (line,) = told
    assert "still being run" in line and "6 seconds" in line


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes in /proc")
def test_a_trial_ends_with_who_asked_for_it(tmp_path: Path):
    """Killed, that could not end it."""
    file = endless_network(tmp_path / "endless.onnx")
    asks = f"from pathlib import Path; from mien.models import trial; trial.try_out(Path({str(file)!r}))"
    asking = subprocess.Popen([sys.executable, "-c", asks])
    tried = wait_for(lambda: running("endless.onnx", str(tmp_path)))
    asking.kill()
    asking.wait()
    assert wait_for(lambda: not running("endless.onnx", str(tmp_path))), tried


def running(*words: str) -> list[int]:
    """Processes that were begun with all these words as a trial."""
    found: list[int] = []
    for one in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (one / "cmdline").read_bytes().split(b"\0")
            if b"mien.models.trial" in line and all(word in line[-2].decode() for word in words):
                found.append(int(one.name))
    return found


def wait_for(true: Any) -> Any:
    end = time.monotonic() + 30
    while not (found := true()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


def test_a_network_of_ones_own_is_taken_away_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    (entry,) = verbs.import_network(network(tmp_path / "mine.onnx", CARD), "mine")
    verbs.import_network(network(tmp_path / "mine.onnx", CARD), "other")
    verbs.remove_network("mine")
    assert (
        not entry.path.exists() and "mine" not in catalogue.catalogue() and "other" in catalogue.catalogue()
    )
    for name, said in (("mine", "no network of yours"), ("parser", "network of the box")):
        with pytest.raises(ModelError, match=said):
            verbs.remove_network(name)
    assert catalogue.locate("parser").bundled
