"""`mien bench`: edits and swaps judged on a folder of people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from .app import app, say
from .options import options
from .progress import shown


@app.group()
def bench() -> None:
    """Judge edits and swaps on a folder of people."""


@bench.command("edits")
@click.argument("data", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=None,
    help="A folder for the contact sheet and the table.",
)
@click.option(
    "--edits",
    "asked",
    metavar="NAME=X,...",
    help="What to try, as in smile=0.8,age=30; default: all, at their usual strengths.",
)
@click.option(
    "--count", type=click.IntRange(1), default=24, show_default=True, metavar="N", help="Photos at most."
)
@click.option(
    "--features",
    metavar="NAME",
    help="Tell a second time how near to real people an edit comes, in what this embedder of `mien models` sees.",
)
@options("identity")
@click.option("--json", "as_json", is_flag=True, help="The table on stdout, one object a line.")
@options("licence")
def bench_edits(
    data: Path,
    output: Path | None,
    asked: str | None,
    count: int,
    features: str | None,
    identity: str | None,
    as_json: bool,
    licence: str | None,
) -> None:
    """Try every edit, by every maker, on a folder of photos.

    Prints how often an edit went the right way, by how much (median), identity, seam and sharpness as `mien
    report` has them, pixels changed where nothing was to change, and the time. Of a folder that `mien train`
    reads only people take part whom no training saw.
    """
    from dataclasses import asdict

    from .. import verbs

    with shown("edits", stoppable=False) as progress:
        about: dict[str, Any] = {"identity": identity, "features": features, "progress": progress}
        about["kit"] = verbs.shared_kit(licence)
        rows = verbs.bench_edits(data, output, asked=asked, count=count, **about)
    if as_json:
        for row in rows:
            click.echo(json.dumps(asdict(row)))
    if output:
        say(f"wrote {output}")


@bench.command("swap")
@click.argument("data", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=None,
    help="A folder for the contact sheet and the table.",
)
@options("consent")
@click.option(
    "--count", type=click.IntRange(2), default=24, show_default=True, metavar="N", help="Photos at most."
)
@click.option("--json", "as_json", is_flag=True, help="The table on stdout, one object a line.")
@options("licence")
def bench_swap(
    data: Path, output: Path | None, consent: str, count: int, as_json: bool, licence: str | None
) -> None:
    """Swap the faces of the people of a folder, each onto the next.

    Prints whom each result looks like (likeness, 1 is the same picture), by how much its expression differs, how
    visible the seam is, pixels changed away from the face, and the time. Of a folder that `mien train` reads only
    people take part whom no training saw.
    """
    from dataclasses import asdict

    from .. import verbs

    with shown("swaps", stoppable=False) as progress:
        about: dict[str, Any] = {"kit": verbs.shared_kit(licence), "progress": progress}
        rows = verbs.bench_swap(data, output, consent=consent, count=count, **about)
    if as_json:
        for row in rows:
            click.echo(json.dumps(asdict(row)))
    if output:
        say(f"wrote {output}")
