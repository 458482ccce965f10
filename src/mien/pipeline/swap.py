"""The verb `swap`: one person's face on another's head, in a photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from .._version import __version__
from ..edits.age_floor import CLOSE, age_reader
from ..edits.portrait import LAYOUT, Portrait, own_side, portrait_of
from ..edits.removal import Removal
from ..edits.request import said_of_face
from ..edits.swap import Reshape, Swap
from ..errors import FaceError
from ..face import filters, shape
from ..io.photo_reader import PhotoLike, as_photo
from ..models.kit import Kit, shared_kit
from ..models.prototypes import ADULT
from ..types import Alignment, Array, Change, Crop, Edit, Face, Networks, Person, Photo, Step
from .gallery import Gallery, Picture
from .people import FaceLike, check_consent, meant, select_faces
from .photo import align_face, find_occlusion, make_change, now, run_edits

TURNED, NODDED = 40.0, 30.0  # degrees of yaw and pitch beyond which a face is left as it is
FARTHEST = 30.0  # degrees of yaw between a face and the nearest picture of the gallery
BEARDED = 0.1  # of the lower face, from which on a beard is shaved before a face with less comes over it
NARROWEST = 40.0  # pixels: in smaller faces there is nothing to be seen
COARSER = 3.0  # how much wider than in any picture of the gallery a face may be


@dataclass(frozen=True, eq=False)
class SwapRequest:
    """What is to be done to photos: whose face goes to which faces, and in whose words both agreed."""

    gallery: Gallery
    consent: str
    face: str | Person = "all"
    licence: str | None = None

    def arguments(self) -> dict[str, Any]:
        """What the label says that was asked for."""
        about = {"source": self.gallery.name, "source_sha256": self.gallery.digest}
        return about | said_of_face(self.face)

    def apply(self, photo: Photo, kit: Kit) -> Photo:
        """The photo with all chosen faces swapped; of several those that cannot be are left as they are."""
        faces = kit.faces(filters.to_uint8(photo.pixels))
        chosen = select_faces(kit, photo.pixels, faces, self.face)
        pixels, done, refused = photo.pixels, list[_Swapped](), list[str]()
        for i in chosen:
            try:
                done.append(_swapped(pixels, faces, i, self.gallery, kit))
                pixels = done[-1].pixels
            except FaceError as error:
                refused.append(f"face {i + 1} {error}")
        if not done:
            raise FaceError("; ".join(refused))
        return photo.after(self._step(done, tuple(refused)), pixels)

    def _step(self, done: list[_Swapped], notes: tuple[str, ...]) -> Step:
        sources = tuple(dict.fromkeys(one.picture.source for one in done))
        networks = tuple(dict.fromkeys(network for one in done for network in one.networks))
        step = Step("swap", self.arguments(), networks, __version__, now())
        return replace(step, notes=notes, sources=sources, consent=self.consent)


def swap(
    photo: PhotoLike,
    gallery: Gallery | PhotoLike | Sequence[PhotoLike],
    *,
    consent: str,
    face: FaceLike = "all",
    licence: str | None = None,
    kit: Kit | None = None,
) -> Photo:
    """Put one person's face on the heads in a photo: `swap("photo.jpg", "person/", consent="agreed by mail,
    2026-11-29")`.

    gallery: whose face it is: a `Gallery`, or pictures of one person as `Gallery.of` takes them; one frontal picture
    is enough for frontal faces. consent: in whose words both agreed; it is written into the label. face: whose heads,
    as `edit` takes it. Pose, expression, gaze, light and skin tone, hair and what is before the face stay those of the
    photo; pixels outside the face are bit-identical.

    Raises `RequestError` without consent, and `FaceError` where no face is there, where one is too small or turned too
    far, and where either person reads as under 18. Of several faces those that cannot be done are left as they are,
    and `Step.notes` says why.
    """
    kit = kit or shared_kit(licence)
    check_consent(consent, "a swap")
    photo, gallery = as_photo(photo), Gallery.of(gallery, kit=kit)
    return SwapRequest(gallery, consent, meant(face, kit=kit), licence).apply(photo, kit)


@dataclass(frozen=True, eq=False)
class _Swapped:
    """A photo with one face swapped, the picture that was taken, and the networks that took part."""

    pixels: Array
    picture: Picture
    networks: Networks


def _swapped(pixels: Array, faces: list[Face], i: int, gallery: Gallery, kit: Kit) -> _Swapped:
    """The gallery's face in place of face `i` of a photo; a `FaceError` says why that cannot be."""
    crop = align_face(pixels, faces[i], Alignment(LAYOUT, own_side(faces[i])))
    target = portrait_of(kit.parser, kit.prototypes.triangles, crop)
    _check_pose(target, gallery)
    reader, model = age_reader(kit), kit.shapes.model
    if (age := reader.read(crop)) < ADULT:
        raise FaceError(f"reads {age:.0f} years, and nobody under 18 takes part in a swap")
    points = shape.solid(crop.landmarks, target.depth)
    expression = model.fit([model.pose(points).to_head(points)])[1][0]
    picture, triangles = gallery.choose(target, expression), kit.shapes.triangles(kit.prototypes.triangles)
    front = find_occlusion(kit.parser, pixels, faces[i])
    shaved = target.beard > BEARDED and picture.portrait.beard < target.beard / 2
    edits: tuple[Edit, ...] = (
        *([Removal(kit.remover, kit.parser, "beard", 1.0)] if shaved else []),
        Reshape(gallery.identity, kit.shapes, triangles),
        Swap(picture.portrait, kit.parser, triangles, crop.size),
    )

    def change_by(edit: Edit, crop: Crop, faces: list[Face], i: int) -> Change:
        return front.mask_objects(crop, make_change(edit, crop, faces, i, front))

    out = run_edits(pixels, edits, faces, [i], change_by, align_face)
    after = align_face(out, faces[i], crop.alignment)
    if (age := reader.read(after)) < ADULT - CLOSE:
        raise FaceError(f"would read {age:.0f} years, and nobody is made to look under 18")
    landmarker, prototypes = kit.landmarker, (kit.prototypes.name, kit.prototypes.sha256)
    found_by = (*landmarker.mesh.net.networks, *landmarker.iris.net.networks)
    used = (network for edit in edits for network in edit.networks)
    return _Swapped(out, picture, (*found_by, *used, prototypes))


def _check_pose(target: Portrait, gallery: Gallery) -> None:
    """Refuse a face that is too small or turned too far for what the gallery shows."""
    if target.width < NARROWEST:
        raise FaceError(
            f"is {target.width:.0f} pixels wide, {NARROWEST:.0f} were wanted: give a larger picture of it"
        )
    if abs(target.yaw) > TURNED or abs(target.pitch) > NODDED:
        raise FaceError(
            f"is turned by {abs(target.yaw):.0f} degrees and nods by {abs(target.pitch):.0f}; up to {TURNED:.0f} and "
            f"{NODDED:.0f} can be swapped"
        )
    nearest = min((one.portrait for one in gallery.pictures), key=lambda one: abs(one.yaw - target.yaw))
    if abs(nearest.yaw - target.yaw) > FARTHEST:
        side = "right" if target.yaw > 0 else "left"
        raise FaceError(
            f"looks {abs(target.yaw):.0f} degrees to the picture's {side}, and no picture of {gallery.name} is within "
            f"{FARTHEST:.0f} degrees of that: add one that looks there"
        )
    widest = max(one.portrait.width for one in gallery.pictures)
    if COARSER * widest < target.width:
        raise FaceError(
            f"is {target.width:.0f} pixels wide, and the widest in {gallery.name} {widest:.0f}: give a picture of at "
            f"least a third of that"
        )
