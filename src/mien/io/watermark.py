"""A mark in the pixels of faces: 16 bits that outlive a screenshot, laid into a photo and heard in a crop.

Spread spectrum (Cox et al. 1997, doi 10.1109/83.650120) with the face as its anchor: whoever lays the face out as here
finds the mark, whatever became of its size, place and turn. One carrier tells that there is a mark and how it lies; 32
others hold the bits in the Reed-Muller code (2, 5), of which every word is compared, so that no bit is decided alone.
What the face itself, or an older mark, says on the carriers is taken off while a mark is laid (after Malvar and
Florencio 2003, doi 10.1109/TSP.2003.809385), and how strong it must be is found by trying JPEG on it. The carriers are
no secret: a mark can be copied, and attacked.

    bits_of(history, picture)   what a mark says
    lay(pixels, places, bits)   a photo with its faces marked
    heard(grey, window)         a face as the carriers hear it; those of a clip's frames can be averaged
    read(signal) -> Mark        what is said there
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np

from ..types import Alignment, Array, Mark, MarkPlace, Step
from .content_credentials import told

LAYOUT = Alignment("face", 192)
SIZE = LAYOUT.size
VERSION = (
    1  # of the carriers and of what the bits mean: 2 bits, then 3 of the verb, then 11 of the label's hash
)
# The verbs, the one that takes a picture farthest from what a camera saw last: of several steps that one is told.
VERBS = ("edit", "stylize", "sketch", "generate", "animate", "swap", "frontalise")
# What bits can be: of fewer words chance finds a worse one, so that a fainter mark is told from none.
KNOWN = slice(VERSION << 14, VERSION << 14 | len(VERBS) << 11)
CARRIERS = 32
LONGEST, SHORTEST = (
    20.0,
    4.2,
)  # crop pixels of a wave: coarse enough for JPEG, too fine to be seen as blotches
SHARE = 0.42  # of the energy that is the first carrier's
# Levels of 255 that a mark changes a face by, as a standard deviation, at the least; how much fine detail faces have on
# which it may change more; how loud it is to be heard, in standard deviations; and how many attempts find that out.
LEAST, ROUGH, LOUD, ROUNDS = 0.5, (9.0, 18.0), 9.8, 2
# Levels of a face, from which on it takes all of that; in the dark it changes by as much less, to a share at the least.
LIT, DARKEST = 50, 0.2


class Strength(NamedTuple):
    """How strong a mark is: as faint as lets it be heard after JPEG at quality `worn`, and with `most` levels at the
    most, on a smooth face and on one of much fine detail."""

    most: tuple[float, float]
    worn: int


# What moves shows less, and films are coded more coarsely.
PHOTO, FILM = Strength((1.2, 2.0), 30), Strength((2.1, 3.2), 10)
FINEST, COARSEST = 0.25, 2.0  # crop pixels a photo pixel, beyond which JPEG is tried no finer or coarser
TILE = 24  # crop pixels of the tiles in which the face's own spectrum is measured
QUIET = 0.25  # of the mean power: what silence counts as
REACH = 4  # crop pixels by which landmarks may be off, and the scales and degrees
SCALES, DEGREES = (1.0, 0.988, 1.012), (0.0, -1.0, 1.0)
FINER = 0.006, 0.5, 0.5, 0.5  # of the scale, the degrees and the pixels, halfway to the next
# Standard deviations: of 1,237 faces without a mark one has 6.9 and the next 6.6; marks have more than 7 as a rule.
FOUND = 7.0
SURE = 0.6  # by which the best word must lead the next


# ---- what it says


def bits_of(history: Sequence[Step], picture: bytes) -> int:
    """The 16 bits of a mark: version, verb, and a hash of the steps and of `picture`, which tells apart what was
    made by the same steps. The time is left out, so that the same request gives the same pixels."""
    steps = [told(step) | {"time": ""} for step in history]
    words = json.dumps(steps, sort_keys=True, default=str).encode("utf-8", "surrogatepass")
    label = int.from_bytes(hashlib.sha256(words + picture).digest()[:2], "big") >> 5
    verb = max((VERBS.index(step.verb) for step in history if step.verb in VERBS), default=0)
    return VERSION << 14 | verb << 11 | label


def as_text(bits: int) -> str:
    """16 bits as a label and `verify` have them."""
    return f"{bits:016b}"


def described(bits: str | None) -> str:
    """What the bits of a mark say, for people."""
    if bits is None:
        return "made or changed by mien; its bits cannot be told for sure"
    verb, label = int(bits[2:5], 2), int(bits[5:], 2)
    return f"by mien ({VERBS[verb]}), label {label:03x}, bits {bits}"


# ---- carriers and words


@cache
def _band() -> Array:
    """Of each place of the spectrum of a crop `[S, S // 2 + 1]` whether carriers use it."""
    rows, columns = np.meshgrid(np.fft.fftfreq(SIZE), np.fft.rfftfreq(SIZE), indexing="ij")
    waves = np.hypot(rows, columns)
    return (waves > 1 / LONGEST) & (waves < 1 / SHORTEST)


@cache
def _carriers() -> Array:
    """`[33, S, S]` float32 of unit variance: the first, then one a bit. Their phases come from SHAKE-256, as
    generators of random numbers change with the years."""
    shape = CARRIERS + 1, SIZE, SIZE // 2 + 1
    phases = np.frombuffer(hashlib.shake_256(b"mien mark 1").digest(int(np.prod(shape))), np.uint8)
    spectra = np.exp(2j * np.pi / 256 * phases.reshape(shape)) * _band()
    waves = np.fft.irfft2(spectra, s=(SIZE, SIZE)).astype(np.float32)
    return waves / waves.std((1, 2), keepdims=True)


@cache
def _words() -> Array:
    """The words of the code `[65536, 32]`, of 1 and -1: polynomials of degree 2 in the five digits of a place, of which
    the bits are the coefficients. Two of them differ in 8 places or more."""
    digits = np.array(list(itertools.product((0, 1), repeat=5))).T
    pairs = [one * other for one, other in itertools.combinations(digits, 2)]
    terms = np.array([np.ones(CARRIERS, int), *digits, *pairs])
    bits = np.arange(1 << 16)[:, None] >> np.arange(16) & 1
    return (1 - 2 * (bits @ terms % 2)).astype(np.float32)


def _weights(bits: int) -> Array:
    """How much of each carrier a mark has, `[33]` of unit length."""
    return np.array([SHARE**0.5, *(_words()[bits] * ((1 - SHARE) / CARRIERS) ** 0.5)], np.float32)


def _said(signal: Array) -> Array:
    """What a signal `[S, S]` says on each carrier, `[33]`, in standard deviations of a face without a mark."""
    return _carriers().reshape(CARRIERS + 1, -1) @ signal.ravel()


# ---- laying


def lay(pixels: Array, places: Sequence[MarkPlace], bits: int, strength: Strength = PHOTO) -> Array:
    """A copy of a photo's `pixels` with a mark in each place; 16 bits as well as 8. What is outside of the places'
    windows stays bit-identical."""
    out = pixels.copy()
    for place in places:
        _add(out, place.matrix, _pattern(place, bits, strength))
    return out


def _pattern(place: MarkPlace, bits: int, strength: Strength) -> Array:
    """What is added to a face's crop, `[S, S]` float32 in levels of 255."""
    wanted, across, level = _weights(bits), _across(place.matrix), 1.0
    face = place.face > 0.5
    share = float(np.clip(place.grey[face].mean() / LIT, DARKEST, 1))
    most = share * np.interp(
        _fine(place.grey)[face].std(), ROUGH, strength.most
    )  # on smooth skin it would be seen

    def said(grey: Array) -> Array:
        return _said(heard(grey, place.face))

    word = place.window * _waves(wanted)
    before, after = said(place.grey), said(place.grey + word)
    gain = max(float((after - before) @ wanted), 1.0)
    others = place.window * _waves(((after @ wanted) * wanted - after) / gain)  # so that they say nothing
    for _ in range(ROUNDS):
        loud = float(said(_worn(place.grey + level * word + others, across, strength.worn)) @ wanted)
        level = float(np.clip(level * LOUD / max(loud, 1.0), share * LEAST, most))
    return level * word + others


def _worn(grey: Array, across: float, quality: int) -> Array:
    """A face's crop as JPEG leaves it, at the photo's resolution."""
    across = float(np.clip(across, FINEST, COARSEST))
    there, back = (cv2.INTER_AREA, cv2.INTER_CUBIC)[:: 1 if across > 1 else -1]
    photo = cv2.resize(grey, None, fx=1 / across, fy=1 / across, interpolation=there)
    pixels = np.clip(np.rint(photo), 0, 255).astype(np.uint8)
    coded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    worn = np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE)).astype(np.float32)
    return cv2.resize(worn, grey.shape[::-1], interpolation=back)


def _across(matrix: Array) -> float:
    """Crop pixels a photo pixel."""
    return float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))


def _waves(amounts: Array) -> Array:
    """So much of each carrier `[33]`, together `[S, S]`."""
    return (amounts @ _carriers().reshape(CARRIERS + 1, -1)).reshape(SIZE, SIZE)


def _add(pixels: Array, matrix: Array, pattern: Array) -> None:
    """Add a pattern of a crop to the `pixels`, which are written to; matrix: photo->crop."""
    across, inside = _across(matrix), pattern != 0
    if across > 1:
        pattern = cv2.GaussianBlur(pattern, (0, 0), 0.5 * np.sqrt(across**2 - 1)) * inside
    x, y, width, height = cv2.boundingRect(inside.astype(np.uint8))
    corners = np.array([(x - 1, y - 1), (x + width, y - 1), (x - 1, y + height), (x + width, y + height)])
    inverse = cv2.invertAffineTransform(matrix)
    there = corners @ inverse[:, :2].T + inverse[:, 2]
    low = np.clip(np.floor(there.min(0)), 0, None).astype(int)
    high = np.clip(np.ceil(there.max(0)) + 1, None, pixels.shape[1::-1]).astype(int)
    if not width or (low >= high).any():
        return
    # twice as fine, from which a line between two pixels is as good as a curve, and quicker
    pattern = cv2.resize(pattern, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    here = matrix @ np.array([[1, 0, low[0]], [0, 1, low[1]], [0, 0, 1.0]]) * 2 + [0, 0, 0.5]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    full, depth = (1, cv2.CV_8U) if pixels.dtype == np.uint8 else (257, cv2.CV_16U)
    added = cv2.warpAffine(pattern * np.float32(full), here, (high - low).tolist(), flags=flags)
    target = pixels[low[1] : high[1], low[0] : high[0]]
    target[:] = cv2.add(target, cv2.merge([added] * 3), dtype=depth)


# ---- hearing


def _fine(grey: Array) -> Array:
    return grey - cv2.GaussianBlur(grey, (0, 0), 4)


def heard(grey: Array, window: Array) -> Array:
    """A face's crop `grey [S, S]` float32 as the carriers hear it, within `window`: fine detail, of which each
    wavelength counts the less the louder the face itself is on it thereabouts. `[S, S]` float32 of unit length.
    A matched filter for the noise that a face is (Turin 1960, doi 10.1109/TIT.1960.1057571), tile by tile."""
    half = TILE // 2
    fine = np.pad(_fine(grey), half)
    tiles = np.lib.stride_tricks.sliding_window_view(fine, (TILE, TILE))[::half, ::half]
    spectra = np.fft.rfft2(tiles * _taper())
    power = _smoothed(np.abs(spectra) ** 2)
    tiles = np.fft.irfft2(spectra / (power + QUIET * power.mean()), s=(TILE, TILE)) * _taper()
    signal = _overlapped(tiles)[half:-half, half:-half] * window
    signal = np.fft.irfft2(np.fft.rfft2(signal) * _band(), s=(SIZE, SIZE))
    return _normal(np.clip(signal, *(np.array([-3, 3]) * signal[window > 0.5].std())) * (window > 0.02))


@cache
def _taper() -> Array:
    """`[T, T]`, whose square adds up to one where tiles overlap by half."""
    hann = np.hanning(TILE + 1)[:-1]
    return np.sqrt(np.outer(hann, hann)).astype(np.float32)


def _smoothed(power: Array) -> Array:
    """The power of tiles `[n, n, T, T // 2 + 1]` as the mean of neighbouring wavelengths."""
    power = power + np.roll(power, 1, 2) + np.roll(power, -1, 2)
    wide = np.pad(power, ((0, 0),) * 3 + ((1, 1),), mode="edge")
    return (wide[..., :-2] + power + wide[..., 2:]) / 9


def _overlapped(tiles: Array) -> Array:
    """A picture of tiles `[n, n, T, T]` that overlap by half."""
    count, half = len(tiles), TILE // 2
    blocks = np.zeros((count + 1, count + 1, half, half), np.float32)
    for down in (0, 1):
        for right in (0, 1):
            part = tiles[:, :, down * half : (down + 1) * half, right * half : (right + 1) * half]
            blocks[down : count + down, right : count + right] += part
    return blocks.transpose(0, 2, 1, 3).reshape((count + 1) * half, -1)


def _normal(signal: Array) -> Array:
    """A signal as loud as makes what it says on a carrier one of unit variance, where there is no mark."""
    share = _band().mean()
    return (signal * (share**0.5 / (np.linalg.norm(signal) + 1e-9))).astype(np.float32)


def read(signal: Array) -> Mark:
    """The mark in a signal that was `heard`, as its landmarks have it or nearly so."""
    sync = np.conj(np.fft.rfft2(_carriers()[0]))

    def shift(scale: float, degrees: float) -> tuple[float, float]:
        match = np.fft.irfft2(np.fft.rfft2(_moved(signal, (scale, degrees, 0, 0))) * sync, s=(SIZE, SIZE))
        near = np.roll(match, (REACH, REACH), (0, 1))[: 2 * REACH + 1, : 2 * REACH + 1]
        down, right = np.unravel_index(near.argmax(), near.shape)
        return REACH - float(right), REACH - float(down)

    @cache
    def told(way: tuple[float, ...]) -> Mark:
        return _told(_said(_moved(signal, way)))

    def best(ways: Iterable[tuple[float, ...]]) -> tuple[float, ...]:
        return max(ways, key=lambda way: told(way).score)

    way = best((*turn, *shift(*turn)) for turn in itertools.product(SCALES, DEGREES))
    for i, half in enumerate(FINER):
        way = best((*way[:i], way[i] + step, *way[i + 1 :]) for step in (0.0, -half, half))
    return told(way)


def _moved(signal: Array, way: tuple[float, ...]) -> Array:
    """A signal by so much larger, turned, and moved to the right and down."""
    scale, degrees, *shift = way
    matrix = cv2.getRotationMatrix2D(((SIZE - 1) / 2,) * 2, degrees, scale)
    matrix[:, 2] += shift
    return cv2.warpAffine(signal, matrix, (SIZE, SIZE), flags=cv2.INTER_CUBIC)


def _told(said: Array) -> Mark:
    """The mark that is the likeliest by what the carriers say."""
    scores = _words()[KNOWN] @ said[1:] * ((1 - SHARE) / CARRIERS) ** 0.5 + said[0] * SHARE**0.5
    second, best = np.sort(np.partition(scores, -2)[-2:])
    found = bool(best >= FOUND)
    sure = found and best - second >= SURE
    return Mark(found, round(float(best), 2), as_text(KNOWN.start + int(scores.argmax())) if sure else None)
