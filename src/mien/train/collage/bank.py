"""The bank: all tables that the generator's two modules are made of."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ...face.topology import POINTS
from ...models.card import Condition
from ...types import Array
from .layout import SIZE
from .portraits import Portraits
from .selection import imagined, shown
from .statistics import ATTRIBUTES, COLOURS, MOUTH, TONES, Statistics, as_ycc

PICK = 16.0  # how surely z is one member
DRAWS, ROUNDS, STEP = 4000, 12, 2.0  # to make all members as likely
LOTS = 6  # numbers in which a choice is left to chance
CHOSEN = 32  # numbers of z that choose a member
KEPT, KEPT_CHROMA = 26, 8  # of 64 coefficients of a block
AWAY, LIKENESS = 20.0, (0.66, 0.14)  # that features of a look-alike cost, below which distance, over which
HANGING, HAIR = 25.0, 0.015  # that a donor costs whose hair hangs over more of the feature
BARRED = 1000.0  # that a base costs whose head may not be shown
OWN = 30.0  # that a portrait's own features cost
OLDER = 15.0  # years that all shapes and textures are shifted by: mixed faces look younger than their pieces
TINT = 0.4  # of the spread of hair colours that attributes leave open
BASE = {  # what a base is chosen by
    **{"sex": 2.5, "age": 0.5, "beard": 0.7, "tone_luma": 0.6, "tone_cr": 0.25, "tone_cb": 0.25},
    **{"yaw": 0.25, "pitch": 0.15, "side_light": 0.05, "hair_luma": 0.35, "hair_cr": 0.15, "hair_cb": 0.15},
    **dict.fromkeys(MOUTH, 0.05),
    **{f"hair_{k}": 0.35 / (1 + 0.3 * k) for k in range(8)},
}
ALL = {"tone_cr": 1.2, "tone_cb": 1.2, "pitch": 0.6}
DONORS = (  # and those whose eyes, nose and mouth it gets
    ALL | {"sex": 4, "age": 1.6, "tone_luma": 2, "yaw": 1.2, "side_light": 1},
    ALL | {"sex": 2, "age": 0.8, "tone_luma": 2, "yaw": 1.5, "side_light": 1.5},
    ALL | {"sex": 4, "age": 1.2, "tone_luma": 1.2, "yaw": 1.2, "side_light": 1, "beard": 3, "hair_luma": 0.6},
)
STRETCH = (0.35, 0.1, 3.0)  # how much it counts for each that its mouth has the shape that is wanted
CONDITIONS = (
    Condition("age", "years", 20, 75),
    Condition("sex", "", -1, 1),
    Condition("smile", "", 0, 1),
    Condition("yaw", "degrees", -10, 10),
    Condition("hair_red", "", 0, 255),
    Condition("hair_green", "", 0, 255),
    Condition("hair_blue", "", 0, 255),
    Condition("skin_red", "", 0, 255),
    Condition("skin_green", "", 0, 255),
    Condition("skin_blue", "", 0, 255),
)
STRICT = {
    **{"age": 40.0, "sex": 100.0, "yaw": 4.0, **dict.fromkeys(TONES, 6.0)},
    **dict.fromkeys(COLOURS, 1.0),
    **dict.fromkeys(MOUTH, 4.0),
}


@dataclass(frozen=True, eq=False)
class Bank:
    """files: the portraits' names. whole: tables of whole numbers by name; tables and mapping: the others that
    Collage and Mapper want."""

    files: tuple[str, ...]
    whole: dict[str, Array]
    tables: dict[str, Array]
    mapping: dict[str, Array]


def collect(portraits: Portraits, statistics: Statistics, chosen: Array, seed: int = 0) -> Bank:
    """The bank of the portraits `chosen [K]` (numbers), which count twice: as they are, and mirrored."""
    random = np.random.default_rng(seed)
    both = np.concatenate([chosen, chosen + len(portraits.rows)])
    pictures = as_ycc(portraits.pictures[chosen]) - 128
    chroma = np.stack(
        [
            [cv2.resize(one[..., k], (SIZE // 2,) * 2, interpolation=cv2.INTER_AREA) for k in (1, 2)]
            for one in pictures
        ]
    )
    luma, luma_basis, luma_odd = coded(pictures[:, None, ..., 0], KEPT, 4, 1.6)
    chroma, chroma_basis, chroma_odd = coded(chroma, KEPT_CHROMA, 5, 2)
    near, weights = portraits.layout.weights
    apart = np.linalg.norm(portraits.identity[chosen][:, None] - portraits.identity[chosen], axis=2)
    alike = AWAY * np.clip((LIKENESS[0] - apart) / LIKENESS[1], 0, 1)
    np.fill_diagonal(alike, OWN)
    layout, members = portraits.layout, statistics.attributes[both]
    centre, spread = (one[-len(COLOURS) :] for one in (statistics.centre, statistics.spread))
    whole = {"luma": luma[:, 0], "chroma": chroma, "near": near.astype(np.int16)}
    whole["hair"] = portraits.region("hair")[chosen]
    tables = {
        "luma_basis": luma_basis, "luma_odd": luma_odd, "chroma_basis": chroma_basis, "chroma_odd": chroma_odd,
        "members": members, "lottery": random.standard_normal((len(both), LOTS)), "alike": alike,
        "bases": BARRED * ~np.tile(shown(portraits)[chosen], 2),
        "covered": HANGING * (np.tile(_hanging(portraits, chosen), 2) > HAIR),
        "base_weights": _weights(BASE), "donor_weights": np.stack([_weights(one) for one in DONORS]),
        "stretch_weights": np.array(STRETCH),
        "mouths": statistics.mouths[both], "mouth_of_shape": statistics.mouth_of_shape,
        "regions": layout.regions, "skin": layout.skin, "canonical": layout.points[:POINTS],
        "mean_shape": statistics.mean_shape, "shapes": statistics.shapes, "textures": statistics.textures,
        "weights": weights, "hair_mean": centre, "hair_spread": spread,
    }  # fmt: skip
    barred = tables["bases"] > 0
    mapping = _mapping(portraits, statistics, members, barred, random)
    return Bank(tuple(portraits.rows[k]["file"] for k in chosen), whole, tables, mapping)


def _hanging(portraits: Portraits, chosen: Array) -> Array:
    """How much of eyes, nose and mouth hair covers, `[3, K]` in 0..1."""
    small = [cv2.resize(part, (64, 64), interpolation=cv2.INTER_AREA) for part in portraits.layout.regions]
    hair = portraits.region("hair")[chosen] / 255
    return np.stack([np.tensordot(part, hair, ((0, 1), (1, 2))) / part.sum() for part in small])


def coded(planes: Array, kept: int, least: float, slope: float) -> tuple[Array, Array, Array]:
    """Planes `[K, P, s, s]` as codes `[K, P, (s/8)^2, kept]` int8: the coefficients of 8 x 8 blocks that hold most
    (JPEG's transform and steps, without its entropy coding). With the basis `[kept, 64]` that gives blocks again, and
    the sign `[kept]` that each has in a mirror."""
    u = np.arange(8)
    waves = np.sqrt(np.where(u, 2, 1) / 8)[:, None] * np.cos(
        (2 * u + 1) * u[:, None] * np.pi / 16
    )  # [frequency, place]
    side = planes.shape[-1] // 8
    blocks = planes.reshape(*planes.shape[:2], side, 8, side, 8)
    found = np.einsum("ux,kpaxby,vy->kpabuv", waves, blocks, waves, optimize=True).reshape(
        *planes.shape[:2], side * side, 64
    )
    chosen = np.sort(np.argsort(-(found**2).mean((0, 1, 2)), kind="stable")[:kept])
    rows, columns = np.divmod(chosen, 8)
    steps = np.clip(least + slope * (rows + columns), least, 16)
    steps[chosen == 0] = 8.06  # 127 of them are the brightest
    codes = np.clip(np.rint(found[..., chosen] / steps), -127, 127).astype(np.int8)
    basis = np.einsum("kx,ky->kxy", waves[rows], waves[columns]).reshape(kept, 64) * steps[:, None]
    return codes, basis, np.where(columns % 2, -1.0, 1.0)


def _weights(known: dict[str, float]) -> Array:
    return np.array([known.get(name, 0.0) for name in ATTRIBUTES])


def _mapping(
    portraits: Portraits, statistics: Statistics, members: Array, barred: Array, random: np.random.Generator
) -> dict[str, Array]:
    """The tables of Mapper."""
    corners = random.standard_normal((len(members), CHOSEN))
    use = imagined(portraits) & (portraits.label("hat") == 0)
    use = np.concatenate([use, use])
    attributes, shapes = statistics.attributes[use], statistics.coefficients[use]
    slopes = _fit(attributes, shapes)
    left = shapes - np.c_[attributes, np.ones(len(attributes))] @ slopes
    tints = members[:, -len(COLOURS) :]
    others = members[
        :,
        [k for k, name in enumerate(ATTRIBUTES) if name in ("age", "tone_luma", "tone_cr", "tone_cb", "sex")],
    ]
    rest = tints - np.c_[others, np.ones(len(others))] @ _fit(others, tints)
    jitter = np.zeros((len(COLOURS), len(ATTRIBUTES)))
    jitter[:, -len(COLOURS) :] = TINT * _root(np.cov(rest.T))
    asking, offset = _asking(portraits, statistics)
    corners /= np.linalg.norm(corners, axis=1, keepdims=True)
    return {
        "members": members,
        "corners": corners,
        "bias": _equal(corners, barred, random),
        "slopes": slopes,
        "spread": _root(np.cov(left.T)),
        "jitter": jitter,
        "asking": asking,
        "asking_offset": offset,
        "strict": _weights(STRICT),
        "shift": OLDER * directions(portraits, statistics)["age"],
    }


def _equal(corners: Array, barred: Array, random: np.random.Generator) -> Array:
    """What is added to the chances of members `[M]` for all to be drawn as often; those barred never are."""
    bias = np.where(barred, -BARRED, 0.0)
    chance = random.standard_normal((DRAWS, CHOSEN)) @ corners.T * PICK
    for _ in range(ROUNDS):
        logits = chance + bias
        share = np.exp(logits - logits.max(1, keepdims=True))
        drawn = (share / share.sum(1, keepdims=True)).mean(0)
        bias += np.where(barred, 0, -STEP * np.log(np.maximum(drawn * (~barred).sum(), 0.1)))
    return bias


def directions(portraits: Portraits, statistics: Statistics) -> dict[str, Array]:
    """Where faces get older by a year, more masculine and smiling: shape and texture only, so that the pieces stay
    those of the same people."""
    count, raw = len(portraits.rows), statistics.raw
    smile = portraits.label("smile")
    mouth = portraits.mouth[:, 1] + 0.6 * portraits.mouth[:, 0]
    mouth = (mouth - mouth.mean()) / (mouth[smile > 0].mean() - mouth[smile == 0].mean())
    x = np.column_stack([raw("age"), raw("sex"), mouth, portraits.pose, np.ones(count)])
    y = np.concatenate([statistics.coefficients[:count], statistics.texture_coefficients], 1)
    slopes = np.linalg.lstsq(x, y, rcond=None)[0]
    attributes, lots = np.zeros(len(ATTRIBUTES)), np.zeros(4 * LOTS)
    shapes = len(statistics.shapes)
    return {
        name: np.concatenate([attributes, slope[:shapes], lots, slope[shapes:]])
        for name, slope in zip(("age", "sex", "smile"), slopes, strict=False)
    }


def _asking(portraits: Portraits, statistics: Statistics) -> tuple[Array, Array]:
    """What attributes a condition means, `[K, A]` and `[A]`: linear in the conditions."""
    asking, offset = np.zeros((len(CONDITIONS), len(ATTRIBUTES))), np.zeros(len(ATTRIBUTES))
    names = [one.name for one in CONDITIONS]
    smile, raw = portraits.label("smile"), portraits.mouth
    neutral, smiling = raw[smile == 0].mean(0), raw[smile == 2].mean(0)
    for name in ("age", "sex", "yaw"):
        asking[names.index(name), ATTRIBUTES.index(name)] = 1
    first = ATTRIBUTES.index(MOUTH[0])
    asking[names.index("smile"), first : first + 3], offset[first : first + 3] = smiling - neutral, neutral
    primaries = as_ycc(np.vstack([np.zeros(3), np.eye(3)])[:, None, None])[:, 0, 0]
    for red, first in (("hair_red", COLOURS[0]), ("skin_red", TONES[0])):
        row, column = names.index(red), ATTRIBUTES.index(first)
        asking[row : row + 3, column : column + 3] = primaries[1:] - primaries[0]
        offset[column : column + 3] = primaries[0]
    return asking / statistics.spread, (offset - statistics.centre) / statistics.spread


def _fit(x: Array, y: Array) -> Array:
    """Ridge regression: `[K + 1, Y]`, the constant last."""
    x = np.c_[x, np.ones(len(x))]
    return np.linalg.solve(x.T @ x + np.eye(x.shape[1]), x.T @ y)


def _root(covariance: Array) -> Array:
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
