"""Relighting: which way the face looks at each point, and so how much more or less of a light from one side
would fall there."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..errors import FaceError
from ..face import filters, mesh, skin, topology
from ..types import Alignment, Array, Change, Crop, Networks, Phase

STRENGTH = 1.5  # logarithm of the light gained where the face looks straight into a light of strength 1
WARM = np.array([0.16, 0.0, -0.26], np.float32)  # the same for red, green and blue, at warmth 1

LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
HALF = 2  # what has no detail is computed on every second pixel


@dataclass(frozen=True, eq=False)
class Relight:
    """Light from a side, from above and of a colour, all -1..1 (photo's left, below, cooler .. photo's right,
    above, warmer): what is there is made lighter and darker by one smooth field, so every pore and every
    shadow stays. triangles: of the mesh."""

    light: float
    toplight: float
    warmth: float
    triangles: Array
    networks: Networks
    alignment = Alignment("ffhq", 448)
    phase = Phase.COLOUR

    def __call__(self, crop: Crop) -> Change:
        before = crop.pixels.astype(np.float32) / 255
        field = np.zeros((crop.size, crop.size), np.float32)
        if self.light or self.toplight:
            field = STRENGTH * self._shading(crop)
        linear = before**2.2
        gain = np.exp(field)
        # More light never burns out: what was full stays full, what was black stays black. Less of it takes
        # little from what has burnt out, for the colour that would come to light there is lost.
        most = filters.largest(linear)
        full = filters.smoothstep(most, 0.55, 1.0)
        lit = np.where(gain > 1, gain / (1 + most * (gain - 1)), gain ** (1 - 0.5 * full))[..., None] * linear
        if self.warmth:
            tinted = lit * np.exp(self.warmth * (1.15 if self.warmth > 0 else 0.9) * WARM)
            lit = tinted * ((lit @ LUMINANCE + 1e-4) / (tinted @ LUMINANCE + 1e-4))[..., None]
        colour = np.clip(lit, 0, 1) ** (1 / 2.2) - before
        return Change(np.zeros((crop.size, crop.size, 2), np.float32), colour, falloff(crop))

    def _shading(self, crop: Crop) -> Array:
        """How much more the crop looks towards the light than the face as a whole, `[S, S]`."""
        if crop.depth is None:
            raise FaceError("a face without depth cannot be lit: find it anew")
        size, points = crop.size // HALF, crop.landmarks / HALF
        turn = crop.matrix[:, :2] / np.sqrt(abs(np.linalg.det(crop.matrix[:, :2])))
        towards = turn @ np.array([self.light, -self.toplight])
        facing = mesh.normals(points, crop.depth / HALF, self.triangles)[:, :2] @ towards
        field = mesh.interpolate(
            np.stack([facing, facing], -1), mesh.with_border_points(points, size), self.triangles, size
        )[..., 0]
        smooth = filters.blur(np.clip(field, -1, 1), size / 26)
        return cv2.resize(smooth, (crop.size, crop.size), interpolation=cv2.INTER_LINEAR)


def falloff(crop: Crop) -> Array:
    """Where a face is lit, `[S, S]`: all of it, and ears, neck and hair less the farther away they are;
    hardly what is behind."""
    size, points = crop.size // HALF, crop.landmarks / HALF
    inside = mesh.hull_mask(points, size)
    width = float(np.ptp(points[: topology.POINTS, 0]))
    outside, within = (cv2.distanceTransform(one, cv2.DIST_L2, 5) for one in (1 - inside, inside))
    fall = filters.smoothstep(outside, 0.35 * width, 0.0)
    lab = filters.to_lab(cv2.resize(crop.pixels, (size, size), interpolation=cv2.INTER_AREA))
    own = np.maximum(_own(lab, points), filters.smoothstep(within, 0.01 * width, 0.08 * width))
    edged = np.clip(
        filters.fast_guided_filter(np.ascontiguousarray(lab[..., 0]), fall * own, size / 40, 20.0), 0, 1
    )
    to_edge = np.minimum(np.arange(size), np.arange(size)[::-1])
    out = (
        edged
        * filters.smoothstep(fall, 0, 0.15)
        * filters.smoothstep(np.minimum.outer(to_edge, to_edge), 1, 0.06 * size)
    )
    return cv2.resize(out.astype(np.float32), (crop.size, crop.size), interpolation=cv2.INTER_LINEAR)


def _own(lab: Array, points: Array) -> Array:
    """How surely each pixel around a face is of the same person, `[S, S]`: what looks like its skin, and what
    is dark, for light hardly shows there; the rest may be hair or not, but not where it looks like the
    picture's sides."""
    even = skin.fit_skin_shading(lab, points)
    dark = filters.smoothstep(lab[..., 0], 38, 15)
    edge = max(1, lab.shape[0] // 40)
    sides = [lab[:, part].mean(1, keepdims=True) for part in (slice(edge), slice(-edge, None))]
    near = np.minimum(*(((lab - one) ** 2).sum(-1) for one in sides))
    return np.maximum.reduce(
        [skin.skin_likelihood(lab, even), dark, 0.4 * filters.smoothstep(near, 12.0**2, 30.0**2)]
    )
