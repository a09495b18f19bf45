"""The clients' socket: checks who speaks, answers every request once; used by `serve`.

Runs in the server's one thread. Answers are small or one 1 MiB piece; whatever takes long happens
in worker processes.
"""

from __future__ import annotations

import errno
import logging
import secrets
import time
from dataclasses import dataclass

import zmq

from backend.server.desk import Desk, Reply
from shared.errors import AcetateError
from shared.local_server import address_port
from shared.messages import (
    MAX_EVENTS,
    OUR_PROTO,
    AnyRequest,
    Error,
    ErrorInfo,
    Hello,
    JobStatus,
    Watch,
    Watched,
    Welcome,
)
from shared.wire import (
    MAX_FRAME_BYTES,
    check_proto,
    decode_request,
    encode,
    request_number,
)

MAX_SESSIONS = 256
MAX_WATCHES = 1024
log = logging.getLogger("acetate.gateway")

_OPTIONS: tuple[tuple[int, int], ...] = (
    (zmq.ROUTER_MANDATORY, 1),
    (zmq.LINGER, 0),
    (zmq.SNDHWM, 64),
    (zmq.RCVHWM, 64),
    (zmq.MAXMSGSIZE, MAX_FRAME_BYTES),
    (zmq.HEARTBEAT_IVL, 2000),
    (zmq.HEARTBEAT_TIMEOUT, 6000),
    (zmq.HEARTBEAT_TTL, 6000),
    (zmq.HANDSHAKE_IVL, 3000),
    (zmq.TCP_KEEPALIVE, 1),
    (zmq.BACKLOG, 64),
)


@dataclass(frozen=True)
class _Waiting:
    """A watch that has not been answered yet."""

    peer: bytes
    request: Watch
    until_s: float


class Gateway:
    """A ROUTER socket in front of a `Desk`, which does what clients ask for."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], desk: Desk) -> None:
        self._desk = desk
        self._secret = ""
        self._sessions: dict[bytes, None] = {}
        self._watches: dict[str, list[_Waiting]] = {}
        self.socket = context.socket(zmq.ROUTER)
        for option, value in _OPTIONS:
            self.socket.setsockopt(option, value)

    def bind(self, address: str) -> str:
        """Listen; port 0 means any free one. Returns the address. Raises `port_busy`."""
        self.socket.setsockopt(zmq.IPV6, int("[" in address))
        try:
            self.socket.bind(address)
        except zmq.ZMQError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            raise AcetateError("port_busy", port=address_port(address)) from error
        bound = self.socket.getsockopt(zmq.LAST_ENDPOINT)
        return bound.decode().rstrip("\0") if isinstance(bound, bytes) else str(bound)

    def open(self, secret: str) -> None:
        """From now on clients that know `secret` are welcome."""
        self._secret = secret

    def close(self) -> None:
        """Stop listening."""
        self.socket.close(linger=0)

    def receive(self) -> bool:
        """Handle one message; False when there is none."""
        try:
            frames = self.socket.recv_multipart(zmq.NOBLOCK, copy=False)
        except zmq.Again:
            return False
        peer = frames[0].bytes
        body = [frame.buffer for frame in frames[1:]]
        try:
            request, parts = decode_request(body)
        except AcetateError as error:
            self._refuse(peer, request_number(body), error)
            return True
        self._desk.received_bytes += sum(part.nbytes for part in parts)
        try:
            self._handle(peer, request, parts)
        except AcetateError as error:
            self._refuse(peer, request.id, error)
        except Exception as error:
            log.exception("request %s", type(request).__name__)
            bug = AcetateError("bug", detail=f"{type(error).__name__}: {error}")
            self._refuse(peer, request.id, bug)
        return True

    def tick(self) -> None:
        """Answer watches whose time is up."""
        now = time.monotonic()
        for job, waiting in list(self._watches.items()):
            if any(watch.until_s <= now for watch in waiting):
                self._serve_watches(job, now)

    def job_changed(self, job: str) -> None:
        """Answer those who watch this job."""
        if job in self._watches:
            self._serve_watches(job, time.monotonic())

    def _handle(self, peer: bytes, request: AnyRequest, parts: tuple[memoryview, ...]) -> None:
        if isinstance(request, Hello):
            self._greet(peer, request)
            return
        if peer not in self._sessions:
            raise AcetateError("session")
        if isinstance(request, Watch):
            self._watch(peer, request)
            return
        self._send(peer, self._desk.answer(request, parts))

    def _greet(self, peer: bytes, hello: Hello) -> None:
        check_proto(hello.proto)
        if not self._secret or not secrets.compare_digest(
            hello.secret.encode(), self._secret.encode()
        ):
            raise AcetateError("auth")
        while len(self._sessions) >= MAX_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        self._sessions[peer] = None
        info = self._desk.info
        welcome = Welcome(re=hello.id, proto=OUR_PROTO, software=info.version, server=info)
        self._send(peer, Reply(welcome))

    def _watch(self, peer: bytes, request: Watch) -> None:
        status = self._desk.status(request.job)
        held = sum(map(len, self._watches.values()))
        if _differs(status, request) or request.wait_ms == 0 or held >= MAX_WATCHES:
            self._answer_watch(peer, request, status)
            return
        until_s = time.monotonic() + request.wait_ms / 1000
        self._watches.setdefault(status.id, []).append(_Waiting(peer, request, until_s))

    def _serve_watches(self, job: str, now_s: float) -> None:
        status = self._desk.status(job)
        later: list[_Waiting] = []
        for watch in self._watches.pop(job, []):
            if watch.until_s <= now_s or _differs(status, watch.request):
                self._answer_watch(watch.peer, watch.request, status)
            else:
                later.append(watch)
        if later:
            self._watches[job] = later

    def _answer_watch(self, peer: bytes, request: Watch, status: JobStatus) -> None:
        events = self._desk.events(status.id, request.after_seq, MAX_EVENTS)
        self._send(peer, Reply(Watched(re=request.id, job=status, events=events)))

    def _refuse(self, peer: bytes, number: int, error: AcetateError) -> None:
        proto = OUR_PROTO if error.name == "version" else None
        self._send(peer, Reply(Error(re=number, error=ErrorInfo.of(error), proto=proto)))

    def _send(self, peer: bytes, reply: Reply) -> None:
        frames = encode(reply.message, *reply.parts)
        try:
            self.socket.send_multipart([peer, *frames], zmq.NOBLOCK)
        except zmq.ZMQError as error:
            # Gone, or too slow to take its answers: it will connect and ask again.
            log.info("an answer was not taken: %s", error)
            self._sessions.pop(peer, None)
            return
        self._desk.sent_bytes += sum(map(len, reply.parts))


def _differs(status: JobStatus, request: Watch) -> bool:
    known = status.seq <= request.after_seq and status.revision == request.revision
    return not known or status.state.is_final
