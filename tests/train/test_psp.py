"""The encoders: the published networks to the last digits that matter, under their published names; our light
one; how they are trained."""

import importlib.util
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from faces import ROOT, hopper, hopper_face

pytest.importorskip("torch", reason="training needs the extra 'train'")

import torch
from torch import nn

from mien.edits.part_labels import CLASSES
from mien.errors import InputError, ModelError, RequestError
from mien.train.blocks import encoders
from mien.train.data import drawings
from mien.train.data.loader import Loader
from mien.train.engine import export
from mien.train.engine.accumulate import MicroBatches
from mien.train.families import psp, stylegan2

SHARED = ROOT.parent / "shared"
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
    "map2style16": lambda: encoders.MapToStyle(32, 32, 16),
    "map2style32": lambda: encoders.MapToStyle(32, 32, 32),
    "map2style64": lambda: encoders.MapToStyle(32, 32, 64),
    "irse_same": lambda: encoders.Bottleneck(32, 32, 1),
    "irse_stride": lambda: encoders.Bottleneck(32, 32, 2),
    "irse_widen": lambda: encoders.Bottleneck(32, 64, 2),
    "ir_widen": lambda: encoders.Bottleneck(32, 64, 2, squeeze=False),
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
        net = encoders.Backbone()
    net = filled(net.to_empty(device="cpu"), module.tensors("irse50")["model"])
    arrays = module.arrays("irse50")
    assert isinstance(net, encoders.Backbone)
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
def test_names_and_shapes_are_the_published_ones(
    section: str, net: str, name: str, styles: int, channels: int
):
    want = published(section, net)
    prefix = "encoder." if net == "state_dict" else ""
    want = {key.removeprefix(prefix): shape for key, shape in want.items() if key.startswith(prefix)}
    with torch.device("meta"):
        ours = encoders.encoder(name, styles, channels).state_dict()
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
                one.copy_(
                    torch.randn(one.shape, generator=rng) / fan**0.5 * (0.2 if one.ndim == 1 else 1)
                    + (one.ndim == 1)
                )
    return net.eval()


@torch.no_grad()
def test_golden_numbers_of_our_own():
    """Where the fixtures are not: a block of each kind still gives what it gave when it matched them."""
    x = torch.randn(1, 16, 16, 16, generator=torch.Generator().manual_seed(1))
    map2style = drawn(encoders.MapToStyle(16, 16, 16))(x)
    block = drawn(encoders.Bottleneck(16, 32, 2))(x)
    assert map2style[0, :3].tolist() == pytest.approx(GOLDEN["map2style"], abs=1e-4)
    assert block[0, :3, 1, 2].tolist() == pytest.approx(GOLDEN["bottleneck"], abs=1e-4)


GOLDEN = {"map2style": [-0.613886, 2.022156, 2.240533], "bottleneck": [2.526052, 2.054060, 1.895161]}


class Thin(encoders.Pyramid):
    """The pyramid without its weight: three levels of chance, to see what the encoders do with them."""

    def __init__(self, styles: int) -> None:
        nn.Module.__init__(self)
        self.styles = nn.ModuleList(
            encoders.MapToStyle(8, 8, 16 if i < 3 else 32 if i < 7 else 64) for i in range(styles)
        )

    def levels(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        rng = torch.Generator().manual_seed(int(x[0, 0, 0, 0]))
        coarse, middle, fine = (torch.randn(len(x), 8, s, s, generator=rng) for s in (16, 32, 64))
        return coarse, middle, fine


class ThinE4E(Thin, encoders.Encoder4Editing):
    pass


class ThinPSP(Thin, encoders.GradualStyleEncoder):
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
    w = encoders.BackboneEncoderUsingLastLayerIntoW().eval()(torch.zeros(1, 3, 64, 64))
    assert w.shape == (1, 512)
    wplus = encoders.BackboneEncoderUsingLastLayerIntoWPlus(4).eval()
    assert wplus(torch.zeros(2, 3, 64, 64)).shape == (2, 4, 512)
    assert {"output_layer_2.0.weight", "output_layer_2.3.weight", "linear.weight"} <= set(wplus.state_dict())


def test_light_encoder_starts_at_the_average_and_learns():
    torch.manual_seed(0)
    net = encoders.LightEncoder(6, w=32, width=16)
    x = torch.randn(4, 3, 64, 64)
    assert net.eval()(x).abs().max() == 0
    want = torch.randn(4, 6, 32)
    optimiser = torch.optim.Adam(net.train().parameters(), 5e-3)
    loss = torch.tensor(torch.inf)
    for _ in range(30):
        loss = (net(x) - want).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert float(loss.detach()) < 0.5


def test_light_encoder_is_light():
    with torch.device("meta"):
        net = encoders.LightEncoder(14)
    assert 2e6 < sum(one.numel() for one in net.parameters()) < 5e6


def test_styles_of():
    assert [encoders.styles_of(size) for size in (32, 128, 256, 512, 1024)] == [8, 12, 14, 16, 18]


def test_thinner_encoders_give_styles_of_other_sizes():
    x = torch.randn(2, 1, 64, 64)
    for name in encoders.ENCODERS:
        codes = encoders.encoder(name, 6, 1, w=8, width=16, side=64)(x)
        assert codes.shape == ((2, 8) if name == "BackboneEncoderUsingLastLayerIntoW" else (2, 6, 8))


# --- Training


TINY = psp.PRESETS["tiny"]
E4E = replace(
    TINY,
    encoder="Encoder4Editing",
    width=16,
    delta=2e-4,
    adversarial=0.1,
    progressive_from=1,
    progressive_every=1,
    r1_every=1,
)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 24 smooth pictures: two colours that go over into each other."""
    folder = tmp_path_factory.mktemp("smooth")
    ramp = np.linspace(0, 1, 40)[:, None, None]
    for i in range(24):
        colours = np.random.default_rng(i).uniform(0, 255, (2, 3))
        cv2.imwrite(
            str(folder / f"{i:02}.png"),
            np.broadcast_to(ramp * colours[0] + (1 - ramp) * colours[1], (40, 40, 3)).astype(np.uint8),
        )
    return folder


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of faces with their landmarks, as `mien align` writes it, without the table."""
    folder = tmp_path_factory.mktemp("marked")
    (folder / "images").mkdir()
    names = [f"{i:02}.png" for i in range(10)]
    for name in names:
        cv2.imwrite(str(folder / "images" / name), hopper().pixels[..., ::-1])
    np.savez(
        folder / "landmarks478.npz",
        files=np.array(names),
        points=np.stack([hopper_face().landmarks + 0.5] * len(names)),
    )
    return folder


def trained(objective: psp.PSP, loader: Loader[psp.Batch], steps: int) -> list[dict[str, float]]:
    return [
        {k: float(v) for k, v in objective.step(MicroBatches(loader.batch(i), i)).items()}
        for i in range(steps)
    ]


@pytest.mark.parametrize("task", drawings.CHANNELS)
def test_every_task_is_trained(task: str, marked: Path):
    cfg = replace(TINY, task=task)
    objective, loader = psp.build(cfg), psp.load([marked], cfg, 0)
    first, again = loader.batch(3), psp.load([marked], cfg, 0).batch(3)
    assert torch.equal(first.input, again.input) and torch.equal(first.target, again.target)
    assert first.input.shape == (2, drawings.CHANNELS[task], 32, 32) and first.target.shape == (2, 3, 16, 16)
    low, high = (0, 1) if task in ("sketch", "segmentation") else (-1, 1)
    assert low <= float(first.input.min()) < float(first.input.max()) <= high
    logs = trained(objective, loader, 2)
    assert (
        np.isfinite([*logs[0].values(), *logs[1].values()]).all()
        and {"l2", "perceptual", "norm"} < logs[0].keys()
    )
    aside = loader.held_out()
    assert torch.isfinite(objective.score(objective.E.eval(), aside))
    assert objective.preview(objective.E, aside).shape == (36, 3, 16, 16)


@pytest.mark.parametrize("name", psp.PRESETS)
def test_presets_are_the_published_tasks(name: str):
    cfg = psp.PRESETS[name]
    assert name not in drawings.CHANNELS or cfg.task == name
    assert cfg.chance == (name == "tiny")


def test_it_learns(pictures: Path):
    torch.manual_seed(0)
    cfg = replace(TINY, batch=8, norm=0.0, perceptual=0.0, lr=1e-2)
    objective, loader = psp.build(cfg), psp.load([pictures], cfg, 0)
    aside = loader.held_out()
    before = float(objective.score(objective.E.eval(), aside))
    objective.E.train()
    logs = trained(objective, loader, 100)
    assert before == pytest.approx(1)
    assert float(objective.score(objective.E.eval(), aside)) < 0.9
    assert logs[-1]["loss"] < 0.6 * logs[0]["loss"]


def test_e4e_lets_one_style_after_the_other_go(pictures: Path):
    objective, loader = psp.build(E4E), psp.load([pictures], E4E, 0)
    styles, x = objective.G.num_ws, loader.batch(0).input
    for i in range(styles + 1):
        logs = objective.step(MicroBatches(loader.batch(i), i))
        assert {"delta", "adversarial", "d", "r1"} < logs.keys() and all(
            bool(one.isfinite()) for one in logs.values()
        )
        with torch.no_grad():
            ws = objective.E(x)
            setattr(objective.E.codes, "stage", None)  # noqa: B010 - as in the averaged network, which knows only the buffer
            assert torch.allclose(objective.E(x), ws, atol=1e-5)
        same = (ws == ws[:, :1]).all(2).all(0)
        assert int((~same).sum()) == min(i, styles - 1) and not bool(same[1 : min(i, styles - 1) + 1].any())
    assert objective.D_w is not None and bool(objective.D_w.pool.any())


def test_older_styles_come_again():
    critic = psp.StyleCritic(4, 6)
    seen = [torch.full((4, 4), float(i + 1)) for i in range(20)]
    mixed = [critic.mixed(one) for one in seen]
    assert torch.equal(mixed[0], seen[0]) and all(
        int((a != b).any(1).sum()) <= 2 for a, b in zip(mixed, seen, strict=True)
    )
    assert any(not torch.equal(a, b) for a, b in zip(mixed, seen, strict=True))
    assert torch.equal(psp.StyleCritic(4, 0).mixed(seen[0]), seen[0])


def states(cfg: Any) -> dict[str, dict[str, torch.Tensor]]:
    """The networks of a StyleGAN2 run, as `transfer` takes them."""
    torch.manual_seed(5)
    objective = stylegan2.build(cfg)
    objective.G.mapping.w_avg.normal_()
    return {name: dict(objective.nets[name].state_dict()) for name in ("G", "D")}


def test_a_generator_is_taken_over(pictures: Path):
    of = replace(stylegan2.PRESETS["tiny"], critic="skip")
    given = states(of)
    cfg = psp.adapt(replace(TINY, chance=0), vars(of) | {"batch": 99, "critic": "resnet"}, given)
    assert (cfg.size, cfg.z, cfg.base, cfg.critic, cfg.batch) == (of.size, of.z, of.base, "skip", TINY.batch)
    objective, loader = psp.build(cfg), psp.load([pictures], cfg, 0)
    with pytest.raises(RequestError, match="give one with --from"):
        trained(objective, loader, 1)
    assert objective.transfer(given) == []
    assert torch.equal(objective.E.average, given["G"]["mapping.w_avg"].expand(objective.G.num_ws, -1))
    trained(objective, loader, 1)
    now = objective.nets.state_dict()
    assert all(torch.equal(now[f"{name}.{key}"], one) for name in given for key, one in given[name].items())
    assert "discriminator" in objective.parts(objective.E)[0].card.limits
    codes = {key: one + 1 for key, one in objective.E.codes.state_dict().items()}
    assert objective.transfer({"E": codes}) == [] and torch.equal(
        objective.E.codes.state_dict()["bias"], codes["bias"]
    )


def test_a_generator_without_an_average_is_given_one():
    given = states(stylegan2.PRESETS["tiny"])
    given["G"]["mapping.w_avg"].zero_()
    objective = psp.build(psp.adapt(replace(TINY, chance=0), vars(stylegan2.PRESETS["tiny"]), given))
    objective.transfer(given)
    objective.ready()
    assert bool(objective.E.average.any())
    assert "chance" not in objective.parts(objective.E)[0].card.limits


def test_a_generator_of_other_shapes_is_refused():
    objective = psp.build(replace(TINY, chance=0))
    with pytest.raises(ModelError, match="does not fit"):
        objective.transfer(states(stylegan2.PRESETS["tiny"]))
    with pytest.raises(ValueError, match="cannot be"):
        psp.adapt(TINY, {"size": 31}, {})


@pytest.mark.parametrize("critic", stylegan2.ARCHITECTURES)
def test_the_critic_is_recognised(critic: str):
    of = replace(stylegan2.PRESETS["tiny"], critic=critic)
    cfg = psp.adapt(TINY, {"size": of.size}, states(of))
    assert cfg.critic == critic


def test_irse50_judges_and_starts_the_trunk(pictures: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(encoders, "STAGES", ((64, 1), (128, 1), (256, 1), (512, 1)))
    sketch = replace(
        TINY, task="sketch", encoder="BackboneEncoderUsingLastLayerIntoW", width=64, identity=0.1
    )
    cfg = psp.adapt(sketch, {}, {"irse50": {}})
    assert cfg.judge == "irse50"
    objective, loader = psp.build(cfg), psp.load([pictures], cfg, 0)
    with pytest.raises(RequestError, match="model_ir_se50"):
        trained(objective, loader, 1)
    state = dict(drawn(encoders.Backbone()).state_dict())
    left = objective.transfer({"irse50": state})
    assert left == [
        "E.codes.input_layer.0.weight",
        "E.codes.linear.weight",
        "E.codes.linear.bias",
    ]  # a sketch has one channel
    assert torch.equal(
        objective.E.codes.state_dict()["body.3.res_layer.1.weight"], state["body.3.res_layer.1.weight"]
    )
    (logs,) = trained(objective, loader, 1)
    assert 0 <= logs["identity"] <= 2
    assert "IR-SE-50" in objective.parts(objective.E)[0].card.limits


def test_the_person_without_irse50_is_judged_by_the_critic(pictures: Path):
    cfg = replace(psp.PRESETS["frontalise"], **{name: getattr(TINY, name) for name in FITTING})
    objective, loader = psp.build(cfg), psp.load([pictures], cfg, 0)
    (logs,) = trained(objective, loader, 1)
    assert {"identity", "crop_l2", "crop_perceptual"} < logs.keys() and 0 < logs["identity"] < 2


FITTING = ("encoder", "side", "width", "batch", "chance", "size", "z", "w", "layers", "base", "widest")


@pytest.mark.parametrize(
    "cfg",
    [
        replace(TINY, task="sketch", encoder="GradualStyleEncoder", width=16),
        E4E,
    ],  # the light one is exported in test_train.py
    ids=["pSp", "e4e"],
)
def test_parts_are_exported(cfg: psp.Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(encoders, "STAGES", ((64, 1), (128, 1), (256, 1), (512, 1)))
    for name, level in {"C1": 1, "C2": 2, "C3": 3}.items():
        monkeypatch.setattr(encoders, name, level)
    objective = psp.build(cfg)
    drawn(objective.E.codes)
    (part,) = objective.parts(objective.E.eval())
    assert export.write(part, tmp_path / "net.onnx") < 1e-3
    assert part.role == "encoder" and part.card.value_range == ((0, 1) if cfg.task == "sketch" else (-1, 1))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"task": "swap"}, "there are invert"),
        ({"encoder": "heavy"}, "there are Gradual"),
        ({"judge": "me"}, "there are D"),
        ({"side": 48}, "multiple of 32"),
        ({"side": 96, "encoder": "Encoder4Editing", "width": 16}, "power of two"),
        ({"width": 24, "encoder": "Encoder4Editing"}, "multiple of 16"),
        ({"delta": 1e-4}, "has no deltas"),
        ({"progressive_from": 5}, "has no deltas"),
        ({"r1_every": 0}, "at least 1"),
        ({"l2": -1.0}, "not below 0"),
        ({"l2": 0.0, "perceptual": 0.0}, "must be above"),
        ({"size": 24}, "cannot be"),
    ],
)
def test_contradictions(wrong: dict[str, Any], said: str):
    with pytest.raises(ValueError, match=said):
        replace(TINY, **wrong)


# --- What encoders see


def test_classes_from_landmarks(marked: Path):
    seen, pixels = drawings.Drawn([marked], 64, "segmentation", 0).held_out()
    assert seen.shape == (len(pixels), 19, 64, 64) and (seen.sum(1) == 1).all()
    areas = dict(zip(CLASSES, seen[0].sum((1, 2)), strict=True))
    assert (
        areas["skin"] > areas["nose"] > areas["left-eye"] > 0
        and areas["background"] > areas["skin"]
        and areas["hair"] == 0
    )
    middle = {name: np.argwhere(seen[0, i]).mean(0) for i, name in enumerate(CLASSES) if areas[name]}
    assert middle["left-eye"][1] < middle["nose"][1] < middle["right-eye"][1]
    assert (
        middle["left-brow"][0]
        < middle["left-eye"][0]
        < middle["nose"][0]
        < middle["upper-lip"][0]
        < middle["lower-lip"][0]
    )


def test_a_mirrored_map_calls_left_what_is_left(marked: Path):
    data = drawings.Drawn([marked], 64, "segmentation", 0)
    plain, turned = (data.batch(1, 0, mirror) for mirror in (0.0, 1.0))
    assert np.array_equal(turned[1], plain[1][..., ::-1])
    left, right = (CLASSES.index(f"{side}-eye") for side in ("left", "right"))
    assert np.array_equal(turned[0][:, left], plain[0][:, right, :, ::-1])


def test_classes_from_labels(tmp_path: Path, pictures: Path):
    (tmp_path / "labels").mkdir()
    for i, path in enumerate(sorted(pictures.iterdir())):
        (tmp_path / path.name).write_bytes(path.read_bytes())
        if i != 3:  # this one has none, and is left out
            cv2.imwrite(str(tmp_path / "labels" / path.name), np.full((80, 80), i % 19, np.uint8))
    data = drawings.Drawn([tmp_path], 32, "segmentation", 0)
    seen, pixels = data.batch(40, 0, 0.0)
    assert (seen.mean((2, 3)).max(1) == 1).all() and len(
        {int(one.mean((1, 2)).argmax()) for one in seen}
    ) > 10
    assert pixels.std() > 0.1 and any(
        "no map of classes: 1 pictures" in note for note in data.pictures.notes()
    )
    cv2.imwrite(str(tmp_path / "labels" / "05.png"), np.full((80, 80), 19, np.uint8))
    with pytest.raises(InputError, match="has the class 19"):
        drawings.Drawn([tmp_path], 32, "segmentation", 0).batch(40, 0, 0.0)


def test_maps_of_classes_are_wanted(pictures: Path):
    with pytest.raises(InputError, match="landmarks478"):
        drawings.Drawn([pictures], 32, "segmentation", 0)


def test_drawings_are_dark_on_white():
    picture = hopper().pixels.transpose(2, 0, 1)[:, :512, :512].astype(np.float32) / 127.5 - 1
    rng = np.random.default_rng(0)
    drawn_ones = np.stack([drawings.sketch(picture, rng) for _ in range(12)])
    shares = (drawn_ones < 0.5).mean((1, 2, 3))
    assert drawn_ones.min() >= 0 and drawn_ones.max() <= 1
    assert np.median(drawn_ones) > 0.8 and shares.max() > 3 * shares.min()


def test_smaller_pictures_keep_their_colours():
    picture = hopper().pixels.transpose(2, 0, 1)[:, :512, :512].astype(np.float32) / 127.5 - 1
    rng = np.random.default_rng(0)
    errors = [float(np.abs(drawings.coarse(picture, rng) - picture).mean()) for _ in range(20)]
    assert min(errors) == 0 < max(errors) < 0.3
    assert abs(float(drawings.coarse(picture, rng).mean() - picture.mean())) < 0.02
