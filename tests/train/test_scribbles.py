"""What the reader of sketches is taught with: faces in other shapes, scribbled heads, stretched portraits."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from faces import hopper_face

pytest.importorskip("torch", reason="training needs the extra 'train'")

from mien.face import geometry
from mien.face.topology import OVAL
from mien.train.data import hairdos, head_shapes, scribbles, sketched_faces
from mien.types import Alignment, Array

PLACE = np.array([[0.6, 0, 50], [0, 0.6, 60]])


def points() -> Array:
    landmarks = hopper_face().landmarks
    return geometry.transform(landmarks[:468], geometry.similarity(landmarks, Alignment("ffhq", 256)))


def test_outlines_become_those_of_other_heads():
    face = points()
    outline = head_shapes.Outline.of(face)
    assert outline.down(np.array([outline.top, outline.bottom])).tolist() == [-1, 1]
    square, triangle = (head_shapes.KINDS[kind](np.array([-0.5, 0.8])) for kind in ("square", "triangle"))
    assert square.min() > 0.9 and triangle[1] < 0.3 * triangle[0]
    random = np.random.default_rng(0)
    changed = np.stack([head_shapes.exaggerated(face, face, random) for _ in range(40)])
    widths = np.ptp(changed[:, list(OVAL), 0], axis=1) / np.ptp(face[list(OVAL), 0])
    assert widths.min() < 0.85 and widths.max() > 1.2
    gaps = np.linalg.norm(changed[:, 13] - changed[:, 14], axis=1)
    assert gaps.max() > 12 and np.isfinite(changed).all()


def test_a_mouth_opens_downwards_and_eyes_stay():
    face = points()
    opened = head_shapes.opened(face, 20.0)
    assert opened[14, 1] - face[14, 1] == pytest.approx(20, abs=2) and opened[152, 1] > face[152, 1] + 5
    assert np.abs(opened[[33, 133, 362, 263]] - face[[33, 133, 362, 263]]).max() < 2


def test_what_is_scribbled_is_where_the_points_are():
    random = np.random.default_rng(3)
    face = points()
    hair = hairdos.hairdo(face, True, random)
    who = scribbles.Subject(face, hair, glasses=True)
    drawn = scribbles.scribbled(who, PLACE, 256, random)
    mask = scribbles.hair_mask(who, PLACE, 256)
    ink = np.argwhere(drawn.min(2) < 200)[:, ::-1]
    outline = geometry.transform(face[list(OVAL)], PLACE)
    assert drawn.shape == (256, 256, 3) and ink[:, 1].min() > 5
    apart = np.linalg.norm(outline[:, None] - ink[None], axis=2).min(1)
    assert np.median(apart) < 4
    crown = geometry.transform(face[[10]], PLACE)[0]
    assert mask[int(crown[1]) - 8, int(crown[0])] == 255 and 0.03 < (mask > 0).mean() < 0.6
    again = scribbles.scribbled(who, PLACE, 256, np.random.default_rng(5))
    assert np.array_equal(again, scribbles.scribbled(who, PLACE, 256, np.random.default_rng(5)))


def test_a_beard_is_drawn_below_the_nose():
    face, dark = points(), [0.0, 0.0]
    for seed in range(6):
        for k, beard in enumerate((0, 2)):
            who = scribbles.Subject(face, None, beard)
            drawn = scribbles.scribbled(who, PLACE, 256, np.random.default_rng(seed))
            dark[k] += (drawn[int(face[2, 1] * 0.6 + 60) :].min(2) < 150).mean()
    assert dark[1] > 1.3 * dark[0]


def test_a_stretch_finds_back():
    random = np.random.default_rng(1)
    for _ in range(5):
        stretch = sketched_faces.Stretch.chance(random, points())
        assert np.abs(stretch.of(stretch.drawn(points())) - points()).max() < 0.5


def test_portraits_are_drawn_in_all_manners_with_their_hair_where_it_is():
    pixels = np.full((192, 192, 3), 200, np.uint8)
    cv2.circle(pixels, (96, 96), 60, (180, 130, 100), -1)
    regions = np.zeros((192, 192), np.uint8)
    cv2.circle(regions, (96, 96), 60, 1, -1)
    regions[30:70, 60:130] = 2  # hair
    who = sketched_faces.Portrait(pixels, points(), regions, (1.0, 40.0, 0.0, 0.0))
    random = np.random.default_rng(0)
    for _ in range(8):
        drawn, hair = sketched_faces.drawn_portrait(
            random, who, None, np.array([[1.0, 0, 0], [0, 1.0, 0]]), 256
        )
        assert drawn.shape == (256, 256, 3) and drawn.dtype == np.uint8
        assert hair[66, 126] == 255 and hair[200, 126] == 0 and 0.05 < (hair > 0).mean() < 0.15
