"""A network of your own: a translator that tones a picture in sepia, with its card, imported and used.

python examples/custom_network.py photo.jpg out.png

It needs `pip install "mien[train]"`, for the package `onnx`. A real network comes out of PyTorch:
`mien train` and `mien export` write the same kind of file.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from mien import read, verbs, write
from mien.models.card import KEY, Card

SEPIA = np.array([[0.39, 0.77, 0.19], [0.35, 0.69, 0.17], [0.27, 0.53, 0.13]], np.float32)


def sepia(path: Path) -> None:
    """Write the network: one convolution from `pixels` to `picture`, both `[1, 3, H, W]`, 0 to 1."""
    shape = ["batch", 3, "height", "width"]
    graph = helper.make_graph(
        [helper.make_node("Conv", ["pixels", "weight"], ["picture"])],
        "sepia",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(SEPIA[..., None, None], "weight")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    card = Card(
        "sepia",
        "translator",
        "CC0-1.0",
        description="Tones a picture in sepia",
        limits="It only knows brown.",
    )
    helper.set_model_props(model, {KEY: card.to_json()})
    onnx.save(model, str(path))


def main(source: str, target: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        sepia(Path(folder) / "sepia.onnx")
        verbs.import_network(Path(folder) / "sepia.onnx", "sepia")  # now `mien models` lists it
    write(verbs.stylize(read(source), "sepia", strength=0.8), target)


if __name__ == "__main__":
    main(*sys.argv[1:])
