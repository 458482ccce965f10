"""Which pixels of a face are skin, lips, lids, the white of the eyes or teeth: the mesh says where, the
colours where exactly."""

from __future__ import annotations

import cv2
import numpy as np

from ..types import Array
from . import mesh, topology
from .filters import COARSE, blur, fast_guided_filter, smoothstep


def fit_skin_shading(lab: Array, points: Array) -> Array:
    """The colour that the skin would have all over, were it even: the light on the face and nothing smaller,
    `[S, S, 3]`. A quadric that beards, glasses and locks have no say in."""
    size = lab.shape[0]
    small = cv2.resize(lab, (size // COARSE,) * 2, interpolation=cv2.INTER_AREA)
    where = bare_skin_mask(points / COARSE, size // COARSE)
    middle, reach = (
        points[: topology.POINTS].mean(0),
        float(np.ptp(points[: topology.POINTS], axis=0).max()) / 2,
    )
    x, y = np.moveaxis((mesh.pixel_grid(size // COARSE) * COARSE + 1.5 - middle) / reach, -1, 0)
    basis = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], -1)
    rows, columns = np.nonzero(where > 0.7)
    if len(rows) < 30:
        return np.broadcast_to(np.median(lab.reshape(-1, 3), axis=0), lab.shape).astype(np.float32)
    found, terms = small[rows, columns], basis[rows, columns]
    upper = points[[50, 280, 5, 151, 101, 330]]  # cheeks, nose, forehead
    anchors = np.clip(np.rint(upper / COARSE), 0, len(small) - 1).astype(int)
    guess = np.broadcast_to(np.median(small[anchors[:, 1], anchors[:, 0]], axis=0), found.shape)
    ridge = np.diag([1e-6, 0.02, 0.02, 0.1, 0.1, 0.1]) * len(rows)
    fit = np.zeros((6, 3))
    for spread in (25.0, 14.0, 9.0, 9.0):
        apart = ((found - guess) / np.array([spread, 0.6 * spread, 0.6 * spread])) ** 2
        weight = (1 / (1 + apart.sum(1)) ** 2)[:, None]
        start = (found * weight).sum(0) / weight.sum()
        fit = np.linalg.solve(
            terms.T @ (terms * weight) + ridge * weight.mean(), terms.T @ ((found - start) * weight)
        )
        fit[0] += start
        guess = terms @ fit
    even = (np.clip(basis, -1.2, 1.2) @ fit).astype(np.float32)
    return cv2.resize(even, (size, size), interpolation=cv2.INTER_LINEAR)


def skin_likelihood(lab: Array, even: Array) -> Array:
    """How much each pixel looks like the skin of its face, `[S, S]` in 0..1: not beards, brows, glasses,
    locks."""
    apart = blur(lab, lab.shape[0] / 160) - even
    dark, light = np.maximum(-apart[..., 0], 0) / 17, np.maximum(apart[..., 0], 0) / 24
    far = dark**2 + light**2 + (apart[..., 1] ** 2 + apart[..., 2] ** 2) / 13**2
    return (1 / (1 + far**3)).astype(np.float32)


def bare_skin_mask(points: Array, size: int) -> Array:
    """The face but its eyes, brows, lips and nostrils, softly: `[S, S]` in 0..1."""
    inside = mesh.hull_mask(points, size)
    inside[[0, -1]] = inside[:, [0, -1]] = 0
    out = smoothstep(cv2.distanceTransform(inside, cv2.DIST_L2, 5), 0, 0.07 * size)
    outlines = (
        (topology.LIPS, 0.006),
        *((lid, 0.012) for lid in topology.EYELIDS),
        *((brow, 0.01) for brow in topology.BROWS),
    )
    for outline, grow in (*outlines, *((nostril, 0.005) for nostril in topology.NOSTRILS)):
        here = mesh.window(points[list(outline)], 0.03 * size, size)
        out[here.part] *= 1 - mesh.polygon_mask(
            here.local(points), outline, here.side, feather=size / 150, grow=grow * size
        )
    return out


def lips_mask(lab: Array, points: Array) -> Array:
    """The lips `[S, S]` in 0..1: as the mesh has them, with the edge where the colour changes, without teeth,
    tongue and moustache."""
    size = lab.shape[0]
    out = np.zeros((size, size), np.float32)
    here = mesh.window(points[list(topology.LIPS)], 0.05 * size, size)
    out[here.part] = _lips(lab[here.part], here.local(points), size)
    return out


def _lips(lab: Array, points: Array, size: int) -> Array:
    """The same of one part; `size` is that of the crop."""
    side, sharp = lab.shape[0], size / 400
    apart = float(np.linalg.norm(points[13] - points[14])) / size
    opening = mesh.polygon_mask(points, topology.INNER_LIPS, side, feather=sharp, grow=size / 400)
    opening *= smoothstep(np.array(apart), 0.006, 0.018)  # between closed lips there is nothing but lips
    rough = mesh.polygon_mask(points, topology.LIPS, side, feather=sharp) * (1 - opening)
    core, ring = rough > 0.9, blur((rough > 0.1).astype(np.float32), size / 50)
    ring = (ring > 0.08) & (rough < 0.05) & (opening < 0.05)
    if core.sum() < 20 or ring.sum() < 20:
        return rough
    inside, outside = lab[core], lab[ring]
    spread = np.cov(inside.T) + np.cov(outside.T) + np.eye(3)
    tell = np.linalg.solve(
        spread, np.median(inside, axis=0) - np.median(outside, axis=0)
    )  # Fisher's discriminant
    guide = blur((lab @ tell).astype(np.float32), size / 400)
    guide -= float(np.median(guide[ring]))
    guide /= max(float(np.median(guide[core])), 1e-3)
    fine = fast_guided_filter(np.clip(guide, -1, 2).astype(np.float32), rough, size / 40, 0.04)
    fine = np.maximum(
        fine, rough * np.sqrt(np.clip(guide, 0, 1))
    )  # thin lips are lost in the filter's windows
    near = smoothstep(cv2.distanceTransform((rough < 0.5).astype(np.uint8), cv2.DIST_L2, 5), size / 110, 0)
    return smoothstep(fine, 0.2, 0.75) * near * (1 - opening) * (1 - _teeth_or_hair(lab, core, opening, size))


def _teeth_or_hair(lab: Array, core: Array, opening: Array, size: int) -> Array:
    """What lies between or on the lips and is none, `[S, S]`: bright and pale next to the opening, or dark
    and pale."""
    light, chroma = lab[..., 0], np.hypot(lab[..., 1], lab[..., 2])
    usual, full = float(np.median(light[core])), float(np.median(chroma[core]))
    pale = smoothstep(chroma, 0.85 * full, 0.55 * full) if full > 6 else np.zeros_like(chroma)
    beside = smoothstep(blur((opening > 0.5).astype(np.float32), size / 100), 0.02, 0.2)
    return np.maximum(
        pale * smoothstep(light, usual + 8, usual + 20) * beside,
        pale * smoothstep(light, usual - 10, usual - 25),
    )


def teeth_mask(lab: Array, points: Array) -> Array:
    """Teeth between open lips `[S, S]` in 0..1: the light and pale part of what the inner lips enclose."""
    size = lab.shape[0]
    out = np.zeros((size, size), np.float32)
    here = mesh.window(points[list(topology.LIPS)], 0.05 * size, size)
    part, local = lab[here.part], here.local(points)
    opening = mesh.polygon_mask(local, topology.INNER_LIPS, here.side, feather=size / 250)
    inside = opening > 0.6
    if inside.sum() < size * size / 1500:
        return out
    rim = _lips(part, local, size) > 0.8
    bright = float(np.percentile(part[..., 0][inside], 85))
    rosy = max(float(np.median(part[..., 1][rim])), 4.0) if rim.any() else 20.0
    light = smoothstep(part[..., 0], 0.55 * bright, 0.8 * bright)
    out[here.part] = blur(
        opening * light * smoothstep(part[..., 1], 0.85 * rosy, 0.5 * rosy) * (bright > 35), size / 400
    )
    return out


def sclera_mask(lab: Array, points: Array) -> Array:
    """The white of both eyes `[S, S]` in 0..1."""
    size = lab.shape[0]
    out = np.zeros((size, size), np.float32)
    for i, lids in enumerate(topology.EYELIDS):
        here = mesh.window(points[list(lids)], 0.02 * size, size)
        local, light = here.local(points), lab[here.part][..., 0]
        radius = mesh.iris_radius(points, i)
        apart = np.linalg.norm(here.places - local[topology.POINTS + 5 * i], axis=-1)
        white = mesh.polygon_mask(local, lids, here.side, feather=size / 300) * smoothstep(
            apart, radius, 1.25 * radius
        )
        if (white > 0.5).sum() >= 8:
            usual = float(np.percentile(light[white > 0.5], 75))
            out[here.part] += white * smoothstep(light, 0.55 * usual, 0.85 * usual)
    return out
