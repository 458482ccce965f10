"""What an edit does to a photo: for every edit and every maker."""

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from faces import collins, hopper, hopper_face, kit, opened, planned

from mien import Photo, RequestError, edit, verbs
from mien.edits import whole_face
from mien.edits.age_floor import Adult
from mien.edits.removal import Removal
from mien.edits.request import EDITS, METHODS, WORDS
from mien.face import geometry, mesh, topology
from mien.face.mesh import mouth_shape
from mien.measure import criteria as judges
from mien.pipeline.photo import edit_photo, find_occlusion
from mien.types import Alignment, Array, Crop, Face

OURS = ("smile", "age", "sex")  # what either maker can make; the rest has but one
CASES = [
    (name, sign, by)
    for name, kind in EDITS.items()
    if name not in ("age_to", "hairstyle")  # are no strengths; styles are tried in test_hairstyle.py
    for sign in (-1, 1)
    for by in ((None, *METHODS) if name in OURS else (None,))
    if (kind.high if sign > 0 else kind.low)
]


WORD = {"hairstyle": "bob", "effect": "butterfly"}  # of what is asked for by text, and is no colour


def strength(name: str, share: float) -> float:
    kind = EDITS[name]
    return share * (kind.high if share > 0 else -kind.low)


def asked(name: str, share: float) -> dict[str, Any]:
    """The request for one edit, as `edit` takes it."""
    return {
        name: f"{WORD.get(name, 'red')}:{share:g}" if EDITS[name].unit in WORDS else strength(name, share)
    }


def sitter(name: str, sign: int = 1) -> tuple[Photo, Face]:
    """Somebody who can show an edit: Hopper's hair is under a cap, and she wears glasses."""
    bare = name.startswith("hair") or (name == "glasses" and sign > 0)
    return collins() if bare else (hopper(), hopper_face())


def moved(scale: float, x: float, y: float) -> Face:
    """Hopper's face as it would lie in a photo scaled and then moved."""
    face = hopper_face()
    shift = np.array([x, y], np.float32)
    return replace(face, landmarks=face.landmarks * scale + shift, box=face.box * scale + np.tile(shift, 2))


@pytest.mark.parametrize(("name", "sign", "by"), CASES)
def test_every_edit_changes_the_face_and_nothing_else(name: str, sign: int, by: str):
    before, face = sitter(name, sign)
    after = opened(before).edit(method=by, **asked(name, 0.8 * sign))
    changed = (after.pixels != before.pixels).any(2)
    assert changed.sum() > 500
    rows, columns = np.nonzero(changed)
    left, top, right, bottom = face.box
    far = {"hair": 0.9, "reenact": 1.4}.get(EDITS[name].made_in, 0.3)  # what follows a head that turns
    reach = far * (right - left)  # so far at the most does a change fade out around the face
    assert left - reach < columns.min() and columns.max() < right + reach
    assert top - reach < rows.min() and rows.max() < bottom + reach
    assert (
        after.history[-1].verb == "edit"
        and after.history[-1].arguments[name] == asked(name, 0.8 * sign)[name]
    )
    assert after.history[-1].networks and all(len(digest) == 64 for _, digest in after.history[-1].networks)


@pytest.mark.parametrize(("name", "by"), dict.fromkeys((name, by) for name, _, by in CASES))
def test_more_strength_changes_more(name: str, by: str):
    photo = sitter(name)[0]
    before = photo.pixels.astype(np.float32)
    sizes = [
        np.abs(opened(photo).edit(method=by, **asked(name, s)).pixels - before).mean()
        for s in (0.25, 0.5, 1.0)
    ]
    assert 0 < sizes[0] < sizes[1] < sizes[2]


@pytest.mark.parametrize("name", EDITS)
def test_strength_nothing_is_the_photo_itself(name: str):
    assert opened(hopper()).edit(**asked(name, 0.0)) is hopper()


def test_an_age_to_look_like():
    """The years to it are counted from what the face looks like; the face that is there already is left."""
    looks = verbs.age(hopper(), hopper_face(), kit=kit())[0]
    younger, same = (
        opened(hopper()).edit(age_to=looks - 20).pixels,
        opened(hopper()).edit(age=-20.0).pixels,
    )
    assert np.abs(younger.astype(int) - same).max() < 4
    with pytest.raises(RequestError, match="from 18 to 90 years of age"):
        opened(hopper()).edit(age_to=12)
    with pytest.raises(RequestError, match="either years or an age"):
        opened(hopper()).edit(age_to=30, age=5)


def test_a_smile_lifts_the_corners_of_the_mouth():
    after = opened(hopper()).edit(smile=0.8)
    again = kit().faces(after.pixels)[0]
    assert mouth_shape(again.landmarks)[1] - mouth_shape(hopper_face().landmarks)[1] > 0.04


def test_ages_are_read_as_they_were_asked_for():
    """The prototypes' own reader sees the years that were asked for, both ways and in order."""
    reader, size = kit().prototypes, whole_face.Prototype.alignment
    read = []
    for years in (-30, -15, 0, 15):
        pixels = opened(hopper()).edit(age=years).pixels if years else hopper().pixels
        read.append(reader.read(geometry.align(pixels, hopper_face().landmarks, size)).age)
    assert read[0] < read[1] < read[2] <= read[3]


def test_lines_fade_from_younger_skin_and_pores_stay():
    """Against the means alone: less of what is as broad as a wrinkle, about as much of what is finer."""
    layout = whole_face.Prototype.alignment
    points = geometry.align(hopper().pixels, hopper_face().landmarks, layout).landmarks
    cheeks = np.maximum(
        *(
            mesh.polygon_mask(points, outline, layout.size, feather=1)
            for outline in ((50, 205, 36), (280, 425, 266))
        )
    )

    def rough(photo: Photo, fine: float, coarse: float) -> float:
        grey = cv2.cvtColor(
            geometry.align(photo.pixels, hopper_face().landmarks, layout).pixels, cv2.COLOR_RGB2GRAY
        ).astype(np.float32)
        near, far = (cv2.GaussianBlur(grey, (0, 0), sigma) for sigma in (fine, coarse))
        return float(np.sqrt((np.square(near - far) * cheeks).sum()))

    best, means = (opened(hopper()).edit(method=by, age=-30) for by in (None, "prototypes"))
    assert rough(best, 2.5, 10) < 0.85 * rough(means, 2.5, 10)
    assert rough(best, 0.4, 1) > 0.9 * rough(means, 0.4, 1)


def test_pale_skin_gets_no_grey_chin():
    """Of the saturation that skin has most stays, however much stubble the mean man has."""
    lab = cv2.cvtColor(collins()[0].pixels.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    lab[..., 1:] *= 0.5
    pale = Photo(np.rint(cv2.cvtColor(lab, cv2.COLOR_Lab2RGB) * 255).astype(np.uint8))
    chin = mesh.polygon_mask(collins()[1].landmarks, topology.LOWER_FACE, max(lab.shape[:2]), feather=1)
    chin = chin[: lab.shape[0], : lab.shape[1]] > 0.5

    def saturation(pixels: Array) -> Array:
        soft = cv2.GaussianBlur(pixels.astype(np.float32) / 255, (0, 0), 3)
        return np.linalg.norm(cv2.cvtColor(soft, cv2.COLOR_RGB2Lab)[..., 1:], axis=-1)[chin]

    after = opened(pale).edit(sex=1, method="prototypes").pixels
    assert np.quantile(saturation(after) / saturation(pale.pixels), 0.05) > 0.7


def test_more_feminine_is_shaved_if_nothing_is_said_about_that():
    photo = opened(hopper()).edit(beard=0.7)
    shaved, bearded = opened(photo).edit(sex=-0.8), opened(photo).edit(sex=-0.8, beard=0)
    left, all_of_it = (
        judges.face_features(kit(), one.pixels, hopper_face()).beard for one in (shaved, bearded)
    )
    assert left < 0.3 * all_of_it
    assert bearded.history[-1].arguments["beard"] == 0, "the label tells, since it makes a difference"


def test_what_is_taken_off_is_taken_off_first():
    stages = planned({"age": 30.0, "hair_light": 0.5, "glasses": -1.0, "beard": -1.0})
    assert [isinstance(stage, Adult) and isinstance(stage.edit, Removal) for stage in stages] == [
        True,
        True,
        False,
        False,
    ]


def test_sixteen_bits_and_opacity_stay():
    deep = Photo(
        hopper().pixels.astype(np.uint16) * 257, opacity=np.full(hopper().pixels.shape[:2], 40000, np.uint16)
    )
    after = edit(deep, kit=kit(), age=30)
    assert after.pixels.dtype == np.uint16 and after.opacity is deep.opacity
    eight = opened(hopper()).edit(age=30).pixels
    assert np.abs(after.pixels / 257 - eight).max() < 2


@pytest.mark.parametrize("by", (None, *METHODS))
def test_a_black_and_white_photo_stays_one(by: str | None):
    grey = np.repeat(cv2.cvtColor(hopper().pixels, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    after = edit(Photo(grey), kit=kit(), method=by, age=40, sex=0.8).pixels.astype(int)
    assert (after != grey).any() and np.ptp(after, axis=2).max() <= 1


def test_neighbours_do_not_fight():
    """Two heads that overlap: editing both leaves each as if it were edited alone, where the other one is
    not."""
    side = hopper().pixels.shape[1]
    photo = Photo(np.hstack([hopper().pixels, hopper().pixels]))
    near, far = moved(1, 0, 0), moved(1, 150, 0)  # the right face is said to overlap the left one by a fifth
    how = planned({"age": 40.0})
    assert how is not None
    alone = edit_photo(photo, how, [near, far], [0], {}).pixels
    both = edit_photo(photo, how, [near, far], [0, 1], {}).pixels
    hull = cv2.convexHull(near.landmarks[: topology.POINTS])
    inside = np.zeros(photo.pixels.shape[:2], np.uint8)
    cv2.fillConvexPoly(inside, np.rint(hull[:, 0]).astype(np.int32), 1)
    theirs = np.zeros_like(inside)
    cv2.fillConvexPoly(
        theirs, np.rint(cv2.convexHull(far.landmarks[: topology.POINTS])[:, 0]).astype(np.int32), 1
    )
    only = cv2.erode(inside & (1 - theirs), np.ones((9, 9))) > 0
    assert only.sum() > 5000 and (alone[only] != photo.pixels[only]).any()
    apart = (alone[only] != both[only]).any(-1)
    assert apart.mean() < 0.01, "only beside the border between them, which moves with the other face"
    assert not (both[:, side:] != photo.pixels[:, side:])[:, 60:].any()


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"smlie": 0.5}, "did you mean smile"),
        ({"smile": 1.5}, "from -1 to 1"),
        ({"age": float("nan")}, "out of range"),
        ({"sex": -2}, "out of range"),
    ],
)
def test_a_request_that_makes_no_sense(request_: dict[str, Any], said: str):
    with pytest.raises(RequestError, match=said):
        opened(hopper()).edit(**request_)


def test_an_unknown_maker():
    with pytest.raises(RequestError, match="prototypes, network"):
        opened(hopper()).edit(method="magic", smile=0.5)


def test_what_is_in_front_stays_in_front():
    """A microphone before the mouth keeps every pixel, and the face beside it is edited; where nothing is in
    front the parser says so."""
    photo, face = hopper(), hopper_face()
    assert find_occlusion(kit().parser, photo.pixels, face).things is None
    at = face.landmarks[[61, 291]].mean(0) + np.array([0, 18])
    pixels, disc = photo.pixels.copy(), np.zeros(photo.pixels.shape[:2], np.uint8)
    spot = tuple(int(v) for v in np.rint(at))
    for radius, shade in ((24, 40), (20, 52), (12, 70)):
        cv2.circle(pixels, spot, radius, (shade, shade, shade + 4), -1, cv2.LINE_AA)
    cv2.line(pixels, spot, (spot[0] + 20, photo.size[1]), (30, 30, 32), 16, cv2.LINE_AA)
    cv2.circle(disc, spot, 15, 1, -1)
    front = find_occlusion(kit().parser, pixels, face)
    assert front.things is not None
    stages, arguments = planned({"age": 30.0}), {"age": 30.0}
    covered = edit_photo(Photo(pixels), stages, [face], [0], arguments, {0: front})
    bare = edit_photo(Photo(pixels), stages, [face], [0], arguments)
    moved = [np.abs(one.pixels.astype(int) - pixels)[disc > 0].mean() for one in (covered, bare)]
    assert moved[0] < 0.25 * moved[1] and (covered.pixels != pixels).any(2).sum() > 5000
    assert covered.history[-1].networks[-1][0] == "parser"


def test_hair_before_a_face_follows_it_and_keeps_its_colours():
    """Locks of her own hair, laid over the forehead, are seen; they move with the face, and only what is for
    hair colours them."""
    photo, face = collins()
    pixels, (left, right) = photo.pixels.copy(), face.landmarks[[105, 334]].astype(int)
    wide, high = int(right[0] - left[0]) // 2, int(left[1] - face.landmarks[10][1])
    top = int(face.landmarks[10][1])
    pixels[top : top + high, left[0] : left[0] + wide] = pixels[top - high : top, left[0] : left[0] + wide]
    front = find_occlusion(kit().parser, pixels, face)
    assert front.hair is not None and front.things is None
    stage = planned({"age": 40.0})[0]
    crop = geometry.align(pixels, face.landmarks, stage.alignment)
    change = stage(crop)
    hung = front.keep_hair_colour(crop, change)
    assert np.array_equal(hung.flow, change.flow) and np.array_equal(hung.alpha, change.alpha)
    spot = geometry.transform(np.array([left[0] + wide / 2, top + high / 2]), crop.matrix).astype(int)
    here = slice(spot[1] - 9, spot[1] + 9), slice(spot[0] - 9, spot[0] + 9)
    assert np.abs(hung.colour[here]).mean() < 0.2 * np.abs(change.colour[here]).mean()
    below = crop.landmarks[topology.POINTS :].mean(0).astype(int)[1] + 20
    assert np.array_equal(hung.colour[below:], change.colour[below:])
    assert front.keep_hair_colour(crop, replace(change, kind="hair")).colour is change.colour


@pytest.mark.parametrize("asked", [{"age": 40.0}, {"sex": -0.8}, {"smile": 0.8}], ids=str)
def test_in_the_dark_an_edit_is_as_much_weaker_as_the_face_is_darker(asked: dict[str, Any]):
    """As light multiplies: the soft change over the face's level, in the mean and at its strongest."""
    photo, _ = collins()

    def strength(gain: float) -> Array:
        dark = np.rint(photo.pixels * gain).astype(np.uint8)
        (face,) = kit().faces(dark)
        done = edit(Photo(dark), kit=kit(), hair_grey=0, beard=0, **asked).pixels
        skin = mesh.skin_mask(crop_of(dark, face).landmarks, 256) > 0.5
        before, after = (
            cv2.GaussianBlur(crop_of(one, face).pixels.mean(2), (0, 0), 3)[skin] for one in (dark, done)
        )
        away = np.abs(after - before)
        return np.array([away.mean(), np.percentile(away, 99)]) / before.mean()

    assert (strength(0.14) < 1.5 * strength(1.0)).all()


@pytest.mark.parametrize("asked", [{"hair": "blond"}, {"beard": 1.0}, {"lips": "#b01030"}], ids=str)
def test_in_the_dark_what_is_drawn_is_as_dark_as_all_else(asked: dict[str, Any]):
    """Brought to full light, it is what full light shows; a glow of its own it has not."""
    photo, _ = collins()

    def drawn(gain: float) -> Array:
        dark = np.rint(photo.pixels * gain).astype(np.uint8)
        done = edit(Photo(dark), kit=kit(), **asked).pixels
        return cv2.GaussianBlur((done.astype(np.float32) - dark) / np.float32(gain), (0, 0), 3)

    bright, dark = drawn(1.0), drawn(0.2)
    assert np.abs(dark - bright).mean() < 0.4 * np.abs(bright).mean()


def crop_of(pixels: Array, face: Face) -> Crop:
    return geometry.align(pixels, face.landmarks, Alignment("ffhq", 256))
