"""What the tests of the verbs share: a signing key that is not the user's, pictures built from the one in
docs, a command line."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from slow import LIST as SLOW

from mien import cli
from mien.types import Array

os.environ.setdefault(
    "OMP_NUM_THREADS", "1"
)  # before torch is loaded: the files share the cores, and sums round as in one thread
HOPPER = Path(__file__).parents[1] / "docs" / "hopper.jpg"
TORCH = re.compile(r'^(torch = )?pytest\.importorskip\("torch"', re.MULTILINE)


@cache
def needs_torch(path: Path) -> bool:
    """Whether a file of tests asks for torch at its top."""
    return path.suffix == ".py" and bool(TORCH.search(path.read_text(encoding="utf-8")))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Without the tests of training torch is not loaded at all, which would take seconds in each process."""
    return True if config.option.markexpr.startswith("not train") and needs_torch(collection_path) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, so that the processes that share the files end together; and what needs torch, and what
    is slow, is marked."""
    items.sort(key=lambda item: item.path.name not in ("test_families.py", "test_page.py"))
    slow = set(SLOW.read_text().split())
    for item in items:
        if needs_torch(item.path):
            item.add_marker("train")
        if item.nodeid.removeprefix("tests/").partition("[")[0] in slow:
            item.add_marker("slow")


@pytest.fixture(scope="session", autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """MIEN_HOME for the whole run, for subprocesses too."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("mien-home")
        patch.setenv("MIEN_HOME", str(folder))
        for name in ("MIEN_SIGN_CERT", "MIEN_SIGN_KEY", "MIEN_TRUST"):
            patch.delenv(name, raising=False)
        yield folder


@pytest.fixture(scope="session")
def portrait() -> Array:
    """The one portrait in the repository, RGB `[600, 512, 3]`."""
    picture = cv2.imread(str(HOPPER))
    assert picture is not None
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """The portrait as photo.jpg in an empty folder."""
    return Path(shutil.copy(HOPPER, tmp_path / "photo.jpg"))


@pytest.fixture(scope="session")
def couple(portrait: Array) -> Array:
    """Two faces side by side, the right one smaller: RGB `[600, 900, 3]`."""
    small = cv2.resize(portrait, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
    right = np.full((600, 388, 3), 128, np.uint8)
    right[100 : 100 + small.shape[0], 20 : 20 + small.shape[1]] = small[:, :368]
    return np.concatenate([portrait, right], axis=1)


def save(path: Path, pixels: Array) -> Path:
    """Write RGB pixels by OpenCV, which knows nothing of mien; returns the path."""
    assert cv2.imwrite(str(path), np.ascontiguousarray(pixels[..., ::-1]))
    return path


class Stops:
    """Progress that is cancelled after so many frames or steps."""

    def __init__(self, after: int) -> None:
        self.left = after

    def advance(self, done: int, total: int) -> None:
        self.left -= 1

    def message(self, text: str) -> None: ...

    @property
    def cancelled(self) -> bool:
        return self.left <= 0


@dataclass(frozen=True)
class Ran:
    """What a command ended with."""

    code: int
    out: str
    err: str


Mien = Callable[..., Ran]


@pytest.fixture
def mien(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Mien:
    """Run the command line in this process: `mien("edit", path, "--smile", 1, "-o", out)`."""

    def run(*words: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["mien", *map(str, words)])
        capfd.readouterr()
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1 if end.code else 0
        told = capfd.readouterr()
        return Ran(code, told.out, told.err)

    return run
