"""Sepia prints and cyanotypes stay what they are under every edit."""

import io
from functools import cache
from typing import Any

import numpy as np
import pytest
from faces import collins, hopper, kit
from PIL import Image

from mien import Photo, Session, edit, read
from mien.face.toning import LUMA, toning_of
from mien.types import Array

TONES = {"sepia": ((255, 238, 200), (35, 20, 8)), "cyanotype": ((235, 245, 250), (10, 40, 90))}


def toned(pixels: Array, name: str, noise: float = 0.0) -> Array:
    high, low = (np.array(one, np.float64) for one in TONES[name])
    light = (pixels @ LUMA)[..., None] / 255
    grain = np.random.default_rng(0).normal(0, noise, pixels.shape)
    return np.clip(np.rint(low + (high - low) * light + grain), 0, 255).astype(np.uint8)


@cache
def opened(name: str) -> Session:
    return Session(Photo(toned(collins()[0].pixels, name)), kit=kit())


@pytest.mark.parametrize("name", TONES)
def test_a_toning_is_seen_and_photos_in_colour_have_none(name: str):
    assert toning_of(toned(hopper().pixels, name)) and toning_of(toned(hopper().pixels, name, noise=1.0))
    assert toning_of(toned(hopper().pixels, name).astype(np.uint16) * 257)
    coded = io.BytesIO()
    Image.fromarray(toned(hopper().pixels, name)).save(coded, "JPEG", quality=80)
    assert toning_of(read(coded).pixels), "as a JPEG, too"
    for photo in (hopper(), collins()[0]):
        assert toning_of(photo.pixels) is None
        grey = np.repeat((photo.pixels @ LUMA)[..., None], 3, 2).astype(np.uint8)
        assert toning_of(grey) is None, "it is grey already"


def test_there_and_back():
    pixels = toned(hopper().pixels, "sepia") / np.float32(255)
    toning = toning_of(toned(hopper().pixels, "sepia"))
    assert toning and np.abs(toning.from_srgb(toning.to_srgb(pixels)) - pixels).mean() < 2 / 255


@pytest.mark.parametrize("name", TONES)
@pytest.mark.parametrize(
    "asked", [{"grin": 0.8}, {"lips": "red"}, {"hair": "blond"}, {"age": 35.0}, {"beard": 1.0}], ids=str
)
def test_what_changes_has_the_colour_of_its_lightness(name: str, asked: dict[str, Any]):
    session = opened(name)
    done = session.edit(**asked).pixels
    assert (done != session.photo.pixels).any()
    high, low = (np.array(one, np.float64) for one in TONES[name])
    along = ((done - low) @ (high - low)) / ((high - low) @ (high - low))
    away = np.abs(done - (low + along[..., None] * (high - low))).max(2)
    assert away.max() < 4


def test_a_toned_smile_is_that_of_the_grey_photo():
    grey = np.repeat(np.rint(collins()[0].pixels @ LUMA)[..., None], 3, 2).astype(np.uint8)
    one = edit(Photo(grey), kit=kit(), grin=0.8).pixels.astype(float) - grey
    other = opened("sepia").edit(grin=0.8).pixels.astype(float) - opened("sepia").photo.pixels
    assert np.corrcoef(one.mean(2).ravel(), other.mean(2).ravel())[0, 1] > 0.95
