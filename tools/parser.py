r"""Make the parser in the box: src/mien/weights/parser.onnx, between one and what it learned next, five times.

    mien train parser FACES -o first/ --preset cpu
    mien export first/ -o first.onnx --bits 16
    mien train parser FACES ANGLES -o second/ --preset cpu --from first.onnx --set batch=12 \
        --set steps=1000 --set lr=1.2e-3
    mien export second/ -o second.onnx --bits 16
    python tools/parser.py first.onnx second.onnx

    cp src/mien/weights/parser.onnx between.onnx
    mien train parser FACES ANGLES -o third/ --preset cpu --from between.onnx --set batch=12 \
        --set steps=1600 --set lr=1e-3
    mien export third/ -o third.onnx --bits 16
    python tools/parser.py between.onnx third.onnx --share 0.5

    cp src/mien/weights/parser.onnx half.onnx
    mien train parser FACES ANGLES -o fourth/ --preset cpu --from half.onnx --set batch=12 \
        --set steps=2000 --set lr=1e-3
    mien export fourth/ -o fourth.onnx --bits 16 --last
    python tools/parser.py half.onnx fourth.onnx --share 0.85

    cp src/mien/weights/parser.onnx most.onnx
    mien train parser FACES ANGLES -o fifth/ --preset cpu --from most.onnx --set batch=12 \
        --set steps=2000 --set lr=8e-4
    mien export fifth/ -o fifth.onnx --bits 16 --last
    python tools/parser.py most.onnx fifth.onnx --share 0.4

    cp src/mien/weights/parser.onnx more.onnx
    mien train parser FACES ANGLES -o sixth/ --preset cpu --from more.onnx --set batch=12 \
        --set steps=2000 --set lr=8e-4
    mien export sixth/ -o sixth.onnx --bits 16 --last
    python tools/parser.py more.onnx sixth.onnx --share 0.6

Weights between the two keep most of what was learned and hardly forget (Wortsman et al. 2022, "Robust fine-tuning of
zero-shot models", arXiv 2109.01903): the second and third alone took light hair for hats and wrinkles for glasses. The
fourth saw people made older, whose wrinkles are no frames, and from its 914th step on masks that are pulled down; alone it
sees masks in microphones, and misses thin glasses more often. The fifth saw more of such masks, and masks of plain
stuff; alone it takes fair curls for a hat. The sixth saw more masks that cover a part of the chin alone, and wavers at fair curls alone.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from catalogue import WEIGHTS, register
from onnx import helper, numpy_helper

from mien.models.card import KEY, Card


def card_of(model: onnx.ModelProto, path: Path) -> Card:
    return Card.from_json({one.key: one.value for one in model.metadata_props}.get(KEY, ""), path.name)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("--share", type=float, default=0.4, help="how far from the first to the second")
    asked = parser.parse_args()
    first, second = (onnx.load(str(path)) for path in (asked.first, asked.second))
    before = {one.name: numpy_helper.to_array(one) for one in first.graph.initializer}
    for one in second.graph.initializer:
        after = numpy_helper.to_array(one)
        if np.issubdtype(after.dtype, np.floating):
            mixed = before[one.name].astype(np.float32) * (1 - asked.share)
            mixed += after.astype(np.float32) * asked.share
            one.CopyFrom(numpy_helper.from_array(mixed.astype(after.dtype), one.name))
    started, card = card_of(first, asked.first), card_of(second, asked.second)
    source = f"python tools/parser.py, share {asked.share:g}, of 1: {started.source}; and 2: {card.source}"
    helper.set_model_props(
        second, {KEY: replace(card, source=source, data=started.data, measured={}).to_json()}
    )
    onnx.save(second, str(WEIGHTS / "parser.onnx"))
    register("parser", "parser", "parser.onnx")


if __name__ == "__main__":
    main()
