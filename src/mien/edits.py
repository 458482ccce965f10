"""How a Change is made: `Prototype` and `Retouch`, both `Crop -> Change`; EDITS says what can be asked for, `plan`
turns a request into one edit."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from .errors import RequestError
from .kit import Kit
from .models.prototypes import Prototypes
from .models.retoucher import Retoucher
from .types import Alignment, Change, Crop

MAKERS = ("prototypes", "network")  # the first is better at every edit so far (benchmarks/quality.py), and so the default


@dataclass(frozen=True)
class Kind:
    """One thing that can be asked for: the range and unit of its strength, and what to tell people."""

    low: float
    high: float
    unit: str
    says: str


EDITS = {
    "smile": Kind(-1, 1, "", "lift the corners of the mouth (below 0: let them down)"),
    "age": Kind(-30, 50, "years", "older (below 0: younger); never below 18"),
    "sex": Kind(-1, 1, "", "more masculine (below 0: more feminine)"),
}


@dataclass(frozen=True, eq=False)
class Prototype:
    """An edit by the difference of mean faces."""

    prototypes: Prototypes
    strengths: Mapping[str, float]
    alignment = Alignment("head", 448)

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
    alignment = Alignment("face", 384)

    @property
    def networks(self) -> tuple[tuple[str, str], ...]:
        return ((self.retoucher.net.name, self.retoucher.net.sha256),)

    def __call__(self, crop: Crop) -> Change:
        width, lift, opening = map(float, self.prototypes.mouth_of(self.strengths.get("smile", 0.0)))
        rest = {name: value for name, value in self.strengths.items() if name != "smile"}
        return self.retoucher.change(crop, width=width, lift=lift, opening=opening, **rest)


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


def plan(strengths: Mapping[str, float], kit: Kit, by: str | None = None) -> Prototype | Retouch | None:
    """The one edit that does all of `strengths` (name -> value, see EDITS), or None where every strength is 0; `by` is one of MAKERS."""
    check(strengths)
    asked = {name: value for name, value in strengths.items() if value}
    maker = by or MAKERS[0]
    if maker not in MAKERS:
        raise RequestError(f"no maker is called {by!r}: there are {', '.join(MAKERS)}")
    if not asked:
        return None
    return Prototype(kit.prototypes, asked) if maker == "prototypes" else Retouch(kit.retoucher, kit.prototypes, asked)
