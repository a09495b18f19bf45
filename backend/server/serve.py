"""The server process: sockets, queue, store and workers brought together; started by the CLI."""

from __future__ import annotations

import logging
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import zmq

from backend.jobs.content_store import ContentStore
from backend.jobs.pool import PoolOptions
from backend.jobs.queue import JobQueue
from backend.jobs.retention import Sweeper
from backend.server.about import code_id, describe, runtime_now
from backend.server.announce import announce, lock_data_dir
from backend.server.desk import Desk
from backend.server.gateway import Gateway
from backend.server.scheduler import Scheduler
from shared.errors import AcetateError
from shared.local_server import DEFAULT_ADDRESS, normal_address, run_dir

TICK_S = 0.1
_BATCH = 64
log = logging.getLogger("acetate.server")


@dataclass(frozen=True)
class ServeOptions:
    """Where to listen, where to announce it, and how jobs are run."""

    pool: PoolOptions
    listen: str = DEFAULT_ADDRESS
    run_dir: Path = field(default_factory=run_dir)


def serve(options: ServeOptions, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; `on_ready` is told the address once clients may come.

    Raises `port_busy`, `not_loopback`, `data_busy`, `disk` or `usage` before it is ready. Jobs that
    run when it ends, however it ends, are run again by the next server on the same data folder.
    """
    address = normal_address(options.listen)
    with lock_data_dir(options.pool.data_dir), zmq.Context() as context:
        server = _Server(context, options)
        try:
            server.open(address, on_ready)
            server.loop()
        finally:
            server.close()


class _Server:
    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], options: ServeOptions) -> None:
        self._options = options
        self._stopping = False
        pool = options.pool
        shutil.rmtree(pool.data_dir / "attempts", ignore_errors=True)
        store = ContentStore(pool.data_dir)
        self._queue = JobQueue(pool.data_dir / "jobs.db")
        self._sweeper = Sweeper(self._queue, store)
        self._scheduler = Scheduler(context, self._queue, pool)
        runtime = partial(runtime_now, code_id(pool.runner, pool.devices))
        desk = Desk(describe(pool.devices), store, self._scheduler, runtime)
        self._version = desk.info.version
        self._gateway = Gateway(context, desk)
        self._scheduler.changed = self._gateway.job_changed
        self._announcement = None

    def open(self, address: str, on_ready: Callable[[str], None]) -> None:
        """Listen, take up the old jobs, and let clients in."""
        bound = self._gateway.bind(address)
        again = self._queue.recover()
        if again:
            log.info("queued again after an interruption: %s", ", ".join(one[:8] for one in again))
        self._announcement = announce(bound, self._version, self._options.run_dir)
        self._gateway.open(self._announcement.secret)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        log.info("listening on %s", bound)
        on_ready(bound)

    def loop(self) -> None:
        """Handle messages until told to stop."""
        poller = zmq.Poller()
        poller.register(self._gateway.socket, zmq.POLLIN)
        poller.register(self._scheduler.pool.socket, zmq.POLLIN)
        next_tick_s = 0.0
        while not self._stopping:
            if time.monotonic() >= next_tick_s:
                self._guard(self._scheduler.tick)
                self._guard(self._gateway.tick)
                self._guard(self._tidy)
                next_tick_s = time.monotonic() + TICK_S
            poller.poll(max(0, int((next_tick_s - time.monotonic()) * 1000)))
            # In batches, so that neither side can starve the other.
            for _ in range(_BATCH):
                front = self._guard(self._gateway.receive)
                back = self._guard(self._scheduler.pool.receive)
                if not (front or back):
                    break

    def close(self) -> None:
        """Leave no process, file or socket behind."""
        if self._announcement is not None:
            self._announcement.withdraw()
        self._gateway.close()
        self._scheduler.pool.close()
        self._queue.close()

    def _tidy(self) -> None:
        self._sweeper.tick(is_idle=self._scheduler.is_idle)

    def _stop(self, number: int, frame: object) -> None:
        del number, frame
        self._stopping = True

    def _guard(self, step: Callable[[], bool | None]) -> bool:
        """One step of the loop; whatever goes wrong in it is logged and the server goes on."""
        try:
            return bool(step())
        except AcetateError as error:
            log.warning("%s", error)
        except Exception:
            log.exception("in the message loop")
        return True
