"""Turned faces from the front: by the mesh, its mirror image, and light that is evened."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from conftest import HOPPER, Mien, save
from faces import hopper, hopper_face, kit

from mien import DeclinedError, FaceError, Photo, verbs, verify
from mien.edits import frontal
from mien.face.shape import solid


@cache
def turned() -> Photo:
    """Somebody who looks aside."""
    aside = -18.0 if hopper_face().yaw < 0 else 18.0
    return verbs.edit(hopper(), yaw=aside, kit=kit())


def test_mirror_images_come_in_pairs():
    mirror = kit().shapes.model.mirror
    assert np.array_equal(mirror[mirror], np.arange(478))
    assert [mirror[k] for k in (33, 61, 468)] == [263, 291, 473]


def test_a_head_becomes_symmetric_and_stays_in_its_place():
    model = kit().shapes.model
    points = solid(hopper_face().landmarks, hopper_face().depth)
    head, mirror = model.pose(points).to_head(points), model.mirror
    both = frontal.symmetric(head, mirror)
    assert np.abs(both[mirror] * [-1, 1, 1] - both).max() < 1e-6
    assert np.abs(both - head).mean() < 4, "mm"


def test_a_turned_face_looks_ahead():
    (before,) = kit().faces(turned().pixels)
    front = verbs.frontalise(turned(), size=384, kit=kit())
    (after,) = kit().faces(front.pixels)
    assert abs(before.yaw) > 12 and abs(after.yaw) < 4
    points = after.landmarks
    middle = (points[33, 0] + points[263, 0]) / 2
    assert abs(points[[1, 13, 152], 0] - middle).max() < 0.015 * 384
    assert front.pixels.shape == (384, 384, 3) and np.ptp(front.pixels[:20]) == 0, "plain ground"
    assert front.history[-1].verb == "frontalise" and front.history[-1].arguments["size"] == 384


def test_a_face_that_looks_ahead_keeps_both_halves():
    shapes, face = kit().shapes, replace(hopper_face(), yaw=1.0)
    triangles = shapes.triangles(np.zeros((0, 3), int))
    one, half = (
        frontal.bring_to_front(hopper().pixels, each, shapes.model, triangles, 256)
        for each in (face, replace(face, yaw=20.0))
    )
    unlike = [np.abs(each.astype(float) - each[:, ::-1])[80:220].mean() for each in (one, half)]
    assert unlike[0] > 1.3 * unlike[1]


def test_who_looks_too_far_aside_is_declined(mien: Mien, tmp_path: Path):
    shapes = kit().shapes
    with pytest.raises(DeclinedError, match="turned by 52 degrees"):
        triangles = shapes.triangles(np.zeros((0, 3), int))
        frontal.bring_to_front(
            hopper().pixels, replace(hopper_face(), yaw=-52.0), shapes.model, triangles, 64
        )
    with pytest.raises(FaceError, match="no face found"):
        verbs.frontalise(Photo(np.full((90, 90, 3), 128, np.uint8)), kit=kit())
    both = save(tmp_path / "both.png", np.hstack([hopper().pixels] * 2))
    ran = mien("frontalise", both, "--face", "all", "-o", tmp_path / "no.png")
    assert ran.code == 2 and "2 faces are meant" in ran.err
    ran = mien("frontalise", HOPPER, "--size", "128", "-o", tmp_path / "front.png")
    assert ran.code == 0 and "turned by" in ran.err
    assert verify(tmp_path / "front.png").history[0].verb == "frontalise"


def test_words_are_drawn_beside_the_face(mien: Mien, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MIEN_MARK", "cn")
    ran = mien("frontalise", HOPPER, "--size", 128, "-o", tmp_path / "front.png")
    assert ran.code == 0 and verify(tmp_path / "front.png").history[-1].words == "AI合成"
