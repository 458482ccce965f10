"""CycleGAN: the published generators and critics, the pool, unpaired folders, what is learned, and what is
read of published files."""

import collections
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the extra 'train'")

import torch
from test_detect import saved
from test_psp import assert_same, drawn, filled, parity, published

from mien import verbs
from mien.errors import InputError, ModelError, RequestError
from mien.train.blocks import translators
from mien.train.data.loader import Loader
from mien.train.engine import export, launch
from mien.train.engine.accumulate import MicroBatches
from mien.train.engine.initial_weights import read_origin
from mien.train.families import cyclegan
from mien.train.published.convert import adopt
from mien.train.published.detect import read, recognise

TINY = cyclegan.PRESETS["tiny"]


# --- Networks


@torch.no_grad()
def test_the_generator_is_the_published_one():
    module = parity()
    net = filled(translators.ResNetGenerator(base=8, blocks=6), module.tensors("cyclegan_small")["netG"])
    arrays = module.arrays("cyclegan_small")
    assert_same(net(torch.from_numpy(arrays["in0"])), arrays["out0"])


@torch.no_grad()
def test_the_critic_is_the_published_one():
    module = parity()
    net = filled(translators.PatchGAN(6, norm="batch"), module.tensors("patchgan")["netD"])
    arrays = module.arrays("patchgan")
    assert_same(net(torch.from_numpy(arrays["in0"])), arrays["out0"])


def shapes(net: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    return {key: tuple(one.shape) for key, one in net.state_dict().items()}


def test_names_and_shapes_are_the_published_ones():
    with torch.device("meta"):
        assert shapes(translators.ResNetGenerator()) == published("cyclegan_r9", "netG")
        assert shapes(translators.PatchGAN(6, norm="batch")) == published("patchgan", "netD")
        thin = shapes(translators.ResNetGenerator(base=8, blocks=2, dropout=True))
        assert "model.11.conv_block.6.weight" in thin and "model.11.conv_block.5.weight" not in thin
        assert set(shapes(translators.PixelGAN())) == {
            f"net.{i}.{end}" for i in (0, 2, 5) for end in ("weight", "bias")
        }
        assert not any(
            "running" in key for key in shapes(translators.UNetGenerator(norm="instance", downs=7))
        )


@torch.no_grad()
def test_golden_numbers_of_our_own():
    """Where the fixtures are not: a generator still gives what it gave when it matched them."""
    x = torch.linspace(-1, 1, 3 * 16 * 16).view(1, 3, 16, 16).sin()
    got = drawn(translators.ResNetGenerator(base=4, blocks=1))(x)
    assert got[0, :, 3, 5].tolist() == pytest.approx(GOLDEN, abs=1e-4)


GOLDEN = [0.071034, 0.222122, 0.439934]


@pytest.mark.parametrize(("layers", "side", "out"), [(3, 256, 30), (1, 16, 6), (2, 64, 14)])
def test_patches(layers: int, side: int, out: int):
    with torch.device("meta"):
        assert translators.PatchGAN(base=2, layers=layers)(torch.zeros(1, 3, side, side)).shape == (
            1,
            1,
            out,
            out,
        )
        assert translators.PixelGAN(base=2)(torch.zeros(1, 3, 8, 8)).shape == (1, 1, 8, 8)


def test_weights_begin_as_published():
    torch.manual_seed(0)
    net = translators.initialised(translators.ResNetGenerator(base=16, blocks=1, norm="batch"))
    weight = net.state_dict()["model.4.weight"]
    assert abs(float(weight.std()) - 0.02) < 1e-3 and not bool(net.state_dict()["model.18.bias"].any())
    assert abs(float(net.state_dict()["model.2.weight"].mean()) - 1) < 0.02


def test_the_rate_falls_at_the_end():
    assert [translators.pace(i, 10, 0.5) for i in (0, 5, 6, 9)] == pytest.approx([1, 1, 0.8, 0.2])
    assert translators.pace(9, 10, 0.0) == 1


# --- The pool


def test_older_pictures_come_again():
    pool, rng = cyclegan.Pool(4, 2), np.random.default_rng(0)
    levels = [torch.full((2, 3, 2, 2), i / 127.5 - 1) for i in range(40)]
    given = [pool.mixed({"a": one, "b": -one}, rng) for one in levels]
    assert (
        torch.equal(given[0]["a"], levels[0])
        and torch.equal(given[1]["b"], -levels[1])
        and pool.held.tolist() == [4, 4]
    )
    older = [bool((got["a"] < want - 1e-3).any()) for got, want in zip(given, levels, strict=True)]
    assert not any(older[:2]) and 20 < sum(older) < 36  # of two, one or both by chance
    assert all(bool((got["a"] <= want + 1e-3).all()) for got, want in zip(given, levels, strict=True))
    assert pool.a.dtype == torch.uint8 and len(pool.a.unique()) > 1
    none = cyclegan.Pool(0, 2).mixed({"a": levels[3], "b": levels[4]}, rng)
    assert torch.equal(none["a"], levels[3])


# --- Training


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Reddish and bluish pictures with a blob each, which have nothing else in common."""
    root, rng = tmp_path_factory.mktemp("unpaired"), np.random.default_rng(0)
    for name, tint in (("red", (40, 60, 220)), ("blue", (220, 60, 40))):
        (root / name).mkdir()
        for i in range(24):
            picture = np.full((24, 24, 3), tint, np.uint8)
            cv2.circle(
                picture, tuple(map(int, rng.integers(4, 20, 2))), int(rng.integers(3, 8)), (20, 20, 20), -1
            )
            cv2.imwrite(str(root / name / f"{name}{i}.png"), picture)
    return [root / "red", root / "blue"]


def trained(
    objective: cyclegan.CycleGAN, loader: Loader[cyclegan.Batch], steps: int
) -> list[dict[str, float]]:
    return [
        {k: float(v) for k, v in objective.step(MicroBatches(loader.batch(i), i)).items()}
        for i in range(steps)
    ]


def test_it_learns_both_ways(folders: list[Path]):
    torch.manual_seed(0)
    cfg = replace(TINY, base=8, lr=2e-3, steps=100, identity=0.0, batch=4)
    objective, loader = cyclegan.build(cfg), cyclegan.load(folders, cfg, 0)
    aside = loader.held_out()
    before = float(objective.score(objective.G.eval(), aside))
    logs = trained(objective, loader, 100)
    after = float(objective.score(objective.G.eval(), aside))
    assert after < 0.95 < 2 < before and logs[-1]["cycle"] < 0.5 * logs[0]["cycle"]
    with torch.no_grad():
        blue, red = objective.G(aside.a, aside.b)
    assert blue[:, 2].mean() > blue[:, 0].mean() + 0.5 and red[:, 0].mean() > red[:, 2].mean() + 0.5
    assert objective.preview(objective.G, aside).shape == (72, 3, 16, 16)


def test_translating_nothing_scores_one(folders: list[Path]):
    objective, aside = cyclegan.build(TINY), cyclegan.load(folders, TINY, 0).held_out()
    both = cyclegan.Both(TINY)
    both.G_A = both.G_B = torch.nn.Identity()  # pyright: ignore[reportAttributeAccessIssue]
    assert float(objective.score(both, aside)) == pytest.approx(1)


@pytest.mark.parametrize(
    "knobs",
    [{"generator": "unet", "downs": 5, "size": 32, "load": 32}, {"critic": "pixel", "gan": "bce", "pool": 0}],
)
def test_other_networks_and_losses(folders: list[Path], knobs: dict[str, Any]):
    cfg = replace(TINY, dropout=1, **knobs)
    logs = trained(cyclegan.build(cfg), cyclegan.load(folders, cfg, 0), 2)
    assert (
        np.isfinite([*logs[0].values(), *logs[1].values()]).all()
        and {"g", "d", "cycle", "identity"} < logs[0].keys()
    )


def test_batches_are_a_function_of_the_step(folders: list[Path]):
    first, again = (cyclegan.load(folders, TINY, 3).batch(5) for _ in range(2))
    assert torch.equal(first.a, again.a) and torch.equal(first.b, again.b) and first.a.shape == (2, 3, 16, 16)
    assert not torch.equal(first.a, cyclegan.load(folders, TINY, 4).batch(5).a)
    with pytest.raises(InputError, match="wanted two"):
        cyclegan.load(folders[:1], TINY, 0)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"generator": "patch"}, "there are 'resnet'"),
        ({"critic": "resnet"}, "there are 'patch'"),
        ({"gan": "hinge"}, "there are 'lsgan'"),
        ({"template": "nose"}, "there are ''"),
        ({"size": 18}, "multiple of 4"),
        ({"generator": "unet", "size": 20, "load": 20}, "multiple of 64"),
        ({"load": 8}, "must not be below size"),
        ({"cycle": -1.0}, "nor pool and weights below 0"),
        ({"decay": 2.0}, "in 0..1"),
    ],
)
def test_contradictions(wrong: dict[str, Any], said: str):
    with pytest.raises(ValueError, match=said):
        replace(TINY, downs=6, **wrong)


# --- Published files


def old(state: dict[str, Any]) -> dict[str, Any]:
    """As files from before torch 0.4 have it: with what instance norms have gathered."""
    out = collections.OrderedDict(state)
    for i, width in ((2, 4), (5, 8), (8, 16)):
        out |= {f"model.{i}.running_mean": torch.ones(width), f"model.{i}.running_var": torch.ones(width)}
    out["model.10.conv_block.2.running_mean"] = torch.ones(16)
    out["model.10.conv_block.2.num_batches_tracked"] = torch.tensor(7)
    return out


@pytest.mark.parametrize("dropout", [False, True])
@torch.no_grad()
def test_published_files_are_imported(tmp_path: Path, dropout: bool):
    net = drawn(translators.ResNetGenerator(base=4, blocks=2, dropout=dropout))
    path = saved(tmp_path, old(dict(net.state_dict())), old=True)
    assert recognise(path) == "cyclegan" and read(path).nets["G"].keys() == net.state_dict().keys()
    (part,) = adopt(path, "mine")
    assert (part.role, part.card.name, part.card.multiple, part.card.value_range) == (
        "translator",
        "mine-translator",
        4,
        (-1, 1),
    )
    x = torch.rand(2, 3, 16, 24) * 2 - 1
    assert torch.equal(part.module(x), net(x))
    small = replace(part, inputs={"pixels": torch.zeros(1, 3, 16, 16)})
    assert export.write(small, tmp_path / "net.onnx") < 1e-4


def test_other_channels_are_refused(tmp_path: Path):
    net = translators.ResNetGenerator(3, 1, base=4, blocks=1)
    with pytest.raises(ModelError, match="makes 1 channels of 3"):
        adopt(saved(tmp_path, net.state_dict()), "mine")
    state = dict(net.state_dict())
    del state["model.18.weight"]
    with pytest.raises(ModelError, match="not within"):
        read(saved(tmp_path, state))


def test_a_run_begins_with_a_published_file(
    tmp_path: Path, folders: list[Path], monkeypatch: pytest.MonkeyPatch
):
    net = drawn(translators.ResNetGenerator(base=4, blocks=3))
    origin = read_origin(saved(tmp_path, dict(net.state_dict())))
    cfg = cyclegan.adapt(TINY, origin.knobs, origin.nets)
    assert (cfg.base, cfg.blocks, cfg.generator) == (4, 3, "resnet") and not origin.commercial
    objective = cyclegan.build(cfg)
    left = objective.transfer(origin.nets)
    assert left and all(key.startswith("G.G_B.") for key in left)
    assert torch.equal(objective.G.state_dict()["G_A.model.1.weight"], net.state_dict()["model.1.weight"])
    with pytest.raises(ValueError, match="no generator"):
        cyclegan.adapt(TINY, {}, {"G": {"mapping.w_avg": torch.zeros(1)}})
    monkeypatch.setattr(
        launch, "read_origin", lambda _: replace(origin, nets={"G": {"synthesis": torch.zeros(1)}})
    )
    with pytest.raises(RequestError, match="cannot begin"):
        verbs.train("cyclegan", folders, tmp_path / "run", preset="tiny", start=[tmp_path / "file.bin"])
