"""What the server and its worker processes tell each other; same envelope as the client's wire."""

from __future__ import annotations

import msgspec

from shared.messages import ErrorInfo, Hash, Lengths, Number, Small, Word


class _Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="t"):
    blobs: Lengths = ()


class WorkerReady(_Message, frozen=True, kw_only=True, tag="ready"):
    """First message: `secret` was handed over on the worker's standard input."""

    secret: Word
    pid: Small


class Beat(_Message, frozen=True, kw_only=True, tag="beat"):
    """Still alive; once a second."""


class Started(_Message, frozen=True, kw_only=True, tag="started"):
    """The job of this lease is being worked on."""

    lease: Word


class Advanced(_Message, frozen=True, kw_only=True, tag="advanced"):
    """Progress inside a stage; see `RunContext.report`."""

    lease: Word
    stage: Word
    step: Small
    steps: Small
    eta_s: float | None = None


class Previewed(_Message, frozen=True, kw_only=True, tag="previewed"):
    """A preview: one frame, PNG."""

    lease: Word


class Finished(_Message, frozen=True, kw_only=True, tag="finished"):
    """The result's blobs are durable; see `records.Outcome`."""

    lease: Word
    manifest: Hash
    engine: Word
    count: Small
    total_bytes: Number


class Failed(_Message, frozen=True, kw_only=True, tag="failed"):
    """The job cannot be done; another attempt would not help."""

    lease: Word
    error: ErrorInfo


class Stopped(_Message, frozen=True, kw_only=True, tag="stopped"):
    """The job was given up because of a cancel."""

    lease: Word


FromWorker = WorkerReady | Beat | Started | Advanced | Previewed | Finished | Failed | Stopped


class Run(_Message, frozen=True, kw_only=True, tag="run"):
    """Do this job: one frame, the request's JSON."""

    lease: Word
    job: Word


class Stop(_Message, frozen=True, kw_only=True, tag="stop"):
    """Give the job of this lease up after its current step."""

    lease: Word


class Quit(_Message, frozen=True, kw_only=True, tag="quit"):
    """Leave at once."""


ToWorker = Run | Stop | Quit

FROM_WORKER: msgspec.msgpack.Decoder[FromWorker] = msgspec.msgpack.Decoder(FromWorker)
TO_WORKER: msgspec.msgpack.Decoder[ToWorker] = msgspec.msgpack.Decoder(ToWorker)


class WorkerSetup(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker is told on its standard input, as one line of JSON.

    `feature_ram_bytes`, `feature_disk_bytes`: its share of memory, and the whole folder's limit,
    for the feature store.
    """

    address: str
    secret: str
    device: str
    vram_bytes: int | None = None
    data_dir: str
    runner: str
    feature_ram_bytes: int = 0
    feature_disk_bytes: int = 0
