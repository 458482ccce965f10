"""`mien effect`: masks and stickers of one's own."""

from __future__ import annotations

import json
from pathlib import Path

import click

from .app import app, plural, say
from .edit import tell_styles
from .options import options


@app.group()
def effect() -> None:
    """Make an effect pack: masks and stickers of your own, for `mien edit --effect`.

    \b
    mien effect list
    mien effect template -o my-pack/
    mien effect check my-pack/
    mien edit photo.jpg --effect my-pack/ -o out.jpg
    """


@effect.command("list")
def tell() -> None:
    """Say which effects are in the box."""
    tell_styles("effect")


@effect.command()
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The folder to make.")
def template(output: Path) -> None:
    """Write a starter pack: an example, and the texture map of a face to paint on."""
    from .. import verbs

    say(f"wrote {verbs.effect_template(output)}: paint on template.png in a layer of its own")


@effect.command()
@click.argument("pack", type=click.Path(path_type=Path))
@options("json")
def check(pack: Path, as_json: bool) -> None:
    """Say whether a folder or a zip is an effect pack, and if not what is wrong with it."""
    from .. import verbs

    found = verbs.effect_check(pack)
    say(
        f"{found.name}: {plural(len(found.layers), 'layer')}, {plural(len(found.pictures), 'picture')}, all well"
    )
    if as_json:
        about = {"name": found.name, "layers": len(found.layers), "edits": dict(found.edits)}
        click.echo(json.dumps(about | {"pictures": sorted(found.pictures), "sha256": found.sha256}))
