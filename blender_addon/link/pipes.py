"""Reads a pipe without ever waiting for it: the one place where the systems differ."""

from __future__ import annotations

import os
import sys

_PIECE_BYTES = 64 * 1024

if sys.platform == "win32":
    import _winapi
    import msvcrt

    def never_wait(pipe: int) -> None:
        """Nothing to prepare: `read_waiting` looks before it reads."""
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
else:

    def never_wait(pipe: int) -> None:
        """Prepare a pipe for `read_waiting`."""
        os.set_blocking(pipe, False)

    def read_waiting(pipe: int) -> bytes | None:
        """What waits in a pipe, at most 64 KiB, `b""` for nothing; None once it was closed."""
        try:
            return os.read(pipe, _PIECE_BYTES) or None
        except BlockingIOError:
            return b""
        except OSError:
            return None
