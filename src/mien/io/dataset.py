"""Who is kept aside for judging: the split by person that training and benchmarks agree on. Needs nothing, so
that both can have it."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

HELD_OUT = 8  # one person in so many is kept aside


def held_out(person: str) -> bool:
    """Whether a person is kept aside for judging: a fixed function of the name, so that every run and every
    benchmark agrees."""
    return zlib.crc32(person.encode()) % HELD_OUT == 0


def person_of(row: Mapping[str, str]) -> str:
    """Who a row of `faces.csv` shows; a picture without a name is a person of its own."""
    return row["person"] or row["file"]
