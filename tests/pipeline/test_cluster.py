"""Many machines: the work of a Ray cluster is that of this machine's processes, whatever dies on the way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import Mien, save
from films import film

from mien import offline, read, verify
from mien.types import Array

HOST = "127.0.0.2"  # of this machine alone; Ray would take 127.0.0.1 for an address that others reach


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a cluster on this machine, of two workers."""
    pytest.importorskip("ray")
    if not Path("/proc/self").is_dir():
        pytest.skip("no /proc here that tells which process is a worker")
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = str(free.getsockname()[1])
    folder = tempfile.mkdtemp(prefix="ray")  # sockets want short names
    words = (
        f"start --head --block --port=0 --num-cpus=2 --node-ip-address={HOST} --ray-client-server-port={port}"
    )
    more = f"--temp-dir={folder} --include-dashboard=false --object-store-memory=80000000 --min-worker-port=0 --max-worker-port=0"
    command = [str(Path(sys.executable).with_name("ray")), *words.split(), *more.split()]
    quiet = os.environ | {"RAY_USAGE_STATS_ENABLED": "0"}
    with subprocess.Popen(
        command, env=quiet, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout and any("runtime started" in line for line in process.stdout)
        yield f"ray://{HOST}:{port}"
        process.terminate()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def inputs(tmp_path: Path, portrait: Array) -> Path:
    """A folder with six small portraits, each a little darker, one picture of nobody, and a short clip."""
    folder = tmp_path / "in"
    folder.mkdir()
    small = cv2.resize(portrait, (256, 300), interpolation=cv2.INTER_AREA)
    for i in range(6):
        save(folder / f"{i}.png", (small * (1 - i / 20)).astype(np.uint8))
    save(folder / "blank.png", np.full((64, 64, 3), 127, np.uint8))
    film(folder / "clip.mp4", [small] * 4)
    return folder


def kill_one(out: Path, killed: list[int], name: bytes = b"ray::Worker.do") -> None:
    """Once something is made, end a process of the cluster, one that is at work or another, as a machine that is
    switched off does."""
    deadline = time.monotonic() + 60
    while not killed and time.monotonic() < deadline:
        time.sleep(0.003)
        if not any(out.glob("[0-9].png")):
            continue
        for one in Path("/proc").glob("[0-9]*"):
            try:
                if name in (one / "cmdline").read_bytes().split(b"\0")[0]:
                    os.kill(int(one.name), signal.SIGKILL)
                    killed.append(int(one.name))
                    break
            except OSError:
                continue


def test_a_cluster_does_as_this_machine_does_though_a_worker_dies(
    mien: Mien, cluster: str, inputs: Path, tmp_path: Path
):
    here, there = tmp_path / "here", tmp_path / "there"
    asked = "edit", inputs, "--smile", 0.5, "--json"
    assert mien(*asked, "--workers", 2, "-o", here).code == 1
    killed = list[int]()
    killer = threading.Thread(target=kill_one, args=(there, killed))
    killer.start()
    ran = mien(*asked, "--on", cluster, "-o", there)
    killer.join()
    assert killed and ran.code == 1, ran.err
    told = [json.loads(line) for line in ran.out.splitlines()]
    assert sorted(Path(one["input"]).name for one in told) == sorted(path.name for path in inputs.iterdir())
    assert [one["output"] for one in told if one["state"] == "failed"] == [str(there / "blank.png")]
    assert all("machine" in one for one in told if one["state"] == "done")
    assert sorted(path.name for path in there.iterdir()) == sorted(path.name for path in here.iterdir())
    for path in here.iterdir():
        assert verify(there / path.name).history[-1].arguments == verify(path).history[-1].arguments
        if path.suffix == ".png":
            assert np.array_equal(read(there / path.name).pixels, read(path).pixels)
    (there / "3.png").unlink()
    (there / "clip.mp4").unlink()
    ran = mien(*asked, "--on", cluster, "-o", there, "--resume")
    assert "2 done, 5 skipped, 1 failed" in ran.err, ran.err


def test_nothing_but_the_cluster_is_reached(cluster: str, photo: Path, tmp_path: Path):
    words = "edit", str(photo), "--warmth", "0.5", "-o", str(tmp_path / "out.jpg"), "--on", cluster
    tried = offline.watched([["-m", "mien", *words]], tmp_path)
    open_to = [line.partition(" socket to ")[2].split(",")[0] for line in tried if "has an open" in line]
    reached = {address.removeprefix("::ffff:") for address in open_to}
    assert HOST in reached, "the watch sees it"
    assert reached <= {HOST, "nobody"}, tried
    asked = [line for line in tried if line.startswith(("looked up", "socket.connect", "socket.sendto"))]
    assert not asked, "names and addresses that Ray's statistics would need"


def test_a_cluster_that_ends_is_told(
    mien: Mien, cluster: str, inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The last test of this cluster."""
    monkeypatch.setenv("RAY_CLIENT_RECONNECT_GRACE_PERIOD", "1")
    out, killed = tmp_path / "out", list[int]()
    killer = threading.Thread(target=kill_one, args=(out, killed, b"gcs_server"))
    killer.start()
    ran = mien("edit", inputs, "--smile", 0.5, "--on", cluster, "-o", out)
    killer.join()
    assert (
        killed
        and ran.code == 2
        and "answers no longer: start it again, and the same command with --resume" in ran.err
    )
    assert not list(out.glob("*.part")) and "Traceback" not in ran.err


def test_what_is_no_cluster_is_told(mien: Mien, photo: Path, tmp_path: Path):
    for name in ("there", "", "ray://", "ray://host"):
        ran = mien("edit", photo, "--warmth", 0.5, "-o", tmp_path / "out.jpg", "--on", name)
        assert ran.code == 2 and f"--on {name!r} names no cluster: auto was wanted" in ran.err
    assert not (tmp_path / "out.jpg").exists()
