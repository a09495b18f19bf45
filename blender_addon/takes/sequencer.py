"""Places a take in the sequencer: one image strip per layer above everything that is there."""

from __future__ import annotations

import bpy

from .images import display_path, timing_of
from .library import Take

_CHANNELS = 128


def place_in_sequencer(context: bpy.types.Context, take: Take) -> list[bpy.types.Strip]:
    """Append one strip per layer, lowest first; returns the strips. Raises `import`."""
    scene = context.scene
    editor = scene.sequence_editor or scene.sequence_editor_create()
    timing = timing_of(take)
    channel = 1 + max((strip.channel for strip in editor.strips), default=0)
    layers = sorted(take.manifest.layers, key=lambda layer: layer.order)
    made: list[bpy.types.Strip] = []
    for index, layer in enumerate(layers):
        files = take.layer_files(layer.folder)
        strip = editor.strips.new_image(
            f"{take.title} {layer.name}",
            display_path(files[0]),
            min(channel + index, _CHANNELS),
            timing.start,
        )
        for file in files[1:]:
            strip.elements.append(file.name)
        strip.frame_final_duration = timing.frames
        strip.colorspace_settings.name = "sRGB"
        strip.alpha_mode = "STRAIGHT"
        strip.blend_type = "ALPHA_OVER"
        made.append(strip)
    return made
