"""What all panels share: the sidebar tab that they live in."""

from __future__ import annotations

import bpy


class SidebarPanel(bpy.types.Panel):
    """A panel in the Acetate tab of the 3D View's sidebar."""

    bl_idname = "ACETATE_PT_sidebar"
    bl_label = "Acetate"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Acetate"
