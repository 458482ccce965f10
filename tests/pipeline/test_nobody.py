"""The generator in the box: `mien generate` without a name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Mien
from faces import kit

from mien import RequestError, verbs, verify
from mien.models.traits import read_traits
from mien.types import Array

SEEDS = (0, 3, 5)


def drawn(**asked: Any) -> list[Array]:
    return [photo.pixels for photo in verbs.generate(seeds=SEEDS, conditions=asked, kit=kit())]


def traits(pictures: list[Array]) -> Array:
    """Smile, age and sex, the mean of pictures each of which shows one face."""
    assert all(len(kit().faces(one)) == 1 for one in pictures)
    read = [read_traits(kit(), one) for one in pictures]
    return np.mean([one for one in read if one is not None], axis=0)


def test_a_seed_is_a_face_and_always_the_same():
    pictures = drawn()
    assert all(one.shape == (256, 256, 3) and one.dtype == np.uint8 for one in pictures)
    assert all(len(kit().faces(one)) == 1 for one in pictures)
    assert np.array_equal(pictures[1], next(verbs.generate(seeds=[3], kit=kit())).pixels)
    assert np.abs(pictures[0].astype(float) - pictures[1]).mean() > 10


def test_faces_are_what_is_asked():
    young, old = traits(drawn(age=22.0, sex=-1.0, smile=0.0)), traits(drawn(age=70.0, sex=1.0, smile=1.0))
    assert old[1] > young[1] + 15, "years"
    assert old[2] > 0.3 and young[2] < -0.3, "sex"
    assert old[0] > young[0] + 0.5, "smile"


def test_heads_turn_and_hair_and_skin_change_their_colours():
    left, right = ([kit().faces(one)[0].yaw for one in drawn(yaw=yaw)] for yaw in (-10.0, 10.0))
    assert np.mean(right) > np.mean(left) + 8
    black, blond = (np.stack(drawn(sex=-1.0, hair=name))[:, :60].mean() for name in ("black", "blond"))
    assert blond > black + 15
    dark, pale = (np.stack(drawn(skin=name))[:, 130:170, 90:166].mean() for name in ("dark", "pale"))
    assert pale > dark + 30


def test_a_range_gives_each_seed_a_place_which_the_label_tells(tmp_path: Path, mien: Mien):
    ran = mien("generate", "--seeds", "0-2", "--age", "30-40", "--hair", "#5a3a20", "-o", tmp_path)
    assert ran.code == 0, ran.err
    told = [verify(tmp_path / f"seed000{k}.png").history[0].arguments for k in range(3)]
    ages = [one["age"] for one in told]
    assert all(30 <= age <= 40 for age in ages) and len({*ages}) == 3
    assert told[0] | {"age": 0} == {
        "seed": 0, "truncation": 1.0, "age": 0, "hair_red": 90.0, "hair_green": 58.0, "hair_blue": 32.0,
    }  # fmt: skip
    assert verify(tmp_path / "seed0000.png").source_type == "trainedAlgorithmicMedia"


def test_one_face_is_a_file_and_many_are_a_folder_that_is_made(tmp_path: Path, mien: Mien):
    assert mien("generate", "--seeds", 3, "-o", tmp_path / "face.png").code == 0
    assert mien("generate", "--seeds", "3-4", "-o", tmp_path / "faces").code == 0
    alone, among = (verbs.read(tmp_path / name).pixels for name in ("face.png", "faces/seed0003.png"))
    assert np.array_equal(alone, among)
    ran = mien("generate", "--seeds", "3-4", "-o", tmp_path / "two.png")
    assert (ran.code, "two.png names a file" in ran.err) == (2, True)


def test_what_is_asked_holds_under_truncation():
    mapper, _ = kit().generator("nobody")
    near, far = (
        [mapper.styles(mapper.noise(seed), psi, conditions={"age": 60.0})[0] for seed in SEEDS]
        for psi in (0.5, 1.0)
    )
    assert np.ptp(near, axis=0).mean() == pytest.approx(0.5 * np.ptp(far, axis=0).mean(), rel=1e-3)
    age = 1  # the second attribute
    assert np.ptp([one[age] for one in (*near, *far)]) < 1e-3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--age", "40-30"), "the lower end comes first"),
        (("--age", "12"), "from 20 to 75 years"),
        (("--age", "15-30"), "from 20 to 75 years"),
        (("--yaw", "-50"), "from -10 to 10 degrees"),
        (("--smile", "wide"), "neither a number nor a range"),
        (("--hair", "blonde"), "did you mean blond"),
        (("--sex", "x"), "'f', 'm'"),
        (("--near", "photo.jpg"), "likeness of a person"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_one_line(
    mien: Mien, tmp_path: Path, words: tuple[str, ...], said: str
):
    ran = mien("generate", *words, "-o", tmp_path)
    assert ran.code == 2 and said in ran.err and ran.err.count("\n") == 1, ran
    assert list(tmp_path.iterdir()) == []


def test_unknown_conditions_are_named():
    with pytest.raises(RequestError, match="there are age, sex, smile, yaw, hair, skin"):
        next(verbs.generate(conditions={"mood": 1.0}, kit=kit()))


def test_the_space_of_nobody_serves_edits(mien: Mien, photo: Path):
    ran = mien("edit", photo, "--with", "nobody", "--smile", "1", "-o", photo.with_name("out.png"))
    assert ran.code == 0, ran.err
    networks = {name for name, _ in verify(photo.with_name("out.png")).history[0].networks}
    assert {"nobody-encoder", "nobody-generator", "nobody-directions"} <= networks
