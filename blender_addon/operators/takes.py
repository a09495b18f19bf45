"""Apply, re-use, show and discard takes."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from .. import runtime
from ..properties import PLACEMENTS, ACETATE_PG_take, shot_of
from ..shared.errors import AcetateError
from ..shared.shot import shot_from_json
from ..takes import library
from ..takes.place import SEEN_IN, Placement, place, warnings_for
from ..takes.strokes import place_strokes
from .guard import GuardedOperator


def chosen_row(context: bpy.types.Context, take: str) -> ACETATE_PG_take:
    """The list entry of a take by folder name, or the chosen one. Raises `not_found`."""
    shot = shot_of(context.scene)
    if take:
        row = shot.take_list.get(take)
    else:
        inside = 0 <= shot.take_index < len(shot.take_list)
        row = shot.take_list[shot.take_index] if inside else None
    if row is None:
        raise AcetateError("not_found", what=f"take {take}" if take else "take in this scene")
    return row


def folder_of(row: ACETATE_PG_take) -> Path:
    """Where a listed take lies."""
    return Path(bpy.path.abspath(row.folder))


class TakeOperator(GuardedOperator):
    """Base of the operators on one take."""

    bl_idname = "acetate.take"

    take: StringProperty(
        name="Take",
        description="Folder name of the take, empty for the chosen one",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only where there are takes."""
        return context.scene is not None and len(shot_of(context.scene).take_list) > 0


class ACETATE_OT_take_apply(TakeOperator):
    """Place the take beside your own drawings, which stay as they are"""

    bl_idname = "acetate.take_apply"
    bl_label = "Apply Take"
    bl_options = {"REGISTER", "UNDO"}

    placement: EnumProperty(
        name="Place As",
        description="How the take comes into the scene",
        items=(("scene", "As Set", "As the scene says"), *PLACEMENTS),
        options={"SKIP_SAVE"},
    )

    def act(self, context: bpy.types.Context) -> set[str]:
        """Place the take; all of it is one undo step."""
        row = chosen_row(context, self.take)
        self.take = row.name  # adjusting the operation runs it again, for this same take
        take = library.read_take(folder_of(row))
        chosen = self.placement
        if chosen == "scene":
            chosen = shot_of(context.scene).placement
        placement = Placement(chosen)
        place(context, take, placement)
        for text in warnings_for(context.scene, take):
            self.report({"WARNING"}, text)
        self.report({"INFO"}, f"{take.title} placed, Undo removes it. {SEEN_IN[placement]}")
        return {"FINISHED"}


class ACETATE_OT_take_strokes(TakeOperator):
    """Add the take's drawings as strokes that can be edited, where it is made of strokes"""

    bl_idname = "acetate.take_strokes"
    bl_label = "Add as Grease Pencil"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context: bpy.types.Context) -> set[str]:
        """Make the object; all of it is one undo step."""
        row = chosen_row(context, self.take)
        self.take = row.name  # adjusting the operation runs it again, for this same take
        take = library.read_take(folder_of(row))
        thing = place_strokes(context, take)
        left_out = sum(bool(one.painted) and not one.strokes for one in take.manifest.layers)
        if left_out:
            self.report({"WARNING"}, f"{left_out} layers are made of pixels and left out")
        self.report({"INFO"}, f"{thing.name} added, Undo removes it")
        return {"FINISHED"}


class ACETATE_OT_take_reuse(TakeOperator):
    """Set seed, engine and range as they were for this take"""

    bl_idname = "acetate.take_reuse"
    bl_label = "Reuse Settings"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context: bpy.types.Context) -> set[str]:
        """Copy the settings back; works without a server."""
        folder = folder_of(chosen_row(context, self.take))
        try:
            request = shot_from_json((folder / library.REQUEST).read_bytes())
        except OSError as error:
            raise AcetateError("take_missing", take=folder.name, detail=str(folder)) from error
        shot = shot_of(context.scene)
        shot.seed, shot.seed_lock = request.look.seed, True
        shot.range, shot.custom_start, shot.custom_end = "custom", request.start, request.end
        shot.mode = request.mode.value
        shot.exposure = str(min(request.exposure, 4))
        shot.prompt, shot.steps = request.look.prompt, request.look.steps
        shot.guidance = request.look.guidance
        engines = type(shot).bl_rna.properties["engine"].enum_items.keys()
        if request.look.engine in engines:
            shot.engine = request.look.engine
        return {"FINISHED"}


class ACETATE_OT_take_reveal(TakeOperator):
    """Open the folder of the take"""

    bl_idname = "acetate.take_reveal"
    bl_label = "Open Folder"
    bl_options = {"REGISTER"}

    def act(self, context: bpy.types.Context) -> set[str]:
        """Show the folder in the system's file manager."""
        folder = folder_of(chosen_row(context, self.take))
        if not folder.is_dir():
            raise AcetateError("take_missing", take=folder.name, detail=str(folder))
        bpy.ops.wm.path_open(filepath=str(folder))
        return {"FINISHED"}


class ACETATE_OT_take_discard(TakeOperator):
    """Delete the take from disk, which cannot be undone"""

    bl_idname = "acetate.take_discard"
    bl_label = "Discard Take"
    bl_options = {"REGISTER"}

    keep_files: BoolProperty(
        name="Keep Files", description="Only take it off the list", options={"SKIP_SAVE"}
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask first: files are deleted."""
        return context.window_manager.invoke_confirm(self, event)

    def act(self, context: bpy.types.Context) -> set[str]:
        """Delete the folder and the list entry."""
        row = chosen_row(context, self.take)
        if not self.keep_files and folder_of(row).exists():
            library.discard(folder_of(row))
            runtime.session().take_discarded(folder_of(row))
        rows = shot_of(context.scene).take_list
        rows.remove(rows.find(row.name))
        shot_of(context.scene).take_index = 0
        return {"FINISHED"}


CLASSES: tuple[type[bpy.types.Operator], ...] = (
    ACETATE_OT_take_apply,
    ACETATE_OT_take_strokes,
    ACETATE_OT_take_reuse,
    ACETATE_OT_take_reveal,
    ACETATE_OT_take_discard,
)
