"""Who may speak and how: secrets, versions, malformed messages, rude peers, busy ports."""

from __future__ import annotations

import resource
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any

import msgpack
import psutil
import pytest
import zmq

from shared.client import Client
from shared.errors import AcetateError
from shared.local_server import read_secret
from shared.messages import JobState
from tests.backend.server.raw_peer import RawPeer
from tests.backend.server.running import RunningServer, acetate
from tests.backend.server.shots import make_shot

HASH = "ab" * 32


def test_a_wrong_secret_is_refused(shared_server: RunningServer, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("0" * 64)
    with pytest.raises(AcetateError) as caught:
        Client.connect(shared_server.address, secret_file=tmp_path / "secret")
    assert caught.value.code == "E203"


def test_a_missing_secret_is_refused(shared_server: RunningServer, tmp_path: Path) -> None:
    with pytest.raises(AcetateError) as caught:
        Client.connect(shared_server.address, secret_file=tmp_path / "none")
    assert caught.value.code == "E203"
    with RawPeer(shared_server.address) as peer:
        answer = peer.ask({"t": "hello", "id": 5, "proto": [1, 0, 0]})
    assert (answer["t"], answer["re"], answer["error"]["code"]) == ("error", 5, "E203")


def test_nobody_is_served_before_hello(shared_server: RunningServer) -> None:
    with RawPeer(shared_server.address) as peer:
        for message in ({"t": "list", "id": 3}, {"t": "fetch", "id": 3, "sha256": HASH}):
            answer = peer.ask(message)
            assert (answer["re"], answer["error"]["name"]) == (3, "session")


def test_a_client_of_another_major_version_learns_both_versions(
    shared_server: RunningServer,
) -> None:
    with RawPeer(shared_server.address) as peer:
        answer = peer.ask({"t": "hello", "id": 7, "proto": [2, 0, 4], "unheard": {"of": 1}})
        assert answer["re"] == 7
        assert answer["error"]["code"] == "E204"
        assert answer["proto"] == [1, 0, 0]
        assert "protocol 1.0" in answer["error"]["hint"]
        assert "protocol 2.0-2.4" in answer["error"]["hint"]


def test_another_envelope_is_answered_in_the_frozen_layout(shared_server: RunningServer) -> None:
    with RawPeer(shared_server.address) as peer:
        peer.send({"t": "hello", "id": 7}, magic=b"ACE2")
        found = peer.answer()
        assert found is not None
        assert found[0]["error"]["code"] == "E204"
        assert found[0]["proto"] == [1, 0, 0]


@pytest.mark.parametrize(
    "reply",
    [
        {"t": "welcome", "proto": [2, 0, 1], "software": "9.0"},
        {"t": "error", "proto": [2, 0, 1], "error": {"code": "E204", "name": "x", "text": "y"}},
    ],
)
def test_a_server_of_another_major_version_is_refused_with_both_versions(
    reply: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("x")
    with zmq.Context() as context, context.socket(zmq.ROUTER) as router:
        port = router.bind_to_random_port("tcp://127.0.0.1")

        def answer_once() -> None:
            peer, _, header = router.recv_multipart()
            number = msgpack.unpackb(header)["id"]
            frame = msgpack.packb({**reply, "re": number})
            assert isinstance(frame, bytes)
            router.send_multipart([peer, b"ACE1", frame])

        thread = threading.Thread(target=answer_once)
        thread.start()
        with pytest.raises(AcetateError) as caught:
            Client.connect(f"tcp://127.0.0.1:{port}", secret_file=tmp_path / "secret")
        thread.join()
    assert caught.value.code == "E204"
    assert "protocol 1.0" in caught.value.hint
    assert "protocol 2.0-2.1" in caught.value.hint


def test_every_request_is_answered_exactly_once_however_malformed(
    shared_server: RunningServer,
) -> None:
    bad: list[dict[str, Any]] = [
        {"t": "fetch", "id": 10, "sha256": "../../etc/passwd"},
        {"t": "fetch", "id": 11, "sha256": HASH},
        {"t": "have", "id": 12, "hashes": "x"},
        {"t": "have", "id": 13, "hashes": [HASH] * 600},
        {"t": "put", "id": 14, "sha256": HASH, "size": 2**50, "offset": 0},
        {"t": "put", "id": 15, "sha256": HASH, "size": 5, "offset": 0},
        {"t": "submit", "id": 16, "key": "0" * 32},
        {"t": "submit", "id": 17, "key": 5},
        {"t": "query", "id": 18, "job": "' OR 1=1 --"},
        {"t": "query", "id": 19, "job": "ffffffff"},
        {"t": "watch", "id": 20, "job": "ffffffff", "wait_ms": 10**9},
        {"t": "dance", "id": 21},
        {"t": "list", "id": 22, "skip": -1},
    ]
    with RawPeer(shared_server.address) as peer:
        assert peer.greet(read_secret(shared_server.secret_file))["t"] == "welcome"
        for message in bad:
            peer.send(message)
        peer.send({"t": "submit", "id": 23, "key": "0" * 32}, b"{not json")
        peer.send({"t": "submit", "id": 24, "key": "0" * 32}, b'{"width": 1e999}')
        peer.send({"t": "submit", "id": 25, "key": "0" * 32}, b"[" * 100_000)
        peer.send({"t": "health", "id": 26})
        answers = [peer.answer() for _ in range(17)]
        numbers = [answer[0]["re"] for answer in answers if answer]
        assert sorted(numbers) == list(range(10, 27))
        assert [a[0]["t"] for a in answers if a and a[0]["re"] != 26] == ["error"] * 16
        assert peer.answer(0.2) is None


def test_a_shot_with_a_fault_is_refused_with_the_faults_own_error(
    shared_server: RunningServer,
) -> None:
    document = b'{"schema":"acetate.shot/1","width":64,"height":64,"fps":24,"start":1,"end":2,'
    with RawPeer(shared_server.address) as peer:
        peer.greet(read_secret(shared_server.secret_file))
        answer = peer.ask({"t": "submit", "id": 2, "key": "1" * 32}, document + b'"layers":[]}')
    assert answer["error"]["code"] == "E101"


def test_rude_peers_do_no_harm(server: RunningServer) -> None:
    server.start()
    host, _, port = server.address.removeprefix("tcp://").rpartition(":")
    memory = psutil.Process(server.pid).memory_info().rss
    for data in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 100_000, b"\xff\0\0\0\0\0\0\0\x01\x7f"):
        with socket.create_connection((host, int(port))) as rude:
            rude.sendall(data)
    with RawPeer(server.address) as peer:
        peer.socket.send_multipart([b"ACE1", bytes(20 * 1024 * 1024)])
        peer.socket.send_multipart([b"", b"", b""])
    with server.connect() as client:
        assert client.wait(client.submit(*make_shot()), 30).state is JobState.SUCCEEDED
    assert psutil.Process(server.pid).memory_info().rss < memory + 100 * 1024 * 1024


def test_a_client_that_never_reads_holds_nobody_up(server: RunningServer) -> None:
    with server.start().connect() as client, RawPeer(server.address) as greedy:
        job = client.submit(*make_shot(f"noise_bytes={1024 * 1024}"))
        client.wait(job, 30)
        manifest = client.fetch(job, server.folder / "sink")
        greedy.greet(read_secret(server.secret_file))
        before = psutil.Process(server.pid).memory_info().rss
        for number in range(1000):
            greedy.send({"t": "fetch", "id": number, "sha256": manifest.painted[0]})
        other = client.submit(*make_shot(seed=1))
        assert client.wait(other, 30).state is JobState.SUCCEEDED
        assert psutil.Process(server.pid).memory_info().rss < before + 256 * 1024 * 1024


def test_a_busy_port_is_an_error_with_a_fix(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = _serve(tmp_path, "--listen", str(port))
    assert done.returncode == 2
    assert done.stderr.startswith(f"E202 Port {port} is used by another program")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "run" / "secret").exists()


def test_listening_to_the_world_is_refused(tmp_path: Path) -> None:
    done = _serve(tmp_path, "--listen", "0.0.0.0:5577")
    assert done.returncode == 2
    assert done.stderr.startswith("E207")


def test_a_data_folder_serves_one_server_at_a_time(server: RunningServer) -> None:
    server.start()
    done = _serve(server.folder, "--listen", "0")
    assert done.returncode == 2
    assert done.stderr.startswith("E209")
    with server.connect() as client:
        assert client.health().workers


def test_a_full_disk_refuses_the_upload_and_keeps_nothing_half_written(
    server: RunningServer,
) -> None:
    with server.start(limit=_small_files).connect() as client:
        with pytest.raises(AcetateError) as caught:
            client.submit(*make_shot(noisy=True))
        assert caught.value.code == "E501"
        # The first refusal arrives while later pieces are under way; the server answers in order.
        assert client.health().workers
        assert not any((server.data_dir / "incoming").iterdir())
        assert client.jobs() == []
        assert client.wait(client.submit(*make_shot()), 30).state is JobState.SUCCEEDED


def test_a_full_disk_fails_the_job_and_keeps_nothing_half_written(server: RunningServer) -> None:
    with server.start(limit=_small_files).connect() as client:
        final = client.wait(client.submit(*make_shot("noise_bytes=2000000")), 30)
        assert final.state is JobState.FAILED
        assert final.error is not None
        assert final.error.code == "E501"
        assert not any((server.data_dir / "attempts").iterdir())
        assert client.wait(client.submit(*make_shot()), 30).state is JobState.SUCCEEDED


def test_workers_that_cannot_start_fail_the_jobs_instead_of_letting_them_wait(
    tmp_path: Path,
) -> None:
    server = RunningServer(tmp_path, runner="tests.backend.server.no_such_module:run")
    try:
        with server.start().connect() as client:
            final = client.wait(client.submit(*make_shot()), timeout_s=60)
            assert final.error is not None
            assert final.error.code == "E305"
            assert "no worker starts" in final.error.detail
    finally:
        server.stop()


def _serve(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    server = RunningServer(folder)
    command = [*acetate(), "serve", "--data-dir", str(server.data_dir), *options]
    return subprocess.run(
        command, env=server.environment(), capture_output=True, text=True, timeout=60
    )


def _small_files() -> None:
    """As if the disk were full once a file reaches this size."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
