"""The verb `swap`, of a photo and of a clip: one person's face on another's head."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .._version import __version__
from ..arguments import checked
from ..edits.age_floor import CLOSE
from ..edits.portrait import LAYOUT
from ..errors import FaceError, RequestError
from ..io import clip_reader, clip_writer, notice
from ..io.photo_reader import MAX_PIXELS, PhotoLike, as_photo
from ..models.kit import Kit, shared_kit
from ..models.prototypes import ADULT
from ..types import (
    SILENT,
    Alignment,
    Array,
    Change,
    Crop,
    Edit,
    Face,
    Identity,
    Person,
    Photo,
    Progress,
    Source,
    Step,
)
from .clip_swap import clip_swapper
from .consent import check_consent, stated
from .gallery import Gallery
from .look import PhotoFaces
from .marking import Touched, joined, worded
from .people import FaceLike, meant, select_faces
from .photo import make_change, now, run_edits
from .resume import Summary, process_clip
from .swap_face import (
    TO_WHOM,
    Assignment,
    Stages,
    SwapOptions,
    Target,
    one_each,
    read_age,
    refused_for_age,
    refused_for_pose,
)

READ = 512  # pixels of a crop's side in which an age is read, at most
GalleryLike = Gallery | PhotoLike | Sequence[PhotoLike]  # what `Gallery.of` takes


@dataclass(frozen=True, eq=False)
class SwapRequest:
    """What is to be done to photos and clips: whose face goes to which faces, how, and in whose words all agreed.
    start, end: of a clip, the part in seconds that is swapped and written; mark: see `EditRequest`."""

    assignments: tuple[Assignment, ...]
    consent: str
    options: SwapOptions = field(default_factory=SwapOptions)
    start: float | None = None
    end: float | None = None
    licence: str | None = None
    mark: str | None = None

    def checked(self) -> SwapRequest:
        """Itself, where it makes sense; otherwise a `RequestError`."""
        check_consent(self.consent, "a swap")
        self.options.checked()
        return replace(self, assignments=one_each(self.assignments))

    def arguments(self) -> dict[str, Any]:
        """What the label says that was asked for."""
        said = [one.arguments() for one in self.assignments]
        about: dict[str, Any] = said[0] if len(said) == 1 else {"map": said}
        part = {"begin": self.start, "end": self.end, "mark": self.mark}
        return about | self.options.arguments() | {name: value for name, value in part.items() if value}

    def apply(self, photo: Photo, kit: Kit) -> Photo:
        """The photo with all chosen faces swapped; of several those that cannot be are left as they are."""
        seen, stages = PhotoFaces(photo, kit), Stages(kit, self.options)
        chosen, refused = self._chosen(seen)
        pixels, done, touched = photo.pixels, list[_Swapped](), Touched(kit.landmarker)
        for i, gallery in chosen.items():
            try:
                done.append(_swapped(pixels, seen, i, gallery, stages, touched))
                pixels = done[-1].pixels
            except FaceError as error:
                refused.append(f"face {i + 1} {error}")
        if not done:
            raise FaceError("; ".join(refused))
        sources = (one.source for one in done)
        step = self.step(stages, sources, shaved=any(one.shaved for one in done))
        marks = joined(photo.marks, touched.places(photo.pixels, pixels))
        swapped = photo.after(replace(step, notes=(*step.notes, *refused)), pixels, marks)
        return worded(swapped, step.words, seen.faces)

    def apply_to_clip(
        self,
        source: Path,
        out: Path,
        *,
        resume: bool,
        force: bool,
        max_pixels: int,
        private: bool,
        kit: Kit,
        progress: Progress,
    ) -> Summary:
        """The same of a clip; see `swap_clip`."""
        if self.options.network:
            raise RequestError(f"{source}: networks swap faces in photos only: leave out --with")
        if len(self.assignments) > 1 and not all(isinstance(one.face, Person) for one in self.assignments):
            raise RequestError(TO_WHOM)  # a number is somebody else in the next shot
        clip_writer.target(out, force=force)
        clip = clip_reader.clip(source, begin=self.start, end=self.end, max_pixels=max_pixels)
        stages = Stages(kit, self.options)
        swapper = clip_swapper(self.assignments, stages, float(clip.fps))
        step = self.step(stages, (), shaved=True)
        how: dict[str, Any] = {"private": private, "resume": resume, "force": force, "progress": progress}
        return process_clip(clip, out, swapper, step, **how)

    def _chosen(self, seen: PhotoFaces) -> tuple[dict[int, Gallery], list[str]]:
        """Whose face goes to which of a photo's faces, and why some go nowhere. Raises `FaceError` where all do."""
        chosen: dict[int, Gallery] = {}
        refused: list[str] = []
        for one in self.assignments:
            try:
                for i in select_faces(seen.kit, seen.picture, seen.faces, one.face):
                    chosen.setdefault(i, one.gallery)
            except FaceError as error:
                if len(self.assignments) == 1:
                    raise
                refused.append(str(error))
        return chosen, refused

    def step(self, stages: Stages, sources: Iterable[Source], *, shaved: bool) -> Step:
        """What the label says: `sources` are the pictures that took part, shaved: whether a beard may have gone."""
        step = Step("swap", self.arguments(), stages.networks(shaved=shaved), __version__, now())
        words = notice.words_for(self.mark, "swap")
        pictures = [one for each in self.assignments for one in each.gallery.pictures]
        said, notes = stated(self.consent, stages.kit, lambda: [Identity(one.identity) for one in pictures])
        return replace(step, sources=tuple(dict.fromkeys(sources)), consent=said, notes=notes, words=words)


@checked
def swap(
    photo: PhotoLike,
    gallery: GalleryLike | None = None,
    *,
    consent: str,
    face: FaceLike = "all",
    mapping: Sequence[tuple[GalleryLike, FaceLike]] = (),
    strength: float = 1.0,
    shape: float = 1.0,
    keep: Sequence[str] = (),
    network: str | None = None,
    mark: str | None = None,
    licence: str | None = None,
    kit: Kit | None = None,
) -> Photo:
    """Put one person's face on the heads in a photo: `swap("photo.jpg", "person/", consent="agreed by mail,
    2026-11-29")`.

    gallery: whose face it is: a `Gallery`, or pictures of one person as `Gallery.of` takes them; one frontal picture
    is enough for frontal faces. consent: in whose words both agreed; it is written into the label. face: whose heads,
    as `edit` takes it. mapping: instead of both, for several people at once: pairs of whose face it is and a picture
    of whom it goes to, or in a photo the number of a face. strength 0.05..1: how far from the one person to the
    other, a morph of the two; shape 0..1: how much of the shape comes along; keep: which of "mouth", "eyes", "brows"
    and "beard" stay the photo's. network: one that was trained to draw this person, which then gives the shape and
    what is coarse, and the gallery what is fine. mark: the words in a corner of what is written, "eu", which is
    usual, "eu:de" or "cn", or "none".

    Pose, expression, gaze, light and skin tone, hair and what is before the face stay those of the photo; pixels
    outside the face are bit-identical.

    Raises `RequestError` without consent, and `FaceError` where no face is there, where one is too small or turned too
    far, and where either person reads as under 18. Of several faces those that cannot be done are left as they are,
    and `Step.notes` says why.
    """
    kit, options = kit or shared_kit(licence), SwapOptions(strength, shape, tuple(keep), network)
    check_consent(consent, "a swap")
    photo, assignments = as_photo(photo), assigned(gallery, face, mapping, kit=kit)
    request = SwapRequest(assignments, consent, options, licence=licence, mark=mark)
    return request.checked().apply(photo, kit)


@checked
def swap_clip(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    gallery: GalleryLike | None = None,
    *,
    consent: str,
    face: FaceLike = "all",
    mapping: Sequence[tuple[GalleryLike, FaceLike]] = (),
    strength: float = 1.0,
    shape: float = 1.0,
    keep: Sequence[str] = (),
    network: str | None = None,
    start: float | None = None,
    end: float | None = None,
    resume: bool = False,
    force: bool = False,
    max_pixels: int = MAX_PIXELS,
    private: bool = False,
    mark: str | None = None,
    licence: str | None = None,
    kit: Kit | None = None,
    progress: Progress = SILENT,
) -> Summary:
    """Put one person's face on the heads in a film (.mp4, .mov, .mkv, .webm) and write it as `out` (.mp4); what can be
    asked for is as in `swap`, the rest as in `edit_clip`.

    The picture of the gallery is chosen over time, so that it seldom changes. Where a face is turned too far or too
    small the swap fades out. Raises `FaceError` where no face can be swapped: then nothing is written.
    """
    kit, options = kit or shared_kit(licence), SwapOptions(strength, shape, tuple(keep), network)
    check_consent(consent, "a swap")
    clip_writer.target(Path(out), force=force)
    assignments = assigned(gallery, face, mapping, kit=kit)
    request = SwapRequest(assignments, consent, options, start, end, licence, mark).checked()
    about: dict[str, Any] = {"resume": resume, "force": force, "max_pixels": max_pixels, "private": private}
    return request.apply_to_clip(Path(source), Path(out), kit=kit, progress=progress, **about)


def assigned(
    gallery: GalleryLike | None,
    face: FaceLike,
    mapping: Sequence[tuple[GalleryLike, FaceLike]],
    *,
    kit: Kit,
    progress: Progress = SILENT,
) -> tuple[Assignment, ...]:
    """Whose face goes to whom, measured: `gallery` to the faces that `face` says, or as `mapping` has it."""
    if (gallery is not None) == bool(mapping):
        raise RequestError("whose face is put on? Give either one source or a mapping of several")
    pairs = mapping if gallery is None else [(gallery, face)]
    return tuple(
        Assignment(Gallery.of(one, kit=kit, progress=progress), meant(whom, kit=kit)) for one, whom in pairs
    )


@dataclass(frozen=True, eq=False)
class _Swapped:
    """A photo with one face swapped, the picture that was taken, and whether a beard went first."""

    pixels: Array
    source: Source
    shaved: bool


def _swapped(
    pixels: Array, seen: PhotoFaces, i: int, gallery: Gallery, stages: Stages, touched: Touched
) -> _Swapped:
    """The gallery's face in place of face `i` of a photo; a `FaceError` says why that cannot be."""
    kit, look, face = seen.kit, seen.look, seen.faces[i]
    target = Target.of(pixels, face, stages, look.align)
    crop, portrait = target.portrait.crop, target.portrait
    why = refused_for_pose(portrait.yaw, portrait.pitch, portrait.width, gallery)
    if why := why or refused_for_age(read_age(crop, kit)):
        raise FaceError(why)
    picture = gallery.choose(portrait, target.expression)
    front = target.front

    def change_by(edit: Edit, crop: Crop, faces: list[Face], i: int) -> Change:
        change = front.mask_objects(crop, make_change(edit, crop, faces, i, front))
        return look.carried_back(change, crop)

    def run(*edits: Edit) -> Array:
        return run_edits(out, edits, seen.faces, [i], change_by, look.align, touched)

    out, shaved = pixels, stages.shaves(portrait, picture.portrait)
    if shaved:
        out = run(stages.removal())
        portrait = Target.of(out, face, stages, look.align).portrait
    overlay = stages.overlay(((picture.portrait, 1.0),), ((portrait, 1.0),), crop.size)
    drawn = stages.as_drawn(out, face, look.align)
    out = run(drawn[0], overlay, drawn[1]) if drawn else run(stages.reshape(gallery.identity), overlay)
    after = look.align(out, face, Alignment(LAYOUT, min(crop.size, READ)))
    if (age := read_age(after, kit)) < ADULT - CLOSE:
        raise FaceError(f"would read {age:.0f} years, and nobody is made to look under 18")
    return _Swapped(out, picture.source, shaved)
