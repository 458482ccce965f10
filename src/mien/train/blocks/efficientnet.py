"""EfficientNet-Lite0: what a picture shows, for losses and Fréchet distances to look through (Tan and Le 2019, arXiv
1905.11946; the Lite networks have no squeeze and excitation, and ReLU6)."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional as F

# Of each stage: blocks, side of the kernel, stride of the first block, how many times wider within, channels.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM, FEATURES = 32, 1280
SIDE = 224  # pixels of the pictures that it was trained on
VALUE_RANGE = (-127 / 128, 1.0)  # what its pixels span


class Norm(nn.BatchNorm2d):
    """Batch norm with TensorFlow's epsilon."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-3)


class Conv(nn.Conv2d):
    """A convolution with TensorFlow's padding, which is one more on the right and below where it halves; sides are
    even."""

    def __init__(self, inputs: int, outputs: int, side: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, side, stride, bias=False, groups=groups)
        before, around = (side - stride) // 2, side - stride
        self.pads = (before, around - before) * 2

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(F.pad(input, self.pads) if any(self.pads) else input)


class Block(nn.Module):
    """Widened, filtered channel by channel, narrowed again; with what came where the shape is the same."""

    def __init__(self, inputs: int, outputs: int, side: int, stride: int, wider: int) -> None:
        super().__init__()
        within = inputs * wider
        self.expand = nn.Sequential(Conv(inputs, within, 1), Norm(within), nn.ReLU6()) if wider > 1 else None
        self.depthwise = nn.Sequential(Conv(within, within, side, stride, within), Norm(within), nn.ReLU6())
        self.project = nn.Sequential(Conv(within, outputs, 1), Norm(outputs))
        self.skips = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else self.expand(x)
        y = self.project(self.depthwise(y))
        return x + y if self.skips else y


class Lite0(nn.Module):
    """pixels `[N, 3, 224, 224]` in VALUE_RANGE -> features `[N, 1280]`."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(Conv(3, STEM, 3, 2), Norm(STEM), nn.ReLU6())  # 112
        blocks, inputs = list[nn.Module](), STEM
        for count, side, stride, wider, outputs in STAGES:  # 112 56 28 14 14 7 7
            for i in range(count):
                blocks.append(Block(inputs, outputs, side, stride if i == 0 else 1, wider))
                inputs = outputs
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Sequential(Conv(inputs, FEATURES, 1), Norm(FEATURES), nn.ReLU6())

    def forward(self, pixels: Tensor) -> Tensor:
        return self.head(self.blocks(self.stem(pixels))).mean((2, 3))


# Names of its modules in the published file, and here; `blocks.N.` stands before those of a block.
NAMES = {
    "_conv_stem": "stem.0",
    "_bn0": "stem.1",
    "_conv_head": "head.0",
    "_bn1": "head.1",
    "_expand_conv": "expand.0",
    "_depthwise_conv": "depthwise.0",
    "_project_conv": "project.0",
}
NORMS = {"_bn0": "expand.1", "_bn1": "depthwise.1", "_bn2": "project.1"}  # of a block


def renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A published state dict under the names here; what tells 1,000 classes apart is left out."""
    out: dict[str, Tensor] = {}
    for key, one in state.items():
        *block, module, field = key.split(".")
        if module != "_fc":
            names = NAMES | NORMS if block else NAMES
            out[".".join([*(part.removeprefix("_") for part in block), names.get(module, module), field])] = (
                one
            )
    return out
