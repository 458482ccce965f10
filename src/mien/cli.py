"""The command line: a skin over `verbs`. Machine output on stdout with --json, everything human on stderr, an error in one line."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from . import __version__
from .edits import EDITS, MAKERS
from .errors import InputError, MienError, OutputError, RequestError
from .geometry import TEMPLATES
from .image import MAX_PIXELS

VERIFY_EXIT = {"intact": 0, "broken": 1, "unlabelled": 4}
INTERRUPTED = 130


class Verbs(click.Group):
    """The group of commands; an unknown one is answered with the nearest name."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], self.commands, 1)
            raise RequestError(
                f"no verb is called {args[0]!r}: " + (f"did you mean {near[0]}?" if near else f"there are {', '.join(self.commands)}")
            )
        return super().resolve_command(ctx, args)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, message="mien %(version)s")
def app() -> None:
    """Neural face editing that people can trust: offline, at the photo's own resolution, labelled."""


def say(text: str) -> None:
    click.echo(text, err=True)


def _common(command: Callable[..., None]) -> Callable[..., None]:
    return click.option("--max-pixels", default=MAX_PIXELS, show_default=True, help="Refuse larger photos.")(command)


def _strengths(command: Callable[..., None]) -> Callable[..., None]:
    for name, kind in reversed(EDITS.items()):
        text = f"{kind.says}; {kind.low:g} to {kind.high:g} {kind.unit}".rstrip()
        command = click.option(f"--{name}", type=float, default=None, metavar="X", help=text[0].upper() + text[1:] + ".")(command)
    return command


@app.command()
@click.argument("inputs", nargs=-1, required=True, metavar="IN...")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The file to write, or a folder for many photos.")
@_strengths
@click.option("--face", default="all", show_default=True, metavar="all|largest|N", help="Which face; N as `mien find` numbers them.")
@click.option("--by", type=click.Choice(MAKERS), default=None, help="What makes the edit; default: what makes it best.")
@click.option("--quality", type=int, default=None, metavar="1-100", help="Of JPEG and WebP; default: as the source.")
@click.option("--force", is_flag=True, help="Write over what is there.")
@click.option("--resume", is_flag=True, help="Many photos: skip those that are done and intact.")
@click.option("--workers", type=click.IntRange(1, 256), default=None, help="Many photos: processes; default: one a core.")
@click.option("--json", "as_json", is_flag=True, help="Tell what was done on stdout, one object a photo.")
@_common
def edit(
    inputs: tuple[str, ...], output: Path, face: str, by: str | None, quality: int | None, force: bool, resume: bool, **rest: Any
) -> None:
    """Change faces: mien edit photo.jpg --smile 0.8 -o out.jpg"""
    from . import batch, edits

    strengths = {name: rest[name] for name in EDITS if rest[name] is not None}
    if not strengths:
        raise RequestError(f"nothing to do: say what to change with {', '.join('--' + name for name in EDITS)}")
    edits.check(strengths)
    options = {name: value for name, value in strengths.items() if value} | {"face": face} | ({"by": by} if by else {})
    sources = batch.gather(inputs)
    many = len(sources) > 1 or any(Path(one).is_dir() for one in inputs) or output.is_dir()
    if many:
        if not output.is_dir():
            raise OutputError(f"{len(sources)} photos need a folder to go to and {output} is none: mkdir -p {output}")
        outputs = batch.targets(sources, output)
    else:
        outputs = [output]
        if not sources[0].exists():
            raise InputError(f"{sources[0]}: no such file")
    jobs = [batch.Job(s, t, options, quality, force, rest["max_pixels"]) for s, t in zip(sources, outputs, strict=True)]
    if many:
        _many(jobs, resume, rest["workers"] or os.cpu_count() or 1, rest["as_json"])
        return
    batch.one(jobs[0])
    say(f"{jobs[0].target}")
    if rest["as_json"]:
        click.echo(json.dumps({"input": str(sources[0]), "output": str(output), "state": "done"}))


def _many(jobs: list[Any], resume: bool, workers: int, as_json: bool) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from . import batch

    counts = {"done": 0, "skipped": 0, "failed": 0}
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    try:
        with Progress(*columns, console=console) as progress:
            task = progress.add_task("photos", total=len(jobs))
            for outcome in batch.run(jobs, resume=resume, workers=min(workers, len(jobs))):
                counts[outcome.state] += 1
                progress.advance(task)
                if outcome.state == "failed":
                    progress.console.print(outcome.said, markup=False, highlight=False, soft_wrap=True)
                if as_json:
                    line = {
                        "input": str(outcome.job.source),
                        "output": str(outcome.job.target),
                        "state": outcome.state,
                        "error": outcome.said,
                    }
                    click.echo(json.dumps(line))
    finally:
        say(", ".join(f"{count} {state}" for state, count in counts.items()))
    if counts["failed"]:
        raise SystemExit(1)


@app.command()
@click.argument("inputs", nargs=-1, required=True, metavar="IN...")
@click.option("--json", "as_json", is_flag=True, help="Boxes, 478 landmarks, score, roll, yaw and pitch on stdout, one object a photo.")
@click.option("--draw", type=click.Path(path_type=Path), default=None, help="Write the photo with boxes, numbers and points drawn on it.")
@click.option("--force", is_flag=True, help="Write over what is there.")
@_common
def find(inputs: tuple[str, ...], as_json: bool, draw: Path | None, force: bool, max_pixels: int) -> None:
    """Find faces, numbered from 1, left to right; in photo pixels after the EXIF turn."""
    from . import batch, verbs

    sources = batch.gather(inputs)
    if draw and len(sources) > 1:
        raise RequestError(f"--draw takes one photo, {len(sources)} came")
    for source in sources:
        photo = verbs.read(source, max_pixels=max_pixels)
        faces = verbs.find(photo)
        if as_json:
            told = {
                "file": str(source),
                "width": photo.size[0],
                "height": photo.size[1],
                "faces": [_told(i, f) for i, f in enumerate(faces, 1)],
            }
            click.echo(json.dumps(told))
        else:
            say(f"{source}: {photo.size[0]} x {photo.size[1]} pixels, {len(faces)} face{'s' * (len(faces) != 1)}")
            for i, one in enumerate(faces, 1):
                left, top, right, bottom = (round(float(v)) for v in one.box)
                say(
                    f"  {i}: {right - left} x {bottom - top} at {left}, {top}; score {one.score:.2f}; roll {one.roll:.0f}, yaw {one.yaw:.0f}, pitch {one.pitch:.0f}"
                )
        if draw:
            verbs.write(verbs.draw(photo, faces), draw, force=force)


def _told(number: int, face: Any) -> dict[str, Any]:
    points = [[round(float(v), 2) for v in point] for point in face.landmarks]
    angles = {name: round(getattr(face, name), 1) for name in ("roll", "yaw", "pitch")}
    return {"face": number, "box": [round(float(v), 1) for v in face.box], "score": round(face.score, 3), **angles, "landmarks": points}


@app.command()
@click.argument("inputs", nargs=-1, required=True, metavar="IN...")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="The folder to write: images/, faces.csv, landmarks478.npz."
)
@click.option("--size", default=512, show_default=True, help="Side of the crops in pixels.")
@click.option("--template", type=click.Choice(list(TEMPLATES)), default="ffhq", show_default=True, help="How the face is laid out.")
@_common
def align(inputs: tuple[str, ...], output: Path, size: int, template: str, max_pixels: int) -> None:
    """Cut out aligned faces, with a table to fill in: the folder that `mien train` takes."""
    from . import batch, verbs

    written, failed = verbs.align_folder(batch.gather(inputs), output, size=size, template=template, max_pixels=max_pixels, report=say)
    say(f"{written} faces in {output}" + (f", {failed} photos failed" if failed else ""))
    if failed:
        raise SystemExit(1)


@app.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="The verdict on stdout.")
def verify(file: Path, as_json: bool) -> None:
    """Read a picture's label: exit 0 intact, 1 broken, 4 unlabelled."""
    from dataclasses import asdict

    from . import verbs

    verdict = verbs.verify(file)
    if as_json:
        click.echo(json.dumps({"file": str(file), **asdict(verdict)}, default=str))
    else:
        for line in verbs.tell(verdict):
            say(line)
    raise SystemExit(VERIFY_EXIT[verdict.state])


@app.command()
@click.option("--json", "as_json", is_flag=True, help="All fields on stdout.")
def models(as_json: bool) -> None:
    """List the networks in the box and check them; exit 1 if one is not ok."""
    from . import verbs

    rows = verbs.models()
    if as_json:
        click.echo(json.dumps(rows))
    else:
        for row in rows:
            say(
                f"{row['name']:<12} {row['role']:<12} {row['bytes'] / 1e6:6.2f} MB  {row['licence']:<12} {row['sha256'][:16]}  {row['state']}"
            )
    if any(row["state"] != "ok" for row in rows):
        raise SystemExit(1)


@app.command()
@click.option("--json", "as_json", is_flag=True, help="All fields on stdout.")
def doctor(as_json: bool) -> None:
    """Check this installation, on one page; exit 1 if there is a problem."""
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
@click.option("--resume", is_flag=True, help="Go on where the run in this folder stopped.")
def train(family: str, data: tuple[Path, ...], output: Path, preset: str, knobs: tuple[str, ...], seed: int, resume: bool) -> None:
    """Train a family on folders: mien train retouch faces/ pairs/ -o run/ --preset cpu"""
    from . import verbs

    try:
        best = verbs.train(family, data, output, preset=preset, knobs=dict(_knob(k) for k in knobs), seed=seed, resume=resume)
    except KeyboardInterrupt:
        say(f"stopped and saved: go on with --resume -o {output}")
        raise
    say(f"{output}: best held-out score {best:.4f}; write it with: mien export {output} -o {family}.onnx")


def _knob(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise RequestError(f"--set {text!r} is not KNOB=VALUE")
    return name, value


@app.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The .onnx file to write.")
@click.option("--half", is_flag=True, help="Store the weights in 16 bits: half the size.")
@click.option("--notice", type=click.Path(path_type=Path), default=None, help="A text file of data credits for the card.")
@click.option("--force", is_flag=True, help="Write over what is there.")
def export(run: Path, output: Path, half: bool, notice: Path | None, force: bool) -> None:
    """Write a run's best weights as .onnx with its card, after comparing torch with ONNX Runtime."""
    from . import verbs

    difference = verbs.export(run, output, half=half, notice=notice, force=force)
    say(f"{output}: {output.stat().st_size / 1e6:.2f} MB; torch and ONNX Runtime differ by at most {difference:.1e}")


@app.command()
@click.argument("faces", type=click.Path(path_type=Path))
@click.argument("pairs", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The .npz file to write.")
@click.option("--notice", type=click.Path(path_type=Path), default=None, help="A text file of data credits for the card.")
def prototypes(faces: Path, pairs: Path, output: Path, notice: Path | None) -> None:
    """Compute the prototypes from a folder of labelled faces and one of smile pairs."""
    from . import verbs

    error = verbs.prototypes(faces, pairs, output, notice=notice)
    say(f"{output}: age read to {error['age_error_years']:.1f} years, sex right in {error['sex_right']:.1%} of the people held out")


def main() -> None:
    """Entry point: run a verb; a `MienError` becomes one line on stderr and its exit code."""
    try:
        app(standalone_mode=False)
    except MienError as error:
        say(f"mien: {error}")
        sys.exit(error.exit_code)
    except click.UsageError as error:
        say(
            f"mien: {error.format_message()} See: mien {error.ctx.info_name if error.ctx and error.ctx.parent else ''} --help".replace(
                "  ", " "
            )
        )
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        say("mien: stopped")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # the reader of a pipe went away: not our error, and nothing more can be said
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
