"""The training loop's promises: whole checkpoints, other weights to begin with, clear words when memory, disk
or numbers run out."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra 'train'")

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from tensors import close
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from mien import verbs
from mien.errors import InputError, MienError, ModelError, OutputError, RequestError
from mien.train.data.pictures import Pictures
from mien.train.engine import checkpoints as runs
from mien.train.engine import fit
from mien.train.engine import initial_weights as origin
from mien.train.engine.accumulate import MicroBatches, statistics
from mien.train.families import stylegan2
from mien.train.families.stylegan2 import Batch
from mien.train.published import detect as official


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """16 smooth pictures, 40 x 50, and a file that is none."""
    folder, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for i in range(16):
        small = rng.uniform(0, 255, (4, 5, 3))
        pixels = cv2.resize(small, (50, 40), interpolation=cv2.INTER_CUBIC).clip(0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{i:02}.png"), pixels)
    (folder / "broken.jpg").write_bytes(b"no picture")
    return folder


def train(pictures: Path, folder: Path, steps: int | None = 2, **options: Any) -> float:
    options = {"preset": "tiny", "overrides": {} if steps is None else {"steps": str(steps)}} | options
    return verbs.train("stylegan2", [pictures], folder, **options)


@pytest.fixture(scope="module")
def run(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of four steps."""
    folder = tmp_path_factory.mktemp("runs") / "first"
    train(pictures, folder, 4)
    return folder


def start(pictures: Path, folder: Path, *more: str) -> "subprocess.Popen[str]":
    command = [
        sys.executable,
        "-m",
        "mien",
        "train",
        "stylegan2",
        str(pictures),
        "-o",
        str(folder),
        "--preset",
        "tiny",
        *more,
    ]
    return subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )


# --- Checkpoints


def test_a_run_keeps_the_newest_checkpoints_and_logs_every_step(run: Path, pictures: Path, tmp_path: Path):
    assert [path.name for path in runs.checkpoints(run)] == [
        "step-000003.safetensors",
        "step-000004.safetensors",
    ]
    assert runs.read_state(run / "step-000004.safetensors")["step"] == 4
    best = runs.read_state(run / "best.safetensors")
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3, 4] and all(
        line["images_per_s"] > 0 for line in lines
    )
    assert best["held_out"] == min(line["held_out"] for line in lines) and best["averaged"] == "G"
    assert list(run.glob("events.out.tfevents.*"))
    train(pictures, tmp_path / "run", 4, keep=1)
    assert len(runs.checkpoints(tmp_path / "run")) == 1


def test_slow_steps_are_saved_between_scores(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fit, "LONGEST", -1.0)
    folder, steps = tmp_path / "run", 8
    train(pictures, folder, steps, keep=steps + 1)
    assert [runs.read_state(path)["step"] for path in runs.checkpoints(folder)] == list(range(steps + 1))
    scored = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert ["held_out" in line for line in scored] == [False, True] * 4
    whole = load_file(runs.checkpoint(folder, steps))
    for path in runs.checkpoints(folder)[4:]:
        path.unlink()
    train(pictures, folder, None, resume=True)
    again = load_file(runs.checkpoint(folder, steps))
    assert all(torch.equal(whole[key], again[key]) for key in whole)


def test_a_damaged_checkpoint_is_passed_over(
    pictures: Path, run: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    folder = tmp_path / "run"
    train(pictures, folder, 4)
    whole = folder / "step-000004.safetensors"
    with (folder / "log.jsonl").open("a") as log:
        log.write('{"step": 5, "ti')  # cut by a kill
    for cut in (len(whole.read_bytes()) // 2, 4, 0):
        whole.write_bytes(whole.read_bytes()[:cut])
        capfd.readouterr()
        train(pictures, folder, None, resume=True)
        assert "going on from the one before" in capfd.readouterr().err
        again, once = load_file(whole), load_file(run / whole.name)
        assert all(torch.equal(again[key], once[key]) for key in once)
        assert [json.loads(line)["step"] for line in (folder / "log.jsonl").read_text().splitlines()] == [
            1,
            2,
            3,
            4,
        ]


def test_a_full_disk_loses_nothing(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder, count = tmp_path / "run", []

    def full(tensors: Any, path: Path, **more: Any) -> None:
        save_file(tensors, path, **more)
        count.append(path)
        if len(count) == 5:
            raise SafetensorError("No space left on device")

    monkeypatch.setattr(runs, "save_file", full)
    with pytest.raises(OutputError, match=r"No space left.*--resume"):
        train(pictures, folder, 4)
    assert not (folder / runs.PART).exists()
    assert train(pictures, folder, None, resume=True) > 0


def test_weights_that_are_not_finite_are_never_written(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    step = stylegan2.StyleGAN2.step

    def spoil(self: Any, shares: MicroBatches) -> Any:
        logs = step(self, shares)
        if shares.i == 2:
            self.G.synthesis.b8.conv1.bias.data[0] = float("nan")
        return logs

    monkeypatch.setattr(stylegan2.StyleGAN2, "step", spoil)
    with pytest.raises(MienError, match=r"weights are not finite.*step-000002"):
        train(pictures, tmp_path / "run", 4)
    assert all(
        one.isfinite().all()
        for path in runs.checkpoints(tmp_path / "run")
        for one in load_file(path).values()
    )


# --- Stopping


@pytest.mark.parametrize("devices", ["1", "2"])
def test_being_told_to_end_saves(pictures: Path, tmp_path: Path, devices: str):
    folder = tmp_path / "run"
    process = start(pictures, folder, "--set", "steps=100000", "--devices", devices)
    log, until = folder / "log.jsonl", time.monotonic() + 120
    while not (log.is_file() and log.stat().st_size) and time.monotonic() < until:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130 and "--resume" in said and "Traceback" not in said
    step = runs.read_state(runs.checkpoints(folder)[-1])["step"]
    assert step == len(log.read_text().splitlines()) > 0


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA out of memory"), MemoryError(), RuntimeError("DefaultCPUAllocator: no")],
)
def test_too_little_memory_is_said_with_numbers(
    pictures: Path, tmp_path: Path, error: Exception, monkeypatch: pytest.MonkeyPatch
):
    def exhausted(*_: Any) -> None:
        raise error

    monkeypatch.setattr(stylegan2.StyleGAN2, "step", exhausted)
    with pytest.raises(
        MienError, match=r"for 4 pictures at a time: --resume --accumulate 2 takes 2, .* --set batch="
    ) as caught:
        train(pictures, tmp_path / "run")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "said", ["Connection closed by peer [127.0.0.1]:1", "Read error: Connection reset by peer"]
)
def test_a_lost_process_is_said(pictures: Path, tmp_path: Path, said: str, monkeypatch: pytest.MonkeyPatch):
    def lost(*_: Any) -> None:
        raise RuntimeError(said)

    monkeypatch.setattr(stylegan2.StyleGAN2, "step", lost)
    with pytest.raises(MienError, match="another process that trains has ended"):
        train(pictures, tmp_path / "run")


# --- Shares


def test_batches_that_cannot_be_shared(pictures: Path, tmp_path: Path):
    for knobs, accumulate, said in (
        ({}, 3, "multiple of 3"),
        ({}, 4, "multiple of group 2"),
        ({"batch": "6"}, 2, "batch 3 must be"),
    ):
        with pytest.raises(RequestError, match=said):
            train(pictures, tmp_path / "run", None, knobs=knobs, accumulate=accumulate)
    assert not (tmp_path / "run").exists()


def test_torchrun_does_on_two_machines_what_accumulation_does(pictures: Path, tmp_path: Path):
    """Two agents, as on two machines, each with one process."""
    one, two = tmp_path / "one", tmp_path / "two"
    train(pictures, one, 2, accumulate=2)
    with socket.socket() as free:
        free.bind(("localhost", 0))
        first = f"localhost:{free.getsockname()[1]}"
    launch = (
        f"-m torch.distributed.run --nnodes 2 --nproc-per-node 1 --rdzv-backend c10d --rdzv-endpoint {first}"
    )
    asked = ["train", "stylegan2", str(pictures), "-o", str(two), "--preset", "tiny", "--set", "steps=2"]
    command = [sys.executable, *launch.split(), "-m", "mien", *asked]
    about: dict[str, Any] = {"env": {**os.environ, "OMP_NUM_THREADS": "1"}}
    agents = [subprocess.Popen(command, **about) for _ in range(2)]
    try:
        assert [agent.wait(240) for agent in agents] == [0, 0]
    finally:
        for agent in agents:
            agent.kill()
    first, second = (load_file(folder / "step-000002.safetensors") for folder in (one, two))
    assert all(close(first[key], second[key], 1e-5) for key in first)


def test_statistics_of_norms_move_as_the_mean_of_the_parts():
    torch.manual_seed(0)
    net = nn.Sequential(spectral_norm(nn.Conv2d(3, 4, 3)), nn.BatchNorm2d(4))
    before = {key: value.clone() for key, value in net.state_dict().items()}
    batch = Batch(torch.randn(4, 3, 8, 8), torch.zeros(4, 0))
    optimiser = torch.optim.SGD(net.parameters(), 0.0)

    def term(part: Batch) -> Any:
        loss = net(part.real).square().mean()
        return loss, {"loss": loss}

    means = []
    for part in batch.real.split(2):
        net.load_state_dict(before)
        net(part)
        means.append(net[1].running_mean.clone())  # pyright: ignore
    net.load_state_dict(before)
    MicroBatches(batch, 0, accumulate=2, statistics=statistics(net)).gradients(optimiser, term)
    after = net.state_dict()
    assert (
        torch.allclose(after["1.running_mean"], (means[0] + means[1]) / 2)
        and int(after["1.num_batches_tracked"]) == 1
    )
    assert torch.allclose(after["0.parametrizations.weight.0._u"].norm(), torch.ones(()))


# --- Beginning with other weights


def test_begin_with_a_run(pictures: Path, run: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    folder = tmp_path / "run"
    begin: dict[str, Any] = {
        "begin": [run],
        "preset": "cpu",
        "knobs": {"steps": "1", "batch": "4", "judged": "8", "freeze": "2", "lr": "1e-9"},
    }
    train(pictures, folder, **begin)
    about = runs.read_run(folder)
    assert (about["config"]["size"], about["config"]["z"], about["config"]["base"]) == (32, 16, 256)
    assert about["began"] == [{"name": "first", "kind": "stylegan2", "sha256": about["began"][0]["sha256"]}]
    assert (about["licence"], about["commercial"]) == ("Apache-2.0", True) and str(
        tmp_path
    ) not in json.dumps(about)
    assert "begins with" in capfd.readouterr().err
    theirs, mine = load_file(run / "best.safetensors"), load_file(folder / "best.safetensors")
    assert theirs.keys() == mine.keys() and all(
        torch.allclose(theirs[key], mine[key], atol=1e-2) for key in theirs
    )
    larger = tmp_path / "larger"
    train(pictures, larger, begin=[run], knobs={"size": "64", "steps": "1", "lr": "1e-9"})
    assert "begin anew" in capfd.readouterr().err
    mine = load_file(larger / "best.safetensors")
    assert torch.allclose(theirs["synthesis.b32.conv1.weight"], mine["synthesis.b32.conv1.weight"], atol=1e-5)


def test_begin_with_what_may_not_be_sold(
    pictures: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A published checkpoint's terms travel: to the run, and to a run that begins with that."""
    G, D = (load_file(run / name) for name in ("best.safetensors", "step-000004.safetensors"))
    nets = {"G_ema": G, "G": {}, "D": runs.below(D, "nets.D."), "encoder": {}}
    terms = ("LicenseRef-NC", "0" * 64, "StyleGAN2, NVIDIA", False)
    config = {"stylegan2": {key: getattr(stylegan2.PRESETS["tiny"], key) for key in stylegan2.FIXED}}
    monkeypatch.setattr(official, "read", lambda path: official.Checkpoint("nvidia", nets, config, *terms))
    file = tmp_path / "ffhq.pkl"
    file.touch()
    one = origin.read_origin(file)
    assert set(one.nets) == {"G", "D", "E"} and one.nets["G"] is G and one.knobs["size"] == 32
    train(pictures, tmp_path / "a", 1, begin=[file])
    train(pictures, tmp_path / "b", 1, begin=[tmp_path / "a", run])
    for name in "ab":
        about = runs.read_run(tmp_path / name)
        assert (
            about["licence"].startswith("LicenseRef-NC")
            and about["commercial"] is False
            and "NVIDIA" in about["notice"]
        )


def test_what_cannot_be_begun_with(pictures: Path, run: Path, tmp_path: Path):
    (tmp_path / "junk.pt").write_bytes(b"junk")
    for begin, error, said in (
        ([tmp_path], InputError, "not the folder of a run"),
        ([tmp_path / "gone.pkl"], InputError, "(?i)no such file"),
        ([tmp_path / "junk.pt"], ModelError, "junk.pt"),
    ):
        with pytest.raises(error, match=said):
            train(pictures, tmp_path / "new", begin=begin)
    with pytest.raises(RequestError, match="retouch cannot begin"):
        verbs.train("retouch", [pictures], tmp_path / "new", begin=[run])
    with pytest.raises(RequestError, match="leave out --from"):
        train(pictures, run, None, begin=[run], resume=True)
    with pytest.raises(RequestError, match="a run of stylegan2, not of retouch"):
        verbs.train("retouch", [pictures], run, resume=True)


# --- Pictures


def test_people_are_told_about_their_pictures(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    notes = "\n".join(Pictures([pictures], 64, 0, 0).notes())
    assert (
        "1 of 17 pictures (broken.jpg)" in notes
        and "16 of 16 pictures, the smallest from 40" in notes
        and "not square: 16 of 16" in notes
    )
    assert not [line for line in Pictures([pictures], 32, 0, 0).notes() if "enlarged" in line]
    with pytest.raises(InputError, match="holds no picture"):
        Pictures([pictures, tmp_path], 32, 0, 0)
    monkeypatch.setattr("mien.train.data.pictures.IN_MEMORY", 0)
    assert [path.name for path in Pictures([pictures], 32, 0, 0).skipped] == ["broken.jpg"]
