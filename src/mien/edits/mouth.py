"""What moves in a face by its mesh: where the eyes look, lips that open or close, a smile that shows teeth."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..face import mesh, skin
from ..models.prototypes import Prototypes
from ..types import Alignment, Array, Change, Crop, Networks
from . import teeth
from .teeth import LOWER, UPPER, axes, halved

# How far lids go along when the eyes look up or down, as a share of what the iris moves, by row of the upper lid from the lashes up.
UPPER_LID = ((mesh.LASHES, 0.75), (mesh.CREASES, 0.5))
LOWER_SHARE = 0.4
LOWER_LID = ((7, 163, 144, 145, 153, 154, 155), (249, 390, 373, 374, 380, 381, 382))


@dataclass(frozen=True, eq=False)
class Gaze:
    """Irises moved within the eyes: across -1..1 to the photo's left..right, up -1..1 down..up. triangles: of the mesh."""

    across: float
    up: float
    triangles: Array
    networks: Networks
    alignment = Alignment("face", 512)

    def __call__(self, crop: Crop) -> Change:
        size, points = crop.size, crop.landmarks
        turn = crop.matrix[:, :2] / np.sqrt(abs(np.linalg.det(crop.matrix[:, :2])))
        face = mesh.frame(points, size)
        moved = face.copy()
        inner, white = np.zeros((size, size, 2), np.float32), np.zeros((size, size, 3), np.float32)
        reach = np.zeros((size, size), np.float32)
        for eye in (0, 1):
            step = self._step(points, eye, turn)
            width = float(np.linalg.norm(points[mesh.LASHES[eye][0]] - points[mesh.LASHES[eye][-1]]))
            here = mesh.window(points[list(mesh.EYELIDS[eye])], 0.7 * width, size)
            apart = np.hypot(*np.moveaxis(here.places - here.local(points[list(mesh.EYELIDS[eye])]).mean(0), -1, 0))
            reach[here.part] = np.maximum(reach[here.part], skin.smoothstep(apart, 1.15 * width, 0.75 * width))
            inner[here.part] = rolled(here.local(points), eye, step, here.side)
            down = _down(points, eye)
            if step @ down < 0:
                white[here.part] = uncovered(crop.pixels[here.part], here.local(points), eye, inner[here.part])
            for rows, share in UPPER_LID:
                moved[list(rows[eye][1:-1])] += share * (step @ down) * down
            moved[list(LOWER_LID[eye])] += LOWER_SHARE * (step @ down) * down
        outer = np.zeros_like(inner)
        if self.up:
            outer = mesh.dense_map(moved, face, self.triangles, size) - mesh.places(size)
            outer = skin.soft(outer, size / 200) * reach[..., None]
        look = mesh.places(size) + outer
        flow, colour = (cv2.remap(one, look[..., 0], look[..., 1], cv2.INTER_LINEAR) for one in (inner, white))
        return Change(outer + flow, colour, np.clip(4 * reach, 0, 1))

    def _step(self, points: Array, eye: int, turn: Array) -> Array:
        """How far this iris moves, crop xy `[2]`: never so far that it leaves the eye."""
        outline = points[list(mesh.EYELIDS[eye])]
        centre, radius = points[mesh.POINTS + 5 * eye], mesh.iris_radius(points, eye)
        along = outline[8] - outline[0] if eye == 0 else outline[0] - outline[8]  # to the photo's right
        width = float(np.linalg.norm(along))
        along = along / width
        wanted = turn @ np.array([self.across, -self.up])
        down = _down(points, eye)
        sideways, downwards = float(wanted @ along), float(wanted @ down)
        ends = (outline[[0, 8]] - centre) @ along
        room = (ends.max() if sideways > 0 else -ends.min()) - 0.75 * radius
        tall = float(np.ptp(outline @ down))
        return sideways * min(0.17 * width, max(room, 0)) * along + downwards * 0.27 * min(tall, 1.6 * radius) * down


def _down(points: Array, eye: int) -> Array:
    """From the brow to the cheek, at a right angle to the eye, `[2]`."""
    along = points[mesh.LASHES[eye][-1]] - points[mesh.LASHES[eye][0]]
    along = along / max(float(np.linalg.norm(along)), 1e-6) * (1 if eye == 0 else -1)
    return np.array([-along[1], along[0]])


def rolled(points: Array, eye: int, step: Array, size: int) -> Array:
    """The flow `[S, S, 2]` of one iris moved by `step`: all of it moves as one, the white is stretched between it and the corners, and
    nothing moves on the lids."""
    outline = points[list(mesh.EYELIDS[eye])]
    across = outline[8] - outline[0]
    width = float(np.linalg.norm(across))
    across = across / width
    opening = mesh.polygon(points, mesh.EYELIDS[eye], size, feather=width / 120)
    inside = cv2.distanceTransform((opening > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    grid = mesh.places(size)
    centre, radius = points[mesh.POINTS + 5 * eye] + step, 1.1 * mesh.iris_radius(points, eye)
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
    share = skin.soft(np.minimum(wanted, allowed).astype(np.float32), width / 60) * skin.smoothstep(inside, 0, 0.03 * width)
    return -(share[..., None] * step).astype(np.float32)


def uncovered(pixels: Array, points: Array, eye: int, flow: Array) -> Array:
    """What is added below an iris that has gone up: where the lower lid hid its rim, the white of the eye comes out and no more iris.
    All of one window: `[S, S, 3]`."""
    size = pixels.shape[0]
    grid, centre, radius = mesh.places(size), points[mesh.POINTS + 5 * eye], mesh.iris_radius(points, eye)
    opening = mesh.polygon(points, mesh.EYELIDS[eye], size, feather=max(radius / 12, 0.5))
    look = grid + flow
    seen = cv2.remap(pixels, look[..., 0], look[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32) / 255
    apart = np.linalg.norm(grid - centre, axis=-1)
    plain = pixels[(opening > 0.9) & (apart > 1.2 * radius)].astype(np.float32) / 255
    if len(plain) < 12:
        return np.zeros((size, size, 3), np.float32)
    white = np.median(plain[plain.sum(1) >= np.median(plain.sum(1))], axis=0)
    step = flow[tuple(np.clip(np.rint(centre), 0, size - 1).astype(int)[::-1])]  # what the middle of the iris looks up
    beyond = np.linalg.norm(grid - (centre - step), axis=-1)
    mask = opening * skin.smoothstep(beyond, 0.97 * radius, 1.12 * radius) * ((grid - centre) @ _down(points, eye) > 0)
    darker = skin.smoothstep(white.sum() - seen.sum(-1), 0.05, 0.3)
    return (0.9 * white - seen) * skin.soft(mask * darker, max(radius / 14, 0.5))[..., None]


@dataclass(frozen=True, eq=False)
class Mouth:
    """Lips parted (amount above 0) or closed (below), -1..1, jaw and chin with them. triangles: of the mesh."""

    amount: float
    triangles: Array
    networks: Networks
    alignment = Alignment("head", 896)

    def __call__(self, crop: Crop) -> Change:
        small = halved(crop)
        face = mesh.frame(small.landmarks, small.size)
        moved = face.copy()
        moved[: mesh.POINTS] += parted(face[: mesh.POINTS], self.amount)
        flow, reach = mesh.motion(face, moved, self.triangles, small.size)
        change = doubled(Change(flow, np.zeros((small.size, small.size, 3), np.float32), np.clip(reach * 4, 0, 1)))
        if self.amount > 0:
            self._reveal(crop, small, 2 * moved[: mesh.POINTS] + 0.5, change)
        return change

    def _reveal(self, crop: Crop, small: Crop, moved: Array, change: Change) -> None:
        """Between the parted lips: what an open mouth showed stays where it is, for teeth do not move with lips, and the rest is dark; a
        mouth that showed none gets teeth. Writes into `change`."""
        unit = _unit(crop.landmarks)
        here = mesh.window(moved[list(mesh.LIPS)], 0.1 * unit, crop.size)
        points = here.local(crop.landmarks)
        _, down = axes(points)
        under, top, bottom = teeth.between(points, here)
        fresh = np.maximum(under - bottom, top - under)  # how far from what was seen before
        gain = (moved[14] - moved[13] - crop.landmarks[14] + crop.landmarks[13]) @ down
        toothless = (1 - toothy(small)) * float(skin.smoothstep(gain, 0, 0.06 * unit))
        new = np.maximum(skin.smoothstep(fresh, 0, 0.03 * unit), toothless)
        still = (np.clip(under, top, bottom) - under)[..., None] * down
        still += toothless * (points[[13, 14]].mean(0) - here.places - still)  # one calm spot: what is drawn over has no texture
        _fill(crop, moved, change, here, still, new, toothless, teeth.inside(crop, moved, here, upper=toothless))


@dataclass(frozen=True, eq=False)
class Grin:
    """A smile that shows teeth, amount 0..1: the prototypes' smile, with lips that part and teeth between them. A mouth that shows its own
    keeps those, and does not open farther. seed: of how the teeth are a little off."""

    amount: float
    prototypes: Prototypes
    networks: Networks
    seed: int = 3
    alignment = Alignment("head", 896)

    def __call__(self, crop: Crop) -> Change:
        small = halved(crop)
        own = toothy(small)
        wanted = self._mouth(crop.landmarks, own)
        change = doubled(self.prototypes.change(small, mouth=wanted))
        if own < 1:
            moved = self.prototypes.smiling(crop.landmarks, wanted)
            here = mesh.window(moved[list(mesh.LIPS)], 0.1 * _unit(crop.landmarks), crop.size)
            still = crop.landmarks[[13, 14]].mean(0) - here.places - np.array([here.left, here.top])
            drawn = (1 - own) * float(skin.smoothstep(np.array(self.amount), 0, 0.25))
            new = np.full((here.side, here.side), drawn, np.float32)
            _fill(crop, moved, change, here, still, new, drawn, teeth.inside(crop, moved, here, seed=self.seed))
        return change

    def _mouth(self, points: Array, own: float) -> Array:
        """What is asked of the prototypes `[3]`. Full lips part more than thin ones for the same asking, so the opening is set by what
        comes of it; parted ones need less."""
        now = np.linalg.norm(points[13] - points[14]) / _unit(points)
        wanted = GRIN * self.amount * (1 - own / 2)
        closed = wanted * np.array([1, 1, 0], np.float32)
        gaps = [
            np.linalg.norm(face[13] - face[14]) / _unit(points)
            for face in (self.prototypes.smiling(points, one) for one in (closed, wanted))
        ]
        share = (now + self.amount * max(GRIN[2] - now, 0.2 * GRIN[2]) - gaps[0]) / max(gaps[1] - gaps[0], 1e-3)
        return wanted * np.array([1, 1, np.clip(share, 0, 1.5) * (1 - own)], np.float32)


def _fill(crop: Crop, moved: Array, change: Change, here: mesh.Window, still: Array, new: Array, drawn: float, picture: Array) -> None:
    """Between the lips of `moved`, a window of `change`: looks along `still [h, w, 2]`, and shows `picture [h, w, 3]` where it is `new`;
    drawn 0..1: how much of all this is a picture. Under one, the flow turns aside right behind the lips, for on its way it passes detail of
    the photo that no picture of the crop's can cover; what moves with lips does so little by little."""
    local = here.local(moved)
    opening = mesh.polygon(local, mesh.INNER_LIPS, here.side, feather=max(_unit(crop.landmarks) / 220, 0.7))
    deep_in = cv2.distanceTransform((opening > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    far = 3 + (1 - drawn) * max(0.5 * float(deep_in.max()) - 3, 0)
    calm = skin.smoothstep(deep_in, 0.8, far) * new.max()
    change.flow[here.part] += calm[..., None] * (still - change.flow[here.part])
    look = here.places + np.array([here.left, here.top], np.float32) + change.flow[here.part]
    seen = cv2.remap(crop.pixels, look[..., 0], look[..., 1], cv2.INTER_LINEAR).astype(np.float32) / 255
    across, _ = axes(moved)
    ends = local[[UPPER[0], UPPER[-1]]] @ across
    out = np.abs(here.places @ across - ends.mean()) / max(abs(float(np.diff(ends)[0])) / 2, 1.0)
    shown = opening * skin.smoothstep(out, 1.0, 0.9) * new  # lips part softly in the corners
    colour = change.colour[here.part]
    change.colour[here.part] = colour + shown[..., None] * (picture - seen - colour)


def toothy(crop: Crop) -> float:
    """How surely a mouth shows teeth of its own, 0..1: it is open, and what is seen in it is light and pale."""
    gap = float(np.linalg.norm(crop.landmarks[13] - crop.landmarks[14])) / _unit(crop.landmarks)
    was = mesh.polygon(crop.landmarks, mesh.INNER_LIPS, crop.size, feather=1.0)
    share = float((was * skin.teeth(skin.lab_of(crop.pixels), crop.landmarks)).sum() / max(float(was.sum()), 1.0))
    return float(skin.smoothstep(np.array(share), 0.1, 0.2) * skin.smoothstep(np.array(gap), 0.04, 0.06))


def doubled(change: Change) -> Change:
    """The change of a `halved` crop, for the crop itself."""
    flow, colour, alpha = (
        cv2.resize(one, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR) for one in (2 * change.flow, change.colour, change.alpha)
    )
    return Change(flow, colour, alpha)


# Asked of the prototypes for a whole grin: added mouth width, lift of the corners and opening, over the eye distance. In 38 people the
# medians from neutral to a smile with teeth are 0.17, 0.09 and 0.16; corners rise by less than is asked, and the less lips part, the less
# is made up.
GRIN = np.array([0.19, 0.145, 0.12], np.float32)
WIDEST = 0.16  # eye distances that the lips part at amount 1
PRESSED = 0.14  # of their height that lips lose when they are closed with amount -1


def _unit(points: Array) -> float:
    """The distance of the eyes."""
    eyes = [points[list(eye)].mean(0) for eye in mesh.EYELIDS]
    return float(np.linalg.norm(eyes[1] - eyes[0]))


def parted(points: Array, amount: float) -> Array:
    """How the mesh `[468, 2]` moves when the lips part or close: `[468, 2]`. The upper lip goes up part of the way, the lower and the
    chin the rest; cheeks follow less the farther they are."""
    upper, lower = points[list(UPPER)], points[list(LOWER)]
    across, down = axes(points)
    width = float(np.linalg.norm(upper[-1] - upper[0]))
    line = (upper + lower) / 2
    ahead = lambda one: (one - (upper[0] + upper[-1]) / 2) @ across / (width / 2)  # noqa: E731
    side, stations = ahead(points), ahead(line)
    order = np.argsort(stations)
    gap = np.maximum((lower - upper) @ down, 0)
    unit = _unit(points)
    middle = np.interp(side, stations[order], (line @ down)[order])
    below = points @ down - middle  # how far under the line between the lips
    chin, nose = float((points[152] - points[14]) @ down), float((points[13] - points[2]) @ down)
    under = below > 0
    under[list(LOWER[1:-1])], under[list(UPPER)] = True, False
    spread = np.where(under, 1.05 + 0.8 * np.clip(below / chin, 0, 1.2), 1.05 + 0.5 * np.clip(-below / nose, 0, 1))
    at = side / spread
    if amount > 0:
        apart = amount * WIDEST * unit * np.clip(1 - at**2, 0, 1) ** 1.15
        shares = -0.15, 0.85
    else:
        apart = amount * np.interp(at, stations[order], gap[order], left=0, right=0)
        shares = -0.38, 0.62
    fade = np.where(under, np.clip(1.25 - np.clip(below / chin, 0, 1.25) * 0.35, 0, 1), np.clip(1 + below / max(nose, 1e-3), 0, 1))
    move = np.where(under, shares[1], shares[0]) * apart * fade
    if amount < 0:
        near = np.exp(-((below / (0.12 * unit)) ** 2)) * np.clip(1.1 - np.abs(side), 0, 1)
        move += PRESSED * amount * below * near
    return (move[:, None] * down).astype(np.float32)
