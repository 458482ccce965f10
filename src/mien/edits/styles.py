"""Hairstyles and effects as people ask for them: a name, with how much of it: "bob", "afro:0.7", "whiskers"; and hair
that comes from a picture of somebody."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
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
EFFECTS = {  # the same, of masks and stickers
    "whiskers": "a cat's nose and whiskers",
    "dog": "a dog's ears and nose, and a tongue in an open mouth",
    "round-glasses": "round glasses of golden wire",
    "star-glasses": "pink glasses like stars, with dark lenses",
    "crown": "a golden crown",
    "flowers": "a wreath of flowers",
    "tears": "tears that run down",
    "freckles": "freckles, and a blush",
    "tiger": "a tiger's face, painted",
    "skull": "a painted skull, as for the Day of the Dead",
    "butterfly": "a butterfly, painted around the eyes",
    "clown": "a red nose and cheeks",
    "masquerade": "a golden mask around the eyes",
}


@dataclass(frozen=True, eq=False)
class TakenHair:
    """Somebody's hair as pictures show it: the heads of hair, what they came from, in whose words that is agreed, and
    what is to be told of that."""

    hairdos: tuple[Hairdo, ...]
    source: Source
    consent: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Named:
    """What is asked for by name. names: those in the box, and what each is like; least: the strength with less of which
    nothing would be left; example, own: of what may be said, and what may be named instead."""

    names: Mapping[str, str]
    least: float
    example: str
    own: str


NAMED = {  # by what of `request.EDITS`
    "hairstyle": Named(NAMES, LEAST, "bob or afro:0.7", "a picture of hair"),
    "effect": Named(EFFECTS, 0.0, "whiskers or crown:0.7", "a pack of your own, a folder or a zip"),
}


def parse(text: str, what: str = "hairstyle") -> tuple[str, float]:
    """The name and the strength that `text` means, of one of NAMED. A name may have a colon itself, as a path may."""
    name, colon, amount = text.strip().rpartition(":")
    try:
        strength = float(amount) if colon else 1.0
    except ValueError:
        name, strength = text.strip(), 1.0
    else:
        name = name if colon else amount
    named = NAMED[what]
    if name.rpartition(":")[0] in named.names:
        raise RequestError(f"{what} {text!r}: a number follows the colon, as in {named.example.split()[-1]}")
    if strength and not named.least <= strength <= 1:
        raise RequestError(f"{what} {text!r}: the strength is out of range: from {named.least:g} to 1")
    return name, strength


def check(name: str, what: str = "hairstyle") -> None:
    """Refuse the name of nothing in the box."""
    named = NAMED[what]
    if name not in named.names:
        near = difflib.get_close_matches(name.lower(), named.names, 1)
        all_ = f"mien edit --{what} list tells all"
        hint = (
            f"did you mean {near[0]}? {all_}"
            if near
            else f"there are {', '.join(named.names)}, or {named.own}"
        )
        lost = f"there is no such file, and no {what}" if Path(name).suffix else f"no {what}"
        raise RequestError(f"{lost} is called {name!r}: {hint}")
