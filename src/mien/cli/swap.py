"""`mien swap` and `mien gallery`: one person's face on another's head, and the pictures that it comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..errors import RequestError
from .app import app, plural, say
from .edit import carry_out, gathered
from .options import MANY, options
from .progress import shown

_PATH = click.Path(path_type=Path)


def _mapping(ctx: click.Context, option: click.Parameter, values: tuple[str, ...]) -> list[tuple[str, str]]:
    """SOURCE:PICTURE, given several times; a drive's colon is none."""
    pairs: list[tuple[str, str]] = []
    for value in values:
        source, colon, picture = value.rpartition(":")
        if not colon or not source or not picture:
            raise RequestError(f"--map {value!r} is not SOURCE:PICTURE, as in person/:photo-of-whom.jpg")
        pairs.append((source, picture))
    return pairs


@app.command()
@click.argument("inputs", nargs=-1, metavar="IN...")
@options("output_folder")
@click.option(
    "--source",
    type=_PATH,
    metavar="PICTURE|FOLDER|CLIP|GALLERY",
    help="Whose face it is: one picture, a folder of one person's, a clip, or what `mien gallery` wrote.",
)
@click.option(
    "--map",
    "mapping",
    multiple=True,
    callback=_mapping,
    metavar="SOURCE:PICTURE",
    help="Instead, for several people at once: whose face goes to the one whom the picture shows.",
)
@options("consent")
@click.option(
    "--strength", type=float, default=1.0, metavar="X", help="How far, 0.05 to 1: less is a morph of the two."
)
@click.option(
    "--shape",
    type=float,
    default=1.0,
    metavar="X",
    help="How much of the source's shape comes along, 0 to 1.",
)
@click.option(
    "--keep",
    multiple=True,
    metavar="mouth|eyes|brows|beard",
    help="What stays as it is; may be given several times. Hair always does.",
)
@click.option(
    "--with",
    "network",
    metavar="NAME",
    help="Photos: a network of yours, trained to draw the source, gives the shape and what is coarse.",
)
@options("face", *MANY)
def swap(
    inputs: tuple[str, ...],
    output: str,
    source: Path | None,
    mapping: list[tuple[str, str]],
    consent: str,
    strength: float,
    shape: float,
    keep: tuple[str, ...],
    network: str | None,
    face: str,
    start: float | None,
    end: float | None,
    recursive: bool,
    files_from: str | None,
    shard: tuple[int, int] | None,
    mark: str | None,
    licence: str | None,
    **how: Any,
) -> None:
    """Put one person's face on the heads in photos and clips.

    Pose, expression, gaze, light, skin tone and hair stay those of the photo. Everybody must be an adult who agreed.
    IN is a file, a folder or a glob; clips become .mp4.

    \b
    mien swap photo.jpg --source person/ --consent "both agreed by mail, 2026-11-29" -o out.jpg
    mien swap clip.mp4 --source person/ --consent "both agreed by mail, 2026-11-29" -o out.mp4
    """
    from .. import verbs
    from ..pipeline.consent import check_consent
    from ..pipeline.swap import SwapRequest, assigned
    from ..pipeline.swap_face import SwapOptions

    check_consent(consent, "a swap")
    options = SwapOptions(strength, shape, keep, network).checked()
    if mapping and face != "all":
        raise RequestError("--map says itself whose face goes to whom: leave out --face")
    work = gathered(
        inputs, output, recursive, files_from, shard, clips_only=start is not None or end is not None
    )
    kit = verbs.shared_kit(licence)
    with shown("source") as progress:
        assignments = assigned(source, face, mapping, kit=kit, progress=progress)
    request = SwapRequest(assignments, consent, options, start, end, licence, mark).checked()
    carry_out(work, request, **how)


@app.command()
@click.argument("folder", type=_PATH, metavar="FOLDER|CLIP")
@options("output", "force")
def gallery(folder: Path, output: Path, force: bool) -> None:
    """Measure one person's pictures once, for `mien swap --source`.

    Tells which angles and expressions are there. Pictures of somebody else are refused.

    \b
    mien gallery person/ -o person.gallery
    """
    from ..io import outputs
    from ..pipeline.gallery import SUFFIX, Gallery

    if output.suffix != SUFFIX:
        raise RequestError(
            f"{output}: a gallery's name ends with {SUFFIX}, as in {output.with_suffix(SUFFIX)}"
        )
    outputs.check_free(output, force)
    with shown("pictures") as progress:
        found = Gallery.of(folder, progress=progress)
    found.save(output, force=force)
    say(f"wrote {output}: {plural(len(found.pictures), 'picture')}")
    for line in found.described():
        say(f"  {line}")
