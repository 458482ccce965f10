"""pix2pixHD: the published networks under their published names, maps of every kind, training, files told by
their structure."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from faces import hopper, hopper_face

pytest.importorskip("torch", reason="training needs the extra 'train'")

import torch
from test_psp import assert_same, filled, parity, published

from mien.errors import InputError, ModelError
from mien.models.session import Net
from mien.train.data.label_maps import LabelMaps
from mien.train.engine import export
from mien.train.engine.accumulate import MicroBatches
from mien.train.families import pix2pixhd as hd
from mien.train.published.convert import adopt
from mien.train.published.detect import read

TINY = hd.PRESETS["tiny"]
GIVEN = replace(TINY, labels=4, mirrored=(2, 3), features=0, enhancers=0)


def shapes(state: Any) -> dict[str, tuple[int, ...]]:
    return {key: tuple(one.shape) for key, one in state.items()}


# --- Networks


@pytest.mark.parametrize("name", ["pix2pixhd_global_small", "pix2pixhd_local_small"])
@torch.no_grad()
def test_generators_are_the_published_ones(name: str):
    module = parity()
    state, arrays = module.tensors(name)["netG"], module.arrays(name)
    found = hd.described(shapes(state))
    assert found is not None and found[0] == "G"
    assert_same(filled(hd.Generator(**found[1]), state)(torch.from_numpy(arrays["in0"])), arrays["out0"])


@torch.no_grad()
def test_discriminators_are_the_published_ones():
    module = parity()
    state, arrays = module.tensors("pix2pixhd_D")["netD"], module.arrays("pix2pixhd_D")
    found = hd.described(shapes(state))
    assert found is not None and found[0] == "D"
    seen = filled(hd.Discriminators(**found[1]), state)(torch.from_numpy(arrays["in0"]))
    for i, one in enumerate(one for scale in seen for one in scale):
        assert_same(one, arrays[f"out{i}"])


@pytest.mark.parametrize(
    ("section", "net", "name", "make"),
    [
        ("pix2pixhd_global512", "netG", "G", hd.Generator),
        ("pix2pixhd_local1024", "netG", "G", hd.Generator),
        ("pix2pixhd_D", "netD", "D", hd.Discriminators),
        ("pix2pixhd_E", "netE", "E", hd.Encoder),
    ],
)
def test_names_and_shapes_are_the_published_ones(section: str, net: str, name: str, make: Any):
    want = published(section, net)
    found = hd.described(want)
    assert found is not None and found[0] == name
    with torch.device("meta"):
        assert shapes(make(**found[1]).state_dict()) == want


def test_two_enhancers():
    torch.manual_seed(0)
    net = hd.Generator(5, width=8, downs=1, blocks=1, enhancers=2, enhancer_blocks=1)
    assert net(torch.zeros(1, 5, 32, 64)).shape == (1, 3, 32, 64)
    assert (
        net.get_parameter("model2_2.5.weight").shape == (3, 2, 7, 7)
        and "model1_2.5.weight" not in net.state_dict()
    )
    net.only(last=True)
    assert {key.split(".")[0] for key, one in net.named_parameters() if one.requires_grad} == {
        "model2_1",
        "model2_2",
    }
    assert hd.described(shapes(net.state_dict())) == (
        "G",
        {"inputs": 5, "width": 8, "downs": 1, "blocks": 1, "enhancers": 2, "enhancer_blocks": 1},
    )


def test_instances_are_pooled_alone():
    instance = torch.tensor([[[[7, 7, 26001], [7, 26001, 26001]]], [[[7, 7, 7], [7, 7, 7]]]])
    x = torch.randn(2, 3, 2, 3)
    got = hd.pooled(x, instance)
    for n, number in ((0, 7), (0, 26001), (1, 7)):
        where = instance[n, 0] == number
        assert torch.allclose(
            got[n][:, where], x[n][:, where].mean(1, keepdim=True).expand(-1, int(where.sum())), atol=1e-6
        )


def test_borders_are_on_both_sides():
    instance = torch.zeros(1, 1, 4, 5, dtype=torch.long)
    instance[..., 2:, 3:] = 9
    want = [[0, 0, 0, 0, 0], [0, 0, 0, 1, 1], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0]]
    assert hd.borders(instance)[0, 0].tolist() == want


# --- Data and training


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bars of four classes; their colours in the pictures, their numbers in the maps, two objects of the last
    class."""
    folder = tmp_path_factory.mktemp("maps")
    for name in ("labels", "images", "instances"):
        (folder / name).mkdir()
    colours = np.array([[20, 40, 60], [200, 60, 60], [60, 200, 60], [60, 60, 220]], np.uint8)
    for i in range(16):
        rng = np.random.default_rng(i)
        label = np.repeat(
            rng.permutation(np.repeat(np.arange(4, dtype=np.uint8), 12)[:48]).reshape(6, 8), 8, 0
        ).repeat(8, 1)
        cv2.imwrite(str(folder / "labels" / f"{i:02}.png"), label)
        cv2.imwrite(str(folder / "images" / f"{i:02}.png"), colours[label][..., ::-1])
        instance = label.astype(np.uint16) * 1000
        instance[24:][label[24:] == 3] += 1
        cv2.imwrite(str(folder / "instances" / f"{i:02}.png"), instance)
    return folder


def test_maps_pictures_and_instances_stay_together(maps: Path):
    data = LabelMaps([maps], 48, 64, 4, (2, 3), 0)
    label, instance, picture = data.batch(6, 1, 0.0)
    assert label.shape == instance.shape == (6, 1, 48, 64) and picture.shape == (6, 3, 48, 64)
    assert np.array_equal(instance // 1000, label) and set(np.unique(instance % 1000)) == {0, 1}
    red = np.unique(picture[:, 0][label[:, 0] == 1])
    assert np.allclose(red, 200 / 127.5 - 1, atol=0.01)
    turned = data.batch(6, 1, 1.0)
    assert np.array_equal(turned[0], np.array([0, 1, 3, 2])[label[..., ::-1]]) and np.array_equal(
        turned[2], picture[..., ::-1]
    )
    assert np.array_equal(turned[1], instance[..., ::-1]) and not data.notes()


def test_maps_are_cut_to_the_wanted_shape(maps: Path):
    label, _, picture = LabelMaps([maps], 16, 32, 4, (), 0).batch(1, 0, 0.0)
    assert label.shape == (1, 1, 16, 32) and set(np.unique(label)) <= {0, 1, 2, 3} and picture.std() > 0.1


def test_colours_in_the_place_of_maps(maps: Path, tmp_path: Path):
    (tmp_path / "train_A").symlink_to(maps / "images")
    (tmp_path / "train_B").symlink_to(maps / "images")
    cfg = replace(GIVEN, labels=0, mirrored=())
    batch = hd.load([tmp_path], cfg, 0).batch(0)
    assert (
        batch.label.shape == (2, 3, 32, 32)
        and torch.equal(batch.label, batch.real)
        and len(batch.instance.unique()) > 2
    )
    assert all(bool(one.isfinite()) for one in hd.build(cfg).step(MicroBatches(batch, 0)).values())


def test_faces_have_their_classes_drawn(tmp_path: Path):
    (tmp_path / "images").mkdir()
    for i in range(3):
        cv2.imwrite(str(tmp_path / "images" / f"{i}.png"), hopper().pixels[..., ::-1])
    np.savez(
        tmp_path / "landmarks478.npz",
        files=np.array([f"{i}.png" for i in range(3)]),
        points=np.stack([hopper_face().landmarks + 0.5] * 3),
    )
    loader = hd.load([tmp_path], replace(TINY, size=64), 0)
    batch = loader.batch(0)
    assert {0, 1, 2, 4, 5} <= set(batch.label.unique().tolist()) and torch.equal(batch.label, batch.instance)
    assert any("drawn after landmarks" in note for note in loader.notes) and any(
        "instances" in note for note in loader.notes
    )


def test_what_is_no_map_is_refused(maps: Path, tmp_path: Path):
    with pytest.raises(InputError, match=r"labels/ and images/"):
        LabelMaps([tmp_path], 32, 32, 4, (), 0)
    with pytest.raises(InputError, match="has the class 3"):
        LabelMaps([maps], 32, 32, 3, (), 0).batch(8, 0, 0.0)


def test_it_learns(maps: Path):
    torch.manual_seed(0)
    cfg = replace(GIVEN, batch=4, lr=2e-3, steps=90, width=12, critic_width=8, mirrored=())
    objective, loader = hd.build(cfg), hd.load([maps], cfg, 0)
    aside = loader.held_out()
    before = float(objective.score(objective.G.eval(), aside))
    objective.G.train()
    for i in range(cfg.steps):
        objective.step(MicroBatches(loader.batch(i), i))
    assert float(objective.score(objective.G.eval(), aside)) < 0.6 < 0.9 < before


def test_at_first_the_enhancer_alone_is_trained(maps: Path):
    cfg = replace(TINY, labels=4, mirrored=(), alone=0.5, steps=2)
    objective, loader = hd.build(cfg), hd.load([maps], cfg, 0)
    start = {key: one.clone() for key, one in objective.G.state_dict().items()}
    logs = objective.step(MicroBatches(loader.batch(0), 0))
    same = {
        key.split(".")[0] for key, one in objective.G.state_dict().items() if torch.equal(one, start[key])
    }
    assert "model" in same and {"g", "matching", "l1", "d"} <= logs.keys()
    objective.step(MicroBatches(loader.batch(1), 1))
    assert not any(
        torch.equal(one, start[key])
        for key, one in objective.G.state_dict().items()
        if key.endswith("weight")
    )


def test_a_coarse_generator_is_taken_over():
    coarse = hd.build(replace(TINY, enhancers=0)).G.state_dict()
    cfg = hd.adapt(replace(TINY, width=16, blocks=3), {}, {"G": dict(coarse)})
    assert (cfg.width, cfg.blocks, cfg.enhancers) == (8, 1, 1)
    objective = hd.build(cfg)
    left = objective.transfer({"G": dict(coarse)})
    assert (
        left
        and all("model1_" in key for key in left)
        and torch.equal(objective.G.state_dict()["model.1.weight"], coarse["model.1.weight"])
    )


def test_an_exported_network_takes_any_size(maps: Path, tmp_path: Path):
    cfg = replace(TINY, labels=4, mirrored=())
    objective = hd.build(cfg)
    (part,) = objective.parts(objective.G.eval())
    assert export.write(part, tmp_path / "net.onnx") < 1e-3
    net = Net("net", tmp_path / "net.onnx", "")
    assert [one.name for one in net.card.conditions] == [
        "look-1",
        "look-2",
        "look-3",
    ] and net.card.multiple == 8
    batch = hd.load([maps], cfg, 0).batch(0)
    shown = objective.shown(batch)
    with torch.no_grad():
        want = objective.G(torch.cat([shown, torch.full_like(shown[:, :3], 0.5)], 1)).numpy()
    got = net.run(pixels=(shown * 2 - 1).numpy(), condition=np.full((2, 3), 0.5, np.float32))["picture"]
    assert np.abs(got - want).max() < 1e-3


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"size": 36}, "multiple of 8"),
        ({"labels": -1}, "not below 0"),
        ({"width": 7}, "multiple of 2"),
        ({"mirrored": (1,)}, "pairs of classes"),
        ({"alone": 0.5, "enhancers": 0}, "none is trained alone"),
    ],
)
def test_contradictions(wrong: dict[str, Any], said: str):
    with pytest.raises(ValueError, match=said):
        replace(TINY, **wrong)


# --- Published files


@pytest.mark.parametrize("name", ["pix2pixhd_global_small", "pix2pixhd_local_small"])
@torch.no_grad()
def test_published_generators_are_imported(name: str, tmp_path: Path):
    module = parity()
    arrays = module.arrays(name)
    path = tmp_path / "a.bin"
    torch.save({key: torch.from_numpy(one) for key, one in module.tensors(name)["netG"].items()}, path)
    assert read(path).kind == "pix2pixhd"
    (part,) = adopt(path, "mine")
    assert (
        part.card.name == "mine-translator" and not part.card.commercial and list(part.inputs) == ["pixels"]
    )
    assert_same(part.module(torch.from_numpy(arrays["in0"]) * 2 - 1), arrays["out0"])
    if "global" in name:
        assert export.write(part, tmp_path / "net.onnx") < 1e-3


def test_a_discriminator_is_no_translator(tmp_path: Path):
    torch.save(hd.Discriminators(7, width=4).state_dict(), tmp_path / "d")
    with pytest.raises(ModelError, match="is the discriminator of pix2pixhd"):
        adopt(tmp_path / "d", "mine")


def test_cyclegan_is_left_alone():
    assert hd.described(shapes(hd.Generator(3, width=8, downs=2, blocks=1).state_dict())) is None
    assert hd.described({}) is None and hd.described({"model.1.weight": (3,)}) is None
