"""Faces out of drawings by the generator in the box: what is followed, what can be told, what is declined."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from conftest import Mien, save
from faces import kit

from mien import Photo, RequestError, verbs, verify
from mien.edits import drawn_head, line_art, part_labels
from mien.edits.colours import HAIR
from mien.errors import DeclinedError
from mien.models.traits import read_traits
from mien.pipeline import sketch as sketch_verb
from mien.types import Array, Face

INK = (20, 20, 20)


def head(
    wide: int = 130, mouth: int = 12, *, fill: tuple[int, int, int] | None = None, glasses: bool = False
) -> Array:
    """A head of few strokes with short dark hair, `[500, 400, 3]` uint8."""
    out = np.full((500, 400, 3), 255, np.uint8)
    cv2.ellipse(out, (200, 240), (wide + 10, 200), 0, 180, 360, (60, 40, 30), -1, cv2.LINE_AA)
    cv2.ellipse(out, (200, 270), (wide, 180), 0, 0, 360, fill or (255, 255, 255), -1, cv2.LINE_AA)
    cv2.ellipse(out, (200, 270), (wide, 180), 0, 0, 360, INK, 4, cv2.LINE_AA)
    for x in (200 - wide * 4 // 10, 200 + wide * 4 // 10):
        cv2.ellipse(out, (x, 240), (24, 13), 0, 0, 360, INK, 3, cv2.LINE_AA)
        cv2.circle(out, (x, 240), 8, INK, -1, cv2.LINE_AA)
        cv2.line(out, (x - 30, 205), (x + 30, 202), INK, 5, cv2.LINE_AA)
        if glasses:
            cv2.circle(out, (x, 242), 42, INK, 5, cv2.LINE_AA)
    if glasses:
        cv2.line(out, (200 - 12, 238), (200 + 12, 238), INK, 5, cv2.LINE_AA)
    cv2.polylines(out, [np.array([[200, 250], [188, 315], [206, 318]])], False, INK, 3, cv2.LINE_AA)
    cv2.ellipse(out, (200, 372), (48, mouth), 0, 0, 360, INK, -1 if mouth > 20 else 3, cv2.LINE_AA)
    return out


def face_of(drawing: Array, **how: Any) -> tuple[Array, Face]:
    """The picture that is made of a drawing, and the face that is found in it."""
    picture = verbs.sketch(Photo(drawing), kit=kit(), seed=4, **how).pixels
    (face,) = kit().faces(picture)
    return picture, face


def test_a_drawing_becomes_a_face_and_always_the_same():
    drawing = Photo(head())
    first, again, other = (verbs.sketch(drawing, seed=seed, kit=kit()) for seed in (None, None, 7))
    assert first.pixels.shape == (256, 256, 3) and len(kit().faces(first.pixels)) == 1
    assert np.array_equal(first.pixels, again.pixels) and not np.array_equal(first.pixels, other.pixels)
    (step,) = first.history
    assert step.source_type == "trainedAlgorithmicMedia" and step.arguments["network"] == "nobody"
    assert {"sketch-reader", "nobody-fitter", "nobody-generator"} <= {name for name, _ in step.networks}


def test_the_face_is_as_wide_as_the_head_and_its_mouth_as_open():
    def ratios(drawing: Array) -> Array:
        points = face_of(drawing)[1].landmarks
        wide, high, gap = (
            np.linalg.norm(points[a] - points[b]) for a, b in ((234, 454), (10, 152), (13, 14))
        )
        return np.array([wide / high, gap / high])

    narrow, broad, gaping = (ratios(head(*about)) for about in ((105,), (165,), (130, 40)))
    assert broad[0] > narrow[0] * 1.1 and gaping[1] > max(2 * narrow[1], 0.02)


def test_colours_that_are_painted_are_used_and_those_that_are_told_count_more():
    about = [
        verbs.sketch(Photo(head(fill=one)), seed=4, kit=kit()) for one in ((120, 75, 45), (255, 222, 196))
    ]
    dark, light = (one.history[-1].arguments["skin_red"] for one in about)
    cheeks = [one.pixels[140:170, 90:166].mean() for one in about]
    assert light > dark + 40 and cheeks[1] > cheeks[0] + 15
    told = verbs.sketch(Photo(head(fill=(255, 222, 196))), conditions={"skin": "dark"}, kit=kit())
    assert told.history[-1].arguments["skin_red"] == 0x5C


def test_an_age_that_is_told_is_seen():
    read = [
        read_traits(kit(), verbs.sketch(Photo(head()), seed=4, conditions={"age": one}, kit=kit()).pixels)
        for one in (25.0, 68.0)
    ]
    assert read[0] is not None and read[1] is not None and read[1][1] > read[0][1] + 10


def test_glasses_are_put_on():
    photo = verbs.sketch(Photo(head(glasses=True)), seed=4, kit=kit())
    assert photo.history[-1].arguments["glasses"] == 1.0 and len(photo.history) == 1
    assert "glasses" not in verbs.sketch(Photo(head()), seed=4, kit=kit()).history[-1].arguments


def test_paper_transparency_and_blackboards_make_no_difference():
    drawing = head()
    y, x = np.mgrid[:500, :400]
    light = (0.6 + 0.35 * np.exp(-((x - 80) ** 2 + (y - 60) ** 2) / 2e5))[..., None]
    grain = np.random.default_rng(0).normal(0, 2, (500, 400, 1))
    scan = np.clip(drawing * light * [1, 0.95, 0.85] + grain, 0, 255).astype(np.uint8)
    board = np.clip((255 - drawing) * 0.8 + [20, 45, 35], 0, 255).astype(np.uint8)
    clean = line_art.frame_drawing(line_art.whiten_paper(drawing), 128).min(2).astype(float)
    for other in (scan, board):
        seen = line_art.frame_drawing(line_art.whiten_paper(other), 128).min(2)
        assert np.abs(seen - clean).mean() < 12
    ink = (drawing.min(2) < 250).astype(np.uint8) * 255
    clear = Photo(np.where(ink[..., None] > 0, drawing, 0).astype(np.uint8), opacity=ink)
    shown = [verbs.sketch(one, seed=4, kit=kit()).pixels for one in (clear, Photo(drawing))]
    assert np.abs(shown[0].astype(float) - shown[1]).mean() < 25 and len(kit().faces(shown[0])) == 1


def test_a_coloured_ground_is_taken_away_and_colours_stay():
    drawing = head(fill=(190, 140, 105))
    teal = np.where((drawing == 255).all(2)[..., None], np.array([60, 160, 200], np.uint8), drawing)
    white = line_art.whiten_paper(teal.astype(np.uint8))
    assert (white[:20] == 255).all() and np.abs(white[300, 260].astype(int) - [190, 140, 105]).max() < 25


def test_of_a_whole_body_the_head_is_framed():
    body = np.full((800, 300, 3), 255, np.uint8)
    body[20:270, 50:250] = cv2.resize(head(), (200, 250), interpolation=cv2.INTER_AREA)
    cv2.line(body, (150, 240), (150, 560), INK, 3)
    for x in (60, 240):
        cv2.line(body, (150, 330), (x, 420), INK, 3)
        cv2.line(body, (150, 560), (x, 780), INK, 3)
    framed = line_art.frame_drawing(line_art.whiten_paper(body), 128)
    alone = line_art.frame_drawing(line_art.whiten_paper(head()), 128)
    assert np.abs(framed.astype(float) - alone).mean() < 30


def test_pale_lines_are_made_dark():
    pale = (255 - (255 - head().astype(np.float32)) * 0.3).astype(np.uint8)
    assert drawn_head.darkened(pale).min() < 40 and np.array_equal(
        drawn_head.darkened(np.full((9, 9, 3), 255, np.uint8)), np.full((9, 9, 3), 255)
    )


def test_nobody_looks_younger_than_an_adult(monkeypatch: pytest.MonkeyPatch):
    ages = [
        read_traits(kit(), verbs.sketch(Photo(head(150)), seed=seed, kit=kit()).pixels) for seed in (2, 4)
    ]
    assert all(one is not None and one[1] >= 18 for one in ages)
    plain = verbs.sketch(Photo(head()), seed=4, kit=kit()).pixels
    told = iter([np.array([0, 12.0, 0]), np.array([0, 33.0, 0])])
    monkeypatch.setattr(sketch_verb, "face_traits", lambda *_: next(told))
    older = verbs.sketch(Photo(head()), seed=4, kit=kit()).pixels
    assert not np.array_equal(plain, older)
    monkeypatch.setattr(sketch_verb, "face_traits", lambda *_: np.array([0, 12.0, 0]))
    with pytest.raises(DeclinedError, match="younger than an adult"):
        verbs.sketch(Photo(head()), seed=4, kit=kit())


def test_a_blank_page_is_declined(mien: Mien, tmp_path: Path):
    with pytest.raises(DeclinedError, match="nothing is drawn"):
        verbs.sketch(Photo(np.full((80, 60, 3), 240, np.uint8)), kit=kit())
    blank = save(tmp_path / "blank.png", np.full((80, 60, 3), 240, np.uint8))
    ran = mien("sketch", blank, "-o", tmp_path / "face.png")
    assert ran.code == 3 and ran.err.count("\n") == 1 and not (tmp_path / "face.png").exists()


def test_words_come_in_a_corner_where_they_are_asked_for():
    made = [verbs.sketch(Photo(head()), seed=1, mark=mark, kit=kit()) for mark in (None, "eu")]
    assert [one.history[-1].words for one in made] == ["", "AI GENERATED"]
    assert (made[0].pixels == made[1].pixels).all(), "they are laid when a file is written"


def test_variations_are_several_people(mien: Mien, tmp_path: Path):
    page = save(tmp_path / "page.png", head())
    ran = mien(
        "sketch",
        page,
        "--variations",
        "2",
        "--sex",
        "f",
        "--hair",
        "blond",
        "--json",
        "-o",
        tmp_path / "face.png",
    )
    assert ran.code == 0, ran.err
    made = json.loads(ran.out)
    assert [Path(one["file"]).name for one in made] == ["face-1.png", "face-2.png"]
    assert made[1]["seed"] == made[0]["seed"] + 1 and made[0]["sex"] == -1.0
    assert made[0]["hair_red"] == int(HAIR["blond"][1:3], 16)
    assert {verify(one["file"]).source_type for one in made} == {"trainedAlgorithmicMedia"}


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"conditions": {"smile": 1.0}}, "there are age, sex, hair, skin"),
        ({"conditions": {"age": 12.0}}, "from 20 to 75 years"),
        ({"conditions": {"skin": "green-ish"}}, "no colour is called"),
        ({"conditions": {"age": float("nan")}}, "from 20 to 75 years"),
        ({"seed": -1}, "out of range"),
        ({"face": "largest"}, "leave out --face"),
    ],
)
def test_what_cannot_be_is_refused(how: dict[str, Any], said: str):
    with pytest.raises(RequestError, match=said):
        verbs.sketch(Photo(head()), kit=kit(), **how)


def test_a_map_of_parts_becomes_a_face(mien: Mien, tmp_path: Path):
    labels = np.zeros((256, 256), np.uint8)
    for name, centre, radii in (
        *(("hair", (128, 118), (88, 105)), ("skin", (128, 140), (64, 88)), ("neck", (128, 235), (34, 30))),
        *(
            ("left-brow", (100, 108), (18, 4)),
            ("right-brow", (156, 108), (18, 4)),
            ("nose", (128, 150), (12, 20)),
        ),
        *(
            ("left-eye", (100, 124), (12, 6)),
            ("right-eye", (156, 124), (12, 6)),
            ("lower-lip", (128, 192), (24, 7)),
        ),
    ):
        cv2.ellipse(labels, centre, radii, 0, 0, 360, part_labels.CLASSES.index(name), -1)
    coloured = np.array(part_labels.SHOWN, np.uint8)[labels]
    assert np.array_equal(part_labels.read(coloured), labels)
    maps = (
        save(tmp_path / "numbers.png", np.repeat(labels[..., None], 3, 2)),
        save(tmp_path / "colours.png", coloured),
    )
    for k, one in enumerate(maps):
        ran = mien("sketch", "--labels", one, "--seed", "4", "-o", tmp_path / f"{k}.png")
        assert ran.code == 0, ran.err
    drawn = [verbs.read(tmp_path / f"{k}.png").pixels for k in (0, 1)]
    assert np.array_equal(drawn[0], drawn[1]) and len(kit().faces(drawn[0])) == 1
    ran = mien("sketch", "--labels", save(tmp_path / "drawing.png", head()), "-o", tmp_path / "no.png")
    assert ran.code == 2 and "no map of parts" in ran.err and ran.err.count("\n") == 1
