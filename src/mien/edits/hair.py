"""Hair in another colour: its share of every pixel, and its own colour there dyed as light and pigment do it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..face import geometry, mesh, topology
from ..face.filters import blur, lab_to_rgb, rgb_to_lab, smoothstep, to_lab
from ..face.lighting import luminance
from ..face.skin import fit_skin_shading
from ..models.parser import Parser
from ..types import Alignment, Array, Change, Crop, Networks, Phase
from .colours import Colour
from .hair_region import BARE, RIM, hair_region, inside, unmixed

# how many times lighter or darker hair may become where it is darkest: more of black hair is noise
GAIN = 0.03, 8.0
STRANDS = 0.35  # of the hair's own differences of colour are left, so that strands stay strands
LIGHTER = 22.0  # Lab lightness that `light` 1 adds
# of how much darker, and how much lighter, than its colour hair is, that is pigment, as blond people's hair has it
DEEPER, PALER = 1.6, 0.7
THICKNESS = 0.5, 4.5  # of the pigment that light has passed, at the least and at the most
GREY = 66.0  # Lab lightness that grey hair has at least
# pixels of the crop that strands are wide; and how much grey one has more than the next
STRAND, EDGE = 3.0, 0.18
SHEEN = 78.0  # Lab lightness from where on hair shines, in the light's colour
SHINE = 0.65  # of how much lighter than the middle a strand would be: what shines does so in any colour
# Lab lightness of fair skin and of the whites of eyes in full light, and of which of an eye's pixels it is that of
FAIR, WHITE, LIGHTEST = 79.0, 80.0, 95
LESS = 0.7  # the power of the share of that which a face has, by which its dyed hair is darker
FEWEST = 20  # pixels of an eye that tell
HAIRLINE = 0.025  # face widths beside skin, over which hair is thin
BLURRED = 2.5  # pixels of the photo over which hair is mixed with what is behind it, at the least
STUBBLE = 10.0  # Lab lightness: by how much less than skin's a beard is seen as one
DENSE = 75  # of a beard's pixels, in percent, beyond which those are that show no skin
# of the mesh: before an ear, from the temple to the jaw; and how broad sideburns are there, in face widths
SIDES, BROAD = ((127, 234, 93, 132, 58, 172), (356, 454, 323, 361, 288, 397)), 0.14
BURNS = 12.0, 30.0  # Lab lightness: by how much less than skin's they are there
# Lab lightness: of a ground that black hair is told from and of one that it is not; and over that ground, from where on
# hair begins to be seen and is seen
DARK, SEEN = (20.0, 8.0), (2.0, 13.0)


@dataclass(frozen=True, eq=False)
class Hair:
    """Hair in another colour, None where only the lightness changes: light -1..1 makes it darker or lighter; grey
    0..1 is the share of it that has lost its colour.

    with_beard: the beard too, as where the colour is one that people are born with.
    """

    parser: Parser
    colour: Colour | None
    light: float = 0.0
    grey: float = 0.0
    with_beard: bool = False
    alignment = Alignment("wide", 768)
    phase = Phase.COLOUR

    @property
    def networks(self) -> Networks:
        return self.parser.net.networks

    def __call__(self, crop: Crop) -> Change:
        regions = self.parser.parse(crop)
        before, lab = crop.pixels.astype(np.float32) / 255, to_lab(crop.pixels)
        if self.with_beard:
            regions = regions | {
                "beard": np.maximum(regions["beard"], sideburns(lab, regions, crop.landmarks))
            }
        region = hair_region(self.parser, crop, lab, regions, with_beard=self.with_beard) * inside(crop.size)
        flow = np.zeros((crop.size, crop.size, 2), np.float32)
        sure = region > 0.6
        if sure.sum() < 64:  # bald, or all under a hat
            return Change(flow, np.zeros_like(before), np.zeros_like(region), kind="hair")
        bare = np.maximum.reduce([regions[name] for name in BARE]) > 0.6
        wide = float(np.ptp(crop.landmarks[: topology.POINTS, 0]))
        rim = max(RIM, BLURRED * geometry.scale_of(crop.matrix) / wide)
        share, own, behind = unmixed(before, region, bare, wide, rim, HAIRLINE)
        hair, ground = rgb_to_lab(own), rgb_to_lab(behind)
        beard = regions["beard"] > 0.6
        if self.with_beard and beard.any() and np.median((ground - lab)[beard, 0]) > STUBBLE:
            thin, strands = unmixed_beard(lab, ground, beard)  # which shows skin
            share += regions["beard"] * (thin - share)
            hair += regions["beard"][..., None] * (strands - hair)
            own = lab_to_rgb(hair)
        share *= inside(crop.size) * seen(lab, ground)
        light = light_on(lab, crop.landmarks)
        dyed = self._greyed(self._dyed(hair, sure, light), sure, light)
        if self.with_beard and beard.sum() > 64:
            bearded = self._greyed(self._dyed(hair, beard, light), beard, light)
            dyed += regions["beard"][..., None] * (bearded - dyed)
        return Change(flow, lab_to_rgb(dyed) - own, np.where(share > 0.02, share, 0), kind="hair")

    def _dyed(self, lab: Array, sure: Array, lit: float) -> Array:
        """Every pixel as if it were hair, of which some is `sure [S, S]` to be; lit: see `light_on`."""
        light, a, b = np.moveaxis(lab, -1, 0)
        hair = lab[sure]
        middle = float(np.clip(np.median(hair[:, 0]), 3, 95))
        wanted = middle + LIGHTER * self.light
        if self.colour:
            aim = float(self.colour.lab[0])
            wanted += self.colour.strength * (max(lit * aim, min(aim, middle)) - middle)
        after = toned(light, middle, wanted)
        if self.colour:
            sheen = np.clip((light - SHEEN) / (100 - SHEEN), 0, 1)
            depth = self.colour.strength * (1 - 0.7 * sheen)
            ramp = pigment_ramp(self.colour)
            shade = np.clip(light / middle, 0, 1)  # in which hair of one colour has less of it
            own_a, own_b = a - shade * np.median(hair[:, 1]), b - shade * np.median(hair[:, 2])
            a = a + depth * (_along(ramp[:, 0], after) + STRANDS * own_a - a)
            b = b + depth * (_along(ramp[:, 1], after) + STRANDS * own_b - b)
        return np.stack([after, a, b], -1).astype(np.float32)

    def _greyed(self, lab: Array, sure: Array, lit: float) -> Array:
        """The same with grey in it, strand by strand: those that shine first. What is as light already only loses
        its colour."""
        if not self.grey:
            return lab
        light = lab[..., 0]
        strands = light - blur(light, STRAND)
        more = EDGE * strands / max(float(strands[sure].std()), 0.1)
        share = np.clip(self.grey + more * min(4 * self.grey * (1 - self.grey), 1), 0, 1)[..., None]
        middle = float(np.clip(np.median(light[sure]), 3, 95))
        after = np.stack(
            [toned(light, middle, max(middle, lit * GREY)), 0.15 * lab[..., 1], 0.15 * lab[..., 2]], -1
        )
        return (lab + share * (after - lab)).astype(np.float32)


def light_on(lab: Array, points: Array) -> float:
    """How light things are on a face beside what even light makes of them, 0 to 1: by its skin, or by the whites of its
    eyes, where those are lighter, as dark skin is no dark place."""
    skin = fit_skin_shading(lab, points)[mesh.hull_mask(points, len(lab)) > 0, 0]
    shares = [float(np.median(skin)) / FAIR]
    for lids in topology.EYELIDS:
        eye = lab[mesh.polygon_mask(points, lids, len(lab), feather=1) > 0.7, 0]
        shares += [float(np.percentile(eye, LIGHTEST)) / WHITE] if len(eye) > FEWEST else []
    return float(np.clip(max(shares), 0.1, 1) ** LESS)


def sideburns(lab: Array, regions: dict[str, Array], points: Array) -> Array:
    """What joins a beard to the hair, which the parser takes for skin, `[S, S]` in 0..1: darker than skin before the
    ears, where below them a beard begins."""
    size = len(lab)
    wide = float(np.ptp(points[: topology.POINTS, 0]))
    before_ears = np.zeros((size, size), np.float32)
    for side in SIDES:
        line = np.rint(points[list(side)]).astype(np.int32)
        ends = regions["beard"][np.clip(line[-2:, 1], 0, size - 1), np.clip(line[-2:, 0], 0, size - 1)]
        if ends.max() > 0.5:
            cv2.polylines(before_ears, [line], False, 1.0, max(round(BROAD * wide), 1))
    darker = fit_skin_shading(lab, points)[..., 0] - lab[..., 0]
    return blur(before_ears, 0.02 * wide) * smoothstep(darker, *BURNS) * (1 - regions["other"])


def unmixed_beard(lab: Array, ground: Array, beard: Array) -> tuple[Array, Array]:
    """How much of each pixel is beard, `[S, S]` in 0..1, and the beard's own colour there, `[S, S, 3]` in Lab: how far it
    lies from the skin behind it to where the beard is densest. beard `[S, S]`: where one surely is."""
    darker = ground[..., 0] - lab[..., 0]
    dense = beard & (darker >= np.percentile(darker[beard], DENSE))
    tone = np.median(lab[dense], 0)
    share = np.clip(darker / np.maximum(ground[..., 0] - tone[0], STUBBLE), 0, 1)
    return share.astype(np.float32), np.where(share[..., None] < 1, tone, lab).astype(np.float32)


def toned(light: Array, middle: float, wanted: float) -> Array:
    """Lab lightness, 0 to 100, of hair whose `middle` one becomes the `wanted` one: as many times lighter where it is
    dark, so that light and shadow keep their ratio, and less so the nearer to white."""
    wanted = float(np.clip(wanted, 3, 95))
    gain = float(np.clip(wanted * (100 - middle) / (middle * (100 - wanted)), *GAIN))

    def lit(light: Array) -> Array:
        return 100 * gain * light / (100 + (gain - 1) * light)

    after, level = lit(light), lit(np.array(middle))
    return after if gain < 1 else np.maximum(np.minimum(after, level + SHINE * (after - level)), light)


def pigment_ramp(colour: Colour) -> Array:
    """How green or red and how blue or yellow, in Lab, hair of a colour is at each lightness of 0 to 100, `[101, 2]`:
    the darker it is, the less light falls on it, and the more pigment has that passed, which makes it warmer (the
    Beer-Lambert law), but no deeper than less light alone would leave it, as people's is; the lighter, the paler."""
    linear = np.clip(np.array(colour.rgb), 0.004, 1) ** 2.2
    levels = np.arange(101)
    weights = np.array((0.2126, 0.7152, 0.0722))
    level = luminance(levels)
    own = float(linear @ weights)
    lighter = np.log(np.maximum(level, 1e-3) / own)
    lighter *= np.where(lighter < 0, DEEPER, PALER)
    thickness = np.clip(1 + lighter / np.log(min(own, 0.9)), *THICKNESS)

    def tones(passed: Array) -> Array:
        lit = passed * (level / (passed @ weights))[:, None]
        return rgb_to_lab(np.clip(lit, 0, 1)[None].astype(np.float32) ** np.float32(1 / 2.2))[0, :, 1:]

    tinted, shaded = tones(linear ** thickness[:, None]), tones(np.tile(linear, (101, 1)))
    deep, shallow = (np.linalg.norm(one, axis=1, keepdims=True) for one in (tinted, shaded))
    return tinted * np.minimum(shallow / np.maximum(deep, 1e-3), 1)


def seen(hair: Array, ground: Array) -> Array:
    """How much of hair is seen before what is behind it, `[S, S]` in 0..1, both `[S, S, 3]` in Lab: before black only
    as much as light falls on it."""
    dark = smoothstep(ground[..., 0], *DARK)
    return 1 - dark * smoothstep(hair[..., 0] - ground[..., 0], *SEEN[::-1])


def _along(ramp: Array, light: Array) -> Array:
    """What a ramp `[101]` has at lightnesses of 0 to 100."""
    return np.interp(light, np.arange(101), ramp).astype(np.float32)
