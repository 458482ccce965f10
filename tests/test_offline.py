"""Nothing leaves the machine: every verb is watched, and the watch itself is tried on what does reach out."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import c2pa  # pyright: ignore[reportMissingTypeStubs]
import pytest
from faces import HOPPER

from mien import offline
from mien.cli.app import COMMANDS
from mien.io import certificate as signer
from mien.io import content_credentials as provenance
from mien.io import photo_reader as image
from mien.io import photo_writer
from mien.types import Step

HOOKED = "import socket; socket.socket(); socket.getaddrinfo('localhost', 80)"
NATIVE = """
import ctypes, time
libc = ctypes.CDLL(None)
one = libc.socket(2, 1, 0)  # neither bound nor connected, so in no table of the system's
time.sleep(0.2)
"""
WORKER = "import concurrent.futures as f, socket\nif __name__ == '__main__':\n    f.ProcessPoolExecutor(1).submit(socket.socket).result()"
LEFT = "import pathlib; (pathlib.Path.home() / '.id').write_text('me')"

OWN = (  # with networks of the user's
    "generate --with eigen --seeds 0-1 -o .",
    "directions eigen --count 50",
    f"edit {HOPPER} --with eigen --age 5 -o aged.png",
    "train style faces faces -o run --preset tiny --set steps=2",
    "export run -o style.onnx",
    "models import style.onnx --name painted",
    f"stylize {HOPPER} --with painted --style {HOPPER} -o painted.png",
)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (HOOKED, "opened an internet socket"),
        (HOOKED, "looked up localhost"),
        (NATIVE, "has an open AF_INET socket to nobody"),
        (LEFT, "left .id"),
    ],
)
def test_the_watch_sees(tmp_path: Path, code: str, said: str):
    if code is NATIVE and not offline.looks_inside():
        pytest.skip("what machine code opens is seen in /proc only")
    assert any(said in line for line in offline.watched([["-c", code]], tmp_path))


def test_the_watch_sees_what_workers_do(tmp_path: Path):
    (tmp_path / "program.py").write_text(WORKER)
    assert offline.watched([["program.py"]], tmp_path)


def test_no_verb_reaches_out():
    told = offline.offline_proof()
    assert told["tried"] == [] and len(told["commands"]) > 10


@pytest.mark.train
def test_no_network_of_the_user_reaches_out(tmp_path: Path):
    """Nor do the verbs that need one, training among them."""
    pytest.importorskip("torch")
    import eigenfaces

    parts = [str(path) for path in eigenfaces.write(tmp_path)]
    faces = tmp_path / "faces"
    faces.mkdir()
    for i in range(3):
        photo_writer.write(image.read(HOPPER), faces / f"{i}.png")
    lines = [*(f"models import {path} --name {Path(path).stem}" for path in parts), *OWN]
    assert offline.watched([["-c", offline.COMMANDS, *lines]], tmp_path) == []


def test_every_command_is_watched(tmp_path: Path):
    tried = {line.split()[0] for line in (*offline.commands(tmp_path), *OWN)}
    others = {"prototypes", "collage"}  # do what train does
    assert set(COMMANDS) - tried == others | {"studio", "serve"}, "which is watched in tests/web"


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """A server on this machine, and what it is asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *args: Any) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}/label.c2pa", asked
        running.shutdown()


@pytest.fixture
def elsewhere(server: tuple[str, list[str]], tmp_path: Path) -> Path:
    """A picture whose label is not in it but at an address."""
    out, (url, _) = tmp_path / "elsewhere.jpg", server
    hand = c2pa.Signer.from_info(c2pa.C2paSignerInfo(*signer.credentials(), None))  # pyright: ignore[reportArgumentType]
    settings = {"version": 1, "verify": {"verify_after_sign": False, "remote_manifest_fetch": False}}
    with (
        c2pa.Context.from_dict(settings, hand) as context,
        c2pa.Builder({"claim_generator_info": [{"name": "other"}]}, context) as builder,
    ):
        builder.set_no_embed()
        builder.set_remote_url(url)
        with HOPPER.open("rb") as source, out.open("wb+") as target:
            builder.sign("image/jpeg", source, target)
    return out


def test_a_label_elsewhere_is_not_fetched(server: tuple[str, list[str]], elsewhere: Path, tmp_path: Path):
    """Neither when it is read nor when the picture is edited; though it would be, if the library were left to
    itself."""
    verdict = provenance.verify(elsewhere)
    assert verdict.state == "unlabelled" and "mien fetches nothing" in verdict.reasons[0]
    photo = image.read(elsewhere)
    photo_writer.write(photo.after(Step("edit", {}), photo.pixels), tmp_path / "out.jpg")
    assert server[1] == []
    with pytest.raises(c2pa.C2paError):
        c2pa.Reader(elsewhere)
    assert server[1] == ["/label.c2pa"], "the test sees a fetch where there is one"
