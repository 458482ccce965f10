"""Every edit on a folder of people: does it do what it says, to whom else does it happen, what does it cost.
A table and a contact sheet.

Readings of age, sex and smile are the prototypes' own, so they judge the prototypes mildly;
`benchmarks/quality.py` has a judge that shares nothing with them.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from ..arguments import checked
from ..edits import request
from ..edits.registry import plan
from ..edits.request import EDITS, EditRequest
from ..errors import FaceError, InputError, OutputError, RequestError
from ..face import filters, geometry
from ..face.change import composite
from ..io import dataset as people
from ..io import outputs, photo_writer
from ..io import photo_reader as image
from ..io.preview import caption
from ..models.kit import Kit, shared_kit
from ..pipeline import photo as apply
from ..types import SILENT, Alignment, Array, Change, Crop, Edit, Face, Phase, Photo, Progress, Step
from . import compare as measure
from . import criteria as judges
from . import reference as groups
from . import report

Strength = float | str
# What is asked of each edit where nothing else is said; of one that is not named here its most, of a colour
# COLOUR.
USUAL: dict[str, tuple[Strength, ...]] = {
    **{
        "smile": (0.8,),
        "grin": (0.8,),
        "age": (30.0, -20.0),
        "sex": (0.8, -0.8),
        "mouth": (0.8,),
        "gaze": (0.8,),
        "gaze_up": (0.8,),
    },
    **{
        "age_to": (70.0,),
        "beauty": (0.7,),
        "hair": ("grey", "blond"),
        "hair_light": (0.6,),
        "hair_grey": (0.8,),
        "beard": (0.7, -1.0),
        "glasses": (1.0, -1.0),
    },
    **{
        "lips": ("#b01030:0.6",),
        "lids": ("#5a3a6a:0.6",),
        "light": (0.7,),
        "toplight": (0.7,),
        "warmth": (0.6,),
        "hairstyle": ("straight",),
        "effect": ("butterfly",),
    },
}
COLOUR = "#b01030:0.6"
TILE = 208
BEST = "best"  # what the table calls the maker that is taken where none is named
SHEET, TABLE = "sheet.jpg", "table.jsonl"


@dataclass(frozen=True)
class Trial:
    """One edit by one maker: `by` is one of `request.METHODS`, or None for the best, as where there is only
    one."""

    edit: str
    strength: Strength
    by: str | None

    @property
    def words(self) -> str:
        return (
            f"{self.edit} {self.strength:+g}"
            if isinstance(self.strength, float)
            else f"{self.edit} {self.strength}"
        )

    @property
    def sign(self) -> float:
        return 1.0 if isinstance(self.strength, str) else float(np.sign(self.strength))

    def shows_on(self, person: Person) -> bool:
        """Whether a person can show it, by what is seen of them and by their label."""
        judge = judges.criterion(self.edit, self.strength)
        fits = judge is None or judge.fit(person.look, self.sign)
        return fits and not groups.contradicts(person.row, self.edit, self.sign)


@dataclass(frozen=True)
class Row:
    """What one request came to.

    photos: how many took part; failed: how many it could not be done to; fit: how many can show it (who
    smiles already cannot begin to, and the reader's age and sex have ends); success: the share of those in
    which it went the right way by what counts (`judges.of`), None where nothing measures it; way, unit: the
    median way. nearer: how far, as a Fréchet distance, those who can show it are after the edit from real
    people who have what was asked for, over how far they were before: below 1 it brings them nearer; None
    where no labels tell (`groups`); seen_nearer: the same in what an embedder sees, where one was named.
    identity, seam, sharpness: medians (see `report.FaceReport`);
    identity_low and seam_high: the 5th and the 95th of 100. outside: pixels, of all photos, that differ where
    no alpha of the change was; beyond: those outside the face (`report.Report`), which an edit of hair or
    light may touch. ms: median time of the edit itself, faces found before.
    """

    edit: str
    strength: Strength
    by: str
    photos: int
    failed: int
    fit: int
    success: float | None
    way: float | None
    unit: str
    nearer: float | None
    seen_nearer: float | None
    identity: float
    identity_low: float
    seam: float
    seam_high: float
    outside: int
    beyond: int
    sharpness: float
    ms: float


@dataclass
class Watched:
    """An edit that remembers the crops it saw and the changes it made."""

    edit: Edit
    seen: list[tuple[Crop, Change]] = field(default_factory=list)

    @property
    def alignment(self) -> Alignment:
        return self.edit.alignment

    @property
    def networks(self) -> tuple[tuple[str, str], ...]:
        return self.edit.networks

    @property
    def phase(self) -> Phase:
        return self.edit.phase

    def __call__(self, crop: Crop) -> Change:
        change = self.edit(crop)
        self.seen.append((crop, change))
        return change

    def inside(self, shape: tuple[int, ...]) -> Array:
        """Where it could change a photo of `shape`, to the last pixel: what carrying white onto black leaves.
        `[H, W]` bool."""
        out = np.zeros(shape[:2], bool)
        for crop, change in self.seen:
            white = Change(np.zeros_like(change.flow), np.ones_like(change.colour), change.alpha)
            out |= composite(np.zeros((*shape[:2], 3), np.uint16), crop, white).any(2)
        return out


def trials(asked: str | None = None) -> list[Trial]:
    """The requests of `smile=0.8,age=30,lips=rose:0.5`, or the usual ones of every edit; each by every maker
    that it has."""
    pairs: list[tuple[str, Strength]] = []
    if asked:
        for one in asked.split(","):
            name, _, value = one.strip().partition("=")
            text = name in EDITS and EDITS[name].unit in request.WORDS
            try:
                pairs.append((name, value if text else float(value)))
            except ValueError as error:
                raise RequestError(
                    f"edits {asked!r} are not NAME=STRENGTH,NAME=STRENGTH, as in smile=0.8,age=30"
                ) from error
    else:
        for name, kind in EDITS.items():
            most: Strength = COLOUR if kind.unit in request.WORDS else float(kind.high)
            pairs += [(name, strength) for strength in USUAL.get(name, (most,))]
    for name, strength in pairs:
        request.check({name: strength})
    both = {
        name: (None, *request.METHODS) if kind.made_in == request.WHOLE_FACE else (None,)
        for name, kind in EDITS.items()
    }
    return [Trial(name, strength, by) for name, strength in pairs for by in both[name]]


def photos(folder: Path, count: int) -> list[Path]:
    """At most `count` photos of a folder, one a person first, women and men in turn where that is known; the
    names decide the order.

    A folder with faces.csv is one that training reads: of it only people who were held out from that.
    `InputError` where none is left.
    """
    rows = [{"person": "", "sex": "", **row} for row in groups.labels(folder).values()]
    if rows:
        named = any(row["person"] for row in rows)
        rows = [
            row | {"path": str(folder / "images" / row["file"])}
            for row in rows
            if not named or people.held_out(people.person_of(row))
        ]
    elif folder.is_dir():
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in photo_writer.SUFFIXES)
        rows = [{"person": "", "sex": "", "file": path.name, "path": str(path)} for path in paths]
    if not rows:
        raise InputError(
            f"{folder} has no photos to judge by: wanted pictures, or faces.csv and images/ with people who were held out"
        )
    times: dict[str, int] = {}
    turns: dict[tuple[int, str], int] = {}
    order = []
    for row in sorted(rows, key=lambda row: (zlib.crc32(people.person_of(row).encode()[::-1]), row["file"])):
        again = times[people.person_of(row)] = times.get(people.person_of(row), -1) + 1
        turn = turns[again, row["sex"]] = turns.get((again, row["sex"]), -1) + 1
        order.append((again, turn, row["sex"], row["path"]))
    return [Path(path) for *_, path in sorted(order)][:count]


@dataclass(frozen=True, eq=False)
class Person:
    """One photo of the bench and its largest face, and what labels tell of it."""

    photo: Photo
    face: Face
    look: judges.FaceFeatures
    row: groups.Row = field(default_factory=dict)

    @property
    def matrix(self) -> Array:
        return geometry.similarity(self.face.landmarks, judges.SEEN)


def gather(paths: Sequence[Path], kit: Kit, known: Mapping[str, groups.Row] | None = None) -> list[Person]:
    """The photos in which a face is found, in 8 bits. known: labels, by the names of files."""
    out = []
    for path in paths:
        photo = image.read(path)
        photo = Photo(filters.to_uint8(photo.pixels), origin=photo.origin)
        faces = kit.faces(photo.pixels)
        if faces:
            face = max(faces, key=lambda one: one.area)
            out.append(
                Person(
                    photo,
                    face,
                    judges.face_features(kit, photo.pixels, face),
                    (known or {}).get(path.name, {}),
                )
            )
    if not out:
        raise FaceError(f"no face was found in {len(paths)} photos")
    return out


def run(
    trial: Trial,
    crowd: Sequence[Person],
    kit: Kit,
    identity: str | None = None,
    real: groups.Labelled | None = None,
    real_seen: groups.Labelled | None = None,
) -> tuple[Row, list[Photo | None]]:
    """Do one trial to everybody: the row, and the photos after it (None where it could not be done). real
    and real_seen: people to be like, in the usual features and in an embedder's."""
    told, after, times, ways, outside = [], [], [], [], 0
    fit: list[tuple[Person, Photo, Face]] = []
    judge = judges.criterion(trial.edit, trial.strength)
    for person in crowd:
        try:
            stages = [
                Watched(stage)
                for stage in plan(EditRequest({trial.edit: trial.strength}, method=trial.by), kit)
            ]
            start = time.perf_counter()
            done = apply.edit_photo(person.photo, stages, [person.face], [0], {trial.edit: trial.strength})
            times.append(1000 * (time.perf_counter() - start))
        except FaceError:
            after.append(None)
            continue
        inside = np.logical_or.reduce([stage.inside(done.pixels.shape) for stage in stages])
        outside += int(np.count_nonzero((done.pixels != person.photo.pixels).any(2) & ~inside))
        said = measure.measure(person.photo, done, kit, identity=identity, faces=[person.face])
        told.append(said)
        after.append(done)
        if judge and trial.shows_on(person):
            again = measure.found(person.face, kit.faces(done.pixels))
            moved = judges.face_features(kit, done.pixels, again, person.matrix) if again else person.look
            ways.append(trial.sign * judge.way(person.look, moved))
            fit.append((person, done, again or person.face))
    nearer = _nearer(trial, fit, real), _nearer(trial, fit, real_seen)
    return _row(trial, told, after, ways, judge, outside, times, nearer), after


def _nearer(
    trial: Trial, fit: Sequence[tuple[Person, Photo, Face]], real: groups.Labelled | None
) -> float | None:
    """See `Row.nearer`."""
    if real is None or len(fit) < groups.FEWEST:
        return None
    target = real.like(
        trial.edit, trial.strength, float(np.median([person.look.traits[1] for person, *_ in fit]))
    )
    if target is None:
        return None
    before = np.stack([real.see(person.photo.pixels, person.face.landmarks) for person, *_ in fit])
    after = np.stack([real.see(done.pixels, face.landmarks) for _, done, face in fit])
    return groups.distance(after, target) / groups.distance(before, target)


def _row(
    trial: Trial,
    told: list[report.Report],
    after: list[Photo | None],
    ways: list[float],
    judge: judges.Criterion | None,
    outside: int,
    times: list[float],
    nearer: tuple[float | None, float | None],
) -> Row:
    faces = [one.faces[0] for one in told]
    identity, seams = [face.identity for face in faces], [face.seam.strength for face in faces if face.seam]
    return Row(
        edit=trial.edit,
        strength=trial.strength,
        by=trial.by or BEST,
        photos=len(told),
        failed=after.count(None),
        fit=len(ways),
        success=float(np.mean([way >= judge.least for way in ways])) if judge and ways else None,
        way=float(np.median(ways)) if ways else None,
        unit=judge.unit if judge else "",
        nearer=nearer[0],
        seen_nearer=nearer[1],
        identity=_at(identity, 50),
        identity_low=_at(identity, 5),
        seam=_at(seams, 50),
        seam_high=_at(seams, 95),
        outside=outside,
        beyond=sum(one.outside.count for one in told),
        sharpness=_at([face.sharpness for face in faces], 50),
        ms=_at(times, 50),
    )


def _at(values: list[float], percent: float) -> float:
    return float(np.percentile(values, percent)) if values else float("nan")


def table(rows: Sequence[Row]) -> list[str]:
    """The rows as lines for people."""
    heads = f"{'edit':<18} {'by':<10} {'success':>11} {'way':>8} {'nearer':>6} {'seen':>5} {'identity':>8} {'low':>5}"
    lines = [heads + f" {'seam':>5} {'high':>5} {'sharp':>5} {'out':>4} {'ms':>5}"]
    for row in rows:
        words = Trial(row.edit, row.strength, row.by).words
        success = "-" if row.success is None else f"{row.success:.0%} of {row.fit}"
        way = "-" if row.way is None else f"{row.way:.3g}"
        nearer, seen = ("-" if one is None else f"{one:.2f}" for one in (row.nearer, row.seen_nearer))
        lines.append(
            f"{words:<18} {row.by:<10} {success:>11} {way:>8} {nearer:>6} {seen:>5} {row.identity:>8.3f} {row.identity_low:>5.2f}"
            f" {row.seam:>5.2f} {row.seam_high:>5.2f} {row.sharpness:>5.2f} {row.outside:>4} {row.ms:>5.0f}"
        )
    return lines


def sheet(crowd: Sequence[Person], columns: Sequence[tuple[Trial, list[Photo | None]]]) -> Photo:
    """A contact sheet: a row a person, a column an edit, the photo before them; it remembers what was done in
    each column."""
    layout = Alignment("ffhq", TILE)
    lines = [
        np.hstack(
            [
                caption("photo", TILE, ""),
                *(caption(trial.words, TILE, trial.by or BEST) for trial, _ in columns),
            ]
        )
    ]
    for k, person in enumerate(crowd):
        shown = [person.photo, *(after[k] or person.photo for _, after in columns)]
        lines.append(
            np.hstack([geometry.align(one.pixels, person.face.landmarks, layout).pixels for one in shown])
        )
    steps: list[Step] = [
        next(photo for photo in after if photo).history[-1] for _, after in columns if any(after)
    ]
    return Photo(np.vstack(lines), history=tuple(steps))


@checked
def bench_edits(
    data: Path,
    folder: Path | None = None,
    *,
    asked: str | None = None,
    count: int = 24,
    identity: str | None = None,
    features: str | None = None,
    kit: Kit | None = None,
    progress: Progress = SILENT,
) -> list[Row]:
    """Every edit, by every maker that it has, on at most `count` photos of `data`; see `bench.Row` for what
    is measured.

    data: a folder of photos, or one that `train` reads, of which only people take part whom no training saw.
    folder: gets `sheet.jpg`, a row a person and a column an edit. asked: `smile=0.8,age=30` instead of the
    usual of all. features: an embedder that tells a second time how near to real people an edit comes.
    `progress` is told each row when it is known.
    """
    kit, wanted = kit or shared_kit(), trials(asked)
    if folder and any((folder / name).exists() for name in (SHEET, TABLE)):
        raise OutputError(f"{folder} has a bench in it already: name another folder with -o")
    crowd, real = gather(photos(data, count), kit, groups.labels(data)), groups.read(data)
    look = groups.look_through(kit.embedder(features)) if features else None
    real_seen = groups.read(data, look) if look else None
    rows, columns = [], []
    for line in table([]):
        progress.message(line)
    for trial in wanted:
        row, after = run(trial, crowd, kit, identity, real, real_seen)
        rows.append(row)
        columns.append((trial, after))
        progress.message(table([row])[-1])
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        photo_writer.write(sheet(crowd, columns), folder / SHEET, quality=90)
        lines = "\n".join(json.dumps(asdict(row)) for row in rows) + "\n"
        outputs.write(folder / TABLE, lines.encode(), force=False)
    return rows
