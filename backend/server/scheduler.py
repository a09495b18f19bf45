"""Brings waiting jobs and idle workers together, and books what workers say; used by `serve`."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from functools import partial

import zmq

from backend.jobs.pool import PoolOptions, Slot, WorkerPool
from backend.jobs.queue import JobQueue
from backend.jobs.records import JobRecord, Lease, Outcome
from backend.jobs.worker_messages import (
    Advanced,
    Failed,
    Finished,
    FromWorker,
    Previewed,
    Started,
    Stopped,
)
from backend.server.board import Board
from shared.errors import AcetateError
from shared.messages import JobState, JobStatus

MAX_STALL_S = 30.0 * 60
log = logging.getLogger("acetate.scheduler")


class Scheduler:
    """The one place where jobs change state. `changed` is called with the id of each such job."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        queue: JobQueue,
        options: PoolOptions,
    ) -> None:
        self.queue = queue
        self.board = Board()
        self.changed: Callable[[str], None] = _nobody
        self._unbooked: deque[Callable[[], None]] = deque()
        self.pool = WorkerPool(context, options, self)

    def status(self, job: JobRecord) -> JobStatus:
        """A job as clients see it."""
        waiting = self.queue.waiting() if job.state is JobState.QUEUED else []
        return self.board.status(job, waiting, any(slot.peer for slot in self.pool.slots))

    def submitted(self, job: JobRecord) -> None:
        """A new job is in the queue."""
        if self.pool.is_hopeless and job.state is JobState.QUEUED:
            self.workers_hopeless("see the worker's log")
        self.dispatch()
        self._notify(job.id)

    def cancel(self, job_id: str) -> JobRecord:
        """Cancel a job in whatever state it is."""
        before = self.queue.get(job_id)
        job = self.queue.cancel(before.id)
        if job.state is JobState.CANCELLING:
            self.pool.stop_job(job.token)
        if job.seq != before.seq:
            self._notify(job.id)
        return job

    def tick(self) -> None:
        """Look after the workers, and book what a full disk did not let through before."""
        self.pool.tick()
        self._end_stalled()
        for _ in range(len(self._unbooked)):
            booking = self._unbooked.popleft()
            if self._refused(booking) is not None:
                self._unbooked.append(booking)
        self.dispatch()

    def dispatch(self) -> None:
        """Give waiting jobs to idle workers, oldest first."""
        for slot in self.pool.slots:
            if not slot.is_idle:
                continue
            lease = self._lease(slot)
            if lease is None:
                return
            self.board.restart(lease.job)
            self.pool.give(slot, lease)
            self._notify(lease.job)

    @property
    def is_idle(self) -> bool:
        """Whether no job is at work and none waits to be booked."""
        return not self._unbooked and all(slot.lease is None for slot in self.pool.slots)

    def _end_stalled(self) -> None:
        """Fail jobs that have made no step for half an hour: their worker hangs."""
        for slot in self.pool.slots:
            if slot.lease is None or time.monotonic() - slot.moved_s < MAX_STALL_S:
                continue
            lease = slot.lease
            self.pool.kill(slot)
            self._book(lease, partial(self._fail_stalled, lease))

    def _lease(self, slot: Slot) -> Lease | None:
        if not self.queue.count(JobState.QUEUED):
            return None
        try:
            return self.queue.lease(slot.device)
        except AcetateError as error:
            log.warning("no job can be handed out: %s", error)
            return None

    def worker_idle(self, slot: Slot) -> None:
        """See `PoolListener`."""
        del slot
        self.dispatch()

    def worker_said(self, slot: Slot, message: FromWorker, parts: tuple[memoryview, ...]) -> None:
        """See `PoolListener`. What does not concern the slot's present job comes too late."""
        lease = slot.lease
        if lease is None or getattr(message, "lease", "") != lease.token:
            return
        if isinstance(message, Started):
            self._book(lease, partial(self._note_start, lease))
        elif isinstance(message, Advanced):
            self.board.advance(lease.job, message)
        elif isinstance(message, Previewed) and parts:
            self.board.show(lease.job, bytes(parts[0]))
        else:
            self._book(lease, partial(self._note_end, slot, lease, message))
            return
        self._notify(lease.job)

    def worker_lost(self, slot: Slot, lease: Lease, detail: str) -> None:
        """See `PoolListener`."""
        del slot
        self._book(lease, partial(self._note_loss, lease, detail))

    def workers_hopeless(self, detail: str) -> None:
        """See `PoolListener`: better an error now than jobs that wait for ever."""
        for job_id in self.queue.waiting():
            error = AcetateError("worker_died", attempts=0, detail=f"no worker starts: {detail}")
            self.queue.give_up(job_id, error)
            self._notify(job_id)

    def _book(self, lease: Lease, booking: Callable[[], None]) -> None:
        """Write to the queue what happened to a job, now or once the disk has room again.

        A result is safe in the store meanwhile. A booking may come too late to matter: the queue
        knows by the lease.
        """
        error = self._refused(booking)
        if error is not None:
            log.warning("job %s cannot be booked yet: %s", lease.job, error)
            self._unbooked.append(booking)

    def _refused(self, booking: Callable[[], None]) -> AcetateError | None:
        try:
            booking()
        except AcetateError as error:
            if error.name != "disk":
                raise
            return error
        return None

    def _note_start(self, lease: Lease) -> None:
        if self.queue.start(lease.token) is not None:
            self._notify(lease.job)

    def _note_loss(self, lease: Lease, detail: str) -> None:
        job = self.queue.worker_lost(lease.token, detail=detail)
        if job is not None:
            self.board.restart(job.id)
            self._notify(job.id)

    def _fail_stalled(self, lease: Lease) -> None:
        self.queue.fail(lease.token, AcetateError("timeout", minutes=round(MAX_STALL_S / 60)))
        self._notify(lease.job)

    def _note_end(self, slot: Slot, lease: Lease, message: FromWorker) -> None:
        # Told to stop, but done before it noticed: the cancel stands.
        job = self._end(lease, message) or self.queue.stopped(lease.token)
        if job is None:
            detail = f"a worker ended its job with {type(message).__name__}"
            self.queue.fail(lease.token, AcetateError("bug", detail=detail))
        if slot.lease is lease:
            self.pool.release(slot)
        self._notify(lease.job)

    def _end(self, lease: Lease, message: FromWorker) -> JobRecord | None:
        match message:
            case Finished():
                outcome = Outcome(
                    message.manifest, message.engine, message.count, message.total_bytes
                )
                return self.queue.succeed(lease.token, outcome)
            case Failed():
                return self.queue.fail(lease.token, message.error.as_error())
            case Stopped():
                return self.queue.stopped(lease.token)
            case _:
                raise AcetateError("bug", detail=f"a worker said {type(message).__name__}")

    def _notify(self, job_id: str) -> None:
        self.board.touch(job_id)
        self.changed(job_id)


def _nobody(job_id: str) -> None:
    del job_id
