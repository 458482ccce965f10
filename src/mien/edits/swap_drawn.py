"""What a trained network adds to a swap: the shape of the face as it draws it, and its coarse tones. What is fine stays
that of the source's picture, since networks draw a face at 64 pixels or a few more."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..face import geometry, mesh, shape
from ..face.filters import blur, smoothstep
from ..models.landmarker import Landmarker
from ..models.parser import Parser
from ..models.shapes import Shapes
from ..models.swapper import Swapper
from ..types import Alignment, Array, Change, Crop, Networks, Phase
from . import swap_tone as tone
from .portrait import LAYOUT, face_width, portrait_of, resized_points
from .swap import BORDER, flow_to, inwards

SIZE = 384  # pixels of the crop in which tones are compared: they are coarse
COARSE = 1.0  # pixels of what was drawn: what is finer is not the network's


@dataclass(frozen=True, eq=False)
class Drawing:
    """A face as a network draws it. face `[T, T, 3]` and alpha `[T, T]` in 0..1; matrix: photo -> drawing; offsets
    `[478, 2]`: how far the points of the face lie elsewhere in it, in pixels of the photo."""

    face: Array
    alpha: Array
    matrix: Array
    offsets: Array

    @staticmethod
    def of(swapper: Swapper, landmarker: Landmarker, crop: Crop) -> Drawing:
        """The face that a crop in the swapper's alignment shows, drawn. Where its points lie is told from the drawing
        and from the crop made as coarse, so that what coarseness does to them is the same in both."""
        face, alpha = swapper.draw(crop)
        side = len(face)
        matrix = geometry.compose(_resizing(crop.size, side), crop.matrix)
        seen = cv2.resize(crop.pixels, (side, side), interpolation=cv2.INTER_AREA)
        inside = mesh.hull_mask(resized_points(crop.landmarks, crop.size, side), side)
        mixed = tone.mixed(seen.astype(np.float32), 255 * face, alpha * inside)
        points = resized_points(crop.landmarks, crop.size, side)
        before, after = (
            landmarker.laid_anew(replace(crop, pixels=one, landmarks=points)).landmarks
            for one in (seen, np.rint(mixed).astype(np.uint8))
        )
        moved = np.column_stack([after - before, np.zeros(len(points))])
        offsets = shape.irises_with_lids(moved)[:, :2] @ np.linalg.inv(matrix[:, :2]).T
        return Drawing(face, alpha, matrix, offsets.astype(np.float32))


def _resizing(before: int, after: int) -> Array:
    """The matrix `[2, 3]` of a picture of one side to one of another."""
    ratio = after / before
    return np.array([[ratio, 0, (ratio - 1) / 2], [0, ratio, (ratio - 1) / 2]])


@dataclass(frozen=True, eq=False)
class ReshapeAsDrawn:
    """Gives a face the shape that a network has drawn it in, `share` 0..1 of it: what is around it follows."""

    drawing: Drawing
    swapper: Swapper
    shapes: Shapes
    triangles: Array
    share: float = 1.0

    alignment = Alignment(LAYOUT, 512)
    phase = Phase.RESHAPE

    @property
    def networks(self) -> Networks:
        return self.swapper.net.networks

    def __call__(self, crop: Crop) -> Change:
        offsets = self.drawing.offsets @ crop.matrix[:, :2].T
        weights = self.share * inwards(self.shapes.model.mean)[:, None]
        return flow_to(crop, crop.landmarks + offsets * weights, self.triangles)


@dataclass(frozen=True, eq=False)
class Repaint:
    """Gives a swapped face the coarse tones that a network has drawn it in, in the light of what is there, `share` 0..1
    of them."""

    drawing: Drawing
    swapper: Swapper
    parser: Parser
    triangles: Array
    share: float = 1.0

    alignment = Alignment(LAYOUT, SIZE)
    phase = Phase.OVERLAY

    @property
    def networks(self) -> Networks:
        return self.swapper.net.networks

    def __call__(self, crop: Crop) -> Change:
        size, points, wide = crop.size, crop.landmarks, face_width(crop.landmarks)
        matrix = geometry.compose(crop.matrix, geometry.invert(self.drawing.matrix))
        drawn, alpha = (
            cv2.warpAffine(one, matrix, (size, size)) for one in (self.drawing.face, self.drawing.alpha)
        )
        portrait = portrait_of(self.parser, self.triangles, crop)
        skin, front = (one.astype(np.float32) / 255 for one in (portrait.skin, portrait.front))
        inside = mesh.hull_mask(points, size)
        inside[[0, -1]] = inside[:, [0, -1]] = 0
        depth = cv2.distanceTransform(inside, cv2.DIST_L2, 5)
        scene = crop.pixels.astype(np.float32) / 255
        lit, _ = tone.relit(tone.Pair(drawn, scene, skin * alpha, depth, points, wide))
        colour = blur(lit - scene, COARSE * geometry.scale_of(matrix))
        mask = self.share * smoothstep(depth / wide, *BORDER) * (1 - front) * alpha
        return Change(np.zeros((size, size, 2), np.float32), colour, mask.astype(np.float32))
