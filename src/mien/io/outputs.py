"""Places to write to: what can be refused is refused before there is anything to write, and what is written
appears whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import sys
import time
from collections.abc import Generator
from pathlib import Path

from ..errors import OutputError
from ..paths import FULL

DRAFT = re.compile(r"\.mien-[0-9a-f]{12}\.part|\.signing-\w{8}")
TAKEN = errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK  # what systems say of a lock that another holds
STALE = 24 * 3600  # seconds after which nobody works at a draft any more


def check_free(path: Path, force: bool) -> None:
    """Refuse a file that cannot be, or that is there already, unless `force` allows to write over it."""
    if "\0" in str(path):
        raise OutputError(f"{path} is no name for a file")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: there is no folder {path.parent}: mkdir -p {path.parent}")
    if path.is_dir():
        raise OutputError(f"{path} is a folder: a file name was wanted")
    if path.exists() and not force:
        raise _taken(path)


def _taken(path: Path) -> OutputError:
    return OutputError(f"{path} exists: choose another name, or write over it with --force")


def check_empty(folder: Path) -> None:
    """Refuse a folder that holds something."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{folder} is not an empty folder: name a new one")


def means_folder(output: str | Path) -> bool:
    """Whether what is written goes into a folder of that name: it is there, the name ends with a slash, or nothing is
    there and the name has no suffix."""
    path = Path(output)
    return path.is_dir() or str(output).endswith(("/", os.sep)) or not (path.suffix or path.exists())


@contextlib.contextmanager
def folder(path: Path) -> Generator[None]:
    """A folder to write into, with those above it, where it is not there yet; at the end those into which nothing came
    are gone again."""
    missing = [one for one in (path, *path.parents) if not one.exists()]
    make_folder(path)
    try:
        yield
    finally:
        for one in missing:
            with contextlib.suppress(OSError):  # it holds something
                one.rmdir()


def make_folder(path: Path) -> None:
    """A folder to write into, with those above it, where it is not there yet."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: no folder can be made there ({error.strerror})") from error


def link(source: Path, target: Path) -> None:
    """The same file under another name, where the disk can; else a copy. One that is there already stays."""
    if target.exists():
        return
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def write(path: Path, data: bytes | memoryview, *, force: bool) -> None:
    """Write a file, all or nothing. `OutputError` where that fails, or where it is there and `force` is not
    set."""
    try:
        with draft(path) as made:
            with made.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            place(made, path, force=force)
    except OSError as error:
        raise unwritable(path, error, size=len(data)) from error


def unwritable(path: Path, error: OSError, *, size: int = 0) -> OutputError:
    """What to say where a file or folder cannot be written: whether it is room that is wanting, or a permission.
    size: bytes that were to be written, where that is known."""
    if error.errno in FULL:
        free = f"{_in_words(shutil.disk_usage(_there(path)).free)} are free"
        wanted = f"{_in_words(size)} are wanted and {free}" if size else f"the disk is full, {free}"
        return OutputError(f"{path}: {wanted}: make room on it, or name another place")
    check = f"check the permissions of {_there(path)}, or name another place"
    return OutputError(f"{path} cannot be written ({error.strerror or error}): {check}")


def _in_words(size: int) -> str:
    """A number of bytes as people say it."""
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"


def _there(path: Path) -> Path:
    """The nearest folder that a path is to lie in."""
    return next((folder for folder in path.absolute().parents if folder.is_dir()), Path("/"))


@contextlib.contextmanager
def draft(path: Path) -> Generator[Path]:
    """The name of a file beside `path` to write to, which is gone in the end unless it took its place."""
    sweep(path.parent)
    made = path.with_name(f".mien-{secrets.token_hex(6)}.part")
    try:
        yield made
    finally:
        with contextlib.suppress(OSError):
            made.unlink(missing_ok=True)


def place(made: Path, path: Path, *, force: bool) -> None:
    """Let a complete draft take its place. Without `force` the name is claimed first, so that of two that
    write there at once only one does."""
    if not force:
        try:
            path.touch(exist_ok=False)
        except FileExistsError as error:
            raise _taken(path) from error
    made.replace(path)


@contextlib.contextmanager
def new_folder(path: Path) -> Generator[Path]:
    """A folder to fill, which becomes `path`, where there is none or an empty one, once it is complete; whatever ends
    the work before that leaves nothing."""
    check_empty(path)
    made = path.with_name(f".mien-{secrets.token_hex(6)}.part")
    try:
        made.mkdir(parents=True)
        yield made
        if path.exists():
            path.rmdir()
        made.replace(path)
    except OSError as error:
        raise unwritable(path, error) from error
    except OutputError as error:  # of a file in it, by a name that nobody knows
        if isinstance(error.__cause__, OSError):
            raise unwritable(path, error.__cause__) from error.__cause__
        raise
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextlib.contextmanager
def held(path: Path, what: str) -> Generator[None]:
    """A file that this process alone holds, until it lets go or ends, however it ends; gone afterwards. An
    `OutputError` where another holds it. what: is being worked at, in words."""
    with contextlib.ExitStack() as after, path.open("ab") as file:
        try:
            _lock(file.fileno())
        except OSError as error:
            if error.errno not in TAKEN:
                raise OutputError(
                    f"{path} cannot be locked ({error.strerror}): name an output on another disk"
                ) from error
            raise OutputError(
                f"another run is at work on {what}: wait for it, or name another output"
            ) from error
        after.callback(path.unlink, missing_ok=True)  # once it is closed, as Windows wants it
        yield


def _lock(number: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)


def sweep(folder: Path) -> None:
    """Take away the drafts of processes that were killed."""
    with contextlib.suppress(OSError):
        for one in os.scandir(folder):
            if DRAFT.fullmatch(one.name) and one.stat().st_mtime < time.time() - STALE:
                remove = shutil.rmtree if one.is_dir(follow_symlinks=False) else os.unlink
                with contextlib.suppress(OSError):
                    remove(one.path)
