"""The whole public surface on one page: every verb is a plain function, and the command line only reads, calls and writes."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from . import models as roles
from .doctor import doctor, models
from .edits import registry as edits
from .errors import InputError, ModelError, OutputError, RequestError
from .io import clip_reader as footage
from .io import clip_writer as video
from .io import content_credentials as provenance
from .io import outputs, photo_writer
from .io import photo_reader as image
from .measure import benchmark as benches
from .measure import compare as measure
from .measure import flicker
from .measure import html as pages
from .measure import reference as groups
from .measure import report as reports
from .models import catalogue as hub
from .models import session as runtime
from .models.card import Card
from .models.directions import write as write_directions
from .models.kit import Kit, shared_kit
from .optional import training
from .pipeline import clip_edit as clips
from .pipeline import directions as latents
from .pipeline import photo as apply
from .pipeline import resume as parts
from .pipeline.find import age, align, align_folder, draw, find, regions, write_masks
from .pipeline.generate import generate, grid, walk
from .pipeline.stylize import sketch, stylize, stylize_clip
from .types import Photo

read = image.read
write = photo_writer.write
verify = provenance.verify
__all__ = [  # what is made elsewhere and belongs to the surface
    "age", "align", "align_folder", "doctor", "draw", "find", "generate", "grid", "models", "regions", "shared_kit", "sketch", "stylize",
    "stylize_clip", "walk", "write_masks",
]  # fmt: skip


def edit(
    photo: Photo,
    *,
    face: str | int = "all",
    by: str | None = None,
    network: str | None = None,
    along: Mapping[str, float] | None = None,
    kit: Kit | None = None,
    **strengths: float | str,
) -> Photo:
    """Change faces: `edit(photo, smile=0.8, lips="rose:0.5")`; `edits.EDITS` lists what can be asked for, with ranges.

    face: "all", "largest" or a number as `find` counts them from 1. by: "prototypes" or "network" instead of what makes each
    edit best. network: a generator of yours, which moves the face in its own space (NAME-encoder, NAME-generator and NAME-directions in
    `models`); along: amounts by the names of directions that have no other name, {"s3": 1.5}. Pixels outside the change are
    bit-identical; the result remembers what was done (`Photo.history`), and `write` labels it. Raises `RequestError` for unknown edits
    and strengths out of range, `FaceError` where the face is not there.
    """
    kit = kit or shared_kit()
    stages = edits.plan(strengths, kit, by, network=network, along=along)
    faces = find(photo, kit=kit)
    chosen = apply.select_faces(faces, str(face), photo.size)
    if not stages:
        return photo
    said = {"face": str(face), "by": by, "network": network, "along": dict(along or {})}
    arguments = strengths | {name: value for name, value in said.items() if value}
    fronts = {i: apply.find_occlusion(kit.parser, photo.pixels, faces[i]) for i in chosen}
    return apply.edit_photo(photo, stages, faces, chosen, arguments, fronts)


def edit_clip(
    source: Path,
    out: Path,
    *,
    face: str | int = "all",
    by: str | None = None,
    network: str | None = None,
    along: Mapping[str, float] | None = None,
    begin: float | None = None,
    end: float | None = None,
    resume: bool = False,
    force: bool = False,
    max_pixels: int = image.MAX_PIXELS,
    kit: Kit | None = None,
    report: Callable[[int, int], None] = lambda done, total: None,
    stopped: Callable[[], bool] = lambda: False,
    **strengths: float | str,
) -> parts.Summary:
    """Change faces in a film (.mp4, .mov, .mkv, .webm) and write it as `out` (.mp4); `edit` says what can be asked for.

    Size, time stamps and sound stay as they are. begin, end: only this part, in seconds, is edited and written. face: "all"; "largest" of
    every shot; or N, the Nth from the left in the first frame of a shot that shows so many. resume: go on with what an interrupted run has
    left in `out`.parts. `report` is told how many frames are done, and of how many; when `stopped` says so, the run ends with
    KeyboardInterrupt. Raises `FaceError` where no face is found: then nothing is written.
    """
    kit = kit or shared_kit()
    video.target(out, force=force)
    stages = edits.plan(strengths, kit, by, network=network, along=along)
    if not stages:
        raise RequestError("every strength is 0: nothing would change")
    film = footage.clip(source, begin=begin, end=end, max_pixels=max_pixels)
    said = {"face": str(face), "by": by, "network": network, "along": dict(along or {}), "begin": begin, "end": end}
    arguments = strengths | {name: value for name, value in said.items() if value}
    told = lambda done: report(done, film.frames)  # noqa: E731
    line = clips.clip_editor(str(face), stages, float(film.fps), kit)
    step = apply.edit_step(stages, arguments, kit.parser.net.networks)
    return parts.process_clip(film, out, line, step, resume=resume, force=force, report=told, stopped=stopped)


def train(
    family: str,
    data: Sequence[Path],
    run: Path,
    *,
    preset: str = "default",
    knobs: Mapping[str, str] | None = None,
    seed: int = 0,
    begin: Sequence[Path] = (),
    devices: int = 1,
    accumulate: int = 1,
    keep: int = 2,
    resume: bool = False,
) -> float:
    """Train `family` on folders into the run folder `run`; returns the best held-out score. Needs `pip install mien[train]`.

    `knobs` change single values of the preset's Config. begin: runs or published checkpoints whose weights are begun with. devices: GPUs,
    or processes where there are none; all but the first start this program again. accumulate: parts that each does its share of a batch
    in; the result depends on `devices * accumulate` alone, and on that only by chance. keep: so many checkpoints. SIGINT and SIGTERM save
    and become KeyboardInterrupt; `resume` goes on exactly where a run stopped.
    """
    options = {"preset": preset, "knobs": knobs or {}, "seed": seed, "begin": begin, "resume": resume}
    return training("engine.launch").start(family, data, run, **options, devices=devices, accumulate=accumulate, keep=keep)


def export(run: Path, out: Path, *, bits: int = 32, last: bool = False, force: bool = False) -> dict[Path, float]:
    """Write the best weights of `run` as `out` (.onnx) with their card; where a family has several parts, one file a part.

    bits: 32, 16 or 8, that weights are stored in (see `train.export.write`); last: the last weights instead of the best, as no score sees
    what discriminators teach. Returns the files, each with the largest difference between torch and ONNX Runtime; refuses (`ModelError`)
    where the two differ by more than 1e-3.
    """
    return training("engine.export").export(run, out, bits=bits, last=last, force=force)


def import_network(file: Path, name: str, *, own_statistics: bool = False, sample: bool = False) -> list[hub.Entry]:
    """Add a network to the user's own: an .onnx that `export` wrote, or a published checkpoint.

    Checkpoints are NVIDIA's .pkl (of StyleGAN2-ADA and of the TensorFlow era), .pt with g_ema, pSp's and e4e's .pt, IR-SE-50's .pth, and
    the .pth of CycleGAN, pix2pix, pix2pixHD, StarGAN, fast style transfer and AdaIN, all told by their structure. Nothing is unpickled
    freely: a file that asks for code is refused by name. A checkpoint of several parts becomes NAME-mapper, NAME-generator and so on.

    pix2pix's published test script leaves the network in training mode. Both halves of that can be had: own_statistics, batch norms by the
    statistics of each picture; sample, dropout stays on, and `asked={"sample": 3}` of `stylize` and `sketch` is the number of a draw.
    """
    if not file.is_file():
        raise InputError(f"{file}: no such file")
    if file.suffix.lower() == ".onnx":
        if own_statistics or sample:
            raise RequestError(
                f"{file} is exported already: own statistics and sample are for published checkpoints of pix2pix, leave them out"
            )
        card = runtime.Net(name, file, "").card
        if card.role not in roles.ROLES:
            raise ModelError(f"{file} has the role {card.role!r}, which no verb runs: there are {', '.join(roles.ROLES)}")
        return [hub.add(name, card.role, file)]
    parts = training("published.convert").adopt(file, name, own_statistics=own_statistics, sample=sample)
    export = training("engine.export")
    with tempfile.TemporaryDirectory() as folder:
        places = export.places_of(parts, Path(folder) / f"{name}.onnx")
        for part, place in zip(parts, places, strict=True):
            export.write(part, place)
        return [hub.add(place.stem, part.role, place) for part, place in zip(parts, places, strict=True)]


def directions(
    network: str, *, count: int = 2000, source: Path | None = None, kit: Kit | None = None, report: Callable[[int], None] = lambda _: None
) -> dict[str, float]:
    """Learn where a face gets older, more masculine or smiling in the space of the generator `network`, from `count` of its own faces.

    source: the run or the published checkpoint that the generator is from; with it come `s0` to `s9`, the directions that move its styles
    most (SeFa, arXiv 2007.06600). Stores NETWORK-directions among your networks; returns how well each trait can be told from the
    styles (correlation on faces kept aside).
    """
    kit = kit or shared_kit()
    _, generator = kit.generator(network)
    known = {} if source is None else training("engine.sefa").named(source)
    codes, told = latents.learn(kit, network, count, report, known)
    if not codes:
        said = told or "no face was found"
        raise ModelError(f"{network} draws no faces whose age, sex or smile can be read ({said}): nothing was learned")
    told_words = ", ".join(f"{name} {value:.2f}" for name, value in told.items())
    card = Card(
        name=f"{network}-directions",
        role="directions",
        licence=generator.net.card.licence,
        commercial=generator.net.card.commercial,
        description=f"Directions of {network}: {', '.join(codes)}",
        source=f"mien directions {network} --count {count}",
        limits=f"What age, sex and smile are is what the prototypes read in {count} generated faces; correlations held out: {told_words}.",
        measured=told,
        space=generator.space,
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{network}-directions.npz"
        write_directions(file, card, codes)
        hub.add(file.stem, card.role, file)
    return told


def report(before: Photo, after: Photo, *, identity: str | None = None, around: str = "face", kit: Kit | None = None) -> reports.Report:
    """What an edit did to a photo, by numbers and per face: pixels changed outside the face, identity, landmark motion, seam, sharpness,
    colour, and what age, sex and smile are read; see `report.Report` for each with its unit.

    identity: an embedder of yours to say how alike the faces are; without one a stand-in does, and is called one. around: "face", or "head"
    for edits that are meant to reach the hair. Raises `InputError` for photos of different sizes, `FaceError` where BEFORE shows no face.
    """
    return measure.measure(before, after, kit or shared_kit(), identity=identity, around=around)


def report_clips(
    before: Path, after: Path, *, identity: str | None = None, around: str = "face", kit: Kit | None = None
) -> flicker.ClipReport:
    """The same of two clips, on stretches of their frames, and how much the effect flickers; see `flicker.ClipReport`."""
    return flicker.report_clips(before, after, kit or shared_kit(), identity=identity, around=around)


def write_page(
    told: reports.Report,
    before: Photo,
    after: Photo,
    out: Path,
    *,
    names: tuple[str, str] = ("before", "after"),
    limits: Mapping[str, float] | None = None,
    force: bool = False,
) -> None:
    """Write a report as one HTML page that needs no other file and no network; limits as `report.passed` takes them."""
    outputs.check_free(out, force)
    passed = reports.passed(told.worst, limits or {})
    out.write_text(pages.page(told, before, after, names=names, passed=passed, limited=bool(limits)), encoding="utf-8")


def bench_edits(
    data: Path,
    folder: Path | None = None,
    *,
    asked: str | None = None,
    count: int = 24,
    identity: str | None = None,
    kit: Kit | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> list[benches.Row]:
    """Every edit, by every maker that it has, on at most `count` photos of `data`; see `bench.Row` for what is measured.

    data: a folder of photos, or one that `train` reads, of which only people take part whom no training saw. folder: gets `sheet.jpg`, a
    row a person and a column an edit. asked: `smile=0.8,age=30` instead of the usual of all. `report` is told each row when it is known.
    """
    kit, wanted = kit or shared_kit(), benches.requests(asked)
    if folder and any((folder / name).exists() for name in (benches.SHEET, benches.TABLE)):
        raise OutputError(f"{folder} has a bench in it already: name another folder with -o")
    crowd, real = benches.gather(benches.photos(data, count), kit, groups.labels(data)), groups.read(data)
    rows, columns = [], []
    for line in benches.table([]):
        report(line)
    for request in wanted:
        row, after = benches.run(request, crowd, kit, identity, real)
        rows.append(row)
        columns.append((request, after))
        report(benches.table([row])[-1])
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        write(benches.sheet(crowd, columns), folder / benches.SHEET, quality=90)
        (folder / benches.TABLE).write_text("\n".join(json.dumps(asdict(row)) for row in rows) + "\n", encoding="utf-8")
    return rows


def prototypes(faces: Path, pairs: Path, out: Path, *, force: bool = False) -> dict[str, float]:
    """Compute the prototypes file `out` (.npz) from a folder of labelled faces and one of smile pairs; returns the
    reader's held-out errors."""
    outputs.check_free(out, force)
    return training("prototypes").compute(faces, pairs, out)
