"""`mien edit`: photos and clips, one or many."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from ..edits import styles
from ..edits.effect_pack import taken_pack
from ..edits.keys import Keys, taken_keys
from ..edits.request import COLOUR, EDITS, METHODS, STYLE, EditRequest, check, nothing_asked
from ..errors import DeclinedError, InputError, MienError, OutputError, RequestError
from ..io import outputs
from ..io.inputs import check_local
from ..signals import INTERRUPTED
from .app import app, plural, refuse, say
from .options import LIST, MANY, amounts, file_in, options, time_of
from .progress import shown

if TYPE_CHECKING:
    from ..pipeline.batch import Job, Outcome, Request
    from ..pipeline.runner import Runner

STOPPED = "stopped: the same command with --resume goes on"


def tell_styles(edit: str, as_json: bool = False) -> None:
    """Which hairstyles or effects there are, a line each."""
    names = EDITS[edit].names
    if as_json:
        click.echo(json.dumps(dict(names)))
        return
    for name, says in names.items():
        click.echo(f"{name:{max(map(len, names))}} {says}")


EXAMPLES = {
    COLOUR: "as red, #b01030 or rose:0.5",
    STYLE: f"as {{0.example}}, or {{0.own}}; {LIST} tells the names",
}
HOW: dict[str, dict[str, Any]] = {
    COLOUR: {"type": str, "metavar": "COLOUR"},
    STYLE: {"type": str, "metavar": "NAME|FILE"},
}


def strength_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command a flag for every edit."""
    for name, option in reversed(EDITS.items()):
        example = EXAMPLES.get(option.unit, option.range).format(styles.NAMED.get(name))
        text, how = f"{option.says}; {example}", HOW.get(option.unit, {"type": float, "metavar": "X"})
        command = click.option(_flag(name), name, default=None, help=text[0].upper() + text[1:] + ".", **how)(
            command
        )
    return command


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _keys(ctx: click.Context, option: click.Parameter, value: str | None) -> Keys:
    """TIME=SHARE,... as keys of strength over time."""
    if value is None:
        return ()
    pairs = [one.partition("=") for one in value.split(",")]
    try:
        return taken_keys([(time_of(time), float(share)) for time, _, share in pairs])
    except ValueError as error:
        raise RequestError(f"--keys wants TIME=SHARE,..., as in 0=0,1.5=1; {value!r} came") from error


@app.command()
@click.argument("inputs", nargs=-1, metavar="IN...")
@options("output_folder")
@strength_options
@options("face")
@click.option(
    "--by",
    "method",
    type=click.Choice(METHODS),
    default=None,
    help="What makes the edit; default: what makes it best.",
)
@click.option(
    "--with",
    "network",
    metavar="NAME",
    help="Edit in the space of a generator of yours: NAME-encoder, NAME-directions.",
)
@click.option(
    "--along",
    "directions",
    multiple=True,
    callback=amounts,
    metavar="NAME=X",
    help="With it: go X along one of its own directions.",
)
@click.option(
    "--keep",
    type=click.Path(path_type=Path),
    metavar="MASK",
    help="Photos: a picture that is white where they stay as they were.",
)
@click.option(
    "--keys",
    callback=_keys,
    metavar="TIME=SHARE,...",
    help="Clips: how much of all this is done when, 0 to 1, and evenly in between, as 0=0,0:01.5=1.",
)
@options("consent", *MANY)
def edit(
    inputs: tuple[str, ...],
    output: str,
    quality: int | None,
    private: bool,
    force: bool,
    resume: bool,
    recursive: bool,
    files_from: str | None,
    shard: tuple[int, int] | None,
    workers: int | None,
    on: str | None,
    as_json: bool,
    **rest: Any,
) -> None:
    """Change faces in photos and clips.

    IN is a file, a folder or a glob; clips become .mp4. What is written carries a label that says what was
    done; see `mien verify`.

    \b
    mien edit photo.jpg --smile 0.8 -o out.jpg
    mien edit photos/ --age 20 --smile -0.3 -o older/
    mien edit clip.mp4 --age 30 -o older.mp4
    mien edit photo.jpg --hairstyle list -o all.jpg
    """
    if listed := [name for name in EDITS if rest[name] == LIST]:
        _styles(listed[0], inputs, output, quality, private, force, as_json, rest["max_pixels"])
        return
    request = _request(rest)
    clips_only = request.start is not None or request.end is not None
    work = gathered(inputs, output, recursive, files_from, shard, clips_only=clips_only)
    if request.keys and not work.clips:
        raise RequestError("--keys are for clips, and none came")
    carry_out(work, request, quality, private, force, resume, workers, on, as_json, rest["max_pixels"])


def _styles(
    name: str,
    inputs: tuple[str, ...],
    output: str | None,
    quality: int | None,
    private: bool,
    force: bool,
    as_json: bool,
    max_pixels: int,
) -> None:
    """Tell which hairstyles or effects there are, or show all on one photo."""
    if output is None:
        tell_styles(name, as_json)
        return
    if len(inputs) != 1:
        raise RequestError(
            f"a sheet of {name}s shows one photo, and {len(inputs)} came: mien edit photo.jpg {_flag(name)} {LIST} -o {output}"
        )
    from .. import verbs

    place = file_in(output, f"{name}s.jpg")
    outputs.check_free(place, force)
    photo = verbs.read(inputs[0], max_pixels=max_pixels)
    with shown(_flag(name)) as progress:
        sheet = verbs.style_sheet(photo, name, progress=progress)
    verbs.write(sheet, place, quality=quality, private=private, force=force)
    say(f"wrote {place}: all {plural(len(EDITS[name].names), name)}")
    if as_json:
        click.echo(json.dumps({"output": str(place), "styles": [*EDITS[name].names]}))


@dataclass(frozen=True)
class Work:
    """The photos and clips that are meant, each with where its result goes; into: whether that is a folder; many:
    whether there may be several; share: which of how many shares they are, as "2/3"."""

    pairs: tuple[tuple[Path, Path], ...]
    clips: frozenset[Path]
    into: bool
    many: bool
    share: str = ""


def gathered(
    inputs: tuple[str, ...],
    output: str,
    recursive: bool,
    files_from: str | None,
    shard: tuple[int, int] | None,
    *,
    clips_only: bool,
) -> Work:
    """What is meant; what an earlier run has made is not. clips_only: whether something was asked that only clips
    have."""
    from ..pipeline import batch

    if files_from:
        listed = _listed(files_from)
        inputs += listed
        if not listed:
            say(f"{files_from} names no file: one on each line was wanted")
    if not inputs:
        raise RequestError(
            "no file was named: IN is a file, a folder or a glob, and --files-from takes a list"
        )
    check_local((*inputs, output))
    sources, place = batch.gather(inputs, clips=True, recursive=recursive), Path(output)
    own = place.resolve()
    if recursive and own not in (Path(name).resolve() for name in inputs):
        sources = [source for source in sources if own not in source.resolve().parents]
    clips = frozenset(source for source in sources if batch.is_clip(source))
    if clips_only and not clips:
        raise RequestError("--from and --to are for clips, and none came")
    many = bool(files_from or shard) or sources != [Path(name) for name in inputs[:1]]
    into = outputs.means_folder(output)
    if many and not into:
        kind = "file" if clips else "photo"
        raise OutputError(f"{plural(len(sources), kind)} to write into a folder, and {output} names a file")
    roots = [Path(name) for name in inputs if Path(name).is_dir()] if recursive else []
    pairs = batch.pair(sources, place, roots) if into else [(sources[0], place)]
    if shard:
        whole, pairs = pairs, [one for one in pairs if batch.in_share(one[1], place, shard)]
        say(f"{len(pairs)} of {plural(len(whole), 'file')} in share {shard[0]} of {shard[1]}")
    if not recursive and (others := batch.passed_over(inputs, sources)):
        say(f"passed over {plural(len(others), 'folder')} below, as {others[0]}: --recursive takes them too")
    return Work(tuple(pairs), clips, into, many, "/".join(map(str, shard or ())))


def _listed(name: str) -> tuple[str, ...]:
    """The names on the lines of a file, or of stdin."""
    try:
        with click.open_file(name, encoding="utf-8", errors="surrogateescape") as file:
            lines = tuple(line.rstrip("\r\n") for line in file if line.strip())
    except OSError as error:
        raise InputError(f"{name} cannot be read as a list of files ({error.strerror})") from error
    if any("\0" in line for line in lines):
        raise InputError(f"{name} is no list of files: text was wanted, a name on each line")
    return lines


def carry_out(
    work: Work,
    request: Request,
    quality: int | None,
    private: bool,
    force: bool,
    resume: bool,
    workers: int | None,
    on: str | None,
    as_json: bool,
    max_pixels: int,
) -> None:
    """Do what was asked to all photos and clips, and tell of it. on: the cluster that does it."""
    from ..io import photo_writer
    from ..pipeline import batch
    from ..pipeline.cluster import Cluster
    from ..pipeline.runner import Processes

    photo_writer.check_quality(quality)
    about: dict[str, Any] = {"quality": quality, "force": force, "max_pixels": max_pixels, "private": private}
    for place in {target.parent for _, target in work.pairs} if work.into else ():
        if work.many:  # others may write into it, too
            outputs.make_folder(place)
        else:
            click.get_current_context().with_resource(outputs.folder(place))
    jobs = [batch.Job(source, target, request, **about) for source, target in work.pairs]
    still = batch.still(request)
    photos = [replace(job, request=still) for job in jobs if job.source not in work.clips]
    films = [job for job in jobs if job.source in work.clips]
    if as_json and work.share:
        click.echo(json.dumps({"shard": work.share, "files": len(jobs)}))
    if on is not None:
        end(_by(Cluster(on, workers), [*photos, *films], resume, as_json))
        return
    if not work.many and photos and not resume:
        _one_photo(photos[0], as_json)
        return
    counts = _clips(films, resume, as_json, work.many)
    if photos:
        processes = Processes(min(workers or batch.cores(), len(photos)))
        counts += _by(processes, photos, resume, as_json)
    end(counts)


def _one_photo(job: Job, as_json: bool) -> None:
    """Do a single photo, in this process; its error is raised."""
    from ..pipeline import batch

    batch.check(job)
    outcome = batch.edit_one(job)
    say(f"wrote {outcome.said or job.target}")
    if as_json:
        _tell(outcome)


def _request(given: dict[str, Any]) -> EditRequest:
    """What was asked for, checked."""
    from .. import verbs
    from ..pipeline.hair import taken_hair
    from ..pipeline.keep import taken_keep

    strengths = {name: given[name] for name in EDITS if given[name] is not None}
    if not strengths and not given["directions"]:
        raise nothing_asked(map(_flag, EDITS))
    names = ("face", "method", "network", "directions", "start", "end", "keys", "mark", "licence")
    about, kit = {name: given[name] for name in names}, verbs.shared_kit(given["licence"])
    about["hair"] = taken_hair(strengths.get("hairstyle"), given["consent"], kit)
    if given["consent"] and not about["hair"]:
        say("--consent is left out: it is for a --hairstyle that is somebody's picture")
    about |= {"pack": taken_pack(strengths.get("effect")), "keep": taken_keep(given["keep"])}
    check(strengths, own=EditRequest(**about).own)
    about["face"] = verbs.meant(about["face"], kit=kit)
    return EditRequest(strengths, **about)


def _clips(jobs: list[Job], resume: bool, as_json: bool, many: bool) -> Counter[str]:
    """Edit clips one after the other; returns how many ended in each state. Of a single one the error is raised."""
    from ..pipeline import batch

    counts = Counter[str]()
    for job in jobs:
        try:
            with shown(job.source.name) as progress:
                outcome = batch.edit_film(job, resume=resume, progress=progress)
        except KeyboardInterrupt:
            refuse(STOPPED, INTERRUPTED)
            raise
        except (MienError, OSError) as error:
            if not many:
                raise
            outcome = batch.Outcome.of(job, error)
        counts[outcome.state] += 1
        refused = f"mien: {outcome.said}"
        lines = {"failed": refused, "declined": refused, "skipped": f"{job.target} is done already"}
        say(lines.get(outcome.state, outcome.said))
        if as_json:
            _tell(outcome)
    return counts


def _by(runner: Runner, jobs: list[Job], resume: bool, as_json: bool) -> Counter[str]:
    """Let a runner do many jobs, and tell of each; returns how many ended in each state."""
    counts, out = Counter[str](), sys.stdout
    with shown("files") as progress, redirect_stdout(sys.stderr):  # where clusters may say what they like
        with closing(runner.run(jobs, resume=resume, progress=progress)) as outcomes:
            for outcome in outcomes:
                counts[outcome.state] += 1
                if outcome.said:
                    progress.message(f"mien: {outcome.said}")
                progress.advance(sum(counts.values()), len(jobs))
                if as_json:
                    _tell(outcome, out)
        progress.close()
        say(counted(counts))
        if progress.cancelled:
            refuse(STOPPED, INTERRUPTED)
    return counts


def counted(counts: Mapping[str, int]) -> str:
    """How many ended in each state, in words; none needs to be told that nothing was declined."""
    states = [
        state for state in ("done", "skipped", "declined", "failed") if counts[state] or state != "declined"
    ]
    return ", ".join(f"{counts[state]} {state}" for state in states)


def end(counts: Mapping[str, int]) -> None:
    """Exit with 1 where one of many has failed, else with 3 where one was declined."""
    if counts["failed"]:
        raise SystemExit(1)
    if counts["declined"]:
        raise SystemExit(DeclinedError.exit_code)


def _tell(outcome: Outcome, out: IO[str] | None = None) -> None:
    paths = {"input": str(outcome.job.source), "output": str(outcome.job.target)}
    said = {"error": outcome.said} if outcome.state in ("failed", "declined") else {}
    click.echo(json.dumps(paths | {"state": outcome.state} | outcome.told | said), out)
