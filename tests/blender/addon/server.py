"""A real server process for tests of the extension, in the project's own environment."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import msgpack
import pytest
import zmq

_READY_S = 60.0


@dataclass
class RunningServer:
    """A server process that may be killed and started again on the same data and port."""

    program: Path
    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"tcp://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """End it at once, as a crash would; its workers notice by themselves."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def start_again(self) -> None:
        """Start it on the same data folder and port."""
        self.process = _spawn(self.program, self.folder, self.port)
        _wait_until_ready(self)


class OtherVersion:
    """A server that speaks only protocol 9 and says so to everybody; a context manager."""

    def __init__(self) -> None:
        self.greetings = 0
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        port = self._socket.bind_to_random_port("tcp://127.0.0.1")
        self.address = f"tcp://127.0.0.1:{port}"
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._refuse_all)

    def __enter__(self) -> OtherVersion:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        self._socket.close(linger=0)
        self._context.term()

    def _refuse_all(self) -> None:
        while not self._is_over.is_set():
            if not self._socket.poll(50):
                continue
            who, magic, header, *_ = self._socket.recv_multipart()
            self.greetings += 1
            error = {"code": "E204", "name": "version", "text": "x"}
            number = msgpack.unpackb(header)["id"]
            answer = {"t": "error", "re": number, "error": error, "proto": [9, 0, 0]}
            self._socket.send_multipart([who, magic, msgpack.packb(answer)])  # pyright: ignore[reportArgumentType]


def start_server(root: Path, folder: Path) -> RunningServer:
    """Start `acetate serve` below `folder`; skips where the project's environment is not there."""
    program = root / ".venv/bin/acetate"
    if not program.is_file():
        pytest.skip("the backend's environment (.venv) is not set up")
    port = free_port()
    running = RunningServer(program, folder, port, _spawn(program, folder, port))
    _wait_until_ready(running)
    return running


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _spawn(program: Path, folder: Path, port: int) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "ACETATE_RUN_DIR": str(folder / "run")}
    with (folder / "server.log").open("ab") as log:
        return subprocess.Popen(
            [program, "serve", "--listen", str(port), "--data-dir", str(folder / "data")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
        )


def _wait_until_ready(running: RunningServer) -> None:
    until = time.monotonic() + _READY_S
    while time.monotonic() < until:
        if running.process.poll() is not None:
            break
        if announced_pid(running.folder / "run") == running.process.pid:
            return
        time.sleep(0.1)
    log = (running.folder / "server.log").read_text(errors="replace")
    pytest.fail(f"the server did not start: {log[-1000:]}")


def announced_pid(place: Path) -> int:
    """Process id in the announcement, which a killed server leaves behind; 0 for none."""
    announcement = place / "server.json"
    try:
        return int(json.loads(announcement.read_bytes())["pid"])
    except (OSError, ValueError, KeyError):
        return 0
