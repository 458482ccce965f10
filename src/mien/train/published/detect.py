"""Published checkpoints of the reference repositories -> our state dicts, under the names of NVIDIA's
stylegan2-ada-pytorch.

What a file is, is told by its structure, never by its name. Nothing is ever unpickled freely: see `unpickle`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ...errors import ModelError
from ...models.catalogue import sha256_of
from ..blocks import translators
from ..families import pix2pixhd, stargan, style
from . import talking_heads
from .key_maps import (
    TENSORFLOW_D,
    TENSORFLOW_G,
    Held,
    State,
    low_pass_of,
    renamed,
    ros_d,
    ros_g,
    with_filters,
)
from .pickle_machine import Record
from .pickle_reader import DAMAGE, Stored, read_tree, said

MOST_NAMES = 10_000  # tensors and modules in one network
MOST_USES, SLACK = (
    4,
    1 << 20,
)  # tensors taken from a file may be so many times its size, and bytes: a G that is also its average


@dataclass(frozen=True)
class Terms:
    """What may be done with weights as published: licence (SPDX), whether that is also for gain, and the
    credit that travels along."""

    licence: str
    commercial: bool
    credit: str


NVIDIA = "LicenseRef-NVIDIA-Source-Code-License-NC"
FFHQ = "what its page says, where that is faces FFHQ, whose terms are CC BY-NC-SA 4.0 and those of each photo"
UNSAID = "trained on what its page says, whose terms are its own"
TERMS = {
    "nvidia": Terms(NVIDIA, False, f"StyleGAN2-ADA, Karras et al. 2020, NVIDIA; trained on {FFHQ}"),
    "tensorflow": Terms(NVIDIA, False, f"StyleGAN2, Karras et al. 2020, NVIDIA; trained on {FFHQ}"),
    "rosinality": Terms(
        "MIT AND CC-BY-NC-SA-4.0", False, f"stylegan2-pytorch, Kim Seonghyeon, MIT; trained on {FFHQ}"
    ),
    "converted": Terms(
        NVIDIA,
        False,
        f"StyleGAN2, Karras et al. 2020, NVIDIA, in the layout of stylegan2-pytorch; trained on {FFHQ}",
    ),
    "psp": Terms(
        f"MIT AND {NVIDIA}",
        False,
        f"pixel2style2pixel, Richardson et al. 2021, MIT, around NVIDIA's StyleGAN2; trained on {FFHQ}",
    ),
    "e4e": Terms(
        f"MIT AND {NVIDIA}",
        False,
        f"encoder4editing, Tov et al. 2021, MIT, around NVIDIA's StyleGAN2; trained on {FFHQ}",
    ),
    "sam": Terms(
        f"MIT AND {NVIDIA}",
        False,
        f"SAM, Alaluf et al. 2021, MIT, around NVIDIA's StyleGAN2; trained on {FFHQ}",
    ),
    "cyclegan": Terms(
        "BSD-2-Clause", False, f"CycleGAN, Zhu et al. 2017, pytorch-CycleGAN-and-pix2pix, BSD; {UNSAID}"
    ),
    "pix2pix": Terms(
        "BSD-2-Clause", False, f"pix2pix, Isola et al. 2017, pytorch-CycleGAN-and-pix2pix, BSD; {UNSAID}"
    ),
    "pix2pixhd": Terms("BSD-2-Clause", False, f"pix2pixHD, Wang et al. 2018, NVIDIA, BSD; {UNSAID}"),
    "stargan": Terms("MIT", False, f"StarGAN, Choi et al. 2018, MIT; {UNSAID}"),
    "faststyle": Terms(
        "BSD-3-Clause",
        False,
        f"fast_neural_style of pytorch/examples after Johnson et al. 2016, BSD; {UNSAID}",
    ),
    "adain": Terms(
        "MIT", False, f"pytorch-AdaIN after Huang and Belongie 2017, MIT, around VGG-19; {UNSAID}"
    ),
    "irse50": Terms(
        "MIT",
        False,
        "IR-SE-50 of InsightFace_Pytorch, MIT; trained on MS-Celeb-1M, which was for research only",
    ),
    "talking_head": Terms(
        "GPL-3.0-only",
        False,
        "Realistic-Neural-Talking-Head-Models, Vincent Thévenin, GPL-3.0, after Zakharov et al. 2019; trained on "
        "VoxCeleb2, which was for research only",
    ),
    "efficientnet": Terms(
        "Apache-2.0", True, "EfficientNet-Lite0, Tan and Le 2019, Google, Apache-2.0; trained on ImageNet"
    ),
}
"""Kinds of files and their terms; "converted" is NVIDIA's weights in the layout of "rosinality"."""
SINGLE = {
    "pix2pixhd": pix2pixhd.described,
    "stargan": stargan.described,
    "faststyle": style.described_fast,
    "adain": style.described_adain,
}
"""Kinds of files of one network: from names and shapes of tensors to which one that is and the knobs that it fixes, or to None."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A published file. nets: by role, "G_ema G D encoder pretrained_encoder latent irse50"; config: what is
    known of them, as JSON.

    `config["stylegan2"]` has the knobs of `families.stylegan2.Config` that the weights fix; "encoder" those
    of `encoders`.
    """

    kind: str
    nets: dict[str, State]
    config: dict[str, Any]
    licence: str
    source_sha256: str
    credit: str
    commercial: bool


def recognise(path: Path) -> str:
    """Which of `TERMS` a file is. Raises `InputError` or `ModelError`; reads no numbers."""
    return _kind(read_tree(path), path)


def read(path: Path) -> Checkpoint:
    """The networks of a published file, copied out of it.

    Raises `InputError` where there is no such file, `ModelError` where it is none that is known, asks for
    code, or is damaged.
    """
    tree = read_tree(path)
    kind = _kind(tree, path)
    read_kind = {
        "nvidia": _nvidia,
        "tensorflow": _tensorflow,
        "irse50": _irse50,
        "efficientnet": _efficientnet,
        "rosinality": _rosinality,
        "converted": _rosinality,
        "talking_head": _talking_head,
    }
    read_kind |= {"cyclegan": _translator, "pix2pix": _translator} | dict.fromkeys(SINGLE, _single)
    try:
        nets, config = read_kind.get(kind, _psp)(tree, path)
    except DAMAGE as error:
        raise ModelError(
            f"{path} is {kind} by its outline, but not within ({said(error)}): fetch it again"
        ) from error
    terms = TERMS[kind]
    return Checkpoint(kind, nets, config, terms.licence, sha256_of(path), terms.credit, terms.commercial)


def _kind(tree: Any, path: Path) -> str:
    if (
        isinstance(tree, (tuple, list))
        and tree
        and all(isinstance(one, Record) and one.kind.endswith(".Network") for one in tree)
    ):
        return "tensorflow"
    if isinstance(tree, dict):
        if any(isinstance(one, Record) and one.kind == "Generator" for one in tree.values()):
            return "nvidia"
        if "g_ema" in tree or "style.1.weight" in tree:
            return "converted" if "latent_avg" in tree and "g_optim" not in tree else "rosinality"
        if tree.keys() >= {*talking_heads.NETS[:2]}:
            return "talking_head"
        if "state_dict" in tree:
            return _psp_kind(tree, path)
        if "input_layer.0.weight" in tree and "output_layer.3.weight" in tree:
            return "irse50"
        if {"_conv_stem.weight", "_blocks.0._depthwise_conv.weight"} <= tree.keys():
            return "efficientnet"
        if kind := _single_kind(tree):
            return kind
        if kind := _translator_kind(tree):
            return kind
    found = (
        ", ".join(ascii(str(key))[1:-1][:40] for key in list(tree)[:5]) or "nothing"
        if isinstance(tree, dict)
        else "no table of networks"
    )
    raise ModelError(
        f"{path} holds {found}: wanted NVIDIA's or TensorFlow's StyleGAN2 .pkl, a .pt with g_ema, a pSp or e4e .pt, IR-SE-50's or "
        "EfficientNet-Lite0's .pth, talking heads' .tar, or a network of CycleGAN, pix2pix, pix2pixHD, StarGAN or style "
        "transfer"
    )


# --- Taking tensors out


def _held(value: Any, path: Path, what: str) -> Held:
    """A state dict; anything in it that is no tensor makes the file unreadable, but for None."""
    if (
        not isinstance(value, dict)
        or not value
        or not all(isinstance(one, Stored) or one is None for one in value.values())
    ):
        raise ModelError(f"{path} has no state dict for {what}: fetch it again")
    return {str(key): one for key, one in value.items() if one is not None}


def _affordable(path: Path, *states: Held) -> None:
    """One storage may be named many times: refuse, before any is copied, what would be far larger than the
    file."""
    total = sum(one.nbytes for state in states for one in state.values())
    if total > MOST_USES * path.stat().st_size + SLACK or sum(map(len, states)) > MOST_NAMES:
        raise ModelError(
            f"{path} uses the same numbers many times over ({total / 1e6:.0f} MB of tensors): it is refused"
        )


def _below(state: Held, prefix: str) -> dict[str, Stored]:
    return {key.removeprefix(prefix): one for key, one in state.items() if key.startswith(prefix)}


def _plain(value: Any, room: list[int], depth: int = 0) -> Any:
    """What of `value` JSON can take; the rest is None. `room[0]` is how many more values may come."""
    room[0] -= 1
    if value is None or type(value) in (str, int, float, bool):
        return value
    if isinstance(value, Stored) and value.shape == ():
        return value.load().item()
    if depth < 4 and room[0] > 0:
        if isinstance(value, dict):
            return {
                str(key): _plain(one, room, depth + 1) for key, one in list(value.items())[: max(room[0], 0)]
            }
        if isinstance(value, (list, tuple)):
            return [_plain(one, room, depth + 1) for one in value[: max(room[0], 0)]]
    return None


def _options(value: Any) -> dict[str, Any]:
    plain = _plain(value, [MOST_NAMES])
    return plain if isinstance(plain, dict) else {}


# --- NVIDIA's stylegan2-ada-pytorch and the StyleGAN2 networks of stylegan3


def _nvidia(tree: dict[str, Any], path: Path) -> tuple[dict[str, State], dict[str, Any]]:
    records = {name: tree[name] for name in ("G", "D", "G_ema") if isinstance(tree.get(name), Record)}
    held = {name: _modules(record, path) for name, record in records.items()}
    if any(key.startswith("synthesis.L") for state in held.values() for key in state):
        raise ModelError(f"{path} is StyleGAN3, whose networks mien does not have: wanted StyleGAN2")
    _affordable(path, *held.values())
    nets = {name: {key: one.load() for key, one in state.items()} for name, state in held.items()}
    config = {name: _options(record.get("_init_kwargs")) for name, record in records.items()}
    synthesis = config.get("G_ema", config.get("G", {})).get("synthesis_kwargs") or {}
    config["stylegan2"] = describe(nets, path) | {"clamp": float(synthesis.get("conv_clamp") or 0)}
    return nets, config | {"training_set": _options(tree.get("training_set_kwargs"))}


def _modules(record: Record, path: Path) -> dict[str, Stored]:
    """The state dict of a pickled module: its parameters and buffers, and those of the modules within."""
    out: dict[str, Stored] = {}
    queue, seen = [("", record)], 0
    while queue:
        prefix, module = queue.pop()
        seen += 1
        passing = module.get("_non_persistent_buffers_set") or []
        for field in ("_parameters", "_buffers", "_modules"):
            for name, one in (module.get(field) or {}).items():
                seen += 1
                if isinstance(one, Stored) and not (field == "_buffers" and name in passing):
                    out[f"{prefix}{name}"] = one
                elif isinstance(one, Record) and field == "_modules":
                    queue.append((f"{prefix}{name}.", one))
            if seen > 10 * MOST_NAMES or len(prefix) > 200:
                raise ModelError(f"{path} holds modules within modules without end: it is refused")
    return out


# --- The TensorFlow era


def _tensorflow(tree: tuple[Record, ...], path: Path) -> tuple[dict[str, State], dict[str, Any]]:
    if len(tree) != 3:
        raise ModelError(
            f"{path} holds {len(tree)} networks of TensorFlow's: wanted three, G, D and the average of G"
        )
    held = {name: _variables(record, path) for name, record in zip(("G", "D", "G_ema"), tree, strict=True)}
    if any("StyleMod" in key or "Const/bias" in key for key in held["G_ema"]):
        raise ModelError(f"{path} is StyleGAN of 2018, whose networks mien does not have: wanted StyleGAN2")
    _affordable(path, *held.values())
    config = {name: _options(record.get("static_kwargs")) for name, record in zip(held, tree, strict=True)}
    nets = {}
    for name, state in held.items():
        low_pass = low_pass_of(config[name].get("resample_kernel") or [1, 3, 3, 1], path)
        nets[name] = with_filters(
            renamed(state, TENSORFLOW_D if name == "D" else TENSORFLOW_G, path), low_pass
        )
        if name == "G":
            nets[name].setdefault(
                "mapping.w_avg", torch.zeros_like(nets[name]["mapping.fc0.bias"])
            )  # kept beside Gs alone
    return nets, config | {
        "stylegan2": describe(nets, path) | {"clamp": float(config["G_ema"].get("conv_clamp") or 0)}
    }


def _variables(record: Record, path: Path) -> dict[str, Stored]:
    """Variables of a network and of its components, by "component/name"."""
    out: dict[str, Stored] = {}
    parts = record.get("components") or {}
    for prefix, one in [("", record), *((f"{name}/", part) for name, part in parts.items())]:
        variables = one.get("variables") if isinstance(one, dict) else None
        for pair in variables or []:
            if (
                not isinstance(pair, tuple)
                or len(pair) != 2
                or not isinstance(pair[0], str)
                or not isinstance(pair[1], Stored)
            ):
                raise ModelError(
                    f"{path} has a network of TensorFlow's with a variable that is no array: it is refused"
                )
            out[prefix + pair[0].removeprefix(f"G_{prefix}")] = pair[1]
    return out


# --- rosinality's stylegan2-pytorch


def _rosinality(tree: dict[str, Any], path: Path) -> tuple[dict[str, State], dict[str, Any]]:
    if "g_ema" not in tree:
        tree = {"g_ema": tree}
    names = {"g": "G", "d": "D", "g_ema": "G_ema"}
    held = {name: _held(tree[name], path, name) for name in names if name in tree}
    _affordable(path, *held.values())
    average = tree.get("latent_avg")
    nets, filled = {}, {}
    for name, state in held.items():
        if name == "d":
            nets["D"] = ros_d(state, path)
        else:
            nets[names[name]], filled = ros_g(state, average if isinstance(average, Stored) else None, path)
    return nets, {
        "stylegan2": describe(nets, path) | {"clamp": 0.0},
        "args": _options(tree.get("args")),
    } | filled


# --- pSp, e4e, SAM, IR-SE-50


def _psp_kind(tree: dict[str, Any], path: Path) -> str:
    state, opts = _held(tree["state_dict"], path, "the encoder"), _options(tree.get("opts"))
    if not any(key.startswith("encoder.input_layer.") for key in state):
        raise ModelError(f"{path} has a state_dict without an encoder: wanted a pSp or e4e checkpoint")
    if any(key.startswith("pretrained_encoder.") for key in state):
        return "sam"
    name = opts.get("encoder_type")
    return (
        "e4e"
        if name == "Encoder4Editing"
        or (name is None and ("progressive_steps" in opts or "delta_norm" in opts))
        else "psp"
    )


def _psp(tree: dict[str, Any], path: Path) -> tuple[dict[str, State], dict[str, Any]]:
    state, opts = _held(tree["state_dict"], path, "the encoder"), _options(tree.get("opts"))
    average = tree.get("latent_avg")
    average = average if isinstance(average, Stored) and average.shape and average.shape[-1] > 1 else None
    parts = {name: _below(state, f"{name}.") for name in ("encoder", "pretrained_encoder", "decoder")}
    _affordable(path, *parts.values())
    nets = {
        name: {key: one.load() for key, one in parts[name].items()}
        for name in ("encoder", "pretrained_encoder")
        if parts[name]
    }
    config: dict[str, Any] = {
        "opts": opts,
        "encoder": _encoder(parts["encoder"], _psp_kind(tree, path), opts),
    }
    if parts["decoder"]:
        nets["G_ema"], filled = ros_g(parts["decoder"], average, path)
        config |= {"stylegan2": describe(nets, path) | {"clamp": 0.0}} | filled
    if average is not None:
        nets["latent"] = {"latent_avg": average.load()}
    return nets, config


def _encoder(state: Held, kind: str, opts: dict[str, Any]) -> dict[str, Any]:
    """Which encoder of `encoders` the tensors are of, and its arguments."""
    styles = {int(key.split(".")[1]) for key in state if key.startswith("styles.")}
    if styles:
        name, count = ("Encoder4Editing" if kind == "e4e" else "GradualStyleEncoder"), len(styles)
    elif "output_layer_2.3.weight" in state:
        name, count = "BackboneEncoderUsingLastLayerIntoWPlus", state["linear.weight"].shape[0] // 512
    else:
        name, count = "BackboneEncoderUsingLastLayerIntoW", 1
    add = bool(opts.get("start_from_latent_avg", True))
    return {
        "encoder_type": name,
        "styles": count,
        "channels": state["input_layer.0.weight"].shape[1],
        "add_latent_avg": add,
    }


def _irse50(tree: dict[str, Any], path: Path) -> tuple[dict[str, State], dict[str, Any]]:
    state = _held(tree, path, "IR-SE-50")
    blocks = {key.split(".")[1] for key in state if key.startswith("body.")}
    if len(blocks) != 24 or "body.0.res_layer.5.fc1.weight" not in state:
        raise ModelError(
            f"{path} is an IR network of {len(blocks)} blocks: wanted IR-SE-50, which has 24 with squeeze and excitation"
        )
    _affordable(path, state)
    return {"irse50": {key: one.load() for key, one in state.items()}}, {}


def _efficientnet(tree: dict[str, Any], path: Path) -> tuple[dict[str, State], dict[str, Any]]:
    state = _held(tree, path, "EfficientNet-Lite0")
    _affordable(path, state)
    return {"efficientnet": {key: one.load() for key, one in state.items()}}, {}


# --- Talking heads


def _talking_head(tree: dict[str, Any], path: Path) -> tuple[dict[str, State], dict[str, Any]]:
    held = {name: _held(tree[name], path, name) for name in talking_heads.NETS if name in tree}
    _affordable(path, *held.values())
    loaded = {name: {key: one.load() for key, one in state.items()} for name, state in held.items()}
    return talking_heads.nets(loaded), {}


# --- CycleGAN and pix2pix


def _translator_kind(tree: dict[str, Any]) -> str | None:
    """Residual generators, as CycleGAN's are by default, and U-Nets, as pix2pix's; either could be the
    other's."""
    if "model.model.0.weight" in tree and "model.model.3.weight" in tree:
        return "pix2pix"
    return (
        "cyclegan"
        if {"model.1.weight", "model.4.weight", "model.10.conv_block.1.weight"} <= tree.keys()
        else None
    )


def _translator(tree: dict[str, Any], path: Path) -> tuple[dict[str, State], dict[str, Any]]:
    state = _held(tree, path, "the generator")
    homes = {key.rpartition(".")[0] for key in state if key.endswith(".weight")}
    gathered = (
        ".running_mean",
        ".running_var",
        ".num_batches_tracked",
    )  # of instance norms in files from before torch 0.4
    state = {
        key: one
        for key, one in state.items()
        if not key.endswith(gathered) or key.rpartition(".")[0] in homes
    }
    _affordable(path, state)
    return {"G": {key: one.load() for key, one in state.items()}}, {"translator": translators.describe(state)}


# --- pix2pixHD, StarGAN, fast style transfer and AdaIN


def _shapes(tree: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    return {str(key): one.shape for key, one in tree.items() if isinstance(one, Stored)}


def _single_kind(tree: dict[str, Any]) -> str | None:
    try:
        return next((kind for kind, described in SINGLE.items() if described(_shapes(tree))), None)
    except DAMAGE:
        return None


def _single(tree: dict[str, Any], path: Path) -> tuple[dict[str, State], dict[str, Any]]:
    """Statistics, which instance norms of old files have, are left out: each picture has its own, also where
    the authors test."""
    state = _held(tree, path, "the network")
    state = {
        key: one
        for key, one in state.items()
        if not key.endswith((".running_mean", ".running_var", ".num_batches_tracked"))
    }
    _affordable(path, state)
    name, knobs = next(found for described in SINGLE.values() if (found := described(_shapes(dict(state)))))
    return {name: {key: one.load() for key, one in state.items()}}, {"net": name, "knobs": knobs}


# --- What the shapes say


def describe(nets: Mapping[str, State], path: Path) -> dict[str, Any]:
    """The knobs of `families.stylegan2.Config` that the weights fix. Raises `ModelError` where no generator
    of that family has them."""
    G = nets.get("G_ema", nets.get("G", {}))
    try:
        blocks = {int(key.split(".")[1][1:]) for key in G if key.startswith("synthesis.b")}
        size, classes = max(blocks), G["mapping.embed.weight"].shape[1] if "mapping.embed.weight" in G else 0
        w, z = G["mapping.w_avg"].shape[0], G["mapping.fc0.weight"].shape[1]
        channels = {r: G[f"synthesis.b{r}.conv1.weight"].shape[0] for r in blocks}
        colours = G[f"synthesis.b{size}.torgb.weight"].shape[0]
    except (KeyError, ValueError, IndexError) as error:
        raise ModelError(f"{path} lacks a part of StyleGAN2's generator ({error}): fetch it again") from error
    widest, base = max(channels.values()), channels[size] * size
    if (
        colours != 3
        or blocks != {2**i for i in range(2, size.bit_length())}
        or any(c != min(base // r, widest) for r, c in channels.items())
    ):
        raise ModelError(
            f"{path} is a StyleGAN2 of {colours} colours and channels {channels}: wanted 3, and a power of two over the size"
        )
    plain = "skip" if "synthesis.b4.torgb.weight" in G else "orig"
    out = {
        "size": size,
        "z": z - (w if classes else 0),
        "w": w,
        "classes": classes,
        "base": base,
        "widest": widest,
    }
    out |= {"layers": sum(bool(re.fullmatch(r"mapping\.fc\d+\.weight", key)) for key in G)}
    out |= {"synthesis": "resnet" if any(".skip." in key for key in G) else plain}
    if D := nets.get("D"):
        several = sum(key.endswith(".fromrgb.weight") for key in D) > 1
        out |= {"critic": "skip" if several else "resnet" if any(".skip." in key for key in D) else "orig"}
    return out
