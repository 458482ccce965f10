"""`mien animate` and `mien motion`: a photo that moves, and what moves it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from ..errors import RequestError
from ..signals import INTERRUPTED
from .app import app, plural, refuse, say
from .edit import STOPPED
from .options import file_in, options
from .progress import shown

_PATH: Any = click.Path(path_type=Path)
REGIONS = ("pose", "eyes", "lips", "brows")


@app.command()
@click.argument("photo", type=_PATH, metavar="PHOTO")
@options("output_folder")
@click.option("--driving", type=_PATH, metavar="CLIP", help="A clip whose face moves this one.")
@click.option(
    "--motion",
    "motions",
    multiple=True,
    metavar="NAME|FILE[:N]",
    help="A motion in the box (see `mien motion list`) or of `mien motion`; with :N of face N, given several times.",
)
@click.option(
    "--consent",
    default="",
    metavar="TEXT",
    help='Who agreed and when, or "public domain"; needed, and written into the label as stated.',
)
@click.option(
    "--face", default="largest", show_default=True, metavar="all|largest|N|PICTURE", help="Which face moves."
)
@click.option(
    "--driver",
    default="largest",
    show_default=True,
    metavar="largest|N|PICTURE",
    help="Which face of the clip drives.",
)
@options("start", "end")
@click.option("--strength", default=1.0, show_default=True, help="How much of the motion, 0 to 1.5.")
@click.option(
    "--regions", default=",".join(REGIONS), show_default=True, help="What of it takes part, with commas."
)
@click.option("--loop", default=1, show_default=True, metavar="N", help="How often the motion is done.")
@click.option("--size", type=int, metavar="PIXELS", help="The longer side, where the photo is larger.")
@click.option("--fps", type=float, metavar="X", help="Frames a second; default: the motion's.")
@click.option(
    "--with",
    "network",
    metavar="NAME",
    help="A network of yours, trained to draw talking heads, draws the face, too.",
)
@click.option(
    "--sound",
    metavar="clip|none|FILE",
    help="What is heard: the driving clip's sound (the default), nothing, or a recording.",
)
@click.option("--frames", type=_PATH, metavar="FOLDER", help="Write each frame there, too, as .png.")
@options("resume", "force", "json", "mark", "licence", "max_pixels")
def animate(
    photo: Path,
    output: str,
    driving: Path | None,
    motions: tuple[str, ...],
    sound: str | None,
    frames: Path | None,
    regions: str,
    resume: bool,
    force: bool,
    as_json: bool,
    max_pixels: int,
    **rest: Any,
) -> None:
    """Make a photo or a painting move, by a clip or by a motion.

    The background stands still, and at rest it is the photo. -o is an .mp4, .gif or .webp, or a folder. The portrayed must be
    adults who agreed, or long dead.

    \b
    mien animate portrait.jpg --motion nod --consent "my own portrait" -o nod.mp4
    mien animate portrait.jpg --driving clip.mp4 --consent "public domain" -o talks.mp4
    mien animate group.jpg --motion nod:1 --motion wink:2 --consent "both agreed" -o group.gif
    """
    from .. import verbs
    from ..io import outputs
    from ..pipeline.animate import check_target
    from ..pipeline.batch import is_made
    from ..pipeline.consent import check_consent

    check_consent(rest["consent"], "moving somebody's picture")
    motion = _motion(driving, motions)
    if not driving and (rest["start"], rest["end"], rest["driver"]) != (None, None, "largest"):
        raise RequestError(
            "--from, --to and --driver are of a driving clip, and none was given: leave them out"
        )
    heard = _sound(sound, driving, rest["start"] or 0.0)
    place = file_in(output, f"{photo.stem}.mp4")
    if sound in (None, "clip") and place.suffix.lower() != ".mp4":
        heard = None
    finished = resume and place.is_file()
    check_target(place, sound=heard, resume=resume, force=force or finished)
    if frames:
        outputs.check_empty(frames)
    if isinstance(motion, dict) and rest["face"] != "largest":
        raise RequestError("either --face or motions of numbered faces: leave one out")
    chosen = tuple(name.strip() for name in regions.split(",") if name.strip())
    picture = verbs.read(photo, max_pixels=max_pixels)
    try:
        with shown(driving.name if driving else photo.name) as progress:
            made = verbs.animate(picture, motion, regions=chosen, progress=progress, **rest)
        if finished and is_made(place, photo, made.step.arguments):
            say(f"{place} is done already")
            return
        for note in made.step.notes:
            say(note)
        with shown(place.name) as progress:
            told = made.write(place, sound=heard, resume=resume, force=force or finished, progress=progress)
        if frames:
            with shown(frames.name) as progress:
                made.write_frames(frames, progress=progress)
    except KeyboardInterrupt:
        refuse(STOPPED if place.suffix.lower() == ".mp4" else "stopped", INTERRUPTED)
        raise
    say(
        f"wrote {place}: {plural(told.frames, 'frame')} of {plural(told.faces, 'face')}, {told.fps:g} a second"
    )
    if as_json:
        paths = {"input": str(photo), "output": str(place)}
        about = {"frames": told.frames, "fps": told.fps, "faces": told.faces, "notes": list(told.notes)}
        click.echo(json.dumps(paths | about))


def _motion(driving: Path | None, motions: tuple[str, ...]) -> Any:
    """What drives: a clip, one motion, or motions by the numbers of faces."""
    if bool(driving) == bool(motions):
        raise RequestError(
            "what moves it: give --driving CLIP, or --motion NAME, one of `mien motion list`"
            if not driving
            else "either a clip or a motion: leave out --driving or --motion"
        )
    if driving:
        return driving
    pairs = [text.rpartition(":") for text in motions]
    numbered = {int(number): name for name, colon, number in pairs if colon and number.isdecimal()}
    if not numbered and len(motions) == 1:
        return motions[0]
    if len(numbered) != len(motions):
        raise RequestError(
            "of several motions each wants a face of its own, as in --motion nod:1 --motion wink:2"
        )
    return numbered


def _sound(sound: str | None, driving: Path | None, begin: float) -> Any:
    """What is heard."""
    from ..io.clip_reader import has_sound, opened_sound
    from ..io.clip_writer import Sound

    if sound == "none" or (sound is None and not driving):
        return None
    if sound not in (None, "clip"):
        with opened_sound(Path(sound)):
            return Sound(Path(sound))
    if not driving:
        raise RequestError("--sound clip is the driving clip's, and none was given: give --sound FILE")
    if sound is None and not has_sound(driving):
        return None
    with opened_sound(driving):
        return Sound(driving, begin)


@app.command()
@click.argument("what", nargs=-1, required=True, metavar="CLIP | list | show NAME|FILE|CLIP")
@click.option("-o", "--output", type=_PATH, help="The file to write: .json, or the picture of `show`.")
@click.option(
    "--face",
    default="largest",
    show_default=True,
    metavar="largest|N|PICTURE",
    help="Which face of the clip.",
)
@options("start", "end")
@click.option("--loop", is_flag=True, help="Lead its end over into its beginning.")
@options("force", "json", "max_pixels")
def motion(
    what: tuple[str, ...],
    output: Path | None,
    loop: bool,
    force: bool,
    as_json: bool,
    **about: Any,
) -> None:
    """Take a motion from a clip, as numbers without a pixel of anybody; list those in the box; show one as a strip.

    \b
    mien motion laugh.mp4 -o laugh.json
    mien motion list
    mien motion show nod -o nod.png
    """
    from .. import verbs
    from ..pipeline import motion as motions

    if what == ("list",):
        _list(as_json)
        return
    showing = what[1] if len(what) == 2 and what[0] == "show" else ""
    if not showing and len(what) != 1:
        raise RequestError(f"a clip was wanted, `list` or `show NAME`; {' '.join(what)!r} came")
    if output is None:
        raise RequestError(
            "where to: say it with -o NAME.png" if showing else "where to: say it with -o NAME.json"
        )
    if showing:
        with shown(showing) as progress:
            found, _ = motions.as_motion(showing, progress=progress, **about)
        verbs.write(verbs.motion_strip(found), output, force=force)
        say(f"wrote {output}: {_line(found)}")
        return
    motions.check_motion_file(output, force=force)
    with shown(what[0]) as progress:
        found = verbs.motion_of(what[0], loop=loop, progress=progress, **about)
    motions.write_motion(found, output, force=force)
    size = output.stat().st_size
    say(f"wrote {output}: {_line(found)}, {size} bytes")
    if as_json:
        click.echo(json.dumps({"output": str(output), "frames": len(found), "fps": found.fps, "bytes": size}))


def _list(as_json: bool) -> None:
    from ..pipeline import motion as motions

    found = motions.boxed_motions()
    if as_json:
        told = [{"name": one.name, "seconds": round(one.seconds, 2), "loop": one.loop} for one in found]
        click.echo(json.dumps(told))
        return
    for one in found:
        click.echo(_line(one))


def _line(motion: Any) -> str:
    return f"{motion.name}: {motion.seconds:.1f} seconds{', can be repeated' * motion.loop}"
