"""Strength over time, as numbers and as parts of Changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.edits.keys import Keys, share_at, taken_keys
from mien.edits.request import EditRequest
from mien.errors import RequestError
from mien.face.change import composite, lessened
from mien.types import Alignment, Array, Change, Crop

TIMES = st.lists(st.floats(0, 1e5), min_size=1, max_size=8, unique=True).map(sorted)


@given(TIMES, st.data())
def test_between_keys_it_goes_evenly_and_beyond_them_it_stays(times: list[float], data: st.DataObject):
    shares = [data.draw(st.floats(0, 1)) for _ in times]
    keys: Keys = tuple(zip(times, shares, strict=True))
    assert [share_at(keys, time) for time in times] == shares
    assert share_at(keys, times[0] - 1) == shares[0] and share_at(keys, times[-1] + 1) == shares[-1]
    at = data.draw(st.floats(-1, 1e5 + 1))
    assert np.isclose(share_at(keys, at), np.interp(at, times, shares), atol=1e-9)
    assert 0 <= share_at(keys, at) <= 1 and share_at((), at) == 1
    if any(shares):
        assert taken_keys([list(key) for key in keys]) == keys


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([(1, 0), (1, 1)], "1 seconds come after 1"),
        ([(2, 0), (1, 1)], "1 seconds come after 2"),
        ([(-1, 1)], "key -1 is no time in a clip"),
        ([(float("nan"), 1)], "key nan is no time"),
        ([(float("inf"), 1)], "key inf is no time"),
        ([(10**400, 1)], "is no time in a clip"),
        ([(0, 1.2)], "1.2 is out of range: from 0 to 1"),
        ([(0, float("nan"))], "nan is out of range"),
        ([(0, 0), (1, 0)], "every key is 0: nothing would change"),
        ([(0, 1, 2)], "seconds and a share were wanted"),
        ([(0, "1")], "seconds and a share were wanted"),
        ([(0, True)], "seconds and a share were wanted"),
        ([0.5], "seconds and a share were wanted"),
        (["01"], "seconds and a share were wanted"),
    ],
)
def test_keys_that_make_no_sense_are_refused(given: Any, says: str):
    with pytest.raises(RequestError, match=says):
        taken_keys(given)
    with pytest.raises(RequestError, match=says):
        EditRequest({"smile": 1}, keys=given).checked()


def test_a_request_says_its_keys():
    assert EditRequest({"smile": 1}, keys=((0, 0), (1.5, 1))).arguments()["keys"] == [[0, 0], [1.5, 1]]
    assert "keys" not in EditRequest({"smile": 1}).arguments()


SIZE = 64


@pytest.fixture(scope="module")
def crop() -> Crop:
    ramp = np.arange(SIZE, dtype=np.uint8) * 3
    pixels = np.dstack([np.broadcast_to(ramp, (SIZE, SIZE))] * 3)
    return Crop(
        np.ascontiguousarray(pixels), np.eye(2, 3), Alignment("head", SIZE), np.zeros((478, 2), np.float32)
    )


def changed(crop: Crop, change: Change) -> Array:
    return composite(crop.pixels, crop, change).astype(int) - crop.pixels


@pytest.mark.parametrize("how", ["flow", "colour", "texture", "source"])
def test_half_of_a_change_changes_half_as_much(crop: Crop, how: str):
    """On a ramp, on which to look half as far is to change by half, too; one that looks elsewhere is half as dense."""
    change = Change(
        np.full((SIZE, SIZE, 2), 8.0 * (how in ("flow", "texture")), np.float32),
        np.full((SIZE, SIZE, 3), 0.2 * (how == "colour"), np.float32),
        np.pad(np.ones((40, 40), np.float32), 12),
        kind="texture" if how == "texture" else "skin",
        source=Crop(255 - crop.pixels, crop.matrix, crop.alignment, crop.landmarks)
        if how == "source"
        else None,
    )
    whole, half = changed(crop, change), changed(crop, lessened(change, 0.5))
    assert np.abs(whole).max() > 20 and np.abs(half - whole / 2).max() <= 1
    assert lessened(change, 1.0) is change
    assert not changed(crop, lessened(change, 0.0)).any()
    dense = np.array_equal(lessened(change, 0.5).alpha, change.alpha)
    assert dense == (how in ("flow", "colour"))
