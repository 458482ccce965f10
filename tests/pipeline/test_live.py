"""Streams: edits stay on the face, nothing waits in a queue, and a portrait does what a face does."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from faces import collins, hopper, hopper_face, kit, planned

from mien import FaceError, RequestError, edit, verbs, verify
from mien.io import clip_writer as video
from mien.pipeline.animate import animate
from mien.pipeline.gallery import Gallery
from mien.pipeline.live import Live, Told, streamed, style_shown, swap_shown
from mien.pipeline.live_edits import LiveEdits
from mien.pipeline.live_face import OneEuro
from mien.types import Array, Step


def test_what_is_still_is_smoothed_and_what_moves_does_not_lag():
    noise = np.random.default_rng(1).normal(0, 1, (200, 4))
    still, moving = OneEuro(), OneEuro()
    calm = np.stack([still(one, i / 30, 100.0) for i, one in enumerate(noise)])
    assert calm[50:].std() < 0.5 * noise[50:].std()
    lag = [400 * i / 30 - moving(np.array([400 * i / 30]), i / 30, 100.0)[0] for i in range(60)]
    assert abs(lag[-1]) < 12, "a thirtieth of a second"


def test_an_edit_follows_the_face():
    picture = hopper().pixels
    with Live(LiveEdits(planned({"lips": "blue"}), kit()), kit()) as stream:
        assert (stream.frame(picture, 0.0) != picture).any(), "no frame shows the face as it is"
        stream.settle()
        shifted = np.roll(picture, 8, 1)
        out = stream.frame(shifted, 1 / 30)
    changed = (out != shifted).any(2)
    rows, columns = np.nonzero(changed)
    lips = hopper_face().landmarks[[61, 291]].mean(0)
    assert changed.any() and np.abs([columns.mean() - lips[0] - 8, rows.mean() - lips[1]]).max() < 8


def test_what_is_before_the_face_stays_as_it_is():
    """A mask gets no lips, also where the head has moved since it was seen; light falls on the skin beside."""
    photo, face = collins()
    cover = np.zeros(photo.pixels.shape[:2], np.uint8)
    outline = face.landmarks[[234, 118, 197, 347, 454, 361, 288, 397, 379, 378, 152, 149, 150, 172, 58, 132]]
    cv2.fillPoly(cover, [np.rint(outline).astype(np.int32)], 1)
    pixels = np.where(cover[..., None] > 0, np.array((130, 170, 200), np.uint8), photo.pixels)
    effect = LiveEdits(planned({"lips": "red", "light": 1.0}), kit())
    with Live(effect, kit()) as stream:
        stream.frame(pixels, 0.0)
        stream.settle()
        shifted, inner = np.roll(pixels, 6, 1), cv2.erode(np.roll(cover, 6, 1), np.ones((5, 5))) > 0
        away = np.abs(stream.frame(shifted, 1 / 30).astype(int) - shifted).max(2)
    assert (away[inner] > 8).mean() < 0.02 and (away > 8).sum() > 1000 and effect.nothing == ""
    why = "the face has its mouth covered, so nothing was done to the lips"
    assert effect.notes == (why,)
    alone = LiveEdits(planned({"lips": "red"}), kit())
    alone.renew(pixels, face)
    assert alone.nothing == why


@pytest.mark.parametrize("asked", [{"beauty": 1.0}, {"grin": 1.0}, {"hair": "blond"}], ids=str)
def test_in_the_dark_less_is_changed_as_all_is_darker(asked: dict[str, float | str]):
    light, moved = collins()[0].pixels, list[float]()
    for gain in (1.0, 0.14):
        pixels = np.rint(light * gain).astype(np.uint8)
        effect = LiveEdits(planned(asked), kit())
        with Live(effect, kit()) as stream:
            moved.append(np.abs(stream.frame(pixels, 0.0).astype(float) - pixels).mean() / pixels.mean())
    assert 0.5 * moved[0] < moved[1] < 1.5 * moved[0]


def test_a_swap_follows_the_face():
    picture, (photo, face) = hopper().pixels, collins()
    who = Gallery.of(photo, kit=kit())
    effect = swap_shown(who, "both agreed", kit()).effect
    with Live(effect, kit()) as stream:
        stream.frame(picture, 0.0)
        stream.settle()
        shifted = np.roll(picture, 8, 1)
        out = stream.frame(shifted, 1 / 30)
    changed = (out != shifted).any(2)
    rows, columns = np.nonzero(changed)
    middle = hopper_face().landmarks.mean(0)
    assert np.abs([columns.mean() - middle[0] - 8, rows.mean() - middle[1]]).max() < 20
    embedder = kit().embedder()
    own, theirs = embedder.identity_in(picture, hopper_face()), embedder.identity_in(photo.pixels, face)
    now = embedder.identity_in(out, kit().faces(out)[0])
    assert now.likeness(theirs) > own.likeness(theirs) + 0.1 and effect.nothing == ""


def test_a_drawing_moves_along_and_wants_no_face():
    rng = np.random.default_rng(0)
    scene = cv2.GaussianBlur(rng.uniform(0, 255, (180, 240, 3)), (0, 0), 5)
    scene = cv2.normalize(scene, np.empty(0), 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    effect = style_shown("ink", kit()).effect
    with Live(effect, kit()) as stream:
        assert (stream.frame(scene, 0.0) != scene).any(), "no frame shows what is there as it is"
        first = stream.frame(scene, 0.01).astype(float)
        shifted = stream.frame(np.roll(scene, 6, 1), 0.02).astype(float)  # before it is drawn anew
    inner = slice(20, -20)
    moved, stays = (np.abs(shifted - np.roll(first, by, 1))[inner, inner].mean() for by in (6, 0))
    assert moved < 0.3 * stays and effect.nothing == ""


def test_what_comes_before_the_face_is_not_painted():
    """A microphone, in the very frame in which it comes, and when it is known; a mouth that opens is none."""
    photo, face = collins()
    effect = LiveEdits(planned({"lips": "blue", "beard": 1.0}), kit())
    effect.renew(photo.pixels, face)
    ball, middle = photo.pixels.copy(), np.rint(face.landmarks[[13, 152]].mean(0)).astype(int)
    radius = round(0.22 * float(np.ptp(face.landmarks[:468, 0])))
    where = cv2.circle(np.zeros(ball.shape[:2], np.uint8), middle.tolist(), radius, 1, -1) > 0
    ball[where] = (60, 60, 64)
    for _ in range(2):
        away = np.abs(effect.show(ball, face, 0.0).astype(int) - ball).max(2) > 8
        assert away[where].mean() < 0.03
        effect.renew(ball, face)
    effect.renew(photo.pixels, face)
    speaks = edit(photo, mouth=1.0, kit=kit()).pixels
    away = np.abs(effect.show(speaks, face, 0.0).astype(int) - speaks).max(2) > 8
    known = np.abs(effect.show(photo.pixels, face, 0.0).astype(int) - photo.pixels).max(2) > 8
    assert away.sum() > 0.8 * known.sum()


def test_where_nothing_can_be_done_nothing_is_written(tmp_path: Path):
    video.write(
        (np.zeros((96, 128, 3), np.uint8) for _ in range(8)),
        tmp_path / "dark.mp4",
        fps=8,
        history=(Step("test", {}),),
    )
    dark, out = tmp_path / "dark.mp4", tmp_path / "out.mp4"
    with pytest.raises(FaceError, match="no face found"):
        verbs.live(dark, out, kit=kit(), warmth=0.5)
    with pytest.raises(FaceError, match="no face found"):
        verbs.live(dark, out, kit=kit(), gallery=collins()[0], consent="both agreed")
    assert [path.name for path in tmp_path.iterdir()] == ["dark.mp4"]
    with pytest.raises(RequestError, match="who agreed"):
        verbs.live(dark, out, kit=kit(), gallery=collins()[0])


def test_a_slow_stream_drops_and_never_waits():
    passed = [0.0]

    class Slow(Live):
        def frame(self, pixels: Array, now: float) -> Array:
            passed[0] += 0.1
            return pixels

    told = Told()
    frames = (np.full((8, 8, 3), i, np.uint8) for i in range(30))
    with Slow(LiveEdits((), kit()), kit()) as stream:
        out = list(streamed(frames, 30.0, stream, told, clock=lambda: passed[0]))
    assert len(out) == told.given == 30 and told.shown <= 30 / 3 + 1
    assert told.latency < 0.15, "the newest frame wins"


def test_a_clip_is_read_as_a_camera_would(tmp_path: Path):
    made = animate(hopper(), "nod", consent="public domain", size=240, fps=10, kit=kit())
    made.write(tmp_path / "nods.mp4")
    told = verbs.live(
        tmp_path / "nods.mp4",
        tmp_path / "out.mp4",
        portrait=hopper(),
        consent="public domain",
        seconds=1.0,
        kit=kit(),
    )
    assert told.given >= 10 and told.shown > 0
    verdict = verify(tmp_path / "out.mp4")
    assert verdict.state == "intact" and verdict.history[-1].consent == "public domain"
    assert verdict.history[-1].arguments == {"live": True} and "broken" not in " ".join(verdict.ingredients)
    for wrong in (0.0, float("nan")):
        with pytest.raises(RequestError, match="seconds came"):
            verbs.live(tmp_path / "nods.mp4", tmp_path / "no.mp4", seconds=wrong, kit=kit(), warmth=0.5)
    with pytest.raises(RequestError, match="what to do"):
        verbs.live(tmp_path / "nods.mp4", tmp_path / "no.mp4", kit=kit())
