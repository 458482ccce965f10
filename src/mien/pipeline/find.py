"""The verbs about faces as they are: where they lie, how old they look, cut out and laid out, what is where
in them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..arguments import checked
from ..edits.whole_face import Prototype
from ..errors import FaceError, MienError, RequestError
from ..face import filters, geometry, topology
from ..io import dataset, outputs, photo_writer
from ..io import photo_reader as image
from ..io.photo_reader import PhotoLike, as_photo
from ..models.kit import Kit, shared_kit
from ..models.prototypes import ADULT, OLDEST
from ..types import SILENT, Alignment, Array, Crop, Face, Identity, Photo, Progress
from .look import PhotoFaces, in_srgb
from .people import FaceLike, meant, select_faces

MASK = 768  # pixels of a side that regions are made at
GREEN, RED = (60, 220, 90), (255, 70, 70)


@checked
def find(photo: PhotoLike, *, kit: Kit | None = None) -> list[Face]:
    """The faces of a photo, from left to right, in photo xy; empty where there is none. See `types.Face`."""
    return PhotoFaces(as_photo(photo), kit or shared_kit()).faces


@checked
def age(photo: PhotoLike, face: Face, *, kit: Kit | None = None) -> tuple[float, float]:
    """How old a face of the photo looks, and by how much that is off in the mean, on people held out; in
    years, 18 to 90."""
    seen = PhotoFaces(as_photo(photo), kit or shared_kit())
    prototypes, crop = seen.kit.prototypes, seen.aligned(face, Prototype.alignment)
    return float(np.clip(prototypes.read(crop).age, ADULT, OLDEST)), prototypes.card.measured[
        "age_error_years"
    ]


@checked
def identity(photo: PhotoLike, face: Face, *, kit: Kit | None = None) -> Identity:
    """Who a face of the photo is, by the embedder in the box: to be compared with `Identity.likeness`, never to
    be called a name."""
    return PhotoFaces(as_photo(photo), kit or shared_kit()).identity(face)


@checked
def blendshapes(face: Face, *, kit: Kit | None = None) -> dict[str, float]:
    """What a face expresses: 52 coefficients from 0 to 1 by ARKit's names, as "jawOpen" and "mouthSmileLeft"."""
    return (kit or shared_kit()).blendshapes.coefficients(face.landmarks)


@checked
def align(
    photo: PhotoLike,
    *,
    size: int = 512,
    template: str = "ffhq",
    like: FaceLike = "all",
    kit: Kit | None = None,
) -> list[tuple[Face, Crop]]:
    """Faces of a photo laid out as `template` (see `geometry.LAYOUTS`), `size` x `size` pixels, 8 bits. like:
    only those of a person; else as `edit` takes its face."""
    layout, seen = layout_of(template, size), PhotoFaces(as_photo(photo), kit or shared_kit())
    which = meant(like, kit=seen.kit)
    chosen = select_faces(seen.kit, seen.picture, seen.faces, which) if seen.faces else []
    return [(seen.faces[i], seen.aligned(seen.faces[i], layout)) for i in chosen]


def layout_of(template: str, size: int) -> Alignment:
    """The layout of that name and size; a `RequestError` where there is none."""
    if template not in geometry.LAYOUTS:
        raise RequestError(f"no face layout is called {template!r}: there are {', '.join(geometry.LAYOUTS)}")
    if not 16 <= size <= 4096:
        raise RequestError(f"size {size} is out of range: 16 to 4096 pixels")
    return Alignment(template, size)


@checked
def draw(photo: PhotoLike, faces: list[Face]) -> Photo:
    """The photo with the faces' boxes, numbers and points drawn on it; 8 bits, no label, since nothing in it
    pretends to be a photo."""
    pixels = in_srgb(as_photo(photo)).copy()
    for number, face in enumerate(faces, 1):
        left, top, right, bottom = (round(float(v)) for v in face.box)
        thick = max(1, round((right - left) / 150))
        cv2.rectangle(pixels, (left, top), (right, bottom), GREEN, thick)
        cv2.putText(
            pixels,
            str(number),
            (left, max(top - 3 * thick, 12 * thick)),
            cv2.FONT_HERSHEY_SIMPLEX,
            0.5 * thick,
            GREEN,
            thick,
            cv2.LINE_AA,
        )
        for index, point in enumerate(face.landmarks):
            spot = round(float(point[0]) * 16), round(float(point[1]) * 16)
            cv2.circle(
                pixels, spot, thick * 12, RED if index >= topology.POINTS else GREEN, -1, cv2.LINE_AA, shift=4
            )
    return Photo(pixels)


@checked
def regions(photo: PhotoLike, face: Face, *, kit: Kit | None = None) -> Iterator[tuple[str, Array]]:
    """Where in the photo a face's skin, hair and features are: each of `models.parser.REGIONS` by name, one
    after the other since they are as large as the photo, `[H, W]` uint8 in 0..255; of every pixel they sum to
    about 255."""
    photo = as_photo(photo)
    seen = PhotoFaces(photo, kit or shared_kit())
    parser = seen.kit.parser
    crop = seen.aligned(face, Alignment(parser.alignment.template, MASK))
    light = cv2.cvtColor(crop.pixels, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    for name, share in parser.parse(crop).items():
        fine = np.rint(filters.guided_filter(light, share, MASK // 128, 2e-4).clip(0, 1) * 255).astype(
            np.uint8
        )
        beyond = 255 if name == "other" else 0
        yield (
            name,
            cv2.warpAffine(
                fine, geometry.invert(crop.matrix), photo.size, flags=cv2.INTER_LINEAR, borderValue=beyond
            ),
        )


@checked
def write_masks(photo: Photo, faces: list[Face], folder: Path) -> int:
    """Write the `regions` of faces as `folder`/NUMBER-REGION.png, as large as the photo; returns how many."""
    count = 0
    with outputs.new_folder(folder) as made:
        for number, face in enumerate(faces, 1):
            for name, mask in regions(photo, face):
                photo_writer.write(Photo(mask[..., None].repeat(3, 2)), made / f"{number}-{name}.png")
                count += 1
    return count


@checked
def align_folder(
    sources: Sequence[Path],
    folder: Path,
    *,
    size: int,
    template: str,
    max_pixels: int,
    like: FaceLike = "all",
    progress: Progress = SILENT,
) -> tuple[int, int]:
    """Lay out every face of every photo, or those that are `like` a person's, and write what `train` reads:
    images/NAME.png, faces.csv with labels to fill in, landmarks478.npz.

    Returns how many faces were written and how many photos failed; `progress` is told of each. Raises `FaceError` where
    there is no face at all.
    """
    layout_of(template, size)
    which = meant(like)
    rows, points, failed = list[dict[str, Any]](), dict[str, Array](), 0
    with outputs.new_folder(folder) as made:
        (made / dataset.IMAGES).mkdir()
        for done, source in enumerate(sources, 1):
            try:
                photo = image.read(source, max_pixels=max_pixels)
                found = align(photo, size=size, template=template, like=which)
                if not found:
                    raise FaceError("no face found")
            except MienError as error:
                progress.message(f"{source}: {error}" if isinstance(error, FaceError) else str(error))
                failed += 1
                continue
            finally:
                progress.advance(done, len(sources))
            for number, (face, crop) in enumerate(found, 1):
                name = f"{source.stem}-{number}.png"
                for again in itertools.count(2):
                    if name not in points:
                        break
                    name = f"{source.stem}-{number}-{again}.png"
                photo_writer.write(Photo(crop.pixels), made / dataset.IMAGES / name)
                points[name] = crop.landmarks
                row = {"file": name, "photo": str(source), "face": number, "score": round(face.score, 3)}
                rows.append(row | {key: round(getattr(face, key), 1) for key in ("roll", "yaw", "pitch")})
        if not rows:
            raise FaceError("no face was found: nothing was written")
        dataset.write_tables(made, rows, list(points.values()))
    return len(rows), failed
