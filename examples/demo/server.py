"""A private `acetate serve` for the demo: started on a free port, measured, killed on request."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

_START_LIMIT_S = 120.0


class DemoServer:
    """The server's process. Use it as a context manager; leaving it ends the process."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.address = f"tcp://127.0.0.1:{_free_port()}"
        self.peak_worker_bytes = 0

    def __enter__(self) -> DemoServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The server's process id. Raises `RuntimeError` while it does not run."""
        if self._process is None:
            raise RuntimeError("the demo's server does not run")
        return self._process.pid

    def start(self) -> None:
        """Start and wait until the server announces itself. Raises `RuntimeError` with its log."""
        announced = self._folder / "run"
        environment = {**os.environ, "ACETATE_RUN_DIR": str(announced), "OMP_NUM_THREADS": "2"}
        os.environ["ACETATE_RUN_DIR"] = str(announced)
        os.environ["ACETATE_SERVER"] = self.address
        command = [str(self._program), "serve", "--listen", self.address]
        command += ["--data-dir", str(self._folder / "data")]
        announced.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            (announced / "server.json").unlink()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        until = time.monotonic() + _START_LIMIT_S
        while not any(announced.rglob("server.json")):
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the server did not start:\n{self._log.read_text()[-2000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End the server politely, then firmly."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def kill(self) -> None:
        """Kill the server as a crash would."""
        os.kill(self.pid, signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def kill_worker(self) -> int:
        """Kill the process that does the work; returns how many were killed."""
        workers = sorted(_descendants(self.pid), key=_resident_bytes)[-1:]
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        return len(workers)

    def measure(self) -> None:
        """Note the largest memory that any of the server's processes ever had (Linux only)."""
        peaks = (_peak_bytes(pid) for pid in _descendants(self.pid))
        self.peak_worker_bytes = max(self.peak_worker_bytes, *peaks, 0)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _descendants(pid: int) -> Iterator[int]:
    """Children, grandchildren, ... of a process, from /proc; none where there is no /proc."""
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # a thread may end while it is looked at
            for child in map(int, children.read_text().split()):
                yield child
                yield from _descendants(child)


def _peak_bytes(pid: int) -> int:
    return _status_bytes(pid, "VmHWM")


def _resident_bytes(pid: int) -> int:
    return _status_bytes(pid, "VmRSS")


def _status_bytes(pid: int, field: str) -> int:
    if sys.platform != "linux":
        return 0
    try:
        found = re.search(rf"{field}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    except OSError:  # it ended meanwhile
        return 0
    return int(found[1]) * 1024 if found else 0
