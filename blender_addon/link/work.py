"""One job's way from a request to a take on disk; the loop alone advances it."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..shared.blobs import Blobs, FolderBlobs, write_atomically
from ..shared.client import Client
from ..shared.errors import AcetateError
from ..shared.messages import JobState as ServerState
from ..shared.messages import JobStatus
from ..shared.shot import ShotRequest
from ..takes import library
from . import outgoing
from .jobs import JobNews, JobState
from .orders import JobReport, PreviewReport, Report, TakeReport

INCOMING = ".incoming"
_STATES = {
    ServerState.LEASED: JobState.LOADING,
    ServerState.RUNNING: JobState.RUNNING,
    ServerState.CANCELLING: JobState.CANCELLING,
    ServerState.SUCCEEDED: JobState.RECEIVING,
}


@dataclass
class Work:
    """A job under way. `parcel` is what to send, gone for jobs of an earlier session.

    `stop` is set by the loop's reader of orders, so that even a long transfer notices it at once.
    """

    folder: Path
    note: library.TakeNote
    parcel: tuple[ShotRequest, Blobs] | None = None
    status: JobStatus | None = None
    preview: int = 0
    stop: threading.Event = field(default_factory=threading.Event)
    stop_told: bool = False
    is_over: bool = False

    @property
    def key(self) -> str:
        """The idempotency key."""
        return self.note.key


@dataclass(frozen=True)
class Desk:
    """What a work needs of the loop: where to report, and whether to leave everything now."""

    report: Callable[[Report], None]
    is_interrupted: Callable[[], bool]

    def tell(self, work: Work, news: JobNews) -> None:
        """Report news of a job."""
        self.report(JobReport(work.key, news))

    def finish(self, work: Work, state: JobState, error: AcetateError | None = None) -> None:
        """Report the end of a job; without a take nothing of it is taken up ever again."""
        work.is_over = True
        work.parcel = None
        outgoing.clear(work.folder)
        if state is not JobState.DONE:
            _forget(work)
        self.tell(work, JobNews(state=state, error=error.to_dict() if error else None))


def _forget(work: Work) -> None:
    shutil.rmtree(work.folder / INCOMING, ignore_errors=True)
    if work.note.job and work.folder.is_dir():
        # Where the disk is full the old note stays, and the next session looks once more.
        with contextlib.suppress(AcetateError):
            library.write_note(work.folder, replace(work.note, job=""))


def advance(work: Work, client: Client, desk: Desk, wait_s: float) -> None:
    """Bring a job one step further: submit it, follow it for `wait_s`, or fetch its result.

    Raises `unreachable` where the connection broke; every other error ends the job.
    """
    try:
        if not work.note.job:
            _submit(work, client, desk)
        elif work.stop.is_set() and not work.stop_told:
            client.cancel(work.note.job)
            work.stop_told = True
        else:
            _follow(work, client, desk, wait_s)
    except AcetateError as error:
        _judge(work, desk, error)


def _judge(work: Work, desk: Desk, error: AcetateError) -> None:
    if error.name in ("unreachable", "auth", "version"):
        raise error
    if error.name == "cancelled":
        desk.finish(work, JobState.CANCELLED)
    elif error.name == "job_unknown" and work.parcel is not None:
        # The server forgot the job but the shot is still here: send it again under its key.
        work.note = replace(work.note, job="")
        work.status = None
    elif error.name == "job_unknown":
        desk.finish(work, JobState.LOST, error)
    else:
        desk.finish(work, JobState.FAILED, error)


def _submit(work: Work, client: Client, desk: Desk) -> None:
    if work.stop.is_set():
        raise AcetateError("cancelled")
    if work.parcel is None:
        raise AcetateError("job_unknown", job=work.key[:8])
    request, blobs = work.parcel

    def sent(done_bytes: int, total_bytes: int) -> None:
        if work.stop.is_set() or desk.is_interrupted():
            raise AcetateError("cancelled")
        desk.tell(work, JobNews(state=JobState.UPLOADING, done=done_bytes, total=total_bytes))

    desk.tell(work, JobNews(state=JobState.UPLOADING))
    job = client.submit(request, blobs, work.key, progress=sent)
    work.note = replace(work.note, job=job)
    library.write_note(work.folder, work.note)
    desk.tell(work, JobNews(state=JobState.QUEUED, job=job))


def _follow(work: Work, client: Client, desk: Desk, wait_s: float) -> None:
    status = client.watch(work.note.job, work.status, wait_s)
    if status != work.status:
        desk.tell(work, news_of(status))
    work.status = status
    if status.preview > work.preview:
        _fetch_preview(work, client, desk, status.preview)
    if status.state is ServerState.SUCCEEDED:
        _receive(work, client, desk)
    elif status.state is ServerState.FAILED:
        error = status.error.as_error() if status.error else AcetateError("job_failed")
        desk.finish(work, JobState.FAILED, error)
    elif status.state is ServerState.CANCELLED:
        desk.finish(work, JobState.CANCELLED)


def news_of(status: JobStatus) -> JobNews:
    """What the interface shows of a server's status."""
    waiting = JobState.LOADING if status.stage == "loading" else JobState.QUEUED
    shows_steps = status.state is ServerState.RUNNING
    ended = status.state in (ServerState.FAILED, ServerState.CANCELLED)
    return JobNews(
        state=None if ended else _STATES.get(status.state, waiting),
        job=status.id,
        stage=status.stage if shows_steps else None,
        done=status.step if shows_steps else None,
        total=status.steps if shows_steps else None,
        eta_s=status.eta_s if shows_steps else None,
        position=status.position or None,
        engine=status.engine,
        seq=status.seq,
    )


def _fetch_preview(work: Work, client: Client, desk: Desk, number: int) -> None:
    picture = client.preview(work.note.job, work.preview)
    work.preview = number
    if picture is not None:
        file = work.folder / library.PREVIEW
        write_atomically(file, picture)
        desk.report(PreviewReport(work.key, number, file))


def _receive(work: Work, client: Client, desk: Desk) -> None:
    def received(done_bytes: int, total_bytes: int) -> None:
        if desk.is_interrupted():
            raise AcetateError("unreachable", server="the server")
        if work.stop.is_set():
            raise AcetateError("cancelled")
        desk.tell(work, JobNews(state=JobState.RECEIVING, done=done_bytes, total=total_bytes))

    incoming = work.folder / INCOMING
    store = FolderBlobs(incoming, durable=False)
    manifest = client.fetch(work.note.job, store, progress=received)
    library.write_result(work.folder, manifest, store)
    shutil.rmtree(incoming, ignore_errors=True)
    take = library.read_take(work.folder)
    desk.tell(work, JobNews(engine=manifest.engine))
    desk.report(TakeReport(work.key, library.row_of(take)))
    desk.finish(work, JobState.DONE)
