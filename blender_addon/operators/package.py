"""Export the shot as a package on disk, for scripts, farms and bug reports; needs no server."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import StringProperty

from ..export.shot import export_shot
from ..scene.layers import scan
from ..shared.blobs import MemoryBlobs
from ..shared.errors import AcetateError
from ..shared.package import write_package
from ..shot_settings import layer_settings, shot_settings, sync_layers
from .guard import GuardedOperator


class ACETATE_OT_export_package(GuardedOperator):
    """Write the shot as one file for scripts, farms and bug reports"""

    bl_idname = "acetate.export_package"
    bl_label = "Export Shot Package"
    bl_options = {"REGISTER"}

    filepath: StringProperty(
        name="File", description="A zip file, or a folder name", subtype="FILE_PATH"
    )
    filter_glob: StringProperty(default="*.zip", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask for the file."""
        del event
        if not self.filepath:
            stem = Path(bpy.data.filepath).stem or "shot"
            self.filepath = bpy.path.abspath(f"//{stem}_{context.scene.name}.zip")
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def act(self, context: bpy.types.Context) -> set[str]:
        """Export and write."""
        if not self.filepath:
            raise AcetateError("usage", where="No file was named")
        scene, blobs = context.scene, MemoryBlobs()
        if scene.camera is None:
            raise AcetateError("no_camera")
        found = scan(scene)
        sync_layers(scene, found)
        request = export_shot(context, shot_settings(scene, found), layer_settings(scene), blobs)
        write_package(request, blobs, Path(bpy.path.abspath(self.filepath)))
        self.report({"INFO"}, f"Written: {Path(self.filepath).name}")
        return {"FINISHED"}


CLASSES: tuple[type[bpy.types.Operator], ...] = (ACETATE_OT_export_package,)
