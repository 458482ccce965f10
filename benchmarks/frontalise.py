"""How near `mien frontalise` comes to a photo of the same person from the front, against the turned photo as it is.

    python benchmarks/frontalise.py ANGLES [--people 20] [--json benchmarks/results/frontalise.json]

ANGLES holds `ID-neutral-{front,left_3quarter,right_3quarter}.jpg`, as the Face Research Lab London Set does. Landmarks
are how far they are off over the distance of the eyes, laid out as FFHQ is; skin is the mean difference in levels inside
the face, its mean colour taken off; identity is the distance by the network in the box (dlib's, 0.6 is its threshold).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from figures import save
from nobody import vector
from sketch import found, laid_out, off

from mien import DeclinedError, Kit, read, verbs
from mien.face import geometry, mesh
from mien.types import Alignment, Array, Face

SIDE = 256
SIDES = ("left_3quarter", "right_3quarter")


def inside(pixels: Array, face: Face, wanted: Array) -> Array:
    """The face laid out, its mean colour taken off, where the true one is: `[n, 3]`."""
    crop = geometry.align(pixels, face.landmarks, Alignment("ffhq", SIDE)).pixels.astype(np.float32)
    hull = cv2.erode(mesh.hull_mask(wanted.astype(np.float32), SIDE), np.ones((17, 17), np.uint8)) > 0
    return crop[hull] - crop[hull].mean(0)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("angles", type=Path)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    kit, rows, declined = Kit(threads=1), dict[str, list[tuple[float, ...]]](), 0
    for place in sorted(asked.angles.glob("*-neutral-front.jpg"))[: asked.people]:
        front = read(place).pixels
        true = found(kit, front)
        assert true is not None
        wanted, who = laid_out(true.landmarks), vector(kit, front, true.landmarks)
        for side in SIDES:
            photo = read(place.with_name(place.name.replace("front", side)))
            try:
                shown = {"photo": photo.pixels, "frontalised": verbs.frontalise(photo, kit=kit).pixels}
            except DeclinedError:
                declined += 1
                continue
            for name, pixels in shown.items():
                face = found(kit, pixels)
                assert face is not None
                unlike = np.abs(inside(pixels, face, wanted) - inside(front, true, wanted)).mean()
                apart = float(np.linalg.norm(vector(kit, pixels, face.landmarks) - who))
                row = off(laid_out(face.landmarks), wanted), float(unlike), apart, abs(face.yaw)
                rows.setdefault(name, []).append(row)
    out: list[dict[str, Any]] = [
        {
            "what": name,
            **dict(
                zip(
                    ("landmarks", "skin", "identity", "yaw"),
                    np.median(found_, 0).round(3).tolist(),
                    strict=True,
                )
            ),
        }
        for name, found_ in rows.items()
    ]
    for row in out:
        print(row)
    about = {"people": asked.people, "photos": len(SIDES) * asked.people, "declined": declined}
    save(asked.json, "python benchmarks/frontalise.py ANGLES --json FILE", out, **about)


if __name__ == "__main__":
    main()
