"""StarGAN: the published networks, whose norms go by each picture's own statistics; labels from folders and
tables; training."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the extra 'train'")

import torch
from tensors import close
from test_psp import assert_same, filled, parity, published

from mien.errors import InputError, ModelError
from mien.models.session import Net
from mien.train.data.domains import CELEBA, Domains
from mien.train.engine import export
from mien.train.engine.accumulate import MicroBatches
from mien.train.families import stargan
from mien.train.published.convert import adopt
from mien.train.published.detect import read

TINY = stargan.PRESETS["tiny"]
DISHES = ("soy", "spicy", "curry")
FOOD = replace(TINY, labels="folders", domains=",".join(DISHES))


def shapes(state: Any) -> dict[str, tuple[int, ...]]:
    return {key: tuple(one.shape) for key, one in state.items()}


def bare(state: Any) -> Any:
    """Without the statistics that the published norms gather and their test does not use."""
    return {
        key: one
        for key, one in state.items()
        if not key.endswith(("running_mean", "running_var", "num_batches_tracked"))
    }


# --- Networks


@torch.no_grad()
def test_the_generator_is_the_published_one():
    module = parity()
    state, arrays = module.tensors("stargan_small")["G"], module.arrays("stargan_small")
    found = stargan.described(shapes(state))
    assert found is not None and found[0] == "G"
    net = filled(stargan.Generator(**found[1]), bare(state))
    inputs = [torch.from_numpy(arrays[key]) for key in ("in0", "in1")]
    assert_same(net(*inputs), arrays["out0"])
    assert torch.equal(net.train()(*inputs), net.eval()(*inputs))


@torch.no_grad()
def test_the_discriminator_is_the_published_one():
    module = parity()
    state, arrays = module.tensors("stargan_D_small")["D"], module.arrays("stargan_D_small")
    found = stargan.described(shapes(state))
    assert found is not None and found[0] == "D" and found[1]["size"] == 32
    scores, logits = filled(stargan.Discriminator(**found[1]), state)(torch.from_numpy(arrays["in0"]))
    assert_same(scores, arrays["out0"])
    assert_same(logits, arrays["out1"])


@pytest.mark.parametrize(
    ("section", "net", "make"),
    [("stargan_128", "G", stargan.Generator), ("stargan_D128", "D", stargan.Discriminator)],
)
def test_names_and_shapes_are_the_published_ones(section: str, net: str, make: Any):
    want = published(section, net)
    found = stargan.described(want)
    assert found is not None and found[0] == net
    with torch.device("meta"):
        assert shapes(make(**found[1]).state_dict()) == bare(want)


# --- Data


@pytest.fixture(scope="module")
def dishes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bowls: a dark shape, which stays, on the colour of the dish."""
    root = tmp_path_factory.mktemp("dishes")
    for colour, name in zip(((40, 70, 150), (30, 30, 220), (40, 190, 230)), DISHES, strict=True):
        (root / name).mkdir()
        for i in range(12):
            rng = np.random.default_rng((len(name), i))
            pixels = np.full((36, 36, 3), colour, np.uint8)
            cv2.circle(
                pixels,
                tuple(int(one) for one in rng.integers(8, 28, 2)),
                int(rng.integers(4, 9)),
                (15, 15, 15),
                -1,
            )
            cv2.imwrite(str(root / name / f"{name}-{i:02}.png"), pixels)
    return root


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("people")
    (root / "images").mkdir()
    with (root / "faces.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, ["file", "person", "sex", "age", "smile", "hair"])
        table.writeheader()
        for i in range(12):
            cv2.imwrite(str(root / "images" / f"{i}.png"), np.full((8, 8, 3), 20 * i, np.uint8))
            age = "" if i == 7 else str(20 + 4 * i)
            table.writerow(
                {
                    "file": f"{i}.png",
                    "person": f"p{i}",
                    "sex": "mf"[i % 2],
                    "age": age,
                    "smile": i % 3,
                    "hair": ["blond", "grey"][i // 6],
                }
            )
    return root


def test_labels_from_folders(dishes: Path):
    for given in ([dishes], [dishes / name for name in DISHES]):
        data = Domains(given, 16, DISHES, False, 0)
        pixels, label, other = data.of(30, 0, 0.5)
        assert (
            pixels.shape == (30, 3, 16, 16)
            and label.shape == other.shape == (30, 3)
            and (label.sum(1) == 1).all()
            and (other.sum(1) == 1).all()
        )
        green = np.median(pixels[:, 1], (1, 2))  # of red, green, blue
        assert all(
            abs((one + 1) * 127.5 - (70, 30, 190)[kind]) < 2
            for one, kind in zip(green, label.argmax(1), strict=True)
        )
        assert not np.array_equal(label, other)
        _, mine, wanted = data.aside(20)
        assert len(mine) and (mine.argmax(1) != wanted.argmax(1)).all() and (wanted.sum(1) == 1).all()
        assert any("soy 12, spicy 12, curry 12" in note for note in data.notes())


def test_labels_from_a_table(people: Path):
    names = ("male", "young", "smile", "hair=grey")
    data = Domains([people], 8, names, True, 0)
    pixels, label, _ = data.of(40, 0, 0.0)
    for value, one in zip(pixels.mean((1, 2, 3)), label, strict=True):
        i = round((float(value) + 1) * 127.5 / 20)
        assert i != 7 and one.tolist() == [i % 2 == 0, 20 + 4 * i < 35, i % 3 > 0, i >= 6]
    _, mine, wanted = data.aside(8)
    assert (np.abs(mine - wanted).sum(1) == 1).all()
    assert any("left out, since not all is known of them: 1" in note for note in data.notes())


def test_labels_as_celeba_has_them(people: Path, tmp_path: Path):
    for i in range(4):
        cv2.imwrite(str(tmp_path / f"{i:06}.png"), np.full((8, 8, 3), 60 * i, np.uint8))
    rows = [f"{i:06}.png {' '.join(['1' if i == k else '-1' for k in range(3)])}" for i in range(4)]
    (tmp_path / CELEBA).write_text("\n".join(["4", "Black_Hair Male Young", *rows]))
    data = Domains([tmp_path], 8, ("Young", "Black_Hair"), True, 0)
    pixels, label, _ = data.of(20, 0, 0.0)
    for value, one in zip(pixels.mean((1, 2, 3)), label, strict=True):
        i = round((float(value) + 1) * 127.5 / 60)
        assert one.tolist() == [i == 2, i == 0]
    with pytest.raises(InputError, match="no column Bald"):
        Domains([tmp_path], 8, ("Bald",), True, 0)


def test_domains_without_pictures_are_refused(dishes: Path, people: Path):
    with pytest.raises(InputError, match="of soy, salad: wanted a folder"):
        Domains([dishes], 16, ("soy", "salad"), False, 0)
    with pytest.raises(InputError, match="of hair=red: wanted a table"):
        Domains([people], 16, ("male", "hair=red"), True, 0)
    with pytest.raises(InputError, match=r"no faces\.csv"):
        Domains([dishes], 16, ("male",), True, 0)
    with pytest.raises(InputError, match="says nothing of 'hat=1'"):
        Domains([people], 16, ("hat=1",), True, 0)


# --- Training


def test_a_step_is_several_updates_of_d(dishes: Path):
    objective, loader = stargan.build(FOOD), stargan.load([dishes], FOOD, 0)
    batch, again = loader.batch(3), stargan.load([dishes], FOOD, 0).batch(3)
    assert torch.equal(batch.real, again.real) and torch.equal(batch.target, again.target)
    assert batch.real.shape == (2, 2, 3, 32, 32) and batch.target.shape == (2, 2, 3)
    logs = objective.step(MicroBatches(batch, 0))
    assert {"d", "d_cls", "gp", "g", "g_cls", "rec"} == logs.keys() and all(
        bool(one.isfinite()) for one in logs.values()
    )
    counts = [int(next(iter(one.state.values()))["step"]) for one in objective.optimisers.values()]
    assert counts == [1, 2]


@pytest.mark.parametrize("labels", stargan.LABELS)
def test_two_parts_are_one_batch(labels: str, dishes: Path, people: Path):
    cfg = replace(FOOD if labels == "folders" else TINY, batch=4, gp=0.0)  # the penalty draws
    loader = stargan.load([dishes if labels == "folders" else people], cfg, 0)
    after = []
    for accumulate in (1, 2):
        torch.manual_seed(0)
        objective = stargan.build(cfg)
        objective.step(MicroBatches(loader.batch(0), 0, accumulate=accumulate))
        after.append([objective.D.conv2.weight.grad, objective.G.main[0].weight.grad])
    assert all(close(a, b) for a, b in zip(*after, strict=True))


def test_it_learns(dishes: Path):
    torch.manual_seed(0)
    cfg = replace(FOOD, size=16, width=8, batch=6, steps=160, lr=1e-3, critic_layers=2)
    objective, loader = stargan.build(cfg), stargan.load([dishes], cfg, 0)
    aside = loader.held_out()
    for i in range(cfg.steps):
        objective.step(MicroBatches(loader.batch(i), i))
    score = float(objective.score(objective.G.eval(), aside))
    assert score < 0.6  # of changing nothing it would be 1
    assert objective.preview(objective.G, aside).shape[1:] == (3, 16, 16)


def test_attributes_are_exported_by_name(people: Path, tmp_path: Path):
    objective = stargan.build(TINY)
    (part,) = objective.parts(objective.G.eval())
    assert export.write(part, tmp_path / "net.onnx") < 1e-3
    net = Net("net", tmp_path / "net.onnx", "")
    assert [one.name for one in net.card.conditions] == ["male", "smile"] and net.card.template == "ffhq"
    x, c = torch.rand(2, 3, 24, 40) * 2 - 1, torch.tensor([[1.0, 0], [0, 1]])
    with torch.no_grad():
        want = objective.G(x, c).numpy()
    assert np.abs(net.run(pixels=x.numpy(), condition=c.numpy())["picture"] - want).max() < 1e-3
    batch = stargan.load([people], TINY, 0)
    assert torch.isfinite(objective.score(objective.G, batch.held_out()))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"labels": "colours"}, "attributes or folders"),
        ({"domains": "soy,,curry"}, "names by commas"),
        ({"domains": "soy,soy"}, "each once"),
        ({"labels": "folders", "domains": "soy"}, "names by commas"),
        ({"size": 36}, "multiple of 8"),
        ({"critics": 0}, "at least 1"),
    ],
)
def test_contradictions(wrong: dict[str, Any], said: str):
    with pytest.raises(ValueError, match=said):
        replace(TINY, **wrong)


# --- Published files


@torch.no_grad()
def test_a_published_generator_keeps_its_own_statistics(tmp_path: Path):
    module = parity()
    arrays = module.arrays("stargan_small")
    path = tmp_path / "200000.bin"
    torch.save(
        {key: torch.from_numpy(np.array(one)) for key, one in module.tensors("stargan_small")["G"].items()},
        path,
    )
    assert read(path).kind == "stargan"
    (part,) = adopt(path, "mine")
    assert_same(part.module(*(torch.from_numpy(arrays[key]) for key in ("in0", "in1"))), arrays["out0"])
    assert [one.name for one in part.card.conditions] == [
        "Black_Hair",
        "Blond_Hair",
        "Brown_Hair",
        "Male",
        "Young",
    ]
    assert part.card.licence == "MIT" and not part.card.commercial and "sha256" in part.card.source


def test_a_discriminator_is_for_training_alone(tmp_path: Path):
    torch.save(stargan.build(FOOD).D.state_dict(), tmp_path / "d")
    with pytest.raises(ModelError, match="is the discriminator of stargan"):
        adopt(tmp_path / "d", "mine")


def test_training_goes_on_from_a_published_pair():
    of = stargan.build(replace(FOOD, width=8, blocks=2, domains="a,b"))
    states: Any = {"G": dict(of.G.state_dict()), "D": dict(of.D.state_dict())}
    cfg = stargan.adapt(FOOD, {}, states)
    assert (cfg.width, cfg.blocks, cfg.critic_layers, cfg.domains) == (8, 2, 3, FOOD.domains)
    left = stargan.build(cfg).transfer(states)
    assert sorted(left) == ["D.conv2.weight", "G.main.0.weight"]
