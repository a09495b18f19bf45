"""What the interface orders from the link thread and what the thread reports back: plain data."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..shared.blobs import Blobs
from ..shared.shot import ShotRequest
from ..takes.library import Take, TakeNote
from .connection import ServerFacts, Signal
from .jobs import JobNews


@dataclass(frozen=True)
class Target:
    """A server to talk to; without an address the one that announced itself on this computer."""

    address: str | None = None
    secret_file: Path | None = None


@dataclass(frozen=True)
class Connect:
    """Connect and stay connected. The first connection is tried for `patience_s` seconds."""

    target: Target
    patience_s: float = 0.0
    epoch: int = 0


@dataclass(frozen=True)
class StartServer:
    """Run the server's program, then connect to it."""

    program: tuple[str, ...]
    log_file: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    target: Target = Target()
    epoch: int = 0


@dataclass(frozen=True)
class StopServer:
    """End the server that this link started, if it did, and disconnect."""

    epoch: int = 0


@dataclass(frozen=True)
class Disconnect:
    """Leave the server; jobs go on there."""

    epoch: int = 0


@dataclass(frozen=True)
class Send:
    """Submit a shot and bring its take into `folder`; `stop`, once set, ends any transfer."""

    folder: Path
    note: TakeNote
    request: ShotRequest
    blobs: Blobs
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Follow:
    """Take up a job that an earlier session sent; `stop` as for `Send`."""

    folder: Path
    note: TakeNote
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Stop:
    """Cancel a job."""

    key: str


@dataclass(frozen=True)
class Survey:
    """Look which takes of a scene lie in a folder."""

    root: Path
    file: str
    scene: str


@dataclass(frozen=True)
class Halt:
    """End the thread."""

    stop_server: bool = True


Order = Connect | StartServer | StopServer | Disconnect | Send | Follow | Stop | Survey | Halt


@dataclass(frozen=True)
class ConnectionReport:
    """Something happened to the connection.

    `epoch` is that of the last order about the connection, so that news about an older one can be
    told apart.
    """

    signal: Signal
    facts: ServerFacts | None = None
    error: dict[str, str] | None = None
    epoch: int = 0


@dataclass(frozen=True)
class JobReport:
    """Something happened to a job."""

    key: str
    news: JobNews


@dataclass(frozen=True)
class PreviewReport:
    """A newer preview picture of a job is on disk."""

    key: str
    number: int
    file: Path


@dataclass(frozen=True)
class TakeReport:
    """A take is complete on disk."""

    key: str
    take: Take


@dataclass(frozen=True)
class SurveyReport:
    """What a folder holds for one scene."""

    order: Survey
    takes: tuple[Take, ...]
    unfinished: tuple[TakeNote, ...]


Report = ConnectionReport | JobReport | PreviewReport | TakeReport | SurveyReport
