"""`mien stylize`: pictures as a translator draws them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .app import app
from .edit import carry_out, gathered
from .options import MANY, options


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
@options("only_face", "tell", *MANY)
def stylize(
    inputs: tuple[str, ...],
    output: str,
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
