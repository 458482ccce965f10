"""The published layouts of StyleGAN2's tensors, TensorFlow's and rosinality's, under the names and in the
layout of NVIDIA's."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ...errors import ModelError
from .pickle_reader import Stored

State = dict[str, Tensor]
Held = Mapping[str, Stored]

DRAWS, SEED = 4096, 0  # for an average w that the file lacks
LARGEST, WIDEST = (
    2048,
    8192,
)  # side of a noise map and length of a z that are drawn for a file that lacks them

Rule = tuple[str, str | Callable[[re.Match[str]], str], Callable[[Tensor], Tensor] | None]


def renamed(state: Held, rules: tuple[Rule, ...], path: Path) -> State:
    """`state` under other names and in another layout. A rule's name "" drops; a tensor that no rule knows is
    a `ModelError`."""
    out: State = {}
    for key, stored in state.items():
        for pattern, name, change in rules:
            if match := re.fullmatch(pattern, key):
                if new := name(match) if callable(name) else match.expand(name):
                    out[new] = (change(stored.load()) if change else stored.load()).contiguous()
                break
        else:
            raise ModelError(
                f"{path} has the tensor {ascii(key)[1:-1][:80]}, which this layout of StyleGAN2 does not know"
            )
    return out


def low_pass_of(taps: Any, path: Path) -> Tensor:
    if (
        not isinstance(taps, list)
        or not 1 < len(taps) < 16
        or not all(isinstance(tap, (int, float)) for tap in taps)
    ):
        raise ModelError(f"{path} gives a low pass that is no list of numbers: it is refused")
    f = torch.tensor(taps, dtype=torch.float32)
    return f.outer(f) / f.sum().square()


def with_filters(state: State, low_pass: Tensor) -> State:
    """NVIDIA's layout keeps the low pass beside every convolution and in every block that may change the
    size."""
    homes = {
        key.removesuffix(".weight")
        for key in state
        if re.search(r"\.(conv|conv0|conv1|fromrgb|skip)\.weight$", key)
    }
    homes |= {match[0] for key in state if (match := re.match(r"synthesis\.b\d+|b(?!4\.)\d+", key))}
    return state | {f"{home}.resample_filter": low_pass.clone() for home in sorted(homes)}


# --- TensorFlow


def _noise_home(match: re.Match[str]) -> str:
    """Noise maps are numbered through all layers: 0 is the only one at 4 px, then two at each resolution."""
    i = int(match[1])
    layer = "b4.conv1" if i == 0 else f"b{2 ** ((i + 5) // 2)}.conv{(i + 1) % 2}"
    return f"synthesis.{layer}.noise_const"


def _kernel(x: Tensor) -> Tensor:
    return x.permute(3, 2, 0, 1)  # [k, k, I, O] -> [O, I, k, k]


LAYER = {"Conv": "conv1", "Conv0_up": "conv0", "Conv1": "conv1", "ToRGB": "torgb", "Skip": "skip"}
TENSORFLOW_G: tuple[Rule, ...] = (
    (r"dlatent_avg", "mapping.w_avg", None),
    (r"mapping/Dense(\d+)/weight", r"mapping.fc\1.weight", torch.t),
    (r"mapping/Dense(\d+)/bias", r"mapping.fc\1.bias", None),
    (r"mapping/LabelEmbed/weight", "mapping.embed.weight", torch.t),
    (r"mapping/LabelEmbed/bias", "mapping.embed.bias", None),
    (r"synthesis/noise(\d{1,2})", _noise_home, lambda x: x[0, 0]),
    (r"synthesis/4x4/Const/const", "synthesis.b4.const", lambda x: x[0]),
    # a convolution that doubles the size is a transposed one here, and was a convolution with a flipped
    # kernel there
    (
        r"synthesis/(\d+)x\1/(Conv0_up|Skip)/weight",
        lambda m: f"synthesis.b{m[1]}.{LAYER[m[2]]}.weight",
        lambda x: _kernel(x.flip(0, 1)),
    ),
    (
        r"synthesis/(\d+)x\1/(Conv|Conv1|ToRGB)/weight",
        lambda m: f"synthesis.b{m[1]}.{LAYER[m[2]]}.weight",
        _kernel,
    ),
    (
        r"synthesis/(\d+)x\1/(\w+)/mod_weight",
        lambda m: f"synthesis.b{m[1]}.{LAYER[m[2]]}.affine.weight",
        torch.t,
    ),
    (
        r"synthesis/(\d+)x\1/(\w+)/mod_bias",
        lambda m: f"synthesis.b{m[1]}.{LAYER[m[2]]}.affine.bias",
        lambda x: x + 1,
    ),
    (
        r"synthesis/(\d+)x\1/(\w+)/(bias|noise_strength)",
        lambda m: f"synthesis.b{m[1]}.{LAYER[m[2]]}.{m[3]}",
        None,
    ),
    (r"(synthesis/|mapping/)?(lod|pl_mean_var|ema_mean)", "", None),
)
TENSORFLOW_D: tuple[Rule, ...] = (
    (r"4x4/Conv/weight", "b4.conv.weight", _kernel),
    (r"4x4/Conv/bias", "b4.conv.bias", None),
    (r"4x4/Dense0/weight", "b4.fc.weight", torch.t),
    (r"4x4/Dense0/bias", "b4.fc.bias", None),
    (r"Output/weight", "b4.out.weight", torch.t),
    (r"Output/bias", "b4.out.bias", None),
    (r"Mapping(\d+)/weight", r"mapping.fc\1.weight", torch.t),
    (r"Mapping(\d+)/bias", r"mapping.fc\1.bias", None),
    (r"LabelEmbed/weight", "mapping.embed.weight", torch.t),
    (r"LabelEmbed/bias", "mapping.embed.bias", None),
    (r"(\d+)x\1/FromRGB/weight", r"b\1.fromrgb.weight", _kernel),
    (r"(\d+)x\1/FromRGB/bias", r"b\1.fromrgb.bias", None),
    (r"(\d+)x\1/Conv(0|1)(?:_down)?/weight", r"b\1.conv\2.weight", _kernel),
    (r"(\d+)x\1/Conv(0|1)(?:_down)?/bias", r"b\1.conv\2.bias", None),
    (r"(\d+)x\1/Skip/weight", r"b\1.skip.weight", _kernel),
    (r"lod", "", None),
)


# --- rosinality


def _ros_layer(match: re.Match[str]) -> str:
    """conv1, convs.j, to_rgb1, to_rgbs.k -> the block and layer."""
    kind, number = match["kind"], match["number"]
    if number is None:
        return "synthesis.b4.conv1" if kind == "conv1" else "synthesis.b4.torgb"
    i = int(number)
    return (
        f"synthesis.b{2 ** (i // 2 + 3)}.conv{i % 2}"
        if kind == "convs"
        else f"synthesis.b{2 ** (i + 3)}.torgb"
    )


CONV, COLOUR = (
    r"(?P<kind>conv1|convs)(?:\.(?P<number>\d{1,2}))?\.",
    r"(?P<kind>to_rgb1|to_rgbs)(?:\.(?P<number>\d{1,2}))?\.",
)
EITHER = r"(?P<kind>conv1|convs|to_rgb1|to_rgbs)(?:\.(?P<number>\d{1,2}))?\."
ROSINALITY_G: tuple[Rule, ...] = (
    (r"style\.(\d+)\.(weight|bias)", lambda m: f"mapping.fc{int(m[1]) - 1}.{m[2]}", None),
    (r"input\.input", "synthesis.b4.const", lambda x: x[0]),
    (EITHER + r"conv\.weight", lambda m: f"{_ros_layer(m)}.weight", lambda x: x[0]),
    (
        EITHER + r"conv\.modulation\.(?P<end>weight|bias)",
        lambda m: f"{_ros_layer(m)}.affine.{m['end']}",
        None,
    ),
    (CONV + r"noise\.weight", lambda m: f"{_ros_layer(m)}.noise_strength", lambda x: x.reshape(())),
    (CONV + r"activate\.bias", lambda m: f"{_ros_layer(m)}.bias", None),
    (COLOUR + r"bias", lambda m: f"{_ros_layer(m)}.bias", torch.flatten),
    (r"noises\.noise_(\d{1,2})", _noise_home, lambda x: x[0, 0]),
    (EITHER + r"(conv\.blur|upsample)\.kernel", "", None),
)


def ros_g(state: Held, average: Stored | None, path: Path) -> tuple[State, dict[str, Any]]:
    """A generator in rosinality's layout under NVIDIA's names, and what had to be filled in: the average w,
    noise maps."""
    out = renamed(state, ROSINALITY_G, path)
    out = with_filters(out, _ros_filter(state, path))
    said: dict[str, Any] = {}
    noise = torch.Generator().manual_seed(SEED)
    for key in [key for key in out if re.search(r"conv[01]\.noise_strength$", key)]:
        size, home = int(key.split(".")[1][1:]), key.replace("noise_strength", "noise_const")
        if home not in out and size <= LARGEST:
            out[home], said["noise"] = (
                torch.randn(size, size, generator=noise),
                f"not in the file; drawn with seed {SEED}",
            )
    if average is not None:
        mean = average.load()
        out["mapping.w_avg"] = mean.reshape(-1, mean.shape[-1])[0].clone()
    else:
        out["mapping.w_avg"], said["w_avg"] = (
            _mean_w(out),
            f"not in the file; the mean of {DRAWS} mapped z, seed {SEED}",
        )
    return out, said


def _ros_filter(state: Held, path: Path) -> Tensor:
    """The low pass, which every blur of the network keeps (times 4, for it also fills in for the zeros
    between pixels)."""
    for key, stored in state.items():
        if (
            key.endswith((".blur.kernel", ".upsample.kernel", ".0.kernel"))
            and len(stored.shape) == 2
            and max(stored.shape) <= 16
        ):
            kernel = stored.load()
            return kernel / kernel.sum()
    return low_pass_of([1, 3, 3, 1], path)


def _mean_w(state: State) -> Tensor:
    if state["mapping.fc0.weight"].shape[1] > WIDEST:
        raise ValueError("a z that is too long")
    z = torch.randn(
        DRAWS, state["mapping.fc0.weight"].shape[1], generator=torch.Generator().manual_seed(SEED)
    )
    x = z * (z.square().mean(1, keepdim=True) + 1e-8).rsqrt()
    for i in range(sum(key.startswith("mapping.fc") for key in state) // 2):
        W, b = state[f"mapping.fc{i}.weight"].float(), state[f"mapping.fc{i}.bias"].float()
        x = F.leaky_relu(F.linear(x, W * (0.01 / W.shape[1] ** 0.5), b * 0.01), 0.2) * 2**0.5
    return x.mean(0)


def ros_d(state: Held, path: Path) -> State:
    blocks = max(
        (int(match[1]) for key in state if (match := re.match(r"convs\.(\d{1,2})\.", key))), default=0
    )
    size = [4 * 2 ** (blocks - max(j - 1, 0)) for j in range(blocks + 1)]  # side of what enters convs.j
    end = {
        "conv1.0.weight": "conv0.weight",
        "conv1.1.bias": "conv0.bias",
        "conv2.1.weight": "conv1.weight",
        "conv2.2.bias": "conv1.bias",
    }
    end |= {"skip.1.weight": "skip.weight", "0.weight": "fromrgb.weight", "1.bias": "fromrgb.bias"}
    rules: tuple[Rule, ...] = (
        (r"convs\.\d+\.\w+\.0\.kernel", "", None),
        (r"convs\.(\d+)\.([\w.]+)", lambda m: f"b{size[int(m[1])]}.{end[m[2]]}", None),
        (r"final_conv\.0\.weight", "b4.conv.weight", None),
        (r"final_conv\.1\.bias", "b4.conv.bias", None),
        (r"final_linear\.0\.(weight|bias)", r"b4.fc.\1", None),
        (r"final_linear\.1\.(weight|bias)", r"b4.out.\1", None),
    )
    return with_filters(renamed(state, rules, path), _ros_filter(state, path))
