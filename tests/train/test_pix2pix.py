"""pix2pix: the published U-Net, its noise and its statistics made explicit, pairs that are given and pairs
that are drawn."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from faces import hopper, hopper_face

pytest.importorskip("torch", reason="training needs the extra 'train'")

import torch
from test_detect import saved
from test_psp import assert_same, drawn, filled, parity, published

from mien.errors import InputError
from mien.face import topology
from mien.face.line_drawing import draw_lines
from mien.models.session import Net
from mien.train.blocks import translators
from mien.train.data.loader import Loader
from mien.train.data.pairs import TASKS, Pairs, scribbled
from mien.train.engine import export
from mien.train.engine.accumulate import MicroBatches
from mien.train.engine.initial_weights import read_origin
from mien.train.families import pix2pix
from mien.train.published.convert import adopt
from mien.train.published.detect import recognise

TINY = pix2pix.PRESETS["tiny"]


# --- Networks


@torch.no_grad()
def test_the_generator_is_the_published_one():
    module = parity()
    net = filled(translators.UNetGenerator(base=4, downs=7), module.tensors("pix2pix_unet128_small")["netG"])
    arrays = module.arrays("pix2pix_unet128_small")
    assert_same(net(torch.from_numpy(arrays["in0"])), arrays["out0"])


def test_names_and_shapes_are_the_published_ones():
    with torch.device("meta"):
        net = translators.UNetGenerator()
    assert {key: tuple(one.shape) for key, one in net.state_dict().items()} == published(
        "pix2pix_unet256", "netG"
    )


@torch.no_grad()
def test_golden_numbers_of_our_own():
    """Where the fixtures are not: a U-Net still gives what it gave when it matched them."""
    x = torch.linspace(-1, 1, 3 * 64 * 64).view(1, 3, 64, 64).sin()
    got = drawn(translators.UNetGenerator(base=2, downs=6))(x)
    assert got[0, :, 3, 5].tolist() == pytest.approx(GOLDEN, abs=1e-4)


GOLDEN = [0.868314, 0.772696, 0.790968]


@torch.no_grad()
def test_own_statistics_are_those_of_training_with_one_picture():
    net = drawn(translators.UNetGenerator(base=2, downs=6, dropout=False))
    x = torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    own = translators.own_statistics(net)
    got = own(x)
    assert got.std() > 0.01 and not torch.allclose(got, net(x), atol=1e-3)
    before = net.state_dict()["model.model.1.model.2.running_mean"].clone()
    want = torch.cat([filled_copy(net).train()(one) for one in x.split(1)])
    assert torch.allclose(got, want, atol=1e-5)
    assert torch.equal(net.state_dict()["model.model.1.model.2.running_mean"], before)
    pairs = zip(own.parameters(), net.parameters(), strict=True)
    assert all(a is b for a, b in pairs)  # nothing is copied


def filled_copy(net: torch.nn.Module) -> torch.nn.Module:
    out = translators.UNetGenerator(base=2, downs=6, dropout=False)
    out.load_state_dict(net.state_dict())
    return out


# --- Noise


@torch.no_grad()
def test_noise_is_asked_for_by_number(tmp_path: Path):
    """The same number, the same noise, for each picture of a batch by itself, and in ONNX Runtime as in
    torch; 0 is none."""
    net = drawn(translators.UNetGenerator(1, 3, base=4, downs=7))
    asked = translators.Sampling(net).eval()
    x = torch.randn(1, 1, 128, 128, generator=torch.Generator().manual_seed(0)).expand(4, -1, -1, -1)
    got = asked(x, torch.tensor([[0.0], [1.0], [2.0], [1.0]]))
    assert torch.allclose(got[0], net(x[:1])[0], atol=1e-6) and torch.equal(got[1], got[3])
    assert all((got[a] - got[b]).abs().max() > 1e-3 for a, b in ((0, 1), (0, 2), (1, 2)))
    objective = pix2pix.build(replace(TINY, base=4, statistics="own"))
    drawn(objective.G)
    (part,) = objective.parts(objective.G)
    assert export.write(part, tmp_path / "net.onnx") < 1e-4
    file = Net("net", tmp_path / "net.onnx", "")
    assert [one.name for one in file.card.conditions] == ["sample"] and file.inputs["pixels"][2] == "64*rows"
    wide, draws = torch.randn(2, 1, 128, 64), torch.tensor([[3.0], [0.0]])
    np.testing.assert_allclose(
        file.run(pixels=wide.numpy(), condition=draws.numpy())["picture"],
        part.module(wide, draws).numpy(),
        atol=1e-4,
    )


def test_noise_is_fair():
    at = torch.arange(512 * 64).view(1, 512, 8, 8)
    drawn_bits = [
        translators.chance(at, torch.tensor(draw), place).float()
        for draw in (1024, 2048, 5000)
        for place in (0, 1)
    ]
    assert all(abs(float(one.mean()) - 0.5) < 0.02 for one in drawn_bits)
    each = torch.stack([one.flatten() for one in drawn_bits])
    off = each.corrcoef() - torch.eye(len(each))
    assert off.abs().max() < 0.03
    first = each[0].view(512, 64) - 0.5
    assert (
        abs(float((first[:, 1:] * first[:, :-1]).mean())) < 0.01
        and abs(float((first[1:] * first[:-1]).mean())) < 0.01
    )
    assert 0.2 < float(first.mean(1).std()) * 8 * 2 < 3  # whole maps are neither on nor off


# --- Data


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of faces with their landmarks, as `mien align` writes it; one face has none."""
    folder = tmp_path_factory.mktemp("marked")
    (folder / "images").mkdir()
    names = [f"{i:02}.png" for i in range(12)]
    small = cv2.resize(hopper().pixels, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    for i, name in enumerate(names):
        cv2.imwrite(
            str(folder / "images" / name),
            np.clip(small * (0.7 + 0.04 * i), 0, 255).astype(np.uint8)[..., ::-1],
        )
    points = (hopper_face().landmarks + 0.5) * 0.25
    np.savez(folder / "landmarks478.npz", files=np.array(names[1:]), points=np.stack([points] * 11))
    (folder / "faces.csv").write_text(
        "file,person,source\n" + "".join(f"{name},p{i},x\n" for i, name in enumerate(names))
    )
    return folder


def trained(objective: pix2pix.Pix2Pix, loader: Loader[pix2pix.Batch], steps: int) -> list[dict[str, float]]:
    return [
        {k: float(v) for k, v in objective.step(MicroBatches(loader.batch(i), i)).items()}
        for i in range(steps)
    ]


@pytest.mark.parametrize("task", [task for task in TASKS if task != "pairs"])
def test_every_task_is_trained(task: str, marked: Path):
    cfg = replace(TINY, task=task, wobble=0.5)
    objective, loader = pix2pix.build(cfg), pix2pix.load([marked], cfg, 0)
    first, again = loader.batch(3), pix2pix.load([marked], cfg, 0).batch(3)
    assert torch.equal(first.seen, again.seen) and torch.equal(first.wanted, again.wanted)
    assert first.seen.shape == (2, TASKS[task], 64, 64) and first.wanted.shape == (2, 3, 64, 64)
    assert -1 <= float(first.seen.min()) < -0.5 and 0.5 < float(first.seen.max()) <= 1
    logs = trained(objective, loader, 2)
    assert np.isfinite([*logs[0].values(), *logs[1].values()]).all() and {"g", "d", "l1"} < logs[0].keys()
    aside = loader.held_out()
    assert torch.isfinite(objective.score(objective.G.eval(), aside))
    assert objective.preview(objective.G, aside).shape == (36, 3, 64, 64)
    assert objective.parts(objective.G)[0].inputs["pixels"].shape == (1, TASKS[task], 64, 64)


def test_lines_of_a_face(marked: Path):
    data = Pairs([marked], 64, 64, "landmarks", 0)
    seen, _ = data.held_out(4)
    ink = (seen > 0).mean()
    assert (
        0.03 < ink < 0.25
        and seen.shape[1:] == (1, 64, 64)
        and "no landmarks: 1 pictures" in " ".join(data.notes())
    )
    plain, turned = (data.pictures.batch(2, 0, mirror) for mirror in (0.0, 1.0))
    assert np.array_equal(turned[0], plain[0][..., ::-1]) and np.array_equal(turned[1], plain[1][..., ::-1])
    points = hopper_face().landmarks * 0.25
    lines = draw_lines(points, 160)
    eye = points[list(topology.EYELIDS[0])].mean(0)
    assert (
        lines[int(points[1, 1]), int(points[1, 0]) + 12] == 0
        and lines[int(eye[1]) - 4 : int(eye[1]) + 5, int(eye[0])].max() > 100
    )


def test_landmarks_are_wanted(tmp_path: Path):
    cv2.imwrite(str(tmp_path / "a.png"), hopper().pixels)
    with pytest.raises(InputError, match=r"landmarks478\.npz"):
        Pairs([tmp_path], 64, 64, "landmarks", 0)


def test_a_bad_hand():
    paper = np.ones((1, 64, 64), np.float32)
    paper[:, 30:32] = 0
    rng = np.random.default_rng(0)
    assert np.array_equal(scribbled(paper, 0.0, rng), paper)
    tries = [scribbled(paper, 1.0, rng) for _ in range(12)]
    assert all(one.min() >= 0 and one.max() <= 1 and one.shape == paper.shape for one in tries)
    rows = [float((1 - one).sum((0, 2)).argmax()) for one in tries]
    ink = [(1 - one).sum() for one in tries]
    assert np.ptp(rows) > 1 and min(ink) < 0.9 * 128 and np.mean([one[0, :20].mean() for one in tries]) > 0.95


def picture(i: int) -> np.ndarray:
    out = np.full((40, 40, 3), 230, np.uint8)
    cv2.circle(out, (8 + i, 20), 6, (10, 10, 10), -1)
    return out


def answer(pixels: np.ndarray) -> np.ndarray:
    return np.stack([pixels[..., 0], 255 - pixels[..., 1], np.full_like(pixels[..., 2], 30)], 2)


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs in all three layouts."""
    root = tmp_path_factory.mktemp("given")
    for name in ("A/train", "B/train", "wide"):
        (root / name).mkdir(parents=True)
    for i in range(24):
        a, b = picture(i), answer(picture(i))
        cv2.imwrite(str(root / "A" / "train" / f"{i}.png"), a)
        cv2.imwrite(str(root / "B" / "train" / f"{i}.bmp"), b)
        cv2.imwrite(str(root / "wide" / f"{i}.png"), np.concatenate([a, b], 1))
    cv2.imwrite(str(root / "B" / "train" / "alone.png"), picture(3))
    return root


@pytest.mark.parametrize("layout", ["two", "one", "wide"])
def test_pairs_in_three_layouts(given: Path, layout: str):
    folders = {"two": [given / "A", given / "B"], "one": [given], "wide": [given / "wide"]}[layout]
    data, turned = (Pairs(folders, 32, 40, "pairs", 0, turned=one) for one in (False, True))
    seen, wanted = data.batch(6, 1, 0.5)
    assert seen.shape == wanted.shape == (6, 3, 32, 32)
    assert np.abs(wanted[:, 2] - seen[:, 2]).max() < 1e-6 and np.abs(wanted[:, 1] + seen[:, 1]).max() < 0.02
    assert np.array_equal(turned.batch(6, 1, 0.5)[1], seen)
    assert any("no other half: 1 pictures" in note for note in data.notes()) == (layout != "wide")
    aside = data.held_out(100)
    assert aside[0].shape[1:] == (3, 32, 32) and len(aside[0]) < 8


def test_what_is_no_pair(tmp_path: Path, given: Path):
    with pytest.raises(InputError, match="twice as wide as high"):
        Pairs([given / "A"], 32, 32, "pairs", 0)
    (tmp_path / "x").mkdir()
    cv2.imwrite(str(tmp_path / "x" / "other.png"), picture(1))
    with pytest.raises(InputError, match="no name in common"):
        Pairs([given / "A", tmp_path / "x"], 32, 32, "pairs", 0)


# --- Training


def test_it_learns(given: Path):
    torch.manual_seed(0)
    cfg = replace(TINY, task="pairs", size=32, load=36, downs=5, base=8, batch=4, steps=60, lr=2e-3, sample=0)
    objective, loader = pix2pix.build(cfg), pix2pix.load([given], cfg, 0)
    aside = loader.held_out()
    before = float(objective.score(objective.G.eval(), aside))
    objective.G.train()
    trained(objective, loader, 60)
    assert float(objective.score(objective.G.eval(), aside)) < 0.8 < before


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"task": "swap"}, "there are 'pairs'"),
        ({"norm": "layer"}, "there are 'instance'"),
        ({"statistics": "mine"}, "there are 'own'"),
        ({"size": 96, "load": 96}, "multiple of 64"),
        ({"dropout": 0}, "sample is for dropout=1"),
        ({"downs": 5}, "sample is for dropout=1"),
        ({"turned": 1}, "task=pairs"),
        ({"wobble": 2.0}, r"in 0\.\.1"),
        ({"downs": 20, "size": 1 << 20, "load": 1 << 20}, r"in 5\.\.12"),
    ],
)
def test_contradictions(wrong: dict[str, Any], said: str):
    with pytest.raises(ValueError, match=said):
        replace(TINY, **wrong)


# --- Published files


@torch.no_grad()
def test_published_files_are_imported(tmp_path: Path):
    net = drawn(translators.UNetGenerator(base=2, downs=7))
    path = saved(tmp_path, dict(net.state_dict()))
    assert recognise(path) == "pix2pix"
    x = torch.randn(2, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    (part,) = adopt(path, "mine")
    assert (part.card.multiple, part.card.size, part.card.conditions) == (128, 128, ()) and torch.equal(
        part.module(x), net(x)
    )
    (own,) = adopt(path, "mine", own_statistics=True, sample=True)
    assert list(own.inputs) == ["pixels", "condition"] and "own statistics" in own.card.limits
    got = own.module(x, torch.zeros(2, 1))
    assert torch.allclose(got, translators.own_statistics(net)(x), atol=1e-6)
    assert not torch.allclose(got, own.module(x, torch.ones(2, 1)), atol=1e-3)


def test_a_run_begins_with_a_published_file(tmp_path: Path):
    net = drawn(translators.UNetGenerator(base=2, downs=6))
    origin = read_origin(saved(tmp_path, dict(net.state_dict())))
    cfg = pix2pix.adapt(replace(TINY, base=9), origin.knobs, origin.nets)
    assert (cfg.task, cfg.base, cfg.downs, cfg.norm) == ("pairs", 2, 6, "batch")
    objective = pix2pix.build(cfg)
    assert objective.transfer(origin.nets) == []
    assert torch.equal(
        objective.G.state_dict()["model.model.0.weight"], net.state_dict()["model.model.0.weight"]
    )
    with pytest.raises(ValueError, match="no generator"):
        pix2pix.adapt(TINY, {}, {"G": {"mapping.w_avg": torch.zeros(1)}})
