"""Teeth drawn between lips that part: in `grin` and in `mouth`."""

from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest
from faces import hopper, hopper_face, kit, opened, planned

from mien import Photo, RequestError, edit
from mien.edits import mouth, teeth
from mien.edits.mouth import Grin, Mouth, parted, shows_teeth, tongue_out
from mien.edits.teeth import halved
from mien.face import filters, geometry, mesh, topology
from mien.face.change import composite
from mien.types import Array, Change, Crop


@cache
def crop_of(name: str, strength: float) -> tuple[Crop, Change]:
    """Hopper, whose mouth is closed, and what an edit does to him."""
    (how,) = planned({name: strength})
    crop = geometry.align(hopper().pixels, hopper_face().landmarks, how.alignment, hopper_face().depth)
    return crop, how(crop)


def shown(crop: Crop, change: Change) -> Array:
    """The crop after the change, Lab."""
    return filters.to_lab(composite(crop.pixels, replace(crop, matrix=np.eye(2, 3)), change))


def lips_of(crop: Crop, strength: float) -> Array:
    """Where the mesh lies after a grin."""
    (how,) = planned({"grin": strength})
    assert isinstance(how, Grin)
    return how.prototypes.smiling(crop.landmarks, how.wanted_mouth(crop.landmarks, 0.0))


def toothy_crop() -> Crop:
    """Hopper with his mouth drawn open and real teeth, striped, in it."""
    crop, _ = crop_of("grin", 0.8)
    points = crop.landmarks.copy()
    points[: topology.POINTS] = lips_of(crop, 1.0)
    pixels = crop.pixels.copy()
    opening = mesh.polygon_mask(points, topology.INNER_LIPS, crop.size, feather=0.5) > 0.5
    stripes = np.where(np.arange(crop.size) // 12 % 2, 225, 190)[None, :, None] * np.array([1, 0.97, 0.9])
    pixels[opening] = np.broadcast_to(stripes, pixels.shape)[opening]
    return replace(crop, pixels=pixels, landmarks=points)


def test_teeth_are_lighter_than_the_lips_and_paler():
    crop, change = crop_of("grin", 0.8)
    after, points = shown(crop, change), lips_of(crop, 0.8)
    inside = mesh.polygon_mask(points, topology.INNER_LIPS, crop.size, feather=0.5) > 0.95
    lips = (mesh.polygon_mask(points, topology.LIPS, crop.size, feather=0.5) > 0.95) & (
        mesh.polygon_mask(points, topology.INNER_LIPS, crop.size, 3) < 0.02
    )
    assert inside.sum() > 1500
    teeth_, lip = after[inside], np.median(after[lips], axis=0)
    tooth = np.median(
        teeth_[teeth_[:, 0] > np.median(teeth_[:, 0])], axis=0
    )  # the lighter half: not the corners, nor between teeth
    assert lip[0] + 6 < tooth[0] < 88
    assert 3 < np.hypot(*tooth[1:]) < 0.7 * np.hypot(*lip[1:])


def test_teeth_stay_between_the_lips():
    """A grin with teeth and the smile that it is made of differ between the lips and nowhere else."""
    crop, change = crop_of("grin", 0.8)
    (how,) = planned({"grin": 0.8})
    assert isinstance(how, Grin)
    small = teeth.halved(crop)
    smile = how.prototypes.change(small, mouth=how.wanted_mouth(crop.landmarks, 0.0))
    difference = np.abs(change.colour - cv2.resize(smile.colour, None, fx=2, fy=2)).max(2)
    opening = mesh.polygon_mask(lips_of(crop, 0.8), topology.INNER_LIPS, crop.size, feather=0.5) > 0
    near = cv2.dilate(opening.astype(np.uint8), np.ones((9, 9))) > 0
    assert difference[opening].max() > 0.3 and difference[~near].max() < 1 / 255


def test_more_of_a_grin_shows_more_teeth():
    """Where lips were, it gets paler and paler."""
    chroma = []
    for strength in (0.1, 0.3, 0.6, 1.0):
        crop, change = crop_of("grin", strength)
        at = mesh.polygon_mask(lips_of(crop, 1.0), topology.INNER_LIPS, crop.size, feather=0.5)
        chroma.append(
            float((np.hypot(*np.moveaxis(shown(crop, change)[..., 1:], -1, 0)) * at).sum() / at.sum())
        )
    assert chroma == sorted(chroma, reverse=True) and chroma[-1] < 0.7 * chroma[0]


def test_a_mouth_keeps_its_own_teeth():
    """The stripes are still there, as wide as the smile makes them; and nobody else's."""
    crop = toothy_crop()
    assert shows_teeth(teeth.halved(crop)) == 1 and shows_teeth(teeth.halved(crop_of("grin", 0.8)[0])) == 0
    (how,) = planned({"grin": 0.8})
    change = how(crop)
    inside = mesh.polygon_mask(crop.landmarks, topology.INNER_LIPS, crop.size, feather=2) > 0.99
    assert np.abs(change.colour[inside]).mean() < 0.02
    row = shown(crop, change)[round(float(crop.landmarks[[13, 14], 1].mean()))]
    columns = slice(*(round(float(crop.landmarks[i, 0])) for i in (82, 312)))
    assert np.ptp(row[columns, 0]) > 10


def test_a_mouth_that_opens_shows_teeth_above_and_dark_below():
    crop, change = crop_of("mouth", 1.0)
    moved = crop.landmarks.copy()
    moved[: topology.POINTS] += parted(moved[: topology.POINTS], 1.0)
    (x, top), (_, bottom) = np.rint(moved[[13, 14]]).astype(int)
    middle = shown(crop, change)[top + 3 : bottom - 3, x, 0]
    assert middle.max() > 55 and middle.min() < 30 and np.argmax(middle) < np.argmin(middle)


def test_lipstick_stays_off_the_teeth():
    plain, red = (
        filters.to_lab(opened(hopper()).edit(grin=0.8, lips=lips).pixels) for lips in ("red:0", "red")
    )
    matrix = crop_of("grin", 0.8)[0].matrix
    points = geometry.transform(lips_of(crop_of("grin", 0.8)[0], 0.8), geometry.invert(matrix))
    mask = np.zeros(hopper().pixels.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.rint(points[list(topology.INNER_LIPS)]).astype(np.int32)], 1)
    inside = cv2.erode(mask, np.ones((3, 3))) > 0
    assert inside.sum() > 50 and np.abs(red - plain)[inside].mean() < 2 < np.abs(red - plain)[mask == 0].max()


def test_in_the_dark_teeth_are_dim():
    """Teeth are as light as the photo: a third of the light leaves less of them than half."""
    bright, _ = crop_of("grin", 0.8)
    light = []
    for share in (1.0, 0.33):
        crop = replace(bright, pixels=np.rint(bright.pixels * share).astype(np.uint8))
        here = mesh.window(crop.landmarks[list(topology.LIPS)], 10, crop.size)
        light.append(teeth.inside(crop, lips_of(bright, 1.0), here).max())
    assert light[1] < 0.6 * light[0]


def test_everybody_has_slightly_other_teeth():
    one, same, other = (teeth.Arch.of(seed) for seed in (1, 1, 2))
    assert (
        np.array_equal(one.ends, same.ends)
        and np.array_equal(one.crowns, same.crowns)
        and not np.array_equal(one.ends, other.ends)
    )
    assert np.abs(np.diff(one.ends) - np.diff(other.ends)).max() < 1.5 and (np.diff(one.ends) > 5).all()


def test_teeth_in_a_black_and_white_photo_are_grey():
    grey = np.repeat(cv2.cvtColor(hopper().pixels, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    after = edit(Photo(grey), kit=kit(), grin=0.8).pixels.astype(int)
    assert (after != grey).any() and np.ptp(after, axis=2).max() <= 1


def test_a_grin_is_asked_for_instead_of_a_smile():
    with pytest.raises(RequestError, match="leave out --smile or --grin"):
        opened(hopper()).edit(smile=0.3, grin=0.5)
    assert opened(hopper()).edit(smile=0.0, grin=0.0) is hopper()


@pytest.fixture(scope="module")
def gaping() -> Photo:
    """Hopper, whose mouth was opened three times over."""
    photo = hopper()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mouth, "OPENED", (8.0, 9.0))
        for _ in range(3):
            photo = edit(photo, kit=kit(), mouth=1.0)
    return photo


def test_a_mouth_that_is_wide_open_is_opened_no_farther(gaping: Photo):
    """Nor does a grin draw teeth into it."""
    asked = edit(gaping, kit=kit(), mouth=1.0)
    assert "wide open already" in asked.history[-1].notes[0] and np.array_equal(asked.pixels, gaping.pixels)
    points = kit().faces(gaping.pixels)[0].landmarks
    inside = mesh.polygon_mask(points, topology.INNER_LIPS, max(gaping.size), feather=1)
    inside = cv2.erode(inside[: gaping.size[1], : gaping.size[0]], np.ones((9, 9))) > 0.9
    lighter = edit(gaping, kit=kit(), grin=1.0).pixels[inside].astype(int) - gaping.pixels[inside]
    assert np.percentile(lighter, 95) < 40, "teeth would be lighter by more than 100"


def test_a_chin_is_not_drawn_out(gaping: Photo, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mouth, "FARTHEST", 0.2)
    left = edit(gaping, kit=kit(), mouth=-1.0)
    assert "too wide open" in left.history[-1].notes[0] and np.array_equal(left.pixels, gaping.pixels)


def test_a_gaping_mouth_is_closed(gaping: Photo):
    """One closing is not enough, for the mesh sees less of an opening than there is."""
    found = [
        kit().faces(photo.pixels)[0].landmarks
        for photo in (gaping, *(edit(gaping, kit=kit(), mouth=amount) for amount in (-0.5, -1.0)))
    ]
    gaps = [float(mesh.mouth_shape(points)[2]) for points in found]
    assert gaps[0] > 0.3 and 0.3 < gaps[1] / gaps[0] < 0.75 and gaps[2] < 0.1
    left, right = (found[2][corner] - found[0][corner] for corner in topology.MOUTH_CORNERS)
    assert abs(left[1] - right[1]) < 0.05 * geometry.eye_distance(found[0]), "and stays level"


def test_a_mouth_that_does_not_close_is_left_alone():
    """As the widest yawns: half closed it would be neither."""
    (how,) = planned({"mouth": -1.0})
    crop, _ = crop_of("mouth", -1.0)
    points = crop.landmarks.copy()
    points[: topology.POINTS] += 2 * parted(points[: topology.POINTS], 1.0)
    yawning = replace(crop, landmarks=points)

    class Stubborn:
        networks = ()

        def laid_anew(self, crop: Crop) -> Crop:
            return replace(crop, landmarks=(points + 0.5) / 2 - 0.5)

    assert isinstance(how, Mouth)
    assert not tongue_out(halved(yawning))
    tongue = mesh.polygon_mask(points, topology.INNER_LIPS, crop.size, feather=1)[..., None]
    lips = crop.pixels[mesh.polygon_mask(points, topology.LIPS, crop.size, feather=1) > 0.5]
    rose = np.median(lips, 0) * tongue + crop.pixels * (1 - tongue)
    left = how(replace(yawning, pixels=rose.astype(np.uint8)))
    assert left.note == "has the tongue out, so nothing was done to the mouth" and not left.alpha.any()
    closed = replace(how, landmarker=Stubborn())(yawning)  # pyright: ignore[reportArgumentType]
    assert "too wide open" in closed.note and not closed.alpha.any()
    done = how(crop)
    assert not done.note and done.alpha.any()
