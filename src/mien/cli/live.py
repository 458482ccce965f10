"""`mien live`: what a camera sees, edited as it comes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from ..edits.effect_pack import taken_pack
from ..edits.request import EDITS, EditRequest, check
from ..io import virtual_camera
from .app import app, say
from .edit import strength_options
from .options import options
from .progress import shown


@app.command()
@click.argument("source", metavar="CLIP|camera:N")
@options("output")
@strength_options
@click.option(
    "--portrait",
    type=click.Path(path_type=Path),
    metavar="PHOTO",
    help="A photo or a painting that is shown instead, and does what the face does.",
)
@click.option(
    "--source",
    "gallery",
    type=click.Path(path_type=Path),
    metavar="PERSON",
    help="Whose face is put on the head: pictures of one person, as for `mien swap`.",
)
@click.option(
    "--with",
    "network",
    metavar="MANNER",
    help="The whole picture in another manner: one in the box, or that of a picture, as for `mien stylize`.",
)
@click.option(
    "--consent", default="", metavar="TEXT", help="With these: who agreed and when, as for `mien swap`."
)
@click.option("--seconds", type=float, metavar="X", help="When to end; a camera goes on until Ctrl-C.")
@options("force", "json", "mark", "licence")
def live(source: str, output: Path, force: bool, as_json: bool, **rest: Any) -> None:
    """Edit the face before a camera as it comes, and write what was shown. A clip is read as a camera would give it.

    Frames that come too fast are dropped, and how many is told. `-o camera:` writes nothing: what is shown becomes a
    camera that calls and other programs can choose.

    \b
    mien live camera:0 --smile 0.8 --seconds 10 -o smiling.mp4
    mien live clip.mp4 --portrait painting.jpg --consent "public domain" -o lives.mp4
    mien live camera:0 --source person/ --consent "both agreed, 2026-11-29" -o swapped.mp4
    mien live camera:0 --with watercolour -o painted.mp4
    mien live camera:0 --effect whiskers -o camera:
    """
    from .. import verbs

    given = {name: rest.pop(name) for name in EDITS}
    strengths = {name: value for name, value in given.items() if value is not None}
    check(strengths, own=EditRequest(pack=taken_pack(given["effect"])).own)
    with shown(source) as progress:
        told = verbs.live(source, output, force=force, progress=progress, **rest, **strengths)
    about = f"{told.shown} of {told.given} frames in time, latency {1000 * told.latency:.0f} ms"
    done = f"wrote {output}" if virtual_camera.named(str(output)) is None else "shown"
    for note in told.notes:
        say(note)
    say(f"{done}: {about}, edits renewed {told.renewed} times")
    if as_json:
        found = {"given": told.given, "shown": told.shown, "dropped": told.dropped, "renewed": told.renewed}
        found |= {"latency_seconds": round(told.latency, 4), "notes": list(told.notes)}
        click.echo(json.dumps(found))
