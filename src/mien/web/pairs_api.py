"""The calls about two people whom a network is trained to draw as each other: bring them in, look through their faces,
train, and use what was learned. What takes long is a job."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..errors import InputError, RequestError
from ..io import photo_reader
from ..io.preview import jpeg
from ..optional import check_training
from ..pipeline import training_run
from ..pipeline.jobs import TRAINING, Queue
from ..pipeline.pair import ABOUT, PRESETS, SIDES, Pair, Side, check_names
from .answers import MissingError, asked, value_of, whole_number
from .media import THUMB, Library

if TYPE_CHECKING:
    from .studio import Studio

GIVEN = 24  # faces, at most, of a person who is given to swaps
LARGE = 4096  # pixels of a preview's side


class Pairs:
    """All pairs of this user, which outlive a run of the studio until they are removed."""

    def __init__(self, home: Path, queue: Queue) -> None:
        self._home, self._queue = home, queue
        home.mkdir(parents=True, exist_ok=True, mode=0o700)

    def __getitem__(self, id: str) -> Pair:
        if id not in self._ids():
            raise MissingError("pair")
        return Pair.of(self._home / id)

    def all(self) -> list[Pair]:
        """The newest first."""
        return sorted((self[id] for id in self._ids()), key=lambda pair: -pair.made)

    def add(self, library: Library, people: list[Any], consent: str) -> Pair:
        """Two people with their clips and photos; their faces are looked for."""
        if len(people) != len(SIDES) or not all(isinstance(one, dict) for one in people):
            raise RequestError(f"{len(people)} people came: two were wanted, each with a name and media")
        first, second = (value_of(one, "name", str).strip()[:80] for one in people)
        files = [[library.file(str(id)) for id in value_of(one, "media", list)] for one in people]
        folder = self._home / secrets.token_hex(8)
        try:
            pair = Pair.new(folder, (first, second), consent.strip()[:500], files)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self._look(pair, SIDES)
        return pair

    def add_files(self, library: Library, pair: Pair, side: str, media: list[Any]) -> dict[str, Any]:
        """More clips and photos of one of the two: the job that looks for faces in them."""
        if not media:
            raise RequestError("no media came: ids of clips or photos were wanted")
        pair.side(side).add([library.file(str(id)) for id in media])
        return self._queue.job(self._look(pair, [side]))

    def _look(self, pair: Pair, sides: Sequence[str]) -> str:
        """Look for faces in what is new."""
        items = [(pair.names[SIDES.index(one)], pair.side(one).folder, pair.side(one).faces) for one in sides]
        return self._queue.put("extract", {"pair": pair.folder.name, "names": pair.names}, items)

    def train(self, pair: Pair, preset: str) -> dict[str, Any]:
        """The job that trains a pair, which goes on if there is one."""
        check_training()
        pair.ready()
        if preset not in PRESETS:
            raise RequestError(f"no preset is called {preset!r}: there are {', '.join(PRESETS)}")
        how = PRESETS[preset]
        if training_run.begun(pair.run):
            known = training_run.told(pair.run)
            if (known["family"], known["preset"]) != (how.family, how.preset):
                raise RequestError("it was begun in another way: go on in that, or begin anew")
        for job in self._jobs(pair, TRAINING):
            if job["state"] == "failed":
                self._queue.retry(job["id"])
            if job["state"] not in ("done", "declined"):
                self._queue.wish(job["id"], "active")
                return self._queue.job(job["id"])
        return self._put(pair, TRAINING, {"preset": preset}, pair.run)

    def begin_anew(self, pair: Pair) -> None:
        """Throw away what was learned."""
        for job in self._jobs(pair, TRAINING):
            self._queue.remove(job["id"])
        shutil.rmtree(pair.run, ignore_errors=True)

    def export(self, pair: Pair, names: list[str]) -> dict[str, Any]:
        """The job that puts what was learned among the user's networks."""
        check_training()
        check_names(names)
        if not training_run.begun(pair.run):
            raise RequestError("nothing was learned yet: start the training")
        return self._put(pair, "export", {"names": names}, pair.folder / "networks")

    def forget(self, pair: Pair) -> None:
        """Forget a pair, and what it takes."""
        for job in self._jobs(pair):
            self._queue.remove(job["id"])
        shutil.rmtree(pair.folder, ignore_errors=True)

    def forget_all(self) -> None:
        for pair in self.all():
            self.forget(pair)

    def _put(self, pair: Pair, verb: str, arguments: dict[str, Any], target: Path) -> dict[str, Any]:
        item = " + ".join(pair.names), pair.folder, target
        return self._queue.job(self._queue.put(verb, {"pair": pair.folder.name} | arguments, [item]))

    def _jobs(self, pair: Pair, verb: str | None = None) -> list[dict[str, Any]]:
        """The jobs about a pair, the newest first."""
        jobs = (job for job in self._queue.jobs() if job["arguments"].get("pair") == pair.folder.name)
        return [job for job in jobs if verb in (None, job["verb"])]

    def _ids(self) -> list[str]:
        return [place.name for place in self._home.iterdir() if (place / ABOUT).is_file()]


def described(pair: Pair) -> dict[str, Any]:
    """A pair as the page shows it."""
    sides: list[dict[str, Any]] = []
    for side, name in zip(SIDES, pair.names, strict=True):
        found, files = pair.side(side).sorted(), len(pair.side(side).sources())
        counts = {"files": files, "faces": len(found["likeness"]), "out": len(found["out"])}
        sides.append({"side": side, "name": name} | counts)
    run = training_run.told(pair.run) if training_run.begun(pair.run) else None
    if run:
        known = {(how.family, how.preset): name for name, how in PRESETS.items()}
        run["preset"] = known.get((run.pop("family"), run["preset"]), "")
    return {"id": pair.folder.name, "consent": pair.consent, "made": pair.made, "sides": sides, "run": run}


def _studio(request: Request) -> Studio:
    return request.app.state.studio


def _pair(request: Request) -> Pair:
    return _studio(request).pairs[request.path_params["id"]]


def _side(request: Request) -> Side:
    side = request.path_params["side"]
    if side not in SIDES:
        raise MissingError("person")
    return _pair(request).side(side)


def lacking() -> str:
    """What training wants that is not here, and what to type; nothing where all is."""
    try:
        check_training()
    except RequestError as error:
        return str(error)
    return ""


async def listed(request: Request) -> Response:
    """All pairs, the newest first; the ways to train, and what that `lacks`."""
    pairs = await run_in_threadpool(lambda: [described(pair) for pair in _studio(request).pairs.all()])
    ways = [{"name": name, "rows": how.rows} for name, how in PRESETS.items()]
    return JSONResponse({"pairs": pairs, "presets": ways, "lacks": lacking()})


async def add(request: Request) -> Response:
    """Two people, with clips and photos that were brought in, and their consent; a job looks for their faces."""
    studio, given = _studio(request), await asked(request)
    people, consent = value_of(given, "people", list), value_of(given, "consent", str, "")
    pair = await studio.library.run(studio.pairs.add, studio.library, people, consent)
    return JSONResponse(described(pair), 201)


async def one(request: Request) -> Response:
    """A pair: how many faces there are, and how far the training is."""
    return JSONResponse(await run_in_threadpool(lambda: described(_pair(request))))


async def forget(request: Request) -> Response:
    """Forget a pair: files, faces, and what was learned."""
    await run_in_threadpool(_studio(request).pairs.forget, _pair(request))
    return Response(status_code=204)


async def add_files(request: Request) -> Response:
    """More clips and photos of one of the two, `a` or `b`; the job that looks for faces in them."""
    studio, pair, given = _studio(request), _pair(request), await asked(request)
    _side(request)
    media, side = value_of(given, "media", list), request.path_params["side"]
    return JSONResponse(
        await studio.library.run(studio.pairs.add_files, studio.library, pair, side, media), 201
    )


async def faces(request: Request) -> Response:
    """The faces of one of the two, `a` or `b`: how alike each is to the others (cosine), and whether it is left `out`."""
    found = _side(request).sorted()
    out = set(found["out"])
    return JSONResponse([{"likeness": one, "out": n in out} for n, one in enumerate(found["likeness"])])


async def leave_out(request: Request) -> Response:
    """Which faces are left out of the training, by their numbers from 0 on; all others take part."""
    side, given = _side(request), await asked(request)
    side.leave_out([_number(one) for one in value_of(given, "out", list)])
    return Response(status_code=204)


def _number(given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int):
        raise RequestError("out is a list of numbers of faces")
    return given


async def face(request: Request) -> Response:
    """One of the faces, small, as JPEG."""
    pictures = await run_in_threadpool(_side(request).pictures)
    n = whole_number(request.path_params["n"], "n", 0, 10**9)
    if n >= len(pictures):
        raise MissingError("face")
    body = await run_in_threadpool(lambda: jpeg(photo_reader.read(pictures[n]).pixels, THUMB))
    return Response(body, media_type="image/jpeg")


async def give(request: Request) -> Response:
    """Take one of the two to the people whose faces go to others, by those of their faces that are learned from."""
    studio, side, pair = _studio(request), _side(request), _pair(request)
    name = dict(zip(SIDES, pair.names, strict=True))[request.path_params["side"]]
    kept = side.kept()
    some = kept[:: max(-(-len(kept) // GIVEN), 1)]
    if not some:
        raise RequestError(f"of {name} there is no face: look through the faces")
    source = await studio.library.run(studio.people.add, name, some, pair.consent)
    return JSONResponse(source.described(), 201)


async def train(request: Request) -> Response:
    """Train a pair, or go on with it: the job, which can rest as any other."""
    pair, given = _pair(request), await asked(request)
    job = await run_in_threadpool(_studio(request).pairs.train, pair, value_of(given, "preset", str))
    return JSONResponse(job, 201)


async def begin_anew(request: Request) -> Response:
    """Throw away what was learned of a pair."""
    await run_in_threadpool(_studio(request).pairs.begin_anew, _pair(request))
    return Response(status_code=204)


async def export(request: Request) -> Response:
    """Put what was learned so far among the networks, as two of these `names`; the job."""
    pair, given = _pair(request), await asked(request)
    names = [str(one) for one in value_of(given, "names", list)]
    return JSONResponse(await run_in_threadpool(_studio(request).pairs.export, pair, names), 201)


async def curve(request: Request) -> Response:
    """How the loss of the training went: steps, and the mean about there."""
    return JSONResponse(await run_in_threadpool(training_run.curve, _pair(request).run))


async def preview(request: Request) -> Response:
    """What the network drew of faces that it did not learn from at a `step`, as JPEG: rows for each of the two, their
    faces, as drawn, and as the other."""
    run, step = _pair(request).run, whole_number(request.path_params["step"], "step", 0, 10**9)
    try:
        sheet = await run_in_threadpool(training_run.preview, run, step)
    except InputError as error:
        raise MissingError("preview") from error
    return Response(jpeg(sheet, LARGE), media_type="image/jpeg")
