"""Swaps in clips: whose face it is, what stays, steadiness, and runs that go on."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from conftest import Mien
from faces import HOPPER, ROOT, collins, hopper, hopper_face, kit
from films import decoded, film, packets, shot, times

from mien import FaceError, Gallery, RequestError, person, swap_clip
from mien.io.content_credentials import verify
from mien.pipeline import clip_swap, resume
from mien.pipeline.clip_swap import ClipSwapper, Known, clip_swapper
from mien.pipeline.swap_face import Assignment, Stages, SwapOptions
from mien.types import Array

COLLINS = ROOT / "docs" / "collins.jpg"
CONSENT = "both are public figures in a test, 2026-11-29"
FRAMES = 14


@cache
def gallery() -> Gallery:
    return Gallery.of(COLLINS, kit=kit())


@pytest.fixture(scope="module")
def walk(portrait: Array, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Grace Hopper moves to the right, with sound."""
    path = tmp_path_factory.mktemp("walk") / "walk.mp4"
    return film(path, [shot(portrait, i) for i in range(FRAMES)], gaps=(512, 700, 300))


@pytest.fixture(scope="module")
def swapped(walk: Path) -> Path:
    """In parts of six frames."""
    out = walk.with_name("swapped.mp4")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resume, "PART", 0.2)
        told = swap_clip(walk, out, gallery(), consent=CONSENT, kit=kit())
    assert (told.frames, told.faces, told.notes) == (FRAMES, 1, ())
    return out


def pixels(path: Path) -> list[Array]:
    return [one.to_ndarray(format="rgb24").astype(float) for one in decoded(path)]


def test_the_face_is_the_others(swapped: Path):
    embedder, frame = kit().embedder(), pixels(swapped)[FRAMES // 2].astype(np.uint8)
    now = embedder.identity_in(frame, kit().faces(frame)[0])
    theirs = embedder.identity_in(collins()[0].pixels, collins()[1])
    own = embedder.identity_in(hopper().pixels, hopper_face())
    assert now.likeness(theirs) > own.likeness(theirs) + 0.1


def test_sound_stamps_and_surroundings_stay(walk: Path, swapped: Path):
    assert packets(walk) == packets(swapped) and times(walk) == times(swapped)
    for before, after in zip(pixels(walk), pixels(swapped), strict=True):
        assert np.abs(after - before)[:150, 265:].mean() < 1.5, "what another encoding makes of the wall"
        assert np.abs(after - before)[-25:, 200:].max() > 100, "words in the corner"
        assert np.abs(after - before)[60:160, 90:190].mean() > 4


def test_the_face_is_steady(walk: Path, swapped: Path):
    """From frame to frame the change itself moves along, and does not flicker."""
    effect = [b - a for a, b in zip(pixels(walk), pixels(swapped), strict=True)]
    parts = [one[60:170, 80 + i : 190 + i] for i, one in enumerate(effect)]
    trembling = [np.abs(a - 2 * b + c).mean() for a, b, c in zip(parts, parts[1:], parts[2:], strict=False)]
    assert np.mean(trembling) < 0.5 * np.abs(parts[0]).mean()


def test_the_label_names_the_pictures_and_the_consent(swapped: Path):
    verdict = verify(swapped)
    (step,) = verdict.history
    assert (verdict.state, step.verb, step.consent) == ("intact", "swap", CONSENT)
    assert verdict.ingredients == ("walk.mp4", "collins.jpg")


@dataclass
class UntilFrame:
    """Somebody who stops the run once so many frames are done."""

    last: int
    seen: list[int] = field(default_factory=list)

    def advance(self, done: int, total: int) -> None:
        self.seen.append(done)

    def message(self, text: str) -> None: ...

    @property
    def cancelled(self) -> bool:
        return len(self.seen) >= self.last


def test_a_stopped_run_goes_on_as_if_it_had_not_been(
    walk: Path, swapped: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(resume, "PART", 0.2)
    out = walk.with_name("halted.mp4")
    with pytest.raises(KeyboardInterrupt):
        swap_clip(walk, out, gallery(), consent=CONSENT, kit=kit(), progress=UntilFrame(6))
    assert not out.exists()
    watched = UntilFrame(99)
    swap_clip(walk, out, gallery(), consent=CONSENT, kit=kit(), resume=True, progress=watched)
    assert watched.seen[0] > 5, "what is done is not done again"
    assert all((a == b).all() for a, b in zip(pixels(swapped), pixels(out), strict=True))
    assert verify(out).ingredients == ("walk.mp4", "collins.jpg")


def test_the_swap_fades_where_a_face_turns_too_far(
    walk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    turned = "is turned by 45 degrees"
    place = float(hopper_face().landmarks[4, 0]) * 0.4 + 30

    def refused(self: ClipSwapper, face: Any, name: int) -> str:
        return turned if face.landmarks[4, 0] > place + 9.5 else ""

    monkeypatch.setattr(ClipSwapper, "_turned", refused)
    told = swap_clip(walk, tmp_path / "out.mp4", gallery(), consent=CONSENT, kit=kit())
    assert told.notes == (f"face 1 {turned}",)
    pairs = zip(pixels(walk), pixels(tmp_path / "out.mp4"), strict=True)
    change = [np.abs(b - a)[60:170, 80:210].mean() for a, b in pairs]
    assert change[2] > change[5] > change[8] > change[11] and change[11] < 0.4 * change[0]
    monkeypatch.setattr(ClipSwapper, "_turned", lambda *_: turned)
    with pytest.raises(FaceError, match=f"face 1 {turned}"):
        swap_clip(walk, tmp_path / "none.mp4", gallery(), consent=CONSENT, kit=kit())
    assert not (tmp_path / "none.mp4").exists()


def test_children_are_left_as_they_are(walk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    gallery()
    monkeypatch.setattr(clip_swap, "read_age", lambda *_: 15.0)
    with pytest.raises(FaceError, match="reads 15 years, and nobody under 18"):
        swap_clip(walk, tmp_path / "out.mp4", gallery(), consent=CONSENT, kit=kit())


def path_through(costs: list[list[float]]) -> list[int]:
    """The pictures that are taken at key frames whose pictures cost so much."""
    swapper = clip_swapper((Assignment(gallery()),), Stages(kit(), SwapOptions()), 30)
    swapper.known[1] = Known()
    for n, row in enumerate(costs):
        asked: Any = SimpleNamespace(costs=np.array(row))
        swapper.asked[n * swapper.every] = {1: asked}
    picks = swapper._decided(1, len(costs) * swapper.every)  # pyright: ignore[reportPrivateUsage]
    return list(picks.values())


def test_another_picture_is_taken_only_where_it_pays():
    assert path_through([[0, 1], [2, 0], [0, 1], [0, 1]]) == [0, 0, 0, 0], "once is not worth a change"
    assert path_through([[0, 9], [0, 9], [9, 0], [9, 0]]) == [0, 0, 1, 1]
    assert path_through([[0, 1], [3, 0], [3, 0], [3, 0]]) == [1, 1, 1, 1], "what comes is seen ahead"


def test_two_people_are_swapped_with_each_other(mien: Mien, portrait: Array, tmp_path: Path):
    """Grace Hopper on the left, Eileen Collins on the right, and then the other way round."""
    other = collins()[0].pixels[:600, :500]
    wall = np.full((max(portrait.shape[0], other.shape[0]), 1040, 3), 128, np.uint8)
    wall[: portrait.shape[0], : portrait.shape[1]] = portrait
    wall[: other.shape[0], 530 : 530 + other.shape[1]] = other
    frames = [cv2.resize(wall, (624, 360), interpolation=cv2.INTER_AREA)] * 3
    source, out = film(tmp_path / "both.mp4", frames, sound=None), tmp_path / "out.mp4"
    words = ("--map", f"{COLLINS}:{HOPPER}", "--map", f"{HOPPER}:{COLLINS}", "--consent", CONSENT)
    ran = mien("swap", source, *words, "-o", out)
    assert ran.code == 0 and "2 faces" in ran.err, ran
    embedder = kit().embedder()

    def likeness(frame: Array) -> Array:
        """Of the left and the right face to Hopper and to Collins."""
        who = [person(path, kit=kit()).identity for path in (HOPPER, COLLINS)]
        seen = [embedder.identity_in(frame, face) for face in kit().faces(frame)]
        return np.array([[one.likeness(other) for other in who] for one in seen])

    nearer = likeness(pixels(out)[1].astype(np.uint8)) - likeness(frames[0])
    assert nearer[0, 1] > 0.15 > -0.15 > nearer[0, 0] and nearer[1, 0] > 0.15 > -0.15 > nearer[1, 1], nearer
    (step,) = verify(out).history
    assert [each["source"] for each in step.arguments["map"]] == ["collins.jpg", "hopper.jpg"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--map", "person"), "--map 'person' is not SOURCE:PICTURE"),
        ((), "Give either one source or a mapping"),
        (("--source", COLLINS, "--strength", 2), "strength 2 is out of range: 0.05 to 1"),
        (("--source", COLLINS, "--shape", -1), "shape -1 is out of range: 0 to 1"),
        (
            ("--source", COLLINS, "--keep", "nose"),
            "keep 'nose' is not known: there are mouth, eyes, brows, beard",
        ),
        (("--source", COLLINS, "--from", 1), "--from and --to are for clips, and none came"),
    ],
)
def test_what_cannot_be_asked_is_one_line(mien: Mien, tmp_path: Path, words: tuple[Any, ...], said: str):
    ran = mien("swap", HOPPER, *words, "--consent", CONSENT, "-o", tmp_path / "out.jpg")
    assert (ran.code, ran.err.count("\n")) == (2, 1) and said in ran.err, ran


def test_what_is_held_before_a_face_stays(portrait: Array, tmp_path: Path):
    """A green card that comes from below."""
    small = cv2.resize(portrait, (256, 300), interpolation=cv2.INTER_AREA)
    tops, frames = [165 - 5 * i for i in range(7)], []
    for top in tops:
        frames.append(small.copy())
        frames[-1][top : top + 100, 140:170] = (40, 150, 60)
    source, out = film(tmp_path / "card.mp4", frames, sound=None), tmp_path / "out.mp4"
    swap_clip(source, out, gallery(), consent=CONSENT, kit=kit())
    change = pixels(out)[6] - pixels(source)[6]
    assert abs(change[tops[6] + 4 : 163, 145:165].mean()) < 3
    assert np.abs(change[100:140, 90:135]).mean() > 4


def test_numbers_do_not_tell_several_people_of_a_clip_apart(walk: Path, tmp_path: Path):
    pairs = [(gallery(), 1), (gallery(), 2)]
    with pytest.raises(RequestError, match="each needs a picture of whom it goes to"):
        swap_clip(walk, tmp_path / "out.mp4", mapping=pairs, consent=CONSENT, kit=kit())
    assert not list(tmp_path.iterdir())
