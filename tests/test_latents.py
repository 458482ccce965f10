"""Directions and projection do what their papers say, on networks small enough to wait for."""

import pytest

torch = pytest.importorskip("torch", reason="training needs the extra 'train'")

from mien.train import latents  # noqa: E402
from mien.train.families import stylegan2 as sg  # noqa: E402


def small() -> sg.Generator:
    torch.manual_seed(0)
    return sg.Generator(16, z=16, w=16, layers=2, base=128, widest=16).eval()


def test_closed_form_directions_move_styles_most():
    G = small()
    found = latents.closed_form(G, 16)
    assert torch.allclose(found @ found.T, torch.eye(16), atol=1e-5)
    A = torch.cat([torch.nn.functional.normalize(m.affine.weight, dim=1) for m in G.synthesis.modules() if isinstance(m, sg.StyleConv)])
    moved = (A @ found.T).norm(dim=0)
    assert (moved.diff() <= 1e-5).all()  # most first
    assert latents.closed_form(G, 3, sizes=(16,)).shape == (3, 16)


def test_directions_from_labels_and_what_is_left_of_them():
    random = torch.Generator().manual_seed(0)
    w, true = torch.randn(2000, 16, generator=random), torch.randn(2, 16, generator=random)
    found = latents.from_labels(w, (w @ true.T + 0.1 * torch.randn(2000, 2, generator=random)).tanh())
    assert (torch.nn.functional.cosine_similarity(found, true) > 0.98).all()
    left = latents.apart(found[0], found[1:])
    assert abs(float(left @ found[1])) < 1e-5 and float(left.norm()) == pytest.approx(1, abs=1e-5) and float(left @ found[0]) > 0.5


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
