"""The encoders: the published networks to the last digits that matter, under their published names; and our light one."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the extra 'train'")

import torch
from torch import nn

from mien.train.families import psp

SHARED = Path(__file__).parents[2] / "shared"
PARITY, KEYS = SHARED / "parity", SHARED / "design" / "model-keys.md"
TOLERANCE = 1e-4  # of the outputs' spread


def parity() -> Any:
    """The module that rebuilds the fixtures' weights."""
    if not (PARITY / "weights.py").is_file():
        pytest.skip("the parity fixtures are not beside the repository")
    spec = importlib.util.spec_from_file_location("parity_weights", PARITY / "weights.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def filled(net: nn.Module, arrays: dict[str, np.ndarray]) -> nn.Module:
    net.load_state_dict({key: torch.from_numpy(one) for key, one in arrays.items()}, strict=True)
    return net.eval()


def assert_same(got: torch.Tensor, want: np.ndarray) -> None:
    assert got.shape == want.shape
    assert np.abs(got.detach().numpy() - want).max() < TOLERANCE * want.std()


BLOCKS = {
    "map2style16": lambda: psp.MapToStyle(32, 32, 16),
    "map2style32": lambda: psp.MapToStyle(32, 32, 32),
    "map2style64": lambda: psp.MapToStyle(32, 32, 64),
    "irse_same": lambda: psp.Bottleneck(32, 32, 1),
    "irse_stride": lambda: psp.Bottleneck(32, 32, 2),
    "irse_widen": lambda: psp.Bottleneck(32, 64, 2),
    "ir_widen": lambda: psp.Bottleneck(32, 64, 2, squeeze=False),
}


@pytest.mark.parametrize("name", BLOCKS)
@torch.no_grad()
def test_blocks_are_the_published_ones(name: str):
    module = parity()
    net = filled(BLOCKS[name](), module.tensors("psp_blocks")[name])
    arrays = module.arrays("psp_blocks")
    assert_same(net(torch.from_numpy(arrays[f"{name}_in"])), arrays[f"{name}_out"])


@torch.no_grad()
def test_irse50_is_the_published_one():
    module = parity()
    with torch.device("meta"):
        net = psp.Backbone()
    net = filled(net.to_empty(device="cpu"), module.tensors("irse50")["model"])
    arrays = module.arrays("irse50")
    assert isinstance(net, psp.Backbone)
    x = torch.from_numpy(arrays["x"])
    assert_same(net.features(x), arrays["feat_body"])
    assert_same(net(x), arrays["emb"])


def published(section: str, net: str) -> dict[str, tuple[int, ...]]:
    """Keys and shapes of a published state dict."""
    if not KEYS.is_file():
        pytest.skip("the list of published keys is not beside the repository")
    text = re.split(rf"^## {section}$", KEYS.read_text(), flags=re.MULTILINE)[1]
    block = re.split(rf"^### {net} .*$", text, flags=re.MULTILINE)[1].split("```")[1]
    rows = [line.split() for line in block.strip().splitlines()]
    return {row[0]: () if row[1] == "scalar" else tuple(map(int, row[1].split("x"))) for row in rows}


@pytest.mark.parametrize(
    ("section", "net", "name", "styles", "channels"),
    [
        ("psp_sketch256", "state_dict", "GradualStyleEncoder", 14, 1),
        ("psp_os32", "state_dict", "GradualStyleEncoder", 8, 3),
        ("e4e_os32", "encoder", "Encoder4Editing", 8, 3),
    ],
)
def test_names_and_shapes_are_the_published_ones(section: str, net: str, name: str, styles: int, channels: int):
    want = published(section, net)
    prefix = "encoder." if net == "state_dict" else ""
    want = {key.removeprefix(prefix): shape for key, shape in want.items() if key.startswith(prefix)}
    with torch.device("meta"):
        ours = psp.encoder(name, styles, channels).state_dict()
    assert {key: tuple(one.shape) for key, one in ours.items()} == want


def drawn(net: nn.Module, seed: int = 0) -> nn.Module:
    """Weights that are a function of the seed, with every statistic away from its default."""
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for key, one in net.state_dict().items():
            if key.endswith("running_var"):
                one.copy_(torch.rand(one.shape, generator=rng) + 0.5)
            elif one.is_floating_point():
                fan = one[0].numel() if one.ndim > 1 and not key.endswith("linear.weight") else 1
                one.copy_(torch.randn(one.shape, generator=rng) / fan**0.5 * (0.2 if one.ndim == 1 else 1) + (one.ndim == 1))
    return net.eval()


@torch.no_grad()
def test_golden_numbers_of_our_own():
    """Where the fixtures are not: a block of each kind still gives what it gave when it matched them."""
    x = torch.randn(1, 16, 16, 16, generator=torch.Generator().manual_seed(1))
    map2style = drawn(psp.MapToStyle(16, 16, 16))(x)
    block = drawn(psp.Bottleneck(16, 32, 2))(x)
    assert map2style[0, :3].tolist() == pytest.approx(GOLDEN["map2style"], abs=1e-4)
    assert block[0, :3, 1, 2].tolist() == pytest.approx(GOLDEN["bottleneck"], abs=1e-4)


GOLDEN = {"map2style": [-0.613886, 2.022156, 2.240533], "bottleneck": [2.526052, 2.054060, 1.895161]}


class Thin(psp.Pyramid):
    """The pyramid without its weight: three levels of chance, to see what the encoders do with them."""

    def __init__(self, styles: int) -> None:
        nn.Module.__init__(self)
        self.styles = nn.ModuleList(psp.MapToStyle(8, 8, 16 if i < 3 else 32 if i < 7 else 64) for i in range(styles))

    def levels(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        rng = torch.Generator().manual_seed(int(x[0, 0, 0, 0]))
        coarse, middle, fine = (torch.randn(len(x), 8, s, s, generator=rng) for s in (16, 32, 64))
        return coarse, middle, fine


class ThinE4E(Thin, psp.Encoder4Editing):
    pass


class ThinPSP(Thin, psp.GradualStyleEncoder):
    pass


@torch.no_grad()
def test_e4e_adds_one_delta_after_the_other():
    net, plain = ThinE4E(9).eval(), ThinPSP(9).eval()
    plain.load_state_dict(net.state_dict())
    x = torch.full((2, 3, 4, 4), 5.0)
    each = plain(x)  # what the heads say
    for stage in (0, 1, 4, 8, None):
        net.stage = stage
        codes = net(x)
        used = 9 if stage is None else stage + 1
        assert torch.allclose(codes[:, 0], each[:, 0])
        assert torch.allclose(codes[:, 1:used], each[:, :1] + each[:, 1:used], atol=1e-6)
        assert torch.equal(codes[:, used:], codes[:, :1].expand(-1, 9 - used, -1))


@torch.no_grad()
def test_encoders_into_w_take_any_size():
    w = psp.BackboneEncoderUsingLastLayerIntoW().eval()(torch.zeros(1, 3, 64, 64))
    assert w.shape == (1, 512)
    wplus = psp.BackboneEncoderUsingLastLayerIntoWPlus(4).eval()
    assert wplus(torch.zeros(2, 3, 64, 64)).shape == (2, 4, 512)
    assert {"output_layer_2.0.weight", "output_layer_2.3.weight", "linear.weight"} <= set(wplus.state_dict())


def test_light_encoder_starts_at_the_average_and_learns():
    torch.manual_seed(0)
    net = psp.LightEncoder(6, w=32, width=16)
    x = torch.randn(4, 3, 64, 64)
    assert net.eval()(x).abs().max() == 0
    want = torch.randn(4, 6, 32)
    optimiser = torch.optim.Adam(net.train().parameters(), 5e-3)
    for _ in range(30):
        loss = (net(x) - want).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert float(loss.detach()) < 0.5


def test_light_encoder_is_light():
    with torch.device("meta"):
        net = psp.LightEncoder(14)
    assert 2e6 < sum(one.numel() for one in net.parameters()) < 5e6


def test_styles_of():
    assert [psp.styles_of(size) for size in (32, 128, 256, 512, 1024)] == [8, 12, 14, 16, 18]
