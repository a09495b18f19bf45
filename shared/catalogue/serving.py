"""What keeps a server and its clients apart. Read by `errors` alone."""

from __future__ import annotations

from ..error_spec import ErrorSpec, ExitCode

ROWS: tuple[ErrorSpec, ...] = (
    ErrorSpec(
        "E201",
        "unreachable",
        "No answer from {server}",
        "Is the server on? Start it with: acetate serve",
        ExitCode.UNREACHABLE,
        "server_start",
        "Start Server",
    ),
    ErrorSpec(
        "E202",
        "port_busy",
        "Port {port} is used by another program",
        "Choose another with --listen, or stop that program",
        ExitCode.USAGE,
    ),
    ErrorSpec(
        "E203",
        "auth",
        "The server refused the secret",
        "Use the secret file that this server wrote at its start",
        ExitCode.NOT_AUTHORISED,
        "open_preferences",
        "Open Preferences",
    ),
    ErrorSpec(
        "E204",
        "version",
        "Client and server do not match",
        "This side speaks {ours}, the other {theirs}; update the older one",
        ExitCode.VERSION_MISMATCH,
    ),
    ErrorSpec(
        "E205",
        "offline_mode",
        "Blender is in offline mode",
        "Only this computer's own server may be used; see Preferences, System",
        ExitCode.UNREACHABLE,
        "open_preferences",
        "Open Preferences",
    ),
    ErrorSpec(
        "E207",
        "not_loopback",
        "Only loopback addresses are served",
        "Listening on other addresses needs accounts and keys",
        ExitCode.USAGE,
    ),
    ErrorSpec(
        "E208",
        "session",
        "The server does not know this connection",
        "Connect again",
        ExitCode.UNREACHABLE,
        "connect",
        "Connect",
    ),
    ErrorSpec(
        "E209",
        "data_busy",
        "Another server uses this data folder",
        "Stop it, or choose another folder with --data-dir",
        ExitCode.USAGE,
    ),
    ErrorSpec(
        "E210",
        "no_program",
        "The server's program cannot be run",
        "Set the path of the acetate program in the add-on's preferences",
        ExitCode.UNREACHABLE,
        "open_preferences",
        "Open Preferences",
    ),
    ErrorSpec(
        "E211",
        "server_ended",
        "The server ended while it was starting (exit code {code})",
        "The detail holds the end of its log",
        ExitCode.UNREACHABLE,
        "server_start",
        "Start Server",
    ),
    ErrorSpec(
        "E212",
        "link_ended",
        "Blender's link to the server ended (exit code {code})",
        "Connect again: jobs on the server went on; the detail holds its last words",
        ExitCode.UNREACHABLE,
        "connect",
        "Connect",
    ),
)
