"""One client's socket: deadlines, detection of a lost server, reconnection; used by `client` only.

All requests of the protocol may be repeated without harm, so whatever was under way when a
connection broke is simply sent again on the next one.
"""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec
import zmq

from .errors import AcetateError
from .messages import (
    OUR_PROTO,
    AnyAnswer,
    Error,
    Hello,
    Request,
    ServerInfo,
    Welcome,
)
from .wire import MAX_FRAME_BYTES, check_proto, decode_answer, encode, version_error

SOFTWARE = "acetate-client/1"
ANSWER_TIMEOUT_S = 20.0
MAX_RESENDS = 2
_BACKOFF_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.0)
_EVENTS = zmq.Event.DISCONNECTED | zmq.Event.CONNECT_RETRIED | zmq.Event.CLOSED


@dataclass(frozen=True)
class Call:
    """A request and its raw parts; `token` is whatever the caller wants back with the answer."""

    message: Request
    parts: tuple[bytes | memoryview, ...] = ()
    token: object = None
    timeout_s: float = ANSWER_TIMEOUT_S


@dataclass(frozen=True)
class Reply:
    """The answer to one call and its raw parts."""

    call: Call
    answer: AnyAnswer
    parts: tuple[memoryview, ...]


class _LostError(Exception):
    """The connection broke or went silent; nothing is known about requests under way."""


class _SilentError(_LostError):
    """The server is there, but a request was not answered in time."""


class _Losses:
    """Losses without any answer in between: a server may greet for ever and answer nothing."""

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self.reset()

    def reset(self) -> None:
        """An answer arrived."""
        self._since_s: float | None = None
        self._silences = 0

    def exhausted_by(self, error: _LostError) -> bool:
        """Count a loss; whether trying again makes no sense any more."""
        now_s = time.monotonic()
        self._since_s = now_s if self._since_s is None else self._since_s
        self._silences += isinstance(error, _SilentError)
        return self._silences > MAX_RESENDS or now_s - self._since_s > self._patience_s


class Connection:
    """A DEALER socket to one server. Belongs to the thread (and process) that made it.

    `secret` is asked at every (re)connection, because a restarted server has a new one.
    `patience_s`: how long a broken connection is mended before `unreachable` is raised. A request
    that gets no answer in its time is sent again at most twice.
    """

    def __init__(self, address: str, secret: Callable[[], str], *, patience_s: float) -> None:
        self.address = address
        self.server: ServerInfo | None = None
        self._secret = secret
        self._patience_s = patience_s
        self._pid = os.getpid()
        self._numbers = 0
        self._context = zmq.Context()
        self._socket: zmq.Socket[bytes] | None = None
        self._monitor: zmq.Socket[bytes] | None = None

    def open(self, timeout_s: float) -> ServerInfo:
        """Connect and introduce ourselves. Raises `unreachable`, `auth` or `version`."""
        self._drop()
        until = time.monotonic() + timeout_s
        try:
            self._connect(until)
            self.server = self._introduce(until)
        except _LostError as error:
            self._drop()
            raise self._unreachable(str(error)) from error
        except AcetateError:
            self._drop()
            raise
        return self.server

    def close(self) -> None:
        """Release the socket; safe to call twice."""
        self._drop()
        if not self._context.closed:
            self._context.term()

    def ask(self, message: Request, *parts: bytes, timeout_s: float = ANSWER_TIMEOUT_S) -> Reply:
        """Send one request and wait for its answer. Raises what the server answered."""
        call = Call(message, parts, timeout_s=timeout_s)
        return next(self.stream(deque([call]), window=1))

    def stream(self, calls: deque[Call], *, window: int) -> Iterator[Reply]:
        """Send `calls`, at most `window` under way, and yield answers as they arrive.

        The caller may append to `calls` while it iterates. Raises the first error answered.
        """
        flying: dict[int, Call] = {}
        losses = _Losses(self._patience_s)
        while calls or flying:
            try:
                while calls and len(flying) < window:
                    call = calls.popleft()
                    flying[self._numbers + 1] = call
                    self._send(call)
                reply = self._next_reply(flying)
            except _LostError as error:
                calls.extendleft(reversed(flying.values()))
                flying.clear()
                if losses.exhausted_by(error):
                    raise self._unreachable(str(error)) from error
                self._mend(str(error))
                continue
            losses.reset()
            yield reply

    def _next_reply(self, flying: dict[int, Call]) -> Reply:
        until = time.monotonic() + max(call.timeout_s for call in flying.values())
        while True:
            answer, parts = self._receive(until)
            call = flying.get(answer.re)
            if call is None:
                continue
            if isinstance(answer, Error):
                _raise(answer)
            del flying[answer.re]
            return Reply(call, answer, parts)

    def _connect(self, until: float) -> None:
        if self._pid != os.getpid():
            raise RuntimeError("a connection cannot be used in a forked process")
        socket = self._context.socket(zmq.DEALER)
        self._socket = socket
        for option, value in _OPTIONS:
            socket.setsockopt(option, value)
        socket.setsockopt(zmq.IPV6, int("[" in self.address))
        self._monitor = socket.get_monitor_socket(_EVENTS)
        socket.connect(self.address)
        if not self._wait(zmq.POLLOUT, until):
            raise _LostError("no connection in time")

    def _introduce(self, until: float) -> ServerInfo:
        hello = Hello(id=0, proto=OUR_PROTO, software=SOFTWARE, secret=self._secret())
        self._send(Call(hello))
        while True:
            answer, _ = self._receive(until)
            if isinstance(answer, Error) and answer.re in (0, self._numbers):
                if answer.proto is not None:
                    raise version_error(answer.proto)
                raise answer.error.as_error()
            if isinstance(answer, Welcome) and answer.re == self._numbers:
                check_proto(answer.proto)
                if answer.server is None:
                    raise AcetateError("version", ours="1", theirs=answer.software)
                return answer.server

    def _send(self, call: Call) -> None:
        if self._socket is None:
            raise _LostError("not connected")
        self._numbers += 1
        frames = encode(msgspec.structs.replace(call.message, id=self._numbers), *call.parts)
        try:
            self._socket.send_multipart(frames, zmq.NOBLOCK, copy=not call.parts)
        except zmq.ZMQError as error:
            raise _LostError(str(error)) from error

    def _receive(self, until: float) -> tuple[AnyAnswer, tuple[memoryview, ...]]:
        if not self._wait(zmq.POLLIN, until) or self._socket is None:
            raise _SilentError("no answer in time")
        frames = self._socket.recv_multipart(copy=False)
        return decode_answer([frame.buffer for frame in frames])

    def _wait(self, wanted: int, until: float) -> bool:
        """Wait for the socket; False at the deadline, `_LostError` when the connection breaks."""
        if self._socket is None or self._monitor is None:
            raise _LostError("not connected")
        poller = zmq.Poller()
        poller.register(self._socket, wanted)
        poller.register(self._monitor, zmq.POLLIN)
        ready = dict(poller.poll(max(0, int((until - time.monotonic()) * 1000))))
        if self._socket in ready:
            return True
        if self._monitor in ready:
            # As `zmq.utils.monitor` reads it, which would import asyncio: 10 ms at every start.
            first = self._monitor.recv_multipart()[0]
            event = zmq.Event(int.from_bytes(first[:2], sys.byteorder))
            raise _LostError(f"the connection broke ({str(event.name).lower().replace('_', ' ')})")
        return False

    def _mend(self, reason: str) -> None:
        """Reconnect with growing pauses until patience ends, then raise `unreachable`."""
        until = time.monotonic() + self._patience_s
        attempt = 0
        while True:
            try:
                self.open(max(0.1, until - time.monotonic()))
            except AcetateError as error:
                # A server that is just starting may not have written its new secret yet.
                if error.name not in ("unreachable", "auth"):
                    raise
                pause = _BACKOFF_S[min(attempt, len(_BACKOFF_S) - 1)]
                if time.monotonic() + pause >= until:
                    raise self._unreachable(reason) from error
                time.sleep(pause)
                attempt += 1
            else:
                return

    def _unreachable(self, reason: str) -> AcetateError:
        return AcetateError("unreachable", server=self.address, detail=reason)

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.disable_monitor()
            self._socket.close(linger=0)
        if self._monitor is not None:
            self._monitor.close(linger=0)
        self._socket = self._monitor = None


_OPTIONS: tuple[tuple[int, int], ...] = (
    (zmq.IMMEDIATE, 1),
    (zmq.LINGER, 0),
    (zmq.SNDHWM, 64),
    (zmq.RCVHWM, 64),
    (zmq.MAXMSGSIZE, MAX_FRAME_BYTES),
    (zmq.HEARTBEAT_IVL, 2000),
    (zmq.HEARTBEAT_TIMEOUT, 6000),
    (zmq.HANDSHAKE_IVL, 3000),
)


def _raise(answer: Error) -> None:
    if answer.error.name == "session":
        raise _LostError("the server does not know this connection")
    if answer.proto is not None:
        raise version_error(answer.proto)
    raise answer.error.as_error()
