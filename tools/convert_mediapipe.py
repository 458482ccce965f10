"""Make the bundled face networks: MediaPipe's .tflite files -> small .onnx files with a card, in
`src/mien/weights/`.

    pip install ai-edge-litert onnx onnxruntime opencv-python-headless      (tools only: mien needs none but the last two)
    python tools/convert_mediapipe.py FOLDER-OF-PICTURES

Fetches the last mediapipe wheel that carries the networks, translates BlazeFace full-range (arXiv
1907.05047), the 468-point face mesh (arXiv 1907.06724) and the iris network (arXiv 2006.11341) operation by
operation, and writes a file only when every output agrees with LiteRT's on every picture of the folder.
Half-precision weights stay half precision in the file; all computation is in float32.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from ai_edge_litert import schema_py_generated as schema  # pyright: ignore[reportMissingImports]
from ai_edge_litert.interpreter import Interpreter  # pyright: ignore[reportMissingImports]
from catalogue import store
from onnx import TensorProto, helper, numpy_helper
from packages import fetch

from mien.models.card import KEY, Card
from mien.models.session import onnxruntime

WHEEL = "mediapipe==0.10.21"
TOLERANCE = 1e-4  # of an output's spread, or absolute where the spread is below 1


@dataclass(frozen=True)
class Job:
    """One network: where it lies in the wheel, its outputs (our name, its name there, our shape), and its
    card.

    free: the picture's sides are free too (multiples of 32): the finder is fully convolutional, so one run
    covers any frame.
    """

    tflite: str
    outputs: dict[str, tuple[str, list[int]]]
    card: Card
    free: bool = False


JOBS = (
    Job(
        "mediapipe/modules/face_detection/face_detection_full_range_sparse.tflite",
        {"boxes": ("Identity", [0, -1, 16]), "logits": ("Identity_1", [0, -1])},
        Card(
            name="blazeface",
            role="finder",
            licence="Apache-2.0",
            description="BlazeFace full-range, sparse: boxes, six keypoints and a logit for every 4 x 4 pixel cell",
            size=192,
            value_range=(-1.0, 1.0),
            limits="finds faces of about 12 to 150 px in its input, turned by up to about 45 degrees",
        ),
        free=True,
    ),
    Job(
        "mediapipe/modules/face_landmark/face_landmark.tflite",
        {"points": ("conv2d_21", [0, 468, 3]), "logits": ("conv2d_31", [-1])},
        Card(
            name="facemesh",
            role="mesh",
            licence="Apache-2.0",
            description="Face mesh: 468 points in 3D in pixels of an upright crop of 1.5 face sides, and the logit of its being a face",
            size=192,
            limits="profiles beyond about 60 degrees are approximate",
        ),
    ),
    Job(
        "mediapipe/modules/iris_landmark/iris_landmark.tflite",
        {"contours": ("output_eyes_contours_and_brows", [0, 71, 3]), "points": ("output_iris", [0, 5, 3])},
        Card(
            name="iris",
            role="iris",
            licence="Apache-2.0",
            description="Iris: centre and four rim points, and 71 eye and brow contour points, in pixels of a left eye's crop",
            size=64,
            limits="a closed eye gives a guess",
        ),
    ),
)


class Translation:
    """One .tflite graph on its way to an ONNX graph: tensors by number, NHWC there, NCHW here."""

    def __init__(self, data: bytes) -> None:
        self.model: Any = schema.ModelT.InitFromPackedBuf(
            data, 0
        )  # the generated schema's types are too loose to check
        self.graph = self.model.subgraphs[0]
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.names: dict[int, str] = {}  # of what is computed
        self.constants: dict[int, np.ndarray] = {}  # what DEQUANTIZE and DENSIFY fold to
        self.opcodes = {v: k for k, v in vars(schema.BuiltinOperator).items() if isinstance(v, int)}

    def shape(self, tensor: int) -> list[int]:
        return [int(n) for n in self.graph.tensors[tensor].shape]

    def constant(self, tensor: int) -> np.ndarray:
        """The value of a tensor that does not depend on the input; half precision stays half precision."""
        if tensor in self.constants:
            return self.constants[tensor]
        t = self.graph.tensors[tensor]
        dtype = {
            schema.TensorType.FLOAT32: "<f4",
            schema.TensorType.FLOAT16: "<f2",
            schema.TensorType.INT32: "<i4",
        }[t.type]
        values = np.frombuffer(np.asarray(self.model.buffers[t.buffer].data, np.uint8).tobytes(), dtype)
        return values.reshape(t.shape) if t.sparsity is None else densify(values, t)

    def add(self, op: str, inputs: list[str], **attributes: Any) -> str:
        name = f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def store(self, value: np.ndarray) -> str:
        """An initialiser; half-precision ones are cast up once, when the session is made."""
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return self.add("Cast", [name], to=TensorProto.FLOAT) if value.dtype == np.float16 else name

    def run(self, job: Job) -> onnx.ModelProto:
        """Translate every operation; the outputs are laid out as NHWC again and shaped as the job says."""
        self.names[self.graph.inputs[0]] = "pixels"
        for op in self.graph.operators:
            code = self.model.operatorCodes[op.opcodeIndex]
            kind = self.opcodes[max(code.builtinCode, code.deprecatedBuiltinCode)]
            inputs = [int(i) for i in op.inputs]
            if kind in ("DEQUANTIZE", "DENSIFY"):
                self.constants[int(op.outputs[0])] = self.constant(inputs[0])
            else:
                out = OPERATIONS[kind](self, inputs, op)
                self.names[int(op.outputs[0])] = self.activate(out, op.builtinOptions)
        tensors = {self.graph.tensors[int(i)].name.decode(): int(i) for i in self.graph.outputs}
        outputs = []
        for name, (theirs, shape) in job.outputs.items():
            flat = self.add("Transpose", [self.names[tensors[theirs]]], perm=[0, 2, 3, 1])
            self.nodes.append(
                helper.make_node("Reshape", [flat, self.store(np.array(shape, np.int64))], [name], name=name)
            )
            outputs.append(
                helper.make_tensor_value_info(
                    name, TensorProto.FLOAT, ["n", *(None if n < 0 else n for n in shape[1:])]
                )
            )
        side = self.shape(self.graph.inputs[0])[1]
        sides = ["height", "width"] if job.free else [side, side]
        pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 3, *sides])
        graph = helper.make_graph(self.nodes, job.card.name, [pixels], outputs, self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    def activate(self, name: str, options: Any) -> str:
        kind = getattr(options, "fusedActivationFunction", 0)
        if kind == schema.ActivationFunctionType.RELU:
            return self.add("Relu", [name])
        if kind != schema.ActivationFunctionType.NONE:
            raise NotImplementedError(f"activation {kind}")
        return name

    def same(self, op: Any, source: int, kernel: list[int]) -> list[int]:
        """ONNX pads for TensorFlow's SAME and VALID: the odd pixel goes to the right and the bottom."""
        options = op.builtinOptions
        if options.padding == schema.Padding.VALID:
            return [0, 0, 0, 0]
        sizes, strides = self.shape(source)[1:3], (options.strideH, options.strideW)
        total = [max((-(-n // s) - 1) * s + k - n, 0) for n, s, k in zip(sizes, strides, kernel, strict=True)]
        return [t // 2 for t in total] + [t - t // 2 for t in total]

    def convolve(self, inputs: list[int], op: Any, *, depthwise: bool) -> str:
        weight = self.constant(inputs[1])  # [out, h, w, in], or [1, h, w, channels] where depthwise
        weight = weight.transpose(3, 0, 1, 2) if depthwise else weight.transpose(0, 3, 1, 2)
        kernel = list(weight.shape[2:])
        options = op.builtinOptions
        return self.add(
            "Conv",
            [self.names[inputs[0]], self.store(weight), self.store(self.constant(inputs[2]))],
            kernel_shape=kernel,
            strides=[options.strideH, options.strideW],
            pads=self.same(op, inputs[0], kernel),
            group=weight.shape[0] if depthwise else 1,
        )

    def pool(self, inputs: list[int], op: Any) -> str:
        options = op.builtinOptions
        kernel = [options.filterHeight, options.filterWidth]
        strides = [options.strideH, options.strideW]
        return self.add(
            "MaxPool",
            [self.names[inputs[0]]],
            kernel_shape=kernel,
            strides=strides,
            pads=self.same(op, inputs[0], kernel),
        )

    def pad(self, inputs: list[int], op: Any) -> str:
        pads = self.constant(inputs[1])[[0, 3, 1, 2]]  # NHWC -> NCHW, one (before, after) a row
        return self.add("Pad", [self.names[inputs[0]], self.store(pads.T.reshape(-1).astype(np.int64))])

    def resize(self, inputs: list[int], op: Any) -> str:
        before, after = self.shape(inputs[0]), self.constant(inputs[1])
        if op.builtinOptions.alignCorners:
            raise NotImplementedError("RESIZE_BILINEAR with aligned corners")
        mode = "half_pixel" if op.builtinOptions.halfPixelCenters else "asymmetric"
        scales = np.array([1, 1, after[0] / before[1], after[1] / before[2]], np.float32)
        name = self.names[inputs[0]]
        return self.add(
            "Resize", [name, "", self.store(scales)], mode="linear", coordinate_transformation_mode=mode
        )

    def prelu(self, inputs: list[int], op: Any) -> str:
        return self.add(
            "PRelu", [self.names[inputs[0]], self.store(self.constant(inputs[1]).reshape(-1, 1, 1))]
        )


OPERATIONS: dict[str, Callable[[Translation, list[int], Any], str]] = {
    "CONV_2D": lambda t, i, op: t.convolve(i, op, depthwise=False),
    "DEPTHWISE_CONV_2D": lambda t, i, op: t.convolve(i, op, depthwise=True),
    "ADD": lambda t, i, op: t.add("Add", [t.names[i[0]], t.names[i[1]]]),
    "MAX_POOL_2D": Translation.pool,
    "PAD": Translation.pad,
    "PRELU": Translation.prelu,
    "RESIZE_BILINEAR": Translation.resize,
    "DEPTH_TO_SPACE": lambda t, i, op: t.add(
        "DepthToSpace", [t.names[i[0]]], blocksize=op.builtinOptions.blockSize, mode="DCR"
    ),
    "RESHAPE": lambda t, i, op: t.names[i[0]],  # only flattens outputs, which are shaped at the end
}


def densify(values: np.ndarray, tensor: Any) -> np.ndarray:
    """A sparse tensor whose last axis alone is compressed (rows of CSR), as a dense one."""
    *dense, last = tensor.sparsity.dimMetadata
    order = list(tensor.sparsity.traversalOrder)
    if any(d.format != schema.DimensionType.DENSE for d in dense) or order != sorted(order):
        raise NotImplementedError("sparse in more than the last axis")
    rows, columns = np.asarray(last.arraySegments.values), np.asarray(last.arrayIndices.values)
    full = np.zeros((len(rows) - 1, tensor.shape[-1]), values.dtype)
    full[np.repeat(np.arange(len(rows) - 1), np.diff(rows)), columns] = values
    return full.reshape(tensor.shape)


def pictures(folder: Path, side: int, low: float, high: float) -> list[np.ndarray]:
    """Up to 40 pictures of the folder, evenly chosen, as the network wants them: float32 [1, 3, side,
    side]."""
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    if not paths:
        sys.exit(f"{folder} holds no .jpg or .png picture")
    read = (cv2.imread(str(p)) for p in paths[:: max(1, len(paths) // 40)])
    small = (
        cv2.cvtColor(cv2.resize(p, (side, side), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB)
        for p in read
        if p is not None
    )
    return [(p.transpose(2, 0, 1)[None] * ((high - low) / 255.0) + low).astype(np.float32) for p in small]


def compare(tflite: bytes, model: onnx.ModelProto, job: Job, folder: Path) -> dict[str, float]:
    """Largest difference to LiteRT for each output, as a fraction of the output's spread (at least 1)."""
    session = onnxruntime().InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    reference = Interpreter(model_content=tflite, num_threads=1)
    reference.allocate_tensors()
    tensors = {d["name"]: d["index"] for d in reference.get_output_details()}
    worst = dict.fromkeys(job.outputs, 0.0)
    for pixels in pictures(folder, job.card.size, *job.card.value_range):
        reference.set_tensor(reference.get_input_details()[0]["index"], pixels.transpose(0, 2, 3, 1))
        reference.invoke()
        for (name, (theirs, _)), got in zip(
            job.outputs.items(), session.run(list(job.outputs), {"pixels": pixels}), strict=True
        ):
            want = reference.get_tensor(tensors[theirs]).reshape(-1)
            worst[name] = max(
                worst[name], float(np.abs(np.asarray(got).reshape(-1) - want).max() / max(np.ptp(want), 1.0))
            )
    return worst


def convert(job: Job, tflite: bytes, folder: Path) -> None:
    source = f"{job.tflite} of {WHEEL}, sha256 {hashlib.sha256(tflite).hexdigest()}"
    model = Translation(tflite).run(job)
    onnx.checker.check_model(model)
    worst = compare(tflite, model, job, folder)
    card = replace(job.card, source=source)  # no measurements: the file must not depend on the pictures
    helper.set_model_props(model, {KEY: card.to_json()})
    if max(worst.values()) > TOLERANCE:
        sys.exit(f"{card.name} differs from LiteRT: {worst}")
    print(f"{store(card, model.SerializeToString())}; largest difference {max(worst.values()):.1e}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Convert MediaPipe's face networks to ONNX.")
    parser.add_argument("pictures", type=Path, help="a folder of pictures to compare both runtimes on")
    folder = parser.parse_args().pictures
    with tempfile.TemporaryDirectory() as scratch:
        platform = ["--python-version", "3.11", "--platform", "manylinux_2_28_x86_64"]
        with zipfile.ZipFile(fetch(WHEEL, Path(scratch), "--only-binary=:all:", *platform)) as wheel:
            for job in JOBS:
                convert(job, wheel.read(job.tflite), folder)


if __name__ == "__main__":
    main()
