"""One picture of a face, measured: what a swap has to know of the one whose face goes, and of the one it goes
to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np

from ..face import geometry, harmonics, mesh, shape, skin, topology
from ..face.filters import blur, smoothstep, to_lab
from ..models.landmarker import pose
from ..models.parser import Parsed, Parser
from ..types import Alignment, Array, Crop, Face

LAYOUT = "ffhq"
SMALLEST, LARGEST = 256, 2048  # pixels of a crop's side
FINER = 1.5  # of its own scale, at which a small face is laid out
MASKS = 512  # pixels of a side at which masks are made, at most
# of the parser, from where on it is sure: what hides a face that is to be carried elsewhere, where a lock would look
# painted on, and what stays before one that another comes under
HIDES = {"hair": (0.08, 0.3), "other": (0.3, 0.6), "glasses": (0.2, 0.5)}
IN_FRONT = {"hair": (0.3, 0.65), "other": (0.5, 0.8), "glasses": (0.3, 0.6)}
BEARD = (0.25, 0.6)  # the same of a beard that is to stay
WORN = (
    0.045  # of a face, from which on glasses are worn: then the parser's weakest trace of them is a thin rim
)
RIMS = (0.1, 0.3)  # the ends for that
SPECK = 0.03  # of a face: what is smaller before it is a fold that the parser was wrong about
NOSE = (*topology.BRIDGE, *topology.BELOW)
# how unlike skin something is that is taken for a lock of hair, where nothing but skin can be
STRANGE = 0.35, 0.7


@dataclass(frozen=True, eq=False)
class Portrait:
    """A face laid out at its picture's own scale, with what hides it.

    crop: in LAYOUT, with depth. yaw, pitch in degrees. beard, glasses: how much of the lower face and of the whole they
    take, 0..1. light `[9, 3]`: see `harmonics.fit`. skin, hidden, front `[M, M]` uint8 in 0..255: bare skin; what is
    before it, so that the face below is not known; what would be before another face in its place.
    """

    crop: Crop
    yaw: float
    pitch: float
    beard: float
    glasses: float
    light: Array
    skin: Array
    hidden: Array
    front: Array

    @property
    def depth(self) -> Array:
        """Of the landmarks, `[478]` in crop pixels."""
        return depth_of(self.crop)

    @property
    def width(self) -> float:
        """Of the face's mesh, in pixels of the picture."""
        return face_width(self.crop.landmarks) / geometry.scale_of(self.crop.matrix)

    @cached_property
    def openings(self) -> Openings:
        return openings(shape.solid(self.crop.landmarks, self.depth))

    @cached_property
    def covered(self) -> float:
        """How much of the face is hidden, 0..1."""
        size = len(self.hidden)
        points = resized_points(self.crop.landmarks, self.crop.size, size)
        return float(self.hidden[mesh.hull_mask(points, size) > 0].mean() / 255)


@dataclass(frozen=True)
class Openings:
    """How far a mouth is open, over the distance of the inner eye corners, and each eye, over its width."""

    mouth: float
    lids: tuple[float, float]


def openings(points: Array) -> Openings:
    """Of a face with landmarks and depth `[478, 3]`, in whatever pixels: in space, as a turned head foreshortens widths."""

    def apart(i: int, j: int) -> float:
        return float(np.linalg.norm(points[i] - points[j]))

    eyes = ((159, 145, 33, 133), (386, 374, 263, 362))
    left, right = (
        apart(upper, lower) / max(apart(outer, inner), 1e-3) for upper, lower, outer, inner in eyes
    )
    return Openings(apart(13, 14) / max(apart(362, 133), 1e-3), (left, right))


def own_side(face: Face) -> int:
    """The side of a crop that shows `face` at its picture's own scale, a multiple of 8; of a small one larger, as each
    look between pixels takes some of them."""
    own = 1000 / geometry.scale_of(geometry.similarity(face.landmarks, Alignment(LAYOUT, 1000)))
    return int(np.clip(max(own, min(FINER * own, LARGEST / 2)), SMALLEST, LARGEST)) // 8 * 8


def portrait_of(
    parser: Parser,
    triangles: Array,
    crop: Crop,
    parsed: Parsed | None = None,
    *,
    carried: bool = True,
    beard_stays: bool = False,
) -> Portrait:
    """Measure the face that a crop in LAYOUT shows, with depth. parsed: the same face of the same picture as the parser
    sees it, where that is known; carried: whether it may be carried elsewhere, so that what hides it has to be known;
    beard_stays: whether a beard counts as something that is before it."""
    small = resized(crop, min(crop.size, MASKS))
    if parsed is None:
        seen = geometry.align(small.pixels, small.landmarks, parser.alignment)
        parsed, matrix = Parsed(seen, parser.parse(seen)), geometry.invert(seen.matrix)
    else:
        matrix = geometry.compose(small.matrix, geometry.invert(parsed.crop.matrix))
    regions = {
        name: cv2.warpAffine(share, matrix, (small.size,) * 2, borderValue=float(name == "other"))
        for name, share in parsed.regions.items()
    }
    bare = skin.bare_skin_mask(small.landmarks, small.size) * smoothstep(
        regions["skin"] + regions["nose"], 0.4, 0.8
    )
    normals = mesh.normals(small.landmarks, depth_of(small), triangles)
    lower = mesh.polygon_mask(small.landmarks, topology.LOWER_FACE, small.size, feather=1) > 0.5
    soft = blur(small.pixels.astype(np.float32) / 255, small.size / 80)
    _, yaw, pitch = pose(crop.landmarks[: topology.POINTS], depth_of(crop)[: topology.POINTS])
    worn = float(regions["glasses"][mesh.hull_mask(small.landmarks, small.size) > 0].mean())
    hidden = _hidden(small, regions) if carried else np.zeros_like(bare)
    return Portrait(
        crop,
        yaw,
        pitch,
        float(regions["beard"][lower].mean()),
        worn,
        harmonics.fit(soft, bare, small.landmarks, normals),
        *(_bytes(mask) for mask in (bare, hidden, _front(small, regions, worn, beard_stays))),
    )


def face_width(points: Array) -> float:
    """Of a mesh `[478, 2]`, in its own pixels."""
    return float(np.ptp(points[: topology.POINTS, 0]))


def resized(crop: Crop, side: int) -> Crop:
    """A crop at another side, with its landmarks and depth; averaged where it becomes smaller."""
    if side == crop.size:
        return crop
    how = cv2.INTER_AREA if side < crop.size else cv2.INTER_CUBIC
    ratio = side / crop.size
    grow = np.array([[ratio, 0, (ratio - 1) / 2], [0, ratio, (ratio - 1) / 2]])
    return replace(
        crop,
        pixels=cv2.resize(crop.pixels, (side, side), interpolation=how),
        matrix=geometry.compose(grow, crop.matrix),
        alignment=Alignment(crop.alignment.template, side),
        landmarks=resized_points(crop.landmarks, crop.size, side),
        depth=depth_of(crop) * np.float32(ratio),
    )


def resized_points(points: Array, before: int, after: int) -> Array:
    """Points (crop xy) of a crop of one side as they lie at another."""
    return ((points + 0.5) * (after / before) - 0.5).astype(np.float32)


def depth_of(crop: Crop) -> Array:
    """The depth `[478]` that a portrait is laid out with, in crop pixels."""
    assert crop.depth is not None
    return crop.depth


def _bytes(mask: Array) -> Array:
    return np.rint(np.clip(mask, 0, 1) * 255).astype(np.uint8)


def _front(crop: Crop, regions: dict[str, Array], worn: float, beard_stays: bool) -> Array:
    """What is before the face and stays there: things, glasses, of which it has `worn`, hair, and perhaps a beard.
    `[S, S]` in 0..1."""
    size = crop.size
    inside = cv2.erode(mesh.hull_mask(crop.landmarks, size), np.ones((max(size // 60, 1),) * 2, np.uint8))
    shares = {name: smoothstep(regions[name], *ends) for name, ends in IN_FRONT.items()}
    shares["other"] = shares["other"] * inside
    if beard_stays:
        shares["beard"] = smoothstep(regions["beard"], *BEARD)
    if worn > WORN:
        shares["glasses"] = smoothstep(regions["glasses"], *RIMS)
    found = np.maximum.reduce(list(shares.values()))
    found[found < 0.05] = 0
    _, parts, about, _ = cv2.connectedComponentsWithStats((found > 0).astype(np.uint8))
    specks = np.flatnonzero(about[:, cv2.CC_STAT_AREA] < SPECK * mesh.hull_mask(crop.landmarks, size).sum())
    found[np.isin(parts, specks)] = 0
    return blur(cv2.dilate(found, np.ones((3, 3))), max(size / 350, 0.5))


def _hidden(crop: Crop, regions: dict[str, Array]) -> Array:
    """What is not the face's own, `[S, S]` in 0..1: hair, things and glasses, grown a little; and thin locks, which
    the parser does not see, where nothing but skin can be: above the brows and beside the eyes and cheeks."""
    size, points = crop.size, crop.landmarks
    inside = mesh.hull_mask(points, size).astype(np.float32)
    shares = {name: smoothstep(regions[name], *ends) for name, ends in HIDES.items()}
    shares["other"] = shares["other"] * inside
    lab = to_lab(crop.pixels)
    unlike = smoothstep(1 - skin.skin_likelihood(lab, skin.fit_skin_shading(lab, points)), *STRANGE)
    found = np.maximum.reduce([*shares.values(), unlike * only_skin(points, size)])
    found[found < 0.1] = 0
    return blur(cv2.dilate(found, np.ones((max(3, size // 60),) * 2)), size / 200)


def only_skin(points: Array, size: int) -> Array:
    """Where a face can show nothing but skin, `[S, S]` in 0..1: above the brows, and from there to the mouth beside
    brows, lids and nose."""
    inside, wide = mesh.hull_mask(points, size), face_width(points)
    up = (points[10] - points[152]) / np.linalg.norm(points[10] - points[152])
    height = mesh.pixel_grid(size) @ up
    brows = points[[index for brow in topology.BROWS for index in brow]]
    above = smoothstep(height - (brows @ up).max(), 0.01 * wide, 0.05 * wide)
    mouth = float((points[list(topology.MOUTH_CORNERS)] @ up).mean())
    beside = smoothstep(height - mouth, 0, 0.08 * wide)
    features = np.zeros((size, size), np.uint8)
    for outline in (*topology.BROWS, *topology.EYELIDS, topology.LIPS, NOSE):
        hull = cv2.convexHull(points[list(outline)].astype(np.float32))[:, 0]
        cv2.fillConvexPoly(features, np.rint(hull).astype(np.int32), 1)
    grown = cv2.dilate(features, np.ones((max(3, int(0.1 * wide)),) * 2, np.uint8))
    return np.maximum(above, beside * (1 - blur(grown.astype(np.float32), 1))) * inside
