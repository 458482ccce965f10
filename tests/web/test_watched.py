"""The studio at work, watched: it listens on this computer, and speaks to nobody."""

from pathlib import Path

import pytest

from mien import offline

pytest.importorskip("uvicorn", reason="needs the extra 'studio'")

PROGRAM = """
import http.client, json, os, signal, sys, threading
from mien.web.server import serve_studio

def use(url):
    host, token = url.removeprefix("http://").split("/?token=")
    line = http.client.HTTPConnection(host)
    own = {"Cookie": f"mien_{host.split(':')[1]}={token}", "Origin": f"http://{host}"}
    try:
        line.request("GET", "/api/media", headers=own)
        picture = json.loads(line.getresponse().read())[0]["id"]
        line.request("POST", f"/api/media/{picture}/render", '{"request": {"light": 0.5}}', own)
        assert line.getresponse().status == 201
    finally:
        os.kill(os.getpid(), signal.SIGINT)

serve_studio(0, lambda url: threading.Thread(target=use, args=(url,)).start())
"""


def test_the_studio_reaches_nobody(tmp_path: Path):
    (tmp_path / "program.py").write_text(PROGRAM)
    tried = offline.watched([["program.py"]], tmp_path)
    assert any("socket.bind ('127.0.0.1'" in line for line in tried)
    # a socket that listens has no other end
    here = ("127.0.0.1", "(family 2)", "AF_INET socket to nobody")
    assert not [line for line in tried if not any(one in line for one in here)]
