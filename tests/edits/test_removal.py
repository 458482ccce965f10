"""Beards and glasses taken off: where skin is fetched from, that nothing finer is left standing, and what the
network in the box does."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from faces import collins, kit, planned

from mien import Photo
from mien.edits.age_floor import Adult
from mien.edits.beard import Beard
from mien.edits.eyeglasses import Glasses
from mien.edits.removal import Removal, as_skin, from_skin
from mien.face import geometry, mesh, skin, topology
from mien.face.change import advect_points
from mien.pipeline.photo import edit_photo
from mien.types import Array, Edit, Face

ON = {"glasses": Glasses(), "beard": Beard(strength=0.6)}


def worn(thing: str, photo: Photo, face: Face) -> Photo:
    return edit_photo(photo, (ON[thing],), [face], [0], {})


class Knowing:
    """A translator that knows the answer, as finely as a network of 192 pixels could say it."""

    net: Any = SimpleNamespace(card=SimpleNamespace(size=192), networks=())

    def __init__(self, photo: Photo) -> None:
        self.photo, self.matrix = photo, np.zeros((2, 3))

    def translate(self, pixels: Array, **_: Any) -> Array:
        return cv2.resize(
            geometry.warp(self.photo.pixels, self.matrix, 384),
            pixels.shape[1::-1],
            interpolation=cv2.INTER_AREA,
        )


def fine(pixels: Array, face: Face, part: Array) -> float:
    """How much is left of edges too fine for the network, where `part` of the layout says."""
    crop = geometry.align(pixels, face.landmarks, replace(Removal.alignment, size=768))
    grey = cv2.cvtColor(crop.pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    high = np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 4))
    return float(high[cv2.resize(part, (768, 768)) > 0.5].mean())


@pytest.mark.parametrize("thing", ON)
def test_no_edge_is_left_standing(thing: str):
    photo, face = collins()
    dressed = worn(thing, photo, face)
    translator: Any = Knowing(photo)
    edit: Edit = Removal(translator, kit().parser, thing, 1.0)
    translator.matrix = geometry.align(photo.pixels, face.landmarks, edit.alignment).matrix
    after = edit_photo(dressed, (edit,), [face], [0], {})
    crops = [geometry.align(one.pixels, face.landmarks, edit.alignment).pixels for one in (photo, dressed)]
    there = (np.abs(crops[0].astype(np.float32) - crops[1]).max(2) > 40).astype(np.float32)
    before, put_on, left = (fine(one.pixels, face, there) for one in (photo, dressed, after))
    assert put_on > 1.3 * before
    assert left < before + 0.15 * (put_on - before)


def test_skin_is_fetched_whole():
    """From where nothing is covered, and neighbours from places next to each other: between two that are not,
    anything may lie."""
    photo, face = collins()
    crop = geometry.align(photo.pixels, face.landmarks, Removal.alignment)
    covered = mesh.polygon_mask(crop.landmarks, topology.UNDER_EYES[0], crop.size, feather=1, grow=20) > 0.3
    at = mesh.pixel_grid(crop.size) + from_skin(
        crop.pixels, skin.bare_skin_mask(crop.landmarks, crop.size) * ~covered, crop.landmarks
    )
    assert max(np.abs(np.diff(at, axis=axis)).max() for axis in (0, 1)) < 1.01
    found = np.rint(at).astype(int)
    features = np.maximum(
        *(
            mesh.polygon_mask(crop.landmarks, outline, crop.size, feather=0.5)
            for outline in (topology.LIPS, topology.EYELIDS[1])
        )
    )
    for one in (covered, features > 0.5, mesh.hull_mask(crop.landmarks, crop.size) == 0):
        assert not one[found[..., 1], found[..., 0]].any()


def test_skin_is_fetched_where_it_has_no_lines():
    photo, face = collins()
    crop = geometry.align(photo.pixels, face.landmarks, Removal.alignment)
    bare = skin.bare_skin_mask(crop.landmarks, crop.size)

    def fetched(pixels: Array) -> Array:
        return (mesh.pixel_grid(crop.size) + from_skin(pixels, bare, crop.landmarks)).reshape(-1, 2).mean(0)

    first = fetched(crop.pixels)
    lined = crop.pixels.copy()
    x, y = first.astype(int)
    lined[y - 30 : y + 30 : 8, x - 30 : x + 30] = 0
    assert np.linalg.norm(fetched(lined) - first) > 30


def test_what_is_bared_is_like_the_skin_beside_it():
    """Neither lighter nor greyer than all of that, and what was not covered, and the eyes, stay as they
    are."""
    photo, face = collins()
    crop = geometry.align(photo.pixels, face.landmarks, Removal.alignment)
    seen = crop.pixels.astype(np.float32) / 255
    covered = np.zeros((crop.size,) * 2, bool)
    spots = {
        "glow": crop.landmarks[6],
        "grey": crop.landmarks[199],
        "eye": crop.landmarks[473],
        "plain": crop.landmarks[50],
    }
    parts = {
        name: (slice(y - 7, y + 7), slice(x - 7, x + 7))
        for name, (x, y) in ((k, at.astype(int)) for k, at in spots.items())
    }
    bare = seen.copy()
    bare[parts["glow"]], bare[parts["grey"]] = (1, 1, 0.8), 0.4
    for name in ("glow", "grey", "eye"):
        covered[parts[name]] = True
    plain = skin.bare_skin_mask(crop.landmarks, crop.size)
    out = as_skin(bare, seen, covered, plain)
    lab, own, beside = (cv2.cvtColor(one, cv2.COLOR_RGB2Lab) for one in (out, seen, seen[parts["plain"]]))
    assert lab[parts["glow"]][..., 0].max() < np.percentile(
        own[mesh.skin_mask(crop.landmarks, crop.size) > 0.9][:, 0], 99
    )
    assert (
        lab[parts["grey"]][..., 2].mean() > 0.3 * beside[..., 2].mean()
        and abs(lab[parts["grey"]][..., 0].mean() - 43) < 2
    )
    assert np.abs(out - bare)[parts["eye"]].mean() < 0.01 and np.abs(out - bare)[~covered].max() < 0.01
    assert as_skin(bare, seen, np.ones_like(covered), plain) is bare, "where no skin is left to tell"


def test_the_face_stays_where_it_is():
    photo, face = collins()
    dressed = worn("beard", photo, face)
    crop = geometry.align(dressed.pixels, face.landmarks, Removal.alignment)
    change = planned({"beard": -1.0})[0](crop)
    assert change.alpha.max() > 0.9 and np.array_equal(
        advect_points(face.landmarks, crop, change), face.landmarks
    )


@pytest.mark.parametrize("thing", ON)
def test_the_network_in_the_box_takes_off(thing: str):
    photo, face = collins()
    dressed = worn(thing, photo, face)
    after = edit_photo(dressed, planned({thing: -1.0}), [face], [0], {})
    there = (dressed.pixels != photo.pixels).any(2)
    away = [np.abs(one.pixels.astype(np.float32) - photo.pixels)[there].mean() for one in (dressed, after)]
    assert away[1] < 0.5 * away[0]


@pytest.mark.parametrize("thing", ON)
def test_who_wears_nothing_stays(thing: str):
    photo, face = collins()
    after = edit_photo(photo, planned({thing: -1.0}), [face], [0], {})
    assert np.abs(after.pixels.astype(np.float32) - photo.pixels).max(2).mean() < 0.05


def test_what_hangs_from_a_chin_goes_and_collars_stay():
    """A beard may end below the face only where it covers the chin."""
    photo, face = collins()
    held = planned({"beard": -1.0})[0]
    assert isinstance(held, Adult) and isinstance(held.edit, Removal)
    edit = held.edit
    crop = geometry.align(photo.pixels, face.landmarks, edit.alignment)
    size, chin = crop.size, int(crop.landmarks[152, 1])
    covered = np.zeros((size, size), np.float32)
    covered[chin + 10 :] = 1  # a collar
    assert edit.beard_region(crop, covered).max() == 0
    covered[int(crop.landmarks[0, 1]) :] = 1
    may = edit.beard_region(crop, covered)
    middle = int(crop.landmarks[152, 0])
    assert may[chin, middle] == 1 and may[chin + size // 10, middle] > 0.5


def test_a_mouth_is_no_beard():
    """Whatever a network makes of it: a smile with teeth under a beard stays as it was."""
    photo, face = collins()
    spoilt = photo.pixels.copy()
    lips = np.rint(face.landmarks[list(topology.LIPS)]).astype(np.int32)
    cv2.fillPoly(spoilt, [lips], (60, 90, 200))
    translator: Any = Knowing(Photo(spoilt))
    edit = Removal(translator, kit().parser, "beard", 1.0)
    crop = geometry.align(worn("beard", photo, face).pixels, face.landmarks, edit.alignment)
    translator.matrix = crop.matrix
    mouth = mesh.polygon_mask(crop.landmarks, topology.LIPS, crop.size, feather=1)
    alpha = edit(crop).alpha
    assert alpha[cv2.erode(mouth, np.ones((9, 9))) > 0.9].mean() < 0.1 and alpha.max() > 0.9


def test_half_is_between():
    photo, face = collins()
    dressed = worn("glasses", photo, face)
    ways = [
        edit_photo(dressed, planned({"glasses": -share}), [face], [0], {}).pixels.astype(np.float32)
        for share in (0.5, 1.0)
    ]
    moved = [np.abs(one - dressed.pixels).sum() for one in ways]
    assert 0.35 < moved[0] / moved[1] < 0.65


def test_dark_glasses_stay_on():
    photo, face = collins()
    dark = edit_photo(photo, (Glasses(glass=(0.05, 0.05, 0.05)),), [face], [0], {})
    assert np.array_equal(edit_photo(dark, planned({"glasses": -1.0}), [face], [0], {}).pixels, dark.pixels)
