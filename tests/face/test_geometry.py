"""Layout and carry: what is promised about every pixel."""

import tracemalloc
from dataclasses import replace

import cv2
import numpy as np
import pytest
from faces import points
from hypothesis import given, settings
from hypothesis import strategies as st

from mien import Alignment, Change, Crop, RequestError
from mien.face import geometry, topology
from mien.face.change import advect_points, composite

SIZE = 128
LAYOUT = Alignment("face", SIZE)
SCALES = (1.0, 4.0, 12.0)


def crop_at(scale: float, turn: float, at: tuple[float, float]) -> Crop:
    """A crop whose pixels are `scale` photo pixels wide, turned; no pixels."""
    matrix = geometry.similarity(points(1.0, turn, at), LAYOUT)
    grow = scale * geometry.scale_of(matrix)
    landmarks = points(grow, turn, at)
    return Crop(
        np.zeros((SIZE, SIZE, 3), np.uint8), geometry.similarity(landmarks, LAYOUT), LAYOUT, landmarks
    )


def disc(radius: float = 0.8) -> np.ndarray:
    """An alpha that is 1 in the middle and 0 from `radius` on."""
    return np.clip((radius - np.hypot(*np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j])) * 6, 0, 1).astype(
        np.float32
    )


def nothing(alpha: np.ndarray) -> Change:
    return Change(np.zeros((SIZE, SIZE, 2), np.float32), np.zeros((SIZE, SIZE, 3), np.float32), alpha)


def noise(height: int, width: int, dtype: type = np.uint8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(
        0, np.iinfo(dtype).max, (height, width, 3), dtype=dtype, endpoint=True
    )


@settings(max_examples=25, deadline=None)
@given(st.floats(0.3, 6), st.floats(-180, 180), st.floats(-50, 350), st.sampled_from([np.uint8, np.uint16]))
def test_a_zero_change_returns_the_same_pixels(scale: float, turn: float, x: float, dtype: type):
    photo = noise(300, 310, dtype)
    out = composite(photo, crop_at(scale, turn, (x, 150)), nothing(disc()))
    assert np.array_equal(out, photo) and out.dtype == photo.dtype


@settings(max_examples=25, deadline=None)
@given(st.floats(0.3, 6), st.floats(-180, 180), st.floats(0, 1), st.sampled_from([np.uint8, np.uint16]))
def test_pixels_without_alpha_are_bit_identical(scale: float, turn: float, bright: float, dtype: type):
    photo, crop, alpha = noise(300, 310, dtype), crop_at(scale, turn, (155, 150)), disc(0.5)
    change = replace(
        nothing(alpha),
        flow=np.full((SIZE, SIZE, 2), 3, np.float32),
        colour=np.full((SIZE, SIZE, 3), bright, np.float32),
    )
    out = composite(photo, crop, change)
    x, y = np.meshgrid(np.arange(310), np.arange(300))
    there = geometry.transform(np.stack([x, y], -1).astype(np.float64), crop.matrix)
    far = np.hypot(*np.moveaxis(there - (SIZE - 1) / 2, -1, 0)) > 0.5 * SIZE / 2 + 2 + 2 / min(scale, 1)
    assert far.any() and np.array_equal(out[far], photo[far])
    assert (out != photo).any()


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("turn", [0.0, 30.0, -75.0, 180.0])
def test_a_shift_moves_a_drawn_point_where_it_should_be(scale: float, turn: float):
    side = int(SIZE * scale * 1.6)
    crop = crop_at(scale, turn, (side / 2, side / 2))
    shift = np.array([4.0, -2.5])  # crop px: what is at p + shift comes to p
    spot = np.array([side / 2 + 3 * scale, side / 2 - 2 * scale])
    photo = np.zeros((side, side, 3), np.uint8)
    sigma = 1.5 * max(scale, 1)
    x, y = np.meshgrid(np.arange(side), np.arange(side))
    photo[...] = (250 * np.exp(-((x - spot[0]) ** 2 + (y - spot[1]) ** 2) / 2 / sigma**2))[..., None].astype(
        np.uint8
    )
    change = replace(nothing(disc()), flow=np.broadcast_to(shift, (SIZE, SIZE, 2)).astype(np.float32))
    out = composite(photo, crop, change)[..., 0].astype(np.float64)
    found = np.array([(out * x).sum(), (out * y).sum()]) / out.sum()
    wanted = spot - np.linalg.inv(crop.matrix[:, :2]) @ shift
    assert np.abs(found - wanted).max() < 0.5


@pytest.mark.parametrize("scale", [0.7, 2.3])
def test_a_turned_photo_gives_the_turned_result(scale: float):
    """Composing an edit with its crop's turn commutes: the flow is turned with the crop."""
    photo = cv2.GaussianBlur(noise(320, 320), (0, 0), 3)
    crop = crop_at(scale, 0, (160, 160))
    y, x = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    change = Change(
        np.stack([4 * y, 3 - 2 * x], -1).astype(np.float32),
        np.stack([x, y, x * y], -1).astype(np.float32) * 0.1,
        disc(),
    )
    straight = composite(photo, crop, change)
    back = np.array([[0, 1, 0], [-1, 0, 319.0]])  # xy of np.rot90(photo, -1) -> xy of photo
    turned = replace(crop, matrix=crop.matrix @ np.vstack([back, [0, 0, 1]]))
    there = composite(np.ascontiguousarray(np.rot90(photo, -1)), turned, change)
    assert np.abs(np.rot90(there).astype(int) - straight).max() <= 2


def test_sixteen_bits_are_changed_as_eight_are():
    photo = cv2.GaussianBlur(noise(200, 200), (0, 0), 2)
    crop, colour = crop_at(1.2, 10, (100, 100)), np.full((SIZE, SIZE, 3), 0.1, np.float32)
    change = replace(nothing(disc()), colour=colour, flow=np.full((SIZE, SIZE, 2), 1.3, np.float32))
    eight = composite(photo, crop, change)
    sixteen = composite(photo.astype(np.uint16) * 257, crop, change)
    assert np.abs(sixteen / 257 - eight).max() < 1.01
    assert len(np.unique(sixteen)) > 300  # more than eight bits hold


def test_the_cost_is_the_faces_and_not_the_photos():
    photo = np.zeros((10_000, 10_000, 3), np.uint8)
    crop = crop_at(2.0, 0, (5000, 5000))
    change = replace(nothing(disc()), colour=np.full((SIZE, SIZE, 3), 0.2, np.float32))
    tracemalloc.start()
    out = composite(photo, crop, change, photo)
    geometry.align(photo, crop.landmarks, Alignment("face", 384))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6 and out is photo and photo.any()


def test_a_crop_that_hangs_over_the_edge_is_mirrored_and_carried_back():
    photo = noise(200, 200)
    landmarks = points(1.0, 15, (20, 190))
    crop = geometry.align(photo, landmarks, Alignment("ffhq", 128))
    assert crop.pixels.std() > 10
    assert (
        composite(
            photo, crop, replace(nothing(disc(1.5)), colour=np.full((SIZE, SIZE, 3), 0.2, np.float32))
        ).shape
        == photo.shape
    )
    away = replace(crop, matrix=crop.matrix + np.array([[0, 0, 1e5], [0, 0, 0]]))
    assert np.array_equal(composite(photo, away, nothing(disc())), photo)


@settings(max_examples=30, deadline=None)
@given(
    st.floats(0.2, 20), st.floats(-180, 180), st.sampled_from(list(geometry.TEMPLATES)), st.integers(32, 600)
)
def test_alignment_is_upright_and_follows_the_face(scale: float, turn: float, template: str, size: int):
    landmarks = points(scale, turn, (300, 200))
    laid = geometry.transform(landmarks, geometry.similarity(landmarks, Alignment(template, size)))
    eyes = [laid[list(eye)].mean(0) for eye in topology.EYELIDS]
    assert abs(eyes[0][1] - eyes[1][1]) < 0.12 * size and eyes[1][0] - eyes[0][0] > 0.12 * size
    reference = geometry.transform(points(), geometry.similarity(points(), Alignment(template, size)))
    assert np.abs(laid - reference).max() < 0.01 * size


def test_ffhq_alignment_is_the_published_one():
    """The quad of the FFHQ data set, from the means of eyes and mouth corners."""
    landmarks = points(2.0, 20, (400, 300)).astype(np.float64)
    left, right = (landmarks[list(eye)].mean(0) for eye in topology.EYELIDS)
    mouth = landmarks[[61, 291]].mean(0)
    x = (right - left) - (mouth - (left + right) / 2)[::-1] * [-1, 1]
    x *= max(np.hypot(*(right - left)) * 2.0, np.hypot(*(mouth - (left + right) / 2)) * 1.8) / np.hypot(*x)
    y = x[::-1] * [-1, 1]
    c = (left + right) / 2 + (mouth - (left + right) / 2) * 0.1
    corners = geometry.transform(
        np.stack([c - x - y, c - x + y, c + x + y, c + x - y]),
        geometry.similarity(landmarks, Alignment("ffhq", 256)),
    )
    assert np.allclose(corners, [[-0.5, -0.5], [-0.5, 255.5], [255.5, 255.5], [255.5, -0.5]], atol=1e-3)


def test_an_unknown_template_is_refused():
    with pytest.raises(RequestError, match="ffhq, head, face"):
        geometry.similarity(points(), Alignment("sideways", 10))


def test_small_faces_get_no_aliasing_from_a_fine_change():
    """A change with a checkerboard of colour, carried to a face eight times smaller, is flat there."""
    board = (np.indices((SIZE, SIZE)).sum(0) % 2 * 2 - 1).astype(np.float32)[..., None] * np.ones(
        3, np.float32
    )
    photo = np.full((200, 200, 3), 128, np.uint8)
    out = composite(photo, crop_at(1 / 8, 0, (100, 100)), replace(nothing(disc()), colour=board * 0.4))
    assert np.abs(out.astype(int) - 128).max() <= 2


def test_what_a_crop_shows_of_the_photo_and_what_is_mirrored():
    photo, face = np.zeros((240, 180, 3), np.uint8), points(0.5, at=(60, 100))
    crop = geometry.align(photo, face, Alignment("wide", 128))
    there = cv2.warpAffine(np.ones((240, 180), np.float32), crop.matrix, (128, 128), flags=cv2.INTER_NEAREST)
    shown = geometry.valid_mask(crop)
    assert 0.1 < shown.mean() < 0.9 and (shown == (there > 0)).mean() > 0.97
    assert geometry.valid_mask(replace(crop, size_of_photo=None)).all()


def test_a_change_may_look_into_another_picture():
    """Of a source twice as large as the crop, every place is looked up where it lies; outside the alpha
    nothing changes."""
    photo = np.full((300, 300, 3), 50, np.uint8)
    y, x = np.mgrid[:128, :128].astype(np.float32)
    source = np.stack([x, y, x], -1).astype(np.uint8)
    face = points(at=(150, 150))
    crop = geometry.align(photo, face, Alignment("face", 64))
    other = replace(crop, pixels=source, alignment=Alignment("face", 128))
    alpha = np.zeros((64, 64), np.float32)
    alpha[16:48, 16:48] = 1
    moved = Change(
        np.full((64, 64, 2), (2, 0), np.float32), np.zeros((64, 64, 3), np.float32), alpha, source=other
    )
    for deep in (photo, photo.astype(np.uint16) * 257):
        out = composite(deep, crop, moved)
        seen = geometry.warp(out, crop.matrix, 64).astype(float)[20:44, 20:44]
        wanted = source[::2, ::2].astype(float)[20:44, 22:46]
        assert np.abs(seen - wanted).mean() < 2
        assert (out[:40] == deep[:40]).all()


def test_each_point_follows_the_flow_where_it_is():
    """What lies at q is what was at q + flow(q): here a stretch about the middle."""
    crop = crop_at(3.0, 0.2, (400.0, 300.0))
    middle, stretch = (SIZE - 1) / 2, 1.25
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    flow = np.dstack([x - middle, y - middle]) * np.float32(1 / stretch - 1)
    change = replace(nothing(np.ones((SIZE, SIZE), np.float32)), flow=flow)
    before = crop.landmarks[topology.RIGID_POINTS, :]
    after = geometry.transform(advect_points(before, crop, change), crop.matrix)
    wanted = (geometry.transform(before, crop.matrix) - middle) * stretch + middle
    assert np.abs(after - wanted).max() < 0.5
    assert np.ptp(after - geometry.transform(before, crop.matrix), axis=0).min() > 2, "not all alike"


def test_a_photo_that_is_halved_once_gives_the_same_crops():
    """Halvings are for speed alone: wherever a crop lies, it shows what it shows of the photo itself."""
    y, x = np.mgrid[:1203, :1601]
    waves = [np.sin(x / 70 + y / 110), np.sin(x / 130), np.cos(y / 90 - x / 160)]
    photo = np.rint(127.5 + 127 * np.stack(waves, -1)).astype(np.uint8)
    halvings = geometry.Halvings(photo)
    for scale, left, top in ((1.0, 300, 201), (0.4, 101, 77), (0.11, 3, 5), (0.045, 60, 30)):
        matrix = np.array([[scale, 0.02 * scale, -left * scale], [-0.02 * scale, scale, -top * scale]])
        own, shared = (geometry.warp(one, matrix, 48)[1:-1, 1:-1].astype(int) for one in (photo, halvings))
        assert np.abs(own - shared).max() <= 3 and np.abs(own - shared).mean() < 0.6, scale
    assert np.array_equal(halvings.halved(2), geometry.half(geometry.half(photo)))
