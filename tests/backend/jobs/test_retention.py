"""Old jobs and their blobs go; whatever a remaining job needs stays."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from backend.jobs.content_store import ContentStore
from backend.jobs.queue import JobQueue
from backend.jobs.records import Outcome
from backend.jobs.retention import KEEP_JOBS_S, SWEEP_EVERY_S, Sweeper, sweep
from backend.pipeline.context import LocalContext
from shared.blobs import FolderBlobs
from shared.errors import AcetateError
from shared.result import ResultManifest, result_blobs
from shared.shot import ShotRequest, blob_hashes, to_json
from tests.backend.server.fake_runner import run
from tests.backend.server.shots import make_shot


def _finished(
    queue: JobQueue, blobs: FolderBlobs, seed: int
) -> tuple[str, ShotRequest, ResultManifest]:
    request, inputs = make_shot("noise_bytes=100", seed=seed, frames=4 + seed)
    for sha256 in blob_hashes(request):
        blobs.put(inputs.get(sha256))
    manifest = run(request, inputs, blobs, LocalContext())
    name = blobs.put(to_json(manifest))
    job, _ = queue.submit(f"{seed:032x}", to_json(request), request.sha256, "auto", "x")
    lease = queue.lease("cpu")
    assert lease is not None
    queue.start(lease.token)
    queue.succeed(lease.token, Outcome(name, "layer-motion", 1, 1))
    return job.id, request, manifest


def test_only_what_is_old_and_unneeded_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ContentStore(tmp_path)
    long_ago = time.time() - KEEP_JOBS_S - 100
    monkeypatch.setattr(time, "time", lambda: long_ago)
    queue = JobQueue(tmp_path / "jobs.db")
    old, old_request, old_result = _finished(queue, store.blobs, 1)
    monkeypatch.undo()
    queue.close()
    queue = JobQueue(tmp_path / "jobs.db")
    new, new_request, new_result = _finished(queue, store.blobs, 2)
    for file in store.blobs.folder.glob("??/*"):
        os.utime(file, (long_ago, long_ago))
    fresh = store.blobs.put(b"just uploaded")

    assert sweep(queue, store) == 1
    with pytest.raises(AcetateError):
        queue.get(old)
    assert queue.get(new).id == new
    kept = {*blob_hashes(new_request), *result_blobs(new_result), fresh}
    assert all(map(store.has, kept))
    gone = {*blob_hashes(old_request), *result_blobs(old_result)} - kept
    assert gone
    assert not any(map(store.has, gone))
    assert sweep(queue, store) == 0


def test_unfinished_uploads_are_dropped_after_a_day(tmp_path: Path) -> None:
    store = ContentStore(tmp_path)
    store.append("ab" * 32, 100, 0, memoryview(b"x" * 50))
    queue = JobQueue(tmp_path / "jobs.db")
    sweep(queue, store)
    assert store.received("ab" * 32) == 50
    sweep(queue, store, now=time.time() + 2 * 24 * 3600)
    assert store.received("ab" * 32) == 0


def test_a_server_that_runs_for_months_forgets_once_a_day_while_it_is_idle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, queue = ContentStore(tmp_path), JobQueue(tmp_path / "jobs.db")
    sweeper = Sweeper(queue, store)
    job, _, _ = _finished(queue, store.blobs, 1)
    wall_s, clock_s = time.time() + KEEP_JOBS_S + 100, time.monotonic()
    monkeypatch.setattr(time, "time", lambda: wall_s)
    for later_s, is_idle in ((SWEEP_EVERY_S - 100, True), (SWEEP_EVERY_S + 100, False)):
        monkeypatch.setattr(time, "monotonic", lambda later_s=later_s: clock_s + later_s)
        sweeper.tick(is_idle=is_idle)
        assert queue.get(job).id == job
    sweeper.tick(is_idle=True)
    with pytest.raises(AcetateError, match="E404"):
        queue.get(job)
