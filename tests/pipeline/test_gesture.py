"""The Changes of a slider: what a page makes of them is the edit itself."""

from __future__ import annotations

import json
import struct
from typing import Any

import cv2
import numpy as np
import pytest

import mien
from mien.errors import RequestError
from mien.pipeline import gesture
from mien.types import Array


@pytest.fixture(scope="module")
def session(portrait: Array) -> mien.Session:
    return mien.open(cv2.resize(portrait, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA))


def head_of(message: bytes) -> tuple[dict[str, Any], bytes]:
    assert message.startswith(gesture.MAGIC)
    (length,) = struct.unpack_from("<I", message, 4)
    return json.loads(message[8 : 8 + length]), message[8 + length :]


def drawn(pixels: Array, message: bytes, share: float = 1.0) -> Array:
    """What a page draws of one key at a share of its strength, as its shader does it."""
    head, planes = head_of(message)
    for pieces in head["stages"].values():
        out = pixels.copy()
        for piece in pieces:
            flow, over = laid(piece, "flow", 2, planes, pixels), laid(piece, "colour", 4, planes, pixels)
            moving, fading = (1, share) if piece["fades"] else (share, 1)
            linear = np.reshape(piece["matrix"], (2, 3))[:, :2]
            places = (
                np.stack(np.meshgrid(*map(np.arange, pixels.shape[1::-1])), -1)
                + moving * flow @ np.linalg.inv(linear).T
            )
            x, y = cv2.split(places.astype(np.float32))
            seen = cv2.remap(pixels, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
            delta = fading * over[..., 3:] * (seen.astype(np.float32) + moving * 255 * over[..., :3] - pixels)
            out = np.clip(np.rint(out + delta), 0, 255).astype(np.uint8)
        pixels = out
    return pixels


def laid(piece: dict[str, Any], name: str, channels: int, planes: bytes, pixels: Array) -> Array:
    """A plane of a piece at the photo's pixels, `[H, W, channels]`."""
    left, top, width, height = piece["box"]
    size = pixels.shape[1::-1]
    if piece[name] is None:
        return np.zeros((*size[::-1], channels), np.float32)
    values = np.frombuffer(planes, np.float16, height * width * channels, piece[name])
    matrix = np.reshape(piece["matrix"], (2, 3)) - np.array([[0, 0, left], [0, 0, top]])
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(values.reshape(height, width, channels).astype(np.float32), matrix, size, flags=how)


def off(one: Array, other: Array, original: Array) -> float:
    """How far two pictures are apart in the mean, where one of them was changed; in levels."""
    where = np.abs(one.astype(int) - original).max(2) > 1
    return float(np.abs(one.astype(int) - other)[where].mean())


@pytest.mark.parametrize(
    ("slider", "end"),
    [("smile", 1.0), ("age", 50.0), ("sex", -1.0), ("lips", "red"), ("glasses", -1.0), ("light", -1.0)],
)
def test_a_key_is_the_edit(session: mien.Session, slider: str, end: Any):
    given: Any = {slider: end}
    wanted = session.edit(**given).pixels
    pixels = session.photo.pixels
    found = drawn(pixels, gesture.packed(session, {}, slider, end, 1.0))
    assert off(wanted, found, pixels) < 0.6
    assert np.array_equal(wanted[:, 0], found[:, 0]), "nothing changes beyond the edit"


@pytest.mark.parametrize(
    ("slider", "end", "most"), [("smile", 1.0, 1.5), ("glasses", -1.0, 0.6), ("light", 1.0, 1.2)]
)
def test_below_a_key_it_is_scaled(session: mien.Session, slider: str, end: float, most: float):
    given: Any = {slider: end / 2}
    wanted, pixels = session.edit(**given).pixels, session.photo.pixels
    found = drawn(pixels, gesture.packed(session, {}, slider, end, 1.0), 0.5)
    assert off(wanted, found, pixels) < most < off(wanted, pixels, pixels)


def test_the_other_strengths_stay(session: mien.Session):
    wanted = session.edit(light=0.5, smile=1).pixels
    message = gesture.packed(session, {"light": 0.5}, "smile", 1.0, 1.0)
    assert list(head_of(message)[0]["stages"]) == ["Prototype", "Relight"]
    assert off(wanted, drawn(session.photo.pixels, message), session.photo.pixels) < 0.8


def test_what_a_screen_shows_has_the_same_faces(portrait: Array):
    session = mien.open(portrait)
    shown = gesture.shown(session.photo, 300, session)
    assert max(shown.photo.size) == 300
    alone = mien.open(shown.photo)
    assert np.abs(shown.faces[0].landmarks - alone.faces[0].landmarks).mean() < 1.5
    assert session.edit(smile=1).size == (512, 600)


def test_a_slider_without_a_zero_does_not_move():
    assert gesture.keys_of("smile") == (1.0,) and gesture.keys_of("beard")[0] == 1.0
    with pytest.raises(RequestError, match="no slider moves 'age_to'"):
        gesture.keys_of("age_to")
