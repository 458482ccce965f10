"""The clip level: a clip is edited part by part, so that a run that was interrupted need not do again what it has done."""

from __future__ import annotations

import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from . import apply, footage, video
from .clips import FADE, KEYS, Line
from .errors import FaceError, OutputError, RequestError
from .kit import Kit
from .tracks import Sight, Tracker
from .types import Clip, Edit, Face

PART = 4  # seconds


class Stopped(KeyboardInterrupt):
    """Someone wants the run to end; what is done is kept."""


@dataclass(frozen=True)
class Summary:
    """What was done to a clip: frames written, their rate, and how many faces were edited."""

    frames: int
    fps: float
    faces: int


@dataclass
class Parts:
    """The folder with what is done of a clip: encoded parts, what was asked, and what the next part needs to know.

    done.json is written last, and replaced in one go: what it does not name was never made.
    """

    folder: Path
    request: dict[str, Any]
    names: list[str] = field(default_factory=list)
    frames: int = 0
    edited: list[int] = field(default_factory=list)

    def begin(self, line: Line, *, resume: bool, force: bool) -> int | None:
        """Make the folder, or set `line` up to go on after what is in there; returns the time stamp to go on from."""
        told = self.folder / "done.json"
        if not self.folder.exists() or (force and not resume):
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir()
            return None
        if not resume:
            raise OutputError(f"{self.folder} holds what an earlier run has done: go on with --resume, or begin anew with --force")
        if not told.exists():
            return None
        try:
            known = json.loads(told.read_text(encoding="utf-8"))
            if known["request"] != json.loads(json.dumps(self.request)):
                raise RequestError(f"{self.folder} was begun with another request or clip: give the same, or begin anew with --force")
            if not known["parts"]:
                return None
            self.names, self.frames, self.edited = known["parts"], known["frames"], known["edited"]
            return restore(line, self.folder / known["state"], self.frames)
        except (ValueError, KeyError, OSError) as error:
            raise OutputError(f"{self.folder} is damaged ({error}): begin anew with --force") from error

    def add(self, pictures: Iterator[Any], clip: Clip, line: Line) -> None:
        """Encode one more part."""
        name = f"{len(self.names):05d}"
        self.frames += video.encode(pictures, self.folder / f"{name}.nut", clip)
        self.names.append(f"{name}.nut")
        self.edited = sorted(line.edited)
        state = f"{name}.npz"
        keep(line, self.folder / state)
        told = {"request": self.request, "parts": self.names, "frames": self.frames, "edited": self.edited, "state": state}
        draft = self.folder / "done.part"
        with draft.open("w", encoding="utf-8") as file:
            json.dump(told, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.folder / "done.json")
        for old in self.folder.glob("*.npz"):
            if old.name != state:
                old.unlink()


def keep(line: Line, path: Path) -> None:
    """Write what a line knows, but for pictures: a few frames' faces, and the tracker."""
    tracker, numbers = line.tracker, list(line.sights)
    rows = [(n, name, face) for n in numbers for name, face in line.sights[n].faces.items()]
    told = {
        "tracker": {name: getattr(tracker, name) for name in ("lost", "issued", "waited")} | {"meant": sorted(tracker.meant)},
        "sights": [[n, line.ticks[n], line.sights[n].time, line.sights[n].cut, sorted(line.sights[n].meant)] for n in numbers],
        "faces": [[n, name, face.score, face.roll, face.yaw, face.pitch] for n, name, face in rows],
    }
    arrays: Any = {name: np.array([getattr(face, name) for _, _, face in rows], np.float32) for name in ("box", "landmarks", "depth")}
    with path.open("wb") as file:
        np.savez(file, told=np.array(json.dumps(told)), afar=np.array(tracker.afar), **arrays)
        file.flush()
        os.fsync(file.fileno())


def restore(line: Line, path: Path, start: int) -> int:
    """Give a new line what `keep` has written, so that the next frame it draws is number `start`; returns the time stamp of the
    first frame that it must see for that."""
    with np.load(path, allow_pickle=False) as file:
        told, arrays = json.loads(str(file["told"])), {name: file[name] for name in ("box", "landmarks", "depth", "afar")}
    faces: dict[int, dict[int, Face]] = {}
    for row, (n, name, *rest) in enumerate(told["faces"]):
        faces.setdefault(n, {})[name] = Face(arrays["box"][row], arrays["landmarks"][row], arrays["depth"][row], *rest)
    for n, tick, time, cut, meant in told["sights"]:
        line.sights[n], line.ticks[n] = Sight(time, cut, faces.get(n, {}), frozenset(meant)), tick
    tracker, known = line.tracker, told["tracker"]
    tracker.lost = {int(name): (box, ago) for name, (box, ago) in known["lost"].items()}
    tracker.issued, tracker.waited, tracker.meant = known["issued"], known["waited"], frozenset(known["meant"])
    tracker.live, tracker.afar, line.start = dict(line.sights[max(line.sights)].faces), arrays["afar"], start
    return line.ticks[min(line.sights)]


def edit(
    clip: Clip,
    out: Path,
    stages: Sequence[Edit],
    kit: Kit,
    arguments: dict[str, Any],
    *,
    which: str,
    resume: bool,
    force: bool,
    report: Callable[[int], None],
    stopped: Callable[[], bool],
) -> Summary:
    """Edit a clip part by part and write it at `out`; what is done lies in `out`.parts until then."""
    video.target(out, force=force)
    fps = float(clip.fps)
    line = Line(Tracker(kit, which), stages, max(1, round(fps / KEYS)), max(2, round(fps * FADE)))
    about = Path(clip.path).stat()
    request = {"clip": [Path(clip.path).name, about.st_size, about.st_mtime_ns], "edit": arguments}
    request["networks"] = [list(one) for edit in stages for one in edit.networks]
    parts = Parts(out.with_name(f"{out.name}.parts"), request)
    try:
        ticks = parts.begin(line, resume=resume, force=force)
        line.edited |= set(parts.edited)
        first = min(line.sights, default=0)
        pictures = line.run(footage.frames(clip, begin=first, ticks=ticks))
        for head in pictures:
            part = itertools.islice(itertools.chain([head], pictures), max(1, round(PART * fps)))
            parts.add(_watched(part, parts.frames, report, stopped), clip, line)
            if stopped():
                raise Stopped
        if not line.edited:
            shutil.rmtree(parts.folder)
            said = "no face found" if which in ("all", "largest") else f"there is no face {which}"
            raise FaceError(f"{clip.path}: {said} in {parts.frames} frames: nothing was written")
        history = (apply.edited(stages, arguments),)
        video.join(clip, [parts.folder / name for name in parts.names], out, history=history, force=force)
    except OSError as error:
        raise video.full(out, error) from error
    shutil.rmtree(parts.folder, ignore_errors=True)
    return Summary(parts.frames, fps, len(line.edited))


def _watched(pictures: Iterator[Any], done: int, report: Callable[[int], None], stopped: Callable[[], bool]) -> Iterator[Any]:
    """The same pictures, told of one by one; they end early when the run is to end."""
    for number, picture in enumerate(pictures, done + 1):
        yield picture
        report(number)
        if stopped():
            return
