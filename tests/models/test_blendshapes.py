"""What a face expresses: the numbers of the network's origin, and the way they go."""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import Mien
from faces import HOPPER, hopper_face, kit

from mien import verbs
from mien.models.blendshapes import NAMES, POINTS
from mien.types import Array

LITERT = json.loads(Path(__file__).with_name("blendshapes.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", LITERT, ids=lambda case: case["face"])
def test_it_agrees_with_litert(case: dict[str, list[float]]):
    """blendshapes.json: what LiteRT 2.3 says of these points."""
    landmarks = np.zeros((478, 2), np.float32)
    landmarks[list(POINTS)] = case["points"]
    found = kit().blendshapes.coefficients(landmarks)
    assert list(found) == list(NAMES) and len(set(NAMES)) == 52
    assert list(found.values()) == pytest.approx(case["coefficients"], abs=1e-3)
    moved = kit().blendshapes.coefficients(landmarks * 3 + 100)
    assert list(moved.values()) == pytest.approx(list(found.values()), abs=1e-3), "in whatever pixels"


def moved(points: tuple[int, ...], x: float, y: float) -> dict[str, float]:
    """The coefficients of a face of which some points have gone, in eye distances."""
    landmarks: Array = hopper_face().landmarks.copy()
    unit = np.linalg.norm(landmarks[33] - landmarks[263])
    landmarks[list(points)] += np.array([x, y], np.float32) * np.float32(unit)
    return kit().blendshapes.coefficients(landmarks)


def test_left_is_the_persons_own():
    now = kit().blendshapes.coefficients(hopper_face().landmarks)
    corner = moved((291, 308, 409, 415, 306, 292, 375), 0.1, -0.12)  # at the picture's right
    assert corner["mouthSmileLeft"] > now["mouthSmileLeft"] + 0.3 > corner["mouthSmileRight"]
    jaw = moved((17, 84, 181, 91, 146, 314, 405, 321, 375, 14, 87, 178, 317, 402, 152, 148, 377), 0, 0.25)
    assert jaw["jawOpen"] > now["jawOpen"] + 0.1


def test_find_tells_programs(mien: Mien):
    ran = mien("find", HOPPER, "--json", "--blendshapes", "--identity")
    (face,) = json.loads(ran.out)["faces"]
    assert list(face["blendshapes"]) == list(NAMES) and len(face["identity"]) == 128
    assert face["blendshapes"]["eyeBlinkLeft"] == pytest.approx(
        verbs.blendshapes(hopper_face(), kit=kit())["eyeBlinkLeft"], abs=0.01
    )
    ran = mien("find", HOPPER, "--blendshapes")
    assert ran.code == 2 and "add --json" in ran.err
