"""What is exported: the caller's module stays as it is, terms travel along, and nothing of this machine
does."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="exporting needs the extra 'train'")

import onnx
from torch import nn
from torch.nn import functional as F

from mien import verbs
from mien.errors import ModelError, OutputError
from mien.models.card import Card
from mien.models.session import Net
from mien.train.engine import checkpoints as runs
from mien.train.engine import export
from mien.train.engine.part import Part
from mien.train.families import autoencoder, stylegan2


def normed() -> Part:
    """Layers with normalisations whose statistics are far from 0 and 1, where rounding before fusing would
    show."""
    torch.manual_seed(0)
    image = nn.Sequential(nn.Conv2d(3, 48, 3, padding=1), nn.BatchNorm2d(48), nn.PReLU(48), nn.Flatten())
    module = nn.Sequential(*image, nn.Linear(48 * 64, 8), nn.BatchNorm1d(8))
    for name, one in module.named_buffers():
        if name.endswith(("_mean", "_var")):
            one.copy_(torch.rand_like(one) + 0.5)
    return Part(
        "encoder", module, {"x": torch.zeros(1, 3, 8, 8)}, ("y",), Card("normed", "encoder", "MIT", size=8)
    )


@pytest.mark.parametrize("bits", export.BITS)
def test_the_module_stays_as_it_is(tmp_path: Path, bits: int):
    part = normed()
    part.module.train()
    before, layers = (
        {key: one.clone() for key, one in part.module.state_dict().items()},
        list(part.module.children()),
    )
    assert export.write(part, tmp_path / "n.onnx", bits=bits) < 1e-5
    assert part.module.training and list(part.module.children()) == layers
    assert all(torch.equal(one, before[key]) for key, one in part.module.state_dict().items())
    x = torch.randn(5, 3, 8, 8)
    with torch.no_grad():
        want = part.module.eval()(x).numpy()
    got = Net("n", tmp_path / "n.onnx", "").run(x=x.numpy())["y"]
    np.testing.assert_allclose(got, want, atol={32: 1e-5, 16: 2e-3, 8: 1e-2}[bits])


def test_a_file_is_whole_and_says_nothing_of_this_machine(tmp_path: Path):
    export.write(normed(), tmp_path / "n.onnx")
    assert [one.name for one in tmp_path.iterdir()] == ["n.onnx"]
    onnx.checker.check_model(str(tmp_path / "n.onnx"), full_check=True)
    data = (tmp_path / "n.onnx").read_bytes()
    assert (
        str(Path(export.__file__).parents[2]).encode() not in data
        and b"stack_trace" not in data
        and b".py" not in data
    )


def test_fewer_bits_are_fewer_bytes(tmp_path: Path):
    sizes = []
    for bits in export.BITS:
        export.write(normed(), tmp_path / "n.onnx", bits=bits)
        sizes.append((tmp_path / "n.onnx").stat().st_size)
    assert sizes[1] < 0.6 * sizes[0] and sizes[2] < sizes[1]


def test_every_channel_has_steps_of_its_own(tmp_path: Path):
    """Of convolutions both ways, whose channels lie on other axes: a faint channel loses no more than a
    strong one."""
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(8, 16, 3, padding=1, bias=False), nn.ConvTranspose2d(16, 12, 4, 2, 1, bias=False)
    )
    strengths = [
        torch.logspace(-3, 0, 16)[:, None, None, None],
        torch.logspace(0, -3, 12)[None, :, None, None],
    ]
    for layer, strength in zip(module, strengths, strict=True):
        layer.weight.data *= strength
    part = Part(
        "encoder", module, {"x": torch.zeros(1, 8, 8, 8)}, ("y",), Card("c", "encoder", "MIT", size=8)
    )
    export.write(part, tmp_path / "c.onnx", bits=8)
    assert (tmp_path / "c.onnx").stat().st_size < 1.3 * sum(one.numel() for one in module.parameters()) + 2000
    x = torch.randn(2, 8, 8, 8)
    with torch.no_grad():
        want = module(x).numpy()
    got = Net("c", tmp_path / "c.onnx", "").run(x=x.numpy())["y"]
    away = np.abs(got - want).mean((0, 2, 3)) / np.abs(want).mean((0, 2, 3))
    assert away.min() > 0 and away.max() < 0.02


def test_what_depends_on_the_batch_is_refused(tmp_path: Path):
    """Rows are compared one by one."""

    class Mixes(nn.Module):
        def forward(self, x: Any) -> Any:
            return x - x.mean(0)

    with pytest.raises(ModelError, match="differ"):
        export.write(
            Part("mapper", Mixes(), {"x": torch.zeros(1, 4)}, ("y",), Card("m", "mapper", "MIT")),
            tmp_path / "m.onnx",
        )
    assert not list(tmp_path.iterdir())


def test_phases_are_the_transposed_convolution():
    x, W = torch.randn(2, 5, 6, 7), torch.randn(3, 5, 3, 3)
    got, want = stylegan2.interleaved(x, W), F.conv_transpose2d(x, W.transpose(0, 1), stride=2)
    assert got.shape[2:] == (14, 16) and torch.allclose(got[:, :, :13, :15], want, atol=1e-5)
    assert not got[:, :, 13].any() and not got[..., 15].any()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a run that began from weights which are not for gain."""
    cfg = autoencoder.PRESETS["tiny"]
    folder = tmp_path / "run"
    folder.mkdir()
    about = {
        "family": "autoencoder",
        "preset": "tiny",
        "seed": 0,
        "config": asdict(cfg),
        "notice": "mine\ntheirs",
    }
    runs.write_run(folder, about | {"licence": "MIT AND LicenseRef-Theirs", "commercial": False})
    objective = autoencoder.build(cfg)
    state = objective.nets[objective.averaged].state_dict()
    runs.save(folder / runs.BEST, dict(state), {"step": 1, "held_out": 0.5, "averaged": objective.averaged})
    return folder


def test_parts_are_named_after_a_run_with_its_terms(run: Path, tmp_path: Path):
    """And nothing is written over unless it is forced."""
    (tmp_path / "mine-b.onnx").write_bytes(b"old")
    with pytest.raises(OutputError, match=r"mine-b\.onnx exists"):
        verbs.export(run, tmp_path / "mine.onnx")
    assert not (tmp_path / "mine-a.onnx").exists()
    written = verbs.export(run, tmp_path / "mine.onnx", force=True)
    assert [path.name for path in written] == ["mine-a.onnx", "mine-b.onnx"]
    for path in written:
        card = Net(path.stem, path, "").card
        assert (card.licence, card.commercial, card.data) == (
            "MIT AND LicenseRef-Theirs",
            False,
            "mine\ntheirs",
        )


def test_the_last_weights_instead_of_the_best(run: Path, tmp_path: Path):
    best = runs.read_tensors(run / runs.BEST)
    later = {f"average.{key}": one * 2 if one.is_floating_point() else one for key, one in best.items()}
    runs.save(runs.checkpoint(run, 2), later | {"nets.G.w": torch.zeros(1)}, {"step": 2, "best": 0.5})
    cards, drawn = [], []
    for last in (False, True):
        written = verbs.export(run, tmp_path / f"{last}.onnx", last=last)
        net = Net(str(last), next(iter(written)), "")
        cards.append(net.card)
        drawn.append(net.run(pixels=np.full((1, 3, net.card.size, net.card.size), 0.5, np.float32))["face"])
    assert "step 1 of" in cards[0].source and cards[0].measured == {"held_out": 0.5}
    assert "step 2 of" in cards[1].source and cards[1].measured == {}
    assert not np.allclose(*drawn)
