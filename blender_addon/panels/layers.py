"""The list of layers and the settings of the chosen one."""

from __future__ import annotations

import bpy

from ..properties import ROLES, ACETATE_PG_layer, shot_of
from .sidebar import SidebarPanel

_ROLE_ICONS = {role[0]: role[3] for role in ROLES}


class ACETATE_UL_layers(bpy.types.UIList):
    """One row per layer: role, name, motion and marks."""

    bl_idname = "ACETATE_UL_layers"

    def draw_item(
        self,
        context: bpy.types.Context,
        layout: bpy.types.UILayout,
        data: object,
        item: ACETATE_PG_layer,
        icon: int,
        active_data: object,
        active_property: str,
    ) -> None:
        """Draw one row; marks are icons with meaning by shape, not by colour."""
        del context, data, icon, active_data, active_property
        row = layout.row(align=True)
        row.prop(item, "role", text="", icon_only=True)
        name = row.row()
        name.enabled = item.role != "ignore"
        name.label(text=item.name)
        if item.use_motion and item.role == "animate":
            slider = row.row()
            slider.scale_x = 0.6
            slider.prop(item, "motion", text="", slider=True)
        marks = row.row(align=True)
        if item.sketch:
            marks.label(text="", icon="GREASEPENCIL")
        if item.trajectory not in ("none", "object"):
            marks.label(text="", icon="CURVE_PATH")
        if item.is_hidden:
            marks.label(text="", icon="HIDE_ON")
        if item.is_locked:
            marks.label(text="", icon="LOCKED")
        if item.problem:
            marks.label(text="", icon="ERROR")


class ACETATE_PT_layers(SidebarPanel):
    """All layers of the scene."""

    bl_idname = "ACETATE_PT_layers"
    bl_label = "Layers"
    bl_order = 2

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the list."""
        shot = shot_of(context.scene)
        row = self.layout.row()
        row.template_list("ACETATE_UL_layers", "", shot, "layers", shot, "layer_index", rows=4)
        row.operator("acetate.layers_sync", text="", icon="FILE_REFRESH")
        animated = sum(item.role == "animate" for item in shot.layers)
        self.layout.label(text=f"{animated} of {len(shot.layers)} get new drawings")


class ACETATE_PT_layer(SidebarPanel):
    """Controls of the chosen layer."""

    bl_idname = "ACETATE_PT_layer"
    bl_label = "Layer Settings"
    bl_parent_id = "ACETATE_PT_layers"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only with a chosen layer."""
        shot = shot_of(context.scene)
        return 0 <= shot.layer_index < len(shot.layers)

    def draw(self, context: bpy.types.Context) -> None:
        """Draw role, motion, sketch, path and spacing."""
        shot = shot_of(context.scene)
        item = shot.layers[shot.layer_index]
        column = self.layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(item, "role")
        if item.role == "animate":
            row = column.row(heading="Motion")
            row.prop(item, "use_motion", text="")
            slider = row.row()
            slider.enabled = item.use_motion
            slider.prop(item, "motion", text="", slider=True)
            column.prop_search(item, "sketch", shot, "layers", icon="GREASEPENCIL")
            _draw_path(column, item)
            column.prop(item, "spacing")
            column.prop(item, "exposure")
        if item.problem:
            column.label(text=item.problem, icon="ERROR")
        column.label(text=f"Keys: {item.keys or 'none'}")


def _draw_path(column: bpy.types.UILayout, item: ACETATE_PG_layer) -> None:
    column.prop(item, "trajectory")
    if item.trajectory in ("target", "path"):
        column.prop(item, "trajectory_object")
        target = item.trajectory_object
        if target is not None and target.type == "ARMATURE":
            column.prop_search(item, "trajectory_bone", target.data, "bones")
        elif target is not None and target.type == "GREASEPENCIL" and item.trajectory == "path":
            column.prop_search(item, "trajectory_layer", target.data, "layers")


CLASSES: tuple[type, ...] = (ACETATE_UL_layers, ACETATE_PT_layers, ACETATE_PT_layer)
