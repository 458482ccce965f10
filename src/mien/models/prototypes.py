"""Prototypes: how the mean face changes with age, sex and smile, carried to one face through the mesh: the
baseline to beat.

After Rowland and Perrett, "Manipulating facial appearance through shape and color" (1995), and Tiddeman et
al., "Prototyping and transforming facial textures for perception research" (2001), with means regressed on
continuous age instead of two groups, and with gains held back where a face's texture is not what the mean
knows (stubble, noise, frames of glasses). Means have no lines: whoever is made older gets those of old faces
that are most like the ones that begin to show, and of whoever is made younger their own fade. Nor have they
the skin's own tone, as every face is averaged without its exposure.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary

import cv2
import numpy as np

from ..face import geometry, mesh, topology
from ..face.change import paste_window
from ..face.filters import grain, lab_to_rgb, largest, to_lab
from ..types import Alignment, Array, Change, Crop
from .card import arrays

L_SPREAD = (
    14.0  # every face's lightness inside the oval is brought to this standard deviation before it is averaged
)
LAYOUT = "face"  # of the means
SIGMA_FINE, SIGMA_COARSE = 1 / 160, 1 / 48  # of that layout's side: the two fine bands lie above these blurs
SIGMA_LINES = 1 / 40  # lines lie above this blur
ADULT, OLDEST = 18.0, 90.0  # a changed face is never meant to look younger or older than this
# Means are smoother than any of their members, so the plain difference looks like half the years; but colour
# that is pushed too far turns to blotches.
OLDER = {"shape": 1.5, "colour": 1.2, "fine": 1.6, "coarse": 1.5}
# Skin tells of youth as well as shape does, and leaves the person: by dlib's network .23 from themselves instead of
# .28, at the same years by a judge that shares nothing with either.
YOUNGER = {"shape": 0.7, "colour": 1.35, "fine": 2.0, "coarse": 1.9}
SMILING = {"fine": 2.0, "coarse": 2.0}
# As with youth: more of the skin's colours and less of the shape turns more faces at the same distance from
# themselves (`benchmarks/kept.py`).
SEXED = {"shape": 0.7, "colour": 1.4}
# Lab: men's skin less women's, as much as neck and ears can do without; of 204 portraits in the light of two
# studios, other things being equal, it is twice that (-4.7, 1.1 and -0.7, with standard errors of 0.7, 0.2
# and 0.3).
TONE = np.array([-2.3, 0.5, -0.4], np.float32)
LINES, FULL = 0.6, 30.0  # of an old face's lines, and the years that bring them
LINED = 25.0, 75.0  # the ages between which lines come
ALIKE = (
    0.04  # how much more of its own lines must look like one's than like another's, to be no mixture of both
)
DEEPEST = 14.0  # Lab lightness
FADED, RIDGES = (
    1.0,
    0.5,
)  # how much of a face's own lines FULL years less take away, and of the light beside them, of that
CREASES, CREASE = (
    (1 / 200, 1 / 30),
    16.0,
)  # between which blurs such lines lie, of LAYOUT's side; Lab: deeper ones are edges
MOST = np.array([14.0, 7.0, 7.0], np.float32)  # Lab: what colours may add, however much is asked for
PALER = 0.35  # of the skin's own saturation, that colours may take away: pale skin would turn grey
# levels of 255: what a face's lightness is stretched to, as a standard deviation, and noise in it from where on it is
# taken off; of people below 60 in good photos 97 in 100 have less
STRETCHED, NOISY = 45.0, 3.4
AROUND = 128, 72  # pixels of the window about the eyes in which frames of glasses are looked for
FLOOR = 0.02  # in the logarithm of band energy: below it is no texture


@dataclass(frozen=True, eq=False)
class Reading:
    """What the prototypes see in a face before they change it: apparent age in years, sex from 0 (feminine) to 1
    (masculine), and glasses, 0..1 for how sure some are worn. No age is clipped: of one below 18 or above 90 all
    that is known is that it lies far on that side."""

    age: float
    sex: float
    glasses: float


class Prototypes:
    """The bundled prototypes file.

    Arrays: points `[480, 2]` and triangles of the mean layout; `age_*` `[2, A, ...]` means by sex (f, m) and
    age node; `smile_*` `[3, ...]` what a smile adds per unit of mouth width, corner lift and opening; shapes
    in canonical crop pixels, colours in Lab, bands in log gain; lines `[2, N, s, s]` of N old faces of either
    sex, in Lab lightness.
    """

    def __init__(self, name: str, path: Path, sha256: str) -> None:
        self.name, self.sha256 = name, sha256
        self.card, found = arrays(path)
        self.data = {key: _dequantise(key, found) for key in found if not key.endswith(".scale")}
        self.triangles = self.data["triangles"].astype(int)
        self.alignment = Alignment(LAYOUT, int(self.data["side"]))
        self._frames = mesh.LocalFrames(self.data["points"][: topology.POINTS])
        self._plain = plain(self.data["points"][: topology.POINTS], self.data["oval"])
        self._known: WeakKeyDictionary[Crop, tuple[Array, Reading]] = WeakKeyDictionary()

    def read(self, crop: Crop) -> Reading:
        """Apparent age and sex of the face: ridge regression on the face brought to the mean layout."""
        return self._seen(crop)[1]

    def _seen(self, crop: Crop) -> tuple[Array, Reading]:
        """The face in the mean layout, `[s, s, 3]`, and what is read in it; once for each crop."""
        if crop not in self._known:
            d = self.data
            face = geometry.align(crop.pixels, crop.landmarks, Alignment(LAYOUT, int(d["side"])))
            points = face.landmarks[: topology.POINTS]

            def laid_out(pixels: Array) -> Array:
                return canonical(pixels, points, d["points"], self.triangles, d["oval"])

            lab, quiet = laid_out(face.pixels), without_noise(face.pixels)
            read = lab if quiet is face.pixels else laid_out(quiet)
            age, sex = features(read, points, d["points"], d["oval"]) @ d["reader"] + d["reader_bias"]
            glasses = edges(face.pixels, points) @ d["glasses"] + d["glasses_bias"]
            sure, masculine = (float(1 / (1 + np.exp(-score))) for score in (glasses, 3 * sex))
            self._known[crop] = lab, Reading(float(age), masculine, sure)
        return self._known[crop]

    def mouth_of(self, smile: float) -> Array:
        """What mouth `[3]` (added width, lift and opening, over the eye distance) a smile of -1..1 asks
        for."""
        return smile * self.data["smile_unit"]

    def change(
        self,
        crop: Crop,
        *,
        mouth: Array | None = None,
        age: float = 0.0,
        sex: float = 0.0,
        means_only: bool = False,
    ) -> Change:
        """The Change that a request is: mouth `[3]` as `mouth_of` gives it, age in years, sex -1..1.
        means_only: without what means have lost, which are lines, the skin's tone and half of a smile's
        texture."""
        size = crop.size
        face = mesh.with_border_points(crop.landmarks, size)
        blend = self.blend(crop, np.zeros(3, np.float32) if mouth is None else mouth, age, sex, means_only)
        moved = face.copy()
        moved[: topology.POINTS] += self._frames.carry(blend["shape"], face[: topology.POINTS])
        flow, reach = mesh.motion(face, moved, self.triangles, size)
        place = mesh.dense_map(moved, self.data["points"], self.triangles, size)
        margin = size if blend["faded"].any() else 2  # what is a line is told by what is around it
        part = mesh.window(moved[: topology.POINTS], margin, size).part
        colour = self._colour(crop, flow + mesh.pixel_grid(size), place[part], blend, part)
        colour *= mesh.skin_mask(moved, size)[part][..., None]
        return Change(flow, paste_window(colour, part, size), np.clip(reach * 4, 0, 1))

    def smiling(self, points: Array, mouth: Array) -> Array:
        """Where the mesh of `points [V, 2]` (crop xy) lies with such a mouth (see `change`): `[468, 2]`."""
        face = points[: topology.POINTS]
        return face + self._frames.carry(np.tensordot(mouth, self.data["smile_shape"], 1), face)

    def blend(self, crop: Crop, mouth: Array, age: float, sex: float, means_only: bool) -> dict[str, Array]:
        """What is added: to "shape" `[468, 2]`, "colour" `[s, s, 3]`, "fine", "coarse" and "lines" `[s, s]`;
        "expected": today's bands; "faded" `[s, s]`: how much of its own lines is taken away."""
        d, (lab, reading) = self.data, self._seen(crop)
        now, then = _ages(reading.age, age)
        taper = 1 / (1 + max(abs(age) - 30, 0) / 60)  # so that fifty years more is no mask
        years = {key: gain * taper for key, gain in (OLDER if age > 0 else YOUNGER).items()}
        smiling = {} if means_only else SMILING
        out: dict[str, Array] = {}
        for key in ("shape", "colour", "fine", "coarse"):
            by_age = d[f"age_{key}"]
            here = _at(by_age, now, d["nodes"], reading.sex)
            out[key] = years[key] * (_at(by_age, then, d["nodes"], reading.sex) - here)
            man, woman = (_at(by_age, np.clip(reading.age, ADULT, OLDEST), d["nodes"], s) for s in (1.0, 0.0))
            turned = man - woman + d[f"stubble_{key}"] * float(d["stubble"])
            out[key] += sex * float(d["sex_gain"]) * SEXED.get(key, 1.0) * turned
            out[key] += np.tensordot(mouth, d[f"smile_{key}"], 1) * smiling.get(key, 1.0)
            if key in ("fine", "coarse"):
                out[f"{key}_expected"] = here
        out["lines"] = out["faded"] = np.zeros_like(lab[..., 0])
        if means_only:
            return out
        out["colour"] += sex * TONE
        more = float(np.clip(then, *LINED) - np.clip(now, *LINED)) / FULL
        if more > 0:
            out["lines"] = LINES * more * self.own_lines(lab[..., 0], reading.sex)
        elif more < 0:
            out["faded"] = min(-FADED * more, 1) * self._plain
        return out

    def own_lines(self, lightness: Array, sex: float) -> Array:
        """The lines that this face may get, `[s, s]`: of old faces, mixed by how like its own they are;
        nobody's where there are none."""
        theirs = self.data["lines"][int(sex > 0.5)]
        if not len(theirs):
            return np.zeros_like(lightness)
        own = lines(lightness)
        flat = theirs.reshape(len(theirs), -1)
        like = (
            flat
            @ own.ravel()
            / (np.linalg.norm(flat, axis=1) * max(float(np.linalg.norm(own * (theirs != 0).any(0))), 1e-6))
        )
        share = np.exp((like - like.max()) / ALIKE)
        return np.tensordot(share / share.sum(), theirs, 1)

    def _colour(
        self, crop: Crop, look: Array, place: Array, blend: dict[str, Array], part: tuple[slice, slice]
    ) -> Array:
        """The colour offset in RGB in a part of the crop `[h, w, 3]`, whose places `[h, w, 2]` in the mean
        layout are given: the difference of means, and the face's own fine bands made stronger or weaker."""
        d, templates = self.data, geometry.TEMPLATES
        unit = crop.size * templates[LAYOUT].side / templates[crop.alignment.template].side
        pixels = mesh.remap(crop.pixels, look).astype(np.float32) / 255
        whole = cv2.cvtColor(pixels, cv2.COLOR_RGB2Lab)
        before, lab = pixels[part], whole[part]

        def draw(canonical_map: Array) -> Array:
            side = canonical_map.shape[0] / int(d["side"])
            x, y = np.moveaxis((place + 0.5) * side - 0.5, -1, 0).astype(np.float32)
            return cv2.remap(canonical_map, x, y, cv2.INTER_LINEAR)

        oval = draw(d["oval"]) > 0.5
        inside = lab[..., 0][oval] if oval.any() else lab[..., 0]
        spread = float(inside.std()) / L_SPREAD
        contrast = np.clip(spread, 0.4, 1.1)
        delta = draw(blend["colour"]) * np.array(
            [contrast, *[np.clip(inside.mean() / 60, 0.2, 1.0)] * 2], np.float32
        )
        skin, noise = 1 - _hair(whole, oval, part), _noise(whole, unit)[part]
        delta = _bounded(delta, before, lab)
        delta[..., 0] *= np.where(delta[..., 0] < 0, skin, 1)
        if blend["lines"].any():
            delta[..., 0] += skin * np.clip(draw(blend["lines"]) * contrast, -DEEPEST, DEEPEST)
        for band, sigma, gain, expected in _bands(whole[..., 0], unit, blend):
            energy = _energy(band, unit * sigma * 2)[part] + FLOOR * spread**2
            usual = np.exp(2 * draw(expected)) * max(spread, 0.3) ** 2
            more = np.clip(np.exp(draw(gain)), 0.5, 2.5) - 1
            # beards, stubble and glasses are no skin and stay as they are; to make skin smooth, it may be
            # rougher than usual
            trust = (
                np.where(more > 0, skin, 1)
                * np.clip(1 - noise / energy, 0, 1)
                / (1 + (energy / (usual * np.where(more < 0, 15, 5))) ** 2)
            )
            delta[..., 0] += band[part] * trust * more
        if blend["faded"].any():
            delta -= (skin * draw(blend["faded"]))[..., None] * _creases(lab + delta, unit, spread)
        return np.clip(cv2.cvtColor(lab + delta, cv2.COLOR_Lab2RGB), 0, 1) - before


def canonical(pixels: Array, points: Array, mean: Array, triangles: Array, oval: Array) -> Array:
    """A face `[s, s, 3]` uint8 brought to the mean layout, as Lab without its own exposure, tint and
    contrast: `[s, s, 3]` float32."""
    size = pixels.shape[0]
    place = mesh.dense_map(mean, mesh.with_border_points(points, size), triangles, size)
    warped = mesh.remap(pixels, place)
    lab = to_lab(warped)
    inside = oval > 0.5
    lab -= lab[inside].mean(0)
    lab[..., 0] *= L_SPREAD / max(float(lab[..., 0][inside].std()), 1.0)
    return lab


def without_noise(pixels: Array) -> Array:
    """A face `[s, s, 3]` uint8 as it is read; a noisy one in even light, with its noise taken off (Buades et al. 2005,
    doi 10.1109/CVPR.2005.38), which would count as lines and add decades. Skin of any age has less grain than that,
    beside the face's contrast; where it has more, hardly anything is read otherwise."""
    lab = to_lab(pixels)
    middle, spread = float(lab[..., 0].mean()), max(float(lab[..., 0].std()), 1.0)
    light = np.rint(np.clip((lab[..., 0] - middle) * STRETCHED / spread + 128, 0, 255)).astype(np.uint8)
    noise = grain(light)
    if noise < NOISY:
        return pixels
    lab[..., 0] = cv2.fastNlMeansDenoising(light, None, noise, 5, 15) * np.float32(100 / 255)
    return np.rint(lab_to_rgb(lab) * 255).astype(np.uint8)


def bands(lightness: Array) -> tuple[Array, Array]:
    """Log strength of the two fine bands of a canonical lightness `[s, s]`."""
    size = lightness.shape[0]
    fine, coarse = (np.log(_energy(band, size / 38) + FLOOR) / 2 for band in split_bands(lightness, size))
    return fine, coarse


def split_bands(lightness: Array, unit: float) -> tuple[Array, Array]:
    """The two fine bands of a lightness picture, above SIGMA_FINE and above SIGMA_COARSE; `unit` is LAYOUT's
    side in its pixels."""
    fine, coarse = (cv2.GaussianBlur(lightness, (0, 0), unit * sigma) for sigma in (SIGMA_FINE, SIGMA_COARSE))
    return lightness - fine, fine - coarse


def plain(points: Array, oval: Array) -> Array:
    """Where the mean face `[468, 2]` has nothing but skin: `[s, s]` in 0..1."""
    size = len(oval)
    out = oval * mesh.skin_mask(points, size)
    for outline in (*topology.BROWS, *topology.EYELIDS, *topology.NOSTRILS, topology.LIPS):
        out *= 1 - mesh.polygon_mask(points, outline, size, feather=2, grow=3)
    return out


def lines(lightness: Array) -> Array:
    """What of a canonical lightness `[s, s]` is no broader than a wrinkle."""
    return lightness - cv2.GaussianBlur(lightness, (0, 0), lightness.shape[0] * SIGMA_LINES)


def features(lab: Array, points: Array, mean: Array, oval: Array) -> Array:
    """What the reader looks at: the canonical face at 24 px, its bands at 16 px, its shape; one vector."""

    def small(picture: Array, side: int) -> Array:
        weight = oval if picture.ndim == 2 else oval[..., None]
        return cv2.resize(picture * weight, (side, side), interpolation=cv2.INTER_AREA)[
            small_oval[side]
        ].ravel()

    small_oval = {
        side: cv2.resize(oval, (side, side), interpolation=cv2.INTER_AREA) > 0.5 for side in (16, 24)
    }
    parts = [
        small(lab, 24) / 8,
        *(small(band, 16) for band in bands(lab[..., 0])),
        (points - mean[: topology.POINTS]).ravel() / 2,
    ]
    return np.concatenate(parts).astype(np.float32)


def edges(pixels: Array, points: Array) -> Array:
    """How strong edges are about the eyes, across and down, of both sides together `[576]`: they tell of the frames of
    glasses, also of thin ones. pixels: of a face in LAYOUT, with `points [468, 2]`."""
    eyes = [points[list(corners)].mean(0) for corners in ((33, 133), (362, 263))]
    down = (eyes[1] - eyes[0])[::-1] * (-1, 1)
    there = np.array([*eyes, (eyes[0] + eyes[1]) / 2 + down], np.float32)
    place = cv2.getAffineTransform(there, np.array([(39, 26), (89, 26), (64, 76)], np.float32))
    light = cv2.cvtColor(cv2.warpAffine(pixels, place, AROUND), cv2.COLOR_RGB2GRAY).astype(np.float32)
    light = (light - light.mean()) / (light.std() + 8)
    strong = [np.abs(cv2.Sobel(light, cv2.CV_32F, *way)) for way in ((1, 0), (0, 1))]
    small = [cv2.resize(one, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA) for one in strong]
    return np.stack([one + one[:, ::-1] for one in small])[..., : AROUND[0] // 8].ravel() / 2


def _bounded(delta: Array, before: Array, lab: Array) -> Array:
    """A difference of means `[S, S, 3]` in Lab that cannot blotch: never large, small where a channel is
    full, no lighter on light, and no grey where there is skin."""
    delta = MOST * np.tanh(delta / MOST) * np.clip((1 - largest(before)) / 0.1, 0.2, 1)[..., None]
    delta[..., 0] *= np.where(delta[..., 0] > 0, np.clip((100 - lab[..., 0]) / 40, 0, 1), 1)
    own = np.linalg.norm(lab[..., 1:], axis=-1, keepdims=True)
    hue = lab[..., 1:] / np.maximum(own, 1e-3)
    paler = -(delta[..., 1:] * hue).sum(-1, keepdims=True)
    delta[..., 1:] += hue * np.maximum(paler - PALER * own, 0)
    return delta


def _hair(lab: Array, oval: Array, part: tuple[slice, slice]) -> Array:
    """Where a beard or a lock covers the face, in a part of a crop `[h, w]` in 0..1: darker than the skin,
    and of less colour than a shadow on it."""
    soft = cv2.GaussianBlur(lab, (0, 0), lab.shape[0] / 128)[part]
    chroma = np.hypot(soft[..., 1], soft[..., 2])
    light, full = (float(np.median(one[oval])) if oval.any() else 0.0 for one in (soft[..., 0], chroma))
    if full < 6:  # a black-and-white photo does not tell
        return np.zeros_like(chroma)
    return np.clip((light - soft[..., 0] - 8) / 15, 0, 1) * np.clip((0.75 - chroma / full) / 0.3, 0, 1)


def _creases(lab: Array, unit: float, spread: float) -> Array:
    """A face's own lines, and by half the light beside them, `[S, S, 3]` in Lab: neither its pores nor edges,
    as of shadows and frames of glasses."""
    fine, coarse = (cv2.GaussianBlur(lab, (0, 0), unit * sigma) for sigma in CREASES)
    band = fine - coarse
    light = band[..., :1]
    return (
        np.where(light < 0, 1, np.float32(RIDGES))
        * band
        / (1 + (light / (CREASE * float(np.clip(spread, 0.5, 1.5)))) ** 4)
    )


def _energy(band: Array, sigma: float) -> Array:
    return cv2.GaussianBlur(band * band, (0, 0), sigma)


def _noise(lab: Array, unit: float) -> Array:
    """How much of the lightness's fine energy is the camera's noise `[S, S]`: colours tell, which skin's own
    texture hardly moves."""
    fine = (one - cv2.GaussianBlur(one, (0, 0), unit * SIGMA_FINE) for one in cv2.split(lab)[1:])
    a, b = (_energy(one, unit * SIGMA_FINE * 4) for one in fine)
    return (2.5 * np.maximum(np.sqrt((a + b) / 2) - 0.3, 0)) ** 2


def _bands(
    lightness: Array, unit: float, blend: dict[str, Array]
) -> tuple[tuple[Array, float, Array, Array], ...]:
    """Both bands of a face, each with its sigma, its log gain and the log strength that the mean has."""
    fine, coarse = split_bands(lightness, unit)
    return (fine, SIGMA_FINE, blend["fine"], blend["fine_expected"]), (
        coarse,
        SIGMA_COARSE,
        blend["coarse"],
        blend["coarse_expected"],
    )


def _ages(now: float, years: float) -> tuple[float, float]:
    """From which age to which the means are asked: never below ADULT, however the face reads. Asked for more
    years than there are up to OLDEST, it is as if the face looked younger, so that 0.7 of them are still a
    difference of adults."""
    now = float(np.clip(now, ADULT, OLDEST))
    then = float(np.clip(now + years, ADULT, OLDEST))
    return (max(min(now, then - 0.7 * years), ADULT) if years > 0 else now), then


def _at(by_age: Array, age: float, nodes: Array, sex: float) -> Array:
    """The mean `by_age [2, A, ...]` at an age (beyond the last nodes: their slope goes on) and a sex between
    0 and 1."""
    i = int(np.clip(np.searchsorted(nodes, age) - 1, 0, len(nodes) - 2))
    t = (age - nodes[i]) / (nodes[i + 1] - nodes[i])
    woman, man = by_age[:, i] * (1 - t) + by_age[:, i + 1] * t
    return woman * (1 - sex) + man * sex


def _dequantise(key: str, arrays: dict[str, Array]) -> Array:
    values = arrays[key].astype(np.float32)
    return values * arrays[f"{key}.scale"] if f"{key}.scale" in arrays else values
