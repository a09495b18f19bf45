"""Reads and writes pipes without waiting for them: the one place where the systems differ."""

from __future__ import annotations

import os
import sys

_PIECE_BYTES = 64 * 1024

if sys.platform == "win32":
    import _winapi
    import msvcrt

    def never_wait(pipe: int) -> None:
        """Nothing to prepare: `read_waiting` looks before it reads, and writing waits here."""
        del pipe

    def read_waiting(pipe: int) -> bytes | None:
        """What waits in a pipe, at most 64 KiB, `b""` for nothing; None once it was closed.

        Python 3.11 has no `os.set_blocking` for pipes here; this is how multiprocessing does it.
        """
        try:
            count = _winapi.PeekNamedPipe(msvcrt.get_osfhandle(pipe))[0]
            return os.read(pipe, min(int(count), _PIECE_BYTES)) if count else b""
        except OSError:
            return None

    def write_some(pipe: int, data: bytes | bytearray) -> int:
        """Write to a pipe; returns how many bytes. Raises `OSError` once it was closed.

        Where the pipe is full, this waits until the other side reads: Python 3.11 knows no other
        way here. Whoever reads it must do nothing else.
        """
        return os.write(pipe, data)
else:

    def never_wait(pipe: int) -> None:
        """Prepare this end of a pipe for `read_waiting` or `write_some`."""
        os.set_blocking(pipe, False)

    def read_waiting(pipe: int) -> bytes | None:
        """What waits in a pipe, at most 64 KiB, `b""` for nothing; None once it was closed."""
        try:
            return os.read(pipe, _PIECE_BYTES) or None
        except BlockingIOError:
            return b""
        except OSError:
            return None

    def write_some(pipe: int, data: bytes | bytearray) -> int:
        """Write what fits into a pipe; returns how many bytes, 0 where it is full.

        Raises `OSError` once it was closed.
        """
        try:
            return os.write(pipe, data)
        except BlockingIOError:
            return 0
