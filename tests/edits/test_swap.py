"""Swap: the face of another person, on what the photo shows of its own."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import Mien
from faces import HOPPER, ROOT, collins, hopper, hopper_face, kit

from mien import Photo, read, swap, write
from mien.edits.swap_tone import Pair, relit
from mien.errors import FaceError, RequestError
from mien.face import geometry, mesh, topology
from mien.io.content_credentials import verify
from mien.models.prototypes import plain
from mien.pipeline.gallery import Gallery
from mien.pipeline.photo import edit_step
from mien.types import Alignment, Array

COLLINS = ROOT / "docs" / "collins.jpg"
CONSENT = "both are public figures in a test, 2026-11-29"


@cache
def gallery() -> Gallery:
    """Eileen Collins."""
    return Gallery.of(COLLINS, kit=kit())


@cache
def swapped() -> Photo:
    """Grace Hopper with the face of Eileen Collins."""
    return swap(hopper(), gallery(), consent=CONSENT, kit=kit())


def changed(before: Array, after: Array) -> Array:
    return np.any(before != after, axis=-1)


def test_the_result_is_nearer_to_whose_face_it_is():
    embedder, (photo, face) = kit().embedder(), collins()
    theirs, own = (
        embedder.identity_in(photo.pixels, face),
        embedder.identity_in(hopper().pixels, hopper_face()),
    )
    after = kit().faces(swapped().pixels)[0]
    now = embedder.identity_in(swapped().pixels, after)
    assert now.likeness(theirs) > own.likeness(theirs) + 0.1
    assert now.likeness(own) < 0.75


def test_pixels_away_from_the_face_are_bit_identical():
    away = np.ones(hopper().pixels.shape[:2], bool)
    left, top, right, bottom = hopper_face().box.astype(int)
    grow = (right - left) // 3
    away[top - grow : bottom + grow, left - grow : right + grow] = False
    difference = changed(hopper().pixels, swapped().pixels)
    assert not difference[away].any()
    assert difference[~away].any()


def test_a_face_swapped_onto_itself_stays():
    photo, face = collins()
    after = swap(photo, gallery(), consent=CONSENT, kit=kit()).pixels
    inside = np.zeros(after.shape[:2], np.uint8)
    outline = cv2.convexHull(face.landmarks[:468]).astype(np.int32)
    cv2.fillConvexPoly(inside, outline, 1)
    assert np.abs(after.astype(float) - photo.pixels)[inside > 0].mean() < 1


def test_a_source_in_hard_light_is_modelled_as_softly_as_the_scene():
    photo, face = collins()
    crop = geometry.align(photo.pixels, face.landmarks, Alignment("face", 256))
    scene = crop.pixels.astype(np.float32) / 255
    hull = mesh.hull_mask(crop.landmarks, 256)
    lab = cv2.cvtColor(scene, cv2.COLOR_RGB2Lab)
    soft = cv2.GaussianBlur(lab[..., 0], (0, 0), 24)
    lab[..., 0] = np.clip(soft + 2.5 * (lab[..., 0] - soft), 0, 100)
    hard = cv2.cvtColor(lab, cv2.COLOR_Lab2RGB)
    skin = plain(crop.landmarks, hull.astype(np.float32))
    depth = cv2.distanceTransform(hull.astype(np.uint8), cv2.DIST_L2, 5)
    lit, _ = relit(Pair(hard, scene, skin, depth, crop.landmarks, 170.0))

    def modelled(rgb: Array) -> float:
        light = cv2.cvtColor(rgb, cv2.COLOR_RGB2Lab)[..., 0]
        return float((light - cv2.GaussianBlur(light, (0, 0), 24))[skin > 0.9].std())

    assert modelled(hard) > 2 * modelled(scene)
    assert modelled(lit) < 1.5 * modelled(scene)


def test_glasses_of_the_source_do_not_come_along():
    portrait = Gallery.of(HOPPER, kit=kit()).pictures[0].portrait
    assert portrait.glasses < 0.03


def test_pose_and_expression_stay():
    before, after = hopper_face(), kit().faces(swapped().pixels)[0]
    assert abs(after.yaw - before.yaw) < 4
    assert abs(after.pitch - before.pitch) < 12, "the mesh reads some of it from the shape of a face"
    assert np.abs(mesh.mouth_shape(after.landmarks) - mesh.mouth_shape(before.landmarks)).max() < 0.12


def test_what_is_before_a_face_stays():
    """A board is held before the mouth."""
    pixels, (_, top, _, bottom) = hopper().pixels.copy(), hopper_face().box.astype(int)
    x, y = hopper_face().landmarks[13].astype(int)
    board = slice(y - 12, bottom + 60), slice(x - 110, x + 110)
    pixels[board] = np.indices(pixels[board].shape[:2]).sum(0)[..., None] // 6 % 2 * 90 + np.array(
        (20, 60, 110)
    )
    after = swap(Photo(pixels), gallery(), consent=CONSENT, kit=kit()).pixels
    core = slice(y + 12, bottom), slice(x - 40, x + 40)
    assert np.abs(after[core].astype(int) - pixels[core]).mean() < 3
    eyes = slice(top + 40, top + 100)
    assert changed(pixels, after)[eyes].any()


def test_sixteen_bits():
    deep = replace(hopper(), pixels=hopper().pixels.astype(np.uint16) * 257)
    after = swap(deep, gallery(), consent=CONSENT, kit=kit()).pixels
    assert after.dtype == np.uint16
    assert np.abs(after / 257 - swapped().pixels).max() < 6
    assert len(np.unique(after % 257)) > 100, "more than 8 bits are in it"


def test_black_and_white_stays_so():
    grey = cv2.cvtColor(hopper().pixels, cv2.COLOR_RGB2GRAY)
    after = swap(grey, gallery(), consent=CONSENT, kit=kit()).pixels
    assert np.ptp(after.astype(int), axis=-1).max() <= 4


def test_two_faces_and_the_one_that_is_meant(couple: Array):
    faces = kit().faces(couple)
    after = swap(couple, gallery(), consent=CONSENT, face=2, kit=kit()).pixels
    middle = (faces[0].box[2] + faces[1].box[0]) / 2
    columns = np.flatnonzero(changed(couple, after).any(0))
    assert columns.min() > middle
    both = np.flatnonzero(changed(couple, swap(couple, gallery(), consent=CONSENT, kit=kit()).pixels).any(0))
    assert both.min() < middle < both.max()


def inner(photo: Photo) -> Array:
    """The middle of the face of Grace Hopper."""
    left, top, right, bottom = hopper_face().box.astype(int)
    return photo.pixels[top + 40 : bottom - 40, left + 40 : right - 40].astype(float)


def test_strength_is_a_morph_of_the_two():
    before, after = inner(hopper()), inner(swapped())
    half = inner(swap(hopper(), gallery(), consent=CONSENT, strength=0.5, kit=kit()))
    whole = np.abs(after - before).mean()
    assert 0.2 * whole < np.abs(half - before).mean() < 0.8 * whole
    assert 0.2 * whole < np.abs(half - after).mean() < 0.8 * whole


def test_shape_and_features_that_are_kept():
    """Without its shape, the source's face lies where the photo's is, and features that are kept are the photo's."""
    plain = swap(hopper(), gallery(), consent=CONSENT, shape=0, kit=kit())
    kept = swap(hopper(), gallery(), consent=CONSENT, shape=0, keep=("mouth", "brows"), kit=kit())
    beside = np.ones(hopper().pixels.shape[:2], np.uint8)
    cv2.fillConvexPoly(beside, cv2.convexHull(hopper_face().landmarks[:468]).astype(np.int32), 0)
    beside = cv2.erode(beside, np.ones((5, 5))) > 0
    assert not changed(hopper().pixels, plain.pixels)[beside].any()
    assert changed(hopper().pixels, swapped().pixels)[beside].sum() > 1000

    def differs(photo: Photo, outline: tuple[int, ...]) -> float:
        points = hopper_face().landmarks[list(outline)].astype(np.int32)
        mask = cv2.fillConvexPoly(np.zeros(photo.pixels.shape[:2], np.uint8), cv2.convexHull(points), 1)
        return float(np.abs(photo.pixels.astype(float) - hopper().pixels)[mask > 0].mean())

    for outline in (topology.LIPS, *topology.BROWS):
        assert differs(kept, outline) < 0.5 * differs(plain, outline)
    assert differs(kept, topology.EYELIDS[0]) > 0.8 * differs(plain, topology.EYELIDS[0])
    assert kept.history[-1].arguments["keep"] == ["mouth", "brows"]


@pytest.mark.parametrize("consent", ["", "  "])
def test_no_consent_is_refused(consent: str):
    with pytest.raises(RequestError, match="a swap needs consent"):
        swap(hopper(), gallery(), consent=consent, kit=kit())


def test_small_faces_are_refused():
    tiny = cv2.resize(hopper().pixels, None, fx=0.19, fy=0.19, interpolation=cv2.INTER_AREA)
    with pytest.raises(FaceError, match=r"is 3\d pixels wide, 40 were wanted"):
        swap(tiny, gallery(), consent=CONSENT, kit=kit())


def test_a_face_much_larger_than_any_of_the_gallery_is_refused():
    large = cv2.resize(hopper().pixels, None, fx=2.2, fy=2.2, interpolation=cv2.INTER_CUBIC)
    with pytest.raises(FaceError, match="at least a third of that"):
        swap(large, gallery(), consent=CONSENT, kit=kit())


def test_nobody_who_reads_as_under_18_takes_part(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mien.edits.age_floor.AgeReader.read", lambda *_: 16.0)
    with pytest.raises(FaceError, match="reads 16 years, and nobody under 18 takes part"):
        swap(hopper(), gallery(), consent=CONSENT, kit=kit())
    with pytest.raises(FaceError, match=r"collins\.jpg reads 16 years"):
        Gallery.of(COLLINS, kit=kit())


def test_the_label_names_both_and_the_consent(tmp_path: Path):
    write(swapped(), tmp_path / "out.jpg")
    verdict = verify(tmp_path / "out.jpg")
    (step,) = verdict.history
    assert (verdict.state, step.verb, step.consent) == ("intact", "swap", CONSENT)
    assert verdict.ingredients == ("hopper.jpg", "collins.jpg")
    assert [(one.title, one.role) for one in step.sources] == [("collins.jpg", "identity")]
    assert {"shapes", "parser"} <= {name for name, _ in step.networks}


def test_a_swap_goes_on_from_other_steps():
    before = hopper().after(edit_step((), {"smile": 0.5}), hopper().pixels)
    after = swap(before, gallery(), consent=CONSENT, kit=kit())
    assert [step.verb for step in after.history] == ["edit", "swap"]


def test_the_command(mien: Mien, photo: Path, tmp_path: Path):
    out = tmp_path / "out.jpg"
    ran = mien("swap", photo, "--source", COLLINS, "-o", out)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "a swap needs consent" in ran.err
    assert mien("swap", photo, "--source", COLLINS, "--consent", CONSENT, "-o", out).code == 0
    assert changed(read(photo).pixels, read(out).pixels).any()
    told = mien("verify", out).err
    assert "face replaced: the person seen is not the person whom the camera saw" in told
    assert f"consent, as stated: {CONSENT}" in told


def test_the_command_goes_on_with_many(mien: Mien, photo: Path, tmp_path: Path):
    folder, out = tmp_path / "photos", tmp_path / "out"
    folder.mkdir()
    out.mkdir()
    for name in ("one.jpg", "two.jpg"):
        (folder / name).write_bytes(photo.read_bytes())
    words = ("swap", folder, "--source", COLLINS, "--consent", CONSENT, "--workers", 1, "--resume", "-o", out)
    assert "2 done" in mien(*words).err
    assert "2 skipped" in mien(*words).err
