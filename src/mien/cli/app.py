"""The app: the table of commands, what they share, and the way in. An error is one line on stderr and an exit
code."""

from __future__ import annotations

import difflib
import re
import sys
import warnings
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

import click

from .._version import __version__
from ..errors import MienError, RequestError
from ..signals import INTERRUPTED
from ..words import plain

COMMA = re.compile(r"'(-?\d*),(\d+)' is not a valid float")
# Command -> the file that holds it, in the order in which help lists them; a file is loaded when one of its
# commands is asked for.
COMMANDS = {
    "edit": "edit",
    **dict.fromkeys(("swap", "gallery"), "swap"),
    **dict.fromkeys(("animate", "motion"), "animate"),
    "consent": "consent",
    "live": "live",
    "effect": "effect",
    **dict.fromkeys(("align", "extract"), "align"),
    **dict.fromkeys(("find", "verify", "report"), "inspect"),
    "merge-report": "merge",
    "bench": "bench",
    "stylize": "stylize",
    "sketch": "sketch",
    "frontalise": "frontalise",
    **dict.fromkeys(("generate", "directions"), "generate"),
    **dict.fromkeys(("models", "doctor", "train", "export", "prototypes", "collage"), "networks"),
    **dict.fromkeys(("studio", "serve"), "studio"),
}


class Command(click.Command):
    """A command whose options come once each, as of two values nobody could tell which was meant, and whose files have
    names."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        given, _, came = (
            self.make_parser(ctx).parse_args(list(args)) if not ctx.resilient_parsing else ({}, [], [])
        )
        for option in came:
            if isinstance(option.type, click.Path) and given.get(option.name) == "":
                raise RequestError(f"{option.opts[-1]} came with an empty name: name a file or a folder")
            once = isinstance(option, click.Option) and not (option.multiple or option.is_flag)
            if once and came.count(option) > 1:
                raise RequestError(f"{option.opts[-1]} came {came.count(option)} times: give it once")
        return super().parse_args(ctx, args)


class Commands(click.Group):
    """A command of commands."""

    command_class = Command


class Verbs(Commands):
    """The group of commands; an unknown one is answered with the nearest name."""

    group_class = Commands

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS:
            import_module(f".{COMMANDS[cmd_name]}", __package__)
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise RequestError(f"no verb is called {args[0]!r}: {_nearest(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)


def _nearest(name: str, names: Iterable[str]) -> str:
    """What to say of a name that there is not."""
    near = difflib.get_close_matches(name, names, 1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"


@click.group(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    invoke_without_command=True,
)
@click.version_option(__version__, message="mien %(version)s")
@click.pass_context
def app(ctx: click.Context) -> None:
    """Neural face editing that people can trust: offline, at the photo's own resolution, labelled.

    \b
    mien edit photo.jpg --smile 0.8 -o out.jpg
    mien verify out.jpg
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def say(text: str) -> None:
    """A line for people."""
    click.echo(plain(text), err=True)


def plural(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'s' * (number != 1)}"


def main() -> None:
    """Entry point: run a verb; what people or their computer can set right becomes one line on stderr and an
    exit code."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # decoders warn of what `read` copes with or refuses
    try:
        app(standalone_mode=False, prog_name="mien")
    except MienError as error:
        refuse(str(error), error.exit_code)
    except click.NoSuchOption as error:
        if files := [word for word in sys.argv[1:] if word.startswith("-") and Path(word).exists()]:
            refuse(f"{files[0]} is read as an option, since it begins with a hyphen: write ./{files[0]}")
        near = _nearest(error.option_name, error.possibilities) if error.possibilities else "see --help"
        refuse(f"no option is called {error.option_name}: {near}")
    except click.ClickException as error:
        verb = getattr(getattr(error, "ctx", None), "command_path", "mien")
        said = " ".join(error.format_message().split()).rstrip(".")
        comma = COMMA.search(said)
        refuse(f"{said}: {f'write {comma[1]}.{comma[2]}' if comma else f'see {verb} --help'}")
    except OSError as error:
        refuse(f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error))
    except MemoryError:
        refuse("there is not enough memory for this photo")
    except (KeyboardInterrupt, click.Abort):
        refuse("stopped", INTERRUPTED)


def refuse(text: str, code: int = MienError.exit_code) -> None:
    say(f"mien: {text}")
    sys.exit(code)
