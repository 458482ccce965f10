"""Filters that fill and smooth."""

import numpy as np

from mien.face import filters


def ramp(size: int) -> np.ndarray:
    """A picture that becomes lighter to the right, `[size, size, 3]`."""
    line = np.linspace(0.2, 0.8, size, dtype=np.float32)
    return np.repeat(np.broadcast_to(line, (size, size))[..., None], 3, 2).copy()


def test_a_hole_is_filled_with_what_is_around():
    """What is known stays as it is, nothing of the hole's own colours is left, and sides keep their colours."""
    picture = ramp(96)
    known = np.ones((96, 96), np.float32)
    known[30:66, 30:66] = 0
    wrong = np.where(known[..., None] > 0, picture, 5).astype(np.float32)
    for step, most in ((1, 0.03), (4, 0.06)):
        filled = filters.push_pull(wrong, known, step)
        assert np.abs(filled - picture).max() < 0.15 and filled.max() < 0.9
        assert np.abs(filled - picture)[:20].max() < most
        assert filled[48, 60, 0] > filled[48, 36, 0] + 0.05


def test_a_wide_blur_is_nearly_the_blur():
    noise = np.random.default_rng(0).random((120, 120)).astype(np.float32)
    wide, plain = filters.wide_blur(noise, 12), filters.blur(noise, 12)
    assert np.abs(wide - plain)[20:-20, 20:-20].max() < 0.02 < noise.std()
