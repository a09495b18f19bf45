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

    `also` names signals that mean the same where nobody handles them, such as SIGTERM of a farm.
    Leaving it with any error after an interruption raises `KeyboardInterrupt` from that error.
    Outside the main thread, and where SIGINT is ignored, it does nothing.
    """

    def __init__(self, *also: signal.Signals) -> None:
        self.noted = False
        self._numbers = (signal.SIGINT, *also)
        self._previous: dict[int, signal._HANDLER] = {}

    def check(self) -> None:
        """Raise `KeyboardInterrupt` once one was noted; to be called after every step of work."""
        if self.noted:
            raise KeyboardInterrupt

    def __enter__(self) -> Self:
        if threading.current_thread() is not threading.main_thread():
            return self
        for number in self._numbers:
            previous = signal.getsignal(number)
            is_free = previous is signal.SIG_DFL and number != signal.SIGINT
            if callable(previous) or is_free:
                self._previous[number] = previous
                signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, previous in self._previous.items():
            signal.signal(number, previous)
        if self.noted and isinstance(error, Exception):
            raise KeyboardInterrupt from error

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.noted = True
        previous = self._previous.get(number)
        if callable(previous):
            previous(number, frame)
        else:
            raise KeyboardInterrupt
