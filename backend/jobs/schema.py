"""Tables of the job queue and how its file is opened; used by `queue` only."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from shared.errors import AcetateError

VERSION = 1
COLUMNS = (
    "number, id, key, request_sha256, state, seq, engine, device, attempts, deaths, token, "
    "from_cache, error, created_at, started_at, ended_at"
)

_TABLES = """
CREATE TABLE requests(sha256 TEXT PRIMARY KEY, document BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE jobs(
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    key TEXT NOT NULL UNIQUE,
    request_sha256 TEXT NOT NULL REFERENCES requests(sha256),
    runtime TEXT NOT NULL,
    state TEXT NOT NULL,
    seq INTEGER NOT NULL,
    engine TEXT NOT NULL,
    device TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0,
    deaths INTEGER NOT NULL DEFAULT 0,
    token TEXT NOT NULL DEFAULT '',
    from_cache INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    created_at REAL NOT NULL,
    started_at REAL NOT NULL DEFAULT 0,
    ended_at REAL NOT NULL DEFAULT 0
);
CREATE INDEX jobs_by_state ON jobs(state, number);
CREATE INDEX jobs_by_request ON jobs(request_sha256, runtime);
CREATE INDEX jobs_by_token ON jobs(token) WHERE token <> '';
CREATE TABLE events(
    job TEXT NOT NULL REFERENCES jobs(id),
    seq INTEGER NOT NULL,
    state TEXT NOT NULL,
    at REAL NOT NULL,
    error TEXT,
    PRIMARY KEY(job, seq)
) WITHOUT ROWID;
CREATE TABLE results(
    job TEXT PRIMARY KEY REFERENCES jobs(id),
    manifest TEXT NOT NULL,
    count INTEGER NOT NULL,
    total_bytes INTEGER NOT NULL
) WITHOUT ROWID;
"""


def open_database(file: Path) -> sqlite3.Connection:
    """Open or make the queue's file. Raises `disk`, or `queue_damaged` for one that is no queue."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(file, isolation_level=None)
        _prepare(database)
    except (OSError, sqlite3.OperationalError) as error:
        raise AcetateError("disk", detail=f"{file.name}: {error}") from error
    except sqlite3.DatabaseError as error:
        raise AcetateError("queue_damaged", file=file.name, detail=f"{file}: {error}") from error
    return database


def _prepare(database: sqlite3.Connection) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
        database.execute(f"PRAGMA {pragma}")
    check = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    if check != "ok":
        raise sqlite3.DatabaseError(f"damaged: {check}")
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise sqlite3.DatabaseError(f"written by a newer Acetate (tables {version})")
    if version < VERSION:
        database.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version={VERSION}; COMMIT;")
