"""What is known of running jobs in memory only: progress and previews, newest state alone."""

from __future__ import annotations

from dataclasses import dataclass

from backend.jobs.records import JobRecord
from backend.jobs.worker_messages import Advanced
from shared.messages import JobState, JobStatus


@dataclass
class Live:
    """Progress of one job; `revision` grows with every change, `number` with every preview."""

    revision: int = 1
    stage: str = ""
    step: int = 0
    steps: int = 0
    eta_s: float | None = None
    picture: bytes = b""
    number: int = 0


class Board:
    """Live state per job id; forgets the oldest pictures beyond `keep` jobs."""

    def __init__(self, keep: int = 64) -> None:
        self._keep = keep
        self._jobs: dict[str, Live] = {}

    def live(self, job: str) -> Live:
        """The live state of a job, fresh where there was none."""
        if job not in self._jobs:
            while len(self._jobs) >= self._keep:
                del self._jobs[next(iter(self._jobs))]
            self._jobs[job] = Live()
        return self._jobs[job]

    def touch(self, job: str) -> None:
        """Something that clients see has changed."""
        self.live(job).revision += 1

    def restart(self, job: str) -> None:
        """A job (again) waits or begins: its old progress means nothing."""
        live = self.live(job)
        live.stage, live.step, live.steps, live.eta_s = "", 0, 0, None
        live.revision += 1

    def advance(self, job: str, message: Advanced) -> None:
        """Progress reported by a worker."""
        live = self.live(job)
        live.stage, live.step, live.steps = message.stage, message.step, message.steps
        live.eta_s = message.eta_s
        live.revision += 1

    def show(self, job: str, picture: bytes) -> None:
        """A preview from a worker."""
        live = self.live(job)
        live.picture = picture
        live.number += 1
        live.revision += 1

    def status(self, job: JobRecord, waiting: list[str], workers_ready: bool) -> JobStatus:
        """The job as clients see it; `waiting` are the ids in line."""
        live = self._jobs.get(job.id, Live())
        queued = job.state is JobState.QUEUED
        stage = live.stage
        if queued or job.state is JobState.LEASED:
            stage = "waiting" if workers_ready else "loading"
        at_work = job.state in (JobState.RUNNING, JobState.CANCELLING)
        return JobStatus(
            id=job.id,
            key=job.key,
            state=job.state,
            seq=job.seq,
            revision=live.revision,
            stage=stage if not job.state.is_final else "",
            step=live.step if at_work else 0,
            steps=live.steps if at_work else 0,
            eta_s=live.eta_s if at_work else None,
            position=waiting.index(job.id) + 1 if queued and job.id in waiting else 0,
            preview=live.number,
            engine=job.engine,
            device=job.device,
            attempts=job.attempts,
            from_cache=job.from_cache,
            request_sha256=job.request_sha256,
            error=job.error,
            created_at=job.created_at,
            started_at=job.started_at,
            ended_at=job.ended_at,
        )
