"""Talking heads: the published networks under other names and upright, people with several pictures each, learning of
many and then of one, and what is exported."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from faces import hopper, hopper_face

pytest.importorskip("torch", reason="training needs the extra 'train'")

import torch
from test_psp import assert_same, parity, published

from mien.train.families import talking_head
from mien.train.published import talking_heads

TINY = talking_head.PRESETS["tiny"]


def upright(one: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(one).mT


@torch.no_grad()
def test_the_networks_are_the_published_ones():
    module = parity()
    arrays = module.arrays("talkinghead")
    states = {
        name: {key: torch.from_numpy(np.array(one)) for key, one in state.items()}
        for name, state in module.tensors("talkinghead").items()
    }
    found = talking_heads.nets(states)
    cfg = talking_head.adapt(replace(talking_head.Config(), known=2), {}, found)
    talker = talking_head.Talker(cfg).eval()
    talker.load_state_dict(found["G"])
    x, y = upright(arrays["x"]), upright(arrays["y"])
    seen = torch.cat([x, y], 1)
    assert_same(talker.embedder.code(seen)[..., None], arrays["e"])
    made = talker.generator(y[:1], talker.generator.styles(torch.from_numpy(arrays["e_hat"][..., 0])))
    assert_same(made.mT, arrays["x_hat"])
    D = talking_head.Discriminator(cfg.base, 2, cfg.size).eval()
    D.load_state_dict(found["D"])
    score, features = D(seen, torch.arange(2))
    assert_same(score[:, None, None], arrays["r"])
    for k, one in enumerate(features):
        assert_same(one[:, :8].mT, arrays[f"D_fm{k}"])
