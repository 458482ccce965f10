"""What a page's request means by its ids: a person of a clip, and an effect pack of the user's own. No path is among them:
a page names no files of this computer."""

from __future__ import annotations

import re
from typing import Any

from ..errors import RequestError
from ..types import Person
from .media import Library


def whom(library: Library, face: str) -> str | Person:
    """Which faces are meant: "all", "largest", a number, or a person of a clip by the id of their face."""
    person = library.known(face, "person")
    if person is None and not (face in ("all", "largest") or re.fullmatch("[0-9]{1,9}", face)):
        raise RequestError(f"face {face[:80]!r} is neither all, largest, a number nor a face of a clip")
    return person or face


def meant(library: Library, request: dict[str, Any]) -> dict[str, Any]:
    """An edit's request with the person and the pack that it means."""
    face, effect = request.get("face"), request.get("effect")
    if isinstance(face, str):
        request = request | {"face": whom(library, face)}
    if isinstance(effect, str):
        id, colon, strength = effect.partition(":")
        if pack := library.known(id, "pack"):
            request = request | {"effect": f"{pack.name}{colon}{strength}", "pack": pack}
    return request
