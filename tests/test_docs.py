"""README and docs are true: their commands and code run, their links resolve, no edit or page is missing."""

import json
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import pytest

from mien import cli
from mien.io import clip_writer
from mien.types import Array, Step

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
WRITTEN = [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", ROOT / "CHANGELOG.md"]
BLOCK = re.compile(
    r"^(?P<not_run><!-- not run -->\n)?```(?P<language>python|sh)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A block of code that a page says can be run."""

    language: str
    code: str


def blocks(page: Path) -> list[Block]:
    found = BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [Block(match["language"], match["code"]) for match in found if not match["not_run"]]


def commands(code: str) -> Iterator[list[str]]:
    """The commands of a block of shell, as words."""
    for line in code.splitlines():
        for command in line.split(" && "):
            if words := shlex.split(command, comments=True):
                yield words


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory, portrait: Array) -> Path:
    """What the pages edit: photo.jpg, folders holiday and person, clip.mp4."""
    folder = tmp_path_factory.mktemp("pictures")
    small = cv2.resize(portrait, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    small = np.ascontiguousarray(small[: small.shape[0] & ~1, : small.shape[1] & ~1])
    (folder / "holiday").mkdir()
    for name in ("photo.jpg", "holiday/beach.jpg"):
        assert cv2.imwrite(str(folder / name), small[..., ::-1])
    (folder / "person").mkdir()
    shutil.copy(DOCS / "collins.jpg", folder / "person")
    frames = (np.roll(small, i, 1) for i in range(2))
    clip_writer.write(frames, folder / "clip.mp4", fps=8, history=(Step("test", {}),))
    return folder


@pytest.fixture
def place(tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(pictures, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda page: page.name)
def test_snippets_run(page: Path, place: Path, mien: Callable[..., Any]):
    """In the order of the page, in one folder; the Python of a page is one program."""
    names: dict[str, Any] = {"__name__": page.stem}
    for block in blocks(page):
        if block.language == "python":
            exec(compile(block.code, page.name, "exec"), names)
            continue
        for program, *words in commands(block.code):
            assert program == "mien", f"{page.name}: {program} is not run by this test"
            ran = mien(*words, *(["--workers", 1] if "holiday/" in words else []))
            assert ran.code == 0, f"{page.name}: mien {' '.join(words)}: {ran.err}"


def test_every_block_says_what_it_is():
    """A fence without a language would be neither run nor refused."""
    for page in WRITTEN:
        fences = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("```")]
        assert {fence.removeprefix("```") for fence in fences[::2]} <= {"python", "sh", "text"}, page.name


def test_readme_is_two_screens():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) < 800


def test_commands_that_set_up_stay_as_they_are():
    """`.ci/run` takes the second from README."""
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    setup = [line for line in lines if line.startswith("    python3 -m venv .venv")]
    assert len(setup) == 2 and setup[1].endswith("-m pytest")


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_links_resolve(page: Path):
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if link.startswith(("https://", "mailto:")):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.is_file(), f"{page.name} links to {link}"
        assert not anchor or anchor in anchors(target), f"{page.name} links to {link}"


def test_the_navigation_has_every_page():
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    assert sorted(re.findall(r"[\w-]+\.md", nav)) == sorted(page.name for page in DOCS.glob("*.md"))


def test_every_edit_is_in_readme_and_docs_with_its_range():
    """The table of docs/edits.md has the ranges that `mien edit --help` has."""
    readme, rows = (ROOT / "README.md").read_text(encoding="utf-8"), {}
    for line in (DOCS / "edits.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("| `--"):
            cells = [cell.strip() for cell in line.split("|")[1:-1]]
            rows[cells[0].strip("`")] = cells[1]
    told = {}
    command = cli.app.get_command(click.Context(cli.app), "edit")
    assert command is not None
    for option in command.params:
        text = getattr(option, "help", None) or ""
        if found := re.search(r"; (-?\d+ to \d+(?: years| degrees)?|as red|as bob|as whiskers)", text):
            told[option.opts[-1]] = {
                "as red": "a colour",
                "as bob": "a style",
                "as whiskers": "an effect",
            }.get(found[1], found[1])
    assert rows == told
    assert all(f"`{name}`" in readme for name in told)


def test_results_name_what_measured_them():
    for path in (ROOT / "benchmarks" / "results").glob("*.json"):
        assert json.loads(path.read_text(encoding="utf-8"))["command"], path.name


def test_the_site_can_be_filled_in():
    """Every table and number that a page asks for is there; mkdocs itself is tried in CI."""
    hooks: dict[str, Any] = {"__file__": str(ROOT / "tools" / "docs_hooks.py"), "__name__": "docs_hooks"}
    exec(
        compile((ROOT / "tools" / "docs_hooks.py").read_text(encoding="utf-8"), "docs_hooks.py", "exec"),
        hooks,
    )
    for page in DOCS.glob("*.md"):
        filled = hooks["on_page_markdown"](page.read_text(encoding="utf-8"))
        assert not re.search(r"\{\{|<!-- (table|cli|api|include)", filled), page.name
