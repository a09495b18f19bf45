"""Holds the one session of this Blender and hangs it onto Blender's timer and handlers."""

from __future__ import annotations

import logging

import bpy
from bpy.app.handlers import persistent

from . import preferences
from .scene_state import see_takes_from
from .session import IDLE_INTERVAL_S, Session
from .shared.errors import AcetateError
from .shared.local_server import find_local_server

_log = logging.getLogger(__name__)
_sessions: list[Session] = []


def session() -> Session:
    """The running session. Raises `bug` where the extension is not registered."""
    if not _sessions:
        raise AcetateError("bug", detail="the extension is not registered")
    return _sessions[0]


def tick() -> float:
    """The timer's function; a defect is logged and shown, and the timer goes on."""
    if not _sessions:
        return IDLE_INTERVAL_S
    try:
        return _sessions[0].pump()
    except Exception as error:  # noqa: BLE001 (the border to Blender's timer)
        _log.exception("the tick failed")
        _sessions[0].drop_export()
        _sessions[0].fail(AcetateError("bug", detail=repr(error)))
        return IDLE_INTERVAL_S


@persistent
def _file_loaded(*_: object) -> None:
    session().file_loaded()


@persistent
def _undone(*_: object) -> None:
    session().undone()


@persistent
def _scene_changed(*_: object) -> None:
    session().scene_changed()


@persistent
def _saving(target: str, *_: object) -> None:
    see_takes_from(target, bpy.data.filepath)


@persistent
def _saved(target: str, *_: object) -> None:
    # After a copy or a failure the open file is where it was.
    see_takes_from(bpy.data.filepath, target)


_HANDLERS = (
    ("load_post", _file_loaded),
    ("save_pre", _saving),
    ("save_post", _saved),
    ("save_post_fail", _saved),
    ("undo_post", _undone),
    ("redo_post", _undone),
    ("depsgraph_update_post", _scene_changed),
)


def _first_look() -> None:
    """Once after the start: Blender's data may not be read while extensions register."""
    if not _sessions:
        return
    session().file_loaded()
    if preferences.read().connect_at_start and find_local_server() is not None:
        session().connect()


def register() -> None:
    """Start the session, the timer and the handlers."""
    _sessions.append(Session())
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)
    bpy.app.timers.register(tick, first_interval=IDLE_INTERVAL_S, persistent=True)
    bpy.app.timers.register(_first_look, first_interval=0.01, persistent=True)


def unregister() -> None:
    """Stop everything that `register` started."""
    for function in (tick, _first_look):
        if bpy.app.timers.is_registered(function):
            bpy.app.timers.unregister(function)
    for name, handler in _HANDLERS:
        handlers = getattr(bpy.app.handlers, name)
        if handler in handlers:
            handlers.remove(handler)
    for running in _sessions:
        running.close()
    _sessions.clear()
