"""The families that swap: the published networks number for number, data of two people, what is learned, and what
a pair begins with."""

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from faces import hopper, hopper_face

torch = pytest.importorskip("torch", reason="training needs the extra 'train'")

from test_psp import assert_same, drawn, parity, published
from torch import nn

from mien.errors import InputError
from mien.train.blocks.embedder import Eyes
from mien.train.blocks.layers import Attention
from mien.train.data.loader import Loader
from mien.train.data.swap_faces import SwapFaces, Warp
from mien.train.engine.accumulate import MicroBatches
from mien.train.families import autoencoder, faceswap_gan

KINDS = re.compile("(conv2d|dense|instance_normalization|scale)(?:_(\\d+))?")


def from_keras(net: nn.Module, arrays: dict[str, Any], channels: int = 0) -> nn.Module:
    """A network with the weights of a Keras one, layers of each kind in the order of their numbers, or where they have
    none in that of creation. channels: between the dense layers' squares. Enlargements put four channels side by side
    in another order than torch."""
    kinds: dict[str, dict[int, dict[str, Any]]] = {}
    for key, value in arrays.items():
        created, layer, what = key.split("/")
        match = KINDS.fullmatch(layer)
        kind = match[1] if match else "conv2d"
        number = int(match[2] or 0) if match else int(created) // 2
        kinds.setdefault(kind, {}).setdefault(number, {})[what] = torch.from_numpy(value)
    left = {kind: [rows[number] for number in sorted(rows)] for kind, rows in kinds.items()}
    for name, module in net.named_modules():
        if isinstance(module, nn.Conv2d):
            given, home = left["conv2d"].pop(0), net.get_submodule(name.rpartition(".")[0])
            shuffles = isinstance(home, autoencoder.Up) or (
                isinstance(home, faceswap_gan.Up) and not home.lite
            )
            put = as_torch_shuffles if shuffles else as_it_is
            module.weight.data.copy_(put(given["kernel"].permute(3, 2, 0, 1)))
            if module.bias is not None:
                module.bias.data.copy_(put(given["bias"]))
        elif isinstance(module, nn.Linear):
            given = left["dense"].pop(0)
            kernel, bias = given["kernel"], given["bias"]
            if left["dense"]:
                kernel = in_chw(kernel, channels)
            else:
                kernel, bias = in_chw(kernel.T, channels).T, in_chw(bias, channels)
            module.weight.data.copy_(kernel.T)
            module.bias.data.copy_(bias)
        elif isinstance(module, faceswap_gan.Norm):
            given = left["instance_normalization"].pop(0)
            module.load_state_dict(given)
        elif isinstance(module, Attention):
            module.gamma.data.copy_(left["scale"].pop(0)["gamma"])
    assert not any(left.values()), "every layer has its place"
    return net.eval()


def as_it_is(x: Any) -> Any:
    return x


def as_torch_shuffles(x: Any) -> Any:
    """Channels (ry, rx, c) -> (c, ry, rx)."""
    return x.unflatten(0, (4, -1)).transpose(0, 1).flatten(0, 1)


def in_chw(x: Any, channels: int) -> Any:
    """Rows (h, w, c) -> (c, h, w)."""
    return x.unflatten(0, (-1, channels)).transpose(0, 1).flatten(0, 1)


def nchw(x: Any) -> Any:
    return torch.from_numpy(x).permute(0, 3, 1, 2)


def nhwc(x: Any) -> Any:
    return x.permute(0, 2, 3, 1)


@torch.no_grad()
def test_the_autoencoder_is_the_published_one():
    module, cfg = parity(), autoencoder.Config(mask=0)
    groups, arrays = module.tensors("faceswap_original"), module.arrays("faceswap_original")
    variant = autoencoder.VARIANTS["original"]
    encoder = from_keras(autoencoder.Encoder(variant, cfg.size, cfg.base), groups["encoder"], 1024)
    z = encoder(nchw(arrays["x"]))
    assert_same(nhwc(z), arrays["z"])
    for name in "ab":
        decoder = autoencoder.Decoder(variant, cfg.base, mask=False, told=False)
        from_keras(decoder, groups[f"decoder_{name}"])
        assert_same(nhwc(decoder(z, z)[0]), arrays[f"out_{name}"])


@torch.no_grad()
def test_the_gan_is_the_published_one():
    module = parity()
    groups, arrays = module.tensors("fsgan64_lite"), module.arrays("fsgan64_lite")
    encoder = from_keras(faceswap_gan.Encoder(64, 32, lite=True), groups["encoder"], 256)
    x = nchw(arrays["x"])
    z = encoder(x)
    assert_same(nhwc(z), arrays["z"])
    decoder = from_keras(faceswap_gan.Decoder(64, 32, lite=True), groups["decoder_A"])
    alpha, face, drafts = decoder(z)
    assert_same(nhwc(torch.cat([alpha, face], 1)), arrays["dec_out0"])
    assert drafts == []
    masked = alpha * face + (1 - alpha) * x
    assert_same(nhwc(masked), arrays["masked"])
    D = from_keras(faceswap_gan.Discriminator(64, 64), groups["netDA"])
    assert_same(nhwc(D(torch.cat([masked, x], 1))), arrays["D"])


def kernels(net: nn.Module) -> list[tuple[int, ...]]:
    """The shapes of a network's kernels, as Keras has them, sorted."""
    shapes = [tuple(one.shape) for one in net.parameters() if one.ndim > 1]
    return sorted((*one[2:], *one[1::-1]) for one in shapes)


def listed(section: str, net: str) -> list[tuple[int, ...]]:
    return sorted(one for key, one in published(section, net).items() if key.endswith("kernel"))


@pytest.mark.parametrize(
    ("section", "variant", "size"),
    [
        ("faceswap_original", "original", 64),
        ("faceswap_dfaker", "dfaker", 64),
        ("faceswap_dfl_h128", "dfl_h128", 128),
    ],
)
def test_variants_have_the_published_shapes(section: str, variant: str, size: int):
    with torch.device("meta"):
        net = autoencoder.Shared(autoencoder.Config(variant, size, mask=0))
    assert kernels(net.encoder) == listed(section, "encoder")
    assert kernels(net.decoders[0]) == listed(section, "decoder_a")
    assert net.decoders[0](torch.empty(2, 512, size // 8, size // 8, device="meta"), None)[0].shape[-1] == (
        2 * size if variant == "dfaker" else size
    )


@pytest.mark.parametrize(("section", "size"), [("fsgan64", 64), ("fsgan128", 128)])
def test_gans_have_the_published_shapes(section: str, size: int):
    with torch.device("meta"):
        net, D = faceswap_gan.Shared(faceswap_gan.Config(size)), faceswap_gan.Discriminator(size, 64)
    assert kernels(net.encoder) == listed(section, "encoder")
    assert kernels(net.decoders[0]) == listed(section, "decoder_A")
    assert kernels(D) == listed(section, "netDA")


# --- Data


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two folders of faces: one of Grace Hopper, one of her in blue, whose face is wider."""
    root = tmp_path_factory.mktemp("people")
    for name, wide, tint in (("a", 1.0, (1, 1, 1)), ("b", 1.2, (0.6, 0.8, 1.2))):
        (root / name / "images").mkdir(parents=True)
        pixels = cv2.resize(hopper().pixels, None, fx=0.3 * wide, fy=0.3, interpolation=cv2.INTER_AREA)
        points = (hopper_face().landmarks + 0.5) * np.array([0.3 * wide, 0.3])
        names = [f"{k:02}.png" for k in range(12)]
        for k, file in enumerate(names):
            shown = np.clip(pixels * np.array(tint) * (0.8 + 0.03 * k), 0, 255).astype(np.uint8)
            cv2.imwrite(str(root / name / "images" / file), shown[..., ::-1])
        np.savez(root / name / "landmarks478.npz", files=np.array(names), points=np.stack([points] * 12))
    return [root / "a", root / "b"]


def test_what_is_shown_is_warped_and_what_is_wanted_is_laid_out(people: list[Path]):
    data = SwapFaces(people, 32, 64, "face", 0, warp=Warp(), matched=0.5)
    one, again = data.batch(3, 1), data.batch(3, 1)
    assert one.seen.shape == (3, 2, 3, 32, 32) and one.wanted.shape == one.about.shape == (3, 2, 3, 64, 64)
    assert np.array_equal(one.seen, again.seen) and not np.array_equal(one.seen, data.batch(3, 2).seen)
    small = one.wanted.reshape(3, 2, 3, 32, 2, 32, 2).mean((4, 6))
    assert 0.01 < np.abs(small - one.seen).mean() < 0.1
    face, eyes, mouth = one.about[:, :, 0], one.about[:, :, 1], one.about[:, :, 2]
    assert 0.3 < face.mean() < 0.7 and 0.005 < eyes.mean() < 0.06 and 0.005 < mouth.mean() < 0.08
    assert (eyes * face).sum() > 0.99 * eyes.sum()
    rows = np.arange(64)[:, None]
    assert (
        (mouth * rows).sum((2, 3)) / mouth.sum((2, 3)) > (eyes * rows).sum((2, 3)) / eyes.sum((2, 3))
    ).all()
    aside = data.held_out(4)
    assert np.abs(aside.seen - aside.wanted.reshape(-1, 2, 3, 32, 2, 32, 2).mean((4, 6))).max() < 0.01
    assert aside.wanted[:, 0, 0].mean() > aside.wanted[:, 1, 0].mean() + 0.03, "A is redder than B"


def test_colours_of_the_other_come_along(people: list[Path]):
    plain, given = (
        SwapFaces(people, 64, 64, "face", 0, warp=Warp(), matched=share).batch(16, 0) for share in (0.0, 1.0)
    )
    apart = [abs(float(one.wanted[:, 0, 0].mean() - one.wanted[:, 1, 0].mean())) for one in (plain, given)]
    assert apart[1] < 0.6 * apart[0]


def test_folders_that_are_none(people: list[Path], tmp_path: Path):
    with pytest.raises(InputError, match="1 folders came, wanted two"):
        SwapFaces(people[:1], 32, 32, "face", 0, warp=Warp())
    shutil.copytree(people[0], tmp_path / "bare")
    (tmp_path / "bare" / "landmarks478.npz").unlink()
    with pytest.raises(InputError, match="mien extract"):
        SwapFaces([tmp_path / "bare", people[1]], 32, 32, "face", 0, warp=Warp())


# --- Training


def trained(objective: Any, loader: Loader[Any], steps: int) -> Any:
    logs = {}
    for i in range(steps):
        logs = objective.step(MicroBatches(loader.batch(i), i))
    return logs


def test_an_autoencoder_learns(people: list[Path]):
    torch.manual_seed(0)
    cfg = replace(autoencoder.PRESETS["tiny"], base=16, steps=70, lr=2e-3, batch=4)
    objective, loader = autoencoder.build(cfg), autoencoder.load(people, cfg, 0)
    before = trained(objective, loader, 1)["l1"]
    assert trained(objective, loader, 70)["l1"] < 0.7 * before
    aside = loader.held_out()
    a, b = (objective.G.drawn_as(k, aside.seen[:, 0])[0].mean((0, 2, 3)) for k in range(2))
    assert a[0] - b[0] > a[2] - b[2] + 0.02, "as B a face is bluer"
    assert objective.preview(objective.G, aside).shape == (6 * 12, 3, 32, 32)


def test_a_pair_begins_with_a_base(people: list[Path]):
    """Both decoders as the base's one; who is drawn is told by the folders' own pictures."""
    tiny = replace(autoencoder.PRESETS["tiny"], told=1)
    base = autoencoder.build(replace(tiny, people="many", base=8))
    drawn(base.G)
    states = {"G": base.G.state_dict()}
    cfg = autoencoder.adapt(tiny, {}, states)
    assert (cfg.base, cfg.told, cfg.mask, cfg.variant, cfg.size) == (8, 1, 1, "original", 32)
    pair = autoencoder.build(cfg)
    assert pair.transfer(states) == []
    x, who = torch.rand(2, 3, 32, 32), torch.randn(2, 128)
    pair.G.who.copy_(who)
    for k in range(2):
        want = base.G(x[:, None], who[k].expand(2, 1, 128))[0][:, 0]
        assert torch.allclose(pair.G.drawn_as(k, x)[0], want, atol=1e-6)
    trained(pair, autoencoder.load(people, cfg, 0), 1)
    assert not torch.allclose(pair.G.who, who) and abs(float(pair.G.who[0].norm()) - 1) < 0.1
    with pytest.raises(ValueError, match="no encoder"):
        autoencoder.adapt(tiny, {}, {"G": {}})


def test_a_gan_goes_through_its_phases(people: list[Path]):
    torch.manual_seed(0)
    cfg = replace(faceswap_gan.PRESETS["tiny"], steps=10)
    objective, loader = faceswap_gan.build(cfg), faceswap_gan.load(people, cfg, 0)
    trained(objective, loader, 1)
    first, second = (
        {key: one.clone() for key, one in net.state_dict().items()} for net in objective.G.decoders
    )
    assert objective.entered(7).rate == 0.3
    assert torch.equal(objective.G.decoders[0].state_dict()["alpha.weight"], first["alpha.weight"])
    assert objective.entered(8).exchanged
    assert torch.equal(objective.G.decoders[1].state_dict()["alpha.weight"], first["alpha.weight"])
    assert torch.equal(objective.G.decoders[0].state_dict()["alpha.weight"], second["alpha.weight"])
    assert not objective.optimisers["G"].state, "rates are found anew"
    states = {name: net.state_dict() for name, net in objective.nets.items()}
    again = faceswap_gan.adapt(faceswap_gan.Config(), {}, states)
    assert (again.base, again.lite, again.size) == (8, 1, 64)
    assert faceswap_gan.build(again).transfer(states) == []


def test_the_embedder_looks_as_it_does_in_the_box():
    """Its first layers by torch are those of ONNX Runtime's graph, and tell people apart from noise of them."""
    eyes, picture = Eyes(), torch.rand(2, 3, 40, 40, requires_grad=True)
    seen = eyes(picture)
    assert [one.shape[-1] for one in seen] == [72, 35, 17, 8]
    torch.stack([one.mean() for one in seen]).sum().backward()
    assert picture.grad is not None and float(picture.grad.abs().sum()) > 0


@pytest.mark.parametrize(
    ("family", "wrong", "said"),
    [
        (autoencoder, {"variant": "huge"}, "there are original"),
        (autoencoder, {"people": "three"}, "there are two"),
        (autoencoder, {"size": 60}, "multiple of 16"),
        (autoencoder, {"matched": 2.0}, "a share"),
        (faceswap_gan, {"size": 96}, "there are 64"),
        (faceswap_gan, {"template": "none"}, "there are ffhq"),
        (faceswap_gan, {"base": 10}, "multiple of 8"),
    ],
)
def test_contradictions(family: Any, wrong: dict[str, Any], said: str):
    with pytest.raises(ValueError, match=said):
        replace(family.PRESETS["tiny"], **wrong)
