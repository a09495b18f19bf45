"""Workers that hang, fall silent or never get ready are replaced; no job waits for ever."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq

from backend.jobs.content_store import ContentStore
from backend.jobs.pool import SILENCE_S, START_LIMIT_S, PoolOptions
from backend.jobs.queue import JobQueue
from backend.server.scheduler import MAX_STALL_S, Scheduler
from shared.blobs import MemoryBlobs
from shared.messages import JobState
from shared.shot import ShotRequest, to_json
from tests.backend.server.running import FAKE_RUNNER
from tests.backend.server.shots import make_shot


class Bench:
    """A scheduler with real workers and no clients, driven by the test."""

    def __init__(self, folder: Path) -> None:
        self.context = zmq.Context()
        self.queue = JobQueue(folder / "jobs.db")
        self.store = ContentStore(folder)
        options = PoolOptions(data_dir=folder, runner=FAKE_RUNNER)
        self.scheduler = Scheduler(self.context, self.queue, options)
        self.slot = self.scheduler.pool.slots[0]

    def submit(self, request: ShotRequest, blobs: MemoryBlobs) -> str:
        for sha256 in blobs:
            self.store.blobs.put(blobs.get(sha256))
        key = request.sha256[:32]
        job, _ = self.queue.submit(key, to_json(request), request.sha256, "auto", "runtime")
        self.scheduler.submitted(job)
        return job.id

    def run_until(self, true: Callable[[], bool], limit_s: float = 60.0) -> None:
        until = time.monotonic() + limit_s
        while not true():
            assert time.monotonic() < until, "it did not happen in time"
            self.scheduler.tick()
            while self.scheduler.pool.receive():
                continue
            time.sleep(0.02)

    def state(self, job: str) -> JobState:
        return self.queue.get(job).state

    def pid(self) -> int:
        return self.slot.process.pid if self.slot.process else 0


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.scheduler.pool.close()
    bench.context.destroy(linger=0)


def test_a_job_that_makes_no_step_for_too_long_is_ended(bench: Bench) -> None:
    job = bench.submit(*make_shot("hang_at=1"))
    bench.run_until(lambda: bench.scheduler.board.live(job).step == 1)
    hung = bench.pid()
    bench.slot.moved_s -= MAX_STALL_S + 1
    bench.scheduler.tick()
    ended = bench.queue.get(job)
    assert ended.state is JobState.FAILED
    assert ended.error is not None
    assert ended.error.code == "E304"
    bench.run_until(lambda: bench.pid() not in (0, hung))
    after = bench.submit(*make_shot(seed=1))
    bench.run_until(lambda: bench.state(after) is JobState.SUCCEEDED)


def test_a_worker_that_falls_silent_is_replaced_and_its_job_done(bench: Bench) -> None:
    job = bench.submit(*make_shot("steps=10 step_s=0.05"))
    bench.run_until(lambda: bench.scheduler.board.live(job).step > 1)
    os.kill(bench.pid(), signal.SIGSTOP)
    bench.slot.heard_s -= SILENCE_S + 1
    bench.run_until(lambda: bench.state(job) is JobState.SUCCEEDED)
    assert bench.queue.get(job).attempts == 2


def test_a_worker_that_never_gets_ready_is_replaced(bench: Bench) -> None:
    bench.scheduler.tick()
    first = bench.pid()
    os.kill(first, signal.SIGSTOP)
    bench.slot.heard_s -= START_LIMIT_S + 1
    bench.run_until(lambda: bench.slot.is_idle)
    assert bench.pid() != first
