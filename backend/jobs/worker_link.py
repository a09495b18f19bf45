"""A worker's thread for talking, so that the one that computes never waits; used by `worker`."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import deque
from queue import SimpleQueue

import msgspec
import zmq

from backend.jobs.worker_messages import TO_WORKER, Beat, Quit, Run, Stop
from shared.wire import MAX_FRAME_BYTES, decode, encode

BEAT_S = 1.0


class WorkerLink:
    """Sends messages from any thread, and sorts what the server says.

    `jobs` receives (run, document), or None when the server went away or said quit.
    `wanted` is the lease that is worked on; a stop for it raises `stop`.
    """

    def __init__(self, address: str) -> None:
        self.jobs: SimpleQueue[tuple[Run, bytes] | None] = SimpleQueue()
        self.stop = threading.Event()
        self._wanted = ""
        self._lock = threading.Lock()
        self._outbox: deque[list[bytes | memoryview]] = deque()
        self._wake, self._woken = socket.socketpair()
        self._wake.setblocking(False)
        self._woken.setblocking(False)
        self._address = address
        self._thread = threading.Thread(target=self._talk, name="worker-link", daemon=True)

    def open(self) -> None:
        """Start the thread."""
        self._thread.start()

    def send(self, message: msgspec.Struct, *parts: bytes) -> None:
        """Queue a message; returns at once."""
        self._outbox.append(encode(message, *parts))
        # A full socket pair means that the thread is about to wake up anyway.
        with contextlib.suppress(BlockingIOError):
            self._wake.send(b"\0")

    def begin(self, lease: str) -> None:
        """From now on a stop for `lease` counts; one that came earlier counts too."""
        with self._lock:
            if self._wanted != lease:
                self._wanted = lease
                self.stop.clear()

    def _talk(self) -> None:
        context = zmq.Context()
        with context.socket(zmq.DEALER) as dealer:
            dealer.setsockopt(zmq.LINGER, 0)
            dealer.setsockopt(zmq.MAXMSGSIZE, MAX_FRAME_BYTES)
            dealer.connect(self._address)
            poller = zmq.Poller()
            poller.register(dealer, zmq.POLLIN)
            poller.register(self._woken, zmq.POLLIN)
            while True:
                ready = dict(poller.poll(int(BEAT_S * 1000)))
                if self._woken.fileno() in ready:
                    self._woken.recv(4096)
                if not ready:
                    self._outbox.append(encode(Beat()))
                while self._outbox:
                    dealer.send_multipart(self._outbox.popleft())
                if dealer in ready and not self._hear(dealer.recv_multipart()):
                    break
        self.jobs.put(None)

    def _hear(self, frames: list[bytes]) -> bool:
        """Act on one message; False for the last one."""
        message, parts = decode(frames, TO_WORKER)
        match message:
            case Run():
                self.begin(message.lease)
                self.jobs.put((message, bytes(parts[0])))
            case Stop():
                with self._lock:
                    if message.lease == self._wanted:
                        self.stop.set()
            case Quit():
                self.stop.set()
                return False
        return True
