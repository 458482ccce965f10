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
from ..edits.effect_paint import Paint
from ..edits.effect_stickers import Stickers
from ..edits.effects import at_time, in_time
from ..edits.reenact import Reenactor
from ..edits.reenact_driver import DrivingFace
from ..edits.registry import plan
from ..edits.request import EditRequest, Strengths
from ..errors import FaceError, InputError, RequestError
from ..face.motion import Gesture
from ..face.shape import ShapeModel
from ..io import clip_reader, clip_writer, notice, virtual_camera
from ..io.photo_reader import PhotoLike
from ..models.kit import Kit, shared_kit
from ..types import SILENT, Array, Change, Crop, Edit, Face, Origin, Progress, Step
from . import photo as apply
from .animate import animate
from .clip_changes import Laid, moved
from .consent import check_consent
from .gallery import Gallery
from .live_style import LiveStyle
from .live_swap import NO_FACE, LiveSwap
from .look import align_face
from .marking import box_of
from .motion import driver_of
from .photo import edit_step
from .stylize import StyleRequest, manner
from .swap import GalleryLike, SwapRequest
from .swap_face import Assignment, Stages

KEYS = 8.0  # times a second that Changes are renewed
LOOK = 15  # frames from one look for a face to the next, while there is none
# of the one-euro filter: Hz at rest, how much more for each face width a second, and Hz of the speed
CUTOFF, SLOPE, SPEED = 1.5, 12.0, 1.0
CALIBRATE = 1.0  # seconds at the beginning in which a driver's neutral face is looked for
LONGEST = 24 * 3600.0  # seconds of a stream that is written
SPAN = 1e-3  # seconds: the least between two frames


@dataclass
class OneEuro:
    """The one-euro filter (Casiez et al. 2012) of an array: what is still is smoothed most, what moves hardly lags."""

    value: Array | None = None
    slope: Array | None = None
    at: float = 0.0

    def __call__(self, seen: Array, now: float, unit: float) -> Array:
        """The array smoothed at a time in seconds; unit: what speed is measured in."""
        span = max(now - self.at, SPAN)
        if self.value is None or self.slope is None:
            self.value, self.slope, self.at = seen, np.zeros_like(seen), now
            return seen
        quick = _share(SPEED, span)
        self.slope = self.slope + quick * ((seen - self.value) / span - self.slope)
        share = _share(CUTOFF + SLOPE * np.abs(self.slope) / unit, span)
        self.value, self.at = self.value + share * (seen - self.value), now
        return self.value


def _share(cutoff: Array | float, span: float) -> Array:
    return 1 / (1 + 1 / (2 * np.pi * np.asarray(cutoff) * span))


@dataclass
class LiveFace:
    """The largest face of a stream, followed from frame to frame and smoothed."""

    kit: Kit
    face: Face | None = None
    points: OneEuro = field(default_factory=OneEuro)
    depth: OneEuro = field(default_factory=OneEuro)
    waited: int = LOOK

    def look(self, pixels: Array, now: float) -> Face | None:
        """The face in a frame that was taken at a time in seconds; None while none is seen."""
        found = self.kit.landmarker.again(pixels, self.face) if self.face is not None else None
        if found is None:
            self.points, self.depth, self.waited = OneEuro(), OneEuro(), self.waited + 1
            if self.face is None and self.waited < LOOK:
                return None
            self.waited = 0
            found = max(self.kit.faces(pixels), key=lambda face: face.area, default=None)
        self.face = found
        if found is None:
            return None
        unit = float(found.box[2] - found.box[0])
        landmarks = self.points(found.landmarks.astype(np.float64), now, unit).astype(np.float32)
        depth = self.depth(found.depth.astype(np.float64), now, unit).astype(np.float32)
        return replace(found, landmarks=landmarks, depth=depth)


class LiveEffect(Protocol):
    """What is done to a stream: `renew` slowly, beside, and `show` at once, for every frame, taken `now` in seconds;
    `nothing` tells why nothing was done so far, and is empty where something was. The face is that in the frame; None
    comes only to what says that it is `faceless`."""

    @property
    def faceless(self) -> bool: ...
    @property
    def nothing(self) -> str: ...
    def renew(self, pixels: Array, face: Any) -> None: ...
    def show(self, pixels: Array, face: Any, now: float) -> Array: ...


@dataclass
class LiveEdits:
    """Edits of the face that a camera sees."""

    stages: Sequence[Edit]
    kit: Kit
    anew: Sequence[Paint | Stickers] = ()
    laid: tuple[Laid, ...] = ()
    faceless = False

    @property
    def nothing(self) -> str:
        return "" if self.laid or self.anew else NO_FACE

    def renew(self, pixels: Array, face: Face) -> None:
        """Ask the edits what should change."""
        asked: list[Laid] = []

        def ask(edit: Edit, crop: Crop, faces: list[Face], i: int) -> Change:
            change = apply.make_change(edit, crop, faces, i)
            asked.append((crop.landmarks, change))
            return change

        apply.run_edits(pixels, self.stages, [face], [0], ask, align_face)
        self.laid = tuple(asked)

    def show(self, pixels: Array, face: Face, now: float) -> Array:
        """The frame with what was last asked, where the face is now, and with what is drawn in every one."""
        laid = self.laid
        stage = iter(laid)

        def recall(edit: Edit, crop: Crop, faces: list[Face], i: int) -> Change:
            return moved(next(stage), crop.landmarks, self.kit.prototypes.triangles)

        shown = apply.run_edits(pixels, self.stages[: len(laid)], [face], [0], recall, align_face)
        return apply.run_edits(shown, at_time(self.anew, now), [face], [0], apply.make_change, align_face)


@dataclass
class LivePortrait:
    """A photo or a painting that does what the face before a camera does: `portrait [H, W, 3]` uint8 with a face."""

    portrait: Array
    reenactor: Reenactor
    model: ShapeModel
    seen: list[Face] = field(default_factory=list)
    neutral: Face | None = None
    faceless = False

    @property
    def nothing(self) -> str:
        return "" if self.seen or self.neutral else NO_FACE

    def renew(self, pixels: Array, face: Face) -> None:
        """Until it is known how the driver's face is at rest, remember it."""
        if self.neutral is None:
            self.seen.append(face)
            if len(self.seen) >= CALIBRATE * KEYS:
                self.neutral = self.seen[DrivingFace.of(self.seen, self.model).neutral()]
                self.seen.clear()

    def show(self, pixels: Array, face: Face, now: float) -> Array:
        out = self.portrait.copy()
        if self.neutral is not None:
            row = DrivingFace.of([self.neutral, face], self.model).rows(0)[1]
            self.reenactor.draw(out, Gesture.of(row.astype(np.float32)))
        return out


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
    """What a stream came to: frames that were given and shown, how often Changes were renewed, and the median seconds
    from when a frame was taken to when it was shown."""

    given: int = 0
    shown: int = 0
    renewed: int = 0
    latencies: list[float] = field(default_factory=list)

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
        return notice.drawn(pixels, self.words, self.boxes or seen) if self.words else pixels


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
    effect = LivePortrait(made.photo.pixels, made.actors[0].reenactor, kit.shapes.model)
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
    return told


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
