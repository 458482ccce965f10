"""Nobody is made to look under 18: the arithmetic, every maker, every edit that makes younger by the way,
clips, and again and again."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Mien
from faces import DATA, HOPPER, collins, kit, opened, planned
from hypothesis import example, given
from hypothesis import strategies as st

from mien import Kit, Photo, edit, verbs
from mien.edits import age_floor
from mien.edits.age_floor import FLOOR, Adult, AgeReader, allowed_years, held_years, youngest
from mien.edits.request import METHODS
from mien.face import geometry
from mien.io import photo_reader as image
from mien.models import catalogue as hub
from mien.models.prototypes import ADULT, Prototypes
from mien.pipeline import batch
from mien.types import Alignment, Array, Crop

AGES = st.floats(0, 95)
YEARS = st.floats(-30, 0)


@given(AGES, st.floats(-30, 50))
def test_the_years_are_those_to_eighteen_and_no_more(now: float, years: float):
    done = allowed_years(now, years)
    assert done == pytest.approx(
        years if years >= 0 else max(now + years, ADULT) - now if now > FLOOR else 0, abs=1e-6
    )


@given(AGES)
def test_whoever_reads_the_floor_gets_no_younger(now: float):
    assert min(now, FLOOR) <= youngest(now) <= now


@given(AGES, YEARS, st.floats(0.35, 1.5), st.floats(-3, 1))
@example(29.0, -2e-311, 1.0, -1.0)
def test_the_reading_holds_however_an_edit_answers(now: float, years: float, slope: float, besides: float):
    """slope: years less that are read for each that is asked; besides: years that something else takes
    off."""
    alone = besides == 0
    done = held_years(now, years, lambda years: now + slope * years + besides, alone=alone)
    reads = now + slope * done + besides
    assert years <= done
    assert reads >= min(now, ADULT) - 0.5 and (done >= 0 or reads >= min(youngest(now), now + besides) - 0.5)


@given(AGES, YEARS, st.floats(0.5, 1.5))
def test_a_second_run_adds_nothing_to_speak_of(now: float, years: float, slope: float):
    """Where the floor was reached: at most a tenth, or half a year."""
    first = held_years(now, years, lambda years: now + slope * years, alone=True)
    then = now + slope * first
    second = held_years(then, years, lambda years: then + slope * years, alone=True)
    if allowed_years(now, years) < first:
        assert second >= min(0.1 * first, -0.5)


def reads(photo: Photo, by: Kit | None = None) -> float:
    """The age of the largest face, unclipped."""
    face = max(opened(photo).faces, key=lambda one: one.area)
    return (
        (by or kit())
        .prototypes.read(geometry.align(photo.pixels, face.landmarks, Alignment("head", 448)))
        .age
    )


class Youthful(Prototypes):
    """The prototypes, to which everybody looks so many years younger."""

    years = 0.0

    def read(self, crop: Crop) -> Any:
        reading = super().read(crop)
        return replace(reading, age=reading.age - self.years)


def younger(years: float) -> Kit:
    """Networks to which everybody looks so many years younger."""
    ours = kit().prototypes
    young = Youthful(ours.name, hub.locate("prototypes").path, ours.sha256)
    young.years = years
    return kit().having("prototypes", young)


@pytest.fixture
def youth() -> Kit:
    """Collins, who reads 33, reads 22 to every edit."""
    return younger(11.0)


@pytest.mark.parametrize("by", (None, *METHODS))
@pytest.mark.parametrize("asked", ({"age": -30.0}, {"age_to": 18.0}, {"age": -1.0}))
def test_whoever_looks_young_gets_no_younger(youth: Kit, by: str | None, asked: dict[str, Any]):
    photo = collins()[0]
    after = edit(photo, kit=youth, method=by, **asked)
    assert np.array_equal(after.pixels, photo.pixels)
    assert (
        len(after.history[-1].notes) == 1
        and "face 1 reads 22, and nobody is made to look under 18" in after.history[-1].notes[0]
    )


def test_the_command_says_why(mien: Mien, youth: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(batch, "shared_kit", lambda *_: youth)
    ran = mien("edit", HOPPER.with_name("collins.jpg"), "--age", -30, "-o", tmp_path / "out.jpg")
    assert ran.code == 0 and ran.err.count("\n") == 1 and "made no younger" in ran.err


def test_older_and_other_edits_are_done_all_the_same(youth: Kit):
    photo = collins()[0]
    requests: tuple[dict[str, Any], ...] = ({"age": 20.0}, {"sex": -0.8}, {"smile": 0.8}, {"beauty": 0.5})
    for asked in requests:
        assert not np.array_equal(edit(photo, kit=youth, **asked).pixels, photo.pixels)


def test_no_other_edit_takes_a_face_below():
    """One that would is made weaker, until the reading is what it may be; and says so."""
    photo, face = collins()
    stage = planned({"beauty": 1.0})[0]
    assert isinstance(stage, Adult)
    crop = geometry.align(photo.pixels, face.landmarks, stage.alignment, face.depth)

    class Told(AgeReader):
        def read(self, crop: Crop) -> float:
            return 18.5

        def after(self, crop: Crop, change: Any) -> float:
            return 18.5 - 4 * float(np.abs(change.colour).max() / np.abs(whole.colour).max())

    whole = stage.edit(crop)
    held = Adult(stage.edit, Told(kit().prototypes, kit().landmarker))(crop)
    share = float(np.abs(held.colour).max() / np.abs(whole.colour).max())
    assert 0 < share < 0.25 and "reads 18, and nobody is made to look under 18" in held.note


def test_three_times_is_as_once():
    """Collins, who reads 33, asked to be thirty years younger: she stops at the floor, and stays there."""
    photo, seen = collins()[0], []
    for _ in range(3):
        photo = opened(photo).edit(age=-30.0)
        seen.append(photo.pixels.astype(int))
    first, second, third = (
        float(np.abs(a - b).mean()) for a, b in zip(seen, [collins()[0].pixels, *seen], strict=False)
    )
    assert first > 0.1 and second < 0.1 * first and third < 0.1 * first
    assert FLOOR - 1 < reads(photo) < 31


def young_people() -> list[Array]:
    """Some of the portraits of people of 18 to 25, where the data lies."""
    if not (DATA / "faces256").is_dir():
        return []
    with (DATA / "faces256" / "faces.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["age"].isdigit() and 18 <= int(row["age"]) <= 25]
    return [image.read(DATA / "faces256" / "images" / row["file"]).pixels for row in rows[:: len(rows) // 4]]


@pytest.mark.skipif(not (DATA / "faces256").is_dir(), reason="needs the portraits")
@pytest.mark.parametrize("besides", ({}, {"sex": -1.0, "beauty": 1.0}))
def test_people_of_eighteen_to_twenty_five(besides: dict[str, Any]):
    """`benchmarks/age_floor.py` tries every one of them."""
    for pixels in young_people()[bool(besides) :: 2]:
        photo = Photo(pixels)
        before = now = reads(photo)
        for _ in range(2):
            photo = opened(photo).edit(face="largest", age=-30.0, **besides)
            now = reads(photo)
        assert now > min(before, ADULT) - 2.5


def test_a_reading_is_not_clipped_but_what_is_told_is():
    child = younger(30.0)
    photo, face = collins()
    assert reads(photo, child) < 10 and verbs.age(photo, face, kit=child)[0] == ADULT


def test_what_is_told_of_years_that_were_not_done():
    assert "made no younger" in age_floor.note(20.0, -30.0, 0.0)
    assert "of 30 years less only 6 were given" in age_floor.note(34.0, -30.0, -6.2)
    assert not age_floor.note(50.0, -20.0, -20.0) and not age_floor.note(20.0, 20.0, 20.0)


@pytest.mark.parametrize(("gain", "noise"), [(1.0, 20.0), (0.14, 2.5)])
def test_noise_makes_nobody_older(gain: float, noise: float):
    """Read with it, they would be up to ten years older, so that the floor would let more be done."""
    clean = collins()[0].pixels
    drawn = np.random.default_rng(0).normal(0, noise, clean.shape)
    noisy = Photo(np.clip(clean * gain + drawn, 0, 255).astype(np.uint8))
    ages = [verbs.age(photo, verbs.find(photo)[0], kit=kit())[0] for photo in (Photo(clean), noisy)]
    assert abs(ages[1] - ages[0]) < 5, ages
