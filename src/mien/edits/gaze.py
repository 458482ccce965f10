"""Where the eyes look: irises that move within the eyes, and lids that follow."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..face import filters, mesh, topology
from ..types import Alignment, Array, Change, Crop, Networks, Phase

# How far lids go along when the eyes look up or down, as a share of what the iris moves, by row of the upper
# lid from the lashes up.
UPPER_LID = ((topology.LASHES, 0.75), (topology.CREASES, 0.5))
LOWER_SHARE = 0.4
LOWER_LID = ((7, 163, 144, 145, 153, 154, 155), (249, 390, 373, 374, 380, 381, 382))


@dataclass(frozen=True, eq=False)
class Gaze:
    """Irises moved within the eyes: across -1..1 to the photo's left..right, up -1..1 down..up. triangles: of
    the mesh."""

    across: float
    up: float
    triangles: Array
    networks: Networks
    alignment = Alignment("face", 512)
    phase = Phase.RESHAPE

    def __call__(self, crop: Crop) -> Change:
        size, points = crop.size, crop.landmarks
        turn = crop.matrix[:, :2] / np.sqrt(abs(np.linalg.det(crop.matrix[:, :2])))
        face = mesh.with_border_points(points, size)
        moved = face.copy()
        inner, white = np.zeros((size, size, 2), np.float32), np.zeros((size, size, 3), np.float32)
        reach = np.zeros((size, size), np.float32)
        for eye in (0, 1):
            step = self._step(points, eye, turn)
            width = float(np.linalg.norm(points[topology.LASHES[eye][0]] - points[topology.LASHES[eye][-1]]))
            here = mesh.window(points[list(topology.EYELIDS[eye])], 0.7 * width, size)
            apart = np.hypot(
                *np.moveaxis(here.places - here.local(points[list(topology.EYELIDS[eye])]).mean(0), -1, 0)
            )
            reach[here.part] = np.maximum(
                reach[here.part], filters.smoothstep(apart, 1.15 * width, 0.75 * width)
            )
            inner[here.part] = rolled(here.local(points), eye, step, here.side)
            down = _down(points, eye)
            if step @ down < 0:
                white[here.part] = uncovered(
                    crop.pixels[here.part], here.local(points), eye, inner[here.part]
                )
            for rows, share in UPPER_LID:
                moved[list(rows[eye][1:-1])] += share * (step @ down) * down
            moved[list(LOWER_LID[eye])] += LOWER_SHARE * (step @ down) * down
        outer = np.zeros_like(inner)
        if self.up:
            outer = mesh.dense_map(moved, face, self.triangles, size) - mesh.pixel_grid(size)
            outer = filters.blur(outer, size / 200) * reach[..., None]
        look = mesh.pixel_grid(size) + outer
        flow, colour = (
            cv2.remap(one, look[..., 0], look[..., 1], cv2.INTER_LINEAR) for one in (inner, white)
        )
        return Change(outer + flow, colour, np.clip(4 * reach, 0, 1))

    def _step(self, points: Array, eye: int, turn: Array) -> Array:
        """How far this iris moves, crop xy `[2]`: never so far that it leaves the eye."""
        outline = points[list(topology.EYELIDS[eye])]
        centre, radius = points[topology.POINTS + 5 * eye], mesh.iris_radius(points, eye)
        along = outline[8] - outline[0] if eye == 0 else outline[0] - outline[8]  # to the photo's right
        width = float(np.linalg.norm(along))
        along = along / width
        wanted = turn @ np.array([self.across, -self.up])
        down = _down(points, eye)
        sideways, downwards = float(wanted @ along), float(wanted @ down)
        ends = (outline[[0, 8]] - centre) @ along
        room = (ends.max() if sideways > 0 else -ends.min()) - 0.75 * radius
        tall = float(np.ptp(outline @ down))
        return (
            sideways * min(0.17 * width, max(room, 0)) * along
            + downwards * 0.27 * min(tall, 1.6 * radius) * down
        )


def _down(points: Array, eye: int) -> Array:
    """From the brow to the cheek, at a right angle to the eye, `[2]`."""
    along = points[topology.LASHES[eye][-1]] - points[topology.LASHES[eye][0]]
    along = along / max(float(np.linalg.norm(along)), 1e-6) * (1 if eye == 0 else -1)
    return np.array([-along[1], along[0]])


def rolled(points: Array, eye: int, step: Array, size: int) -> Array:
    """The flow `[S, S, 2]` of one iris moved by `step`: all of it moves as one, the white is stretched
    between it and the corners, and nothing moves on the lids."""
    outline = points[list(topology.EYELIDS[eye])]
    across = outline[8] - outline[0]
    width = float(np.linalg.norm(across))
    across = across / width
    opening = mesh.polygon_mask(points, topology.EYELIDS[eye], size, feather=width / 120)
    inside = cv2.distanceTransform((opening > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    grid = mesh.pixel_grid(size)
    centre, radius = points[topology.POINTS + 5 * eye] + step, 1.1 * mesh.iris_radius(points, eye)
    offset = grid - centre
    along = offset @ across
    ends = np.sort((outline[[0, 8]] - centre) @ across)
    room = np.maximum(np.where(along > 0, ends[1], -ends[0]) - radius, 0.04 * width)
    wanted = np.clip(1 - np.maximum(np.hypot(offset[..., 0], offset[..., 1]) - radius, 0) / room, 0, 1)
    allowed = np.zeros_like(inside)
    for share in np.linspace(0, 1, 11, dtype=np.float32):  # as far as what is looked at lies within the eye
        look = grid - share * step.astype(np.float32)
        seen = cv2.remap(inside, look[..., 0], look[..., 1], cv2.INTER_LINEAR)
        allowed[seen > 0.02 * width] = share
    share = filters.blur(np.minimum(wanted, allowed).astype(np.float32), width / 60) * filters.smoothstep(
        inside, 0, 0.03 * width
    )
    return -(share[..., None] * step).astype(np.float32)


def uncovered(pixels: Array, points: Array, eye: int, flow: Array) -> Array:
    """What is added below an iris that has gone up: where the lower lid hid its rim, the white of the eye
    comes out and no more iris. All of one window: `[S, S, 3]`."""
    size = pixels.shape[0]
    grid, centre, radius = (
        mesh.pixel_grid(size),
        points[topology.POINTS + 5 * eye],
        mesh.iris_radius(points, eye),
    )
    opening = mesh.polygon_mask(points, topology.EYELIDS[eye], size, feather=max(radius / 12, 0.5))
    look = grid + flow
    seen = (
        cv2.remap(
            pixels, look[..., 0], look[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ).astype(np.float32)
        / 255
    )
    apart = np.linalg.norm(grid - centre, axis=-1)
    plain = pixels[(opening > 0.9) & (apart > 1.2 * radius)].astype(np.float32) / 255
    if len(plain) < 12:
        return np.zeros((size, size, 3), np.float32)
    white = np.median(plain[plain.sum(1) >= np.median(plain.sum(1))], axis=0)
    step = flow[
        tuple(np.clip(np.rint(centre), 0, size - 1).astype(int)[::-1])
    ]  # what the middle of the iris looks up
    beyond = np.linalg.norm(grid - (centre - step), axis=-1)
    mask = (
        opening
        * filters.smoothstep(beyond, 0.97 * radius, 1.12 * radius)
        * ((grid - centre) @ _down(points, eye) > 0)
    )
    darker = filters.smoothstep(white.sum() - seen.sum(-1), 0.05, 0.3)
    return (0.9 * white - seen) * filters.blur(mask * darker, max(radius / 14, 0.5))[..., None]
