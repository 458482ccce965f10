"""Long work that outlives who asked for it: jobs and their tasks in one SQLite file.

    Queue      put jobs in, look at them, pause, resume, retry; claim a task, renew it, end it

A task is one photo or clip. Who claims it holds a lease and renews it while at work; when it ends unrenewed, as
after `kill -9`, the task waits again. Results are written beside their place and renamed, clips go on in their
`OUT.parts`, so that doing a task twice is harmless. Training takes hours, so workers of its own do that, and whatever
else waits, does not wait for it.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import sqlite3
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import RequestError

LEASE = 12.0  # seconds after which a task that nobody renews waits again
EVENTS = 5000  # that are kept for who listens
TRAINING = "train"  # the verb that takes hours
TABLES = """
CREATE TABLE IF NOT EXISTS job (
    id TEXT PRIMARY KEY, verb TEXT NOT NULL, arguments TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'active',
    made REAL NOT NULL, key TEXT UNIQUE, owner TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS task (
    id INTEGER PRIMARY KEY, job TEXT NOT NULL REFERENCES job(id) ON DELETE CASCADE, item TEXT NOT NULL,
    source TEXT NOT NULL, target TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'waiting', tries INTEGER NOT NULL DEFAULT 0,
    worker TEXT, lease REAL NOT NULL DEFAULT 0, done INTEGER NOT NULL DEFAULT 0, total INTEGER NOT NULL DEFAULT 1,
    note TEXT NOT NULL DEFAULT '', seconds REAL NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS task_state ON task(state, lease);
CREATE INDEX IF NOT EXISTS task_job ON task(job);
CREATE TABLE IF NOT EXISTS event (id INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL);
"""
NEXT = """
SELECT task.id FROM task JOIN job ON job.id = task.job
WHERE job.state = 'active' AND (job.verb = :slow) = :training
    AND (task.state = 'waiting' OR task.state = 'running' AND task.lease < :now)
ORDER BY task.id LIMIT 1
"""
CLAIM = f"""
UPDATE task SET state = 'running', worker = :worker, lease = :until, tries = tries + 1 WHERE id = ({NEXT})
RETURNING id, job, item, source, target, tries
"""
SUMMARY = """
SELECT job.id, verb, arguments, job.state AS wish, made, count(*) AS total,
    (SELECT item FROM task AS first WHERE first.job = job.id ORDER BY id LIMIT 1) AS item,
    sum(task.state = 'done') AS done, sum(task.state = 'declined') AS declined, sum(task.state = 'failed') AS failed,
    sum(task.state = 'running') AS running, sum(task.state = 'waiting') AS waiting,
    sum(CASE WHEN task.state IN ('done', 'declined', 'failed') THEN 1.0
        ELSE 1.0 * task.done / max(task.total, 1) END) AS share, sum(seconds) AS seconds
FROM job JOIN task ON task.job = job.id
"""


@dataclass(frozen=True)
class Task:
    """One photo or clip of a job, as its worker gets it."""

    id: int
    job: str
    verb: str
    arguments: dict[str, Any]
    item: str
    source: Path
    target: Path
    tries: int


class Queue:
    """The jobs in a file. Each thread and process opens its own connection; all may be used at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._connected() as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(TABLES)
        path.chmod(0o600)

    @contextlib.contextmanager
    def _connected(self) -> Generator[sqlite3.Connection]:
        db = sqlite3.connect(self.path, timeout=20, isolation_level=None)
        db.row_factory = sqlite3.Row
        try:
            db.execute("PRAGMA foreign_keys = ON")
            yield db
        finally:
            db.close()

    @contextlib.contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
        """One change, whole or not at all."""
        with self._connected() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                db.execute("ROLLBACK")
                raise

    # ---- who asks

    def put(
        self,
        verb: str,
        arguments: dict[str, Any],
        items: Sequence[tuple[str, Path, Path]],
        *,
        id: str = "",
        key: str | None = None,
    ) -> str:
        """A new job: what is to be done to items (name, source, target); its id. key: of the asker, by which the
        same job is never put in twice."""
        id = id or secrets.token_hex(8)
        with self._writing() as db:
            known = db.execute("SELECT id FROM job WHERE key = ?", (key,)).fetchone() if key else None
            if known:
                return str(known["id"])
            row = (id, verb, json.dumps(arguments), time.time(), key)
            db.execute("INSERT INTO job (id, verb, arguments, made, key) VALUES (?, ?, ?, ?, ?)", row)
            rows = [(id, item, str(source), str(target)) for item, source, target in items]
            db.executemany("INSERT INTO task (job, item, source, target) VALUES (?, ?, ?, ?)", rows)
            _told(db, id)
        return id

    def jobs(self, id: str | None = None) -> list[dict[str, Any]]:
        """All jobs, or one: how far each is; the newest first."""
        where = "WHERE job.id = :id" if id else ""
        with self._connected() as db:
            rows = db.execute(f"{SUMMARY} {where} GROUP BY job.id ORDER BY made DESC", {"id": id}).fetchall()
        return [_summary(dict(row)) for row in rows]

    def job(self, id: str) -> dict[str, Any]:
        """One job; KeyError where there is none."""
        found = self.jobs(id)
        if not found:
            raise KeyError(id)
        return found[0]

    def tasks(self, job: str, after: int = 0, most: int = 200) -> list[dict[str, Any]]:
        """Tasks of a job in their order, from the one behind `after` on."""
        what = "id, item, state, tries, done, total, note, target"
        with self._connected() as db:
            rows = db.execute(
                f"SELECT {what} FROM task WHERE job = ? AND id > ? ORDER BY id LIMIT ?", (job, after, most)
            ).fetchall()
        return [dict(row) for row in rows]

    def wish(self, job: str, state: str) -> None:
        """Let a job go on ("active") or rest ("paused"): what is being worked at stops soon."""
        if state not in ("active", "paused"):
            raise RequestError(f"a job cannot be {state!r}: active or paused was wanted")
        with self._writing() as db:
            db.execute("UPDATE job SET state = ? WHERE id = ?", (state, job))
            _told(db, job)

    def retry(self, job: str) -> None:
        """Let what failed wait again."""
        with self._writing() as db:
            db.execute(
                "UPDATE task SET state = 'waiting', tries = 0, note = '', done = 0 WHERE job = ? AND state = 'failed'",
                (job,),
            )
            _told(db, job)

    def remove(self, job: str) -> None:
        """Forget a job; who works at it stops."""
        with self._writing() as db:
            db.execute("DELETE FROM job WHERE id = ?", (job,))
            _told(db, job)

    def events(self, after: int) -> list[tuple[int, str]]:
        """What has changed: numbers and ids of jobs, from the one behind `after` on."""
        with self._connected() as db:
            rows = db.execute(
                "SELECT max(id) AS id, job FROM event WHERE id > ? GROUP BY job ORDER BY id", (after,)
            ).fetchall()
        return [(row["id"], row["job"]) for row in rows]

    def last_event(self) -> int:
        with self._connected() as db:
            return int(db.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()[0])

    def waits(self, *, training: bool = False) -> bool:
        """Whether there is something to do, of training or of all else."""
        about = {"slow": TRAINING, "training": training, "now": time.time()}
        with self._connected() as db:
            return db.execute(NEXT, about).fetchone() is not None

    # ---- who works

    def claim(self, worker: str, *, training: bool = False) -> Task | None:
        """The next task, for `worker` alone, of training or of all else; None where nothing waits."""
        now = time.time()
        with self._writing() as db:
            about = {
                "worker": worker,
                "until": now + LEASE,
                "slow": TRAINING,
                "training": training,
                "now": now,
            }
            row = db.execute(CLAIM, about).fetchone()
            if row is None:
                return None
            job = db.execute("SELECT verb, arguments FROM job WHERE id = ?", (row["job"],)).fetchone()
            _told(db, row["job"])
        about = row["item"], Path(row["source"]), Path(row["target"]), row["tries"]
        return Task(row["id"], row["job"], job["verb"], json.loads(job["arguments"]), *about)

    def renew(self, task: Task, worker: str, done: int, total: int) -> bool:
        """Hold a task for longer and say how far it is; False where it is to be let go."""
        with self._writing() as db:
            held = db.execute(
                "UPDATE task SET lease = ?, done = ?, total = ? WHERE id = ? AND worker = ? AND state = 'running'",
                (time.time() + LEASE, done, total, task.id, worker),
            ).rowcount
            state = db.execute("SELECT state FROM job WHERE id = ?", (task.job,)).fetchone()
            _told(db, task.job)
        return bool(held and state and state["state"] == "active")

    def end(self, task: Task, worker: str, state: str, note: str, seconds: float) -> None:
        """How a task ended, said by who holds it. One that is let go in good order, and waits again, was not tried."""
        with self._writing() as db:
            db.execute(
                "UPDATE task SET state = ?, note = ?, seconds = ?, worker = NULL, tries = tries - (? = 'waiting') "
                "WHERE id = ? AND worker = ?",
                (state, note, seconds, state, task.id, worker),
            )
            _told(db, task.job)


def _told(db: sqlite3.Connection, job: str) -> None:
    last = db.execute("INSERT INTO event (job) VALUES (?)", (job,)).lastrowid or 0
    if last % 100 == 0:
        db.execute("DELETE FROM event WHERE id < ?", (last - EVENTS,))


def _summary(row: dict[str, Any]) -> dict[str, Any]:
    """A job as people see it: its state, and the seconds that are left by what it took so far."""
    left = row["waiting"] + row["running"]
    state = "failed" if row["failed"] else "declined" if row["declined"] == row["total"] else "done"
    if left:
        state = "paused" if row["wish"] == "paused" else "running" if row["running"] else "waiting"
    ended = row["done"] + row["declined"] + row["failed"]
    row["arguments"] = json.loads(row["arguments"])
    row["seconds_left"] = (
        round(row.pop("seconds") / ended * (row["total"] - row["share"])) if ended and left else None
    )
    return row | {"state": state, "share": row["share"] / row["total"]}
