"""Manners in the box: photos and clips drawn at once, by name or by a picture."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import HOPPER, Mien
from faces import hopper, kit
from films import decoded, film, shot

from mien import ModelError, Photo, RequestError, stylize, verbs, verify
from mien.io import photo_writer
from mien.types import Array


@pytest.fixture
def painting(tmp_path: Path) -> Path:
    """A picture of broad stripes."""
    rows, columns = np.mgrid[:200, :300]
    colours = np.array([(200, 60, 50), (240, 210, 120), (40, 80, 140)], np.uint8)
    path = tmp_path / "painting.png"
    photo_writer.write(Photo(colours[(rows + columns) // 30 % 3]), path)
    return path


def test_a_manner_by_name(mien: Mien, tmp_path: Path):
    out = tmp_path / "out.png"
    ran = mien("stylize", HOPPER, "--with", "woodblock", "-o", out)
    assert ran.code == 0, ran.err
    (step,) = verify(out).history
    assert step.verb == "stylize" and step.arguments == {
        "network": "painting", "strength": 1.0, "style": "woodblock",
    }  # fmt: skip
    assert [name for name, _ in step.networks] == ["painting", "manners"]
    drawn = verbs.read(out).pixels
    verbs.write(stylize(hopper(), "woodblock", kit=kit()), tmp_path / "again.png")
    assert (drawn == verbs.read(tmp_path / "again.png").pixels).all()
    assert np.abs(drawn.astype(int) - hopper().pixels).mean() > 15


def test_the_manner_of_a_picture(mien: Mien, painting: Path, tmp_path: Path):
    outs = [tmp_path / f"{i}.png" for i in range(2)]
    assert mien("stylize", HOPPER, "--with", painting, "-o", outs[0]).code == 0
    assert mien("stylize", HOPPER, "--with", "painting", "--style", painting, "-o", outs[1]).code == 0
    first, second = (verify(out) for out in outs)
    assert first.history[0].arguments == second.history[0].arguments
    assert first.ingredients == (HOPPER.name, "painting.png")
    assert [name for name, _ in first.history[0].networks] == ["painting", "painting-style"]
    assert (verbs.read(outs[0]).pixels == verbs.read(outs[1]).pixels).all()


def test_only_the_face(mien: Mien, tmp_path: Path):
    done = stylize(hopper(), "comic", face="all", kit=kit()).pixels
    changed = (done != hopper().pixels).any(2)
    assert changed.any() and not changed[:, :40].any() and not changed[-60:].any()
    half = stylize(hopper(), "comic", strength=0.5, face="all", kit=kit()).pixels
    assert (
        0.3
        < np.abs(half.astype(int) - hopper().pixels).sum() / np.abs(done.astype(int) - hopper().pixels).sum()
        < 0.7
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("watercolor", "did you mean watercolour?"),
        ("nosuch.jpg", "no such file"),
        ("dada", "there are watercolour, oil"),
        ("painting", "name one with --style"),
    ],
)
def test_what_there_is_not(mien: Mien, tmp_path: Path, name: str, said: str):
    ran = mien("stylize", HOPPER, "--with", name, "-o", tmp_path / "out.png")
    assert ran.code in (2, 3) and said in ran.err and not (tmp_path / "out.png").exists()


def test_help_names_every_manner(mien: Mien):
    said = mien("stylize", "--help").out
    assert all(name in said for name in kit().manners.names)


def test_a_style_for_what_takes_none(painting: Path):
    with pytest.raises(RequestError, match="oil is a manner itself"):
        stylize(hopper(), "oil", style=painting, kit=kit())
    with pytest.raises(ModelError, match="no network is called 'nobody'"):
        stylize(hopper(), "nobody", style=painting, kit=kit())


def test_a_clip(mien: Mien, portrait: Array, tmp_path: Path):
    source = film(tmp_path / "clip.mp4", [shot(portrait, i) for i in range(8)], sound=None)
    out = tmp_path / "out.mp4"
    ran = mien("stylize", source, "--with", "ink", "-o", out)
    assert ran.code == 0, ran.err
    before, after = (
        np.stack([one.to_ndarray(format="rgb24") for one in decoded(path)]) for path in (source, out)
    )
    assert len(after) == 8 and np.abs(after.astype(int) - before).mean() > 15
    saturation = cv2.cvtColor(after[4], cv2.COLOR_RGB2HSV)[..., 1].mean()
    assert saturation < 40, "ink has no colours"
