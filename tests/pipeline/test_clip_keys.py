"""Clips whose edits get stronger and weaker: how much each frame shows, what stays, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Mien
from faces import planned
from films import decoded, film, shot

from mien import verbs, verify
from mien.errors import FaceError, RequestError
from mien.io import clip_reader as footage
from mien.io import watermark
from mien.pipeline import resume as parts
from mien.pipeline.clip_edit import clip_editor
from mien.types import Array, Silent

RISING = (
    (0.2, 0.0),
    (0.4, 1.0),
)  # seconds of a clip of 15 frames each: the first four frames are as they were


@pytest.fixture(scope="module")
def walk(portrait: Array, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine frames of a face that moves."""
    return walked(tmp_path_factory.mktemp("clips") / "walk.mp4", portrait, 9)


@pytest.fixture(scope="module")
def step(portrait: Array, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two frames of the same."""
    return walked(tmp_path_factory.mktemp("clips") / "step.mp4", portrait, 2)


def walked(path: Path, portrait: Array, count: int) -> Path:
    return film(path, [shot(portrait, 2 * i) for i in range(count)], gaps=(1024,), sound=None)


def drawn(path: Path, keys: Any, **strengths: Any) -> list[Array]:
    """A clip's frames as they go to the encoder, without marks."""
    clip = footage.clip(path)
    how: dict[str, Any] = {"strength": keys, "zero": float(clip.zero)}
    line = clip_editor("all", planned(strengths), 30, verbs.shared_kit(), **how)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(watermark, "lay", lambda pixels, *_: pixels)
        return [one.to_ndarray().astype(int) for one in line.run(footage.frames(clip))]


def plain(path: Path) -> list[Array]:
    return [one.picture.to_ndarray().astype(int) for one in footage.frames(footage.clip(path))]


@pytest.mark.parametrize("asked", [{"warmth": 1.0}, {"smile": 1.0}, {"mouth": 1.0}, {"effect": "whiskers"}])
def test_it_rises_from_nothing_to_all(walk: Path, asked: dict[str, Any]):
    before, whole, risen = plain(walk), drawn(walk, (), **asked), drawn(walk, RISING, **asked)
    assert all(np.array_equal(one, other) for one, other in zip(risen[:4], before[:4], strict=True))
    assert all(np.array_equal(one, other) for one, other in zip(risen[6:], whole[6:], strict=True))
    far = [
        np.abs(one - other).sum() / np.abs(all_ - other).sum()
        for one, other, all_ in zip(risen, before, whole, strict=True)
    ]
    assert far[4] > 0 and far == sorted(far), far


def test_half_of_it_changes_half_as_much(walk: Path):
    before, whole, half = plain(walk), drawn(walk, (), warmth=1.0), drawn(walk, ((0, 0.5),), warmth=1.0)
    for one, other, all_ in zip(half, before, whole, strict=True):
        assert np.abs(all_ - other).max() > 8
        away = np.abs((one - other) - (all_ - other) / 2)
        assert away.max() <= 3 and away.mean() < 0.1, "levels round on the way"


def test_a_mouth_half_way_is_half_open(step: Path):
    """As one of which half was asked; half of what opens it would show teeth through the lips."""
    half, asked = drawn(step, ((0, 0.5),), grin=1.0), drawn(step, (), grin=0.5)
    assert all(np.array_equal(one, other) for one, other in zip(half, asked, strict=True))
    more = drawn(step, ((0, 0.75),), mouth=1.0)
    low, high = drawn(step, (), mouth=0.5), drawn(step, (), mouth=1.0)
    before = plain(step)
    away = [
        [np.abs(one - was).sum() for one, was in zip(frames, before, strict=True)]
        for frames in (low, more, high)
    ]
    assert all(one < other < last for one, other, last in zip(*away, strict=True))


def test_the_clock_of_the_file_may_begin_with_anything(portrait: Array, tmp_path: Path):
    frames = [shot(portrait, i) for i in range(12)]
    source = film(tmp_path / "a.mts", frames, codec="libx264", sound=None)
    assert float(footage.clip(source).zero) > 0.05
    before, risen = plain(source), drawn(source, RISING, warmth=1.0)
    same = [np.array_equal(one, other) for one, other in zip(risen, before, strict=True)]
    assert same == [True] * 7 + [False] * 5


def test_in_a_part_times_count_from_the_start_of_the_whole(walk: Path, tmp_path: Path):
    out = tmp_path / "out.mp4"
    with pytest.raises(FaceError, match="the keys are 0 wherever a face is in 3 frames"):
        verbs.edit_clip(walk, out, warmth=1.0, end=0.19, keys=RISING)
    assert not list(tmp_path.iterdir())
    assert verbs.edit_clip(walk, out, warmth=1.0, start=0.2, keys=[[0.2, 0], [0.4, 1]]).faces == 1
    assert len(list(decoded(out))) == 6, "the frame at a fifth of a second is among them"
    said = verify(out).history[-1].arguments
    assert (said["begin"], said["keys"]) == (0.2, [[0.2, 0], [0.4, 1]])
    blue, was = (
        [one.to_ndarray(format="rgb24")[100:160, 110:170, 2].mean() for one in decoded(path)]
        for path in (out, walk)
    )  # of the face
    assert abs(blue[0] - was[3]) < 1.5 and was[6] - blue[3] > 4, (blue, was)


def test_a_run_goes_on_with_the_same_keys_only(
    mien: Mien, walk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(parts, "PART", 0.2)
    whole, halted = tmp_path / "whole.mp4", tmp_path / "halted.mp4"

    class Halt(Silent):
        cancelled = False

        def advance(self, done: int, total: int) -> None:
            self.cancelled = done == 6

    asked: dict[str, Any] = {"warmth": 1.0, "keys": RISING}
    verbs.edit_clip(walk, whole, **asked)
    with pytest.raises(KeyboardInterrupt):
        verbs.edit_clip(walk, halted, progress=Halt(), **asked)
    for words in ((), ("--keys", "0.2=0,0.4=0.9")):
        ran = mien("edit", walk, "--warmth", 1, *words, "-o", halted, "--resume")
        assert ran.code == 2 and "another request" in ran.err and ran.err.count("\n") == 1
    ran = mien("edit", walk, "--warmth", 1, "--keys", "0.2=0,0:00.4=1", "-o", halted, "--resume")
    assert ran.code == 0, ran.err
    pairs = zip(decoded(whole), decoded(halted), strict=True)
    assert all((one.to_ndarray() == other.to_ndarray()).all() for one, other in pairs)
    assert packets_of(whole) == packets_of(halted)
    ran = mien("edit", walk, "--warmth", 1, "--keys", "0.2=0,0.4=1", "-o", tmp_path / "x/", "--resume")
    assert ran.code == 0, ran.err
    for words, code in ((("--keys", "0.2=0,0.4=1"), 0), ((), 2)):
        ran = mien("edit", walk, "--warmth", 1, *words, "-o", whole, "--resume")
        assert ran.code == code and ("done already" in ran.err) == (not code)


def packets_of(path: Path) -> list[bytes]:
    import av

    with av.open(str(path)) as container:
        return [bytes(one) for one in container.demux(video=0)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1", "--keys wants TIME=SHARE"),
        ("", "'' is no time"),
        ("0=0,", "'' is no time"),
        ("soon=1", "'soon' is no time: seconds were wanted, or H:MM:SS"),
        ("0=all", "--keys wants TIME=SHARE,..., as in 0=0,1.5=1; '0=all' came"),
        ("0=0;1=1", "--keys wants TIME=SHARE"),
        ("1=0,0:01=1", "1 seconds come after 1: the times were to rise"),
        ("0=2", "2.0 is out of range: from 0 to 1"),
        ("0=nan", "nan is out of range"),
        ("-1=1", "'-1' is no time"),
        ("0=0", "every key is 0: nothing would change"),
    ],
)
def test_keys_that_make_no_sense_are_one_line(mien: Mien, walk: Path, tmp_path: Path, text: str, says: str):
    ran = mien("edit", walk, "--smile", 1, f"--keys={text}", "-o", tmp_path / "out.mp4")
    assert (ran.code, ran.err.count("\n")) == (2, 1) and ran.err.startswith("mien: ") and says in ran.err, ran
    assert not list(tmp_path.iterdir())


def test_keys_are_for_clips(mien: Mien, walk: Path, photo: Path, tmp_path: Path):
    """Photos alone have none; photos among clips are edited as without."""
    keys = ("--keys", "0=0,0.3=1")
    ran = mien("edit", photo, "--warmth", 1, *keys, "-o", tmp_path / "out.jpg")
    assert (ran.code, ran.err) == (2, "mien: --keys are for clips, and none came\n")
    ran = mien("edit", photo, walk, "--warmth", 1, *keys, "-o", f"{tmp_path / 'both'}/", "--json")
    assert ran.code == 0, ran.err
    said = {
        Path(one["output"]).name: verify(one["output"]).history[-1].arguments
        for one in map(json.loads, ran.out.splitlines())
    }
    assert said == {
        "photo.jpg": {"warmth": 1.0, "face": "all"},
        "walk.mp4": {"warmth": 1.0, "face": "all", "keys": [[0, 0], [0.3, 1]]},
    }
    wrong: Any = 3
    with pytest.raises(RequestError, match="edit_clip: keys is 3: wanted a Sequence of"):
        verbs.edit_clip(walk, tmp_path / "out.mp4", warmth=1.0, keys=wrong)
