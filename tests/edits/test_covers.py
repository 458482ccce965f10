"""What hides the lower face stays as it is, and what cannot be seen is not edited."""

from dataclasses import replace
from functools import cache
from typing import Any

import cv2
import numpy as np
import pytest
from faces import collins, hopper, hopper_face, kit

from mien import Photo, Session, animate, edit
from mien.face import geometry
from mien.pipeline.photo import find_occlusion
from mien.types import Array

OUTLINE = (
    234,
    118,
    197,
    347,
    454,
    361,
    288,
    397,
    379,
    378,
    152,
    149,
    150,
    172,
    58,
    132,
)  # of a mask on the mesh
PULLED = (58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 200)  # down to the chin
COLOURS = {"blue": (130, 170, 200), "green": (90, 140, 100), "beige": (205, 170, 150)}
PULLED_COLOURS = {
    "blue": (130, 170, 200),
    "green": (90, 140, 100),
    "black": (32, 32, 34),
    "grey": (128, 128, 130),
}  # beige ones are taken for skin, and so are small white ones
LEVELS = 8
LEAST = 0.6  # of a mask, that is seen as one


@cache
def masked(colour: str, outline: tuple[int, ...] = OUTLINE, hangs: float = 0.0) -> tuple[Session, Array]:
    """A portrait with a pleated mask, and where that is. hangs: so many eye distances lower than the jaw."""
    photo, face = collins()
    where = np.zeros(photo.pixels.shape[:2], np.float32)
    points = face.landmarks[list(outline)].copy()
    points[:-1, 1] += hangs * geometry.eye_distance(face.landmarks)
    cv2.fillPoly(where, [np.rint(points).astype(np.int32)], 1)
    soft = cv2.GaussianBlur(where, (0, 0), 1)[..., None]
    pleats = np.where(np.sin(np.arange(len(where)) / 4) > 0, 1, 0.88)[:, None, None]
    pixels = photo.pixels * (1 - soft) + np.array((COLOURS | PULLED_COLOURS)[colour]) * pleats * soft
    return Session(Photo(np.rint(pixels).astype(np.uint8)), kit=kit()), where > 0


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("asked", [{"age": 40.0}, {"smile": 0.8}, {"sex": -0.8}, {"beauty": 1.0}], ids=str)
def test_a_mask_is_no_skin(colour: str, asked: dict[str, Any]):
    session, mask = masked(colour)
    away = np.abs(session.edit(**asked).pixels.astype(int) - session.photo.pixels).max(2)
    assert (away[mask] > LEVELS).mean() < 0.02
    assert (away[~mask] > LEVELS).any() or "sex" in asked


def test_a_flat_mask_in_the_colour_of_skin_is_no_part_of_the_face():
    photo, face = collins()
    crop = geometry.align(photo.pixels, face.landmarks, kit().parser.alignment)
    where = np.zeros((crop.size, crop.size), np.float32)
    cv2.fillPoly(where, [np.rint(crop.landmarks[list(OUTLINE)]).astype(np.int32)], 1)
    x, y = np.rint(crop.landmarks[[50, 280]]).astype(int).T
    soft = cv2.GaussianBlur(where, (0, 0), 1)[..., None]
    pixels = crop.pixels * (1 - soft) + crop.pixels[y, x].mean(0) * soft
    regions = kit().parser.parse(replace(crop, pixels=np.rint(pixels).astype(np.uint8)))
    inside = cv2.erode(where, np.ones((9, 9))) > 0
    assert regions["other"][inside].mean() > LEAST
    assert regions["lips"][inside].max() < 0.2


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        ({"beard": 1.0}, "beard"),
        ({"beard": -1.0}, "beard"),
        ({"lips": "red"}, "lips"),
        ({"grin": 0.8}, "mouth"),
        ({"mouth": 0.8}, "mouth"),
        ({"surprise": 1.0}, "head and its expression"),
        ({"yaw": 10.0}, "head and its expression"),
    ],
    ids=str,
)
def test_what_a_mask_hides_is_not_edited(asked: dict[str, Any], what: str):
    session, _ = masked("blue")
    done = session.edit(**asked)
    assert np.array_equal(done.pixels, session.photo.pixels)
    assert done.history[0].notes == (f"face 1 has its mouth covered, so nothing was done to the {what}",)


@pytest.mark.parametrize("colour", PULLED_COLOURS)
@pytest.mark.parametrize("asked", [{"age": 40.0}, {"beard": 1.0}, {"beard": -1.0}, {"sex": -0.8}], ids=str)
@pytest.mark.parametrize("hangs", [0.0, 0.3])
def test_a_mask_that_is_pulled_down_stays(colour: str, asked: dict[str, Any], hangs: float):
    session, mask = masked(colour, PULLED, hangs)
    away = np.abs(session.edit(**asked).pixels.astype(int) - session.photo.pixels).max(2)
    assert (away[mask] > LEVELS).mean() < 0.02


def test_the_mouth_above_a_mask_is_seen():
    session, mask = masked("blue", PULLED)
    changed = (session.edit(grin=1.0, lips="red").pixels != session.photo.pixels).any(2)
    assert changed[~mask].sum() > 500 and changed[mask].mean() < 0.02
    turned = session.edit(yaw=10.0)
    assert np.array_equal(turned.pixels, session.photo.pixels)
    assert "face 1 has its chin covered" in turned.history[0].notes[0]


def test_eye_shadow_is_put_on_above_a_mask():
    session, mask = masked("blue")
    changed = (session.edit(lids="plum", lips="red").pixels != session.photo.pixels).any(2)
    assert changed[~mask].any() and (changed[mask].mean() < 0.02)


def test_skin_that_moves_fetches_nothing_of_what_is_before_it():
    """A blue ball before the cheek of a head that turns leaves no rim of its colour beside it."""
    photo, face = collins()
    ball = np.zeros(photo.pixels.shape[:2], np.uint8)
    across = np.linalg.norm(face.landmarks[33] - face.landmarks[263])
    cv2.circle(ball, tuple(int(v) for v in face.landmarks[50]), int(0.28 * across), 1, -1)
    pixels = np.where(ball[..., None] > 0, np.array((70, 110, 170), np.uint8), photo.pixels)
    before, after = pixels.astype(int), Session(Photo(pixels), kit=kit()).edit(yaw=10).pixels.astype(int)
    bluer = (after[..., 2] - after[..., 0]) - (before[..., 2] - before[..., 0]) > 30
    beside = (cv2.dilate(ball, np.ones((25, 25))) > 0) & (ball == 0)
    assert (before != after).any(2)[beside].any() and bluer[beside].mean() < 0.02


def test_a_covered_mouth_goes_along_and_does_not_speak():
    session, _ = masked("blue")
    how: dict[str, Any] = {"consent": "public domain", "kit": kit()}
    laughing = animate(session.photo, "laugh", **how)
    quiet = animate(session.photo, "laugh", regions=("pose", "eyes", "brows"), **how)
    middle = len(laughing) // 2
    assert np.array_equal(laughing.frame(middle), quiet.frame(middle))
    assert (laughing.frame(middle) != session.photo.pixels).any()
    assert laughing.step.notes == ("face 1 has its mouth covered, so its lips do not move",)


def test_bare_faces_are_not_covered():
    for photo, face in ((hopper(), hopper_face()), collins()):
        assert not find_occlusion(kit().parser, photo.pixels, face).covered


def test_a_microphone_leaves_the_rest_of_the_face_as_one():
    """It hides the mouth, and nothing beside it: light falls on the jaw as on the cheeks."""
    photo, face = collins()
    pixels, wide = photo.pixels.copy(), float(np.ptp(face.landmarks[:468, 0]))
    middle = face.landmarks[[13, 152]].mean(0)
    cv2.circle(pixels, tuple(np.rint(middle).astype(int).tolist()), round(0.24 * wide), (20, 20, 22), -1)
    held = Photo(pixels)
    assert "mouth covered" in edit(held, kit=kit(), beard=1.0).history[-1].notes[0]
    lit = edit(held, kit=kit(), light=1.0).pixels.astype(int) - pixels
    inwards = np.rint(0.9 * face.landmarks[[172, 397, 205]] + 0.1 * face.landmarks[4]).astype(
        int
    )  # of jaw and cheek
    for x, y in inwards:
        assert np.abs(lit[y - 2 : y + 3, x - 2 : x + 3]).mean() > 4
    x, y = np.rint(middle).astype(int)
    assert np.abs(lit[y - 5 : y + 6, x - 5 : x + 6]).max() <= 2
