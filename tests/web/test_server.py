"""`mien studio` as a process: what it prints, who may speak to it, how it ends."""

from __future__ import annotations

import http.client
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from studios import start

pytest.importorskip("uvicorn", reason="needs the extra 'studio'")

from mien.web.guard import Door


def test_it_answers_to_its_own_name_and_ends_on_ctrl_c(tmp_path: Path):
    running = start(tmp_path / "home")
    try:
        host = running.url.removeprefix("http://").split("/")[0]
        line = http.client.HTTPConnection(host)
        line.request("GET", "/api", headers={"Host": "evil.example"})
        answer = line.getresponse()
        assert answer.status == 421 and answer.getheader("server") is None
        answer.read()
        assert min(seconds_of_an_answer(line) for _ in range(20)) < 0.02, "head and body are sent at once"
        assert stat.S_IMODE((tmp_path / "home" / "studio").stat().st_mode) == 0o700
    finally:
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(20) == 0
    assert not list((tmp_path / "home" / "studio").glob("session-*"))


def test_it_ends_without_a_word_while_a_page_listens(tmp_path: Path):
    running = start(tmp_path / "home")
    host, token = running.url.removeprefix("http://").split("/?token=")
    door = Door(int(host.split(":")[1]))
    line = http.client.HTTPConnection(host)
    line.request("GET", "/api/events", headers={"Cookie": f"{door.cookie}={token}"})
    assert line.getresponse().readline() == b": here\n"
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(20) == 0
    assert running.errors.read_text().endswith("Ctrl-C ends it\n")


def seconds_of_an_answer(line: http.client.HTTPConnection) -> float:
    began = time.perf_counter()
    line.request("GET", "/api")
    line.getresponse().read()
    return time.perf_counter() - began


def test_a_port_that_is_taken_is_told(tmp_path: Path):
    running = start(tmp_path / "home")
    try:
        port = running.url.split(":")[2].split("/")[0]
        command = [sys.executable, "-m", "mien", "studio", "--no-browser", "--port", port]
        told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert told.returncode == 2 and f"port {port} is taken: choose another with --port" in told.stderr
        assert "Traceback" not in told.stderr
    finally:
        running.process.terminate()
        running.process.wait(20)


def test_without_its_packages_it_says_what_to_type(mien: Callable[..., Any], monkeypatch: pytest.MonkeyPatch):
    for name in [name for name in sys.modules if name == "uvicorn" or name.startswith("mien.web")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    ran = mien("studio", "--no-browser")
    assert ran.code == 2 and ran.err.strip().endswith("pip install 'mien[studio]'") and "uvicorn" in ran.err
