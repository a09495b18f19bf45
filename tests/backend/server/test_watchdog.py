"""Workers that hang, fall silent or never get ready are replaced; no job waits for ever."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.jobs.pool import MAX_FAILED_STARTS, SILENCE_S, START_LIMIT_S
from backend.server.scheduler import MAX_STALL_S
from shared.messages import JobState
from tests.backend.server.scheduler_bench import Bench
from tests.backend.server.shots import make_shot


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


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
    assert "30 min" in ended.error.text
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


def test_a_killed_worker_gets_no_other_job(bench: Bench) -> None:
    first = bench.submit(*make_shot("hang_at=1"))
    second = bench.submit(*make_shot(seed=1))
    bench.run_until(lambda: bench.scheduler.board.live(first).step == 1)
    bench.slot.moved_s -= MAX_STALL_S + 1
    bench.scheduler.tick()
    assert bench.slot.is_doomed
    assert bench.state(second) is JobState.QUEUED
    bench.run_until(lambda: bench.state(second) is JobState.SUCCEEDED)
    assert bench.queue.get(second).attempts == 1


def test_a_silent_idle_worker_gets_no_job_once_it_is_killed(bench: Bench) -> None:
    bench.run_until(lambda: bench.slot.is_idle)
    os.kill(bench.pid(), signal.SIGSTOP)
    bench.slot.heard_s -= SILENCE_S + 1
    bench.scheduler.pool.tick()
    assert not bench.slot.is_idle
    job = bench.submit(*make_shot())
    assert bench.state(job) is JobState.QUEUED
    bench.run_until(lambda: bench.state(job) is JobState.SUCCEEDED)
    assert bench.queue.get(job).attempts == 1


def test_workers_that_cannot_even_be_started_fail_the_jobs_until_they_can(
    bench: Bench, tmp_path: Path
) -> None:
    (tmp_path / "logs").write_text("a file where the workers' logs should be")
    job = bench.submit(*make_shot())
    bench.run_until(lambda: bench.state(job) is JobState.FAILED)
    error = bench.queue.get(job).error
    assert error is not None
    assert error.code == "E305"
    assert bench.slot.failures >= MAX_FAILED_STARTS
    assert bench.slot.log_file is None
    (tmp_path / "logs").unlink()
    bench.run_until(lambda: bench.slot.is_idle)
    after = bench.submit(*make_shot(seed=1))
    bench.run_until(lambda: bench.state(after) is JobState.SUCCEEDED)


def test_a_worker_lost_while_the_disk_is_full_gives_its_job_back_later(bench: Bench) -> None:
    job = bench.submit(*make_shot("steps=10 step_s=0.05"))
    bench.run_until(lambda: bench.scheduler.board.live(job).step > 1)
    victim = bench.pid()
    with bench.unwritable_queue():
        assert bench.is_unwritable()
        os.kill(victim, signal.SIGKILL)
        bench.run_until(lambda: bench.pid() not in (0, victim))
        assert bench.state(job) is JobState.RUNNING
    bench.run_until(lambda: bench.state(job) is JobState.SUCCEEDED)
    assert bench.queue.get(job).attempts == 2


def test_a_stalled_job_is_ended_though_the_disk_was_full(bench: Bench) -> None:
    job = bench.submit(*make_shot("hang_at=1"))
    bench.run_until(lambda: bench.scheduler.board.live(job).step == 1)
    hung = bench.pid()
    with bench.unwritable_queue():
        bench.slot.moved_s -= MAX_STALL_S + 1
        bench.run_until(lambda: bench.pid() not in (0, hung))
        assert bench.state(job) is JobState.RUNNING
    bench.scheduler.tick()
    assert bench.state(job) is JobState.FAILED


def test_a_result_is_kept_though_start_and_end_met_a_full_disk(bench: Bench) -> None:
    bench.run_until(lambda: bench.slot.is_idle)
    job = bench.submit(*make_shot("steps=3"))
    with bench.unwritable_queue():
        bench.run_until(lambda: bench.scheduler.board.live(job).step == 3)
        assert bench.state(job) is JobState.LEASED
    bench.run_until(lambda: bench.state(job) is JobState.SUCCEEDED)
    assert bench.states(job)[-1] is JobState.SUCCEEDED
    assert bench.queue.get(job).attempts == 1
