"""Strength over time: keys say how much of what was asked for is done at some moments of a clip, and between two of them
it goes evenly from the one to the other."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from itertools import pairwise
from numbers import Real
from operator import itemgetter
from typing import Any

from ..errors import RequestError

Keys = tuple[tuple[float, float], ...]  # seconds from the start of a clip, rising, and a share of 0..1 each
LONGEST = 1e6  # seconds of a clip


def taken_keys(given: Sequence[Sequence[Any]]) -> Keys:
    """Keys as they came, checked: pairs of seconds and a share. A `RequestError` where they make no sense, or would change
    nothing."""
    keys = tuple(_key(one) for one in given)
    for (before, _), (time, _) in pairwise(keys):
        if time <= before:
            raise RequestError(f"keys: {time:g} seconds come after {before:g}: the times were to rise")
    if keys and not any(share for _, share in keys):
        raise RequestError("every key is 0: nothing would change")
    return keys


def _key(given: Any) -> tuple[float, float]:
    pair: Sequence[Any] = given if isinstance(given, Sequence) else ()
    if len(pair) != 2 or any(isinstance(value, bool) or not isinstance(value, Real) for value in pair):
        raise RequestError(f"key {given!r}: seconds and a share were wanted, as (1.5, 0.8)")
    time, share = pair
    if not 0 <= time < LONGEST:
        raise RequestError(f"key {time!r} is no time in a clip: seconds from its start were wanted")
    if not 0 <= share <= 1:
        raise RequestError(f"key at {time:g} seconds: {share!r} is out of range: from 0 to 1")
    return float(time), float(share)


def share_at(keys: Keys, seconds: float) -> float:
    """How much of what was asked for is done at a moment, 0..1: before the first key as at it, after the last the same;
    all where there are no keys."""
    if not keys:
        return 1.0
    after = bisect(keys, seconds, key=itemgetter(0))
    if after in (0, len(keys)):
        return keys[0 if after == 0 else -1][1]
    (begin, share), (end, wanted) = keys[after - 1 : after + 1]
    return share + (wanted - share) * (seconds - begin) / (end - begin)
