"""What no other row explains. Read by `errors` alone."""

from __future__ import annotations

from ..error_spec import ErrorSpec, ExitCode

ROWS: tuple[ErrorSpec, ...] = (
    ErrorSpec(
        "E900",
        "bug",
        "Something unexpected went wrong",
        "Please send the diagnostics",
        ExitCode.UNEXPECTED,
        "diagnostics",
        "Copy Diagnostics",
    ),
)
