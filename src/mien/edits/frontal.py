"""A face that is turned away, brought to the front: the half that is seen, and its mirror image for the other."""

from __future__ import annotations

import cv2
import numpy as np

from ..errors import DeclinedError
from ..face import filters, geometry, mesh
from ..face.shape import Pose, ShapeModel, solid
from ..face.topology import EXTREMES, EYELIDS, IRISES, POINTS, RIGID_POINTS
from ..types import Alignment, Array, Face

FARTHEST = 50.0  # degrees of yaw that a face may be turned
FACING = (
    4.0,
    12.0,
)  # degrees up to which a photo is enough, and from which on its mirror image is all that helps
BEHIND = 3.0  # mm behind the ears: the axis of a smooth head
BORDER = 0.04  # cosine over which the two halves fade into each other
BANDS = 4
LIGHT = 0.22  # eye distances over which light is evened out
MOST = np.array([22.0, 9.0, 9.0], np.float32)  # of Lab that it is changed by
GROUND = 0.93  # the grey around the face
EDGE = 0.008  # of the side: how soft its edge is
AROUND = 1.4  # iris radii about an iris that move with it


def bring_to_front(pixels: Array, face: Face, model: ShapeModel, triangles: Array, size: int) -> Array:
    """The inside of a face `[size, size, 3]` uint8 on grey, laid out as FFHQ is: the mesh turned to the front and made
    symmetric, the photo's own skin where the photo sees it, and its mirror image where that sees more.

    pixels `[H, W, 3]` uint8; triangles `[T, 3]` cover all the mesh. `DeclinedError` beyond FARTHEST.
    """
    if abs(face.yaw) > FARTHEST:
        raise DeclinedError(
            f"the face is turned by {abs(face.yaw):.0f} degrees: up to {FARTHEST:.0f} can be brought to the front"
        )
    points = solid(face.landmarks, face.depth)
    pose, mirror = model.pose(points), model.mirror
    shape = symmetric(pose.to_head(points), mirror)
    flat = shape[:, :2].astype(np.float32)
    at = geometry.transform(flat, geometry.similarity(flat, Alignment("ffhq", size)))
    raster = mesh.Raster.of(at[:POINTS], triangles, size, np.argsort(-shape[triangles, 2].mean(1)))
    facing = _facing(shape[:POINTS], pose)
    seen, mirrored = (
        _looked_up(pixels, points[order, :2], at, raster) for order in (np.arange(len(points)), mirror)
    )
    own, other = (
        raster.spread(one[:, None].astype(np.float32))[..., 0] for one in (facing, facing[mirror[:POINTS]])
    )
    cover = raster.label >= 0
    weight = (np.clip(own, 0, 1) * np.clip(other, 0, 1) * cover) ** 2
    sigma = LIGHT * geometry.eye_distance(at)
    lab = [filters.rgb_to_lab(one) for one in (seen, mirrored)]
    evened = filters.masked_blur(lab[0] - lab[1], weight.astype(np.float32), sigma)
    mirrored = filters.lab_to_rgb(lab[1] + np.clip(evened, -MOST, MOST))
    helps = filters.smoothstep(np.array(abs(face.yaw), np.float32), *FACING)
    share = 1 - helps * (1 - filters.smoothstep(own - other, -BORDER, BORDER))
    joined = filters.multiband(seen, mirrored, share.astype(np.float32), BANDS)
    rim = max(1, round(EDGE * size))
    inside = cv2.erode(cover.astype(np.float32), np.ones((2 * rim + 1, 2 * rim + 1), np.uint8))
    alpha = cv2.GaussianBlur(inside, (0, 0), rim / 2)[..., None]
    return np.rint(255 * np.clip(GROUND + alpha * (joined - GROUND), 0, 1)).astype(np.uint8)


def symmetric(head: Array, mirror: Array) -> Array:
    """A head `[478, 3]` in its frame, mixed with its mirror image: what is hidden on one side is as on the other."""
    rigid = list(RIGID_POINTS)
    turned = head[mirror] * [-1, 1, 1]
    turned = Pose.between(turned[rigid], head[rigid]).to_head(turned)
    both = (head + turned) / 2
    return (both + both[mirror] * [-1, 1, 1]) / 2


def _facing(shape: Array, pose: Pose) -> Array:
    """How much each point of a smooth head faces the camera: `[468]`, a cosine; that of an eye is one."""
    out = shape * [1, 0, 1] - [0, 0, shape[list(EXTREMES[:2]), 2].mean() + BEHIND]
    camera = pose.turn @ np.array([0, 0, -1.0])
    camera = camera * [1, 0, 1] / np.hypot(camera[0], camera[2])
    facing = out @ camera / np.linalg.norm(out, axis=1)
    for lids in EYELIDS:
        facing[list(lids)] = facing[list(lids)].mean()
    return facing


def _looked_up(pixels: Array, places: Array, at: Array, raster: mesh.Raster) -> Array:
    """A picture redrawn so that what lies at `places [478, 2]` comes to `at [478, 2]`, with irises in the middle of their
    eyes: `[S, S, 3]` float32 in 0..1."""
    to = raster.spread(places[:POINTS].astype(np.float32))
    to = mesh.remap(to, mesh.pixel_grid(len(to)) + _gaze(places, at, raster))
    return mesh.remap(pixels, to).astype(np.float32) / 255


def _gaze(places: Array, at: Array, raster: mesh.Raster) -> Array:
    """Where pixels about the eyes look, so that both irises look ahead: a flow `[S, S, 2]`."""
    size = len(raster.label)
    grid, out = mesh.pixel_grid(size), np.zeros((size, size, 2), np.float32)
    for lids, iris in zip(EYELIDS, IRISES, strict=True):
        from_, to = (one[list(lids)] for one in (places, at))
        matrix = np.linalg.lstsq(np.c_[from_, np.ones(len(lids))], to, rcond=None)[0]
        now = np.r_[places[iris[0]], 1] @ matrix
        radius = AROUND * float(
            np.linalg.norm((np.c_[places[list(iris[1:])], np.ones(4)] @ matrix) - now, axis=1).mean()
        )
        middle = to[[0, 8]].mean(0)  # between its corners
        near = np.exp(-((np.linalg.norm(grid - [middle[0], now[1]], axis=2) / radius) ** 4))
        out[..., 0] += near * np.float32(now[0] - middle[0])
    return out
