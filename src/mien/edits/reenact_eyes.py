"""Eyeballs as a layer of their own: lids slide over them, and they turn below the lids."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..face import mesh
from ..face.filters import blur, disc, smoothstep
from ..face.motion import Gesture
from ..face.topology import EYELIDS, IRISES, LASHES
from ..types import Array
from .reenact_head import MovedHead, RestHead

Box = tuple[int, int, int, int]  # left, top, right, bottom

RIM = 0.03  # of an eye's width, by which what is seen of a ball ends before its lids do
AROUND = 0.45  # of it: the margin of the picture of a ball
IRIS = 1.02, 1.15  # radii: what is iris, and from where on there is only white
SHADED = 0.92  # of its white: how light a ball is below the lids
BELOW_LID = 0.12  # of an eye's width, over which it comes to that
FARTHEST = 0.28, 0.14  # widths of an eye that an iris moves across and down
TO_CORNER = 0.5  # radii that it stays away from the corner
SHOWN = 0.02, 0.1  # how much is to be done from which the layer is there, so that nothing changes at rest
SHUT = 0.72, 0.98  # how far lids are down where the line of the lashes begins to be drawn, and is in full
LINE = 0.022  # of an eye's width: how thick it is
STRONGER = 1.25  # of a gaze: what is drawn is seen as less


@dataclass(frozen=True, eq=False)
class Eyeball:
    """One eye of a photo without its lids: a picture `[h, w, 3]` of a region of it, whose corner is at `origin`; lashes
    `[3]`: the colour of the line that it is when it is shut."""

    eye: int
    picture: Array
    origin: Array
    centre: Array
    radius: float
    width: float
    lashes: Array

    @staticmethod
    def of(pixels: Array, rest: RestHead, eye: int) -> Eyeball | None:
        """The ball of an eye (0: on the photo's left); None where nothing is seen of it."""
        width = rest.eye_width(eye)
        outline = rest.points[list(EYELIDS[eye]), :2]
        left, top, right, bottom = boxed(outline, AROUND * width, pixels.shape)
        picture, origin = pixels[top:bottom, left:right], np.array([left, top])
        seen = np.zeros(picture.shape[:2], np.uint8)
        cv2.fillPoly(seen, [np.rint((outline - origin) * 16).astype(np.int32)], 1, shift=4)
        seen = cv2.erode(seen, disc(RIM * width))
        if seen.sum() < 4:
            return None
        centre, rim = rest.points[IRISES[eye][0], :2], rest.points[list(IRISES[eye][1:]), :2]
        radius = float(np.linalg.norm(rim - centre, axis=1).mean())
        whole = _uncovered(picture, seen, centre - origin, radius, width)
        return Eyeball(eye, whole, origin, centre, radius, width, _lashes(pixels, rest, eye))

    def draw(self, out: Array, rest: RestHead, head: MovedHead, gesture: Gesture) -> None:
        """Draw the ball between the lids of a head that has moved, into `out [h, w, 3]` uint8 of the same region of
        the photo as `rest` lies in."""
        shut, gaze = float(gesture.lids[self.eye]), STRONGER * gesture.gaze
        shown = float(
            smoothstep(np.array(1 - shut), 0.02, 0.2)
            * smoothstep(np.array(max(abs(shut), 4 * float(np.hypot(*gaze)))), *SHOWN)
        )
        lids = list(EYELIDS[self.eye])
        points = head.points[lids, :2]
        left, top, right, bottom = boxed(points, 3, out.shape)
        if not shown or right - left < 3 or bottom - top < 3:
            return
        origin = np.array([left, top])
        mask = np.zeros((bottom - top, right - left), np.float32)
        cv2.fillPoly(
            mask, [np.rint((points - origin) * 16).astype(np.int32)], 1.0, shift=4, lineType=cv2.LINE_AA
        )
        mask = blur(mask, max(0.6, 0.012 * self.width)) * np.float32(shown)
        rigid = head.placement.show(rest.shape[lids])[:, :2]
        back = np.linalg.lstsq(np.c_[rigid, np.ones(len(rigid))], rest.points[lids, :2], rcond=None)[0]
        look = (mesh.pixel_grid(right - left, bottom - top) + origin) @ back[:2] + back[2]
        look = self._rolled(look, rest, gaze) - self.origin
        x, y = np.moveaxis(look.astype(np.float32), -1, 0)
        ball = cv2.remap(self.picture, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        part = out[top:bottom, left:right]
        before = part.astype(np.float32)
        part[:] = np.rint(before + mask[..., None] * (ball.astype(np.float32) - before))

    def shut(self, out: Array, head: MovedHead, gesture: Gesture) -> None:
        """Draw the line of the lashes that a shut eye is, into `out` as `draw` does."""
        much = float(smoothstep(np.array(gesture.lids[self.eye]), *SHUT))
        points = head.points[:, :2]
        left, top, right, bottom = boxed(points[list(EYELIDS[self.eye])], 0.12 * self.width, out.shape)
        if not much or right - left < 3 or bottom - top < 3:
            return
        mask = np.zeros((bottom - top, right - left), np.float32)
        fixed = np.rint((points - (left, top)) * 16).astype(np.int32)
        slit = points[list(EYELIDS[self.eye])] - (left, top)
        lower = slit[[0, *range(8, 16)]]
        lower = lower[np.argsort(lower[:, 0])]  # where the lids lie over each other there is no slit
        slit[:9, 1] = np.minimum(slit[:9, 1], np.interp(slit[:9, 0], lower[:, 0], lower[:, 1]))
        cv2.fillPoly(mask, [np.rint(slit * 16).astype(np.int32)], 1.0, shift=4, lineType=cv2.LINE_AA)
        thick = max(1, round(LINE * self.width))
        cv2.polylines(mask, [fixed[list(LASHES[self.eye])]], False, 1.0, thick, cv2.LINE_AA, shift=4)
        mask = np.minimum(blur(mask, max(0.6, 0.014 * self.width)), 1)
        part = out[top:bottom, left:right]
        before = part.astype(np.float32)
        part[:] = np.rint(before + much * mask[..., None] * (self.lashes - before))

    def _rolled(self, look: Array, rest: RestHead, gaze: Array) -> Array:
        """Where places of the photo look when the iris has moved: its disc goes as one, and white is stretched between
        it and the corners."""
        outer, inner = (rest.points[EYELIDS[self.eye][k], :2] for k in (0, 8))
        along = (inner - outer) * (1 if self.eye == 0 else -1)
        along = along / np.linalg.norm(along)
        down = np.array([-along[1], along[0]])
        ends = sorted([float((outer - self.centre) @ along), float((inner - self.centre) @ along)])
        across, low = (float(np.clip(one, -most, most)) for one, most in zip(gaze, FARTHEST, strict=True))
        room = (ends[1] if across > 0 else -ends[0]) - TO_CORNER * self.radius
        across = float(np.sign(across)) * min(abs(across) * self.width, max(room, 0.0))
        step = across * along + low * self.width * down
        offset = look - (self.centre + step)
        from_disc = np.hypot(offset[..., 0], offset[..., 1]) - 1.05 * self.radius
        side = offset @ along
        free = np.where(side > 0, ends[1] - step @ along, step @ along - ends[0]) - 1.05 * self.radius
        share = np.clip(1 - np.maximum(from_disc, 0) / np.maximum(free, 0.05 * self.width), 0, 1)
        return look - share[..., None] * step


def boxed(points: Array, margin: float, shape: tuple[int, ...]) -> Box:
    """The box around `points [V, 2]` and a margin, cut to a picture."""
    low, high = np.floor(points.min(0) - margin).astype(int), np.ceil(points.max(0) + margin).astype(int) + 1
    (left, top), (right, bottom) = np.maximum(low, 0), np.minimum(high, (shape[1], shape[0]))
    return int(left), int(top), int(right), int(bottom)


def _lashes(pixels: Array, rest: RestHead, eye: int) -> Array:
    """The colour of a photo's upper lashes `[3]`: the darker part of what lies along them."""
    row = rest.points[list(LASHES[eye]), :2]
    at = np.linspace(1, len(row) - 2, 40)
    line = np.stack([np.interp(at, np.arange(len(row)), row[:, k]) for k in (0, 1)], 1).astype(np.float32)
    soft = blur(pixels, max(0.5, 0.012 * rest.eye_width(eye)))
    found = mesh.remap(soft, line[None])[0].astype(np.float32)
    dark = np.argsort(found.sum(1))[: len(found) // 2]
    return np.median(found[dark], axis=0)


def _uncovered(picture: Array, seen: Array, centre: Array, radius: float, width: float) -> Array:
    """A ball's picture with what lids hide: the iris goes on as it is at the same distance from its centre, the white
    a little darker."""
    away, labels = cv2.distanceTransformWithLabels(1 - seen, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    nearest = np.asarray(labels, np.int64)
    rows, columns = np.nonzero(seen)
    table = np.zeros((int(nearest.max()) + 1, 2), np.float32)
    table[nearest[rows, columns]] = np.stack([columns, rows], 1)
    grown = mesh.remap(picture, table[nearest]).astype(np.float32)
    grid = mesh.pixel_grid(*picture.shape[1::-1])
    offset = grid - centre.astype(np.float32)
    apart = np.hypot(offset[..., 0], offset[..., 1])
    upside_down = np.stack([grid[..., 0], 2 * np.float32(centre[1]) - grid[..., 1]], -1)
    known = mesh.remap(seen.astype(np.float32), upside_down) > 0.9
    aside = np.stack(
        [
            centre[0] + np.where(offset[..., 0] < 0, -1, 1) * apart,
            np.full_like(apart, centre[1] + 0.1 * radius),
        ],
        -1,
    ).astype(np.float32)
    iris = np.where(known[..., None], mesh.remap(picture, upside_down), mesh.remap(picture, aside))
    out = np.where((apart < IRIS[0] * radius)[..., None], iris, grown)
    white = picture[(seen > 0) & (apart > IRIS[1] * radius)]
    if len(white) > 8:
        far = smoothstep(away, 0, BELOW_LID * width)[..., None]
        shaded = out + far * (SHADED * np.median(white, axis=0) - out)
        out = np.where((apart >= IRIS[0] * radius)[..., None], shaded, out)
    kept = (blur(seen.astype(np.float32), max(0.5, 0.012 * width)) * seen)[..., None]
    return np.clip(kept * picture + (1 - kept) * out, 0, 255).astype(np.uint8)
