"""`mien stylize` and `mien sketch`: pictures in another manner."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from ..errors import RequestError
from ..pipeline.stylize import SKETCH
from .app import app, common, knob, licence, plural, say
from .edit import face_, seconds, told_to_stop, watched


def _told(ctx: click.Context, option: click.Parameter, asked: tuple[str, ...]) -> dict[str, float]:
    try:
        return {name: float(value) for name, value in (knob(text, "--tell") for text in asked)}
    except ValueError as error:
        raise RequestError(f"--tell wants NAME=NUMBER, {' '.join(asked)!r} came") from error


@app.command()
@click.argument("source", type=click.Path(path_type=Path), metavar="IN")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The file to write.")
@click.option("--with", "network", required=True, metavar="NAME", help="A translator of yours, as `mien models` lists it.")
@click.option("--strength", default=1.0, show_default=True, help="How far from the photo to the drawing, 0 to 1.")
@click.option("--style", type=click.Path(path_type=Path), help="The picture whose style is taken, for networks that take any.")
@click.option("--face", callback=face_, metavar="all|largest|N", help="Only faces; the rest stays as it is.")
@click.option("--tell", "asked", multiple=True, callback=_told, metavar="NAME=X", help="A condition of the network.")
@click.option("--from", "begin", callback=seconds, metavar="TIME", help="Clips: draw and write only from here, in seconds or H:MM:SS.")
@click.option("--to", "end", callback=seconds, metavar="TIME", help="Clips: only up to here.")
@click.option("--resume", is_flag=True, help="Clips: go on where the same command was stopped.")
@click.option("--force", is_flag=True, help="Write over what is there.")
@licence
@common
def stylize(source: Path, output: Path, style: Path | None, force: bool, resume: bool, **rest: Any) -> None:
    """Draw a photo or a clip in another manner, with a translator that you trained or imported.

    \b
    mien stylize photo.jpg --with candy -o drawn.jpg
    mien stylize clip.mp4 --with candy -o drawn.mp4
    """
    from .. import verbs
    from ..pipeline import batch

    part = {name: rest.pop(name) for name in ("begin", "end")}
    clip = batch.is_clip(source)
    if not clip and (resume or part["begin"] is not None or part["end"] is not None):
        raise RequestError(f"--from, --to and --resume are for clips, and {source} is none: leave them out")
    batch.check(batch.Job(source, output, {}, force=force))
    limit = rest["max_pixels"]
    rest["style"] = verbs.read(style, max_pixels=limit) if style else None
    if clip:
        start = time.perf_counter()
        with told_to_stop() as stop, watched(source) as report:
            told = verbs.stylize_clip(source, output, **rest, **part, resume=resume, force=force, report=report, stopped=stop.is_set)
        say(f"wrote {output}: {plural(told.frames, 'frame')}, {told.frames / (time.perf_counter() - start):.1f} a second")
        return
    del rest["max_pixels"]
    verbs.write(verbs.stylize(verbs.read(source, max_pixels=limit), **rest), output, force=force)
    say(f"wrote {output}")


@app.command()
@click.argument("drawing", type=click.Path(path_type=Path), metavar="IN")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The file to write.")
@click.option("--with", "network", default=SKETCH, show_default=True, metavar="NAME", help="A translator of drawings.")
@click.option("--face", callback=face_, metavar="all|largest|N", help="A face that is found in a larger picture is redrawn in its place.")
@click.option("--tell", "asked", multiple=True, callback=_told, metavar="NAME=X", help="A condition of the network: sample=3 draws anew.")
@click.option("--force", is_flag=True, help="Write over what is there.")
@licence
@common
def sketch(drawing: Path, output: Path, network: str, force: bool, max_pixels: int, **rest: Any) -> None:
    """Make a face out of a drawing on light paper, scanned or photographed.

    What is drawn, dark on its paper, is cut out and made a face. Others than the network in the box: `mien train pix2pix --preset sketch`.
    """
    from .. import verbs
    from ..pipeline import batch

    batch.check(batch.Job(drawing, output, {}, force=force))
    verbs.write(verbs.sketch(verbs.read(drawing, max_pixels=max_pixels), network, **rest), output, force=force)
    say(f"wrote {output}")
