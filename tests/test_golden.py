"""Pictures stay what they were: see `golden.py`, which writes the values that are compared here."""

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import golden
import numpy as np
import pytest
from faces import opened

from mien.types import Array

# Levels that a processor's rounding makes in hardly any pixel, and in none but where a strand or an edge is drawn a
# hair's breadth beside.
LEVEL, FAR = 1, 12
STRANDS = 0.005  # of the pixels


@cache
def values() -> dict[str, Array]:
    with np.load(golden.FOLDER / "pictures.npz") as file:
        return {name: file[name] for name in file.files}


def compare(name: str, before: Array, after: Array, share: float = 0.97) -> None:
    wanted = values()[name]
    found = after.reshape(-1, 3)[wanted[:, 0]].astype(np.int64) * 255 // np.iinfo(after.dtype).max
    away = np.abs(found - wanted[:, 1:]).max(1, initial=0)
    assert len(wanted) or not (before != after).any(), name
    if len(wanted):
        assert (away <= LEVEL).mean() >= share and (away > FAR).mean() <= STRANDS, (
            name,
            int(away.max()),
            float((away <= LEVEL).mean()),
        )


@pytest.mark.parametrize("case", golden.edits(), ids=lambda case: golden.name_of(*case))
def test_edits(case: tuple[str, dict[str, Any], str | None]):
    photo, strengths, by = case
    before = golden.photos()[photo]
    compare(golden.name_of(*case), before.pixels, opened(before).edit(method=by, **strengths).pixels)


def test_masks():
    for case in golden.masks():
        compare(*case)


def test_a_clip(tmp_path: Path):
    for case in golden.clip(tmp_path):
        compare(*case, share=0.6)  # what is encoded makes more of a level


@pytest.mark.train
def test_a_network_that_is_exported_and_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("torch")
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    for case in golden.network(tmp_path):
        compare(*case)


def test_a_report(tmp_path: Path):
    def same(found: Any, wanted: Any, where: str) -> None:
        if isinstance(wanted, dict):
            assert found.keys() == wanted.keys(), where
            for key in wanted:
                same(found[key], wanted[key], f"{where}.{key}")
        elif isinstance(wanted, list):
            assert len(found) == len(wanted), where
            for i, pair in enumerate(zip(found, wanted, strict=True)):
                same(*pair, f"{where}[{i}]")
        elif isinstance(wanted, float):
            assert math.isclose(found, wanted, rel_tol=0.02, abs_tol=0.8), (where, found, wanted)
        elif isinstance(wanted, int) and not isinstance(wanted, bool):
            assert math.isclose(found, wanted, rel_tol=0.02), (where, found, wanted)
        else:
            assert found == wanted, where

    same(
        golden.report(tmp_path),
        json.loads((golden.FOLDER / "report.json").read_text(encoding="utf-8")),
        "report",
    )
