"""Reenactment: one photo or painting moves, by its face mesh alone. The head turns about a pivot in the neck, hair and
neck follow and come to rest, and the background stands still; eyeballs and teeth are layers of their own.

No network draws it: one layer of the photo is warped (as Beier and Neely 1992 and, for portraits in motion, Averbuch-
Elor et al. 2017, "Bringing portraits to life", do), seen from the side as far as a single photo allows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..face import geometry, mesh
from ..face.change import border_falloff, paste_window
from ..face.filters import blur, largest, smoothstep
from ..face.motion import Gesture, still
from ..face.topology import CREASES, EYELIDS, LASHES, LIPS, MOUTH_CORNERS, POINTS
from ..models.motions import peak
from ..models.parser import Parser
from ..models.prototypes import Prototypes
from ..models.shapes import Shapes
from ..types import Alignment, Array, Change, Crop, Face, Networks, Phase
from .gaze import LOWER_LID
from .mouth import Mouth
from .reenact_eyes import Box, Eyeball, boxed
from .reenact_flow import Field
from .reenact_head import PITCH, ROLL, YAW, MovedHead, RestHead
from .reenact_mouth import Inside

REGION = 3.0, 2.9, 4.2  # eye distances from the nasion to either side, up and down: what is worked on
WINDOW = 0.06  # eye distances around eyes and lips, which are warped pixel by pixel
UNDER = 0.045, 0.02  # of an eye's width: below lower and upper lashes, a shut eye looks
COMMON = 100.0  # pixels an eye distance, up to which that is done in full
COARSE_NOISE = 2.5 / 255  # what is looked up once linearly and once cubically differs by that much
STILL = 1 / 32  # pixels: what moves less is left as it is
BROWS = 1.5  # times that brows move farther than they are told: what is drawn is seen as less
SMILING = 0.03, -0.3, 1.5  # of a smile: from which on its wrinkles are shown, and its least and most


@dataclass(frozen=True)
class Parts:
    """How much of a motion is taken, 0..1.5 each: the pose of the head, lids and gaze, the lips with the jaw and
    cheeks, the brows."""

    pose: float = 1.0
    eyes: float = 1.0
    lips: float = 1.0
    brows: float = 1.0

    def of(self, gesture: Gesture) -> Gesture:
        """What is left of a gesture, but for its expression."""
        return replace(
            gesture,
            turn=gesture.turn * self.pose,
            shift=gesture.shift * self.pose,
            scale=gesture.scale * self.pose,
            lids=gesture.lids * self.eyes,
            gaze=gesture.gaze * self.eyes,
        )

    def weights(self, shape: Array) -> Array:
        """How much of the expression each point of a head `[478, 3]` takes, `[468]`."""
        above = smoothstep(shape[:POINTS, 1], 0.15, -0.1)
        return self.lips + above * (BROWS * self.brows - self.lips)


ALL = Parts()


@dataclass(frozen=True, eq=False)
class Drawing:
    """What reenacting needs beside the photo."""

    shapes: Shapes
    parser: Parser
    prototypes: Prototypes

    @property
    def networks(self) -> Networks:
        learned = (self.prototypes.name, self.prototypes.sha256)
        return (*self.shapes.networks, *self.parser.net.networks, learned)


@dataclass(frozen=True, eq=False)
class Reenactor:
    """A face of a photo, prepared once for any number of frames.

    region: what of the photo is worked on, as left, top, right and bottom; pixels `[h, w, 3]` of it; wrinkles
    `[h, w, 3]` float32: what a smile adds to it in levels; smile `[2]`: how much wider and higher the corners of the
    mouth are in it, over the eye distance.
    """

    region: Box
    pixels: Array
    field: Field
    eyeballs: tuple[Eyeball, ...]
    inside: Inside
    wrinkles: Array
    smile: Array

    @staticmethod
    def of(
        pixels: Array, face: Face, drawing: Drawing, others: Sequence[Array] = (), *, whole: bool = False
    ) -> Reenactor:
        """Prepare a face of a photo `[H, W, 3]` uint8. others: landmarks of the faces beside it, whose surroundings
        stay theirs; whole: the photo is itself a part of a larger one, beyond whose edges there is more."""
        model = drawing.shapes.model
        head = RestHead.of(model, face.landmarks, face.depth, face.eyelids)
        region, sides = _region(head, pixels.shape)
        left, top, right, bottom = region
        offset = np.array([left, top, 0.0])
        rest = RestHead.of(
            model,
            face.landmarks - offset[:2],
            face.depth,
            None if face.eyelids is None else face.eyelids - offset[:2],
        )
        part = pixels[top:bottom, left:right]
        mask = _head_mask(drawing.parser, pixels, face, region)
        open_sides = (True, True, True, True) if whole else sides
        triangles = drawing.shapes.triangles(drawing.prototypes.triangles)
        field = Field.of(rest, mask, open_sides, triangles, [one - offset[:2] for one in others])
        laid_out = geometry.align(pixels, face.landmarks, Mouth.alignment, face.depth)
        balls = (Eyeball.of(part, rest, eye) for eye in (0, 1))
        return Reenactor(
            region,
            part,
            field,
            tuple(ball for ball in balls if ball),
            Inside.of(laid_out, rest, part.shape, offset),
            _wrinkles(drawing.prototypes, pixels, face, region),
            drawing.prototypes.mouth_of(1.0)[:2],
        )

    def draw(self, out: Array, gesture: Gesture, parts: Parts = ALL) -> None:
        """Draw the face as it does a gesture into the photo `out [H, W, 3]` uint8, which has not moved there."""
        left, top, right, bottom = self.region
        kept, head = self.does(gesture, parts)
        part = out[top:bottom, left:right]
        (x0, y0, x1, y1), look = self._look(head, kept)
        if look.size:
            x, y = np.moveaxis(look, -1, 0)
            part[y0:y1, x0:x1] = cv2.remap(
                self._smiling(head), x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
            )
        for ball in self.eyeballs:
            ball.draw(part, self.field.rest, head, kept)
            ball.shut(part, head, kept)
        self.inside.draw(part, self.pixels, self.field.rest, head)

    def moved(self, landmarks: Array, gesture: Gesture, parts: Parts = ALL) -> Array:
        """Where the face's `landmarks [478, 2]` lie as it does a gesture."""
        _, head = self.does(gesture, parts)
        return (landmarks + (head.points - self.field.rest.points)[:, :2]).astype(np.float32)

    def change(self, gesture: Gesture, parts: Parts = ALL) -> tuple[Array, Array, Array]:
        """The same as flow `[h, w, 2]`, colour `[h, w, 3]` and alpha `[h, w]` of a `Change` of the region."""
        height, width = self.pixels.shape[:2]
        flow = np.zeros((height, width, 2), np.float32)
        kept, head = self.does(gesture, parts)
        (x0, y0, x1, y1), look = self._look(head, kept)
        flow[y0:y1, x0:x1] = look - mesh.pixel_grid(width, height)[y0:y1, x0:x1]
        drawn = self.pixels.copy()
        full = np.zeros((self.region[3], self.region[2], 3), np.uint8)
        full[self.region[1] :, self.region[0] :] = drawn
        self.draw(full, gesture, parts)
        seen = mesh.remap(self.pixels, flow + mesh.pixel_grid(width, height)).astype(np.float32)
        colour = (full[self.region[1] :, self.region[0] :] - seen) / 255
        colour[largest(np.abs(colour)) < COARSE_NOISE] = 0
        touched = (largest(np.abs(flow)) > STILL) | largest(colour != 0)
        alpha = np.clip(blur(cv2.dilate(touched.astype(np.float32), np.ones((5, 5))), 1), 0, 1)
        return flow, colour, alpha

    def does(self, gesture: Gesture, parts: Parts) -> tuple[Gesture, MovedHead]:
        """What of a gesture is done, and the head that does it."""
        kept, rest = parts.of(gesture), self.field.rest
        return kept, rest.does(kept, parts.weights(rest.shape))

    def _look(self, head: MovedHead, gesture: Gesture) -> tuple[Box, Array]:
        """Which box of the region moves, and where its pixels look `[h, w, 2]`; an empty one where nothing moves."""
        field = self.field
        places, depth = field.moved(head)
        looked_at = field.looked_at(head)
        coarse = field.flow(places, depth, looked_at)
        cell, (rows, columns) = field.cell, coarse.shape[:2]
        x, y, wide, high = cv2.boundingRect((largest(np.abs(coarse)) > STILL).astype(np.uint8))
        if not wide:
            return (0, 0, 0, 0), np.zeros((0, 0, 2), np.float32)
        height, width = self.pixels.shape[:2]
        look = cv2.resize(coarse, (columns * cell, rows * cell), interpolation=cv2.INTER_LINEAR)
        look = look[:height, :width] + mesh.pixel_grid(width, height)
        self._refine(look, places, depth, self._under_lids(looked_at, gesture))
        x0, y0 = max((x - 1) * cell, 0), max((y - 1) * cell, 0)
        x1, y1 = min((x + wide + 1) * cell, width), min((y + high + 1) * cell, height)
        return (x0, y0, x1, y1), look[y0:y1, x0:x1]

    def _refine(self, look: Array, places: Array, depth: Array, to: Array) -> None:
        """Warp eyes and lips anew, pixel by pixel, in where a region looks, `look [h, w, 2]`: a shut eye is finer than
        cells. to: where the vertices look."""
        rest = self.field.rest
        step = max(1, round(rest.scale / COMMON))
        margin = WINDOW * rest.scale
        for points in _FINE:
            left, top, right, bottom = boxed(places[points], margin, look.shape)
            if right - left < 4 or bottom - top < 4:
                continue
            flow = self.field.fine(places, depth, to, (left, top, right, bottom), step)
            part = look[top:bottom, left:right]
            grid = mesh.pixel_grid(right - left, bottom - top) + np.array([left, top], np.float32)
            across, down = (
                np.minimum(np.arange(side), np.arange(side)[::-1]) for side in (right - left, bottom - top)
            )
            share = np.clip(np.minimum(across[None], down[:, None]) / (0.7 * margin), 0, 1)
            part += share.astype(np.float32)[..., None] * (flow + grid - part)

    def _under_lids(self, looked_at: Array, gesture: Gesture) -> Array:
        """Where the vertices look: those of lids that shut a little outwards, so that the line is of lashes and not of
        the eye's white."""
        rest, to = self.field.rest, looked_at.copy()
        down = rest.placement.turn[:2, 1] / np.linalg.norm(rest.placement.turn[:2, 1])
        for eye in (0, 1):
            shut = float(np.clip(2 * gesture.lids[eye], 0, 1)) * rest.eye_width(eye)
            for row, share in ((LOWER_LID[eye], UNDER[0]), (LASHES[eye][1:-1], -UNDER[1])):
                arch = np.sin(np.linspace(0.3, np.pi - 0.3, len(row)))[:, None]
                to[list(row)] += shut * share * arch * down
        return to

    def _smiling(self, head: MovedHead) -> Array:
        """The region with as much of a smile's wrinkles as the head smiles, or less of its own."""
        change = head.shape - self.field.rest.shape
        wider = float(change[MOUTH_CORNERS[1], 0] - change[MOUTH_CORNERS[0], 0])
        higher = -float(change[list(MOUTH_CORNERS), 1].mean())
        least, low, high = SMILING
        amount = float(np.clip((wider / self.smile[0] + higher / self.smile[1]) / 2, low, high))
        if abs(amount) < least:
            return self.pixels
        return cv2.add(self.pixels, np.float32(amount) * self.wrinkles, dtype=cv2.CV_8U)


def _region(rest: RestHead, shape: tuple[int, ...]) -> tuple[Box, tuple[bool, bool, bool, bool]]:
    """The part of a photo around a head that is worked on, and at which of its sides the photo goes on."""
    (x, y), scale = rest.points[168, :2], rest.scale
    aside, up, down = (scale * one for one in REGION)
    wanted = int(x - aside), int(y - up), int(x + aside), int(y + down)
    box = max(wanted[0], 0), max(wanted[1], 0), min(wanted[2], shape[1]), min(wanted[3], shape[0])
    return box, (wanted[0] > 0, wanted[1] > 0, wanted[2] < shape[1], wanted[3] < shape[0])


def _head_mask(parser: Parser, pixels: Array, face: Face, region: Box) -> Array:
    """The head with its hair and neck, in a region of the photo: `[h, w]` in 0..1."""
    crop = geometry.align(pixels, face.landmarks, parser.alignment)
    other = parser.parse(crop)["other"]
    left, top, right, bottom = region
    back = geometry.invert(geometry.shifted(crop.matrix, left, top))
    head = 1 - cv2.warpAffine(other, back, (right - left, bottom - top), borderValue=1.0)
    outline = cv2.convexHull((face.landmarks[:POINTS] - np.array([left, top])).astype(np.float32))[:, 0]
    cv2.fillConvexPoly(head, np.rint(outline).astype(np.int32), 1.0)
    _, pieces = cv2.connectedComponents((head > 0.3).astype(np.uint8))
    nose = np.rint(face.landmarks[1] - np.array([left, top])).astype(int)
    x, y = np.clip(nose, 0, (right - left - 1, bottom - top - 1))
    return head * (pieces == pieces[y, x])


def _wrinkles(prototypes: Prototypes, pixels: Array, face: Face, region: Box) -> Array:
    """What a whole smile adds to a region of the photo in levels, where the face is at rest: `[h, w, 3]`."""
    crop = geometry.align(pixels, face.landmarks, Alignment("face", 512), face.depth)
    change = prototypes.change(crop, mouth=prototypes.mouth_of(1.0))
    grid = mesh.pixel_grid(crop.size)
    place = grid
    for _ in range(4):  # a pixel at q shows what was at q + flow(q)
        flow = cv2.remap(change.flow, place[..., 0], place[..., 1], cv2.INTER_LINEAR)
        place = grid - flow
    colour = mesh.remap(change.colour * change.alpha[..., None], place)
    left, top, right, bottom = region
    back = geometry.invert(geometry.shifted(crop.matrix, left, top))
    return 255 * cv2.warpAffine(colour.astype(np.float32), back, (right - left, bottom - top))


_FINE = (*([*EYELIDS[eye], *CREASES[eye]] for eye in (0, 1)), list(LIPS))


@dataclass(frozen=True, eq=False)
class Reenact:
    """A photo's head turned, its eyes shut, or its face expressing something: one gesture of a still photo."""

    gesture: Gesture
    drawing: Drawing
    alignment = Alignment("wide", 1024)
    phase = Phase.RESHAPE

    @property
    def networks(self) -> Networks:
        return self.drawing.networks

    def __call__(self, crop: Crop) -> Change:
        depth = np.zeros(len(crop.landmarks), np.float32) if crop.depth is None else crop.depth
        face = Face(np.zeros(4), crop.landmarks, depth, 1.0, 0.0, 0.0, 0.0)
        reenactor = Reenactor.of(crop.pixels, face, self.drawing, whole=True)
        left, top, right, bottom = reenactor.region
        part = slice(top, bottom), slice(left, right)
        flow, colour, alpha = (paste_window(one, part, crop.size) for one in reenactor.change(self.gesture))
        return Change(flow, colour, alpha * border_falloff(crop.size))


def asked_gesture(
    modes: int, turn: tuple[float, float, float], expressions: Mapping[str, float], shut: float
) -> Gesture:
    """A head turned by yaw, pitch and roll in degrees, with so much of expressions `[E]` of motions in the box, and
    lids shut by a share. Angles are reached: those of motions only come near their limit."""
    out = still(modes)
    angles = [
        most * np.arctanh(min(abs(angle) / most, 0.99)) * np.sign(angle)
        for angle, most in zip(turn, (YAW, PITCH, ROLL), strict=True)
    ]
    expression, lids = out.expression, out.lids + shut
    for name, much in expressions.items():
        shown = peak(name, modes)
        expression = expression + much * shown.expression
        lids = lids + much * shown.lids
    return replace(out, turn=np.array(angles), expression=expression, lids=lids)
