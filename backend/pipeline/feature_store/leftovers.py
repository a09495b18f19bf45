"""Names of feature files while they are being written, and which of them nobody finishes any more.

Only `disk` uses it.
"""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

STALE_S = 3600.0
_PART = re.compile(r"\.[0-9a-f]{64}-(\d{1,10})-[0-9a-f]{16}\.part")


def part_of(target: Path) -> Path:
    """A fresh name beside `target` that tells which process writes it."""
    return target.with_name(f".{target.stem}-{os.getpid()}-{secrets.token_hex(8)}.part")


def is_part(name: str) -> bool:
    """Whether a file of this name is (or was) being written."""
    return _PART.fullmatch(name) is not None


def is_left_over(name: str, age_s: float) -> bool:
    """Whether nobody writes it any more: its process is gone, or it is older than an hour.

    Processes are looked up on POSIX systems only; with a folder that several machines share, a
    living writer may be taken for dead. It then loses this one file and goes on.
    """
    match = _PART.fullmatch(name)
    if match is None:
        return False
    return age_s > STALE_S or not _is_running(int(match[1]))


def _is_running(pid: int) -> bool:
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
