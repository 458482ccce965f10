"""The verbs about what is installed: which networks there are, and whether all of it works."""

from __future__ import annotations

import os
import platform
import tempfile
from pathlib import Path
from typing import Any

from . import paths
from ._version import __version__
from .arguments import checked
from .errors import ModelError
from .models import card as cards
from .models import catalogue as hub
from .models import session as runtime
from .models.card import Card


@checked
def models() -> list[dict[str, Any]]:
    """The networks in the box ("boxed") and the user's own: name, role, licence, size in bytes, sha256, state ("ok",
    "missing", "corrupt"), path, data credits and limits."""
    return [_describe(entry) for entry in hub.catalogue().values()]


def _describe(entry: hub.Entry) -> dict[str, Any]:
    state = hub.state(entry)
    row: dict[str, Any] = {
        "name": entry.name,
        "role": entry.role,
        "boxed": entry.bundled,
        "file": entry.path.name,
        "sha256": entry.sha256,
        "state": state,
        "path": str(entry.path),
    }
    row["bytes"] = entry.path.stat().st_size if state != "missing" else 0
    try:
        card = _card(entry) if state == "ok" else None
    except ModelError as error:
        return row | {"state": "corrupt", "licence": "", "limits": str(error)}
    return row | {
        key: getattr(card, key, "")
        for key in ("licence", "commercial", "description", "source", "data", "limits")
    }


def _card(entry: hub.Entry) -> Card:
    if entry.path.suffix == ".npz":
        return cards.arrays(entry.path)[0]
    return runtime.Net(entry.name, entry.path, entry.sha256).card


@checked
def doctor() -> dict[str, Any]:
    """What this installation has and whether it works: Python, ONNX Runtime, threads, networks, folders,
    extras; "problems" is empty where all is well."""
    folders = {
        "temporary": Path(tempfile.gettempdir()),
        "current": Path.cwd(),
        "label key": paths.data_folder(),
    }
    networks = {row["name"]: row["state"] for row in models()}
    writable = {name: _writable(folder) for name, folder in folders.items()}
    problems = [
        f"network {name} is {state}: install mien again" for name, state in networks.items() if state != "ok"
    ]
    problems += [
        f"the {name} folder ({folders[name]}) cannot be written"
        for name, well in writable.items()
        if not well
    ]
    return {
        "mien": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "onnxruntime": _version("onnxruntime"),
        "providers": runtime.providers(),
        "threads": os.cpu_count(),
        "networks": networks,
        "writable": {str(folders[name]): well for name, well in writable.items()},
        "extras": {
            name: _version(name)
            for name in ("pillow-heif", "pyvirtualcam", "torch", "lightning-fabric", "onnx")
        },
        "signs with": "your certificate (MIEN_SIGN_CERT)"
        if paths.setting("MIEN_SIGN_CERT")
        else "a self-signed certificate of this computer",
        "problems": problems,
    }


def _version(package: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _writable(folder: Path) -> bool:
    """Whether a file can be made there; a folder that is not there yet counts by its nearest parent."""
    while not folder.exists():
        folder = folder.parent
    return os.access(folder, os.W_OK)
