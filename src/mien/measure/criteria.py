"""Whether an edit did what it says: how far it went, by the reader, the mesh, the parser and the colours of
the result.

What tells beards, glasses and hair is tried by `benchmarks/readers.py` on labelled portraits of people whom
the parser never saw. Their `least` is about half of what lies between the medians.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ..edits import colours
from ..edits.age_floor import FLOOR
from ..edits.removal import DARK, in_eyes, lower
from ..edits.request import EDITS
from ..face import geometry, mesh, topology
from ..face.filters import to_lab
from ..face.pose import Head
from ..face.skin import teeth_mask
from ..models.kit import Kit
from ..models.traits import face_traits
from ..types import Alignment, Array, Face

SEEN = Alignment("face", 256)
BEARDED = 0.53  # what the parser sees of a real full beard, as a share of the lower face
RIMMED = 0.5  # of the parser's share: faces without glasses hardly ever have so much
RIMS, BRIDGED = (
    0.2,
    31.0,
)  # of real glasses: the parser's share of the eyes' band; how much steeper lightness is across the bridge
LOCKS = 48  # cells of a side in which it is compared where hair is
PLAINLY = 12.0  # Lab: between colours that are two to anybody
HAIRS = 0.02  # of a picture in the parser's layout: where less is hair, it has no colour


@dataclass(frozen=True, eq=False)
class FaceFeatures:
    """A face as the measures see it: points `[478, 2]`, its landmarks in eye distances; traits `[3]` (see
    `latents.traits`); lab `[256, 256, 3]`, the face laid out; places `[478, 2]`, its landmarks there. beard:
    what share of the lower face is beard; glasses: 0 in the median face without, 1 in the median one with
    clear ones; rims: what the parser alone says of that; lenses: what share of the eyes they hide; hair: its
    median Lab `[3]`, or None where there is next to none; locks: where it is, `[s, s]` in 0..1 of the parser's
    layout."""

    points: Array
    traits: Array
    lab: Array
    places: Array
    beard: float
    glasses: float
    rims: float
    lenses: float
    hair: Array | None
    locks: Array


def face_features(kit: Kit, pixels: Array, face: Face, matrix: Array | None = None) -> FaceFeatures:
    """Look at a face of `pixels` uint8. matrix: how it was laid out before; default: as it lies now."""
    matrix = geometry.similarity(face.landmarks, SEEN) if matrix is None else matrix
    lab = to_lab(geometry.warp(pixels, matrix, SEEN.size))
    places = geometry.transform(face.landmarks, matrix)
    beard, rims, lenses, hair, locks = _parsed(kit, pixels, face)
    glasses = (rims + _bridge(lab[..., 0], places) / BRIDGED) / 2 - 0.25
    points, traits = face.landmarks / geometry.eye_distance(face.landmarks), face_traits(kit, pixels, face)
    return FaceFeatures(points, traits, lab, places, beard, glasses, rims, lenses, hair, locks)


def _parsed(kit: Kit, pixels: Array, face: Face) -> tuple[float, float, float, Array | None, Array]:
    """What the parser sees: the share of the face below the nose, but for the lips, that is beard; that of
    the band from the brows to below the eyes that is glasses, over what it is of clear ones; that of the eyes
    themselves; the hair's median Lab `[3]`; where it is."""
    crop = geometry.align(pixels, face.landmarks, kit.parser.alignment)
    regions, points, size = kit.parser.parse(crop), crop.landmarks, crop.size
    band = mesh.eye_band(points, size)
    hair = regions["hair"] > 0.8  # where it is less sure, the background shows through
    lab = to_lab(crop.pixels)
    colour = np.median(lab[hair], axis=0) if hair.mean() > HAIRS else None
    worn = regions["glasses"]
    return (
        float(regions["beard"][lower(points, size)].mean()),
        float(worn[band].mean()) / RIMS,
        in_eyes(worn, points),
        colour,
        cv2.resize(regions["hair"], (LOCKS, LOCKS), interpolation=cv2.INTER_AREA),
    )


def _bridge(light: Array, places: Array) -> float:
    """How steep lightness `[256, 256]` is across the bridge of the nose, on the steepest line: there glasses
    have an edge and faces none (after Jiang et al. 2000, "Towards detection of glasses in facial images").
    Nobody taught it what drawn glasses look like."""
    (left, y0), (right, y1) = places[[133, 362]]
    unit, middle = float(right - left), float(y0 + y1) / 2
    rows = slice(max(0, round(middle - 0.5 * unit)), max(4, round(middle + 0.35 * unit)))
    columns = slice(round(float(left) + 0.25 * unit), max(4, round(float(left) + 0.75 * unit)))
    steep = np.abs(cv2.Sobel(cv2.GaussianBlur(light, (0, 0), 1.2), cv2.CV_32F, 0, 1))[rows, columns]
    return float(steep.mean(1).max()) if steep.size else 0.0


@dataclass(frozen=True)
class Criterion:
    """How to tell whether an edit did what it says: `way` is how far it went (of a strength above 0: up),
    `least` what counts as having gone, `unit` what it is in; `fit` says who can show it at all, of more of it
    (1) or of less (-1)."""

    way: Callable[[FaceFeatures, FaceFeatures], float]
    least: float
    unit: str
    fit: Callable[[FaceFeatures, float], bool] = lambda look, sign: True


def _trait(k: int) -> Callable[[FaceFeatures, FaceFeatures], float]:
    return lambda before, after: float(after.traits[k] - before.traits[k])


def _weight(look: FaceFeatures, outlines: Sequence[tuple[int, ...]]) -> Array:
    """Outlines over the mesh as one mask `[256, 256]`."""
    return np.maximum.reduce(
        [mesh.polygon_mask(look.places, outline, SEEN.size, feather=1) for outline in outlines]
    )


def _nearer(
    wanted: Array, part: Callable[[FaceFeatures, FaceFeatures], Array | None], least: float, already: float
) -> Criterion:
    """How much nearer the colour of a part comes to the `wanted [3]`, in Lab; `part` says what colour it has
    in the second look."""

    def away(before: FaceFeatures, now: FaceFeatures) -> float | None:
        colour = part(before, now)
        return None if colour is None else float(np.linalg.norm(colour - wanted))

    def way(before: FaceFeatures, after: FaceFeatures) -> float:
        then, now = away(before, before), away(before, after)
        return 0.0 if then is None or now is None else then - now

    return Criterion(way, least, "Lab", lambda look, sign: (away(look, look) or 0.0) > already)


def _over(outlines: Sequence[tuple[int, ...]]) -> Callable[[FaceFeatures, FaceFeatures], Array]:
    """The mean colour inside outlines, that lie where they lay before."""

    def part(before: FaceFeatures, now: FaceFeatures) -> Array:
        weight = _weight(before, outlines)
        return np.tensordot(weight, now.lab, 2) / weight.sum()

    return part


def _lighter(before: FaceFeatures, after: FaceFeatures) -> float:
    return 0.0 if before.hair is None or after.hair is None else float(after.hair[0] - before.hair[0])


def _greyer(before: FaceFeatures, after: FaceFeatures) -> float:
    """How much colour the hair has lost, and lightness won."""
    if before.hair is None or after.hair is None:
        return 0.0
    return float(after.hair[0] - before.hair[0] + np.hypot(*before.hair[1:]) - np.hypot(*after.hair[1:]))


def _tilt(axis: int) -> Callable[[FaceFeatures, FaceFeatures], float]:
    """How much lighter one half of the skin gets than the other: along axis 1 the right half, along 0 the
    upper one."""

    def way(before: FaceFeatures, after: FaceFeatures) -> float:
        skin = mesh.skin_mask(before.places, SEEN.size)
        middle = before.places[: topology.POINTS].mean(0)[1 - axis]
        side = np.sign(np.arange(SEEN.size) - middle) * (1 if axis else -1)
        far = skin * (side[None, :] if axis else side[:, None])
        change = (after.lab - before.lab)[..., 0]
        return float(
            (change * far.clip(0)).sum() / far.clip(0).sum()
            - (change * -far.clip(None, 0)).sum() / -far.clip(None, 0).sum()
        )

    return way


def _gaze(axis: int) -> Callable[[FaceFeatures, FaceFeatures], float]:
    """Where the irises look within the lids: right, or up."""

    def at(look: FaceFeatures) -> float:
        eyes = [
            look.points[topology.POINTS + 5 * k] - look.points[list(topology.EYE_CORNERS[k])].mean(0)
            for k in (0, 1)
        ]
        return float(np.mean(eyes, axis=0)[axis]) * (-1 if axis else 1)

    return lambda before, after: at(after) - at(before)


def _opening(before: FaceFeatures, after: FaceFeatures) -> float:
    now, then = (float(np.linalg.norm(one.points[13] - one.points[14])) for one in (before, after))
    return then - now


def _grin(before: FaceFeatures, after: FaceFeatures) -> float:
    """How far the corners of the mouth rise, or twice how much of the teeth comes to be seen where that is
    less."""
    lift = mesh.mouth_shape(after.points)[1] - mesh.mouth_shape(before.points)[1]
    return min(float(lift), 2 * (_teeth(after) - _teeth(before)))


def _teeth(look: FaceFeatures) -> float:
    """The area of teeth that are seen, over that of a square as wide as the eyes lie apart."""
    across = look.places[list(topology.EYELIDS[0])].mean(0) - look.places[list(topology.EYELIDS[1])].mean(0)
    return float(teeth_mask(look.lab, look.places).sum() / (across @ across))


def _calmer(before: FaceFeatures, after: FaceFeatures) -> float:
    """By how much the skin's blotches fall (lightness between blurs of 2 and 12 pixels), as a share of
    them."""
    skin = mesh.skin_mask(before.places, SEEN.size)
    uneven = []
    for one in (before, after):
        fine, coarse = (cv2.GaussianBlur(one.lab[..., 0], (0, 0), sigma) for sigma in (2, 12))
        uneven.append(float(np.sqrt((np.square(fine - coarse) * skin).sum())))
    return float(1 - uneven[1] / uneven[0])


def _skin(look: FaceFeatures) -> Array:
    weight = mesh.skin_mask(look.places, SEEN.size)
    return np.tensordot(weight, look.lab, 2) / weight.sum()


def _turn(k: int) -> Callable[[FaceFeatures, FaceFeatures], float]:
    """How far the head turns, by the pose of the rigid points."""

    def angle(look: FaceFeatures) -> float:
        turn = Head.of(look.places).turn
        angles = np.arcsin(turn[2, 0]), np.arctan2(turn[2, 1], turn[2, 2]), np.arctan2(turn[1, 0], turn[0, 0])
        return float(np.degrees(angles[k]))

    return lambda before, after: angle(after) - angle(before)


def _between(upper: Sequence[int], lower: Sequence[int]) -> Callable[[FaceFeatures], float]:
    """How far some landmarks lie above others, over the eye distance."""
    return lambda look: float(look.points[list(lower), 1].mean() - look.points[list(upper), 1].mean())


def _more(
    of: Callable[[FaceFeatures], float], sign: float = 1
) -> Callable[[FaceFeatures, FaceFeatures], float]:
    return lambda before, after: sign * (of(after) - of(before))


def _elsewhere(before: FaceFeatures, after: FaceFeatures) -> float:
    """How much of the hair is where none was, or the other way round, of all that there was and is."""
    both = np.maximum(before.locks, after.locks).sum()
    return float(np.abs(after.locks - before.locks).sum() / max(float(both), 1.0))


def _painted(before: FaceFeatures, after: FaceFeatures) -> float:
    """How much of the face has plainly other colours."""
    inside = mesh.hull_mask(before.places, SEEN.size) > 0
    return float((np.linalg.norm(after.lab - before.lab, axis=-1)[inside] > PLAINLY).mean())


_OPENING = _between((159, 386), (145, 374))
_BROWS = _between((105, 66, 334, 296), (168, 6))

CRITERIA = {
    "smile": Criterion(_trait(0), 0.3, "smiles", lambda look, sign: sign * look.traits[0] < 0.5),
    "grin": Criterion(
        _grin,
        0.02,
        "eye distances",
        lambda look, sign: look.traits[0] < 0.5 and mesh.mouth_shape(look.points)[2] < 0.06,
    ),
    "age": Criterion(
        _trait(1),
        2.0,
        "years",
        lambda look, sign: look.traits[1] < 70 if sign > 0 else look.traits[1] > FLOOR + 6,
    ),
    "age_to": Criterion(_trait(1), 2.0, "years", lambda look, sign: look.traits[1] < 60),
    "sex": Criterion(_trait(2), 0.1, "of 2", lambda look, sign: sign * look.traits[2] < 0.8),
    "mouth": Criterion(_opening, 0.03, "eye distances"),
    "effect": Criterion(_painted, 0.05, "of the face"),
    "hairstyle": Criterion(_elsewhere, 0.15, "of the hair"),
    "gaze": Criterion(_gaze(0), 0.01, "eye distances"),
    "gaze_up": Criterion(_gaze(1), 0.01, "eye distances"),
    "yaw": Criterion(_turn(0), 1.0, "degrees"),
    "pitch": Criterion(_turn(1), 1.0, "degrees"),
    "roll": Criterion(_turn(2), 1.0, "degrees"),
    "blink": Criterion(_more(_OPENING, -1), 0.03, "eye distances"),
    "surprise": Criterion(_more(_BROWS), 0.02, "eye distances"),
    "kiss": Criterion(_more(lambda look: float(mesh.mouth_shape(look.points)[0]), -1), 0.03, "eye distances"),
    "doubt": Criterion(_more(_BROWS, -1), 0.01, "eye distances"),
    "beauty": Criterion(_calmer, 0.01, "of the unevenness"),
    "hair_light": Criterion(_lighter, 8.0, "Lab L", lambda look, sign: look.hair is not None),
    "hair_grey": Criterion(_greyer, 8.0, "Lab", lambda look, sign: look.hair is not None),
    "beard": Criterion(
        lambda before, after: after.beard - before.beard,
        BEARDED / 2,
        "of the lower face",
        # Of women the parser has learned that they have none, and sees next to nothing where one is plainly
        # drawn.
        lambda look, sign: (
            look.traits[2] > 0 and (look.beard < 0.1 if sign > 0 else look.beard > BEARDED / 2)
        ),
    ),
    "glasses": Criterion(
        lambda before, after: after.glasses - before.glasses,
        0.5,
        "glasses",
        # Taken off are those that are plainly seen, but for dark ones, which stay on.
        lambda look, sign: (
            look.glasses < 0.5
            if sign > 0
            else look.glasses > 0.5 and look.rims > RIMMED and look.lenses < DARK
        ),
    ),
    "light": Criterion(_tilt(1), 1.0, "Lab L"),
    "toplight": Criterion(_tilt(0), 1.0, "Lab L"),
    "warmth": Criterion(lambda before, after: _skin(after)[2] - _skin(before)[2], 1.0, "Lab b"),
}
# Of edits that are asked for by a colour: what part takes it, what counts, how near is there already, in Lab.
# No labels tell of make-up: 3 is a difference plainly seen.
LIDS = tuple(
    (*lashes, *reversed(creases)) for lashes, creases in zip(topology.LASHES, topology.CREASES, strict=True)
)
COLOURED: dict[str, tuple[Callable[[FaceFeatures, FaceFeatures], Array | None], float, float]] = {
    "lips": (_over((topology.LIPS,)), 3.0, 12.0),
    "lids": (_over(LIDS), 3.0, 12.0),
    "hair": (lambda before, now: now.hair, 15.0, 25.0),
}


def criterion(edit: str, strength: float | str) -> Criterion | None:
    """The measure of one of `EDITS`, of so much of it or of that colour; None where nothing measures it."""
    if isinstance(strength, str) and edit in COLOURED:
        return _nearer(colours.parse(strength, EDITS[edit].names).lab, *COLOURED[edit])
    return CRITERIA.get(edit)
