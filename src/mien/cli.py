"""The command line: a skin over `verbs`. Machine output on stdout with --json, everything human on stderr, an error in one line."""

from __future__ import annotations

import difflib
import json
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import click

from . import __version__
from .edits import COLOUR, EDITS, MAKERS
from .errors import FaceError, InputError, MienError, OutputError, RequestError
from .geometry import TEMPLATES
from .image import MAX_PIXELS
from .measure import AROUND
from .report import LIMITS

if TYPE_CHECKING:
    from .batch import Job, Outcome

ANGLES = ("roll", "yaw", "pitch")
VERIFY_EXIT = {"intact": 0, "broken": 1, "unlabelled": 4}
PASSED = 5  # a limit of `report`
INTERRUPTED = 130
LICENCES = ("all", "commercial")


class Verbs(click.Group):
    """The group of commands; an unknown one is answered with the nearest name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)  # in the order of this file, not of the alphabet

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.commands and not args[0].startswith("-"):
            raise RequestError(f"no verb is called {args[0]!r}: {_nearest(args[0], self.commands)}")
        return super().resolve_command(ctx, args)


def _nearest(name: str, names: Iterable[str]) -> str:
    """What to say of a name that there is not."""
    near = difflib.get_close_matches(name, names, 1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}, invoke_without_command=True)
@click.version_option(__version__, message="mien %(version)s")
@click.pass_context
def app(ctx: click.Context) -> None:
    """Neural face editing that people can trust: offline, at the photo's own resolution, labelled.

    \b
    mien edit photo.jpg --smile 0.8 -o out.jpg
    mien verify out.jpg
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def say(text: str) -> None:
    """A line for people. File names and labels are other people's words: a line break or a terminal's escape in them is spelt out."""
    click.echo(plain(text), err=True)


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'s' * (number != 1)}"


def plain(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in text)


def _common(command: Callable[..., None]) -> Callable[..., None]:
    return click.option(
        "--max-pixels", type=click.IntRange(1), default=MAX_PIXELS, show_default=True, metavar="N", help="Refuse larger photos."
    )(command)


def _seeds(ctx: click.Context, option: click.Parameter, value: str) -> list[int]:
    try:
        ends = [[int(end) for end in part.split("-")] for part in value.split(",")]
        seeds = [seed for first, *last in ends for seed in range(first, (last[0] if last else first) + 1)]
    except ValueError as error:
        raise RequestError(f"seeds {value!r} are not numbers and ranges like 0-15,20") from error
    if not 0 < len(seeds) <= 100_000 or max(seeds) >= 2**32:
        raise RequestError(f"seeds {value!r} mean {_count(len(seeds), 'picture')}: 1 to 100000 of them, each below 2^32")
    return seeds


def _face(ctx: click.Context, option: click.Parameter, value: str) -> str:
    if value not in ("all", "largest") and not value.isdecimal():
        raise RequestError(f"face {value!r} is neither all, largest nor a number")
    return value


def _seconds(ctx: click.Context, option: click.Parameter, value: str | None) -> float | None:
    if value is None:
        return None
    try:
        parts = [float(part) for part in value.split(":")]
        if len(parts) > 3 or any(not 0 <= part < float("inf") for part in parts):
            raise ValueError
    except ValueError as error:
        raise RequestError(f"{value!r} is no time: seconds were wanted, or H:MM:SS") from error
    return sum(part * 60**i for i, part in enumerate(reversed(parts)))


def _licence(command: Callable[..., None]) -> Callable[..., None]:
    """A setting of the whole process: it travels to the processes that edit many photos in the environment."""

    def set_(ctx: click.Context, option: click.Parameter, value: str | None) -> None:
        if value:
            os.environ["MIEN_LICENCE"] = value

    said = "Refuse networks that may not be used commercially; MIEN_LICENCE sets it for good."
    return click.option("--licence", type=click.Choice(LICENCES), expose_value=False, callback=set_, help=said)(command)


def _amounts(ctx: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, float]:
    try:
        return {name: float(value) for name, value in (_knob(text, "--along") for text in values)}
    except ValueError as error:
        raise RequestError(f"--along wants NAME=AMOUNT, {' '.join(values)!r} came") from error


def _strengths(command: Callable[..., None]) -> Callable[..., None]:
    for name, kind in reversed(EDITS.items()):
        coloured = kind.unit == COLOUR
        text = f"{kind.says}; " + ("as red, #b01030 or rose:0.5" if coloured else f"{kind.low:g} to {kind.high:g} {kind.unit}".rstrip())
        how: dict[str, Any] = {"type": str, "metavar": "COLOUR"} if coloured else {"type": float, "metavar": "X"}
        command = click.option(_flag(name), name, default=None, help=text[0].upper() + text[1:] + ".", **how)(command)
    return command


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


@app.command()
@click.argument("inputs", nargs=-1, required=True, metavar="IN...")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The file to write, or a folder for many photos.")
@_strengths
@click.option(
    "--face", default="all", callback=_face, show_default=True, metavar="all|largest|N", help="Which face; N as `mien find` numbers them."
)
@click.option("--by", type=click.Choice(MAKERS), default=None, help="What makes the edit; default: what makes it best.")
@click.option("--with", "network", metavar="NAME", help="Edit in the space of a generator of yours: NAME-encoder, NAME-directions.")
@click.option("--along", multiple=True, callback=_amounts, metavar="NAME=X", help="With it: go X along one of its own directions.")
@click.option("--quality", type=int, default=None, metavar="1-100", help="Of JPEG and WebP; default: as the source.")
@click.option("--force", is_flag=True, help="Write over what is there, the input too.")
@click.option("--from", "begin", callback=_seconds, metavar="TIME", help="Clips: edit and write only from here, in seconds or H:MM:SS.")
@click.option("--to", "end", callback=_seconds, metavar="TIME", help="Clips: only up to here.")
@click.option("--resume", is_flag=True, help="Go on: skip what the same request has made already, photos or parts of a clip.")
@click.option("--workers", type=click.IntRange(1, 256), metavar="N", help="Many photos: processes; default: one a core.")
@click.option("--json", "as_json", is_flag=True, help="Tell what was done on stdout, one object a photo.")
@_licence
@_common
def edit(inputs: tuple[str, ...], output: Path, quality: int | None, force: bool, resume: bool, **rest: Any) -> None:
    """Change faces in photos and clips.

    IN is a file, a folder or a glob; clips are .mp4, .mov, .mkv and .webm, and become .mp4. What is written carries a label that says what
    was done; see `mien verify`.

    \b
    mien edit photo.jpg --smile 0.8 -o out.jpg
    mien edit photos/ --age 20 --smile -0.3 -o older/
    mien edit clip.mp4 --age 30 -o older.mp4
    """
    from . import batch, edits

    strengths = {name: rest[name] for name in EDITS if rest[name] is not None}
    if not strengths and not rest["along"]:
        raise RequestError(f"nothing to do: say what to change with {', '.join(map(_flag, EDITS))}")
    edits.check(strengths)
    options = strengths | {name: rest[name] for name in ("face", "by", "network", "along") if rest[name]}
    part = {name: rest[name] for name in ("begin", "end") if rest[name] is not None}
    sources = batch.gather(inputs, clips=True)
    clips = [source for source in sources if batch.is_clip(source)]
    if part and not clips:
        raise RequestError("--from and --to are for clips, and none came")
    many = (resume and not clips) or sources != [Path(one) for one in inputs[:1]]
    if many and not output.is_dir():
        kind = "file" if clips else "photo"
        raise OutputError(f"{_count(len(sources), kind)} to write into a folder, and {output} is none: mkdir -p {output}")
    pairs = batch.pair(sources, output) if output.is_dir() else [(sources[0], output)]
    jobs = [batch.Job(source, target, options, quality, force, rest["max_pixels"]) for source, target in pairs]
    if clips:
        failed = _clips([replace(job, options=options | part) for job in jobs if job.source in clips], resume, rest["as_json"], many)
        jobs = [job for job in jobs if job.source not in clips]
        if jobs:
            _many(jobs, resume, min(rest["workers"] or batch.cores(), len(jobs)), rest["as_json"])
        if failed:
            raise SystemExit(1)
        return
    if many:
        _many(jobs, resume, min(rest["workers"] or batch.cores(), len(jobs)), rest["as_json"])
        return
    batch.check(jobs[0])
    batch.one(jobs[0])
    say(f"wrote {jobs[0].target}")
    if rest["as_json"]:
        _tell(batch.Outcome(jobs[0], "done"))


def _clips(jobs: list[Job], resume: bool, as_json: bool, many: bool) -> int:
    """Edit clips one after the other; returns how many failed. Of a single one the error is raised."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from . import batch

    console, failed = Console(stderr=True), 0
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with _told_to_stop() as stop:
        for job in jobs:
            with Progress(*columns, console=console, redirect_stdout=False, disable=not console.is_terminal, transient=True) as progress:
                task = progress.add_task(plain(job.source.name), total=None)
                report = lambda done, total, p=progress, t=task: p.update(t, completed=done, total=max(done, total))  # noqa: E731
                try:
                    told = batch.film(job, resume=resume, report=report, stopped=stop.is_set)
                except (MienError, OSError) as error:
                    if not many:
                        raise
                    failed += 1
                    told = batch.Outcome(job, "failed", str(error))
                except KeyboardInterrupt:
                    _refuse("stopped: the same command with --resume goes on", INTERRUPTED)
            say({"failed": f"mien: {told.said}", "skipped": f"{job.target} is done already"}.get(told.state, told.said))
            if as_json:
                _tell(told)
    return failed


def _many(jobs: list[Job], resume: bool, workers: int, as_json: bool) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from . import batch

    counts = {"done": 0, "skipped": 0, "failed": 0}
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    progress = Progress(*columns, console=console, redirect_stdout=False, disable=not console.is_terminal)
    with _told_to_stop() as stop:
        with progress, closing(batch.run(jobs, resume=resume, workers=workers, stopped=stop.is_set)) as outcomes:
            task = progress.add_task("photos", total=len(jobs))
            for outcome in outcomes:
                counts[outcome.state] += 1
                progress.advance(task)
                if outcome.said:
                    console.print(f"mien: {plain(outcome.said)}", markup=False, highlight=False, soft_wrap=True)
                if as_json:
                    _tell(outcome)
        say(", ".join(f"{count} {state}" for state, count in counts.items()))
        if stop.is_set():
            _refuse("stopped: the same command with --resume goes on", INTERRUPTED)
    if counts["failed"]:
        raise SystemExit(1)


@contextmanager
def _told_to_stop() -> Iterator[Event]:
    """In here Ctrl-C and being told to end (SIGTERM) interrupt nothing: they set the event, and more of them do no more."""
    stop, signals = Event(), (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(each, lambda *_: stop.set()) for each in signals]
    try:
        yield stop
    finally:
        for each, handler in zip(signals, before, strict=True):
            signal.signal(each, signal.SIG_IGN if stop.is_set() else handler)


def _tell(outcome: Outcome) -> None:
    paths = {"input": str(outcome.job.source), "output": str(outcome.job.target)}
    said = {"error": outcome.said} if outcome.state == "failed" else {}
    click.echo(json.dumps(paths | {"state": outcome.state} | outcome.told | said))


@app.command()
@click.argument("inputs", nargs=-1, required=True, metavar="IN...")
@click.option("--json", "as_json", is_flag=True, help="Box, 478 landmarks, score, angles and apparent age on stdout, one object a photo.")
@click.option("--draw", type=click.Path(path_type=Path), default=None, help="Write the photo with boxes, numbers and points drawn on it.")
@click.option("--force", is_flag=True, help="Write over what is there.")
@_common
def find(inputs: tuple[str, ...], as_json: bool, draw: Path | None, force: bool, max_pixels: int) -> None:
    """Find faces and number them.

    Numbers go from 1, left to right; places are photo pixels after the EXIF turn. A photo without a face is no error. Of many photos,
    one that cannot be read does not stop the others; the exit code is then 1.
    """
    from . import batch, verbs

    sources = batch.gather(inputs)
    if draw:
        if len(sources) > 1:
            raise RequestError(f"--draw takes one photo, {len(sources)} came")
        batch.check(batch.Job(sources[0], draw, {}, force=force))
    failed = 0
    for source in sources:
        try:
            photo = verbs.read(source, max_pixels=max_pixels)
        except MienError as error:
            if len(sources) == 1:
                raise
            say(f"mien: {error}")
            failed += 1
            continue
        faces = verbs.find(photo)
        width, height = photo.size
        if as_json:
            told = [_told(number, face, *verbs.age(photo, face)) for number, face in enumerate(faces, 1)]
            click.echo(json.dumps({"file": str(source), "width": width, "height": height, "faces": told}))
        else:
            say(f"{source}: {width} x {height} pixels, {_count(len(faces), 'face')}")
            for number, face in enumerate(faces, 1):
                left, top, right, bottom = (round(float(v)) for v in face.box)
                angles = ", ".join(f"{name} {round(getattr(face, name))}" for name in ANGLES)
                say(f"  {number}: {right - left} x {bottom - top} at {left}, {top}; score {face.score:.2f}; {angles}")
        if draw:
            verbs.write(verbs.draw(photo, faces), draw, force=force)
            say(f"wrote {draw}")
    if failed:
        raise SystemExit(1)


def _told(number: int, face: Any, age: float, error: float) -> dict[str, Any]:
    points = [[round(float(v), 2) for v in point] for point in face.landmarks]
    angles = {name: round(getattr(face, name), 1) for name in ANGLES}
    looks = {"age": round(age), "age_error": round(error, 1)}
    box = [round(float(v), 1) for v in face.box]
    return {"face": number, "box": box, "score": round(face.score, 3), **angles, **looks, "landmarks": points}


@app.command()
@click.argument("inputs", nargs=-1, required=True, metavar="IN...")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="The folder to write: images/, faces.csv, landmarks478.npz."
)
@click.option("--size", default=512, show_default=True, help="Side of the crops in pixels.")
@click.option("--template", type=click.Choice(list(TEMPLATES)), default="ffhq", show_default=True, help="How the face is laid out.")
@_common
def align(inputs: tuple[str, ...], output: Path, size: int, template: str, max_pixels: int) -> None:
    """Cut out aligned faces for training.

    Writes the folder that `mien train` takes: images/, landmarks478.npz, and faces.csv with labels to fill in.
    """
    from . import batch, verbs

    written, failed = verbs.align_folder(batch.gather(inputs), output, size=size, template=template, max_pixels=max_pixels, report=say)
    say(f"{_count(written, 'face')} in {output}" + (f", {_count(failed, 'photo')} failed" if failed else ""))
    if failed:
        raise SystemExit(1)


@app.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="The verdict on stdout.")
def verify(file: Path, as_json: bool) -> None:
    """Read a picture's label.

    The exit code is 0 for an intact label, 1 for a broken one and 4 where there is none.
    """
    from dataclasses import asdict

    from . import verbs

    verdict = verbs.verify(file)
    if as_json:
        click.echo(json.dumps({"file": str(file), **asdict(verdict)}, default=str))
    else:
        for line in verbs.tell(verdict):
            say(line)
    raise SystemExit(VERIFY_EXIT[verdict.state])


def _limits(command: Callable[..., None]) -> Callable[..., None]:
    for name, limit in reversed(LIMITS.items()):
        said = f"Exit 5 where it is {'less' if limit.least else 'more'}: {limit.says}."
        command = click.option("--" + name.replace("_", "-"), type=float, default=None, metavar="X", help=said)(command)
    return command


@app.command()
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@click.option(
    "--html", type=click.Path(path_type=Path), default=None, help="Write one page with both photos, the differences and the numbers."
)
@click.option("--json", "as_json", is_flag=True, help="All numbers on stdout.")
@click.option("--identity", metavar="NAME", help="An embedder of yours (`mien models`) that says how alike the faces are.")
@click.option("--around", type=click.Choice(AROUND), default="face", show_default=True, help="What an edit may touch: face, or hair too.")
@_limits
@click.option("--force", is_flag=True, help="Write over what is there.")
@_licence
@_common
def report(
    before: Path,
    after: Path,
    html: Path | None,
    as_json: bool,
    identity: str | None,
    around: str,
    force: bool,
    max_pixels: int,
    **rest: Any,
) -> None:
    """Measure what an edit did to a photo or a clip.

    Compares two photos of one size, by whatever the second was made: pixels changed outside the face, identity, seam, sharpness, colours,
    landmark motion, and what age, sex and smile are read. The exit code is 5 beyond a limit.

    \b
    mien report photo.jpg out.png --html report.html
    mien report photo.png out.png --max-outside 0 --max-seam 1.05 --json
    """
    from dataclasses import asdict

    from . import flicker, footage, verbs
    from . import report as reports

    limits = {name: rest[name] for name in LIMITS if rest[name] is not None}
    clips = [path.suffix.lower() in footage.READS for path in (before, after)]
    if any(clips) and not all(clips):
        raise InputError(f"{before} and {after} are a photo and a clip: a report compares two of a kind")
    if any(clips):
        if html:
            raise RequestError("--html is for photos: leave it out for clips")
        told = verbs.report_clips(before, after, identity=identity, around=around)
        lines = flicker.tell(told)
    else:
        if html:
            verbs.check_free(html, force)
        first, second = (verbs.read(path, max_pixels=max_pixels) for path in (before, after))
        try:
            told = verbs.report(first, second, identity=identity, around=around)
        except FaceError as error:
            raise FaceError(f"{before}: {error}") from error
        lines = reports.tell(told)
        if html:
            verbs.write_page(told, first, second, html, names=(before.name, after.name), limits=limits, force=force)
    passed = reports.passed(told.worst, limits)
    if as_json:
        click.echo(json.dumps({"before": str(before), "after": str(after), **asdict(told), "limits": limits, "passed": passed}))
    else:
        for line in (*lines, *(f"beyond the limit: {one}" for one in passed)):
            say(line)
    if html:
        say(f"wrote {html}")
    if passed:
        raise SystemExit(PASSED)


@app.group()
def bench() -> None:
    """Judge the edits on a folder of people."""


@bench.command("edits")
@click.argument("data", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), default=None, help="A folder for the contact sheet and the table.")
@click.option("--edits", "asked", metavar="NAME=X,...", help="What to try, as in smile=0.8,age=30; default: all, at their usual strengths.")
@click.option("--count", type=click.IntRange(1), default=24, show_default=True, metavar="N", help="Photos at most.")
@click.option("--identity", metavar="NAME", help="An embedder of yours that says how alike the faces are.")
@click.option("--json", "as_json", is_flag=True, help="The table on stdout, one object a line.")
@_licence
def bench_edits(data: Path, output: Path | None, asked: str | None, count: int, identity: str | None, as_json: bool) -> None:
    """Try every edit, by every maker, on a folder of photos.

    Prints how often an edit went the right way, by how much (median), identity, seam and sharpness as `mien report` has them, pixels
    changed where nothing was to change, and the time. Of a folder that `mien train` reads only people take part whom no training saw.
    """
    from dataclasses import asdict

    from . import verbs

    rows = verbs.bench_edits(data, output, asked=asked, count=count, identity=identity, report=say)
    if as_json:
        for row in rows:
            click.echo(json.dumps(asdict(row)))
    if output:
        say(f"wrote {output}")


@app.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="All fields on stdout.")
@click.option("--licence", type=click.Choice(LICENCES), default="all", help="Only those that may be used commercially.")
@click.pass_context
def models(ctx: click.Context, as_json: bool, licence: str) -> None:
    """List the networks and check them.

    The exit code is 1 if one is missing or corrupt. `mien models import FILE` adds your own.
    """
    from . import verbs

    if ctx.invoked_subcommand:
        return
    rows = [row for row in verbs.models() if licence == "all" or row.get("commercial")]
    if as_json:
        click.echo(json.dumps(rows))
    else:
        width = max((len(row["name"]) for row in rows), default=0)
        for row in rows:
            size = f"{row['bytes'] / 1e6:6.2f} MB"
            say(f"{row['name']:<{width}}  {row['role']:<10} {size}  {row['licence']:<12} {row['sha256'][:16]}  {row['state']}")
    if any(row["state"] != "ok" for row in rows):
        raise SystemExit(1)


@models.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", default=None, help="What to call it; default: the file's own name.")
def import_(file: Path, name: str | None) -> None:
    """Add an exported .onnx or a published checkpoint to your networks.

    Reads NVIDIA's .pkl, .pt with g_ema, pSp, e4e and IR-SE-50 without ever running what is in them.
    """
    from . import verbs

    for entry in verbs.import_network(file, name or file.stem.lower()):
        say(f"{entry.name}: {entry.role}, {entry.path.stat().st_size / 1e6:.1f} MB")


@app.command()
@click.option(
    "--with", "network", required=True, metavar="NAME", help="A generator of yours: NAME-mapper and NAME-generator in `mien models`."
)
@click.option("--seeds", default="0-15", show_default=True, metavar="A-B,C", callback=_seeds, help="One picture each.")
@click.option("--truncation", default=0.7, show_default=True, help="1 is as varied as the network learned, 0 its mean face.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The folder to write seed0000.png and so on into.")
@click.option("--grid", is_flag=True, help="Also write all of them as grid.png.")
@click.option("--video", is_flag=True, help="Instead write walk.mp4, which goes from each to the next and back to the first.")
@click.option(
    "--frames", type=click.IntRange(1, 10_000), default=60, show_default=True, help="Of the clip, from each to the next; 30 a second."
)
@click.option("--force", is_flag=True, help="Write over what is there.")
@_licence
def generate(network: str, seeds: list[int], truncation: float, output: Path, grid: bool, video: bool, frames: int, force: bool) -> None:
    """Draw faces that belong to nobody, with a generator that you trained or imported."""
    from . import verbs

    if video:
        if not output.is_dir():
            raise OutputError(f"a clip to write into a folder, and {output} is none: mkdir -p {output}")
        count = verbs.walk(network, seeds, output / "walk.mp4", truncation=truncation, frames=frames, force=force)
        say(f"wrote {output / 'walk.mp4'}: {_count(count, 'frame')}")
        return
    if not output.is_dir():
        raise OutputError(f"{_count(len(seeds), 'picture')} to write into a folder, and {output} is none: mkdir -p {output}")
    photos = []
    for seed, photo in zip(seeds, verbs.generate(network, seeds, truncation=truncation), strict=True):
        verbs.write(photo, output / f"seed{seed:04d}.png", force=force)
        photos.append(photo)
    if grid:
        verbs.write(verbs.grid(photos), output / "grid.png", force=force)
    say(f"{_count(len(photos), 'picture')} in {output}")


@app.command()
@click.argument("network", metavar="NAME")
@click.option("--count", type=click.IntRange(50), default=2000, show_default=True, help="How many faces to draw and read.")
@click.option("--from", "source", type=click.Path(path_type=Path), help="The run or checkpoint it is from: adds s0 to s9 (SeFa).")
def directions(network: str, count: int, source: Path | None) -> None:
    """Learn where faces get older, more masculine or smiling in a generator of yours.

    Draws faces, reads age, sex and smile off them, and stores NAME-directions, which `mien edit --with NAME` goes along.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from . import latents, verbs

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), redirect_stdout=False) as progress:
        task = progress.add_task("faces", total=count)
        told = verbs.directions(network, count=count, source=source, report=lambda done: progress.update(task, completed=done))
    for name, value in told.items():
        say(
            f"{name}: told from the styles with a correlation of {value:.2f}"
            + ("" if value >= latents.CLEAR else ", too little to go along")
        )


@app.command()
@click.option("--json", "as_json", is_flag=True, help="All fields on stdout.")
def doctor(as_json: bool) -> None:
    """Check this installation.

    The exit code is 1 if there is a problem.
    """
    from . import verbs

    report = verbs.doctor()
    if as_json:
        click.echo(json.dumps(report))
    else:
        for name, value in report.items():
            if isinstance(value, dict):
                value = ", ".join(
                    f"{key} {'no' if one is None or one is False else 'yes' if one is True else one}" for key, one in value.items()
                )
            say(f"{name:<12} {', '.join(value) or 'none' if isinstance(value, list) else value}")
    if report["problems"]:
        raise SystemExit(1)


@app.command()
@click.argument("family")
@click.argument("data", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DATA...")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The run's folder.")
@click.option("--preset", default="default", show_default=True, help="tiny, cpu or default.")
@click.option("--set", "knobs", multiple=True, metavar="KNOB=VALUE", help="Change a knob of the preset.")
@click.option("--seed", default=0, show_default=True)
@click.option("--from", "begin", multiple=True, type=click.Path(path_type=Path), metavar="PATH", help="Begin with these weights.")
@click.option("--devices", type=click.IntRange(1), default=1, show_default=True, metavar="N", help="GPUs, or processes without one.")
@click.option(
    "--accumulate", type=click.IntRange(1), default=1, show_default=True, metavar="N", help="Batches in N parts, for less memory."
)
@click.option("--keep", type=click.IntRange(1), default=2, show_default=True, metavar="N", help="Checkpoints to keep.")
@click.option("--resume", is_flag=True, help="Go on where the run in this folder stopped.")
def train(family: str, data: tuple[Path, ...], output: Path, knobs: tuple[str, ...], **rest: Any) -> None:
    """Train a network on folders.

    \b
    mien train retouch faces/ pairs/ -o run/ --preset cpu
    mien train stylegan2 faces/ -o run/ --from ffhq.pkl --set freeze=10 --devices 4
    """
    from . import verbs

    try:
        best = verbs.train(family, data, output, knobs=dict(_knob(k) for k in knobs), **rest)
    except KeyboardInterrupt as error:
        if error.args:
            say(f"{error}: go on with --resume -o {output}")
        raise
    say(f"{output}: best held-out score {best:.4f}; write it with: mien export {output} -o {family}.onnx")


def _knob(text: str, option: str = "--set") -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise RequestError(f"{option} {text!r} is not NAME=VALUE")
    return name, value


@app.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The .onnx file to write.")
@click.option("--half", is_flag=True, help="Store the weights in 16 bits: half the size.")
@click.option("--force", is_flag=True, help="Write over what is there.")
def export(run: Path, output: Path, half: bool, force: bool) -> None:
    """Write a trained network as .onnx.

    Takes the run's best weights, adds the card, and compares torch with ONNX Runtime before it calls the file good.
    """
    from . import verbs

    for path, difference in verbs.export(run, output, half=half, force=force).items():
        say(f"{path}: {path.stat().st_size / 1e6:.2f} MB; torch and ONNX Runtime differ by at most {difference:.1e}")


@app.command()
@click.argument("faces", type=click.Path(path_type=Path))
@click.argument("pairs", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The .npz file to write.")
@click.option("--force", is_flag=True, help="Write over what is there.")
def prototypes(faces: Path, pairs: Path, output: Path, force: bool) -> None:
    """Compute the prototypes file.

    FACES is a folder of labelled faces, PAIRS one of the same people with and without a smile.
    """
    from . import verbs

    error = verbs.prototypes(faces, pairs, output, force=force)
    say(f"{output}: age read to {error['age_error_years']:.1f} years, sex right in {error['sex_right']:.1%} of the people held out")


def main() -> None:
    """Entry point: run a verb; what people or their computer can set right becomes one line on stderr and an exit code."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # decoders warn of what `read` copes with or refuses
    try:
        app(standalone_mode=False, prog_name="mien")
    except MienError as error:
        _refuse(str(error), error.exit_code)
    except click.NoSuchOption as error:
        near = _nearest(error.option_name, error.possibilities) if error.possibilities else "see --help"
        _refuse(f"no option is called {error.option_name}: {near}")
    except click.ClickException as error:
        verb = getattr(getattr(error, "ctx", None), "command_path", "mien")
        _refuse(f"{' '.join(error.format_message().split()).rstrip('.')}: see {verb} --help")
    except OSError as error:
        _refuse(f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error))
    except MemoryError:
        _refuse("there is not enough memory for this photo")
    except (KeyboardInterrupt, click.Abort):
        _refuse("stopped", INTERRUPTED)


def _refuse(text: str, code: int = MienError.exit_code) -> None:
    say(f"mien: {text}")
    sys.exit(code)
