"""Hairstyles as people ask for them: a name, with how much of it: "bob", "afro:0.7"; and hair that comes from a
picture of somebody."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import RequestError
from ..types import Source

if TYPE_CHECKING:
    from ..models.hairstyles import Hairdo

LEAST = 0.3  # of a style: with less nothing of it would be left

NAMES = {  # in the box, and what each is like
    "straight": "long and straight, parted in the middle",
    "layers": "long with light waves",
    "fringe": "long with a full fringe",
    "waves": "loose waves to the shoulders",
    "curls": "curls to the shoulders",
    "lob": "smooth, to the collar",
    "bob": "a sleek bob, parted in the middle",
    "page": "a bob with a fringe to one side",
    "shag": "layered to the chin, with a light fringe",
    "blowout": "short waves, brushed back",
    "short": "short and full over one brow",
    "pixie": "short and tousled",
    "crop": "cropped close",
    "quiff": "short sides, thick on top",
    "side-part": "short, parted at the side",
    "brushed": "short waves, close to the head",
    "tied": "tied back, parted in the middle",
    "twists": "short twists",
    "coils": "loose coils",
    "afro": "a round afro",
}


@dataclass(frozen=True, eq=False)
class TakenHair:
    """Somebody's hair as pictures show it: the heads of hair, what they came from, in whose words that is agreed, and
    what is to be told of that."""

    hairdos: tuple[Hairdo, ...]
    source: Source
    consent: str
    notes: tuple[str, ...] = ()


def parse(text: str) -> tuple[str, float]:
    """The name and the strength that `text` means. A name may have a colon itself, as a path may."""
    name, colon, amount = text.strip().rpartition(":")
    try:
        strength = float(amount) if colon else 1.0
    except ValueError:
        name, strength = text.strip(), 1.0
    else:
        name = name if colon else amount
    if name.rpartition(":")[0] in NAMES:
        raise RequestError(f"hairstyle {text!r}: a number follows the colon, as in bob:0.7")
    if strength and not LEAST <= strength <= 1:
        raise RequestError(f"hairstyle {text!r}: the strength is out of range: from {LEAST:g} to 1")
    return name, strength


def check(name: str) -> None:
    """Refuse the name of no style in the box."""
    if name not in NAMES:
        near = difflib.get_close_matches(name.lower(), NAMES, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(NAMES)}, and pictures of hair"
        what = "there is no such picture, and no hairstyle" if Path(name).suffix else "no hairstyle"
        raise RequestError(f"{what} is called {name!r}: {hint}")
