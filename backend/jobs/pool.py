"""The server's worker processes: started, watched, replaced when they die; one per device.

Owns the back socket and the processes, and tells the server about everything else through
`PoolListener`. Runs in the server's one thread; nothing here waits.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

import msgspec
import zmq

from backend.jobs.records import Lease
from backend.jobs.worker_messages import (
    FROM_WORKER,
    Beat,
    FromWorker,
    Quit,
    Run,
    Stop,
    WorkerReady,
    WorkerSetup,
)
from shared.errors import AcetateError
from shared.messages import WorkerInfo
from shared.wire import MAX_FRAME_BYTES, decode, encode

SILENCE_S = 30.0
START_LIMIT_S = 180.0
MAX_FAILED_STARTS = 3
LOG_LIMIT_BYTES = 4 * 1024 * 1024
_BACKOFF_S = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 60.0)

log = logging.getLogger("acetate.pool")


class PoolListener(Protocol):
    """Who hears of workers: the scheduler."""

    def worker_idle(self, slot: Slot) -> None:
        """A worker may be given a job."""

    def worker_said(self, slot: Slot, message: FromWorker, parts: tuple[memoryview, ...]) -> None:
        """A message about the job that the worker holds."""

    def worker_lost(self, slot: Slot, lease: Lease, detail: str) -> None:
        """A worker died, or was killed, while it held this job."""

    def workers_hopeless(self, detail: str) -> None:
        """No worker starts any more."""


@dataclass
class Slot:
    """A place for one worker process; `lease` is the job it holds.

    `heard_s`, `moved_s`: when it last said anything, and anything about its job (monotonic).
    `is_doomed`: its process was killed and is not buried yet, so it gets no job.
    """

    index: int
    device: str
    secret: str = ""
    process: subprocess.Popen[bytes] | None = None
    peer: bytes = b""
    lease: Lease | None = None
    heard_s: float = 0.0
    stop_asked_s: float = 0.0
    moved_s: float = 0.0
    restart_s: float = 0.0
    failures: int = 0
    is_doomed: bool = False
    log_file: IO[bytes] | None = field(default=None, repr=False)

    @property
    def is_idle(self) -> bool:
        """Ready and without a job."""
        return bool(self.peer) and self.lease is None and not self.is_doomed


@dataclass(frozen=True)
class PoolOptions:
    """Where workers keep their blobs, one device per worker, what they run (see `worker`).

    `stop_grace_s`: how long a worker may take to obey a cancel before it is killed.
    `vram_bytes`: graphics memory that each worker's model may take, None: what is free.
    `feature_ram_bytes`: memory for the feature store of each worker; `feature_disk_bytes`: for the
    feature folder below `data_dir`, which all of them share.
    """

    data_dir: Path
    devices: tuple[str, ...] = ("cpu",)
    runner: str = ""
    stop_grace_s: float = 10.0
    vram_bytes: int | None = None
    feature_ram_bytes: int = 0
    feature_disk_bytes: int = 0


class WorkerPool:
    """Keeps one process per slot alive and passes messages; see the module."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        options: PoolOptions,
        listener: PoolListener,
    ) -> None:
        self._options = options
        self._listener = listener
        self.socket = context.socket(zmq.ROUTER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self.socket.setsockopt(zmq.MAXMSGSIZE, MAX_FRAME_BYTES)
        port = self.socket.bind_to_random_port("tcp://127.0.0.1")
        self._address = f"tcp://127.0.0.1:{port}"
        self.slots = [Slot(index, device) for index, device in enumerate(options.devices)]

    @property
    def is_hopeless(self) -> bool:
        """True while no worker has started for several attempts."""
        return all(slot.failures >= MAX_FAILED_STARTS for slot in self.slots)

    def tick(self) -> None:
        """Start, replace and kill processes as needed; call several times a second."""
        now = time.monotonic()
        for slot in self.slots:
            if slot.process is None:
                if now >= slot.restart_s:
                    self._start(slot, now)
            elif slot.process.poll() is not None:
                self._bury(slot, now)
            elif not slot.is_doomed and (reason := _overdue(slot, now, self._options.stop_grace_s)):
                log.warning("worker %d is killed: %s", slot.index, reason)
                _doom(slot)

    def give(self, slot: Slot, lease: Lease) -> None:
        """Hand a job to an idle worker."""
        slot.lease = lease
        slot.stop_asked_s = 0.0
        slot.moved_s = time.monotonic()
        self._send(slot, Run(lease=lease.token, job=lease.job), lease.document)

    def stop_job(self, token: str) -> None:
        """Tell the worker that holds this lease to stop; it is killed if it does not obey."""
        for slot in self.slots:
            if slot.lease is not None and slot.lease.token == token and not slot.stop_asked_s:
                slot.stop_asked_s = time.monotonic()
                self._send(slot, Stop(lease=token))

    def kill(self, slot: Slot) -> None:
        """End a worker whose job is over in a way that it cannot be told."""
        slot.lease = None
        _doom(slot)

    def receive(self) -> bool:
        """Handle one message from a worker; False when there is none."""
        try:
            peer, *frames = self.socket.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            return False
        try:
            message, parts = decode(frames, FROM_WORKER)
        except AcetateError as error:
            log.warning("unreadable message on the workers' socket: %s", error)
            return True
        if isinstance(message, WorkerReady):
            self._welcome(peer, message)
            return True
        slot = next((slot for slot in self.slots if slot.peer == peer), None)
        if slot is not None:
            slot.heard_s = time.monotonic()
            if not isinstance(message, Beat):
                slot.moved_s = slot.heard_s
                self._listener.worker_said(slot, message, parts)
        return True

    def release(self, slot: Slot) -> None:
        """The worker's job is over; it may have the next one."""
        slot.lease = None
        self._listener.worker_idle(slot)

    def infos(self) -> tuple[WorkerInfo, ...]:
        """What the workers are doing, for the health report."""
        return tuple(
            WorkerInfo(
                pid=slot.process.pid,
                device=slot.device,
                state="starting"
                if not slot.peer or slot.is_doomed
                else "busy"
                if slot.lease
                else "idle",
                job=slot.lease.job if slot.lease else "",
            )
            for slot in self.slots
            if slot.process is not None
        )

    def close(self) -> None:
        """End all workers: ask, then insist. Their jobs stay leased and are recovered later."""
        running = [slot for slot in self.slots if slot.process is not None]
        for slot in running:
            self._send(slot, Quit())
            if slot.process and slot.process.stdin:
                slot.process.stdin.close()
        for slot in running:
            _end(slot.process)
            if slot.log_file:
                slot.log_file.close()
        self.socket.close(linger=0)

    def _start(self, slot: Slot, now: float) -> None:
        logs = self._options.data_dir / "logs"
        slot.secret = secrets.token_hex(16)
        setup = WorkerSetup(
            address=self._address,
            secret=slot.secret,
            device=slot.device,
            vram_bytes=self._options.vram_bytes,
            data_dir=str(self._options.data_dir),
            runner=self._options.runner,
            feature_ram_bytes=self._options.feature_ram_bytes,
            feature_disk_bytes=self._options.feature_disk_bytes,
        )
        try:
            logs.mkdir(parents=True, exist_ok=True)
            slot.log_file = _open_log(logs / f"worker-{slot.index}.log")
            slot.process = subprocess.Popen(
                [sys.executable, "-m", "backend.jobs.worker"],
                stdin=subprocess.PIPE,
                stdout=slot.log_file,
                stderr=slot.log_file,
                start_new_session=True,
            )
            if slot.process.stdin:
                slot.process.stdin.write(msgspec.json.encode(setup) + b"\n")
                slot.process.stdin.flush()
        except OSError as error:
            log.warning("worker %d cannot be started: %s", slot.index, error)
            # A process that is there, but did not take its set-up, is buried by the next tick.
            if slot.process is None:
                self._give_up_start(slot, now, str(error))
            else:
                _doom(slot)
        slot.heard_s = now

    def _welcome(self, peer: bytes, message: WorkerReady) -> None:
        for slot in self.slots:
            if slot.secret and secrets.compare_digest(slot.secret, message.secret):
                slot.peer, slot.secret, slot.failures = peer, "", 0
                slot.heard_s = time.monotonic()
                log.info("worker %d is ready (process %d)", slot.index, message.pid)
                self._listener.worker_idle(slot)
                return
        log.warning("a stranger spoke on the workers' socket")

    def _bury(self, slot: Slot, now: float) -> None:
        code = slot.process.returncode if slot.process else 0
        detail = f"exit code {code}"
        log.warning("worker %d died: %s", slot.index, detail)
        if slot.process and slot.process.stdin:
            # The pipe may hold bytes that nobody will read.
            with contextlib.suppress(BrokenPipeError):
                slot.process.stdin.close()
        had_started, lease = bool(slot.peer), slot.lease
        slot.process, slot.peer, slot.lease, slot.is_doomed = None, b"", None, False
        if had_started:
            # A worker that dies at work is replaced at once.
            slot.failures, slot.restart_s = 0, now
            _close_log(slot)
        else:
            self._give_up_start(slot, now, detail)
        if lease is not None:
            self._listener.worker_lost(slot, lease, detail)

    def _give_up_start(self, slot: Slot, now: float, detail: str) -> None:
        """Try again later, ever less often, and say so once it looks hopeless."""
        _close_log(slot)
        slot.secret = ""
        slot.failures += 1
        slot.restart_s = now + _BACKOFF_S[min(slot.failures, len(_BACKOFF_S) - 1)]
        if self.is_hopeless:
            self._listener.workers_hopeless(f"worker {slot.index}: {detail}")

    def _send(self, slot: Slot, message: msgspec.Struct, *parts: bytes) -> None:
        if not slot.peer:
            return
        try:
            self.socket.send_multipart([slot.peer, *encode(message, *parts)], zmq.NOBLOCK)
        except zmq.ZMQError as error:
            # Its process has just died; the next tick finds out and queues the job again.
            log.warning("worker %d does not listen: %s", slot.index, error)


def _doom(slot: Slot) -> None:
    if slot.process is not None:
        slot.is_doomed = True
        slot.process.kill()


def _close_log(slot: Slot) -> None:
    if slot.log_file:
        slot.log_file.close()
        slot.log_file = None


def _overdue(slot: Slot, now: float, stop_grace_s: float) -> str:
    """Why this worker must be killed, or an empty text."""
    if slot.stop_asked_s and slot.lease and now - slot.stop_asked_s > stop_grace_s:
        return "it did not stop its job"
    if not slot.peer and now - slot.heard_s > START_LIMIT_S:
        return "it does not get ready"
    if slot.peer and now - slot.heard_s > SILENCE_S:
        return "it went silent"
    return ""


def _open_log(file: Path) -> IO[bytes]:
    if file.exists() and file.stat().st_size > LOG_LIMIT_BYTES:
        os.replace(file, file.with_suffix(".old.log"))
    return file.open("ab")


def _end(process: subprocess.Popen[bytes] | None) -> None:
    if process is None:
        return
    try:
        process.wait(2.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
