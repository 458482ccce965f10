"""Glasses and beards put on: where they lie, that they follow the head, and that nothing else is touched."""

from dataclasses import replace
from functools import cache
from itertools import pairwise

import cv2
import numpy as np
import pytest
from faces import collins, hopper, hopper_face, kit

from mien.edits.beard import SHAPES as BEARDS
from mien.edits.beard import Beard, draw_beard
from mien.edits.eyeglass_frame import SHAPES as FRAMES
from mien.edits.eyeglasses import Glasses, draw_glasses
from mien.face import geometry, mesh, topology
from mien.face.change import apply_to_crop
from mien.face.pose import Head
from mien.pipeline.photo import edit_photo
from mien.types import Array, Crop

EDITS = (Glasses, Beard)


@cache
def crop() -> Crop:
    photo, face = collins()
    return geometry.align(photo.pixels, face.landmarks, Glasses.alignment)


def turned(degrees: float) -> Crop:
    """The same crop, its picture and its landmarks turned about the middle: not what `align` makes."""
    one = crop()
    matrix = cv2.getRotationMatrix2D(((one.size - 1) / 2,) * 2, degrees, 1.0)
    pixels = cv2.warpAffine(one.pixels, matrix, (one.size,) * 2, borderMode=cv2.BORDER_REFLECT_101)
    return replace(one, pixels=pixels, landmarks=geometry.transform(one.landmarks, matrix))


def inside(outline: tuple[int, ...]) -> Array:
    return mesh.polygon_mask(crop().landmarks, outline, crop().size, feather=0.5) > 0.9


@pytest.mark.parametrize("edit", EDITS)
def test_nothing_at_strength_nothing(edit: type):
    change = edit(strength=0.0)(crop())
    assert not change.alpha.any() and not change.colour.any()
    photo, face = collins()
    assert np.array_equal(edit_photo(photo, (edit(strength=0.0),), [face], [0], {}).pixels, photo.pixels)


@pytest.mark.parametrize("edit", EDITS)
def test_more_is_more(edit: type):
    changes = [edit(strength=share)(crop()) for share in (0.1, 0.25, 0.5, 0.75, 1.0)]
    darker = [float((-one.colour * one.alpha[..., None]).sum()) for one in changes]
    assert darker[0] > 0 and all(low < high for low, high in pairwise(darker))


def test_hair_covers_more_with_strength():
    cover = [float(draw_beard(crop(), Beard(share))[1].sum()) for share in (0, 0.1, 0.3, 0.6, 1.0)]
    assert cover[0] == 0 and all(low < high for low, high in pairwise(cover))


@pytest.mark.parametrize("edit", EDITS)
def test_the_same_twice(edit: type):
    style = edit.random(np.random.default_rng(3))
    assert style == edit.random(np.random.default_rng(3)) != edit.random(np.random.default_rng(4))
    one, two = style(crop()), style(crop())
    assert (
        np.array_equal(one.colour, two.colour)
        and np.array_equal(one.alpha, two.alpha)
        and np.array_equal(one.flow, two.flow)
    )


@pytest.mark.parametrize("edit", EDITS)
def test_pixels_beyond_are_untouched(edit: type):
    photo, face = collins()
    after = edit_photo(photo, (edit(),), [face], [0], {}).pixels
    changed = (after != photo.pixels).any(2)
    rows, columns = np.nonzero(changed)
    left, top, right, bottom = face.box
    reach = 0.2 * (right - left)
    assert changed.sum() > 1000
    assert (
        left - reach < columns.min()
        and columns.max() < right + reach
        and top < rows.min()
        and rows.max() < bottom + reach
    )
    matrix = geometry.similarity(face.landmarks, Glasses.alignment)
    alpha = cv2.warpAffine(edit()(crop()).alpha, geometry.invert(matrix), photo.size, borderValue=0)
    assert not changed[cv2.dilate(alpha, np.ones((3, 3))) == 0].any()


@pytest.mark.parametrize("degrees", [-35, 20, 90])
def test_both_follow_a_head_that_is_turned(degrees: float):
    matrix = cv2.getRotationMatrix2D(((crop().size - 1) / 2,) * 2, degrees, 1.0)
    for before, after in (
        (draw_glasses(crop(), Glasses())[1], draw_glasses(turned(degrees), Glasses())[1]),
        (draw_glasses(crop(), Glasses())[2], draw_glasses(turned(degrees), Glasses())[2]),
        (draw_beard(crop(), Beard())[1], draw_beard(turned(degrees), Beard())[1]),
    ):
        expected = cv2.warpAffine(before, matrix, (crop().size,) * 2)
        soft = [cv2.GaussianBlur(one, (0, 0), 2) for one in (expected, after)]
        assert np.minimum(*soft).sum() / np.maximum(*soft).sum() > 0.9


def test_glasses_sit_before_the_eyes():
    _, frame, lenses = draw_glasses(crop(), Glasses())
    for iris in (slice(468, 473), slice(473, 478)):
        x, y = np.rint(crop().landmarks[iris]).astype(int).T
        assert (lenses[y, x] > 0.95).all() and (frame[y, x] < 0.01).all()
    x, y = np.rint(crop().landmarks[168]).astype(int)
    assert frame[y - 12 : y + 12, x].max() > 0.9  # the bridge crosses the nose
    count, _, stats, _ = cv2.connectedComponentsWithStats((lenses > 0.5).astype(np.uint8))
    assert count == 3 and abs(stats[1, 4] / stats[2, 4] - 1) < 0.2


def test_eyes_stay_visible_through_clear_lenses():
    change, _, _ = draw_glasses(crop(), Glasses())
    for lids in topology.EYELIDS:
        assert np.abs(change.colour[inside(lids)]).mean() < 0.05
    dark, _, _ = draw_glasses(crop(), Glasses(glass=(0.2, 0.2, 0.2)))
    assert all((-dark.colour[inside(lids)]).mean() > 0.1 for lids in topology.EYELIDS)


@pytest.mark.parametrize("shape", BEARDS)
def test_no_hair_on_lips_nor_nostrils(shape: str):
    change, cover = draw_beard(crop(), Beard(shape=shape))
    assert cover.max() > 0.5 and (change.colour[cover > 0.5].mean() < 0)
    assert cover[inside(topology.LIPS)].max() < 0.03
    above = np.arange(crop().size)[:, None] < crop().landmarks[[33, 263], 1].min()
    assert not cover[np.broadcast_to(above, cover.shape)].any()
    x, y = np.rint(crop().landmarks[[4, 50, 280, 97, 326]]).astype(int).T
    assert cover[y, x].max() < 0.05  # tip and wings of the nose, cheekbones


@pytest.mark.parametrize("shape", FRAMES)
def test_every_frame_is_drawn(shape: str):
    _, frame, lenses = draw_glasses(crop(), Glasses(shape=shape))
    share = crop().size ** 2
    assert 0.005 < frame.sum() / share < 0.1 and 0.03 < lenses.sum() / share < 0.2
    assert not (frame + lenses > 1.001).any()


def heads() -> dict[str, Array]:
    """Landmarks that are hard: tiny, outside, turned far, flat, mirrored."""
    points = crop().landmarks
    middle = points.mean(0)
    return {
        "tiny": middle + (points - middle) * 0.01,
        "outside": points + 400,
        "one point": np.zeros_like(points) + middle,
        "turned": middle + (points - middle) * (0.3, 1),
        "huge": middle + (points - middle) * 4,
        "upside down": middle - (points - middle),
        "noise": points + np.random.default_rng(0).normal(0, 6, points.shape),
    }


@pytest.mark.parametrize("name", heads())
def test_random_styles_never_fail(name: str):
    rng = np.random.default_rng(7)
    hard = replace(crop(), landmarks=heads()[name].astype(np.float32))
    for _ in range(3):
        change, frame, lenses = draw_glasses(hard, Glasses.random(rng))
        hairy, cover = draw_beard(hard, Beard.random(rng))
        for one in (frame, lenses, cover, change.alpha, hairy.alpha):
            assert one.shape == (512, 512) and one.dtype == np.float32 and one.min() >= 0 and one.max() <= 1
            assert not one[[0, -1]].any() and not one[:, [0, -1]].any()
        for one in (change, hairy):
            assert (
                np.isfinite(one.flow).all()
                and np.isfinite(one.colour).all()
                and np.abs(one.colour).max() <= 1
            )


def test_a_beard_is_darker_than_the_skin_and_grey_where_it_should():
    dark, light = (draw_beard(crop(), Beard(tone=tone))[0].colour.sum() for tone in (-10, 10))
    assert dark < light < 0
    grey = draw_beard(crop(), Beard(grey=1.0))[0].colour
    assert grey.sum() > draw_beard(crop(), Beard())[0].colour.sum()


@pytest.mark.parametrize("edit", EDITS)
def test_the_other_portrait(edit: type):
    after = edit_photo(hopper(), (edit(),), [hopper_face()], [0], {}).pixels
    assert (after != hopper().pixels).any(2).sum() > 2000


def test_a_head_is_posed_as_it_lies():
    head, tilted = Head.of(crop().landmarks), Head.of(turned(25).landmarks)
    assert np.allclose(head.turn @ head.turn.T, np.eye(3), atol=1e-6)
    assert (
        abs(head.scale * 63 - np.linalg.norm(crop().landmarks[473] - crop().landmarks[468]))
        < 0.12 * head.scale * 63
    )
    angle = np.degrees(np.arctan2(*(tilted.turn[1::-1, 0])) - np.arctan2(*(head.turn[1::-1, 0])))
    assert abs(angle + 25) < 1


def test_who_wears_glasses_gets_no_others():
    """Not hopper, who wears some, nor collins once she wears a thin frame."""
    wearing = Glasses(shape="round", rim=1.0, reader=kit().prototypes, parser=kit().parser)
    change = wearing(crop())
    assert change.alpha.any() and not change.note
    worn = geometry.align(hopper().pixels, hopper_face().landmarks, Glasses.alignment)
    for one in (apply_to_crop(crop(), change), worn):
        again = wearing(one)
        assert not again.alpha.any() and again.note == "wears glasses already, so none were put on"
