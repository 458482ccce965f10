"""Regions of a face: labels that nobody has drawn, pictures composed with true ones, and masks by the parser in the
box."""

from dataclasses import replace
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
from mien.train.data import covers, parsing
from mien.train.data import region_labels as regions
from mien.train.data.composites import Composer, Shown, Wig
from mien.train.data.dyes import dyed
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


@pytest.fixture(scope="module")
def shown(studio: Crop) -> Shown:
    person = regions.keyed(studio)
    assert person is not None
    cut = np.rint(person * 255).astype(np.uint8)
    return Shown(studio.pixels, regions.label(studio, PLAIN, person), studio.landmarks, cut)


def test_another_ground_leaves_the_person(studio: Crop, shown: Shown):
    assert shown.person is not None
    moved = Composer([shown], []).moved(np.random.default_rng(1), shown)
    inside, behind = (mesh.hull_mask(studio.landmarks, 256) > 0) & (shown.person == 255), shown.person < 5
    assert np.abs(moved.pixels[inside].astype(int) - studio.pixels[inside]).max() <= 1
    assert np.abs(moved.pixels[behind].astype(int) - studio.pixels[behind]).mean() > 10
    nobody = cv2.resize(shown.person, (128, 128), interpolation=cv2.INTER_AREA) < 76
    assert (moved.labels[nobody] == OTHER).all()


def test_batches_are_a_function_of_their_number(shown: Shown):
    data = object.__new__(parsing.RegionData)
    data.size, data.seed, data.trained = 256, 0, Composer([shown], [])
    first, again = (data.batch(2, 5) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert first[0].shape == (2, 3, 256, 256) and first[1].shape == (2, 128, 128)


def test_hair_is_put_on_another_head(shown: Shown):
    """A red head of hair that reaches down to the shoulders."""
    points = shown.points
    alpha = np.zeros((256, 256), np.uint8)
    left, right = (round(float(points[i, 0])) for i in (127, 356))
    alpha[:250, left - 25 : left] = alpha[:250, right : right + 25] = 255
    wig = Wig(np.full((256, 256, 3), (200, 20, 20), np.uint8), alpha, points)
    worn = Composer([replace(shown, person=None)], [wig]).haired(np.random.default_rng(0), shown)
    locks = alpha[::2, ::2] > 0
    assert (worn.labels[locks] == HAIR).mean() > 0.95
    away = cv2.dilate(alpha, np.ones((5, 5))) == 0
    assert np.array_equal(worn.pixels[away], shown.pixels[away])
    assert np.array_equal(worn.labels[away[::2, ::2]], shown.labels[away[::2, ::2]])
    assert (worn.pixels[alpha > 0] == (200, 20, 20)).all(-1).mean() > 0.95


@pytest.mark.parametrize(
    ("shape", "down", "hidden", "seen"),
    [
        (covers.hat, 0, (), (LIPS, NOSE, BROWS)),
        (covers.hood, 0, (), (LIPS, NOSE, BROWS, EYES)),
        (covers.collar, 0, (), (BROWS, EYES, NOSE)),
        (covers.mask, 0, (LIPS,), (BROWS,)),
        (covers.mask, 1, (), (LIPS, NOSE, BROWS, EYES)),
    ],
)
def test_what_covers_a_person_is_no_part_of_them(
    shown: Shown,
    shape: Any,
    down: int,
    hidden: tuple[int, ...],
    seen: tuple[int, ...],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(covers, "DOWN", down)
    composer, before, all_new = Composer([shown], []), shown.labels, 0
    for seed in range(6):
        after = composer.covered(np.random.default_rng(seed), shown, shape)
        changed = (after.pixels != shown.pixels).any(-1)
        new = (after.labels == OTHER) & (before != OTHER)
        all_new += ((after.labels == OTHER) & changed[::2, ::2]).sum()
        assert changed.mean() < 0.9 and changed[::2, ::2][new].sum() >= 0.9 * new.sum()
        assert all(not (after.labels[before == region] == region).any() for region in hidden)
        assert all((after.labels[before == region] == region).mean() > 0.8 for region in seen)
    assert all_new > 1000


def test_a_mask_may_look_like_skin(shown: Shown, monkeypatch: pytest.MonkeyPatch):
    """Only in colour: nothing of the face shows through."""
    monkeypatch.setattr(covers, "LIKE_SKIN", 1)
    stuff = covers.plain(np.random.default_rng(0), shown.pixels, shown.points)
    cheek = tuple(np.rint(shown.points[50][::-1]).astype(int))
    assert np.abs(stuff[cheek] - shown.pixels[cheek]).max() < 60
    mouth = mesh.polygon_mask(shown.points, topology.LIPS, 256, 0.5) > 0.5
    assert stuff[mouth].std(0).max() < 0.5 * shown.pixels[mouth].std(0).max()


def test_older_people_have_lines_and_the_same_regions(studio: Crop, shown: Shown):
    old = parsing.older(np.random.default_rng(0), kit().prototypes, studio, shown)
    skin = cv2.erode((shown.labels == SKIN).astype(np.uint8), np.ones((5, 5))) > 0
    fine = [cv2.Laplacian(one.pixels, cv2.CV_32F).std(-1)[::2, ::2][skin].mean() for one in (shown, old)]
    assert fine[1] > 1.3 * fine[0]
    same = old.labels == shown.labels
    assert 0.9 < same.mean() < 1 and {*np.unique(old.labels)} <= {*np.unique(shown.labels)}


def test_poor_light_is_dark_and_few_pixels_are_smooth(shown: Shown):
    ways = [parsing.poorly(np.random.default_rng(k), shown.pixels) for k in range(12)]
    assert all(way.shape == shown.pixels.shape and way.dtype == np.uint8 for way in ways)
    mean = shown.pixels.mean()
    assert min(way.mean() for way in ways) < 0.5 * mean and max(way.mean() for way in ways) < 1.1 * mean
    assert (
        min(cv2.Laplacian(way, cv2.CV_32F).std() for way in ways)
        < 0.5 * cv2.Laplacian(shown.pixels, cv2.CV_32F).std()
    )


def test_a_photo_with_more_than_a_head(tmp_path: Path, studio: Crop, shown: Shown):
    """The wall is taught as far as the photo reaches, and hair that reaches beyond the layout."""
    photo = cv2.copyMakeBorder(studio.pixels, 100, 100, 100, 100, cv2.BORDER_REPLICATE)
    found = parsing.shown_wide(photo, studio.landmarks + 100, 256)
    assert len(found) == 1 and found[0].pixels.shape == (384, 384, 3) and found[0].labels.shape == (192, 192)
    labels = found[0].labels
    assert (labels[:40, :20] == OTHER).all() and (labels == HAIR).sum() > 500
    x, y = np.rint((found[0].points[4] + 0.5) / 2 - 0.5).astype(int)
    assert labels[y, x] == NOSE
    cv2.imwrite(str(tmp_path / "anna-1.jpg"), photo[..., ::-1])
    np.savez(
        tmp_path / "landmarks478.npz", files=np.array(["anna-1.jpg"]), points=studio.landmarks[None] + 100.5
    )
    assert [(name, path.name) for name, path, _ in parsing.busts(tmp_path)] == [("anna", "anna-1.jpg")]


def test_hair_is_dyed_and_nothing_else(studio: Crop):
    labels = regions.label(studio, PLAIN, regions.keyed(studio))
    hair = cv2.resize((labels == HAIR).astype(np.uint8), (256, 256), interpolation=cv2.INTER_NEAREST)
    sure, away = cv2.erode(hair, np.ones((7, 7))) > 0, cv2.dilate(hair, np.ones((25, 25))) == 0
    away &= cv2.dilate(mesh.hull_mask(studio.landmarks, 256), np.ones((9, 9))) == 0
    ways = [
        np.abs(dyed(np.random.default_rng(k), studio.pixels, labels).astype(int) - studio.pixels)
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
