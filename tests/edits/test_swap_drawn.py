"""A swap with a trained network: its shape and its coarse tones, over the fine texture of the source's pictures."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from conftest import Mien
from faces import ROOT, collins, kit

from mien import swap
from mien.errors import RequestError
from mien.models.kit import Kit
from mien.pipeline.gallery import Gallery
from mien.pipeline.swap import swap_clip
from mien.types import Alignment, Array, Crop

COLLINS = ROOT / "docs" / "collins.jpg"
CONSENT = "a public figure in a test"


@dataclass
class Drawer:
    """A swapper whose network is a function of the picture that it is shown."""

    function: Any
    alignment = Alignment("face", 96)
    net = SimpleNamespace(networks=(("mine", "0" * 64),))

    def draw(self, crop: Crop) -> tuple[Array, Array]:
        face = self.function(crop.pixels.astype(np.float32) / 255)
        return face, np.ones(face.shape[:2], np.float32)


@pytest.fixture
def drawn_by(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The photo swapped with its own person by a network that draws as a function says."""
    gallery = Gallery.of(COLLINS, kit=kit())

    def run(function: Any) -> Any:
        monkeypatch.setattr(Kit, "swapper", lambda *_: Drawer(function))
        return swap(collins()[0], gallery, consent=CONSENT, network="mine", kit=kit())

    return run


def inside() -> Array:
    photo, face = collins()
    mask = np.zeros(photo.pixels.shape[:2], np.uint8)
    return cv2.fillConvexPoly(mask, cv2.convexHull(face.landmarks[:468]).astype(np.int32), 1) > 0


def test_a_network_that_draws_what_it_sees_changes_nothing(drawn_by: Any):
    photo = drawn_by(lambda face: face)
    before = collins()[0].pixels
    assert np.abs(photo.pixels.astype(float) - before)[inside()].mean() < 1.5
    step = photo.history[0]
    assert step.arguments["network"] == "mine" and ("mine", "0" * 64) in step.networks


def test_its_coarse_tones_come_along_and_the_fine_stays(drawn_by: Any):
    def with_blush(face: Array) -> Array:
        rows, columns = np.indices(face.shape[:2])
        spot = np.exp(-((rows - 60) ** 2 + (columns - 30) ** 2) / (2 * 5**2))[..., None]
        return np.clip(face - 0.25 * spot * np.array([0, 1, 1]), 0, 1).astype(np.float32)

    before, after = collins()[0].pixels.astype(np.float32), drawn_by(with_blush).pixels.astype(np.float32)
    less = cv2.GaussianBlur((before - after)[..., 1], (0, 0), 3)
    assert less[inside()].max() > 15 and np.median(np.abs(less[inside()])) < 3
    sharp, now = (
        cv2.Laplacian(cv2.GaussianBlur(one[..., 1], (0, 0), 0.7), cv2.CV_32F)[inside()]
        for one in (before, after)
    )
    assert np.corrcoef(sharp, now)[0, 1] > 0.95


def test_its_shape_comes_along(drawn_by: Any):
    def wider(face: Array) -> Array:
        side = len(face)
        stretch = np.array([[1.12, 0, -0.06 * side], [0, 1, 0]])
        return cv2.warpAffine(face, stretch, (side, side), borderMode=cv2.BORDER_REPLICATE)

    before, face = collins()
    photo = drawn_by(wider)
    after = kit().faces(photo.pixels)[0]
    mouths = [np.linalg.norm(one.landmarks[61] - one.landmarks[291]) for one in (face, after)]
    assert 1.04 < mouths[1] / mouths[0] < 1.2
    changed = (before.pixels != photo.pixels).any(-1)
    assert not changed[:20].any() and not changed[-20:].any()


def test_clips_are_refused(tmp_path: Path):
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"")
    with pytest.raises(RequestError, match="photos only"):
        swap_clip(clip, tmp_path / "out.mp4", COLLINS, consent=CONSENT, network="mine", kit=kit())


def test_the_command_names_an_unknown_network(mien: Mien, tmp_path: Path):
    words = ("--source", COLLINS, "--consent", "in a test", "--with", "nobody", "-o", tmp_path / "out.jpg")
    ran = mien("swap", COLLINS, *words)
    assert ran.code == 2 and "nobody" in ran.err and not (tmp_path / "out.jpg").exists()
