"""Make the motions in the box: by formula, and one of talking from a clip -> `src/mien/data/motions/*.json`.

    python tools/motions.py TALKER.mpg

What a face expresses is put together of a few shapes: a smile as the prototypes have it, lips that part as `mouth`
parts them, and a kiss, raised and drawn brows by formula, all as the shape model's modes hold them. TALKER is a clip of
the GRID corpus (Cooke et al. 2006, doi 10.5281/zenodo.3625687, CC BY 4.0), of which only the motion is taken.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mien.edits.mouth import parted
from mien.edits.reenact_head import eye_distance
from mien.face.motion import TOLD, Motion
from mien.face.topology import BROWS, LIPS, POINTS
from mien.models.kit import Kit
from mien.pipeline.motion import motion_of, write_motion
from mien.types import Array

BOX = Path(__file__).parents[1] / "src" / "mien" / "data" / "motions"
FPS = 25.0
COLUMNS = {"yaw": 0, "pitch": 1, "roll": 2, "x": 3, "y": 4, "scale": 5, "gaze_x": 8, "gaze_y": 9}
LIDS = slice(6, 8)


@dataclass(frozen=True, eq=False)
class Shapes:
    """What a face can express, each as an expression `[E]` of the shape model at strength 1."""

    smile: Array
    open: Array
    kiss: Array
    brows: Array
    frown: Array

    @staticmethod
    def of(kit: Kit) -> Shapes:
        mean = kit.shapes.model.mean
        unit, points = eye_distance(mean), mean[:POINTS, :2]
        smile = kit.prototypes.smiling(points, 1.4 * kit.prototypes.mouth_of(1.0)) - points
        apart = parted(points, 1.0)
        kiss = _near(points, points[[13, 14]].mean(0), 0.55 * unit)[:, None] * np.column_stack(
            [-0.42 * points[:, 0], -0.1 * (points[:, 1] - points[13, 1])]
        )
        up, together = np.zeros_like(points), np.zeros_like(points)
        for brow, side in zip(BROWS, (-1, 1), strict=True):
            near = _near(points, points[list(brow)].mean(0), 0.5 * unit)
            up[:, 1] -= 0.17 * unit * near
            inner = _near(points, np.array([side * 0.22 * unit, points[list(brow), 1].mean()]), 0.3 * unit)
            together += inner[:, None] * np.array([-side * 0.05 * unit, 0.09 * unit])
        lips = np.isin(np.arange(POINTS), LIPS)
        deep = np.where(lips, -0.08 * unit, 0.0)

        def held(flat: Array, depth: Array | float = 0.0) -> Array:
            offsets = np.zeros_like(mean)
            offsets[:POINTS, :2] = flat
            offsets[:POINTS, 2] = depth
            found = kit.shapes.model.expression_of(offsets[None])[0]
            back = kit.shapes.model.expression_offsets(found)[:POINTS, :2]
            size = float(np.abs(flat).max())
            print(f"  held to {np.abs(back - flat).mean() / np.abs(flat).mean():.0%}, largest {size / unit:.2f}")
            return found

        return Shapes(held(smile), held(apart), held(kiss, deep), held(up), held(together))


def _near(points: Array, centre: Array, reach: float) -> Array:
    """1 at a centre and falling to 0 around it, `[V]`."""
    return np.exp(-np.square((points - centre) / reach).sum(1))


def rise(t: float, start: float, end: float) -> float:
    """0 before a time, 1 after another, softly between."""
    s = float(np.clip((t - start) / (end - start), 0, 1))
    return s * s * (3 - 2 * s)


def hump(t: float, start: float, end: float, soft: float = 0.3) -> float:
    """1 between two times, 0 before and after."""
    return rise(t, start, start + soft) * (1 - rise(t, end - soft, end))


def blink(t: float, at: float) -> float:
    """How far lids are shut by a blink that begins at a time."""
    after = t - at
    return float(np.clip(after / 0.08, 0, 1) * np.clip((0.27 - after) / 0.15, 0, 1)) if 0 < after < 0.27 else 0.0


def formulas(shapes: Shapes) -> dict[str, tuple[float, Callable[[float], Array]]]:
    """The motions by formula: for how many seconds, and what there is at a time."""
    sin, pi = np.sin, np.pi

    def row(expression: Array | float = 0.0, lids: tuple[float, float] | float = 0.0, **pose: float) -> Array:
        out = np.zeros(TOLD + len(shapes.smile))
        for name, value in pose.items():
            out[COLUMNS[name]] = value
        out[LIDS] = lids
        out[TOLD:] += expression
        return out

    def still_life(t: float) -> dict[str, float]:
        """A head that is alive: it sways a little and breathes, in 7 seconds."""
        return {
            "yaw": 2.2 * sin(2 * pi * t / 7) + sin(4 * pi * t / 7 + 1),
            "pitch": 1.2 * sin(4 * pi * t / 7 + 0.5),
            "roll": sin(2 * pi * t / 7 + 2),
            "y": 0.012 * sin(4 * pi * t / 7),
            "scale": 0.004 * sin(4 * pi * t / 7),
        }

    def laugh(t: float) -> Array:
        much = hump(t, 0.1, 3.0, 0.5)
        shaking = much * (0.5 + 0.5 * sin(2 * pi * 4.5 * t))
        return row(
            1.0 * much * shapes.smile + (0.35 * much + 0.3 * shaking) * shapes.open,
            lids=0.38 * much,
            pitch=-7 * much + 2.2 * shaking,
            roll=3 * much,
            y=0.02 * shaking,
        )

    def look_around(t: float) -> Array:
        left, right, up = hump(t, 0.4, 1.8), hump(t, 1.9, 3.4), hump(t, 3.5, 4.6)
        quick = hump(t, 0.3, 1.7, 0.12), hump(t, 1.8, 3.3, 0.12), hump(t, 3.4, 4.5, 0.12)
        return row(
            0.4 * up * shapes.brows,
            lids=max(blink(t, 1.75), blink(t, 3.3), 0.0) - 0.1 * up,
            yaw=14 * (right - left),
            pitch=-6 * up,
            gaze_x=0.13 * (quick[1] - quick[0]),
            gaze_y=-0.06 * quick[2],
        )

    return {
        "blink": (1.0, lambda t: row(lids=blink(t, 0.3))),
        "nod": (
            1.6,
            lambda t: row(
                pitch=11 * sin(2 * pi * 1.4 * t) * sin(pi * min(t / 1.43, 1)),
                lids=max(0.15 * max(sin(2 * pi * 1.4 * t), 0) * (t < 1.43), blink(t, 1.25)),
            ),
        ),
        "shake": (
            1.7,
            lambda t: row(yaw=13 * sin(2 * pi * 1.3 * t) * sin(pi * min(t / 1.54, 1)), lids=blink(t, 0.1)),
        ),
        "idle": (7.0, lambda t: row(lids=max(blink(t, 1.6), blink(t, 5.2)), **still_life(t))),
        "smile": (
            3.2,
            lambda t: row(
                hump(t, 0.2, 3.0, 0.7) * shapes.smile,
                lids=max(0.15 * hump(t, 0.2, 3.0, 0.7), blink(t, 1.7)),
                roll=2.5 * hump(t, 0.3, 3.0, 0.9),
            ),
        ),
        "wink": (
            1.6,
            lambda t: row(
                0.35 * hump(t, 0.2, 1.3) * shapes.smile,
                lids=(0.1 * hump(t, 0.2, 1.3), 1.05 * hump(t, 0.35, 0.95, 0.15)),
                roll=5 * hump(t, 0.2, 1.3),
                yaw=-2.5 * hump(t, 0.2, 1.3),
            ),
        ),
        "laugh": (3.2, laugh),
        "kiss": (
            2.2,
            lambda t: row(
                hump(t, 0.2, 1.6, 0.4) * shapes.kiss + 0.4 * hump(t, 1.5, 2.2) * shapes.smile,
                lids=0.95 * hump(t, 0.5, 1.6, 0.25),
                scale=0.03 * hump(t, 0.3, 1.6, 0.5),
                pitch=-3 * hump(t, 0.3, 1.6, 0.5),
            ),
        ),
        "surprise": (
            2.6,
            lambda t: row(
                hump(t, 0.3, 2.3, 0.25) * (shapes.brows + 0.75 * shapes.open),
                lids=max(-0.22 * hump(t, 0.3, 2.3, 0.2), blink(t, 0.1)),
                pitch=-4 * hump(t, 0.3, 2.3),
                scale=-0.015 * hump(t, 0.3, 2.3),
            ),
        ),
        "doubt": (
            2.6,
            lambda t: row(
                hump(t, 0.2, 2.3, 0.4) * (0.9 * shapes.frown + 0.25 * shapes.kiss),
                lids=0.22 * hump(t, 0.2, 2.3, 0.4),
                roll=-5 * hump(t, 0.3, 2.3, 0.5),
                pitch=4 * hump(t, 0.3, 2.3, 0.5),
            ),
        ),
        "look-around": (5.0, look_around),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the motions in the box.")
    parser.add_argument("talker", type=Path)
    asked = parser.parse_args()
    kit = Kit(threads=1)
    shapes = Shapes.of(kit)
    BOX.mkdir(exist_ok=True)
    made = [
        Motion(name, FPS, np.stack([at(i / FPS) for i in range(round(seconds * FPS))]).astype(np.float32), True)
        for name, (seconds, at) in formulas(shapes).items()
    ]
    made.append(replace(motion_of(asked.talker, loop=True, kit=kit), name="talk"))
    for motion in made:
        path = BOX / f"{motion.name}.json"
        write_motion(motion, path, force=True)
        print(f"{path.name}: {len(motion)} frames, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
