"""The table of moves: every allowed one works in the queue, every other one is refused."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from backend.jobs.queue import JobQueue
from backend.jobs.records import JobRecord, Outcome
from backend.jobs.states import MOVES, may_move
from shared.errors import AcetateError
from shared.messages import JobState

S = JobState
OUTCOME = Outcome("ab" * 32, "layer-motion", 1, 10)


def test_final_states_are_final() -> None:
    for state in JobState:
        assert state.is_final == (not MOVES[state])


def test_every_state_can_be_reached_and_left() -> None:
    reached = set().union(*MOVES.values())
    assert reached == set(JobState)


# A waiting job ends at once where its result is known already: see test_queue.
_PAIRS = [pair for pair in itertools.product(JobState, JobState) if pair != (S.QUEUED, S.SUCCEEDED)]


@pytest.mark.parametrize(("before", "after"), _PAIRS)
def test_the_table_holds_in_the_queue(before: JobState, after: JobState, tmp_path: Path) -> None:
    queue = JobQueue(tmp_path / "jobs.db")
    job = _job_in(queue, before)
    _ask_for(queue, job, after)
    now = queue.get(job.id)
    if may_move(before, after):
        assert now.state is after
    else:
        assert now.state is not after or before is after
    if now.seq != job.seq:
        assert may_move(before, now.state)
        assert now.seq == job.seq + 1
    events = queue.events(job.id, 0, 64)
    assert [event.seq for event in events] == list(range(1, now.seq + 1))
    assert events[-1].state is now.state
    queue.close()


def _job_in(queue: JobQueue, state: JobState) -> JobRecord:
    job, _ = queue.submit("0" * 32, b"{}", "cd" * 32, "auto", "runtime")
    if state in (S.QUEUED, S.CANCELLED):
        return queue.cancel(job.id) if state is S.CANCELLED else job
    lease = queue.lease("cpu")
    assert lease is not None
    if state is not S.LEASED:
        queue.start(lease.token)
    if state is S.SUCCEEDED:
        queue.succeed(lease.token, OUTCOME)
    elif state is S.FAILED:
        queue.fail(lease.token, AcetateError("nan"))
    elif state is S.CANCELLING:
        queue.cancel(job.id)
    found = queue.get(job.id)
    assert found.state is state
    return found


def _ask_for(queue: JobQueue, job: JobRecord, after: JobState) -> None:
    """Ask the queue for this move by its public way."""
    error = AcetateError("nan")
    waiting = job.state is S.QUEUED
    ways = {
        S.QUEUED: lambda: queue.worker_lost(job.token, detail=""),
        S.LEASED: lambda: queue.lease("cpu"),
        S.RUNNING: lambda: queue.start(job.token),
        S.CANCELLING: lambda: queue.cancel(job.id),
        S.SUCCEEDED: lambda: queue.succeed(job.token, OUTCOME),
        S.FAILED: lambda: queue.give_up(job.id, error) if waiting else queue.fail(job.token, error),
        S.CANCELLED: lambda: queue.cancel(job.id) if waiting else queue.stopped(job.token),
    }
    ways[after]()
