"""Who is meant: by size, by number, and by a picture of somebody; and who is who while people pass each other."""

from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import Mien
from faces import collins, hopper, hopper_face, kit

from mien import FaceError, InputError, Person, Photo, RequestError, edit, verbs
from mien.face import geometry, mesh
from mien.io import photo_writer
from mien.pipeline.people import meant, person, select_faces
from mien.pipeline.tracking import Tracker
from mien.types import Alignment, Array, Face

SIDE = 300  # pixels of a person's part of a picture
WIDE = (3 * SIDE, SIDE)


@cache
def cut_out(of: str) -> tuple[Array, Array]:
    """A person's head and its outline, `[SIDE, SIDE, 3]` and `[SIDE, SIDE]` in 0..1."""
    photo, face = (hopper(), hopper_face()) if of == "hopper" else collins()
    crop = geometry.align(photo.pixels, face.landmarks, Alignment("ffhq", SIDE))
    outline = cv2.dilate(mesh.hull_mask(crop.landmarks, SIDE), np.ones((25, 25), np.uint8))
    return crop.pixels, cv2.GaussianBlur(outline.astype(np.float32), (0, 0), 2)


def scene(places: dict[str, int]) -> Array:
    """People before a grey wall, each with the left end of their part; the last one is in front."""
    out = np.full((*WIDE[::-1], 3), 130, np.float32)
    for of, left in places.items():
        pixels, outline = cut_out(of)
        part = out[:, left : left + SIDE]
        part += (pixels - part) * outline[..., None]
    return np.rint(out).astype(np.uint8)


@cache
def two() -> Photo:
    return Photo(scene({"collins": 0, "hopper": 2 * SIDE}))


@cache
def two_faces() -> list[Face]:
    return kit().faces(two().pixels)


@pytest.mark.parametrize(
    ("which", "error", "said"),
    [
        ("3", FaceError, "there is no face 3: 2 found"),
        ("0", FaceError, "no face 0"),
        ("left", RequestError, "neither all, largest"),
    ],
)
def test_a_face_that_is_not_there(which: str, error: type[Exception], said: str):
    with pytest.raises(error, match=said):
        select_faces(kit(), two().pixels, two_faces(), which)


def test_faces_are_chosen_by_size_and_number():
    for which, chosen in {"all": [0, 1], "1": [0], "2": [1]}.items():
        assert select_faces(kit(), two().pixels, two_faces(), which) == chosen
    (largest,) = select_faces(kit(), two().pixels, two_faces(), "largest")
    assert two_faces()[largest].area == max(face.area for face in two_faces())
    with pytest.raises(FaceError, match="no face found in 640 x 480"):
        select_faces(kit(), np.zeros((480, 640, 3), np.uint8), [], "all")


def test_a_person_is_found_wherever_they_stand():
    for photo, place in ((hopper(), 1), (collins()[0], 0)):
        who = person(photo, kit=kit())
        assert select_faces(kit(), two().pixels, two_faces(), who) == [place]
        mirrored = np.ascontiguousarray(two().pixels[:, ::-1])
        assert select_faces(kit(), mirrored, kit().faces(mirrored), who) == [1 - place]


def test_somebody_who_is_not_there_is_nobody_else():
    with pytest.raises(
        FaceError, match=r"nobody here is who collins.jpg shows: the most alike of 1 scores 0\."
    ):
        edit(hopper(), face=person(collins()[0], kit=kit()), smile=0.5, kit=kit())


def test_a_picture_must_show_one_person():
    with pytest.raises(FaceError, match="shows 2 faces: give a picture of one person"):
        person(two(), kit=kit())
    with pytest.raises(FaceError, match="nobody to look for"):
        person(np.full((64, 64, 3), 90, np.uint8), kit=kit())
    with pytest.raises(InputError, match="neither all, largest, a number nor a picture"):
        meant("nosuch.jpg", kit=kit())


def test_only_the_person_who_is_meant_is_edited(mien: Mien, tmp_path: Path):
    group, reference, out = (tmp_path / name for name in ("group.png", "hopper.png", "out.png"))
    photo_writer.write(two(), group)
    photo_writer.write(Photo(hopper().pixels), reference)
    assert mien("edit", group, "--face", reference, "--lips", "red", "-o", out).code == 0
    changed = (verbs.read(out).pixels != two().pixels).any(2)
    assert changed[:, 2 * SIDE :].any() and not changed[:, :SIDE].any()
    (step,) = verbs.verify(out).history
    who = person(reference, kit=kit())
    assert step.arguments["face"] == "hopper.png" and step.arguments["face_sha256"] == who.sha256
    assert (
        mien(
            "edit", tmp_path / "group.png", "--face", tmp_path / "nosuch.png", "--lips", "red", "-o", out
        ).code
        == 2
    )


def test_align_takes_only_the_person(mien: Mien, tmp_path: Path):
    for name, photo in {"a.png": two(), "b.png": Photo(collins()[0].pixels)}.items():
        photo_writer.write(photo, tmp_path / name)
    ran = mien(
        "align", tmp_path / "a.png", tmp_path / "b.png", "--like", tmp_path / "b.png", "-o", tmp_path / "out"
    )
    assert ran.code == 0, ran.err
    crops = sorted((tmp_path / "out" / "images").iterdir())
    assert [path.name for path in crops] == ["a-1.png", "b-1.png"]
    ran = mien("align", tmp_path / "b.png", "--like", tmp_path / "a.png", "-o", tmp_path / "none")
    assert ran.code == 2 and "a.png shows 2 faces" in ran.err


def who_is_who(tracker: Tracker, places: list[dict[str, int]]) -> list[dict[int, str]]:
    """For each frame, by number: who is at the face's place."""
    out: list[dict[int, str]] = []
    for i, place in enumerate(places):
        sight = tracker.look(scene(place), i / 25)
        centres = {of: left + SIDE / 2 for of, left in place.items()}
        out.append(
            {
                number: min(centres, key=lambda of: abs(centres[of] - float(face.box[[0, 2]].mean())))
                for number, face in sight.faces.items()
            }
        )
    return out


PASSING = [{"collins": 560 - 22 * i, "hopper": 20 + 22 * i} for i in range(25)]  # hopper in front


@pytest.mark.parametrize("which", ["1", "person"])
def test_who_passes_before_somebody_stays_who_they_are(which: str):
    by: str | Person = which if which == "1" else person(hopper(), kit=kit())
    tracker = Tracker(kit(), by)
    seen = who_is_who(tracker, PASSING)
    assert seen[0] == {1: "hopper", 2: "collins"}, "from left to right"
    assert seen[-1] == seen[0], "and the same when they have changed sides"
    assert all(found.get(1, "hopper") == "hopper" for found in seen), (
        "the first number is never anybody else's"
    )
    assert tracker.meant == {1}


def test_who_comes_back_elsewhere_is_the_same():
    places = (
        [{"hopper": 0, "collins": 600}] * 5 + [{"collins": 600}] * 8 + [{"collins": 600, "hopper": 300}] * 8
    )
    seen = who_is_who(Tracker(kit(), "all"), places)
    assert seen[0] == seen[-1] == {1: "hopper", 2: "collins"} and seen[10] == {2: "collins"}
