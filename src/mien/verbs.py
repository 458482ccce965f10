"""The whole public surface on one page: every verb is a plain function, and the command line only reads, calls and writes."""

from __future__ import annotations

import csv
import itertools
import json
import math
import os
import platform
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from . import (
    __version__,
    apply,
    cards,
    clips,
    edits,
    flicker,
    footage,
    geometry,
    groups,
    hub,
    image,
    latents,
    measure,
    mesh,
    parts,
    provenance,
    runtime,
    signer,
    video,
)
from . import bench as benches
from . import models as roles
from . import page as pages
from . import report as reports
from .cards import Card
from .edits import Prototype
from .errors import FaceError, InputError, MienError, ModelError, OutputError, RequestError
from .kit import Kit, shared_kit
from .manners import sketch, stylize, stylize_clip
from .models.directions import write as write_directions
from .types import Alignment, Array, Crop, Face, Photo, Verdict

read = image.read
write = image.write
verify = provenance.verify
__all__ = ["shared_kit", "sketch", "stylize", "stylize_clip"]  # what is made elsewhere and belongs to the surface

MASK = 768  # pixels of a side that regions are made at
GREEN, RED = (60, 220, 90), (255, 70, 70)
LABELS = ("source", "licence", "person", "sex", "age", "age_is", "ethnicity", "smile", "mouth", "glasses", "beard", "hair", "hat")


def find(photo: Photo, *, kit: Kit | None = None) -> list[Face]:
    """The faces of a photo, from left to right, in photo xy; empty where there is none. See `types.Face`."""
    return (kit or shared_kit()).faces(apply.eight_bit(photo.pixels))


def age(photo: Photo, face: Face, *, kit: Kit | None = None) -> tuple[float, float]:
    """How old a face of the photo looks, and by how much that is off in the mean, on people held out; in years, 18 to 90."""
    prototypes = (kit or shared_kit()).prototypes
    crop = geometry.align(apply.eight_bit(photo.pixels), face.landmarks, Prototype.alignment)
    return prototypes.read(crop).age, prototypes.card.measured["age_error_years"]


def align(photo: Photo, *, size: int = 512, template: str = "ffhq", kit: Kit | None = None) -> list[tuple[Face, Crop]]:
    """Every face of a photo laid out as `template` (see `geometry.TEMPLATES`), `size` x `size` pixels, 8 bits."""
    layout = _layout(template, size)
    return [(face, geometry.align(photo.pixels, face.landmarks, layout)) for face in find(photo, kit=kit)]


def _layout(template: str, size: int) -> Alignment:
    if template not in geometry.TEMPLATES:
        raise RequestError(f"no face layout is called {template!r}: there are {', '.join(geometry.TEMPLATES)}")
    if not 16 <= size <= 4096:
        raise RequestError(f"size {size} is out of range: 16 to 4096 pixels")
    return Alignment(template, size)


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
    chosen = apply.choose(faces, str(face), photo.size)
    if not stages:
        return photo
    said = {"face": str(face), "by": by, "network": network, "along": dict(along or {})}
    arguments = strengths | {name: value for name, value in said.items() if value}
    fronts = {i: apply.in_front(kit.parser, photo.pixels, faces[i]) for i in chosen}
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
    line = clips.of_faces(str(face), stages, float(film.fps), kit)
    step = apply.edited(stages, arguments, kit.parser.net.networks)
    return parts.edit(film, out, line, step, resume=resume, force=force, report=told, stopped=stopped)


def draw(photo: Photo, faces: list[Face]) -> Photo:
    """The photo with the faces' boxes, numbers and points drawn on it; 8 bits, no label, since nothing in it pretends to be a photo."""
    pixels = apply.eight_bit(photo.pixels).copy()
    for number, face in enumerate(faces, 1):
        left, top, right, bottom = (round(float(v)) for v in face.box)
        thick = max(1, round((right - left) / 150))
        cv2.rectangle(pixels, (left, top), (right, bottom), GREEN, thick)
        cv2.putText(
            pixels, str(number), (left, max(top - 3 * thick, 12 * thick)), cv2.FONT_HERSHEY_SIMPLEX, 0.5 * thick, GREEN, thick, cv2.LINE_AA
        )
        for index, point in enumerate(face.landmarks):
            spot = round(float(point[0]) * 16), round(float(point[1]) * 16)
            cv2.circle(pixels, spot, thick * 12, RED if index >= mesh.POINTS else GREEN, -1, cv2.LINE_AA, shift=4)
    return Photo(pixels)


def regions(photo: Photo, face: Face, *, kit: Kit | None = None) -> Iterator[tuple[str, Array]]:
    """Where in the photo a face's skin, hair and features are: each of `models.parser.REGIONS` by name, one after the other since they are
    as large as the photo, `[H, W]` uint8 in 0..255; of every pixel they sum to about 255."""
    parser, pixels = (kit or shared_kit()).parser, apply.eight_bit(photo.pixels)
    crop = geometry.align(pixels, face.landmarks, Alignment(parser.alignment.template, MASK))
    light = cv2.cvtColor(crop.pixels, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    for name, share in parser.parse(crop).items():
        fine = np.rint(geometry.guided(light, share, MASK // 128, 2e-4).clip(0, 1) * 255).astype(np.uint8)
        beyond = 255 if name == "other" else 0
        yield name, cv2.warpAffine(fine, geometry.invert(crop.matrix), photo.size, flags=cv2.INTER_LINEAR, borderValue=beyond)


def write_masks(photo: Photo, faces: list[Face], folder: Path) -> int:
    """Write the `regions` of faces as `folder`/NUMBER-REGION.png, as large as the photo; returns how many."""
    check_empty(folder)
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for number, face in enumerate(faces, 1):
        for name, mask in regions(photo, face):
            write(Photo(mask[..., None].repeat(3, 2)), folder / f"{number}-{name}.png")
            count += 1
    return count


def check_empty(folder: Path) -> None:
    """Refuse, before there is anything to write, a folder that holds something."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{folder} is not an empty folder: name a new one")


def align_folder(
    sources: Sequence[Path], folder: Path, *, size: int, template: str, max_pixels: int, report: Callable[[str], None]
) -> tuple[int, int]:
    """Lay out every face of every photo and write what `train` reads: images/NAME.png, faces.csv with labels to fill in, landmarks478.npz.

    Returns how many faces were written and how many photos failed; `report` is told about each that did.
    """
    _layout(template, size)
    check_empty(folder)
    (folder / "images").mkdir(parents=True)
    rows, points, failed = [], {}, 0
    for source in sources:
        try:
            found = align(read(source, max_pixels=max_pixels), size=size, template=template)
            if not found:
                raise FaceError(f"{source}: no face found")
        except MienError as error:
            report(str(error))
            failed += 1
            continue
        for number, (face, crop) in enumerate(found, 1):
            name = f"{source.stem}-{number}.png"
            for again in itertools.count(2):
                if name not in points:
                    break
                name = f"{source.stem}-{number}-{again}.png"
            write(Photo(crop.pixels), folder / "images" / name)
            points[name] = crop.landmarks + np.float32(0.5)
            angles = {key: round(getattr(face, key), 1) for key in ("roll", "yaw", "pitch")}
            rows.append(
                {"file": name, "photo": str(source), "face": number, "score": round(face.score, 3), **angles, **dict.fromkeys(LABELS, "")}
            )
    with (folder / "faces.csv").open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        table = csv.DictWriter(file, ["file", "photo", "face", "score", "roll", "yaw", "pitch", *LABELS])
        table.writeheader()
        table.writerows(rows)
    files = np.array(list(points), dtype=str)
    np.savez(folder / "landmarks478.npz", files=files, points=np.array(list(points.values()), np.float32).reshape(-1, 478, 2))
    return len(rows), failed


def tell(verdict: Verdict) -> list[str]:
    """A verdict as lines for people."""
    lines = [
        {
            "intact": "intact: unchanged since it was labelled",
            "broken": "broken: changed since it was labelled",
            "unlabelled": "unlabelled",
        }[verdict.state]
    ]
    lines += [f"  because {reason}" for reason in verdict.reasons]
    if verdict.signer:
        lines.append(
            f"signed by {verdict.signer}"
            + ("" if verdict.trusted else ", a certificate that is on no trust list")
            + (f", {verdict.time}" if verdict.time else "")
        )
    if verdict.source_type:
        lines.append(f"digital source type {verdict.source_type}")
    lines += [f"made from {name}" for name in verdict.ingredients]
    for step in verdict.history:
        words = " ".join(f"{name}={value}" for name, value in step.arguments.items())
        networks = ", ".join(f"{name} ({digest[:12]})" for name, digest in step.networks)
        lines.append(f"{step.time} {step.verb} {words}{' by ' * bool(networks)}{networks}; mien {step.version}")
    return lines


def models() -> list[dict[str, Any]]:
    """The networks in the box and the user's own: name, role, licence, size in bytes, sha256, state ("ok", "missing", "corrupt"), path,
    data credits and limits."""
    return [_describe(entry) for entry in hub.catalog().values()]


def _describe(entry: hub.Entry) -> dict[str, Any]:
    state = hub.state(entry)
    row: dict[str, Any] = {
        "name": entry.name,
        "role": entry.role,
        "file": entry.path.name,
        "sha256": entry.sha256,
        "state": state,
        "path": str(entry.path),
    }
    row["bytes"] = entry.path.stat().st_size if state != "missing" else 0
    try:
        card = _card(entry) if state == "ok" else None
    except ModelError as error:
        return row | {"state": "corrupt", "licence": "", "limits": str(error)}
    return row | {key: getattr(card, key, "") for key in ("licence", "commercial", "description", "source", "data", "limits")}


def _card(entry: hub.Entry) -> Card:
    if entry.path.suffix == ".npz":
        return cards.arrays(entry.path)[0]
    return runtime.Net(entry.name, entry.path, entry.sha256).card


def doctor() -> dict[str, Any]:
    """What this installation has and whether it works: Python, ONNX Runtime, threads, networks, folders, extras;
    "problems" is empty where all is well."""
    folders = {"temporary": Path(tempfile.gettempdir()), "current": Path.cwd(), "label key": signer.home()}
    networks = {row["name"]: row["state"] for row in models()}
    writable = {name: _writable(folder) for name, folder in folders.items()}
    problems = [f"network {name} is {state}: install mien again" for name, state in networks.items() if state != "ok"]
    problems += [f"the {name} folder ({folders[name]}) cannot be written" for name, well in writable.items() if not well]
    return {
        "mien": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "onnxruntime": _version("onnxruntime"),
        "providers": runtime.providers(),
        "threads": os.cpu_count(),
        "networks": networks,
        "writable": {str(folders[name]): well for name, well in writable.items()},
        "extras": {name: _version(name) for name in ("pillow-heif", "torch", "lightning-fabric", "onnx")},
        "signs with": "your certificate (MIEN_SIGN_CERT)"
        if os.environ.get("MIEN_SIGN_CERT")
        else "a self-signed certificate of this computer",
        "problems": problems,
    }


def _version(package: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _writable(folder: Path) -> bool:
    """Whether a file can be made there; a folder that is not there yet counts by its nearest parent."""
    while not folder.exists():
        folder = folder.parent
    return os.access(folder, os.W_OK)


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
    return _training("start").start(family, data, run, **options, devices=devices, accumulate=accumulate, keep=keep)


def export(run: Path, out: Path, *, bits: int = 32, last: bool = False, force: bool = False) -> dict[Path, float]:
    """Write the best weights of `run` as `out` (.onnx) with their card; where a family has several parts, one file a part.

    bits: 32, 16 or 8, that weights are stored in (see `train.export.write`); last: the last weights instead of the best, as no score sees
    what discriminators teach. Returns the files, each with the largest difference between torch and ONNX Runtime; refuses (`ModelError`)
    where the two differ by more than 1e-3.
    """
    return _training("export").export(run, out, bits=bits, last=last, force=force)


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
    parts = _training("adopt").adopt(file, name, own_statistics=own_statistics, sample=sample)
    export = _training("export")
    with tempfile.TemporaryDirectory() as folder:
        places = export.places_of(parts, Path(folder) / f"{name}.onnx")
        for part, place in zip(parts, places, strict=True):
            export.write(part, place)
        return [hub.add(place.stem, part.role, place) for part, place in zip(parts, places, strict=True)]


def generate(network: str, seeds: Sequence[int], *, truncation: float = 0.7, kit: Kit | None = None) -> Iterator[Photo]:
    """Draw one picture a seed with the generator `network` (its halves are NETWORK-mapper and NETWORK-generator in `models`).

    truncation 0..1: 1 is as varied as the network learned, 0 its mean face. The pictures are labelled as wholly generated.
    """
    _check_truncation(truncation)
    mapper, generator = (kit or shared_kit()).generator(network)
    for seed in seeds:
        pixels = generator.draw(mapper.styles(mapper.noise(seed), truncation))[0]
        yield Photo(pixels, history=(apply.drawing({"seed": seed, "truncation": truncation}, (mapper.net, generator.net)),))


def walk(
    network: str,
    seeds: Sequence[int],
    out: Path,
    *,
    truncation: float = 0.7,
    frames: int = 60,
    fps: float = 30.0,
    force: bool = False,
    kit: Kit | None = None,
) -> int:
    """Write a clip (.mp4) that goes smoothly from the face of one seed to that of the next and back to the first, `frames` from each to
    the next; returns how many frames there are. The clip is labelled as wholly generated."""
    _check_truncation(truncation)
    video.target(out, force=force)
    mapper, generator = (kit or shared_kit()).generator(network)
    stops = [mapper.styles(mapper.noise(seed), truncation)[0] for seed in seeds]
    step = apply.drawing({"seeds": list(seeds), "truncation": truncation, "frames": frames}, (mapper.net, generator.net))
    pictures = (generator.draw(w[None])[0] for w in latents.loop(stops, frames))
    return video.write(pictures, out, fps=fps, history=(step,), force=force)


def _check_truncation(truncation: float) -> None:
    if not 0 <= truncation <= 1.5:
        raise RequestError(f"truncation {truncation:g} is out of range: 0 to 1.5")


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
    known = {} if source is None else _training("latents").named(source)
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


def grid(photos: Sequence[Photo]) -> Photo:
    """Pictures of one size side by side, about as wide as high; it remembers all their histories."""
    columns = math.ceil(math.sqrt(len(photos)))
    blank = np.full_like(photos[0].pixels, 255)
    tiles = [photo.pixels for photo in photos] + [blank] * (-len(photos) % columns)
    rows = [np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)]
    return Photo(np.vstack(rows), history=tuple(step for photo in photos for step in photo.history))


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
    return flicker.of_clips(before, after, kit or shared_kit(), identity=identity, around=around)


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
    check_free(out, force)
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
    check_free(out, force)
    return _training("prototypes").compute(faces, pairs, out)


def check_free(out: Path, force: bool) -> None:
    """Refuse, before there is anything to write, a file that cannot be."""
    if not out.parent.is_dir():
        raise OutputError(f"{out}: there is no folder {out.parent}: mkdir -p {out.parent}")
    if out.exists() and not force:
        raise OutputError(f"{out} exists: choose another name, or write over it with --force")


def _training(module: str) -> Any:
    """A module of `mien.train`, which needs packages that editing does not."""
    try:
        return import_module(f".train.{module}", __package__)
    except ModuleNotFoundError as error:
        raise RequestError(f"training needs the package {error.name}, which is not here: pip install 'mien[train]'") from error
