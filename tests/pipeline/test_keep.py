"""Where a photo stays as it was."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import Mien
from faces import HOPPER, hopper, opened

from mien import Photo, edit, read, verbs, verify
from mien.errors import RequestError
from mien.types import Array


@pytest.fixture(scope="module")
def mask() -> Array:
    """The half of the portrait on its left, with a soft edge, in a quarter of its pixels."""
    width, height = (side // 2 for side in hopper().size)
    across = np.clip((0.52 * width - np.arange(width)) / (0.04 * width), 0, 1)
    return np.repeat((255 * across).astype(np.uint8)[None], height, 0)


def test_what_is_white_stays_bit_for_bit_in_memory_and_in_the_file(mask: Array, tmp_path: Path):
    photo, session = hopper(), opened(hopper())
    free, kept = session.edit(smile=0.7, warmth=0.4), session.edit(smile=0.7, warmth=0.4, keep=mask)
    verbs.write(kept, tmp_path / "out.png")
    written = read(tmp_path / "out.png").pixels
    full = cv2.resize(mask, photo.size, interpolation=cv2.INTER_LINEAR)
    white, black = full == 255, full == 0
    for pixels in (kept.pixels, written):
        assert (pixels[white] == photo.pixels[white]).all()
    assert (kept.pixels[black] == free.pixels[black]).all()
    assert (free.pixels[white] != photo.pixels[white]).any(1).sum() > 10_000
    between = ~white & ~black & (np.abs(free.pixels.astype(int) - photo.pixels).max(2) > 20)
    low, high = np.minimum(free.pixels, photo.pixels), np.maximum(free.pixels, photo.pixels)
    assert between.any() and ((low <= kept.pixels) & (kept.pixels <= high))[between].all()
    assert (written != kept.pixels).any(), "beside it there is a mark"
    told = verify(tmp_path / "out.png").history[-1].arguments
    assert told["keep"] == "mask" and len(told["keep_sha256"]) == 64


def test_photos_of_16_bits_keep_all_of_them(mask: Array):
    deep = Photo(hopper().pixels.astype(np.uint16) * 257 + 3)
    kept = edit(deep, light=0.8, keep=mask).pixels
    white = cv2.resize(mask, deep.size, interpolation=cv2.INTER_LINEAR) == 255
    assert kept.dtype == np.uint16 and (kept[white] == deep.pixels[white]).all()
    assert (kept != deep.pixels).any()


def test_a_face_that_is_kept_whole_gets_no_mark(mask: Array):
    kept = opened(hopper()).edit(smile=0.8, keep=np.full_like(mask, 255))
    assert not kept.marks and (kept.pixels == hopper().pixels).all()


def test_a_mask_may_be_of_yes_and_no(mask: Array):
    session, white = opened(hopper()), mask > 127
    kept = [session.edit(light=0.8, keep=one).pixels for one in (white, white.astype(np.uint8) * 255)]
    assert np.array_equal(kept[0], kept[1])


def test_masks_that_are_none_are_refused(mask: Array):
    with pytest.raises(RequestError, match="is black"):
        opened(hopper()).edit(smile=0.8, keep=np.zeros_like(mask))
    with pytest.raises(RequestError, match="of the photo's shape"):
        opened(hopper()).edit(smile=0.8, keep=mask[:100])


def test_the_command_line_has_it_for_photos(mien: Mien, mask: Array, tmp_path: Path):
    path = tmp_path / "mask.png"
    clear = np.dstack([np.full((*mask.shape, 3), 255, np.uint8), mask])  # transparent is black
    cv2.imwrite(str(path), clear)
    mien("edit", HOPPER, "--light", 0.8, "--keep", path, "-o", tmp_path / "out.png")
    photo, out = hopper(), read(tmp_path / "out.png").pixels
    white = cv2.resize(mask, photo.size, interpolation=cv2.INTER_LINEAR) == 255
    assert (out[white] == photo.pixels[white]).all() and (out[~white] != photo.pixels[~white]).any()
    (tmp_path / "a.mp4").write_bytes(b"")
    said = mien("edit", tmp_path / "a.mp4", "--light", 0.8, "--keep", path, "-o", tmp_path / "b.mp4")
    assert said.code == 2 and "--keep is for photos" in said.err
