"""Another hairstyle: the styles in the box, how hair is fitted, what stays as it is, and what is declined."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from conftest import Mien
from faces import ROOT, collins, hopper, kit, opened, planned
from films import decoded, film

from mien import Photo, edit_clip
from mien.edits import styles
from mien.edits.hair_fit import mapped, places_on
from mien.edits.hair_matte import LAYOUT, Bust, hairdo_of
from mien.edits.hair_scalp import covered
from mien.edits.hairstyle import COVERED, SIZE, Hairstyle, yaw_of
from mien.errors import DeclinedError, FaceError, RequestError
from mien.face import geometry, mesh
from mien.face.topology import EYELIDS, LIPS, NOSTRILS
from mien.models.hairstyles import Hairdo
from mien.pipeline.clip_changes import mean, moved
from mien.types import Alignment, Change, Crop

COLLINS = ROOT / "docs" / "collins.jpg"


@cache
def crop() -> Crop:
    photo, face = collins()
    return geometry.align(photo.pixels, face.landmarks, Alignment(LAYOUT, SIZE), face.depth)


@cache
def bust() -> Bust:
    return Bust.of(kit().parser, crop())


@cache
def restyled(style: str) -> Photo:
    return opened(collins()[0]).edit(hairstyle=style)


def features(points: Any, side: int) -> Any:
    """Eyes, lips and nostrils of a face, `[side, side]` bool."""
    outlines = (*EYELIDS, LIPS, *NOSTRILS)
    return np.maximum.reduce([mesh.polygon_mask(points, one, side, feather=1) for one in outlines]) > 0.5


# ---- the box


def test_the_box_has_every_style_that_has_a_name():
    box = kit().hairstyles
    assert box.names == tuple(styles.NAMES) and len(box.names) >= 14
    assert (ROOT / "src/mien/weights/hairstyles.npz").stat().st_size < 4_000_000 and box.card.licence == "MIT"


def every() -> list[tuple[str, Hairdo]]:
    return [(name, one) for name in kit().hairstyles.names for one in kit().hairstyles.hairdos(name)]


def test_the_box_holds_hair_and_no_face():
    """Neither eyes, lips nor nostrils are hair; and where there is neither hair nor an ear, colours are smooth."""
    for name, hairdo in every():
        height, width = hairdo.alpha.shape
        side = max(height, width, int(hairdo.landmarks[:468].max()) + 2)
        face = features(hairdo.landmarks, side)[:height, :width]
        hidden = ((hairdo.alpha > 128) & face).sum() / max(int(face.sum()), 1)
        assert hidden < 0.06 and (hairdo.alpha > 200).mean() > 0.1, (name, hidden)
        bare = cv2.erode(((hairdo.alpha < 3) & (hairdo.ears < 3)).astype(np.uint8), np.ones((5, 5))) > 0
        light = cv2.cvtColor(hairdo.colour, cv2.COLOR_RGB2GRAY).astype(np.float32)
        assert np.abs(cv2.Laplacian(light, cv2.CV_32F))[bare].mean() < 2.5, name


# ---- what is asked


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("bob", ("bob", 1.0)),
        ("afro:0.7", ("afro", 0.7)),
        (r"C:\ann.jpg", (r"C:\ann.jpg", 1.0)),
        ("bob:0", ("bob", 0.0)),
    ],
)
def test_a_style_with_its_strength(text: str, meant: tuple[str, float]):
    assert styles.parse(text) == meant


def test_what_is_no_style_is_refused():
    for text, said in (
        ("bobb", "did you mean bob"),
        ("x.jpg", "there is no such file, and no hairstyle is called 'x.jpg': there are straight"),
        ("BOB", "did you mean bob"),
        ("bob:0.1", "from 0.3 to 1"),
        ("bob:abc", "a number follows the colon"),
    ):
        with pytest.raises(RequestError, match=said):
            opened(collins()[0]).edit(hairstyle=text)
    with pytest.raises(RequestError, match="a name, as in bob"):
        opened(collins()[0]).edit(hairstyle=0.5)  # pyright: ignore[reportArgumentType]


# ---- how it is fitted


def test_hair_fits_the_head_that_it_came_from():
    """Around the face every place of one's own hair is its own place."""
    hairdo = replace(hairdo_of(bust(), 0.0), ends=0.0)
    away = places_on(bust(), hairdo, 1.0) - mesh.pixel_grid(SIZE)
    assert np.abs(away[16:-16, 16:-16]).max() < 0.1


def test_less_of_a_style_is_closer_to_the_head():
    (afro,) = kit().hairstyles.hairdos("afro")
    alphas = [mapped(afro.alpha, places_on(bust(), afro, share)) > 0.5 for share in (1.0, 0.5)]
    assert 0.3 * alphas[0].sum() < alphas[1].sum() < 0.8 * alphas[0].sum()


# ---- what it changes


def test_a_hairstyle_changes_the_hair_and_nothing_else():
    photo, face = collins()
    after = restyled("bob")
    changed = (after.pixels != photo.pixels).any(2)
    side = max(photo.size)
    inner = features(face.landmarks, side)[: photo.size[1], : photo.size[0]]
    assert changed.sum() > 5000 and not changed[inner].any()
    wide = face.box[2] - face.box[0]
    rows, columns = np.nonzero(changed)
    assert (
        columns.min() > face.box[0] - wide
        and columns.max() < face.box[2] + wide
        and rows.max() < face.box[3] + wide
    )
    step = after.history[-1]
    assert step.arguments["hairstyle"] == "bob" and {name for name, _ in step.networks} >= {
        "hairstyles",
        "parser",
    }


def test_the_hair_keeps_its_own_colour():
    """Of the person, not of the picture that the style was taken from, which is black."""
    own = np.median(bust().lab[bust().regions["hair"] > 0.9], 0)
    again = kit().faces(restyled("bob").pixels)[0]
    after = geometry.align(restyled("bob").pixels, again.landmarks, Alignment(LAYOUT, SIZE), again.depth)
    seen = Bust.of(kit().parser, after)
    assert np.linalg.norm(np.median(seen.lab[seen.regions["hair"] > 0.9], 0) - own) < 14


def test_colour_comes_after_the_style():
    photo, _ = collins()
    both = opened(photo).edit(hairstyle="bob", hair="black")
    hair = (restyled("bob").pixels != photo.pixels).any(2)
    assert both.pixels[hair].mean() < restyled("bob").pixels[hair].mean() - 5


# ---- what is declined


def test_a_hat_is_left_alone(photo: Path, mien: Mien):
    with pytest.raises(DeclinedError, match="face 1 wears something on the head"):
        opened(hopper()).edit(hairstyle="bob")
    out = photo.with_name("out.jpg")
    ran = mien("edit", photo, "--hairstyle", "bob", "-o", out)
    assert (
        ran.code == 3
        and ran.err.count("\n") == 1
        and "wears something on the head" in ran.err
        and not out.exists()
    )
    assert covered(bust()) < COVERED
    folder = out.with_name("many")
    folder.mkdir()
    ran = mien("edit", photo, "--hairstyle", "bob", "-o", folder, "--resume", "--workers", 1, "--json")
    assert (
        ran.code == 3
        and json.loads(ran.out)["state"] == "declined"
        and "wears" in json.loads(ran.out)["error"]
    )
    assert ran.err.endswith("0 done, 0 skipped, 1 declined, 0 failed\n")


def test_a_head_that_looks_elsewhere_is_left_alone():
    (bob,) = kit().hairstyles.hairdos("bob")
    turned = replace(bob, yaw=yaw_of(crop()) + 40)
    (edit,) = planned({"hairstyle": "bob"})
    assert isinstance(edit, Hairstyle)
    change = replace(edit, hairdos=(turned,))(crop())
    assert "40 degrees away" in change.note and not change.alpha.any()
    nearest = replace(edit, hairdos=(turned, bob))(crop())
    assert not nearest.note


def test_names_are_listed(mien: Mien):
    ran = mien("edit", "--hairstyle", "list")
    assert ran.code == 0 and [line.split()[0] for line in ran.out.splitlines()] == list(styles.NAMES)


# ---- somebody's hair


def test_consent_that_nobody_needs_is_told(mien: Mien, photo: Path, tmp_path: Path):
    ran = mien("edit", photo, "--warmth", 0.3, "--consent", "mine", "-o", tmp_path / "out.png")
    assert ran.code == 0 and "--consent is left out: it is for a --hairstyle" in ran.err


def test_somebodys_hair_needs_consent():
    mirrored = Photo(np.ascontiguousarray(collins()[0].pixels[:, ::-1]))
    with pytest.raises(RequestError, match="needs consent"):
        opened(mirrored).edit(hairstyle=str(COLLINS))
    done = opened(mirrored).edit(hairstyle=str(COLLINS), consent="a public figure, for a test")
    step = done.history[-1]
    assert step.consent == "a public figure, for a test" and step.arguments["hairstyle"] == "collins.jpg"
    assert [(one.title, one.role, len(one.sha256)) for one in step.sources] == [("collins.jpg", "hair", 64)]
    assert (done.pixels != mirrored.pixels).any()


# ---- clips


def looking(level: int, alpha: float) -> Change:
    """A small Change that looks into a picture of one level."""
    side = 64
    zero, points = np.zeros((side, side, 3), np.float32), np.zeros((478, 2), np.float32)
    picture = Crop(np.full((side, side, 3), level, np.uint8), np.eye(2, 3), Alignment(LAYOUT, side), points)
    shown = np.zeros((side, side), np.float32)
    shown[16:48, 16:48] = alpha
    return Change(zero[..., :2], zero, shown, kind="hair", source=picture)


def test_a_picture_goes_along_with_a_face():
    at = crop().landmarks * (64 / SIZE)
    change = looking(90, 1.0)
    assert change.source is not None
    change.source.pixels[30:34, 30:34] = 250
    there = moved((at, change), at + np.float32(4), kit().prototypes.triangles)
    assert there.source is not None
    rows, columns = np.nonzero(there.source.pixels[..., 0] > 170)
    assert abs(rows.mean() - 31.5 - 4) < 1.5 and abs(columns.mean() - 31.5 - 4) < 1.5


def test_between_two_pictures_is_their_mean():
    half = mean([(looking(100, 1.0), 0.5), (looking(200, 0.0), 0.5)])
    assert half.source is not None and half.source.pixels[32, 32, 0] == 150 and half.alpha[32, 32] == 0.5


def test_clips(tmp_path: Path):
    """A style is on every frame and only beside the face; a hat is left alone, in one line."""
    pixels, face = collins()[0].pixels, collins()[1]
    source = film(tmp_path / "clip.mp4", [pixels, np.roll(pixels, 2, 1)], sound=None)
    told = edit_clip(source, tmp_path / "out.mp4", hairstyle="bob", kit=kit())
    assert told.frames == 2 and told.faces == 1 and not told.notes
    before, after = (
        [one.to_ndarray(format="rgb24").astype(int) for one in decoded(path)]
        for path in (source, tmp_path / "out.mp4")
    )
    for was, now in zip(before, after, strict=True):
        away = np.abs(now - was).mean(2)
        left, top, right, bottom = (round(float(v)) for v in face.box)
        assert away[top - 40 : top + 10, left:right].mean() > 8 > 2 > away[:, -20:].mean()
        middle = (
            slice((top + bottom) // 2, bottom - 20),
            slice((left + right) // 2 - 20, (left + right) // 2 + 20),
        )
        shifted = cv2.blur((now - was).astype(np.float32), (15, 15))[middle]  # the mark's waves are finer
        assert np.abs(shifted).mean() < 1.5
    capped = film(tmp_path / "hat.mp4", [hopper().pixels] * 2, sound=None)
    with pytest.raises(FaceError, match=r"face 1 wears something on the head.* nothing was written"):
        edit_clip(capped, tmp_path / "none.mp4", hairstyle="bob", kit=kit())
    assert not (tmp_path / "none.mp4").exists()
