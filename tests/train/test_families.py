"""The contract of every family, at preset "tiny": it learns, is resumed exactly, is exported, and a verb runs
through what it wrote."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from faces import hopper, hopper_face, kit

torch = pytest.importorskip("torch", reason="training needs the extra 'train'")

from safetensors.torch import load_file, save_file
from tensors import close

from mien import Alignment, Kit, ModelError, RequestError, edit, models, verbs
from mien.errors import InputError, MienError, OutputError
from mien.face import geometry
from mien.io.dataset import held_out
from mien.models.session import Net
from mien.train.data.faces import PAIRED
from mien.train.engine import checkpoints
from mien.train.engine import export as exporter
from mien.train.families import FAMILIES

COLUMNS = ["file", "person", "sex", "age", "source", "ethnicity", "smile", "beard", "glasses"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A folder of labelled faces and one of smile pairs, made of the picture in the repo and its edits; some
    people are held out."""
    root = tmp_path_factory.mktemp("data")
    faces, pairs = root / "faces", root / "pairs"
    (faces / "images").mkdir(parents=True)
    pairs.mkdir()
    requests: list[dict[str, Any]] = [{"smile": 0.1}, {"age": -30.0}, {"sex": 0.8}, {"sex": -0.8}]
    looks = [edit(hopper(), kit=kit(), **request).pixels for request in requests]
    rows, points = [], {}
    for i in range(16):
        name, light = f"f{i:02}.png", 0.7 + 0.04 * i
        cv2.imwrite(
            str(faces / "images" / name), np.clip(looks[i % 4] * light, 0, 255).astype(np.uint8)[..., ::-1]
        )
        points[name] = hopper_face().landmarks + 0.5
        row = [
            name,
            f"person-{i // 2}",
            "mf"[i % 2],
            20 + 4 * i,
            "ab"[i // 8],
            "xy"[i // 4 % 2],
            "2" if i % 3 == 0 else "0",
            "0",
            "0",
        ]
        rows.append(dict(zip(COLUMNS, row, strict=True)))
    with (faces / "faces.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(rows)
    np.savez(faces / "landmarks478.npz", files=np.array(list(points)), points=np.stack(list(points.values())))
    ids = [f"{i:03}" for i in range(12)]
    assert {held_out(PAIRED + i) for i in ids} == {True, False} and {held_out(r["person"]) for r in rows} == {
        True,
        False,
    }
    smiling = edit(hopper(), kit=kit(), smile=1.0).pixels
    for i in ids:
        cv2.imwrite(str(pairs / f"{i}-neutral.jpg"), hopper().pixels[..., ::-1])
        cv2.imwrite(str(pairs / f"{i}-smiling.jpg"), smiling[..., ::-1])
    after = kit().faces(smiling)[0].landmarks + 0.5
    after[14] += (0, 10)  # an open mouth, so that there are teeth to learn
    np.savez(
        pairs / "landmarks478.npz",
        ids=np.array(ids),
        neutral=np.stack([hopper_face().landmarks + 0.5] * 12),
        smiling=np.stack([after] * 12),
    )
    return [faces, pairs]


def folders(family: str, data: list[Path]) -> list[Path]:
    """Of the two folders, those that a family trains on."""
    if family in ("autoencoder", "faceswap_gan"):
        return [data[0], data[0]]
    return data if family in ("retouch", "cyclegan", "style") else data[:1]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """As the processes have that runs are compared with."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module", params=FAMILIES)
def run(request: pytest.FixtureRequest, data: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished tiny run of each family."""
    folder = tmp_path_factory.mktemp("run") / request.param
    verbs.train(request.param, folders(request.param, data), folder, preset="tiny", overrides={"steps": "4"})
    return folder


def test_the_folder_above_both_will_do(data: list[Path], tmp_path: Path):
    verbs.train("retouch", [data[0].parent], tmp_path / "run", preset="tiny", overrides={"steps": "1"})
    assert (tmp_path / "run" / "best.safetensors").is_file()


def test_a_run_leaves_what_is_promised(run: Path):
    names = {path.name for path in run.iterdir()}
    assert {
        "run.json",
        "log.jsonl",
        "step-000004.safetensors",
        "best.safetensors",
        "preview-000004.png",
    } <= names
    assert not [name for name in names if ".part" in name]
    assert len((run / "log.jsonl").read_text().splitlines()) == 4
    preview = cv2.imread(str(run / "preview-000004.png"))
    assert preview is not None and preview.std() > 10


class Broken(BaseException):
    """What nothing catches: a run ends as if it were killed."""


def test_resumed_equals_uninterrupted(
    run: Path, data: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Ended between a checkpoint and what follows it: resumed, the same weights, bit for bit."""
    folder = tmp_path / "broken"

    def save(tensors: Any, path: Path, **more: Any) -> None:
        save_file(tensors, path, **more)
        if path.name == "step-000002.safetensors":
            path.replace(folder / path.name)
            raise Broken

    with monkeypatch.context() as patch, pytest.raises(Broken):
        patch.setattr(checkpoints, "save_file", save)
        verbs.train(run.name, folders(run.name, data), folder, preset="tiny", overrides={"steps": "4"})
    assert not (folder / "step-000003.safetensors").exists()
    verbs.train(run.name, folders(run.name, data), folder, preset="tiny", resume=True)
    assert_same(load_file(run / "step-000004.safetensors"), load_file(folder / "step-000004.safetensors"))


@pytest.mark.parametrize("run", ["stargan"], indirect=True)
def test_a_killed_run_goes_on(run: Path, data: list[Path], tmp_path: Path):
    """After a checkpoint, in the middle of writing one, and before it has its name."""
    folder = tmp_path / "killed"
    ends = {"after": [-signal.SIGKILL, 0], "within": [-signal.SIGKILL, 1000], "before": [-signal.SIGKILL, 0]}
    ends["never"] = [0, 0]
    asked = json.dumps([run.name, str(folder), [str(path) for path in folders(run.name, data)], [*ends]])
    told = subprocess.run(
        [sys.executable, "-c", KILLED, asked],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        timeout=120,
        check=True,
    )
    assert json.loads(told.stdout) == ends
    assert_same(load_file(run / "step-000004.safetensors"), load_file(folder / "step-000004.safetensors"))
    assert not (folder / ".part").exists()


def assert_same(once: Any, twice: Any, share: float = 0.0) -> None:
    """share: of the largest element of a tensor, by which others may differ; 0: they are equal, bit for
    bit."""
    assert once.keys() == twice.keys()
    assert not [
        key
        for key in once
        if not (close(once[key], twice[key], share) if share else torch.equal(once[key], twice[key]))
    ]


KILLED = """
import json, os, signal, sys
from pathlib import Path
from mien import verbs
from mien.train import families
from mien.train.engine import checkpoints as runs
from mien.train.engine import fit as loop

real = runs.save_file

def train(family, folder, data, end):
    resume, count = folder.is_dir(), []

    def save(tensors, path, **more):
        real(tensors, path, **more)
        if path.name.startswith("step"):
            count.append(path)
        if len(count) == (1 if resume else 2) and end != "never":
            if end == "after":
                path.replace(folder / path.name)
            if end == "within":
                os.truncate(path, 1000)
            os.kill(os.getpid(), signal.SIGKILL)

    runs.save_file = save
    verbs.train(family, data, folder, preset="tiny", overrides={} if resume else {"steps": "4"}, resume=resume)

family, name, data, ends = json.loads(sys.argv[1])
folder, told = Path(name), {}
draft = folder / ".part" / "step-000002.safetensors"
for end in ends:
    if not (child := os.fork()):
        train(family, folder, [Path(one) for one in data], end)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    told[end] = [code, draft.stat().st_size if end == "within" and draft.exists() else 0]
print(json.dumps(told), flush=True)
"""


@pytest.mark.parametrize(
    "family", ["stylegan2", "retouch", "psp"]
)  # several losses and lazy ones, gaps in batches, batch norm
def test_two_processes_do_what_one_does_in_two_parts(family: str, data: list[Path], tmp_path: Path):
    one, two = tmp_path / "one", tmp_path / "two"
    verbs.train(
        family,
        folders(family, data),
        one,
        preset="tiny",
        overrides={"steps": "3", "batch": "4"},
        accumulate=2,
    )
    command = [
        *TRAIN,
        family,
        *map(str, folders(family, data)),
        "-o",
        str(two),
        "--set",
        "steps=3",
        "--set",
        "batch=4",
    ]
    subprocess.run(
        [*command, "--preset", "tiny", "--devices", "2"],
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=300,
    )
    assert [len((folder / "log.jsonl").read_text().splitlines()) for folder in (one, two)] == [3, 3]
    assert_same(*(load_file(folder / "step-000003.safetensors") for folder in (one, two)), share=1e-5)


TRAIN = [str(Path(sys.executable).with_name("mien")), "train"]


def test_export_is_what_was_trained(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    written = verbs.export(run, tmp_path / "net.onnx", bits=16)  # as what is shipped; test_export has both
    assert max(written.values()) < 1e-3
    nets = [Net(path.stem, path, "") for path in written]
    for net in nets:
        assert net.card.role in models.ROLES and net.card.licence and net.card.limits and net.card.source
        assert models.open(net, net.card.role)
        with pytest.raises(ModelError, match="wanted 'finder'"):
            models.open(net, "finder")
    mine = Kit(threads=1)
    if nets[0].card.role == "retoucher":
        drawing = mine.having("retoucher", models.open(nets[0], "retoucher"))
        assert edit(hopper(), kit=drawing, method="network", smile=0.5, age=5, sex=0.5).history
    elif nets[0].card.role == "parser":
        crop = geometry.align(hopper().pixels, hopper_face().landmarks, Alignment("wide", 300))
        regions = models.open(nets[0], "parser").parse(crop)
        assert all(one.shape == (300, 300) for one in regions.values()) and np.allclose(
            sum(regions.values()), 1, atol=1e-3
        )
    elif nets[0].card.role == "translator":
        for net in nets:
            translator = models.open(net, "translator")
            picture = (
                hopper().pixels[:90, :120]
                if translator.channels == 3
                else np.full((90, 120, translator.channels), 255, np.uint8)
            )
            assert translator.translate(picture).shape == (90, 120, 3)
    elif nets[0].card.role == "swapper":
        drawn = []
        for net in nets:
            swapper = models.open(net, "swapper")
            crop = geometry.align(hopper().pixels, hopper_face().landmarks, swapper.alignment)
            face, alpha = swapper.draw(crop)
            assert face.shape == (*alpha.shape, 3) and alpha.shape[0] == swapper.alignment.size
            drawn.append(face)
        assert not np.allclose(*drawn), "each draws another person"
    elif nets[0].card.role == "animator":
        animator = models.open(nets[0], "animator")
        crop = geometry.align(hopper().pixels, hopper_face().landmarks, animator.alignment)
        rest, moved = (animator.draw(crop, crop.landmarks + shift) for shift in (0, 3))
        assert rest.shape == crop.pixels.shape and 0 <= rest.min() < rest.max() <= 1
        assert not np.allclose(rest, moved), "it follows the drawing"
    elif nets[0].card.role == "sketch_reader":
        reading = models.open(nets[0], "sketch_reader").read(
            hopper().pixels[:200, :200], kit().shapes.model.mirror[:468]
        )
        assert reading.points.shape == (468, 2) and reading.hair.ndim == 2 and reading.hair.min() >= 0
        assert -1 <= reading.traits["sex"] <= 1 and 0 <= reading.traits["glasses"] <= 1
    elif nets[0].card.role == "encoder":
        ((_, crop),) = verbs.align(hopper(), size=nets[0].card.size, kit=kit())
        ws = models.open(nets[0], "encoder").invert(crop)
        assert (
            ws.shape == nets[0].run(pixels=np.zeros((1, 3, crop.size, crop.size), np.float32))["ws"].shape[1:]
            and np.isfinite(ws).all()
        )
    else:
        for path in written:
            verbs.import_network(path, path.stem)
        first, again = (list(verbs.generate("net", [0, 1], truncation=0.7, kit=mine)) for _ in range(2))
        assert np.array_equal(first[0].pixels, again[0].pixels) and not np.array_equal(
            first[0].pixels, first[1].pixels
        )
        assert first[0].history[0].source_type == "trainedAlgorithmicMedia"


@pytest.mark.parametrize("run", ["retouch", "stylegan2"], indirect=True)  # one part, several
def test_export_refuses_what_differs(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exporter, "_difference", lambda *_: float("nan"))
    with pytest.raises(ModelError, match="nothing was written"):
        verbs.export(run, tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())


def test_a_loss_that_is_not_finite_stops_the_run(data: list[Path], tmp_path: Path):
    with pytest.raises(MienError, match="not finite"):
        verbs.train("retouch", data, tmp_path / "run", preset="tiny", overrides={"lr": "inf", "steps": "4"})


def test_interrupted_by_the_keyboard_saves(data: list[Path], tmp_path: Path):
    command = [
        sys.executable,
        "-m",
        "mien",
        "train",
        "retouch",
        *map(str, data),
        "-o",
        str(tmp_path / "run"),
        "--preset",
        "tiny",
        "--set",
        "steps=100000",
    ]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    log = tmp_path / "run" / "log.jsonl"
    until = time.monotonic() + 60
    while not (log.is_file() and log.stat().st_size) and time.monotonic() < until:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130 and "--resume" in said and "Traceback" not in said
    assert list((tmp_path / "run").glob("step-*.safetensors"))


@pytest.mark.parametrize("run", ["retouch"], indirect=True)
def test_requests_that_make_no_sense(data: list[Path], run: Path, tmp_path: Path):
    for how, error, said in (
        ({"family": "retouche"}, RequestError, "there are .*retouch"),
        ({"preset": "huge"}, RequestError, "tiny"),
        ({"overrides": {"speed": "9"}}, RequestError, "no knob 'speed'"),
        ({"overrides": {"steps": "many"}}, RequestError, "wants a int"),
        ({"overrides": {"size": "65"}}, RequestError, "multiple of"),
        ({"data": [tmp_path / "gone"]}, InputError, "no such folder"),
        ({"data": [tmp_path]}, InputError, "two folders"),
        ({"run": run}, OutputError, "holds a run already"),
    ):
        given: dict[str, Any] = {
            "family": "retouch",
            "data": data,
            "run": tmp_path / "new",
            "preset": "tiny",
        } | how
        with pytest.raises(error, match=said):
            verbs.train(given.pop("family"), given.pop("data"), given.pop("run"), **given)
    with pytest.raises(InputError, match="not the folder of a run"):
        verbs.export(tmp_path, tmp_path / "net.onnx")


def test_prototypes_are_computed_by_one_command(data: list[Path], tmp_path: Path):
    from mien.models.prototypes import Prototypes

    faces, pairs = data
    error = verbs.prototypes(faces, pairs, tmp_path / "p.npz")
    assert set(error) == {"age_error_years", "sex_right", "glasses_right"}
    again = Prototypes("p", tmp_path / "p.npz", "")
    assert again.card.role == "prototypes" and np.isfinite(again.mouth_of(1.0)).all()


def test_the_parser_begins_with_one_that_was_exported(
    data: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    knobs = {"steps": "1", "widths": "8,8,8"}
    verbs.train("parser", data, tmp_path / "first", preset="tiny", overrides=knobs)
    verbs.export(tmp_path / "first", tmp_path / "first.onnx", bits=16)
    knobs = {"steps": "1", "lr": "1e-9"}
    verbs.train(
        "parser",
        data[:1],
        tmp_path / "second",
        preset="tiny",
        overrides=knobs,
        start=[tmp_path / "first.onnx"],
    )
    assert "begins with" in capfd.readouterr().err
    theirs, mine = (load_file(tmp_path / name / "best.safetensors") for name in ("first", "second"))
    assert theirs.keys() == mine.keys()
    assert all(torch.allclose(theirs[key], mine[key], atol=1e-3) for key in theirs)
    about = json.loads((tmp_path / "second" / "run.json").read_text())
    assert about["began"][0]["name"] == "first.onnx" and about["licence"] == "Apache-2.0"
    (tmp_path / "junk.onnx").write_bytes(b"junk")
    with pytest.raises(InputError, match=r"junk\.onnx cannot be read"):
        verbs.train("parser", data[:1], tmp_path / "third", preset="tiny", start=[tmp_path / "junk.onnx"])
    with pytest.raises(InputError, match=r"gone\.onnx"):
        verbs.train("parser", data[:1], tmp_path / "third", preset="tiny", start=[tmp_path / "gone.onnx"])
