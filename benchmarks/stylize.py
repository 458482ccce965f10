"""`mien stylize`: how long networks take, how far colours drift between tiles, how much strokes crawl in a
clip.

    python benchmarks/stylize.py                # networks of chance weights as large as the published ones; some minutes
    python benchmarks/stylize.py --with NAME    # a translator of yours, as `mien models` lists it
    python benchmarks/stylize.py --only drift   # or speed, flicker, live
    python benchmarks/stylize.py --json benchmarks/results/stylize.json

Drift and flicker are told of one network, the first. The process ends with 1 where the U-Net takes longer
through ONNX Runtime than in eager PyTorch (channels_last).
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import clips
import cv2
import numpy as np
from figures import save

from mien import Kit, verbs
from mien.models import translator
from mien.models.translator import Translator
from mien.pipeline import clip_style as scenes
from mien.types import Array

COLLINS = Path(__file__).parents[1] / "docs" / "collins.jpg"
WIDE = 1024  # side of a photo of some tiles
SMALL = 320, 180  # pixels of the clip in which crawling is measured
FRAMES, SETTLED = 24, 10  # of it, and those that are passed over
TITLES = {"cyclegan": "CycleGAN's ResNet-9", "pix2pix": "pix2pix's U-Net", "stargan": "StarGAN"}


def chance(folder: Path) -> dict[str, Any]:
    """A CycleGAN, a pix2pix and a StarGAN of their published sizes, untrained, among the networks of
    MIEN_HOME; the modules, by name."""
    import torch

    from mien.models.card import Card, Condition
    from mien.train.blocks import translators
    from mien.train.engine import export
    from mien.train.engine.part import Part
    from mien.train.families import stargan

    torch.manual_seed(0)
    nets: dict[str, Any] = {
        "cyclegan": translators.generator("resnet", 3, 3),
        "pix2pix": translators.generator("unet", 3, 3, norm="batch"),
    }
    nets["stargan"] = stargan.Generator(5)
    for name, net in nets.items():
        told = tuple(Condition(f"c{k}", "", 0, 1) for k in range(5)) if name == "stargan" else ()
        size, multiple = 128 if told else 256, 4 if name != "pix2pix" else 256
        card = Card(
            name,
            "translator",
            "CC0-1.0",
            size=size,
            value_range=(-1.0, 1.0),
            multiple=multiple,
            conditions=told,
        )
        inputs = {"pixels": torch.zeros(1, 3, size, size)} | (
            {"condition": torch.zeros(1, 5)} if told else {}
        )
        file = folder / f"{name}.onnx"
        export.write(
            Part("translator", translators.initialised(net).eval(), inputs, ("picture",), card), file
        )
        verbs.import_network(file, name)
    return nets


def speed(name: str, module: Any, net: Translator) -> dict[str, Any]:
    """Milliseconds of one pass at the size it was taught, through ONNX Runtime and in eager PyTorch, both on
    as many threads as there are cores."""
    import torch

    size, count = net.net.card.size, len(net.conditions)
    pixels = np.random.default_rng(0).uniform(-1, 1, (1, 3, size, size)).astype(np.float32)
    given = {"pixels": pixels} | ({"condition": np.zeros((1, count), np.float32)} if count else {})
    tensors = [torch.from_numpy(one) for one in given.values()]
    tensors[0] = tensors[0].contiguous(memory_format=torch.channels_last)
    module.to(memory_format=torch.channels_last).eval()
    told = []
    with torch.inference_mode():
        for run in (lambda: net.net.run(**given), lambda: module(*tensors)):
            times = []
            for _ in range(17):
                start = time.perf_counter()
                run()
                times.append(time.perf_counter() - start)
            told.append(round(1000 * float(np.median(times[2:]))))
    print(
        f"| {name}, {size} px: ONNX Runtime; eager PyTorch, channels_last | {told[0]}; {told[1]} ms |",
        flush=True,
    )
    return {"pixels": size, "onnxruntime_ms": told[0], "pytorch_ms": told[1]}


def photo(side: int) -> Array:
    """A portrait, enlarged: RGB `[side, side, 3]`."""
    pixels = cv2.imread(str(COLLINS))
    assert pixels is not None
    return cv2.cvtColor(cv2.resize(pixels, (side, side), interpolation=cv2.INTER_CUBIC), cv2.COLOR_BGR2RGB)


def drift(name: str, net: Translator) -> dict[str, Any]:
    """How far two tiles differ where both show the same, in levels, over 32 pixels on average: the mean, and
    the worst border."""
    pixels, given = (
        photo(WIDE),
        {"condition": np.zeros((1, len(net.conditions)), np.float32)} if net.conditions else {},
    )
    starts = [start for start, _ in translator.shares(WIDE, net.tile)]
    told, means = [], []
    for whole in (None, net.whole(pixels, given)):
        parts = {(y, x): net.part(pixels, (y, x), given, whole) for y in starts for x in starts}
        borders = []
        for (y, x), one in parts.items():
            for other in ((y, following(starts, x)), (following(starts, y), x)):
                if other in parts:
                    here = one[other[0] - y :, other[1] - x :]
                    borders.append(
                        np.abs(cv2.blur(here - parts[other][: len(here), : here.shape[1]], (32, 32))).mean()
                    )
        told.append(f"{np.mean(borders):.1f} (worst {np.max(borders):.1f})")
        means.append(round(float(np.mean(borders)), 1))
    print(
        f"| {name}: drift between tiles, each for itself; as mien does it | {'; '.join(told)} levels |",
        flush=True,
    )
    return {"each_tile_alone": means[0], "with_whole_picture": means[1], "unit": "levels of 255"}


def following(starts: list[int], start: int) -> int:
    return next((one for one in starts if one > start), -1)


def flicker(name: str, net: Translator) -> dict[str, Any]:
    """How much a drawing changes from frame to frame along the motion, where the frames without noise agree;
    how sharp it is; and how far the last ones are from those of frames without noise. In levels."""
    rng = np.random.default_rng(0)
    clean = [
        cv2.resize(one, SMALL, interpolation=cv2.INTER_AREA) for one in clips.scene(FRAMES / 30, noise=0)
    ]
    seen = [np.clip(one + rng.normal(0, 4, one.shape), 0, 255).astype(np.uint8) for one in clean]
    drawn, wanted = [net.translate(one) for one in seen], [net.translate(one) for one in clean[-4:]]
    motion: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    greys = [cv2.cvtColor(one, cv2.COLOR_RGB2GRAY) for one in clean]
    own = np.stack(np.meshgrid(np.arange(SMALL[0]), np.arange(SMALL[1])), -1).astype(np.float32)
    ways = [motion.calc(now, before, None) + own for before, now in itertools.pairwise(greys)]
    told: dict[float, float] = {}
    for kept in (0.0, 0.5, scenes.KEPT, 0.8, 0.9):
        scene, out = scenes.ClipStylizer(net.translate, 1.0, kept=kept), []
        for frame, one in zip(seen, drawn, strict=True):
            scene.see(frame, one)
            out.append(scene.seen["drawn"])
        changes = []
        for i in range(SETTLED, FRAMES - 1):

            def look(values: Any, i: Any = i) -> Any:
                return cv2.remap(
                    values, ways[i][..., 0], ways[i][..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
                )

            same = cv2.absdiff(look(greys[i]), greys[i + 1]) < 6
            changes.append(np.abs(look(out[i]) - out[i + 1])[same].mean())
        edges = [
            np.hypot(*(cv2.Sobel(one, cv2.CV_32F, k, 1 - k) for k in (0, 1))).mean() for one in out[SETTLED:]
        ]
        off = np.mean([np.abs(one - other).mean() for one, other in zip(out[-4:], wanted, strict=True)])
        told[kept] = round(float(np.mean(changes)), 2)
        values = f"{told[kept]:.2f}; {np.mean(edges):.1f}; {off:.2f}"
        print(
            f"| {name}, {kept:g} of the drawing before kept: flicker; sharpness; off the drawing without noise | {values} |",
            flush=True,
        )
    return {"frame_by_frame": told[0.0], "stabilised": told[scenes.KEPT], "unit": "levels of 255"}


def live(name: str, folder: Path, kit: Kit) -> dict[str, Any]:
    """Frames a second of a 720p clip with one face."""
    source = folder / "live.mp4"
    clips.film(source, 2)
    start = time.perf_counter()
    told = verbs.stylize_clip(source, folder / f"live-{name}.mp4", name, face="largest", kit=kit, force=True)
    rate = round(told.frames / (time.perf_counter() - start), 1)
    print(f"| {name}, 720p, --face largest: frames a second | {rate} |", flush=True)
    return {"frames_per_second": rate}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--with", dest="network", metavar="NAME")
    parser.add_argument("--only", choices=("speed", "drift", "flicker", "live"))
    parser.add_argument("--json", type=Path, help="of all figures")
    asked = parser.parse_args()
    if asked.json and (asked.only or asked.network):
        parser.error("--json is for all figures of the networks of chance: leave out --only and --with")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        if not asked.network:
            os.environ["MIEN_HOME"] = place
        modules = {asked.network: None} if asked.network else chance(folder)
        kit = Kit()
        rows: list[dict[str, Any]] = []
        besides: dict[str, dict[str, Any]] = {}

        def wanted(what: str) -> bool:
            return asked.only in (None, what)

        for name, module in modules.items():
            row: dict[str, Any] = {"network": TITLES.get(name, name)}
            rows.append(row)
            if module and wanted("speed"):
                row |= speed(name, module, kit.translator(name))
            for what, measured in (("drift", drift), ("flicker", flicker)):
                if wanted(what) and what not in besides:
                    besides[what] = {"network": row["network"]} | measured(name, kit.translator(name))
            if wanted("live"):
                row |= live(name, folder, kit)
    save(asked.json, "python benchmarks/stylize.py", rows, **besides)
    for row in rows:
        if row["network"] == TITLES["pix2pix"] and row.get("onnxruntime_ms", 0) > row.get("pytorch_ms", 0):
            sys.exit("ONNX Runtime takes longer than eager PyTorch, wanted no more")


if __name__ == "__main__":
    main()
