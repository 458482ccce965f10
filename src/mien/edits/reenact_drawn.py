"""What a trained network adds to a photo that moves: how light falls, and what no single photo shows, as it draws them.
What is fine stays that of the photo, since networks draw a face at a few pixels."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..face import geometry, mesh
from ..face.change import composite
from ..face.filters import blur, smoothstep
from ..face.motion import Gesture, still
from ..face.topology import IRISES
from ..models.animator import Animator
from ..types import Array, Change, Crop
from .portrait import face_width
from .reenact import ALL, Parts, Reenactor
from .reenact_eyes import STRONGER
from .swap import BORDER

COARSE = 1.0  # pixels of what was drawn: what is finer is not the network's


@dataclass(frozen=True, eq=False)
class DrawnFace:
    """A face of a photo, which a network draws as it moves.

    portrait: the face at rest; missed `[S, S, 3]`: how far that is from what the network draws of it, in 0..1. It is
    carried along with the mesh, so that a face at rest is left as it is.
    """

    animator: Animator
    reenactor: Reenactor
    triangles: Array
    portrait: Crop
    missed: Array

    @staticmethod
    def of(animator: Animator, reenactor: Reenactor, triangles: Array, pixels: Array) -> DrawnFace:
        """Prepare a face of a photo `[H, W, 3]` uint8."""
        rest = features(reenactor, still(len(reenactor.field.rest.model.expression)))
        portrait = geometry.align(pixels, rest, animator.alignment)
        missed = _levels(portrait) - animator.draw(portrait, portrait.landmarks)
        return DrawnFace(animator, reenactor, triangles, portrait, missed)

    def draw(self, out: Array, gesture: Gesture, parts: Parts = ALL) -> None:
        """Draw the face as it does a gesture over the photo `out [H, W, 3]` uint8, in which it does so already."""
        crop = geometry.align(out, features(self.reenactor, gesture, parts), self.animator.alignment)
        size, points = crop.size, crop.landmarks
        before, after = (mesh.with_border_points(one, size) for one in (self.portrait.landmarks, points))
        flow, _ = mesh.motion(before, after, self.triangles, size)
        missed = mesh.remap(self.missed, flow + mesh.pixel_grid(size))
        colour = blur(self.animator.draw(self.portrait, points) + missed - _levels(crop), COARSE)
        inside = mesh.hull_mask(points, size)
        inside[[0, -1]] = inside[:, [0, -1]] = 0
        depth = cv2.distanceTransform(inside, cv2.DIST_L2, 5)
        mask = smoothstep(depth / face_width(points), *BORDER).astype(np.float32)
        composite(out, crop, Change(np.zeros((size, size, 2), np.float32), colour, mask), out)


def features(reenactor: Reenactor, gesture: Gesture, parts: Parts = ALL) -> Array:
    """Where the points of a face lie in the photo `[478, 2]` as it does a gesture: lids as their contours have them, and
    irises where it looks."""
    kept, head = reenactor.does(gesture, parts)
    points = head.points[:, :2].copy()
    for eye, iris in enumerate(IRISES):
        shift = STRONGER * reenactor.field.rest.eye_width(eye) * kept.gaze
        points[list(iris)] += head.placement.turn[:2, :2] @ shift
    return (points + np.array(reenactor.region[:2])).astype(np.float32)


def _levels(crop: Crop) -> Array:
    return crop.pixels.astype(np.float32) / 255
