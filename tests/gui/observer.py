"""Runs inside the windowed Blender: opens the sidebar tab and keeps writing what is there.

`blender FILE --python observer.py -- STATE_FILE`. Acts on nothing else; clicks come from outside.
"""

from __future__ import annotations

import importlib
import json
import sys
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy

PACKAGE = "bl_ext.user_default.acetate"
TAB = "Acetate"
_EVERY_S = 0.1
_seen_states: list[str] = []
_texts: list[str] = []
_ticks = count()


def _state_file() -> Path:
    return Path(sys.argv[sys.argv.index("--") + 1])


def _part(name: str) -> ModuleType:
    return importlib.import_module(f"{PACKAGE}.{name}")


def _viewport() -> tuple[Any, Any]:
    for area in bpy.context.window_manager.windows[0].screen.areas:
        if area.type == "VIEW_3D":
            return area, next(region for region in area.regions if region.type == "UI")
    raise LookupError("no 3D View")


def _open_tab() -> bool:
    """One step towards the open tab; True once it is there."""
    area, region = _viewport()
    space = area.spaces.active
    if not space.show_region_ui:
        space.show_region_ui = True
        space.region_3d.view_perspective = "CAMERA"
        return False
    if region.active_panel_category != TAB:
        region.active_panel_category = TAB
        return False
    return region.width > 10


def _note_progress(session: Any) -> None:  # noqa: ANN401 (a class of the installed extension)
    states = ["exporting"] if session.export else []
    for tracked in session.jobs.values():
        states.append(tracked.view.state.value)
        text = session.job_text(tracked.view)
        if text not in _texts:
            _texts.append(text)
    _seen_states.extend(state for state in states if state not in _seen_states)


def _facts(*, is_ready: bool) -> dict[str, object]:
    _, region = _viewport()
    window = bpy.context.window_manager.windows[0]
    session = _part("runtime").session()
    _note_progress(session)
    shot = bpy.context.scene.acetate
    return {
        "tick": next(_ticks),
        "ready": is_ready,
        "window": [window.width, window.height],
        "region": [region.x, region.y, region.width, region.height],
        "clipboard": bpy.context.window_manager.clipboard,
        "connection": session.connection.value,
        "error": session.error,
        "seen_states": _seen_states,
        "texts": _texts,
        "layers": [row.name for row in shot.layers],
        "takes": [row.name for row in shot.take_list],
        "collections": [collection.name for collection in bpy.data.collections],
        "frame": bpy.context.scene.frame_current,
    }


def _observe() -> float:
    facts = _facts(is_ready=_open_tab())
    target = _state_file()
    part = target.with_suffix(".part")
    part.write_text(json.dumps(facts), encoding="utf-8")
    part.replace(target)
    return _EVERY_S


bpy.app.timers.register(_observe, first_interval=1.0, persistent=True)
