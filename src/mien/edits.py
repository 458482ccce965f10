"""How a Change is made: `Prototype` and `Retouch`, both `Crop -> Change`; EDITS says what can be asked for, `plan`
turns a request into one edit."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np

from . import geometry
from .errors import RequestError
from .kit import Kit
from .models.prototypes import Prototypes
from .models.retoucher import Retoucher
from .types import Alignment, Array, Change, Crop

ALIGNMENT = Alignment("face", 384)  # of every edit here; networks resize it to their own side
MAKERS = ("prototypes", "network")


@dataclass(frozen=True)
class Kind:
    """One thing that can be asked for: the range and unit of its strength, which maker does it best, and what to tell people."""

    low: float
    high: float
    unit: str
    by: str
    says: str


EDITS = {
    "smile": Kind(-1, 1, "", "prototypes", "lift the corners of the mouth (below 0: let them down)"),
    "age": Kind(-30, 50, "years", "prototypes", "older (below 0: younger); never below 18"),
    "sex": Kind(-1, 1, "", "prototypes", "more masculine (below 0: more feminine)"),
}


@dataclass(frozen=True, eq=False)
class Prototype:
    """An edit by the difference of mean faces."""

    prototypes: Prototypes
    strengths: Mapping[str, float]

    @property
    def networks(self) -> tuple[tuple[str, str], ...]:
        return ((self.prototypes.name, self.prototypes.sha256),)

    def __call__(self, crop: Crop) -> Change:
        mouth = self.prototypes.mouth_of(self.strengths.get("smile", 0.0))
        return self.prototypes.change(crop, mouth=mouth, age=self.strengths.get("age", 0.0), sex=self.strengths.get("sex", 0.0))


@dataclass(frozen=True, eq=False)
class Retouch:
    """An edit by the retouch network."""

    retoucher: Retoucher
    prototypes: Prototypes
    strengths: Mapping[str, float]

    @property
    def networks(self) -> tuple[tuple[str, str], ...]:
        return ((self.retoucher.net.name, self.retoucher.net.sha256),)

    def __call__(self, crop: Crop) -> Change:
        width, lift, opening = map(float, self.prototypes.mouth_of(self.strengths.get("smile", 0.0)))
        rest = {name: value for name, value in self.strengths.items() if name != "smile"}
        return self.retoucher.change(crop, width=width, lift=lift, opening=opening, **rest)


@dataclass(frozen=True, eq=False)
class Chain:
    """Two edits as one Change: the second sees what the first made, and the photo is looked up once."""

    first: Prototype | Retouch
    second: Prototype | Retouch

    @property
    def networks(self) -> tuple[tuple[str, str], ...]:
        return (*self.first.networks, *self.second.networks)

    def __call__(self, crop: Crop) -> Change:
        one = self.first(crop)
        between = geometry.carry(crop.pixels, replace(crop, matrix=np.eye(2, 3)), one)
        two = self.second(replace(crop, pixels=between, landmarks=_moved(crop.landmarks, one.flow)))
        return compose(one, two)


def compose(first: Change, second: Change) -> Change:
    """One Change that does what `first` and then `second` do. Each is weakened by its own alpha, so that the common alpha may be wide."""
    size = first.alpha.shape[0]
    flow, colour = second.flow * second.alpha[..., None], second.colour * second.alpha[..., None]
    place = flow + np.stack(np.meshgrid(np.arange(size), np.arange(size)), -1).astype(np.float32)

    def look(values: Array) -> Array:
        return cv2.remap(values, place[..., 0], place[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    alpha = np.clip(np.maximum(look(first.alpha), second.alpha) * 4, 0, 1)
    return Change(flow + look(first.flow * first.alpha[..., None]), colour + look(first.colour * first.alpha[..., None]), alpha)


def _moved(points: Array, flow: Array) -> Array:
    """Where `points [478, 2]` are after a flow: the inverse of a small, smooth displacement, by two fixed-point steps."""
    out = points
    for _ in range(2):
        out = points - cv2.remap(flow, out[:, 0].astype(np.float32), out[:, 1].astype(np.float32), cv2.INTER_LINEAR)[:, 0]
    return out


def check(strengths: Mapping[str, float]) -> None:
    """Refuse unknown edits and strengths out of range."""
    for name, value in strengths.items():
        if name not in EDITS:
            near = difflib.get_close_matches(name, EDITS, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(EDITS)}"
            raise RequestError(f"no edit is called {name!r}: {hint}")
        kind = EDITS[name]
        if not kind.low <= value <= kind.high:
            raise RequestError(f"{name} {value:g} is out of range: from {kind.low:g} to {kind.high:g} {kind.unit}".rstrip())


def plan(strengths: Mapping[str, float], kit: Kit, by: str | None = None) -> Prototype | Retouch | Chain | None:
    """The one edit that does all of `strengths` (name -> value, see EDITS), or None where every strength is 0.

    `by` is "prototypes" or "network"; without it each edit is made by what makes it best.
    """
    check(strengths)
    if by is not None and by not in MAKERS:
        raise RequestError(f"no maker is called {by!r}: there are {', '.join(MAKERS)}")
    asked = {name: value for name, value in strengths.items() if value}
    groups = {maker: {n: v for n, v in asked.items() if (by or EDITS[n].by) == maker} for maker in MAKERS}
    parts: list[Prototype | Retouch] = []
    if groups["prototypes"]:
        parts.append(Prototype(kit.prototypes, groups["prototypes"]))
    if groups["network"]:
        parts.append(Retouch(kit.retoucher, kit.prototypes, groups["network"]))
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else Chain(parts[0], parts[1])
