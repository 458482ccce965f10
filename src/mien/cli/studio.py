"""`mien studio`: everything in a browser, on this computer only."""

from __future__ import annotations

import json
import os
import webbrowser

import click

from ..errors import RequestError
from .app import app, say
from .options import options


@app.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, metavar="N", help="Default: one that is free."
)
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@options("json")
def studio(port: int, no_browser: bool, as_json: bool) -> None:
    """Everything in a browser: a page on this computer, for this computer only.

    Nothing leaves it. Pictures that you open are deleted when the studio ends. The address holds a secret of
    this start: whoever has it can use the studio.

    \b
    mien studio
    mien studio --port 8700 --no-browser --json
    """
    try:
        from ..web.app import serve
    except ModuleNotFoundError as error:
        raise RequestError(
            f"the studio needs the package {error.name}, which is not here: pip install 'mien[studio]'"
        ) from error

    def started(url: str) -> None:
        if as_json:
            click.echo(json.dumps({"url": url, "pid": os.getpid()}))
        say(f"the studio is at {url}")
        say("Ctrl-C ends it")
        if not no_browser:
            webbrowser.open(url)

    serve(port, started)
