"""A Change: composited into a photo at the photo's own resolution and bit depth, and made of what was
computed in a window of a crop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from ..types import Array, Change, Crop
from .filters import largest, smoothstep
from .geometry import footprint, invert, scale_of, shifted, transform

Tile = tuple[int, int, int, int]  # left, top, right, bottom
SUBPIXEL = 1 / 64  # photo pixels: OpenCV looks between pixels in steps of twice that
# photo pixels on a side that `composite` works on at once: bounds memory, and tiles without alpha are skipped
TILE = 512
BAND = 64  # rows of a tile within which what lies beside the alpha is left out


def composite(pixels: Array, crop: Crop, change: Change, out: Array | None = None) -> Array:
    """Apply `change` to a photo at the photo's own resolution and bit depth.

    pixels `[H, W, 3]` uint8 or uint16 is looked up and never written. The result goes into `out` (a copy of
    `pixels` where none is given), so that several faces of one photo all look at the original. Pixels whose
    alpha is 0 are not touched; only tiles that the alpha reaches are computed.
    """
    out = pixels.copy() if out is None else out
    change = softened(change, 1 / scale_of(crop.matrix))
    touched = cv2.boundingRect((change.alpha > 0).astype(np.uint8))
    if touched[2] == 0:
        return out
    # OpenCV warps four layers much faster than two or three
    over = cv2.merge([change.colour, change.alpha])
    flow = None
    if change.source is not None or change.flow.any():
        flow = np.zeros((*change.alpha.shape, 4), np.float32)
        for i, (by_x, by_y) in enumerate(np.linalg.inv(crop.matrix[:, :2]).astype(np.float32)):
            # no matrix product: threads of BLAS would wait for those of OpenCV
            np.multiply(change.flow[..., 0], by_x, out=flow[..., i])
            flow[..., i] += change.flow[..., 1] * by_y
    box = (touched[0] - 1.0, touched[1] - 1.0, float(touched[0] + touched[2]), float(touched[1] + touched[3]))
    for tile in _tiles(footprint(crop.matrix, box, pixels.shape, margin=1)):
        _composite_tile(pixels, crop.matrix, change, over, flow, tile, out)
    return out


def nothing(crop: Crop, why: str) -> Change:
    """The Change that changes nothing, and says why."""
    zero = np.zeros((crop.size, crop.size, 3), np.float32)
    return Change(zero[..., :2], zero, zero[..., 0], note=why)


def apply_to_crop(crop: Crop, change: Change) -> Crop:
    """A crop with its own pixels changed; its landmarks are those of before."""
    return replace(crop, pixels=composite(crop.pixels, replace(crop, matrix=np.eye(2, 3)), change))


def lessened(change: Change, share: float) -> Change:
    """A part of a Change, 0..1, in which 0 changes nothing: one that moves or colours does so less far; one that fetches
    what is shown from elsewhere is fainter."""
    if share == 1:
        return change
    if change.kind == "texture" or change.source is not None or not share:
        return replace(change, alpha=change.alpha * np.float32(share))
    return replace(change, flow=change.flow * np.float32(share), colour=change.colour * np.float32(share))


def advect_points(points: Array, crop: Crop, change: Change) -> Array:
    """Where `points [V, 2]` (photo xy) of a face are after the change: a pixel at q shows what was at q +
    flow(q)."""
    if change.kind != "skin":
        return points
    start = transform(points, crop.matrix)
    flow = change.flow * (change.alpha > 0)[..., None]
    moved = start
    for _ in range(3):
        x, y = (
            moved[:, None, 0],
            moved[:, None, 1],
        )  # a column: what a row or a list becomes, OpenCV 4 and 5 see unlike
        moved = start - cv2.remap(flow, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)[:, 0]
    return transform(moved, invert(crop.matrix))


def _composite_tile(
    pixels: Array, matrix: Array, change: Change, over: Array, flow: Array | None, tile: Tile, out: Array
) -> None:
    """over: the change's colour and alpha `[S, S, 4]`; flow: in photo pixels, and two empty layers `[S, S, 4]`, where
    there is any."""
    left, top, right, bottom = tile
    here = shifted(matrix, left, top)
    part = _seen_of(here, (right - left, bottom - top), len(change.alpha))
    if not change.alpha[part].any():
        return

    def field(values: Array) -> Array:
        flags = (
            cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        )  # alpha is 0 at the crop's border, so that it goes on as 0
        return cv2.warpAffine(
            values, here, (right - left, bottom - top), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )

    over = field(over)
    colour, alpha = cv2.cvtColor(over, cv2.COLOR_RGBA2RGB), cv2.extractChannel(over, 3)
    picture, places = pixels, None
    far = SUBPIXEL * scale_of(matrix)
    if flow is not None and (change.source is not None or np.abs(change.flow[part]).max() >= far):
        picture, places = _places(pixels, matrix, change, tile, field(flow))
    full, depth = _full(pixels), cv2.CV_8U if pixels.dtype == np.uint8 else cv2.CV_16U
    for band in _bands(alpha):
        own, target = pixels[top:bottom, left:right][band], out[top:bottom, left:right][band]
        looked = own if places is None else _look(picture, places[0][band], places[1][band], own.dtype)
        delta = cv2.scaleAdd(colour[band], full, cv2.subtract(looked, own, dtype=cv2.CV_32F))
        cv2.multiply(delta, cv2.merge([alpha[band]] * 3), delta)
        target[:] = cv2.add(target, delta, dtype=depth)  # rounds and clips; where alpha is 0 it adds 0


def _places(
    pixels: Array, matrix: Array, change: Change, tile: Tile, flow: Array
) -> tuple[Array, tuple[Array, Array]]:
    """A picture in which a tile is looked up, and where: x and y `[h, w]` each; flow: of the tile, in photo pixels."""
    left, top, right, bottom = tile
    x, y = cv2.extractChannel(flow, 0), cv2.extractChannel(flow, 1)
    if (
        change.source is not None
    ):  # the same place of the other picture's crop, which may be larger or smaller than this one
        x += np.arange(left, right, dtype=np.float32)
        y += np.arange(top, bottom, dtype=np.float32)[:, None]
        scale = change.source.size / len(change.alpha)
        x, y = cv2.split((transform(cv2.merge([x, y]), matrix) + 0.5) * scale - 0.5)
        return change.source.pixels, (x, y)
    reach = int(np.ceil(max(np.abs(x).max(), np.abs(y).max()))) + 4
    x0, y0 = max(left - reach, 0), max(top - reach, 0)
    x += np.arange(left - x0, right - x0, dtype=np.float32)
    y += np.arange(top - y0, bottom - y0, dtype=np.float32)[:, None]
    return pixels[y0 : bottom + reach, x0 : right + reach], (x, y)


def _look(picture: Array, x: Array, y: Array, depth: Any) -> Array:
    """What is at places `[h, w]` of a picture, in the levels of a photo's own depth."""
    looked = cv2.remap(picture, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    return looked if looked.dtype == depth else looked * np.uint16(257)


def _bands(alpha: Array) -> Iterator[tuple[slice, slice]]:
    """The parts of a tile that its alpha reaches: bands of rows, from the first column to the last."""
    for top in range(0, len(alpha), BAND):
        left, _, width, _ = cv2.boundingRect((alpha[top : top + BAND] > 0).astype(np.uint8))
        if width:
            yield slice(top, top + BAND), slice(left, left + width)


def _full(pixels: Array) -> int:
    return 255 if pixels.dtype == np.uint8 else 65535


def _seen_of(here: Array, size: tuple[int, int], side: int) -> tuple[slice, slice]:
    """The part of a crop of `side` pixels that a tile of a photo shows, and a pixel around; `here` takes the
    tile's xy to the crop's."""
    corners = transform(np.array([(0, 0), (size[0], 0), (0, size[1]), size], np.float64), here)
    low = np.clip(np.floor(corners.min(0)).astype(int) - 1, 0, side - 1)
    high = np.clip(np.ceil(corners.max(0)).astype(int) + 2, low + 1, side)
    return slice(low[1], high[1]), slice(low[0], high[0])


def softened(change: Change, scale: float) -> Change:
    """The change without detail finer than the photo can hold; `scale` is photo pixels per crop pixel."""
    if scale >= 0.9:
        return change
    sigma = 0.5 * np.sqrt(1 / scale**2 - 1)
    fields = {name: getattr(change, name) for name in ("flow", "colour", "alpha")}
    some = {name: cv2.GaussianBlur(values, (0, 0), sigma) for name, values in fields.items() if values.any()}
    return replace(change, **some)


def _tiles(box: Tile) -> Iterator[Tile]:
    left, top, right, bottom = box
    for y in range(top, bottom, TILE):
        for x in range(left, right, TILE):
            yield x, y, min(x + TILE, right), min(y + TILE, bottom)


def window_overlay(
    crop: Crop, window: tuple[slice, slice], colour: Array, flow: Array | None = None
) -> Change:
    """The Change that adds `colour [h, w, 3]` (and looks along `flow [h, w, 2]`) in a window of the crop, and
    nothing beyond."""
    size = crop.size
    flow = np.zeros((*colour.shape[:2], 2), np.float32) if flow is None else flow
    touched = (largest(np.abs(colour)) > 1 / 512) | (largest(np.abs(flow)) > 0.02)
    alpha = np.clip(
        cv2.GaussianBlur(cv2.dilate(touched.astype(np.float32), np.ones((5, 5))), (0, 0), 1), 0, 1
    )
    parts = [paste_window(part.astype(np.float32), window, size) for part in (flow, colour, alpha)]
    return Change(parts[0], parts[1], parts[2] * border_falloff(size), kind="overlay")


def paste_window(part: Array, window: tuple[slice, slice], size: int) -> Array:
    """A window's values in the whole crop, 0 elsewhere."""
    out = np.zeros((size, size, *part.shape[2:]), np.float32)
    out[window] = part
    return out


def border_falloff(size: int) -> Array:
    """1 inside a crop, falling to 0 at its border. `[S, S]`."""
    edge = np.minimum(np.arange(size), np.arange(size)[::-1])
    return np.clip((np.minimum.outer(edge, edge) - 1) / (0.02 * size), 0, 1).astype(np.float32)


def visible(colour: Array) -> Array:
    """Where a colour offset `[s, s, 3]` that ends softly by itself is worth adding: `[s, s]` in 0..1."""
    red, green, blue = cv2.split(np.abs(colour))
    return smoothstep(cv2.dilate(cv2.max(cv2.max(red, green), blue), np.ones((3, 3))), 0.0005, 0.004)


def soft_border(size: int) -> Array:
    """1 in a crop, softly 0 at its border: `[S, S]`."""
    to_edge = smoothstep(np.minimum(np.arange(size), np.arange(size)[::-1]), 1, 0.04 * size)
    return np.minimum.outer(to_edge, to_edge)
