"""The real pipeline behind the real server: the same bits as a direct call, also after a kill."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from backend.pipeline.context import LocalContext
from backend.pipeline.execute import execute
from shared.blobs import MemoryBlobs
from shared.messages import JobState
from shared.result import ResultManifest, result_blobs
from tests.backend.server.running import RunningServer
from tests.backend.server.shots import make_shot


@pytest.fixture(scope="module")
def pipeline_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    server = RunningServer(tmp_path_factory.mktemp("pipeline"), runner="")
    server.start(options="--feature-store-ram 0.1 --feature-store-disk 0.1")
    yield server
    server.stop()


def test_the_server_returns_what_the_pipeline_makes(pipeline_server: RunningServer) -> None:
    request, blobs = make_shot(seed=1)
    sink = MemoryBlobs()
    with pipeline_server.connect() as client:
        job = client.submit(request, blobs)
        assert client.wait(job, timeout_s=120).engine == "layer-motion"
        manifest = client.fetch(job, sink)
    direct_sink = MemoryBlobs()
    direct = execute(request, blobs, direct_sink, LocalContext())
    assert _pixels(manifest) == _pixels(direct)
    assert all(sink.get(sha256) == direct_sink.get(sha256) for sha256 in result_blobs(direct))


def test_killed_worker_and_killed_server_still_give_one_right_result(
    pipeline_server: RunningServer,
) -> None:
    request, blobs = make_shot(seed=2, layers=4, frames=16)
    with pipeline_server.connect() as client:
        job = client.submit(request, blobs)
        for _ in range(2):
            while client.status(job).state is not JobState.RUNNING:
                time.sleep(0.01)
            os.kill(client.health().workers[0].pid, signal.SIGKILL)
            while client.status(job).state is JobState.RUNNING:
                time.sleep(0.01)
        pipeline_server.kill()
        pipeline_server.start()
        final = client.wait(job, timeout_s=120)
        assert final.state is JobState.SUCCEEDED
        assert [u.seq for u in client.events(job) if u.is_transition] == list(
            range(1, final.seq + 1)
        )
        manifest = client.fetch(job, MemoryBlobs())
    direct = execute(request, blobs, MemoryBlobs(), LocalContext())
    assert _pixels(manifest) == _pixels(direct)


def test_a_worker_stays_below_two_gigabytes(pipeline_server: RunningServer) -> None:
    with pipeline_server.connect() as client:
        worker = client.health().workers[0]
        assert psutil.Process(worker.pid).memory_info().rss < 2 * 1024**3


def test_the_server_process_never_loads_torch(pipeline_server: RunningServer) -> None:
    maps = Path(f"/proc/{pipeline_server.pid}/maps")
    if not maps.exists():
        pytest.skip("this system does not list a process's libraries")
    assert "libtorch" not in maps.read_text()


def _pixels(manifest: ResultManifest) -> list[tuple[str, ...]]:
    return [manifest.composite, *(layer.frames for layer in manifest.layers)]
