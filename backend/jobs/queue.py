"""The durable job queue: one SQLite file, written by the server process alone.

Every state change and its event are one transaction, on the disk before anyone hears of it. So an
accepted job survives any crash, and its result is taken exactly once: by the holder of the lease.
"""

from __future__ import annotations

import logging
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from backend.jobs.records import JobRecord, Lease, Outcome
from backend.jobs.schema import COLUMNS, open_database
from backend.jobs.states import AT_WORK, may_move
from shared.errors import AcetateError
from shared.messages import ErrorInfo, JobEvent, JobState

MAX_QUEUED = 64
MAX_DEATHS = 3
log = logging.getLogger("acetate.queue")


class JobQueue:
    """Jobs in the order in which they came. All methods raise `disk` where nothing can be written.

    `clock` gives seconds since 1970; it is shown to people and never decides anything.
    """

    def __init__(self, file: Path, *, max_queued: int = MAX_QUEUED) -> None:
        self.max_queued = max_queued
        self._clock = time.time
        self._db = open_database(file)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def recover(self) -> list[str]:
        """After a start: what was at work is queued again, what was told to stop is cancelled.

        Returns the ids of the jobs that were queued again.
        """
        names = [state.value for state in AT_WORK]
        again: list[str] = []
        with self._transaction():
            marks = ",".join("?" * len(names))
            query = f"SELECT {COLUMNS} FROM jobs WHERE state IN ({marks})"  # noqa: S608 - only marks
            for job in self._records(query, names):
                if job.state is JobState.CANCELLING:
                    self._end(job, JobState.CANCELLED)
                else:
                    self._move(job, JobState.QUEUED, token="", device="")
                    again.append(job.id)
        return again

    def submit(
        self, key: str, document: bytes, request_sha256: str, engine: str, runtime: str
    ) -> tuple[JobRecord, bool]:
        """Store a job, or find the one with this key; returns (job, whether it was there).

        `runtime` names the code and weights that would run: an earlier result of the same request
        by the same runtime is the answer at once. Raises `key_conflict` or `queue_full`.
        """
        with self._transaction():
            known = self._one("key = ?", key)
            if known is not None:
                if known.request_sha256 != request_sha256:
                    raise AcetateError("key_conflict")
                return known, True
            cached = self._cached(request_sha256, runtime)
            if cached is None and self.count(JobState.QUEUED) >= self.max_queued:
                raise AcetateError("queue_full", count=self.max_queued, limit=self.max_queued)
            job = self._insert(key, document, request_sha256, engine, runtime)
            if cached is not None:
                self._finish_from(job, cached)
            return self.get(job), False

    def lease(self, device: str) -> Lease | None:
        """Hand out the oldest waiting job, or None."""
        with self._transaction():
            job = self._one("state = ? ORDER BY number LIMIT 1", JobState.QUEUED.value)
            if job is None:
                return None
            token = secrets.token_hex(8)
            self._move(job, JobState.LEASED, token=token, device=device, attempts=job.attempts + 1)
            row = self._db.execute(
                "SELECT document FROM requests WHERE sha256 = ?", (job.request_sha256,)
            ).fetchone()
            return Lease(job.id, token, row[0])

    def start(self, token: str) -> JobRecord | None:
        """The holder of a lease began to work."""
        return self._with_lease(token, JobState.RUNNING, started_at=self._clock())

    def succeed(self, token: str, outcome: Outcome) -> JobRecord | None:
        """Take a result: once, and only from the lease's holder. None where it came too late."""
        with self._transaction():
            job = self._leased(token)
            if job is None or not may_move(job.state, JobState.SUCCEEDED):
                return None
            self._db.execute(
                "INSERT INTO results(job, manifest, count, total_bytes) VALUES (?, ?, ?, ?)",
                (job.id, outcome.manifest, outcome.count, outcome.total_bytes),
            )
            started_at = job.started_at or self._clock()
            self._end(job, JobState.SUCCEEDED, engine=outcome.engine, started_at=started_at)
            return self.get(job.id)

    def fail(self, token: str, error: AcetateError) -> JobRecord | None:
        """The job itself is at fault: no other attempt would help."""
        with self._transaction():
            job = self._leased(token)
            if job is None:
                return None
            self._fail_or_cancel(job, error)
            return self.get(job.id)

    def give_up(self, job_id: str, error: AcetateError) -> JobRecord:
        """Fail a waiting job: there is nobody who could run it."""
        with self._transaction():
            self._fail_or_cancel(self.get(job_id), error)
            return self.get(job_id)

    def stopped(self, token: str) -> JobRecord | None:
        """The holder of a lease obeyed a cancel."""
        return self._with_lease(token, JobState.CANCELLED, token="", ended_at=self._clock())

    def worker_lost(self, token: str, *, detail: str) -> JobRecord | None:
        """The worker died: queue the job again, at most three times."""
        with self._transaction():
            job = self._leased(token)
            if job is None:
                return None
            deaths = job.deaths + 1
            if job.state is JobState.CANCELLING:
                self._end(job, JobState.CANCELLED)
            elif deaths >= MAX_DEATHS:
                error = AcetateError("worker_died", attempts=deaths, detail=detail)
                self._end(job, JobState.FAILED, error=error, deaths=deaths)
            else:
                self._move(job, JobState.QUEUED, token="", device="", deaths=deaths)
            return self.get(job.id)

    def cancel(self, job_id: str) -> JobRecord:
        """Cancel a waiting job, or ask for a running one to be stopped; harmless to repeat."""
        with self._transaction():
            job = self.get(job_id)
            if job.state is JobState.QUEUED:
                self._end(job, JobState.CANCELLED)
            elif may_move(job.state, JobState.CANCELLING):
                self._move(job, JobState.CANCELLING)
            return self.get(job.id)

    def get(self, start: str) -> JobRecord:
        """The job whose id begins with `start`. Raises `job_unknown` for none or several."""
        if start.isalnum():
            query = f"SELECT {COLUMNS} FROM jobs WHERE id >= ? AND id < ? LIMIT 2"  # noqa: S608 - constant columns
            found = list(self._records(query, [start, start + "g"]))
            if len(found) == 1:
                return found[0]
        raise AcetateError("job_unknown", job=start[:12])

    def page(self, skip: int, limit: int) -> list[JobRecord]:
        """Jobs, newest first."""
        query = f"SELECT {COLUMNS} FROM jobs ORDER BY number DESC LIMIT ? OFFSET ?"  # noqa: S608 - constant columns
        return list(self._records(query, [limit, skip]))

    def waiting(self) -> list[str]:
        """Ids of the jobs in line, next first."""
        rows = self._db.execute(
            "SELECT id FROM jobs WHERE state = ? ORDER BY number", (JobState.QUEUED.value,)
        )
        return [row[0] for row in rows]

    def count(self, *states: JobState) -> int:
        """How many jobs are in one of these states."""
        marks = ",".join("?" * len(states))
        query = f"SELECT count(*) FROM jobs WHERE state IN ({marks})"  # noqa: S608 - only marks
        return self._db.execute(query, [state.value for state in states]).fetchone()[0]

    def events(self, job_id: str, after: int, limit: int) -> tuple[JobEvent, ...]:
        """State changes after number `after`, oldest first."""
        rows = self._db.execute(
            "SELECT seq, state, at, error FROM events WHERE job = ? AND seq > ? "
            "ORDER BY seq LIMIT ?",
            (job_id, after, limit),
        )
        return tuple(
            JobEvent(seq=seq, state=JobState(state), at=at, error=_error(error))
            for seq, state, at, error in rows
        )

    def outcome(self, job_id: str) -> Outcome:
        """The result of a job that succeeded. Raises `not_found`."""
        row = self._db.execute(
            "SELECT r.manifest, j.engine, r.count, r.total_bytes FROM results r "
            "JOIN jobs j ON j.id = r.job WHERE r.job = ?",
            (job_id,),
        ).fetchone()
        if row is None:
            raise AcetateError("not_found", what="result")
        return Outcome(*row)

    def _insert(
        self, key: str, document: bytes, request_sha256: str, engine: str, runtime: str
    ) -> str:
        job_id = secrets.token_hex(8)
        now = self._clock()
        self._db.execute("INSERT OR IGNORE INTO requests VALUES (?, ?)", (request_sha256, document))
        self._db.execute(
            "INSERT INTO jobs(id, key, request_sha256, runtime, state, seq, engine, created_at) "
            "VALUES (?, ?, ?, ?, ?, 1, ?, ?)",
            (job_id, key, request_sha256, runtime, JobState.QUEUED.value, engine, now),
        )
        self._note_event(job_id, 1, JobState.QUEUED, now, None)
        return job_id

    def _cached(self, request_sha256: str, runtime: str) -> str | None:
        job = self._one(
            "request_sha256 = ? AND runtime = ? AND state = ? ORDER BY number DESC LIMIT 1",
            request_sha256,
            runtime,
            JobState.SUCCEEDED.value,
        )
        return job.id if job else None

    def _finish_from(self, job_id: str, cached: str) -> None:
        self._db.execute(
            "INSERT INTO results SELECT ?, manifest, count, total_bytes FROM results WHERE job = ?",
            (job_id, cached),
        )
        engine = self.get(cached).engine
        self._end(self.get(job_id), JobState.SUCCEEDED, engine=engine, from_cache=1)

    def forget_results(self, request_sha256: str) -> None:
        """Answer this request no more from earlier results: their pictures are gone."""
        with self._transaction():
            self._db.execute(
                "UPDATE jobs SET runtime = '' WHERE request_sha256 = ?", (request_sha256,)
            )

    def cached_manifest(self, request_sha256: str, runtime: str) -> str | None:
        """The manifest that a submit of this request would be answered with, or None."""
        job = self._cached(request_sha256, runtime)
        return self.outcome(job).manifest if job else None

    def forget_before(self, ended: float) -> int:
        """Delete jobs that ended before `ended` (seconds since 1970); returns how many."""
        with self._transaction():
            old = "SELECT id FROM jobs WHERE ended_at > 0 AND ended_at < ?"
            for table in ("events", "results"):
                self._db.execute(f"DELETE FROM {table} WHERE job IN ({old})", (ended,))  # noqa: S608 - constants
            done = self._db.execute(f"DELETE FROM jobs WHERE id IN ({old})", (ended,))  # noqa: S608 - constants
            self._db.execute(
                "DELETE FROM requests WHERE sha256 NOT IN (SELECT request_sha256 FROM jobs)"
            )
            return done.rowcount

    def documents(self) -> list[bytes]:
        """The requests of all jobs, each once."""
        return [row[0] for row in self._db.execute("SELECT document FROM requests")]

    def manifests(self) -> list[str]:
        """The result manifests of all jobs, each once."""
        return [row[0] for row in self._db.execute("SELECT DISTINCT manifest FROM results")]

    def _with_lease(self, held: str, after: JobState, **columns: str | float) -> JobRecord | None:
        with self._transaction():
            job = self._leased(held)
            if job is None or not may_move(job.state, after):
                return None
            self._move(job, after, **columns)
            return self.get(job.id)

    def _leased(self, token: str) -> JobRecord | None:
        job = self._one("token = ?", token) if token else None
        return None if job is None or job.state.is_final else job

    def _fail_or_cancel(self, job: JobRecord, error: AcetateError) -> None:
        if job.state is JobState.CANCELLING:
            self._end(job, JobState.CANCELLED)
        else:
            self._end(job, JobState.FAILED, error=error)

    def _end(
        self,
        job: JobRecord,
        state: JobState,
        error: AcetateError | None = None,
        **columns: str | float,
    ) -> None:
        if error is not None:
            log.warning("job %s: %s", job.id[:8], error)
            columns["error"] = msgspec.json.encode(ErrorInfo.of(error)).decode()
        self._move(job, state, token="", ended_at=self._clock(), **columns)

    def _move(self, job: JobRecord, after: JobState, **columns: str | float) -> None:
        if not may_move(job.state, after):
            raise AcetateError("bug", detail=f"job {job.id}: {job.state.value} to {after.value}")
        values: dict[str, str | float] = {"state": after.value, "seq": job.seq + 1, **columns}
        names = ", ".join(f"{name} = ?" for name in values)
        self._db.execute(
            f"UPDATE jobs SET {names} WHERE number = ?",  # noqa: S608 - names are keywords of this file
            [*values.values(), job.number],
        )
        error = columns.get("error")
        self._note_event(job.id, job.seq + 1, after, self._clock(), error)

    def _note_event(
        self, job_id: str, seq: int, state: JobState, now: float, error: object
    ) -> None:
        self._db.execute(
            "INSERT INTO events(job, seq, state, at, error) VALUES (?, ?, ?, ?, ?)",
            (job_id, seq, state.value, now, error),
        )
        log.info("job %s: %s", job_id[:8], state.value)

    def _one(self, condition: str, *values: str) -> JobRecord | None:
        query = f"SELECT {COLUMNS} FROM jobs WHERE {condition}"  # noqa: S608 - conditions of this file
        return next(self._records(query, list(values)), None)

    def _records(self, query: str, values: list[str] | list[int]) -> Iterator[JobRecord]:
        for row in self._db.execute(query, values).fetchall():
            fields = dict(zip(COLUMNS.split(", "), row, strict=True))
            fields["state"] = JobState(fields["state"])
            fields["error"] = _error(fields["error"])
            fields["from_cache"] = bool(fields["from_cache"])
            yield JobRecord(**fields)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing, and on the disk when it is left."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                # A full disk may have rolled back already.
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
        except sqlite3.OperationalError as error:
            raise AcetateError("disk", detail=f"job queue: {error}") from error


def _error(text: str | None) -> ErrorInfo | None:
    return msgspec.json.decode(text, type=ErrorInfo) if text else None
