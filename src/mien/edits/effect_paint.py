"""Paint on a face: textures of an effect pack on the mesh, in the light that is on the skin, with its pores. What of the
face is hidden, the far cheek or what the nose is before, is not painted."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..face import mesh, topology
from ..face.change import soft_border, visible
from ..face.filters import blur, smoothstep
from ..face.lighting import softness
from ..types import Alignment, Array, Change, Crop, Networks, Phase
from .effect_art import Art, Scene
from .effect_layers import Texture

SIZE = 512
FACING = 0.06, 0.4  # how far skin faces the camera: from where paint is seen, and from where fully
RIM = 0.5  # of the outermost ring of the mesh, within which paint ends
DETAIL = 1 / 160  # of a crop's side: what is finer stays as it is below the paint
SHADE, SHADES = 0.75, (0.45, 1.5)  # how much of the skin's own shading paint has; the least and the most
GLOSS = 14.0  # how narrow a shine is
THICK = 1 / 90, 1 / 110  # of a crop's side: how far a shadow falls, and how soft it is


@dataclass(frozen=True, eq=False)
class Paint:
    """Paints textures `layers`, each a layer with its pictures, onto a face. time: in seconds, for those that move; triangles
    `[T, 3]` and uv `[468, 2]`: of the mesh, see `Shapes`."""

    layers: tuple[tuple[Texture, tuple[Art, ...]], ...]
    triangles: Array
    uv: Array
    networks: Networks
    strength: float = 1.0
    time: float = 0.0
    alignment = Alignment("head", SIZE)
    phase = Phase.OVERLAY

    def __call__(self, crop: Crop) -> Change:
        scene, size = Scene(crop, self.triangles), crop.size
        here = mesh.window(crop.landmarks[: topology.POINTS], 0.03 * size, size)
        skin = _Skin(scene, here, self.uv)
        before = crop.pixels[here.part].astype(np.float32) / 255
        after = before
        for layer, pictures in self.layers:
            amount = self.strength * layer.strength * scene.seen(layer.when)
            if amount > 0:
                art = pictures[int(self.time * layer.fps) % len(pictures)]
                after = skin.painted(after, layer, art, amount)
        colour = np.zeros((size, size, 3), np.float32)
        colour[here.part] = cv2.GaussianBlur(after - before, (0, 0), softness(crop))
        flow = np.zeros((size, size, 2), np.float32)
        return Change(flow, colour, visible(colour) * soft_border(size), "overlay")


class _Skin:
    """The skin of a face in a window of a crop, as its texture map is laid on it."""

    def __init__(self, scene: Scene, here: mesh.Window, uv: Array) -> None:
        self.scene, self.here = scene, here
        points = here.local(scene.crop.landmarks)
        raster = mesh.Raster.of(points[: topology.POINTS], scene.triangles, here.side, scene.order)
        inner = np.ones((topology.POINTS, 1), np.float32)
        inner[list(topology.OVAL)] = 0
        known = raster.spread(np.hstack([uv, scene.normals, inner]))
        self.places, self.normals = np.ascontiguousarray(known[..., :2]), known[..., 2:5]
        self.open = smoothstep(-known[..., 4], *FACING) * smoothstep(known[..., 5], 0, RIM)
        feather = scene.crop.size / 300
        for outline in (*topology.EYELIDS, topology.INNER_LIPS):
            self.open *= 1 - mesh.polygon_mask(points, outline, here.side, feather)
        self.shrunk = float(
            np.sqrt(_area(uv[list(topology.OVAL)]) / max(_area(points[list(topology.OVAL)]), 1.0))
        )

    def painted(self, below: Array, layer: Texture, art: Art, amount: float) -> Array:
        """A picture `[h, w, 3]` with a layer on it."""
        size = self.scene.crop.size
        found = art.at(self.places, self.shrunk * art.size[0]) * (self.open * amount)[..., None]
        opacity = found[..., 3]
        if layer.blend == "multiply":
            tint = found[..., :3] + (1 - opacity)[..., None]
            return below * tint
        coarse = blur(below, size * DETAIL)
        lit = found[..., :3] * self._light(coarse)
        if layer.shine:
            lit = lit + (opacity * self._shine() * layer.shine)[..., None] * self.scene.white
        if layer.shadow:
            far, soft = (size * share for share in THICK)
            x = float(np.clip(-2 * self.scene.light.direction[0], -1, 1)) * far
            moved = cv2.warpAffine(opacity, np.array([[1, 0, x], [0, 1, far]]), opacity.shape[::-1])
            dark = layer.shadow * blur(moved, soft) * (1 - opacity) * self.open
            below, coarse = below * (1 - dark)[..., None], coarse * (1 - dark)[..., None]
        return below + lit - coarse * opacity[..., None]

    def _light(self, coarse: Array) -> Array:
        """The light on the skin `[h, w, 3]`: how white paint would look there."""
        luma = cv2.cvtColor(coarse, cv2.COLOR_RGB2GRAY)
        usual = float(np.median(luma[self.open > 0.5])) if (self.open > 0.5).any() else 0.5
        shade = np.clip(luma / max(usual, 0.02), *SHADES) ** SHADE
        return shade[..., None] * self.scene.white

    def _shine(self) -> Array:
        halfway = self.scene.light.direction + np.array([0, 0, -1.0])
        facing = self.normals @ (halfway / np.linalg.norm(halfway)).astype(np.float32)
        return np.clip(facing, 0, 1) ** GLOSS


def _area(outline: Array) -> float:
    """Inside an outline `[n, 2]`."""
    return abs(float(cv2.contourArea(outline.astype(np.float32))))
