"""A gallery: the pictures of one person whose face goes to others, found, measured and sorted."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np

from ..edits.age_floor import age_reader
from ..edits.portrait import LARGEST, LAYOUT, WORN, Portrait, own_side, portrait_of
from ..edits.removal import Removal
from ..errors import FaceError, InputError, MienError
from ..face import shape
from ..io import clip_reader, outputs
from ..io.inputs import is_one_of
from ..io.photo_reader import SUFFIXES, PhotoLike, as_photo
from ..models.catalogue import sha256_of
from ..models.kit import Kit, shared_kit
from ..models.prototypes import ADULT
from ..types import SILENT, Alignment, Array, Crop, Face, Origin, Photo, Progress, Source
from ..words import fault
from .look import PhotoFaces, align_face
from .people import RIVAL, most_typical
from .photo import make_change, run_edits

SUFFIX = ".gallery"
MOST = 300  # pictures
FRAMES = 24  # of a clip that are looked at
WIDE = 64.0  # pixels: narrower faces have nothing to give
DARK = 0.15  # of a face that is glasses, from which on they could not be taken off
COVERED = 0.4  # of a face, beyond which too little of it is known
SHUT = 0.7  # of a person's usual lid opening: with less an eye is blinking
SIDEWAYS = 15.0  # degrees of yaw from which on a face looks aside
OPEN = 0.2  # of a mouth's opening over the inner eye distance
QUALITY = 97  # of the JPEG that a saved gallery holds of each picture
PARTS = "depth", "light", "skin", "hidden", "front"  # of a portrait, that are arrays besides its crop
NUMBERS = "yaw", "pitch", "beard", "glasses"  # of a portrait
FORMAT = 1  # of a saved gallery
LARGEST_FILE = 4 * LARGEST**2  # bytes of one array in a saved gallery


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture of a gallery: the face measured, who it is `[E]` by the embedder, how old it reads, and the file that
    it came from."""

    portrait: Portrait
    identity: Array
    age: float
    source: Source


@dataclass(frozen=True, eq=False)
class Gallery:
    """One person's pictures. identity `[I]`: the shape that they share; expressions `[n, E]`: what each expresses, both
    in standard deviations of the shape model."""

    name: str
    pictures: tuple[Picture, ...]
    identity: Array
    expressions: Array

    @staticmethod
    def of(
        pictures: Gallery | PhotoLike | Sequence[PhotoLike],
        *,
        kit: Kit | None = None,
        progress: Progress = SILENT,
    ) -> Gallery:
        """The gallery of a picture, a folder, several pictures, a clip, or of a file that `save` wrote.

        A picture without a face is left out where there are others. Raises `FaceError` where there is no face, where
        two people are in it (by the embedder in the box), where every face is too small or covered or has its eyes
        shut, and where the person reads as under 18.
        """
        if isinstance(pictures, Gallery):
            return pictures
        kit = kit or shared_kit()
        if isinstance(pictures, str | os.PathLike) and Path(pictures).suffix == SUFFIX:
            return load(Path(pictures), kit)
        name, sources = _listed(pictures)
        found = [one for one in _candidates(sources, kit, progress) if one]
        if not found:
            raise FaceError(f"{name}: no face found, so there is none to give: give pictures of one person")
        return _gallery(name, _same_person(name, found), kit)

    def __repr__(self) -> str:
        return f"<Gallery {self.name}: {len(self.pictures)} picture{'s' * (len(self.pictures) != 1)}>"

    @cached_property
    def digest(self) -> str:
        """A sha256 that only a gallery of the same pictures has."""
        return hashlib.sha256("".join(one.source.sha256 for one in self.pictures).encode()).hexdigest()

    @cached_property
    def lids(self) -> float:
        """This person's usual lid opening, over the width of an eye."""
        return float(np.percentile([one.portrait.openings.lids for one in self.pictures], 70))

    @cached_property
    def widest(self) -> float:
        """How wide its widest face is, in pixels."""
        return max(one.portrait.width for one in self.pictures)

    def choose(self, target: Portrait, expression: Array) -> Picture:
        """The picture that fits a face with this `expression [E]` best: the least sum of what tells them apart."""
        return self.pictures[int(np.argmin(self.costs(target, expression)))]

    def costs(self, target: Portrait, expression: Array) -> Array:
        """How ill each picture fits a face with this `expression [E]`: `[n]`."""
        return np.array([self._cost(i, target, expression) for i in range(len(self.pictures))])

    def described(self) -> list[str]:
        """Which pictures there are, as lines for people: by angle, by mouth, by lids."""
        yaws = [one.portrait.yaw for one in self.pictures]
        turns = {
            "look ahead": lambda yaw: abs(yaw) < SIDEWAYS,
            "look left": lambda yaw: yaw <= -SIDEWAYS,
            "look right": lambda yaw: yaw >= SIDEWAYS,
        }
        counts = {what: sum(map(within, yaws)) for what, within in turns.items()}
        counts["have the mouth open"] = sum(one.portrait.openings.mouth > OPEN for one in self.pictures)
        counts["have the eyes shut"] = sum(
            min(one.portrait.openings.lids) < SHUT * self.lids for one in self.pictures
        )
        wide = [one.portrait.width for one in self.pictures]
        return [
            ", ".join(f"{count or 'none'} {what}" for what, count in counts.items()),
            f"faces {min(wide):.0f} to {max(wide):.0f} pixels wide",
        ]

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write the gallery as one file, by which `mien swap --source` needs not find and measure it again."""
        path = Path(path)
        outputs.check_free(path, force)
        about = {
            "format": FORMAT,
            "name": self.name,
            "pictures": [
                {
                    "source": asdict(one.source) | {"path": ""},
                    "age": one.age,
                    "side": one.portrait.crop.size,
                    **{name: getattr(one.portrait, name) for name in NUMBERS},
                }
                for one in self.pictures
            ],
        }
        arrays: dict[str, Array] = {"about": np.array(json.dumps(about))}
        for i, one in enumerate(self.pictures):
            crop = one.portrait.crop
            jpeg = cv2.imencode(".jpg", crop.pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
            parts: dict[str, Array] = {
                "jpeg": jpeg.ravel(),
                "matrix": crop.matrix,
                "landmarks": crop.landmarks,
            }
            parts |= {name: getattr(one.portrait, name) for name in PARTS}
            arrays |= {f"{i}.{name}": values for name, values in (parts | {"identity": one.identity}).items()}
        packed = io.BytesIO()
        np.savez_compressed(packed, allow_pickle=False, **arrays)
        outputs.write(path, packed.getbuffer(), force=force)

    def _cost(self, i: int, target: Portrait, expression: Array) -> float:
        """What tells a picture from a face: pose, expression, mouth, lids, light, cover, size; each 1 where it begins
        to be seen."""
        own, theirs = self.pictures[i].portrait, target
        has, wants = own.openings, theirs.openings
        cost = ((own.yaw - theirs.yaw) / 12) ** 2 + ((own.pitch - theirs.pitch) / 12) ** 2
        cost += float(np.square(self.expressions[i][:12] - expression[:12]).mean())
        cost += ((has.mouth - wants.mouth) / 0.12) ** 2
        for mine, other in zip(has.lids, wants.lids, strict=True):
            cost += 0.5 * ((mine - other) / 0.06) ** 2
            cost += 25.0 * (
                mine < SHUT * self.lids and other > 0.16
            )  # a blink, unless the target blinks, too
        light = (own.light - theirs.light).mean(1)
        cost += 2.4 * float(np.square(light[1:4]).sum()) + min(
            3 * max(0.0, -float(light[0]) - 0.4) ** 2, 16.0
        )
        return cost + 15 * own.covered + 2 * max(0.0, float(np.log2(theirs.width / own.width))) ** 2


def _listed(pictures: PhotoLike | Sequence[PhotoLike]) -> tuple[str, list[PhotoLike]]:
    """What a gallery is called, and its pictures."""
    name, listed = "a picture", list[PhotoLike]()
    if isinstance(pictures, str | os.PathLike):
        path = Path(pictures)
        if not path.exists():
            raise InputError(f"{path}: no such file or folder: one person's picture or pictures were wanted")
        name = path.name
        if path.suffix.lower() in clip_reader.READS:
            listed.extend(_frames(path))
        else:
            listed.extend(
                sorted(p for p in path.iterdir() if is_one_of(p, SUFFIXES)) if path.is_dir() else [path]
            )
    elif isinstance(pictures, list | tuple):
        listed.extend(pictures)
        name = f"{len(listed)} pictures"
    else:
        listed.append(cast("PhotoLike", pictures))
    if not 1 <= len(listed) <= MOST:
        raise InputError(
            f"{name}: {len(listed)} pictures came, 1 to {MOST} were wanted ({' '.join(sorted(SUFFIXES))})"
        )
    return name, listed


def _frames(path: Path) -> Iterator[Photo]:
    """FRAMES frames of a clip, evenly spread."""
    film = clip_reader.clip(path)
    step = max(film.frames // FRAMES, 1)
    for frame in clip_reader.frames(film):
        if frame.number % step == 0:
            yield Photo(frame.pixels, origin=Origin(path=str(path)))


def _candidates(sources: list[PhotoLike], kit: Kit, progress: Progress) -> list[list[Picture]]:
    """Of each picture the faces that may be meant: the largest, and those nearly as large."""
    out: list[list[Picture]] = []
    for done, source in enumerate(sources, 1):
        try:
            out.append(_measured(as_photo(source), kit))
        except MienError as error:
            if len(sources) == 1:
                raise
            progress.message(str(error))
        progress.advance(done, len(sources))
    return out


def _measured(photo: Photo, kit: Kit) -> list[Picture]:
    seen, path = PhotoFaces(photo, kit), photo.origin.path or ""
    faces = seen.by_size
    large = [face for face in faces if face.area > RIVAL * faces[0].area]
    known = Path(path).is_file()
    digest = sha256_of(Path(path)) if known else hashlib.sha256(photo.pixels.tobytes()).hexdigest()
    source = Source(Path(path).name or "a picture", "identity", digest, path)
    return [_picture(seen.picture, face, source, kit) for face in large]


def _picture(pixels: Array, face: Face, source: Source, kit: Kit) -> Picture:
    """One face of a picture; glasses that eyes are seen through are taken off first."""
    identity, portrait = kit.embedder().identity_in(pixels, face).vector, _portrait(pixels, face, kit)
    age = age_reader(kit).read(portrait.crop)
    if portrait.glasses > WORN:
        remover = Removal(kit.remover, kit.parser, "glasses", 1.0)
        bare = run_edits(pixels, [remover], [face], [0], make_change, align_face)
        portrait = _portrait(bare, face, kit)
    return Picture(portrait, identity, age, source)


def _portrait(pixels: Array, face: Face, kit: Kit) -> Portrait:
    crop = align_face(pixels, face, Alignment(LAYOUT, own_side(face)))
    return portrait_of(kit.parser, kit.prototypes.triangles, crop)


def _same_person(name: str, found: list[list[Picture]]) -> list[Picture]:
    """Of each picture the one face that is the same person's as all others; else a `FaceError`."""
    single = [group[0] for group in found if len(group) == 1]
    if not single:
        raise FaceError(
            f"{found[0][0].source.title} shows {len(found[0])} faces: give a picture of one person, or cut it to one"
        )
    vectors = np.stack([one.identity for one in single])
    centre = single[most_typical(vectors)]
    return [max(group, key=lambda one: float(one.identity @ centre.identity)) for group in found]


def _gallery(name: str, pictures: list[Picture], kit: Kit) -> Gallery:
    """The gallery of these pictures, unless they are not one adult's."""
    _check_one_person(name, pictures, kit.embedder().threshold)
    if (age := float(np.median([one.age for one in pictures]))) < ADULT:
        raise FaceError(
            f"{name} reads {age:.0f} years, and nobody under 18 takes part in a swap: give pictures of an adult"
        )
    good = [one for one in pictures if one.portrait.width >= WIDE]
    if not good:
        widest = max(one.portrait.width for one in pictures)
        raise FaceError(
            f"{name}: the widest face has {widest:.0f} pixels, {WIDE:.0f} were wanted: give a larger picture"
        )
    good = [one for one in good if one.portrait.covered <= COVERED and one.portrait.glasses < DARK]
    if not good:
        raise FaceError(
            f"{name}: hair, a hand or dark glasses cover the face: give a picture that shows all of it"
        )
    model = kit.shapes.model
    solids = [shape.solid(one.portrait.crop.landmarks, one.portrait.depth) for one in good]
    identity, expressions = model.fit([model.pose(one).to_head(one) for one in solids])
    return Gallery(name, tuple(good), identity, expressions)


def _check_one_person(name: str, pictures: list[Picture], threshold: float) -> None:
    """Refuse pictures of which one is like none of the others, from the most typical one on."""
    vectors = np.stack([one.identity for one in pictures])
    likeness, start = vectors @ vectors.T, most_typical(vectors)
    known, rest = {start}, set(range(len(pictures))) - {start}
    while rest:
        near = max(rest, key=lambda i: max(likeness[i, j] for j in known))
        best = float(max(likeness[near, j] for j in known))
        if best < threshold:
            raise FaceError(
                f"{name}: {pictures[near].source.title} is not who {pictures[start].source.title} shows (likeness {best:.2f}, "
                f"one person {threshold:g} or more): take it out"
            )
        known.add(near)
        rest.remove(near)


def load(path: Path, kit: Kit) -> Gallery:
    """The gallery that a file of `Gallery.save` holds. Raises `InputError` for anything else."""
    try:
        with zipfile.ZipFile(path) as parts:
            if (
                any(part.file_size > LARGEST_FILE for part in parts.infolist())
                or len(parts.infolist()) > 10 * MOST + 1
            ):
                raise ValueError("it is too large")
        with np.load(path, allow_pickle=False) as file:
            about = json.loads(str(file["about"]))
            if about["format"] != FORMAT or not 1 <= len(about["pictures"]) <= MOST:
                raise ValueError("it was written by another mien")
            pictures = [_loaded(file, i, row) for i, row in enumerate(about["pictures"])]
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file: make it with `mien gallery FOLDER -o {path}`") from error
    except Exception as error:  # of a damaged archive anything may be missing, or be of another kind
        raise InputError(
            f"{path} is no gallery ({fault(error)}): make one with `mien gallery FOLDER -o {path}`"
        ) from error
    return _gallery(str(about["name"]), pictures, kit)


def _loaded(file: Mapping[str, Array], i: int, row: dict[str, Any]) -> Picture:
    """Picture `i` of a saved gallery, its arrays of the shapes that they must have."""
    side = int(row["side"])
    decoded = cv2.imdecode(file[f"{i}.jpeg"], cv2.IMREAD_COLOR)
    masks = [file[f"{i}.{name}"] for name in ("skin", "hidden", "front")]
    given = [file[f"{i}.{name}"] for name in ("matrix", "landmarks", "depth", "light", "identity")]
    shapes = [one.shape for one in given[:4]]
    square = all(one.dtype == np.uint8 and one.shape == (len(masks[0]),) * 2 for one in masks)
    if (
        decoded is None
        or decoded.shape != (side, side, 3)
        or not square
        or not all(np.isfinite(one).all() for one in given)
    ):
        raise ValueError("a picture in it is damaged")
    if shapes != [(2, 3), (478, 2), (478,), (9, 3)]:
        raise ValueError("a picture in it is damaged")
    matrix, landmarks, depth, light, identity = given
    pixels = np.ascontiguousarray(decoded[..., ::-1])
    crop = Crop(
        pixels, matrix, Alignment(LAYOUT, side), landmarks.astype(np.float32), depth.astype(np.float32)
    )
    yaw, pitch, beard, glasses = (float(row[name]) for name in NUMBERS)
    portrait = Portrait(crop, yaw, pitch, beard, glasses, light, *masks)
    return Picture(portrait, identity, float(row["age"]), Source(**row["source"]))
