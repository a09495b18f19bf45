"""Preview pictures of running jobs as icons; loaded on the tick, only looked up while drawing."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import bpy.utils.previews

_collections: list[bpy.utils.previews.ImagePreviewCollection] = []
_icons: dict[str, int] = {}
_numbers = count()
_KEPT = 64


def register() -> None:
    """Make the collection."""
    _collections.append(bpy.utils.previews.new())


def unregister() -> None:
    """Free all pictures."""
    for collection in _collections:
        bpy.utils.previews.remove(collection)
    _collections.clear()
    _icons.clear()


def load(key: str, file: Path) -> None:
    """Take a newer preview of a job in."""
    if not _collections or not file.is_file():
        return
    pictures = _collections[0]
    if len(pictures) >= _KEPT:
        pictures.clear()
        _icons.clear()
    # Blender caches by name, so every picture needs a name of its own.
    name = f"{key}:{next(_numbers)}"
    picture = pictures.load(name, str(file), "IMAGE", force_reload=True)
    # Read now: left to the drawing of the panel, it would show a clock until a thread is done.
    _ = picture.image_size[:]
    _icons[key] = picture.icon_id


def icon_of(key: str) -> int:
    """Icon number of a job's newest preview, 0 for none."""
    return _icons.get(key, 0)
