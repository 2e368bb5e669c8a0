"""Documents in one SQLite file, in WAL mode, so that several processes read and write it at once.

A document is a row of JSON. Every write takes the next number of one counter for the whole file as its version: that makes a
compare-and-set one UPDATE, and lets a watch ask for what is newer than what it has seen.
"""

# ruff: noqa: S608 - only our tables' names, and fields that _json_path has let through, are parts of statements; values are bound.

import json
import logging
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from consumer.backends import DELETE, SERVER_TIME, Beside, Conflict, Revision, Snapshot, TooLarge, Unavailable
from consumer.directories import unusable

logger = logging.getLogger(__name__)

BUSY_TIMEOUT_S = 20.0
"""How long a write waits for another process's write; each takes milliseconds."""

POLL_S = 0.02
"""How often a watch looks whether another connection has committed: one read of shared memory."""

MAX_DOCUMENT_BYTES = 1 << 20
"""Firestore's limit: what does not fit there does not fit here."""

TIME_KEY = "$time"
"""A timestamp in JSON: {"$time": "2026-01-31T12:00:00.000000+00:00"}; text of fixed width, so that it sorts."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (id TEXT PRIMARY KEY, version INTEGER NOT NULL, fields TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counter (version INTEGER NOT NULL);
INSERT INTO counter SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM counter);
CREATE INDEX IF NOT EXISTS documents_by_version ON documents (version);
CREATE INDEX IF NOT EXISTS documents_by_status ON documents (json_extract(fields, '$."status"'), id);
CREATE INDEX IF NOT EXISTS documents_by_owner ON documents (json_extract(fields, '$."owner"'), id);
CREATE TABLE IF NOT EXISTS others (id TEXT PRIMARY KEY, version INTEGER NOT NULL, fields TEXT NOT NULL) WITHOUT ROWID;
"""

JOBS, OTHERS = "documents", "others"
"""The tables. `others` has the documents of every other collection; there an id is a path, such as `users/UID/history/JOB`."""

_LAST = "\U0010ffff"
"""Sorts behind every other character."""

_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")


class LocalCollection:
    """One collection of documents; safe for threads and for processes.

    Args:
        connection: to the file.
        lock: of the connection.
        table: `JOBS` or `OTHERS`.
        prefix: of the ids in that table, such as `users/UID/history/`.
    """

    def __init__(self, connection: sqlite3.Connection, lock: threading.Lock, table: str, prefix: str = "") -> None:
        self._connection = connection
        self._lock = lock
        self._table = table
        self._prefix = prefix

    def get(self, job_id: str) -> Snapshot | None:
        """The document, or None."""
        with self._read() as connection:
            row = connection.execute(
                f"SELECT id, version, fields FROM {self._table} WHERE id = ?", (self._id(job_id),)
            ).fetchone()
        return self._snapshot(row) if row else None

    def create(self, job_id: str, fields: Mapping[str, Any]) -> None:
        """Write a new document. Raises Conflict if it exists."""
        encoded = _encode(_resolve(fields, _now()))
        with self._write() as connection:
            try:
                connection.execute(
                    f"INSERT INTO {self._table} (id, version, fields) VALUES (?, ?, ?)",
                    (self._id(job_id), _next_version(connection), encoded),
                )
            except sqlite3.IntegrityError as error:
                raise Conflict("A document of that id exists already.") from error

    def update(self, revision: Revision, changes: Mapping[str, Any], beside: Beside | None = None) -> Revision:
        """Compare-and-set. Raises Conflict if the document was written, or removed, since the revision."""
        return self._write_on(revision, lambda fields: _encode_fields(fields, changes), beside or {})

    def replace(self, revision: Revision, fields: Mapping[str, Any]) -> None:
        """Compare-and-set of the whole document. Raises as `update` does."""
        self._write_on(revision, lambda _: _encode(_resolve(fields, _now())))

    def delete(self, job_id: str, *, unchanged: Revision | None = None) -> None:
        """Remove the document, if it is there. Raises Conflict if it was written or removed since it was `unchanged`."""
        with self._write() as connection:
            version = "" if unchanged is None else " AND version = ?"
            values = (self._id(job_id), *([] if unchanged is None else [unchanged.version]))
            deleted = connection.execute(f"DELETE FROM {self._table} WHERE id = ?{version}", values).rowcount
            if unchanged is not None and not deleted:
                raise Conflict("The document was written since it was read.")

    def find(
        self,
        equal: Mapping[str, Any],
        *,
        order_by: str | None = None,
        descending: bool = False,
        until: datetime | None = None,
        after: Snapshot | None = None,
        limit: int = 100,
    ) -> list[Snapshot]:
        """A page of documents; see `DocumentStore`."""
        conditions: list[str] = []
        values: list[Any] = []
        if self._prefix:
            conditions.append("id > ? AND id < ?")
            values += [self._prefix, self._prefix + _LAST]
        for field, value in equal.items():
            conditions.append(f"json_extract(fields, '{_json_path(field)}') = ?")
            values.append(value)
        direction, beyond = ("DESC", "<") if descending else ("ASC", ">")
        key = "id"
        if order_by is not None:
            path = _json_path(order_by)
            # Values of different types sort by type, as in Firestore: those that are times first, then the strange ones.
            conditions.append(f"json_type(fields, '{path}') IS NOT NULL")
            key = (
                f"coalesce(json_extract(fields, '{path}.\"{TIME_KEY}\"'), '~' || coalesce(json_extract(fields, '{path}'), ''))"
            )
            if until is not None:
                conditions.append(f"json_extract(fields, '{path}.\"{TIME_KEY}\"') <= ?")
                values.append(_encode_time(until)[TIME_KEY])
        if after is not None:
            if order_by is None:
                conditions.append(f"id {beyond} ?")
                values.append(self._id(after.id))
            else:
                page = f"(SELECT {key}, id FROM (SELECT ? AS fields, ? AS id))"
                conditions.append(f"({key}, id) {beyond} {page}")
                values += [_encode(after.fields), self._id(after.id)]
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        order = f"{key} {direction}, id {direction}" if order_by else f"id {direction}"
        query = f"SELECT id, version, fields FROM {self._table} {where} ORDER BY {order} LIMIT ?"
        with self._read() as connection:
            rows = connection.execute(query, (*values, limit)).fetchall()
        return [self._snapshot(row) for row in rows]

    def _id(self, job_id: str) -> str:
        return self._prefix + job_id

    def _snapshot(self, row: tuple[str, int, str]) -> Snapshot:
        path, version, fields = row
        decoded = json.loads(fields, object_hook=_decode_time)
        return Snapshot(id=path.removeprefix(self._prefix), version=version, fields=decoded, read_time=_now())

    def _write_on(
        self, revision: Revision, encode: Callable[[Mapping[str, Any]], str], beside: Beside | None = None
    ) -> Revision:
        key = self._id(revision.id)
        with self._write() as connection:
            row = connection.execute(
                f"SELECT id, version, fields FROM {self._table} WHERE id = ? AND version = ?", (key, revision.version)
            ).fetchone()
            if row is None:
                raise Conflict("The document was written since it was read.")
            encoded, version = encode(self._snapshot(row).fields), _next_version(connection)
            connection.execute(f"UPDATE {self._table} SET fields = ?, version = ? WHERE id = ?", (encoded, version, key))
            for path, fields in (beside or {}).items():
                connection.execute(
                    f"INSERT OR REPLACE INTO {OTHERS} (id, version, fields) VALUES (?, ?, ?)",
                    (path, version, _encode(_resolve(fields, _now()))),
                )
        return Revision(revision.id, version)

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        with _as_unavailable(), self._lock:
            yield self._connection

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with _as_unavailable(), self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")


class LocalDocuments(LocalCollection):
    """The collection of job documents in one SQLite file, with the file's other collections; safe for threads and processes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with _as_unavailable(path.parent):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Only the account that runs the daemon may read it. SQLite gives its other files the same mode.
            path.touch(mode=0o600)
            super().__init__(_connect(path), threading.Lock(), JOBS)
            with self._write() as connection:
                for statement in _SCHEMA.strip().split(";\n"):
                    connection.execute(statement)

    def collection(self, path: str) -> LocalCollection:
        """Another collection of the same file."""
        return LocalCollection(self._connection, self._lock, OTHERS, f"{path}/")

    def watch(self, status: str, callback: Callable[[str, str], None], *, newest: int | None = None) -> "LocalWatch":
        """Call back soon after a document gets that status; only what is newer than the watch is told of, at no cost."""
        return LocalWatch(self._path, [{"status": status}], callback)

    def watch_any(self, alternatives: Sequence[Mapping[str, Any]], callback: Callable[[str], None]) -> "LocalWatch":
        """The same for documents whose fields equal one of `alternatives`."""
        return LocalWatch(self._path, alternatives, lambda job_id, _owner: callback(job_id))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()


class LocalWatch:
    """Watches through a connection of its own, so that `data_version` tells of every other connection's commits."""

    def __init__(self, path: Path, alternatives: Sequence[Mapping[str, Any]], callback: Callable[[str, str], None]) -> None:
        self._path, self._callback = path, callback
        # The plus keeps SQLite from the index by status: few documents are newer than what was seen, many have one status.
        self._where = " OR ".join(
            "(" + " AND ".join(f"+json_extract(fields, '{_json_path(field)}') = ?" for field in equal) + ")"
            for equal in alternatives
        )
        self._values = [value for equal in alternatives for value in equal.values()]
        self._closed = threading.Event()
        self._last_heard = time.monotonic()
        with _as_unavailable(), _connection(path) as connection:
            self._seen = _last_version(connection)
        self._thread = threading.Thread(target=self._run, name="local-watch", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it still looks."""
        return self._thread.is_alive() and not self._closed.is_set()

    @property
    def last_heard(self) -> float:
        """time.monotonic() of the last look."""
        return self._last_heard

    def close(self) -> None:
        """End it, and wait for its thread unless that is the caller."""
        self._closed.set()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        try:
            with _connection(self._path) as connection:
                committed = None
                while not self._closed.wait(POLL_S):
                    (now,) = connection.execute("PRAGMA data_version").fetchone()
                    if now != committed:
                        self._look(connection)
                        committed = now
                    self._last_heard = time.monotonic()
        except sqlite3.Error:
            logger.exception("The watch on the documents has ended.")

    def _look(self, connection: sqlite3.Connection) -> None:
        owner = f"json_extract(fields, '{_json_path('owner')}')"
        newer = f"SELECT id, version, {owner} FROM documents WHERE version > ? AND ({self._where}) ORDER BY version"
        changed = connection.execute(newer, (self._seen, *self._values)).fetchall()
        for job_id, version, owner in changed:
            self._seen = version
            try:
                self._callback(job_id, owner if isinstance(owner, str) else "")
            except Exception:
                # An error of the callback must not end the watch.
                logger.exception("The callback of a watch failed.")


def copy_database(source: Path, target: Path) -> None:
    """Copy the documents as they are at one moment, while other processes write.

    Raises:
        Unavailable: a database cannot be read or written.
    """
    with _as_unavailable(), _connection(source) as reading, closing(sqlite3.connect(target)) as writing:
        reading.backup(writing)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    # A document that was acknowledged survives a power cut.
    connection.execute("PRAGMA synchronous=FULL")
    return connection


@contextmanager
def _connection(path: Path) -> Iterator[sqlite3.Connection]:
    connection = _connect(path)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def _as_unavailable(data_dir: Path | None = None) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        # SQLite's own words: `database or disk is full`, `database is locked`. They name no path and no value.
        raise Unavailable(f"The embedded document store cannot be used: {error}.") from error
    except OSError as error:
        raise Unavailable(unusable("document store", error, data_dir)) from error


def _next_version(connection: sqlite3.Connection) -> int:
    connection.execute("UPDATE counter SET version = version + 1")
    return _last_version(connection)


def _last_version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("SELECT version FROM counter").fetchone()
    return int(version)


def _now() -> datetime:
    return datetime.now(UTC)


def _json_path(field: str) -> str:
    if not _FIELD.fullmatch(field):
        raise ValueError("A field is a name, or names joined by dots.")
    return "$." + ".".join(f'"{part}"' for part in field.split("."))


def _encode_fields(fields: Mapping[str, Any], changes: Mapping[str, Any]) -> str:
    now = _now()
    merged = _resolve(fields, now)
    for field, value in changes.items():
        *parents, name = field.split(".")
        target = merged
        for parent in parents:
            if not isinstance(target.get(parent), dict):
                target[parent] = {}
            target = target[parent]
        if value is DELETE:
            target.pop(name, None)
        else:
            target[name] = _resolve(value, now)
    return _encode(merged)


def _encode(fields: Mapping[str, Any]) -> str:
    encoded = json.dumps(fields, allow_nan=False, separators=(",", ":"), default=_encode_time)
    if len(encoded) > MAX_DOCUMENT_BYTES:
        raise TooLarge("The document would be larger than 1 MiB.")
    return encoded


def _resolve(value: Any, now: datetime) -> Any:
    """A copy with the store's time in place of SERVER_TIME; one write has one time."""
    if value is SERVER_TIME:
        return now
    if isinstance(value, Mapping):
        return {key: _resolve(item, now) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_resolve(item, now) for item in value]
    return value


def _encode_time(value: Any) -> Any:
    if isinstance(value, datetime):
        return {TIME_KEY: value.astimezone(UTC).isoformat(timespec="microseconds")}
    raise TypeError(f"A document cannot hold a {type(value).__name__}.")


def _decode_time(value: dict[str, Any]) -> Any:
    if value.keys() == {TIME_KEY} and isinstance(value[TIME_KEY], str):
        try:
            moment = datetime.fromisoformat(value[TIME_KEY])
        except ValueError:
            return value
        return moment if moment.tzinfo else value
    return value
