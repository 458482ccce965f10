"""Translator: a picture -> the same in another manner, by a network of role "translator"."""

from __future__ import annotations

import math
from collections.abc import Mapping

import cv2
import numpy as np

from ..errors import RequestError
from ..face import filters
from ..face.filters import resize
from ..types import Array
from .session import Net

STEP = 32  # sides of what is given to a network that takes any size are multiples of this
STYLE_SIDE = 512  # pixels that a picture of a style is brought to
MAGNIFIED = 2.0  # times: a small picture is drawn so much larger at most
TILE, OVERLAP = 448, 64  # pixels of a tile's side, and of what two tiles share, where the picture is larger
COARSE = 8  # pixels of a tile's side that share one correction of its colour
NEAR, EDGE = (
    2,
    100.0,
    # of those, and levels squared: how far around a colour is corrected alike, and what counts as an edge there
)


class Translator:
    """Runs `pixels [1, C, H, W]` (and `condition [1, K]`, `style [1, 3, h, w]`) -> `picture [1, 3, H, W]`;
    networks of one size see the picture at that size."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.channels = int(net.inputs["pixels"][1])
        self.any_size = not isinstance(net.inputs["pixels"][2], int)
        self.conditions = tuple(condition.name for condition in net.card.conditions)
        style = net.inputs.get("style", ())
        self.wants_style, self.style_is_numbers = bool(style), len(style) == 2

    def translate(
        self, pixels: Array, *, style: Array | None = None, asked: Mapping[str, float] | None = None
    ) -> Array:
        """`[H, W, 3]` uint8 (or `[H, W]` for networks of one channel) -> `[H, W, 3]` uint8.

        style: a picture `[h, w, 3]` uint8, for networks that take any, or numbers `[E]` for those that want them
        (see `StyleEncoder`); asked: conditions by name, others are 0. A picture larger than a tile is done in
        tiles that fade into each other, in memory for one row of them besides the result; one of a network whose
        card says `drawn_at` as a whole.
        """
        height, width = pixels.shape[:2]
        given = self._given(style, asked or {})
        if self.net.card.drawn_at:
            return self._carried_up(pixels, given)
        if not self.any_size:
            return resize(
                _rounded(self._run(resize(pixels, (self.net.card.size, self.net.card.size)), given)),
                (width, height),
            )
        out, band = (
            np.empty((height, width, 3), np.uint8),
            np.zeros((min(self.tile, height), width, 3), np.float32),
        )
        rows, columns, whole = shares(height, self.tile), shares(width, self.tile), self.whole(pixels, given)
        for (top, down), following in zip(rows, [*(top for top, _ in rows[1:]), height], strict=True):
            for left, across in columns:
                part = self.part(pixels, (top, left), given, whole)
                band[:, left : left + len(across)] += part * np.multiply.outer(down, across)[..., None]
            ready = following - top
            out[top:following] = _rounded(band[:ready])
            band = np.concatenate([band[ready:], np.zeros_like(band[:ready])])
        return out

    def _carried_up(self, pixels: Array, given: dict[str, Array]) -> Array:
        """A picture drawn at the size that strokes are made for, and the change added to the picture itself, whose
        fine lines stay."""
        height, width = pixels.shape[:2]
        scale = min(self.net.card.drawn_at / max(height, width), MAGNIFIED)
        small = resize(pixels, (max(round(width * scale), 1), max(round(height * scale), 1)))
        change = self._run(small, given) - small
        return cv2.add(pixels, cv2.resize(change, (width, height)), dtype=cv2.CV_8U)

    @property
    def tile(self) -> int:
        """Pixels of a tile's side: TILE, or more where the network wants it."""
        return -(-TILE // self._step) * self._step

    @property
    def _step(self) -> int:
        return math.lcm(STEP, self.net.card.multiple or 1)

    def whole(self, pixels: Array, given: dict[str, Array]) -> Array | None:
        """The picture as the network draws all of it at once, no larger than a tile: `[h, w, 3]` float32.
        None where one tile is enough."""
        height, width = pixels.shape[:2]
        scale = self.tile / max(height, width)
        if scale >= 1:
            return None
        return self._run(resize(pixels, (max(round(width * scale), 1), max(round(height * scale), 1))), given)

    def part(
        self, pixels: Array, corner: tuple[int, int], given: dict[str, Array], whole: Array | None
    ) -> Array:
        """One tile drawn: float32, 0 to 255. Networks that normalise by what they see give each tile colours
        of its own: what changes slowly across it is taken from `whole`, but for the edges in it
        (`geometry.guided_lines`)."""
        top, left = corner
        drawn = self._run(pixels[top : top + self.tile, left : left + self.tile], given)
        if whole is None:
            return drawn
        size = drawn.shape[1], drawn.shape[0]
        to_photo = max(pixels.shape[:2]) / self.tile
        place = np.array(
            [
                [1 / to_photo, 0, (left + 0.5) / to_photo - 0.5],
                [0, 1 / to_photo, (top + 0.5) / to_photo - 0.5],
            ]
        )
        wanted = cv2.warpAffine(
            whole, place, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
        )
        coarse = max(size[0] // COARSE, 1), max(size[1] // COARSE, 1)
        low = resize(drawn, coarse)
        slope, shift = (
            cv2.resize(one, size)
            for one in filters.guided_coefficients(low, resize(wanted, coarse) - low, NEAR, EDGE)
        )
        return drawn + slope * drawn + shift

    def _given(self, style: Array | None, asked: Mapping[str, float]) -> dict[str, Array]:
        """What every tile is told besides its pixels."""
        if unknown := set(asked) - set(self.conditions):
            raise RequestError(
                f"{self.net.name} knows no {unknown.pop()!r}: there are {', '.join(self.conditions) or 'none'}"
            )
        given: dict[str, Array] = {}
        if self.conditions:
            given["condition"] = np.array([[asked.get(name, 0.0) for name in self.conditions]], np.float32)
        if self.wants_style:
            if style is None:
                raise RequestError(f"{self.net.name} draws in the style of a picture: name one with --style")
            given["style"] = style[None].astype(np.float32) if self.style_is_numbers else self._seen(style)
        return given

    def _seen(self, style: Array) -> Array:
        """A picture of a style as the network wants it."""
        scale = STYLE_SIDE / max(style.shape[:2])
        size = [max(round(side * scale) // STEP, 1) * STEP for side in style.shape[1::-1]]
        return self._tensor(cv2.resize(style, size, interpolation=cv2.INTER_AREA))

    def _run(self, pixels: Array, given: dict[str, Array]) -> Array:
        height, width = pixels.shape[:2]
        if self.any_size:
            pixels = cv2.copyMakeBorder(
                pixels, 0, -height % self._step, 0, -width % self._step, cv2.BORDER_REFLECT_101
            )
        low, high = self.net.card.value_range
        picture = self.net.run(pixels=self._tensor(pixels), **given)["picture"][0].transpose(1, 2, 0)[
            :height, :width
        ]
        return np.clip((picture - low) * (255 / (high - low)), 0, 255).astype(np.float32)

    def _tensor(self, pixels: Array) -> Array:
        low, high = self.net.card.value_range
        tensor = pixels.astype(np.float32) * ((high - low) / 255) + low
        return np.ascontiguousarray(np.atleast_3d(tensor).transpose(2, 0, 1)[None])


def shares(length: int, tile: int) -> list[tuple[int, Array]]:
    """Where the tiles of a side begin, and how much each of their rows counts: less towards the ends, and 1
    together."""
    count = 1 + max(0, -(-(length - tile) // (tile - OVERLAP)))
    starts = [round(k * max(length - tile, 0) / max(count - 1, 1)) for k in range(count)]
    rows = np.arange(min(tile, length))
    ramp = np.clip((np.minimum(rows, rows[::-1]) + 1) / OVERLAP, 0, 1)
    total = np.zeros(length)
    for start in starts:
        total[start : start + tile] += ramp
    return [(start, (ramp / total[start : start + tile]).astype(np.float32)) for start in starts]


def mixed(pixels: Array, seen: Array, drawn: Array, strength: float) -> Array:
    """`pixels [H, W, 3]` of 8 or 16 bits, `strength` 0..1 of the way to what is `drawn` of them; seen: they
    themselves at 8 bits, as is `drawn`."""
    scale = float(np.iinfo(pixels.dtype).max) / 255
    depth = cv2.CV_8U if pixels.dtype == np.uint8 else cv2.CV_16U
    return cv2.addWeighted(
        cv2.subtract(drawn, seen, dtype=cv2.CV_16S), strength * scale, pixels, 1, 0, dtype=depth
    )


def _rounded(shades: Array) -> Array:
    return np.clip(np.rint(shades), 0, 255).astype(np.uint8)
