"""Smile, age and sex: the whole face changed by the means of many, or by the retouch network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..face import lighting, mesh
from ..models.prototypes import Prototypes
from ..models.retoucher import Retoucher
from ..types import Alignment, Array, Change, Crop, Networks, Phase
from . import age_floor
from .age_floor import AgeReader
from .request import EDITS, Amounts

MOUTH_CLOSING = 0.7  # of an open mouth that closes when a smile is let down wholly


@dataclass(frozen=True, eq=False)
class Prototype:
    """An edit by the difference of mean faces, and by what means have lost."""

    prototypes: Prototypes
    strengths: Amounts
    reader: AgeReader
    means_only: bool = False
    alignment = Alignment("head", 448)
    phase = Phase.RESHAPE

    @property
    def networks(self) -> Networks:
        return ((self.prototypes.name, self.prototypes.sha256),)

    def __call__(self, crop: Crop) -> Change:
        smile, sex = self.strengths.get("smile", 0.0), self.strengths.get("sex", 0.0)
        mouth = self.prototypes.mouth_of(smile)
        mouth[2] += MOUTH_CLOSING * min(smile, 0) * mesh.mouth_shape(crop.landmarks)[2]

        def aged(years: float, mouth: Array | None = None) -> Change:
            return self.prototypes.change(crop, mouth=mouth, age=years, sex=sex, means_only=self.means_only)

        years, said = held_years_of(self.strengths, self.reader, crop, aged)
        return replace(_lit(aged(years, mouth), crop), note=said)


@dataclass(frozen=True, eq=False)
class Retouch:
    """An edit by the retouch network."""

    retoucher: Retoucher
    prototypes: Prototypes
    strengths: Amounts
    reader: AgeReader
    alignment = Alignment("face", 384)
    phase = Phase.RESHAPE

    @property
    def networks(self) -> Networks:
        return self.retoucher.net.networks

    def __call__(self, crop: Crop) -> Change:
        width, lift, opening = map(float, self.prototypes.mouth_of(self.strengths.get("smile", 0.0)))

        def aged(years: float, share: float = 0.0) -> Change:
            mouth = {"width": share * width, "lift": share * lift, "opening": share * opening}
            return self.retoucher.change(crop, **mouth, age=years, sex=self.strengths.get("sex", 0.0))

        years, said = held_years_of(self.strengths, self.reader, crop, aged)
        return replace(_lit(aged(years, 1.0), crop), note=said)


def _lit(change: Change, crop: Crop) -> Change:
    """A Change that was learned on well lit faces, on one that is lit as the crop is."""
    return replace(change, colour=change.colour * lighting.shown_in(crop))


def held_years_of(
    strengths: Amounts, reader: AgeReader, crop: Crop, aged: Callable[[float], Change]
) -> tuple[float, str]:
    """How many years older a face is made: as asked, or from the age that it looks to the one that was asked
    for, held above the floor (`age_floor`); and what to say where that is less. aged: the Change that makes
    so many years of it, and all else that tells of age."""
    asked = strengths.get("age", 0.0)
    if not {"age", "age_to", "sex"} & strengths.keys():
        return 0.0, ""
    others = any(value for name, value in strengths.items() if name not in ("age", "age_to", "smile"))
    if asked >= 0 and not others and "age_to" not in strengths:
        return asked, ""
    now = reader.read(crop)
    if "age_to" in strengths:
        asked = float(
            np.clip(
                strengths["age_to"] - reader.prototypes.read(crop).age, EDITS["age"].low, EDITS["age"].high
            )
        )
    done = age_floor.held_years(now, asked, lambda years: reader.after(crop, aged(years)), alone=not others)
    return done, age_floor.note(now, asked, done)
