"""What is looked at and not changed: find, align, verify, report."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ..errors import FaceError, InputError, MienError, RequestError
from ..io import outputs, watermark
from ..measure.compare import AROUND
from ..measure.report import LIMITS
from ..types import Verdict
from .app import app, plural, say
from .options import options

ANGLES = ("roll", "yaw", "pitch")
VERIFY_EXIT = {"intact": 0, "broken": 1, "unlabelled": 4}
PASSED = 5  # a limit of `report`


@app.command()
@click.argument("inputs", nargs=-1, required=True, metavar="IN...")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Box, 478 landmarks, score, angles and apparent age on stdout, one object a photo.",
)
@click.option(
    "--draw",
    type=click.Path(path_type=Path),
    default=None,
    help="Write the photo with boxes, numbers and points drawn on it.",
)
@click.option(
    "--masks",
    type=click.Path(path_type=Path),
    help="A new folder for masks of each face: 1-hair.png, 1-skin.png, 1-lips.png and so on.",
)
@click.option("--force", is_flag=True, help="Write over what is there.")
@click.option(
    "--identity",
    is_flag=True,
    help="With --json: who each face is, as numbers whose cosine is their likeness.",
)
@click.option(
    "--blendshapes", is_flag=True, help="With --json: what each face expresses, 52 numbers from 0 to 1."
)
@options("max_pixels")
def find(
    inputs: tuple[str, ...],
    as_json: bool,
    identity: bool,
    blendshapes: bool,
    draw: Path | None,
    masks: Path | None,
    force: bool,
    max_pixels: int,
) -> None:
    """Find faces and number them.

    Numbers go from 1, left to right; places are photo pixels after the EXIF turn. A photo without a face is
    no error. Of many photos, one that cannot be read does not stop the others; the exit code is then 1.
    """
    from .. import verbs
    from ..pipeline import batch

    sources = batch.gather(inputs)
    if (identity or blendshapes) and not as_json:
        raise RequestError("--identity and --blendshapes are told to programs: add --json")
    if (draw or masks) and len(sources) > 1:
        raise RequestError(f"--draw and --masks take one photo, {len(sources)} came")
    if draw:
        batch.check(batch.Job(sources[0], draw, force=force))
    if masks:
        outputs.check_empty(masks)
    failed = 0
    for source in sources:
        try:
            photo = verbs.read(source, max_pixels=max_pixels)
        except MienError as error:
            if len(sources) == 1:
                raise
            say(f"mien: {error}")
            failed += 1
            continue
        faces = verbs.find(photo)
        width, height = photo.size
        if as_json:
            told = [_told(number, face, *verbs.age(photo, face)) for number, face in enumerate(faces, 1)]
            for one, face in zip(told, faces, strict=True):
                if identity:
                    one["identity"] = [round(float(v), 4) for v in verbs.identity(photo, face).vector]
                if blendshapes:
                    one["blendshapes"] = {
                        name: round(value, 3) for name, value in verbs.blendshapes(face).items()
                    }
            click.echo(json.dumps({"file": str(source), "width": width, "height": height, "faces": told}))
        else:
            say(f"{source}: {width} x {height} pixels, {plural(len(faces), 'face')}")
            for number, face in enumerate(faces, 1):
                left, top, right, bottom = (round(float(v)) for v in face.box)
                angles = ", ".join(f"{name} {round(getattr(face, name))}" for name in ANGLES)
                say(
                    f"  {number}: {right - left} x {bottom - top} at {left}, {top}; score {face.score:.2f}; {angles}"
                )
        if draw:
            verbs.write(verbs.draw(photo, faces), draw, force=force)
            say(f"wrote {draw}")
        if masks:
            count = verbs.write_masks(photo, faces, masks)
            say(f"wrote {plural(count, 'mask')} in {masks}")
    if failed:
        raise SystemExit(1)


def _told(number: int, face: Any, age: float, error: float) -> dict[str, Any]:
    points = [[round(float(v), 2) for v in point] for point in face.landmarks]
    angles = {name: round(getattr(face, name), 1) for name in ANGLES}
    looks = {"age": round(age), "age_error": round(error, 1)}
    box = [round(float(v), 1) for v in face.box]
    return {"face": number, "box": box, "score": round(face.score, 3), **angles, **looks, "landmarks": points}


@app.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--among",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE|FOLDER",
    help="Labelled results that you keep: names those whose label tells of the same mark.",
)
@click.option("--json", "as_json", is_flag=True, help="The verdict on stdout.")
def verify(file: Path, among: tuple[Path, ...], as_json: bool) -> None:
    """Read a photo's or clip's label, and listen for the mark in the pixels of its faces, which outlives the label.

    The exit code is 0 for an intact label, 1 for a broken one and 4 where there is none, with a mark or without.

    \b
    mien verify out.jpg
    mien verify screenshot.png --among results/
    """
    from dataclasses import asdict

    from .. import verbs

    verdict = verbs.verify(file, pixels=True)
    matches = verbs.matching(verdict, among)
    if as_json:
        told = {"file": str(file), **asdict(verdict)} | (
            {"matches": list(map(str, matches))} if among else {}
        )
        click.echo(json.dumps(told, default=str))
    else:
        for line in lines_of(verdict):
            say(line)
        for path in matches:
            say(f"the label of {path} tells of this mark")
        if among and not matches:
            found = verdict.mark and verdict.mark.found
            say("no label there tells of this mark" if found else "there is no mark to compare with labels")
    raise SystemExit(VERIFY_EXIT[verdict.state])


def lines_of(verdict: Verdict) -> list[str]:
    """A verdict as lines for people."""
    lines = [
        {
            "intact": "intact: unchanged since it was labelled",
            "broken": "broken: changed since it was labelled",
            "unlabelled": "unlabelled",
        }[verdict.state]
    ]
    lines += [f"  because {reason}" for reason in verdict.reasons]
    if verdict.mark and verdict.mark.found:
        lost = "label lost, " if verdict.state == "unlabelled" else ""
        lines.append(f"{lost}mark found in a face: {watermark.described(verdict.mark.bits)}")
        lines += [] if verdict.state == "intact" else [MARK]
    elif verdict.mark:
        lines.append("no mark was found in a face, which says nothing")
    elif verdict.state == "unlabelled":
        lines.append("no mark could be looked for: no face is seen, or none is large enough")
    if verdict.signer:
        lines.append(
            f"signed by {verdict.signer}"
            + ("" if verdict.trusted else ", a certificate that is on no trust list")
            + (f", {verdict.time}" if verdict.time else "")
        )
    if verdict.source_type:
        lines.append(f"digital source type {verdict.source_type}")
    if verdict.aigc:
        who, number = (verdict.aigc.get(key) or "-" for key in ("ContentProducer", "ProduceID"))
        lines.append(f"AIGC mark (GB 45438): label {verdict.aigc.get('Label')}, producer {who}, id {number}")
    lines += [f"made from {name}" for name in verdict.ingredients]
    lines += [MADE_UP[verb] for verb in MADE_UP if any(step.verb == verb for step in verdict.history)]
    for step in verdict.history:
        words = " ".join(f"{name}={value}" for name, value in step.arguments.items())
        networks = ", ".join(f"{name} ({digest[:12]})" for name, digest in step.networks)
        lines.append(
            f"{step.time} {step.verb} {words}{' by ' * bool(networks)}{networks}; mien {step.version}"
        )
        if step.words:
            lines.append(f"  words in the picture: {step.words}")
        if step.consent:
            lines.append(f"  consent, as stated: {step.consent}")
        lines += [f"  {taken.role} from {taken.title} ({taken.sha256[:12]})" for taken in step.sources]
        lines += [f"  {note}" for note in step.notes]
    return lines


MARK = "  the mark is public and can be forged: it says that mien touched this, never that an unmarked picture is real"
# what a label tells of what never happened before a camera
MADE_UP = {
    "swap": "face replaced: the person seen is not the person whom the camera saw",
    "animate": "a still picture was moved: nobody did this before a camera",
}


def _limits(command: Callable[..., None]) -> Callable[..., None]:
    for name, limit in reversed(LIMITS.items()):
        said = f"Exit 5 where it is {'less' if limit.least else 'more'}: {limit.says}."
        command = click.option(
            "--" + name.replace("_", "-"), type=float, default=None, metavar="X", help=said
        )(command)
    return command


@app.command()
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@click.option(
    "--html",
    type=click.Path(path_type=Path),
    default=None,
    help="Write one page with both photos, the differences and the numbers.",
)
@click.option("--json", "as_json", is_flag=True, help="All numbers on stdout.")
@options("identity")
@click.option(
    "--around",
    type=click.Choice(AROUND),
    default="face",
    show_default=True,
    help="What an edit may touch: face, or hair too.",
)
@_limits
@click.option("--force", is_flag=True, help="Write over what is there.")
@options("licence", "max_pixels")
def report(
    before: Path,
    after: Path,
    html: Path | None,
    as_json: bool,
    identity: str | None,
    around: str,
    force: bool,
    licence: str | None,
    max_pixels: int,
    **rest: Any,
) -> None:
    """Measure what an edit did to a photo or a clip.

    Compares two photos of one size, by whatever the second was made: pixels changed outside the face,
    identity, seam, sharpness, colours, landmark motion, and what age, sex and smile are read. The exit code
    is 5 beyond a limit.

    \b
    mien report photo.jpg out.png --html report.html
    mien report photo.png out.png --max-outside 0 --max-seam 1.05 --json
    """
    from dataclasses import asdict

    from .. import verbs
    from ..measure import flicker
    from ..measure import report as reports
    from ..pipeline import batch

    limits = {name: rest[name] for name in LIMITS if rest[name] is not None}
    reports.check(limits)
    clips = [batch.is_clip(path) for path in (before, after)]
    if any(clips) and not all(clips):
        first, second = ("a clip" if one else "a photo" for one in clips)
        raise InputError(f"{before} is {first} and {after} {second}: a report compares two of a kind")
    if any(clips):
        if html:
            raise RequestError("--html is for photos: leave it out for clips")
        told = verbs.report_clips(
            before, after, identity=identity, around=around, kit=verbs.shared_kit(licence)
        )
        lines = flicker.as_text(told)
    else:
        if html:
            outputs.check_free(html, force)
        first, second = (verbs.read(path, max_pixels=max_pixels) for path in (before, after))
        try:
            told = verbs.report(
                first, second, identity=identity, around=around, kit=verbs.shared_kit(licence)
            )
        except FaceError as error:
            raise FaceError(f"{before}: {error}") from error
        lines = reports.as_text(told)
        if html:
            verbs.write_page(
                told, first, second, html, names=(before.name, after.name), limits=limits, force=force
            )
    passed = reports.passed(told.worst, limits)
    if as_json:
        click.echo(
            json.dumps(
                {
                    "before": str(before),
                    "after": str(after),
                    **asdict(told),
                    "limits": limits,
                    "passed": passed,
                }
            )
        )
    else:
        for line in (*lines, *(f"beyond the limit: {one}" for one in passed)):
            say(line)
    if html:
        say(f"wrote {html}")
    if passed:
        raise SystemExit(PASSED)
