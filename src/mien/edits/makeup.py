"""What a make-up table does: even the skin without ironing it, brighten eyes and teeth, colour lips and lids.
No network but the mesh."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..face import filters, mesh, skin, topology
from ..face.change import soft_border, visible
from ..face.filters import blur, smoothstep
from ..types import Alignment, Array, Change, Crop, Networks, Phase
from .beauty import HALF, enlarge
from .colours import Colour

USUAL_SKIN = 68.0  # lightness of skin in the photos that the colours' names are meant for


@dataclass(frozen=True, eq=False)
class Makeup:
    """Lips and upper lids in colours of their own; None leaves them as they are. triangles: of the mesh."""

    lips: Colour | None
    lids: Colour | None
    triangles: Array
    networks: Networks
    alignment = Alignment("face", 512)
    phase = Phase.COLOUR

    def __call__(self, crop: Crop) -> Change:
        size, points = crop.size, crop.landmarks
        lab = filters.to_lab(crop.pixels)
        even = skin.fit_skin_shading(lab, points)
        delta, colour, alpha = np.zeros_like(lab), np.zeros_like(lab), np.zeros((size, size), np.float32)
        parts: list[mesh.Window] = []
        if self.lips:
            parts.append(mesh.window(points[list(topology.LIPS)], 0.05 * size, size))
            self._on_lips(delta, lab, even, points, self.lips, parts[0])
        if self.lids:
            eyes = [
                mesh.window(points[[*lids, *up]], 0.04 * size, size)
                for lids, up in zip(topology.EYELIDS, topology.SOCKETS, strict=True)
            ]
            self._on_lids(delta, lab, even, points, self.lids, eyes)
            parts += eyes
        for part in (
            here.part for here in parts
        ):  # the two eyes' may overlap: every part is made of all that is added there
            colour[part] = filters.lab_offset_to_rgb(
                replace(crop, pixels=crop.pixels[part]), lab[part], delta[part]
            )
            alpha[part] = visible(colour[part])
        return Change(np.zeros((size, size, 2), np.float32), colour, alpha * soft_border(size))

    def _on_lips(
        self, delta: Array, lab: Array, even: Array, points: Array, colour: Colour, here: mesh.Window
    ) -> None:
        """Lightness is moved as a whole, so that folds and shine stay; colour is replaced, and kept back on
        the shine."""
        mask, sigma = skin.lips_mask(lab, points)[here.part], lab.shape[0] / 200
        lab, even = lab[here.part], even[here.part]
        if (mask > 0.5).sum() < 20:
            return
        usual = float(np.median(lab[..., 0][mask > 0.5]))
        target = as_lit(colour, float(np.median(even[..., 0][mask > 0.5])))
        shine = smoothstep(lab[..., 0], usual + 8, usual + 30)
        shade = np.clip(lab[..., 0] / max(usual, 1), 0.25, 1.0)
        lighter = np.clip(0.75 * (target[0] - usual), -32, 14) * (1 - 0.5 * shine) * shade
        tinted = (
            0.88 * (target[1:] * shade[..., None] - blur(lab[..., 1:], sigma)) * (1 - 0.45 * shine)[..., None]
        )
        delta[here.part] += np.dstack([lighter, tinted]) * (colour.strength * mask)[..., None]

    def _on_lids(
        self, delta: Array, lab: Array, even: Array, points: Array, colour: Colour, eyes: list[mesh.Window]
    ) -> None:
        """Densest at the lashes, gone halfway to the brow; and a soft dark line at the lashes."""
        size = lab.shape[0]
        amount, line = lids(points, self.triangles, size)
        amount = amount * (0.55 + 0.45 * skin.skin_likelihood(lab, even))
        target = as_lit(colour, float(np.median(even[..., 0])))
        for part in (here.part for here in eyes):
            darker = np.clip(0.6 * (target[0] - even[part][..., 0]), -32, 8)
            tinted = 0.9 * (target[1:] - blur(lab[part][..., 1:], size / 100))
            added = np.dstack([darker, tinted]) * amount[part][..., None]
            added[..., 0] -= 13 * line[part] * smoothstep(lab[part][..., 0], 5, 40)
            delta[part] = colour.strength * added


def lids(points: Array, triangles: Array, size: int) -> tuple[Array, Array]:
    """The upper lids as eye shadow is laid on, and the line along their lashes: two masks `[S, S]` in
    0..1."""
    dense = np.zeros((topology.POINTS, 2), np.float32)
    for lashes, creases, sockets in zip(topology.LASHES, topology.CREASES, topology.SOCKETS, strict=True):
        dense[list(lashes), 0] = 0.5, 0.85, 1, 1, 1, 1, 0.9, 0.6, 0.15
        dense[list(creases), 0] = 0.35, 0.8, 1, 1, 1, 0.9, 0.7, 0.4, 0.1
        dense[list(sockets), 0] = 0.12, 0.25, 0.33, 0.3, 0.15, 0.05
    small = size // HALF
    field = mesh.interpolate(dense, mesh.with_border_points(points / HALF, small), triangles, small)[..., 0]
    out = enlarge(blur(np.ascontiguousarray(field), small / 110), size)
    line = np.zeros((size, size), np.float32)
    for eye, lashes in zip(topology.EYELIDS, topology.LASHES, strict=True):
        width = float(np.linalg.norm(points[lashes[0]] - points[lashes[-1]]))
        here = mesh.window(points[list(eye)], 0.2 * width, size)
        local = here.local(points)
        out[here.part] *= 1 - mesh.polygon_mask(local, eye, here.side, feather=size / 400)
        path = np.rint(local[list(lashes)] * 16).astype(np.int32)
        drawn = np.zeros((here.side, here.side), np.float32)
        for k in range(len(path) - 2):  # thinner towards the nose, none at the inner corner
            thick = max(1, round(width / 26 * (1 - k / len(path))))
            cv2.line(drawn, path[k], path[k + 1], 1.0 - 0.08 * k, thick, cv2.LINE_AA, 4)
        line[here.part] = np.maximum(line[here.part], blur(drawn, width / 50))
    return np.clip(out, 0, 1), line


def as_lit(colour: Colour, light: float) -> Array:
    """The colour `[3]` in Lab as it looks in a photo in which the skin is so light."""
    dim = np.clip(light / USUAL_SKIN, 0.25, 1.05)
    return (
        colour.lab
        * np.array([0.4 + 0.6 * dim, dim**0.7, dim**0.7], np.float32)
        * np.float32(min(1.0, 0.4 + dim))
    )
