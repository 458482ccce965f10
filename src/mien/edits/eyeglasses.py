"""Glasses put on: a frame modelled in millimetres on a mean head, posed by the mesh, lit like the face."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from ..face import geometry, mesh, topology
from ..face.change import border_falloff, nothing, paste_window, window_overlay
from ..face.lighting import Light, skin_coloured, softness
from ..face.pose import Head
from ..models.parser import Parser
from ..models.prototypes import Prototypes
from ..types import Alignment, Array, Change, Crop, Networks, Phase
from .eyeglass_frame import SHAPES, EyeglassFrame

_RIDGE, _FLANKS = (
    (8, 6, 197, 195, 5, 4),
    ((129, 50, 121, 133, 193), (358, 280, 350, 362, 417)),
)  # of the nose; left and right of it
# How sure the reader must be that glasses are worn, in log odds, with so much more for each square eye distance that the
# parser takes for glasses, up to a half: of 542 faces without it is so of 3, of 157 with of 154.
WORN, SEEN, MOST = 0.31, 4.0, 0.5
FINER = 2  # drawn so much finer than the crop
REACH = 82.0, 34.0, 62.0  # mm from the nasion to the sides, up and down: glasses and their shadow lie within

ACETATE = (
    (0.065, 0.05, 0.045),
    (0.16, 0.09, 0.06),
    (0.10, 0.11, 0.16),
    (0.27, 0.26, 0.26),
    (0.30, 0.08, 0.09),
    (0.55, 0.48, 0.40),
)
METAL = ((0.62, 0.50, 0.28), (0.55, 0.56, 0.58), (0.20, 0.20, 0.21), (0.62, 0.45, 0.38))
GLASS = ((0.22, 0.22, 0.23), (0.27, 0.21, 0.15), (0.19, 0.24, 0.20), (0.12, 0.12, 0.13), (0.62, 0.66, 0.75))


@dataclass(frozen=True)
class Glasses(EyeglassFrame):
    """Glasses put on a face: an edit, `Crop -> Change`. The default is a thin frame of dark acetate with
    clear lenses.

    strength 0..1: how much of them is there; shape to tall: see Frame; colour, mottle (the second colour of
    tortoise shell) and glass (what the lenses let through) in 0..1 RGB; shine, reflection 0..1; power: how
    much the lenses make smaller (below 0) what is behind them; fade: how much lighter the glass is at the
    bottom; sheer: how much light goes through the frame itself; seed: of mottle and reflections. reader and parser: what
    tells whether a face wears glasses already, where that is to be asked.
    """

    strength: float = 1.0
    colour: tuple[float, float, float] = ACETATE[0]
    mottle: tuple[float, float, float] | None = None
    shine: float = 0.8
    glass: tuple[float, float, float] = (0.975, 0.98, 0.975)
    fade: float = 0.0
    reflection: float = 0.25
    power: float = 0.0
    sheer: float = 0.0
    seed: int = 0
    reader: Prototypes | None = None
    parser: Parser | None = None
    networks: Networks = ()
    alignment = Alignment("head", 512)
    phase = Phase.OVERLAY

    def __call__(self, crop: Crop) -> Change:
        if self.reader and self.parser and worn(self.reader, self.parser, crop):
            return nothing(crop, "wears glasses already, so none were put on")
        return draw_glasses(crop, self)[0]

    @staticmethod
    def random(rng: np.random.Generator, *, strength: float = 1.0) -> Glasses:
        """Some glasses that people wear: of every shape, metal or acetate, one in four with dark lenses."""
        shape = str(rng.choice(list(SHAPES)))
        metal = rng.random() < {"aviator": 0.85, "round": 0.5, "panto": 0.4, "rectangular": 0.4}.get(
            shape, 0.1
        )
        dark = rng.random() < (0.45 if shape == "aviator" else 0.22)
        pool = METAL if metal else ACETATE[: 2 if rng.random() < 0.6 else None]
        colour = np.clip(np.array(pool[rng.integers(len(pool))]) * rng.uniform(0.7, 1.25), 0.02, 0.9)
        glass = (
            np.array(GLASS[rng.integers(len(GLASS))]) * rng.uniform(0.6, 1.3)
            if dark
            else rng.uniform(0.91, 0.99) + rng.normal(0, 0.01, 3)
        )
        lens = rng.uniform(45, 53) + (4 if shape == "aviator" else 0) + (3 if dark else 0)
        tortoise = not metal and rng.random() < 0.25
        return Glasses(
            strength=strength,
            shape=shape,
            lens=float(lens),
            bridge=float(rng.uniform(15, 22)),
            rim=float(rng.uniform(0.7, 1.7) if metal or shape == "browline" else rng.uniform(2.0, 5.0)),
            brow=float(
                rng.uniform(2.5, 4)
                if shape == "browline"
                else rng.uniform(1, 1.1)
                if metal
                else rng.uniform(1, 1.6)
            ),
            depth=float(rng.uniform(1.2, 2) if metal else rng.uniform(2.5, 4.5)),
            lower=float(rng.uniform(4, 10) + (2 if shape == "aviator" else 0)),
            colour=(0.16, 0.08, 0.05) if tortoise else _triple(colour),
            mottle=(0.48, 0.27, 0.12) if tortoise else None,
            shine=float(rng.uniform(0.2, 1)),
            glass=_triple(np.clip(glass, 0.03, 1)),
            fade=float(rng.uniform(0, 0.9) if dark else 0),
            reflection=float(min(1.5 * rng.beta(1.2, 2.2), 1.0)),
            power=float(rng.uniform(-0.06, 0.03) if rng.random() < 0.6 else 0),
            sheer=0.0 if metal or tortoise or rng.random() < 0.75 else float(rng.uniform(0.2, 0.8)),
            tall=float(rng.uniform(0.85, 1.1)),
            seed=int(rng.integers(1 << 31)),
        )


def worn(reader: Prototypes, parser: Parser, crop: Crop) -> bool:
    """Whether a face wears glasses, by the edges about its eyes and by what the parser sees there."""
    sure = min(max(reader.read(crop).glasses, 1e-6), 1 - 1e-6)
    seen = geometry.align(crop.pixels, crop.landmarks, parser.alignment)
    frames = float((parser.parse(seen)["glasses"] > 0.5).sum()) / geometry.eye_distance(seen.landmarks) ** 2
    return math.log(sure / (1 - sure)) + SEEN * min(frames, MOST) > WORN


def draw_glasses(crop: Crop, style: Glasses) -> tuple[Change, Array, Array]:
    """Put glasses on: the Change, and what the frame with its arms and what the lenses cover, `[S, S]`
    float32 in 0..1 each."""
    size, head, light = crop.size, Head.of(crop.landmarks), Light.of(crop)
    sheet = _Sheet(crop, style, head)
    rows, columns = sheet.window
    flow = sheet.bent() * np.float32(style.strength)
    grid = mesh.pixel_grid(size)[rows, columns] + flow
    behind = mesh.remap(crop.pixels, grid)
    behind = behind.astype(np.float32) / 255
    shown = behind * (1 - sheet.shadow(light))[..., None]
    for side, lens in zip((-1, 1), sheet.lenses, strict=True):
        shown += lens[..., None] * (sheet.through(shown, light, side) - shown)
    shown += (sheet.frame * (1 - 0.7 * style.sheer))[..., None] * (sheet.paint(light) - shown)
    colour = cv2.GaussianBlur(np.clip(shown, 0, 1) - behind, (0, 0), softness(crop)) * np.float32(
        style.strength
    )
    lenses = np.clip(sheet.lenses[0] + sheet.lenses[1], 0, 1) * (1 - sheet.frame)
    covers = [paste_window(one, sheet.window, size) * border_falloff(size) for one in (sheet.frame, lenses)]
    return window_overlay(crop, sheet.window, colour, flow), covers[0], covers[1]


class _Sheet:
    """The part of a crop that glasses reach: `window` (rows, columns); in it frame `[h, w]` and two lenses;
    FINER: front, wall, arms."""

    def __init__(self, crop: Crop, style: Glasses, head: Head) -> None:
        self.crop, self.style, self.head = crop, style, head
        aside, up, down = REACH
        corners = head.show(
            np.array([(x, y, z) for x in (-aside, aside) for y in (-up, down) for z in (-8.0, 60.0)])
        )
        low = np.clip(np.floor(corners.min(0)), 0, crop.size - 8).astype(int)
        high = np.clip(np.ceil(corners.max(0)), low + 8, crop.size).astype(int)
        self.window, self.low = (slice(low[1], high[1]), slice(low[0], high[0])), low
        self.shape = int(high[1] - low[1]), int(high[0] - low[0])
        self.front, self.wall, bare = self._blank(), self._blank(), []
        for side in (-1, 1):
            nose = 255 - self._blank(
                crop.landmarks[[*_RIDGE, *_FLANKS[side < 0]]], hull=True
            )  # it stands before the farther lens
            outer, inner, lug = style.lens_of(side, 1), style.lens_of(side, 0), style.lug(side)
            hole = self._blank(head.show(inner))
            self.front = np.maximum(self.front, np.minimum(self._rim(outer, inner, lug, hole, 0), nose))
            for share in (0.5, 1.0):
                self.wall = np.maximum(
                    self.wall, np.minimum(self._rim(outer, inner, lug, hole, share * style.depth), nose)
                )
            bare.append(np.minimum(hole, nose))
        beside = 255 - np.maximum(bare[0], bare[1])
        for bar in style.bridges():
            self.front = np.maximum(self.front, np.minimum(self._blank(head.show(bar)), beside))
            self.wall = np.maximum(
                self.wall,
                np.minimum(self._blank(head.show(bar + np.array([0, 0, style.depth * 0.7]))), beside),
            )
        self.arms = self._arms(beside)
        self.frame = self._small(
            np.maximum(np.maximum(self.front, self.wall), self.arms).astype(np.float32) / 255
        )
        self.lenses = [self._small(one.astype(np.float32) / 255) for one in bare]

    def _blank(self, outline: Array | None = None, hull: bool = False) -> Array:
        out = np.zeros((self.shape[0] * FINER, self.shape[1] * FINER), np.uint8)
        if outline is not None:
            corners = (np.asarray(outline, np.float32) - self.low + 0.5) * FINER - 0.5
            corners = cv2.convexHull(corners.astype(np.float32))[:, 0] if hull else corners
            cv2.fillPoly(out, [np.rint(corners * 16).astype(np.int32)], 255, lineType=cv2.LINE_AA, shift=4)
        return out

    def _small(self, picture: Array) -> Array:
        return cv2.resize(picture, self.shape[::-1], interpolation=cv2.INTER_AREA)

    def _rim(self, outer: Array, inner: Array, lug: Array, hole: Array, back: float) -> Array:
        shift = np.array([0, 0, back])
        rim = np.minimum(
            self._blank(self.head.show(outer + shift)), 255 - self._blank(self.head.show(inner + shift))
        )
        return np.maximum(rim, np.minimum(self._blank(self.head.show(lug + shift)), 255 - hole))

    def _arms(self, beside: Array) -> Array:
        """The arms from hinge to ear: the farther one is hidden by the head, both by hair."""
        out = self._blank()
        face = self._blank(self.crop.landmarks[: topology.POINTS], hull=True)
        bare = (cv2.resize(skin_coloured(self.crop)[self.window], out.shape[::-1]) * 255).astype(np.uint8)
        for side in (-1, 1):
            corners, shape = self.head.show(self.style.arm(side)), self._blank()
            for one, two in pairwise(corners):
                shape = np.maximum(shape, self._blank(np.concatenate([one, two]), hull=True))
            open_side = side * self.head.turn[0, 2] > -0.06  # seen from outside
            out = np.maximum(out, np.minimum(shape, bare if open_side else np.minimum(255 - face, beside)))
        return out

    def _plane(self, side: int) -> tuple[Array, Array]:
        """Every pixel's place on a lens: x outwards and y down from its centre, in units of half its
        width."""
        ends = self.head.show(
            self.style.on_front(side, np.array([(0, 0), (1, 0), (0, 1.0)]) * self.style.lens / 2)
        )
        axes = np.linalg.pinv((ends[1:] - ends[0]).T)
        rows, columns = np.mgrid[: self.shape[0], : self.shape[1]].astype(np.float32)
        x, y = columns + self.low[0] - ends[0, 0], rows + self.low[1] - ends[0, 1]
        return axes[0, 0] * x + axes[0, 1] * y, axes[1, 0] * x + axes[1, 1] * y

    def bent(self) -> Array:
        """How the lenses' power moves what is seen through them: a flow `[h, w, 2]`."""
        flow = np.zeros((*self.shape, 2), np.float32)
        if self.style.power:
            for side, lens in zip((-1, 1), self.lenses, strict=True):
                centre = self.head.show(self.style.on_front(side, np.zeros((1, 2))))[0] - self.low
                rows, columns = np.mgrid[: self.shape[0], : self.shape[1]].astype(np.float32)
                flow -= (
                    np.stack([columns - centre[0], rows - centre[1]], -1)
                    * (lens * np.float32(self.style.power))[..., None]
                )
        return flow

    def through(self, seen: Array, light: Light, side: int) -> Array:
        """What a lens shows of `seen [h, w, 3]`: tinted, more so at the top of a gradient, with a soft
        reflection."""
        style = self.style
        x, y = self._plane(side)
        lighter = np.clip(style.fade * (0.35 + 0.65 * y), 0, 1)[..., None]
        tint = np.array(style.glass, np.float32)
        out = seen * (tint + (1 - tint) * lighter)
        chance = np.random.default_rng(style.seed)
        slope, place, width = (
            chance.uniform(0.5, 1.1),
            chance.uniform(-0.75, -0.35),
            chance.uniform(0.15, 0.35),
        )
        toward = 1.0 if light.direction[0] > 0 else -1.0  # the window is where the light is
        across = x * side * toward * -0.8 + y * slope
        band = np.clip(1 - np.abs(across - place) / width, 0, 1) ** 1.5 + 0.35 * np.clip(-0.2 - y, 0, 1)
        bluish = np.array((0.86, 0.95, 1.0), np.float32) * light.colour
        strength = style.reflection * light.exposure * (0.28 if min(style.glass) > 0.8 else 0.4)
        return (out + (1 - out) * bluish * (strength * band)[..., None]).astype(np.float32)

    def shadow(self, light: Light) -> Array:
        """How much of the light the frame and the lenses take from the skin behind them: `[h, w]`."""
        scale, solid = (
            self.head.scale,
            self._small(np.maximum(self.front, self.wall).astype(np.float32) / 255),
        )
        down = self.head.turn[:2, 1]
        x = float(np.clip(light.direction[0] * -4, -4, 4))

        def cast(mask: Array, far: float, soft: float) -> Array:
            by = (down * far + self.head.turn[:2, 0] * x * far / 5) * scale
            moved = cv2.warpAffine(mask, np.array([[1, 0, by[0]], [0, 1, by[1]]]), self.shape[::-1])
            return cv2.GaussianBlur(moved, (0, 0), soft * scale)

        face = mesh.hull_mask(self.crop.landmarks, self.crop.size)[self.window].astype(np.float32)
        bridge = np.zeros_like(solid)
        middle = self.head.show(np.array([[0, self.style.lower, -4.0]]))[0] - self.low
        cv2.circle(bridge, (round(float(middle[0])), round(float(middle[1]))), round(13 * scale), 1.0, -1)
        bridge = cv2.GaussianBlur(bridge, (0, 0), 4 * scale)
        glass = 0.5 * (1 - min(self.style.glass)) * (self.lenses[0] + self.lenses[1])
        out = (
            0.30 * cast(np.maximum(solid, glass), 5.0, 2.2)
            + 0.30 * cast(solid, 1.8, 1.0) * bridge
            + 0.12 * cast(solid, 1.5, 0.9)
        )
        out += 0.25 * cast(self._small(self.arms.astype(np.float32) / 255), 1.8, 0.9)
        return np.clip(out, 0, 0.6) * cv2.GaussianBlur(face, (0, 0), scale)

    def paint(self, light: Light) -> Array:
        """The frame's colours `[h, w, 3]`: shaded by a rounded profile, the face's light and its
        brightness."""
        style, front = self.style, self.front.astype(np.float32) / 255
        thick, metal = style.rim * self.head.scale * FINER / 2, style.rim < 1.8
        rise = np.clip(
            cv2.distanceTransform((self.front > 127).astype(np.uint8), cv2.DIST_L2, 3) / max(thick, 1), 0, 1
        )
        height = cv2.GaussianBlur(np.sqrt(1 - (1 - rise) ** 2), (0, 0), max(thick / 4, 0.8)) * (thick * 0.7)
        slopes = [cv2.Sobel(height, cv2.CV_32F, *by, scale=1 / 8) for by in ((1, 0), (0, 1))]
        length = np.sqrt(1 + slopes[0] ** 2 + slopes[1] ** 2)

        def facing(to: Array) -> Array:
            return np.clip(
                -(slopes[0] * float(to[0]) + slopes[1] * float(to[1]) + float(to[2])) / length, 0, 1
            )

        halfway = light.direction + np.array([0, 0, -1])
        glint = (
            facing(halfway / np.linalg.norm(halfway)) ** (9 if metal else 20)
            * style.shine
            * (0.4 if metal else 0.45)
        )
        base = self._base()
        lit = base * (0.55 + 0.7 * facing(light.direction))[..., None] + glint[..., None] * light.colour
        under = base * 0.55 + np.float32(0.02 + 0.02 * style.shine)
        weight = np.maximum(np.maximum(self.front, self.wall), self.arms).astype(np.float32)[..., None] / 255
        colours = lit * front[..., None] + under * (weight - front[..., None])
        small = self._small(colours) / np.maximum(self._small(weight), 1e-2)[..., None]
        level = light.exposure * (0.35 + 0.65 * light.level[self.window])
        return np.clip(small * level[..., None] * (0.5 + light.colour / 2), 0, 1)

    def _base(self) -> Array:
        base = np.array(self.style.colour, np.float32)
        if self.style.mottle is None:
            return np.broadcast_to(base, (*self.front.shape, 3))
        rows, columns = (max(round(side / self.head.scale / 4), 4) for side in self.shape)
        noise = np.random.default_rng(self.style.seed).normal(size=(rows, columns)).astype(np.float32)
        noise = cv2.resize(
            cv2.GaussianBlur(noise, (0, 0), 0.7), self.front.shape[::-1], interpolation=cv2.INTER_CUBIC
        )
        return base + np.clip(noise * 2 + 0.3, 0, 1)[..., None] * (
            np.array(self.style.mottle, np.float32) - base
        )


def _triple(colour: Array) -> tuple[float, float, float]:
    red, green, blue = (float(one) for one in colour)
    return red, green, blue
