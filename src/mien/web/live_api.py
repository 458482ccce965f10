"""The calls about a live picture: a page sends what its camera sees, frame by frame, and shows what comes back.

One frame is on its way at a time: the page sends the next when the last has come, so that nothing waits in a queue. A
frame is a request of its own, through the same door as all others.
"""

from __future__ import annotations

import asyncio
import io
import secrets
import threading
import time
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import cv2
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .. import verbs
from ..errors import InputError, RequestError
from ..io import clip_writer, photo_reader
from ..io.notice import Box
from ..io.virtual_camera import VirtualCamera
from ..pipeline.job_worker import edit_requested
from ..pipeline.live import Live, Show, edits_shown, portrait_shown, style_shown, swap_shown
from ..pipeline.marking import found_places
from ..types import Array, Photo
from .answers import MissingError, asked, chunks_of, value_of
from .meaning import meant
from .media import Library, Medium
from .media_api import style_requested

LIMIT = 2_000_000  # bytes of a frame
SIDES = (64, 1280)  # pixels of a frame's sides
JPEG = b"\xff\xd8"
QUALITY = 85
MOST = 4  # cameras at once: two pages, each with a clean one; of more the oldest is forgotten
LONGEST = 120.0  # seconds of a recording
FPS = 25.0  # of a recording


class Seen(NamedTuple):
    """A frame with its effect: without words and where none go in it, as it was shown, and that as JPEG."""

    plain: Array
    boxes: tuple[Box, ...]
    shown: Array
    jpeg: bytes


@dataclass
class Camera:
    """What one page's camera sees, with an effect."""

    show: Show
    live: Live
    last: Seen | None = None  # what was shown last
    taken: list[tuple[float, bytes]] | None = None  # of a recording: seconds, and frames as they were shown
    lock: threading.Lock = field(default_factory=threading.Lock)

    def frame(self, data: bytes) -> bytes:
        """A JPEG that the camera saw -> a JPEG to show."""
        with self.lock:
            now = time.monotonic()
            plain = self.live.frame(_decoded(data), now)
            boxes = self.live.boxes
            shown = self.show.marked(plain, boxes)
            out = cv2.imencode(".jpg", shown[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
            self.last = Seen(plain, self.show.kept_free(boxes), shown, out)
            if self.taken is not None and (not self.taken or now - self.taken[0][0] < LONGEST):
                self.taken.append((now, out))
            return out

    def record(self) -> None:
        """Begin with what is shown now."""
        with self.lock:
            self.taken = [(time.monotonic(), self.last.jpeg)] if self.last else []

    def photo(self) -> Photo:
        """What was shown last; its words are drawn when it is written."""
        seen = self.seen
        photo = Photo(seen.plain, history=(self.show.step,), origin=self.show.origin, boxes=seen.boxes)
        return replace(photo, marks=found_places(photo, self.live.kit))

    @property
    def seen(self) -> Seen:
        """What was shown last."""
        if self.last is None:
            raise RequestError("the camera has shown nothing yet: send a frame first")
        return self.last


@dataclass
class Cameras:
    """The cameras of a run, by id; and the virtual camera, where other programs see what the newest of them shows."""

    known: dict[str, Camera] = field(default_factory=dict)
    virtual: VirtualCamera | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, show: Show) -> str:
        while len(self.known) >= MOST:
            self.end(next(iter(self.known)))
        id = secrets.token_hex(8)
        self.known[id] = Camera(show, Live(show.effect, verbs.shared_kit()))
        return id

    def __getitem__(self, id: str) -> Camera:
        if id not in self.known:
            raise MissingError("camera")
        return self.known[id]

    def frame(self, id: str, data: bytes) -> bytes:
        """A JPEG that a camera saw -> a JPEG to show."""
        camera = self[id]
        out = camera.frame(data)
        with self.lock:
            if self.virtual is not None and id == next(reversed(self.known), None):
                self.virtual.send(camera.seen.shown)
        return out

    def offer(self, first: Array | None) -> None:
        """Begin with a virtual camera, with a first frame; None: end it."""
        with self.lock:
            if self.virtual is not None:
                self.virtual.close()
            self.virtual = None
            if first is not None:
                virtual = VirtualCamera()
                virtual.send(first)
                self.virtual = virtual

    def end(self, id: str) -> None:
        camera = self.known.pop(id, None)
        if camera:
            with camera.lock:
                camera.live.close()
        if not self.known:
            self.offer(None)

    def end_all(self) -> None:
        for id in list(self.known):
            self.end(id)


async def begin(request: Request) -> Response:
    """Begin: with the strengths of edits, with a picture whose face does what the camera's does, with a person whose face
    is put on the head, or with a style."""
    studio = request.app.state.studio
    given = await asked(request)
    wanted = value_of(given, "request", dict, {})
    portrait = value_of(given, "portrait", str, None)
    person = value_of(given, "person", str, None)
    style = value_of(given, "style", dict, None)
    consent = value_of(given, "consent", str, "")
    mark = value_of(given, "mark", str, None)

    def shown() -> Show:
        kit = verbs.shared_kit()
        if portrait is not None:
            photo = studio.library.opened(portrait).shown.photo
            return portrait_shown(photo, consent, kit, mark)
        if person is not None:
            source = studio.people[person]
            return swap_shown(source.gallery, source.consent, kit, mark)
        if style is not None:
            return style_shown(str(style_requested(studio.library, style)[0]), kit, mark)
        return edits_shown(edit_requested(meant(studio.library, wanted)), kit, mark)

    return JSONResponse({"id": await studio.library.run(lambda: studio.cameras.begin(shown()))}, 201)


async def frame(request: Request) -> Response:
    """A frame as JPEG -> the frame to show, as JPEG."""
    cameras: Cameras = request.app.state.studio.cameras
    data = b"".join([chunk async for chunk in chunks_of(request, LIMIT)])
    return Response(
        await asyncio.to_thread(cameras.frame, request.path_params["id"], data), media_type="image/jpeg"
    )


async def snap(request: Request) -> Response:
    """What was shown last, as a labelled picture to work at."""
    studio = request.app.state.studio
    camera: Camera = studio.cameras[request.path_params["id"]]
    medium = await studio.library.run(lambda: studio.library.put(camera.photo(), "camera"))
    return JSONResponse(medium.described(), 201)


async def record(request: Request) -> Response:
    """Begin to record what is shown, or end: then it is a labelled clip to work at."""
    studio = request.app.state.studio
    camera: Camera = studio.cameras[request.path_params["id"]]
    given = await asked(request)
    if value_of(given, "on", bool):
        await asyncio.to_thread(camera.record)
        return JSONResponse({"seconds": LONGEST})
    taken, camera.taken = camera.taken, None
    if not taken:
        raise RequestError("nothing was recorded: begin first")
    medium = await studio.library.run(_filmed, studio.library, camera.show, taken)
    return JSONResponse(medium.described(), 201)


async def offer(request: Request) -> Response:
    """Begin to show other programs what is shown, as a camera that they can choose, or end it."""
    cameras: Cameras = request.app.state.studio.cameras
    camera, on = cameras[request.path_params["id"]], value_of(await asked(request), "on", bool)
    await asyncio.to_thread(cameras.offer, camera.seen.shown if on else None)
    return JSONResponse({"on": on})


async def end(request: Request) -> Response:
    """End a camera."""
    await asyncio.to_thread(request.app.state.studio.cameras.end, request.path_params["id"])
    return Response(status_code=204)


def _decoded(data: bytes) -> Array:
    """The pixels of a frame, which are counted before they are unpacked."""
    try:
        pixels = photo_reader.read(io.BytesIO(data), max_pixels=SIDES[1] ** 2).pixels
    except InputError as error:
        raise InputError("this frame is no JPEG of a camera's size") from error
    if data[:2] != JPEG or not all(SIDES[0] <= side <= SIDES[1] for side in pixels.shape[:2]):
        raise InputError(f"this frame is no JPEG of {SIDES[0]} to {SIDES[1]} pixels a side")
    return pixels


def _filmed(library: Library, show: Show, taken: list[tuple[float, bytes]]) -> Medium:
    """A recording as a clip of even time: each frame for as long as it was shown."""
    id, path = library.new_path("camera.mp4", ".mp4")
    size = _decoded(taken[0][1]).shape

    def frames() -> Any:
        at = taken[0][0]
        for (_, data), (until, _) in zip(taken, [*taken[1:], (taken[-1][0] + 1 / FPS, b"")], strict=True):
            if at >= until:
                continue
            pixels = _decoded(data)
            while at < until and pixels.shape == size:
                yield pixels
                at += 1 / FPS

    clip_writer.write(frames(), path, fps=FPS, history=(show.step,), origin=show.origin)
    return library.add(id, "camera.mp4", path)
