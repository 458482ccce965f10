"""What the layers of an effect pack may say: `effect.json`, key by key. Needs neither NumPy nor OpenCV.

Places are landmarks of the mesh, lengths are millimetres on a head whose pupils are 63 mm apart, x to the photo's right,
y down, z away from the camera, and textures lie on the map that `Shapes.uv` gives.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from typing import Any

from ..errors import RequestError
from ..words import fault
from .request import check

MANIFEST, VERSION = "effect.json", 1
LAYERS, IMAGES = 16, 64
LANDMARKS = 478
HUGE = 1e9  # from which on nothing is a number
IMAGE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}\.png")
TRIGGERS = ("always", "mouth_open", "blink")
BLENDS = ("paint", "multiply")


class WrongError(Exception):
    """What is wrong with a pack, in words."""


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


def manifest_of(data: bytes) -> dict[str, Any]:
    def refuse(number: str) -> None:
        raise WrongError(f"{number} is no number in {MANIFEST}")

    try:
        found = json.loads(data.decode("utf-8"), parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise WrongError(f"{MANIFEST} is no JSON ({fault(error)})") from error
    _known(found, MANIFEST, {"mien", "name", "author", "licence", "layers"}, {"mien", "layers"})
    if found["mien"] != VERSION or isinstance(found["mien"], bool):
        raise WrongError(f'"mien" is {_shown(found["mien"])}, and this version reads {VERSION}')
    for key in ("name", "author", "licence"):
        _text(found.get(key, ""), key)
    return found


def layers_of(found: dict[str, Any]) -> tuple[tuple[Texture | Sticker, ...], dict[str, float]]:
    """The layers that are drawn, and the edits."""
    rows = found["layers"]
    if not isinstance(rows, list) or not 1 <= len(rows) <= LAYERS:
        raise WrongError(f'"layers" wants a list of 1 to {LAYERS}')
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
            raise WrongError(f'{where}: "kind" wants {", ".join((*KINDS, "edit"))}; {_shown(kind)} came')
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
        raise WrongError(f'{where}: "do" wants edits with their strengths, as {{"smile": 0.3}}')
    edits = {_text(name, where): _number(value, f"{where}: {name}", -100, 100) for name, value in row.items()}
    try:
        check(edits)
    except RequestError as error:
        raise WrongError(f"{where}: {error}") from error
    return edits


def _known(row: Any, where: str, keys: set[str], needed: set[str]) -> None:
    """Refuse what is no table, and keys that are unknown or missing."""
    if not isinstance(row, dict):
        raise WrongError(f"{where} wants a table in braces")
    if unknown := sorted(set(row) - keys):
        near = difflib.get_close_matches(unknown[0], keys, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(keys))}"
        raise WrongError(f"{where}: {_shown(unknown[0])} is not known: {hint}")
    if missing := sorted(needed - set(row)):
        raise WrongError(f'{where}: "{missing[0]}" is missing')


def _shown(value: Any) -> str:
    return repr(value)[:40]


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or len(value) > 200:
        raise WrongError(f"{where} wants a text of up to 200 characters")
    return value


def _number(value: Any, where: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -HUGE < value < HUGE:
        raise WrongError(f"{where} wants a number; {_shown(value)} came")
    if not low <= value <= high:
        raise WrongError(f"{where} is {value:g}: from {low:g} to {high:g}")
    return float(value)


def _image(value: Any, where: str) -> str:
    if not isinstance(value, str) or not IMAGE_NAME.fullmatch(value):
        raise WrongError(
            f"{where} wants the name of a PNG, as face.png (a-z, 0-9, - and _); {_shown(value)} came"
        )
    return value


def _ranged(low: float, high: float) -> Callable[[Any, str], Any]:
    return lambda value, where: _number(value, where, low, high)


def _one_of(*names: str) -> Callable[[Any, str], Any]:
    def checked(value: Any, where: str) -> Any:
        if value not in names or not isinstance(value, str):
            raise WrongError(f"{where} wants {' or '.join(names)}; {_shown(value)} came")
        return value

    return checked


def _listed(each: Callable[[Any, str], Any], least: int, most: int) -> Callable[[Any, str], Any]:
    def checked(value: Any, where: str) -> Any:
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise WrongError(f"{where} wants a list of {least}{f' to {most}' * (most > least)}")
        return tuple(each(one, where) for one in value)

    return checked


def _landmark(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < LANDMARKS:
        raise WrongError(f"{where} wants landmarks from 0 to {LANDMARKS - 1}; {_shown(value)} came")
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
