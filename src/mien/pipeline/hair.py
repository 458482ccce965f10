"""Whose hair goes to a head, where it is no style in the box: measured in a picture of that person."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from ..edits import styles
from ..edits.age_floor import age_reader
from ..edits.hair_matte import LAYOUT, Bust, hairdo_of
from ..edits.hair_scalp import covered
from ..edits.hairstyle import COVERED, yaw_of
from ..edits.portrait import face_width
from ..errors import FaceError
from ..face.geometry import scale_of
from ..io.photo_reader import as_photo
from ..models.kit import Kit
from ..models.prototypes import ADULT
from ..types import Alignment, Source
from .consent import check_consent, stated
from .look import PhotoFaces
from .people import clearly_largest

SIZE = 1024  # pixels of a side in which hair is measured
WIDE = 64.0  # pixels: of narrower faces hair has nothing to give


def taken_hair(hairstyle: Any, consent: str, kit: Kit) -> styles.TakenHair | None:
    """The hair of the person whom a picture shows, where `hairstyle` names a picture and no style in the box; else None.

    consent: in whose words that person agreed. Raises `RequestError` without it, and `FaceError` where the picture has
    no hair to give.
    """
    if not isinstance(hairstyle, str):
        return None
    name, _ = styles.parse(hairstyle)
    if name in styles.NAMES or not Path(name).is_file():
        return None
    check_consent(consent, "somebody's hairstyle")
    photo, title = as_photo(name), Path(name).name
    seen = PhotoFaces(photo, kit)
    face = clearly_largest(seen, title)
    crop = seen.aligned(face, Alignment(LAYOUT, SIZE))
    bust = Bust.of(kit.parser, crop)
    if (wide := face_width(crop.landmarks) / scale_of(crop.matrix)) < WIDE:
        raise FaceError(
            f"{title}: the face is {wide:.0f} pixels wide, {WIDE:.0f} were wanted: give a larger picture"
        )
    if covered(bust) > COVERED:
        raise FaceError(f"{title}: something is worn on the head: give a picture that shows the hair")
    if (age := age_reader(kit).read(crop)) < ADULT:
        raise FaceError(f"{title}: reads {age:.0f} years, and nobody under 18 takes part")
    digest = hashlib.sha256(photo.pixels.tobytes()).hexdigest()
    source = Source(title, "hair", digest, str(Path(name)))
    said, warned = stated(consent, kit, lambda: [seen.identity(face)])
    return styles.TakenHair((hairdo_of(bust, yaw_of(crop)),), source, said, warned)
