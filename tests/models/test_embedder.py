"""Who a face is: the numbers of the network's origin, and what sets people apart."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from faces import collins, hopper, hopper_face, kit

from mien.face import geometry
from mien.types import Alignment, Array, Crop

DLIB = json.loads(Path(__file__).with_name("dlib.json").read_text(encoding="utf-8"))


def crop(of: str) -> Crop:
    photo, face = (hopper(), hopper_face()) if of == "hopper" else collins()
    return geometry.align(photo.pixels, face.landmarks, Alignment("dlib150", 150))


def raw(of: str) -> Array:
    net = kit().embedder().net
    return net.run(pixels=net.tensor(crop(of).pixels))["vector"][0]


def test_it_agrees_with_dlib():
    """dlib.json: what dlib 20.0.1 says of these crops. The mean vector that mien takes off falls out of the
    difference of two."""
    wanted = np.array(DLIB["hopper"]) - np.array(DLIB["collins"])
    assert np.linalg.norm(raw("hopper") - raw("collins") - wanted) < 0.02


def test_the_layout_is_that_of_dlibs_chips():
    """Eyes at the height and with the distance that `get_face_chip` with a quarter of padding gives them."""
    points = crop("collins").landmarks
    assert points[[263, 362, 33, 133, 2]] == pytest.approx(
        np.array([(111, 46.4), (89.6, 47.9), (37.1, 46.4), (58.4, 47.9), (74, 87.8)]), abs=4
    )


def test_a_person_is_like_themselves_and_not_like_another():
    embedder = kit().embedder()
    one, other = embedder.identity(crop("hopper")), embedder.identity(crop("collins"))
    assert one.likeness(one) == pytest.approx(1, abs=1e-5) and one.likeness(other) < 0.5 < embedder.threshold
    photo = hopper()
    for changed in (
        photo.pixels[:, ::-1],
        cv2.GaussianBlur(photo.pixels, (0, 0), 1.5),
        cv2.convertScaleAbs(photo.pixels, alpha=0.6),
    ):
        pixels = np.ascontiguousarray(changed)
        (face,) = kit().faces(pixels)
        assert embedder.identity_in(pixels, face).likeness(one) > 0.8
