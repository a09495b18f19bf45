"""What all panels share: the sidebar tab that they live in, and text in several lines."""

from __future__ import annotations

import bpy

from ..link import jobs

_WRAP = 38


class SidebarPanel(bpy.types.Panel):
    """A panel in the Acetate tab of the 3D View's sidebar."""

    bl_idname = "ACETATE_PT_sidebar"
    bl_label = "Acetate"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Acetate"


def draw_wrapped(layout: bpy.types.UILayout, text: str, icon: str) -> None:
    """Draw a text as lines that fit a sidebar, the first with an icon."""
    column = layout.column(align=True)
    below = "NONE" if icon == "NONE" else "BLANK1"
    for index, line in enumerate(jobs.wrap(text, _WRAP)):
        column.label(text=line, icon=below if index else icon)
