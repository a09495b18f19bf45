"""A scheduler with real workers and no clients, driven by a test."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import zmq

from backend.jobs.content_store import ContentStore
from backend.jobs.pool import PoolOptions
from backend.jobs.queue import JobQueue
from backend.server.scheduler import Scheduler
from shared.blobs import MemoryBlobs
from shared.errors import AcetateError
from shared.messages import JobState
from shared.shot import ShotRequest, to_json
from tests.backend.server.running import FAKE_RUNNER


class Bench:
    """Queue, store and scheduler in `folder`; `slot` is the only worker's place."""

    def __init__(self, folder: Path) -> None:
        self.context = zmq.Context()
        self.file = folder / "jobs.db"
        self.queue = JobQueue(self.file)
        self.store = ContentStore(folder)
        options = PoolOptions(data_dir=folder, runner=FAKE_RUNNER)
        self.scheduler = Scheduler(self.context, self.queue, options)
        self.slot = self.scheduler.pool.slots[0]

    def close(self) -> None:
        self.scheduler.pool.close()
        self.queue.close()
        self.context.destroy(linger=0)

    def submit(self, request: ShotRequest, blobs: MemoryBlobs) -> str:
        for sha256 in blobs:
            self.store.blobs.put(blobs.get(sha256))
        key = request.sha256[:32]
        job, _ = self.queue.submit(key, to_json(request), request.sha256, "auto", "runtime")
        self.scheduler.submitted(job)
        return job.id

    def run_until(self, true: Callable[[], bool], limit_s: float = 60.0) -> None:
        until = time.monotonic() + limit_s
        while not true():
            assert time.monotonic() < until, "it did not happen in time"
            self.scheduler.tick()
            while self.scheduler.pool.receive():
                continue
            time.sleep(0.02)

    def state(self, job: str) -> JobState:
        return self.queue.get(job).state

    def states(self, job: str) -> list[JobState]:
        return [event.state for event in self.queue.events(job, 0, 64)]

    def pid(self) -> int:
        return self.slot.process.pid if self.slot.process else 0

    @contextmanager
    def unwritable_queue(self) -> Iterator[None]:
        """As with a full disk: another hand holds the database, and nobody waits for it."""
        with closing_rival(self.file) as rival:
            self.queue._db.execute("PRAGMA busy_timeout=0")
            rival.execute("BEGIN IMMEDIATE")
            yield
            rival.execute("ROLLBACK")

    def is_unwritable(self) -> bool:
        try:
            self.queue.forget_before(0.0)
        except AcetateError as error:
            return error.name == "disk"
        return False


@contextmanager
def closing_rival(file: Path) -> Iterator[sqlite3.Connection]:
    """A second connection to the queue's file."""
    rival = sqlite3.connect(file, isolation_level=None)
    try:
        yield rival
    finally:
        rival.close()
