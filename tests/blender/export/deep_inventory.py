"""Every value of a .blend file, down to stroke points, to show that an export changed nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import bpy

_COLLECTIONS = (
    "actions",
    "cameras",
    "collections",
    "grease_pencils",
    "grease_pencils_v3",
    "images",
    "materials",
    "meshes",
    "objects",
    "scenes",
)
# Blender's own bookkeeping, and links that lead round in circles.
_SKIPPED = {
    "rna_type",
    "depsgraph",
    "original",
    "users",
    "is_evaluated",
    "session_uid",
    "tag",
    "next_node",
    "prev_node",
    "preview",
}
_DEPTH = 6


def deep_inventory() -> dict[str, str]:
    """Path -> value of all properties of all data blocks."""
    found: dict[str, str] = {}
    for collection in _COLLECTIONS:
        for block in getattr(bpy.data, collection, ()):
            found.update(_values(f"{collection}/{block.name}", block, _DEPTH))
    return found


def _values(path: str, thing: bpy.types.bpy_struct, depth: int) -> Iterator[tuple[str, str]]:
    yield path, type(thing).__name__
    for name, prop in thing.bl_rna.properties.items():
        if name in _SKIPPED:
            continue
        inside = f"{path}/{name}"
        value = getattr(thing, name, None)
        if prop.type == "COLLECTION":
            yield from _items(inside, value, depth)
        elif prop.type == "POINTER":
            yield inside, getattr(value, "name", str(value is None))
            if value is not None and not isinstance(value, bpy.types.ID) and depth:
                yield from _values(inside, value, depth - 1)
        else:
            yield inside, _plain(value)


def _plain(value: object) -> str:
    return str(list(value)) if isinstance(value, Iterable) else str(value)


def _items(
    path: str, items: bpy.types.bpy_prop_collection, depth: int
) -> Iterator[tuple[str, str]]:
    for index, item in enumerate(items if depth else ()):
        if isinstance(item, bpy.types.ID):
            yield f"{path}[{index}]", item.name
        elif hasattr(item, "bl_rna"):
            yield from _values(f"{path}[{index}]", item, depth - 1)
