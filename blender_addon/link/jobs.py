"""States of one job as the artist sees them: pure data, a transition table and the texts.

Source: the table of job states in the product specification, section 4.4. A terminal state is
final, and an event with an old sequence number changes nothing, so late news cannot roll back.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from ..takes.library import LARGEST


class JobState(Enum):
    """Where a job stands, from reading the scene to frames on disk."""

    CHECKING = "checking"
    UPLOADING = "uploading"
    QUEUED = "queued"
    LOADING = "loading"
    RUNNING = "running"
    RECEIVING = "receiving"
    DONE = "done"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    FAILED = "failed"
    LOST = "lost"


_J = JobState
TERMINAL = frozenset({_J.DONE, _J.CANCELLED, _J.FAILED, _J.LOST})
_WORKING = frozenset({_J.QUEUED, _J.LOADING, _J.RUNNING, _J.RECEIVING})
_SIDE_EXITS = frozenset({_J.CANCELLING, _J.CANCELLED, _J.FAILED, _J.LOST})

# A killed worker or a restarted server sends a running job back into the queue.
ALLOWED: dict[JobState, frozenset[JobState]] = {
    _J.CHECKING: frozenset({_J.UPLOADING, _J.CANCELLED, _J.CANCELLING, _J.FAILED, _J.LOST}),
    _J.UPLOADING: _WORKING | _SIDE_EXITS,
    _J.QUEUED: _WORKING | _SIDE_EXITS,
    _J.LOADING: _WORKING | _SIDE_EXITS,
    _J.RUNNING: _WORKING | _SIDE_EXITS,
    _J.RECEIVING: frozenset({_J.DONE, _J.CANCELLING, _J.CANCELLED, _J.FAILED, _J.LOST}),
    # The work may end before the wish to stop arrives.
    _J.CANCELLING: frozenset({_J.CANCELLED, _J.FAILED, _J.LOST, _J.RECEIVING}),
    **dict.fromkeys(TERMINAL, frozenset[JobState]()),
}


@dataclass(frozen=True)
class JobView:
    """One job as the panels draw it.

    `key` is made by this side before anything is sent (idempotent submit); `job` is the server's
    id, empty until it answered. `take` is the folder name of the take. `done` of `total` count
    steps, layers or frames of the present state. `error` is `AcetateError.to_dict()`.
    """

    key: str
    take: str
    number: int
    seed: int = 0
    job: str = ""
    state: JobState = JobState.CHECKING
    stage: str = ""
    done: int = 0
    total: int = 0
    eta_s: float | None = None
    position: int | None = None
    engine: str = ""
    seq: int = 0
    error: dict[str, str] | None = None

    @property
    def is_over(self) -> bool:
        """True in a terminal state."""
        return self.state in TERMINAL

    @property
    def fraction(self) -> float:
        """Progress inside the present state, 0..1."""
        return min(self.done / self.total, 1.0) if self.total > 0 else 0.0


@dataclass(frozen=True)
class JobNews:
    """A change that somebody reports; `None` leaves a field as it is."""

    state: JobState | None = None
    job: str | None = None
    stage: str | None = None
    done: int | None = None
    total: int | None = None
    eta_s: float | None = None
    position: int | None = None
    engine: str | None = None
    seq: int | None = None
    error: dict[str, str] | None = None


def after(view: JobView, news: JobNews) -> JobView:
    """`view` with the news applied.

    Unchanged where the job is over, where the news is older than what is known, or where the
    table does not allow the state.
    """
    if view.is_over or (news.seq is not None and news.seq < view.seq):
        return view
    state = news.state or view.state
    if state is not view.state and state not in ALLOWED[view.state]:
        return view
    changed: dict[str, Any] = {"state": state}
    if state is not view.state:
        changed.update(stage="", done=0, total=0)
    for name in ("job", "stage", "done", "total", "engine", "seq", "error"):
        value = getattr(news, name)
        if value is not None:
            changed[name] = value
    # A missing estimate is news too: the old one would be stale.
    changed.update(eta_s=news.eta_s, position=news.position)
    return replace(view, **changed)


def recoverable(view: JobView) -> JobView:
    """A job read back from a saved file, as work that the link can take up again."""
    state = JobState.QUEUED if view.job else JobState.LOST
    return view if view.is_over else replace(view, state=state, stage="", done=0, total=0)


def text(view: JobView) -> str:
    """One line for the panel."""
    return _TEXTS[view.state](view)


def _running_text(view: JobView) -> str:
    left = f" · {eta_text(view.eta_s)} left" if view.eta_s is not None else ""
    steps = f" {view.done}/{view.total}" if view.total else ""
    return f"{(view.stage or 'step').capitalize()}{steps}{left}"


def _left_text(view: JobView) -> str:
    return f" · {max(view.total - view.done, 0) / 1e6:.1f} MB left" if view.total else ""


def _queue_text(view: JobView) -> str:
    if not view.position or view.position < 2:
        return "Next in line"
    ahead = view.position - 1
    return f"{ahead} jobs before this one" if ahead > 1 else "1 job before this one"


def _failed_text(view: JobView) -> str:
    return (view.error or {}).get("text", "Failed")


_TEXTS: dict[JobState, Callable[[JobView], str]] = {
    _J.CHECKING: lambda view: "Preparing",
    _J.UPLOADING: lambda view: f"Sending layers{_left_text(view)}",
    _J.QUEUED: _queue_text,
    _J.LOADING: lambda view: "Loading the model",
    _J.RUNNING: _running_text,
    _J.RECEIVING: lambda view: f"Receiving frames{_left_text(view)}",
    _J.DONE: lambda view: f"Take {view.number} ready",
    _J.CANCELLING: lambda view: "Stopping after this step",
    _J.CANCELLED: lambda view: "Cancelled",
    _J.FAILED: _failed_text,
    _J.LOST: lambda view: "The server no longer knows this job",
}


def eta_text(seconds: float) -> str:
    """`about 0:40`: rounded up to 5 s, because a jumping figure tells less."""
    rounded = int(-(-max(seconds, 0.0) // 5) * 5)
    return f"about {rounded // 60}:{rounded % 60:02d}"


def wrap(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` characters: labels in panels do not wrap by themselves."""
    return textwrap.wrap(text, width) or [""]


_LONGEST = 200
_KEPT = ("key", "take", "number", "seed", "job", "engine", "seq", "error")


def to_record(view: JobView) -> dict[str, Any]:
    """Plain form that is kept as JSON in the scene, so that load and crash can resume."""
    return {**{name: getattr(view, name) for name in _KEPT}, "state": view.state.value}


def from_record(record: object) -> JobView | None:
    """Read `to_record` back; None where a file holds something else under that name."""
    if not isinstance(record, dict):
        return None
    known = {name: record[name] for name in _KEPT if name in record}
    try:
        view = JobView(**known, state=JobState(record.get("state")))
    except (TypeError, ValueError):
        return None
    is_plain = all(map(_is_text, (view.key, view.take, view.job))) and all(
        isinstance(number, int) and 0 <= number <= LARGEST
        for number in (view.number, view.seed, view.seq)
    )
    return view if is_plain else None


def _is_text(value: object) -> bool:
    """Whether a record holds a name of ours that can travel; JSON may spell half a character."""
    return isinstance(value, str) and value.isascii() and len(value) <= _LONGEST
