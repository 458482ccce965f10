"""Faces are found and measured: at any size and angle, in the dark, in noise, in company; and not where there
is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import faces
import numpy as np
import pytest
from faces import ROOT, kit

from mien import models
from mien.errors import ModelError
from mien.face import geometry
from mien.face.geometry import Halvings
from mien.models import catalogue as hub
from mien.models.finder import Finder
from mien.models.landmarker import Landmarker, find_faces, pose
from mien.models.session import Net
from mien.types import Alignment, Array, Face

FACES = ROOT.parent / "shared" / "data" / "faces256"


Find = Callable[[Array], list[Face]]


def net(name: str) -> Net:
    entry = hub.locate(name)
    return Net(name, entry.path, entry.sha256, threads=1)


@pytest.fixture(scope="module")
def finder() -> Finder:
    return models.open(net("blazeface"), "finder")


@pytest.fixture(scope="module")
def landmarker() -> Landmarker:
    return Landmarker(models.open(net("facemesh"), "mesh"), models.open(net("iris"), "iris"))


@pytest.fixture(scope="module")
def find(finder: Finder, landmarker: Landmarker) -> Find:
    return lambda pixels: find_faces(finder, landmarker, Halvings(pixels))


def read(path: Path) -> Array:
    picture = cv2.imread(str(path))
    assert picture is not None
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


@pytest.fixture(scope="module")
def hopper() -> Array:
    return read(ROOT / "docs" / "hopper.jpg")


@pytest.fixture(scope="module")
def upright(find: Find, hopper: Array) -> Face:
    (face,) = find(hopper)
    return face


def scaled(pixels: Array, scale: float) -> Array:
    return cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def off(face: Face, wanted: Array) -> float:
    """Mean distance of the landmarks from `wanted`, in distances between the eyes."""
    return float(np.hypot(*(face.landmarks - wanted).T).mean() / np.hypot(*(wanted[33] - wanted[263])))


def test_a_portrait_gives_one_face_with_everything_in_its_place(upright: Face, hopper: Array):
    left, top, right, bottom = upright.box
    assert 0 < left < right < hopper.shape[1] and 0 < top < bottom < hopper.shape[0]
    points = upright.landmarks
    assert points.shape == (478, 2) and upright.depth.shape == (478,) and points.dtype == np.float32
    assert points[33, 0] < points[133, 0] < points[1, 0] < points[362, 0] < points[263, 0]
    assert points[10, 1] < points[468, 1] < points[1, 1] < points[13, 1] < points[152, 1]
    assert upright.depth[1] < upright.depth[33] and upright.depth[1] < upright.depth[263], (
        "the nose is nearest"
    )
    assert 0.9 < upright.score <= 1
    assert abs(upright.roll) < 10 and abs(upright.yaw) < 15 and abs(upright.pitch) < 20


def test_each_iris_is_centre_right_top_left_bottom(upright: Face):
    for start, (low, high) in ((468, (33, 133)), (473, (362, 263))):
        centre, right, top, left, bottom = upright.landmarks[start : start + 5]
        assert left[0] < centre[0] < right[0] and top[1] < centre[1] < bottom[1]
        assert upright.landmarks[low, 0] < centre[0] < upright.landmarks[high, 0]


@pytest.mark.parametrize("angle", range(0, 360, 30))
def test_any_angle_gives_the_turned_landmarks(find: Find, hopper: Array, upright: Face, angle: int):
    side = 800
    matrix = cv2.getRotationMatrix2D((hopper.shape[1] / 2, hopper.shape[0] / 2), -angle, 1.0)
    matrix[:, 2] += [(side - hopper.shape[1]) / 2, (side - hopper.shape[0]) / 2]
    (face,) = find(cv2.warpAffine(hopper, matrix, (side, side), borderValue=(120, 120, 120)))
    assert off(face, upright.landmarks @ matrix[:, :2].T + matrix[:, 2]) < 0.06
    turned = (face.roll - upright.roll - angle + 180) % 360 - 180
    assert abs(turned) < 4, "roll is positive clockwise"
    assert abs(face.yaw - upright.yaw) < 6 and abs(face.pitch - upright.pitch) < 6


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_quarter_turns(find: Find, hopper: Array, upright: Face, turn: int):
    (face,) = find(np.ascontiguousarray(np.rot90(hopper, turn)))
    assert abs((face.roll - upright.roll + 90 * turn + 180) % 360 - 180) < 4


def test_a_mirrored_face_looks_the_other_way(find: Find, hopper: Array, upright: Face):
    (face,) = find(np.ascontiguousarray(hopper[:, ::-1]))
    assert abs(face.yaw + upright.yaw) < 5 and abs(face.roll + upright.roll) < 4


@pytest.mark.parametrize(("axis", "name"), [((0, 2), "yaw"), ((1, 2), "pitch")])
def test_a_head_turned_in_depth_changes_its_yaw_or_pitch_alone(
    upright: Face, axis: tuple[int, int], name: str
):
    """Near points (small depth) go to the photo's right as yaw grows, and down as pitch grows."""
    across = np.radians(-upright.roll)
    level = np.array([[np.cos(across), np.sin(across)], [-np.sin(across), np.cos(across)]])
    points = np.column_stack([upright.landmarks[:468] @ level, upright.depth[:468]]).astype(np.float64)
    start = dict(zip(("roll", "yaw", "pitch"), pose(points[:, :2], points[:, 2]), strict=True))
    angle, turned = np.radians(20), points.copy()
    turned[:, axis[0]] = points[:, axis[0]] * np.cos(angle) - points[:, axis[1]] * np.sin(angle)
    turned[:, axis[1]] = points[:, axis[0]] * np.sin(angle) + points[:, axis[1]] * np.cos(angle)
    end = dict(zip(("roll", "yaw", "pitch"), pose(turned[:, :2], turned[:, 2]), strict=True))
    for each in start:
        assert abs(end[each] - start[each] - (20 if each == name else 0)) < 2


def test_a_face_of_40_pixels_in_a_large_frame(find: Find, hopper: Array, upright: Face):
    scale = 40 / float(upright.box[2] - upright.box[0])
    small = scaled(hopper, scale)
    frame = np.full((720, 1280, 3), 110, np.uint8)
    frame[400 : 400 + small.shape[0], 900 : 900 + small.shape[1]] = small
    (face,) = find(frame)
    assert off(face, (upright.landmarks + 0.5) * scale - 0.5 + (900, 400)) < 0.08


def test_a_face_that_fills_the_frame(find: Find, hopper: Array, upright: Face):
    left, top, right, bottom = upright.box.astype(int)
    (face,) = find(np.ascontiguousarray(hopper[top:bottom, left:right]))
    assert off(face, upright.landmarks - (left, top)) < 0.08


def test_a_large_photo_reads_the_same(find: Find, hopper: Array, upright: Face):
    (face,) = find(cv2.resize(hopper, None, fx=5, fy=5, interpolation=cv2.INTER_CUBIC))
    assert off(face, (upright.landmarks + 0.5) * 5 - 0.5) < 0.02


def test_several_faces_come_from_left_to_right(find: Find, hopper: Array):
    faces = find(np.tile(scaled(hopper, 0.5), (2, 4, 1)))
    assert len(faces) == 8
    centres = [float(f.box[0] + f.box[2]) for f in faces]
    assert centres == sorted(centres)


def test_dark_and_noisy_pictures(find: Find, hopper: Array, upright: Face):
    (dark,) = find((hopper * 0.12).astype(np.uint8))
    assert off(dark, upright.landmarks) < 0.05
    noise = np.random.default_rng(0).normal(0, 25, hopper.shape)
    (noisy,) = find(np.clip(hopper + noise, 0, 255).astype(np.uint8))
    assert off(noisy, upright.landmarks) < 0.05


def not_faces() -> dict[str, Array]:
    random = np.random.default_rng(1)
    clouds = cv2.GaussianBlur(random.normal(size=(480, 640, 3)), (0, 0), 12)
    y, x = np.mgrid[:480, :640]
    balls = np.full((480, 640, 3), 90, np.uint8)
    for _ in range(60):
        centre, radius, colour = (
            random.integers(0, 640, 2),
            random.integers(5, 60),
            random.integers(0, 255, 3),
        )
        cv2.circle(balls, (int(centre[0]), int(centre[1])), int(radius), tuple(int(c) for c in colour), -1)
    hills = np.where((y > 260 + 60 * np.sin(x / 90))[..., None], (60, 110, 50), (130, 170, 230)).astype(
        np.uint8
    )
    return {
        "grey": np.full((480, 640, 3), 128, np.uint8),
        "black": np.zeros((64, 64, 3), np.uint8),
        "a hair": np.full((2000, 2, 3), 90, np.uint8),
        "one pixel": np.zeros((1, 1, 3), np.uint8),
        "a line": np.full((1, 900, 3), 70, np.uint8),
        "noise": random.integers(0, 255, (300, 400, 3), dtype=np.uint8),
        "clouds": cv2.normalize(clouds, clouds, 0, 255, cv2.NORM_MINMAX).astype(np.uint8),
        "squares": np.dstack([((x // 16 + y // 16) % 2 * 255).astype(np.uint8)] * 3),
        "balls": balls,
        "hills": hills,
    }


@pytest.mark.parametrize("name", not_faces())
def test_no_face_where_there_is_none(find: Find, name: str):
    assert find(not_faces()[name]) == []


def test_a_portrait_without_its_face_has_none(find: Find, hopper: Array, upright: Face):
    left, top, right, bottom = upright.box.astype(int)
    without = hopper.copy()
    without[top - 20 : bottom + 10, left - 10 : right + 10] = hopper[10:11, 10:11]
    assert find(without) == []


def test_what_has_the_shape_of_a_face_and_no_features_is_none(hopper: Array):
    """A chin and a neck, on which the mesh sees a small face."""
    chin = cv2.resize(hopper[249:532, 155:467], (256, 256), interpolation=cv2.INTER_AREA)
    (face,) = find_faces(kit().finder, kit().landmarker, Halvings(chin))
    assert face.score < 0.9 and kit().faces(chin) == []


def test_a_network_of_another_role_is_refused():
    with pytest.raises(ModelError, match="has the role 'iris'"):
        models.open(net("iris"), "finder")
    with pytest.raises(ModelError, match="no role"):
        models.open(net("iris"), "oracle")


@pytest.mark.skipif(not FACES.is_dir(), reason="the shared portraits are not here")
def test_landmarks_agree_with_the_shared_ones(find: Find):
    known = np.load(FACES / "landmarks478.npz")
    errors = []
    for i in range(0, len(known["files"]), 60):
        (face,) = find(read(FACES / "images" / str(known["files"][i])))
        errors.append(face.landmarks - known["points"][i].astype(np.float32))
    # Theirs have their origin at the corner of the first pixel and come from another network: 0.8 px apart
    # everywhere.
    shift = np.mean(errors, axis=(0, 1))
    assert np.abs(shift).max() < 1.0
    distance = np.hypot(*(np.array(errors) - shift).transpose(2, 0, 1))
    assert distance.mean() < 1.9 and np.median(distance) < 1.6
    assert distance[:, 468:].mean(0).max() < 1.5, "every iris point is the one of its index"


@pytest.mark.parametrize("side", [110, 70])
def test_a_crowd_of_small_faces(side: int):
    """Faces of 60 and of 38 pixels, a wall of two people."""
    tiles = [
        geometry.align(photo.pixels, face.landmarks, Alignment("ffhq", side)).pixels
        for photo, face in ((faces.hopper(), faces.hopper_face()), faces.collins())
    ]
    wall = np.vstack([np.hstack([tiles[(row + i) % 2] for i in range(7)]) for row in range(4)])
    assert len(kit().faces(wall)) == 28
