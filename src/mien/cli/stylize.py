"""`mien stylize` and `mien sketch`: pictures as a translator draws them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from ..errors import RequestError
from ..pipeline.stylize import SKETCH
from ..signals import INTERRUPTED
from ..types import Photo
from .app import app, plural, refuse, say
from .edit import STOPPED
from .options import options
from .progress import shown


@app.command()
@click.argument("source", type=click.Path(path_type=Path), metavar="IN")
@options("output")
@click.option(
    "--with",
    "network",
    required=True,
    metavar="MANNER",
    help="watercolour, oil, gouache, ink, charcoal, sepia, woodblock, fresco, comic, swirls, pop or neon; "
    "a picture whose manner is taken; or a translator of yours.",
)
@click.option(
    "--strength", default=1.0, show_default=True, help="How far from the photo to the drawing, 0 to 1."
)
@click.option(
    "--style",
    type=click.Path(path_type=Path),
    help="The picture whose style is taken, for networks that take any.",
)
@options("only_face", "tell", "start", "end", "resume", "force", "licence", "max_pixels")
def stylize(source: Path, output: Path, style: Path | None, force: bool, resume: bool, **rest: Any) -> None:
    """Draw a photo or a clip in another manner: one in the box, that of any picture, or by a translator that you
    trained or imported.

    \b
    mien stylize photo.jpg --with watercolour -o drawn.jpg
    mien stylize photo.jpg --with painting.jpg --face all -o drawn.jpg
    mien stylize clip.mp4 --with ink -o drawn.mp4
    """
    from .. import verbs
    from ..pipeline import batch

    part = {name: rest.pop(name) for name in ("start", "end")}
    clip = batch.is_clip(source)
    if not clip and (resume or part["start"] is not None or part["end"] is not None):
        raise RequestError(f"--from, --to and --resume are for clips, and {source} is none: leave them out")
    batch.check(batch.Job(source, output, force=force))
    limit = rest["max_pixels"]
    rest["style"] = verbs.read(style, max_pixels=limit) if style else None
    if clip:
        start = time.perf_counter()
        try:
            with shown(source.name) as progress:
                told = verbs.stylize_clip(
                    source, output, **rest, **part, resume=resume, force=force, progress=progress
                )
        except KeyboardInterrupt:
            refuse(STOPPED, INTERRUPTED)
            raise
        rate = told.frames / (time.perf_counter() - start)
        say("; ".join([f"wrote {output}: {plural(told.frames, 'frame')}, {rate:.1f} a second", *told.lost]))
        return
    del rest["max_pixels"]
    _write(verbs.stylize(verbs.read(source, max_pixels=limit), **rest), output, force)


@app.command()
@click.argument("drawing", type=click.Path(path_type=Path), metavar="IN")
@options("output")
@click.option(
    "--with", "network", default=SKETCH, show_default=True, metavar="NAME", help="A translator of drawings."
)
@click.option(
    "--face",
    metavar="all|largest|N|PICTURE",
    help="A face that is found in a larger picture is redrawn in its place.",
)
@options("tell", "force", "licence", "max_pixels")
def sketch(drawing: Path, output: Path, network: str, force: bool, max_pixels: int, **rest: Any) -> None:
    """Make a face out of a drawing on light paper, scanned or photographed.

    What is drawn, dark on its paper, is cut out and made a face. Others than the network in the box: `mien
    train pix2pix --preset sketch`.
    """
    from .. import verbs
    from ..pipeline import batch

    batch.check(batch.Job(drawing, output, force=force))
    _write(verbs.sketch(verbs.read(drawing, max_pixels=max_pixels), network, **rest), output, force)


def _write(photo: Photo, output: Path, force: bool) -> None:
    from .. import verbs

    verbs.write(photo, output, force=force)
    lost = photo.origin.left_out
    say(f"wrote {output}{': left out: ' * bool(lost)}{', '.join(lost)}")
