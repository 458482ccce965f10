"""Extract: one person's faces out of clips and photos, each kind once, whatever happens in between."""

import csv
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from conftest import Mien, Stops, save
from faces import HOPPER, ROOT, collins, hopper, kit

from mien.errors import FaceError, InputError, OutputError
from mien.io import clip_writer
from mien.pipeline.extract import SO_FAR, extract
from mien.types import Array, Step

COLLINS = ROOT / "docs" / "collins.jpg"
FRAMES = 6


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eileen Collins beside Grace Hopper: a frame twice, then she looks larger and larger, and is gone in the last."""
    photo, _ = collins()
    theirs = cv2.resize(hopper().pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    path = tmp_path_factory.mktemp("extract") / "talk.mp4"

    def frame(i: int) -> Array:
        out = np.full((400, 600, 3), 90, np.uint8)
        out[: min(len(theirs), 400), : min(theirs.shape[1], 280)] = theirs[:400, :280]
        if i < FRAMES - 1:
            high = 300 + 16 * max(i - 1, 0)
            small = cv2.resize(photo.pixels, (high * photo.pixels.shape[1] // photo.pixels.shape[0], high))
            part = small[:400, :310]
            out[: len(part), 290 : 290 + part.shape[1]] = part
        return out

    clip_writer.write(map(frame, range(FRAMES)), path, fps=8, history=(Step("test", {}),))
    return path


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "faces.csv").open() as file:
        return list(csv.DictReader(file))


def test_one_person_each_kind_once(clip: Path, tmp_path: Path):
    told = extract([clip], tmp_path / "a", like=COLLINS, kit=kit())
    found = rows(tmp_path / "a")
    assert told.without == 1 and told.alike >= 1 and told.kept == len(found) >= 1
    assert told.kept + told.alike == FRAMES - 1
    assert {row["photo"] for row in found} == {str(clip)} and found[0]["frame"] == "0"
    assert all(float(row["likeness"]) > 0.6 and float(row["sharpness"]) > 1 for row in found)
    with np.load(tmp_path / "a" / "landmarks478.npz") as file:
        assert list(file["files"]) == [row["file"] for row in found] and file["points"].shape[1:] == (478, 2)
    picture = cv2.imread(str(tmp_path / "a" / "images" / found[0]["file"]))
    assert picture is not None and picture.shape == (256, 256, 3)
    assert not (tmp_path / "a" / SO_FAR).exists()


def test_stopped_and_resumed_is_as_if_it_never_stopped(clip: Path, tmp_path: Path):
    about: dict[str, Any] = {"like": COLLINS, "kit": kit()}
    whole = extract([clip, COLLINS], tmp_path / "whole", **about)
    with pytest.raises(KeyboardInterrupt):
        extract([clip, COLLINS], tmp_path / "parts", progress=Stops(3), **about)
    with (tmp_path / "parts" / SO_FAR).open("a") as file:
        file.write('{"last": [0, 3], "sta')  # killed while it wrote
    assert extract([clip, COLLINS], tmp_path / "parts", resume=True, **about) == whole
    assert rows(tmp_path / "parts") == rows(tmp_path / "whole")


def test_more_is_added_to_what_is_there(mien: Mien, clip: Path, tmp_path: Path):
    """As if all had come at once, but for names; what people filled in stays."""
    about: dict[str, Any] = {"like": COLLINS, "kit": kit()}
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    extract([COLLINS, clip], whole, **about)
    extract([COLLINS], parts, **about)
    table = parts / "faces.csv"
    table.write_text(table.read_text().replace(",,", ",mine,", 1))
    (first,) = rows(parts)
    with pytest.raises(KeyboardInterrupt):
        extract([clip], parts, add=True, progress=Stops(2), **about)
    told = extract([clip], parts, add=True, resume=True, **about)
    assert rows(parts)[0] == first and "mine" in first.values()
    assert [row["frame"] for row in rows(parts)] == [row["frame"] for row in rows(whole)]
    assert told.kept == len(rows(whole)) and not (parts / SO_FAR).exists()
    ran = mien("extract", clip, COLLINS, "--like", COLLINS, "-o", parts, "--add")
    assert ran.code == 0 and f"{told.kept} faces in {parts}" in ran.err and len(rows(parts)) == told.kept
    with pytest.raises(FaceError, match="nobody here is who"):
        extract([HOPPER], parts, add=True, **about)
    with pytest.raises(OutputError, match="faces of another size than 128 pixels"):
        extract([clip], parts, add=True, size=128, **about)
    assert len(rows(parts)) == told.kept and not (parts / SO_FAR).exists()


def test_what_is_refused(clip: Path, tmp_path: Path):
    about: dict[str, Any] = {"kit": kit()}
    with pytest.raises(FaceError, match=r"nobody here is who collins\.jpg shows"):
        extract([HOPPER], tmp_path / "a", like=COLLINS, **about)
    assert not (tmp_path / "a").exists()
    with pytest.raises(KeyboardInterrupt):
        extract([clip], tmp_path / "a", like=COLLINS, progress=Stops(2), **about)
    with pytest.raises(OutputError, match="not an empty folder"):
        extract([clip], tmp_path / "a", like=COLLINS, **about)
    with pytest.raises(OutputError, match="begun with other files"):
        extract([HOPPER], tmp_path / "a", like=HOPPER, resume=True, **about)
    with pytest.raises(InputError, match="is no picture"):
        extract([HOPPER], tmp_path / "b", like="all", **about)


def test_the_command(mien: Mien, tmp_path: Path):
    dark = save(tmp_path / "dark.png", (hopper().pixels * 0.6).astype(np.uint8))
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    ran = mien(
        "extract", HOPPER, dark, tmp_path / "broken.jpg", "--like", HOPPER, "-o", tmp_path / "a", "--json"
    )
    assert ran.code == 1 and "2 faces" in ran.err and "1 file failed" in ran.err
    assert '"kept": 2' in ran.out
    assert "2 faces" in mien("extract", HOPPER, "--like", HOPPER, "-o", tmp_path / "a", "--resume").err
