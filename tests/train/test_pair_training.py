"""A pair in training: beside other jobs, killed, and gone on with as if nothing had happened."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import Stops, save
from faces import hopper

pytest.importorskip("torch", reason="training needs the extra 'train'")

from safetensors.torch import load_file

from mien.pipeline import job_worker, training_run
from mien.pipeline.jobs import Queue
from mien.pipeline.networks import train
from mien.pipeline.pair import SIDES, Pair, extract_side
from mien.types import SILENT

WORKER = "import sys; from pathlib import Path; from mien.pipeline.job_worker import work; work(Path(sys.argv[1]), training=True, idle=1)"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    folder = tmp_path_factory.mktemp("pair")
    lights = [
        save(folder / f"{i}.png", (hopper().pixels * light).astype(np.uint8))
        for i, light in enumerate((1, 0.7, 0.5))
    ]
    made = Pair.new(folder / "pair", ("Ann", "Bea"), "both, by mail", (lights, lights))
    for side in SIDES:
        extract_side(made.side(side), "Ann", 1, SILENT)
    return made


def test_training_keeps_nobody_waiting(tmp_path: Path):
    queue = Queue(tmp_path / "studio.db")
    item = [("x", tmp_path, tmp_path / "out")]
    queue.put("train", {}, item)
    assert queue.waits(training=True) and not queue.waits() and queue.claim("w") is None
    queue.put("edit", {}, item)
    first, second = queue.claim("w"), queue.claim("t", training=True)
    assert first and second and (first.verb, second.verb) == ("edit", "train")
    queue.end(second, "t", "waiting", "", 1)
    again = queue.claim("t", training=True)
    assert again and again.tries == 1, "who lets go in good order has not failed"


def test_killed_and_gone_on_with_is_as_if_nothing_had_happened(pair: Pair, tmp_path: Path):
    data, steps = [pair.side(side).learned() for side in SIDES], {"steps": "32"}
    train("autoencoder", data, tmp_path / "whole", preset="tiny", overrides=steps, progress=SILENT)
    with pytest.raises(KeyboardInterrupt, match="saved after step 2"):
        train("autoencoder", data, pair.run, preset="tiny", overrides=steps, progress=Stops(2))
    queue = Queue(tmp_path / "studio.db")
    id = queue.put("train", {"pair": "1", "preset": "trial"}, [("Ann + Bea", pair.folder, pair.run)])
    worker = subprocess.Popen([sys.executable, "-c", WORKER, str(queue.path)])
    while not (pair.run / "preview-000008.png").exists():
        time.sleep(0.005)
    worker.kill()
    worker.wait()
    assert training_run.told(pair.run)["step"] < 32 and queue.job(id)["state"] == "running"
    with queue._writing() as db:  # pyright: ignore[reportPrivateUsage] - the time that the lease had left is over
        db.execute("UPDATE task SET lease = 0")
    job_worker.work(queue.path, training=True, idle=0.1)
    assert queue.job(id)["state"] == "done" and training_run.told(pair.run)["step"] == 32
    ends = [load_file(run / "step-000032.safetensors") for run in (tmp_path / "whole", pair.run)]
    assert ends[0].keys() == ends[1].keys()
    assert all(bool((ends[0][key] == ends[1][key]).all()) for key in ends[0])
    assert training_run.told(pair.run)["previews"] == [8, 16, 24, 32]
