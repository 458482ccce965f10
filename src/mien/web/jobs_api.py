"""The calls about long work: put it in, watch it, let it rest or go on, take the results."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import shutil
import threading
import time
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse

from ..edits.request import EditRequest
from ..errors import RequestError
from ..io import outputs
from ..models.motions import boxed
from ..pipeline.animate import REGIONS, checked_parts
from ..pipeline.consent import check_consent
from ..pipeline.job_worker import PERSON, edit_requested, kept_person, part_asked
from ..pipeline.jobs import Queue
from .answers import MissingError, asked, value_of, whole_number
from .meaning import meant, whom
from .media import WRITTEN, Library
from .media_api import studio_of, style_requested
from .people import People, consent_of

LOOK = 0.4  # seconds between two looks for news
QUIET = 15.0  # seconds after which a silent stream says that it lives
HALF_PUT = 3600.0  # seconds after which nobody is still putting a job in
MOST_ITEMS = 100_000


class Work:
    """The jobs of this user: the queue, and a folder for each job with its files, which outlive a run of the
    studio until the job is removed."""

    def __init__(self, home: Path) -> None:
        self.queue, self.folder = Queue(home / "studio.db"), home / "jobs"
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        known = {job["id"] for job in self.queue.jobs()}
        for place in self.folder.iterdir():  # of jobs that were never put in whole
            if place.name not in known and time.time() - place.stat().st_mtime > HALF_PUT:
                shutil.rmtree(place, ignore_errors=True)

    def put(self, library: Library, people: People, given: dict[str, Any], key: str | None) -> dict[str, Any]:
        """A job over pictures of the library, which it takes into its own folder."""
        verb = value_of(given, "verb", str)
        media = list(dict.fromkeys(str(id) for id in value_of(given, "media", list)))
        if not 0 < len(media) <= MOST_ITEMS:
            raise RequestError(f"a job of {len(media)} files: 1 to {MOST_ITEMS} were wanted")
        wanted = value_of(given, "arguments", dict)
        id = secrets.token_hex(8)
        place = self.folder / id
        try:
            arguments = self._arguments(verb, wanted, library, people, place)
            items = [self._item(verb, library, place, one) for one in media]
            put = self.queue.put(verb, arguments, items, id=id, key=key)
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise
        if put != id:  # it was asked for twice
            shutil.rmtree(place, ignore_errors=True)
        return self.queue.job(put)

    def _arguments(
        self, verb: str, wanted: dict[str, Any], library: Library, people: People, place: Path
    ) -> dict[str, Any]:
        """What the job's worker is told; refused here where it makes no sense."""
        place.mkdir(mode=0o700)
        if verb == "edit":
            request = edit_requested(meant(library, wanted))
            if request.empty:
                raise RequestError("every strength is 0: nothing would change")
            return wanted | self._files_of(request, wanted, library, place)
        if verb == "stylize":
            manner, strength, face = style_requested(library, wanted)
            manner = str(_kept(manner, place)) if isinstance(manner, Path) else manner
            named = face and _named(library, wanted["face"], place)
            return {"manner": manner, "strength": strength, "face": named} | part_asked(wanted)
        if verb == "animate":
            return self._animation(wanted, library, place)
        if verb != "swap":
            raise RequestError(f"no job does {verb!r}: edit, swap, stylize or animate was wanted")
        people.swap_request(wanted)
        pairs = people.pairs(wanted)
        mapping = [(str(_kept(source.path, place)), _named(library, face, place)) for source, face in pairs]
        sources = [source for source, _ in pairs]
        names = list(dict.fromkeys(source.name for source in sources))
        return wanted | {"mapping": mapping, "consent": consent_of(sources), "names": names}

    def _files_of(
        self, request: EditRequest, wanted: dict[str, Any], library: Library, place: Path
    ) -> dict[str, Any]:
        """What of an edit's request lies in files: the person, and the pack."""
        files: dict[str, Any] = {}
        if wanted.get("face"):
            files["face"] = _named(library, wanted["face"], place)
        if request.pack:
            id = wanted["effect"].partition(":")[0]
            files |= {"effect": request.strengths["effect"], "pack": str(_kept(library.file(id), place))}
        return files

    def _animation(self, wanted: dict[str, Any], library: Library, place: Path) -> dict[str, Any]:
        """`motion`: one in the box, or `driver`: the id of a clip; `consent`, and `animate`'s own options."""
        check_consent(value_of(wanted, "consent", str, ""), "moving somebody's picture")
        regions = tuple(str(one) for one in value_of(wanted, "regions", list, list(REGIONS)))
        strength = float(value_of(wanted, "strength", (int, float), 1.0))
        checked_parts(strength, regions)
        driver, motion = value_of(wanted, "driver", str, None), value_of(wanted, "motion", str, "")
        if driver is None and motion not in boxed():
            raise RequestError(f"no motion is called {motion!r}: there are {', '.join(boxed())}")
        how = motion if driver is None else str(_kept(library.file(driver), place))
        about = {"consent": wanted["consent"], "face": value_of(wanted, "face", str, "largest")}
        return about | {"motion": how, "strength": strength, "regions": regions}

    def _item(self, verb: str, library: Library, place: Path, id: str) -> tuple[str, Path, Path]:
        medium, path = library[id], library.file(id)
        source, out = place / id / path.name, place / id / "out"
        out.mkdir(parents=True, mode=0o700)
        outputs.link(path, source)
        moves = verb == "animate" or medium.kind == "clip"
        suffix = ".mp4" if moves else WRITTEN.get(path.suffix, path.suffix)
        return medium.name, source, out / f"{path.stem}{suffix}"

    def remove(self, id: str) -> None:
        """Forget a job and its files."""
        self.queue.remove(id)
        shutil.rmtree(self.folder / id, ignore_errors=True)

    def forget_all(self) -> None:
        for job in self.queue.jobs():
            self.remove(job["id"])

    def zipped(self, id: str) -> Path:
        """All results of a job in one file."""
        path = self.folder / id / "results.zip"
        draft = path.with_suffix(".part")
        targets = [
            Path(task["target"]) for task in self.queue.tasks(id, most=MOST_ITEMS) if task["state"] == "done"
        ]
        done = [path for path in targets if path.is_file()]
        if not done:
            raise MissingError("result")
        seen: dict[str, int] = {}
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED) as file:
            for one in done:
                count = seen[one.name] = seen.get(one.name, 0) + 1
                file.write(one, one.name if count == 1 else f"{one.stem}-{count}{one.suffix}")
        draft.replace(path)
        return path


def _named(library: Library, face: str, place: Path) -> str:
    """The faces that a page means as a job's arguments say it: a person of a clip as a file in the job's own folder."""
    who = whom(library, face)
    return who if isinstance(who, str) else kept_person(who, place / f"{face}{PERSON}")


def _kept(source: Path, place: Path) -> Path:
    """A file that a job needs, in the job's own folder."""
    outputs.link(source, place / source.name)
    return place / source.name


def _work(request: Request) -> Work:
    return request.app.state.studio.work


def _id(request: Request) -> str:
    """The job of the address, which there is."""
    id = request.path_params["id"]
    if not _work(request).queue.jobs(id):
        raise MissingError("job")
    return id


async def listed(request: Request) -> Response:
    """All jobs, the newest first."""
    return JSONResponse(await run_in_threadpool(_work(request).queue.jobs))


async def put(request: Request) -> Response:
    """Put a job in. With the header `Idempotency-Key` the same job is never put in twice."""
    studio, given = request.app.state.studio, await asked(request)
    key = request.headers.get("idempotency-key")
    job = await studio.library.run(studio.work.put, studio.library, studio.people, given, key)
    return JSONResponse(job, 201)


async def one(request: Request) -> Response:
    """How far a job is."""
    return JSONResponse(_work(request).queue.job(_id(request)))


async def wish(request: Request) -> Response:
    """Let a job rest or go on."""
    id, given = _id(request), await asked(request)
    _work(request).queue.wish(id, value_of(given, "state", str))
    return JSONResponse(_work(request).queue.job(id))


async def retry(request: Request) -> Response:
    """Try again what failed."""
    id = _id(request)
    _work(request).queue.retry(id)
    return JSONResponse(_work(request).queue.job(id))


async def remove(request: Request) -> Response:
    """Forget a job and its files."""
    id = _id(request)
    await run_in_threadpool(_work(request).remove, id)
    return Response(status_code=204)


async def tasks(request: Request) -> Response:
    """The tasks of a job, 200 at a time from the one behind `?after=` on."""
    after = whole_number(request.query_params.get("after", "0"), "after", 0, 10**15)
    found = _work(request).queue.tasks(_id(request), after)
    return JSONResponse([{name: value for name, value in task.items() if name != "target"} for task in found])


async def result(request: Request) -> Response:
    """The labelled result of one task."""
    id, number = _id(request), whole_number(request.path_params["task"], "task", 0, 10**15)
    found = next(
        (task for task in _work(request).queue.tasks(id, number - 1, 1) if task["id"] == number), None
    )
    path = Path(found["target"]) if found and found["state"] == "done" else None
    if path is None or not path.is_file():
        raise MissingError("result")
    return FileResponse(path, filename=path.name, content_disposition_type="attachment")


async def results(request: Request) -> Response:
    """All results of a job in one ZIP file."""
    path = await run_in_threadpool(_work(request).zipped, _id(request))
    return FileResponse(path, filename="mien.zip", content_disposition_type="attachment")


async def events(request: Request) -> Response:
    """What changes, as it does (server-sent events): `job` with how far it is. `Last-Event-ID` goes on there."""
    studio = studio_of(request)
    queue = studio.work.queue
    last = request.headers.get("last-event-id", "")
    after = int(last) if re.fullmatch("[0-9]{1,15}", last) else await run_in_threadpool(queue.last_event)
    return StreamingResponse(_news(queue, after, studio.ending), media_type="text/event-stream")


async def _news(queue: Queue, after: int, ending: threading.Event) -> AsyncIterator[str]:
    yield ": here\n\n"
    silent = 0.0
    while not ending.is_set():
        for number, id in await run_in_threadpool(queue.events, after):
            after = number
            said = await run_in_threadpool(queue.jobs, id)
            yield f"id: {after}\nevent: job\ndata: {json.dumps(said[0] if said else {'id': id, 'state': 'gone'})}\n\n"
            silent = 0.0
        await asyncio.sleep(LOOK)
        silent += LOOK
        if silent > QUIET:
            yield ": still here\n\n"
            silent = 0.0
