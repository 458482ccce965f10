"""Filters on pictures and masks that know nothing of faces: blurs, guided filters, resizing, colour
spaces."""

from __future__ import annotations

from functools import reduce

import cv2
import numpy as np

from ..types import Array, Crop

COARSE = 4  # what is smooth is computed on every fourth pixel


def to_lab(pixels: Array) -> Array:
    """8-bit pixels as Lab `[S, S, 3]` float32."""
    return cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)


def lab_offset_to_rgb(crop: Crop, lab: Array, delta: Array) -> Array:
    """The colour offset `[S, S, 3]` in fractions that moves `lab`, the crop's own, by `delta`; exactly 0
    where that is next to nothing."""
    colour = (
        np.clip(cv2.cvtColor(lab + delta, cv2.COLOR_Lab2RGB), 0, 1) - crop.pixels.astype(np.float32) / 255
    )
    return colour * (largest(np.abs(delta)) > 0.05)[..., None]


def largest(values: Array) -> Array:
    """The largest of each pixel's few channels, `[..., C]` -> `[...]`: twenty times faster than NumPy's own way."""
    return reduce(np.maximum, np.moveaxis(values, -1, 0))


def smallest(values: Array) -> Array:
    """The smallest of each pixel's few channels, `[..., C]` -> `[...]`."""
    return reduce(np.minimum, np.moveaxis(values, -1, 0))


def smoothstep(values: Array, low: float, high: float) -> Array:
    """0 below `low`, 1 above `high`, softly between; the other way round where `low` is the greater."""
    t = np.clip((values - low) / (high - low), 0, 1).astype(np.float32)
    return t * t * (3 - 2 * t)


def blur(values: Array, sigma: float) -> Array:
    """Gaussian blur; sigma in pixels."""
    return cv2.GaussianBlur(values, (0, 0), sigma)


def wide_blur(values: Array, sigma: float) -> Array:
    """The same with a large sigma, on a grid as coarse as that allows."""
    size, step = values.shape[1::-1], max(1, int(sigma / 2.5))
    small = cv2.resize(values, (size[0] // step, size[1] // step), interpolation=cv2.INTER_AREA)
    return cv2.resize(blur(small, sigma / step), size, interpolation=cv2.INTER_LINEAR)


def fast_guided_filter(guide: Array, values: Array, radius: float, eps: float) -> Array:
    """`values [S, S]` smoothed, but not across the edges of `guide [S, S]`: the guided filter (He et al.
    2013, TPAMI 35:6), on a coarse grid as in its fast version (arXiv 1505.00996). eps: the variance of the
    guide from which on it is an edge."""
    size = guide.shape[::-1]
    small = [
        cv2.resize(one, (size[0] // COARSE, size[1] // COARSE), interpolation=cv2.INTER_AREA)
        for one in (guide, values)
    ]
    lines = guided_coefficients(small[0], small[1], max(1, round(radius / COARSE)), eps)
    slope, shift = (cv2.resize(one, size, interpolation=cv2.INTER_LINEAR) for one in lines)
    return slope * guide + shift


def guided_filter(guide: Array, picture: Array, radius: int, eps: float) -> Array:
    """`picture [H, W]` float32 smoothed over `radius` pixels, but not across the edges of `guide [H, W]`, a
    variance below `eps` counting as none (the guided filter: He et al. 2010)."""
    slope, shift = guided_coefficients(guide, picture, radius, eps)
    return slope * guide + shift


def guided_coefficients(guide: Array, picture: Array, radius: int, eps: float) -> tuple[Array, Array]:
    """The slope and the shift by which `guided_filter` makes its result out of the guide, `[H, W]` each;
    smooth enough to be enlarged."""

    def mean(values: Array) -> Array:
        return cv2.blur(values, (2 * radius + 1,) * 2)

    low, level = mean(guide), mean(picture)
    slope = (mean(guide * picture) - low * level) / (mean(guide * guide) - low * low + np.float32(eps))
    return mean(slope), mean(level - slope * low)


def disc(radius: float) -> Array:
    """A structuring element of a radius in pixels."""
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * max(1, round(radius)) + 1,) * 2)


def lightest(pixels: Array) -> float:
    """The level, 0 to 255, that a hundredth of a picture `[H, W, 3]` uint8 is lighter than: how much light there is,
    whatever the skin's own colour."""
    step = max(2, max(pixels.shape[:2]) // 512)
    return float(np.percentile(largest(pixels[::step, ::step]), 99))


def resize(pixels: Array, size: tuple[int, int]) -> Array:
    """`pixels` at another (width, height): averaged where that is smaller."""
    smaller = max(size) < max(pixels.shape[:2])
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)


def to_uint8(pixels: Array) -> Array:
    """`pixels` as uint8, which networks look at; the photo itself stays as deep as it is."""
    return pixels if pixels.dtype == np.uint8 else cv2.convertScaleAbs(pixels, alpha=255 / 65535)


def rgb_to_lab(pixels: Array) -> Array:
    """Fractions `[h, w, 3]` float32 as Lab."""
    return cv2.cvtColor(np.clip(pixels, 0, 1, dtype=np.float32), cv2.COLOR_RGB2Lab)


def lab_to_rgb(lab: Array) -> Array:
    """Lab `[h, w, 3]` as fractions, clipped to what can be shown."""
    return np.clip(cv2.cvtColor(lab.astype(np.float32), cv2.COLOR_Lab2RGB), 0, 1)


def grain(light: Array) -> float:
    """The standard deviation of the noise in a lightness `[H, W]` uint8, in its levels (Immerkaer 1996, doi
    10.1006/cviu.1996.0060), of pixels that are two apart: in a picture that was laid out anew neighbours are alike."""
    every_other = np.array([1, 0, -2, 0, 1], np.float32)
    found = cv2.sepFilter2D(light, cv2.CV_32F, every_other, every_other)
    return float(np.abs(found).mean() * np.sqrt(np.pi / 2) / 6)


def masked_blur(values: Array, weight: Array, sigma: float) -> Array:
    """`values [h, w, C]` smoothed where `weight [h, w]` says that they are known, and beyond by what is known near
    by: normalised convolution (Knutsson and Westin 1993), on a grid as coarse as `sigma` allows."""
    step, size, channels = max(1, int(sigma / 4)), weight.shape[::-1], values.shape[2]
    coarse = max(2, size[0] // step), max(2, size[1] // step)
    known = cv2.resize(weight, coarse, interpolation=cv2.INTER_AREA)[..., None]
    total = cv2.resize(values * weight[..., None], coarse, interpolation=cv2.INTER_AREA)
    everywhere = total.reshape(-1, channels).sum(0) / max(float(known.sum()), 1e-6)
    far = (
        max(1, coarse[0] // 3),
        max(1, coarse[1] // 3),
    )  # what lies far away is looked for on a coarser grid yet
    small = [cv2.resize(one, far, interpolation=cv2.INTER_AREA) for one in (total, known)]
    wide, near = (
        [blur(one, sigma / step).reshape(*one.shape[:2], -1) for one in pair]
        for pair in (small, (total, known))
    )  # OpenCV drops a single channel
    little = np.float32(0.02)
    guess = (wide[0] + little * everywhere) / (wide[1] + little)
    guess = cv2.resize(guess, coarse, interpolation=cv2.INTER_LINEAR).reshape(near[0].shape)
    smooth = (near[0] + little * guess) / (near[1] + little)
    return cv2.resize(smooth, size, interpolation=cv2.INTER_LINEAR).reshape(values.shape)


def push_pull(picture: Array, known: Array, step: int = 1) -> Array:
    """`picture [h, w, 3]` float32 where `known [h, w]` in 0..1 says so, and beyond it what is known around, the
    smoother the farther (push-pull: Gortler et al. 1996, "The Lumigraph"). step: of the grid that it is computed on."""
    size = picture.shape[1::-1]
    small = tuple(max(side // step, 2) for side in size)
    totals, weights = (
        [cv2.resize(one, small, interpolation=cv2.INTER_AREA) if step > 1 else one]
        for one in (picture * known[..., None], known.astype(np.float32))
    )
    while min(weights[-1].shape) > 4:
        totals.append(cv2.pyrDown(totals[-1]))
        weights.append(cv2.pyrDown(weights[-1]))
    filled = totals.pop() / np.maximum(weights.pop(), 1e-4)[..., None]
    while totals:
        total, weight = totals.pop(), weights.pop()
        filled = cv2.pyrUp(filled, dstsize=weight.shape[::-1])
        share = np.clip(weight, 0, 1)[..., None]
        filled += share * (total / np.maximum(weight, 1e-4)[..., None] - filled)
    return filled if step == 1 else cv2.resize(filled, size, interpolation=cv2.INTER_LINEAR)


def multiband(above: Array, below: Array, mask: Array, levels: int) -> Array:
    """Two pictures `[h, w, 3]` float32 joined along a soft mask `[h, w]`, each band of detail over its own width
    (Burt and Adelson 1983, "A multiresolution spline with application to image mosaics")."""
    pyramids = [[one] for one in (above, below, mask)]
    for pyramid in pyramids:
        for _ in range(levels):
            pyramid.append(cv2.pyrDown(pyramid[-1]))

    def grown(picture: Array, like: Array) -> Array:
        return cv2.pyrUp(picture, dstsize=like.shape[1::-1])

    over, under, share = pyramids
    out = under[-1] + share[-1][..., None] * (over[-1] - under[-1])
    for k in range(levels - 1, -1, -1):
        a, b = over[k] - grown(over[k + 1], over[k]), under[k] - grown(under[k + 1], under[k])
        out = grown(out, a) + b + share[k][..., None] * (a - b)
    return out
