"""Hairstyle: another head of hair, taken off a picture and fitted to a head, without training.

The old hair is taken away first (`hair_plate`), the new one is laid behind and before what is there (`hair_fit`), in
the head's own light and colour.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..face import mesh
from ..face.change import nothing, soft_border
from ..face.filters import blur, lab_to_rgb, push_pull, rgb_to_lab, smoothstep, wide_blur
from ..face.geometry import scale_of
from ..face.topology import POINTS
from ..models.hairstyles import Hairdo
from ..models.landmarker import pose
from ..models.parser import Parser
from ..models.prototypes import ADULT
from ..types import Alignment, Array, Change, Crop, Networks, Phase
from .age_floor import CLOSE, FARTHEST, AgeReader
from .hair_fit import mapped, places_on
from .hair_matte import EARS, LAYOUT, Bust
from .hair_plate import ROUGH, Plate
from .hair_scalp import covered
from .hair_tone import toned
from .portrait import depth_of, face_width
from .styles import TakenHair
from .swap_tone import COLOURFUL, as_colourful

SIZE = 768  # pixels of a crop: finer than that is no hair in the box
TURNED = 15.0  # degrees between where a head and a hairstyle look, at most
NARROWEST = 40.0  # pixels of a face
COVERED = 0.15  # of the crown, from which on a hat is worn: of 90 people without one had more, of 45 with 38
NECK = 0.28  # face widths below the chin, where shoulders begin
LOOSE = 0.12  # squared face widths that hair leaves open there, at most
OPEN = 0.3  # the same of a rough background around the head
ENDS = 0.5  # face widths below the chin, where hair ends that its picture cuts off
ROUGH_ENDS = (
    (0.25, 0.06),
    (0.05, 0.015),
    (0.015, 0.008),
)  # the same: of what width, and by how much, ends differ
FADE = 0.02, -0.05  # face widths around its end within which hair becomes thin
RIM = 0.02  # face widths within which hair at the rim of a head has no skin behind it
CLEFT = 0.06  # face widths: what is narrower between a face and an ear is skin
HIDDEN = 0.15  # of an ear, with less of which seen it counts as hidden
INNER = 0.55  # the lightness of the hair behind a neck
SHADOW, DOWN, SOFT_SHADOW = 0.35, 0.03, 0.045  # of hair on skin: how dark; face widths down, and soft


@dataclass(frozen=True, eq=False)
class Hairstyle:
    """Gives a head one of `hairdos`, which show one style from different sides, in its own colour. strength 0..1: of the
    style's length and volume; box: what holds the style; taken: whose it is, where it is in no box.

    A head that it would not look right on stays as it is, and the Change says why.
    """

    hairdos: tuple[Hairdo, ...]
    parser: Parser
    reader: AgeReader
    strength: float = 1.0
    box: Networks = ()
    taken: TakenHair | None = None

    alignment = Alignment(LAYOUT, SIZE)
    phase = Phase.RESHAPE

    @property
    def networks(self) -> Networks:
        return (*self.box, *self.parser.net.networks)

    def __call__(self, crop: Crop) -> Change:
        yaw = yaw_of(crop)
        hairdo = min(self.hairdos, key=lambda one: abs(one.yaw - yaw))
        why = _turned(yaw, hairdo) or _small(crop)
        if why:
            return _nothing(crop, why)
        bust = Bust.of(self.parser, crop)
        if covered(bust) > COVERED:
            return _nothing(crop, "wears something on the head, so no hairstyle was put on")
        picture, reach, bared = styled(Plate.of(bust), hairdo, self.strength)
        if bared:
            return _nothing(crop, bared)
        zero = np.zeros((crop.size, crop.size, 3), np.float32)
        source = replace(crop, pixels=np.rint(255 * picture).astype(np.uint8))
        change = Change(zero[..., :2], zero, reach, kind="hair", source=source)
        return _nothing(crop, young) if (young := self._too_young(crop, change)) else change

    def _too_young(self, crop: Crop, change: Change) -> str:
        """Why a face would look too young with it; empty where it would not."""
        now = self.reader.read(crop)
        if now > ADULT + FARTHEST or (then := self.reader.after(crop, change)) >= min(now, ADULT) - CLOSE:
            return ""
        return f"would read {then:.0f} years with it, and nobody is made to look under 18"


def yaw_of(crop: Crop) -> float:
    """How far the face of a crop with depth looks to the photo's right, in degrees."""
    return pose(crop.landmarks[:POINTS], depth_of(crop)[:POINTS])[1]


def _nothing(crop: Crop, why: str) -> Change:
    """The Change that changes nothing, and says why; it has a source as others have, so that clips can fade to it."""
    return replace(nothing(crop, why), kind="hair", source=crop)


def _turned(yaw: float, hairdo: Hairdo) -> str:
    """Why hair that looks elsewhere cannot come to a head; empty where it can."""
    apart = abs(hairdo.yaw - yaw)
    if apart <= TURNED:
        return ""
    return f"looks {apart:.0f} degrees away from where the hairstyle does, and up to {TURNED:.0f} look right"


def _small(crop: Crop) -> str:
    """Why a head is too small; empty where it is not."""
    wide = face_width(crop.landmarks) / scale_of(crop.matrix)
    return (
        "" if wide >= NARROWEST else f"is {wide:.0f} pixels wide, {NARROWEST:.0f} were wanted for a hairstyle"
    )


def _bared(plate: Plate, alpha: Array) -> str:
    """Why what the old hair leaves open would not look right; empty where it would. alpha: of what comes before it."""
    bust = plate.bust
    open_ = plate.taken * (1 - alpha) * bust.shown * (1 - plate.skull) / bust.wide**2
    around, below = (float((open_ * side).sum()) for side in (bust.below_chin < 0, bust.below_chin > NECK))
    if below > LOOSE:
        return (
            "has long hair over the shoulders, and what is below it is not known: choose a longer hairstyle"
        )
    if around > OPEN and plate.rough > ROUGH:
        return "has too much behind the hair that is not known: choose a hairstyle that covers as much"
    return ""


def styled(plate: Plate, hairdo: Hairdo, strength: float = 1.0) -> tuple[Array, Array, str]:
    """A bust in another hairstyle, `[S, S, 3]` in 0..1, where it may differ, `[S, S]` in 0..1, and why it would not look
    right, empty where it would."""
    bust = plate.bust
    places = places_on(bust, hairdo, strength)
    window = soft_border(bust.size)
    alpha = np.clip(mapped(hairdo.alpha, places), 0, 1) * window
    if hairdo.ends:
        alpha = alpha * _thinning(bust)
    ears = _missing_ears(plate, mapped(hairdo.ears, places))
    lab = rgb_to_lab(mapped(hairdo.colour, places))
    hair = lab_to_rgb(toned(lab, alpha, hairdo, places, plate))
    head = np.maximum(smoothstep(mapped(hairdo.head, places), 0.3, 0.7), alpha)
    above = (bust.face > 0) & (bust.below_chin < 0)
    within = cv2.erode((head > 0.5).astype(np.float32), bust.disc(RIM)) > 0
    skull = np.where(within, plate.skull, above).astype(np.float32)
    skull = np.maximum(skull, _beside_ears(bust, ears))
    under = plate.bare(skull)
    if ears.max() > 0.3:
        shown = lab - np.median(hairdo.light.reshape(-1, 3), 0) + np.median(bust.even[bust.face > 0], 0)
        under = under + ears[..., None] * (lab_to_rgb(shown) - under)
    under, back = _behind(plate, hair, alpha, ears, mapped(hairdo.head, places), under)
    under, shade = _shaded(plate, alpha, under)
    out = under + alpha[..., None] * (hair - under)
    reach = np.clip(3 * np.maximum.reduce([alpha, plate.taken, back, shade]), 0, 1)
    hue = min(float(np.hypot(*np.moveaxis(bust.even, -1, 0)[1:]).mean()) / COLOURFUL, 1.0)
    reach = np.where(reach > 0.02, reach, 0).astype(np.float32) * window
    return as_colourful(out, hue), reach, _bared(plate, np.maximum(alpha, back))


def _missing_ears(plate: Plate, ears: Array) -> Array:
    """The style's ears `[S, S]`: whole where the head's own are hidden, what is missing of those that show in part."""
    bust = plate.bust
    own = smoothstep(bust.regions["ears"] * (1 - plate.alpha), *EARS)
    right = (mesh.pixel_grid(bust.size)[..., 0] > bust.points[168, 0]).astype(np.float32)
    out = ears * plate.taken
    for side in (right, 1 - right):
        if (own * side).sum() < HIDDEN * (ears * side).sum():
            out = np.maximum(out, ears * side)
    return out


def _beside_ears(bust: Bust, ears: Array) -> Array:
    """What lies between a face and its ears, where hair was: `[S, S]` of 0 and 1."""
    skin_there = np.maximum.reduce([bust.face, smoothstep(bust.regions["ears"], *EARS), ears]) > 0.4
    return cv2.morphologyEx(skin_there.astype(np.float32), cv2.MORPH_CLOSE, bust.disc(CLEFT))


def _thinning(bust: Bust) -> Array:
    """Where hair that its picture cuts off ends, as uneven as ends are: `[S, S]` in 0..1."""
    random, columns = np.random.default_rng(1), np.arange(bust.size)
    end = np.full(bust.size, ENDS)
    for width, depth in ROUGH_ENDS:
        count = int(bust.size / (bust.wide * width)) + 2
        end += depth * np.interp(columns, np.linspace(0, bust.size, count), random.standard_normal(count))
    return smoothstep(bust.below_chin - end[None].astype(np.float32), *FADE)


def _behind(
    plate: Plate, hair: Array, alpha: Array, ears: Array, head: Array, under: Array
) -> tuple[Array, Array]:
    """What is under the hair with the hair that hangs behind neck and ears, and where that is, `[S, S]`."""
    bust = plate.bust
    columns, rows = np.arange(bust.size)[None], alpha > 0.5
    left = np.where(rows.any(1), rows.argmax(1), bust.size)[:, None]
    right = np.where(rows.any(1), bust.size - 1 - rows[:, ::-1].argmax(1), -1)[:, None]
    between = (columns >= left) & (columns <= right)
    between = between & (np.abs(columns - bust.points[[234, 454], 0].mean()) < 0.62 * bust.wide)
    bare = bust.any_of("skin", "neck", "ears", "nose", "beard") * (1 - plate.taken)
    person = np.maximum.reduce([bare, ears, bust.face])
    free = np.clip(bust.regions["other"] + plate.taken * (1 - plate.skull) - person, 0, 1)
    around = np.maximum(np.clip(1.5 * head, 0, 1), smoothstep(bust.below_chin, -0.95, -0.8))
    back = between * around * (bust.below_chin < 0.28)
    back = blur((back * smoothstep(free, 0.1, 0.5)).astype(np.float32), 0.006 * bust.wide)
    dark = push_pull(hair, (alpha > 0.8).astype(np.float32), 4) * INNER
    return under + back[..., None] * (dark - under), back


def _shaded(plate: Plate, alpha: Array, under: Array) -> tuple[Array, Array]:
    """The same with the shadow that hair throws on skin, and where that is, `[S, S]`."""
    bust = plate.bust
    x, y = DOWN * bust.wide * bust.down
    shadow = cv2.warpAffine(
        wide_blur(alpha, SOFT_SHADOW * bust.wide), np.array([[1, 0, x], [0, 1, y]]), (bust.size,) * 2
    )
    bare = np.clip(bust.any_of("skin", "neck", "ears", "nose") + plate.taken * plate.skull, 0, 1)
    shade = SHADOW * shadow * (1 - alpha) * blur(bare, 1.5)
    return under * (1 - shade[..., None] * np.array([0.9, 1.0, 1.05], np.float32)), shade
