"""Words in a corner: which, where, how large, and on any ground."""

import numpy as np
import pytest

from mien import RequestError
from mien.io import notice
from mien.types import Array, Step


@pytest.mark.parametrize("words", sorted({one for pair in notice.WORDS.values() for one in pair}))
@pytest.mark.parametrize("size", [(300, 400), (1200, 500)])
def test_words_are_large_and_can_be_read_on_any_ground(words: str, size: tuple[int, int]):
    for level in (0, 128, 255):
        before = np.full((*size, 3), level, np.uint8)
        after = notice.drawn(before, words, ())
        changed = (after != before).any(-1) | (level == 255)
        inked = changed & (after > 235).all(-1) if level < 255 else _inside_plate(after)
        assert np.ptp(np.nonzero(inked)[0]) + 1 >= 0.05 * min(size)
        assert after[changed].min() < 100 and not (after != before)[: size[0] // 2].any()


def _inside_plate(after: Array) -> Array:
    """The words on a white ground: what is light within the rectangle that has become dark."""
    rows, columns = np.nonzero((after < 200).all(-1))
    inside = np.zeros(after.shape[:2], bool)
    inside[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = True
    return inside & (after > 235).all(-1)


def test_never_over_a_face():
    before = np.zeros((400, 600, 3), np.uint16)
    for box in ((250, 150, 600, 400), (0, 150, 600, 400), (0, 0, 590, 300)):
        after = notice.drawn(before, "AI MODIFIED", [box])
        left, top, right, bottom = box
        assert (after != 0).any() and not after[top:bottom, left:right].any()
        assert after.max() > 0.9 * 65535


def test_where_every_corner_and_edge_has_a_face_they_are_between():
    before = np.zeros((400, 600, 3), np.uint8)
    boxes = [(x, y, x + 20, y + 20) for x in (60, 290, 520) for y in (20, 190, 360)]
    after = notice.drawn(before, "AI MODIFIED", boxes)
    assert after.any() and not any(after[y : y + 20, x : x + 20].any() for x, y, _, _ in boxes)


def test_on_glass_they_are_seen():
    clear = np.zeros((300, 400), np.uint16)
    seen = notice.uncovered(clear, "AI MODIFIED", ())
    drawn = notice.drawn(np.full((300, 400, 3), 255, np.uint8), "AI MODIFIED", ()) != 255
    assert seen[drawn.any(2)].min() == 65535 and (seen > 0).mean() < 0.2 and not clear.any()


def test_which_words(monkeypatch: pytest.MonkeyPatch):
    assert notice.words_for(None, "swap") == "AI MODIFIED" and notice.words_for(None, "edit") == ""
    assert notice.words_for("cn", "edit") == "AI合成" and notice.words_for("none", "swap") == ""
    assert notice.words_for("EU:de", "generate", made=True) == "AI ERZEUGT"
    monkeypatch.setenv("MIEN_MARK", "cn")
    assert notice.words_for(None, "edit") == "AI合成" and notice.words_for("eu", "edit") == "AI MODIFIED"
    for name in ("us", ""):
        with pytest.raises(RequestError, match="eu:fr"):
            notice.words_for(name, "swap")


def test_the_last_words_are_drawn():
    steps = Step("swap", {}, words="AI MODIFIED"), Step("edit", {})
    assert notice.words_of(steps) == "AI MODIFIED" and notice.words_of(steps[1:]) == ""
