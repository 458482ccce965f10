"""Proof that nothing leaves this computer: mien at work in processes that are watched, and what they tried to
reach.

    watched(programs, folder)   run programs there -> whatever any of their processes tried
    offline_proof()             every verb that needs no network of yours, watched

Two things watch every process, workers and what those start included. An audit hook of Python (PEP 578) is
told of each socket, each name that is looked up and each address that is connected to before it happens. What
libraries do in machine code no hook is told, so a thread looks every few milliseconds through the sockets
that the system says are open (where it does: in /proc). And since what cannot be sent now may be kept for
later, the home folder, which is new and empty, is looked through in the end.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .arguments import checked
from .errors import OutputError
from .io import clip_writer as video
from .io import photo_reader as image
from .io import photo_writer
from .paths import PORTRAIT
from .types import Step

LOG = "MIEN_WATCH_LOG"
# Python runs a module of this name at the start of every process that finds it on its path.
WATCHER = """
import os, socket, sys, threading, time

INTERNET = (2, 10, 23, 30)

def tell(text, log=os.environ["MIEN_WATCH_LOG"]):
    with open(log, "a", encoding="utf-8") as file:
        file.write(f"{text}, by {' '.join(sys.argv[:3]) or 'a worker'}\\n")

def heard(event, told):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        tell(f"looked up {told[0]}")
    elif event in ("socket.connect", "socket.bind", "socket.sendto") and isinstance(told[1], tuple):
        tell(f"{event} {told[1]}")
    elif event == "socket.__new__" and int(told[1]) in INTERNET:
        tell(f"opened an internet socket (family {int(told[1])})")

def reached(twin):
    try:
        return twin.getpeername()[0]
    except OSError:  # nobody yet
        return "nobody"

def looked_at(number, seen):
    try:
        name = os.readlink(f"/proc/self/fd/{number}")
        if not name.startswith("socket:[") or name in seen:
            return
        with socket.socket(fileno=os.dup(int(number))) as twin:
            to = reached(twin) if twin.family in INTERNET else ""
            if to and (name, to) not in seen:
                tell(f"has an open {twin.family.name} socket to {to}")
    except OSError:  # closed since
        return
    seen.add((name, to) if to == "nobody" else name)

def look():
    seen = set()
    while True:
        for number in os.listdir("/proc/self/fd"):
            looked_at(number, seen)
        time.sleep(0.003)

sys.addaudithook(heard)
if os.path.isdir("/proc/self/fd"):
    threading.Thread(target=look, daemon=True).start()
"""
# The command line, for one command after the other: what a first one keeps open is watched during the next.
COMMANDS = """
import sys
from mien.cli import app

for line in sys.argv[1:]:
    try:
        code = app(line.split(), standalone_mode=False, prog_name="mien")
    except SystemExit as end:
        code = end.code
    except Exception as error:
        code = f"{type(error).__name__}: {error}"
    if code:
        sys.exit(f"mien {line}: {code}")
"""


def watched(programs: Sequence[Sequence[str]], folder: Path) -> list[str]:
    """Run each program (what follows the Python interpreter) in `folder` with a home of its own in there; what
    their processes tried, a line each: addresses, names, and files that were left in the home folder. A program
    that fails is an `OutputError`."""
    home, log, path = folder / "home", folder / "watch.log", folder / "watch"
    home.mkdir()
    path.mkdir()
    (path / "sitecustomize.py").write_text(WATCHER, encoding="utf-8")
    own = {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "LOCALAPPDATA": str(home),
        "XDG_CACHE_HOME": str(home / ".cache"),
    }
    paths = os.pathsep.join(filter(None, [str(path), os.environ.get("PYTHONPATH")]))
    env = os.environ | own | {"MIEN_HOME": str(folder / "mien"), "PYTHONPATH": paths, LOG: str(log)}
    env.pop("ORT_DISABLE_TELEMETRY", None)  # it is mien that has to see to that
    for words in programs:
        done = subprocess.run(
            [sys.executable, *words], cwd=folder, env=env, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise OutputError(f"failed while it was watched: {done.stderr.strip()[-300:]}")
    tried = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    kept = [
        f"left {found.relative_to(home)} in the home folder"
        for found in sorted(home.rglob("*"))
        if found.is_file()
    ]
    return [*dict.fromkeys(tried), *kept]


def commands(folder: Path) -> tuple[str, ...]:
    """Every verb that needs no network of the user's, on the portrait in the box: a photo, two of them, a
    clip. Each is what would follow `mien`."""
    photos = folder / "photos"
    for place in (photos, folder / "out"):
        place.mkdir()
    photo = image.read(PORTRAIT)
    for name in ("one.jpg", "two.png"):
        photo_writer.write(photo, photos / name)
    shown = photo.pixels[: photo.pixels.shape[0] & ~1, : photo.pixels.shape[1] & ~1]
    video.write(
        (np.roll(shown, i, 1) for i in range(12)), folder / "clip.mp4", fps=12, history=(Step("test", {}),)
    )
    ran = {"input": "one.jpg", "output": "out/one.jpg", "state": "done"}
    (folder / "ran.jsonl").write_text(json.dumps(ran), encoding="utf-8")
    return (
        "find photos --json --identity --blendshapes",
        "find photos/one.jpg --draw drawn.png --masks masks",
        "align photos -o aligned",
        "edit photos/one.jpg --age 20 --smile 0.5 --hair blond --lips red --gaze 0.5 --beauty 0.5 --light 0.5 --glasses 1 -o out.jpg",
        "edit photos/one.jpg --sex -0.5 --beard -1 --grin 0.5 -o other.png",
        "edit photos/one.jpg --effect round-glasses -o worn.png",
        "effect template -o pack",
        "effect check pack",
        "edit photos/two.png --effect pack -o striped.png",
        "stylize photos/one.jpg --with ink -o drawn.jpg",
        "generate --seeds 0 -o .",
        "sketch drawn.jpg -o sketched.png",
        "frontalise photos/one.jpg -o front.png",
        "edit photos/one.jpg --face photos/two.png --by network --age 20 -o third.webp",
        "edit photos --mouth 0.5 --workers 2 -o out",
        "gallery photos/one.jpg -o person.gallery",
        "consent add Ann --note test --picture photos/one.jpg",
        "swap photos/two.png --source person.gallery --consent Ann -o swapped.jpg",
        "swap clip.mp4 --source person.gallery --consent test --strength 0.8 -o swapped.mp4",
        "edit clip.mp4 --smile 0.5 -o out.mp4",
        "extract clip.mp4 --like photos/one.jpg -o extracted",
        "motion clip.mp4 -o own.json",
        "motion show nod -o nod.png",
        "animate photos/one.jpg --motion own.json --consent test --size 256 -o moves.mp4",
        "animate photos/one.jpg --driving clip.mp4 --consent test --size 256 -o moves.gif",
        "live clip.mp4 --warmth 0.5 -o lives.mp4",
        "verify out.jpg",
        "report photos/one.jpg out.jpg --html report.html",
        "report clip.mp4 out.mp4",
        "merge-report ran.jsonl",
        "bench edits photos --edits smile=0.8",
        "bench swap photos --consent test",
        "models",
        "doctor",
    )


@checked
def offline_proof() -> dict[str, Any]:
    """Do everything once, watched, in a temporary folder: the commands, and what they "tried" to reach, which
    should be nothing."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = commands(folder)
        return {
            "commands": [f"mien {line}" for line in lines],
            "tried": watched([["-c", COMMANDS, *lines]], folder),
        }


def looks_inside() -> bool:
    """Whether sockets that libraries open in machine code would be seen, too."""
    return Path("/proc/self/fd").is_dir()
