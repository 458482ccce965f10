"""Clips: what is edited, what stays as it was, and a run that is stopped and goes on."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import cv2
import numpy as np
import pytest
from conftest import Mien
from faces import collins, hopper_face, planned
from films import HEIGHT, decoded, film, luma, packets, shot, times

from mien import verbs, verify
from mien.errors import InputError, OutputError
from mien.face import geometry
from mien.io import clip_reader as footage
from mien.io import clip_writer as video
from mien.models.parser import REGIONS
from mien.pipeline import clip_changes as clips
from mien.pipeline import resume as parts
from mien.pipeline import tracking as tracks
from mien.pipeline.clip_edit import clip_editor
from mien.pipeline.tracking import TrackedFrame, Tracker
from mien.types import Alignment, Array, Change, Face, Identity, Phase, Silent


@pytest.fixture(scope="module")
def walk(portrait: Array, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty frames of a face that moves, with sound."""
    return film(tmp_path_factory.mktemp("clips") / "walk.mp4", [shot(portrait, i) for i in range(20)])


# ---- the file


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_sound_time_stamps_and_turn_stay_as_they_were(
    mien: Mien, portrait: Array, tmp_path: Path, suffix: str
):
    frames = [np.rot90(shot(portrait, i), 1) for i in range(16)]
    source = film(tmp_path / f"film{suffix}", frames, gaps=(512, 700, 300), turn=-90)
    out = tmp_path / "out.mp4"
    ran = mien("edit", source, "--smile", 0.8, "-o", out, "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out) | {"fps": 0} == {
        "input": str(source), "output": str(out), "state": "done", "frames": 16, "fps": 0, "faces": 1,
    }  # fmt: skip
    assert times(out) == times(source)
    before, after = decoded(source), decoded(out)
    assert (after[0].width, after[0].height, after[0].rotation) == (
        before[0].width,
        before[0].height,
        before[0].rotation,
    )
    assert [p[3] for p in packets(out)] == [p[3] for p in packets(source)]
    assert [p[:2] for p in packets(out)] == [p[:2] for p in packets(source)]
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted([source.name, "out.mp4"])
    verdict = verify(out)
    assert verdict.state == "intact" and verdict.ingredients == (source.name,)
    assert verdict.history[0].arguments == {"smile": 0.8, "face": "all"}
    difference = np.abs(luma(after[8]) - luma(before[8]))
    assert difference.max() > 25 and np.median(difference) < 1.5


def test_a_labelled_clip_remembers_what_was_done_before(mien: Mien, walk: Path, tmp_path: Path):
    assert mien("edit", walk, "--smile", 0.5, "--to", 0.3, "-o", tmp_path / "a.mp4").code == 0
    assert mien("edit", tmp_path / "a.mp4", "--age", 20, "-o", tmp_path / "b.mp4").code == 0
    verdict = verify(tmp_path / "b.mp4")
    assert verdict.state == "intact" and [next(iter(step.arguments)) for step in verdict.history] == [
        "smile",
        "age",
    ]


def test_only_a_part_is_written(mien: Mien, walk: Path, tmp_path: Path):
    out = tmp_path / "part.mp4"
    assert mien("edit", walk, "--smile", 1, "--from", "0:00:00.3", "--to", 0.6, "-o", out).code == 0
    assert times(out) == [Fraction(i, 30) for i in range(9)]
    whole, part = packets(walk), packets(out)
    kept = [p[3] for p in whole if Fraction(3, 10) <= p[0] < Fraction(6, 10)]
    assert [p[3] for p in part] == kept and abs(part[0][0]) < 0.03


def test_a_glimpse_is_the_frame_that_a_part_would_begin_with(walk: Path, monkeypatch: pytest.MonkeyPatch):
    clip, whole = footage.clip(walk), list(footage.frames(footage.clip(walk)))
    begins = [frame.time - whole[0].time for frame in whole]
    moments = [0.0, begins[3], begins[3], begins[7] - 0.01, begins[-1] + 9]
    for leap in (footage.LEAP, 0.001):  # one after the other, and sought
        monkeypatch.setattr(footage, "LEAP", leap)
        seen = list(footage.glimpses(clip, moments))
        assert [one.number for one in seen] == [0, 1, 2, 3, 4]
        for one, i in zip(seen, (0, 3, 3, 7, -1), strict=True):
            assert abs(one.time - begins[i]) < 1e-6 and np.array_equal(one.pixels, whole[i].pixels)


@pytest.mark.parametrize("apart", [15, 250])  # frames from one that is coded whole to the next
def test_a_part_of_a_file_without_an_index_is_whole(portrait: Array, tmp_path: Path, apart: int):
    shots = [shot(portrait, i) for i in range(75)]
    path = film(tmp_path / "film.mts", shots, sound=None, knobs={"x264-params": f"keyint={apart}"})
    clip = footage.clip(path)
    whole = list(footage.frames(clip))
    begin = Fraction(whole[23].picture.pts) * clip.time_base
    part = list(footage.frames(replace(clip, begin=begin)))
    assert [one.time for one in part] == [one.time for one in whole[23:]]
    assert np.array_equal(part[0].pixels, whole[23].pixels)
    later = footage.frames(clip, begin=70, ticks=whole[70].picture.pts)
    assert [one.time for one in later] == [one.time for one in whole[70:]]


def test_what_an_edit_left_alone_is_not_converted(walk: Path):
    clip = footage.clip(walk)
    one, other = (next(footage.frames(clip)) for _ in range(2))
    pixels = one.pixels
    assert one.drawn(pixels, pixels.copy()) is one.picture
    changed = pixels.copy()
    changed[100:120, 100:130] = (250, 20, 20)
    drawn = one.drawn(pixels, changed).to_ndarray()[:HEIGHT].astype(int)
    kept = other.picture.to_ndarray()[:HEIGHT].astype(int)
    difference = np.abs(drawn - kept) > 0
    assert difference[100:120, 100:130].mean() > 0.9
    difference[98:122, 98:132] = False
    assert not difference.any()
    assert np.abs(one.pixels[104:116, 104:126].astype(int) - (250, 20, 20)).max() < 40


@pytest.mark.parametrize(
    ("suffix", "codec", "sound"),
    [
        (".mts", "libx264", "ac3"),
        (".avi", "mpeg4", "pcm_s16le"),
        (".mpg", "mpeg2video", "mp2"),
        (".3gp", "mpeg4", "aac"),
        (".flv", "libx264", "aac"),
        (".vob", "mpeg2video", "mp2"),
        (".f4v", "libx264", "aac"),
    ],
)
def test_films_of_camcorders_and_old_phones(
    portrait: Array, tmp_path: Path, suffix: str, codec: str, sound: str
):
    """Pictures and sound keep their distance, whatever the clock of the file begins with."""
    source, out = tmp_path / f"film{suffix}", tmp_path / "out.mp4"
    film(source, [shot(portrait, i) for i in range(8)], codec=codec, sound=sound, layout="stereo")
    told = verbs.edit_clip(source, out, smile=0.8)
    assert (told.frames, told.faces, told.left_out) == (8, 1, ())
    assert verify(out).state == "intact" and verify(out).ingredients == (source.name,)
    before, after = packets(source), packets(out)
    assert [p[3] for p in before] == [p[3] for p in after] and before
    shift = before[0][0] - after[0][0]
    moved = zip(times(source), times(out), strict=True)
    assert all(abs(old - new - shift) < Fraction(1, 10_000) for old, new in moved)
    assert abs(after[0][0]) < Fraction(1, 20)


def test_a_film_is_told_by_what_is_in_it(mien: Mien, walk: Path, photo: Path, tmp_path: Path):
    source = tmp_path / "film.dat"
    source.write_bytes(walk.read_bytes())
    assert mien("edit", source, "--warmth", 0.5, "--to", 0.1, "-o", tmp_path / "out.mp4").code == 0
    source.write_text("words")
    ran = mien("edit", source, "--warmth", 0.5, "-o", tmp_path / "out.jpg")
    assert ran.code == 2 and "is a text file" in ran.err


def test_half_pictures_stay_half_pictures(portrait: Array, tmp_path: Path):
    """As camcorders film: whoever plays the clip is told of them, as before."""
    source, out = tmp_path / "a.mts", tmp_path / "out.mp4"
    film(source, [shot(portrait, i) for i in range(4)], sound=None, knobs={"x264-params": "bff=1"})
    assert footage.clip(source).fields == "bff"
    verbs.edit_clip(source, out, warmth=0.5)
    assert all(one.interlaced_frame for one in decoded(out)) and footage.clip(out).fields == "bff"


def test_what_no_mp4_holds_is_left_out_and_said(mien: Mien, portrait: Array, tmp_path: Path):
    """A second track of sound, as phones film, and bits beyond 8."""
    frames = [shot(portrait, 0)] * 4
    source, out = film(tmp_path / "both.mkv", frames, sound="aac wavpack"), tmp_path / "out.mp4"
    second = film(tmp_path / "2.mkv", frames, sound="wavpack")
    ran = mien("edit", source, "--warmth", 0.5, "-o", out, "--json")
    assert ran.code == 0 and ran.err.count("left out: 1 sound track (wavpack)") == 1, ran
    assert json.loads(ran.out)["left_out"] == ["1 sound track (wavpack)"]
    assert [p[3] for p in packets(out)] == [p[3] for p in packets(film(tmp_path / "1.mkv", frames))]
    ran = mien("edit", second, "--warmth", 0.5, "-o", tmp_path / "no.mp4")
    assert ran.code == 2 and "sound that no .mp4 holds (wavpack)" in ran.err
    fine = film(tmp_path / "fine.mkv", frames, sound=None, pixels="yuv420p10le")
    assert verbs.edit_clip(fine, tmp_path / "8.mp4", warmth=0.5).left_out == ("2 of its 10 bits a channel",)


def test_place_camera_and_local_time_of_phones_are_kept(portrait: Array, tmp_path: Path):
    about = {"location.ISO6709": "+48.1+011.5/", "make": "Maker", "creationdate": "2025-05-01T12:00:00+0200"}
    about = {f"com.apple.quicktime.{name}": value for name, value in about.items()} | {"title": "A day"}
    options = {"movflags": "use_metadata_tags"}
    source = film(tmp_path / "a.mov", [shot(portrait, 0)] * 3, sound=None, options=options, metadata=about)
    verbs.edit_clip(source, tmp_path / "out.mp4", warmth=0.5)
    with av.open(str(tmp_path / "out.mp4")) as after:
        assert about.items() <= after.metadata.items()
    assert verify(tmp_path / "out.mp4").state == "intact"


ONE = 1 << 16


@pytest.mark.parametrize(
    ("matrix", "upright"),
    [
        ((1, 0, 0, 1), lambda p: p),
        ((-1, 0, 0, 1), lambda p: p[:, ::-1]),
        ((1, 0, 0, -1), lambda p: p[::-1]),
        ((-1, 0, 0, -1), lambda p: p[::-1, ::-1]),
        ((0, 1, -1, 0), lambda p: np.rot90(p, -1)),
        ((0, -1, 1, 0), lambda p: np.rot90(p, 1)),
        ((0, 1, 1, 0), lambda p: p.transpose(1, 0, 2)),
        ((0, -1, -1, 0), lambda p: p[::-1, ::-1].transpose(1, 0, 2)),
    ],
)
def test_turned_and_mirrored_films_are_set_upright(
    portrait: Array, tmp_path: Path, matrix: tuple[int, ...], upright: Callable[[Array], Array]
):
    """x, y is shown at ax + cy, bx + dy; what is changed upright lies in the file where it belongs."""
    a, b, c, d = (v * ONE for v in matrix)
    display = (a, b, 0, c, d, 0, 0, 0, 1 << 30)
    source = film(tmp_path / "a.mp4", [shot(portrait, 0)] * 2, sound=None, display=display)
    clip, plain = footage.clip(source), decoded(source)[0].to_ndarray(format="rgb24")
    frame = next(footage.frames(clip))
    assert np.abs(frame.pixels.astype(int) - upright(plain)).mean() < 2
    changed = frame.pixels.copy()
    changed[10:30, 20:60] = 255
    drawn = upright(frame.drawn(frame.pixels, changed).to_ndarray(format="rgb24")).astype(int)
    difference = np.abs(drawn - upright(plain)).max(2) > 60
    assert difference[12:28, 22:58].mean() > 0.5
    difference[8:32, 18:62] = False
    assert not difference.any()


def test_metadata_that_is_no_text_is_kept(portrait: Array, tmp_path: Path):
    """Old cameras write Latin-1."""
    source, out = (
        film(tmp_path / "a.mp4", [shot(portrait, 0)] * 3, sound=None, metadata={"title": "Caf\u00e9"}),
        tmp_path / "b.mp4",
    )
    source.write_bytes(source.read_bytes().replace("Caf\u00e9".encode(), b"Caf\xe9s"))
    assert verbs.edit_clip(source, out, warmth=0.5).frames == 3
    assert b"Caf\xe9s" in out.read_bytes()


def test_a_playlist_opens_no_other_file(walk: Path, tmp_path: Path):
    lists = {
        "a.mp4": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{walk}\n#EXT-X-ENDLIST\n",
        "b.mp4": f"ffconcat version 1.0\nfile '{walk}'\n",
    }
    for name, text in lists.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(InputError, match="cannot be read as a film"):
            footage.clip(tmp_path / name)


# ---- faces over time


def seen(where: Array, landmarks: Array, number: int = 1, **other: Any) -> TrackedFrame:
    points = (landmarks + where).astype(np.float32)
    face = Face(
        np.concatenate([points.min(0), points.max(0)]), points, np.zeros(478, np.float32), 1.0, 0, 0, 0
    )
    return replace(TrackedFrame(0.0, False, {number: face}, frozenset([number])), **other)


@pytest.fixture(scope="module")
def landmarks() -> Array:
    return np.random.default_rng(0).uniform(0, 200, (478, 2))


def paths(sights: list[TrackedFrame], fade: int = 6) -> Array:
    out = []
    for i in range(len(sights)):
        low = max(0, i - fade)
        out.append(tracks.smooth(sights[low : i + fade + 1], i - low, fade)[1][0].landmarks)
    return np.array(out)


def test_a_still_face_is_steady_and_a_moving_one_is_not_late(landmarks: Array):
    chance, steps = np.random.default_rng(1), np.arange(60) / 30
    noise = chance.normal(0, 0.5, (60, 478, 2))
    still = [seen(noise[i], landmarks, time=t) for i, t in enumerate(steps)]
    jitter = np.diff(paths(still), axis=0)[8:-8].std() / np.diff(noise, axis=0).std()
    assert jitter < 0.2
    for where in (lambda t: 400 * t, lambda t: 60 * np.sin(2 * np.pi * 1.0 * t)):
        truth = np.stack([where(steps), 0 * steps], -1)
        path = paths([seen(truth[i] + noise[i], landmarks, time=t) for i, t in enumerate(steps)])
        error = (path - landmarks - truth[:, None]).mean(1)[8:-8, 0]
        speed = np.gradient(truth[:, 0], steps)[8:-8]
        late = float((error * speed).sum() / (speed * speed).sum())  # seconds
        assert abs(late) < 0.002 and np.abs(error).max() < 1.5


def test_a_mesh_that_slips_onto_a_second_face_is_not_followed(landmarks: Array):
    """Where one comes out behind another, the mesh of the first reaches over both for a few frames."""
    landmarks = landmarks.copy()
    landmarks[list(tracks.CORNERS)] = (70, 80), (130, 80)
    landmarks[list(tracks.SIDES)] = [(x, y) for x in (20, 180) for y in (60, 100, 140, 160)]
    slipped = np.where(landmarks[:, :1] < 100, (-30, 0), (0, 0))
    sights = [
        seen(np.array((6 * i, 0)) + (slipped if 9 <= i < 12 else 0), landmarks, time=i / 25, cut=i == 0)
        for i in range(24)
    ]
    away = paths(sights, 5) - landmarks
    assert np.abs(away - np.array([[[6 * i, 0]] for i in range(24)])).max() < 0.1


def test_a_cut_forgets_and_a_lost_face_fades(landmarks: Array):
    sights = [seen(np.zeros(2), landmarks, time=i / 30, cut=i == 0) for i in range(12)]
    gone = [TrackedFrame((12 + i) / 30, False, {}, frozenset()) for i in range(12)]
    there = [tracks.smooth([*sights, *gone], i, 6).get(1, (None, 0.0))[1] for i in range(24)]
    assert (
        there[:5] == [1.0] * 5
        and all(a > b for a, b in itertools.pairwise(there[6:13]))
        and there[12:] == [0.0] * 12
    )
    bridged = [*sights[:5], *gone[:2], *sights[7:]]
    assert [tracks.smooth(bridged, i, 6)[1][1] for i in range(12)] == [1.0] * 12
    far = [seen(np.full(2, 900.0), landmarks, number=2, time=(12 + i) / 30, cut=i == 0) for i in range(12)]
    both = [tracks.smooth([*sights, *far], i, 6) for i in range(24)]
    assert [list(one) for one in both] == [[1]] * 12 + [[2]] * 12 and all(
        weight == 1.0 for one in both for _, weight in one.values()
    )


def test_a_lost_face_passes_through(portrait: Array, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The face is there for ten frames, away for twelve and there again: in between, pictures are the decoded
    ones bit by bit."""
    source = film(
        tmp_path / "lost.mp4", [shot(portrait, i, face=not 10 <= i < 22) for i in range(34)], sound=None
    )
    kit = verbs.shared_kit()
    line = clip_editor("all", planned({"smile": 1.0}), 30, kit)
    clip = footage.clip(source)
    monkeypatch.setattr(tracks, "CUT", 1e9)  # it is the same shot
    drawn = [one.to_ndarray().astype(int) for one in line.run(footage.frames(clip))]
    plain = [one.picture.to_ndarray().astype(int) for one in footage.frames(clip)]
    change = np.array([np.abs(a - b).sum() for a, b in zip(drawn, plain, strict=True)])
    assert not change[10:22].any() and change[0:6].min() > 3000
    assert change[9] < 0.5 * change[5] and (change[26:] > 0).all()


def test_what_is_not_done_in_some_frames_is_told_so(portrait: Array, tmp_path: Path):
    """A mouth that is covered for a while, and one that is all the time."""
    frames = [shot(portrait, 0) for _ in range(16)]
    mouth = np.rint(hopper_face().landmarks[[13, 152]].mean(0) * 0.4 + (30, 0)).astype(int).tolist()
    covered = [cv2.circle(one.copy(), mouth, 20, (20, 20, 22), -1) for one in frames]
    told = []
    for name, shots in (("some", covered[:8] + frames[8:]), ("all", covered)):
        source = film(tmp_path / f"{name}.mp4", shots, sound=None)
        told.append(verbs.edit_clip(source, tmp_path / f"{name}-out.mp4", beard=0.5, warmth=0.3).notes)
    assert told[1] == ("face 1 has its mouth covered, so nothing was done to the beard",)
    assert told[0] == (f"{told[1][0]} (in some frames)",)


def test_texture_comes_from_one_place_or_another():
    """Not from between them, where anything may be; what comes from nearly one place is averaged."""
    alpha, zero = np.ones((8, 8), np.float32), np.zeros((8, 8, 3), np.float32)

    def fetched(at: float, colour: float) -> Change:
        return Change(np.full((8, 8, 2), at, np.float32), zero + np.float32(colour), alpha, kind="texture")

    near = clips.mean([(fetched(10, 0.2), 1.0), (fetched(11, 0.4), 1.0), (fetched(90, 0.9), 0.5)])
    assert np.allclose(near.flow, 10.5) and np.allclose(near.colour, 0.3)
    plain = [replace(fetched(at, 0), kind="skin") for at in (10, 90)]
    assert np.allclose(clips.mean([(one, 1.0) for one in plain]).flow, 50)


def test_memory_does_not_grow_with_the_clip(landmarks: Array):
    """The line holds no more after 400 frames than after 60."""
    face = seen(np.zeros(2), landmarks + 20).faces[1]
    nothing = Change(
        np.zeros((64, 64, 2), np.float32), np.zeros((64, 64, 3), np.float32), np.zeros((64, 64), np.float32)
    )

    class Still:
        alignment, networks, phase = Alignment("head", 64), (), Phase.RESHAPE

        def __call__(self, crop: Any) -> Change:
            return nothing

    kit: Any = SimpleNamespace(
        faces=lambda pixels: [face],
        landmarker=SimpleNamespace(again=lambda pixels, face: face),
        embedder=lambda: SimpleNamespace(
            threshold=0.6, identity_in=lambda pixels, face: Identity(np.array([1.0]))
        ),
        prototypes=SimpleNamespace(triangles=np.array([[0, 1, 2]])),
        parser=SimpleNamespace(
            alignment=Alignment("wide", 64),
            parse=lambda crop: dict.fromkeys(REGIONS, np.zeros((64, 64), np.float32)),
        ),
    )
    line = clip_editor("all", [Still()], 30, kit)
    pixels = np.zeros((240, 240, 3), np.uint8)
    source: Any = (
        SimpleNamespace(
            number=i, time=i / 30, picture=SimpleNamespace(pts=i), pixels=pixels, drawn=lambda a, b: a
        )
        for i in range(400)
    )
    held, taken = [], 0
    for taken, _ in enumerate(line.run(source), 1):  # noqa: B007
        held.append(
            tuple(
                map(
                    len,
                    (
                        line.waiting,
                        line.sights,
                        line.steady,
                        line.held.keys,
                        line.held.means,
                        line.fronts,
                        line.tracker.known,
                    ),
                )
            )
        )
    assert taken == 400 and max(held[60:]) <= max(held[:60]) and max(map(max, held)) <= 2 * line.behind + 2


def test_which_face_is_meant(couple: Array):
    pixels = np.ascontiguousarray(cv2.resize(couple, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA))
    for which, wanted in (("all", {1, 2}), ("largest", {1}), ("1", {1}), ("2", {2}), ("3", set())):
        tracker = Tracker(verbs.shared_kit(), which)
        _, sight = (tracker.look(pixels, i / 30) for i in range(2))
        assert set(sight.meant) == wanted and len(sight.faces) == 2


def test_a_change_sticks_to_the_face(portrait: Array):
    size, triangles = 256, verbs.shared_kit().prototypes.triangles
    (face,) = verbs.shared_kit().faces(portrait)
    at = geometry.align(portrait, face.landmarks, Alignment("head", size)).landmarks
    x, y = np.meshgrid(np.arange(size), np.arange(size))
    alpha = np.exp(-((x - at[1, 0]) ** 2 + (y - at[1, 1]) ** 2) / 60).astype(np.float32)
    change = Change(np.zeros((size, size, 2), np.float32), np.zeros((size, size, 3), np.float32), alpha)
    to = at + np.array([6, 4], np.float32)
    went = clips.moved((at, change), to, triangles).alpha
    y, x = divmod(int(went.argmax()), size)
    assert abs(x - float(to[1, 0])) < 1.5 and abs(y - float(to[1, 1])) < 1.5
    half = clips.mean([(change, 1.0), (replace(change, alpha=np.zeros_like(alpha)), 3.0)])
    assert np.allclose(half.alpha, alpha / 4, atol=1e-6)


def test_what_is_held_before_a_face_stays(portrait: Array, tmp_path: Path):
    """A green card that comes from below, while the face gets warmer."""
    tops, frames = [330 - 6 * i for i in range(16)], []
    for top in tops:
        frames.append(portrait.copy())
        frames[-1][top : top + 200, 280:340] = (40, 150, 60)
    source = film(tmp_path / "card.mp4", frames, sound=None)
    verbs.edit_clip(source, tmp_path / "out.mp4", warmth=1.0)
    before, after = decoded(source), decoded(tmp_path / "out.mp4")
    for k in (9, 12, 15):
        change = after[k].to_ndarray(format="rgb24").astype(float) - before[k].to_ndarray(format="rgb24")
        held, cheek = change[tops[k] + 6 : 328, 286:334, 2], change[230:270, 190:230, 2]
        assert abs(held.mean()) < 3 and cheek.mean() < -8


# ---- a run that is stopped

RUN = """
import sys, time
from pathlib import Path
from mien import verbs
from mien.pipeline import resume as parts
parts.PART = 0.2
def report(done, total):
    print(done, flush=True)
    if len(sys.argv) > 3:
        time.sleep(0.05)
verbs.edit_clip(Path(sys.argv[1]), Path(sys.argv[2]), smile=0.8, resume=True, report=report)
"""


def test_a_killed_run_goes_on_as_if_it_had_not_been(mien: Mien, walk: Path, tmp_path: Path):
    whole, halted = tmp_path / "whole.mp4", tmp_path / "halted.mp4"

    def run(out: Path, *more: str) -> list[str]:
        return [sys.executable, "-c", RUN, str(walk), str(out), *more]

    other = subprocess.Popen(run(whole), stdout=subprocess.PIPE, text=True)
    with subprocess.Popen(run(halted, "slowly"), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            if int(line) == 9:
                process.send_signal(signal.SIGKILL)
                break
    assert other.wait() == 0
    folder = tmp_path / "halted.mp4.parts"
    assert not halted.exists() and json.loads((folder / "done.json").read_text())["frames"] == 6
    ran = mien("edit", walk, "--smile", 0.5, "-o", halted, "--resume")
    assert ran.code == 2 and "another request" in ran.err and ran.err.count("\n") == 1
    ran = mien("edit", walk, "--smile", 0.8, "-o", halted)
    assert ran.code == 2 and "--resume" in ran.err and folder.exists()
    again = subprocess.run(run(halted), capture_output=True, text=True, check=True)
    assert int(again.stdout.split()[0]) == 7 and not folder.exists()
    one, two = decoded(whole), decoded(halted)
    assert len(one) == len(two) == 20
    assert all((a.to_ndarray() == b.to_ndarray()).all() for a, b in zip(one, two, strict=True))
    assert packets(whole) == packets(halted) and times(whole) == times(halted)


def test_ctrl_c_keeps_what_is_done(walk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    out, done = tmp_path / "out.mp4", []
    with pytest.raises(KeyboardInterrupt):
        old: Any = {"report": lambda n, total: done.append(n), "stopped": lambda: len(done) == 5}
        verbs.edit_clip(walk, out, smile=0.5, **old)
    assert (
        not out.exists() and json.loads((tmp_path / "out.mp4.parts" / "done.json").read_text())["frames"] == 5
    )
    told = verbs.edit_clip(walk, out, smile=0.5, resume=True)
    assert (told.frames, told.faces) == (20, 1) and times(out) == times(walk)


def test_one_run_at_a_time_works_at_an_output(walk: Path, tmp_path: Path):
    """A second run, resumed or not, is refused while the first is at work, and takes nothing of it away."""
    out, said = tmp_path / "out.mp4", list[str]()

    class Rival(Silent):
        def advance(self, done: int, total: int) -> None:
            if done == 3:
                for flag in ("resume", "force", "warmth"):
                    asked: dict[str, Any] = {"warmth": 0.5} | {flag: True if flag != "warmth" else 0.5}
                    with pytest.raises(OutputError) as refused:
                        verbs.edit_clip(walk, out, **asked)
                    said.append(str(refused.value))

    assert verbs.edit_clip(walk, out, warmth=0.5, progress=Rival()).frames == 20
    assert len(said) == 3 and all("another run is at work on" in line for line in said)
    assert times(out) == times(walk) and not (tmp_path / "out.mp4.parts").exists()


@pytest.mark.parametrize("flag", ["--resume", "--force"])
def test_a_folder_of_somebody_elses_is_left_alone(mien: Mien, walk: Path, tmp_path: Path, flag: str):
    out, folder = tmp_path / "out.mp4", tmp_path / "out.mp4.parts"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    ran = mien("edit", walk, "--warmth", 0.5, "-o", out, flag)
    assert ran.code == 2 and "did not make (thesis.txt)" in ran.err and ran.err.count("\n") == 1
    assert (folder / "thesis.txt").read_text() == "years of work" and not out.exists()


def test_a_damaged_folder_of_parts_is_one_line(
    mien: Mien, walk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    out, folder, done = tmp_path / "out.mp4", tmp_path / "out.mp4.parts", list[int]()
    monkeypatch.setattr(parts, "PART", 0.2)
    old: Any = {"report": lambda n, total: done.append(n), "stopped": lambda: len(done) == 14}
    with pytest.raises(KeyboardInterrupt):
        verbs.edit_clip(walk, out, smile=0.5, **old)
    told, state = folder / "done.json", next(folder.glob("*.npz"))
    whole, kept = told.read_text(), state.read_bytes()
    harmed = [whole.replace('"schema": 4', '"schema": []'), "[]", "5", "null", "", "[" * 100_000]
    harmed += [whole.replace("00000.nut", name) for name in ("00007.nut", "../out.mp4", "/etc/passwd")]
    harmed += [
        whole.replace('"frames": ', '"frames": "x"; '),
        whole.replace('"parts": {', '"parts": {"x": 3, '),
    ]
    for text in harmed:
        told.write_text(text)
        ran = mien("edit", walk, "--smile", 0.5, "-o", out, "--resume")
        assert ran.code == 2 and "--force" in ran.err and ran.err.count("\n") == 1, (text[:80], ran)
    told.write_text(whole)
    for size in (0, 40, len(kept) // 2, len(kept) - 8):
        state.write_bytes(kept[:size])
        ran = mien("edit", walk, "--smile", 0.5, "-o", out, "--resume")
        assert ran.code == 2 and "is damaged" in ran.err and ran.err.count("\n") == 1, ran
    state.write_bytes(kept)
    part = folder / "00000.nut"
    encoded = part.read_bytes()
    middle = len(encoded) // 2
    for damaged in (encoded[:middle], encoded[:middle] + b"?" + encoded[middle + 1 :]):
        part.write_bytes(damaged)
        ran = mien("edit", walk, "--smile", 0.5, "-o", out, "--resume")
        assert ran.code == 2 and "00000.nut is not as it was written" in ran.err and not out.exists(), ran
    assert mien("edit", walk, "--smile", 0.5, "-o", out, "--force").code == 0 and not folder.exists()


def test_parts_of_uneven_time_stamps_are_all_there(
    portrait: Array, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    source = film(tmp_path / "uneven.mp4", [shot(portrait, i) for i in range(15)], gaps=(512, 700, 300))
    monkeypatch.setattr(parts, "PART", 0.2)
    assert verbs.edit_clip(source, tmp_path / "out.mp4", smile=0.5).frames == 15
    assert times(tmp_path / "out.mp4") == times(source) and packets(tmp_path / "out.mp4") == packets(source)


# ---- what is refused


def test_refusals_are_one_line_and_leave_nothing(mien: Mien, walk: Path, portrait: Array, tmp_path: Path):
    empty = film(tmp_path / "wall.mp4", [shot(portrait, 0, face=False)] * 6, sound=None)
    (tmp_path / "broken.mp4").write_bytes(walk.read_bytes()[:3000])
    (tmp_path / "text.mkv").write_text("no film")
    sound = tmp_path / "sound.mp4"
    with av.open(str(sound), "w") as container:
        voice: Any = container.add_stream("aac", 48_000)
        block = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.int16), format="s16", layout="mono")
        block.sample_rate = 48_000
        container.mux([*voice.encode(block), *voice.encode()])
    before = sorted(one.name for one in tmp_path.iterdir())
    out = tmp_path / "out.mp4"
    for words, said in (
        ((empty, "--smile", 1, "-o", out), "no face found in 6 frames"),
        ((walk, "--smile", 1, "--face", 3, "-o", out), "there is no face 3"),
        ((tmp_path / "broken.mp4", "--smile", 1, "-o", out), "cannot be read as a film"),
        ((tmp_path / "text.mkv", "--smile", 1, "-o", out), "cannot be read as a film"),
        ((sound, "--smile", 1, "-o", out), "holds no pictures"),
        ((tmp_path / "none.mp4", "--smile", 1, "-o", out), "no such file"),
        ((walk, "--smile", 1, "-o", tmp_path / "out.avi"), "names no clip"),
        ((walk, "--smile", 0, "-o", out), "nothing would change"),
        ((walk, "--smile", 1, "--from", 5, "-o", out), "beyond its end"),
        ((walk, "--smile", 1, "--from", 0.5, "--to", 0.2, "-o", out), "--from is to be less"),
        ((walk, "--smile", 1, "--to", "soon", "-o", out), "no time"),
        ((walk, "--smile", 1, "--max-pixels", 1000, "-o", out), "more than the limit"),
    ):
        ran = mien("edit", *words)
        assert (
            ran.code == 2 and said in ran.err and ran.err.startswith("mien: ") and ran.err.count("\n") == 1
        ), (words, ran)
    assert sorted(one.name for one in tmp_path.iterdir()) == before


def test_in_a_dark_clip_hair_does_not_glow(tmp_path: Path):
    """Blond in full light has 150 levels and more: here as much of them as the clip has light."""
    dark = np.rint(collins()[0].pixels * 0.2).astype(np.uint8)
    clip, out = film(tmp_path / "dark.mp4", [dark] * 3), tmp_path / "out.mp4"
    verbs.edit_clip(clip, out, hair="blond")
    before, after = (decoded(one)[1].to_ndarray(format="rgb24").astype(int) for one in (clip, out))
    gain = (after - before).max(2)
    assert 10 < np.percentile(gain[gain > 4], 95) < 60


def test_a_full_disk_is_one_line(walk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: Any, **__: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(video, "encode", full)
    with pytest.raises(OutputError, match="the disk is full"):
        verbs.edit_clip(walk, tmp_path / "out.mp4", smile=0.5)
    assert not (tmp_path / "out.mp4").exists()


def test_many_files_of_both_kinds(mien: Mien, walk: Path, photo: Path, tmp_path: Path):
    folder, out = tmp_path / "in", tmp_path / "edited"
    folder.mkdir()
    out.mkdir()
    film(folder / "short.mkv", [one.to_ndarray(format="rgb24") for one in decoded(walk)[:6]])
    (folder / "bad.mp4").write_text("no film")
    photo.rename(folder / "photo.jpg")
    ran = mien("edit", folder, "--smile", 0.5, "-o", out, "--json")
    assert ran.code == 1 and sorted(one.name for one in out.iterdir()) == ["photo.jpg", "short.mp4"]
    told = [json.loads(line) for line in ran.out.splitlines()]
    assert sorted((Path(one["input"]).name, one["state"]) for one in told) == [
        ("bad.mp4", "failed"), ("photo.jpg", "done"), ("short.mkv", "done"),
    ]  # fmt: skip
    ran = mien("edit", folder / "short.mkv", "--smile", 0.5, "-o", out, "--resume")
    assert ran.code == 0 and "done already" in ran.err
