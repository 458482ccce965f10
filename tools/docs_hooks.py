"""The mkdocs hook that fills in tables of results, the command line, the API, and files of the root.

    <!-- table: NAME -->      a table of benchmarks/results/*.json, see TABLES
    {{ FILE.key.key:.1f }}    one number of benchmarks/results/FILE.json
    <!-- cli -->              every command, from the program itself
    <!-- api -->              every public name, for mkdocstrings
    <!-- include: FILE -->    a file of the repository's root, with its links to docs/ mended

A file, a key or a table that does not exist stops the build.
"""

from __future__ import annotations

import html
import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
Row = Mapping[str, Any]
Column = tuple[str, Callable[[Row], str]]  # its title, and what a row says there


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def flag(row: Row) -> str:
    """The edit of a row as it is typed: `--hair-light 0.6`."""
    strength = row["strength"] if isinstance(row["strength"], str) else format(row["strength"], "g")
    return f"`--{row['edit'].replace('_', '-')} {strength}`"


def amount(row: Row, name: str) -> str:
    """Years with one digit behind the point, everything else with two."""
    return f"{row[name]:.{1 if row['unit'] == 'years' else 2}f}"


def duration(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms" if seconds < 0.2 else f"{seconds:.2f} s"


def pair(method: str) -> Callable[[Row], str]:
    return lambda row: f"{row[method]['nearer']:.2f}, {row[method]['identity']:.3f}"


def field(name: str, form: str = "") -> Callable[[Row], str]:
    return lambda row: format(row[name], form)


def code(name: str) -> Callable[[Row], str]:
    return lambda row: f"`{row[name]}`"


# By name: the file of benchmarks/results, and the columns.
TABLES: dict[str, tuple[str, tuple[Column, ...]]] = {
    "live": (
        "live",
        (
            ("640 x 480, one core", field("work")),
            ("Frames a second", field("frames_a_second", ".0f")),
            ("A frame", lambda row: f"{row['show_ms']:.0f} ms"),
            ("Asking anew, beside", lambda row: f"{row['renew_ms']:.0f} ms"),
        ),
    ),
    "effects": (
        "effects",
        (
            ("Effect", code("effect")),
            ("Times `--smile 0.5`", field("ratio", ".2f")),
            ("A face", lambda row: f"{row['ms']:.0f} ms"),
        ),
    ),
    "watermark": (
        "watermark",
        (
            ("After", field("after")),
            ("Width of faces", field("face_width")),
            ("Faces", field("faces")),
            ("Found", lambda row: percent(row["found"])),
            ("Bits", lambda row: percent(row["bits_right"])),
            ("Lowest score", field("least_score", ".1f")),
        ),
    ),
    "watermark_clips": (
        "watermark_clips",
        (
            ("H.264, CRF", field("quality")),
            ("Clips", field("clips")),
            ("Found", field("found")),
            ("Bits", field("bits_right")),
            ("Lowest score", field("least_score", ".1f")),
        ),
    ),
    "success": (
        "success",
        (
            ("Edit", flag),
            ("Method", field("method")),
            ("Right direction", lambda row: percent(row["right_way"])),
            ("Median change", lambda row: f"{amount(row, 'median')} {row['unit']}"),
            ("10th to 90th percentile", lambda row: f"{amount(row, 'p10')} to {amount(row, 'p90')}"),
        ),
    ),
    "kept": (
        "kept",
        (
            ("Edit", lambda row: "`--{} {:g}`".format(row["edit"].split()[0], float(row["edit"].split()[1]))),
            ("People", field("people")),
            ("Distance from themselves", field("distance", ".2f")),
            ("Years", field("years", "+.1f")),
            ("Turned", lambda row: percent(row["turned"]) if "turned" in row else ""),
        ),
    ),
    "methods": (
        "methods",
        (
            ("Edit", flag),
            ("Best", pair("best")),
            ("Prototypes alone", pair("prototypes")),
            ("Network", pair("network")),
        ),
    ),
    "other_edits": (
        "other_edits",
        (
            ("Edit", flag),
            ("Right direction", lambda row: percent(row["right_way"])),
            ("People", field("people")),
        ),
    ),
    "readers": (
        "readers",
        (
            ("Of two portraits", lambda row: f"{row['first']} and {row['second']}"),
            ("Portraits", lambda row: "{} and {}".format(*row["portraits"])),
            ("Put in the right order", lambda row: percent(row["right_order"])),
        ),
    ),
    "parser": (
        "parser",
        (
            ("Pictures", field("set")),
            ("People and views", field("pictures")),
            ("Hair", field("hair", ".2f")),
            ("No part of the person", field("other", ".2f")),
            ("Skin", field("skin", ".2f")),
            ("Ears", field("ears", ".2f")),
            ("Neck", field("neck", ".2f")),
        ),
    ),
    "speed": ("speed", (("What", field("what")), ("Time", lambda row: duration(row["seconds"])))),
    "session": (
        "session",
        (
            ("Request", field("request")),
            ("First", lambda row: duration(row["first_seconds"])),
            ("Second", lambda row: duration(row["second_seconds"])),
            ("Second over first", lambda row: f"{row['ratio']:.2f}"),
            ("With reading and writing, over those alone", lambda row: f"{row['over_both_ends']:.1f}"),
        ),
    ),
    "memory": (
        "memory",
        (
            ("What", field("what")),
            ("Peak memory", lambda row: f"{row['megabytes']} MB"),
        ),
    ),
    "clips": (
        "clips",
        (
            ("Clip", field("what")),
            ("Frames a second", field("frames_per_second")),
            ("Peak memory", lambda row: f"{row['megabytes']} MB"),
        ),
    ),
    "stylize": (
        "stylize",
        (
            ("Network", lambda row: f"{row['network']}, {row['pixels']} px"),
            ("ONNX Runtime", lambda row: f"{row['onnxruntime_ms']} ms"),
            ("PyTorch, channels_last", lambda row: f"{row['pytorch_ms']} ms"),
            ("720p clip, `--face largest`", lambda row: f"{row['frames_per_second']} frames a second"),
        ),
    ),
    "swap_trained": (
        "swap_trained",
        (
            ("Swap", field("way")),
            ("Steps", field("steps")),
            ("Self", field("self", ".1f")),
            ("Self, drawing alone", lambda row: f"{row['self_alone']:.1f}" if "self_alone" in row else ""),
            ("Likeness to A", field("likeness_a", ".2f")),
            ("Likeness to B", field("likeness_b", ".2f")),
            ("Expression off by", field("expression", ".3f")),
        ),
    ),
    "animate_trained": (
        "animate_trained",
        (
            ("Frames", field("way")),
            ("Off by", field("apart", ".1f")),
            ("Likeness", field("likeness", ".2f")),
            ("Off by, network alone", lambda row: f"{row['alone']:.1f}" if "alone" in row else ""),
        ),
    ),
    "generators": (
        "generators",
        (
            ("Preset", code("preset")),
            ("ONNX Runtime", lambda row: f"{row['onnxruntime_ms']} ms"),
            ("PyTorch", lambda row: f"{row['pytorch_ms']} ms"),
        ),
    ),
    "nobody": (
        "nobody",
        (
            ("Sex", field("sex")),
            ("Age", field("age")),
            ("Dark skin", field("dark")),
            ("Medium", field("medium")),
            ("Light", field("light")),
        ),
    ),
    "frontalise": (
        "frontalise",
        (
            ("", field("what")),
            ("Landmarks", field("landmarks", ".3f")),
            ("Skin", field("skin", ".1f")),
            ("Identity", field("identity", ".2f")),
        ),
    ),
    "sketch": (
        "sketch",
        (
            ("Sex", field("sex")),
            ("Age", field("age")),
            ("Dark skin", field("dark")),
            ("Medium", field("medium")),
            ("Light", field("light")),
        ),
    ),
    "translators": (
        "translators",
        (
            ("Family", code("proof")),
            ("Task", field("task")),
            ("Measure, lower is better", field("measure")),
            ("Steps", field("steps")),
            ("Core minutes", field("core_minutes")),
            ("Trained network", field("network", ".3f")),
            ("Best without training", lambda row: f"{row['best_baseline']:.3f} ({row['baseline']})"),
            ("Untrained network", field("untrained", ".3f")),
        ),
    ),
    "identity": (
        "identity",
        (
            ("Two photos of", field("pair")),
            ("Pairs", field("pairs", ",")),
            ("Identity", lambda row: f"{row['mean']:.2f} ± {row['sd']:.2f}"),
            ("Worst", field("worst", ".2f")),
            ("Wrong", lambda row: f"{row['wrong']} %"),
        ),
    ),
}


def results(name: str) -> dict[str, Any]:
    """What a benchmark has written."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def table(name: str) -> str:
    """A table of TABLES as Markdown, with the command that measured it below."""
    file, columns = TABLES[name]
    found = results(file)
    lines = [[title for title, _ in columns], ["---"] * len(columns)]
    lines += [[said(row) for _, said in columns] for row in found["rows"]]
    source = f"Measured by `{found['command']}`" + (f", {found['machine']}." if "machine" in found else ".")
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\n<small>{source}</small>"


def number(match: re.Match[str]) -> str:
    value: Any = results(match["file"])
    for key in match["keys"].split("."):
        value = value[int(key) if isinstance(value, list) else key]
    return format(value, match["form"] or "")


def include(match: re.Match[str]) -> str:
    """A file of the root; its links lead from there."""
    text = (ROOT / match["file"]).read_text(encoding="utf-8")
    for page in ("CONTRIBUTING.md", "CHANGELOG.md"):
        text = text.replace(f"]({page}", f"]({page.lower()}")
    text = re.sub(r"\]\((LICENSE|NOTICE|SECURITY\.md|CITATION\.cff)\)", r"]", text)
    return text.replace("](docs/", "](")


# --- The command line


def cli() -> str:
    """A section for each command of the program."""
    from mien.cli import app

    sections = [described(names, command) for names, command in commands(app, ("mien",))]
    return "\n\n".join(part for section in sections for part in section)


def commands(group: click.Command, names: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if not isinstance(group, click.Group):
        return
    context = click.Context(group)
    for name in group.list_commands(context):
        if command := group.get_command(context, name):
            yield (*names, name), command
            yield from commands(command, (*names, name))


def described(names: tuple[str, ...], command: click.Command) -> list[str]:
    """One command: its usage, its help, and a table of its options."""
    context = click.Context(command, info_name=" ".join(names), help_option_names=["-h", "--help"])
    parts = [f"{'#' * len(names)} {' '.join(names)}", f"```text\n{command.get_usage(context)}\n```"]
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        examples = paragraph.removeprefix("\b\n")  # what click leaves as it is
        parts.append(paragraph if examples == paragraph else f"```sh\n{examples}\n```")
    records = [option.get_help_record(context) for option in command.get_params(context)]
    rows = [f"| <code>{cell(name)}</code> | {cell(text)} |" for name, text in filter(None, records) if text]
    return [*parts, "\n".join(["| Option | What it does |", "| --- | --- |", *rows])]


def cell(text: str) -> str:
    """Text in a cell of a table, where a bar would end it."""
    return html.escape(text, quote=False).replace("|", "&#124;")


# --- The API


def api() -> str:
    """A line for mkdocstrings for each public name: those of `mien` first, then the other verbs."""
    import mien
    from mien import verbs

    first = sorted({*mien.__all__} - {"__version__"}, key=str.lower)
    rest = sorted({*getattr(verbs, "__all__", ())} - {*first}, key=str.lower)
    lines = [f"::: mien.{name}" for name in first]
    return "\n\n".join(
        [
            *lines,
            "## Other verbs",
            "Import these from `mien.verbs`.",
            *(f"::: mien.verbs.{name}" for name in rest),
        ]
    )


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Called by mkdocs for each page."""
    markdown = re.sub(r"<!-- include: (?P<file>[A-Z]+\.md) -->", include, markdown)
    markdown = re.sub(r"<!-- table: (\w+) -->", lambda match: table(match[1]), markdown)
    markdown = re.sub(r"\{\{ (?P<file>\w+)\.(?P<keys>[\w.]+)(?::(?P<form>[^ }]+))? \}\}", number, markdown)
    for mark, filled in (("<!-- cli -->", cli), ("<!-- api -->", api)):
        if mark in markdown:
            markdown = markdown.replace(mark, filled())
    return re.sub(r"^<!-- not run -->\n", "", markdown, flags=re.MULTILINE)
