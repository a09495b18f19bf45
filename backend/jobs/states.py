"""Which state of a job may follow which; the queue asks here before it writes."""

from __future__ import annotations

from shared.messages import JobState

_S = JobState

MOVES: dict[JobState, frozenset[JobState]] = {
    # Straight to succeeded: the same request was answered before and its result is still here.
    _S.QUEUED: frozenset({_S.LEASED, _S.SUCCEEDED, _S.FAILED, _S.CANCELLED}),
    # Back to queued: the worker died, or the server was restarted. Straight to succeeded: a full
    # disk did not let the start be written down, and the result is here all the same.
    _S.LEASED: frozenset({_S.RUNNING, _S.SUCCEEDED, _S.QUEUED, _S.FAILED, _S.CANCELLING}),
    _S.RUNNING: frozenset({_S.SUCCEEDED, _S.FAILED, _S.QUEUED, _S.CANCELLING}),
    # A job that was told to stop ends as cancelled, whatever its worker still manages to say.
    _S.CANCELLING: frozenset({_S.CANCELLED}),
    _S.SUCCEEDED: frozenset(),
    _S.FAILED: frozenset(),
    _S.CANCELLED: frozenset(),
}

AT_WORK = (JobState.LEASED, JobState.RUNNING, JobState.CANCELLING)


def may_move(before: JobState, after: JobState) -> bool:
    """Whether a job may go from one state to another."""
    return after in MOVES[before]
