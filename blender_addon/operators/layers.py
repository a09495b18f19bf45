"""Scan the scene's layers and set roles; both are undoable settings, never edits of drawings."""

from __future__ import annotations

import bpy
from bpy.props import EnumProperty, StringProperty

from ..properties import ROLES, shot_of
from ..shared.errors import AcetateError
from ..shot_settings import sync_layers
from .guard import GuardedOperator


class ACETATE_OT_layers_sync(GuardedOperator):
    """List the layers of the scene with suggested roles"""

    bl_idname = "acetate.layers_sync"
    bl_label = "Scan Layers"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context: bpy.types.Context) -> set[str]:
        """Mirror the scene into the list."""
        count = sync_layers(context.scene)
        if not count:
            raise AcetateError("no_layers")
        self.report({"INFO"}, f"{count} layers found")
        return {"FINISHED"}


class ACETATE_OT_layer_role(GuardedOperator):
    """Set what happens to a layer"""

    bl_idname = "acetate.layer_role"
    bl_label = "Set Role"
    bl_options = {"REGISTER", "UNDO"}

    layer: StringProperty(
        name="Layer",
        description="Name in the list, empty for the chosen one",
        options={"SKIP_SAVE"},
    )
    role: EnumProperty(
        name="Role",
        description="What happens to the layer",
        items=ROLES,
        options={"SKIP_SAVE"},
    )

    def act(self, context: bpy.types.Context) -> set[str]:
        """Set the role; a later scan keeps it."""
        shot = shot_of(context.scene)
        row = shot.layers.get(self.layer) if self.layer else None
        if row is None and not self.layer and 0 <= shot.layer_index < len(shot.layers):
            row = shot.layers[shot.layer_index]
        if row is None:
            raise AcetateError("not_found", what=f"layer {self.layer}")
        row.role = self.role
        row.role_is_own = True
        return {"FINISHED"}


CLASSES: tuple[type[bpy.types.Operator], ...] = (ACETATE_OT_layers_sync, ACETATE_OT_layer_role)
