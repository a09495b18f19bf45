"""Reads the layers of Grease Pencil objects as the artist set them; `layers` and readings call it.

Only original data is read here; evaluated strokes are in `strokes`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import bpy

from .api_versions import GREASE_PENCIL


@dataclass(frozen=True)
class MaskSource:
    """Another layer of the same object that masks this one."""

    layer_name: str
    invert: bool


def grease_pencil_objects(scene: bpy.types.Scene) -> Iterator[bpy.types.Object]:
    """All Grease Pencil objects of a scene, hidden ones too, in scene order."""
    yield from (item for item in scene.objects if item.type == GREASE_PENCIL)


def key_frames(layer: bpy.types.bpy_struct) -> tuple[int, ...]:
    """Frames where a layer has a drawing of its own, ascending."""
    return tuple(sorted(frame.frame_number for frame in layer.frames))


def empty_key_frames(layer: bpy.types.bpy_struct) -> tuple[int, ...]:
    """Those key frames whose drawing holds no stroke."""
    return tuple(sorted(f.frame_number for f in layer.frames if _stroke_count(f.drawing) == 0))


def _stroke_count(drawing: bpy.types.bpy_struct) -> int:
    return max(len(drawing.curve_offsets) - 1, 0)


def group_path(layer: bpy.types.bpy_struct) -> str:
    """Names of the groups that hold a layer, outermost first, joined by slashes."""
    return "/".join(reversed([group.name for group in _groups(layer)]))


def is_hidden(layer: bpy.types.bpy_struct) -> bool:
    """Whether a layer or any of its groups is hidden; a group does not change its layers' flag."""
    return bool(layer.hide) or any(group.hide for group in _groups(layer))


def is_locked(layer: bpy.types.bpy_struct) -> bool:
    """Whether a layer or any of its groups is locked."""
    return bool(layer.lock) or any(group.lock for group in _groups(layer))


def _groups(layer: bpy.types.bpy_struct) -> Iterator[bpy.types.bpy_struct]:
    group = layer.parent_group
    while group is not None:
        yield group
        group = group.parent_group


def mask_sources(block: bpy.types.ID, layer: bpy.types.bpy_struct) -> tuple[MaskSource, ...]:
    """The masks that take effect on a layer, in the order of their source layers.

    As in Blender's renderer (measured), a mask that is switched off or whose source layer is
    hidden does nothing, and the order of the layers counts, not that of the list of masks.
    """
    if not _uses_masks(layer):
        return ()
    inverted = {mask.name: bool(mask.invert) for mask in layer.mask_layers if not mask.hide}
    return tuple(
        MaskSource(source.name, inverted[source.name])
        for source in block.layers
        if source.name in inverted and not is_hidden(source)
    )


def _uses_masks(layer: bpy.types.bpy_struct) -> bool:
    return bool(layer.use_masks) and all(group.use_masks for group in _groups(layer))
