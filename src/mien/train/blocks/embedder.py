"""An embedder as eyes that a loss can look through: its graph, run by torch, so that gradients flow."""

from __future__ import annotations

from typing import Any

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import ModelError
from ...models.catalogue import locate
from ...models.kit import DEFAULTS
from ...models.session import Net

WEIGHTS = (0.1, 0.3, 0.1, 0.01)  # of feature maps in a loss, the largest first
LAYERS = len(WEIGHTS)  # sizes of them that are looked at
SHIFT = 1 / 16  # of a picture's side: the farthest that a glimpse is moved
BLUR = 1 / 100  # of a picture's side: the largest sigma of a glimpse


class Eyes(nn.Module):
    """Pictures of a face `[N, 3, H, W]` in 0..1 -> what the embedder sees of them in LAYERS sizes, the last layer of
    each. It is not trained; its weights are read from the file of the embedder `name`, by default the one in the box."""

    def __init__(self, name: str = DEFAULTS["embedder"]) -> None:
        super().__init__()
        entry = locate(name)
        if entry.role != "embedder":
            raise ModelError(f"{name} is a {entry.role}: an embedder was wanted, see `mien models`")
        card = Net(entry.name, entry.path, entry.sha256, threads=1).card
        self.size, self.range = card.size, card.value_range
        graph = onnx.load(str(entry.path)).graph
        known = {one.name: torch.from_numpy(numpy_helper.to_array(one).copy()) for one in graph.initializer}
        self.nodes = list[tuple[str, list[str], str, dict[str, Any]]]()
        for node in graph.node:
            about = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
            if all(name in known for name in node.input):
                known[node.output[0]] = _run(node.op_type, [known[name] for name in node.input], about)
            else:
                self.nodes.append((node.op_type, list(node.input), node.output[0], about))
        used = {name for _, names, _, _ in self.nodes for name in names}
        self.constants = {name: one for name, one in known.items() if name in used}
        self.given = graph.input[0].name

    def forward(self, pictures: Tensor) -> list[Tensor]:
        low, high = self.range
        resized = F.interpolate(pictures.float(), (self.size,) * 2, mode="bilinear", antialias=True)
        known = {name: one.to(pictures.device) for name, one in self.constants.items()}
        known[self.given] = resized * (high - low) + low
        seen: dict[int, Tensor] = {}
        for kind, names, output, about in self.nodes:
            known[output] = _run(kind, [known[name] for name in names], about)
            if kind in ("Relu", "Clip"):
                seen[known[output].shape[-1]] = known[output]
            if len(seen) > LAYERS:
                break
        return list(seen.values())[:LAYERS]

    def unlike(self, found: Tensor, wanted: Tensor) -> Tensor:
        """How unlike pictures `[N, 3, H, W]` in 0..1 are in what is seen of them, whatever its strength and mean (a
        perceptual loss: Johnson et al. 2016, arXiv 1603.08155). Each time both are moved and blurred alike, by chance
        (torch's own): a pattern of a few grey levels that would please the network at one place does not at all."""
        both = _glimpsed(torch.cat([found, wanted]))
        pairs = [F.instance_norm(maps).chunk(2) for maps in self(both)]
        return torch.stack(
            [weight * F.mse_loss(a, b) for weight, (a, b) in zip(WEIGHTS, pairs, strict=True)]
        ).sum()


def _glimpsed(pictures: Tensor) -> Tensor:
    """Pictures `[N, 3, H, W]` moved by whole pixels and blurred, all of them alike."""
    height, width = pictures.shape[-2:]
    x, y = (round(side * SHIFT) for side in (width, height))
    right, down, sigma = torch.rand(3).tolist()
    left, top = round(2 * x * right), round(2 * y * down)
    moved = F.pad(pictures.float(), (x, x, y, y), "replicate")[..., top : top + height, left : left + width]
    sigma *= BLUR * min(height, width)
    reach = max(round(3 * sigma), 1)
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=moved.device) / max(sigma, 1e-3)) ** 2)
    kernel = (kernel / kernel.sum()).expand(3, 1, 1, -1)
    padded = F.pad(moved, (reach,) * 4, "replicate")
    return F.conv2d(F.conv2d(padded, kernel, groups=3), kernel.transpose(-1, -2), groups=3)


def _run(kind: str, given: list[Tensor], about: dict[str, Any]) -> Tensor:
    """One operation of the graph, of those that this network has."""
    first = given[0]
    match kind:
        case "Cast":
            return first.float()
        case "Sub":
            return first - given[1]
        case "Div":
            return first / given[1]
        case "Mul":
            return first * given[1]
        case "Add":
            return first + given[1]
        case "Relu":
            return F.relu(first)
        case "Conv":
            first = _padded(first, about["pads"])
            return F.conv2d(first, *given[1:], stride=about["strides"], groups=about.get("group", 1))
        case "MaxPool":
            return F.max_pool2d(first, about["kernel_shape"], about["strides"])
        case "AveragePool":
            return F.avg_pool2d(first, about["kernel_shape"], about["strides"])
        case "Pad":
            return _padded(first, [int(value) for value in given[1]])
        case "Clip":
            return first.clamp(*given[1:])
        case _:
            raise ModelError(f"mien cannot look through an embedder with the operation {kind}")


def _padded(x: Tensor, pads: list[int]) -> Tensor:
    """Padded as ONNX says it: the begins of all axes, then their ends."""
    half = len(pads) // 2
    return (
        F.pad(x, [end for k in reversed(range(half)) for end in (pads[k], pads[half + k])])
        if any(pads)
        else x
    )
