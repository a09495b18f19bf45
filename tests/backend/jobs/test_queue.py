"""The job queue keeps its promises: once each, in order, over restarts, on a full disk."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from backend.jobs.queue import JobQueue
from backend.jobs.records import Lease, Outcome
from shared.errors import AcetateError
from shared.messages import JobState

SHA = "cd" * 32
OUTCOME = Outcome("ab" * 32, "layer-motion", 1, 10)


def add(queue: JobQueue, number: int, *, sha: str = SHA, runtime: str = "") -> str:
    runtime = runtime or f"runtime {number}"
    return queue.submit(f"{number:032x}", b"{}", sha, "auto", runtime)[0].id


@pytest.fixture
def queue(tmp_path: Path) -> JobQueue:
    return JobQueue(tmp_path / "jobs.db")


def test_the_log_tells_what_became_of_each_job(
    queue: JobQueue, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="acetate.queue")
    short = add(queue, 1)[:8]
    lease = queue.lease("cpu")
    assert lease is not None
    queue.start(lease.token)
    queue.fail(lease.token, AcetateError("nan", detail="all black"))
    said = [record.getMessage() for record in caplog.records]
    states = [f"job {short}: {word}" for word in ("queued", "leased", "running", "failed")]
    error = next(line for line in said if "E306" in line)
    assert short in error
    assert "all black" in error
    assert [line for line in said if line != error] == states


def test_jobs_are_handed_out_in_the_order_in_which_they_came(queue: JobQueue) -> None:
    jobs = [add(queue, number) for number in range(5)]
    leases = [queue.lease("cpu") for _ in range(6)]
    assert [lease.job for lease in leases if lease] == jobs
    assert leases[5] is None


def test_a_result_is_taken_only_from_the_present_holder_and_only_once(queue: JobQueue) -> None:
    job = add(queue, 1)
    old = queue.lease("cpu")
    assert old is not None
    queue.worker_lost(old.token, detail="died")
    new = queue.lease("cpu")
    assert new is not None
    queue.start(new.token)
    assert queue.succeed(old.token, OUTCOME) is None
    assert queue.succeed(new.token, OUTCOME) is not None
    assert queue.succeed(new.token, OUTCOME) is None
    assert queue.get(job).attempts == 2


def test_the_third_death_fails_the_job(queue: JobQueue) -> None:
    job = add(queue, 1)
    for _ in range(3):
        lease = queue.lease("cpu")
        assert lease is not None
        queue.worker_lost(lease.token, detail="signal 9")
    final = queue.get(job)
    assert final.state is JobState.FAILED
    assert final.error is not None
    assert final.error.code == "E305"
    assert "3 times" in final.error.hint
    assert final.error.detail == "signal 9"


def test_a_full_queue_takes_no_more(tmp_path: Path) -> None:
    queue = JobQueue(tmp_path / "jobs.db", max_queued=2)
    add(queue, 1)
    add(queue, 2)
    with pytest.raises(AcetateError) as caught:
        add(queue, 3)
    assert caught.value.name == "queue_full"
    assert queue.count(JobState.QUEUED) == 2


def test_a_restart_queues_again_what_ran_and_cancels_what_was_told_to_stop(tmp_path: Path) -> None:
    queue = JobQueue(tmp_path / "jobs.db")
    jobs = [add(queue, number) for number in range(4)]
    for _ in range(3):
        lease = queue.lease("cpu")
        assert lease is not None
        queue.start(lease.token)
    queue.cancel(jobs[2])
    queue.close()
    queue = JobQueue(tmp_path / "jobs.db")
    assert queue.recover() == jobs[:2]
    states = [queue.get(job).state for job in jobs]
    assert states == [JobState.QUEUED] * 2 + [JobState.CANCELLED, JobState.QUEUED]
    assert queue.waiting() == [jobs[0], jobs[1], jobs[3]]


def test_another_runtime_does_not_answer_from_old_results(queue: JobQueue) -> None:
    add(queue, 1, runtime="old")
    lease = queue.lease("cpu")
    assert lease is not None
    queue.start(lease.token)
    queue.succeed(lease.token, OUTCOME)
    assert queue.get(add(queue, 2, runtime="old")).from_cache
    assert queue.get(add(queue, 3, runtime="new")).state is JobState.QUEUED
    queue.forget_results(SHA)
    assert queue.get(add(queue, 4, runtime="old")).state is JobState.QUEUED


def test_an_ambiguous_or_odd_start_of_an_id_finds_nothing(queue: JobQueue) -> None:
    for number in range(40):
        add(queue, number)
    for start in ("", "%", "' OR 1=1", "zzzz"):
        with pytest.raises(AcetateError):
            queue.get(start)
    job = queue.page(0, 1)[0].id
    assert queue.get(job[:12]).id == job


def test_a_damaged_file_is_reported_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "jobs.db"
    file.write_bytes(b"this is no database" * 100)
    with pytest.raises(AcetateError) as caught:
        JobQueue(file)
    assert caught.value.name == "queue_damaged"
    assert str(file) in caught.value.detail
    assert file.read_bytes().startswith(b"this is no database")


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    JobQueue(tmp_path / "jobs.db").close()
    database = sqlite3.connect(tmp_path / "jobs.db")
    database.execute("PRAGMA user_version=99")
    database.close()
    with pytest.raises(AcetateError) as caught:
        JobQueue(tmp_path / "jobs.db")
    assert "newer" in caught.value.detail


_FULL_DISK = """
import resource, sys
from pathlib import Path
from backend.jobs.queue import JobQueue
from shared.errors import AcetateError
queue = JobQueue(Path(sys.argv[1]))
size = Path(sys.argv[1] + "-wal").stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100_000, size + 100_000))
for number in range(100):
    try:
        queue.submit(f"{number:032x}", bytes(20_000), f"{number:064x}", "auto", "x")
    except AcetateError as error:
        print(error.name, number)
        break
"""


def test_a_full_disk_refuses_a_job_and_keeps_the_others(tmp_path: Path) -> None:
    file = tmp_path / "jobs.db"
    run = [sys.executable, "-c", _FULL_DISK, str(file)]
    name, count = subprocess.run(run, capture_output=True, text=True, check=True).stdout.split()
    assert name == "disk"
    assert int(count) > 0
    queue = JobQueue(file)
    assert queue.count(JobState.QUEUED) == int(count)
    assert add(queue, 1000)


class QueueMachine(RuleBasedStateMachine):
    """Random clients, workers, deaths and restarts against the promises of the queue."""

    @initialize()
    def open(self) -> None:
        self.queue = JobQueue(Path(":memory:"))
        self.count = 0
        self.leases: list[Lease] = []
        self.taken: dict[str, int] = {}

    @rule()
    def submit(self) -> None:
        self.count += 1
        add(self.queue, self.count)

    @rule()
    def lease(self) -> None:
        lease = self.queue.lease("cpu")
        if lease is not None:
            self.leases.append(lease)
            self.queue.start(lease.token)

    @rule(pick=st.integers(0, 100), how=st.sampled_from(["done", "bad", "died", "stopped"]))
    def end(self, pick: int, how: str) -> None:
        if not self.leases:
            return
        lease = self.leases[pick % len(self.leases)]
        if how == "done" and self.queue.succeed(lease.token, OUTCOME):
            self.taken[lease.job] = self.taken.get(lease.job, 0) + 1
        elif how == "bad":
            self.queue.fail(lease.token, AcetateError("nan"))
        elif how == "died":
            self.queue.worker_lost(lease.token, detail="")
        elif how == "stopped":
            self.queue.stopped(lease.token)

    @rule(pick=st.integers(0, 100))
    def cancel(self, pick: int) -> None:
        if jobs := self.queue.page(0, 100):
            self.queue.cancel(jobs[pick % len(jobs)].id)

    @rule()
    def restart(self) -> None:
        self.queue.recover()

    @invariant()
    def promises_hold(self) -> None:
        if not hasattr(self, "queue"):
            return
        jobs = self.queue.page(0, 1000)
        assert len(jobs) == self.count
        assert all(count == 1 for count in self.taken.values())
        for job in jobs:
            events = self.queue.events(job.id, 0, 1000)
            assert [event.seq for event in events] == list(range(1, job.seq + 1))
            assert events[-1].state is job.state
            assert sum(event.state.is_final for event in events) == job.state.is_final
            assert bool(job.token) == (not job.state.is_final and job.state is not JobState.QUEUED)
            assert (job.state is JobState.SUCCEEDED) == (job.id in self.taken)


QueueMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
test_no_history_breaks_a_promise = QueueMachine.TestCase
