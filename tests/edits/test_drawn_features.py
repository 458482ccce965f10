"""Eyes, brows and mouths as they are drawn, and what is worn."""

from __future__ import annotations

import cv2
import numpy as np
from faces import hopper_face

from mien.edits import drawn_features
from mien.face import geometry
from mien.face.topology import EYELIDS
from mien.types import Alignment, Array

INK = (20, 20, 20)


def points() -> Array:
    landmarks = hopper_face().landmarks
    return geometry.transform(landmarks[:468], geometry.similarity(landmarks, Alignment("ffhq", 256)))


def page() -> Array:
    return np.full((256, 256, 3), 255, np.uint8)


def middle(rows: tuple[int, ...]) -> tuple[int, int]:
    x, y = points()[list(rows)].mean(0)
    return int(x), int(y)


def test_nothing_drawn_moves_nothing():
    assert np.array_equal(drawn_features.followed(page(), points()), points())
    assert drawn_features.worn(page(), points()) == {}


def test_an_eye_opens_as_far_as_it_is_drawn():
    opening = [np.ptp(points()[list(EYELIDS[0]), 1])]
    for high in (14, 3):
        drawing = page()
        cv2.ellipse(drawing, middle(EYELIDS[0]), (14, high), 0, 0, 360, INK, 2)
        moved = drawn_features.followed(drawing, points())
        opening.append(np.ptp(moved[list(EYELIDS[0]), 1]))
        assert np.abs(moved[list(EYELIDS[1])] - points()[list(EYELIDS[1])]).max() < 0.1
    assert opening[1] > 1.5 * max(opening[0], opening[2])


def test_a_black_disc_is_an_open_mouth_and_an_arc_a_smile():
    x, y = middle((61, 291, 13, 14))
    gaping, smiling, sad = page(), page(), page()
    cv2.ellipse(gaping, (x, y + 8), (22, 18), 0, 0, 360, INK, -1)
    cv2.ellipse(smiling, (x, y - 8), (28, 16), 0, 15, 165, INK, 2)
    cv2.ellipse(sad, (x, y + 12), (28, 16), 0, 195, 345, INK, 2)
    shapes = [drawn_features.followed(one, points()) for one in (page(), gaping, smiling, sad)]
    gap = [one[14, 1] - one[13, 1] for one in shapes]
    lift = [one[[13, 14], 1].mean() - one[[61, 291], 1].mean() for one in shapes]
    assert gap[1] > 18 and abs(gap[2] - gap[0]) < 4
    assert lift[2] > lift[0] + 4 > lift[3] + 8
    assert shapes[1][152, 1] > points()[152, 1] + 3, "the chin goes down"


def test_glasses_and_beards_are_seen():
    face, wearing, bearded = points(), page(), page()
    for lids in EYELIDS:
        cv2.circle(wearing, middle(lids), 24, INK, 2)
    cv2.line(wearing, middle(EYELIDS[0]), middle(EYELIDS[1]), INK, 2)
    assert drawn_features.worn(wearing, face) == {"glasses": 1.0}
    random = np.random.default_rng(0)
    for x, y in random.uniform((55, face[13, 1]), (200, face[152, 1]), (700, 2)).astype(int):
        cv2.line(bearded, (int(x), int(y)), (int(x) + 2, int(y) + 8), INK, 1)
    assert drawn_features.worn(bearded, face) == {"beard": 2.0, "sex": 1.0}
