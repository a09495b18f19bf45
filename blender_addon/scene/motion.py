"""Tells whether anything about a layer may change over time, from animation data alone.

Cheap enough for every scan; the exporter then measures the real motion frame by frame.
"""

from __future__ import annotations

from collections.abc import Iterator

import bpy

from .api_versions import fcurve_paths

_TRANSFORMS = ("location", "rotation", "scale", "translation", "delta_")


def is_moving(item: bpy.types.Object) -> bool:
    """Whether an object's place may change: its own animation, constraints, parents, or bones."""
    return any(_transform_animated(holder) for holder in _with_parents(item))


def may_change(item: bpy.types.Object, camera: bpy.types.Object | None) -> bool:
    """Whether a layer's picture may change between its keys: motion, modifiers, colours, camera."""
    if is_moving(item) or _animated(item) or _animated(item.data) or len(item.modifiers):
        return True
    if any(_animated(slot.material) for slot in item.material_slots):
        return True
    if any(layer.parent is not None for layer in getattr(item.data, "layers", ())):
        return True
    return camera is not None and (is_moving(camera) or _animated(camera.data))


def _with_parents(item: bpy.types.Object) -> Iterator[bpy.types.Object]:
    holder: bpy.types.Object | None = item
    while holder is not None:
        yield holder
        holder = holder.parent


def _transform_animated(item: bpy.types.Object) -> bool:
    if any(not constraint.mute for constraint in item.constraints):
        return True
    if item.parent_type == "BONE" and item.parent is not None:
        return True
    paths = fcurve_paths(item) + fcurve_paths(item.data)
    return any(part in path for path in paths for part in _TRANSFORMS)


def _animated(block: bpy.types.ID | None) -> bool:
    return block is not None and bool(fcurve_paths(block))
