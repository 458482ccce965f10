"""What generators draw: faces that belong to nobody, and where in their space faces change."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from ..errors import OutputError, RequestError
from ..io import outputs
from ..pipeline.generate import NOBODY
from .app import app, plural, say
from .options import SEXES, options
from .progress import shown


def _seeds(ctx: click.Context, option: click.Parameter, value: str) -> list[int]:
    try:
        ends = [[int(end) for end in part.split("-")] for part in value.split(",")]
        seeds = [seed for first, *last in ends for seed in range(first, (last[0] if last else first) + 1)]
    except ValueError as error:
        raise RequestError(f"seeds {value!r} are not numbers and ranges like 0-15,20") from error
    if not 0 < len(seeds) <= 100_000 or max(seeds) >= 2**32:
        raise RequestError(
            f"seeds {value!r} mean {plural(len(seeds), 'picture')}: 1 to 100000 of them, each below 2^32"
        )
    return seeds


def _numbers(ctx: click.Context, option: click.Parameter, value: str | None) -> tuple[float, float] | None:
    """X or A-B as two ends."""
    if value is None:
        return None
    number = r"-?\d+(?:\.\d+)?"
    found = re.fullmatch(f"({number})(?:-({number}))?", value)
    if not found:
        raise RequestError(f"{option.opts[0]} {value!r} is neither a number nor a range like 30-40")
    return float(found[1]), float(found[2] or found[1])


def _near(ctx: click.Context, option: click.Parameter, value: Path | None) -> None:
    if value is not None:
        raise RequestError(
            f"no face is drawn near {value}: it would be a likeness of a person, who was not asked; `mien edit` changes a photo of theirs"
        )


@app.command()
@click.option(
    "--with",
    "network",
    default=NOBODY,
    show_default=True,
    metavar="NAME",
    help="That of the box, or one of yours: NAME-mapper and NAME-generator in `mien models`.",
)
@click.option(
    "--seeds", default="0-15", show_default=True, metavar="A-B,C", callback=_seeds, help="One picture each."
)
@click.option(
    "--truncation",
    type=float,
    help="1 is as varied as the network learned, 0 its mean face; default: what suits the network, often 0.7.",
)
@click.option("--age", metavar="YEARS|A-B", callback=_numbers, help="Of all faces, or from A to B.")
@options("sex")
@click.option("--smile", metavar="X|A-B", callback=_numbers, help="From 0 to 1.")
@options("hair", "skin")
@click.option(
    "--yaw", metavar="DEGREES|A-B", callback=_numbers, help="How far heads turn; to the right is more."
)
@click.option("--near", type=click.Path(path_type=Path), callback=_near, expose_value=False, hidden=True)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(),
    help="The folder to write seed0000.png and so on into.",
)
@click.option("--grid", is_flag=True, help="Also write all of them as grid.png.")
@click.option(
    "--video",
    is_flag=True,
    help="Instead write walk.mp4, which goes from each to the next and back to the first.",
)
@click.option(
    "--frames",
    type=click.IntRange(1, 10_000),
    default=60,
    show_default=True,
    help="Of the clip, from each to the next; 30 a second.",
)
@click.option("--force", is_flag=True, help="Write over what is there.")
@options("mark", "licence")
def generate(network: str, seeds: list[int], output: str, grid: bool, video: bool, **rest: Any) -> None:
    """Draw faces that belong to nobody.

    \b
    mien generate --seeds 0-63 --grid -o faces/
    mien generate --age 30-40 --sex f --hair blond --smile 0.5 -o faces/

    --age to --yaw are for networks that can be told, as that of the box.
    """
    from .. import verbs

    kit, force = verbs.shared_kit(rest["licence"]), rest["force"]
    asked = {name: rest[name] for name in ("age", "smile", "hair", "skin", "yaw") if rest[name] is not None}
    asked |= {"sex": SEXES[rest["sex"]]} if rest["sex"] else {}
    about: dict[str, Any] = {"truncation": rest["truncation"], "conditions": asked, "kit": kit}
    into, place = outputs.means_folder(output), Path(output)
    if not into and not video and (grid or len(seeds) > 1):
        raise OutputError(
            f"{plural(len(seeds), 'picture')} to write into a folder, and {output} names a file"
        )
    if video and rest["mark"]:
        raise RequestError("--mark is for pictures: leave it out with --video")
    if into:
        click.get_current_context().with_resource(outputs.folder(place))
    if video:
        about |= {"frames": rest["frames"], "force": force}
        clip = place / "walk.mp4" if into else place
        say(f"wrote {clip}: {plural(verbs.walk(network, seeds, clip, **about), 'frame')}")
        return
    photos = []
    for seed, photo in zip(seeds, verbs.generate(network, seeds, mark=rest["mark"], **about), strict=True):
        verbs.write(photo, place / f"seed{seed:04d}.png" if into else place, force=force)
        photos.append(photo)
    if grid:
        verbs.write(verbs.grid(photos), place / "grid.png", force=force)
    say(f"{plural(len(photos), 'picture')} in {output}" if into else f"wrote {output}")


@app.command()
@click.argument("network", metavar="NAME")
@click.option(
    "--count",
    type=click.IntRange(50),
    default=2000,
    show_default=True,
    help="How many faces to draw and read.",
)
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    help="The run or checkpoint it is from: adds s0 to s9 (SeFa).",
)
def directions(network: str, count: int, source: Path | None) -> None:
    """Learn where faces get older, more masculine or smiling in a generator of yours.

    Draws faces, reads age, sex and smile off them, and stores NAME-directions, which `mien edit --with NAME`
    goes along.
    """
    from .. import verbs
    from ..pipeline.directions import CLEAR

    with shown("faces", stoppable=False) as progress:
        told = verbs.directions(network, count=count, source=source, progress=progress)
    for name, value in told.items():
        say(
            f"{name}: told from the styles with a correlation of {value:.2f}"
            + ("" if value >= CLEAR else ", too little to go along")
        )
