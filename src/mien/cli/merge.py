"""`mien merge-report`: what many runs into one folder have done."""

from __future__ import annotations

import json
from pathlib import Path

import click

from .app import app, plural, say
from .edit import counted, end
from .options import options

SHOWN = 8  # shares that are named


@app.command("merge-report")
@click.argument("reports", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="REPORT...")
@options("json")
def merge_report(reports: tuple[Path, ...], as_json: bool) -> None:
    """Put together what runs have told with --json, as those of --shard; the exit code is 1 where a file failed in all
    or a share is not finished, else 3 where one was declined.

    \b
    mien edit in/ --smile 0.5 --shard 1/2 --resume --json -o out/ > 1.jsonl
    mien edit in/ --smile 0.5 --shard 2/2 --resume --json -o out/ > 2.jsonl
    mien merge-report 1.jsonl 2.jsonl
    """
    from .. import verbs

    found = verbs.merge_reports(reports)
    if as_json:
        for row in found.rows:
            click.echo(json.dumps(row))
    for row in found.undone:
        say(f"{row['state']}: {row['input']}: {row.get('error', '')}")
    say(counted(found.counts))
    if found.unfinished:
        which = ", ".join(found.unfinished[:SHOWN]) + ", ..." * (len(found.unfinished) > SHOWN)
        say(
            f"{plural(len(found.unfinished), 'share')} not finished: --shard {which}: run the same with --resume"
        )
        raise SystemExit(1)
    end(found.counts)
