"""Regions of a face: labels that nobody has drawn, what they are staged before, and masks by the parser in
the box."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from conftest import Mien
from faces import ROOT, collins, hopper, hopper_face, kit

from mien import Photo, verbs
from mien.face import geometry, mesh, topology
from mien.io import photo_reader as image
from mien.models.parser import REGIONS
from mien.train.data import parsing as staging
from mien.train.data import region_labels as regions
from mien.train.data.region_labels import BROWS, EARS, EYES, HAIR, LIPS, NECK, NOSE, OTHER, SKIN, UNKNOWN
from mien.types import Alignment, Array, Crop

PLAIN = {"hair": "brown", "hat": "0", "beard": "0", "glasses": "0"}


def layout(photo: Photo, points: Array, size: int = 256) -> Crop:
    return geometry.align(photo.pixels, points, Alignment("ffhq", size))


@pytest.fixture(scope="module")
def studio() -> Crop:
    """Somebody before a plain wall: the astronaut of docs, whose background is painted over wherever nobody
    is."""
    photo, face = collins()
    crop = layout(photo, face.landmarks)
    masks = dict(verbs.regions(Photo(crop.pixels), kit().faces(crop.pixels)[0], kit=kit()))
    share = cv2.GaussianBlur(masks["other"], (0, 0), 1)[..., None].astype(np.float32) / 255
    y, x = np.mgrid[:256, :256]
    wall = np.stack([90 + x / 20, 130 + y / 30, 180 - x / 30], -1)
    return Crop(
        np.rint(crop.pixels + share * (wall - crop.pixels)).astype(np.uint8),
        crop.matrix,
        crop.alignment,
        crop.landmarks,
        None,
    )


def test_a_plain_background_is_keyed_out_and_no_other(studio: Crop):
    person = regions.keyed(studio)
    assert person is not None and person.dtype == np.float32
    inside = mesh.hull_mask(studio.landmarks, 256) > 0
    assert (
        np.quantile(person[inside], 0.02) > 0.9
        and np.median(person[:60, :30]) == np.median(person[:60, -30:]) == 0
    )
    assert 0.25 < person.mean() < 0.8
    noisy = studio.pixels.astype(float) + np.random.default_rng(0).normal(0, 40, studio.pixels.shape)
    busy = Crop(
        np.clip(noisy, 0, 255).astype(np.uint8), studio.matrix, studio.alignment, studio.landmarks, None
    )
    assert regions.keyed(busy) is None


def test_labels_are_where_the_mesh_has_them(studio: Crop):
    labels = regions.label(studio, PLAIN, regions.keyed(studio))
    assert labels.shape == (regions.SIDE, regions.SIDE) and set(np.unique(labels)) <= {
        *range(len(REGIONS)),
        UNKNOWN,
    }
    half = (studio.landmarks + 0.5) / 2 - 0.5

    def at(point: Any) -> Any:
        return labels[tuple(np.rint(half[point][::-1]).astype(int))]

    assert [at(point) for point in (4, 66, 296, 468, 473, 0, 50, 280)] == [
        NOSE,
        BROWS,
        BROWS,
        EYES,
        EYES,
        LIPS,
        SKIN,
        SKIN,
    ]
    top = half[: topology.POINTS].min(0)[1]
    assert (
        (labels[: round(top) - 4, 50:78] == HAIR).mean() > 0.4
        and labels[5, 2] == OTHER
        and labels[5, -3] == OTHER
    )
    assert (labels == EARS).sum() < 400 and (labels == NECK).sum() > 20


def test_another_background_leaves_the_person(studio: Crop):
    person = regions.keyed(studio)
    assert person is not None
    shown = staging.Shown(
        studio.pixels, regions.label(studio, PLAIN, person), np.rint(person * 255).astype(np.uint8), None
    )
    data = object.__new__(staging.RegionData)
    data.size, data.seed, data.pools, data.cutouts = 256, 0, {False: [shown], True: []}, [shown]
    pixels, labels = data.moved(
        np.random.default_rng(1), shown.pixels, shown.labels, np.rint(person * 255).astype(np.uint8)
    )
    inside, behind = (mesh.hull_mask(studio.landmarks, 256) > 0) & (person > 0.98), person < 0.02
    assert np.abs(pixels[inside].astype(int) - studio.pixels[inside]).max() <= 1
    assert np.abs(pixels[behind].astype(int) - studio.pixels[behind]).mean() > 10
    assert (labels[cv2.resize(person, (128, 128), interpolation=cv2.INTER_AREA) < 0.3] == OTHER).all()
    first, again = (data.batch(2, 5) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True)) and first[0].shape == (
        2,
        3,
        256,
        256,
    )


def test_hair_is_dyed_and_nothing_else(studio: Crop):
    labels = regions.label(studio, PLAIN, regions.keyed(studio))
    hair = cv2.resize((labels == HAIR).astype(np.uint8), (256, 256), interpolation=cv2.INTER_NEAREST)
    sure, away = cv2.erode(hair, np.ones((7, 7))) > 0, cv2.dilate(hair, np.ones((25, 25))) == 0
    away &= cv2.dilate(mesh.hull_mask(studio.landmarks, 256), np.ones((9, 9))) == 0
    ways = [
        np.abs(staging.dyed(np.random.default_rng(k), studio.pixels, labels).astype(int) - studio.pixels)
        for k in range(8)
    ]
    assert np.mean([way[sure].mean() for way in ways]) > 20 and max(way[away].mean() for way in ways) < 3


def test_masks_of_a_photo(mien: Mien, tmp_path: Path):
    photo, face = hopper(), hopper_face()
    masks = dict(verbs.regions(photo, face, kit=kit()))
    assert tuple(masks) == REGIONS and all(
        mask.shape == photo.pixels.shape[:2] and mask.dtype == np.uint8 for mask in masks.values()
    )
    total = sum(mask.astype(int) for mask in masks.values())
    assert np.abs(total - 255).mean() < 6

    def at(name: Any, point: Any) -> Any:
        return masks[name][tuple(np.rint(face.landmarks[point][::-1]).astype(int))]

    assert (
        at("nose", 4) > 200 and at("lips", 14) > 100 and at("skin", 50) > 150 and masks["other"][5, 5] > 200
    )
    folder = tmp_path / "masks"
    assert mien("find", ROOT / "docs" / "hopper.jpg", "--masks", folder).code == 0
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"1-{name}.png" for name in REGIONS)
    assert (image.read(folder / "1-lips.png").pixels[..., 0] == masks["lips"]).all()
    ran = mien("find", ROOT / "docs" / "hopper.jpg", "--masks", folder)
    assert ran.code == 2 and "is not an empty folder" in ran.err and ran.err.count("\n") == 1
