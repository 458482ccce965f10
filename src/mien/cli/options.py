"""Options that several commands share, each written once: `@options("face", "licence", "max_pixels")`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ..errors import RequestError
from ..io import outputs

LICENCES = ("all", "commercial")
MAX_PIXELS = 200_000_000
LIST = "list"  # instead of the name of a style
Command = Callable[..., None]


def seconds(ctx: click.Context, option: click.Parameter, value: str | None) -> float | None:
    return None if value is None else time_of(value)


def time_of(text: str) -> float:
    """Seconds, or H:MM:SS, as seconds."""
    try:
        parts = [float(part) for part in text.split(":")]
        if len(parts) > 3 or any(not 0 <= part < float("inf") for part in parts):
            raise ValueError
    except ValueError as error:
        raise RequestError(f"{text!r} is no time: seconds were wanted, or H:MM:SS") from error
    return sum(part * 60**i for i, part in enumerate(reversed(parts)))


def file_in(output: str, name: str) -> Path:
    """The file to write: `output`, or `name` in it where it means a folder, which is made, and gone again at the end of the
    command where nothing came into it."""
    path = Path(output)
    if not outputs.means_folder(output):
        return path
    click.get_current_context().with_resource(outputs.folder(path))
    return path / name


def file_name(ctx: click.Context, option: click.Parameter, value: str) -> Path:
    """The name of a file; that of a folder, with a slash at its end, is refused."""
    if value.endswith(("/", os.sep)):
        raise RequestError(f"{value} names a folder: a file name was wanted")
    return Path(value)


def _needed(ctx: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """What is to be written, which is left out only where the names of styles are asked for."""
    if value is None and LIST not in ctx.params.values():
        raise click.MissingParameter(ctx=ctx, param=option)
    return value


def share(ctx: click.Context, option: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """K/N as two numbers."""
    if value is None:
        return None
    first, _, last = value.partition("/")
    if not (first.isdecimal() and last.isdecimal() and 1 <= int(first) <= int(last)):
        raise RequestError(f"--shard {value!r} is not K/N, as in 3/10: the third of ten runs")
    return int(first), int(last)


def pair(text: str, option: str = "--set") -> tuple[str, str]:
    """NAME=VALUE in two."""
    name, equals, value = text.partition("=")
    if not equals:
        raise RequestError(f"{option} {text!r} is not NAME=VALUE")
    return name, value


def amounts(ctx: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, float]:
    """NAME=NUMBER, given several times, as one table."""
    flag = option.opts[0]
    try:
        return {name: float(value) for name, value in (pair(text, flag) for text in values)}
    except ValueError as error:
        wanted = "AMOUNT" if flag == "--along" else "NUMBER"
        raise RequestError(f"{flag} wants NAME={wanted}, {' '.join(values)!r} came") from error


def _option(*words: str, **about: Any) -> Callable[[Command], Command]:
    return click.option(*words, **about)


SEXES = {"f": -1.0, "m": 1.0}
_PATH: Any = click.Path(path_type=Path)
SHARED: dict[str, Callable[[Command], Command]] = {
    "output": _option(
        "-o", "--output", required=True, type=click.Path(), callback=file_name, help="The file to write."
    ),
    "output_folder": _option(
        "-o",
        "--output",
        callback=_needed,
        type=click.Path(),  # as it was typed, with the slash at its end
        help="The file to write, or a folder, as NAME/.",
    ),
    "face": _option(
        "--face",
        default="all",
        show_default=True,
        metavar="all|largest|N|PICTURE",
        help="Which face; N as `mien find` numbers them; or that of the person whom a picture shows.",
    ),
    "only_face": _option(
        "--face", metavar="all|largest|N|PICTURE", help="Only faces; the rest stays as it is."
    ),
    "tell": _option(
        "--tell",
        "conditions",
        multiple=True,
        callback=amounts,
        metavar="NAME=X",
        help="A condition of the network.",
    ),
    "start": _option(
        "--from",
        "start",
        callback=seconds,
        metavar="TIME",
        help="Clips: write only from here, in seconds or H:MM:SS.",
    ),
    "end": _option("--to", "end", callback=seconds, metavar="TIME", help="Clips: only up to here."),
    "resume": _option(
        "--resume",
        is_flag=True,
        help="Go on: skip what the same request has made already, photos or parts of a clip.",
    ),
    "force": _option("--force", is_flag=True, help="Write over what is there, the input too."),
    "recursive": _option("--recursive", is_flag=True, help="Folders below a folder too."),
    "files_from": _option(
        "--files-from",
        metavar="FILE|-",
        help="More inputs, a name on each line of this file; - reads them from stdin.",
    ),
    "shard": _option(
        "--shard",
        callback=share,
        metavar="K/N",
        help="Only the K-th of N shares of the files, so that N runs, here or on N machines, do them all.",
    ),
    "workers": _option(
        "--workers",
        type=click.IntRange(1, 256),
        metavar="N",
        help="Many photos: processes; default: one a core.",
    ),
    "on": _option(
        "--on",
        metavar="auto|ray://HOST:10001",
        help="Do it on a Ray cluster of yours, with files that all its machines see; --workers is then of all.",
    ),
    "quality": _option(
        "--quality", type=int, default=None, metavar="1-100", help="Of JPEG and WebP; default: as the source."
    ),
    "private": _option(
        "--private",
        is_flag=True,
        help="Leave out where a photo or clip was taken and with which device; the label stays.",
    ),
    "json": _option(
        "--json", "as_json", is_flag=True, help="For programs: what was done or found, on stdout."
    ),
    "sex": _option(
        "--sex", type=click.Choice(list(SEXES)), help="Of the face; default: by chance, or as drawn."
    ),
    "hair": _option(
        "--hair",
        metavar="COLOUR",
        help="A name such as blond, or #rrggbb; default: by chance, or as painted.",
    ),
    "skin": _option("--skin", metavar="COLOUR", help="pale, fair, olive, tan, brown, dark, or #rrggbb."),
    "consent": _option(
        "--consent",
        default="",
        metavar="TEXT|NAME",
        help="Who agreed and when, or a record of `mien consent`; needed, and written into the label as stated.",
    ),
    "mark": _option(
        "--mark",
        metavar="eu|eu:LANGUAGE|cn|none",
        help="Words in a corner of what is written, as AI MODIFIED; MIEN_MARK sets it for good. "
        "Default: eu for swap, animate and live, else none.",
    ),
    "identity": _option(
        "--identity",
        metavar="NAME",
        help="An embedder of yours that says how alike the faces are; default: that of the box.",
    ),
    "licence": _option(
        "--licence",
        type=click.Choice(LICENCES),
        help="Refuse networks that may not be used commercially; MIEN_LICENCE sets it for good.",
    ),
    "max_pixels": _option(
        "--max-pixels",
        type=click.IntRange(1),
        default=MAX_PIXELS,
        show_default=True,
        metavar="N",
        help="Refuse larger photos.",
    ),
}


# What commands that write many photos and clips have in common, as help lists it.
MANY = (
    *("quality", "private", "force", "start", "end", "resume", "recursive", "files_from", "shard", "workers"),
    *("on", "json", "mark", "licence", "max_pixels"),
)


def options(*names: str) -> Callable[[Command], Command]:
    """Give a command shared options, in this order."""

    def decorate(command: Command) -> Command:
        for name in reversed(names):
            command = SHARED[name](command)
        return command

    return decorate
