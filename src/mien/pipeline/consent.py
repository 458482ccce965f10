"""Records of consent that this user keeps: who agreed, in what words, until when, and what their face is like.

A record is a statement of whoever keeps it and no proof. It lies in this user's own folder, readable by nobody else;
a label gets its name, words and id, and never the numbers of the face.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from ..arguments import checked
from ..errors import InputError, RequestError
from ..io import outputs
from ..io.photo_reader import PhotoLike
from ..models.kit import Kit, shared_kit
from ..paths import data_folder, unkept
from ..types import Identity
from . import people

FILE = "consent.json"


@dataclass(frozen=True)
class Consent:
    """One record. id: 8 hexadecimal digits; added, until, revoked: dates as ISO 8601, empty for none; vector: who the
    picture that came with it shows, by the embedder in the box, empty where none came."""

    name: str
    note: str
    id: str
    added: str
    until: str = ""
    revoked: str = ""
    vector: tuple[float, ...] = ()

    @property
    def words(self) -> str:
        """What a label says of it."""
        until = f", until {self.until}" if self.until else ""
        return f"{self.name}: {self.note} (record {self.id} of {self.added}{until})"

    @property
    def over(self) -> str:
        """Why it holds no more; empty where it does."""
        if self.revoked:
            return f"was revoked on {self.revoked}"
        return f"ended on {self.until}" if self.until and self.until < _today() else ""


@checked
def add_consent(
    name: str, note: str, *, picture: PhotoLike | None = None, until: str = "", kit: Kit | None = None
) -> Consent:
    """Keep a record of what somebody has agreed to, by which `swap` and `animate` can name it: `consent="Ann"`.

    note: in what words, and where that is written; picture: of their face, so that another face is noticed; until: the
    last day that it holds, as 2027-12-31. Raises `RequestError` where the name is taken by a record that holds.
    """
    if not name.strip() or not note.strip():
        raise RequestError("a record of consent wants a name and a note: say what was agreed, and how")
    try:
        last = date.fromisoformat(until).isoformat() if until else ""
    except ValueError as error:
        raise RequestError(f"{until!r} is no date: write it as 2027-12-31") from error
    if last and last < _today():
        raise RequestError(f"{until} is over already: give a day to come")
    known = consents()
    if any(_plain(one.name) == _plain(name) and not one.over for one in known):
        raise RequestError(f"there is a record of {name} already: revoke it first, or choose another name")
    vector = people.person(picture, kit=kit or shared_kit()).vector if picture is not None else ()
    record = Consent(name, note, secrets.token_hex(4), _today(), last, vector=vector)
    _keep([*known, record])
    return record


@checked
def consents() -> list[Consent]:
    """All records, the oldest first; also those that hold no more."""
    path = data_folder() / FILE
    if not path.exists():
        return []
    try:
        return [_record(row) for row in json.loads(path.read_text(encoding="utf-8"))]
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from error
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise InputError(f"{path} is damaged: mend it, or move it away") from error


def _record(row: Any) -> Consent:
    """The record that a row of the file tells; a `TypeError` where it is of other kinds."""
    if not isinstance(row, dict):
        raise TypeError("a record is a table")
    texts = {key: value for key, value in row.items() if key != "vector"}
    if not all(isinstance(value, str) for value in texts.values()):
        raise TypeError("a record has texts and numbers")
    return Consent(**texts, vector=tuple(map(float, row["vector"])))


@checked
def revoke_consent(which: str) -> Consent:
    """Let the record of that name or id hold no more; it stays in the list, as labels name it."""
    record, known = find_consent(which), consents()
    if record is None or record.revoked:
        raise RequestError(f"no record that holds is called {which!r}: `mien consent list` shows them")
    ended = replace(record, revoked=_today())
    _keep([ended if one.id == record.id else one for one in known])
    return ended


def find_consent(which: str) -> Consent | None:
    """The newest record of that name or id; None where there is none, as a text is given then."""
    wanted = _plain(which)
    return next((one for one in reversed(consents()) if wanted in (_plain(one.name), one.id)), None)


def check_consent(consent: str, verb: str) -> None:
    """Refuse what wants consent, as "a swap", by a `RequestError`: without it, and with a record that holds no more."""
    if not consent.strip():
        raise RequestError(
            f"{verb} needs consent: say who agreed and when, as in --consent 'both agreed by mail, 2026-11-29'"
        )
    record = find_consent(consent)
    if record is not None and record.over:
        raise RequestError(f"the consent of {record.name} {record.over}: {verb} needs one that holds")


def stated(consent: str, kit: Kit, faces: Callable[[], list[Identity]]) -> tuple[str, tuple[str, ...]]:
    """What a label says of a consent, the text or that of the record which it names; and a warning where that is of
    somebody whom none of the faces is like. faces: who they are, asked where a record has a face."""
    record = find_consent(consent)
    if record is None:
        alone = " " not in consent.strip() and consents()  # as a name that is nearly that of a record
        return consent, (f"no record of consent is called {consent}: it is told as words",) if alone else ()
    if not record.vector:
        return record.words, ()
    known = Identity(np.array(record.vector))
    likeness = max(known.likeness(one) for one in faces())
    if likeness >= kit.embedder().threshold:
        return record.words, ()
    return record.words, (
        f"no face here is like that of {record.name} in the consent record {record.id} (likeness {likeness:.2f})",
    )


def _plain(name: str) -> str:
    return name.strip().casefold()


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _keep(records: Sequence[Consent]) -> None:
    """Write all records, in one go, for this user's eyes alone."""
    folder = data_folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with outputs.draft(folder / FILE) as made:
            with open(made, "x", encoding="utf-8", opener=_private) as file:
                json.dump([asdict(one) for one in records], file, indent=1)
            made.replace(folder / FILE)
    except OSError as error:
        raise unkept("a record", error) from error


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
