"""Make the motions in the box: by formula, and one of talking from a clip -> `src/mien/data/motions/*.json`.

    python tools/motions.py TALKER.mpg

What a face expresses is put together of a few shapes: a smile, an open mouth, a kiss, raised and drawn brows. Each is
what the network for blendshapes sees as such in the mean head, moved by the shape model's modes. TALKER is a clip of the
GRID corpus (Cooke et al. 2006, doi 10.5281/zenodo.3625687, CC BY 4.0), of which only the motion is taken.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mien.face.motion import TOLD, Motion
from mien.face.shape import irises_with_lids
from mien.models.blendshapes import NAMES
from mien.models.kit import Kit
from mien.pipeline.motion import motion_of, write_motion
from mien.types import Array

BOX = Path(__file__).parents[1] / "src" / "mien" / "data" / "motions"
FPS = 25.0
COLUMNS = {"yaw": 0, "pitch": 1, "roll": 2, "x": 3, "y": 4, "scale": 5, "gaze_x": 8, "gaze_y": 9}
LIDS = slice(6, 8)


# what each shape is, by the network's names of expressions (those with two sides without theirs)
SHAPES = {
    "smile": {"mouthSmile": 0.9},
    "open": {"jawOpen": 0.5},
    "kiss": {"mouthPucker": 0.95},
    "brows": {"browInnerUp": 0.9, "browOuterUp": 0.8},
    "frown": {"browDown": 0.8},
}
TOLD_BY = ("brow", "mouth", "jaw", "cheek", "nose")  # what a face does beside its lids
ROUNDS, STEP, RIDGE = 25, 0.15, 0.02
PIXELS = 4.0  # per mm, of the face that the network is shown


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
        return Shapes(**{name: expression(kit, wanted) for name, wanted in SHAPES.items()})


def expression(kit: Kit, wanted: Mapping[str, float]) -> Array:
    """The expression `[E]` of the mean head that the network for blendshapes sees as what is wanted and nothing else:
    by Gauss and Newton, with a ridge."""
    model = kit.shapes.model
    size = len(model.expression)
    names = [name for name in NAMES if name.startswith(TOLD_BY)]

    def seen(at: Array) -> Array:
        points = model.mean + irises_with_lids(model.expression_offsets(at))
        found = kit.blendshapes.coefficients((PIXELS * points[:, :2]).astype(np.float32))
        return np.array([found[name] for name in names])

    out = np.zeros(size)
    goal, weight = seen(out), np.ones(len(names))
    for i, name in enumerate(names):
        base = name.removesuffix("Left").removesuffix("Right")
        if base in wanted:
            goal[i], weight[i] = wanted[base], 2
    for _ in range(ROUNDS):
        slope = np.stack([seen(out + STEP * one) - seen(out - STEP * one) for one in np.eye(size)], 1)
        slope *= weight[:, None] / (2 * STEP)
        off = (goal - seen(out)) * weight
        move = np.linalg.solve(slope.T @ slope + RIDGE * np.eye(size), slope.T @ off - STEP * RIDGE * out)
        out += 0.7 * np.clip(move, -1, 1)
    print(f"  {', '.join(wanted)}: {np.abs(goal - seen(out))[weight > 1].max():.2f} short")
    return out


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
    return (
        float(np.clip(after / 0.08, 0, 1) * np.clip((0.27 - after) / 0.15, 0, 1)) if 0 < after < 0.27 else 0.0
    )


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
                hump(t, 0.3, 2.3, 0.25) * (1.3 * shapes.brows + 1.2 * shapes.open),
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
        Motion(
            name, FPS, np.stack([at(i / FPS) for i in range(round(seconds * FPS))]).astype(np.float32), True
        )
        for name, (seconds, at) in formulas(shapes).items()
    ]
    made.append(replace(motion_of(asked.talker, loop=True, kit=kit), name="talk"))
    for motion in made:
        path = BOX / f"{motion.name}.json"
        write_motion(motion, path, force=True)
        print(f"{path.name}: {len(motion)} frames, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
