"""`mien studio`: everything in a browser, on this computer or for who knows its password; and `mien serve`: its calls
alone, for programs."""

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

SHORTEST, WORD = 24, 10  # characters of a key, and of a password


def _with_certificate(command: Any) -> Any:
    """The options of who does HTTPS."""
    pem = click.Path(path_type=Path)
    command = click.option("--cert-key", type=pem, metavar="FILE", help="Its key (PEM).")(command)
    return click.option("--cert", type=pem, metavar="FILE", help="Certificate for HTTPS (PEM).")(command)


@app.command()
@click.option("--host", metavar="ADDRESS", help="Of this computer, at which others reach it.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, metavar="N", help="Default: one that is free."
)
@click.option(
    "--password-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="With --host: what others must know, in the first line.",
)
@_with_certificate
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@options("json")
def studio(
    host: str | None,
    port: int,
    password_file: Path | None,
    cert: Path | None,
    cert_key: Path | None,
    no_browser: bool,
    as_json: bool,
) -> None:
    """Everything in a browser: a page on this computer, for this computer only.

    Nothing leaves it. Pictures that you open are deleted when the studio ends. The address holds a secret of
    this start: whoever has it can use the studio. With --host and a password other computers can, over HTTPS.

    \b
    mien studio
    mien studio --port 8700 --no-browser --json
    mien studio --host 192.168.1.20 --password-file password.txt
    """

    def started(url: str, fingerprint: str = "") -> None:
        besides = {"sha256": fingerprint} if fingerprint else {}
        _told("the studio is at", as_json, password_file, **besides)(url)
        if fingerprint:
            say(
                "Browsers will warn, for nobody vouches for this computer's own certificate. Compare its SHA-256:"
            )
            say(fingerprint)
        if not no_browser:
            webbrowser.open(url)

    if host is None and (password_file or cert or cert_key):
        raise RequestError("at which address? A password and a certificate are for others: give --host, too")
    if host is None:
        _server().serve_studio(port, started)
        return
    if password_file is None:
        raise RequestError(f"at {host} others could use the studio: give --password-file, too")
    if _is_any(host):
        raise RequestError(
            f"{host} is no address that a browser can open: name one that others reach this computer by"
        )
    _server().serve_others(host, port, _password(password_file), _pair(cert, cert_key), started)


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
@_with_certificate
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
    Pictures that were sent are deleted when the service ends, files of jobs when the job is removed.

    \b
    mien serve --keys keys.txt
    mien serve --keys keys.txt --host 0.0.0.0 --cert cert.pem --cert-key key.pem
    """
    tls = _pair(cert, cert_key)
    if not (tls or behind_proxy or _is_own(host)):
        raise RequestError(
            f"at {host} others could read along: give --cert and --cert-key, or --behind-proxy if one does HTTPS"
        )
    _server().serve_calls(host, port, _keys(keys), tls, _told("the service is at", as_json, keys))


def _server() -> Any:
    try:
        from ..web import server
    except ModuleNotFoundError as error:
        raise RequestError(
            f"the studio needs the package {error.name}, which is not here: pip install 'mien[studio]'"
        ) from error
    return server


def _told(words: str, as_json: bool, secret: Path | None, **besides: str) -> Callable[[str], None]:
    """Who tells where it is, once it has started; secret: the file that says who may come."""

    def started(url: str) -> None:
        if as_json:
            click.echo(json.dumps({"url": url, "pid": os.getpid()} | besides))
        say(f"{words} {url}")
        say("Ctrl-C ends it")
        if secret and os.name == "posix" and secret.stat().st_mode & 0o077:
            say(f"others on this computer may read {secret}: chmod 600 {secret}")

    return started


def _pair(cert: Path | None, key: Path | None) -> tuple[Path, Path] | None:
    if bool(cert) != bool(key):
        raise RequestError("HTTPS needs both: give --cert and --cert-key")
    return (cert, key) if cert and key else None


def _is_any(host: str) -> bool:
    """Whether an address stands for all that this computer has."""
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return not host


def _is_own(host: str) -> bool:
    """Whether an address is this computer's own, which no other reaches."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _lines(path: Path, wanted: str) -> list[str]:
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeError) as error:
        raise InputError(f"{path} cannot be read: a text file with {wanted} was wanted") from error


def _password(path: Path) -> str:
    password = next(iter(_lines(path, "a password in its first line")), "")
    if len(password) < WORD:
        raise InputError(f"{path} wants a password in its first line, of {WORD} characters or more")
    return password


def _keys(path: Path) -> tuple[str, ...]:
    lines = _lines(path, "a key a line")
    found = tuple(line for line in lines if line and not line.startswith("#"))
    if not found or any(len(key) < SHORTEST or not key.isascii() or " " in key for key in found):
        raise InputError(
            f"{path} wants a key a line, each of {SHORTEST} characters or more without blanks: "
            "make one with  python -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
    return found
