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
    A = torch.cat([torch.nn.functional.normalize(m.affine.weight, dim=1) for m in G.synthesis.modules() if isinstance(m, sg.StyleConv)])
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


@pytest.mark.parametrize("each_layer", [False, True])
def test_projection_finds_a_picture_of_its_own(each_layer: bool):
    G = small()
    with torch.no_grad():
        target = G(torch.randn(1, 16, generator=torch.Generator().manual_seed(5)), noise="const")
        mean = G.synthesis(G.mapping(torch.randn(500, 16)).mean(0).repeat(1, G.num_ws, 1), "const")
    before = {key: value.clone() for key, value in G.state_dict().items()}
    ws = latents.project(G, target, steps=120, samples=500, each_layer=each_layer)
    with torch.no_grad():
        error, start = ((one - target).square().mean() for one in (G.synthesis(ws, "const"), mean))
    assert ws.shape == (1, G.num_ws, 16) and error < 0.1 * start
    assert all(torch.equal(before[key], value) for key, value in G.state_dict().items())
    assert each_layer or torch.equal(ws[:, 0], ws[:, -1])


def test_noise_that_resembles_itself_costs():
    random = torch.Generator().manual_seed(0)
    noise = torch.randn(32, 32, generator=random)
    assert latents.itself(torch.nn.functional.avg_pool2d(noise[None], 3, 1, 1)[0] * 3) > 5 * latents.itself(noise)
