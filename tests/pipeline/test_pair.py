"""Two people to be trained: whose faces are found, who is taken for somebody else, and how far a run is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import save
from faces import HOPPER, ROOT, collins, hopper

from mien.errors import FaceError, RequestError
from mien.io import dataset
from mien.pipeline import job_worker, training_run
from mien.pipeline.jobs import Queue
from mien.pipeline.pair import SIDES, SORTED, Pair, Side, extract_side
from mien.types import SILENT

COLLINS = ROOT / "docs" / "collins.jpg"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """Grace Hopper, in whose files Eileen Collins is once, and Eileen Collins; extracted by a job."""
    folder = tmp_path_factory.mktemp("pair")
    dark = [
        save(folder / f"{i}.png", (one.pixels * 0.6).astype(np.uint8))
        for i, one in enumerate((hopper(), collins()[0]))
    ]
    made = Pair.new(
        folder / "pair",
        ("Grace", "Eileen"),
        "both, by mail",
        ([HOPPER, dark[0], COLLINS], [COLLINS, dark[1]]),
    )
    queue = Queue(folder / "studio.db")
    items = [
        (name, made.folder / side, made.side(side).faces)
        for name, side in zip(made.names, SIDES, strict=True)
    ]
    id = queue.put("extract", {"pair": "1", "names": made.names}, items)
    job_worker.work(queue.path, idle=0.1)
    assert [task["note"] for task in queue.tasks(id)] == ["2 faces", "2 faces"]
    return made


def test_faces_are_found_of_who_is_there_most(pair: Pair):
    pair.ready()
    for side in SIDES:
        said = pair.side(side).sorted()
        assert len(said["likeness"]) == 2 and min(said["likeness"]) > 0.8 and said["out"] == []
    assert Pair.of(pair.folder) == pair


def test_somebody_else_is_proposed_and_left_out(pair: Pair, tmp_path: Path):
    """A face that got in is far from the others."""
    side = Side(Path(shutil.copytree(pair.folder / "a", tmp_path / "a")))
    rows, points = dataset.read_rows(side.faces), dataset.read_points(side.faces)
    (path, theirs), _ = dataset.read_points(pair.side("b").faces).items()
    shutil.copy(path, side.faces / dataset.IMAGES / "stranger.png")
    dataset.write_tables(side.faces, [*rows, rows[0] | {"file": "stranger.png"}], [*points.values(), theirs])
    (side.folder / SORTED).unlink()
    extract_side(side, "Grace", 1, SILENT)
    said = side.sorted()
    assert said["out"] == [2] and said["likeness"][2] < 0.6 < min(said["likeness"][:2])
    assert sorted(dataset.read_points(side.learned())) == [
        side.folder / "learned" / dataset.IMAGES / path.name for path in points
    ]
    side.leave_out([0])
    assert [path.name for path in side.kept()] == [path.name for path in [*points][1:]] + ["stranger.png"]
    with pytest.raises(RequestError, match="there is no face 3: 3 were found"):
        side.leave_out([3])
    side.leave_out([0, 1])
    other = Pair(tmp_path, pair.names, "", 0)
    shutil.copytree(pair.folder / "b", tmp_path / "b")
    with pytest.raises(RequestError, match="of Grace there are 1 faces: 2 or more"):
        other.ready()


def test_who_is_not_there_or_reads_as_a_child_is_refused(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(RequestError, match="training needs consent"):
        Pair.new(tmp_path / "x", ("A", "B"), " ", ([HOPPER], [HOPPER]))
    with pytest.raises(RequestError, match="of B nothing came"):
        Pair.new(tmp_path / "x", ("A", "B"), "both", ([HOPPER], []))
    nobody = Pair.new(
        tmp_path / "x",
        ("A", "B"),
        "both",
        ([save(tmp_path / "grey.png", np.full((99, 99, 3), 99, np.uint8))], [HOPPER]),
    )
    with pytest.raises(FaceError, match="no face found"):
        extract_side(nobody.side("a"), "A", 1, SILENT)
    monkeypatch.setattr("mien.pipeline.pair.read_age", lambda *_: 12.0)
    side = Side(Path(shutil.copytree(pair.folder / "a", tmp_path / "a")))
    (side.folder / "sorted.json").unlink()
    with pytest.raises(FaceError, match="Grace reads 12 years"):
        extract_side(side, "Grace", 1, SILENT)
    assert side.kept() == [], "nothing is learned from"


def test_a_long_log_is_read_in_parts(tmp_path: Path):
    assert training_run.curve(tmp_path) == [] and not training_run.begun(tmp_path)
    about = {"family": "autoencoder", "preset": "tiny", "config": {"steps": 20_000, "batch": 8}}
    (tmp_path / "run.json").write_text(json.dumps(about))
    lines = [
        {"step": i, "loss": 7, "l1": 1 / i, "images_per_s": 16.0, "time": 1e9 / 7} for i in range(1, 10_001)
    ]
    log = tmp_path / "log.jsonl"
    log.write_text("".join(json.dumps(line) + "\n" for line in lines[:30]) + '{"step": 31, "lo')
    assert training_run.curve(tmp_path) == [(i, round(1 / i, 5)) for i in range(1, 31)]
    cv2.imwrite(str(tmp_path / "preview-000020.png"), np.full((6, 12, 3), 9, np.uint8))
    told = training_run.told(tmp_path)
    assert told == {
        "family": "autoencoder",
        "preset": "tiny",
        "step": 30,
        "steps": 20_000,
        "previews": [20],
        "seconds_left": 9985,
    }
    assert training_run.preview(tmp_path, 20).shape == (6, 12, 3)
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    points = training_run.curve(tmp_path)
    assert log.stat().st_size > training_run.POINTS * training_run.SPAN and len(points) == training_run.POINTS
    assert points[-1][0] == 10_000 and all(abs(value * step - 1) < 0.25 for step, value in points[5:])
