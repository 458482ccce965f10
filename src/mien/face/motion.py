"""How a head moves, turns and expresses over time, without a picture of anybody: what an animation is driven by.

Angles are in degrees with the signs of `Face`, lengths in eye distances (between the middles of the two eyes), and
all of it is told from a frame in which the head looks ahead at rest.
"""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import InputError
from ..types import Array
from ..words import fault

# what a frame tells before its expression, and the largest value of each that a file can hold
RANGES = {
    "yaw": 45.0,
    "pitch": 45.0,
    "roll": 45.0,
    "x": 1.0,
    "y": 1.0,
    "scale": 0.25,
    "lid_left": 1.1,
    "lid_right": 1.1,
    "gaze_x": 0.3,
    "gaze_y": 0.3,
}
TOLD = len(RANGES)
EXPRESSION = 12.0  # standard deviations: the largest value of each mode that a file can hold
STEPS = 127  # of a value in a file, each way
SCHEMA = 1
BASIS = "shapes"  # whose modes of expression are meant
LONGEST = 200_000  # frames of a file, more than two hours


@dataclass(frozen=True, eq=False)
class Gesture:
    """What a head does in one frame. turn `[3]`: yaw, pitch, roll; shift `[2]`: how far the pivot in its neck has gone
    right and down; scale: how much larger it is, 0 for not at all; lids `[2]`: how far each eye is shut, 0 as at rest
    to 1, below 0 wider; gaze `[2]`: how far the irises have gone right and down, in widths of an eye; expression
    `[E]`: of the shape model, in standard deviations."""

    turn: Array
    shift: Array
    scale: float
    lids: Array
    gaze: Array
    expression: Array

    @staticmethod
    def of(row: Array) -> Gesture:
        """A row of `Motion.values`."""
        return Gesture(row[:3], row[3:5], float(row[5]), row[6:8], row[8:TOLD], row[TOLD:])

    @property
    def row(self) -> Array:
        return np.concatenate(
            [self.turn, self.shift, [self.scale], self.lids, self.gaze, self.expression]
        ).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Motion:
    """A named run of gestures, `values [n, 10 + E]` with a row a frame in the order of RANGES, then the expression.
    loop: the last frame goes over into the first."""

    name: str
    fps: float
    values: Array
    loop: bool = False

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        return f"<Motion {self.name}: {len(self)} frames, {self.seconds:.1f} s{', loop' * self.loop}>"

    @property
    def seconds(self) -> float:
        return len(self) / self.fps

    def at(self, seconds: float) -> Gesture:
        """What the head does at a time: between two frames what lies between them; a loop begins anew, and other
        motions stay as they end."""
        place = seconds * self.fps
        place = place % len(self) if self.loop else float(np.clip(place, 0, len(self) - 1))
        before = int(place)
        after = (before + 1) % len(self) if self.loop else min(before + 1, len(self) - 1)
        share = np.float32(place - before)
        return Gesture.of(self.values[before] + share * (self.values[after] - self.values[before]))

    def looped(self, seconds: float) -> Motion:
        """The motion with its last `seconds` led over into its first frame, so that it can be shown again and
        again."""
        count = min(round(seconds * self.fps), len(self) // 4)
        t = np.linspace(0, 1, count + 2)[1:-1, None]
        share = t * t * (3 - 2 * t)
        values = self.values.copy()
        values[len(self) - count :] += share * (values[:1] - values[len(self) - count :])
        return replace(self, values=values.astype(np.float32), loop=True)

    def text(self) -> str:
        """The motion as a file holds it: JSON in which the values lie as 8-bit numbers, each column as its differences
        in time, packed."""
        steps = np.rint(np.clip(self.values / _ranges(self.values.shape[1]), -1, 1) * STEPS).astype(np.int8)
        differences = np.diff(steps, axis=0, prepend=np.zeros((1, steps.shape[1]), np.int8))
        packed = base64.b64encode(zlib.compress(differences.astype(np.int8).T.tobytes(), 9))
        told = {
            "motion": SCHEMA,
            "name": self.name,
            "fps": round(self.fps, 4),
            "frames": len(self),
            "loop": self.loop,
            "basis": BASIS,
            "columns": _names(self.values.shape[1]),
            "data": packed.decode(),
        }
        return json.dumps(told, indent=1) + "\n"

    @staticmethod
    def parse(text: str, name: str, modes: int) -> Motion:
        """What a file called `name` holds, for a shape model with so many `modes` of expression; an `InputError` where
        that is no motion."""
        try:
            told: dict[str, Any] = json.loads(text)
            schema, basis, columns, names = told["motion"], told["basis"], TOLD + modes, list(told["columns"])
            if schema != SCHEMA or basis != BASIS or sorted(names) != sorted(_names(columns)):
                raise InputError(
                    f"{name} is a motion of another version of mien: make it anew with `mien motion`"
                )
            fps, count = float(told["fps"]), int(told["frames"])
            if not (1 <= count <= LONGEST and 1 <= fps <= 240):
                raise ValueError(f"{count} frames at {fps:g} a second")
            unpack = zlib.decompressobj()
            data = unpack.decompress(base64.b64decode(told["data"], validate=True), count * columns + 1)
            if len(data) != count * columns:
                raise ValueError(f"{len(data)} values, {count * columns} were wanted")
        except InputError:
            raise
        except (
            ArithmeticError,
            AttributeError,
            LookupError,
            RecursionError,
            TypeError,
            ValueError,
            zlib.error,
        ) as error:
            raise InputError(f"{name} is no motion that can be read ({fault(error)})") from error
        order = [names.index(name) for name in _names(columns)]
        differences = np.frombuffer(data, np.int8).reshape(columns, count)[order].T
        steps = np.cumsum(differences, axis=0, dtype=np.int64).astype(np.int8)
        values = (steps / STEPS * _ranges(columns)).astype(np.float32)
        return Motion(str(told.get("name") or name), fps, values, bool(told.get("loop")))


def still(modes: int) -> Gesture:
    """Nothing moves; `modes` of expression."""
    return Gesture.of(np.zeros(TOLD + modes, np.float32))


def _names(columns: int) -> list[str]:
    return [*RANGES, *(f"e{k}" for k in range(columns - TOLD))]


def _ranges(columns: int) -> Array:
    return np.array([*RANGES.values(), *[EXPRESSION] * (columns - TOLD)])
