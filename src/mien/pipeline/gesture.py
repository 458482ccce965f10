"""A slider that moves: the Changes at a few places of its way, between which a page may interpolate.

Within a gesture one strength moves and all others stay. For most edits one Change, at the end of the way, is
enough: scaled flow and colour differ from the real edit by less than a level in 255. KEYS has those that are
not linear. A key is drawn like `face.change.composite` does it; between two keys flow, colour and alpha are
mixed; below the first one flow and colour are scaled and alpha stays, or, of what fetches texture, alpha fades.

    shown(photo, side)         what a screen shows of a photo, as a Session of its own
    followed(session)          what of it a slider moves while it is held
    keys_of(slider, end)       where Changes are wanted, the end first
    packed(session, ...)       one of them, as bytes
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from ..edits.request import COLOUR, EDITS, STYLE, EditRequest
from ..errors import RequestError
from ..face import geometry
from ..face.change import softened
from ..io.preview import at_most, seen
from ..types import Array, Change, Crop, Edit, Face, Photo
from .session import Session

MAGIC = b"MIC2"
# Shares of a slider's way at which a Change is made, in the order in which they help most. They are where the
# interpolated edit was farthest from the real one, until it nowhere was by more than 1.5 levels.
LINEAR = (1.0,)
KEYS: dict[str, tuple[float, ...]] = {
    "sex": (1.0, 0.5),  # a beard that comes off with it is gone halfway
    "age": (0.4, 1.0, 0.2, 0.7),  # beyond 20 years hair goes grey, which takes longer
    "gaze": (1.0, 0.4375, 0.125, 0.75, 0.0625),
    "gaze_up": (1.0, 0.4375, 0.125, 0.75, 0.0625),
    **dict.fromkeys(("yaw", "pitch", "roll"), (1.0, 0.5, 0.25, 0.75, 0.125, 0.375, 0.625, 0.875)),
    "blink": (1.0, 0.5, 0.75, 0.25, 0.375, 0.625, 0.875, 0.125),
    "surprise": (1.0, 0.5, 0.25, 0.75),
    "mouth": (1.0, 0.5625, 0.28125),
    "grin": (1.0, 0.5),
    "lips": (1.0, 0.5),
    "beard": (1.0, 0.5, 0.75, 0.3125, 0.625, 0.1875, 0.875, 0.4375),
    "hair": (1.0, 0.375, 0.75),
    "hair_light": (1.0, 0.5),
    "hair_grey": (1.0, 0.5),
}
FINEST = (
    2.5  # crop pixels on a photo pixel: more say nothing; with 1.5 thin frames of glasses lose their edges
)
FOLLOWED = 6  # faces at most that move while a slider is held
RIM = 2  # crop pixels without alpha around what changes, so that a bilinear look-up ends as 0


def moves(slider: str) -> bool:
    """Whether a slider starts at a 0 that changes nothing, so that a gesture can follow it; styles have no slider."""
    option = EDITS[slider]
    return option.unit != STYLE and (option.unit == COLOUR or option.low <= 0 <= option.high)


def keys_of(slider: str) -> tuple[float, ...]:
    """Shares of the slider's way at which Changes are wanted, the most useful first."""
    if slider not in EDITS or not moves(slider):
        raise RequestError(f"no slider moves {slider!r}: there are {', '.join(filter(moves, EDITS))}")
    return KEYS.get(slider, LINEAR)


def shown(photo: Photo, side: int, session: Session) -> Session:
    """What a screen shows of a photo that is open in `session`: sRGB in 8 bits, at most `side` pixels wide or
    high, with the same faces in the same order."""
    small = at_most(seen(photo), side)
    across = np.array(small.shape[1::-1], np.float32) / np.array(photo.size, np.float32)
    return Session(Photo(small), faces=[_scaled(face, across) for face in session.faces], kit=session.kit)


def followed(session: Session) -> Session:
    """What a slider moves of what is shown: of a crowd the largest faces, so that it can be held; the others follow when
    it is let go."""
    if len(session.faces) <= FOLLOWED:
        return session
    least = sorted(face.area for face in session.faces)[-FOLLOWED]
    faces = [face for face in session.faces if face.area >= least][:FOLLOWED]
    return Session(session.photo, faces=faces, kit=session.kit)


def _scaled(face: Face, across: Array) -> Face:
    """The face in a photo that is `across [2]` times as large; the centre of a pixel is a whole number."""
    points = ((face.landmarks + 0.5) * across - 0.5).astype(np.float32)
    return replace(
        face, box=face.box * np.tile(across, 2), landmarks=points, depth=face.depth * float(across.mean())
    )


@dataclass(frozen=True, eq=False)
class Placed:
    """What an edit changes of one face: the edit, the face's index, the matrix photo->crop, the Change as fine
    as the photo can show it."""

    edit: Edit
    face: int
    matrix: Array
    change: Change


def changes_of(
    session: Session, request: EditRequest, check: Callable[[], None] = lambda: None
) -> tuple[list[Placed], tuple[str, ...]]:
    """All that `session.apply(request)` composites into the photo, in its order; and its notes. check: called at each;
    what it raises ends the work."""
    placed: list[Placed] = []

    def watch(edit: Edit, i: int, crop: Crop, change: Change) -> None:
        check()
        if change.source is not None:
            raise RequestError("this edit looks into another picture: it is drawn once the slider is let go")
        fine = softened(change, 1 / geometry.scale_of(crop.matrix))
        placed.append(Placed(edit, i, crop.matrix, fine))

    done = session.apply(request, watch=watch)
    return placed, done.history[-1].notes if done.history else ()


def packed(
    session: Session,
    strengths: Mapping[str, Any],
    slider: str,
    end: Any,
    share: float,
    *,
    check: Callable[[], None] = lambda: None,
    **about: Any,
) -> bytes:
    """The Changes of all faces at `share` of a slider's way to `end`, the other strengths as they are: MAGIC, the
    length of the head (uint32, little-endian), the head as JSON, and from the next multiple of 8 on the planes
    that it names, as half floats.

    check: see `changes_of`; about: what else `EditRequest` takes. Of each face the head has: face, an index; matrix photo->crop; box:
    left, top, width, height of the piece of the crop; fades: whether alpha does; flow `[h, w, 2]` in crop pixels, None where nothing moves,
    and colour `[h, w, 4]` with alpha: where they begin, in bytes after the head.
    """
    request = EditRequest({**strengths, slider: _at(slider, end, share)}, **about)
    placed, notes = changes_of(session, request, check)
    body = bytearray()
    stages: dict[str, list[dict[str, Any]]] = {}
    for one in placed:
        stages.setdefault(_name(one.edit), []).append(_piece(one, body))
    head = {"share": share, "size": session.photo.size, "notes": notes, "stages": stages}
    text = json.dumps(head, separators=(",", ":")).encode()
    text += b" " * (-(len(text) + 8) % 8)
    return MAGIC + struct.pack("<I", len(text)) + text + bytes(body)


def _at(slider: str, end: Any, share: float) -> Any:
    """What is asked of a slider at a share of its way."""
    if EDITS[slider].unit == COLOUR:
        return f"{str(end).partition(':')[0]}:{share:g}"
    if not isinstance(end, int | float):
        raise RequestError(f"{slider} {end!r} is no number")
    return float(end) * share


def _name(edit: Edit) -> str:
    """Of the stage that an edit is: the same at every key."""
    inner = getattr(edit, "edit", edit)
    return f"{type(inner).__name__} {getattr(inner, 'thing', '')}".rstrip()


def _piece(one: Placed, body: bytearray) -> dict[str, Any]:
    """The piece of a crop that changes: its planes are added to `body`, where they are is told."""
    matrix, flow, colour, alpha = _coarsened(one)
    left, top, right, bottom = _box(alpha)
    part = slice(top, bottom), slice(left, right)
    seen = cv2.dilate((alpha[part] > 0).astype(np.float32), np.ones((3, 3)))[..., None]
    planes = np.dstack([colour[part] * seen, alpha[part]])
    moving = flow[part] * seen
    told: dict[str, Any] = {"face": one.face, "matrix": [float(v) for v in matrix.ravel()]}
    told["fades"] = one.change.kind == "texture"
    told["box"] = [left, top, right - left, bottom - top]
    told["flow"] = _added(body, moving) if np.abs(moving).max() > 1e-3 else None
    return told | {"colour": _added(body, planes)}


def _added(body: bytearray, values: Array) -> int:
    """Where half floats begin that are put at the end of `body`."""
    start = len(body)
    body += np.ascontiguousarray(values, np.float16).tobytes()
    body += b"\0" * (-len(body) % 8)
    return start


def _coarsened(one: Placed) -> tuple[Array, Array, Array, Array]:
    """Matrix, flow, colour and alpha, with fewer pixels where the crop is much finer than the photo."""
    change, n = one.change, max(1, int(geometry.scale_of(one.matrix) / FINEST))
    if n == 1:
        return one.matrix, change.flow, change.colour, change.alpha
    side = len(change.alpha) // n
    fields: Iterable[Array] = (change.flow / np.float32(n), change.colour, change.alpha)
    flow, colour, alpha = (
        cv2.resize(field[: side * n, : side * n], (side, side), interpolation=cv2.INTER_AREA)
        for field in fields
    )
    alpha[[0, -1]] = alpha[:, [0, -1]] = 0
    matrix = one.matrix / n
    matrix[:, 2] += (1 / n - 1) / 2
    return matrix, flow, colour, alpha


def _box(alpha: Array) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of where any alpha is, and RIM pixels around."""
    left, top, width, height = cv2.boundingRect((alpha > 0).astype(np.uint8))
    high, wide = alpha.shape
    if not width:
        return 0, 0, 1, 1
    return (
        max(left - RIM, 0),
        max(top - RIM, 0),
        min(left + width + RIM, wide),
        min(top + height + RIM, high),
    )
