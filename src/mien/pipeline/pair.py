"""Two people whom a network learns to draw as each other: the folder with all that it takes, from their clips and photos
to the run, and what is done in it, each time going on where it was.

Pair          the folder
extract_side  the faces of one of them, and which of those are somebody else's
train_pair    goes on with the run
export_pair   what was learned, among the user's own networks
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FaceError, RequestError
from ..face import geometry
from ..io import clip_reader, dataset, outputs, photo_reader
from ..models.catalogue import check_name
from ..models.kit import Kit, shared_kit
from ..types import Alignment, Array, Origin, Person, Photo, Progress
from . import training_run
from .batch import is_clip
from .consent import check_consent
from .extract import extract
from .networks import export, import_network, train
from .people import most_typical, person
from .swap_face import read_age, refused_for_age

SIDES = "a", "b"
ABOUT, SOURCES, FACES, SORTED, LEARNED, RUN = "pair.json", "sources", "faces", "sorted.json", "learned", "run"
LAYOUT, SIZE = "ffhq", 384  # of faces; what a swap has of fine detail comes from them
LEAST = 0.45  # likeness to somebody from which on a face may be theirs, and people are to look at it
LOOKS = 24  # that tell who is meant, at most
SOME = 24  # faces whose ages are read, at most
COMPARED = 400  # faces of which the most typical is found, at most
FEWEST = 2  # faces that training takes


@dataclass(frozen=True)
class Preset:
    """A way to train: family, its preset and what is other there; how many rows of each person a preview has."""

    family: str
    preset: str
    overrides: dict[str, str] = field(default_factory=dict)
    rows: int = 3


PRESETS = {
    "trial": Preset("autoencoder", "tiny", {"steps": "40"}),
    "cpu": Preset("autoencoder", "cpu"),
    "masks": Preset("faceswap_gan", "cpu", rows=4),
    "gpu": Preset("autoencoder", "default"),
}


@dataclass(frozen=True)
class Pair:
    """Two people by the names that they have for people, in whose words they agreed, and since when (seconds since
    1970) the folder is there."""

    folder: Path
    names: tuple[str, str]
    consent: str
    made: float

    @staticmethod
    def new(folder: Path, names: tuple[str, str], consent: str, sources: Sequence[Sequence[Path]]) -> Pair:
        """A folder for two people, with their clips and photos. `RequestError` without consent, names or files."""
        check_consent(consent, "training")
        for name, files in zip(names, sources, strict=True):
            if not name.strip():
                raise RequestError("a person has no name: two names were wanted")
            if not files:
                raise RequestError(f"of {name} nothing came: clips or photos of them were wanted")
        for side, files in zip(SIDES, sources, strict=True):
            (folder / side / SOURCES).mkdir(parents=True, mode=0o700)
            Side(folder / side).add(files)
        pair = Pair(folder, names, consent, time.time())
        about = {key: value for key, value in asdict(pair).items() if key != "folder"}
        _put(folder / ABOUT, about)
        return pair

    @staticmethod
    def of(folder: Path) -> Pair:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        first, second = about["names"]
        return Pair(folder, (first, second), about["consent"], about["made"])

    @property
    def run(self) -> Path:
        return self.folder / RUN

    def side(self, side: str) -> Side:
        return Side(self.folder / side)

    def ready(self) -> None:
        """A `RequestError` where there are not yet faces of both to learn from."""
        for side, name in zip(SIDES, self.names, strict=True):
            kept = len(self.side(side).kept())
            if kept < FEWEST:
                raise RequestError(f"of {name} there are {kept} faces: {FEWEST} or more were wanted")


@dataclass(frozen=True)
class Side:
    """One of the two: their files and faces."""

    folder: Path

    @property
    def faces(self) -> Path:
        return self.folder / FACES

    def sources(self) -> list[Path]:
        return sorted((self.folder / SOURCES).iterdir())

    def add(self, files: Sequence[Path]) -> None:
        """Clips and photos, behind those that are there."""
        for i, file in enumerate(files, len(self.sources())):
            outputs.link(file, self.folder / SOURCES / f"{i:04}-{file.name}")

    def sorted(self) -> dict[str, Any]:
        """How alike each face is to the others (`likeness`), the numbers of those that are left `out`, and how many of the
        `files` they are from; nothing before all are extracted."""
        path = self.folder / SORTED
        nothing: dict[str, Any] = {"likeness": [], "out": [], "files": 0}
        return nothing | (json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {})

    def leave_out(self, out: Sequence[int]) -> None:
        """Which faces are left out, by their numbers, in place of those that were."""
        said = self.sorted()
        if wrong := [n for n in out if not 0 <= n < len(said["likeness"])]:
            raise RequestError(f"there is no face {wrong[0]}: {len(said['likeness'])} were found, from 0 on")
        _put(self.folder / SORTED, said | {"out": sorted(set(out))})

    def pictures(self) -> list[Path]:
        """All faces that were found."""
        if not (self.faces / dataset.TABLE).is_file():
            return []
        return [self.faces / dataset.IMAGES / row["file"] for row in dataset.read_rows(self.faces)]

    def kept(self) -> list[Path]:
        """Those that are learned from."""
        said = self.sorted()
        known = zip(self.pictures(), range(len(said["likeness"])), strict=False)
        return [path for path, n in known if n not in set(said["out"])]

    def learned(self) -> Path:
        """A folder of those, as `train` reads it."""
        place, points = self.folder / LEARNED, dataset.read_points(self.faces)
        shutil.rmtree(place, ignore_errors=True)
        (place / dataset.IMAGES).mkdir(parents=True)
        kept = self.kept()
        for path in kept:
            outputs.link(path, place / dataset.IMAGES / path.name)
        dataset.write_tables(place, [{"file": path.name} for path in kept], [points[path] for path in kept])
        return place


def extract_side(side: Side, name: str, threads: int, progress: Progress) -> str:
    """The faces of the person who is in most of a side's files, and of whoever may be them; those that are too far from
    the others are left out until somebody takes them back. What is to be said of it. `FaceError` where nobody is, and
    of who reads as under 18."""
    kit, before, sources = shared_kit(None, threads), side.sorted(), side.sources()
    if before["files"] == len(sources):
        return ""
    found = extract(
        sources[before["files"] :],
        side.faces,
        like=_who(sources, kit),
        size=SIZE,
        template=LAYOUT,
        least=LEAST,
        add=True,
        resume=True,
        kit=kit,
        progress=progress,
    )
    _check_adult(side.faces, name, kit)
    likeness, known = _likeness(side.faces, kit), len(before["likeness"])
    far = [n for n, one in enumerate(likeness) if n >= known and one < kit.embedder().threshold]
    rounded = [round(float(one), 3) for one in likeness]
    _put(side.folder / SORTED, {"likeness": rounded, "out": [*before["out"], *far], "files": len(sources)})
    return f"{found.kept} faces" + (f"; {found.failed} files could not be read" if found.failed else "")


def train_pair(pair: Pair, preset: str, threads: int, progress: Progress) -> None:
    """Learn from the faces that take part, or go on with it. `FaceError` of who reads as under 18 in them."""
    how, begun = PRESETS[preset], training_run.begun(pair.run)
    data = [pair.side(side).learned() for side in SIDES]
    for folder, name in zip(data, pair.names, strict=True):
        _check_adult(folder, name, shared_kit(None, threads))
    options: dict[str, Any] = {"preset": how.preset, "overrides": {} if begun else how.overrides}
    train(how.family, data, pair.run, **options, resume=begun, progress=progress)


def export_pair(pair: Pair, names: Sequence[str]) -> None:
    """What was learned so far, among the user's own networks: one that draws the first person, and one the second."""
    with tempfile.TemporaryDirectory() as folder:
        written = export(pair.run, Path(folder) / "pair.onnx", bits=16, last=True)
        for path, name in zip(sorted(written), names, strict=True):
            import_network(path, name)


def check_names(names: Sequence[str]) -> None:
    """Refuse what two networks cannot be called."""
    if len(names) != len(SIDES) or len(set(names)) != len(names):
        raise RequestError(f"{len(set(names))} names came: one for each of the two networks was wanted")
    for name in names:
        check_name(name, "swapper")


def _who(sources: Sequence[Path], kit: Kit) -> Person:
    """The person who is in most of some clips and photos."""
    found: list[Person] = []
    refused = ""
    for photo in _looks(sources):
        try:
            found.append(person(photo, kit=kit))
        except FaceError as error:
            refused = str(error)
    if not found:
        raise FaceError(refused)
    return found[most_typical(np.array([one.vector for one in found]))]


def _looks(sources: Sequence[Path]) -> Iterator[Photo]:
    """LOOKS of all pictures that clips and photos are made of, evenly."""
    clips = [clip_reader.clip(path) if is_clip(path) else None for path in sources]
    lengths = [max(clip.frames, 1) if clip else 1 for clip in clips]
    places = np.unique(np.linspace(0, sum(lengths), LOOKS, endpoint=False).astype(int))
    begin = 0
    for path, clip, length in zip(sources, clips, lengths, strict=True):
        here = places[(places >= begin) & (places < begin + length)] - begin
        begin += length
        if clip is None and len(here):
            yield photo_reader.read(path)
        if clip is not None and len(here):
            for frame in clip_reader.glimpses(clip, (here / float(clip.fps)).tolist()):
                yield Photo(frame.pixels, origin=Origin(path=str(path)))


def _likeness(faces: Path, kit: Kit) -> Array:
    """How alike each face of a folder is to what most have in common `[n]`."""
    embedder = kit.embedder()
    vectors = np.stack([
        embedder.identity(geometry.align(photo_reader.read(path).pixels, points, embedder.alignment)).vector
        for path, points in dataset.read_points(faces).items()
    ])  # fmt: skip
    some = vectors[:: max(len(vectors) // COMPARED, 1)]
    theirs = vectors[vectors @ some[most_typical(some)] >= embedder.threshold]
    centre = theirs.mean(0)
    return vectors @ (centre / np.linalg.norm(centre))


def _check_adult(faces: Path, name: str, kit: Kit) -> None:
    known = list(dataset.read_points(faces).items())
    layout = Alignment(LAYOUT, SIZE)
    ages = [
        read_age(geometry.align(photo_reader.read(path).pixels, points, layout), kit)
        for path, points in known[:: max(len(known) // SOME, 1)]
    ]
    if why := refused_for_age(float(np.median(ages))):
        raise FaceError(f"{name} {why}: give pictures of an adult")


def _put(path: Path, said: Any) -> None:
    """Write JSON, whole or not at all."""
    outputs.write(path, json.dumps(said).encode(), force=True)
