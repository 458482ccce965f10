"""The card: what a model file says about itself. It lives in the ONNX metadata (or in an `.npz`, as the array
"card") as JSON."""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ModelError
from ..face.geometry import LAYOUTS
from ..types import Array
from ..words import fault

KEY = "mien.card"
LARGEST = 16384  # pixels of a side
SCHEMA = 1  # of the card as JSON; a card without one is of this schema, a newer one is not read


@dataclass(frozen=True)
class Condition:
    """One number that a network is told: what it means and between which ends it may lie; 0 changes nothing, and
    of a mapper, whose faces are nobody's yet, what is no number asks nothing."""

    name: str
    unit: str
    low: float
    high: float


@dataclass(frozen=True)
class Card:
    """What a network file says about itself.

    role: which of `models.ROLES` opens it. template and size: the face layout it wants ("" and 0 where it
    takes no aligned crop). value_range: what its pixels span. licence: an SPDX identifier. commercial:
    whether it allows commercial use. data: credits that must travel with the weights. source: where it comes
    from (repository command, or address and sha256 of a converted original). limits: for people, what it
    cannot do. w_avg: of a mapper, the mean w that truncation draws towards. space: of directions, the sha256
    of the generator that they were learned for. multiple: height and width may also be other multiples of
    this; 0: they are `size`. drawn_at: of a translator, the longer side in pixels at which a picture is drawn
    and its change carried up; 0: its own.
    """

    name: str
    role: str
    licence: str
    description: str = ""
    template: str = ""
    size: int = 0
    value_range: tuple[float, float] = (0.0, 1.0)
    conditions: tuple[Condition, ...] = ()
    data: str = ""
    source: str = ""
    limits: str = ""
    w_avg: tuple[float, ...] = ()
    space: str = ""
    multiple: int = 0
    commercial: bool = True
    measured: dict[str, float] = field(default_factory=dict)
    drawn_at: int = 0

    def to_json(self) -> str:
        return json.dumps({"schema": SCHEMA} | asdict(self), sort_keys=True)

    @staticmethod
    def from_json(text: str, where: str) -> Card:
        """Read a card; a text that is not one is a `ModelError` that names `where`."""
        try:
            fields: dict[str, Any] = json.loads(text)
            if fields.pop("schema", SCHEMA) > SCHEMA:
                raise ModelError(f"{where} was written by a newer mien: upgrade with pip install -U mien")
            fields["value_range"] = tuple(fields.get("value_range", (0.0, 1.0)))
            fields["w_avg"] = tuple(fields.get("w_avg", ()))
            fields["conditions"] = tuple(Condition(**c) for c in fields.get("conditions", ()))
            card = Card(**fields)
            if wrong := _wrong(card):
                raise ValueError(wrong)
            return card
        except (AttributeError, TypeError, ValueError, RecursionError) as error:
            raise ModelError(
                f"{where} carries no card that mien can read ({fault(error)}): export it with `mien export`"
            ) from error


def _wrong(card: Any) -> str:
    """What in a card is of the wrong kind or out of its range; empty where nothing is."""
    texts = ("name", "role", "licence", "description", "template", "data", "source", "limits", "space")
    for name in texts:
        if not isinstance(getattr(card, name), str):
            return f"{name} is no text"
    for name in ("size", "multiple", "drawn_at"):
        value = getattr(card, name)
        if type(value) is not int or not 0 <= value <= LARGEST:
            return f"{name} is no whole number from 0 to {LARGEST}"
    if card.template and card.template not in LAYOUTS:
        return f"there is no template {card.template!r}"
    if type(card.commercial) is not bool:
        return "commercial is neither true nor false"
    if (
        not _numbers(card.value_range)
        or len(card.value_range) != 2
        or card.value_range[0] >= card.value_range[1]
    ):
        return "value_range is no two numbers, the lower first"
    if (
        not _numbers(card.w_avg)
        or not isinstance(card.measured, dict)
        or not all(type(value) in (int, float) for value in card.measured.values())
    ):
        return "w_avg or measured holds what is no number"
    names = [condition.name for condition in card.conditions]
    if not all(isinstance(name, str) for name in names) or len({*names}) < len(names):
        return "two conditions have one name"
    for one in card.conditions:
        if not _numbers((one.low, one.high)) or one.low > one.high or not isinstance(one.unit, str):
            return f"the condition {one.name!r} has no range"
    return ""


def _numbers(values: Iterable[Any]) -> bool:
    return all(type(value) in (int, float) and math.isfinite(value) for value in values)


def arrays(path: Path) -> tuple[Card, dict[str, Array]]:
    """The card and the arrays of an `.npz`; one that is damaged or has no card is a `ModelError`."""
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {key: file[key] for key in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ModelError(
            f"{path.name} cannot be read as a network ({error}): make or import it again"
        ) from error
    return Card.from_json(str(found.pop(KEY, "")), path.name), found
