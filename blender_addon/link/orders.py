"""What the interface orders from the link's process and what that reports back: plain data.

Orders and reports are tagged records, because `frames` carries them through a pipe. Big things do
not travel with them: a shot to send lies in the folder of its take, and so does its result.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from ..takes.library import TakeNote, TakeRow
from .connection import ServerFacts, Signal
from .jobs import JobNews


class Target(Struct, frozen=True):
    """A server to talk to; without an address the one that announced itself on this computer."""

    address: str | None = None
    secret_file: Path | None = None


OURS = "ACETATE_"
"""How the variables begin by which scripts and tests choose server and folders."""


class Surroundings(Struct, frozen=True, tag=True):
    """The `ACETATE_...` variables of Blender's process: a script may change them while both run."""

    variables: dict[str, str]


class Connect(Struct, frozen=True, tag=True):
    """Connect and stay connected. The first connection is tried for `patience_s` seconds."""

    target: Target
    patience_s: float = 0.0
    epoch: int = 0


class StartServer(Struct, frozen=True, tag=True):
    """Run the server's program, then connect to it."""

    program: tuple[str, ...]
    log_file: Path
    target: Target = Target()
    epoch: int = 0


class StopServer(Struct, frozen=True, tag=True):
    """End the server that this link started, if it did, and disconnect."""

    epoch: int = 0


class Disconnect(Struct, frozen=True, tag=True):
    """Leave the server; jobs go on there."""

    epoch: int = 0


class Send(Struct, frozen=True, tag=True):
    """Submit the shot that `outgoing.lay_out` put into `folder`, and bring its take there."""

    folder: Path
    note: TakeNote


class Follow(Struct, frozen=True, tag=True):
    """Take up a job that an earlier session or an earlier process of the link sent."""

    folder: Path
    note: TakeNote


class Stop(Struct, frozen=True, tag=True):
    """Cancel a job. The link's reader acts on it at once, so that a long transfer notices too."""

    key: str


class Survey(Struct, frozen=True, tag=True):
    """Look which takes of a scene lie in a folder."""

    root: Path
    file: str
    scene: str


class Halt(Struct, frozen=True, tag=True):
    """End the process."""

    stop_server: bool = True


Order = (
    Surroundings
    | Connect
    | StartServer
    | StopServer
    | Disconnect
    | Send
    | Follow
    | Stop
    | Survey
    | Halt
)


class ConnectionReport(Struct, frozen=True, tag=True):
    """Something happened to the connection.

    `epoch` is that of the last order about the connection, so that news about an older one can be
    told apart.
    """

    signal: Signal
    facts: ServerFacts | None = None
    error: dict[str, str] | None = None
    epoch: int = 0


class JobReport(Struct, frozen=True, tag=True):
    """Something happened to a job."""

    key: str
    news: JobNews


class PreviewReport(Struct, frozen=True, tag=True):
    """A newer preview picture of a job is on disk."""

    key: str
    number: int
    file: Path


class TakeReport(Struct, frozen=True, tag=True):
    """A take is complete on disk."""

    key: str
    take: TakeRow


class SurveyReport(Struct, frozen=True, tag=True):
    """Some of what a folder holds for one scene; a full folder takes several of these."""

    order: Survey
    takes: tuple[TakeRow, ...]
    unfinished: tuple[TakeNote, ...]


Report = ConnectionReport | JobReport | PreviewReport | TakeReport | SurveyReport


class LinkEnded(Struct, frozen=True):
    """The link's process is gone; made on Blender's side, so it never travels."""

    error: dict[str, str]
