"""Heads turned farther: that they are, and that what is known of a pair stays true."""

from typing import Any

import cv2
import numpy as np
import pytest
from faces import hopper, hopper_face, kit

from mien.face import geometry, mesh, topology
from mien.train.data import head_turn as turning
from mien.types import Alignment, Array, Crop

SIZE = 384


def crop() -> Crop:
    points = hopper_face().landmarks
    return geometry.align(
        hopper().pixels, points, Alignment("face", SIZE), turning.depth(kit(), hopper().pixels, points)
    )


def test_depth_is_what_the_landmarker_finds():
    face = hopper_face()
    away = turning.depth(kit(), hopper().pixels, face.landmarks) - face.depth[: topology.POINTS]
    assert np.abs(away - away.mean()).max() < 0.03 * np.ptp(face.depth)


@pytest.mark.parametrize(("yaw", "pitch"), [(25, 0), (-25, 0), (0, 12)])
def test_a_head_turns_by_what_was_asked(yaw: float, pitch: float):
    """As the landmarker sees it, which nobody told, and which finds what was turned so a third less
    turned."""
    face = hopper_face()
    at = turning.turn(crop(), yaw, pitch, kit().prototypes.triangles)
    seen = kit().faces(
        np.ascontiguousarray(
            cv2.copyMakeBorder(turning.looked(crop().pixels, at), 60, 60, 60, 60, cv2.BORDER_REPLICATE)
        )
    )
    assert len(seen) == 1
    turned, asked = np.abs([seen[0].yaw - face.yaw, seen[0].pitch - face.pitch]), np.abs([yaw, pitch])
    assert (0.6 * asked - 1 <= turned).all() and (turned <= 1.1 * asked + 4).all()
    laid = geometry.similarity(seen[0].landmarks - 60, Alignment("face", SIZE))
    assert np.abs(laid - np.eye(2, 3))[:, :2].max() < 0.08, "laid out as before"


def test_nothing_turned_is_nothing_moved():
    at = turning.turn(crop(), 0, 0, kit().prototypes.triangles)
    assert np.abs(at - mesh.pixel_grid(SIZE)).max() < 0.05
    flow = np.random.default_rng(0).normal(size=(96, 96, 2))
    assert (
        turning.flowed(flow, None) is flow
        and turning.looked(flow, None) is flow
        and turning.coarsely(flow, None) is flow
    )


def test_a_flow_stays_the_flow_of_its_pair():
    """The picture before, looked up along the flow, is the picture after; turned, both, with the turned flow,
    too."""
    one = crop()
    middle = one.landmarks[: topology.POINTS].mean(0)
    near = np.exp(-np.square((mesh.pixel_grid(SIZE) - middle) / (0.2 * SIZE)).sum(-1, keepdims=True))
    flow = (near * (9, -6)).astype(np.float32)
    before = cv2.GaussianBlur(one.pixels, (0, 0), 2)

    def look(picture: Any, along: Any) -> Any:
        return turning.looked(picture, mesh.pixel_grid(SIZE) + along)

    after = look(before, flow)
    at = turning.turn(one, 20, 5, kit().prototypes.triangles)
    coarse = cv2.resize(flow, (SIZE // 4, SIZE // 4), interpolation=cv2.INTER_AREA)
    turned = cv2.resize(turning.flowed(coarse, at), (SIZE, SIZE))
    inside = turning.looked(near[..., 0].astype(np.float32), at) > 0.4

    def away(a: Array, b: Array) -> float:
        return float(np.abs(a.astype(np.float32) - b)[inside].mean())

    was, now = turning.looked(before, at), turning.looked(after, at)
    assert away(look(was, turned), now) < 0.3 * away(was, now)
    assert away(look(was, turned), now) < 0.6 * away(look(was, flow), now)
    share = cv2.resize(near[..., 0].astype(np.float32), (96, 96), interpolation=cv2.INTER_AREA)
    wanted = cv2.resize(
        turning.looked(near[..., 0].astype(np.float32), at), (96, 96), interpolation=cv2.INTER_AREA
    )
    assert np.abs(turning.coarsely(share, at) - wanted).mean() < 0.01
