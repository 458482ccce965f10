"""Published checkpoints: what is read, under which names, and that nothing in a file is ever run."""

import argparse
import builtins
import collections
import copyreg
import importlib
import io
import os
import pickle
import random
import struct
import sys
import types
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the extra 'train'")

import torch
from test_psp import TOLERANCE, parity, published

from mien.errors import InputError, ModelError
from mien.train.blocks import encoders
from mien.train.families import stylegan2
from mien.train.published import pickle_machine as opcodes
from mien.train.published.detect import TERMS, read, recognise
from mien.train.published.key_maps import ROSINALITY_G, renamed, ros_d, with_filters
from mien.train.published.pickle_reader import Storage, Stored, read_tree

State = dict[str, torch.Tensor]


# --- Files as the reference repositories write them


def saved(folder: Path, tree: Any, *, old: bool = False) -> Path:
    path = folder / "file.bin"  # the name says nothing
    torch.save(tree, path, _use_new_zipfile_serialization=not old)
    return path


@pytest.fixture
def reference(monkeypatch: pytest.MonkeyPatch) -> types.SimpleNamespace:
    """Stand-ins for the modules whose names the published pickles ask for; importable only while files are
    written."""
    persistence, network = (
        types.ModuleType("torch_utils.persistence"),
        types.ModuleType("dnnlib.tflib.network"),
    )
    util = types.ModuleType("dnnlib.util")

    def _reconstruct_persistent_obj(meta: Any) -> None:
        raise AssertionError("nothing of a file may be run")

    class EasyDict(dict[str, Any]):
        pass

    class Network:
        def __init__(self, **state: Any) -> None:
            self.__dict__.update(state)

    _reconstruct_persistent_obj.__module__, _reconstruct_persistent_obj.__qualname__ = (
        persistence.__name__,
        "_reconstruct_persistent_obj",
    )
    EasyDict.__module__, EasyDict.__qualname__ = util.__name__, "EasyDict"
    Network.__module__, Network.__qualname__ = network.__name__, "Network"
    vars(persistence)["_reconstruct_persistent_obj"] = _reconstruct_persistent_obj
    vars(util)["EasyDict"], vars(network)["Network"] = EasyDict, Network
    for module in (persistence, network, util):
        monkeypatch.setitem(sys.modules, module.__name__, module)
        for parent in ("torch_utils", "dnnlib", "dnnlib.tflib"):
            monkeypatch.setitem(sys.modules, parent, types.ModuleType(parent))

    class Persistent:
        """One module of NVIDIA's: `__reduce__` as their persistence does it, with the source of its class."""

        def __init__(self, name: str, state: dict[str, Any]) -> None:
            self.meta = {
                "type": "class",
                "version": 6,
                "module_src": "import os; os.abort()",
                "class_name": name,
                "state": state,
            }

        def __reduce__(self) -> Any:
            return _reconstruct_persistent_obj, (self.meta,)

    def net(name: str, state: State, **kwargs: Any) -> Persistent:
        fields: dict[str, Any] = {
            "training": False,
            "_non_persistent_buffers_set": set(),
            "_init_args": (),
            "_init_kwargs": kwargs,
        }
        own = {key: one for key, one in state.items() if "." not in key}
        fields["_parameters"] = collections.OrderedDict(
            (key, torch.nn.Parameter(one))
            for key, one in own.items()
            if key != "resample_filter" and key != "noise_const" and key != "w_avg"
        )
        fields["_buffers"] = collections.OrderedDict(
            (key, one) for key, one in own.items() if key not in fields["_parameters"]
        )
        below: dict[str, State] = {}
        for key, one in state.items():
            if "." in key:
                below.setdefault(key.split(".", 1)[0], {})[key.split(".", 1)[1]] = one
        fields["_modules"] = collections.OrderedDict((key, net("Layer", one)) for key, one in below.items())
        return Persistent(name, fields)

    return types.SimpleNamespace(EasyDict=EasyDict, Network=Network, module=net, Persistent=Persistent)


TINY: dict[str, Any] = {
    "size": 16,
    "z": 12,
    "w": 20,
    "layers": 2,
    "base": 128,
    "widest": 16,
    "group": 2,
    "batch": 4,
}


def nets(**knobs: Any) -> tuple[stylegan2.Config, State, State]:
    """A small StyleGAN2, every number of it drawn."""
    torch.manual_seed(0)
    objective = stylegan2.build(stylegan2.Config(**TINY | knobs))
    states = [dict(objective.nets[name].state_dict()) for name in ("G", "D")]
    for state in states:
        for key, one in state.items():
            if not key.endswith("resample_filter"):
                state[key] = torch.randn_like(one) * (0.1 if one.ndim < 2 else 1)
    return objective.cfg, states[0], states[1]


def assert_states(got: State, want: State) -> None:
    assert got.keys() == want.keys()
    for key, one in want.items():
        assert got[key].shape == one.shape and torch.allclose(got[key], one, atol=1e-6), key


# --- NVIDIA


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize(
    "knobs",
    [{}, {"classes": 3, "synthesis": "resnet", "critic": "orig", "clamp": 0.0}],
    ids=["skip", "resnet"],
)
def test_nvidia(tmp_path: Path, reference: Any, protocol: int, knobs: dict[str, Any]):
    cfg, G, D = nets(**knobs)
    kwargs = {"z_dim": 12, "c_dim": cfg.classes, "synthesis_kwargs": {"conv_clamp": cfg.clamp or None}}
    file = {
        "G": reference.module("Generator", G, **kwargs),
        "D": reference.module("Discriminator", D),
        "G_ema": reference.module("Generator", G, **kwargs),
        "augment_pipe": None,
        "training_set_kwargs": reference.EasyDict(
            path="ffhq.zip", use_labels=False, max_size=np.int64(7), xflip=True
        ),
    }
    path = tmp_path / "x"
    path.write_bytes(pickle.dumps(file, protocol))
    assert recognise(path) == "nvidia"
    checkpoint = read(path)
    for name, want in (("G", G), ("G_ema", G), ("D", D)):
        assert_states(checkpoint.nets[name], want)
    assert checkpoint.config["training_set"] == {
        "path": "ffhq.zip",
        "use_labels": False,
        "max_size": 7,
        "xflip": True,
    }
    found = stylegan2.Config(**TINY | checkpoint.config["stylegan2"])
    assert found == cfg
    assert (
        "NVIDIA" in checkpoint.licence and not checkpoint.commercial and len(checkpoint.source_sha256) == 64
    )


def test_stylegan3_and_pictures_of_other_channels_are_refused(tmp_path: Path, reference: Any):
    path = tmp_path / "x"
    path.write_bytes(
        pickle.dumps({"G_ema": reference.module("Generator", {"synthesis.L0_36_512.weight": torch.zeros(2)})})
    )
    with pytest.raises(ModelError, match="StyleGAN3"):
        read(path)
    _, G, _ = nets()
    G["synthesis.b16.torgb.weight"] = torch.zeros(1, 8, 1, 1)
    path.write_bytes(pickle.dumps({"G_ema": reference.module("Generator", G)}))
    with pytest.raises(ModelError, match="colours"):
        read(path)


# --- TensorFlow


def to_tensorflow(G: State, D: State) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The variables that a TensorFlow StyleGAN2 of these weights would have, written down from the page and
    not from the reader."""
    g: dict[str, np.ndarray] = {}

    def hwio(x: Any) -> Any:
        return x.transpose(2, 3, 1, 0)

    for key, tensor in G.items():
        x, words = tensor.numpy(), key.split(".")
        end = words[-1]
        if end == "resample_filter":
            continue
        if key == "mapping.w_avg":
            g["dlatent_avg"] = x
        elif words[0] == "mapping":
            layer = words[1].replace("fc", "Dense").replace("embed", "LabelEmbed")
            g[f"mapping/{layer}/{end}"] = x.T if end == "weight" else x
        elif end == "const":
            g["synthesis/4x4/Const/const"] = x[None]
        elif end == "noise_const":
            size = int(words[1][1:])
            number = 0 if size == 4 else 2 * size.bit_length() - (7 if words[2] == "conv0" else 6)
            g[f"synthesis/noise{number}"] = x[None, None]
        else:
            size = words[1][1:]
            layer = {"conv0": "Conv0_up", "conv1": "Conv1", "torgb": "ToRGB", "skip": "Skip"}[words[2]]
            home = f"synthesis/{size}x{size}/{'Conv' if size == '4' and layer == 'Conv1' else layer}/"
            if words[3] == "affine":
                g[f"{home}mod_{end}"] = x.T if end == "weight" else x - 1
            elif end == "weight":
                g[home + end] = hwio(x)[::-1, ::-1] if layer in ("Conv0_up", "Skip") else hwio(x)
            else:
                g[home + end] = x
    d: dict[str, np.ndarray] = {}
    for key, tensor in D.items():
        x, words = tensor.numpy(), key.split(".")
        if words[-1] == "resample_filter":
            continue
        if words[0] == "mapping":
            d[f"{words[1].replace('fc', 'Mapping').replace('embed', 'LabelEmbed')}/{words[-1]}"] = x.T
        elif key.startswith("b4."):
            home = {"conv": "4x4/Conv", "fc": "4x4/Dense0", "out": "Output"}[words[1]]
            d[f"{home}/{words[-1]}"] = hwio(x) if x.ndim == 4 else x.T
        else:
            size = words[0][1:]
            home = {"fromrgb": "FromRGB", "conv0": "Conv0", "conv1": "Conv1_down", "skip": "Skip"}[words[1]]
            d[f"{size}x{size}/{home}/{words[-1]}"] = hwio(x) if x.ndim == 4 else x
    return g, d


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize("knobs", [{}, {"synthesis": "resnet"}, {"classes": 3}], ids=str)
def test_tensorflow(tmp_path: Path, reference: Any, protocol: int, knobs: dict[str, Any]):
    _, G, D = nets(**knobs)
    g, d = to_tensorflow(G, D)

    def network(name: str, variables: dict[str, np.ndarray], components: dict[str, Any]) -> Any:
        kwargs = reference.EasyDict(resolution=16, num_channels=3, fmap_base=64)
        pairs = [
            (key, one if one.ndim else np.float32(one)) for key, one in variables.items()
        ]  # TensorFlow gives numbers, not arrays of none
        pairs += [("lod", np.float32(0))]
        fields = {
            "version": 4,
            "name": name,
            "static_kwargs": kwargs,
            "components": components,
            "variables": pairs,
        }
        return reference.Network(
            **fields, build_module_src="import os; os.abort()", build_func_name=f"{name}_main"
        )

    def generator(name: str) -> Any:
        below = {
            part: {k.removeprefix(f"{part}/"): v for k, v in g.items() if k.startswith(f"{part}/")}
            for part in ("mapping", "synthesis")
        }
        components = {part: network(f"G_{part}", variables, {}) for part, variables in below.items()}
        return network(name, {"dlatent_avg": g["dlatent_avg"]}, components)

    path = tmp_path / "x"
    path.write_bytes(pickle.dumps((generator("G"), network("D", d, {}), generator("Gs")), protocol))
    assert recognise(path) == "tensorflow"
    checkpoint = read(path)
    assert_states(checkpoint.nets["G_ema"], G)
    assert_states(checkpoint.nets["D"], D)
    knobs = TINY | knobs | {"clamp": 0.0}
    assert stylegan2.Config(**TINY | checkpoint.config["stylegan2"]) == stylegan2.Config(**knobs)


# --- rosinality's layout, pSp, e4e, IR-SE-50


def ros_arrays() -> tuple[Any, dict[str, State]]:
    module = parity()
    groups = module.tensors("ros_small")
    return module.arrays("ros_small"), {
        name: {key: torch.from_numpy(one) for key, one in group.items()} for name, group in groups.items()
    }


@pytest.mark.parametrize("old", [False, True], ids=["zip", "before-1.6"])
@torch.no_grad()
def test_rosinality_reproduces(tmp_path: Path, old: bool):
    arrays, groups = ros_arrays()
    tree = {
        "g": groups["g_ema"],
        "d": groups["d"],
        "g_ema": groups["g_ema"],
        "latent_avg": torch.from_numpy(arrays["latent_avg"]),
    }
    path = saved(
        tmp_path,
        tree | {"args": argparse.Namespace(size=8, path="x", augment=False), "ada_aug_p": 0.0},
        old=old,
    )
    assert recognise(path) == "converted"
    checkpoint = read(path)
    assert checkpoint.config["args"] == {"size": 8, "path": "x", "augment": False}
    knobs = checkpoint.config["stylegan2"]
    assert knobs.pop("layers") == 2 and knobs.pop("critic") == "resnet" and knobs.pop("synthesis") == "skip"
    assert knobs == {"size": 8, "z": 32, "w": 32, "classes": 0, "base": 4096, "widest": 512, "clamp": 0.0}
    G = stylegan2.Generator(8, z=32, w=32, layers=2, base=4096).eval()
    D = stylegan2.Discriminator(8, base=4096).eval()
    G.load_state_dict(checkpoint.nets["G_ema"], strict=True)
    D.load_state_dict(checkpoint.nets["D"], strict=True)
    z, z2 = torch.from_numpy(arrays["z"]), torch.from_numpy(arrays["z2"])
    mixed = torch.cat([G.ws(z)[:, :3], G.ws(z2)[:, 3:]], 1)
    got = {
        "w": G.ws(z)[:, 0],
        "img_const": G(z, noise="const"),
        "img_psi0.5": G(z, psi=0.5, noise="const"),
        "img_mix3": G.synthesis(mixed, "const"),
        "img_wplus": G.synthesis(torch.from_numpy(arrays["wplus"]), "const"),
        "logits": D(torch.from_numpy(arrays["real"])),
    }
    for name, one in got.items():
        want = arrays[name]
        assert np.abs(one.numpy() - want).max() < TOLERANCE * want.std(), name


def to_rosinality(G: State) -> State:
    """The other way round, for generators of any size."""
    out: State = {}
    for key, x in G.items():
        words = key.split(".")
        end = ".".join(words[3:])
        if words[0] == "mapping" and words[1] != "w_avg":
            out[f"style.{int(words[1][2:]) + 1}.{words[2]}"] = x
        elif words[-1] == "const":
            out["input.input"] = x[None]
        elif len(words) > 3:
            k = int(words[1][1:]).bit_length() - 4
            number = 2 * k + int(words[2] == "conv1")
            torgb = words[2] == "torgb"
            home = (
                ("to_rgb1" if torgb else "conv1") if k < 0 else f"to_rgbs.{k}" if torgb else f"convs.{number}"
            )
            if end == "noise_const":
                out[f"noises.noise_{number + 1 if k >= 0 else 0}"] = x[None, None]
            elif end == "resample_filter":
                out |= {f"{home}.conv.blur.kernel": x * 4} if words[2] == "conv0" else {}
            else:
                home += {"noise_strength": ".noise.weight", "weight": ".conv.weight"}.get(end, "")
                home += {
                    "affine.weight": ".conv.modulation.weight",
                    "affine.bias": ".conv.modulation.bias",
                }.get(end, "")
                home += (".bias" if torgb else ".activate.bias") if end == "bias" else ""
                if end == "weight":
                    x = x[None]
                elif end in ("noise_strength", "bias"):
                    x = x.reshape(1, 3, 1, 1) if torgb else x.reshape(-1)
                out[home] = x
    return out


def test_a_larger_rosinality_file_without_noise_or_average(tmp_path: Path):
    cfg, G, _ = nets(size=32)
    layout = to_rosinality(G)
    checkpoint = read(saved(tmp_path, {"g_ema": layout, "latent_avg": G["mapping.w_avg"]}))
    assert_states(checkpoint.nets["G_ema"], G)
    assert checkpoint.config["stylegan2"]["size"] == cfg.size
    bare = {key: one for key, one in layout.items() if not key.startswith("noises.")}
    first, second = (
        read(saved(tmp_path, {"g_ema": bare, "g_optim": {"state": {0: {"step": 3}}}})) for _ in range(2)
    )
    assert first.kind == "rosinality" and "noise" in first.config and "w_avg" in first.config
    assert first.nets["G_ema"].keys() == G.keys()
    assert torch.equal(first.nets["G_ema"]["mapping.w_avg"], second.nets["G_ema"]["mapping.w_avg"])
    mapping = stylegan2.build(cfg).G.mapping
    mapping.load_state_dict({k.removeprefix("mapping."): v for k, v in G.items() if k.startswith("mapping.")})
    with torch.no_grad():
        mean = mapping(torch.randn(20_000, 12)).mean(0)
    assert torch.allclose(first.nets["G_ema"]["mapping.w_avg"], mean, atol=0.05)


def test_names_of_a_256_px_file():
    """The published list of one layout goes into the published list of the other."""
    ros, nvidia = published("ros_256", "g_ema"), published("sg2ada_paper256", "G_ema")
    D, nvidia_d = published("ros_256", "d"), published("sg2ada_paper256", "D")

    class Blank(Stored):
        def load(self) -> torch.Tensor:
            return torch.empty(self.shape, device="meta")

    def blank(shapes: Any) -> Any:
        return {key: Blank(Storage(torch.float32, 0), 0, shape, shape) for key, shape in shapes.items()}

    got = with_filters(renamed(blank(ros), ROSINALITY_G, Path("x")), torch.empty(4, 4))
    got["mapping.w_avg"] = torch.empty(512)

    def dims(shapes: Any) -> Any:
        return {key: len(shape) for key, shape in shapes.items()}

    assert dims({key: one.shape for key, one in got.items()}) == dims(nvidia)
    without = {key: shape for key, shape in D.items() if not key.endswith("kernel")}
    assert dims({key: one.shape for key, one in ros_d(blank(without), Path("x")).items()}) == dims(nvidia_d)


def encoder_state(styles: int) -> State:
    """The tensors by which an encoder is told, and not the hundreds of others."""
    state = {
        "input_layer.0.weight": torch.ones(64, 1, 3, 3),
        "body.0.res_layer.0.num_batches_tracked": torch.tensor(3),
    }
    return state | {f"styles.{i}.linear.bias": torch.full((512,), float(i)) for i in range(styles)}


@pytest.mark.parametrize(
    ("opts", "kind", "name"),
    [
        (
            {"encoder_type": "GradualStyleEncoder", "input_nc": 1, "start_from_latent_avg": True},
            "psp",
            "GradualStyleEncoder",
        ),
        ({"encoder_type": "Encoder4Editing", "stylegan_size": 16}, "e4e", "Encoder4Editing"),
        ({"delta_norm": 2, "device": "cuda:0", "lr": 1e-4}, "e4e", "Encoder4Editing"),
        (argparse.Namespace(input_nc=1, label_nc=0), "psp", "GradualStyleEncoder"),
    ],
)
def test_psp_and_e4e(tmp_path: Path, opts: Any, kind: str, name: str):
    _, G, _ = nets()
    state = {f"encoder.{key}": one for key, one in encoder_state(6).items()} | {
        f"decoder.{k}": v for k, v in to_rosinality(G).items()
    }
    tree = {
        "state_dict": collections.OrderedDict(state),
        "latent_avg": G["mapping.w_avg"].repeat(6, 1),
        "opts": opts,
    }
    path = saved(tmp_path, tree)
    assert recognise(path) == kind
    checkpoint = read(path)
    assert checkpoint.config["encoder"] == {
        "encoder_type": name,
        "styles": 6,
        "channels": 1,
        "add_latent_avg": True,
    }
    assert_states(checkpoint.nets["encoder"], encoder_state(6))
    assert_states(checkpoint.nets["G_ema"], G)
    assert checkpoint.nets["latent"]["latent_avg"].shape == (6, 20)
    assert checkpoint.config["opts"] == (opts if isinstance(opts, dict) else vars(opts))


@pytest.mark.parametrize(
    ("name", "styles"),
    [("BackboneEncoderUsingLastLayerIntoW", 1), ("BackboneEncoderUsingLastLayerIntoWPlus", 6)],
)
def test_the_other_encoders_are_told_by_their_tensors(tmp_path: Path, name: str, styles: int):
    keep = ("input_layer.", "linear.", "output_layer_2.", "body.0.")
    with torch.device("meta"):
        shapes = {
            key: one
            for key, one in encoders.encoder(name, styles).state_dict().items()
            if key.startswith(keep)
        }
    state = {f"encoder.{key}": torch.zeros(one.shape, dtype=one.dtype) for key, one in shapes.items()}
    checkpoint = read(saved(tmp_path, {"state_dict": state, "opts": {"output_size": 16}}))
    assert (
        checkpoint.config["encoder"]["encoder_type"] == name
        and checkpoint.config["encoder"]["styles"] == styles
    )


def test_irse50(tmp_path: Path):
    with torch.device("meta"):
        shapes = encoders.Backbone().state_dict()
    state = {
        key: torch.zeros(one.shape if one.numel() < 10_000 else (1, *one.shape[1:2], 1, 1), dtype=one.dtype)
        for key, one in shapes.items()
    }
    path = saved(tmp_path, state, old=True)
    assert recognise(path) == "irse50"
    checkpoint = read(path)
    assert_states(checkpoint.nets["irse50"], state)
    assert not checkpoint.commercial and "MS-Celeb" in checkpoint.credit
    with pytest.raises(ModelError, match="23"):
        read(saved(tmp_path, {key: one for key, one in state.items() if not key.startswith("body.23.")}))


def test_sam_has_two_encoders(tmp_path: Path):
    state = {
        f"{name}.{key}": one
        for name in ("encoder", "pretrained_encoder")
        for key, one in encoder_state(6).items()
    }
    checkpoint = read(
        saved(
            tmp_path,
            {
                "state_dict": state,
                "latent_avg": torch.ones(6, 20),
                "opts": {"start_from_encoded_w_plus": True},
            },
        )
    )
    assert checkpoint.kind == "sam"
    assert_states(checkpoint.nets["pretrained_encoder"], encoder_state(6))


def test_every_kind_has_terms():
    assert all(terms.licence and terms.credit for terms in TERMS.values())
    assert [kind for kind, terms in TERMS.items() if terms.commercial] == ["efficientnet"]


# --- What the reader keeps


@pytest.mark.parametrize("old", [False, True], ids=["zip", "before-1.6"])
def test_tensors_are_read_as_torch_reads_them(tmp_path: Path, old: bool):
    base = torch.arange(24.0)
    tree: dict[str, Any] = {
        "part": base.reshape(4, 6)[1:, ::2],
        "turned": base.reshape(4, 6).T,
        "half": base.half(),
        "brain": base.bfloat16(),
        "whole": torch.tensor(3),
        "none": torch.empty(0, 5),
        "truth": torch.tensor([True, False]),
        "weight": torch.nn.Parameter(base[3:5]),
        "array": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "numbers": [1, -(2**70), 0.5, "Zürich", None, (True, (1, 2)), np.float32(0.25)],
        "module": encoders.MapToStyle(4, 4, 4).state_dict(),  # an OrderedDict with attributes of its own
        "options": argparse.Namespace(device=torch.device("cpu"), shape=torch.Size([2, 3])),
    }
    got = read_tree(saved(tmp_path, tree, old=old))
    for key, want in tree.items():
        if isinstance(want, (torch.Tensor, np.ndarray)):
            want = torch.as_tensor(want)
            one = got[key].load()
            assert one.dtype == want.dtype and one.shape == want.shape and torch.equal(one, want.detach()), (
                key
            )
    assert got["numbers"][:-1] == tree["numbers"][:-1] and got["numbers"][-1].load().item() == 0.25
    assert got["options"]["shape"] == (2, 3)
    assert_states({key: one.load() for key, one in got["module"].items()}, tree["module"])


def test_what_is_read_does_not_hang_on_the_file(tmp_path: Path):
    _, G, _ = nets()
    path = saved(tmp_path, {"g_ema": to_rosinality(G), "latent_avg": G["mapping.w_avg"]})
    checkpoint = read(path)
    path.write_bytes(b"\0" * path.stat().st_size)
    assert_states(checkpoint.nets["G_ema"], G)


# --- What is refused


def touch(path: Path) -> str:
    return f"{sys.executable} -c \"open(r'{path}', 'w')\"" if os.name == "nt" else f"touch {path}"


def short(text: str) -> bytes:
    return b"X" + struct.pack("<I", len(text)) + text.encode()


def call(module: str, name: str, *arguments: bytes) -> bytes:
    """Opcodes that call a global with what the arguments' opcodes leave."""
    return f"c{module}\n{name}\n".encode() + b"(" + b"".join(arguments) + b"tR"


class Reduced:
    def __init__(self, *what: Any) -> None:
        self.what = what

    def __reduce__(self) -> Any:
        return self.what


SYSTEM: Any = importlib.import_module(
    os.name
).system  # which os.system is, under the name that a pickle gives it
LOAD: Any = torch.UntypedStorage(1).__reduce__()[0]  # what a pickled storage calls
ATTACKS: dict[str, tuple[str, Callable[[Path], bytes]]] = {
    "reduce": (f"{SYSTEM.__module__}.system", lambda p: pickle.dumps(Reduced(SYSTEM, (touch(p),)))),
    "reduce-2": (
        f"{SYSTEM.__module__}.system",
        lambda p: pickle.dumps({"g_ema": {"x": Reduced(SYSTEM, (touch(p),))}}, 2),
    ),
    "eval": ("builtins.eval", lambda p: pickle.dumps(Reduced(builtins.eval, (f"open(r'{p}', 'w')",)))),
    "exec": (
        "__builtin__.exec",
        lambda p: b"\x80\x02" + call("__builtin__", "exec", short(f"open(r'{p}', 'w')")) + b".",
    ),
    "getattr": (
        "builtins.getattr",
        lambda p: (
            b"\x80\x02"
            + call(
                "builtins",
                "getattr",
                b"cos\nsystem\n".replace(b"os", b"builtins").replace(b"system", b"open"),
                short("__call__"),
            )
            + b"("
            + short(str(p))
            + short("w")
            + b"tR."
        ),
    ),
    "dotted": (
        "collections.OrderedDict.fromkeys",
        lambda p: b"\x80\x04" + short("collections") + short("OrderedDict.fromkeys") + b"\x93.",
    ),
    "nested": (
        f"{SYSTEM.__module__}.system",
        lambda p: pickle.dumps(Reduced(LOAD, (pickle.dumps(Reduced(SYSTEM, (touch(p),))),))),
    ),
    "copyreg": (
        "copyreg.add_extension",
        lambda p: (
            b"\x80\x02"
            + call("copyreg", "add_extension", short("os"), short("system"), b"K\xf0")
            + b"0\x82\xf0("
            + short(touch(p))
            + b"tR."
        ),
    ),
    "reconstructor": (
        "copyreg._reconstructor",
        lambda p: pickle.dumps(Reduced(vars(copyreg)["_reconstructor"], (dict, dict, {}))),
    ),
    "extension": ("extension", lambda p: b"\x80\x02\x82\xf0(" + short(touch(p)) + b"tR."),
    "inst": ("os.system", lambda p: b"(" + short(touch(p)) + b"ios\nsystem\n."),
    "partial": ("functools.partial", lambda p: b"\x80\x02" + call("functools", "partial") + b"."),
    "class": ("subprocess.Popen", lambda p: b"\x80\x02csubprocess\nPopen\n(" + short(touch(p)) + b"t\x81."),
    "run-module": ("runpy._run_code", lambda p: b"\x80\x02" + call("runpy", "_run_code") + b"."),
    "torch-load": ("torch.load", lambda p: b"\x80\x02" + call("torch", "load", short(str(p))) + b"."),
    "torch-hub": ("torch.hub.load", lambda p: b"\x80\x02" + call("torch.hub", "load", short(str(p))) + b"."),
    "newline": ("os.system", lambda p: b"\x80\x04" + short("os") + short("system\n") + b"\x93."),
    "no-name": ("something without a name", lambda p: b"\x80\x04)" + short("system") + b"\x93."),
    "call-a-string": ("a str", lambda p: b"\x80\x02" + short("x") + b")R."),
    "call-a-storage": ("torch.FloatStorage", lambda p: b"\x80\x02ctorch\nFloatStorage\n)R."),
    "persistent": ("outside itself", lambda p: b"\x80\x02" + short("x") + b"Q."),
    "newobj-ex": ("0x92", lambda p: b"\x80\x04ccollections\nOrderedDict\n)}\x92."),
    "build-a-list": ("a list", lambda p: b"\x80\x02]}b."),
    "codec": (
        "_codecs.encode",
        lambda p: b"\x80\x02" + call("_codecs", "encode", short("x"), short("rot13")) + b".",
    ),
    "codec-decode": ("_codecs.decode", lambda p: b"\x80\x02" + call("_codecs", "decode", short("x")) + b"."),
}


def as_archive(path: Path, pickled: bytes, **entries: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, data in {"data.pkl": pickled, "byteorder": b"little", "version": b"3"}.items():
            file.writestr(f"archive/{name}", data)
        for name, data in entries.items():
            file.writestr(f"archive/data/{name.strip('_')}", data)
    return path


def as_old(path: Path, pickled: bytes) -> Path:
    head = [pickle.dumps(one, 2) for one in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})]
    path.write_bytes(b"".join([*head, pickled, pickle.dumps([], 2)]))
    return path


@pytest.mark.parametrize("kind", ["bare", "zip", "before-1.6"])
@pytest.mark.parametrize("name", ATTACKS)
def test_nothing_in_a_file_is_run(tmp_path: Path, name: str, kind: str):
    asked, make = ATTACKS[name]
    fired, path = tmp_path / "fired", tmp_path / "model.pt"
    pickled = make(fired)
    if kind == "bare":
        path.write_bytes(pickled)
    elif kind == "zip":
        as_archive(path, pickled)
    else:
        as_old(path, pickled)
    for reader in (recognise, read):
        with pytest.raises(ModelError) as error:
            reader(path)
        said = str(error.value)
        assert not fired.exists()
        assert "\n" not in said and str(path) in said
        inner = kind != "bare" and name in ("persistent", "nested")  # these stop earlier within an archive
        assert inner or asked in said


def test_the_attacks_are_live(tmp_path: Path):
    fired = tmp_path / "fired"
    for name in ("reduce", "eval", "exec", "getattr"):
        pickle.loads(ATTACKS[name][1](fired))
        assert fired.exists()
        fired.unlink()


def test_the_source_text_in_nvidias_files_is_not_run(tmp_path: Path, reference: Any):
    """`reference` writes a source text that would end this process."""
    path = tmp_path / "x"
    path.write_bytes(pickle.dumps({"G_ema": reference.Persistent("Generator", {"_parameters": {}})}))
    with pytest.raises(ModelError, match="lacks a part"):
        read(path)
    path.write_bytes(
        pickle.dumps(
            {
                "G_ema": Reduced(
                    reference.Persistent("x", {}).__reduce__()[0], ({"type": "module", "module_src": "x"},)
                )
            }
        )
    )
    with pytest.raises(ModelError, match="no network"):
        read(path)


STORAGE = b"(" + short("storage") + b"ctorch\nFloatStorage\n" + short("0") + short("cpu")


def tensor(storage: bytes, offset: bytes, shape: bytes, stride: bytes) -> bytes:
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + offset + shape + stride + b"\x89)tR"


GOOD = STORAGE + b"K\x04tQ"  # four floats
LIES = {
    "numel": (tensor(STORAGE + b"K\x08tQ", b"K\x00", b"K\x08\x85", b"K\x01\x85"), "size"),
    "huge": (
        tensor(STORAGE + b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7ftQ", b"K\x00", b"K\x08\x85", b"K\x01\x85"),
        "outside itself",
    ),
    "negative": (
        tensor(STORAGE + b"J\xff\xff\xff\xfftQ", b"K\x00", b"K\x08\x85", b"K\x01\x85"),
        "outside itself",
    ),
    "offset": (tensor(GOOD, b"K\x01", b"K\x04\x85", b"K\x01\x85"), "larger"),
    "stride": (tensor(GOOD, b"K\x00", b"K\x03\x85", b"K\x02\x85"), "larger"),
    "expanded": (tensor(GOOD, b"K\x00", b"J\x00\x00\x00\x7f\x85", b"K\x00\x85"), "larger"),
    "negative-offset": (tensor(GOOD, b"J\xff\xff\xff\xff", b"K\x04\x85", b"K\x01\x85"), "impossible"),
    "truth": (tensor(GOOD, b"\x88", b"K\x03\x85", b"K\x01\x85"), "impossible"),
    "dimensions": (
        tensor(GOOD, b"K\x00", b"(" + b"K\x01" * 30 + b"t", b"(" + b"K\x01" * 30 + b"t"),
        "impossible",
    ),
    "no-storage": (tensor(b"]", b"K\x00", b"K\x04\x85", b"K\x01\x85"), "in a way"),
    "missing": (
        tensor(STORAGE.replace(short("0"), short("9")) + b"K\x04tQ", b"K\x00", b"K\x04\x85", b"K\x01\x85"),
        "lacks",
    ),
    "escape": (
        tensor(
            STORAGE.replace(short("0"), short("../data.pkl")) + b"K\x04tQ",
            b"K\x00",
            b"K\x04\x85",
            b"K\x01\x85",
        ),
        "lacks",
    ),
    "short-id": (b"(" + short("storage") + b"tQ", "outside itself"),
    "id-of-text": (short("storage") + b"Q", "outside itself"),
    "id-of-module": (
        b"(" + short("module") + b"ctorch\nFloatStorage\n" + short("0") + short("cpu") + b"K\x04tQ",
        "outside itself",
    ),
    "id-of-class": (GOOD.replace(b"ctorch\nFloatStorage\n", b"ctorch\nSize\n"), "outside itself"),
    "key": (b"}(ccollections\nOrderedDict\n)R]u", "key"),
    "deep-key": (b"}" + b")" + b"2\x86" * 60 + b"]s", "key"),
    "deep-shape": (tensor(GOOD, b"K\x00", b")" + b"2\x86" * 60, b")" + b"2\x86" * 60), "impossible"),
    "integer": (b"\x8b\xff\xff\x00\x00" + b"\1" * 0xFFFF, "integer"),
    "text": (b"X\xff\xff\xff\x7fab", "early"),
    "bytes": (b"\x8e\xff\xff\xff\xff\xff\xff\xff\xffab", "early"),
    "list": (b"]K\x01a}K\x01a", "not a list"),
    "object-array": (call("numpy", "dtype", short("O8"), b"\x89\x88"), "array"),
    "array": (
        call(
            "numpy._core.numeric",
            "_frombuffer",
            b"C\x04abcd",
            call("numpy", "dtype", short("f4")),
            b"J\xff\xff\xff\x7f\x85",
            short("C"),
        ),
        "as large",
    ),
    "set": (call("builtins", "set", b"C\x04abcd"), "set"),
    "memo": (b"]r\xff\xff\xff\xff0h\x01", "damaged"),
    "pop": (b"00000", "damaged"),
    "mark": (b"t", "damaged"),
}


@pytest.mark.parametrize("name", LIES)
def test_lies_about_sizes_are_refused(tmp_path: Path, name: str):
    body, why = LIES[name]
    path = as_archive(tmp_path / "model.pt", b"\x80\x02" + body + b".", _0=b"\0" * 16)
    with pytest.raises(ModelError, match=why):
        read_tree(path)


def test_honest_bytes_are_read(tmp_path: Path):
    """What the lies are told about."""
    body = tensor(GOOD, b"K\x00", b"K\x02K\x02\x86", b"K\x02K\x01\x86")
    tree = read_tree(as_archive(tmp_path / "model.pt", b"\x80\x02" + body + b".", _0=b"\0" * 16))
    assert torch.equal(tree.load(), torch.zeros(2, 2))


def test_an_archive_that_unfolds_is_refused(tmp_path: Path):
    path = tmp_path / "bomb.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("archive/data.pkl", b"\x80\x02}.")
        file.writestr("archive/data/0", b"\0" * 10_000_000)
    assert path.stat().st_size < 100_000
    with pytest.raises(ModelError, match="compressed"):
        read(path)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("../../etc/data.pkl", b"\x80\x02}.")
    with pytest.raises(ModelError, match="no checkpoint"):
        read(path)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", b"\x80\x02}.")
        file.writestr("archive/constants.pkl", b"\x80\x02).")
    with pytest.raises(ModelError, match="program"):
        read(path)


def test_numbers_used_a_thousand_times_are_refused(tmp_path: Path):
    one = torch.zeros(512, 512)
    path = saved(tmp_path, {"g_ema": {f"style.{i}.weight": one for i in range(1000)}})
    assert path.stat().st_size < 2e6
    with pytest.raises(ModelError, match="many times"):
        read(path)


def test_a_pickle_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(opcodes, "MOST_STEPS", 10_000)
    path = tmp_path / "x"
    path.write_bytes(b"\x80\x02" + b"N" * 20_000 + b".")
    with pytest.raises(ModelError, match="10000 steps"):
        read(path)
    inner = io.BytesIO()
    torch.save(torch.zeros(1).untyped_storage(), inner, _use_new_zipfile_serialization=False)
    blob = inner.getvalue()
    load = b"ctorch.storage\n_load_from_bytes\n(B" + struct.pack("<I", len(blob)) + blob + b"q\x01tR0"
    path.write_bytes(b"\x80\x02" + load + b"ctorch.storage\n_load_from_bytes\n(h\x01tR0" * 1000 + b"N.")
    with pytest.raises(ModelError, match="10000 steps"):
        read(path)


def test_modules_within_themselves_are_refused(tmp_path: Path):
    """A network that is its own part, or whose parts are each used twice, forty deep."""
    name = b"ctorch_utils.persistence\n_reconstruct_persistent_obj\n("
    head = b"}(" + short("type") + short("class") + short("class_name") + short("Generator") + short("state")
    body = b"}q\x00" + short("_modules") + b"}q\x01s"
    path = tmp_path / "x"
    path.write_bytes(
        b"\x80\x02}"
        + short("G_ema")
        + name
        + head
        + body
        + b"utRq\x02"
        + b"h\x01"
        + short("a")
        + b"h\x02s0s."
    )
    with pytest.raises(ModelError, match="without end"):
        read(path)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html>quota exceeded</html>", "web page"),
        (b"PK\x03\x04 and then nothing", "damaged"),
        (b"\x80\x02}.", "holds nothing"),
        (b"\x80\x04\x95\x00", "early"),
        (b"\x89PNG\r\n\x1a\n", "is refused|damaged|early|holds"),
        (bytes(range(256)) * 9, "is refused|damaged|early|holds"),
    ],
    ids=["empty", "page", "zip", "nothing", "cut", "png", "noise"],
)
def test_what_is_no_checkpoint(tmp_path: Path, data: bytes, why: str):
    path = tmp_path / "x"
    path.write_bytes(data)
    with pytest.raises(ModelError, match=why):
        read(path)


def test_a_missing_file(tmp_path: Path):
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / "none.pt")
    with pytest.raises(InputError):
        recognise(tmp_path)


def test_a_tensor_that_the_layout_does_not_know(tmp_path: Path):
    _, G, _ = nets()
    with pytest.raises(ModelError, match="surprise"):
        read(saved(tmp_path, {"g_ema": to_rosinality(G) | {"surprise": torch.zeros(1)}}))
    layout = to_rosinality(G)
    del layout["convs.1.conv.weight"]
    with pytest.raises(ModelError, match="lacks a part"):
        read(saved(tmp_path, {"g_ema": layout}))


@pytest.mark.parametrize("old", [False, True], ids=["zip", "before-1.6"])
def test_damage_is_a_model_error_or_goes_unnoticed(tmp_path: Path, old: bool):
    """Bytes turned, cut out or put in, anywhere before the numbers: one line, never another exception."""
    tree = {
        "g_ema": {"style.1.weight": torch.zeros(3, 3), "x": torch.zeros(2)},
        "args": argparse.Namespace(a=1),
        "n": np.arange(3.0),
    }
    data = saved(tmp_path, tree, old=old).read_bytes()
    rng, path = random.Random(0), tmp_path / "damaged"
    for _ in range(400):
        bad = bytearray(data)
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(bad))
            bad[at : at + rng.randint(0, 2)] = bytes(rng.randrange(256) for _ in range(rng.randint(0, 2)))
        path.write_bytes(bad[: rng.choice([len(bad), len(bad), rng.randrange(len(bad))])] or b"\0")
        try:
            read_tree(path)
            read(path)
        except ModelError as error:
            assert "\n" not in str(error)


def bent(tree: Any, rng: random.Random) -> Any:
    """A copy of a nested value with one thing in it, at any depth, replaced by something else."""
    kind: Any = type(tree)
    meta = getattr(tree, "meta", None)
    odd = [
        None,
        3,
        "x",
        [],
        {},
        (),
        {"a": 1},
        -1.5,
        torch.zeros(()),
        torch.zeros(2, 2),
        torch.zeros(1, 1, 1, 1, 1),
        np.zeros(3),
    ]
    if isinstance(tree, dict) and tree and rng.random() < 0.9:
        key = rng.choice(list(tree))
        if rng.random() < 0.1:
            return {k if k != key else f"{k}x": v for k, v in tree.items()}
        return kind({k: bent(v, rng) if k == key else v for k, v in tree.items()})
    if isinstance(tree, (list, tuple)) and tree and rng.random() < 0.9:
        at = rng.randrange(len(tree))
        return kind(bent(one, rng) if i == at else one for i, one in enumerate(tree))
    if meta and rng.random() < 0.95:
        return kind(meta["class_name"], bent(meta["state"], rng))
    if (
        hasattr(tree, "variables")
        and rng.random() < 0.95
        and isinstance(fields := bent(vars(tree), rng), dict)
    ):
        return kind(**fields)
    return rng.choice(odd)


@pytest.mark.parametrize("kind", ["nvidia", "tensorflow", "psp", "rosinality"])
def test_a_bent_file_is_a_model_error_or_read(tmp_path: Path, reference: Any, kind: str):
    """Whatever stands where something else was expected: one line, never another exception."""
    _, G, D = nets(base=32, widest=4, z=4, w=4)
    g, d = to_tensorflow(G, D)
    ros = to_rosinality(G)

    def network(variables: Any) -> Any:
        return reference.Network(static_kwargs={"a": [1]}, components={}, variables=list(variables.items()))

    psp_state = {f"encoder.{k}": v[..., :1] for k, v in encoder_state(2).items() if v.ndim} | {
        f"decoder.{k}": v for k, v in ros.items()
    }
    tree = {
        "nvidia": {
            "G_ema": reference.module("Generator", G, synthesis_kwargs={}),
            "D": reference.module("Discriminator", D),
        },
        "tensorflow": (network(g), network(d), network(g)),
        "psp": {"state_dict": psp_state, "latent_avg": torch.zeros(2, 4), "opts": {"a": [1, {}]}},
        "rosinality": {"g_ema": {k: v for k, v in ros.items() if "noises" not in k}, "args": {"a": 1}},
    }[kind]
    rng, path = random.Random(1), tmp_path / "x"
    assert reading(path, tree, kind) is None
    refused = [said for _ in range(150) if (said := reading(path, bent(tree, rng), kind))]
    assert len(refused) > 20 and not any("\n" in said for said in refused)


def reading(path: Path, tree: Any, kind: str) -> str | None:
    if kind in ("nvidia", "tensorflow"):
        path.write_bytes(pickle.dumps(tree))
    else:
        torch.save(tree, path)
    try:
        read(path)
    except ModelError as error:
        return str(error)
    return None
