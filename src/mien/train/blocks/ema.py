"""The exponential moving average of weights, whose memory grows from the first step on."""

from __future__ import annotations


def decay(i: int, most: float) -> float:
    """The share of the averaged weights that step `i` keeps: `most`, and less in the beginning."""
    return min(most, (1 + i) / (10 + i))
