"""What differs between Blender 4.5, 5.0 and 5.2; every other module asks here.

Grease Pencil's third generation has one RNA in all of them, only the collection was renamed
(measured, blender spec 1.1).
"""

from __future__ import annotations

from collections.abc import Iterator

import bpy

GREASE_PENCIL = "GREASEPENCIL"


def new_grease_pencil(name: str) -> bpy.types.ID:
    """A new, empty Grease Pencil data block."""
    return _blocks().new(name)


def remove_grease_pencil(block: bpy.types.ID) -> None:
    """Remove a Grease Pencil data block from the file."""
    _blocks().remove(block)


def _blocks() -> bpy.types.bpy_prop_collection:
    blocks = getattr(bpy.data, "grease_pencils_v3", None)
    return bpy.data.grease_pencils if blocks is None else blocks


def has_fill_ids(drawing: bpy.types.bpy_struct) -> bool:
    """Whether strokes name the fill they belong to, as in 5.2; before, their material decides."""
    return any(hasattr(stroke, "fill_id") for stroke in drawing.strokes[:1])


def fcurve_paths(block: bpy.types.ID | None) -> list[str]:
    """Data paths that actions, drivers or NLA strips animate on a data block.

    Reads the layered form of actions, which all supported versions have; `Action.fcurves` is gone
    in 5.0.
    """
    data = getattr(block, "animation_data", None)
    if data is None:
        return []
    paths = [driver.data_path for driver in data.drivers]
    pairs = [(data.action, data.action_slot)]
    pairs += [(s.action, s.action_slot) for track in data.nla_tracks for s in track.strips]
    for action, slot in pairs:
        if action is not None and slot is not None:
            paths += [curve.data_path for curve in _fcurves(action, slot)]
    return paths


def _fcurves(action: bpy.types.Action, slot: bpy.types.ActionSlot) -> Iterator[bpy.types.FCurve]:
    for layer in action.layers:
        for strip in layer.strips:
            bag = strip.channelbag(slot)
            if bag is not None:
                yield from bag.fcurves
