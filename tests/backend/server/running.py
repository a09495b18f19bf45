"""A real `acetate serve` process for tests, which may be killed and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from shared.client import Client

FAKE_RUNNER = "tests.backend.server.fake_runner:run"
ROOT = Path(__file__).resolve().parents[3]


class RunningServer:
    """One data folder and run folder; `start` and `kill` as often as wanted."""

    def __init__(self, folder: Path, *, runner: str = FAKE_RUNNER) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self.run_dir = folder / "run"
        self.address = ""
        self._runner = runner
        self._process: subprocess.Popen[str] | None = None

    def start(
        self, *, limit: Callable[[], None] | None = None, listen: str = "", options: str = ""
    ) -> RunningServer:
        """Start, or start again on the same port; returns when it says ready."""
        where = listen or self.address or "0"
        self._process = subprocess.Popen(
            [*acetate(), "serve", "--listen", where, *self._folders(), *options.split()],
            stdout=subprocess.PIPE,
            env=self.environment(),
            text=True,
            preexec_fn=limit,
            cwd=ROOT,
        )
        assert self._process.stdout is not None
        word, _, address = self._process.stdout.readline().strip().partition(" ")
        assert word == "ready", "the server did not start"
        self.address = address
        return self

    def environment(self) -> dict[str, str]:
        """For this server's process and for commands that shall find it."""
        ours = {"ACETATE_RUN_DIR": str(self.run_dir), "ACETATE_TEST_RUNNER": self._runner}
        others = {k: v for k, v in os.environ.items() if not k.startswith("ACETATE_")}
        return others | ours | {"OMP_NUM_THREADS": "1"}

    def _folders(self) -> list[str]:
        return ["--data-dir", str(self.data_dir)]

    @property
    def secret_file(self) -> Path:
        """Where this server wrote its secret."""
        return self.run_dir / "secret"

    @property
    def pid(self) -> int:
        """The server's process id."""
        assert self._process is not None
        return self._process.pid

    def connect(self, *, patience_s: float = 30.0, address: str = "") -> Client:
        """A client of this server, or of a relay to it at `address`."""
        return Client.connect(
            address or self.address, secret_file=self.secret_file, patience_s=patience_s
        )

    def kill(self) -> None:
        """kill -9, as a crash would."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)

    def stop(self) -> int:
        """End it orderly; returns the exit code."""
        if self._process is None or self._process.poll() is not None:
            return 0
        self._process.terminate()
        return self._process.wait(20)


def acetate() -> list[str]:
    """The `acetate` command of this interpreter."""
    return [sys.executable, "-m", "backend.cli.main"]


def wait_until(true: Callable[[], bool], limit_s: float = 30.0) -> None:
    """Wait for something that another process does."""
    until = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


def wait_for_step(client: Client, job: str, step: int) -> None:
    """Follow a job until it has done so many steps."""
    for update in client.events(job, timeout_s=30):
        if update.status.step >= step:
            return
    raise AssertionError("the job ended before that step")
