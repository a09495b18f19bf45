"""Panels for the shot and its look."""

from __future__ import annotations

import bpy

from ..properties import shot_of
from .sidebar import SidebarPanel


class ACETATE_PT_shot(SidebarPanel):
    """Mode, range and exposure."""

    bl_idname = "ACETATE_PT_shot"
    bl_label = "Shot"
    bl_order = 1

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the shot's settings."""
        shot = shot_of(context.scene)
        column = self.layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(shot, "mode")
        column.prop(shot, "range")
        if shot.range == "custom":
            pair = column.column(align=True)
            pair.prop(shot, "custom_start")
            pair.prop(shot, "custom_end")
        column.prop(shot, "exposure")
        column.prop(shot, "quality")


class ACETATE_PT_look(SidebarPanel):
    """Engine, seed and takes."""

    bl_idname = "ACETATE_PT_look"
    bl_label = "Look"
    bl_order = 4
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the look."""
        shot = shot_of(context.scene)
        column = self.layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(shot, "engine")
        row = column.row(align=True)
        row.prop(shot, "seed")
        row.prop(shot, "seed_lock", text="", icon="LOCKED" if shot.seed_lock else "UNLOCKED")
        column.prop(shot, "takes")
        if shot.engine in ("auto", "layeranimate"):
            column.prop(shot, "prompt")
            column.prop(shot, "preset")
            column.prop(shot, "steps")
            column.prop(shot, "guidance")


CLASSES: tuple[type, ...] = (ACETATE_PT_shot, ACETATE_PT_look)
