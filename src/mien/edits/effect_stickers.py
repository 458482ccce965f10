"""Stickers on a head: pictures of an effect pack that stand before it or go round it, turned with it, lit as it is, hidden
where the face is before them, with the shadow that they throw on it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..face import geometry, mesh, topology
from ..face.change import soft_border
from ..face.filters import smoothstep
from ..face.lighting import softness
from ..face.pose import Head
from ..models.parser import Parser
from ..types import Alignment, Array, Change, Crop, Networks, Phase
from .effect_art import Art, Scene
from .effect_layers import Sticker
from .swap_tone import as_colourful

SIZE = 768
COLUMNS = 33  # of the grid that a bent sticker is made of
HIDDEN = 12.0, 6.0  # mm behind the face, from where on a sticker is hidden, and up to where it is not
EDGE_ON = 0.02, 0.2  # how far a bent sticker faces the camera: from where it is seen, and from where fully
HAIR = 0.35, 0.65  # of the parser
FALL, SPREAD = 4.5, 3.0  # mm: how far a shadow falls, and how soft it is
HUES = 0.5, 3.0  # Lab chroma of a face: from when a sticker has colours, and from when all of them
SKULL = (0.0, -8.0, 72.0), (76.0, 112.0, 88.0)  # mm: its middle, and how far it reaches from there


@dataclass(frozen=True, eq=False)
class Stickers:
    """Puts stickers `layers`, each a layer with its pictures, on a head. time: in seconds, for those that move; parser: for
    those behind hair; triangles `[T, 3]`: of the mesh."""

    layers: tuple[tuple[Sticker, tuple[Art, ...]], ...]
    triangles: Array
    parser: Parser
    networks: Networks
    strength: float = 1.0
    time: float = 0.0
    alignment = Alignment("wide", SIZE)
    phase = Phase.OVERLAY

    def __call__(self, crop: Crop) -> Change:
        scene = Scene(crop, self.triangles)
        place = _Place(scene, Head.of(crop.landmarks))
        hair = self._hair(crop) if any(layer.behind for layer, _ in self.layers) else None
        drawn = np.zeros((crop.size, crop.size, 4), np.float32)  # colours times opacity, and opacity
        for layer, pictures in self.layers:
            amount = self.strength * layer.strength * scene.seen(layer.when)
            if amount > 0:
                art = pictures[int(self.time * layer.fps) % len(pictures)]
                place.draw(drawn, layer, art, amount, hair if layer.behind else None)
        return _change(scene, drawn)

    def _hair(self, crop: Crop) -> Array:
        """Where hair is seen, `[S, S]` in 0..1."""
        seen = geometry.align(crop.pixels, crop.landmarks, self.parser.alignment)
        share = smoothstep(self.parser.parse(seen)["hair"], *HAIR)
        return cv2.warpAffine(share, geometry.invert(seen.matrix), (crop.size, crop.size))


def _change(scene: Scene, drawn: Array) -> Change:
    """The Change that lays what was drawn over the photo; worked out where there is something."""
    crop, blurred = scene.crop, softness(scene.crop)
    left, top, wide, high = cv2.boundingRect((drawn[..., 3] > 0).astype(np.uint8))
    reach = int(3 * blurred) + 1
    part = slice(max(top - reach, 0), top + high + reach), slice(max(left - reach, 0), left + wide + reach)
    opacity, pixels = np.zeros((crop.size, crop.size), np.float32), crop.pixels
    if wide:
        here = cv2.GaussianBlur(drawn[part], (0, 0), blurred)
        opacity[part] = np.where(here[..., 3] > 1 / 512, here[..., 3], 0) * soft_border(crop.size)[part]
        colours = np.clip(here[..., :3] / np.maximum(here[..., 3:], 1 / 512), 0, 1)
        colours = np.rint(255 * as_colourful(colours, _hue(crop)))
        pixels = crop.pixels.copy()
        pixels[part] = np.where(opacity[part][..., None] > 0, colours, pixels[part])
    zero = np.zeros((crop.size, crop.size, 3), np.float32)
    return Change(zero[..., :2], zero, opacity, "overlay", replace(crop, pixels=pixels))


def _hue(crop: Crop) -> float:
    """How much of their colours stickers have in a photo, 0 in a black-and-white one."""
    small = cv2.resize(crop.pixels, (96, 96), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    inside = cv2.resize(mesh.hull_mask(crop.landmarks, crop.size), (96, 96)) > 0
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2Lab)[inside]
    return (
        float(smoothstep(np.hypot(lab[:, 1], lab[:, 2]).mean(keepdims=True), *HUES)[0]) if len(lab) else 1.0
    )


class _Place:
    """A head as stickers are put on it."""

    def __init__(self, scene: Scene, head: Head) -> None:
        self.scene, self.head = scene, head
        self.depth = self._face_depth()
        self.skull = self._skull()

    def _face_depth(self) -> Array:
        """How deep the face is, `[s, s]` at half the crop's side, infinite beside it."""
        scene, half = self.scene, self.scene.crop.size // 2
        points = (scene.solid[: topology.POINTS, :2] + 0.5) / 2 - 0.5
        raster = mesh.Raster.of(points, scene.triangles, half, scene.order)
        out = raster.spread(scene.solid[: topology.POINTS, 2:])[..., 0]
        out[raster.label < 0] = np.float32(1e6)
        return out

    def _skull(self) -> Array:
        """Where there is a head for shadows to fall on, `[S, S]` in 0..1."""
        angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        middle, reach = (np.array(one) for one in SKULL)
        rings = [
            (
                np.sin(polar) * np.cos(angles),
                np.full_like(angles, np.cos(polar)),
                np.sin(polar) * np.sin(angles),
            )
            for polar in np.linspace(0, np.pi, 12)
        ]
        points = self.head.show(middle + reach * np.concatenate([np.stack(ring, -1) for ring in rings]))
        size, small = self.scene.crop.size, self.scene.crop.size // 4
        out = mesh.hull_mask(self.scene.crop.landmarks / 4, small)
        outline = cv2.convexHull(points.astype(np.float32))[:, 0]
        cv2.fillConvexPoly(out, np.rint(outline * 4).astype(np.int32), 1, shift=4)
        soft = cv2.GaussianBlur(out.astype(np.float32), (0, 0), self.head.scale / 2)
        return cv2.resize(soft, (size, size), interpolation=cv2.INTER_LINEAR)

    def draw(self, drawn: Array, layer: Sticker, art: Art, amount: float, hair: Array | None) -> None:
        """Lay a sticker, and below it its shadow, over what is `drawn [S, S, 4]` so far."""
        corners, share, facing = self._grid(layer, art)
        size, reach = self.scene.crop.size, (FALL + 3 * SPREAD) * self.head.scale
        low = np.clip(np.floor(corners[:, :2].min(0) - reach), 0, size - 2).astype(int)
        high = np.clip(np.ceil(corners[:, :2].max(0) + reach), low + 2, size).astype(int)
        part = slice(low[1], high[1]), slice(low[0], high[0])
        found = self._laid(art, corners - np.array([*low, 0], np.float32), share, facing, part) * np.float32(
            amount
        )
        if hair is not None:
            found *= 1 - hair[part][..., None]
        light = self.scene.light.level[part][..., None] * self.scene.white
        found[..., :3] *= np.clip(light, 0, 1.1)
        under = drawn[part]
        if layer.shadow:
            dark = self._shadow(found[..., 3]) * (layer.shadow * self.skull[part])
            under = under * (1 - dark)[..., None]
            under[..., 3] += dark
        drawn[part] = found + under * (1 - found[..., 3:])

    def _grid(self, layer: Sticker, art: Art) -> tuple[Array, Array, Array]:
        """A sticker as a strip of quads: its vertices `[V, 3]` in crop pixels with depth, where they lie in its picture
        `[V, 2]`, and how far it faces the camera there, `[V]`. The upper row, then the lower."""
        across, middle, normal = _bent(layer)
        high = layer.width * art.size[1] / art.size[0] / 2
        places = np.concatenate([middle + np.array([0, y, 0]) for y in (-high, high)])
        scale, turn = self.head.scale, self.head.turn
        anchor = self.scene.solid[list(layer.at)].mean(0)
        anchor = anchor + turn @ (np.array(layer.offset) * (self.head.wide, 1, 1)) * scale
        turn = (turn if layer.faces == "head" else _upright(turn)) @ _turned(layer.turn, layer.tilt)
        corners = anchor + (places * (self.head.wide, 1, 1)) @ turn.T * scale
        share = across / layer.width + 0.5
        uv = np.concatenate([np.stack([share, np.full_like(share, v)], -1) for v in (0.0, 1.0)])
        return corners.astype(np.float32), uv.astype(np.float32), np.tile(-(normal @ turn[2]), 2)

    def _laid(
        self, art: Art, corners: Array, share: Array, facing: Array, part: tuple[slice, slice]
    ) -> Array:
        """What a window shows of a sticker, `[h, w, 4]`."""
        columns = len(corners) // 2
        left = np.arange(columns - 1)
        quads = np.stack([left, left + 1, left + columns, left + columns + 1], -1)
        triangles = np.concatenate([quads[:, :3], quads[:, 1:]])
        triangles = triangles[facing[triangles].max(1) > 0]
        shape = part[0].stop - part[0].start, part[1].stop - part[1].start
        order = np.argsort(-corners[triangles, 2].mean(1))
        raster = mesh.Raster.of(corners[:, :2], triangles, shape, order)
        known = raster.spread(np.column_stack([share, corners[:, 2], facing]).astype(np.float32))
        wide = float(np.linalg.norm(np.diff(corners[:columns, :2], axis=0), axis=1).sum())
        found = art.at(np.ascontiguousarray(known[..., :2]), art.size[0] / max(wide, 1.0))
        y, x = (np.arange(one.start, one.stop, dtype=np.float32) / 2 - 0.25 for one in part)
        grid = np.meshgrid(x, y)
        face = cv2.remap(self.depth, grid[0], grid[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        apart = (known[..., 2] - face) / np.float32(self.head.scale)
        clear = smoothstep(apart, *HIDDEN) * smoothstep(known[..., 3], *EDGE_ON) * (raster.label >= 0)
        return found * clear[..., None]

    def _shadow(self, opacity: Array) -> Array:
        """The shadow of something that is so opaque, `[h, w]` in 0..1."""
        scale, head = self.head.scale, self.head.turn
        aside = float(np.clip(-2 * self.scene.light.direction[0], -1, 1))
        x, y = (head[:2, 1] + head[:2, 0] * aside) * FALL * scale
        moved = cv2.warpAffine(opacity, np.array([[1, 0, x], [0, 1, y]]), opacity.shape[::-1])
        return cv2.GaussianBlur(moved, (0, 0), SPREAD * scale)


def _bent(layer: Sticker) -> tuple[Array, Array, Array]:
    """Places along a sticker's width `[n]` in mm, where these lie in its own frame `[n, 3]` once it is bent, and which way
    it looks there, `[n, 3]`."""
    across = np.linspace(-0.5, 0.5, COLUMNS if layer.bend else 2) * layer.width
    angle, x, z = np.zeros_like(across), across, np.zeros_like(across)
    if layer.bend:
        beyond = np.maximum(np.abs(across) - layer.flat, 0)
        round_ = np.pi / 2 if layer.flat else np.pi  # from the temples straight back, or round and round
        angle = np.minimum(beyond / layer.bend, round_)
        x = np.sign(across) * (np.minimum(np.abs(across), layer.flat) + layer.bend * np.sin(angle))
        z = layer.bend * (1 - np.cos(angle)) + np.maximum(beyond - layer.bend * round_, 0)
    normal = np.stack([np.sign(across) * np.sin(angle), np.zeros_like(across), -np.cos(angle)], -1)
    return across, np.stack([x, np.zeros_like(x), z], -1), normal


def _upright(turn: Array) -> Array:
    """Of a head's turn `[3, 3]` no more than how it leans: what faces the camera has that."""
    x, y = turn[:2, 1] / np.hypot(*turn[:2, 1])
    return np.array([[y, x, 0], [-x, y, 0], [0, 0, 1]])


def _turned(turn: float, tilt: float) -> Array:
    """The matrix `[3, 3]` that turns a sticker clockwise, and leans its top back."""
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    ct, st = np.cos(np.radians(tilt)), np.sin(np.radians(tilt))
    lean = np.array([[1, 0, 0], [0, ct, st], [0, -st, ct]])
    return lean @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
