"""Keyboard shortcuts: added on register, gone on unregister, off by a preference."""

from __future__ import annotations

import bpy
import rna_keymap_ui

# (operator, key, ctrl, shift, alt): none of them is used in Blender's default key map.
BINDINGS: tuple[tuple[str, str, bool, bool, bool], ...] = (
    ("acetate.generate", "RET", True, False, False),
    ("acetate.job_cancel", "RET", True, False, True),
    ("acetate.take_apply", "Y", False, True, True),
)
EDITORS: tuple[tuple[str, str], ...] = (("3D View", "VIEW_3D"), ("Dopesheet", "DOPESHEET_EDITOR"))

_added: list[tuple[bpy.types.KeyMap, bpy.types.KeyMapItem]] = []


def register(*, is_wanted: bool) -> None:
    """Add the shortcuts, switched off where the preference says so.

    Does nothing where there is no key configuration.
    """
    config = bpy.context.window_manager.keyconfigs.addon if bpy.context.window_manager else None
    if config is None:
        return
    for map_name, space in EDITORS:
        keymap = config.keymaps.new(name=map_name, space_type=space)
        for operator, key, ctrl, shift, alt in BINDINGS:
            item = keymap.keymap_items.new(operator, key, "PRESS", ctrl=ctrl, shift=shift, alt=alt)
            item.active = is_wanted
            _added.append((keymap, item))


def unregister() -> None:
    """Remove every shortcut that `register` added."""
    for keymap, item in _added:
        keymap.keymap_items.remove(item)
    _added.clear()


def follow_preference(preferences: bpy.types.AddonPreferences, context: bpy.types.Context) -> None:
    """Switch the shortcuts on or off after the preference changed."""
    del context
    for _, item in _added:
        item.active = preferences.use_keymap


def draw(layout: bpy.types.UILayout) -> None:
    """Draw the shortcuts so that they can be edited."""
    config = bpy.context.window_manager.keyconfigs.user
    for keymap, item in _added:
        user_map = config.keymaps.get(keymap.name)
        user_item = user_map.keymap_items.find_match(keymap, item) if user_map else None
        if user_item is not None:
            rna_keymap_ui.draw_kmi([], config, user_map, user_item, layout, 0)
