"""`mien frontalise`: a turned face from the front."""

from __future__ import annotations

from pathlib import Path

import click

from .app import app, say
from .options import file_in, options


@app.command()
@click.argument("photo", type=click.Path(path_type=Path), metavar="IN")
@options("output_folder")
@click.option(
    "--face",
    default="largest",
    show_default=True,
    metavar="largest|N|PICTURE",
    help="Which face, if there are several.",
)
@click.option("--size", default=512, show_default=True, help="Side of the picture in pixels.")
@options("private", "force", "mark", "licence", "max_pixels")
def frontalise(
    photo: Path,
    output: str,
    face: str,
    size: int,
    private: bool,
    force: bool,
    mark: str | None,
    licence: str | None,
    max_pixels: int,
) -> None:
    """Show the inside of a turned face from the front, on plain grey.

    What a photo does not see is the mirror image of what it sees. Faces that are turned by more than 50 degrees are
    declined with exit code 3. For looks, not for recognition.
    """
    from .. import verbs
    from ..pipeline import batch

    place = file_in(output, f"{photo.stem}.png")
    batch.check(batch.Job(photo, place, force=force))
    kit = verbs.shared_kit(licence)
    picture = verbs.read(photo, max_pixels=max_pixels)
    front = verbs.frontalise(picture, face=face, size=size, mark=mark, kit=kit)
    verbs.write(front, place, private=private, force=force)
    say(f"wrote {place}: the face was turned by {front.history[-1].arguments['yaw']:g} degrees")
