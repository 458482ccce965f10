"""What a face in a clip does, as numbers against a frame in which it looks ahead at rest: nobody's picture is in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..face.shape import Pose, ShapeModel, solid
from ..face.topology import EYE_CORNERS, EYELID_CONTOURS, IRISES, RIGID_POINTS
from ..types import Array, Face
from .reenact_head import DEEPER, PIVOT, Placement, angles_of, eye_distance, gap_of, proportions

BLINK = np.array([0.06, 0.24, 0.4, 0.24, 0.06])  # how the opening of eyes is smoothed over frames
# the opening of a shut eye: a little more than the least that was seen, and between these shares of the open one
LEAST, SHUT = 1.05, (0.22, 0.38)
LIDS = -0.22, 1.05  # how far an eye is shut, at least and at most


@dataclass(frozen=True, eq=False)
class DrivingFace:
    """One face over the frames of a shot: meshes in pixels and in the frame of the mean head (eye distances)
    `[n, 478, 3]`, angles `[n, 3]`, how far each eye is open over its width and where it looks `[n, 2]` each."""

    model: ShapeModel
    points: Array
    shapes: Array
    angles: Array
    opening: Array
    gaze: Array

    @staticmethod
    def of(faces: Sequence[Face], model: ShapeModel) -> DrivingFace:
        points = np.stack([solid(face.landmarks, DEEPER * face.depth) for face in faces])
        unit = eye_distance(model.mean)
        poses = [model.pose(one) for one in points]
        shapes = np.stack([pose.to_head(one) / unit for pose, one in zip(poses, points, strict=True)])
        angles = np.stack([angles_of(pose.turn.T) for pose in poses])
        opening = np.stack([_opening(face) for face in faces])
        padded = np.pad(opening, ((2, 2), (0, 0)), mode="edge")
        smooth_opening = np.stack([np.convolve(column, BLINK, "valid") for column in padded.T], 1)
        return DrivingFace(
            model, points, shapes, angles, smooth_opening, np.stack([_gaze(one) for one in shapes])
        )

    @property
    def gaps(self) -> Array:
        """How far the lips are apart `[n]`, in eye distances."""
        return np.array([gap_of(one) for one in self.shapes])

    def neutral(self) -> int:
        """The frame in which the face looks ahead at rest, as nearly as any: eyes open as usual, mouth shut, nothing
        expressed."""
        middle = np.median(self.shapes, axis=0)
        off = np.sqrt(np.square(self.shapes - middle).sum(-1).mean(-1))
        open_ = self.opening.mean(1)
        gaze = self.gaze.mean(1)
        yaw, pitch, roll = self.angles.T
        score = (
            np.abs(yaw) / 15
            + np.abs(pitch - np.median(pitch)) / 15
            + np.abs(roll) / 20
            + 6 * self.gaps
            + 10 * np.abs(np.percentile(open_, 60) - open_)
            + 8 * off
            + 4 * (np.abs(gaze[:, 0]) + np.abs(gaze[:, 1] - np.median(gaze[:, 1])))
        )
        return int(score.argmin())

    def rows(self, neutral: int) -> Array:
        """The frames as rows of a `Motion`, against a neutral one."""
        rest, unit = self.shapes[neutral], eye_distance(self.model.mean)
        rigid = list(RIGID_POINTS)
        poses = [Pose.between(one[rigid], rest[rigid]) for one in self.points]
        placements = [
            Placement(1 / pose.scale, pose.turn.T, -pose.turn.T @ pose.shift / pose.scale) for pose in poses
        ]
        first = placements[neutral]
        start = first.show(PIVOT[None])[0]
        pose_rows = [
            np.concatenate(
                [
                    angles_of(at.turn @ first.turn.T),
                    ((at.show(PIVOT[None])[0] - start) / first.scale)[:2],
                    [at.scale / first.scale - 1],
                ]
            )
            for at in placements
        ]
        offsets = np.stack([at.head(one) for at, one in zip(placements, self.points, strict=True)]) - rest
        offsets[..., :2] *= proportions(rest, self.model.mean / unit)
        lids = self._lids(neutral)
        return np.concatenate(
            [
                np.stack(pose_rows),
                lids,
                _held(self.gaze - self.gaze[neutral], lids),
                self.model.expression_of(offsets * unit),
            ],
            1,
        )

    def _lids(self, neutral: int) -> Array:
        """How far each eye is shut `[n, 2]`."""
        usual = self.opening[neutral]
        shut = np.clip(np.percentile(self.opening, 1, axis=0) * LEAST, *(share * usual for share in SHUT))
        return np.clip((usual - self.opening) / (usual - shut), *LIDS)


def _opening(face: Face) -> Array:
    """How far each eye is open, over its width `[2]`, by the contours of its lids, or the mesh where there are none."""
    contours = face.eyelids
    if contours is None:
        contours = np.stack([face.landmarks[list(places)] for places in EYELID_CONTOURS])
    out = []
    for lids in contours:
        along = lids[8] - lids[0]
        width = float(np.hypot(*along))
        gap = lids[[3, 4, 5]].mean(0) - lids[[11, 12, 13]].mean(0)
        out.append(abs(float(gap @ np.array([-along[1], along[0]]))) / max(width, 1e-3) ** 2)
    return np.array(out)


def _gaze(shape: Array) -> Array:
    """Where each eye of a head looks `[2, 2]`: how far right and down of the middle of its corners its iris is, in
    widths of the eye."""
    out = []
    for corners, iris in zip(EYE_CORNERS, IRISES, strict=True):
        left, right = shape[list(corners), :2]
        out.append((shape[iris[0], :2] - (left + right) / 2) / np.linalg.norm(right - left))
    return np.stack(out)


def _held(gaze: Array, lids: Array) -> Array:
    """Where both eyes look `[n, 2]` of each `[n, 2, 2]`: as before while its lid is down, when nobody can see it."""
    seen = np.clip(1.6 - 2 * lids, 0, 1)
    out, last = np.zeros_like(gaze), np.zeros(gaze.shape[1:])
    for i in range(len(gaze)):
        last = last + seen[i][:, None] * (gaze[i] - last)
        out[i] = last
    return out.mean(1)
