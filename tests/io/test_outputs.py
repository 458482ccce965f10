"""Files that are written: whole or not at all, over nobody else's, and nothing is left lying about."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from typing import Any

import pytest

from mien.errors import OutputError
from mien.io import outputs


def test_what_has_come_meanwhile_is_not_written_over(tmp_path: Path):
    path = tmp_path / "a.jpg"
    with outputs.draft(path) as made:
        made.write_bytes(b"ours")
        path.write_bytes(b"theirs")
        with pytest.raises(OutputError, match="exists"):
            outputs.place(made, path, force=False)
        assert path.read_bytes() == b"theirs"
        outputs.place(made, path, force=True)
    assert path.read_bytes() == b"ours" and [one.name for one in tmp_path.iterdir()] == ["a.jpg"]


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "a.html"
    path.write_bytes(b"old")

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"a\.html: .* are free"):
        outputs.write(path, b"new", force=True)
    assert path.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("number", "said"), [(errno.ENOSPC, "full, .* make room"), (errno.EROFS, "check the permissions of")]
)
def test_room_or_a_permission_is_what_is_wanting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, said: str
):
    """Of a folder, too; and by the name that people know."""

    def wanting(*_: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", wanting)
    with (
        pytest.raises(OutputError, match=rf"new[: ].*{said}") as refused,
        outputs.new_folder(tmp_path / "new") as made,
    ):
        outputs.write(made / "a.png", b"x", force=False)
    assert ".part" not in str(refused.value) and not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="Windows locks otherwise")
def test_only_a_lock_that_another_holds_is_another_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    lock = tmp_path / "lock"
    with (
        outputs.held(lock, "it"),
        pytest.raises(OutputError, match="another run is at work on it"),
        outputs.held(lock, "it"),
    ):
        pass

    def unknown(*_: Any) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", unknown)
    with pytest.raises(OutputError, match="cannot be locked"), outputs.held(lock, "it"):
        pass


def test_drafts_of_the_killed_are_swept_and_nothing_else(tmp_path: Path):
    old, new = tmp_path / ".mien-0123456789ab.part", tmp_path / ".mien-ba9876543210.part"
    theirs, keys = tmp_path / ".mien-notes.part", tmp_path / ".signing-abcd_123"
    keys.mkdir()
    (keys / "key.pem").write_text("")
    for one in (old, new, theirs):
        one.write_text("")
    long_ago = time.time() - 2 * outputs.STALE
    for one in (old, theirs, keys):
        os.utime(one, (long_ago, long_ago))
    outputs.write(tmp_path / "a.jpg", b"", force=False)
    assert {one.name for one in tmp_path.iterdir()} == {new.name, theirs.name, "a.jpg"}
