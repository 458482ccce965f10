"""`mien consent`: records of who agreed to what, for `mien swap` and `mien animate`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from .app import app, say
from .options import options


@app.group()
def consent() -> None:
    """Keep records of who agreed to what, on this computer.

    A record is your statement and no proof. `--consent NAME` of swap and animate names it; the label gets its words and
    id. With a picture, another face is noticed.

    \b
    mien consent add Ann --note "by mail, 2026-11-29" --picture ann.jpg --until 2027-12-31
    mien consent list
    mien consent revoke Ann
    """


@consent.command()
@click.argument("name")
@click.option("--note", required=True, metavar="TEXT", help="What was agreed, and where that is written.")
@click.option(
    "--picture",
    type=click.Path(path_type=Path),
    help="Of their face; it is kept as numbers, so that another face is noticed.",
)
@click.option("--until", default="", metavar="DATE", help="The last day that it holds, as 2027-12-31.")
def add(name: str, note: str, picture: Path | None, until: str) -> None:
    """Keep a record."""
    from .. import verbs

    say(f"kept: {verbs.add_consent(name, note, picture=picture, until=until).words}")


@consent.command("list")
@options("json")
def list_(as_json: bool) -> None:
    """List all records, also those that hold no more."""
    from .. import verbs

    records = verbs.consents()
    if as_json:
        told: list[dict[str, Any]] = [
            asdict(one) | {"vector": bool(one.vector), "holds": not one.over} for one in records
        ]
        click.echo(json.dumps(told))
        return
    if not records:
        say("no record is kept: `mien consent add NAME --note TEXT` keeps one")
    for one in records:
        say(f"{one.words}{' with a face' * bool(one.vector)}{', ' * bool(one.over)}{one.over}")


@consent.command()
@click.argument("which", metavar="NAME|ID")
def revoke(which: str) -> None:
    """Let a record hold no more; labels that name it stay as they are."""
    from .. import verbs

    say(f"revoked: {verbs.revoke_consent(which).words}")
