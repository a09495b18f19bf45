"""Follows one job from the click to the take, as Blender's timer would, and keeps the time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Protocol

_TICK_S = 0.005
_LIMIT_S = 900.0
SPANS = {
    "checking": "upload",
    "uploading": "upload",
    "queued": "queue",
    "loading": "queue",
    "running": "generation",
    "receiving": "download",
}


class State(Protocol):
    """A state of the extension's enums."""

    value: str


class View(Protocol):
    """A job as the extension's panels draw it."""

    job: str
    state: State
    stage: str
    done: int
    total: int
    is_over: bool


class Tracked(Protocol):
    """A job as the extension keeps it; `parcel` is the request and its blobs until it is done."""

    view: View
    parcel: tuple[object, object] | None


class Export(Protocol):
    """An export under way."""

    done: int
    total: int
    text: str


class Session(Protocol):
    """The part of the extension's session that the demo looks at."""

    connection: State
    export: Export | None
    error: dict[str, str] | None
    jobs: dict[str, Tracked]
    last_keys: list[str]

    def pump(self) -> float:
        """What Blender's timer calls."""
        ...


class Follower:
    """Pumps the extension's session until the job is over.

    `spans` are wall seconds per stage, `starts` counts how often the job was seen to begin,
    `parcel` is the request with its blobs as sent.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._shown = ""
        self.spans: dict[str, float] = {}
        self.parcel: tuple[object, object] | None = None
        self.on_running: Callable[[], None] | None = None
        self.starts = 0
        self._last_stage = ""

    @property
    def view(self) -> View | None:
        """The newest job as the panels draw it, or None before one was sent."""
        keys = self._session.last_keys
        return self._session.jobs[keys[0]].view if keys else None

    def connect(self) -> None:
        """Wait until the session is connected. Raises `RuntimeError` with its error."""
        until = time.monotonic() + 60.0
        while self._session.connection.value != "ready":
            self._session.pump()
            if time.monotonic() > until:
                raise RuntimeError(f"no connection: {self._session.error}")
            time.sleep(_TICK_S)

    def until_over(self) -> None:
        """Pump until the take is on disk. Raises `RuntimeError` where the job did not end well."""
        until = time.monotonic() + _LIMIT_S
        while self._session.export is not None or not self._is_over():
            self._tick()
            if time.monotonic() > until:
                raise RuntimeError("the job did not end in time")
        self._session.pump()
        if self._shown:
            sys.stderr.write("\n")
        view = self.view
        if view is None or view.state.value != "done":
            raise RuntimeError(f"the job ended badly: {self._session.error}")

    def _is_over(self) -> bool:
        view = self.view
        if view is None:
            return self._session.error is not None
        return view.is_over

    def _tick(self) -> None:
        started = time.monotonic()
        stage = self._stage()
        self._session.pump()
        if self._session.export is None:
            time.sleep(_TICK_S)
        self.spans[stage] = self.spans.get(stage, 0.0) + time.monotonic() - started
        self._watch(stage)

    def _stage(self) -> str:
        view = self.view
        if self._session.export is not None or view is None:
            return "export"
        return SPANS.get(view.state.value, "download")

    def _watch(self, stage: str) -> None:
        keys = self._session.last_keys
        if self.parcel is None and keys:
            self.parcel = self._session.jobs[keys[0]].parcel
        self._show(stage)
        self.starts += stage == "generation" != self._last_stage
        self._last_stage = stage
        if stage == "generation" and self.on_running is not None:
            self.on_running()

    def _show(self, stage: str) -> None:
        """A progress line for people; it is rewritten in place on a terminal."""
        view, export = self.view, self._session.export
        text = stage
        if export is not None:
            text = f"export {export.done}/{export.total} {export.text}"
        elif view is not None and view.total:
            text = f"{stage} {view.stage} {view.done}/{view.total}"
        if text != self._shown and sys.stderr.isatty():
            sys.stderr.write(f"\r  {text:<60}")
        self._shown = text
