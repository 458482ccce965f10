"""`mien edit`: photos and clips, one or many."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import click

from ..edits.registry import COLOUR, EDITS, MAKERS
from ..errors import MienError, OutputError, RequestError
from .app import INTERRUPTED, app, common, knob, licence, plain, plural, refuse, say

if TYPE_CHECKING:
    from ..pipeline.batch import Job, Outcome


def face_(ctx: click.Context, option: click.Parameter, value: str | None) -> str | None:
    if value is not None and value not in ("all", "largest") and not value.isdecimal():
        raise RequestError(f"face {value!r} is neither all, largest nor a number")
    return value


def seconds(ctx: click.Context, option: click.Parameter, value: str | None) -> float | None:
    if value is None:
        return None
    try:
        parts = [float(part) for part in value.split(":")]
        if len(parts) > 3 or any(not 0 <= part < float("inf") for part in parts):
            raise ValueError
    except ValueError as error:
        raise RequestError(f"{value!r} is no time: seconds were wanted, or H:MM:SS") from error
    return sum(part * 60**i for i, part in enumerate(reversed(parts)))


def _amounts(ctx: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, float]:
    try:
        return {name: float(value) for name, value in (knob(text, "--along") for text in values)}
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
    "--face", default="all", callback=face_, show_default=True, metavar="all|largest|N", help="Which face; N as `mien find` numbers them."
)
@click.option("--by", type=click.Choice(MAKERS), default=None, help="What makes the edit; default: what makes it best.")
@click.option("--with", "network", metavar="NAME", help="Edit in the space of a generator of yours: NAME-encoder, NAME-directions.")
@click.option("--along", multiple=True, callback=_amounts, metavar="NAME=X", help="With it: go X along one of its own directions.")
@click.option("--quality", type=int, default=None, metavar="1-100", help="Of JPEG and WebP; default: as the source.")
@click.option("--force", is_flag=True, help="Write over what is there, the input too.")
@click.option("--from", "begin", callback=seconds, metavar="TIME", help="Clips: edit and write only from here, in seconds or H:MM:SS.")
@click.option("--to", "end", callback=seconds, metavar="TIME", help="Clips: only up to here.")
@click.option("--resume", is_flag=True, help="Go on: skip what the same request has made already, photos or parts of a clip.")
@click.option("--workers", type=click.IntRange(1, 256), metavar="N", help="Many photos: processes; default: one a core.")
@click.option("--json", "as_json", is_flag=True, help="Tell what was done on stdout, one object a photo.")
@licence
@common
def edit(inputs: tuple[str, ...], output: Path, quality: int | None, force: bool, resume: bool, **rest: Any) -> None:
    """Change faces in photos and clips.

    IN is a file, a folder or a glob; clips are .mp4, .mov, .mkv and .webm, and become .mp4. What is written carries a label that says what
    was done; see `mien verify`.

    \b
    mien edit photo.jpg --smile 0.8 -o out.jpg
    mien edit photos/ --age 20 --smile -0.3 -o older/
    mien edit clip.mp4 --age 30 -o older.mp4
    """
    from ..edits import registry as edits
    from ..pipeline import batch

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
        raise OutputError(f"{plural(len(sources), kind)} to write into a folder, and {output} is none: mkdir -p {output}")
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
    told = batch.one(jobs[0])
    say(f"wrote {told.said or jobs[0].target}")
    if rest["as_json"]:
        _tell(told)


def _clips(jobs: list[Job], resume: bool, as_json: bool, many: bool) -> int:
    """Edit clips one after the other; returns how many failed. Of a single one the error is raised."""
    from ..pipeline import batch

    failed = 0
    with told_to_stop() as stop:
        for job in jobs:
            try:
                with watched(job.source) as report:
                    told = batch.film(job, resume=resume, report=report, stopped=stop.is_set)
            except (MienError, OSError) as error:
                if not many:
                    raise
                failed += 1
                told = batch.Outcome(job, "failed", str(error))
            say({"failed": f"mien: {told.said}", "skipped": f"{job.target} is done already"}.get(told.state, told.said))
            if as_json:
                _tell(told)
    return failed


@contextmanager
def watched(source: Path) -> Iterator[Callable[[int, int], None]]:
    """A bar for a clip: gives what is to be told how many frames are done, and of how many. A run that was stopped ends here."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    try:
        with Progress(*columns, console=console, redirect_stdout=False, disable=not console.is_terminal, transient=True) as progress:
            task = progress.add_task(plain(source.name), total=None)
            yield lambda done, total: progress.update(task, completed=done, total=max(done, total))
    except KeyboardInterrupt:
        refuse("stopped: the same command with --resume goes on", INTERRUPTED)


def _many(jobs: list[Job], resume: bool, workers: int, as_json: bool) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from ..pipeline import batch

    counts = {"done": 0, "skipped": 0, "failed": 0}
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    progress = Progress(*columns, console=console, redirect_stdout=False, disable=not console.is_terminal)
    with told_to_stop() as stop:
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
            refuse("stopped: the same command with --resume goes on", INTERRUPTED)
    if counts["failed"]:
        raise SystemExit(1)


@contextmanager
def told_to_stop() -> Iterator[Event]:
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
