"""A run's best weights -> .onnx with its card; torch and ONNX Runtime are compared before the file is called good."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import load_file

from ..cards import KEY
from ..errors import InputError, ModelError, OutputError
from .loop import read_state
from .part import Part
from .start import config_of, family_of, read_run

HALF_FROM = 1024  # elements; smaller tensors stay as they are
TOLERANCE = 1e-3  # between torch in 32 bits and ONNX Runtime, over outputs scaled to their own largest value above 1


def export(run: Path, out: Path, *, half: bool, force: bool) -> dict[Path, float]:
    """See `verbs.export`."""
    about = read_run(run)
    cfg = config_of(about)
    best = run / "best.safetensors"
    if not best.is_file():
        raise InputError(f"{run} holds no scored weights yet: train until the first preview")
    objective = family_of(about["family"]).build(cfg)
    net = objective.nets[objective.averaged].eval()
    net.load_state_dict(load_file(best))
    parts = objective.parts(net)
    places = places_of(parts, out)
    if taken := [place for place in places if place.exists() and not force]:
        raise OutputError(f"{taken[0]} exists: choose another name, or write over it with --force")
    state = read_state(best)
    source = f"mien train {about['family']} --preset {about['preset']} --seed {about['seed']}; step {state['step']} of {cfg.steps}"
    about_all = {"data": about["notice"], "source": source, "measured": {"held_out": state["held_out"]}}
    return {
        place: write(replace(part, card=replace(part.card, **about_all)), place, half=half)
        for part, place in zip(parts, places, strict=True)
    }


def places_of(parts: list[Part], out: Path) -> list[Path]:
    """Where each part goes: `out` where there is one, else `out` with the role in its name."""
    return [out] if len(parts) == 1 else [out.with_name(f"{out.stem}-{part.role}{out.suffix}") for part in parts]


def write(part: Part, out: Path, *, half: bool) -> float:
    """Write one part; returns the largest difference between torch and ONNX Runtime at batch 1 and 3."""
    if half:  # round first, so that what is compared is what will be stored
        with torch.no_grad():
            for tensor in part.module.parameters():
                if tensor.numel() >= HALF_FROM:
                    tensor.copy_(tensor.half())
    batch = torch.export.Dim("batch")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "part.onnx"
        example = tuple(torch.cat([one, one]) for one in part.inputs.values())  # of two: a batch of one would be frozen
        torch.onnx.export(
            part.module,
            example,
            str(path),
            dynamo=True,
            opset_version=20,
            input_names=list(part.inputs),
            output_names=list(part.outputs),
            dynamic_shapes=tuple({0: batch} for _ in example),
            verbose=False,
        )
        model = onnx.load(str(path))
    if half:
        _store_half(model)
    helper.set_model_props(model, {KEY: part.card.to_json()})
    data = model.SerializeToString()
    difference = max(_difference(part, data, count) for count in (1, 3))
    if not difference <= TOLERANCE:
        raise ModelError(f"torch and ONNX Runtime differ by {difference:.1e}, more than {TOLERANCE:.0e}: nothing was written")
    draft = out.with_name(f".{out.name}.part")
    try:
        draft.write_bytes(data)
        draft.replace(out)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise OutputError(f"{out} cannot be written ({error.strerror})") from error
    return difference


def _difference(part: Part, data: bytes, count: int) -> float:
    """On noise: how far ONNX Runtime is from torch, over each output's largest value where that is above 1."""
    random = torch.Generator().manual_seed(0)
    inputs = {name: torch.rand(count, *one.shape[1:], generator=random) * 0.4 - 0.2 for name, one in part.inputs.items()}
    with torch.no_grad():
        wanted = part.module(*inputs.values())
    session = ort.InferenceSession(data, providers=["CPUExecutionProvider"])
    got: Any = session.run(list(part.outputs), {name: one.numpy() for name, one in inputs.items()})
    pairs = zip(got, wanted if isinstance(wanted, tuple) else (wanted,), strict=True)
    return max(float(np.abs(a - b.numpy()).max() / max(1.0, float(b.abs().max()))) for a, b in pairs)


def _store_half(model: onnx.ModelProto) -> None:
    """Large weights in 16 bits, cast back to 32 when the file is loaded: half the size, the same arithmetic."""
    casts, graph = [], model.graph
    for tensor in graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) >= HALF_FROM:
            name = tensor.name
            small = numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), f"{name}.half")
            tensor.CopyFrom(small)
            casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
