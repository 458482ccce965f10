"""Photos of six kinds driven by five drivers: whether a face does what its driver does, stays who it is and as sharp as
it was, and how long a frame takes.

python benchmarks/animate.py DATA [--json FILE] [--show FOLDER]
python benchmarks/animate.py DATA --sheet FILE

DATA holds `selfies`, `london-angles768`, `faces256` (portraits with a table), `talkers` (clips) and `tracks` (landmarks
of faces in clips). Driver and result are compared by landmarks that are found anew in the result, each against its own
neutral frame. Self-reenactment: a talker's neutral frame is driven by the talker's own clip, and compared with it. --show
writes a sheet for each photo; --sheet only makes the picture of the docs, of people who do not exist or are long dead.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import figures
import numpy as np

from mien import read, stylize
from mien.edits.portrait import LAYOUT, own_side
from mien.edits.reenact_driver import DrivingFace
from mien.errors import FaceError
from mien.face import geometry, mesh
from mien.face.motion import Gesture, Motion
from mien.face.topology import BROWS, CREASES, LASHES, MOUTH_CORNERS
from mien.io import clip_reader, photo_writer
from mien.models.kit import Kit
from mien.pipeline.animate import Animation, animate
from mien.pipeline.motion import motion_of
from mien.pipeline.tracking import Tracker
from mien.types import Alignment, Array, Face, Photo

CONSENT = "people of research data sets, measured and not published"
FRAMES = 24  # of each driver
TRACKS = ("talk", "extremes", "yawn", "lively")
TALKER = "bbaf2n.mpg"
SPAN = 10.0  # degrees that a driver turns by, from which on its pose is compared
POSES = 18.0, 12.0, 10.0  # degrees of yaw, pitch and roll to either side
HOPPER = Path(__file__).parents[1] / "docs" / "hopper.jpg"


@dataclass(frozen=True, eq=False)
class Driver:
    """What drives, and what it does as landmarks see it: by name, a value a frame."""

    name: str
    motion: Motion
    does: dict[str, Array]
    frames: Array


def sources(data: Path, kit: Kit) -> dict[str, Photo]:
    """One photo of each kind."""
    with (data / "faces256" / "faces.csv").open(encoding="utf-8") as file:
        rows = [
            row for row in csv.DictReader(file) if row["source"].startswith("sfhq") and row["age"] >= "25"
        ]

    def someone(**asked: str) -> Photo:
        row = next(row for row in rows if all(row[name] == value for name, value in asked.items()))
        return read(data / "faces256" / "images" / row["file"])

    plain = {"glasses": "0", "beard": "0", "smile": "0", "mouth": "0"}
    return {
        "selfie": read(data / "selfies" / "30cm.jpg"),
        "studio": read(data / "london-angles768" / "009-neutral-front.jpg"),
        "glasses": someone(glasses="1"),
        "beard": someone(beard="2", glasses="0"),
        "painting": stylize(someone(**plain), "oil", kit=kit),
        "old photo": Photo(np.repeat(cv2.cvtColor(read(HOPPER).pixels, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)),
    }


def drivers(data: Path, kit: Kit) -> list[Driver]:
    """Tracks of landmarks, and a talker."""
    out: list[Driver] = []
    for name in TRACKS:
        with np.load(data / "tracks" / f"{name}.npz") as file:
            points, depth, fps = file["points"], file["depth"], float(file["fps"])
        faces = [
            Face(np.zeros(4), one.astype(np.float32), deep.astype(np.float32), 1.0, 0.0, 0.0, 0.0)
            for one, deep in zip(points, depth, strict=True)
        ]
        out.append(_driver(name, faces, fps, kit))
    path = data / "talkers" / TALKER
    tracker, faces = Tracker(kit, "largest"), list[Face]()
    for frame in clip_reader.frames(clip_reader.clip(path)):
        faces.append(next(iter(tracker.look(frame.pixels, frame.time).faces.values())))
    return [*out, _driver("talker", faces, 25.0, kit), _poses()]


def _poses() -> Driver:
    """A head that turns, nods and leans, by formula: no track turns far."""
    at = np.arange(FRAMES) / FRAMES
    angles = [most * np.sin(2 * np.pi * times * at) for most, times in zip(POSES, (1, 2, 3), strict=True)]
    values = np.concatenate([np.stack(angles, 1), np.zeros((FRAMES, 31))], 1).astype(np.float32)
    does: dict[str, Array] = {"yaw": angles[0], "pitch": angles[1], "roll": angles[2]}
    return Driver("poses", Motion("poses", 25.0, values), does, np.arange(FRAMES))


def _driver(name: str, faces: Sequence[Face], fps: float, kit: Kit) -> Driver:
    driving = DrivingFace.of(faces, kit.shapes.model)
    neutral = driving.neutral()
    motion = Motion(name, fps, driving.rows(neutral).astype(np.float32))
    frames = np.unique([neutral, *np.linspace(0, len(faces) - 1, FRAMES).astype(int)])
    seen = DrivingFace.of([faces[i] for i in frames], kit.shapes.model)
    return Driver(name, motion, measures(seen, int(np.searchsorted(frames, neutral))), frames)


def measures(faces: DrivingFace, neutral: int) -> dict[str, Array]:
    """What a face does over its frames, against a neutral one."""
    rows = faces.rows(neutral)
    shapes = faces.shapes
    corners, brows = shapes[:, list(MOUTH_CORNERS)], shapes[:, [i for row in BROWS for i in row]]
    lids = shapes[:, [i for row in (*CREASES, *LASHES) for i in row]]
    return {
        "yaw": rows[:, 0],
        "pitch": rows[:, 1],
        "roll": rows[:, 2],
        "mouth opening": faces.gaps,
        "smile": -corners[..., 1].mean(1),
        "mouth width": corners[:, 1, 0] - corners[:, 0, 0],
        "blink": rows[:, 6:8].mean(1),
        "gaze": rows[:, 8],
        "brows": lids[..., 1].mean(1) - brows[..., 1].mean(1),
    }


LEAST = {  # of a driver, below which there is nothing to follow
    "yaw": SPAN,
    "pitch": SPAN,
    "roll": SPAN,
    "mouth opening": 0.04,
    "smile": 0.03,
    "mouth width": 0.04,
    "blink": 0.5,
    "gaze": 0.06,
    "brows": 0.03,
}


def compared(kit: Kit, photo: Photo, driver: Driver, show: list[Array] | None) -> dict[str, Any]:
    """One photo and one driver as a row."""
    made = animate(photo, driver.motion, consent=CONSENT, kit=kit, fps=driver.motion.fps)
    frames = [made.frame(int(i)) for i in driver.frames]
    faces = [_largest(kit, pixels) for pixels in frames]
    if lost := sum(face is None for face in faces):
        return {"lost": lost}
    known = [face for face in faces if face is not None]
    seen = DrivingFace.of(known, kit.shapes.model)
    neutral = int(np.abs(driver.motion.values[driver.frames]).sum(1).argmin())
    does = measures(seen, neutral)  # the frame at which the photo is at rest
    row: dict[str, Any] = {"lost": 0}
    for name, wanted in driver.does.items():
        if np.ptp(wanted) >= LEAST[name]:
            a, b = wanted - wanted.mean(), does[name] - does[name].mean()
            row[name] = round(float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())), 3)
            row[f"{name} gain"] = round(float((a * b).sum() / (a * a).sum()), 3)
    own = _vector(kit, photo.pixels, known[neutral])
    apart = [
        float(np.linalg.norm(_vector(kit, pixels, face) - own))
        for pixels, face in zip(frames, known, strict=True)
    ]
    sharp = [
        _sharpness(pixels, face) / _sharpness(photo.pixels, known[neutral])
        for pixels, face in zip(frames, known, strict=True)
    ]
    left, top, right, bottom = made.actors[0].reenactor.region
    beyond = np.ones(photo.pixels.shape[:2], bool)
    beyond[top:bottom, left:right] = False
    row |= {
        "identity": round(float(np.median(apart)), 3),
        "worst identity": round(max(apart), 3),
        "sharpness": round(float(np.mean(sharp)), 3),
        "outside": int(sum((pixels != photo.pixels).any(2)[beyond].sum() for pixels in frames)),
    }
    if show is not None:
        show.append(np.hstack([_shown(made, pixels) for pixels in frames[:: max(len(frames) // 10, 1)][:10]]))
    return row


def _largest(kit: Kit, pixels: Array) -> Face | None:
    return max(kit.faces(pixels), key=lambda face: face.area, default=None)


def _vector(kit: Kit, pixels: Array, face: Face) -> Array:
    """A face by dlib's network, of whatever length: people are told apart at distances of .6."""
    embedder = kit.embedder()
    crop = geometry.align(pixels, face.landmarks, embedder.alignment)
    return embedder.net.run(pixels=embedder.net.tensor(crop.pixels))["vector"][0]


def _sharpness(pixels: Array, face: Face) -> float:
    crop = geometry.align(pixels, face.landmarks, Alignment(LAYOUT, own_side(face)))
    grey = cv2.cvtColor(crop.pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return float(
        np.abs(cv2.Laplacian(grey, cv2.CV_32F))[mesh.hull_mask(crop.landmarks, crop.size) > 0].mean()
    )


def _shown(made: Animation, pixels: Array, side: int = 200, wide: float = 3.8) -> Array:
    """A frame, cut to a square around the head of so many eye distances."""
    reenactor = made.actors[0].reenactor
    rest = reenactor.field.rest
    centre = rest.points[1, :2] + np.array(reenactor.region[:2])
    scale = side / (wide * rest.scale)
    matrix = np.column_stack([np.eye(2) * scale, side / 2 - scale * centre])
    return geometry.warp(pixels, matrix, side, border=cv2.BORDER_REPLICATE)


def self_reenactment(kit: Kit, data: Path) -> dict[str, float]:
    """How far a talker's frames are from their own neutral frame driven by them, and from that frame left still, in
    levels in the face; medians over talkers."""
    made, still = list[float](), list[float]()
    for path in sorted((data / "talkers").glob("*.mpg")):
        film = clip_reader.clip(path)
        frames = [frame.pixels for frame in clip_reader.frames(film)]
        motion = motion_of(path, kit=kit)
        neutral = int(np.abs(motion.values).sum(1).argmin())
        try:
            drawn = animate(Photo(frames[neutral]), motion, consent=CONSENT, kit=kit)
        except FaceError as error:
            print(path.name, error)
            continue
        own = list[tuple[float, float]]()
        for i in range(0, len(frames), 6):
            face = _largest(kit, frames[i])
            if face is None:
                continue
            inside = np.zeros(frames[i].shape[:2], np.uint8)
            hull = cv2.convexHull(face.landmarks[:468].astype(np.float32))[:, 0]
            cv2.fillConvexPoly(inside, np.rint(hull).astype(np.int32), 1)
            a, b = (
                float(np.abs(frames[i].astype(int) - other)[inside > 0].mean())
                for other in (drawn.frame(i), frames[neutral])
            )
            own.append((a, b))
        made.append(float(np.mean([a for a, _ in own])))
        still.append(float(np.mean([b for _, b in own])))
    return {
        "self_made": round(float(np.median(made)), 2),
        "self_still": round(float(np.median(still)), 2),
        "self_ratio": round(float(np.median(np.array(made) / np.array(still))), 3),
    }


def turned(kit: Kit, data: Path, people: int = 12) -> dict[str, float]:
    """Fronts turned as far as a photo allows towards the true three-quarter picture: how far the landmarks lie from the
    true ones, over the eye distance, and how far those of the front do."""
    made, nothing = list[float](), list[float]()
    for front in sorted((data / "london-angles768").glob("*-neutral-front.jpg"))[:people]:
        photo = read(front)
        for side in ("left", "right"):
            true = _largest(
                kit, read(front.with_name(front.name.replace("front", f"{side}_3quarter"))).pixels
            )
            own = _largest(kit, photo.pixels)
            if true is None or own is None:
                continue
            seen = DrivingFace.of([own, true], kit.shapes.model)
            gesture = Gesture.of(np.concatenate([seen.rows(0)[1][:3], np.zeros(31)]).astype(np.float32))
            motion = Motion("turn", 25.0, np.stack([gesture.row]))
            try:
                after = _largest(kit, animate(photo, motion, consent=CONSENT, kit=kit).frame(0))
            except FaceError as error:
                print(front.name, error)
                break
            if after is not None:
                made.append(_apart(after, true))
                nothing.append(_apart(own, true))
    return {
        "turned_made": round(float(np.median(made)), 3),
        "turned_nothing": round(float(np.median(nothing)), 3),
    }


def _apart(face: Face, other: Face) -> float:
    """How far the landmarks of two faces are apart after the best similarity, over the eye distance: the median."""
    a, b = (one.landmarks[:468].astype(np.float64) @ np.array([1, 1j]) for one in (face, other))
    a, b = a - a.mean(), b - b.mean()
    turn = np.vdot(a, b) / np.vdot(a, a)
    return float(np.median(np.abs(turn * a - b))) / geometry.eye_distance(other.landmarks)


def speed(kit: Kit, data: Path) -> dict[str, float]:
    """Seconds of one core for a frame of 512 pixels, and for preparing the photo."""
    photo = read(data / "selfies" / "30cm.jpg")
    start = time.process_time()
    made = animate(photo, "talk", consent=CONSENT, size=512, kit=kit)
    prepared = time.process_time() - start
    start = time.process_time()
    for number in range(len(made)):
        made.frame(number)
    return {
        "frame_ms": round(1000 * (time.process_time() - start) / len(made), 1),
        "prepared_seconds": round(prepared, 2),
    }


SHEET = ("glasses", "beard", "painting", "old photo")
SHOWN = {  # motions, and the second of each that is shown
    "look-around": 2.4,
    "nod": 0.5,
    "blink": 0.4,
    "smile": 1.5,
    "laugh": 1.3,
    "surprise": 1.2,
    "kiss": 0.9,
    "wink": 0.7,
    "talk": 0.5,
}


def sheet(kit: Kit, data: Path, path: Path) -> None:
    """Photos and what motions in the box make of them, as one picture with its label."""
    rows: list[Array] = []
    history = ()
    for kind, photo in sources(data, kit).items():
        if kind not in SHEET:
            continue
        row: list[Array] = []
        for name, seconds in SHOWN.items():
            made = animate(photo, name, consent="people who do not exist, public domain", kit=kit)
            row = row or [_shown(made, photo.pixels, 150, 2.7)]
            row.append(_shown(made, made.frame(round(seconds * made.fps)), 150, 2.7))
            history = (made.step,)
        rows.append(np.hstack(row))
    photo_writer.write(Photo(np.vstack(rows), history=history), path, quality=85, force=True)


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians over photos and drivers."""
    out: dict[str, Any] = {"clips": len(rows), "lost": sum(row["lost"] > 0 for row in rows)}
    names = dict.fromkeys(
        name for row in rows for name in row if name not in ("photo", "driver", "lost", "outside")
    )
    for name in names:
        out[name.replace(" ", "_")] = round(float(np.median([row[name] for row in rows if name in row])), 3)
    return out | {"outside": sum(row.get("outside", 0) for row in rows)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--show", type=Path)
    parser.add_argument("--sheet", type=Path)
    asked = parser.parse_args()
    kit = Kit(threads=1)
    cv2.setNumThreads(1)
    if asked.sheet:
        sheet(kit, asked.data, asked.sheet)
        return
    rows: list[dict[str, Any]] = []
    all_drivers = drivers(asked.data, kit)
    for kind, photo in sources(asked.data, kit).items():
        shown: list[Array] = []
        for driver in all_drivers:
            row = compared(kit, photo, driver, shown if asked.show else None)
            rows.append({"photo": kind, "driver": driver.name} | row)
            print(rows[-1], flush=True)
        if asked.show:
            picture = cv2.cvtColor(np.vstack(shown), cv2.COLOR_RGB2BGR)
            cv2.imwrite(str(asked.show / f"{kind.replace(' ', '-')}.png"), picture)
    about = (
        summary(rows) | self_reenactment(kit, asked.data) | turned(kit, asked.data) | speed(kit, asked.data)
    )
    print(about)
    figures.save(asked.json, "python benchmarks/animate.py DATA --json FILE", rows, **about)


if __name__ == "__main__":
    main()
