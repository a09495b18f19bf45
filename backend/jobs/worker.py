"""A worker process: loads the models once and runs one job after the other; started by `pool`.

It reads its set-up from standard input, which stays open: its end means that the server is gone,
and then the worker leaves at once, so that a restarted server never has a rival.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from backend.jobs.content_store import StagedBlobs, VerifiedBlobs
from backend.jobs.out_of_memory import is_out_of_memory
from backend.jobs.runner import load_runner
from backend.jobs.worker_context import WorkerContext
from backend.jobs.worker_link import WorkerLink
from backend.jobs.worker_messages import (
    Failed,
    Finished,
    Run,
    Started,
    Stopped,
    WorkerReady,
    WorkerSetup,
)
from backend.pipeline.feature_store.opening import budget_in
from shared.errors import AcetateError
from shared.messages import ErrorInfo
from shared.result import result_blobs
from shared.shot import shot_from_json, to_json

EXIT_ORPHANED = 17

log = logging.getLogger("acetate.worker")


class Worker:
    """Runs jobs from a link until the server goes away."""

    def __init__(self, setup: WorkerSetup) -> None:
        self._device = setup.device
        self._store = Path(setup.data_dir)
        self._secret = setup.secret
        features = budget_in(
            self._store,
            host_bytes=setup.feature_ram_bytes,
            disk_bytes=setup.feature_disk_bytes,
        )
        self._runner, self._load = load_runner(setup.runner, features, setup.vram_bytes)
        self._link = WorkerLink(setup.address)

    def serve(self) -> None:
        """Say ready, then work; returns when told to quit."""
        self._link.open()
        self._link.send(WorkerReady(secret=self._secret, pid=os.getpid()))
        threading.Thread(target=_load_early, args=(self._load,), daemon=True).start()
        while (job := self._link.jobs.get()) is not None:
            self._work(*job)

    def _work(self, run: Run, document: bytes) -> None:
        log.info("job %s starts", run.job)
        self._link.send(Started(lease=run.lease))
        outputs: StagedBlobs | None = None
        try:
            outputs = StagedBlobs(self._store, run.lease)
            report = self._attempt(run, document, outputs)
        except AcetateError as error:
            report = _giving_up(run, error)
        except Exception as error:
            # A worker outlives whatever a job does.
            log.exception("job %s", run.job)
            name = "oom" if is_out_of_memory(error) else "bug"
            detail = f"{type(error).__name__}: {error}"
            report = _giving_up(run, AcetateError(name, detail=detail))
        if outputs is not None:
            # Before the report: whoever hears of the end finds nothing half-written.
            outputs.drop()
        self._link.send(report)

    def _attempt(self, run: Run, document: bytes, outputs: StagedBlobs) -> Finished:
        context = WorkerContext(self._link, run.lease, self._device)
        inputs = VerifiedBlobs(self._store)
        manifest = self._runner(shot_from_json(document), inputs, outputs, context)
        context.check()
        data = to_json(manifest)
        sha256 = outputs.put(data)
        hashes = result_blobs(manifest)
        total_bytes = len(data) + sum(outputs.size(blob) for blob in hashes)
        outputs.settle()
        log.info("job %s is done", run.job)
        return Finished(
            lease=run.lease,
            manifest=sha256,
            engine=manifest.engine,
            count=len(hashes),
            total_bytes=total_bytes,
        )


def _giving_up(run: Run, error: AcetateError) -> Stopped | Failed:
    if error.name == "cancelled":
        log.info("job %s was cancelled", run.job)
        return Stopped(lease=run.lease)
    log.warning("job %s: %s", run.job, error)
    return Failed(lease=run.lease, error=ErrorInfo.of(error))


def _load_early(load: Callable[[], object]) -> None:
    """Load the bundled model while nobody waits; without it layer motion still works."""
    try:
        load()
    except AcetateError as error:
        log.info("no bundled model: %s", error)


def _leave_with_parent() -> None:
    """End this process when the server is gone: at once on Linux, else when its pipe closes."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
    threading.Thread(target=_await_parents_end, name="parent-watch", daemon=True).start()


def _await_parents_end() -> None:
    while sys.stdin.buffer.read(1):
        continue
    os._exit(EXIT_ORPHANED)


def main() -> int:
    """Entry point of the process; the set-up is the first line of standard input."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    setup = msgspec.json.decode(sys.stdin.buffer.readline(), type=WorkerSetup)
    _leave_with_parent()
    try:
        Worker(setup).serve()
    except Exception:
        log.exception("the worker cannot go on")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
