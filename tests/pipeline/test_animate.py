"""Photos that move: at rest they are the photo, a driven face does what its driver does, and motions are numbers."""

import base64
import json
import zlib
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Mien
from faces import HOPPER, hopper, hopper_face, kit

from mien import FaceError, InputError, Motion, RequestError, verbs, verify
from mien.edits.reenact import Drawing, Parts, Reenactor
from mien.edits.reenact_driver import DrivingFace
from mien.face.motion import TOLD, Gesture, still
from mien.io.clip_writer import Sound
from mien.models.motions import boxed
from mien.pipeline.animate import animate
from mien.pipeline.motion import as_motion
from mien.pipeline.motion_strip import motion_strip
from mien.types import Array, Face, Photo

CONSENT = "public domain"
MODES = 24


@cache
def reenactor() -> Reenactor:
    drawing = Drawing(kit().shapes, kit().parser, kit().prototypes)
    return Reenactor.of(hopper().pixels, hopper_face(), drawing)


def drawn(gesture: Gesture, parts: Parts = Parts()) -> Array:  # noqa: B008 - frozen
    out = hopper().pixels.copy()
    reenactor().draw(out, gesture, parts)
    return out


def gesture(**parts: Any) -> Gesture:
    values = {name: np.asarray(value, np.float32) for name, value in parts.items()}
    return replace(still(MODES), **values)


def seen(pixels: Array) -> Face:
    return kit().faces(pixels)[0]


def driving(face: Face) -> DrivingFace:
    return DrivingFace.of([face], kit().shapes.model)


def peak(name: str) -> Gesture:
    values = as_motion(name, kit=kit())[0].values
    return Gesture.of(values[np.abs(values[:, TOLD:]).sum(1).argmax()])


# ---- one frame


def test_at_rest_it_is_the_photo():
    assert np.array_equal(drawn(still(MODES)), hopper().pixels)


def test_the_head_turns_as_it_is_asked():
    before = driving(hopper_face()).angles[0]
    for turn in ([10, 0, 0], [0, -8, 0], [0, 0, 6]):
        after = driving(seen(drawn(gesture(turn=turn)))).angles[0]
        assert np.abs(after - before - turn).max() < 3.5, (turn, after - before)


def test_what_is_far_from_the_head_stands_still():
    changed = (drawn(gesture(turn=[12, 5, 3])) != hopper().pixels).any(2)
    left, top, right, bottom = reenactor().region
    changed[top:bottom, left:right] = False
    assert not changed.any()


def test_shut_eyes_are_shut():
    open_, shut = (driving(face).opening[0] for face in (hopper_face(), seen(drawn(gesture(lids=[1, 1])))))
    assert (shut < 0.7 * open_).all(), "behind glasses"
    one = driving(seen(drawn(gesture(lids=[0, 1])))).opening[0]
    assert one[0] > 0.8 * open_[0] and one[1] < 0.75 * open_[1]


def test_eyes_look_where_they_are_told():
    before = driving(hopper_face()).gaze[0].mean(0)
    after = driving(seen(drawn(gesture(gaze=[0.1, 0])))).gaze[0].mean(0)
    assert 0.04 < after[0] - before[0] < 0.16


def test_expressions_are_seen():
    before = kit().blendshapes.coefficients(hopper_face().landmarks)
    for name, told, more in (("smile", "mouthSmileLeft", 0.5), ("kiss", "mouthPucker", 0.05)):
        after = kit().blendshapes.coefficients(seen(drawn(peak(name))).landmarks)
        assert after[told] > before[told] + more, (name, told, after[told])
    gap = [reenactor().field.rest.gap, driving(seen(drawn(peak("surprise")))).gaps[0]]
    assert gap[1] > gap[0] + 0.05


def test_only_the_asked_parts_move():
    asked = replace(peak("surprise"), turn=np.array([8.0, 0, 0]), lids=np.array([1.0, 1.0]))
    assert np.array_equal(drawn(asked, Parts(0, 0, 0, 0)), hopper().pixels)
    only = drawn(asked, Parts(pose=0, eyes=0, lips=1, brows=0))
    changed = np.abs(only.astype(int) - hopper().pixels).max(2) > 20  # a smile has faint wrinkles all over
    assert changed.any() and not changed[: int(hopper_face().landmarks[9, 1]) - 10].any()


def test_lips_never_cross():
    rest = reenactor().field.rest
    for sign in (-6, 6):
        for mode in range(6):
            asked = gesture(expression=sign * np.eye(MODES)[mode])
            moved = rest.does(asked, np.ones(468)).shape
            assert moved[14, 1] >= moved[13, 1]


# ---- motions


def test_between_the_teeth_of_an_open_mouth_it_is_dark():
    """Upper ones go with the skull, lower ones with the lip."""
    said = peak("talk")
    grey = drawn(said).mean(2)
    _, head = reenactor().does(said, Parts())
    offset = np.array(reenactor().region[:2])
    (x, top), (_, bottom) = head.points[[13, 14], :2] + offset
    column = grey[round(top) : round(bottom) + 1, round(x) - 8 : round(x) + 9].mean(1)
    third = len(column) // 3
    upper, middle, lower = (column[i * third : (i + 1) * third] for i in range(3))
    assert upper.max() > 2 * middle.min() and lower.max() > 2 * middle.min()


def test_the_box_holds_motions():
    assert len(boxed()) >= 10
    for name in boxed():
        motion = as_motion(name, kit=kit())[0]
        assert motion.name == name and motion.values.shape[1] == TOLD + MODES and motion.seconds < 8
        assert len(motion.text()) < 2500
        ends = np.abs(motion.values[-1, :3] - motion.values[0, :3]).max()
        assert ends < 3, "it can be repeated"


def test_a_motion_survives_its_file():
    random = np.random.default_rng(1)
    values = np.cumsum(random.normal(0, 0.01, (40, TOLD + MODES)), 0).astype(np.float32)
    motion = Motion("own", 25.0, values, loop=True)
    back = Motion.parse(motion.text(), "own.json", MODES)
    assert back.loop and back.fps == 25 and np.abs(back.values - values).max() < 0.2
    assert np.abs(back.values[:, 6:10] - values[:, 6:10]).max() < 0.005
    assert len(motion.text()) < 3000


def test_between_frames_lies_what_is_between():
    motion = Motion("ramp", 10.0, np.arange(5, dtype=np.float32)[:, None] * np.ones(TOLD + MODES, np.float32))
    assert motion.at(0.15).scale == pytest.approx(1.5)
    assert motion.at(9).scale == 4
    assert replace(motion, loop=True).at(0.45).scale == pytest.approx(2.0)


@pytest.mark.parametrize(
    "change", ({"motion": 9}, {"frames": 10**9}, {"data": "%%"}, {"fps": -1}, {"basis": "x"})
)
def test_files_that_are_no_motion_are_refused(change: dict[str, Any]):
    told = json.loads(Motion("own", 25.0, np.zeros((4, TOLD + MODES), np.float32)).text())
    with pytest.raises(InputError):
        Motion.parse(json.dumps(told | change), "own.json", MODES)


def test_a_strip_shows_nobody():
    strip = motion_strip("laugh", pictures=3, side=96, kit=kit())
    assert strip.size == (288, 96) and np.ptp(strip.pixels) > 100


# ---- the verb


@pytest.fixture(scope="module")
def nodding(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hopper, small, as she turns her head: a clip to be driven by."""
    path = tmp_path_factory.mktemp("clips") / "turns.mp4"
    motion = as_motion("shake", kit=kit())[0]
    animate(hopper(), motion, consent=CONSENT, size=300, fps=12, kit=kit()).write(path)
    return path


def test_a_clip_drives(nodding: Path):
    asked = as_motion("shake", kit=kit())[0]
    found = verbs.motion_of(nodding, kit=kit())
    wanted = np.stack([asked.at(i / 12).turn for i in range(len(found))])
    assert np.corrcoef(wanted[:, 0], found.values[:, 0])[0, 1] > 0.97
    assert found.values[:, 0].std() > 0.6 * wanted[:, 0].std()


def test_what_is_written_says_what_it_is(nodding: Path, tmp_path: Path):
    made = animate(HOPPER, nodding, consent=CONSENT, size=200, fps=6, kit=kit())
    for name in ("out.mp4", "out.gif", "out.webp"):
        made.write(tmp_path / name)
        verdict = verify(tmp_path / name)
        assert verdict.state == "intact" and verdict.source_type == "compositeWithTrainedAlgorithmicMedia"
        step = verdict.history[0]
        assert step.verb == "animate" and step.consent == CONSENT and step.sources[0].title == nodding.name
        assert HOPPER.name in verdict.ingredients
    assert made.write_frames(tmp_path / "frames") == len(made) == len(list((tmp_path / "frames").iterdir()))


def test_a_run_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mien.pipeline.resume.PART", 0.3)

    class Stops:
        cancelled = False

        def advance(self, done: int, total: int) -> None:
            self.cancelled = done >= 5

        def message(self, text: str) -> None: ...

    made = animate(hopper(), "blink", consent=CONSENT, size=160, fps=10, kit=kit())
    with pytest.raises(KeyboardInterrupt):
        made.write(tmp_path / "out.mp4", progress=Stops())
    assert not (tmp_path / "out.mp4").exists()
    assert made.write(tmp_path / "out.mp4", resume=True).frames == len(made) == 10
    assert verify(tmp_path / "out.mp4").state == "intact"


def test_columns_of_a_motion_are_told_by_their_names():
    """A file that somebody's program wrote may list them in another order; unknown ones are refused."""
    motion = as_motion("nod", kit=kit())[0]
    told = json.loads(motion.text())
    names, rows = told["columns"], len(motion)
    data = np.frombuffer(zlib.decompress(base64.b64decode(told["data"])), np.int8).reshape(len(names), rows)
    other = told | {"columns": names[::-1]}
    other["data"] = base64.b64encode(zlib.compress(data[::-1].tobytes())).decode()
    again = Motion.parse(json.dumps(other), "other.json", len(names) - TOLD)
    assert np.array_equal(again.values, Motion.parse(motion.text(), "nod.json", len(names) - TOLD).values)
    with pytest.raises(InputError, match="another version"):
        Motion.parse(json.dumps(told | {"columns": ["pan", *names[1:]]}), "x.json", len(names) - TOLD)


def test_what_is_done_is_not_done_again(mien: Mien, tmp_path: Path):
    out = tmp_path / "out.mp4"

    def run(motion: str, *flags: str) -> Any:
        size = ("--size", 160, "--fps", 8)
        return mien(
            "animate", HOPPER, "--motion", motion, "--consent", "ok", "-o", out, *size, "--resume", *flags
        )

    assert run("blink").code == 0
    before = out.read_bytes()
    again = run("blink")
    assert again.code == 0 and "is done already" in again.err and out.read_bytes() == before
    other = run("wink")
    assert other.code == 2 and "was made with" in other.err and out.read_bytes() == before


def test_sound_is_taken_along(tmp_path: Path):
    import wave

    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes((8000 * np.sin(np.arange(32000) / 9)).astype(np.int16).tobytes())
    made = animate(hopper(), "blink", consent=CONSENT, size=160, fps=10, kit=kit())
    made.write(tmp_path / "out.mp4", sound=Sound(tmp_path / "a.wav"))
    import av

    with av.open(str(tmp_path / "out.mp4")) as film:
        (sound,) = film.streams.audio
        assert sound.codec_context.name == "aac" and 0.9 < float(sound.duration * sound.time_base) < 1.15  # pyright: ignore[reportOperatorIssue]


def test_words_in_a_corner_stay_where_they_are():
    """Though a face that nods comes into one."""
    close = Photo(hopper().pixels[40:365, 130:410])
    made = animate(close, "nod", consent=CONSENT, mark="eu", kit=kit())
    heights = set[bool]()
    for number in range(0, len(made), 3):
        away = np.abs(made.finished(number, 0)[0].astype(int) - made.frame(number)).max(2) > 40
        heights.add(float(np.flatnonzero(away.any(1)).mean()) > 160)
    assert len(heights) == 1


def test_each_face_of_a_group_moves_on_its_own():
    one = hopper().pixels
    both = np.concatenate([one, one[:, ::-1]], 1)
    made = animate(both, {1: "wink"}, consent=CONSENT, kit=kit())
    changed = (made.frame(15) != both).any(2)
    assert changed[:, : one.shape[1]].any() and not changed[:, one.shape[1] :].any()
    two = animate(both, {1: "wink", 2: "nod"}, consent=CONSENT, kit=kit())
    assert len(two.actors) == 2 and (two.frame(6) != both).any(2)[:, one.shape[1] :].any()


def test_refusals_are_told(tmp_path: Path):
    with pytest.raises(RequestError, match="consent"):
        animate(hopper(), "nod", consent=" ", kit=kit())
    with pytest.raises(InputError, match="in the box are"):
        animate(hopper(), "nodd", consent=CONSENT, kit=kit())
    with pytest.raises(FaceError, match="too small"):
        animate(hopper(), "nod", consent=CONSENT, size=120, kit=kit())
    with pytest.raises(RequestError, match="no region"):
        animate(hopper(), "nod", consent=CONSENT, regions=("ears",), kit=kit())
    with pytest.raises(FaceError, match="no face"):
        animate(Photo(np.full((200, 200, 3), 90, np.uint8)), "nod", consent=CONSENT, kit=kit())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", 1), "are of a driving clip"),
        (("--driver", 2), "are of a driving clip"),
        (("--fps", "nan"), "from 1 to 240 was wanted"),
        (("--fps", 0), "from 1 to 240 was wanted"),
        (("--frames", "."), "not an empty folder"),
        (("--consent", " "), "needs consent"),
    ],
)
def test_the_command_refuses_before_it_draws(
    mien: Mien, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[object, ...], said: str
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").touch()
    agreed = () if "--consent" in words else ("--consent", "ok")
    ran = mien("animate", HOPPER, "--motion", "nod", *agreed, "-o", "out.gif", *words)
    assert ran.code == 2 and said in ran.err and ran.err.count("\n") == 1, ran
    assert [one.name for one in tmp_path.iterdir()] == ["taken"]
