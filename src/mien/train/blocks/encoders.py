"""The encoders of pixel2style2pixel and its kin: from a picture to the styles of a StyleGAN2 that shows it.

Richardson et al. 2021, "Encoding in Style" (arXiv 2008.00951); Tov et al. 2021, "Designing an Encoder for
StyleGAN Image Manipulation" (e4e, arXiv 2102.02766). The backbone is IR-SE-50: He et al. 2016 (arXiv
1603.05027) as ArcFace has it (Deng et al. 2019, arXiv 1801.07698), with squeeze and excitation (Hu et al.
2018, arXiv 1709.01507). State dicts have the names and shapes of the published ones. Every encoder gives
codes relative to the average w; `Inverter` adds it.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WIDTH = 64  # channels that IR-SE-50 begins with
STAGES = (
    (64, 3),
    (128, 4),
    (256, 14),
    (512, 3),
)  # its channels and bottlenecks after that; each stage halves the size
C1, C2, C3 = 6, 20, 23  # the last bottlenecks of the stages that the pyramid sees
COARSE, MIDDLE = 3, 7  # styles below these come from C3, from C2 and C3, from all


def styles_of(size: int) -> int:
    """How many styles a StyleGAN2 of this size takes."""
    return 2 * int(math.log2(size)) - 2


# --- The backbone


class Squeeze(nn.Module):
    """Squeeze and excitation: every channel times what the means of all of them say."""

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // reduction, 1, bias=False)
        self.fc2 = nn.Conv2d(channels // reduction, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.fc2(F.relu(self.fc1(x.mean((2, 3), keepdim=True)))))


class Bottleneck(nn.Module):
    """A pre-activated residual block, without an activation after the sum; `squeeze=False` is plain IR."""

    def __init__(self, inputs: int, outputs: int, stride: int, *, squeeze: bool = True) -> None:
        super().__init__()
        if inputs == outputs:
            self.shortcut_layer: nn.Module = nn.MaxPool2d(1, stride)
        else:
            self.shortcut_layer = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )
        layers = [
            nn.BatchNorm2d(inputs),
            nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False),
            nn.PReLU(outputs),
            nn.Conv2d(outputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
        ]
        self.res_layer = nn.Sequential(*layers, *([Squeeze(outputs)] if squeeze else []))

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut_layer(x) + self.res_layer(x)  # [N, O, H / stride, W / stride]


def trunk(channels: int, *, squeeze: bool = True, width: int = WIDTH) -> tuple[nn.Sequential, nn.Sequential]:
    """Input layer and the 24 bottlenecks: `[N, channels, S, S]` -> `[N, 8 width, S / 16, S / 16]`."""
    body, inputs = [], width
    for full, count in STAGES:
        outputs = full * width // WIDTH
        for i in range(count):
            body.append(Bottleneck(inputs, outputs, 1 if i else 2, squeeze=squeeze))
            inputs = outputs
    stem = nn.Conv2d(channels, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.PReLU(width)
    return nn.Sequential(*stem), nn.Sequential(*body)


class Backbone(nn.Module):
    """IR-SE-50 with ArcFace's head: faces `[N, 3, 112, 112]` in [-1, 1] -> identities `[N, 512]` of unit
    length."""

    def __init__(self, size: int = 112, *, squeeze: bool = True, dropout: float = 0.6) -> None:
        super().__init__()
        self.input_layer, self.body = trunk(3, squeeze=squeeze)
        head = (
            nn.BatchNorm2d(512),
            nn.Dropout(dropout),
            nn.Flatten(),
            nn.Linear(512 * (size // 16) ** 2, 512),
            nn.BatchNorm1d(512),
        )
        self.output_layer = nn.Sequential(*head)

    def features(self, x: Tensor) -> Tensor:
        """`[N, 512, S / 16, S / 16]`, before the head."""
        return self.body(self.input_layer(x))

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(self.output_layer(self.features(x)))


# --- Heads


class Linear(nn.Module):
    """A fully connected layer with an equalised learning rate: weights are stored as N(0, 1) and scaled when
    they are used."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.gain = 1 / math.sqrt(inputs)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.gain, self.bias)


class MapToStyle(nn.Module):
    """map2style: halve a map `[N, I, size, size]` until one pixel is left, which is the style `[N, O]`."""

    def __init__(self, inputs: int, outputs: int, size: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for i in range(int(math.log2(size))):
            layers += [nn.Conv2d(outputs if i else inputs, outputs, 3, 2, 1), nn.LeakyReLU(0.01)]
        self.convs = nn.Sequential(*layers)
        self.linear = Linear(outputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.convs(x).flatten(1))


class Pyramid(nn.Module):
    """IR-SE-50, three levels of features, a map2style for each style: what pSp's and e4e's encoders share.

    The published ones have 64 channels at first and take 256 pixels to styles of 512 numbers.
    """

    def __init__(
        self,
        styles: int,
        channels: int = 3,
        *,
        w: int = 512,
        width: int = WIDTH,
        side: int = 256,
        squeeze: bool = True,
    ) -> None:
        super().__init__()
        self.input_layer, self.body = trunk(channels, squeeze=squeeze, width=width)
        sizes = [side // (16 if i < COARSE else 8 if i < MIDDLE else 4) for i in range(styles)]
        self.styles = nn.ModuleList(MapToStyle(8 * width, w, size) for size in sizes)
        self.latlayer1 = nn.Conv2d(4 * width, 8 * width, 1)
        self.latlayer2 = nn.Conv2d(2 * width, 8 * width, 1)

    def levels(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """`[N, C, S, S]` -> maps `[N, 8 width, s, s]` for s = S / 16, S / 8, S / 4: coarse, middle, fine."""
        x, seen = self.input_layer(x), {}
        for i, block in enumerate(self.body):
            x = block(x)
            if i in (C1, C2, C3):
                seen[i] = x
        p2 = add_upsampled(seen[C3], self.latlayer1(seen[C2]))
        return seen[C3], p2, add_upsampled(p2, self.latlayer2(seen[C1]))

    def style(self, i: int, levels: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        """What the head of style `i` makes of its level: `[N, W]`."""
        return self.styles[i](levels[0 if i < COARSE else 1 if i < MIDDLE else 2])


def add_upsampled(x: Tensor, y: Tensor) -> Tensor:
    """y `[N, C, H, W]` plus x brought to its size; corners meet corners."""
    return F.interpolate(x, size=y.shape[2:], mode="bilinear", align_corners=True) + y


class GradualStyleEncoder(Pyramid):
    """pSp's encoder: pictures `[N, C, S, S]` -> codes `[N, L, W]`, each style by itself."""

    def forward(self, x: Tensor) -> Tensor:
        levels = self.levels(x)
        return torch.stack([self.style(i, levels) for i in range(len(self.styles))], 1)


class Encoder4Editing(Pyramid):
    """e4e's encoder: one w for all styles, and for each but the first how far it is from that w.

    `stage` is how many of these deltas are in use; training adds one after the other. None: all.
    """

    stage: int | None = None

    def deltas(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """w `[N, W]` and the deltas `[N, L, W]`; the first and those beyond the stage are 0."""
        levels, count = self.levels(x), len(self.styles)
        w = self.style(0, levels)
        used = count if self.stage is None else min(self.stage + 1, count)
        deltas = [self.style(i, levels) if 0 < i < used else torch.zeros_like(w) for i in range(count)]
        return w, torch.stack(deltas, 1)

    def forward(self, x: Tensor) -> Tensor:
        w, deltas = self.deltas(x)
        return w[:, None] + deltas  # [N, L, W]


class BackboneEncoderUsingLastLayerIntoW(nn.Module):
    """The backbone's mean as one w: pictures `[N, C, S, S]` -> `[N, W]`."""

    def __init__(self, channels: int = 3, *, w: int = 512, width: int = WIDTH, squeeze: bool = True) -> None:
        super().__init__()
        self.input_layer, self.body = trunk(channels, squeeze=squeeze, width=width)
        self.linear = Linear(8 * width, w)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.body(self.input_layer(x)).mean((2, 3)))


class BackboneEncoderUsingLastLayerIntoWPlus(nn.Module):
    """All styles from the backbone's last map: pictures `[N, C, S, S]` -> codes `[N, L, W]`."""

    def __init__(
        self, styles: int, channels: int = 3, *, w: int = 512, width: int = WIDTH, squeeze: bool = True
    ) -> None:
        super().__init__()
        self.count = styles
        self.input_layer, self.body = trunk(channels, squeeze=squeeze, width=width)
        last = 8 * width
        self.output_layer_2 = nn.Sequential(
            nn.BatchNorm2d(last), nn.AdaptiveAvgPool2d(7), nn.Flatten(), nn.Linear(49 * last, w)
        )
        self.linear = Linear(w, w * styles)

    def forward(self, x: Tensor) -> Tensor:
        x = self.linear(self.output_layer_2(self.body(self.input_layer(x))))
        return x.unflatten(1, (self.count, -1))


# --- An encoder for the CPU


class Light(nn.Module):
    """An inverted residual (Sandler et al. 2018, arXiv 1801.04381): widen, look around in each channel, weigh
    the channels, narrow."""

    def __init__(self, inputs: int, outputs: int, stride: int, *, widen: int = 3) -> None:
        super().__init__()
        inner = inputs * widen
        self.wide = nn.Sequential(
            nn.Conv2d(inputs, inner, 1, bias=False), nn.BatchNorm2d(inner), nn.Hardswish()
        )
        around = nn.Conv2d(inner, inner, 3, stride, 1, groups=inner, bias=False)
        self.around = nn.Sequential(around, nn.BatchNorm2d(inner), nn.Hardswish(), Squeeze(inner, 8))
        self.narrow = nn.Sequential(nn.Conv2d(inner, outputs, 1, bias=False), nn.BatchNorm2d(outputs))
        self.same = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = self.narrow(self.around(self.wide(x)))
        return x + y if self.same else y


class LightEncoder(nn.Module):
    """Styles from a picture in little time: pictures `[N, C, S, S]` -> codes `[N, L, W]`, S a multiple of 32.

    A thin trunk of inverted residuals; three levels joined at S / 16, as pSp's pyramid joins them, so that
    fine styles see fine features; then every style looks where its learned query tells it to, and reads its
    code off there. Codes start at 0, the average face.
    """

    def __init__(self, styles: int, channels: int = 3, *, w: int = 512, width: int = 32) -> None:
        super().__init__()
        c = width
        self.stem = nn.Sequential(
            nn.Conv2d(channels, c // 2, 3, 2, 1, bias=False), nn.BatchNorm2d(c // 2), nn.Hardswish()
        )  # S / 2
        self.fine = nn.Sequential(
            Light(c // 2, c, 2), Light(c, c, 1), Light(c, 2 * c, 2), Light(2 * c, 2 * c, 1)
        )  # S / 8
        self.middle = nn.Sequential(
            Light(2 * c, 4 * c, 2), Light(4 * c, 4 * c, 1), Light(4 * c, 4 * c, 1)
        )  # S / 16
        self.coarse = nn.Sequential(
            Light(4 * c, 8 * c, 2), Light(8 * c, 8 * c, 1), Light(8 * c, 8 * c, 1)
        )  # S / 32
        self.joins = nn.ModuleList(nn.Conv2d(n * c, 8 * c, 1) for n in (2, 4, 8))
        self.look = nn.Conv2d(8 * c, styles, 1)  # each style's query, against every place
        self.norm = nn.LayerNorm(8 * c)
        self.read = nn.Parameter(torch.zeros(styles, 8 * c, w))
        self.bias = nn.Parameter(torch.zeros(styles, w))

    def forward(self, x: Tensor) -> Tensor:
        fine = self.fine(self.stem(x))
        middle = self.middle(fine)
        coarse = self.coarse(middle)
        x = self.joins[0](F.avg_pool2d(fine, 2)) + self.joins[1](middle)
        x = add_upsampled(self.joins[2](coarse), x)  # [N, 8 c, S / 16, S / 16]
        where = self.look(x).flatten(2).softmax(-1)  # [N, L, places]
        seen = self.norm(where @ x.flatten(2).transpose(1, 2))  # [N, L, 8 c]
        return torch.einsum("nlc,lcw->nlw", seen, self.read) + self.bias


ENCODERS: dict[str, type[nn.Module]] = {
    "GradualStyleEncoder": GradualStyleEncoder,
    "Encoder4Editing": Encoder4Editing,
    "BackboneEncoderUsingLastLayerIntoW": BackboneEncoderUsingLastLayerIntoW,
    "BackboneEncoderUsingLastLayerIntoWPlus": BackboneEncoderUsingLastLayerIntoWPlus,
    "light": LightEncoder,
}


PYRAMIDS = ("GradualStyleEncoder", "Encoder4Editing")


def encoder(
    name: str, styles: int, channels: int = 3, *, w: int = 512, width: int | None = None, side: int = 256
) -> nn.Module:
    """One of `ENCODERS` for a generator of so many styles; `width` None: as published, or as the light one is
    meant."""
    about: dict[str, Any] = (
        {"w": w} | ({} if width is None else {"width": width}) | ({"side": side} if name in PYRAMIDS else {})
    )
    if name == "BackboneEncoderUsingLastLayerIntoW":
        return BackboneEncoderUsingLastLayerIntoW(channels, **about)
    return ENCODERS[name](styles, channels, **about)


class Inverter(nn.Module):
    """An encoder and the average: pixels `[N, C, S, S]` -> ws `[N, L, W]`, one w for all styles or each its
    own."""

    def __init__(self, codes: nn.Module, average: Tensor) -> None:
        super().__init__()
        self.codes = codes
        self.average: Tensor
        self.register_buffer("average", average)  # [L, W]

    def forward(self, pixels: Tensor) -> Tensor:
        ws = self.codes(pixels)
        return (ws[:, None] if ws.ndim == 2 else ws) + self.average  # [N, L, W]
