"""Blender's side of the link: a child process that talks to the server, and the pipes to it.

No thread of Python runs beside Blender for it, which Blender does not support and which crashes it.
Nothing in here waits, except `halt`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from ..shared.errors import AcetateError
from .frames import Frames, encode, report_frames
from .interpreter import own_version
from .orders import Halt, LinkEnded, Order, Report
from .pipes import never_wait, read_waiting, write_some
from .server_process import STOP_S

WHEELS = ("msgspec", "zmq")
_CHILD = Path(__file__).with_name("child.py")
_LAST_WORDS_S = 0.2
_PAUSE_S = 0.01
_FIRM_S = 1.0
_LOG_BYTES = 4096
_LOG_LINES = 8


@dataclass
class _Child:
    """A running process: `log` has no name on disk and takes whatever it prints.

    `unsent` is what did not fit into its pipe: a process that was stopped reads nothing.
    """

    process: subprocess.Popen[bytes]
    orders: IO[bytes]
    reports: IO[bytes]
    log: IO[bytes]
    unsent: bytearray = field(default_factory=bytearray)
    frames: Frames[Report] = field(default_factory=report_frames)


class LinkProcess:
    """Starts its process with the first order, tells once where that ended, starts another then.

    `python` is the command of an interpreter like Blender's own, arguments included.
    """

    def __init__(self, python: Sequence[str]) -> None:
        self._python = tuple(python)
        self._child: _Child | None = None
        self._ended: LinkEnded | None = None

    @property
    def pid(self) -> int | None:
        """Process id; None where none was needed yet, or where it ended."""
        return self._child.process.pid if self._child else None

    def order(self, order: Order) -> None:
        """Hand over an order. Raises `bug` for one that cannot be written.

        Where the process cannot be started or has just ended, `ended` or `next_report` tell. Until
        they did, orders go nowhere: who gives them does not know yet that all starts anew.
        """
        frame = encode(order)
        if self._ended is not None:
            return
        try:
            if self._child is None:
                self._child = _start(self._python)
            _write(self._child, frame)
        except OSError as error:
            self._end(str(error))

    def next_report(self) -> Report | LinkEnded | None:
        """What came, one at a time; None where nothing waits."""
        child = self._child
        if self._ended is not None or child is None:
            return self.ended()
        try:
            while (report := child.frames.take()) is None:
                data = read_waiting(child.reports.fileno())
                if data is None:
                    self._end("in the middle of a report" if child.frames.is_torn else "")
                    return self.ended()
                if not data:
                    _flush(child)
                    return None
                child.frames.feed(data)
        except (AcetateError, OSError) as error:
            self._end(error.detail if isinstance(error, AcetateError) else str(error))
            return self.ended()
        return report

    def ended(self) -> LinkEnded | None:
        """The end of a process, told once; reports that were still on their way are lost then."""
        if self._child is not None and self._child.process.poll() is not None:
            self._end("")
        told, self._ended = self._ended, None
        return told

    def halt(self, *, stop_server: bool, join_s: float = 2.0) -> None:
        """End the process, and where wanted the server it started; nothing of it stays.

        Waits at most `join_s` seconds, longer only for a server that is slow to end.
        """
        child, self._child, self._ended = self._child, None, None
        if child is None:
            return
        until = time.monotonic() + join_s
        try:
            _write(child, encode(Halt(stop_server)))
            while child.unsent and time.monotonic() < until:
                time.sleep(_PAUSE_S)
                _flush(child)
            patience_s = max(until - time.monotonic(), 0.0) + (STOP_S if stop_server else 0.0)
            child.process.wait(patience_s)
        except (OSError, subprocess.TimeoutExpired) as error:
            sys.stderr.write(f"the link had to be ended: {error}\n")
        _kill(child.process)
        _close(child)

    def _end(self, reason: str) -> None:
        child, self._child = self._child, None
        if child is not None:
            _kill(child.process)
            reason = "\n".join(filter(None, (reason, _last_lines(child.log))))
            code = child.process.returncode
            _close(child)
        else:
            code = "none"
        self._ended = LinkEnded(AcetateError("link_ended", detail=reason, code=code).to_dict())


def _start(python: Sequence[str]) -> _Child:
    """Run the child. Raises `OSError`."""
    if not python or not python[0]:
        raise FileNotFoundError(
            f"there is no python{own_version()} beside Blender's modules or on its PATH: install it"
        )
    wheels = [f"{name}={_home(name)}" for name in WHEELS]
    log = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as the process)
    try:
        process = subprocess.Popen(
            # Like Blender's own Python: UTF-8 whatever the system's language is, and no module
            # found by lying beside the script.
            [*python, "-P", "-X", "utf8", str(_CHILD), own_version(), *wheels],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            bufsize=0,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError:
        log.close()
        raise
    orders, reports = process.stdin, process.stdout
    if orders is None or reports is None:
        raise OSError("a process without pipes")
    for pipe in (orders, reports):
        never_wait(pipe.fileno())
    return _Child(process, orders, reports, log)


def _write(child: _Child, frame: bytes) -> None:
    """Hand over a frame after those that still wait; `_flush` goes on with what does not fit."""
    child.unsent += frame
    _flush(child)


def _flush(child: _Child) -> None:
    """Write what fits. Raises `OSError` where nobody reads any more."""
    while child.unsent and (count := write_some(child.orders.fileno(), child.unsent)):
        del child.unsent[:count]


def _home(name: str) -> str:
    """The folder from which this process imports a package. Raises `OSError`."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"the package {name}")
    return str(Path(spec.origin).parent.parent)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """See a process out that should be over: wait, terminate, kill; it is no zombie afterwards."""
    for patience_s, firmer in ((_LAST_WORDS_S, process.terminate), (_FIRM_S, process.kill)):
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            firmer()
    process.wait()


def _close(child: _Child) -> None:
    for stream in (child.orders, child.reports, child.log):
        stream.close()


def _last_lines(log: IO[bytes]) -> str:
    """The end of what the process printed: at most a few lines."""
    size = log.seek(0, os.SEEK_END)
    log.seek(max(size - _LOG_BYTES, 0))
    lines = log.read().decode(errors="replace").strip().splitlines()
    return "\n".join(lines[-_LOG_LINES:])
