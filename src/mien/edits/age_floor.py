"""The age floor: nobody is made to look under 18.

The reader of the prototypes misses the age of a stranger by 5.4 years on average, and people of 18 to 20 look
3 to 7 years older to it than they are. So two floors hold, both on its reading without any clip. Who is asked
to look younger gets no younger than what reads as FLOOR, which is 18 and nearly twice that error (of 49
labelled people of 18 to 20, 92 in 100 read less); who reads less stays as they are. And no edit at all takes
a face below what reads as ADULT, or, of a face that reads less already, any lower. Both are held by the
result: a Change is made, the face is read after it, and the Change is made smaller until the reading allows
it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..face.change import apply_to_crop, lessened
from ..models.kit import Kit
from ..models.landmarker import Landmarker
from ..models.prototypes import ADULT, Prototypes
from ..types import Alignment, Change, Crop, Edit, Networks, Phase

FLOOR = 28.0  # years, as read: asked to look younger, nobody gets below
# years above FLOOR within which less and less is done, lest a second run go on where the first one's reading
# was a little off
SOFT = 3.0
CLOSE = 0.25  # years: so near is there
A_DAY = 1 / 365  # in years
ROUNDS = 4  # of making and reading
SLOPE = (
    0.6  # years less that are read for each year less that is asked of the prototypes: the median of 60 faces
)
FARTHEST = 12.0  # years by which any edit but an asked age changes the reading, at most
NOTE = "reads {:.0f}, and nobody is made to look under 18: {}"
YOUNGER = f" (younger goes down to a reading of {FLOOR:.0f})"


def allowed_years(now: float, years: float) -> float:
    """Of `years` asked of a face that reads `now`, those that stay above 18; none where FLOOR is reached.
    More years are all allowed."""
    return years if years >= 0 else max(years, ADULT - now) if now > FLOOR else 0.0


def youngest(now: float) -> float:
    """What a face that reads `now` may read once it is made younger."""
    t = float(np.clip((now - FLOOR) / SOFT, 0, 1))
    return now - (now - FLOOR) * t * t * (3 - 2 * t) if now > FLOOR else now


def held_years(now: float, years: float, read: Callable[[float], float], *, alone: bool) -> float:
    """The years nearest to those asked with which a face that reads `now` stays above both floors.

    read: what the face reads when so many years are made of it, everything else that was asked for included;
    alone: that is nothing. It is asked only where a floor may be near, ROUNDS times for each floor at most;
    each time costs an edit.
    """
    years = allowed_years(now, years)
    years = 0.0 if -A_DAY < years < 0 else years  # nothing that a reading could be told apart by
    if now + years - FARTHEST > FLOOR or (alone and years >= 0):
        return years
    reads = read(years)
    low, far = youngest(now), (0.0, now)
    for _ in range(ROUNDS):
        if years >= 0 or reads >= low - CLOSE:
            break
        slope = max((far[1] - reads) / (far[0] - years), SLOPE / 3)
        far = (years, reads)
        years = min(years + (low - reads) / slope, 0.0)
        reads = read(years)
    else:
        years, reads = (0.0, read(0.0)) if reads < low - 2 * CLOSE else (years, reads)
    if alone:
        return years
    adult = min(now, ADULT)
    for _ in range(ROUNDS):  # what else was asked for makes younger, too: then years are added
        if reads >= adult - CLOSE:
            break
        years += (adult - reads) / SLOPE
        reads = read(years)
    return years


@dataclass(frozen=True, eq=False)
class AgeReader:
    """What age a face reads, in years and not clipped, before a Change of it and after."""

    prototypes: Prototypes
    landmarker: Landmarker

    def read(self, crop: Crop) -> float:
        """The age of the face that a crop shows, by landmarks found in the crop itself, as in the one
        after."""
        return self.prototypes.read(self.landmarker.laid_anew(crop)).age

    def after(self, crop: Crop, change: Change) -> float:
        """The age of that face after `change`, its landmarks found anew."""
        return self.read(apply_to_crop(crop, change))


def note(now: float, asked: float, done: float) -> str:
    """What to tell of years that were asked for and not done; nothing where they were."""
    if asked >= 0 or done - asked < 1:
        return ""
    less = "made no younger" if done > -0.5 else f"of {-asked:.0f} years less only {-done:.0f} were given"
    return NOTE.format(now, less + YOUNGER)


@dataclass(frozen=True, eq=False)
class Adult:
    """An edit that may make younger by the way, as shaving does, held above the floor of all edits: as much
    of it as that allows."""

    edit: Edit
    reader: AgeReader

    @property
    def alignment(self) -> Alignment:
        return self.edit.alignment

    @property
    def networks(self) -> Networks:
        return self.edit.networks

    @property
    def phase(self) -> Phase:
        return self.edit.phase

    def __call__(self, crop: Crop) -> Change:
        change, now = self.edit(crop), self.reader.read(crop)
        if now - FARTHEST > ADULT:
            return change
        low, reads, share = min(now, ADULT), self.reader.after(crop, change), 1.0
        for _ in range(ROUNDS):
            if reads >= low - CLOSE:
                break
            share *= max((now - low + CLOSE / 2) / (now - reads), 0.0)
            reads = self.reader.after(crop, lessened(change, share))
        else:
            share = 0.0
        if share == 1:
            return change
        return replace(
            lessened(change, share),
            note=NOTE.format(now, f"done by {share:.0%}" if share > 0.005 else "left as it is"),
        )


def age_reader(kit: Kit) -> AgeReader:
    return AgeReader(kit.prototypes, kit.landmarker)
