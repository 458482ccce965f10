"""`mien studio` as a process: what it prints, who may speak to it, how it ends."""

from __future__ import annotations

import http.client
import runpy
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from studios import start

from mien import verify

CLIENT = Path(__file__).parents[2] / "examples" / "studio_client.py"


def test_a_program_edits_a_photo_through_it(
    tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    running = start(tmp_path / "home")
    try:
        out = tmp_path / "out.jpg"
        monkeypatch.setattr(sys, "argv", ["studio_client.py", running.url, str(photo), str(out)])
        runpy.run_path(str(CLIENT), run_name="__main__")
        assert capsys.readouterr().out.startswith("1 face(s)")
        history = verify(out).history
        assert history[-1].arguments["light"] == 0.3
        monkeypatch.setattr(sys, "argv", ["studio_client.py", running.url, str(CLIENT), str(out)])
        with pytest.raises(SystemExit, match="a JPEG, PNG"):
            runpy.run_path(str(CLIENT), run_name="__main__")

        host = running.url.removeprefix("http://").split("/")[0]
        line = http.client.HTTPConnection(host)
        line.request("GET", "/api", headers={"Host": "evil.example"})
        answer = line.getresponse()
        assert answer.status == 421 and answer.getheader("server") is None
        assert stat.S_IMODE((tmp_path / "home" / "studio").stat().st_mode) == 0o700
    finally:
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(20) == 0
    assert not list((tmp_path / "home" / "studio").glob("session-*"))


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
