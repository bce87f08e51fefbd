"""The store: outcomes and verdicts in SQLite, evidence beside them in files named by their content.

Only the driver writes. Every write is one transaction, evidence files appear atomically before the row that names them, so a
killed run loses at most the trial it was writing, and two drivers can share a store.
"""

from __future__ import annotations

import errno
import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from ntkit.claims._errors import StoreError
from ntkit.claims._outcome import Outcome, Task
from ntkit.claims._places import write_atomically
from ntkit.claims._sources import Sources

T = TypeVar("T")

SCHEMA = 1
BUSY_SECONDS = 30.0

_TABLES = """
CREATE TABLE IF NOT EXISTS sources (digest TEXT PRIMARY KEY, modules TEXT NOT NULL, versions TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS outcomes (
    key TEXT PRIMARY KEY, claim TEXT NOT NULL, tier TEXT NOT NULL, seed INTEGER NOT NULL, control TEXT, block INTEGER NOT NULL,
    sources TEXT NOT NULL, status TEXT NOT NULL, digest TEXT NOT NULL, body TEXT NOT NULL, created TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS outcomes_of_claim ON outcomes (claim, tier, seed, control, block, created);
CREATE TABLE IF NOT EXISTS verdicts (
    derivation TEXT PRIMARY KEY, claim TEXT NOT NULL, tier TEXT NOT NULL, seed INTEGER NOT NULL,
    record TEXT NOT NULL, created TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS verdicts_of_claim ON verdicts (claim, tier, seed, created);
"""


class Store:
    """The results in one folder (default `.ntkit`).

    Args:
        folder: the store's folder; created when it is opened for writing.
        write: False opens an existing store without changing anything in it.

    Raises:
        StoreError: it is not there (reading), cannot be written, is damaged, or was made by a newer ntkit.
    """

    def __init__(self, folder: Path, *, write: bool = True) -> None:
        self.folder = folder
        self.arrays = folder / "arrays"
        self._file = folder / "results.sqlite"
        if not write and not self._file.is_file():
            raise StoreError(f"--store {folder}: there are no results here; run `ntkit verify` first")
        with self._explained():
            if write:
                self.arrays.mkdir(parents=True, exist_ok=True)
            self._db = self._connect(write)
            version = _patiently(lambda: self._db.execute("PRAGMA user_version").fetchone()[0])
            if version > SCHEMA:
                raise StoreError(
                    f"--store {folder}: written by a newer ntkit (schema {version}, this one knows {SCHEMA}); update ntkit"
                )
            if write and version < SCHEMA:
                _patiently(lambda: self._db.execute("PRAGMA journal_mode = WAL"))
                script = f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {SCHEMA}; COMMIT;"
                _patiently(lambda: self._db.executescript(script))

    def _connect(self, write: bool) -> sqlite3.Connection:
        if write:
            return sqlite3.connect(self._file, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            db = sqlite3.connect(
                f"{self._file.resolve().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS, isolation_level=None
            )
            db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError:  # a folder that cannot be written has no room for the files of the write-ahead log
            db = sqlite3.connect(f"{self._file.resolve().as_uri()}?immutable=1", uri=True, isolation_level=None)
        return db

    def close(self) -> None:
        """Close the database; a closed store is one plain file."""
        self._db.close()

    def put(self, task: Task, outcome: Outcome) -> None:
        """Keep an outcome: its evidence as a file named by its content, then its row."""
        with self._explained():
            if outcome.evidence is not None and not self.evidence_path(outcome.digest).exists():
                write_atomically(self.evidence_path(outcome.digest), outcome.evidence)
            body = {k: v for k, v in asdict(outcome).items() if k not in ("key", "evidence", "status", "digest", "own_files")}
            with self._transaction():
                if outcome.status == "failed" and self._row(task.key, "digest"):
                    return  # a failure does not push out what was measured
                self._put_sources(task.sources)
                row = (task.key, task.claim.name, task.tier, task.seed, task.control, task.block, task.sources.digest)
                self._db.execute(
                    "INSERT OR REPLACE INTO outcomes VALUES (?,?,?,?,?,?,?,?,?,?,?)",
                    (*row, outcome.status, outcome.digest, json.dumps(body), _now()),
                )

    def measured(self, key: str) -> Outcome | None:
        """The outcome under this key, without its arrays; failed ones are never reused."""
        with self._explained():
            row = self._row(key, "status, digest, body")
        if row is None or row[0] != "measured" or not self.evidence_path(row[1]).is_file():
            return None
        body = json.loads(row[2])
        return Outcome(key=key, status="measured", digest=row[1], **{**body, "unmet": tuple(body["unmet"])})

    def supersede(self, keys: Sequence[str]) -> None:
        """Have these trials measured again, by a later run if this one is interrupted; `measured_before` remembers them."""
        with self._explained(), self._transaction():
            statement = "UPDATE outcomes SET status = 'superseded' WHERE key = ? AND status = 'measured'"
            self._db.executemany(statement, [(key,) for key in keys])

    def measured_before(self, key: str) -> tuple[str, dict[str, Any]] | None:
        """Digest and facts of the evidence that this trial had before, superseded or not."""
        with self._explained():
            row = self._row(key, "digest, body")
        return (row[0], json.loads(row[1])["facts"]) if row and row[0] else None

    def evidence(self, digest: str) -> bytes:
        """The bytes of stored evidence, checked against their name.

        Raises:
            StoreError: they are gone or damaged.
        """
        with self._explained():
            data = self.evidence_path(digest).read_bytes()
        if hashlib.sha256(data).hexdigest() != digest:
            raise StoreError(f"{self.evidence_path(digest)} is damaged; delete it and run `ntkit verify` again")
        return data

    def evidence_path(self, digest: str) -> Path:
        """Where the evidence with this digest lies."""
        return self.arrays / f"{digest}.npz"

    def last_sources(self, task: Task) -> Sources | None:
        """The sources of the newest measured outcome of the same trial, whatever they were."""
        where = "claim = ? AND tier = ? AND seed = ? AND control IS ? AND block = ? AND status = 'measured'"
        with self._explained():
            row = self._db.execute(
                f"SELECT s.modules, s.versions FROM outcomes o JOIN sources s ON s.digest = o.sources WHERE {where} "
                "ORDER BY o.created DESC LIMIT 1",
                (task.claim.name, task.tier, task.seed, task.control, task.block),
            ).fetchone()
        return Sources(json.loads(row[0]), json.loads(row[1])) if row else None

    def put_verdict(self, derivation: str, record: dict[str, Any]) -> None:
        """Keep a verdict under the hash of all that it was derived from."""
        row = (derivation, record["claim"], record["tier"], record["seed"], json.dumps(record), _now())
        with self._explained(), self._transaction():
            self._db.execute("INSERT OR REPLACE INTO verdicts VALUES (?,?,?,?,?,?)", row)

    def renew_verdict(self, derivation: str, record: dict[str, Any]) -> None:
        """Make a verdict that was reached again the newest of its trials, if another was reached in between."""
        with self._explained():
            newest = self._db.execute(
                "SELECT derivation FROM verdicts WHERE claim = ? AND tier = ? AND seed = ?"
                " ORDER BY created DESC, rowid DESC LIMIT 1",
                (record["claim"], record["tier"], record["seed"]),
            ).fetchone()
        if newest[0] != derivation:
            self.put_verdict(derivation, record)

    def verdict(self, derivation: str) -> dict[str, Any] | None:
        """The verdict derived from exactly this, if there is one."""
        with self._explained():
            row = self._db.execute("SELECT record FROM verdicts WHERE derivation = ?", (derivation,)).fetchone()
        return json.loads(row[0]) if row else None

    def history(self, claim: str | None = None) -> list[dict[str, Any]]:
        """All verdicts (of one claim), oldest first, each with the time it was reached under `created`."""
        condition, values = ("WHERE claim = ?", (claim,)) if claim else ("", ())
        with self._explained():
            rows = self._db.execute(
                f"SELECT record, created FROM verdicts {condition} ORDER BY created, rowid", values
            ).fetchall()
        return [{**json.loads(record), "created": created} for record, created in rows]

    def merge(self, other: Store) -> tuple[int, int]:
        """Take over what another store has and this one lacks; returns how many outcomes came, and how many disagree.

        Of two outcomes under one key a measured one wins over a failed one; of two measured ones the first stays.
        """
        added = disagreeing = 0
        with self._explained(), other._explained():
            for row in other._db.execute("SELECT * FROM outcomes").fetchall():
                key, status, digest = row[0], row[7], row[8]
                mine = self._db.execute("SELECT status, digest FROM outcomes WHERE key = ?", (key,)).fetchone()
                if mine and (mine[0] == "measured" or status != "measured"):
                    disagreeing += status == mine[0] == "measured" and digest != mine[1]
                    continue
                if status == "measured" and not self.evidence_path(digest).exists():
                    write_atomically(self.evidence_path(digest), other.evidence(digest))
                with self._transaction():
                    self._db.execute("INSERT OR REPLACE INTO outcomes VALUES (?,?,?,?,?,?,?,?,?,?,?)", row)
                added += 1
            sources = other._db.execute("SELECT * FROM sources").fetchall()
            verdicts = other._db.execute("SELECT * FROM verdicts").fetchall()
            backed = [v for v in verdicts if all(self.evidence_path(d).exists() for d in _digests_behind(v[4]))]
            with self._transaction():
                self._db.executemany("INSERT OR IGNORE INTO sources VALUES (?,?,?)", sources)
                self._db.executemany("INSERT OR IGNORE INTO verdicts VALUES (?,?,?,?,?,?)", backed)
        return added, disagreeing

    def _row(self, key: str, columns: str) -> tuple[Any, ...] | None:
        row = self._db.execute(f"SELECT {columns} FROM outcomes WHERE key = ?", (key,)).fetchone()
        return tuple(row) if row and any(row) else None

    def _put_sources(self, sources: Sources) -> None:
        row = (sources.digest, json.dumps(sources.modules), json.dumps(sources.versions))
        self._db.execute("INSERT OR IGNORE INTO sources VALUES (?,?,?)", row)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        _patiently(lambda: self._db.execute("BEGIN IMMEDIATE"))
        try:
            yield
        except BaseException:
            if self._db.in_transaction:  # SQLite rolls back by itself when the disk is full
                self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what the database and the file system say into one sentence with a remedy."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise StoreError(f"--store {self.folder}: {_remedy(str(error))}; what was stored before is still there") from error
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
            text = "database or disk is full" if full else str(error)
            raise StoreError(f"--store {self.folder}: {_remedy(text)}; what was stored before is still there") from error


def _patiently(action: Callable[[], T]) -> T:
    """Try again while another driver holds the database: SQLite's own timeout does not cover a change of journal mode."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            return action()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
        time.sleep(0.02)


def _digests_behind(record: str) -> list[str]:
    """The evidence that a verdict rests on."""
    return [digest for digest in json.loads(record)["evidence"].values() if digest]


def _remedy(text: str) -> str:
    if "full" in text:
        return "the disk is full; free some space and run the same command again"
    if "readonly" in text or "Permission denied" in text or "Read-only" in text or "unable to open" in text:
        return f"it cannot be written ({text}); give --store a folder that can be"
    if "not a database" in text or "malformed" in text:
        return f"results.sqlite is damaged ({text}); move the folder away, or give another --store"
    return text


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
