"""People whose faces go to others: their galleries, and in whose words they agreed."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..errors import RequestError
from ..io.preview import jpeg
from ..pipeline.consent import check_consent
from ..pipeline.gallery import Gallery
from ..pipeline.job_worker import part_asked
from ..pipeline.swap import SwapRequest
from ..pipeline.swap_face import Assignment, SwapOptions
from .answers import MissingError, asked, value_of
from .meaning import whom
from .media import THUMB, Library


@dataclass(frozen=True, eq=False)
class Source:
    """A person: how the page calls them, their gallery and its file, and their consent."""

    id: str
    name: str
    gallery: Gallery
    path: Path
    consent: str

    def described(self) -> dict[str, Any]:
        about = {"id": self.id, "name": self.name, "consent": self.consent}
        return about | {"pictures": len(self.gallery.pictures), "says": self.gallery.described()}


class People:
    """All people of one run; their files lie in the library's folder and end with it."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._known: dict[str, Source] = {}

    def __getitem__(self, id: str) -> Source:
        if id not in self._known:
            raise MissingError("person")
        return self._known[id]

    def all(self) -> list[Source]:
        return list(self._known.values())

    def add(self, name: str, paths: Sequence[Path], consent: str) -> Source:
        """A person of pictures."""
        check_consent(consent, "a swap")
        gallery = Gallery.of(paths[0] if len(paths) == 1 else list(paths))
        id = secrets.token_hex(8)
        path = self._library.folder / f"{id}.gallery"
        gallery.save(path)
        self._known[id] = Source(id, name[:80] or gallery.name, gallery, path, consent.strip()[:500])
        return self._known[id]

    def forget(self, id: str) -> None:
        self[id].path.unlink(missing_ok=True)
        del self._known[id]

    def forget_all(self) -> None:
        for id in list(self._known):
            self.forget(id)

    def swap_request(self, given: dict[str, Any]) -> SwapRequest:
        """What a swap asks for: `mapping`, pairs of a person's id and a face; each one's consent comes along."""
        pairs = self.pairs(given)
        options = SwapOptions(
            float(value_of(given, "strength", (int, float), 1.0)),
            float(value_of(given, "shape", (int, float), 1.0)),
            tuple(str(one) for one in value_of(given, "keep", list, [])),
            value_of(given, "with", str, None),
        )
        assignments = tuple(Assignment(source.gallery, whom(self._library, face)) for source, face in pairs)
        part = part_asked(given)
        return SwapRequest(
            assignments, consent_of([source for source, _ in pairs]), options, **part
        ).checked()

    def pairs(self, given: dict[str, Any]) -> list[tuple[Source, str]]:
        """The people and faces of a request's mapping."""
        mapping: list[Any] = value_of(given, "mapping", list)
        if not mapping:
            raise RequestError("whose face goes where? Drag a person onto a face")
        pairs: list[tuple[Source, str]] = []
        for one in mapping:
            if not isinstance(one, dict):
                raise RequestError("a mapping is a list of objects: person and face were wanted")
            pairs.append((self[value_of(one, "person", str)], value_of(one, "face", str, "all")))
        return pairs


def consent_of(sources: list[Source]) -> str:
    """In whose words all agreed, each once."""
    return "; ".join(dict.fromkeys(f"{source.name}: {source.consent}" for source in sources))


def _people(request: Request) -> People:
    return request.app.state.studio.people


async def listed(request: Request) -> Response:
    """All people."""
    return JSONResponse([source.described() for source in _people(request).all()])


async def add(request: Request) -> Response:
    """A person, of pictures that were brought in; with their consent."""
    people, given = _people(request), await asked(request)
    media = [str(id) for id in value_of(given, "media", list)]
    if not media:
        raise RequestError("of which pictures? One person's picture or pictures were wanted")
    name, consent = value_of(given, "name", str, ""), value_of(given, "consent", str, "")
    library: Library = request.app.state.studio.library
    source = await library.run(lambda: people.add(name, [library.file(id) for id in media], consent))
    return JSONResponse(source.described(), 201)


async def portrait(request: Request) -> Response:
    """A person's face, small, as JPEG."""
    source = _people(request)[request.path_params["id"]]
    return Response(jpeg(source.gallery.pictures[0].portrait.crop.pixels, THUMB), media_type="image/jpeg")


async def forget(request: Request) -> Response:
    """Forget a person."""
    _people(request).forget(request.path_params["id"])
    return Response(status_code=204)
