"""StyleGAN2: the networks, losses and augmentation are the published ones; training, score and export keep
their promises."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from faces import ROOT

torch = pytest.importorskip("torch", reason="training needs the extra 'train'")

from mien.errors import InputError
from mien.train.blocks import augment
from mien.train.blocks.augment import Augment
from mien.train.blocks.frechet import distance
from mien.train.blocks.losses import r1
from mien.train.data.pictures import Pictures
from mien.train.engine import export
from mien.train.engine.accumulate import MicroBatches
from mien.train.families import stylegan2 as sg

PARITY = ROOT.parent / "shared" / "parity"
TINY = sg.PRESETS["tiny"]


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


# --- Against the published implementation


class Published:
    """A fixture: its arrays, and our networks with its weights."""

    def __init__(self, name: str, G: Any, D: Any) -> None:
        if not (PARITY / name).is_dir():
            pytest.skip(f"the parity fixture {name} is not beside the repository")
        sys.path.insert(0, str(PARITY))
        from weights import arrays, tensors  # pyright: ignore[reportMissingImports]

        self.name, self.G, self.D, state = name, G, D, tensors(name)
        self.io = {key: torch.from_numpy(value) for key, value in arrays(name).items()}
        G.load_state_dict({key: torch.from_numpy(np.array(value)) for key, value in state["G_ema"].items()})
        D.load_state_dict({key: torch.from_numpy(np.array(value)) for key, value in state["D"].items()})

    def check(self, key: str, got: Any) -> None:
        wanted = self.io[key]
        worst = float((got.detach() - wanted).abs().max() / wanted.std())
        assert worst < 1e-4, f"{self.name}: {key} is off by {worst:.1e} of its spread"


@pytest.fixture(scope="module", params=["sg2ada_small", "sg2ada_cond"])
def published(request: pytest.FixtureRequest) -> Published:
    same: dict[str, Any] = {"base": 1024, "widest": 64}
    if request.param == "sg2ada_small":
        return Published(
            request.param, sg.Generator(32, z=48, w=64, layers=3, **same), sg.Discriminator(32, **same)
        )
    same |= {"classes": 5, "clamp": 256.0}
    D = sg.Discriminator(16, architecture="orig", group=2, **same)
    return Published(request.param, sg.Generator(16, z=32, w=64, layers=2, **same), D)


def test_generator_is_the_published_one(published: Published):
    G, io = published.G, published.io
    z, c = io["z"], io["c"]
    seen: dict[str, Any] = {}
    for size in G.synthesis.sizes:
        block = getattr(G.synthesis, f"b{size}")
        block.register_forward_hook(
            lambda _, __, out, size=size: seen.update({f"G_b{size}_x": out[0], f"G_b{size}_img": out[1]})
        )
    ws = G.ws(z, c)
    published.check("w", G.mapping(z, c))
    published.check("ws_psi0.5", G.ws(z, c, 0.5)[:, 0])
    published.check("ws_psi0.7_cut4", G.ws(z, c, 0.7, 4))
    img = G.synthesis(ws, "const")
    for key in ("img_const", "img_const_unfused"):
        published.check(key, img)
    for key in seen.keys() & io.keys():
        published.check(key, seen[key])
    published.check("img_none_psi0.5", G(z, c, 0.5, noise="none"))
    half = G.num_ws // 2
    published.check(
        "img_mix", G.synthesis(torch.cat([ws[:, :half], G.ws(z.flip(0), c.flip(0))[:, half:]], 1), "const")
    )


def test_discriminator_and_losses_are_the_published_ones(published: Published):
    D, io = published.D, published.io
    seen: dict[str, Any] = {}
    for size in D.sizes:
        getattr(D, f"b{size}").register_forward_hook(
            lambda _, __, out, size=size: seen.update({f"D_b{size}_x": out[0]})
        )
    real, fake = io["real"].requires_grad_(), io["img_const"]
    logits = D(real, io["c"])
    published.check("logits_real", logits)
    for key in seen.keys() & io.keys():
        published.check(key, seen[key])
    published.check("logits_fake", D(fake, io["c"]))
    if published.name == "sg2ada_cond":
        return
    published.check("r1_penalty", r1(logits, real))
    published.check("loss_G", sg.softplus_g(D(fake)))
    published.check("loss_D", sg.softplus_d(logits, D(fake)))
    ws = published.G.ws(io["z"])
    published.check("pl_lengths", sg.path_lengths(published.G.synthesis(ws, "const"), ws, io["pl_noise"]))


def test_augmentation_is_the_published_one(published: Published):
    pipes = [key for key in published.io if key.startswith("ada_") and not key.startswith("ada_Hz")]
    for key in pipes:
        _, pipe, percentile = key.split("_")
        one = Augment(pipe)
        one.p.fill_(1)
        published.check(key, one(published.io["real"], float(percentile)))
    if pipes:
        published.check("ada_Hz_geom", Augment().Hz_geom)
        published.check("ada_Hz_fbank", Augment().Hz_fbank)


# --- Our own numbers, which need no fixture


def fill(net: Any) -> Any:
    """Weights that are the same wherever this runs."""
    random = np.random.RandomState(0)  # whose stream is promised not to change
    with torch.no_grad():
        for one in [
            *net.parameters(),
            *(b for n, b in net.named_buffers() if not n.endswith("resample_filter")),
        ]:
            one.copy_(torch.from_numpy(random.standard_normal(one.shape).astype(np.float32)))
    return net


def wave(*shape: int) -> Any:
    return torch.from_numpy(np.random.RandomState(1).standard_normal(shape).astype(np.float32))


def numbers(x: Any) -> list[float]:
    x = x.detach()
    return [float(x.mean()), float(x.std()), float(x.flatten()[x.numel() // 3])]


GOLDEN = {  # mean, spread, one value
    "G skip": [2.51334, 2.7251, 0.486764],
    "D skip": [1.42451, 0.192251, 1.18605],
    "G resnet": [0.181869, 3.18289, 0.142249],
    "D resnet": [-1.40597, 0.0997289, -1.34666],
    "G orig": [-2.46889, 1.8522, -2.63842],
    "D orig": [0.00134878, 0.000352699, 0.00138583],
    "augment": [-0.0508134, 0.555309, -0.26488],
}


def ours() -> dict[str, Any]:
    out = {}
    for kind in sg.ARCHITECTURES:
        classes = 3 if kind == "orig" else 0
        label = torch.eye(3)[[0, 2, 1, 0]]
        G = fill(
            sg.Generator(
                16, z=8, w=8, classes=classes, layers=2, base=128, widest=12, architecture=kind, clamp=256.0
            )
        )
        D = fill(
            sg.Discriminator(
                16, classes=classes, base=128, widest=12, architecture=kind, layers=2, clamp=256.0
            )
        )
        out[f"G {kind}"] = G(wave(4, 8), label, psi=0.8, cutoff=3, noise="const")
        out[f"D {kind}"] = D(wave(4, 3, 16, 16), label)
    one = Augment("bgcf")
    one.p.fill_(1)
    out["augment"] = one(wave(2, 3, 48, 32), 0.3)
    return out


def test_golden_numbers():
    for name, got in ours().items():
        assert numbers(got) == pytest.approx(GOLDEN[name], rel=2e-4, abs=2e-5), name


def test_scaled_weights_equal_scaled_activations():
    for k, up in ((3, None), (3, sg.binomial()), (1, None)):
        x, W, s = torch.randn(3, 6, 8, 8), torch.randn(4, 6, k, k), torch.randn(3, 6)
        a, b = (sg.modulate(x, W, s, gain=1.3, up=up, fused=fused) for fused in (True, False))
        assert (a - b).abs().max() < 1e-5 * a.abs().max()


# --- Augmentation


def test_augmentation_has_a_second_derivative():
    torch.manual_seed(0)
    x = torch.randn(2, 2, 5, 6, dtype=torch.float64, requires_grad=True)
    grid = torch.rand(2, 4, 4, 2, dtype=torch.float64) * 2.4 - 1.2
    assert torch.autograd.gradcheck(lambda x: augment.Sample.apply(x, grid), x)
    assert torch.autograd.gradgradcheck(lambda x: augment.Sample.apply(x, grid), x)
    # R1 through all of it reaches the weights
    pipe, D = Augment("bgcfnc"), sg.Discriminator(64, base=128, widest=4)
    pipe.p.fill_(1)
    real = torch.rand(2, 3, 64, 64, requires_grad=True)
    r1(D(pipe(real)), real).sum().backward()
    assert all(
        p.grad is not None and p.grad.isfinite().all()
        for n, p in D.named_parameters()
        if n.endswith("weight")
    )


def test_augmentation_without_strength_changes_nothing():
    x = torch.rand(3, 3, 64, 64) * 2 - 1
    for pipe in augment.PIPES:
        assert (Augment(pipe)(x) - x).abs().max() < 5e-3, (
            pipe
        )  # the two low passes around the look-up are no perfect pair


def test_strength_follows_the_sign_of_the_discriminator():
    one = Augment()
    one.adapt(torch.tensor(0.9), 0.6, 0.25)
    assert one.p == 0.25
    for _ in range(9):
        one.adapt(torch.tensor(0.9), 0.6, 0.25)
    assert one.p == 1
    for _ in range(9):
        one.adapt(torch.tensor(0.1), 0.6, 0.25)
    assert one.p == 0


# --- The objective


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 smooth pictures of two kinds, one that is none, and their classes."""
    root, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    labels = []
    for i in range(24):
        small = rng.uniform(0, 255, (4, 5, 3)) * (0.4 + 0.6 * (i % 2))
        cv2.imwrite(
            str(root / f"{i:02}.png"),
            cv2.resize(small, (50, 40), interpolation=cv2.INTER_CUBIC).clip(0, 255).astype(np.uint8),
        )
        labels.append([f"{i:02}.png", i % 2])
    (root / "broken.jpg").write_bytes(b"no picture")
    (root / "dataset.json").write_text(json.dumps({"labels": labels}))
    return root


@pytest.mark.parametrize(
    "knobs",
    [{}, {"classes": 2, "critic": "skip", "synthesis": "resnet", "pipe": "bgcfnc", "size": 64, "freeze": 3}],
)
def test_it_trains_and_resumes(folder: Path, knobs: dict[str, Any]):
    cfg = replace(TINY, ada_images=32, **knobs)

    def run(steps: list[int], state: Any) -> Any:
        torch.manual_seed(1)
        one = sg.build(cfg)
        if state is not None:
            one.nets.load_state_dict(state[0])
            for name, optimiser in one.optimisers.items():
                optimiser.load_state_dict(state[1][name])
            torch.set_rng_state(state[2])
        loader = sg.load([folder], cfg, 0)
        for i in steps:
            logs = one.step(MicroBatches(loader.batch(i), i))
            assert logs.keys() >= {"g", "d", "path", "r1", "p"} and all(
                value.isfinite() for value in logs.values()
            )
        states = {name: optimiser.state_dict() for name, optimiser in one.optimisers.items()}
        return one.nets.state_dict(), states, torch.get_rng_state()

    start = {key: value.clone() for key, value in run([], None)[0].items()}
    whole, parts = run([0, 1, 2], None), run([1, 2], run([0], None))
    assert all(torch.equal(whole[0][key], parts[0][key]) for key in whole[0])
    moved = {key for key in start if not torch.equal(start[key], whole[0][key])}
    assert {
        "G.mapping.w_avg",
        "G.mapping.fc0.weight",
        "G.synthesis.b4.const",
        "D.b4.out.weight",
        "track.pl_mean",
    } <= moved
    first = {f"D.b{cfg.size}.{layer}.weight" for layer in ("fromrgb", "conv0", "conv1")}
    assert not first & moved if cfg.freeze else first <= moved


def test_transfer_takes_what_fits():
    a, b = sg.build(TINY), sg.build(replace(TINY, size=64))
    left = b.transfer({name: a.nets[name].state_dict() for name in "GD"})
    assert torch.equal(b.G.synthesis.b32.conv1.weight, a.G.synthesis.b32.conv1.weight)  # pyright: ignore
    assert (
        "G.synthesis.b64.conv0.weight" in left
        and "D.b64.fromrgb.weight" in left
        and "D.b32.conv0.weight" not in left
    )
    assert not a.transfer({"G": b.G.state_dict()})


def test_sixteen_bits_keep_the_picture_in_thirty_two():
    torch.manual_seed(0)
    for kind in sg.ARCHITECTURES:
        one = sg.build(replace(TINY, synthesis=kind, critic=kind, half=1, ada_start=0.5, size=32))
        batch = sg.Batch(wave(4, 3, 32, 32) * 0.3, torch.zeros(4, 0))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert one.G(wave(4, 16), noise="const").dtype == torch.float32
            torch.manual_seed(1)
            logs = one.step(MicroBatches(batch, 0))
        assert all(value.isfinite() and value.dtype == torch.float32 for value in logs.values()), kind
        assert all(p.isfinite().all() for p in one.nets.parameters())


def test_average_forgets_at_the_papers_speed():
    one = sg.build(replace(TINY, ema_images=100, ema_ramp=0.05))
    assert one.keep(10_000) == pytest.approx(0.5**0.04)
    assert one.keep(0) < 1e-5 < one.keep(10) < one.keep(100) < one.keep(10_000)


def test_score_tells_faces_from_their_mean(folder: Path):
    real = torch.from_numpy(Pictures([folder], 32, 0, 0).batch(20, 0, 0.5)[0])
    other = torch.from_numpy(Pictures([folder], 32, 0, 0).batch(20, 1, 0.5)[0])
    same, grey, few = (
        float(distance(real, x))
        for x in (other, real.mean(0, keepdim=True).repeat(20, 1, 1, 1), real[:2].repeat(10, 1, 1, 1))
    )
    assert distance(real, real) < 1e-6 < same < min(grey, few)
    one = sg.build(TINY)
    batch = sg.load([folder], TINY, 0).held_out()
    assert one.score(one.G, batch) == one.score(one.G, batch)
    assert one.preview(one.G, batch).shape == (36, 3, 32, 32)


@pytest.mark.parametrize("classes", [0, 3])
def test_parts_export(tmp_path: Path, classes: int):
    """Both halves, at batch 1 and 3, to 1e-3 of torch: `export.write` refuses anything else."""
    one = sg.build(replace(TINY, size=8, classes=classes, synthesis="orig" if classes else "skip"))
    fill(one.G)
    mapper, generator = one.parts(one.G.eval())
    assert [part.role for part in (mapper, generator)] == ["mapper", "generator"]
    assert not {*mapper.inputs, *generator.inputs} & {*mapper.outputs, *generator.outputs}
    for part in (mapper, generator):
        assert export.write(part, tmp_path / f"{part.role}.onnx") < 1e-4


# --- Pictures


def test_pictures_are_a_function_of_the_step(folder: Path):
    data = Pictures([folder], 16, 2, 3)
    assert [path.name for path in data.skipped] == ["broken.jpg"]
    real, label = data.batch(6, 5, 0.0)
    assert real.shape == (6, 3, 16, 16) and real.dtype == np.float32 and -1 <= real.min() < real.max() <= 1
    assert (label.sum(1) == 1).all() and label.shape == (6, 2)
    np.testing.assert_array_equal(real, Pictures([folder], 16, 2, 3).batch(6, 5, 0.0)[0])
    assert not np.array_equal(real, data.batch(6, 6, 0.0)[0])
    np.testing.assert_array_equal(real[..., ::-1], data.batch(6, 5, 1.0)[0])
    n = 24 - len(data.held_out()[0])
    epoch, _ = data.batch(n, 0, 0.0)
    assert len({one.tobytes() for one in epoch}) == n  # each once
    assert not {one.tobytes() for one in epoch} & {one.tobytes() for one in data.held_out()[0]}


def test_pictures_that_cannot_be_used(folder: Path, tmp_path: Path):
    with pytest.raises(InputError, match="at least two pictures"):
        Pictures([tmp_path], 16, 0, 0)
    with pytest.raises(InputError, match=r"no dataset\.json"):
        Pictures([tmp_path], 16, 2, 0)
    with pytest.raises(InputError, match="no class below 1"):
        Pictures([folder], 16, 1, 0)


def test_contradictions_are_refused():
    for knobs in (
        {"size": 100},
        {"pipe": "all"},
        {"synthesis": "unet"},
        {"batch": 6, "group": 4},
        {"batch": 5, "group": 1},
    ):
        with pytest.raises(ValueError):
            replace(TINY, **knobs)
