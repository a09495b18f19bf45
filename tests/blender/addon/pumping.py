"""What tests of the link share: the tick, called until something is so, and a small shot sent."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING

import bpy

from tests.blender.addon.shots import moving_square

if TYPE_CHECKING:
    from blender_addon.session import Session, Tracked

_PATIENCE_S = 90.0


def pump_until(session: Session, condition: Callable[[], bool]) -> None:
    """Call the tick, as Blender's timer would, until something is so."""
    until = time.monotonic() + _PATIENCE_S
    while not condition():
        assert time.monotonic() < until, (session.connection, session.error, session.jobs)
        session.pump()
        time.sleep(0.01)


def connect(session: Session) -> None:
    """Connect to the announced server."""
    session.connect()
    pump_until(session, lambda: session.connection.value == "ready")


def reset(session: Session) -> None:
    """Leave the server, forget jobs and errors."""
    session.disconnect()
    pump_until(session, lambda: session.connection.value == "off")
    session.jobs.clear()
    session.dismiss()


def send_square(session: Session, part: Callable[[str], ModuleType], **shape: int) -> Tracked:
    """Send a small shot of the open scene."""
    request, blobs = moving_square(part, **shape)
    root = part("takes.library").takes_root(bpy.data.filepath, None)
    (key,) = session.send(bpy.context.scene, root, request, blobs)
    return session.jobs[key]


def send_long(session: Session, part: Callable[[str], ModuleType]) -> Tracked:
    """Connect and send a shot that takes a while; returns once the server has it."""
    connect(session)
    tracked = send_square(session, part, frames=25, side=256)
    pump_until(session, lambda: bool(tracked.view.job))
    return tracked
