"""What the server does for a client that has introduced itself: one answer per request."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from backend.jobs.content_store import ContentStore
from backend.jobs.records import JobRecord
from backend.server.scheduler import Scheduler
from shared.blobs import content_hash
from shared.errors import AcetateError
from shared.messages import (
    CHUNK_BYTES,
    MAX_HASHES,
    MAX_LISTED,
    AnyRequest,
    Cancel,
    Chunk,
    Fetch,
    Have,
    Health,
    HealthReport,
    JobAnswer,
    JobEvent,
    JobList,
    JobState,
    JobStatus,
    Listing,
    Need,
    Preview,
    PreviewPicture,
    Put,
    PutDone,
    Query,
    Result,
    ResultInfo,
    ServerInfo,
    Submit,
)
from shared.result import result_blobs, result_from_json
from shared.shot import ShotRequest, blob_hashes, shot_from_json, to_json


@dataclass(frozen=True)
class Reply:
    """An answer and its raw parts."""

    message: msgspec.Struct
    parts: tuple[bytes, ...] = ()


@dataclass
class Desk:
    """Answers requests from the queue and the store.

    `runtime` names the runtime of this moment, see `JobQueue.submit`.
    """

    info: ServerInfo
    store: ContentStore
    scheduler: Scheduler
    runtime: Callable[[], str]
    received_bytes: int = 0
    sent_bytes: int = 0
    _since_s: float = field(default_factory=time.monotonic)

    def answer(self, request: AnyRequest, parts: tuple[memoryview, ...]) -> Reply:
        """The answer to any request but `Hello` and `Watch`. Raises `AcetateError`."""
        match request:
            case Put():
                return self._put(request, parts)
            case Fetch():
                return self._fetch(request)
            case Submit():
                return self._submit(request, parts)
            case Have():
                return self._need(request.id, request.hashes)
            case Preview():
                return self._preview(request)
            case _:
                return Reply(self._plain_answer(request))

    def status(self, job: str) -> JobStatus:
        """A job as clients see it. Raises `job_unknown`."""
        return self.scheduler.status(self.scheduler.queue.get(job))

    def events(self, job: str, after: int, limit: int) -> tuple[JobEvent, ...]:
        """State changes of a job after number `after`."""
        return self.scheduler.queue.events(job, after, limit)

    def _plain_answer(self, request: AnyRequest) -> msgspec.Struct:
        match request:
            case Query():
                return JobAnswer(re=request.id, job=self.status(request.job))
            case Cancel():
                job = self.scheduler.cancel(request.job)
                return JobAnswer(re=request.id, job=self.scheduler.status(job))
            case Listing():
                return self._list(request)
            case Result():
                return self._result(request)
            case Health():
                return self._health(request)
            case _:
                raise AcetateError("invalid_request", where=type(request).__name__)

    def _need(self, number: int, hashes: tuple[str, ...]) -> Reply:
        missing = tuple(sha256 for sha256 in hashes if not self.store.has(sha256))[:MAX_HASHES]
        offsets = tuple(self.store.received(sha256) for sha256 in missing)
        return Reply(Need(re=number, hashes=missing, offsets=offsets))

    def _put(self, request: Put, parts: tuple[memoryview, ...]) -> Reply:
        if len(parts) != 1 or parts[0].nbytes > CHUNK_BYTES:
            raise AcetateError("invalid_request", where="a piece must be one frame of 1 MiB")
        received, stored = self.store.append(request.sha256, request.size, request.offset, parts[0])
        return Reply(
            PutDone(re=request.id, sha256=request.sha256, received=received, stored=stored)
        )

    def _submit(self, message: Submit, parts: tuple[memoryview, ...]) -> Reply:
        if len(parts) != 1:
            raise AcetateError("invalid_request", where="a job is sent as one frame")
        request = shot_from_json(bytes(parts[0]))
        hashes = blob_hashes(request)
        if not all(map(self.store.has, hashes)):
            return self._need(message.id, hashes)
        self.store.check_room()
        self.store.settle(hashes)
        self._check_total(hashes)
        job, existing = self._enqueue(message.key, request)
        if not existing:
            self.scheduler.submitted(job)
        status = self.status(job.id)
        return Reply(JobAnswer(re=message.id, job=status, existing=existing))

    def _enqueue(self, key: str, request: ShotRequest) -> tuple[JobRecord, bool]:
        document = to_json(request)
        sha256 = content_hash(document)
        queue, runtime = self.scheduler.queue, self.runtime()
        manifest = queue.cached_manifest(sha256, runtime)
        if manifest is not None and not self._is_whole(manifest):
            queue.forget_results(sha256)
        return queue.submit(key, document, sha256, request.look.engine, runtime)

    def _is_whole(self, manifest: str) -> bool:
        """Whether all pictures of an earlier result are still here."""
        if not self.store.has(manifest):
            return False
        result = result_from_json(self.store.blobs.get(manifest))
        return all(map(self.store.has, result_blobs(result)))

    def _check_total(self, hashes: tuple[str, ...]) -> None:
        limit = self.info.limits.max_job_bytes
        total = self.store.total_bytes(hashes)
        if total > limit:
            raise AcetateError("too_large_upload", size_mb=total >> 20, limit_mb=limit >> 20)

    def _fetch(self, request: Fetch) -> Reply:
        data, size = self.store.piece(request.sha256, request.offset, CHUNK_BYTES)
        chunk = Chunk(re=request.id, sha256=request.sha256, offset=request.offset, size=size)
        return Reply(chunk, (data,))

    def _preview(self, request: Preview) -> Reply:
        live = self.scheduler.board.live(self.scheduler.queue.get(request.job).id)
        newer = live.number != request.known and live.picture
        answer = PreviewPicture(re=request.id, number=live.number)
        return Reply(answer, (live.picture,) if newer else ())

    def _list(self, request: Listing) -> JobList:
        found = self.scheduler.queue.page(request.skip, MAX_LISTED + 1)
        jobs = tuple(_short(self.scheduler.status(job)) for job in found[:MAX_LISTED])
        return JobList(re=request.id, jobs=jobs, more=len(found) > MAX_LISTED)

    def _result(self, request: Result) -> ResultInfo:
        job = self.scheduler.queue.get(request.job)
        if job.error is not None:
            raise job.error.as_error()
        if job.state is JobState.CANCELLED:
            raise AcetateError("cancelled")
        if job.state is not JobState.SUCCEEDED:
            raise AcetateError("not_ready", job=job.id[:8])
        outcome = self.scheduler.queue.outcome(job.id)
        return ResultInfo(
            re=request.id,
            job=job.id,
            manifest=outcome.manifest,
            count=outcome.count,
            total_bytes=outcome.total_bytes,
        )

    def _health(self, request: Health) -> HealthReport:
        queue = self.scheduler.queue
        return HealthReport(
            re=request.id,
            uptime_s=round(time.monotonic() - self._since_s, 3),
            queued=queue.count(JobState.QUEUED),
            running=queue.count(JobState.LEASED, JobState.RUNNING, JobState.CANCELLING),
            free_bytes=self.store.free_bytes(),
            received_bytes=self.received_bytes,
            sent_bytes=self.sent_bytes,
            workers=self.scheduler.pool.infos(),
        )


def _short(status: JobStatus) -> JobStatus:
    """Without the detail of an error, so that a page of jobs fits into one header."""
    if status.error is None:
        return status
    return msgspec.structs.replace(status, error=msgspec.structs.replace(status.error, detail=""))
