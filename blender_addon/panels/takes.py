"""The list of takes with Apply, Reuse, folder and discard."""

from __future__ import annotations

import bpy

from ..properties import ACETATE_PG_shot, ACETATE_PG_take, shot_of
from ..takes.place import SEEN_IN, Placement
from .sidebar import SidebarPanel, draw_wrapped

_SHOWN_NOTES = 8
# Of the width of a row, and of what the number leaves of it.
_NUMBER_PART, _FRAMES_PART = 0.44, 0.5


class ACETATE_UL_takes(bpy.types.UIList):
    """One row per finished take."""

    bl_idname = "ACETATE_UL_takes"

    def draw_item(
        self,
        context: bpy.types.Context,
        layout: bpy.types.UILayout,
        data: object,
        item: ACETATE_PG_take,
        icon: int,
        active_data: object,
        active_property: str,
    ) -> None:
        """Draw number, frames, engine and a mark where there are notes."""
        del context, data, icon, active_data, active_property
        # The number tells takes apart: a narrow sidebar cuts the engine's name instead.
        split = layout.split(factor=_NUMBER_PART)
        split.label(text=f"Take {item.number}", icon="RENDER_RESULT")
        split = split.split(factor=_FRAMES_PART)
        split.label(text=f"{item.start}-{item.end}")
        row = split.row()
        row.label(text=item.engine)
        if item.notes:
            row.label(text="", icon="INFO")


class ACETATE_PT_takes(SidebarPanel):
    """Finished takes of this scene."""

    bl_idname = "ACETATE_PT_takes"
    bl_label = "Takes"
    bl_order = 5

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the list and what can be done with the chosen take."""
        shot = shot_of(context.scene)
        if not shot.take_list:
            self.layout.label(text="No takes yet", icon="INFO")
            return
        self.layout.template_list(
            "ACETATE_UL_takes", "", shot, "take_list", shot, "take_index", rows=3
        )
        column = self.layout.column(align=True)
        column.prop(shot, "placement", text="")
        row = column.row(align=True)
        row.scale_y = 1.3
        row.operator("acetate.take_apply", text="Apply", icon="CHECKMARK")
        draw_wrapped(column, SEEN_IN[Placement(shot.placement)], "NONE")
        column.operator("acetate.take_strokes", icon="OUTLINER_OB_GREASEPENCIL")
        row = column.row(align=True)
        row.operator("acetate.take_reuse", text="Reuse")
        row.operator("acetate.take_reveal", text="Folder")
        row.operator("acetate.take_discard", text="Discard")
        _draw_notes(self.layout, shot)


def _draw_notes(layout: bpy.types.UILayout, shot: ACETATE_PG_shot) -> None:
    """What went otherwise than asked in the chosen take."""
    inside = 0 <= shot.take_index < len(shot.take_list)
    notes = shot.take_list[shot.take_index].notes.splitlines() if inside else []
    if notes:
        box = layout.box()
        for text in notes[:_SHOWN_NOTES]:
            draw_wrapped(box, text, "INFO")
        if len(notes) > _SHOWN_NOTES:
            box.label(text=f"{len(notes) - _SHOWN_NOTES} more in the take's manifest.json")


CLASSES: tuple[type, ...] = (ACETATE_UL_takes, ACETATE_PT_takes)
