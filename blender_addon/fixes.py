"""What the Fix button does, by the name that an error carries; only settings, never drawings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy

from . import runtime
from .preferences import PACKAGE
from .properties import ACETATE_PG_layer, shot_of
from .scene.layers import scan
from .shared.errors import AcetateError
from .shot_settings import animated_keys, next_gap, sync_layers

_MAX_ANIMATED = 16


def _scan_layers(context: bpy.types.Context, error: dict[str, str]) -> None:
    del error
    sync_layers(context.scene)


def _jump_to_gap(context: bpy.types.Context, error: dict[str, str]) -> None:
    scene = context.scene
    keys = animated_keys(shot_of(scene), scan(scene))
    gap = next_gap(keys, scene.frame_current)
    if gap is None:
        raise AcetateError("no_gap", detail=f"frames with keys: {keys}", **_values(error))
    scene.frame_set(gap[0])
    shot_of(scene).range = "gap"


def _hold_longer(context: bpy.types.Context, error: dict[str, str]) -> None:
    del error
    shot = shot_of(context.scene)
    shot.exposure = str(min(int(shot.exposure) + 1, 4))


def _hold_others(context: bpy.types.Context, error: dict[str, str]) -> None:
    del error
    animated = [row for row in shot_of(context.scene).layers if row.role == "animate"]
    for row in animated[_MAX_ANIMATED:]:
        _set_role(row, "hold")


def _hold_layer(context: bpy.types.Context, error: dict[str, str]) -> None:
    _set_role(_layer(context, error), "hold")


def _drop_path(context: bpy.types.Context, error: dict[str, str]) -> None:
    _layer(context, error).trajectory = "none"


def _layer(context: bpy.types.Context, error: dict[str, str]) -> ACETATE_PG_layer:
    name = _values(error).get("layer", "")
    row = shot_of(context.scene).layers.get(name)
    if row is None:
        raise AcetateError("not_found", what=f"layer {name}")
    return row


def _set_role(row: ACETATE_PG_layer, role: str) -> None:
    row.role = role
    row.role_is_own = True


def _add_camera(context: bpy.types.Context, error: dict[str, str]) -> None:
    del error
    scene = context.scene
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    scene.camera = camera
    region = getattr(getattr(context, "space_data", None), "region_3d", None)
    if region is not None:
        camera.matrix_world = region.view_matrix.inverted()
        return
    # No viewport to look from: in front of the origin, as Blender's 2D template has it.
    camera.location = (0.0, -8.0, 0.0)
    camera.rotation_euler = (1.5707963, 0.0, 0.0)


def _save_as(context: bpy.types.Context, error: dict[str, str]) -> None:
    del context, error
    bpy.ops.wm.save_as_mainfile("INVOKE_DEFAULT")


def _open_preferences(context: bpy.types.Context, error: dict[str, str]) -> None:
    del context, error
    bpy.ops.preferences.addon_show(module=PACKAGE)


def _start_server(context: bpy.types.Context, error: dict[str, str]) -> None:
    del context, error
    runtime.session().start_server()


def _connect(context: bpy.types.Context, error: dict[str, str]) -> None:
    del context, error
    runtime.session().connect()


def _send_again(context: bpy.types.Context, error: dict[str, str]) -> None:
    del error
    if not runtime.session().send_again():
        runtime.session().generate(context)


def _use_layer_motion(context: bpy.types.Context, error: dict[str, str]) -> None:
    del error
    shot_of(context.scene).engine = "layer-motion"


def _new_seed(context: bpy.types.Context, error: dict[str, str]) -> None:
    del error
    shot_of(context.scene).seed_lock = False


def _copy_diagnostics(context: bpy.types.Context, error: dict[str, str]) -> None:
    del context
    runtime.session().error = error
    bpy.ops.acetate.diagnostics()


def _values(error: dict[str, str]) -> dict[str, str]:
    prefix = "value_"
    return {key[len(prefix) :]: text for key, text in error.items() if key.startswith(prefix)}


FIXES: dict[str, Callable[[Any, dict[str, str]], None]] = {
    "layers_sync": _scan_layers,
    "jump_to_gap": _jump_to_gap,
    "hold_longer": _hold_longer,
    "hold_others": _hold_others,
    "hold_layer": _hold_layer,
    "drop_path": _drop_path,
    "add_camera": _add_camera,
    "save_as": _save_as,
    "open_preferences": _open_preferences,
    "server_start": _start_server,
    "connect": _connect,
    "job_retry": _send_again,
    "use_layer_motion": _use_layer_motion,
    "new_seed": _new_seed,
    "diagnostics": _copy_diagnostics,
}
