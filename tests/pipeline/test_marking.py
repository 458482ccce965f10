"""The mark in the pixels: where it lies, what it outlives, and what is heard where there is none."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from conftest import Mien
from faces import HOPPER, collins, hopper, kit, opened
from films import decoded, film

from mien import Photo, read, verbs, verify, write
from mien.io import watermark
from mien.pipeline.marking import Touched, found_places, joined
from mien.pipeline.verify import heard_in_photo
from mien.types import Array, Mark, Step

STEP = Step("edit", {"smile": 0.5}, (("a", "b"),), "1", "2026-11-29T00:00:00Z")
BITS = watermark.bits_of((STEP,), b"")


@pytest.fixture(scope="module")
def plain() -> Photo:
    """Collins, larger: her face is 200 pixels wide."""
    return Photo(cv2.resize(collins()[0].pixels, None, fx=2.5, fy=2.5, interpolation=cv2.INTER_CUBIC))


@pytest.fixture(scope="module")
def marked(plain: Photo) -> Array:
    """The same with a mark, though nothing was done to her."""
    return watermark.lay(plain.pixels, found_places(plain, kit()), BITS)


def heard(pixels: Array) -> Mark | None:
    return heard_in_photo(Photo(np.ascontiguousarray(pixels)), kit())


def jpeg(pixels: Array, quality: int) -> Array:
    data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))[..., ::-1]


def screenshot(pixels: Array) -> Array:
    small = cv2.resize(pixels, None, fx=0.83, fy=0.83)
    return jpeg(cv2.copyMakeBorder(small, 7, 11, 13, 5, cv2.BORDER_CONSTANT, value=(40, 40, 40)), 85)


@pytest.mark.parametrize(
    "attack",
    [
        lambda pixels: pixels,
        lambda pixels: jpeg(pixels, 30),
        lambda pixels: jpeg(cv2.resize(pixels, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA), 60),
        lambda pixels: cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
        lambda pixels: pixels[60:-60, 60:-60],
        lambda pixels: pixels[:, ::-1],
        screenshot,
    ],
    ids=["none", "jpeg", "smaller, then jpeg", "half", "cropped", "mirrored", "screenshot"],
)
def test_a_mark_outlives(marked: Array, attack: Any):
    found = heard(attack(marked))
    assert found and found.found and found.bits == watermark.as_text(BITS)


def test_a_mark_lies_in_the_face_and_is_faint(plain: Photo, marked: Array):
    before, place = plain.pixels, found_places(plain, kit())[0]
    inside = cv2.warpAffine(place.window, cv2.invertAffineTransform(place.matrix), before.shape[1::-1]) > 0
    near = cv2.dilate(inside.astype(np.uint8), np.ones((7, 7))) > 0
    change = marked.astype(int) - before
    assert not change[~near].any() and change[inside].any()
    assert np.sqrt((change[inside] ** 2.0).mean()) < 3


def test_a_dark_face_is_changed_less_and_its_mark_is_found(plain: Photo, marked: Array):
    dark = Photo(np.rint(plain.pixels * 0.14).astype(np.uint8))
    (place,) = found_places(dark, kit())
    faint = watermark.lay(dark.pixels, (place,), BITS)
    inside = cv2.warpAffine(place.window, cv2.invertAffineTransform(place.matrix), dark.size) > 0.5
    off = [
        (one.astype(float) - other).mean(2)[inside].std()
        for one, other in ((faint, dark.pixels), (marked, plain.pixels))
    ]
    assert off[0] < 0.8 * off[1]
    found = heard(jpeg(faint, 90))
    assert found and found.found and found.bits == watermark.as_text(BITS)


def test_unmarked_faces_say_nothing():
    for photo in (hopper(), collins()[0]):
        found = heard(photo.pixels)
        assert found and not found.found and found.score < watermark.FOUND - 0.5
        assert heard(photo.pixels[:, ::-1]) == found  # of both sides the clearer, whichever comes first
    assert heard(np.full((200, 200, 3), 128, np.uint8)) is None


def test_a_mark_of_the_first_release_is_heard():
    """Of version 1, laid by another rule than now, and a JPEG of quality 75 since: what was written stays readable."""
    found = heard_in_photo(read(Path(__file__).parents[1] / "goldens" / "mark-1.jpg"), kit())
    assert found and found.found and found.bits == watermark.as_text(BITS)


def test_a_mark_is_as_faint_as_outlives_jpeg():
    """On a smooth face fainter than on a grainy one."""

    def change(photo: Photo) -> float:
        (place,) = found_places(photo, kit())
        marked = watermark.lay(photo.pixels, (place,), BITS).astype(float)
        return float(np.std(marked - photo.pixels))

    smooth = Photo(cv2.GaussianBlur(hopper().pixels, (0, 0), 2))
    assert change(smooth) < 0.75 * change(hopper())


def test_a_mark_in_16_bits_and_in_grey():
    grey = cv2.cvtColor(cv2.cvtColor(collins()[0].pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    deep = Photo(grey.astype(np.uint16) * 257)
    pixels = watermark.lay(deep.pixels, found_places(deep, kit()), BITS)
    assert pixels.dtype == np.uint16 and (pixels == pixels[..., :1]).all()
    assert len(np.unique(pixels[..., 0] - deep.pixels[..., 0])) > 256  # finer than 8 bits
    found = heard((pixels // 257).astype(np.uint8))
    assert found and found.bits == watermark.as_text(BITS)


def test_the_newer_of_two_marks_is_heard(marked: Array):
    other = watermark.bits_of((STEP, STEP), b"")
    again = watermark.lay(marked, found_places(Photo(marked), kit()), other)
    found = heard(again)
    assert found and found.bits == watermark.as_text(other)


def test_what_the_bits_say():
    swap = Step("swap", {}, consent="agreed")
    assert BITS >> 11 == 0b01000 and watermark.bits_of((swap, STEP), b"") >> 11 == 0b01101
    assert watermark.bits_of((STEP,), b"other") != BITS
    later = Step(STEP.verb, STEP.arguments, STEP.networks, STEP.version, "2030-01-01T00:00:00Z")
    assert watermark.bits_of((later,), b"") == BITS  # so that the same request gives the same pixels
    assert "by mien (edit), label " in watermark.described(watermark.as_text(BITS))


def test_pixels_in_memory_have_no_mark_and_files_do(tmp_path: Path):
    done = opened(hopper()).edit(smile=0.7)
    assert len(done.marks) == 1
    write(done, tmp_path / "out.png")
    pixels, verdict = read(tmp_path / "out.png").pixels, verify(tmp_path / "out.png", pixels=True, kit=kit())
    assert (pixels != done.pixels).any() and verdict.state == "intact"
    assert verdict.mark and verdict.mark.found and verdict.mark.bits == verdict.bits
    write(done, tmp_path / "again.png")
    assert (read(tmp_path / "again.png").pixels == pixels).all()


def test_what_changes_nothing_is_not_marked(tmp_path: Path):
    still = opened(hopper()).edit(smile=0.0)
    assert not still.marks
    done = opened(hopper()).edit(beard=-1.0)  # she has none
    assert (done.pixels == hopper().pixels).all() == (not done.marks)


def test_a_small_change_is_marked_in_the_whole_face_and_a_large_one_within_itself():
    lips, older = opened(hopper()).edit(lips="red").marks[0], opened(hopper()).edit(age=30.0).marks[0]
    whole = found_places(hopper(), kit())[0].window
    assert lips.window.sum() > 0.95 * whole.sum() and older.window.sum() > 0.7 * whole.sum()
    touched = Touched()
    touched.landmarks[0] = kit().faces(hopper().pixels)[0].landmarks
    half = np.zeros_like(whole)
    half[:, : whole.shape[1] * 4 // 5] = 1
    touched.alphas[0] = [(lips.matrix, half)]
    (place,) = touched.places(hopper().pixels, 255 - hopper().pixels)
    assert not place.window[:, half.shape[1] * 4 // 5 + 2 :].any()


def test_a_mark_lies_where_the_face_is_seen_after_an_edit():
    """A swap and many years move a face otherwise than its landmarks are followed."""
    swapped = verbs.swap(collins()[0], HOPPER, consent="both agreed by mail", kit=kit())
    for done, least in ((swapped, 18.0), (opened(hopper()).edit(age=40.0), watermark.FOUND)):
        mark = heard(watermark.lay(done.pixels, done.marks, BITS))
        assert mark and mark.score > least and mark.bits == watermark.as_text(BITS)


def test_of_one_face_the_newer_place_is_kept():
    one, other = (found_places(photo, kit()) for photo in (hopper(), collins()[0]))
    assert joined(one, one) == one and len(joined(one, other)) == 2


def test_a_clip_and_a_mirrored_one(tmp_path: Path, marked: Array):
    for name, side in (("a.mp4", slice(None)), ("b.mp4", slice(None, None, -1))):
        path = film(tmp_path / name, [np.ascontiguousarray(marked[:, side])] * 6, sound=None)
        verdict = verify(path, pixels=True, kit=kit())
        assert verdict.state == "unlabelled" and verdict.mark and verdict.mark.found


def test_a_face_that_moves_keeps_it_in_a_film_that_is_coded_again(tmp_path: Path, plain: Photo):
    verbs.animate(plain, "wink", consent="of nobody", kit=kit()).write(tmp_path / "a.mp4")
    frames = [one.to_ndarray(format="rgb24") for one in decoded(tmp_path / "a.mp4")]
    path = film(tmp_path / "b.mp4", frames, sound=None, knobs={"crf": "28"})
    mark = verify(path, pixels=True, kit=kit()).mark
    assert mark and mark.found, mark


def test_verify_tells_of_a_lost_label(mien: Mien, tmp_path: Path):
    assert mien("edit", HOPPER, "--smile", 0.6, "-o", tmp_path / "out.png").code == 0
    shot = tmp_path / "shot.png"
    cv2.imwrite(str(shot), screenshot(read(tmp_path / "out.png").pixels)[..., ::-1])
    ran = mien("verify", shot, "--among", tmp_path)
    assert ran.code == 4
    assert "label lost, mark found in a face: by mien (edit)" in ran.err and "can be forged" in ran.err
    assert f"the label of {tmp_path / 'out.png'} tells of this mark" in ran.err
    data = bytearray((tmp_path / "out.png").read_bytes())
    data[-2000] ^= 1
    (tmp_path / "harmed.png").write_bytes(data)
    assert "harmed.png" not in mien("verify", shot, "--among", tmp_path).err
    ran = mien("verify", shot, "--among", tmp_path / "none")
    assert ran.code == 2 and "no such file or folder" in ran.err
    told = json.loads(mien("verify", shot, "--json").out)
    assert told["mark"]["found"] and told["mark"]["bits"] == verify(tmp_path / "out.png").bits
    told = json.loads(mien("verify", HOPPER, "--json").out)
    assert told["mark"]["found"] is False and told["mark"]["bits"] is None
    cv2.imwrite(str(tmp_path / "plain.png"), np.full((64, 64, 3), 90, np.uint8))
    assert json.loads(mien("verify", tmp_path / "plain.png", "--json").out)["mark"] is None


def test_generated_faces_are_marked(tmp_path: Path):
    photos = list(verbs.generate(seeds=range(2), kit=kit()))
    write(verbs.grid(photos), tmp_path / "grid.png")
    verdict = verify(tmp_path / "grid.png", pixels=True, kit=kit())
    assert verdict.mark and verdict.mark.bits == verdict.bits
