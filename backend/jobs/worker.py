"""A worker process: loads the models once and runs one job after the other; started by `pool`.

It reads its set-up from standard input, which stays open: its end means that the server is gone,
and then the worker leaves at once, so that a restarted server never has a rival.
"""

from __future__ import annotations

import ctypes
import importlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import ParamSpec, TypeVar

import msgspec
import numpy as np

from backend.jobs.content_store import StagedBlobs, VerifiedBlobs
from backend.jobs.eta import EtaMeter
from backend.jobs.worker_link import WorkerLink
from backend.jobs.worker_messages import (
    Advanced,
    Failed,
    Finished,
    Previewed,
    Run,
    Started,
    Stopped,
    WorkerReady,
    WorkerSetup,
)
from backend.pipeline.context import LocalContext, RunContext
from shared.blobs import Blobs, MemoryBlobs
from shared.errors import AcetateError
from shared.messages import ErrorInfo
from shared.pictures import encode_png
from shared.result import ResultManifest, result_blobs
from shared.shot import Key, Layer, Look, PictureRef, Role, ShotRequest, shot_from_json, to_json

REPORT_EVERY_S = 0.05
PREVIEW_EVERY_S = 0.25
MAX_PREVIEW_PX = 1024
EXIT_ORPHANED = 17

_Arguments = ParamSpec("_Arguments")
_Loaded = TypeVar("_Loaded")
Runner = Callable[[ShotRequest, Blobs, Blobs, RunContext], ResultManifest]
log = logging.getLogger("acetate.worker")


class WorkerContext:
    """The `RunContext` of a job in a worker: conflates reports, throttles previews, obeys stops."""

    def __init__(self, link: WorkerLink, lease: str, device: str) -> None:
        self.device = device
        self._link = link
        self._lease = lease
        self._eta = EtaMeter()
        self._stage = ""
        self._reported_s = self._shown_s = -1.0

    def report(self, stage: str, step: int, steps: int) -> None:
        """Pass on the first and last step of a stage, and between them 20 a second at most."""
        now = time.monotonic()
        eta_s = self._eta.note(stage, step, steps, now)
        if stage == self._stage and step < steps and now - self._reported_s < REPORT_EVERY_S:
            return
        self._stage, self._reported_s = stage, now
        self._link.send(
            Advanced(lease=self._lease, stage=stage[:64], step=step, steps=steps, eta_s=eta_s)
        )

    def check(self) -> None:
        """Raise `cancelled` once the server said stop."""
        if self._link.stop.is_set():
            raise AcetateError("cancelled")

    def preview(self, pixels: np.ndarray) -> None:
        """Send a picture, at most four a second, thinned out to at most 1024 pixels a side."""
        now = time.monotonic()
        if now - self._shown_s < PREVIEW_EVERY_S:
            return
        self._shown_s = now
        stride = -(-max(pixels.shape[:2]) // MAX_PREVIEW_PX)
        small = np.ascontiguousarray(pixels[::stride, ::stride])  # [h, w, 4]
        self._link.send(Previewed(lease=self._lease), encode_png(small))


class Worker:
    """Runs jobs from a link until the server goes away."""

    def __init__(self, setup: WorkerSetup) -> None:
        self._device = setup.device
        self._store = Path(setup.data_dir)
        self._secret = setup.secret
        self._runner, self._load = load_runner(setup.runner)
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
            self._link.send(self._attempt(run, document, outputs))
        except AcetateError as error:
            self._give_up(run, error)
        except MemoryError as error:
            self._give_up(run, AcetateError("oom", detail=str(error)))
        except Exception as error:
            # A worker outlives whatever a job does.
            log.exception("job %s", run.job)
            detail = f"{type(error).__name__}: {error}"
            self._give_up(run, AcetateError("bug", detail=detail))
        finally:
            if outputs is not None:
                outputs.drop()

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

    def _give_up(self, run: Run, error: AcetateError) -> None:
        if error.name == "cancelled":
            log.info("job %s was cancelled", run.job)
            self._link.send(Stopped(lease=run.lease))
            return
        log.warning("job %s: %s", run.job, error)
        self._link.send(Failed(lease=run.lease, error=ErrorInfo.of(error)))


def load_runner(name: str) -> tuple[Runner, Callable[[], object]]:
    """What runs jobs, and what to load once nobody waits.

    `name` is `module:function`; empty means the pipeline.
    """
    if not name:
        return _pipeline_runner()
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function), _load_nothing


def _load_nothing() -> None:
    return None


def _pipeline_runner() -> tuple[Runner, Callable[[], object]]:
    """The pipeline with its models kept between jobs, and the bundled model's loader."""
    from backend.pipeline.engines import Engines
    from backend.pipeline.execute import execute

    usual = Engines()
    engines = Engines(load_expert=_kept(usual.load_expert), load_painter=_kept(usual.load_painter))

    def run(
        request: ShotRequest, inputs: Blobs, outputs: Blobs, context: RunContext
    ) -> ResultManifest:
        return execute(request, inputs, outputs, context, engines)

    _rehearse(run)
    return run, engines.load_expert


def _kept(load: Callable[_Arguments, _Loaded]) -> Callable[_Arguments, _Loaded]:
    """`load`, remembered, and never run twice at the same time."""
    remembered = cache(load)
    lock = threading.Lock()

    def once(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Loaded:
        with lock:
            return remembered(*args, **kwargs)

    return once


def _rehearse(run: Runner) -> None:
    """Do a tiny shot, so that the first real one finds everything imported."""
    blobs = MemoryBlobs()
    keys = []
    for frame, left in ((1, 2), (3, 8)):
        pixels = np.zeros((16, 16, 4), np.uint8)  # [h, w, 4]
        pixels[4:12, left : left + 6] = 255
        picture = PictureRef(blob=blobs.put(encode_png(pixels)), width=16, height=16)
        keys.append(Key(frame=frame, picture=picture))
    layer = Layer(name="rehearsal", order=0, role=Role.ANIMATE, keys=tuple(keys))
    look = Look(engine="layer-motion")
    request = ShotRequest(width=16, height=16, fps=24.0, start=1, end=3, layers=(layer,), look=look)
    try:
        run(request, blobs, MemoryBlobs(), LocalContext())
    except AcetateError as error:
        log.warning("the rehearsal failed: %s", error)


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
