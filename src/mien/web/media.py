"""The pictures that a studio holds: uploads and what was made of them, by id.

    Library    the folder of one run, its pictures, and the threads in which they are worked at

A result is remembered as what it was made of and how (a `Recipe`), and made again when it was forgotten: undo
costs nothing, and memory is bounded. Names are other people's: they are shown, and never choose a place.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from ..errors import InputError, MienError
from ..io import clip_reader, photo_reader, photo_writer
from ..io.preview import jpeg, seen
from ..paths import PORTRAIT
from ..pipeline import gesture
from ..pipeline.keep import taken_keep
from ..pipeline.session import Session
from ..types import Keep, Photo
from .answers import MissingError
from .threads import Threads

T = TypeVar("T")
Apply = Callable[[Session], Photo]
MAX_PIXELS = 100_000_000
SIDE = 1600  # pixels of a preview
THUMB = 192
OPEN, MADE = 3, 4  # photos that are kept open, and results that are kept in memory
FILMS = {"an MP4 video": ".mp4", "a QuickTime video": ".mov", "a Matroska or WebM video": ".mkv"}
SUFFIXES = {
    "JPEG": ".jpg",
    "PNG": ".png",
    "WEBP": ".webp",
    "TIFF": ".tif",
    "AVIF": ".avif",
    "HEIF": ".heic",
    "BMP": ".bmp",
}
WRITTEN = {
    ".avif": ".jpg",
    ".heic": ".jpg",
    ".bmp": ".png",
}  # of formats that are read only, what results are
HEAD = 512  # bytes that say what a file is


@dataclass(frozen=True)
class Recipe:
    """How a result is made of another medium: its id, the verb, and what does it."""

    parent: str
    verb: str
    apply: Apply = field(compare=False, repr=False)


@dataclass(frozen=True)
class Medium:
    """A photo, a clip, a mask, an effect or a result: name as shown; path of its file, which a result has once it was asked for; notes:
    what was asked for and not done."""

    id: str
    kind: str
    name: str
    path: Path
    recipe: Recipe | None = None
    notes: tuple[str, ...] = ()

    def described(self) -> dict[str, Any]:
        parent = {"parent": self.recipe.parent, "verb": self.recipe.verb} if self.recipe else {}
        return {"id": self.id, "kind": self.kind, "name": self.name} | parent


class Opened:
    """A medium at work: the session of its own pixels, and what a screen shows of it. Of a clip, its first frame."""

    def __init__(self, photo: Photo) -> None:
        self.session = Session(photo)

    @cached_property
    def shown(self) -> Session:
        return gesture.shown(self.session.photo, SIDE, self.session)

    @cached_property
    def followed(self) -> Session:
        return gesture.followed(self.shown)


def kind_of(head: bytes) -> tuple[str, str]:
    """What a file is by its first bytes: "photo" or "clip", and the suffix that it is kept under."""
    found = photo_reader.kind_of(head)
    if found in SUFFIXES:
        return "photo", SUFFIXES[found]
    if found in FILMS:
        return "clip", FILMS[found]
    said = f"this is {found}" if found else "this is not a picture" if head else "this file is empty"
    raise InputError(f"{said}: a {photo_reader.READABLE} file was wanted, or an MP4, MOV, MKV or WebM film")


def safe_name(name: str, suffix: str) -> str:
    """A name that is one on every system, for the file and for its label: the last part of what came, without
    what could be a path, hidden or a device."""
    stem = re.split(r"[/\\]", name)[-1].rpartition(".")[0] or "photo"
    stem = re.sub(r"[^\w ()+,-]", "_", stem)[:80].strip(" .") or "photo"
    reserved = re.fullmatch(r"(?i)con|prn|aux|nul|com\d|lpt\d", stem)
    return f"{'_' if reserved else ''}{stem}{suffix}"


class Library:
    """All media of one run, in a folder of its own that ends with it. Not for two runs at once."""

    def __init__(self, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        home.chmod(0o700)
        sweep(home)
        self.folder = home / f"session-{secrets.token_hex(8)}"
        self.folder.mkdir(mode=0o700)
        self._alive = _locked(self.folder)
        self._media: dict[str, Medium] = {}
        self._open: OrderedDict[str, Opened] = OrderedDict()
        self._made: OrderedDict[str, Photo] = OrderedDict()
        self._facts: dict[tuple[str, str], Any] = {}
        self._lock = threading.RLock()
        self.threads = Threads()
        self.run, self.look = self.threads.run, self.threads.look

    def seeing(self, id: str) -> Callable[..., Awaitable[Any]]:
        """Where a medium is shown: results are made where all is made."""
        return self.run if self[id].recipe else self.look

    # ---- in

    def new_path(self, name: str, suffix: str) -> tuple[str, Path]:
        """An id, and where a file of that id goes."""
        id = secrets.token_hex(8)
        place = self.folder / id
        place.mkdir(mode=0o700)
        return id, place / safe_name(name, suffix)

    def add(self, id: str, name: str, path: Path) -> Medium:
        """A file that has come whole. `InputError` where it cannot be opened; then it is taken away."""
        with path.open("rb") as file:
            kind = kind_of(file.read(HEAD))[0]
        medium = Medium(id, kind, name[:200] or path.name, path)
        try:
            self._remember(id, Opened(_read(medium)))
        except InputError as error:
            self.take_away(path.parent)
            raise InputError(str(error).replace(str(path), medium.name)) from error
        self._media[id] = medium
        return medium

    def put(self, photo: Photo, name: str) -> Medium:
        """A picture that was made here, written with its label as `name`.png."""
        id, path = self.new_path(f"{name}.png", ".png")
        photo_writer.write(photo, path)
        return self.add(id, f"{name}.png", path)

    def add_mask(self, id: str, path: Path) -> Medium:
        """Where a photo is to stay as it was, painted in the page: no picture among the others."""
        try:
            taken_keep(_read(Medium(id, "mask", path.name, path)))
        except MienError as error:
            self.take_away(path.parent)
            raise type(error)(str(error).replace(str(path), "this mask")) from error
        return self.add_file(id, "mask", path)

    def add_file(self, id: str, kind: str, path: Path) -> Medium:
        """A file that was looked at and is well."""
        self._media[id] = Medium(id, kind, path.name, path)
        return self._media[id]

    def keep(self, id: str) -> Keep | None:
        """What a mask keeps."""
        if self[id].kind != "mask":
            raise MissingError("mask")
        return taken_keep(_read(self[id]))

    def add_portrait(self) -> Medium:
        """The portrait in the box."""
        id, path = self.new_path("portrait.jpg", ".jpg")
        path.write_bytes(PORTRAIT.read_bytes())
        return self.add(id, "portrait.jpg", path)

    def make(self, parent: str, verb: str, apply: Apply) -> Medium:
        """A result, made now."""
        of = self[parent]
        suffix = ".png" if of.kind == "clip" else WRITTEN.get(of.path.suffix, of.path.suffix)
        id, path = self.new_path(of.name, suffix)
        made = apply(self.opened(parent).session)
        notes = made.history[-1].notes if made.history else ()
        medium = Medium(id, "result", of.name, path, Recipe(parent, verb, apply), notes)
        self._media[id] = medium
        self._keep(id, made)
        return medium

    # ---- out

    def __getitem__(self, id: str) -> Medium:
        if id not in self._media:
            raise MissingError("picture")
        return self._media[id]

    def all(self, *kinds: str) -> list[Medium]:
        """What was brought in of some kinds, the oldest first; without one, pictures and clips."""
        return [
            medium for medium in list(self._media.values()) if medium.kind in (kinds or ("photo", "clip"))
        ]

    def opened(self, id: str) -> Opened:
        """A medium open for work; the last few stay so."""
        with self._lock:
            if id in self._open:
                self._open.move_to_end(id)
                return self._open[id]
        medium = self[id]
        return self._remember(id, Opened(self.photo(id) if medium.recipe else _read(medium)))

    def photo(self, id: str) -> Photo:
        """The pixels of a medium; a result that was forgotten is made again."""
        recipe = self[id].recipe
        if recipe is None:
            return self.opened(id).session.photo
        if id not in self._made:
            self._keep(id, recipe.apply(self.opened(recipe.parent).session))
        self._made.move_to_end(id)
        return self._made[id]

    def fact(self, id: str, what: str, make: Callable[[Opened], T]) -> T:
        """Something small about a medium, made once: with many media few can be kept open."""
        if (id, what) not in self._facts:
            self.note(id, what, make(self.opened(id)))
        return self._facts[id, what]

    def note(self, id: str, what: str, value: Any) -> None:
        """Remember something small about a medium as long as that is there."""
        with self._lock:
            if id in self._media:
                self._facts[id, what] = value

    def known(self, id: str, what: str) -> Any:
        """What was noted; None where nothing was."""
        return self._facts.get((id, what))

    def preview(self, id: str, side: int) -> bytes:
        """A JPEG at most `side` pixels wide or high, sRGB, without EXIF."""
        if side <= THUMB:
            return self.fact(id, f"thumb {side}", lambda opened: jpeg(opened.shown.photo.pixels, side))
        shown = self[id].recipe is None and side <= SIDE
        return jpeg(self.opened(id).shown.photo.pixels if shown else seen(self.photo(id)), side)

    def file(self, id: str) -> Path:
        """The file of a medium: as it came, or the labelled result."""
        medium = self[id]
        if medium.recipe is not None and not medium.path.exists():
            photo_writer.write(self.photo(id), medium.path)
        return medium.path

    # ---- away

    def forget(self, id: str) -> None:
        """One medium, and what was made of it."""
        for other in [one for one in list(self._media.values()) if one.recipe and one.recipe.parent == id]:
            self.forget(other.id)
        medium = self._media.pop(id, None)
        with self._lock:
            self._open.pop(id, None)
            self._made.pop(id, None)
            self._facts = {key: value for key, value in self._facts.items() if key[0] != id}
        if medium:
            self.take_away(medium.path.parent)

    def forget_all(self) -> None:
        for id in list(self._media):
            self.forget(id)

    def take_away(self, place: Path) -> None:
        shutil.rmtree(place, ignore_errors=True)

    def close(self) -> None:
        """The end of the run: the folder goes."""
        self.threads.close()
        self._alive.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _remember(self, id: str, opened: Opened) -> Opened:
        """A medium that was opened; the other thread may have been faster."""
        with self._lock:
            opened = self._open.setdefault(id, opened)
            while len(self._open) > OPEN:
                self._open.popitem(last=False)
            return opened

    def _keep(self, id: str, photo: Photo) -> None:
        self._made[id] = photo
        while len(self._made) > MADE:
            self._made.popitem(last=False)


def _read(medium: Medium) -> Photo:
    if medium.kind == "clip":
        clip = clip_reader.clip(medium.path, max_pixels=MAX_PIXELS)
        return Photo(next(clip_reader.frames(clip)).pixels)
    return photo_reader.read(medium.path, max_pixels=MAX_PIXELS)


def _locked(folder: Path) -> sqlite3.Connection:
    """A lock that the system lets go when this process ends, however it does."""
    lock = sqlite3.connect(folder / "alive.db", timeout=0, isolation_level=None, check_same_thread=False)
    lock.execute("BEGIN EXCLUSIVE")
    return lock


def sweep(home: Path) -> None:
    """Take away the folders of runs that were killed."""
    for folder in home.glob("session-*"):
        with contextlib.suppress(sqlite3.Error):
            _locked(folder).close()
            shutil.rmtree(folder, ignore_errors=True)
