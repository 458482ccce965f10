"""A photo that moves with a trained network: its coarse tones over the fine texture of the photo, which at rest stays as
it is."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from conftest import Mien
from faces import HOPPER, hopper, kit

from mien.edits.reenact_drawn import features
from mien.face.motion import TOLD, Gesture
from mien.face.topology import IRISES
from mien.models.kit import Kit
from mien.pipeline.animate import Animation, animate
from mien.pipeline.motion import as_motion
from mien.types import Alignment, Array, Crop

CONSENT = "public domain"
SIDE = 96


@dataclass
class Drawer:
    """An animator whose network is a function of the face at rest and of how far the mouth is open, in pixels."""

    function: Any
    alignment = Alignment("head", SIDE)
    net = SimpleNamespace(networks=(("mine", "0" * 64),))

    def draw(self, portrait: Crop, points: Array) -> Array:
        gap = float(np.linalg.norm(points[14] - points[13]))
        return self.function(portrait.pixels.astype(np.float32) / 255, gap)


@pytest.fixture
def drawn_by(monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(function: Any) -> Animation:
        monkeypatch.setattr(Kit, "animator", lambda *_: Drawer(function))
        return animate(hopper(), "surprise", consent=CONSENT, network="mine", kit=kit())

    return run


@cache
def by_the_mesh() -> Animation:
    return animate(hopper(), "surprise", consent=CONSENT, kit=kit())


@cache
def widest() -> int:
    """The frame in which the mouth is open most."""
    return int(np.abs(as_motion("surprise", kit=kit())[0].values[:, TOLD:]).sum(1).argmax())


def inside(points: Array) -> Array:
    mask = np.zeros(hopper().pixels.shape[:2], np.uint8)
    return cv2.fillConvexPoly(mask, cv2.convexHull(points[:468]).astype(np.int32), 1) > 0


def moved() -> Array:
    made = by_the_mesh()
    return made.actors[0].reenactor.moved(
        made.actors[0].landmarks, made.actors[0].motion.at(widest() / made.fps)
    )


def grey(face: Array, gap: float) -> Array:
    return np.full_like(face, 0.5)


def test_at_rest_it_is_the_photo_whatever_the_network_draws(drawn_by: Any):
    made = drawn_by(lambda face, gap: 1 - face)
    assert np.array_equal(made.frame(0), hopper().pixels)
    assert made.step.arguments["network"] == "mine" and ("mine", "0" * 64) in made.step.networks
    assert "network" not in by_the_mesh().step.arguments


def test_a_network_that_knows_nothing_of_motion_changes_little(drawn_by: Any):
    before, after = (made.frame(widest()).astype(float) for made in (by_the_mesh(), drawn_by(grey)))
    face = inside(moved())
    assert np.abs(after - before)[face].mean() < 4
    near = cv2.dilate(face.astype(np.uint8), np.ones((5, 5))) > 0
    assert np.array_equal(before[~near], after[~near])


def test_what_it_adds_to_a_motion_comes_along(drawn_by: Any):
    spot = np.exp(-((np.indices((SIDE, SIDE)) - [[[30]], [[48]]]) ** 2).sum(0) / (2 * 5**2))[..., None]

    def frowns(face: Array, gap: float) -> Array:
        return np.clip(grey(face, gap) - (0.25 * spot if gap > 3 else 0), 0, 1).astype(np.float32)

    plain, made = drawn_by(grey).frame(widest()), drawn_by(frowns).frame(widest())
    darker = plain.astype(float) - made
    assert darker.max() > 30 and np.median(darker[inside(moved())]) < 8
    sharp, now = (
        cv2.Laplacian(cv2.GaussianBlur(one[..., 1], (0, 0), 0.7), cv2.CV_32F)[inside(moved())]
        for one in (plain, made)
    )
    assert np.corrcoef(sharp, now)[0, 1] > 0.95, "the fine stays"


def test_irises_are_where_it_looks():
    actor = by_the_mesh().actors[0]
    row = np.zeros(actor.motion.values.shape[1], np.float32)
    rest = features(actor.reenactor, Gesture.of(row))
    row[8] = 0.1
    aside = features(actor.reenactor, Gesture.of(row))
    shift = (aside - rest)[list(IRISES[0])]
    assert (shift[:, 0] > 2).all() and np.abs(shift[:, 1]).max() < 1
    assert np.abs((aside - rest)[:468]).max() < 0.1


def test_the_command_names_an_unknown_network(mien: Mien, tmp_path: Path):
    words = ("--motion", "nod", "--consent", CONSENT, "--with", "nobody", "-o", tmp_path / "out.mp4")
    ran = mien("animate", HOPPER, *words)
    assert ran.code == 2 and "nobody" in ran.err and not (tmp_path / "out.mp4").exists()
