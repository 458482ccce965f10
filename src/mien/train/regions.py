"""Labels for the parser, which nobody has drawn: skin from the mesh, hair by its colour and place, glasses because they were put on.

A picture's colours are modelled as three mixtures, of what lies around the person, of skin and of hair, begun where the mesh is sure
(the inside of the face, the strip above the forehead, the frame's upper corners) and fitted in turns with the labels that they give, as
GrabCut does (Rother et al. 2004), smoothed along edges by a guided filter (He et al. 2010). Where that stays in doubt nothing is taught.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from .. import geometry, mesh
from ..errors import InputError
from ..models.parser import REGIONS
from ..types import Alignment, Array, Crop
from ..wear import Glasses, draw_glasses
from .data import camera, held_out, person_of, read_faces, read_rgb

OTHER, SKIN, HAIR, BEARD, GLASSES = range(len(REGIONS))
UNKNOWN = 255
SIDE = 128  # of the labels
BROWS = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300)
NOSE = 2  # the mesh's point below the nose
ROUNDS = 4
WEARERS = 0.7  # share of those without glasses who are also shown with some
CLEAR = 0.7  # lenses that let through less than this hide the eyes
ALIKE = 18.0  # Lab distance below which hair and skin are one colour
DOUBT = 0.55  # pixels whose best class is less probable than this are not taught


@dataclass(frozen=True, eq=False)
class Layout:
    """A face of `points [478, 2]` in a square of `side` pixels: its hull and, for every pixel, u across and v down it (the hull spans -0.5
    to 0.5 and 0 to 1)."""

    hull: Array
    u: Array
    v: Array
    brows: float  # their v
    nose: float
    features: Array  # lips and eyes

    @staticmethod
    def of(points: Array, side: int) -> Layout:
        (left, top), (right, bottom) = points[: mesh.POINTS].min(0), points[: mesh.POINTS].max(0)
        x, y = np.moveaxis(mesh.places(side), -1, 0)
        features = np.zeros((side, side), bool)
        for outline in (mesh.LIPS, *mesh.EYELIDS):
            features |= mesh.polygon(points, outline, side, 0.5, grow=2) > 0.3
        down = lambda at: float((at - top) / (bottom - top))  # noqa: E731
        return Layout(
            mesh.hull(points, side) > 0,
            (x - (left + right) / 2) / (right - left),
            (y - top) / (bottom - top),
            down(points[list(BROWS), 1].mean()),
            down(points[NOSE, 1]),
            features,
        )


def label(crop: Crop, row: dict[str, str]) -> Array:
    """Regions `[SIDE, SIDE]` uint8, REGIONS or UNKNOWN, of a face in layout "ffhq"; `row` is its line of faces.csv."""
    cv2.setRNGSeed(0)
    scale = SIDE / crop.size
    small = cv2.resize(crop.pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    face = Layout.of(((crop.landmarks + 0.5) * scale - 0.5).astype(np.float32), SIDE)
    hull, u, v = face.hull, face.u, face.v
    core = (cv2.erode(hull.astype(np.uint8), np.ones((5, 5))) > 0) & ~face.features & (v > face.brows + 0.12) & (v < 0.9)
    skin = np.median(lab[core], 0) if core.any() else lab.mean((0, 1))
    crown = (np.abs(u) < 0.3) & (v < -0.18) & (v > -0.34) & (np.abs(lab - skin).sum(-1) > 12)  # above where the mesh and the forehead end
    out = _fit(lab, face, core, None if row.get("hair") == "bald" or crown.sum() < 12 else crown)
    _, parts = cv2.connectedComponents((out == HAIR).astype(np.uint8))
    near = np.unique(parts[(v < 0.5) & (np.abs(u) < 0.75) & (out == HAIR)])
    out[(out == HAIR) & ~np.isin(parts, near)] = UNKNOWN  # hair hangs together with the head
    if (out == HAIR).any() and np.abs(np.median(lab[out == HAIR], 0) - skin).sum() < ALIKE:
        out[out == HAIR] = UNKNOWN  # a bare forehead, or hair of the skin's colour: nobody can tell
    if row.get("hat") == "1":
        out[out == HAIR] = np.where(v < -0.02, OTHER, UNKNOWN)[out == HAIR]
    out[(hull & (v > face.brows) & (np.abs(u) < 0.36)) | core] = SKIN
    if row.get("beard") in ("1", "2"):
        soft = cv2.GaussianBlur(lab, (0, 0), 0.7)
        full = row["beard"] == "2"  # of stubble nobody can say where it ends
        cue = (skin[0] - soft[..., 0] > 9) | ((np.abs(soft - skin).max(-1) > 14) & full)
        zone = cv2.dilate(hull.astype(np.uint8), np.ones((7, 7))) > 0
        out[zone & cue & (v > face.nose) & ~face.features] = BEARD if full else UNKNOWN
    if row.get("glasses") not in ("0", "", None):
        out[hull & (v < face.nose - 0.05) & (v > face.brows - 0.1) & (out == SKIN)] = UNKNOWN
    return out


def _fit(lab: Array, face: Layout, core: Array, crown: Array | None) -> Array:
    """OTHER, SKIN or HAIR for every pixel, or UNKNOWN."""
    u, v, side = face.u, face.v, lab.shape[0]
    frame = np.zeros((side, side), bool)
    frame[:4] = frame[:, :4] = frame[:, -4:] = True
    around = frame & (v < 0.9) & (np.abs(u) > 0.62)
    seeds: list[Array | None] = [around | ((v > 1.3) & (np.abs(u) > 0.35)), core | ((v > 1) & (v < 1.15) & (np.abs(u) < 0.15)), crown]
    prior, light = _prior(face, bald=crown is None), np.ascontiguousarray(lab[..., 0] / 100)
    best = np.zeros((side, side), int)
    for _ in range(ROUNDS):
        fits = [
            np.full((side, side), -14.0) if seed is None or seed.sum() < 12 else np.clip(mixture(lab[seed], parts)(lab), -30, 0)
            for seed, parts in zip(seeds, (5, 3, 3), strict=True)
        ]
        score = 0.8 * np.stack(fits, -1) + prior
        shares = np.exp(score - score.max(-1, keepdims=True)).astype(np.float32)
        shares = shares / shares.sum(-1, keepdims=True)
        shares = np.stack([geometry.guided(light, np.ascontiguousarray(shares[..., k]), 3, 1e-3) for k in range(3)], -1).clip(1e-4, 1)
        shares = shares / shares.sum(-1, keepdims=True)
        best, sure = shares.argmax(-1), shares.max(-1)
        seen = [(best == k) & (sure > 0.75) for k in range(3)]
        hair = None if crown is None else seen[HAIR] | (crown & (best == HAIR))
        seeds = [seen[OTHER] | around, (seen[SKIN] & (face.hull | (v > 0.2))) | core, hair]
    return np.where(sure < DOUBT, UNKNOWN, best).astype(np.uint8)


def _prior(face: Layout, *, bald: bool) -> Array:
    """Log of how likely OTHER, SKIN and HAIR are at each place before any colour is looked at: `[S, S, 3]`."""
    hull, u, v = face.hull, face.u, face.v
    rim = (u / 0.8) ** 2 + ((v - 0.35) / 0.8) ** 2  # 1 on an ellipse around the head
    hair = np.where(v < 0.1, np.exp(-3 * np.maximum(rim - 1, 0)), 0.45 * np.exp(-(((np.abs(u) - 0.62) / 0.16) ** 2)))
    hair = np.where(hull, np.where(v > face.brows, 0.02, 0.35), np.clip(hair, 0.02, 0.9)) * (1e-3 if bald else 1)
    skin = np.where(hull, 0.95, np.where((np.abs(u) < 0.6) & (v > 0.15) & (v < 1.3), 0.35, 0.06))
    skin = np.where((v > 1) & (v < 1.3) & (np.abs(u) < 0.3), 0.8, skin)
    skin = np.where(~hull & (v < 0.15) & (v > -0.22) & (np.abs(u) < 0.45), 0.9, skin)  # the forehead, as far as it looks like one
    other = np.where(v > 1.3, 0.8, np.where(hull, 0.01, np.clip((rim - 0.75) * 0.8, 0.05, 0.9)))
    shares = np.stack([other, skin, hair], -1)
    return np.log(shares / shares.sum(-1, keepdims=True))


def mixture(colours: Array, parts: int) -> Callable[[Array], Array]:
    """Log density of a mixture of Gaussians with diagonal covariance, fitted to `colours [n, 3]` (Lab) by k-means."""
    parts = min(parts, max(len(colours) // 8, 1))
    _, which, _ = cv2.kmeans(np.ascontiguousarray(colours), parts, np.empty(0, np.int32), (3, 12, 0.5), 1, cv2.KMEANS_PP_CENTERS)
    groups = [colours[which[:, 0] == k] for k in range(parts)]
    known = [(len(g) / len(colours), g.mean(0), g.var(0) + np.array([30, 6, 6], np.float32)) for g in groups if len(g) > 2]

    def density(lab: Array) -> Array:
        each = [np.log(w) - 0.5 * (((lab - mean) ** 2 / var).sum(-1) + np.log(var).sum()) for w, mean, var in known]
        return np.logaddexp.reduce(each, axis=0)

    return density


class RegionData:
    """Faces with their labels, in memory; a batch is turned, scaled, mirrored, seen by another camera, and partly covered."""

    COVERED = 0.35  # share of the pictures that have something in front of them

    def __init__(self, folders: list[Path], size: int, seed: int) -> None:
        folder = next((one for one in folders if (one / "faces.csv").is_file()), None)
        if folder is None:
            raise InputError(f"the parser trains on labelled faces (faces.csv, images/, landmarks478.npz); came {folders[0]}")
        self.size, self.seed = size, seed
        self._pools: dict[bool, list[tuple[Array, Array]]] = {False: [], True: []}  # by whether the person is held out
        rng = np.random.default_rng((seed, 0))
        for row, points in zip(*read_faces(folder), strict=True):
            crop = geometry.align(read_rgb(folder / "images" / row["file"]), points, Alignment("ffhq", size))
            labels = label(crop, row)
            pool = self._pools[held_out(person_of(row))]
            pool.append((crop.pixels, labels))
            if row.get("glasses") == "0" and rng.random() < WEARERS:
                pool.append(_wearing(rng, crop, labels))

    def batch(self, count: int, i: int) -> tuple[Array, Array]:
        """Batch number `i`: pixels `[N, 3, S, S]` in [-1, 1] and labels `[N, SIDE, SIDE]` int64."""
        rng = np.random.default_rng((self.seed, 1, i))
        pool = self._pools[False]
        return _stacked([self._draw(rng, *pool[rng.integers(len(pool))]) for _ in range(count)])

    def held_out(self, most: int = 96) -> tuple[Array, Array]:
        """Pictures of people who are not trained on, as they are."""
        pool = self._pools[True]
        return _stacked(pool[:: -(-len(pool) // most)])

    def _draw(self, rng: np.random.Generator, pixels: Array, labels: Array) -> tuple[Array, Array]:
        if rng.random() < self.COVERED:
            pixels, labels = self._covered(rng, pixels, labels)
        # Small, and far from the middle too: of a photo more is looked at than these crops show, and what lies beyond its edge is mirrored.
        angle, scale, shift = rng.normal(0, 12), np.exp(rng.normal(-0.1, 0.15)), rng.normal(0, 0.1 * self.size, (2, 1))
        turn = cv2.getRotationMatrix2D(((self.size - 1) / 2,) * 2, angle, scale)
        turn[:, 2:] += shift
        ratio = SIDE / self.size
        small = turn.copy()
        small[:, 2] = ratio * turn[:, 2] + 0.5 * (1 - ratio) * (turn[:, :2].sum(1) - 1)  # centres of pixels stay centres
        pixels = cv2.warpAffine(pixels, turn, (self.size,) * 2, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        labels = cv2.warpAffine(labels, small, (SIDE, SIDE), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=UNKNOWN)
        seen = camera(rng, pixels)[0]
        return (seen[:, ::-1], labels[:, ::-1]) if rng.random() < 0.5 else (seen, labels)

    def _covered(self, rng: np.random.Generator, pixels: Array, labels: Array) -> tuple[Array, Array]:
        """A hand, a cup, a microphone: a blob with the looks of another picture's piece, which is no part of the face."""
        pool = self._pools[False]
        other = pool[rng.integers(len(pool))][0]
        other = np.roll(np.rot90(other, int(rng.integers(4))), tuple(rng.integers(0, self.size, 2)), (0, 1))
        shape = np.zeros((self.size, self.size), np.uint8)
        centre = rng.uniform(0.15, 0.85, 2) * self.size
        for _ in range(int(rng.integers(1, 4))):  # fingers, or one thing
            axes = rng.uniform(0.03, 0.12), rng.uniform(0.05, 0.28)
            at = centre + rng.normal(0, 0.05, 2) * self.size
            sides = tuple(round(float(a) * self.size) for a in axes)
            cv2.ellipse(shape, (round(at[0]), round(at[1])), sides, float(rng.uniform(0, 180)), 0, 360, 255, -1)
        soft = cv2.GaussianBlur(shape, (0, 0), 1)[..., None] / 255
        cover = cv2.resize(shape, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        labels = np.where(cover > 160, OTHER, np.where(cover > 90, UNKNOWN, labels)).astype(np.uint8)
        return np.rint(pixels + soft * (other.astype(np.float32) - pixels)).astype(np.uint8), labels


def _wearing(rng: np.random.Generator, crop: Crop, labels: Array) -> tuple[Array, Array]:
    """The same face with glasses put on: frames and dark lenses are glasses, what is seen through clear ones stays what it is."""
    style = Glasses.random(rng)
    change, frame, lenses = draw_glasses(crop, style)
    worn = frame + (lenses if sum(style.glass) < 3 * CLEAR else 0)
    share = cv2.resize(worn, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    labels = np.where(share > 0.4, GLASSES, np.where(share > 0.15, UNKNOWN, labels)).astype(np.uint8)
    return geometry.changed(crop, change).pixels, labels


def _stacked(examples: list[tuple[Array, Array]]) -> tuple[Array, Array]:
    pixels = np.stack([one for one, _ in examples]).transpose(0, 3, 1, 2) / np.float32(127.5) - 1
    return pixels.astype(np.float32), np.stack([labels for _, labels in examples]).astype(np.int64)
