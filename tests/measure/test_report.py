"""What a report says, on cases whose answer is known; and the bench, on the one portrait."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from conftest import Mien, save
from faces import ROOT, hopper, hopper_face, kit

from mien import InputError, Photo, RequestError, verbs
from mien.edits import whole_face
from mien.edits.request import EDITS, METHODS
from mien.face import geometry
from mien.io import clip_writer as video
from mien.io import dataset as people
from mien.io.preview import caption
from mien.measure import benchmark as bench
from mien.measure import compare as measure
from mien.measure import criteria as judges
from mien.measure import flicker, report
from mien.measure import reference as groups
from mien.measure import seam as seams
from mien.measure import swap_benchmark as swaps
from mien.pipeline.photo import edit_photo
from mien.types import Array, Change, Crop, Phase, Step

SAME = hopper().pixels
STEP = Step("edit", {"smile": 1.0}, version="0.1.0", time="2026-01-01T00:00:00Z")


def disc(step: float, ramp: float) -> Photo:
    """The portrait with a disc lighter by `step` levels around the face, that ends within `ramp` eye
    distances."""
    unit, middle = geometry.eye_distance(hopper_face().landmarks), hopper_face().landmarks.mean(0)
    y, x = np.mgrid[: SAME.shape[0], : SAME.shape[1]]
    alpha = np.clip((1.2 - np.hypot(x - middle[0], y - middle[1]) / unit) / max(ramp, 1e-6), 0, 1)[..., None]
    return Photo(np.clip(np.rint(SAME + step * alpha), 0, 255).astype(np.uint8))


def told(after: Array | Photo, **options: Any) -> report.Report:
    return measure.measure(
        hopper(), after if isinstance(after, Photo) else Photo(after), kit(), faces=[hopper_face()], **options
    )


def inside() -> Array:
    return measure.within(hopper_face(), hopper_face(), SAME.shape)


# ---- measures


def test_nothing_done_is_nothing_said():
    one = told(SAME)
    assert one.changed == one.outside == report.Pixels(0, 0.0, 0.0) and one.box is None and not one.notes
    (face,) = one.faces
    assert face.found and face.identity == pytest.approx(1) and face.seam == seams.Seam(1.0, 1.0, None)
    assert face.sharpness == 1 and face.colour == face.skin == (0, 0, 0)
    assert face.motion is not None and max(face.motion.values()) < 1e-3
    assert face.age and face.sex and face.smile and face.age[0] == face.age[1]
    assert (
        report.passed(
            one.worst,
            {"max_outside": 0, "min_identity": 0.999, "max_seam": 1, "max_skin": 0, "max_motion": 0.01},
        )
        == ()
    )


def test_a_pixel_far_away_is_counted():
    after = SAME.copy()
    after[590:592, 5, 1] += 40
    one = told(after)
    step = float(np.abs(after.astype(int) - SAME).max())
    assert one.outside.count == one.changed.count == 2 and one.outside.maximum == one.changed.maximum == step
    assert one.box == (5, 590, 5, 591) and one.outside.share == pytest.approx(
        2 / np.count_nonzero(~inside()), rel=1e-4
    )
    assert report.passed(one.worst, {"max_outside": 1})[0].startswith("outside is 2 pixels, more than 1")
    assert report.passed(one.worst, {"max_outside_levels": step}) == ()


def test_what_lies_within_reach_is_not_outside():
    after = SAME.copy()
    after[inside()] ^= 1
    one = told(after)
    assert one.outside.count == 0 and one.changed.count == np.count_nonzero(inside())
    grown = cv2.dilate(inside().astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    after[grown] = SAME[grown] ^ 1
    ring = np.count_nonzero(grown & ~inside())
    assert 0.9 * ring < told(after).outside.count <= ring, "the reach is that of the face before and after"
    assert told(after, around="head").outside.count == 0


def test_sixteen_bits_are_measured_in_levels_of_eight():
    deep = SAME.astype(np.uint16) * 257
    after = deep.copy()
    after[590, 5, 1] += 128
    one = measure.measure(Photo(deep), Photo(after), kit(), faces=[hopper_face()])
    assert one.outside.count == 1 and one.outside.maximum == pytest.approx(128 / 257, rel=1e-4)


def test_a_hard_edge_is_a_seam_and_a_feather_is_none():
    hard, feather = (told(disc(25, ramp)).faces[0].seam for ramp in (0, 0.5))
    assert hard and feather
    assert hard.strength > 1.3 and hard.worst > hard.strength
    assert 0.97 < feather.strength < 1.04
    assert hard.at is not None
    way = np.hypot(*(np.array(hard.at) - hopper_face().landmarks.mean(0))) / geometry.eye_distance(
        hopper_face().landmarks
    )
    assert 1.0 < way < 1.3, "where the border is"
    softer = [told(disc(25, ramp)).faces[0].seam for ramp in (0.05, 0.2)]
    assert softer[0] and softer[1] and hard.strength > softer[0].strength > softer[1].strength


def test_seams_are_measured_at_any_size():
    flat = np.full((400, 400, 3), 120, np.uint8)
    for unit in (30, 100, 400):
        changed = np.zeros((400, 400), bool)
        changed[100:300, 100:300] = True
        after = np.where(changed[..., None], flat + 20, flat).astype(np.uint8)
        found = seams.seam(flat, after, changed, unit)
        assert found and found.strength > 1.8
    assert seams.seam(flat, flat + 9, np.ones((400, 400), bool), 100) is None
    assert seams.seam(flat, flat, np.zeros((400, 400), bool), 100) == seams.Seam(1.0, 1.0, None)


def test_blur_is_less_sharp_and_noise_sharper():
    soft = np.where(inside()[..., None], cv2.GaussianBlur(SAME, (0, 0), 1.5), SAME)
    grain = np.random.default_rng(0).normal(0, 12, SAME.shape[:2])[..., None] * inside()[..., None]
    assert told(soft).faces[0].sharpness < 0.7
    assert told(np.clip(SAME + grain, 0, 255).astype(np.uint8)).faces[0].sharpness > 1.3


def test_a_tint_is_told_in_lab():
    lab = cv2.cvtColor(SAME.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    lab[inside()] += (2.0, -3.0, 4.0)
    tinted = np.rint(np.clip(cv2.cvtColor(lab, cv2.COLOR_Lab2RGB), 0, 1) * 255).astype(np.uint8)
    (face,) = told(tinted).faces
    assert np.allclose(face.skin, (2, -3, 4), atol=0.6) and np.allclose(face.colour, (2, -3, 4), atol=1.5)
    assert face.identity > 0.97, "light and tint are not who somebody is"


def test_motion_is_told_by_region():
    points = hopper_face().landmarks
    unit = geometry.eye_distance(hopper_face().landmarks)
    moved = points.copy()
    moved[list(measure.REGIONS["mouth"])] += (0, 0.1 * unit)
    way = measure.motion(points, moved)
    assert way["mouth"] == pytest.approx(10, abs=0.01) and way["eyes"] < 1e-3 and way["brows"] < 1e-3
    turned = points @ (1.3 * np.array([[0.8, 0.6], [-0.6, 0.8]], np.float32)) + 17
    assert max(measure.motion(points, turned).values()) < 1e-3, "the head's own motion is no change"


def test_an_edit_is_recognised():
    after = verbs.edit(hopper(), kit=kit(), smile=0.8, age=30)
    one = told(after)
    (face,) = one.faces
    assert one.outside.count == 0 and one.noise == 0 and (one.identity_by, one.same_from) == ("identity", 0.6)
    assert face.smile and face.age and face.smile[1] - face.smile[0] > 0.5 and face.age[1] - face.age[0] > 5
    assert (
        face.motion and max(face.motion, key=lambda name: face.motion[name] if face.motion else 0) == "mouth"
    )
    assert face.seam and face.seam.strength < 1.05 and 0.7 < face.identity < 0.99


def test_a_jpeg_written_anew_is_told_from_the_edit():
    after = verbs.edit(hopper(), kit=kit(), smile=0.8).pixels
    coded = cv2.imdecode(cv2.imencode(".jpg", after, [cv2.IMWRITE_JPEG_QUALITY, 88])[1], cv2.IMREAD_COLOR)
    assert coded is not None
    one = told(coded)
    assert one.outside.share > 0.5 and 0 < one.noise <= measure.MOST_NOISE and "written anew" in one.notes[0]


def test_every_face_is_told_and_the_worst_counts(couple: Array):
    faces = kit().faces(couple)
    after = couple.copy()
    left, top, right, bottom = (int(v) for v in faces[1].box)
    after[top:bottom, left:right] = cv2.GaussianBlur(couple, (0, 0), 3)[top:bottom, left:right]
    one = measure.measure(Photo(couple), Photo(after), kit())
    assert [face.face for face in one.faces] == [1, 2] and one.faces[0].identity > 0.999
    assert one.faces[0].sharpness == 1 > one.faces[1].sharpness == one.worst["sharpness"]
    assert one.worst["identity"] == one.faces[1].identity < 0.99


def test_a_face_that_is_gone_is_said_to_be():
    after = SAME.copy()
    after[inside()] = 127
    one = told(after)
    (face,) = one.faces
    assert (
        not face.found
        and face.motion is None
        and face.age is None
        and "face 1 was not found again" in one.notes
    )
    assert face.identity < 0.3


def test_names_that_there_are_not():
    with pytest.raises(RequestError, match="no limit is called 'max_age': there are max_outside"):
        report.passed({}, {"max_age": 1})
    with pytest.raises(RequestError, match="around 'cat' is not known"):
        told(SAME, around="cat")
    with pytest.raises(InputError, match="512 x 600 and 512 x 599 pixels"):
        told(SAME[:-1])


# ---- clips


def test_flicker_of_clips(tmp_path: Path):
    small = cv2.resize(SAME, (256, 300), interpolation=cv2.INTER_AREA)
    face = kit().faces(small)[0]
    x, y = (int(v) for v in face.landmarks[4])
    frames = {"before": [small] * 10, "still": [], "nervous": []}
    for k in range(10):
        for name, step in (("still", 24), ("nervous", 12 + 24 * (k % 2))):
            picture = small.copy()
            cv2.circle(picture, (x, y), 30, (0, 0, 0), -1)
            frames[name].append(
                np.where(picture == 0, np.clip(small.astype(int) - step, 0, 255), small).astype(np.uint8)
            )
    for name, pictures in frames.items():
        video.write(pictures, tmp_path / f"{name}.mp4", fps=25, history=(STEP,))
    still, nervous = (
        flicker.report_clips(tmp_path / "before.mp4", tmp_path / f"{name}.mp4", kit=kit())
        for name in ("still", "nervous")
    )
    assert (
        still.frames == 10
        and still.without == 0
        and still.flicker is not None
        and nervous.flicker is not None
    )
    assert still.flicker < 1 < 2.5 < nervous.flicker == nervous.worst["flicker"]
    assert (
        len(report.passed(nervous.worst, {"max_flicker": 1.5})) == 1
        and report.passed(still.worst, {"max_flicker": 1.5}) == ()
    )


# ---- the command line


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    return save(tmp_path / "before.png", SAME), save(tmp_path / "after.png", disc(25, 0).pixels)


def test_limits_end_with_exit_code_5(mien: Mien, pair: tuple[Path, Path]):
    ran = mien("report", *pair)
    assert (
        (ran.code, ran.out) == (0, "")
        and "outside the face: no pixel differs" in ran.err
        and "identity by identity: one person scores 0.6 or more" in ran.err
    )
    ran = mien(
        "report", *pair, "--max-outside", 0, "--max-seam", 1.05, "--min-identity", 0.5, "--max-skin", 3
    )
    assert ran.code == 5 and ran.err.count("beyond the limit: ") == 2
    assert (
        "beyond the limit: seam is 1." in ran.err
        and "more than 1.05" in ran.err
        and "beyond the limit: skin is" in ran.err
    )


def test_json_has_every_number(mien: Mien, pair: tuple[Path, Path]):
    ran = mien("report", *pair, "--json", "--max-seam", 1.05)
    one = json.loads(ran.out)
    assert (ran.code, ran.err) == (5, "") and one["limits"] == {"max_seam": 1.05} and len(one["passed"]) == 1
    assert {
        "before",
        "after",
        "width",
        "height",
        "changed",
        "box",
        "outside",
        "noise",
        "identity_by",
        "same_from",
        "faces",
        "worst",
        "notes",
    } <= set(one)
    assert set(one["outside"]) == {"count", "share", "maximum"} and set(one["faces"][0]["motion"]) == set(
        measure.REGIONS
    )
    assert {"identity", "seam", "sharpness", "colour", "skin", "smile", "age", "sex", "found", "box"} <= set(
        one["faces"][0]
    )
    assert set(one["faces"][0]["seam"]) == {"strength", "worst", "at"}


def test_the_page_needs_nothing_else(mien: Mien, pair: tuple[Path, Path], tmp_path: Path):
    out = tmp_path / "r.html"
    assert mien("report", *pair, "--html", out, "--max-seam", 1.05).code == 5
    page = out.read_text(encoding="utf-8")
    assert not re.search(r"https?://|//[a-z]+\.|@import|<link|src=\"(?!data:)", page)
    assert (
        page.count("data:image/jpeg;base64,") == 6
        and "Beyond the limit: seam is" in page
        and "before.png → after.png" in page
    )
    ran = mien("report", *pair, "--html", out)
    assert ran.code == 2 and "exists" in ran.err
    named = pair[0].rename(tmp_path / os.fsdecode(b"<b>&\x1b[2J\xff.png"))
    assert mien("report", named, pair[1], "--html", out, "--force").code == 0
    page = out.read_text(encoding="utf-8")
    assert "&lt;b&gt;&amp;\\x1b[2J\\udcff.png" in page and "<b>&" not in page and "\x1b" not in page


def test_what_cannot_be_compared_is_refused(mien: Mien, pair: tuple[Path, Path], tmp_path: Path):
    small, blank = (
        save(tmp_path / "small.png", SAME[:300]),
        save(tmp_path / "blank.png", np.full_like(SAME, 127)),
    )
    for words, said in (
        ((pair[0], small), "512 x 600 and 512 x 300 pixels"),
        ((blank, pair[0]), f"{blank}: no face found"),
        ((pair[0], tmp_path / "x.mp4"), "x.mp4 a clip: a report compares two of a kind"),
        ((pair[0], tmp_path / "none.png"), "no such file"),
        ((*pair, "--identity", "nobody"), "nobody"),
        ((*pair, "--max-seam", "nan"), "max-seam is to be a number"),
    ):
        ran = mien("report", *words)
        assert (
            ran.code == 2 and ran.err.startswith("mien: ") and ran.err.count("\n") == 1 and said in ran.err
        ), ran.err


# ---- the bench


def test_the_usual_requests_cover_every_edit():
    wanted = bench.trials()
    assert {one.edit for one in wanted} == set(EDITS)
    assert [one.by for one in wanted if one.edit == "smile"] == [None, *METHODS]
    assert [(one.edit, one.strength) for one in bench.trials("age=-20, lips=rose:0.5")][2:] == [
        ("age", -20.0),
        ("lips", "rose:0.5"),
    ]
    for asked, said in (
        ("age", "NAME=STRENGTH"),
        ("age=old", "NAME=STRENGTH"),
        ("hat=1", "no edit"),
        ("age=500", "out of range"),
    ):
        with pytest.raises(RequestError, match=said):
            bench.trials(asked)


def test_only_people_held_out_are_judged(tmp_path: Path):
    names = [f"p{k}" for k in range(64)]
    rows = [f"{name}-{k}.jpg,{name}" for name in names for k in (0, 1)]
    (tmp_path / "faces.csv").write_text("file,person\n" + "\n".join(rows) + "\n")
    kept = [name for name in names if people.held_out(name)]
    shown = bench.photos(tmp_path, 1000)
    assert 0 < len(kept) < 20 and sorted(path.name for path in shown) == sorted(
        f"{name}-{k}.jpg" for name in kept for k in (0, 1)
    )
    assert len({path.name.split("-")[0] for path in bench.photos(tmp_path, len(kept))}) == len(kept), (
        "each person once, before anybody twice"
    )
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no photos to judge by"):
        bench.photos(tmp_path / "empty", 9)


def test_labels_deny_what_cannot_be_shown():
    rows = [
        {"glasses": "0", "beard": "0"},
        {"glasses": "1", "beard": "1"},
        {"glasses": "2", "beard": "2"},
        {},
    ]
    denied = {
        (edit, sign): [groups.contradicts(row, edit, sign) for row in rows]
        for edit in ("glasses", "beard", "smile")
        for sign in (1.0, -1.0)
    }
    assert denied == {
        ("glasses", 1.0): [False, True, True, False],
        ("glasses", -1.0): [True, False, True, False],  # dark ones stay on
        ("beard", 1.0): [False, True, True, False],
        ("beard", -1.0): [True, False, False, False],
        ("smile", 1.0): [False] * 4,
        ("smile", -1.0): [False] * 4,
    }


def test_a_watched_edit_knows_to_the_last_pixel_where_it_was():
    class Square:
        alignment, networks, phase = whole_face.Prototype.alignment, (), Phase.RESHAPE

        def __call__(self, crop: Crop) -> Change:
            alpha = np.zeros((crop.size,) * 2, np.float32)
            alpha[100:300, 100:300] = 1
            return Change(
                np.zeros((*alpha.shape, 2), np.float32), np.full((*alpha.shape, 3), 0.2, np.float32), alpha
            )

    watched = bench.Watched(Square())
    after = edit_photo(hopper(), [watched], [hopper_face()], [0], {}).pixels
    changed = (after != SAME).any(2)
    assert not (changed & ~watched.inside(SAME.shape)).any()
    assert np.count_nonzero(changed) > 0.95 * np.count_nonzero(watched.inside(SAME.shape))


@pytest.fixture(scope="module")
def collins() -> tuple[Photo, judges.FaceFeatures]:
    """A portrait with hair and without glasses, which Hopper's is not, and how the measures see it."""
    photo = verbs.read(ROOT / "docs" / "collins.jpg")
    return photo, judges.face_features(kit(), photo.pixels, kit().faces(photo.pixels)[0])


@pytest.mark.parametrize(
    ("edit", "strength"), [("glasses", 1.0), ("hair", "grey"), ("lips", "blue"), ("lids", "teal")]
)
def test_measures_see_what_was_asked_for_and_nothing_where_nothing_was(
    collins: tuple[Photo, judges.FaceFeatures], edit: str, strength: bench.Strength
):
    photo, before = collins
    judge = judges.criterion(edit, strength)
    request: dict[str, Any] = {edit: strength}
    assert judge and judge.fit(before, 1) and judge.way(before, before) == 0
    after = verbs.edit(photo, kit=kit(), **request).pixels
    assert judge.way(before, judges.face_features(kit(), after, kit().faces(after)[0])) >= judge.least


def test_only_those_are_judged_who_can_show_it(collins: tuple[Photo, judges.FaceFeatures]):
    before = judges.face_features(kit(), SAME, hopper_face())
    beard, glasses, hair = (
        judges.criterion("beard", 0.7),
        judges.criterion("glasses", 1.0),
        judges.criterion("hair", "grey"),
    )
    assert beard and glasses and hair and judges.criterion("hat", 1.0) is None
    assert not beard.fit(collins[1], 1) and not beard.fit(collins[1], -1), "she is a woman"
    assert glasses.fit(before, -1) and not glasses.fit(before, 1) and not hair.fit(before, 1), (
        "with glasses, under a cap"
    )
    assert collins[1].hair is not None
    own = cv2.cvtColor(collins[1].hair[None, None], cv2.COLOR_Lab2RGB)[0, 0].clip(0, 1)
    same = judges.criterion("hair", "#" + "".join(f"{round(255 * float(v)):02x}" for v in own))
    assert same and not same.fit(collins[1], 1), "hair of that colour already"


def test_a_crowd_is_nearest_to_its_own_kind():
    rng = np.random.default_rng(0)
    a, b = (rng.normal(0, 1, (200, 6)) for _ in range(2))
    assert groups.distance(a, a) == pytest.approx(0, abs=1e-6)
    assert groups.distance(a, b) < 0.3 < groups.distance(a, b + 1) < groups.distance(a, b + 2)
    assert groups.distance(a, 2 * b) > 3, "the spread counts too"


def test_who_has_what_was_asked_for():
    row = {"age": "62", "sex": "m", "smile": "0", "beard": "2", "glasses": "1", "hair": "grey"}
    for edit, strength, yes in (
        *(
            ("age", 30.0, True),
            ("age", -20.0, False),
            ("age_to", 60.0, True),
            ("sex", 1.0, True),
            ("sex", -1.0, False),
        ),
        *(
            ("smile", 0.8, False),
            ("smile", -0.8, True),
            ("beard", 0.7, True),
            ("beard", -1.0, False),
            ("glasses", 1.0, True),
        ),
        *(
            ("hair", "grey:0.5", True),
            ("hair", "blond", False),
            ("lips", "grey", False),
            ("light", 0.7, False),
        ),
    ):
        assert groups.matches(row, edit, strength, age=35) == yes, (edit, strength)
    assert not groups.matches(row | {"age": "NA"}, "age", 30.0, age=35) and not groups.matches(
        row | {"sex": "f"}, "beard", 0.7, age=35
    )


def test_people_to_compare_with_are_others_than_those_who_are_edited(tmp_path: Path):
    (tmp_path / "images").mkdir()
    names = [f"p{k}" for k in range(80)]
    rng = np.random.default_rng(0)
    for name in names:
        noise = rng.normal(0, 8, SAME.shape).astype(np.float32)
        save(tmp_path / "images" / f"{name}.png", np.clip(SAME + noise, 0, 255).astype(np.uint8)[::2, ::2])
    rows = [f"{name}.png,{name},{'fm'[k % 2]}" for k, name in enumerate(names)]
    (tmp_path / "faces.csv").write_text("file,person,sex\n" + "\n".join(rows) + "\n")
    assert groups.read(tmp_path) is None, "no landmarks"
    points = np.repeat(hopper_face().landmarks[None] / 2 + 0.5, len(names), 0)
    np.savez(tmp_path / "landmarks478.npz", files=[f"{name}.png" for name in names], points=points)
    known = groups.read(tmp_path)
    assert known and not {row["person"] for row in known.rows} & {
        path.stem for path in bench.photos(tmp_path, 99)
    }
    men = known.like("sex", 0.8, 40.0)
    assert (
        men is not None
        and len(men) == sum(row["sex"] == "m" for row in known.rows)
        and known.like("beard", 0.7, 40.0) is None
    )


def test_the_bench_prints_a_table_and_draws_a_sheet(mien: Mien, photo: Path, tmp_path: Path):
    out = tmp_path / "out"
    ran = mien(
        "bench",
        "edits",
        tmp_path,
        "-o",
        out,
        "--edits",
        "smile=0.8,sex=-0.8",
        "--features",
        "identity",
        "--json",
    )
    rows = [json.loads(line) for line in ran.out.splitlines()]
    assert ran.code == 0 and [(row["edit"], row["by"]) for row in rows] == [
        (edit, by) for edit in ("smile", "sex") for by in (bench.BEST, *METHODS)
    ]
    assert all(
        row["photos"] == 1 and row["failed"] == row["outside"] == 0 and row["success"] == 1 and row["ms"] > 0
        for row in rows
    )
    assert rows == [json.loads(line) for line in (out / bench.TABLE).read_text().splitlines()]
    sheet = verbs.read(out / bench.SHEET)
    assert sheet.size == (7 * bench.TILE, len(caption("", 1, "")) + bench.TILE)
    assert len(verbs.verify(out / bench.SHEET).history) == 6, "the sheet is labelled with what it shows"
    ran = mien("bench", "edits", tmp_path, "-o", out)
    assert ran.code == 2 and "has a bench in it already" in ran.err


def test_the_bench_of_swaps_puts_each_face_on_the_next_head(mien: Mien, photo: Path, tmp_path: Path):
    (tmp_path / "second.jpg").write_bytes((ROOT / "docs" / "collins.jpg").read_bytes())
    out = tmp_path / "bench"
    ran = mien("bench", "swap", tmp_path, "-o", out)
    assert (ran.code, ran.err.count("\n")) == (2, 1) and "a swap needs consent" in ran.err
    ran = mien("bench", "swap", tmp_path, "-o", out, "--consent", "in a test", "--json")
    rows = [json.loads(line) for line in ran.out.splitlines()]
    assert sorted((row["photo"], row["source"]) for row in rows) == [
        ("photo.jpg", "second.jpg"),
        ("second.jpg", "photo.jpg"),
    ]
    for row in rows:
        assert not row["refused"] and row["outside"] == 0 and row["to_source"] > row["before"] + 0.1
        assert 0 < row["expression"] < 0.1 and 0.8 < row["seam"] < 1.3
    assert "of 2 look more like the source" in ran.err
    sheet = verbs.read(out / bench.SHEET)
    assert sheet.size == (3 * swaps.TILE, 2 * swaps.TILE)
    assert verbs.verify(out / bench.SHEET).history[-1].verb == "swap"
