"""`mien stylize` and `mien sketch`: pictures as a translator draws them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..pipeline.stylize import SKETCH
from .app import app, say
from .edit import carry_out, gathered
from .options import options


@app.command()
@click.argument("inputs", nargs=-1, metavar="IN...")
@options("output_folder")
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
@options(
    "only_face",
    "tell",
    "quality",
    "private",
    "force",
    "start",
    "end",
    "resume",
    "recursive",
    "files_from",
    "shard",
    "workers",
    "json",
)
@options("mark", "licence", "max_pixels")
def stylize(
    inputs: tuple[str, ...],
    output: Path,
    network: str,
    strength: float,
    style: Path | None,
    face: str | None,
    conditions: dict[str, float],
    start: float | None,
    end: float | None,
    recursive: bool,
    files_from: str | None,
    shard: tuple[int, int] | None,
    mark: str | None,
    licence: str | None,
    **how: Any,
) -> None:
    """Draw photos and clips in another manner: one in the box, that of any picture, or by a translator that you
    trained or imported.

    IN is a file, a folder or a glob; clips become .mp4.

    \b
    mien stylize photo.jpg --with watercolour -o drawn.jpg
    mien stylize photo.jpg --with painting.jpg --face all -o drawn.jpg
    mien stylize clip.mp4 --with ink -o drawn.mp4
    """
    from .. import verbs
    from ..pipeline.stylize import StyleRequest, manner

    work = gathered(
        inputs, output, recursive, files_from, shard, clips_only=start is not None or end is not None
    )
    kit = verbs.shared_kit(licence)
    which = None if face is None else verbs.meant(face, kit=kit)
    drawn_by = manner(kit, network, verbs.read(style, max_pixels=how["max_pixels"]) if style else None)
    request = StyleRequest(drawn_by, strength, which, conditions, start, end, licence, mark).checked()
    carry_out(work, request, **how)


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
    photo = verbs.sketch(verbs.read(drawing, max_pixels=max_pixels), network, **rest)
    verbs.write(photo, output, force=force)
    lost = photo.origin.left_out
    say(f"wrote {output}{': left out: ' * bool(lost)}{', '.join(lost)}")
