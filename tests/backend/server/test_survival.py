"""kill -9, broken connections and restarts: no job is lost, none is done twice."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from shared.blobs import FolderBlobs, MemoryBlobs
from shared.client import new_job_key
from shared.errors import AcetateError
from shared.local_server import is_alive
from shared.messages import JobState
from shared.result import ResultManifest
from tests.backend.server.relay import Relay
from tests.backend.server.running import RunningServer, wait_for_step, wait_until
from tests.backend.server.shots import make_shot


def test_a_job_whose_worker_is_killed_is_done_once_by_another(
    server: RunningServer, tmp_path: Path
) -> None:
    journal = tmp_path / "journal"
    with server.start().connect() as client:
        job = client.submit(*make_shot(f"steps=100 step_s=0.03 journal={journal}"))
        wait_for_step(client, job, 3)
        os.kill(client.health().workers[0].pid, signal.SIGKILL)
        final = client.wait(job, timeout_s=30)
        assert final.state is JobState.SUCCEEDED
        assert final.attempts == 2
        assert journal.read_text().split() == ["start", "start", "done"]
        assert _times_booked(server, job) == 1
        assert client.fetch(job, MemoryBlobs()).request_sha256 == final.request_sha256


def test_a_job_that_kills_every_worker_fails_after_three(server: RunningServer) -> None:
    with server.start().connect() as client:
        job = client.submit(*make_shot("die_at=0"))
        final = client.wait(job, timeout_s=60)
        assert final.state is JobState.FAILED
        assert final.error is not None
        assert final.error.code == "E305"
        assert final.attempts == 3
        assert client.wait(client.submit(*make_shot()), 30).state is JobState.SUCCEEDED


def test_a_job_whose_server_is_killed_is_done_once_after_the_restart(
    server: RunningServer, tmp_path: Path
) -> None:
    journal = tmp_path / "journal"
    with server.start().connect() as client:
        job = client.submit(*make_shot(f"steps=60 step_s=0.05 journal={journal}"))
        wait_for_step(client, job, 3)
        worker = client.health().workers[0].pid
        server.kill()
        wait_until(lambda: not is_alive(worker))
        server.start()
        # The same client goes on: it finds the new secret by itself.
        final = client.wait(job, timeout_s=30)
        assert final.state is JobState.SUCCEEDED
        assert journal.read_text().split() == ["start", "start", "done"]
        assert _times_booked(server, job) == 1
        events = [update.seq for update in client.events(job) if update.is_transition]
        assert events == list(range(1, len(events) + 1))


def test_waiting_jobs_survive_a_killed_server_in_their_order(server: RunningServer) -> None:
    with server.start().connect() as client:
        blocker = client.submit(*make_shot("steps=200 step_s=0.05"))
        jobs = [client.submit(*make_shot(seed=seed)) for seed in (1, 2, 3)]
        client.cancel(blocker)
    server.kill()
    with server.start().connect() as client:
        final = [client.wait(job, timeout_s=30) for job in jobs]
        assert {job.state for job in final} == {JobState.SUCCEEDED}
        assert [job.started_at for job in final] == sorted(job.started_at for job in final)
        assert client.status(blocker).state is JobState.CANCELLED


def test_submitting_again_after_a_crash_finds_the_same_job(server: RunningServer) -> None:
    request, blobs = make_shot("steps=50 step_s=0.05")
    key = new_job_key()
    with server.start().connect() as client:
        job = client.submit(request, blobs, key)
    server.kill()
    with server.start().connect() as client:
        assert client.submit(request, blobs, key) == job
        assert len(client.jobs()) == 1
        client.cancel(job)


def test_an_orderly_stop_keeps_the_running_job_for_the_next_server(server: RunningServer) -> None:
    with server.start().connect() as client:
        job = client.submit(*make_shot("steps=20 step_s=0.05"))
        wait_for_step(client, job, 2)
    assert server.stop() == 0
    assert not (server.run_dir / "server.json").exists()
    assert not server.secret_file.exists()
    with server.start().connect() as client:
        assert client.wait(job, timeout_s=30).state is JobState.SUCCEEDED


def test_a_worker_that_hangs_is_killed_when_its_job_is_cancelled(
    server: RunningServer,
) -> None:
    with server.start(options="--stop-grace 0.5").connect() as client:
        job = client.submit(*make_shot("hang_at=1"))
        wait_for_step(client, job, 1)
        client.cancel(job)
        assert client.wait(job, timeout_s=30).state is JobState.CANCELLED


def test_a_dropped_connection_is_mended_and_the_fetch_goes_on(
    server: RunningServer, tmp_path: Path
) -> None:
    size = 24 * 1024 * 1024
    server.start()
    with Relay(server.address) as relay, server.connect(address=relay.address) as client:
        job = client.submit(*make_shot(f"noise_bytes={size}"))
        client.wait(job, timeout_s=30)
        before = client.health().sent_bytes
        cut: list[int] = []

        def cut_once(done: int, total: int) -> None:
            if not cut and done > total // 2:
                cut.append(done)
                relay.cut()

        manifest = client.fetch(job, tmp_path / "sink", progress=cut_once)
        assert cut
        assert len(FolderBlobs(tmp_path / "sink").get(manifest.painted[0])) == size
        assert client.health().sent_bytes - before < 1.6 * size


def test_a_dropped_connection_during_upload_sends_no_picture_from_its_start(
    server: RunningServer,
) -> None:
    server.start()
    request, blobs = make_shot(noisy=True, layers=4)
    with Relay(server.address) as relay, server.connect(address=relay.address) as client:
        cut: list[int] = []

        def cut_once(done: int, total: int) -> None:
            if not cut and done > total // 2:
                cut.append(total)
                relay.cut()

        job = client.submit(request, blobs, progress=cut_once)
        assert client.wait(job, timeout_s=30).state is JobState.SUCCEEDED
        assert cut
        assert client.health().received_bytes < 2 * cut[0]


def test_events_go_on_over_a_dropped_connection_without_gap_or_repeat(
    server: RunningServer,
) -> None:
    server.start()
    with Relay(server.address) as relay, server.connect(address=relay.address) as client:
        job = client.submit(*make_shot("steps=20 step_s=0.05"))
        seen: list[int] = []
        for update in client.events(job, timeout_s=30):
            if update.is_transition:
                seen.append(update.seq)
            if update.status.step == 3:
                relay.cut()
        assert seen == [1, 2, 3, 4]


def test_two_clients_may_submit_the_same_key_at_once(server: RunningServer) -> None:
    request, blobs = make_shot("steps=5 step_s=0.02")
    key = new_job_key()
    server.start()
    found: list[str] = []

    def submit() -> None:
        with server.connect() as client:
            found.append(client.submit(request, blobs, key))

    threads = [threading.Thread(target=submit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1


def test_a_server_that_stays_away_is_reported_as_unreachable(server: RunningServer) -> None:
    with server.start().connect(patience_s=0.5) as client:
        server.kill()
        with pytest.raises(AcetateError) as caught:
            client.jobs()
    assert caught.value.code == "E201"


def test_a_result_whose_pictures_vanished_is_made_again(server: RunningServer) -> None:
    request, blobs = make_shot()
    with server.start().connect() as client:
        first = client.submit(request, blobs)
        client.wait(first, timeout_s=30)
        manifest: ResultManifest = client.fetch(first, MemoryBlobs())
        FolderBlobs(server.data_dir / "blobs").path(manifest.composite[0]).unlink()
        again = client.wait(client.submit(request, blobs), timeout_s=30)
        assert not again.from_cache
        assert client.fetch(again.id, MemoryBlobs()).composite == manifest.composite


def test_a_picture_tampered_with_on_the_disk_is_never_used(server: RunningServer) -> None:
    request, blobs = make_shot("steps=30 step_s=0.05")
    with server.start().connect() as client:
        client.cancel(client.submit(request, blobs))
        victim = FolderBlobs(server.data_dir / "blobs").path(request.layers[0].keys[0].picture.blob)  # pyright: ignore[reportOptionalMemberAccess]
        victim.write_bytes(victim.read_bytes()[:-1] + b"!")
        final = client.wait(client.submit(request, blobs), timeout_s=30)
        assert final.error is not None
        assert final.error.name == "bad_package"


def _times_booked(server: RunningServer, job: str) -> int:
    with closing(sqlite3.connect(server.data_dir / "jobs.db")) as database:
        query = "SELECT count(*) FROM events WHERE job = ? AND state = 'succeeded'"
        return database.execute(query, (job,)).fetchone()[0]
