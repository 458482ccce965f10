"""A worker: the process that does the tasks of a queue, one after the other.

work          until nothing waits any more
carry_out     one verb, one file, written whole or not at all
requested     what a job's arguments ask for, as the command line would build it
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..edits.effect_pack import Pack
from ..edits.effect_pack import read as read_pack
from ..edits.keys import LONGEST, taken_keys
from ..edits.request import EditRequest
from ..errors import DeclinedError, MienError, OutputError, RequestError
from ..io import photo_writer
from ..models.kit import shared_kit
from ..types import Person, Progress
from . import batch
from .animate import animate
from .gallery import Gallery
from .jobs import TRAINING, Queue, Task
from .pair import SIDES, Pair, Side, export_pair, extract_side, train_pair
from .stylize import stylize, stylize_clip
from .swap import SwapRequest
from .swap_face import Assignment, SwapOptions

RENEWED = 3.0  # seconds between two renewals of a photo's lease
WATCHED = 0.5  # and of a clip's, whose progress is looked at
MOST_TRIES = 3
IDLE = 20.0  # seconds without a task after which a worker ends
PAUSE = 0.25  # seconds between two looks for a task
PERSON = ".person.json"  # end of the name of a file that says who is meant
ABOUT: dict[str, Any] = {  # of an edit, what is no strength, and its types
    "face": (str, Person),
    "method": str,
    "network": str,
    "directions": dict,
    "pack": Pack,
    "licence": str,
    "start": (int, float),
    "end": (int, float),
    "keys": (list, tuple),
}


class _Watched:
    """Progress of a task: kept in the queue, from which the wish to stop comes too."""

    def __init__(self, queue: Queue, task: Task, worker: str) -> None:
        self._queue, self._task, self._worker = queue, task, worker
        self._far, self._stop, self._over = (0, 1), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._renew, daemon=True)
        self._thread.start()

    def advance(self, done: int, total: int) -> None:
        self._far = done, max(total, 1)

    def message(self, text: str) -> None: ...

    @property
    def cancelled(self) -> bool:
        return self._stop.is_set()

    def close(self) -> None:
        self._over.set()
        self._thread.join()

    def _renew(self) -> None:
        while not self._over.wait(WATCHED if self._far[1] > 1 else RENEWED):
            if not self._queue.renew(self._task, self._worker, *self._far):
                self._stop.set()
                return


def work(path: Path, *, training: bool = False, threads: int = 1, idle: float = IDLE) -> None:
    """Do tasks of the queue at `path`, those of training or all others, until none has waited for `idle` seconds, or
    until this process is told to end while it trains."""
    queue, worker, since = Queue(path), f"{os.getpid()}-{secrets.token_hex(4)}", time.monotonic()
    while time.monotonic() - since < idle:
        task = queue.claim(worker, training=training)
        if task is None:
            time.sleep(PAUSE)
            continue
        if not _do(queue, task, worker, threads):
            return
        since = time.monotonic()


def _do(queue: Queue, task: Task, worker: str, threads: int) -> bool:
    """Do a task; whether this process is to do more."""
    began, watched = time.monotonic(), _Watched(queue, task, worker)
    state, note = "done", ""
    try:
        if task.tries > MOST_TRIES:
            raise MienError(f"given up after {MOST_TRIES} tries: {batch.KILLED}")
        note = carry_out(
            task.verb, task.arguments, task.source, task.target, threads=threads, progress=watched
        )
    except KeyboardInterrupt:  # it was told to rest, and goes on later
        state = "waiting"
    except DeclinedError as error:
        state, note = "declined", str(error)
    except (MienError, OSError) as error:
        state, note = "failed", str(error)
    except MemoryError:
        state, note = "failed", "there is not enough memory for this file"
    except Exception as error:  # one broken file must not stop the others
        state, note = "failed", batch.bug(error)
    finally:
        watched.close()
    for place in (task.source, task.target):  # people know their files by their own names
        note = note.replace(str(place), task.item)
    queue.end(task, worker, state, note, time.monotonic() - began)
    return state != "waiting" or watched.cancelled


def carry_out(
    verb: str, arguments: dict[str, Any], source: Path, target: Path, *, threads: int, progress: Progress
) -> str:
    """Do a verb to one photo or clip and write the result; what is to be said of it. A result of the same request
    that is there and intact is left."""
    if verb in DRAWN:
        # it takes its place when it is whole
        return "" if target.is_file() else DRAWN[verb](arguments, source, target, threads, progress)
    request = requested(verb, arguments)
    job = batch.Job(source, target, request if batch.is_clip(source) else batch.still(request), force=True)
    with contextlib.suppress(OutputError):  # of another request, or without a label: it is made anew
        if target.is_file() and batch.done(job):
            return ""
    if batch.is_clip(source):
        told = batch.edit_film(job, resume=True, progress=progress).told
    else:
        told = batch.edit_one(job, shared_kit(job.request.licence, threads)).told
    return "; ".join(told.get("notes", ()))


def _stylized(arguments: dict[str, Any], source: Path, target: Path, threads: int, progress: Progress) -> str:
    """`manner`: one in the box, or a painting's path; `strength`, `face`, `start` and `end` as `stylize` takes them."""
    face = arguments.get("face")
    how: dict[str, Any] = {"strength": float(arguments.get("strength", 1)), "face": face and _meant(face)}
    how["kit"] = shared_kit(None, threads)
    if batch.is_clip(source):
        how |= part_asked(arguments)
        told = stylize_clip(source, target, arguments["manner"], resume=True, progress=progress, **how)
        return "; ".join(told.notes)
    photo_writer.write(stylize(source, arguments["manner"], **how), target)
    return ""


def _animated(arguments: dict[str, Any], source: Path, target: Path, threads: int, progress: Progress) -> str:
    """`motion`: one in the box, or a driving clip's path; `consent`, `strength`, `regions`, `face` as `animate` has
    them."""
    how: dict[str, Any] = dict(arguments) | {
        "regions": tuple(arguments["regions"]),
        "kit": shared_kit(None, threads),
    }
    return "; ".join(
        animate(source, how.pop("motion"), **how).write(target, resume=True, progress=progress).notes
    )


def _extracted(
    arguments: dict[str, Any], source: Path, target: Path, threads: int, progress: Progress
) -> str:
    """`names` of the two people of a pair, of whom the source is one's folder."""
    return extract_side(Side(source), arguments["names"][SIDES.index(source.name)], threads, progress)


def _trained(arguments: dict[str, Any], source: Path, target: Path, threads: int, progress: Progress) -> str:
    """`preset` by which the pair in the source is trained."""
    train_pair(Pair.of(source), arguments["preset"], threads, progress)
    return ""


def _exported(arguments: dict[str, Any], source: Path, target: Path, threads: int, progress: Progress) -> str:
    """`names` that the networks of the pair in the source get."""
    export_pair(Pair.of(source), arguments["names"])
    return ""


DRAWN = {  # what is no change of a face that was there
    "stylize": _stylized,
    "animate": _animated,
    "extract": _extracted,
    TRAINING: _trained,
    "export": _exported,
}


def requested(verb: str, arguments: dict[str, Any]) -> batch.Request:
    """The request that a job's arguments are, checked."""
    if verb == "edit":
        files: dict[str, Any] = {}
        if face := arguments.get("face"):
            files["face"] = _meant(face)
        if pack := arguments.get("pack"):
            files["pack"] = read_pack(Path(pack))
        return edit_requested(arguments | files)
    if verb == "swap":
        return swap_requested(arguments)
    raise RequestError(f"no job does {verb!r}: edit, swap, stylize or animate was wanted")


def edit_requested(arguments: dict[str, Any]) -> EditRequest:
    """Strengths by name, and `face`, `method`, `network`, `directions`, `pack`, `licence`, `start`, `end`, `keys` beside them."""
    about = {name: value for name, value in arguments.items() if name in ABOUT}
    strengths = {name: value for name, value in arguments.items() if name not in ABOUT}
    for name, kind in ABOUT.items():
        if about.get(name) is not None and not isinstance(about[name], kind):
            raise RequestError(f"{name} {about[name]!r} is of the wrong kind")
    about |= {"keys": taken_keys(about.get("keys") or ())}
    return EditRequest(strengths, **(about | part_asked(arguments))).checked()


def part_asked(arguments: dict[str, Any]) -> dict[str, Any]:
    """`start` and `end` of a clip in seconds, as far as they are given; a `RequestError` where they make no sense."""
    part = {name: arguments[name] for name in ("start", "end") if arguments.get(name) is not None}
    for name, value in part.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < LONGEST:
            raise RequestError(f"{name} {value!r} is no time in a clip: seconds from its start were wanted")
    if len(part) == 2 and part["start"] >= part["end"]:
        raise RequestError(f"the part ends at {part['end']:g} seconds, before it begins at {part['start']:g}")
    return part


def kept_person(person: Person, path: Path) -> str:
    """A person as a file, by the name that a job's arguments have for them."""
    path.write_text(json.dumps(asdict(person)), encoding="utf-8")
    return str(path)


def _meant(face: str) -> str | Person:
    """The faces that a job's arguments mean, who may be a person in a file."""
    if not face.endswith(PERSON):
        return face
    told = json.loads(Path(face).read_text(encoding="utf-8"))
    return Person(told["name"], told["sha256"], tuple(told["vector"]))


def swap_requested(arguments: dict[str, Any]) -> SwapRequest:
    """`mapping`: pairs of a gallery's path and a face; `consent`, `strength`, `shape`, `keep`, `with`, `start`, `end`
    as `swap` takes them."""
    pairs = [Assignment(Gallery.of(Path(source)), _meant(face)) for source, face in arguments["mapping"]]
    options = SwapOptions(
        float(arguments.get("strength", 1)),
        float(arguments.get("shape", 1)),
        tuple(arguments.get("keep", ())),
        arguments.get("with"),
    )
    consent, part = str(arguments.get("consent", "")), part_asked(arguments)
    return SwapRequest(tuple(pairs), consent, options, **part).checked()
