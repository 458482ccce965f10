"""Directions and projection do what their papers say, on networks small enough to wait for."""

import numpy as np
import pytest

from mien.pipeline.directions import from_labels, loop, unit

torch = pytest.importorskip("torch", reason="training needs the extra 'train'")

from mien.train.engine import sefa as latents
from mien.train.families import stylegan2 as sg


def small() -> sg.Generator:
    torch.manual_seed(0)
    return sg.Generator(16, z=16, w=16, layers=2, base=128, widest=16).eval()


def test_closed_form_directions_move_styles_most():
    G = small()
    found = latents.closed_form(G.state_dict(), 16)
    assert torch.allclose(found @ found.T, torch.eye(16), atol=1e-5)
    A = torch.cat(
        [
            torch.nn.functional.normalize(m.affine.weight, dim=1)
            for m in G.synthesis.modules()
            if isinstance(m, sg.StyleConv)
        ]
    )
    moved = (A @ found.T).norm(dim=0)
    assert (moved.diff() <= 1e-5).all()  # most first
    assert latents.closed_form(G.state_dict(), 3, sizes=(16,)).shape == (3, 16)


def test_directions_from_labels_and_what_is_left_of_them():
    random = np.random.default_rng(0)
    w, true = random.normal(size=(2000, 16)), random.normal(size=(2, 16))
    found = from_labels(w, w @ true.T + 0.1 * random.normal(size=(2000, 2)))
    assert np.allclose(found, true, atol=0.15)
    step = unit(found[0], found[1:])
    assert step @ found[0] == pytest.approx(1) and abs(step @ found[1]) < 1e-9


def test_a_walk_goes_through_its_stops_without_a_kink():
    stops = [np.random.default_rng(k).normal(size=4) for k in range(3)]
    steps = np.array(list(loop(stops, 20)))
    assert all(np.allclose(steps[20 * k], stop) for k, stop in enumerate(stops))
    speeds = np.diff(np.vstack([steps, steps[:1]]), axis=0)
    turns = np.linalg.norm(np.diff(speeds, axis=0), axis=1)
    assert turns.max() < 0.2 * np.linalg.norm(speeds, axis=1).max()
