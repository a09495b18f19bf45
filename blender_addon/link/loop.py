"""The loop that talks to the server, so that the interface never waits for a socket.

It owns the client and the files of unfinished takes, and runs in a process of its own: Blender does
not support threads that go on beside it. `serving` feeds it orders and carries its reports away.
"""

from __future__ import annotations

import os
import queue
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from ..shared.client import Client
from ..shared.errors import AcetateError
from ..takes import library
from . import outgoing
from .connection import ServerFacts, Signal
from .jobs import JobNews, JobState
from .orders import (
    OURS,
    Connect,
    ConnectionReport,
    Disconnect,
    Follow,
    Halt,
    JobReport,
    Order,
    Report,
    Send,
    StartServer,
    Stop,
    StopServer,
    Surroundings,
    Survey,
    SurveyReport,
    Target,
)
from .server_process import ServerProcess
from .work import Desk, Work, advance

CONNECT_TIMEOUT_S = 1.5
FOLLOW_S = 0.15
PING_EVERY_S = 2.0
SLOW_S = 3.0
GIVE_UP_AFTER_S = 120.0
START_PATIENCE_S = 90.0
_PAUSES_S = (0.25, 0.5, 1.0, 2.0)
_LOST_PAUSE_S = 10.0
_ROWS_PER_REPORT = 16


class LinkLoop:
    """Give it orders by `accept` from any thread, let it `run` in one; it ends by `Halt`."""

    def __init__(self, report: Callable[[Report], None]) -> None:
        self._report = report
        self._orders: queue.SimpleQueue[Order] = queue.SimpleQueue()
        self._halting = threading.Event()
        self._desk = Desk(report, self._halting.is_set)
        self._works: dict[str, Work] = {}
        self._abandoned: set[str] = set()
        self._client: Client | None = None
        self._target: Target | None = None
        self._refusal: AcetateError | None = None
        self._retry = _Retry()
        self._server = ServerProcess()
        self._pinged_at = 0.0
        self._epoch = 0
        self._is_slow = False
        self._stop_server_at_end = False

    def accept(self, order: Order) -> None:
        """Take an order from any thread; `Stop` and `Halt` interrupt a transfer at once."""
        if isinstance(order, Stop) and (work := self._works.get(order.key)) is not None:
            work.stop.set()
        self._orders.put(order)
        if isinstance(order, Halt):  # last, so that what it says of the server is there to be read
            self._halting.set()

    @property
    def is_halting(self) -> bool:
        """Whether the end was ordered."""
        return self._halting.is_set()

    def run(self) -> None:
        """Work until halted; a defect ends the jobs with an error, never the loop silently."""
        while not self._halting.is_set():
            try:
                self._turn()
            except Exception as error:  # noqa: BLE001 (the border of the process)
                self._fail_everything(error)
        self._leave()

    def _turn(self) -> None:
        for order in self._take_orders():
            _HANDLERS[type(order)](self, order)
        if self._client is None and self._target is not None and self._retry.is_due():
            self._try_connect(self._target)
        if self._client is not None and not self._halting.is_set():
            self._advance_all(self._client)

    def _take_orders(self) -> list[Order]:
        """All waiting orders; waits a moment for the first where there is nothing else to do."""
        busy = self._client is not None and self._works
        taken: list[Order] = []
        try:
            taken.append(self._orders.get(timeout=0.001 if busy else 0.1))
            while True:
                taken.append(self._orders.get_nowait())
        except queue.Empty:
            return taken

    def _tell(
        self,
        signal: Signal,
        error: AcetateError | None = None,
        *,
        facts: ServerFacts | None = None,
    ) -> None:
        data = error.to_dict() if error else None
        self._report(ConnectionReport(signal, facts, data, self._epoch))

    def _surroundings_order(self, order: Surroundings) -> None:
        for name in [name for name in os.environ if name.startswith(OURS)]:
            del os.environ[name]
        os.environ.update(order.variables)

    def _connect_order(self, order: Connect) -> None:
        self._epoch = order.epoch
        self._drop_client()
        self._target, self._refusal = order.target, None
        self._retry = _Retry(first_patience_s=order.patience_s)

    def _disconnect_order(self, order: Disconnect | StopServer) -> None:
        if isinstance(order, StopServer):
            self._server.stop()
        self._drop_client()
        self._target, self._refusal = None, None
        self._epoch = order.epoch
        self._tell(Signal.CLOSED)

    def _start_server_order(self, order: StartServer) -> None:
        self._epoch = order.epoch
        try:
            self._server.start(order)
        except AcetateError as error:
            self._give_up(error)
            return
        self._connect_order(Connect(order.target, START_PATIENCE_S, order.epoch))

    def _send_order(self, order: Send) -> None:
        work = Work(order.folder, order.note)
        self._works[work.key] = work
        try:
            work.parcel = outgoing.read(order.folder)
            library.write_note(order.folder, order.note)
        except AcetateError as error:
            self._desk.finish(work, JobState.FAILED, error)
        self._drop_finished()
        if self._target is None:
            self._give_up(self._refusal or AcetateError("unreachable", server="the server"))

    def _follow_order(self, order: Follow) -> None:
        known = self._works.get(order.note.key)
        if known is None:
            self._works[order.note.key] = Work(order.folder, order.note)
            return
        # A wish to stop stays: whoever opens a file again did not take it back.
        known.status = None  # the interface forgot: tell it everything again

    def _stop_order(self, order: Stop) -> None:
        work = self._works.get(order.key)
        if work is None:
            self._report(JobReport(order.key, JobNews(state=JobState.CANCELLED)))
            return
        work.stop.set()
        if self._client is not None:
            self._desk.tell(work, JobNews(state=JobState.CANCELLING))
            return
        if work.note.job:
            self._abandoned.add(work.note.job)
        self._desk.finish(work, JobState.CANCELLED)
        self._drop_finished()

    def _survey_order(self, order: Survey) -> None:
        takes, unfinished = library.survey(order.root, order.file, order.scene)
        rows = [library.row_of(take) for take in takes]
        for first in range(0, max(len(rows), len(unfinished), 1), _ROWS_PER_REPORT):
            some = slice(first, first + _ROWS_PER_REPORT)
            self._report(SurveyReport(order, tuple(rows[some]), tuple(unfinished[some])))

    def _halt_order(self, order: Halt) -> None:
        self._stop_server_at_end = order.stop_server

    def _try_connect(self, target: Target) -> None:
        try:
            client = Client.connect(
                target.address,
                secret_file=target.secret_file,
                timeout_s=CONNECT_TIMEOUT_S,
                patience_s=0.0,
            )
        except AcetateError as error:
            self._not_connected(error)
            return
        self._client = client
        self._is_slow = False
        self._retry = _Retry(was_connected=True)
        self._pinged_at = time.monotonic()
        server = client.server
        name = client.address.removeprefix("tcp://")
        facts = ServerFacts(name, server.version, server.device, server.engines)
        self._tell(Signal.GREETED, facts=facts)
        self._cancel_abandoned(client)

    def _cancel_abandoned(self, client: Client) -> None:
        """Stop what was cancelled while the server was away."""
        while self._abandoned:
            job = self._abandoned.pop()
            try:
                client.cancel(job)
            except AcetateError as error:
                if error.name == "unreachable":
                    self._abandoned.add(job)
                    self._dropped(error)
                    return
                # Otherwise the server does not know it: then there is nothing to stop.

    def _not_connected(self, error: AcetateError) -> None:
        if error.name == "version":
            self._stop_trying(Signal.OTHER_VERSION, error)
        elif error.name == "not_loopback":
            self._give_up(error)
        elif self._server.has_ended():
            self._give_up(self._server.why_it_ended())
        elif not self._retry.first_chance_is_over():
            self._retry.pause()
        elif self._retry.was_connected:
            self._retry.pause()
            if self._retry.is_hopeless():
                self._tell(Signal.GAVE_UP, error)
        elif error.name == "auth":
            self._stop_trying(Signal.REFUSED_SECRET, error)
        else:
            self._give_up(error)

    def _stop_trying(self, signal: Signal, error: AcetateError) -> None:
        self._target, self._refusal = None, error
        self._tell(signal, error)
        self._fail_unsent(error)

    def _give_up(self, error: AcetateError) -> None:
        self._stop_trying(Signal.GAVE_UP, error)

    def _fail_unsent(self, error: AcetateError) -> None:
        for work in self._works.values():
            if not work.note.job:
                self._desk.finish(work, JobState.FAILED, error)
        self._drop_finished()

    def _drop_client(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _dropped(self, error: AcetateError) -> None:
        self._drop_client()
        self._retry = _Retry(was_connected=True)
        if error.name == "version":
            self._stop_trying(Signal.OTHER_VERSION, error)
        else:
            self._tell(Signal.DROPPED, error)

    def _advance_all(self, client: Client) -> None:
        works = list(self._works.values())
        started = time.monotonic()
        try:
            for work in works:
                advance(work, client, self._desk, FOLLOW_S / len(works))
            if not works:
                self._ping(client)
        except AcetateError as error:
            self._dropped(error)
            return
        finally:
            self._drop_finished()
        is_slow = time.monotonic() - started > SLOW_S + len(works)
        if is_slow != self._is_slow:
            self._is_slow = is_slow
            self._tell(Signal.SLOW if is_slow else Signal.ANSWERED)

    def _ping(self, client: Client) -> None:
        if time.monotonic() - self._pinged_at > PING_EVERY_S:
            client.health()
            self._pinged_at = time.monotonic()

    def _drop_finished(self) -> None:
        self._works = {key: work for key, work in self._works.items() if not work.is_over}

    def _fail_everything(self, error: Exception) -> None:
        bug = AcetateError("bug", detail="".join(traceback.format_exception(error))[-4000:])
        for work in self._works.values():
            self._desk.finish(work, JobState.FAILED, bug)
        self._drop_finished()
        self._drop_client()
        self._give_up(bug)

    def _leave(self) -> None:
        while not self._orders.empty():
            order = self._orders.get_nowait()
            if isinstance(order, Halt):
                self._halt_order(order)
            elif isinstance(order, Send):
                outgoing.clear(order.folder)
        for work in self._works.values():
            if work.parcel is not None:  # what was not sent by now is sent by no later process
                outgoing.clear(work.folder)
        self._drop_client()
        if self._stop_server_at_end:
            self._server.stop()


class _Retry:
    """When to try the next connection, and when hope is over."""

    def __init__(self, first_patience_s: float = 0.0, *, was_connected: bool = False) -> None:
        now = time.monotonic()
        self.was_connected = was_connected
        self._first_until = now + first_patience_s
        self._lost_at = now + GIVE_UP_AFTER_S
        self._next_at = now
        self._attempts = 0

    def is_due(self) -> bool:
        return time.monotonic() >= self._next_at

    def first_chance_is_over(self) -> bool:
        return self.was_connected or time.monotonic() >= self._first_until

    def is_hopeless(self) -> bool:
        return time.monotonic() >= self._lost_at

    def pause(self) -> None:
        pause_s = _PAUSES_S[min(self._attempts, len(_PAUSES_S) - 1)]
        self._attempts += 1
        self._next_at = time.monotonic() + (_LOST_PAUSE_S if self.is_hopeless() else pause_s)


_HANDLERS: dict[type, Callable[[LinkLoop, Any], None]] = {
    Surroundings: LinkLoop._surroundings_order,
    Connect: LinkLoop._connect_order,
    Disconnect: LinkLoop._disconnect_order,
    StopServer: LinkLoop._disconnect_order,
    StartServer: LinkLoop._start_server_order,
    Send: LinkLoop._send_order,
    Follow: LinkLoop._follow_order,
    Stop: LinkLoop._stop_order,
    Survey: LinkLoop._survey_order,
    Halt: LinkLoop._halt_order,
}
