"""What is measured over all portraits: attributes, and how shapes and textures of faces vary."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch

from ...types import Array
from .blocks import DARK, skin_tone, to_ycc
from .layout import Layout, mirrored
from .portraits import Portraits

OUTLINES = 8  # principal components of where hair is
TONES = ("tone_luma", "tone_cr", "tone_cb")
COLOURS = ("hair_luma", "hair_cr", "hair_cb")
MOUTH = ("mouth_width", "mouth_lift", "mouth_opening")
ATTRIBUTES = (
    *("sex", "age", "beard", *TONES, "yaw", "pitch", "side_light"),
    *(f"hair_{k}" for k in range(OUTLINES)),
    *MOUTH,
    *COLOURS,
)
TURNING = ("yaw", "side_light")  # what changes sign in a mirror
SHAPES, TEXTURES = 48, 24  # principal components that are kept
EXPRESSION = np.array([0.09, 0.05, 0.045])  # what mouths are compared in, over the eye distance
TEXTURE = 128, 64  # pixels a side: measured and stored


@dataclass(frozen=True, eq=False)
class Statistics:
    """attributes `[2 n, A]` standardised, of all portraits and then of their mirror images; centre and spread `[A]`
    of the raw ones; mean_shape `[468, 2]` with shapes `[48, 936]`, a standard deviation each, and coefficients `[2 n,
    48]`; mouths `[2 n, 3]` and what of them a shape tells; textures `[24, 3, 64, 64]` in log RGB, a standard
    deviation each, with their coefficients `[n, 24]`; light `[n]`: the spread of the skin's log luma."""

    attributes: Array
    centre: Array
    spread: Array
    mean_shape: Array
    shapes: Array
    coefficients: Array
    mouths: Array
    mouth_of_shape: Array
    textures: Array
    texture_coefficients: Array
    light: Array

    def raw(self, name: str) -> Array:
        """One attribute of the portraits as it was measured."""
        k = ATTRIBUTES.index(name)
        return (self.attributes[:, k] * self.spread[k] + self.centre[k])[: len(self.light)]


def measure(portraits: Portraits, imagined: Array) -> Statistics:
    """imagined `[n]`: who does not exist, whose spread is the unit of attributes."""
    layout = portraits.layout
    tones, light, side, textures, texture = _surfaces(portraits)
    outlines = _outlines(portraits)
    hair = np.where(np.isnan(portraits.hair), np.nanmean(portraits.hair, 0), portraits.hair)
    colours = as_ycc(hair[:, None, None])[:, 0, 0]
    labels = [np.array([1.0 if row["sex"] == "m" else -1.0 for row in portraits.rows])]
    labels += [portraits.label(name) for name in ("age", "beard")]
    raw = np.column_stack([*labels, tones, portraits.pose, side, outlines[0], portraits.mouth, colours])
    turned = raw.copy()
    turned[:, [ATTRIBUTES.index(name) for name in TURNING]] *= -1
    first = ATTRIBUTES.index("hair_0")
    turned[:, first : first + OUTLINES] = outlines[1]
    both = np.concatenate([raw, turned])
    known = np.concatenate([imagined, imagined])
    centre, spread = both[known].mean(0), np.maximum(both[known].std(0), 1e-6)
    mean_shape, shapes, coefficients = _shapes(portraits.points, layout)
    mouths = np.tile(portraits.mouth, (2, 1)) / EXPRESSION
    solve = np.linalg.lstsq(np.c_[coefficients, np.ones(len(coefficients))], mouths, rcond=None)[0]
    return Statistics(
        (both - centre) / spread, centre, spread, mean_shape, shapes, coefficients, mouths - solve[-1], solve[:-1],
        textures, texture, light,
    )  # fmt: skip


def as_ycc(pictures: Array) -> Array:
    """`[..., H, W, 3]` RGB as luma and chroma, float32."""
    pixels = torch.from_numpy(np.moveaxis(pictures, -1, -3).astype(np.float32))
    return np.moveaxis(to_ycc(pixels).numpy(), -3, -1)


def _shapes(points: Array, layout: Layout) -> tuple[Array, Array, Array]:
    """The mean shape of faces and mirrored ones, its principal components, and the coefficients."""
    both = np.concatenate([points, mirrored(points, layout.mirror)]).reshape(2 * len(points), -1)
    mean = both.mean(0)
    _, sizes, axes = np.linalg.svd(both - mean, full_matrices=False)
    deviations = sizes[:SHAPES] / len(both) ** 0.5
    coefficients = (both - mean) @ axes[:SHAPES].T / deviations
    return mean.reshape(-1, 2), axes[:SHAPES] * deviations[:, None], coefficients


def _outlines(portraits: Portraits) -> tuple[Array, Array]:
    """Where hair is, as coefficients `[n, 8]` of principal components, and of the mirror images."""
    small = (
        np.stack([cv2.resize(one, (24, 24), interpolation=cv2.INTER_AREA) for one in portraits.crop]) / 255
    )
    bare = portraits.label("hat") == 0
    both = np.concatenate([small, small[:, :, ::-1]]).reshape(2 * len(small), -1)
    seen = both[np.concatenate([bare, bare])]
    mean = seen.mean(0)
    axes = np.linalg.svd(seen - mean, full_matrices=False)[2][:OUTLINES]
    found = (both - mean) @ axes.T
    return found[: len(small)], found[len(small) :]


def _surfaces(portraits: Portraits) -> tuple[Array, Array, Array, Array, Array]:
    """Mean tone of the skin `[n, 3]`, spread of its log luma `[n]`, how much brighter its left is `[n]`, and the
    principal components of the texture with their coefficients."""
    layout, side = portraits.layout, TEXTURE[0]
    skin = torch.from_numpy(layout.skin)
    face = cv2.resize(layout.face, (64, 64), interpolation=cv2.INTER_AREA) > 0.5
    soft = cv2.resize(layout.face, (side, side), interpolation=cv2.INTER_AREA)
    left = np.arange(64) < 32
    tones, light, uneven, textures = list[Array](), list[float](), list[float](), list[Array]()
    for picture in portraits.pictures:
        pixels = torch.from_numpy(picture.astype(np.float32)).permute(2, 0, 1)[None]
        tone = skin_tone(pixels, skin)
        small = as_ycc(
            cv2.resize(tone[0].permute(1, 2, 0).numpy(), (64, 64), interpolation=cv2.INTER_AREA)[None]
        )[0]
        tones.append(small[face].mean(0))
        log = np.log(small[..., 0] + DARK)
        light.append(float(log[face].std()))
        uneven.append(float(log[face & left].mean() - log[face & ~left].mean()))
        ratio = torch.log((pixels + DARK) / (tone + DARK)).clamp(-1.6, 1.2)[0].permute(1, 2, 0).numpy()
        textures.append(
            cv2.resize(ratio, (side, side), interpolation=cv2.INTER_AREA)[soft > 0.05]
            .astype(np.float32)
            .ravel()
        )
    components, coefficients = _textures(np.stack(textures), soft)
    return np.stack(tones), np.array(light), np.array(uneven), components, coefficients


def _textures(found: Array, soft: Array) -> tuple[Array, Array]:
    """Principal components of the inside of faces `[n, P 3]`, the middle counting more than the edge."""
    weight = np.repeat(soft[soft > 0.05], 3)
    weighed = (found - found.mean(0)) * weight
    values, vectors = np.linalg.eigh(weighed @ weighed.T / len(weighed))
    values, vectors = values[::-1][:TEXTURES], vectors[:, ::-1][:, :TEXTURES]
    axes = weighed.T @ vectors / len(weighed) ** 0.5  # a standard deviation each
    out = np.zeros((len(values), TEXTURE[1], TEXTURE[1], 3), np.float32)
    for k in range(len(values)):
        whole = np.zeros((*soft.shape, 3), np.float32)
        whole[soft > 0.05] = (axes[:, k] / np.maximum(weight, 0.05)).reshape(-1, 3)
        out[k] = cv2.resize(whole * soft[..., None], (TEXTURE[1],) * 2, interpolation=cv2.INTER_AREA)
    return out.transpose(0, 3, 1, 2), vectors * len(weighed) ** 0.5
