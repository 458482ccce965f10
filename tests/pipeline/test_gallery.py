"""A gallery: one person's pictures, measured, chosen from, saved and loaded."""

import json
import zipfile
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import Mien, save
from faces import HOPPER, ROOT, collins, hopper, kit

from mien.errors import FaceError, InputError
from mien.io import clip_writer
from mien.models.catalogue import WEIGHTS
from mien.pipeline.gallery import Gallery
from mien.types import Step

COLLINS = ROOT / "docs" / "collins.jpg"


@cache
def pictures() -> tuple[Gallery, ...]:
    return (Gallery.of(COLLINS, kit=kit()),)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eileen Collins, as she is and mirrored, and a picture of nothing."""
    place = tmp_path / "person"
    place.mkdir()
    photo, _ = collins()
    save(place / "a.png", photo.pixels)
    save(place / "b.png", photo.pixels[:, ::-1])
    save(place / "wall.png", np.full((200, 200, 3), 128, np.uint8))
    return place


def test_a_folder_of_one_person(folder: Path):
    gallery = Gallery.of(folder, kit=kit())
    assert [one.source.title for one in gallery.pictures] == ["a.png", "b.png"]
    assert all(one.source.role == "identity" and len(one.source.sha256) == 64 for one in gallery.pictures)
    assert gallery.identity.shape == (50,)
    assert gallery.expressions.shape == (2, 24)
    assert abs(gallery.pictures[0].portrait.yaw + gallery.pictures[1].portrait.yaw) < 3, (
        "they are mirror images"
    )
    assert "2 look ahead" in gallery.described()[0]


def test_a_clip_of_one_person(tmp_path: Path):
    photo, _ = collins()
    frames = (np.ascontiguousarray(np.roll(photo.pixels, 2 * i, 1)) for i in range(8))
    clip_writer.write(frames, tmp_path / "talk.mp4", fps=8, history=(Step("test", {}),))
    gallery = Gallery.of(tmp_path / "talk.mp4", kit=kit())
    assert len(gallery.pictures) == 8
    assert {one.source.title for one in gallery.pictures} == {"talk.mp4"}


def test_the_picture_that_is_most_alike_is_chosen(folder: Path):
    gallery = Gallery.of(folder, kit=kit())
    for picture, expression in zip(gallery.pictures, gallery.expressions, strict=True):
        assert gallery.choose(picture.portrait, expression) is picture


def test_two_people_are_refused(folder: Path):
    save(folder / "stranger.png", hopper().pixels)
    with pytest.raises(
        FaceError, match=r"stranger\.png is not who [ab]\.png shows \(likeness 0\.\d\d, one person 0\.6"
    ):
        Gallery.of(folder, kit=kit())


def test_no_face_and_no_picture_are_refused(folder: Path, tmp_path: Path):
    with pytest.raises(FaceError, match="no face found"):
        Gallery.of(folder / "wall.png", kit=kit())
    with pytest.raises(InputError, match="no such file or folder"):
        Gallery.of(tmp_path / "nobody", kit=kit())
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty: 0 pictures came, 1 to 300 were wanted"):
        Gallery.of(tmp_path / "empty", kit=kit())


def test_a_small_face_is_refused():
    photo, _ = collins()
    small = cv2.resize(photo.pixels, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    with pytest.raises(FaceError, match="the widest face has 5"):
        Gallery.of(small, kit=kit())


def test_saved_and_loaded(tmp_path: Path):
    (gallery,) = pictures()
    gallery.save(tmp_path / "c.gallery")
    again = Gallery.of(tmp_path / "c.gallery", kit=kit())
    assert (again.name, again.digest) == (gallery.name, gallery.digest)
    assert again.pictures[0].source.path == "", "where the picture lay is not written down"
    np.testing.assert_allclose(again.identity, gallery.identity, atol=1e-6)
    own, loaded = (one.pictures[0].portrait for one in (gallery, again))
    assert np.abs(own.crop.pixels.astype(int) - loaded.crop.pixels).mean() < 1.5
    assert np.array_equal(own.hidden, loaded.hidden)


def test_what_is_no_gallery_is_refused(tmp_path: Path):
    (gallery,) = pictures()
    bad = tmp_path / "bad.gallery"
    bad.write_bytes(b"no gallery")
    with pytest.raises(InputError, match=r"bad\.gallery is no gallery"):
        Gallery.of(bad, kit=kit())
    with pytest.raises(InputError, match=r"none\.gallery: no such file"):
        Gallery.of(tmp_path / "none.gallery", kit=kit())
    np.savez(bad.with_suffix(".npz"), about=np.array(json.dumps({"format": 1, "pictures": [], "name": ""})))
    bad.with_suffix(".npz").replace(bad)
    with pytest.raises(InputError, match="no gallery"):
        Gallery.of(bad, kit=kit())
    gallery.save(bad, force=True)
    whole = bad.read_bytes()
    bad.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="no gallery"):
        Gallery.of(bad, kit=kit())


def test_a_gallery_with_huge_arrays_is_refused(tmp_path: Path):
    bomb = tmp_path / "bomb.gallery"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as parts, parts.open("0.jpeg.npy", "w") as part:
        for _ in range(20):
            part.write(bytes(1 << 20))
    with pytest.raises(InputError, match="it is too large"):
        Gallery.of(bomb, kit=kit())


def test_the_command(mien: Mien, folder: Path, tmp_path: Path):
    out = tmp_path / "person.gallery"
    ran = mien("gallery", folder, "-o", out)
    assert ran.code == 0
    assert "2 pictures" in ran.err
    assert "none look left" in ran.err
    assert mien("gallery", folder, "-o", tmp_path / "person.zip").code == 2
    swapped = tmp_path / "out.jpg"
    words = ("--source", out, "--consent", "in a test", "-o", swapped)
    assert mien("swap", HOPPER, *words).code == 0
    assert swapped.is_file()


def test_the_shape_model_tells_identity_from_expression():
    """A face whose mouth is opened by the model's own modes is the same person's."""
    model = kit().shapes.model
    neutral = model.mean
    spread = np.sqrt(model.expression_variance)
    moved = neutral + (2 * spread[0] * model.expression[0]).reshape(-1, 3) / np.array([1, 1, 0.3])
    identity, expressions = model.fit([neutral, moved])
    assert np.abs(identity).max() < 0.5
    assert abs(expressions[1][0] - expressions[0][0]) > 1
    assert (WEIGHTS / "shapes.npz").stat().st_size < 300_000
