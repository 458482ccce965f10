"""Every network in the box: there, intact, described, and opened by its role and no other."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from faces import hopper, hopper_face, kit

from mien import ModelError, models, verbs
from mien.edits.whole_face import Prototype
from mien.face import geometry, mesh, topology
from mien.models import catalogue as hub
from mien.models.card import Card
from mien.models.kit import DATA
from mien.models.prototypes import TONE, Prototypes
from mien.models.session import Net
from mien.types import Alignment

NAMES = [name for name, entry in hub.catalogue().items() if entry.bundled]
NETS = [name for name in NAMES if hub.catalogue()[name].role not in DATA]


@pytest.mark.parametrize("row", verbs.models()[: len(NAMES)], ids=NAMES)
def test_every_network_is_intact_and_tells_what_it_is(row: dict[str, str]):
    assert row["state"] == "ok"
    assert row["licence"] in ("Apache-2.0", "CC0-1.0", "MIT") and row["commercial"]
    assert row["source"] and row["description"] and row["limits"]
    if row["source"].startswith("mien "):
        assert "SFHQ" in row["data"] and "CC BY 4.0" in row["data"]


def test_the_box_is_small():
    assert sum(entry.path.stat().st_size for entry in hub.catalogue().values()) < 45e6
    assert hub.catalogue()["prototypes"].path.stat().st_size < 2e6
    assert {path.name for path in hub.WEIGHTS.iterdir()} == {
        "catalogue.toml",
        *(entry.path.name for entry in hub.catalogue().values()),
    }


@pytest.mark.parametrize("name", NETS)
def test_a_role_refuses_the_card_of_another(name: str):
    entry = hub.locate(name)
    net = Net(name, entry.path, entry.sha256, threads=1)
    assert models.open(net, entry.role)
    for role in models.ROLES:
        if role != entry.role:
            with pytest.raises(ModelError, match=f"'{entry.role}'"):
                models.open(net, role)


def test_a_network_that_was_changed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    broken = {name: replace(entry, sha256="0" * 64) for name, entry in hub.catalogue().items()}
    monkeypatch.setattr(hub, "catalogue", lambda: broken)
    assert {row["state"] for row in verbs.models()} == {"corrupt"}
    with pytest.raises(ModelError, match="corrupt"):
        hub.locate("iris")
    with pytest.raises(ModelError, match="no network is called"):
        hub.locate("irys")
    gone = {name: replace(entry, path=tmp_path / entry.path.name) for name, entry in broken.items()}
    monkeypatch.setattr(hub, "catalogue", lambda: gone)
    assert {row["state"] for row in verbs.models()} == {"missing"}


def test_files_that_are_no_networks(tmp_path: Path):
    path = tmp_path / "net.onnx"
    path.write_bytes(b"not a network")
    with pytest.raises(ModelError, match="not a network that ONNX Runtime can read"):
        Net("net", path, "")
    np.savez(tmp_path / "p.npz", points=np.zeros(3))
    with pytest.raises(ModelError, match="no card"):
        Prototypes("p", tmp_path / "p.npz", "")
    with pytest.raises(ModelError, match="not available here"):
        Net("iris", hub.locate("iris").path, "", device="abacus")


def test_a_card_survives_its_file():
    card = kit().prototypes.card
    assert Card.from_json(card.to_json(), "here") == card
    for text in ("{}", "[]", "nonsense", '{"name": "x", "role": "y", "licence": "z", "colour": 3}'):
        with pytest.raises(ModelError, match="there carries no card"):
            Card.from_json(text, "there")


def test_the_mesh_is_a_coordinate_system():
    """A map from a layout to itself is the identity, and a map there and back comes back."""
    points = geometry.transform(
        hopper_face().landmarks, geometry.similarity(hopper_face().landmarks, Prototype.alignment)
    )
    size = Prototype.alignment.size
    here = mesh.with_border_points(points, size)
    triangles = mesh.triangulate(here)
    assert len(triangles) > 800 and len(np.unique(triangles)) == len(here)
    grid = np.stack(np.meshgrid(np.arange(size), np.arange(size)), -1)
    assert np.abs(mesh.dense_map(here, here, triangles, size) - grid).max() < 1e-2
    there = here.copy()
    there[: topology.POINTS] += np.random.default_rng(0).normal(0, 1, (topology.POINTS, 2))
    spots = mesh.dense_map(here, there, triangles, size)[
        points[:468, 1].astype(int), points[:468, 0].astype(int)
    ]
    assert np.abs(spots - there[:468]).mean() < 2.5


def test_displacements_turn_and_foreshorten_with_the_face():
    points = geometry.transform(
        hopper_face().landmarks, geometry.similarity(hopper_face().landmarks, Prototype.alignment)
    )[: topology.POINTS]
    frames, up = mesh.LocalFrames(points), np.tile(np.array([3.0, 0.0], np.float32), (topology.POINTS, 1))
    assert np.allclose(frames.carry(up, points), up, atol=1e-3)
    assert np.allclose(frames.carry(up, points * [0.5, 1]), up * 0.5, atol=1e-3)
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    assert np.allclose(frames.carry(up, points @ turn), up @ turn, atol=1e-3)


def test_lips_that_are_apart_stretch_nothing():
    points = kit().prototypes.data["points"][: topology.POINTS]
    frames, up = mesh.LocalFrames(points), np.tile(np.array([0.0, 3.0], np.float32), (topology.POINTS, 1))
    gaping = points.copy()
    gaping[:, 1] += 30 * (points[:, 1] > points[[13, 14], 1].mean())
    carried = frames.carry(up, gaping)[[0, 13, 14, 17]]
    assert np.allclose(carried, [0, 3], atol=1), "not what it is where skin is stretched by the opening"


def test_who_is_made_older_gets_the_lines_of_the_old_face_most_like_hers():
    prototypes = kit().prototypes
    theirs = prototypes.data["lines"]
    assert theirs.shape[:2] == (2, 6) and theirs.shape[2] == theirs.shape[3] == prototypes.data["side"]
    plain = np.random.default_rng(0).normal(0, 0.3, theirs.shape[2:]).astype(np.float32)
    for sex in (0, 1):
        for k in range(6):
            got = prototypes.own_lines(plain + 0.3 * theirs[sex, k], float(sex))
            like = [float(np.corrcoef(got.ravel(), one.ravel())[0, 1]) for one in theirs[sex]]
            assert int(np.argmax(like)) == k and like[k] > 0.9


@pytest.mark.parametrize(("age", "some"), [(30, True), (10, True), (-20, False)])
def test_lines_come_with_years_and_not_twice(age: float, some: bool):
    """What comes or fades is in proportion to the years between 25 and 75; never both, and neither by the
    means alone."""
    prototypes, crop = (
        kit().prototypes,
        geometry.align(hopper().pixels, hopper_face().landmarks, Alignment("head", 448)),
    )
    nothing = np.zeros(3, np.float32)
    means, blend = (prototypes.blend(crop, nothing, age, 0.5, alone) for alone in (True, False))
    more = prototypes.blend(crop, nothing, 1.5 * age, 0.5, False)
    assert (np.abs(blend["lines"]).max() > 0) == (some and prototypes.read(crop).age < 75)
    assert (blend["faded"].max() > 0) == (age < 0) and blend["faded"].max() <= 1
    for key in ("lines", "faded"):
        assert np.abs(more[key]).max() <= 1.5001 * np.abs(blend[key]).max() and not means[key].any()
    assert np.allclose(blend["colour"] - means["colour"], 0.5 * TONE, atol=1e-4)
