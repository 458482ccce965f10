"""Labels for the parser, which nobody has drawn: features and skin from the mesh, hair by its colour and
place.

A picture's colours are modelled as three mixtures, of what lies around the person, of skin and of hair, begun
where the mesh is sure (the inside of the face, the strip above the forehead, the frame's upper corners) and
fitted in turns with the labels that they give, as GrabCut does (Rother et al. 2004), smoothed along edges by
a guided filter (He et al. 2010). Where what lies behind is plain it is keyed out first, which tells hair from
everything else. Where it stays in doubt nothing is taught.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from ...face import filters, mesh, topology
from ...models.parser import REGIONS
from ...types import Array, Crop

OTHER, SKIN, HAIR, BEARD, GLASSES, BROWS, EYES, LIPS, TEETH, NOSE, EARS, NECK = range(len(REGIONS))
UNKNOWN = 255
SIDE = 128  # of the labels
UNDER_NOSE = 2  # a point of the mesh
NOSES = (
    168,
    122,
    196,
    236,
    198,
    209,
    49,
    64,
    98,
    97,
    2,
    326,
    327,
    294,
    279,
    429,
    420,
    456,
    419,
    351,
)  # the nose's outline
ROUNDS = 4
PLAIN = 3.0  # Lab: what lies behind is plain where four fifths of it differ less from a smooth course
ALIKE = 18.0  # Lab distance below which hair and skin are one colour
DOUBT = 0.55  # pixels whose best class is less probable than this are not taught


@dataclass(frozen=True, eq=False)
class Layout:
    """A face of `points [478, 2]` in a square of `side` pixels: its hull and, for every pixel, u across and v
    down it (the hull spans -0.5 to 0.5 and 0 to 1)."""

    hull: Array
    u: Array
    v: Array
    brows: float  # their v
    nose: float
    features: Array  # lips and eyes

    @staticmethod
    def of(points: Array, side: int) -> Layout:
        (left, top), (right, bottom) = points[: topology.POINTS].min(0), points[: topology.POINTS].max(0)
        x, y = np.moveaxis(mesh.pixel_grid(side), -1, 0)
        features = np.zeros((side, side), bool)
        for outline in (topology.LIPS, *topology.EYELIDS):
            features |= mesh.polygon_mask(points, outline, side, 0.5, grow=2) > 0.3

        def down(at: Any) -> Any:
            return float((at - top) / (bottom - top))

        return Layout(
            mesh.hull_mask(points, side) > 0,
            (x - (left + right) / 2) / (right - left),
            (y - top) / (bottom - top),
            down(points[[point for brow in topology.BROWS for point in brow[:5]], 1].mean()),
            down(points[UNDER_NOSE, 1]),
            features,
        )


def label(crop: Crop, row: dict[str, str], person: Array | None = None) -> Array:
    """Regions `[SIDE, SIDE]` uint8, REGIONS or UNKNOWN, of a face in layout "ffhq"; `row` is its line of
    faces.csv, `person` what `keyed` says of it."""
    cv2.setRNGSeed(0)
    scale = SIDE / crop.size
    small = cv2.resize(crop.pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    points = ((crop.landmarks + 0.5) * scale - 0.5).astype(np.float32)
    face = Layout.of(points, SIDE)
    known = None if person is None else cv2.resize(person, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    hull, u, v = face.hull, face.u, face.v
    core = (
        (cv2.erode(hull.astype(np.uint8), np.ones((5, 5))) > 0)
        & ~face.features
        & (v > face.brows + 0.12)
        & (v < 0.9)
    )
    skin = np.median(lab[core], 0) if core.any() else lab.mean((0, 1))
    crown = (
        (np.abs(u) < 0.3) & (v < -0.18) & (v > -0.34) & (np.abs(lab - skin).sum(-1) > 12)
    )  # above where the mesh and the forehead end
    if known is not None:
        crown &= known > 0.9
    out = _fit(lab, face, core, None if row.get("hair") == "bald" or crown.sum() < 12 else crown, known)
    _, parts = cv2.connectedComponents((out == HAIR).astype(np.uint8))
    near = np.unique(parts[(v < 0.5) & (np.abs(u) < 0.75) & (out == HAIR)])
    out[(out == HAIR) & ~np.isin(parts, near)] = UNKNOWN  # hair hangs together with the head
    if (out == HAIR).any() and np.abs(np.median(lab[out == HAIR], 0) - skin).sum() < ALIKE:
        out[out == HAIR] = UNKNOWN  # a bare forehead, or hair of the skin's colour: nobody can tell
    if row.get("hat") == "1":
        out[out == HAIR] = np.where(v < -0.02, OTHER, UNKNOWN)[out == HAIR]
    out[(hull & (v > face.brows) & (np.abs(u) < 0.36)) | core] = SKIN
    if row.get("beard") in ("1", "2"):
        soft = cv2.GaussianBlur(lab, (0, 0), 0.7)
        full = row["beard"] == "2"  # of stubble nobody can say where it ends
        cue = (skin[0] - soft[..., 0] > 9) | ((np.abs(soft - skin).max(-1) > 14) & full)
        zone = cv2.dilate(hull.astype(np.uint8), np.ones((7, 7))) > 0
        out[zone & cue & (v > face.nose) & ~face.features] = BEARD if full else UNKNOWN
    _features(out, lab, points, face)
    if row.get("glasses") not in ("0", "", None):
        out[hull & (v < face.nose - 0.05) & (v > face.brows - 0.1) & (out != HAIR)] = UNKNOWN
    return out


def _features(out: Array, lab: Array, points: Array, face: Layout) -> None:
    """Tell apart, in place, what the mesh knows of the skin."""
    skin, u, v = out == SKIN, face.u, face.v

    def inside(outline: Any) -> Any:
        return mesh.polygon_mask(points, outline, SIDE, 0.4) > 0.5

    out[skin & ~face.hull & (v > face.brows - 0.1) & (v < 0.75) & (np.abs(u) > 0.46)] = EARS
    out[skin & ~face.hull & (v > 0.75) & ((v > 0.97) | (np.abs(u) < 0.4))] = NECK
    for region, outlines in ((NOSE, (NOSES,)), (BROWS, topology.BROWS), (EYES, topology.EYELIDS)):
        for outline in outlines:
            out[skin & inside(outline)] = region
    lips, within = inside(topology.LIPS) & (skin | (out == BEARD)), inside(topology.INNER_LIPS)
    out[lips] = LIPS
    if within.sum() > 8:  # parted
        out[lips & within] = TEETH


def keyed(crop: Crop) -> Array | None:
    """How much of each pixel is the person, `[S, S]` float32 in 0..1, where what lies behind is plain; else
    None. Layout "ffhq"."""
    size, lab = crop.size, cv2.cvtColor(crop.pixels.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    face = Layout.of(crop.landmarks.astype(np.float32), size)
    rim = np.ones((size, size), bool)
    rim[size // 32 :, size // 32 : -size // 32] = False
    rim &= (face.v < 0.75) & (np.abs(face.u) > 0.62)
    if rim.sum() < size:
        return None
    y, x = mesh.pixel_grid(size)[..., 1] / size, mesh.pixel_grid(size)[..., 0] / size
    course = np.stack([np.ones_like(x), x, y, x * x], -1)  # lights fall off to the sides
    part = rim
    away = np.zeros((size, size))
    for _ in range(4):  # without the hair that hangs into the rim
        ways = np.linalg.lstsq(course[part], lab[part], rcond=None)[0]
        away = np.sqrt((((lab - course @ ways) * (0.6, 1.5, 1.5)) ** 2).sum(-1))
        part = rim & (away <= max(1.0, float(np.quantile(away[rim], 0.8))))
    spread = float(np.quantile(away[rim], 0.8))
    alike = away < 2.2 * spread + 5
    top = face.hull & (face.v < 0.12) if face.hull.any() else rim
    above = (np.abs(face.u) < 0.25) & (face.v < 0) & (face.v > -0.12)
    if (
        spread > PLAIN
        or alike[face.hull].mean() > 0.12
        or alike[top].mean() > 0.2
        or alike[above].mean() > 0.1
    ):
        return None  # not plain, or the person has its colour
    _, parts = cv2.connectedComponents((alike & ~face.hull).astype(np.uint8))
    seen = np.unique(parts[rim & alike & ~face.hull])
    behind = (np.isin(parts, seen[seen > 0]) & (face.v < 1.4)).astype(np.float32)
    soft = filters.guided_filter(np.ascontiguousarray(lab[..., 0] / 100), behind, size // 64, 1e-4)
    return np.clip(1 - (soft - 0.1) / 0.8, 0, 1).astype(np.float32)


def _fit(lab: Array, face: Layout, core: Array, crown: Array | None, person: Array | None) -> Array:
    """OTHER, SKIN or HAIR for every pixel, or UNKNOWN."""
    u, v, side = face.u, face.v, lab.shape[0]
    frame = np.zeros((side, side), bool)
    frame[:4] = frame[:, :4] = frame[:, -4:] = True
    around = frame & (v < 0.9) & (np.abs(u) > 0.62)
    prior, light = _prior(face, bald=crown is None), np.ascontiguousarray(lab[..., 0] / 100)
    if person is not None:
        around = person < 0.1
        prior[..., OTHER] += np.where(
            person < 0.5, 20, np.where(v < 0.6, -6, 0)
        )  # above the shoulders who is there is skin or hair
    seeds: list[Array | None] = [
        around | ((v > 1.3) & (np.abs(u) > 0.35)),
        core | ((v > 1) & (v < 1.15) & (np.abs(u) < 0.15)),
        crown,
    ]
    best, sure = np.zeros((side, side), int), np.zeros((side, side), np.float32)
    for _ in range(ROUNDS):
        fits = [
            np.full((side, side), -14.0)
            if seed is None or seed.sum() < 12
            else np.clip(mixture(lab[seed], parts)(lab), -30, 0)
            for seed, parts in zip(seeds, (5, 3, 3), strict=True)
        ]
        score = 0.8 * np.stack(fits, -1) + prior
        shares = np.exp(score - score.max(-1, keepdims=True)).astype(np.float32)
        shares = shares / shares.sum(-1, keepdims=True)
        shares = np.stack(
            [filters.guided_filter(light, np.ascontiguousarray(shares[..., k]), 3, 1e-3) for k in range(3)],
            -1,
        ).clip(1e-4, 1)
        shares = shares / shares.sum(-1, keepdims=True)
        best, sure = shares.argmax(-1), shares.max(-1)
        seen = [(best == k) & (sure > 0.75) for k in range(3)]
        hair = None if crown is None else seen[HAIR] | (crown & (best == HAIR))
        seeds = [seen[OTHER] | around, (seen[SKIN] & (face.hull | (v > 0.2))) | core, hair]
    return np.where(sure < DOUBT, UNKNOWN, best).astype(np.uint8)


def _prior(face: Layout, *, bald: bool) -> Array:
    """Log of how likely OTHER, SKIN and HAIR are at each place before any colour is looked at: `[S, S,
    3]`."""
    hull, u, v = face.hull, face.u, face.v
    rim = (u / 0.8) ** 2 + ((v - 0.35) / 0.8) ** 2  # 1 on an ellipse around the head
    hair = np.where(
        v < 0.1, np.exp(-3 * np.maximum(rim - 1, 0)), 0.45 * np.exp(-(((np.abs(u) - 0.62) / 0.16) ** 2))
    )
    hair = np.where(hull, np.where(v > face.brows, 0.02, 0.35), np.clip(hair, 0.02, 0.9)) * (
        1e-3 if bald else 1
    )
    skin = np.where(hull, 0.95, np.where((np.abs(u) < 0.6) & (v > 0.15) & (v < 1.3), 0.35, 0.06))
    skin = np.where((v > 1) & (v < 1.3) & (np.abs(u) < 0.3), 0.8, skin)
    skin = np.where(
        ~hull & (v < 0.15) & (v > -0.22) & (np.abs(u) < 0.45), 0.9, skin
    )  # the forehead, as far as it looks like one
    other = np.where(v > 1.3, 0.8, np.where(hull, 0.01, np.clip((rim - 0.75) * 0.8, 0.05, 0.9)))
    shares = np.stack([other, skin, hair], -1)
    return np.log(shares / shares.sum(-1, keepdims=True))


def mixture(colours: Array, parts: int) -> Callable[[Array], Array]:
    """Log density of a mixture of Gaussians with diagonal covariance, fitted to `colours [n, 3]` (Lab) by
    k-means."""
    parts = min(parts, max(len(colours) // 8, 1))
    _, which, _ = cv2.kmeans(
        np.ascontiguousarray(colours), parts, np.empty(0, np.int32), (3, 12, 0.5), 1, cv2.KMEANS_PP_CENTERS
    )
    groups = [colours[which[:, 0] == k] for k in range(parts)]
    known = [
        (len(g) / len(colours), g.mean(0), g.var(0) + np.array([30, 6, 6], np.float32))
        for g in groups
        if len(g) > 2
    ]

    def density(lab: Array) -> Array:
        each = [
            np.log(w) - 0.5 * (((lab - mean) ** 2 / var).sum(-1) + np.log(var).sum())
            for w, mean, var in known
        ]
        return np.logaddexp.reduce(each, axis=0)

    return density
