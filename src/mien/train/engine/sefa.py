"""Latents: the closed-form directions of a generator, and the projection of a picture into w by optimisation."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from ...errors import ModelError
from ...types import Array
from ..families.stylegan2 import Generator
from ..published.key_maps import State
from .initial_weights import read_origin

LR, RISE, FALL = 0.1, 0.05, 0.25  # of the projection: learning rate, share of the steps in which it rises and falls
LOOSE, LOOSE_UNTIL = 0.05, 0.75  # noise on w, of its spread; gone after this share of the steps
NOISE_WEIGHT = 1e5  # keeps the noise maps from drawing the picture


def named(source: Path, count: int = 10) -> dict[str, Array]:
    """The closed-form directions of a run's or a published checkpoint's generator as unit vectors `[W]`, "s0" the strongest."""
    nets = read_origin(source).nets
    if "G" not in nets:
        raise ModelError(f"{source} has no generator: wanted a run of stylegan2 or a checkpoint of one")
    return {f"s{k}": one.numpy() for k, one in enumerate(closed_form(nets["G"], count))}


def closed_form(G: State, count: int, sizes: tuple[int, ...] = ()) -> Tensor:
    """The `count` unit directions `[count, W]` that move the styles most (SeFa, Shen and Zhou 2021, arXiv 2007.06600).

    G: a generator's state dict. sizes: the resolutions whose styles count, all if empty: low ones for shape, high ones for colour.
    """
    kept = tuple(f"synthesis.b{size}." for size in sizes) or ("synthesis.",)
    rows = [F.normalize(one, dim=1) for key, one in G.items() if key.startswith(kept) and re.search(r"\.conv[01]\.affine\.weight$", key)]
    A = torch.cat(rows)  # [styles, W]
    return torch.linalg.eigh(A.T @ A)[1].T.flip(0)[:count]


def project(
    G: Generator,
    target: Tensor,
    *,
    label: Tensor | None = None,
    features: Callable[[Tensor], Tensor] | None = None,
    steps: int = 1000,
    samples: int = 10_000,
    each_layer: bool = False,
    seed: int = 123,
) -> Tensor:
    """ws `[1, L, W]` whose picture looks like `target [1, 3, S, S]` in [-1, 1] (Karras et al. 2020, arXiv 1912.04958, appendix D).

    features: pictures `[N, 3, S, S]` -> `[N, F]`, whose squared differences are made small; a perceptual network's, for
    what people see. Without one: the pixels at five scales. each_layer: a style of its own for every layer.
    """
    features = features or scales
    G = copy.deepcopy(G).eval().requires_grad_(False)
    random = torch.Generator().manual_seed(seed)
    device = target.device
    with torch.no_grad():
        z = torch.randn(samples, G.mapping.z, generator=random).to(device)
        many = G.mapping(z, None if label is None else label.expand(samples, -1))
        spread = (many - many.mean(0)).square().sum(1).mean().sqrt()
        wanted = features(target)
    w = many.mean(0).repeat(1, G.num_ws if each_layer else 1, 1).requires_grad_()
    noises = [buffer for name, buffer in G.synthesis.named_buffers() if name.endswith("noise_const")]
    for one in noises:
        one.copy_(torch.randn(one.shape, generator=random)).requires_grad_()
    optimiser = torch.optim.Adam([w, *noises], LR, betas=(0.9, 0.999))
    for i in range(steps):
        t = i / steps
        optimiser.param_groups[0]["lr"] = LR * min(t / RISE, 1.0) * (0.5 - 0.5 * math.cos(math.pi * min((1 - t) / FALL, 1.0)))
        loose = spread * LOOSE * max(0.0, 1 - t / LOOSE_UNTIL) ** 2
        ws = w + torch.randn(w.shape, generator=random).to(device) * loose
        made = G.synthesis(ws if each_layer else ws.repeat(1, G.num_ws, 1), "const")
        loss = (features(made) - wanted).square().sum() + NOISE_WEIGHT * sum(itself(one) for one in noises)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        with torch.no_grad():
            for one in noises:
                one.sub_(one.mean()).mul_(one.square().mean().clamp(min=1e-12).rsqrt())
    w = w.detach()
    return w if each_layer else w.repeat(1, G.num_ws, 1)


def itself(noise: Tensor) -> Tensor:
    """How much a noise map `[S, S]` resembles itself one pixel away, at every scale down to 8 pixels."""
    x, out = noise[None, None], noise.new_zeros(())
    while True:
        out = out + (x * x.roll(1, 3)).mean().square() + (x * x.roll(1, 2)).mean().square()
        if x.shape[2] <= 8:
            return out
        x = F.avg_pool2d(x, 2)


def scales(pictures: Tensor) -> Tensor:
    """The pixels at up to five scales, each as heavy as the others: `[N, F]`."""
    x, out = pictures, []
    for _ in range(5):
        out.append(x.flatten(1) / math.sqrt(x[0].numel()))
        if x.shape[2] <= 4:
            break
        x = F.avg_pool2d(x, 2)
    return torch.cat(out, 1)
