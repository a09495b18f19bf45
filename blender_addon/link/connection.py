"""States of the connection and what changes them: pure data for the link and the panels.

Source: the table of connection states in the product specification, section 4.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Connection(Enum):
    """Where the link to the server stands."""

    OFF = "off"
    STARTING = "starting"
    CONNECTING = "connecting"
    AUTH_REQUIRED = "auth_required"
    INCOMPATIBLE = "incompatible"
    READY = "ready"
    DEGRADED = "degraded"
    RECONNECTING = "reconnecting"
    LOST = "lost"
    STOPPING = "stopping"


class Signal(Enum):
    """What may happen to a connection."""

    START_SERVER = "start_server"
    CONNECT = "connect"
    GREETED = "greeted"
    REFUSED_SECRET = "refused_secret"  # noqa: S105 (the name of an event, not a password)
    OTHER_VERSION = "other_version"
    SLOW = "slow"
    ANSWERED = "answered"
    DROPPED = "dropped"
    GAVE_UP = "gave_up"
    DISCONNECT = "disconnect"
    CLOSED = "closed"


_C, _S = Connection, Signal

# A pair that is not listed leaves the state as it is: a late signal never pushes it back.
TRANSITIONS: dict[tuple[Connection, Signal], Connection] = {
    **{(state, _S.CONNECT): _C.CONNECTING for state in _C},
    **{(state, _S.START_SERVER): _C.STARTING for state in _C},
    **{
        (state, _S.GREETED): _C.READY
        for state in (_C.STARTING, _C.CONNECTING, _C.RECONNECTING, _C.LOST, _C.DEGRADED)
    },
    **{
        (state, _S.REFUSED_SECRET): _C.AUTH_REQUIRED
        for state in (_C.STARTING, _C.CONNECTING, _C.RECONNECTING, _C.LOST)
    },
    **{
        (state, _S.OTHER_VERSION): _C.INCOMPATIBLE
        for state in (_C.STARTING, _C.CONNECTING, _C.RECONNECTING, _C.LOST)
    },
    (_C.READY, _S.SLOW): _C.DEGRADED,
    (_C.DEGRADED, _S.ANSWERED): _C.READY,
    (_C.READY, _S.DROPPED): _C.RECONNECTING,
    (_C.DEGRADED, _S.DROPPED): _C.RECONNECTING,
    (_C.RECONNECTING, _S.GAVE_UP): _C.LOST,
    (_C.CONNECTING, _S.GAVE_UP): _C.OFF,
    (_C.STARTING, _S.GAVE_UP): _C.OFF,
    (_C.READY, _S.GAVE_UP): _C.OFF,
    (_C.DEGRADED, _S.GAVE_UP): _C.OFF,
    **{(state, _S.DISCONNECT): _C.STOPPING for state in _C if state not in (_C.OFF, _C.STOPPING)},
    **{(state, _S.CLOSED): _C.OFF for state in _C},
}

CONNECTED = frozenset({Connection.READY, Connection.DEGRADED})
COMING = frozenset({Connection.STARTING, Connection.CONNECTING, Connection.RECONNECTING})
BUSY = COMING | {Connection.STOPPING}


def after(state: Connection, signal: Signal) -> Connection:
    """The state after `signal`; unchanged where the table has no such pair."""
    return TRANSITIONS.get((state, signal), state)


@dataclass(frozen=True)
class ServerFacts:
    """What the server said in its greeting, as far as the interface shows it."""

    name: str = ""
    version: str = ""
    device: str = ""
    engines: tuple[str, ...] = ()


_ICONS: dict[Connection, str] = {
    _C.OFF: "UNLINKED",
    _C.STARTING: "SORTTIME",
    _C.CONNECTING: "SORTTIME",
    _C.AUTH_REQUIRED: "KEYINGSET",
    _C.INCOMPATIBLE: "ERROR",
    _C.READY: "CHECKMARK",
    _C.DEGRADED: "ERROR",
    _C.RECONNECTING: "SORTTIME",
    _C.LOST: "CANCEL",
    _C.STOPPING: "SORTTIME",
}
_TEXTS: dict[Connection, str] = {
    _C.OFF: "Not connected",
    _C.STARTING: "Starting the server",
    _C.CONNECTING: "Connecting to {server}",
    _C.AUTH_REQUIRED: "{server} refused the secret",
    _C.INCOMPATIBLE: "Server and add-on do not match",
    _C.READY: "Ready · {server} · {device}",
    _C.DEGRADED: "{server} answers slowly",
    _C.RECONNECTING: "Connection lost; jobs keep running · trying again",
    _C.LOST: "{server} does not answer",
    _C.STOPPING: "Disconnecting",
}


def icon(state: Connection) -> str:
    """Name of the icon that stands beside the text, so that colour alone says nothing."""
    return _ICONS[state]


def text(state: Connection, facts: ServerFacts) -> str:
    """One line for the panel."""
    return _TEXTS[state].format(server=facts.name or "the server", device=facts.device or "cpu")
