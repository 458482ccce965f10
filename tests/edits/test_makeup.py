"""The edits that need no network but the mesh: beauty, make-up, light, gaze, mouth; and colours as text."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from faces import HOPPER, hopper, hopper_face, kit, opened, planned

from mien import Photo, RequestError, cli, edit
from mien.edits.colours import NAMES, parse
from mien.edits.mouth import parted
from mien.face import filters, geometry, mesh, skin, topology
from mien.face.change import advect_points
from mien.types import Array, Change, Crop

REQUESTS: list[dict[str, Any]] = [
    {"beauty": 1.0},
    {"lips": "red"},
    {"lids": "blue"},
    {"light": -1.0, "toplight": 0.5},
    {"warmth": 1.0},
    {"gaze": 1.0, "gaze_up": 1.0},
    {"gaze": -1.0, "gaze_up": -1.0},
    {"mouth": 1.0},
    {"mouth": -1.0},
]


def crop_of(name: str, value: Any) -> tuple[Crop, Change]:
    """Hopper as an edit sees her, and what it does."""
    (how,) = planned({name: value})
    crop = geometry.align(hopper().pixels, hopper_face().landmarks, how.alignment, hopper_face().depth)
    return crop, how(crop)


def done(name: str, value: Any) -> Array:
    """Hopper's pixels after one edit."""
    request: dict[str, Any] = {name: value}
    return opened(hopper()).edit(**request).pixels


def brightness(pixels: Array, outline: list[int]) -> float:
    """The mean of the pixels within some points of the mesh."""
    mask = np.zeros(pixels.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.rint(hopper_face().landmarks[outline]).astype(np.int32)), 1)
    return float(pixels[mask > 0].mean())


LEFT_CHEEK, RIGHT_CHEEK = [117, 50, 187, 147, 123], [346, 280, 411, 376, 352]
FOREHEAD, CHIN = [151, 108, 337, 9], [152, 148, 377, 200]


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
def test_a_change_is_bounded_and_ends_before_the_crop_does(request_: dict[str, Any]):
    (how,) = planned(request_)
    crop = geometry.align(hopper().pixels, hopper_face().landmarks, how.alignment, hopper_face().depth)
    change = how(crop)
    assert change.alpha.min() >= 0 and change.alpha.max() <= 1 and np.abs(change.colour).max() <= 1
    assert change.flow.dtype == change.colour.dtype == change.alpha.dtype == np.float32
    for edge in (change.alpha[0], change.alpha[-1], change.alpha[:, 0], change.alpha[:, -1]):
        assert not edge.any()
    for values in (change.flow, change.colour, change.alpha):
        assert np.isfinite(values).all()


@cache
def troublesome() -> tuple[list[Photo], Photo]:
    """Hopper in grey, upright, turned and cut off, as far as he is found; and in the dark."""
    grey = np.repeat(cv2.cvtColor(hopper().pixels, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    left, top, _, bottom = (round(float(v)) for v in hopper_face().box)
    all_of_him = (grey, np.rot90(grey).copy(), grey[:, : left + (bottom - top) // 2].copy())
    return [photo for photo in map(Photo, all_of_him) if opened(photo).faces], Photo(hopper().pixels // 12)


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
def test_grey_stays_grey_and_turned_or_cut_off_faces_are_no_trouble(request_: dict[str, Any]):
    grey, dark = troublesome()
    assert grey
    for photo in grey:
        after = opened(photo).edit(**request_).pixels.astype(int)
        assert np.ptp(after, axis=2).max() <= 1
    after = opened(dark).edit(**request_).pixels.astype(int)
    assert np.abs(after - dark.pixels).max() < 90


def test_beauty_evens_but_keeps_what_is_fine():
    crop, change = crop_of("beauty", 1.0)
    after = crop.pixels / np.float32(255) + change.colour * change.alpha[..., None]
    before = crop.pixels / np.float32(255)
    where = (
        cv2.erode((skin.bare_skin_mask(crop.landmarks, crop.size) > 0.9).astype(np.uint8), np.ones((9, 9)))
        > 0
    )

    def energy(picture: Array, fine: float, coarse: float) -> float:
        light = cv2.cvtColor(picture.astype(np.float32), cv2.COLOR_RGB2GRAY)
        return float(np.median(np.abs(filters.blur(light, fine) - filters.blur(light, coarse))[where]))

    assert energy(after, 3.0, 9.0) < 0.9 * energy(
        before, 3.0, 9.0
    )  # blotches; wrinkles and glasses are in there too
    assert energy(after, 0.01, 1.0) > 0.9 * energy(before, 0.01, 1.0)  # pores
    red = [
        filters.to_lab(np.rint(one * 255).clip(0, 255).astype(np.uint8))[..., 1][where].std()
        for one in (before, after)
    ]
    assert red[1] < 0.92 * red[0]


@pytest.mark.parametrize("colour", ["red", "plum", "#3c5c9e"])
def test_lips_take_the_colour_and_nothing_else_does(colour: str):
    crop, change = crop_of("lips", colour)
    strongest = np.abs(change.colour).max(2) * change.alpha
    lips = mesh.polygon_mask(crop.landmarks, topology.LIPS, crop.size, feather=1) > 0.9
    inner = (
        cv2.dilate(
            (mesh.polygon_mask(crop.landmarks, topology.INNER_LIPS, crop.size, feather=1) > 0.2).astype(
                np.uint8
            ),
            np.ones((3, 3)),
        )
        > 0
    )
    far = mesh.polygon_mask(crop.landmarks, topology.LIPS, crop.size, feather=1, grow=14) < 0.01
    assert np.median(strongest[lips & ~inner]) > 0.1 and not strongest[far].any()
    before, after = (
        filters.to_lab(one)[lips & ~inner][:, 1:].mean(0) for one in (crop.pixels, painted(crop, change))
    )
    target = parse(colour).lab[1:]
    assert np.linalg.norm(after - target) < 0.6 * np.linalg.norm(before - target)


def painted(crop: Crop, change: Change) -> Array:
    shades = crop.pixels.astype(np.float32) + 255 * change.colour * change.alpha[..., None]
    return np.clip(np.rint(shades), 0, 255).astype(np.uint8)


def test_teeth_take_no_lipstick():
    """A mouth drawn open, with teeth in it."""
    crop, _ = crop_of("lips", "red")
    points = crop.landmarks.copy()
    points[: topology.POINTS] += parted(points[: topology.POINTS], 1.0)
    pixels = crop.pixels.copy()
    opening = mesh.polygon_mask(points, topology.INNER_LIPS, crop.size, feather=0.5) > 0.5
    pixels[opening] = (225, 218, 200)
    (how,) = planned({"lips": "red"})
    change = how(replace(crop, pixels=pixels, landmarks=points))
    assert opening.sum() > 800 and np.abs(change.colour * change.alpha[..., None])[opening].mean() < 0.015


def test_lids_are_coloured_above_the_eyes_and_not_in_them():
    crop, change = crop_of("lids", "blue")
    strongest = np.abs(change.colour).max(2) * change.alpha
    for eye, lashes, creases in zip(topology.EYELIDS, topology.LASHES, topology.CREASES, strict=True):
        middle = (crop.landmarks[lashes[4]] + crop.landmarks[creases[4]]) / 2
        x, y = np.rint(middle).astype(int)
        opening = (
            cv2.erode(
                (mesh.polygon_mask(crop.landmarks, eye, crop.size, feather=0.5) > 0.9).astype(np.uint8),
                np.ones((7, 7)),
            )
            > 0
        )
        assert strongest[y, x] > 0.05 and strongest[opening].mean() < 0.03
    assert not strongest[crop.size // 2 :].any()


@pytest.mark.parametrize(
    ("name", "more", "less"),
    [("light", RIGHT_CHEEK, LEFT_CHEEK), ("toplight", FOREHEAD, CHIN)],
    ids=["light", "toplight"],
)
def test_light_comes_from_where_it_was_asked_to(name: str, more: list[int], less: list[int]):
    before = hopper().pixels
    ratios = []
    for strength in (-1.0, -0.5, 0.5, 1.0):
        after = done(name, strength)
        gains = [brightness(after, part) / brightness(before, part) for part in (more, less)]
        ratios.append(gains[0] / gains[1])
    assert ratios == sorted(ratios) and ratios[1] < 0.97 and ratios[2] > 1.03


def test_light_stays_where_it_is_when_the_photo_is_turned():
    """Light from the right of a photo that lies on its side falls on the side of the face that is there."""
    turned = Photo(np.rot90(hopper().pixels).copy())  # the face's left side is below
    before, after = (
        one.astype(np.float32).mean(2)
        for one in (turned.pixels, edit(turned, kit=kit(), toplight=1.0).pixels)
    )
    face = kit().faces(turned.pixels)[0]
    cheeks = (np.rint(face.landmarks[part]).astype(int).T for part in (RIGHT_CHEEK, LEFT_CHEEK))
    gain = [np.mean(after[y, x] / before[y, x]) for x, y in cheeks]
    assert gain[0] > gain[1] + 0.05


def test_warmth_turns_skin_yellow_or_blue():
    cheek = np.rint(hopper_face().landmarks[LEFT_CHEEK]).astype(int)
    seen = [opened(hopper()).edit(warmth=v).pixels if v else hopper().pixels for v in (-1.0, 0.0, 1.0)]
    yellow = [float(np.mean([filters.to_lab(one)[y, x, 2] for x, y in cheek])) for one in seen]
    assert yellow[0] + 3 < yellow[1] < yellow[2] - 3


def irises(pixels: Array) -> tuple[Array, Array]:
    """Where the irises are found, and where the eyes are: `[2, 2]` each."""
    points = kit().faces(pixels)[0].landmarks
    return points[[468, 473]], np.stack([points[[33, 133]].mean(0), points[[263, 362]].mean(0)])


@pytest.mark.parametrize(("name", "axis", "least"), [("gaze", 0, 0.025), ("gaze_up", 1, 0.008)])
def test_eyes_look_where_they_are_told_to(name: str, axis: int, least: float):
    eye = float(np.linalg.norm(hopper_face().landmarks[33] - hopper_face().landmarks[133]))
    moved = []
    for strength in (-1.0, 0.0, 1.0):
        centres, eyes = irises(done(name, strength))
        moved.append(float((centres - eyes).mean(0)[axis]) / eye * (1 if axis == 0 else -1))
    assert moved[0] < moved[1] - least and moved[2] > moved[1] + least and moved[2] - moved[0] > 0.045


@pytest.mark.parametrize(
    "request_", [{"gaze": 1.0}, {"gaze": -1.0, "gaze_up": 1.0}, {"gaze_up": -1.0}], ids=str
)
def test_irises_stay_within_the_eyes(request_: dict[str, Any]):
    (how,) = planned(request_)
    crop = geometry.align(hopper().pixels, hopper_face().landmarks, how.alignment)
    after = advect_points(hopper_face().landmarks, crop, how(crop))
    for eye, centre in enumerate((468, 473)):
        outline = after[list(topology.EYELIDS[eye])]
        assert cv2.pointPolygonTest(outline.reshape(-1, 1, 2), tuple(map(float, after[centre])), False) >= 0
        assert (
            np.abs(hopper_face().landmarks[[50, 280, 61, 291, 4]] - after[[50, 280, 61, 291, 4]]).max() < 1e-3
        )


def test_a_mouth_opens_and_closes():
    openings = [
        mesh.mouth_shape(kit().faces(opened(hopper()).edit(mouth=v).pixels)[0].landmarks)[2]
        if v
        else mesh.mouth_shape(hopper_face().landmarks)[2]
        for v in (0.0, 0.5, 1.0)
    ]
    assert openings[0] + 0.03 < openings[1] < openings[2] - 0.03
    wide = opened(hopper()).edit(mouth=0.8)
    closed = edit(wide, kit=kit(), mouth=-1.0)
    before, after = (mesh.mouth_shape(kit().faces(one.pixels)[0].landmarks)[2] for one in (wide, closed))
    assert after < 0.5 * before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rde", "did you mean red"),
        ("ultramarine-ish", "there are red, scarlet"),
        ("#12345", "no colour"),
        ("red:", "strength follows"),
        ("red:much", "strength follows"),
        ("red:2", "from 0 to 1"),
        ("red:nan", "from 0 to 1"),
        ("", "no colour"),
    ],
)
def test_a_colour_that_is_none(text: str, said: str):
    with pytest.raises(RequestError, match=said):
        opened(hopper()).edit(lips=text)


def test_colours_are_understood():
    assert parse("red") == parse(" RED ") == parse(NAMES["red"]) and parse("rose:0.5").strength == 0.5
    assert parse("#ff0000").rgb == (1.0, 0.0, 0.0)
    assert opened(hopper()).edit(lips="red:0") is hopper()


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"lips": 0.5}, "lips wants a colour"),
        ({"smile": "red"}, "smile wants a number"),
        ({"beauty": -0.5}, "from 0 to 1"),
    ],
)
def test_numbers_are_no_colours(request_: dict[str, Any], said: str):
    with pytest.raises(RequestError, match=said):
        opened(hopper()).edit(**request_)


def test_what_is_asked_for_in_one_go_is_done_in_few_passes():
    how = planned(
        {
            "lips": "red",
            "lids": "blue",
            "light": 0.5,
            "warmth": 0.2,
            "gaze": 0.1,
            "gaze_up": 0.1,
            "beauty": 1.0,
        }
    )
    assert len(how) == 4


def test_the_command_line_takes_colours_and_hyphens(tmp_path: Path):
    """And --resume knows its own results again after they have been through the label."""
    words = [
        "edit",
        str(HOPPER),
        "-o",
        str(tmp_path),
        "--lips",
        "rose:0.5",
        "--gaze-up",
        "0.5",
        "--resume",
        "--workers",
        "1",
        "--json",
    ]
    states = [json.loads(CliRunner().invoke(cli.app, words).stdout)["state"] for _ in range(2)]
    assert states == ["done", "skipped"]
    with pytest.raises(RequestError, match="did you mean rose"):
        CliRunner().invoke(
            cli.app,
            ["edit", str(HOPPER), "-o", str(tmp_path / "x.jpg"), "--lips", "rosee"],
            catch_exceptions=False,
        )
