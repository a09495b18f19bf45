"""Acetate for Blender: layers go out, finished layers come back; Blender alone loads this."""

from __future__ import annotations

import bpy

from . import keymap, operators, panels, preferences, properties, runtime, thumbnails

_CLASSES = (*preferences.CLASSES, *operators.CLASSES, *panels.CLASSES)


def register() -> None:
    """Register everything; the session starts last, when all that it needs is there."""
    properties.register()
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    thumbnails.register()
    keymap.register(is_wanted=preferences.read().use_keymap)
    runtime.register()


def unregister() -> None:
    """Undo `register` in reverse; nothing of the extension stays behind."""
    runtime.unregister()
    keymap.unregister()
    thumbnails.unregister()
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
    properties.unregister()
