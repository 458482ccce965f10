"""A folder of labelled faces as the bank wants it: brought to the layout, with what can be read in each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ...errors import InputError
from ...face import geometry, mesh
from ...face.pose import Head
from ...face.topology import POINTS
from ...models.kit import Kit
from ...models.parser import REGIONS
from ...models.traits import LAYOUT
from ...types import Array, Progress
from ..data.faces import read_faces, read_rgb
from .layout import SIZE, Layout

SHOWN = 64  # pixels a side of the parser's regions


@dataclass(frozen=True, eq=False)
class Portraits:
    """rows of `faces.csv`; points `[n, 468, 2]`; pose `[n, 2]`: yaw and pitch in degrees; mouth `[n, 3]` as
    `mesh.mouth_shape` has it; pictures `[n, S, S, 3]` uint8 RGB in the layout; regions `[n, 12, 64, 64]` uint8 of
    the parser in the layout, and crop `[n, 64, 64]` hair as it lies in the picture; hair `[n, 3]` its mean colour in
    RGB, NaN where there is none; identity `[n, 128]` by the embedder in the box; reading `[n]` the age in years that the prototypes see."""

    rows: list[dict[str, str]]
    layout: Layout
    points: Array
    pose: Array
    mouth: Array
    pictures: Array
    regions: Array
    crop: Array
    hair: Array
    identity: Array
    reading: Array

    def label(self, name: str) -> Array:
        """One column as numbers; what is left out counts as 0."""
        return np.array([float(row[name] or 0) for row in self.rows])

    def region(self, name: str) -> Array:
        return self.regions[:, REGIONS.index(name)]


def read(folder: Path, kit: Kit, progress: Progress) -> Portraits:
    """Read a folder of labelled faces, aligned to 256 pixels."""
    rows, landmarks = read_faces(folder)
    pose = np.array([_pose(points) for points in landmarks])
    points = landmarks[:, :POINTS]
    layout = Layout.of(points, pose[:, 0])
    found: list[tuple[Array, ...]] = []
    for k, (row, face) in enumerate(zip(rows, landmarks, strict=True)):
        picture = read_rgb(folder / "images" / row["file"])
        if picture.shape[:2] != (SIZE, SIZE):
            raise InputError(
                f"{row['file']} has {picture.shape[1]} x {picture.shape[0]} pixels: {SIZE} were wanted"
            )
        found.append(_seen(picture, face, layout, kit))
        progress.advance(k + 1, len(rows))
    mouth = np.array([mesh.mouth_shape(face) for face in landmarks])
    return Portraits(rows, layout, points, pose, mouth, *(np.stack(one) for one in zip(*found, strict=True)))


def _pose(points: Array) -> Array:
    """Yaw and pitch in degrees, yaw as in `Face`."""
    turn = Head.of(points).turn
    return np.degrees([-np.arctan2(turn[0, 2], turn[0, 0]), np.arctan2(-turn[1, 2], turn[1, 1])])


def _seen(picture: Array, points: Array, layout: Layout, kit: Kit) -> tuple[Array, ...]:
    """The fields of one portrait, from `pictures` on."""
    crop = geometry.align(picture, points, kit.parser.alignment)
    regions = [np.rint(255 * shares).astype(np.uint8) for shares in kit.parser.parse(crop).values()]
    back = geometry.invert(crop.matrix)
    here = np.stack([geometry.warp(one, back, SIZE) for one in regions], -1)
    hair = cv2.resize(here[..., REGIONS.index("hair")], (SHOWN, SHOWN), interpolation=cv2.INTER_AREA)
    brought = cv2.resize(layout.bring(here, points[:POINTS]), (SHOWN, SHOWN), interpolation=cv2.INTER_AREA)
    small = cv2.resize(picture, (SHOWN, SHOWN), interpolation=cv2.INTER_AREA)
    sure = hair > 150
    colour = small[sure].mean(0) if sure.sum() > 20 else np.full(3, np.nan)
    embedder = kit.embedder()
    face = geometry.align(picture, points, embedder.alignment)
    identity = embedder.net.run(pixels=embedder.net.tensor(face.pixels))["vector"][0]
    return (
        layout.bring(picture, points[:POINTS]),
        brought.transpose(2, 0, 1),
        hair,
        colour,
        identity,
        np.array(kit.prototypes.read(geometry.align(picture, points, LAYOUT)).age),
    )
