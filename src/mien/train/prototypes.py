"""Compute the prototypes from labelled portraits and smile pairs: one pass of linear regression, under a
minute on one core, no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from ..errors import InputError
from ..face import geometry, mesh, topology
from ..io.dataset import held_out, person_of
from ..models import prototypes
from ..models.card import KEY, Card, Condition
from ..models.prototypes import bands, canonical, features
from ..types import Alignment, Array, Crop
from .data.faces import PAIRED, made_by, notice_of, read_faces, read_pairs, read_rgb

LAYOUT = Alignment(prototypes.LAYOUT, 192)  # as much as a 256 px FFHQ crop holds
STORED = 128  # side of the stored means: they are smooth
NODES = np.array([22, 32, 42, 52, 62, 74], np.float32)  # ages
SMOOTH, RIDGE, READER_RIDGE = (
    20.0,
    3.0,
    300.0,
)  # bend of the age curves; covariates; the reader of age and sex
GLASSES_RIDGE, STEPS = 100.0, 20  # of the reader of glasses, and Newton's
SMILE_UNIT = (
    0.17,
    0.14,
    0.0,
)  # width, lift, opening, over the eye distance, that `smile` 1 asks for: a closed smile
SEX_GAIN, STUBBLE = 1.25, 0.35
IMAGINED = ("sfhq", "sfhq-t2i")  # sources whose people do not exist: of nobody else are the own lines kept
LINED, YOUNG, KEPT = 62, 40, 6  # ages from and up to which; so many faces of each sex


def compute(faces: Path, pairs: Path, out: Path) -> dict[str, float]:
    """Write the prototypes file `out` from a folder of labelled faces and one of smile pairs; people held out
    take no part.

    Returns the reader's error on the people held out: mean absolute error of the age in years, share of right
    sexes, and of those of whom it knows whether they wear glasses.
    """
    rows, landmarks = read_faces(faces)
    if len({row["sex"] for row in rows if not held_out(person_of(row))}) < 2:
        raise InputError(
            f"{faces} shows one sex only: prototypes are differences between groups, wanted both"
        )
    crops = [
        geometry.align(read_rgb(faces / "images" / row["file"]), p, LAYOUT)
        for row, p in zip(rows, landmarks, strict=True)
    ]
    points = np.stack([crop.landmarks[: topology.POINTS] for crop in crops])
    yaw = (2 * points[:, 1, 0] - points[:, 234, 0] - points[:, 454, 0]) / (
        points[:, 454, 0] - points[:, 234, 0]
    )
    mean, mirror = symmetric(points[np.abs(yaw) < 0.2].mean(0), LAYOUT.size)
    layout = mesh.with_border_points(mean, LAYOUT.size)
    triangles = mesh.triangulate(layout)
    oval = _oval(mean)
    lab = np.stack(
        [canonical(crop.pixels, p, layout, triangles, oval) for crop, p in zip(crops, points, strict=True)]
    )
    aside = np.array([held_out(person_of(row)) for row in rows])
    arrays: dict[str, Array] = {
        "points": layout,
        "triangles": triangles.astype(np.uint16),
        "oval": oval,
        "nodes": NODES,
    }
    arrays |= {"side": np.array(LAYOUT.size), "sex_gain": np.array(SEX_GAIN), "stubble": np.array(STUBBLE)}
    arrays |= _age_curves(rows, points, lab, yaw, mean, mirror, ~aside)
    arrays |= _lines(rows, lab, mean, oval, ~aside)
    arrays |= _smile(pairs, layout, triangles, oval, mirror)
    error, reader = _reader(rows, lab, points, layout, oval, aside)
    worn, glasses = _glasses(rows, crops, aside)
    arrays |= reader | glasses
    error |= worn
    _save(out, arrays, error, notice_of([faces, pairs]))
    return error


def symmetric(mean: Array, size: int) -> tuple[Array, Array]:
    """The mean face of a crop of `size` pixels made symmetric, and which point is whose mirror image `[468]`:
    nearest pairs first."""
    flipped = mean * [-1, 1] + [size - 1, 0]
    mirror = mesh.mirror_pairs(mean, flipped)
    return ((mean + flipped[mirror]) / 2).astype(np.float32), mirror


def _oval(mean: Array) -> Array:
    mask = np.zeros((LAYOUT.size, LAYOUT.size), np.float32)
    cv2.fillConvexPoly(mask, np.rint(cv2.convexHull(mean)[:, 0]).astype(np.int32), 1.0)
    return cv2.erode(mask, np.ones((9, 9)))


def _hats(ages: Array) -> Array:
    """Each age as weights of the two nearest nodes, `[n, A]`."""
    ages = np.clip(ages, NODES[0], NODES[-1])
    i = np.clip(np.searchsorted(NODES, ages, side="right") - 1, 0, len(NODES) - 2)
    t = (ages - NODES[i]) / (NODES[i + 1] - NODES[i])
    out = np.zeros((len(ages), len(NODES)))
    out[np.arange(len(ages)), i], out[np.arange(len(ages)), i + 1] = 1 - t, t
    return out


def _covariates(rows: list[dict[str, str]], points: Array) -> Array:
    """What else differs between faces and must not be taken for age or sex; the first two columns are stubble
    and beard."""

    def is_(key: str, *values: str) -> Array:
        return np.array([[row[key] == value for value in values] for row in rows], float).reshape(
            len(rows), len(values)
        )

    eyes = (points[:, 33, 1] + points[:, 263, 1]) / 2
    pitch = (points[:, 1, 1] - eyes) / (points[:, 152, 1] - eyes)
    opening = np.linalg.norm(points[:, 13] - points[:, 14], axis=1) / LAYOUT.size
    sources, origins = (sorted({row[key] for row in rows})[1:] for key in ("source", "ethnicity"))
    labels = [
        is_("beard", "1", "2"),
        is_("smile", "1", "2"),
        is_("glasses", "1"),
        is_("source", *sources),
        is_("ethnicity", *origins),
    ]
    out = np.concatenate([*labels, pitch[:, None], opening[:, None]], 1)
    return out - out.mean(0)


def _age_curves(
    rows: list[dict[str, str]], points: Array, lab: Array, yaw: Array, mean: Array, mirror: Array, use: Array
) -> dict[str, Array]:
    """Shape, colour and band strength as functions of age and sex: least squares with mirrored faces,
    covariates, and smooth curves over age."""
    hats, man = (
        _hats(np.array([float(row["age"]) for row in rows])),
        np.array([[row["sex"] == "m"] for row in rows]),
    )
    nodes, others = len(NODES), _covariates(rows, points)
    design = np.concatenate([hats * ~man, hats * man, others, yaw[:, None]], 1)[use]
    turned = design.copy()
    turned[:, -1] *= -1
    design = np.concatenate([design, turned])
    prior = 1e-3 * np.eye(design.shape[1])
    bend = np.diff(np.eye(nodes), 2, axis=0)
    for sex in range(2):
        prior[sex * nodes : (sex + 1) * nodes, sex * nodes : (sex + 1) * nodes] = SMOOTH * bend.T @ bend
    prior[2 * nodes :, 2 * nodes :] += RIDGE * np.eye(design.shape[1] - 2 * nodes)
    solve = np.linalg.solve(design.T @ design + prior, design.T)[: 2 * nodes + 1]  # the curves, and stubble

    shape = points - mean
    flipped = points[:, mirror] * [-1, 1] + [LAYOUT.size - 1, 0] - mean
    strengths = np.stack([np.stack(bands(one[..., 0])) for one in lab])
    colour = np.stack([_stored(one) for one in lab])
    fine, coarse = (np.stack([_stored(one) for one in strengths[:, k]]) for k in range(2))
    out: dict[str, Array] = {}
    for key, values, mirrored in (
        ("shape", shape, flipped),
        ("colour", colour, colour[:, :, ::-1]),
        ("fine", fine, fine[:, :, ::-1]),
        ("coarse", coarse, coarse[:, :, ::-1]),
    ):
        fitted = np.tensordot(solve, np.concatenate([values[use], mirrored[use]]), 1).astype(np.float32)
        out[f"age_{key}"] = fitted[: 2 * nodes].reshape(2, nodes, *values.shape[1:])
        out[f"stubble_{key}"] = fitted[2 * nodes]
    return out


def _lines(rows: list[dict[str, str]], lab: Array, mean: Array, oval: Array, use: Array) -> dict[str, Array]:
    """What old faces have in fine lightness that young ones have not, `[2, N, s, s]` by sex: their own lines,
    which means would wash out. Of faces in even light, without hard edges, that show most; N is 0 where the
    data has none whose people do not exist."""
    fine = np.stack([prototypes.lines(one[..., 0]) for one in lab])
    even = np.array(
        [
            np.abs(one - one[:, ::-1])[oval > 0.5].mean()
            for one in (cv2.GaussianBlur(face[..., 0], (0, 0), 6) for face in lab)
        ]
    )
    part = prototypes.plain(mean, oval)
    shown = np.array([one[part > 0.5].std() for one in fine])
    edges = np.array([np.quantile(one[part > 0.5], 0.997) for one in fine])
    ages = np.array([float(row["age"]) for row in rows])
    plain = np.array(
        [
            all(row[key] == "0" for key in ("beard", "glasses", "smile")) and row["source"] in IMAGINED
            for row in rows
        ]
    )
    kept = []
    for sex in "fm":
        own = use & np.array([row["sex"] == sex for row in rows])
        old = np.flatnonzero(own & plain & (ages >= LINED))
        best = old[np.argsort((even + 0.5 * (edges - shown))[old], kind="stable")[:KEPT]]
        kept.append((fine[best] - fine[own & (ages <= YOUNG)].mean(0)) * part)
    count = min(map(len, kept))
    return {"lines": np.stack([one[:count] for one in kept]).astype(np.float32)}


def _smile(folder: Path, layout: Array, triangles: Array, oval: Array, mirror: Array) -> dict[str, Array]:
    """What a smile adds per unit of mouth width, corner lift and opening: least squares over the pairs,
    without a constant."""
    design, shape, colour, fine, coarse = [], [], [], [], []
    for pair in read_pairs(folder, LAYOUT):
        if held_out(PAIRED + pair.name):
            continue
        seen = []
        for crop in (pair.neutral, pair.smiling):
            place = mesh.dense_map(
                layout, mesh.with_border_points(crop.landmarks, LAYOUT.size), triangles, LAYOUT.size
            )
            warped = (
                cv2.remap(crop.pixels, place[..., 0], place[..., 1], cv2.INTER_LINEAR).astype(np.float32)
                / 255
            )
            seen.append(
                (
                    crop.landmarks[: topology.POINTS],
                    cv2.cvtColor(warped, cv2.COLOR_RGB2Lab),
                    mesh.mouth_shape(crop.landmarks),
                )
            )
        before, after = seen
        design.append(after[2] - before[2])
        shape.append(after[0] - before[0])
        colour.append(_stored(after[1] - before[1]))
        stronger = [
            _stored(a - b) for a, b in zip(bands(after[1][..., 0]), bands(before[1][..., 0]), strict=True)
        ]
        fine.append(stronger[0])
        coarse.append(stronger[1])
    flipped = [one[mirror] * [-1, 1] for one in shape]
    x = np.concatenate([design, design])
    solve = np.linalg.solve(x.T @ x + 0.02 * np.eye(3), x.T)
    sets = {"shape": (shape, flipped)} | {
        key: (one, [picture[:, ::-1] for picture in one])
        for key, one in (("colour", colour), ("fine", fine), ("coarse", coarse))
    }
    out = {
        f"smile_{key}": np.tensordot(solve, np.concatenate(both), 1).astype(np.float32)
        for key, both in sets.items()
    }
    return out | {"smile_unit": np.array(SMILE_UNIT, np.float32)}


def _reader(
    rows: list[dict[str, str]], lab: Array, points: Array, layout: Array, oval: Array, aside: Array
) -> tuple[dict[str, float], dict[str, Array]]:
    """Ridge regression of age and sex (-1 f, 1 m) on the canonical face, and its error on the people held
    out."""
    x = np.stack([features(one, p, layout, oval) for one, p in zip(lab, points, strict=True)]).astype(
        np.float64
    )
    y = np.array([(float(row["age"]), 1.0 if row["sex"] == "m" else -1.0) for row in rows])
    x0, y0 = x[~aside].mean(0), y[~aside].mean(0)
    seen = x[~aside] - x0
    weights = seen.T @ np.linalg.solve(seen @ seen.T + READER_RIDGE * np.eye(len(seen)), y[~aside] - y0)
    guess = (x[aside] - x0) @ weights + y0
    error = {"age_error_years": float(np.abs(guess[:, 0] - y[aside, 0]).mean())}
    error["sex_right"] = float(((guess[:, 1] > 0) == (y[aside, 1] > 0)).mean())
    return error, {
        "reader": weights.astype(np.float32),
        "reader_bias": (y0 - x0 @ weights).astype(np.float32),
    }


def _glasses(
    rows: list[dict[str, str]], crops: Sequence[Crop], aside: Array
) -> tuple[dict[str, float], dict[str, Array]]:
    """Logistic regression of glasses on the edges about the eyes, by Newton's steps; and how many of the people held out
    it is right about."""
    x = np.stack([prototypes.edges(crop.pixels, crop.landmarks[: topology.POINTS]) for crop in crops])
    y = np.array([row["glasses"] in ("1", "2") for row in rows])
    middle, spread = x[~aside].mean(0), x[~aside].std(0) + 1e-3
    seen = np.column_stack([(x - middle) / spread, np.ones(len(x))]).astype(np.float64)
    weights = np.zeros(seen.shape[1])
    for _ in range(STEPS):
        sure = 1 / (1 + np.exp(-seen[~aside] @ weights))
        bend = (seen[~aside] * (sure * (1 - sure))[:, None]).T @ seen[~aside]
        slope = seen[~aside].T @ (sure - y[~aside]) + GLASSES_RIDGE * weights
        weights -= np.linalg.solve(bend + GLASSES_RIDGE * np.eye(len(weights)), slope)
    right = (seen[aside] @ weights > 0) == y[aside]
    own = weights[:-1] / spread
    arrays = {"glasses": own.astype(np.float32), "glasses_bias": np.float32(weights[-1] - middle @ own)}
    return {"glasses_right": float(right.mean())}, {name: np.array(one) for name, one in arrays.items()}


def _stored(picture: Array) -> Array:
    return cv2.resize(picture, (STORED, STORED), interpolation=cv2.INTER_AREA)


def _save(out: Path, arrays: dict[str, Array], error: dict[str, float], notice: str) -> None:
    card = Card(
        name="prototypes",
        role="prototypes",
        licence="Apache-2.0",
        description="How the mean face changes with age, sex and smile",
        conditions=(
            Condition("smile", "", -1, 1),
            Condition("age", "years", -30, 50),
            Condition("sex", "", -1, 1),
        ),
        data=notice,
        source=f"mien prototypes; {made_by()}",
        limits="Means are smooth: hair, beards and teeth do not change; faces turned by more than 50 degrees are guessed at.",
        measured=error,
    )
    packed: dict[str, Array] = {KEY: np.array(card.to_json())}
    for key, values in arrays.items():
        if values.ndim >= 3 and values.size > 4096:  # means are smooth and small: eight bits hold them
            scale = np.array(max(np.abs(values).max(), 1e-6) / 127, np.float32)
            packed[key], packed[f"{key}.scale"] = np.rint(values / scale).astype(np.int8), scale
        else:
            packed[key] = values.astype(np.float16) if key == "reader" else values
    with out.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **packed)
