"""Measures what an edit did to a photo: change outside the face, identity, motion, seam, sharpness, colour,
and what is read in the face.

Everything is measured on the two pictures alone: a report needs no label and trusts none.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from ..arguments import checked
from ..errors import InputError, RequestError
from ..face import filters, geometry, mesh, topology
from ..face.filters import to_lab
from ..io.photo_reader import PhotoLike, as_photo
from ..models.embedder import Embedder
from ..models.kit import Kit, shared_kit
from ..models.traits import TRAITS, face_traits
from ..pipeline.people import select_faces
from ..types import Alignment, Array, Face, Photo
from .report import FaceReport, Pixels, Report
from .seam import seam

SQUARE, WIDE = Alignment("ffhq", 512), Alignment("wide", 512)  # where edits of a face work, and of its hair
AROUND = ("face", "head")
SKIN = Alignment("face", 256)
NOISE_FROM = 0.3  # a picture that differs in so many of its blocks away from the faces was encoded anew
BLOCK = 16  # pixels
MOST_NOISE = 16.0  # levels
REGIONS: dict[str, tuple[int, ...]] = {
    "eyes": (*topology.EYELIDS[0], *topology.EYELIDS[1]),
    "irises": tuple(range(topology.POINTS, 478)),
    "brows": (*topology.BROWS[0], *topology.BROWS[1]),
    "nose": (1, 2, 4, 5, 19, 94, 98, 97, 326, 327, 48, 278, 64, 294),
    "mouth": (*topology.LIPS, *topology.INNER_LIPS),
    "outline": topology.OVAL,
}


def measure(
    before: Photo,
    after: Photo,
    kit: Kit,
    *,
    identity: str | None = None,
    around: str = "face",
    faces: list[Face] | None = None,
) -> Report:
    """Compare two photos of one size, face by face; see `Report`.

    identity: the name of an embedder among your networks; default: that of the box. faces: those of BEFORE,
    where they are known. Raises `InputError` for photos of different sizes and `FaceError` where BEFORE shows no
    face.
    """
    if before.size != after.size:
        sizes = " and ".join(f"{width} x {height}" for width, height in (before.size, after.size))
        raise InputError(
            f"the photos have {sizes} pixels: a report compares pixel by pixel, so both have to be of one size"
        )
    if around not in AROUND:
        raise RequestError(f"around {around!r} is not known: there are {', '.join(AROUND)}")
    eight = filters.to_uint8(before.pixels), filters.to_uint8(after.pixels)
    faces, again = (kit.faces(eight[0]) if faces is None else faces), kit.faces(eight[1])
    select_faces(kit, eight[0], faces, "all")
    matched = _match(faces, again)
    same_depth = before.pixels.dtype == after.pixels.dtype
    difference = levels_of(*((before.pixels, after.pixels) if same_depth else eight))
    inside = np.zeros(difference.shape, bool)
    for i, (face, moved) in enumerate(zip(faces, matched, strict=True)):
        own = within(face, moved or face, inside.shape, around)
        inside |= own
        if not difference[own].any():  # that a landmarker finds it a little elsewhere is not the edit's doing
            matched[i] = face
    away = difference[~inside]
    outside = _pixels(away)
    anew = _everywhere(difference > 0, inside)
    noise = min(float(np.percentile(away, 99.9)), MOST_NOISE) if anew else 0.0
    by = kit.embedder(identity)
    told = tuple(
        _face(number, eight, difference > noise, face, moved, kit, by)
        for number, (face, moved) in enumerate(zip(faces, matched, strict=True), 1)
    )
    rows, columns = np.flatnonzero(difference.any(1)), np.flatnonzero(difference.any(0))
    return Report(
        *before.size,
        changed=_pixels(difference),
        box=(int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])) if len(rows) else None,
        outside=outside,
        around=around,
        inside=_outlines(inside),
        noise=noise,
        identity_by=by.net.name,
        same_from=by.threshold,
        faces=told,
        worst=_worst(outside, told),
        notes=tuple(_notes(before, after, anew, told)),
    )


def levels_of(before: Array, after: Array) -> Array:
    """The largest difference over the channels, in levels: `[H, W]` float32."""
    scale = np.float32(255 / np.iinfo(before.dtype).max)
    return filters.largest(cv2.absdiff(before, after)).astype(np.float32) * scale


def within(face: Face, moved: Face, shape: tuple[int, ...], around: str = "face") -> Array:
    """Where an edit of the face may change a photo of `shape`: `[H, W]` bool."""
    layout = SQUARE if around == "face" else WIDE
    matrix = geometry.similarity(face.landmarks, layout)
    points = [geometry.transform(one.landmarks, matrix) for one in (face, moved)]
    mask = (
        mesh.influence_mask(points[0], points[1], layout.size) > 0
        if around == "face"
        else np.ones((layout.size,) * 2)
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(mask.astype(np.float32), matrix, (shape[1], shape[0]), flags=flags) > 0


def motion(before: Array, after: Array) -> dict[str, float]:
    """How far the landmarks `[478, 2]` of each of REGIONS went, in per cent of the eye distance, the head's
    own motion taken out."""
    z, w = (points.astype(np.float64) @ np.array([1, 1j]) for points in (after, before))
    still = list(topology.RIGID_POINTS)
    from_, to = z[still].mean(), w[still].mean()
    turn = np.vdot(z[still] - from_, w[still] - to) / np.vdot(z[still] - from_, z[still] - from_)
    way = np.abs((z - from_) * turn + to - w)
    unit = abs(np.subtract(*(w[list(eye)].mean() for eye in topology.EYELIDS)))
    return {name: float(100 * way[list(points)].mean() / unit) for name, points in REGIONS.items()}


def sharpness(before: Array, after: Array, where: Array, unit: float) -> float:
    """See `FaceReport.sharpness`; pictures `[H, W, 3]` uint8, `unit` the eye distance in pixels."""
    sigma = max(1.0, unit / 100)
    energy = []
    for picture in (before, after):
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
        energy.append(float(np.square(grey - cv2.GaussianBlur(grey, (0, 0), sigma))[where].mean()) + 1e-3)
    return float(np.sqrt(energy[1] / energy[0]))


def shift(before: Array, after: Array, weight: Array) -> tuple[float, float, float]:
    """The mean difference in CIE Lab of two pictures `[H, W, 3]` uint8, weighted by `weight [H, W]`."""
    if not weight.any():
        return 0.0, 0.0, 0.0
    a, b = (to_lab(picture) for picture in (before, after))
    mean = np.tensordot(weight.astype(np.float32), b - a, 2) / weight.sum(dtype=np.float64)
    return float(mean[0]), float(mean[1]), float(mean[2])


def _face(
    number: int,
    pictures: tuple[Array, Array],
    changed: Array,
    face: Face,
    moved: Face | None,
    kit: Kit,
    by: Embedder,
) -> FaceReport:
    """One face. `pictures` are 8 bits deep, `changed [H, W]` is true where they differ by more than noise."""
    before, after = pictures
    now = moved or face
    first, second = (by.identity_in(p, one) for p, one in ((before, face), (after, now)))
    matrix = geometry.similarity(face.landmarks, WIDE)
    end = WIDE.size - 1
    left, top, right, bottom = geometry.footprint(matrix, (0, 0, end, end), before.shape, margin=8)
    part = slice(top, bottom), slice(left, right)
    where, unit = changed[part], geometry.eye_distance(face.landmarks)
    border = seam(before[part], after[part], where, unit)
    if border and border.at:
        border = replace(border, at=(border.at[0] + left, border.at[1] + top))
    x, y, wide, high = cv2.boundingRect(where.astype(np.uint8))
    spot = slice(top + y, top + y + high), slice(left + x, left + x + wide)
    skin = geometry.align(before, face.landmarks, SKIN)
    traits = (
        None if moved is None else [face_traits(kit, p, one) for p, one in ((before, face), (after, moved))]
    )
    readings = [None] * 3 if traits is None else [(float(a), float(b)) for a, b in zip(*traits, strict=True)]
    return FaceReport(
        face=number,
        box=tuple(round(float(v), 1) for v in face.box),
        found=moved is not None,
        identity=first.likeness(second),
        motion=None if moved is None else motion(face.landmarks, moved.landmarks),
        seam=border,
        sharpness=sharpness(before[spot], after[spot], changed[spot], unit) if wide else 1.0,
        colour=shift(before[spot], after[spot], changed[spot]) if wide else (0.0, 0.0, 0.0),
        skin=shift(
            skin.pixels,
            geometry.warp(after, skin.matrix, SKIN.size),
            mesh.skin_mask(skin.landmarks, SKIN.size),
        ),
        **dict(zip(TRAITS, readings, strict=True)),
    )


def _match(faces: list[Face], again: list[Face]) -> list[Face | None]:
    """For each face the one at its place in the other picture, if there is one."""
    left, out = list(again), []
    for face in faces:
        there = found(face, left)
        left = [one for one in left if one is not there]
        out.append(there)
    return out


def found(face: Face, again: list[Face]) -> Face | None:
    """Which of the faces of another picture is at the place of this one."""
    middle = face.box[:2] + face.box[2:]
    ways = {float(np.linalg.norm(one.box[:2] + one.box[2:] - middle)) / 2: one for one in again}
    near = min(ways, default=np.inf)
    return ways[near] if near < 0.3 * float(max(face.box[2:] - face.box[:2])) else None


def _pixels(levels: Array) -> Pixels:
    count = int(np.count_nonzero(levels))
    return Pixels(count, count / max(levels.size, 1), float(levels.max(initial=0)))


def _everywhere(differs: Array, inside: Array) -> bool:
    """Whether pixels differ in many places away from the faces, as no edit of one makes them."""
    size = max(1, differs.shape[1] // BLOCK), max(1, differs.shape[0] // BLOCK)
    hit, near = (
        cv2.resize(one.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
        for one in (differs, inside)
    )
    return bool(hit[~near].mean() > NOISE_FROM) if not near.all() else False


def _outlines(mask: Array) -> tuple[tuple[tuple[int, int], ...], ...]:
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return tuple(
        tuple((int(x), int(y)) for x, y in cv2.approxPolyDP(line, 1.0, True)[:, 0]) for line in outlines
    )


def _worst(outside: Pixels, faces: tuple[FaceReport, ...]) -> dict[str, float | None]:
    seams = [face.seam.strength for face in faces if face.seam]
    moved = [max(face.motion.values()) for face in faces if face.motion]
    return {
        "outside": outside.count,
        "outside_levels": outside.maximum,
        "identity": min(face.identity for face in faces),
        "seam": max(seams, default=None),
        "sharpness": min(face.sharpness for face in faces),
        "skin": max(float(np.linalg.norm(face.skin)) for face in faces),
        "motion": max(moved, default=None),
    }


def _notes(before: Photo, after: Photo, anew: bool, faces: tuple[FaceReport, ...]) -> list[str]:
    notes = []
    if anew:
        notes.append(
            "pixels differ all over, as when a JPEG is written anew: compare with a .png or .tif to count what the edit changed"
        )
    if before.pixels.dtype != after.pixels.dtype:
        notes.append("one photo has 8 bits and the other 16: both were compared in 8")
    if before.origin.icc != after.origin.icc:
        notes.append("the colour profiles differ: numbers were compared, not colours")
    notes += [f"face {face.face} was not found again" for face in faces if not face.found]
    notes += [
        f"face {face.face}: the change has no border in the picture, so no seam was measured"
        for face in faces
        if face.seam is None
    ]
    return notes


@checked
def report(
    before: PhotoLike,
    after: PhotoLike,
    *,
    identity: str | None = None,
    around: str = "face",
    kit: Kit | None = None,
) -> Report:
    """What an edit did to a photo, by numbers and per face: pixels changed outside the face, identity,
    landmark motion, seam, sharpness, colour, and what age, sex and smile are read; see `report.Report` for
    each with its unit.

    identity: an embedder of yours to say how alike the faces are; default: that of the box. around: "face", or
    "head" for edits that are meant to reach the hair. Raises `InputError` for photos of different sizes,
    `FaceError` where BEFORE shows no face.
    """
    return measure(as_photo(before), as_photo(after), kit or shared_kit(), identity=identity, around=around)
