"""Shows the scene at other frames without moving the artist's playhead; readings and export use it.

A linked copy of the scene has a depsgraph of its own, so neither the current frame nor any animated
value of the original changes, and nothing is redrawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import bpy


@dataclass(frozen=True, eq=False)
class Moment:
    """A private copy of the scene at one frame, valid inside its `with` block only."""

    scene: bpy.types.Scene
    depsgraph: bpy.types.Depsgraph


@contextmanager
def scene_at(scene: bpy.types.Scene, view_layer_name: str, frame: int) -> Iterator[Moment]:
    """Evaluate `scene` at `frame` beside the artist's own state; removed again at the end."""
    copy = scene.copy()
    try:
        view_layer = copy.view_layers.get(view_layer_name) or copy.view_layers[0]
        # Layers of objects hidden by the eye icon may still be sent (guides often are hidden);
        # that flag belongs to the copy's own view layer.
        for item in copy.objects:
            if item.hide_get(view_layer=view_layer):
                item.hide_set(False, view_layer=view_layer)
        copy.frame_set(frame)
        yield Moment(copy, view_layer.depsgraph)
    finally:
        bpy.data.scenes.remove(copy)
