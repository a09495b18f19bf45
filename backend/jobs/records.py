"""Plain rows of the job queue; made by `queue`, read by the server."""

from __future__ import annotations

from dataclasses import dataclass

from shared.messages import ErrorInfo, JobState


@dataclass(frozen=True)
class JobRecord:
    """One job as stored. `number` orders jobs; times are seconds since 1970, 0 for not yet.

    `token` names the present lease; `deaths` counts workers that died of this job.
    """

    number: int
    id: str
    key: str
    request_sha256: str
    state: JobState
    seq: int
    engine: str
    device: str
    attempts: int
    deaths: int
    token: str
    from_cache: bool
    error: ErrorInfo | None
    created_at: float
    started_at: float
    ended_at: float


@dataclass(frozen=True)
class Lease:
    """A job handed to a worker: only the holder of `token` may move it on."""

    job: str
    token: str
    document: bytes


@dataclass(frozen=True)
class Outcome:
    """What a worker made: the manifest's blob, the engine that ran, and the result's size."""

    manifest: str
    engine: str
    count: int
    total_bytes: int
