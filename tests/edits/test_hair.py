"""Which pixels are hair: what a parser takes for more of it, and must not be dyed; and how hair is dyed."""

from typing import Any

import cv2
import numpy as np
import pytest
from faces import collins, kit, points

from mien import Photo, edit
from mien.edits import colours
from mien.edits.hair import SIDES, Hair, light_on, pigment_ramp, seen, sideburns, toned, unmixed_beard
from mien.edits.hair_region import muted, on_head, told_from_background, unmixed, without_islands
from mien.face import geometry, mesh
from mien.face.filters import to_lab
from mien.face.lighting import SideLight, luminance
from mien.face.topology import EYELIDS
from mien.types import Array

SIZE = 384
ALL = np.ones((SIZE, SIZE), bool)
BLACK, DOOR, GOLD, WALL = (8, 1, 2), (28, 10, 22), (62, 8, 40), (80, 0, 4)


def scene() -> tuple[Array, dict[str, Array], Array, dict[str, tuple[slice, slice]]]:
    """A face under black hair with golden ends, a door and a wall behind it: Lab, what a parser says that
    takes some of the door for hair, the landmarks, and where what is."""
    face = points(1.5, at=(SIZE / 2, SIZE / 2 + 20))
    top, left = int(face[:, 1].min()), int(face[:, 0].min())
    places = {
        "forehead": (slice(top - 30, top + 8), slice(left, SIZE - left)),
        "ends": (slice(top + 60, top + 140), slice(left - 30, left)),
        "mistaken": (slice(top - 30, top + 140), slice(SIZE - left, SIZE - left + 30)),
    }
    noise = np.random.default_rng(0).normal(0, 2, (SIZE, SIZE, 3))
    lab = np.broadcast_to(np.array(DOOR, np.float32), (SIZE, SIZE, 3)) + noise
    lab[:, :40] = np.array(WALL) + noise[:, :40]
    for name, colour in (("forehead", BLACK), ("ends", GOLD)):
        lab[places[name]] = np.array(colour) + noise[places[name]]
    hair = np.zeros((SIZE, SIZE), np.float32)
    for place in places.values():
        hair[place] = 0.97
    inside = np.zeros_like(hair)
    cv2.fillConvexPoly(inside, cv2.convexHull(face.astype(np.int32)), 1)
    regions = {"hair": hair, "other": (1 - hair) * (1 - inside), "beard": np.zeros_like(hair)}
    return lab.astype(np.float32), regions, face, places


def test_a_door_is_no_hair():
    lab, regions, face, places = scene()
    kept = told_from_background(lab, regions, face, ALL)
    assert kept[places["mistaken"]].mean() < 0.1
    assert kept[places["forehead"]].mean() > 0.95, "what the hair looks like where it surely is some"
    assert kept[places["ends"]].mean() > 0.95, "what looks like nothing else"


def test_where_no_hair_is_sure_nothing_is_ruled_out():
    lab, regions, face, places = scene()
    regions["hair"][places["forehead"]] = 0.8  # less, but still hair
    assert told_from_background(lab, regions, face, ALL)[places["mistaken"]].mean() < 0.1
    regions["hair"][places["forehead"]] = 0.5
    assert np.array_equal(told_from_background(lab, regions, face, ALL), regions["hair"])


def test_what_the_parser_wavers_at_is_hair_if_it_looks_like_it():
    """And the door is not; nor the hair's mirror image beyond the photo's edge a thing that looks like
    hair."""
    lab, regions, face, places = scene()
    strand, door = (slice(300, 360), slice(100, 180)), (slice(300, 360), slice(200, 280))
    lab[strand] = lab[places["forehead"]][:38, :60].mean((0, 1))
    for place in (strand, door):
        regions["hair"][place], regions["other"][place] = 0.3, 0.7
    told = told_from_background(lab, regions, face, ALL)
    assert told[strand].mean() > 0.8 and told[door].mean() < 0.1
    lab[:, -60:], regions["other"][:, -60:], regions["hair"][:, -60:] = BLACK, 1, 0
    photo = ALL.copy()
    photo[:, -60:] = False
    assert (
        told_from_background(lab, regions, face, photo)[strand].mean()
        > 0.8
        > 0.5
        > told_from_background(lab, regions, face, ALL)[strand].mean()
    )


def test_locks_over_the_face_are_hair_and_eyes_are_not():
    """Of the hair's colours and beside it; the same colour in the middle of the face is none."""
    lab, regions, face, places = scene()
    inside = np.zeros((SIZE, SIZE), np.uint8)
    cv2.fillConvexPoly(inside, cv2.convexHull(face.astype(np.int32)), 1)
    lab[inside > 0] = (70, 12, 16)
    lab[places["forehead"]] = BLACK
    top, x = places["forehead"][0].stop, int(face[151, 0])
    lock, cheek = (slice(top, top + 12), slice(x - 24, x + 24)), [int(v) for v in face[50][::-1]]
    spot = slice(cheek[0] - 6, cheek[0] + 6), slice(cheek[1] - 6, cheek[1] + 6)
    for place in (lock, spot):
        lab[place], regions["hair"][place] = BLACK, 0
    told = told_from_background(lab, regions, face, ALL)
    assert (
        told[lock][:5].mean() > 0.6
        and told[spot].mean() < 0.1
        and told[top + 30 :][inside[top + 30 :] > 0].mean() < 0.02
    )


def test_wild_colours_are_muted_and_nothing_else():
    lab = np.full((8, 8, 3), (60, -50, 40), np.float32)
    paler = cv2.cvtColor(muted(lab).astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    assert np.abs(paler - (60, -20, 16)).max() < 1


def test_islands_are_no_hair():
    share = np.zeros((SIZE, SIZE), np.float32)
    share[40:120, 100:300] = share[120:260, 60:120] = share[120:260, 240:300] = 1
    lone = share.copy()
    lone[300:340, 180:220] = 0.8
    assert np.array_equal(without_islands(lone), share)
    assert np.array_equal(without_islands(share), share)


def test_clothes_are_no_hair():
    face = points(1.5, at=(SIZE / 2, SIZE / 2 - 40))
    top, chin = int(face[:, 1].min()), int(face[:, 1].max())
    share = np.zeros((SIZE, SIZE), np.float32)
    share[top - 30 : top, 120:260] = 1
    clothed = share.copy()
    clothed[chin + 20 :] = 1
    assert np.abs(on_head(clothed, face) - share)[: top - 4].max() < 0.01
    assert on_head(clothed, face)[chin + 20 :].max() == 0


def test_light_and_shadow_of_dyed_hair_keep_their_ratio():
    """As light multiplies: hair with half as much of it stays half as light, black stays black, what shines shines."""
    light = np.arange(0.0, 101)
    dyed = toned(light, 10.0, 66.0)
    assert dyed[0] == 0 and (np.diff(dyed) > 0).all() and (dyed >= light).all() and dyed[100] == 100
    assert dyed[4] / dyed[8] < 0.62 and dyed[1] < 9
    darker = toned(light, 66.0, 11.0)
    assert abs(darker[66] - 11) < 0.5 and (darker <= light).all() and darker[90] < 45


def test_shadows_of_blond_are_brown_and_its_lights_pale():
    """Never khaki: the darker, the redder; grey stays grey, black black."""
    ramp = pigment_ramp(colours.parse("blond", colours.HAIR))
    hue = np.degrees(np.arctan2(ramp[:, 1], ramp[:, 0]))
    assert (np.diff(hue[25:90:8]) > 0).all() and hue[30] < 72 < 76 < hue[66] < 80
    assert np.hypot(*ramp[88]) < 0.9 * np.hypot(*ramp[66])
    own = colours.parse("blond", colours.HAIR).lab
    assert np.abs(ramp[round(float(own[0]))] - own[1:]).max() < 2.5, (
        "the colour asked for is what it is at its own light"
    )
    for name in ("grey", "black"):
        assert np.abs(pigment_ramp(colours.parse(name, colours.HAIR))).max() < 4


@pytest.mark.parametrize(
    ("name", "measured"),  # a and b in Lab at a lightness, the median of 51 blond and 41 red-haired people
    [
        ("blond", {30: (8.1, 11.8), 40: (8.0, 12.9), 50: (7.7, 18.3), 60: (6.0, 20.9), 70: (4.0, 19.7)}),
        ("red", {20: (16.2, 16.1), 30: (18.2, 21.7), 40: (18.8, 25.4), 50: (19.3, 26.7)}),
    ],
)
def test_dyed_hair_is_of_colours_that_people_have(name: str, measured: dict[int, tuple[float, float]]):
    ramp = pigment_ramp(colours.parse(name, colours.HAIR))
    off = [np.abs(ramp[light] - of_people).max() for light, of_people in measured.items()]
    assert max(off) < 6 and np.mean(off) < 4, off


def test_stubble_shows_skin_by_its_share():
    """Dyed as light as skin is, black stubble over skin must not become lighter than both."""
    skin, black = np.array((65.0, 12, 18)), np.array((12.0, 2, 3))
    shares = np.tile(np.linspace(0, 1, 21), (9, 1))
    lab = skin + shares[..., None] * (black - skin)
    beard = shares > 0.3
    found, strands = unmixed_beard(lab, np.broadcast_to(skin, lab.shape), beard)
    assert np.abs(found - shares).max() < 0.15 and np.abs(strands[..., 0] - 12).max() < 10
    back = lab + found[..., None] * (strands + np.array((50, 0, 0)) - strands)
    assert back[..., 0].max() < 75, "skin and dyed hair are at 65 and about 65"


def test_before_black_hair_is_dyed_as_far_as_it_is_seen():
    hair, black, wall = np.zeros((1, 3, 3)), np.zeros((1, 3, 3)), np.full((1, 3, 3), 80.0)
    hair[0, :, 0] = 1, 7, 25
    assert seen(hair, black)[0, 0] == 0 < 0.3 < seen(hair, black)[0, 1] < 0.7 < seen(hair, black)[0, 2] == 1
    assert (seen(hair, wall) == 1).all()


def test_a_pixel_between_hair_and_skin_is_hair_by_its_share():
    """So that dyed it is between the dyed hair and the skin: no line lighter or darker than both."""
    black, fair = np.array((0.05, 0.04, 0.04)), np.array((0.8, 0.6, 0.5))
    hair = np.clip((np.arange(200.0) - 90) / 20, 0, 1)[None].repeat(200, 0).astype(np.float32)
    pixels = (hair[..., None] * black + (1 - hair[..., None]) * fair).astype(np.float32)
    rough = np.clip((np.arange(200.0) - 84) / 6, 0, 1)[None].repeat(200, 0).astype(np.float32)
    share, own, ground = unmixed(pixels, rough, rough < 0.1, 200.0, 0.2)
    inner = np.s_[60:140, 60:140]
    assert np.abs(share - hair)[inner].max() < 0.12
    assert own[inner][hair[inner] > 0.9].max() < 0.12 and np.abs(ground[100, 60] - fair).max() < 0.02


def test_dark_skin_is_no_dark_place():
    """Where the whites of the eyes are light so is what falls on the hair; where they are dark too it is not."""
    photo, face = collins()
    crop = geometry.align(photo.pixels, face.landmarks, Hair.alignment)
    lab = to_lab(crop.pixels)
    eyes = np.max([mesh.polygon_mask(crop.landmarks, lids, crop.size, feather=1) for lids in EYELIDS], 0)
    dark, unlit = lab.copy(), lab.copy()
    unlit[..., 0] *= 0.4
    dark[..., 0] *= 0.4 + 0.6 * eyes
    lights = [light_on(one, crop.landmarks) for one in (lab, dark, unlit)]
    assert lights[1] > 0.9 * lights[0] and lights[2] < 0.65 * lights[0]


def side_lit(pixels: Array, points: Array, *, beside: float = 0, times: float = 16) -> tuple[Array, Array]:
    """The picture with a sixteenth of the light on the right of the nose, or so many face widths beside it, and how much
    of it falls where."""
    wide = np.ptp(points[:468, 0])
    x = np.clip((np.arange(pixels.shape[1]) - points[4, 0] - beside * wide) / (0.1 * wide), 0, 1)
    falls = np.broadcast_to(times**-x, pixels.shape[:2])
    light = ((pixels / 255 + 0.055) / 1.055) ** 2.4 * falls[..., None]
    return np.rint(255 * np.maximum(1.055 * light ** (1 / 2.4) - 0.055, 0)).astype(np.uint8), falls


def test_skin_tells_where_shade_is():
    photo, face = collins()
    lit, dark = (
        geometry.align(one, face.landmarks, Hair.alignment)
        for one in (photo.pixels, side_lit(photo.pixels, face.landmarks)[0])
    )
    skin = mesh.hull_mask(lit.landmarks, lit.size)
    assert SideLight.of(to_lab(lit.pixels), lit.landmarks, skin) is None
    light = SideLight.of(to_lab(dark.pixels), dark.landmarks, skin)
    assert light is not None
    lifted = light.lift(dark)
    left, right = (round(float(lit.landmarks[one, 0])) for one in (127, 356))  # before the ears
    assert lifted[300, left] == 1 and 0.8 < lifted[300, right] / 16 ** (1 / 2.2) < 1.05
    assert lifted[5, right] == pytest.approx(lifted[300, right], rel=0.05), "above it as below it"


def test_dyed_hair_in_the_shade_is_as_dark_as_what_falls_on_it():
    """And skin in the shade, which looks like dark hair, stays skin."""
    photo, face = collins()
    dark, falls = side_lit(photo.pixels, face.landmarks)
    dyed = [edit(Photo(one), hair="blond", kit=kit()).pixels for one in (photo.pixels, dark)]
    pairs = zip((photo.pixels, dark), dyed, strict=True)
    lit, unlit = (luminance(to_lab(b)[..., 0]) - luminance(to_lab(a)[..., 0]) for a, b in pairs)
    shade = falls < 1 / 15
    hair = shade & (lit > 0.05)
    assert hair.sum() > 500 and unlit[hair].mean() < 1.5 * (lit * falls)[hair].mean()
    skin = shade & (mesh.hull_mask(face.landmarks, len(shade)) > 0) & (np.abs(lit) < 0.002)
    assert skin.sum() > 500 and np.abs(unlit[skin]).mean() < 0.003


@pytest.mark.parametrize(
    ("strengths", "how"),
    [
        ({"lips": "red"}, {}),
        ({"lids": "plum"}, {}),
        ({"beauty": 1.0}, {}),
        ({"age": 30.0}, {}),
        ({"sex": 0.8}, {}),
        ({"grin": 0.8}, {}),
        ({"grin": 1.0}, {"beside": -0.22, "times": 40.0}),  # most of the face is in the shade
        ({"age": 30.0}, {"beside": -0.22, "times": 40.0}),
    ],
)
def test_changes_in_the_shade_are_as_dark_as_what_falls_there(
    strengths: dict[str, Any], how: dict[str, float]
):
    photo, face = collins()
    dark, falls = side_lit(photo.pixels, face.landmarks, **how)
    done = [edit(Photo(one), kit=kit(), **strengths).pixels for one in (photo.pixels, dark)]
    lit, unlit = (
        np.abs(luminance(to_lab(b)[..., 0]) - luminance(to_lab(a)[..., 0]))
        for a, b in zip((photo.pixels, dark), done, strict=True)
    )
    shade = (falls < 1 / 4) & (mesh.hull_mask(face.landmarks, len(dark)) > 0)
    assert unlit[shade].mean() < 1.5 * (lit * falls)[shade].mean() + 2e-4


def test_sideburns_join_a_beard_to_the_hair():
    """Darker than skin, before the ears, and of a bearded face alone."""
    lab, regions, face, _ = scene()
    inside = np.zeros((SIZE, SIZE), np.uint8)
    cv2.fillConvexPoly(inside, cv2.convexHull(face.astype(np.int32)), 1)
    lab[inside > 0] = (70, 12, 16)
    strip, wide = np.zeros((SIZE, SIZE), np.uint8), np.ptp(face[:468, 0])
    for line in SIDES:
        cv2.polylines(strip, [np.rint(face[list(line)]).astype(np.int32)], False, 1, round(0.05 * wide))
    strip *= inside
    lab[(strip > 0) & (np.arange(SIZE) < SIZE / 2)] = BLACK  # on one side
    assert not sideburns(lab, regions, face).any()
    regions["beard"][int(face[0, 1]) :] = 1
    told = sideburns(lab, regions, face)
    dark = (strip > 0) & (np.arange(SIZE) < SIZE / 2)
    assert told[dark].mean() > 0.8 and told[~dark].mean() < 0.02
