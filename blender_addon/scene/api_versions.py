"""What differs between Blender 4.5, 5.0 and 5.2; every other module asks here.

Grease Pencil's third generation has one RNA in all of them, only the collection was renamed
(measured, blender spec 1.1).
"""

from __future__ import annotations

from typing import Any

import bpy

GREASE_PENCIL = "GREASEPENCIL"


def grease_pencil_blocks() -> Any:
    """The collection of Grease Pencil data blocks: `new(name)`, `remove(block)`."""
    blocks = getattr(bpy.data, "grease_pencils_v3", None)
    return bpy.data.grease_pencils if blocks is None else blocks
