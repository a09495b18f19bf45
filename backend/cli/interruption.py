"""Ctrl-C that is not lost: noted for good, also where a library swallows the exception it raises.

`KeyboardInterrupt` comes up wherever the interpreter happens to be. In a plugin that a library is
just importing, it is swallowed by the library's own `except`, or comes out as another error.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Self


class Interruption:
    """Notes SIGINT while it is entered, then hands it on to whoever handled it before.

    Leaving it with any error after an interruption raises `KeyboardInterrupt` from that error.
    Outside the main thread, and where SIGINT is ignored, it does nothing.
    """

    def __init__(self) -> None:
        self.noted = False
        self._previous: signal._HANDLER = None

    def check(self) -> None:
        """Raise `KeyboardInterrupt` once one was noted; to be called after every step of work."""
        if self.noted:
            raise KeyboardInterrupt

    def __enter__(self) -> Self:
        previous = signal.getsignal(signal.SIGINT)
        if callable(previous) and threading.current_thread() is threading.main_thread():
            self._previous = previous
            signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
            self._previous = None
        if self.noted and isinstance(error, Exception):
            raise KeyboardInterrupt from error

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.noted = True
        if callable(self._previous):
            self._previous(number, frame)
