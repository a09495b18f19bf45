"""The blocking client: submit a shot, follow it, fetch its frames; for add-on, CLI and scripts.

A client belongs to one thread. Every call has a deadline, survives a dropped connection or a
restarted server for `patience_s`, and raises only `AcetateError`.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from .blobs import Blobs, FolderBlobs, content_hash
from .connection import Call, Connection, Reply
from .errors import AcetateError
from .local_server import DEFAULT_ADDRESS, find_local_server, normal_address, read_secret
from .messages import (
    CHUNK_BYTES,
    MAX_HASHES,
    AnyAnswer,
    Cancel,
    Chunk,
    Fetch,
    Have,
    Health,
    HealthReport,
    JobAnswer,
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
    Watch,
    Watched,
    new_job_key,
)
from .result import ResultManifest, result_blobs, result_from_json
from .shot import ShotRequest, blob_hashes, to_json, validate

WINDOW = 8
MAX_FETCH_BYTES = 1024 * 1024 * 1024
_HOLD_MS = 10_000

Progress = Callable[[int, int], None]
_Answer = TypeVar("_Answer", bound=AnyAnswer)


@dataclass(frozen=True)
class Update:
    """One thing that happened to a job.

    A state change has its own number `seq` (1, 2, 3 ... without gaps) and `state`; progress inside
    a state repeats the last `seq`. `status` is the whole job at that time.
    """

    seq: int
    state: JobState
    is_transition: bool
    status: JobStatus


def no_progress(done_bytes: int, total_bytes: int) -> None:
    """The default progress callback: does nothing."""
    del done_bytes, total_bytes


class Client:
    """A connection to one server; make it with `Client.connect`, use it as a context manager."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @classmethod
    def connect(
        cls,
        address: str | None = None,
        *,
        secret_file: Path | None = None,
        timeout_s: float = 5.0,
        patience_s: float = 30.0,
    ) -> Client:
        """Connect to `address`, else `ACETATE_SERVER`, else the local server that announced itself.

        The secret comes from `secret_file`, else `ACETATE_TOKEN_FILE`, else beside the
        announcement. Raises `unreachable`, `auth`, `version` or `not_loopback`.
        """
        chosen = address or os.environ.get("ACETATE_SERVER") or None
        local = find_local_server(normal_address(chosen) if chosen else None)
        place = normal_address(chosen) if chosen else (local.address if local else DEFAULT_ADDRESS)
        file = secret_file or _token_file()

        def secret() -> str:
            if file is not None:
                return read_secret(file)
            server = find_local_server(place)
            return read_secret(server.secret_file) if server else ""

        connection = Connection(place, secret, patience_s=patience_s)
        try:
            connection.open(timeout_s)
        except BaseException:
            connection.close()
            raise
        return cls(connection)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave the server; jobs go on."""
        self._connection.close()

    @property
    def address(self) -> str:
        """The server's address."""
        return self._connection.address

    @property
    def server(self) -> ServerInfo:
        """What the server said about itself at the last (re)connection."""
        if self._connection.server is None:
            raise AcetateError("unreachable", server=self.address)
        return self._connection.server

    def submit(
        self,
        request: ShotRequest,
        blobs: Blobs,
        key: str | None = None,
        *,
        progress: Progress = no_progress,
    ) -> str:
        """Send a shot and return its job's id; only blobs that the server lacks are sent.

        `key` (see `new_job_key`) makes this safe to repeat: the same key with the same request is
        the same job; with another request it raises `key_conflict`. `progress` gets bytes sent and
        bytes to send. Raises `invalid_request`, `queue_full`, `too_large_upload` or `disk` too.
        """
        validate(request)
        document = to_json(request)
        key = key or new_job_key()
        for _ in range(4):
            self.upload(blob_hashes(request), blobs, progress=progress)
            answer = self._connection.ask(Submit(id=0, key=key), document).answer
            if isinstance(answer, JobAnswer):
                return answer.job.id
        raise AcetateError("invalid_request", where="the server keeps losing pictures")

    def upload(
        self, hashes: tuple[str, ...], blobs: Blobs, *, progress: Progress = no_progress
    ) -> int:
        """Send those of `hashes` that the server lacks, from where it left off; returns bytes."""
        sent = 0
        for _ in range(8):
            missing = self._missing(hashes)
            if not missing:
                return sent
            sent += self._send_blobs(missing, blobs, progress)
        raise AcetateError("invalid_request", where="a picture cannot be sent")

    def status(self, job: str) -> JobStatus:
        """How a job stands now; `job` may be a unique start of an id. Raises `job_unknown`."""
        return self._ask(Query(id=0, job=job), JobAnswer).job

    def jobs(self, limit: int = 32) -> list[JobStatus]:
        """The newest jobs, newest first."""
        found: list[JobStatus] = []
        while len(found) < limit:
            page = self._ask(Listing(id=0, skip=len(found)), JobList)
            found += page.jobs
            if not page.more:
                break
        return found[:limit]

    def watch(self, job: str, after: JobStatus | None, wait_s: float) -> JobStatus:
        """The job as soon as it differs from `after`, or as it is after `wait_s` seconds."""
        return self._watch(job, after, after.seq if after else 0, wait_s).job

    def events(
        self, job: str, from_seq: int = 0, timeout_s: float | None = None
    ) -> Iterator[Update]:
        """Follow a job: every state change after `from_seq`, and progress in between.

        Ends after the final state. Raises `wait_timeout` after `timeout_s`; the job goes on.
        """
        until = None if timeout_s is None else time.monotonic() + timeout_s
        seen, last = from_seq, None
        while True:
            left_s = _HOLD_MS / 1000 if until is None else until - time.monotonic()
            if left_s <= 0:
                raise AcetateError("wait_timeout", seconds=round(timeout_s or 0))
            answer = self._watch(job, last, seen, min(left_s, _HOLD_MS / 1000))
            for event in answer.events:
                seen = event.seq
                yield Update(event.seq, event.state, True, answer.job)
            caught_up = seen >= answer.job.seq
            if caught_up and answer.job.state.is_final:
                return
            if not answer.events and last is not None and last != answer.job:
                yield Update(seen, answer.job.state, False, answer.job)
            last = answer.job

    def wait(self, job: str, timeout_s: float | None = None) -> JobStatus:
        """Block until a job ended. Raises `wait_timeout`; a failed job is returned, not raised."""
        status = self.status(job)
        for update in self.events(status.id, status.seq - 1, timeout_s):
            status = update.status
        return status

    def cancel(self, job: str) -> JobStatus:
        """Ask a job to stop; a running one stops after its current step."""
        return self._ask(Cancel(id=0, job=job), JobAnswer).job

    def preview(self, job: str, known: int = 0) -> bytes | None:
        """The newest preview as PNG, or None where there is none newer than number `known`."""
        reply = self._connection.ask(Preview(id=0, job=job, known=known))
        _expect(reply, PreviewPicture)
        return bytes(reply.parts[0]) if reply.parts else None

    def fetch(
        self, job: str, sink: Blobs | Path, *, progress: Progress = no_progress
    ) -> ResultManifest:
        """Bring a result's blobs into `sink` (a blob store or a folder for one).

        Blobs that `sink` has are skipped, every hash is checked, and calling again goes on where
        an earlier call stopped. `progress` gets bytes here and in all. Raises the job's own error
        where it failed, `not_ready` where it still runs, `disk` or `bad_package`.
        """
        store = FolderBlobs(sink) if isinstance(sink, Path) else sink
        info = self._ask(Result(id=0, job=job), ResultInfo)
        counter = _Counter(progress, info.total_bytes)
        self._fetch_blobs((info.manifest,), store, counter)
        manifest = result_from_json(store.get(info.manifest))
        self._fetch_blobs(result_blobs(manifest), store, counter)
        progress(info.total_bytes, info.total_bytes)
        return manifest

    def health(self) -> HealthReport:
        """Queue length, workers, free disk space, bytes moved since the server's start."""
        return self._ask(Health(id=0), HealthReport)

    def _ask(
        self, message: Query | Listing | Cancel | Result | Health, kind: type[_Answer]
    ) -> _Answer:
        return _expect(self._connection.ask(message), kind)

    def _watch(self, job: str, after: JobStatus | None, seq: int, wait_s: float) -> Watched:
        wait_ms = max(0, min(int(wait_s * 1000), _HOLD_MS))
        revision = after.revision if after else 0
        message = Watch(id=0, job=job, after_seq=seq, revision=revision, wait_ms=wait_ms)
        return _expect(self._connection.ask(message, timeout_s=wait_s + 20.0), Watched)

    def _missing(self, hashes: tuple[str, ...]) -> dict[str, int]:
        """Blobs that the server lacks: hash -> bytes of it that are there already."""
        groups = [hashes[i : i + MAX_HASHES] for i in range(0, len(hashes), MAX_HASHES)]
        calls = deque(Call(Have(id=0, hashes=group)) for group in groups)
        missing: dict[str, int] = {}
        for reply in self._connection.stream(calls, window=WINDOW):
            need = _expect(reply, Need)
            missing.update(zip(need.hashes, need.offsets, strict=True))
        return missing

    def _send_blobs(self, missing: dict[str, int], blobs: Blobs, progress: Progress) -> int:
        loaded = {sha256: blobs.get(sha256) for sha256 in missing}
        offsets = {sha256: min(missing[sha256], len(data)) for sha256, data in loaded.items()}
        counter = _Counter(progress, sum(len(loaded[s]) - offsets[s] for s in loaded))
        counter.add(0)
        calls = deque(
            _piece(sha256, data, offset)
            for sha256, data in loaded.items()
            for offset in range(offsets[sha256], max(len(data), offsets[sha256] + 1), CHUNK_BYTES)
        )
        for reply in self._connection.stream(calls, window=WINDOW):
            _expect(reply, PutDone)
            counter.add(sum(len(part) for part in reply.call.parts))
        return counter.done

    def _fetch_blobs(self, hashes: tuple[str, ...], store: Blobs, counter: _Counter) -> None:
        wanted = [sha256 for sha256 in hashes if not store.has(sha256)]
        pieces: dict[str, bytearray] = {sha256: bytearray() for sha256 in wanted}
        calls = deque(Call(Fetch(id=0, sha256=sha256)) for sha256 in wanted)
        counter.skip(hashes, store, set(wanted))
        for reply in self._connection.stream(calls, window=WINDOW):
            chunk = _expect(reply, Chunk)
            data = pieces.get(chunk.sha256)
            if data is None or not _fits(chunk, reply.parts, len(data)):
                raise AcetateError("bad_package", where="a piece of the result does not fit")
            data += reply.parts[0]
            counter.add(len(reply.parts[0]))
            if chunk.offset == 0:
                # Answers come in the order of their requests, so all other pieces may be asked
                # for; before those of other blobs, so that few blobs are half here at a time.
                rest = range(len(data), chunk.size, CHUNK_BYTES)
                more = [Call(Fetch(id=0, sha256=chunk.sha256, offset=at)) for at in rest]
                calls.extendleft(reversed(more))
            if len(data) == chunk.size:
                _keep(store, chunk.sha256, bytes(pieces.pop(chunk.sha256)))


class _Counter:
    """Bytes done of a total, told to a callback."""

    def __init__(self, progress: Progress, total_bytes: int) -> None:
        self.done = 0
        self._total = total_bytes
        self._progress = progress

    def add(self, count: int) -> None:
        self.done += count
        self._progress(min(self.done, self._total), self._total)

    def skip(self, hashes: tuple[str, ...], store: Blobs, wanted: set[str]) -> None:
        if isinstance(store, FolderBlobs):
            held = [store.path(sha256) for sha256 in hashes if sha256 not in wanted]
            self.add(sum(path.stat().st_size for path in held if path.exists()))


def _fits(chunk: Chunk, parts: tuple[memoryview, ...], received: int) -> bool:
    wanted = min(CHUNK_BYTES, chunk.size - chunk.offset)
    right_place = chunk.offset == received and chunk.size <= MAX_FETCH_BYTES
    return right_place and len(parts) == 1 and len(parts[0]) == wanted


def _keep(store: Blobs, sha256: str, data: bytes) -> None:
    if content_hash(data) != sha256:
        raise AcetateError("bad_package", where=f"blob {sha256[:12]} does not match its hash")
    store.put(data)


def _piece(sha256: str, data: bytes, offset: int) -> Call:
    message = Put(id=0, sha256=sha256, size=len(data), offset=offset)
    return Call(message, (memoryview(data)[offset : offset + CHUNK_BYTES],))


def _expect(reply: Reply, kind: type[_Answer]) -> _Answer:
    if not isinstance(reply.answer, kind):
        name = type(reply.answer).__name__
        raise AcetateError("invalid_request", where=f"the server answered with {name}")
    return reply.answer


def _token_file() -> Path | None:
    named = os.environ.get("ACETATE_TOKEN_FILE")
    return Path(named) if named else None
