"""The studio as tests speak to it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from mien.web.guard import Door

DOOR = Door(8700)
ORIGIN = f"http://{DOOR.hosts[0]}"


@dataclass
class Running:
    """A studio in a process of its own."""

    process: subprocess.Popen[str]
    url: str
    told: dict[str, str]
    errors: Path  # what it wrote to stderr


def start(home: Path, *more: str) -> Running:
    command = [sys.executable, "-m", "mien", "studio", "--no-browser", "--json", *more]
    errors = home.with_name(f"{home.name}-stderr.txt")
    with errors.open("w") as file:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
            env=os.environ | {"MIEN_HOME": str(home)},
        )
    assert process.stdout
    told = json.loads(process.stdout.readline())
    assert told["pid"] == process.pid
    return Running(process, told["url"], told, errors)
