"""`mien swap` and `mien gallery`: one person's face on another's head, and the pictures that it comes from."""

from __future__ import annotations

from pathlib import Path

import click

from ..errors import RequestError
from .app import app, plural, say
from .edit import gathered, many_photos, one_photo, targets
from .options import options
from .progress import shown

_PATH = click.Path(path_type=Path)


@app.command()
@click.argument("inputs", nargs=-1, required=True, metavar="IN...")
@options("output_folder")
@click.option(
    "--source",
    required=True,
    type=_PATH,
    metavar="PICTURE|FOLDER|CLIP|GALLERY",
    help="Whose face it is: one picture, a folder of one person's, a clip, or what `mien gallery` wrote.",
)
@click.option(
    "--consent",
    default="",
    metavar="TEXT",
    help="Who agreed and when; needed, and written into the label as stated.",
)
@options("face", "quality", "force", "resume", "recursive", "workers", "json", "licence", "max_pixels")
def swap(
    inputs: tuple[str, ...],
    output: Path,
    source: Path,
    consent: str,
    face: str,
    quality: int | None,
    force: bool,
    resume: bool,
    recursive: bool,
    workers: int | None,
    as_json: bool,
    licence: str | None,
    max_pixels: int,
) -> None:
    """Put one person's face on the heads in photos.

    Pose, expression, gaze, light, skin tone and hair stay those of the photo. Both people must be adults who agreed.
    IN is a file, a folder or a glob.

    \b
    mien swap photo.jpg --source person/ --consent "both agreed by mail, 2026-11-29" -o out.jpg
    """
    from .. import verbs
    from ..pipeline import batch
    from ..pipeline.gallery import Gallery
    from ..pipeline.people import check_consent
    from ..pipeline.swap import SwapRequest

    check_consent(consent, "a swap")
    sources = gathered(inputs, output, recursive)
    if clips := [name for name in sources if batch.is_clip(name)]:
        raise RequestError(f"faces are swapped in photos only, and {clips[0]} is a clip")
    pairs, many = targets(inputs, sources, output, recursive, "photo")
    kit = verbs.shared_kit(licence)
    with shown("source") as progress:
        gallery = Gallery.of(source, kit=kit, progress=progress)
    request = SwapRequest(gallery, consent, verbs.meant(face, kit=kit), licence)
    jobs = [batch.Job(name, target, request, quality, force, max_pixels) for name, target in pairs]
    if not many and not resume:
        one_photo(jobs[0], as_json)
        return
    many_photos(jobs, resume, workers, as_json)


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
