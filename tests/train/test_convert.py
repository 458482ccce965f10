"""Published checkpoints as parts: the networks within give what the files' own would, under the names of the
roles."""

import collections
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the extra 'train'")

import test_detect as official_files
import torch
from conftest import HOPPER, Mien
from test_detect import State, nets, ros_arrays, saved, to_rosinality, to_tensorflow
from test_psp import TOLERANCE, drawn, parity

from mien import Kit, Photo, verbs
from mien.errors import InputError, ModelError
from mien.models.card import Card
from mien.models.session import Net
from mien.train.blocks import encoders, translators
from mien.train.engine import export
from mien.train.engine.part import Part
from mien.train.families import stylegan2
from mien.train.published.convert import adopt
from mien.train.published.detect import TERMS

reference = official_files.reference

SMALL: dict[str, Any] = {"size": 8, "w": 512, "z": 24, "base": 64}


def run(part: Part, *inputs: Any) -> np.ndarray:
    with torch.no_grad():
        return part.module(*(torch.as_tensor(one) for one in inputs)).numpy()


def near(got: np.ndarray, want: np.ndarray) -> bool:
    return got.shape == want.shape and bool(np.abs(got - want).max() < TOLERANCE * want.std())


def assert_abi(parts: list[Part], kind: str, *, label: bool = False, condition: bool = False) -> None:
    """Roles, names of inputs and outputs, and cards as the rest of mien expects them."""
    noise, seen = ["z", "label"] if label else ["z"], ["pixels", "condition"] if condition else ["pixels"]
    abi = {
        "mapper": (noise, ("w",)),
        "generator": (["ws"], ("pixels",)),
        "encoder": (seen, ("ws",)),
        "embedder": (seen, ("vector",)),
    }
    for part in parts:
        assert (list(part.inputs), part.outputs) == abi[part.role]
        card = part.card
        assert (card.role, card.name) == (part.role, f"mine-{part.role}")
        assert (card.licence, card.commercial, card.data) == (TERMS[kind].licence, False, TERMS[kind].credit)
        assert "sha256 " in card.source and len(card.source.split("sha256 ")[1]) == 64
        assert card.description and card.limits and Card.from_json(card.to_json(), "x") == card
        assert bool(card.w_avg) == (part.role == "mapper")
        assert not part.module.training and all(
            one.device.type == "cpu" and not one.requires_grad for one in part.module.parameters()
        )


def assert_exports(part: Part, folder: Path, *, bits: int = 32) -> None:
    """`export.write` compares with torch at batch 1 and 3; and so does the file by the library's own runtime,
    at 2."""
    path = folder / f"{part.role}.onnx"
    assert export.write(part, path, bits=bits) < 2e-5
    session = Net(path.stem, path, "")
    assert session.card == part.card
    assert list(session.inputs) == list(part.inputs)
    rng = torch.Generator().manual_seed(1)
    inputs = {key: torch.randn(2, *one.shape[1:], generator=rng) for key, one in part.inputs.items()}
    got, want = session.run(**{key: one.numpy() for key, one in inputs.items()}), run(part, *inputs.values())
    assert list(got) == list(part.outputs)
    np.testing.assert_allclose(got[part.outputs[0]], want, atol=1e-3 * max(1.0, float(np.abs(want).max())))


# --- StyleGAN2


def nvidia(folder: Path, reference: Any, G: State, **fields: Any) -> Path:
    path = folder / "x.pkl"
    kwargs = {"synthesis_kwargs": {"conv_clamp": fields.pop("clamp", None)}}
    path.write_bytes(pickle.dumps({"G_ema": reference.module("Generator", G, **kwargs)} | fields))
    return path


@pytest.mark.parametrize("name", ["sg2ada_small", "sg2ada_cond"])
def test_nvidia_reproduces(tmp_path: Path, reference: Any, name: str):
    module = parity()
    G = {key: torch.from_numpy(one) for key, one in module.tensors(name)["G_ema"].items()}
    arrays, cond = module.arrays(name), name.endswith("cond")
    parts = adopt(nvidia(tmp_path, reference, G, clamp=256 if cond else None), "mine")
    mapper, generator = parts
    assert_abi(parts, "nvidia", label=cond)
    w = run(mapper, arrays["z"], arrays["c"]) if cond else run(mapper, arrays["z"])
    assert near(w, arrays["w"])
    assert near(
        run(generator, np.repeat(w[:, None], generator.inputs["ws"].shape[1], 1)), arrays["img_const"]
    )
    mean = np.array(mapper.card.w_avg, np.float32)
    np.testing.assert_array_equal(mean, G["mapping.w_avg"].numpy())
    assert near(mean + 0.5 * (w - mean), arrays["ws_psi0.5"])


def test_tensorflow_reproduces(tmp_path: Path, reference: Any):
    module = parity()
    G = {key: torch.from_numpy(one) for key, one in module.tensors("sg2ada_small")["G_ema"].items()}
    g, d = to_tensorflow(G, {})

    def pairs(variables: Any) -> Any:
        return [(key, one if one.ndim else np.float32(one)) for key, one in variables.items()]

    def network(variables: Any) -> Any:
        return reference.Network(static_kwargs={}, components={}, variables=pairs(variables))

    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps((network(g), network(d), network(g))))
    parts, arrays = adopt(path, "mine"), module.arrays("sg2ada_small")
    assert_abi(parts, "tensorflow")
    w = run(parts[0], arrays["z"])
    assert near(w, arrays["w"]) and near(run(parts[1], np.repeat(w[:, None], 8, 1)), arrays["img_const"])


@pytest.mark.parametrize("kind", ["rosinality", "converted"])
def test_rosinality_reproduces(tmp_path: Path, kind: str):
    arrays, groups = ros_arrays()
    tree: dict[str, Any] = {"g_ema": groups["g_ema"]}
    if kind == "converted":
        tree["latent_avg"] = torch.from_numpy(arrays["latent_avg"])
    parts = adopt(saved(tmp_path, tree), "mine")
    assert_abi(parts, kind)
    w = run(parts[0], arrays["z"])
    assert near(w, arrays["w"])
    assert near(run(parts[1], np.repeat(w[:, None], 4, 1)), arrays["img_const"])
    assert near(run(parts[1], arrays["wplus"]), arrays["img_wplus"])
    if kind == "converted":
        np.testing.assert_array_equal(np.array(parts[0].card.w_avg, np.float32), arrays["latent_avg"])
    else:
        assert "not in the file" in parts[0].card.limits


def test_mapper_and_generator_export(tmp_path: Path, reference: Any):
    """Own weights, classes, another architecture; what is written runs and says what it is."""
    cfg, G, _ = nets(classes=3, synthesis="resnet", clamp=256.0)
    training = {"training_set_kwargs": {"path": "/home/me/FFHQ-16.zip"}}
    parts = adopt(nvidia(tmp_path, reference, G, clamp=256, **training), "mine")
    assert_abi(parts, "nvidia", label=True)
    ours = stylegan2.build(cfg).G
    ours.load_state_dict(G)
    z, label = torch.randn(3, cfg.z), torch.eye(3)
    with torch.no_grad():
        want = ours(z, label, noise="const").numpy()
    assert near(run(parts[1], np.repeat(run(parts[0], z, label)[:, None], ours.num_ws, 1)), want)
    for part in parts:
        assert_exports(part, tmp_path)
    card = parts[1].card
    assert (card.template, card.size, card.value_range) == (
        "ffhq",
        16,
        (-1.0, 1.0),
    ) and "/home" not in card.to_json()


def test_a_generator_of_anything_has_no_layout(tmp_path: Path):
    _, G, _ = nets()
    parts = adopt(saved(tmp_path, {"g_ema": to_rosinality(G)}), "mine")
    assert [part.card.template for part in parts] == ["", ""] and parts[1].card.size == 16
    half = {key: one.half() for key, one in to_rosinality(G).items()}
    parts = adopt(saved(tmp_path, {"g_ema": half, "latent_avg": G["mapping.w_avg"].half()}), "mine")
    assert run(parts[0], torch.zeros(1, 12)).dtype == np.float32  # whatever the file kept them in


# --- Encoders


@pytest.fixture
def thin(monkeypatch: pytest.MonkeyPatch) -> None:
    """IR-SE-50 with one bottleneck a stage, the first of them narrow: the same parts, quickly."""
    monkeypatch.setattr(encoders, "STAGES", ((16, 1), (128, 1), (256, 1), (512, 1)))
    for name, level in {"C1": 1, "C2": 2, "C3": 3}.items():
        monkeypatch.setattr(encoders, name, level)


def encoded(name: str, styles: int, channels: int = 3, seed: int = 0) -> tuple[torch.nn.Module, State]:
    with torch.device("meta"):
        net = encoders.encoder(name, styles, channels)
    net = drawn(net.to_empty(device="cpu"), seed).eval()
    return net, net.state_dict()


def psp_tree(
    net: State,
    opts: dict[str, Any],
    average: torch.Tensor | None,
    decoder: State | None = None,
    **more: State,
) -> dict[str, Any]:
    below = {"encoder": net} | ({"decoder": decoder} if decoder else {}) | more
    state = collections.OrderedDict(
        (f"{home}.{key}", one) for home, state in below.items() for key, one in state.items()
    )
    return {"state_dict": state, "opts": opts} | ({} if average is None else {"latent_avg": average})


def test_psp_with_its_decoder(tmp_path: Path, thin: None):
    _, G, _ = nets(**SMALL)
    net, state = encoded("GradualStyleEncoder", 4)
    average = torch.randn(4, 512)
    opts = {"encoder_type": "GradualStyleEncoder", "output_size": 8, "start_from_latent_avg": True}
    parts = adopt(saved(tmp_path, psp_tree(state, opts, average, to_rosinality(G))), "mine")
    assert [part.role for part in parts] == ["mapper", "generator", "encoder"]
    assert_abi(parts, "psp")
    assert all(part.card.template == "ffhq" for part in parts[1:])
    assert (parts[2].card.size, parts[2].card.value_range) == (256, (-1.0, 1.0))
    x = torch.rand(2, 3, 256, 256) * 2 - 1
    ws = run(parts[2], x)
    assert near(ws, net(x).detach().numpy() + average.numpy())
    assert run(parts[1], ws).shape == (2, 3, 8, 8)


def test_an_encoder_exports(tmp_path: Path, thin: None):
    """e4e's, with an incomplete decoder in the file, which is left out and said to be."""
    _, G, _ = nets(**SMALL)
    decoder = to_rosinality(G)
    del decoder["convs.0.conv.modulation.bias"]
    net, state = encoded("Encoder4Editing", 2)
    state = {
        key: one for key, one in state.items() if not key.endswith("num_batches_tracked")
    }  # as from a torch before 0.4.1
    tree = psp_tree(
        state, {"encoder_type": "Encoder4Editing", "dataset_type": "cars_encode"}, torch.ones(2, 512), decoder
    )
    (part,) = parts = adopt(saved(tmp_path, tree), "mine")
    assert_abi(parts, "e4e")
    assert part.role == "encoder" and part.card.template == ""
    assert "synthesis.b8.conv0.affine.bias" in part.card.limits
    x = torch.rand(1, 3, 256, 256)
    assert near(run(part, x), net(x).detach().numpy() + 1)
    assert_exports(
        part, tmp_path, bits=16
    )  # the harder one: nothing may change weights after they have been rounded


def test_sam_takes_an_age(tmp_path: Path, thin: None):
    net, state = encoded("GradualStyleEncoder", 1, 4)
    start, other = encoded("GradualStyleEncoder", 1, 3, seed=1)
    average, x = torch.randn(1, 512), torch.rand(2, 3, 256, 256)
    plane = torch.tensor([0.2, 0.7])[:, None, None, None].expand(-1, 1, 256, 256)
    moved, average_only = (
        net(torch.cat([x, plane], 1)).detach().numpy() + average.numpy(),
        {"start_from_latent_avg": True},
    )
    for opts, want in (
        ({"start_from_encoded_w_plus": True}, moved + start(x).detach().numpy()),
        (average_only, moved),
    ):
        parts = adopt(saved(tmp_path, psp_tree(state, opts, average, pretrained_encoder=other)), "mine")
        assert_abi(parts, "sam", condition=True)
        assert [(one.name, one.high) for one in parts[0].card.conditions] == [("age", 100.0)]
        assert near(run(parts[0], x, torch.tensor([[20.0], [70.0]])), want)


@pytest.mark.parametrize("channels", [1, 5])
def test_one_w_for_all_styles_from_sketches_and_maps(tmp_path: Path, thin: None, channels: int):
    net, state = encoded("BackboneEncoderUsingLastLayerIntoW", 1, channels)
    path = saved(tmp_path, psp_tree(state, {"output_size": 16}, torch.full((512,), 2.0)))
    (part,) = adopt(path, "mine")
    x = torch.rand(2, channels, 256, 256)
    assert near(run(part, x), net(x).detach().numpy()[:, None].repeat(6, 1) + 2)
    assert part.card.value_range == (0.0, 1.0) and ("sketch" in part.card.limits) == (channels == 1)


def test_all_styles_from_the_last_map_without_average(tmp_path: Path, thin: None):
    net, state = encoded("BackboneEncoderUsingLastLayerIntoWPlus", 3)
    (part,) = adopt(saved(tmp_path, psp_tree(state, {"start_from_latent_avg": False}, None)), "mine")
    x = torch.rand(2, 3, 256, 256)
    assert near(run(part, x), net(x).detach().numpy())


# --- IR-SE-50


def test_irse50_reproduces(tmp_path: Path):
    module = parity()
    state = {key: torch.from_numpy(one) for key, one in module.tensors("irse50")["model"].items()}
    arrays, path = module.arrays("irse50"), saved(tmp_path, state, old=True)
    (part,) = parts = adopt(path, "mine")
    assert_abi(parts, "irse50")
    got = run(part, arrays["x"])
    assert near(got, arrays["emb"])
    np.testing.assert_allclose(np.linalg.norm(got, axis=1), 1, atol=1e-5)
    assert (part.card.template, part.card.size) == ("", 112)


# --- pix2pix's training mode


def test_what_pix2pix_does_in_training_is_imported_where_it_is_asked_for(
    mien: Mien, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    net = drawn(translators.UNetGenerator(base=2, downs=6))
    path = saved(tmp_path, dict(net.state_dict()))
    for name, *flags in (("plain",), ("own", "--own-statistics", "--sample")):
        assert mien("models", "import", path, "--name", name, *flags).code == 0
    kit, photo = (
        Kit(threads=1),
        Photo(np.random.default_rng(0).integers(0, 256, (128, 128, 3)).astype(np.uint8)),
    )

    def draw(name: str, **asked: float) -> Any:
        return verbs.stylize(photo, name, asked=asked, kit=kit).pixels.astype(int)

    x = torch.from_numpy(photo.pixels).permute(2, 0, 1)[None].float() / 127.5 - 1
    with torch.no_grad():
        for name, one in (("plain", net.eval()), ("own", translators.own_statistics(net))):
            wanted = ((one(x)[0] + 1) * 127.5).permute(1, 2, 0).numpy()
            assert np.abs(draw(name) - wanted).max() <= 1
    assert (
        np.abs(draw("own", sample=3) - draw("own")).mean() > 1
        and (draw("own", sample=3) == draw("own", sample=3)).all()
    )
    ran = mien("stylize", HOPPER, "--with", "plain", "--tell", "sample=3", "-o", tmp_path / "no.png")
    assert ran.code == 2 and "knows no 'sample'" in ran.err


def test_training_mode_is_refused_where_there_is_none(mien: Mien, tmp_path: Path):
    net = drawn(translators.ResNetGenerator(base=2, blocks=1))
    path = saved(tmp_path, dict(net.state_dict()))
    exported = tmp_path / "x.onnx"
    exported.write_bytes(b"")
    for file, flag, said in (
        (path, "--own-statistics", "no batch norms"),
        (path, "--sample", "no dropout"),
        (exported, "--sample", "exported already"),
    ):
        ran = mien("models", "import", file, "--name", "mine", flag)
        assert ran.code == 2 and said in ran.err and "leave" in ran.err and ran.err.count("\n") == 1, ran


# --- What does not fit


def refused(path: Path, *words: str) -> None:
    with pytest.raises(ModelError) as error:
        adopt(path, "mine")
    said = str(error.value)
    assert "\n" not in said and str(path) in said and all(word in said for word in words), said


def test_a_generator_that_does_not_fit_is_named(tmp_path: Path, reference: Any):
    _, G, _ = nets()
    key = "synthesis.b8.conv0.affine.weight"
    refused(nvidia(tmp_path, reference, {k: v for k, v in G.items() if k != key}), "lacks", key)
    refused(
        nvidia(tmp_path, reference, G | {"synthesis.b8.odd.weight": torch.zeros(2)}),
        "besides",
        "synthesis.b8.odd.weight",
    )
    refused(nvidia(tmp_path, reference, G | {key: G[key][:, :3]}), "shapes", f"{key} 16x3 for 16x20")
    refused(nvidia(tmp_path, reference, G | {key: G[key] * torch.nan}), "numbers", key)
    layers = {k: v for k, v in G.items() if "affine" not in k}
    refused(nvidia(tmp_path, reference, layers), "and 12 more")


def test_an_encoder_that_does_not_fit_is_named(tmp_path: Path, thin: None):
    _, state = encoded("GradualStyleEncoder", 1)
    opts = {"encoder_type": "GradualStyleEncoder"}
    bare = {key: one for key, one in state.items() if "latlayer1" not in key}
    refused(
        saved(tmp_path, psp_tree(bare, opts, torch.zeros(1, 512))),
        "lacks",
        "latlayer1.weight",
        "latlayer1.bias",
    )
    refused(saved(tmp_path, psp_tree(state, opts, None)), "average w that it lacks")
    refused(saved(tmp_path, psp_tree(state, opts, torch.zeros(3, 512))), "3x512", "1x512")
    _, G, _ = nets(**SMALL)
    refused(
        saved(tmp_path, psp_tree(state, opts, torch.zeros(1, 512), to_rosinality(G))), "1 styles", "from 4"
    )


def test_an_embedder_that_does_not_fit_is_named(tmp_path: Path):
    with torch.device("meta"):
        shapes = encoders.Backbone().state_dict()
    state = {
        key: torch.zeros(one.shape if one.numel() < 10_000 else (1,), dtype=one.dtype)
        for key, one in shapes.items()
    }
    refused(saved(tmp_path, state), "shapes", "IR-SE-50", "more")


def test_a_missing_file(tmp_path: Path):
    with pytest.raises(InputError):
        adopt(tmp_path / "none.pt", "mine")
