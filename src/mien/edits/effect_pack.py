"""Effect packs: masks and stickers as data. A folder or a zip of `effect.json` and the PNGs that it names; nothing in it
is executed, and everything is bounded and checked before a pixel is decoded. Needs neither NumPy nor OpenCV.

Places are landmarks of the mesh, lengths are millimetres on a head whose pupils are 63 mm apart, x to the photo's right,
y down, z away from the camera, and textures lie on the map that `Shapes.uv` gives.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..errors import InputError, RequestError
from ..types import Networks
from . import styles
from .request import check

MANIFEST, VERSION = "effect.json", 1
LONGEST_TEXT, LARGEST_FILE, LARGEST = 1 << 16, 8 << 20, 20 << 20  # bytes: of the manifest, of a PNG, of all
SIDE, PIXELS = 2048, 1 << 24  # pixels of a PNG's side, and of all PNGs
LAYERS, IMAGES = 16, 64
LANDMARKS = 478
HUGE = 1e9  # from which on nothing is a number
IMAGE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}\.png")
TRIGGERS = ("always", "mouth_open", "blink")
BLENDS = ("paint", "multiply")


@dataclass(frozen=True)
class Texture:
    """A picture that is painted onto the face. images: one, or frames shown `fps` a second; blend: "paint" covers as face
    paint does, "multiply" stains; strength, shine (how glossy it is) and shadow (that it throws, being thick) 0..1; when:
    one of TRIGGERS."""

    images: tuple[str, ...]
    fps: float = 1.0
    blend: str = "paint"
    strength: float = 1.0
    shine: float = 0.0
    shadow: float = 0.0
    when: str = "always"


@dataclass(frozen=True)
class Sticker:
    """A picture that stands on the head. images, fps: as of a texture; width in mm; at: landmarks in whose middle its own
    middle is, moved by offset (x, y, z); turn: degrees clockwise; tilt: degrees that its top leans back; bend: mm, the
    radius by which its sides go round the head, 0 for none, from `flat` mm beside its middle on; faces: "head", with
    which it turns, or "camera", as a ball looks; behind: "hair", or nothing; strength and shadow 0..1; when: one of
    TRIGGERS."""

    images: tuple[str, ...]
    width: float
    at: tuple[int, ...] = (168,)
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    turn: float = 0.0
    tilt: float = 0.0
    bend: float = 0.0
    flat: float = 0.0
    faces: str = "head"
    behind: str = ""
    strength: float = 1.0
    shadow: float = 0.3
    fps: float = 1.0
    when: str = "always"


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
    try:
        take = _from_folder(path) if path.is_dir() else _from_zip(path)
        layers, edits = _layers(_manifest(take(MANIFEST, LONGEST_TEXT)))
        pictures = _pictures(layers, take)
    except _WrongError as error:
        raise InputError(f"{path} is no effect pack: {error}") from error
    except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError) as error:
        said = " ".join(str(getattr(error, "strerror", None) or error).split())
        raise InputError(f"{path} cannot be read as an effect pack: {said[:100]}") from error
    told = hashlib.sha256(repr((layers, sorted(edits.items()))).encode())
    for image in sorted(pictures):
        told.update(hashlib.sha256(pictures[image]).digest())
    return Pack(name, layers, edits, pictures, told.hexdigest())


class _WrongError(Exception):
    """What is wrong with a pack, in words."""


Take = Callable[[str, int], bytes]  # a file's name and the most bytes it may have -> the file


def _from_folder(folder: Path) -> Take:
    def take(name: str, most: int) -> bytes:
        path = folder / name
        if not path.exists() and not path.is_symlink():
            raise _WrongError(f"there is no {name} in it")
        if not stat.S_ISREG(path.lstat().st_mode):
            raise _WrongError(f"{name} is a link or no file")
        with path.open("rb") as file:
            return _bounded(name, file.read(most + 1), most)

    return take


def _from_zip(path: Path) -> Take:
    """Of a zip nothing is written anywhere: what the manifest names is read, up to its bound."""
    with zipfile.ZipFile(path) as pack:
        if len(pack.infolist()) > 4 * IMAGES:
            raise _WrongError(f"{len(pack.infolist())} files are in it, and up to {4 * IMAGES} may be")
        inside = {info.filename: info for info in pack.infolist()}
    manifests = [name for name in inside if name.rpartition("/")[2] == MANIFEST and name.count("/") < 2]
    if len(manifests) != 1:
        raise _WrongError(f"{len(manifests) or 'no'} {MANIFEST} in it, and one was wanted")
    root = manifests[0][: -len(MANIFEST)]

    def take(name: str, most: int) -> bytes:
        info = inside.get(root + name)
        if info is None:
            raise _WrongError(f"there is no {name} in it")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise _WrongError(f"{name} is a link or no file")
        with zipfile.ZipFile(path) as pack, pack.open(info) as file:
            return _bounded(name, file.read(most + 1), most)

    return take


def _bounded(name: str, data: bytes, most: int) -> bytes:
    if len(data) > most:
        raise _WrongError(f"{name} is larger than {most >> 10} kB")
    return data


def _manifest(data: bytes) -> dict[str, Any]:
    def refuse(number: str) -> None:
        raise _WrongError(f"{number} is no number in {MANIFEST}")

    try:
        found = json.loads(data.decode("utf-8"), parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise _WrongError(f"{MANIFEST} is no JSON ({' '.join(str(error).split())[:80]})") from error
    _known(found, MANIFEST, {"mien", "name", "author", "licence", "layers"}, {"mien", "layers"})
    if found["mien"] != VERSION or isinstance(found["mien"], bool):
        raise _WrongError(f'"mien" is {_shown(found["mien"])}, and this version reads {VERSION}')
    for key in ("name", "author", "licence"):
        _text(found.get(key, ""), key)
    return found


def _layers(found: dict[str, Any]) -> tuple[tuple[Texture | Sticker, ...], dict[str, float]]:
    """The layers that are drawn, and the edits."""
    rows = found["layers"]
    if not isinstance(rows, list) or not 1 <= len(rows) <= LAYERS:
        raise _WrongError(f'"layers" wants a list of 1 to {LAYERS}')
    drawn: list[Texture | Sticker] = []
    edits: dict[str, float] = {}
    for number, row in enumerate(rows, 1):
        where = f"layer {number}"
        kind = row.get("kind") if isinstance(row, dict) else None
        if kind == "edit":
            _known(row, where, {"kind", "do"}, {"do"})
            edits |= _edits(row["do"], where)
        elif isinstance(kind, str) and kind in KINDS:
            drawn.append(_layer(row, kind, where))
        else:
            raise _WrongError(f'{where}: "kind" wants {", ".join((*KINDS, "edit"))}; {_shown(kind)} came')
    return tuple(drawn), edits


KINDS = {"texture": Texture, "sticker": Sticker, "sprite": Sticker}


def _layer(row: dict[str, Any], kind: str, where: str) -> Texture | Sticker:
    shape, pictures = KINDS[kind], "images" if kind == "sprite" or "images" in row else "image"
    own = {field.name: field for field in fields(shape)}
    needed = {name for name, field in own.items() if field.default is MISSING} - {"images"} | {pictures}
    still = {"images", "fps"} if pictures == "image" else set[str]()
    _known(row, where, set(own) - still | {"kind", pictures}, needed)
    values = {key: VALUES[key](row[key], f'{where}: "{key}"') for key in row if key != "kind"}
    if "image" in values:
        values["images"] = (values.pop("image"),)
    return shape(**values)


def _edits(row: Any, where: str) -> dict[str, float]:
    if not isinstance(row, dict) or not row:
        raise _WrongError(f'{where}: "do" wants edits with their strengths, as {{"smile": 0.3}}')
    edits = {_text(name, where): _number(value, f"{where}: {name}", -100, 100) for name, value in row.items()}
    try:
        check(edits)
    except RequestError as error:
        raise _WrongError(f"{where}: {error}") from error
    return edits


def _known(row: Any, where: str, keys: set[str], needed: set[str]) -> None:
    """Refuse what is no table, and keys that are unknown or missing."""
    if not isinstance(row, dict):
        raise _WrongError(f"{where} wants a table in braces")
    if unknown := sorted(set(row) - keys):
        near = difflib.get_close_matches(unknown[0], keys, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(keys))}"
        raise _WrongError(f"{where}: {_shown(unknown[0])} is not known: {hint}")
    if missing := sorted(needed - set(row)):
        raise _WrongError(f'{where}: "{missing[0]}" is missing')


def _shown(value: Any) -> str:
    return repr(value)[:40]


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or len(value) > 200:
        raise _WrongError(f"{where} wants a text of up to 200 characters")
    return value


def _number(value: Any, where: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -HUGE < value < HUGE:
        raise _WrongError(f"{where} wants a number; {_shown(value)} came")
    if not low <= value <= high:
        raise _WrongError(f"{where} is {value:g}: from {low:g} to {high:g}")
    return float(value)


def _image(value: Any, where: str) -> str:
    if not isinstance(value, str) or not IMAGE_NAME.fullmatch(value):
        raise _WrongError(
            f"{where} wants the name of a PNG, as face.png (a-z, 0-9, - and _); {_shown(value)} came"
        )
    return value


def _ranged(low: float, high: float) -> Callable[[Any, str], Any]:
    return lambda value, where: _number(value, where, low, high)


def _one_of(*names: str) -> Callable[[Any, str], Any]:
    def checked(value: Any, where: str) -> Any:
        if value not in names or not isinstance(value, str):
            raise _WrongError(f"{where} wants {' or '.join(names)}; {_shown(value)} came")
        return value

    return checked


def _listed(each: Callable[[Any, str], Any], least: int, most: int) -> Callable[[Any, str], Any]:
    def checked(value: Any, where: str) -> Any:
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise _WrongError(f"{where} wants a list of {least}{f' to {most}' * (most > least)}")
        return tuple(each(one, where) for one in value)

    return checked


def _landmark(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < LANDMARKS:
        raise _WrongError(f"{where} wants landmarks from 0 to {LANDMARKS - 1}; {_shown(value)} came")
    return value


SHARE = _ranged(0, 1)
VALUES: dict[str, Callable[[Any, str], Any]] = {  # by key: what a value must be
    "image": _image,
    "images": _listed(_image, 1, IMAGES),
    "blend": _one_of(*BLENDS),
    "strength": SHARE,
    "shine": SHARE,
    "shadow": SHARE,
    "when": _one_of(*TRIGGERS),
    "width": _ranged(1, 800),
    "at": _listed(_landmark, 1, 16),
    "offset": _listed(_ranged(-300, 300), 3, 3),
    "turn": _ranged(-180, 180),
    "tilt": _ranged(-90, 90),
    "bend": _ranged(5, 400),
    "flat": _ranged(0, 200),
    "faces": _one_of("head", "camera"),
    "behind": _one_of("hair"),
    "fps": _ranged(1, 60),
}


def _pictures(layers: tuple[Texture | Sticker, ...], take: Take) -> dict[str, bytes]:
    """The PNGs that layers name, their sizes checked before anything is decoded."""
    names = list(dict.fromkeys(name for one in layers for name in one.images))
    if len(names) > IMAGES:
        raise _WrongError(f"{len(names)} pictures, and up to {IMAGES} may be")
    out: dict[str, bytes] = {}
    pixels = total = 0
    for name in names:
        data = take(name, LARGEST_FILE)
        if data[:8] != b"\x89PNG\r\n\x1a\n" or data[12:16] != b"IHDR" or len(data) < 45:
            raise _WrongError(f"{name} is no PNG")
        width, height = (int.from_bytes(data[i : i + 4], "big") for i in (16, 20))
        if not (1 <= width <= SIDE and 1 <= height <= SIDE):
            raise _WrongError(f"{name} is {width} x {height} pixels, and up to {SIDE} x {SIDE} may be")
        pixels, total = pixels + width * height, total + len(data)
        if pixels > PIXELS or total > LARGEST:
            raise _WrongError(
                f"its pictures have more than {PIXELS >> 20} million pixels or {LARGEST >> 20} MB"
            )
        out[name] = data
    return out
