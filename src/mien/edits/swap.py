"""Swap: the face of one person over the mesh of another, lit as that one is, with the other's pose, expression and
gaze.

No network draws it: the texture of the best fitting picture is carried by the face mesh, as in "Face swapping:
automatically replacing faces in photographs" (Bitouk et al. 2008), on a shape that is the source's own but for its
expression.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..face import mesh, shape
from ..face.change import paste_window, visible
from ..face.filters import blur, multiband, smoothstep
from ..face.mesh import Window
from ..face.topology import EYELIDS, INNER_LIPS, IRISES, OVAL, POINTS
from ..models.parser import Parser
from ..models.shapes import Shapes
from ..types import Alignment, Array, Change, Crop, Networks, Phase
from . import swap_tone as tone
from .portrait import LAYOUT, Openings, Portrait, depth_of, face_width, portrait_of, resized

OUTLINE = 0.5  # how much of the source's outline: all of it would move hair, ears and collars far
INWARDS = 22.0  # mm from the outline within which the shape becomes wholly the source's
SEEN = 0.0, 0.35  # cosine of the angle at which the source's camera saw a place: below the first not at all
HOLE = 0.15, 0.5  # how well a place must be known to be shown
GAZE_REACH = 2.2  # iris radii: further away eyes are not turned
LIDS_SHUT = 0.55  # of the target's lid opening: with less the source's eyes count as shut
PARTED = 0.05  # of a mouth's opening over the inner eye distance, from which on something is seen in it
ALIKE_MOUTHS = 0.6, 1.8  # the source's opening over the target's, within which its own teeth fit
CLOSED = 0.03  # below which nothing is seen between the lips
BORDER = 0.02, 0.05  # of the face's width, inwards from the outline: between them lies the seam
SEAM = 0.12  # of the face's width: the width of the coarsest band


@dataclass(frozen=True, eq=False)
class Reshape:
    """Gives a face the shape of somebody else, `identity [I]` of the shape model, in its own pose and expression: what
    is around it follows."""

    identity: Array
    shapes: Shapes
    triangles: Array

    alignment = Alignment(LAYOUT, 512)
    phase = Phase.RESHAPE

    @property
    def networks(self) -> Networks:
        return self.shapes.networks

    def __call__(self, crop: Crop) -> Change:
        model = self.shapes.model
        points = shape.solid(crop.landmarks, depth_of(crop))
        pose = model.pose(points)
        own = model.fit([pose.to_head(points)])[0]
        offsets = model.identity_offsets(self.identity - own) * _inwards(model.mean)[:, None]
        offsets[:, 2] = 0  # the mesh's guess at depth would move a turned face sideways
        moved = (points + pose.to_picture(shape.irises_with_lids(offsets)))[:, :2]
        before, after = (mesh.with_border_points(one, crop.size) for one in (crop.landmarks, moved))
        flow, reach = mesh.motion(before, after, self.triangles, crop.size)
        return Change(flow, np.zeros((crop.size, crop.size, 3), np.float32), np.minimum(2 * reach, 1))


@dataclass(frozen=True, eq=False)
class Swap:
    """Lays the face of `source`, a portrait, over the one in a crop of `size` pixels, which has its shape already."""

    source: Portrait
    parser: Parser
    triangles: Array
    size: int

    phase = Phase.OVERLAY

    @property
    def alignment(self) -> Alignment:
        return Alignment(LAYOUT, self.size)

    @property
    def networks(self) -> Networks:
        return self.parser.net.networks

    def __call__(self, crop: Crop) -> Change:
        scene = _Scene.of(portrait_of(self.parser, self.triangles, crop))
        inside = mesh.hull_mask(scene.points, scene.here.side)
        inside[[0, -1]] = inside[:, [0, -1]] = 0
        edge = cv2.distanceTransform(inside, cv2.DIST_L2, 5) / scene.wide
        mask = smoothstep(edge, *BORDER) * (1 - scene.front)
        levels = max(3, int(np.log2(SEAM * scene.wide)))
        joined = np.clip(multiband(self._drawn(scene), scene.pixels, mask, levels), 0, 1)
        alpha = visible(joined - scene.pixels) * inside * (1 - scene.front)
        pixels, size = crop.pixels.copy(), crop.size
        pixels[scene.here.part] = np.rint(255 * joined)
        finer = joined - pixels[scene.here.part].astype(np.float32) / 255  # what 8 bits cannot hold
        fields = (paste_window(one, scene.here.part, size) for one in (finer, alpha))
        source = replace(crop, pixels=pixels)
        return Change(np.zeros((size, size, 2), np.float32), *fields, kind="texture", source=source)

    def _drawn(self, scene: _Scene) -> Array:
        """The source's face in the target's layout and light, `[h, w, 3]`; where it is not known, the target's."""
        source = self.source
        crop = source.crop if source.crop.size <= self.size else resized(source.crop, self.size)
        order, layout = _by_depth(scene.depth, self.triangles), scene.layout
        at = mesh.dense_map(
            layout, mesh.with_border_points(crop.landmarks, crop.size), self.triangles, scene.here.side, order
        )
        at = _with_gaze(at, crop.landmarks, scene)
        look = cv2.INTER_CUBIC if crop.size < 1.2 * self.size else cv2.INTER_LINEAR
        picture = cv2.remap(
            crop.pixels.astype(np.float32) / 255,
            at[..., 0],
            at[..., 1],
            look,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        skin, hidden = (_mask_at(mask, at, crop.size) for mask in (source.skin, source.hidden))
        facing = -mesh.normals(crop.landmarks, depth_of(crop), self.triangles)[:, 2]
        seen = _spread(smoothstep(facing, *SEEN), layout, self.triangles, scene.here.side, order)
        hole = blur(1 - smoothstep(seen * (1 - hidden), *HOLE), scene.wide / 60)
        common = skin * scene.skin
        raw = np.clip(picture, 0, 1)
        picture = tone.relit(raw, scene.pixels, common, scene.points, scene.wide)
        picture = self._toned(picture, raw, common, scene)
        picture = tone.mixed(picture, scene.pixels, np.maximum(hole, self._kept(hole, scene)))
        return tone.with_grain(tone.as_colourful(picture, scene.pixels), scene.pixels, common)

    def _toned(self, picture: Array, raw: Array, common: Array, scene: _Scene) -> Array:
        """The relit picture with lips, teeth and eyes of the `raw` one, toned as the target's are."""
        picture = tone.with_lips_of(picture, raw, scene.pixels, common, scene.points, scene.wide)
        if scene.openings.mouth > CLOSED:
            picture = tone.with_teeth_of(picture, raw, scene.pixels, scene.points, scene.wide)
        for lids in EYELIDS:
            picture = tone.with_eye_of(picture, raw, scene.pixels, scene.points, lids, scene.wide)
        return picture

    def _kept(self, hole: Array, scene: _Scene) -> Array:
        """Where the target's own mouth or eyes are shown, `[h, w]` in 0..1: where the source's are shut, or hidden."""
        own, theirs, side = self.source.openings, scene.openings, scene.here.side
        kept = np.zeros((side, side), np.float32)
        if theirs.mouth > PARTED and not ALIKE_MOUTHS[0] < own.mouth / theirs.mouth < ALIKE_MOUTHS[1]:
            kept = mesh.polygon_mask(scene.points, INNER_LIPS, side, feather=max(scene.wide / 200, 0.6))
        for k, lids in enumerate(EYELIDS):
            x, y = np.clip(np.rint(scene.points[IRISES[k][0]]), 0, side - 1).astype(int)
            if own.lids[k] < LIDS_SHUT * theirs.lids[k] or hole[y, x] > 0.5:
                feather, grow = max(scene.wide / 150, 0.6), scene.wide / 75
                kept = np.maximum(kept, mesh.polygon_mask(scene.points, lids, side, feather, grow=grow))
        return kept


@dataclass(frozen=True, eq=False)
class _Scene:
    """The target's face where the source's will lie: a window of its crop. pixels `[h, w, 3]` in 0..1, skin and front
    `[h, w]`; points `[478, 2]` and layout `[480, 2]` (the mesh with border points) in the window; wide: the face's
    width."""

    here: Window
    pixels: Array
    skin: Array
    front: Array
    points: Array
    layout: Array
    depth: Array
    wide: float
    openings: Openings

    @staticmethod
    def of(target: Portrait) -> _Scene:
        crop = target.crop
        wide = face_width(crop.landmarks)
        here = mesh.window(crop.landmarks[:POINTS], 0.06 * wide, crop.size)
        at = mesh.pixel_grid(crop.size)[here.part]
        skin, front = (_mask_at(mask, at, crop.size) for mask in (target.skin, target.front))
        layout = here.local(mesh.with_border_points(crop.landmarks, crop.size))
        pixels = crop.pixels[here.part].astype(np.float32) / 255
        return _Scene(
            here, pixels, skin, front, here.local(crop.landmarks), layout, target.depth, wide, target.openings
        )


def _inwards(mean: Array) -> Array:
    """How much of the source's shape each point takes, `[478]`: OUTLINE at the outline, all INWARDS of it."""
    ends = mean[list(OVAL), :2]
    line = np.concatenate([(1 - u) * ends + u * np.roll(ends, -1, 0) for u in (0, 0.25, 0.5, 0.75)])
    apart = np.sqrt(((mean[:, None, :2] - line) ** 2).sum(-1)).min(1)
    return OUTLINE + (1 - OUTLINE) * smoothstep(apart, 0, INWARDS)


def _by_depth(depth: Array, triangles: Array) -> Array:
    """The triangles of a mesh with border points, the farthest first."""
    beyond = np.full(int(triangles.max()) + 1 - POINTS, 1e6)
    return np.argsort(-np.concatenate([depth[:POINTS], beyond])[triangles].mean(1))


def _spread(values: Array, layout: Array, triangles: Array, side: int, order: Array) -> Array:
    """What is known at the mesh's points, `[468]`, all over a window `[side, side]`, in 0..1."""
    known = np.concatenate([values, np.full(len(layout) - POINTS, values.mean())])
    pairs = np.column_stack([known, known]).astype(np.float32)
    return np.clip(mesh.dense_map(layout, pairs, triangles, side, order)[..., 0], 0, 1)


def _mask_at(mask: Array, at: Array, size: int) -> Array:
    """A mask `[M, M]` uint8 of a crop of `size` pixels at places `[h, w, 2]` (crop xy), in 0..1."""
    where = (at + np.float32(0.5)) * np.float32(len(mask) / size) - np.float32(0.5)
    return mesh.remap(mask, where).astype(np.float32) / 255


def _with_gaze(at: Array, source: Array, scene: _Scene) -> Array:
    """The map `[h, w, 2]` of a window into the source, so that its irises come to lie where the target's are."""
    out = at.copy()
    for k, lids in enumerate(EYELIDS):
        radius = mesh.iris_radius(scene.points, k)
        here = mesh.window(scene.points[[*lids, *IRISES[k]]], radius, scene.here.side)
        local = here.local(scene.points)
        centre = local[IRISES[k][0]]
        x, y = np.clip(np.rint(centre), 0, here.side - 1).astype(int)
        shift = source[IRISES[k][0]] - at[here.part][y, x]
        if np.linalg.norm(shift) > GAZE_REACH * mesh.iris_radius(source, k):
            continue
        apart = np.linalg.norm(here.places - centre, axis=-1)
        inside = mesh.polygon_mask(local, lids, here.side, feather=max(radius / 6, 0.5))
        out[here.part] += shift * (smoothstep(apart, 2.6 * radius, radius) * inside)[..., None]
    return out
