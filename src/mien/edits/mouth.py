"""The mouth, moved by the mesh: lips that open or close, a smile that shows teeth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from ..face import filters, mesh, skin, topology
from ..face.change import apply_to_crop, nothing
from ..face.geometry import eye_distance
from ..models.landmarker import Landmarker
from ..models.prototypes import Prototypes
from ..types import Alignment, Array, Change, Crop, Networks, Phase
from . import teeth
from .teeth import LOWER, UPPER, axes, halved


@dataclass(frozen=True, eq=False)
class Mouth:
    """Lips parted (amount above 0) or closed (below), -1..1, jaw and chin with them. triangles: of the
    mesh."""

    amount: float
    triangles: Array
    landmarker: Landmarker
    alignment = Alignment("head", 896)
    phase = Phase.OVERLAY

    @property
    def networks(self) -> Networks:
        return self.landmarker.networks

    def __call__(self, crop: Crop) -> Change:
        small = halved(crop)
        if self.amount < 0 and tongue_out(small):
            return nothing(crop, "has the tongue out, so nothing was done to the mouth")
        amount = self.amount
        if amount > 0:
            amount *= float(filters.smoothstep(mesh.mouth_shape(small.landmarks)[2], *OPENED[::-1]))
            if not amount:
                return nothing(crop, "has its mouth wide open already, so nothing was done to it")
        moved = parted(small.landmarks[: topology.POINTS], amount)
        change = self._moving(small, moved)
        if amount < 0:
            closed = self._closed(small, change)
            return replace(doubled(closed), note=closed.note)
        change = doubled(change)
        self._reveal(crop, small, 2 * (small.landmarks[: topology.POINTS] + moved) + 0.5, change)
        return change

    def _moving(self, small: Crop, offsets: Array) -> Change:
        face = mesh.with_border_points(small.landmarks, small.size)
        moved = face.copy()
        moved[: topology.POINTS] += offsets
        flow, reach = mesh.motion(face, moved, self.triangles, small.size)
        return Change(flow, np.zeros((small.size, small.size, 3), np.float32), np.clip(reach * 4, 0, 1))

    def _closed(self, small: Crop, change: Change) -> Change:
        """A first closing, and what it leaves open closed anew: the mesh of a gaping mouth ends above the lower
        lip, which is seen only when less is open. One that stays open is left as it was."""
        wanted = (1 + self.amount) * mesh.mouth_shape(small.landmarks)[2]
        note = "has its mouth too wide open to be closed so far, so nothing was done to it"
        for closing in range(CLOSINGS + 1):
            after = self.landmarker.laid_anew(apply_to_crop(small, change))
            gap = mesh.mouth_shape(after.landmarks)[2]
            if gap - wanted < (CLOSED if closing < CLOSINGS else GAPING):
                break
            if closing == CLOSINGS:
                return nothing(small, note)
            offsets = parted(after.landmarks[: topology.POINTS], float(wanted / gap - 1))
            change = then(change, self._moving(after, offsets))
        farthest = float(np.abs(change.flow[change.alpha > 0.5]).max(initial=0)) / eye_distance(
            small.landmarks
        )
        return nothing(small, note) if farthest > FARTHEST else change

    def _reveal(self, crop: Crop, small: Crop, moved: Array, change: Change) -> None:
        """Between the parted lips: what an open mouth showed stays where it is, for teeth do not move with
        lips, and the rest is dark; a mouth that showed none gets teeth. Writes into `change`."""
        unit = eye_distance(crop.landmarks)
        here = mesh.window(moved[list(topology.LIPS)], 0.1 * unit, crop.size)
        points = here.local(crop.landmarks)
        _, down = axes(points)
        under, top, bottom = teeth.between(points, here)
        fresh = np.maximum(under - bottom, top - under)  # how far from what was seen before
        gain = (moved[14] - moved[13] - crop.landmarks[14] + crop.landmarks[13]) @ down
        toothless = (1 - shows_teeth(small)) * float(filters.smoothstep(gain, 0, 0.06 * unit))
        new = np.maximum(filters.smoothstep(fresh, 0, 0.03 * unit), toothless)
        still = (np.clip(under, top, bottom) - under)[..., None] * down
        still += toothless * (
            points[[13, 14]].mean(0) - here.places - still
        )  # one calm spot: what is drawn over has no texture
        _fill(
            crop, moved, change, here, still, new, toothless, teeth.inside(crop, moved, here, upper=toothless)
        )


@dataclass(frozen=True, eq=False)
class Grin:
    """A smile that shows teeth, amount 0..1: the prototypes' smile, with lips that part and teeth between
    them. A mouth that shows its own keeps those, and does not open farther. seed: of how the teeth are a
    little off."""

    amount: float
    prototypes: Prototypes
    networks: Networks
    seed: int = 3
    alignment = Alignment("head", 896)
    phase = Phase.OVERLAY

    def __call__(self, crop: Crop) -> Change:
        small = halved(crop)
        # of a mouth that is wide open nobody sees what is behind a tongue
        own = max(
            shows_teeth(small), float(filters.smoothstep(mesh.mouth_shape(small.landmarks)[2], *OPENED))
        )
        wanted = self.wanted_mouth(crop.landmarks, own)
        change = doubled(self.prototypes.change(small, mouth=wanted))
        if own < 1:
            moved = self.prototypes.smiling(crop.landmarks, wanted)
            here = mesh.window(moved[list(topology.LIPS)], 0.1 * eye_distance(crop.landmarks), crop.size)
            still = crop.landmarks[[13, 14]].mean(0) - here.places - np.array([here.left, here.top])
            drawn = (1 - own) * float(filters.smoothstep(np.array(self.amount), 0, 0.25))
            new = np.full((here.side, here.side), drawn, np.float32)
            _fill(
                crop, moved, change, here, still, new, drawn, teeth.inside(crop, moved, here, seed=self.seed)
            )
        return change

    def wanted_mouth(self, points: Array, own: float) -> Array:
        """What is asked of the prototypes `[3]`. Full lips part more than thin ones for the same asking, so
        the opening is set by what comes of it; parted ones need less."""
        now = np.linalg.norm(points[13] - points[14]) / eye_distance(points)
        wanted = GRIN * self.amount * (1 - own / 2)
        closed = wanted * np.array([1, 1, 0], np.float32)
        gaps = [
            np.linalg.norm(face[13] - face[14]) / eye_distance(points)
            for face in (self.prototypes.smiling(points, one) for one in (closed, wanted))
        ]
        share = (now + self.amount * max(GRIN[2] - now, 0.2 * GRIN[2]) - gaps[0]) / max(
            gaps[1] - gaps[0], 1e-3
        )
        return wanted * np.array([1, 1, np.clip(share, 0, 1.5) * (1 - own)], np.float32)


def _fill(
    crop: Crop,
    moved: Array,
    change: Change,
    here: mesh.Window,
    still: Array,
    new: Array,
    drawn: float,
    picture: Array,
) -> None:
    """Between the lips of `moved`, a window of `change`: looks along `still [h, w, 2]`, and shows `picture
    [h, w, 3]` where it is `new`; drawn 0..1: how much of all this is a picture. Under one, the flow turns
    aside right behind the lips, for on its way it passes detail of the photo that no picture of the crop's
    can cover; what moves with lips does so little by little."""
    local = here.local(moved)
    opening = mesh.polygon_mask(
        local, topology.INNER_LIPS, here.side, feather=max(eye_distance(crop.landmarks) / 220, 0.7)
    )
    deep_in = cv2.distanceTransform((opening > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    far = 3 + (1 - drawn) * max(0.5 * float(deep_in.max()) - 3, 0)
    calm = filters.smoothstep(deep_in, 0.8, far) * new.max()
    change.flow[here.part] += calm[..., None] * (still - change.flow[here.part])
    look = here.places + np.array([here.left, here.top], np.float32) + change.flow[here.part]
    seen = cv2.remap(crop.pixels, look[..., 0], look[..., 1], cv2.INTER_LINEAR).astype(np.float32) / 255
    across, _ = axes(moved)
    ends = local[[UPPER[0], UPPER[-1]]] @ across
    out = np.abs(here.places @ across - ends.mean()) / max(abs(float(np.diff(ends)[0])) / 2, 1.0)
    shown = opening * filters.smoothstep(out, 1.0, 0.9) * new  # lips part softly in the corners
    colour = change.colour[here.part]
    change.colour[here.part] = colour + shown[..., None] * (picture - seen - colour)


def shows_teeth(crop: Crop) -> float:
    """How surely a mouth shows teeth of its own, 0..1: it is open, and what is seen in it is light and
    pale."""
    gap = float(np.linalg.norm(crop.landmarks[13] - crop.landmarks[14])) / eye_distance(crop.landmarks)
    was = mesh.polygon_mask(crop.landmarks, topology.INNER_LIPS, crop.size, feather=1.0)
    share = float(
        (was * skin.teeth_mask(filters.to_lab(crop.pixels), crop.landmarks)).sum()
        / max(float(was.sum()), 1.0)
    )
    return float(
        filters.smoothstep(np.array(share), 0.1, 0.2) * filters.smoothstep(np.array(gap), 0.04, 0.06)
    )


def tongue_out(crop: Crop) -> bool:
    """Whether a tongue lies over the lower lip: a gaping mouth is as light and red in its lower half as lips are."""
    points = crop.landmarks
    if mesh.mouth_shape(points)[2] < GAPE:
        return False
    inner = mesh.polygon_mask(points, topology.INNER_LIPS, crop.size, feather=1) > 0.9
    lips = mesh.polygon_mask(points, topology.LIPS, crop.size, feather=1) > 0.5
    lips &= ~(cv2.dilate(inner.astype(np.uint8), np.ones((5, 5))) > 0)
    rows = np.flatnonzero(inner.any(1))
    if not rows.size:
        return False
    inner[: (rows[0] + rows[-1]) // 2] = False
    light, red, _ = cv2.split(filters.to_lab(crop.pixels))
    like_lips = (red > 0.6 * np.median(red[lips])) & (light > 0.8 * np.median(light[lips]))
    return bool(like_lips[inner].mean() > TONGUE)


def then(first: Change, second: Change) -> Change:
    """Two moves one after the other as one: where the second looks, the first says what is there."""
    side = np.arange(len(first.alpha), dtype=np.float32)
    across, down = side[None] + second.flow[..., 0], side[:, None] + second.flow[..., 1]
    flow, alpha = (
        cv2.remap(field, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for field in (first.flow, first.alpha)
    )
    return Change(second.flow + flow, first.colour, np.maximum(alpha, second.alpha))


def doubled(change: Change) -> Change:
    """The change of a `halved` crop, for the crop itself."""
    flow, colour, alpha = (
        cv2.resize(one, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
        for one in (2 * change.flow, change.colour, change.alpha)
    )
    return Change(flow, colour, alpha)


# Asked of the prototypes for a whole grin: added mouth width, lift of the corners and opening, over the eye
# distance. In 38 people the medians from neutral to a smile with teeth are 0.17, 0.09 and 0.16; corners rise
# by less than is asked, and the less lips part, the less is made up.
GRIN = np.array([0.19, 0.145, 0.12], np.float32)
WIDEST = 0.16  # eye distances that the lips part at amount 1
OPENED = 0.2, 0.3  # eye distances of opening from where on lips part less, and no more
# Over the eye distance, from which on a mouth gapes; and how much of its lower half is tongue where that is out: yells
# and laughs have .8 at the most, tongues that lie over the lip .98.
GAPE, TONGUE = 0.3, 0.88
CLOSINGS, CLOSED = (
    2,
    0.03,
)  # more closings at most, and eye distances of opening beyond what is wanted that are let be
FARTHEST = 0.39  # eye distances that a chin moves: beyond that it is a smear
GAPING = 0.1  # the same after the last one: more is a mouth that was not closed
PRESSED = 0.14  # of their height that lips lose when they are closed with amount -1


def parted(points: Array, amount: float) -> Array:
    """How the mesh `[468, 2]` moves when the lips part or close: `[468, 2]`. The upper lip goes up part of
    the way, the lower and the chin the rest; cheeks follow less the farther they are."""
    upper, lower = points[list(UPPER)], points[list(LOWER)]
    across, down = axes(points)
    width = float(np.linalg.norm(upper[-1] - upper[0]))
    line = (upper + lower) / 2

    def ahead(one: Any) -> Any:
        return (one - (upper[0] + upper[-1]) / 2) @ across / (width / 2)

    side, stations = ahead(points), ahead(line)
    order = np.argsort(stations)
    gap = np.maximum((lower - upper) @ down, 0)
    unit = eye_distance(points)
    middle = np.interp(side, stations[order], (line @ down)[order])
    below = points @ down - middle  # how far under the line between the lips
    chin, nose = float((points[152] - points[14]) @ down), float((points[13] - points[2]) @ down)
    under = below > 0
    under[list(LOWER[1:-1])], under[list(UPPER)] = True, False
    spread = np.where(
        under, 1.05 + 0.8 * np.clip(below / chin, 0, 1.2), 1.05 + 0.5 * np.clip(-below / nose, 0, 1)
    )
    at = side / spread
    if amount > 0:
        apart = amount * WIDEST * unit * np.clip(1 - at**2, 0, 1) ** 1.15
        shares = -0.15, 0.85
    else:
        apart = amount * np.interp(at, stations[order], gap[order], left=0, right=0)
        shares = -0.38, 0.62
    fade = np.where(
        under,
        np.clip(1.25 - np.clip(below / chin, 0, 1.25) * 0.35, 0, 1),
        np.clip(1 + below / max(nose, 1e-3), 0, 1),
    )
    move = np.where(under, shares[1], shares[0]) * apart * fade
    if amount < 0:
        near = np.exp(-((below / (0.12 * unit)) ** 2)) * np.clip(1.1 - np.abs(side), 0, 1)
        move += PRESSED * amount * below * near
    return (move[:, None] * down).astype(np.float32)
