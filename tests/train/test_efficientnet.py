"""EfficientNet-Lite0: the numbers of its origin, and what looks through it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the extra 'train'")

import torch
from test_convert import run, saved

from mien.train.blocks import efficientnet
from mien.train.families import retouch
from mien.train.published.convert import adopt
from mien.train.published.detect import recognise


def published() -> dict[str, torch.Tensor]:
    """Weights drawn by a seed, under the published names."""
    chance, state = np.random.RandomState(0), dict[str, torch.Tensor]()
    outside = {ours: theirs for theirs, ours in efficientnet.NAMES.items()}
    within = outside | {ours: theirs for theirs, ours in efficientnet.NORMS.items()}
    for key, one in sorted(efficientnet.Lite0().state_dict().items()):
        *block, module, place, field = key.split(".")
        theirs = (within if block else outside)[f"{module}.{place}"]
        name = ".".join([*(f"_{part}" if part == "blocks" else part for part in block), theirs, field])
        noise = chance.normal(size=one.shape)
        if one.ndim == 4:
            value = noise * np.sqrt(2 / np.prod(one.shape[1:]))
        else:
            value = {"weight": 1 + noise / 10, "bias": noise / 10, "running_mean": noise / 10}.get(
                field, 1 + np.abs(noise) / 10
            )
        state[name] = torch.as_tensor(value, dtype=one.dtype)
    return state | {"_fc.weight": torch.zeros(1000, efficientnet.FEATURES), "_fc.bias": torch.zeros(1000)}


def test_it_agrees_with_the_published_one(tmp_path: Path):
    """efficientnet.json: what the package efficientnet_lite_pytorch makes of the same weights and pictures."""
    path = saved(tmp_path, published())
    assert recognise(path) == "efficientnet"
    (part,) = adopt(path, "lite0")
    assert (part.role, part.card.licence, part.card.commercial) == ("embedder", "Apache-2.0", True)
    pixels = np.random.RandomState(1).uniform(-1, 1, (1, 3, 224, 224)).astype(np.float32)
    said = json.loads(Path(__file__).with_name("efficientnet.json").read_text(encoding="utf-8"))
    assert run(part, pixels)[0, ::80] == pytest.approx(said, rel=1e-4, abs=1e-4)


def test_a_loss_looks_through_an_embedder():
    """Through the one in the box here: what is blurred is more unlike than what is lighter."""
    objective = retouch.build(replace(retouch.PRESETS["tiny"], eyes="identity"))
    assert objective.eyes is not None
    picture = torch.rand(1, 3, 75, 75, generator=torch.Generator().manual_seed(0))
    smooth = torch.nn.functional.avg_pool2d(picture, 5, stride=1, padding=2)
    lighter, blurred = (objective.eyes.unlike(one, picture) for one in (picture * 0.9 + 0.05, smooth))
    assert 0 < 10 * float(lighter) < float(blurred)


def test_a_loss_takes_another_glimpse_each_time():
    """By torch's own chance, which a run keeps; a picture is never unlike itself."""
    objective = retouch.build(replace(retouch.PRESETS["tiny"], eyes="identity"))
    assert objective.eyes is not None
    one, other = torch.rand(2, 1, 3, 75, 75, generator=torch.Generator().manual_seed(0))
    assert float(objective.eyes.unlike(one, one)) == 0
    glimpses = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        glimpses.append(float(objective.eyes.unlike(one, other)))
    assert glimpses[0] == glimpses[1] != glimpses[2]
