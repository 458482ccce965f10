"""`mien sketch`: faces out of drawings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from ..io import photo_writer
from ..pipeline.generate import NOBODY
from ..pipeline.sketch import following
from .app import app, say
from .options import SEXES, file_in, options

MOST = 100  # variations


@app.command()
@click.argument("drawing", type=click.Path(path_type=Path), metavar="IN")
@options("output_folder")
@click.option(
    "--with",
    "network",
    default=NOBODY,
    show_default=True,
    metavar="NAME",
    help="The generator in the box, or a translator of drawings of yours.",
)
@click.option("--seed", type=int, metavar="N", help="What a drawing does not say; default: from the drawing.")
@click.option(
    "--variations",
    type=click.IntRange(1, MOST),
    default=1,
    show_default=True,
    metavar="N",
    help="So many faces, of this seed and those that follow: OUT-1, OUT-2 and so on.",
)
@click.option("--labels", is_flag=True, help="IN is a map of parts, as of CelebAMask-HQ: numbers or colours.")
@click.option("--age", type=float, metavar="YEARS", help="What lines cannot say: 20 to 75.")
@options("sex", "hair", "skin")
@click.option(
    "--face",
    metavar="all|largest|N|PICTURE",
    help="With a translator: a face that is found in a larger picture is redrawn in its place.",
)
@options("tell", "private", "force", "json", "mark", "licence", "max_pixels")
def sketch(drawing: Path, output: str, network: str, variations: int, **rest: Any) -> None:
    """Make a face out of a drawing, however bad: of lines or colours, on paper or with transparency.

    \b
    mien sketch page.jpg -o face.png
    mien sketch page.jpg --variations 6 --sex f --hair red -o face.png

    The face has the shape, hair, beard, glasses and colours of the drawing, and belongs to nobody. A blank page is
    declined with exit code 3. Networks of yours: `mien train pix2pix --preset sketch`.
    """
    from .. import verbs
    from ..pipeline import batch

    place = file_in(output, f"{drawing.stem}.png")
    places = [place]
    if variations > 1:
        places = [place.with_stem(f"{place.stem}-{k}") for k in range(1, variations + 1)]
    for place in places:
        batch.check(batch.Job(drawing, place, force=rest["force"]))
    told = {name: rest[name] for name in ("age", "hair", "skin") if rest[name] is not None}
    told |= {"sex": SEXES[rest["sex"]]} if rest["sex"] else {}
    given: dict[str, Any] = {"conditions": told | rest["conditions"], "licence": rest["licence"]}
    given |= {name: rest[name] for name in ("face", "labels", "mark")}
    photo, made = verbs.read(drawing, max_pixels=rest["max_pixels"]), list[dict[str, Any]]()
    seeds = [rest["seed"]] if variations == 1 else following(photo, rest["seed"], variations)
    for place, seed in zip(places, seeds, strict=True):
        face = verbs.sketch(photo, network, seed=seed, **given)
        verbs.write(face, place, private=rest["private"], force=rest["force"])
        made.append({"file": str(place), **face.history[-1].arguments})
        lost = photo_writer.lost(face.origin, place)
        say(f"wrote {place}{': left out: ' * bool(lost)}{', '.join(lost)}")
    if rest["as_json"]:
        click.echo(json.dumps(made))
