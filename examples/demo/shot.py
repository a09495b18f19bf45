"""Sets the demo's shot up through the extension's own operators and properties; used by `run`."""

from __future__ import annotations

import bpy

from . import scene as demo

ROLES = {
    demo.BACKGROUND: "background",
    demo.TAIL: "animate",
    demo.FOX: "animate",
    demo.BALL: "animate",
    demo.ROUGH: "guide",
}


def prepare(*, engine: str) -> None:
    """List the layers, give each its role and its control, and choose the engine."""
    bpy.ops.acetate.layers_sync()
    shot = bpy.context.scene.acetate
    shot.range, shot.engine, shot.seed, shot.seed_lock = "scene", engine, 7, True
    for row in shot.layers:
        bpy.ops.acetate.layer_role(layer=row.name, role=ROLES[row.layer_name])
        row.trajectory = "none"
    rows = {row.layer_name: row for row in shot.layers}
    rows[demo.TAIL].sketch = rows[demo.ROUGH].name
    rows[demo.BALL].trajectory = "target"
    rows[demo.BALL].trajectory_object = bpy.data.objects[demo.BALL_PATH]
