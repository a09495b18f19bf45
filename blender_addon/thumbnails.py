"""Preview pictures of running jobs as icons; loaded on the tick, only looked up while drawing."""

from __future__ import annotations

from pathlib import Path

import bpy.utils.previews

_collections: list[bpy.utils.previews.ImagePreviewCollection] = []
_icons: dict[str, int] = {}


def register() -> None:
    """Make the collection."""
    _collections.append(bpy.utils.previews.new())


def unregister() -> None:
    """Free all pictures."""
    for collection in _collections:
        bpy.utils.previews.remove(collection)
    _collections.clear()
    _icons.clear()


def load(key: str, number: int, file: Path) -> None:
    """Take a newer preview of a job in."""
    if not _collections or not file.is_file():
        return
    # Blender caches by name, so every picture needs a name of its own.
    preview = _collections[0].load(f"{key}:{number}", str(file), "IMAGE", force_reload=True)
    _icons[key] = preview.icon_id


def icon_of(key: str) -> int:
    """Icon number of a job's newest preview, 0 for none."""
    return _icons.get(key, 0)
