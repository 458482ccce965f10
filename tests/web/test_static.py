"""The page's files: light, whole, in every language, as they were published, and safe by how they are written."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("uvicorn", reason="needs the extra 'studio'")

from mien.edits.request import EDITS, STYLE
from mien.pipeline.stylize import manners
from mien.web.app import LANGUAGES

STATIC = Path(__file__).parents[2] / "src" / "mien" / "web" / "static"
OWN = sorted(STATIC.glob("*.js"))
WORDS = {name: json.loads((STATIC / "words" / f"{name}.json").read_text("utf-8")) for name in LANGUAGES}
FILLED = re.compile(r"\{\w+\}")


def test_languages_say_the_same():
    assert {path.stem for path in (STATIC / "words").iterdir()} == set(LANGUAGES)
    english = WORDS["en"]
    for name, words in WORDS.items():
        assert list(words) == list(english), name
        assert all(words.values()), name
        wrong = [
            key for key in words if sorted(FILLED.findall(words[key])) != sorted(FILLED.findall(english[key]))
        ]
        assert not wrong, (name, wrong)


def test_every_word_that_the_page_says_is_there_and_none_besides():
    text = "".join(path.read_text("utf-8") for path in OWN)
    said = set(re.findall(r"\bt\(\"([\w.-]+)\"", text))
    assert said <= set(WORDS["en"]), said - set(WORDS["en"])
    # some are put together of a beginning and a name
    begun = tuple(set(re.findall(r"t\(`([\w.-]+)\$\{", text)))
    quoted = set(re.findall(r"\"([\w.-]+)\"", text))
    assert not [key for key in WORDS["en"] if key not in quoted and not key.startswith(begun)]


def test_every_edit_and_manner_has_a_name():
    for name in EDITS:
        assert f"edit.{name}" in WORDS["en"]
        assert f"group.{EDITS[name].made_in}" in WORDS["en"]
        for style in EDITS[name].names if EDITS[name].unit == STYLE else ():
            assert f"style.{style}" in WORDS["en"]
    for name in manners():
        assert f"manner.{name}" in WORDS["en"]


def test_vendored_libraries_are_what_was_published():
    told = tomllib.loads((STATIC / "vendor" / "VENDOR.toml").read_text("utf-8"))
    files = {path.name for path in (STATIC / "vendor").iterdir()} - {"VENDOR.toml"}
    assert files == {one[key] for one in told.values() for key in ("file", "licence_file") if key in one}
    for name, one in told.items():
        if "file" in one:
            assert (
                hashlib.sha256((STATIC / "vendor" / one["file"]).read_bytes()).hexdigest() == one["sha256"]
            ), name
        assert (STATIC / "vendor" / one["licence_file"]).read_text("utf-8")


@pytest.mark.parametrize(
    "pattern",
    [
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|dangerouslySetInnerHTML",
        r"\beval\(|new Function|setTimeout\(\s*[\"'`]",
        r"https?://(?!www\.w3\.org)",
        r"\bstyle=\"|\bon\w+=\"",
        r"\b(prompt|alert|confirm)\(",
    ],
)
def test_nothing_in_the_page_is_inline_or_elsewhere(pattern: str):
    for path in [*OWN, STATIC / "page.css", *STATIC.glob("*.html"), *STATIC.glob("*.svg")]:
        assert not re.search(pattern, path.read_text("utf-8")), path.name


def test_the_page_is_light():
    assert sum(path.stat().st_size for path in STATIC.rglob("*") if path.is_file()) < 400_000


def test_icons_that_are_used_are_there():
    sprite = (STATIC / "icons.svg").read_text("utf-8")
    there = set(re.findall(r'<symbol id="(\w+)"', sprite))
    text = "".join(path.read_text("utf-8") for path in OWN)
    used = set(re.findall(r"<\$\{Icon\} name=\"(\w+)\"|\bicon=\"(\w+)\"", text))
    wanted = {one for pair in used for one in pair if one} | {option.made_in for option in EDITS.values()} - {
        "whole_face"
    }
    assert wanted <= there, wanted - there


def test_colours_of_both_themes_can_be_read():
    """WCAG 2.2: text on what it stands on has a contrast of 4.5 and more."""
    css = (STATIC / "page.css").read_text("utf-8")
    found = dict(re.findall(r"--([\w-]+): light-dark\(([^)]*)\)", css))
    pairs = [
        ("text", "panel"),
        ("quiet", "panel"),
        ("quiet", "raised"),
        ("quiet", "ground"),
        ("text", "stage"),
    ]
    pairs += [
        ("accent", "tint"),
        ("accent", "panel"),
        ("on-accent", "accent"),
        ("bad", "panel"),
        ("good", "panel"),
    ]
    for theme in (0, 1):
        for front, back in pairs:
            one, other = (_light(found[name].split(", ")[theme]) for name in (front, back))
            assert (max(one, other) + 0.05) / (min(one, other) + 0.05) >= 4.5, (front, back, theme)


def _light(colour: str) -> float:
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
