"""The networks that draw in any manner: the numbers of their origin, and pictures of any size."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from faces import hopper, kit

from mien.types import Array


def content() -> Array:
    """A portrait, `[384, 384, 3]`."""
    return cv2.resize(hopper().pixels[:512], (384, 384), interpolation=cv2.INTER_AREA)


def style() -> Array:
    """Stripes of four colours, `[256, 256, 3]`."""
    rows, columns = np.mgrid[:256, :256]
    colours = np.array([(200, 60, 50), (240, 210, 120), (40, 80, 140), (250, 245, 235)], np.uint8)
    return colours[(rows + columns + (20 * np.sin(rows / 15)).astype(int)) // 24 % 4]


def test_they_agree_with_magentas():
    """magenta.json: what the int8 originals say of these pictures; of the drawing, means of 12 by 12 parts."""
    said = json.loads(Path(__file__).with_name("magenta.json").read_text(encoding="utf-8"))
    vector = kit().style_encoder("painting").vector(style())
    assert vector == pytest.approx(np.array(said["vector"]), abs=0.05), "of numbers up to 2"
    net = kit().translator("painting").net
    numbers = np.array([said["vector"]], np.float32)
    drawn = net.run(pixels=content().transpose(2, 0, 1)[None].astype(np.float32) / 255, style=numbers)
    parts = cv2.resize(drawn["picture"][0].transpose(1, 2, 0), (12, 12), interpolation=cv2.INTER_AREA)
    assert np.abs(parts - said["picture"]).mean() < 0.03


@pytest.mark.parametrize("size", [(301, 403), (5, 7), (64, 900)])
def test_a_picture_of_any_size(size: tuple[int, int]):
    pixels = cv2.resize(hopper().pixels, size[::-1], interpolation=cv2.INTER_AREA)
    drawn = kit().translator("painting").translate(pixels, style=kit().manners.vector("woodblock"))
    assert drawn.shape == pixels.shape and drawn.dtype == np.uint8 and (drawn != pixels).any()


def test_a_large_picture_keeps_its_fine_lines():
    """Strokes are as broad as in a small one, and what is finer than they are is the photo's own."""
    small = hopper().pixels
    large = cv2.resize(small, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    lines = (np.arange(large.shape[0]) // 2 % 2 * 24 - 12)[:, None, None].astype(np.int16)
    fine = np.clip(large.astype(np.int16) // 2 + 64 + lines, 0, 255).astype(np.uint8)
    plain = np.clip(large.astype(np.int16) // 2 + 64, 0, 255).astype(np.uint8)
    draws, manner = kit().translator("painting"), kit().manners.vector("oil")
    one, other = (draws.translate(picture, style=manner).astype(np.float32) for picture in (fine, plain))
    inside = (one > 20) & (one < 235) & (other > 20) & (other < 235)
    assert ((one - other) * np.sign(lines))[inside].mean() > 10, "of 12"


def test_every_manner_is_its_own_and_leaves_a_face():
    picture = cv2.resize(hopper().pixels, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
    (face,) = kit().faces(picture)
    drawings: list[Array] = []
    for name in kit().manners.names:
        drawn = kit().translator("painting").translate(picture, style=kit().manners.vector(name))
        (found,) = kit().faces(drawn)
        away = np.abs(found.landmarks - face.landmarks).mean() / (face.box[2] - face.box[0])
        assert away < 0.05, f"{name} moves the face by {away:.2f} of its width"
        assert all(np.abs(drawn.astype(int) - other).mean() > 8 for other in drawings), name
        drawings.append(drawn)
    assert len(drawings) >= 12
