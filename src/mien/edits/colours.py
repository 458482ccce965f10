"""Colours as people say them: a name or #rrggbb, with how much of it: "red", "#b01030", "rose:0.5"."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import RequestError
from ..types import Array

# As make-up is called, not as screens call it: pure red is no lipstick.
NAMES = {
    "red": "#b3142c",
    "scarlet": "#c92a22",
    "coral": "#e0624f",
    "orange": "#d9682e",
    "peach": "#e6937a",
    "nude": "#b97a6b",
    "rose": "#c4566e",
    "pink": "#dc6a92",
    "fuchsia": "#c02c76",
    "berry": "#8e2150",
    "plum": "#6c2748",
    "wine": "#611526",
    "mauve": "#9b6a80",
    "violet": "#6f4a94",
    "blue": "#3c5c9e",
    "teal": "#2f7478",
    "green": "#4f7550",
    "gold": "#b98d45",
    "copper": "#a86238",
    "bronze": "#7d5632",
    "brown": "#6e4433",
    "taupe": "#7a675c",
    "grey": "#77757a",
    "black": "#1e1a1c",
}

HAIR = {  # as hair is called; these are what people are born with, or come to
    "black": "#1d1d1d",
    "brown": "#533d32",
    "auburn": "#683b2c",
    "red": "#854a2e",
    "blond": "#bb9d76",
    "grey": "#8c8b8a",
    "white": "#c2c1bf",
}

SKIN = {  # as photos in even light show it
    "pale": "#c49d8a",
    "fair": "#b88b78",
    "olive": "#9f7a62",
    "tan": "#936853",
    "brown": "#7a584b",
    "dark": "#5c4037",
}


@dataclass(frozen=True)
class Colour:
    """A colour, red, green and blue in 0..1, and how much of it: 0 is none, 1 as much as there can be."""

    rgb: tuple[float, float, float]
    strength: float = 1.0

    @property
    def lab(self) -> Array:
        """In Lab, `[3]`."""
        import cv2
        import numpy as np

        return cv2.cvtColor(np.array([[self.rgb]], np.float32), cv2.COLOR_RGB2Lab)[0, 0]


def parse(text: str, names: Mapping[str, str] = NAMES) -> Colour:
    """The colour that `text` means: one of `names` or #rrggbb, and perhaps `:` and a strength of 0 to 1."""
    name, colon, amount = text.strip().lower().partition(":")
    try:
        strength = float(amount) if colon else 1.0
    except ValueError as error:
        raise RequestError(f"colour {text!r}: a strength follows the colon, as in rose:0.5") from error
    if not 0 <= strength <= 1:
        raise RequestError(f"colour {text!r}: the strength is out of range: from 0 to 1")
    code = names.get(name, name)
    if not re.fullmatch("#[0-9a-f]{6}", code):
        near = difflib.get_close_matches(name, names, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}, and #rrggbb"
        raise RequestError(f"no colour is called {name!r}: {hint}")
    red, green, blue = (int(code[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return Colour((red, green, blue), strength)
