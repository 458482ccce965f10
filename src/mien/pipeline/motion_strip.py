"""Motions to look at: a strip of pictures of the mean head, which is nobody's."""

from __future__ import annotations

import cv2
import numpy as np

from ..arguments import checked
from ..edits.reenact_flow import facing_out
from ..edits.reenact_head import MovedHead, RestHead, eye_distance
from ..face.topology import EYELIDS, INNER_LIPS, IRISES, POINTS
from ..io.photo_reader import as_photo
from ..models.kit import Kit, shared_kit
from ..types import Array, Photo
from .motion import MotionLike, as_motion

HEADS = 3.2  # eye distances across a picture
NASION = 0.5, 0.4  # where it lies in a picture, as shares of its side
LIGHT = np.array([0.2, 0.45, 0.87])  # against the way that it comes from
DARK, WHITE = (45, 45, 45), (245, 245, 245)


@checked
def motion_strip(motion: MotionLike, *, pictures: int = 8, side: int = 240, kit: Kit | None = None) -> Photo:
    """A motion as a strip of pictures of the mean head, which is nobody's."""
    kit = kit or shared_kit()
    found, _ = as_motion(motion, kit=kit)
    model = kit.shapes.model
    scale = side / HEADS / eye_distance(model.mean)
    flat = (model.mean[:, :2] * scale + side * np.array(NASION)).astype(np.float32)
    head = RestHead.of(model, flat, (model.mean[:, 2] * scale).astype(np.float32), None)
    triangles = facing_out(kit.shapes.triangles(kit.prototypes.triangles), model.mean)
    drawn = [
        _shaded(head.does(found.at(seconds), np.ones(POINTS)), triangles, side)
        for seconds in np.linspace(0, found.seconds, pictures, endpoint=False)
    ]
    return as_photo(np.hstack(drawn))


def _shaded(head: MovedHead, triangles: Array, side: int) -> Array:
    """A head as a grey solid, lit from the front and above: `[side, side, 3]` uint8."""
    seen = head.points
    points = seen[:POINTS]
    corners = points[triangles]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    light = np.clip(normal @ LIGHT, 0, 1)
    out = np.full((side, side, 3), 255, np.uint8)
    fixed = np.rint(corners[..., :2] * 16).astype(np.int32)
    for index in np.argsort(-corners[..., 2].mean(1)):
        if normal[index, 2] > 0:
            grey = 60 + 170 * float(light[index])
            cv2.fillConvexPoly(out, fixed[index], (grey, grey, grey), cv2.LINE_AA, shift=4)
    _fill(out, points[list(INNER_LIPS)], DARK)
    for lids, iris in zip(EYELIDS, IRISES, strict=True):
        _fill(out, points[list(lids)], WHITE)
        eye = np.zeros_like(out)
        _fill(eye, points[list(lids)], WHITE)
        pupil = np.zeros_like(out)
        cv2.circle(pupil, (round(seen[iris[0], 0]), round(seen[iris[0], 1])), max(2, side // 50), WHITE, -1)
        out[(eye > 0) & (pupil > 0)] = DARK[0]
    return out


def _fill(out: Array, points: Array, colour: tuple[int, int, int]) -> None:
    outline = np.rint(points[:, :2] * 16).astype(np.int32)
    cv2.fillPoly(out, [outline], colour, cv2.LINE_AA, shift=4)
