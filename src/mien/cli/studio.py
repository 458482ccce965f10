"""`mien studio`: everything in a browser, on this computer only; and `mien serve`: its calls alone, for programs."""

from __future__ import annotations

import json
import os
import webbrowser
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import click

from ..errors import InputError, RequestError
from .app import app, say
from .options import options

SHORTEST = 24  # characters of a key


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
    tell = _told("the studio is at", as_json)

    def started(url: str) -> None:
        tell(url)
        if not no_browser:
            webbrowser.open(url)

    _server().serve_studio(port, started)


@app.command()
@click.option("--host", default="127.0.0.1", metavar="ADDRESS", help="Default: 127.0.0.1, this computer.")
@click.option("--port", type=click.IntRange(0, 65535), default=8700, metavar="N", help="Default: 8700.")
@click.option(
    "--keys",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="Keys of those who may call, one a line, of at least 24 characters.",
)
@click.option("--cert", type=click.Path(path_type=Path), metavar="FILE", help="Certificate for HTTPS (PEM).")
@click.option("--cert-key", type=click.Path(path_type=Path), metavar="FILE", help="Its key (PEM).")
@click.option(
    "--behind-proxy", is_flag=True, help="Plain HTTP on another address, since a proxy before it does HTTPS."
)
@options("json")
def serve(
    host: str,
    port: int,
    keys: Path,
    cert: Path | None,
    cert_key: Path | None,
    behind_proxy: bool,
    as_json: bool,
) -> None:
    """The studio's calls as a service for programs, without its page.

    Every call carries a key in the header `Authorization: Bearer KEY`. /api/openapi.json describes them.
    Pictures that were sent are deleted when the service ends.

    \b
    mien serve --keys keys.txt
    mien serve --keys keys.txt --host 0.0.0.0 --cert cert.pem --cert-key key.pem
    """
    if bool(cert) != bool(cert_key):
        raise RequestError("HTTPS needs both: give --cert and --cert-key")
    if not (cert or behind_proxy or _is_own(host)):
        raise RequestError(
            f"at {host} others could read along: give --cert and --cert-key, or --behind-proxy if one does HTTPS"
        )
    tls = (cert, cert_key) if cert and cert_key else None
    _server().serve_calls(host, port, _keys(keys), tls, _told("the service is at", as_json))


def _server() -> Any:
    try:
        from ..web import app as server
    except ModuleNotFoundError as error:
        raise RequestError(
            f"the studio needs the package {error.name}, which is not here: pip install 'mien[studio]'"
        ) from error
    return server


def _told(words: str, as_json: bool) -> Callable[[str], None]:
    def started(url: str) -> None:
        if as_json:
            click.echo(json.dumps({"url": url, "pid": os.getpid()}))
        say(f"{words} {url}")
        say("Ctrl-C ends it")

    return started


def _is_own(host: str) -> bool:
    """Whether an address is this computer's own, which no other reaches."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _keys(path: Path) -> tuple[str, ...]:
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeError) as error:
        raise InputError(f"{path} cannot be read: a text file with a key a line was wanted") from error
    found = tuple(line for line in lines if line and not line.startswith("#"))
    if not found or any(len(key) < SHORTEST or not key.isascii() or " " in key for key in found):
        raise InputError(
            f"{path} wants a key a line, each of {SHORTEST} characters or more without blanks: "
            "make one with  python -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
    return found
