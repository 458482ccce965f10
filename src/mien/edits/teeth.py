"""The inside of a mouth, drawn: an upper arch of teeth modelled in millimetres, gums, tongue and the dark
behind them, lit like the face.

Crowns are about as wide and long as Magne et al. measured them (2003, J Prosthet Dent 89:453). Colours are
fitted to 190 photos of toothy smiles, of people of all shades: how light teeth are against skin and the white
of the eyes, and how much red and yellow they share.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..face import filters, mesh, skin
from ..face.filters import smoothstep
from ..face.lighting import Light, softness
from ..face.pose import Head
from ..types import Alignment, Array, Crop

# From the middle of the arch to the back, mm: width, length, how much higher than the central ones it ends,
# how deep and how sharply (the power) its end is rounded, and how much darker and yellower (Lab) it is.
CROWNS = np.array([
    (8.6, 10.2, 0.0, 1.0, 4.0, 0.0, 0.0),
    (6.7, 8.8, 0.9, 1.2, 3.0, -1.0, 0.5),
    (7.6, 10.0, 0.3, 1.7, 1.7, -3.5, 2.5),
    (7.1, 8.5, 0.9, 1.3, 1.9, -2.5, 1.5),
    (6.8, 7.8, 1.3, 1.0, 2.2, -3.0, 1.5),
    (10.2, 7.2, 1.8, 1.0, 2.5, -4.0, 2.0),
])  # fmt: skip
UPPER = (
    78,
    191,
    80,
    81,
    82,
    13,
    312,
    311,
    310,
    415,
    308,
)  # the line of the inner lips, from the photo's left
LOWER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
ASIDE, BACK = 28.5, 34.0  # half axes of the arch, an ellipse
RISE = 0.26  # how much higher teeth end, per mm that they lie behind the front ones
BELOW, BEHIND = 3.6, 4.0  # mm from the line between closed lips to the ends of the front teeth
DARK = np.array([0.20, 0.09, 0.08], np.float32)  # of a mouth in common light: behind the teeth,
TONGUE = np.array([0.36, 0.165, 0.15], np.float32)  # and far down in it
USUAL = 80.0  # lightness of teeth in common light
IN_LIGHT = 10.0  # how much lighter teeth are in full light than most of what is seen of them


@dataclass(frozen=True, eq=False)
class Arch:
    """One person's upper teeth: per tooth, from the photo's left to its right, its `ends [T + 1]` along the
    arch in mm from the middle, and `crowns [T, 7]` as in CROWNS; lean `[T]`: how much farther down its right
    half ends, in mm; turn `[T]`: how far it faces to the photo's right of where the arch does, in radians."""

    ends: Array
    crowns: Array
    lean: Array
    turn: Array

    @staticmethod
    def of(seed: int) -> Arch:
        """The usual teeth, each a little off in its own way."""
        chance = np.random.default_rng(seed)
        crowns = np.concatenate([CROWNS[::-1], CROWNS])
        crowns[:, 0] *= chance.normal(1, 0.02, len(crowns))
        crowns[:, 2] += chance.normal(0, 0.15, len(crowns))
        crowns[:, 5] += chance.normal(0, 0.9, len(crowns))
        ends = np.concatenate([[0.0], np.cumsum(crowns[:, 0])])
        return Arch(
            ends - ends[len(CROWNS)] + chance.normal(0, 0.4),
            crowns,
            chance.normal(0, 0.15, len(crowns)),
            chance.normal(0, 0.12, len(crowns)),
        )


@dataclass(frozen=True, eq=False)
class _Places:
    """Where on the arch each pixel `[h, w]` looks: along it and above the ends of the front teeth (mm), how
    far behind them, whether there is anything at all, and which way the arch faces there, `[h, w, 2]` (x,
    z)."""

    along: Array
    above: Array
    behind: Array
    there: Array
    facing: Array


def _places(head: Head, lips: Array, here: mesh.Window) -> _Places:
    """lips `[2]` (crop xy): the middle of the line between the lips when they are closed, by which the teeth
    lie in the skull."""
    right, down, away = head.matrix[:, 0] * head.wide, head.matrix[:, 1], head.matrix[:, 2]
    t = np.linspace(-1.3, 1.3, 400)
    x, z = ASIDE * np.sin(t), BACK * (1 - np.cos(t))
    along = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(z)))])
    along -= np.interp(0, t, along)
    aside = np.array([down[1], -down[0]]) / np.hypot(
        *down
    )  # where what lies higher or lower on the arch is seen at one place
    seen = x * (aside @ right) + z * (aside @ away)
    middle, rising = len(t) // 2, np.diff(seen) > 0
    first = middle - int(np.argmin(np.append(rising[:middle][::-1], False)))
    last = middle + int(np.argmin(np.append(rising[middle:], False)))
    part = slice(first, last + 1)
    offset = here.places + np.array([here.left, here.top]) - lips - BELOW * down - BEHIND * away
    side = offset @ aside
    at = np.interp(side, seen[part], t[part])
    x, z = ASIDE * np.sin(at), BACK * (1 - np.cos(at))
    low = (offset - x[..., None] * right - z[..., None] * away) @ down / (down @ down)
    normal = np.stack([BACK * np.sin(at), -ASIDE * np.cos(at)], -1)
    there = smoothstep(np.minimum(side - seen[first], seen[last] - side) / head.scale, 0, 0.5)
    facing = normal / np.linalg.norm(normal, axis=-1, keepdims=True)
    return _Places(np.interp(at, t, along), -low - RISE * z, z, there, facing)


def inside(crop: Crop, moved: Array, here: mesh.Window, *, upper: float = 1.0, seed: int = 0) -> Array:
    """What is seen between the lips of `moved [V, 2]` (crop xy) by whom `crop` shows with other lips: `[side,
    side, 3]` in 0..1.

    upper 0..1: how much of the upper teeth is there; behind them it is dark, and far down in a wide mouth
    lies the tongue.
    """
    head, half = Head.of(crop.landmarks), halved(crop)
    even, white = _usual_in(half, here)
    under, top, bottom = between(here.local(moved), here)
    roof, gap = (under - top) / head.scale, (bottom - top) / head.scale
    out = _behind(white, roof, gap)
    if upper:
        places = _places(head, crop.landmarks[13], here)
        colours, cover = _teeth(places, Arch.of(seed), even, white, head, Light.of(half))
        shade = _shade(places, roof, gap)[..., None] ** np.array((0.85, 1.0, 1.08), np.float32)
        out += (upper * cover)[..., None] * shade * (colours - out)
    return filters.blur(np.clip(out, 0, 1).astype(np.float32), 2 * softness(half))


def arch_layer(crop: Crop, here: mesh.Window, *, seed: int = 0) -> tuple[Array, float]:
    """The upper teeth of whom a crop shows, all of them as if no lip were before them, `[side, side, 4]`: their
    colours where they cover what is behind, and how much they do; and how light the mouth behind them is, against
    common light."""
    head, half = Head.of(crop.landmarks), halved(crop)
    even, white = _usual_in(half, here)
    places = _places(head, crop.landmarks[13], here)
    colours, cover = _teeth(places, Arch.of(seed), even, white, head, Light.of(half))
    back = 1 - 0.7 * smoothstep(places.behind, 3, 18)
    layer = np.dstack([np.clip(colours, 0, 1) * (back * cover)[..., None], cover]).astype(np.float32)
    dim = float(np.clip(np.median(white[..., 0]) / USUAL, 0.3, 1.1))
    return filters.blur(layer, 2 * softness(half)), dim


def front_ends(crop: Crop) -> Array:
    """The matrix `[2, 3]` that takes millimetres to the right of the ends of the front teeth and below them to a crop."""
    head = Head.of(crop.landmarks)
    right, down, away = head.matrix[:, :3].T
    return np.column_stack([head.wide * right, down, crop.landmarks[13] + BELOW * down + BEHIND * away])


def _usual_in(half: Crop, here: mesh.Window) -> tuple[Array, Array]:
    """`usual` of a halved crop, in a window of the whole one."""
    look = (here.places + np.array([here.left, here.top], np.float32)) / 2 - 0.25
    even, white = (
        cv2.remap(
            one.astype(np.float32),
            look[..., 0],
            look[..., 1],
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        for one in usual(filters.to_lab(half.pixels), half.landmarks)
    )
    return even, white


def halved(crop: Crop) -> Crop:
    """The same crop with half the pixels on a side: motion is smooth, and needs no more."""
    size = crop.size // 2
    depth = None if crop.depth is None else crop.depth / 2
    matrix = crop.matrix / 2 - np.array([[0, 0, 0.25]] * 2)
    pixels = cv2.resize(crop.pixels, (size, size), interpolation=cv2.INTER_AREA)
    return Crop(pixels, matrix, Alignment(crop.alignment.template, size), crop.landmarks / 2 - 0.25, depth)


def usual(lab: Array, points: Array) -> tuple[Array, Array]:
    """What colour the skin would have in a face's light all over, and what colour teeth have where that
    reaches them: two times `[S, S, 3]` Lab. Teeth are told by the lightest skin and by the white of the eyes:
    dark skin in bright light is not light skin in the dark."""
    even, hull, whites = (
        skin.fit_skin_shading(lab, points),
        mesh.hull_mask(points, len(lab)) > 0,
        skin.sclera_mask(lab, points) > 0.5,
    )
    face = lab[hull]
    bright = face[np.argsort(face[:, 0])[-max(len(face) // 12, 1) :]].mean(0)
    by_skin = min(
        bright[0] - 4, float(np.median(even[..., 0][hull])) + 24
    )  # no lighter than that, or a rim of light would tell
    by_eyes = float(np.median(lab[..., 0][whites])) + 14 if whites.any() else 0.0
    level = max(by_skin, by_eyes)
    level = min(level, 72 + 0.4 * (level - 72))
    here = even[..., 0] - np.median(even[..., 0][hull])
    yellow = np.maximum(0.56 * bright[2] + 0.8, 0.45 * even[..., 2] + 0.5)
    return even, np.stack([level + IN_LIGHT + 0.6 * here, 0.34 * even[..., 1] - 1.0, yellow], -1)


def axes(points: Array) -> tuple[Array, Array]:
    """Along the lips to the photo's right, and down, `[2]` each."""
    across = points[UPPER[-1]] - points[UPPER[0]]
    across = across / max(float(np.linalg.norm(across)), 1e-6)
    return across, np.array([-across[1], across[0]])


def between(points: Array, here: mesh.Window) -> tuple[Array, Array, Array]:
    """How far down each pixel of a window lies, and there the upper lip's end and the lower one's, for lips
    at `points [V, 2]` of the window: three times `[side, side]` in pixels."""
    across, down = axes(points)
    side, under = here.places @ across, here.places @ down
    ends = []
    for row in (UPPER, LOWER):
        order = np.argsort(points[list(row)] @ across)
        ends.append(
            np.interp(side, (points[list(row)] @ across)[order], (points[list(row)] @ down)[order]).astype(
                np.float32
            )
        )
    return under.astype(np.float32), ends[0], np.maximum(*ends)


def _behind(white: Array, roof: Array, gap: Array) -> Array:
    """The dark, and the tongue where the lips are farther apart than in a smile. roof, gap `[h, w]`, mm: how
    far below the upper lip, and how far the lips are apart there."""
    tongue = smoothstep(gap, 7, 15) * smoothstep(roof / np.maximum(gap, 1), 0.35, 0.95)
    dim = np.clip(white[..., :1] / USUAL, 0.3, 1.1)
    return (DARK + tongue[..., None] * (TONGUE - DARK)) * dim


def _shade(places: _Places, roof: Array, gap: Array) -> Array:
    """How much light reaches the teeth: less right under the lip, far back, and where the lips are hardly
    apart."""
    lip = 0.64 + 0.36 * smoothstep(roof, -0.3, 2.6)
    back = 1 - 0.7 * smoothstep(places.behind, 3, 18)
    return lip * back * (0.74 + 0.26 * smoothstep(gap, 0.3, 4.0))


def _teeth(
    places: _Places, arch: Arch, even: Array, white: Array, head: Head, light: Light
) -> tuple[Array, Array]:
    """Teeth and gums in full light `[h, w, 3]`, and how much of each pixel they cover."""
    pixel = 1 / head.scale
    which = np.clip(np.searchsorted(arch.ends, places.along) - 1, 0, len(arch.lean) - 1)
    width, length, higher, deep, power, darker, yellower = np.moveaxis(arch.crowns[which], -1, 0)
    u = np.clip(
        (places.along - arch.ends[which]) / width * 2 - 1, -1, 1
    )  # from one side of the tooth to the other
    v = places.above - higher + arch.lean[which] * u - deep * np.abs(u) ** power  # above its end
    cover = smoothstep(v, -0.6 * pixel, max(0.35, 0.9 * pixel)) * places.there
    beside = (1 - np.abs(u)) * width / 2  # mm to the next tooth
    seam = np.exp(-((beside / max(0.34, 0.6 * pixel)) ** 2)) * (0.13 + 0.33 * smoothstep(v, 2.5, 0.0))
    bulge = 0.9 * u**3 + arch.turn[which]
    x, z = (places.facing[..., k] for k in (0, 1))
    normal = np.stack(
        [
            x * np.cos(bulge) - z * np.sin(bulge),
            0.6 * (0.4 - v / length),
            z * np.cos(bulge) + x * np.sin(bulge),
        ],
        -1,
    )
    normal = normal / np.linalg.norm(normal, axis=-1, keepdims=True) @ head.turn.T
    facing = np.clip(normal @ light.direction, 0, 1) / max(-float(light.direction[2]), 0.3)
    halfway = light.direction - np.array([0, 0, 1])
    wet = 0.10 * np.clip(normal @ (halfway / np.linalg.norm(halfway)), 0, 1) ** 50
    near_gum = smoothstep(v / length, 0.45, 1.0)
    lab = white + np.stack(
        [darker - 3 * near_gum - 3 * smoothstep(v, 1.6, 0.2), 0.8 * near_gum, yellower + 2.5 * near_gum], -1
    )
    teeth = (
        _rgb(lab)
        * (0.6 + 0.4 * np.minimum(facing, 1.15))[..., None]
        * (1 - seam)[..., None] ** np.array((0.8, 1, 1.1), np.float32)
    )
    teeth += wet[..., None] * (light.exposure * light.colour - teeth)
    gum = smoothstep(v - length + 1.8 * np.abs(u) ** 2.5, -0.3, 0.3)[..., None]
    gums = _rgb(np.stack([0.8 * even[..., 0], 10 + 0.9 * even[..., 1], 4 + 0.5 * even[..., 2]], -1))
    return teeth + gum * (gums - teeth), cover


def _rgb(lab: Array) -> Array:
    lab = np.concatenate([np.clip(lab[..., :1], 0, 93), lab[..., 1:]], -1)
    return np.clip(cv2.cvtColor(lab.astype(np.float32), cv2.COLOR_Lab2RGB), 0, 1)
