"""A beard put on: thousands of short hairs along a direction field on the mesh, in the colour of the brows,
lit like the face."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from ..face import mesh, topology
from ..face.change import border_falloff, paste_window, window_overlay
from ..face.filters import to_lab
from ..face.lighting import Light, skin_coloured, softness
from ..face.pose import Head
from ..types import Alignment, Array, Change, Crop, Networks, Phase

# Mesh points from the ear to the chin, and the same to the other ear; a row nearer to the mouth each.
_LEFT = (
    (234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152),
    (227, 137, 177, 215, 138, 135, 169, 170, 140, 171, 175),
    (116, 123, 147, 213, 192, 214, 210, 211, 32, 208, 199),
    (117, 50, 187, 207, 216, 212, 202, 204, 194, 201, 200),
    (118, 101, 205, 206, 186, 57, 43, 106, 182, 83, 18),
)
_RIGHT = (
    (454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    (447, 366, 401, 435, 367, 364, 394, 395, 369, 396),
    (345, 352, 376, 433, 416, 434, 430, 431, 262, 428),
    (346, 280, 411, 427, 436, 432, 422, 424, 418, 421),
    (347, 330, 425, 426, 410, 287, 273, 335, 406, 313),
)
# The upper lip from the corner of the mouth to its middle, from the nose down; and the same to the other
# corner.
_LIP_LEFT = ((216, 206, 98, 97, 2), (57, 92, 165, 167, 164), (43, 185, 39, 37, 0))
_LIP_RIGHT = ((436, 426, 327, 326), (287, 322, 391, 393), (273, 409, 269, 267))
_NOSE = (98, 64, 48, 4, 278, 294, 327, 326, 2, 97)

# How much grows where, in ninths: rows from the neck over the jaw to the mouth, columns from the ear to the
# chin; then the upper lip.
SHAPES = {
    "full": (
        "00002333344",
        "58999999999",
        "36899999999",
        "00379999999",
        "00002899999",
        "00000686237",
        "24111",
        "88778",
        "67667",
    ),
    "circle": (
        "00000000123",
        "00000001699",
        "00000003999",
        "00000027999",
        "00000489889",
        "00002995248",
        "24111",
        "89999",
        "77778",
    ),
    "goatee": (
        "00000000234",
        "00000000699",
        "00000001899",
        "00000000799",
        "00000000589",
        "00000000039",
        "00000",
        "00000",
        "00000",
    ),
    "moustache": ("00000000000",) * 6 + ("13111", "69999", "57778"),
    "curtain": (
        "00012333344",
        "79999999999",
        "47889999999",
        "00133345678",
        "00000000025",
        "00000000002",
        "00000",
        "00000",
        "00000",
    ),
    "sideburns": (
        "00000000000",
        "99730000000",
        "99820000000",
        "03650000000",
        "00000000000",
        "00000000000",
        "00000",
        "00000",
        "00000",
    ),
}
_OUT = (0.0, 0.05, 0.1, 0.2, 0.3, 0.35, 0.3, 0.2, 0.15, 0.05, 0.0)  # how far hairs lean outwards, by column
_LIP_OUT = (0.45, 0.85, 0.8, 0.5, 0.0)
PER_CELL = 420  # hairs that a cell between four mesh points can hold
FINER = 2  # drawn so much finer than the crop
PARTS = 6  # of the hairs, drawn one over the other


@dataclass(frozen=True)
class Beard:
    """A beard put on a face: an edit, `Crop -> Change`. The default is a trimmed full beard in the colour of
    the brows.

    strength 0..1: from stubble to the whole of it; shape: a row of SHAPES; length and density: 1 is a trimmed
    beard's; tone and warmth: lightness and yellow added, in Lab; grey 0..1: the share of grey hairs; curl:
    how much hairs bend; seed: of where they grow.
    """

    strength: float = 1.0
    shape: str = "full"
    length: float = 1.0
    density: float = 1.0
    tone: float = 0.0
    warmth: float = 0.0
    grey: float = 0.0
    curl: float = 0.5
    seed: int = 0
    networks: Networks = ()
    alignment = Alignment("head", 512)
    phase = Phase.OVERLAY

    def __call__(self, crop: Crop) -> Change:
        return draw_beard(crop, self)[0]

    @staticmethod
    def random(rng: np.random.Generator, *, strength: float | None = None) -> Beard:
        """Some beard that men wear: of every shape, from stubble on."""
        shape = str(rng.choice(list(SHAPES), p=(0.5, 0.16, 0.08, 0.12, 0.08, 0.06)))
        return Beard(
            strength=float(rng.uniform(0.15, 1) if strength is None else strength),
            shape=shape,
            length=float(rng.uniform(0.5, 1.9)),
            density=float(rng.uniform(0.6, 1.2)),
            tone=float(rng.normal(2, 5)),
            warmth=float(rng.normal(0, 3)),
            grey=float(rng.beta(0.4, 2.0)),
            curl=float(rng.uniform(0, 1.2)),
            seed=int(rng.integers(1 << 31)),
        )


def draw_beard(crop: Crop, style: Beard) -> tuple[Change, Array]:
    """Put a beard on: the Change, and how much of each pixel hair covers, `[S, S]` float32 in 0..1."""
    size, head, light = crop.size, Head.of(crop.landmarks), Light.of(crop)
    roots, steps, tone, solid, amount = _hairs(crop, head, style)
    low = (
        np.clip(np.floor(roots.min(0) - 12 * head.scale), 0, size - 8).astype(int)
        if len(roots)
        else np.zeros(2, int)
    )
    high = (
        np.clip(np.ceil(roots.max(0) + 16 * head.scale), low + 8, size).astype(int) if len(roots) else low + 8
    )
    window = slice(low[1], high[1]), slice(low[0], high[0])
    cover, shade = _drawn(roots - low, steps, tone, solid, (int(high[1] - low[1]), int(high[0] - low[0])))
    free = _free(crop, head)[window]
    cover = cover * free
    skin = crop.pixels[window].astype(np.float32) / 255
    under = np.clip(cv2.GaussianBlur(cover, (0, 0), 1.3 * head.scale) * 1.35, 0, 1) * free
    level = light.level[window][..., None]
    colour = hair_colour(crop, style)
    shade **= float(np.clip(1.15 - 1.2 * colour.max(), 0.3, 1))  # light hair varies less
    hair = np.clip(colour * shade[..., None] * level, 0, 1)
    shown = skin + (0.62 * under * amount)[..., None] * (colour * level * 0.8 - skin)
    shown += (cover * amount)[..., None] * (hair - shown)
    colour = cv2.GaussianBlur(shown - skin, (0, 0), softness(crop))
    covered = np.clip(np.maximum(cover, 0.62 * under) * amount, 0, 1)
    return window_overlay(crop, window, colour), paste_window(covered, window, size) * border_falloff(size)


def hair_colour(crop: Crop, style: Beard | None = None) -> Array:
    """The colour of the face's hair as its brows have it, `[3]` in 0..1: their dark quarter, never lighter
    than the skin."""
    lab = to_lab(crop.pixels)
    brows = np.zeros((crop.size,) * 2, np.uint8)
    for brow in topology.BROWS:
        cv2.fillPoly(brows, [np.rint(crop.landmarks[list(brow)]).astype(np.int32)], 1)
    cheeks = np.clip(np.rint(crop.landmarks[[50, 280, 205, 425]]), 0, crop.size - 1).astype(int)
    skin = np.median(lab[cheeks[:, 1], cheeks[:, 0]], axis=0)
    found = lab[brows > 0] if brows.any() else skin[None] * 0.4
    dark = np.median(found[found[:, 0] <= np.quantile(found[:, 0], 0.25)], axis=0)
    style = style or Beard()
    dark = dark + 0.3 * (dark - skin) * min(
        1.0, 28 / max(float(skin[0] - dark[0]), 1.0)
    )  # brows are thin: skin shows through
    apart = np.interp(
        skin[0], (35, 50), (24, 14)
    )  # lightness: on dark skin less is hardly seen, and beards are black
    lightness = np.clip(min(dark[0], skin[0] - apart) + style.tone, 7, 66)
    warm = float(np.clip(dark[2], 0, 14))
    chroma = np.array([np.clip(dark[1], 0.4 * warm, 2 + 0.65 * warm), warm])
    colour = np.array([[[lightness, chroma[0] + style.warmth * 0.5, chroma[1] + style.warmth]]], np.float32)
    return np.clip(cv2.cvtColor(colour, cv2.COLOR_Lab2RGB)[0, 0], 0.02, 1)


def _hairs(crop: Crop, head: Head, style: Beard) -> tuple[Array, Array, Array, Array, float]:
    """Every hair: root `[N, 2]` in crop xy, steps along it `[N, 3, 2]`, tone and opacity `[N]`; and how
    opaque they all are."""
    strength, chance = float(style.strength), np.random.default_rng(style.seed)
    parts = []
    for nodes, wanted, leans, lip in _fields(crop.landmarks, head, style.shape):
        parts.append(_grown(nodes, wanted, leans, head, style, chance, lip))
    roots, steps, tone, need, solid = (np.concatenate(one) for one in zip(*parts, strict=True))
    keep = need < style.density * (0.45 + 0.55 * strength**0.8) * (strength > 0)
    x, y = np.clip(np.rint(roots), 0, crop.size - 1).astype(int).T
    inside = np.maximum(skin_coloured(crop), mesh.hull_mask(crop.landmarks, crop.size))[y, x] > 0.6
    keep &= inside
    return (
        roots[keep],
        steps[keep],
        tone[keep],
        solid[keep],
        min(1.0, 0.3 + 0.9 * strength**0.8) * min(strength * 12, 1),
    )


def _fields(points: Array, head: Head, shape: str) -> list[tuple[Array, Array, Array, bool]]:
    """Both sheets of hair: nodes `[R, C, 2]` (crop xy), how much grows there, how far it leans outwards;
    whether on the lip."""
    rows = [*SHAPES[shape]]
    ninths = np.array([[int(digit) for digit in row] for row in rows[:6]], np.float32) / 9
    lip = np.array([[int(digit) for digit in row] for row in rows[6:]], np.float32) / 9

    def both(left: Any) -> Any:
        return np.concatenate([left, left[..., -2::-1]], -1)

    face = points[np.array([[*a, *b[::-1]] for a, b in zip(_LEFT, _RIGHT, strict=True)])].astype(np.float64)
    neck = face[0] + 0.35 * (face[0] - face[1]) + head.turn[:2, 1] * head.scale * 6
    upper = points[np.array([[*a, *b[::-1]] for a, b in zip(_LIP_LEFT, _LIP_RIGHT, strict=True)])].astype(
        np.float64
    )
    upper[0] = upper[0] * 0.55 + upper[1] * 0.45  # below the nostrils
    lean = np.array(_OUT)
    lip_lean = np.array(_LIP_OUT)

    def signed(one: Any) -> Any:
        return np.concatenate([-one, one[-2::-1]])

    return [
        (np.concatenate([neck[None], face]), both(ninths), signed(lean), False),
        (upper, both(lip), signed(lip_lean), True),
    ]


def _grown(
    nodes: Array,
    wanted: Array,
    leans: Array,
    head: Head,
    style: Beard,
    chance: np.random.Generator,
    lip: bool,
) -> tuple[Array, ...]:
    """The hairs of one sheet: root, steps, tone, and the density from which on each is there."""
    rows, columns = nodes.shape[0] - 1, nodes.shape[1] - 1
    count = rows * columns * PER_CELL
    v, u = np.divmod(np.repeat(np.arange(rows * columns), PER_CELL), columns)
    du, dv = chance.random((2, count))
    noise = chance.normal(size=(4, count))
    rank = chance.random(count) * PER_CELL

    def at(table: Array) -> Array:

        def weight(one: Any) -> Any:
            return one[:, None] if table.ndim == 3 else one

        top = table[v, u] * weight(1 - du) + table[v, u + 1] * weight(du)
        low = table[v + 1, u] * weight(1 - du) + table[v + 1, u + 1] * weight(du)
        return top * weight(1 - dv) + low * weight(dv)

    a, b, c = nodes[:-1, :-1], nodes[:-1, 1:], nodes[1:, :-1]
    d = nodes[1:, 1:]
    area = 0.5 * np.abs((d - a)[..., 0] * (c - b)[..., 1] - (d - a)[..., 1] * (c - b)[..., 0]) / head.scale**2
    amount = at(wanted)
    per = 1.5 if lip else 1.3  # hairs on a square millimetre
    need = rank / np.maximum(area[v, u] * per, 1e-3) / np.maximum(amount, 1e-3) ** 1.3
    need[amount < 0.05] = np.inf
    drift, clump = (
        _waves(chance, rows, columns, per)[(v * 8 + dv * 8).astype(int), (u * 8 + du * 8).astype(int)]
        for per in (1.3, 4)
    )
    lean = leans[u] * (1 - du) + leans[u + 1] * du
    angle = np.arctan2(lean, 1) + 0.22 * noise[0] + 0.12 * drift + 0.18 * clump
    bend = style.curl * (0.3 * noise[1] + 0.25 * clump)
    grown = float(style.strength) ** 1.5
    chin = 1 - np.abs((u + du) / columns * 2 - 1)  # 0 at the ears
    longest = (4.5 if lip else 2.6 + 5.0 * chin) * style.length * (0.4 + 0.6 * amount)
    length = (0.3 + (longest - 0.3) * grown) * np.exp(0.3 * noise[2])
    turns = angle[:, None] + bend[:, None] * np.array([-0.5, 0.3, 1.1])
    local = np.stack([np.sin(turns), np.cos(turns)], -1) * (length / 3)[:, None, None]
    steps = local @ head.turn[:2, :2].T * head.scale
    depth = 0.95 if lip else np.interp(v + dv, (0, 1, 2.5, 5), (0.62, 0.8, 1.0, 0.9))  # darker below the jaw
    tone = depth * np.exp(0.34 * noise[3] + 0.1 * drift + 0.16 * clump)
    tone = np.where(chance.random(count) < style.grey, tone + 1.6, tone)
    return (
        at(nodes),
        steps,
        np.clip(tone, 0.45, 3.2),
        need,
        np.clip((0.12 + 0.92 * amount + 0.12 * noise[2]) * (0.55 + 0.45 * float(style.strength)), 0.15, 1),
    )


def _waves(chance: np.random.Generator, rows: int, columns: int, per: float) -> Array:
    """Smooth noise of about unit deviation over a sheet, `per` waves a cell: `[8 rows + 1, 8 columns +
    1]`."""
    coarse = chance.normal(size=(round(rows * per) + 1, round(columns * per) + 1)).astype(np.float32)
    return cv2.resize(coarse, (columns * 8 + 1, rows * 8 + 1), interpolation=cv2.INTER_CUBIC) * 1.2


def _drawn(
    roots: Array, steps: Array, tone: Array, solid: Array, shape: tuple[int, int]
) -> tuple[Array, Array]:
    """The hairs drawn: how much of each pixel they cover, and their mean tone, `[h, w]` each."""
    big = np.zeros((shape[0] * FINER, shape[1] * FINER), np.uint8)
    tones = np.full_like(big, 60)
    if len(roots):
        lines = np.concatenate([roots[:, None], roots[:, None] + np.cumsum(steps, 1)], 1)
        fixed = np.rint(((lines + 0.5) * FINER - 0.5) * 16).astype(np.int32)
        for part in np.array_split(np.argsort(solid), PARTS):  # the fainter first
            if len(part):
                cv2.polylines(
                    big, list(fixed[part]), False, round(255 * float(solid[part].mean())), 1, cv2.LINE_AA, 4
                )
        order = np.argsort(tone)
        for part in np.array_split(order, PARTS):
            if len(part):
                cv2.polylines(
                    tones,
                    list(fixed[part]),
                    False,
                    round(float(np.clip(tone[part].mean() * 78, 0, 255))),
                    1,
                    cv2.LINE_AA,
                    4,
                )

    def small(one: Any) -> Any:
        return cv2.resize(one, shape[::-1], interpolation=cv2.INTER_AREA).astype(np.float32)

    return small(big) / 255, small(tones) / 78


def _free(crop: Crop, head: Head) -> Array:
    """Where hair may be: neither on the lips nor in the nostrils, and not far beyond the face but for below
    the chin. `[S, S]` in 0..1."""
    away = cv2.distanceTransform(1 - mesh.hull_mask(crop.landmarks, crop.size), cv2.DIST_L2, 3) / head.scale
    out = np.exp(-np.maximum(away - 1, 0) / 3 * (1 - 0.7 * skin_coloured(crop)))
    out *= 1 - mesh.polygon_mask(
        crop.landmarks, topology.LIPS, crop.size, feather=0.35 * head.scale, grow=0.3 * head.scale
    )
    return out * (1 - mesh.polygon_mask(crop.landmarks, _NOSE, crop.size, feather=0.8 * head.scale))
