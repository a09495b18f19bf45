"""What goes wrong with results and their placing. Read by `errors` alone."""

from __future__ import annotations

from ..error_spec import ErrorSpec, ExitCode

ROWS: tuple[ErrorSpec, ...] = (
    ErrorSpec(
        "E402",
        "queue_full",
        "You have {count} jobs in line (limit {limit})",
        "Wait for one to finish, or cancel one",
        ExitCode.QUOTA,
    ),
    ErrorSpec(
        "E404",
        "job_unknown",
        "The server does not know job {job}",
        "It may have been cleaned up; send the shot again",
        ExitCode.INPUT_INVALID,
        "job_retry",
        "Send Again",
    ),
    ErrorSpec(
        "E405",
        "key_conflict",
        "This job key was used for another shot",
        "Send the shot with a new key",
        ExitCode.INPUT_INVALID,
    ),
)
