"""Reports of several runs, put together."""

import json
from pathlib import Path

import pytest
from conftest import Mien


def report(path: Path, *rows: tuple[str, str]) -> Path:
    lines = [
        {"input": f"in/{name}", "output": f"out/{name}", "state": state, "error": "why"}
        for name, state in rows
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_what_one_has_failed_at_and_another_has_done_is_done(mien: Mien, tmp_path: Path):
    one = report(tmp_path / "1.jsonl", ("a.jpg", "done"), ("b.jpg", "failed"))
    two = report(tmp_path / "2.jsonl", ("b.jpg", "done"), ("c.jpg", "skipped"), ("a.jpg", "skipped"))
    ran = mien("merge-report", one, two, "--json")
    rows = [json.loads(line) for line in ran.out.splitlines()]
    assert ran.code == 0 and ran.err == "2 done, 1 skipped, 0 failed\n"
    assert [(row["output"], row["state"]) for row in rows] == [
        ("out/a.jpg", "done"), ("out/b.jpg", "done"), ("out/c.jpg", "skipped"),
    ]  # fmt: skip
    ran = mien("merge-report", one)
    assert ran.code == 1 and ran.err == "failed: in/b.jpg: why\n1 done, 0 skipped, 1 failed\n"


def test_what_was_declined_is_told_apart(mien: Mien, tmp_path: Path):
    one = report(tmp_path / "1.jsonl", ("a.jpg", "done"), ("b.jpg", "declined"))
    ran = mien("merge-report", one)
    assert ran.code == 3 and ran.err == "declined: in/b.jpg: why\n1 done, 0 skipped, 1 declined, 0 failed\n"


def test_a_share_that_was_stopped_or_never_begun_is_missed(mien: Mien, tmp_path: Path):
    """Also where a run went on later, and where all that runs have said lies in one file."""
    whole, part, rest = tmp_path / "1.jsonl", tmp_path / "2.jsonl", tmp_path / "3.jsonl"
    for path, share, files, names in (
        (whole, "1/3", 1, "a"), (part, "2/3", 2, "b"), (rest, "3/3", 0, ""),
    ):  # fmt: skip
        report(path, *((f"{name}.jpg", "done") for name in names))
        path.write_text(json.dumps({"shard": share, "files": files}) + "\n" + path.read_text())
    ran = mien("merge-report", whole, part)
    said = (
        "2 done, 0 skipped, 0 failed\n2 shares not finished: --shard 2/3, 3/3: run the same with --resume\n"
    )
    assert (ran.code, ran.err) == (1, said)
    with part.open("a") as file:
        file.write('{"shard": "2/3", "files": 2}\n{"input": "c", "output": "c", "state": "done"}\n')
    half = part.read_text() + '{"input": "d", "out'
    part.write_text(half)  # as a run that is killed leaves it
    joined = tmp_path / "all.jsonl"
    joined.write_text("".join(path.read_text() for path in (whole, rest, part)))
    assert mien("merge-report", joined).code == mien("merge-report", whole, part, rest).code == 0


@pytest.mark.parametrize(
    "text",
    [
        *("{", "5", "[]", '{"input": "a"}', '{"input": "a", "output": "b", "state": "odd"}'),
        *('{"shard": "4/3", "files": 1}', '{"shard": "1/2"}', '{"shard": "1/99999999", "files": 1}'),
    ],
)
def test_what_is_no_report(mien: Mien, tmp_path: Path, text: str):
    (tmp_path / "x.jsonl").write_text(f"{text}\n")
    ran = mien("merge-report", tmp_path / "x.jsonl")
    assert ran.code == 2 and ran.err.count("\n") == 1 and "Error" not in ran.err
    assert ", line 1 " in ran.err
    assert mien("merge-report", tmp_path / "none.jsonl").code == 2
    (tmp_path / "x.jsonl").write_text("")
    assert "tell of no file" in mien("merge-report", tmp_path / "x.jsonl").err
