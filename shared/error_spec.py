"""What a row of the error catalogue is, and the exit codes of the command line."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """Process exit codes of the `acetate` command; farms decide by them whether to retry."""

    DONE = 0
    UNEXPECTED = 1
    USAGE = 2
    INPUT_INVALID = 3
    UNREACHABLE = 4
    NOT_AUTHORISED = 5
    VERSION_MISMATCH = 6
    JOB_FAILED = 7
    JOB_CANCELLED = 8
    BATCH_PARTLY_FAILED = 9
    WAIT_TIMEOUT = 10
    MODEL_MISSING = 11
    OUT_OF_MEMORY = 12
    QUOTA = 13
    DISK = 14
    INTERRUPTED = 130


@dataclass(frozen=True)
class ErrorSpec:
    """One row of the catalogue.

    `text` (at most 80 characters once filled) and `hint` are `str.format` templates; `fix` names
    the action a user interface may offer, `fix_label` is the text of its button.
    """

    code: str
    name: str
    text: str
    hint: str
    exit_code: ExitCode
    fix: str = ""
    fix_label: str = ""
