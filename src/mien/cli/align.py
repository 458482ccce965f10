"""`mien align` and `mien extract`: faces cut out for training, of everybody in photos or of one person in clips."""

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

_folder = click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="The folder to write: images/, faces.csv, landmarks478.npz.",
)
_template = click.option(
    "--template",
    type=click.Choice(LAYOUTS),
    default="ffhq",
    show_default=True,
    help="How the face is laid out.",
)


@app.command()
@click.argument("inputs", nargs=-1, required=True, metavar="IN...")
@_folder
@click.option("--size", default=512, show_default=True, help="Side of the crops in pixels.")
@_template
@click.option(
    "--like", default="all", metavar="PICTURE", help="Only faces of the person whom this picture shows."
)
@options("recursive", "max_pixels")
def align(
    inputs: tuple[str, ...],
    output: Path,
    size: int,
    template: str,
    like: str,
    recursive: bool,
    max_pixels: int,
) -> None:
    """Cut out aligned faces for training.

    Writes the folder that `mien train` takes: images/, landmarks478.npz, and faces.csv with labels to fill
    in.
    """
    from .. import verbs
    from ..pipeline import batch

    with shown("photos", stoppable=False) as progress:
        about: dict[str, Any] = {
            "size": size,
            "template": template,
            "like": like,
            "max_pixels": max_pixels,
            "progress": progress,
        }
        written, failed = verbs.align_folder(batch.gather(inputs, recursive=recursive), output, **about)
    say(f"{plural(written, 'face')} in {output}" + (f", {plural(failed, 'photo')} failed" if failed else ""))
    if failed:
        raise SystemExit(1)


@app.command()
@click.argument("inputs", nargs=-1, required=True, metavar="CLIP|PHOTO...")
@click.option(
    "--like",
    required=True,
    type=click.Path(path_type=Path),
    metavar="PICTURE",
    help="Whose faces: a picture of that person.",
)
@_folder
@click.option("--size", default=256, show_default=True, help="Side of the crops in pixels.")
@_template
@click.option("--add", is_flag=True, help="To the faces that an earlier run has put into the folder.")
@click.option("--resume", is_flag=True, help="Go on where an earlier run into this folder was stopped.")
@options("json")
def extract(inputs: tuple[str, ...], output: Path, as_json: bool, **about: Any) -> None:
    """Take one person's faces out of clips and photos, for training.

    Leaves out other people, and faces that are like others there. faces.csv says where each is from, how sharp it is
    and which way it looks.

    \b
    mien extract clip.mp4 --like ref.jpg -o faces-a/
    mien extract another.mp4 --like ref.jpg -o faces-a/ --add
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
