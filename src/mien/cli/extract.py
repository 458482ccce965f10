"""`mien extract`: one person's faces out of clips and photos."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ..face.geometry import LAYOUTS
from ..signals import INTERRUPTED
from .app import app, plural, refuse, say
from .edit import STOPPED
from .options import options
from .progress import shown


@app.command()
@click.argument("inputs", nargs=-1, required=True, metavar="CLIP|PHOTO...")
@click.option(
    "--like",
    required=True,
    type=click.Path(path_type=Path),
    metavar="PICTURE",
    help="Whose faces: a picture of that person.",
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="The folder to write, as of `align`.",
)
@click.option("--size", default=256, show_default=True, help="Side of the crops in pixels.")
@click.option(
    "--template",
    type=click.Choice(LAYOUTS),
    default="ffhq",
    show_default=True,
    help="How the face is laid out.",
)
@click.option("--resume", is_flag=True, help="Go on where an earlier run into this folder was stopped.")
@options("json")
def extract(inputs: tuple[str, ...], output: Path, as_json: bool, **about: Any) -> None:
    """Take one person's faces out of clips and photos, for training.

    Leaves out other people, and faces that are like others there. faces.csv says where each is from, how sharp it is
    and which way it looks.

    \b
    mien extract clip.mp4 --like ref.jpg -o faces-a/
    """
    from .. import verbs
    from ..pipeline import batch

    try:
        with shown("frames") as progress:
            told = verbs.extract(batch.gather(inputs, clips=True), output, progress=progress, **about)
    except KeyboardInterrupt:
        refuse(STOPPED, INTERRUPTED)
        raise
    said = [f"{plural(told.kept, 'face')} in {output}"]
    said += [f"{told.alike} like others left out"] if told.alike else []
    said += [f"{plural(told.without, 'picture')} without that person"] if told.without else []
    say("; ".join(said + ([f"{plural(told.failed, 'file')} failed"] if told.failed else [])))
    if as_json:
        click.echo(json.dumps({"output": str(output)} | asdict(told)))
    if told.failed:
        raise SystemExit(1)
