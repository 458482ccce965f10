"""What tests share: the pictures in the repo, and faces made of their landmarks."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np

from mien import Photo, Session
from mien.edits.registry import plan
from mien.edits.request import EditRequest
from mien.io import photo_reader as image
from mien.models.kit import Kit
from mien.types import Array, Edit, Face

ROOT = Path(__file__).parents[1]
HOPPER = ROOT / "docs" / "hopper.jpg"
DATA = ROOT.parent / "shared" / "data"


def planned(strengths: Mapping[str, float | str], method: str | None = None) -> tuple[Edit, ...]:
    """The edits of a request."""
    return plan(EditRequest(strengths, method=method), kit())


@cache
def kit() -> Kit:
    return Kit(threads=1)


@cache
def hopper() -> Photo:
    return image.read(HOPPER)


@cache
def hopper_face() -> Face:
    return kit().faces(hopper().pixels)[0]


@cache
def collins() -> tuple[Photo, Face]:
    """A second portrait and its face, without glasses, and with hair under no cap."""
    photo = image.read(ROOT / "docs" / "collins.jpg")
    return photo, kit().faces(photo.pixels)[0]


@cache
def opened(photo: Photo) -> Session:
    """The session of a photo that many tests edit: its faces are found once."""
    return Session(photo, kit=kit())


def points(scale: float = 1.0, turn: float = 0.0, at: tuple[float, float] = (0, 0)) -> Array:
    """Landmarks of a face with an eye distance of about 60 pixels, scaled, turned (degrees) and moved."""
    face = hopper_face().landmarks
    centred = (face - face.mean(0)) * scale
    cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    return (centred @ np.array([[cos, sin], [-sin, cos]]) + np.array(at)).astype(np.float32)
