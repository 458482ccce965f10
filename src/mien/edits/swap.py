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
from ..face.mesh import Raster, Window
from ..face.topology import BROWS, EYELIDS, INNER_LIPS, IRISES, LIPS, OVAL, POINTS
from ..models.shapes import Shapes
from ..types import Alignment, Array, Change, Crop, Networks, Phase
from . import swap_tone as tone
from .portrait import LAYOUT, Openings, Portrait, depth_of, face_width, openings, resized
from .swap_tone import Pair, Tones

OUTLINE = 0.5  # how much of the source's outline: all of it would move hair, ears and collars far
INWARDS = 22.0  # mm from the outline within which the shape becomes wholly the source's
SEEN = 0.0, 0.35  # cosine of the angle at which the source's camera saw a place: below the first not at all
HOLE = 0.15, 0.5  # how well a place must be known to be shown
GAZE_REACH = 2.2  # iris radii: further away eyes are not turned
# the ends between which one becomes the other, so that nothing jumps in clips:
SHUT = 0.6, 0.5  # of the target's lid opening: with less the source's eye counts as shut
BLINK = (
    0.88,
    0.74,
)  # of the target's usual lid opening, or of USUAL where that is not known: with less it shows its own lids
USUAL = 0.2  # of an eye's width: with less of that any eye is nearly shut
HIDDEN_EYE = 0.35, 0.65  # how hidden an eye of the source is
PARTED = 0.04, 0.06  # of a mouth's opening over the inner eye distance, from which on something is seen in it
CLOSED = 0.02, 0.04  # below which nothing is seen between the lips
FEWER, MORE = (0.65, 0.55), (1.7, 1.9)  # the source's opening over the target's: between them its teeth fit
BORDER = 0.02, 0.05  # of the face's width, inwards from the outline: between them lies the seam
SEAM = 0.12  # of the face's width: the width of the coarsest band
COARSE = 3  # pixels of a window to one of its maps
FEATURES = {"mouth": (LIPS,), "eyes": EYELIDS, "brows": BROWS}  # that can be kept
KEPT = 0.025  # of the face's width, by which what is kept is larger than its outline
LIP, LID = (
    0.008,
    0.035,
)  # the same of an open mouth, whose lips the mesh draws too near, and of a lid that is shut
Weighted = tuple[tuple[Portrait, float], ...]  # portraits of one face, each with its share; they sum to 1


@dataclass(frozen=True, eq=False)
class Reshape:
    """Gives a face the shape of somebody else, `identity [I]` of the shape model, in its own pose and expression: what
    is around it follows. own `[I]`: the face's own identity, where it is known better than from one picture; share: how
    much of the difference, 0..1; size: of the crop, in pixels."""

    identity: Array
    shapes: Shapes
    triangles: Array
    own: Array | None = None
    share: float = 1.0
    size: int = 512

    phase = Phase.RESHAPE

    @property
    def alignment(self) -> Alignment:
        return Alignment(LAYOUT, self.size)

    @property
    def networks(self) -> Networks:
        return self.shapes.networks

    def __call__(self, crop: Crop) -> Change:
        model = self.shapes.model
        points = shape.solid(crop.landmarks, depth_of(crop))
        pose = model.pose(points)
        own = model.fit([pose.to_head(points)])[0] if self.own is None else self.own
        offsets = model.identity_offsets(self.share * (self.identity - own)) * inwards(model.mean)[:, None]
        offsets[:, 2] = 0  # the mesh's guess at depth would move a turned face sideways
        moved = (points + pose.to_picture(shape.irises_with_lids(offsets)))[:, :2]
        return flow_to(crop, moved, self.triangles)


@dataclass(frozen=True, eq=False)
class Swap:
    """Lays the face that `sources` show over the one in a crop of `size` pixels, which has its shape already.

    targets: what was measured of that face, in this picture or in frames near by. strength 0..1: how far from the
    target's texture to the source's. kept: FEATURES that stay the target's. lids: the target's usual lid opening, over the
    width of an eye, where that is known: with less it blinks. held: how the frame before was toned, and
    how much of that is kept, 0..1; where that is all, nothing is measured anew.
    """

    sources: Weighted
    targets: Weighted
    triangles: Array
    size: int
    strength: float = 1.0
    kept: tuple[str, ...] = ()
    lids: float = USUAL
    held: tuple[Tones, float] | None = None

    phase = Phase.OVERLAY
    networks: Networks = ()  # the parser, which measured the portraits, is named by who had them measured

    @property
    def alignment(self) -> Alignment:
        return Alignment(LAYOUT, self.size)

    def __call__(self, crop: Crop) -> Change:
        return self.drawn(crop)[0]

    def drawn(self, crop: Crop) -> tuple[Change, Tones]:
        """The Change, and how the face was toned."""
        scene = _Scene.of(crop, self.targets, self.triangles)
        mask = smoothstep(scene.depth / scene.wide, *BORDER) * (1 - scene.front)
        levels = max(3, int(np.log2(SEAM * scene.wide)))
        parts = [(self._drawn(source, scene), share) for source, share in self.sources]
        face = (
            parts[0][0][0] if len(parts) == 1 else sum(part[0] * np.float32(share) for part, share in parts)
        )
        joined = np.clip(multiband(np.asarray(face), scene.pixels, mask, levels), 0, 1)
        if self.strength < 1:
            joined = scene.pixels + np.float32(self.strength) * (joined - scene.pixels)
        alpha = visible(joined - scene.pixels) * (scene.depth > 0) * (1 - scene.front)
        pixels, size = crop.pixels.copy(), crop.size
        pixels[scene.here.part] = np.rint(255 * joined)
        finer = joined - pixels[scene.here.part].astype(np.float32) / 255  # what 8 bits cannot hold
        fields = (paste_window(one, scene.here.part, size) for one in (finer, alpha))
        source = replace(crop, pixels=pixels)
        change = Change(np.zeros((size, size, 2), np.float32), *fields, kind="texture", source=source)
        return change, max(parts, key=lambda part: part[1])[0][1]

    def _drawn(self, source: Portrait, scene: _Scene) -> tuple[Array, Tones]:
        """The source's face in the target's layout and light, `[h, w, 3]`, where it is not known the target's; and how
        it was toned."""
        picture, skin, hole = self._carried(source, scene)
        pair = Pair(picture, scene.pixels, skin * scene.skin, scene.depth, scene.points, scene.wide)
        held = self.held[0] if self.held else None
        lit, vivid = tone.relit(pair, held.vivid if held else None)
        if held is None or self.held is None:
            tones = tone.measured(pair, lit, vivid)
        else:
            kept = self.held[1]
            tones = held if kept >= 1 else tone.measured(pair, lit, vivid).after(held, kept)
        parted = float(smoothstep(np.array(scene.openings.mouth), *CLOSED))
        face = tone.toned(pair, lit, tones, parted)
        face = tone.mixed(face, scene.pixels, np.maximum(hole, self._kept(source, hole, scene)))
        return tone.with_grain(tone.as_colourful(face, tones.hue), pair, tones.grain), tones

    def _carried(self, source: Portrait, scene: _Scene) -> tuple[Array, Array, Array]:
        """The source's face in the target's layout `[h, w, 3]` in 0..1, where it is bare skin, and where it is not
        known, `[h, w]`."""
        crop = source.crop if source.crop.size <= self.size else resized(source.crop, self.size)
        facing = -mesh.normals(crop.landmarks, depth_of(crop), self.triangles)[:, 2]
        seen = smoothstep(facing, *SEEN)
        corners = mesh.with_border_points(crop.landmarks, crop.size)
        known = np.concatenate([seen, np.full(len(corners) - POINTS, seen.mean())])
        spread = scene.raster.spread(np.column_stack([corners, known]))
        at = spread[..., :2]
        skin, hidden = (_mask_at(mask, at, crop.size) for mask in (source.skin, source.hidden))
        hole = 1 - smoothstep(spread[..., 2] * (1 - hidden), *HOLE)
        hole = blur(hole, max(scene.wide / 60 / COARSE, 0.5))
        places = _with_gaze(scene.grown(at), crop.landmarks, scene)
        how = cv2.INTER_CUBIC if crop.size < 1.2 * self.size else cv2.INTER_LINEAR
        x, y = cv2.split(places)
        picture = cv2.remap(crop.pixels, x, y, how, borderMode=cv2.BORDER_REFLECT_101)
        return picture.astype(np.float32) / 255, scene.grown(skin), scene.grown(hole)

    def _kept(self, source: Portrait, hole: Array, scene: _Scene) -> Array:
        """Where the target's own mouth or eyes are shown, `[h, w]` in 0..1: where the source's are shut or hidden, and
        what is to be kept."""
        own, theirs, side, wide = source.openings, scene.openings, scene.here.side, scene.wide
        kept = np.zeros((side, side), np.float32)

        def show(outline: tuple[int, ...], share: float, grow: float) -> None:
            if share:
                here = mesh.window(scene.points[list(outline)], 2 * grow + wide / 20, side)
                points, feather = here.local(scene.points), max(wide / 150, 0.6)
                mask = mesh.polygon_mask(points, outline, here.side, feather, grow=grow)
                kept[here.part] = np.maximum(kept[here.part], mask * np.float32(share))

        ratio = own.mouth / max(theirs.mouth, 1e-3)
        unlike = max(_step(ratio, FEWER), _step(ratio, MORE))
        show(INNER_LIPS, unlike * _step(theirs.mouth, PARTED), LIP * wide)
        missing = 0.0  # of one eye or the other: two of different people would be seen at once
        for k, lids in enumerate(EYELIDS):
            show(lids, _step(theirs.lids[k] / self.lids, BLINK), LID * wide)
            x, y = np.clip(np.rint(scene.points[IRISES[k][0]]), 0, side - 1).astype(int)
            shut = _step(own.lids[k] / max(theirs.lids[k], 1e-3), SHUT)
            missing = max(missing, shut, _step(float(hole[y, x]), HIDDEN_EYE))
        for lids in EYELIDS:
            show(lids, missing, wide / 75)
        for name in self.kept:
            for outline in FEATURES[name]:
                show(outline, 1.0, KEPT * wide)
        return kept


@dataclass(frozen=True, eq=False)
class _Scene:
    """The target's face where the source's will lie: a window of its crop. pixels `[h, w, 3]` in 0..1; skin, front
    `[h, w]`; depth `[h, w]`: pixels to the face's outline, 0 outside; points `[478, 2]` in the window; raster: the
    mesh on a grid COARSE times as coarse; wide: the face's width."""

    here: Window
    pixels: Array
    skin: Array
    front: Array
    depth: Array
    points: Array
    raster: Raster
    wide: float
    openings: Openings

    @staticmethod
    def of(crop: Crop, targets: Weighted, triangles: Array) -> _Scene:
        wide = face_width(crop.landmarks)
        here = mesh.window(crop.landmarks[:POINTS], 0.06 * wide, crop.size)
        layout = here.local(mesh.with_border_points(crop.landmarks, crop.size))
        small = -(-here.side // COARSE)
        order = _by_depth(depth_of(crop), triangles)
        raster = Raster.of((layout + 0.5) * (small / here.side) - 0.5, triangles, small, order)
        inside = mesh.hull_mask(here.local(crop.landmarks), here.side)
        inside[[0, -1]] = inside[:, [0, -1]] = 0
        masks = [
            np.dstack([_mask_at(mask, at, portrait.crop.size) for mask in (portrait.skin, portrait.front)])
            * np.float32(share)
            for portrait, share in targets
            for at in [raster.spread(mesh.with_border_points(portrait.crop.landmarks, portrait.crop.size))]
        ]
        skin, front = cv2.split(cv2.resize(np.sum(masks, axis=0), (here.side,) * 2))
        return _Scene(
            here,
            crop.pixels[here.part].astype(np.float32) / 255,
            skin,
            front,
            cv2.distanceTransform(inside, cv2.DIST_L2, 5),
            here.local(crop.landmarks),
            raster,
            wide,
            openings(shape.solid(crop.landmarks, depth_of(crop))),
        )

    def grown(self, field: Array) -> Array:
        """A field on the raster's grid all over the window."""
        return cv2.resize(field, (self.here.side,) * 2, interpolation=cv2.INTER_LINEAR)


def _step(value: float, ends: tuple[float, float]) -> float:
    return float(smoothstep(np.array(value), *ends))


def flow_to(crop: Crop, moved: Array, triangles: Array) -> Change:
    """What brings a face's landmarks to `moved [478, 2]`: what is around it follows."""
    before, after = (mesh.with_border_points(one, crop.size) for one in (crop.landmarks, moved))
    flow, reach = mesh.motion(before, after, triangles, crop.size)
    return Change(flow, np.zeros((crop.size, crop.size, 3), np.float32), np.minimum(2 * reach, 1))


def inwards(mean: Array) -> Array:
    """How much of the source's shape each point takes, `[478]`: OUTLINE at the outline, all INWARDS of it."""
    ends = mean[list(OVAL), :2]
    line = np.concatenate([(1 - u) * ends + u * np.roll(ends, -1, 0) for u in (0, 0.25, 0.5, 0.75)])
    apart = np.sqrt(((mean[:, None, :2] - line) ** 2).sum(-1)).min(1)
    return OUTLINE + (1 - OUTLINE) * smoothstep(apart, 0, INWARDS)


def _by_depth(depth: Array, triangles: Array) -> Array:
    """The triangles of a mesh with border points, the farthest first."""
    beyond = np.full(int(triangles.max()) + 1 - POINTS, 1e6)
    return np.argsort(-np.concatenate([depth[:POINTS], beyond])[triangles].mean(1))


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
        reach = np.linalg.norm(shift) / max(mesh.iris_radius(source, k), 1e-3)
        share = _step(float(reach), (GAZE_REACH + 0.2, GAZE_REACH - 0.2))
        if share:
            apart = np.linalg.norm(here.places - centre, axis=-1)
            inside = mesh.polygon_mask(local, lids, here.side, feather=max(radius / 6, 0.5))
            turned = smoothstep(apart, 2.6 * radius, radius) * inside * np.float32(share)
            out[here.part] += shift * turned[..., None]
    return out
