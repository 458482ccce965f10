"""From a generator's file to labelled faces: `models import` and `generate`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import HOPPER, Mien

from mien import read, verbs, verify

torch = pytest.importorskip("torch", reason="exporting needs the extra 'train'")

from mien.train.engine import export
from mien.train.families import stylegan2


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Mapper and generator of an untrained tiny StyleGAN2."""
    folder = tmp_path_factory.mktemp("exported")
    torch.manual_seed(0)
    objective = stylegan2.build(stylegan2.PRESETS["tiny"])
    parts = objective.parts(objective.G.eval())
    places = export.places_of(parts, folder / "noise.onnx")
    for part, place in zip(parts, places, strict=True):
        export.write(part, place, bits=16)
    return places


@pytest.fixture
def imported(mien: Mien, exported: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    verbs.shared_kit.cache_clear()  # what it has opened came from another home
    for path in exported:
        assert mien("models", "import", path).code == 0


def test_generate_writes_labelled_faces_that_a_seed_brings_back(mien: Mien, imported: None, tmp_path: Path):
    out, again = tmp_path / "faces", tmp_path / "again"
    out.mkdir()
    again.mkdir()
    ran = mien("generate", "--with", "noise", "--seeds", "0-2,7", "-o", out, "--grid")
    assert (ran.code, ran.out) == (0, "") and "4 pictures" in ran.err
    names = sorted(path.name for path in out.iterdir())
    assert names == ["grid.png", "seed0000.png", "seed0001.png", "seed0002.png", "seed0007.png"]
    verdict = verify(out / "seed0007.png")
    assert verdict.state == "intact" and verdict.source_type == "trainedAlgorithmicMedia"
    assert verdict.history[0].verb == "generate" and verdict.history[0].arguments == {
        "seed": 7,
        "truncation": 0.7,
    }
    assert {name for name, _ in verdict.history[0].networks} == {"noise-mapper", "noise-generator"}
    assert len(verify(out / "grid.png").history) == 4
    assert mien("generate", "--with", "noise", "--seeds", "7", "-o", again).code == 0
    assert np.array_equal(read(out / "seed0007.png").pixels, read(again / "seed0007.png").pixels)


def test_truncation_draws_towards_the_mean_face(imported: None):
    pictures = {
        psi: np.stack([p.pixels.astype(float) for p in verbs.generate("noise", range(6), truncation=psi)])
        .std(0)
        .mean()
        for psi in (0, 0.5, 1)
    }
    assert pictures[0] == 0 < pictures[0.5] < pictures[1]


def test_imported_networks_are_listed_and_checked(mien: Mien, imported: None, tmp_path: Path):
    rows = {row["name"]: row for row in json.loads(mien("models", "--json").out)}
    assert rows["noise-mapper"]["role"] == "mapper" and rows["noise-generator"]["state"] == "ok"
    path = Path(rows["noise-generator"]["path"])
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    ran = mien("models")
    assert ran.code == 1 and "corrupt" in ran.err
    ran = mien("generate", "--with", "noise", "-o", tmp_path)
    assert ran.code == 2 and "import it again" in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("generate", "--with", "nobodi", "-o", "."),
            "no network is called 'nobodi' (nobodi-mapper is missing)",
        ),
        (("generate", "--with", "noise", "--sex", "f", "-o", "."), "cannot be told sex"),
        (("generate", "--with", "noise", "--seeds", "3-1", "-o", "."), "no pictures"),
        (("generate", "--with", "noise", "--seeds", "a", "-o", "."), "0-15,20"),
        (("generate", "--with", "noise", "--truncation", "3", "-o", "."), "0 to 1.5"),
        (("generate", "--with", "noise", "-o", "nowhere.png"), "nowhere.png names a file"),
        (("models", "import", "nowhere.pkl"), "no such file"),
        (("models", "import", str(HOPPER)), "hopper.jpg"),
    ],
)
def test_requests_that_cannot_be_done(
    mien: Mien,
    imported: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    said: str,
):
    monkeypatch.chdir(tmp_path)
    ran = mien(*words)
    assert ran.code == 2 and said in ran.err and ran.err.count("\n") == 1, ran


def test_a_name_of_the_box_is_not_taken(
    mien: Mien, exported: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    ran = mien("models", "import", exported[0], "--name", "iris")
    assert ran.code == 2 and "network of the box" in ran.err


def test_a_name_of_ones_own_that_is_taken_is_told(
    mien: Mien, exported: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    said = [mien("models", "import", exported[i], "--name", "twice").err for i in (0, 0, 1)]
    assert ["in place of another mapper" in one for one in said] == [False, False, True]
