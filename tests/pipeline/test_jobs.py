"""Jobs outlive who asked for them: a killed worker's task waits again, and what is done twice is done once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from mien import verify
from mien.errors import DeclinedError, RequestError
from mien.pipeline import job_worker, jobs
from mien.pipeline.jobs import Queue

WORKER = "import sys; from pathlib import Path; from mien.pipeline.job_worker import work; work(Path(sys.argv[1]), idle=1)"


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    return Queue(tmp_path / "studio.db")


def items(folder: Path, count: int, source: Path) -> list[tuple[str, Path, Path]]:
    return [(f"photo {i}.jpg", source, folder / f"out-{i}.jpg") for i in range(count)]


def state(queue: Queue, id: str) -> str:
    return str(queue.job(id)["state"])


def test_a_task_goes_to_one_worker(queue: Queue, tmp_path: Path):
    queue.put("edit", {"smile": 0.5}, items(tmp_path, 40, tmp_path / "photo.jpg"))
    claimed: list[int] = []

    def claim(name: str) -> None:
        while task := queue.claim(name):
            claimed.append(task.id)
            queue.end(task, name, "done", "", 0.1)

    threads = [threading.Thread(target=claim, args=(f"w{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == list(range(1, 41))


def test_a_lease_that_nobody_renews_ends(queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    id = queue.put("edit", {}, items(tmp_path, 1, tmp_path / "photo.jpg"))
    monkeypatch.setattr(jobs, "LEASE", 0.05)
    lost = queue.claim("dead")
    assert lost and queue.claim("alive") is None and state(queue, id) == "running"
    time.sleep(0.06)
    assert queue.waits()
    again = queue.claim("alive")
    assert again and again.tries == 2
    assert not queue.renew(lost, "dead", 0, 1), "who lost it is told"
    queue.end(lost, "dead", "failed", "late", 1)
    assert state(queue, id) == "running", "and has no say any more"


def test_pause_retry_and_what_is_told(queue: Queue, tmp_path: Path):
    id = queue.put("edit", {}, items(tmp_path, 3, tmp_path / "photo.jpg"), key="once")
    assert queue.put("edit", {}, items(tmp_path, 3, tmp_path / "photo.jpg"), key="once") == id
    task = queue.claim("w")
    assert task
    queue.wish(id, "paused")
    assert not queue.renew(task, "w", 1, 4), "who works at it is to stop"
    queue.end(task, "w", "failed", "no face", 2.0)
    assert queue.claim("w") is None and state(queue, id) == "paused" and not queue.waits()
    queue.wish(id, "active")
    told = queue.job(id)
    assert (told["failed"], told["waiting"], told["seconds_left"]) == (1, 2, 4)
    queue.retry(id)
    assert queue.job(id)["waiting"] == 3
    assert queue.events(0) == [(queue.last_event(), id)] and queue.events(queue.last_event()) == []
    with pytest.raises(RequestError, match="cannot be 'gone'"):
        queue.wish(id, "gone")
    queue.remove(id)
    with pytest.raises(KeyError):
        queue.job(id)


def test_ten_thousand_tasks_are_looked_at_quickly(queue: Queue, tmp_path: Path):
    id = queue.put("edit", {}, items(tmp_path, 10_000, tmp_path / "photo.jpg"))
    began = time.process_time()
    assert queue.claim("w") and queue.job(id)["total"] == 10_000
    assert [task["id"] for task in queue.tasks(id, after=9_990)] == list(range(9_991, 10_001))
    assert time.process_time() - began < 1


def test_a_killed_worker_loses_nothing(
    queue: Queue, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """kill -9 in the middle of a job: another one ends it, with the results of a run that nothing has disturbed."""
    id = queue.put("edit", {"light": 0.5}, items(tmp_path, 3, photo))
    worker = subprocess.Popen([sys.executable, "-c", WORKER, str(queue.path)])
    while queue.job(id)["done"] < 1:
        time.sleep(0.05)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    monkeypatch.setattr(jobs, "LEASE", 0.0)
    with queue._writing() as db:  # pyright: ignore[reportPrivateUsage] - the time that the lease had left is over
        db.execute("UPDATE task SET lease = 0")
    monkeypatch.setattr(jobs, "LEASE", 60.0)
    job_worker.work(queue.path, idle=0.3)
    assert state(queue, id) == "done" and queue.job(id)["failed"] == 0
    results = [tmp_path / f"out-{i}.jpg" for i in range(3)]
    assert {verify(path).state for path in results} == {"intact"}
    sizes = {len(_pixels(path)) for path in results}
    assert len(sizes) == 1 and len({_pixels(path) for path in results}) == 1
    assert not list(tmp_path.glob(".mien-*")), "no draft is left"


def _pixels(path: Path) -> bytes:
    import mien

    return mien.read(path).pixels.tobytes()


def test_one_broken_file_does_not_stop_the_others(queue: Queue, photo: Path, tmp_path: Path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff nothing")
    some = [("broken.jpg", broken, tmp_path / "out-0.jpg"), ("fine.jpg", photo, tmp_path / "out-1.jpg")]
    id = queue.put("edit", {"light": 0.5}, some)
    job_worker.work(queue.path, idle=0.3)
    told: list[dict[str, Any]] = queue.tasks(id)
    assert [task["state"] for task in told] == ["failed", "done"] and state(queue, id) == "failed"
    assert told[0]["note"].startswith("broken.jpg") and str(tmp_path) not in told[0]["note"]


def test_what_is_declined_has_not_failed(
    queue: Queue, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """As `mien edit` tells it of a folder, and it is not tried again."""

    def declined(*_: Any, **__: Any) -> str:
        raise DeclinedError(f"{photo}: the hair is under a hat")

    monkeypatch.setattr(job_worker, "carry_out", declined)
    id = queue.put("edit", {"hairstyle": "bob"}, items(tmp_path, 2, photo))
    job_worker.work(queue.path, idle=0.3)
    told = queue.job(id)
    assert (told["declined"], told["failed"], told["share"], told["state"]) == (2, 0, 1, "declined")
    assert {(task["state"], task["note"]) for task in queue.tasks(id)} == {
        ("declined", f"photo {i}.jpg: the hair is under a hat") for i in range(2)
    }
    queue.retry(id)
    assert queue.job(id)["waiting"] == 0


def test_a_worker_that_is_told_to_end_lets_its_task_go(
    queue: Queue, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """As training hears it: it has saved, and the task has not failed."""

    def interrupted(*_: Any, **__: Any) -> str:
        raise KeyboardInterrupt("stopped and saved after step 7")

    monkeypatch.setattr(job_worker, "carry_out", interrupted)
    id = queue.put("train", {}, items(tmp_path, 1, photo))
    job_worker.work(queue.path, training=True, idle=60)
    assert state(queue, id) == "waiting" and [task["tries"] for task in queue.tasks(id)] == [0]


def test_requests_are_checked():
    asked = job_worker.edit_requested({"smile": 0.5, "face": "1"})
    assert asked.strengths == {"smile": 0.5} and asked.face == "1"
    for wrong in ({"smile": 7}, {"smile": "much"}, {"face": 1}, {"smile": 1, "grin": 1}):
        with pytest.raises(RequestError):
            job_worker.edit_requested(wrong)
    with pytest.raises(RequestError, match="no job does 'print'"):
        job_worker.requested("print", {})
