"""The verb `frontalise`: the inside of a turned face from the front."""

from __future__ import annotations

import numpy as np

from .. import __version__
from ..arguments import checked
from ..edits.frontal import bring_to_front
from ..errors import FaceError
from ..io import notice
from ..io.photo_reader import PhotoLike, as_photo
from ..models.kit import Kit, shared_kit
from ..types import Photo, Step
from .find import layout_of
from .look import PhotoFaces, made_of
from .marking import finished
from .people import FaceLike, meant, select_faces
from .photo import now


@checked
def frontalise(
    photo: PhotoLike,
    *,
    face: FaceLike = "largest",
    size: int = 512,
    mark: str | None = None,
    kit: Kit | None = None,
) -> Photo:
    """The inside of one face as it would look from the front, `size` pixels a side on plain grey, laid out as FFHQ is.

    The mesh of the face is turned and made symmetric; what the photo does not see is the mirror image of what it sees,
    with light evened between the two. Hair, ears and neck are left out: of them too much is hidden. For looks, not for
    recognition: a symmetric face is a little of another person's, and embedders do better with the photo itself. face:
    as `edit` takes it, and mark. Raises `FaceError`; `DeclinedError` where the face is turned by more than 50 degrees.
    """
    layout_of("ffhq", size)
    words = notice.words_for(mark, "frontalise")
    picture = as_photo(photo)
    seen = PhotoFaces(picture, kit or shared_kit())
    chosen = select_faces(seen.kit, seen.picture, seen.faces, meant(face, kit=seen.kit))
    if len(chosen) != 1:
        raise FaceError(f"{len(chosen)} faces are meant: say which one with --face")
    one, shapes = seen.faces[chosen[0]], seen.kit.shapes
    pixels = bring_to_front(seen.picture, one, shapes.model, shapes.triangles(np.zeros((0, 3), int)), size)
    arguments = {"size": size, "yaw": round(one.yaw, 1) + 0.0}  # not -0
    step = Step("frontalise", arguments, shapes.networks, __version__, now())
    return finished(made_of(picture, step, pixels), words, seen.kit.faces(pixels))
