"""A run's best weights -> .onnx with its card; torch and ONNX Runtime are compared before the file is called
good."""

from __future__ import annotations

import copy
import logging
import math
import shutil
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from ...errors import InputError, ModelError
from ...io import outputs
from ...models.card import KEY, Card
from ...models.session import onnxruntime
from ...types import Array
from .checkpoints import BEST, below, checkpoints, read_run, read_state, read_tensors
from .launch import config_of, family_of
from .part import Part

SMALL = 1024  # elements; tensors with fewer stay as they are
BITS = (32, 16, 8)  # that a weight may be stored in
TOLERANCE = (
    1e-3  # between torch in 32 bits and ONNX Runtime, over outputs scaled to their own largest value above 1
)
LARGE = 1024  # pixels a side; of such pictures two are compared at once, not three: three take more than 2 GB


def export(run: Path, out: Path, *, bits: int, last: bool, force: bool) -> dict[Path, float]:
    """See `verbs.export`."""
    about = read_run(run)
    cfg = config_of(about)
    chosen = [run / BEST, *(checkpoints(run) if last else ())][-1]
    if not chosen.is_file():
        raise InputError(f"{run} holds no scored weights yet: train until the first preview")
    objective = family_of(about["family"]).build(cfg)
    net = objective.nets[objective.averaged].eval()
    tensors = read_tensors(chosen)
    net.load_state_dict(below(tensors, "average.") if chosen.name != BEST else tensors, assign=True)
    parts = objective.parts(net)
    places = places_of(parts, out, force=force)
    state = read_state(chosen)
    said = {
        "data": about["notice"],
        "source": f"{_command(about, cfg)}; step {state['step']} of {cfg.steps}",
        "measured": {"held_out": state["held_out"]} if "held_out" in state else {},
    }
    said |= {
        key: about[key] for key in ("licence", "commercial") if key in about
    }  # of the weights that the run began with
    return {
        place: write(replace(part, card=replace(part.card, **said)), place, bits=bits)
        for part, place in zip(parts, places, strict=True)
    }


def _command(about: dict[str, Any], cfg: Any) -> str:
    """What was typed to train a run, but for folders, and with which source."""
    preset = family_of(about["family"]).PRESETS.get(
        about["preset"]
    )  # of an older version, perhaps, where it had another name
    changed = [
        f" --set {name}={value}"
        for name, value in asdict(cfg).items()
        if value != getattr(preset, name, None)
    ]
    typed = (
        f"mien train {about['family']} --preset {about['preset']}{''.join(changed)} --seed {about['seed']}"
    )
    return f"{typed}; {about['made']}" if "made" in about else typed


def places_of(parts: list[Part], out: Path, *, force: bool = False) -> list[Path]:
    """Where each part goes: `out` where there is one, else `out` with the role in its name. What is there
    already is an `OutputError`."""
    places = (
        [out]
        if len(parts) == 1
        else [out.with_name(f"{out.stem}-{part.label or part.role}{out.suffix}") for part in parts]
    )
    for place in places:
        outputs.check_free(place, force)
    return places


@torch.no_grad()
def write(part: Part, out: Path, *, bits: int = 32) -> float:
    """Write one part, whose module stays as it is. bits: that its weights are stored in, one of BITS; of 8
    those of convolutions, with a scale for each channel, and 16 of the others.

    Returns the largest difference between torch and ONNX Runtime at batch 1 and 3 (2 for large pictures).
    """
    module = _ready(part.module, bits)
    batch = torch.export.Dim("batch")
    draft = out.with_name(f".{out.name}.part")
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "part.onnx"
            example = tuple(_example(part, name) for name in part.inputs)
            logging.getLogger("torch.onnx").setLevel(
                logging.ERROR
            )  # it warns of packages that nothing here wants
            torch.onnx.export(
                module,
                example,
                str(path),
                dynamo=True,
                opset_version=20,
                input_names=list(part.inputs),
                output_names=list(part.outputs),
                dynamic_shapes=tuple({0: batch, **_sides(part, name)} for name in part.inputs),
                external_data=True,
                verbose=False,
            )
            _pack(path, draft, part.card, bits)
        difference = _difference(part, module, draft)
        if not difference <= TOLERANCE:
            raise ModelError(
                f"torch and ONNX Runtime differ by {difference:.1e}, more than {TOLERANCE:.0e}: nothing was written"
            )
        draft.replace(out)
    except OSError as error:
        raise outputs.unwritable(out, error) from error
    finally:
        draft.unlink(missing_ok=True)
    return difference


def _example(part: Part, name: str) -> torch.Tensor:
    """An input of two, and where sides are free of two and three multiples: a one would be frozen."""
    one, free = part.inputs[name], _free(part, name)
    return one.new_zeros(2, one.shape[1], 2 * free, 3 * free) if free else torch.cat([one, one])


def _sides(part: Part, name: str) -> dict[int, Any]:
    """Height and width of an input where they are free."""
    free, of = _free(part, name), "" if name == "pixels" else f"_of_{name}"
    return (
        {at: free * torch.export.Dim(side + of) for at, side in ((2, "rows"), (3, "columns"))} if free else {}
    )


def _free(part: Part, name: str) -> int:
    return part.card.multiple if name in ("pixels", "style") else 0


def _ready(module: nn.Module, bits: int) -> nn.Module:
    """A copy that shares its tensors with `module`, as it will be stored: normalisations fused, then large
    weights rounded to `bits`.

    In this order: the exporter would fuse weights that were rounded before. What is compared is what will be
    stored.
    """
    shared = {id(one): one for one in (*module.parameters(), *module.buffers())}
    module = copy.deepcopy(module, shared).eval()
    for one in list(module.modules()):
        if isinstance(one, nn.Sequential):
            _fuse(one)
    for one in module.modules() if bits < 32 else ():
        for name, weight in list(one.named_parameters(recurse=False)):
            if weight.numel() >= SMALL:
                if bits == 8 and weight.ndim == 4 and isinstance(one, nn.Conv2d | nn.ConvTranspose2d):
                    steps, scale = _steps(
                        weight.detach().numpy(), channels=1 if isinstance(one, nn.ConvTranspose2d) else 0
                    )
                    rounded = torch.from_numpy(steps * scale)
                else:
                    rounded = weight.half().float()
                setattr(one, name, nn.Parameter(rounded, requires_grad=False))
    return module


def _steps(weight: Array, channels: int) -> tuple[Array, Array]:
    """A weight in whole steps from -127 to 127, float32, and how large a step is in each channel, which run
    along that axis."""
    others = tuple(axis for axis in range(weight.ndim) if axis != channels)
    scale = np.maximum(np.abs(weight).max(others, keepdims=True) / 127, 1e-30).astype(np.float32)
    return np.rint(weight / scale), scale


def _fuse(layers: nn.Sequential) -> None:
    """Layers and the normalisation after them as one."""
    for i in range(len(layers) - 1):
        layer, norm = layers[i], layers[i + 1]
        if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            layers[i], layers[i + 1] = fuse_conv_bn_eval(layer, norm), nn.Identity()
        elif isinstance(layer, nn.ConvTranspose2d) and isinstance(norm, nn.BatchNorm2d):
            layers[i], layers[i + 1] = fuse_conv_bn_eval(layer, norm, transpose=True), nn.Identity()
        elif isinstance(layer, nn.Linear) and isinstance(norm, nn.BatchNorm1d):
            layers[i], layers[i + 1] = fuse_linear_bn_eval(layer, norm), nn.Identity()


def _pack(path: Path, out: Path, card: Card, bits: int) -> None:
    """The exported graph, whose weights lie beside it, as one file with its card; one weight after the other,
    so that few are in memory.

    Protobuf messages may be written in pieces: what lies behind one another is read as one. Below 32 bits
    large weights are stored in fewer and brought back to 32 when the file is loaded: less to store, the same
    arithmetic.
    """
    model = onnx.load(str(path), load_external_data=False)
    weights, graph = onnx.GraphProto(), model.graph
    weights.initializer.extend(graph.initializer)
    del graph.initializer[:]
    for one in (*graph.node, *graph.input, *graph.output, *graph.value_info, graph):
        del one.metadata_props[:]  # where in the source, and where that lies on this machine
    large = {
        one.name
        for one in weights.initializer
        if one.data_type == TensorProto.FLOAT and math.prod(one.dims) >= SMALL
    }
    with tempfile.TemporaryFile() as stored:
        nodes: list[onnx.NodeProto] = []
        for weight in weights.initializer:
            array, name = numpy_helper.to_array(weight, str(path.parent)), weight.name
            arrays, back = _stored(name, array, bits) if bits < 32 and name in large else ({name: array}, [])
            for key, one in arrays.items():
                piece = onnx.GraphProto(initializer=[numpy_helper.from_array(one, key)])
                stored.write(onnx.ModelProto(graph=piece).SerializeToString())
            nodes += back
        nodes += graph.node
        del graph.node[:]
        graph.node.extend(nodes)
        helper.set_model_props(model, {KEY: card.to_json()})
        stored.seek(0)
        with out.open("wb") as file:
            file.write(model.SerializeToString())
            shutil.copyfileobj(stored, file)


def _stored(name: str, weight: Array, bits: int) -> tuple[dict[str, Array], list[onnx.NodeProto]]:
    """What a weight that `_ready` has rounded is stored as, by names: itself in 16 bits, or steps in 8 and
    their size. And what brings it back to 32."""
    for channels in (0, 1) if bits == 8 and weight.ndim == 4 else ():
        steps, scale = _steps(weight, channels)
        if np.allclose(steps * scale, weight, rtol=1e-5, atol=0):
            back = [
                helper.make_node("Cast", [f"{name}.steps"], [f"{name}.steps.whole"], to=TensorProto.FLOAT),
                helper.make_node("Mul", [f"{name}.steps.whole", f"{name}.scale"], [name]),
            ]
            return {f"{name}.steps": steps.astype(np.int8), f"{name}.scale": scale}, back
    return {f"{name}.half": weight.astype(np.float16)}, [
        helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT)
    ]


def _difference(part: Part, module: nn.Module, path: Path) -> float:
    """On noise: how far ONNX Runtime is from torch, over each output's largest value where that is above 1.

    torch is asked for one picture after the other: so ONNX Runtime's batch is compared with what does not
    depend on it, and few are in memory.
    """
    count, random = 2 if part.card.size >= LARGE else 3, torch.Generator().manual_seed(0)
    shapes = {name: list(one.shape[1:]) for name, one in part.inputs.items()}
    trials = [(1, shapes), (count, shapes)]
    if part.card.multiple:
        height, width = shapes["pixels"][1:]
        trials.append((1, shapes | {"pixels": [shapes["pixels"][0], height, width + part.card.multiple]}))
    ort = onnxruntime()
    options = ort.SessionOptions()
    options.enable_cpu_mem_arena = False  # which keeps what it once had;
    options.graph_optimization_level = (
        ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    )  # all of them would hold large weights three times
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    differences = []
    for count, shapes in trials:
        inputs = {
            name: torch.rand(count, *shape, generator=random) * 0.4 - 0.2 for name, shape in shapes.items()
        }
        rows = [module(*row) for row in zip(*(one.split(1) for one in inputs.values()), strict=True)]
        wanted = [
            torch.cat(one).numpy()
            for one in zip(*(row if isinstance(row, tuple) else (row,) for row in rows), strict=True)
        ]
        got: Any = session.run(list(part.outputs), {name: one.numpy() for name, one in inputs.items()})
        differences += [
            np.abs(a - b).max() / max(1.0, np.abs(b).max()) for a, b in zip(got, wanted, strict=True)
        ]
    return float(np.max(differences))  # NaN where one is
