"""Effect packs: masks and stickers as data. A folder or a zip of `effect.json` and the PNGs that it names; nothing in it
is executed, and everything is bounded and checked before a pixel is decoded. Needs neither NumPy nor OpenCV.
"""

from __future__ import annotations

import hashlib
import stat
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..types import Networks
from . import styles
from .effect_layers import IMAGES, MANIFEST, Sticker, Texture, WrongError, layers_of, manifest_of

LONGEST_TEXT, LARGEST_FILE, LARGEST = 1 << 16, 8 << 20, 20 << 20  # bytes: of the manifest, of a PNG, of all
SIDE, PIXELS = 2048, 1 << 24  # pixels of a PNG's side, and of all PNGs


@dataclass(frozen=True)
class Pack:
    """A pack that was checked. layers in the order in which they are drawn; edits: strengths by the names of
    `request.EDITS`; pictures: the PNGs by name, still packed; sha256: of all of it."""

    name: str
    layers: tuple[Texture | Sticker, ...]
    edits: Mapping[str, float]
    pictures: Mapping[str, bytes]
    sha256: str

    @property
    def networks(self) -> Networks:
        """What a label says of it."""
        return ((f"effect {self.name}", self.sha256),)


@cache
def boxed(name: str) -> Pack:
    """An effect in the box."""
    styles.check(name, "effect")
    return read(Path(str(files("mien") / "data" / "effects" / name)))


def taken_pack(effect: Any) -> Pack | None:
    """The pack of somebody's own that `effect` names with a path; None where it names one in the box, or nothing."""
    if not isinstance(effect, str):
        return None
    name, _ = styles.parse(effect, "effect")
    return read(Path(name)) if name not in styles.EFFECTS and Path(name).exists() else None


def read(path: Path) -> Pack:
    """The pack in a folder or a zip; an `InputError` of one line where it is none."""
    name = path.resolve().stem if path.suffix == ".zip" else path.resolve().name
    if not (path.is_dir() or path.is_file()):
        raise InputError(f"{path} is neither a folder nor a zip: an effect pack was wanted")
    try:
        take = _from_folder(path) if path.is_dir() else _from_zip(path)
        layers, edits = layers_of(manifest_of(take(MANIFEST, LONGEST_TEXT)))
        pictures = _pictures(layers, take)
    except WrongError as error:
        raise InputError(f"{path} is no effect pack: {error}") from error
    except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError) as error:
        said = " ".join(str(getattr(error, "strerror", None) or error).split())
        raise InputError(f"{path} cannot be read as an effect pack: {said[:100]}") from error
    told = hashlib.sha256(repr((layers, sorted(edits.items()))).encode())
    for image in sorted(pictures):
        told.update(hashlib.sha256(pictures[image]).digest())
    return Pack(name, layers, edits, pictures, told.hexdigest())


Take = Callable[[str, int], bytes]  # a file's name and the most bytes it may have -> the file


def _from_folder(folder: Path) -> Take:
    def take(name: str, most: int) -> bytes:
        path = folder / name
        if not path.exists() and not path.is_symlink():
            raise WrongError(f"there is no {name} in it")
        if not stat.S_ISREG(path.lstat().st_mode):
            raise WrongError(f"{name} is a link or no file")
        with path.open("rb") as file:
            return _bounded(name, file.read(most + 1), most)

    return take


def _from_zip(path: Path) -> Take:
    """Of a zip nothing is written anywhere: what the manifest names is read, up to its bound."""
    with zipfile.ZipFile(path) as pack:
        if len(pack.infolist()) > 4 * IMAGES:
            raise WrongError(f"{len(pack.infolist())} files are in it, and up to {4 * IMAGES} may be")
        inside = {info.filename: info for info in pack.infolist()}
    if odd := next((name for name in inside if not _belongs(name)), None):
        raise WrongError(f"{odd!r} is in it, and only {MANIFEST} and PNGs may be")
    manifests = [name for name in inside if name.rpartition("/")[2] == MANIFEST and name.count("/") < 2]
    if len(manifests) != 1:
        raise WrongError(f"{len(manifests) or 'no'} {MANIFEST} in it, and one was wanted")
    root = manifests[0][: -len(MANIFEST)]

    def take(name: str, most: int) -> bytes:
        info = inside.get(root + name)
        if info is None:
            raise WrongError(f"there is no {name} in it")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise WrongError(f"{name} is a link or no file")
        with zipfile.ZipFile(path) as pack, pack.open(info) as file:
            return _bounded(name, file.read(most + 1), most)

    return take


def _belongs(name: str) -> bool:
    """Whether a file of a zip may be there: the manifest, PNGs, and what a desktop puts beside them."""
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or "\\" in name:
        return False
    last = parts[-1]
    return (
        not last
        or parts[0] == "__MACOSX"
        or last in (MANIFEST, ".DS_Store", "Thumbs.db")
        or last.endswith(".png")
    )


def _bounded(name: str, data: bytes, most: int) -> bytes:
    if len(data) > most:
        raise WrongError(f"{name} is larger than {most >> 10} kB")
    return data


def _pictures(layers: tuple[Texture | Sticker, ...], take: Take) -> dict[str, bytes]:
    """The PNGs that layers name, their sizes checked before anything is decoded."""
    names = list(dict.fromkeys(name for one in layers for name in one.images))
    if len(names) > IMAGES:
        raise WrongError(f"{len(names)} pictures, and up to {IMAGES} may be")
    out: dict[str, bytes] = {}
    pixels = total = 0
    for name in names:
        data = take(name, LARGEST_FILE)
        if data[:8] != b"\x89PNG\r\n\x1a\n" or data[12:16] != b"IHDR" or len(data) < 45:
            raise WrongError(f"{name} is no PNG")
        width, height = (int.from_bytes(data[i : i + 4], "big") for i in (16, 20))
        if not (1 <= width <= SIDE and 1 <= height <= SIDE):
            raise WrongError(f"{name} is {width} x {height} pixels, and up to {SIDE} x {SIDE} may be")
        if data[25] not in (4, 6) and b"tRNS" not in data[: data.find(b"IDAT")]:
            raise WrongError(f"{name} has no transparency: save it with an alpha channel")
        pixels, total = pixels + width * height, total + len(data)
        if pixels > PIXELS or total > LARGEST:
            raise WrongError(
                f"its pictures have more than {PIXELS >> 20} million pixels or {LARGEST >> 20} MB"
            )
        out[name] = data
    return out
