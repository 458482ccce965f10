"""Many pictures as one: whose names, labels and marks are all there."""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import Mien
from faces import collins, hopper, kit

from mien import verbs, verify
from mien.edits import styles
from mien.errors import RequestError


def test_one_face_with_every_effect_in_the_box(mien: Mien, photo: Path, tmp_path: Path):
    out = tmp_path / "sheet.png"
    ran = mien("edit", photo, "--effect", "list", "-o", out, "--json")
    assert ran.code == 0 and json.loads(ran.out) == {"output": str(out), "styles": list(styles.EFFECTS)}
    verdict = verify(out, pixels=True, kit=kit())
    assert verdict.state == "intact" and verdict.mark and verdict.mark.bits == verdict.bits
    assert [step.arguments["effect"] for step in verdict.history] == list(styles.EFFECTS)
    pixels = verbs.read(out).pixels
    side = pixels.shape[1] // 4
    tiles = [pixels[:, i * side : (i + 1) * side] for i in range(4)]
    assert all(np.abs(one.astype(int) - tiles[0]).mean() > 1 for one in tiles[1:])
    again = mien("edit", photo, "--effect", "list", "-o", out)
    assert again.code != 0 and "exists" in again.err


def test_a_sheet_of_what_is_declined_is_none(mien: Mien, photo: Path, tmp_path: Path):
    ran = mien("edit", photo, "--hairstyle", "list", "-o", f"{tmp_path / 'new'}/")
    assert ran.code == 3 and "on the head" in ran.err and ran.err.count("\n") == 1
    ran = mien("edit", photo, photo, "--hairstyle", "list", "-o", tmp_path / "out.jpg")
    assert ran.code == 2 and "shows one photo, and 2 came" in ran.err
    assert [one.name for one in tmp_path.iterdir()] == ["photo.jpg"]


def test_names_stand_above_pictures():
    two = [hopper(), hopper()]
    plain, named = verbs.grid(two), verbs.grid(two, ["before", "after"])
    head = len(named.pixels) - len(plain.pixels)
    assert 15 < head < 60 and np.array_equal(named.pixels[head:], plain.pixels)
    assert named.pixels[:head].min() < 100 and named.pixels[:head].mean() > 240
    with pytest.raises(RequestError, match="1 names came for 2 pictures"):
        verbs.grid(two, ["before"])
    with pytest.raises(RequestError, match="'smile' has no styles: there are hairstyle, effect"):
        verbs.style_sheet(collins()[0], "smile", kit=kit())
