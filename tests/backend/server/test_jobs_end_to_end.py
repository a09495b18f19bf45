"""Submit, follow, cancel and fetch over real sockets and processes."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from shared.async_client import AsyncClient
from shared.blobs import FolderBlobs, MemoryBlobs
from shared.client import Client, new_job_key
from shared.errors import AcetateError
from shared.messages import JobState
from shared.result import result_blobs
from shared.shot import blob_hashes
from tests.backend.server.running import RunningServer, wait_for_step
from tests.backend.server.shots import make_shot


def test_a_shot_comes_back_as_a_result_with_all_its_blobs(client: Client) -> None:
    request, blobs = make_shot(seed=1)
    job = client.submit(request, blobs)
    assert client.wait(job).state is JobState.SUCCEEDED
    sink = MemoryBlobs()
    manifest = client.fetch(job, sink)
    assert manifest.request_sha256 == request.sha256
    assert all(sink.has(sha256) for sha256 in result_blobs(manifest))


def test_the_same_key_is_the_same_job(client: Client) -> None:
    request, blobs = make_shot(seed=2)
    key = new_job_key()
    assert client.submit(request, blobs, key) == client.submit(request, blobs, key)
    assert sum(job.key == key for job in client.jobs()) == 1


def test_a_key_cannot_be_used_for_another_shot(client: Client) -> None:
    key = new_job_key()
    client.submit(*make_shot(seed=3), key)
    with pytest.raises(AcetateError) as caught:
        client.submit(*make_shot(seed=4), key)
    assert caught.value.name == "key_conflict"


def test_an_unchanged_layer_is_never_sent_twice(client: Client) -> None:
    first, blobs = make_shot(seed=5, noisy=True)
    client.submit(first, blobs)
    before = client.health().received_bytes
    sent: list[tuple[int, int]] = []
    again, blobs = make_shot(seed=6, noisy=True)
    client.submit(again, blobs, progress=lambda done, total: sent.append((done, total)))
    pictures = sum(len(blobs.get(sha256)) for sha256 in blob_hashes(again))
    assert sent == []
    assert client.health().received_bytes - before < 4000 < pictures


def test_a_request_that_was_answered_before_is_answered_at_once(client: Client) -> None:
    request, blobs = make_shot(seed=7)
    client.wait(client.submit(request, blobs))
    again = client.status(client.submit(request, blobs))
    assert again.state is JobState.SUCCEEDED
    assert again.from_cache
    assert client.fetch(again.id, MemoryBlobs()).request_sha256 == request.sha256


def test_events_are_numbered_without_gaps_and_end_with_the_final_state(client: Client) -> None:
    job = client.submit(*make_shot("steps=4 step_s=0.02", seed=8))
    updates = [update for update in client.events(job, timeout_s=30) if update.is_transition]
    assert [update.seq for update in updates] == [1, 2, 3, 4]
    states = [JobState.QUEUED, JobState.LEASED, JobState.RUNNING, JobState.SUCCEEDED]
    assert [update.state for update in updates] == states
    replayed = [update.state for update in client.events(job, from_seq=2)]
    assert replayed == states[2:]


def test_progress_and_preview_can_be_seen_while_a_job_runs(client: Client) -> None:
    job = client.submit(*make_shot("steps=30 step_s=0.03", seed=9))
    steps = [update.status.step for update in client.events(job, timeout_s=30)]
    assert any(0 < step < 30 for step in steps)
    picture = client.preview(job)
    assert picture is not None
    assert picture.startswith(b"\x89PNG")
    assert client.preview(job, known=client.status(job).preview) is None


def test_a_running_job_stops_within_one_step_of_a_cancel(client: Client, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    job = client.submit(*make_shot(f"steps=400 step_s=0.05 journal={journal}", seed=10))
    wait_for_step(client, job, 2)
    stopped_at = client.cancel(job).step
    final = client.wait(job, timeout_s=20)
    assert final.state is JobState.CANCELLED
    # What was reported may lag behind by two reports, but nowhere near by four hundred.
    assert stopped_at < 100
    assert "done" not in journal.read_text()
    assert client.cancel(job).state is JobState.CANCELLED


def test_a_waiting_job_is_cancelled_without_having_run(client: Client, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    first = client.submit(*make_shot("steps=400 step_s=0.05", seed=11))
    second = client.submit(*make_shot(f"journal={journal}", seed=12))
    assert client.status(second).position >= 1
    assert client.cancel(second).state is JobState.CANCELLED
    client.cancel(first)
    client.wait(first, timeout_s=20)
    assert not journal.exists()


def test_a_fault_of_the_material_fails_the_job_with_its_own_error(client: Client) -> None:
    job = client.submit(*make_shot("raise_at=1", seed=13))
    final = client.wait(job)
    assert final.state is JobState.FAILED
    assert final.attempts == 1
    assert final.error is not None
    assert final.error.name == "nan"
    with pytest.raises(AcetateError) as caught:
        client.fetch(job, MemoryBlobs())
    assert caught.value.code == "E306"


def test_a_result_that_is_not_there_yet_is_an_error_and_not_a_wait(client: Client) -> None:
    job = client.submit(*make_shot("steps=100 step_s=0.05", seed=14))
    with pytest.raises(AcetateError) as caught:
        client.fetch(job, MemoryBlobs())
    assert caught.value.name == "not_ready"
    client.cancel(job)


def test_waiting_gives_up_in_time_and_the_job_goes_on(client: Client) -> None:
    job = client.submit(*make_shot("steps=100 step_s=0.05", seed=15))
    with pytest.raises(AcetateError) as caught:
        client.wait(job, timeout_s=0.2)
    assert caught.value.name == "wait_timeout"
    assert not client.status(job).state.is_final
    client.cancel(job)


def test_an_unknown_job_has_its_own_error(client: Client) -> None:
    with pytest.raises(AcetateError) as caught:
        client.status("0123456789abcdef")
    assert caught.value.name == "job_unknown"


def test_a_job_answers_to_the_start_of_its_id(client: Client) -> None:
    job = client.submit(*make_shot(seed=16))
    assert client.status(job[:8]).id == job


def test_a_large_result_arrives_in_pieces_and_only_what_is_missing(
    client: Client, tmp_path: Path
) -> None:
    job = client.submit(*make_shot(f"noise_bytes={5 * 1024 * 1024 + 17}", seed=17))
    client.wait(job)
    progress: list[tuple[int, int]] = []
    manifest = client.fetch(job, tmp_path, progress=lambda *pair: progress.append(pair))
    store = FolderBlobs(tmp_path)
    assert len(store.get(manifest.painted[0])) == 5 * 1024 * 1024 + 17
    assert progress[-1][0] == progress[-1][1] > 5 * 1024 * 1024
    before = client.health().sent_bytes
    client.fetch(job, tmp_path)
    assert client.health().sent_bytes == before


def test_a_blob_that_is_not_what_its_hash_says_is_refused(client: Client) -> None:
    request, blobs = make_shot(seed=19, frames=7)
    lying = _Lying(blobs, blob_hashes(request)[1])
    with pytest.raises(AcetateError) as caught:
        client.submit(request, lying)
    assert caught.value.name == "invalid_request"
    assert "another hash" in caught.value.text
    assert client.wait(client.submit(request, blobs)).state is JobState.SUCCEEDED


def test_several_takes_wait_in_line_in_their_order(client: Client) -> None:
    jobs = [client.submit(*make_shot("steps=10 step_s=0.02", seed=20 + n)) for n in range(3)]
    final = [client.wait(job, timeout_s=30) for job in jobs]
    starts = [job.started_at for job in final]
    assert starts == sorted(starts)


def test_the_asynchronous_twin_does_the_same(shared_server: RunningServer) -> None:
    async def whole_way() -> tuple[list[JobState], int]:
        address, file = shared_server.address, shared_server.secret_file
        async with await AsyncClient.connect(address, secret_file=file) as client:
            job = await client.submit(*make_shot("steps=5 step_s=0.02", seed=30))
            states = [u.state async for u in client.events(job) if u.is_transition]
            sink = MemoryBlobs()
            manifest = await client.fetch(job, sink)
            return states, len(result_blobs(manifest))

    states, count = asyncio.run(whole_way())
    assert states[-1] is JobState.SUCCEEDED
    assert states == sorted(states, key=list(JobState).index)
    assert count > 0


def test_a_watch_without_news_is_answered_when_its_time_is_up(client: Client) -> None:
    job = client.submit(*make_shot("steps=1 step_s=3", seed=31))
    while client.status(job).state is not JobState.RUNNING:
        time.sleep(0.02)
    status = client.watch(job, None, 0)
    assert client.watch(job, client.watch(job, status, 0.3), 0.3).state is JobState.RUNNING
    client.cancel(job)


class _Lying(MemoryBlobs):
    """Blobs of which one is not what its hash says."""

    def __init__(self, true: MemoryBlobs, victim: str) -> None:
        super().__init__()
        self._true = true
        self._victim = victim

    def get(self, sha256: str) -> bytes:
        data = self._true.get(sha256)
        return data[:-1] + b"!" if sha256 == self._victim else data
