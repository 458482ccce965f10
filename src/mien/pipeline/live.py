"""The live level: frames in, frames out, as a camera gives them.

What is slow is done beside: a second thread asks the edits, about eight times a second, what should change in the newest
frame; in between that Change is carried by the face mesh. Nothing waits in a queue: who is too slow is given the newest
frame, and the others are dropped and counted.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol, Unpack, cast

import numpy as np

from ..arguments import checked
from ..edits.effect_pack import taken_pack
from ..edits.effects import in_time
from ..edits.registry import plan
from ..edits.request import EditRequest, Strengths
from ..errors import FaceError, InputError, RequestError
from ..io import clip_reader, clip_writer, notice, virtual_camera
from ..io.photo_reader import PhotoLike
from ..models.kit import Kit, shared_kit
from ..types import SILENT, Array, Face, Origin, Progress, Step
from .animate import animate
from .consent import check_consent
from .gallery import Gallery
from .live_edits import LiveEdits
from .live_face import KEYS, LiveFace
from .live_portrait import LivePortrait
from .live_style import LiveStyle
from .live_swap import LiveSwap
from .marking import box_of
from .motion import driver_of
from .photo import edit_step
from .stylize import StyleRequest, manner
from .swap import GalleryLike, SwapRequest
from .swap_face import Assignment, Stages

LONGEST = 24 * 3600.0  # seconds of a stream that is written


class LiveEffect(Protocol):
    """What is done to a stream: `renew` slowly, beside, and `show` at once, for every frame, taken `now` in seconds;
    `nothing` tells why nothing was done so far, and is empty where something was; `notes` tell what of the whole was not
    done. The face is that in the frame; None comes only to what says that it is `faceless`."""

    @property
    def faceless(self) -> bool: ...
    @property
    def nothing(self) -> str: ...
    @property
    def notes(self) -> tuple[str, ...]: ...
    def renew(self, pixels: Array, face: Any) -> None: ...
    def show(self, pixels: Array, face: Any, now: float) -> Array: ...


@dataclass
class Live:
    """A stream with an effect. Close it, or use it in a `with`: its second thread ends with it."""

    effect: LiveEffect
    kit: Kit
    renewed: int = 0

    def __post_init__(self) -> None:
        self._face = LiveFace(self.kit)
        self._newest: tuple[Array, Face | None] | None = None
        self._wanted, self._closed, self._busy = threading.Event(), False, False
        self._due = 0.0
        self._thread = threading.Thread(target=self._renew, daemon=True)
        self._thread.start()

    def __enter__(self) -> Live:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the second thread end."""
        self._closed = True
        self._wanted.set()
        self._thread.join()

    def frame(self, pixels: Array, now: float) -> Array:
        """A frame `[H, W, 3]` uint8 that was taken at a time in seconds, with the effect; as it is where no face is."""
        face = self._face.look(pixels, now)
        if face is None and not self.effect.faceless:
            return pixels
        if now >= self._due:
            self._newest, self._due = (pixels, face), now + 1 / KEYS
            self._wanted.set()
            if not self.renewed:  # a first frame that is not edited would show the face as it is
                self.settle()
        return self.effect.show(pixels, face, now)

    @property
    def boxes(self) -> list[notice.Box]:
        """Where the face was last; empty where none was."""
        return [box_of(self._face.face.landmarks)] if self._face.face else []

    def settle(self) -> None:
        """Wait until what was asked last is done; for those who do not film."""
        while self._newest is not None or self._busy:
            time.sleep(0.002)

    def _renew(self) -> None:
        while not self._closed:
            self._wanted.wait()
            self._wanted.clear()  # before the newest is taken: what comes after that sets it again
            self._busy = True
            newest, self._newest = self._newest, None
            if newest is not None and not self._closed:
                self.effect.renew(*newest)
                self.renewed += 1
            self._busy = False


@dataclass
class Told:
    """What a stream came to: frames that were given and shown, how often Changes were renewed, the median seconds from
    when a frame was taken to when it was shown, and what was asked for and not done."""

    given: int = 0
    shown: int = 0
    renewed: int = 0
    latencies: list[float] = field(default_factory=list)
    notes: tuple[str, ...] = ()

    @property
    def dropped(self) -> int:
        return self.given - self.shown

    @property
    def latency(self) -> float:
        return float(np.median(self.latencies)) if self.latencies else 0.0


def streamed(
    frames: Iterator[Array], fps: float, live: Live, told: Told, clock: Callable[[], float] = time.monotonic
) -> Iterator[Array]:
    """Frames as a camera would give them, `fps` a second by the clock, with the effect: one for each that was given, the
    last one again where the effect was too slow for it."""
    start, last = clock(), None
    for number, pixels in enumerate(frames):
        told.given += 1
        taken = start + number / fps
        if last is not None and clock() >= taken + 1 / fps:  # the next one is there already
            yield last
            continue
        while clock() < taken:
            time.sleep(0.0005)
        last = live.frame(pixels, number / fps)
        told.shown += 1
        told.latencies.append(clock() - taken)
        told.renewed = live.renewed
        yield last


@dataclass(frozen=True)
class Show:
    """What a stream shows: the effect, the step and the origin for its label, the words in its corner, and where faces
    are that they leave free, unless it is where the camera sees them."""

    effect: LiveEffect
    step: Step
    words: str
    origin: Origin = field(default_factory=Origin)
    boxes: tuple[notice.Box, ...] = ()

    def marked(self, pixels: Array, seen: Sequence[notice.Box]) -> Array:
        """A frame with the words."""
        return notice.drawn(pixels, self.words, self.kept_free(seen)) if self.words else pixels

    def kept_free(self, seen: Sequence[notice.Box]) -> tuple[notice.Box, ...]:
        """Where no words go, while a camera sees faces there."""
        return self.boxes or tuple(seen)


def edits_shown(request: EditRequest, kit: Kit, mark: str | None = None) -> Show:
    """Edits of the face before the camera. mark: as `live` has it."""
    stages, words = plan(request, kit), notice.words_for(mark, "live")
    step = edit_step(stages, request.arguments() | {"live": True})
    held, anew = in_time(stages)
    return Show(LiveEdits(held, kit, anew), replace(step, words=words), words)


def portrait_shown(portrait: PhotoLike, consent: str, kit: Kit, mark: str | None = None) -> Show:
    """A portrait that does what the face before the camera does. mark: as `live` has it."""
    words = notice.words_for(mark, "live")
    made = animate(portrait, "idle", consent=consent, kit=kit)
    actor = made.actors[0]
    effect = LivePortrait(made.photo.pixels, actor.reenactor, kit.shapes.model, actor.parts)
    step = replace(made.step, arguments={"live": True}, words=words)
    boxes = tuple(box_of(one.landmarks) for one in made.actors)
    return Show(effect, step, words, made.photo.origin, boxes)


def swap_shown(gallery: GalleryLike, consent: str, kit: Kit, mark: str | None = None) -> Show:
    """One person's face on the head before the camera. mark: as `live` has it."""
    check_consent(consent, "a swap")
    given = Gallery.of(gallery, kit=kit)
    request = SwapRequest((Assignment(given, "largest"),), consent, mark=mark).checked()
    stages, sources = Stages(kit, request.options), (one.source for one in given.pictures)
    step = request.step(stages, sources, shaved=True)
    words = notice.words_for(mark, "live")
    step = replace(step, arguments=step.arguments | {"live": True}, words=words)
    return Show(LiveSwap(given, stages), step, words)


def style_shown(network: str, kit: Kit, mark: str | None = None) -> Show:
    """The whole picture in another manner. network: as `stylize` has it; mark: as `live` has it."""
    words = notice.words_for(mark, "live")
    request = StyleRequest(manner(kit, network), mark=mark)
    edit = request.edit(kit)
    step = request.step(edit)
    step = replace(step, arguments=step.arguments | {"live": True}, words=words)
    return Show(LiveStyle(partial(edit.translator.translate, style=edit.style)), step, words)


@checked
def live(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    portrait: PhotoLike | None = None,
    gallery: GalleryLike | None = None,
    network: str | None = None,
    consent: str = "",
    seconds: float | None = None,
    mark: str | None = None,
    force: bool = False,
    licence: str | None = None,
    kit: Kit | None = None,
    progress: Progress = SILENT,
    **strengths: Unpack[Strengths],
) -> Told:
    """Read a clip as a camera would give it, or a camera ("camera:0"), edit the largest face live, and write what was
    shown as `out` (.mp4): `live("camera:0", "out.mp4", smile=0.8, seconds=10)`. As `out`, "camera:" is a virtual camera,
    which other programs choose as they do a real one, and "camera:/dev/video9" the one of that name: nothing is kept.

    portrait: a photo or a painting that is shown instead and does what the face does; gallery: whose face is put on the
    head instead, as `swap` takes it; network: in which manner the whole picture is drawn, as `stylize` takes it. The
    first two need consent, as `animate` and `swap` do. Frames that come too fast are dropped, and the last one is shown
    again. seconds: when to end; a camera goes on until `progress` is cancelled.
    mark: the words in a corner, "eu", which is usual, "eu:de" or "cn", or "none".
    Returns how many frames were shown, how often edits were renewed, and the latency.
    """
    kit, path = kit or shared_kit(licence), Path(out)
    device = virtual_camera.named(str(out))
    if device is None:
        clip_writer.target(path, force=force)
    given = cast("dict[str, float | str]", strengths)
    request = EditRequest(given, pack=taken_pack(given.get("effect"))).checked()
    if seconds is not None and not 0 < seconds <= LONGEST:
        raise RequestError(f"{seconds:g} seconds came: more than 0, up to {LONGEST:g}, was wanted")
    if sum((portrait is not None, gallery is not None, network is not None, not request.empty)) != 1:
        raise RequestError(
            "what to do: say edits as --smile 0.8, or --portrait PHOTO, or --source PERSON, or --with MANNER"
        )
    if portrait is not None:
        show = portrait_shown(portrait, consent, kit, mark)
        show = replace(show, step=replace(show.step, sources=(driver_of(Path(source)),)))
    else:
        if gallery is not None:
            show = swap_shown(gallery, consent, kit, mark)
        elif network is not None:
            show = style_shown(network, kit, mark)
        else:
            show = edits_shown(request, kit, mark)
        show = replace(show, origin=_origin(source))
    told = Told()
    with clip_reader.stream(str(source)) as (frames, fps), Live(show.effect, kit) as running:
        shown = _until(streamed(frames, fps, running, told), fps, seconds, progress)
        shown = _marked(shown, show, running, str(source))
        if device is not None:
            virtual_camera.show(shown, device, fps)
        else:
            clip_writer.write(shown, path, fps=fps, history=(show.step,), origin=show.origin, force=force)
    return replace(told, notes=show.effect.notes)


def _origin(source: str | os.PathLike[str]) -> Origin:
    """Where a stream comes from: a clip, or nothing that a label could name."""
    if not Path(source).is_file():
        return Origin()
    clip = clip_reader.clip(Path(source))
    return Origin(path=clip.path, format=clip.media_type)


def _marked(frames: Iterator[Array], show: Show, running: Live, source: str) -> Iterator[Array]:
    """The frames with words in a corner. In the end an error where there was none, or nothing was done to any: then
    nothing is written."""
    given = False
    for pixels in frames:
        given = True
        yield show.marked(pixels, running.boxes)
    if not given:
        raise InputError(f"{source} gave no frame")
    if why := show.effect.nothing:
        raise FaceError(f"{source}: {why}")


def _until(frames: Iterator[Array], fps: float, seconds: float | None, progress: Progress) -> Iterator[Array]:
    for number, pixels in enumerate(frames, 1):
        yield pixels
        progress.advance(number, round(seconds * fps) if seconds else number)
        if progress.cancelled or (seconds is not None and number >= seconds * fps):
            return
