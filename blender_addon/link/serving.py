"""The link's process at work: a loop between two pipes; `child` alone calls it.

Threads are fine in here, it is not Blender: one reads orders, so that the interface never waits to
give one; one writes reports, so that a busy interface never holds up a transfer.
"""

from __future__ import annotations

import faulthandler
import os
import queue
import signal
import sys
import threading
import time
import traceback

from .frames import encode, order_frames
from .loop import LinkLoop
from .orders import Halt
from .server_process import STOP_S

_PIECE_BYTES = 64 * 1024
_GRACE_S = 1.5
_BAD_ORDER = 2


def serve(orders_pipe: int, reports_pipe: int) -> int:
    """Work until halted, or until nobody holds the other end of `orders_pipe`; the exit code."""
    faulthandler.enable()
    # Ctrl-C in Blender's terminal means Blender. A handler, not SIG_IGN: a server that is started
    # from here would inherit that.
    signal.signal(signal.SIGINT, lambda *_: None)
    outbox: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    loop = LinkLoop(lambda report: outbox.put(encode(report)))
    threading.Thread(target=_write_reports, args=(reports_pipe, outbox), daemon=True).start()
    threading.Thread(target=_read_orders, args=(orders_pipe, loop), daemon=True).start()
    loop.run()
    return 0


def _write_reports(pipe: int, outbox: queue.SimpleQueue[bytes]) -> None:
    while True:
        frame = memoryview(outbox.get())
        while frame:
            try:
                frame = frame[os.write(pipe, frame) :]
            except OSError as error:
                # The reader of orders sees the same end, and acts on it.
                sys.stderr.write(f"nobody reads the reports: {error}\n")
                return


def _read_orders(pipe: int, loop: LinkLoop) -> None:
    frames = order_frames()
    try:
        while data := os.read(pipe, _PIECE_BYTES):
            frames.feed(data)
            while (order := frames.take()) is not None:
                loop.accept(order)
    except Exception:  # noqa: BLE001 (deaf, this process would outlive Blender)
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(_BAD_ORDER)
    _leave_soon(loop)


def _leave_soon(loop: LinkLoop) -> None:
    """The other side is gone: end now, jobs and server as they are; firmly where a call hangs."""
    grace_s = _GRACE_S
    if loop.is_halting:
        grace_s += STOP_S
    else:
        loop.accept(Halt(stop_server=False))
    time.sleep(grace_s)
    os._exit(0)
