"""Every message of the wire as a typed, tagged record; used by `wire`, the client and the server.

A message is the msgpack map in the header frame (see `wire`): `t` is its type, `id` numbers a
request, `re` names the request that an answer belongs to, `blobs` declares the lengths in bytes of
the frames that follow. Every request is answered exactly once, by its own answer or by `Error`.
`Hello`, `Welcome` and `Error` keep their field names for ever, so that any two versions can tell
each other that they do not match.
"""

from __future__ import annotations

import uuid
from enum import Enum
from typing import Annotated

import msgspec

from .errors import AcetateError
from .shot import Hash

PROTO_MAJOR = 1
PROTO_MINOR = 0
CHUNK_BYTES = 1024 * 1024
MAX_PARTS = 16
MAX_PART_BYTES = 8 * 1024 * 1024
MAX_HASHES = 512
MAX_LISTED = 32
MAX_EVENTS = 64
MAX_WATCH_MS = 30_000

Number = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Small = Annotated[int, msgspec.Meta(ge=0, le=2**31)]
Word = Annotated[str, msgspec.Meta(max_length=64)]
Text = Annotated[str, msgspec.Meta(max_length=1000)]
JobId = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{4,32}$")]
JobKey = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
Hashes = Annotated[tuple[Hash, ...], msgspec.Meta(max_length=MAX_HASHES)]
Lengths = Annotated[
    tuple[Annotated[int, msgspec.Meta(ge=0, le=MAX_PART_BYTES)], ...],
    msgspec.Meta(max_length=MAX_PARTS),
]
Proto = tuple[Small, Small, Small]  # major, lowest minor, highest minor
OUR_PROTO: Proto = (PROTO_MAJOR, 0, PROTO_MINOR)


def new_job_key() -> str:
    """A fresh idempotency key, 32 hexadecimal digits: keep it with the shot, send it again."""
    return uuid.uuid4().hex


class JobState(Enum):
    """Where a job stands; `succeeded`, `failed` and `cancelled` are final."""

    QUEUED = "queued"
    LEASED = "leased"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """True where nothing can follow."""
        return self in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


class ErrorInfo(msgspec.Struct, frozen=True, kw_only=True):
    """An `AcetateError` as data, texts filled in."""

    code: Word
    name: Word
    text: Text
    hint: Text = ""
    fix: Word = ""
    detail: Text = ""

    @classmethod
    def of(cls, error: AcetateError) -> ErrorInfo:
        """The wire form; overlong texts are cut."""
        data = {key: value[:1000] for key, value in error.to_dict().items()}
        return msgspec.convert(data, cls)

    def as_error(self) -> AcetateError:
        """The exception again."""
        return AcetateError.from_dict(msgspec.structs.asdict(self))


class JobStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One job as the server sees it now.

    `seq`: number of the last state change, counted from 1 without gaps. `revision` changes with
    every bit of progress. `stage`, `step`, `steps`: what runs; a waiting job has stage `waiting` or
    `loading`. `eta_s`: seconds left of the run, None while unknown. `position`: 1 is next in line,
    0 is not waiting. `preview`: number of the newest preview picture, 0 for none. `*_at`: seconds
    since 1970 on the server's clock, 0 for not yet; for display only.
    """

    id: JobId
    key: JobKey
    state: JobState
    seq: Number
    revision: Number = 0
    stage: Word = ""
    step: Small = 0
    steps: Small = 0
    eta_s: float | None = None
    position: Small = 0
    preview: Small = 0
    engine: Word = ""
    device: Word = ""
    attempts: Small = 0
    from_cache: bool = False
    request_sha256: Hash
    error: ErrorInfo | None = None
    created_at: float = 0.0
    started_at: float = 0.0
    ended_at: float = 0.0


class JobEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One state change of one job; `seq` counts from 1 without gaps."""

    seq: Number
    state: JobState
    at: float
    error: ErrorInfo | None = None


class ModelInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A weights file that the server has."""

    name: Word
    sha256: Hash


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What the server accepts."""

    max_blob_bytes: Number
    max_job_bytes: Number
    max_queued: Small


class ServerInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a client learns at the start. `engines` in order of preference: the first is `auto`."""

    version: Word
    proto: Proto
    device: Word
    devices: tuple[Word, ...] = ()
    engines: tuple[Word, ...] = ()
    models: tuple[ModelInfo, ...] = ()
    limits: Limits


class WorkerInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One worker process; `job` is empty while it waits."""

    pid: Small
    device: Word
    state: Word
    job: str = ""


class Request(msgspec.Struct, frozen=True, kw_only=True, tag_field="t"):
    """Common to all requests: a number that the client counts up, and declared frame lengths."""

    id: Number
    blobs: Lengths = ()


class Hello(Request, frozen=True, kw_only=True, tag="hello"):
    """First message of a connection. `secret`: the text in the server's secret file."""

    proto: Proto
    software: Word = ""
    secret: Annotated[str, msgspec.Meta(max_length=256)] = ""


class Have(Request, frozen=True, kw_only=True, tag="have"):
    """Which of these blobs does the server lack?"""

    hashes: Hashes


class Put(Request, frozen=True, kw_only=True, tag="put"):
    """A piece of a blob (one frame of at most 1 MiB) that starts at byte `offset` of `size`."""

    sha256: Hash
    size: Number
    offset: Number


class Submit(Request, frozen=True, kw_only=True, tag="submit"):
    """A job: one frame, the canonical JSON of a `ShotRequest`. The same `key` is the same job."""

    key: JobKey


class Query(Request, frozen=True, kw_only=True, tag="query"):
    """How does this job stand? `job` may be any unique start of an id."""

    job: JobId


class Listing(Request, frozen=True, kw_only=True, tag="list"):
    """The newest jobs first, those after the `skip` newest ones."""

    skip: Small = 0


class Watch(Request, frozen=True, kw_only=True, tag="watch"):
    """Answered as soon as the job differs from (`after_seq`, `revision`), or after `wait_ms`.

    Holding the answer back, instead of pushing messages, lets a slow client see the latest state
    and never a backlog; state changes are replayed from the store and cannot be missed.
    """

    job: JobId
    after_seq: Number = 0
    revision: Number = 0
    wait_ms: Annotated[int, msgspec.Meta(ge=0, le=MAX_WATCH_MS)] = 10_000


class Cancel(Request, frozen=True, kw_only=True, tag="cancel"):
    """Stop a job; stopping it again, or after its end, changes nothing."""

    job: JobId


class Result(Request, frozen=True, kw_only=True, tag="result"):
    """Where is the result of a job that succeeded?"""

    job: JobId


class Fetch(Request, frozen=True, kw_only=True, tag="fetch"):
    """The piece (at most 1 MiB) of a blob that starts at byte `offset`.

    Each request is one credit: a client has as many pieces under way as it asked for.
    """

    sha256: Hash
    offset: Number = 0


class Preview(Request, frozen=True, kw_only=True, tag="preview"):
    """The newest preview picture, unless it is number `known`."""

    job: JobId
    known: Small = 0


class Health(Request, frozen=True, kw_only=True, tag="health"):
    """Is everything well? Also serves as a ping."""


AnyRequest = (
    Hello
    | Have
    | Put
    | Submit
    | Query
    | Listing
    | Watch
    | Cancel
    | Result
    | Fetch
    | Preview
    | Health
)


class Answer(msgspec.Struct, frozen=True, kw_only=True, tag_field="t"):
    """Common to all answers: the request's number, and declared frame lengths."""

    re: Number
    blobs: Lengths = ()


class Welcome(Answer, frozen=True, kw_only=True, tag="welcome"):
    """Answer to `Hello`. `proto` is the server's range."""

    proto: Proto
    software: Word = ""
    server: ServerInfo | None = None


class Error(Answer, frozen=True, kw_only=True, tag="error"):
    """Any request can fail; `re` is 0 where the request could not be read.

    `proto` is given with code E204; `retry_after_s` where trying again later may help.
    """

    error: ErrorInfo
    proto: Proto | None = None
    retry_after_s: float | None = None


class Need(Answer, frozen=True, kw_only=True, tag="need"):
    """Blobs that the server lacks, and how many bytes of each it already holds.

    Also the answer to `Submit` where a blob of the request is missing; no job was made then.
    """

    hashes: Hashes
    offsets: Annotated[tuple[Number, ...], msgspec.Meta(max_length=MAX_HASHES)]


class PutDone(Answer, frozen=True, kw_only=True, tag="put_done"):
    """`received` bytes are here; `stored` once the blob is complete and its hash is right."""

    sha256: Hash
    received: Number
    stored: bool


class JobAnswer(Answer, frozen=True, kw_only=True, tag="job"):
    """Answer to `Submit`, `Query` and `Cancel`. `existing`: this key was known already."""

    job: JobStatus
    existing: bool = False


class JobList(Answer, frozen=True, kw_only=True, tag="jobs"):
    """Answer to `Listing`; `more` where older jobs were left out."""

    jobs: Annotated[tuple[JobStatus, ...], msgspec.Meta(max_length=MAX_LISTED)]
    more: bool = False


class Watched(Answer, frozen=True, kw_only=True, tag="watched"):
    """Answer to `Watch`: the job now, and its state changes after `after_seq`."""

    job: JobStatus
    events: Annotated[tuple[JobEvent, ...], msgspec.Meta(max_length=MAX_EVENTS)] = ()


class ResultInfo(Answer, frozen=True, kw_only=True, tag="result_info"):
    """The manifest's blob, and what fetching everything would cost."""

    job: JobId
    manifest: Hash
    count: Small
    total_bytes: Number


class Chunk(Answer, frozen=True, kw_only=True, tag="chunk"):
    """Answer to `Fetch`: one frame; `size` is that of the whole blob."""

    sha256: Hash
    offset: Number
    size: Number


class PreviewPicture(Answer, frozen=True, kw_only=True, tag="preview_picture"):
    """Answer to `Preview`: one frame (PNG), or none where nothing is newer."""

    number: Small


class HealthReport(Answer, frozen=True, kw_only=True, tag="health_report"):
    """Answer to `Health`; byte counts since the server's start."""

    uptime_s: float
    queued: Small
    running: Small
    free_bytes: Number
    received_bytes: Number
    sent_bytes: Number
    workers: tuple[WorkerInfo, ...] = ()


AnyAnswer = (
    Welcome
    | Error
    | Need
    | PutDone
    | JobAnswer
    | JobList
    | Watched
    | ResultInfo
    | Chunk
    | PreviewPicture
    | HealthReport
)
